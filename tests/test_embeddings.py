"""``glm.embed`` through its front door: each text paid for once, order kept, failures named, nothing lost."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
import time
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import glm_magics
from glm_magics import batches
from glm_magics.batches import BatchSender
from glm_magics.errors import (
    AuthenticationError,
    CacheError,
    EmbeddingError,
    GLMError,
    InputError,
    Interrupted,
    ModelError,
    NetworkError,
    NoProviderError,
    OptionError,
    ReplayError,
)
from glm_magics.session import Session
from glm_magics.testing import FakeGLM, made_up_vector
from glm_magics.tokens import text_tokens
from glm_magics.vectorstore import LocalStore, Space
from glm_magics.vectorwire import read_vectors

from .conftest import KEY
from .patience import PATIENCE_S, until


@pytest.fixture
def session(fake: FakeGLM) -> Session:
    """A Python program at the platform that has embeddings."""
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY})
    session.config.retry_wait = 0.0
    yield session
    session.close()


@pytest.fixture
def embed(session: Session):
    return session.corpus.embed


def names(n: int, stem: str = "text") -> list[str]:
    return [f"{stem} {i}" for i in range(n)]


def made_up(texts: list[str], dimensions: int = 256) -> np.ndarray:
    return np.array([made_up_vector(text, dimensions) for text in texts], np.float32)


def sent_texts(fake: FakeGLM) -> list[str]:
    return [text for body in fake.bodies for text in body["input"]]


COLUMNS = {
    "list": list,
    "tuple": tuple,
    "generator": iter,
    "numpy": np.array,
    "numpy-objects": lambda texts: np.array(texts, object),
    "pandas": pd.Series,
    "pandas-of-index": pd.Index,
    "arrow-array": pa.array,
    "pandas-index": lambda texts: pd.Series(texts, index=range(50, 50 + len(texts))),
    "pandas-arrow": lambda texts: pd.Series(texts, dtype="string[pyarrow]"),
    "pandas-category": lambda texts: pd.Series(texts, dtype="category"),
    "polars": lambda texts: pl.Series("text", texts),
    "arrow": lambda texts: pa.chunked_array([texts[:50], texts[50:]]),
}


@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
def test_any_column_in_its_order(embed, fake: FakeGLM, make: Any) -> None:
    """float32, contiguous, unit length; 130 texts are three requests of at most 64."""
    texts = names(130)
    vectors = embed(make(texts), 256)
    assert (vectors.shape, vectors.dtype, vectors.flags.c_contiguous) == ((130, 256), np.float32, True)
    assert np.allclose(vectors, made_up(texts), atol=1e-6)
    assert sorted(len(body["input"]) for body in fake.bodies) == [2, 64, 64]


def test_what_is_sent(embed, fake: FakeGLM) -> None:
    """The vendor's fields and no others, with the key; 1 024 dimensions where nothing is said."""
    assert embed("one text").shape == (1024,)
    (request,) = fake.requests
    assert (request.method, request.path) == ("POST", "/api/paas/v4/embeddings")
    assert request.body == {"model": "embedding-3", "input": ["one text"], "dimensions": 1024}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    embed("one text", model="embedding-2")
    assert fake.bodies[-1]["model"] == "embedding-2"


def test_each_text_is_paid_for_once(embed, fake: FakeGLM) -> None:
    """Duplicates in one call, the same again tomorrow, a few rows added, other dimensions."""
    texts = names(10) * 3
    first = embed(texts, 256)
    assert Counter(sent_texts(fake)) == Counter(names(10))
    assert np.array_equal(first[:10], first[20:])
    fake.requests.clear()
    assert np.array_equal(embed(texts, 256), first)
    assert fake.requests == []
    embed([*texts, "new", "also new"], 256)
    assert sent_texts(fake) == ["new", "also new"]
    fake.requests.clear()
    embed(names(10), 512)
    assert len(sent_texts(fake)) == 10


def test_a_new_session_finds_what_the_last_one_kept(session: Session, fake: FakeGLM) -> None:
    """Also without a key, as long as nothing is missing; the vendor's platforms share their vectors."""
    vectors = session.corpus.embed(names(5), 256)
    session.close()
    fake.requests.clear()
    later = Session(transport=fake, environment={})
    assert np.array_equal(later.corpus.embed(names(5), 256), vectors)
    with pytest.raises(NoProviderError):
        later.corpus.embed(names(6), 256)
    elsewhere = Session(transport=fake, environment={"ZAI_API_KEY": KEY})
    assert np.array_equal(elsewhere.corpus.embed(names(5), 256), vectors)
    assert fake.requests == []
    with pytest.raises(ModelError, match=r"api\.z\.ai has no embedding-3.*%glm_connect bigmodel"):
        elsewhere.corpus.embed(names(6), 256)


def test_an_older_model_takes_less_together(embed, fake: FakeGLM) -> None:
    """embedding-2 takes 512 tokens a text, and 8 000 in all texts of a request."""
    embed([f"{i} {'word ' * 400}" for i in range(60)], model="embedding-2")
    totals = [sum(map(text_tokens, body["input"])) for body in fake.bodies]
    assert max(totals) <= 8000
    assert max(totals) > 7000
    with pytest.raises(InputError, match="Row 1 has more than 512 tokens"):
        embed(["word " * 500, "word " * 520], model="embedding-2")


def test_larger_vectors_are_not_cut_down(embed, fake: FakeGLM) -> None:
    """512 asked for where 1 024 are cached: asked for anew."""
    embed(["a"], 1024)
    vectors = embed(["a"], 512)
    assert len(fake.requests) == 2
    assert np.allclose(vectors, made_up(["a"], 512), atol=1e-6)


def test_order_by_index_and_duplicates_among_them(embed, fake: FakeGLM) -> None:
    """The fake answers backwards, and a bad answer is asked for again."""
    rows = [{"index": 0, "embedding": [1.0] * 4}, {"index": 0, "embedding": [2.0] * 4}]
    fake.error(200, {"data": rows, "usage": {"prompt_tokens": 1}})
    with pytest.warns(UserWarning, match="documents 256, 512, 1024, 2048 dimensions; 4 is sent"):
        vectors = embed(["a", "b"], 4)
    assert np.allclose(vectors, made_up(["a", "b"], 4), atol=1e-6)
    assert len(fake.requests) == 2


ROWS = [{"index": i, "embedding": [1.0, 2.0]} for i in range(3)]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[:2], id="missing"),
        pytest.param([*ROWS[:2], {"index": 2, "embedding": [1.0, float("nan")]}], id="nan"),
        pytest.param([*ROWS[:2], {"index": 2, "embedding": [1.0, float("inf")]}], id="infinite"),
        pytest.param([*ROWS[:2], {"index": 2, "embedding": [0.0, 0.0]}], id="zero"),
        pytest.param([*ROWS[:2], {"index": 2, "embedding": [1.0]}], id="short"),
        pytest.param([*ROWS[:2], {"index": 2, "embedding": ["x", "y"]}], id="words"),
        pytest.param([*ROWS[:2], {"index": 2, "embedding": None}], id="null"),
        pytest.param([*ROWS[:2], {"index": 2}], id="no-embedding"),
        pytest.param([*ROWS[:2], {"index": 7, "embedding": [1.0, 2.0]}], id="wild-index"),
        pytest.param([*ROWS[:2], {"index": "2", "embedding": [1.0, 2.0]}], id="index-as-text"),
        pytest.param([*ROWS[:2], "what?"], id="no-object"),
        pytest.param([*ROWS[:2], {"index": 2, "embedding": "!!!"}], id="bad-base64"),
    ],
)
@pytest.mark.filterwarnings("ignore:embedding-3 documents")
def test_one_bad_vector_in_an_answer(embed, fake: FakeGLM, rows: list[Any]) -> None:
    """The other two are kept; the third is asked for again, alone."""
    fake.error(200, __import__("json").dumps({"data": rows}), {"content-type": "application/json"})
    vectors = embed(["a", "b", "c"], 2)
    assert fake.bodies[1]["input"] == ["c"]
    assert np.allclose(vectors[:2], np.array([1, 2]) / 5**0.5)
    assert np.allclose(vectors[2], made_up(["c"], 2)[0], atol=1e-6)


def test_a_vector_that_stays_bad_names_its_row(embed, fake: FakeGLM, session: Session) -> None:
    """After the tries that the settings allow; what came is in the error, NaN elsewhere, and in the cache."""
    for _ in range(4):
        fake.error(200, {"data": [{"index": 1, "embedding": [1.0] * 256}]})
    with pytest.raises(EmbeddingError, match=r"Row 0 of 2 has no vector.*no usable vector") as caught:
        embed(["a", "b"], 256)
    assert caught.value.rows == [0]
    assert np.isnan(caught.value.vectors[0]).all()
    assert np.allclose(np.linalg.norm(caught.value.vectors[1]), 1)
    assert len(fake.requests) == 4
    assert session.corpus.cache().spaces[0].n_vectors == 1


def test_vectors_of_another_length_than_asked_for(embed, fake: FakeGLM) -> None:
    """Are neither cut nor kept, and no more is sent."""
    fake.error(200, {"data": [{"index": 0, "embedding": [1.0] * 2048}]})
    with (
        pytest.raises(GLMError, match=r"vectors of 2048 numbers, not of the 768.*Ask for `dimensions=2048`"),
        pytest.warns(UserWarning, match="768 is sent"),
    ):
        embed(["a"], 768)
    assert len(fake.requests) == 1


def test_another_length_after_right_ones_is_a_slip(session: Session) -> None:
    """It is asked for once more, and nothing that came is lost."""
    slips = iter([(200, {"data": [{"index": 0, "embedding": [1.0] * 255}]})])
    session.config.max_in_flight = 1
    session.transport = Vendor(lambda body: len(body["input"]) == 1 and next(slips, None))
    assert np.allclose(session.corpus.embed(names(65), 256), made_up(names(65)), atol=1e-6)


def test_another_length_than_the_cache_has(session: Session, fake: FakeGLM) -> None:
    """Nobody asked for dimensions: it is the model that is another."""
    session.connect("http://gpu:8000")
    fake.error(200, {"data": [{"index": 0, "embedding": [1.0] * 384}]})
    session.corpus.embed(["a"], model="m")
    fake.error(200, {"data": [{"index": 0, "embedding": [1.0] * 512}]})
    with pytest.raises(
        GLMError, match=r"vectors of 512 numbers, not of 384 as before\. Another model.*%glm_cache -m MODEL --remove"
    ):
        session.corpus.embed(["a", "b"], model="m")


def test_768_dimensions_are_warned_of_and_sent(embed, fake: FakeGLM) -> None:
    """The vendor's samples show more numbers than its page lists."""
    with pytest.warns(UserWarning, match="768 is sent as it is"):
        assert embed(["a"], 768).shape == (1, 768)
    assert fake.bodies[0]["dimensions"] == 768


@pytest.mark.parametrize(
    ("texts", "options", "error", "said"),
    [
        pytest.param(["a", None], {}, InputError, "Row 1 is missing.*dropna.*Nothing was sent", id="none"),
        pytest.param(pd.Series(["a", None]), {}, InputError, "Row 1 is missing", id="pandas-missing"),
        pytest.param(pl.Series([None, "a", None]), {}, InputError, "Rows 0 and 2 are missing", id="polars-missing"),
        pytest.param([float("nan"), "a"], {}, InputError, "Row 0 is missing", id="nan"),
        pytest.param([pd.NA, pd.NaT], {}, InputError, "Rows 0 and 1 are missing", id="na"),
        pytest.param(["a", 5], {}, InputError, "Row 1 is no text.*astype", id="number"),
        pytest.param([b"a"], {}, InputError, "Row 0 is no text", id="bytes-inside"),
        pytest.param(pd.Series([1, 2]), {}, InputError, "Rows 0 and 1 are no text", id="numbers"),
        pytest.param(["a", ""], {}, InputError, "Row 1 is empty", id="empty"),
        pytest.param([" \n", "a"], {}, InputError, "Row 0 is empty", id="blank"),
        pytest.param([""] * 40, {}, InputError, "Rows 0, 1, 2, 3, 4 and 35 more are empty", id="many"),
        pytest.param("", {}, InputError, "empty", id="one-empty"),
        pytest.param(["ok", "half \ud83d"], {}, InputError, "Row 1 is broken.*surrogate", id="surrogate"),
        pytest.param(["ok"] * 1200 + ["\udc00"], {}, InputError, "Row 1200 is broken", id="surrogate-far-down"),
        pytest.param(["a", "word " * 3100], {}, InputError, r"Row 1 has more than 3,072 tokens.*long=\"split\"", id="too-long"),
        pytest.param(["x" * 10_000_000], {}, InputError, r"Row 0 has more than 3,072 tokens \(up to about 2,000,0", id="10-mb"),
        pytest.param(b"bytes", {}, InputError, "A bytes is no column", id="bytes"),
        pytest.param(None, {}, InputError, "A NoneType is no column", id="nothing"),
        pytest.param({"a": 1}, {}, InputError, "A dict is no column", id="dict"),
        pytest.param({"a"}, {}, InputError, "A set is no column", id="set"),
        pytest.param(42, {}, InputError, "An int is no column", id="a-number"),
        pytest.param(pd.DataFrame({"text": ["a"], "n": [1]}), {}, InputError, r"df\['…'\].*text, n", id="frame"),
        pytest.param(pl.LazyFrame({"text": ["a"]}), {}, InputError, "This frame is lazy", id="lazy"),
        pytest.param(np.array([["a"]]), {}, InputError, r"shape \(1, 1\)", id="matrix"),
        pytest.param(["a"], {"dimensions": -1}, InputError, "dimensions is -1", id="minus-one"),
        pytest.param(["a"], {"dimensions": 0}, InputError, "dimensions is 0", id="zero-dimensions"),
        pytest.param(["a"], {"dimensions": True}, InputError, "dimensions is True", id="true"),
        pytest.param(["a"], {"dimensions": 256.5}, InputError, "dimensions is 256.5", id="float"),
        pytest.param(["a"], {"dimensions": 10**6}, InputError, "from 1 to 65,536", id="a-million"),
        pytest.param(["a"], {"model": "glm-4.7"}, ModelError, "glm-4.7 gives no vectors.*embedding-3", id="chat-model"),
        pytest.param(["a"], {"model": "embeding"}, ModelError, "no model `embeding`", id="unknown-model"),
        pytest.param(["a"], {"model": ""}, ModelError, "is no model", id="no-model"),
        pytest.param(["a"], {"long": "cut"}, OptionError, "long has no value `cut`", id="long"),
        pytest.param(["a"], {"precision": "int8"}, OptionError, "precision has no value", id="precision"),
        pytest.param(["a"], {"precision": ["float16"]}, OptionError, "precision has no value", id="precision-list"),
        pytest.param(["a"], {"cache": 5}, InputError, "An int is no cache", id="cache"),
        pytest.param(["a"], {"cache": True}, InputError, "A bool is no cache", id="cache-true"),
        pytest.param(["a"], {"cache": " "}, InputError, "` ?` is no folder", id="cache-without-name"),
        pytest.param(["a"], {"cache": "a\0b"}, InputError, "`ab` is no folder", id="cache-with-nul"),
        pytest.param(["a"], {"cache": "~nobody-here/x"}, InputError, "`~nobody-here/x` is no folder", id="cache-of-nobody"),
    ],
)
def test_bad_input_is_one_sentence_before_anything_is_sent(
    embed, fake: FakeGLM, texts: Any, options: dict[str, Any], error: type[GLMError], said: str
) -> None:
    """What is wrong, where, and what to do."""
    with pytest.raises(error, match=said) as caught:
        embed(texts, **options)
    assert fake.requests == []
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["nul \x00 inside", "\x00"], id="nul"),
        pytest.param(["a\u2028b", "émoji 🦉", "中文", "\ufeff bom"], id="unicode"),
        pytest.param(['quotes " and \\ and \t'], id="escapes"),
        pytest.param(["e\u0301", "é"], id="not-normalised"),
        pytest.param(["A", "a", "a "], id="nearly-the-same"),
    ],
)
def test_texts_are_sent_exactly_as_they_are(embed, fake: FakeGLM, texts: list[str]) -> None:
    """And are known again exactly so."""
    vectors = embed(texts, 256)
    assert sent_texts(fake) == texts
    assert np.allclose(vectors, made_up(texts), atol=1e-6)
    assert np.array_equal(embed(texts, 256), vectors)
    assert len(fake.requests) == 1


def test_no_texts_are_no_vectors(embed, fake: FakeGLM) -> None:
    """An empty list, an empty column."""
    assert embed([]).shape == (0, 1024)
    assert embed(pd.Series([], dtype=str), 256).shape == (0, 256)
    assert fake.requests == []


@pytest.mark.filterwarnings("ignore:embedding-3 documents")
def test_one_text_in_a_million_rows(embed, fake: FakeGLM) -> None:
    """Is one text in one request."""
    vectors = embed(["the same"] * 1_000_000, 4)
    assert vectors.shape == (1_000_000, 4)
    assert (vectors == vectors[0]).all()
    assert sent_texts(fake) == ["the same"]


def test_long_texts_in_parts(embed, fake: FakeGLM) -> None:
    """The mean of the parts' vectors, of unit length; a part is a text like any other, and cached as one."""
    long = " ".join(f"word{i} and more." for i in range(2500))
    vectors = embed(["short", long, long], 256, long="split")
    parts = [text for text in sent_texts(fake) if text != "short"]
    assert len(parts) > 1
    assert " ".join(parts) == long
    mean = made_up(parts).mean(axis=0)
    assert np.allclose(vectors[1], mean / np.linalg.norm(mean), atol=1e-5)
    assert np.array_equal(vectors[1], vectors[2])
    assert np.allclose(vectors[0], made_up(["short"])[0], atol=1e-6)
    assert vectors.shape == (3, 256)
    fake.requests.clear()
    assert np.array_equal(embed([long], 256, long="split")[0], vectors[1])
    assert fake.requests == []


def test_long_texts_cut_off(embed, fake: FakeGLM) -> None:
    """Only the beginning is sent, and two with the same beginning are one text."""
    head = "word " * 4000
    vectors = embed([head + "one", head + "two"], 256, long="truncate")
    (text,) = sent_texts(fake)
    assert head.startswith(text)
    assert np.array_equal(vectors[0], vectors[1])


# Failures


@pytest.mark.parametrize("bad", [{3}, {0, 63}, {7, 8, 9, 120}, set(range(64))], ids=["one", "ends", "several", "a-whole-batch"])
def test_a_bad_text_is_found_and_the_others_kept(session: Session, bad: set[int]) -> None:
    """A batch that the server refuses is split until the text is alone; the error names rows and carries the rest."""
    texts = [f"text {i}{' poison' if i in bad else ''}" for i in range(150)]
    vendor = Vendor(lambda body: "poison" in "".join(body["input"]) and (400, {"error": {"code": "1301", "message": "unsafe"}}))
    session.transport = vendor
    with pytest.raises(EmbeddingError, match="The others are kept") as caught:
        session.corpus.embed(texts, 256)
    assert caught.value.rows == sorted(bad)
    assert caught.value.code == "1301"
    good = [i for i in range(150) if i not in bad]
    assert np.allclose(caught.value.vectors[good], made_up([texts[i] for i in good]), atol=1e-6)
    assert session.corpus.cache().spaces[0].n_vectors == len(good)
    n_before = len(vendor.bodies)
    assert session.corpus.embed([texts[i] for i in good], 256).shape == (len(good), 256)
    assert len(vendor.bodies) == n_before


def test_rows_of_duplicates_and_split_texts_are_named_too(session: Session) -> None:
    """Every row without a vector, whichever way it came to be without."""
    long = "fine words. " * 2000 + "poison"
    session.transport = Vendor(lambda body: "poison" in "".join(body["input"]) and (400, {"error": {"code": "1301"}}))
    with pytest.raises(EmbeddingError) as caught:
        session.corpus.embed(["a", "poison", "b", "poison", long], 256, long="split")
    assert caught.value.rows == [1, 3, 4]
    assert np.isfinite(caught.value.vectors[[0, 2]]).all()


def test_what_no_text_can_help_ends_it_at_once(session: Session, fake: FakeGLM) -> None:
    """A wrong key is said as it is, and nothing is split."""
    fake.error(401, {"error": {"code": "1002", "message": "no"}})
    with pytest.raises(AuthenticationError, match="key is not valid"):
        session.corpus.embed(names(64), 256)
    assert len(fake.requests) == 1


def test_a_server_that_refuses_everything_is_not_asked_for_ever(session: Session) -> None:
    """1 000 texts, all refused with 400: found out after a few."""
    session.transport = vendor = Vendor(lambda body: (400, {"error": {"code": "1214", "message": "no"}}))
    with pytest.raises(GLMError, match="illegal value"):
        session.corpus.embed(names(1000), 256)
    assert len(vendor.bodies) < 400


@pytest.mark.parametrize(
    ("code", "said", "dimensions"),
    [
        pytest.param("1214", "dimensions: one of 256, 512, 1024, 2048.", 768, id="768"),
        pytest.param("1210", "参数有误，请检查文档", 768, id="768-in-general-words"),
        pytest.param("1214", "dimensions", 256, id="the-word-alone"),
        pytest.param(None, "This model does not support changing dimensions", 256, id="another-server"),
    ],
)
def test_a_refusal_of_the_parameters_ends_it(session: Session, code: str | None, said: str, dimensions: int) -> None:
    """Smaller batches and single texts would be refused as well: what was in flight is all that is sent."""
    session.config.max_in_flight = 2
    session.transport = vendor = Vendor(lambda body: (400, {"error": {"code": code, "message": said}}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with pytest.raises(GLMError, match="Ask for other `dimensions`"):
            session.corpus.embed(names(1000), dimensions)
    assert len(vendor.bodies) <= 2


def test_a_text_that_is_quoted_is_no_parameter(session: Session) -> None:
    """A server may repeat the text that it refuses: the others still come."""
    bad = "a poem of four dimensions"
    refusal = (400, {"error": {"code": "1214", "message": f"not this: {bad}"}})
    session.transport = Vendor(lambda body: bad in body["input"] and refusal)
    with pytest.raises(EmbeddingError, match="The others are kept") as caught:
        session.corpus.embed([*names(20), bad], 256)
    assert caught.value.rows == [20]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(429, {"error": {"code": "1302", "message": "slow"}}, id="1302"),
        pytest.param(500, {"error": {"code": "1234", "message": "x"}}, id="1234"),
        pytest.param(503, b"<html>", id="503-html"),
        pytest.param(200, {"error": {"code": "1305", "message": "busy"}}, id="error-under-200"),
    ],
)
def test_what_another_try_cures(embed, fake: FakeGLM, status: int, body: Any) -> None:
    """Is tried again, and costs nothing else."""
    for _ in range(2):
        fake.error(status, body)
    assert np.allclose(embed(names(3), 256), made_up(names(3)), atol=1e-6)
    assert len(fake.requests) == 3


def test_a_server_that_always_has_too_much_to_do(session: Session) -> None:
    """Is asked forty times more, and then no more; one that names a pause of an hour is not asked again."""
    session.transport = vendor = Vendor(cap=0)
    with pytest.raises(GLMError, match="slow down"):
        session.corpus.embed(["a"], 256)
    assert vendor.n_refused == 41
    session.transport = fake = FakeGLM()
    fake.error(429, {"error": {"code": "1302", "message": "slow down"}}, headers={"Retry-After": "3600"})
    with pytest.raises(GLMError, match="slow down"):
        session.corpus.embed(["a"], 256)
    assert len(fake.requests) == 1


def test_a_server_that_is_down(session: Session) -> None:
    """After the tries that the settings allow."""
    session.transport = vendor = Vendor(lambda body: (500, {"error": {"code": "500", "message": "down"}}))
    with pytest.raises(EmbeddingError, match=r"have no vector.*server failed") as caught:
        session.corpus.embed(names(64), 256)
    assert caught.value.rows == list(range(64))
    assert len(vendor.bodies) == 4


def test_a_network_that_breaks(session: Session, fake: FakeGLM) -> None:
    """A broken connection is tried again; silence is not."""
    fake.raise_(httpx.RemoteProtocolError("gone"))
    assert session.corpus.embed(["a"], 256).shape == (1, 256)
    fake.raise_(httpx.ReadTimeout("slow"))
    with pytest.raises(NetworkError, match="said nothing for"):
        session.corpus.embed(["b"], 256)


def test_no_answer_that_makes_sense(session: Session, fake: FakeGLM) -> None:
    """A web page under status 200."""
    fake.error(200, "<html>hello</html>")
    with pytest.raises(GLMError, match=r"no JSON object: “<html>hello"):
        session.corpus.embed(["a"], 256)


class Vendor(httpx.BaseTransport):
    """Answers through `FakeGLM` what `refuse` does not, and counts what is in flight.

    Args:
        refuse: from a body to ``(status, answer)``, or something false.
        delay_s: how long each answer takes.
        cap: requests in flight above which it refuses with 1302.
    """

    def __init__(self, refuse: Any = lambda body: None, delay_s: float = 0.0, cap: int = 10_000) -> None:
        self.fake = FakeGLM()
        self.refuse, self.delay_s, self.cap = refuse, delay_s, cap
        self.bodies: list[Any] = []
        self.n_in_flight = self.n_most = self.n_refused = 0
        self.lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = __import__("json").loads(request.read())
        with self.lock:
            self.n_in_flight += 1
            is_crowded = self.n_in_flight > self.cap
            self.n_most = max(self.n_most, self.n_in_flight)
            self.n_refused += is_crowded
        try:
            if is_crowded:
                return httpx.Response(429, json={"error": {"code": "1302", "message": "slow down"}})
            self.bodies.append(body)
            time.sleep(self.delay_s)
            if refused := self.refuse(body):
                return httpx.Response(refused[0], json=refused[1])
            return self.fake.handle_request(request)
        finally:
            with self.lock:
                self.n_in_flight -= 1


def test_many_requests_are_in_flight_and_never_more_than_said(session: Session) -> None:
    """The user's own number is kept."""
    together = threading.Barrier(5)
    session.transport = vendor = Vendor(lambda body: together.wait(PATIENCE_S) and None)
    session.config.max_in_flight = 5
    session.corpus.embed(names(64 * 30), 256)
    assert vendor.n_most == 5


def test_the_servers_limit_is_found_out(session: Session) -> None:
    """Every vector comes, though the server refuses what is above ten; and it learns."""
    numbers, together = itertools.count(), threading.Barrier(9)
    session.transport = vendor = Vendor(
        lambda body: next(numbers) < 9 and together.wait(PATIENCE_S) and None, delay_s=0.004, cap=10
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectors = session.corpus.embed(names(64 * 200), 4)
    assert np.isfinite(vectors).all()
    assert len(vendor.bodies) == 200
    assert vendor.n_most > 8
    assert vendor.n_refused < 200


def test_calls_from_several_threads_share_the_limit(session: Session) -> None:
    """Two columns at once, one limit."""
    session.transport = vendor = Vendor(delay_s=0.01)
    session.config.max_in_flight = 4
    _ = session.client
    results: dict[str, np.ndarray] = {}

    def run(stem: str) -> None:
        results[stem] = session.corpus.embed(names(64 * 10, stem), 256)

    threads = [threading.Thread(target=run, args=(stem,)) for stem in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vendor.n_most <= 4
    assert np.allclose(results["two"], made_up(names(640, "two")), atol=1e-6)


def test_an_interrupt_keeps_what_was_answered(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """■ in the middle: a sentence with the numbers, and the next run sends only what is left."""
    session.transport = vendor = Vendor(delay_s=0.02)
    session.config.max_in_flight = 2

    pressed: list[bool] = []

    def press(body: Any) -> None:
        if len(vendor.bodies) >= 10 and not pressed:
            pressed.append(True)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    vendor.refuse = press
    texts = names(64 * 40)
    with pytest.raises(Interrupted) as caught:
        session.corpus.embed(texts, 256)
    shown = "".join(caught.value._render_traceback_())
    kept = session.corpus.cache().spaces[0].n_vectors
    assert "of 2,560 texts are kept; run it again to go on" in shown
    assert 64 * 8 <= int(shown.partition("Stopped.")[2].split()[1].replace(",", "")) <= kept
    assert kept >= 64 * 8
    vendor.refuse = lambda body: None
    n_before = len(vendor.bodies)
    vectors = session.corpus.embed(texts, 256)
    assert np.allclose(vectors, made_up(texts), atol=1e-6)
    assert sum(len(body["input"]) for body in vendor.bodies[n_before:]) == len(texts) - kept


@pytest.mark.parametrize("line", range(2, 20))
def test_an_interrupt_at_any_point_of_taking_loses_no_answer(session: Session, line: int) -> None:
    """All three are there and paid for; ■ comes at this line of the method that takes them, before its last.

    That one calls nothing, and Python handles signals at calls.
    """
    last = max(number or 0 for *_, number in BatchSender.take.__code__.co_lines())
    session.transport = vendor = Vendor()
    lines = itertools.count(1)

    def press(frame: Any, event: str, argument: object) -> Any:
        if event == "line" and next(lines) == line and frame.f_lineno < last:
            sys.settrace(None)
            raise KeyboardInterrupt
        return press

    def trace(frame: Any, event: str, argument: object) -> Any:
        if frame.f_code is not BatchSender.take.__code__:
            return None
        until(lambda: len(frame.f_locals["self"]._done) == 3)
        return press(frame, event, argument)

    texts = names(64 * 3)
    sys.settrace(trace)
    try:
        with suppress(Interrupted):
            session.corpus.embed(texts, 256)
    finally:
        sys.settrace(None)
    session.corpus.embed(texts, 256)
    assert sum(len(body["input"]) for body in vendor.bodies) == len(texts)


def test_the_first_answer_says_the_width_of_all(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that come in the same moment with vectors of different lengths: a sentence, as of later ones."""
    together = threading.Barrier(2)

    def slowly(*args: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            together.wait(0.3)
        return read_vectors(*args)

    def answer(body: Any) -> tuple[int, Any]:
        n = len(body["input"])
        return 200, {"data": [{"index": place, "embedding": [1.0] * (8 if n == 1 else 16)} for place in range(n)]}

    monkeypatch.setattr(batches, "read_vectors", slowly)
    session.connect("http://models.test/v1")
    session.transport = Vendor(answer)
    with pytest.raises(GLMError, match=r"not of (8|16) as before|no usable vector"):
        session.corpus.embed(names(65), model="own")


def test_answers_are_on_disk_before_they_are_counted(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks into the cache at any moment finds at least what the progress says."""
    session.transport = Vendor()
    seen = []

    def listen(progress: Any) -> None:
        seen.append((progress.n_done, session.corpus.cache().spaces[0].n_vectors if progress.n_done else 0))

    monkeypatch.setattr("glm_magics.corpus.painter_for", lambda shell: listen)
    session.corpus.embed(names(64 * 20), 256)
    assert seen[-1] == (1280, 1280)
    assert all(n_done <= n_kept for n_done, n_kept in seen)


# The cache


def test_another_folder_and_none(session: Session, fake: FakeGLM, tmp_path: Path) -> None:
    """``cache=`` a folder as text or path, a store, or False."""
    store = LocalStore(tmp_path / "own")
    for cache in (str(tmp_path / "project"), tmp_path / "project", store, False, False):
        session.corpus.embed(["a"], 256, cache=cache)
    assert len(fake.requests) == 4
    assert (tmp_path / "project" / "index.sqlite").exists()
    assert store.list_spaces()[0].n_vectors == 1
    assert not (tmp_path / ".local/share/glm_magics/embeddings").exists()


@pytest.mark.parametrize(
    ("environment", "folder", "place"),
    [
        pytest.param({"GLM_CACHE_DIR": "~/there"}, "~/mine", "there", id="GLM_CACHE_DIR"),
        pytest.param({}, "~/mine", "mine/embeddings", id="beside the ledger"),
        pytest.param({"XDG_DATA_HOME": "{home}/data"}, "", "data/glm_magics/embeddings", id="XDG_DATA_HOME"),
        pytest.param({}, "", ".local/share/glm_magics/embeddings", id="default"),
    ],
)
@pytest.mark.skipif(__import__("sys").platform != "linux", reason="other systems have other folders")
def test_where_the_cache_is(
    fake: FakeGLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str, place: str
) -> None:
    """One for each user, or where the environment or the settings say."""
    for name, value in {"ZHIPUAI_API_KEY": KEY, **environment}.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    session = Session(transport=fake)
    session.config.folder = folder
    session.corpus.embed(["a"], 256)
    assert Path(session.corpus.cache().store.place) == tmp_path / place
    assert (tmp_path / place / "index.sqlite").is_file()


def test_a_disk_that_is_full_costs_no_vector(session: Session, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were paid for: they are returned, with one warning that they are not kept."""

    def full(self: object, space: object, batches: object) -> None:
        raise CacheError("The disk under the cache is full.", "Make room.")

    monkeypatch.setattr(LocalStore, "put", full)
    with pytest.warns(UserWarning, match="New vectors are not kept. The disk under the cache is full. Make room.") as warned:
        vectors = session.corpus.embed(names(300), 256)
    assert len(warned) == 1
    assert np.allclose(vectors, made_up(names(300)), atol=1e-6)


def test_a_cache_that_cannot_be_read_stops_before_anything_is_sent(session: Session, fake: FakeGLM, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(CacheError, match="GLM_CACHE_DIR"):
        session.corpus.embed(["a"], 256, cache=tmp_path / "file")
    assert fake.requests == []


def test_float16_cache(session: Session, fake: FakeGLM) -> None:
    """Half the size, nearly the same; content with float32 that is there, but not the other way round."""
    exact = session.corpus.embed(["a"], 256)
    assert np.array_equal(session.corpus.embed(["a"], 256, precision="float16"), exact)
    assert len(fake.requests) == 1
    session.corpus.embed(["b"], 256, precision="float16")
    half = session.corpus.embed(["b"], 256, precision="float16")
    assert len(fake.requests) == 2
    assert np.abs(half - made_up(["b"])).max() < 2**-11
    session.corpus.embed(["b"], 256)
    assert len(fake.requests) == 3


# Other servers


@pytest.fixture
def own(fake: FakeGLM) -> Session:
    session = Session(transport=fake, environment={})
    session.config.retry_wait = 0.0
    session.connect("http://localhost:8000/v1")
    return session


def test_a_server_of_ones_own(own: Session, fake: FakeGLM) -> None:
    """Any OpenAI-compatible address, its own dimensions, its own name in the cache."""
    vectors = own.corpus.embed(["a", "b"], model="BAAI/bge-m3")
    assert vectors.shape == (2, 8)
    assert fake.bodies == [{"model": "BAAI/bge-m3", "input": ["a", "b"], "encoding_format": "base64"}]
    assert str(fake.requests[0].path) == "/v1/embeddings"
    assert np.array_equal(own.corpus.embed(["a", "b"], model="BAAI/bge-m3"), vectors)
    assert own.corpus.embed(["a", "c"], model="BAAI/bge-m3").shape == (2, 8)
    assert sent_texts(fake) == ["a", "b", "c"]
    own.connect("http://localhost:9000/v1")
    own.corpus.embed(["a"], model="BAAI/bge-m3")
    assert len(fake.requests) == 3
    assert [stats.space for stats in own.corpus.cache().spaces] == [
        Space("http://localhost:8000/v1", "BAAI/bge-m3", 0),
        Space("http://localhost:9000/v1", "BAAI/bge-m3", 0),
    ]


def test_the_only_model_of_a_server(own: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the one that is meant where none is named."""
    monkeypatch.setattr("glm_magics.client.GLMClient.list_models", lambda self: ["bge-m3"])
    own.corpus.embed(["a"])
    assert own.corpus.cache().spaces[0].space.model == "bge-m3"


def test_vectors_packed_as_base64(own: Session, fake: FakeGLM) -> None:
    """As some servers send them whether asked or not."""
    import base64

    packed = base64.b64encode(np.array([3, 4], "<f4").tobytes()).decode()
    fake.error(200, {"data": [{"index": 0, "embedding": packed}], "usage": {"prompt_tokens": 1}})
    assert np.allclose(own.corpus.embed(["a"], model="m"), [[0.6, 0.8]])


@pytest.mark.parametrize(
    ("kind", "is_asked"),
    [
        pytest.param("vllm", True, id="vllm"),
        pytest.param("sglang", True, id="sglang"),
        pytest.param("ollama", False, id="ollama"),
        pytest.param("transformers", False, id="transformers"),
        pytest.param("litellm", False, id="litellm: some backends refuse it"),
    ],
)
def test_who_is_asked_to_pack_vectors(session: Session, fake: FakeGLM, kind: str, is_asked: bool) -> None:
    """Servers that are known to; not the vendor, who documents no such field."""
    session.corpus.embed(["a"])
    assert "encoding_format" not in fake.bodies[0]
    session.connect("http://vectors.test/v1", kind=kind)
    assert session.corpus.embed(["a"], model="m").shape == (1, 8)
    assert (fake.bodies[1].get("encoding_format") == "base64") == is_asked


@pytest.mark.parametrize("has_library", [True, False])
def test_packed_vectors_are_the_same_numbers(session: Session, monkeypatch: pytest.MonkeyPatch, has_library: bool) -> None:
    """From a server that packs when asked to, with and without the quick library."""
    from glm_magics import vectorwire

    if not has_library:
        monkeypatch.setitem(__import__("sys").modules, "pybase64", None)
    vectorwire._decoder.cache_clear()
    session.transport = None
    session.connect("sandbox")
    plain = session.corpus.embed(names(70), 256, cache=False)
    session.connect(session.sandbox.base_url, kind="vllm", api_key=session.sandbox.key)
    packed = session.corpus.embed(names(70), 256, model="embedding-3", cache=False)
    vectorwire._decoder.cache_clear()
    assert np.allclose(packed, plain, atol=1e-7)


def test_the_sandbox_end_to_end(session: Session) -> None:
    """A real server on a real socket, answers out of order, refusals on the way; its vectors are kept apart from real ones."""
    session.transport = None
    session.connect("sandbox")
    session.sandbox.fault("1302", times=3)
    session.sandbox.fault("nan-vector")
    session.sandbox.fault("double-index")
    session.sandbox.fault("cut")
    vectors = session.corpus.embed(names(300), 256)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    from glm_magics.sandbox.lexical import lexical_vector

    assert np.allclose(vectors[17], lexical_vector("text 17", 256), atol=1e-6)
    assert session.corpus.cache().spaces[0].space.provider == "sandbox"


def test_public_names(ip, monkeypatch: pytest.MonkeyPatch) -> None:
    """``glm.embed`` and ``glm.cache`` are the session's."""
    monkeypatch.setenv("ZHIPUAI_API_KEY", KEY)
    glm_magics.connect("bigmodel")
    assert glm_magics.embed(["a"], 256).shape == (1, 256)
    assert "1 vector," in repr(glm_magics.cache())


def test_float16_is_the_same_at_once_and_from_the_cache(embed) -> None:
    """So that what is made of the vectors, a map for one, is the same tomorrow."""
    assert np.array_equal(embed(names(3), 256, precision="float16"), embed(names(3), 256, precision="float16"))


def test_a_refusal_speaks_of_embeddings(embed, fake: FakeGLM) -> None:
    """Not of options of another command, nor of vectors that there are not."""
    fake.error(400, {"error": {"code": "1214", "message": "no"}})
    with pytest.raises(EmbeddingError, match=r"Look at these texts, `model` and `dimensions`\. \(HTTP") as caught:
        embed(["a"], 256)
    assert "kept" not in str(caught.value)


def test_a_replay_asks_nobody_for_vectors(
    session: Session, fake: FakeGLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is cached comes; the rest is a sentence, and no request."""
    session.corpus.embed(["known"], 256)
    n_sent = len(fake.requests)
    monkeypatch.chdir(tmp_path)
    session.replay("replay")
    assert session.corpus.embed(["known"], 256).shape == (1, 256)
    with pytest.raises(ReplayError, match=r"not in the cache, and `%glm_replay replay` asks nobody.*cache="):
        session.corpus.embed(["known", "new"], 256)
    assert len(fake.requests) == n_sent
