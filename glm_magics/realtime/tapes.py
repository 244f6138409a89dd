"""A call as it sounded: both sides on one time line, in nameless files, so that a long call takes no memory."""

from __future__ import annotations

import tempfile
import threading
import weakref
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import MediaError
from ..speech import Speech, player, write_sound
from ..waves import write_wave
from .setup import OUTPUT_RATE_HZ

MAX_TAPE_S = 3_600.0
"""What comes later in a call is not kept."""

_GAP_S = 0.3
"""Sound that comes later than this after the last is a new piece; less is the network's unevenness."""


class Tape:
    """One side: 16-bit samples in order of time. Safe to use from any thread.

    Args:
        rate_hz: samples a second.
        max_s: how much it holds.
    """

    def __init__(self, rate_hz: int, max_s: float = MAX_TAPE_S) -> None:
        self.rate_hz = rate_hz
        self._max_bytes = int(max_s * rate_hz) * 2
        self._n_bytes = 0
        self._lock = threading.Lock()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the tape
        weakref.finalize(self, self._file.close)

    @property
    def seconds(self) -> float:
        """Where it ends on the time line."""
        return self._n_bytes / 2 / self.rate_hz

    def add(self, samples: bytes, at_s: float) -> tuple[float, float]:
        """Sound that came at `at_s`; it is heard then, or after what is there. Gives where it lies, in seconds."""
        with self._lock:
            start = self._n_bytes
            if at_s - self.seconds > _GAP_S:
                start = round(at_s * self.rate_hz) * 2
            if start + len(samples) <= self._max_bytes:
                self._file.seek(start)  # what is passed over reads as silence
                self._file.write(samples)
                self._n_bytes = start + len(samples)
            return start / 2 / self.rate_hz, self.seconds

    def cut(self, at_s: float) -> bool:
        """What lies after `at_s` was not heard; True when there was something."""
        with self._lock:
            n_bytes = max(0, round(at_s * self.rate_hz)) * 2
            if n_bytes >= self._n_bytes:
                return False
            self._file.truncate(n_bytes)
            self._n_bytes = n_bytes
            return True

    def read(self, start_s: float = 0.0, end_s: float = float("inf")) -> bytes:
        """The samples of a stretch."""
        with self._lock:
            start, end = (round(min(max(0.0, s), self.seconds) * self.rate_hz) * 2 for s in (start_s, end_s))
            self._file.seek(start)
            return self._file.read(max(0, end - start))


class CallAudio:
    """What both sides of a call said aloud.

    Args:
        user: what the microphone heard, 16,000 samples a second.
        assistant: what was played, as far as it was, 24,000 a second.
    """

    def __init__(self, user: Tape, assistant: Tape) -> None:
        self._tapes = user, assistant

    @property
    def user(self) -> Speech | None:
        """The user's side alone; None when nothing was heard."""
        return _speech(self._tapes[0])

    @property
    def assistant(self) -> Speech | None:
        """The assistant's side alone; None when it said nothing."""
        return _speech(self._tapes[1])

    @property
    def rate_hz(self) -> int:
        """Of both sides together."""
        return OUTPUT_RATE_HZ

    @property
    def seconds(self) -> float:
        """How long the call sounds."""
        return max(tape.seconds for tape in self._tapes)

    @property
    def samples(self) -> Any:
        """NumPy array (N, 2) of int16 at `rate_hz`: the user left, the assistant right."""
        import numpy as np

        sides = [self._side(tape) for tape in self._tapes]
        both = np.zeros((max(map(len, sides)), 2), np.int16)
        for column, side in enumerate(sides):
            both[: len(side), column] = side
        return both

    def _side(self, tape: Tape) -> Any:
        import numpy as np

        samples = np.frombuffer(tape.read(), "<i2")
        if tape.rate_hz == OUTPUT_RATE_HZ or not len(samples):
            return samples
        n = len(samples) * OUTPUT_RATE_HZ // tape.rate_hz
        return np.interp(np.arange(n) * (tape.rate_hz / OUTPUT_RATE_HZ), np.arange(len(samples)), samples).astype(np.int16)

    @property
    def mixed(self) -> Speech | None:
        """Both sides in one channel; None when nothing sounded."""
        import numpy as np

        both = self.samples
        if not len(both):
            return None
        mixed = np.clip(both.sum(axis=1, dtype=np.int32), -32_768, 32_767).astype("<i2")
        return Speech(mixed.tobytes(), headerless_hz=OUTPUT_RATE_HZ)

    @property
    def wav_bytes(self) -> bytes:
        """A WAV file of two channels: the user left, the assistant right."""
        return write_wave(self.samples.astype("<i2").tobytes(), OUTPUT_RATE_HZ, n_channels=2)

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes both sides: a WAV of two channels, or an MP3 of one, as the name ends; gives its path.

        Raises:
            MediaError: nothing sounded, the name ends otherwise, or the place cannot be written to.
            MissingExtraError: an MP3 needs PyAV.
        """
        mixed = self._heard()
        return write_sound(path, {".wav": lambda: self.wav_bytes, ".mp3": lambda: mixed.mp3_bytes})

    def _heard(self) -> Speech:
        if (mixed := self.mixed) is None:
            raise MediaError("Nothing was said aloud in this call.", "Its words are in .transcript.")
        return mixed

    def __glm__(self) -> Speech:
        """What is sent for it in a question: both sides in one channel. Raises MediaError where nothing sounded."""
        return self._heard()

    def __repr__(self) -> str:
        return f"<{self.seconds:.1f} s of a call>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        mixed = self.mixed
        return player(mixed) if mixed else {"text/plain": "No sound."}


def _speech(tape: Tape) -> Speech | None:
    samples = tape.read()
    return Speech(samples, headerless_hz=tape.rate_hz) if samples else None
