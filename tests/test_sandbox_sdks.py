"""The official SDKs, unchanged, against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import zai

from glm_magics.sandbox import Sandbox
from tests.sandbox_pictures import base64_png, plain_picture, with_picture

QUESTION: list[Any] = [{"role": "user", "content": "hello"}]
PICTURE = base64_png(plain_picture(64, 48, (250, 20, 20)))
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a place",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(key="sandbox.0123456789abcdef0123456789abcdef", chunk_delay_s=0) as sandbox:
        yield sandbox


@pytest.fixture(params=["key", "token"])
def vendor(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[zai.ZaiClient]:
    uses_key = request.param == "key"
    with zai.ZaiClient(api_key=sandbox.key, base_url=sandbox.base_url, max_retries=0, disable_token_cache=uses_key) as client:
        yield client


@pytest.fixture
def other(sandbox: Sandbox) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=sandbox.key, base_url=sandbox.base_url, max_retries=0) as client:
        yield client


def test_vendor_plain_and_streamed(vendor: zai.ZaiClient) -> None:
    whole = vendor.chat.completions.create(model="glm-4.7", messages=QUESTION)
    message = whole.choices[0].message
    assert "no language model" in message.content
    chunks = list(vendor.chat.completions.create(model="glm-4.7", messages=QUESTION, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == message.content
    assert "".join(chunk.choices[0].delta.reasoning_content or "" for chunk in chunks) == message.reasoning_content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens


def test_vendor_tools(vendor: zai.ZaiClient) -> None:
    messages = [{"role": "user", "content": "get_weather in Florence"}]
    whole = vendor.chat.completions.create(model="glm-4.7", messages=messages, tools=TOOLS)
    call = whole.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Florence"})
    messages += [whole.choices[0].message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "40 C"}]
    answer = vendor.chat.completions.create(model="glm-4.7", messages=messages, tools=TOOLS)
    assert "40 C" in answer.choices[0].message.content


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"], ids=["raw", "data URI"])
def test_vendor_picture(vendor: zai.ZaiClient, prefix: str) -> None:
    messages = [{"role": "user", "content": with_picture(prefix + PICTURE, "Where is the red thing?")}]
    answer = vendor.chat.completions.create(model="glm-4.5v", messages=messages)
    assert "<|begin_of_box|>[[0,0,1000,1000]]<|end_of_box|>" in answer.choices[0].message.content


VENDOR_ERRORS = {
    "400/1210": zai.core.APIRequestFailedError,
    "401/1002": zai.core.APIAuthenticationError,
    "429/1302": zai.core.APIReachLimitError,
    "500/1234": zai.core.APIInternalError,
    "503": zai.core.APIServerFlowExceedError,
}


@pytest.mark.parametrize("name", VENDOR_ERRORS)
def test_vendor_errors(sandbox: Sandbox, vendor: zai.ZaiClient, name: str) -> None:
    sandbox.fault(name)
    with pytest.raises(VENDOR_ERRORS[name]):
        vendor.chat.completions.create(model="glm-4.7", messages=QUESTION)


def test_vendor_error_frame(sandbox: Sandbox, vendor: zai.ZaiClient) -> None:
    sandbox.fault("error-frame")
    with pytest.raises(zai.core.APIResponseError):
        list(vendor.chat.completions.create(model="glm-4.7", messages=QUESTION, stream=True))


def test_vendor_temperature_of_one_is_rewritten_by_the_sdk(sandbox: Sandbox, vendor: zai.ZaiClient) -> None:
    vendor.chat.completions.create(model="glm-4.7", messages=QUESTION, temperature=1.0)
    assert sandbox.requests[-1].body["temperature"] == 0.99
    assert sandbox.requests[-1].body["thinking"] is None


def test_other_plain_and_streamed(other: openai.OpenAI) -> None:
    whole = other.chat.completions.create(model="glm-4.7", messages=QUESTION)
    message = whole.choices[0].message
    assert "no language model" in (message.content or "")
    chunks = list(
        other.chat.completions.create(model="glm-4.7", messages=QUESTION, stream=True, stream_options={"include_usage": True})
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == message.content
    assert chunks[-1].usage is not None
    assert chunks[-1].usage == whole.usage or chunks[-1].usage.completion_tokens == whole.usage.completion_tokens  # type: ignore[union-attr]


@pytest.mark.parametrize("extra", [{}, {"tool_stream": True}], ids=["whole", "fragments"])
def test_other_tools_streamed(other: openai.OpenAI, extra: dict[str, Any]) -> None:
    stream = other.chat.completions.create(
        model="glm-4.7",
        messages=[{"role": "user", "content": "get_weather in Florence"}],
        tools=TOOLS,
        stream=True,
        extra_body=extra,
    )
    calls = [call for chunk in stream for call in chunk.choices[0].delta.tool_calls or []]
    assert calls[0].function is not None
    assert calls[0].function.name == "get_weather"
    arguments = "".join(call.function.arguments or "" for call in calls if call.function)
    assert json.loads(arguments) == {"city": "Florence"}
    assert (len(calls) > 1) == bool(extra)


def test_other_picture_and_json(other: openai.OpenAI) -> None:
    content: Any = with_picture(f"data:image/png;base64,{PICTURE}", "What is this?")
    answer = other.chat.completions.create(model="glm-4.6v", messages=[{"role": "user", "content": content}])
    assert "64×48 pixels" in (answer.choices[0].message.content or "")
    as_json = other.chat.completions.create(model="glm-4.7", messages=QUESTION, response_format={"type": "json_object"})
    assert json.loads(as_json.choices[0].message.content or "")["sandbox"] is True


OTHER_ERRORS = {
    "400/1210": openai.BadRequestError,
    "401/1002": openai.AuthenticationError,
    "403/1220": openai.PermissionDeniedError,
    "404": openai.NotFoundError,
    "429/1302": openai.RateLimitError,
    "500/1234": openai.InternalServerError,
}


@pytest.mark.parametrize("name", OTHER_ERRORS)
def test_other_errors(sandbox: Sandbox, other: openai.OpenAI, name: str) -> None:
    sandbox.fault(name)
    with pytest.raises(OTHER_ERRORS[name]):
        other.chat.completions.create(model="glm-4.7", messages=QUESTION)


def test_other_models(other: openai.OpenAI, sandbox: Sandbox) -> None:
    assert "glm-4.7" in [model.id for model in other.models.list()]
    with openai.OpenAI(api_key="a.b", base_url=sandbox.base_url.replace("/api/paas/v4", "/v1")) as self_hosted:
        assert "glm-4.7" in [model.id for model in self_hosted.models.list()]
