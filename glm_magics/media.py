"""Python objects to message parts: one row per type, matched by its name so that no library is imported to ask.

Adding an input kind is one loader and one row in `LOADERS`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import InputError, MediaError, MissingExtraError, one_line
from .messages import ImagePart, Part, TextPart
from .pictures import MAX_IMAGE_SIDE_PX, encode_picture, load_picture, looks_like_picture, named

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_FILE_BYTES = 200_000_000
_MAX_DEPTH = 3

_IMAGE_URL = re.compile(r"https?://\S+\.(?:png|jpe?g|webp)(?:[?#]\S*)?", re.IGNORECASE)
_ANY_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Loading:
    """How to load: `label` names the value for people, `frames` says how tables are sent, `depth` counts lists in lists."""

    label: str = ""
    frames: Literal["image", "text", "both", "auto"] = "image"
    depth: int = 0


Loader = Callable[[Any, Loading], Iterable[Part]]


def to_parts(value: object, loading: Loading | None = None) -> list[Part]:
    """The parts that stand for `value` in a message.

    Text and numbers become text; figures, pictures, arrays, image bytes, paths and image URLs become pictures; frames what
    `loading.frames` says; a list with such a value in it becomes the parts of its items; everything else its ``str``.

    Raises:
        MediaError: a picture that cannot be read, a path that does not exist, a figure without anything in it, …
    """
    loading = loading or Loading()
    if name := _row_of(value):
        return list(LOADERS[name](value, loading))
    try:
        return [TextPart(str(value))]
    except Exception as error:  # a __str__ of the user's own may raise anything
        raise MediaError(
            f"{named(loading.label)} cannot be written as text: {_said(error)}.", "Does str() work on it?"
        ) from error


def image_parts(value: object, label: str = "") -> list[ImagePart]:
    """The pictures for ``--image``: as `to_parts`, but a string is always a path or a URL, and text is refused.

    Raises:
        MediaError: there is no picture in it.
    """
    if isinstance(value, str):
        value = value if _ANY_URL.fullmatch(value) else Path(value)
        if isinstance(value, str):
            return [ImagePart(url=value, label=label or "link")]
    parts = to_parts(value, Loading(label=label))
    images = [part for part in parts if isinstance(part, ImagePart)]
    if len(images) != len(parts) or not images:
        if _row_of(value).startswith("pandas."):
            raise MediaError(
                f"{named(label)} cannot be drawn: it has no rows, or letters that the font lacks.",
                f"Put {{{label or 'it'}}} into the text, where it is sent as text.",
            )
        raise MediaError(
            f"{named(label)} is no picture ({type(value).__name__}).",
            "Give a figure, picture, array, frame, path or URL.",
        )
    return images


@lru_cache(maxsize=256)
def _loader_name(cls: type) -> str:
    """The row for a class or its nearest base, by module (its top package, or in full) and name; empty when there is none."""
    for base in cls.__mro__[:-1]:
        for name in (f"{base.__module__}.{base.__qualname__}", f"{base.__module__.partition('.')[0]}.{base.__qualname__}"):
            if name in LOADERS:
                return name
    return ""


def _row_of(value: Any) -> str:
    return _loader_name(type(value))  # type: ignore[arg-type]  # classes are hashable, whatever mypy says


def _said(error: BaseException) -> str:
    return one_line(str(error), 120).rstrip(".") or type(error).__name__


def _load_text(value: str, loading: Loading) -> Iterable[Part]:
    url = value.strip()
    if _IMAGE_URL.fullmatch(url):
        return [ImagePart(url=url, label=loading.label or "link")]
    return [TextPart(value)]


def _load_path(path: Path, loading: Loading) -> Iterable[Part]:
    label = loading.label or path.name
    try:
        path = path.expanduser()
        if path.is_dir():
            raise MediaError(f"`{label}` is a folder.", "Give a picture in it.")
        if path.exists() and not path.is_file():
            raise MediaError(f"`{label}` is no ordinary file.", "Give a png, jpg or webp.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise MediaError(f"`{label}` is larger than {MAX_FILE_BYTES // 1_000_000} MB.", "Make it smaller first.")
        data = path.read_bytes()
    except (ValueError, RuntimeError):  # a null byte; ``~name`` of nobody
        raise MediaError(f"`{one_line(label, 80)}` is no path.", "Look at the spelling.") from None
    except FileNotFoundError:
        raise MediaError(f"There is no file `{label}` here.", "Look at the spelling and at the working folder.") from None
    except OSError as error:
        raise MediaError(
            f"`{label}` cannot be read: {error.strerror or 'unknown reason'}.", "Look at its permissions."
        ) from error
    if path.suffix.lower() not in _SUFFIXES and not looks_like_picture(data):
        raise MediaError(f"`{label}` is no picture that can be sent.", "Give a png, jpg or webp.")
    return _load_bytes(data, replace(loading, label=label))


def _load_bytes(data: bytes, loading: Loading) -> Iterable[Part]:
    return [load_picture(data, loading.label)]


def _load_image(image: Image, loading: Loading) -> Iterable[Part]:
    return [encode_picture(image, loading.label)]


def _load_figure(figure: Any, loading: Loading) -> Iterable[Part]:
    """The whole figure as it is printed: tight, opaque, 150 dpi or what fits; neither closed nor altered."""
    figure = getattr(figure, "figure", None) or figure  # of a subfigure
    if not figure.get_children()[1:]:  # the first is the background
        raise MediaError(
            f"{named(loading.label)} is a figure with nothing in it.", "Draw first; in a notebook, in the same cell."
        )
    buffer = BytesIO()
    dpi = min(150.0, MAX_IMAGE_SIDE_PX / max(figure.get_size_inches()))
    try:
        figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", facecolor=_opaque(figure))
    except Exception as error:  # drawing runs the user's own artists and formatters
        raise MediaError(f"{named(loading.label)} cannot be drawn: {_said(error)}.", "Does fig.savefig work on it?") from error
    return _load_bytes(buffer.getvalue(), Loading(loading.label or "figure"))


def _opaque(figure: Any) -> Any:
    color = figure.get_facecolor()
    return color if color[3] == 1 else "white"


def _load_axes(axes: Any, loading: Loading) -> Iterable[Part]:
    figure = axes.get_figure()
    if figure is None:
        raise MediaError(f"{named(loading.label)} belongs to no figure any more.", "Draw it again.")
    return _load_figure(figure, loading)


def _load_array(array: Any, loading: Loading) -> Iterable[Part]:
    """HW, HW×1, HW×3 and HW×4 number arrays as pictures; other arrays, small matrices among them, as text."""
    import numpy as np
    from PIL import Image

    if array.dtype == object and array.size and all(_is_rich(item) for item in array.flat):
        return _load_items(list(array.flat), loading)
    if not _is_picture(array):
        return [TextPart(np.array2string(array, threshold=200))]
    if not array.size:
        raise MediaError(f"{named(loading.label)} is an array without any pixels.", "Look at how it was made.")
    pixels = np.nan_to_num(np.asarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array))
    low, high = float(pixels.min()), float(pixels.max())
    if pixels.dtype.kind in "bf" and low >= -_SLACK and high <= 1 + _SLACK:
        pixels = np.clip(pixels, 0.0, 1.0) * 255.0
    elif pixels.dtype == np.uint16 and high > 255:
        pixels = pixels * (255.0 / high)
    elif low < 0 or high > 255:
        raise MediaError(
            f"{named(loading.label)} holds numbers from {low:g} to {high:g}; a picture has 0 to 255, or 0 to 1.",
            "Draw it with matplotlib's imshow and send the figure, or send str() of it for the numbers.",
        )
    return _load_image(Image.fromarray(np.ascontiguousarray(pixels.round().astype(np.uint8))), loading)


_SLACK = 1e-3
"""Resampling a picture of floats leaves values a hair outside of 0 to 1."""

_MIN_SIDE_PX = 24
"""A smaller matrix of numbers is one; of bytes it is a picture from 8 on."""


def _is_picture(array: Any) -> bool:
    if array.dtype.kind not in "buif":
        return False
    if array.ndim == 2:
        return bool(min(array.shape) >= (8 if array.dtype.itemsize == 1 else _MIN_SIDE_PX))
    return bool(array.ndim == 3 and array.shape[2] in (1, 3, 4))


def _load_frame(frame: Any, loading: Loading) -> Iterable[Part]:
    """A picture, text or both, as `loading.frames` says; text, with a warning, where no font has a letter of it."""
    from . import frames
    from .tables import read_table
    from .tabletext import write_text

    try:
        if loading.frames == "text":
            return [_own_lines(write_text(read_table(frame, max_chars=_TEXT_CELL_CHARS, is_exact=True)))]
        table = frames.fit_table(frame)
        is_drawn, text = True, ""
        if reason := frames.why_not(table):
            is_drawn = False
            if not table.is_empty:
                warnings.warn(f"{named(loading.label)} is sent as text. {reason}", stacklevel=2)
        elif loading.frames == "auto":
            is_drawn, text = frames.choose_forms(frame, table)
        if (not is_drawn and not text) or loading.frames == "both":
            text = write_text(read_table(frame, max_chars=_TEXT_CELL_CHARS, is_exact=True))
        pictures = [encode_picture(frames.draw(table).convert("RGB"), loading.label or "frame")] if is_drawn else []
    except MissingExtraError:
        raise
    except Exception as error:  # the cells hold objects of the user's own, a lazy frame runs her query
        said, tried = (error.message, error.way_out) if isinstance(error, InputError) else (f"{_said(error)}.", "")
        raise MediaError(f"{named(loading.label)} cannot be drawn: {said}", tried or "Does print() work on it?") from error
    return [*pictures, *([_own_lines(text)] if text else [])]


def _own_lines(text: str) -> TextPart:
    """A table within a sentence begins on a line of its own, or its columns would not stand under their names."""
    return TextPart(f"\n{text}" if text.endswith("\n") else f"\n{text}\n")


_TEXT_CELL_CHARS = 200


def _load_items(items: Sequence[Any], loading: Loading) -> Iterable[Part]:
    """A list of pictures, figures, … is sent one by one; any other list is text."""
    if not _is_rich(items, loading.depth - 1):
        return [TextPart(str(items))]
    label = loading.label or "item"
    inner = [Loading(f"{label}[{i}]", loading.frames, loading.depth + 1) for i in range(len(items))]
    seen: set[int] = set()
    parts: list[Part] = []
    for item, how in zip(items, inner, strict=True):
        figure = item.get_figure() if _row_of(item) == _AXES else None
        if figure is None or id(figure) not in seen:  # the axes of one figure are one picture
            seen.add(id(figure))
            parts += to_parts(item, how)
    return parts


def _is_rich(value: object, depth: int = 0) -> bool:
    """True for what is more than text, and for lists that hold such a thing."""
    if isinstance(value, list | tuple):
        return depth < _MAX_DEPTH and any(_is_rich(item, depth + 1) for item in value)
    return _row_of(value) not in _PLAIN


_AXES = "matplotlib.axes._base._AxesBase"
LOADERS: Mapping[str, Loader] = {
    "builtins.str": _load_text,
    "builtins.bytes": _load_bytes,
    "builtins.bytearray": lambda value, loading: _load_bytes(bytes(value), loading),
    "builtins.memoryview": lambda value, loading: _load_bytes(bytes(value), loading),
    "builtins.list": _load_items,
    "builtins.tuple": _load_items,
    "pathlib.PurePath": lambda value, loading: _load_path(value if isinstance(value, Path) else Path(value), loading),
    "PIL.Image": _load_image,
    "matplotlib.figure.FigureBase": _load_figure,
    _AXES: _load_axes,
    "numpy.ndarray": _load_array,
    **dict.fromkeys(
        (
            *("pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.LazyFrame", "polars.Series", "pyarrow.Table"),
            *("pyarrow.RecordBatch", "duckdb.DuckDBPyRelation", "_duckdb.DuckDBPyRelation", "modin.DataFrame", "modin.Series"),
            *("cudf.DataFrame", "cudf.Series", "ibis.Table", "dask.DataFrame", "dask_expr.DataFrame", "narwhals.DataFrame"),
            *("narwhals.LazyFrame", "narwhals.Series"),
        ),
        _load_frame,
    ),
}
_PLAIN = frozenset({"", "builtins.str", "builtins.list", "builtins.tuple"})


def _is_file(token: str) -> bool:
    try:
        return Path(token).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def load_expression_image(token: str, evaluate: Callable[[str], object], defined: Callable[[str], bool]) -> list[ImagePart]:
    """The pictures for one ``--image`` word: a URL, else an expression whose first name exists, else a file.

    Raises:
        InputError: it is none of the three, or holds no picture.
    """
    if _ANY_URL.fullmatch(token):
        return image_parts(token)
    first_name = re.match(r"[^\W\d]\w*", token)
    is_file = _is_file(token)
    if first_name and defined(first_name[0]) and (token.isidentifier() or not is_file):
        return image_parts(evaluate(token), label=token)
    if is_file:
        return image_parts(Path(token), label=Path(token).name)
    raise InputError(
        f"`{token}` is neither a name in this notebook nor a file.", "Give a variable, a path or a URL after --image."
    )
