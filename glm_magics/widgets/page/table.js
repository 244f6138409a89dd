// @ts-check
/* The table of boxes, and the bar of the selected one. */

const ROWS_A_PAGE = 100;

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
    view.veil();
    view.update();
  });

  function makeLine(row) {
    const number = h("button", { type: "button", class: "gg-number" });
    const label = h("input", { type: "text", class: "gg-label", maxlength: 5000, dir: "auto", placeholder: "no label" });
    const away = h("button", { type: "button", class: "gg-away", text: "×" });
    number.addEventListener("click", () => view.select(row.id, true));
    label.addEventListener("change", () => {
      settle(label);
      view.relabel(row.id, label.value);
    });
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
    setField(label, row.label);
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
    if (event.key === "Enter" && isLabel && !event.isComposing) line.cells[0].firstChild.focus();
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

  /** One number is changed, the others stay: a box is moved as far as the picture goes, or grows as far. */
  function change(i) {
    const row = view.selectedRow();
    const value = Number(fields[i].value);
    const isTyped = fields[i].value !== "" && hasTyped(fields[i]);
    settle(fields[i]);
    if (!row || !isTyped || !Number.isFinite(value) || value < 0 || (i > 1 && value === 0)) return update();
    const axis = i % 2;
    const share = value / [view.picture().width_px, view.picture().height_px][axis];
    const relative = [...row.relative];
    if (i > 1) relative[axis + 2] = Math.min(1, relative[axis] + share);
    else {
      const extent = row.kind === "point" ? 0 : relative[axis + 2] - relative[axis];
      relative[axis] = clamp(share, 0, 1 - extent);
      if (row.kind === "box") relative[axis + 2] = Math.min(1, relative[axis] + extent);
    }
    desk.commit([{ op: "alter", id: row.id, relative }]);
  }
  fields.forEach((field, i) => {
    field.addEventListener("change", () => change(i));
    onEnter(field, () => change(i));
  });

  function update() {
    const row = view.selectedRow();
    tools.hidden = !row;
    const isElsewhere = Boolean(view.find(view.selected()));
    const nothing = "Nothing selected. Click a box, or press N on the picture.";
    const named = isElsewhere ? "The selected box is not shown." : nothing;
    name.textContent = row ? `${row.kind} ${row.number || ""}`.trim() : named;
    name.classList.toggle("gg-quiet", !row);
    if (!row) return;
    const picture = view.picture();
    const [x1, y1, x2 = x1, y2 = y1] = row.relative;
    const values = [x1 * picture.width_px, y1 * picture.height_px, (x2 - x1) * picture.width_px, (y2 - y1) * picture.height_px];
    fields.forEach((field, i) => {
      field.hidden = i > 1 && row.kind === "point";
      setField(field, String(Math.round(values[i])));
    });
    for (const one of [about, alike]) one.hidden = row.kind === "point" || !view.model.get("can_ask");
  }
  return { node, update };
}
