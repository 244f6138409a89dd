"""What realtime events carry: items, responses, tokens, limits, problems; read from the wire without ever failing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the conversation: a message, a call of a function, or what the function gave.

    Attributes:
        kind: ``message``, ``function_call`` or ``function_call_output``.
        role: ``user``, ``assistant`` or ``system``; of messages.
        text: its words; of spoken content the transcript.
        has_audio: some of it was spoken.
        audio: its sound, where the server gave it: bytes in the session's format.
        name, arguments: of a call; the arguments are JSON text.
        output: of a result.
    """

    kind: str = "message"
    role: str = ""
    text: str = ""
    id: str = ""
    status: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""
    has_audio: bool = False
    audio: bytes = field(default=b"", repr=False)

    def to_wire(self) -> dict[str, Any]:
        """As ``conversation.item.create`` takes it: words as ``input_text``, an assistant's as ``text``."""
        wire: dict[str, Any] = {"type": self.kind, "object": "realtime.item"}
        if self.id:
            wire["id"] = self.id
        if self.kind == "message":
            content = {"type": "text" if self.role == "assistant" else "input_text", "text": self.text}
            return {**wire, "role": self.role, "content": [content]}
        if self.kind == "function_call":
            return {**wire, "name": self.name, "arguments": self.arguments}
        return {**wire, "output": self.output}


@dataclass(frozen=True, slots=True)
class CallUsage:
    """Tokens of one response; zeros where the server does not count yet."""

    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    cached_tokens: int = 0
    input_text_tokens: int = 0
    output_text_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """The server's response object; `status`: ``in_progress``, ``completed``, ``cancelled``."""

    id: str = ""
    status: str = ""
    usage: CallUsage | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit of the account, as the server told it."""

    name: str = ""
    limit: int = 0
    remaining: int = 0
    reset_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Problem:
    """An error in the server's words; the session stays open. `param`: the field that is wrong, where it says so."""

    kind: str = ""
    code: str = ""
    message: str = ""
    param: str = ""


@dataclass(frozen=True, slots=True)
class Pcm:
    """A piece of sound: 16-bit samples; `is_damaged` where what came was no base64."""

    data: bytes = field(default=b"", repr=False)
    is_damaged: bool = False


def read_text(raw: object) -> str:
    """A string as it is, numbers as text, anything else empty."""
    return raw if isinstance(raw, str) else str(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else ""


def read_int(raw: object) -> int:
    """A whole number; 0 for anything else."""
    return int(raw) if isinstance(raw, int | float) and abs(raw) < 1e15 else 0


def read_mapping(raw: object) -> Mapping[str, Any]:
    """A JSON object; empty for anything else."""
    return raw if isinstance(raw, dict) else {}


def read_pcm(raw: object) -> Pcm:
    """Base64 of samples."""
    try:
        return Pcm(base64.b64decode(raw, validate=True)) if isinstance(raw, str) else Pcm(is_damaged=True)
    except (binascii.Error, ValueError):
        return Pcm(is_damaged=True)


def read_item(raw: object) -> Item:
    """An item of any shape; contents without words count for nothing."""
    wire = read_mapping(raw)
    contents = [content for content in wire.get("content") or () if isinstance(content, dict)] if _has_list(wire) else []
    words = (read_text(content.get("text")) or read_text(content.get("transcript")) for content in contents)
    return Item(
        kind=read_text(wire.get("type")) or "message",
        role=read_text(wire.get("role")),
        text="".join(words),
        id=read_text(wire.get("id")),
        status=read_text(wire.get("status")),
        name=read_text(wire.get("name")),
        arguments=read_text(wire.get("arguments")),
        output=read_text(wire.get("output")),
        has_audio=any(content.get("type") in ("input_audio", "audio") for content in contents),
        audio=b"".join(read_pcm(content.get("audio")).data for content in contents),
    )


def _has_list(wire: Mapping[str, Any]) -> bool:
    return isinstance(wire.get("content"), list)


def read_response(raw: object) -> Response:
    """A response object."""
    wire = read_mapping(raw)
    return Response(read_text(wire.get("id")), read_text(wire.get("status")), _usage(wire.get("usage")))


def _usage(raw: object) -> CallUsage | None:
    if not isinstance(raw, dict):
        return None
    into, out = read_mapping(raw.get("input_token_details")), read_mapping(raw.get("output_token_details"))
    return CallUsage(
        read_int(raw.get("total_tokens")),
        read_int(raw.get("input_tokens")),
        read_int(raw.get("output_tokens")),
        read_int(into.get("audio_tokens")),
        read_int(out.get("audio_tokens")),
        read_int(into.get("cached_tokens")),
        read_int(into.get("text_tokens")),
        read_int(out.get("text_tokens")),
    )


def read_limits(raw: object) -> tuple[RateLimit, ...]:
    """The list of limits."""
    rows = [row for row in raw if isinstance(row, dict)] if isinstance(raw, list) else []
    return tuple(
        RateLimit(read_text(row.get("name")), read_int(row.get("limit")), read_int(row.get("remaining")), _number(row))
        for row in rows
    )


def _number(row: Mapping[str, Any]) -> float:
    value = row.get("reset_seconds")
    return float(value) if isinstance(value, int | float) else 0.0


def read_problem(raw: object) -> Problem:
    """An error object, or a bare sentence."""
    if isinstance(raw, str):
        return Problem(message=raw)
    wire = read_mapping(raw)
    return Problem(*(read_text(wire.get(name)) for name in ("type", "code", "message", "param")))


def read_search(raw: object, name: str) -> str:
    """A word on a search of the web: deep inside a session object (reference of ``simple_browser``)."""
    fields = read_mapping(read_mapping(raw).get("beta_fields"))
    return read_text(read_mapping(fields.get("simple_browser")).get(name))


READERS: Mapping[str, Callable[[object], Any]] = {
    "str": read_text,
    "int": read_int,
    "Pcm": read_pcm,
    "Item": read_item,
    "Response": read_response,
    "Problem": read_problem,
    "tuple[RateLimit, ...]": read_limits,
    "Mapping[str, Any]": read_mapping,
}
"""How a field of an event is read, by its annotation."""
