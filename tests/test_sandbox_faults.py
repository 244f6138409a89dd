"""Faults on demand, limits, and what the sandbox notices about its clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from glm_magics.sandbox import Sandbox
from glm_magics.sandbox.codes import CODES
from glm_magics.sandbox.faults import FAULTS, find_fault
from tests.patience import AT_ONCE_S, until
from tests.sandbox_pictures import deltas, frames, user

CHAT = "/chat/completions"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(chunk_delay_s=0, concurrency=2) as sandbox:
        yield sandbox


@pytest.mark.parametrize("code", CODES)
def test_every_business_code(sandbox: Sandbox, http: httpx.Client, code: str) -> None:
    name = f"{CODES[code].status}/{code}"
    sandbox.fault(name)
    answer = http.post(CHAT, json=user("hi", stream=True))
    assert answer.status_code == CODES[code].status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["code"] == code
    assert "{" not in answer.json()["error"]["message"]


def test_queue_times_and_retry_after(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.fault("1302", times=2, retry_after_s=1.5)
    answers = [http.post(CHAT, json=user("hi")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["1.5", "1.5", None]


HTTP_FAULTS = {
    "503": (503, '"code":"1305"'),
    "404": (404, '"path":"/v4/chat/completions"'),
    "html": (502, "<html>"),
    "empty": (502, ""),
    "flat": (401, '{"code":1002,'),
    "200-error": (200, '"code":"1113"'),
    "blocked": (400, '"contentFilter":[{"level":1,"role":"user"}]'),
}


@pytest.mark.parametrize("name", HTTP_FAULTS)
def test_http_fault(http: httpx.Client, name: str) -> None:
    answer = http.post(CHAT, json=user("hi"), headers={"x-sandbox-fault": name})
    status, word = HTTP_FAULTS[name]
    assert answer.status_code == status
    assert word in answer.text
    assert bool(word) == bool(answer.text)


def test_fault_by_prompt(http: httpx.Client) -> None:
    assert http.post(CHAT, json=user("try this [[fault:429/1113]] now")).status_code == 429


def test_unknown_fault_names_the_nearest(sandbox: Sandbox, http: httpx.Client) -> None:
    with pytest.raises(ValueError, match="stall"):
        sandbox.fault("stal")
    answer = http.post(CHAT, json=user("hi"), headers={"x-sandbox-fault": "429/13"})
    assert answer.status_code == 400
    assert "429/13" in answer.json()["error"]["message"]


def test_bare_code_finds_its_row() -> None:
    assert find_fault("1234") is FAULTS["500/1234"]


def streamed(http: httpx.Client, name: str, **fields: Any) -> list[Any]:
    return frames(http.post(CHAT, json=user("hi", stream=True, **fields), headers={"x-sandbox-fault": name}).content)


FINISHES = {"network_error": "network_error", "sensitive": "sensitive", "length": "length"}


@pytest.mark.parametrize("name", FINISHES)
def test_finish_reason_fault(http: httpx.Client, name: str) -> None:
    chunks = streamed(http, name)
    assert chunks[-1] == "[DONE]"
    assert chunks[-2]["choices"][0]["finish_reason"] == FINISHES[name]
    assert deltas(chunks, "content")
    assert ("content_filter" in chunks[-2]) == (name == "sensitive")
    plain = http.post(CHAT, json=user("hi"), headers={"x-sandbox-fault": name}).json()
    assert plain["choices"][0]["finish_reason"] == FINISHES[name]


def test_error_frame(http: httpx.Client) -> None:
    chunks = streamed(http, "error-frame")
    assert chunks[-1]["error"]["code"] == "1234"
    assert deltas(chunks[:-1], "content")
    assert http.post(CHAT, json=user("hi"), headers={"x-sandbox-fault": "error-frame"}).status_code == 500


def test_other_ways_of_writing(http: httpx.Client) -> None:
    assert deltas(streamed(http, "reasoning-field"), "reasoning")
    assert deltas(streamed(http, "reasoning-field"), "reasoning_content") == ""
    *_, finish, usage, done = streamed(http, "extra-usage-chunk")
    assert (usage["choices"], "usage" in finish, done) == ([], False, "[DONE]")
    assert streamed(http, "no-done")[-1]["choices"][0]["finish_reason"] == "stop"
    content = streamed(http, "array-content", thinking={"type": "disabled"})[0]["choices"][0]["delta"]["content"]
    assert content[0]["type"] == "text"


def test_u2028_and_garbage_are_raw(http: httpx.Client) -> None:
    def raw(name: str) -> bytes:
        return http.post(CHAT, json=user("hi", stream=True), headers={"x-sandbox-fault": name}).content

    assert b"line\xe2\x80\xa8separator" in raw("u2028")
    assert b'half \xe4\xb8"' in raw("garbage")
    assert raw("garbage").endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("is_streaming", [True, False], ids=["streamed", "not streamed"])
def test_cut_drops_the_connection(http: httpx.Client, is_streaming: bool) -> None:
    body = user("hi", stream=is_streaming)
    received: list[bytes] = []

    def read() -> None:
        with http.stream("POST", CHAT, json=body, headers={"x-sandbox-fault": "cut"}) as answer:
            received.extend(answer.iter_raw())

    with pytest.raises(httpx.RemoteProtocolError):
        read()
    assert b'"content":"' in b"".join(received)


@pytest.mark.parametrize("name", ["stall", "silent"])
def test_the_client_leaving_is_noticed(sandbox: Sandbox, http: httpx.Client, name: str) -> None:
    with (
        pytest.raises(httpx.ReadTimeout),
        http.stream("POST", CHAT, json=user("hi", stream=True), headers={"x-sandbox-fault": name}, timeout=0.1) as answer,
    ):
        answer.read()
    left_at = time.monotonic()
    record = sandbox.requests[-1]
    until(lambda: record.closed_at)
    assert record.closed_at is not None
    assert record.closed_at - left_at < AT_ONCE_S  # the fault itself never ends
    assert record.finished_at is None
    assert (record.status is None) == (name == "silent")


def test_leaving_in_the_middle_of_a_flow_is_noticed(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.reply(chunks=["word "] * 2000, delay_s=0.002)
    with http.stream("POST", CHAT, json=user("hi", stream=True)) as answer:
        next(answer.iter_raw())
    record = sandbox.requests[-1]
    until(lambda: record.closed_at)
    assert record.finished_at is None
    assert record.first_content_at is not None
    assert record.first_content_at >= record.received_at


def test_slow_drip(http: httpx.Client) -> None:
    body = user("[[words:2]]", stream=True, thinking={"type": "disabled"})
    start = time.monotonic()
    http.post(CHAT, json=body, headers={"x-sandbox-fault": "slow"})
    assert time.monotonic() - start > 0.7


def test_concurrency_limit_per_model(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.fault("stall", times=2)

    def hold() -> None:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{sandbox.base_url}{CHAT}", json=user("hi"), headers={"authorization": f"Bearer {sandbox.key}"}, timeout=0.5
            )

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len([record for record in sandbox.requests if record.status]) == 2)
    refused = http.post(CHAT, json=user("hi"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "1302")
    assert http.post(CHAT, json=user("hi", "glm-4.6")).status_code == 200
    for thread in threads:
        thread.join()
    until(lambda: http.post(CHAT, json=user("hi")).status_code == 200)


def test_records_hold_the_request_and_no_key(sandbox: Sandbox, http: httpx.Client) -> None:
    body = user("你好", thinking=None)
    http.post(CHAT, json=body, headers={"x-api-key": "id.very-secret"})
    record = sandbox.requests[-1]
    assert (record.method, record.path, record.body) == ("POST", "/api/paas/v4/chat/completions", body)
    assert record.headers["authorization"] == "Bearer ***"
    assert sandbox.key not in repr(record)
    assert "very-secret" not in repr(record)
    assert record.closed_at is None
    until(lambda: record.finished_at)


def test_reset_forgets(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.fault("cut")
    sandbox.reply("scripted")
    sandbox.reset()
    assert http.post(CHAT, json=user("hi")).status_code == 200
    assert len(sandbox.requests) == 1


def test_stop_does_not_wait_for_a_stalled_answer() -> None:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.base_url, headers={"authorization": "Bearer a.b"}) as http:
        sandbox.fault("stall")
        with http.stream("POST", CHAT, json=user("hi", stream=True)) as answer:
            next(answer.iter_raw())
            start = time.monotonic()
            sandbox.stop()
            assert time.monotonic() - start < AT_ONCE_S
            assert not sandbox.is_running


def test_several_sandboxes_and_a_second_start() -> None:
    with Sandbox(chunk_delay_s=0) as one, Sandbox(chunk_delay_s=0) as two:
        assert one.base_url != two.base_url
        assert one.start() is one
        one.reply("first")
        answer = httpx.post(f"{two.base_url}{CHAT}", json=user("hi"), headers={"authorization": f"Bearer {two.key}"})
        assert "no language model" in answer.text
        assert one.requests == []
    assert not one.is_running
    with one:
        assert one.is_running


def test_flat_out_is_fast(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.reply(chunks=["tok "] * 20_000)
    start = time.process_time()
    with http.stream("POST", CHAT, json=user("hi", stream=True)) as answer:
        n_frames = b"".join(answer.iter_raw()).count(b"\n\n")
    assert n_frames == 20_002
    assert time.process_time() - start < 2
