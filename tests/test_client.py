"""Over the wire: retries by business code, every way an answer can break, and a key that is in one header only."""

from __future__ import annotations

import json
import logging
import pickle
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable

import httpx
import pytest

from glm_magics.chatstream import Line
from glm_magics.client import GLMClient
from glm_magics.errors import (
    APIError,
    AuthenticationError,
    CutShortError,
    GLMError,
    NetworkError,
    NoProviderError,
    NotFoundError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from glm_magics.failures import FAILURES
from glm_magics.providers import PROVIDERS, Connection, Secret, server_provider
from glm_magics.replies import Delta, ReplyFold
from glm_magics.retries import MAX_WAIT_S, RetryPolicy, Waiting, parse_retry_after
from glm_magics.testing import FakeGLM, sse_frame

from .conftest import KEY
from .loopback import SSE_HEAD, http_chunk
from .patience import AT_ONCE_S, PATIENCE_S
from .wire import BODY, coded, content, stall

WHOLE = BODY | {"stream": False}


def client(fake=None, *, provider=PROVIDERS["zai"], key=KEY, retries: int = 3, **named) -> GLMClient:
    policy = RetryPolicy(retries, base_s=0.0)
    return GLMClient(Connection(provider, Secret(key) if key else None), transport=fake, retry=policy, **named)


def ask(asked: GLMClient, body=BODY, timeout_s: float | None = None) -> tuple[str, list[Waiting]]:
    """The text and the waits before it."""
    fold, waits = ReplyFold("m", 0.0), []
    for item in asked.stream_chat(body, timeout_s):
        fold.add(item, 0.0) if isinstance(item, Delta) else waits.append(item)
    return fold.finish(0.0).text, waits


# Asking


def test_a_request_has_the_vendor_form(fake: FakeGLM) -> None:
    """Address, method, headers and body as documented."""
    assert ask(client(fake))[0] == "Hello!"
    [request] = fake.requests
    assert (request.method, request.host, request.path) == ("POST", "api.z.ai", "/api/paas/v4/chat/completions")
    assert request.body == BODY
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-language"] == "en-US,en"


def test_nothing_is_sent_before_it_is_iterated(fake: FakeGLM) -> None:
    """A stream that nobody reads costs nothing."""
    client(fake).stream_chat(BODY)
    assert fake.requests == []


def test_a_whole_answer_is_read(fake: FakeGLM) -> None:
    """``"stream": false``."""
    fake.reply("In one piece.", thinking="Hm.")
    assert ask(client(fake), WHOLE) == ("In one piece.", [])


def test_a_server_that_does_not_stream_when_asked_to_is_understood(fake: FakeGLM) -> None:
    """The content type decides, not the request."""
    fake.error(200, {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]})
    assert ask(client(fake))[0] == "whole"
    fake.frames(content("streamed", finish_reason="stop"))
    assert ask(client(fake), WHOLE)[0] == "streamed"


def test_odd_letters_travel_raw(fake: FakeGLM) -> None:
    """No escapes for other scripts; a lone surrogate, which no server takes, becomes a question mark."""
    ask(client(fake), BODY | {"messages": [{"role": "user", "content": "中\u2028\udcff🙂"}]})
    assert fake.bodies[0]["messages"][0]["content"] == "中\u2028?🙂"


def test_no_key_stops_before_the_network(fake: FakeGLM) -> None:
    """With the three ways forward."""
    for key in (None, " "):
        with pytest.raises(NoProviderError, match="Three ways forward"):
            ask(client(fake, key=key))
    assert fake.requests == []


def test_a_server_of_ones_own_needs_no_key(fake: FakeGLM) -> None:
    """And gets no Authorization header."""
    ask(client(fake, provider=server_provider("http://localhost:8000"), key=None))
    assert "authorization" not in fake.requests[0].headers
    assert fake.requests[0].path == "/v1/chat/completions"


# Retries


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_the_business_code_decides_on_retries(fake: FakeGLM, code: str) -> None:
    """429 then success for the codes that waiting cures; one request for all others, 1113 above all."""
    fake.error(429, coded(code))
    fake.reply("After all.")
    if FAILURES[code].is_retryable:
        text, [wait] = ask(client(fake))
        assert text == "After all."
        assert (wait.attempt, wait.n_attempts, len(fake.requests)) == (1, 4, 2)
        assert "“Because”." in wait.reason
        return
    with pytest.raises(FAILURES[code].error):
        ask(client(fake))
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("status", "n_requests"), [(500, 4), (502, 4), (503, 4), (408, 4), (429, 4), (400, 1), (401, 1), (403, 1), (404, 1), (422, 1)]
)
def test_the_status_decides_where_there_is_no_code(fake: FakeGLM, status: int, n_requests: int) -> None:
    """Server errors and 429 are tried four times, client errors once; the error says how often."""
    fake.error(status)
    with pytest.raises(APIError) as caught:
        ask(client(fake))
    assert len(fake.requests) == n_requests
    assert caught.value.status == status
    assert ("Tried 4 times, with 0.0 s of waiting between" in str(caught.value)) == (n_requests == 4)


@pytest.mark.parametrize("retries", [0, 1])
def test_the_number_of_retries_can_be_set(fake: FakeGLM, retries: int) -> None:
    """0 switches them off."""
    fake.error(500)
    with pytest.raises(ServerError):
        ask(client(fake, retries=retries))
    assert len(fake.requests) == retries + 1


def test_retry_after_is_honoured(fake: FakeGLM) -> None:
    """The server's own pause counts more than ours; one that is too long is left to the user."""
    fake.error(429, coded("1302"), {"retry-after": "0.02"})
    fake.reply()
    _, [wait] = ask(client(fake))
    assert wait.wait_s == 0.02
    fake.error(429, coded("1302"), {"retry-after": str(MAX_WAIT_S + 1)})
    fake.reply()
    with pytest.raises(RateLimitError, match="asks to wait 61 s"):
        ask(client(fake))
    assert len(fake.requests) == 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("", None), ("5", 5.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("nan", 0.0), ("inf", float("inf")),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("Wed, 21 Oct 2015 07:28:00 -0000", None), ("Wed, 99 Oct", None),
    ],
)  # fmt: skip
def test_forms_of_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds, a date, or nonsense."""
    assert parse_retry_after(value) == seconds


def test_waits_grow_and_are_jittered() -> None:
    """1, 2, 4 … seconds, each shortened by up to a half, capped, never an overflow."""
    policy = RetryPolicy()
    for attempt, full_s in [(1, 1.0), (2, 2.0), (3, 4.0), (9, 20.0), (5000, 20.0)]:
        waits = {policy.wait_s(attempt, None) for _ in range(30)}
        assert all(full_s / 2 <= wait <= full_s for wait in waits)
        assert len(waits) > 1
    assert policy.wait_s(1, 30.0) == 30.0


def test_a_wait_ends_at_once_when_aborted(fake: FakeGLM) -> None:
    """Pressed during a pause of a minute: no second request."""
    fake.error(429, coded("1302"), {"retry-after": "50"})
    stream = client(fake).stream_chat(BODY)
    started_s = time.monotonic()
    for _ in stream:
        threading.Timer(0.05, stream.abort).start()
    assert time.monotonic() - started_s < AT_ONCE_S
    assert len(fake.requests) == 1


def test_no_retry_after_the_first_token(fake: FakeGLM) -> None:
    """What has been shown cannot be taken back: an error frame or a lost connection ends the answer."""
    for step in (sse_frame(coded("1302")), httpx.ReadError("lost"), httpx.ReadTimeout("slow")):
        fake.frames(content("Begun"), step)
        with pytest.raises(CutShortError):
            ask(client(fake))
    assert len(fake.requests) == 3


def test_an_error_frame_before_the_first_token_is_retried(fake: FakeGLM) -> None:
    """It is the same refusal, only late."""
    fake.frames(sse_frame(coded("1302")))
    fake.reply("Now.")
    assert ask(client(fake))[0] == "Now."


# Refusals


def test_a_refusal_keeps_all_its_facts(fake: FakeGLM) -> None:
    """Status, code, request id, way out."""
    fake.error(401, coded("1002"), {"x-request-id": "req-7"})
    with pytest.raises(AuthenticationError) as caught:
        ask(client(fake))
    error = caught.value
    assert (error.status, error.code, error.request_id) == (401, "1002", "req-7")
    assert "%glm_connect" in error.way_out


@pytest.mark.parametrize(
    "body", [{"error": {"code": "1113", "message": "No balance"}}, {"code": 1113, "msg": "No balance", "success": False}]
)
@pytest.mark.parametrize("asked", [BODY, WHOLE], ids=["streamed", "whole"])
def test_an_error_under_status_200_is_an_error(fake: FakeGLM, body, asked) -> None:
    """Nested and flat."""
    fake.error(200, body)
    with pytest.raises(QuotaError, match="No balance"):
        ask(client(fake), asked)


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Welcome to nginx!</body></html>",
        "",
        "null",
        "[]",
        "{}",
        "5",
        '{"object":"list","data":[]}',
        b"\xff\xfe",
        "[" * 99_999,
    ],
)
def test_a_body_of_another_kind_is_no_answer(fake: FakeGLM, body) -> None:
    """HTML of a proxy, nothing, JSON of another endpoint: the address is suspect."""
    fake.error(200, body)
    with pytest.raises(NotFoundError, match="no chat reply") as caught:
        ask(client(fake))
    assert "%glm_connect" in caught.value.way_out
    assert len(str(caught.value)) < 400


def test_a_redirect_says_so(fake: FakeGLM) -> None:
    """http for https, a missing path: not followed, since a POST would change on the way."""
    fake.error(308, b"", {"location": "https://elsewhere.example"})
    with pytest.raises(NotFoundError, match="another address"):
        ask(client(fake))
    assert len(fake.requests) == 1


# Networks


@pytest.mark.parametrize(
    ("exception", "said", "n_requests"),
    [
        pytest.param(httpx.ConnectError("[Errno 111] Connection refused"), "nothing listens there", 2, id="refused"),
        pytest.param(httpx.ConnectError("[Errno -2] Name or service not known"), "not known to this network", 2, id="dns"),
        pytest.param(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), "not trusted", 2, id="certificate"),
        pytest.param(httpx.ConnectError(""), "cannot be reached", 2, id="silent"),
        pytest.param(httpx.ConnectTimeout("t"), "did not answer within", 2, id="connect-timeout"),
        pytest.param(httpx.ReadTimeout("t"), "said nothing for 7 s", 1, id="read-timeout"),
        pytest.param(httpx.WriteTimeout("t"), "said nothing", 1, id="write-timeout"),
        pytest.param(httpx.ReadError("reset"), "lost before", 2, id="reset"),
        pytest.param(httpx.RemoteProtocolError("bad"), "lost before", 2, id="protocol"),
        pytest.param(httpx.ProxyError("407"), "lost before", 2, id="proxy"),
        pytest.param(httpx.DecodingError("zlib"), "lost before", 2, id="decoding"),
        pytest.param(OSError(5, "Input/output error"), "lost before", 2, id="os"),
    ],
)
def test_network_failures_become_one_sentence(fake: FakeGLM, exception: Exception, said: str, n_requests: int) -> None:
    """What happened, to which host, what to try; tried once more where that may help."""
    fake.raise_(exception)
    with pytest.raises(NetworkError, match=said) as caught:
        ask(client(fake), timeout_s=7.0)
    assert "api.z.ai" in caught.value.message
    assert caught.value.way_out
    assert len(fake.requests) == n_requests


def test_no_network_at_all() -> None:
    """A real attempt at a name that cannot be looked up."""
    with pytest.raises(NetworkError, match=r"api\.z\.ai cannot be reached: its name is not known"):
        ask(client())


def test_nobody_listens() -> None:
    """A real attempt at a closed port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NetworkError, match="nothing listens there"):
        ask(client(provider=server_provider(f"http://127.0.0.1:{port}")))


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks9://user:passw0rd@host:1"), ("SSL_CERT_FILE", "/nowhere.pem"), ("HTTPS_PROXY", "http://:x:y")],
)
def test_broken_settings_of_the_machine_are_one_sentence(monkeypatch, name: str, value: str) -> None:
    """A proxy or certificate variable that the HTTP library chokes on."""
    from glm_magics.reach import ssl_context

    ssl_context.cache_clear()
    monkeypatch.setenv(name, value)
    with pytest.raises(NetworkError) as caught:
        ask(client())
    assert "passw0rd" not in str(caught.value)
    ssl_context.cache_clear()


# Streams that break


@pytest.mark.parametrize(
    ("steps", "said", "kept"),
    [
        pytest.param([content("a")], "ended before it was finished", "a", id="cut"),
        pytest.param([content("a"), b'data: {"choices": [{"del'], "no JSON", "a", id="cut-in-a-frame"),
        pytest.param([content("a"), b"data: garbage\n\n"], "no JSON", "a", id="garbage"),
        pytest.param([content("a"), b"data: \xff\xfe\n\n"], "no JSON", "a", id="binary-garbage"),
        pytest.param([content("a"), b"data: []\n\n"], "no JSON", "a", id="another-json"),
        pytest.param([content("a"), b"data: " + b"[" * 99_999 + b"\n\n"], "no JSON", "a", id="deep-json"),
        pytest.param(
            [content("a"), sse_frame(coded("1234", "network error, error id: 7"))], "error id: 7", "a", id="error-frame"
        ),
        pytest.param([content("a"), sse_frame({"error": "boom"})], "boom", "a", id="error-text"),
        pytest.param([content("a"), httpx.RemoteProtocolError("peer closed")], "broke off", "a", id="connection-lost"),
        pytest.param([content("a"), httpx.DecodingError("zlib")], "broke off", "a", id="decoding"),
        pytest.param([], "empty answer", "", id="nothing-at-all"),
        pytest.param([b"data: [DONE]\n\n"], "empty answer", "", id="only-the-end-mark"),
        pytest.param([content("a"), httpx.ReadTimeout("slow")], "said nothing more for", "a", id="silent-in-the-middle"),
    ],
)
def test_a_broken_stream_is_cut_short(fake: FakeGLM, steps, said: str, kept: str) -> None:
    """An error that says how; what had come before was given."""
    fake.frames(*steps)
    got: list[str] = []
    stream = client(fake).stream_chat(BODY)
    with pytest.raises(CutShortError, match=said) as caught:
        got.extend(item.content for item in stream)
    assert "".join(got) == kept
    assert caught.value.way_out


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        pytest.param([content("a", finish_reason="stop")], "a", id="no-done"),
        pytest.param([content("a"), b"data: [DONE]\n\n"], "a", id="done-without-finish"),
        pytest.param([content("a", finish_reason="stop").rstrip()], "a", id="no-final-blank-line"),
        pytest.param([content("a", finish_reason="stop"), b"data: [DONE]"], "a", id="done-without-a-line-end"),
        pytest.param([content("a", finish_reason="stop"), b"data: [DONE]\n\n", content("b")], "a", id="after-done"),
        pytest.param([b": ping\n\n", b"event: x\n\n", b"data:\n\n", content("a", finish_reason="stop")], "a", id="noise"),
        pytest.param([content("a\u2028b\u2029c\u0085d", finish_reason="stop")], "a\u2028b\u2029c\u0085d", id="u2028"),
        pytest.param([bytes([b]) for b in content("né中🙂", finish_reason="stop")], "né中🙂", id="byte-by-byte"),
        pytest.param([content("é", finish_reason="stop").replace("é".encode(), b"\xc3")], "\ufffd", id="half-utf-8"),
        pytest.param(
            [content("a"), content("", finish_reason="stop"), sse_frame({"choices": [], "usage": {}})], "a", id="usage-chunk"
        ),
        pytest.param([b"data:" + content("a", finish_reason="stop")[6:].replace(b"\n", b"\r\n")], "a", id="crlf-no-space"),
    ],
)
def test_every_legal_stream_is_read(fake: FakeGLM, steps, text: str) -> None:
    """Framing, endings and cuts of all kinds."""
    fake.frames(*steps)
    assert ask(client(fake))[0] == text


def test_2_mb_are_read_in_one_go(fake: FakeGLM) -> None:
    """Twenty thousand frames; a single frame of 2 MB."""
    fake.frames(*[content("x" * 100)] * 20_000, content("", finish_reason="stop"))
    assert len(ask(client(fake))[0]) == 2_000_000
    fake.frames(content("x" * 2_000_000, finish_reason="stop"))
    assert len(ask(client(fake))[0]) == 2_000_000


# Real sockets


def finished(connection: socket.socket) -> None:
    body = content("Hi", finish_reason="stop") + b"data: [DONE]\n\n"
    connection.sendall(SSE_HEAD + http_chunk(body) + b"0\r\n\r\n")


def reset(connection: socket.socket, has_begun: Callable[[], object] = lambda: time.sleep(0.05)) -> None:
    connection.sendall(SSE_HEAD + http_chunk(content("Beg")))
    has_begun()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_the_connection_is_kept_for_the_next_request(loopback, monkeypatch) -> None:
    """One connection for five answers."""
    monkeypatch.setattr(Line.drain, "__defaults__", (PATIENCE_S,))  # a busy machine
    server = loopback(finished)
    asked = client(provider=server_provider(server.url))
    assert [ask(asked)[0] for _ in range(5)] == ["Hi"] * 5
    assert server.n_connections == 1
    asked.close()
    assert server.is_closed.wait(PATIENCE_S)
    assert ask(asked)[0] == "Hi"
    asked.close()


def test_an_end_that_comes_late_costs_no_time(loopback) -> None:
    """After [DONE] the answer is whole, whether or not the server ever ends the body."""

    def lingering(connection: socket.socket) -> None:
        connection.sendall(SSE_HEAD + http_chunk(content("Hi", finish_reason="stop") + b"data: [DONE]\n\n"))

    server = loopback(lingering)
    asked = client(provider=server_provider(server.url))
    started_s = time.monotonic()
    assert [ask(asked)[0] for _ in range(2)] == ["Hi", "Hi"]
    assert time.monotonic() - started_s < AT_ONCE_S
    assert server.n_connections == 2


def test_a_connection_that_is_reset_is_cut_short(loopback) -> None:
    """A real RST in the middle."""
    has_begun = threading.Event()
    server = loopback(lambda connection: reset(connection, lambda: has_begun.wait(PATIENCE_S)))
    items = iter(client(provider=server_provider(server.url)).stream_chat(BODY))
    assert next(items).content == "Beg"
    has_begun.set()
    with pytest.raises(CutShortError):
        list(items)
    assert len(server.requests) == 1


def test_abort_closes_the_connection_at_once(loopback) -> None:
    """From another thread, while the read blocks; the server sees it."""
    server = loopback(stall)
    stream = client(provider=server_provider(server.url)).stream_chat(BODY)
    aborted_s: list[float] = []

    def abort() -> None:
        aborted_s.append(time.monotonic())
        stream.abort()

    with pytest.raises(GLMError):
        list(map(lambda _: threading.Timer(0.05, abort).start(), stream))
    assert server.is_closed.wait(PATIENCE_S)
    assert server.closed_s[0] - aborted_s[0] < AT_ONCE_S


def test_abort_before_the_connection_stands() -> None:
    """Aborted first, iterated later: nothing is sent."""
    stream = client().stream_chat(BODY)
    stream.abort()
    assert list(stream) == []


def test_a_silent_server_times_out(loopback) -> None:
    """After the silence that was allowed, and not before the first token twice."""
    server = loopback(lambda connection: connection.recv(1))
    started_s = time.monotonic()
    with pytest.raises(NetworkError, match=r"said nothing for 0\.2 s"):
        ask(client(provider=server_provider(server.url)), timeout_s=0.2)
    assert time.monotonic() - started_s < AT_ONCE_S
    assert len(server.requests) == 1


def test_a_false_compression_is_an_error_of_ours(loopback) -> None:
    """A proxy that claims gzip and sends something else."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"
    server = loopback(lambda connection: connection.sendall(head))
    with pytest.raises(NetworkError):
        ask(client(provider=server_provider(server.url)))


def test_what_is_no_http_is_an_error_of_ours(loopback) -> None:
    """An SSH banner, say."""
    server = loopback(lambda connection: (connection.sendall(b"SSH-2.0-OpenSSH\r\n"), connection.shutdown(socket.SHUT_WR)))
    with pytest.raises(NetworkError):
        ask(client(provider=server_provider(server.url)))


def test_two_streams_at_once_use_two_connections(loopback) -> None:
    """Answers do not wait for each other, nor mix."""
    server = loopback(finished)
    asked = client(provider=server_provider(server.url))
    streams = [iter(asked.stream_chat(BODY)) for _ in range(3)]
    first = [next(stream) for stream in streams]
    assert [item.content for item in first] == ["Hi"] * 3
    assert server.n_connections == 3
    for stream in streams:
        list(stream)
    asked.close()


# Models


def test_models_are_listed(fake: FakeGLM) -> None:
    """As vLLM and others give them; odd rows are passed over."""
    fake.error(200, {"object": "list", "data": [{"id": "a"}, {"id": 5}, None, {"id": "b"}]})
    assert client(fake).list_models() == ["a", "b"]
    assert fake.requests[0].path == "/api/paas/v4/models"


@pytest.mark.parametrize("body", ["", "[]", "null", '{"data":null}', '{"data":{}}', '{"data":5}', "<html>", "[" * 99_999])
def test_a_server_without_a_list_has_none(fake: FakeGLM, body: str) -> None:
    """No list is no error: the endpoint is not documented."""
    fake.error(200, body)
    assert client(fake).list_models() == []


def test_refusals_and_networks_while_listing(fake: FakeGLM) -> None:
    """The same errors as for a chat."""
    fake.error(401)
    with pytest.raises(AuthenticationError):
        client(fake).list_models()
    fake.raise_(httpx.ConnectError("refused"))
    with pytest.raises(NetworkError, match="nothing listens"):
        client(fake).list_models()
    fake.raise_(httpx.DecodingError("zlib"))
    with pytest.raises(NetworkError):
        client(fake).list_models()


# The key


def refuse(connection: socket.socket) -> None:
    body = json.dumps(coded("1002")).encode()
    connection.sendall(
        b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )


@pytest.mark.parametrize("answer", [finished, refuse, reset], ids=lambda answer: answer.__name__)
def test_the_key_is_in_one_header_and_nowhere_else(loopback, caplog, answer) -> None:
    """Not in log records at DEBUG, reprs, pickles, errors or tracebacks, those with local variables included."""
    from IPython.core.ultratb import VerboseTB

    caplog.set_level(logging.DEBUG)
    server = loopback(answer)
    asked = client(provider=server_provider(server.url))
    stream = asked.stream_chat(BODY)
    shown: list[str] = []
    try:
        list(stream)
    except GLMError as error:
        shown += [str(error), repr(error), repr(vars(error)), "".join(error._render_traceback_())]
        shown += traceback.format_exception(error)
        shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
        try:
            shown.append(VerboseTB(theme_name="nocolor").text(type(error), error, error.__traceback__))
        except TypeError:
            shown.append(VerboseTB(color_scheme="NoColor").text(type(error), error, error.__traceback__))
        shown.append(repr(pickle.dumps(error)))
    shown += [
        repr(asked),
        repr(asked.connection),
        repr(stream),
        repr(vars(asked)),
        repr(vars(stream)),
        repr(pickle.dumps(asked.connection)),
    ]
    shown += [record.getMessage() for record in caplog.records] + [repr(record.args) for record in caplog.records]
    assert server.requests[0].count(KEY.encode()) == 1
    assert f"authorization: bearer {KEY}".lower().encode() in server.requests[0].lower()
    assert any("httpcore" in record.name for record in caplog.records)
    leaks = [text[max(0, text.find(KEY) - 200) : text.find(KEY)] for text in shown if KEY in text]
    assert leaks == []
    asked.close()
