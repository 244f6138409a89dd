"""The outputs of one painter gathered, and shown together: in one output that stays changeable, or when all is there.

A cell that has ended can still be changed by the display id of an output, in every front end; a new output would come too late
in most. So an answer that goes on in the background is one output, painted again as it grows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from .display import Painter
from .errors import one_line
from .formats import fenced
from .frontends import Publish, bind_to_cell, is_terminal, new_display_id, takes_late_outputs
from .markdown import make_safe, to_html_text
from .replies import Reply, ReplyFold
from .retries import Waiting

GROWING_CHARS = 6000
"""Of an answer that still grows only its end is painted: what a repaint costs must not grow with it."""

_MARKDOWN = "text/markdown"
_CHARS_PER_S = 100_000
_LOOK_EVERY_S = 0.05


class Gathering:
    """What a painter publishes, by display id, in order; its `publish` is a `Publish`.

    Attributes:
        metadata: of the last output that came with a record of the answer.
    """

    def __init__(self) -> None:
        self._bundles: dict[str, tuple[Mapping[str, str], Mapping[str, Any]]] = {}
        self._n_notes = 0
        self.metadata: Mapping[str, Any] = {}

    def publish(self, data: Mapping[str, str], metadata: Mapping[str, Any], display_id: str, update: bool) -> None:
        """Keeps an output, in the place of one with the same id."""
        self._bundles[display_id] = data, metadata
        if "model" in metadata.get("glm", {}):
            self.metadata = metadata

    def note(self, sentence: str) -> None:
        """A line between the outputs."""
        self._n_notes += 1
        self.publish({_MARKDOWN: f"<small>Note: {to_html_text(sentence)}</small>"}, {}, f"note-{self._n_notes}", False)

    def fail(self, error: Exception) -> None:
        """The sentence that it ended with."""
        words = f"**{type(error).__name__}**: {make_safe(one_line(str(error), 2000))}"
        self.publish({_MARKDOWN: words}, {}, "error", False)

    @property
    def others(self) -> list[tuple[Mapping[str, str], Mapping[str, Any]]]:
        """The outputs that are no text: pictures, players."""
        return [(data, metadata) for data, metadata in self._outputs() if _text_of(data) is None]

    def markdown(self, most_chars: int | None = None) -> str:
        """All text as one; with a limit the outputs at its end that fit, one at least."""
        texts = [text for data, _ in self._outputs() if (text := _text_of(data)) is not None]
        first = len(texts) - 1
        n_chars = len(texts[-1]) if texts else 0
        while first > 0 and (most_chars is None or n_chars + len(texts[first - 1]) <= most_chars):
            first -= 1
            n_chars += len(texts[first])
        above = ["<small>…</small>"] if first > 0 else []
        return "\n\n".join([*above, *(text.strip("\n") for text in texts[max(0, first) :])]) + "\n"

    def pour(self, publish: Publish) -> None:
        """Publishes each output once, as it is by now."""
        for display_id, (data, metadata) in list(self._bundles.items()):
            publish(data, metadata, new_display_id(display_id), False)

    def _outputs(self) -> Iterator[tuple[Mapping[str, str], Mapping[str, Any]]]:
        return iter(list(self._bundles.values()))


def _text_of(data: Mapping[str, str]) -> str | None:
    if _MARKDOWN in data:
        return data[_MARKDOWN]
    return fenced(data["text/plain"], "") if set(data) == {"text/plain"} else None


class Gathered(Protocol):
    """What an outlet shows."""

    @property
    def metadata(self) -> Mapping[str, Any]: ...
    @property
    def others(self) -> Sequence[tuple[Mapping[str, str], Mapping[str, Any]]]: ...
    def markdown(self, most_chars: int | None = None) -> str: ...


class Outlet:
    """One output of a cell that shows what is gathered, and spare ones below it for pictures; from any thread.

    Args:
        gathered: what to show.
        publish: into the cell, also after it has ended.
        n_spare: outputs made beforehand for what is no text.
        is_late: nothing is shown before the end: nobody would see it change.
        pause_s: between two repaints, at least.
    """

    def __init__(self, gathered: Gathered, publish: Publish, n_spare: int, is_late: bool, pause_s: Callable[[], float]) -> None:
        self.gathered = gathered
        self._publish = publish
        self.is_late = is_late
        self._pause_s = pause_s
        self._next_s = 0.0
        self._shown = ""
        stem = new_display_id()
        self._id = f"{stem}-all"
        self._spare_ids = [f"{stem}-spare-{n}" for n in range(n_spare)]

    def open(self, line: str) -> None:
        """Makes the outputs; from the cell itself."""
        if not self.is_late:
            self._publish({_MARKDOWN: line}, {}, self._id, False)
            for spare_id in self._spare_ids:
                self._publish({_MARKDOWN: "", "text/plain": ""}, {}, spare_id, False)

    def flush(self) -> None:
        """Paints what is new, if it is time."""
        now_s = time.monotonic()
        if self.is_late or now_s < self._next_s:
            return
        text = self.gathered.markdown(GROWING_CHARS)
        if text != self._shown:
            self._shown = text
            self._publish({_MARKDOWN: text}, {}, self._id, True)
        self._next_s = now_s + max(self._pause_s(), len(text) / _CHARS_PER_S)

    def close(self) -> None:
        """Paints all of it."""
        self._show(self._publish, not self.is_late)

    def show_again(self, publish: Publish) -> None:
        """Sends all once more from another cell: nbconvert and the like listen to the cell that runs, and to no other."""
        self._show(publish, True)

    def _show(self, publish: Publish, update: bool) -> None:
        publish({_MARKDOWN: self.gathered.markdown()}, self.gathered.metadata, self._id, update)
        for n, (data, metadata) in enumerate(self.gathered.others):
            is_made = n < len(self._spare_ids)
            display_id = self._spare_ids[n] if is_made else f"{self._id}-{n}"
            publish(data, metadata, display_id, update and is_made)


def find_outlet(shell: Any, gathered: Gathered, n_spare: int, pause_s: Callable[[], float]) -> Outlet | None:
    """For the cell that runs; None in a terminal, where it would write into what is being typed."""
    if is_terminal(shell):
        return None
    return Outlet(gathered, bind_to_cell(shell), n_spare, not takes_late_outputs(shell), pause_s)


class WholePainter:
    """Shows nothing before the end, and then each output once: a `display.Painter` for answers that come at once.

    Programs that compare outputs, nbval for one, do not follow changes of an output.

    Args:
        new_painter: makes the painter that does the work, from where it publishes.
        publish: into the cell.
    """

    def __init__(self, new_painter: Callable[[Publish], Painter], publish: Publish) -> None:
        self._gathering = Gathering()
        self._inner = new_painter(self._gathering.publish)
        self._publish = publish

    def start(self, model: str) -> None:
        """As `display.Painter`."""
        self._inner.start(model)

    def wait(self, waiting: Waiting) -> None:
        """As `display.Painter`."""

    def paint(self, fold: ReplyFold, now_s: float) -> float:
        """As `display.Painter`."""
        return _LOOK_EVERY_S

    def finish(self, fold: ReplyFold, reply: Reply) -> None:
        """As `display.Painter`."""
        self._inner.finish(fold, reply)
        self._gathering.pour(self._publish)

    def abandon(self) -> None:
        """As `display.Painter`."""
        self._inner.abandon()
        self._gathering.pour(self._publish)
