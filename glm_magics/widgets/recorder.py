"""The widget of a recording as the page knows it: traits of plain values; what it does is in ``page/record.js``."""

from __future__ import annotations

import traitlets

from .pages import read_module, read_style
from .told import ToldWidget


class RecorderWidget(ToldWidget):
    """A button to record on a page.

    The page sends ``begin``, ``sound`` (16-bit samples, 16,000 a second, as its buffer) and ``end``; it is sent ``recording``, a
    file to be heard again.
    """

    _esm = read_module("elements", "sound", "microphone", "record")
    _css = read_style("call")

    max_s = traitlets.Float(help="seconds after which it stops by itself").tag(sync=True)
    about = traitlets.Unicode(help="what is recorded, for people").tag(sync=True)
    message = traitlets.Unicode(help="a sentence for people").tag(sync=True)
    has_still = traitlets.Bool(False, help="an output before it holds the player for readers without a kernel").tag(sync=True)
