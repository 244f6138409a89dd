"""What a value can do that is still being made elsewhere: be waited for, awaited, stopped."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from concurrent.futures import Future

_STEP_S = 0.1


class Settling:
    """A value that a background job fills in; `job` is None where there was none, and all of this is over at once."""

    __slots__ = ()
    job: Any

    @property
    def is_running(self) -> bool:
        """True while it is still being answered in the background."""
        return self.job is not None and not self.job.ended.done()

    def wait(self, timeout_s: float | None = None) -> Self:
        """Until it is over, at most `timeout_s`; then see `is_running`. ■ ends the waiting alone.

        Raises:
            GLMError: that it ended with; what came is in here all the same.
        """
        if self.job is not None:
            wait_for(self.job.ended, timeout_s)
            if self.job.ended.done() and self.job.error is not None:
                raise self.job.error
        return self

    def stop(self) -> Self:
        """Ends a background answer soon; what came is kept."""
        if self.job is not None:
            self.job.stop()
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        if self.job is not None and not self.job.ended.done():
            import asyncio

            yield from asyncio.shield(asyncio.wrap_future(self.job.ended)).__await__()
        return self.wait(0.0)


def wait_for(ended: Future[None], timeout_s: float | None) -> bool:
    """Until it is done, at most `timeout_s`; in steps, since some systems cannot interrupt a wait."""
    from concurrent.futures import TimeoutError as NotYet

    waited_s = 0.0
    while not ended.done() and (timeout_s is None or waited_s < timeout_s):
        step_s = _STEP_S if timeout_s is None else min(_STEP_S, timeout_s - waited_s)
        with suppress(NotYet):
            ended.result(step_s)
        waited_s += step_s
    return ended.done()
