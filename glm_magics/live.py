"""Following an answer: a thread reads, the thread of the cell folds and paints, and ■ stops both at once.

A read that blocks in the main thread cannot be interrupted everywhere (Windows), and output must come from the main thread
(kernel subshells); so the socket is read in a thread of its own and the cell waits on events, which any signal wakes.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from .chatstream import ChatStream, StreamItem
from .display import Painter
from .errors import BudgetError, CutShortError, GLMError, Interrupted
from .replies import Delta, Ending, Reply, ReplyFold
from .requests import ChatRequest


class Pump(threading.Thread):
    """Reads a stream to its end; `items` and `error` are for the thread that waits.

    Waking goes through queues whose `put` is reentrant: ■ runs `stop` in the midst of whatever the waiting thread does, and
    would find the lock of a `threading.Event` taken by itself.
    """

    def __init__(self, stream: ChatStream) -> None:
        super().__init__(name="glm-reader", daemon=True)
        self.items: deque[StreamItem] = deque()
        self.error: BaseException | None = None
        self.is_over = False
        self.is_stopped = False
        self._arrived: SimpleQueue[None] = SimpleQueue()
        self._ended: SimpleQueue[None] = SimpleQueue()
        self._stream = stream

    def run(self) -> None:
        try:
            for item in self._stream:
                was_empty = not self.items
                self.items.append(item)
                if was_empty:
                    self._arrived.put(None)
        except BaseException as error:
            self.error = error
        finally:
            self._end()

    def abort(self) -> None:
        """Closes the connection."""
        self._stream.abort()

    def stop(self) -> None:
        """The user's ■: closes the connection and wakes whoever waits, without waiting for the reader."""
        self.is_stopped = True
        self._stream.abort()
        self._end()

    def _end(self) -> None:
        self.is_over = True
        self._ended.put(None)
        self._arrived.put(None)

    def wait_for_items(self, timeout_s: float) -> None:
        """Until something came or it is over, at most `timeout_s`."""
        if not self.items and not self.is_over:
            with suppress(Empty):
                self._arrived.get(timeout=timeout_s)

    def wait_for_end(self, timeout_s: float) -> None:
        """Until it is over, at most `timeout_s`, whatever comes meanwhile."""
        if not self.is_over:
            with suppress(Empty):
                self._ended.get(timeout=timeout_s)


class Watch(Protocol):
    """What `follow` asks while an answer grows, and when it has ended."""

    def check(self, fold: ReplyFold) -> GLMError | None:
        """The reason to stop the answer now; None to go on."""
        ...

    def settle(self, reply: Reply) -> None:
        """Adds to the reply what is known only at its end, before it is painted for the last time."""
        ...


class _NoWatch:
    def check(self, fold: ReplyFold) -> None: ...
    def settle(self, reply: Reply) -> None: ...


@contextmanager
def interrupt_calls(stop: Callable[[], None]) -> Iterator[None]:
    """While inside, the first interrupt calls `stop`; a second one raises KeyboardInterrupt as usual."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.getsignal(signal.SIGINT)

    def on_interrupt(signum: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, previous if previous is not None else signal.default_int_handler)
        stop()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous if previous is not None else signal.default_int_handler)


def follow(
    pump: Pump,
    painter: Painter,
    request: ChatRequest,
    clock: Callable[[], float] = time.monotonic,
    watch: Watch | None = None,
) -> Reply:
    """Shows the answer as it comes and gives it back whole; ``pump.stop`` ends it from any thread.

    Raises:
        BudgetError: `watch` stopped it; `.reply` holds what came.
        Interrupted: the user stopped it; `.reply` holds what came.
        GLMError: it failed; `.reply` holds what came (CutShortError), or None when nothing did.
    """
    watch = watch or _NoWatch()
    fold = ReplyFold(request.model, clock(), request.sent)
    reason: GLMError | None = None
    with interrupt_calls(pump.stop):
        painter.start(request.model)
        pump.start()
        try:
            reason = _paint_until_over(pump, fold, painter, clock, watch)
        except BaseException:
            pump.abort()
            raise
    if reason is None:
        _take(pump, fold, painter, clock)
    error = None if pump.is_stopped else reason or pump.error
    return _settle(fold, painter, error, pump.is_stopped, clock, watch)


def _paint_until_over(pump: Pump, fold: ReplyFold, painter: Painter, clock: Callable[[], float], watch: Watch) -> GLMError | None:
    """Gives the watch's reason to stop, when it had one."""
    while not pump.is_over:
        pump.wait_for_items(0.1)
        _take(pump, fold, painter, clock)
        if (reason := watch.check(fold)) is not None:
            pump.abort()
            return reason
        pause_s = painter.paint(fold, clock())
        if fold.first_token_s is not None:
            pump.wait_for_end(pause_s)
    return None


def _take(pump: Pump, fold: ReplyFold, painter: Painter, clock: Callable[[], float]) -> None:
    now_s = clock()
    while pump.items:
        item = pump.items.popleft()
        if isinstance(item, Delta):
            fold.add(item, now_s)
        else:
            painter.wait(item)


def _settle(
    fold: ReplyFold,
    painter: Painter,
    error: BaseException | None,
    is_stopped: bool,
    clock: Callable[[], float],
    watch: Watch,
) -> Reply:
    """The end of it: the last paint, and the error that the cell must end with."""
    if fold.finish_reason == "network_error" and error is None and not is_stopped:
        error = CutShortError("The vendor's inference broke off in the middle.", "What came is kept; run the cell again.")
    reply = fold.finish(clock(), _ending(error, is_stopped))
    watch.settle(reply)
    if error is None or fold.first_token_s is not None:
        painter.finish(fold, reply)
    else:
        painter.abandon()
    if is_stopped:
        raise Interrupted(reply)
    if isinstance(error, GLMError):
        error.reply = reply if fold.first_token_s is not None else None
        error.request_id = error.request_id or reply.request_id or None
    if error is not None:
        raise error
    return reply


def _ending(error: BaseException | None, is_stopped: bool) -> Ending:
    if is_stopped:
        return "stopped"
    return "cut short" if isinstance(error, CutShortError) else "over budget" if isinstance(error, BudgetError) else ""
