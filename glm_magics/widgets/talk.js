/**
 * A voice call on the page: microphone, captions, buttons; `sound.js` is before this.
 *
 * Python holds the key, the socket and what was said. The page sends what the microphone hears, plays what comes, and shows
 * rows as Python tells them. Text of models and people goes through `textContent` and nowhere else.
 *
 * @typedef {{n: number, name: string, arguments: string, state: string, result: string}} ToolCall
 * @typedef {{key: number, who: string, at_s: number, text: string, state: string, note: string, calls: ToolCall[]}} Row
 */

const ALIVE_MS = 2000;
const LATE_MS = 5000;
const GONE_MS = 20000;
const CONFIRM_MS = 1200; // a voice that the server does not hear either was none
const SHORTEST_HOLD_MS = 250;
const LONGEST_HOLD_MS = 29000; // a turn takes 30 s
const VIDEO_SIDE_PX = 640;
const MAX_ROWS = 400;
const UNSEEN_MS = 1000; // a call whose last view is gone has no button to hang up

const GONE = "The kernel is gone or was restarted: the call is over and the microphone is off. Run the cell again to call.";
const LATE = "The kernel is busy with a cell: what you say now is not heard.";
const WAY_OUT = "You can type here, or send a recording: glm.realtime.talk_file(\"question.wav\").";
const PROBLEMS = {
  NotAllowedError: "The microphone is not allowed on this page.",
  SecurityError: "The microphone is not allowed on this page.",
  NotFoundError: "There is no microphone.",
  NotReadableError: "The microphone is in use by another program.",
  TypeError: "This page may not use a microphone: it is not served from this machine, nor over HTTPS.",
};
const STATES = {
  idle: "Not connected", connecting: "Connecting …", on: "Connected", reconnecting: "Connecting again …", over: "Call ended",
};
const WHO = { user: "You", assistant: "Assistant", tool: "Tool", system: "System" };

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

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/* ---- the desk: the call as this page has it, for all views of one widget --------------------------------------------- */

function makeDesk(model) {
  const desk = {
    page: Math.random().toString(36).slice(2, 12),
    /** @type {Map<number, Row>} */ rows: new Map(),
    watchers: new Set(),
    /** @type {Awaited<ReturnType<typeof openPhone>> | null} */ phone: null,
    camera: null,
    hasMicrophone: false,
    isMuted: false,
    isHolding: false,
    isPlaying: false,
    level: 0,
    note: "",
    recording: "",
    shut: "", // the answer that is not to be heard any more
    started_ms: 0,
    heard_ms: 0, // when Python last answered
    get state() { return model.get("state"); },
    get isOn() { return ["connecting", "on", "reconnecting"].includes(desk.state); },
    get isOwner() { return model.get("owner") === desk.page; },
    get vad() { return model.get("vad"); },

    changed(what = "") { for (const watch of desk.watchers) watch(what); },
    say(note) {
      if (note === desk.note) return;
      desk.note = note;
      desk.changed();
    },
    send(type, body = {}, buffers = []) {
      try {
        model.send({ type, page: desk.page, ...body }, undefined, buffers);
      } catch {
        desk.lose();
      }
    },

    async start() {
      if (desk.isOn) return;
      desk.say("");
      desk.recording = "";
      desk.shut = "";
      desk.hasMicrophone = false;
      try {
        desk.phone = await openPhone(desk.told);
        await desk.phone.listen();
        desk.hasMicrophone = true;
      } catch (error) {
        const problem = desk.phone ? (PROBLEMS[error.name] ?? "The microphone cannot be used.") : error.message;
        desk.say(`${problem} ${WAY_OUT}`);
      }
      desk.heard_ms = performance.now();
      desk.send("start", { has_microphone: desk.hasMicrophone });
    },
    stop() { desk.send("stop"); },
    leave() { if (desk.isOn && desk.isOwner) desk.stop(); },
    hush() {
      desk.silence();
      desk.send("hush");
    },
    /** What is being played stops, and the rest of that answer is not played either. */
    silence() {
      if (desk.playing) desk.shut = desk.playing;
      desk.phone?.tell({ flush: true });
    },
    mute(is) {
      desk.isMuted = is;
      desk.phone?.tell({ muted: is });
      desk.changed();
    },
    hold() {
      if (desk.isHolding || !desk.hasMicrophone || desk.state !== "on") return;
      desk.isHolding = true;
      desk.silence();
      desk.hold_ms = performance.now();
      desk.send("hold", { is_down: true });
      desk.phone.tell({ on: true });
      desk.holdTimer = setTimeout(() => {
        desk.release();
        desk.say("One turn takes 30 seconds; what you said was sent.");
      }, LONGEST_HOLD_MS);
      desk.changed();
    },
    release() {
      if (!desk.isHolding) return;
      desk.isHolding = false;
      clearTimeout(desk.holdTimer);
      desk.phone?.tell({ last: true }); // the rest of the frame, then `told` says that it is over
      desk.changed();
    },
    choose(vad) {
      desk.release();
      desk.send("vad", { vad });
    },

    /** What the processor in the audio thread tells. */
    told(message) {
      if (message.frame) desk.heard(message);
      else if (message.level !== undefined) {
        desk.level = message.level;
        desk.changed("level");
      } else if (message.playing !== undefined) {
        desk.isPlaying = message.playing;
        desk.changed();
      } else if (message.voice) {
        clearTimeout(desk.voiceTimer);
        desk.voiceTimer = setTimeout(() => desk.phone?.tell({ hold: false }), CONFIRM_MS);
      }
    },
    heard({ frame, isLast }) {
      const isLate = performance.now() - desk.heard_ms > LATE_MS;
      if (frame.length && desk.state === "on" && !isLate) {
        desk.send("sound", { t_ms: Math.round(performance.now()) }, [frame.buffer]);
      }
      if (!isLast) return;
      desk.phone?.tell({ on: false });
      const isShort = performance.now() - desk.hold_ms < SHORTEST_HOLD_MS;
      desk.send("hold", { is_down: false, is_void: isShort });
      if (isShort) desk.say("Hold the button for as long as you speak.");
    },

    /** What Python tells. */
    hear(message, buffers) {
      desk.heard_ms = performance.now();
      if (message.page && message.page !== desk.page) return;
      if (desk.note === LATE) desk.say("");
      if (message.type === "row") desk.setRow(message.row);
      else if (message.type === "rows") {
        for (const row of message.rows) desk.setRow(row);
      } else if (message.type === "sound") {
        if (message.answer === desk.shut || !desk.phone) return;
        desk.playing = message.answer;
        desk.phone.play(buffers[0]);
      } else if (message.type === "sound_end") desk.phone?.tell({ end: true });
      else if (message.type === "flush") {
        clearTimeout(desk.voiceTimer);
        desk.silence();
      } else if (message.type === "recording") {
        if (desk.recording) URL.revokeObjectURL(desk.recording);
        desk.recording = URL.createObjectURL(new Blob([buffers[0]], { type: message.mime }));
        desk.changed();
      }
    },
    setRow(row) {
      desk.rows.set(row.key, row);
      desk.changed(row);
    },

    /** Follows what Python says about the call. */
    follow() {
      const isOn = desk.state === "on";
      if (isOn && !desk.started_ms) desk.started_ms = performance.now();
      if (isOn && desk.isOwner) desk.arm();
      if (desk.state === "over") desk.hangUp();
      desk.changed();
    },
    arm() {
      if (!desk.phone) return;
      const isFree = desk.vad === "server";
      const bargeIn = isFree && model.get("is_interruptible") && desk.hasMicrophone ? 1e-4 : 0; // -40 dB
      desk.phone.tell({ bargeIn, muted: desk.isMuted });
      if (desk.armed === desk.vad) return;
      desk.armed = desk.vad;
      desk.phone.tell({ on: isFree && desk.hasMicrophone });
    },
    /** Lets go of microphone, camera and loudspeaker. */
    hangUp() {
      clearTimeout(desk.voiceTimer);
      clearTimeout(desk.holdTimer);
      desk.isHolding = desk.isPlaying = false;
      desk.armed = desk.playing = "";
      desk.started_ms = 0;
      desk.level = 0;
      desk.phone?.tell({ flush: true });
      const phone = desk.phone;
      desk.phone = null;
      if (phone) setTimeout(() => phone.close(), 50); // the last sound fades
      desk.show("");
    },
    lose() {
      if (!desk.isOn) return;
      model.set("state", "over");
      desk.say(GONE);
    },
    /** Every two seconds of a call: is Python there? */
    beat() {
      if (!desk.isOn || !desk.isOwner) return;
      const late_ms = performance.now() - desk.heard_ms;
      if (late_ms > GONE_MS) desk.lose();
      else if (late_ms > LATE_MS) desk.say(LATE);
      desk.send("alive");
      desk.changed("level");
    },

    /** Camera or screen: `kind` is empty for neither. */
    async show(kind) {
      clearInterval(desk.frameTimer);
      for (const track of desk.camera ? desk.camera.srcObject.getTracks() : []) track.stop();
      desk.camera = null;
      desk.kind = "";
      if (kind) {
        try {
          const media = navigator.mediaDevices;
          const stream = await (kind === "screen" ? media.getDisplayMedia({ video: true }) : media.getUserMedia({ video: true }));
          desk.camera = h("video", { muted: true, playsinline: true });
          desk.camera.muted = true;
          desk.camera.srcObject = stream;
          stream.getVideoTracks()[0].onended = () => desk.show("");
          await desk.camera.play();
          desk.kind = kind;
          desk.frameTimer = setInterval(desk.frame, 1000 / desk.fps);
          desk.frame();
        } catch {
          desk.say(`The ${kind} cannot be shown: there is none, or it is not allowed on this page.`);
        }
      }
      desk.changed();
    },
    fps: 1,
    pace(fps) {
      desk.fps = fps;
      if (!desk.camera) return;
      clearInterval(desk.frameTimer);
      desk.frameTimer = setInterval(desk.frame, 1000 / fps);
    },
    frame() {
      const video = desk.camera;
      if (!video || !video.videoWidth || desk.state !== "on") return;
      const scale = Math.min(1, VIDEO_SIDE_PX / Math.max(video.videoWidth, video.videoHeight));
      const canvas = h("canvas");
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(async (blob) => blob && desk.send("frame", {}, [await blob.arrayBuffer()]), "image/jpeg", 0.75);
    },
  };
  return desk;
}

/* ---- one view --------------------------------------------------------------------------------------------------------- */

function makeView(desk, model, el) {
  const button = (text, onclick, attributes = {}) => h("button", { type: "button", text, onclick, ...attributes });
  const dot = h("span", { class: "gt-dot", "aria-hidden": true });
  const status = h("span", { class: "gt-status", role: "status" });
  const time = h("span", { class: "gt-status", "aria-hidden": true }); // not in the status: it would be read aloud each second
  const about = h("span", { class: "gt-quiet" });
  const start = button("Start the call", () => desk.start(), { class: "gt-main" });
  const stop = button("Hang up", () => desk.stop(), { class: "gt-stop" });
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
    onkeydown: (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      desk.hold();
    },
    onkeyup: (event) => event.key === " " && desk.release(),
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
  /** @type {Map<number, HTMLElement>} */
  const shown = new Map();

  function drawRow(row) {
    const old = shown.get(row.key);
    if (!old && shown.size >= MAX_ROWS) {
      const [key, node] = shown.entries().next().value;
      node.remove();
      shown.delete(key);
    }
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const node = old ?? h("li");
    node.className = `gt-row gt-${row.who in WHO ? row.who : "system"}`;
    node.dataset.state = row.state;
    const text = h("span", { class: "gt-text", text: row.text || (row.state === "growing" && !row.calls.length ? "…" : "") });
    node.replaceChildren(
      h("span", { class: "gt-who", text: WHO[row.who] ?? row.who }), h("span", { class: "gt-time gt-quiet", text: clock(row.at_s) }),
      h("div", { class: "gt-said" }, text, ...row.calls.map(drawCall), row.note ? h("div", { class: "gt-quiet", text: row.note }) : ""),
    );
    if (!old) {
      list.append(node);
      shown.set(row.key, node);
    }
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  /** @param {ToolCall} call */
  function drawCall(call) {
    const box = h("div", { class: "gt-call", "data-state": call.state }, h("code", { text: `${call.name}(${call.arguments})` }));
    if (call.state === "waiting") {
      const answer = (how, reason = "") => desk.send("allow", { call: call.n, how, reason });
      const reason = h("input", { type: "text", "aria-label": "Reason", placeholder: "Why not? (told to the model)", maxlength: 500 });
      box.append(
        h("div", { class: "gt-ask" }, button("Approve", () => answer("yes"), { class: "gt-main" }),
          button("Always", () => answer("always"), { title: `Runs ${call.name} without asking until the kernel ends` }),
          button("Refuse", () => answer("no", reason.value)), reason),
      );
    } else if (call.result) box.append(h("div", { class: "gt-result", text: call.result }));
    return box;
  }

  function draw(what) {
    if (what && typeof what === "object") return drawRow(what);
    if (what === "level" || !what) {
      const percent = desk.level > 0 ? Math.min(100, Math.max(0, 100 + (10 * Math.log10(desk.level) * 100) / 60)) : 0;
      bar.style.transform = `scaleX(${(percent / 100).toFixed(2)})`;
      meter.setAttribute("aria-valuenow", percent.toFixed(0));
      const s = desk.started_ms ? (performance.now() - desk.started_ms) / 1000 : 0;
      if (status.textContent !== STATES[desk.state]) status.textContent = STATES[desk.state];
      const text = desk.state === "on" ? clock(s) : "";
      if (time.textContent !== text) time.textContent = text;
      if (what) return;
    }
    const [isOn, isMine] = [desk.isOn, desk.isOwner];
    root.dataset.state = desk.state;
    root.dataset.speaking = String(desk.isPlaying);
    root.toggleAttribute("data-still", model.get("has_still"));
    about.textContent = model.get("about");
    start.hidden = isOn;
    start.textContent = desk.state === "over" ? "Call again" : "Start the call";
    stop.hidden = !isOn;
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
      desk = makeDesk(model);
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
