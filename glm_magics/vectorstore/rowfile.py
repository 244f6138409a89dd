"""Vectors in a plain file, one after the other: written at the end, read in large pieces, each row with a checksum.

The checksum is the sum of a row's machine words and of its key. It finds flipped bits, torn writes and rows of another text.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .spaces import NUMBER_BYTES, Precision

if TYPE_CHECKING:
    from .keyindex import Checks
    from .spaces import Floats, Keys, Mask, Rows

PIECE_BYTES = 2 * 1024 * 1024
"""Fits the processor's cache, so that summing and copying a piece costs little after reading it."""

GAP_ROWS = 4
"""Rows that are read although nobody wants them, rather than to begin a new piece."""

N_READERS = 2
"""Reading, summing and copying all leave Python to other threads; two were enough to keep up with the memory here."""


def find_checks(packed: Any, keys: Keys) -> Checks:
    """The checksum of each row; `packed` has the numbers as they are kept, shape (n, dimensions)."""
    import numpy as np

    row_bytes = packed.shape[1] * packed.itemsize
    word = next(size for size in (8, 4, 2) if row_bytes % size == 0)
    sums = packed.view(f"<u{word}").sum(axis=1, dtype=np.uint64)
    checks: Checks = sums + keys[:, 0]
    return checks


def pack(vectors: Floats, precision: Precision) -> Any:
    """The numbers as they are kept, C-contiguous, little-endian."""
    import numpy as np

    return np.ascontiguousarray(vectors, f"<f{NUMBER_BYTES[precision]}")


def append_rows(path: Path, start: int, pieces: Sequence[Any]) -> None:
    """Writes packed rows from stored row `start` on, over whatever an unfinished write left there; on disk when it returns.

    Raises:
        OSError: the disk is full, the folder cannot be written.
    """
    is_new = not path.exists()
    if is_new:
        path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.seek(start * pieces[0].shape[1] * pieces[0].itemsize)
        for piece in pieces:
            _write_all(file, memoryview(piece).cast("B"))
        getattr(os, "fdatasync", os.fsync)(file.fileno())
    if is_new:
        _sync_folder(path.parent)


def _write_all(file: Any, data: memoryview) -> None:
    while data:
        data = data[file.write(data) :]


def _sync_folder(folder: Path) -> None:
    """A new file's name is on disk only when its folder is (POSIX)."""
    with suppress(OSError, AttributeError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_rows(path: Path, precision: Precision, stored: Rows, checks: Checks, keys: Keys, out: Floats, rows: Rows) -> Mask:
    """Puts stored row ``stored[i]`` into ``out[rows[i]]``; gives for each whether it is sound. An unsound one is not to be used.

    Raises:
        FileNotFoundError: the file is gone.
        OSError: it cannot be read.
    """
    import numpy as np

    if len(stored) > 1 and (np.diff(stored) < 0).any():
        order = np.argsort(stored, kind="stable")
        sound = np.empty(len(stored), bool)
        sound[order] = read_rows(path, precision, stored[order], checks[order], keys[order], out, rows[order])
        return sound
    sound = np.zeros(len(stored), bool)
    pieces = _cut(stored, max(1, PIECE_BYTES // max(1, out.shape[1] * NUMBER_BYTES[precision])))

    def read(pieces: Sequence[slice]) -> None:
        with path.open("rb", buffering=0) as file:
            for piece in pieces:
                sound[piece] = _read_piece(file, precision, stored[piece], checks[piece], keys[piece], out, rows[piece])

    if len(pieces) <= 4 * N_READERS:
        read(pieces)
        return sound
    share = -(-len(pieces) // N_READERS)
    with ThreadPoolExecutor(N_READERS) as pool:
        list(pool.map(read, [pieces[i : i + share] for i in range(0, len(pieces), share)]))
    return sound


def _cut(stored: Rows, piece_rows: int) -> list[slice]:
    """Pieces of neighbouring rows; `stored` rises."""
    import numpy as np

    gaps = np.flatnonzero(np.diff(stored) > GAP_ROWS) + 1
    bounds = [0, *gaps.tolist(), len(stored)] if len(stored) else []
    return [slice(at, min(at + piece_rows, end)) for begin, end in pairwise(bounds) for at in range(begin, end, piece_rows)]


def _read_piece(
    file: BinaryIO, precision: Precision, stored: Rows, checks: Checks, keys: Keys, out: Floats, rows: Rows
) -> Mask | bool:
    import numpy as np

    n, width = len(stored), out.shape[1]
    first, last = int(stored[0]), int(stored[-1])
    file.seek(first * width * NUMBER_BYTES[precision])
    is_dense = last - first == n - 1
    is_plain = is_dense and out.dtype == f"<f{NUMBER_BYTES[precision]}"
    is_straight = is_plain and int(rows[-1]) - int(rows[0]) == n - 1 and bool((np.diff(rows) == 1).all())
    packed: Any
    if is_straight:  # straight into the result: no second copy
        packed = out[int(rows[0]) : int(rows[-1]) + 1]
    else:
        packed = np.empty((last - first + 1, width), f"<f{NUMBER_BYTES[precision]}")
    if not _read_all(file, memoryview(packed).cast("B")):
        return n == 0
    if not is_dense:
        packed = packed[stored - first]
    sound: Mask = find_checks(packed, keys) == checks
    if not is_straight:
        out[rows] = packed
    return sound


def _read_all(file: Any, data: memoryview) -> bool:
    """False where the file ends too early."""
    while data:
        n = file.readinto(data)
        if not n:
            return False
        data = data[n:]
    return True
