"""Following an answer: ■ stops it at once, a cut keeps what came."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from glm_magics.client import GLMClient
from glm_magics.display import QuietPainter
from glm_magics.errors import AuthenticationError, CutShortError, Interrupted
from glm_magics.live import Pump, follow
from glm_magics.providers import PROVIDERS, Connection, Secret, server_provider
from glm_magics.requests import ChatRequest
from glm_magics.retries import RetryPolicy
from glm_magics.testing import FakeGLM, sse_frame

from .conftest import KEY
from .patience import AT_ONCE_S, PATIENCE_S
from .wire import BODY, content, press_stop, stall


class Listener(QuietPainter):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.threads: set[threading.Thread] = set()

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self.threads.add(threading.current_thread())

    def start(self, model: str) -> None:
        self._tell("start")

    def wait(self, waiting) -> None:
        self._tell("wait")

    def finish(self, *what) -> None:
        self._tell(f"finish {what[-1].ending}".strip())

    def abandon(self) -> None:
        self._tell("abandon")


def stream(fake: FakeGLM | None, provider=PROVIDERS["zai"]):
    return GLMClient(Connection(provider, Secret(KEY)), transport=fake, retry=RetryPolicy(base_s=0.0)).stream_chat(BODY)


@pytest.fixture
def never():
    """An event that is set only after the test, so that no thread waits for ever."""
    event = threading.Event()
    yield event
    event.set()


def test_an_answer_is_followed_to_its_end(fake: FakeGLM) -> None:
    """The whole reply; painted from the thread that asked."""
    fake.reply("Four.", thinking="2 + 2")
    painter = Listener()
    reply = follow(Pump(stream(fake)), painter, ChatRequest("glm-4.7", ()))
    assert (reply.text, reply.thinking, reply.ending, reply.is_complete) == ("Four.", "2 + 2", "", True)
    assert 0 <= reply.first_token_s <= reply.elapsed_s < 5
    assert painter.told == ["start", "finish"]
    assert painter.threads == {threading.current_thread()}


def test_stop_keeps_what_came(fake: FakeGLM, never) -> None:
    """■ while the stream stalls: over at once, the text stays, marked stopped, the handler is the old one again."""
    before = signal.getsignal(signal.SIGINT)
    fake.frames(content("Begun "), content("well"), lambda: threading.Timer(0.05, press_stop).start(), lambda: never.wait(20))
    painter = Listener()
    started_s = time.monotonic()
    with pytest.raises(Interrupted) as caught:
        follow(Pump(stream(fake)), painter, ChatRequest("glm-4.7", ()))
    assert time.monotonic() - started_s < AT_ONCE_S
    reply = caught.value.reply
    assert (reply.text, reply.ending, reply.is_complete, reply.finish_reason) == ("Begun well", "stopped", False, None)
    assert painter.told == ["start", "finish stopped"]
    assert signal.getsignal(signal.SIGINT) is before


def test_stop_before_the_first_token(fake: FakeGLM, never) -> None:
    """Nothing had come; still one exception, no hang."""
    fake.frames(lambda: threading.Timer(0.05, press_stop).start(), lambda: never.wait(20))
    with pytest.raises(Interrupted) as caught:
        follow(Pump(stream(fake)), Listener(), ChatRequest("glm-4.7", ()))
    assert caught.value.reply.text == ""


def test_stop_during_a_wait_for_another_try(fake: FakeGLM) -> None:
    """The pause of a minute ends at once and nothing is sent again."""
    fake.error(429, {"error": {"code": "1302", "message": "slow"}}, {"retry-after": "50"})

    class Presser(Listener):
        def wait(self, waiting) -> None:
            super().wait(waiting)
            threading.Timer(0.05, press_stop).start()

    painter = Presser()
    started_s = time.monotonic()
    with pytest.raises(Interrupted):
        follow(Pump(stream(fake)), painter, ChatRequest("glm-4.7", ()))
    assert time.monotonic() - started_s < AT_ONCE_S
    assert len(fake.requests) == 1
    assert painter.told[:2] == ["start", "wait"]


def test_stop_closes_the_connection(loopback) -> None:
    """On a real socket: the server sees it and the cell is free; the stalled answer has no end."""
    server = loopback(stall)
    pressed_s: list[float] = []

    def press() -> None:
        pressed_s.append(time.monotonic())
        press_stop()

    threading.Timer(0.1, press).start()
    with pytest.raises(Interrupted) as caught:
        follow(Pump(stream(None, server_provider(server.url))), Listener(), ChatRequest("m", ()))
    freed_s = time.monotonic()
    assert caught.value.reply.text == "Begun"
    assert server.is_closed.wait(PATIENCE_S)
    assert server.closed_s[0] - pressed_s[0] < AT_ONCE_S
    assert freed_s - pressed_s[0] < AT_ONCE_S


def test_a_second_stop_is_an_ordinary_interrupt(fake: FakeGLM, never) -> None:
    """Should the painting itself hang, the next ■ breaks it."""
    fake.frames(content("a"), lambda: threading.Timer(0.05, press_stop).start(), lambda: time.sleep(0.3))

    class Hanging(Listener):
        def finish(self, *what) -> None:
            threading.Timer(0.05, press_stop).start()
            never.wait(20)

    started_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        follow(Pump(stream(fake)), Hanging(), ChatRequest("m", ()))
    assert time.monotonic() - started_s < AT_ONCE_S


def test_a_cut_keeps_what_came(fake: FakeGLM) -> None:
    """The error carries the reply, marked cut short."""
    fake.frames(content("Half"))
    painter = Listener()
    with pytest.raises(CutShortError) as caught:
        follow(Pump(stream(fake)), painter, ChatRequest("m", ()))
    reply = caught.value.reply
    assert (reply.text, reply.ending, reply.is_complete) == ("Half", "cut short", False)
    assert caught.value.request_id == "i"
    assert painter.told == ["start", "finish cut short"]


def test_a_failed_inference_is_a_cut(fake: FakeGLM) -> None:
    """The vendor reports it as a finish reason."""
    fake.frames(
        content("Half"),
        sse_frame({"choices": [{"index": 0, "finish_reason": "network_error", "delta": {}}]}),
        b"data: [DONE]\n\n",
    )
    with pytest.raises(CutShortError, match="inference broke off") as caught:
        follow(Pump(stream(fake)), Listener(), ChatRequest("m", ()))
    assert caught.value.reply.text == "Half"


@pytest.mark.parametrize("finish_reason", ["length", "sensitive", "model_context_window_exceeded"])
def test_other_endings_are_replies(fake: FakeGLM, finish_reason: str) -> None:
    """Not whole, and no error either: the footer says why."""
    fake.reply("So far", finish_reason=finish_reason)
    reply = follow(Pump(stream(fake)), Listener(), ChatRequest("m", ()))
    assert (reply.finish_reason, reply.is_complete) == (finish_reason, False)


def test_a_refusal_shows_that_there_is_no_answer(fake: FakeGLM) -> None:
    """No reply on the error."""
    fake.error(401)
    painter = Listener()
    with pytest.raises(AuthenticationError) as caught:
        follow(Pump(stream(fake)), painter, ChatRequest("m", ()))
    assert caught.value.reply is None
    assert painter.told == ["start", "abandon"]


def test_an_error_in_painting_stops_the_stream(fake: FakeGLM, never) -> None:
    """The connection does not go on behind the user's back."""

    class Failing(Listener):
        def paint(self, fold, now_s: float) -> float:
            raise RuntimeError("no output area")

    asked = stream(fake)
    fake.frames(content("a"), lambda: never.wait(20))
    with pytest.raises(RuntimeError, match="no output area"):
        follow(Pump(asked), Failing(), ChatRequest("m", ()))
    assert asked.is_aborted


def test_outside_of_the_main_thread_it_works_as_well(fake: FakeGLM) -> None:
    """No signal handler there, no complaint either."""
    fake.reply("From a thread.")
    texts: list[str] = []
    thread = threading.Thread(target=lambda: texts.append(follow(Pump(stream(fake)), Listener(), ChatRequest("m", ())).text))
    thread.start()
    thread.join(PATIENCE_S)
    assert texts == ["From a thread."]
