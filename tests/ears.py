"""A browser with a microphone that hears a file, and an ear at its loudspeaker, for the tests and benchmarks of calls."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from glm_magics.waves import read_wave, write_wave

from .lab import open_browser

MICROPHONE_HZ = 48_000
FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

TAP = """
(() => {
  const source = `registerProcessor("tap", class extends AudioWorkletProcessor {
    constructor() { super(); this.blocks = []; }
    process(inputs) {
      const [out, mic] = [0, 1].map((i) => inputs[i].length ? inputs[i][0].slice() : new Float32Array(128));
      this.blocks.push([out, mic]);
      if (this.blocks.length === 16) { this.port.postMessage(this.blocks); this.blocks = []; }
      return true;
    }
  });`;
  const connect = AudioNode.prototype.connect;
  window.tap = { rate: 0, out: [], mic: [], made_s: 0, begun_ms: 0 };
  const taps = new WeakMap();
  const tapOf = (context) => {
    if (!taps.has(context)) taps.set(context, (async () => {
      await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      const node = new AudioWorkletNode(context, "tap", { numberOfInputs: 2, numberOfOutputs: 1 });
      window.tap.rate = context.sampleRate;
      node.port.onmessage = ({ data }) => {
        window.tap.begun_ms ||= Date.now() - (1000 * 128 * data.length) / context.sampleRate;
        for (const [out, mic] of data) { window.tap.out.push(out); window.tap.mic.push(mic); }
      };
      connect.call(node, context.destination);
      return node;
    })());
    return taps.get(context);
  };
  AudioNode.prototype.connect = function (target, ...rest) {
    const isPlayer = target instanceof AudioDestinationNode && this instanceof AudioWorkletNode;
    if (isPlayer) this.port.addEventListener("message", ({ data }) => { window.tap.made_s += data.made_s ?? 0; });
    const isMicrophone = this instanceof MediaStreamAudioSourceNode;
    if (isPlayer || isMicrophone) tapOf(this.context).then((node) => connect.call(this, node, 0, isPlayer ? 0 : 1));
    return connect.call(this, target, ...rest);
  };
  window.tapped = () => {
    const text = (blocks) => {
      const all = new Int16Array(blocks.length * 128);
      blocks.forEach((block, i) => block.forEach((v, k) => { all[i * 128 + k] = Math.max(-1, Math.min(1, v)) * 32767; }));
      const bytes = new Uint8Array(all.buffer);
      let binary = "";
      for (let i = 0; i < bytes.length; i += 32768) binary += String.fromCharCode(...bytes.subarray(i, i + 32768));
      return btoa(binary);
    };
    return { rate: window.tap.rate, out: text(window.tap.out), mic: text(window.tap.mic) };
  };
})();
"""


def has_voice() -> bool:
    """Whether speech can be made here."""
    return shutil.which("espeak-ng") is not None


def spoken(text: str) -> Any:
    """`text` as samples at `MICROPHONE_HZ`, by espeak-ng."""
    done = subprocess.run(["espeak-ng", "-v", "en", "--stdin", "--stdout"], input=text.encode(), capture_output=True, check=True)
    wave = read_wave(done.stdout)
    samples = np.frombuffer(done.stdout, "<i2", wave.n_bytes // 2, wave.start)
    return at_rate(samples, wave.rate_hz, MICROPHONE_HZ)


def at_rate(samples: Any, rate_hz: int, wanted_hz: int) -> Any:
    n = len(samples) * wanted_hz // rate_hz
    return np.interp(np.arange(n) * (rate_hz / wanted_hz), np.arange(len(samples)), samples)


def quiet(seconds: float) -> Any:
    return np.zeros(round(seconds * MICROPHONE_HZ))


def write_microphone(path: Path, *pieces: Any) -> Path:
    """What the microphone hears, over and over."""
    path.write_bytes(write_wave(np.concatenate(pieces).astype("<i2").tobytes(), MICROPHONE_HZ))
    return path


@contextmanager
def open_listening_browser(recording: Path, *flags: str) -> Iterator[Any]:
    """Chromium whose microphone hears `recording`, and whose camera shows a test picture."""
    with open_browser(*FAKE_DEVICES, f"--use-file-for-fake-audio-capture={recording}", *flags) as browser:
        yield browser


def tapped(page: Any) -> tuple[int, Any, Any]:
    """Rate, what was played, what was heard: float samples from -1 to 1 on one time line."""
    got = page.evaluate("() => window.tapped()")
    out, mic = (np.frombuffer(base64.b64decode(got[side]), "<i2") / 32767 for side in ("out", "mic"))
    return int(got["rate"]), out, mic


def loud_spans(samples: Any, rate_hz: int, gap_s: float = 0.3, level: float = 0.01) -> list[tuple[float, float]]:
    """Where it is loud, in seconds; shorter pauses than `gap_s` are within."""
    at = np.flatnonzero(np.abs(samples) > level)
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > gap_s * rate_hz)
    starts, ends = np.r_[at[0], at[breaks + 1]], np.r_[at[breaks], at[-1]]
    return [(float(start) / rate_hz, float(end) / rate_hz) for start, end in zip(starts, ends, strict=True)]


def likeness(heard: Any, expected: Any) -> tuple[float, int]:
    """How much `expected` is in `heard` (1: exactly), and from which sample on."""
    n = 1 << int(np.ceil(np.log2(len(heard) + len(expected))))
    both = np.fft.irfft(np.fft.rfft(heard, n) * np.conj(np.fft.rfft(expected, n)), n)[: max(1, len(heard) - len(expected) + 1)]
    at = int(np.argmax(both))
    piece = heard[at : at + len(expected)]
    return float(np.dot(piece, expected[: len(piece)]) / (np.linalg.norm(piece) * np.linalg.norm(expected) + 1e-9)), at
