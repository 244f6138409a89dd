// @ts-check
/* Boxes on a canvas. */

const MAX_LABEL_PX = 312;
const MANY = 50; // more boxes than this show their numbers alone

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
    text = fitted(ctx, text, MAX_LABEL_PX);
    const [width, height] = [Math.ceil(ctx.measureText(text).width) + 8, 16];
    [canvas.width, canvas.height] = [Math.ceil(width * dpr), Math.ceil(height * dpr)];
    ctx.scale(dpr, dpr);
    ctx.fillStyle = row.colour;
    ctx.fillRect(0, 0, width, height);
    ctx.fillStyle = row.ink;
    ctx.font = font;
    ctx.textBaseline = "middle";
    ctx.fillText(text, 4, 8.5);
    return { canvas, width, height };
  }

  /** As much of a text as is no wider: cut, never squeezed. */
  function fitted(ctx, text, width) {
    if (ctx.measureText(text).width <= width) return text;
    const letters = Array.from(text);
    let [least, most] = [0, letters.length];
    while (most - least > 1) {
      const half = (least + most) >> 1;
      if (ctx.measureText(`${letters.slice(0, half).join("")}…`).width <= width) least = half;
      else most = half;
    }
    return `${letters.slice(0, least).join("").trimEnd()}…`;
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

  /** Above the box, inside, or below, a number also anywhere along its left; where it hides no other label, and in sight. */
  function placeLabel(mark, rect, taken, width, height, mustFit, isNumber) {
    const [left, top, right, bottom] = rect;
    const x = clamp(left - 1, 0, Math.max(0, width - mark.width));
    const spots = [top - mark.height - 1, top + 2, bottom + 1].map((y) => [x, y]);
    if (isNumber) {
      for (let across = x; across <= Math.min(right - mark.width, x + 5 * mark.width); across += mark.width + 1) {
        for (let y = Math.max(0, top); y <= bottom - mark.height; y += mark.height + 1) spots.push([across, y]);
      }
    }
    for (const [x, y] of spots) {
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
      const spot = mark && placeLabel(mark, rect, taken, width, height, mustFit, isNumber);
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
