"""The brackets and quoted strings of a text as a tree, for JSON and calls that are never quite right.

Nothing is refused: an unclosed bracket stays open, a wrong closing one closes what it can, quotes may be single or escaped
any number of times, an apostrophe inside a single-quoted string does not end it. One pass, no recursion.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

_OPEN = r"(?:[\s\d.,;+\-eE%]*+(?P<leaf>[\])}])|(?P<open>))"
"""What comes behind an opening bracket: nothing but numbers and the closing one, or anything."""

_PLAIN = "|".join(rf"(?<={quote})[^{quote}\n]*+(?<!\\){quote}" for quote in "\"'")
"""The rest of a string of JSON as it should be: to the next quote, on the same line."""

_TOP = re.compile(rf"[\[({{]{_OPEN}")
_TOKEN = re.compile(
    r"[\[\](){}\"'\\](?:"  # each begins with one of these: what is between them is passed over quickly
    rf"(?<=[\[({{]){_OPEN}|(?<=[\])}}])(?P<closer>)|(?:{_PLAIN})(?=[,:)\]}}])(?P<string>)|"
    r"(?:(?<=[\"'])|(?<=\\)\\*+[\"'])(?P<quote>)|\\*+)"
)
_QUOTE = re.compile(r"(\\*+)([\"'])|\\++")
_SPACE = re.compile(r"\s*+")
_LINE_END = re.compile(r"\n")
_OPENERS = {"]": "[", ")": "(", "}": "{"}
_ENDS_STRING = frozenset(",:;=}])\"'\\\n|")
_STARTS_STRING = frozenset("{[(,:=]}\"'\\")


@dataclass(slots=True, eq=False)
class Node:
    """A pair of brackets, or a quoted string.

    Attributes:
        kind: the opening bracket, or ``"`` for a string.
        start, end: the place of the opening mark, and the place after the closing one.
        inner: the place after the opening mark.
        stop: the place of the closing mark.
        children: brackets and strings inside, in order; those inside of a string are not looked at.
        is_closed: the closing mark is there.
        escapes: backslashes before each quote of a string.
    """

    kind: str
    start: int
    inner: int
    stop: int = -1
    end: int = -1
    children: list[Node] = field(default_factory=list)
    is_closed: bool = False
    escapes: int = 0

    def close(self, stop: int, end: int, is_closed: bool = True) -> None:
        """Sets where it ends."""
        self.stop, self.end, self.is_closed = stop, end, is_closed

    def gaps(self) -> Iterator[tuple[int, int]]:
        """The stretches of its inside that are not in a child."""
        place = self.inner
        for child in self.children:
            yield place, child.start
            place = child.end
        yield place, self.stop


def grow_tree(text: str, start: int, end: int) -> list[Node]:
    """The outermost brackets between two places of a flattened text."""
    root = Node("", start, start)
    stack = [root]
    closers = _Closers(text, end)
    n_open = dict.fromkeys("[({", 0)
    place = start
    while match := (_TOKEN if len(stack) > 1 else _TOP).search(text, place, end):
        begin, place = match.span()
        found, kind = match.lastgroup, text[begin]
        if found == "leaf" and _OPENERS[text[place - 1]] == kind:
            stack[-1].children.append(Node(kind, begin, begin + 1, place - 1, place, [], True))
        elif found == "string" and _begins_string(text, begin, kind, stack[-1]):
            stack[-1].children.append(Node('"', begin, begin + 1, place - 1, place, [], True))
        elif found == "quote":
            place = _take_string(text, match, stack[-1], closers, end)
        elif found == "closer" and n_open[_OPENERS[kind]]:
            _close(stack, n_open, _OPENERS[kind], begin, place)
        elif found in ("open", "leaf"):
            place = begin + 1
            node = Node(kind, begin, place)
            stack[-1].children.append(node)
            stack.append(node)
            n_open[kind] += 1
        elif found == "string":
            place = begin + 1
    for node in stack:
        node.close(end, end, False)
    return root.children


def _close(stack: list[Node], n_open: dict[str, int], kind: str, stop: int, end: int) -> None:
    """Closes the nearest bracket of this kind, and with it those that were opened since."""
    while True:
        node = stack.pop()
        n_open[node.kind] -= 1
        if node.kind == kind:
            node.close(stop, end)
            return
        node.close(stop, stop)


def _begins_string(text: str, place: int, quote: str, parent: Node) -> bool:
    """A quote after this place begins a string: behind a mark, or a double one behind anything but a letter."""
    before = place - 1
    while before > parent.start and text[before].isspace():
        before -= 1
    return text[before] in _STARTS_STRING or (quote == '"' and not text[before].isalpha())


def _take_string(text: str, match: re.Match[str], parent: Node, closers: _Closers, end: int) -> int:
    """Adds the string that a quote begins, if it does; gives where to go on."""
    start, inner = match.span()
    quote, escapes = text[inner - 1], inner - start - 1
    stop = closers.find(escapes, quote, inner) if _begins_string(text, start, quote, parent) else None
    if stop is None:
        return inner
    closed = min(stop + escapes + 1, end)
    parent.children.append(Node('"', start, inner, min(stop, end), closed, [], stop < end, escapes))
    return closed


class _Closers:
    """Where strings can end: at a quote with a separator, a bracket or the end of the line after it."""

    def __init__(self, text: str, end: int) -> None:
        self._text, self._end = text, end
        self._lines: list[int] | None = None
        self._places: dict[tuple[int, str], list[int]] = {}

    def _look(self, start: int) -> None:
        """Looks through the rest of the text once, when the first string is not plain."""
        text, end = self._text, self._end
        self._lines = [match.start() for match in _LINE_END.finditer(text, start, end)]
        for match in _QUOTE.finditer(text, start, end):
            if not match[2]:
                continue
            after = _SPACE.match(text, match.end(), end)
            place = after.end() if after else match.end()
            if place >= end or text[place] in _ENDS_STRING or "\n" in text[match.end() : place]:
                escapes = len(match[1])
                self._places.setdefault((escapes, match[2]), []).append(match.start())
                if escapes and escapes % 2 == 0:  # escaped backslashes before a plain quote
                    self._places.setdefault((0, match[2]), []).append(match.end() - 1)

    def find(self, escapes: int, quote: str, place: int) -> int | None:
        """The next end on the same line; the end of the text when the line has no other; None when the line ends first.

        Places are asked for in the order of the text.
        """
        if self._lines is None:
            self._look(place)
        lines = self._lines or []
        line = bisect_left(lines, place)
        limit = lines[line] if line < len(lines) else self._end
        places = self._places.get((escapes, quote), [])
        index = bisect_left(places, place)
        if index < len(places) and places[index] <= limit:
            return places[index]
        return None if limit < self._end else self._end
