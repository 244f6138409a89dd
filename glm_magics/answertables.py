"""Tables in an answer: those of Markdown parsed, values as rows, both as DataFrames."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import InputError, MissingExtraError
from .markdown import split_fence

_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_BAR = re.compile(r"(?<!\\)((?:\\\\)*)\|")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BLANKS = frozenset({"", "-", "–", "—", "n/a", "N/A", "NaN", "nan", "null", "None"})


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """One pipe table of an answer: names of columns, and rows of equally many cells, as text."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_frame(self) -> Any:
        """A pandas DataFrame; a column of nothing but numbers and blanks holds numbers, all others hold text.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        pandas = _pandas()
        columns = [_column([row[place] for row in self.rows]) for place in range(len(self.heads))]
        frame = pandas.DataFrame(dict(enumerate(columns)), index=range(len(self.rows)))
        frame.columns = list(self.heads)
        return frame


def _column(cells: Sequence[str]) -> list[Any]:
    values = [cell for cell in cells if cell not in _BLANKS]
    if not values or not all(_NUMBER.fullmatch(value) for value in values):
        return list(cells)
    if len(values) == len(cells) and all(re.fullmatch(r"[-+]?\d{1,18}", value) for value in values):
        return [int(cell) for cell in cells]
    return [float("nan") if cell in _BLANKS else float(cell) for cell in cells]


def parse_tables(text: str) -> list[AnswerTable]:
    """The pipe tables of a Markdown text in order; those inside of code blocks are code.

    A row with too few cells is filled up, one with too many is cut, as Markdown renderers do.
    """
    tables: list[AnswerTable] = []
    lines = _prose_lines(text)
    place = 0
    while place + 1 < len(lines):
        head, rule = lines[place], lines[place + 1]
        heads = _cells(head)
        if "|" not in head or "-" not in rule or not _RULE.fullmatch(rule) or len(_cells(rule)) != len(heads):
            place += 1
            continue
        place += 2
        rows = []
        while place < len(lines) and "|" in lines[place]:
            cells = _cells(lines[place])
            rows.append(tuple((cells + [""] * len(heads))[: len(heads)]))
            place += 1
        tables.append(AnswerTable(tuple(heads), tuple(rows)))
    return tables


def _prose_lines(text: str) -> list[str]:
    """The lines outside of fences; a fence leaves an empty one behind, which ends a table."""
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        found = split_fence(line.lstrip())
        if fence:
            if found and found[0].startswith(fence) and not found[1]:
                fence = ""
        elif found:
            fence = found[0]
            lines.append("")
        else:
            lines.append(line)
    return lines


def _cells(line: str) -> list[str]:
    """The cells of one line; ``\\|`` is a bar within a cell, and emphasis around a whole cell is dropped."""
    inner = line.strip()
    inner = inner.removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    pieces = _BAR.sub(lambda found: f"{found[1]}\x00", inner).split("\x00")
    return [_bare(piece.strip().replace("\\|", "|")) for piece in pieces]


def _bare(cell: str) -> str:
    for mark in ("**", "`"):
        inner = cell.removeprefix(mark).removesuffix(mark)
        if len(inner) == len(cell) - 2 * len(mark) and mark not in inner:
            return inner
    return cell


def rows_frame(value: Any) -> Any:
    """A DataFrame with a row for each item of a list; anything else is one row; objects within become ``outer.inner`` columns.

    Args:
        value: dicts, lists and plain values.

    Raises:
        MissingExtraError: pandas is not installed.
        InputError: there is no row in it.
    """
    pandas = _pandas()
    items = value if isinstance(value, list | tuple) else [value]
    if not items:
        return pandas.DataFrame()
    if any(item is None for item in items):
        raise InputError("There is no table in the answer.", "Ask for a list of objects, or for a Markdown table.")
    rows = [item if isinstance(item, Mapping) else {"value": item} for item in items]
    return pandas.json_normalize([dict(row) for row in rows])


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtraError.naming("tables", "A DataFrame needs pandas.") from None
    return pandas
