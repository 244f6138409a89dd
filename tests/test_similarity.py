"""``glm.search``, ``similar``, ``duplicates`` and ``clusters`` through the front door, and the arithmetic under them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import glm_magics.neighbours
from glm_magics.corpus import Corpus
from glm_magics.errors import GLMError, GLMWarning, InputError
from glm_magics.neighbours import build_index, load_index
from glm_magics.session import Session
from glm_magics.similarity import Hit
from glm_magics.testing import FakeGLM, made_up_vector
from glm_magics.vectors import best_of, find_clusters, find_nearest, find_pairs, join_pairs, to_unit

from .conftest import KEY

TEXTS = [
    "the cat sat on the mat",
    "interest rates rose in March",
    "a cat sat on a mat",
    "rain and wind in the north",
    "interest rates rose again in March",
    "the cat sat on the mat",
]
FRAMES = {
    "pandas": lambda: pd.DataFrame({"text": TEXTS, "n": range(6)}, index=list("abcdef")),
    "polars": lambda: pl.DataFrame({"text": TEXTS, "n": range(6)}),
    "arrow": lambda: pa.table({"text": TEXTS, "n": range(6)}),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    """On the sandbox, whose vectors know words and spellings."""
    session = Session(environment={"GLM_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))})
    session.connect("sandbox")
    yield session.corpus
    session.close()


def as_pandas(frame: Any) -> pd.DataFrame:
    return frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_search_gives_rows_of_the_same_kind(corpus: Corpus, make: Any) -> None:
    """Best first, all columns, and the cosine."""
    data = make()
    found = corpus.search("a cat on a mat", data, k=3)
    assert type(found) is type(data)
    rows = as_pandas(found)
    assert list(rows.columns) == ["text", "n", "score"]
    assert rows["n"].tolist()[0] == 2
    assert set(rows["n"]) == {2, 0, 5}
    assert rows["score"].is_monotonic_decreasing
    assert 0.5 < rows["score"].iloc[0] <= 1
    assert len(data.columns) == 2


def test_pandas_keeps_its_index(corpus: Corpus) -> None:
    """So that the rows can be found again."""
    assert corpus.search("rain", FRAMES["pandas"](), k=1).index.tolist() == ["d"]


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_many_queries_at_once(corpus: Corpus, make: Any) -> None:
    """Each with its rows, and said whose they are."""
    rows = as_pandas(corpus.search(["cat", "interest"], make(), k=2))
    assert rows["query"].tolist() == ["cat", "cat", "interest", "interest"]
    assert set(rows["n"][2:]) == {1, 4}


def test_a_vector_or_several_as_query(corpus: Corpus) -> None:
    """One gives rows, a matrix says whose each row is."""
    data = FRAMES["pandas"]()
    vectors = corpus.embed(TEXTS)
    assert corpus.search(vectors[1], data, k=1)["n"].tolist() == [1]
    assert corpus.search(vectors[1] * 7, data, k=1)["score"].tolist() == pytest.approx([1.0])
    assert corpus.search(vectors[[1, 3]], data, k=1)["query"].tolist() == [0, 1]


def test_a_list_gives_hits(corpus: Corpus) -> None:
    """With row, text and score."""
    (hit,) = corpus.search("rain", TEXTS, k=1)
    assert isinstance(hit, Hit)
    assert (hit.row, hit.text) == (3, TEXTS[3])
    assert 0 < hit.score < 1


def test_vectors_that_are_there_already(corpus: Corpus) -> None:
    """`on` as a matrix: nothing is embedded, and the frame needs no texts."""
    vectors = corpus.embed(TEXTS)
    data = pd.DataFrame({"n": range(6), "m": range(6)})
    assert corpus.search(vectors[3], data, on=vectors, k=1)["n"].tolist() == [3]
    assert corpus.similar(data, 1, on=vectors, k=1)["n"].tolist() == [4]


def test_other_columns_and_columns_of_one(corpus: Corpus) -> None:
    """`on` names it; a frame or column alone needs no name; a taken name gets an underscore."""
    data = pd.DataFrame({"title": TEXTS, "text": ["x"] * 6, "score": 1})
    assert corpus.search("rain", data, on="title", k=1)["title"].tolist() == [TEXTS[3]]
    assert list(corpus.search("rain", data, on="title", k=1).columns) == ["title", "text", "score", "score_"]
    assert corpus.search("rain", data[["title"]], k=1)["title"].tolist() == [TEXTS[3]]
    assert corpus.search("rain", pl.Series("t", TEXTS), k=1)["t"].to_list() == [TEXTS[3]]


def test_k_larger_than_the_data(corpus: Corpus) -> None:
    """Gives all there is."""
    assert len(corpus.search("rain", TEXTS, k=100)) == 6
    assert corpus.search([], TEXTS) == []


@pytest.mark.parametrize(
    ("act", "said"),
    [
        pytest.param(lambda c, d: c.search("x", d, on="txt"), "no column `txt`.*Did you mean `text`", id="column"),
        pytest.param(lambda c, d: c.search("x", d, k=0), "k is 0", id="k"),
        pytest.param(lambda c, d: c.search("x", d, k=2.5), "k is 2.5", id="k-float"),
        pytest.param(lambda c, d: c.search("", d), "Row 0 is empty", id="empty-query"),
        pytest.param(lambda c, d: c.search(np.ones(7), d), "query has 7 numbers, the data's vectors 1024", id="width"),
        pytest.param(lambda c, d: c.search(np.full(1024, np.nan), d), "NaN or infinity", id="nan"),
        pytest.param(lambda c, d: c.search(np.ones((2, 2, 2)), d), r"shape \(2, 2, 2\)", id="cube"),
        pytest.param(lambda c, d: c.search("x", d, on=np.ones((5, 4))), r"shape \(5, 4\).*each of 6 rows", id="wrong-rows"),
        pytest.param(lambda c, d: c.search("x", 5), "An int is no data", id="no-data"),
        pytest.param(lambda c, d: c.search("x", pl.LazyFrame({"text": ["a"]})), r"lazy.*collect\(\)", id="lazy"),
        pytest.param(lambda c, d: c.search("x", pd.DataFrame({"text": ["a", None], "n": 1})), "Row 1 is missing", id="missing"),
        pytest.param(lambda c, d: c.similar(d, 6), "no row 6.*from 0 to 5", id="row"),
        pytest.param(lambda c, d: c.similar(d, "a"), "no row 'a'", id="row-text"),
        pytest.param(lambda c, d: c.duplicates(d, 2), "threshold is 2", id="threshold"),
        pytest.param(lambda c, d: c.duplicates(d, float("nan")), "threshold is nan", id="threshold-nan"),
        pytest.param(lambda c, d: c.clusters(d, 7), "n is 7.*from 1 to 6", id="too-many-clusters"),
        pytest.param(lambda c, d: c.clusters(d, 0), "n is 0", id="no-clusters"),
        pytest.param(lambda c, d: c.search("x", d, dimension=2), "no option `dimension`. Did you mean `dimensions`", id="option"),
        pytest.param(lambda c, d: c.similar(d.iloc[:0], 0), "no row 0. The data has no rows", id="row-of-none"),
        pytest.param(lambda c, d: c.similar(d, np.True_), "no row np.True_", id="row-bool"),
        pytest.param(lambda c, d: c.clusters(d, seed=-1), "seed is -1. Give a whole number", id="seed"),
        pytest.param(lambda c, d: c.clusters(d, seed="x"), "seed is 'x'", id="seed-text"),
        pytest.param(lambda c, d: c.search("x", d, on=d["text"]), "A Series names no column", id="on-column"),
        pytest.param(lambda c, d: c.search("x", d, on=[[0.1, 0.2]] * 6), "A list names no column", id="on-list"),
        pytest.param(lambda c, d: c.search("x", pd.concat([d, d], axis=1)), "Columns.*share a name", id="same-names"),
        pytest.param(lambda c, d: c.search("x", d, on=np.full((6, 3), 1e300)), "NaN or infinity", id="too-large"),
    ],
)
def test_what_cannot_be_asked(corpus: Corpus, act: Any, said: str) -> None:
    """One sentence that says what to do."""
    with pytest.raises(InputError, match=said):
        act(corpus, FRAMES["pandas"]())


def test_similar_leaves_the_row_itself_out(corpus: Corpus) -> None:
    """But not its double; a negative place counts from the end."""
    found = corpus.similar(FRAMES["pandas"](), 0, k=2)
    assert found["n"].tolist() == [5, 2]
    assert found["score"].iloc[0] == pytest.approx(1, abs=1e-5)
    assert corpus.similar(FRAMES["pandas"](), -1, k=1)["n"].tolist() == [0]


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_duplicates_by_groups(corpus: Corpus, make: Any) -> None:
    """Near duplicates together, others left out."""
    rows = as_pandas(corpus.duplicates(make(), 0.75))
    assert rows["n"].tolist() == [0, 5, 1, 4]
    assert rows["group"].tolist() == [0, 0, 1, 1]
    assert rows["score"].tolist()[:3] == pytest.approx([1, 1, 1], abs=1e-5)
    first, near = corpus.embed([TEXTS[1], TEXTS[4]])
    assert rows["score"].tolist()[3] == pytest.approx(first @ near, abs=1e-5)
    assert first @ near < 0.99
    assert as_pandas(corpus.duplicates(make(), 0.999))["n"].tolist() == [0, 5]


def test_the_same_text_is_a_duplicate_at_any_threshold(corpus: Corpus) -> None:
    """Whatever the rounding of a product of equal vectors, which is often a little below one."""
    texts = [f"some words, number {i} of many" for i in range(100)]
    found = corpus.duplicates(texts + texts, np.float32(1.0))
    assert [hit.row for hit in found] == [row for i in range(100) for row in (i, 100 + i)]
    assert [hit.facts["group"] for hit in found] == [group for group in range(100) for _ in range(2)]


def test_one_text_in_very_many_rows_makes_one_group(corpus: Corpus) -> None:
    """All pairs of twenty thousand equal rows would be two hundred million; a row of zeros is like none."""
    matrix = np.tile(np.float32([[0.6, 0.8]]), (20_000, 1))
    matrix[7], matrix[9], matrix[11], matrix[13] = (0.8, 0.6), (0, 0), (0, 0), (-1, 0)
    found = corpus.duplicates(pd.DataFrame({"n": range(20_000)}), 0.95, on=matrix)
    assert found["group"].unique().tolist() == [0]
    assert sorted(set(range(20_000)) - set(found["n"])) == [9, 11, 13]


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda c: c.search("  ", TEXTS), id="empty-query"),
        pytest.param(lambda c: c.search(["a", "b\ud800"], TEXTS), id="broken-query"),
        pytest.param(lambda c: c.search("word " * 4000, TEXTS), id="long-query"),
        pytest.param(lambda c: c.search("a", [*TEXTS, ""]), id="empty-text"),
        pytest.param(lambda c: c.search("a", [*TEXTS, "word " * 4000]), id="long-text"),
        pytest.param(lambda c: c.similar(TEXTS, 6), id="row"),
        pytest.param(lambda c: c.clusters(TEXTS, 7), id="clusters"),
        pytest.param(lambda c: c.clusters(TEXTS, seed=1.5), id="seed"),
        pytest.param(lambda c: c.duplicates(TEXTS, 95), id="threshold"),
    ],
)
def test_what_is_refused_costs_nothing(fake: FakeGLM, act: Any) -> None:
    """Neither texts nor query are sent before all of the question is known to make sense."""
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY})
    with pytest.raises(InputError):
        act(session.corpus)
    assert fake.requests == []
    session.close()


COLUMNS = {
    "numpy": np.array,
    "numpy-objects": lambda texts: np.array(texts, object),
    "pandas": pd.Series,
    "pandas-index": pd.Index,
    "polars": pl.Series,
    "arrow": pa.array,
    "arrow-chunked": lambda texts: pa.chunked_array([texts]),
}


@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
def test_any_column_that_can_be_embedded_can_be_searched(corpus: Corpus, make: Any) -> None:
    """A column without a frame gives a frame, or hits where its library has none."""
    found = corpus.search("interest rates in March", make(TEXTS), k=1)
    texts = [hit.text for hit in found] if isinstance(found, list) else as_pandas(found).iloc[:, 0].tolist()
    assert texts == ["interest rates rose in March"]


def test_columns_with_numbers_for_names(corpus: Corpus) -> None:
    """As pandas makes them where nobody names any."""
    frame = pd.DataFrame([[text, n] for n, text in enumerate(TEXTS)])
    assert corpus.search("interest rates in March", frame, on=0, k=1)[1].tolist() == [1]
    assert corpus.search("interest rates in March", frame[[0]], k=1)[0].tolist() == ["interest rates rose in March"]
    with pytest.raises(InputError, match="no column `2`"):
        corpus.search("x", frame, on=2)


def test_very_long_vectors_are_compared_too(corpus: Corpus) -> None:
    """Whose squares are above the largest float32."""
    found = corpus.search(np.float32([1e30, 2e30]), pd.DataFrame({"n": [0, 1]}), on=np.float32([[2e30, 1e30], [1e25, 2e25]]))
    assert found["n"].tolist() == [1, 0]
    assert found["score"].tolist() == pytest.approx([1.0, 0.8], abs=1e-6)


def test_duplicates_where_there_are_none(corpus: Corpus) -> None:
    """An empty frame with the columns."""
    assert list(corpus.duplicates(FRAMES["pandas"]().iloc[1:4], 0.99).columns) == ["text", "n", "group", "score"]


@pytest.mark.parametrize("n", [None, 3])
def test_clusters(corpus: Corpus, n: int | None) -> None:
    """Three topics, found; the largest is 0; the same again."""
    topics = ["cats and dogs in the garden", "interest rates and bonds", "rain, wind and snow"]
    sizes = [30, 20, 10]
    texts = [f"{topic}, note {i}" for topic, size in zip(topics, sizes, strict=True) for i in range(size)]
    data = pd.DataFrame({"text": texts})
    found = corpus.clusters(data, n)
    assert found["cluster"].tolist() == [0] * 30 + [1] * 20 + [2] * 10
    assert found["closeness"].between(0.5, 1.0001).all()
    assert corpus.clusters(data, n).equals(found)


def test_the_seed_of_clusters(corpus: Corpus) -> None:
    """Where nothing forms clusters the seed decides: the same one gives the same."""
    matrix = to_unit(np.random.default_rng(0).normal(size=(200, 8)))
    frame = pd.DataFrame({"n": range(200)})
    labels = [corpus.clusters(frame, 10, on=matrix, seed=seed)["cluster"].tolist() for seed in (1, 1, 2)]
    assert labels[0] == labels[1] != labels[2]


@pytest.mark.parametrize("texts", [["one"], ["same"] * 5, ["a b", "c d"]], ids=["one-row", "one-text", "two"])
def test_clusters_of_hardly_anything(corpus: Corpus, texts: list[str]) -> None:
    """No error, and every row has a label."""
    assert len(corpus.clusters(texts)) == len(texts)
    assert {hit.facts["cluster"] for hit in corpus.clusters(texts)} == {0}


@pytest.mark.parametrize("n", [None, 2])
def test_clusters_of_no_rows(corpus: Corpus, n: int | None) -> None:
    """All columns, nothing in them, nobody asked."""
    assert corpus.clusters([], n) == []
    empty = corpus.clusters(FRAMES["pandas"]().iloc[:0], n)
    assert list(empty.columns) == ["text", "n", "cluster", "closeness", "name"]
    assert len(empty) == 0


def test_numbers_of_numpy_are_numbers(corpus: Corpus) -> None:
    """As they come out of frames; and hits of a list hold plain ones."""
    found = corpus.similar(TEXTS, np.int64(0), k=np.int32(2), dimensions=np.int64(256))
    assert [hit.row for hit in found] == [5, 2]
    assert {type(hit.facts["score"]) for hit in found} == {float}


def test_options_of_embed_are_options_here() -> None:
    """Dimensions, model, cache."""
    fake = FakeGLM()
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY})
    session.corpus.search("q", ["a", "b"], k=1, dimensions=256, cache=False)
    assert {body["dimensions"] for body in fake.bodies} == {256}
    with pytest.raises(GLMError, match="no model"):
        session.corpus.clusters(["a"], model="nobody")


# The arithmetic


def units(n: int, width: int, seed: int = 0) -> np.ndarray:
    return to_unit(np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32))


@given(
    matrix=arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 6)), elements=st.floats(-1, 1, width=32)),
    k=st.integers(1, 15),
)
def test_the_best_are_the_best(matrix: np.ndarray, k: int) -> None:
    """As sorting everything would have it, ties in order."""
    rows, scores = best_of(matrix, min(k, matrix.shape[1]))
    assert np.array_equal(scores, -np.sort(-matrix, axis=1)[:, : rows.shape[1]])
    assert np.array_equal(np.take_along_axis(matrix, rows, axis=1), scores)


def test_rows_with_nan_are_never_found() -> None:
    """As those of an error's `vectors` are."""
    matrix = units(20, 8)
    matrix[3] = np.nan
    rows, scores = find_nearest(matrix, matrix[4:5], 19)
    assert 3 not in rows
    assert np.isfinite(scores).all()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many queries are cut into blocks; pairs and clusters too."""
    matrix, queries = units(300, 8), units(50, 8, 1)
    labels = find_clusters(matrix, 5).labels
    pairs = join_pairs(300, find_pairs(matrix, 0.9))
    rows, _ = find_nearest(matrix, queries, 5)
    monkeypatch.setattr("glm_magics.vectors.BLOCK_NUMBERS", 1000)
    assert np.array_equal(find_nearest(matrix, queries, 5)[0], rows)
    assert np.array_equal(find_clusters(matrix, 5).labels, labels)
    assert np.array_equal(join_pairs(300, find_pairs(matrix, 0.9)), pairs)


def test_to_unit() -> None:
    """Zeros stay, units are left alone without a copy, others are scaled."""
    matrix = units(5, 4)
    assert to_unit(matrix) is matrix
    assert np.allclose(to_unit(matrix * 3), matrix)
    assert not to_unit(np.zeros((2, 3))).any()
    with pytest.raises(ValueError, match="shape"):
        to_unit(np.zeros(3))


def test_chains_make_one_group() -> None:
    """a near b near c: one group, though a is far from c."""
    angles = np.array([0.0, 0.3, 0.6, 2.0])
    matrix = to_unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert join_pairs(4, find_pairs(matrix, 0.95)).tolist() == [0, 0, 0, 3]


@pytest.fixture(scope="module")
def clustered() -> np.ndarray:
    chance = np.random.default_rng(0)
    centres = units(200, 32)
    return to_unit(centres[chance.integers(200, size=20_000)] + 0.08 * chance.standard_normal((20_000, 32)).astype(np.float32))


def test_the_index_finds_nearly_all(clustered: np.ndarray) -> None:
    """At least 99 % of the ten nearest, on queries that it was not tried with; scores are exact."""
    matrix, queries = clustered[:-100], clustered[-100:]
    index = build_index(matrix)
    assert index is not None
    truth, scores = find_nearest(matrix, queries, 10)
    found, found_scores = index.search(matrix, queries, 10)
    recall = np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(truth, found, strict=True)])
    assert recall >= 0.98
    assert index.recall >= 0.99
    assert index.n_probes <= len(index.centres) / 12
    assert np.allclose(found_scores[:, 0], scores[:, 0], atol=1e-5)
    assert index.search(matrix, queries[:2], 30_000)[0].shape == (2, len(matrix))


def test_no_index_where_none_helps() -> None:
    """Points without any order have no likely cells."""
    assert build_index(units(3000, 64)) is None


def test_an_index_on_disk(clustered: np.ndarray, tmp_path: Path) -> None:
    """Comes back as it was; one that does not fit, or is damaged, is none."""
    index = build_index(clustered)
    path = tmp_path / "deep" / "index.npz"
    index.save(path)
    again = load_index(path, *clustered.shape)
    assert np.array_equal(again.search(clustered, clustered[:3], 5)[0], index.search(clustered, clustered[:3], 5)[0])
    assert load_index(path, 19_999, 32) is None
    assert load_index(path, 20_000, 64) is None
    replace(index, order=index.order + 1).save(path)
    assert load_index(path, *clustered.shape) is None
    path.write_bytes(path.read_bytes()[:5000])
    assert load_index(path, *clustered.shape) is None
    assert load_index(tmp_path / "nowhere.npz", 1, 1) is None


def test_large_data_is_searched_by_an_index_that_is_kept(clustered: np.ndarray, tmp_path: Path, monkeypatch) -> None:
    """Built once, beside the cache; `exact=True` does without; duplicates use it too."""
    monkeypatch.setattr(glm_magics.neighbours, "LINE_NUMBERS", 1000)
    monkeypatch.setattr("glm_magics.corpus.PAIRS_LINE", 1000)
    session = Session(transport=FakeGLM(), environment={"GLM_CACHE_DIR": str(tmp_path)})
    data = pd.DataFrame({"n": range(len(clustered))})
    exact = session.corpus.search(clustered[7], data, on=clustered, k=5, exact=True)
    assert not (tmp_path / "indexes").exists()
    assert session.corpus.search(clustered[7], data, on=clustered, k=5).equals(exact)
    (kept,) = (tmp_path / "indexes").iterdir()
    before = kept.stat().st_mtime_ns
    later = Session(transport=FakeGLM(), environment={"GLM_CACHE_DIR": str(tmp_path)})
    monkeypatch.setattr(glm_magics.neighbours, "build_index", lambda matrix: pytest.fail("built again"))
    assert later.corpus.search(clustered[7], data, on=clustered, k=5).equals(exact)
    assert kept.stat().st_mtime_ns == before
    doubled = clustered.copy()
    doubled[15_000] = to_unit(doubled[3:4] + np.float32(1e-4))[0]
    monkeypatch.undo()
    monkeypatch.setattr("glm_magics.corpus.PAIRS_LINE", 1000)
    monkeypatch.setattr("glm_magics.vectors.find_pairs", lambda matrix, threshold: pytest.fail("all pairs"))
    assert {3, 15_000} <= set(session.corpus.duplicates(data, 0.9999, on=doubled)["n"])


def test_an_index_that_cannot_be_kept_is_used_all_the_same(clustered: np.ndarray, tmp_path: Path) -> None:
    """With a sentence, and once for these data."""
    (tmp_path / "indexes").write_text("a file where the folder should be")
    session = Session(transport=FakeGLM(), environment={"GLM_CACHE_DIR": str(tmp_path)})
    data = pd.DataFrame({"n": range(len(clustered))})
    with pytest.warns(GLMWarning, match="index for searching is not kept: ") as warned:
        found, again = (session.corpus.search(clustered[7], data, on=clustered, k=5, exact=False) for _ in range(2))
    assert len(warned) == 1
    assert again.equals(found)
    assert found["n"].tolist() == session.corpus.search(clustered[7], data, on=clustered, k=5, exact=True)["n"].tolist()
    session.close()


def test_made_up_vectors_are_what_they_say() -> None:
    """Unit length, by the text alone."""
    assert made_up_vector("a", 8) == made_up_vector("a", 8) != made_up_vector("b", 8)
    assert sum(number**2 for number in made_up_vector("a", 8)) == pytest.approx(1)
