"""What the sandbox does not accept, with the vendor's status, code and body shape."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from glm_magics.sandbox import Sandbox
from glm_magics.tokens import picture_tokens
from tests.films import sound, wave_file
from tests.sandbox_pictures import base64_png, client_of, plain_picture, png, user, with_picture

PICTURE = base64_png(plain_picture())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(chunk_delay_s=0) as running:
        yield running


@pytest.fixture(scope="module")
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as client:
        yield client


def jwt(key_id: str = "id", secret: str = "secret", **changes: Any) -> str:
    """A token as the vendor's SDK makes it; a change to None leaves the field out."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now_ms = int(time.time() * 1000)
    header = {"alg": changes.pop("alg", "HS256"), "sign_type": "SIGN"}
    payload = {"api_key": key_id, "exp": now_ms + 3_600_000, "timestamp": now_ms, **changes}
    signed = f"{part(header)}.{part({name: value for name, value in payload.items() if value is not None})}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


AUTHORIZATION = {
    "the sandbox's key": ("Bearer sandbox.key", None),
    "any well-formed key": ("Bearer 0123abc.XyZ_-1", None),
    "scheme in lower case": ("bearer a.b", None),
    "token of its own key": (f"Bearer {jwt('sandbox', 'key')}", None),
    "token of another key": (f"Bearer {jwt('other', 'whatever')}", None),
    "no header": (None, "1001"),
    "empty header": ("", "1001"),
    "no scheme": ("a.b", "1002"),
    "another scheme": ("Basic a.b", "1002"),
    "scheme only": ("Bearer", "1002"),
    "no dot": ("Bearer sk-123", "1002"),
    "empty secret": ("Bearer abc.", "1002"),
    "four parts": ("Bearer a.b.c.d", "1002"),
    "three parts that are no token": ("Bearer a.b.c", "1002"),
    "own key, wrong signature": (f"Bearer {jwt('sandbox', 'wrong')}", "1002"),
    "another algorithm": (f"Bearer {jwt(alg='none')}", "1002"),
    "token without expiry": (f"Bearer {jwt(exp=None)}", "1002"),
    "expired token": (f"Bearer {jwt(exp=1_700_000_000_000)}", "1003"),
    "expiry in seconds": (f"Bearer {jwt(exp=int(time.time()) + 210)}", "1003"),
}


@pytest.mark.parametrize(("header", "code"), AUTHORIZATION.values(), ids=AUTHORIZATION)
def test_authorization(sandbox: Sandbox, header: str | None, code: str | None) -> None:
    with client_of(sandbox, None) as client:
        answer = client.get("/models", headers={} if header is None else {"authorization": header})
    assert answer.status_code == (401 if code else 200)
    if code:
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["error"]["code"] == code


TEXT_PART = [{"type": "text", "text": "hi"}]
FILE_PART = {"type": "file_url", "file_url": {"url": "https://example.com/a.pdf"}}
VIDEO_PART = {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}
FUNCTION = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}}
CAN = "glm-4.6v"

# name → (body, code, a word of the message)
BAD_BODIES: dict[str, tuple[Any, str, str]] = {
    "not an object": ([1], "1210", "JSON object"),
    "no model": ({"messages": []}, "1213", "model"),
    "no messages": ({"model": "glm-4.7"}, "1213", "messages"),
    "null messages": ({"model": "glm-4.7", "messages": None}, "1213", "messages"),
    "model no text": (user("hi", model=5), "1214", "model"),  # type: ignore[arg-type]
    "unknown model": (user("hi", "gpt-4"), "1211", "gpt-4"),
    "short name": (user("hi", "4.7"), "1211", "4.7"),
    "embedding model": (user("hi", "embedding-3"), "1212", "embedding-3"),
    "realtime model": (user("hi", "glm-realtime-air"), "1212", "glm-realtime-air"),
    "temperature above": (user("hi", temperature=1.5), "1214", "temperature"),
    "temperature below": (user("hi", temperature=-0.1), "1214", "temperature"),
    "temperature text": (user("hi", temperature="0.5"), "1214", "temperature"),
    "temperature true": (user("hi", temperature=True), "1214", "temperature"),
    "top_p zero": (user("hi", top_p=0), "1214", "top_p"),
    "max_tokens zero": (user("hi", max_tokens=0), "1214", "max_tokens"),
    "max_tokens above the model": (user("hi", max_tokens=200_000), "1214", "max_tokens"),
    "max_tokens fraction": (user("hi", max_tokens=1.5), "1214", "max_tokens"),
    "two stops": (user("hi", stop=["a", "b"]), "1214", "stop"),
    "stop number": (user("hi", stop=[1]), "1214", "stop"),
    "stream text": (user("hi", stream="true"), "1214", "stream"),
    "thinking text": (user("hi", thinking="off"), "1214", "thinking"),
    "thinking type": (user("hi", thinking={"type": "maybe"}), "1214", "thinking"),
    "effort": (user("hi", reasoning_effort="huge"), "1214", "reasoning_effort"),
    "json_schema": (user("hi", response_format={"type": "json_schema"}), "1214", "response_format"),
    "tools no list": (user("hi", tools={}), "1214", "tools"),
    "tool type": (user("hi", tools=[{"type": "code"}]), "1214", "tools"),
    "function name": (user("hi", tools=[{"type": "function", "function": {"name": "a b"}}]), "1214", "tools"),
    "129 tools": (user("hi", tools=[FUNCTION] * 129), "1214", "tools"),
    "tool_choice word": (user("hi", tools=[FUNCTION], tool_choice="required"), "1214", "tool_choice"),
    "tool_choice unknown": (user("hi", tools=[FUNCTION], tool_choice={"function": {"name": "g"}}), "1214", "tool_choice"),
    "tool with a broken schema": (
        user("call f", tools=[{"type": "function", "function": {"name": "f", "parameters": {"properties": 5}}}]),
        "1214",
        "JSON Schema",
    ),
    "user_id short": (user("hi", user_id="abc"), "1214", "user_id"),
    "no message": ({"model": "glm-4.7", "messages": []}, "1214", "messages"),
    "messages text": ({"model": "glm-4.7", "messages": "hi"}, "1214", "messages"),
    "only system": ({"model": "glm-4.7", "messages": [{"role": "system", "content": "x"}]}, "1214", "system"),
    "unknown role": ({"model": "glm-4.7", "messages": [{"role": "developer", "content": "x"}]}, "1214", "role"),
    "no content": ({"model": "glm-4.7", "messages": [{"role": "user"}]}, "1213", "content"),
    "empty prompt": (user(""), "1213", "empty"),
    "content number": (user(5), "1214", "content"),
    "broken tool_calls": (
        {"model": "glm-4.7", "messages": [{"role": "assistant", "tool_calls": [1]}, {"role": "user", "content": "x"}]},
        "1214",
        "tool_calls",
    ),
    "picture to a text model": (user(with_picture(PICTURE)), "1210", "['text']"),
    "audio to a vision model": (user([{"type": "input_audio", "input_audio": {}}], CAN), "1210", "input_audio"),
    "part without type": (user([{"text": "hi"}], CAN), "1210", "None"),
    "picture without url": (user([{"type": "image_url", "image_url": {}}], CAN), "1213", "url"),
    "file as base64": (user([{"type": "file_url", "file_url": {"url": PICTURE}}], CAN), "1210", "base64"),
    "file beside picture": (user([FILE_PART, *with_picture(PICTURE)], CAN), "1215", "image_url"),
    "file beside video": (user([FILE_PART, VIDEO_PART, *TEXT_PART], CAN), "1215", "video_url"),
    "base64 with line breaks": (user(with_picture(PICTURE[:40] + "\n" + PICTURE[40:]), CAN), "1210", "line breaks"),
    "no base64": (user(with_picture("!!!"), CAN), "1210", "base64"),
    "no picture": (user(with_picture(base64.b64encode(b"hello" * 20).decode()), CAN), "1210", "parse error"),
    "truncated picture": (user(with_picture(PICTURE[:80]), CAN), "1210", "parse error"),
    "base64 where only URLs go": (user(with_picture(PICTURE), "glm-4v-flash"), "1210", "URL only"),
    "too many pictures": (user(with_picture(PICTURE) * 6, "glm-4v-plus-0111"), "1210", "Too many images: 6"),
    "too many videos": (user([VIDEO_PART, VIDEO_PART, *TEXT_PART], "glm-4.5v"), "1210", "Too many videos: 2"),
    "6001 pixels wide": (user(with_picture(base64_png(np.zeros((2, 6001), np.uint8))), CAN), "1210", "6001"),
    "thinking off where it cannot be": (user("hi", "glm-5.3", thinking={"type": "disabled"}), "1210", "Thinking"),
    "JSON mode of a vision model": (user("hi", CAN, response_format={"type": "json_object"}), "1210", "response_format"),
    "tools of a model without": (user("hi", "glm-4.5v", tools=[FUNCTION]), "1210", "tools"),
    "prompt too long": (user("word " * 9000, "glm-4-voice"), "1261", "8000"),
}


@pytest.mark.parametrize(("body", "code", "word"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_body(http: httpx.Client, body: Any, code: str, word: str) -> None:
    answer = http.post("/chat/completions", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["code"] == code
    assert word in answer.json()["error"]["message"]


def test_body_that_is_no_json(http: httpx.Client) -> None:
    answer = http.post("/chat/completions", content=b"{")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "1210")


def test_picture_above_five_megabytes(http: httpx.Client) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1400, 1400, 3))
    answer = http.post("/chat/completions", json=user(with_picture(base64_png(noise)), CAN))
    assert (answer.json()["error"]["code"], "5 MB" in answer.text) == ("1210", True)


GOOD_BODIES: dict[str, dict[str, Any]] = {
    "nulls": user("hi", thinking=None, response_format=None, temperature=None, stop=None),
    "edges": user("hi", temperature=1, top_p=0.01, max_tokens=131072, stop=["x"]),
    "unknown fields": user("hi", n=1, logprobs=False, parallel_tool_calls=True, stream_options={"include_usage": True}),
    "stop as text": user("hi", stop="x"),
    "data URI": user(with_picture("data:image/png;base64," + PICTURE), CAN),
    "raw base64": user(with_picture(PICTURE), CAN),
    "jpeg": user(with_picture(base64.b64encode(png(plain_picture(), "JPEG")).decode()), CAN),
    "150 pictures": user(with_picture(PICTURE) * 75, CAN),
    "parts to a text model": user(TEXT_PART),
    "file": user([FILE_PART, *TEXT_PART], CAN),
    "effort": user("hi", reasoning_effort="low"),
    "thinking off on a model that never does": user("hi", "glm-4v-flash", thinking={"type": "disabled"}),
}


@pytest.mark.parametrize("body", GOOD_BODIES.values(), ids=GOOD_BODIES)
def test_good_body(http: httpx.Client, body: dict[str, Any]) -> None:
    answer = http.post("/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"


def test_wrong_address_is_shape_d(http: httpx.Client) -> None:
    answer = http.get("/nothing/here")
    body = answer.json()
    assert answer.status_code == 404
    assert (body["status"], body["error"], body["path"]) == (404, "Not Found", "/v4/nothing/here")


def test_wrong_method(http: httpx.Client) -> None:
    assert http.get("/chat/completions").status_code == 405


def test_hub_names_only_on_the_openai_path(http: httpx.Client, sandbox: Sandbox) -> None:
    body = user("hi", "zai-org/GLM-4.7")
    assert http.post("/chat/completions", json=body).json()["error"]["code"] == "1211"
    url = sandbox.base_url.replace("/api/paas/v4", "/v1")
    assert http.post(f"{url}/chat/completions", json=body).json()["model"] == "zai-org/GLM-4.7"


def test_models_lists_what_chats(http: httpx.Client) -> None:
    body = http.get("/models").json()
    names = [row["id"] for row in body["data"]]
    assert body["object"] == "list"
    assert {"glm-4.7", "glm-4.6v", "glm-4-voice"} <= set(names)
    assert "embedding-3" not in names


def test_tokenizer_counts_text_and_pictures(http: httpx.Client) -> None:
    usage = http.post("/tokenizer", json=user(with_picture(base64_png(plain_picture(280, 56)), "abcd" * 10), CAN)).json()["usage"]
    assert usage == {"prompt_tokens": 14, "image_tokens": 20, "video_tokens": 0, "total_tokens": 34}


def test_a_large_picture_is_counted_as_it_is_estimated(http: httpx.Client) -> None:
    """After the shrinking, as the preview said."""
    body = user(with_picture(base64_png(plain_picture(3200, 2400))), CAN)
    assert http.post("/tokenizer", json=body).json()["usage"]["image_tokens"] == picture_tokens(3200, 2400) < 7_600


@pytest.mark.parametrize(
    ("data", "format", "n_tokens"),
    [
        pytest.param(wave_file(bytes(2 * 48_000)), "wav", 38, id="wav-3-s"),
        pytest.param(sound(2.0), "mp3", pytest.approx(26, abs=1), id="mp3"),
    ],
)
def test_sound_is_counted_by_its_length(http: httpx.Client, data: bytes, format: str, n_tokens: Any) -> None:
    """12.5 tokens a second."""
    told = base64.b64encode(data).decode()
    content = [{"type": "text", "text": "abcd"}, {"type": "input_audio", "input_audio": {"data": told, "format": format}}]
    usage = http.post("/tokenizer", json=user(content, "glm-4-voice")).json()["usage"]
    assert usage["total_tokens"] - usage["prompt_tokens"] == n_tokens
