"""Events on their way to whoever reads or waits for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ..errors import BadRequestError, CutShortError, GLMError, NetworkError, one_line
from .server_events import ErrorEvent, ServerEvent

MAX_EVENTS = 1_000
"""Events that wait for a reader; of more the oldest go."""

OVER_WAY_OUT = "Open another with glm.realtime.connect()."


class Mailbox:
    """A queue for one reader, and waiting for single events beside it.

    Attributes:
        n_missed: events that nobody read and that were let go.
        is_over: nothing more will come.
        error: why, when it was not meant to end.
    """

    def __init__(self) -> None:
        self.n_missed = 0
        self.is_over = False
        self.error: GLMError | None = None
        self._events: deque[ServerEvent] = deque(maxlen=MAX_EVENTS)
        self._arrived = asyncio.Event()
        self._waiting: list[tuple[Callable[[ServerEvent], bool], bool, asyncio.Future[ServerEvent]]] = []

    def put(self, event: ServerEvent) -> None:
        """One more event, for the reader and for those who wait for it."""
        self.n_missed += len(self._events) == MAX_EVENTS
        self._events.append(event)
        self._arrived.set()
        for is_it, fails_on_error, future in self._waiting:
            if future.done():
                continue
            if is_it(event):
                future.set_result(event)
            elif fails_on_error and isinstance(event, ErrorEvent):
                future.set_exception(refusal(event))

    async def next(self) -> ServerEvent:
        """The next event in order.

        Raises:
            StopAsyncIteration: there are no more.
            GLMError: there are no more, and there should have been.
        """
        while not self._events:
            if self.is_over:
                raise self.error or StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    async def wait(
        self, is_it: Callable[[ServerEvent], bool], timeout_s: float | None, *, fails_on_error: bool = False
    ) -> ServerEvent:
        """The next event that `is_it` says yes to, read by others or not.

        Raises:
            NetworkError: it did not come in time.
            BadRequestError: the server sent an error, and `fails_on_error`.
            CutShortError: nothing more will come.
        """
        if self.is_over:
            raise self.error or CutShortError("The call is over.", OVER_WAY_OUT)
        future: asyncio.Future[ServerEvent] = asyncio.get_running_loop().create_future()
        entry = (is_it, fails_on_error, future)
        self._waiting.append(entry)
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            raise NetworkError(f"The server did not answer within {timeout_s:g} s.", "Try again.") from None
        finally:
            self._waiting.remove(entry)

    def end(self, error: GLMError | None = None) -> None:
        """Nothing more will come: wakes everybody."""
        self.is_over = True
        self.error = self.error or error
        self._arrived.set()
        for _, _, future in self._waiting:
            if not future.done():
                future.set_exception(self.error or CutShortError("The call is over.", OVER_WAY_OUT))


def refusal(event: ErrorEvent) -> GLMError:
    """An error of the server as one to raise."""
    problem = event.error
    said = one_line(problem.message, 300).rstrip(".") or "it did not say why"
    return BadRequestError(f"The server refused: {said}.", "The call goes on.", code=one_line(problem.code, 80) or None)
