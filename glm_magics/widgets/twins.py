"""Boxes of an answer that are there already: the same label at nearly the same place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice

from ..geometry import Box, Shape
from .marks import Mark

MIN_OVERLAP = 0.9
"""Intersection over union from which two boxes with one label are one thing."""

POINT_REACH = 0.01
"""Two points with one label that are no further apart, in shares of the width and of the height, are one."""


def find_twins(found: Sequence[Shape], there: Iterable[Mark]) -> dict[int, str]:
    """The id of a mark for each place in `found` whose shape is there already."""
    by_name: dict[tuple[object, ...], list[tuple[float, str, Shape]]] = {}
    for mark in there:
        by_name.setdefault(_name(mark.shape), []).append((mark.shape.relative[0], mark.id, mark.shape))
    for marks in by_name.values():
        marks.sort(key=lambda one: one[:2])
    twins: dict[int, str] = {}
    for place, shape in enumerate(found):
        if twin := _nearest(shape, by_name.get(_name(shape), ())):
            twins[place] = twin
    return twins


def _name(shape: Shape) -> tuple[object, ...]:
    return type(shape), shape.image, " ".join(shape.label.split()).casefold()


def _nearest(shape: Shape, marks: Sequence[tuple[float, str, Shape]]) -> str:
    """The id of the likest mark, empty when none is like it; only those that begin near it on the left are looked at."""
    reach = (shape.relative[2] - shape.relative[0]) * (1 / MIN_OVERLAP - 1) if isinstance(shape, Box) else POINT_REACH
    best, best_id = 0.0, ""
    for x1, mark_id, other in islice(marks, bisect_left(marks, shape.relative[0] - reach - 1e-9, key=lambda one: one[0]), None):
        if x1 > shape.relative[0] + reach + 1e-9:
            break
        if (likeness := _likeness(shape, other)) > best:
            best, best_id = likeness, mark_id
    return best_id


def _likeness(one: Shape, other: Shape) -> float:
    """Above 0 for the same thing."""
    if isinstance(one, Box) and isinstance(other, Box):
        overlap = overlap_of(one, other)
        return overlap if overlap >= MIN_OVERLAP else 0.0
    distance = max(abs(a - b) for a, b in zip(one.relative, other.relative, strict=True))
    return 1 - distance if distance <= POINT_REACH else 0.0


def overlap_of(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    ax1, ay1, ax2, ay2 = one.relative
    bx1, by1, bx2, by2 = other.relative
    shared = max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))
    whole = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared
    return shared / whole if whole > 0 else 0.0
