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
from ..toolresults import PICTURE_FOLLOWS

State: TypeAlias = Literal["waiting", "running", "refused", "done", "failed", "unrun"]
MAX_ROUNDS = 8
"""Of functions that ask for functions, before the user says something again."""

_OVER = refused("The call is over.")
_IN_WORK = ("waiting", "running")
_NO_PICTURES = "a picture, which a voice call cannot take."
_SHORT_CHARS = 120
_TOO_MANY = "Too many functions were called in a row; answer with what is known."


@dataclass(slots=True)
class Errand:
    """One call of a function, `n` names it on the page; an `approvals.Approver` whose buttons are there.

    Attributes:
        result: what the model is told of it; where it is told nothing, what became of it.
        at_s: when that was known, in seconds of the call.
    """

    n: int
    call: ToolCall
    state: State = "waiting"
    result: str = ""
    at_s: float = 0.0
    word: SimpleQueue[Approval] = field(default_factory=SimpleQueue, repr=False)

    def decide(self, call: ToolCall) -> Approval:
        """Waits for the user's word."""
        return self.word.get()

    def in_words(self) -> str:
        """For the transcript: name, arguments, and what came of it."""
        return f"{self.call.in_words(_SHORT_CHARS)}: {self.result}"


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
        now_s: gives the seconds of the call.
    """

    def __init__(self, toolbox: Toolbox, approvals: Approvals, changed: Callable[[], None], now_s: Callable[[], float]) -> None:
        self.toolbox = toolbox
        self._approvals = approvals
        self._changed = changed
        self._now_s = now_s
        self._lock = threading.Lock()
        self._of: dict[str, list[Errand]] = {}
        self._by_n: dict[int, Errand] = {}
        self._n = self._n_rounds = 0
        self._is_over = False
        self._batches: deque[_Batch] = deque()
        self._sending = asyncio.Lock()

    def of(self, answer: Answer) -> list[Errand]:
        """What an answer asked for."""
        return self._of.get(answer.id, [])

    @property
    def ended(self) -> list[Errand]:
        """Those of which is known what came of them, in the order of the calls."""
        return [errand for errand in list(self._by_n.values()) if errand.state not in _IN_WORK]  # others may come meanwhile

    def begin(self) -> None:
        """A call begins."""
        self._is_over, self._n_rounds = False, 0
        self._batches, self._sending = deque(), asyncio.Lock()

    def new_turn(self) -> None:
        """The user said something."""
        self._n_rounds = 0

    def lose(self) -> bool:
        """The connection broke, and the next one knows nothing of these calls: no result is sent; True if one was asked for."""
        is_asked = bool(self._batches)
        self._batches.clear()
        self._give_up("the connection broke")
        return is_asked

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
        """The call is over."""
        self._is_over = True
        self._give_up("the call ended")

    def _give_up(self, why: str) -> None:
        """Whoever waits for the user's word gets none, and nobody waits for what still runs."""
        for errand in list(self._by_n.values()):
            if errand.state == "waiting":
                self._ended(errand, "unrun", f"not run: {why}")
                errand.word.put(_OVER)
            elif errand.state == "running":
                self._ended(errand, "failed", f"{why} before it came back: its result went to nobody")

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
        with self._lock:
            if errand.state != "waiting":  # the call ended in this very moment
                return errand.result
            errand.state = "running"
        self._changed()
        try:
            result = self.toolbox.run(errand.call)
        except BaseException as error:  # KeyboardInterrupt of the function's own
            return self._ended(errand, "failed", f"{errand.call.name} ended with {type(error).__name__}.")
        text = result.text.replace(PICTURE_FOLLOWS, _NO_PICTURES) if result.images else result.text
        return self._ended(errand, "failed" if result.is_error else "done", text or "(nothing)")

    def _ended(self, errand: Errand, state: State, text: str) -> str:
        """What came of an errand, said once: what comes after the end of the call changes nothing."""
        with self._lock:
            if errand.state in _IN_WORK:
                errand.result, errand.at_s, errand.state = text, self._now_s(), state  # the state last: others look at it
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
        except BaseException as error:  # the model waits for an answer, whatever happens
            text = f"It ended with {type(error).__name__}."
        with suppress(RuntimeError):  # the call is over, and its loop with it
            loop.call_soon_threadsafe(give, text)

    threading.Thread(target=run, name="glm-errand", daemon=True).start()
    return await future
