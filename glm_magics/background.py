"""An answer that is followed beside the cell: by a thread of its own, which tells a listener what comes."""

from __future__ import annotations

import threading

from .asking import Listener
from .errors import GLMError, Interrupted, one_line
from .exchange import Watching
from .live import Pump, follow
from .replies import Reply, ReplyFold
from .retries import Waiting

_EVERY_S = 0.05


class BackgroundAnswer(threading.Thread):
    """Follows one answer to its end; an `asking.Answering`.

    Args:
        pump: reads the answer; not started yet.
        watching: prices the answer, minds the budget and enters it in the books.
        listener: is told the pieces as they come, and the reply at the end, from this thread.
    """

    def __init__(self, pump: Pump, watching: Watching, listener: Listener) -> None:
        super().__init__(name="glm-answer", daemon=True)
        self._pump = pump
        self._watching = watching
        self._listener = listener

    def run(self) -> None:
        """The thread's work."""
        try:
            reply = self._follow()
        except (GLMError, Interrupted) as error:
            kept = error.reply if isinstance(error.reply, Reply) else None
            self._listener.on_done(kept, "" if isinstance(error, Interrupted) else str(error))
        except BaseException as error:  # never an answer that seems to come for ever
            said = f"The answer broke: {type(error).__name__}: {one_line(str(error), 200)}. Ask again."
            self._listener.on_done(None, said)
        else:
            self._listener.on_done(reply, "")

    def _follow(self) -> Reply:
        try:
            return follow(self._pump, _Teller(self._listener), self._watching.request, watch=self._watching)
        finally:
            self._watching.enter()

    def stop(self) -> None:
        """Ends it soon; what came is kept, and the listener is told."""
        self._pump.stop()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until it is over; False when it still runs after `timeout_s`."""
        self.join(timeout_s)
        return not self.is_alive()


class _Teller:
    """A `display.Painter` that hands on the new pieces."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._n_text = self._n_thinking = 0

    def start(self, model: str) -> None: ...
    def wait(self, waiting: Waiting) -> None: ...
    def abandon(self) -> None: ...

    def paint(self, fold: ReplyFold, now_s: float) -> float:
        text, thinking = fold.text_pieces[self._n_text :], fold.thinking_pieces[self._n_thinking :]
        self._n_text, self._n_thinking = len(fold.text_pieces), len(fold.thinking_pieces)
        if text or thinking:
            self._listener.on_text("".join(text), "".join(thinking))
        return _EVERY_S

    def finish(self, fold: ReplyFold, reply: Reply) -> None:
        self.paint(fold, 0.0)
