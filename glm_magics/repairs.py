"""An error as a question to a model, and the answer as changes to the cell. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal, TypeAlias

from .errors import InputError
from .mishaps import Mishap
from .redaction import Bars

Wish: TypeAlias = Literal["fix", "explain"]

MAX_CELL_CHARS = 40_000
MAX_VALUE_CHARS = 1500

_WISHES: Mapping[Wish, str] = {
    "fix": (
        "The cell of a Jupyter notebook below failed. Say in one or two sentences what went wrong. Then give the whole cell, "
        "mended, in one ```python block: change what is needed and leave everything else as it is."
    ),
    "explain": (
        "The cell of a Jupyter notebook below failed. Explain in a few plain sentences what went wrong, why, and what to do. "
        "Do not write the whole cell again."
    ),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent.

    Attributes:
        text: with the secrets barred.
        bars: to put them back into what comes.
    """

    text: str
    bars: Bars


def ask_about(mishap: Mishap, wish: Wish, words: str, values: Mapping[str, str], bars: Bars) -> Question:
    """The question about an error.

    Args:
        mishap: the error.
        wish: what for.
        words: of the user's own; may be empty.
        values: by name, what the variables hold, where the user wants that sent.
        bars: what keeps secrets back.

    Raises:
        InputError: the cell is too long to come back whole.
    """
    source = mishap.source.strip("\n")
    if len(source) > MAX_CELL_CHARS:
        if wish == "fix":
            raise InputError(
                f"{mishap.place.capitalize()} has {len(source):,} characters: too many to come back whole.",
                "`%glm_explain` says what is wrong; or split the cell.",
            )
        half = MAX_CELL_CHARS // 2
        source = f"{source[:half]}\n# … {len(source) - 2 * half:,} characters left out …\n{source[-half:]}"
    sections = [
        _WISHES[wish],
        f"{mishap.place.capitalize()}:\n{_fenced(source, 'python')}",
        f"The error:\n{_fenced(_error(mishap), '')}",
        _listed("What the failing line names (types and sizes, no data):", mishap.shapes or {}),
        f"Names that are near the missing one: {', '.join(mishap.near)}." if mishap.near else "",
        "\n\n".join(f"`{name}` now holds:\n{_fenced(value[:MAX_VALUE_CHARS], '')}" for name, value in values.items()),
        words,
    ]
    text = bars.bar("\n\n".join(filter(None, sections)))
    if len(bars):
        text += "\n\nMarks like <secret-1> stand for secrets: leave them as they are."
    return Question(text, bars)


def _error(mishap: Mishap) -> str:
    """The user's frames as Python writes them, what was left out, and the error's words last."""
    lines = ["Traceback (most recent call last):"] if mishap.frames else []
    n_left_out = mishap.n_frames - len(mishap.frames)
    for n, frame in enumerate(mishap.frames):
        if n == 3 and n_left_out:
            lines.append(f"  … {n_left_out} more frames of the notebook's own code …")
        where = f", in {frame.function}" if frame.function else ""
        lines.append(f"  {frame.place}, line {frame.line}{where}")
        lines += [f"    {frame.code}"] if frame.code else []
    if mishap.libraries:
        counts = ", ".join(f"{n} of {name}" for name, n in mishap.libraries.items())
        lines.append(f"  … then frames of libraries, left out: {counts} …")
    said = f"{mishap.kind}: {mishap.message}" if mishap.message else mishap.kind
    return "\n".join([*lines, said, *(f"(with {other})" for other in mishap.before)])


def _listed(head: str, rows: Mapping[str, str]) -> str:
    return "\n".join([head, *(f"- `{name}`: {shape}" for name, shape in rows.items())]) if rows else ""


def _fenced(text: str, language: str) -> str:
    marks = "```"
    while marks in text:
        marks += "`"
    return f"{marks}{language}\n{text}\n{marks}"


def diff(before: str, after: str, name: str) -> str:
    """A unified diff of two cells; empty when they are the same but for blank lines around them."""
    old, new = before.strip("\n").rstrip().split("\n"), after.strip("\n").rstrip().split("\n")
    return "\n".join(unified_diff(old, new, name, "mended", lineterm=""))
