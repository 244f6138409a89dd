// @ts-check
/**
 * The grounding widget on the page: pictures, boxes, questions.
 *
 * Python owns the state. The page reads traits, asks for changes by messages, and shows a change at once as it will be: until
 * Python has answered, its own changes are laid over whatever comes. Text of models and people goes through `textContent` or
 * a canvas and nowhere else.
 *
 * @typedef {{id: string, kind: "box" | "point", image: number, label: string, tag: string, relative: number[], asked: number,
 *   is_edited: boolean, span: number[], number: number, colour: string, ink: string, dash: number[]}} Row
 * @typedef {{op: "add" | "alter" | "delete", id: string, image?: number, relative?: number[], label?: string, at?: number,
 *   row?: Row}} Change
 * @typedef {{question: string, image: number, answer: string, thinking: string, ending: string, sentence: string,
 *   is_shown: boolean, n_boxes: number}} Asked
 * @typedef {{name: string, width_px: number, height_px: number, mime: string, bytes: DataView}} Picture
 * @typedef {{get: Function, set: Function, send: Function, on: Function, off: Function}} Model
 */

const MANY = 50; // more boxes than this show their numbers alone
const ROWS_A_PAGE = 100;
const LATE_MS = 4000;
const GONE = "The kernel is gone or was restarted. What you see stays here; run the cell again to ask and to keep changes.";
const LATE = "The kernel has not answered yet: it is busy, or gone. What you asked for waits for it.";

const NO_CLIPBOARD = "This page may not use the clipboard; download the file instead.";

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/* ---- small things of the page ------------------------------------------------------------------------------------- */

/** An element with attributes; `on…` are listeners, `text` is its text. */
function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

const ICONS = {
  select: "M5 3l13 8-6 1.5L9 19z",
  draw: "M4 5h16v14H4zM12 9v6M9 12h6",
  minus: "M5 12h14",
  plus: "M5 12h14M12 5v14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  undo: "M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6",
  redo: "M15 7l5 5-5 5M20 12H10a6 6 0 0 0-6 6",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  twice: "M8 8h12v12H8zM4 16V4h12M14 11v6M11 14h6",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", width: 16, height: 16, "aria-hidden": true })) {
    svg.setAttribute(key, String(value));
  }
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function tool(name, title, onclick, attributes = {}) {
  return h("button", { type: "button", class: "gg-tool", title, "aria-label": title, onclick, ...attributes }, icon(name));
}

/** Several options of a select, `[value, text]` each; the chosen one stays if it is still there. */
function fill(select, options) {
  const same = select.options.length === options.length && options.every((
    [value, text], i,
  ) => select.options[i].value === value && select.options[i].text === text);
  if (same) return;
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => h("option", { value, text })));
  if (options.some(([value]) => value === before)) select.value = before;
}

/* ---- the desk: what all views of one widget share ------------------------------------------------------------------- */

function makeDesk() {
  const desk = {
    /** @type {Model | null} */ model: null,
    page: Math.random().toString(36).slice(2, 10),
    n: 0,
    /** @type {{n: number, changes: Change[]}[]} */ pending: [],
    /** @type {{n: number, id: string} | null} the selection that Python has not confirmed yet */ choice: null,
    waiting: new Map(),
    undo: [],
    redo: [],
    mergeKey: "",
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
    /** Shows changes at once, and asks Python for them. */
    make(changes) {
      desk.pending.push({ n: desk.n + 1, changes });
      desk.showRows(applyChanges(desk.rows(), changes));
      desk.tell("edit", { changes: changes.map(({ row, ...change }) => change) });
    },
    choose(id) {
      desk.choice = { n: desk.n + 1, id };
      desk.model.set("selected", id);
      desk.tell("select", { id });
    },
    /** The same, to be undone; changes with one `mergeKey` in a row are undone together. */
    commit(changes, mergeKey = "") {
      const back = inverse(desk.rows(), changes);
      if (mergeKey && mergeKey === desk.mergeKey && desk.undo.length) desk.undo[desk.undo.length - 1].changes = changes;
      else desk.undo.push({ changes, back });
      desk.undo = desk.undo.slice(-200);
      desk.redo = [];
      desk.mergeKey = mergeKey;
      desk.make(changes);
    },
    step(from, to, side) {
      const move = desk[from].pop();
      desk.mergeKey = "";
      if (!move) return false;
      desk[to].push(move);
      desk.make(move[side]);
      return true;
    },
  };
  return desk;
}

/** @param {Row[]} rows @param {Change[]} changes @returns {Row[]} */
function applyChanges(rows, changes) {
  let now = rows;
  for (const { op, id, row, at = 0, ...fields } of changes) {
    const place = now.findIndex((one) => one.id === id);
    if (op === "add" && place < 0) now = [...now.slice(0, at), { ...blank(id), ...row, ...fields }, ...now.slice(at)];
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
  ], asked: -1, is_edited: true, span: [0, 0], ...style };
}

/** What undoes changes. @param {Row[]} rows @param {Change[]} changes @returns {Change[]} */
function inverse(rows, changes) {
  return changes
    .map(({ op, id, relative, label }) => {
      const at = rows.findIndex((one) => one.id === id);
      const row = rows[at];
      if (op === "add") return { op: "delete", id };
      if (op === "delete") return { op: "add", id, image: row.image, relative: row.relative, label: row.label, at, row };
      return { op, id, ...(relative && { relative: row.relative }), ...(label !== undefined && { label: row.label }) };
    })
    .reverse();
}

/* ---- boxes on a canvas --------------------------------------------------------------------------------------------- */

/** A picture's place on the stage, in CSS pixels: `x`, `y` of its corner, `scale` from pixels of the shown copy. */
function makeCamera() {
  return { x: 0, y: 0, scale: 1, fit: 1, width: 1, height: 1, isFitted: true };
}

function fitCamera(camera, width, height) {
  camera.fit = Math.min(width / camera.width, height / camera.height);
  camera.scale = camera.fit;
  camera.x = (width - camera.width * camera.scale) / 2;
  camera.y = (height - camera.height * camera.scale) / 2;
  camera.isFitted = true;
}

function zoomCamera(camera, factor, x, y) {
  const scale = clamp(camera.scale * factor, camera.fit / 2, camera.fit * 64);
  camera.x = x - ((x - camera.x) * scale) / camera.scale;
  camera.y = y - ((y - camera.y) * scale) / camera.scale;
  camera.scale = scale;
  camera.isFitted = false;
}

/** At least a piece of the picture stays on the stage. */
function keepInSight(camera, width, height) {
  const margin = 48;
  camera.x = clamp(camera.x, margin - camera.width * camera.scale, width - margin);
  camera.y = clamp(camera.y, margin - camera.height * camera.scale, height - margin);
}

/** `[left, top, right, bottom]` on the stage; a point has no extent. */
function toStage(camera, relative) {
  const last = relative.length - 2;
  const [w, hh] = [camera.width * camera.scale, camera.height * camera.scale];
  return [
    camera.x + relative[0] * w, camera.y + relative[1] * hh, camera.x + relative[last] * w, camera.y + relative[last + 1] * hh,
  ];
}

function fromStage(camera, x, y) {
  const [w, hh] = [camera.width * camera.scale, camera.height * camera.scale];
  return [clamp((x - camera.x) / w, 0, 1), clamp((y - camera.y) / hh, 0, 1)];
}

const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

function handleSpot([left, top, right, bottom], name) {
  const x = name.includes("w") ? left : name.includes("e") ? right : (left + right) / 2;
  const y = name.includes("n") ? top : name.includes("s") ? bottom : (top + bottom) / 2;
  return [x, y];
}

/** Small boxes have corners only: the handles of their sides would lie on one another. */
function handlesOf([left, top, right, bottom]) {
  return HANDLES.filter((name) => name.length === 2 || (name === "n" || name === "s" ? right - left : bottom - top) > 40);
}

/** Draws the boxes; keeps the little labels, which look alike from frame to frame. */
function makePainter() {
  const sprites = new Map();
  let dpr = 1;

  function sprite(row, isNumber) {
    const text = [row.number || "", isNumber ? "" : row.tag].filter(Boolean).join("  ");
    const key = `${text}|${row.colour}|${row.ink}|${dpr}`;
    if (!sprites.has(key)) {
      if (sprites.size > 3000) sprites.clear();
      sprites.set(key, text ? drawSprite(text, row) : null);
    }
    return sprites.get(key);
  }

  function drawSprite(text, row) {
    const canvas = document.createElement("canvas");
    const ctx = canvas.getContext("2d");
    const font = "600 11px system-ui, sans-serif";
    ctx.font = font;
    const [width, height] = [Math.min(320, Math.ceil(ctx.measureText(text).width) + 8), 16];
    [canvas.width, canvas.height] = [Math.ceil(width * dpr), Math.ceil(height * dpr)];
    ctx.scale(dpr, dpr);
    ctx.fillStyle = row.colour;
    ctx.fillRect(0, 0, width, height);
    ctx.fillStyle = row.ink;
    ctx.font = font;
    ctx.textBaseline = "middle";
    ctx.fillText(text, 4, 8.5, 312);
    return { canvas, width, height };
  }

  function edges(ctx, left, top, right, bottom, width) {
    ctx.fillRect(left, top, right - left, width);
    ctx.fillRect(left, bottom - width, right - left, width);
    ctx.fillRect(left, top + width, width, bottom - top - 2 * width);
    ctx.fillRect(right - width, top + width, width, bottom - top - 2 * width);
  }

  function drawBox(ctx, row, rect, isLit, isMany) {
    const [left, top, right, bottom] = rect.map((value) => Math.round(value * dpr) / dpr);
    const width = Math.min(isLit ? 3 : 2, Math.max(1, (right - left) / 2), Math.max(1, (bottom - top) / 2));
    if (isLit) {
      ctx.globalAlpha = 0.15;
      ctx.fillStyle = row.colour;
      ctx.fillRect(left, top, right - left, bottom - top);
      ctx.globalAlpha = 1;
    }
    if (!isMany || isLit) {
      ctx.fillStyle = row.ink;
      edges(ctx, left - 1, top - 1, right + 1, bottom + 1, 1);
    }
    ctx.fillStyle = row.dash.length ? row.ink : row.colour;
    edges(ctx, left, top, right, bottom, width);
    if (row.dash.length) {
      ctx.strokeStyle = row.colour;
      ctx.lineWidth = width;
      ctx.setLineDash(row.dash.map((length) => length * width));
      ctx.strokeRect(left + width / 2, top + width / 2, right - left - width, bottom - top - width);
      ctx.setLineDash([]);
    }
  }

  function drawPoint(ctx, row, [x, y], isLit, isZoomed) {
    const radius = isLit ? 7 : 5;
    for (const [extra, colour] of [[1.5, row.ink], [0, row.colour]]) {
      ctx.fillStyle = colour;
      ctx.beginPath();
      ctx.arc(x, y, radius + extra, 0, 7);
      ctx.fill();
    }
    if (!isZoomed && !isLit) return;
    ctx.fillStyle = row.ink;
    ctx.fillRect(x - 3, y - 0.5, 7, 1);
    ctx.fillRect(x - 0.5, y - 3, 1, 7);
  }

  function drawHandles(ctx, rect) {
    for (const name of handlesOf(rect)) {
      const [x, y] = handleSpot(rect, name);
      ctx.fillStyle = "#1a1a1a";
      ctx.fillRect(x - 5, y - 5, 10, 10);
      ctx.fillStyle = "#ffffff";
      ctx.fillRect(x - 4, y - 4, 8, 8);
    }
  }

  /** Above the box, inside, or below; where it hides no other label, and in sight. */
  function placeLabel(mark, [left, top, right, bottom], taken, width, height, mustFit) {
    const x = clamp(left - 1, 0, Math.max(0, width - mark.width));
    for (const y of [top - mark.height - 1, top + 2, bottom + 1]) {
      const spot = [x, y, x + mark.width, y + mark.height];
      if (y < 0 || spot[3] > height) continue;
      const isBeside = (other) => spot[0] >= other[2] || spot[2] <= other[0] || spot[1] >= other[3] || spot[3] <= other[1];
      if (taken.every(isBeside)) return spot;
    }
    return mustFit ? null : [x, clamp(top - mark.height - 1, 0, Math.max(0, height - mark.height))];
  }

  /** The cells of 8 × 8 pixels under a little label. */
  function cellsOf(x, y, { width, height }) {
    const cells = [];
    for (let row = Math.floor(y / 8); row <= Math.floor((y + height - 1) / 8); row += 1) {
      for (let column = Math.floor(x / 8); column <= Math.floor((x + width - 1) / 8); column += 1) {
        cells.push(row * 65536 + column);
      }
    }
    return cells;
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {{camera: object, rows: Row[], width: number, height: number, dpr: number, lit: Set<string>, selected: string}} scene
   */
  return function paint(ctx, { camera, rows, width, height, dpr: ratio, lit, selected }) {
    dpr = ratio;
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    ctx.clearRect(0, 0, width, height);
    const inSight = [];
    for (const row of rows) {
      const rect = toStage(camera, row.relative);
      if (rect[2] >= -8 && rect[3] >= -8 && rect[0] <= width + 8 && rect[1] <= height + 8) inSight.push([row, rect]);
    }
    const isMany = inSight.length > 1500;
    const drawOne = ([row, rect], isLit) =>
      row.kind === "point" ? drawPoint(
        ctx, row, rect, isLit, camera.scale > 2 * camera.fit,
      ) : drawBox(ctx, row, rect, isLit, isMany);
    for (const one of inSight) if (!lit.has(one[0].id)) drawOne(one, false);
    const bright = inSight.filter(([row]) => lit.has(row.id));
    for (const one of bright) drawOne(one, true);
    const taken = [];
    const label = ([row, rect], isNumber, mustFit) => {
      const mark = sprite(row, isNumber);
      const spot = mark && placeLabel(mark, rect, taken, width, height, mustFit);
      if (!spot) return !mark;
      taken.push([spot[0], spot[1], spot[0] + mark.width, spot[1] + mark.height]);
      ctx.drawImage(mark.canvas, spot[0], spot[1], mark.width, mark.height);
      return true;
    };
    for (const one of bright) label(one, false, false);
    if (rows.length <= MANY) for (const one of inSight) lit.has(one[0].id) || label(one, false, true) || label(one, true, true);
    else if (inSight.length <= 1500) {
      const used = new Set(); // cells of the picture that a number covers: the same ones wherever the picture is moved to
      for (const [row, rect] of inSight) {
        const mark = lit.has(row.id) || (rect[2] - rect[0] < 14 && row.kind === "box") ? null : sprite(row, true);
        if (!mark) continue;
        const [x, y] = [rect[0] - 1, rect[1] >= mark.height ? rect[1] - mark.height : Math.max(0, rect[1])];
        const cells = cellsOf(x - camera.x, y - camera.y, mark);
        if (cells.some((cell) => used.has(cell))) continue;
        for (const cell of cells) used.add(cell);
        ctx.drawImage(mark.canvas, x, y, mark.width, mark.height);
      }
    }
    const chosen = inSight.find(([row]) => row.id === selected);
    if (chosen && chosen[0].kind === "box") drawHandles(ctx, chosen[1]);
  };
}

/* ---- the stage: picture, pointer, keys ------------------------------------------------------------------------------ */

/**
 * The picture with its boxes, and everything that hands do on it.
 * @param {object} view shared by the parts of one view: see `render`
 */
function makeStage(view) {
  const { desk, signal } = view;
  const camera = makeCamera();
  const paintBoxes = makePainter();
  const below = h("canvas", { class: "gg-canvas" });
  const above = h("canvas", { class: "gg-canvas" });
  const hint = h(
    "span",
    {
      class: "gg-sr", id: `${view.id}-hint`,
      text: "Plus and minus zoom, arrows move, N and P go from box to box, question mark lists all keys.",
    },
  );
  const node = h(
    "div",
    {
      class: "gg-stage", tabindex: 0, role: "application", "aria-roledescription": "picture with boxes",
      "aria-describedby": hint.id,
    },
    below, above, hint,
  );
  const size = { width: 0, height: 0, dpr: 1 };
  let bitmap = null;
  let fitted = null; // the picture reduced for the present scale: quicker to draw, and better looking
  let frame = 0;
  let isPictureStale = true;
  let drag = null;
  let toolName = "select";
  let lastPageWheel = 0;
  const fingers = new Map();

  const rowsHere = () => view.visible;
  const selected = () => view.visible.find((row) => row.id === view.selected());

  function repaint(withPicture = true) {
    isPictureStale ||= withPicture;
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (isPictureStale) paintPicture();
      isPictureStale = false;
      const preview = drag && drag.relative;
      let rows = rowsHere();
      if (preview && drag.kind === "draw") rows = [
        ...rows, { ...blank("drawing"), relative: preview, colour: "#ffffff", ink: "#1a1a1a", dash: [4, 3] },
      ];
      else if (preview) rows = rows.map((row) => (row.id === drag.id ? { ...row, relative: preview } : row));
      const lit = new Set([...view.lit(), drag && drag.kind === "draw" ? "drawing" : ""]);
      paintBoxes(above.getContext("2d"), { camera, rows, ...size, lit, selected: view.selected() });
    });
  }

  function paintPicture() {
    const ctx = below.getContext("2d");
    ctx.setTransform(size.dpr, 0, 0, size.dpr, 0, 0);
    ctx.clearRect(0, 0, size.width, size.height);
    if (!bitmap) return;
    ctx.imageSmoothingEnabled = camera.scale * size.dpr < 4; // single pixels are shown as they are
    const whole = (value) => Math.round(value * size.dpr) / size.dpr; // on whole pixels a picture is copied, not computed
    if (fitted && fitted.scale === camera.scale) ctx.drawImage(
      fitted.canvas, whole(camera.x), whole(camera.y), fitted.canvas.width / size.dpr, fitted.canvas.height / size.dpr,
    );
    else {
      const left = clamp(-camera.x / camera.scale, 0, camera.width);
      const top = clamp(-camera.y / camera.scale, 0, camera.height);
      const across = Math.min(camera.width - left, size.width / camera.scale + 1);
      const down = Math.min(camera.height - top, size.height / camera.scale + 1);
      if (across > 0 && down > 0) {
        ctx.drawImage(
          bitmap, left, top, across, down, camera.x + left * camera.scale, camera.y + top * camera.scale, across * camera.scale,
          down * camera.scale,
        );
      }
    }
  }

  let settling = 0;
  /** Once the zoom rests, the picture is reduced once and well. */
  function settle() {
    clearTimeout(settling);
    if (fitted?.scale === camera.scale) return;
    settling = setTimeout(() => {
      const device = camera.scale * size.dpr;
      if (!bitmap || device >= 1 || signal.aborted) return;
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [
        Math.max(1, Math.round(camera.width * device)), Math.max(1, Math.round(camera.height * device)),
      ];
      const ctx = canvas.getContext("2d");
      ctx.imageSmoothingQuality = "high";
      ctx.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      fitted = { canvas, scale: camera.scale };
      repaint();
    }, 80);
  }

  async function load(picture) {
    const before = bitmap;
    try {
      const next = await createImageBitmap(new Blob([picture.bytes], { type: picture.mime }));
      if (signal.aborted || picture !== view.picture()) return next.close();
      bitmap = next;
    } catch {
      bitmap = null;
      desk.say("This browser cannot show the picture.");
    }
    before?.close();
    fitted = null;
    [camera.width, camera.height] = bitmap ? [bitmap.width, bitmap.height] : [picture.width_px, picture.height_px];
    layOut();
    fit();
  }

  /** The stage is as high as the picture needs at its width, within bounds. */
  function layOut() {
    fitted = null;
    const width = node.clientWidth;
    const height = clamp((width * camera.height) / camera.width, 220, 540);
    node.style.height = `${Math.round(height)}px`;
    [size.width, size.height, size.dpr] = [width, node.clientHeight, window.devicePixelRatio || 1];
    for (const canvas of [below, above]) {
      [canvas.width, canvas.height] = [
        Math.max(1, Math.round(width * size.dpr)), Math.max(1, Math.round(size.height * size.dpr)),
      ];
    }
    if (camera.isFitted) fitCamera(camera, size.width, size.height);
    settle();
    repaint();
  }

  function fit() {
    fitCamera(camera, size.width, size.height);
    moved();
  }

  function moved() {
    if (!camera.isFitted) keepInSight(camera, size.width, size.height);
    node.style.touchAction = camera.isFitted && toolName === "select" && !view.selected() ? "pan-y" : "none";
    view.onZoom(camera.scale / camera.fit);
    settle();
    repaint();
  }

  function zoom(factor, x = size.width / 2, y = size.height / 2) {
    zoomCamera(camera, factor, x, y);
    moved();
  }

  function pan(dx, dy) {
    camera.x += dx;
    camera.y += dy;
    camera.isFitted = false;
    moved();
  }

  /** Moves the camera so that a box is in sight. */
  function reveal(row) {
    const [left, top, right, bottom] = toStage(camera, row.relative);
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    if (x < 0 || y < 0 || x > size.width || y > size.height) pan(size.width / 2 - x, size.height / 2 - y);
  }

  function hit(x, y, reach) {
    const chosen = selected();
    if (chosen && chosen.kind === "box") {
      const rect = toStage(camera, chosen.relative);
      for (const name of handlesOf(rect)) {
        const [hx, hy] = handleSpot(rect, name);
        if (Math.abs(x - hx) <= reach && Math.abs(y - hy) <= reach) return { row: chosen, part: name };
      }
    }
    let best = null;
    let bestArea = Infinity;
    for (const row of rowsHere()) {
      const [left, top, right, bottom] = toStage(camera, row.relative);
      const extra = row.kind === "point" ? 10 : 3;
      if (x < left - extra || x > right + extra || y < top - extra || y > bottom + extra) continue;
      const area = (right - left) * (bottom - top);
      if (area < bestArea) [best, bestArea] = [row, area];
    }
    return best && { row: best, part: "body" };
  }

  const at = (event) => {
    const box = node.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const reachOf = (event) => (event.pointerType === "mouse" ? 12 : 22);

  function onDown(event) {
    if (event.button > 0 || !view.picture()) return;
    const [x, y] = at(event);
    node.focus({ preventScroll: true });
    fingers.set(event.pointerId, [x, y]);
    node.setPointerCapture(event.pointerId);
    if (fingers.size === 2) {
      drag = { kind: "pinch", ...pinch() };
      return repaint(false);
    }
    const found = hit(x, y, reachOf(event));
    const isOnSelected = found && found.row.id === view.selected();
    const base = { x, y, startX: x, startY: y, hasMoved: false, found };
    const isHandle = found && found.part !== "body";
    if (isHandle) drag = { ...base, kind: "resize", id: found.row.id, from: found.row.relative, part: found.part };
    else if (toolName === "draw") drag = { ...base, kind: "draw", from: fromStage(camera, x, y) };
    else if (isOnSelected) drag = { ...base, kind: "move", id: found.row.id, from: found.row.relative };
    else drag = { ...base, kind: "pan" };
  }

  function pinch() {
    const [[ax, ay], [bx, by]] = [...fingers.values()];
    return { distance: Math.hypot(ax - bx, ay - by), x: (ax + bx) / 2, y: (ay + by) / 2 };
  }

  function onMove(event) {
    const [x, y] = at(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, [x, y]);
    if (!drag) {
      const found = hit(x, y, reachOf(event));
      view.hover(found ? found.row.id : "");
      node.style.cursor = cursorFor(found);
      return;
    }
    if (drag.kind === "pinch") {
      if (fingers.size < 2) return;
      const now = pinch();
      zoom(now.distance / (drag.distance || 1), now.x, now.y);
      pan(now.x - drag.x, now.y - drag.y);
      drag = { kind: "pinch", ...now };
      return;
    }
    if (!drag.hasMoved && Math.hypot(x - drag.startX, y - drag.startY) < 3) return;
    drag.hasMoved = true;
    if (drag.kind === "pan") pan(x - drag.x, y - drag.y);
    else {
      drag.relative = dragged(drag, x, y);
      repaint(false);
    }
    [drag.x, drag.y] = [x, y];
  }

  function cursorFor(found) {
    if (found && found.part !== "body") return `${found.part}-resize`;
    if (toolName === "draw") return "crosshair";
    if (!found) return "grab";
    return found.row.id === view.selected() ? "move" : "pointer";
  }

  function dragged({ kind, from, part, startX, startY }, x, y) {
    const [u, v] = fromStage(camera, x, y);
    if (kind === "draw") return sorted([from[0], from[1], u, v]);
    const [w, hh] = [camera.width * camera.scale, camera.height * camera.scale];
    if (kind === "move") return shifted(from, (x - startX) / w, (y - startY) / hh);
    return sorted([
      part.includes("w") ? u : from[0], part.includes("n") ? v : from[1], part.includes("e") ? u : from[2],
      part.includes("s") ? v : from[3],
    ]);
  }

  function onUp(event) {
    fingers.delete(event.pointerId);
    if (!drag) return;
    const done = drag;
    if (done.kind === "pinch" && fingers.size) return;
    drag = null;
    if (done.kind === "draw" && done.relative && isLarge(done.relative)) {
      view.add(done.relative);
      setTool("select");
    } else if (done.relative && done.kind !== "draw") desk.commit([{ op: "alter", id: done.id, relative: done.relative }]);
    else if (!done.hasMoved && done.kind !== "pinch") view.select(done.found ? done.found.row.id : "");
    repaint(false);
  }

  const isLarge = ([
    x1, y1, x2, y2,
  ]) => (x2 - x1) * camera.width * camera.scale > 3 && (y2 - y1) * camera.height * camera.scale > 3;

  function onCancel(event) {
    fingers.delete(event.pointerId);
    drag = null;
    repaint(false);
  }

  function onWheel(event) {
    const isPageScroll = !event.ctrlKey && performance.now() - lastPageWheel < 400;
    const isAtEnd = event.deltaY > 0 && camera.scale <= camera.fit * 1.001 && !event.ctrlKey;
    if (isPageScroll || isAtEnd) {
      if (isPageScroll) lastPageWheel = performance.now();
      return; // the page scrolls on
    }
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const factor = Math.exp(clamp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002), -0.7, 0.7));
    if (camera.scale * factor < camera.fit && camera.scale > camera.fit) fit();
    else zoom(factor, ...at(event));
  }

  function setTool(name) {
    toolName = name;
    node.style.cursor = name === "draw" ? "crosshair" : "";
    view.onTool(name);
    moved();
  }

  /** An arrow key: the selected box moves or changes its size, else the picture moves. */
  function onArrow(event, dx, dy) {
    const row = selected();
    if (!row) return pan(-40 * dx, -40 * dy);
    const picture = view.picture();
    const step = event.shiftKey ? 10 : 1;
    const [u, v] = [(dx * step) / picture.width_px, (dy * step) / picture.height_px];
    const from = row.relative;
    const isResize = event.altKey && row.kind === "box";
    const grown = [
      from[0], from[1], clamp(from[2] + u, from[0] + 1 / picture.width_px, 1),
      clamp(from[3] + v, from[1] + 1 / picture.height_px, 1),
    ];
    desk.commit([{ op: "alter", id: row.id, relative: isResize ? grown : shifted(from, u, v) }], `arrow-${row.id}-${isResize}`);
    view.announce(view.where({ ...row, relative: isResize ? grown : shifted(from, u, v) }));
  }

  const keys = {
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: fit,
    ArrowLeft: (event) => onArrow(event, -1, 0),
    ArrowRight: (event) => onArrow(event, 1, 0),
    ArrowUp: (event) => onArrow(event, 0, -1),
    ArrowDown: (event) => onArrow(event, 0, 1),
    n: () => view.next(1),
    p: () => view.next(-1),
    d: () => setTool(toolName === "draw" ? "select" : "draw"),
    b: () => {
      const [x1, y1] = fromStage(camera, size.width * 0.4, size.height * 0.4);
      const [x2, y2] = fromStage(camera, size.width * 0.6, size.height * 0.6);
      view.add([x1, y1, x2, y2]);
    },
    c: () => view.duplicate(),
    Delete: () => view.remove(),
    Backspace: () => view.remove(),
    h: () => view.hideAll(),
    a: () => view.askAbout(),
    m: () => view.askLike(),
    Enter: () => view.editLabel(),
    F2: () => view.editLabel(),
    "?": () => view.showKeys(),
    "[": () => view.goTo(view.image - 1),
    "]": () => view.goTo(view.image + 1),
  };

  function onKey(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      const isRedo = key === "y" || (key === "z" && event.shiftKey);
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      return isRedo ? view.redo() : view.undo();
    }
    if (key === "Escape") {
      if (drag) onCancel({ pointerId: -1 });
      else if (toolName === "draw") setTool("select");
      else view.select("");
      return;
    }
    if (!keys[key] || (event.altKey && !key.startsWith("Arrow"))) return; // Tab among them
    event.preventDefault();
    keys[key](event);
  }

  const listen = (target, type, listener, options = {}) => target.addEventListener(type, listener, { signal, ...options });
  listen(node, "pointerdown", onDown);
  listen(node, "pointermove", onMove);
  listen(node, "pointerup", onUp);
  listen(node, "pointercancel", onCancel);
  listen(node, "pointerleave", () => view.hover(""));
  listen(node, "dblclick", () => view.selected() && view.editLabel());
  listen(node, "wheel", onWheel, { passive: false });
  listen(
    document, "wheel", (event) => node.contains(event.target) || (lastPageWheel = performance.now()),
    { passive: true, capture: true },
  );
  listen(node, "keydown", onKey);
  const observer = new ResizeObserver(() => (node.clientWidth !== size.width || node.clientHeight !== size.height) && layOut());
  observer.observe(node);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    clearTimeout(settling);
    cancelAnimationFrame(frame);
    bitmap?.close();
  });
  return { node, load, repaint, zoom, fit, reveal, setTool, moved };
}

const sorted = ([x1, y1, x2, y2]) => [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];

/** Moved as far as the picture goes. */
function shifted(relative, dx, dy) {
  const last = relative.length - 2;
  const [u, v] = [clamp(dx, -relative[0], 1 - relative[last]), clamp(dy, -relative[1], 1 - relative[last + 1])];
  return relative.map((value, i) => value + (i % 2 ? v : u));
}

/* ---- the panel: question, answer, table, history, files ------------------------------------------------------------- */

const KEYS = [
  ["+ − 0", "zoom in, out, whole picture; the wheel or two fingers too"],
  ["arrows", "move the picture, or the selected box by a pixel (Shift: ten)"],
  ["Alt + arrows", "change the selected box's size (Shift: by ten)"],
  ["N P", "next, previous box"],
  ["D, B", "draw a box by hand; a box in the middle"],
  ["Enter", "change the label"],
  ["C, Delete", "duplicate, delete"],
  ["Ctrl + Z, Ctrl + Y", "undo, redo"],
  ["H", "hide or show all boxes"],
  ["A, M", "ask about the selected box, find more like it"],
  ["[ ]", "previous, next picture"],
  ["Esc", "nothing selected"],
];

function makeAsk(view) {
  const { desk, model } = view;
  const text = h(
    "input",
    {
      type: "text", class: "gg-field", placeholder: "What to find, or a question", "aria-label": "Question",
      maxlength: 20000, dir: "auto",
    },
  );
  const go = h("button", { type: "submit", class: "gg-go", text: "Ask" });
  const scope = h("select", { class: "gg-field", "aria-label": "Where to look" });
  const adds = h(
    "select", { class: "gg-field", "aria-label": "Earlier boxes" }, h("option", { value: "add", text: "Add boxes" }),
    h("option", { value: "replace", text: "Replace boxes" }),
  );
  const message = h("p", { class: "gg-message", role: "status" });
  const busy = h("div", { class: "gg-busy", hidden: true });
  const node = h(
    "form", { class: "gg-ask" }, h("div", { class: "gg-line" }, text, go), h("div", { class: "gg-line" }, scope, adds), busy,
    message,
  );

  function send(like = "") {
    const isRegion = scope.value.startsWith("region-");
    const region = isRegion && !like ? view.selected() : "";
    if (!text.value.trim() && !like) return text.focus();
    desk.tell("ask", {
      text: like ? "" : text.value,
      image: scope.value === "all" ? null : view.image,
      region,
      region_form: isRegion ? scope.value.slice(7) : "both",
      like,
      adds: adds.value === "add",
    });
    scope.selectedIndex = 0;
  }
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    if (model.get("status")) desk.tell("stop");
    else send();
  });

  function update() {
    const status = model.get("status");
    go.textContent = status === "stopping" ? "Stopping" : status ? "Stop" : "Ask";
    go.classList.toggle("gg-stop", Boolean(status));
    busy.hidden = !status;
    message.textContent = desk.note || model.get("message");
    const n = view.pictures().length;
    const row = view.selectedRow();
    const options = [["picture", n > 1 ? `Picture ${view.image + 1}` : "Whole picture"]];
    if (n > 1) options.push(["all", `All ${n} pictures`]);
    if (row && row.kind === "box") {
      const name = `Box ${row.number || "selected"}`;
      options.push(
        ["region-thousandths", `${name}: its numbers`], ["region-crop", `${name}: cut out`],
        ["region-both", `${name}: numbers, cut-out`],
      );
    }
    fill(scope, options);
    node.hidden = !model.get("can_ask");
  }
  function about() {
    update();
    scope.value = "region-both";
    text.focus();
    text.select();
  }
  return { node, update, about, send };
}

function makeAnswer(view) {
  const { model } = view;
  const thinking = h("div", { class: "gg-thinking" });
  const fold = h("details", { class: "gg-fold" }, h("summary", { text: "Thinking" }), thinking);
  const words = h("div", { class: "gg-answer", dir: "auto", tabindex: 0, role: "region", "aria-label": "Answer" });
  const ending = h("p", { class: "gg-ending" });
  const node = h("div", { class: "gg-said" }, fold, words, ending);
  let shown = { text: "", spans: "" };

  /** The words with each box's numbers marked. */
  function write(text, all) {
    const letters = /[\ud800-\udfff]/.test(text) ? Array.from(text) : text; // Python counts characters
    const rows = all.filter(({ span }) => span[1] <= letters.length);
    const isGrowing = shown.text && text.startsWith(shown.text);
    const spans = JSON.stringify(rows.map(({ id, span, colour }) => [id, span, colour]));
    if (text === shown.text && spans === shown.spans) return;
    const last = words.lastChild;
    if (isGrowing && spans === shown.spans && last instanceof Text) last.appendData(text.slice(shown.text.length));
    else {
      const slice = (from, to) => (typeof letters === "string" ? letters.slice(from, to) : letters.slice(from, to).join(""));
      const pieces = [];
      let done = 0;
      for (const row of [...rows].sort((a, b) => a.span[0] - b.span[0])) {
        const [from, to] = row.span;
        if (from < done) continue;
        pieces.push(document.createTextNode(slice(done, from)));
        const mark = h("mark", { "data-id": row.id, text: slice(from, to) });
        mark.style.borderColor = row.colour;
        pieces.push(mark);
        done = to;
      }
      pieces.push(document.createTextNode(slice(done, letters.length)));
      words.replaceChildren(...pieces);
    }
    const isAtEnd = words.scrollTop + words.clientHeight > words.scrollHeight - 40;
    if (isGrowing && isAtEnd) words.scrollTop = words.scrollHeight;
    shown = { text, spans };
  }
  words.addEventListener("pointerover", (event) => view.hover(event.target.dataset?.id || ""));
  words.addEventListener("pointerleave", () => view.hover(""));
  words.addEventListener("click", (event) => event.target.dataset?.id && view.select(event.target.dataset.id));

  function update() {
    const asked = /** @type {Asked[]} */ (model.get("asked"));
    const number = view.asked();
    const one = asked[number];
    const growing = model.get("status") && number === asked.length - 1 ? model.get("growing") : {};
    const text = growing.answer ?? one?.answer ?? "";
    const thought = growing.thinking || one?.thinking || "";
    node.hidden = !one && !text;
    fold.hidden = !thought;
    if (thinking.textContent !== thought) thinking.textContent = thought;
    fold.firstChild.textContent = growing.thinking && !text ? "Thinking…" : "Thinking";
    write(text, view.rows().filter((row) => row.asked === number && row.span[1] > row.span[0]));
    words.hidden = !text;
    ending.textContent = one?.ending ? `(${one.ending})` : "";
  }
  return { node, words, update };
}

function makeTable(view) {
  const { desk } = view;
  const title = h("h4", { class: "gg-title" });
  const filter = h("select", { class: "gg-field", "aria-label": "Show boxes with this label" });
  const body = h("tbody");
  const head = h(
    "thead", { class: "gg-sr" }, h("tr", {}, ...["Box", "Label", "Pixels", ""].map((text) => h("th", { scope: "col", text }))),
  );
  const empty = h("p", { class: "gg-empty" });
  const scroll = h(
    "div", { class: "gg-scroll" },
    h("table", { "aria-label": "Boxes" }, h("colgroup", {}, ...[1, 2, 3, 4].map(() => h("col"))), head, body), empty,
  );
  const back = h("button", { type: "button", class: "gg-link", text: "Earlier", onclick: () => turn(-1) });
  const on = h("button", { type: "button", class: "gg-link", text: "Later", onclick: () => turn(1) });
  const pages = h("div", { class: "gg-line gg-pages" }, back, h("span"), on);
  const node = h("section", { class: "gg-boxes" }, h("div", { class: "gg-line" }, title, filter), scroll, pages);
  /** @type {Map<string, HTMLTableRowElement>} */ let lines = new Map();
  let first = 0;

  function turn(by) {
    first += by * ROWS_A_PAGE;
    update();
  }
  filter.addEventListener("change", () => {
    view.filter = filter.value === "*" ? null : filter.value.slice(1);
    view.update();
  });

  function makeLine(row) {
    const number = h("button", { type: "button", class: "gg-number" });
    const label = h("input", { type: "text", class: "gg-label", maxlength: 5000, dir: "auto", placeholder: "no label" });
    const away = h("button", { type: "button", class: "gg-away", text: "×" });
    number.addEventListener("click", () => view.select(row.id, true));
    label.addEventListener("change", () => view.relabel(row.id, label.value));
    away.addEventListener("click", () => view.remove(row.id));
    const line = h(
      "tr", { "data-id": row.id }, h("td", {}, number), h("td", {}, label), h("td", { class: "gg-where" }), h("td", {}, away),
    );
    line.addEventListener("focusin", () => view.hover(row.id));
    line.addEventListener("focusout", () => view.hover(""));
    return line;
  }

  function updateLine(line, row, isCurrent) {
    const [number, label, where, away] = [
      line.cells[0].firstChild, line.cells[1].firstChild, line.cells[2], line.cells[3].firstChild,
    ];
    const named = `${row.kind} ${row.number || ""}`.trim();
    number.textContent = row.number || "·";
    [number.style.background, number.style.color] = [row.colour, row.ink];
    number.setAttribute("aria-label", `Select ${view.where(row)}`);
    if (document.activeElement !== label && label.value !== row.label) label.value = row.label;
    label.setAttribute("aria-label", `Label of ${named}`);
    label.title = row.label.slice(0, 300);
    where.textContent = view.pixels(row);
    away.setAttribute("aria-label", `Delete ${named}`);
    for (const control of [number, label, away]) control.tabIndex = isCurrent ? 0 : -1;
    line.classList.toggle("gg-selected", row.id === view.selected());
    line.setAttribute("aria-selected", String(row.id === view.selected()));
  }

  body.addEventListener("pointerover", (event) => view.hover(event.target.closest("tr")?.dataset.id || ""));
  body.addEventListener("pointerleave", () => view.hover(""));
  body.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const line = event.target.closest("tr");
    const isLabel = event.target.classList.contains("gg-label");
    if (event.key === "Escape" && isLabel) event.target.value = view.find(line.dataset.id)?.label ?? "";
    if (event.key === "Enter" && isLabel) line.cells[0].firstChild.focus();
    if (!step) return;
    const next = step > 0 ? line.nextElementSibling : line.previousElementSibling;
    event.preventDefault();
    if (!next) return;
    const cell = event.target.closest("td").cellIndex;
    for (const control of next.querySelectorAll("button, input")) control.tabIndex = 0;
    next.cells[cell].firstChild.focus();
    for (const control of line.querySelectorAll("button, input")) control.tabIndex = -1;
  });

  function update() {
    const rows = view.visible;
    const all = view.here();
    title.textContent = all.length === rows.length ? `Boxes (${all.length})` : `Boxes (${rows.length} of ${all.length})`;
    const counts = new Map();
    for (const row of all) counts.set(row.label, (counts.get(row.label) || 0) + 1);
    const labels = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 200);
    fill(
      filter, [["*", "All labels"], ...labels.map(([label, n]) => [`=${label}`, `${label.slice(0, 40) || "no label"} (${n})`])],
    );
    if (view.filter !== null && !counts.has(view.filter)) view.filter = null;
    filter.value = view.filter === null ? "*" : `=${view.filter}`;
    filter.hidden = counts.size < 2;
    const chosen = rows.findIndex((row) => row.id === view.selected());
    first = clamp(first, 0, Math.max(0, Math.floor((rows.length - 1) / ROWS_A_PAGE) * ROWS_A_PAGE));
    const now = rows.slice(first, first + ROWS_A_PAGE);
    const current = chosen >= first && chosen < first + ROWS_A_PAGE ? rows[chosen].id : now[0]?.id;
    const held = document.activeElement?.closest?.("tr");
    const next = new Map(now.map((row) => [row.id, lines.get(row.id) ?? makeLine(row)]));
    if ([...next.keys()].join() !== [...lines.keys()].join()) {
      for (const [id, line] of lines) next.has(id) || line.remove();
      [...next.values()].forEach((line, i) => body.children[i] !== line && body.insertBefore(line, body.children[i] ?? null));
    }
    lines = next;
    for (const row of now) updateLine(
      lines.get(row.id), row, held && lines.has(held.dataset.id) ? row.id === held.dataset.id : row.id === current,
    );
    pages.hidden = rows.length <= ROWS_A_PAGE;
    pages.children[1].textContent = `${first + 1} to ${Math.min(first + ROWS_A_PAGE, rows.length)} of ${rows.length}`;
    [back.disabled, on.disabled] = [first === 0, first + ROWS_A_PAGE >= rows.length];
    empty.textContent = rows.length ? "" : view.isHidden ? "All boxes are hidden." : "No boxes yet. Ask, or draw one with D.";
  }
  function light(ids) {
    for (const [id, line] of lines) line.classList.toggle("gg-lit", ids.has(id));
  }
  function show(id) {
    const place = view.visible.findIndex((row) => row.id === id);
    if (place < 0) return;
    first = Math.floor(place / ROWS_A_PAGE) * ROWS_A_PAGE;
    update();
    const line = lines.get(id);
    const [box, frame] = [line.getBoundingClientRect(), scroll.getBoundingClientRect()];
    if (box.top < frame.top) scroll.scrollTop -= frame.top - box.top; // not scrollIntoView: that moves the notebook too
    else if (box.bottom > frame.bottom) scroll.scrollTop += box.bottom - frame.bottom;
  }
  function edit(id) {
    show(id);
    const field = lines.get(id)?.cells[1].firstChild;
    field?.focus({ preventScroll: true });
    field?.select();
  }
  return { node, update, light, show, edit };
}

function makeHistory(view) {
  const { desk, model } = view;
  const list = h("ol");
  const summary = h("summary");
  const node = h("details", { class: "gg-fold gg-history" }, summary, list);

  function makeItem(one, number) {
    const box = h("input", { type: "checkbox", "aria-label": "Show its boxes" });
    box.checked = one.is_shown;
    box.addEventListener("change", () => desk.tell("show", { asked: number, is_shown: box.checked }));
    const text = one.question || "Given and drawn by hand";
    const go = h(
      "button", { type: "button", class: "gg-link", dir: "auto", text: text.slice(0, 200), title: text.slice(0, 1000) },
    );
    go.addEventListener("click", () => view.showAsked(number));
    if (number === view.asked()) go.setAttribute("aria-current", "true");
    const place = view.pictures().length > 1 ? `picture ${one.image + 1}, ` : "";
    const state = one.sentence ? "failed, " : one.ending ? `${one.ending}, ` : "";
    return h(
      "li", {}, box, go,
      h("span", { class: "gg-where", text: `${place}${state}${one.n_boxes} ${one.n_boxes === 1 ? "box" : "boxes"}` }),
    );
  }
  function update() {
    const asked = /** @type {Asked[]} */ (model.get("asked"));
    node.hidden = !asked.length;
    summary.textContent = `History (${asked.length})`;
    const key = JSON.stringify([asked.map(({ answer, thinking, ...rest }) => rest), view.asked()]);
    if (node.dataset.key === key) return;
    const held = [...list.querySelectorAll("input, button")].indexOf(document.activeElement);
    node.dataset.key = key;
    list.replaceChildren(...asked.map(makeItem));
    if (held >= 0) list.querySelectorAll("input, button")[held]?.focus();
  }
  return { node, update };
}

function makeFiles(view) {
  const { desk, model } = view;
  const format = h("select", { class: "gg-field", "aria-label": "Format" });
  const copy = tool("copy", "Copy", () => get("copy"));
  const save = tool("download", "Download", () => get("download"));
  const keys = h("dl", { class: "gg-keys" }, ...KEYS.flatMap(([key, text]) => [h("dt", { text: key }), h("dd", { text })]));
  const help = h("details", { class: "gg-fold" }, h("summary", { text: "Keys" }), keys);
  const node = h(
    "div", { class: "gg-files" },
    h("div", { class: "gg-line" }, h("span", { class: "gg-title", text: "Export" }), format, copy, save), help,
  );

  async function get(purpose) {
    const file = await desk.tell("export", { format: format.value, image: view.image, purpose });
    if (!file || file.type !== "file") return;
    const blob = new Blob([file.buffers[0]], { type: file.mime });
    const done = purpose === "copy" ? await toClipboard(blob) : toDisk(blob, file.name);
    view.announce(!done ? NO_CLIPBOARD : purpose === "copy" ? "Copied." : `${file.name} is downloaded.`);
    if (file.note || !done) desk.say(done ? file.note : NO_CLIPBOARD);
  }
  function update() {
    fill(format, model.get("formats"));
  }
  function showKeys() {
    help.open = !help.open;
    if (help.open) help.scrollIntoView({ block: "nearest" });
  }
  return { node, update, showKeys };
}

async function toClipboard(blob) {
  try {
    if (blob.type.startsWith("image/")) await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
    else await navigator.clipboard.writeText(await blob.text());
    return true;
  } catch {
    if (blob.type.startsWith("image/")) return false;
  }
  const area = h("textarea", { class: "gg-sr" });
  const held = document.activeElement;
  area.value = await blob.text();
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy"); // the one way on pages without https
  area.remove();
  held?.focus?.();
  return done;
}

function toDisk(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return true;
}

/** The bar of the selected box: its numbers, and what can be done with it. */
function makeChosen(view) {
  const { desk } = view;
  const fields = ["x", "y", "width", "height"].map((name) => h(
    "input",
    { type: "number", class: "gg-field gg-px", min: 0, step: 1, "aria-label": `${name} in pixels`, title: `${name}, px` },
  ));
  const name = h("span", { class: "gg-chosen-name" });
  const button = (text, title, onclick, attributes = {}) => h(
    "button", { type: "button", class: "gg-small", text, title, onclick, ...attributes },
  );
  const about = button("Ask about", "Ask about this region (A)", () => view.askAbout());
  const alike = button("More like it", "Find more like this (M)", () => view.askLike());
  const twice = tool("twice", "Duplicate (C)", () => view.duplicate());
  const away = tool("trash", "Delete (Delete)", () => view.remove());
  const tools = h("span", { class: "gg-line" }, ...fields, about, alike, twice, away);
  const node = h("div", { class: "gg-chosen", role: "group", "aria-label": "Selected box" }, name, tools);

  function change() {
    const row = view.selectedRow();
    const picture = view.picture();
    const [x, y, w, hh] = fields.map((field) => Number(field.value));
    if (!row || [x, y, w, hh].some((value) => !Number.isFinite(value) || value < 0)) return update();
    const relative = row.kind === "point" ? [x / picture.width_px, y / picture.height_px] : [
      x / picture.width_px, y / picture.height_px, (x + w) / picture.width_px, (y + hh) / picture.height_px,
    ];
    if (row.kind === "box" && !(w > 0 && hh > 0)) return update();
    desk.commit([{ op: "alter", id: row.id, relative: relative.map((value) => clamp(value, 0, 1)) }]);
  }
  for (const field of fields) field.addEventListener("change", change);

  function update() {
    const row = view.selectedRow();
    tools.hidden = !row;
    const nothing = "Nothing selected. Click a box, or press N on the picture.";
    name.textContent = row ? `${row.kind} ${row.number || ""}`.trim() : nothing;
    name.classList.toggle("gg-quiet", !row);
    if (!row) return;
    const picture = view.picture();
    const [x1, y1, x2 = x1, y2 = y1] = row.relative;
    const values = [x1 * picture.width_px, y1 * picture.height_px, (x2 - x1) * picture.width_px, (y2 - y1) * picture.height_px];
    fields.forEach((field, i) => {
      field.hidden = i > 1 && row.kind === "point";
      if (document.activeElement !== field) field.value = String(Math.round(values[i]));
    });
    for (const one of [about, alike]) one.hidden = row.kind === "point" || !view.model.get("can_ask");
  }
  return { node, update };
}

/** The pictures to step through, when there are several. */
function makeStrip(view) {
  const node = h("div", { class: "gg-strip", role: "group", "aria-label": "Pictures" });
  let made = 0;

  async function thumbnail(picture, canvas) {
    try {
      const bitmap = await createImageBitmap(
        new Blob([picture.bytes], { type: picture.mime }), { resizeHeight: 88, resizeQuality: "medium" },
      );
      [canvas.width, canvas.height] = [Math.min(bitmap.width, 176), 88];
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
    } catch {
      canvas.remove();
    }
  }
  function update() {
    const pictures = view.pictures();
    node.hidden = pictures.length < 2;
    if (made !== pictures.length) {
      made = pictures.length;
      node.replaceChildren(
        ...pictures.map((picture, i) => {
          const canvas = h("canvas", { "aria-hidden": true });
          thumbnail(picture, canvas);
          return h(
            "button",
            {
              type: "button", class: "gg-thumb", title: picture.name,
              "aria-label": `Picture ${i + 1}: ${picture.name}`, onclick: () => view.goTo(i),
            },
            canvas, h("span", { text: i + 1 }),
          );
        }),
      );
    }
    [...node.children].forEach((child, i) => (i === view.image ? child.setAttribute(
      "aria-current", "true",
    ) : child.removeAttribute("aria-current")));
  }
  return { node, update };
}

/* ---- one view ------------------------------------------------------------------------------------------------------- */

function makeView(desk, model, el) {
  const controller = new AbortController();
  const { signal } = controller;
  const live = h("div", { class: "gg-sr", "aria-live": "polite" });
  const view = {
    desk,
    model,
    signal,
    id: `gg-${Math.random().toString(36).slice(2)}`,
    image: 0,
    /** @type {Row[]} boxes of this picture that are to be seen */ visible: [],
    /** @type {string | null} */ filter: null,
    isHidden: false,
    hovered: "",
    pickedAsked: -1,

    rows: () => desk.rows(),
    pictures: () => /** @type {Picture[]} */ (model.get("pictures")),
    picture: () => view.pictures()[view.image],
    here: () => view.rows().filter((row) => row.image === view.image),
    find: (id) => view.rows().find((row) => row.id === id),
    selected: () => /** @type {string} */ (model.get("selected")),
    selectedRow: () => view.visible.find((row) => row.id === view.selected()),
    lit: () => new Set([view.hovered, view.selected()].filter(Boolean)),
    /** The question whose answer is shown: the one picked in the history, else the last one about this picture. */
    asked() {
      const asked = model.get("asked");
      if (view.pickedAsked >= 0 && asked[view.pickedAsked]) return view.pickedAsked;
      for (let i = asked.length - 1; i >= 0; i -= 1) if (asked[i].question && asked[i].image === view.image) return i;
      return -1;
    },
    pixels(row) {
      const { width_px: w, height_px: hh } = view.pictures()[row.image];
      const [x1, y1, x2 = x1, y2 = y1] = row.relative;
      const place = `${Math.round(x1 * w)}, ${Math.round(y1 * hh)}`;
      return row.kind === "point" ? place : `${place} · ${Math.round((x2 - x1) * w)}×${Math.round((y2 - y1) * hh)}`;
    },
    /** A box in words, for those who do not see it. */
    where(row) {
      const [x1, y1, x2, y2] = row.relative.map((value) => Math.round(100 * value));
      const extent = row.kind === "point" ? "" : `, ${x2 - x1} % wide, ${y2 - y1} % high`;
      return `${row.kind} ${row.number || ""}: ${row.tag || "no label"}, ${x1} % from left, ${y1} % from top${extent}`;
    },
    announce(text) {
      live.textContent = text;
    },
    hover(id) {
      if (view.hovered === id) return;
      view.hovered = id;
      view.light();
    },
    light() {
      const ids = view.lit();
      table.light(ids);
      for (const mark of answer.words.querySelectorAll("mark")) mark.classList.toggle("gg-lit", ids.has(mark.dataset.id));
      stage.repaint(false);
    },
    select(id, isFromTable = false) {
      if (id !== view.selected()) desk.choose(view.find(id) ? id : "");
      const row = view.find(id);
      if (!row) return view.announce("Nothing is selected.");
      if (row.image !== view.image) view.goTo(row.image);
      stage.reveal(row);
      if (!isFromTable) table.show(id);
      view.announce(view.where(row));
    },
    next(step) {
      if (!view.visible.length) return view.announce("There are no boxes.");
      const place = view.visible.findIndex((row) => row.id === view.selected());
      const n = view.visible.length;
      view.select(view.visible[place < 0 ? (step > 0 ? 0 : n - 1) : (place + step + n) % n].id);
    },
    add(relative, label = "") {
      const id = `p${desk.page}-${desk.n + 1}`;
      view.isHidden = false;
      desk.commit([{ op: "add", id, image: view.image, relative, label, at: view.rows().length }]);
      if (view.filter !== null && view.filter !== label) view.filter = null;
      view.update();
      view.select(id);
    },
    duplicate() {
      const row = view.selectedRow();
      if (row?.kind === "box") view.add(shifted(row.relative, 0.02, 0.02), row.label);
    },
    remove(id = view.selected()) {
      const row = view.find(id);
      if (!row) return;
      const place = view.visible.indexOf(row);
      const neighbour = view.visible[place + 1] ?? view.visible[place - 1];
      const isInTable = root.contains(document.activeElement) && document.activeElement.closest("tr");
      desk.commit([{ op: "delete", id }]);
      view.select("");
      view.announce(`${row.kind} ${row.number} is deleted. Ctrl Z brings it back.`);
      if (isInTable) (neighbour && root.querySelector(`tr[data-id="${neighbour.id}"] .gg-away`) || stage.node).focus();
    },
    relabel(id, label) {
      if (view.find(id)?.label !== label) desk.commit([{ op: "alter", id, label }]);
    },
    editLabel() {
      if (view.selectedRow()) table.edit(view.selected());
    },
    undo: () => view.announce(desk.step("undo", "redo", "back") ? "Undone." : "There is nothing to undo."),
    redo: () => view.announce(desk.step("redo", "undo", "changes") ? "Done again." : "There is nothing to do again."),
    hideAll() {
      view.isHidden = !view.isHidden;
      view.announce(view.isHidden ? "All boxes are hidden." : "All boxes are shown.");
      view.update();
    },
    askAbout() {
      if (view.selectedRow()?.kind === "box") ask.about();
    },
    askLike() {
      if (view.selectedRow()?.kind === "box" && !model.get("status")) ask.send(view.selected());
    },
    showAsked(number) {
      const one = model.get("asked")[number];
      view.pickedAsked = number;
      if (one.image !== view.image) view.goTo(one.image, number);
      view.update();
    },
    showKeys: () => files.showKeys(),
    goTo(image, pickedAsked = -1) {
      if (image === view.image || !view.pictures()[image]) return;
      view.image = image;
      view.pickedAsked = pickedAsked;
      view.update();
      stage.load(view.picture());
      view.announce(`Picture ${image + 1} of ${view.pictures().length}, ${view.here().length} boxes.`);
    },
    onZoom(factor) {
      const text = `${Math.round(100 * factor)} %`;
      if (percent.textContent !== text) percent.textContent = text;
    },
    onTool(name) {
      pointer.setAttribute("aria-pressed", String(name === "select"));
      pencil.setAttribute("aria-pressed", String(name === "draw"));
    },
    update() {
      const rows = view.isHidden ? [] : view.here().filter((row) => view.filter === null || row.label === view.filter);
      view.visible = rows;
      for (const part of [ask, answer, table, history, files, chosen, strip]) part.update();
      eye.setAttribute("aria-pressed", String(view.isHidden));
      [back.disabled, forth.disabled] = [!desk.undo.length, !desk.redo.length];
      stage.node.setAttribute("aria-label", `${view.picture()?.name ?? "No picture"}, ${rows.length} boxes`);
      root.toggleAttribute("data-still", model.get("has_still"));
      view.light();
    },
  };
  const percent = h(
    "button",
    {
      type: "button", class: "gg-percent", title: "Whole picture (0)", "aria-label": "Whole picture",
      text: "100 %", onclick: () => stage.fit(),
    },
  );
  const stage = makeStage(view);
  const [ask, answer, table, history, files, chosen, strip] = [
    makeAsk, makeAnswer, makeTable, makeHistory, makeFiles, makeChosen, makeStrip,
  ].map((make) => make(view));
  const pointer = tool("select", "Select and move", () => stage.setTool("select"), { "aria-pressed": "true" });
  const pencil = tool("draw", "Draw a box (D)", () => stage.setTool("draw"), { "aria-pressed": "false" });
  const eye = tool("eye", "Hide all boxes (H)", () => view.hideAll(), { "aria-pressed": "false" });
  const [back, forth] = [tool("undo", "Undo (Ctrl+Z)", () => view.undo()), tool("redo", "Redo (Ctrl+Y)", () => view.redo())];
  const gap = () => h("span", { class: "gg-gap" });
  const bar = h(
    "div", { class: "gg-bar", role: "group", "aria-label": "Picture tools" }, pointer, pencil, gap(),
    tool("minus", "Zoom out (−)", () => stage.zoom(0.8)), percent, tool("plus", "Zoom in (+)", () => stage.zoom(1.25)),
    tool("fit", "Whole picture (0)", () => stage.fit()), gap(), back, forth, gap(), eye,
  );
  const left = h("div", { class: "gg-left" }, bar, stage.node, strip.node, chosen.node);
  const panel = h("div", { class: "gg-panel" }, ask.node, answer.node, table.node, history.node, files.node);
  const root = h(
    "section", { class: "glm-ground", "aria-label": "Boxes on a picture" },
    h("div", { class: "gg-main" }, left, h("div", { class: "gg-right" }, panel)), live,
  );

  /**
   * Keys are the widget's while it has the focus, but for the page's own combinations, such as saving. JupyterLab looks for
   * the attribute on the focused element first, and acts before any listener inside of the page's body.
   */
  const onAnyKey = (event) => {
    if (!root.contains(event.target)) return;
    const isOwn = !(event.ctrlKey || event.metaKey) || "acvxyz".includes(event.key.toLowerCase());
    event.target.toggleAttribute("data-lm-suppress-shortcuts", isOwn);
    root.toggleAttribute("data-lm-suppress-shortcuts", isOwn);
  };
  window.addEventListener("keydown", onAnyKey, { signal, capture: true });

  let isDue = false;
  /** One update for many changes that come together. */
  const later = () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      if (!signal.aborted) view.update();
    });
  };
  const begun = () => {
    view.pickedAsked = -1;
    const last = model.get("asked").at(-1);
    const isElsewhere = model.get("status") === "asking" && last && last.image !== view.image;
    if (isElsewhere && !root.contains(document.activeElement)) view.goTo(last.image);
    later();
  };
  const names = ["shapes", "asked", "growing", "status", "message", "selected", "has_still", "can_ask"];
  for (const name of names) model.on(`change:${name}`, name === "asked" ? begun : later);
  desk.watchers.add(later);
  el.append(root);
  view.update();
  if (view.picture()) stage.load(view.picture());
  return () => {
    controller.abort();
    for (const name of names) model.off(`change:${name}`, name === "asked" ? begun : later);
    desk.watchers.delete(later);
    root.remove();
  };
}

/** One desk per widget, one view per place where it is shown. */
export default () => {
  const desk = makeDesk();
  return {
    /** @param {{model: Model}} widget */
    initialize: ({ model }) => desk.attach(model),
    /** @param {{model: Model, el: HTMLElement}} place */
    render: ({ model, el }) => makeView(desk, model, el),
  };
};
