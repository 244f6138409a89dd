"""The sandbox's framing, byte for byte, against the vendor's (protocol reference 4.1 to 4.5)."""

from __future__ import annotations

import json
import re

import pytest

from glm_magics.sandbox.answers import Answer, ToolCall, split_pieces
from glm_magics.sandbox.stream import Break, Envelope, Wire, completion_body, completion_steps, new_id, stream_steps

ENVELOPE = Envelope("glm-4.7", "20260401101528c0ffee1234abcd5e", 1775009728)
HEAD = '{"id":"20260401101528c0ffee1234abcd5e","created":1775009728,"object":"chat.completion.chunk","model":"glm-4.7","choices":'
USAGE = {
    "prompt_tokens": 13,
    "completion_tokens": 21,
    "total_tokens": 34,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 17},
}
USAGE_TEXT = (
    '{"prompt_tokens":13,"completion_tokens":21,"total_tokens":34,"prompt_tokens_details":{"cached_tokens":2},'
    '"completion_tokens_details":{"reasoning_tokens":17}}'
)


def written(answer: Answer, wire: Wire | None = None) -> str:
    steps = stream_steps(answer, ENVELOPE, wire or Wire(), USAGE)
    return b"".join(step for step in steps if isinstance(step, bytes)).decode()


def lines(*payloads: str) -> str:
    return "".join(f"data: {payload}\n\n" for payload in payloads)


FINAL = (
    HEAD
    + '[{"index":0,"finish_reason":"%s","delta":{"role":"assistant","content":""}}],"usage":'
    + USAGE_TEXT.replace("%", "%%")
    + "}"
)


def test_thinking_stream_is_the_vendors_to_the_byte() -> None:
    answer = Answer(content=("Hello", "!"), thinking=("The user", " says hi."))
    assert written(answer) == lines(
        HEAD + '[{"index":0,"delta":{"role":"assistant","reasoning_content":"The user"}}]}',
        HEAD + '[{"index":0,"delta":{"role":"assistant","reasoning_content":" says hi."}}]}',
        HEAD + '[{"index":0,"delta":{"role":"assistant","content":"Hello"}}]}',
        HEAD + '[{"index":0,"delta":{"role":"assistant","content":"!"}}]}',
        FINAL % "stop",
        "[DONE]",
    )


CALLS = (
    ToolCall("add", '{"a":2,"b":3}', "call_5f0c2a9be7d14c3f8a61b204"),
    ToolCall("multiply", '{"a":2,"b":3}', "call_9d3e71c05ab84e6f92c7d118"),
)


def test_parallel_tool_calls_arrive_whole() -> None:
    answer = Answer(tool_calls=CALLS, finish_reason="tool_calls")
    function = '{"name":"%s","arguments":"%s"}'
    call = '[{"index":0,"delta":{"tool_calls":[{"id":"%s","index":%d,"type":"function","function":' + function + "}]}}]}"
    arguments = '{\\"a\\":2,\\"b\\":3}'
    assert written(answer) == lines(
        HEAD + call % ("call_5f0c2a9be7d14c3f8a61b204", 0, "add", arguments),
        HEAD + call % ("call_9d3e71c05ab84e6f92c7d118", 1, "multiply", arguments),
        FINAL % "tool_calls",
        "[DONE]",
    )


def test_fragments_of_a_call_carry_only_the_index() -> None:
    answer = Answer(tool_calls=CALLS[:1], finish_reason="tool_calls")
    frames = [json.loads(line[6:]) for line in written(answer, Wire(is_tool_stream=True)).split("\n\n")[:-3]]
    first, *rest = [frame["choices"][0]["delta"]["tool_calls"][0] for frame in frames]
    assert first == {"id": CALLS[0].id, "index": 0, "type": "function", "function": {"name": "add", "arguments": ""}}
    assert all(set(part) == {"index", "function"} and set(part["function"]) == {"arguments"} for part in rest)
    assert len(rest) > 1
    assert "".join(part["function"]["arguments"] for part in rest) == CALLS[0].arguments


def test_text_is_sent_raw_and_escaped_where_json_demands() -> None:
    text = '你好 \u2028 "quoted" \\ \n \x00 😀'
    raw = written(Answer(content=(text,)))
    assert "你好 \u2028" in raw
    assert json.loads(raw.split("\n\n")[0][6:])["choices"][0]["delta"]["content"] == text


def test_a_lone_surrogate_does_not_break_the_stream() -> None:
    assert '"content":"?"' in written(Answer(content=("\ud83d",)))


WIRES = {
    "vLLM's reasoning": (Wire(reasoning_field="reasoning"), '"delta":{"role":"assistant","reasoning":"think"}'),
    "array content": (Wire(is_content_array=True), '"content":[{"type":"text","text":"one "}]'),
    "extra usage chunk": (Wire(has_extra_usage_chunk=True), HEAD + '[],"usage":' + USAGE_TEXT),
    "interruption": (Wire(interruption=(b": ping\n\n",)), '"one "}}]}\n\n: ping\n\n'),
}


@pytest.mark.parametrize(("wire", "expected"), WIRES.values(), ids=WIRES)
def test_other_ways_of_writing(wire: Wire, expected: str) -> None:
    assert expected in written(Answer(content=("one ", "two"), thinking=("think",)), wire)


def test_a_cut_comes_in_the_middle_of_the_content() -> None:
    wire = Wire(interruption=(Break.CUT,), ends_there=True)
    steps = list(stream_steps(Answer(content=("one ", "two"), thinking=("think",)), ENVELOPE, wire, USAGE))
    assert [isinstance(step, bytes) for step in steps] == [True, True, False]
    assert list(completion_steps(b"1234", wire)) == [b"12", Break.CUT]


def test_raw_frames_go_out_as_they_are() -> None:
    assert written(Answer(content=("not this",), raw_frames=(b"\xe4".decode("latin-1").encode(), b"data: x"))) == "ädata: x"


def test_answer_not_streamed() -> None:
    answer = Answer(("Let me look. ",), ("Hm.",), CALLS[:1], "tool_calls", content_filter=({"role": "user", "level": 2},))
    body = json.loads(completion_body(answer, ENVELOPE, Wire(), USAGE, "mine"))
    call = {"id": CALLS[0].id, "index": 0, "type": "function", "function": {"name": "add", "arguments": '{"a":2,"b":3}'}}
    message = {"role": "assistant", "content": "Let me look. ", "reasoning_content": "Hm.", "tool_calls": [call]}
    assert body == {
        "id": ENVELOPE.id,
        "request_id": "mine",
        "created": 1775009728,
        "model": "glm-4.7",
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        "usage": USAGE,
        "content_filter": [{"role": "user", "level": 2}],
    }


def test_ids_are_the_vendors_shape() -> None:
    assert re.fullmatch(r"20\d{12}[0-9a-f]{16}", new_id())
    plain = json.loads(completion_body(Answer(tool_calls=(ToolCall("f", "{}"),)), ENVELOPE, Wire(), USAGE, ""))
    assert plain["request_id"] == ENVELOPE.id
    assert re.fullmatch(r"call_-\d{19}", plain["choices"][0]["message"]["tool_calls"][0]["id"])
    assert re.search(r'"id":"call_[0-9a-f]{24}"', written(Answer(tool_calls=(ToolCall("f", "{}"),))))


@pytest.mark.parametrize("text", ["", " ", "one two  three\n\n- four", "你好世界，这是 mixed 文字。", "\t x"], ids=repr)
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(split_pieces(text)) == text
