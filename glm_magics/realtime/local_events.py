"""What happens to the connection itself, told among the server's events."""

from __future__ import annotations

from dataclasses import dataclass

from .server_events import ServerEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost(ServerEvent):
    """The connection broke; it is being made again. `reason` is for people."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnected(ServerEvent):
    """The connection is there again; `n_retold` entries of the conversation were told again as text."""

    n_retold: int = 0
