"""The sandbox's voice: espeak-ng where this machine has it, else a tone for each word. The text is always in the transcript."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from typing import Any

from glm_magics.waves import read_wave

MAX_SPOKEN_CHARS = 2_000
_TIMEOUT_S = 20.0
_MARKS = re.compile(r"[*_`#>|]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD_S, _GAP_S = 0.18, 0.06
_LOWEST_HZ, _N_PITCHES = 180.0, 12


@lru_cache(maxsize=32)
def speak(text: str, rate_hz: int) -> bytes:
    """`text` spoken: 16-bit mono samples, little-endian, `rate_hz` a second; of at most `MAX_SPOKEN_CHARS`."""
    plain = " ".join(_MARKS.sub("", text).split())[:MAX_SPOKEN_CHARS]
    if not plain:
        return b""
    spoken = _synthesise(plain)
    samples, own_hz = spoken if spoken else (_tones(plain, rate_hz), rate_hz)
    return _to_rate(samples, own_hz, rate_hz)


def _synthesise(text: str) -> tuple[Any, int] | None:
    """Samples by espeak-ng and their rate; None where it is not installed or fails. The text goes in by the standard input."""
    import numpy as np

    program = shutil.which("espeak-ng")
    if program is None:
        return None
    language = "cmn" if _CHINESE.search(text) else "en"
    try:
        done = subprocess.run(
            [program, "-v", language, "--stdin", "--stdout"], input=text.encode(), capture_output=True, timeout=_TIMEOUT_S
        )
        wave = read_wave(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if not (wave.n_bits == 16 and wave.n_channels == 1 and wave.n_bytes):
        return None
    return np.frombuffer(done.stdout, "<i2", wave.n_bytes // 2, wave.start), wave.rate_hz


def _tones(text: str, rate_hz: int) -> Any:
    """A tone for each word, its pitch from the word's letters, with a soft beginning and end."""
    import numpy as np

    times = np.arange(int(_WORD_S * rate_hz)) / rate_hz
    shape = np.sin(np.pi * times / _WORD_S)
    gap = np.zeros(int(_GAP_S * rate_hz))
    pieces = []
    for word in text.split():
        pitch_hz = _LOWEST_HZ * 2 ** (sum(map(ord, word)) % _N_PITCHES / _N_PITCHES)
        pieces += [9_000 * shape * np.sin(2 * np.pi * pitch_hz * times), gap]
    return np.concatenate(pieces)


def _to_rate(samples: Any, own_hz: int, rate_hz: int) -> bytes:
    """Between its samples a voice is near enough a straight line: both rates asked for lie above the synthesiser's own."""
    import numpy as np

    n = len(samples) * rate_hz // own_hz
    even = np.interp(np.arange(n) * (own_hz / rate_hz), np.arange(len(samples)), samples)
    return bytes(even.round().astype("<i2").tobytes())
