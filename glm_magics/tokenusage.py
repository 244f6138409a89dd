"""Tokens of a request, as the vendor counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request, or of several. `completion_tokens` includes `thinking_tokens` (vendor's reference)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    thinking_tokens: int = 0

    @property
    def answer_tokens(self) -> int:
        """Completion without thinking."""
        return max(0, self.completion_tokens - self.thinking_tokens)

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def parse_usage(raw: object) -> Usage | None:
    """Usage from the wire; None when there is none. Unreadable numbers count as 0."""
    if not isinstance(raw, Mapping):
        return None
    prompt_details, completion_details = raw.get("prompt_tokens_details"), raw.get("completion_tokens_details")
    return Usage(
        prompt_tokens=_count(raw, "prompt_tokens"),
        completion_tokens=_count(raw, "completion_tokens"),
        total_tokens=_count(raw, "total_tokens"),
        cached_tokens=_count(prompt_details, "cached_tokens"),
        thinking_tokens=_count(completion_details, "reasoning_tokens"),
    )


def _count(raw: object, name: str) -> int:
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return value if isinstance(value, int) and value > 0 else 0
