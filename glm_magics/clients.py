"""The clients of a session: one for each connection that it asks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .client import GLMClient
from .providers import Connection
from .retries import RetryPolicy

if TYPE_CHECKING:
    import httpx


class Clients:
    """Makes each at the first need; safe between threads."""

    def __init__(self) -> None:
        self._clients: dict[tuple[object, ...], GLMClient] = {}
        self._lock = threading.Lock()

    def find(
        self, connection: Connection, transport: httpx.BaseTransport | None, max_retries: int, retry_wait_s: float
    ) -> GLMClient:
        """The client for a connection, under these settings."""
        key = connection.provider.name, connection.provider.base_url, connection.key, transport, max_retries, retry_wait_s
        with self._lock:
            if key not in self._clients:
                policy = RetryPolicy(max_retries, retry_wait_s)
                self._clients[key] = GLMClient(connection, transport=transport, retry=policy)
            return self._clients[key]

    def close(self) -> None:
        """Closes what is idle, and forgets them all."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()
