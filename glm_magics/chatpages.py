"""A chat as outputs of a cell: safe Markdown, thinking folded, each picture an output of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .conversations import Conversation, Turn
from .errors import one_line
from .formats import fenced
from .grammar import plural
from .markdown import make_safe, strip_controls, to_html_text
from .messages import ImagePart, Message, Part, TextPart

_WHO: Mapping[str, str] = {"user": "{n} · you", "assistant": "{n} · {model}", "tool": "{n} · a function"}

RESULT_CHARS = 3_000
"""Of a function's result; the model got more."""


class _Page:
    """Grows piece by piece; a picture begins a new output."""

    def __init__(self) -> None:
        self.bundles: list[dict[str, Any]] = []
        self._markdown: list[str] = []
        self._plain: list[str] = []

    def say(self, text: str, markdown: str | None = None) -> None:
        """Adds a paragraph; each is made safe alone, so that an open code block ends with it."""
        self._markdown.append(make_safe(text) if markdown is None else markdown)
        self._plain.append(strip_controls(text))

    def show(self, part: ImagePart) -> None:
        """Adds a picture."""
        self.close()
        self.bundles.append({part.mime: part.base64, "text/plain": f"[{one_line(part.label, 60)}]"})

    def close(self) -> None:
        """Ends the open output."""
        if self._markdown:
            self.bundles.append({"text/markdown": "\n\n".join(self._markdown), "text/plain": "\n\n".join(self._plain)})
        self._markdown, self._plain = [], []


def chat_bundles(chat: Conversation) -> list[dict[str, Any]]:
    """The whole chat, to be published in order."""
    page = _Page()
    page.say(f"**{chat.name}** ({plural(len(chat.turns), 'turn')})")
    if chat.system:
        page.say(f"*system:* {chat.system}")
    for n, turn in enumerate(chat.turns, 1):
        for message in turn.messages:
            _say_message(page, message, turn, n)
        if turn.ending:
            page.say(f"*({one_line(turn.ending, 20)})*")
    page.close()
    return page.bundles


def _say_message(page: _Page, message: Message, turn: Turn, n: int) -> None:
    is_ours = (
        message.role == "user" and message is not turn.messages[0]
    )  # pictures that functions gave follow as a user's message
    page.say(f"**{_WHO['tool' if is_ours else message.role].format(n=n, model=one_line(turn.model, 60) or 'answer')}**")
    if message.thinking:
        folded = f"<details><summary>Thinking</summary>{to_html_text(message.thinking)}</details>"
        page.say(f"(thinking) {message.thinking}", folded)
    for part in message.parts:
        if message.role == "tool" and isinstance(part, TextPart):
            _say_result(page, part.text)
        else:
            _say_part(page, part)
    for words in message.calls:
        page.say(f"calls {words}", f"<small>calls</small> <code>{to_html_text(words)}</code>")


def _say_result(page: _Page, text: str) -> None:
    """What a function gave is no Markdown."""
    cut = text[:RESULT_CHARS] + (f"… ({len(text):,} characters)" if len(text) > RESULT_CHARS else "")
    page.say(cut, f"<details><summary>Result</summary>{to_html_text(cut)}</details>")


def _say_part(page: _Page, part: Part) -> None:
    if isinstance(part, TextPart):
        page.say(fenced(part.text, "json") if _is_json(part.text) else part.text)
    elif isinstance(part, ImagePart) and part.data:
        page.show(part)
    else:
        page.say(f"[{part.kind}: {one_line(part.label, 60)}]")


def _is_json(text: str) -> bool:
    """An answer in a schema."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
