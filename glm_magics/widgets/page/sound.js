// @ts-check
/**
 * Sound on a page: what a microphone hears as 16-bit samples, and samples played without gaps.
 *
 * One processor in the audio thread does both, so that a voice can silence the player without waiting for the page. It is
 * put before the module of each widget that needs it.
 */

/**
 * Runs in the audio thread, from its own text: it can use nothing from outside.
 *
 * A piece that is late leaves no gap: the last period of the voice is repeated until it comes, and so later pieces have more time.
 */
const PHONE = String.raw`
const HEARD_HZ = 16000, FRAME = 1600, WINDOW_S = 0.01, VOICE_WINDOWS = 4;
const QUIET = 1e-5, QUIET_AFTER_S = 1, QUIET_FRAMES = 5; // below -50 dB for a second: longer than a server waits for the end of a turn
const SHORTEST_WAIT_S = 0.01, LONGEST_WAIT_S = 0.3, STEP_S = 0.02, PLENTY_S = 0.3; // of the jitter buffer
const LONGEST_MADE_S = 0.08; // sound made up where a piece is late; more of it would be a buzz
const PAST = 2048; // samples that are kept of what was played: two periods of the deepest voice
const FADE = 192; // samples, 4 ms: no click when playback stops

/** Samples at another rate, as a stream: windowed sinc, with the low pass that going down needs. */
class Resampler {
  constructor(from, to) {
    this.step = from / to;
    this.cut = Math.min(1, to / from) * 0.95;
    this.half = Math.ceil(14 / this.cut);
    this.phases = 128;
    this.table = [];
    for (let p = 0; p <= this.phases; p++) {
      const row = new Float32Array(2 * this.half);
      for (let k = 0; k < row.length; k++) {
        const x = k - this.half + 1 - p / this.phases;
        const y = Math.PI * x * this.cut;
        const w = 0.42 + 0.5 * Math.cos((Math.PI * x) / this.half) + 0.08 * Math.cos((2 * Math.PI * x) / this.half);
        row[k] = Math.abs(x) >= this.half ? 0 : (y === 0 ? 1 : Math.sin(y) / y) * this.cut * w;
      }
      this.table.push(row);
    }
    this.reset();
  }
  reset() {
    this.past = new Float32Array(2 * this.half);
    this.at = this.half; // where in past + input the next sample is
  }
  push(input) {
    if (this.step === 1) return input;
    const all = new Float32Array(this.past.length + input.length);
    all.set(this.past);
    all.set(input, this.past.length);
    const out = new Float32Array(Math.ceil(input.length / this.step) + 2);
    let at = this.at, n = 0;
    while (Math.floor(at) + this.half < all.length) {
      const base = Math.floor(at), row = this.table[Math.round((at - base) * this.phases)];
      let sum = 0;
      for (let k = 0, i = base - this.half + 1; k < row.length; k++, i++) sum += row[k] * all[i];
      out[n++] = sum;
      at += this.step;
    }
    const drop = Math.max(0, Math.min(all.length, Math.floor(at) - this.half));
    this.past = all.slice(drop);
    this.at = at - drop;
    return out.subarray(0, n);
  }
}

class Phone extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.down = new Resampler(sampleRate, HEARD_HZ);
    this.up = new Resampler(processorOptions.spokenHz, sampleRate);
    this.frame = new Int16Array(QUIET_FRAMES * FRAME);
    this.n = 0;
    this.quiet_s = 0; // since something was heard
    this.isOn = false; // frames go out
    this.isMuted = false;
    this.bargeIn = 0; // energy above which a voice silences the player; 0: never
    this.energy = 0;
    this.nEnergy = 0;
    this.nLoud = 0;
    this.queue = [];
    this.first = 0; // of the first piece, what is played already
    this.nQueued = 0;
    this.isPlaying = false;
    this.isHeld = false;
    this.isEnded = true; // no more is coming
    this.waited = 0; // since the oldest piece came, in samples
    this.wait_s = SHORTEST_WAIT_S;
    this.fade = 0;
    this.last = 0;
    this.past = new Float32Array(PAST);
    this.nPast = 0;
    this.period = new Float32Array(1); // of the voice, where sound is made up
    this.nMade = 0;
    this.blend = 0; // samples in which what is made up gives way to what has come
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(data) {
    if (data.samples) {
      const piece = this.up.push(Float32Array.from(data.samples, (value) => value / 32768));
      if (!this.nQueued) this.waited = 0;
      if (piece.length) this.queue.push(piece);
      this.nQueued += piece.length;
      this.isEnded = false;
    }
    if (data.end) {
      const rest = this.up.push(new Float32Array(this.up.half + 2)); // what is still in the filter
      this.queue.push(rest);
      this.nQueued += rest.length;
      this.isEnded = true;
    }
    if (data.flush) this.flush();
    if (data.hold !== undefined) this.isHeld = data.hold;
    if (data.on !== undefined) { this.isOn = data.on; this.n = 0; }
    if (data.muted !== undefined) this.isMuted = data.muted;
    if (data.bargeIn !== undefined) this.bargeIn = data.bargeIn;
    if (data.last) this.send(true);
    if (data.close) this.isClosed = true;
  }

  flush() {
    if (this.isPlaying && !this.isHeld) this.fade = FADE;
    this.queue = [];
    this.first = this.nQueued = 0;
    this.isEnded = true;
    this.isHeld = false;
    this.nMade = this.blend = 0;
    this.up.reset();
    this.setPlaying(false);
  }

  setPlaying(is) {
    if (is === this.isPlaying) return;
    this.isPlaying = is;
    this.port.postMessage({ playing: is, at: currentTime });
  }

  /**
   * Heard: to 16 kHz, in frames of 100 ms; what is loud for 40 ms is a voice.
   *
   * While nobody speaks, five frames go out together: each message costs the page and the kernel more than its sound does. The
   * first frame with something in it takes those before it along, so that nothing is lost and nothing said is late.
   */
  hear(channels) {
    const input = channels.length === 1 ? channels[0] : new Float32Array(channels[0].length);
    if (channels.length > 1) {
      for (const channel of channels) for (let i = 0; i < input.length; i++) input[i] += channel[i] / channels.length;
    }
    for (let i = 0; i < input.length; i++) this.energy += input[i] * input[i];
    this.nEnergy += input.length;
    if (this.nEnergy >= WINDOW_S * sampleRate) this.window();
    const samples = this.down.push(input);
    if (!this.isOn) return;
    for (let i = 0; i < samples.length; i++) {
      const value = this.isMuted ? 0 : Math.max(-1, Math.min(1, samples[i]));
      this.frame[this.n++] = value * 32767;
      const isWhole = this.n % FRAME === 0, isQuiet = this.quiet_s > QUIET_AFTER_S;
      if (isWhole && (!isQuiet || this.n === this.frame.length)) this.send(false);
    }
  }

  window() {
    const power = this.isMuted ? 0 : this.energy / this.nEnergy;
    this.quiet_s = power > QUIET ? 0 : this.quiet_s + this.nEnergy / sampleRate;
    this.energy = this.nEnergy = 0;
    this.nLoud = power > this.bargeIn && this.bargeIn > 0 ? this.nLoud + 1 : 0;
    if (this.nLoud === VOICE_WINDOWS && this.isPlaying && !this.isHeld) {
      this.isHeld = true;
      this.fade = FADE;
      this.port.postMessage({ voice: true });
    }
    this.tick = (this.tick || 0) + 1;
    if (this.tick % 25 === 0) this.port.postMessage({ level: power });
  }

  send(isLast) {
    const samples = this.frame.slice(0, this.n);
    this.n = 0;
    this.port.postMessage({ frame: samples, isLast }, [samples.buffer]);
  }

  /** Played: begins a moment after the first piece, so that the next may be late; later each time that one was. */
  play(output) {
    this.waited += output.length;
    const isDue = this.isEnded || this.waited >= this.wait_s * sampleRate || this.nQueued >= PLENTY_S * sampleRate;
    if (!this.isPlaying && !this.isHeld && this.nQueued && isDue) this.setPlaying(true);
    let i = 0;
    for (; i < output.length && this.isPlaying && !this.isHeld; i++) {
      if (this.queue.length) output[i] = this.last = this.pull();
      else if (!this.isEnded && this.nMade < LONGEST_MADE_S * sampleRate) output[i] = this.last = this.makeUp();
      else {
        this.dry();
        break;
      }
    }
    for (; i < output.length && this.fade > 0; i++) output[i] = (this.last * this.fade--) / FADE;
  }

  /** The next sample of what has come. */
  pull() {
    let value = this.past[this.nPast++ % PAST] = this.queue[0][this.first++];
    this.nQueued--;
    if (this.first === this.queue[0].length) { this.queue.shift(); this.first = 0; }
    if (this.nMade && !this.blend) this.blend = FADE;
    if (this.blend > 0) {
      value += (this.made() - value) * (this.blend-- / FADE);
      if (!this.blend) {
        this.port.postMessage({ made_s: (this.nMade - FADE) / sampleRate });
        this.nMade = 0;
      }
    }
    return value;
  }

  /** A sample in place of one that is late: the last period of the voice again, softer and softer. */
  makeUp() {
    if (!this.nMade) {
      this.period = this.findPeriod();
      this.wait_s = Math.min(LONGEST_WAIT_S, this.wait_s + STEP_S);
    }
    this.blend = 0;
    return this.made();
  }

  made() {
    const gain = Math.max(0, Math.min(1, 2 - (2 * this.nMade) / (LONGEST_MADE_S * sampleRate)));
    return this.period[this.nMade++ % this.period.length] * gain;
  }

  /** The last samples that were played, as many as are alike to those before them. */
  findPeriod() {
    const all = new Float32Array(PAST);
    for (let i = 0; i < PAST; i++) all[i] = this.past[(this.nPast + i) % PAST];
    const shortest = Math.round(sampleRate / 400), longest = Math.min(PAST / 2, Math.round(sampleRate / 70));
    let [best, most] = [longest, 0];
    for (let lag = shortest; lag <= longest; lag++) {
      let [like, energy] = [0, 1e-9];
      for (let i = PAST - longest; i < PAST; i += 2) {
        like += all[i] * all[i - lag];
        energy += all[i - lag] * all[i - lag];
      }
      if (like / Math.sqrt(energy) > most) [best, most] = [lag, like / Math.sqrt(energy)];
    }
    return all.slice(PAST - best);
  }

  /** Nothing is left to play. */
  dry() {
    if (this.isEnded) this.wait_s = Math.max(SHORTEST_WAIT_S, this.wait_s - STEP_S);
    this.nMade = this.blend = 0;
    this.fade = FADE;
    this.setPlaying(false);
  }

  process(inputs, outputs) {
    if (inputs[0] && inputs[0].length) this.hear(inputs[0]);
    const [first, ...others] = outputs[0];
    this.play(first);
    for (const other of others) other.set(first);
    return !this.isClosed;
  }
}
registerProcessor("glm-phone", Phone);
`;

const NO_AUDIO = "This page cannot play or hear sound (no Web Audio).";

/**
 * A phone on this page.
 * @param {(message: any) => void} told hears what the processor tells
 * @param {number} spokenHz samples a second of what is played
 */
async function openPhone(told, spokenHz = 24000) {
  if (typeof AudioContext === "undefined" || typeof AudioWorkletNode === "undefined") throw new Error(NO_AUDIO);
  const context = new AudioContext({ latencyHint: "interactive" });
  const url = URL.createObjectURL(new Blob([PHONE], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(url);
  } catch {
    context.close();
    throw new Error(NO_AUDIO);
  } finally {
    URL.revokeObjectURL(url);
  }
  const node = new AudioWorkletNode(context, "glm-phone", {
    numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [1], processorOptions: { spokenHz },
  });
  node.port.onmessage = ({ data }) => told(data);
  node.connect(context.destination);
  context.resume().catch(() => {});
  let stream = null;
  let source = null;
  return {
    context,
    tell: (message, transfer = []) => node.port.postMessage(message, transfer),
    /** @param {DataView} view of 16-bit samples */
    play(view) {
      const samples = new Int16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
      node.port.postMessage({ samples }, [samples.buffer]);
    },
    async listen() {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
      const [track] = stream.getAudioTracks();
      track.onended = () => told({ microphone: "gone" });
      track.onmute = () => told({ microphone: "muted" });
      track.onunmute = () => told({ microphone: "heard" });
      source = context.createMediaStreamSource(stream);
      source.connect(node);
    },
    close() {
      for (const track of stream ? stream.getTracks() : []) track.stop();
      source?.disconnect();
      node.port.postMessage({ close: true });
      node.disconnect();
      context.close().catch(() => {});
    },
  };
}
