"""Any file of sound decoded to what GLM-4-Voice hears: 16-bit samples of one channel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import MediaError
from ..pictures import named
from .loading import Blob
from .probe import check_start, clock, opened

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

RATE_HZ = 16_000
"""The model's open tokenizer hears no more, and ten minutes are 19 MB."""


def check_length(seconds: float, most_s: float, label: str) -> None:
    """Refuses sound that is longer than the model takes.

    Raises:
        MediaError: it is.
    """
    if seconds > most_s:
        raise MediaError(f"{named(label)} is {clock(seconds)} long; the model takes {clock(most_s)}.", "Send a part of it.")


def decode_sound(blob: Blob, label: str, start_s: float, end_s: float, most_s: float) -> bytes:
    """The samples from `start_s` to `end_s` (infinite: to the end), two bytes each, `RATE_HZ` of them a second.

    Raises:
        MediaError: the file has no sound, cannot be read, ends before `start_s`, or has more than `most_s` to send.
        MissingExtraError: PyAV is not installed.
    """
    with opened(blob, label) as file:
        if not file.streams.audio:
            raise MediaError(f"{named(label)} holds no sound.", "Look at how it was made.")
        if file.duration:
            total_s = file.duration / 1_000_000
            check_start(start_s, total_s, label)
            end_s = min(end_s, total_s)
            check_length(end_s - start_s, most_s, label)
        samples = _collect(file, file.streams.audio[0], label, start_s, min(end_s, start_s + most_s + 1))
    check_length(len(samples) / 2 / RATE_HZ, most_s, label)
    return samples


def _collect(file: InputContainer, stream: AudioStream, label: str, start_s: float, end_s: float) -> bytes:
    from av.audio.resampler import AudioResampler
    from av.error import FFmpegError

    if start_s and stream.time_base:
        with suppress(FFmpegError):  # a file that cannot jump is read on
            file.seek(int(start_s / stream.time_base), stream=stream)
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    samples, n_before, n_bytes = bytearray(), -1, math.inf
    for frame in _decode(file, stream):
        _check_numbers(frame, label)
        if n_before < 0:
            n_before = 2 * round(max(0.0, start_s - (frame.time or 0.0)) * RATE_HZ)
            n_bytes = n_before + 2 * round((end_s - start_s) * RATE_HZ)
        for part in resampler.resample(frame):
            samples += bytes(part.planes[0])[: 2 * part.samples]
        if len(samples) > n_bytes:
            break
    for part in resampler.resample(None):
        samples += bytes(part.planes[0])[: 2 * part.samples]
    return bytes(samples[max(0, n_before) : round(min(n_bytes, len(samples)))])


def _decode(file: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """What can be decoded; damaged pieces are left out."""
    from av.error import FFmpegError

    packets = file.demux(stream)
    with suppress(FFmpegError, StopIteration):
        while True:
            packet = next(packets)
            with suppress(FFmpegError):
                yield from packet.decode()


def _check_numbers(frame: AudioFrame, label: str) -> None:
    import numpy as np

    if frame.format.name.startswith(("flt", "dbl")) and not np.isfinite(frame.to_ndarray()).all():
        raise MediaError(f"{named(label)} holds NaN or infinite samples.", "Leave them out, or set them to 0.")
