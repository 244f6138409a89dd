"""Plots and number arrays: drawn for the model, and left as they were; what cannot be drawn is said in a sentence."""

from __future__ import annotations

import builtins
import io
import shutil
import sys
import warnings
from contextlib import suppress
from importlib import import_module

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.animation import FuncAnimation
from PIL import Image

from glm_magics.errors import GLMWarning, MediaError
from glm_magics.fonts import find_faces
from glm_magics.media import Loading, to_parts
from glm_magics.messages import ImagePart, TextPart
from glm_magics.tokens import MAX_PICTURE_PIXELS

from .test_kernels import finish, start_new_kernel
from .test_media import RED, is_near, one_picture, one_text, opened

FRAME = pd.DataFrame({"a": [1, 2, 3, 4], "b": [3, 1, 2, 5], "c": list("xyxy")})


@pytest.fixture(autouse=True)
def closed():
    """No figure outlives its test."""
    yield
    plt.close("all")


def n_dark(part: ImagePart) -> int:
    """Pixels of ink."""
    return int((np.asarray(opened(part).convert("L")) < 100).sum())


def refused(value: object, **loading: object) -> MediaError:
    with pytest.raises(MediaError) as caught:
        to_parts(value, Loading(**{"label": "x", **loading}))
    assert caught.value.message.startswith("`x")
    assert caught.value.way_out
    assert "\n" not in str(caught.value)
    return caught.value


# Figures of matplotlib


def drawn(layout: str | None = None, **settings: object):
    figure, axes = plt.subplots(2, 2, figsize=(5, 4), layout=layout, **settings)
    for pair in axes:
        for ax in pair:
            ax.plot([1, 2, 3], label="line")
            ax.set_title("A title")
    return figure


def state(figure) -> dict[str, object]:
    """All that a user could see changed."""
    return {
        "dpi": figure.dpi,
        "size": tuple(figure.get_size_inches()),
        "canvas": figure.canvas,
        "stale": figure.stale,
        "stale artists": {id(artist): artist.stale for artist in figure.findobj()},
        "callback": figure.stale_callback,
        "layout": figure.get_layout_engine(),
        "margins": {name: getattr(figure.subplotpars, name) for name in ("left", "right", "top", "bottom", "wspace", "hspace")},
        "places": [(ax.get_position(True).bounds, ax.bbox.bounds, ax.get_in_layout()) for ax in figure.axes],
        "limits": [(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes],
        "colours": (figure.get_facecolor(), [ax.get_facecolor() for ax in figure.axes]),
        "open": plt.get_fignums(),
    }


@pytest.mark.parametrize("layout", [None, "tight", "constrained", "compressed"])
@pytest.mark.parametrize("is_drawn", [False, True], ids=["fresh", "drawn-before"])
def test_a_figure_is_left_as_it_was(layout: str | None, is_drawn: bool) -> None:
    """Resolution, size, canvas, layout, places, and who is to be drawn again; nobody is called to show it."""
    figure = drawn(layout)
    state(figure)  # reading the limits makes matplotlib work them out
    if is_drawn:
        figure.canvas.draw()
        assert not figure.stale
    calls: list[bool] = []
    figure.stale_callback = lambda figure, is_stale: calls.append(is_stale)
    before = state(figure)
    part = one_picture(figure)
    after = state(figure)
    artists = before.pop("stale artists")
    kept = {key: value for key, value in after.pop("stale artists").items() if key in artists}
    assert after == before
    assert kept == {key: value for key, value in artists.items() if key in kept}
    assert calls == []
    assert one_picture(figure).data == part.data


def test_a_figure_is_shown_no_more_often_than_without() -> None:
    """A real kernel with the inline backend, whether figures are closed after their cell or kept."""
    manager, client = start_new_kernel()

    def n_shown(code: str) -> int:
        reply, outputs = finish(client, client.execute(code))
        assert reply["status"] == "ok", reply
        return sum("image/png" in output.get("data", {}) for output in outputs)

    try:
        n_shown("%matplotlib inline\nimport matplotlib.pyplot as plt\nfrom glm_magics.media import to_parts")
        draw = "figure, axes = plt.subplots(layout='constrained'); axes.plot([1, 2]);"
        for is_closed in (True, False):
            n_shown(f"%config InlineBackend.close_figures = {is_closed}")
            assert n_shown(draw) == 1
            assert n_shown(f"{draw}\nto_parts(figure);") == 1
            assert n_shown("to_parts(figure); to_parts(axes);") == 0
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_closed_figure_can_still_be_sent() -> None:
    """`plt.close` takes the window away, not the drawing; as after every cell of a notebook."""
    figure = drawn()
    whole = one_picture(figure).data
    plt.close(figure)
    assert one_picture(figure).data == whole
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "settings",
    [
        {"savefig.transparent": True},
        {"savefig.facecolor": "none"},
        {"savefig.dpi": 1000, "savefig.bbox": "standard"},
        {"savefig.format": "pdf"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_the_users_own_settings_for_files_do_not_count(settings: dict[str, object]) -> None:
    """They are for papers and slides."""
    with plt.rc_context(settings):
        arrived = opened(one_picture(drawn()))
    assert 600 < arrived.width < 900
    assert arrived.getpixel((0, 0)) == (255, 255, 255)


def test_light_letters_without_a_ground_get_a_dark_one() -> None:
    """As a dark theme shows them; dark letters get white."""
    with plt.style.context("dark_background"):
        figure, axes = plt.subplots(facecolor="none")
        axes.patch.set_alpha(0)
        axes.set_title("light")
    assert opened(one_picture(figure)).getpixel((0, 0)) == (0, 0, 0)
    assert opened(one_picture(drawn(facecolor="none"))).getpixel((0, 0)) == (255, 255, 255)
    assert opened(one_picture(drawn(facecolor="red"))).getpixel((0, 0)) == RED


def test_a_legend_outside_belongs_to_the_picture() -> None:
    """The box is tight around everything drawn."""
    figure, axes = plt.subplots()
    axes.plot([1, 2], label="a line with a long name")
    narrow = one_picture(figure).width_px
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    assert one_picture(figure).width_px > narrow + 150


@pytest.mark.parametrize("far", [5, 300, 1e4])
def test_a_text_that_strayed_far_off_does_not_blow_the_picture_up(far: float) -> None:
    """At data coordinates far outside: matplotlib's tight box would take gigabytes, or leave the plot a speck."""
    figure, axes = plt.subplots()
    axes.text(far, 0.5, "lost")
    axes.set_xlim(0, 1)
    part = one_picture(figure)
    assert part.width_px < 1500
    assert n_dark(part) > 1000


@pytest.mark.parametrize("size", [(40, 40), (100, 2), (0.5, 0.5), (500, 500)])
def test_a_figure_of_any_size_is_what_is_seen_at_most(size: tuple[float, float]) -> None:
    """Drawn at the resolution that the model keeps, rather than shrunk by it."""
    figure, axes = plt.subplots(figsize=size)
    axes.plot([1, 2])
    part = one_picture(figure)
    assert 0 < part.width_px * part.height_px <= MAX_PICTURE_PIXELS * 1.02
    assert max(part.width_px, part.height_px) <= 6000


def of_a_bar():
    return plt.bar([1, 2], [3, 4])


def of_a_line():
    return plt.plot([1, 2])[0]


def of_error_bars():
    return plt.errorbar([1], [2], yerr=[1])


def of_stems():
    return plt.stem([1, 2])


def of_a_shown_array():
    return plt.imshow([[1, 2]])


def of_contours():
    return plt.contour([[1, 2], [2, 3]])


def of_pandas():
    return FRAME.plot(subplots=True)


def of_a_matrix():
    return pd.plotting.scatter_matrix(FRAME)


def of_histograms():
    return FRAME.hist()


def of_subplots():
    return plt.subplots()


def of_a_solid():
    return plt.figure().add_subplot(projection="3d").plot([1, 2], [1, 2], [1, 2])


@pytest.mark.parametrize(
    "make",
    [
        *(of_a_bar, of_a_line, of_error_bars, of_stems, of_a_shown_array, of_contours, of_pandas, of_a_matrix, of_histograms),
        *(of_subplots, of_a_solid),
    ],
)
def test_whatever_a_plotting_call_returns_is_its_figure(make) -> None:
    """Once, however many axes and artists of it there are."""
    value = make()
    part = one_picture(value)
    assert part.data == one_picture(plt.gcf()).data
    assert n_dark(part) > 100


def test_an_animation_is_the_frame_it_stands_at() -> None:
    """Neither started nor moved on."""
    figure, axes = plt.subplots()
    (line,) = axes.plot([1, 2, 3])
    animation = FuncAnimation(figure, lambda i: line.set_ydata([i, i, i]), frames=5)
    part = one_picture(animation)
    assert part.source == "the frame it stands at"
    assert list(line.get_ydata()) == [1, 2, 3]
    line.set_ydata([3, 2, 1])
    assert one_picture(animation).data != part.data
    animation._draw_was_started = True  # else matplotlib warns that it was never shown


def test_an_artist_of_no_figure_is_refused() -> None:
    """Removed, or never drawn."""
    (line,) = plt.plot([1, 2])
    line.remove()
    assert "no figure" in refused(line).message
    assert "no figure" in refused(plt.bar([], [])).message


# Other libraries


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch):
    """Hides packages."""

    def hide(*names: str) -> None:
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)

    return hide


GRIDS = ["FacetGrid", "PairGrid", "JointGrid", "ClusterGrid"]


@pytest.mark.parametrize("name", GRIDS)
def test_seaborn_grids_are_their_figures(name: str) -> None:
    """Each of its kinds."""
    seaborn = pytest.importorskip("seaborn")
    make = {
        "FacetGrid": lambda: seaborn.FacetGrid(FRAME, col="c").map(plt.scatter, "a", "b"),
        "PairGrid": lambda: seaborn.PairGrid(FRAME).map(plt.scatter),
        "JointGrid": lambda: seaborn.JointGrid(data=FRAME, x="a", y="b"),
        "ClusterGrid": lambda: seaborn.clustermap(FRAME[["a", "b"]]),
    }
    grid = make[name]()
    assert type(grid).__name__ == name
    assert one_picture(grid).data == one_picture(grid.figure).data


@pytest.mark.filterwarnings("ignore:The copy keyword:DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:.*copy keyword.*")
def test_seaborn_objects_are_drawn() -> None:
    """They are no figures until they are drawn."""
    objects = pytest.importorskip("seaborn.objects")
    assert n_dark(one_picture(objects.Plot(FRAME, x="a", y="b").add(objects.Dot()))) > 100
    assert plt.get_fignums() == []


def test_plotnine_plots_are_drawn() -> None:
    """One, and several side by side; none is left open."""
    plotnine = pytest.importorskip("plotnine")
    plot = plotnine.ggplot(FRAME, plotnine.aes("a", "b")) + plotnine.geom_point()
    assert n_dark(one_picture(plot)) > 100
    assert n_dark(one_picture(plot | plot)) > n_dark(one_picture(plot))
    assert plt.get_fignums() == []
    broken = plotnine.ggplot(FRAME, plotnine.aes("nobody", "b")) + plotnine.geom_point()
    assert "nobody" in refused(broken).message


@pytest.fixture
def chart():
    altair = pytest.importorskip("altair")
    return altair.Chart(FRAME).mark_bar().encode(x="a", y="b")


def test_altair_charts_are_drawn(chart) -> None:
    """By vl-convert, without a browser; several and layered ones too."""
    pytest.importorskip("vl_convert")
    one = one_picture(chart)
    assert (one.mime, one.label) == ("image/png", "chart")
    assert one_picture(chart | chart).width_px > one.width_px
    assert [part.label for part in to_parts([chart, chart + chart], Loading("charts"))] == ["charts[0]", "charts[1]"]


def test_altair_without_vl_convert_says_what_to_install(chart, without) -> None:
    """The package by name; an incomplete chart is said too."""
    error = refused(type(chart)(FRAME))
    assert "mark" in error.message
    without("vl_convert")
    error = refused(chart)
    assert "an Altair chart needs vl-convert-python" in error.message
    assert "pip install vl-convert-python" in error.way_out


def foreign(module: str, name: str, **members: object) -> object:
    """An object of a library that need not be installed: types are told by their names."""
    return type(name, (), {"__module__": module, **members})()


def plotly_figure(to_image, width: float | None = None) -> object:
    size = type("Layout", (), {"width": width, "height": None})
    return foreign("plotly.basedatatypes", "BaseFigure", layout=size, to_image=to_image)


def test_plotly_figures_are_drawn_by_plotly(monkeypatch: pytest.MonkeyPatch) -> None:
    """At twice their size, or what is seen of a huge one; what kaleido says of a missing Chrome is passed on."""
    monkeypatch.setitem(sys.modules, "kaleido", type(sys)("kaleido"))
    asked = []

    def to_image(self: object, format: str, scale: float) -> bytes:
        asked.append(scale)
        buffer = io.BytesIO()
        Image.new("RGB", (9, 9)).save(buffer, format)
        return buffer.getvalue()

    assert one_picture(plotly_figure(to_image)).label == "figure"
    one_picture(plotly_figure(to_image, width=30_000))
    assert asked == [2.0, 0.2]

    def no_chrome(self: object, format: str, scale: float) -> bytes:
        raise RuntimeError("Kaleido requires Google Chrome to be installed.\n\nEither download it or ...")

    error = refused(plotly_figure(no_chrome))
    assert "requires Google Chrome" in error.message
    assert "Chrome" in error.way_out


def test_plotly_without_kaleido_says_what_to_install(without) -> None:
    """The package by name."""
    without("kaleido")
    assert refused(plotly_figure(None)).way_out == "Install it with `pip install kaleido`."


@pytest.mark.skipif(not (shutil.which("chromium") or shutil.which("google-chrome")), reason="plotly draws with a Chrome")
@pytest.mark.filterwarnings("ignore")
def test_a_real_plotly_figure_is_drawn() -> None:
    """Where plotly, kaleido and a Chrome are."""
    pytest.importorskip("kaleido")
    express = pytest.importorskip("plotly.express")
    assert one_picture(express.scatter(FRAME, x="a", y="b")).width_px == 1400


def test_bokeh_without_selenium_says_what_to_install(without) -> None:
    """The package by name; a browser that is missing is said by Bokeh."""
    plot = foreign("bokeh.models.layouts", "LayoutDOM")
    without("selenium")
    assert "a Bokeh plot needs selenium" in refused(plot).message


def test_bokeh_draws_with_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its screenshot shows; what it says of a missing driver is passed on."""
    export = pytest.importorskip("bokeh.io.export")
    plotting = import_module("bokeh.plotting")
    monkeypatch.setitem(sys.modules, "selenium", type(sys)("selenium"))
    plot = plotting.figure()
    monkeypatch.setattr(export, "get_screenshot_as_png", lambda model: Image.new("RGBA", (30, 20), "red"))
    assert is_near(opened(one_picture(plot)).getpixel((3, 3)), RED)

    def no_driver(model: object) -> None:
        raise RuntimeError("chromedriver or its variant is not installed")

    monkeypatch.setattr(export, "get_screenshot_as_png", no_driver)
    error = refused(plot)
    assert "chromedriver or its variant is not installed" in error.message
    assert "browser" in error.way_out


@pytest.mark.filterwarnings("ignore")
def test_holoviews_are_drawn_by_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever backend shows them; a map at the frame it stands at; the chosen backend stays."""
    monkeypatch.delattr(builtins, "__IPYTHON__", raising=False)  # left by shells of other tests; HoloViews believes it
    holoviews = pytest.importorskip("holoviews")
    before = holoviews.Store.current_backend
    curve = holoviews.Curve([1, 3, 2])
    for value in (curve, curve * holoviews.Points([(0, 1)]), curve + curve, holoviews.HoloMap({1: curve, 2: curve})):
        assert n_dark(one_picture(value)) > 100
    assert "Dataset" in refused(holoviews.Dataset(FRAME)).message
    assert holoviews.Store.current_backend == before
    assert plt.get_fignums() == []


# Letters that the figure's own fonts lack


def titled(title: str):
    figure, axes = plt.subplots()
    axes.set_title(title)
    return figure


def test_letters_are_drawn_in_a_font_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a warning, the figure keeps its fonts; two words in boxes would be the same picture."""
    _, unknown = find_faces("温度压力")
    if unknown:
        pytest.skip("no font here has Chinese letters")
    figure = titled("温度")
    family = list(figure.axes[0].title.get_fontfamily())
    part = one_picture(figure)
    assert figure.axes[0].title.get_fontfamily() == family
    assert part.data != one_picture(titled("压力")).data
    monkeypatch.setattr("glm_magics.media.plots.find_faces", lambda letters: ({}, list(letters)))
    with pytest.warns(GLMWarning):
        assert one_picture(titled("温度")).data != part.data


def test_letters_that_no_font_has_are_said_in_one_sentence() -> None:
    """And nothing of matplotlib's own warnings; other warnings of the drawing pass."""
    figure = titled("\U000fffff and \U000ffffe")
    with pytest.warns(GLMWarning, match=r"`fig` is drawn with boxes .* Install a font") as caught:
        to_parts(figure, Loading("fig"))
    assert len(caught) == 1
    figure = titled("")
    figure.draw = lambda *args: (warnings.warn("mine", RuntimeWarning, stacklevel=1), type(figure).draw(figure, *args))
    with pytest.warns(RuntimeWarning, match="mine"):
        to_parts(figure)


# Arrays


def gradient(*shape: int) -> np.ndarray:
    return (np.arange(np.prod(shape)) % 256).reshape(shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        pytest.param((40, 50), (50, 40), id="rows-columns"),
        pytest.param((40, 50, 3), (50, 40), id="channels-last"),
        pytest.param((40, 50, 4), (50, 40), id="alpha-last"),
        pytest.param((40, 50, 1), (50, 40), id="one-last"),
        pytest.param((3, 40, 50), (50, 40), id="channels-first"),
        pytest.param((4, 40, 50), (50, 40), id="alpha-first"),
        pytest.param((1, 40, 50), (50, 40), id="one-first"),
        pytest.param((3, 4, 3), (4, 3), id="tiny-last"),
        pytest.param((4, 400, 3), None, id="unclear"),
        pytest.param((3, 224, 3), None, id="unclear-square"),
        pytest.param((3, 20, 4), (20, 3), id="flat-last"),
    ],
)
def test_rows_and_channels_are_told_apart(shape: tuple[int, ...], size: tuple[int, int] | None) -> None:
    """By their lengths; asked for where those do not tell."""
    array = gradient(*shape)
    if size is None:
        error = refused(array)
        assert "channels × rows × columns" in error.message
        assert "transpose" in error.way_out
        return
    assert opened(one_picture(array)).size == size


def test_channels_first_is_the_same_picture() -> None:
    """Turned round without a mix-up."""
    array = np.random.default_rng(0).integers(0, 256, (3, 30, 20), dtype=np.uint8)
    assert one_picture(array).data == one_picture(array.transpose(1, 2, 0)).data


@pytest.mark.parametrize("shape", [(2, 40, 50, 3), (2, 3, 40, 50), (2, 40, 50, 1)])
def test_a_batch_is_several_pictures(shape: tuple[int, ...]) -> None:
    """Each under its place; of one alone under the value's name."""
    batch = gradient(*shape)
    assert [part.label for part in to_parts(batch, Loading("x"))] == ["x[0]", "x[1]"]
    assert [part.label for part in to_parts(batch[:1], Loading("x"))] == ["x"]
    assert "100 pictures" in refused(np.zeros((100, 40, 50, 3), np.uint8)).message


@pytest.mark.parametrize(
    ("array", "grey"),
    [
        pytest.param(np.full((30, 30), 0.5), 128, id="floats-to-1"),
        pytest.param(np.full((30, 30), 128.0), 128, id="floats-to-255"),
        pytest.param(np.full((30, 30), 0.5, np.float16), 128, id="half-floats"),
        pytest.param(np.full((30, 30), 128, np.int64), 128, id="long-integers"),
        pytest.param(np.ones((30, 30), bool), 255, id="mask"),
        pytest.param(np.ones((30, 30), np.uint8), 255, id="mask-of-bytes"),
        pytest.param(np.ones((30, 30), np.int64), 255, id="mask-of-integers"),
        pytest.param(np.full((30, 30), 128, ">u2"), 128, id="other-byte-order"),
        pytest.param(np.full((30, 30), 128, np.uint8).view(np.matrix), 128, id="matrix"),
        pytest.param(np.broadcast_to(np.uint8(128), (30, 30)), 128, id="broadcast"),
    ],
)
def test_numbers_of_every_kind_are_colours(array: np.ndarray, grey: int) -> None:
    """From 0 to 1 or 0 to 255."""
    assert is_near(opened(one_picture(array)).getpixel((5, 3)), (grey,) * 3, by=1)


DIAGONAL = np.eye(30) > 0


@pytest.mark.parametrize(
    ("array", "grey"),
    [
        pytest.param(np.where(DIAGONAL, np.nan, 0.5), 0, id="nan"),
        pytest.param(np.where(DIAGONAL, np.inf, 0.5), 255, id="inf"),
        pytest.param(np.where(DIAGONAL, -np.inf, 0.5), 0, id="minus-inf"),
        pytest.param(np.ma.masked_array(np.full((30, 30), 0.5), mask=DIAGONAL), 0, id="masked"),
        pytest.param(np.ma.masked_array(np.full((30, 30), 128, np.uint8), mask=DIAGONAL), 0, id="masked-bytes"),
    ],
)
def test_holes_are_told_and_do_not_spoil_the_rest(array: np.ndarray, grey: int) -> None:
    """In one sentence with their number; where there is nothing else, nothing is sent."""
    with pytest.warns(GLMWarning, match=r"`x`: 30 of 900 numbers are NaN, infinite or masked") as caught:
        [part] = to_parts(array, Loading("x"))
    assert len(caught) == 1
    assert isinstance(part, ImagePart)
    for place, shade in (((5, 3), 128), ((5, 5), grey)):
        assert is_near(opened(part).getpixel(place), (shade,) * 3, by=1)
    holes = np.ma.masked_array(np.asarray(array), mask=True) if isinstance(array, np.ma.MaskedArray) else array * np.nan
    assert "holds no number" in refused(holes).message


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.zeros((30, 30), complex), id="complex"),
        pytest.param(np.zeros((30, 30), [("a", "i4"), ("b", "f8")]), id="structured"),
        pytest.param(np.full((30, 30), None), id="objects"),
        pytest.param(np.full((30, 30), "a"), id="words"),
        pytest.param(np.zeros((30, 30), "datetime64[s]"), id="times"),
        pytest.param(np.zeros((30, 30, 2)), id="two-channels"),
        pytest.param(np.zeros((5, 30, 30)), id="five-channels"),
        pytest.param(np.zeros((2, 2, 2, 2, 2)), id="five-dimensions"),
        pytest.param(np.zeros((0, 5)), id="empty"),
        pytest.param(np.broadcast_to(np.float64(1), (10**9,)), id="a-billion"),
    ],
)
def test_other_arrays_are_text(array: np.ndarray) -> None:
    """As NumPy prints them, shortened."""
    assert len(one_text(array)) < 10_000


@pytest.mark.parametrize(
    ("array", "head", "source"),
    [
        pytest.param(np.arange(5000), "\nAn array of 5000 int64; elided:\n[", "5000 int64, elided", id="elided"),
        pytest.param(np.arange(2000.0).reshape(2, 500, 2), "\nAn array of 2×500×2 float64:\n[[", "2×500×2 float64", id="whole"),
        pytest.param(np.full(900, None), "\nAn array of 900 object; elided:\n[None", "900 object, elided", id="objects"),
        pytest.param(
            np.ma.masked_less([1, 5, 7], 4), "\nAn array of 3 int64; 1 masked and written as 0:\n[0 5 7]", "3 int64", id="masked"
        ),
        pytest.param(np.arange(3), "[0 1 2]", "3 int64", id="short"),
    ],
)
def test_an_array_as_text_says_what_it_is(array: np.ndarray, head: str, source: str) -> None:
    """Shape, type and whether all of it is there, for the model and for the footer; up to 2000 numbers go whole."""
    [part] = to_parts(array, Loading("x"))
    assert isinstance(part, TextPart)
    assert part.text.startswith(head)
    assert (part.label, part.source) == ("x", source)
    assert ("..." in part.text) == ("elided" in part.text)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        pytest.param(np.broadcast_to(np.uint8(1), (40_000, 30_000)), "million are the limit", id="a-billion-pixels"),
        pytest.param(np.broadcast_to(np.float64(1), (3, 40_000, 30_000)), "million are the limit", id="channels-first"),
        pytest.param(np.zeros((0, 5, 3)), "without any pixels", id="no-pixels"),
        pytest.param(np.random.default_rng(0).normal(0, 1, (3, 40, 50)), "a picture has 0 to 255, or 0 to 1", id="normalised"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array: np.ndarray, said: str) -> None:
    """Before anything is copied: these have strides of zero, and a copy of the first would take eight gigabytes."""
    assert said in refused(array).message


@given(
    st.lists(st.integers(0, 30), min_size=0, max_size=5),
    st.sampled_from(["?", "u1", "i1", "u2", "i4", "f2", "f4", "f8", "c8", "O", "U1"]),
)
def test_every_array_is_parts_or_a_sentence(shape: list[int], dtype: str) -> None:
    """Any shape and type."""
    with suppress(MediaError):
        assert to_parts(np.zeros(shape, dtype))


# Tensors


class FakeTensor:
    """What is asked of a tensor; torch itself is too large to be installed for a test."""

    def __init__(self, values: np.ndarray, dtype: str = "torch.float32", layout: str = "torch.strided") -> None:
        self.values, self.dtype, self.layout, self.steps = values, dtype, layout, []
        self.shape, self.is_quantized = values.shape, False

    def is_complex(self) -> bool:
        return False

    def is_floating_point(self) -> bool:
        return "float" in self.dtype

    def element_size(self) -> int:
        return 2 if self.dtype.endswith("16") else 4

    def __getattr__(self, name: str):
        def step(**options: object) -> object:
            self.steps.append(name)
            if name == "numpy":
                assert options == {"force": True}
                return self.values
            return self

        return step


FakeTensor.__module__, FakeTensor.__qualname__ = "torch", "Tensor"


@pytest.mark.parametrize(
    ("dtype", "layout", "steps"),
    [
        pytest.param("torch.float32", "torch.strided", ["detach", "cpu", "numpy"], id="with-gradients-on-a-gpu"),
        pytest.param("torch.bfloat16", "torch.strided", ["detach", "float", "cpu", "numpy"], id="bfloat16"),
        pytest.param("torch.float32", "torch.sparse_coo", ["detach", "to_dense", "cpu", "numpy"], id="sparse"),
    ],
)
def test_tensors_are_brought_to_numpy(dtype: str, layout: str, steps: list[str]) -> None:
    """In the order that torch needs."""
    tensor = FakeTensor(np.random.default_rng(0).random((3, 40, 50), np.float32), dtype, layout)
    assert opened(one_picture(tensor)).size == (50, 40)
    assert tensor.steps == steps


def test_a_tensor_that_is_too_large_is_refused_before_it_is_copied() -> None:
    """From a GPU it would come over the bus first."""
    tensor = FakeTensor(np.broadcast_to(np.float32(1), (3, 40_000, 40_000)))
    assert "too many for a picture" in refused(tensor).message
    assert tensor.steps == []


def test_real_torch_tensors() -> None:
    """Where torch is."""
    torch = pytest.importorskip("torch")
    plain = torch.rand(3, 40, 50)
    for tensor in (plain, plain.requires_grad_(), plain.bfloat16(), torch.nn.Parameter(plain), plain.to(torch.float8_e4m3fn)):
        assert opened(one_picture(tensor)).size == (50, 40)
    assert opened(one_picture(torch.eye(50).to_sparse())).size == (50, 50)
    assert one_text(torch.zeros(3)) == "tensor([0., 0., 0.])"
    assert one_text(torch.zeros(40, 50, dtype=torch.complex64)).startswith("tensor(")
    assert "meta" in refused(torch.empty(3, 40, 50, device="meta")).message


def test_real_jax_arrays() -> None:
    """Where JAX is."""
    jax = pytest.importorskip("jax")
    for array in (jax.numpy.ones((3, 40, 50), jax.numpy.bfloat16), jax.numpy.ones((40, 50, 3))):
        assert opened(one_picture(array)).size == (50, 40)
        array.delete()
        assert "deleted" in refused(array).message
    assert one_text(jax.numpy.zeros(3)) == "[0. 0. 0.]"
