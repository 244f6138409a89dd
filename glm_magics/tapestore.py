"""The file of recordings on disk: written whole or not at all, shared by kernels."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from .errors import ReplayError, one_line
from .tapes import Tape, read_tapes, write_tapes

_WAIT_S = 20.0


class TapeFile:
    """The tapes of one file.

    Args:
        path: made at the first `add`.
        lock_folder: where kernels wait for each other; a lock beside the file would be one more file beside the notebook.
    """

    def __init__(self, path: Path, lock_folder: Path) -> None:
        self.path = path
        self._lock_folder = lock_folder
        self._stamp: tuple[int, int] | None = None
        self._tapes: dict[str, Tape] = {}
        self._reading = threading.Lock()

    def read(self) -> Mapping[str, Tape]:
        """The tapes by key; of no file none.

        Raises:
            ReplayError: it cannot be read, or is none.
        """
        with self._reading:
            try:
                found = self.path.stat()
                if (stamp := (found.st_mtime_ns, found.st_size)) != self._stamp:
                    self._tapes = read_tapes(self.path.read_text(encoding="utf-8-sig", errors="replace"), self.path.name)
                    self._stamp = stamp
            except FileNotFoundError:
                self._tapes, self._stamp = {}, None
            except OSError as error:
                raise self._error("read", error) from None
            return self._tapes

    def add(self, tape: Tape) -> None:
        """Writes a tape, in the place of one of the same request.

        Raises:
            ReplayError: the file cannot be read or written.
        """
        try:
            with self._locked():
                tapes = {**self.read(), tape.asked.key: tape}
                beside = self.path.with_name(f".{self.path.name}.{uuid4().hex[:8]}")
                try:
                    beside.write_text(write_tapes(tapes.values()), encoding="utf-8", errors="replace", newline="\n")
                    os.replace(beside, self.path)
                finally:
                    with suppress(OSError):
                        beside.unlink(missing_ok=True)
        except (OSError, sqlite3.Error) as error:
            raise self._error("written", error) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """A lock that ends with its holder, whatever happens to that: a write transaction of SQLite."""
        self._lock_folder.mkdir(parents=True, exist_ok=True)
        lock = self._lock_folder / "replay.lock.sqlite"
        with closing(sqlite3.connect(lock, timeout=_WAIT_S, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def _error(self, what: str, error: Exception) -> ReplayError:
        why = one_line(str(getattr(error, "strerror", "") or error), 120)
        return ReplayError(f"The recordings cannot be {what}: {why}.", f"Look at {self.path.name}, or name another file.")
