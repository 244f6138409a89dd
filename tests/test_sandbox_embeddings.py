"""The sandbox's ``/embeddings``: limits, order, base64, vectors that mean something, faults; and both SDKs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import zai
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_magics.sandbox import Sandbox
from glm_magics.sandbox.lexical import lexical_vector
from tests.sandbox_pictures import client_of

PATH = "/embeddings"


def ask(http: httpx.Client, texts: Any, **more: Any) -> httpx.Response:
    return http.post(PATH, json={"model": "embedding-3", "input": texts, **more})


def vectors(answer: httpx.Response) -> np.ndarray:
    rows = sorted(answer.json()["data"], key=lambda row: row["index"])
    return np.array([row["embedding"] for row in rows])


def test_the_answer_has_the_vendors_form(http: httpx.Client) -> None:
    """All fields of the reference's example, unit length, the default of 2048 dimensions."""
    answer = ask(http, "a text of some words").json()
    assert set(answer) == {"model", "object", "data", "usage"}
    assert answer["usage"] == {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}
    assert set(answer["data"][0]) == {"index", "object", "embedding"}
    assert len(answer["data"][0]["embedding"]) == 2048
    assert np.linalg.norm(answer["data"][0]["embedding"]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 64])
def test_rows_are_out_of_order_and_complete(http: httpx.Client, n: int) -> None:
    """A client that ignores ``index`` is found out."""
    rows = ask(http, [f"text {i}" for i in range(n)], dimensions=256).json()["data"]
    order = [row["index"] for row in rows]
    assert order != sorted(order)
    assert sorted(order) == list(range(n))


@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        pytest.param({"input": ["a"]}, "1213", "model", id="no-model"),
        pytest.param({"model": "embedding-3"}, "1213", "input", id="no-input"),
        pytest.param({"model": "embedding-9", "input": "a"}, "1211", "embedding-9", id="unknown-model"),
        pytest.param({"model": "glm-4.7", "input": "a"}, "1212", "no vectors", id="chat-model"),
        pytest.param({"model": "embedding-3", "input": []}, "1214", "input", id="empty-list"),
        pytest.param({"model": "embedding-3", "input": [1]}, "1214", "input", id="number"),
        pytest.param({"model": "embedding-3", "input": ["a", " "]}, "1214", "text 1 is empty", id="empty-text"),
        pytest.param({"model": "embedding-3", "input": ["a"] * 65}, "1214", "64 at most", id="65-texts"),
        pytest.param({"model": "embedding-3", "input": ["abcd" * 3073]}, "1210", "3072 at most", id="too-long"),
        pytest.param({"model": "embedding-2", "input": ["abcd" * 500] * 17}, "1210", "8000 at most", id="too-much-together"),
        pytest.param({"model": "embedding-3", "input": "a", "dimensions": 768}, "1214", "dimensions", id="768"),
        pytest.param({"model": "embedding-3", "input": "a", "dimensions": True}, "1214", "dimensions", id="bool"),
        pytest.param({"model": "embedding-2", "input": "a", "dimensions": 256}, "1214", "1024", id="fixed-dimensions"),
        pytest.param({"model": "embedding-3", "input": "a", "encoding_format": "int8"}, "1214", "base64", id="encoding"),
    ],
)
def test_what_the_vendor_refuses(http: httpx.Client, body: dict[str, Any], code: str, word: str) -> None:
    """Each limit, with its code and what is wrong."""
    answer = http.post(PATH, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert word in answer.json()["error"]["message"]


def test_nulls_are_not_given_and_other_paths_are_refused(http: httpx.Client) -> None:
    """The vendor's SDK sends nulls; GET is no way to get vectors."""
    assert ask(http, "a", dimensions=None, encoding_format=None).status_code == 200
    assert http.get(PATH).status_code == 405


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        pytest.param("The cat sat on the mat", "A cat sat on a mat", "Interest rates rose again in March", id="english"),
        pytest.param("今天天气很好", "今天的天气真好", "股票市场大幅下跌", id="chinese"),
        pytest.param("colour of the harbour", "color of the harbor", "seven grey geese", id="spelling"),
    ],
)
def test_near_texts_are_near(http: httpx.Client, text: str, near: str, far: str) -> None:
    """By words and spelling, since there is no meaning here."""
    one, two, three = vectors(ask(http, [text, near, far], dimensions=1024))
    assert one @ two > 0.4 > one @ three + 0.15


@given(text=st.text(min_size=1), dimensions=st.sampled_from([1, 2, 256]))
@settings(max_examples=200)
def test_any_text_has_a_unit_vector_that_repeats(text: str, dimensions: int) -> None:
    """Signs, blanks, surrogates: a vector, of length one, twice the same."""
    vector = lexical_vector(text, dimensions)
    assert vector.shape == (dimensions,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(vector, lexical_vector(text, dimensions))


def test_faults_on_demand(sandbox: Sandbox, http: httpx.Client) -> None:
    """From Python, by header, and by one text among others."""
    sandbox.fault("429/1302", retry_after_s=2)
    assert ask(http, "a").headers["retry-after"] == "2"
    assert ask(http, "a").status_code == 200
    assert http.post(PATH, json={}, headers={"x-sandbox-fault": "1113"}).json()["error"]["code"] == "1113"
    assert ask(http, ["good", "bad [[fault:blocked]]"]).json()["error"]["code"] == "1301"


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        pytest.param("short-vector", lambda rows: min(len(row["embedding"]) for row in rows) == 255, id="short"),
        pytest.param("nan-vector", lambda rows: any(row["embedding"][0] != row["embedding"][0] for row in rows), id="nan"),
        pytest.param("zero-vector", lambda rows: any(not any(row["embedding"]) for row in rows), id="zero"),
        pytest.param("missing-index", lambda rows: len(rows) == 2, id="missing"),
        pytest.param("double-index", lambda rows: {row["index"] for row in rows} == {0}, id="double"),
        pytest.param("wild-index", lambda rows: 999 in [row["index"] for row in rows], id="wild"),
    ],
)
def test_damaged_vectors(sandbox: Sandbox, http: httpx.Client, name: str, is_so: Any) -> None:
    """What a client has to notice."""
    sandbox.fault(name)
    assert is_so(ask(http, ["a", "b", "c"], dimensions=256).json()["data"])


def test_a_cut_answer(sandbox: Sandbox, http: httpx.Client) -> None:
    """The connection drops in the middle."""
    sandbox.fault("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        ask(http, "a")


def test_the_concurrency_limit_holds_here_too() -> None:
    """A second request in flight is refused with 1302."""
    with Sandbox(concurrency=1) as sandbox, client_of(sandbox) as http, ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda text: ask(http, text), ["[[delay:0.2]] a", "[[delay:0.2]] b"]))
    assert sorted(answer.status_code for answer in answers) == [200, 429]


def test_the_vendors_sdk(sandbox: Sandbox) -> None:
    """It needs nothing special."""
    with zai.ZaiClient(api_key=sandbox.key, base_url=sandbox.base_url, max_retries=0) as client:
        answer = client.embeddings.create(model="embedding-3", input=["one", "two"], dimensions=256)
    assert sorted(row.index for row in answer.data) == [0, 1]
    assert answer.usage.prompt_tokens == 2


def test_the_openai_sdk_and_its_base64(sandbox: Sandbox) -> None:
    """It asks for base64 by default, and gets the vectors that floats would be."""
    with openai.OpenAI(api_key=sandbox.key, base_url=sandbox.base_url, max_retries=0) as client:
        packed = client.embeddings.create(model="embedding-3", input=["one", "two"], dimensions=256)
        assert sandbox.requests[-1].body["encoding_format"] == "base64"
        plain = client.embeddings.create(model="embedding-3", input=["one", "two"], dimensions=256, encoding_format="float")
    for one, two in zip(packed.data, plain.data, strict=True):
        assert one.index == two.index
        assert one.embedding == pytest.approx(two.embedding, abs=1e-7)
