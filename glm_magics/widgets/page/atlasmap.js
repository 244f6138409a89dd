// @ts-check
/**
 * The map: jupyter-scatter draws the points; names, rings around what was found, and the card of a text lie over them.
 *
 * jupyter-scatter hands its regl-scatterplot out as `api` on the element that holds the canvas.
 *
 * @typedef {{text: string, row: number, colour: string, n: number}} Name
 * @typedef {{row: number, text: string, facts: [string, string][]}} Card
 */

const READY_MS = 30_000;
const PAN_SHARE = 0.2;
const ZOOM_STEP = 1.35;
const HOVER_MS = 60;
const MOST_CARDS = 2000;
const FADED = 0.14;
const ABOVE_PX = 9;

const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function makeMap(view) {
  const place = h("div", { class: "ga-points" });
  const rings = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "ga-rings", "aria-hidden": true }));
  const names = h("div", { class: "ga-names", "aria-hidden": true });
  const card = h("div", { class: "ga-card", hidden: true });
  const node = h(
    "div",
    {
      class: "ga-map", tabindex: 0, role: "application", "aria-roledescription": "map",
      style: `height: ${view.model.get("height_px")}px`,
      "aria-keyshortcuts": "ArrowLeft ArrowRight ArrowUp ArrowDown + - 0 L Escape",
    },
    place, rings, names, card,
  );
  /** @type {any} regl-scatterplot, once it is there */ let api = null;
  /** @type {number[]} */ let hits = [];
  /** @type {Map<number, Card>} */ const cards = new Map();
  /** @type {number[][]} of the names, measured once and not with every frame */ let sizes = [];
  let hovered = -1;
  let hoverTimer = 0;
  let base = null;

  const map = {
    node,
    mode: "panZoom",
    isReady: () => api !== null,

    async load() {
      const widget = await view.host.getWidget(view.model.get("points"));
      await widget.render({ el: place, signal: view.signal });
      const end = performance.now() + READY_MS;
      let holder;
      while (!(holder = [...place.querySelectorAll("div")].find((div) => /** @type {any} */ (div).api))) {
        if (view.signal.aborted) return;
        if (performance.now() > end) throw new Error("late");
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      api = /** @type {any} */ (holder).api;
      map.holder = holder;
      base = { opacity: api.get("opacity"), opacityBy: api.get("opacityBy") };
      for (const canvas of place.querySelectorAll("canvas")) canvas.setAttribute("aria-hidden", "true");
      api.subscribe("drawing", map.follow);
      api.subscribe("pointover", map.over);
      api.subscribe("pointout", map.out);
      api.subscribe("select", ({ points }) => view.onSelect(points.length));
      api.subscribe("deselect", () => view.onSelect(0));
      map.dress();
      map.makeNames();
      map.follow();
      node.dataset.ready = "true";
    },

    /** The host's ground, light or dark. */
    dress() {
      if (!api) return;
      const rgb = (getComputedStyle(node).backgroundColor.match(/[\d.]+/g) ?? ["255", "255", "255"]).slice(0, 3).map(Number);
      const isDark = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 128;
      const ink = isDark ? [1, 1, 1, 1] : [0, 0, 0, 1];
      map.holder.style.backgroundColor = `rgb(${rgb.join(",")})`;
      api.set({ backgroundColor: [...rgb.map((value) => value / 255), 1], pointColorHover: ink, lassoColor: ink });
    },

    // -- what lies over the points

    makeNames() {
      names.replaceChildren(...view.model.get("names").map((/** @type {Name} */ name) => {
        const sign = h("span", { class: "ga-name", text: name.text });
        sign.style.setProperty("--glm-own", name.colour);
        return sign;
      }));
      sizes = [...names.children].map((sign) => [sign.offsetWidth, sign.offsetHeight]);
    },
    /** With every frame: names and rings go where their points went. */
    follow() {
      if (!api || view.signal.aborted) return;
      const [width, height] = [node.clientWidth, node.clientHeight];
      const taken = [];
      const all = /** @type {Name[]} */ (view.model.get("names"));
      [...names.children].forEach((child, i) => {
        const sign = /** @type {HTMLElement} */ (child);
        const at = map.where(all[i].row);
        const [w, hh] = sizes[i];
        const box = at && [at[0] - w / 2, at[1] - hh - ABOVE_PX, at[0] + w / 2, at[1] - ABOVE_PX];
        const isSeen = box && box[2] > 0 && box[0] < width && box[3] > 0 && box[1] < height &&
          !taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]);
        sign.style.visibility = isSeen ? "visible" : "hidden";
        if (!isSeen) return;
        taken.push(box);
        sign.style.transform = `translate(${Math.round(clamp(box[0], 2, Math.max(2, width - w - 2)))}px, ${Math.round(clamp(box[1], 2, height - hh - 2))}px)`;
      });
      map.ring(width, height);
    },
    where(row) {
      try {
        return api.getScreenPosition(row);
      } catch {
        return undefined; // the points are not drawn yet
      }
    },
    ring(width, height) {
      const scale = devicePixelRatio || 1;
      const [w, hh] = [Math.round(width * scale), Math.round(height * scale)];
      if (rings.width !== w || rings.height !== hh) [rings.width, rings.height] = [w, hh];
      const brush = rings.getContext("2d");
      if (!brush) return;
      brush.setTransform(scale, 0, 0, scale, 0, 0);
      brush.clearRect(0, 0, width, height);
      const style = getComputedStyle(node);
      const [ink, ground] = [style.getPropertyValue("--glm-ink").trim() || style.color, style.backgroundColor];
      hits.forEach((row, i) => {
        const at = map.where(row);
        if (!at) return;
        const isFirst = row === view.lit || (view.lit < 0 && i === 0);
        for (const [colour, line] of [[ground, 5], [ink, isFirst ? 3 : 1.6]]) {
          brush.beginPath();
          brush.arc(at[0], at[1], isFirst ? 9 : 6, 0, 7);
          brush.lineWidth = /** @type {number} */ (line);
          brush.strokeStyle = /** @type {string} */ (style.color && colour === ink ? style.color : colour);
          brush.stroke();
        }
      });
    },
    /** Rings around these points, and all others faded; none for an empty list. */
    show(rows) {
      const had = hits.length;
      hits = rows;
      if (!api) return;
      if (rows.length && !had) api.set({ opacity: FADED, opacityBy: null });
      if (!rows.length && had) api.set(base);
      map.follow();
    },

    // -- the card of the text under the mouse

    over(row) {
      hovered = row;
      clearTimeout(hoverTimer);
      hoverTimer = setTimeout(() => map.lay(row), HOVER_MS);
    },
    out() {
      hovered = -1;
      clearTimeout(hoverTimer);
      card.hidden = true;
    },
    async lay(row) {
      if (!cards.has(row)) {
        const answer = await view.talk.ask("cards", { rows: [row] });
        map.learn(answer?.cards ?? []);
      }
      const found = cards.get(row);
      const at = found && hovered === row ? map.where(row) : undefined;
      if (!found || !at) return;
      card.replaceChildren(h("p", { text: found.text }), ...map.factsOf(found));
      card.hidden = false;
      const [w, hh] = [card.offsetWidth, card.offsetHeight];
      card.style.left = `${clamp(at[0] + (at[0] > node.clientWidth / 2 ? -w - 12 : 12), 4, Math.max(4, node.clientWidth - w - 4))}px`;
      card.style.top = `${clamp(at[1] - hh / 2, 4, Math.max(4, node.clientHeight - hh - 4))}px`;
    },
    factsOf(found) {
      if (!found.facts.length) return [];
      const rows = found.facts.flatMap(([name, value]) => [h("dt", { text: name }), h("dd", { text: value })]);
      return [h("dl", {}, ...rows)];
    },
    learn(/** @type {Card[]} */ known) {
      if (cards.size > MOST_CARDS) cards.clear();
      for (const one of known) cards.set(one.row, one);
    },

    // -- moving

    setMode(mode) {
      map.mode = mode;
      api?.set({ mouseMode: mode });
      node.dataset.mode = mode;
      view.onMode(mode);
    },
    glide: () => ({ transition: !isCalm(), transitionDuration: 250, transitionEasing: "quadInOut" }),
    fit() {
      api?.zoomToOrigin(map.glide());
    },
    zoom(factor) {
      if (api) api.zoomToLocation([...api.get("cameraTarget")].slice(0, 2), api.get("cameraDistance") / factor);
    },
    pan(dx, dy) {
      if (!api) return;
      const [x, y] = api.get("cameraTarget");
      const distance = api.get("cameraDistance");
      api.zoomToLocation([x + dx * PAN_SHARE * distance, y + dy * PAN_SHARE * distance], distance);
    },
    goTo(row) {
      api?.zoomToPoints([row], { padding: 24, ...map.glide() });
    },
    select(rows) {
      if (rows.length) api?.select(rows);
      else api?.deselect();
    },
    destroy() {
      clearTimeout(hoverTimer);
    },
  };

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  node.addEventListener("keydown", (event) => {
    if (event.target !== node || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = MOVES[event.key];
    if (move) map.pan(move[0], move[1]);
    else if (event.key === "+" || event.key === "=") map.zoom(ZOOM_STEP);
    else if (event.key === "-") map.zoom(1 / ZOOM_STEP);
    else if (event.key === "0") map.fit();
    else if (event.key.toLowerCase() === "l") map.setMode(map.mode === "lasso" ? "panZoom" : "lasso");
    else if (event.key === "Escape") map.select([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return map;
}
