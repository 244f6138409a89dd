"""Cutting what is too long: nothing is lost, no part is too long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_magics.texts import Long, count_tokens, cut_text, is_too_long, name_rows, plan_texts
from glm_magics.tokens import text_tokens

ANY = st.text(st.one_of(st.characters(), st.sampled_from("ab 12.,中文。\n ")), max_size=400)


@given(text=ANY, most=st.integers(1, 60))
@settings(max_examples=400)
def test_parts_fit_and_lose_no_letter(text: str, most: int) -> None:
    """Whatever the text; only blanks at the seams go."""
    parts = list(cut_text(text, most))
    assert "".join("".join(parts).split()) == "".join(text.split())
    for part in parts:
        assert part.strip() == part != ""
        assert text_tokens(part) <= most or len(part) == 1


@given(text=ANY, most=st.integers(1, 400))
def test_too_long_is_what_the_estimate_says(text: str, most: int) -> None:
    """The short cuts by length never disagree with counting."""
    assert is_too_long(text, most) == (text_tokens(text) > most)


@pytest.mark.parametrize(
    ("text", "n", "ending"),
    [
        pytest.param("A short sentence here. " * 600, 2, "here.", id="sentences"),
        pytest.param("今天天气很好。" * 900, 2, "。", id="chinese"),
        pytest.param("word " * 4000, 2, "word", id="words"),
        pytest.param("x" * 20_000, 2, "x", id="one-word"),
        pytest.param("12345" * 2500, 2, "", id="digits"),
    ],
)
def test_parts_end_where_a_reader_would_end_them(text: str, n: int, ending: str) -> None:
    """After a sentence, else a word; and parts are not much shorter than they may be."""
    parts = list(cut_text(text, 3072))
    assert len(parts) <= n + 1
    assert parts[0].endswith(ending)
    assert text_tokens(parts[0]) > 3072 * 0.7


def test_an_early_end_of_a_sentence_makes_no_short_part() -> None:
    """Sentence ends count in the last fifth of a part only; else it is cut at the last word."""
    first = next(cut_text("A word. " + "and " * 5000, 3072))
    assert first.endswith("and")
    assert text_tokens(first) > 3072 * 0.7


@pytest.mark.parametrize("text", ["word " * 2600, "hello " * 4000, "internationalisation " * 700], ids=["short", "five", "long"])
@pytest.mark.parametrize("long", ["split", "truncate"])
def test_what_is_cut_fits_by_another_count_too(text: str, long: Long) -> None:
    """A server that takes four letters for a token refuses no part."""
    sent = plan_texts([text], 3072, long).texts
    assert max(map(len, sent)) <= 4 * 3072


def test_ten_megabytes() -> None:
    """Are counted by their beginning, and cut in one pass."""
    text = "Lorem ipsum dolor sit amet. " * 360_000
    assert count_tokens(text) == pytest.approx(len(text) / 28 * 6, rel=0.1)
    assert sum(map(len, cut_text(text, 3072))) > 0.99 * len(text)


@pytest.mark.parametrize(
    ("rows", "words"),
    [([3], "Row 3"), ([3, 8], "Rows 3 and 8"), ([1, 2, 3], "Rows 1, 2 and 3"), (list(range(9)), "Rows 0, 1, 2, 3, 4 and 4 more")],
)
def test_rows_in_words(rows: list[int], words: str) -> None:
    """At most five by name."""
    assert name_rows(rows) == words


def test_a_plan_without_long_texts_is_the_texts() -> None:
    """No copy, no detour."""
    texts = ["a", "b", "a"]
    plan = plan_texts(texts, 3072, "error")
    assert plan.texts is texts
    assert (plan.n_rows, plan.n_all, plan.rows) == (3, 3, range(3))


def test_a_model_without_a_limit_takes_any_length() -> None:
    """As a server of one's own, which says itself what is too long."""
    assert plan_texts(["x " * 100_000], None, "error").n_all == 1
