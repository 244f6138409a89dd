"""One answer of a chat, whole or streamed, with retries until it begins."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .errors import CutShortError, GLMError, NotFoundError, RateLimitError, one_line
from .failures import Fault, parse_failure
from .limits import Limiter
from .providers import Connection
from .reach import Retry, network_error
from .replies import Delta, parse_chunk
from .retries import MAX_WAIT_S, RetryPolicy, Waiting, parse_retry_after
from .sse import SSEDecoder

if TYPE_CHECKING:
    import httpx

_KEPT = "What came is kept; run the cell again."

_LOOK_S = 0.05
"""How often who waits for others to end looks whether it was stopped."""

StreamItem: TypeAlias = Delta | Waiting


class Line:
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


class Owner(Protocol):
    """Whose connections a stream uses: the client."""

    connection: Connection
    retry: RetryPolicy

    def limiter_of(self, model: str) -> Limiter | None: ...
    def take_line(self) -> Line: ...
    def give_line(self, line: Line, is_reusable: bool) -> None: ...
    def build_request(
        self, line: Line, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float
    ) -> httpx.Request: ...


class ChatStream:
    """The items of one answer, once; iterate in one thread, `abort` from any.

    Raises (while iterating):
        APIError: the server refused, after the retries that made sense.
        NetworkError: it could not be reached or fell silent.
        CutShortError: the answer broke off in the middle.
    """

    def __init__(self, owner: Owner, body: Mapping[str, Any], timeout_s: float) -> None:
        self._owner = owner
        self._body = body
        self._timeout_s = timeout_s
        self._line: Line | None = None
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
                yield from self._attempt_in_slot()
                return
            except Retry as retry:
                too_long = (retry.retry_after_s or 0) > MAX_WAIT_S
                most = 1 if retry.only_once else policy.max_retries
                if self._has_begun or attempt > most or too_long:
                    raise _after_tries(retry, attempt, waited_s) from None
                wait_s = policy.wait_s(attempt, retry.retry_after_s)
                waited_s += wait_s
                yield Waiting(wait_s, attempt, most + 1, retry.error.message)
                self._aborted.wait(wait_s)

    def _attempt_in_slot(self) -> Iterator[StreamItem]:
        """One attempt, counted among the requests in flight to its model until the answer is out."""
        limiter = self._owner.limiter_of(str(self._body.get("model", "")))
        if limiter is None:
            yield from self._attempt()
            return
        if not limiter.take(0):
            yield Waiting(0.0, 0, 0, f"{limiter.limit} at once is what this model takes; waiting for another answer to end…")
            while not limiter.take(_LOOK_S):
                if self.is_aborted:
                    return
        is_refused, rest_s, started_s = None, 0.0, time.monotonic()
        try:
            yield from self._attempt()
            is_refused = False
        except Retry as retry:
            is_refused, rest_s = isinstance(retry.error, RateLimitError) or None, retry.retry_after_s or 0.0
            raise
        finally:
            limiter.give(is_refused, time.monotonic() - started_s, rest_s)

    def _attempt(self) -> Iterator[Delta]:
        import httpx

        line = self._line = self._owner.take_line()
        if self.is_aborted:  # between the last look and now: nobody else would shut this line
            line.shut()
        is_clean = False
        try:
            request = self._owner.build_request(line, "POST", "/chat/completions", self._body, self._timeout_s)
            response = line.client.send(request, stream=True)
            try:
                yield from self._read(response, line)
                is_clean = True
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            raise self._map_error(error) from error
        finally:
            self._line = None
            self._owner.give_line(line, is_clean and not self.is_aborted)

    def _map_error(self, error: Exception) -> Exception:
        import httpx

        if self._has_begun and isinstance(error, httpx.TimeoutException):
            return CutShortError(
                f"The server said nothing more for {self._timeout_s:g} s in the middle of the answer.",
                "What came is kept; run the cell again, or allow more with --timeout SECONDS.",
            )
        if self._has_begun:
            return CutShortError("The connection broke off in the middle of the answer.", _KEPT)
        return network_error(error, self._owner.connection.provider.host, self._timeout_s)

    def _read(self, response: httpx.Response, line: Line) -> Iterator[Delta]:
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

    def _read_events(self, response: httpx.Response, line: Line) -> Iterator[Delta]:
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
    return Retry(fault.error, parse_retry_after(response.headers.get("retry-after")))


def _after_tries(retry: Retry, attempts: int, waited_s: float) -> GLMError:
    error = retry.error
    if retry.retry_after_s and retry.retry_after_s > MAX_WAIT_S:
        error.message += f" It asks to wait {retry.retry_after_s:.0f} s."
    elif attempts > 1:
        error.message += f" Tried {attempts} times, with {waited_s:.1f} s of waiting between."
    return error
