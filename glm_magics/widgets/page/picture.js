// @ts-check
/* The picture below the boxes. */

/**
 * Decodes the picture once and paints it wherever the camera has it.
 * @param {object} view
 * @param {object} camera
 * @param {{width: number, height: number, dpr: number}} size of the stage
 * @param {() => void} onBetter called when a better copy for the present zoom is ready
 */
function makePicture(view, camera, size, onBetter) {
  const { desk, signal } = view;
  const canvas = h("canvas", { class: "gg-canvas" });
  let bitmap = null;
  let fitted = null; // the picture reduced for the present scale: quicker to draw, and better looking
  let settling = 0;

  function paint() {
    const ctx = canvas.getContext("2d");
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

  /** Once the zoom rests, the picture is reduced once and well. */
  function settle() {
    clearTimeout(settling);
    if (fitted?.scale === camera.scale) return;
    settling = setTimeout(() => {
      const device = camera.scale * size.dpr;
      if (!bitmap || device >= 1 || signal.aborted) return;
      const copy = document.createElement("canvas");
      [copy.width, copy.height] = [
        Math.max(1, Math.round(camera.width * device)), Math.max(1, Math.round(camera.height * device)),
      ];
      const ctx = copy.getContext("2d");
      ctx.imageSmoothingQuality = "high";
      ctx.drawImage(bitmap, 0, 0, copy.width, copy.height);
      fitted = { canvas: copy, scale: camera.scale };
      onBetter();
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
  }

  signal.addEventListener("abort", () => {
    clearTimeout(settling);
    bitmap?.close();
  });
  return { canvas, paint, settle, load, forgetCopy: () => (fitted = null) };
}
