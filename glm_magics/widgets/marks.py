"""The boxes that a page shows and edits: their identity, their changes, and the rows in which they travel.

The page changes nothing by itself: it asks for changes, which are made here, and shows what comes back.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from ..boxcolours import styles_of
from ..boxlabels import label_text
from ..geometry import Box, Point, Shape, keep_visible, moved

MAX_MARKS = 20_000
"""More than this no page shows; what would go beyond is not added."""

MAX_LABEL_CHARS = 5000


@dataclass(frozen=True, slots=True)
class Mark:
    """A shape with a name of its own, so that it can be changed.

    Attributes:
        id: unlike every other one's.
        shape: where it is.
        asked: the number of the question that gave it, in the order of asking.
        is_edited: a person has changed, made or deleted it.
        is_deleted: it is not to be seen; it keeps its place in the order, so that an undone deletion changes nothing else.
    """

    id: str
    shape: Shape
    asked: int
    is_edited: bool = False
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Add:
    """A new box, the last in the order; `relative` as in `Box`."""

    id: str
    image: int
    relative: tuple[float, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Alter:
    """Another place, another label; None leaves it."""

    id: str
    relative: tuple[float, ...] | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Away with it."""

    id: str


Change: TypeAlias = Add | Alter | Delete
Marks: TypeAlias = Mapping[str, Mark]
"""All marks by their id, in order, deleted ones too."""


def clean(text: str) -> str:
    """Foreign text that can be sent: half characters, which no encoding takes, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def apply(marks: Marks, changes: Iterable[Change], sizes: Sequence[tuple[int, int]], by_hand: Mapping[int, int]) -> Marks:
    """The marks after the changes; what makes no sense is left out: no area, no such picture, an unknown or a used id.

    Args:
        marks: those before.
        changes: in the order in which they were made.
        sizes: ``(width_px, height_px)`` of every picture.
        by_hand: the question number that a new box gets, by its picture.
    """
    now = dict(marks)
    for change in changes:
        mark = now.get(change.id)
        if isinstance(change, Add):
            if not mark and len(now) < MAX_MARKS and 0 <= change.image < len(sizes):
                mark = _added(change, sizes[change.image], by_hand[change.image])
                now |= {change.id: mark} if mark else {}
        elif mark and not mark.is_deleted:
            if isinstance(change, Delete):
                now[change.id] = replace(mark, is_edited=True, is_deleted=True)
            elif altered := _altered(mark, change.relative, change.label):
                now[change.id] = altered
    return now


def _added(add: Add, size: tuple[int, int], by_hand: int) -> Mark | None:
    if len(add.relative) != 4:
        return None
    x1, y1, x2, y2 = add.relative
    box = next(keep_visible([Box((x1, y1, x2, y2), *size, add.label[:MAX_LABEL_CHARS], image=add.image)]), None)
    return Mark(add.id, box, by_hand, is_edited=True) if box else None


def _altered(mark: Mark, relative: tuple[float, ...] | None, label: str | None) -> Mark | None:
    """None when nothing of it would be left on the picture."""
    shape = mark.shape
    if relative is not None:
        if len(relative) != len(shape.relative):
            return None
        shape = replace(moved(shape, relative), raw=())
    if label is not None:
        shape = replace(shape, label=label[:MAX_LABEL_CHARS])
    visible = next(keep_visible([shape]), None)
    return replace(mark, shape=visible, is_edited=mark.is_edited or visible != mark.shape) if visible else None


def merge(marks: Marks, found: Sequence[Shape], asked: int, known: Container[int] = ()) -> Marks:
    """The marks with those of question `asked` as its answer gives them now; what a person changed or deleted stays so.

    Args:
        marks: those before.
        found: the shapes of the answer.
        asked: the number of the question.
        known: places in `found` of those that are there already.
    """
    fresh = {f"a{asked}-{n}": Mark(f"a{asked}-{n}", shape, asked) for n, shape in enumerate(found) if n not in known}
    now: dict[str, Mark] = {}
    for mark in marks.values():
        if mark.asked != asked or mark.is_edited:
            now[mark.id] = mark
        elif mark.id in fresh:
            now[mark.id] = mark if mark.shape == fresh[mark.id].shape else fresh[mark.id]
    for mark in fresh.values():
        if len(now) < MAX_MARKS:
            now.setdefault(mark.id, mark)
    return now


def to_rows(
    marks: Sequence[Mark], also: Mapping[str, Sequence[tuple[int, int, int]]] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """What the page is given: numbers, colours and short labels are decided here, so that all places show the same.

    Args:
        marks: those to show.
        also: by id: ``(question, start, end)`` of the words of later answers that name the same thing again.
    """
    styles = styles_of([mark.shape for mark in marks])
    return [
        {
            "id": mark.id,
            "kind": "point" if isinstance(mark.shape, Point) else "box",
            "image": mark.shape.image,
            "label": clean(mark.shape.label),
            "tag": label_text(mark.shape.label),
            "relative": [round(value, 6) for value in mark.shape.relative],
            "asked": mark.asked,
            "is_edited": mark.is_edited,
            "span": list(mark.shape.span),
            "also": [list(words) for words in also.get(mark.id, ())],
            "number": number,
            "colour": style.css,
            "ink": style.ink_css,
            "dash": list(style.dash),
        }
        for number, (mark, style) in enumerate(zip(marks, styles, strict=True), 1)
    ]
