"""Bounding boxes and their two spaces: pixels of a picture, and the models' thousandths of its width and height.

A GLM vision model writes ``[x1, y1, x2, y2]``: origin top left, x divided by the width, y by the height, times 1000
(source: the GLM-V repository). Because the scale is relative, resizing a picture before sending it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A labelled box in pixels, ``x1 <= x2`` and ``y1 <= y2``; `label` is free text."""

    x1: float
    y1: float
    x2: float
    y2: float
    label: str = ""

    def to_thousandths(self, width_px: int, height_px: int) -> tuple[int, int, int, int]:
        """``(x1, y1, x2, y2)`` as a model writes it for a picture of this size: whole numbers from 0 to 1000."""

        def scale(value_px: float, size_px: int) -> int:
            return min(1000, max(0, int(value_px * 1000 / size_px + 0.5)))

        return scale(self.x1, width_px), scale(self.y1, height_px), scale(self.x2, width_px), scale(self.y2, height_px)
