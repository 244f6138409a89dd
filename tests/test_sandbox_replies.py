"""What the sandbox says: scripted replies, and the ones it composes itself."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from glm_magics.sandbox import Sandbox
from glm_magics.sandbox.facts import count_words, numbers_in, tables_in
from glm_magics.sandbox.filler import filler_bytes, filler_words
from glm_magics.sandbox.schemas import fill
from glm_magics.sandbox.usage import PrefixCache
from tests.sandbox_pictures import deltas, frames, user, with_picture

CHAT = "/chat/completions"
HONEST = "no language model"


def ask(http: httpx.Client, content: Any, model: str = "glm-4.7", **fields: Any) -> dict[str, Any]:
    """The choice of an answer that is not streamed."""
    choice: dict[str, Any] = http.post(CHAT, json=user(content, model, **fields)).json()["choices"][0]
    return choice


def test_scripted_replies_in_order(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.reply("first", thinking="Hm.", times=2)
    sandbox.reply(chunks=["a", "b\u2028", ""], usage={"total_tokens": 7}, finish_reason="length")
    sandbox.reply(tool_calls=[("f", {"x": 1}), {"function": {"name": "g", "arguments": '{"y":2}'}, "id": "mine"}])
    firsts = [ask(http, "hi") for _ in range(2)]
    assert [choice["message"]["content"] for choice in firsts] == ["first", "first"]
    assert firsts[0]["message"]["reasoning_content"] == "Hm."
    chunks = frames(http.post(CHAT, json=user("hi", stream=True)).content)
    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks[:-1]] == ["a", "b\u2028", "", ""]
    assert (chunks[-2]["usage"], chunks[-2]["choices"][0]["finish_reason"]) == ({"total_tokens": 7}, "length")
    calls = ask(http, "hi")["message"]["tool_calls"]
    assert [call["function"] for call in calls] == [{"name": "f", "arguments": '{"x":1}'}, {"name": "g", "arguments": '{"y":2}'}]
    assert calls[1]["id"] == "mine"
    assert HONEST in ask(http, "hi")["message"]["content"]


def test_raw_frames(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.reply(raw_frames=[b"data: {", b'"x":"\xe4', b'\xb8\xad"}\r\n\r\n'])
    assert http.post(CHAT, json=user("hi", stream=True)).content == b'data: {"x":"\xe4\xb8\xad"}\r\n\r\n'


def test_a_fault_spoils_a_scripted_reply(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.reply("one two three four")
    sandbox.fault("length")
    assert ask(http, "hi") == {
        "index": 0,
        "finish_reason": "length",
        "message": {"role": "assistant", "content": "one two "},
    }


@pytest.mark.parametrize(
    "body",
    [user("hi"), user("hi", "glm-4-voice"), user("[[words:50]]"), user(with_picture("https://example.com/a.png"), "glm-4.6v")],
    ids=["text", "voice", "filler", "foreign picture"],
)
def test_every_composed_reply_says_what_it_is(http: httpx.Client, body: dict[str, Any]) -> None:
    assert HONEST in http.post(CHAT, json=body).json()["choices"][0]["message"]["content"]


def test_a_foreign_picture_is_not_fetched(http: httpx.Client) -> None:
    content = ask(http, with_picture("https://example.com/a.png"), "glm-4.6v")["message"]["content"]
    assert "https://example.com/a.png" in content
    assert "not seen" in content


def test_text_and_tables_are_measured(http: httpx.Client) -> None:
    content = ask(http, "Look at 3 rows:\n\nname,price\na,1.5\nb,2.5\nc,5\n\n| k | v |\n|---|--:|\n| x | 1 |")["message"][
        "content"
    ]
    assert "3 rows, 2 columns" in content
    assert "`price`: 3 numbers from 1.5 to 5, mean 3" in content
    assert "1 row, 2 columns" in content


THINKING = {
    "default": ("glm-4.7", {}, True),
    "enabled": ("glm-4.7", {"thinking": {"type": "enabled"}}, True),
    "disabled": ("glm-4.7", {"thinking": {"type": "disabled"}}, False),
    "null": ("glm-4.7", {"thinking": None}, True),
    "effort none": ("glm-5.2", {"reasoning_effort": "none"}, False),
    "always": ("glm-5.3", {}, True),
    "never": ("glm-4v-flash", {"thinking": {"type": "enabled"}}, False),
}


@pytest.mark.parametrize(("model", "fields", "expected"), THINKING.values(), ids=THINKING)
def test_thinking(http: httpx.Client, model: str, fields: dict[str, Any], expected: bool) -> None:
    chunks = frames(http.post(CHAT, json=user("hi", model, stream=True, **fields)).content)
    assert bool(deltas(chunks, "reasoning_content")) == expected
    assert ("reasoning_content" in json.dumps(chunks)) == expected
    assert ("completion_tokens_details" in chunks[-2]["usage"]) == expected
    assert ("reasoning_content" in ask(http, "hi", model, **fields)["message"]) == expected


def test_streamed_and_plain_say_the_same(http: httpx.Client) -> None:
    chunks = frames(http.post(CHAT, json=user("hi", stream=True)).content)
    message = ask(http, "hi")["message"]
    assert deltas(chunks, "content") == message["content"]
    assert deltas(chunks, "reasoning_content") == message["reasoning_content"]
    assert len({chunk["id"] for chunk in chunks[:-1]}) == 1


def test_stream_headers(http: httpx.Client) -> None:
    answer = http.post(CHAT, json=user("hi", stream=True))
    assert answer.headers["content-type"] == "text/event-stream;charset=UTF-8"


def test_request_id_is_echoed(http: httpx.Client) -> None:
    body = http.post(CHAT, json=user("hi", request_id="my-request")).json()
    assert body["request_id"] == "my-request"
    assert http.post(CHAT, json=user("hi")).json()["request_id"] != body["id"]


LENGTHS = {"words": ("[[words:3000]]", 3000), "asked for": ("Please write a poem of 120 words.", 120)}


@pytest.mark.parametrize(("prompt", "n_words"), LENGTHS.values(), ids=LENGTHS)
def test_filler_has_the_length_asked_for(http: httpx.Client, prompt: str, n_words: int) -> None:
    content = ask(http, prompt)["message"]["content"]
    assert len(content.split()) == n_words


def test_filler_bytes_are_at_most_two_short() -> None:
    assert all(n - 2 <= len("".join(filler_bytes(n)).encode()) <= n for n in range(900, 1500))
    assert "".join(filler_bytes(5000)) == "".join(filler_words(9999))[: len("".join(filler_bytes(5000)))]


def test_delay_directive(http: httpx.Client, sandbox: Sandbox) -> None:
    http.post(CHAT, json=user("[[words:10]] [[delay:0.02]]", stream=True, thinking={"type": "disabled"}))
    record = sandbox.requests[-1]
    assert record.first_content_at is not None
    assert record.finished_at is None or record.finished_at - record.received_at >= 0.2
    assert http.post(CHAT, json=user("[[delay:soon]]")).status_code == 400


def test_max_tokens_and_stop(http: httpx.Client) -> None:
    cut = http.post(CHAT, json=user("[[words:100]]", max_tokens=40)).json()
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] <= 41
    stopped = ask(http, "hi", stop=["sandbox"])
    assert (stopped["finish_reason"], stopped["message"]["content"]) == ("stop", "This is the **glm_magics ")


def test_usage_counts_the_shared_beginning(http: httpx.Client) -> None:
    first = [{"role": "system", "content": "x" * 400}, {"role": "user", "content": "one"}]
    usages = [
        http.post(CHAT, json={"model": "glm-4.7", "messages": messages}).json()["usage"]
        for messages in (first, [*first, {"role": "assistant", "content": "ok"}, {"role": "user", "content": "two"}])
    ]
    assert [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages] == [0, usages[0]["prompt_tokens"]]
    assert all(usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] for usage in usages)
    assert PrefixCache().count("m", first, None) == 0


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a place",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
            "required": ["city"],
        },
    },
}
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Sum",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
    },
}


def test_named_tools_are_called_whole(http: httpx.Client) -> None:
    text = "Use get_weather for Florence, days=3, then add 2.5 and 4."
    chunks = frames(http.post(CHAT, json=user(text, stream=True, tools=[ADD, WEATHER])).content)
    parts = [chunk["choices"][0]["delta"]["tool_calls"] for chunk in chunks[:-1] if "tool_calls" in chunk["choices"][0]["delta"]]
    calls = [part[0]["function"] for part in parts]
    assert [part[0]["index"] for part in parts] == [0, 1]
    assert [(call["name"], json.loads(call["arguments"])) for call in calls] == [
        ("get_weather", {"city": "Florence", "days": 3}),
        ("add", {"a": 3, "b": 2.5}),
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert HONEST in deltas(chunks, "content")


def test_tool_stream_sends_fragments(http: httpx.Client) -> None:
    body = user("get_weather in Florence", "glm-4.6", stream=True, tools=[WEATHER], tool_stream=True)
    chunks = frames(http.post(CHAT, json=body).content)
    parts = [part for chunk in chunks[:-1] for part in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert len(parts) > 2
    assert json.loads("".join(part["function"]["arguments"] for part in parts)) == {"city": "Florence"}


def test_forced_tool_and_unnamed_tool(http: httpx.Client) -> None:
    choice = {"type": "function", "function": {"name": "add"}}
    forced = ask(http, "do it with 1 and 2", tools=[ADD, WEATHER], tool_choice=choice)
    assert json.loads(forced["message"]["tool_calls"][0]["function"]["arguments"]) == {"a": 1, "b": 2}
    unnamed = ask(http, "hello", tools=[WEATHER])
    assert (unnamed["finish_reason"], "`get_weather`" in unnamed["message"]["content"]) == ("stop", True)


def test_tool_results_are_quoted(http: httpx.Client) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "get_weather please"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "40 C and sunny"},
    ]
    body = http.post(CHAT, json={"model": "glm-4.7", "messages": messages, "tools": [WEATHER]}).json()
    content = body["choices"][0]["message"]["content"]
    assert body["choices"][0]["finish_reason"] == "stop"
    assert "`get_weather` gave: `40 C and sunny`" in content


SCHEMA = {
    "type": "object",
    "properties": {
        "vendor": {"type": "string"},
        "total": {"type": "number"},
        "due": {"type": "string", "format": "date"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "paid": {"type": "boolean"},
        "currency": {"enum": ["USD", "EUR"]},
        "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
    },
    "required": ["vendor", "total", "due", "lines", "paid", "currency"],
    "$defs": {"line": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}},
}


def test_json_mode_fills_the_schema(http: httpx.Client) -> None:
    text = f'"Acme Ltd" wants total: 99.5 EUR by 2026-05-04, paid: no. Schema: {json.dumps(SCHEMA)}'
    choice = ask(http, text, response_format={"type": "json_object"})
    value = json.loads(choice["message"]["content"])
    assert (value["vendor"], value["total"], value["due"], value["paid"]) == ("Acme Ltd", 99.5, "2026-05-04", False)
    assert value["currency"] == "EUR"
    assert isinstance(value["lines"][0]["n"], int)
    assert HONEST in choice["message"]["reasoning_content"]


def test_json_mode_without_a_schema(http: httpx.Client) -> None:
    value = json.loads(ask(http, "count 1 2 3 as JSON", response_format={"type": "json_object"})["message"]["content"])
    assert (value["sandbox"], value["numbers"]) == (True, [1, 2, 3])


FILLS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "const": ({"const": 5}, "", 5),
    "enum mentioned": ({"enum": ["a", "red"]}, "Red please", "red"),
    "range": ({"type": "integer", "minimum": 10, "maximum": 20}, "3 or 15", 15),
    "range, none fits": ({"type": "integer", "minimum": 10}, "3", 10),
    "numbers": ({"type": "array", "items": {"type": "number"}}, "1, 2.5 and 3", [1, 2.5, 3]),
    "bounded list": ({"type": "array", "items": {"type": "integer"}, "maxItems": 2}, "1 2 3", [1, 2]),
    "type list": ({"type": ["null", "integer"]}, "7", 7),
    "email": ({"type": "string", "format": "email"}, "ask bo@x.org", "bo@x.org"),
    "max length": ({"type": "string", "maxLength": 3}, "'abcdef'", "abc"),
    "quoted": ({"type": "string"}, "say “hello there”", "hello there"),
    "chinese": ({"properties": {"城市": {"type": "string"}}}, "城市是北京", {"城市": "北京"}),
    "endless": ({"$ref": "#"}, "x", "x"),
    "no schema": ({}, "just text", "just text"),
}


@pytest.mark.parametrize(("schema", "text", "expected"), FILLS.values(), ids=FILLS)
def test_fill(schema: dict[str, Any], text: str, expected: Any) -> None:
    assert fill(schema, text) == expected


NUMBERS = {
    "plain": ("1 and 2.5, -3 and 1e3.", [1, 2.5, -3, 1000]),
    "thousands": ("1,234,567.5", [1234567.5]),
    "in words": ("glm4 v2 x_1 3rd", []),
    "versions": ("1.2.3", []),
}


@pytest.mark.parametrize(("text", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_in(text: str, expected: list[float]) -> None:
    assert numbers_in(text) == expected


def test_counting_words_and_tables() -> None:
    assert count_words("don't count-this 你好 한국") == 6
    assert tables_in("Well, yes.\nNo, no.") == []
    assert [(t.n_rows, len(t.columns)) for t in tables_in('a\tb\n1\t2\n3\t4\n\n"x, y",z\n1,2\n3,4')] == [(2, 2), (2, 2)]


def test_default_pace_reads_as_live() -> None:
    with Sandbox() as sandbox:
        headers = {"authorization": f"Bearer {sandbox.key}"}
        body = user("[[words:20]]", stream=True, thinking={"type": "disabled"})
        httpx.post(f"{sandbox.base_url}{CHAT}", json=body, headers=headers)
        record = sandbox.requests[-1]
        assert record.finished_at is not None
        assert 0.3 < record.finished_at - record.received_at < 3
