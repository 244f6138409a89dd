"""Where the labels of boxes go: in the frame, near their box, never over one another; and what of a foreign label is shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .glyphs import Pen

MAX_LABEL_CHARS = 40
CELL_PX = 2
TINY_PX = 12
"""The label of a box with both sides shorter than this stands apart, with a leader."""

_READ_CHARS, _MAX_MARKS = 5000, 3
_JOINERS = "\u200c\u200d"

Rect = tuple[int, int, int, int]
"""``(left, top, right, bottom)`` in pixels, right and bottom not included."""


def label_text(label: str, max_chars: int = MAX_LABEL_CHARS) -> str:
    """A foreign label on one line: no controls, nothing that turns the direction of the text, few marks per letter, cut."""
    kept: list[str] = []
    n_marks = 0
    for letter in " ".join(label[:_READ_CHARS].split()):
        category = unicodedata.category(letter)
        n_marks = n_marks + 1 if category in ("Mn", "Me") else 0
        if (category in ("Cc", "Cf") and letter not in _JOINERS) or n_marks > _MAX_MARKS:
            continue
        kept.append("\ufffd" if category == "Cs" else letter)
        if len(kept) > max_chars:
            return cut("".join(kept), max_chars)
    return "".join(kept).strip()


def cut(text: str, max_chars: int) -> str:
    """The first letters and an ellipsis."""
    return text[: max(0, max_chars - 1)].rstrip(_JOINERS + " ") + "…"


def drawable_texts(texts: Iterable[str], pen: Pen) -> tuple[set[str], list[str]]:
    """``(the texts that the pen can write, the letters that keep it from the others)``."""
    good, unknown = set(texts), set[str]()
    while missing := set(pen.learn(sorted(good))):
        unknown |= missing
        good = {text for text in good if missing.isdisjoint(text)}
    return good, sorted(unknown)


def fit_width(text: str, pen: Pen, width_px: int) -> str:
    """As much of a text as is no wider; empty when that is less than a few letters. The pen must know its letters."""
    while text and pen.width_px(text) > width_px:
        keep = min(len(text) - 2, int(len(text) * width_px / pen.width_px(text)))
        text = cut(text, keep) if keep > 3 else ""
        if text and pen.learn([text]):
            return ""
    return text


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a label belongs to.

    Attributes:
        rect: the box, or the square around a point.
        is_point: True for a point.
    """

    rect: Rect
    is_point: bool = False

    def is_shorter_than(self, side_px: int) -> bool:
        """True when both sides are: a label would hide it."""
        left, top, right, bottom = self.rect
        return right - left < side_px and bottom - top < side_px

    def spots(self, width_px: int, height_px: int, n_rings: int) -> Iterator[tuple[int, int]]:
        """Left top corners for a label of this size, the best first."""
        left, top, right, bottom = self.rect
        if not self.is_point and not self.is_shorter_than(TINY_PX):
            yield left, top - height_px
            if right - left >= width_px and bottom - top >= 2 * height_px:
                yield left, top
            yield left, bottom
            yield from ((right - width_px, top - height_px), (right - width_px, bottom))
            yield from ((right, top), (left - width_px, top), (right, bottom - height_px), (left - width_px, bottom - height_px))
            if right - left >= width_px and bottom - top >= 3 * height_px:
                yield from ((right - width_px, top), (left, bottom - height_px), (right - width_px, bottom - height_px))
        middle = (left + right - width_px) // 2, (top + bottom - height_px) // 2
        away = (right - left + width_px) // 2, (bottom - top + height_px) // 2
        for ring in range(1, n_rings + 1):
            gap = ring * height_px * (ring + 1) // 3
            for dx, dy in _DIRECTIONS:
                yield middle[0] + dx * (away[0] + gap), middle[1] + dy * (away[1] + gap)

    def places_inside(self, width_px: int, height_px: int) -> Iterator[tuple[int, int]]:
        """Left top corners for labels of this size in columns along the left edge: for boxes that lie on one another."""
        left, top, right, bottom = self.rect
        across, down = width_px + width_px % CELL_PX, height_px + height_px % CELL_PX  # else neighbours share a cell
        for x in range(left, min(right - width_px, left + (_MAX_COLUMNS - 1) * across) + 1, across):
            for y in range(top, bottom - height_px + 1, down):
                yield x, y

    def distance_to(self, rect: Rect) -> tuple[tuple[int, int], tuple[int, int], int]:
        """``(nearest place of this, nearest place of the other, pixels between them)``, for a leader."""
        (x1, x2), (y1, y2) = (_nearest(self.rect[i::2], rect[i::2]) for i in (0, 1))
        return (x1, y1), (x2, y2), max(abs(x1 - x2), abs(y1 - y2))


_MAX_COLUMNS = 8
_DIRECTIONS = ((1, -1), (1, 0), (0, -1), (-1, -1), (1, 1), (0, 1), (-1, 0), (-1, 1))


def _nearest(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, int]:
    """The nearest places of two intervals of pixels; the middle of what they share when they meet."""
    low, high = max(one[0], other[0]), min(one[1], other[1]) - 1
    if low <= high:
        return (low + high) // 2, (low + high) // 2
    return (one[1] - 1, other[0]) if one[0] < other[0] else (one[0], other[1] - 1)


class FreeSpace:
    """What of a picture is still free for labels, in cells of some pixels: no label covers another, few cover a small box."""

    def __init__(self, width_px: int, height_px: int, cell_px: int = CELL_PX) -> None:
        import numpy as np

        self._size = width_px, height_px
        self._cell_px = cell_px
        self._taken: Any = np.zeros((height_px // cell_px + 1, width_px // cell_px + 1), dtype=np.uint8)

    def mark(self, rect: Rect) -> None:
        """Labels go elsewhere, if they can."""
        left, top, right, bottom = (max(0, edge) for edge in rect)
        cell = self._cell_px
        self._taken[-(-top // cell) : bottom // cell, -(-left // cell) : right // cell] = _MARKED

    def find(self, spots: Iterable[tuple[int, int]], width_px: int, height_px: int, may_cover: bool = False) -> Rect | None:
        """The first spot where a label of this size is free, moved sideways into the frame; it is taken from then on.

        With `may_cover` it is free where something is only marked.
        """
        last_x, last_y = self._size[0] - width_px, self._size[1] - height_px
        if last_x < 0 or last_y < 0:
            return None
        least = _TAKEN if may_cover else _MARKED
        cell = self._cell_px
        for x, y in spots:
            if not 0 <= y <= last_y:
                continue
            x = min(max(0, x), last_x)
            cells = self._taken[y // cell : -(-(y + height_px) // cell), x // cell : -(-(x + width_px) // cell)]
            if cells.max() < least:
                cells[:] = _TAKEN
                return x, y, x + width_px, y + height_px
        return None


_MARKED, _TAKEN = 1, 2
