"""supervision's ``Detections``: corners in pixels as an array, the labels beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from glm_magics.errors import MissingExtraError
from glm_magics.geometry import Box, Shape, keep_visible

from .naming import Sizes, boxes_of, reading, size_of


def to_supervision(shapes: Iterable[Shape]) -> Any:
    """The boxes as ``supervision.Detections`` of shape (n, 4); labels in ``data["class_name"]``, pictures in ``data["image"]``.

    GLM gives no confidence, so there is none.

    Raises:
        MissingExtraError: supervision is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise MissingExtraError("supervision is not installed.", "Install it with `pip install supervision`.") from error
    import numpy as np

    boxes = boxes_of(shapes, "supervision")
    places = {label: n for n, label in enumerate(sorted({box.label for box in boxes}))}
    return supervision.Detections(
        xyxy=np.array([box.xyxy for box in boxes], dtype=np.float64).reshape(-1, 4),
        class_id=np.array([places[box.label] for box in boxes], dtype=int),
        data={
            "class_name": np.array([box.label for box in boxes], dtype=object),  # texts of numpy lose final NULs
            "image": np.array([box.image for box in boxes], dtype=int),
        },
    )


def from_supervision(detections: Any, sizes: Sizes) -> tuple[Shape, ...]:
    """The boxes of ``supervision.Detections``; without names the number of the class is the label.

    Args:
        detections: of one picture, or of several with their numbers in ``data["image"]``.
        sizes: ``(width_px, height_px)`` of every picture, or a list with the size of each.

    Raises:
        InputError: no detections, or a picture without a size.
    """
    with reading("These detections", "Give supervision.Detections and the size of the picture: (width_px, height_px)."):
        n_boxes = len(detections.xyxy)
        images = detections.data.get("image", [0] * n_boxes)
        numbers = [""] * n_boxes if detections.class_id is None else detections.class_id
        labels = detections.data.get("class_name", numbers)
        found = []
        for xyxy, label, image in zip(detections.xyxy, labels, images, strict=True):
            x1, y1, x2, y2 = map(float, xyxy)
            width_px, height_px = size_of(sizes, int(image))
            relative = x1 / width_px, y1 / height_px, x2 / width_px, y2 / height_px
            found.append(Box(relative, width_px, height_px, str(label), image=int(image)))
        return tuple(keep_visible(found))
