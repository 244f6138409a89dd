"""What servers answer when they refuse, in every shape, to the right error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_magics.errors import (
    AccessError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ContentBlockedError,
    NotFoundError,
    PromptTooLongError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from glm_magics.failures import FAILURES, STATUSES, parse_failure

# The vendor's table: code, HTTP status, may be retried as it is.
CODES = [
    ("500", 500, True), ("1000", 401, False), ("1001", 401, False), ("1002", 401, False), ("1003", 401, False),
    ("1004", 401, False), ("1005", 401, False), ("1100", 429, False), ("1110", 429, False), ("1111", 429, False),
    ("1112", 429, False), ("1113", 429, False), ("1120", 429, True), ("1121", 429, False), ("1200", 500, True),
    ("1210", 400, False), ("1211", 400, False), ("1212", 400, False), ("1213", 400, False), ("1214", 400, False),
    ("1215", 400, False), ("1220", 403, False), ("1221", 400, False), ("1222", 400, False), ("1230", 500, True),
    ("1231", 400, False), ("1234", 500, True), ("1261", 400, False), ("1300", 400, False), ("1301", 400, False),
    ("1302", 429, True), ("1303", 429, True), ("1304", 429, False), ("1305", 429, True), ("1308", 429, False),
    ("1309", 429, False), ("1310", 429, False), ("1311", 429, False), ("1312", 429, True), ("1313", 429, False),
    ("1314", 429, False), ("1315", 429, False), ("1316", 429, False), ("1317", 429, False), ("1318", 429, False),
    ("1319", 429, False), ("1320", 429, False), ("1321", 429, False), ("1701", 429, True), ("1702", 400, False),
    ("1703", 400, False),
]  # fmt: skip

CLASSES = {
    "1002": AuthenticationError, "1113": QuotaError, "1220": AccessError, "1222": NotFoundError, "1211": BadRequestError,
    "1261": PromptTooLongError, "1301": ContentBlockedError, "1302": RateLimitError, "1305": RateLimitError, "1234": ServerError,
    "1112": AccessError, "1308": QuotaError, "1304": QuotaError,
}  # fmt: skip


def test_every_documented_code_has_a_row_and_no_other() -> None:
    """The table of this package is the vendor's table."""
    assert set(FAILURES) == {code for code, _, _ in CODES}


@pytest.mark.parametrize(("code", "status", "is_retryable"), CODES, ids=[code for code, _, _ in CODES])
def test_business_codes_decide(code: str, status: int, is_retryable: bool) -> None:
    """The code, as text or number, decides on the class and on trying again; the error keeps all facts."""
    fault = parse_failure(status, json.dumps({"error": {"code": code, "message": "Because."}}).encode(), "req-1")
    assert fault.is_retryable is is_retryable
    assert (fault.error.code, fault.error.status, fault.error.request_id) == (code, status, "req-1")
    assert "“Because”." in fault.error.message
    assert fault.error.way_out
    assert type(fault.error) is CLASSES.get(code, type(fault.error))
    as_number = parse_failure(status, json.dumps({"code": int(code), "message": "Because."}).encode())
    assert type(as_number.error) is type(fault.error)
    assert as_number.error.code == code


SHAPES = [
    pytest.param(429, b'{"error":{"code":"1302","message":"Rate limit"}}', RateLimitError, "1302", "Rate limit", id="A"),
    pytest.param(
        400,
        b'{"error":{"code":"1301","message":"unsafe"},"contentFilter":[{"level":1,"role":"user"}]}',
        ContentBlockedError,
        "1301",
        "unsafe",
        id="B",
    ),
    pytest.param(401, b'{"code":1002,"message":"bad key"}', AuthenticationError, "1002", "bad key", id="C"),
    pytest.param(401, b'{"code":1002,"msg":"bad key","success":false}', AuthenticationError, "1002", "bad key", id="C-msg"),
    pytest.param(
        404,
        b'{"timestamp":"2026","status":404,"error":"Not Found","path":"/v4/x"}',
        NotFoundError,
        None,
        "Not Found: /v4/x",
        id="D",
    ),
    pytest.param(200, b'{"error":{"code":"1113","message":"Insufficient balance"}}', QuotaError, "1113", "balance", id="E"),
    pytest.param(502, b"<html><h1>Bad Gateway</h1></html>", ServerError, None, "", id="F-html"),
    pytest.param(403, b"", AccessError, None, "", id="F-empty"),
    pytest.param(503, b"\xff\xfe\x00", ServerError, None, "", id="F-binary"),
    pytest.param(
        429, b'{"error":{"message":"[1302][Rate limit reached]"}}', RateLimitError, "1302", "Rate limit reached", id="prefix"
    ),
    pytest.param(
        429, b'{"error":{"message":"[1113] No balance"}}', QuotaError, "1113", "No balance", id="prefix-without-brackets"
    ),
    pytest.param(
        400,
        b'{"error":{"message":"too long","type":"BadRequestError","param":null,"code":400}}',
        BadRequestError,
        "400",
        "too long",
        id="vllm",
    ),
    pytest.param(
        404,
        b'{"object":"error","message":"no model x","type":"NotFoundError","param":null,"code":404}',
        NotFoundError,
        "404",
        "no model x",
        id="vllm-old",
    ),
    pytest.param(
        404, b'{"error":{"message":"model \\"x\\" not found","type":"api_error"}}', NotFoundError, None, "not found", id="ollama"
    ),
    pytest.param(404, b'{"error":"model not found, try pulling it first"}', NotFoundError, None, "try pulling", id="ollama-text"),
    pytest.param(404, b'{"detail":"Not Found"}', NotFoundError, None, "Not Found", id="fastapi"),
    pytest.param(
        422,
        b'{"detail":[{"loc":["body","model"],"msg":"Field required"}]}',
        BadRequestError,
        None,
        "Field required",
        id="fastapi-list",
    ),
    pytest.param(
        401,
        b'{"error":{"code":"invalid_api_key","message":"no"}}',
        AuthenticationError,
        "invalid_api_key",
        "no",
        id="code-in-words",
    ),
    pytest.param(301, b"", NotFoundError, None, "another address", id="redirect"),
    pytest.param(418, b"{}", APIError, None, "refused", id="unknown-4xx"),
    pytest.param(599, b"[]", ServerError, None, "failed", id="unknown-5xx"),
    pytest.param(400, b"[" * 100_000, BadRequestError, None, "", id="deep-nesting"),
    pytest.param(400, b'{"error":{"code":null,"message":null}}', BadRequestError, None, "", id="nulls"),
    pytest.param(400, b'{"error":{"code":{},"message":5}}', BadRequestError, None, "", id="wrong-types"),
]


@pytest.mark.parametrize(("status", "body", "cls", "code", "said"), SHAPES)
def test_every_body_shape_is_read(status: int, body: bytes, cls: type[APIError], code: str | None, said: str) -> None:
    """Class, code and the server's own words from every shape; a body that says nothing leaves it to the status."""
    error = parse_failure(status, body).error
    assert (type(error), error.code, error.status) == (cls, code, status)
    assert said in error.message
    assert error.way_out


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_every_status_without_a_body_has_a_sentence(status: int) -> None:
    """A bare status is enough for a message and a way out."""
    error = parse_failure(status, b"").error
    assert error.message.endswith(".")
    assert error.way_out
    assert f"HTTP {status}" in str(error)


def test_the_message_of_a_server_cannot_steer_the_terminal() -> None:
    """Escapes and line breaks go; a long text is cut."""
    body = json.dumps({"error": {"code": "1210", "message": "\x1b[2J\n" + "x" * 9000}}).encode()
    message = parse_failure(400, body).error.message
    assert "\x1b" not in message
    assert "\n" not in message
    assert len(message) < 700


@given(
    st.integers(100, 700) | st.none(),
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "code", "message", "msg", "detail", "path", "request_id", "id"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)
def test_no_body_makes_it_raise(status: int | None, body: bytes) -> None:
    """Whatever arrives, there is an error to show."""
    error = parse_failure(status, body).error
    assert isinstance(error, APIError)
    assert error.message
    assert error.way_out
    assert error.code is None or isinstance(error.code, str)
