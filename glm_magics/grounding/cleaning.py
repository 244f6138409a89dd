"""The part of an answer that counts, with every character in its place: thinking blanked, full-width marks made plain, zones.

All offsets stay those of the original text: nothing is cut out, it is replaced by as many spaces.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .numbers import NUMBER
from .values import Span

_PLAIN: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **dict(zip(map(ord, "【】〔〕〖〗、−–"), "[][][],--", strict=True)),
    **dict.fromkeys((0xA0, 0x3000, 0x2009, 0x202F, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), " "),
}
_PLAIN_QUOTES = _PLAIN | dict(zip(map(ord, "“”„‟‘’"), '""""\'\'', strict=True))
_THINKING = re.compile(r"(?<!`)<(/?)think(?:ing)?>|(?<!`)◁(/?)think▷", re.IGNORECASE)
_ANSWER = re.compile(r"(?<!`)<(/?)answer>", re.IGNORECASE)
_BOX_TOKEN = re.compile(r"<(?:\||/)*(begin|end)_of_box\|?>|<\|?/(?:begin|end)_of_box\|?>")
_ANGLES = re.compile(rf"<(\s{{0,3}}{NUMBER}(?:%?[,\s]{{1,3}}{NUMBER}){{3}}%?\s{{0,3}})>")
_FENCE = re.compile(r"^[ \t>]*(`{3,}+|~{3,}+)[ \t]*([^\n`]*+)$", re.MULTILINE)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_MATH = re.compile(r"\\[()\[\]]|\$\$?")
_URL = re.compile(r"(?:https?|ftp|file|data)://[^\s<>\"'|]+|www\.[^\s<>\"'|]+")
_TARGET = re.compile(r"(?<=\]\()(?=[^()\s]*[/.#])[^()\s]*(?=\))")
_PROGRAM = re.compile(
    r"^\s*(?:import|from\s+\w+\s+import|def|class|for|while|if|return|print|function|const|let|var|public|#include|using|@)\b|"
    r"\w\.\w+\(|=>|;\s*$",
    re.MULTILINE,
)
_DATA_LANGUAGES = frozenset(
    (
        "json",
        "jsonc",
        "json5",
        "jsonl",
        "text",
        "txt",
        "plaintext",
        "plain",
        "yaml",
        "yml",
        "xml",
        "markdown",
        "md",
        "csv",
        "output",
    )
)


class Zone(NamedTuple):
    """A stretch of the text where other rules hold.

    Attributes:
        start, end: the inside, without the marks.
        kind: ``data`` for a fence with data, ``literal`` for one in a programming language that does nothing, ``program`` for
            one that does; ``code`` for code in a line, ``math``, ``token``.
    """

    start: int
    end: int
    kind: str


@dataclass(slots=True)
class Answer:
    """What is left of a text to look at.

    Attributes:
        words: the original with spaces for what does not count, for labels.
        text: the same with plain punctuation; what a reader has taken is blanked in it, too.
        zones: by kind, in order, not overlapping within a kind.
        is_thinking: it goes on to the end of the text.
        has_thinking: there is some.
        is_growing: more may come behind the last character.
    """

    words: str
    text: str
    zones: dict[str, list[Zone]]
    is_thinking: bool = False
    has_thinking: bool = False
    is_growing: bool = False

    def zone_at(self, kind: str, place: int) -> Zone | None:
        """The zone of this kind around a place."""
        zones = self.zones.get(kind)
        if not zones:
            return None
        index = bisect_left(zones, (place + 1,)) - 1
        return zones[index] if index >= 0 and place < zones[index].end else None

    def has_zone(self, kind: str, start: int, end: int) -> bool:
        """A zone of this kind begins in a stretch, or is around it."""
        zones = self.zones.get(kind, [])
        index = bisect_left(zones, (start,))
        return (index < len(zones) and zones[index].start < end) or self.zone_at(kind, start) is not None

    def blank(self, spans: list[Span]) -> None:
        """Replaces these stretches by spaces."""
        self.text = blanked(self.text, spans)


def blanked(text: str, spans: list[Span]) -> str:
    """The text with spaces for these stretches; line breaks stay."""
    if not spans:
        return text
    parts: list[str] = []
    place = 0
    for start, end in sorted(spans):
        if end > place:
            start = max(start, place)
            hidden = text[start:end]
            is_line = "\n" not in hidden
            parts += [
                text[place:start],
                " " * len(hidden) if is_line else "\n".join(" " * len(line) for line in hidden.split("\n")),
            ]
            place = end
    return "".join([*parts, text[place:]])


def flatten(original: str) -> str:
    """The text with full-width marks and odd spaces as ASCII, of the same length.

    Curly quotes are plain ones only where the text has no straight ones: else they belong to what is said.
    """
    return original.translate(_PLAIN if original.count('"') > 1 else _PLAIN_QUOTES)


def clean(original: str, is_growing: bool = False) -> Answer:
    """The answer in a text, and the zones in it; one that has come to its end gets a line break behind its last number."""
    original = original if is_growing else original + "\n"
    text = flatten(original)
    hidden, is_thinking = _thinking_in(text)
    text = blanked(text, hidden)
    has_thinking = bool(hidden)
    hidden += _outside_answer(text)
    text = blanked(text, hidden)
    marks = [match.span() for match in _BOX_TOKEN.finditer(text)] if "_of_box" in text else []
    tokens = list(_token_zones(text)) if marks else []
    text = _ANGLES.sub(r"(\1)", blanked(text, marks))
    answer = Answer(blanked(original, hidden + marks), text, {"token": tokens}, is_thinking, has_thinking, is_growing)
    fences = list(_fence_zones(answer.text))
    answer.zones |= {kind: [zone for zone in fences if zone.kind == kind] for kind in ("program", "literal", "data")}
    prose = blanked(answer.text, [(zone.start, zone.end) for zone in fences])
    answer.zones["code"] = [Zone(*match.span(1), "code") for match in _CODE.finditer(prose)] if "`" in prose else []
    answer.zones["math"] = list(_math_zones(prose)) if "$" in prose or "\\" in prose else []
    if "://" in text or "www." in text or "](" in text:
        answer.blank([match.span() for pattern in (_URL, _TARGET) for match in pattern.finditer(answer.text)])
    return answer


def _thinking_in(text: str) -> tuple[list[Span], bool]:
    """What is thinking, and whether it goes on to the end of the text.

    A lone closing tag makes thinking of all before it: the template has opened it in the prompt. One at the very end of a text
    whose thinking was closed before is a slip.
    """
    if "think" not in text.lower():
        return [], False
    spans: list[Span] = []
    opened: int | None = None
    written = len(text.rstrip())
    for match in _THINKING.finditer(text):
        is_closing = bool(match[1] or match[2])
        if is_closing and opened is None:
            spans.append(match.span() if spans and match.end() >= written else (0, match.end()))
        elif is_closing and opened is not None:
            spans.append((opened, match.end()))
            opened = None
        elif opened is None:
            opened = match.start()
    if opened is not None:
        spans.append((opened, len(text)))
    return spans, opened is not None


def _outside_answer(text: str) -> list[Span]:
    """What is not in answer tags, when there are any; an answer that is not closed runs to the end of the text."""
    if "answer>" not in text.lower():
        return []
    spans: list[Span] = []
    place: int | None = 0  # where the stretch outside began; None inside of an answer
    is_tagged = False
    for match in _ANSWER.finditer(text):
        is_closing = bool(match[1])
        is_tagged = is_tagged or not is_closing
        if not is_closing and place is not None:
            spans.append((place, match.end()))
            place = None
        elif is_closing and place is None:
            place = match.start()
        else:
            spans.append(match.span())
    return [*spans, (place, len(text))] if is_tagged and place is not None else spans


def _token_zones(text: str) -> Iterator[Zone]:
    """What the vendor's box tokens surround; one without an end runs to the next begin, or to the end of the text."""
    start: int | None = None
    for match in _BOX_TOKEN.finditer(text):
        if start is not None:
            yield Zone(start, match.start(), "token")
        start = match.end() if match[1] == "begin" and "/" not in match[0] else None
    if start is not None:
        yield Zone(start, len(text), "token")


def _fence_zones(text: str) -> Iterator[Zone]:
    """Fenced blocks at any indentation; the last may be open."""
    if "```" not in text and "~~~" not in text:
        return
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match[1].startswith(opened[1]) and not match[2].strip():
            yield _fence(text, opened, match.start())
            opened = None
    if opened is not None:
        yield _fence(text, opened, len(text))


def _fence(text: str, opened: re.Match[str], end: int) -> Zone:
    """The inside of one block, and what it holds."""
    language = opened[2].strip().lower()
    start = min(opened.end() + 1, end)
    if language in _DATA_LANGUAGES:
        return Zone(start, end, "data")
    if _PROGRAM.search(text, start, end):
        return Zone(start, end, "program")
    return Zone(start, end, "literal" if language else "data")


def _math_zones(text: str) -> Iterator[Zone]:
    r"""``$…$`` in one line, ``$$…$$``, ``\(…\)`` and ``\[…\]``; a dollar before a space or after one is money."""
    opened: re.Match[str] | None = None
    for match in _MATH.finditer(text):
        mark = match[0]
        if opened is not None and (opened[0], mark) in (("$", "$"), ("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]")):
            inside = text[opened.end() : match.start()]
            is_price = text[match.end() : match.end() + 1].isdigit() or "\n" in inside or not inside or inside != inside.strip()
            if mark != "$" or not is_price:
                yield Zone(opened.end(), match.start(), "math")
                opened = None
                continue
        if opened is None or opened[0] == "$" or mark == "$$":
            opened = match if mark in ("$", "$$", "\\(", "\\[") else None
