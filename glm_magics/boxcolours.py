"""Which colour a box has, one rule for pictures, the cell's text and the page.

Boxes are coloured by label when a label repeats, else by their place. Neither depends on the order in which labels arrive:
a label's place among the styles is a hash of it, the next free one when two labels share a hash. The hash is FNV-1a over
the first 64 UTF-16 code units, which in JavaScript is ``h = Math.imul(h ^ label.charCodeAt(i), 16777619) >>> 0``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from .geometry import Shape

RGB = tuple[int, int, int]

BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)

PALETTE: tuple[RGB, ...] = (
    (230, 159, 0),  # orange
    (86, 180, 233),  # sky blue
    (0, 158, 115),  # green
    (240, 228, 66),  # yellow
    (0, 114, 178),  # blue
    (213, 94, 0),  # vermilion
    (204, 121, 167),  # pink
    (42, 31, 143),  # indigo
    (123, 16, 52),  # wine
)
"""Okabe and Ito's colours, which colour-blind readers tell apart, and two dark ones that are no closer to them."""

DASHES: tuple[tuple[int, ...], ...] = ((), (4, 3), (1, 2))
"""Lengths of line and gap in widths of the line; empty for a solid line. The next one is used when the colours are used up."""

_HASHED_UNITS = 64


@dataclass(frozen=True, slots=True)
class Style:
    """How one shape is drawn.

    Attributes:
        rgb: the colour of its line and of its label's ground, 0 to 255.
        dash: lengths of line and gap in widths of the line; empty for a solid line.
        ink: black or white, whichever reads better on `rgb`; letters and the line's halo.
    """

    rgb: RGB
    dash: tuple[int, ...]
    ink: RGB

    @property
    def css(self) -> str:
        """The colour as ``#rrggbb``."""
        return _css(self.rgb)

    @property
    def ink_css(self) -> str:
        """The ink as ``#rrggbb``."""
        return _css(self.ink)


def _css(rgb: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def contrast(one: RGB, other: RGB) -> float:
    """The contrast of two colours, 1 to 21 (source: WCAG 2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(rgb: RGB) -> float:
    red, green, blue = (value / 3294.6 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _ink(rgb: RGB) -> RGB:
    return max(BLACK, WHITE, key=lambda ink: contrast(ink, rgb))


STYLES = tuple(Style(rgb, dash, _ink(rgb)) for dash, rgb in product(DASHES, PALETTE))
"""Every style in the order of use: all colours solid, then all colours dashed."""


def styles_of(shapes: Sequence[Shape]) -> tuple[Style, ...]:
    """The style of each shape, in their order."""
    labels = [shape.label for shape in shapes]
    named = [label for label in labels if label]
    if len(set(named)) == len(named):
        return tuple(STYLES[place % len(STYLES)] for place in range(len(shapes)))
    by_label = _by_label(set(labels))
    return tuple(by_label[label] for label in labels)


def _by_label(labels: Iterable[str]) -> dict[str, Style]:
    """A style for each label; labels share one only when there are more of them than styles."""
    found: dict[str, Style] = {}
    free = set(range(len(STYLES)))
    for code, label in sorted((_hash(label), label) for label in labels):
        wanted, n = code % len(PALETTE), len(PALETTE)
        tried = ((wanted + step) % n + step // n * n for step in range(len(STYLES)))  # other colours before dashes
        place = next((place for place in tried if place in free), wanted)
        free.discard(place)
        found[label] = STYLES[place]
    return found


def _hash(label: str) -> int:
    """FNV-1a, 32 bits, over UTF-16 code units: the same in Python and on the page, for lone surrogates too."""
    data = label[:_HASHED_UNITS].encode("utf-16-le", "surrogatepass")[: 2 * _HASHED_UNITS]
    code = 2166136261
    for low, high in zip(data[::2], data[1::2], strict=True):
        code = (code ^ (low | high << 8)) * 16777619 & 0xFFFFFFFF
    return code
