"""The vendor's endpoints over HTTP: chat, vectors, the list of models.

One seam: ``GLMClient(connection, transport=...)`` takes any ``httpx.BaseTransport``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .chatstream import ChatStream, Line
from .failures import parse_failure
from .limits import Limiter
from .posting import Attempt, Poster, write_body, write_headers
from .providers import Connection
from .reach import CONNECT_TIMEOUT_S, Retry, network_error, open_http
from .retries import RetryPolicy
from .vectorwire import parse_answer

if TYPE_CHECKING:
    import httpx

DEFAULT_TIMEOUT_S = 300.0
"""The vendor's SDK waits as long; a thinking model may be silent for minutes before its first token."""


class GLMClient:
    """Speaks to one `Connection`. Cheap to make: nothing is opened before the first request.

    Args:
        connection: who answers, and the key.
        transport: anything with httpx's transport interface; None means the network.
        timeout_s: longest silence before giving up.
        retry: when and how often to try again.
        limiter_of: from a model to the slots for requests in flight to it; by default there is no limit.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retry: RetryPolicy | None = None,
        limiter_of: Callable[[str], Limiter | None] = lambda model: None,
    ) -> None:
        self.connection = connection
        self.timeout_s = timeout_s
        self.retry = retry or RetryPolicy()
        self.limiter_of = limiter_of
        self._transport = transport
        self._idle: list[Line] = []
        self._lock = threading.Lock()
        self._poster = Poster(connection, transport)

    def stream_chat(self, body: Mapping[str, Any], timeout_s: float | None = None) -> ChatStream:
        """The answer to a chat request; nothing is sent before it is iterated. ``body["stream"]`` may be false."""
        return ChatStream(self, body, timeout_s or self.timeout_s)

    def embed(self, body: Mapping[str, Any], timeout_s: float | None = None) -> Attempt:
        """One try of ``POST /embeddings``; whether to try again is for the caller, who has many in flight."""
        return self._poster.post("/embeddings", body, timeout_s or self.timeout_s, parse_answer)

    def abort(self) -> None:
        """Breaks off what `embed` has in flight, from any thread."""
        self._poster.abort()

    def list_models(self) -> list[str]:
        """The ids at ``GET /models`` (undocumented at the vendor, usual elsewhere).

        Raises:
            GLMError: the server refuses, or cannot be reached.
        """
        import httpx

        line = self.take_line()
        is_clean = False
        try:
            response = line.client.send(self.build_request(line, "GET", "/models", None, 20.0))
            is_clean = True
            if response.status_code != 200:
                raise parse_failure(response.status_code, response.content).error
            payload = json.loads(response.content)
        except (ValueError, RecursionError):
            payload = {}
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            mapped = network_error(error, self.connection.provider.host, 20.0)
            raise (mapped.error if isinstance(mapped, Retry) else mapped) from error
        finally:
            self.give_line(line, is_clean)
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
        self._poster.close()

    def take_line(self) -> Line:
        """A connection of one's own; an idle one, if there is."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Line(open_http(self.connection.provider.base_url, self._transport))

    def give_line(self, line: Line, is_reusable: bool) -> None:
        """Returns it."""
        if is_reusable and not line.is_shut:
            with self._lock:
                self._idle.append(line)
        else:
            line.client.close()

    def build_request(
        self, line: Line, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float
    ) -> httpx.Request:
        """A request to this server over that connection; raises NoProviderError without a key."""
        import httpx

        return line.client.build_request(
            method,
            f"{self.connection.provider.base_url}{path}",
            headers=write_headers(self.connection, body is not None),
            content=None if body is None else write_body(body),
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            extensions={"trace": line.trace},
        )
