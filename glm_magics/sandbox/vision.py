"""Finding things in a photograph with classical vision: faces, and things of one colour.

Faces: scikit-image's cascade of local binary patterns (OpenCV's newer wheels ship no cascade detector). One pass finds
too much, so the picture is looked at in several sizes and mirrored, and only what most views agree on counts.
Colours: thresholds in HSV, and connected regions. Both work on a small copy; boxes are of the full picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from glm_magics.errors import MissingExtraError
from glm_magics.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

_FACE_PX = 480
_FACE_SCALES = (1.0, 0.875, 0.75, 0.625)
_FACE_VOTES = 5  # of two views per size; the wrong ones in common test photographs got at most three
_SAME_FACE_IOU = 0.3
_COLOUR_PX = 480
_MIN_REGION_SHARE = 0.003
_MAX_REGIONS = 12


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be looked for: its label, its name in a sentence, the words that ask for it, how it is found."""

    label: str
    things: str
    words: re.Pattern[str]
    find: Callable[[Image], list[Box]]


@dataclass(frozen=True, slots=True)
class _Colour:
    """A range of hues in degrees (it may pass 360), and the least saturation and value, and the largest value, 0 to 1."""

    name: str
    chinese: str
    hues: tuple[float, float]
    min_saturation: float = 0.45
    values: tuple[float, float] = (0.3, 1.0)


_COLOURS = (
    _Colour("red", "红", (342, 372)),
    _Colour("orange", "橙|橘", (12, 38), min_saturation=0.6, values=(0.6, 1.0)),
    _Colour("yellow", "黄", (40, 68)),
    _Colour("green", "绿", (70, 165), min_saturation=0.3, values=(0.2, 1.0)),
    _Colour("cyan", "青", (168, 195)),
    _Colour("blue", "蓝", (195, 255), values=(0.2, 1.0)),
    _Colour("purple", "紫", (255, 295), min_saturation=0.3),
    _Colour("pink", "粉", (295, 342), min_saturation=0.25, values=(0.5, 1.0)),
    _Colour("brown", "棕|褐|咖啡色", (10, 40), min_saturation=0.35, values=(0.15, 0.6)),
)


def require_vision() -> None:
    """Raise a sentence that names the extra, unless scikit-image is installed."""
    try:
        import skimage.feature  # noqa: F401
    except ImportError as error:
        raise MissingExtraError.naming(
            "sandbox", "Finding things in pictures needs scikit-image, which is not installed."
        ) from error


def find_faces(image: Image) -> list[Box]:
    """Frontal faces in an RGB picture, largest first."""
    groups: list[list[Box]] = []
    for box in _face_candidates(image):
        group = next((group for group in groups if _iou(group[0], box) > _SAME_FACE_IOU), None)
        if group is None:
            groups.append([box])
        else:
            group.append(box)
    faces = [_mean_box(group) for group in groups if len(group) >= _FACE_VOTES]
    return sorted(faces, key=_area, reverse=True)


def _face_candidates(image: Image) -> Iterator[Box]:
    """What the cascade takes for a face, in each size and mirrored; in pixels of the full picture."""
    import numpy as np
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    cascade: Any = Cascade(lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call, unused-ignore]
    longest_px = min(_FACE_PX, max(image.size))
    for view_scale in _FACE_SCALES:
        small = _shrunk(image, int(longest_px * view_scale))
        scale = image.width / small.width
        side = min(small.size)
        sizes = {"min_size": (max(24, side // 14),) * 2, "max_size": (side, side)}
        for is_mirrored in (False, True):
            pixels = np.ascontiguousarray(np.asarray(small)[:, ::-1] if is_mirrored else np.asarray(small))
            if side < 30:
                continue
            for hit in cascade.detect_multi_scale(img=pixels, scale_factor=1.25, step_ratio=1, **sizes):
                left = small.width - hit["c"] - hit["width"] if is_mirrored else hit["c"]
                right, bottom = left + hit["width"], hit["r"] + hit["height"]
                corners = left * scale, hit["r"] * scale, right * scale, bottom * scale
                yield Box.from_xyxy(corners, *image.size, "face")


def find_colour(image: Image, colour: _Colour) -> list[Box]:
    """Connected regions of one colour in an RGB picture, largest first; specks and thin noise are left out."""
    from skimage import measure, morphology

    tools: Any = morphology  # untyped
    small = _shrunk(image, _COLOUR_PX)
    scale = image.width / small.width
    mask = tools.closing(tools.opening(_mask(small, colour), tools.disk(1)), tools.disk(2))
    regions: list[Any] = measure.regionprops(measure.label(mask))  # type: ignore[no-untyped-call, unused-ignore]
    least = _MIN_REGION_SHARE * small.width * small.height
    large = sorted((region for region in regions if region.area >= least), key=lambda region: -region.area)
    edges = [[edge * scale for edge in region.bbox] for region in large[:_MAX_REGIONS]]
    return [Box.from_xyxy((left, top, right, bottom), *image.size, colour.name) for top, left, bottom, right in edges]


def _mask(image: Image, colour: _Colour) -> NDArray[Any]:
    """True where a pixel has the colour; shape (height, width)."""
    import numpy as np

    hue, saturation, value = np.moveaxis(np.asarray(image.convert("HSV"), dtype=np.float32) / 255, 2, 0)
    low, high = colour.hues
    degrees = (hue * 360 - low) % 360
    is_hue: NDArray[Any] = degrees < high - low
    is_strong: NDArray[Any] = (saturation >= colour.min_saturation) & (value >= colour.values[0]) & (value <= colour.values[1])
    mask: NDArray[Any] = is_hue & is_strong
    return mask


def _shrunk(image: Image, size_px: int) -> Image:
    small = image.copy()
    small.thumbnail((size_px, size_px))
    return small


def _area(box: Box) -> float:
    """The share of the picture, 0 to 1."""
    x1, y1, x2, y2 = box.relative
    return (x2 - x1) * (y2 - y1)


def _iou(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1."""
    width = min(a.relative[2], b.relative[2]) - max(a.relative[0], b.relative[0])
    height = min(a.relative[3], b.relative[3]) - max(a.relative[1], b.relative[1])
    overlap = max(0.0, width) * max(0.0, height)
    return overlap / (_area(a) + _area(b) - overlap)


def _mean_box(group: Sequence[Box]) -> Box:
    x1, y1, x2, y2 = (sum(sides) / len(group) for sides in zip(*(box.relative for box in group), strict=True))
    return replace(group[0], relative=(x1, y1, x2, y2))


def _colour_finder(colour: _Colour) -> Callable[[Image], list[Box]]:
    return lambda image: find_colour(image, colour)


TARGETS = (
    Target("face", "faces", re.compile(r"\b(faces?|heads?)\b|人脸|面孔|脸", re.IGNORECASE), find_faces),
    *(
        Target(
            colour.name,
            f"{colour.name} things",
            re.compile(rf"\b{colour.name}\b|{colour.chinese}", re.IGNORECASE),
            _colour_finder(colour),
        )
        for colour in _COLOURS
    ),
)
_ALL_COLOURS = re.compile(r"\bcolou?r(ed|ful|s)?\b|彩色|颜色", re.IGNORECASE)
_LOCATE = re.compile(
    r"\b(locate|find|detect|box(es)?|bounding|bbox\w*|where|point(ing)? (out|to)|pinpoint|ground(ing)?|mark|spot)\b"
    r"|\b(coordinates?|segment)\b"
    r"|定位|找|框|检测|哪里|哪儿|坐标|标出|标注|位置",
    re.IGNORECASE,
)


def is_locating(text: str) -> bool:
    """Whether a prompt asks where something is."""
    return bool(_LOCATE.search(text))


def targets_in(text: str) -> list[Target]:
    """What a prompt asks for, of what can be found; every colour when it says "coloured things" and names none."""
    named = [target for target in TARGETS if target.words.search(text)]
    if not named and _ALL_COLOURS.search(text):
        return [target for target in TARGETS if target.label != "face"]
    return named
