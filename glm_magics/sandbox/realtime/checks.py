"""What a call accepts: client events, session fields and items; a `Complaint` is an ``error`` event, and the call goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glm_magics.sandbox.realtime.hearing import RATES_HZ

VOICES = (
    "default", "tongtong", "xiaochen", "female-tianmei", "female-shaonv", "male-qn-daxuesheng", "male-qn-jingying", "lovely_girl",
)  # fmt: skip
MODELS = ("glm-realtime", "glm-realtime-flash", "glm-realtime-air")
CHAT_MODES = ("audio", "video_passive", "video")


class Complaint(Exception):
    """Something the server does not accept.

    Args:
        message: what is wrong.
        code, kind: of the error object; ``invalid_event`` is the documented one for bad events.
    """

    def __init__(self, message: str, code: str = "invalid_event", kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.error = {"type": kind, "code": code, "message": message}


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    is_right: Callable[[Any], bool]
    rule: str


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_detection(value: Any) -> bool:
    # The reference allows server_vad only; the vendor's own SDK sends client_vad, and works.
    if not isinstance(value, dict) or value.get("type", "server_vad") not in ("server_vad", "client_vad"):
        return False
    if not all(isinstance(value.get(name), bool | None) for name in ("create_response", "interrupt_response")):
        return False
    is_tuned = all(_is_number(value.get(name, 0), 0, 60_000) for name in ("prefix_padding_ms", "silence_duration_ms"))
    return is_tuned and _is_number(value.get("threshold", 0.5), 0, 1)


def _is_tool(tool: Any) -> bool:
    is_named = isinstance(tool, dict) and isinstance(tool.get("name"), str) and bool(tool["name"])
    return is_named and tool.get("type") == "function" and isinstance(tool.get("parameters", {}), dict)


def _is_beta(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("chat_mode", "audio") not in CHAT_MODES:
        return False
    greeting = value.get("greeting_config") or {}
    if not isinstance(greeting, dict) or not isinstance(greeting.get("enable"), bool | None):
        return False
    return len(str(greeting.get("content") or "")) <= 1024


_FIELDS = (
    _Field("model", lambda value: value in MODELS, f"one of {', '.join(MODELS)}"),
    _Field(
        "modalities",
        lambda value: isinstance(value, list) and "text" in value and set(map(str, value)) <= {"text", "audio"},
        'a list: "text", and "audio" or not',
    ),
    _Field("instructions", lambda value: isinstance(value, str), "a text"),
    _Field("voice", lambda value: value in VOICES, f"one of {', '.join(VOICES)}"),
    _Field("input_audio_format", lambda value: isinstance(value, str) and value in RATES_HZ, f"one of {', '.join(RATES_HZ)}"),
    _Field("output_audio_format", lambda value: value == "pcm", "pcm"),
    _Field(
        "input_audio_noise_reduction",
        lambda value: isinstance(value, dict) and value.get("type") in ("near_field", "far_field"),
        "an object whose type is near_field or far_field",
    ),
    _Field("turn_detection", _is_detection, "an object whose type is server_vad; times in ms; threshold from 0 to 1"),
    _Field("temperature", lambda value: _is_number(value, 0, 1), "a number from 0 to 1"),
    _Field(
        "max_response_output_tokens",
        lambda value: value == "inf" or (str(value).isdecimal() and 1 <= int(value) <= 1024),
        'from 1 to 1024, or "inf"',
    ),
    _Field("tools", lambda value: isinstance(value, list) and all(map(_is_tool, value)), "flat function tools"),
    _Field("beta_fields", _is_beta, f"chat_mode is one of {', '.join(CHAT_MODES)}; a greeting has at most 1024 characters"),
)


def check_session(event: Mapping[str, Any]) -> dict[str, Any]:
    """The ``session`` of an update, without nulls.

    Raises:
        Complaint: a field of it is not right.
    """
    session = event.get("session")
    if not isinstance(session, dict):
        raise Complaint("The 'session' field is missing.")
    given = {name: value for name, value in session.items() if value is not None}
    for field in _FIELDS:
        if field.name in given and not field.is_right(given[field.name]):
            raise Complaint(f"session.{field.name}: {field.rule}.")
    if given.get("tools") and (given.get("beta_fields") or {}).get("chat_mode", "audio") != "audio":
        raise Complaint("session.tools: in audio mode only.")
    return given


def check_item(event: Mapping[str, Any]) -> dict[str, Any]:
    """The ``item`` of a ``conversation.item.create``.

    Raises:
        Complaint: it is none, or empty.
    """
    item = event.get("item")
    if not isinstance(item, dict) or item.get("type") not in ("message", "function_call", "function_call_output"):
        raise Complaint("item.type: one of message, function_call, function_call_output.")
    if not isinstance(item.get("id") or "", str):
        raise Complaint("item.id: a text.")
    if item["type"] == "message":
        if item.get("role") not in ("user", "assistant", "system"):
            raise Complaint("item.role: one of user, assistant, system.")
        if not item_text(item).strip():
            raise Complaint("item.content: the text is empty.")
    elif item["type"] == "function_call_output" and not (isinstance(item.get("output"), str) and item["output"]):
        raise Complaint("item.output: the result of the function is empty.")
    elif item["type"] == "function_call" and not (isinstance(item.get("name"), str) and item["name"]):
        raise Complaint("item.name: the function has no name.")
    if not isinstance(item.get("arguments"), str | None):
        raise Complaint("item.arguments: JSON as a text.")
    return item


def item_text(item: Mapping[str, Any]) -> str:
    """The words of a message."""
    content = item.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    words = [part.get("text") or part.get("transcript") for part in parts]
    return " ".join(each for each in words if isinstance(each, str)).strip()


def check_id(event: Mapping[str, Any]) -> str:
    """The ``item_id`` of an event.

    Raises:
        Complaint: there is none.
    """
    if not isinstance(event.get("item_id"), str) or not event["item_id"]:
        raise Complaint("The 'item_id' field is missing.")
    return str(event["item_id"])
