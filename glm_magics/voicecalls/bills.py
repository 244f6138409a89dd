"""What all calls of one widget cost together, in words too."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from ..money import Cost
from ..realtime.bills import Bill


class Account:
    """Adds up the bills. Times are those of the record, in seconds. Can be asked from any thread."""

    def __init__(self) -> None:
        self._state: tuple[Bill | None, float, Cost | None] = None, 0.0, None  # the bill, when it began, the earlier calls

    def open(self, bill: Bill, begun_s: float) -> None:
        """The next call begins."""
        self._state = bill, begun_s, self._state[2]

    def close(self, now_s: float) -> str:
        """The call is over; gives a sentence where it could not be written down."""
        bill, self._state = self._state[0], (None, 0.0, self.cost(now_s))
        return bill.trouble if bill else ""

    def cost(self, now_s: float) -> Cost | None:
        """Of all calls so far; None where the price is not known."""
        bill, begun_s, earlier = self._state
        cost = bill.cost(now_s - begun_s) if bill else None
        if cost is None or earlier is None:
            return cost or earlier
        return Cost(earlier.amount + cost.amount, cost.currency, is_estimate=True)

    def in_words(self, now_s: float) -> str:
        """The cost to the next hundredth, so that it changes seldom; empty where the price is not known."""
        cost = self.cost(now_s)
        return str(replace(cost, amount=ceil(cost.amount * 100) / 100)) if cost else ""
