"""A picture as a person sees it: upright, 8-bit RGB, transparency on white, colours in sRGB."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""By EXIF's orientation: what puts the picture upright."""

_SCALABLE = ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr")


def find_orientation(image: Image) -> int:
    """EXIF's orientation, 1 to 8; 1, upright, where there is none or a broken one."""
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) and value in _TURNS else 1


def to_rgb(image: Image, max_pixels: int | None = None, is_ours: bool = False) -> Image:
    """The picture as a person sees it: upright (EXIF), the frame it stands at, 8-bit RGB in sRGB, transparency on white.

    Args:
        image: in any mode; it stays as it is.
        max_pixels: shrunk to as many, before all else where that is cheaper.
        is_ours: not needed any more once it is shrunk, and closed then, so that its memory is free for the steps that follow.
    """
    from PIL.Image import Transpose

    image.load()
    turn, profile = _TURNS.get(find_orientation(image)), find_odd_profile(image)
    if max_pixels and image.mode in _SCALABLE and "transparency" not in image.info:
        small = shrink(image, max_pixels)
        if is_ours and small is not image:
            image.close()
        image = small
    image = _flatten(_to_srgb(image, profile) if profile else image)
    image = shrink(image, max_pixels) if max_pixels else image
    return image.transpose(Transpose[turn]) if turn else image


def shrink(image: Image, max_pixels: int) -> Image:
    """The picture with at most so many pixels, its sides in proportion; itself where it has no more."""
    from PIL import Image as images

    if image.width * image.height <= max_pixels:
        return image
    scale = (max_pixels / (image.width * image.height)) ** 0.5
    width_px, height_px = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    if image.mode not in _BANDED or height_px <= _BAND_PX:
        return image.resize((width_px, height_px), images.Resampling.HAMMING)
    small = images.new(image.mode, (width_px, height_px))
    for top in range(0, height_px, _BAND_PX):
        small.paste(_shrink_band(image, small.size, top, min(top + _BAND_PX, height_px)), (0, top))
    small.info = {key: image.info[key] for key in ("icc_profile", "transparency") if key in image.info}
    return small


_BANDED = ("L", "RGB", "CMYK", "YCbCr")
_BAND_PX, _EDGE_PX = 256, 4
"""In bands, as what Pillow keeps between its two passes is otherwise as large as a photo; with edges, which the filter reads."""


def _shrink_band(image: Image, size: tuple[int, int], top: int, bottom: int) -> Image:
    from PIL.Image import Resampling

    first, last = max(0, top - _EDGE_PX), min(size[1], bottom + _EDGE_PX)
    box = (0.0, first * image.height / size[1], float(image.width), last * image.height / size[1])
    band = image.resize((size[0], last - first), Resampling.HAMMING, box=box)
    return band.crop((0, top - first, size[0], bottom - first))


def _flatten(image: Image) -> Image:
    from PIL import Image as images

    if image.mode.startswith("I") or image.mode == "F":
        return _stretch_grey(image)
    if image.mode == "LAB":
        return _from_lab(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        with_alpha = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        white = images.new("RGBA", with_alpha.size, "white")
        return images.alpha_composite(white, with_alpha).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


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


_CMS_MODES = {"RGB": "RGB", "CMYK": "CMYK"}


def find_odd_profile(image: Image) -> Any:
    """The picture's colour profile where its colours would look wrong without; None for sRGB, its kin P3, and none.

    What reads the picture at the vendor's is taken to ignore profiles, as Pillow's ``convert`` does. A phone's Display P3 without
    its profile is a shade duller, no more, and is left as it is; Adobe RGB, ProPhoto and print are not.
    """
    packed = image.info.get("icc_profile")
    if not packed:
        return None
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(packed))
        space = profile.profile.xcolor_space.strip()
        is_kin = any(word in ImageCms.getProfileDescription(profile) for word in ("sRGB", "P3"))
    except Exception:  # a damaged profile is as good as none
        return None
    return profile if not is_kin and space in _CMS_MODES and _CMS_MODES[space] == image.mode else None


def _to_srgb(image: Image, profile: Any) -> Image:
    from PIL import ImageCms

    try:
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:  # a profile without the tables for this direction
        return image
    assert converted is not None
    return converted
