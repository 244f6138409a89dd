// @ts-check
/* Small things of a page: elements, icons, lists to choose from, files to keep. */

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

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

const began = new WeakMap();

/** A field's value from here on counts as it is in the notebook, not as a change of the one who types. */
function settle(field) {
  began.set(field, field.value);
}

/** True while a field holds what was typed and not yet taken: its keys, undo among them, are the browser's then. */
const hasOwnChange = (field) => document.activeElement === field && hasTyped(field);
const hasTyped = (field) => began.has(field) && field.value !== began.get(field);

/** Writes what is so now, unless somebody is writing there. */
function setField(field, value) {
  if (hasOwnChange(field)) return;
  if (field.value !== value) field.value = value;
  settle(field);
}

/** Enter is taken as such: inside of JupyterLab's cells no form hears of it. Not while an input method composes letters. */
function onEnter(field, act) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    act();
  });
}

function toDisk(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return true;
}
