"""Whether a function that a model asks for may run: the states of a call, who decides, what was allowed for good."""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import ismethod
from typing import Any, Literal, Protocol, TypeAlias

from .toolcalls import ToolCall

State: TypeAlias = Literal["waiting", "approved", "refused", "always"]


@dataclass(frozen=True, slots=True)
class Approval:
    """A decision about one call; it changes once, from ``waiting`` to one of the others.

    Attributes:
        state: ``always`` also allows every later call of this very function, as long as the kernel lives.
        reason: of a refusal, in the user's words; it goes to the model.
    """

    state: State = "waiting"
    reason: str = ""

    @property
    def is_given(self) -> bool:
        """True when the call may run."""
        return self.state in ("approved", "always")

    def for_model(self) -> str:
        """Of a refusal: what the model is told."""
        reason = f" The reason: {self.reason}" if self.reason.strip() else " No reason was given."
        return f"The user refused this call; it did not run.{reason}"


WAITING, APPROVED, ALWAYS = Approval(), Approval("approved"), Approval("always")


def refused(reason: str = "") -> Approval:
    """A refusal."""
    return Approval("refused", reason.strip())


class Approver(Protocol):
    """Whoever asks the user. Called from the thread that runs the calls, for one call at a time."""

    def decide(self, call: ToolCall) -> Approval:
        """Waits for a decision: any state but ``waiting``.

        Raises:
            Interrupted: the user stopped everything.
        """
        ...


class ApproveAll:
    """An `Approver` for functions that the user trusts: ``--yes``."""

    def decide(self, call: ToolCall) -> Approval:
        """Always yes."""
        return APPROVED


@dataclass(frozen=True, slots=True)
class RefuseAll:
    """An `Approver` for where nobody can be asked.

    Attributes:
        reason: why not, and what to do about it; for the model and the user.
    """

    reason: str

    def decide(self, call: ToolCall) -> Approval:
        """Always no."""
        return refused(self.reason)


@dataclass(slots=True)
class Approvals:
    """What was allowed for good in this kernel: functions themselves, not names; one that is defined anew is asked about."""

    _always: list[Any] = field(default_factory=list)

    def decide(self, call: ToolCall, function: Any, approver: Approver) -> Approval:
        """Asks about a call, unless its function was allowed for good.

        Args:
            call: a valid one.
            function: what will run; of a server's tool a value that changes with its description.
            approver: who is asked.
        """
        if self.is_allowed(function):
            return ALWAYS
        approval = approver.decide(call)
        if approval.state == "always":
            self._always.append(function)
        return approval

    def is_allowed(self, function: Any) -> bool:
        """True when the user said "always" for it."""
        return any(_is_same(known, function) for known in self._always)


def _is_same(one: Any, other: Any) -> bool:
    """The same object; of bound methods, which are made anew at each look, the same function of the same object."""
    if ismethod(one) and ismethod(other):
        return one.__func__ is other.__func__ and one.__self__ is other.__self__
    return one is other or (isinstance(one, str | tuple) and type(one) is type(other) and bool(one == other))
