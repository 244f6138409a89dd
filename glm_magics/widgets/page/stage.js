// @ts-check
/* The stage: the picture with its boxes, zoomed and panned. */

/**
 * The picture with its boxes, and everything that hands do on it.
 * @param {object} view shared by the parts of one view: see `render`
 */
function makeStage(view) {
  const { signal } = view;
  const camera = makeCamera();
  const size = { width: 0, height: 0, dpr: 1 };
  const picture = makePicture(view, camera, size, () => repaint());
  const paintBoxes = makePainter();
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
    picture.canvas, above, hint,
  );
  let frame = 0;
  let isPictureStale = true;
  let toolName = "select";

  function repaint(withPicture = true) {
    isPictureStale ||= withPicture;
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (isPictureStale) picture.paint();
      isPictureStale = false;
      const drag = hands.drag();
      const preview = drag && drag.relative;
      let rows = view.visible;
      if (preview && drag.kind === "draw") rows = [
        ...rows, { ...blank("drawing"), relative: preview, colour: "#ffffff", ink: "#1a1a1a", dash: [4, 3] },
      ];
      else if (preview) rows = rows.map((row) => (row.id === drag.id ? { ...row, relative: preview } : row));
      const lit = new Set([...view.lit(), drag && drag.kind === "draw" ? "drawing" : ""]);
      paintBoxes(above.getContext("2d"), { camera, rows, ...size, lit, selected: view.selected() });
    });
  }

  /** The stage is as high as the picture needs at its width, within bounds. */
  function layOut() {
    picture.forgetCopy();
    const width = node.clientWidth;
    const height = clamp((width * camera.height) / camera.width, 220, 540);
    node.style.height = `${Math.round(height)}px`;
    [size.width, size.height, size.dpr] = [width, node.clientHeight, window.devicePixelRatio || 1];
    for (const canvas of [picture.canvas, above]) {
      [canvas.width, canvas.height] = [
        Math.max(1, Math.round(width * size.dpr)), Math.max(1, Math.round(size.height * size.dpr)),
      ];
    }
    if (camera.isFitted) fitCamera(camera, size.width, size.height);
    picture.settle();
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
    picture.settle();
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

  function setTool(name) {
    toolName = name;
    node.style.cursor = name === "draw" ? "crosshair" : "";
    view.onTool(name);
    moved();
  }

  async function load(shown) {
    await picture.load(shown);
    if (signal.aborted || shown !== view.picture()) return;
    layOut();
    fit();
  }

  const stage = {
    node, camera, size, load, repaint, zoom, pan, fit, reveal, setTool, moved, tool: () => toolName,
  };
  const hands = makeHands(view, stage);
  addKeys(view, stage, hands);
  const observer = new ResizeObserver(() => (node.clientWidth !== size.width || node.clientHeight !== size.height) && layOut());
  observer.observe(node);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  });
  return stage;
}
