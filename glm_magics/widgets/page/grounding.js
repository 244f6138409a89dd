// @ts-check
/* One view of the grounding widget, and the module that the page loads. */

const SETTLED_MS = 60; // traits are taken a moment later than messages

/** @param {number} n */
const countBoxes = (n) => `${n} ${n === 1 ? "box" : "boxes"}`;

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
    /** Those that were there when a filter was set or all were hidden. */ veiled: new Set(),

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
    /** The selected box, if it is to be seen: nothing else is acted on. */
    acted(mustBeBox = false) {
      const row = view.selectedRow();
      if (!row) view.announce(view.find(view.selected()) ? "The selected box is not shown." : "Nothing is selected.");
      else if (mustBeBox && row.kind !== "box") return view.announce("A point has no extent: select a box.");
      return row;
    },
    select(id, isFromTable = false, before = "") {
      if (id !== view.selected()) desk.choose(view.find(id) ? id : "");
      const row = view.find(id);
      if (!row) return view.announce("Nothing is selected.");
      if (row.image !== view.image) view.goTo(row.image);
      stage.reveal(row);
      if (!isFromTable) table.show(id);
      view.announce(`${before}${view.where(row)}`);
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
      desk.commit([{ op: "add", id, image: view.image, relative, label }]);
      if (view.filter !== null && view.filter !== label) view.filter = null;
      view.update();
      view.select(id);
    },
    duplicate() {
      const row = view.acted(true);
      if (row) view.add(shifted(row.relative, 0.02, 0.02), row.label);
    },
    remove(id) {
      const row = id ? view.find(id) : view.acted();
      if (!row) return;
      const place = view.visible.indexOf(row);
      const neighbour = view.visible[place + 1] ?? view.visible[place - 1];
      const isInTable = root.contains(document.activeElement) && document.activeElement.closest("tr");
      desk.commit([{ op: "delete", id: row.id }]);
      view.select("");
      view.announce(`${row.kind} ${row.number} is deleted. Ctrl Z brings it back.`);
      if (isInTable) (neighbour && root.querySelector(`tr[data-id="${neighbour.id}"] .gg-away`) || stage.node).focus();
    },
    relabel(id, label) {
      if (view.find(id)?.label !== label) desk.commit([{ op: "alter", id, label }]);
    },
    editLabel() {
      if (view.acted()) table.edit(view.selected());
    },
    async step(isRedo) {
      const hasFocus = root.contains(document.activeElement);
      const before = { ids: view.visible.map(({ id }) => id), isHidden: view.isHidden, filter: view.filter };
      const nothing = isRedo ? "There is nothing to do again." : "There is nothing to undo.";
      const told = desk.canStep(isRedo) ? await desk.tell("undo", { is_redo: isRedo }) : {};
      if (!told) return;
      if (!told.did) return view.announce(nothing);
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
      if (signal.aborted) return;
      view.showStep(told.did, before, isRedo ? "Done again. " : "Undone. ");
      if (hasFocus && !root.contains(document.activeElement)) stage.node.focus({ preventScroll: true });
    },
    /** What was undone is seen: on its picture, not hidden, not filtered out, unless somebody has hidden it meanwhile. */
    showStep({ ids, images }, before, word) {
      if (images.length && !images.includes(view.image)) view.goTo(images[0]);
      const seen = new Set([...before.ids, ...view.visible.map(({ id }) => id)]);
      const isFiltered = before.filter !== null && ids.some((id) => !seen.has(id));
      if ((before.isHidden && view.isHidden) || (isFiltered && view.filter === before.filter)) view.unveil();
      const rows = view.here().filter(({ id }) => ids.includes(id));
      if (rows.length === 1) view.select(rows[0].id, false, word);
      else view.announce(`${word}${countBoxes(view.visible.length)} ${view.visible.length === 1 ? "is" : "are"} shown.`);
    },
    /** From now on other boxes than these are new. */
    veil() {
      view.veiled = new Set(view.rows().map(({ id }) => id));
    },
    unveil() {
      [view.isHidden, view.filter] = [false, null];
      view.update();
    },
    hideAll() {
      view.isHidden = !view.isHidden;
      view.veil();
      view.announce(view.isHidden ? "All boxes are hidden." : "All boxes are shown.");
      view.update();
    },
    askAbout() {
      if (view.acted(true)) ask.about();
    },
    askLike() {
      if (model.get("status")) return view.announce(COMING);
      if (view.acted(true)) ask.send(view.selected());
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
      view.announce(`Picture ${image + 1} of ${view.pictures().length}, ${countBoxes(view.here().length)}.`);
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
      const isSeen = (row) => !view.isHidden && (view.filter === null || row.label === view.filter);
      if (view.here().some((row) => !isSeen(row) && !view.veiled.has(row.id))) {
        [view.isHidden, view.filter] = [false, null];
        view.announce("There are new boxes: all are shown.");
      }
      const rows = view.here().filter(isSeen);
      view.visible = rows;
      for (const part of [ask, answer, table, history, files, chosen, strip]) part.update();
      eye.setAttribute("aria-pressed", String(view.isHidden));
      [back.disabled, forth.disabled] = [!desk.canStep(false), !desk.canStep(true)];
      stage.node.setAttribute("aria-label", `${view.picture()?.name ?? "No picture"}, ${countBoxes(rows.length)}`);
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
  const [back, forth] = [
    tool("undo", "Undo (Ctrl+Z)", () => view.step(false)), tool("redo", "Redo (Ctrl+Y)", () => view.step(true)),
  ];
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

  addUndoKeys(view, root);

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
  const names = ["shapes", "asked", "growing", "status", "message", "selected", "has_still", "can_ask", "can_step"];
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
