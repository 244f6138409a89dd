"""Runs of numbers as models write them: zero-padded, with spaces for commas, with percent signs, with exponents."""

from __future__ import annotations

import re

from .values import Group

NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?"
_NUMBER = re.compile(rf"({NUMBER})\.?(?:[ \t]*(%|px\b|像素))?")
_BETWEEN = " \t\r\n\f\v,;|\u200b\u200c\u200d\u2060\ufeff\\"
_PLAIN = re.compile(r"[ \t\r\n]*+[0-9]{1,15}+(?:[ \t\r\n]*+,[ \t\r\n]*+[0-9]{1,15}+)*+[ \t\r\n]*+")
_MOST_DIGITS = 40


def to_float(digits: str) -> float:
    """The number; infinity for one that is absurdly long."""
    return float(digits) if len(digits) <= _MOST_DIGITS else float("inf")


def read_group(text: str, start: int, end: int, outer: tuple[int, int] | None = None) -> Group | None:
    """The numbers between two places when nothing else is there but separators; None otherwise, and for none at all.

    Args:
        text: flattened text.
        start, end: the inside of the brackets.
        outer: the span to give to the group; the numbers' own when None.
    """
    if _PLAIN.fullmatch(text, start, end):  # nearly all are
        inside = text[start:end]
        span = outer or (end - len(inside.lstrip()), start + len(inside.rstrip()))
        return Group(tuple(map(float, inside.split(","))), span)
    numbers: list[float] = []
    units: list[str] = []
    decimals, first, last = False, start, start
    for match in _NUMBER.finditer(text, start, end):
        gap = text[last : match.start()]
        if gap.strip(_BETWEEN) or (numbers and not gap):
            return None
        first = first if numbers else match.start()
        numbers.append(to_float(match[1]))
        units.append(match[2] or "")
        decimals = decimals or "." in match[1]
        last = match.end()
    if not numbers or text[last:end].strip(_BETWEEN):
        return None
    unit = units[0] if len(set(units)) == 1 else "mixed"
    return Group(tuple(numbers), outer or (first, last), "px" if unit == "像素" else unit, decimals)


def split_group(text: str, start: int, end: int, outer: tuple[int, int]) -> list[Group]:
    """The groups of one pair of brackets: CogVLM puts a ``;`` between boxes that share them (source: its grounding parser)."""
    whole = read_group(text, start, end, outer)
    if whole is None or len(whole.numbers) <= 4 or ";" not in text[start:end]:
        return [] if whole is None else [whole]
    parts: list[Group] = []
    for part in text[start:end].split(";"):
        group = read_group(text, start, start + len(part))
        start += len(part) + 1
        if group is not None:
            parts.append(group)
    return parts if all(len(part.numbers) == 4 for part in parts) else [whole]


def join_groups(groups: list[Group], span: tuple[int, int]) -> Group:
    """Several runs as one, as in the two corners ``(15, 40), (70, 220)``."""
    units = {group.unit for group in groups}
    numbers = tuple(number for group in groups for number in group.numbers)
    return Group(numbers, span, units.pop() if len(units) == 1 else "mixed", any(group.has_decimals for group in groups))
