"""pandas GroupBy objects as a frame: the first rows of each group, below its key and its size."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import InputError
from .grammar import plural
from .tables import MAX_ROWS

_FIRST_ROWS = 3


def is_grouped(value: Any) -> bool:
    """True for what `groupby`, `resample`, `rolling`, `group_by`, … give, of pandas and polars."""
    return any(
        (base.__module__.startswith("pandas.core.") and base.__name__ in ("BaseGroupBy", "BaseWindow"))
        or (base.__module__.startswith("polars.") and base.__name__.endswith("GroupBy"))
        for base in type(value).__mro__
    )


def lay_out(grouped: Any) -> tuple[Any, str]:
    """``(frame, caption)``: up to three first rows of every group, fewer where that would be more than 60 lines.

    The index holds the keys, the number of rows of the group (``rows``) and the row's own label. Other columns stay as they are.

    Raises:
        InputError: windows, resamplings and other libraries' groups, which have no rows until they are aggregated.
    """
    kind = type(grouped).__name__
    if kind not in ("DataFrameGroupBy", "SeriesGroupBy"):
        raise InputError(
            f"A {kind} is no table until its groups are aggregated.", "Send what .mean(), .agg(…) or the like makes of it."
        )
    sizes, numbers = _sizes(grouped), _numbers(grouped)
    n_first = max(1, min(_FIRST_ROWS, MAX_ROWS // max(1, len(sizes))))
    frame = grouped.head(n_first)  # in the order of the whole frame
    if not hasattr(frame, "columns"):
        frame = frame.to_frame("" if frame.name is None else frame.name)
    others = [j for j, name in enumerate(frame.columns) if name not in grouped.exclusions]
    frame = frame.iloc[:, others] if others else frame
    first = numbers[(numbers >= 0) & (_as_array(grouped.cumcount()) < n_first)].astype(int)
    order = first.argsort(kind="stable")
    frame = frame.iloc[order]
    frame.index = _with_keys(frame.index, sizes, first[order])
    rows = "row" if n_first == 1 else f"{n_first} rows"
    return frame, f"{plural(len(sizes), 'group')} of {plural(int(sizes.sum()), 'row')}; the first {rows} of each"


def _sizes(grouped: Any) -> Any:
    """Rows per group as a series over the keys; keys that no row has are left out."""
    sizes = grouped.size()
    if hasattr(sizes, "columns"):  # as_index=False
        sizes = sizes.set_index(list(sizes.columns[:-1]))[sizes.columns[-1]]
    return sizes[sizes > 0]


def _numbers(grouped: Any) -> Any:
    """For each row of the whole the number of its group; -1 where its key is missing."""
    import numpy as np

    return np.nan_to_num(_as_array(grouped.ngroup()), nan=-1)


def _as_array(series: Any) -> Any:
    return series.to_numpy(dtype=float)


def _with_keys(index: Any, sizes: Any, numbers: Any) -> Any:
    """An index of the keys, the sizes, and the labels that were there."""
    keys = sizes.index.take(numbers)
    levels = [keys.get_level_values(i) for i in range(keys.nlevels)]
    own = [index.get_level_values(i) for i in range(index.nlevels)]
    names = [*keys.names, "rows", *index.names]
    return import_module("pandas").MultiIndex.from_arrays([*levels, sizes.to_numpy()[numbers], *own], names=names)
