"""Brackets behind a path: pages and spans of time, or a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_magics.errors import MediaError
from glm_magics.media.selections import parse_pages, parse_times


@pytest.mark.parametrize(
    ("selection", "pages"),
    [
        pytest.param("3", [3], id="one"),
        pytest.param("3-7", [3, 4, 5, 6, 7], id="span"),
        pytest.param("1,4,9-", [1, 4, 9, 10, 11, 12], id="to-the-last"),
        pytest.param("-2", [1, 2], id="from-the-first"),
        pytest.param("12-", [12], id="last"),
        pytest.param("5,1-2", [5, 1, 2], id="in-the-order-named"),
        pytest.param("2-4,3,3-5", [2, 3, 4, 5], id="each-once"),
        pytest.param(" 3 – 5 , 7 ", [3, 4, 5, 7], id="spaces-and-a-typographic-dash"),
        pytest.param("4-4", [4], id="span-of-one"),
    ],
)
def test_pages_are_read_as_in_a_print_dialogue(selection: str, pages: list[int]) -> None:
    """Of twelve."""
    assert parse_pages(selection, 12) == pages


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        pytest.param("", "names no pages", id="empty"),
        pytest.param("-", "names no pages", id="dash"),
        pytest.param("1,,2", "names no pages", id="nothing-between-commas"),
        pytest.param("abc", "`[abc]` names no pages", id="words"),
        pytest.param("1 2", "names no pages", id="no-comma"),
        pytest.param("0:10-0:25", "names no pages", id="times"),
        pytest.param("³", "names no pages", id="no-ascii-digit"),
        pytest.param("1" * 40, "names no pages", id="huge-number"),
        pytest.param("0", "no page 0", id="zero"),
        pytest.param("0-3", "no page 0", id="from-zero"),
        pytest.param("7-3", "runs backwards", id="backwards"),
        pytest.param("13", "no page 13; the last is 12", id="behind-the-end"),
        pytest.param("9-20", "no page 20; the last is 12. Write [9-]", id="span-over-the-end"),
        pytest.param("13-", "no page 13", id="open-behind-the-end"),
        pytest.param("1-999999999", "no page 999999999", id="costs-nothing"),
    ],
)
def test_what_names_no_pages_is_refused(selection: str, said: str) -> None:
    """In one sentence."""
    with pytest.raises(MediaError) as caught:
        parse_pages(selection, 12)
    assert said in str(caught.value)
    assert caught.value.way_out


def test_the_sentence_counts_what_is_counted() -> None:
    """Slides, sheets, cells, lines."""
    with pytest.raises(MediaError, match="There is no slide 9; the last is 3"):
        parse_pages("9", 3, "slide")


@given(st.text("0123456789-–, :x", max_size=12), st.integers(1, 40))
def test_pages_are_always_among_those_there_are(selection: str, n_pages: int) -> None:
    """Whatever is typed: some pages, each once, or a sentence."""
    try:
        pages = parse_pages(selection, n_pages)
    except MediaError:
        return
    assert pages
    assert len(set(pages)) == len(pages)
    assert set(pages) <= set(range(1, n_pages + 1))


@pytest.mark.parametrize(
    ("selection", "span"),
    [
        pytest.param("0:10-0:25", (10.0, 25.0), id="clock"),
        pytest.param("10-25", (10.0, 25.0), id="seconds"),
        pytest.param("1:02:03.5-", (3723.5, None), id="to-the-end"),
        pytest.param("-0:30", (0.0, 30.0), id="from-the-start"),
        pytest.param("0:42", (42.0, 42.0), id="one-moment"),
    ],
)
def test_times_are_read_in_seconds(selection: str, span: tuple[float, float | None]) -> None:
    """Hours, minutes and fractions; either end may be open."""
    assert parse_times(selection) == span


@pytest.mark.parametrize("selection", ["", "-", "abc", "0:25-0:10", "10-10", "1,4"])
def test_what_is_no_span_of_time_is_refused(selection: str) -> None:
    """Nothing, words, a span that runs backwards or lasts no time."""
    with pytest.raises(MediaError) as caught:
        parse_times(selection)
    assert caught.value.way_out
