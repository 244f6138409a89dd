"""How long the tests wait for what another thread does: as long as a busy machine needs, and no longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 30.0
AT_ONCE_S = 8.0
"""Less than this was not waited for what would take 20 s or has no end. No benchmark: a machine can be very busy."""

_PAUSE_S = 0.005


def until(is_so: Callable[[], T]) -> T:
    """Waits until it gives something true, and gives that."""
    end_s = time.monotonic() + PATIENCE_S
    while not (got := is_so()):
        assert time.monotonic() < end_s, f"it did not happen in {PATIENCE_S:.0f} s"
        time.sleep(_PAUSE_S)
    return got
