// @ts-check
/* A voice call on the page: buttons, captions, questions. Text of models and people goes through `textContent` and nowhere else. */

const ALIVE_MS = 2000;
const MAX_ROWS = 400;
const UNSEEN_MS = 1000; // a call whose last view is gone has no button to hang up
const STATES = {
  idle: "Not connected", connecting: "Connecting …", on: "Connected", reconnecting: "Connecting again …",
  ending: "Making the recording …", over: "Call ended",
};
const HOLD_KEYS = [" ", "Enter"];
const WHO = { user: "You", assistant: "Assistant", tool: "Tool", system: "System" };

function makeView(desk, model, el) {
  const button = (text, onclick, attributes = {}) => h("button", { type: "button", text, onclick, ...attributes });
  const dot = h("span", { class: "gt-dot", "aria-hidden": true });
  const status = h("span", { class: "gt-status", role: "status" });
  const time = h("span", { class: "gt-status", "aria-hidden": true }); // not in the status: it would be read aloud each second
  const about = h("span", { class: "gt-quiet" });
  const start = button("Start the call", () => desk.start(), { class: "gt-main" });
  const stop = button("Hang up", () => desk.stop(), {
    class: "gt-stop",
    onkeydown: (event) => event.repeat && event.preventDefault(), // a key still held from the button that began the call
  });
  const vad = h(
    "select",
    { "aria-label": "Who notices that you have finished", onchange: () => desk.choose(vad.value) },
    h("option", { value: "server", text: "Hands-free" }), h("option", { value: "client", text: "Push to talk" }),
  );
  const mute = button("Mute", () => desk.mute(!desk.isMuted), { "aria-pressed": "false" });
  const bar = h("span");
  const meter = h("span", { class: "gt-meter", role: "meter", "aria-label": "Microphone level", "aria-valuemin": 0,
    "aria-valuemax": 100 }, bar);
  const talk = button("Hold to talk", () => {}, {
    class: "gt-main",
    onpointerdown: (event) => {
      talk.setPointerCapture(event.pointerId);
      desk.hold();
    },
    onpointerup: () => desk.release(), onpointercancel: () => desk.release(), onblur: () => desk.release(),
    title: "Hold it, the space bar or Enter for as long as you speak",
    onkeydown: (event) => {
      if (!HOLD_KEYS.includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      desk.hold();
    },
    onkeyup: (event) => HOLD_KEYS.includes(event.key) && desk.release(),
  });
  const hush = button("Stop speaking", () => desk.hush());
  const kind = h(
    "select", { "aria-label": "Pictures", onchange: () => desk.show(kind.value) }, h("option", { value: "", text: "No pictures" }),
    h("option", { value: "camera", text: "Camera" }), h("option", { value: "screen", text: "Screen" }),
  );
  const fps = h(
    "select", { "aria-label": "Pictures a second", onchange: () => desk.pace(Number(fps.value)) },
    ...[["0.5", "1 in 2 s"], ["1", "1 a second"], ["2", "2 a second"]].map(([value, text]) => h("option", { value, text })),
  );
  fps.value = "1";
  const preview = h("span", { class: "gt-preview" });
  const video = h("span", { class: "gt-group" }, kind, fps, preview);
  const message = h("div", { class: "gt-message", role: "alert" });
  const list = h("ol", { class: "gt-rows", "aria-live": "polite", "aria-label": "What is said", tabindex: 0 });
  const words = h("input", { type: "text", "aria-label": "Message", placeholder: "Type instead of speaking", maxlength: 4000 });
  const form = h("form", { class: "gt-form", onsubmit: (event) => {
    event.preventDefault();
    if (!words.value.trim()) return;
    desk.silence();
    desk.send("write", { text: words.value });
    words.value = "";
  } }, words, h("button", { type: "submit", text: "Send" }));
  const sound = h("audio", { controls: true, preload: "metadata" });
  const foot = h("div", { class: "gt-foot gt-quiet" });
  const root = h(
    "div", { class: "glm-talk" },
    h("div", { class: "gt-head" }, dot, status, time, about, h("span", { class: "gt-gap" }), start, stop),
    h("div", { class: "gt-tools" }, vad, talk, mute, meter, hush, video),
    message, list, form, sound, foot,
  );
  // Jupyter's shortcuts would take the letters typed here
  for (const name of ["keydown", "keyup", "keypress"]) root.addEventListener(name, (event) => event.stopPropagation());
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("keydown", (event) => { // meant for a cell: it presses no button
    if (event.key === "Enter" && (event.shiftKey || event.ctrlKey) && event.target instanceof HTMLButtonElement) event.preventDefault();
  });
  /** @type {Map<number, {node: HTMLElement, words: Text, rest: string}>} */
  const shown = new Map();

  let isByKey = false; // who uses the mouse keeps Jupyter's shortcuts: the focus is not taken into the call then
  root.addEventListener("keydown", () => { isByKey = true; }, true);
  root.addEventListener("pointerdown", () => { isByKey = false; }, true);
  const focused = () => (isByKey ? /** @type {Document} */ (root.getRootNode()).activeElement : null);

  /** While somebody speaks only the words grow: nothing else is drawn anew, or read aloud again. */
  function drawRow(row) {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const words = row.text || (row.state === "growing" && !row.calls.length ? "…" : "");
    const rest = JSON.stringify([row.at_s, row.note, row.calls]);
    let drawn = shown.get(row.key);
    if (drawn?.rest === rest) drawn.words.data = words;
    else {
      const text = document.createTextNode(words);
      const parts = [
        h("span", { class: "gt-who", text: WHO[row.who] ?? row.who }), h("span", { class: "gt-time gt-quiet", text: clock(row.at_s) }),
        h("div", { class: "gt-said" }, h("span", { class: "gt-text" }, text), ...row.calls.map(drawCall),
          row.note ? h("div", { class: "gt-quiet", text: row.note }) : ""),
      ];
      if (!drawn) makeRoom();
      const node = drawn?.node ?? list.appendChild(h("li"));
      const hadFocus = node.contains(focused());
      node.replaceChildren(...parts);
      if (hadFocus) list.focus({ preventScroll: true }); // the button is gone: the keyboard goes on from here
      shown.set(row.key, (drawn = { node, words: text, rest }));
    }
    drawn.node.className = `gt-row gt-${row.who in WHO ? row.who : "system"}`;
    drawn.node.dataset.state = row.state;
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  function makeRoom() {
    if (shown.size < MAX_ROWS) return;
    const [key, { node }] = shown.entries().next().value;
    node.remove();
    shown.delete(key);
  }

  /** @param {ToolCall} call */
  function drawCall(call) {
    const box = h("div", { class: "gt-call", "data-state": call.state }, h("code", { text: `${call.name}(${call.arguments})` }));
    if (call.state === "waiting") {
      const answer = (how, reason = "") => desk.send("allow", { call: call.n, how, reason });
      const reason = h("input", { type: "text", "aria-label": "Reason of a refusal", placeholder: "why not (goes to the model)", maxlength: 500 });
      box.append(
        h("div", { class: "gt-ask" }, button("Run", () => answer("yes"), { class: "gt-main" }),
          button("Always run this function", () => answer("always")),
          button("Refuse", () => answer("no", reason.value)), reason),
      );
    } else if (call.result) box.append(h("div", { class: "gt-result", text: call.result }));
    return box;
  }

  function draw(what) {
    if (what && typeof what === "object") return drawRow(what);
    if (what === "level" || !what) {
      const percent = percentOf(desk.level);
      const seen = `scaleX(${(percent / 100).toFixed(2)})`;
      if (bar.dataset.seen !== seen && !meter.hidden) { // a page that is drawn anew costs more than all else in a call
        bar.dataset.seen = bar.style.transform = seen;
        meter.setAttribute("aria-valuenow", percent.toFixed(0));
      }
      const s = desk.started_ms ? (performance.now() - desk.started_ms) / 1000 : 0;
      if (status.textContent !== STATES[desk.state]) status.textContent = STATES[desk.state];
      const text = desk.state === "on" ? clock(s) : "";
      if (time.textContent !== text) time.textContent = text;
      if (what) return;
    }
    const [isOn, isMine] = [desk.isOn, desk.isOwner];
    const had = focused();
    root.dataset.state = desk.state;
    root.dataset.speaking = String(desk.isPlaying);
    root.toggleAttribute("data-still", model.get("has_still"));
    about.textContent = model.get("about");
    start.hidden = isOn;
    start.disabled = desk.state === "ending";
    start.textContent = ["ending", "over"].includes(desk.state) ? "Call again" : "Start the call";
    stop.hidden = !isOn;
    if (had === start && start.hidden) stop.focus({ preventScroll: true });
    if (had === stop && stop.hidden) list.focus({ preventScroll: true });
    vad.value = desk.vad;
    vad.disabled = isOn && !isMine;
    talk.hidden = desk.vad !== "client" || !isOn;
    talk.disabled = !isMine || desk.state !== "on" || !desk.hasMicrophone;
    talk.setAttribute("aria-pressed", String(desk.isHolding));
    talk.textContent = desk.isHolding ? "Release to send" : "Hold to talk";
    mute.hidden = meter.hidden = !isOn || !isMine || !desk.hasMicrophone;
    mute.textContent = desk.isMuted ? "Unmute" : "Mute";
    mute.setAttribute("aria-pressed", String(desk.isMuted));
    hush.hidden = !isOn;
    hush.disabled = !desk.isPlaying && !model.get("is_answering");
    video.hidden = !model.get("has_video");
    kind.disabled = fps.disabled = desk.state !== "on" || !isMine;
    kind.value = desk.kind ?? "";
    if (preview.firstChild !== desk.camera) preview.replaceChildren(...(desk.camera ? [desk.camera] : []));
    const said = [desk.note, model.get("message")].filter(Boolean).join(" ");
    message.textContent = said;
    message.hidden = !said;
    words.disabled = form.querySelector("button").disabled = desk.state !== "on";
    sound.hidden = !desk.recording;
    if (sound.src !== desk.recording && desk.recording) sound.src = desk.recording;
    foot.textContent = model.get("counts");
  }

  for (const row of desk.rows.values()) drawRow(row);
  draw("");
  desk.watchers.add(draw);
  el.append(root);
  return () => {
    desk.watchers.delete(draw);
    root.remove();
    setTimeout(() => !desk.watchers.size && desk.leave(), UNSEEN_MS);
  };
}

export default () => {
  let desk;
  return {
    /** @param {{model: any}} widget */
    initialize({ model }) {
      desk = makeCallDesk(model);
      const traits = ["state", "owner", "vad", "is_interruptible"];
      for (const name of traits) model.on(`change:${name}`, desk.follow);
      for (const name of ["message", "about", "counts", "is_answering", "has_still"]) model.on(`change:${name}`, () => desk.changed());
      model.on("msg:custom", desk.hear);
      const timer = setInterval(desk.beat, ALIVE_MS);
      addEventListener("pagehide", desk.leave);
      // JupyterLab has the kernel handle messages beside a running cell once a widget has sent some
      for (const wait_ms of [0, 1000]) setTimeout(() => desk.send("hello"), wait_ms);
      return () => {
        clearInterval(timer);
        removeEventListener("pagehide", desk.leave);
        desk.leave();
        desk.hangUp();
      };
    },
    /** @param {{model: any, el: HTMLElement}} place */
    render: ({ model, el }) => makeView(desk, model, el),
  };
};
