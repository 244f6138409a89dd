"""Maps that were made once are kept beside the cache of vectors, known by the vectors themselves."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..notes import note
from .projection import METHOD, project

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]

FOLDER = "maps"


def find_points(matrix: Floats, seed: int, folder: Path | None) -> Floats:
    """As `projection.project`, made once for each content of `matrix`.

    Args:
        matrix: C-contiguous float32.
        seed: of the map.
        folder: of the cache; None keeps nothing.

    Raises:
        MissingExtraError: the map is not kept, and PaCMAP is not installed.
    """
    path = folder / FOLDER / f"{_mark(matrix, seed)}.npy" if folder is not None else None
    points = _load(path, len(matrix)) if path is not None else None
    if points is None:
        points = project(matrix, seed)
        if path is not None:
            _save(path, points)
    return points


def _mark(matrix: Floats, seed: int) -> str:
    digest = blake2b(f"{METHOD} {seed} {matrix.shape}".encode(), digest_size=16)
    digest.update(matrix.data)
    return digest.hexdigest()


def _load(path: Path, n_rows: int) -> Floats | None:
    """What is kept; None where there is nothing, or something that is no map of so many points."""
    import numpy as np

    try:
        points: Floats = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    is_whole = points.shape == (n_rows, 2) and points.dtype == np.float32 and bool((np.abs(points) <= 1).all())
    return points if is_whole else None


def _save(path: Path, points: Floats) -> None:
    """Whole or not at all; a folder that cannot be written costs the next run its time, and a sentence."""
    import numpy as np

    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.save(file, points)
        os.replace(part, path)
    except OSError as error:
        note(f"The map is not kept: {error.strerror}. It is made anew the next time.", stacklevel=2)
