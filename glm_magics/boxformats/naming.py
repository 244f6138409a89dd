"""What the formats share: which shapes can go, how pictures are named, what size they have, and one sentence for bad input."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, cast

from glm_magics.errors import InputError, one_line
from glm_magics.geometry import Box, Shape, keep_visible
from glm_magics.notes import note

Sizes = tuple[int, int] | Sequence[tuple[int, int]]
"""``(width_px, height_px)`` of every picture, or a list with the size of each."""

_OWN_NAME = re.compile(r"image-([1-9]\d{0,5})(?:\.\w+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")


def boxes_of(shapes: Iterable[Shape], format_name: str) -> list[Box]:
    """The boxes that their pictures show; a format without points leaves them out, and says so."""
    visible = list(keep_visible(shapes))
    boxes = [shape for shape in visible if isinstance(shape, Box)]
    if n_points := len(visible) - len(boxes):
        points = "1 point is" if n_points == 1 else f"{n_points} points are"
        note(f"{points} left out: {format_name} holds boxes only. CSV and GLM's JSON hold points too.", stacklevel=4)
    return boxes


def writable(label: str) -> str:
    """A label that can be encoded: half a character, which UTF-8 cannot hold, becomes U+FFFD."""
    return label if label.isascii() else _SURROGATE.sub("\ufffd", label)


def picture_names(shapes: Iterable[Shape], file_names: Sequence[str] | None) -> dict[int, str]:
    """The file name of each picture, by its number from 0: of those that have shapes, or of all that are named.

    Raises:
        InputError: a picture is not named, or two have one name.
    """
    numbers = sorted({shape.image for shape in shapes})
    if file_names is None:
        return {number: f"image-{number + 1}.png" for number in numbers}
    names = dict(enumerate(file_names))
    if isinstance(file_names, str) or len(set(names.values())) < len(names):
        raise InputError(
            "The pictures do not have one name each.", 'Give a list of different names: file_names=["a.jpg", "b.jpg"].'
        )
    if numbers and numbers[-1] >= len(names):
        raise InputError(
            f"There is a box for picture {numbers[-1] + 1}, and {len(names)} file names.", "Give the name of every picture."
        )
    return names


def picture_numbers(found: Iterable[str], file_names: Sequence[str] | None) -> dict[str, int]:
    """The number of each picture whose name was found in a file: its place in `file_names`, or as this package named it.

    Raises:
        InputError: a name is not among `file_names`.
    """
    names = list(dict.fromkeys(found))
    if file_names is not None:
        places = {name: number for number, name in enumerate(file_names)}
        if strange := [name for name in names if name not in places]:
            raise InputError(f"There is a box for `{one_line(strange[0], 80)}`.", "Give that name too, in file_names.")
        return {name: places[name] for name in names}
    own = [_OWN_NAME.fullmatch(name) for name in names]
    return {
        name: int(match[1]) - 1 if match and all(own) else place
        for place, (name, match) in enumerate(zip(names, own, strict=True))
    }


def text_names(names: dict[int, str], suffix: str) -> dict[int, str]:
    """The names of the text files that belong to pictures: another suffix, folders kept, always with ``/``.

    Raises:
        InputError: two pictures would share a file.
    """
    try:
        found = {image: PurePath(name).with_suffix(suffix).as_posix() for image, name in names.items()}
    except ValueError as error:
        raise InputError(f"A picture has no file name ({one_line(str(error), 60)}).", "Give every picture a name.") from error
    if len(set(found.values())) < len(found):
        raise InputError(f"Two pictures would share one {suffix} file.", "Name them differently before the dot.")
    return found


def size_of(sizes: Sizes, image: int) -> tuple[int, int]:
    """``(width_px, height_px)`` of one picture.

    Raises:
        ValueError: there is no size for it, or it is none.
    """
    each = cast("Sequence[tuple[int, int]]", sizes if isinstance(sizes[0], Sequence) else [sizes] * (image + 1))
    if not 0 <= image < len(each):
        raise ValueError(f"{len(each)} sizes are given, and there is a box for picture {image + 1}")
    width_px, height_px = each[image]
    return checked_size(width_px, height_px)


def checked_size(width_px: Any, height_px: Any) -> tuple[int, int]:
    """Width and height as whole numbers.

    Raises:
        TypeError, ValueError, OverflowError: they are no size of a picture.
    """
    width, height = int(float(width_px)), int(float(height_px))
    if width < 1 or height < 1:
        raise ValueError(f"a picture has {width} × {height} pixels")
    return width, height


@contextmanager
def reading(what: str, way_out: str) -> Iterator[None]:
    """Whatever is wrong with foreign data becomes one sentence."""
    try:
        yield
    except KeyError as error:
        raise InputError(f"{what} cannot be read: {one_line(repr(error.args[0]), 60)} is missing.", way_out) from error
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise InputError(f"{what} cannot be read: {one_line(str(error), 120)}.", way_out) from error
