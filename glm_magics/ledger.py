"""What every call has used, in one local SQLite file: counts and times, no word of what was said.

One row a call. Kernels share the file; nothing that goes wrong with it may cost an answer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from .errors import LedgerError, one_line
from .journals import set_journal

Span: TypeAlias = Literal["cell", "notebook", "today", "month", "all"]
SPANS: tuple[Span, ...] = ("cell", "notebook", "today", "month", "all")

_WAIT_S = 2.0
_VERSION = 1


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call.

    Attributes:
        at: when it ended, local time with its offset, ISO 8601.
        session: of which kernel, a random id.
        notebook: its file as the front end tells it; empty where it does not.
        cell: the number of the cell; 0 outside of a notebook.
        provider, model: who answered.
        chat: the name of the chat; empty without one.
        prompt_tokens, cached_tokens, completion_tokens, thinking_tokens: as counted by the server, or estimated.
        is_estimate: the server sent no count, or the price is by the minute.
        elapsed_s, first_token_s: from sending; the second None when no token came.
        cost, currency: None and empty where the price is not known.
        ending: as `Reply.ending`; ``complete`` where that is empty.
        request_id: for the vendor's support.
    """

    at: str
    session: str
    notebook: str
    cell: int
    provider: str
    model: str
    chat: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    thinking_tokens: int = 0
    is_estimate: bool = False
    elapsed_s: float = 0.0
    first_token_s: float | None = None
    cost: float | None = None
    currency: str = ""
    ending: str = "complete"
    request_id: str = ""


_COLUMNS = tuple(row.name for row in fields(CallRecord))
_SINCE = "julianday(at) >= julianday(:since)"
_WHERE: Mapping[Span, str] = {
    "cell": "session = :session",
    "notebook": "session = :session OR (notebook = :notebook AND notebook != '')",
    "today": _SINCE,
    "month": _SINCE,
    "all": "TRUE",
}
_CREATE = f"CREATE TABLE IF NOT EXISTS calls ({', '.join(_COLUMNS)})"


class Ledger:
    """The file.

    Args:
        path: made at the first `add`, folders too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, record: CallRecord) -> None:
        """Keeps one call.

        Raises:
            LedgerError: the file cannot be written.
        """
        values = list(asdict(record).values())
        with self._open(is_made=True) as connection, connection:
            connection.execute(f"INSERT INTO calls ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(values))})", values)

    def read(self, span: Span, session: str = "", notebook: str = "", now: datetime | None = None) -> list[CallRecord]:
        """The calls of a span, oldest first; of none there is, an empty list.

        Args:
            span: ``cell`` is the last cell of the session that asked something; ``notebook`` the session and, where the
                front end tells the file, its earlier sessions; ``today`` and ``month`` count from midnight here.
            session: the kernel's id.
            notebook: its file, if known.
            now: for tests.

        Raises:
            LedgerError: the file cannot be read.
        """
        if not self.path.exists():
            return []
        midnight = (now or datetime.now().astimezone()).replace(hour=0, minute=0, second=0, microsecond=0)
        since = midnight.replace(day=1) if span == "month" else midnight
        values = {"session": session, "notebook": notebook, "since": since.isoformat()}
        with self._open() as connection:
            query = f"SELECT {', '.join(_COLUMNS)} FROM calls WHERE {_WHERE[span]} ORDER BY rowid"
            records = [_record(row) for row in connection.execute(query, values)]
        return [record for record in records if span != "cell" or record.cell == records[-1].cell]

    @contextmanager
    def _open(self, is_made: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if is_made:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_WAIT_S)) as connection:
                if is_made and not connection.execute("PRAGMA user_version").fetchone()[0]:
                    set_journal(connection, self.path.parent)
                    connection.execute(_CREATE)
                    connection.execute(f"PRAGMA user_version={_VERSION}")
                connection.execute("PRAGMA synchronous=NORMAL")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(
                f"The ledger of calls cannot be used: {one_line(str(error), 120)}.",
                "Is its folder writable? `%config GLM.ledger = False` goes without it.",
            ) from None


def _record(row: tuple[Any, ...]) -> CallRecord:
    named = dict(zip(_COLUMNS, row, strict=True))
    return CallRecord(**{**named, "is_estimate": bool(named["is_estimate"])})
