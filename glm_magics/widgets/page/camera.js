// @ts-check
/* Where a picture and its boxes stand on the stage, in CSS pixels. */

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

const sorted = ([x1, y1, x2, y2]) => [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];

/** Moved as far as the picture goes. */
function shifted(relative, dx, dy) {
  const last = relative.length - 2;
  const [u, v] = [clamp(dx, -relative[0], 1 - relative[last]), clamp(dy, -relative[1], 1 - relative[last + 1])];
  return relative.map((value, i) => value + (i % 2 ? v : u));
}
