// @ts-check
/* Beside the map: the search by meaning with what it found, and the legend. */

const PAUSE_MS = 350;

/** @typedef {{row: number, text: string, facts: [string, string][]}} Found */

function makeSearch(view) {
  const id = `ga-${Math.random().toString(36).slice(2)}`;
  const field = /** @type {HTMLInputElement} */ (h("input", {
    id, type: "search", placeholder: "Search by meaning", autocomplete: "off", spellcheck: "false", maxlength: 2000,
  }));
  const state = h("p", { class: "ga-state", role: "status" });
  const list = h("ol", { class: "ga-hits", "aria-label": "Found texts" });
  const all = h("button", { type: "button", class: "ga-word", text: "Select these", hidden: true });
  const node = h(
    "div", { class: "ga-search" },
    h("label", { class: "ga-sr", for: id, text: "Search by meaning" }), field,
  );
  const results = h("div", { class: "ga-results", hidden: true }, h("div", { class: "ga-line" }, state, all), list);
  let timer = 0;
  let last = "";
  let found = /** @type {number[]} */ ([]);

  const clear = () => {
    last = "";
    found = [];
    view.lit = -1;
    list.replaceChildren();
    state.textContent = "";
    all.hidden = results.hidden = true;
    view.legend.node.hidden = false;
    view.map.show([]);
  };
  const show = (/** @type {Found[]} */ cards, /** @type {number[]} */ scores) => {
    found = cards.map(({ row }) => row);
    view.lit = -1;
    view.map.learn(cards);
    view.map.show(found);
    all.hidden = !found.length;
    list.replaceChildren(...cards.map((card, i) => {
      const go = () => {
        view.lit = card.row;
        view.map.goTo(card.row);
        view.map.follow();
      };
      const light = () => {
        view.lit = card.row;
        view.map.follow();
      };
      return h("li", {}, h(
        "button", { type: "button", class: "ga-hit", onclick: go, onfocus: light, onpointerenter: light },
        h("span", { class: "ga-score", text: scores[i].toFixed(2), title: "likeness (cosine)" }),
        h("span", { class: "ga-text", text: card.text }),
      ));
    }));
  };
  const run = async () => {
    clearTimeout(timer);
    const text = field.value.trim();
    if (text === last) return;
    if (!text) return clear();
    last = text;
    results.hidden = false;
    view.legend.node.hidden = true;
    state.textContent = "Searching …";
    const answer = await view.talk.ask("find", { text });
    if (text !== last || view.signal.aborted) return;
    if (answer?.type === "hits") {
      show(answer.cards, answer.scores);
      state.textContent = `The ${answer.cards.length} nearest texts`;
    } else {
      show([], []);
      last = "";
      state.textContent = answer?.sentence ?? "";
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(run, field.value.trim() ? PAUSE_MS : 0);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") run();
    else if (event.key === "Escape" && field.value) {
      field.value = "";
      clear();
    } else return;
    event.preventDefault();
  });
  all.addEventListener("click", () => view.map.select(found));
  return { node, results, destroy: () => clearTimeout(timer) };
}

function makeLegend(view) {
  const { title, groups = [], low, high, ramp = [] } = view.model.get("legend");
  const node = h("div", { class: "ga-legend", hidden: !title }, h("h4", { text: title ?? "" }));
  if (groups.length) {
    const rows = groups.map(({ name, colour, n }, group) => {
      const dot = h("span", { class: "ga-dot", "aria-hidden": true });
      dot.style.backgroundColor = colour;
      const choose = () => view.talk.ask("choose", { group });
      return h("li", {}, h(
        "button", { type: "button", class: "ga-group", title: "Select these points", onclick: choose },
        dot, h("span", { class: "ga-text", text: name }), h("span", { class: "ga-count", text: n.toLocaleString("en") }),
      ));
    });
    node.append(h("ul", { "aria-label": `Groups of ${title}; a button selects the points of one` }, ...rows));
  } else if (ramp.length) {
    const bar = h("div", { class: "ga-ramp", "aria-hidden": true });
    bar.style.backgroundImage = `linear-gradient(to right, ${ramp.join(",")})`;
    const number = (value) => Number(value).toLocaleString("en", { maximumSignificantDigits: 6 });
    node.append(bar, h("div", { class: "ga-ends" }, h("span", { text: number(low) }), h("span", { text: number(high) })));
  }
  return { node };
}
