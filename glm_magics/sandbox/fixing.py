"""Mending a cell by rule: a name that is nearly right, a missing import, a missing colon. What fits no rule is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from tokenize import OP, TokenError, generate_tokens

_CODE = re.compile(r"^(`{3,})(?:python|py)\n(.*?)\n\1$", re.MULTILINE | re.DOTALL)
_ERROR = re.compile(r"^(\w*(?:Error|Exception|Interrupt|Warning|Exit|Iteration)\w*)(?:: (.*))?$", re.MULTILINE)
_LINE = re.compile(r"\bline (\d+)")
_NEAR = re.compile(r"^Names that are near the missing one: ([\w, ]+)\.$", re.MULTILINE)
_MEANT = re.compile(r"Did you mean:? ['`](\w+)['`]")
_ASKS = re.compile(r"\b(?:fix|mend|repair|explain|what went wrong|why)\b", re.IGNORECASE)
_WANTS_CODE = re.compile(r"\b(?:fix|mend|mended|repair|corrected)\b", re.IGNORECASE)

_CLOSING: Mapping[str, str] = {"(": ")", "[": "]", "{": "}"}
_IMPORTS: Mapping[str, str] = {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "sns": "import seaborn as sns",
    "Path": "from pathlib import Path",
    "Counter": "from collections import Counter",
    "defaultdict": "from collections import defaultdict",
    "dataclass": "from dataclasses import dataclass",
    "datetime": "from datetime import datetime",
    "timedelta": "from datetime import timedelta",
    **{name: f"import {name}" for name in ("math", "json", "re", "os", "sys", "random", "time", "csv", "itertools", "functools")},
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What a message tells of an error.

    Attributes:
        code: of the cell.
        kind, words: of the error.
        line: of the cell, from 1; 0 where none is told.
        near: names that the message calls near, best first.
    """

    code: str
    kind: str
    words: str
    line: int
    near: tuple[str, ...]

    def with_word(self, wrong: str, right: str) -> str:
        """The code with one word for another: in the failing line, or everywhere where that line does not have it."""
        pattern = re.compile(rf"(?<!\w){re.escape(wrong)}(?!\w)")
        lines = self.code.split("\n")
        place = self.line - 1
        if 0 <= place < len(lines) and pattern.search(lines[place]):
            lines[place] = pattern.sub(right, lines[place])
            return "\n".join(lines)
        return pattern.sub(right, self.code)

    def with_first(self, line: str) -> str:
        """The code with a line before all others, but behind a cell magic."""
        head, rest = self.code.split("\n", 1) if self.code.startswith("%%") and "\n" in self.code else ("", self.code)
        return "\n".join([*([head] if head else []), line, rest])


@dataclass(frozen=True, slots=True)
class Repair:
    """The mended code, and a sentence on what was wrong."""

    code: str
    sentence: str


def repair_in(text: str) -> tuple[Failure, Repair | None, bool] | None:
    """The failure that a message asks about, what a rule makes of it, and whether code is wanted; None: it asks about none."""
    found = _CODE.search(text)
    errors = _ERROR.findall(text[found.end() :]) if found else []
    if not found or not errors or not _ASKS.search(text):
        return None
    rest = text[found.end() :]
    kind, words = errors[0]
    told = _LINE.findall(rest[: rest.find(f"{kind}: {words}")])
    near = _NEAR.search(rest)
    names = [*_MEANT.findall(words), *(near[1].split(", ") if near else ())]
    failure = Failure(found[2], kind, words, int(told[-1]) if told else 0, tuple(names))
    return failure, _repair(failure), bool(_WANTS_CODE.search(text[: found.start()]))


def _repair(failure: Failure) -> Repair | None:
    """What the first rule that fits makes of it."""
    said = f"{failure.kind}: {failure.words}"
    for pattern, rule in _RULES:
        if (found := pattern.search(said)) and (made := rule(failure, found)) is not None and made.code != failure.code:
            return made
    return None


def say(failure: Failure, repair: Repair | None, wants_code: bool) -> str:
    """The answer's text."""
    if repair is None:
        return (
            f"The error is {failure.kind}. The sandbox mends by a few rules (a name that is nearly right, a missing import, a "
            "missing colon or bracket), and none of them fits here."
        )
    if not wants_code:
        return f"{repair.sentence} A rule of the sandbox says so; it has read nothing else of the cell."
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", repair.code)), default=0))
    return f"{repair.sentence} A rule of the sandbox mended it:\n\n{marks}python\n{repair.code}\n{marks}\n"


def _missing_name(failure: Failure, found: re.Match[str]) -> Repair | None:
    name = found[1]
    if name in _IMPORTS and not (failure.near and failure.near[0] in failure.code):
        return Repair(failure.with_first(_IMPORTS[name]), f"`{name}` is used and was never imported.")
    return _near_miss(failure, name, [*failure.near, *re.findall(r"[^\W\d]\w*", failure.code)], "is not defined")


def _missing_attribute(failure: Failure, found: re.Match[str]) -> Repair | None:
    return _near_miss(failure, found[1], failure.near, "is no attribute of it")


def _missing_keyword(failure: Failure, found: re.Match[str]) -> Repair | None:
    return _near_miss(failure, found[1], failure.near, "is no parameter of the function")


def _missing_key(failure: Failure, found: re.Match[str]) -> Repair | None:
    return _near_miss(failure, found[1], failure.near, "is no column")


def _missing_module(failure: Failure, found: re.Match[str]) -> Repair | None:
    return _near_miss(failure, found[1], failure.near, "is no module here")


def _near_miss(failure: Failure, wrong: str, names: Sequence[str], what: str) -> Repair | None:
    near = get_close_matches(wrong, [name for name in names if name != wrong], n=1, cutoff=0.6)
    if not near:
        return None
    return Repair(failure.with_word(wrong, near[0]), f"`{wrong}` {what}; `{near[0]}` is nearly the same word.")


def _missing_colon(failure: Failure, found: re.Match[str]) -> Repair | None:
    return _with_end(failure, ":", "A colon is missing at the end of the line.")


def _missing_bracket(failure: Failure, found: re.Match[str]) -> Repair | None:
    open_ones: list[str] = []
    with suppress(TokenError, IndentationError, SyntaxError):
        for token in generate_tokens(StringIO(failure.code).readline):
            if token.string in _CLOSING and token.type == OP:
                open_ones.append(token.string)
            elif token.string in _CLOSING.values() and token.type == OP and open_ones:
                open_ones.pop()
    ends = "".join(_CLOSING[sign] for sign in reversed(open_ones))
    return Repair(failure.code.rstrip() + ends, f"A `{open_ones[-1]}` is never closed.") if ends else None


def _with_end(failure: Failure, sign: str, sentence: str) -> Repair | None:
    lines = failure.code.split("\n")
    place = failure.line - 1
    if not 0 <= place < len(lines):
        return None
    lines[place] = f"{lines[place].rstrip()}{sign}"
    return Repair("\n".join(lines), sentence)


_RULES: tuple[tuple[re.Pattern[str], Callable[[Failure, re.Match[str]], Repair | None]], ...] = (
    (re.compile(r"^NameError: name '(\w+)' is not defined"), _missing_name),
    (re.compile(r"^AttributeError: .*has no attribute '(\w+)'"), _missing_attribute),
    (re.compile(r"^TypeError: .*unexpected keyword argument '(\w+)'"), _missing_keyword),
    (re.compile(r"^KeyError: ['\"]([^'\"]+)['\"]"), _missing_key),
    (re.compile(r"^ModuleNotFoundError: No module named '(\w+)'"), _missing_module),
    (re.compile(r"^ImportError: cannot import name '(\w+)'"), _missing_attribute),
    (re.compile(r"^SyntaxError: expected ':'"), _missing_colon),
    (re.compile(r"^\w*SyntaxError: (?:'[(\[{]' was never closed|incomplete input)"), _missing_bracket),
)
