// @ts-check
/**
 * A voice call as a page has it, for all views of one widget; `sound.js` is before this.
 *
 * Python holds the key, the socket and what was said. The page sends what the microphone hears and plays what comes.
 *
 * @typedef {{n: number, name: string, arguments: string, state: string, result: string}} ToolCall
 * @typedef {{key: number, who: string, at_s: number, text: string, state: string, note: string, calls: ToolCall[]}} Row
 */

const LATE_MS = 5000;
const GONE_MS = 20000;
const CONFIRM_MS = 1200; // a voice that the server does not hear either was none
const SHORTEST_HOLD_MS = 250;
const LONGEST_HOLD_MS = 29000; // a turn takes 30 s
const VIDEO_SIDE_PX = 640;

const GONE = "The kernel is gone or was restarted: the call is over and the microphone is off. Run the cell again to call.";
const LATE = "The kernel is busy with a cell: what you say now is not heard.";
const WAY_OUT = "You can type here, or send a recording: glm.realtime.talk_file(\"question.wav\").";
const UNPLUGGED = "The microphone is gone. You can type here, or hang up and call again once it is plugged in and allowed.";
const MUTED = "The microphone is muted by the system or a switch of its own: nothing is heard. You can type here.";

function makeCallDesk(model) {
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
      if (desk.isOn || desk.state === "ending") return;
      desk.say("");
      desk.recording = "";
      desk.shut = "";
      desk.hasMicrophone = false;
      try {
        desk.phone = await openPhone(desk.told);
        await desk.phone.listen();
        desk.hasMicrophone = true;
      } catch (error) {
        desk.say(`${inWords(error)} ${WAY_OUT}`);
      }
      desk.heard_ms = performance.now();
      desk.send("start");
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
      } else if (message.microphone) desk.minded(message.microphone);
      else if (message.voice) {
        clearTimeout(desk.voiceTimer);
        desk.voiceTimer = setTimeout(() => desk.phone?.tell({ hold: false }), CONFIRM_MS);
      }
    },
    /** What becomes of the microphone in the middle of a call. */
    minded(what) {
      if (!desk.phone) return;
      if (what === "gone") {
        desk.release();
        desk.hasMicrophone = false;
        desk.note = UNPLUGGED;
      } else if (what === "muted") desk.note = MUTED;
      else if (desk.note === MUTED) desk.note = "";
      desk.changed();
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
      if (["ending", "over"].includes(desk.state)) desk.hangUp();
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
