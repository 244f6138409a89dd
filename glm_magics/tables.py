"""A small grid of text and how its cells look: what every frame becomes before it is drawn or written.

Of a long or wide one the head and the tail, the first and the last columns, are kept, and what is left out is marked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from .cells import cut
from .errors import InputError, one_line

MAX_ROWS, MIN_ROWS, MAX_COLUMNS = 60, 10, 20
"""As pandas: a frame of more than 60 rows shows 10; one of more than 20 columns shows 20."""

MAX_CELL_CHARS = 50


Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255, sRGB."""


@dataclass(frozen=True, slots=True)
class Look:
    """What sets a cell apart: the colours of its letters and of its ground, bold, bars.

    A bar is ``(from, to, colour)`` in shares of the cell's width.
    """

    ink: Colour | None = None
    fill: Colour | None = None
    is_bold: bool = False
    bars: tuple[tuple[float, float, Colour], ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a word per header level, a cell per row.

    Attributes:
        heads: from the outer level to the inner one; a word that repeats its left neighbour's is still there.
        is_number: set to the right.
        is_label: belongs to the index.
        is_gap: stands for the columns that are left out.
        is_rounded: a cell shows less than its value.
        looks, head_looks: of the cells by row, and of the heads by level, that do not look like all others.
    """

    heads: tuple[str, ...]
    cells: Sequence[str]
    is_number: bool = False
    is_label: bool = False
    is_gap: bool = False
    is_rounded: bool = False
    looks: Mapping[int, Look] = field(default_factory=dict)
    head_looks: Mapping[int, Look] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """What is shown of a frame, as text.

    Attributes:
        columns: those of the index first.
        n_rows, n_columns: of the whole frame, its index not counted.
        row_gap: the line of … that stands for rows left out.
        caption: a line above the table.
        is_styled: its colours and formats were chosen by someone.
    """

    columns: tuple[Column, ...] = field(repr=False)
    n_rows: int
    n_columns: int
    row_gap: int | None = None
    caption: str = ""
    is_styled: bool = False

    @property
    def is_empty(self) -> bool:
        """True when there is no cell to show."""
        return not self.n_rows or not self.n_columns

    @property
    def is_elided(self) -> bool:
        """True when rows or columns are left out."""
        return self.row_gap is not None or any(column.is_gap for column in self.columns)

    @property
    def is_rounded(self) -> bool:
        """True when a cell shows less than its value."""
        return any(column.is_rounded for column in self.columns)

    @property
    def has_looks(self) -> bool:
        """True when a cell or a head does not look like all others."""
        return any(column.looks or column.head_looks for column in self.columns)

    @property
    def shape_note(self) -> str:
        """The whole frame's shape in words."""
        return f"{self.n_rows} rows × {self.n_columns} columns"


def check_limits(max_rows: int | None, max_columns: int | None) -> None:
    """Nothing.

    Raises:
        InputError: a limit that is no count.
    """
    for name, limit in (("max_rows", max_rows), ("max_cols", max_columns)):
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise InputError(f"{name} is {one_line(repr(limit), 40)}.", "Give a count from 1 on, or leave it out.")


def kept_places(n_rows: int, n_columns: int, max_rows: int | None, max_columns: int | None) -> tuple[list[int], list[int]]:
    """``(rows, columns)`` that are shown of a frame of this size, by their places: head and tail, first and last."""
    rows = _kept(n_rows, max_rows or (MIN_ROWS if n_rows > MAX_ROWS else MAX_ROWS))
    return rows, _kept(n_columns, max_columns or MAX_COLUMNS)


def _kept(n: int, limit: int) -> list[int]:
    """Positions of the head and of the tail, `limit` together."""
    if n <= limit:
        return list(range(n))
    head = (limit + 1) // 2
    return [*range(head), *range(n - limit + head, n)]


def mark_gaps(table: Table, n_kept_rows: int, *, has_tail: bool = True) -> Table:
    """The table with a line and a column of … where rows and columns of the whole are missing; lines below stay as they are."""
    columns, row_gap = list(table.columns), None
    if n_kept_rows < table.n_rows:
        row_gap = (n_kept_rows + 1) // 2 if has_tail else n_kept_rows
        columns = [_with_gap(column, row_gap) for column in columns]
    n_shown = sum(not column.is_label for column in columns)
    if n_shown and n_shown < table.n_columns:
        place = len(columns) - n_shown + (n_shown + 1) // 2
        gap = Column(("…",) * len(columns[-1].heads), ("…",) * len(columns[-1].cells), is_gap=True)
        columns.insert(place, gap)
    return replace(table, columns=tuple(columns), row_gap=row_gap)


def _with_gap(column: Column, row_gap: int) -> Column:
    cells = [*column.cells[:row_gap], "…", *column.cells[row_gap:]]
    return replace(column, cells=cells, looks={row + (row >= row_gap): look for row, look in column.looks.items()})


def shorten(table: Table, max_rows: int | None, max_columns: int | None, max_chars: int) -> Table:
    """A table that holds all rows and columns, left out and cut as those of a frame.

    Raises:
        InputError: a limit that is no count.
    """
    check_limits(max_rows, max_columns)
    labels = [column for column in table.columns if column.is_label]
    others = [column for column in table.columns if not column.is_label]
    rows, places = kept_places(table.n_rows, len(others), max_rows, max_columns)
    kept = tuple(_cut_column(column, rows, max_chars) for column in (*labels, *(others[j] for j in places)))
    return mark_gaps(replace(table, columns=kept), len(rows))


def _cut_column(column: Column, rows: list[int], max_chars: int) -> Column:
    looks = {i: column.looks[row] for i, row in enumerate(rows) if row in column.looks}
    return _cut_cells(replace(column, cells=[column.cells[i] for i in rows], looks=looks), max_chars)


def cut_cells(table: Table, max_chars: int) -> Table:
    """The table with words of at most `max_chars` letters; numbers stay whole."""
    return replace(table, columns=tuple(_cut_cells(column, max_chars) for column in table.columns))


def _cut_cells(column: Column, max_chars: int) -> Column:
    heads = tuple(cut(head, max_chars) for head in column.heads)
    if column.is_number or all(len(cell) <= max_chars for cell in column.cells):
        return replace(column, heads=heads)
    return replace(column, heads=heads, cells=[cut(cell, max_chars) for cell in column.cells], is_rounded=True)


def without_repeats(labels: Sequence[Column]) -> list[Column]:
    """Outer labels that repeat the line above are left blank, as pandas does."""
    shown: list[Column] = []
    for level, label in enumerate(labels):
        cells = list(label.cells)
        if level < len(labels) - 1:
            for i in range(1, len(cells)):
                if all(outer.cells[i] == outer.cells[i - 1] for outer in labels[: level + 1]):
                    cells[i] = ""
        shown.append(replace(label, cells=cells))
    return shown
