"""How each model is brought to answer in a schema: one row per way, one rule that chooses.

Sources: the vendor's structured output page (``json_object`` for text models, the schema in the system prompt, checked by the
caller); recordings of a forced function call; the vLLM, SGLang and Ollama documentation for ``json_schema``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .catalog import Model
from .messages import Message, TextPart
from .providers import Provider
from .replies import Reply
from .schemas import Schema

Way: TypeAlias = Literal["json_schema", "json_object", "tool", "prompt"]

_TOOL = "give_answer"
_IN_WORDS = (
    "Answer with one JSON object and nothing else: no words before or after it, no code fence. "
    "It must fit this JSON Schema:\n{schema}"
)
_BY_TOOL = f"Give your answer by calling the function {_TOOL}, once, with all of it in the arguments."


@dataclass(frozen=True, slots=True)
class Strategy:
    """One row.

    Attributes:
        system: what the system prompt says of the schema.
        fields: what the body says of it.
    """

    system: Callable[[Schema], str]
    fields: Callable[[Schema], Mapping[str, Any]]


def _describe(schema: Schema) -> str:
    return _IN_WORDS.format(schema=json.dumps(schema.json_schema, ensure_ascii=False))


def _tool_fields(schema: Schema) -> Mapping[str, Any]:
    function = {"name": _TOOL, "description": f"Takes the answer: {schema.name}.", "parameters": schema.json_schema}
    choice = {"type": "function", "function": {"name": _TOOL}}
    return {"tools": [{"type": "function", "function": function}], "tool_choice": choice}


def _format_fields(schema: Schema) -> Mapping[str, Any]:
    inner = {"name": schema.name, "schema": schema.json_schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": inner}}


STRATEGIES: Mapping[Way, Strategy] = {
    "json_schema": Strategy(_describe, _format_fields),
    "json_object": Strategy(_describe, lambda schema: {"response_format": {"type": "json_object"}}),
    "tool": Strategy(lambda schema: _BY_TOOL, _tool_fields),
    "prompt": Strategy(_describe, lambda schema: {}),
}


def choose_way(row: Model | None, provider: Provider, has_tools: bool = False) -> Way:
    """The way for a model over a provider; for an unknown model the one that needs nothing but words.

    Args:
        row: of the catalogue; None for a model outside of it.
        provider: who is asked.
        has_tools: the user's functions are in the request: a forced call of another would keep the model from them.
    """
    if provider.is_self_hosted:
        return "json_schema" if provider.has_json_schema else "prompt"
    if row is not None and row.structured_output:
        return "json_object"
    return "tool" if row is not None and row.tools and not has_tools else "prompt"


def read_answer(reply: Reply) -> str:
    """Where the object is: the arguments of the forced call, else the text."""
    calls = [call["function"] for call in reply.tool_calls]
    return next((call["arguments"] for call in calls if call["name"] == _TOOL and call["arguments"]), reply.text)


def is_step(reply: Reply) -> bool:
    """True for an answer that only calls the user's functions: another one follows, and that one is to have the form."""
    return bool(reply.tool_calls) and all(call["function"]["name"] != _TOOL for call in reply.tool_calls)


def ask_again(reply: Reply, fault: str) -> list[Message]:
    """What follows a misfit: the answer as it came, and what is wrong with it."""
    sentence = f"That does not fit the schema: {fault} Answer again, whole and corrected."
    answer = Message("assistant", (TextPart(reply.text),), thinking=reply.thinking, tool_calls=reply.tool_calls)
    if not reply.tool_calls:
        return [answer if reply.text else Message("assistant", (TextPart("(nothing)"),)), Message("user", (TextPart(sentence),))]
    results = [Message("tool", (TextPart(sentence),), tool_call_id=call["id"]) for call in reply.tool_calls]
    return [answer, *results]
