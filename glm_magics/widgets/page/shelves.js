// @ts-check
/* Earlier questions, files to take away, and the strip of pictures. */

const NO_CLIPBOARD = "This page may not use the clipboard; download the file instead.";

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
    const known = one.n_known ? `, ${one.n_known} known` : "";
    const state = one.sentence ? "failed, " : one.ending ? `${one.ending}, ` : "";
    return h(
      "li", {}, box, go,
      h("span", { class: "gg-where", text: `${place}${state}${one.n_boxes} ${one.n_boxes === 1 ? "box" : "boxes"}${known}` }),
    );
  }
  function update() {
    const asked = /** @type {Asked[]} */ (model.get("asked"));
    const lines = asked.map((one, number) => [one, number]).filter(([one]) => one.question || one.n_boxes);
    node.hidden = !lines.length;
    summary.textContent = `History (${lines.length})`;
    const key = JSON.stringify([asked.map(({ answer, thinking, ...rest }) => rest), view.asked()]);
    if (node.dataset.key === key) return;
    const held = [...list.querySelectorAll("input, button")].indexOf(document.activeElement);
    node.dataset.key = key;
    list.replaceChildren(...lines.map(([one, number]) => makeItem(one, number)));
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
