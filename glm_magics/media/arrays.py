"""Number arrays as pictures where they are pictures, else as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from ..errors import MediaError, one_line
from ..messages import Part, TextPart
from ..notes import note
from ..pictures import MAX_PIXELS, encode_picture, named
from .dispatch import is_rich
from .lists import load_items
from .loading import Loading

Layout: TypeAlias = Literal["", "HW", "HWC", "CHW", "unclear"]

_CHANNELS = (1, 3, 4)
_MAX_BATCH = 64
_MIN_SIDE_PX = 24
"""A smaller matrix of numbers is one; of bytes it is a picture from 8 on."""

_MAX_ASPECT = 8
"""Pictures are rarely longer; it tells 3 rows from 3 channels."""

_SLACK = 1e-3
"""Resampling a picture of floats leaves values a hair outside of 0 to 1."""

_BLOCK_VALUES = 4_000_000

_MAX_NUMBERS_WRITTEN, _MAX_OTHERS_WRITTEN = 2000, 200
"""An array of more is elided, as NumPy does it; objects, words and records can be long each."""

_MAX_BARE_CHARS = 200
"""So short a text shows the shape by itself, and stays within its sentence."""


def load_array(array: Any, loading: Loading) -> Iterable[Part]:
    """HW, HW×C and C×HW number arrays (C: 1, 3, 4) as pictures, batches of them as several; other arrays as text.

    Raises:
        MediaError: rows and channels cannot be told apart, the numbers are no colours, or there are too many.
    """

    if array.dtype == object and array.size and all(is_rich(item) for item in array.flat):
        return load_items(list(array.flat), loading)
    kind, itemsize = array.dtype.kind, array.dtype.itemsize
    if array.ndim == 4 and find_layout(array.shape[1:], kind, itemsize):
        return _load_batch(array, loading)
    layout = find_layout(array.shape, kind, itemsize)
    if not layout:
        _hint_at_sound(array, loading)
        return [_write_array(array, loading)]
    return [_load_one(array, layout, loading)]


def _hint_at_sound(array: Any, loading: Loading) -> None:
    """A long row of numbers for a model that hears and does not see may be meant as sound; without a rate nobody can tell."""
    is_row = array.ndim in (1, 2) and array.dtype.kind in "if" and _MAX_NUMBERS_WRITTEN < array.size <= 2 * max(array.shape)
    if is_row and "audio" in loading.intake.kinds and not loading.intake.has_eyes:
        name = named(loading.label)
        note(f"{name} goes as text; as sound it would be glm.Sound(samples, rate_hz).", stacklevel=2)


def _write_array(array: Any, loading: Loading) -> TextPart:
    import numpy as np

    threshold = _MAX_NUMBERS_WRITTEN if array.dtype.kind in "buifc" else _MAX_OTHERS_WRITTEN
    is_masked = isinstance(array, np.ma.MaskedArray) and array.dtype.kind in "buifc"
    n_masked = int(np.ma.getmaskarray(array).sum()) if is_masked else 0
    text = np.array2string(np.ma.filled(array, 0) if is_masked else array, threshold=threshold)
    notes = f"{n_masked:,} masked and written as 0" if n_masked else ""
    return write_numbers(text, array.shape, str(array.dtype), array.size > threshold, loading, notes)


def write_numbers(text: str, shape: Sequence[int], dtype: str, is_elided: bool, loading: Loading, notes: str = "") -> TextPart:
    """An array as text: a short one as it is printed; any other begins with its shape and type.

    Args:
        text: what the library prints of it.
        shape, dtype: of the whole array.
        is_elided: not all of it is in `text`.
        loading: its label names the value.
        notes: what else is to be known about it.
    """
    sides, kind = "×".join(map(str, shape)), one_line(dtype, 40)
    source = f"{sides} {kind}".strip() + (", elided" if is_elided else "")
    label = loading.label or "array"
    if len(text) <= _MAX_BARE_CHARS and not is_elided and not notes:
        return TextPart(text, label, source)
    head = "; ".join(filter(None, (f"An array of {sides} {kind}".replace("  ", " "), "elided" if is_elided else "", notes)))
    return TextPart(f"\n{head}:\n{text}\n", label, source)


def find_layout(shape: Sequence[int], kind: str, itemsize: int) -> Layout:
    """Which axis is what, as far as the shape of one picture tells; empty for what is none.

    Args:
        shape: of one array.
        kind: NumPy's letter for the type of its numbers.
        itemsize: bytes of one number.
    """
    least = 8 if itemsize == 1 else _MIN_SIDE_PX
    if kind not in tuple("buif") or len(shape) not in (2, 3):
        return ""
    if len(shape) == 2:
        return "HW" if min(shape) >= least else ""
    if shape[2] not in _CHANNELS:
        return "CHW" if shape[0] in _CHANNELS and min(shape[1:]) >= least else ""
    if shape[0] not in _CHANNELS or min(shape) == 0:
        return "HWC"
    is_long, is_long_turned = (max(a, b) > _MAX_ASPECT * min(a, b) for a, b in (shape[:2], shape[1:]))
    return "HWC" if not is_long else "CHW" if not is_long_turned else "unclear"


def _load_batch(array: Any, loading: Loading) -> Iterator[Part]:
    if len(array) > _MAX_BATCH:
        raise MediaError(
            f"{named(loading.label)} holds {len(array):,} pictures; {_MAX_BATCH} are the limit of one value.",
            "Send a part of it, like x[:8].",
        )
    layout = find_layout(array.shape[1:], array.dtype.kind, array.dtype.itemsize)
    if len(array) == 1:
        yield _load_one(array[0], layout, loading)
        return
    for i, picture in enumerate(array):
        yield _load_one(picture, layout, replace(loading, label=f"{loading.label or 'array'}[{i}]"))


def _load_one(array: Any, layout: Layout, loading: Loading) -> Part:
    import numpy as np
    from PIL import Image

    if layout == "unclear":
        shape = " × ".join(map(str, array.shape))
        raise MediaError(
            f"{named(loading.label)} is {shape}: it can be read as rows × columns × channels and as channels × rows × columns.",
            "Send Image.fromarray(x), or Image.fromarray(x.transpose(1, 2, 0)).",
        )
    if not array.size:
        raise MediaError(f"{named(loading.label)} is an array without any pixels.", "Look at how it was made.")
    pixels = np.moveaxis(array, 0, -1) if layout == "CHW" else array
    size = f"{pixels.shape[1]} × {pixels.shape[0]}"
    if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        raise MediaError(
            f"{named(loading.label)} has {size} pixels; {MAX_PIXELS // 1_000_000} million are the limit.",
            "Send a part of it, or every fourth pixel: x[::4, ::4].",
        )
    pixels = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    pixels = _without_holes(pixels, loading)
    return encode_picture(Image.fromarray(_to_bytes(pixels, loading)), loading.label or "array")


def _without_holes(pixels: Any, loading: Loading) -> Any:
    """The mask filled; numbers that are none are told, and so are masked ones.

    Raises:
        MediaError: there is no number in it.
    """
    import numpy as np

    is_float, n_holes = pixels.dtype.kind == "f", 0
    if isinstance(pixels, np.ma.MaskedArray):
        n_holes = 0 if is_float else int(np.ma.getmaskarray(pixels).sum())
        pixels = np.ma.filled(pixels, np.nan if is_float else 0)
    if is_float:
        n_holes = sum(block.size - int(np.isfinite(block).sum()) for block in _blocks(pixels))
    if n_holes == pixels.size:
        raise MediaError(f"{named(loading.label)} holds no number: all are NaN, infinite or masked.", "Look at how it was made.")
    if n_holes:
        which = f"{n_holes:,} of {pixels.size:,} numbers are NaN, infinite or masked"
        note(f"{named(loading.label)}: {which}; they are drawn black, +inf white.", stacklevel=2)
    return pixels


def _to_bytes(pixels: Any, loading: Loading) -> Any:
    """The numbers as 0 to 255, a block at a time: a copy of all in floats could be eight times as large."""
    import numpy as np

    blocks = list(_blocks(pixels))
    lows, highs = zip(*map(_range, blocks), strict=True)
    low, high = min(lows), max(highs)
    factor = _find_factor(pixels, low, high)
    if factor is None:
        raise MediaError(
            f"{named(loading.label)} holds numbers from {low:g} to {high:g}; a picture has 0 to 255, or 0 to 1.",
            "Draw it with matplotlib's imshow and send the figure, or send str() of it for the numbers.",
        )
    out = np.empty(pixels.shape, np.uint8)
    for block, target in zip(blocks, _blocks(out), strict=True):
        target[...] = np.clip(np.nan_to_num(block * factor, nan=0.0, posinf=255.0, neginf=0.0), 0, 255).round()
    return out


def _blocks(pixels: Any) -> Iterator[Any]:
    n_rows = max(1, _BLOCK_VALUES * len(pixels) // pixels.size)
    return (pixels[i : i + n_rows] for i in range(0, len(pixels), n_rows))


def _range(block: Any) -> tuple[float, float]:
    """Lowest and highest of the finite numbers; zero where there is none."""
    import numpy as np

    known = block if block.dtype.kind != "f" else block[np.isfinite(block)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)


def _find_factor(pixels: Any, low: float, high: float) -> float | None:
    """What brings the numbers to 0 to 255; None where they are no colours."""
    kind = pixels.dtype.kind
    is_mask = kind == "b" or (kind in "ui" and pixels.ndim == 2 and high <= 1)
    if low >= -_SLACK and high <= 1 + _SLACK and (kind == "f" or is_mask):
        return 255.0
    if kind == "u" and pixels.dtype.itemsize == 2 and high > 255:
        return 255.0 / high
    return 1.0 if low >= 0 and high <= 255 else None
