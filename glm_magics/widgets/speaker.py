"""An answer played while it comes: no face, samples in and sound out."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable, Sequence

from ..speech import VOICE_RATE_HZ
from ..waves import read_wave
from .pages import read_module
from .told import ToldWidget

LINGERS_S = 2.0
LOADING_S = 0.8
"""What a page takes to load the widget's module, and some."""

_HEADER_BYTES = 44


class SpeakerWidget(ToldWidget):
    """Plays what it is sent: ``sound`` (`rate_hz`; 16-bit samples as its buffer), ``end``, ``stop``; `n` counts from 0."""

    _esm = read_module("sound", "speaker")


class LiveSpeech:
    """Plays base64 pieces in the page as they come.

    While a cell runs, JupyterLab carries no message of a widget that this very cell has made; so nothing is asked of the page:
    it is given a moment to load, and hears an answer that was whole sooner after that. Where it is too slow, or not there,
    nothing is heard, and the player below the answer has it all. Pieces that are no base64 end the playing, and not the answer.
    """

    def __init__(self) -> None:
        self._widget = SpeakerWidget()
        self._ready_s = time.monotonic() + LOADING_S
        self._waiting: list[bytes] = []
        self._is_over = False
        self._n = 0
        self._start: bytes | None = b""  # until it is known whether it is a WAV
        self._rate_hz = VOICE_RATE_HZ
        self._half = b""
        self._n_bytes = 0

    def add(self, pieces: Sequence[str]) -> None:
        """More of the answer."""
        try:
            data = b"".join(base64.b64decode(piece, validate=True) for piece in pieces)
        except (binascii.Error, ValueError):
            self.stop()
            return
        data = self._half + self._samples(data)
        whole = len(data) // 2 * 2
        self._half = data[whole:]
        self._n_bytes += whole
        self._waiting.append(data[:whole])
        if time.monotonic() >= self._ready_s:
            self._send()

    def _samples(self, data: bytes) -> bytes:
        """Without the header that a WAV begins with."""
        if self._start is None:
            return data
        self._start += data
        if len(self._start) < _HEADER_BYTES:
            return b""
        start, self._start = self._start, None
        if not start.startswith(b"RIFF"):
            return start
        try:
            wave = read_wave(start)
        except ValueError:
            wave = None
        if wave is None or wave.n_bits != 16 or wave.n_channels != 1:
            self.stop()
            return b""
        self._rate_hz = wave.rate_hz
        return start[wave.start :]

    def end(self) -> None:
        """No more is coming; what has come is played to its end, and then the page lets go."""
        _in(self._ready_s - time.monotonic(), self._finish)

    def _finish(self) -> None:
        self._send()
        if self._n and not self._is_over:
            self._widget.send({"type": "end", "n": self._n, "rate_hz": self._rate_hz})
        self._is_over = True
        _in(self._n_bytes / 2 / self._rate_hz + LINGERS_S, self._widget.close)

    def stop(self) -> None:
        """Silence, at once."""
        if not self._is_over:
            self._is_over = True
            self._widget.send({"type": "stop"})
            _in(LINGERS_S, self._widget.close)

    def _send(self) -> None:
        samples = b"".join(self._waiting)
        self._waiting.clear()
        if samples and not self._is_over:
            self._widget.send({"type": "sound", "n": self._n, "rate_hz": self._rate_hz}, [samples])
            self._n += 1


def _in(seconds: float, act: Callable[[], None]) -> None:
    """Now, or later beside everything else."""
    if seconds <= 0:
        act()
        return
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
