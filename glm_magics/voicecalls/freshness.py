"""Whether sound is still worth sending: what waited while a cell kept the kernel busy is not."""

from __future__ import annotations

from collections import deque

MAX_LAG_S = 1.5
_REMEMBERED = 100  # messages, ten seconds and more: after that a clock that jumped is the new measure


class Freshness:
    """Compares two clocks that are never set, of which only the differences count."""

    def __init__(self) -> None:
        self._offsets_s: deque[float] = deque(maxlen=_REMEMBERED)

    def is_fresh(self, heard_ms: float, now_s: float) -> bool:
        """True when sound heard at `heard_ms` (the page's clock) came at `now_s` (ours) about as soon as others did."""
        offset_s = now_s - heard_ms / 1000
        self._offsets_s.append(offset_s)
        return offset_s - min(self._offsets_s) <= MAX_LAG_S
