"""What a call in a widget costs: from mouth to ear, gaps, CPU and memory, with a real page in a real JupyterLab.

``python -m tests.benchmarks talk [seconds]``. The server is an echo: what it hears it says again at once, so that its own time is
none; beside it stands the same echo within the page alone, without kernel and socket.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import resource
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from glm_magics.sandbox import Sandbox
from glm_magics.voicecalls import Switchboard, open_call
from tests.calls import connection_to, quiet, speech
from tests.ears import TAP, at_rate, likeness, open_listening_browser, spoken, tapped, write_microphone
from tests.ears import quiet as silence
from tests.lab import LabPage, run_server, write_notebook

ROOT = Path(__file__).resolve().parents[2]
JITTERS_S = (0.0, 0.05)
TONE = (0.3 * 32767 * np.sin(2 * np.pi * 400 * np.arange(2400) / 24_000)).astype("<i2").tobytes()


class Echo:
    """A Realtime server that says what it hears, each piece up to `jitter_s` late, in order; each word is an answer of its own.

    Args:
        says_tone: a steady tone in place of what it hears: a gap in it is a gap.
    """

    def __init__(self, jitter_s: float = 0.0, says_tone: bool = False) -> None:
        self._jitter_s, self._says_tone = jitter_s, says_tone
        self._ready = threading.Event()
        self.url = ""
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait(10)

    async def _serve(self) -> None:
        from websockets.asyncio.server import serve

        async with serve(self._talk, "127.0.0.1", 0) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._ready.set()
            await server.wait_closed()

    async def _talk(self, socket: Any) -> None:
        say: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        await socket.send('{"type": "session.created"}')
        sender = asyncio.create_task(self._send(socket, say))
        async for text in socket:
            event = json.loads(text)
            if event["type"] == "session.update":
                await socket.send('{"type": "session.updated"}')
                await socket.send('{"type": "response.created", "response": {"id": "r", "status": "in_progress"}}')
            elif event["type"] == "input_audio_buffer.append":
                heard = np.frombuffer(base64.b64decode(event["audio"]), "<i2")
                sound = TONE if self._says_tone else at_rate(heard, 16_000, 24_000).astype("<i2").tobytes()
                sound = sound if self._says_tone or np.abs(heard).max() > 200 else b""
                say.put_nowait((time.monotonic() + random.uniform(0, self._jitter_s), sound))
        sender.cancel()

    async def _send(self, socket: Any, say: asyncio.Queue[tuple[float, bytes]]) -> None:
        is_speaking = False
        while True:
            due_s, sound = await say.get()
            await asyncio.sleep(due_s - time.monotonic())
            kind, fields = "response.audio.delta", {"delta": base64.b64encode(sound).decode()}
            if not sound:
                kind, fields = "response.audio.done", {}
            if sound or is_speaking:
                await socket.send(json.dumps({"type": kind, "response_id": "r", **fields}))
            is_speaking = bool(sound)


SETUP = """
import time
from glm_magics.providers import Connection, Secret, sandbox_provider
from glm_magics.voicecalls import Switchboard, open_call
call = open_call({{"is_interruptible": False}}, (), lambda: Connection(sandbox_provider({url!r}), Secret("a.b")), Switchboard())
call
"""


@contextmanager
def calling(lab_url: str, folder: Path, browser: Any, echo: Echo, name: str) -> Iterator[tuple[Any, LabPage]]:
    """A page in a call with an echo."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.add_init_script(TAP)
    cpu = "print(time.process_time())"
    write_notebook(folder / f"{name}.ipynb", SETUP.format(url=echo.url), cpu, cpu)
    lab = LabPage(page, lab_url, f"{name}.ipynb")
    lab.run(0)
    page.get_by_role("button", name="Start the call").click()
    page.locator(".glm-talk[data-state='on']").wait_for()
    page.wait_for_timeout(2000)
    try:
        yield page, lab
    finally:
        page.get_by_role("button", name="Hang up").click()
        page.wait_for_timeout(500)
        page.close()


def mouth_to_ear(page: Any, seconds: float) -> list[float]:
    """Of each word: from the microphone's samples to the loudspeaker's, in milliseconds."""
    page.wait_for_timeout(1000 * seconds)
    rate_hz, out, mic = tapped(page)
    delays_ms = []
    for start in range(2 * rate_hz, len(mic) - 2 * rate_hz, rate_hz // 2):
        word = mic[start : start + rate_hz // 2]
        if np.abs(word).max() < 0.1:
            continue
        how_like, at = likeness(out[start : start + 2 * rate_hz], word)
        if how_like > 0.9:
            delays_ms.append(1000 * at / rate_hz)
    return delays_ms


def gaps_ms(page: Any, seconds: float) -> tuple[list[float], float, float]:
    """Pauses of more than 1 ms in a steady tone, how long it was, and how much was made up where pieces were late, in seconds."""
    page.wait_for_timeout(1000 * seconds)
    rate_hz, out, _ = tapped(page)
    loud = np.flatnonzero(np.abs(out) > 0.02)
    steps = np.diff(loud) / rate_hz * 1000
    return (
        sorted((float(step) for step in steps if step > 1), reverse=True),
        len(out) / rate_hz,
        page.evaluate("() => window.tap.made_s"),
    )


def renderers() -> dict[int, float]:
    """CPU seconds of Chromium's page processes."""
    found = {}
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        if "--type=renderer" in " ".join(process.info["cmdline"] or []):
            found[process.pid] = process.info["cpu_times"].user + process.info["cpu_times"].system
    return found


def cpu_of_a_call(page: Any, lab: LabPage, seconds: float) -> tuple[float, float]:
    """Shares of a core: the kernel, and the busiest page process."""
    lab.run(1)
    started_s, before = time.monotonic(), renderers()
    page.wait_for_timeout(1000 * seconds)
    wall_s, after = time.monotonic() - started_s, renderers()
    lab.run(2)
    kernel_s = float(lab.output_text(2)) - float(lab.output_text(1))
    return kernel_s / wall_s, max(after[pid] - before.get(pid, after[pid]) for pid in after) / wall_s


def long_call(minutes: int = 30) -> None:
    """Turns of ten seconds as fast as they go, without a page; the memory of this process by the ten minutes."""
    turn, sizes, started_s, t_ms = speech(2.0) + quiet(8.0), [], time.monotonic(), 0.0
    with Sandbox(chunk_delay_s=0) as sandbox:
        call = open_call({}, (), lambda: connection_to(sandbox), Switchboard())
        call.widget.send = lambda content, buffers=None: None

        def tell(type_: str, *buffers: bytes, **fields: Any) -> None:
            call.widget._handle_custom_msg({"type": type_, "page": "p", **fields}, list(buffers))

        tell("start")
        while call.state != "on":
            time.sleep(0.005)
        tracemalloc.start()
        for n in range(minutes * 6):
            for start in range(0, len(turn), 32_000):
                t_ms = (time.monotonic() - started_s) * 1000
                tell("sound", turn[start : start + 32_000], t_ms=t_ms)
            while len([a for a in call.conversation.answers if a.status != "in_progress"]) <= n:
                time.sleep(0.005)
            if n % 60 == 59:
                sizes.append(f"{tracemalloc.get_traced_memory()[0] / 1e6:.1f}")
        tracemalloc.stop()
        seconds, n_answers = call.audio.user.seconds, len(call.replies)
        call.stop()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall_s = time.monotonic() - started_s
    shown = ", ".join(sizes)
    print(f"{minutes} minutes in {wall_s:.0f} s: {n_answers} answers, {seconds:.0f} s heard; MB each ten minutes: {shown}")
    print(f"  peak of the process {peak_mb:.0f} MB")


def main(arguments: list[str]) -> None:
    seconds = float(arguments[0]) if arguments else 20.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [piece for word in ("one", "seven", "three", "nine") for piece in (spoken(word), silence(0.83))]
        recording = write_microphone(folder / "words.wav", *words)
        with run_server(folder, PYTHONPATH=str(ROOT)) as url, open_listening_browser(recording) as browser:
            with calling(url, folder, browser, Echo(), "echo") as (page, lab):
                kernel, page_share = cpu_of_a_call(page, lab, seconds)
                delays = mouth_to_ear(page, seconds)
                print(
                    f"mouth to ear, echo through kernel and socket: median {np.median(delays):.0f} ms, "
                    f"95 % {np.percentile(delays, 95):.0f} ms of {len(delays)} words; 100 ms of it is the frame"
                )
                print(f"CPU of a call in both directions at once: kernel {kernel:.1%} of a core, page {page_share:.1%}")
            for jitter_s in JITTERS_S:
                with calling(url, folder, browser, Echo(jitter_s, says_tone=True), f"tone-{jitter_s}") as (page, _):
                    gaps, length_s, made_s = gaps_ms(page, seconds)
                    shown = ", ".join(f"{gap:.0f}" for gap in gaps[:8]) or "none"
                    print(
                        f"up to {1000 * jitter_s:.0f} ms late: {len(gaps)} gaps in {length_s:.0f} s, "
                        f"longest, in ms: {shown}; {1000 * made_s:.0f} ms made up"
                    )
    long_call()


if __name__ == "__main__":
    main(sys.argv[1:])
