"""What happens to the connection itself, told among the server's events."""

from __future__ import annotations

from dataclasses import dataclass

from .server_events import ServerEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost(ServerEvent):
    """The connection broke; it is being made again.

    Attributes:
        reason: for people.
        response_ids: of the answers that broke off with it.
        n_unbegun: answers that had yet to begin: their questions must be asked again.
    """

    reason: str = ""
    response_ids: tuple[str, ...] = ()
    n_unbegun: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnected(ServerEvent):
    """The connection is there again; `n_retold` entries of the conversation were told again as text."""

    n_retold: int = 0
