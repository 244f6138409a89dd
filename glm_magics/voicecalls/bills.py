"""What all calls of one widget cost together, in words too."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from ..money import Cost
from ..realtime.bills import Bill


class Account:
    """Adds up the bills. Times are those of the record, in seconds."""

    def __init__(self) -> None:
        self._bill: Bill | None = None
        self._begun_s = 0.0
        self._earlier: Cost | None = None

    def open(self, bill: Bill, begun_s: float) -> None:
        """The next call begins."""
        self._bill, self._begun_s = bill, begun_s

    def close(self, now_s: float) -> str:
        """The call is over; gives a sentence where it could not be written down."""
        bill, self._earlier = self._bill, self.cost(now_s)
        self._bill = None
        return bill.trouble if bill else ""

    def cost(self, now_s: float) -> Cost | None:
        """Of all calls so far; None where the price is not known."""
        cost = self._bill.cost(now_s - self._begun_s) if self._bill else None
        if cost is None or self._earlier is None:
            return cost or self._earlier
        return Cost(self._earlier.amount + cost.amount, cost.currency, is_estimate=True)

    def in_words(self, now_s: float) -> str:
        """The cost to the next hundredth, so that it changes seldom; empty where the price is not known."""
        cost = self.cost(now_s)
        return str(replace(cost, amount=ceil(cost.amount * 100) / 100)) if cost else ""
