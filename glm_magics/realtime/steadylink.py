"""A connection that can be made again: sends and reads the protocol's events, and notices a server that is gone."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

from ..errors import CutShortError, NetworkError, RateLimitError, ServerError
from ..providers import Connection
from ..retries import RetryPolicy
from .client_events import ClientEvent, to_wire
from .link import Link, LinkLost, open_link
from .server_events import ServerEvent, read_event

SHORT_LIFE_S = 5.0
"""A connection that broke sooner was no success: it counts as one of the tries."""


class SteadyLink:
    """One call's way to the server.

    Args:
        connection: who answers.
        silence_s: how long the server may say nothing before the connection counts as broken.
        retry: how often, and after what pauses, a broken connection is made again.
    """

    def __init__(self, connection: Connection, silence_s: float, retry: RetryPolicy) -> None:
        self._connection = connection
        self._silence_s = silence_s
        self._retry = retry
        self._link: Link | None = None
        self._opened_s = 0.0
        self._n_short_lived = 0

    @property
    def is_open(self) -> bool:
        """False before the first connection, and between one and the next."""
        return self._link is not None

    async def open(self) -> None:
        """The first connection; raises what `open_link` does."""
        self._link = await open_link(self._connection)
        self._opened_s = time.monotonic()

    async def open_again(self, reason: str) -> None:
        """Another one in place of one that broke for `reason`.

        Raises:
            CutShortError: all tries failed.
            GLMError: the server refused it.
        """
        is_short_lived = time.monotonic() - self._opened_s < SHORT_LIFE_S
        self._n_short_lived = self._n_short_lived + 1 if is_short_lived else 0
        for attempt in range(1 + self._n_short_lived, self._retry.max_retries + 1):
            await asyncio.sleep(self._retry.wait_s(attempt, None))
            try:
                return await self.open()
            except (NetworkError, RateLimitError, ServerError):
                continue
        raise CutShortError(f"The call broke off: {reason}.", "What was said is kept in .conversation; open another call.")

    async def send(self, event: ClientEvent) -> None:
        """Sends one event, with an id and the time of its own. Raises LinkLost."""
        if self._link is None:
            raise LinkLost("the connection broke off")
        await self._link.send(to_wire(event, uuid4().hex, int(time.time() * 1000)))

    async def receive(self) -> ServerEvent:
        """The next event. Raises LinkLost, also where the server has been silent for too long."""
        if self._link is None:
            raise LinkLost("the connection broke off")
        try:
            async with asyncio.timeout(self._silence_s):
                frame = await self._link.receive()
        except TimeoutError:
            raise LinkLost(f"the server said nothing for {self._silence_s:g} s") from None
        return read_event(frame)

    async def drop(self) -> None:
        """Lets go of the socket; nothing happens where there is none."""
        link, self._link = self._link, None
        if link:
            await link.close()
