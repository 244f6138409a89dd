"""A dataframe of any library as a `Table`.

pandas is read as it is; polars, pyarrow, DuckDB, Modin and the like through narwhals. The frame is never copied whole.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .cells import cut, format_column, to_word
from .errors import InputError, MediaError, MissingExtraError, one_line
from .grammar import kind_of
from .tables import MAX_CELL_CHARS, Column, Table, check_limits, kept_places, mark_gaps, without_repeats


def read_dataframe(
    frame: Any,
    max_rows: int | None = None,
    max_columns: int | None = None,
    max_chars: int = MAX_CELL_CHARS,
    is_exact: bool = False,
) -> Table:
    """The frame as a `Table`: at most `max_rows` rows and `max_columns` columns of cells of `max_chars` letters.

    With `is_exact` floats keep all their digits, texts their spaces, and every line all of its labels.

    Raises:
        MissingExtraError: the frame needs narwhals, which is not installed.
        InputError: no dataframe, or a limit that is no count.
        MediaError: a cell's own ``str`` fails.
    """
    check_limits(max_rows, max_columns)
    source = _PandasSource(frame) if is_pandas(frame) else _NarwhalsSource(frame)
    rows, columns = kept_places(source.n_rows, source.n_columns, max_rows, max_columns)
    if not source.has_tail:
        rows = list(range(len(rows)))
    read = source.read(rows, columns, _Writing(max_chars, is_exact))
    return mark_gaps(Table(tuple(read), source.n_rows, source.n_columns), len(rows), has_tail=source.has_tail)


@dataclass(frozen=True, slots=True)
class _Writing:
    max_chars: int
    is_exact: bool


def _column(heads: Sequence[Any], values: Sequence[Any], how: _Writing, *, is_label: bool = False) -> Column:
    what = "The name of a column"
    try:
        names = tuple(cut(_head(head, how.max_chars), how.max_chars) for head in heads)
        what = f"A cell of the column `{names[-1]}`" if not is_label else "A label of the index"
        cells, is_number, is_rounded = format_column(values, how.max_chars, how.is_exact)
    except Exception as error:  # a __str__ or __repr__ of the user's own may raise anything
        said = one_line(str(error), 120).rstrip(".") or type(error).__name__
        raise MediaError(f"{what} cannot be written: {said}.", "Does print() work on it?") from error
    return Column(names, cells, is_number, is_label, is_rounded=is_rounded)


def _head(value: Any, max_chars: int) -> str:
    return ", ".join(to_word(part, max_chars) for part in value) if isinstance(value, tuple) else to_word(value, max_chars)


def is_pandas(frame: Any) -> bool:
    """True for pandas' own frames and series and for classes made from them."""
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
        return labels if how.is_exact else without_repeats(labels)


class _NarwhalsSource:
    """Every other frame. A lazy one is asked for its length and its first rows, never for all of it."""

    n_levels = 1

    def __init__(self, frame: Any) -> None:
        self._frame, self._names, is_lazy = open_frame(frame)
        self.has_tail = not is_lazy
        self._columns = self._frame.collect_schema().names()
        self.n_columns = len(self._columns)
        if is_lazy:
            self.n_rows = int(self._frame.select(_narwhals(frame).len()).collect().item())
        else:
            self.n_rows = len(self._frame)

    def read(self, rows: list[int], columns: list[int], how: _Writing) -> list[Column]:
        """The columns; there is no index."""
        chosen = [self._columns[j] for j in columns]
        if not chosen:
            return []
        part = self._frame.select(chosen)
        part = part[rows] if self.has_tail else part.head(len(rows)).collect()
        return [_column([self._names[j]], part[own].to_list(), how) for own, j in zip(chosen, columns, strict=True)]


def open_frame(frame: Any) -> tuple[Any, list[str], bool]:
    """``(narwhals frame, names of its columns, is lazy)``; the names may repeat where those within the frame may not.

    Raises:
        MissingExtraError: narwhals is not installed.
        InputError: it is no dataframe.
    """
    nw = _narwhals(frame)
    if type(frame).__name__ == "RecordBatch":
        frame = sys.modules["pyarrow"].Table.from_batches([frame])
    names: list[str] = []
    if type(frame).__name__ == "Table" and len(set(frame.column_names)) < len(frame.column_names):
        names = list(map(str, frame.column_names))
        frame = frame.rename_columns([f"{i} {name}" for i, name in enumerate(names)])
    try:
        native = nw.from_native(frame, allow_series=True)
    except TypeError:
        raise InputError(
            f"{kind_of(frame)} is no dataframe.",
            "Give one of pandas, polars, pyarrow, …; what shows itself as an HTML table becomes one by glm.as_tables(it)[0].",
        ) from None
    native = native.to_frame() if isinstance(native, nw.Series) else native
    return native, names or native.collect_schema().names(), isinstance(native, nw.LazyFrame)


def _narwhals(frame: Any) -> Any:
    try:
        import narwhals
    except ImportError:
        raise MissingExtraError.naming(
            "tables",
            f"A frame of {type(frame).__module__.partition('.')[0]} is read with narwhals, which is not installed.",
        ) from None
    return narwhals
