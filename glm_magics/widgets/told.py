"""What all widgets have in common: Python tells the page, and the page asks by messages."""

from __future__ import annotations

from typing import Any

import anywidget


class ToldWidget(anywidget.AnyWidget):
    """A widget whose traits are Python's alone."""

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """A page's write to a trait: not taken, for the page has none to write."""
