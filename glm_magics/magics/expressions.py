"""A Python expression in the line of a magic: where it ends, and what its value is."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Mapping
from typing import Any

from ..errors import OptionError, one_line

_WORD = re.compile(r"(?<!\S)(?P<flag>[^\s=]+)\S*")


def split_expression(line: str, flags: Container[str]) -> tuple[str, str]:
    """``(expression, rest)``: the longest expression before the first option; quotes and brackets in it may hold anything.

    Args:
        line: of a magic.
        flags: its options, such as ``--into``.
    """
    words = list(_WORD.finditer(line))
    starts = [word.start() for word in words if word["flag"] in flags or word["flag"].startswith("--")]
    head = next((line[:start] for start in starts if is_expression(line[:start])), line[: starts[0]] if starts else line)
    ends = [word.end() for word in words if word.end() <= len(head)]
    end = next((end for end in reversed(ends) if is_expression(line[:end])), len(head))
    return line[:end].strip(), line[end:]


def is_expression(text: str) -> bool:
    """True when Python can read it, and when nothing is there."""
    try:
        ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return not text.strip()
    return True


def evaluate(source: str, names: Mapping[str, Any], way_out: str) -> Any:
    """The value of an expression of the user's own line.

    Raises:
        OptionError: it has none; `way_out` says what to name instead.
    """
    try:
        return eval(source, dict(names))
    except Exception as error:  # the user's own expression may raise anything
        said = f"{type(error).__name__}: {one_line(str(error), 200)}".rstrip(" .:")
        raise OptionError(f"`{one_line(source, 60)}` has no value: {said}.", way_out) from error
