"""Voice calls in a cell: the friendly face between a page, which hears and plays, and a line, which holds key and socket.

The rooms: `freshness` (which sound is too old) → `errands` (functions that the model asks for) → `rows`, `record` (what is said,
what is kept) → `bills` (what it costs) → `screen` (what the page is told) → `switchboard` (one call at a time, and what ends it)
→ `call` (`VoiceCall`, which the notebook holds) → `opening` (one from what was asked for).
"""

from __future__ import annotations

from .call import VoiceCall as VoiceCall
from .opening import open_call as open_call
from .switchboard import Switchboard as Switchboard

__all__ = ["Switchboard", "VoiceCall", "open_call"]
