"""Waiting for what another thread does: as long as it takes on a busy machine, and no longer than needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 30.0
_PAUSE_S = 0.005


def until(is_so: Callable[[], T]) -> T:
    """Waits until it gives something true, and gives that."""
    end_s = time.monotonic() + PATIENCE_S
    while not (got := is_so()):
        assert time.monotonic() < end_s, f"it did not happen in {PATIENCE_S:.0f} s"
        time.sleep(_PAUSE_S)
    return got
