"""What a call costs: the catalogue's price rows, cached tokens at their own price, in the currency of who bills.

A platform bills in one currency, and a row's price is a page of one platform: a price counts only where both are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from .catalog import find_model
from .money import Cost
from .providers import Provider
from .tokenusage import Usage

_PER = 1_000_000
"""The catalogue's unit for chat models: ``1M tokens``."""


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens.

    Attributes:
        prompt, cached, completion: of tokens sent, of those the server had in its cache, and of tokens it wrote.
        currency: ``USD`` or ``CNY``.
    """

    currency: str
    prompt: float
    cached: float
    completion: float

    def cost_of(self, usage: Usage, is_estimate: bool = False) -> Cost:
        """Of so many tokens; thinking is part of what was written (vendor's reference)."""
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        amount = (usage.prompt_tokens - cached) * self.prompt + cached * self.cached + usage.completion_tokens * self.completion
        return Cost(amount / _PER, self.currency, is_estimate)

    def cost_of_prompt(self, n_tokens: int) -> float:
        """Of so many tokens sent, none of them cached."""
        return n_tokens * self.prompt / _PER

    def estimate_prompt(self, n_tokens: int) -> Cost:
        """The same, for people."""
        return Cost(self.cost_of_prompt(n_tokens), self.currency, is_estimate=True)

    def cost_of_answer(self, n_tokens: int) -> float:
        """Of so many tokens written."""
        return n_tokens * self.completion / _PER


@dataclass(frozen=True, slots=True)
class MinutePrice:
    """Of a minute of a call.

    Attributes:
        currency: ``USD`` or ``CNY``.
        minute: of sound, or of sound and pictures.
    """

    currency: str
    minute: float

    def cost_of(self, seconds: float) -> Cost:
        """An estimate: no page says how parts of a minute are billed."""
        return Cost(seconds / 60 * self.minute, self.currency, is_estimate=True)


def find_minute_price(model: str, provider: Provider, has_video: bool) -> MinutePrice | None:
    """What `provider` charges for a call with `model`; None where no page says it."""
    row = find_model(model) if provider.currency else None
    price = row.price if row is not None else None
    if not price or price.get("unit") != "minute" or price.get("currency") != provider.currency:
        return None
    minute = price.get("video" if has_video else "audio")
    return None if minute is None else MinutePrice(provider.currency, minute)


def find_price(model: str, provider: Provider) -> Price | None:
    """What `provider` charges for `model`; None where no page says it: another currency, a plan, a server of one's own."""
    row = find_model(model) if provider.currency else None
    price = row.price if row is not None else None
    if not price or price.get("unit") != "1M tokens" or price.get("currency") != provider.currency:
        return None
    prompt, completion, cached = price.get("input"), price.get("output"), price.get("cached_input")
    if row is not None and row.kind == "embedding":
        completion = 0.0  # vectors are no tokens
    if prompt is None or completion is None:
        return None
    return Price(provider.currency, prompt, prompt if cached is None else cached, completion)
