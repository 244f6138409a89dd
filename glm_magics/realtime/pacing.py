"""How fast sound may be sent: fewer than fifty appends a second, evenly, on whatever clock the caller has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

MAX_APPENDS_PER_S = 50
"""The server drops what comes faster (reference of ``input_audio_buffer.append``)."""

OUR_APPENDS_PER_S = 45
"""Kept by the client: the network pushes together what was sent evenly."""

FRAME_S = 0.1
"""The advised length of an append."""

MAX_FRAME_S = 1.0
_WINDOW_MS = 20
_LOUD = 328.0  # -40 dB below full scale: in the middle of what a threshold can be


class Pacer:
    """Says how long to wait before the next append.

    Args:
        per_s: appends a second at most.
    """

    def __init__(self, per_s: float = OUR_APPENDS_PER_S) -> None:
        self._gap_s = 1.0 / per_s
        self._last_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next append may go; a clock that jumped back costs one gap and no more."""
        if self._last_s is None:
            return 0.0
        return min(self._gap_s, max(0.0, self._last_s + self._gap_s - now_s))

    def note(self, now_s: float) -> None:
        """An append goes now."""
        self._last_s = now_s


def frame_s(speed: float) -> float:
    """Seconds of sound in an append when a recording is sent `speed` times as fast as it sounds."""
    return min(MAX_FRAME_S, max(FRAME_S, speed / (OUR_APPENDS_PER_S - 5)))


def cut(samples: bytes, rate_hz: int, seconds: float) -> Iterator[bytes]:
    """16-bit samples in pieces of that length; half a sample at the end is left out."""
    size = max(1, math.floor(seconds * rate_hz)) * 2
    for start in range(0, len(samples) // 2 * 2, size):
        yield samples[start : min(start + size, len(samples) // 2 * 2)]


def split_turns(samples: bytes, rate_hz: int, pause_s: float) -> list[bytes]:
    """16-bit samples cut within their pauses, each piece with `pause_s` of quiet at its end; joined they are what came."""
    import numpy as np

    size = rate_hz * _WINDOW_MS // 1000
    n = len(samples) // 2 // size
    windows = np.frombuffer(samples, "<i2", n * size).reshape(n, size).astype(np.float32)
    is_loud = np.square(windows).mean(axis=1) >= _LOUD**2
    loud_at = np.flatnonzero(is_loud)
    n_pause = math.ceil(pause_s * 1000 / _WINDOW_MS)
    ends = [int(first) + n_pause for first, second in pairwise(loud_at) if second - first > n_pause + 1]
    places = [0, *(end * size * 2 for end in ends), len(samples)]
    return [samples[start:end] for start, end in pairwise(places)]
