"""What a model said aloud: its bytes, its samples, and a player for a cell and the saved notebook.

The vendor's sample takes the decoded bytes for headerless 16-bit mono at 44,100 Hz; an answer that begins with ``RIFF`` is a WAV
already and is used as it is.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

from .errors import GLMError, MediaError, MissingExtraError, one_line
from .waves import Wave, read_wave, write_wave

VOICE_RATE_HZ = 44_100
"""Of headerless answers of glm-4-voice (the vendor's sample code)."""

MAX_PLAYER_BYTES = 8_000_000
"""A longer recording is not put into the notebook: every save would carry it."""

_MP3_BITS_PER_S = 64_000
_MP3_RATE_HZ = 24_000


@dataclass(frozen=True, repr=False)
class Speech:
    """Something a model said.

    Attributes:
        data: as it was sent: a WAV file, or headerless 16-bit mono samples.
        id: names it in the next turns of a chat with the model that spoke it; empty when it has no name.
        expires_at: seconds since 1970 after which the server has forgotten the id; None when it did not say.
        headerless_hz: samples a second of headerless data.
        problem: why there is nothing to hear, as a sentence; empty when all is well.
    """

    data: bytes = field(repr=False)
    id: str = ""
    expires_at: float | None = None
    headerless_hz: int = VOICE_RATE_HZ
    problem: str = ""

    @cached_property
    def _wave(self) -> Wave:
        if self.problem:
            raise MediaError(self.problem, "Its words are in .text; ask again to hear them.")
        try:
            wave = read_wave(self.wav_bytes)
        except ValueError:
            raise MediaError("The sound of this answer is a damaged WAV.", "Its words are in .text; ask again.") from None
        if not wave.is_pcm or not wave.n_bytes:
            raise MediaError("The sound of this answer holds no samples that can be read.", "`.data` is what was sent.")
        return wave

    @cached_property
    def wav_bytes(self) -> bytes:
        """A WAV file.

        Raises:
            MediaError: nothing readable was sent.
        """
        if self.problem:
            raise MediaError(self.problem, "Its words are in .text; ask again to hear them.")
        if self.data.startswith(b"RIFF"):
            return self.data
        return write_wave(self.data[: len(self.data) // 2 * 2], self.headerless_hz)

    @property
    def rate_hz(self) -> int:
        """Samples a second. Raises MediaError as `wav_bytes`."""
        return self._wave.rate_hz

    @property
    def seconds(self) -> float:
        """How long it is; 0 when nothing can be heard."""
        try:
            return self._wave.seconds
        except GLMError:
            return 0.0

    @cached_property
    def samples(self) -> Any:
        """The samples as a NumPy array (N,) of int16; channels are mixed, other depths converted.

        Raises:
            MediaError: nothing readable was sent.
        """
        import numpy as np

        wave = self._wave
        raw = np.frombuffer(self.wav_bytes, np.uint8, wave.n_bytes, wave.start)
        columns = _to_int16(raw, wave.n_bits).reshape(-1, wave.n_channels)
        return columns[:, 0].copy() if wave.n_channels == 1 else columns.mean(axis=1).round().astype(np.int16)

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes a file whose name ends in ``.wav`` or ``.mp3``; gives its path. ``~`` is the home folder.

        Raises:
            MediaError: there is nothing to save, the name ends otherwise, or the place cannot be written to.
            MissingExtraError: an MP3 needs PyAV.
        """
        return write_sound(path, {".wav": lambda: self.wav_bytes if self._wave else b"", ".mp3": lambda: self.mp3_bytes})

    @cached_property
    def mp3_bytes(self) -> bytes:
        """The same as MP3, eight kilobytes a second.

        Raises:
            MediaError: there is nothing to hear.
            MissingExtraError: PyAV is not installed.
        """
        return _encode_mp3(self.samples, self.rate_hz)

    def __repr__(self) -> str:
        if self.problem:
            return f"<no speech: {self.problem.rstrip('.')}>"
        try:
            return f"<{self.seconds:.1f} s of speech, {self.rate_hz:,} samples a second, {len(self.data):,} bytes>"
        except GLMError:
            return f"<no speech: {len(self.data):,} bytes that hold no samples>"

    def __glm__(self) -> bytes:
        """What is sent for it in a question: the sound, as a WAV file. Raises MediaError as `wav_bytes`."""
        return self.wav_bytes

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return player(self)


def write_sound(path: str | PathLike[str], makers: Mapping[str, Callable[[], bytes]]) -> Path:
    """Writes what the maker of the name's ending gives; gives the path.

    Raises:
        MediaError: there is no maker for it, or the place cannot be written to.
    """
    if not isinstance(path, str | PathLike) or not str(path).strip():
        raise MediaError("Sound is saved under a name.", 'Give one, as in .save("answer.wav").')
    name = f"`{one_line(str(path), 80)}`"
    target = Path(os.path.expanduser(path))
    if target.suffix.lower() not in makers:
        raise MediaError(f"Sound is not saved as {name}.", f"Let the name end in {' or '.join(makers)}.")
    data = makers[target.suffix.lower()]()
    try:
        target.write_bytes(data)
    except (OSError, ValueError) as error:  # ValueError: a name that no system takes
        said = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"{name} cannot be written: {said}.", "Is its folder there? Else choose another place.") from None
    return target


def read_speech(pieces: Sequence[str], id: str = "", expires_at: object = None) -> Speech:
    """Speech from the base64 texts it was sent in: each is decoded alone, or all as one where they were cut anywhere."""
    until = _seconds(expires_at)
    whole = pieces if all(len(piece) % 4 == 0 for piece in pieces) else ("".join(pieces),)
    try:
        data = b"".join(base64.b64decode(piece + "=" * (-len(piece) % 4), validate=True) for piece in whole)
    except (binascii.Error, ValueError):
        return Speech(b"", id, until, problem="The sound of this answer is no base64.")
    return Speech(data, id, until, problem="" if len(data) > 1 else "The sound of this answer is empty.")


def _seconds(raw: object) -> float | None:
    """A time on the wire: a number in the vendor's sample, text in its reference."""
    try:
        return float(raw) if isinstance(raw, int | float | str) else None
    except ValueError:
        return None


def _to_int16(raw: Any, n_bits: int) -> Any:
    import numpy as np

    if n_bits == 8:
        return (raw.astype(np.int16) - 128) << 8
    size = n_bits // 8
    return np.ascontiguousarray(raw.reshape(-1, size)[:, size - 2 :]).view("<i2")[:, 0]


def player(speech: Speech) -> dict[str, str]:
    """A mime bundle that plays it, as MP3 where PyAV is there, else as WAV; a sentence where it is too large or no sound."""
    try:
        mime, data = _smallest(speech)
    except GLMError as error:
        return {"text/plain": f"No sound: {error.message}"}
    said = f"{speech.seconds:.1f} s of speech"
    if len(data) > MAX_PLAYER_BYTES:
        return {"text/plain": f'{said}, too much for a notebook: _glm.audio.save("answer.wav") keeps it.'}
    source = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
    return {"text/html": f'<audio controls preload="metadata" src="{source}"></audio>', "text/plain": f"<{said}>"}


def _smallest(speech: Speech) -> tuple[str, bytes]:
    try:
        return "audio/mpeg", speech.mp3_bytes
    except MissingExtraError:
        return "audio/wav", speech.wav_bytes


def _encode_mp3(samples: Any, rate_hz: int) -> bytes:
    try:
        import av
        from av.audio.resampler import AudioResampler
    except ImportError as error:
        raise MissingExtraError.naming("audio", "Writing MP3 needs PyAV.") from error
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp3") as file:
        stream = file.add_stream("libmp3lame", rate=_MP3_RATE_HZ, layout="mono")
        stream.bit_rate = _MP3_BITS_PER_S
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = rate_hz
        resampler = AudioResampler(format="s16p", layout="mono", rate=_MP3_RATE_HZ, frame_size=1152)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return buffer.getvalue()
