"""What the page of a call is told, and what the saved notebook keeps of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from ..markdown import strip_controls
from ..realtime.setup import INPUT_RATES_HZ, CallSetup
from ..widgets.calloutputs import CallOutputs, open_widget, recording
from .errands import Errands
from .record import CallRecord

if TYPE_CHECKING:
    from ..widgets.calling import CallWidget

PAGE_RATE_HZ = 16_000
KEEP_EVERY_S = 2.0
"""How often what was said so far is kept for the saved notebook."""


def check_page(setup: CallSetup) -> CallSetup:
    """The same setup, which a page can keep.

    Raises:
        OptionError: it cannot.
    """
    if INPUT_RATES_HZ.get(setup.input_format, PAGE_RATE_HZ) != PAGE_RATE_HZ:
        raise OptionError(f"A page hears {PAGE_RATE_HZ:,} samples a second.", f"Leave input_format={setup.input_format!r} away.")
    if not setup.is_answered_unasked:
        raise OptionError(
            "A page asks for no answers.", "Leave is_answered_unasked away; with vad='client' a button asks for each."
        )
    return setup


class Screen:
    """The widget of a call and the outputs beside it.

    Attributes:
        widget: what is on the page.
        limits: of the server's, as it told them last.

    Args:
        setup: how the call is to be.
        record: what there is to show.
        cost_words: what the calls have cost so far.

    Raises:
        MissingExtraError: anywidget is not installed.
    """

    def __init__(self, setup: CallSetup, record: CallRecord, cost_words: Callable[[], str]) -> None:
        self.widget: CallWidget = open_widget(setup)
        self.limits: tuple[Any, ...] = ()
        self._record = record
        self._cost_words = cost_words
        self._outputs = CallOutputs(self.widget)
        self._is_dirty = False
        self._changed_s = 0.0

    def mark(self) -> None:
        """There is something new to show, and to keep."""
        self._is_dirty = True
        self._changed_s = self._changed_s or time.monotonic()

    def tick(self, errands: Errands) -> None:
        """Some time has passed: shows and keeps what is new."""
        if self._is_dirty:
            self._is_dirty = False
            self._send_rows(errands)
        if self._changed_s and time.monotonic() - self._changed_s > KEEP_EVERY_S:
            self._changed_s = 0.0
            self._outputs.keep_transcript(self._words(errands))

    def finish(self, errands: Errands) -> None:
        """The call is over: the last rows."""
        self.widget.is_answering = False
        self._send_rows(errands)

    def keep(self, errands: Errands) -> None:
        """Its words and its sound, for the saved notebook; the sound for the page too."""
        self._outputs.keep_transcript(self._words(errands))
        bundle, mime, data = recording(self._record.audio())
        self._outputs.keep_sound(bundle)
        if data:
            self.widget.send({"type": "recording", "mime": mime}, [data])

    def tell_all(self, page: str) -> None:
        """All rows, to a page that knows nothing."""
        self.widget.send({"type": "rows", "page": page, "rows": self._record.rows()})

    def play(self, answer_id: str, samples: bytes) -> None:
        """Sound of an answer."""
        if samples:
            self.widget.send({"type": "sound", "answer": answer_id}, [samples])

    def flush(self) -> None:
        """What is being played stops."""
        self.widget.send({"type": "flush"})
        self.mark()

    def say(self, sentence: str) -> None:
        """A sentence for people."""
        self.widget.message = strip_controls(sentence)

    def show(self, errands: Errands, is_on: bool) -> None:
        """Displays transcript, player and live view in the present cell."""
        self._outputs.show(self._words(errands), {} if is_on else recording(self._record.audio())[0])

    def _send_rows(self, errands: Errands) -> None:
        for row in self._record.new_rows(errands):
            self.widget.send({"type": "row", "row": row})
        self.widget.counts = self._record.count(self.limits, self._cost_words())

    def _words(self, errands: Errands) -> dict[str, str]:
        talk = self._record.talk(errands)
        return talk._repr_mimebundle_() if talk.transcript else {}
