"""How many requests are let into flight, judged against a simulated vendor."""

from __future__ import annotations

import heapq
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_magics.limits import Limiter, Limits, Share


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
            assert limiter.take(10)
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
