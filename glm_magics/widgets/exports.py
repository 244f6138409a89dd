"""The files that the page can have: one row per format, each made by `Boxes`, which the notebook uses too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from ..boxes import Boxes
from ..errors import InputError
from ..notes import collecting
from .stills import PAGE_SIDE_PX, Picture

_Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class File:
    """What the page copies or downloads; `note` is a sentence on what is not in it."""

    name: str
    mime: str
    data: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """One format: its name for people, and its texts by file name; None for the drawn picture."""

    name: str
    write: Callable[[Boxes, Sequence[str]], _Texts] | None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace").decode()


EXPORTS: dict[str, Export] = {
    "coco": Export("COCO", lambda boxes, names: {"boxes.coco.json": _json(boxes.to_coco(names))}),
    "yolo": Export("YOLO", lambda boxes, names: boxes.to_yolo(names)),
    "voc": Export("Pascal VOC", lambda boxes, names: boxes.to_voc(names)),
    "csv": Export("CSV", lambda boxes, names: {"boxes.csv": boxes.to_csv()}),
    "glm": Export("GLM JSON", lambda boxes, names: {"boxes.json": boxes.to_glm_json()}),
    "png": Export("PNG", None),
}
"""A format more is a row more."""


def make_file(format: str, boxes: Boxes, pictures: Sequence[Picture], image: int, is_copy: bool) -> File:
    """The file that was asked for: several texts of a download become a zip, of a copy one text.

    Args:
        format: a key of `EXPORTS`.
        boxes: those that are shown.
        pictures: all of the widget.
        image: the picture that the page shows, from 0; the PNG is of this one.
        is_copy: the text goes to the clipboard.

    Raises:
        InputError: no such format or picture.
        MediaError: the picture cannot be drawn any more.
    """
    export = EXPORTS.get(format)
    if export is None or not 0 <= image < len(pictures):
        raise InputError("There is no such export.", f"Choose one of {', '.join(EXPORTS)}.")
    if export.write is None:
        return _png(boxes, pictures, image)
    with collecting() as notes:
        texts = export.write(boxes, [picture.name for picture in pictures])
    note = str(notes[0]) if notes else "" if texts else "There are no boxes to write."
    if is_copy:
        return File(f"{format}.txt", "text/plain", _joined(texts).encode("utf-8", "replace"), note)
    if len(texts) == 1:
        (name, text), *_ = texts.items()
        return File(name, "text/plain", text.encode("utf-8", "replace"), note)
    return File(f"boxes-{format}.zip", "application/zip", _zip(texts), note)


def _joined(texts: _Texts) -> str:
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "\n".join(f"# {name}\n{text}" for name, text in texts.items())


def _zip(texts: _Texts) -> bytes:
    from zipfile import ZIP_DEFLATED, ZipFile

    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text.encode("utf-8", "replace"))
    return buffer.getvalue()


def _png(boxes: Boxes, pictures: Sequence[Picture], image: int) -> File:
    """The picture at its own size, a very large one reduced to twice what the page shows."""
    with collecting():
        drawn = boxes.draw(pictures[image].image, index=image, max_side_px=2 * PAGE_SIDE_PX)
    buffer = BytesIO()
    drawn.save(buffer, "PNG", compress_level=4)
    return File(f"{pictures[image].name.rsplit('.', 1)[0]}-boxes.png", "image/png", buffer.getvalue())
