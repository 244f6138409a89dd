// @ts-check
/* What pointers do on the stage: mouse, pen and fingers. */

/**
 * Listens to pointers and the wheel.
 * @param {object} view
 * @param {object} stage
 */
function makeHands(view, stage) {
  const { desk, signal } = view;
  const { node, camera, repaint, zoom, pan, fit } = stage;
  const selected = () => view.visible.find((row) => row.id === view.selected());
  let drag = null;
  let lastPageWheel = 0;
  const fingers = new Map();

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
    for (const row of view.visible) {
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
    else if (stage.tool() === "draw") drag = { ...base, kind: "draw", from: fromStage(camera, x, y) };
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
    if (stage.tool() === "draw") return "crosshair";
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
      stage.setTool("select");
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
  return { drag: () => drag, letGo: () => onCancel({ pointerId: -1 }) };
}
