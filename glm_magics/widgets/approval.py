"""The question of a call as the page knows it: what would run, and the buttons; what they do is in ``page/approval.js``."""

from __future__ import annotations

import traitlets

from .pages import read_module, read_style
from .told import ToldWidget


class ApprovalWidget(ToldWidget):
    """One question. The page says ``{"type": "ready"}`` until `is_heard`, and then
    ``{"type": "decide", "state": "approved" | "always" | "refused", "reason": …}``.
    """

    _esm = read_module("elements", "approval")
    _css = read_style("approval")

    name = traitlets.Unicode(help="of the function").tag(sync=True)
    source = traitlets.Unicode(help="where it would run; empty: in this notebook").tag(sync=True)
    arguments = traitlets.Unicode(help="JSON, for people").tag(sync=True)
    is_heard = traitlets.Bool(False, help="a greeting has arrived").tag(sync=True)
