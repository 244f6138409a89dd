"""Where speech begins and ends, by its energy alone; pure, on the samples that truly came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

WINDOW_MS = 20
_LOUD_WINDOWS = 3  # a click is shorter than a word
_QUIETEST_DB, _SPAN_DB = -60.0, 40.0
FULL_SCALE = 32_768.0


@dataclass(frozen=True, slots=True)
class Edge:
    """Speech began or ended; `at_ms` of all sound so far, padding and silence included as the reference says."""

    kind: Literal["started", "stopped"]
    at_ms: int


@dataclass(slots=True)
class EnergyVad:
    """Follows the energy of 20 ms windows.

    Args:
        rate_hz: samples a second.
        threshold: 0 to 1 for -60 to -20 dB below full scale; 0.5 is -40.
        padding_ms: how much before the first loud window belongs to the speech.
        silence_ms: how long it must be quiet before speech is over.
    """

    rate_hz: int
    threshold: float = 0.5
    padding_ms: int = 300
    silence_ms: int = 500
    is_speaking: bool = False
    n_windows: int = 0
    _n_loud: int = 0
    _n_quiet: int = 0
    _rest: Any = field(default=None, repr=False)

    def feed(self, samples: Any) -> list[Edge]:
        """The edges in more samples (a NumPy array of int16)."""
        import numpy as np

        if self._rest is not None:
            samples = np.concatenate([self._rest, samples])
        size = self.rate_hz * WINDOW_MS // 1000
        n = len(samples) // size
        self._rest = samples[n * size :]
        windows = samples[: n * size].reshape(n, size).astype(np.float32)
        loud_at = FULL_SCALE * 10 ** ((_QUIETEST_DB + _SPAN_DB * self.threshold) / 20)
        is_loud = (np.square(windows).mean(axis=1) if n else np.zeros(0)) >= loud_at**2
        return [edge for loud in is_loud.tolist() if (edge := self._step(loud))]

    def _step(self, is_loud: bool) -> Edge | None:
        self.n_windows += 1
        self._n_loud = self._n_loud + 1 if is_loud else 0
        self._n_quiet = 0 if is_loud else self._n_quiet + 1
        now_ms = self.n_windows * WINDOW_MS
        if not self.is_speaking and self._n_loud >= _LOUD_WINDOWS:
            self.is_speaking = True
            return Edge("started", max(0, now_ms - _LOUD_WINDOWS * WINDOW_MS - self.padding_ms))
        if self.is_speaking and self._n_quiet * WINDOW_MS >= self.silence_ms:
            self.is_speaking = False
            return Edge("stopped", now_ms)
        return None
