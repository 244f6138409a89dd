"""Checking a chat request as the vendor does: what is missing, out of range or not for this model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glm_magics.catalog import Model, find_model, models
from glm_magics.sandbox.codes import Refusal
from glm_magics.sandbox.pictures import Host
from glm_magics.sandbox.prompts import Prompt, read_prompt

_MAX_TOKENS = 131072
_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOOL_TYPES = ("function", "web_search", "retrieval", "mcp")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request that passed every check. `body` has no nulls: the vendor's SDK sends them for "not given"."""

    model: Model
    body: Mapping[str, Any]
    prompt: Prompt

    @property
    def is_streaming(self) -> bool:
        """Whether the answer goes out as SSE."""
        return bool(self.body.get("stream"))

    @property
    def is_thinking(self) -> bool:
        """Whether the answer carries thinking: on by default, for models that can."""
        mode = self.body.get("thinking", {}).get("type", "enabled")
        effort = self.body.get("reasoning_effort")
        is_off = mode == "disabled" or (self.model.thinking == "switchable" and effort in ("none", "minimal"))
        return self.model.thinking == "always" or (self.model.thinking == "switchable" and not is_off)

    @property
    def is_json(self) -> bool:
        """Whether JSON mode is asked for."""
        return self.body.get("response_format", {}).get("type") in ("json_object", "json_schema")

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """Of the answer, where the request names one as self-hosted servers take it."""
        inner = self.body.get("response_format", {}).get("json_schema")
        schema = inner.get("schema") if isinstance(inner, dict) else None
        return schema if isinstance(schema, dict) else None


@dataclass(frozen=True, slots=True)
class _Field:
    """One optional field: what a right value is, as a test and in words."""

    name: str
    is_right: Callable[[Any, Model], bool]
    rule: str


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_bool(value: Any, model: Model) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any, model: Model) -> bool:
    return isinstance(value, str) and bool(value)


def _is_stop(value: Any, model: Model) -> bool:
    """A text (the SDK's signature allows it) or a list of as many as the catalogue says, else one."""
    words = [value] if isinstance(value, str) else value
    is_list = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return is_list and len(words) <= model.limits.get("stop_sequences", 1)


def _is_thinking(value: Any, model: Model) -> bool:
    return isinstance(value, dict) and value.get("type", "enabled") in ("enabled", "disabled")


def _is_format(value: Any, model: Model) -> bool:
    return isinstance(value, dict) and value.get("type") in ("text", "json_object")


def _is_schema(value: Any) -> bool:
    """The form of vLLM and SGLang, which the vendor's own servers refuse."""
    return isinstance(value, dict) and value.get("type") == "json_schema" and isinstance(value.get("json_schema"), dict)


def _is_max_tokens(value: Any, model: Model) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and 1 <= value <= (model.max_output_tokens or _MAX_TOKENS)


def _is_tools(value: Any, model: Model) -> bool:
    limit = model.limits.get("functions_per_request", 128)
    return isinstance(value, list) and len(value) <= limit and all(map(_is_tool, value))


def _is_tool(tool: Any) -> bool:
    if not isinstance(tool, dict) or tool.get("type") not in _TOOL_TYPES:
        return False
    inner: Any = tool.get(tool["type"])
    if not isinstance(inner, dict) or tool["type"] != "function":
        return isinstance(inner, dict)
    name, parameters = inner.get("name"), inner.get("parameters", {})
    return isinstance(name, str) and bool(_FUNCTION_NAME.fullmatch(name)) and isinstance(parameters, dict)


def _is_tool_choice(value: Any, model: Model) -> bool:
    # Only "auto" is documented; recordings show that naming a function is obeyed too.
    return value == "auto" or (isinstance(value, dict) and isinstance(value.get("function"), dict))


# The optional fields and their ranges (protocol reference 2.1). Fields not named here are ignored.
_FIELDS = (
    _Field("stream", _is_bool, "true or false"),
    _Field("do_sample", _is_bool, "true or false"),
    _Field("tool_stream", _is_bool, "true or false"),
    _Field("temperature", lambda value, model: _is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
    _Field("top_p", lambda value, model: _is_number(value) and 0.01 <= value <= 1, "a number from 0.01 to 1"),
    _Field("max_tokens", _is_max_tokens, "a whole number from 1 to the model's maximum"),
    _Field("stop", _is_stop, "a list of at most one text"),
    _Field("thinking", _is_thinking, "an object whose type is enabled or disabled"),
    _Field("reasoning_effort", lambda value, model: value in _EFFORTS, f"one of {', '.join(_EFFORTS)}"),
    _Field("response_format", _is_format, "an object whose type is text or json_object"),
    _Field(
        "tools",
        _is_tools,
        f"at most 128 tools of type {', '.join(_TOOL_TYPES)}; function names of 1-64 letters, digits, _ or -",
    ),
    _Field("tool_choice", _is_tool_choice, '"auto", or an object that names a function'),
    _Field("request_id", _is_text, "a text"),
    _Field(
        "user_id",
        lambda value, model: isinstance(value, str) and 6 <= len(value) <= 128,
        "a text of 6 to 128 characters",
    ),
)


def parse_body(raw: bytes) -> Any:
    """The JSON value of a request body; None when it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def without_nulls(body: Any) -> dict[str, Any]:
    """A parsed body without the nulls of its top level: they mean "not given".

    Raises:
        Refusal: 1210, when it is no JSON object.
    """
    if not isinstance(body, dict):
        raise Refusal("1210", "The request body is not a JSON object.")
    return {name: value for name, value in body.items() if value is not None}


def read_request(body: Mapping[str, Any], host: Host, *, allows_hub_names: bool = False) -> ChatRequest:
    """The checked request.

    Args:
        body: of `without_nulls`.
        host: finds pictures by their URL on this sandbox.
        allows_hub_names: take ``zai-org/GLM-4.7`` too, as a self-hosted server does.

    Raises:
        Refusal: with the code and words of the first thing that is wrong.
    """
    for name in ("model", "messages"):
        if name not in body:
            raise Refusal("1213", name)
    model = _model(body["model"], allows_hub_names)
    for field in _FIELDS:
        is_schema = allows_hub_names and field.name == "response_format" and _is_schema(body.get(field.name))
        if field.name in body and not is_schema and not field.is_right(body[field.name], model):
            raise Refusal("1214", f"{field.name}: {field.rule}.")
    _check_abilities(body, model)
    return ChatRequest(model, body, read_prompt(body, model, host))


def _model(name: Any, allows_hub_names: bool) -> Model:
    if not isinstance(name, str):
        raise Refusal("1214", "model: a text.")
    model = models().get(name)
    if model is None and allows_hub_names and "/" in name:
        model = find_model(name)
    if model is None:
        raise Refusal("1211", repr(name))
    if not model.can_chat:
        raise Refusal("1212", f"{model.id} is no chat model.")
    return model


def _check_abilities(body: Mapping[str, Any], model: Model) -> None:
    """What is right in itself, but not for this model."""
    if model.thinking == "always" and body.get("thinking", {}).get("type") == "disabled":
        raise Refusal("1210", f"Thinking cannot be disabled for {model.id}.")
    if model.structured_output is False and body.get("response_format", {}).get("type") == "json_object":
        raise Refusal("1210", f"{model.id} does not support response_format json_object.")
    if model.tools is False and body.get("tools"):
        raise Refusal("1210", f"{model.id} does not support tools.")
    choice = body.get("tool_choice")
    names = [tool["function"]["name"] for tool in body.get("tools", ()) if tool["type"] == "function"]
    if isinstance(choice, dict) and choice["function"].get("name") not in names:
        raise Refusal("1214", "tool_choice: names no function of tools.")
