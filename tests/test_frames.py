"""Frames as pictures and as text: what is there is shown, what is left out is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from glm_magics.frames import MAX_COLUMNS, MAX_ROWS, _grid, can_draw, draw, to_text

ODD = {
    "one-cell": pd.DataFrame({"a": [1]}),
    "duplicate-columns": pd.DataFrame([[1, "x"], [2, "y"]], columns=["a", "a"]),
    "multi-index": pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"])),
    "multi-columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
    "named-index": pd.DataFrame({"v": [1]}, index=pd.Index(["r"], name="key")),
    "missing": pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": [pd.NaT, pd.Timestamp("2026-01-02")]}),
    "extension-types": pd.DataFrame(
        {"i": pd.array([1, None], "Int64"), "s": pd.array(["a", None], "string"), "b": pd.array([True, None], "boolean")}
    ),
    "category": pd.DataFrame({"c": pd.Categorical(["a", "b"])}),
    "period-interval": pd.DataFrame({"p": pd.period_range("2026-01", periods=2, freq="M"), "i": pd.interval_range(0, 2)}),
    "infinite": pd.DataFrame({"a": [np.inf, -np.inf]}),
    "line-breaks": pd.DataFrame({"a": ["x\ny\tz"]}),
    "long-text": pd.DataFrame({"a": ["x" * 100_000]}),
    "lists-in-cells": pd.DataFrame({"a": [[1, 2], {"b": 1}]}),
    "no-string-columns": pd.DataFrame([[1, 2]], columns=[0, None]),
    "many-rows": pd.DataFrame({"a": range(10_000), "b": range(10_000)}),
    "many-columns": pd.DataFrame([range(300)]),
    "both-long": pd.DataFrame(np.zeros((100, 100))),
    "accents": pd.DataFrame({"é": ["ß", "Ω", "−1"]}),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_frames_are_drawn(name: str) -> None:
    """A legible picture of bounded size; the frame stays as it is."""
    frame = ODD[name]
    before = frame.copy(deep=True)
    assert can_draw(frame)
    picture = draw(frame)
    assert picture.mode == "RGB"
    assert 40 <= picture.width <= 12_000
    assert 60 <= picture.height <= 40 * (MAX_ROWS + 4)
    assert picture.convert("L").getextrema()[0] < 80, "there is ink"
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("name", ODD)
def test_every_row_of_the_grid_is_as_long_as_the_header(name: str) -> None:
    """Elision keeps rows and columns aligned."""
    grid = _grid(ODD[name])
    assert len({len(row) for row in grid}) == 1
    assert len(grid) <= MAX_ROWS + 2
    assert len(grid[0]) <= MAX_COLUMNS + 2


def test_long_frames_show_head_and_tail_in_order() -> None:
    """First and last rows and columns, one mark between, index on the left."""
    frame = pd.DataFrame([[f"{i},{j}" for j in range(40)] for i in range(100)], columns=[f"c{j}" for j in range(40)])
    grid = _grid(frame)
    assert grid[0][:3] == ["", "c0", "c1"]
    assert grid[0][-1] == "c39"
    assert grid[0].count("…") == 1
    assert (grid[1][0], grid[-1][0], grid[-1][-1]) == ("0", "99", "99,39")
    assert [row[0] for row in grid].count("…") == 1
    position = grid[0].index("…")
    assert all(row[position] == "…" for row in grid)


def test_cells_as_text() -> None:
    """Floats short, line breaks gone, long texts cut, missing values named."""
    frame = pd.DataFrame({"a": [1 / 3, 2.0, float("nan")], "b": ["x\ny", "z" * 99, None]})
    grid = _grid(frame)
    assert [row[1] for row in grid[1:]] == ["0.333333", "2", "nan"]
    assert grid[1][2] == "x y"
    assert grid[2][2].endswith("…")
    assert len(grid[2][2]) == 40


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(pd.DataFrame(), id="nothing"),
        pytest.param(pd.DataFrame({"a": []}), id="no-rows"),
        pytest.param(pd.DataFrame(index=[1, 2]), id="no-columns"),
        pytest.param(pd.DataFrame({"a": ["中文"]}), id="cjk-cell"),
        pytest.param(pd.DataFrame({"名": [1]}), id="cjk-column"),
        pytest.param(pd.DataFrame({"a": [1]}, index=["行"]), id="cjk-index"),
        pytest.param(pd.DataFrame({"a": ["🙂"]}), id="emoji"),
        pytest.param(pd.DataFrame({"a": ["a\x00b"]}), id="control"),
    ],
)
def test_what_the_font_cannot_show_is_text(frame: pd.DataFrame) -> None:
    """Never empty boxes: the text holds it all."""
    assert not can_draw(frame)
    assert to_text(frame).strip()


def test_cjk_outside_of_the_shown_rows_does_not_matter() -> None:
    """Only what is drawn needs letters."""
    frame = pd.DataFrame({"a": ["x"] * 100})
    frame.loc[50, "a"] = "中"
    assert can_draw(frame)


def test_text_of_a_long_frame_is_elided_and_says_its_shape() -> None:
    """As pandas prints it."""
    text = to_text(pd.DataFrame({"a": range(1000)}))
    assert "[1000 rows x 1 columns]" in text
    assert len(text.splitlines()) < 45
    assert "Columns: [a, b]" in to_text(pd.DataFrame({"a": [], "b": []}))


@pytest.mark.parametrize("name", ODD)
def test_every_odd_frame_has_a_text(name: str) -> None:
    """With --frames text."""
    assert to_text(ODD[name]).endswith("\n")
    assert len(to_text(ODD[name])) < 50_000
