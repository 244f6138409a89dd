"""The helper that ships: a scripted vendor, and the sandbox as a fixture."""

from __future__ import annotations

import httpx
import pytest

from glm_magics.testing import FakeGLM, sse_frame


def post(fake: FakeGLM, **body) -> httpx.Response:
    with httpx.Client(transport=fake) as client:
        return client.post(
            "https://api.z.ai/api/paas/v4/chat/completions", json={"model": "m"} | body, headers={"Authorization": "Bearer k.s"}
        )


def test_without_a_script_it_says_hello(fake: FakeGLM) -> None:
    """Whole and streamed, as the request asks."""
    assert post(fake).json()["choices"][0]["message"]["content"] == "Hello!"
    streamed = post(fake, stream=True)
    assert streamed.headers["content-type"] == "text/event-stream;charset=UTF-8"
    assert streamed.text.endswith("data: [DONE]\n\n")
    assert fake.bodies == [{"model": "m"}, {"model": "m", "stream": True}]


def test_answers_come_in_order_and_the_last_stays(fake: FakeGLM) -> None:
    """FIFO."""
    fake.error(500)
    fake.reply("b")
    assert [post(fake).status_code for _ in range(3)] == [500, 200, 200]
    assert len(fake.requests) == 3


def test_a_request_is_recorded_and_its_repr_shows_no_key(fake: FakeGLM) -> None:
    """Method, path, host, body, headers."""
    post(fake)
    [request] = fake.requests
    assert (request.method, request.path, request.host) == ("POST", "/api/paas/v4/chat/completions", "api.z.ai")
    assert request.headers["authorization"] == "Bearer k.s"
    assert "k.s" not in repr(request)


def test_a_stream_has_the_vendor_order(fake: FakeGLM) -> None:
    """Thinking, words, tool calls, the finish chunk with usage."""
    fake.reply(
        "Two words", thinking="Hm.", tool_calls=[{"id": "c", "index": 0}], finish_reason="tool_calls", usage={"total_tokens": 1}
    )
    import json

    frames = [json.loads(line[6:]) for line in post(fake, stream=True).text.split("\n\n") if line and "[DONE]" not in line]
    deltas = [frame["choices"][0]["delta"] for frame in frames]
    assert [next(key for key in ("reasoning_content", "tool_calls", "content") if key in delta) for delta in deltas] == [
        "reasoning_content", "content", "content", "tool_calls", "content",
    ]  # fmt: skip
    assert frames[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert frames[-1]["usage"] == {"total_tokens": 1}
    assert "usage" not in frames[0]
    assert "finish_reason" not in frames[0]["choices"][0]


def test_raw_frames_exceptions_and_calls(fake: FakeGLM) -> None:
    """Bytes as given, a function called between, an exception raised there."""
    called: list[int] = []
    fake.frames(b"data: a", lambda: called.append(1), b"\n\n")
    assert post(fake).content == b"data: a\n\n"
    assert called == [1]
    fake.frames(b"x", httpx.ReadError("lost"))
    with pytest.raises(httpx.ReadError):
        post(fake)
    fake.raise_(httpx.ConnectError("refused"))
    with pytest.raises(httpx.ConnectError):
        post(fake)


def test_frames_are_raw_utf_8() -> None:
    """As the vendor writes them: not escaped, one line."""
    assert sse_frame({"a": "é\u2028中"}) == 'data: {"a": "é\u2028中"}\n\n'.encode()


def test_the_fixture_is_a_running_sandbox(glm_sandbox) -> None:
    """Registered by the package itself."""
    glm_sandbox.reply("Scripted.")
    response = httpx.post(
        f"{glm_sandbox.base_url}/chat/completions",
        json={"model": "glm-4.7", "messages": [{"role": "user", "content": "hi"}]},
        headers={"Authorization": f"Bearer {glm_sandbox.key}"},
    )
    assert response.json()["choices"][0]["message"]["content"] == "Scripted."
