"""A recording as what a call takes: 16-bit samples of one channel, 16,000 or 24,000 a second."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import MediaError
from ..intake import Intake
from ..media import Loading, to_parts
from ..media.audio import load_file
from ..media.hearing import RATE_HZ, decode_sound
from ..media.links import ANY_URL
from ..media.loading import Blob
from ..messages import AudioPart, Part
from ..waves import read_wave

MAX_S = 3600.0
_FORMATS = {16_000: "pcm16", 24_000: "pcm24"}


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples, and the input format that says their rate."""

    samples: bytes = field(repr=False)
    rate_hz: int
    label: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / 2 / self.rate_hz

    @property
    def input_format(self) -> str:
        """The word for it in the session."""
        return _FORMATS[self.rate_hz]


def _load(source: object) -> list[Part]:
    loading = Loading("", Intake(audio_max_s=MAX_S))
    if isinstance(source, bytes | bytearray):
        return list(load_file(Blob("the recording", data=bytes(source)), loading))
    if isinstance(source, str) and ANY_URL.match(source):
        raise MediaError("The recording is an address, and no file.", "Download it first, and give its path or its bytes.")
    if isinstance(source, str | Path):
        return to_parts(Path(source).expanduser(), loading)
    return to_parts(source, replace(loading, label="the recording"))


def read_recording(source: object) -> Recording:
    """A path, bytes, `Sound`, ``IPython.display.Audio``: whatever glm-4-voice takes, up to an hour.

    Raises:
        MediaError: no sound, silence, damage, or too much of it.
        MissingExtraError: it is no plain WAV, and PyAV is not installed.
    """
    parts = _load(source)
    if len(parts) != 1 or not isinstance(parts[0], AudioPart):
        raise MediaError("That is no single recording.", "Give a file of sound, its bytes, or Sound(samples, rate_hz).")
    part = parts[0]
    if part.format == "wav":
        wave = read_wave(part.data)
        if wave.n_channels == 1 and wave.n_bits == 16 and wave.rate_hz in _FORMATS:
            return Recording(part.data[wave.start : wave.start + wave.n_bytes], wave.rate_hz, part.label)
    blob = Blob(part.label, data=part.data)
    return Recording(decode_sound(blob, part.label, 0.0, float("inf"), MAX_S), RATE_HZ, part.label)
