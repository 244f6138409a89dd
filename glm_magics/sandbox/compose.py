"""What the sandbox says when it was not told what to say.

There is no language model here, and every answer says so. What it says otherwise is true: what arrived, what was
measured, what was found. Each occasion is one row of `_OCCASIONS`: the first that has something to say speaks.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from glm_magics.errors import MissingExtraError
from glm_magics.grammar import plural
from glm_magics.sandbox.answers import Answer, ToolCall, split_pieces
from glm_magics.sandbox.checks import ChatRequest
from glm_magics.sandbox.describe import describe, ended, quoted
from glm_magics.sandbox.facts import count_words, numbers_in
from glm_magics.sandbox.filler import filler_bytes, filler_words
from glm_magics.sandbox.fixing import repair_in, say
from glm_magics.sandbox.locate import locate
from glm_magics.sandbox.pictures import Picture
from glm_magics.sandbox.prompts import message_text
from glm_magics.sandbox.schemas import fill
from glm_magics.sandbox.tools import calls_in, mcp_rows, schema_in, web_rows
from glm_magics.sandbox.usage import token_weight

HONEST = "This is the **glm_magics sandbox**: no language model is behind this answer."
_ASKED_LENGTH = re.compile(r"(?:\bwrite\b|写)\D{0,40}?(\d{1,6})[\s-]*(words?|bytes|字)", re.IGNORECASE)
_MAX_FILLER = 5_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """What is said: the content as text or as exact pieces, the steps of thinking, and the calls."""

    text: str | Sequence[str] = ""
    steps: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()


def compose(request: ChatRequest) -> Answer:
    """An honest answer to a checked request, within its ``max_tokens`` and ``stop``. It may take a second of CPU time."""
    said = next(said for occasion in _OCCASIONS if (said := occasion(request)) is not None)
    steps = "\n".join(said.steps)
    answer = Answer(
        content=split_pieces(said.text) if isinstance(said.text, str) else tuple(said.text),
        thinking=_thinking(request, steps),
        tool_calls=said.calls,
        finish_reason="tool_calls" if said.calls else "stop",
        web_search=web_rows(request.body.get("tools", ()), request.prompt.text),
        mcp_calls=mcp_rows(request.body.get("tools", ())),
    )
    return _within_limit(_stopped(answer, request.body.get("stop")), request.body.get("max_tokens"))


def _thinking(request: ChatRequest, steps: str) -> tuple[str, ...]:
    if not request.is_thinking or not steps:
        return ()
    n_words = _whole(request.prompt.directives.get("think"))
    return tuple(filler_words(n_words)) if n_words else split_pieces(steps)


def _filler(request: ChatRequest) -> Said | None:
    """As many words or bytes as were asked for."""
    directives = request.prompt.directives
    asked = _ASKED_LENGTH.search(request.prompt.text)
    unit = "bytes" if "bytes" in directives or (asked and asked[2].lower() == "bytes") else "words"
    n = _whole(directives.get(unit)) or (int(asked[1]) if asked else 0)
    if not n:
        return None
    pieces = filler_words(n) if unit == "words" else filler_bytes(n)
    return Said(pieces, (f"I am asked for {n} {unit}.", "I have no language model, so I write filler text of that length."))


def _tool_results(request: ChatRequest) -> Said | None:
    """What the tools gave, when their results are the last thing said."""
    messages = _without_pictures(request.body["messages"])
    n_last = next((n for n, message in enumerate(reversed(messages)) if message["role"] != "tool"), len(messages))
    if not n_last or isinstance(request.body.get("tool_choice"), Mapping):
        return None
    results = messages[len(messages) - n_last :]
    names = {str(call.get("id")): call.get("function", {}).get("name") for m in messages for call in m.get("tool_calls") or ()}
    lines = [f"- `{names.get(str(m.get('tool_call_id'))) or 'a tool'}` gave: {quoted(message_text(m), 2000)}" for m in results]
    return Said(
        "\n".join([HONEST, "", "The tools answered:", "", *lines]), (f"I have {plural(n_last, 'tool result')} to pass on.",)
    )


def _without_pictures(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Without a last message that only carries the pictures of results: they cannot be in the results themselves."""
    if len(messages) < 2 or messages[-1]["role"] != "user" or messages[-2]["role"] != "tool":
        return messages
    content = messages[-1].get("content")
    has_picture = isinstance(content, list) and any(part.get("type") == "image_url" for part in content)
    return messages[:-1] if has_picture else messages


def _tool_calls(request: ChatRequest) -> Said | None:
    """Calls of the tools the prompt names."""
    calls = calls_in(request.prompt.text, request.body.get("tools", ()), request.body.get("tool_choice"))
    if not calls:
        return None
    names = ", ".join(f"`{call.name}`" for call in calls)
    step = f"The message names {names}; I fill the arguments from its words."
    return Said(f"{HONEST} It calls {names}, because the message names it.\n", (step,), tuple(calls))


def _json(request: ChatRequest) -> Said | None:
    """Valid JSON: a schema found in the messages, filled, or else the facts about the message."""
    filled = _filled(request) if request.is_json or _has_schema(request) else None
    if filled is None and not request.is_json:
        return None
    if filled is not None:
        return Said(filled, (f"{HONEST} I found a JSON Schema and fill it with values from the message.",))
    text = request.prompt.text
    facts = {"sandbox": True, "note": "no language model is behind this answer", "words": count_words(text)}
    value = {**facts, "characters": len(text), "numbers": numbers_in(text)[:100]}
    return Said(json.dumps(value, ensure_ascii=False, indent=2), ("JSON is asked for, without a schema: I give what I count.",))


def _has_schema(request: ChatRequest) -> bool:
    """Whether the system prompt asks for an answer in a schema, as callers do of models without JSON mode."""
    systems = [message_text(message) for message in request.body["messages"] if message["role"] == "system"]
    return any("JSON Schema" in text and schema_in(text) is not None for text in systems)


def _filled(request: ChatRequest) -> str | None:
    """The schema in the message, or else in the system prompt, filled from the message, as JSON text."""
    text = request.prompt.text
    if request.schema is not None:
        with suppress(ValueError):
            return json.dumps(fill(request.schema, text), ensure_ascii=False, indent=2)
    systems = [message_text(message) for message in request.body["messages"] if message["role"] == "system"]
    for where in (text, *systems):
        if (found := schema_in(where)) is not None:
            schema, rest = found
            with suppress(ValueError):  # braces that only looked like a schema
                return json.dumps(fill(schema, rest if where is text else text), ensure_ascii=False, indent=2)
    return None


def _found(request: ChatRequest) -> Said | None:
    """Boxes of what was asked for in the pictures."""
    pictures = [picture for picture in request.prompt.pictures if isinstance(picture, Picture)]
    if not pictures:
        return None
    try:
        found = locate(request.prompt.text, pictures, request.model.id)
    except MissingExtraError as error:
        return Said(f"{HONEST} {error}", ("I would look for boxes, but the library for it is not installed.",))
    if found is None:
        return None
    text, steps = found
    if text.startswith("<think>"):
        return Said(text.replace("<answer>", f"<answer>{HONEST} ", 1))
    return Said(f"{HONEST}\n\n{text}", steps)


def _heard(request: ChatRequest) -> Said | None:
    """What a model that speaks would say aloud: short, and without marks."""
    prompt = request.prompt
    if request.model.kind != "voice":
        return None
    heard = [f"I heard {sound.seconds:.1f} seconds of sound." for sound in prompt.sounds]
    read = f"I read {plural(count_words(prompt.text), 'word')}: {ended(prompt.text, 80)}" if prompt.text else ""
    return Said(" ".join(filter(None, (HONEST.replace("*", ""), *heard, read))))


def _repaired(request: ChatRequest) -> Said | None:
    """A cell that failed, mended by a rule where one fits."""
    asked = repair_in(request.prompt.text)
    if asked is None:
        return None
    failure, repair, wants_code = asked
    steps = (f"I am asked about a {failure.kind}; I look whether one of my rules fits.",)
    return Said(f"{HONEST}\n\n{say(failure, repair, wants_code)}", steps)


def _facts(request: ChatRequest) -> Said:
    """What arrived, measured."""
    prompt = request.prompt
    steps = [f"I read the message: {plural(count_words(prompt.text), 'word')}."]
    steps += [f"I measure the picture: {p.width_px}×{p.height_px}." for p in prompt.pictures if isinstance(p, Picture)]
    text = f"{HONEST} It cannot understand a question; it tells what it received.\n\n{describe(request)}"
    return Said(text, (*steps, "I say what I measured, and no more."))


_OCCASIONS: tuple[Callable[[ChatRequest], Said | None], ...] = (
    _filler,
    _tool_results,
    _tool_calls,
    _json,
    _found,
    _heard,
    _repaired,
    _facts,
)


def _stopped(answer: Answer, stop: Any) -> Answer:
    """The answer up to the first stop word."""
    words = [stop] if isinstance(stop, str) else stop or []
    places = [place for word in words if word and (place := answer.text.find(word)) >= 0]
    return replace(answer, content=split_pieces(answer.text[: min(places)])) if places else answer


def _within_limit(answer: Answer, max_tokens: int | None) -> Answer:
    """The answer cut at ``max_tokens``, thinking included; calls go when the words before them did not fit."""
    if max_tokens is None:
        return answer
    sums = list(accumulate(map(token_weight, (*answer.thinking, *answer.content))))
    n_kept = bisect_right(sums, max_tokens)
    if n_kept == len(sums):
        return answer
    content = answer.content[: max(0, n_kept - len(answer.thinking))]
    return replace(answer, thinking=answer.thinking[:n_kept], content=content, tool_calls=(), finish_reason="length")


def _whole(text: str | None) -> int:
    """A directive's number, at most `_MAX_FILLER`; 0 when it is none."""
    return min(int(text), _MAX_FILLER) if text and text.isdecimal() else 0
