"""The rows of the index: spaces, and segments of vectors that were written together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from .keyindex import KeyIndex, Segment
from .spaces import KEY_BYTES, NUMBER_BYTES, Space

COLUMNS = "id, provider, model, asked_dimensions, precision, dimensions, generation, n_rows"
OF_SPACE = "WHERE provider=? AND model=? AND asked_dimensions=? AND precision=?"
ROW_OVERHEAD_BYTES = KEY_BYTES + 8
"""Key and checksum."""


class SpaceRow:
    """A space as the index knows it.

    Attributes:
        dimensions: numbers in each of its vectors.
        generation: of its file; a new one is written when vectors are removed.
        n_rows: rows of that file that are taken.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.id: int
        self.dimensions: int
        self.generation: int
        self.n_rows: int
        self.id, provider, model, asked, precision, self.dimensions, self.generation, self.n_rows = values
        self.space = Space(provider, model, asked, precision)

    @property
    def file_name(self) -> str:
        """Of the file with its vectors."""
        return f"{self.id:04}-{self.generation:04}.{self.space.precision}"

    @property
    def vector_bytes(self) -> int:
        """One vector and what the index keeps of it, on disk."""
        return self.dimensions * NUMBER_BYTES[self.space.precision] + ROW_OVERHEAD_BYTES


def identity(space: Space) -> tuple[str, str, int, str]:
    """What tells spaces apart, in the order of `OF_SPACE`."""
    return space.provider, space.model, space.dimensions, space.precision


def find_row(database: sqlite3.Connection, space: Space) -> SpaceRow | None:
    """The space's row, or None where nothing was kept yet."""
    values = database.execute(f"SELECT {COLUMNS} FROM space {OF_SPACE}", identity(space)).fetchone()
    return SpaceRow(values) if values else None


def list_rows(database: sqlite3.Connection) -> list[SpaceRow]:
    """All spaces."""
    return [SpaceRow(values) for values in database.execute(f"SELECT {COLUMNS} FROM space ORDER BY id").fetchall()]


def add_row(database: sqlite3.Connection, space: Space, dimensions: int) -> SpaceRow:
    """Makes a space known."""
    database.execute(
        "INSERT INTO space (provider, model, asked_dimensions, precision, dimensions) VALUES (?, ?, ?, ?, ?)",
        (*identity(space), dimensions),
    )
    row = find_row(database, space)
    assert row is not None
    return row


def add_segment(database: sqlite3.Connection, row: SpaceRow, segment: Segment) -> None:
    """Makes the rows of a segment known; its id is the next one."""
    database.execute(
        "INSERT INTO segment (space, start, n, n_tokens, created_s, keys, checks, together) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(row.id, segment.start, len(segment.keys), segment.n_tokens, segment.created_s),
            *(segment.keys.astype("<u8").tobytes(), segment.checks.astype("<u8").tobytes(), segment.together),
        ),
    )


def read_segments(database: sqlite3.Connection, row: SpaceRow, after_id: int) -> Iterator[Segment]:
    """The segments of a space that are newer than `after_id`.

    Raises:
        sqlite3.DatabaseError: one does not fit together.
    """
    import numpy as np

    query = "SELECT id, start, keys, checks, n_tokens, created_s, together FROM segment WHERE space=? AND id>? ORDER BY id"
    for id_, start, keys, checks, *facts in database.execute(query, (row.id, after_id)).fetchall():
        if len(keys) != KEY_BYTES // 8 * len(checks) or len(checks) % 8:
            raise sqlite3.DatabaseError("a segment is malformed")
        yield Segment(id_, start, np.frombuffer(keys, "<u8").reshape(-1, 2), np.frombuffer(checks, "<u8"), *facts)


def read_index(database: sqlite3.Connection, row: SpaceRow, after_id: int) -> KeyIndex | None:
    """The keys of the segments that are newer than `after_id`; None where there are none.

    Raises:
        sqlite3.DatabaseError: one does not fit together.
    """
    import numpy as np

    query = "SELECT id, start, n, n_tokens, keys, checks, together FROM segment WHERE space=? AND id>? ORDER BY id"
    found = database.execute(query, (row.id, after_id)).fetchall()
    if not found:
        return None
    ids, starts, lengths, tokens, keys, checks, together = zip(*found, strict=True)
    sizes = np.array(lengths)
    if any((np.array(list(map(len, blobs))) != size * sizes).any() for blobs, size in ((keys, KEY_BYTES), (checks, 8))):
        raise sqlite3.DatabaseError("a segment is malformed")
    joined = np.frombuffer(b"".join(keys), "<u8").reshape(-1, 2)
    return KeyIndex(joined, np.frombuffer(b"".join(checks), "<u8"), starts, lengths, tokens, ids[-1], together)


def find_doomed(
    database: sqlite3.Connection, model: str | None, before_s: float | None, max_bytes: int | None
) -> dict[int, set[int]]:
    """Segments to be removed, by space, as `VectorStore.remove` says."""
    sizes = {row.id: (row.space.model, row.vector_bytes) for row in list_rows(database)}
    doomed: dict[int, set[int]] = {}
    left = []
    for id_, space, n, created_s in database.execute("SELECT id, space, n, created_s FROM segment ORDER BY created_s DESC"):
        name, row_bytes = sizes[space]
        if model is not None and name != model:
            continue
        is_old = created_s < before_s if before_s is not None else model is not None and max_bytes is None
        if is_old:
            doomed.setdefault(space, set()).add(id_)
        else:
            left.append((id_, space, n * row_bytes))
    n_bytes = 0
    for id_, space, size in left:
        n_bytes += size
        if max_bytes is not None and n_bytes > max_bytes:
            doomed.setdefault(space, set()).add(id_)
    return doomed
