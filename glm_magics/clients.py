"""The clients of a session: one for each connection that it asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .client import GLMClient
from .limits import Limiter
from .providers import Connection, Provider
from .retries import RetryPolicy
from .taping import Deck

if TYPE_CHECKING:
    import httpx


class Clients:
    """Makes each at the first need; safe between threads.

    Args:
        limiter_of: the slots for requests in flight to a model of a provider.
    """

    def __init__(self, limiter_of: Callable[[Provider, str], Limiter]) -> None:
        self._limiter_of = limiter_of
        self._clients: dict[tuple[object, ...], GLMClient] = {}
        self._lock = threading.Lock()

    def find(
        self,
        connection: Connection,
        transport: httpx.BaseTransport | None,
        policy: RetryPolicy,
        deck: Deck | None = None,
        is_cached: bool = False,
    ) -> GLMClient:
        """The client for a connection; with a deck its answers are recorded and replayed."""
        provider = connection.provider
        key = provider.name, provider.base_url, connection.key, transport, policy, deck, is_cached
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(connection, transport, policy, deck, is_cached)
            return self._clients[key]

    def _make(
        self,
        connection: Connection,
        transport: httpx.BaseTransport | None,
        policy: RetryPolicy,
        deck: Deck | None,
        is_cached: bool,
    ) -> GLMClient:
        limiter_of = partial(self._limiter_of, connection.provider)
        if deck is None:
            return GLMClient(connection, transport=transport, retry=policy, limiter_of=limiter_of)
        wrap = partial(deck.wrap, connection=connection, is_cached=is_cached)
        return GLMClient(connection, transport=transport, retry=policy, limiter_of=limiter_of, wrap=wrap)

    def close(self) -> None:
        """Closes what is idle, and forgets them all."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()
