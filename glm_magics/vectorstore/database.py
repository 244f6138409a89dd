"""The SQLite index of a store: opening it, its version, what is done when it cannot be used.

Opening is cheap whatever it holds: one file is opened and two numbers are read.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from ..errors import CacheError
from ..journals import set_journal, write_transaction
from ..notes import note
from .spaces import KEY_BYTES, name_place

VERSION = 1
FILE_NAME = "index.sqlite"
ROWS_FOLDER = "vectors"
BUSY_S = 60.0
_SCHEMA = """
CREATE TABLE space (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, model TEXT NOT NULL, asked_dimensions INTEGER NOT NULL,
    precision TEXT NOT NULL, dimensions INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0, n_rows INTEGER NOT NULL DEFAULT 0,
    n_hits INTEGER NOT NULL DEFAULT 0, n_tokens_saved INTEGER NOT NULL DEFAULT 0,
    UNIQUE (provider, model, asked_dimensions, precision));
CREATE TABLE segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, space INTEGER NOT NULL REFERENCES space, start INTEGER NOT NULL, n INTEGER NOT NULL,
    n_tokens INTEGER NOT NULL, created_s REAL NOT NULL, keys BLOB NOT NULL, checks BLOB NOT NULL,
    together BLOB NOT NULL);
CREATE INDEX segment_of_space ON segment (space, id);
"""
_MISFITS = f"SELECT 1 FROM segment WHERE length(keys) != {KEY_BYTES} * n OR length(checks) != 8 * n LIMIT 1"


def open_database(folder: Path) -> tuple[sqlite3.Connection, bool]:
    """The index in `folder`, and whether it can be written; made if there is none.

    Raises:
        CacheError: the place cannot be used, or a newer version of this package made it.
    """
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK) and (not path.exists() or os.access(path, os.W_OK)):
            return _open_to_write(path), True
    except OSError as error:
        if not path.is_file():
            raise CacheError(f"The cache folder {name_place(folder)} cannot be made ({error.strerror}).", PLACE) from None
    if not path.is_file():
        raise CacheError(f"The cache folder {name_place(folder)} cannot be written.", PLACE)
    return _open_to_read(path), False


PLACE = "Name another place with GLM_CACHE_DIR or `cache=PATH`."


def _open_to_write(path: Path) -> sqlite3.Connection:
    database = _connect(path)
    try:
        _prepare(database, path)
    except sqlite3.DatabaseError as error:
        database.close()
        if is_damage(error):
            set_aside(path.parent, "its index is damaged")
            database = _connect(path)
            _prepare(database, path)
        else:
            raise as_cache_error(error, path.parent) from error
    except CacheError:
        database.close()
        raise
    return database


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise as_cache_error(error, path.parent) from error


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    version = _check_version(database, path)
    set_journal(database, path.parent)
    database.execute("PRAGMA synchronous=FULL")
    if version == 0:
        with write_transaction(database):
            if _check_version(database, path) == 0:  # nobody was faster
                for statement in _SCHEMA.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version={VERSION}")


def _check_version(database: sqlite3.Connection, path: Path) -> int:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise CacheError(
            f"The cache in {name_place(path.parent)} was made by a newer version of glm_magics.",
            f"Update glm_magics. Or: {PLACE}",
        )
    return version


def _open_to_read(path: Path) -> sqlite3.Connection:
    for more in ("", "&immutable=1"):  # where even the shared memory beside a log cannot be made, it is read as it lies there
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro{more}", uri=True, isolation_level=None, check_same_thread=False)
        try:
            _check_version(database, path)
            database.execute("SELECT id FROM space LIMIT 1").fetchone()
            return database
        except (sqlite3.DatabaseError, CacheError) as error:
            database.close()
            failure = error
    if isinstance(failure, CacheError):
        raise failure
    raise as_cache_error(failure, path.parent) from failure


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is no database, or a broken one."""
    return any(
        sign in str(error) for sign in ("malformed", "not a database", "no such table", "no such column", "unsupported file")
    )


def as_cache_error(error: sqlite3.Error | OSError, folder: Path) -> CacheError:
    """What went wrong with the place, in a sentence."""
    text, place = str(error), name_place(folder)
    if "full" in text or getattr(error, "errno", None) in (28, 122, 27):  # ENOSPC, EDQUOT, EFBIG
        return CacheError(f"The disk under the cache {place} is full.", f"Make room, `%glm_cache --max-size 1GB`, or: {PLACE}")
    if "locked" in text or "busy" in text:
        return CacheError(f"Another process has held the cache {place} for {BUSY_S:.0f} s.", "Try again when it has finished.")
    return CacheError(f"The cache {place} cannot be used: {getattr(error, 'strerror', None) or text}.", PLACE)


def _is_sound(path: Path) -> bool:
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
        is_whole = database.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        return is_whole and database.execute(_MISFITS).fetchone() is None
    return False


def set_aside(folder: Path, why: str) -> None:
    """Moves everything in the cache out of the way, says so, and deletes nothing."""
    if _is_sound(folder / FILE_NAME):  # another process has done it already
        return
    target = folder / f"damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    target.mkdir(exist_ok=True)
    for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", f"{FILE_NAME}-journal", ROWS_FOLDER):
        with suppress(FileNotFoundError):
            os.replace(folder / name, target / name)
    note(f"The cache was set aside as {name_place(target)}, because {why}; a new one is begun.", stacklevel=2)
