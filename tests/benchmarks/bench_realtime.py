"""What a call costs us: time, CPU and memory, beside a bare WebSocket loop with ``json.loads``.

``python -m tests.benchmarks realtime [seconds]``. The server is the sandbox in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from glm_magics.providers import Connection, Secret, sandbox_provider
from glm_magics.realtime import CallSetup, RealtimeSession
from glm_magics.realtime import client_events as say
from glm_magics.realtime.server_events import ResponseDone, read_event
from tests.calls import quiet, speech

FRAME = speech(0.1)
DELTA = json.dumps(
    {
        "event_id": "event" + "0" * 32, "type": "response.audio.delta", "client_timestamp": 1751857822985,
        "response_id": "resp" + "0" * 32, "item_id": "item" + "0" * 32, "output_index": 0, "content_index": 0,
        "delta": "AAAA" * 1600,
    }
)  # fmt: skip


@contextmanager
def sandbox_process(delay_s: float) -> Iterator[Connection]:
    command = [sys.executable, "-m", "glm_magics.sandbox.program", "--delay", str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            yield Connection(sandbox_provider(url), Secret("a.b"))
        finally:
            process.terminate()


def cost_of_values(n: int = 20_000) -> None:
    """CPU for one 100 ms frame out and one in, beside JSON alone."""
    event = say.AudioAppend(FRAME)
    rows = {
        "read an audio delta": lambda: read_event(DELTA),
        "  json.loads alone": lambda: json.loads(DELTA),
        "write an append": lambda: say.to_wire(event, "0" * 32, 1),
    }
    for name, work in rows.items():
        started = time.process_time()
        for _ in range(n):
            work()
        print(f"{name:22} {(time.process_time() - started) / n * 1e6:6.1f} us")


async def cpu_of_a_call(connection: Connection, seconds: float) -> None:
    """A call in real time: speech, pause, an answer; ten frames a second."""
    turn = [speech(0.1)] * 20 + [quiet(0.1)] * 30
    async with RealtimeSession(connection, CallSetup(vad="server")) as call:
        started_s, cpu_s, n = time.monotonic(), time.process_time(), 0
        while time.monotonic() - started_s < seconds:
            await call.append(turn[n % len(turn)])
            n += 1
            await asyncio.sleep(started_s + n * 0.1 - time.monotonic())
        wall_s = time.monotonic() - started_s
        share = (time.process_time() - cpu_s) / wall_s
        heard = sum(answer.audio_s for answer in call.conversation.answers)
        print(f"a call of {wall_s:.0f} s: {n} appends, {heard:.0f} s of answers heard, CPU {share:.2%} of a core")


async def round_trips(connection: Connection, n: int = 300) -> None:
    """From asking to the value of the reply, beside a bare socket with ``json.loads``."""
    from websockets.asyncio.client import connect

    ours, bare = [], []
    url = connection.provider.base_url.replace("http", "ws") + "/realtime"
    async with (
        RealtimeSession(connection, CallSetup(vad="client")) as call,
        connect(url, additional_headers={"Authorization": "Bearer a.b"}, compression=None, proxy=None) as socket,
    ):
        item = {"type": "message", "role": "user", "id": "item1", "content": [{"type": "input_text", "text": "hi"}]}
        await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await call.append(speech(0.1))
        await call.commit()
        item_id = (await call.__anext__()).raw.get("item_id", "")
        while not item_id:
            item_id = (await call.__anext__()).raw.get("item_id", "")
        for _ in range(n):
            started_s = time.perf_counter()
            await call.retrieve(item_id)
            ours.append(time.perf_counter() - started_s)
            started_s = time.perf_counter()
            await socket.send(json.dumps({"type": "conversation.item.retrieve", "item_id": "item1"}))
            while json.loads(await socket.recv())["type"] != "conversation.item.retrieved":
                pass
            bare.append(time.perf_counter() - started_s)
    for name, values in (("ours", ours), ("bare", bare)):
        median_ms, slow_ms = statistics.median(values) * 1e3, sorted(values)[int(0.95 * n)] * 1e3
        print(f"round trip, {name}: median {median_ms:.2f} ms, 95 % {slow_ms:.2f} ms")


async def long_call(connection: Connection, minutes: int = 30) -> None:
    """Thirty minutes as fast as they go; the memory of this process by the minute."""
    turn = speech(2.0) + quiet(8.0)
    started_s, sizes = time.monotonic(), []
    async with RealtimeSession(connection, CallSetup(vad="server")) as call:

        async def read() -> None:
            async for _ in call:
                pass

        reading = asyncio.create_task(read())
        tracemalloc.start()
        for n in range(minutes * 6):
            await call.append(turn)
            await call.wait_for(ResponseDone, 30)
            if n % 60 == 59:
                sizes.append(tracemalloc.get_traced_memory()[0] / 1e6)
        tracemalloc.stop()
        n_heard = call.conversation.n_heard
    await reading
    shown = ", ".join(f"{size:.1f}" for size in sizes)
    print(f"{minutes} minutes in {time.monotonic() - started_s:.0f} s, {n_heard} turns; MB after each ten: {shown}")


def main(arguments: list[str]) -> None:
    seconds = float(arguments[0]) if arguments else 20.0
    cost_of_values()
    with sandbox_process(0.0) as connection:
        asyncio.run(round_trips(connection))
        asyncio.run(long_call(connection))
    with sandbox_process(0.015) as connection:
        asyncio.run(cpu_of_a_call(connection, seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
