"""Pictures as parts: untouched where they are fine as they are, else painted anew and encoded small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import MediaError
from ..messages import ImagePart
from ..tokens import MAX_PICTURE_PIXELS
from .colours import find_odd_profile, find_orientation, shrink, to_rgb
from .decoding import check_size, decoding, named, open_image
from .metadata import strip_metadata

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_IMAGE_BYTES = 5_000_000
MAX_IMAGE_SIDE_PX = 6000
"""The vendor's limits for one picture (chat reference): 5 MB, 6000 × 6000."""

_MAX_PNG_BYTES = 1_000_000
_one_large = Lock()
"""A large picture is unpacked while no other is: fifty in parallel then need the memory of few."""


def load_picture(data: bytes, label: str = "") -> ImagePart:
    """The bytes of a file of any usual format as a picture to send; of several frames or pages the first, and `source` says so.

    An upright 8-bit RGB PNG or JPEG within the limits keeps its pixels byte for byte, and loses what it says beside them.

    Raises:
        MediaError: no picture, a damaged one, or one that would unpack to a huge one.
    """
    with decoding(label):
        image = open_image(data, label)
        n_frames = _count_frames(image)
        if n_frames == 1 and (part := _as_it_is(image, data, label)):
            return part
        if is_photo := image.format in ("JPEG", "MPO"):
            image.draft(None, _size_seen(image))
        return _encode_painted(_paint(image, is_ours=True), label, _source(image, 1, n_frames), is_photo)


def load_frames(data: bytes, label: str, choose: Callable[[int], Sequence[int]]) -> Iterator[ImagePart]:
    """Chosen frames of an animation or pages of a TIFF, one part each.

    Args:
        data: the bytes of the file.
        label: for people.
        choose: from the number of frames to those wanted, counted from 1.

    Raises:
        MediaError: as `load_picture`.
    """
    with decoding(label):
        image = open_image(data, label)
        n_frames = _count_frames(image)
    for number in choose(n_frames):
        with decoding(label):
            if number - 1 < image.tell():
                image = open_image(data, label)  # not every decoder finds its way back
            image.seek(number - 1)
            check_size(image, label)
            part = encode_picture(image, label, _source(image, number, n_frames))
        yield part


def encode_picture(image: Image, label: str = "", source: str = "") -> ImagePart:
    """A PIL image as a picture to send; the image itself stays as it is.

    Raises:
        MediaError: it cannot be read to its end, has no pixels, or too many.
    """
    check_size(image, label)
    if not image.width or not image.height:
        raise MediaError(f"{named(label)} is a picture without any pixels.", "Look at how it was made.")
    with decoding(label):
        return _encode_painted(_paint(image), label, source)


def _paint(image: Image, is_ours: bool = False) -> Image:
    """Unpacked, RGB, and no larger than is seen."""
    if image.width * image.height <= MAX_PICTURE_PIXELS:
        return to_rgb(image)
    with _one_large:
        return to_rgb(image, MAX_PICTURE_PIXELS, is_ours)


def _encode_painted(image: Image, label: str, source: str, is_photo: bool = False) -> ImagePart:
    data, mime, size = encode_image(image, is_photo)
    return ImagePart(data, mime, *size, label=label or "picture", source=source)


def _as_it_is(image: Image, data: bytes, label: str) -> ImagePart | None:
    """The part, if nothing needs repainting: upright, plain RGB, within the limits, whole to the end."""
    format = "JPEG" if image.format == "MPO" else image.format or ""
    is_deep = format == "PNG" and data[_PNG_DEPTH_AT] != 8
    is_plain = image.mode == "RGB" and "transparency" not in image.info and not is_deep
    if not is_plain or max(image.size) > MAX_IMAGE_SIDE_PX or find_orientation(image) != 1 or find_odd_profile(image):
        return None
    plain, size = strip_metadata(data, format, MAX_IMAGE_BYTES), image.size
    if not plain:
        return None
    image.draft(None, (max(1, size[0] // 8), max(1, size[1] // 8)))  # a JPEG is read to its end, but for an eighth of the pixels
    image.load()
    return ImagePart(plain, f"image/{format.lower()}", *size, label=label or "picture")


_PNG_DEPTH_AT = 24


def _size_seen(image: Image) -> tuple[int, int]:
    scale = min(1.0, (MAX_PICTURE_PIXELS / (image.width * image.height)) ** 0.5)
    return max(1, int(image.width * scale)), max(1, int(image.height * scale))


def _count_frames(image: Image) -> int:
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # its further pictures are previews and depths


def _source(image: Image, number: int, n_frames: int) -> str:
    word = "page" if image.format == "TIFF" else "frame"
    return f"{word} {number} of {n_frames}" if n_frames > 1 else ""


def encode_image(image: Image, is_photo: bool = False) -> tuple[bytes, str, tuple[int, int]]:
    """``(bytes, mime, (width_px, height_px))`` of an RGB picture, within the vendor's limits: drawings as PNG, else JPEG.

    Args:
        image: in RGB.
        is_photo: known to be none of the drawings.
    """
    image = _without_notes(image)
    if max(image.size) > MAX_IMAGE_SIDE_PX:
        image = image.copy()
        image.thumbnail((MAX_IMAGE_SIDE_PX, MAX_IMAGE_SIDE_PX))
    if not is_photo and _is_drawing(image):
        data = _save(image, "PNG", compress_level=6)
        if len(data) <= _MAX_PNG_BYTES:
            return data, "image/png", image.size
    while True:
        data = _save(image, "JPEG", quality=90)
        if len(data) <= MAX_IMAGE_BYTES:
            return data, "image/jpeg", image.size
        image = shrink(image, int(image.width * image.height * 0.64))


def _without_notes(image: Image) -> Image:
    """Nothing beside the pixels but what their colours mean: Pillow writes a comment that it read into what it saves."""
    if image.info.keys() <= _KEPT_INFO:
        return image
    image, info = image.copy(), image.info  # the caller's stays as it is
    image.info = {key: info[key] for key in _KEPT_INFO & info.keys()}
    return image


_KEPT_INFO = frozenset({"icc_profile"})


def _is_drawing(image: Image) -> bool:
    """True when a PNG is likely to be small: judged by three bands of it, as a photo's PNG takes seconds only to be too large."""
    height_px = max(1, image.height // 48)
    if image.width * image.height < _SMALL_PIXELS:
        return True
    bands = [image.crop((0, top, image.width, top + height_px)) for top in (image.height * i // 4 for i in (1, 2, 3))]
    n_bytes = sum(len(_save(band, "PNG", compress_level=1)) for band in bands) * image.height / (height_px * len(bands))
    return n_bytes <= 1.5 * _MAX_PNG_BYTES  # written with more care it becomes smaller


_SMALL_PIXELS = 300_000


def _save(image: Image, format: str, **settings: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **settings)
    return buffer.getvalue()


def thumbnail_png(part: ImagePart, side_px: int = 256) -> bytes:
    """A small PNG of a picture that is to be sent, for ``--dry-run``."""
    from PIL import Image

    with decoding(part.label):
        image = Image.open(BytesIO(part.data))
        image.draft(None, (2 * side_px, 2 * side_px))
        small = image.convert("RGB")
        small.thumbnail((side_px, side_px))
        return _save(small, "PNG")
