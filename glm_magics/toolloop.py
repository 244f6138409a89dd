"""The calls of one question: checked, approved, run, and answered, until the model has none left or a limit ends it.

Source of the order: the vendor's pages on function calling and thinking. The assistant's message goes back as it came, its
thinking with it; then one ``tool`` message a call, in order; pictures follow as a user's message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .approvals import Approval, Approvals, Approver, State
from .callrecords import CallRecord
from .errors import Interrupted, ToolError
from .grammar import plural
from .intake import Intake
from .messages import ImagePart, Message, TextPart
from .replies import Reply
from .requests import ChatRequest
from .tokens import picture_tokens, text_tokens
from .toolbox import Tool, Toolbox
from .toolcalls import ToolCall, ToolResult, picture_message
from .toolresults import MAX_RESULT_CHARS, Limits

_STOPPED = "The user stopped everything before this call ended."


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """How far one question may go.

    Attributes:
        max_calls: of functions, over all rounds.
        call_s: time for one call, in seconds.
        total_s: time for all of them together, in seconds; waiting for the user does not count.
        max_chars: of the text of one result.
    """

    max_calls: int = 25
    call_s: float = 60.0
    total_s: float = 600.0
    max_chars: int = MAX_RESULT_CHARS


class CallBoard(Approver, Protocol):
    """Where calls are shown, and where the user decides."""

    def open(self, call: ToolCall, source: str) -> None:
        """A call has come; `source` is where it would run, empty for this notebook."""
        ...

    def start(self, call: ToolCall, state: State) -> None:
        """It runs now."""
        ...

    def close(self, call: ToolCall, result: ToolResult, state: str) -> None:
        """It is over, with a state of `CallRecord`."""
        ...


@dataclass(slots=True)
class ToolLoop:
    """What `exchange.Exchange` asks after each answer.

    Attributes:
        box: what may be called.
        board: shows the calls and asks the user.
        approvals: what was allowed for good.
        limits: how far it may go.
        intake: what the model takes.
        records: the calls so far.
        between: all messages between the question and the last answer.
    """

    box: Toolbox
    board: CallBoard
    approvals: Approvals
    limits: LoopLimits = LoopLimits()
    intake: Intake = field(default_factory=Intake)
    clock: Callable[[], float] = time.monotonic
    records: list[CallRecord] = field(default_factory=list)
    between: list[Message] = field(default_factory=list)
    _spent_s: float = 0.0
    _was_told: bool = False

    def go_on(self, request: ChatRequest, reply: Reply) -> ChatRequest | None:
        """The next request, with the results of the calls in `reply`; None when it calls nothing.

        Raises:
            Interrupted: the user stopped; every call is answered all the same.
            ToolError: the model calls on though it was told that the limit is reached.
        """
        if not reply.tool_calls:
            return None
        if not self.will_go_on(reply):
            raise self._too_many(reply)
        wire = _with_ids(reply.tool_calls, len(self.records))
        calls = [self.box.read(call["function"]["name"], call["function"]["arguments"], call["id"]) for call in wire]
        limits = Limits(_eyes(self.intake, request), self.limits.max_chars)
        answers: list[tuple[ToolCall, ToolResult]] = []
        try:
            for call in calls:
                answers.append((call, self._answer(call, limits)))
        except KeyboardInterrupt as stop:
            answers += [(call, self._stop(call)) for call in calls[len(answers) :]]
            self._keep(reply, wire, answers, request)
            reply.ending = "stopped"
            raise Interrupted(reply) from stop
        more = self._keep(reply, wire, answers, request)
        n_before = reply.usage.total_tokens if reply.usage else request.n_earlier_tokens
        n_tokens = n_before + sum(map(_count_tokens, more[1:]))
        return replace(request, messages=[*request.messages, *more], sent=(), n_earlier_tokens=n_tokens)

    def will_go_on(self, reply: Reply) -> bool:
        """True where the answer calls something, and has not been told that the limit is reached."""
        return bool(reply.tool_calls) and not self._was_told

    def _answer(self, call: ToolCall, limits: Limits) -> ToolResult:
        tool = self.box.get(call.name)
        self.board.open(call, tool.source if tool else "")
        if (reason := self._limit()) is not None:
            return self._close(call, ToolResult.failed(reason), "limit", tool)
        if not call.is_valid or tool is None:
            return self._close(call, ToolResult.failed(call.fault), "invalid", tool)
        approval = self.approvals.decide(call, tool.identity, self.board)
        if not approval.is_given:
            return self._close(call, ToolResult.failed(approval.for_model()), "refused", tool)
        return self._run(call, tool, approval, limits)

    def _run(self, call: ToolCall, tool: Tool, approval: Approval, limits: Limits) -> ToolResult:
        self.board.start(call, approval.state)
        left_s = max(0.1, self.limits.total_s - self._spent_s)
        with self._timed():
            result = self.box.run(call, min(self.limits.call_s, left_s), limits)
        return self._close(call, result, approval.state, tool)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started_s = self.clock()
        try:
            yield
        finally:
            self._spent_s += self.clock() - started_s

    def _limit(self) -> str | None:
        """Why no further call may run, as the model is told; None when one may."""
        if len(self.records) >= self.limits.max_calls:
            said = f"The limit of {plural(self.limits.max_calls, 'call')} is reached"
        elif self._spent_s >= self.limits.total_s:
            said = f"The time for calls, {self.limits.total_s:g} s, is used up"
        else:
            return None
        self._was_told = True
        return f"{said}: this one did not run. Answer now with what you have."

    def _close(self, call: ToolCall, result: ToolResult, state: str, tool: Tool | None) -> ToolResult:
        self.board.close(call, result, state)
        self._record(call, result, state, tool)
        return result

    def _record(self, call: ToolCall, result: ToolResult, state: str, tool: Tool | None) -> None:
        arguments = call.values if call.values or call.is_valid else call.arguments
        self.records.append(
            CallRecord(
                call.name,
                arguments,
                result.text,
                result.value,
                state,
                result.is_error,
                result.elapsed_s,
                tool.source if tool else "",
            )
        )

    def _stop(self, call: ToolCall) -> ToolResult:
        return self._close(call, ToolResult.failed(_STOPPED), "stopped", self.box.get(call.name))

    def _keep(
        self, reply: Reply, wire: Sequence[Any], answers: list[tuple[ToolCall, ToolResult]], request: ChatRequest
    ) -> list[Message]:
        """The messages of this round, whole: a server refuses a call without an answer."""
        said = Message("assistant", (TextPart(reply.text),), thinking=reply.thinking, tool_calls=tuple(wire))
        more = [said, *(result.to_message(call) for call, result in answers)]
        if pictures := picture_message(answers):
            more.append(_fitting(pictures, self.intake, len(request.images)))
        self.between += more
        return more

    def _too_many(self, reply: Reply) -> ToolError:
        error = ToolError(
            f"The model goes on calling functions after {plural(len(self.records), 'call')}.",
            "Allow more with --max-calls or --call-timeout (%config GLM.tools_timeout), or ask for less.",
        )
        error.reply = reply
        return error


def _count_tokens(message: Message) -> int:
    """Estimated, for a budget."""
    images = [part for part in message.parts if isinstance(part, ImagePart)]
    return text_tokens(message.text) + sum(picture_tokens(image.width_px, image.height_px) for image in images)


def _with_ids(calls: Sequence[Any], n_before: int) -> list[Any]:
    """The calls as they came, each with an id of its own: without one its result would answer nothing."""
    seen: set[str] = set()
    wire = []
    for n, call in enumerate(calls):
        id = call["id"] if call["id"] and call["id"] not in seen else f"call_glm_{n_before + n}"
        seen.add(id)
        wire.append({**call, "id": id})
    return wire


def _eyes(intake: Intake, request: ChatRequest) -> Intake:
    """Pictures cannot go into a request with a video or document (the vendor's vision pages)."""
    return replace(intake, kinds=frozenset({"text"})) if request.kinds & {"video", "file"} else intake


def _fitting(message: Message, intake: Intake, n_before: int) -> Message:
    """With no more pictures than a request takes."""
    room = len(message.parts) if not intake.max_images else max(0, intake.max_images - n_before)
    images = [part for part in message.parts if isinstance(part, ImagePart)]
    if len(images) <= room:
        return message
    dropped = {id(image) for image in images[room:]}  # by identity: two pictures may be alike
    kept = [part for part in message.parts if id(part) not in dropped]
    note = TextPart(f"[{len(images) - room} of these pictures are left out: a request takes no more.]")
    return replace(message, parts=[*kept, note])
