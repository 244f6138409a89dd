"""What a turn of a long chat costs beyond the server's time: turn 500 beside turn 1, in memory and saved to disk.

``python -m tests.benchmarks chats [turns]``. Asked of a scripted vendor without a socket; the alternative is a plain list of
messages, sent by the same client.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from typing import Any

from glm_magics.options import Options
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

_TEXT = "A paragraph of the length of an ordinary answer, about its own length, again and again. " * 12
_AROUND = 20


def main(arguments: list[str]) -> None:
    n_turns = int(arguments[0]) if arguments else 500
    for is_saved in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            times_s = _chat(n_turns, folder, is_saved)
        first, last = statistics.median(times_s[1:_AROUND]), statistics.median(times_s[-_AROUND:])
        name = "saved to disk" if is_saved else "in memory"
        print(f"chat, {name:14} first turns {1000 * first:6.2f} ms, turn {n_turns} {1000 * last:6.2f} ms, {_added(first, last)}")
    times_s = _plain_list(n_turns)
    first, last = statistics.median(times_s[1:_AROUND]), statistics.median(times_s[-_AROUND:])
    print(f"a list of messages   first turns {1000 * first:6.2f} ms, turn {n_turns} {1000 * last:6.2f} ms, {_added(first, last)}")


def _added(first_s: float, last_s: float) -> str:
    return f"{1000 * (last_s - first_s):.2f} ms more"


def _session(folder: str) -> Session:
    fake = FakeGLM()
    fake.frames(*_frames())
    session = Session(transport=fake, environment={"ZAI_API_KEY": "id.secret"})
    session.config.folder = folder
    return session


def _frames() -> list[bytes]:
    from glm_magics.testing import sse_frame

    usage = {"prompt_tokens": 1000, "completion_tokens": 250, "total_tokens": 1250}
    final = {"id": "i", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    return [sse_frame({"id": "i", "choices": [{"index": 0, "delta": {"content": _TEXT}}]}), sse_frame(final), sse_frame("[DONE]")]


def _chat(n_turns: int, folder: str, is_saved: bool) -> list[float]:
    session = _session(folder)
    times_s = []
    for n in range(n_turns):
        started_s = time.perf_counter()
        session.ask([_TEXT], Options(chat="long"))
        times_s.append(time.perf_counter() - started_s)
        if is_saved and not n:
            session.chats.save("long")
        session.transport.requests.clear()  # type: ignore[union-attr]  # the fake keeps every body
    return times_s


def _plain_list(n_turns: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        session = _session(folder)
        messages: list[dict[str, Any]] = []
        times_s = []
        for _ in range(n_turns):
            started_s = time.perf_counter()
            messages.append({"role": "user", "content": _TEXT})
            text = "".join(
                getattr(item, "content", "") for item in session.client.stream_chat({"model": "m", "messages": messages})
            )
            messages.append({"role": "assistant", "content": text})
            times_s.append(time.perf_counter() - started_s)
            session.transport.requests.clear()  # type: ignore[union-attr]
    return times_s


if __name__ == "__main__":
    main([])
