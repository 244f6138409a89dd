"""Whole answers over plain sockets: kept alive, tried again where the server had hung up, broken off on demand."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from glm_magics import transport
from glm_magics.client import GLMClient
from glm_magics.errors import NetworkError, NoProviderError, NotFoundError, RateLimitError, ServerError
from glm_magics.posting import parse_json
from glm_magics.providers import PROVIDERS, Connection, Secret, server_provider
from glm_magics.reach import ssl_context
from glm_magics.transport import KeepAlive

from .patience import PATIENCE_S, until

BODY = b'{"data":[{"index":0,"embedding":[1.0]}]}'


def http(body: bytes = BODY, status: str = "200 OK", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        status.encode(),
        more,
        len(body),
        body,
    )


@pytest.fixture
def client() -> Iterator[Callable[..., GLMClient]]:
    """Makes clients; all are closed after the test."""
    made: list[GLMClient] = []

    def make(url: str, **named: Any) -> GLMClient:
        made.append(GLMClient(Connection(server_provider(url), Secret("a.b")), **named))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_connections_are_used_again(loopback, client) -> None:
    """Five answers one after the other, one connection; closing lets it go."""
    server = loopback(lambda connection: connection.sendall(http()))
    own = client(server.url)
    for _ in range(5):
        assert own.embed({"input": ["a"]}).payload == {"data": [{"index": 0, "embedding": [1.0]}]}
    assert (len(server.requests), server.n_connections) == (5, 1)
    assert b"Authorization: Bearer a.b".lower() in server.requests[0].lower()
    assert b"accept-encoding: identity" in server.requests[0].lower()
    own.close()
    assert server.is_closed.wait(PATIENCE_S)
    assert own.embed({"input": ["a"]}).payload is not None


def test_a_connection_that_the_server_closed_while_idle(loopback, client) -> None:
    """Costs a new connection and no error."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(http())
        if server.n_connections == 1:
            connection.shutdown(socket.SHUT_RDWR)

    server = loopback(answer)
    own = client(server.url)
    assert own.embed({}).payload
    time.sleep(0.02)
    assert own.embed({}).payload
    assert server.n_connections == 2


def test_connection_close_is_honoured(loopback, client) -> None:
    """A server that wants no connection kept gets a new one each time."""
    server = loopback(lambda connection: (connection.sendall(http(more=b"Connection: close\r\n")), connection.close()))
    own = client(server.url)
    assert own.embed({}).payload
    assert own.embed({}).payload
    assert server.n_connections == 2


@pytest.mark.parametrize(
    ("answer", "error", "is_retryable"),
    [
        pytest.param(http(b'{"error":{"code":"1302"}}', "429 Too Many"), RateLimitError, True, id="crowded"),
        pytest.param(http(b"<html>", "502 Bad Gateway"), ServerError, True, id="proxy-page"),
        pytest.param(http(b'{"error":{"code":"1305"}}'), RateLimitError, True, id="error-under-200"),
        pytest.param(http(b"[1]"), NotFoundError, False, id="no-object"),
        pytest.param(http(b""), NotFoundError, False, id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", NetworkError, True, id="cut-short"),
        pytest.param(b"this is not HTTP\r\n\r\n", NetworkError, True, id="no-http"),
        pytest.param(b"", NetworkError, True, id="closed-at-once"),
    ],
)
def test_what_can_come_instead(loopback, answer: bytes, error: type[Exception], is_retryable: bool, client) -> None:
    """Is an outcome, and says whether another try makes sense."""

    def send(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)

    outcome = client(loopback(send).url).embed({})
    assert outcome.payload is None
    assert type(outcome.error) is error
    assert outcome.is_retryable == is_retryable
    assert outcome.is_crowded == (error is RateLimitError)


def test_retry_after_is_read(loopback, client) -> None:
    """As seconds."""
    server = loopback(lambda connection: connection.sendall(http(b"{}", "429 x", b"Retry-After: 7\r\n")))
    assert client(server.url).embed({}).retry_after_s == 7


def test_silence(loopback, client) -> None:
    """Ends after the time that is allowed, and is not tried again."""
    outcome = client(loopback(lambda connection: None).url).embed({}, timeout_s=0.05)
    assert isinstance(outcome.error, NetworkError)
    assert "said nothing for 0.05 s" in str(outcome.error)
    assert not outcome.is_retryable


def test_nobody_listens(client) -> None:
    """A sentence that says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "nothing listens there" in str(client(f"http://127.0.0.1:{port}").embed({}).error)


def test_abort_wakes_who_waits(loopback, client) -> None:
    """From another thread, at once."""
    server = loopback(lambda connection: None)
    own = client(server.url)
    outcomes: list[Any] = []
    waiting = threading.Thread(target=lambda: outcomes.append(own.embed({}, timeout_s=30)))
    waiting.start()
    until(lambda: server.requests)
    own.abort()
    waiting.join(PATIENCE_S)
    assert isinstance(outcomes[0].error, NetworkError)


def test_what_was_broken_off_is_not_sent_again(loopback, client) -> None:
    """On a connection that served before, too: only a server closes those while they are idle."""
    server = loopback(lambda connection: len(server.requests) == 1 and connection.sendall(http()))
    own = client(server.url)
    assert own.embed({}).payload
    outcomes: list[Any] = []
    waiting = threading.Thread(target=lambda: outcomes.append(own.embed({}, timeout_s=30)))
    waiting.start()
    until(lambda: len(server.requests) == 2)
    own.abort()
    until(lambda: outcomes or len(server.requests) > 2)
    assert len(server.requests) == 2
    assert isinstance(outcomes[0].error, NetworkError)
    assert server.n_connections == 1


def test_what_is_broken_off_while_it_connects_is_not_sent(loopback, client, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no socket yet to shut; what comes after the next request stays."""
    server = loopback(lambda connection: connection.sendall(http()))
    own = client(server.url)
    connect = transport._connect
    monkeypatch.setattr(transport, "_connect", lambda connection: (own.abort(), connect(connection)))
    assert isinstance(own.embed({}).error, NetworkError)
    assert server.requests == []
    monkeypatch.undo()
    assert own.embed({}).payload


def test_many_threads_each_have_a_connection(loopback, client) -> None:
    """As many as are in flight, and no more afterwards."""
    together = threading.Barrier(8)
    server = loopback(lambda connection: (together.wait(PATIENCE_S), connection.sendall(http())))
    own = client(server.url)
    for _ in range(2):
        threads = [threading.Thread(target=own.embed, args=({},)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.requests) == 16
    assert server.n_connections == 8


def test_without_a_key_nothing_is_sent() -> None:
    """At a platform that needs one."""
    with pytest.raises(NoProviderError):
        GLMClient(Connection(PROVIDERS["bigmodel"])).embed({})


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks9://user:passw0rd@host:1"), ("SSL_CERT_FILE", "/nowhere.pem"), ("HTTPS_PROXY", "http://:x:y")],
)
def test_broken_settings_of_the_machine_are_one_sentence(monkeypatch, name: str, value: str) -> None:
    """As for chat: no password in it."""
    ssl_context.cache_clear()
    monkeypatch.setenv(name, value)
    with pytest.raises(NetworkError) as caught:
        GLMClient(Connection(PROVIDERS["bigmodel"], Secret("a.b"))).embed({})
    assert "passw0rd" not in str(caught.value)
    ssl_context.cache_clear()


def test_a_proxy_is_used(loopback, monkeypatch, client) -> None:
    """Where the environment names one: httpx takes over, and the proxy is asked."""
    server = loopback(lambda connection: connection.sendall(http()))
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    assert client("http://models.example/v1").embed({}).payload
    assert server.requests[0].startswith(b"POST http://models.example/v1/embeddings HTTP/1.1")


def test_the_seam_is_any_transport(client) -> None:
    """One that streams its answer, too."""

    def app(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=iter([BODY[:9], BODY[9:]]))

    assert client("http://x/v1", transport=httpx.MockTransport(app)).embed({}).payload


def test_as_a_transport_of_its_own(loopback) -> None:
    """It is one: httpx itself can use it."""
    server = loopback(lambda connection: connection.sendall(http()))
    with httpx.Client(transport=KeepAlive()) as plain:
        assert plain.get(server.url).json()["data"]


@pytest.mark.parametrize(
    ("content", "payload"),
    [
        pytest.param(b'{"a":[1.5]}', {"a": [1.5]}, id="object"),
        pytest.param(b'{"a":Infinity}', {"a": float("inf")}, id="infinity"),
        pytest.param(b'{"a":"\\ud800"}', {"a": "\ud800"}, id="half-a-pair"),
        pytest.param(b'{"a":"\xff"}', {"a": "\ufffd"}, id="no-utf-8"),
        pytest.param(b"[]", None, id="list"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b'{"a":' + b"[" * 100_000, None, id="deep"),
    ],
)
def test_reading_json(content: bytes, payload: object) -> None:
    """An object, or nothing."""
    assert parse_json(content) == payload
