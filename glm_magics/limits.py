"""How many requests may be in flight: found out from the server's own refusals, shared by all calls of the kernel.

The vendor limits requests in flight per model and tier, and no header says how many (protocol reference 5.5).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from .catalog import find_model
from .providers import Provider

START = 8
"""Requests in flight to begin with."""

DEFAULT_CEILING = 64
"""Requests in flight at a server that never refuses one, and of whose limits no page speaks."""

MIN_JUDGED = 40
STRAY_SHARE = 0.12
STEP = 0.3
MAX_STEP_SHARE = 0.1
MAX_REST_S = 5.0


@dataclass(frozen=True, slots=True)
class Share:
    """The rule: one more for every answer until the first wall; then judge by the share that was refused.

    A few refusals are chance, so the share of at least `MIN_JUDGED` replies counts: above `STRAY_SHARE` the limit is cut by that
    share, else it grows, by `STEP` first and twice as much each time that nothing is in the way. (The textbook rule, halve at
    each refusal, collapses under stray ones.)

    Attributes:
        limit: requests that may be in flight.
        ceiling: the most that is ever tried.
        has_met_wall: a window of replies was refused too often before.
        step: the next growth after that.
        n_answered, n_refused: in the window that is not judged yet.
    """

    limit: float = START
    ceiling: float = 500
    has_met_wall: bool = False
    step: float = STEP
    n_answered: int = 0
    n_refused: int = 0

    def after(self, is_refused: bool) -> Share:
        """The state after one more reply."""
        n_refused = self.n_refused + is_refused
        n_answered = self.n_answered + (not is_refused)
        n = n_refused + n_answered
        is_crowded = n_refused > STRAY_SHARE * max(n, MIN_JUDGED)
        is_growing = not (self.has_met_wall or is_refused or is_crowded)
        limit = min(self.limit + is_growing, self.ceiling)
        if n < max(MIN_JUDGED, int(self.limit)):
            return replace(self, limit=limit, n_answered=n_answered, n_refused=n_refused)
        if is_crowded:
            return Share(max(1.0, self.limit * (1 - n_refused / n)), self.ceiling, has_met_wall=True)
        if not self.has_met_wall:
            return Share(limit, self.ceiling)
        step = min(2 * self.step, max(STEP, MAX_STEP_SHARE * limit))
        return Share(min(limit + self.step, self.ceiling), self.ceiling, True, step)


class Limiter:
    """Slots for requests to one model of one server; safe between threads.

    A slot whose request was refused rests for as long as an answer takes on average: refusals come fast, and a slot that went
    round at their pace would hammer the server and make its refusals look like the greater share.

    Args:
        share: where the rule begins.
        is_fixed: the limit is known and stays.
        clock: seconds, from any beginning.
    """

    def __init__(
        self, share: Share | None = None, *, is_fixed: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._share = share or Share()
        self._is_fixed = is_fixed
        self._clock = clock
        self._n_in_flight = 0
        self._mean_s = 0.0
        self._resting: list[float] = []
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return max(1, int(self._share.limit))

    @property
    def n_in_flight(self) -> int:
        """Requests that are in flight now."""
        return self._n_in_flight

    def take(self, timeout_s: float) -> bool:
        """Waits for a slot; False when there was none in time."""
        until_s = self._clock() + timeout_s
        with self._changed:
            while True:
                now_s = self._clock()
                self._resting = [end_s for end_s in self._resting if end_s > now_s]
                if self._n_in_flight + len(self._resting) < self.limit:
                    self._n_in_flight += 1
                    return True
                if now_s >= until_s:
                    return False
                self._changed.wait(min([until_s, *self._resting]) - now_s)

    def give(self, is_refused: bool | None, took_s: float = 0.0, rest_s: float = 0.0) -> None:
        """Returns a slot.

        Args:
            is_refused: the server said that there were too many; None: it said nothing about that.
            took_s: from sending to the answer.
            rest_s: how long the server asks to wait, where it refused.
        """
        with self._changed:
            self._n_in_flight -= 1
            if is_refused:
                self._resting.append(self._clock() + max(rest_s, min(self._mean_s, MAX_REST_S)))
            elif is_refused is not None:
                self._mean_s += (took_s - self._mean_s) * (0.1 if self._mean_s else 1.0)
            if is_refused is not None and not self._is_fixed:
                self._share = self._share.after(is_refused)
            self._changed.notify_all()


class Limits:
    """The limiters of one kernel, a limiter for each server and model."""

    def __init__(self) -> None:
        self._limiters: dict[tuple[Hashable, int], Limiter] = {}
        self._lock = threading.Lock()

    def of_model(self, provider: Provider, model: str, n_fixed: int = 0) -> Limiter:
        """The limiter for all requests to `model` of `provider`: limits are for each model (protocol reference 5.5)."""
        row = None if provider.is_self_hosted else find_model(model)
        ceiling = row.most_in_flight if row is not None else None
        return self.find((provider.base_url, model), ceiling or DEFAULT_CEILING, n_fixed)

    def find(self, key: Hashable, ceiling: int, n_fixed: int = 0) -> Limiter:
        """The limiter for `key`, made at the first need; `n_fixed` is the user's own number, 0 means "find out"."""
        with self._lock:
            limiter = self._limiters.get((key, n_fixed))
            if limiter is None:
                share = Share(n_fixed, n_fixed) if n_fixed else Share(min(START, ceiling), ceiling)
                limiter = self._limiters[key, n_fixed] = Limiter(share, is_fixed=bool(n_fixed))
            return limiter
