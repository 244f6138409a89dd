"""Sound for models that hear: WAV and MP3 as they are where that is fine, else decoded to 16-bit mono."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import MediaError
from ..messages import AudioPart, Part
from ..notes import note
from ..pictures import named
from ..waves import read_wave, write_wave
from .hearing import RATE_HZ, check_length, decode_sound
from .links import load_link
from .lists import load_items
from .loading import Blob, Loading, said
from .paths import load_blob, load_path
from .probe import find_container, reading
from .recordings import measure_mp3
from .rows import row_of
from .selections import parse_times

_FINE_HZ = range(8_000, 48_001)
_POSSIBLE_HZ = range(2_000, 384_001)
_MAX_CHANNELS = 16
MAX_FILE_BYTES = 500_000_000
_CUT_OFF_S = 0.05
_USUAL_HZ = frozenset({8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000})
_MIN_SAMPLES = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Samples of sound, to be sent to a model that hears.

    Attributes:
        samples: numbers in an array: one channel, or channels as rows or columns; floats within ±1, or whole numbers that
            use the range of their type.
        rate_hz: samples a second.
    """

    samples: Any = field(repr=False)
    rate_hz: float


def load_sound(sound: Sound, loading: Loading) -> Iterable[Part]:
    """Samples as a WAV of 16 bits, at their own rate where it is a usual one.

    Raises:
        MediaError: no sound, nonsense in it, or too much of it.
        MissingExtraError: an unusual rate needs PyAV.
    """
    loading = replace(loading, label=loading.label or "sound")
    _check_ears(loading)
    rate_hz = _check_rate(sound.rate_hz, loading.label)
    columns = _to_columns(sound.samples, loading.label)
    seconds = len(columns) / rate_hz
    check_length(seconds, loading.intake.audio_max_s, loading.label)
    samples = _to_int16(_to_mono(columns, loading.label))
    _check_heard(samples, loading.label)
    data = write_wave(samples, rate_hz)
    if rate_hz in _FINE_HZ:
        return [_part(data, "wav", seconds, loading)]
    return _load_decoded(Blob(loading.label, data=data), loading)


def load_pair(items: tuple[Any, ...], loading: Loading) -> Iterable[Part]:
    """A tuple: samples and their rate, either way round, as libraries that read sound give them; any other is a list.

    Raises:
        MediaError: as `load_sound`, or an item that cannot be sent.
        MissingExtraError: an unusual rate needs PyAV.
    """
    for samples, rate_hz in (items, items[::-1]) if len(items) == 2 and "audio" in loading.intake.kinds else ():
        is_rate = isinstance(rate_hz, int | float) and rate_hz in _USUAL_HZ
        if is_rate and row_of(samples) == "numpy.ndarray" and samples.ndim in (1, 2) and max(samples.shape) >= _MIN_SAMPLES:
            return load_sound(Sound(samples, rate_hz), loading)
    return load_items(items, loading)


def _check_rate(rate_hz: Any, label: str) -> int:
    try:
        rate = round(float(rate_hz))
    except (TypeError, ValueError, OverflowError):
        raise MediaError(f"The rate of {named(label)} is no number.", "Give Sound(samples, rate_hz).") from None
    if rate not in _POSSIBLE_HZ:
        raise MediaError(f"{named(label)} has {rate:,} samples a second; sound has 8,000 to 48,000.", "Look at its rate_hz.")
    return rate


def _to_columns(samples: Any, label: str) -> Any:
    """The same numbers, not copied: one row for each sample, one column for each channel."""
    import numpy as np

    try:
        array = np.asarray(samples)
    except Exception as error:  # a tensor elsewhere, a ragged list
        raise MediaError(f"The samples of {named(label)} cannot be read: {said(error)}.", "Give a NumPy array.") from error
    if array.ndim not in (1, 2) or array.dtype.kind not in "iuf" or array.dtype.itemsize > 4 + 4 * (array.dtype.kind == "f"):
        shape = "×".join(map(str, array.shape)) or "one"
        raise MediaError(f"{named(label)} holds {shape} {array.dtype}, no samples of sound.", "Give floats, or int16.")
    if array.ndim == 2 and array.shape[0] < array.shape[1]:
        array = array.T  # channels are fewer than samples
    if not array.size:
        raise MediaError(f"{named(label)} holds no samples.", "Look at how it was recorded.")
    if array.ndim == 2 and array.shape[1] > _MAX_CHANNELS:
        raise MediaError(f"{named(label)} has {array.shape[1]} channels.", f"Choose up to {_MAX_CHANNELS} of them.")
    return array[:, None] if array.ndim == 1 else array


def _to_mono(columns: Any, label: str) -> Any:
    """The mean of the channels within ±1; scaled down where it is louder, as sums of signals are."""
    import numpy as np

    with np.errstate(all="ignore"):
        mono = columns.mean(axis=1, dtype=np.float64)
    if columns.dtype.kind != "f":
        middle = 1 << (8 * columns.dtype.itemsize - 1)
        mono = (mono - (middle if columns.dtype.kind == "u" else 0)) / middle
    if not np.isfinite(mono).all():
        raise MediaError(f"{named(label)} holds NaN or infinite samples.", "Leave them out, or set them to 0.")
    return mono / max(1.0, float(np.abs(mono).max()))


def _to_int16(mono: Any) -> bytes:
    import numpy as np

    return bytes((mono * 32767.0).round().astype(np.dtype("<i2")).tobytes())


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A file of sound: a usual WAV or an MP3 byte for byte, anything else decoded.

    Raises:
        MediaError: no sound, a damaged file, a span outside of it, or too much of it.
        MissingExtraError: it has to be decoded, and PyAV is not installed.
    """
    loading = replace(loading, label=loading.label or blob.label)
    _check_ears(loading)
    kind = find_container(blob, loading.label).name
    if loading.selection or kind not in ("wav", "mp3"):
        return _load_decoded(blob, loading)
    with reading(loading.label):
        data = blob.read(MAX_FILE_BYTES)
        return _load_mp3(data, loading) if kind == "mp3" else _load_wave(data, loading)


def _load_mp3(data: bytes, loading: Loading) -> Iterable[Part]:
    seconds = measure_mp3(data)
    if not seconds:
        raise MediaError(f"{named(loading.label)} is no readable MP3.", "Save it again as mp3 or wav.")
    check_length(seconds, loading.intake.audio_max_s, loading.label)
    return [_part(data, "mp3", seconds, loading)]


def _load_wave(data: bytes, loading: Loading) -> Iterable[Part]:
    head = read_wave(data)
    if head.is_pcm and head.missing_s >= _CUT_OFF_S:
        whole_s = head.seconds + head.missing_s
        sentence = f"{named(loading.label)} is cut off: {head.seconds:.1f} of {whole_s:.1f} s are there, and are sent."
        note(sentence, stacklevel=2)
    is_fine = head.is_pcm and head.n_bits == 16 and head.n_channels <= 2 and head.rate_hz in _FINE_HZ
    if not is_fine:
        return _load_decoded(Blob(loading.label, data=data), loading)
    check_length(head.seconds, loading.intake.audio_max_s, loading.label)
    samples = data[head.start : head.start + head.n_bytes]
    _check_heard(samples, loading.label)
    whole = data if head.is_whole else write_wave(samples, head.rate_hz, head.n_channels)
    return [_part(whole, "wav", head.seconds, loading)]


def _load_decoded(blob: Blob, loading: Loading) -> Iterable[Part]:
    """By PyAV, from and to the times in brackets."""
    start_s, end_s = parse_times(loading.selection) if loading.selection else (0.0, None)
    if end_s == start_s:
        raise MediaError(f"One moment of {named(loading.label)} is no sound.", "Write a span, like [0:10-0:25].")
    most_s = loading.intake.audio_max_s
    samples = decode_sound(blob, loading.label, start_s, math.inf if end_s is None else end_s, most_s)
    _check_heard(samples, loading.label)
    return [_part(write_wave(samples, RATE_HZ), "wav", len(samples) / 2 / RATE_HZ, loading)]


def _check_heard(samples: bytes, label: str) -> None:
    if not samples:
        raise MediaError(f"{named(label)} holds no samples.", "Look at how it was recorded.")
    if not samples.strip(b"\0"):
        raise MediaError(f"{named(label)} is silent: every sample is 0.", "Look at how it was recorded.")


def _check_ears(loading: Loading) -> None:
    if "audio" not in loading.intake.kinds:
        raise MediaError(f"{named(loading.label)} is sound, and the model does not hear.", "Choose glm-4-voice.")


def _part(data: bytes, format: Literal["wav", "mp3"], seconds: float, loading: Loading) -> AudioPart:
    return AudioPart(data, format, seconds, loading.label, f"{seconds:.1f} s")


def load_display(audio: Any, loading: Loading) -> Iterable[Part]:
    """``IPython.display.Audio``: its bytes, file or address."""
    label = loading.label or "sound"
    if isinstance(audio.data, bytes):
        return load_blob(Blob(label, data=audio.data), replace(loading, label=label))
    if audio.filename:
        return load_path(Path(audio.filename), loading)
    if not str(audio.url or "").startswith(("http://", "https://")):
        raise MediaError(f"{named(label)} holds neither bytes nor a file nor an http(s) address.", "Give a path.")
    _check_ears(replace(loading, label=label))
    return load_link(audio.url, loading)
