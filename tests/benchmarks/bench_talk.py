"""What a call in a widget costs: from mouth to ear, gaps, CPU and memory, with a real page in a real JupyterLab.

``python -m tests.benchmarks talk [seconds]``. From mouth to ear the server is an echo: it says each word again after a time of
its own, which is not counted; it differs from word to word, for no server keeps step with our frames. CPU is of turns: the user
speaks, the assistant answers, and both are read along.
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
from tests.ears import TAP, at_rate, likeness, loud_spans, open_listening_browser, spoken, tapped, write_microphone
from tests.ears import quiet as silence
from tests.lab import LabPage, run_server, write_notebook

JITTERS_S = (0.0, 0.05)
FRAME = 1600
SENTENCE_S = 4.0
TONE = (0.3 * 32767 * np.sin(2 * np.pi * 400 * np.arange(2400) / 24_000)).astype("<i2").tobytes()


class Server:
    """A Realtime server in a thread of its own, for one call at a time.

    Attributes:
        url: where it is.
    """

    def __init__(self) -> None:
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
        say: asyncio.Queue[tuple[float, dict[str, Any]]] = asyncio.Queue()
        sender = asyncio.create_task(self._send(socket, say))
        self._tell(say, "session.created")
        async for text in socket:
            event = json.loads(text)
            if event["type"] == "session.update":
                self._tell(say, "session.updated")
                self._tell(say, "response.created", response={"id": "r", "status": "in_progress"})
            elif event["type"] == "input_audio_buffer.append":
                heard = np.frombuffer(base64.b64decode(event["audio"]), "<i2")
                for start in range(0, len(heard), FRAME):
                    self._hear(heard[start : start + FRAME], say)
        sender.cancel()

    def _hear(self, frame: Any, say: Any) -> None:
        """What to do about 100 ms."""
        raise NotImplementedError

    def _tell(self, say: Any, kind: str, due_s: float = 0.0, **fields: Any) -> None:
        say.put_nowait((due_s, {"type": kind, **fields}))

    async def _send(self, socket: Any, say: Any) -> None:
        while True:
            due_s, event = await say.get()
            await asyncio.sleep(due_s - time.monotonic())
            await socket.send(json.dumps(event))


class Echo(Server):
    """Says each word that it hears again, up to 100 ms later.

    Attributes:
        words: of each word when it was said, by the clock of the day, and how long it had been kept back, in seconds.
    """

    def __init__(self) -> None:
        self.words: list[tuple[float, float]] = []
        self._is_word = False
        super().__init__()

    def _hear(self, frame: Any, say: Any) -> None:
        is_loud = bool(np.abs(frame).max() > 200)
        if is_loud and not self._is_word:
            kept_s = random.uniform(0, 0.1)
            self.words.append((time.time() + kept_s, kept_s))
        if is_loud:
            self._tell(
                say, "response.audio.delta", time.monotonic() + self.words[-1][1], response_id="r", delta=spoken_again(frame)
            )
        elif self._is_word:
            self._tell(say, "response.audio.done", response_id="r")
        self._is_word = is_loud


class Tone(Server):
    """A steady tone for a minute, each 100 ms of it up to `jitter_s` late: a gap in it is a gap."""

    def __init__(self, jitter_s: float) -> None:
        self._jitter_s, self._is_begun = jitter_s, False
        super().__init__()

    def _hear(self, frame: Any, say: Any) -> None:
        if self._is_begun:
            return
        self._is_begun, start_s = True, time.monotonic()
        for n in range(600):
            due_s = start_s + n / 10 + random.uniform(0, self._jitter_s)
            self._tell(say, "response.audio.delta", due_s, response_id="r", delta=base64.b64encode(TONE).decode())


class Turns(Server):
    """Answers half a second after the user has finished: for `SENTENCE_S`, at the pace at which it sounds, with its words."""

    def __init__(self) -> None:
        self._n_quiet, self._is_heard = 0, False
        super().__init__()

    def _hear(self, frame: Any, say: Any) -> None:
        self._n_quiet = 0 if np.abs(frame).max() > 200 else self._n_quiet + 1
        self._is_heard = self._is_heard or not self._n_quiet
        if not self._is_heard or self._n_quiet < 5:
            return
        self._is_heard, key, start_s = False, f"r{time.monotonic_ns()}", time.monotonic()
        self._tell(say, "conversation.item.input_audio_transcription.completed", item_id=f"i{key}", transcript="What I said.")
        self._tell(say, "response.created", response={"id": key, "status": "in_progress"})
        for n in range(round(SENTENCE_S * 10)):
            self._tell(say, "response.audio_transcript.delta", start_s + n / 10, response_id=key, delta="word ")
            self._tell(say, "response.audio.delta", start_s + n / 10, response_id=key, delta=base64.b64encode(TONE).decode())
        self._tell(say, "response.audio.done", response_id=key)
        self._tell(say, "response.done", response={"id": key, "status": "completed"})


def spoken_again(heard: Any) -> str:
    return base64.b64encode(at_rate(heard, 16_000, 24_000).astype("<i2").tobytes()).decode()


SETUP = """
import time
from glm_magics.providers import Connection, Secret, sandbox_provider
from glm_magics.voicecalls import Switchboard, open_call
call = open_call({{"is_interruptible": False}}, (), lambda: Connection(sandbox_provider({url!r}), Secret("a.b")), Switchboard())
call
"""


@contextmanager
def calling(
    lab_url: str, folder: Path, browser: Any, server: Server, name: str, *, is_tapped: bool = True
) -> Iterator[tuple[Any, LabPage]]:
    """A page in a call with `server`; listened to, which has its price, if `is_tapped`."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    if is_tapped:
        page.add_init_script(TAP)
    cpu = "print(time.process_time())"
    write_notebook(folder / f"{name}.ipynb", SETUP.format(url=server.url), cpu, cpu)
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


def mouth_to_ear(page: Any, echo: Echo, seconds: float) -> list[float]:
    """Of each word: from the microphone's samples to the loudspeaker's, less the server's own time, in milliseconds."""
    page.wait_for_timeout(1000 * seconds)
    rate_hz, out, mic = tapped(page)
    begun_s = page.evaluate("() => window.tap.begun_ms") / 1000
    delays_ms = []
    for start_s, end_s in loud_spans(mic, rate_hz):
        start, end = round(start_s * rate_hz), round(end_s * rate_hz)
        if start < 2 * rate_hz or len(mic) - end < rate_hz:
            continue
        how_like, at = likeness(out[start : end + rate_hz // 2], mic[start:end])
        said_s, kept_s = min(echo.words, key=lambda word: abs(word[0] - begun_s - start_s - at / rate_hz))
        if how_like > 0.9 and abs(said_s - begun_s - start_s - at / rate_hz) < 0.3:
            delays_ms.append(1000 * (at / rate_hz - kept_s))
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


def measure_words(folder: Path, seconds: float) -> None:
    """From mouth to ear, gaps, and the CPU of both sides speaking all the time."""
    words = [piece for word in ("one", "seven", "three", "nine") for piece in (spoken(word), silence(0.83))]
    recording = write_microphone(folder / "words.wav", *words)
    with run_server(folder) as url, open_listening_browser(recording) as browser:
        echo = Echo()
        with calling(url, folder, browser, echo, "echo") as (page, _):
            delays = mouth_to_ear(page, echo, 3 * seconds)
            print(
                f"mouth to ear, less the server's time: median {np.median(delays):.0f} ms, "
                f"95 % {np.percentile(delays, 95):.0f} ms of {len(delays)} words; 100 ms of it is the frame"
            )
        with calling(url, folder, browser, Echo(), "both", is_tapped=False) as (page, lab):
            kernel, page_share = cpu_of_a_call(page, lab, seconds)
            print(f"CPU, both sides speaking all the time: kernel {kernel:.1%} of a core, page {page_share:.1%}")
        for jitter_s in JITTERS_S:
            with calling(url, folder, browser, Tone(jitter_s), f"tone-{jitter_s}") as (page, _):
                gaps, length_s, made_s = gaps_ms(page, seconds)
                shown = ", ".join(f"{gap:.0f}" for gap in gaps[:8]) or "none"
                print(
                    f"up to {1000 * jitter_s:.0f} ms late: {len(gaps)} gaps in {length_s:.0f} s, "
                    f"longest, in ms: {shown}; {1000 * made_s:.0f} ms made up"
                )


def measure_turns(folder: Path, seconds: float) -> None:
    """CPU of a call in which one speaks after the other."""
    question = spoken("What is the weather like in Oslo today, and tomorrow?")
    recording = write_microphone(folder / "turns.wav", question, silence(6.0))
    with (
        run_server(folder) as url,
        open_listening_browser(recording) as browser,
        calling(url, folder, browser, Turns(), "turns", is_tapped=False) as (page, lab),
    ):
        kernel, page_share = cpu_of_a_call(page, lab, 2 * seconds)
        print(f"CPU of a call in turns: kernel {kernel:.1%} of a core, page {page_share:.1%}")


def main(arguments: list[str]) -> None:
    seconds = float(arguments[0]) if arguments else 20.0
    with tempfile.TemporaryDirectory() as name:
        measure_words(Path(name), seconds)
        measure_turns(Path(name), seconds)
    long_call()


if __name__ == "__main__":
    main(sys.argv[1:])
