"""How far an embedding is: a bar in the notebook, a line in a terminal; nothing for what is over at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO

from .frontends import Publish, is_terminal, new_display_id, publisher
from .grammar import plural
from .supply import Listener, Progress

PATIENCE_S = 0.4
"""What is over sooner shows nothing."""

PAUSE_S = 0.2
_BAR_LETTERS = 24


class ProgressPainter:
    """A listener of `embeddings.embed_texts`; `show(progress)` draws, at most five times a second, and a last time at the end."""

    def __init__(self, show: Callable[[Progress], None]) -> None:
        self._show = show
        self._shown_s = 0.0

    def __call__(self, progress: Progress) -> None:
        is_due = progress.elapsed_s >= max(PATIENCE_S, self._shown_s + PAUSE_S)
        if is_due or (progress.is_over and self._shown_s):
            self._shown_s = progress.elapsed_s
            self._show(progress)


def painter_for(shell: Any) -> Listener:
    """What suits the front end; without one, and with nobody at a terminal, nothing is shown."""
    if shell is None:
        return terminal_painter(sys.stderr) if sys.stderr.isatty() else lambda progress: None
    return terminal_painter(sys.stdout) if is_terminal(shell) else notebook_painter(publisher(shell))


def notebook_painter(publish: Publish) -> ProgressPainter:
    """A bar in the cell's output that becomes one line."""
    display_id = new_display_id()
    shown: list[Progress] = []

    def show(progress: Progress) -> None:
        words = describe(progress)
        bar = "" if progress.is_over else f'<progress max="1" value="{share(progress):.4f}"></progress> '
        data = {"text/html": f"<small>{bar}{words}</small>", "text/plain": words}
        publish(data, {}, display_id, bool(shown))
        shown.append(progress)

    return ProgressPainter(show)


def terminal_painter(out: TextIO) -> ProgressPainter:
    """A line that is written over, and stays at the end; where it cannot be written over, only the end is shown."""

    def show(progress: Progress) -> None:
        words = describe(progress)
        if out.isatty():
            n = round(share(progress) * _BAR_LETTERS)
            bar = "" if progress.is_over else f"{'█' * n}{'░' * (_BAR_LETTERS - n)} "
            out.write(f"\r\x1b[K{bar}{words}{chr(10) if progress.is_over else ''}")
        elif progress.is_over:
            out.write(f"{words}\n")
        out.flush()

    return ProgressPainter(show)


def share(progress: Progress) -> float:
    """Of the texts that are done, one way or the other; from 0 to 1."""
    return 1 - progress.n_left / progress.n_texts if progress.n_texts else 1.0


def describe(progress: Progress) -> str:
    """``4,280 of 5,000 texts · 3,000 from the cache · 640 texts/s · 51,000 tokens, ¥0.0255 · 720 left · 1.1 s left``."""
    n_ready = progress.n_done + progress.n_cached
    left_s = progress.left_s
    words = [
        f"{plural(n_ready, 'text')} embedded"
        if progress.is_over and not progress.n_left
        else f"{n_ready:,} of {plural(progress.n_texts, 'text')}",
        f"{progress.n_cached:,} from the cache" if progress.n_cached else "",
        f"{progress.n_failed:,} failed" if progress.n_failed else "",
        f"{progress.per_s:,.0f} texts/s" if progress.n_done else "",
        ", ".join(filter(None, (plural(progress.n_tokens, "token"), str(progress.cost or "")))) if progress.n_tokens else "",
        f"{progress.n_left:,} left" if progress.n_left else "",
        _clock(progress.elapsed_s) if progress.is_over else f"{_clock(left_s)} left" if left_s is not None else "",
    ]
    return " · ".join(filter(None, words))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{seconds:.1f} s" if seconds < 10 else f"{minutes} min {rest} s" if minutes else f"{rest} s"
