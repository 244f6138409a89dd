"""When to try again: how often, how long to wait, and what a server's ``Retry-After`` asks for."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

MAX_WAIT_S = 60.0
"""A server that asks for a longer pause gets no second try: the error says how long it wants."""


class Waiting(NamedTuple):
    """The stream pauses before it tries again, or with `n_attempts` 0 until another answer is out."""

    wait_s: float
    attempt: int
    n_attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently to try again: full waits of 1, 2, 4 … s, each shortened by up to a half at random."""

    max_retries: int = 3
    base_s: float = 1.0
    cap_s: float = 20.0

    def wait_s(self, attempt: int, retry_after_s: float | None) -> float:
        """Seconds before try number `attempt` + 1; a server's own ``Retry-After`` counts more than ours."""
        backoff_s = min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 30)) * random.uniform(0.5, 1.0)
        return max(backoff_s, retry_after_s or 0.0)


def parse_retry_after(value: str | None) -> float | None:
    """Seconds from a ``Retry-After`` header: a number, or an HTTP date; None for nothing and nonsense."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
