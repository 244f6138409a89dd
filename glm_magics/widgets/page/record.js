// @ts-check
/* A recording made on the page: what the microphone hears goes to Python as it comes; `microphone.js` is before this. */

const WAY_OUT = "A file does as well: %%glm -f question.wav";
const NOTES = {
  gone: "The microphone is gone: what was heard until then is kept.",
  muted: "The microphone is muted by the system or a switch of its own: nothing is heard.",
  heard: "",
};
const KERNEL_GONE = "The kernel is gone or was restarted: nothing is kept. Run the cell again to record.";

function makeRecorder(model) {
  const desk = {
    page: Math.random().toString(36).slice(2, 12),
    watchers: new Set(),
    /** @type {Awaited<ReturnType<typeof openPhone>> | null} */ phone: null,
    isOn: false,
    level: 0,
    note: "",
    recording: "",
    began_ms: 0,
    changed(what = "") { for (const watch of desk.watchers) watch(what); },
    say(note) {
      desk.note = note;
      desk.changed();
    },
    send(type, buffers = []) {
      try {
        model.send({ type, page: desk.page }, undefined, buffers);
      } catch {
        desk.letGo();
        desk.say(KERNEL_GONE);
      }
    },
    async start() {
      if (desk.phone) return;
      desk.note = "";
      try {
        desk.phone = await openPhone(desk.told);
        await desk.phone.listen();
      } catch (error) {
        desk.letGo();
        desk.say(`${inWords(error)} ${WAY_OUT}`);
        return;
      }
      desk.isOn = true;
      desk.began_ms = performance.now();
      desk.recording = "";
      desk.send("begin");
      desk.phone?.tell({ on: true });
      desk.timer = setTimeout(() => {
        desk.stop();
        desk.say("Ten minutes are recorded; the model takes no more.");
      }, model.get("max_s") * 1000);
      desk.changed();
    },
    stop() {
      if (!desk.isOn) return;
      desk.isOn = false;
      clearTimeout(desk.timer);
      desk.phone?.tell({ last: true }); // the rest of the frame, then `told` says that it is over
      desk.changed();
    },
    /** Lets go of the microphone. */
    letGo() {
      clearTimeout(desk.timer);
      desk.isOn = false;
      desk.level = 0;
      desk.phone?.close();
      desk.phone = null;
    },
    /** What the processor in the audio thread tells. */
    told(message) {
      if (message.frame) {
        if (message.frame.length) desk.send("sound", [message.frame.buffer]);
        if (!message.isLast) return;
        desk.send("end");
        desk.letGo();
        desk.changed();
      } else if (message.level !== undefined) {
        desk.level = message.level;
        desk.changed("level");
      } else if (message.microphone) {
        if (message.microphone === "gone") desk.stop();
        desk.say(NOTES[message.microphone]);
      }
    },
    /** What Python tells: the recording, to be heard again. */
    hear(message, buffers) {
      if (message.type !== "recording") return;
      if (desk.recording) URL.revokeObjectURL(desk.recording);
      desk.recording = URL.createObjectURL(new Blob([buffers[0]], { type: message.mime }));
      desk.changed();
    },
  };
  return desk;
}

function makeRecordView(desk, model, el) {
  const press = h("button", { type: "button", class: "gt-main", onclick: () => (desk.isOn ? desk.stop() : desk.start()) });
  const bar = h("span");
  const meter = h("span", { class: "gt-meter", role: "meter", "aria-label": "Microphone level", "aria-valuemin": 0,
    "aria-valuemax": 100 }, bar);
  const time = h("span", { class: "gt-status", "aria-hidden": true });
  const status = h("span", { class: "gt-quiet", role: "status" });
  const message = h("div", { class: "gt-message", role: "alert" });
  const sound = h("audio", { controls: true, preload: "metadata" });
  const head = h("div", { class: "gt-head" }, press, meter, time, status);
  const root = h("div", { class: "glm-talk glm-record" }, head, message, sound);
  // a click leaves the keyboard with the notebook: Shift+Enter runs the next cell then, and does not record again
  root.addEventListener("mousedown", (event) => event.target === press && event.preventDefault());
  for (const name of ["keydown", "keyup", "keypress"]) root.addEventListener(name, (event) => event.stopPropagation());
  root.setAttribute("data-lm-suppress-shortcuts", "true");

  function draw(what) {
    const percent = percentOf(desk.level).toFixed(0);
    bar.style.transform = `scaleX(${Number(percent) / 100})`;
    meter.setAttribute("aria-valuenow", percent);
    time.textContent = desk.isOn ? clock((performance.now() - desk.began_ms) / 1000) : "";
    if (what) return;
    root.dataset.state = desk.isOn ? "on" : "idle";
    root.toggleAttribute("data-still", model.get("has_still"));
    press.textContent = desk.isOn ? "Stop" : desk.recording ? "Record again" : "Record";
    meter.hidden = !desk.isOn;
    status.textContent = desk.isOn ? "Recording" : model.get("about");
    const said = [desk.note, model.get("message")].filter(Boolean).join(" ");
    message.textContent = said;
    message.hidden = !said;
    sound.hidden = !desk.recording;
    if (desk.recording && sound.src !== desk.recording) sound.src = desk.recording;
  }

  draw("");
  desk.watchers.add(draw);
  el.append(root);
  return () => {
    desk.watchers.delete(draw);
    root.remove();
    setTimeout(() => !desk.watchers.size && desk.stop(), 1000); // nobody sees that it records
  };
}

export default () => {
  let desk;
  return {
    /** @param {{model: any}} widget */
    initialize({ model }) {
      desk = makeRecorder(model);
      for (const name of ["message", "about", "has_still"]) model.on(`change:${name}`, () => desk.changed());
      model.on("msg:custom", desk.hear);
      addEventListener("pagehide", desk.stop);
      return () => {
        removeEventListener("pagehide", desk.stop);
        desk.letGo();
      };
    },
    /** @param {{model: any, el: HTMLElement}} place */
    render: ({ model, el }) => makeRecordView(desk, model, el),
  };
};
