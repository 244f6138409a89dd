"""Stylers, groups and HTML tables: what someone chose to show is shown, in its colours, and foreign HTML does no harm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from glm_magics.errors import GLMError, InputError, MediaError
from glm_magics.frames import choose_forms, draw, exact_text, fit_table, frame_image
from glm_magics.htmltables import find_tables
from glm_magics.media.loading import Loading
from glm_magics.media.tables import load_frame
from glm_magics.messages import ImagePart, TextPart
from glm_magics.readers import read_table
from glm_magics.stylers import as_tables, read_colour, read_look
from glm_magics.tables import Look, Table
from glm_magics.tokens import PATCH_PX

FRAME = pd.DataFrame({"a": [1 / 3, -2.0, 3.0], "b": [10, 20, 30]}, index=["x", "y", "z"])
RED, GREEN = (255, 0, 0), (0, 128, 0)


def lines(table: Table) -> list[list[str]]:
    """Heads and cells, line by line."""
    heads = zip(*(column.heads for column in table.columns), strict=True)
    return [list(line) for line in (*heads, *zip(*(column.cells for column in table.columns), strict=True))]


def share(image: Image.Image, colour: tuple[int, int, int]) -> float:
    """Of the picture's pixels, how many have exactly this colour."""
    return float((np.asarray(image.convert("RGB")) == colour).all(axis=2).mean())


# Stylers


@pytest.mark.parametrize(
    ("styler", "row", "column", "look"),
    [
        pytest.param(FRAME.style.map(lambda v: "color: red"), 0, 1, Look(ink=RED), id="ink"),
        pytest.param(FRAME.style.map(lambda v: "background-color: #008000"), 2, 2, Look(fill=GREEN), id="fill"),
        pytest.param(FRAME.style.map(lambda v: "background: green"), 2, 2, Look(fill=GREEN), id="background"),
        pytest.param(FRAME.style.map(lambda v: "font-weight: bold"), 1, 1, Look(is_bold=True), id="bold"),
        pytest.param(FRAME.style.map(lambda v: "font-weight: 700 !important"), 1, 1, Look(is_bold=True), id="bold-number"),
        pytest.param(FRAME.style.highlight_max(color="red"), 2, 1, Look(fill=RED), id="highlight"),
        pytest.param(FRAME.style.map_index(lambda v: "color: red"), 0, 0, Look(ink=RED), id="label"),
        pytest.param(
            FRAME.style.bar(subset=["b"], color="#ff0000", vmin=0, vmax=40), 1, 2, Look(bars=((0.0, 0.5, RED),)), id="bar"
        ),
        pytest.param(
            FRAME.style.bar(subset=["a"], color=["#ff0000", "green"], align="zero", vmin=-4, vmax=4),
            1,
            1,
            Look(bars=((0.25, 0.5, RED),)),
            id="bar-to-the-left",
        ),
        pytest.param(
            FRAME.style.map(lambda v: "background-color: green").bar(subset=["b"], color="#ff0000", vmin=0, vmax=40),
            1,
            2,
            Look(bars=((0.0, 0.5, RED),)),
            id="a-bar-replaces-the-fill-below",
        ),
    ],
)
def test_looks_of_a_styler_are_read(styler: Any, row: int, column: int, look: Look) -> None:
    """As a browser shows them."""
    assert read_table(styler).columns[column].looks[row] == look


def test_a_styler_is_drawn_in_its_colours_and_a_frame_without_any_in_grey() -> None:
    """Fills, bars and letters."""
    filled = frame_image(FRAME.style.map(lambda v: "background-color: red; color: white", subset=["a"]))
    assert filled.mode == "RGB"
    assert filled.width % PATCH_PX == filled.height % PATCH_PX == 0
    assert share(filled, RED) > 0.1
    assert share(frame_image(FRAME.style.bar(subset=["b"], color="#ff0000")), RED) > 0.02
    assert share(frame_image(FRAME.style.map(lambda v: "color: red")), RED) > 0.002
    assert frame_image(FRAME).mode == frame_image(FRAME.style.format("{:.1f}")).mode == "L"


def test_a_gradient_gets_from_the_frame_to_the_picture() -> None:
    """Ever darker."""
    picture = frame_image(pd.DataFrame({"v": range(8)}).style.background_gradient(cmap="Greys"))
    columns = np.asarray(picture.convert("L"))[:, -40 if picture.width > 60 else -20]
    assert columns.max() > 240 > 60 > columns.min()


@pytest.mark.parametrize(
    ("style", "is_light"),
    [
        pytest.param("background-color: #000080", True, id="dark-ground-without-ink"),
        pytest.param("color: #fefefe", False, id="white-on-white"),
        pytest.param("background-color: #ffff00; color: #ffffff", False, id="white-on-yellow"),
    ],
)
def test_letters_can_be_told_from_their_ground(style: str, is_light: bool) -> None:
    """A browser would show them unreadable; a model should still read them."""
    cells = np.asarray(frame_image(pd.DataFrame({"v": ["WWWW"]}).style.map(lambda v: style)).convert("L"))
    body = cells[-14:, cells.shape[1] // 2 :] if cells.shape[0] < 40 else cells[22:38]
    assert (body.max() > 200) if is_light else (body.min() < 60)


def test_letters_hidden_by_choice_stay_hidden() -> None:
    """The same colour as the ground is a choice."""
    hidden = frame_image(pd.DataFrame({"v": ["WWWW"]}, index=[""]).style.map(lambda v: "color: red; background-color: red"))
    shown = frame_image(pd.DataFrame({"v": ["WWWW"]}, index=[""]).style.map(lambda v: "background-color: red"))
    assert share(hidden, RED) > share(shown, RED)


def test_formats_caption_and_what_is_hidden() -> None:
    """As it shows in a cell."""
    styler = FRAME.style.format("{:.1f} €").set_caption("Prices\nby shop").hide(axis="columns", subset=["b"]).hide(subset=["y"])
    table = read_table(styler)
    assert lines(table) == [["", "a"], ["x", "0.3 €"], ["z", "3.0 €"]]
    assert (table.caption, table.n_rows, table.n_columns) == ("Prices by shop", 2, 1)
    assert table.columns[1].is_number
    assert lines(read_table(styler.hide(axis="index"))) == [["a"], ["0.3 €"], ["3.0 €"]]
    assert frame_image(styler).height > frame_image(FRAME.loc[["x", "z"], ["a"]]).height


def test_levels_of_both_axes() -> None:
    """In the same places as those of the frame itself."""
    frame = pd.DataFrame(
        [[1, 2], [3, 4]],
        index=pd.MultiIndex.from_tuples([("r", 1), ("r", 2)], names=["i", "j"]),
        columns=pd.MultiIndex.from_tuples([("p", "x"), ("p", "y")]),
    )
    assert lines(read_table(frame.style)) == lines(read_table(frame))


def test_a_long_wide_styler_is_elided_like_its_frame() -> None:
    """Head and tail with the colours that the whole frame gave them."""
    frame = pd.DataFrame(np.arange(3000).reshape(100, 30))
    styled = read_table(frame.style.highlight_max(axis=None, color="red"))
    assert lines(styled) == lines(read_table(frame))
    assert styled.columns[-1].looks == {10: Look(fill=RED)}
    assert lines(read_table(frame.style, 3, 2)) == lines(read_table(frame, 3, 2))


def test_rows_below_a_styler_are_there() -> None:
    """Of `concat`."""
    table = read_table(FRAME.style.concat(FRAME.agg(["sum"]).style))
    assert lines(table)[-1][0] == "sum"
    assert (table.n_rows, table.row_gap) == (4, None)


@pytest.mark.parametrize("form", ["both", "auto"])
def test_a_styler_is_sent_as_picture_and_values(form: Any) -> None:
    """CSV of the same rows and columns with all digits: formats are for people, colours for the picture."""
    styler = FRAME.style.highlight_max().format("{:.1f}").hide(subset=["y"]).set_caption("Prices")
    picture, text = load_frame(styler, Loading("df", frames=form))
    assert isinstance(picture, ImagePart)
    assert isinstance(text, TextPart)
    assert text.text.strip() == "Prices\n,a,b\nx,0.3333333333333333,10\nz,3.0,30\n[2 rows x 2 columns]"


@pytest.mark.parametrize("form", ["text", "both", "auto"])
def test_rows_that_a_styler_appends_are_in_its_text(form: Any) -> None:
    """Those of `Styler.concat`, also of one within another."""
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": [3, 4]}, index=["x", "y"])
    total = frame.agg(["sum"]).style.concat(frame.agg(["mean"]).style)
    *_, text = load_frame(frame.style.hide(subset=["b"], axis="columns").concat(total), Loading("df", frames=form))
    assert text.text.strip() == ",a\nx,1.5\ny,2.5\nsum,4.0\nmean,2.0\n[4 rows x 1 columns]"


def test_labels_that_a_styler_hides_are_not_in_its_text() -> None:
    """Some levels or all."""
    assert exact_text(FRAME.style.hide(axis="index"))[0].startswith("a,b\n")


def test_drawing_leaves_the_styler_alone() -> None:
    """It shows the same afterwards."""
    styler = pd.DataFrame(np.zeros((100, 30))).style.highlight_max()
    before = styler.to_html(table_uuid="t")
    frame_image(styler)
    assert styler.to_html(table_uuid="t") == before


@pytest.mark.parametrize(
    ("styler", "said"),
    [
        pytest.param(pd.DataFrame(np.zeros((60_000, 5))).style, "300,000 cells", id="huge"),
        pytest.param(FRAME.style.map(lambda v: 1 / 0), "division by zero", id="failing-style"),
        pytest.param(FRAME.style.format(lambda v: v.nobody), "nobody", id="failing-format"),
        pytest.param(pd.DataFrame().style, "empty", id="empty"),
        pytest.param(FRAME.style.hide(axis="columns", subset=["a", "b"]), "empty", id="all-hidden"),
    ],
)
def test_what_a_styler_cannot_show_is_a_sentence(styler: Any, said: str) -> None:
    """Not a traceback from within pandas."""
    with pytest.raises(MediaError, match=said):
        frame_image(styler)


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        pytest.param("red", RED, id="name"),
        pytest.param("#0f0", (0, 255, 0), id="short-hex"),
        pytest.param("#00800080", (127, 191, 127), id="hex-with-alpha"),
        pytest.param("rgb(1, 2, 3)", (1, 2, 3), id="rgb"),
        pytest.param("rgba(255, 0, 0, 0.5)", (255, 128, 128), id="half-red"),
        pytest.param("rgba(255, 0, 0, 50%)", (255, 128, 128), id="half-red-percent"),
        pytest.param("hsl(0, 100%, 50%)", RED, id="hsl"),
        pytest.param("rgba(0, 0, 0, 0)", None, id="invisible"),
        pytest.param("transparent", None, id="transparent"),
        pytest.param("var(--x)", None, id="variable"),
        pytest.param("url(http://evil.example/x.png)", None, id="address"),
        pytest.param("", None, id="nothing"),
        pytest.param("rgba(1, 2, 3, .)", None, id="half-a-number"),
    ],
)
def test_colours_of_css(text: str, colour: tuple[int, int, int] | None) -> None:
    """On white paper; what is no colour is left out."""
    assert read_colour(text) == colour


@given(
    st.lists(st.tuples(st.sampled_from(["color", "background", "background-image", "font-weight", "x"]), st.text(max_size=60)))
)
@settings(max_examples=200, deadline=None)
def test_no_style_is_an_error(style: list[tuple[str, str]]) -> None:
    """Whatever is written there."""
    look = read_look(tuple(style))
    assert all(0 <= start <= stop <= 1 for start, stop, _ in look.bars)


# Groups


def test_groups_are_their_keys_sizes_and_first_rows() -> None:
    """In the order of the groups; rows without a key are left out."""
    frame = pd.DataFrame({"k": ["b", "a", "b", None, "b", "b"], "v": [1, 2, 3, 4, 5, 6]})
    table = read_table(frame.groupby("k"))
    assert table.caption == "2 groups of 5 rows; the first 3 rows of each"
    assert lines(table) == [
        ["k", "rows", "", "v"],
        ["a", "1", "1", "2"],
        ["b", "4", "0", "1"],
        ["", "", "2", "3"],
        ["", "", "4", "5"],
    ]
    assert frame_image(frame.groupby("k")).height > frame_image(frame).height / 2


KINDS = pd.DataFrame({"k": pd.Categorical(["b", "a"], categories=["a", "b", "none"]), "j": [1, 1], "v": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("grouped", "first"),
    [
        pytest.param(KINDS.groupby("k", observed=False), ["a", "1", "1", "1", "2.0"], id="categories-without-rows"),
        pytest.param(KINDS.groupby(["k", "j"], observed=True), ["a", "1", "1", "1", "2.0"], id="two-keys"),
        pytest.param(KINDS.groupby("k", observed=True, sort=False), ["b", "1", "0", "1", "1.0"], id="unsorted"),
        pytest.param(KINDS.groupby("k", observed=True)[["v"]], ["a", "1", "1", "2.0"], id="some-columns"),
        pytest.param(KINDS.groupby("k", observed=True)["v"], ["a", "1", "1", "2.0"], id="series"),
        pytest.param(KINDS.groupby("j", as_index=False)[["v"]], ["1", "2", "0", "1.0"], id="keys-as-columns"),
        pytest.param(KINDS[["j"]].groupby("j"), ["1", "2", "0", "1"], id="keys-only"),
        pytest.param(KINDS.v.groupby(lambda i: i % 2), ["0", "1", "0", "1.0"], id="by-a-function"),
    ],
)
def test_groupings_of_many_kinds(grouped: Any, first: list[str]) -> None:
    """The first line of each."""
    assert lines(read_table(grouped))[1] == first


def test_many_groups_are_elided() -> None:
    """One row of each, and of them head and tail."""
    table = read_table(pd.DataFrame({"k": range(100_000), "v": 1}).groupby("k"))
    assert table.caption == "100,000 groups of 100,000 rows; the first row of each"
    assert len(table.columns[0].cells) == 11


def polars_groups() -> Any:
    import polars

    return polars.DataFrame({"k": [1], "v": [1]}).group_by("k")


DAYS = pd.Series([1.0, 2.0], index=pd.date_range("2026-01-01", periods=2))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: DAYS.resample("D"), id="resampling"),
        pytest.param(lambda: DAYS.rolling(2), id="windows"),
        pytest.param(lambda: DAYS.expanding(), id="growing-windows"),
        pytest.param(polars_groups, id="polars"),
    ],
)
def test_what_is_not_aggregated_yet_is_a_sentence(make: Any) -> None:
    """Which says what to do."""
    with pytest.raises(InputError, match=r"is no table until its groups are aggregated\. Send what \.mean"):
        frame_image(make())


# HTML


class Shown:
    """Shows itself as HTML."""

    def __init__(self, html: str) -> None:
        self._html = html

    def _repr_html_(self) -> str:
        return self._html


@pytest.mark.parametrize(
    ("html", "cells"),
    [
        pytest.param("<table><tr><th>h<th>i<tr><td>1<td>2</table>", [["h", "i"], ["1", "2"]], id="ends-unsaid"),
        pytest.param("<table><tr><td>1<td>2", [["1", "2"]], id="cut-off"),
        pytest.param(
            "<table><thead><tr><th colspan=2>top</th></tr><tr><th>a</th><th>b</th></tr></thead><tr><td>1<td>2</table>",
            [["a", "b"], ["1", "2"]],
            id="title-over-all",
        ),
        pytest.param(
            "<table><thead><tr><th><th colspan=2>g</tr><tr><th><th>a<th>b</thead><tr><th>r<td>1<td>2</table>",
            [["", "g", "g"], ["", "a", "b"], ["r", "1", "2"]],
            id="heads-over-columns",
        ),
        pytest.param(
            "<table><thead><tr><th colspan=2>g<th rowspan=2>c</tr><tr><th>a<th>b</thead><tr><td>1<td>2<td>3</table>",
            [["g", "g", ""], ["a", "b", "c"], ["1", "2", "3"]],
            id="a-head-over-two-lines",
        ),
        pytest.param("<table><tr><td rowspan=2>x<td>1<tr><td>2</table>", [["x", "1"], ["", "2"]], id="over-rows"),
        pytest.param("<table><tr><td colspan=2>x<tr><td>1<td>2</table>", [["x", ""], ["1", "2"]], id="over-columns"),
        pytest.param("<table><tr><td>1<tr><td>1<td>2</table>", [["1", ""], ["1", "2"]], id="ragged"),
        pytest.param("<table><tr><td>a &lt;b&gt; <b>c</b><br>d<script>x</script></table>", [["a <b> c d"]], id="marked-up"),
        pytest.param("<table><tr><td>&nbsp;x&#8238;y</table>", [["x\\u202ey"]], id="odd-letters"),
        pytest.param("<table><tr><td><img alt='cat'><img></table>", [["cat[picture]"]], id="pictures"),
    ],
)
def test_html_tables_are_laid_flat(html: str, cells: list[list[str]]) -> None:
    """Spans, missing ends, entities."""
    (table,) = as_tables(Shown(html))
    assert lines(table) == cells


def test_styles_of_html_are_kept() -> None:
    """Of the cell and by its id."""
    html = "<style>#c{color:red} td{color:green}</style><table><tr><td id=c>1<td style='background:green'>2</table>"
    (table,) = as_tables(html)
    assert [column.looks for column in table.columns] == [{0: Look(ink=RED)}, {0: Look(fill=GREEN)}]
    assert share(draw(fit_table(table)), GREEN) > 0.1


def test_a_great_table_is_drawn_by_wish() -> None:
    """Title, labels, formats; no browser."""
    great_tables = pytest.importorskip("great_tables")
    great = great_tables.GT(FRAME.reset_index()).tab_header("Prices").fmt_currency("a")
    (table,) = as_tables(great)
    assert table.caption == "Prices"
    assert lines(table)[:2] == [["index", "a", "b"], ["x", "$0.33", "10"]]
    assert frame_image(table).width > PATCH_PX


def test_long_html_tables_are_elided_and_sent_as_frames_are() -> None:
    """Picture, text, or what suits."""
    (table,) = as_tables(pd.DataFrame(np.arange(3000).reshape(100, 30)).to_html())
    assert lines(read_table(table)) == lines(read_table(pd.DataFrame(np.arange(3000).reshape(100, 30))))
    kinds = [[part.kind for part in load_frame(table, Loading(frames=form))] for form in ("image", "text", "both")]
    assert kinds == [["image"], ["text"], ["image", "text"]]
    assert choose_forms(table, fit_table(table)) == (True, "")


class Failing:
    """Its HTML cannot be had."""

    def _repr_html_(self) -> str:
        raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(5, "does not show itself as HTML", id="number"),
        pytest.param(Shown, "does not show itself as HTML", id="class"),
        pytest.param(Shown("<p>none</p>"), "no table", id="no-table"),
        pytest.param(Shown("<table></table>"), "no table", id="empty-table"),
        pytest.param(Shown(None), "does not show itself", id="nothing"),  # type: ignore[arg-type]
        pytest.param(Failing(), "fails: boom", id="failing"),
        pytest.param("x" * 10_000_001, "letters long", id="huge"),
        pytest.param("<table>" + "<tr><td colspan=1000>" * 2000, "more than 1,000,000 cells", id="bomb"),
    ],
)
def test_html_without_a_table_is_a_sentence(value: Any, said: str) -> None:
    """And so is too much of it."""
    with pytest.raises(GLMError, match=said):
        as_tables(value)


PIECES = st.sampled_from(
    [
        *("<table>", "</table>", "<tr>", "</tr>", "<td>", "<th>", "</td>", "<thead>", "<tbody>", "<caption>", "<td colspan=3>"),
        *(
            "<td rowspan=4>",
            "<td colspan=x rowspan=-1>",
            "x",
            " ",
            "&amp;",
            "<style>#a{b:c}",
            "</style>",
            "<td id=a style=';:;'>",
        ),
        *("<!--", "-->", "<![CDATA[", "<script>", "</script>", "<td colspan=99999999999999999999>", "\ud800", "\0", "<"),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_no_html_is_an_error_of_the_reader(html: str) -> None:
    """Every grid is even, and no cell is lost of it when it becomes a table."""
    for grid in find_tables(html):
        assert len({len(row) for row in grid.rows}) == 1
        assert 0 <= grid.n_heads < len(grid.rows)
    if find_tables(html):
        assert all(len({len(column.cells) for column in table.columns}) == 1 for table in as_tables(html))
