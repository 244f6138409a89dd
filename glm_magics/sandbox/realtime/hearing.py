"""Sound as a call sends it: base64 to samples, and what is measured of them. Nothing of the sound is kept."""

from __future__ import annotations

import base64
import binascii
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from glm_magics.sandbox.realtime.vad import FULL_SCALE
from glm_magics.waves import read_wave

MAX_APPENDS_PER_S = 50
RATES_HZ = {"pcm": 16_000, "pcm16": 16_000, "pcm24": 24_000, "wav": 16_000}
MAX_TURN_S = 30.0
_SILENT_DB = -50.0


class BadSound(ValueError):
    """What was appended is no sound of the session's format; the message says why."""


def read_samples(audio: object, format: str) -> Any:
    """The samples of one append, as a NumPy array of int16.

    Raises:
        BadSound: no base64, half a sample, or a WAV that is not one of 16 bits, one channel and 16 kHz.
    """
    import numpy as np

    if not isinstance(audio, str) or not audio:
        raise BadSound("The 'audio' field is missing.")
    try:
        data = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise BadSound("The audio is no base64.") from None
    if format == "wav":
        data = _unwrapped(data)
    if len(data) % 2:
        raise BadSound("The audio has an odd number of bytes; samples have 16 bits.")
    return np.frombuffer(data, "<i2")


def _unwrapped(data: bytes) -> bytes:
    try:
        wave = read_wave(data) if data.startswith(b"RIFF") else None
    except ValueError:
        wave = None
    if wave is None:
        raise BadSound("The audio is no WAV: with input_audio_format wav each append has a header of its own.")
    if not (wave.is_pcm and wave.n_bits == 16 and wave.n_channels == 1):
        raise BadSound(f"The WAV has {wave.n_channels} channels of {wave.n_bits} bits; one of 16 is taken.")
    if wave.rate_hz != RATES_HZ["wav"]:
        raise BadSound(f"The WAV has {wave.rate_hz} samples a second; 16000 are taken.")
    return data[wave.start : wave.start + wave.n_bytes]


@dataclass(slots=True)
class Buffer:
    """The input buffer: how much came, how loud, and how many pictures."""

    n_samples: int = 0
    energy: float = 0.0
    n_frames: int = 0

    def add(self, samples: Any) -> None:
        """More sound."""
        import numpy as np

        self.n_samples += len(samples)
        self.energy += float(np.square(samples.astype(np.float64)).sum())

    def seconds(self, rate_hz: int) -> float:
        """How much sound it holds."""
        return self.n_samples / rate_hz

    @property
    def loudness_db(self) -> float:
        """Below full scale; minus infinity for silence."""
        power = self.energy / max(1, self.n_samples)
        return 10 * math.log10(power / FULL_SCALE**2) if power else -math.inf

    @property
    def is_silent(self) -> bool:
        """Too quiet to be anybody's words."""
        return self.loudness_db < _SILENT_DB


@dataclass(slots=True)
class AppendLimit:
    """Counts appends; what comes faster than the documented fifty a second is dropped."""

    n_dropped: int = 0
    _times_s: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_APPENDS_PER_S))

    def is_within(self, now_s: float) -> bool:
        """Whether one more may come in now."""
        if len(self._times_s) == MAX_APPENDS_PER_S and now_s - self._times_s[0] < 1.0:
            self.n_dropped += 1
            return False
        self._times_s.append(now_s)
        return True
