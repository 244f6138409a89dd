"""Boxes in pixels and in the models' thousandths."""

from __future__ import annotations

import pytest

from glm_magics.boxes import PixelBox


@pytest.mark.parametrize(
    ("box", "size", "thousandths"),
    [
        pytest.param(PixelBox(0, 0, 640, 480), (640, 480), (0, 0, 1000, 1000), id="whole-picture"),
        pytest.param(PixelBox(64, 48, 320, 240), (640, 480), (100, 100, 500, 500), id="scaled-by-each-side"),
        pytest.param(PixelBox(-5, -5, 900, 900), (640, 480), (0, 0, 1000, 1000), id="outside-is-cut"),
        pytest.param(PixelBox(0, 0, 1, 1), (3, 3), (0, 0, 333, 333), id="rounded"),
        pytest.param(PixelBox(1, 1, 2, 2), (2000, 2000), (1, 1, 1, 1), id="half-up"),
    ],
)
def test_to_thousandths(box: PixelBox, size: tuple[int, int], thousandths: tuple[int, ...]) -> None:
    """Whole numbers from 0 to 1000, of width and height separately."""
    assert box.to_thousandths(*size) == thousandths
