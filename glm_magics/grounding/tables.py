"""Rows of a table with a place each: under columns like x1, y1, x2, y2, under two corners, or under a box."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .keys import CORNER_PAIRS, LABEL_KEYS, NAMED, box_from_names, plain_key
from .numbers import join_groups, read_group
from .values import Group, Span
from .vocabulary import cues_in

_HEAD = re.compile(r"^[^\n|]{0,80}\b(?:x_?[01]|x_?min|left|xtl)[\"']?[ \t]*[,;\t]", re.MULTILINE | re.IGNORECASE)
_SEPARATOR = re.compile(r"[,;\t]")


class Row(NamedTuple):
    """One row that holds a place.

    Attributes:
        group: its numbers; the span is the line.
        label: what a column of names says; empty when there is none.
        is_named: the head names each number.
    """

    group: Group
    label: str
    is_named: bool


class _Table(NamedTuple):
    """The head of a table: its columns as keys, those of names and of whole boxes, and what stands between cells."""

    columns: list[str]
    labelled: list[str]
    boxed: list[int]
    mark: str


def rows_of(text: str) -> Iterator[Row]:
    """The rows of Markdown tables, and of CSV whose head names four corners; a row that may still grow is left."""
    table: _Table | None = None
    place = 0
    for line in text.split("\n"):
        span = (place, place + len(line))
        place += len(line) + 1
        cells = _cells(line, table.mark) if table else []
        if table is None or ("|" in line) != (table.mark == "|") or not cells:
            table = _head_of(line)
        elif len(cells) == len(table.columns) and (line.rstrip().endswith("|") or place <= len(text)):
            yield from _places_in(cells, table, span)


def _cells(line: str, mark: str) -> list[str]:
    inside = line.strip().strip("|") if mark == "|" else line.strip()
    return [cell.strip(' *`"\t\r') for cell in inside.split(mark)] if mark in line else []


def _head_of(line: str) -> _Table | None:
    """The table that a line begins; None for any other line."""
    found = _SEPARATOR.search(line) if "|" not in line and _HEAD.match(line) else None
    mark = "|" if "|" in line else found[0] if found else ""
    if not mark:
        return None
    cells = _cells(line, mark)
    columns = [plain_key(cell) for cell in cells]
    known = set(columns)
    labelled = [key for key in LABEL_KEYS if key in known]
    if mark != "|":
        return _Table(columns, labelled, [], mark) if box_from_names(dict.fromkeys(columns, 0.0)) else None
    boxed = [i for i, cell in enumerate(cells) if {"box", "place"} & {kind for kind, _, _ in cues_in(cell.lower())}]
    return _Table(columns, labelled, boxed, mark)


def _places_in(cells: list[str], table: _Table, span: Span) -> Iterator[Row]:
    by_column = dict(zip(table.columns, cells, strict=True))
    label = next((by_column[key] for key in table.labelled if by_column[key]), "")
    group = _corners_of(by_column, span)
    if group is not None:
        yield Row(group, label, is_named=True)
    for i in table.boxed:
        whole = read_group(cells[i], 0, len(cells[i]))
        if whole is not None and len(whole.numbers) == 4:
            yield Row(whole._replace(span=span), label, is_named=False)


def _corners_of(cells: dict[str, str], span: Span) -> Group | None:
    """The box of a row whose columns are its numbers, or two of its corners."""
    groups = {key: group for key, cell in cells.items() if key in NAMED and (group := read_group(cell, 0, len(cell)))}
    box = box_from_names({key: group.numbers[0] for key, group in groups.items() if len(group.numbers) == 1})
    if box is not None:
        units = {group.unit for group in groups.values()}
        return Group(box, span, units.pop() if len(units) == 1 else "mixed", any(group.has_decimals for group in groups.values()))
    for pair in CORNER_PAIRS:
        corners = [cells[key].strip("[]() ") for key in pair if key in cells]
        pairs = [group for corner in corners if (group := read_group(corner, 0, len(corner))) and len(group.numbers) == 2]
        if len(pairs) == 2:
            return join_groups(pairs, span)
    return None
