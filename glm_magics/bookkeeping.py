"""What a session has spent: in mind for its ceiling, and in the ledger for later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .budgets import Allowance, Purse
from .errors import LedgerError, OptionError
from .frontends import notebook_file
from .ledger import SPANS, CallRecord, Ledger
from .money import Cost
from .options import nearest
from .replies import Reply
from .settings import GLM, data_folder
from .spending import Spending
from .supply import Spent
from .tokenusage import Usage

if TYPE_CHECKING:
    from .realtime.bills import SpentCall


class Books:
    """Of one session.

    Args:
        config: ``%config GLM``.
        environment: the process's variables.
        shell: IPython's, or None.
    """

    def __init__(self, config: GLM, environment: Mapping[str, str], shell: Any) -> None:
        self._config = config
        self._environment = environment
        self._shell = shell
        self._session = uuid4().hex
        self._purses: dict[str, Purse] = {}
        self._is_told = False

    @property
    def ledger(self) -> Ledger:
        """Of all sessions on this machine."""
        return Ledger(data_folder(self._config) / "ledger.sqlite")

    @property
    def ceiling(self) -> float:
        """Most that the session may spend; 0 where there is no limit."""
        return float(self._config.session_budget)

    def allowance(self, ceiling: float, currency: str) -> Allowance | None:
        """What the session may still spend; None where there is no ceiling."""
        if not ceiling:
            return None
        purse = self._purse(currency)
        return Allowance(ceiling - purse.spent_beside(), "%config GLM.session_budget", ceiling, purse)

    def _purse(self, currency: str) -> Purse:
        return self._purses.setdefault(currency, Purse())

    def enter(
        self,
        reply: Reply,
        usage: Usage,
        provider: str,
        chat: str,
        tell: Callable[[str], None],
        cell: int | None = None,
        key: object = None,
    ) -> None:
        """Adds one answer to a question of `cell` (None: of the cell that runs); `key`: as in `Purse.add`.

        When the ledger cannot be written `tell` says so once, and the answer counts all the same.
        """
        facts = {
            "chat": chat,
            "cell": self.cell if cell is None else cell,
            "is_estimate": reply.usage is None,
            "elapsed_s": round(reply.elapsed_s, 3),
            "first_token_s": None if reply.first_token_s is None else round(reply.first_token_s, 3),
            "ending": reply.ending or "complete",
            "request_id": reply.request_id,
        }
        self._add(reply.cost, tell, self._record(provider, reply.model, usage, reply.cost, **facts), key)

    def enter_vectors(self, spent: Spent, provider: str, model: str, tell: Callable[[str], None]) -> None:
        """Adds one embedding of many texts, one row however many requests it took."""
        facts = {"cell": self.cell, "elapsed_s": round(spent.elapsed_s, 3), "ending": spent.ending}
        usage = Usage(spent.n_tokens, 0, spent.n_tokens)
        self._add(spent.cost, tell, self._record(provider, model, usage, spent.cost, **facts))

    def enter_call(self, call: SpentCall, tell: Callable[[str], None], key: object) -> None:
        """Adds one voice call, as long as it was; safe from any thread. `key`: as in `Purse.add`."""
        facts = {"cell": call.cell, "elapsed_s": round(call.elapsed_s, 3), "ending": call.ending}
        record = self._record(call.provider, call.model, call.usage, call.cost, **facts, is_estimate=call.cost is not None)
        self._add(call.cost, tell, record, key)

    def _add(self, cost: Cost | None, tell: Callable[[str], None], record: CallRecord, key: object = None) -> None:
        if cost is not None:
            self._purse(cost.currency).add(cost.amount, key)
        if not self._config.ledger:
            return
        try:
            self.ledger.add(record)
        except LedgerError as error:
            if not self._is_told:
                self._is_told = True
                tell(str(error))

    @property
    def cell(self) -> int:
        """The number of the cell that runs; 0 outside of a notebook."""
        hook = getattr(self._shell, "displayhook", None)
        return max(0, getattr(hook, "prompt_count", 0))  # the shell's own counter is ahead by one in newer IPythons

    def _record(self, provider: str, model: str, usage: Usage, cost: Cost | None, **facts: Any) -> CallRecord:
        return CallRecord(
            at=datetime.now().astimezone().isoformat(timespec="milliseconds"),
            session=self._session,
            notebook=self._notebook,
            provider=provider,
            model=model,
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            thinking_tokens=usage.thinking_tokens,
            cost=None if cost is None else cost.amount,
            currency="" if cost is None else cost.currency,
            **facts,
        )

    @property
    def _notebook(self) -> str:
        return notebook_file(self._shell, self._environment)

    def spending(self, span: str) -> Spending:
        """The calls of a span: ``cell``, ``notebook``, ``today``, ``month`` or ``all``.

        Raises:
            OptionError: there is no such span.
            LedgerError: the ledger cannot be read.
        """
        known = next((one for one in SPANS if one == span), None)
        if known is None:
            raise OptionError(f"There is no span `{span[:40]}`.", nearest(span, SPANS))
        return Spending(known, self.ledger.read(known, self._session, self._notebook))
