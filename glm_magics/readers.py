"""Anything with rows and columns as a `Table`: dataframes of any library, a Styler, groups, tables that were read before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .cells import clean
from .dataframes import read_dataframe
from .groups import is_grouped, lay_out
from .stylers import appended_frames, is_styler, read_styler, shown_frame
from .tables import MAX_CELL_CHARS, Column, Table, shorten


def read_table(
    value: Any,
    max_rows: int | None = None,
    max_columns: int | None = None,
    max_chars: int = MAX_CELL_CHARS,
    is_exact: bool = False,
) -> Table:
    """What is shown of `value`: at most `max_rows` rows and `max_columns` columns of cells of `max_chars` letters.

    With `is_exact` numbers keep all their digits: of a Styler it is then the values that count, not their formats.

    Raises:
        MissingExtraError: the frame needs narwhals, which is not installed.
        InputError: there is no table in it, or a limit that is no count.
        MediaError: a cell's own ``str`` or a style fails; a Styler of too many cells.
    """
    limits = (max_rows, max_columns, max_chars)
    if isinstance(value, Table):
        return shorten(value, *limits)
    if is_styler(value):
        if not is_exact:
            return read_styler(value, *limits)
        frames = (shown_frame(value), *appended_frames(value))
        return _read_values(value, _stack(read_dataframe(frame, *limits, is_exact=True) for frame in frames))
    if is_grouped(value):
        frame, caption = lay_out(value)
        return replace(read_dataframe(frame, *limits, is_exact=is_exact), caption=caption)
    return read_dataframe(value, *limits, is_exact=is_exact)


def _stack(tables: Iterable[Table]) -> Table:
    """Tables of the same columns below each other."""
    first, *others = tables
    for table in others:
        n_above = len(first.columns[0].cells) if first.columns else 0
        row_gap = first.row_gap
        if row_gap is None and table.row_gap is not None:
            row_gap = n_above + table.row_gap
        columns = tuple(map(_join, first.columns, table.columns))
        first = replace(first, columns=columns, n_rows=first.n_rows + table.n_rows, row_gap=row_gap)
    return first


def _join(above: Column, below: Column) -> Column:
    return replace(
        above,
        cells=[*above.cells, *below.cells],
        is_number=above.is_number and below.is_number,
        is_rounded=above.is_rounded or below.is_rounded,
    )


def _read_values(styler: Any, table: Table) -> Table:
    """The values behind a Styler, `table`, without the labels that it hides."""
    labels = [column for column in table.columns if column.is_label]
    others = [column for column in table.columns if not column.is_label]
    kept = [label for label, is_hidden in zip(labels, styler.hide_index_, strict=True) if not is_hidden]
    caption = styler.caption if isinstance(styler.caption, str) else ""
    return replace(table, columns=(*kept, *others), caption=clean(caption), is_styled=True)
