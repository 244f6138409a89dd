"""An answer with vectors is not taken on trust: whatever a server writes, what comes out is sound or marked."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_magics.vectorwire import read_vectors

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
