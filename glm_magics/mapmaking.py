"""From a user's data to a map: which rows, which vectors, which colours, which names. ``glm.atlas`` is its face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .atlases import Atlas, Sheet
from .cartography.colouring import Colouring, colour_by, colour_nothing
from .cartography.keeping import find_points
from .cartography.names import typical_words
from .cartography.projection import rotate
from .errors import InputError, one_line
from .grammar import kind_of, plural
from .similarity import Data, check_count, check_options, check_seed, choose_count, read_integer, read_matrix
from .texts import read_texts
from .vectors import find_clusters, find_nearest, to_unit
from .vectorstore import LocalStore, VectorStore

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]
    Rows: TypeAlias = npt.NDArray[np.int64]

MOST_POINTS = 200_000
"""Shown at once where nothing else is said: what a browser moves smoothly, and what PaCMAP lays out in a minute or two."""

N_FOUND = 50
CLUSTER = "cluster"
_NAME = "name"
_N_STARTS = 5
_CLUSTER_COUNTS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 18)
_COUNTED_ROWS = 4000
_HEIGHTS_PX = (200, 2000)


class Embedder(Protocol):
    """Who has vectors for texts, and a cache of them: a `Corpus`."""

    @property
    def embed(self) -> Callable[..., Floats]:
        """As `glm_magics.embed`."""

    def find_store(self, cache: Any = ...) -> VectorStore | None:
        """The cache that was meant."""


def make_atlas(
    corpus: Embedder,
    data: Any,
    on: Any = "text",
    *,
    color: Any = None,
    hover: Any = (),
    most: int = MOST_POINTS,
    seed: int = 0,
    height_px: int = 520,
    **options: Any,
) -> Atlas:
    """As `glm_magics.atlas`."""
    check_options(options, ("color", "hover", "most", "seed", "height_px"))
    most, seed = check_count("most", most), check_seed(seed)
    n_pixels = read_integer(height_px)
    if n_pixels is None or not _HEIGHTS_PX[0] <= n_pixels <= _HEIGHTS_PX[1]:
        raise InputError(f"height_px is {one_line(repr(height_px), 40)}.", f"Give {_HEIGHTS_PX[0]} to {_HEIGHTS_PX[1]} pixels.")
    table = _Table(data, on)
    facts = {name: table.data.values(name) for name in _read_hover(hover)}
    wanted = _read_colour(table, color)
    rows, notice = _choose_rows(len(table.texts), most, seed)
    texts = [table.texts[row] for row in rows.tolist()]
    matrix = corpus.embed(texts, **options) if table.vectors is None else table.vectors[rows]
    points = find_points(matrix, seed, _folder(corpus, options))
    sheet = Sheet(
        points=points,
        colouring=_colour(wanted, rows, matrix, texts, seed),
        text=texts.__getitem__,
        facts=lambda point: [(name, values[rows[point]]) for name, values in facts.items()],
        find=lambda text: _find(corpus, matrix, text, options),
        take=lambda chosen: table.data.take(rows[chosen], {}),
        notice=notice,
    )
    return Atlas(sheet, n_pixels)


def _read_hover(hover: Any) -> Sequence[Any]:
    """The names of columns.

    Raises:
        InputError: it is neither a name nor a list of them.
    """
    if hover is None:
        return ()
    if isinstance(hover, str):
        return [hover]
    if not isinstance(hover, Iterable):
        raise InputError(f"hover is {one_line(repr(hover), 40)}.", "Give the names of columns: `hover=['title']`.")
    return list(hover)


class _Table:
    """The user's data: its texts, and the vectors where they were given.

    Raises:
        InputError: no rows, no such column, texts that are missing, or vectors that do not fit.
    """

    def __init__(self, data: Any, on: Any) -> None:
        self.vectors: Floats | None = None
        if read_matrix(on) is None:
            self.data = Data(data, on)
            self.texts = read_texts(self.data.column)
        else:
            self.data = Data(data, None)
            self.vectors = read_matrix(on, len(self.data))
            self.texts = self._any_texts(data)
        if not self.texts:
            raise InputError("There are no rows to map.", "Give data with at least one text.")

    def _any_texts(self, data: Any) -> list[str]:
        """What is shown of rows whose vectors are given: the first column of texts, or else the number of the row."""
        columns = [self.data.values(name) for name in self.data.names] or [list(data)]
        whole = [column for column in columns if any(isinstance(value, str) for value in column)]
        values = whole[0] if whole else [f"row {row}" for row in range(len(self.data))]
        return ["" if value is None else str(value) for value in values]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What colours tell: the values of a column for all rows, clusters that are to be named or found, or nothing.

    `names` are those of the clusters where they have some.
    """

    title: str = ""
    values: Sequence[Any] | None = None
    are_clusters: bool = False
    names: Mapping[int, str] = field(default_factory=dict)


def _read_colour(table: _Table, color: Any) -> _Wanted:
    """What the user means by `color`.

    Raises:
        InputError: there is no such column, or not one value for each row.
    """
    columns = table.data.names
    if color is False:
        return _Wanted()
    if color is None or (isinstance(color, str) and color == CLUSTER):
        return _read_clusters(table) if CLUSTER in columns else _Wanted(CLUSTER, None, True)
    if isinstance(color, str):
        return _Wanted(color, table.data.values(color))
    values = _to_list(color)
    if len(values) != len(table.texts):
        raise InputError(
            f"color has {plural(len(values), 'value')}, the data {plural(len(table.texts), 'row')}.",
            "Give one value for each row, or a column's name.",
        )
    return _Wanted(str(getattr(color, "name", None) or "colour"), values)


def _read_clusters(table: _Table) -> _Wanted:
    """The column ``cluster``, and the names that `glm_magics.clusters` put behind it: one for each cluster."""
    columns, labels = table.data.names, table.data.values(CLUSTER)
    if not all(isinstance(label, int) for label in labels):
        return _Wanted(CLUSTER, labels)
    for column in columns[columns.index(CLUSTER) + 1 :]:
        names = table.data.values(column) if column.rstrip("_") == _NAME else []
        pairs = set(zip(labels, names, strict=False))
        if names and len(pairs) == len(set(labels)):
            return _Wanted(CLUSTER, labels, True, {label: str(name) for label, name in pairs if name})
    return _Wanted(CLUSTER, labels, True)


def _to_list(values: Any) -> list[Any]:
    """A list, an array or a column of values."""
    for method in ("to_list", "tolist", "to_pylist"):
        if hasattr(values, method):
            found = getattr(values, method)()
            return found if isinstance(found, list) else [found]
    if isinstance(values, Sequence):
        return list(values)
    raise InputError(f"{kind_of(values)} is no colour.", "Give a column's name, one value for each row, or False for none.")


def _choose_rows(n: int, most: int, seed: int) -> tuple[Rows, str]:
    """The rows that are shown, in order, and a sentence where these are not all."""
    import numpy as np

    if n <= most:
        return np.arange(n), ""
    chosen = np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
    return chosen, f"{most:,} of {n:,} rows are shown, drawn by chance; `most` changes that. The others are not embedded."


def _folder(corpus: Embedder, options: Mapping[str, Any]) -> Path | None:
    store = corpus.find_store(options.get("cache"))
    return Path(store.place) if isinstance(store, LocalStore) else None


def _colour(wanted: _Wanted, rows: Rows, matrix: Floats, texts: Sequence[str], seed: int) -> Colouring:
    if not wanted.title:
        return colour_nothing(len(rows))
    values = _find_labels(matrix, seed) if wanted.values is None else [wanted.values[row] for row in rows.tolist()]
    return colour_by(wanted.title, _name_clusters(texts, values, wanted.names) if wanted.are_clusters else values)


def _find_labels(matrix: Floats, seed: int) -> Sequence[int]:
    """Clusters for the map: a few that can be named, not many; looked for in the main directions, which is much faster."""
    import numpy as np

    if len(matrix) < 4:
        return [0] * len(matrix)
    few = np.sort(np.random.default_rng(seed).permutation(len(matrix))[:_COUNTED_ROWS])
    main = to_unit(rotate(matrix, sample=matrix[few]))
    if not main.shape[1]:  # nothing differs
        return [0] * len(matrix)
    n = choose_count(main[few], [count for count in _CLUSTER_COUNTS if count <= len(few) // 2] or [1])
    labels: list[int] = find_clusters(main, n, seed, n_starts=_N_STARTS).labels.tolist()
    return labels


def _name_clusters(texts: Sequence[str], labels: Sequence[int], given: Mapping[int, str]) -> list[str]:
    """Each cluster by its name, else by its typical words; its number where there are none, or where another has the same."""
    import numpy as np

    names = {label: given.get(label) or words for label, words in typical_words(texts, np.array(labels, np.int64)).items()}
    counts = Counter(names.values())
    unique = {label: name if name and counts[name] == 1 else f"{name} {label}".strip() for label, name in names.items()}
    return [unique[label] for label in labels]


def _find(corpus: Embedder, matrix: Floats, text: str, options: Mapping[str, Any]) -> tuple[Rows, Floats]:
    """The points nearest to a text in meaning, and their cosines."""
    query = corpus.embed([text], **{**options, "quiet": True})
    if query.shape[1] != matrix.shape[1]:
        raise InputError(
            f"The text's vector has {query.shape[1]} numbers, the map's have {matrix.shape[1]}.",
            "Give glm.atlas the `model` and `dimensions` of the vectors.",
        )
    found, scores = find_nearest(matrix, query, N_FOUND)
    return found[0], scores[0]
