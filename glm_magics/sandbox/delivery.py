"""Sending an answer over ASGI, and noticing at once when the client goes away.

Plain ASGI and no framework: dropping a connection, falling silent and sending tens of thousands of frames a second all
need the bare ``send`` and ``receive``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from glm_magics.sandbox.script import Record
from glm_magics.sandbox.stream import Break, Step

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_BATCH_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An answer ready to be sent.

    Attributes:
        steps: the body.
        delay_s: before each step.
        is_batched: with no delay, send steps in batches of some 16 KB; much faster.
        headers: besides the content type; lower-case names.
        is_silent: send nothing at all.
    """

    status: int
    content_type: str
    steps: Iterable[Step]
    delay_s: float = 0.0
    is_batched: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    is_silent: bool = False


def whole(status: int, body: bytes, content_type: str, headers: tuple[tuple[str, str], ...] = ()) -> Outgoing:
    """An answer with its body in one piece and its length in the headers."""
    return Outgoing(status, content_type, (body,), headers=(*headers, ("content-length", str(len(body)))))


async def deliver(outgoing: Outgoing, receive: Receive, send: Send, record: Record) -> None:
    """Send it all, unless the client goes first; the record gets the times. Cancelling drops the connection."""
    sending = asyncio.ensure_future(_send_all(outgoing, send, record))
    leaving = asyncio.ensure_future(_wait_until_gone(receive, record))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _wait_until_gone(receive: Receive, record: Record) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    if record.finished_at is None:
        record.closed_at = time.monotonic()


async def _send_all(outgoing: Outgoing, send: Send, record: Record) -> None:
    if outgoing.is_silent:
        await asyncio.Event().wait()
    record.status = outgoing.status
    headers = [("content-type", outgoing.content_type), *outgoing.headers]
    raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": outgoing.status, "headers": raw_headers})
    send_steps = _drip if outgoing.delay_s > 0 else _pour
    if await send_steps(outgoing, send, record):
        record.finished_at = time.monotonic()
        await _send_bytes(b"", send, record, is_last=True)


async def _drip(outgoing: Outgoing, send: Send, record: Record) -> bool:
    """One step per delay, on a fixed time-line so that delays do not add up. False: the connection is to be dropped."""
    start = time.monotonic()
    for n, step in enumerate(outgoing.steps, 1):
        await asyncio.sleep(max(0.0, start + n * outgoing.delay_s - time.monotonic()))
        if isinstance(step, Break):
            return await _break(step)
        await _send_bytes(step, send, record)
    return True


async def _pour(outgoing: Outgoing, send: Send, record: Record) -> bool:
    """As fast as the connection takes it, in batches. False: the connection is to be dropped."""
    batch: list[bytes] = []
    n_bytes = 0
    for step in outgoing.steps:
        if isinstance(step, Break):
            await _send_bytes(b"".join(batch), send, record)
            return await _break(step)
        batch.append(step)
        n_bytes += len(step)
        if n_bytes >= _BATCH_BYTES or not outgoing.is_batched:
            await _send_bytes(b"".join(batch), send, record)
            await asyncio.sleep(0)  # sending alone does not give way, and the client may have gone
            batch, n_bytes = [], 0
    await _send_bytes(b"".join(batch), send, record)
    return True


async def _send_bytes(body: bytes, send: Send, record: Record, is_last: bool = False) -> None:
    if record.first_content_at is None and b'"content":"' in body and not body.rstrip().endswith(b'"content":""}}]}'):
        record.first_content_at = time.monotonic()
    await send({"type": "http.response.body", "body": body, "more_body": not is_last})


async def _break(step: Break) -> bool:
    if step is Break.STALL:
        await asyncio.Event().wait()
    return False
