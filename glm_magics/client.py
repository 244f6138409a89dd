"""The vendor's endpoints: chat over HTTP, whole or streamed, with retries.

One seam: ``GLMClient(connection, transport=...)`` takes any ``httpx.BaseTransport``.
"""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from .errors import NO_KEY_WAY_OUT, CutShortError, GLMError, NetworkError, NoProviderError, NotFoundError, one_line
from .failures import Fault, parse_failure
from .providers import Connection
from .replies import Delta, parse_chunk
from .retries import MAX_WAIT_S, RetryPolicy, Waiting, parse_retry_after
from .sse import SSEDecoder

if TYPE_CHECKING:
    import ssl

    import httpx

_KEPT = "What came is kept; run the cell again."
CONNECT_TIMEOUT_S = 8.0
DEFAULT_TIMEOUT_S = 300.0
"""The vendor's SDK waits as long; a thinking model may be silent for minutes before its first token."""

StreamItem: TypeAlias = Delta | Waiting


class _Retry(Exception):
    """Internal: this attempt failed in a way that another may cure."""

    def __init__(self, error: GLMError, retry_after_s: float | None = None, only_once: bool = False) -> None:
        super().__init__()
        self.error = error
        self.retry_after_s = retry_after_s
        self.only_once = only_once


class _Line:
    """One kept-alive connection, and the socket under it, which another thread may shut."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.sock: socket.socket | None = None
        self.is_shut = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace hook: it alone shows the socket before the response has begun."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete", "proxy.start_tls.complete"):
            found = info["return_value"].get_extra_info("socket")
            self.sock = found if isinstance(found, socket.socket) else None
            if self.is_shut:
                self.shut()

    def shut(self) -> None:
        """Wakes a blocked read and tells the server at once; closing alone does neither while a thread reads."""
        self.is_shut = True
        if self.sock is not None:
            with suppress(OSError):  # already closed by either side
                self.sock.shutdown(socket.SHUT_RDWR)

    def drain(self, chunks: Iterator[bytes], wait_s: float = 0.01) -> None:
        """Reads a body to its very end if that is near: only then can the connection serve the next request.

        In a thread, because the end may lie in the HTTP library's buffer already or never come: nothing else can tell.
        """
        if self.sock is None or self.is_shut:
            return

        def read() -> None:
            with suppress(Exception):  # the answer is whole; a rest that breaks only costs the connection
                deque(chunks, maxlen=0)

        reader = threading.Thread(target=read, name="glm-drain", daemon=True)
        reader.start()
        reader.join(wait_s)
        if reader.is_alive():
            self.shut()
            reader.join(1.0)


class ChatStream:
    """The items of one answer, once; iterate in one thread, `abort` from any.

    Raises (while iterating):
        APIError: the server refused, after the retries that made sense.
        NetworkError: it could not be reached or fell silent.
        CutShortError: the answer broke off in the middle.
    """

    def __init__(self, owner: GLMClient, body: Mapping[str, Any], timeout_s: float) -> None:
        self._owner = owner
        self.body = body
        self.taped: Any = None  # a `taping.Taped`, once an answer that is or goes on record has begun
        self._timeout_s = timeout_s
        self._line: _Line | None = None
        self._aborted = threading.Event()
        self._has_begun = False

    @property
    def is_aborted(self) -> bool:
        return self._aborted.is_set()

    def abort(self) -> None:
        """Closes the connection at once; the iteration ends, with or without an error that no longer matters."""
        self._aborted.set()
        line = self._line
        if line is not None:
            line.shut()

    def __iter__(self) -> Iterator[StreamItem]:
        policy = self._owner.retry
        attempt, waited_s = 0, 0.0
        while not self.is_aborted:
            attempt += 1
            try:
                yield from self._attempt()
                return
            except _Retry as retry:
                too_long = (retry.retry_after_s or 0) > MAX_WAIT_S
                most = 1 if retry.only_once else policy.max_retries
                if self._has_begun or attempt > most or too_long:
                    raise _after_tries(retry, attempt, waited_s) from None
                wait_s = policy.wait_s(attempt, retry.retry_after_s)
                waited_s += wait_s
                yield Waiting(wait_s, attempt, most + 1, retry.error.message)
                self._aborted.wait(wait_s)

    def _attempt(self) -> Iterator[Delta]:
        import httpx

        line = self._line = self._owner._take_line()
        if self.is_aborted:  # between the last look and now: nobody else would shut this line
            line.shut()
        is_clean = False
        try:
            request = self._owner._build_request(line, "POST", "/chat/completions", self.body, self._timeout_s)
            response = line.client.send(request, stream=True)
            self.taped = response.extensions.get("glm_taped")
            try:
                yield from self._read(response, line)
                is_clean = True
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            raise self._map_error(error) from error
        finally:
            self._line = None
            self._owner._give_line(line, is_clean and not self.is_aborted)

    def _map_error(self, error: Exception) -> Exception:
        import httpx

        if self._has_begun and isinstance(error, httpx.TimeoutException):
            return CutShortError(
                f"The server said nothing more for {self._timeout_s:g} s in the middle of the answer.",
                "What came is kept; run the cell again, or allow more with --timeout SECONDS.",
            )
        if self._has_begun:
            return CutShortError("The connection broke off in the middle of the answer.", _KEPT)
        return _network_error(error, self._owner.connection.provider.host, self._timeout_s)

    def _read(self, response: httpx.Response, line: _Line) -> Iterator[Delta]:
        if response.status_code != 200:
            response.read()
            raise _retry_or_error(response)
        if "text/event-stream" in response.headers.get("content-type", ""):
            yield from self._read_events(response, line)
        else:
            yield from self._read_whole(response)

    def _read_whole(self, response: httpx.Response) -> Iterator[Delta]:
        body = response.read()
        try:
            delta = parse_chunk(json.loads(body.decode("utf-8", errors="replace")))
        except (ValueError, RecursionError):
            excerpt = one_line(body.decode("utf-8", errors="replace"), 80) or "nothing"
            raise NotFoundError(
                f"{self._owner.connection.provider.host} answered with something that is no chat reply: “{excerpt}”.",
                "`%glm_connect` shows the address in use; does it end like /v1 or /v4?",
                status=response.status_code,
            ) from None
        if delta.error is not None:  # an error under status 200
            raise _fault_error(parse_failure(response.status_code, delta.error), response)
        self._has_begun = True
        yield delta

    def _read_events(self, response: httpx.Response, line: _Line) -> Iterator[Delta]:
        finish_reason: str | None = None
        chunks = response.iter_bytes()
        for data in _events(chunks):
            if data.startswith(b"[DONE]"):
                line.drain(chunks)
                self._check_begun()
                return
            delta = self._parse(data, response)
            self._has_begun = True
            finish_reason = delta.finish_reason or finish_reason
            yield delta
        self._check_begun()
        if finish_reason is None and not self.is_aborted:
            raise CutShortError("The answer ended before it was finished.", _KEPT)

    def _check_begun(self) -> None:
        if not self._has_begun and not self.is_aborted:
            raise CutShortError("The server sent an empty answer.", "Run the cell again.")

    def _parse(self, data: bytes, response: httpx.Response) -> Delta:
        try:
            delta = parse_chunk(json.loads(data.decode("utf-8", errors="replace")))
        except (ValueError, RecursionError):
            excerpt = one_line(data.decode("utf-8", errors="replace"), 80)
            raise CutShortError(f"The answer holds something that is no JSON: “{excerpt}”.", _KEPT) from None
        if delta.error is not None:
            fault = parse_failure(None, delta.error)
            if not self._has_begun:
                raise _fault_error(fault, response)
            raise CutShortError(
                f"The server broke off the answer. {fault.error.message}",
                _KEPT,
                code=fault.error.code,
                request_id=fault.error.request_id,
            )
        return delta


def _events(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The data of each event, the last one too where no blank line follows it."""
    decoder = SSEDecoder()
    for chunk in chunks:
        yield from decoder.feed(chunk)
    yield from decoder.close()


def _retry_or_error(response: httpx.Response) -> Exception:
    return _fault_error(parse_failure(response.status_code, response.content, response.headers.get("x-request-id")), response)


def _fault_error(fault: Fault, response: httpx.Response) -> Exception:
    if not fault.is_retryable:
        return fault.error
    return _Retry(fault.error, parse_retry_after(response.headers.get("retry-after")))


def _after_tries(retry: _Retry, attempts: int, waited_s: float) -> GLMError:
    error = retry.error
    if retry.retry_after_s and retry.retry_after_s > MAX_WAIT_S:
        error.message += f" It asks to wait {retry.retry_after_s:.0f} s."
    elif attempts > 1:
        error.message += f" Tried {attempts} times, with {waited_s:.1f} s of waiting between."
    return error


def _network_error(error: Exception, host: str, timeout_s: float) -> Exception:
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        return _Retry(NetworkError(f"{host} did not answer within {CONNECT_TIMEOUT_S:g} s.", _NETWORK), only_once=True)
    if isinstance(error, httpx.TimeoutException):
        return NetworkError(f"{host} said nothing for {timeout_s:g} s.", "Try again, or allow more with --timeout SECONDS.")
    if isinstance(error, httpx.ConnectError):
        cause = _connect_cause(error)
        return _Retry(NetworkError(f"{host} cannot be reached: {cause}.", _NETWORK), only_once=True)
    return _Retry(NetworkError(f"The connection to {host} was lost before the answer began.", _NETWORK), only_once=True)


_NETWORK = "Look at the network, a proxy and the address (`%glm_connect`)."


def _connect_cause(error: Exception) -> str:
    text = str(error)
    if "CERTIFICATE" in text.upper():
        return "its certificate is not trusted here"
    if "refused" in text:
        return "nothing listens there"
    if any(sign in text for sign in ("Name or service", "resolution", "getaddrinfo", "nodename")):
        return "its name is not known to this network"
    return one_line(text, 120) or "no connection"


class GLMClient:
    """Speaks to one `Connection`. Cheap to make: nothing is opened before the first request.

    Args:
        connection: who answers, and the key.
        transport: anything with httpx's transport interface; None means the network.
        timeout_s: longest silence before giving up.
        retry: when and how often to try again.
        wrap: puts something around each connection, e.g. `taping.Deck.wrap`.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retry: RetryPolicy | None = None,
        wrap: Callable[[httpx.Client], httpx.Client] = lambda client: client,
    ) -> None:
        self.connection = connection
        self._wrap = wrap
        self.timeout_s = timeout_s
        self.retry = retry or RetryPolicy()
        self._transport = transport
        self._idle: list[_Line] = []
        self._lock = threading.Lock()

    def stream_chat(self, body: Mapping[str, Any], timeout_s: float | None = None) -> ChatStream:
        """The answer to a chat request; nothing is sent before it is iterated. ``body["stream"]`` may be false."""
        return ChatStream(self, body, timeout_s or self.timeout_s)

    def list_models(self) -> list[str]:
        """The ids at ``GET /models`` (undocumented at the vendor, usual elsewhere).

        Raises:
            GLMError: the server refuses, or cannot be reached.
        """
        import httpx

        line = self._take_line()
        is_clean = False
        try:
            response = line.client.send(self._build_request(line, "GET", "/models", None, 20.0))
            is_clean = True
            if response.status_code != 200:
                raise parse_failure(response.status_code, response.content).error
            payload = json.loads(response.content)
        except (ValueError, RecursionError):
            payload = {}
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            mapped = _network_error(error, self.connection.provider.host, 20.0)
            raise (mapped.error if isinstance(mapped, _Retry) else mapped) from error
        finally:
            self._give_line(line, is_clean)
        rows = payload.get("data") if isinstance(payload, dict) else None
        return [
            row["id"]
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, dict) and isinstance(row.get("id"), str)
        ]

    def close(self) -> None:
        """Closes idle connections; the client can be used again."""
        with self._lock:
            lines, self._idle = self._idle, []
        for line in lines:
            line.client.close()

    def _take_line(self) -> _Line:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Line(self._wrap(self._new_http_client()))

    def _give_line(self, line: _Line, is_reusable: bool) -> None:
        if is_reusable and not line.is_shut:
            with self._lock:
                self._idle.append(line)
        else:
            line.client.close()

    def _new_http_client(self) -> httpx.Client:
        import httpx

        is_local = urlsplit(self.connection.provider.base_url).hostname in ("127.0.0.1", "localhost", "::1")
        try:
            return httpx.Client(
                transport=self._transport,
                verify=_ssl_context() if self._transport is None and not is_local else True,
                trust_env=not is_local,  # a proxy has no way to this machine's own ports
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60),
            )
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:  # the text may hold a proxy's password
            raise NetworkError(
                f"The proxy or certificate settings of this machine cannot be used ({type(error).__name__}).",
                "Look at HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE; a SOCKS proxy needs `pip install httpx[socks]`.",
            ) from None

    def _build_request(
        self, line: _Line, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float
    ) -> httpx.Request:
        import httpx

        provider, key = self.connection.provider, self.connection.key
        if provider.needs_key and not key:
            raise NoProviderError(f"There is no key for {provider.name}.", NO_KEY_WAY_OUT)
        headers = {"Accept-Language": "en-US,en", "Accept-Encoding": "identity"}
        request = line.client.build_request(
            method,
            f"{provider.base_url}{path}",
            headers=headers,
            content=None
            if body is None
            else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            extensions={"trace": line.trace},
        )
        if body is not None:
            request.headers["Content-Type"] = "application/json"
        if key:
            request.headers["Authorization"] = f"Bearer {key.reveal()}"
        return request


@cache
def _ssl_context() -> ssl.SSLContext:
    """One TLS context for all connections: building one takes longer than a request's whole overhead."""
    import httpx

    return httpx.create_ssl_context()
