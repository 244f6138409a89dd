"""The boxes that a page shows and edits: their identity, their changes, and the rows in which they travel.

The page changes nothing by itself: it asks for changes, which are made here, and shows what comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
        is_edited: a person has changed or made it.
    """

    id: str
    shape: Shape
    asked: int
    is_edited: bool = False


@dataclass(frozen=True, slots=True)
class Add:
    """A new box, or one that was deleted again; `relative` as in `Box`, `at` its place in the order."""

    id: str
    image: int
    relative: tuple[float, ...]
    label: str
    at: int


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
Marks: TypeAlias = tuple[Mark, ...]


def clean(text: str) -> str:
    """Foreign text that can be sent: half characters, which no encoding takes, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def apply(
    marks: Marks,
    changes: Iterable[Change],
    sizes: Sequence[tuple[int, int]],
    by_hand: Mapping[int, int],
    deleted: dict[str, Mark],
) -> Marks:
    """The marks after the changes; what makes no sense is left out: no area, no such picture, an unknown or a used id.

    Args:
        marks: those before.
        changes: in the order in which they were made.
        sizes: ``(width_px, height_px)`` of every picture.
        by_hand: the question number that a new box gets, by its picture.
        deleted: those that were deleted, by id; changed here, so that an undone deletion gives back the same mark.
    """
    now = {mark.id: mark for mark in marks}
    for change in changes:
        if isinstance(change, Add):
            if change.id in now or len(now) >= MAX_MARKS or not 0 <= change.image < len(sizes):
                continue
            if added := _added(change, sizes[change.image], by_hand[change.image], deleted):
                items = list(now.items())
                items.insert(change.at, (added.id, added))
                now = dict(items)
        elif mark := now.get(change.id):
            if isinstance(change, Delete):
                deleted[change.id] = now.pop(change.id)
            elif altered := _altered(mark, change.relative, change.label):
                now[change.id] = altered
    return tuple(now.values())


def _added(add: Add, size: tuple[int, int], by_hand: int, deleted: dict[str, Mark]) -> Mark | None:
    if before := deleted.pop(add.id, None):
        return _altered(before, add.relative, add.label)
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


def merge(marks: Marks, found: Sequence[Shape], asked: int, deleted: dict[str, Mark]) -> Marks:
    """The marks with those of question `asked` as its answer gives them now; what a person changed or deleted stays so."""
    mine = {mark.id: mark for mark in marks if mark.asked == asked}
    fresh: dict[str, Mark] = {}
    for place, shape in enumerate(found):
        mark_id = f"a{asked}-{place}"
        before = mine.pop(mark_id, None)
        if mark_id not in deleted:
            fresh[mark_id] = before if before and before.is_edited else Mark(mark_id, shape, asked)
    others = [mark for mark in marks if mark.asked != asked]
    touched = [mark for mark in mine.values() if mark.is_edited]
    return tuple([*others, *fresh.values(), *touched])[:MAX_MARKS]


def to_rows(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """What the page is given: numbers, colours and short labels are decided here, so that all places show the same."""
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
            "number": number,
            "colour": style.css,
            "ink": style.ink_css,
            "dash": list(style.dash),
        }
        for number, (mark, style) in enumerate(zip(marks, styles, strict=True), 1)
    ]
