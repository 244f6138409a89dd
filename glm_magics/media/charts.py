"""Figures of other plotting libraries, each by what its library offers to draw it without showing or altering it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from typing import Any

from ..errors import GLMError, MediaError
from ..messages import Part
from ..pictures import MAX_IMAGE_SIDE_PX, encode_picture, load_picture, named
from ..tokens import MAX_PICTURE_PIXELS
from .loading import Loading, said
from .plots import load_figure

_SCALE = 2.0
"""Screen pixels to sent ones: text of 12 px on a screen is small print for a model."""


def load_grid(grid: Any, loading: Loading) -> Iterable[Part]:
    """A seaborn grid (FacetGrid, PairGrid, JointGrid, ClusterGrid): its figure."""
    return load_figure(grid.figure, loading)


def load_seaborn_plot(plot: Any, loading: Loading) -> Iterable[Part]:
    """A ``seaborn.objects`` plot."""
    buffer = BytesIO()
    with _drawing(loading):
        plot.save(buffer, format="png", dpi=150, bbox_inches="tight")
    return [load_picture(buffer.getvalue(), loading.label or "plot")]


def load_ggplot(plot: Any, loading: Loading) -> Iterable[Part]:
    """A plotnine plot, or several composed."""
    buffer = BytesIO()
    with _drawing(loading):
        plot.save(buffer, format="png", dpi=150, verbose=False, limitsize=False)
    return [load_picture(buffer.getvalue(), loading.label or "plot")]


def load_altair(chart: Any, loading: Loading) -> Iterable[Part]:
    """An Altair chart, by vl-convert, which needs no browser."""
    buffer = BytesIO()
    with _drawing(loading):
        _need(loading, "vl_convert", "An Altair chart", "pip install vl-convert-python")
        chart.save(buffer, format="png", scale_factor=_SCALE)
    return [load_picture(buffer.getvalue(), loading.label or "chart")]


def load_plotly(figure: Any, loading: Loading) -> Iterable[Part]:
    """A Plotly figure, by kaleido, which drives a Chrome that is installed."""
    with _drawing(loading, "kaleido draws with Chrome: is it installed? Else send a screenshot, or the data."):
        _need(loading, "kaleido", "A Plotly figure", "pip install kaleido")
        width, height = figure.layout.width or 700, figure.layout.height or 500
        scale = min(_SCALE, MAX_IMAGE_SIDE_PX / max(width, height), (MAX_PICTURE_PIXELS / (width * height)) ** 0.5)
        data = figure.to_image(format="png", scale=scale)
    return [load_picture(data, loading.label or "figure")]


def load_bokeh(model: Any, loading: Loading) -> Iterable[Part]:
    """A Bokeh plot or layout, by selenium, which drives a Chrome or Firefox whose driver is installed."""
    with _drawing(
        loading, "Bokeh draws with a browser: are Chrome and chromedriver installed? Else send a screenshot, or the data."
    ):
        _need(loading, "selenium", "A Bokeh plot", "pip install selenium")
        image = import_module("bokeh.io.export").get_screenshot_as_png(model)
    return [encode_picture(image, loading.label or "plot")]


def load_holoviews(value: Any, loading: Loading) -> Iterable[Part]:
    """A HoloViews element, overlay, layout or map, drawn by matplotlib whatever backend shows it in the notebook."""
    with _drawing(loading):
        import_module("holoviews.plotting.mpl")
        figure = import_module("holoviews").renderer("matplotlib").get_plot(value).state  # of a map the frame it stands at
    return load_figure(figure, loading)


@contextmanager
def _drawing(loading: Loading, way_out: str = "Can it be shown in a cell of its own?") -> Iterator[None]:
    """What a plotting library raises becomes a sentence."""
    try:
        yield
    except GLMError:
        raise
    except Exception as error:
        raise MediaError(f"{named(loading.label)} cannot be drawn: {said(error)}.", way_out) from error


def _need(loading: Loading, module: str, what: str, install: str) -> None:
    try:
        import_module(module)
    except ImportError:
        package = install.split()[-1]
        raise MediaError(
            f"{named(loading.label)} cannot be drawn: {what[0].lower()}{what[1:]} needs {package}.",
            f"Install it with `{install}`.",
        ) from None
