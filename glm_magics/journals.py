"""SQLite files that several kernels write at once: the journal that fits where they lie, and writing all or nothing."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NETWORK_SYSTEMS = {"nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "fuse.sshfs", "fuse.s3fs"}


def set_journal(database: sqlite3.Connection, folder: Path) -> None:
    """A write-ahead log, so that nobody waits for the disk; in a `folder` that other machines share, a rollback journal.

    The log needs memory that all writers share, which no network file system has (SQLite's own documentation).

    Raises:
        sqlite3.OperationalError: the file cannot be written.
    """
    mode = "DELETE" if is_on_network(folder) else "WAL"
    for _ in range(
        100
    ):  # two that open a new file at once get in each other's way here, without waiting; the loser finds it done
        try:
            database.execute(f"PRAGMA journal_mode={mode}")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.02)


@contextmanager
def write_transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; others wait for it to end."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk may have rolled back already
            database.execute("ROLLBACK")
        raise


def is_on_network(folder: Path) -> bool:
    """Whether the folder lies on a file system that other machines share."""
    if str(folder).startswith("\\\\"):
        return True
    if sys.platform != "linux":
        return False
    with suppress(OSError):
        own, best = folder.resolve(), ""
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
            point, kind = line.split()[1:3]
            if own.is_relative_to(point.replace("\\040", " ")) and len(point) >= len(best):
                best, system = point, kind
        return bool(best) and system in _NETWORK_SYSTEMS
    return False
