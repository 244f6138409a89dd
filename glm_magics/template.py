"""The text of a cell, taken apart into words and ``{expressions}``.

Pure: it knows which names exist, not what they hold. What is a value and what is just a brace:

* ``{df}``, ``{df.describe()}``, ``{imgs[0]}``: a name, attribute, index or call whose first name exists → a value;
* ``{{name}}`` → the text ``{name}``;
* JSON, dict and set literals, ``{x:.2f}``, ``{ spaced }``, ``{}`` → as they are;
* a brace that LaTeX owns (``\\frac{a}{b}``, ``x_{i}``) → as it is;
* a plain unknown name outside a code fence → an error, before anything is sent.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from bisect import bisect_right
from collections.abc import Container, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from .errors import UnknownNameError

_LATEX_OWNER = re.compile(r"(?:\\[A-Za-z]+\*?(?:\[[^\]\n]*\])?|[_^])$")
_MAX_EXPRESSION_CHARS = 1000
_BRACE = re.compile(r"[{}]")
_HEAD = re.compile(r"[^\W\d]\w*\s*(?:[.\[(]|$)")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Literal:
    """Text to send as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Expression:
    """Source of a Python expression whose value stands here; `name` is its first name."""

    source: str
    name: str


Segment = Literal | Expression


def parse_template(text: str, names: Container[str], known: list[str] | None = None) -> list[Segment]:
    """Words and expressions in order; neighbouring words are one segment.

    Args:
        text: the cell.
        names: the names that exist in the notebook.
        known: the same for "did you mean", when `names` cannot be listed.

    Raises:
        UnknownNameError: a plain ``{name}`` outside a code fence that does not exist.
    """
    segments: list[Segment] = []
    words: list[str] = []
    position = 0
    latex_end = -1  # where the last brace that LaTeX owns ended: the next one continues it
    fences = _fence_spans(text)
    while (start := text.find("{", position)) >= 0:
        words.append(text[position:start])
        is_latex = start == latex_end or _LATEX_OWNER.search(text, max(0, start - 40), start) is not None
        end, segment = _read_brace(text, start, names, is_latex)
        if is_latex:
            latex_end = end
        if isinstance(segment, Expression) and segment.name not in names and not _is_builtin_call(segment):
            if _must_exist(segment, text, start, fences):
                raise _unknown(segment.name, known or [])
            segment = Literal(text[start:end])
        if isinstance(segment, Expression):
            if joined := "".join(words):
                segments.append(Literal(joined))
            words = []
            segments.append(segment)
        else:
            words.append(segment.text)
        position = end
    words.append(text[position:])
    if joined := "".join(words):
        segments.append(Literal(joined))
    return segments


def _read_brace(text: str, start: int, names: Container[str], is_latex: bool) -> tuple[int, Segment]:
    """Where the brace at `start` ends and what it is; a lone brace is one character of text."""
    if not is_latex and text.startswith("{{", start):
        for end in _closings(text, start + 1):
            inner = text[start + 2 : end]
            if text.startswith("}}", end) and _first_name(inner):
                return end + 2, Literal(f"{{{inner}}}")
    if is_latex:
        end = _balanced_end(text, start)
        return end, Literal(text[start:end])
    for end in _closings(text, start):
        inner = text[start + 1 : end]
        if name := _first_name(inner):
            return end + 1, Expression(inner, name)
    return start + 1, Literal("{")


def _closings(text: str, start: int) -> Iterator[int]:
    """Offsets of the braces that may close the one at `start`, nearest first, on no more than a few lines."""
    end = start
    for _ in range(8):
        end = text.find("}", end + 1, start + _MAX_EXPRESSION_CHARS)
        if end < 0:
            return
        yield end


def _balanced_end(text: str, start: int) -> int:
    """Just past the brace that balances the one at `start`; just past `start` itself when none does."""
    depth = 0
    for found in _BRACE.finditer(text, start, start + _MAX_EXPRESSION_CHARS):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return found.end()
    return start + 1


def _first_name(source: str) -> str:
    """The first name of a name, attribute, index or call; empty for every other text."""
    if source != source.strip() or not _HEAD.match(source):
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stray backslash in a quote: said when the value is made
            node: ast.expr = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_builtin_call(segment: Expression) -> bool:
    """``{len(df)}`` is meant; a bare ``{id}``, as in a URL pattern, is not."""
    return segment.source != segment.name and "(" in segment.source and hasattr(builtins, segment.name)


def _must_exist(segment: Expression, text: str, start: int, fences: list[tuple[int, int]]) -> bool:
    """A bare unknown name is most likely a slip, unless it stands in code or is a ``${shell}`` variable."""
    is_plain = segment.source == segment.name and not hasattr(builtins, segment.name)
    before = bisect_right(fences, (start, len(text))) - 1
    in_fence = before >= 0 and start < fences[before][1]
    return is_plain and not in_fence and text[start - 1 : start] != "$"


def _fence_spans(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    opening: re.Match[str] | None = None
    for found in _FENCE.finditer(text):
        if opening is None:
            opening = found
        elif found[1].startswith(opening[1]):
            spans.append((opening.start(), found.start()))
            opening = None
    return [*spans, (opening.start(), len(text))] if opening else spans


def _unknown(name: str, known: list[str]) -> UnknownNameError:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`?" if near else "has the cell that defines it been run?"
    return UnknownNameError(f"`{name}` is not defined; {hint}", f"Write {{{{{name}}}}} or use --raw for a plain brace.")
