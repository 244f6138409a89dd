"""Comparing vectors: nearest ones, near duplicates, clusters. Exact, in blocks, by the machine's own BLAS.

All matrices are float32 with rows of unit length, so that a product is a cosine; `to_unit` makes them so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]
    Rows: TypeAlias = npt.NDArray[np.int64]

BLOCK_NUMBERS = 16_000_000
"""Products that are held at once."""

_SAMPLE_ROWS = 100_000
"""Rows that k-means looks at to find its centres; all rows are then given to the nearest."""


def to_unit(matrix: Any) -> Floats:
    """The rows as float32 of unit length; the matrix itself where they are so already. A row of zeros stays one.

    Raises:
        ValueError: it is no matrix of numbers.
    """
    import numpy as np

    plain: Floats = np.ascontiguousarray(matrix, np.float32)
    if plain.ndim != 2:
        raise ValueError(f"an array of shape {plain.shape}")
    squares = np.einsum("ij,ij->i", plain, plain)
    if np.isinf(squares).any():
        plain = plain / np.maximum(np.abs(plain).max(axis=1, keepdims=True), np.float32(1))
        squares = np.einsum("ij,ij->i", plain, plain)
    if np.all((np.abs(squares - 1) < 1e-4) | (squares == 0)):
        return plain
    with np.errstate(invalid="ignore", divide="ignore"):
        unit: Floats = np.where(squares[:, None] > 0, plain / np.sqrt(squares)[:, None], 0).astype(np.float32)
    return unit


def find_nearest(matrix: Floats, queries: Floats, k: int) -> tuple[Rows, Floats]:
    """The `k` nearest rows to each query, and their cosines, best first; both of shape (n_queries, k). Rows with NaN are last."""
    import numpy as np

    k = min(k, len(matrix))
    rows = np.empty((len(queries), k), np.int64)
    scores = np.empty((len(queries), k), np.float32)
    step = max(1, BLOCK_NUMBERS // max(1, len(matrix)))
    for begin in range(0, len(queries), step):
        block = queries[begin : begin + step]
        # one query: the matrix times a vector reads the matrix once, and twice as fast as BLAS does for a narrow matrix
        products = (matrix @ block[0])[None] if len(block) == 1 else block @ matrix.T
        rows[begin : begin + step], scores[begin : begin + step] = best_of(products, k)
    return rows, scores


def best_of(products: Floats, k: int) -> tuple[Rows, Floats]:
    """Places and values of the `k` largest in each line, largest first; equal ones in the order of their places."""
    import numpy as np

    if np.isnan(products.sum()):
        products = np.nan_to_num(products, nan=-np.inf)
    n = products.shape[1]
    places = np.argpartition(products, n - k, axis=1)[:, n - k :] if k < n else np.broadcast_to(np.arange(n), products.shape)
    places = np.sort(places, axis=1)
    values = np.take_along_axis(products, places, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(values, order, axis=1)


def find_pairs(matrix: Floats, threshold: float) -> Iterator[tuple[Rows, Rows, Floats]]:
    """All pairs of rows ``i < j`` whose cosine is at least `threshold`, block by block."""
    import numpy as np

    step = max(1, min(2048, BLOCK_NUMBERS // max(1, len(matrix))))
    for begin in range(0, len(matrix), step):
        products = matrix[begin : begin + step] @ matrix[begin:].T
        left, right = np.nonzero(products >= threshold)
        is_pair = right > left
        left, right = left[is_pair], right[is_pair]
        yield left + begin, right + begin, products[left, right]


def find_twins(matrix: Floats) -> Rows:
    """For each row the first row of exactly the same numbers; a row of zeros, which is like none, is its own."""
    import numpy as np

    first: dict[bytes, int] = {}
    own = [first.setdefault(blake2b(row, digest_size=16).digest(), n) for n, row in enumerate(np.ascontiguousarray(matrix))]
    return np.where(matrix.any(axis=1), np.array(own, np.int64), np.arange(len(matrix)))


def join_pairs(n: int, pairs: Iterator[tuple[Rows, Rows, Floats]]) -> Rows:
    """For each row the first row of its group: rows that a chain of pairs connects are one group."""
    import numpy as np

    first = np.arange(n)

    def find(row: int) -> int:
        while first[row] != row:
            first[row] = first[first[row]]
            row = int(first[row])
        return row

    for left, right, _ in pairs:
        for one, other in zip(left.tolist(), right.tolist(), strict=True):
            low, high = sorted((find(one), find(other)))
            first[high] = low
    return np.array([find(row) for row in range(n)], np.int64)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Labels from 0, the largest cluster first, each row's cosine to its centre, and the centres, of unit length."""

    labels: Rows
    closeness: Floats
    centres: Floats


def find_clusters(matrix: Floats, n: int, seed: int = 0, n_rounds: int = 25, n_starts: int = 1) -> Clusters:
    """k-means by cosine (spherical): at most `n` clusters, the best of several starts; the same for the same seed."""
    import numpy as np

    if not len(matrix):
        return Clusters(np.empty(0, np.int64), np.empty(0, np.float32), matrix)
    chance = np.random.default_rng(seed)
    rows = chance.choice(len(matrix), _SAMPLE_ROWS, replace=False) if len(matrix) > _SAMPLE_ROWS else np.arange(len(matrix))
    sample = matrix[np.sort(rows)] if len(rows) < len(matrix) else matrix
    tries = [_settle(sample, _first_centres(sample, n, chance), n_rounds) for _ in range(n_starts)]
    centres = max(tries, key=lambda found: found[1])[0]
    labels, closeness = assign(matrix, centres)
    sizes = np.bincount(labels, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return Clusters(place[labels], closeness, centres[order])


def _settle(sample: Floats, centres: Floats, n_rounds: int) -> tuple[Floats, float]:
    """Centres that do not move any more, or after so many rounds; and how close the rows are to them."""
    import numpy as np

    before: Any = None
    for _ in range(n_rounds):
        labels, closeness = assign(sample, centres)
        if before is not None and np.array_equal(labels, before):
            break
        centres = _new_centres(sample, labels, closeness, len(centres))
        before = labels
    return centres, float(assign(sample, centres)[1].sum(dtype=np.float64))


def assign(matrix: Floats, centres: Floats) -> tuple[Rows, Floats]:
    """The nearest centre of each row, and the cosine to it."""
    import numpy as np

    labels = np.empty(len(matrix), np.int64)
    closeness = np.empty(len(matrix), np.float32)
    step = max(1, BLOCK_NUMBERS // max(1, len(centres)))
    for begin in range(0, len(matrix), step):
        products = matrix[begin : begin + step] @ centres.T
        labels[begin : begin + step] = products.argmax(axis=1)
        closeness[begin : begin + step] = products.max(axis=1)
    return labels, closeness


def _first_centres(sample: Floats, n: int, chance: np.random.Generator) -> Floats:
    """k-means++ on a few thousand rows: centres far from each other, by chance in proportion to the squared distance."""
    import numpy as np

    few = sample[np.sort(chance.choice(len(sample), min(len(sample), max(2000, 8 * n)), replace=False))]
    chosen = [int(chance.integers(len(few)))]
    far = np.maximum(1 - few @ few[chosen[0]], 0)
    while len(chosen) < min(n, len(few)):
        total = float(far.sum(dtype=np.float64))
        if total <= 1e-6:  # fewer different rows than clusters
            break
        chosen.append(min(int(np.searchsorted(np.cumsum(far, dtype=np.float64), chance.random() * total)), len(few) - 1))
        far = np.minimum(far, np.maximum(1 - few @ few[chosen[-1]], 0))
    return few[chosen]


def _new_centres(sample: Floats, labels: Rows, closeness: Floats, n: int) -> Floats:
    """The mean of each cluster, made a unit; an empty one begins again at the row that fits worst."""
    import numpy as np

    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(n))
    sizes = np.bincount(labels, minlength=n)
    is_full = sizes > 0
    sums = np.zeros((n, sample.shape[1]), np.float32)
    sums[is_full] = np.add.reduceat(sample[order], starts[is_full], axis=0)
    worst = np.argsort(closeness, kind="stable")[: int((~is_full).sum())]
    sums[np.flatnonzero(~is_full)[: len(worst)]] = sample[worst]
    return to_unit(sums)
