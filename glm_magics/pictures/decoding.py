"""Opening foreign bytes as a picture: the decoder chosen by the first bytes, the size checked before the pixels are unpacked."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..errors import MediaError, MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 150_000_000
"""More than this is refused unread: a small file can unpack to far more than the memory there is."""

MAX_ASPECT = 200
"""Long side to short side; the vendor fails on pictures that are longer."""

_STARTS = {
    **{b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF87a": "GIF", b"GIF89a": "GIF"},
    **{b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF"},
}
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"), "HEIF"),
}
"""What stands behind ``ftyp`` (ISO/IEC 23008-12 and the AV1 image format); ``mif1`` can be either."""

_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def named(label: str) -> str:
    """A value in a sentence."""
    return f"`{label}`" if label else "A value"


def looks_like_picture(data: bytes) -> bool:
    """True when the first bytes are those of a format that is read."""
    return bool(find_format(data))


def find_format(data: bytes) -> str:
    """Pillow's name for the format that the first bytes announce; empty for none that is read."""
    for start, name in _STARTS.items():
        if data.startswith(start):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp":
        return "AVIF" if b"avif" in data[16:64] else _BRANDS.get(data[8:12], "")
    return ""


def open_image(data: bytes, label: str) -> Image:
    """The opened picture, its pixels still packed. To be called within `decoding`.

    Raises:
        MediaError: no picture, or one that would unpack to a huge one.
        MissingExtraError: a HEIC without its decoder.
    """
    format = find_format(data)
    if not format:
        raise MediaError(f"{named(label)} holds bytes that are no picture.", "Bytes of a png, jpg or webp can be sent.")
    from PIL import Image

    if format == "HEIF":
        _learn_heif(label)
    image = Image.open(BytesIO(data), formats=["JPEG", "MPO"] if format == "JPEG" else [format])
    check_size(image, label)
    return image


def _learn_heif(label: str) -> None:
    try:
        import pi_heif
    except ImportError:
        raise MissingExtraError.naming("heic", f"{named(label)} is a HEIC picture, which needs pi-heif.") from None
    pi_heif.register_heif_opener()


def check_size(image: Any, label: str) -> None:
    """Refuses what would unpack to more than `MAX_PIXELS`, and what is a mere line.

    Raises:
        MediaError: it would, or it is.
    """
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(
            f"{named(label)} has {image.width} × {image.height} pixels; {MAX_PIXELS // 1_000_000} million are the limit.",
            "Make it smaller first, e.g. with image.reduce(4).",
        )
    short, long = sorted(image.size)
    if long > MAX_ASPECT * short > 0:
        raise MediaError(
            f"{named(label)} is {image.width} × {image.height} pixels, {long / short:,.0f}:1; {MAX_ASPECT}:1 is the limit.",
            "Cut it into pieces and send those, e.g. with image.crop.",
        )


@contextmanager
def decoding(label: str) -> Iterator[None]:
    """Whatever a decoder raises or warns about in a damaged picture becomes one sentence, or nothing."""
    from PIL import Image

    try:
        with _quiet:
            yield
    except (MediaError, MissingExtraError):
        raise
    except Image.DecompressionBombError:
        raise MediaError(f"{named(label)} would unpack to a huge picture.", "Make it smaller first.") from None
    except MemoryError:
        raise MediaError(f"{named(label)} does not fit into the memory.", "Make it smaller first.") from None
    except Exception as error:  # decoders raise anything
        reason = "cut off" if "truncated" in str(error) else "damaged or of an unknown kind"
        raise MediaError(f"{named(label)} is no readable picture: {reason}.", "Save it again as png or jpg.") from error


class _Quiet:
    """No warnings while at least one thread is in here.

    Python's own `catch_warnings` puts back the filters that it found, so two threads that leave in another order than they
    came would silence the process for good.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_inside = 0
        self._outer: Any = None

    def __enter__(self) -> None:
        with self._lock:
            self._n_inside += 1
            if self._n_inside == 1:
                self._outer = warnings.catch_warnings()
                self._outer.__enter__()
                warnings.simplefilter("ignore")  # of a large picture too: our own limit is stated above

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                self._outer.__exit__(None, None, None)


_quiet = _Quiet()
