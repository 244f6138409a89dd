"""What holds for all rows of a frame that is shown in part: types, counts, means, extremes, as text.

Nobody can tell a mean from the first and the last five rows, and a model that is asked for one guesses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .cells import cut, to_word
from .dataframes import is_pandas, open_frame
from .groups import is_grouped
from .stylers import is_styler, shown_frame
from .tables import Column, Table, kept_places
from .tabletext import write_csv

_LINES = {"type": "type", "count": "count", "unique": "unique", "top": "top", "freq": "freq", "mean": "mean", "std": "std"}
_LINES |= {"min": "min", "50%": "median", "max": "max"}
"""What pandas' `describe` calls it, and what it is."""

_MAX_CHARS = 30
_MAX_ROWS_OF_WORDS = 200_000
"""Counting different words of more rows takes longer than drawing them."""


def summarise(value: Any, table: Table) -> str:
    """``describe()`` of the columns that `table` shows of `value`, as CSV; empty when no rows are left out.

    Of a lazy frame the types only: it is never computed whole.
    """
    if table.row_gap is None or isinstance(value, Table) or is_grouped(value):
        return ""
    frame = shown_frame(value) if is_styler(value) else value
    described = list(_describe_pandas(frame) if is_pandas(frame) else _describe_other(frame))
    lines = [line for line in _LINES if any(line in facts for _, facts in described)]
    labels = Column(("",), [_LINES[line] for line in lines], is_label=True)
    columns = [Column((name,), [facts.get(line, "") for line in lines]) for name, facts in described]
    if not lines:
        return ""
    return f"Of all {table.n_rows} rows:\n{write_csv(Table((labels, *columns), len(lines), len(columns)))}"


def _describe_pandas(frame: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    if not hasattr(frame, "columns"):
        frame = frame.to_frame("" if frame.name is None else frame.name)
    for place in kept_places(len(frame), len(frame.columns), None, None)[1]:
        column = frame.iloc[:, place]
        facts = {"type": str(column.dtype)}
        if len(column) <= _MAX_ROWS_OF_WORDS or getattr(column.dtype, "kind", "O") in "buifcmM":
            try:
                facts |= _words(column.describe(percentiles=[0.5]).items())
            except Exception:  # lists cannot be counted, objects of the user's may refuse anything
                facts |= {"count": str(int(column.count()))}
        yield _name(frame.columns[place]), facts


def _describe_other(frame: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    native, names, is_lazy = open_frame(frame)
    schema = native.collect_schema()
    own = schema.names()
    for place in kept_places(0, len(own), None, None)[1]:
        facts = {"type": str(schema[own[place]])}
        if not is_lazy:
            column = native[own[place]]
            facts["count"] = str(len(column) - column.null_count())
            if schema[own[place]].is_numeric() and len(column) > column.null_count():
                facts |= _words(
                    (line, getattr(column, call)())
                    for line, call in (("mean", "mean"), ("std", "std"), ("min", "min"), ("50%", "median"), ("max", "max"))
                )
        yield cut(names[place], _MAX_CHARS), facts


def _words(facts: Iterable[tuple[str, Any]]) -> dict[str, str]:
    return {line: _word(value) for line, value in facts if line in _LINES}


def _word(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    return cut(to_word(value, _MAX_CHARS), _MAX_CHARS)


def _name(name: Any) -> str:
    return cut("/".join(to_word(part, _MAX_CHARS) for part in (name if isinstance(name, tuple) else (name,))), _MAX_CHARS)
