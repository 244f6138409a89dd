"""What a call costs, by its minutes: told while it grows, held against the session's ceiling, written down at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..budgets import Allowance, no_price_error
from ..errors import BudgetError, GLMError, OptionError
from ..money import Cost, write_amount
from ..pricing import find_minute_price
from ..providers import Provider
from ..tokenusage import Usage
from .conversation import Answer
from .setup import CallSetup

LOOK_S = 0.1
"""How often it is looked whether the money is spent."""


@dataclass(frozen=True, slots=True)
class SpentCall:
    """What one call has used.

    Attributes:
        usage: the tokens of its answers.
        cost: None where the price is not known.
        ending: ``complete``, ``cut short`` or ``over budget``, as in the ledger.
        cell: the number of the cell that began it.
    """

    provider: str
    model: str
    usage: Usage
    cost: Cost | None
    elapsed_s: float
    ending: str
    cell: int


class CallBooks(Protocol):
    """What a bill needs of a session's books."""

    @property
    def ceiling(self) -> float: ...
    @property
    def cell(self) -> int: ...
    def allowance(self, ceiling: float, currency: str) -> Allowance | None: ...
    def enter_call(self, call: SpentCall, tell: Callable[[str], None], key: object) -> None: ...


class Bill:
    """Of one call. Times are seconds of that call.

    Attributes:
        trouble: why it could not be written down, as a sentence; empty when all is well.

    Args:
        books: of the session; None: nothing is limited or written down.
        provider: who answers.
        setup: the model, and whether pictures go along.
        tell: is given the sentence too.

    Raises:
        BudgetError: nothing is left to be spent.
        OptionError: there is a ceiling, and no page says the price.
    """

    def __init__(
        self,
        books: CallBooks | None,
        provider: Provider,
        setup: CallSetup,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.trouble = ""
        self._say = tell
        self._books, self._provider, self._model = books, provider.name, setup.model
        self._cell = books.cell if books else 0
        self._is_closed = False
        self._price = find_minute_price(setup.model, provider, setup.has_video)
        currency = self._price.currency if self._price else ""
        self._allowance = books.allowance(books.ceiling, currency) if books and not provider.is_free else None
        if self._allowance and not self._price:
            raise no_price_error(provider, setup.model, self._allowance)
        if error := self.check(0.0):
            raise error

    def cost(self, seconds: float) -> Cost | None:
        """Of so long a call; None where the price is not known."""
        return self._price.cost_of(seconds) if self._price else None

    def check(self, seconds: float) -> BudgetError | None:
        """The error when the call has used up what may be spent."""
        allowance, cost = self._allowance, self.cost(seconds)
        if allowance is None or allowance.purse is None or cost is None:
            return None
        if cost.amount < allowance.left(self):
            allowance.purse.grow(self, cost.amount)
            return None
        most = write_amount(allowance.whole, cost.currency)
        return BudgetError(f"The {most} of this session are spent; a call ends there.", f"Allow more with {allowance.option}.")

    async def until_spent(self, elapsed_s: Callable[[], float]) -> BudgetError:
        """Waits until the call has used up what may be spent, or is over: perhaps for ever."""
        while self._is_closed or (error := self.check(elapsed_s())) is None:
            await asyncio.sleep(LOOK_S)
        return error

    def settle(self, seconds: float, answers: Sequence[Answer], error: GLMError | None) -> None:
        """The call is over, once: written down where it had begun at all, with the tokens of its answers.

        Args:
            seconds: how long it was; 0 where it never began.
            answers: of this call.
            error: why it ended, when it was not meant to.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._books is not None and seconds:
            self._enter(self._books, seconds, answers, error)
        if self._allowance and self._allowance.purse:
            self._allowance.purse.close(self)

    def _enter(self, books: CallBooks, seconds: float, answers: Sequence[Answer], error: GLMError | None) -> None:
        ending = "over budget" if isinstance(error, BudgetError) else "cut short" if error else "complete"
        spent = SpentCall(self._provider, self._model, tokens_of(answers), self.cost(seconds), seconds, ending, self._cell)
        books.enter_call(spent, self._tell, self)

    def _tell(self, sentence: str) -> None:
        self.trouble = sentence
        self._say(sentence)


def check_billed(before: CallSetup, after: CallSetup) -> None:
    """The server would take another model or pictures in mid-call (protocol reference 12.3), but their minutes cost otherwise.

    Raises:
        OptionError: the call would cost otherwise from here on than its bill says.
    """
    for name in ("model", "has_video"):
        if getattr(before, name) != (wanted := getattr(after, name)):
            raise OptionError(f"A call keeps its {name}: its bill is made out by it.", f"Open another with {name}={wanted!r}.")


def tokens_of(answers: Sequence[Answer]) -> Usage:
    """The tokens of all these answers."""
    used = [answer.usage for answer in answers if answer.usage]
    into, out = sum(usage.input_tokens for usage in used), sum(usage.output_tokens for usage in used)
    return Usage(into, out, into + out, sum(usage.cached_tokens for usage in used))
