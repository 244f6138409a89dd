"""Whether sound is still worth sending: what waited while a cell kept the kernel busy is not."""

from __future__ import annotations

from collections import deque

MAX_LAG_S = 1.5
_REMEMBERED = 600  # messages, a minute and more: clocks drift apart slowly
_EQUAL_S = 0.2  # of lateness: what comes over a network is never quite even
_JUMP_S = 0.8  # of equal lateness, from first message to last; a backlog that is worked off shrinks meanwhile
_JUMP_MESSAGES = 3


class Freshness:
    """Compares two clocks of which only the differences count; one that jumped is believed within about a second."""

    def __init__(self) -> None:
        self._offsets_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._late: list[tuple[float, float]] = []  # of late messages that are all equally late: when they came, their offsets

    def is_fresh(self, heard_ms: float, now_s: float) -> bool:
        """True when sound heard at `heard_ms` (the page's clock) came at `now_s` (ours) about as soon as others did."""
        offset_s = now_s - heard_ms / 1000
        self._offsets_s.append(offset_s)
        if offset_s - min(self._offsets_s) <= MAX_LAG_S:
            self._late.clear()
            return True
        if self._late and abs(offset_s - self._late[0][1]) > _EQUAL_S:
            self._late.clear()
        self._late.append((now_s, offset_s))
        has_jumped = len(self._late) >= _JUMP_MESSAGES and now_s - self._late[0][0] >= _JUMP_S
        if has_jumped:
            self._offsets_s = deque((late_s for _, late_s in self._late), maxlen=_REMEMBERED)
            self._late.clear()
        return has_jumped
