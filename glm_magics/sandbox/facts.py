"""What can truly be said about a text by counting: words, numbers, tables."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+(?:['’-][^\W_]+)*")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w|\.\d)")
_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?")
_MIN_CSV_LINES = 3


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how many of its cells are numbers, and their range and mean (0 when there are none)."""

    name: str
    n_numbers: int = 0
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table found in a text; `n_rows` without the header."""

    n_rows: int
    columns: tuple[Column, ...]


def count_words(text: str) -> int:
    """Words; each Chinese or Japanese character and each Korean syllable counts as one."""
    return sum(1 for _ in _WORD.finditer(text))


def numbers_in(text: str) -> list[float]:
    """The finite numbers written in a text, thousands separators read, in order."""
    numbers = (float(match.group().replace(",", "")) for match in _NUMBER.finditer(text))
    return [number for number in numbers if math.isfinite(number)]


def tables_in(text: str) -> list[Table]:
    """Tables written as Markdown or as CSV (comma, semicolon or tab; at least three lines)."""
    return [_table(rows) for rows in _grids(text.splitlines())]


def _grids(lines: Sequence[str]) -> Iterator[list[list[str]]]:
    start = 0
    while start < len(lines):
        rows, n_lines = _markdown_grid(lines, start)
        if not rows:
            rows, n_lines = _csv_grid(lines, start)
        if rows:
            yield rows
        start += max(1, n_lines)


def _markdown_grid(lines: Sequence[str], start: int) -> tuple[list[list[str]], int]:
    """A header, a rule of dashes and rows, each with a bar; ([], 0) when there is none here."""
    rule = lines[start + 1].strip() if start + 1 < len(lines) else ""
    if "|" not in lines[start] or "|" not in rule or not _RULE.fullmatch(rule):
        return [], 0
    end = start + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    kept = [lines[start], *lines[start + 2 : end]]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in kept], end - start


def _csv_grid(lines: Sequence[str], start: int) -> tuple[list[list[str]], int]:
    """Lines with the same number of separators; the widest separator that fits at least three lines."""
    for separator in "\t;,":
        n_cells = _n_cells(lines[start], separator)
        if n_cells < 2:
            continue
        end = start
        while end < len(lines) and _n_cells(lines[end], separator) == n_cells:
            end += 1
        if end - start >= _MIN_CSV_LINES:
            return [_cells(line, separator) for line in lines[start:end]], end - start
    return [], 0


def _cells(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _n_cells(line: str, separator: str) -> int:
    return len(_cells(line, separator)) if separator in line else 0


def _table(rows: Sequence[Sequence[str]]) -> Table:
    header, *body = rows
    columns = [_column(name, [row[i] for row in body if i < len(row)]) for i, name in enumerate(header)]
    return Table(len(body), tuple(columns))


def _column(name: str, cells: Sequence[str]) -> Column:
    numbers = [number for cell in cells for number in numbers_in(cell) if _NUMBER.fullmatch(cell)]
    if not numbers:
        return Column(name)
    return Column(name, len(numbers), min(numbers), max(numbers), sum(numbers) / len(numbers))
