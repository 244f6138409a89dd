"""Dozens of requests at once over plain sockets: httpx's own pool grows dear with the connections in flight.

Connections of ``http.client`` are kept alive and taken by one thread at a time; the seam is httpx's: what takes a
``httpx.BaseTransport`` takes this one.
"""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .reach import CONNECT_TIMEOUT_S, ssl_context

if TYPE_CHECKING:
    import httpx
    from httpx import BaseTransport as _Transport
else:
    _Transport = object  # httpx asks for the methods only


class KeepAlive(_Transport):
    """An httpx transport of plain sockets: whole bodies both ways, no proxies, one request at a time on each connection."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int | None], list[http.client.HTTPConnection]] = {}
        self._busy: set[http.client.HTTPConnection] = set()
        self._n_aborts = 0
        self._lock = threading.Lock()

    def __enter__(self) -> KeepAlive:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's side of the seam; raises httpx's errors."""
        import httpx

        url, timeout_s = request.url, request.extensions.get("timeout", {}).get("read")
        key, n_aborts = (url.scheme, url.host, url.port), self._n_aborts
        connection, is_fresh = self._take(key)
        try:
            while True:
                try:
                    response = self._send(connection, request, timeout_s, is_fresh, n_aborts)
                    break
                except (http.client.RemoteDisconnected, ConnectionError) as error:
                    self._drop(connection)
                    if is_fresh or self._n_aborts != n_aborts:
                        raise httpx.RemoteProtocolError(str(error)) from error
                    connection, is_fresh = self._new(key), True  # the server had closed it while it was idle
        except TimeoutError as error:
            self._drop(connection)
            raise httpx.ReadTimeout("timed out") from error
        except (http.client.HTTPException, OSError) as error:
            self._drop(connection)
            raise httpx.RemoteProtocolError(str(error)) from error
        except BaseException:
            self._drop(connection)
            raise
        self._give(key, connection, n_aborts)
        return response

    def _send(
        self,
        connection: http.client.HTTPConnection,
        request: httpx.Request,
        timeout_s: float | None,
        is_fresh: bool,
        n_aborts: int,
    ) -> httpx.Response:
        import httpx

        if is_fresh:
            _connect(connection)
        if self._n_aborts != n_aborts:  # while it had no socket yet that could be shut
            raise httpx.RemoteProtocolError("broken off")
        connection.sock.settimeout(timeout_s)
        headers = {name: value for name, value in request.headers.items() if name != "connection"}
        connection.request(request.method, request.url.raw_path.decode(), body=request.read(), headers=headers)
        answer = connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read(), request=request)

    def _take(self, key: tuple[str, str, int | None]) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            idle = self._idle.get(key)
            if idle:
                connection = idle.pop()
                self._busy.add(connection)
                return connection, False
        return self._new(key), True

    def _new(self, key: tuple[str, str, int | None]) -> http.client.HTTPConnection:
        scheme, host, port = key
        if scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=CONNECT_TIMEOUT_S, context=ssl_context()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_S)
        with self._lock:
            self._busy.add(connection)
        return connection

    def _give(self, key: tuple[str, str, int | None], connection: http.client.HTTPConnection, n_aborts: int) -> None:
        with self._lock:
            self._busy.discard(connection)
            if connection.sock is not None and self._n_aborts == n_aborts:  # http.client closes it where the server says so
                self._idle.setdefault(key, []).append(connection)
                return
        connection.close()

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    def abort(self) -> None:
        """Wakes every thread that waits for an answer; what it waited for fails, and is not sent again."""
        with self._lock:
            self._n_aborts += 1
            for sock in [connection.sock for connection in self._busy]:  # its thread may let go of it meanwhile
                if sock is not None:
                    with suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes idle connections."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (one for many in idle.values() for one in many):
            connection.close()


def _connect(connection: http.client.HTTPConnection) -> None:
    import httpx

    try:
        connection.connect()
    except TimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
