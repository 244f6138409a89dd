"""Which colour each point of a map has, and what the colours mean: groups, or numbers from low to high."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Codes: TypeAlias = npt.NDArray[np.int16]

PALETTE = (
    *("#e69f00", "#3b9fe0", "#009e73", "#d55e00", "#cc79a7", "#7a6ff0", "#a6a119", "#c2405c", "#17a9b8", "#8c6d46"),
    *("#f0776a", "#5a8f29", "#b15fd6", "#4c78c9", "#d98aa0", "#5fae7f", "#c98a3d", "#8f86c9", "#a85a3a", "#6f9aa8"),
)
"""Colours that stand out on white and on black; the first ones after Okabe and Ito, which colour-blind readers tell apart."""

GREY = "#8a8a8a"
RAMP = ("#5b50a5", "#4575b4", "#3a93b8", "#35ab9c", "#5cbb7a", "#94c65a", "#cfc93f", "#f0b429", "#ee8a1f", "#e2592b", "#cf2f3f")
"""Low to high, no end of it lost on white or on black."""

N_STEPS = 64
MISSING, OTHERS = "missing", "others"
_NAME_CHARS = 60


@dataclass(frozen=True, slots=True)
class Group:
    """Points of one colour: their name, colour, and how many there are."""

    name: str
    colour: str
    n: int


@dataclass(frozen=True, slots=True)
class Colouring:
    """The colour of each point.

    Attributes:
        title: what the colours tell; empty where they tell nothing.
        codes: for each point a place in `colours`, int16, shape (N,).
        colours: ``#rrggbb``.
        groups: the points by name, the largest first; empty for numbers.
        low, high: the numbers at the ends of `RAMP`; None for groups.
    """

    title: str
    codes: Codes
    colours: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    low: float | None = None
    high: float | None = None


def colour_nothing(n: int) -> Colouring:
    """All points in one colour."""
    import numpy as np

    return Colouring("", np.zeros(n, np.int16), (PALETTE[1],))


def colour_by(title: str, values: Sequence[Any]) -> Colouring:
    """Colours for a column: by number where it holds many different numbers, else by group.

    The largest groups have a colour each, all others together are grey, and so is what is missing.
    """
    present = [value for value in values if not _is_missing(value)]
    are_numbers = present and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present)
    if are_numbers and (len(set(present)) > len(PALETTE) or any(isinstance(value, float) for value in present)):
        return _colour_numbers(title, values)
    return _colour_groups(title, values)


def _colour_groups(title: str, values: Sequence[Any]) -> Colouring:
    import numpy as np

    names = [MISSING if _is_missing(value) else one_line(str(value), _NAME_CHARS) or "(empty)" for value in values]
    counts = Counter(names)
    n_missing = counts.pop(MISSING, 0)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    n_own = len(PALETTE) if len(ranked) <= len(PALETTE) else len(PALETTE) - 1
    groups = [Group(name, PALETTE[i], counts[name]) for i, name in enumerate(ranked[:n_own])]
    place = {group.name: i for i, group in enumerate(groups)}
    if rest := ranked[n_own:]:
        groups.append(Group(f"{OTHERS} ({len(rest)} groups)", GREY, sum(counts[name] for name in rest)))
        place |= dict.fromkeys(rest, len(groups) - 1)
    if n_missing:
        groups.append(Group(MISSING, GREY, n_missing))
        place[MISSING] = len(groups) - 1
    codes = np.fromiter((place[name] for name in names), np.int16, len(names))
    return Colouring(title, codes, tuple(group.colour for group in groups), tuple(groups))


def _colour_numbers(title: str, values: Sequence[Any]) -> Colouring:
    import numpy as np

    numbers = np.array([math.nan if _is_missing(value) else float(value) for value in values])
    is_there = np.isfinite(numbers)
    if not is_there.any():
        return _colour_groups(title, [None] * len(numbers))
    low, high = float(numbers[is_there].min()), float(numbers[is_there].max())
    share = (np.where(is_there, numbers, low) - low) / ((high - low) or 1.0)
    codes = np.where(is_there, np.minimum((share * N_STEPS).astype(np.int16), N_STEPS - 1), N_STEPS).astype(np.int16)
    colours = tuple(ramp_colour(step / (N_STEPS - 1)) for step in range(N_STEPS))
    return Colouring(title, codes, (*colours, GREY), (), low, high)


def ramp_colour(share: float) -> str:
    """The colour at a place from 0 to 1 of `RAMP`."""
    at = share * (len(RAMP) - 1)
    left = min(int(at), len(RAMP) - 2)
    one, other = to_rgb(RAMP[left]), to_rgb(RAMP[left + 1])
    mixed = (round(a + (b - a) * (at - left)) for a, b in zip(one, other, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def to_rgb(colour: str) -> tuple[int, int, int]:
    """``#rrggbb`` as three numbers to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _is_missing(value: object) -> bool:
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and not math.isfinite(value))
    )
