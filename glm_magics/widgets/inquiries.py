"""What the page of a map asks for, checked: foreign data becomes typed values, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

_MOST_ROWS = 200
_QUERY_CHARS = 2000
_MAX_NUMBER = 2**53


@dataclass(frozen=True, slots=True)
class Cards:
    """The texts of these points."""

    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Find:
    """The points nearest to this in meaning."""

    text: str


@dataclass(frozen=True, slots=True)
class Choose:
    """All points of a group are to be selected."""

    group: int


@dataclass(frozen=True, slots=True)
class Hello:
    """Nothing; a page has come."""


Wish: TypeAlias = Cards | Find | Choose | Hello


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A message of a page: what it wishes, and under which number it waits."""

    page: str
    n: int
    wish: Wish


def parse_inquiry(content: object) -> Inquiry | None:
    """The inquiry in a message; None for anything else."""
    if not isinstance(content, Mapping):
        return None
    page, n = content.get("page"), content.get("n")
    if not isinstance(page, str) or len(page) > 40 or not _is_count(n):
        return None
    wish = _parse_wish(content)
    return Inquiry(page, n, wish) if wish is not None else None  # type: ignore[arg-type]


def _parse_wish(content: Mapping[str, object]) -> Wish | None:
    match content.get("type"):
        case "hello":
            return Hello()
        case "cards":
            rows = content.get("rows")
            if isinstance(rows, list) and len(rows) <= _MOST_ROWS and all(map(_is_count, rows)):
                return Cards(tuple(rows))
        case "find":
            text = content.get("text")
            if isinstance(text, str) and text.strip():
                return Find(text.strip()[:_QUERY_CHARS])
        case "choose":
            group = content.get("group")
            if _is_count(group):
                return Choose(group)  # type: ignore[arg-type]
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_NUMBER
