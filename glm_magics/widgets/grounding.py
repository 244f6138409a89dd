"""The grounding widget as the page knows it: traits of plain values; what it does is in ``page/``."""

from __future__ import annotations

from typing import Any

import traitlets

from .pages import read_module, read_style
from .told import ToldWidget


class GroundingWidget(ToldWidget):
    """Pictures, boxes, questions and answers on a page.

    Python writes the traits, the page reads them and asks for changes by messages (`widgets.requests`). Each message is
    answered by ``{"type": "done", "page": …, "n": …}``, with ``"did"`` where something was undone or done again, or, for a file,
    by ``{"type": "file", …}`` with its bytes.
    """

    _esm = read_module(
        *("elements", "desk", "camera", "painter", "picture", "hands", "keys", "stage"),
        *("words", "question", "table", "shelves", "grounding"),
    )
    _css = read_style("grounding")

    pictures: traitlets.List[Any] = traitlets.List(help="{name, width_px, height_px, mime, bytes}").tag(sync=True)
    """The bytes are those of a copy fit to show; they are sent once."""

    shapes: traitlets.List[Any] = traitlets.List(help="rows of `widgets.marks.to_rows`").tag(sync=True)
    asked: traitlets.List[Any] = traitlets.List(help="rows of `widgets.history.History.asked_rows`").tag(sync=True)
    growing = traitlets.Dict(help="{answer, thinking} of the last question while it is answered").tag(sync=True)
    can_step = traitlets.Dict(help="{undo, redo}: whether there is something to undo, and to do again").tag(sync=True)
    status = traitlets.Unicode(help="empty, asking or stopping").tag(sync=True)
    message = traitlets.Unicode(help="a sentence for people").tag(sync=True)
    selected = traitlets.Unicode(help="id of the selected box").tag(sync=True)
    formats: traitlets.List[Any] = traitlets.List(help="[key, name] of each export").tag(sync=True)
    can_ask = traitlets.Bool(True, help="somebody answers").tag(sync=True)
    has_still = traitlets.Bool(False, help="the output before holds the picture for readers without a kernel").tag(sync=True)
