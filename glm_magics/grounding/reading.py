"""From the text of an answer to boxes and points: what each reader found, brought to one scale, each place once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, partial
from math import isfinite
from typing import Literal

from ..errors import InputError, one_line
from ..geometry import Box, Point, Shape, corners_seen
from .bare import BareReader
from .cleaning import Answer, Zone, clean
from .cues import Surroundings
from .images import Images
from .keyed import Context, KeyedReader
from .numbers import split_group
from .sentences import ProseReader
from .tags import read_tags
from .trees import grow_tree
from .values import Finds, Found, Group, Rank, Reading, Span, Unread

Scale = Literal[1000, 100, 1, "pixel"]
Order = Literal["xyxy", "yxyx", "xywh"]
Place = tuple[float, float] | tuple[float, float, float, float]
"""Of a point, or the corners of a box, as shares of the picture."""

MOST_SHAPES = 1_000
_SLACK = 0.01
_WHOLE = re.compile(r"[\[({][^\[\](){}]*[\])}]")
_LEAST_SIDE = 8
_BRACKETS = "[](){}<> \t\r\n"
_DIGIT = re.compile(r"\d")


def read_boxes(
    text: str, width_px: int, height_px: int, *, scale: Scale = 1000, order: Order = "xyxy", is_growing: bool = False
) -> Reading:
    """The boxes and points of a model's answer.

    It may be called on the beginning of an answer while the rest streams: a box counts once its bracket is closed, and with
    `is_growing` numbers without brackets count once something stands behind them. Later text
    can take one back in a few cases: a ``</think>`` without a beginning, an ``<answer>``, a box that a key names (single
    brackets in prose do not count beside it), a number over 1000 (all may be pixels then), the first share of 0 to 1, a link's
    target, the end of a formula or of a program, words behind two pairs that make them corners, a unit behind
    numbers.

    Args:
        text: the whole answer, thinking and markers included; any string.
        width_px, height_px: the size of the upright picture.
        scale: what the numbers count: thousandths, hundredths, shares, or pixels of that picture.
        order: ``yxyx`` for a model that writes y first, ``xywh`` for corner and size. Numbers with names are read by name.
        is_growing: more of the answer may come, or it was cut off: its last number may have more digits.

    Raises:
        InputError: a size below 1, an unknown scale or order.
    """
    if not all(isinstance(side_px, int | float) and side_px >= 1 for side_px in (width_px, height_px)):
        raise InputError(
            f"A picture of {one_line(f'{width_px!r} × {height_px!r}', 80)} pixels has no room for boxes.",
            "Give its width and height.",
        )
    if scale not in (1000, 100, 1, "pixel") or order not in ("xyxy", "yxyx", "xywh"):
        raise InputError(
            f"There is no scale {scale!r} with order {order!r}.", 'Give 1000, 100, 1 or "pixel"; "xyxy", "yxyx" or "xywh".'
        )
    answer = clean(text, is_growing)
    finds = find_places(answer)
    frame = Frame(width_px, height_px, scale, order)
    shapes = frame.shapes_of(finds)
    unread = tuple(sorted(finds.unread, key=lambda item: item.span)[:MOST_SHAPES])
    return Reading(shapes, "" if shapes else why_none(text, answer, unread), unread)


def find_places(answer: Answer) -> Finds:
    """All that looks like a place, in the order of the text."""
    finds = Finds([], [])
    if not _DIGIT.search(answer.text):
        return finds
    read_tags(answer, finds)
    around = Surroundings(answer.text)
    bare = BareReader(answer, around, finds)
    images = Images(answer.text)
    keyed = KeyedReader(answer, finds, images, bare.leave)
    keyed.read(grow_tree(answer.text, 0, len(answer.text)), Context())
    answer.blank(keyed.taken)
    ProseReader(answer, around, finds).read()
    for zone in answer.zones["token"]:
        finds.found += _bare_in_token(answer, zone)
    if finds.found and not images.is_one:
        finds.found = [one if one.image else one._replace(image=images.at(one.group.span[0])) for one in finds.found]
    finds.found.sort(key=_span_of)
    return finds


def _span_of(one: Found) -> Span:
    return one.group.span


def _bare_in_token(answer: Answer, zone: Zone) -> list[Found]:
    """Four numbers in box tokens without brackets, or with one bracket too few; those that may still grow are left."""
    text, start, end = answer.text, zone.start, zone.end
    inside = text[start:end]
    is_open = end == len(text)
    if _WHOLE.search(inside) or (is_open and (answer.is_growing or "[" in inside or "(" in inside)):
        return []
    first, last = start + len(inside) - len(inside.lstrip(_BRACKETS)), start + len(inside.rstrip(_BRACKETS))
    groups = split_group(text, first, last, (first, last)) if first < last else []
    fours = [group for group in groups if len(group.numbers) == 4 and max(group.numbers) - min(group.numbers) >= _LEAST_SIDE]
    return [Found(group, Rank.TOKEN) for group in fours]


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and how numbers count on it.

    Attributes:
        width_px, height_px: its size.
        scale, order: as in `read_boxes`.
    """

    width_px: int
    height_px: int
    scale: Scale
    order: Order

    def shapes_of(self, finds: Finds) -> tuple[Shape, ...]:
        """The shapes, each once; what cannot be one goes to ``finds.unread``."""
        found = self._on_scale(finds)
        has_shares = any(one.group.has_decimals and _is_share(one.group) for one in found)
        placed = [(one, place) for one in found if (place := self._place(one, finds, has_shares))]
        ranks = {one.rank for one, _ in placed}
        if Rank.SINGLE in ranks and min(ranks) <= Rank.TOKEN:
            placed = [(one, place) for one, place in placed if one.rank < Rank.SINGLE]
        return tuple(self._shape(one, place) for one, place in _once(placed)[:MOST_SHAPES])

    def _shape(self, one: Found, place: Place) -> Shape:
        (numbers, span, _, _), label, image = one.group, one.label, one.image
        if len(place) == 2:
            return Point(place, self.width_px, self.height_px, label, numbers, span, image)
        return Box(place, self.width_px, self.height_px, label, numbers, span, image)

    def _on_scale(self, finds: Finds) -> list[Found]:
        """All that is on the scale, or nothing when one number is over it and all would fit the picture as pixels.

        Drawing the small ones of them as thousandths would put them in wrong places.
        """
        usable: list[Found] = []
        for one in finds.found:
            if one.is_screen and self.scale != "pixel":
                finds.miss(one.group, "pixels of a screen")
            else:
                usable.append(one)
        over = [one for one in usable if not self._is_on_scale(one.group)]
        if not over:
            return usable
        limits = (self.width_px, self.height_px)
        are_pixels = self.scale == 1000 and all(
            number <= limits[place % 2] * (1 + _SLACK) for one in usable for place, number in enumerate(one.group.numbers)
        )
        for one in over:
            finds.miss(one.group, OVER if are_pixels else self._unit_misfit(one.group) or OVER)
        left = [one for one in usable if self._is_on_scale(one.group)]
        for one in left if are_pixels else ():
            finds.miss(one.group, BESIDE)
        return [] if are_pixels else left

    def _unit_misfit(self, group: Group) -> str:
        """What is wrong with the unit of a group; empty when nothing is."""
        if self.scale == "pixel" or group.unit in ("", "%"):
            return ""
        return "pixels" if group.unit == "px" else "numbers of two kinds"

    def _is_on_scale(self, group: Group) -> bool:
        most = 100 if group.unit == "%" else 1e12 if self.scale == "pixel" else self.scale
        return max(group.numbers) <= most * (1 + _SLACK) and isfinite(sum(group.numbers))

    def _place(self, one: Found, finds: Finds, has_shares: bool) -> Place | None:
        """Where it is on the picture; None, and a note, when it is not."""
        group = one.group
        if group.unit and (misfit := self._unit_misfit(group)):
            finds.miss(group, misfit)
            return None
        numbers = group.numbers if one.is_named or self.order == "xyxy" else self._ordered(group.numbers)
        across, down = self._units(group, has_shares)
        place: Place | None = None
        if len(numbers) == 4:
            x1, y1, x2, y2 = numbers
            place = corners_seen(x1 / across, y1 / down, x2 / across, y2 / down)
        else:
            x, y = numbers[0] / across, numbers[1] / down
            if 0 < x < 1 and 0 < y < 1:
                place = x, y
            elif -_SLACK <= x <= 1 + _SLACK and -_SLACK <= y <= 1 + _SLACK:  # just outside is at the edge
                place = min(1.0, max(0.0, x)), min(1.0, max(0.0, y))
        if place is None:
            finds.miss(group, NOTHING if len(set(group.numbers)) == 1 and group.numbers[0] <= 0 else "no area on the picture")
        return place

    def _units(self, group: Group, has_shares: bool) -> tuple[float, float]:
        """How many of the written units make the width and the height."""
        if self.scale == "pixel":
            return self.width_px, self.height_px
        if self.scale != 1000:
            return self.scale, self.scale
        if group.unit == "%":
            return 100, 100
        is_share = has_shares and 0 <= min(group.numbers) <= max(group.numbers) <= 1
        return (1, 1) if is_share else (1000, 1000)

    def _ordered(self, numbers: tuple[float, ...]) -> tuple[float, ...]:
        """Numbers without names, in another order, as x1, y1, x2, y2 or x, y."""
        if self.order == "yxyx":
            return tuple(numbers[place ^ 1] for place in range(len(numbers)))
        return numbers if len(numbers) == 2 else (*numbers[:2], numbers[0] + numbers[2], numbers[1] + numbers[3])


OVER = "over the scale"
BESIDE = "beside numbers over the scale"
NOTHING = "nothing found"


def _is_share(group: Group) -> bool:
    """Fractions of 0 to 1: only what is written with a decimal point shows that."""
    return group.has_decimals and not group.unit and min(group.numbers) >= 0 and max(group.numbers) <= 1


_rounded = lru_cache(maxsize=4096)(partial(round, ndigits=6))  # places repeat


def _once(placed: list[tuple[Found, Place]]) -> list[tuple[Found, Place]]:
    """Each place once for each of its names; a name that only the words before gave yields to any other, none to one.

    Both what is given and what comes back are in the order of the text.
    """
    keys = [(one.image, *map(_rounded, place)) for one, place in placed]
    if len(set(keys)) == len(keys):
        return placed
    kept: dict[tuple[float, ...], list[tuple[Found, Place]]] = {}
    for key, (one, place) in zip(keys, placed, strict=True):
        others = kept.setdefault(key, [])
        is_weak = one.is_guessed or not one.label
        if not others:
            others.append((one, place))
            continue
        if any(other.label == one.label for other, _ in others):
            continue
        if is_weak and any(not other.is_guessed and other.label for other, _ in others):
            continue
        if not one.label:
            continue
        others[:] = [(other, where) for other, where in others if other.label and (is_weak or not other.is_guessed)]
        others.append((one, place))
    left = [pair for others in kept.values() for pair in others]
    return sorted(left, key=lambda pair: pair[0].group.span)


_NOT_FOUND = re.compile(
    r"\b(?:no|not|none|cannot|can't|unable|doesn't|don't|isn't|aren't|without|couldn't|never)\b|\bnull\b|\[\s*\]|"
    r"未|没有|没|无法|不存在|找不到|不能|并无|无",
    re.IGNORECASE,
)
_OPEN = re.compile(r"[\[(]\s{0,9}-?\d[\d.,\s-]*$|box[^\[\]{}]{0,12}\[[\s\d.,-]*$|\{[^{}]*box[^{}]*$")


def why_none(text: str, answer: Answer, unread: tuple[Unread, ...]) -> str:
    """Why there is no box, and what to do."""
    whys = {item.why for item in unread}
    if answer.is_thinking and not answer.words.strip():
        return "The answer has not come yet (it is still thinking)."
    if not answer.words.strip():
        return (
            "The answer is empty: ask again." if not answer.has_thinking else "There is only thinking and no answer: ask again."
        )
    if OVER in whys:
        return (
            'The numbers go over 1000: read them with scale="pixel" if they are pixels, '
            "or ask again for coordinates from 0 to 1000."
        )
    if whys & {"pixels of a screen", "pixels"}:
        return 'The numbers are pixels: read them with scale="pixel" if they are pixels of this picture.'
    if whys & {"a 3D box", "a polygon"}:
        return f"The answer holds {' and '.join(sorted(whys & {'a 3D box', 'a polygon'}))}, and no box: ask for bbox_2d."
    if NOTHING in whys or _NOT_FOUND.search(answer.words):
        return "The answer says that nothing was found."
    if _OPEN.search(answer.words[-200:]):
        return "The answer stops in the middle of a box: wait for the rest, or ask again with more max_tokens."
    if unread:
        return f"The answer holds numbers that are no box ({unread[0].why}): ask for [x1, y1, x2, y2] from 0 to 1000."
    return "There is no box in the answer: ask for bounding boxes as [x1, y1, x2, y2] from 0 to 1000."
