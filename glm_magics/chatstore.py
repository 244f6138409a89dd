"""Saved chats in one local SQLite file: a row a turn, so that a turn more costs the same after the first as after the five
hundredth, and two kernels cannot overwrite each other.

Each chat has a revision. Who saves says which one it went on from; when another kernel has saved since, nothing is changed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .chatfiles import turn_from_json, turn_to_json
from .conversations import Conversation
from .errors import ChatError, one_line
from .journals import write_transaction

_WAIT_S = 5.0
_CREATE = """
CREATE TABLE IF NOT EXISTS chats (name TEXT PRIMARY KEY, system TEXT, model TEXT, revision INTEGER);
CREATE TABLE IF NOT EXISTS turns (chat TEXT, n INTEGER, body TEXT, PRIMARY KEY (chat, n));
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """A chat as it is on disk, and its revision."""

    chat: Conversation
    revision: int


class ChatStore:
    """The file.

    Args:
        path: made at the first `save`, folders too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> dict[str, int]:
        """The saved chats and how many turns each has.

        Raises:
            ChatError: the file cannot be read.
        """
        if not self.path.exists():
            return {}
        with self._open() as connection:
            query = "SELECT name, (SELECT COUNT(*) FROM turns WHERE chat = name) FROM chats ORDER BY rowid"
            return dict(connection.execute(query).fetchall())

    def load(self, name: str) -> Saved:
        """The chat of that name.

        Raises:
            ChatError: there is none, or it cannot be read.
        """
        row, turns = None, []
        if self.path.exists():
            with self._open() as connection, connection:
                connection.execute("BEGIN")  # both reads see one revision
                row = connection.execute("SELECT system, model, revision FROM chats WHERE name = ?", (name,)).fetchone()
                turns = connection.execute("SELECT body FROM turns WHERE chat = ? ORDER BY n", (name,)).fetchall()
        if row is None:
            known = ", ".join(f"`{one_line(one, 60)}`" for one in self.names())
            raise ChatError(f"No chat `{one_line(name, 60)}` is saved.", f"Saved are: {known}." if known else "None is saved.")
        try:
            return Saved(Conversation(name, tuple(turn_from_json(json.loads(body)) for (body,) in turns), row[0], row[1]), row[2])
        except (ValueError, RecursionError):
            raise ChatError(f"The saved chat `{name}` cannot be read.", f"`%glm_chat delete {name}` removes it.") from None

    def save(self, chat: Conversation, revision: int, n_same: int = 0) -> int:
        """Saves the chat; gives its new revision.

        Args:
            chat: as it is now.
            revision: that it went on from; 0 for a chat that was not saved before.
            n_same: of its first turns that are on disk already.

        Raises:
            ChatError: another kernel has saved a chat of this name since, or the file cannot be written.
        """
        with self._open(is_made=True) as connection, write_transaction(connection):
            found = connection.execute("SELECT revision FROM chats WHERE name = ?", (chat.name,)).fetchone()
            if (found[0] if found else 0) != revision:
                raise ChatError(
                    f"Another kernel has saved a chat `{chat.name}` since.",
                    f"`%glm_chat fork {chat.name} NEW` keeps this one under another name, `%glm_chat resume {chat.name}` takes "
                    f"that one, `%glm_chat delete {chat.name}` removes it from the disk.",
                )
            connection.execute(
                "INSERT OR REPLACE INTO chats (name, system, model, revision) VALUES (?, ?, ?, ?)",
                (chat.name, chat.system, chat.model, revision + 1),
            )
            connection.execute("DELETE FROM turns WHERE chat = ? AND n >= ?", (chat.name, n_same))
            bodies = (json.dumps(turn_to_json(turn), ensure_ascii=True) for turn in chat.turns[n_same:])
            rows = [(chat.name, n, body) for n, body in enumerate(bodies, n_same)]
            connection.executemany("INSERT INTO turns (chat, n, body) VALUES (?, ?, ?)", rows)
        return revision + 1

    def delete(self, name: str) -> None:
        """Removes the chat of that name from the disk.

        Raises:
            ChatError: there is none, or the file cannot be written.
        """
        self.load(name)
        with self._open() as connection, write_transaction(connection):
            connection.execute("DELETE FROM turns WHERE chat = ?", (name,))
            connection.execute("DELETE FROM chats WHERE name = ?", (name,))

    @contextmanager
    def _open(self, is_made: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if is_made:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)) as connection:
                if is_made:
                    connection.executescript(_CREATE)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise ChatError(
                f"The saved chats cannot be used: {one_line(str(error), 120)}.", f"Look at {self.path.name}."
            ) from None
