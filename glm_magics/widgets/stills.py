"""Pictures of a grounding widget: the copy that the page shows, and the drawn one that a saved notebook keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ..boxdrawing import upright_picture
from ..boxes import Boxes
from ..errors import InputError, MediaError
from ..notes import collecting
from ..pictures import find_orientation

if TYPE_CHECKING:
    from PIL.Image import Image

PAGE_SIDE_PX = 2048
"""The longest side of the page's copy: sharp on a large screen, and still when zoomed in."""

STILL_SIDE_PX = 1200
"""The longest side of what a saved notebook keeps: as wide as a page shows it."""

_FLAT_COLOURS = 4096
_MAX_TILES = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a widget.

    Attributes:
        image: a copy of what was given, which may be closed or painted over afterwards.
        name: its file name in exports.
        size: ``(width_px, height_px)`` of it, upright.
        data, mime: an encoded copy for the page.
    """

    image: Image
    name: str
    size: tuple[int, int]
    data: bytes
    mime: str


def load_pictures(images: Image | Sequence[Image], names: Sequence[str] = ()) -> tuple[Picture, ...]:
    """One picture, or a list of them, ready for a page.

    Raises:
        InputError: there is none, or not one different name for each.
        MediaError: no PIL image, a huge or a damaged one.
    """
    given = list(images) if isinstance(images, Sequence) else [images]
    if not given:
        raise InputError("There is no picture to ask about.", "Give a PIL image, or a list of them.")
    names = [_base_name(name) for name in names] or [f"image-{number}.png" for number in range(1, len(given) + 1)]
    if len(set(names)) < len(given) or len(names) != len(given):
        raise InputError(f"There are {len(given)} pictures and {len(set(names))} different names.", "Give one name for each.")
    return tuple(_load(image, name) for image, name in zip(given, names, strict=True))


def _base_name(name: str) -> str:
    """Without folders: an export names files, and never says where they lay."""
    return str(name).replace("\\", "/").rsplit("/", 1)[-1][:200] or "image.png"


def _load(image: Image, name: str) -> Picture:
    upright = upright_picture(image)
    own = _copy(image) or upright
    is_flat = upright.getcolors(_FLAT_COLOURS) is not None
    size = upright.size
    if max(size) > PAGE_SIDE_PX:
        upright = upright.copy() if own is upright else upright
        upright.thumbnail((PAGE_SIDE_PX, PAGE_SIDE_PX), reducing_gap=2.0)
    return Picture(own, name, size, *encode(upright, is_flat))


def _copy(image: Image) -> Image | None:
    """The pixels of a picture, apart from it and its file, in its own mode; None when that would lose which side is up."""
    copy = image.copy()
    return copy if find_orientation(copy) == find_orientation(image) else None


def encode(image: Image, is_flat: bool) -> tuple[bytes, str]:
    """``(bytes, mime)``: PNG for what has few colours, such as screenshots and charts, else JPEG."""
    buffer = BytesIO()
    if is_flat:
        image.save(buffer, "PNG", compress_level=6)
        return buffer.getvalue(), "image/png"
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue(), "image/jpeg"


def draw(pictures: Sequence[Picture], boxes: Boxes, max_side_px: int | None = None) -> list[Image]:
    """The pictures with their boxes; labels that no font can write have their number alone, without a warning."""
    with collecting():
        return [boxes.draw(picture.image, index=index, max_side_px=max_side_px) for index, picture in enumerate(pictures)]


def still(pictures: Sequence[Picture], boxes: Boxes) -> tuple[bytes, str, tuple[int, int]]:
    """``(bytes, mime, (width_px, height_px))`` of one drawn picture of all, several side by side, the first dozen of many.

    Raises:
        MediaError: a picture has changed since it was given, and cannot be drawn any more.
    """
    shown = pictures[:_MAX_TILES]
    n_columns = min(3, len(shown))
    try:
        drawn = draw(shown, boxes, max(64, STILL_SIDE_PX // n_columns))
    except (ValueError, OSError) as error:
        raise MediaError("The picture cannot be drawn any more.", "Was its file closed? Open it again.") from error
    sheet = drawn[0] if len(drawn) == 1 else _tile(drawn, n_columns)
    is_flat = all(picture.mime == "image/png" for picture in shown)
    return *encode(sheet, is_flat), sheet.size


def _tile(drawn: Sequence[Image], n_columns: int, gap_px: int = 8) -> Image:
    """In rows, white between them."""
    from PIL import Image as images

    rows = [drawn[start : start + n_columns] for start in range(0, len(drawn), n_columns)]
    width_px = max(sum(tile.width + gap_px for tile in row) for row in rows) - gap_px
    heights_px = [max(tile.height for tile in row) for row in rows]
    sheet = images.new("RGB", (width_px, sum(heights_px) + gap_px * (len(rows) - 1)), "white")
    top = 0
    for row, height_px in zip(rows, heights_px, strict=True):
        left = 0
        for tile in row:
            sheet.paste(tile, (left, top))
            left += tile.width + gap_px
        top += height_px + gap_px
    return sheet
