// @ts-check
/* What keys do on the stage, and the list of them for people. */

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

/**
 * Listens to keys; Tab is never taken.
 * @param {object} view
 * @param {object} stage
 * @param {{drag: () => object | null, letGo: () => void}} hands
 */
function addKeys(view, stage, hands) {
  const { desk } = view;
  const { camera, zoom, pan, fit } = stage;
  const selected = () => view.visible.find((row) => row.id === view.selected());

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
    desk.commit([{ op: "alter", id: row.id, relative: isResize ? grown : shifted(from, u, v) }], `arrow-${isResize ? "s" : "m"}-${row.id}`);
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
    d: () => stage.setTool(stage.tool() === "draw" ? "select" : "draw"),
    b: () => {
      const [x1, y1] = fromStage(camera, stage.size.width * 0.4, stage.size.height * 0.4);
      const [x2, y2] = fromStage(camera, stage.size.width * 0.6, stage.size.height * 0.6);
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
    if (event.ctrlKey || event.metaKey) return; // see `addUndoKeys`
    if (key === "Escape") {
      if (hands.drag()) hands.letGo();
      else if (stage.tool() === "draw") stage.setTool("select");
      else view.select("");
      return;
    }
    if (!keys[key] || (event.altKey && !key.startsWith("Arrow"))) return; // Tab among them
    event.preventDefault();
    keys[key](event);
  }

  stage.node.addEventListener("keydown", onKey, { signal: view.signal });
}

/** Undo and redo are there wherever the focus is, but in a field with a change of its own. */
function addUndoKeys(view, root) {
  root.addEventListener(
    "keydown",
    (event) => {
      const key = event.key.toLowerCase();
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing || (key !== "z" && key !== "y")) return;
      if (hasOwnChange(event.target)) return;
      event.preventDefault();
      view.step(key === "y" || event.shiftKey);
    },
    { signal: view.signal },
  );
}
