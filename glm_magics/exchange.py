"""One question: sent, watched while the answer grows, priced, read by its schema, and asked again until it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .budgets import Allowance, Meter, estimate_usage, no_price_error
from .chatstream import ChatStream
from .display import Painter
from .errors import BadRequestError, BudgetError, GLMError, Interrupted, SchemaError, one_line
from .formats import tokens_in_words
from .live import Pump, follow
from .money import Cost
from .pricing import Price, find_price
from .providers import Provider
from .replies import Reply, ReplyFold
from .requests import ChatRequest, build_body
from .schemas import MisfitError, Schema
from .strategies import ask_again, read_answer
from .taping import Taped
from .tokenusage import Usage
from .toolloop import ToolLoop

_NOT_CURED = frozenset({"length", "sensitive", "model_context_window_exceeded"})
"""Finish reasons after which asking again would end the same way."""

_MAYBE_FORGOTTEN = frozenset({"1210", "1213", "1214"})
"""Of an id that the server knows no more; no page tells its code: those of a bad parameter, a missing field, an illegal value."""


@dataclass(slots=True)
class Exchange:
    """A question and all that comes of it.

    Attributes:
        provider: who is asked.
        send: from a body to the stream of its answer.
        new_painter: shows one answer; told whether it comes from a recording, whole at once.
        enter: notes an answer that cost something or took time, and its tokens, estimated if need be; called for each, with
            the key under which it was counted while it grew.
        tell: says a sentence in the cell.
        describe: more for the line below the answer.
        schema, n_retries: what the answer must look like, and how often to ask again.
        budget: the most that all answers together may cost; None: no limit.
        session_allowance: what the session may still spend in a currency.
        forget: called when the server knows earlier spoken answers no more by their ids, but takes their words.
        is_recorded: whether the answer to a body will come from a recording.
        tools: what the model may call; None: nothing.
    """

    provider: Provider
    send: Callable[[Mapping[str, Any]], ChatStream]
    new_painter: Callable[[bool], Painter]
    enter: Callable[[Reply, Usage, object], None]
    tell: Callable[[str], None]
    describe: Callable[[ChatRequest, Reply], Sequence[str]]
    schema: Schema | None = None
    n_retries: int = 0
    budget: float | None = None
    session_allowance: Callable[[str], Allowance | None] = lambda currency: None
    is_recorded: Callable[[Mapping[str, Any]], bool] = lambda body: False
    forget: Callable[[], None] = lambda: None
    tools: ToolLoop | None = None
    _spent: float = field(default=0.0, init=False)
    _bill: list[tuple[Usage | None, Cost | None]] = field(default_factory=list, init=False)
    _pump: Pump | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)

    def stop(self) -> None:
        """Ends it soon, from any thread, as ■ does."""
        self._is_stopped = True
        if self._pump is not None:
            self._pump.stop()

    def run(self, request: ChatRequest) -> Reply:
        """Asks until an answer fits, at most `n_retries` times more.

        Raises:
            SchemaError: none did; `.reply` holds the last one.
            BudgetError, Interrupted, CutShortError: `.reply` holds what came.
            APIError, NetworkError: no answer came; of an earlier answer that did not fit, `.reply` holds that.
        """
        n_tries, last = self.n_retries + 1, None
        for n in range(1, n_tries + 1):
            try:
                request, reply = self._ask_through(request)
            except (GLMError, Interrupted) as error:
                if last is not None and (error.reply is None or not error.reply.text):
                    error.reply = last
                raise
            if self.schema is None or not reply.misfit:
                return reply
            if n == n_tries or reply.finish_reason in _NOT_CURED:
                raise _schema_error(reply, n)
            self.tell(f"The answer does not fit the schema; asking again ({n + 1} of {n_tries}).")
            more = ask_again(reply, reply.misfit)
            n_more = (reply.usage or estimate_usage(request, reply)).total_tokens
            request = replace(request, messages=[*request.messages, *more], sent=(), n_earlier_tokens=n_more)
            last = reply
        raise AssertionError("unreachable")

    def _ask_through(self, request: ChatRequest) -> tuple[ChatRequest, Reply]:
        """Asks until the model calls nothing more; the last request and its answer, which holds the calls."""
        reply: Reply | None = None
        while True:
            try:
                request, reply = self._ask(request)
                more = self.tools.go_on(request, reply) if self.tools else None
            except (GLMError, Interrupted) as error:
                error.reply = error.reply or (reply if self.tools and self.tools.between else None)
                if error.reply is not None and self.tools:
                    error.reply.calls = (*self.tools.records, *error.reply.calls)
                raise
            if more is None:
                if self.tools:
                    reply.calls = (*self.tools.records, *reply.calls)
                return request, reply
            request = more

    def _ask(self, request: ChatRequest) -> tuple[ChatRequest, Reply]:
        """The answer, and the request as the server took it: once more in words where it knows spoken answers no more."""
        try:
            return request, self._ask_once(request)
        except BadRequestError as error:
            if error.code not in _MAYBE_FORGOTTEN or not request.names_spoken:
                raise
        self.tell("The server refused the request, maybe for a spoken answer that it has forgotten; asking again with its words.")
        request = request.in_words()
        reply = self._ask_once(request)
        self.forget()
        return request, reply

    def _ask_once(self, request: ChatRequest) -> Reply:
        watching = self.watch(request)
        try:
            stream = self.begin(watching)
            pump = self._pump = Pump(stream)
            if self._is_stopped:
                pump.stop()
            painter = self.new_painter(self.is_recorded(stream.body))
            return follow(pump, painter, watching.request, watch=watching)
        finally:
            watching.enter()

    def watch(self, request: ChatRequest) -> Watching:
        """What prices one answer and minds the budget; its `request` is the one to send.

        Raises:
            BudgetError: the question alone costs more than is left.
            OptionError: there is a budget, but no known price.
        """
        price = find_price(request.model, self.provider)
        meter = self._meter(price, request)
        if meter is not None:
            meter.check_before()
            request = meter.cap(request)
        return Watching(self, request, price, meter)

    def begin(self, watching: Watching) -> ChatStream:
        """The stream of the answer."""
        watching.stream = self.send(build_body(watching.request, self.provider))
        return watching.stream

    def count(self, reply: Reply) -> None:
        """An answer is over."""
        self._bill.append((reply.usage, reply.cost))

    def spend(self, reply: Reply, usage: Usage, key: object) -> None:
        """It was not on record: it is paid for, and goes into the books."""
        self._spent += reply.cost.amount if reply.cost else 0.0
        self.enter(reply, usage, key)

    def add_up(self, reply: Reply) -> None:
        """Puts tokens and cost of all answers into the reply that stands for them."""
        if len(self._bill) > 1:
            reply.usage, reply.cost = _sum(self._bill)

    def _meter(self, price: Price | None, request: ChatRequest) -> Meter | None:
        if self.provider.is_free:
            return None
        own = None if self.budget is None else Allowance(self.budget - self._spent, "--budget", self.budget)
        of_session = self.session_allowance(price.currency if price else "")
        allowances = [allowance for allowance in (own, of_session) if allowance is not None]
        if not allowances:
            return None
        if price is None:
            raise no_price_error(self.provider, request.model, allowances[0])
        return Meter(price, allowances, request)

    def settle(self, request: ChatRequest, price: Price | None, reply: Reply, taped: Taped | None = None) -> None:
        """Adds cost, value and notes to a reply; times and cost of one on record are those of the day it was recorded."""
        if price is not None:
            reply.cost = price.cost_of(reply.usage or estimate_usage(request, reply), is_estimate=reply.usage is None)
        notes = [*_taped_words(taped), *self.describe(request, reply)]
        if price is None and self.provider.currency:
            notes.append("price not known")
        reply.is_followed = self.tools is not None and self.tools.will_go_on(reply)
        if self._bill and not (self.tools and reply.tool_calls):
            notes.append(_in_all([*self._bill, (reply.usage, reply.cost)]))
        if self.schema is not None and not (self.tools and reply.tool_calls):
            try:
                reply.value = self.schema.parse(read_answer(reply))
                reply.plain = self.schema.plain(reply.value)
            except MisfitError as error:
                reply.misfit = error.sentence
                notes.append(f"does not fit the schema: {error.sentence}")
        reply.notes = tuple(notes)


@dataclass(slots=True)
class Watching:
    """What `follow` asks about one answer; `enter` when that is over, however it ended."""

    exchange: Exchange
    request: ChatRequest
    price: Price | None
    meter: Meter | None
    reply: Reply | None = None
    stream: ChatStream | None = None

    @property
    def _taped(self) -> Taped | None:
        return self.stream.taped if self.stream is not None else None

    @property
    def _is_played(self) -> bool:
        return self._taped is not None and self._taped.is_played

    def check(self, fold: ReplyFold) -> BudgetError | None:
        return self.meter.check(fold) if self.meter is not None and not self._is_played else None

    def settle(self, reply: Reply) -> None:
        self.reply = reply
        taped = self._taped
        if taped is not None and taped.elapsed_s is not None:  # of both runs the same, to the last digit
            reply.elapsed_s, reply.first_token_s = taped.elapsed_s, taped.first_token_s
        if self.has_cost:
            self.exchange.settle(self.request, self.price, reply, taped)

    def enter(self) -> None:
        """Into the books, where it is an answer."""
        try:
            if self.reply is None or not self.has_cost:
                return
            self.exchange.count(self.reply)
            if not self._is_played:
                usage = self.reply.usage or estimate_usage(self.request, self.reply)
                self.exchange.spend(self.reply, usage, self.meter)
        finally:
            if self.meter is not None:
                self.meter.close()

    @property
    def has_cost(self) -> bool:
        """False where the server refused: that is no answer."""
        reply = self.reply
        return reply is not None and (reply.first_token_s is not None or reply.usage is not None or reply.ending == "stopped")


def _sum(bill: Sequence[tuple[Usage | None, Cost | None]]) -> tuple[Usage | None, Cost | None]:
    """Of several answers: the tokens that were counted, and what they cost."""
    usages = [usage for usage, _ in bill if usage is not None]
    costs = [cost for _, cost in bill if cost is not None]
    usage = sum(usages, Usage()) if usages else None
    if not costs:
        return usage, None
    is_estimate = any(cost.is_estimate for cost in costs)
    return usage, Cost(sum(cost.amount for cost in costs), costs[0].currency, is_estimate)  # one provider, one currency


def _in_all(bill: Sequence[tuple[Usage | None, Cost | None]]) -> str:
    """For the line below the last of several answers."""
    usage, cost = _sum(bill)
    facts = [] if usage is None else [tokens_in_words(usage)]
    facts += [] if cost is None else [str(cost)]
    return f"all {len(bill)} answers: {', '.join(facts)}" if facts else f"{len(bill)} answers"


def _taped_words(taped: Taped | None) -> list[str]:
    """For the line below; the same when an answer is recorded and when it is replayed."""
    if taped is None:
        return []
    if taped.elapsed_s is None:
        return [f"not recorded: {taped.failure}"] if taped.failure else []
    return ["on record, edited by hand" if taped.is_edited else "on record"]


def _schema_error(reply: Reply, n_tries: int) -> SchemaError:
    asked = "" if n_tries == 1 else f" after {n_tries} tries"
    way_out = {
        "length": "It is cut: allow more with --max-tokens.",
        "sensitive": "The vendor's review blocked it.",
    }.get(reply.finish_reason or "", "Ask for less, describe the fields, or allow more tries with --retries.")
    error = SchemaError(
        f"The answer does not fit the schema{asked}: {one_line(reply.misfit, 300)}", f"{way_out} The last answer is in _glm."
    )
    error.reply = reply
    return error
