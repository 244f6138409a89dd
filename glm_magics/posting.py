"""One request and one whole answer in JSON, from any thread, dozens of them at once. Whether to try again is for the caller."""

from __future__ import annotations

import json
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
from .reach import Retry, is_local, machine_settings, network_error, open_http, ssl_context
from .retries import parse_retry_after
from .transport import KeepAlive

if TYPE_CHECKING:
    import httpx

    Send: TypeAlias = Callable[[httpx.Request], httpx.Response]

Parse: TypeAlias = Callable[[bytes], Mapping[str, Any] | None]
MAX_PROXIED = 500
"""Connections through a proxy; the limit that counts is the caller's."""


@dataclass(frozen=True, slots=True)
class Attempt:
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


class Poster:
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

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float, parse: Parse = lambda content: None) -> Attempt:
        """One try. A server's refusal and a broken connection are part of the result.

        Args:
            path, body: of the request.
            timeout_s: longest silence.
            parse: a quicker way to read the answer, tried first; None where it finds anything odd.

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
            return Attempt(None, failed.error if isinstance(failed, Retry) else _as_glm(failed), is_retryable)
        return self._read(response, content, time.monotonic() - started_s, parse)

    def _read(self, response: httpx.Response, content: bytes, took_s: float, parse: Parse) -> Attempt:
        payload = (parse(content) or parse_json(content)) if response.status_code == 200 else None
        if response.status_code == 200 and payload is None:
            excerpt = one_line(content.decode("utf-8", errors="replace"), 80) or "nothing"
            host = self._connection.provider.host
            error: GLMError = NotFoundError(
                f"{host} answered with something that is no JSON object: “{excerpt}”.",
                "`%glm_connect` shows the address in use; does it end like /v1 or /v4?",
                status=200,
            )
            return Attempt(None, error, took_s=took_s)
        if payload is not None and payload.get("error") is None:
            return Attempt(payload, took_s=took_s)
        fault = parse_failure(response.status_code, content if payload is None else payload, response.headers.get("x-request-id"))
        wait_s = parse_retry_after(response.headers.get("retry-after")) or 0.0
        is_crowded = fault.is_retryable and isinstance(fault.error, RateLimitError)
        return Attempt(None, fault.error, fault.is_retryable, is_crowded, wait_s, took_s)

    def _build_request(self, path: str, body: Mapping[str, Any], timeout_s: float) -> httpx.Request:
        import httpx

        url = f"{self._connection.provider.base_url}{path}"
        headers, content = write_headers(self._connection, has_body=True), write_body(body)
        return httpx.Request("POST", url, headers=headers, content=content, extensions={"timeout": {"read": timeout_s}})

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
        """Closes connections; the poster can be used again."""
        with self._lock:
            for one in (self._own, self._proxied):
                if one is not None:
                    one.close()
            self._send = self._own = self._proxied = None


def write_headers(connection: Connection, has_body: bool) -> dict[str, str]:
    """What every request to a server says of itself.

    Raises:
        NoProviderError: there is no key.
    """
    provider, key = connection.provider, connection.key
    if provider.needs_key and not key:
        raise NoProviderError(f"There is no key for {provider.name}.", NO_KEY_WAY_OUT)
    headers = {"Accept-Language": "en-US,en", "Accept-Encoding": "identity"}
    if has_body:
        headers["Content-Type"] = "application/json"
    if key:
        headers["Authorization"] = f"Bearer {key.reveal()}"
    return headers


def write_body(body: Mapping[str, Any]) -> bytes:
    """Compact JSON; half a surrogate pair becomes a question mark."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


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
    """The JSON object, or None where it is none."""
    payload: Any = None
    with suppress(ValueError, RecursionError):
        payload = json.loads(content.decode("utf-8", errors="replace"))
    return payload if isinstance(payload, dict) else None
