"""Running a user's function for a limited time, where it runs best: in the thread that asks, if it can be interrupted there.

A function of a notebook may hold what belongs to the main thread (a database connection, a window), so it runs there, and an
alarm ends it. Elsewhere it runs in a thread of its own, which is left behind when its time is over. Neither can end a library
that computes without coming back to Python.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any

MOST_ITEMS = 10_000
"""Of a generator; it might go on for ever."""

_AGAIN_S = 1.0


class OutOfTimeError(Exception):
    """The function did not come back in time."""


class _Alarm(BaseException):
    """Raised inside the function; no ``except Exception`` of its own holds it back."""


def run_limited(function: Callable[[], Any], timeout_s: float) -> Any:
    """What `function` gives; of an async one what it gives in the end, of a generator its items as a list.

    Raises:
        OutOfTimeError: it took longer than `timeout_s`.
        BaseException: whatever the function raises.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not hasattr(signal, "setitimer"):
        return _run_aside(lambda: _settle(function(), timeout_s), timeout_s)
    value = _run_here(lambda: _listed(function()), timeout_s)
    return _run_aside(lambda: _settle(value, timeout_s), timeout_s) if _is_async(value) else value


def _run_here(function: Callable[[], Any], timeout_s: float) -> Any:
    """In the main thread, with an alarm that rings again in case that a first one was swallowed."""
    is_over = False

    def ring(signum: int, frame: Any) -> None:
        if not is_over:
            raise _Alarm

    started_s = time.monotonic()
    previous = signal.signal(signal.SIGALRM, ring)
    left_s, again_s = signal.setitimer(signal.ITIMER_REAL, timeout_s, _AGAIN_S)
    try:
        value = function()
        is_over = True
        return value
    except _Alarm:
        is_over = True
        raise OutOfTimeError from None
    finally:
        is_over = True
        signal.signal(signal.SIGALRM, previous if previous is not None else signal.SIG_DFL)
        outer_s = max(0.001, left_s - (time.monotonic() - started_s)) if left_s else 0.0  # of a call around this one
        signal.setitimer(signal.ITIMER_REAL, outer_s, again_s)


def _run_aside(function: Callable[[], Any], timeout_s: float) -> Any:
    """In a thread of its own, with the outputs and variables of this context."""
    done: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            done.put((context.run(function), None))
        except BaseException as error:
            done.put((None, error))

    threading.Thread(target=work, name="glm-tool", daemon=True).start()
    try:
        value, error = done.get(timeout=timeout_s + 0.2)  # a coroutine is ended by its own loop just before
    except Empty:
        raise OutOfTimeError from None
    if error is not None:
        raise error
    return value


def _settle(value: Any, timeout_s: float) -> Any:
    return asyncio.run(_wait(value, timeout_s)) if _is_async(value) else _listed(value)


async def _wait(value: Any, timeout_s: float) -> Any:
    try:
        return await asyncio.wait_for(_items(value) if inspect.isasyncgen(value) else value, timeout_s)
    except TimeoutError as error:
        raise OutOfTimeError from error


async def _items(items: Any) -> list[Any]:
    found = []
    async for item in items:
        found.append(item)
        if len(found) >= MOST_ITEMS:
            break
    return found


def _is_async(value: Any) -> bool:
    return isinstance(value, Awaitable) or inspect.isasyncgen(value)


def _listed(value: Any) -> Any:
    return list(islice(value, MOST_ITEMS)) if inspect.isgenerator(value) else value
