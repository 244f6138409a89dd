"""The functions that a model asks for in a call: the user is asked, they run, and what they give goes back."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Literal, TypeAlias

from ..approvals import ALWAYS, APPROVED, Approval, Approvals, refused
from ..realtime.conversation import Answer
from ..realtime.session import RealtimeSession
from ..toolbox import Toolbox
from ..toolcalls import ToolCall

State: TypeAlias = Literal["waiting", "running", "refused", "done", "failed"]
MAX_ROUNDS = 8
"""Of functions that ask for functions, before the user says something again."""

_OVER = refused("The call is over.")
_TOO_MANY = "Too many functions were called in a row; answer with what is known."


@dataclass(slots=True)
class Errand:
    """One call of a function, `n` names it on the page; an `approvals.Approver` whose buttons are there."""

    n: int
    call: ToolCall
    state: State = "waiting"
    result: str = ""
    word: SimpleQueue[Approval] = field(default_factory=SimpleQueue, repr=False)

    def decide(self, call: ToolCall) -> Approval:
        """Waits for the user's word."""
        return self.word.get()


@dataclass(slots=True)
class _Batch:
    """What the calls of one answer gave; None until all have."""

    outputs: list[str] | None = None


class Errands:
    """Runs what is asked for, the calls of one answer one after the other.

    Args:
        toolbox: the functions.
        approvals: what was allowed for good.
        changed: is called when the page has something new to show.
    """

    def __init__(self, toolbox: Toolbox, approvals: Approvals, changed: Callable[[], None]) -> None:
        self.toolbox = toolbox
        self._approvals = approvals
        self._changed = changed
        self._of: dict[str, list[Errand]] = {}
        self._by_n: dict[int, Errand] = {}
        self._n = self._n_rounds = 0
        self._is_over = False
        self._batches: deque[_Batch] = deque()
        self._sending = asyncio.Lock()

    def of(self, answer: Answer) -> list[Errand]:
        """What an answer asked for."""
        return self._of.get(answer.id, [])

    def begin(self) -> None:
        """A call begins."""
        self._is_over, self._n_rounds = False, 0
        self._batches, self._sending = deque(), asyncio.Lock()

    def new_turn(self) -> None:
        """The user said something."""
        self._n_rounds = 0

    async def run(self, call: RealtimeSession, answer: Answer) -> None:
        """Everything that `answer` asks for; then the results back to the model, once those of earlier answers are there."""
        self._n_rounds += 1
        errands = []
        for event in answer.calls:
            self._n += 1
            self._by_n[self._n] = errand = Errand(self._n, self.toolbox.read(event.name, event.arguments, event.call_id))
            errands.append(errand)
        self._of[answer.id] = errands
        batch = _Batch()
        self._batches.append(batch)
        self._changed()
        batch.outputs = [await _in_thread(lambda errand=errand: self._run(errand)) for errand in errands]  # type: ignore[misc]
        await self._give_results(call)

    async def _give_results(self, call: RealtimeSession) -> None:
        """All that are complete up to the first that is not: on this wire results carry no id, their order counts."""
        async with self._sending:
            outputs: list[str] = []
            while self._batches and self._batches[0].outputs is not None:
                outputs += self._batches.popleft().outputs or []
            if outputs:
                await call.give_results(outputs)

    def allow(self, n: int, how: str, reason: str) -> None:
        """The user's word on errand `n`; passed over when it does not wait for one."""
        errand, approvals = self._by_n.get(n), {"yes": APPROVED, "always": ALWAYS}
        if errand is not None and errand.state == "waiting":
            errand.word.put(approvals.get(how) or refused(reason))

    def stop(self) -> None:
        """The call is over: whoever waits for the user's word gets none."""
        self._is_over = True
        for errand in self._by_n.values():
            if errand.state == "waiting":
                errand.word.put(_OVER)

    def _run(self, errand: Errand) -> str:
        """What goes back to the model, whatever happens."""
        if self._n_rounds > MAX_ROUNDS:
            return self._ended(errand, "failed", _TOO_MANY)
        if not errand.call.is_valid:
            return self._ended(errand, "failed", errand.call.fault)
        approval = (
            _OVER if self._is_over else self._approvals.decide(errand.call, self.toolbox[errand.call.name].identity, errand)
        )
        if not approval.is_given:
            return self._ended(errand, "refused", approval.for_model())
        errand.state = "running"
        self._changed()
        result = self.toolbox.run(errand.call)
        unseen = "" if not result.images else "\n(It also gave pictures, which a voice call cannot take.)"
        return self._ended(errand, "failed" if result.is_error else "done", (result.text or "(nothing)") + unseen)

    def _ended(self, errand: Errand, state: State, text: str) -> str:
        errand.state, errand.result = state, text
        self._changed()
        return text


async def _in_thread(work: Callable[[], str]) -> str:
    """In a daemon thread: one that waits for a user who has gone must not keep the kernel from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()

    def give(text: str) -> None:
        if not future.done():
            future.set_result(text)

    def run() -> None:
        try:
            text = work()
        except BaseException as error:  # KeyboardInterrupt of a function of the user's own
            text = f"It ended with {type(error).__name__}."
        with suppress(RuntimeError):  # the call is over, and its loop with it
            loop.call_soon_threadsafe(give, text)

    threading.Thread(target=run, name="glm-errand", daemon=True).start()
    return await future
