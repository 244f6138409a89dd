"""Keys and values of an object or a call, found by what stands between its brackets and strings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .keys import plain_key
from .numbers import NUMBER, to_float
from .trees import Node

_WORD = re.compile(r"=>|[:=,;]|[^\s:=,;\\]+|\\+[nrt]?")
_MARKS = frozenset(":=,;")
_VALUE = re.compile(rf"({NUMBER})(%|px)?")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_MOST_LABEL = 5_000


@dataclass(slots=True)
class Member:
    """One key with its value.

    Attributes:
        key: plain; empty for a value without a key.
        name: the key as it is written.
        nodes: brackets and strings of the value.
        word: what is written without quotes, as a number or ``null``.
        span: the place of the whole value.
    """

    key: str
    name: str
    nodes: list[Node]
    word: str = ""
    span: tuple[int, int] = (0, 0)

    def measure(self, text: str) -> tuple[float, str] | None:
        """``(number, unit)`` when the value is one number, in quotes or not; the unit is ``%``, ``px`` or empty."""
        word = self.word
        if not word and len(self.nodes) == 1 and self.nodes[0].kind == '"':
            word = text[self.nodes[0].inner : self.nodes[0].stop].strip()
        match = _VALUE.fullmatch(word) if not (self.word and self.nodes) else None
        return (to_float(match[1]), match[2] or "") if match else None


_Token = tuple[str, int, int, Node | None]


def read_members(text: str, node: Node) -> list[Member]:
    """The members of a node in order; values without a key have an empty one."""
    if node.children and node.children[0].kind == '"' and (plain := _plain_members(text, node)):
        return plain
    members: list[Member] = []
    key: list[_Token] | None = None
    value: list[_Token] = []
    run: list[_Token] = []  # what may turn out to be a key
    for token in _tokens(text, node):
        mark, child = token[0], token[3]
        if mark in (":", "=", "=>") and run:
            if not value and key is not None:  # the value began in this run: its last word is the next key
                value, run = run[:-1], run[-1:]
            if key is not None or value:
                members.append(_member(text, key or [], value))
            key, value, run = run, [], []
        elif mark in (",", ";"):
            value, run = value + run, []
        elif child is not None and child.kind != '"':
            value, run = [*value, *run, token], []
        elif child is not None or (run and run[-1][3] is not None):
            value, run = value + run, [token]
        else:
            run.append(token)
    if key is not None or value or run:
        members.append(_member(text, key or [], value + run))
    return members


def _plain_members(text: str, node: Node) -> list[Member]:
    """The members of JSON as it should be, where each key and each value is a string or a list; none for any other node."""
    members: list[Member] = []
    place, mark = node.inner, ""
    children = iter(node.children)
    for named, value in zip(children, children, strict=False):
        if named.kind != '"' or text[place : named.start].strip() != mark or text[named.end : value.start].strip() != ":":
            return []
        name = text[named.inner : named.stop]
        members.append(Member(plain_key(name), name, [value], "", (value.start, value.end)))
        place, mark = value.end, ","
    is_whole = len(node.children) % 2 == 0 and text[place : node.stop].strip() in ("", ",")
    return members if is_whole else []


def _tokens(text: str, node: Node) -> list[_Token]:
    tokens: list[_Token] = []
    for (start, end), child in zip(node.gaps(), [*node.children, None], strict=True):
        mark = text[start:end].strip()
        if mark in _MARKS:
            tokens.append((mark, start, end, None))
        elif mark:
            tokens += [(match[0], *match.span(), None) for match in _WORD.finditer(text, start, end) if match[0][0] != "\\"]
        if child is not None:
            tokens.append(("", child.start, child.end, child))
    return tokens


def _member(text: str, key: list[_Token], value: list[_Token]) -> Member:
    name = " ".join([text[child.inner : child.stop] if child else word for word, _, _, child in key])
    nodes = [child for _, _, _, child in value if child is not None]
    words = " ".join([word for word, _, _, child in value if child is None]) if len(nodes) < len(value) else ""
    span = (value[0][1], value[-1][2]) if value else (0, 0)
    return Member(plain_key(name), name, nodes, words, span)


def read_string(original: str, node: Node) -> str:
    """What a string says, taken from the original text, with its escapes undone as often as it was escaped."""
    said = original[node.inner : node.stop]
    for _ in range(max(1, node.escapes.bit_length() + 1) if "\\" in said else 0):
        said = _UNICODE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2]), said)
    return clean_label(said)


def clean_label(said: str) -> str:
    """A label in one line, without control characters and surrogates that stand alone, of at most 5 000 characters."""
    if said.isprintable():  # nearly all are
        return said.strip()[:_MOST_LABEL]
    if not said.isascii() and any("\ud800" <= letter <= "\udfff" for letter in said):
        said = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROLS.sub(" ", said).strip()[:_MOST_LABEL]
