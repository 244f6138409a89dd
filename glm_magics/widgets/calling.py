"""The widget of a voice call as the page knows it: traits of plain values; what it does is in ``page/``."""

from __future__ import annotations

import traitlets

from .pages import read_module, read_style
from .told import ToldWidget


class CallWidget(ToldWidget):
    """A call on a page.

    Python writes the traits; the page asks by messages (`widgets.callrequests`), sound and pictures as their buffers. Messages to
    the page: ``row`` and ``rows`` (what is said), ``sound`` with 24 kHz samples, ``sound_end``, ``flush``, ``alive``,
    ``recording``.
    """

    _esm = read_module("elements", "sound", "microphone", "calldesk", "call")
    _css = read_style("call")

    state = traitlets.Unicode("idle", help="idle, connecting, on, reconnecting, ending, over").tag(sync=True)
    owner = traitlets.Unicode(help="the page that speaks and hears").tag(sync=True)
    vad = traitlets.Unicode("server", help="server or client").tag(sync=True)
    has_video = traitlets.Bool(False).tag(sync=True)
    is_interruptible = traitlets.Bool(True).tag(sync=True)
    is_answering = traitlets.Bool(False).tag(sync=True)
    about = traitlets.Unicode(help="model and voice").tag(sync=True)
    counts = traitlets.Unicode(help="tokens and limits, for people").tag(sync=True)
    message = traitlets.Unicode(help="a sentence for people").tag(sync=True)
    has_still = traitlets.Bool(False, help="outputs before it hold the transcript for readers without a kernel").tag(sync=True)
