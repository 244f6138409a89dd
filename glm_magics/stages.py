"""What a session shows in its front end, and keeps in the notebook's namespace."""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any

from .display import NotebookPainter, Painter, QuietPainter, TerminalPainter, show_note
from .frontends import Publish, is_terminal, publisher
from .messages import ImagePart
from .notes import Notes
from .options import Options
from .replies import Reply

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .comparisons import Comparison
    from .outlets import Gathered, Outlet
    from .sightings import Sightings

REPLY_NAME = "_glm"
"""The name under which the last `Reply` is always found."""


class Stage:
    """Of one session.

    Args:
        shell: the IPython shell, or None in a plain Python program.
    """

    def __init__(self, shell: InteractiveShell | None) -> None:
        self.shell = shell
        self._notes = Notes()
        self._on_display: list[Reply | Comparison] = []
        if shell is not None:
            shell.events.register("post_execute", self._cell_ended)

    def close(self) -> None:
        """Lets go of the shell's event."""
        if self.shell is not None:
            with suppress(ValueError):  # closed before
                self.shell.events.unregister("post_execute", self._cell_ended)

    def teller(self, options: Options) -> Callable[[str], None]:
        """Says a sentence in the cell, where there is one."""

        def tell(sentence: str) -> None:
            if self.shell is not None and not options.quiet:
                show_note(self.shell.display_pub.publish, sentence)

        return tell

    def saying(self, is_quiet: bool) -> AbstractContextManager[None]:
        """Inside, our warnings become lines in the cell."""
        return self._notes.catching(None if self.shell is None else self.teller(Options(quiet=is_quiet)))

    def outlet(self, options: Options, gathered: Gathered, n_spare: int, pause_s: Callable[[], float]) -> Outlet | None:
        """Where what is gathered is shown, also after the cell has ended; None where that is nowhere."""
        from .outlets import find_outlet

        is_hidden = options.quiet or self.shell is None
        return None if is_hidden else find_outlet(self.shell, gathered, n_spare, pause_s)

    def painter(
        self, options: Options, images: Sequence[ImagePart], publish: Publish | None = None, is_whole: bool = False
    ) -> Painter:
        """For one answer about `images`; `publish`: into which outputs; `is_whole`: it comes at once, and is shown once."""
        if options.quiet or self.shell is None:
            return QuietPainter()
        as_ = "json" if options.schema is not None and options.as_ == "markdown" else options.as_
        if publish is None and is_terminal(self.shell):
            return TerminalPainter(sys.stdout, as_)
        into = publish or publisher(self.shell)
        if is_whole:
            from .outlets import WholePainter

            return WholePainter(lambda gather: NotebookPainter(gather, as_, _look_at(images)), into)
        painter = NotebookPainter(into, as_, _look_at(images))
        if publish is not None:
            return painter
        from .voicepainting import SpeakingPainter, open_in_page

        return SpeakingPainter(painter, open_in_page)

    def keep(self, reply: Reply | Comparison, options: Options, is_shown: bool) -> None:
        """Puts the reply into the namespace; `is_shown`: the cell has shown it already."""
        reply.is_on_display = is_shown
        self._on_display.append(reply)
        if self.shell is not None:
            namespace: MutableMapping[str, Any] = self.shell.user_ns
            namespace[REPLY_NAME] = reply
            if options.into and not getattr(reply, "misfit", ""):
                namespace[options.into] = _result(reply, options)

    def _cell_ended(self) -> None:
        """IPython's event: from now on, naming a reply shows it."""
        while self._on_display:
            self._on_display.pop().is_on_display = False


def see(reply: Reply, images: Sequence[ImagePart]) -> None:
    """Adds the boxes that the answer gives in the pictures."""
    if (sightings := _look_at(images)) is not None:
        sightings.read(reply.raw_text, reply.text, is_growing=not reply.is_complete)
        reply.boxes = sightings.boxes


def _look_at(images: Sequence[ImagePart]) -> Sightings | None:
    if not images:
        return None
    from .sightings import Sightings

    return Sightings(images)


def _result(reply: Reply | Comparison, options: Options) -> object:
    """What --into names: the DataFrame, the value, or the Reply; the Reply too where an answer broke off, or still comes."""
    if not isinstance(reply, Reply) or reply.is_running or (reply.ending and reply.value is None):
        return reply
    if options.as_ == "frame":
        return reply.to_frame()
    return reply if options.schema is None else reply.value
