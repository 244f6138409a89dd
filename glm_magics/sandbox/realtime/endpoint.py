"""The WebSocket of a call: the handshake, what comes in, what goes out and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from glm_magics.sandbox.codes import dump
from glm_magics.sandbox.delivery import Message, Receive, Send
from glm_magics.sandbox.realtime.call import Call, Start, Step, Stop
from glm_magics.sandbox.realtime.checks import Complaint
from glm_magics.sandbox.realtime.hearing import AppendLimit
from glm_magics.sandbox.realtime.speaking import OUTPUT_RATE_HZ, Speaking, event
from glm_magics.sandbox.realtime.spoils import Event, Spoil
from glm_magics.sandbox.script import Record, Script
from glm_magics.sandbox.voice import speak

_APPEND = "input_audio_buffer.append"


class _Cut(Exception):
    """The connection is to be dropped, without a goodbye."""


async def refuse(status: int, body: bytes, content_type: str, scope: Message, send: Send) -> None:
    """An ordinary HTTP answer in place of the WebSocket."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", content_type.encode("latin-1"))]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


@dataclass(slots=True)
class Endpoint:
    """One call over one WebSocket, which is not yet accepted.

    Attributes:
        script: of the sandbox: scripted answers and faults.
        record: what is written down of the call; its sounds are not.
        find_spoil: what goes wrong, by the name of a fault; empty: the next one queued.
        delay_s: between two pieces of an answer.
        heartbeat_s: between two heartbeats.
    """

    receive: Receive
    send: Send
    script: Script
    record: Record
    find_spoil: Callable[[str], Spoil]
    delay_s: float
    heartbeat_s: float
    _call: Call = field(init=False)
    _limit: AppendLimit = field(default_factory=AppendLimit)
    _answering: asyncio.Task[None] | None = None
    _speaking: Speaking | None = None
    _said: list[str] = field(default_factory=list)
    _n_sound_bytes: int = 0
    _is_mute: bool = False
    _cut: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Serves the call until either side is gone."""
        self._call = Call(self.script)
        await self.receive()  # websocket.connect
        await self.send({"type": "websocket.accept"})
        self.record.status = 101
        async with self._beating():
            with suppress(_Cut):
                await self._do(self._call.opening())
                await self._serve()

    async def _serve(self) -> None:
        cut = asyncio.ensure_future(self._cut.wait())
        try:
            while True:
                coming = asyncio.ensure_future(self.receive())
                await asyncio.wait((coming, cut), return_when=asyncio.FIRST_COMPLETED)
                if cut.done():
                    coming.cancel()
                    return
                message = coming.result()
                if message["type"] == "websocket.disconnect":
                    self.record.closed_at = time.monotonic()
                    return
                await self._take(message.get("text"))
        finally:
            cut.cancel()
            await self._stop_answering()

    async def _take(self, text: str | None) -> None:
        is_append = text is not None and f'"{_APPEND}"' in text
        if is_append and not self._limit.is_within(time.monotonic()):
            self.record.n_dropped = self._limit.n_dropped
            return
        self.record.add_event(_without_sound(text))
        await self._do(self._call.take(text))

    async def _do(self, steps: list[Step]) -> None:
        for step in steps:
            if isinstance(step, Start):
                self._answering = asyncio.ensure_future(self._answer(step))
            elif isinstance(step, Stop):
                await self._stop(step)
            else:
                await self._say(step)

    async def _say(self, said: Event) -> None:
        if not self._is_mute:
            await self.send({"type": "websocket.send", "text": dump(said).decode()})

    @asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        async def beat() -> None:
            while True:
                await asyncio.sleep(self.heartbeat_s)
                await self._say(event("heartbeat"))

        task = asyncio.ensure_future(beat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # Answers

    async def _answer(self, start: Start) -> None:
        """Gives one answer, from the first event to the last, unless it is stopped."""
        speaking, spoil = start.speaking, self.find_spoil(start.fault)
        self._speaking, self._said, self._n_sound_bytes = speaking, [], 0
        with suppress(_Cut):
            for each in speaking.opening():
                if not (spoil.is_transcript_late and each is speaking.transcript):
                    await self._say(each)
            sound = await self._voice(speaking)
            deltas = spoil.arrange(list(speaking.deltas(sound)))
            late = deltas[-3:] if spoil.is_done_early else []
            await self._give(deltas[: len(deltas) - len(late)], spoil)
            await self._close(speaking, "completed", [str(piece) for piece in speaking.answer.content])
            for each in (*late, *([speaking.transcript] if spoil.is_transcript_late and speaking.transcript else [])):
                await self._say(each)
            self._answering = None
            await self._do(self._call.finished("".join(speaking.answer.content)))

    async def _voice(self, speaking: Speaking) -> bytes:
        if not speaking.has_sound or speaking.answer.tool_calls:
            return b""
        return await asyncio.to_thread(speak, speaking.answer.text, OUTPUT_RATE_HZ)

    async def _give(self, deltas: list[Event], spoil: Spoil) -> None:
        delay_s = max(self.delay_s, spoil.delay_s)
        for index, delta in enumerate(deltas):
            if index == (len(deltas) + 1) // 2:
                await self._spoil(spoil)
            if delta["type"] == "response.text.delta":
                await asyncio.sleep(delay_s)
                self._said.append(delta["delta"])
            elif delta["type"] == "response.audio.delta":
                self._n_sound_bytes += len(delta["delta"]) // 4 * 3
            await self._say(delta)

    async def _spoil(self, spoil: Spoil) -> None:
        if spoil.is_cut:
            self._cut.set()
            raise _Cut
        if spoil.has_error:
            await self._say(
                event("error", error=Complaint("The search failed.", "video_model_query_error", "server_error").error)
            )
        self._is_mute = self._is_mute or spoil.is_mute

    async def _close(self, speaking: Speaking, status: str, said: list[str]) -> None:
        for each in speaking.closing("".join(said), self._n_sound_bytes, status):
            await self._say(each)

    async def _stop(self, stop: Stop) -> None:
        """The answer ends where it is; what was said is told to be all of it."""
        speaking = self._speaking
        await self._stop_answering()
        if speaking is None:
            return
        if stop.is_asked:
            await self._say(speaking.cancelled())
        await self._close(speaking, "cancelled", self._said)
        await self._do(self._call.finished("".join(self._said)))

    async def _stop_answering(self) -> None:
        task, self._answering = self._answering, None
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _without_sound(text: str | None) -> Any:
    """A client event for the record: sounds and pictures would fill the memory of a long call."""
    import json

    try:
        got = json.loads(text or "")
    except (ValueError, RecursionError):
        return text
    if not isinstance(got, dict):
        return got
    sounds = {name: got[name] for name in ("audio", "video_frame") if isinstance(got.get(name), str)}
    return got | {name: f"<{len(sound)} characters>" for name, sound in sounds.items()}
