"""What a session has spent: in mind for its ceiling, and in the ledger for later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from .budgets import Allowance
from .errors import LedgerError, OptionError
from .ledger import SPANS, CallRecord, Ledger
from .money import Cost
from .options import nearest
from .replies import Reply, Usage
from .settings import GLM, data_folder
from .spending import Spending
from .supply import Spent

_NOTEBOOK_VARIABLE = "JPY_SESSION_NAME"
"""Where ipykernel tells the file of the notebook (jupyter_server sets it)."""

_VSCODE_NAME = "__vsc_ipynb_file__"


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
        self._spent: dict[str, float] = {}
        self._is_told = False

    @property
    def ledger(self) -> Ledger:
        """Of all sessions on this machine."""
        return Ledger(data_folder(self._config) / "ledger.sqlite")

    def allowance(self, ceiling: float, currency: str) -> Allowance | None:
        """What the session may still spend; None where there is no ceiling."""
        if not ceiling:
            return None
        return Allowance(ceiling - self._spent.get(currency, 0.0), "%config GLM.session_budget", ceiling)

    def enter(self, reply: Reply, usage: Usage, provider: str, chat: str, tell: Callable[[str], None]) -> None:
        """Adds one answer; when the ledger cannot be written `tell` says so once, and the answer counts all the same."""
        facts = {
            "chat": chat,
            "is_estimate": reply.usage is None,
            "elapsed_s": round(reply.elapsed_s, 3),
            "first_token_s": None if reply.first_token_s is None else round(reply.first_token_s, 3),
            "ending": reply.ending or "complete",
            "request_id": reply.request_id,
        }
        self._add(reply.cost, tell, self._record(provider, reply.model, usage, reply.cost, **facts))

    def enter_vectors(self, spent: Spent, provider: str, model: str, tell: Callable[[str], None]) -> None:
        """Adds one embedding of many texts, one row however many requests it took."""
        facts = {"elapsed_s": round(spent.elapsed_s, 3), "ending": spent.ending}
        usage = Usage(spent.n_tokens, 0, spent.n_tokens)
        self._add(spent.cost, tell, self._record(provider, model, usage, spent.cost, **facts))

    def _add(self, cost: Cost | None, tell: Callable[[str], None], record: CallRecord) -> None:
        if cost is not None:
            self._spent[cost.currency] = self._spent.get(cost.currency, 0.0) + cost.amount
        if not self._config.ledger:
            return
        try:
            self.ledger.add(record)
        except LedgerError as error:
            if not self._is_told:
                self._is_told = True
                tell(str(error))

    def _record(self, provider: str, model: str, usage: Usage, cost: Cost | None, **facts: Any) -> CallRecord:
        return CallRecord(
            at=datetime.now().astimezone().isoformat(timespec="milliseconds"),
            session=self._session,
            notebook=self._notebook,
            cell=getattr(self._shell, "execution_count", 0) or 0,
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
        names = getattr(self._shell, "user_ns", {})
        return str(names.get(_VSCODE_NAME) or self._environment.get(_NOTEBOOK_VARIABLE, ""))

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
