"""The nearest of very many: an index that looks only where a query's neighbours are likely to be.

Rows are sorted into cells around centres (an inverted file). A query looks through the cells whose centres are nearest to it. How
many is found by trying: enough for `WANTED_RECALL` on rows of the matrix itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .vectors import assign, best_of, find_clusters, find_nearest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]
    Rows: TypeAlias = npt.NDArray[np.int64]

LINE_NUMBERS = 500_000_000
"""From so many numbers in a matrix on (2 million × 256, half a million × 1024) an exact search takes a tenth of a second or more.

Measured on two busy cores: 256 million take 27 to 60 ms, which is as fast as memory is read.
"""

_WORTH_SHARE = 1 / 12
"""Of the cells: rows that are picked out cost several times what rows in a line do, so looking through more is not worth it."""

WANTED_RECALL = 0.99
MIN_PAIR_CELLS = 8
_N_TRIED = 200
_TRIED_K = 10
_PROBES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


@dataclass(frozen=True, slots=True)
class CellIndex:
    """An index of one matrix.

    Attributes:
        centres: of the cells, unit length.
        order: the rows of the matrix, cell by cell.
        starts: where each cell begins in `order`, and the end.
        n_probes: cells that a query looks through.
        recall: share of the ten nearest that it found, on rows of the matrix.
    """

    centres: Floats
    order: Rows
    starts: Rows
    n_probes: int
    recall: float

    def search(self, matrix: Floats, queries: Floats, k: int) -> tuple[Rows, Floats]:
        """As `vectors.find_nearest`, of the rows in the likely cells."""
        return _search(self, matrix, queries, k, self.n_probes)

    def find_pairs(self, matrix: Floats, threshold: float) -> Iterator[tuple[Rows, Rows, Floats]]:
        """As `vectors.find_pairs`, of the rows in neighbouring cells; some pairs come twice."""
        import numpy as np

        cells, _ = best_of(self.centres @ self.centres.T, min(max(self.n_probes, MIN_PAIR_CELLS), len(self.centres)))
        for cell, near in enumerate(cells):
            own = self.order[self.starts[cell] : self.starts[cell + 1]]
            others = np.concatenate([self.order[self.starts[other] : self.starts[other + 1]] for other in near])
            if len(own):
                i, j = np.nonzero(matrix[own] @ matrix[others].T >= threshold)
                is_pair = own[i] != others[j]
                left, right = own[i[is_pair]], others[j[is_pair]]
                yield np.minimum(left, right), np.maximum(left, right), np.empty(0, np.float32)

    def save(self, path: Path) -> None:
        """Into one file, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        import os

        import numpy as np

        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez(
                file, centres=self.centres, order=self.order, starts=self.starts, probes=np.array([self.n_probes, self.recall])
            )
        os.replace(part, path)


def load_index(path: Path, n_rows: int, width: int) -> CellIndex | None:
    """The index in a file, if it fits a matrix of this shape; None where there is none that does."""
    import zipfile

    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            index = CellIndex(data["centres"], data["order"], data["starts"], int(data["probes"][0]), float(data["probes"][1]))
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile):
        return None
    is_whole = len(index.order) == n_rows and index.centres.shape[1:] == (width,) and len(index.starts) == len(index.centres) + 1
    if not is_whole or not n_rows or index.order.min() < 0 or index.order.max() >= n_rows:
        return None
    return index


def build_index(matrix: Floats, seed: int = 0) -> CellIndex | None:
    """The index of a matrix; None where looking into few cells does not find the nearest, and all have to be searched."""
    import numpy as np

    n_cells = int(max(1, min(4096, np.sqrt(len(matrix)))))
    centres = find_clusters(matrix, n_cells, seed, n_rounds=8).centres
    labels, _ = assign(matrix, centres)
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(len(centres) + 1))
    chance = np.random.default_rng(seed)
    tried = matrix[np.sort(chance.choice(len(matrix), min(_N_TRIED, len(matrix)), replace=False))]
    truth, _ = find_nearest(matrix, tried, _TRIED_K)
    index = CellIndex(centres, order, starts, 1, 0.0)
    for n_probes in _PROBES:
        if n_probes > _WORTH_SHARE * len(centres):
            break
        found, _ = _search(index, matrix, tried, _TRIED_K, n_probes)
        recall = float(np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in zip(truth, found, strict=True)]))
        if recall >= WANTED_RECALL:
            return CellIndex(centres, order, starts, n_probes, recall)
    return None


def _search(index: CellIndex, matrix: Floats, queries: Floats, k: int, n_probes: int) -> tuple[Rows, Floats]:
    import numpy as np

    k = min(k, len(matrix))
    rows = np.zeros((len(queries), k), np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    cells, _ = best_of(queries @ index.centres.T, min(n_probes, len(index.centres)))
    for i, query in enumerate(queries):
        near = np.concatenate([index.order[index.starts[cell] : index.starts[cell + 1]] for cell in cells[i]])
        if len(near) < k:  # tiny cells
            near = index.order
        near = np.sort(near)
        places, values = best_of((matrix[near] @ query)[None], k)
        rows[i], scores[i] = near[places[0]], values[0]
    return rows, scores
