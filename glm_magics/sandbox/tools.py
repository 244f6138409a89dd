"""Which tools a prompt asks for, and JSON found in a prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from glm_magics.sandbox.answers import ToolCall
from glm_magics.sandbox.codes import Refusal
from glm_magics.sandbox.schemas import fill

_MAX_BRACES = 200


def calls_in(text: str, tools: Sequence[Mapping[str, Any]], choice: Any) -> list[ToolCall]:
    """The calls a prompt asks for: each function it names, in the order of mention; the one that `tool_choice` forces."""
    functions = [tool["function"] for tool in tools if tool["type"] == "function"]
    if isinstance(choice, Mapping):
        forced = choice["function"]["name"]
        return [_call(function, text) for function in functions if function["name"] == forced]
    places = [(_place(function["name"], text), i) for i, function in enumerate(functions)]
    return [_call(functions[i], text) for place, i in sorted(places) if place >= 0]


def _place(name: str, text: str) -> int:
    """Where a function is named, as a word of its own; spaces may stand for underscores. -1: nowhere."""
    match = re.search(rf"(?<![\w-]){re.escape(name).replace('_', '[_ ]')}(?![\w-])", text, re.IGNORECASE)
    return match.start() if match else -1


def _call(function: Mapping[str, Any], text: str) -> ToolCall:
    rest = re.sub(rf"(?<![\w-]){re.escape(function['name'])}(?![\w-])", " ", text)
    try:
        arguments = fill(function.get("parameters") or {"type": "object", "properties": {}}, rest)
    except ValueError as error:
        raise Refusal("1214", f"tools: the parameters of {function['name']} are {error}.") from None
    return ToolCall(function["name"], json.dumps(arguments, ensure_ascii=False, separators=(",", ":")))


def schema_in(text: str) -> tuple[dict[str, Any], str] | None:
    """A JSON Schema of an object written in a text, and the text around it; None when there is none."""
    for start, end, value in _objects_in(text):
        if isinstance(value.get("properties"), dict):
            return value, text[:start] + " " + text[end:]
    return None


def _objects_in(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    decoder = json.JSONDecoder()
    start = -1
    for _ in range(_MAX_BRACES):
        start = text.find("{", start + 1)
        if start < 0:
            return
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield start, end, value


def web_rows(tools: Sequence[Mapping[str, Any]], text: str) -> tuple[Mapping[str, Any], ...]:
    """The sources of a web search, where its results were asked for: one row that says that there is no web here."""
    asked = [tool["web_search"] for tool in tools if tool["type"] == "web_search"]
    if not any(one.get("enable") and one.get("search_result") for one in asked):
        return ()
    row = {
        "title": "The sandbox searches no web: this row stands where a source would",
        "link": "https://sandbox.invalid/",
        "media": "glm_magics sandbox",
        "publish_date": "",
        "content": f"Asked for: {' '.join(text.split())[:80]}",
        "refer": "ref_1",
        "icon": "",
    }
    return (row,)


def mcp_rows(tools: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """For each MCP server that the vendor would call: a call that failed, for nothing is reached from here."""
    rows = []
    for n, label in enumerate(str(tool["mcp"].get("server_label", "")) for tool in tools if tool["type"] == "mcp"):
        error = "The sandbox reaches no servers."
        inner = {
            "id": f"mcp_{n}",
            "type": "mcp_call",
            "server_label": label,
            "name": "",
            "arguments": "",
            "output": "",
            "error": error,
        }
        rows.append({"id": f"mcp_{n}", "index": n, "type": "mcp", "mcp": inner})
    return tuple(rows)
