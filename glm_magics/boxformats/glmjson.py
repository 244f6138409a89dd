"""What GLM itself writes when it is asked for JSON, so that a box can go back into a prompt.

``[{"label": "cat", "bbox_2d": [15, 40, 70, 220]}]`` in thousandths, 0 to 999 (source: the vendor's guide and its drawing code,
which clamps to 999); points are ``"point_2d"``. Several pictures are told by ``"image"``, from 1, as the model counts them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from glm_magics.geometry import MODEL_SCALE, Box, Point, Shape, keep_visible

from .naming import Sizes, reading, size_of, writable

_LAST = MODEL_SCALE - 1


def to_glm_json(shapes: Iterable[Shape]) -> str:
    """The shapes as GLM writes them, on one line; `image` is there only when several pictures are."""
    visible = list(keep_visible(shapes))
    has_images = any(shape.image for shape in visible)
    return json.dumps([_row(shape, has_images) for shape in visible], ensure_ascii=False)


def _row(shape: Shape, has_images: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"image": shape.image + 1} if has_images else {}
    if shape.label:
        row["label"] = writable(shape.label)
    if isinstance(shape, Point):
        return {**row, "point_2d": [min(value, _LAST) for value in shape.thousandths]}
    x1, y1, x2, y2 = shape.thousandths
    (x1, x2), (y1, y2) = _apart(x1, x2), _apart(y1, y2)
    return {**row, "bbox_2d": [x1, y1, x2, y2]}


def _apart(low: int, high: int) -> tuple[int, int]:
    """Both within 0 to 999, and never equal: a box without area is read as none."""
    low = min(low, _LAST - 1)
    return low, max(low + 1, min(high, _LAST))


def from_glm_json(text: str, sizes: Sizes) -> tuple[Shape, ...]:
    """The shapes of strict JSON as `to_glm_json` writes it; for a model's answer, which may be anything, use `parse_boxes`.

    Args:
        text: a list of objects with ``bbox_2d`` or ``point_2d``.
        sizes: ``(width_px, height_px)`` of every picture, or a list with the size of each.

    Raises:
        InputError: something else, or a picture without a size.
    """
    with reading("This JSON", 'It is a list of {"label": …, "bbox_2d": [x1, y1, x2, y2]}; a model\'s answer is for parse_boxes.'):
        return tuple(keep_visible([_read_row(row, sizes) for row in json.loads(text)]))


def _read_row(row: dict[str, Any], sizes: Sizes) -> Shape:
    image, label = int(row.get("image", 1)) - 1, str(row.get("label", ""))
    size = size_of(sizes, image)
    if "point_2d" in row:
        x, y = (float(value) / MODEL_SCALE for value in row["point_2d"])
        return Point((x, y), *size, label, tuple(row["point_2d"]), image=image)
    x1, y1, x2, y2 = (float(value) / MODEL_SCALE for value in row["bbox_2d"])
    return Box((x1, y1, x2, y2), *size, label, tuple(row["bbox_2d"]), image=image)
