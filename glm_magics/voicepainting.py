"""An answer that is spoken is heard while it is painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .display import Painter
from .replies import Reply, ReplyFold
from .retries import Waiting


class Speaking(Protocol):
    """What plays base64 pieces of sound."""

    def add(self, pieces: Sequence[str]) -> None: ...
    def end(self) -> None: ...
    def stop(self) -> None: ...


class SpeakingPainter:
    """A `display.Painter` that plays what comes, and leaves the painting to another.

    Args:
        painter: paints.
        open_speaking: gives what plays, at the first sound; None where nothing can.
    """

    def __init__(self, painter: Painter, open_speaking: Callable[[], Speaking | None]) -> None:
        self._painter = painter
        self._open = open_speaking
        self._speaking: Speaking | None = None
        self._n_pieces = 0

    def start(self, model: str) -> None:
        self._painter.start(model)

    def wait(self, waiting: Waiting) -> None:
        self._painter.wait(waiting)

    def paint(self, fold: ReplyFold, now_s: float) -> float:
        self._play(fold)
        return self._painter.paint(fold, now_s)

    def finish(self, fold: ReplyFold, reply: Reply) -> None:
        if self._speaking and reply.ending == "stopped":
            self._speaking.stop()
        elif self._speaking:
            self._play(fold)
            self._speaking.end()
        self._painter.finish(fold, reply)

    def abandon(self) -> None:
        if self._speaking:
            self._speaking.stop()
        self._painter.abandon()

    def _play(self, fold: ReplyFold) -> None:
        pieces = fold.sound_pieces[self._n_pieces :]
        if not pieces:
            return
        if not self._n_pieces:
            self._speaking = self._open()
        self._n_pieces += len(pieces)
        if self._speaking:
            self._speaking.add(pieces)


def open_in_page() -> Speaking | None:
    """A speaker in the page; None where anywidget is not installed."""
    try:
        from .widgets.speaker import LiveSpeech
    except ImportError:
        return None
    return LiveSpeech()
