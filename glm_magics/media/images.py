"""Pictures, their bytes and their files as parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..messages import Part
from ..pictures import encode_picture, load_frames, load_picture, looks_like_picture
from .loading import Blob, Loading
from .rows import find_file_kind, find_loader
from .selections import parse_pages

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PICTURE_FILE_BYTES = 200_000_000


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A picture's file: of an animation or a TIFF of several pages the first, or those in brackets, as in ``scan.tif[2-4]``.

    Raises:
        MediaError: no picture, a damaged or a huge one, or it has no such page.
    """
    return _load(blob.read(MAX_PICTURE_FILE_BYTES), replace(loading, label=loading.label or blob.label))


def load_bytes(data: bytes | bytearray | memoryview, loading: Loading) -> Iterable[Part]:
    """The bytes of a picture, or of any other file that is known by how it begins.

    Raises:
        MediaError: they are of no kind that can be sent.
    """
    content = bytes(data)
    blob = Blob(loading.label or "bytes", data=content)
    kind = None if looks_like_picture(content) or not content else find_file_kind(blob)
    if kind is None or kind.loader == "images.load_file":
        return _load(content, loading)
    parts: Iterable[Part] = find_loader(kind.loader)(blob, loading)
    return parts


def load_image(image: Image, loading: Loading) -> Iterable[Part]:
    """A PIL image, of an animation the frame it stands at."""
    return [encode_picture(image, loading.label)]


def _load(data: bytes, loading: Loading) -> Iterable[Part]:
    if not loading.selection:
        return [load_picture(data, loading.label)]
    return load_frames(data, loading.label, lambda n_frames: parse_pages(loading.selection, n_frames, "frame"))
