"""Calls for tests: sound that is speech to the sandbox, and a bare WebSocket that shows exactly what the sandbox says."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from glm_magics.providers import Connection, Secret, sandbox_provider
from glm_magics.sandbox import Sandbox

from .films import tone
from .patience import PATIENCE_S

RATE_HZ = 16_000
SERVER_VAD = {"type": "server_vad"}


def connection_to(sandbox: Sandbox) -> Connection:
    """As ``%glm_connect sandbox`` gives it."""
    return Connection(sandbox_provider(sandbox.base_url), Secret(sandbox.key))


def speech(seconds: float, rate_hz: int = RATE_HZ) -> bytes:
    """Something loud."""
    return tone(seconds, rate_hz).tobytes()


def quiet(seconds: float, rate_hz: int = RATE_HZ) -> bytes:
    """Nothing at all."""
    return bytes(2 * round(seconds * rate_hz))


def play(scene: Callable[[], Coroutine[Any, Any, None]], timeout_s: float = 2 * PATIENCE_S) -> None:
    """Runs a scene, which must end in time and leave no task behind."""

    async def run() -> None:
        await asyncio.wait_for(scene(), timeout_s)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


class Bare:
    """A WebSocket without any client of ours."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def say(self, type: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def append(self, samples: bytes) -> None:
        await self.say("input_audio_buffer.append", audio=base64.b64encode(samples).decode())

    async def hear(self) -> dict[str, Any]:
        """The next event that is no heartbeat."""
        while True:
            event: dict[str, Any] = json.loads(await self.socket.recv())
            if event["type"] != "heartbeat":
                self.events.append(event)
                return event

    async def until(self, *types: str) -> dict[str, Any]:
        """The next event of one of these types."""
        while (event := await self.hear())["type"] not in types:
            pass
        return event

    async def error(self) -> dict[str, Any]:
        """The next event, which must be an error."""
        event = await self.hear()
        assert event["type"] == "error", event
        found: dict[str, Any] = event["error"]
        return found

    @property
    def types(self) -> list[str]:
        """Of all events so far; deltas that follow each other only once."""
        deltas: list[str] = []
        for event in self.events:
            is_delta = event["type"].endswith(".delta")
            if not (is_delta and event["type"] in deltas[-3:]):
                deltas.append(event["type"])
        return deltas


@asynccontextmanager
async def bare_call(sandbox: Sandbox, **session: Any) -> AsyncIterator[Bare]:
    """A call that is set up, its first two events already heard."""
    url = sandbox.base_url.replace("http", "ws") + "/realtime"
    async with connect(url, additional_headers={"Authorization": f"Bearer {sandbox.key}"}, max_queue=None, proxy=None) as socket:
        call = Bare(socket)
        assert (await call.hear())["type"] == "session.created"
        await call.say("session.update", session={"input_audio_format": "pcm16", **session})
        await call.hear()
        yield call
