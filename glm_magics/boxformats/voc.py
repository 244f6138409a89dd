"""Pascal VOC: an XML file per picture, corners in whole pixels counted from 1, the last ones included.

Writing adds 1 to the left and the top, reading takes it off, as the original data and common writers have it: a box over the
whole of a picture of 640 × 480 pixels is 1, 1, 640, 480.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from glm_magics.geometry import Box, Shape, keep_visible

from .naming import boxes_of, checked_size, picture_names, picture_numbers, reading, text_names, writable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_voc(shapes: Iterable[Shape], file_names: Sequence[str] | None = None) -> dict[str, str]:
    """The boxes as XML texts by file name, one for each picture that has boxes; letters that XML cannot hold become U+FFFD.

    Raises:
        InputError: a picture is not named, or two names differ only in what follows the dot.
    """
    boxes = boxes_of(shapes, "Pascal VOC")
    by_image: dict[int, list[Box]] = {}
    for box in boxes:
        by_image.setdefault(box.image, []).append(box)
    names = picture_names(boxes, file_names)
    texts = text_names(names, ".xml")
    return {texts[image]: _write(names[image], by_image[image]) for image in sorted(by_image)}


def _write(file_name: str, boxes: Sequence[Box]) -> str:
    from xml.etree.ElementTree import Element, indent, tostring

    root = Element("annotation")
    _add(root, "filename", file_name)
    size = _add(root, "size")
    for tag, value in (("width", boxes[0].width_px), ("height", boxes[0].height_px), ("depth", 3)):
        _add(size, tag, str(value))
    for box in boxes:
        thing = _add(root, "object")
        _add(thing, "name", box.label)
        _add(thing, "difficult", "0")
        corners = _add(thing, "bndbox")
        x1, y1, x2, y2 = box.xyxy
        (left, right), (top, bottom) = _whole(x1, x2), _whole(y1, y2)
        for tag, value in (("xmin", left + 1), ("ymin", top + 1), ("xmax", right), ("ymax", bottom)):
            _add(corners, tag, str(value))
    indent(root)
    return tostring(root, encoding="unicode").replace("\r", "&#13;")


def _add(parent: Element, tag: str, text: str = "") -> Element:
    from xml.etree.ElementTree import SubElement

    child = SubElement(parent, tag)
    child.text = _NOT_IN_XML.sub("\ufffd", writable(text)) or None
    return child


def _whole(low: float, high: float) -> tuple[int, int]:
    """Both ends rounded half up; a pixel that holds them when they would fall together."""
    start, end = int(low + 0.5), int(high + 0.5)
    return (start, end) if start < end else (int(low), int(low) + 1)


def from_voc(files: Mapping[str, str], file_names: Sequence[str] | None = None) -> tuple[Shape, ...]:
    """The boxes of XML texts by file name.

    Args:
        files: the text of each file by its name.
        file_names: the pictures in your order; without it they are numbered as in `files`.

    Raises:
        InputError: XML that is damaged or declares entities, no VOC, or a picture that is not in `file_names`.
    """
    with reading("These VOC files", "Give the XML texts by their file names; each has a size and its objects."):
        roots = [_parse(text) for text in files.values()]
        names = [_text(root, "filename") for root in roots]
        numbers = picture_numbers(names, file_names)
        found = []
        for root, name in zip(roots, names, strict=True):
            width_px, height_px = checked_size(_text(root, "size/width"), _text(root, "size/height"))
            for thing in root.iter("object"):
                x1, y1, x2, y2 = (float(_text(thing, f"bndbox/{tag}")) for tag in ("xmin", "ymin", "xmax", "ymax"))
                relative = (x1 - 1) / width_px, (y1 - 1) / height_px, x2 / width_px, y2 / height_px
                found.append(Box(relative, width_px, height_px, thing.findtext("name") or "", image=numbers[name]))
        return tuple(keep_visible(found))


def _parse(text: str) -> Element:
    """The root; no declarations are read, so that no entity can grow or reach for a file."""
    from xml.etree.ElementTree import ParseError, fromstring

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it declares a document type")
    try:
        return fromstring(text)
    except ParseError as error:
        raise ValueError(f"it is damaged ({error})") from error


def _text(node: Element, path: str) -> str:
    text = node.findtext(path)
    if text is None:
        raise KeyError(path)
    return text
