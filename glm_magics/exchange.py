"""One request and one whole answer in JSON, dozens of them at once.

httpx's own pool grows dear with the connections in flight, so connections here are plain sockets of ``http.client``, kept alive
and taken by one thread at a time. The seam is the client's: any ``httpx.BaseTransport``.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from .errors import NO_KEY_WAY_OUT, GLMError, NoProviderError, NotFoundError, RateLimitError, one_line
from .failures import parse_failure
from .providers import Connection
from .reach import CONNECT_TIMEOUT_S, Retry, is_local, machine_settings, network_error, open_http, ssl_context
from .retries import parse_retry_after

if TYPE_CHECKING:
    import httpx
    from httpx import BaseTransport as _Transport

    Send: TypeAlias = Callable[[httpx.Request], httpx.Response]
else:
    _Transport = object  # httpx asks for the methods only


MAX_PROXIED = 500
"""Connections through a proxy; the limit that counts is the caller's."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of one try: the payload, or an error and whether another try makes sense.

    Attributes:
        is_crowded: the server said that there were too many requests at once.
        retry_after_s: how long it asks to wait.
        took_s: from sending to the end of the answer.
    """

    payload: Mapping[str, Any] | None
    error: GLMError | None = None
    is_retryable: bool = False
    is_crowded: bool = False
    retry_after_s: float = 0.0
    took_s: float = 0.0


class Exchanger:
    """Sends to one `Connection`; safe between threads.

    Args:
        connection: who answers, and the key.
        transport: anything with httpx's transport interface; None means the network.
    """

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        self._connection = connection
        self._transport = transport
        self._own: KeepAlive | None = None
        self._send: Send | None = None
        self._proxied: httpx.Client | None = None
        self._lock = threading.Lock()

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float) -> Exchange:
        """One try. A server's refusal and a broken connection are part of the result.

        Raises:
            NoProviderError: there is no key.
        """
        import httpx

        started_s = time.monotonic()
        request = self._build_request(path, body, timeout_s)
        try:
            response = self._find_way()(request)
            content = response.read()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            failed = network_error(error, self._connection.provider.host, timeout_s)
            is_retryable = isinstance(failed, Retry)
            return Exchange(None, failed.error if isinstance(failed, Retry) else _as_glm(failed), is_retryable)
        return self._read(response, content, time.monotonic() - started_s)

    def _read(self, response: httpx.Response, content: bytes, took_s: float) -> Exchange:
        payload = parse_json(content) if response.status_code == 200 else None
        if response.status_code == 200 and payload is None:
            excerpt = one_line(content.decode("utf-8", errors="replace"), 80) or "nothing"
            host = self._connection.provider.host
            error: GLMError = NotFoundError(
                f"{host} answered with something that is no JSON object: “{excerpt}”.",
                "`%glm_connect` shows the address in use; does it end like /v1 or /v4?",
                status=200,
            )
            return Exchange(None, error, took_s=took_s)
        if payload is not None and payload.get("error") is None:
            return Exchange(payload, took_s=took_s)
        fault = parse_failure(response.status_code, content if payload is None else payload, response.headers.get("x-request-id"))
        wait_s = parse_retry_after(response.headers.get("retry-after")) or 0.0
        is_crowded = fault.is_retryable and isinstance(fault.error, RateLimitError)
        return Exchange(None, fault.error, fault.is_retryable, is_crowded, wait_s, took_s)

    def _build_request(self, path: str, body: Mapping[str, Any], timeout_s: float) -> httpx.Request:
        import httpx

        provider, key = self._connection.provider, self._connection.key
        if provider.needs_key and not key:
            raise NoProviderError(f"There is no key for {provider.name}.", NO_KEY_WAY_OUT)
        headers = {"Accept-Language": "en-US,en", "Accept-Encoding": "identity", "Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key.reveal()}"
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return httpx.Request(
            "POST", f"{provider.base_url}{path}", headers=headers, content=content, extensions={"timeout": {"read": timeout_s}}
        )

    def _find_way(self) -> Send:
        with self._lock:
            if self._send is None:
                self._send = self._make_way()
            return self._send

    def _make_way(self) -> Send:
        url = self._connection.provider.base_url
        if self._transport is not None:
            return self._transport.handle_request
        if not is_local(url) and _has_proxy(url):  # httpx knows every kind of proxy
            proxied = self._proxied = open_http(url, None, MAX_PROXIED)
            return lambda request: proxied.send(request)
        if url.startswith("https"):
            with machine_settings():
                ssl_context()
        self._own = KeepAlive()
        return self._own.handle_request

    def abort(self) -> None:
        """Breaks off what is in flight, from any thread."""
        if self._own is not None:
            self._own.abort()

    def close(self) -> None:
        """Closes connections; the exchanger can be used again."""
        with self._lock:
            for one in (self._own, self._proxied):
                if one is not None:
                    one.close()
            self._send = self._own = self._proxied = None


def _as_glm(error: Exception) -> GLMError:
    if isinstance(error, GLMError):
        return error
    raise error


def _has_proxy(url: str) -> bool:
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(parts.hostname or "")


def parse_json(content: bytes) -> Mapping[str, Any] | None:
    """The JSON object, or None where it is none. With orjson, where that is installed: six times as fast on numbers."""
    payload: Any = None
    try:
        import orjson

        payload = orjson.loads(content)
    except (ImportError, ValueError):  # orjson takes neither NaN nor half a surrogate pair
        with suppress(ValueError, RecursionError):
            payload = json.loads(content.decode("utf-8", errors="replace"))
    return payload if isinstance(payload, dict) else None


class KeepAlive(_Transport):
    """An httpx transport of plain sockets: whole bodies both ways, no proxies, one request at a time on each connection."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int | None], list[http.client.HTTPConnection]] = {}
        self._busy: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> KeepAlive:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's side of the seam; raises httpx's errors."""
        import httpx

        url, timeout_s = request.url, request.extensions.get("timeout", {}).get("read")
        key = (url.scheme, url.host, url.port)
        connection, is_fresh = self._take(key)
        try:
            while True:
                try:
                    response = self._send(connection, request, timeout_s, is_fresh)
                    break
                except (http.client.RemoteDisconnected, ConnectionError) as error:
                    self._drop(connection)
                    if is_fresh:
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
        self._give(key, connection)
        return response

    def _send(
        self, connection: http.client.HTTPConnection, request: httpx.Request, timeout_s: float | None, is_fresh: bool
    ) -> httpx.Response:
        import httpx

        if is_fresh:
            _connect(connection)
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

    def _give(self, key: tuple[str, str, int | None], connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
            if connection.sock is not None:  # http.client closes it where the server says so
                self._idle.setdefault(key, []).append(connection)

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    def abort(self) -> None:
        """Wakes every thread that waits for an answer; what it waited for fails."""
        with self._lock:
            for connection in self._busy:
                if connection.sock is not None:
                    with suppress(OSError):
                        connection.sock.shutdown(socket.SHUT_RDWR)

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
