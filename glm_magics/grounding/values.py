"""What is found while an answer is read, and what its reader gets in the end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

from ..geometry import Shape

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unread:
    """Numbers that looked like a box and could not be used.

    Attributes:
        raw: the numbers as they were written.
        span: from where to where they stand in the text, in characters.
        why: what was wrong with them, in a few words.
    """

    raw: tuple[float, ...]
    span: Span
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The boxes and points of one answer.

    Attributes:
        shapes: in the order of the text.
        reason: why there are none, with what to do about it; empty when there are some.
        unread: what looked like a box and could not be used, in the order of the text.
    """

    shapes: tuple[Shape, ...]
    reason: str = ""
    unread: tuple[Unread, ...] = ()


class Group(NamedTuple):
    """Numbers that stand together.

    Attributes:
        numbers: as they were written.
        span: the brackets around them, or the numbers themselves where there are none.
        unit: ``%`` or ``px`` when each number carries it, ``mixed`` when some do, else empty.
        has_decimals: one of them was written with a decimal point.
    """

    numbers: tuple[float, ...]
    span: Span
    unit: str = ""
    has_decimals: bool = False


class Meaning(Enum):
    """What a key or tag says of its numbers."""

    BOX = "a box"
    PLACE = "a box or a point"
    POINT = "a point"


class Rank(IntEnum):
    """How sure a place is: what names it; the vendor's box tokens; a list of lists; four numbers in brackets."""

    KEYED = 0
    TOKEN = 1
    DOUBLE = 2
    SINGLE = 3


class Found(NamedTuple):
    """A box (four numbers) or a point (two) before its scale is known.

    Attributes:
        group: its numbers and where they stand.
        rank: how sure it is.
        label: its name, and `is_guessed` when only the words before it say so.
        image: which picture of the message, from 0; of a video, the second or frame that its key says.
        is_named: the numbers were named and are in the order x1, y1, x2, y2 whatever the user says.
        is_screen: pixels of a screen dump, quoted.
    """

    group: Group
    rank: Rank
    label: str = ""
    image: int = 0
    is_named: bool = False
    is_guessed: bool = False
    is_screen: bool = False


@dataclass(slots=True)
class Finds:
    """What the readers of one answer have put together so far."""

    found: list[Found]
    unread: list[Unread]

    def miss(self, group: Group, why: str) -> None:
        """Keeps numbers that cannot be used."""
        self.unread.append(Unread(group.numbers, group.span, why))
