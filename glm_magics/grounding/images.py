"""Which of several pictures an answer speaks of: «Image 2:», «In the second image», ``"image": 2``."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

_START = r"(?:^(?:[^\S\n]|[#*>-])*+|[\])}.;。`]\s*+)\**+"
_NAMED = re.compile(
    rf"{_START}(?:"
    r"(?:(?:Image|Picture|Photo|Page|图片|图像|图)\s*#?(\d{1,2})|第\s*(\d{1,2})\s*(?:张|页)[图片]*)[*\s]*(?:[:(,]|$)"
    r"|(?:In|On|For) (?:the )?(first|second|third|fourth|fifth|sixth) (?:image|picture|photo)\b"
    r"|(?:In|On|For) (?:image|picture|photo) #?(\d{1,2})\b|在?第([一二三四五六])[张幅页])",
    re.MULTILINE | re.IGNORECASE,
)
_HINTS = ("age", "cture", "hoto", "图", "第")
"""Without one of these nothing is named; a letter i is not among them, which has other forms in other cases."""

_ENGLISH = ("first", "second", "third", "fourth", "fifth", "sixth")
_ORDINALS = {word: n for words in (_ENGLISH, "一二三四五六") for n, word in enumerate(words, 1)}
_KEYED = re.compile(r"(?:image|img|picture)(?:[_ ]?(?:index|idx|no|number))?[\"']?\s*:\s*(\d{1,9})(?![\d.])", re.IGNORECASE)
KEYS = frozenset(first + last for first in ("image", "img", "picture") for last in ("", "index", "idx", "no", "number"))
"""Keys whose number says which picture; ids and pages are as often of something else."""

_MOST = 30


class Images:
    """The pictures that one text numbers.

    Args:
        text: flattened text with thinking blanked.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def is_one(self) -> bool:
        """The text numbers no pictures."""
        return not self._marks

    @cached_property
    def _marks(self) -> list[tuple[int, int]]:
        """``(place, image)`` of what begins with a picture's number, counted from 1 without a gap; else none."""
        lower = self._text.lower()
        if not any(hint in lower for hint in _HINTS):
            return []
        named = [(match.end(), next(filter(None, match.groups())).lower()) for match in _NAMED.finditer(self._text)]
        marks = [(place, (int(name) if name.isdigit() else _ORDINALS[name]) - 1) for place, name in named]
        highest = -1
        for _, image in marks:
            if image < 0 or image > highest + 1:
                return []
            highest = max(highest, image)
        return marks

    def at(self, place: int) -> int:
        """The picture, from 0, that the last line or sentence that began with «Image 2:» or «In the second image» has named."""
        index = bisect_right(self._marks, (place, 0)) - 1
        return self._marks[index][1] if index >= 0 else 0

    @cached_property
    def _first(self) -> int | None:
        """From which number ``"image": 2`` counts here; None when such numbers are something else."""
        numbers = {int(found[1]) for found in _KEYED.finditer(self._text)}
        return None if not numbers or max(numbers) > _MOST else min(1, *numbers)

    def keyed(self, number: int) -> int | None:
        """The picture, from 0, that a key of `KEYS` gives by number; None when it means something else."""
        return None if self._first is None else max(0, number - self._first)
