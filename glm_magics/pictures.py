"""Pictures made fit to send: upright, 8-bit RGB, within the vendor's limits; damage and size are found here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from .errors import MediaError
from .messages import ImagePart

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_IMAGE_BYTES = 5_000_000
MAX_IMAGE_SIDE_PX = 6000
"""The vendor's limits for one picture (chat reference): 5 MB, 6000 × 6000."""

MAX_PIXELS = 150_000_000
"""More than this is refused unread: a small file can unpack to far more than the memory there is."""


def named(label: str) -> str:
    """A value in a sentence."""
    return f"`{label}`" if label else "A value"


def looks_like_picture(data: bytes) -> bool:
    """True when the first bytes are those of a format that is read."""
    return data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")) or data[8:12] == b"WEBP"


def load_picture(data: bytes, label: str = "") -> ImagePart:
    """The bytes of a file of any usual format as a picture to send; untouched where they are fine as they are.

    Raises:
        MediaError: no picture, a damaged one, or one that would unpack to a huge one.
    """
    if not looks_like_picture(data):
        raise MediaError(f"{named(label)} holds bytes that are no picture.", "Bytes of a png, jpg or webp can be sent.")
    with _decoding(label):
        from PIL import Image

        image = Image.open(BytesIO(data))
        _check_size(image, label)
        image.load()
        if image.format in ("PNG", "JPEG") and _is_sendable_as_is(image, data):
            return ImagePart(data, f"image/{image.format.lower()}", *image.size, label=label or "picture")
    return encode_picture(image, label)


def encode_picture(image: Image, label: str = "") -> ImagePart:
    """A PIL image as a picture to send; the image itself stays as it is.

    Raises:
        MediaError: it cannot be read to its end, has no pixels, or too many.
    """
    _check_size(image, label)
    if not image.width or not image.height:
        raise MediaError(f"{named(label)} is a picture without any pixels.", "Look at how it was made.")
    with _decoding(label):
        data, mime, size = encode_image(to_rgb(image))
    return ImagePart(data, mime, *size, label=label or "picture")


@contextmanager
def _decoding(label: str) -> Iterator[None]:
    """Whatever a decoder raises or warns about in a damaged picture becomes one sentence, or nothing."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a large picture too: our own limit is stated below
            yield
    except MediaError:
        raise
    except Image.DecompressionBombError:
        raise MediaError(f"{named(label)} would unpack to a huge picture.", "Make it smaller first.") from None
    except Exception as error:  # decoders raise anything
        reason = "cut off" if "truncated" in str(error) else "damaged or of an unknown kind"
        raise MediaError(f"{named(label)} is no readable picture: {reason}.", "Save it again as png or jpg.") from error


def _check_size(image: Image, label: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(
            f"{named(label)} has {image.width} × {image.height} pixels; {MAX_PIXELS // 1_000_000} million are the limit.",
            "Make it smaller first, e.g. with image.reduce(4).",
        )


def _is_sendable_as_is(image: Image, data: bytes) -> bool:
    """True for what needs no repainting: upright, plain RGB, one frame, within the limits."""
    is_upright = image.getexif().get(0x0112, 1) == 1
    is_small = len(data) <= MAX_IMAGE_BYTES and max(image.size) <= MAX_IMAGE_SIDE_PX
    is_plain = image.mode == "RGB" and "transparency" not in image.info
    return is_upright and is_small and is_plain and getattr(image, "n_frames", 1) == 1


def to_rgb(image: Image) -> Image:
    """The picture as a person sees it: upright (EXIF), the frame it stands at, 8-bit RGB, transparency on white."""
    from PIL import Image as images
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _stretch_grey(image)
    if image.mode == "LAB":
        return _from_lab(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        with_alpha = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        white = images.new("RGBA", with_alpha.size, "white")
        return images.alpha_composite(white, with_alpha).convert("RGB")
    return image.convert("RGB")


def _stretch_grey(image: Image) -> Image:
    """16-bit and float greys to 8 bits by their own range: clipping would make most scans white."""
    import numpy as np
    from PIL import Image as images

    values = np.asarray(image).astype(np.float32)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255.0 / (high - low) if high > low else 0.0)
    return images.fromarray(scaled.round().astype(np.uint8)).convert("RGB")


def _from_lab(image: Image) -> Image:
    from PIL import ImageCms

    to_srgb = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    converted = ImageCms.applyTransform(image, to_srgb)
    assert converted is not None
    return converted


def encode_image(image: Image) -> tuple[bytes, str, tuple[int, int]]:
    """``(bytes, mime, (width_px, height_px))`` within the vendor's limits; PNG while it fits, else JPEG, else smaller."""
    if max(image.size) > MAX_IMAGE_SIDE_PX:
        image = image.copy()
        image.thumbnail((MAX_IMAGE_SIDE_PX, MAX_IMAGE_SIDE_PX))
    if image.width * image.height <= 4_000_000:  # a larger PNG would not fit but for rare pictures, and takes seconds
        data = _save(image, "PNG", compress_level=6)
        if len(data) <= 1_000_000:
            return data, "image/png", image.size
    while True:
        data = _save(image, "JPEG", quality=92)
        if len(data) <= MAX_IMAGE_BYTES:
            return data, "image/jpeg", image.size
        image = image.resize((max(1, int(image.width * 0.8)), max(1, int(image.height * 0.8))))


def _save(image: Image, format: str, **settings: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **settings)
    return buffer.getvalue()


def thumbnail_png(part: ImagePart, side_px: int = 256) -> bytes:
    """A small PNG of a picture that is to be sent, for ``--dry-run``."""
    from PIL import Image

    with _decoding(part.label):
        image = Image.open(BytesIO(part.data)).convert("RGB")
        image.thumbnail((side_px, side_px))
        return _save(image, "PNG")
