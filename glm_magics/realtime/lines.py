"""A call in a thread of its own, for those who have no event loop to spare: a kernel's main thread, which runs cells."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from ..errors import CutShortError, GLMError, one_line
from .server_events import ServerEvent
from .session import RealtimeSession

TICK_S = 0.2
MAX_WAITING = 100
"""Pieces of sound that wait to be sent, ten seconds of them; more are left out."""

Job: TypeAlias = Callable[[RealtimeSession], Coroutine[Any, Any, None]]


class LineListener(Protocol):
    """Is told what happens, always from the line's own thread."""

    def on_open(self, call: RealtimeSession) -> None: ...
    def on_event(self, call: RealtimeSession, event: ServerEvent) -> None: ...
    def on_tick(self, call: RealtimeSession) -> None: ...
    def on_trouble(self, error: GLMError) -> None:
        """Something that was asked for could not be done; the call goes on."""
        ...

    def on_over(self, error: GLMError | None) -> None:
        """The call has ended and its socket is closed; `error`: why, when it was not meant to."""
        ...


class Line(threading.Thread):
    """One call.

    Args:
        make: gives the session; called in the thread.
        listener: is told.
    """

    def __init__(self, make: Callable[[], RealtimeSession], listener: LineListener) -> None:
        super().__init__(name="glm-call", daemon=True)
        self._make = make
        self._listener = listener
        self._loop = asyncio.new_event_loop()
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._is_over = asyncio.Event()
        self._beside: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        """The thread's work."""
        error: GLMError | None = None
        try:
            self._loop.run_until_complete(self._until_over())
        except GLMError as reason:
            error = reason
        except Exception as reason:  # ours; the user still has to be told that nobody listens any more
            error = CutShortError(
                f"The call broke off: {type(reason).__name__}: {one_line(str(reason), 200)}.", "What was said is kept."
            )
        finally:
            self._loop.close()
        self._listener.on_over(error)

    def do(self, job: Job) -> None:
        """Does something with the call, after what was asked for before; nothing when it is over."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._jobs.put_nowait, job)

    def hear(self, samples: bytes) -> bool:
        """Sends sound; False when too much waits already, and this is left out."""
        if self._jobs.qsize() >= MAX_WAITING:
            return False
        self.do(lambda call: call.append(samples))
        return True

    def start_beside(self, job: Job) -> None:
        """Does something that takes its time, beside everything else; from the line's own thread."""
        task = asyncio.ensure_future(self._dare(job, self._call))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def hang_up(self, wait_s: float = 0.0) -> None:
        """Ends the call from any thread; waits for its end at most `wait_s`."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._is_over.set)
        if wait_s and self is not threading.current_thread() and self.is_alive():
            self.join(wait_s)

    async def _until_over(self) -> None:
        over, talking = asyncio.ensure_future(self._is_over.wait()), asyncio.ensure_future(self._talk())
        try:
            await asyncio.wait((over, talking), return_when=asyncio.FIRST_COMPLETED)
            if talking.done():
                talking.result()
        finally:
            over.cancel()
            talking.cancel()
            await asyncio.gather(over, talking, return_exceptions=True)

    async def _talk(self) -> None:
        async with self._make() as call:
            self._call = call
            self._listener.on_open(call)
            tasks = [asyncio.ensure_future(work(call)) for work in (self._read, self._work, self._tick)]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                left = [*tasks, *self._beside]
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)

    async def _read(self, call: RealtimeSession) -> None:
        async for event in call:
            self._listener.on_event(call, event)

    async def _work(self, call: RealtimeSession) -> None:
        while True:
            await self._dare(await self._jobs.get(), call)

    async def _dare(self, job: Job, call: RealtimeSession) -> None:
        try:
            await job(call)
        except CutShortError:
            return  # the reader says so
        except GLMError as error:
            self._listener.on_trouble(error)

    async def _tick(self, call: RealtimeSession) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._listener.on_tick(call)
