"""Estimated token counts. There is no tokenizer here; the rules are simple and stated, so that numbers can be explained.

Rules: four ASCII characters are a token, and any other character is 0.6 of one (the vendor's rule of thumb for Chinese);
a message costs four tokens more. Pictures and sound are counted as `glm_magics.tokens` does.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from glm_magics.sandbox.answers import Answer
from glm_magics.speech import VOICE_RATE_HZ

_MESSAGE_TOKENS = 4
_SOUND_TOKENS_PER_S = 12.5
_MAX_PREFIXES = 4096


def text_tokens(text: str) -> int:
    """Estimated tokens of a text; 0 for an empty one."""
    return math.ceil(token_weight(text))


def token_weight(text: str) -> float:
    """The estimate before rounding, so that pieces of a text add up to the whole."""
    n_ascii = len(text.encode("ascii", "ignore"))
    return n_ascii / 4 + (len(text) - n_ascii) * 0.6


def message_tokens(message: Mapping[str, Any]) -> int:
    """Estimated tokens of one message's words and tool calls, without its pictures and sounds."""
    content = message.get("content") or ""
    texts = [content] if isinstance(content, str) else [part.get("text") or "" for part in content]
    calls = message.get("tool_calls")
    return _MESSAGE_TOKENS + sum(map(text_tokens, texts)) + (text_tokens(json.dumps(calls)) if calls else 0)


def tools_tokens(tools: Sequence[Any] | None) -> int:
    """Estimated tokens of the tool descriptions."""
    return text_tokens(json.dumps(tools, ensure_ascii=False)) if tools else 0


def answer_usage(answer: Answer, n_prompt: int, n_cached: int) -> dict[str, Any]:
    """The usage object; ``completion_tokens`` includes the thinking (source: recordings)."""
    n_reasoning = text_tokens(answer.thinking_text)
    n_calls = sum(text_tokens(call.name + call.arguments) for call in answer.tool_calls)
    n_spoken = math.ceil(len(answer.spoken.data) / 2 / VOICE_RATE_HZ * _SOUND_TOKENS_PER_S) if answer.spoken else 0
    n_completion = n_reasoning + text_tokens(answer.text) + n_calls + n_spoken
    usage: dict[str, Any] = {
        "prompt_tokens": n_prompt,
        "completion_tokens": n_completion,
        "total_tokens": n_prompt + n_completion,
        "prompt_tokens_details": {"cached_tokens": n_cached},
    }
    return {**usage, "completion_tokens_details": {"reasoning_tokens": n_reasoning}} if answer.thinking else usage


class PrefixCache:
    """Which beginnings of conversations were seen: the sandbox's context cache.

    Rule: the tokens of the leading messages that an earlier request to the same model had, word for word, with the same
    tools, count as cached. It keeps digests, not texts, and forgets the oldest. Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def count(self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] | None) -> int:
        """Cached tokens of this request; remembers it for the next ones."""
        digest = hashlib.sha256(json.dumps([model, tools]).encode())
        prefixes = []
        for message in messages:
            digest.update(json.dumps(message, sort_keys=True).encode())
            prefixes.append(digest.digest())
        with self._lock:
            n_known = next((n for n, prefix in enumerate(prefixes) if prefix not in self._seen), len(prefixes))
            for prefix in prefixes:
                self._seen[prefix] = None
                self._seen.move_to_end(prefix)
            while len(self._seen) > _MAX_PREFIXES:
                self._seen.popitem(last=False)
        return sum(map(message_tokens, messages[:n_known]))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._seen.clear()
