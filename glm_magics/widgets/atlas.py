"""The map of texts as the page knows it: traits of plain values; what it does is in ``page/``."""

from __future__ import annotations

from typing import Any

import traitlets

from .pages import read_module, read_style
from .told import ToldWidget


class AtlasWidget(ToldWidget):
    """What lies around the points: search, names, cards of texts, legend, tools.

    Python writes the traits, the page reads them and asks by messages (`widgets.inquiries`). Each is answered by
    ``{"type": "done" | "cards" | "hits" | "error", "page": …, "n": …}``.
    """

    _esm = read_module("elements", "talk", "atlasmap", "atlasside", "atlas")
    _css = read_style("atlas")

    points = traitlets.Unicode(help="the widget that draws the points, as `anywidget:<model id>`").tag(sync=True)
    n_points = traitlets.Int(help="points on the map").tag(sync=True)
    n_selected = traitlets.Int(help="of them selected").tag(sync=True)
    legend = traitlets.Dict(help="{title, groups: [{name, colour, n}], low, high, ramp: [colour]}").tag(sync=True)
    names: traitlets.List[Any] = traitlets.List(help="{text, row, colour, n}, the largest first").tag(sync=True)
    summary = traitlets.Unicode(help="the map in words").tag(sync=True)
    notice = traitlets.Unicode(help="what people should know: that not all rows are shown").tag(sync=True)
    height_px = traitlets.Int(520, help="of the map").tag(sync=True)
    has_still = traitlets.Bool(False, help="the output before holds the picture for readers without a kernel").tag(sync=True)
