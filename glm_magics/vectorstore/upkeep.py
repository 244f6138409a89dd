"""Writing the file of a space anew: without what was removed, or without what turned out to be damaged."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..journals import write_transaction
from ..notes import note
from .keyindex import Segment
from .records import SpaceRow, add_segment, find_doomed, find_row, list_rows, read_segments
from .rowfile import append_rows, find_checks, pack, read_rows
from .spaces import name_place

if TYPE_CHECKING:
    from .spaces import Floats, Mask

GROUP_BYTES = 32 * 1024 * 1024
"""Brought to the disk together."""


def read_segment(folder: Path, row: SpaceRow, segment: Segment, _: object = None) -> tuple[Floats, Mask]:
    """The vectors of a segment, and which are sound.

    Raises:
        OSError: the file cannot be read; one that is gone has no sound vectors.
    """
    import numpy as np

    n = len(segment.keys)
    vectors = np.zeros((n, row.dimensions), np.float32)
    stored = np.arange(segment.start, segment.start + n)
    path = folder / row.file_name
    try:
        sound = read_rows(path, row.space.precision, stored, segment.checks, segment.keys, vectors, np.arange(n))
    except FileNotFoundError:
        sound = np.zeros(n, bool)
    return vectors, sound


def remove_segments(
    database: sqlite3.Connection, folder: Path, model: str | None, before_s: float | None, max_bytes: int | None
) -> int:
    """Removes as `VectorStore.remove` says; gives the number of vectors."""
    old_files: list[Path] = []
    n = 0
    with write_transaction(database):
        doomed = find_doomed(database, model, before_s, max_bytes)
        for row in list_rows(database):
            if row.id not in doomed:
                continue
            n += sum(len(segment.keys) for segment in read_segments(database, row, 0) if segment.id in doomed[row.id])
            database.executemany("DELETE FROM segment WHERE id=?", [(each,) for each in doomed[row.id]])
            old_files.append(folder / row.file_name)
            _rewrite(database, folder, row)
    for path in old_files:
        with suppress(OSError):  # Windows keeps a file that another process reads; nobody asks for it again
            path.unlink()
    return n


def heal(database: sqlite3.Connection, folder: Path, row: SpaceRow) -> None:
    """Keeps the sound vectors of a damaged file in a new one, and the damaged file beside it."""
    path = folder / row.file_name
    with write_transaction(database):
        current = find_row(database, row.space)
        if current is None or current.generation != row.generation:
            return  # another process has done it
        n_bad = _rewrite(database, folder, current)
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    with suppress(OSError):
        os.replace(path, aside)
    note(f"{n_bad} cached vectors were damaged and are not used; their file was set aside as {name_place(aside)}.", stacklevel=2)


def _rewrite(database: sqlite3.Connection, folder: Path, row: SpaceRow) -> int:
    """Copies what the index still names, and is sound, into the file of the next generation; gives the number of unsound rows."""
    identity = (row.space.provider, row.space.model, row.space.dimensions, row.space.precision)
    new = SpaceRow((row.id, *identity, row.dimensions, row.generation + 1, 0))
    n_bad = 0
    for group in _groups(list(read_segments(database, row, 0)), row.vector_bytes):
        pieces: list[Any] = []
        start = new.n_rows
        for segment in group:
            vectors, sound = read_segment(folder, row, segment)
            n_bad += int((~sound).sum())
            database.execute("DELETE FROM segment WHERE id=?", (segment.id,))
            if sound.any():
                keys, packed = segment.keys[sound], pack(vectors[sound], row.space.precision)
                n_tokens = round(segment.n_tokens * len(keys) / len(segment.keys))
                checks, together = find_checks(packed, keys), segment.together if sound.all() else b""
                add_segment(database, new, Segment(0, new.n_rows, keys, checks, n_tokens, segment.created_s, together))
                new.n_rows += len(keys)
                pieces.append(packed)
        if pieces:
            append_rows(folder / new.file_name, start, pieces)
    database.execute("UPDATE space SET generation=?, n_rows=? WHERE id=?", (new.generation, new.n_rows, row.id))
    return n_bad


def _groups(segments: Sequence[Segment], vector_bytes: int) -> Iterator[list[Segment]]:
    group: list[Segment] = []
    for segment in segments:
        group.append(segment)
        if sum(len(one.keys) for one in group) * vector_bytes > GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group
