"""Rows of the user's own data by the likeness of their texts. Data in, data of the same kind out, with columns added.

A list of texts gives a list of `Hit`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, TypeAlias

from .errors import InputError, MissingExtraError, OptionError, one_line
from .grammar import kind_of
from .options import nearest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]
    Rows: TypeAlias = npt.NDArray[np.int64]

EMBED_OPTIONS = ("dimensions", "model", "long", "precision", "cache", "quiet")
"""Of `glm_magics.embed`, which whatever embeds takes too."""


class Hit(NamedTuple):
    """A text of a list, and what was found out about it; `row` is its place, `facts` what a frame would get as columns."""

    row: int
    text: str
    facts: Mapping[str, Any]

    @property
    def score(self) -> float:
        """The cosine."""
        return float(self.facts["score"])


class Data:
    """Something with texts: a frame with a column of them, a column, or a list.

    Args:
        value: pandas, polars, pyarrow, … or a list of strings.
        on: the name of the column, of no matter where there is but one; None where no column is needed.

    Raises:
        InputError: it is none of these, or has no such column.
        MissingExtraError: it needs narwhals.
    """

    def __init__(self, value: Any, on: str | None) -> None:
        self._frame: Any = None
        self.column: Any = value
        if (bare := _read_bare(value)) is not None:
            self.column = bare
            return
        self._frame = _read_frame(value)
        if on is not None:
            names = self._frame.columns
            self.column = self._find(names[0] if len(names) == 1 else on).to_native()

    def _find(self, name: Any) -> Any:
        """A column by its name, or by the name as text.

        Raises:
            InputError: there is none.
        """
        names = [] if self._frame is None else self._frame.columns
        if not isinstance(name, (str, *map(type, names))):
            raise InputError(f"{kind_of(name)} names no column.", "Give a column's name, or a NumPy array with a vector a row.")
        found = next((own for own in names if own == name), None)
        if found is None:
            found = next((own for own in names if str(own) == name), None)
        if found is None:
            raise InputError(f"There is no column `{one_line(str(name), 40)}`.", nearest(str(name), self.names))
        return self._frame.get_column(found)

    def __len__(self) -> int:
        return len(self.column) if self._frame is None else len(self._frame)

    @property
    def names(self) -> list[str]:
        """Of the columns; none of a list."""
        return [] if self._frame is None else list(map(str, self._frame.columns))

    def values(self, name: str) -> list[Any]:
        """A column as a list.

        Raises:
            InputError: there is no such column.
        """
        return self._find(name).to_list()  # type: ignore[no-any-return]

    def take(self, rows: Rows, added: Mapping[str, Any]) -> Any:
        """These rows, in this order, with columns added; a name that is taken gets an underscore."""
        if self._frame is None:
            columns = {name: _to_list(values) for name, values in added.items()}
            return [
                Hit(row, self.column[row], {name: values[i] for name, values in columns.items()})
                for i, row in enumerate(rows.tolist())
            ]
        import narwhals as nw

        part = self._frame[rows.tolist()]
        series = []
        for name, values in added.items():
            while name in self._frame.columns:
                name += "_"
            series.append(nw.new_series(name, values, backend=nw.get_native_namespace(part)))
        return part.with_columns(*series).to_native()


def _to_list(values: Any) -> list[Any]:
    """Python's own values; of a float32 the digits that it has."""
    if getattr(values, "dtype", None) is None:
        return list(values)
    plain: list[Any] = (values.astype("f8").round(6) if values.dtype.kind == "f" else values).tolist()
    return plain


def _read_bare(value: Any) -> list[Any] | None:
    """The values of a list, or of a column whose library has no frames; None for everything else."""
    if isinstance(value, list | tuple):
        return value if isinstance(value, list) else list(value)
    root, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if root == "numpy" and getattr(value, "ndim", 0) == 1:
        return list(value.tolist())
    if root == "pyarrow" and kind.endswith("Array") and kind != "ChunkedArray":
        return list(value.to_pylist())
    return list(value) if root == "pandas" and kind == "Index" else None


def _read_frame(value: Any) -> Any:
    try:
        import narwhals as nw
    except ImportError:
        kind = type(value).__module__.partition(".")[0]
        raise MissingExtraError.naming("embeddings", f"Data of {kind} is read with narwhals, which is not installed.") from None
    try:
        frame = nw.from_native(value, allow_series=True)
    except TypeError:
        raise InputError(f"{kind_of(value)} is no data to search.", "Give a list of strings, a column, or a frame.") from None
    except nw.exceptions.DuplicateError:
        raise InputError("Columns of this frame share a name.", "Each column needs a name of its own.") from None
    if isinstance(frame, nw.LazyFrame):
        raise InputError("This frame is lazy: it has no rows yet.", "Give `frame.collect()`.")
    return frame.to_frame() if isinstance(frame, nw.Series) else frame


def read_matrix(value: Any, n_rows: int | None = None) -> Any:
    """Vectors that the user made or got before, as float32 of unit length; None where `value` is no array.

    Raises:
        InputError: they cannot be compared: not finite, of a wrong shape, no numbers.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray) or value.dtype.kind not in "fiu":
        return None
    from .vectors import to_unit

    matrix = value[None] if value.ndim == 1 else value
    if matrix.ndim != 2 or not matrix.shape[1] or (n_rows is not None and len(matrix) != n_rows):
        wanted = f"one vector for each of {n_rows:,} rows" if n_rows is not None else "a vector, or a matrix of vectors"
        raise InputError(f"The array has the shape {value.shape}.", f"Give {wanted}.")
    with numpy.errstate(over="ignore"):
        matrix = numpy.ascontiguousarray(matrix, numpy.float32)
    if not numpy.isfinite(matrix).all():
        raise InputError("The array holds NaN or infinity.", "Embed the texts again, or leave those rows out.")
    return to_unit(matrix)


def check_options(options: Mapping[str, Any], others: Sequence[str] = ()) -> None:
    """What is handed on to `glm_magics.embed`; `others` are the names that it could have been meant for.

    Raises:
        OptionError: there is no such option.
    """
    for name in options:
        if name not in EMBED_OPTIONS:
            raise OptionError(f"There is no option `{one_line(name, 40)}`.", nearest(name, [*EMBED_OPTIONS, *others]))


def check_count(name: str, value: object, most: int | None = None) -> int:
    """A whole number from 1 on.

    Raises:
        InputError: it is none.
    """
    number = read_integer(value)
    if number is None or number < 1 or (most is not None and number > most):
        span = f"from 1 to {most:,}" if most is not None else "from 1 on"
        raise InputError(f"{name} is {one_line(repr(value), 40)}.", f"Give a whole number {span}.")
    return number


def check_seed(value: object) -> int:
    """A whole number from 0 on that every generator takes.

    Raises:
        InputError: it is none.
    """
    number = read_integer(value)
    if number is None or not 0 <= number < 2**32:
        raise InputError(f"seed is {one_line(repr(value), 40)}.", "Give a whole number from 0 on, below 2³².")
    return number


def read_integer(value: object) -> int | None:
    """A whole number, of Python or NumPy; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return None
    try:
        return index(value)
    except TypeError:  # an array, NumPy's bool
        return None


def in_groups(first: Rows) -> tuple[Rows, Rows]:
    """Rows that share their group with another, and the number of their group; groups in the order of their first rows.

    Args:
        first: for each row the first row of its group.
    """
    import numpy as np

    sizes = np.bincount(first, minlength=len(first))
    rows = np.flatnonzero(sizes[first] > 1)
    rows = rows[np.lexsort((rows, first[rows]))]
    _, groups = np.unique(first[rows], return_inverse=True)
    return rows, groups


def choose_count(matrix: Floats, candidates: Sequence[int]) -> int:
    """The number of clusters that fits best, by how much nearer rows are to their own centre than to the next one."""
    import numpy as np

    from .vectors import find_clusters, find_nearest

    best, best_score = candidates[0], -1.0
    for n in candidates:
        found = find_clusters(matrix, n, n_starts=3)
        if len(found.centres) < 2:
            continue
        _, cosines = find_nearest(found.centres, matrix, 2)
        own, other = 1 - cosines[:, 0], 1 - cosines[:, 1]
        score = float(np.mean((other - own) / np.maximum(other, 1e-9)))
        if score > best_score + 1e-6:
            best, best_score = n, score
    return best
