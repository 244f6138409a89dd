"""An answer as bytes on the wire: SSE frames, or one JSON object.

Framing follows recordings of the vendor's servers (protocol reference 4.1 to 4.5): one ``data:`` line per frame, ``role`` on
every text delta, thinking → content → tool calls → one final chunk with ``finish_reason`` and ``usage`` → ``[DONE]``.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum
from itertools import pairwise
from typing import Any

from glm_magics.sandbox.answers import Answer, Spoken, ToolCall
from glm_magics.sandbox.codes import dump

DONE = b"data: [DONE]\n\n"
_VENDOR_TIME = timezone(timedelta(hours=8))
_quote = json.encoder.encode_basestring  # a JSON string with non-ASCII left raw: U+2028 too, as the vendor does


class Break(Enum):
    """A place in an answer where it is not bytes that follow."""

    CUT = "the connection is dropped"
    STALL = "nothing more is sent until the client goes"


Step = bytes | Break


@dataclass(frozen=True, slots=True)
class Wire:
    """How an answer is written; the defaults are the vendor's own way.

    Attributes:
        reasoning_field: ``reasoning_content``; vLLM writes ``reasoning``.
        is_content_array: content as ``[{"type":"text","text":…}]``.
        has_extra_usage_chunk: usage in a chunk of its own with ``choices:[]``, as other gateways send it.
        has_done: whether ``data: [DONE]`` ends the stream.
        has_usage: whether the final chunk carries usage.
        is_tool_stream: tool arguments in fragments (``tool_stream: true``).
        is_sound_garbled: the base64 of a spoken answer is none.
        interruption: what is put into the middle of the content.
        ends_there: nothing follows the interruption.
    """

    reasoning_field: str = "reasoning_content"
    is_content_array: bool = False
    has_extra_usage_chunk: bool = False
    has_done: bool = True
    has_usage: bool = True
    is_tool_stream: bool = False
    is_sound_garbled: bool = False
    interruption: tuple[Step, ...] = ()
    ends_there: bool = False


def new_id() -> str:
    """A fresh id: ``YYYYMMDDhhmmss`` at UTC+8 and 16 hexadecimal digits (source: recordings)."""
    return datetime.now(_VENDOR_TIME).strftime("%Y%m%d%H%M%S") + secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields around every chunk of one answer; `created` in seconds."""

    model: str
    id: str = field(default_factory=new_id)
    created: int = field(default_factory=lambda: int(time.time()))

    def fields(self) -> dict[str, Any]:
        """The envelope of a streamed chunk, in the vendor's order."""
        return {"id": self.id, "created": self.created, "object": "chat.completion.chunk", "model": self.model}


def stream_steps(answer: Answer, envelope: Envelope, wire: Wire, usage: dict[str, Any]) -> Iterator[Step]:
    """The frames of a streamed answer, one ``data:`` frame per step, made as they are asked for."""
    if answer.raw_frames:
        yield from answer.raw_frames
        return
    half = (len(answer.content) + 1) // 2
    yield from _text_frames(answer.thinking, wire.reasoning_field, envelope, wire)
    yield from _content_frames(answer, slice(half), envelope, wire)
    yield from wire.interruption
    if wire.ends_there:
        return
    yield from _content_frames(answer, slice(half, None), envelope, wire)
    for index, call in enumerate(answer.tool_calls):
        yield from (_chunk(envelope, {"tool_calls": [part]}) for part in _call_parts(index, call, wire))
    yield from (_chunk(envelope, {"tool_calls": [row]}) for row in answer.mcp_calls)
    yield from _closing_frames(answer, envelope, wire, usage)


def completion_body(answer: Answer, envelope: Envelope, wire: Wire, usage: dict[str, Any], request_id: str) -> bytes:
    """The JSON object of an answer that is not streamed (protocol reference 3.1)."""
    message: dict[str, Any] = {"role": "assistant", "content": _content_value(answer.text, wire)}
    if answer.thinking:
        message[wire.reasoning_field] = answer.thinking_text
    if answer.tool_calls:
        message["tool_calls"] = [_whole_call(i, call, _plain_call_id()) for i, call in enumerate(answer.tool_calls)]
    if answer.mcp_calls:
        message["tool_calls"] = [*message.get("tool_calls", []), *answer.mcp_calls]
    if answer.spoken:
        message["audio"] = _audio(answer.spoken, answer.spoken.data, wire)
    body = {
        "id": envelope.id,
        "request_id": request_id or envelope.id,
        "created": envelope.created,
        "model": envelope.model,
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": answer.finish_reason, "message": message}],
    }
    if wire.has_usage:
        body["usage"] = usage
    if answer.content_filter:
        body["content_filter"] = list(answer.content_filter)
    if answer.web_search:
        body["web_search"] = list(answer.web_search)
    return dump(body)


def completion_steps(body: bytes, wire: Wire) -> Iterator[Step]:
    """A JSON body in one step, or in two with the interruption between them."""
    if not wire.interruption:
        yield body
        return
    half = len(body) // 2
    yield body[:half]
    yield from wire.interruption
    if not wire.ends_there:
        yield body[half:]


def _frame(value: object) -> bytes:
    return b"data: " + dump(value) + b"\n\n"


def _chunk(envelope: Envelope, delta: dict[str, Any]) -> bytes:
    return _frame({**envelope.fields(), "choices": [{"index": 0, "delta": delta}]})


def _content_value(text: str, wire: Wire) -> Any:
    return [{"type": "text", "text": text}] if wire.is_content_array else text


def _text_frames(pieces: tuple[str, ...], name: str, envelope: Envelope, wire: Wire) -> Iterator[bytes]:
    """Text deltas; all but the text itself is written once, because there may be tens of thousands of them."""
    if name == "content" and wire.is_content_array:
        yield from (_chunk(envelope, {"role": "assistant", name: _content_value(piece, wire)}) for piece in pieces)
        return
    before, after = _chunk(envelope, {"role": "assistant", name: "\0"}).split(b'"\\u0000"')
    for piece in pieces:
        yield before + _quote(piece).encode("utf-8", "replace") + after


def _content_frames(answer: Answer, which: slice, envelope: Envelope, wire: Wire) -> Iterator[bytes]:
    """The words, each with its share of the sound where the answer is spoken (protocol reference 4.5)."""
    if not answer.spoken:
        yield from _text_frames(answer.content[which], "content", envelope, wire)
        return
    data, n = answer.spoken.data, max(1, len(answer.content))
    ends = [len(data) // 2 * i // n * 2 for i in range(n)] + [len(data)]
    sounds = [data[start:end] for start, end in pairwise(ends)]
    for piece, sound in list(zip(answer.content or ("",), sounds, strict=True))[which]:
        audio = _audio(answer.spoken, sound, wire)
        yield _chunk(envelope, {"role": "assistant", "content": _content_value(piece, wire), "audio": audio})


def _audio(spoken: Spoken, sound: bytes, wire: Wire) -> dict[str, Any]:
    data = base64.b64encode(sound).decode("ascii")
    return {"id": spoken.id, "data": f"?{data[1:]}" if wire.is_sound_garbled else data, "expires_at": spoken.expires_at}


def _whole_call(index: int, call: ToolCall, call_id: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id or call_id, "index": index, "type": "function", "function": function}


def _plain_call_id() -> str:
    """The id of a call that is not streamed: ``call_-`` and 19 digits (source: recordings)."""
    return f"call_-{7 * 10**18 + secrets.randbelow(10**18)}"


def _call_parts(index: int, call: ToolCall, wire: Wire) -> Iterator[dict[str, Any]]:
    """A tool call whole, or its head and then its arguments in fragments that carry only the index."""
    whole = _whole_call(index, call, f"call_{secrets.token_hex(12)}")
    if not wire.is_tool_stream:
        yield whole
        return
    yield {**whole, "function": {"name": call.name, "arguments": ""}}
    size = max(4, len(call.arguments) // 4)
    for start in range(0, len(call.arguments), size):
        yield {"index": index, "function": {"arguments": call.arguments[start : start + size]}}


def _closing_frames(answer: Answer, envelope: Envelope, wire: Wire, usage: dict[str, Any]) -> Iterator[bytes]:
    choice = {"index": 0, "finish_reason": answer.finish_reason, "delta": {"role": "assistant", "content": ""}}
    last: dict[str, Any] = {**envelope.fields(), "choices": [choice]}
    if wire.has_usage and not wire.has_extra_usage_chunk:
        last["usage"] = usage
    if answer.content_filter:
        last["content_filter"] = list(answer.content_filter)
    if answer.web_search:
        last["web_search"] = list(answer.web_search)
    yield _frame(last)
    if wire.has_extra_usage_chunk:
        yield _frame({**envelope.fields(), "choices": [], "usage": usage})
    if wire.has_done:
        yield DONE
