// @ts-check
/* One view of a map of texts, and the module that the page loads. */

ICONS.lasso = "M12 4c5 0 9 2.5 9 6s-4 6-9 6-9-2.500-9-6 4-6 9-6zM8 15c-2 1-2 4 0 4s2 2 0 3";
ICONS.move = "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3";

function makeAtlas(model, host, el) {
  const controller = new AbortController();
  const { signal } = controller;
  const message = h("p", { class: "ga-message", role: "status", hidden: true });
  const view = {
    model,
    host,
    signal,
    /** the found text that is pointed at */ lit: -1,
    /** @type {any} */ talk: null,
    /** @type {any} */ map: null,
    /** @type {any} */ legend: null,
    say(sentence) {
      message.textContent = sentence;
      message.hidden = !sentence;
    },
    onMode(mode) {
      mover.setAttribute("aria-pressed", String(mode === "panZoom"));
      lasso.setAttribute("aria-pressed", String(mode === "lasso"));
    },
    onSelect(n) {
      chosen.textContent = n ? `${n.toLocaleString("en")} selected` : "";
      clear.hidden = !n;
    },
  };
  view.talk = makeTalk(model, view.say);
  view.map = makeMap(view);
  view.legend = makeLegend(view);
  const search = makeSearch(view);
  const mover = tool("move", "Move and zoom", () => view.map.setMode("panZoom"), { "aria-pressed": "true" });
  const lasso = tool("lasso", "Select with a lasso (L)", () => view.map.setMode("lasso"), { "aria-pressed": "false" });
  const chosen = h("span", { class: "ga-chosen", "aria-live": "polite" });
  const clear = h("button", {
    type: "button", class: "ga-word", text: "Clear", hidden: true, "aria-label": "Select nothing", onclick: () => view.map.select([]),
  });
  const gap = () => h("span", { class: "ga-gap" });
  const bar = h(
    "div", { class: "ga-bar", role: "group", "aria-label": "Map tools" }, search.node, gap(), mover, lasso, gap(),
    tool("minus", "Zoom out (−)", () => view.map.zoom(1 / ZOOM_STEP)), tool("plus", "Zoom in (+)", () => view.map.zoom(ZOOM_STEP)),
    tool("fit", "Whole map (0)", () => view.map.fit()), h("span", { class: "ga-space" }), chosen, clear,
  );
  const notice = h("p", { class: "ga-notice" });
  const side = h("div", { class: "ga-side" }, h("div", { class: "ga-scroll" }, search.results, view.legend.node));
  const root = h(
    "section", { class: "glm-atlas", "aria-label": "Map of texts" },
    h("div", { class: "ga-frame" }, bar, h("div", { class: "ga-main" }, view.map.node, side)), message, notice,
  );
  view.map.node.setAttribute("aria-label", `${model.get("summary")} Arrow keys move, plus and minus zoom, 0 shows all.`);

  /** Keys are the widget's while it has the focus, but for the page's own combinations, such as saving. */
  const onAnyKey = (event) => {
    if (!root.contains(event.target)) return;
    const isOwn = !(event.ctrlKey || event.metaKey) || "acvxyz".includes(event.key.toLowerCase());
    event.target.toggleAttribute("data-lm-suppress-shortcuts", isOwn);
    root.toggleAttribute("data-lm-suppress-shortcuts", isOwn);
  };
  window.addEventListener("keydown", onAnyKey, { signal, capture: true });
  const dress = () => setTimeout(() => view.map.dress(), 50);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress, { signal });
  const themes = new MutationObserver(dress);
  for (const one of [document.body, document.documentElement]) {
    themes.observe(one, { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind"] });
  }
  const update = () => {
    notice.textContent = model.get("notice");
    notice.hidden = !model.get("notice");
    view.onSelect(model.get("n_selected"));
    root.toggleAttribute("data-still", model.get("has_still"));
  };
  const watched = ["n_selected", "notice", "has_still"];
  for (const name of watched) model.on(`change:${name}`, update);
  el.append(root);
  update();
  view.map.load().catch(() => view.say("The map cannot be drawn here: it needs WebGL, and jupyter-scatter 1."));
  return () => {
    controller.abort();
    themes.disconnect();
    for (const name of watched) model.off(`change:${name}`, update);
    search.destroy();
    view.map.destroy();
    root.remove();
  };
}

export default {
  /** @param {{model: any, host: any, el: HTMLElement}} place */
  render: ({ model, host, el }) => makeAtlas(model, host, el),
};
