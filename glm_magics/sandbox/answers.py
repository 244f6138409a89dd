"""What a chat answer consists of, before it is written to the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# One streamed piece: a word with the space after it, up to four CJK characters, or leading space.
_PIECE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]{1,4}\s*|[^\s\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]+\s*|\s+")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call; `arguments` is JSON text; an empty `id` is filled in when written."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer aloud.

    Attributes:
        data: 16-bit mono samples without a header, 44,100 a second.
        id: by which a later turn may name it, until `expires_at` (seconds since 1970).
    """

    data: bytes
    id: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the pieces it is streamed in.

    Attributes:
        content, thinking: text deltas, in order.
        usage: the usage object to send; None: estimated from the pieces.
        content_filter: the vendor's review verdicts, sent only when there are any.
        delay_s: seconds before each streamed frame; 0 sends as fast as the connection takes it.
        raw_frames: exact bytes to stream instead of all of the above.
        spoken: the content aloud; from a model that speaks.
        web_search: rows beside the choices, where a web search was asked for.
        mcp_calls: calls that ran at the server.
    """

    content: tuple[str, ...] = ()
    thinking: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Mapping[str, Any] | None = None
    content_filter: tuple[Mapping[str, Any], ...] = ()
    delay_s: float = 0.0
    raw_frames: tuple[bytes, ...] = ()
    spoken: Spoken | None = None
    web_search: tuple[Mapping[str, Any], ...] = ()
    mcp_calls: tuple[Mapping[str, Any], ...] = ()

    @property
    def text(self) -> str:
        """The content in one piece."""
        return "".join(self.content)

    @property
    def thinking_text(self) -> str:
        """The thinking in one piece."""
        return "".join(self.thinking)


def split_pieces(text: str) -> tuple[str, ...]:
    """`text` as the word-sized deltas a model would stream; joined they give `text` back."""
    return tuple(_PIECE.findall(text))


def as_pieces(text: str | Iterable[str]) -> tuple[str, ...]:
    """A string in word-sized deltas; a sequence of strings as exactly those deltas."""
    return split_pieces(text) if isinstance(text, str) else tuple(text)
