"""Content as it streams, taken apart into answer and thinking.

Some models and servers put ``<think>`` inside the content (glm-4.5v, some self-hosted ones), and answer tokens such as
``<|begin_of_box|>`` that are no part of the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_BOX_TOKENS = ("<|begin_of_box|>", "<|end_of_box|>")
_TAG = re.compile(r"<\|(?:begin|end)_of_box\|>|</?think>|</?answer>")
_LONGEST_TAG = max(len(token) for token in _BOX_TOKENS)
_TAG_STARTS = frozenset(
    token[:length] for token in (*_BOX_TOKENS, "<think>", "</think>", "<answer>", "</answer>") for length in range(1, len(token))
)


@dataclass(slots=True)
class ContentCleaner:
    """Takes a stream of content apart into answer and thinking, without the wrapper tokens.

    ``<think>`` counts only at the very beginning, ``<answer>`` only after it: anywhere else they are text. A token may be
    split between deltas, so a tail that could become one is held back until the next delta or the end.
    """

    _held: str = ""
    _blank: str = ""  # white space before the answer: kept only as far as it indents its first line
    _state: Literal["start", "thinking", "after thinking", "answer"] = "start"
    _had_thinking: bool = False

    def feed(self, content: str, is_last: bool = False) -> tuple[str, str]:
        """``(answer, thinking)`` that `content` adds."""
        if self._state == "answer" and not self._held and "<" not in content:
            return content, ""
        text = self._held + content
        self._held = "" if is_last else self._tail_to_hold(text)
        text = text[: len(text) - len(self._held)]
        answer: list[str] = []
        thinking: list[str] = []
        position = 0
        for tag in _TAG.finditer(text):
            self._take(text[position : tag.start()], answer, thinking)
            self._switch(tag[0], answer, thinking)
            position = tag.end()
        self._take(text[position:], answer, thinking)
        return "".join(answer), "".join(thinking)

    @staticmethod
    def _tail_to_hold(text: str) -> str:
        start = text.rfind("<", max(0, len(text) - _LONGEST_TAG))
        return text[start:] if start >= 0 and text[start:] in _TAG_STARTS else ""

    def _take(self, text: str, answer: list[str], thinking: list[str]) -> None:
        if not text:
            return
        if self._state == "thinking":
            thinking.append(text)
            return
        if self._state != "answer":
            text, self._blank = self._blank + text, ""
            body = text.lstrip()
            if not body:
                self._blank = text
                return
            text = text[text.rfind("\n", 0, len(text) - len(body)) + 1 :]
        self._state = "answer"
        answer.append(text)

    def _switch(self, tag: str, answer: list[str], thinking: list[str]) -> None:
        if tag in _BOX_TOKENS:
            return
        if tag == "<think>" and self._state == "start":
            self._state, self._had_thinking, self._blank = "thinking", True, ""
        elif tag == "</think>" and self._state == "thinking":
            self._state = "after thinking"
        elif tag in ("<answer>", "</answer>") and self._had_thinking and self._state != "thinking":
            return
        else:
            self._take(tag, answer, thinking)
