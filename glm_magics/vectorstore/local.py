"""The default store: vectors in plain files, and a SQLite index that says which row is whose.

A write puts the rows behind the last known one, brings them to the disk, and then makes them known by one transaction of the
index. Whatever stops it in between leaves rows that nobody knows, which the next write overwrites. The write lock of the index
lets one process write at a time; readers never wait.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import CacheError
from ..journals import write_transaction
from ..notes import note
from .database import BUSY_S, PLACE, ROWS_FOLDER, as_cache_error, is_damage, open_database, set_aside
from .keyindex import KeyIndex, Segment
from .records import OF_SPACE, SpaceRow, add_row, add_segment, find_row, identity, list_rows, read_index, read_segments
from .rowfile import append_rows, find_checks, pack, read_rows
from .spaces import Batch, Found, Space, SpaceStats, find_keys, find_together, name_place
from .upkeep import heal, read_segment, remove_segments

if TYPE_CHECKING:
    from .spaces import Floats, Keys, Mask, Rows

_Result = TypeVar("_Result")
_HITS_BUSY_MS = 50
_RECALLED_TEXTS, _MISSES = 64, 8
"""Batches are of 64 texts, as the vendor takes them; after so many unknown ones each text is looked up by itself."""


class LocalStore:
    """A `VectorStore` in a folder; nothing is opened or made before the first use.

    Args:
        folder: where it is, or is to be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._is_writable = True
        self._pid = 0
        self._indexes: dict[Space, tuple[SpaceRow, KeyIndex]] = {}

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def close(self) -> None:
        """Lets go of files."""
        with self._lock:
            if self._database is not None and self._pid == os.getpid():
                self._database.close()
            self._database = None
            self._indexes.clear()

    def __del__(self) -> None:
        with suppress(Exception):  # the interpreter may be ending
            self.close()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The index, opened when needed; a process made by fork opens its own."""
        with self._lock:
            if self._database is None or self._pid != os.getpid():
                self._indexes.clear()
                self._database, self._is_writable = open_database(self._folder)
                self._pid = os.getpid()
            yield self._database

    def _try(self, act: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Runs it; a damaged index is set aside, and it runs once more.

        Raises:
            CacheError: the place cannot be used.
        """
        for is_last in (False, True):
            try:
                with self._open() as database:
                    return act(database)
            except sqlite3.DatabaseError as error:
                self.close()
                if is_last or not is_damage(error) or not self._is_writable:
                    raise as_cache_error(error, self._folder) from error
                set_aside(self._folder, "its index is damaged")
            except OSError as error:
                raise as_cache_error(error, self._folder) from error
        raise AssertionError("unreachable")

    # Reading

    def find_width(self, space: Space) -> int | None:
        """Numbers in each vector of the space; None where there is none yet."""
        row = self._try(lambda database: find_row(database, space))
        return int(row.dimensions) if row is not None else None

    def has(self, space: Space, keys: Keys) -> Mask:
        """Which keys have a vector."""
        known = self._try(lambda database: self._refresh(database, space))
        import numpy as np

        is_there: Mask = np.zeros(len(keys), bool) if known is None else known[1].find(keys) >= 0
        return is_there

    def get(self, space: Space, keys: Keys, out: Floats, rows: Rows) -> Found:
        """Puts the vector of ``keys[i]``, where there is a sound one, into ``out[rows[i]]``."""
        return self._try(lambda database: self._get(database, space, keys, out, rows))

    def _get(self, database: sqlite3.Connection, space: Space, keys: Keys, out: Floats, rows: Rows) -> Found:
        import numpy as np

        is_there = np.zeros(len(keys), bool)
        known = self._refresh(database, space)
        if known is None:
            return Found(is_there)
        row, index = known
        if row.dimensions != out.shape[1]:
            raise CacheError(f"The cache holds vectors of {row.dimensions} numbers here, not {out.shape[1]}.", PLACE)
        places = index.find(keys)
        hit = np.flatnonzero(places >= 0)
        at = places[hit]
        if not len(hit):
            return Found(is_there)
        try:
            path = self._rows_folder / row.file_name
            sound = read_rows(path, row.space.precision, index.rows(at), index.checks(at), keys[hit], out, rows[hit])
        except FileNotFoundError:
            newer = find_row(database, space)
            if newer is None or newer.generation != row.generation:  # another process has just rewritten it
                return self._get(database, space, keys, out, rows)
            sound = np.zeros(len(hit), bool)
        if not sound.all():
            if self._is_writable:
                heal(database, self._rows_folder, row)
            else:
                path = self._rows_folder / row.file_name
                note(f"{name_place(path)} is damaged; its unsound vectors are not used.", stacklevel=2)
        is_there[hit[sound]] = True
        at = at[sound]
        distinct = at if (np.diff(at) > 0).all() else np.unique(at)
        return Found(is_there, len(distinct), index.count_tokens(distinct))

    def recall_keys(self, space: Space, texts: Sequence[str]) -> Keys:
        """As `find_keys`; much quicker where texts come in the batches in which they were kept, as a column does again."""
        known = self._try(lambda database: self._refresh(database, space))
        import numpy as np

        keys: list[Keys] = []
        begin = n_missed = 0
        while known is not None and begin < len(texts) and n_missed < _MISSES:
            batch = texts[begin : begin + _RECALLED_TEXTS]
            recalled = known[1].recall(find_together(batch))
            keys.append(find_keys(batch) if recalled is None else recalled)
            n_missed += recalled is None
            begin += _RECALLED_TEXTS
        return np.concatenate([*keys, find_keys(texts[begin:])])

    def _refresh(self, database: sqlite3.Connection, space: Space) -> tuple[SpaceRow, KeyIndex] | None:
        """What is known of a space, with what others have added since the last look; None where there is nothing."""
        row = find_row(database, space)
        known = self._indexes.pop(space, None)
        if row is None:
            return None
        if known is not None and known[0].generation != row.generation:
            known = None
        newer = read_index(database, row, known[1].last_id if known else 0)
        if known is None and newer is None:
            return None
        index = newer if known is None else known[1] if newer is None else known[1] + newer
        assert index is not None
        self._indexes[space] = row, index
        return row, index

    @property
    def _rows_folder(self) -> Path:
        return self._folder / ROWS_FOLDER

    def list_spaces(self) -> list[SpaceStats]:
        """What is kept, a row a space."""
        return self._try(self._list)

    def _list(self, database: sqlite3.Connection) -> list[SpaceStats]:
        stats = []
        for row in list_rows(database):
            n, n_tokens, oldest_s, newest_s = database.execute(
                "SELECT TOTAL(n), TOTAL(n_tokens), MIN(created_s), MAX(created_s) FROM segment WHERE space=?", (row.id,)
            ).fetchone()
            hits, saved = database.execute("SELECT n_hits, n_tokens_saved FROM space WHERE id=?", (row.id,)).fetchone()
            n_bytes = int(n) * row.vector_bytes
            stats.append(SpaceStats(row.space, int(n), n_bytes, int(n_tokens), hits, saved, oldest_s or 0.0, newest_s or 0.0))
        return stats

    def scan(self, space: Space) -> Iterator[Batch]:
        """All vectors of a space, in the pieces in which they came; unsound ones are left out."""
        row = self._try(lambda database: find_row(database, space))
        if row is None:
            return
        for segment in self._try(lambda database: list(read_segments(database, row, 0))):
            vectors, sound = self._try(partial(read_segment, self._rows_folder, row, segment))
            together = segment.together if sound.all() else b""
            yield Batch(segment.keys[sound], vectors[sound], segment.n_tokens, segment.created_s, together)

    # Writing

    def put(self, space: Space, batches: Sequence[Batch]) -> None:
        """Keeps the vectors; when it returns they outlast a crash."""
        batches = [batch for batch in batches if len(batch.keys)]
        if batches:
            self._try(lambda database: self._put(database, space, batches))

    def _put(self, database: sqlite3.Connection, space: Space, batches: Sequence[Batch]) -> None:
        self._check_writable()
        packed = [pack(batch.vectors, space.precision) for batch in batches]
        with write_transaction(database):
            row = find_row(database, space) or add_row(database, space, packed[0].shape[1])
            if any(piece.shape[1] != row.dimensions for piece in packed):
                raise CacheError(f"The cache holds vectors of {row.dimensions} numbers here, not {packed[0].shape[1]}.", PLACE)
            append_rows(self._rows_folder / row.file_name, row.n_rows, packed)
            start = row.n_rows
            for batch, piece in zip(batches, packed, strict=True):
                checks = find_checks(piece, batch.keys)
                add_segment(database, row, Segment(0, start, batch.keys, checks, batch.n_tokens, batch.created_s, batch.together))
                start += len(piece)
            database.execute("UPDATE space SET n_rows=? WHERE id=?", (start, row.id))

    def _check_writable(self) -> None:
        if not self._is_writable:
            raise CacheError(f"The cache folder {name_place(self._folder)} cannot be written.", PLACE)

    def record_hits(self, space: Space, n_hits: int, n_tokens: float) -> None:
        """Counts what was saved; not worth waiting for the disk, nor for others, nor an error."""
        with suppress(CacheError, sqlite3.Error), self._open() as database:
            if not self._is_writable:
                return
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute(f"PRAGMA busy_timeout={_HITS_BUSY_MS}")
            try:
                database.execute(
                    f"UPDATE space SET n_hits=n_hits+?, n_tokens_saved=n_tokens_saved+? {OF_SPACE}",
                    (n_hits, round(n_tokens), *identity(space)),
                )
            finally:
                database.execute("PRAGMA synchronous=FULL")
                database.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")

    def remove(self, *, model: str | None = None, before_s: float | None = None, max_bytes: int | None = None) -> int:
        """Removes what is older than `before_s`, then the oldest until `max_bytes` are left, and gives the number.

        All this only of `model`, where one is named; all of it, where nothing else is said.
        """

        def act(database: sqlite3.Connection) -> int:
            self._check_writable()
            return remove_segments(database, self._rows_folder, model, before_s, max_bytes)

        return self._try(act)
