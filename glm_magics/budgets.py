"""Watching what an answer costs while it is written, and saying when it is enough. Estimates, on the safe side of the price."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .errors import BudgetError, OptionError, one_line
from .grammar import plural
from .money import write_amount
from .pricing import Price
from .providers import Provider
from .replies import Reply, ReplyFold
from .requests import ChatRequest
from .tokens import text_tokens
from .tokenusage import Usage


def estimate_prompt(request: ChatRequest) -> int:
    """Estimated tokens of a whole request: earlier turns, what is sent now, the system prompt, the form of the answer."""
    n_sent = sum(item.n_tokens or 0 for item in request.sent)
    return request.n_earlier_tokens + n_sent + system_tokens(request) + field_tokens(request)


def system_tokens(request: ChatRequest) -> int:
    """Estimated tokens of the system prompt."""
    return sum(text_tokens(message.text) for message in request.messages if message.role == "system")


def field_tokens(request: ChatRequest) -> int:
    """Estimated tokens of the functions and the form of the answer."""
    return text_tokens(str(dict(request.fields))) if request.fields else 0


def estimate_usage(request: ChatRequest, reply: Reply) -> Usage:
    """Of an answer whose server sent no count: it broke off before the end."""
    n_thinking = text_tokens(reply.thinking)
    calls = "".join(str(call["function"]["arguments"]) for call in reply.tool_calls)
    n_completion = text_tokens(reply.text) + text_tokens(calls) + n_thinking
    n_prompt = estimate_prompt(request)
    return Usage(n_prompt, n_completion, n_prompt + n_completion, 0, n_thinking)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much may be spent, and who set it.

    Attributes:
        amount: what is left, in the currency of the price.
        option: for people: ``--budget`` or ``%config GLM.session_budget``.
        whole: what was allowed at the start.
        purse: that others spend from at the same time; None: nobody else does.
    """

    amount: float
    option: str
    whole: float
    purse: Purse | None = None

    def left(self, key: object) -> float:
        """For the answer that `key` stands for, now."""
        return self.amount if self.purse is None else self.whole - self.purse.spent_beside(key)


class Purse:
    """What a session has spent in one currency, answers that still grow included; safe between threads."""

    def __init__(self) -> None:
        self._settled = 0.0
        self._open: dict[int, float] = {}
        self._lock = threading.Lock()

    def spent_beside(self, key: object = None) -> float:
        """All but what the answer of `key` costs so far."""
        with self._lock:
            return self._settled + sum(amount for one, amount in self._open.items() if one != id(key))

    def grow(self, key: object, amount: float) -> None:
        """What the answer of `key` costs so far."""
        with self._lock:
            self._open[id(key)] = amount

    def close(self, key: object) -> None:
        """The answer of `key` is over, and cost nothing, or was settled by `add`."""
        with self._lock:
            self._open.pop(id(key), None)

    def add(self, amount: float, key: object = None) -> None:
        """The whole cost of the answer of `key`, in the place of what it cost so far: at no moment none, or both."""
        with self._lock:
            self._settled += amount
            self._open.pop(id(key), None)


class Meter:
    """Counts what one answer costs as it grows.

    Args:
        price: of the model.
        allowances: what may be spent on it, one at least; the one with the least left counts.
        request: what is asked.
    """

    def __init__(self, price: Price, allowances: Sequence[Allowance], request: ChatRequest) -> None:
        self._price = price
        self._allowances = allowances
        self._prompt_cost = price.cost_of_prompt(estimate_prompt(request))
        self._n_tokens = 0
        self._n_text = 0
        self._n_thinking = 0
        self._n_arguments = 0

    @property
    def _allowance(self) -> Allowance:
        return min(self._allowances, key=lambda allowance: allowance.left(self))

    def _report(self, spent: float) -> None:
        for allowance in self._allowances:
            if allowance.purse is not None:
                allowance.purse.grow(self, spent)

    def close(self) -> None:
        """The answer is over."""
        for allowance in self._allowances:
            if allowance.purse is not None:
                allowance.purse.close(self)

    def check_before(self) -> None:
        """Raises BudgetError when the question alone costs more than is left."""
        left = self._allowance.left(self)
        if self._prompt_cost <= left and (left > 0 or not self._price.completion):
            self._report(self._prompt_cost)
        else:
            asked = write_amount(self._prompt_cost, self._price.currency)
            raise BudgetError(
                f"The question alone would cost about {asked}; {self._left()}.",
                f"Send less, ask a cheaper model, or allow more with {self._allowance.option}. Nothing was sent.",
            )

    def check(self, fold: ReplyFold) -> BudgetError | None:
        """The error when what came so far has used up the allowance."""
        new = [*fold.text_pieces[self._n_text :], *fold.thinking_pieces[self._n_thinking :]]
        new += fold.argument_pieces[self._n_arguments :]
        self._n_text, self._n_thinking = len(fold.text_pieces), len(fold.thinking_pieces)
        self._n_arguments = len(fold.argument_pieces)
        self._n_tokens += text_tokens("".join(new)) if new else 0
        spent = self._prompt_cost + self._price.cost_of_answer(self._n_tokens)
        self._report(spent)
        if spent <= self._allowance.left(self) or fold.finish_reason:
            return None
        amount = write_amount(spent, self._price.currency)
        return BudgetError(
            f"The answer was stopped at about {amount}; {self._left()}.",
            f"What came is kept. Allow more with {self._allowance.option}.",
        )

    def cap(self, request: ChatRequest) -> ChatRequest:
        """The request with a limit on the answer's tokens, for an answer in one piece, which nobody can stop midway."""
        if request.is_streamed or not self._price.completion:
            return request
        n_most = max(1, int((self._allowance.left(self) - self._prompt_cost) / self._price.cost_of_answer(1)))
        return request if request.max_tokens and request.max_tokens <= n_most else replace(request, max_tokens=n_most)

    def _left(self) -> str:
        allowance = self._allowance
        return _left_words(allowance, allowance.left(self), self._price.currency)


class VectorMeter:
    """Counts what one embedding of many texts costs.

    Args:
        price: of the model.
        allowance: what may be spent on it.
    """

    def __init__(self, price: Price, allowance: Allowance) -> None:
        self._price = price
        self._allowance = allowance

    def check_before(self, n_texts: int, n_tokens: int) -> None:
        """Raises BudgetError when so many texts, of so many tokens by estimate, cost more than is left."""
        cost = self._price.cost_of_prompt(n_tokens)
        if cost > self._allowance.left(self):
            texts = plural(n_texts, "text that is not cached", "texts that are not cached")
            raise BudgetError(
                f"{texts} would cost about {write_amount(cost, self._price.currency)}; {self._left()}.",
                f"Embed fewer, or allow more with {self._allowance.option}. Nothing was sent.",
            )

    def check(self, n_tokens: int) -> BudgetError | None:
        """The error when the tokens that the server has counted so far have used up the allowance."""
        cost = self._price.cost_of_prompt(n_tokens)
        if cost <= self._allowance.left(self):
            return None
        amount, left = (
            write_amount(cost, self._price.currency),
            _left_words(self._allowance, self._allowance.left(self), self._price.currency),
        )
        return BudgetError(f"Embedding was stopped at {amount}; {left}.", f"Allow more with {self._allowance.option}.")

    def _left(self) -> str:
        return _left_words(self._allowance, self._allowance.left(self), self._price.currency)


def no_price_error(provider: Provider, model: str, allowance: Allowance) -> OptionError:
    """For a call whose price nobody knows, where there is a budget."""
    return OptionError(
        f"{provider.name} has no known price for {one_line(model, 60)}, so {allowance.option} cannot be kept.",
        f"Leave {allowance.option} away, or choose a model with a price (`%glm_models`).",
    )


def _left_words(allowance: Allowance, left: float, currency: str) -> str:
    whole = write_amount(allowance.whole, currency)
    if left == allowance.whole:
        return f"{allowance.option} is {whole}"
    return f"of the {whole} of {allowance.option} {write_amount(max(0.0, left), currency)} are left"
