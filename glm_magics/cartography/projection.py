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

_SPARE_DIRECTIONS, _TURNS = 14, 12
_BLOCK_ROWS = 16_384
_SAME = 1e-9
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

    main = rotate(matrix, _DIRECTIONS)
    if not main.shape[1]:  # nothing differs
        return np.zeros((len(matrix), 2), np.float32)
    if len(matrix) < LINE_ROWS or main.shape[1] < 3:
        return _fit_in(main[:, :2])
    points = _spread(main, seed)
    return _fit_in(points if np.isfinite(points).all() else main[:, :2])


def rotate(matrix: Floats, n_directions: int) -> Floats:
    """The vectors in the directions in which they differ most (principal components), at most `n_directions` of them.

    Directions without any difference are left out; each points to where its largest part is positive.
    """
    import numpy as np

    mean = matrix.mean(axis=0, dtype=np.float64)
    spread = np.zeros((matrix.shape[1],) * 2)
    for begin in range(0, len(matrix), _BLOCK_ROWS):
        block = matrix[begin : begin + _BLOCK_ROWS] - mean.astype(np.float32)
        spread += block.T @ block
    sizes, directions = _main_directions(spread, n_directions)
    chosen = np.flatnonzero(sizes > _SAME * max(1, len(matrix)))
    picked = directions[:, chosen]
    largest = np.abs(picked).argmax(axis=0) if picked.size else np.empty(0, np.int64)
    picked = (picked * np.sign(picked[largest, np.arange(picked.shape[1])])).astype(np.float32)
    rotated: Floats = np.ascontiguousarray(matrix @ picked - mean.astype(np.float32) @ picked)
    return rotated


def _main_directions(spread: Any, n: int) -> tuple[Any, Any]:
    """The `n` largest eigenvalues of a symmetric matrix, largest first, and their vectors as columns, by turning a subspace.

    All of them would take seconds at 1024 dimensions.
    """
    import numpy as np

    width = min(len(spread), n + _SPARE_DIRECTIONS)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(len(spread), width)))[0]
    for _ in range(_TURNS):
        basis = np.linalg.qr(spread @ basis)[0]
    sizes, turned = np.linalg.eigh(basis.T @ spread @ basis)
    order = np.argsort(-sizes, kind="stable")[:n]
    return sizes[order], basis @ turned[:, order]


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
