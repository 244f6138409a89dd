"""The sandbox's words for what it received: text, tables, pictures and the rest, each as a piece of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glm_magics.grammar import plural
from glm_magics.sandbox.checks import ChatRequest
from glm_magics.sandbox.facts import Column, Table, count_words, numbers_in, tables_in
from glm_magics.sandbox.locate import findable
from glm_magics.sandbox.pictures import Foreign, Picture, measure
from glm_magics.sandbox.prompts import message_text

_QUOTE_CHARS = 80
_MAX_COLUMNS = 20


def describe(request: ChatRequest) -> str:
    """Everything that was measured about a request."""
    prompt = request.prompt
    tables = map(_table_facts, tables_in(prompt.text))
    sections = (_text_facts(prompt.text), *tables, *_picture_facts(prompt.pictures), _other_facts(request), _hint(request))
    return "\n\n".join(filter(None, sections))


def _text_facts(text: str) -> str:
    if not text:
        return "The message has no words."
    numbers = numbers_in(text)
    counts = f"{plural(count_words(text), 'word')}, {plural(len(text), 'character')}, {plural(text.count(chr(10)) + 1, 'line')}"
    facts = f"**Text**: {counts}. It begins: {quoted(text, _QUOTE_CHARS)}."
    if not numbers:
        return facts
    span = _span(min(numbers), max(numbers))
    return f"{facts} It holds {plural(len(numbers), 'number')}, {span}; their sum is {sum(numbers):g}."


def _table_facts(table: Table) -> str:
    size = f"**Table**: {plural(table.n_rows, 'row')}, {plural(len(table.columns), 'column')}."
    return "\n".join([size, "", *map(_column_line, table.columns[:_MAX_COLUMNS])])


def _column_line(column: Column) -> str:
    name = quoted(column.name, 40)
    if not column.n_numbers:
        return f"- {name}: no numbers"
    return f"- {name}: {plural(column.n_numbers, 'number')} {_span(column.low, column.high)}, mean {column.mean:.4g}"


def _picture_facts(pictures: Sequence[Picture | Foreign]) -> list[str]:
    return [f"**Picture {n}**: {_one_picture(picture)}" for n, picture in enumerate(pictures, 1)]


def _one_picture(picture: Picture | Foreign) -> str:
    if isinstance(picture, Foreign):
        return f"it is at {quoted(picture.url, 200)}. The sandbox never goes to the network, so it has not seen it."
    measures = measure(picture)
    colours = ", ".join(f"{name} {share:.0%}" for name, share in measures.colours)
    size = f"{picture.format}, {picture.width_px}×{picture.height_px} pixels, {_amount(picture.n_bytes)}"
    return f"{size}. It looks like {measures.kind}. Colours: {colours}. Brightness: {measures.brightness:.0%}."


def _amount(n_bytes: int) -> str:
    return f"{n_bytes / 1024:.0f} KB" if n_bytes >= 1024 else plural(n_bytes, "byte")


# Parts that are received and left alone, in words.
_UNREAD: Mapping[str, str] = {"video_url": "video", "file_url": "file", "file": "file", "input_audio": "recording"}


def _other_facts(request: ChatRequest) -> str:
    messages = request.body["messages"]
    parts = [part for m in messages for part in (m["content"] if isinstance(m.get("content"), list) else ())]
    unread = [_UNREAD[part["type"]] for part in parts if part["type"] in _UNREAD]
    tools = [tool["function"]["name"] for tool in request.body.get("tools", ()) if tool["type"] == "function"]
    system = " ".join(message_text(message) for message in messages if message["role"] == "system")
    facts = [
        f"The message came with {plural(len(messages) - 1, 'other message')}." if len(messages) > 1 else "",
        f"The system prompt has {plural(count_words(system), 'word')}." if system else "",
        f"Attached and not read by the sandbox: {', '.join(unread)}." if unread else "",
        f"Tools on offer: {', '.join(f'`{name}`' for name in tools)}; name one and it is called." if tools else "",
    ]
    return " ".join(filter(None, facts))


def _hint(request: ChatRequest) -> str:
    if any(isinstance(picture, Picture) for picture in request.prompt.pictures):
        return f"*{findable()}*"
    return "*For answers that understand, connect to a GLM server with* `%glm_connect`."


def quoted(text: str, limit: int) -> str:
    """Foreign text as one inline code span."""
    line = " ".join(text.split()).replace("`", "'")
    return f"`{line[:limit]}{'…' if len(line) > limit else ''}`"


def ended(text: str, limit: int) -> str:
    """Foreign text on one line, at most `limit` characters of it, as the end of a sentence: with one full stop, not two."""
    line = " ".join(text.split())[:limit]
    return line if line.endswith((".", "!", "?", "…", "。", "！", "？")) else f"{line}."


def _span(low: float, high: float) -> str:
    return f"from {low:g} to {high:g}"
