"""An answer played while it comes: no face, one page, samples in and sound out."""

from __future__ import annotations

from typing import Any

import anywidget

from .calling import module


class SpeakerWidget(anywidget.AnyWidget):
    """Plays what it is sent: ``sound`` with 24 kHz samples, ``end``, ``stop``. A page that is there says ``hello``."""

    _esm = module("sound.js", "speaker.js")

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """A page's write to a trait: not taken, for the page has none to write."""
