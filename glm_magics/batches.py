"""Many batches of texts to one server: as many in flight as it takes, failures tried again, a failing batch split.

Threads send; what comes back goes into one list, which the caller empties. Nothing here keeps or shows anything.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import APIError, BadRequestError, GLMError
from .limits import Limiter
from .posting import Attempt
from .retries import MAX_WAIT_S, RetryPolicy
from .vectorwire import Vectors, read_vectors

MAX_REFUSALS = 40
"""A batch that was refused this often for want of room gives up; each time it waits longer."""

HOPELESS, HOPELESS_REFUSALS = 3, 150
"""So many failed batches in a row, or refusals where nothing was ever answered, and nothing more is sent.

A batch of 64 bad texts takes 127 refusals to be known as such.
"""

_PARAMETERS = {
    "dimension": "Ask for other `dimensions`, or leave them out.",
    "encoding_format": "Connect with `--kind litellm`, which asks for vectors as plain numbers.",
}
"""What a refusal names that is about no text, and what to do then."""

_PARAMETER_CODES = {"1210", "1214"}
_WHOLE_REQUEST_CODES = {"1211", "1212", "1213", "1215", "1221", "1222"}
"""Bad requests whichever the texts: the model, the way of calling, a field."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Texts that travel together.

    Attributes:
        places: which texts these are, for the caller.
        n_tries, n_refusals: so far, without success.
    """

    places: Sequence[int]
    texts: Sequence[str]
    n_tries: int = 0
    n_refusals: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an errand: vectors for some of its texts, and an error for the others, which are given up."""

    errand: Errand
    vectors: Vectors | None = None
    error: GLMError | None = None
    failed: Sequence[int] = field(default=())
    is_fatal: bool = False


class BatchSender:
    """Sends errands until all have an outcome; used once.

    Args:
        send: one try of a request body.
        build_body: the body for texts.
        limiter: how many may be in flight.
        policy: how often to try again, and how patiently.
        width: numbers that each vector must have; None takes the first answer's.
        has_odd_dimensions: the model documents no such number of them.
    """

    def __init__(
        self,
        send: Callable[[Mapping[str, Any]], Attempt],
        build_body: Callable[[Sequence[str]], Mapping[str, Any]],
        limiter: Limiter,
        policy: RetryPolicy,
        width: int | None,
        has_odd_dimensions: bool = False,
    ) -> None:
        self._send = send
        self._build_body = build_body
        self._limiter = limiter
        self._policy = policy
        self.width = width
        self._has_odd_dimensions = has_odd_dimensions
        self._waiting: list[tuple[float, int, Errand]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._first_answer = threading.Lock()
        self._n_open = 0
        self._n_threads = 0
        self._n_failed_in_a_row = 0
        self._n_refused = 0
        self._has_answered = False
        self._is_stopped = False
        self._done: list[Outcome] = []
        self._n_taken = 0
        self._came: queue.SimpleQueue[None] = queue.SimpleQueue()

    @property
    def n_open(self) -> int:
        """Errands whose outcome was not taken yet."""
        return self._n_open - self._n_taken

    def add(self, errands: Sequence[Errand]) -> None:
        """More to send."""
        self._queue(errands, 0.0, n_new=len(errands))
        self._hire()

    def _queue(self, errands: Sequence[Errand], wait_s: float, n_new: int = 0) -> None:
        due_s = time.monotonic() + wait_s
        with self._changed:
            self._n_open += n_new
            if self._is_stopped:
                self._n_open -= len(errands)
                return
            for errand in errands:
                heapq.heappush(self._waiting, (due_s, next(self._numbers), errand))
            self._changed.notify(len(errands))

    def _hire(self) -> None:
        """A thread for each slot that there is, but no more than there are errands."""
        while self._n_threads < min(self._limiter.limit, self.n_open) and not self._is_stopped:
            self._n_threads += 1
            threading.Thread(target=self._work, name="glm-embed", daemon=True).start()

    def take(self, timeout_s: float) -> list[Outcome]:
        """What has come; waits for the first outcome, at most `timeout_s`.

        ■ may come at any call in here, and all that came is still there for the next time.
        """
        self._hire()
        with self._changed:
            self._n_open -= self._n_taken
            del self._done[: self._n_taken]
            self._n_taken = 0
        until_s = time.monotonic() + timeout_s
        with suppress(queue.Empty):
            while not self._done:
                self._came.get(timeout=max(0.0, until_s - time.monotonic()))
        outcomes = self._done[:]
        n_taken = len(outcomes)
        self._n_taken = n_taken  # from here to where the caller keeps them nothing is called
        return outcomes

    def stop(self) -> None:
        """Sends nothing more; what is in flight still comes."""
        with self._changed:
            self._is_stopped = True
            self._n_open -= len(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()

    # In the threads

    def _work(self) -> None:
        while (errand := self._next()) is not None:
            try:
                outcome = self._run(errand)
            except GLMError as error:
                outcome = Outcome(errand, None, error, errand.places, True)
            except BaseException as error:  # a defect must not leave the caller waiting
                failure = GLMError(f"Sending failed: {type(error).__name__}: {error}.", "Please report this.")
                outcome = Outcome(errand, None, failure, errand.places, True)
            if outcome is not None:
                if outcome.is_fatal:  # here and not where it is taken: meanwhile others would be sent
                    self.stop()
                self._done.append(outcome)
                self._came.put(None)

    def _next(self) -> Errand | None:
        """The next errand that is due, with a slot taken for it; None when nothing more is to be sent."""
        errand = self._pop()
        while errand is not None and not self._limiter.take(0.2):
            if self._is_stopped:
                with self._changed:
                    self._n_open -= 1
                return None
        return errand

    def _pop(self) -> Errand | None:
        with self._changed:
            while not self._is_stopped:
                wait_s = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(wait_s)
        return None

    def _run(self, errand: Errand) -> Outcome | None:
        """One try; None when the errand, or what is left of it, waits for another one."""
        verdict: bool | None = None
        attempt = Attempt(None)
        try:
            attempt = self._send(self._build_body(errand.texts))
            verdict = True if attempt.is_crowded else False if attempt.payload is not None else None
        finally:
            self._limiter.give(verdict, attempt.took_s, attempt.retry_after_s)
        if attempt.payload is not None:
            return self._read(errand, attempt.payload)
        assert attempt.error is not None
        if isinstance(attempt.error, BadRequestError) and "--dry-run" in attempt.error.way_out:  # which `%%glm` has
            attempt.error.way_out = "Look at these texts, `model` and `dimensions`."
            if way_out := self._fault_of_parameters(errand, attempt.error):
                attempt.error.way_out = way_out
                return Outcome(errand, None, attempt.error, errand.places, True)
        if attempt.is_crowded:
            return self._come_again(errand, attempt.error, attempt.retry_after_s)
        if attempt.is_retryable:
            return self._try_again(errand, attempt.error, attempt.retry_after_s)
        if isinstance(attempt.error, BadRequestError) and attempt.error.code not in _WHOLE_REQUEST_CODES:
            return self._split(errand, attempt.error)
        return Outcome(errand, None, attempt.error, errand.places, True)

    def _read(self, errand: Errand, payload: Mapping[str, Any]) -> Outcome | None:
        with self._first_answer if self.width is None else nullcontext():  # it says the width of all others
            vectors = read_vectors(payload, len(errand.texts), self.width)
            self.width = self.width or vectors.width or None
        if self._is_of_other_width(vectors):
            return Outcome(errand, None, self._width_error(vectors.width), errand.places, True)
        bad = [n for n, is_usable in enumerate(vectors.is_usable.tolist()) if not is_usable]
        if len(bad) < len(errand.places):
            self._n_failed_in_a_row, self._has_answered = 0, True
        if not bad:
            return Outcome(errand, vectors)
        places = [errand.places[n] for n in bad]
        if errand.n_tries >= self._policy.max_retries:
            said = "The server gave no usable vector: missing, of a wrong length, NaN or all zeros."
            return Outcome(errand, vectors, APIError(said, "Try again later, or leave these texts out."), places)
        rest = Errand(places, [errand.texts[n] for n in bad], errand.n_tries + 1)
        self._queue([rest], self._policy.wait_s(rest.n_tries, None), n_new=1)
        return Outcome(errand, vectors)

    def _is_of_other_width(self, vectors: Vectors) -> bool:
        """True where all vectors have another length; once there were right ones it is a slip, which another try may cure."""
        is_other = self.width is not None and vectors.width not in (0, self.width)
        return is_other and not self._has_answered and not vectors.is_usable.any()

    def _width_error(self, width: int) -> APIError:
        if "dimensions" in self._build_body([]):
            said = f"The server gives vectors of {width} numbers, not of the {self.width} that were asked for."
            return APIError(said, f"Ask for `dimensions={width}`; if it has given {self.width} before, run it again.")
        return APIError(
            f"The server gives vectors of {width} numbers, not of {self.width} as before.",
            "Another model may answer to this name now: `%glm_cache -m MODEL --remove` forgets the old vectors.",
        )

    def _come_again(self, errand: Errand, error: GLMError, retry_after_s: float) -> Outcome | None:
        """Too many at once: says nothing about the texts. The limiter paces; waiting only spreads those that meet it often."""
        if errand.n_refusals >= MAX_REFUSALS or retry_after_s > MAX_WAIT_S:
            return Outcome(errand, None, error, errand.places, True)
        wait_s = self._policy.wait_s(errand.n_refusals // 4, None) if errand.n_refusals >= 4 else 0.0
        self._queue([replace(errand, n_refusals=errand.n_refusals + 1)], max(wait_s, retry_after_s))
        return None

    def _try_again(self, errand: Errand, error: GLMError, retry_after_s: float) -> Outcome | None:
        if errand.n_tries >= self._policy.max_retries or retry_after_s > MAX_WAIT_S:
            return self._give_up(errand, error)
        again = replace(errand, n_tries=errand.n_tries + 1)
        self._queue([again], self._policy.wait_s(again.n_tries, retry_after_s))
        return None

    def _split(self, errand: Errand, error: GLMError) -> Outcome | None:
        """Halves, until the text is alone that the server does not take; unless it is plain that it takes none."""
        self._n_refused += 1
        if self._n_refused >= HOPELESS_REFUSALS and not self._has_answered:
            return Outcome(errand, None, error, errand.places, True)
        if len(errand.texts) == 1:
            return Outcome(errand, None, error, errand.places)
        middle = len(errand.texts) // 2
        halves = [Errand(errand.places[part], errand.texts[part]) for part in (slice(middle), slice(middle, None))]
        self._queue(halves, 0.0, n_new=1)
        return None

    def _give_up(self, errand: Errand, error: GLMError) -> Outcome:
        """A batch that failed for good. Where nothing else is answered either, nothing more is sent."""
        self._n_failed_in_a_row += 1
        return Outcome(errand, None, error, errand.places, self._n_failed_in_a_row >= HOPELESS)

    def _fault_of_parameters(self, errand: Errand, error: GLMError) -> str:
        """What to do about a refusal that is about a parameter; empty where it may be about a text, which a server may quote."""
        if self._has_answered:
            return ""
        if self._has_odd_dimensions and error.code in _PARAMETER_CODES:
            return _PARAMETERS["dimension"]
        said, texts = error.message.lower(), "\n".join(errand.texts).lower()
        return next((way_out for name, way_out in _PARAMETERS.items() if name in said and name not in texts), "")
