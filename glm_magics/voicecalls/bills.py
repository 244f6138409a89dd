"""What calls cost, by their minutes: shown while they grow, held against the session's ceiling, written down at their end."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from ..bookkeeping import Books
from ..budgets import no_price_error
from ..errors import BudgetError
from ..money import Cost, write_amount
from ..pricing import find_minute_price
from ..providers import Provider
from ..realtime.setup import CallSetup
from .record import CallRecord


class Bill:
    """Of one call. Times are those of the record, in seconds.

    Args:
        books: of the session; None: nothing is limited.
        provider: who answers.
        setup: the model, and whether pictures go along.
        begun_s: where the call begins.
        n_answers: how many are in the record before it.

    Raises:
        BudgetError: nothing is left to be spent.
        OptionError: there is a ceiling, and no page says the price.
    """

    def __init__(self, books: Books | None, provider: Provider, setup: CallSetup, begun_s: float, n_answers: int) -> None:
        self.provider, self.model, self.begun_s, self.n_answers = provider.name, setup.model, begun_s, n_answers
        self._price = find_minute_price(setup.model, provider, setup.has_video)
        currency = self._price.currency if self._price else ""
        self._allowance = books.allowance(books.ceiling, currency) if books and not provider.is_free else None
        if self._allowance and not self._price:
            raise no_price_error(provider, setup.model, self._allowance)
        if error := self.check(begun_s):
            raise error

    def cost(self, now_s: float) -> Cost | None:
        """So far; None where the price is not known."""
        return self._price.cost_of(now_s - self.begun_s) if self._price else None

    def check(self, now_s: float) -> BudgetError | None:
        """The error when the call has used up what may be spent."""
        allowance, cost = self._allowance, self.cost(now_s)
        if allowance is None or allowance.purse is None or cost is None:
            return None
        if cost.amount < allowance.left(self):
            allowance.purse.grow(self, cost.amount)
            return None
        most = write_amount(allowance.whole, cost.currency)
        return BudgetError(f"The {most} of this session are spent; a call ends there.", f"Allow more with {allowance.option}.")

    def close(self) -> None:
        """The call is over."""
        if self._allowance and self._allowance.purse:
            self._allowance.purse.close(self)


class Account:
    """Of all calls of one widget.

    Attributes:
        bill: of the call that is on.

    Args:
        books: of the session; None: nothing is limited or written down.
    """

    def __init__(self, books: Books | None) -> None:
        self.bill: Bill | None = None
        self._books = books
        self._cell = books.cell if books else 0
        self._earlier: Cost | None = None

    def draw_up(self, provider: Provider, setup: CallSetup, begun_s: float, n_answers: int) -> Bill:
        """A bill for the next call; raises as `Bill`."""
        return Bill(self._books, provider, setup, begun_s, n_answers)

    def cost(self, now_s: float) -> Cost | None:
        """Of all calls so far; None where the price is not known."""
        cost = self.bill.cost(now_s) if self.bill else None
        if cost is None or self._earlier is None:
            return cost or self._earlier
        return Cost(self._earlier.amount + cost.amount, cost.currency, is_estimate=True)

    def in_words(self, now_s: float) -> str:
        """The cost to the next hundredth, so that it changes seldom; empty where the price is not known."""
        cost = self.cost(now_s)
        return str(replace(cost, amount=ceil(cost.amount * 100) / 100)) if cost else ""

    def check(self, now_s: float) -> BudgetError | None:
        """As `Bill.check`."""
        return self.bill.check(now_s) if self.bill else None

    def settle(self, record: CallRecord, ending: str) -> str:
        """Writes the call down, as long as it was; gives a sentence where that cannot be done."""
        bill, seconds = self.bill, record.elapsed_s
        if bill is None:
            return ""
        cost, self._earlier, self.bill = bill.cost(seconds), self.cost(seconds), None
        bill.close()
        troubles: list[str] = []
        if self._books and seconds > bill.begun_s:
            facts = (bill.provider, bill.model, record.usage(bill.n_answers), cost, seconds - bill.begun_s)
            self._books.enter_call(*facts, ending, self._cell, troubles.append)
        return " ".join(troubles)
