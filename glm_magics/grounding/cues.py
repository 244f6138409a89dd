"""What the words before some numbers say of them: a place on the picture, or anything else that comes in fours."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache, cached_property
from typing import NamedTuple

from .vocabulary import LEGEND, cues_in

_OF = re.compile(r"\b(?:of|for|in|on|per|by|from|under|inside|within|across)\b")
_AT = re.compile(r"(?:\bat|@|位于|在|处于|(?<![等大小高低多少])于)(?: (?:about|around|approximately|roughly|the))?$")
_JOINED = re.compile(r"(?:\b(?:is|are|was|were|be|as|and|or|to|then|with)|[=:>,;|()\[\]]|是|为|和|与|及|有|如下|分别)$")
_ENTRY = re.compile(r"[ \t>]*(?:[-*+•]|\d{1,3}[.)])\s|[^\n.!?]{1,40}:\s*[\[(]?$")
_COUNTED = re.compile(
    r"(?:\b(?:there (?:are|were)|contains?|has|have|had|scored|played|costs?|weighs?|equals?|gives?|gave|uses?)|有|等于|共)$"
)
_ASSIGNED = re.compile(r"(?<![\w'\"-])(?:[a-z]|[a-z]\w*[_\d]\w*)\s*=\s*$")
BREAK = re.compile(r"[.!?\n。](?:(?<=[.!?])\s|(?<=[!?\n。]))")
_MARKS = re.compile(r"[*_`#]+")
_HEADER = re.compile(r":[\s*_]*$")
_MOST_BEFORE, _MOST_TAIL = 160, 17
"""The tail is as long as the longest of what `_AT`, `_JOINED` and `_COUNTED` find at the end of a clause."""


class Cue(NamedTuple):
    """What the words before some numbers say.

    Attributes:
        kind: of the word that rules: ``box``, ``place``, ``click``, ``point``; ``other`` for what comes in fours too, ``strict``
            for what comes in rows of fours too, ``container`` for a list of no matter what; empty for none.
        has_box, has_point: a word of boxes, of points, is among them.
        is_joined: a copula, a colon or a sign stands right before, or the line begins.
    """

    kind: str = ""
    has_box: bool = False
    has_point: bool = False
    is_joined: bool = False

    @property
    def is_place(self) -> bool:
        """The numbers are a place on the picture."""
        return self.kind in ("box", "place", "click")

    @property
    def is_other(self) -> bool:
        """Four numbers are something else."""
        return self.kind in ("other", "strict", "container", "point")


_OF_ROW = Cue(is_joined=True)


class Surroundings:
    """The words around the numbers of one text.

    Args:
        text: flattened text with thinking and marks blanked.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._judge_header = cache(_judge)  # many lines share one
        self._judge_part = cache(lambda part: _judge(_last_sentence(part)))  # an answer that runs away repeats itself

    @cached_property
    def is_only_numbers(self) -> bool:
        """No letter is in the text but a fence's language: the answer is its numbers."""
        return not re.search(r"[^\W\d_]", re.sub(r"```\w*|\b(?:json|null|none)\b|(?<=\d)px", "", self._text, flags=re.IGNORECASE))

    @cached_property
    def has_legend(self) -> bool:
        """The text explains a format like ``[x1, y1, x2, y2]``."""
        return bool(LEGEND.search(self._text))

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(r"\n", self._text))]

    @cached_property
    def _headers(self) -> list[int]:
        """For each line the last one before that announces something: it ends with a colon, or heads a table."""
        headers: list[int] = []
        last = -1
        lines = self._text.split("\n")
        for i, line in enumerate(lines):
            headers.append(last)
            is_ruler = "|" in line and line.lstrip().startswith("|") and not line.strip(" |:-\t\r")
            if is_ruler and i:
                last = i - 1
            elif "[" not in line and _HEADER.search(line[-200:]):
                last = i
        return headers

    def line_of(self, place: int) -> tuple[int, int]:
        """``(start, number)`` of the line of a place."""
        number = bisect_right(self._lines, place) - 1
        return self._lines[number], number

    def judge(self, place: int, limit: int = 0) -> Cue:
        """What the words before a place say of the numbers there.

        Args:
            place: where their brackets begin.
            limit: where the numbers before them end.
        """
        start, number = self.line_of(place)
        is_row = self._text.startswith("|", start)
        cue = _OF_ROW if is_row else self._judge_part(self._text[max(limit, place - _MOST_BEFORE) : place])
        is_entry = cue.is_other and _ENTRY.match(self._text, start, place) is not None
        if cue.kind and not is_entry:
            return cue
        header = self._header(place, number)
        inherited = self._judge_header(header) if header else cue
        if cue.kind and not inherited.is_place:
            return cue
        return Cue(inherited.kind, inherited.has_box, inherited.has_point, cue.is_joined)

    def _header(self, place: int, number: int) -> str:
        header = self._headers[number]
        if header < 0 or number - header > 80:
            return ""
        start = self._lines[header]
        if self._text[start] == "|":  # of a table: the head of the column
            column = self._text.count("|", self._lines[number], place)
            return ":".join(self._text[start : self._lines[header + 1]].split("|")[column : column + 1]).strip() + ":"
        return _MARKS.sub(" ", self._text[start : self._lines[header + 1]][-_MOST_BEFORE:])


def _last_sentence(part: str) -> str:
    """What of the words before some numbers is in the same sentence."""
    part = _MARKS.sub(" ", part)
    written = len(part.rstrip(" \t\"'([{<"))
    start = 0
    for match in BREAK.finditer(part):
        if match.end() < written:
            start = match.end()
    return part[start:]


def _judge(clause: str) -> Cue:
    """The nearest cue, or the one that rules it: in «shape of the boxes» the shape, in «list of boxes» the boxes."""
    clause = clause.lower()
    cues = cues_in(clause)
    kinds = [kind for kind, _, _ in cues]
    if "map" in kinds:
        return Cue("strict")
    at = len(cues) - 1
    while at > 0 and kinds[at] != "example" and _is_ruled(clause, cues[at - 1], cues[at]):
        at -= 1
    kind = kinds[at].replace("example", "strict") if cues else ""
    head = clause.rstrip(" \t*_`\"'\\$")
    bare = head.rstrip(": \t*_`\"'")
    last = max(0, len(bare) - _MOST_TAIL)
    if kind != "box" and head.endswith("=") and _ASSIGNED.search(clause):
        kind = "strict"
    elif _COUNTED.search(bare, last):
        kind = "other"
    elif kind not in ("box", "click") and _AT.search(bare, last):
        kind = "place"
    is_joined = head.endswith(":") or not bare.strip(" >-+•.)0123456789*_`") or bool(_JOINED.search(head, last))
    return Cue(kind, "box" in kinds, "point" in kinds or "click" in kinds, is_joined)


def _is_ruled(clause: str, first: tuple[str, int, int], second: tuple[str, int, int]) -> bool:
    """The first of two cues decides: it has the second as its «of», or is the same kind right before it."""
    if first[0] == second[0] and second[1] - first[2] <= 1:
        return True
    return first[0] != "container" and bool(_OF.search(clause, first[1], second[1]))
