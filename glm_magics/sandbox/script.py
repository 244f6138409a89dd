"""The state of one sandbox: what it shall answer next, and what it has received. Safe to use from any thread."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from glm_magics.sandbox.answers import Answer, ToolCall, as_pieces
from glm_magics.sandbox.faults import Fault

_MAX_RECORDS = 1000  # a record holds the pictures it came with


@dataclass(slots=True)
class Record:
    """One request as it arrived, and what became of it. Times are ``time.monotonic()`` seconds.

    Attributes:
        headers: lower-case names; the key is replaced by ``***``.
        body: the parsed JSON, or None where it was none.
        status: of the answer; None while there is none.
        first_content_at: when the first frame with content was handed to the connection.
        finished_at: when the answer was complete.
        closed_at: when the client went away before that.
        events: of a call, what the client said, sounds and pictures left out; the last thousand.
        n_dropped: of a call, appends that came too fast.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    received_at: float
    body: Any = None
    status: int | None = None
    first_content_at: float | None = None
    finished_at: float | None = None
    closed_at: float | None = None
    n_dropped: int = 0
    _events: deque[Any] = field(default_factory=lambda: deque(maxlen=_MAX_RECORDS))

    @property
    def events(self) -> list[Any]:
        return list(self._events)

    def add_event(self, event: Any) -> None:
        """One more, while others may look at those so far."""
        self._events.append(event)


@dataclass(slots=True)
class _Queued:
    """A scripted thing and how many times it is still to be used."""

    item: Any
    n_left: int


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault with the ``Retry-After`` header to send along, in seconds."""

    fault: Fault
    retry_after_s: float | None = None


@dataclass(slots=True)
class Script:
    """Queues of faults and replies, the hosted pictures, and the records."""

    _faults: deque[_Queued] = field(default_factory=deque)
    _replies: deque[_Queued] = field(default_factory=deque)
    _records: deque[Record] = field(default_factory=lambda: deque(maxlen=_MAX_RECORDS))
    _heard: deque[_Queued] = field(default_factory=deque)
    _pictures: dict[str, bytes] = field(default_factory=dict)
    _spoken_until: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add_fault(self, fault: PlannedFault, times: int) -> None:
        self._add(self._faults, fault, times)

    def add_reply(self, answer: Answer, times: int) -> None:
        self._add(self._replies, answer, times)

    def _add(self, queue: deque[_Queued], item: Any, times: int) -> None:
        if times < 1:
            raise ValueError(f"times={times}: at least once.")
        with self._lock:
            queue.append(_Queued(item, times))

    def add_heard(self, text: str, times: int) -> None:
        self._add(self._heard, text, times)

    def next_fault(self, suits: Callable[[Fault], bool] = lambda fault: True) -> PlannedFault | None:
        """The next one queued, if it suits the place where it would happen."""
        with self._lock:
            if not self._faults or not suits(self._faults[0].item.fault):
                return None
            fault: PlannedFault | None = _take(self._faults)
            return fault

    def next_heard(self) -> str | None:
        with self._lock:
            text: str | None = _take(self._heard)
            return text

    def next_reply(self) -> Answer | None:
        with self._lock:
            answer: Answer | None = _take(self._replies)
            return answer

    def add_record(self, record: Record) -> None:
        with self._lock:
            self._records.append(record)

    def records(self) -> list[Record]:
        with self._lock:
            return list(self._records)

    def add_picture(self, name: str, data: bytes) -> None:
        with self._lock:
            self._pictures[name] = data

    def picture(self, name: str) -> bytes | None:
        with self._lock:
            return self._pictures.get(name)

    def add_spoken(self, id: str, expires_at: float) -> None:
        with self._lock:
            self._spoken_until[id] = expires_at
            while len(self._spoken_until) > _MAX_RECORDS:
                del self._spoken_until[next(iter(self._spoken_until))]

    def is_spoken(self, id: str, now_s: float) -> bool:
        """Whether an answer was spoken under this id, and is remembered still; `now_s`: seconds since 1970."""
        with self._lock:
            return now_s < self._spoken_until.get(id, 0.0)

    def clear(self) -> None:
        """Forget queues and records; hosted pictures stay, and what was spoken."""
        with self._lock:
            self._faults.clear()
            self._replies.clear()
            self._heard.clear()
            self._records.clear()


def _take(queue: deque[_Queued]) -> Any:
    if not queue:
        return None
    queue[0].n_left -= 1
    return queue[0].item if queue[0].n_left > 0 else queue.popleft().item


def build_answer(
    text: str | None,
    thinking: str | Iterable[str] | None,
    tool_calls: Sequence[Any],
    finish_reason: str | None,
    chunks: Iterable[str] | None,
    usage: Mapping[str, Any] | None,
    raw_frames: Iterable[bytes],
    delay_s: float,
) -> Answer:
    """A scripted answer from what the caller gave; `chunks` are exact deltas and win over `text`."""
    calls = tuple(_tool_call(call) for call in tool_calls)
    return Answer(
        content=as_pieces(text or "") if chunks is None else tuple(chunks),
        thinking=as_pieces(thinking or ""),
        tool_calls=calls,
        finish_reason=finish_reason or ("tool_calls" if calls else "stop"),
        usage=usage,
        delay_s=delay_s,
        raw_frames=tuple(raw_frames),
    )


def _tool_call(call: Any) -> ToolCall:
    """From a `ToolCall`, ``(name, arguments)``, ``{"name", "arguments"}`` or the wire's nested form; arguments: dict or text."""
    if isinstance(call, ToolCall):
        return call
    if isinstance(call, Mapping):
        inner = call.get("function", call)
        name, arguments, call_id = inner["name"], inner.get("arguments", {}), call.get("id", "")
    else:
        (name, arguments), call_id = call, ""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    return ToolCall(name, text, call_id)
