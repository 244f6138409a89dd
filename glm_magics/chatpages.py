"""A chat as outputs of a cell: safe Markdown, thinking folded, each picture an output of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .conversations import Conversation, Turn
from .errors import one_line
from .markdown import make_safe, strip_controls, to_html_text
from .messages import ImagePart, Message, Part, TextPart

_WHO: Mapping[str, str] = {"user": "{n} · you", "assistant": "{n} · {model}", "tool": "{n} · tool"}


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
    page.say(f"**{chat.name}** ({len(chat.turns)} turns)")
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
    page.say(f"**{_WHO[message.role].format(n=n, model=one_line(turn.model, 60) or 'answer')}**")
    if message.thinking:
        folded = f"<details><summary>Thinking</summary>{to_html_text(message.thinking)}</details>"
        page.say(f"(thinking) {message.thinking}", folded)
    for part in message.parts:
        _say_part(page, part)


def _say_part(page: _Page, part: Part) -> None:
    if isinstance(part, TextPart):
        page.say(part.text)
    elif isinstance(part, ImagePart) and part.data:
        page.show(part)
    else:
        page.say(f"[{part.kind}: {one_line(part.label, 60)}]")
