"""Painting a reply while it grows: in a notebook, in a terminal, or not at all.

The text is never sent again as a whole. Finished blocks become outputs that stay; only the unfinished tail is repainted, by
its display id, which every front end supports without a line of JavaScript. Cost is then linear in the answer, the page's
longest task does not grow with it, and the saved notebook holds plain Markdown.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from .errors import one_line
from .formats import FORMATS, footer, record, sources_markdown, sources_text
from .frontends import Publish, new_display_id
from .grammar import plural
from .markdown import LONG_PIECE_CHARS, BlockSplitter, make_safe, strip_controls, to_html_text
from .replies import Reply, ReplyFold
from .retries import Waiting
from .speech import player
from .strategies import is_step

if TYPE_CHECKING:
    from .sightings import Sightings

FAST_S, SLOW_S = 0.05, 0.1
"""Time between two repaints: in the first seconds, and after, where 10 a second cost the page a fifth less."""

FAST_FOR_S = 3.0
THINKING_SHOWN_CHARS = 1500
THINKING_INLINE_CHARS = 1000
"""Shorter thinking shares the first output with the answer; longer has one of its own, sent once."""

MAX_SHOWN_CHARS = 1_000_000
"""A page cannot show more without freezing; the Reply holds all of it."""

LOOK_EVERY_S = 0.5
LOOKED_CHARS_PER_S = 100_000
"""Time between two looks for boxes in a growing answer."""

MAX_ABOVE_PICTURE_CHARS = 20_000
"""A longer answer goes on below its picture, or each new word would send all of it again."""

JOIN_CHARS = 500
"""A last tail shorter than this joins the output before it."""


class Painter(Protocol):
    """What `live.follow` calls, always from the thread that runs the cell."""

    def start(self, model: str) -> None: ...
    def wait(self, waiting: Waiting) -> None: ...
    def paint(self, fold: ReplyFold, now_s: float) -> float:
        """Shows what is new if it is time; gives the seconds until the next call is worth it."""
        ...

    def finish(self, fold: ReplyFold, reply: Reply) -> None:
        """Shows what is left of the fold, and the footer, in one go."""
        ...

    def abandon(self) -> None:
        """Nothing came; the error says why."""
        ...


class QuietPainter:
    """Shows nothing."""

    def start(self, model: str) -> None: ...
    def wait(self, waiting: Waiting) -> None: ...
    def paint(self, fold: ReplyFold, now_s: float) -> float:
        return SLOW_S

    def finish(self, fold: ReplyFold, reply: Reply) -> None: ...
    def abandon(self) -> None: ...


class TerminalPainter:
    """Plain streaming text; thinking is dim, the footer follows."""

    def __init__(self, out: TextIO | None = None, as_: str = "markdown") -> None:
        self._out = out or sys.stdout
        self._format = FORMATS[as_]
        self._n_text = 0
        self._n_thinking = 0
        is_terminal = self._out.isatty()
        self._dim, self._plain = ("\x1b[2m", "\x1b[0m") if is_terminal else ("", "")

    def start(self, model: str) -> None: ...

    def wait(self, waiting: Waiting) -> None:
        self._write(f"{self._dim}{_waiting_line(waiting)}{self._plain}\n")

    def paint(self, fold: ReplyFold, now_s: float) -> float:
        thinking = "".join(fold.thinking_pieces[self._n_thinking :])
        if thinking:
            opening = "" if self._n_thinking else "(thinking) "
            self._n_thinking = len(fold.thinking_pieces)
            self._write(f"{self._dim}{opening}{strip_controls(thinking)}{self._plain}")
        if self._format.is_live:
            self._write_text("".join(fold.text_pieces[self._n_text :]))
            self._n_text = len(fold.text_pieces)
        return FAST_S

    def _write_text(self, text: str) -> None:
        if text:
            gap = "\n\n" if self._n_thinking and not self._n_text else ""
            self._write(gap + strip_controls(text))

    def finish(self, fold: ReplyFold, reply: Reply) -> None:
        self.paint(fold, 0.0)
        if not self._format.is_live:
            self._write_text((FORMATS["text"] if is_step(reply) else self._format).render(reply)[1])
        self._write(sources_text(reply))
        self._write(f"\n{self._dim}{footer(reply)}{self._plain}\n")

    def abandon(self) -> None: ...

    def _write(self, text: str) -> None:
        if text:
            self._out.write(text)
            self._out.flush()


class NotebookPainter:
    """Outputs of a cell: pieces that stay, a live tail, a footer.

    Args:
        publish: ``publish(data, metadata, display_id, update)``; the one way out, so that tests can listen.
        as_: a word of `FORMATS`.
        sightings: of the pictures that were sent, when there are any.
    """

    def __init__(
        self,
        publish: Publish,
        as_: str = "markdown",
        sightings: Sightings | None = None,
    ) -> None:
        self._publish = publish
        self._format = FORMATS[as_]
        self._splitter = BlockSplitter()
        self._id_stem = new_display_id()
        self._n_outputs = 0
        self._is_open = False  # the output being painted has been published
        self._last: tuple[str, str] | None = None  # id and text of the piece that was shown for good last
        self._head = ""  # folded thinking that shares the output with the answer
        self._n_text = 0
        self._n_thinking = 0
        self._thinking = ""  # not folded yet
        self._n_thinking_outputs = 0
        self._shown_chars = 0
        self._next_paint_s = 0.0
        self._first_paint_s = 0.0
        self._model = ""
        self._sightings = sightings
        self._next_look_s = 0.0
        self._pictures: set[int] = set()

    def start(self, model: str) -> None:
        self._model = model
        self._show(_small(f"{model} · waiting…"))

    def wait(self, waiting: Waiting) -> None:
        self._show(_small(f"{self._model} · {_waiting_line(waiting)}"))

    def paint(self, fold: ReplyFold, now_s: float) -> float:
        if now_s < self._next_paint_s:
            return self._next_paint_s - now_s
        has_new = len(fold.text_pieces) > self._n_text or len(fold.thinking_pieces) > self._n_thinking
        if not has_new:
            return SLOW_S
        self._first_paint_s = self._first_paint_s or now_s
        sent_chars = self._paint_thinking(fold) if not fold.text_pieces else self._paint_text(fold)
        if fold.text_pieces and self._format.is_live and now_s >= self._next_look_s:
            n_chars = sum(map(len, fold.text_pieces))
            self._next_look_s = now_s + max(LOOK_EVERY_S, n_chars / LOOKED_CHARS_PER_S)
            self._look(fold)
        pause_s = FAST_S if now_s - self._first_paint_s < FAST_FOR_S else SLOW_S
        pause_s = max(pause_s, sent_chars / 100_000)  # a long tail is repainted less often
        self._next_paint_s = now_s + pause_s
        return pause_s

    def _paint_thinking(self, fold: ReplyFold) -> int:
        self._take_thinking(fold)
        return self._show(_open_thinking(self._thinking[-THINKING_SHOWN_CHARS:]))

    def _take_thinking(self, fold: ReplyFold) -> None:
        """Takes what is new; long thinking is folded piece by piece as it comes, not all at once when the answer begins."""
        self._thinking += "".join(fold.thinking_pieces[self._n_thinking :])
        self._n_thinking = len(fold.thinking_pieces)
        while len(self._thinking) > LONG_PIECE_CHARS:
            self._keep_thinking(self._thinking[:LONG_PIECE_CHARS])
            self._thinking = self._thinking[LONG_PIECE_CHARS:]

    def _paint_text(self, fold: ReplyFold) -> int:
        sent_chars = self._take_text(fold)
        if not self._format.is_live:
            return self._paint_growing(fold)
        tail = self._splitter.tail
        if tail.strip():
            sent_chars += self._show(self._head + self._safe(tail, is_growing=True))
        return sent_chars

    def _paint_growing(self, fold: ReplyFold) -> int:
        n_chars = sum(map(len, fold.text_pieces))
        line = _small(f"{self._model} · receiving, {plural(n_chars, 'character')}…")
        if self._format.grow is None or not n_chars:
            return self._show(self._head + line)
        return self._show(f"{self._head}{self._format.grow(''.join(fold.text_pieces))}\n{line}")

    def _take_text(self, fold: ReplyFold) -> int:
        """Takes what is new into the splitter; pieces that it completes are shown for good."""
        self._take_thinking(fold)
        if self._thinking:
            self._fold_thinking()
        text = "".join(fold.text_pieces[self._n_text :])
        self._n_text = len(fold.text_pieces)
        if not self._format.is_live:
            return 0
        return sum(self._keep(self._head + self._safe(piece)) for piece in self._splitter.feed(self._within_limit(text)))

    def _safe(self, text: str, is_growing: bool = False) -> str:
        """Fit to be shown, with the numbers of the boxes that the words give."""
        if self._sightings is None:
            return make_safe(text, is_growing=is_growing)
        return self._sightings.colour(make_safe(self._sightings.mark(text), is_growing=is_growing))

    def _look(self, fold: ReplyFold) -> None:
        if self._sightings and self._sightings.read("".join(fold.raw_pieces), "".join(fold.text_pieces)):
            self._show_pictures(self._sightings, is_live=True)

    def _show_pictures(self, sightings: Sightings, is_live: bool = False) -> None:
        """The pictures with the boxes of the answer so far, below the text."""
        for place in sightings.drawable:
            if not self._pictures:
                self._reopen()
            mime, data = sightings.draw(place, is_live)
            bundle = {mime: b64encode(data).decode(), "text/plain": repr(sightings.boxes)}
            is_shown = place in self._pictures
            self._publish(bundle, {"glm": {"picture": place}}, f"{self._id_stem}-picture-{place}", is_shown)
            self._pictures.add(place)

    def _reopen(self) -> None:
        """What comes next goes on in the last output, which then stays above the pictures."""
        if not self._is_open and self._last:
            _, self._head = self._last
            self._n_outputs -= 1
            self._is_open = True

    def _within_limit(self, text: str) -> str:
        room = MAX_SHOWN_CHARS - self._shown_chars
        self._shown_chars += len(text)
        return text[: max(0, room)]

    def _fold_thinking(self) -> None:
        """Closes the thinking block: short beside the answer, long in an output of its own, which is sent once."""
        thinking, self._thinking = self._thinking.strip(), ""
        if len(thinking) <= THINKING_INLINE_CHARS and not self._n_outputs:
            self._head += _folded_thinking(thinking)
        elif thinking:
            self._keep_thinking(thinking)

    def _keep_thinking(self, thinking: str) -> None:
        self._n_thinking_outputs += 1
        part = self._n_thinking_outputs
        self._keep(_folded_thinking(thinking, f", part {part}" if part > 1 else ""))
        self._last = None  # the answer's last words do not belong under it

    def finish(self, fold: ReplyFold, reply: Reply) -> None:
        if self._sightings:
            self._sightings.read("".join(fold.raw_pieces), "".join(fold.text_pieces), is_growing=not reply.is_complete)
        self._take_text(fold)
        self._finish_text(reply)
        if self._sightings:
            self._show_pictures(self._sightings)

    def _finish_text(self, reply: Reply) -> None:
        ending = f"\n\n*({reply.ending})*" if reply.ending else ""
        legend = self._sightings.legend(reply.text) if self._sightings else ""
        legend = f"{legend}\n\n" if legend else ""
        if self._sightings and self._sightings.note:
            legend += f"{_small(self._sightings.note)}\n\n"
        legend += sources_markdown(reply)
        below = f"{ending}\n\n{self._cut_note(reply)}{legend}{_small(footer(reply))}\n"
        metadata = {"glm": record(reply)}
        if not self._format.is_live:
            self._finish_whole(reply, below, metadata)
            self._show_player(reply)
            return
        tail = self._safe(self._splitter.tail)
        if self._last and not self._is_open and len(tail) < JOIN_CHARS:
            display_id, text = self._last
            self._publish({"text/markdown": f"{text}{tail}{below}"}, metadata, display_id, True)
        else:
            self._show(f"{self._head}{tail}{below}", metadata)
        self._show_player(reply)

    def abandon(self) -> None:
        self._show(_small(f"{self._model} · no answer"))

    def _finish_whole(self, reply: Reply, below: str, metadata: dict[str, Any]) -> None:
        mime, text = (FORMATS["markdown"] if is_step(reply) else self._format).render(reply)
        if mime == "text/markdown":
            self._show(f"{self._head}{text}{below}", metadata)
            return
        if self._head:
            self._keep(self._head)
        self._show(text, metadata, mime)
        self._is_open = False
        self._n_outputs += 1
        self._show(below.strip())

    def _show_player(self, reply: Reply) -> None:
        """The answer spoken, below its words; whole, so that the saved notebook plays it too."""
        if reply.audio:
            self._publish(player(reply.audio), {}, f"{self._id_stem}-speech", False)

    def _cut_note(self, reply: Reply) -> str:
        if self._shown_chars <= MAX_SHOWN_CHARS:
            return ""
        return f"*…the first {MAX_SHOWN_CHARS:,} of {len(reply.text):,} characters; all of them are in `_glm.text`.*\n\n"

    def _show(self, markdown: str, metadata: dict[str, Any] | None = None, mime: str = "text/markdown") -> int:
        """Paints the open output; opens one when there is none. Gives the characters sent."""
        self._publish({mime: markdown}, metadata or {}, self._display_id, self._is_open)
        self._is_open = True
        return len(markdown)

    def _keep(self, markdown: str) -> int:
        """Paints the open output for the last time; above a picture it stays open, so that the picture is below the text."""
        if self._pictures and len(markdown) < MAX_ABOVE_PICTURE_CHARS:
            self._head = markdown
            return self._show(markdown)
        sent_chars = self._show(markdown, {"glm": {"part": self._n_outputs}})
        self._last = (self._display_id, markdown)
        self._n_outputs += 1
        self._is_open = False
        self._head = ""
        return sent_chars

    @property
    def _display_id(self) -> str:
        return f"{self._id_stem}-{self._n_outputs}"


def show_note(publish: Callable[..., Any], sentence: str) -> None:
    """A line of its own in the cell: something to know about what is sent."""
    publish({"text/markdown": _small(f"Note: {sentence}"), "text/plain": f"Note: {strip_controls(sentence)}"}, {})


def _waiting_line(waiting: Waiting) -> str:
    reason = one_line(waiting.reason, 160)
    if not waiting.n_attempts:
        return reason
    return f"{reason} Next try ({waiting.attempt + 1} of {waiting.n_attempts}) in {waiting.wait_s:.1f} s…"


def _small(text: str) -> str:
    return f"<small>{to_html_text(text)}</small>"


def _open_thinking(thinking: str) -> str:
    """A box of fixed height that shows the end: a height that changes with every word would make the page jump."""
    return (
        "<details open><summary>Thinking…</summary>"
        '<div style="height:10em;overflow:auto;display:flex;flex-direction:column-reverse;opacity:.75">'
        f"<div>{to_html_text(thinking)}</div></div></details>"
    )


def _folded_thinking(thinking: str, which: str = "") -> str:
    return f"<details><summary>Thinking{which}</summary>{to_html_text(thinking)}</details>\n\n"
