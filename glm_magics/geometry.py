"""Boxes and points on a picture, kept relative to its size: what a model writes, and pixels, are computed on demand.

A GLM vision model writes ``[x1, y1, x2, y2]``: origin top left, x divided by the width, y by the height, times 1000
(source: the GLM-V repository). Because the scale is relative, resizing a picture before sending it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import TypeAlias

from .errors import InputError, one_line

MODEL_SCALE = 1000
"""GLM writes thousandths of the width and of the height."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box on one picture.

    Attributes:
        relative: ``(x1, y1, x2, y2)`` as fractions of the width and the height, 0 to 1, ``x1 < x2`` and ``y1 < y2``.
        width_px, height_px: the size of the upright picture.
        label: free text of a model or a user; empty when there is none.
        raw: the numbers as they were written; empty for a box that no text gave.
        span: from where to where it stands in the text, in characters; ``(0, 0)`` for a box that no text gave.
        image: which picture of the message it is for, from 0.
    """

    relative: tuple[float, float, float, float]
    width_px: int
    height_px: int
    label: str = ""
    raw: tuple[float, ...] = ()
    span: tuple[int, int] = (0, 0)
    image: int = 0

    @classmethod
    def from_xyxy(cls, xyxy: Sequence[float], width_px: int, height_px: int, label: str = "", image: int = 0) -> Box:
        """The box between two corners in pixels, in any order, cut to the picture.

        Raises:
            InputError: there are not four finite numbers, or nothing of the box is on the picture.
        """
        try:
            x1, y1, x2, y2 = (float(value) for value in xyxy)
            box = cls((x1 / width_px, y1 / height_px, x2 / width_px, y2 / height_px), width_px, height_px, label, image=image)
        except (TypeError, ValueError, ZeroDivisionError):
            box = None
        seen = visible(box) if box else None
        if isinstance(seen, cls):
            return seen
        raise InputError(
            f"There is no box at {one_line(str(xyxy), 80)} on a picture of {width_px} × {height_px} pixels.",
            "Give x1, y1, x2, y2 in pixels, with some area on the picture.",
        )

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """``(x1, y1, x2, y2)`` in pixels, not rounded."""
        x1, y1, x2, y2 = self.relative
        return x1 * self.width_px, y1 * self.height_px, x2 * self.width_px, y2 * self.height_px

    @property
    def thousandths(self) -> tuple[int, int, int, int]:
        """``(x1, y1, x2, y2)`` as a model writes it: whole numbers from 0 to 1000, half rounded up."""
        x1, y1, x2, y2 = (int(value * MODEL_SCALE + 0.5) for value in self.relative)
        return x1, y1, x2, y2


@dataclass(frozen=True, slots=True)
class Point:
    """A point on one picture; the attributes are those of `Box`, but `relative` is ``(x, y)``."""

    relative: tuple[float, float]
    width_px: int
    height_px: int
    label: str = ""
    raw: tuple[float, ...] = ()
    span: tuple[int, int] = (0, 0)
    image: int = 0

    @property
    def xy(self) -> tuple[float, float]:
        """``(x, y)`` in pixels, not rounded."""
        return self.relative[0] * self.width_px, self.relative[1] * self.height_px

    @property
    def thousandths(self) -> tuple[int, int]:
        """``(x, y)`` as a model writes it: whole numbers from 0 to 1000, half rounded up."""
        return int(self.relative[0] * MODEL_SCALE + 0.5), int(self.relative[1] * MODEL_SCALE + 0.5)


Shape: TypeAlias = Box | Point


def keep_visible(shapes: Iterable[Shape]) -> Iterator[Shape]:
    """The shapes as their picture shows them; left out are those of which nothing is visible."""
    return filter(None, map(visible, shapes))


def visible(shape: Shape) -> Shape | None:
    """A shape as its picture shows it: corners in order, a box cut at the edges.

    None for one outside of its picture, a box without area, numbers that are not finite, a picture without a size.
    """
    if shape.image < 0 or shape.width_px < 1 or shape.height_px < 1:
        return None
    if isinstance(shape, Point):
        x, y = shape.relative
        return shape if 0 <= x <= 1 and 0 <= y <= 1 else None
    corners = corners_seen(*shape.relative)
    if corners is None:
        return None
    return shape if corners == shape.relative else replace(shape, relative=corners)


def corners_seen(x1: float, y1: float, x2: float, y2: float) -> tuple[float, float, float, float] | None:
    """Relative corners in order and cut at the edges; None without area on the picture, or when one is not finite."""
    if 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1:
        return x1, y1, x2, y2
    if not all(map(isfinite, (x1, y1, x2, y2))):
        return None
    (x1, x2), (y1, y2) = (sorted(min(1.0, max(0.0, value)) for value in pair) for pair in ((x1, x2), (y1, y2)))
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def moved(shape: Shape, relative: tuple[float, ...]) -> Shape:
    """The same shape elsewhere; `relative` has as many numbers as its own."""
    if isinstance(shape, Box):
        x1, y1, x2, y2 = relative
        return replace(shape, relative=(x1, y1, x2, y2))
    x, y = relative
    return replace(shape, relative=(x, y))
