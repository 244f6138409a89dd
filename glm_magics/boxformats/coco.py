"""COCO: one dictionary for all pictures, ``bbox`` is ``[x, y, width, height]`` in pixels from the top left corner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from glm_magics.geometry import Box, Shape, keep_visible

from .naming import boxes_of, checked_size, picture_names, picture_numbers, reading, writable


def to_coco(shapes: Iterable[Shape], file_names: Sequence[str] | None = None) -> dict[str, Any]:
    """The boxes as a COCO dictionary, fit for ``json.dump``; ids count from 1, categories are in order of their names.

    Raises:
        InputError: a picture is not named.
    """
    boxes = boxes_of(shapes, "COCO")
    names = picture_names(boxes, file_names)
    sizes = {box.image: (box.width_px, box.height_px) for box in boxes}
    categories = {label: n for n, label in enumerate(sorted({writable(box.label) for box in boxes}), 1)}
    return {
        "images": [
            {"id": image + 1, "file_name": names[image], "width": width_px, "height": height_px}
            for image, (width_px, height_px) in sorted(sizes.items())
        ],
        "categories": [{"id": n, "name": label} for label, n in categories.items()],
        "annotations": [_annotation(n, box, categories[writable(box.label)]) for n, box in enumerate(boxes, 1)],
    }


def _annotation(number: int, box: Box, category: int) -> dict[str, Any]:
    x1, y1, x2, y2 = box.xyxy
    return {
        "id": number,
        "image_id": box.image + 1,
        "category_id": category,
        "bbox": [round(value, 3) for value in (x1, y1, x2 - x1, y2 - y1)],
        "area": round((x2 - x1) * (y2 - y1), 3),
        "iscrowd": 0,
    }


def from_coco(coco: Mapping[str, Any], file_names: Sequence[str] | None = None) -> tuple[Shape, ...]:
    """The boxes of a COCO dictionary; annotations without a ``bbox`` are left out.

    Args:
        coco: what ``json.load`` gives.
        file_names: the pictures in your order; without it they are numbered as in the file.

    Raises:
        InputError: no such dictionary, or a picture that is not in `file_names`.
    """
    with reading("This COCO dictionary", 'It needs "images", "annotations" and "categories", as json.load gives them.'):
        images = {image["id"]: image for image in coco["images"]}
        numbers = picture_numbers([str(image["file_name"]) for image in images.values()], file_names)
        labels = {category["id"]: str(category["name"]) for category in coco.get("categories", ())}
        found = []
        for annotation in coco["annotations"]:
            image = images[annotation["image_id"]]
            width_px, height_px = checked_size(image["width"], image["height"])
            if annotation.get("bbox"):
                x, y, width, height = map(float, annotation["bbox"])
                relative = x / width_px, y / height_px, (x + width) / width_px, (y + height) / height_px
                label = labels.get(annotation.get("category_id"), "")
                found.append(Box(relative, width_px, height_px, label, image=numbers[str(image["file_name"])]))
        return tuple(keep_visible(found))
