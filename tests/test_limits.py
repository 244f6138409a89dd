"""How many requests are let into flight, judged against a simulated vendor."""

from __future__ import annotations

import heapq
import io
import random
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_magics.display import TerminalPainter
from glm_magics.limits import Limiter, Limits, Share
from glm_magics.replies import Delta
from glm_magics.retries import Waiting
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

from .conftest import KEY
from .patience import PATIENCE_S


class Vendor:
    """Serves `cap` requests at a time, each for one second; refuses the rest, and some by chance, after a tenth of one."""

    def __init__(self, cap: int, stray: float = 0.0, ceiling: int = 500) -> None:
        self.cap, self.stray = cap, stray
        self.now_s = 0.0
        self.limiter = Limiter(Share(ceiling=ceiling), clock=lambda: self.now_s)

    def serve(self, n_requests: int) -> float:
        """The share of the ideal rate that was reached."""
        chance = random.Random(1)
        flights: list[tuple[float, bool, float]] = []
        left, n_serving = n_requests, 0
        while left or flights:
            while left and self.limiter.take(0):
                is_refused = n_serving >= self.cap or chance.random() < self.stray
                n_serving += not is_refused
                heapq.heappush(flights, (self.now_s + (0.1 if is_refused else 1.0), is_refused, self.now_s))
                left -= 1
            if not flights:
                self.now_s += 0.05
                continue
            end_s, is_refused, sent_s = heapq.heappop(flights)
            self.now_s = max(self.now_s, end_s)
            n_serving -= not is_refused
            left += is_refused
            self.limiter.give(is_refused, self.now_s - sent_s)
        return n_requests / self.cap / self.now_s


@pytest.mark.parametrize(
    ("cap", "stray", "least"),
    [
        pytest.param(50, 0.0, 0.75, id="v0"),
        pytest.param(50, 0.05, 0.60, id="v0-with-stray-refusals"),
        pytest.param(300, 0.0, 0.60, id="v2"),
        pytest.param(5, 0.0, 0.75, id="a-small-tier"),
        pytest.param(1, 0.0, 0.75, id="one-at-a-time"),
    ],
)
def test_the_rule_finds_the_vendors_limit(cap: int, stray: float, least: float) -> None:
    """4 000 requests, the limit unknown."""
    vendor = Vendor(cap, stray)
    assert vendor.serve(4000) >= least
    assert vendor.limiter.limit <= 2 * cap + 8


def test_it_stops_at_the_ceiling() -> None:
    """A server that refuses nothing is not flooded."""
    vendor = Vendor(10_000, ceiling=64)
    vendor.serve(4000)
    assert vendor.limiter.limit == 64


@given(st.lists(st.booleans(), max_size=500))
def test_the_limit_stays_in_its_range(replies: list[bool]) -> None:
    """Whatever the server answers."""
    share = Share(ceiling=50)
    for is_refused in replies:
        share = share.after(is_refused)
        assert 1 <= share.limit <= 50


def test_slots_are_never_more_than_the_limit() -> None:
    """Twenty threads, three slots."""
    limiter = Limits().find("x", 100, n_fixed=3)
    seen: list[int] = []

    def work() -> None:
        for _ in range(20):
            assert limiter.take(PATIENCE_S)
            seen.append(limiter.n_in_flight)
            limiter.give(False)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(seen) <= 3
    assert limiter.n_in_flight == 0
    assert limiter.limit == 3


def test_no_slot_in_time() -> None:
    """`take` gives up, and a slot that says nothing about crowding changes nothing."""
    limiter = Limiter(Share(1.0, 9))
    assert limiter.take(0)
    assert not limiter.take(0.01)
    limiter.give(None)
    assert limiter.limit == 1
    assert limiter.take(0)
    limiter.give(True, 0.0, rest_s=60)
    assert not limiter.take(0.01)


def test_calls_to_the_same_model_share_a_limiter() -> None:
    """And others do not."""
    limits = Limits()
    assert limits.find(("host", "embedding-3"), 500) is limits.find(("host", "embedding-3"), 500)
    assert limits.find(("host", "embedding-3"), 500) is not limits.find(("host", "embedding-2"), 500)


# Shared with every other call


@pytest.fixture
def session(fake: FakeGLM) -> Iterator[Session]:
    """At the vendor, where one request may be in flight."""
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY})
    session.config.max_in_flight = 1
    session.config.retry_wait = 0.0
    yield session
    session.close()


def limiter_of(session: Session, model: str) -> Limiter:
    return session.limits.of_model(session.connection.provider, model, session.config.max_in_flight)


CHAT = {"model": "glm-4.7", "messages": [{"role": "user", "content": "hi"}], "stream": True}


def test_a_chat_holds_its_slot_until_the_answer_is_out(session: Session) -> None:
    """And gives it back when it is left in the middle."""
    limiter = limiter_of(session, "glm-4.7")
    items = iter(session.client.stream_chat(CHAT))
    next(items)
    assert limiter.n_in_flight == 1
    assert limiter_of(session, "embedding-3").n_in_flight == 0
    for _ in items:
        pass
    assert limiter.n_in_flight == 0
    items = iter(session.client.stream_chat(CHAT))
    next(items)
    items.close()
    assert limiter.n_in_flight == 0


def test_a_chat_waits_for_others_to_end(session: Session, fake: FakeGLM) -> None:
    """It says so, and goes on at once when there is room."""
    limiter = limiter_of(session, "glm-4.7")
    assert limiter.take(0)
    items = iter(session.client.stream_chat(CHAT))
    waiting = next(items)
    assert isinstance(waiting, Waiting)
    assert waiting.reason == "1 at once is what this model takes; waiting for another answer to end…"
    assert fake.requests == []
    threading.Timer(0.05, limiter.give, [None]).start()
    assert "".join(item.content for item in items) == "Hello!"
    out = io.StringIO()
    TerminalPainter(out).wait(waiting)
    assert out.getvalue() == f"{waiting.reason}\n"


def test_who_waits_can_be_stopped(session: Session, fake: FakeGLM) -> None:
    """Nothing is sent then, and no slot is taken."""
    limiter = limiter_of(session, "glm-4.7")
    assert limiter.take(0)
    stream = session.client.stream_chat(CHAT)
    items = iter(stream)
    next(items)
    stream.abort()
    assert list(items) == []
    limiter.give(None)
    assert (limiter.n_in_flight, fake.requests) == (0, [])


@pytest.mark.parametrize(
    ("status", "code", "n_refused"),
    [
        pytest.param(429, "1302", 1, id="too many at once"),
        pytest.param(429, "1305", 1, id="too many of all users"),
        pytest.param(500, "1234", 0, id="broken: says nothing of that"),
    ],
)
def test_a_refused_chat_counts_for_the_limit(session: Session, fake: FakeGLM, status: int, code: str, n_refused: int) -> None:
    """Chats find out with the others what the server takes."""
    session.config.max_in_flight = 0
    limiter = limiter_of(session, "glm-4.7")
    fake.error(status, code)
    fake.reply("at last")
    assert [item.content for item in session.client.stream_chat(CHAT) if isinstance(item, Delta) and item.content]
    assert (limiter._share.n_refused, limiter._share.n_answered) == (n_refused, 1)
    assert limiter.n_in_flight == 0


def test_vectors_and_chats_with_one_model_share_its_slots(session: Session, fake: FakeGLM) -> None:
    """On a server of one's own, one model may do both."""
    session.connect("http://models.test/v1")
    limiter = limiter_of(session, "both")
    assert limiter.take(0)
    stream = iter(session.client.stream_chat({**CHAT, "model": "both"}))
    assert isinstance(next(stream), Waiting)
    threading.Timer(0.05, limiter.give, [None]).start()
    assert session.corpus.embed(["a"], model="both").shape == (1, 8)
    assert all(isinstance(item, Delta) for item in stream)


@pytest.mark.parametrize(
    ("model", "ceiling"),
    [
        pytest.param("embedding-3", 500, id="documented"),
        pytest.param("glm-4.5v", 150, id="tiers beyond V3"),
        pytest.param("glm-9", 64, id="unknown"),
    ],
)
def test_nothing_above_the_highest_tier_is_tried(session: Session, model: str, ceiling: int) -> None:
    """The catalogue's limits, where it has any."""
    session.config.max_in_flight = 0
    assert limiter_of(session, model)._share.ceiling == ceiling
