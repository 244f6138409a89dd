"""An answer with vectors is not taken on trust: whatever a server writes, what comes out is sound or marked."""

from __future__ import annotations

import base64
import json
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_magics.posting import parse_json
from glm_magics.vectorwire import parse_answer, read_vectors

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
ROW = st.fixed_dictionaries(
    {}, optional={"index": st.integers(-2, 5) | ANY_JSON, "embedding": st.lists(st.floats(width=32), max_size=4) | ANY_JSON}
)


@given(payload=st.fixed_dictionaries({}, optional={"data": st.lists(ROW | ANY_JSON, max_size=6) | ANY_JSON, "usage": ANY_JSON}))
@settings(max_examples=400)
@pytest.mark.parametrize("width", [None, 3])
def test_anything_at_all(payload: dict, width: int | None) -> None:
    """Never an error, never a vector that is not finite and of unit length."""
    found = read_vectors(payload, 4, width)
    assert found.matrix.shape[0] == len(found.is_usable) == 4
    assert np.isfinite(found.matrix).all()
    lengths = np.linalg.norm(found.matrix, axis=1)
    assert np.allclose(lengths[found.is_usable], 1, atol=1e-3)
    assert not found.matrix[~found.is_usable].any()
    assert found.n_tokens >= 0


PLAIN_ROW = st.fixed_dictionaries(
    {"index": st.integers(0, 3), "embedding": st.lists(st.integers(-3, 3) | st.floats(-1e3, 1e3), min_size=3, max_size=3)}
)


@given(
    payload=st.fixed_dictionaries(
        {"data": st.lists(PLAIN_ROW, max_size=5) | st.lists(ROW | ANY_JSON, max_size=6) | ANY_JSON},
        optional={"usage": st.just({"prompt_tokens": 7}) | ANY_JSON, "error": ANY_JSON},
    )
)
@settings(max_examples=300)
def test_the_quick_reader_reads_the_same(payload: dict) -> None:
    """Whatever it reads at all; the rest it leaves to the plain one."""
    content = json.dumps(payload).encode()
    quick = parse_answer(content)
    if quick is not None:
        assert payload.get("error") is None
        ours, theirs = read_vectors(quick, 4, 3), read_vectors(parse_json(content) or {}, 4, 3)
        assert np.array_equal(ours.matrix, theirs.matrix)
        assert ours.is_usable.tolist() == theirs.is_usable.tolist()
        assert (ours.n_tokens, ours.width) == (theirs.n_tokens, theirs.width)


ANSWER = json.dumps(
    {
        "model": "m",
        "data": [{"index": 0, "embedding": [0.6, 0.8]}, {"index": 1, "embedding": [1, 0]}],
        "usage": {"prompt_tokens": 2},
    }
).encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ANSWER.replace(b"0.6", b"NaN"), id="nan"),
        pytest.param(ANSWER.replace(b"0.6", b'"x"'), id="word"),
        pytest.param(ANSWER.replace(b"0.6", b"[0.6]"), id="list in the list"),
        pytest.param(ANSWER.replace(b"0.6", b"1" + b"0" * 30), id="huge"),
        pytest.param(ANSWER.replace(b'"m"', b'"\xff"'), id="no utf-8"),
        pytest.param(ANSWER[:-4], id="cut"),
        pytest.param(ANSWER.replace(b'"usage"', b'"other"'), id="no usage"),
        pytest.param(b'{"error": {"code": "1302"}, "data": [], "usage": {}}', id="error"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_the_quick_reader_leaves_what_is_odd(content: bytes) -> None:
    """And reads the next answer as if nothing had been."""
    assert parse_answer(content) is None
    assert parse_answer(ANSWER) is not None


def test_the_quick_reader_in_many_threads() -> None:
    """While answers of others are still held."""
    held, wrong = [], []

    def work() -> None:
        for _ in range(50):
            payload = parse_answer(ANSWER)
            held.append(payload)
            if payload is None or not np.allclose(read_vectors(payload, 2, 2).matrix, [[0.6, 0.8], [1, 0]]):
                wrong.append(payload)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), wrong) == (400, [])


def test_without_the_quick_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain reader does it all."""
    monkeypatch.setitem(__import__("sys").modules, "simdjson", None)
    assert parse_answer(ANSWER) is None


def test_order_length_and_tokens() -> None:
    """By index, scaled to length one, prompt tokens counted."""
    data = [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]
    found = read_vectors({"data": data, "usage": {"prompt_tokens": 9, "total_tokens": 11}}, 2, 2)
    assert np.allclose(found.matrix, [[0.6, 0.8], [0, 1]])
    assert (found.n_tokens, found.width) == (9, 2)


def test_a_server_that_writes_no_index() -> None:
    """Is taken to keep the order."""
    found = read_vectors({"data": [{"embedding": [1, 0]}, {"embedding": [0, 1]}]}, 2, None)
    assert np.array_equal(found.matrix, np.eye(2))


def test_base64() -> None:
    """Little-endian float32, as OpenAI-compatible servers pack it; a broken one is no vector."""
    packed = base64.b64encode(np.array([0, -1], "<f4").tobytes()).decode()
    found = read_vectors({"data": [{"index": 0, "embedding": packed}, {"index": 1, "embedding": packed[:-3]}]}, 2, 2)
    assert np.array_equal(found.matrix[0], [0, -1])
    assert found.is_usable.tolist() == [True, False]


def test_the_same_index_twice_is_nobodys() -> None:
    """Whose vector it is cannot be known."""
    data = [{"index": 0, "embedding": [1, 0]}, {"index": 0, "embedding": [0, 1]}, {"index": 1, "embedding": [0, 1]}]
    assert read_vectors({"data": data}, 2, 2).is_usable.tolist() == [False, True]
