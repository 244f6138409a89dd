// @ts-check
/**
 * The desk: what all views of one widget share.
 *
 * Python owns the state. The page reads traits, asks for changes by messages, and shows a change at once as it will be: until
 * Python has answered, its own changes are laid over whatever comes. Text of models and people goes through `textContent` or
 * a canvas and nowhere else.
 *
 * @typedef {{id: string, kind: "box" | "point", image: number, label: string, tag: string, relative: number[], asked: number,
 *   is_edited: boolean, span: number[], also: number[][], number: number, colour: string, ink: string, dash: number[]}} Row
 * @typedef {{op: "add" | "alter" | "delete", id: string, image?: number, relative?: number[], label?: string}} Change
 * @typedef {{question: string, image: number, answer: string, thinking: string, ending: string, sentence: string,
 *   is_shown: boolean, n_boxes: number, n_known: number}} Asked
 * @typedef {{name: string, width_px: number, height_px: number, mime: string, bytes: DataView}} Picture
 * @typedef {{get: Function, set: Function, send: Function, on: Function, off: Function}} Model
 */


const LATE_MS = 4000;
const GONE = "The kernel is gone or was restarted. What you see stays here; run the cell again to ask and to keep changes.";
const LATE = "The kernel has not answered yet: it is busy, or gone. What you asked for waits for it.";

function makeDesk() {
  const desk = {
    /** @type {Model | null} */ model: null,
    page: Math.random().toString(36).slice(2, 10),
    n: 0,
    /** @type {{n: number, changes: Change[]}[]} */ pending: [],
    /** @type {{n: number, id: string} | null} the selection that Python has not confirmed yet */ choice: null,
    waiting: new Map(),
    note: "",
    watchers: new Set(),

    /** @param {Model} model */
    attach(model) {
      desk.model = model;
      model.on("change:shapes", desk.layOver);
      model.on("change:selected", () => desk.choice && model.set("selected", desk.choice.id));
      model.on("msg:custom", desk.hear);
      // JupyterLab has the kernel handle messages beside a running cell once a widget has sent some
      for (const wait_ms of [0, 1000]) setTimeout(() => desk.tell("hello", {}, false), wait_ms);
    },
    rows: () => /** @type {Row[]} */ (desk.model.get("shapes")),
    say(text) {
      if (desk.note === text) return;
      desk.note = text;
      for (const watcher of desk.watchers) watcher();
    },
    /** Python's rows have come: what it has not seen yet is laid over them. */
    layOver() {
      if (desk.pending.length) desk.showRows(desk.pending.reduce(
        (rows, { changes }) => applyChanges(rows, changes), desk.rows(),
      ));
    },
    showRows(rows) {
      if (JSON.stringify(rows) !== JSON.stringify(desk.rows())) desk.model.set("shapes", rows);
    },
    /** Sends a request; gives Python's answer, or null when there is nobody. */
    tell(type, body = {}, isUrgent = true) {
      const n = ++desk.n;
      return new Promise((resolve) => {
        desk.waiting.set(n, resolve);
        if (isUrgent) setTimeout(() => desk.waiting.has(n) && desk.say(LATE), LATE_MS);
        try {
          desk.model.send({ type, page: desk.page, n, ...body });
        } catch {
          desk.waiting.delete(n);
          if (isUrgent) desk.say(GONE);
          resolve(null);
        }
      });
    },
    hear(message, buffers) {
      if (!message || message.page !== desk.page || !desk.waiting.has(message.n)) return;
      desk.say("");
      desk.pending = desk.pending.filter(({ n }) => n > message.n);
      if (desk.choice && desk.choice.n <= message.n) desk.choice = null;
      desk.waiting.get(message.n)({ ...message, buffers });
      desk.waiting.delete(message.n);
    },
    /** Shows changes at once, and asks Python for them; those in a row with one `key` are undone together. */
    commit(changes, key = "") {
      desk.pending.push({ n: desk.n + 1, changes });
      desk.showRows(applyChanges(desk.rows(), changes));
      desk.tell("edit", { changes, key });
    },
    canStep: (isRedo) => Boolean(desk.model.get("can_step")[isRedo ? "redo" : "undo"]) || (!isRedo && desk.pending.length > 0),
    choose(id) {
      desk.choice = { n: desk.n + 1, id };
      desk.model.set("selected", id);
      desk.tell("select", { id });
    },
  };
  return desk;
}

/** @param {Row[]} rows @param {Change[]} changes @returns {Row[]} */
function applyChanges(rows, changes) {
  let now = rows;
  for (const { op, id, ...fields } of changes) {
    const place = now.findIndex((one) => one.id === id);
    if (op === "add" && place < 0) now = [...now, { ...blank(id), ...fields }];
    else if (op === "delete" && place >= 0) now = now.filter((_, i) => i !== place);
    else if (op === "alter" && place >= 0) {
      const tag = fields.label === undefined ? {} : { tag: fields.label.slice(0, 40) };
      now = now.map((one, i) => (i === place ? { ...one, ...fields, ...tag } : one));
    }
  }
  return now;
}

/** A box before Python has given it number and colour. @returns {Row} */
function blank(id) {
  const style = { number: 0, colour: "#808080", ink: "#ffffff", dash: [] };
  return { id, kind: "box", image: 0, label: "", tag: "", relative: [
    0, 0, 1, 1,
  ], asked: -1, is_edited: true, span: [0, 0], also: [], ...style };
}
