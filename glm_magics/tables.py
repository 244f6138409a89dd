"""Any dataframe as a small grid of text: head and tail, first and last columns, what is left out marked.

pandas is read as it is; polars, pyarrow, DuckDB, Modin and the like through narwhals. The frame is never copied whole.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .cells import cut, format_column, to_word
from .errors import InputError, MediaError, MissingExtraError, one_line

MAX_ROWS, MIN_ROWS, MAX_COLUMNS = 60, 10, 20
"""As pandas: a frame of more than 60 rows shows 10; one of more than 20 columns shows 20."""

MAX_CELL_CHARS = 50


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a word per header level, a cell per row.

    Attributes:
        heads: from the outer level to the inner one; a word that repeats its left neighbour's is still there.
        is_number: set to the right.
        is_label: belongs to the index.
        is_gap: stands for the columns that are left out.
        is_rounded: a cell shows less than its value.
    """

    heads: tuple[str, ...]
    cells: Sequence[str]
    is_number: bool = False
    is_label: bool = False
    is_gap: bool = False
    is_rounded: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """What is shown of a frame; `n_rows` and `n_columns` count all of it, `row_gap` is the line of … for rows left out."""

    columns: tuple[Column, ...]
    n_rows: int
    n_columns: int
    row_gap: int | None = None

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
    def shape_note(self) -> str:
        """The whole frame's shape in words."""
        return f"{self.n_rows} rows × {self.n_columns} columns"


def read_table(
    frame: Any,
    max_rows: int | None = None,
    max_columns: int | None = None,
    max_chars: int = MAX_CELL_CHARS,
    is_exact: bool = False,
) -> Table:
    """The frame as a `Table`: at most `max_rows` rows and `max_columns` columns of cells of `max_chars` letters.

    With `is_exact` floats keep all their digits.

    Raises:
        MissingExtraError: the frame needs narwhals, which is not installed.
        InputError: no dataframe, or a limit that is no count.
        MediaError: a cell's own ``str`` fails.
    """
    for name, limit in (("max_rows", max_rows), ("max_cols", max_columns)):
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise InputError(f"{name} is {one_line(repr(limit), 40)}.", "Give a count from 1 on, or leave it out.")
    source = _PandasSource(frame) if _is_pandas(frame) else _NarwhalsSource(frame)
    rows = _kept(source.n_rows, max_rows or (MIN_ROWS if source.n_rows > MAX_ROWS else MAX_ROWS))
    if not source.has_tail:
        rows = list(range(len(rows)))
    columns = source.read(rows, _kept(source.n_columns, max_columns or MAX_COLUMNS), _Writing(max_chars, is_exact))
    row_gap = None
    if len(rows) < source.n_rows:
        row_gap = (len(rows) + 1) // 2 if source.has_tail else len(rows)
        columns = [_with_gap(column, row_gap) for column in columns]
    n_shown = sum(not column.is_label for column in columns)
    if n_shown < source.n_columns:
        n_labels = len(columns) - n_shown
        gap = Column(("…",) * source.n_levels, ("…",) * (len(rows) + (row_gap is not None)), is_gap=True)
        columns.insert(n_labels + (n_shown + 1) // 2, gap)
    return Table(tuple(columns), source.n_rows, source.n_columns, row_gap)


def _kept(n: int, limit: int) -> list[int]:
    """Positions of the head and of the tail, `limit` together."""
    if n <= limit:
        return list(range(n))
    head = (limit + 1) // 2
    return [*range(head), *range(n - limit + head, n)]


def _with_gap(column: Column, row_gap: int) -> Column:
    cells = [*column.cells[:row_gap], "…", *column.cells[row_gap:]]
    return Column(column.heads, cells, column.is_number, column.is_label, column.is_gap, column.is_rounded)


@dataclass(frozen=True, slots=True)
class _Writing:
    max_chars: int
    is_exact: bool


def _column(heads: Sequence[Any], values: Sequence[Any], how: _Writing, *, is_label: bool = False) -> Column:
    names = tuple(cut(_head(head, how.max_chars), how.max_chars) for head in heads)
    try:
        cells, is_number, is_rounded = format_column(values, how.max_chars, how.is_exact)
    except Exception as error:  # a cell's own __str__ or __repr__ may raise anything
        said = one_line(str(error), 120).rstrip(".") or type(error).__name__
        raise MediaError(
            f"A cell of the column `{names[-1] if names else ''}` cannot be written: {said}.", "Does print() work on it?"
        ) from error
    return Column(names, cells, is_number, is_label, is_rounded=is_rounded)


def _head(value: Any, max_chars: int) -> str:
    return ", ".join(to_word(part, max_chars) for part in value) if isinstance(value, tuple) else to_word(value, max_chars)


def _is_pandas(frame: Any) -> bool:
    return any(
        base.__module__.partition(".")[0] == "pandas" and base.__name__ in ("DataFrame", "Series") for base in type(frame).__mro__
    )


class _PandasSource:
    """pandas frames and series, duplicate names and all: columns are taken by position."""

    has_tail = True

    def __init__(self, frame: Any) -> None:
        if not hasattr(frame, "columns"):
            frame = frame.to_frame("" if frame.name is None else frame.name)
        self._frame = frame
        self.n_rows, self.n_columns = len(frame), len(frame.columns)
        self._is_named_across = any(name is not None for name in frame.columns.names)
        self._is_named_down = any(name is not None for name in frame.index.names)
        self.n_levels = frame.columns.nlevels + (self._is_named_across and self._is_named_down)

    def read(self, rows: list[int], columns: list[int], how: _Writing) -> list[Column]:
        """The labels, then the columns."""
        frame = self._frame
        shown = frame.iloc[rows] if len(columns) == self.n_columns else frame.iloc[rows, columns]
        read = self._labels(shown.index, how)
        for j in range(len(columns)):
            name = shown.columns[j]
            heads = list(name) if frame.columns.nlevels > 1 else [name]
            heads += [""] * (self.n_levels - len(heads))
            values = shown.iloc[:, j]
            if str(values.dtype) in ("float32", "float16"):
                values = values.to_numpy()  # iterating a series widens them: 0.1 becomes 0.10000000149
            read.append(_column(heads, list(values), how))
        return read

    def _labels(self, index: Any, how: _Writing) -> list[Column]:
        """A column per level of the index; the last one's head also holds the names of the column levels."""
        labels = []
        for level in range(index.nlevels):
            heads = [""] * (self.n_levels - 1) + ["" if index.names[level] is None else index.names[level]]
            if self._is_named_across and level == index.nlevels - 1:
                for i, name in enumerate(self._frame.columns.names):
                    heads[i] = heads[i] if name is None else name
            values = list(index.get_level_values(level))
            labels.append(_column(heads, values, how, is_label=True))
        return _without_repeats(labels)


def _without_repeats(labels: list[Column]) -> list[Column]:
    """Outer labels that repeat the line above are left blank, as pandas does."""
    shown: list[Column] = []
    for level, label in enumerate(labels):
        cells = list(label.cells)
        if level < len(labels) - 1:
            for i in range(1, len(cells)):
                if all(outer.cells[i] == outer.cells[i - 1] for outer in labels[: level + 1]):
                    cells[i] = ""
        shown.append(Column(label.heads, cells, label.is_number, is_label=True, is_rounded=label.is_rounded))
    return shown


class _NarwhalsSource:
    """Every other frame. A lazy one is asked for its length and its first rows, never for all of it."""

    n_levels = 1

    def __init__(self, frame: Any) -> None:
        nw = _narwhals(frame)
        if type(frame).__name__ == "RecordBatch":
            frame = sys.modules["pyarrow"].Table.from_batches([frame])
        if type(frame).__name__ == "Table" and len(set(frame.column_names)) < len(frame.column_names):
            self._names = list(map(str, frame.column_names))
            frame = frame.rename_columns([f"{i} {name}" for i, name in enumerate(self._names)])
        else:
            self._names = []
        try:
            native = nw.from_native(frame, allow_series=True)
        except TypeError:
            raise InputError(f"A {type(frame).__name__} is no dataframe.", "Give one of pandas, polars, pyarrow, …") from None
        self._frame = native.to_frame() if isinstance(native, nw.Series) else native
        self.has_tail = not isinstance(self._frame, nw.LazyFrame)
        self._columns = self._frame.collect_schema().names()
        self.n_columns = len(self._columns)
        self.n_rows = len(self._frame) if self.has_tail else int(self._frame.select(nw.len()).collect().item())

    def read(self, rows: list[int], columns: list[int], how: _Writing) -> list[Column]:
        """The columns; there is no index."""
        chosen = [self._columns[j] for j in columns]
        if not chosen:
            return []
        part = self._frame.select(chosen)
        part = part[rows] if self.has_tail else part.head(len(rows)).collect()
        names = [self._names[j] for j in columns] if self._names else chosen
        return [_column([name], part[own].to_list(), how) for own, name in zip(chosen, names, strict=True)]


def _narwhals(frame: Any) -> Any:
    try:
        import narwhals
    except ImportError:
        raise MissingExtraError.naming(
            "tables",
            f"A frame of {type(frame).__module__.partition('.')[0]} is read with narwhals, which is not installed.",
        ) from None
    return narwhals
