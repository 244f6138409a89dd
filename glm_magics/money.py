"""An amount of money in its currency, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_SIGNS = {"USD": "$", "CNY": "¥"}
_SMALLEST = 0.0001


@dataclass(frozen=True, slots=True)
class Cost:
    """What something costs.

    Attributes:
        amount: in whole units of the currency, e.g. dollars.
        currency: ``USD``, ``CNY``, …
        is_estimate: the server sent no count of tokens, so they were estimated.
    """

    amount: float
    currency: str
    is_estimate: bool = False

    def __str__(self) -> str:
        """``$0.0012``, ``about $0.0012``, ``under $0.0001``, ``free``."""
        if not self.amount:
            return "free"
        if self.amount < _SMALLEST:
            return f"under {write_amount(_SMALLEST, self.currency)}"
        return f"{'about ' if self.is_estimate else ''}{write_amount(self.amount, self.currency)}"


def write_amount(amount: float, currency: str) -> str:
    """The bare amount with its sign, to four digits after the point: ``$0.0500``; to two from 100 on."""
    digits = f"{amount:,.2f}" if amount >= 100 else f"{amount:.4f}"
    return f"{_SIGNS.get(currency, f'{currency} ')}{digits}"


def add_up(costs: Iterable[Cost]) -> dict[str, float]:
    """The sum in each currency: amounts of two currencies are never added."""
    sums: dict[str, float] = {}
    for cost in costs:
        sums[cost.currency] = sums.get(cost.currency, 0.0) + cost.amount
    return sums
