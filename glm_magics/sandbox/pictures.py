"""Pictures as they arrive, and what a simple measurement says about them. Needs Pillow, and nothing else.

Nothing is ever fetched: a URL is looked up among the pictures this sandbox hosts itself.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from glm_magics.sandbox.codes import Refusal

if TYPE_CHECKING:
    from PIL.Image import Image

_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)
_SAMPLE_PX = 96  # pictures are measured on a copy of at most this size: the measures are shares, they hardly change
_MIN_SHARE = 0.03

# A fetched picture by URL; None: the host is not ours.
Host = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture. `image` is RGB."""

    format: str
    width_px: int
    height_px: int
    n_bytes: int
    image: Image


@dataclass(frozen=True, slots=True)
class Foreign:
    """A picture somewhere else, which the sandbox does not fetch."""

    url: str


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured; shares and brightness are from 0 to 1, colours by falling share."""

    brightness: float
    colours: tuple[tuple[str, float], ...]
    flat_share: float
    kind: str


def read_picture(url: str, limits: Mapping[str, Any], host: Host) -> Picture | Foreign:
    """The picture of an ``image_url`` part: a data: URI, raw base64 or a URL.

    Raises:
        Refusal: 1210, when it cannot be read or is outside the model's `limits` (a row of the catalogue).
    """
    if url.startswith(("http://", "https://")):
        data = host(url)
        return Foreign(url) if data is None else _decode(data, limits)
    if limits.get("image_base64") is False:
        raise Refusal("1210", "This model takes pictures by URL only, not as base64.")
    try:
        # Strict, so that line breaks are refused: the vendor's servers fail on them.
        data = base64.b64decode(_DATA_URI.sub("", url, count=1), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("1210", "Image format or parse error: the base64 text is not valid (line breaks?).") from None
    return _decode(data, limits)


def _decode(data: bytes, limits: Mapping[str, Any]) -> Picture:
    from PIL import Image, UnidentifiedImageError

    max_mb = limits.get("image_max_mb", 5)
    if len(data) > max_mb * 1024 * 1024:
        raise Refusal("1210", f"An image has {len(data) / 1024 / 1024:.1f} MB; the limit is {max_mb} MB.")
    try:
        image = Image.open(BytesIO(data), formats=("PNG", "JPEG"))
        max_width, max_height = limits.get("image_max_px") or (6000, 6000)
        if image.width > max_width or image.height > max_height:
            size = f"{image.width} x {image.height}"
            raise Refusal("1210", f"An image has {size} pixels; the limit is {max_width} x {max_height}.")
        rgb = _flatten(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise Refusal("1210", "Image format or parse error: not a readable JPEG or PNG.") from None
    return Picture(image.format or "", rgb.width, rgb.height, len(data), rgb)


def _flatten(image: Image) -> Image:
    """RGB on white. Pixels as stored: the servers are not known to honour EXIF orientation."""
    from PIL import Image as pil

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return pil.alpha_composite(pil.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def colour_name(hue: int, saturation: int, value: int) -> str:
    """The plain name of an HSV colour, each component from 0 to 255 as Pillow gives them."""
    if value < 45:
        return "black"
    if saturation < 38:
        return "white" if value > 215 else "grey"
    if 7 <= hue < 27 and value < 150:
        return "brown"
    return next(name for limit, name in _HUES if hue < limit)


# Hues by their upper limit, of 256 around the circle.
_HUES = (
    (9, "red"),
    (26, "orange"),
    (46, "yellow"),
    (116, "green"),
    (136, "cyan"),
    (179, "blue"),
    (206, "purple"),
    (240, "pink"),
    (256, "red"),
)


def measure(picture: Picture) -> Measures:
    """Brightness, named colours and the likely kind of a picture, from a small copy of it."""
    from PIL.Image import Resampling

    small = picture.image.copy()
    small.thumbnail((_SAMPLE_PX, _SAMPLE_PX), Resampling.NEAREST)  # a smoothed copy would invent colours
    exact = Counter(_pixels(small))
    n = small.width * small.height
    names = Counter(colour_name(*pixel) for pixel in _pixels(small.convert("HSV")))
    colours = tuple((name, count / n) for name, count in names.most_common(5) if count / n >= _MIN_SHARE)
    flat_share = exact.most_common(1)[0][1] / n
    coloured_share = 1 - sum(names[name] for name in ("black", "white", "grey")) / n
    brightness = sum(small.convert("L").tobytes()) / (255 * n)
    return Measures(brightness, colours, flat_share, _kind(flat_share, len(exact) / n, coloured_share, brightness))


def _pixels(image: Image) -> Iterator[tuple[int, int, int]]:
    data = image.tobytes()
    return zip(data[0::3], data[1::3], data[2::3], strict=True)


def _kind(flat_share: float, distinct_share: float, coloured_share: float, brightness: float) -> str:
    """Rule: drawings have one background colour and few others; what is coloured on it tells a chart from a table."""
    is_grey = coloured_share < 0.003
    if flat_share == 1:
        return "nothing but one plain colour"
    if flat_share >= 0.3:
        return "a table or a page of text" if is_grey else "a chart or a drawing"
    if is_grey:
        return "a scanned page" if brightness > 0.6 else "a photograph in grey"
    return "a photograph" if distinct_share > 0.2 else "a drawing or a picture with few colours"
