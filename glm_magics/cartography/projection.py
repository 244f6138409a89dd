"""Vectors of many dimensions as points on a map: near ones stay near, and the same vectors always give the same map."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]

METHOD = "pacmap-1"
"""Part of the key under which a map is kept; a change of what is done here changes it."""

LINE_ROWS = 40
"""Below it there is no neighbourhood to keep: the two directions in which the vectors differ most are the map."""

_DIRECTIONS = 50
"""In which neighbours are looked for; the others hold little but noise, and time."""

_SPARE_DIRECTIONS, _TURNS = 14, 7
_SAME, _SAME_SHARE = 1e-9, 1e-6
_MARGIN = 0.95
_USUAL_SHARE = 0.8
"""Of the points lie no farther from the middle than what is drawn to scale."""


def project(matrix: Floats, seed: int = 0) -> Floats:
    """Points of shape (N, 2) within -1 … 1, for vectors of shape (N, D): PaCMAP after a rotation to the main directions.

    Args:
        matrix: finite float32.
        seed: the same gives the same map.

    Raises:
        MissingExtraError: there are vectors enough for a map, and PaCMAP is not installed.
    """
    import numpy as np

    main = rotate(matrix)
    if not main.shape[1]:  # nothing differs
        return np.zeros((len(matrix), 2), np.float32)
    if len(matrix) < LINE_ROWS or main.shape[1] < 3:
        return _fit_in(main[:, :2])
    points = _spread(main, seed)
    return _fit_in(points if np.isfinite(points).all() else main[:, :2])


def rotate(matrix: Floats, n_directions: int = _DIRECTIONS, sample: Floats | None = None) -> Floats:
    """The vectors in the directions in which they differ most (principal components), at most `n_directions` of them.

    Directions without any difference are left out; each points to where its largest part is positive. They are found by turning
    a small subspace until it lies along them (randomised PCA): all directions of 1024 dimensions would take seconds.

    Args:
        matrix: finite float32, shape (N, D).
        n_directions: at most.
        sample: rows that show the directions; None takes all.
    """
    import numpy as np

    seen = matrix if sample is None else sample
    mean = seen.mean(axis=0, dtype=np.float64).astype(np.float32)
    width = min(*seen.shape, n_directions + _SPARE_DIRECTIONS)
    basis = np.random.default_rng(0).normal(size=(seen.shape[1], width)).astype(np.float32)
    for _ in range(_TURNS):
        basis = np.linalg.qr(_times_transposed(seen, mean, seen @ basis - mean @ basis))[0]
    rotated = seen @ basis - mean @ basis
    sizes, turned = np.linalg.eigh(rotated.T.astype(np.float64) @ rotated)
    order = np.argsort(-sizes, kind="stable")[:n_directions]
    order = order[sizes[order] > max(_SAME * len(seen), _SAME_SHARE * sizes.max())]
    found = basis @ turned[:, order].astype(np.float32)
    found *= np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    main: Floats = np.ascontiguousarray(matrix @ found - mean @ found)
    return main


def _times_transposed(matrix: Floats, mean: Floats, other: Floats) -> Floats:
    """``(matrix - mean).T @ other``, without a copy of the matrix."""
    import numpy as np

    product: Floats = matrix.T @ other - np.outer(mean, other.sum(axis=0))
    return product


def _spread(main: Floats, seed: int) -> Floats:
    with _quiet():
        try:
            from pacmap import PaCMAP
        except ImportError:
            raise MissingExtraError.naming("atlas", "A map is drawn by PaCMAP, which is not installed.") from None
        points: Any = PaCMAP(random_state=seed, apply_pca=False).fit_transform(main)
    return points  # type: ignore[no-any-return]


@contextmanager
def _quiet() -> Iterator[None]:
    """PaCMAP logs that a seed is set, and that neighbours are looked for; neither is news."""
    logger = logging.getLogger("pacmap.pacmap")
    level = logger.level
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logger.setLevel(logging.ERROR)
            yield
    finally:
        logger.setLevel(level)


def _fit_in(points: Floats) -> Floats:
    """Moved and scaled into the square, one scale for both axes; a single axis becomes a line in its middle.

    Islands far from the rest are drawn nearer, in their direction: else they would leave the rest no room.
    """
    import numpy as np

    both = np.zeros((len(points), 2), np.float32)
    both[:, : points.shape[1]] = points
    away = both - np.median(both, axis=0)
    distance = np.linalg.norm(away, axis=1)
    usual = float(np.quantile(distance, _USUAL_SHARE))
    if usual > 0 and len(points) >= LINE_ROWS:
        away *= np.where(
            distance > usual, (1 + np.log(np.maximum(distance / usual, 1))) * usual / np.maximum(distance, usual), 1
        )[:, None]
    low, high = away.min(axis=0), away.max(axis=0)
    extent = float((high - low).max())
    if extent <= 0:
        return np.zeros_like(both)
    placed: Floats = ((away - (low + high) / 2) * (2 * _MARGIN / extent)).astype(np.float32)
    return placed
