"""The second store behind the protocol: LanceDB in a local folder, the same code that object storage takes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from glm_magics.errors import CacheError, MissingExtraError
from glm_magics.session import Session
from glm_magics.testing import FakeGLM
from glm_magics.vectorstore import LocalStore, Space
from glm_magics.vectorstore.lance import LanceStore
from glm_magics.vectorstore.parquet import export_parquet, import_parquet

from .conftest import KEY
from .test_vectorstore import SPACE, get, names, put, vectors_of

pytest.importorskip("lancedb")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def store(tmp_path: Path) -> LanceStore:
    return LanceStore(tmp_path / "lance")


def test_what_is_put_comes_back(store: LanceStore) -> None:
    """In any order, twice in one question, with gaps; what is not there is said to be missing."""
    put(store, names(20))
    put(store, names(20, "more"))
    asked = [*names(20, "more")[::-1], "nowhere", *names(20)[::3], "text 3"]
    found, is_there = get(store, asked)
    assert [text for text, there in zip(asked, is_there, strict=True) if not there] == ["nowhere"]
    assert np.array_equal(found[is_there], vectors_of([text for text in asked if text != "nowhere"]))
    assert store.has(SPACE, np.zeros((1, 2), np.uint64)).tolist() == [False]


def test_spaces_widths_and_numbers(store: LanceStore) -> None:
    """As the protocol has it."""
    half = Space("http://localhost/v1", "bge", 0, "float16")
    assert store.find_width(half) is None
    assert store.list_spaces() == []
    put(store, names(3))
    put(store, names(3), half, 8)
    store.record_hits(SPACE, 2, 20.0)
    assert (store.find_width(SPACE), store.find_width(half)) == (16, 8)
    stats = {row.space: row for row in store.list_spaces()}
    assert (stats[SPACE].n_vectors, stats[SPACE].n_tokens, stats[SPACE].n_hits, stats[SPACE].n_tokens_saved) == (3, 30, 2, 20)
    assert np.abs(get(store, names(3), half, 8)[0] - vectors_of(names(3), 8)).max() < 1e-3
    with pytest.raises(CacheError, match="16 numbers"):
        put(store, names(1), SPACE, 32)
    with pytest.raises(CacheError, match="16 numbers"):
        get(store, names(1), SPACE, 8)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        pytest.param({"before_s": 200.0}, ["new"], id="age"),
        pytest.param({"model": "embedding-3"}, [], id="model"),
        pytest.param({"model": "another"}, ["old", "new"], id="another-model"),
        pytest.param({"max_bytes": 10 * (16 * 4 + 32)}, ["new"], id="size"),
        pytest.param({"model": "embedding-3", "max_bytes": 10 * (16 * 4 + 32)}, ["new"], id="size-of-a-model"),
        pytest.param({"model": "another", "max_bytes": 0}, ["old", "new"], id="size-of-another-model"),
    ],
)
def test_removing(store: LanceStore, asked: dict, left: list[str]) -> None:
    """By age, model or size."""
    put(store, names(10, "old"), created_s=100.0)
    put(store, names(10, "new"), created_s=300.0)
    assert store.remove(**asked) == 20 - 10 * len(left)
    for stem in ("old", "new"):
        assert get(store, names(10, stem))[1].all() == (stem in left)


def test_another_writer_is_seen(store: LanceStore) -> None:
    """Two stores on one place."""
    neighbour = LanceStore(store.place)
    put(store, names(3))
    assert get(neighbour, names(3))[1].all()
    put(neighbour, names(3, "x"))
    assert get(store, [*names(3), *names(3, "x")])[1].all()


def test_parquet_between_the_two_kinds_of_store(store: LanceStore, tmp_path: Path) -> None:
    """What one exports the other takes."""
    local = LocalStore(tmp_path / "local")
    put(local, names(30), created_s=100.0)
    export_parquet(local, tmp_path / "one.parquet")
    assert import_parquet(store, tmp_path / "one.parquet") == 30
    assert np.allclose(get(store, names(30))[0], vectors_of(names(30)), atol=1e-6)
    assert export_parquet(store, tmp_path / "two.parquet") == 30
    assert import_parquet(local, tmp_path / "two.parquet") == 0


def test_embedding_into_it(store: LanceStore) -> None:
    """Through the front door: paid for once, shown by the ledger."""
    fake = FakeGLM()
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY})
    vectors = session.corpus.embed(names(100), 256, cache=store)
    assert np.array_equal(session.corpus.embed(names(100), 256, cache=LanceStore(store.place)), vectors)
    assert len(fake.requests) == 2
    assert "100 vectors" in repr(session.corpus.cache(store))
    session.close()


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    """A sentence, whatever LanceDB raises."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(CacheError, match="cannot be used"):
        put(LanceStore(tmp_path / "file"), names(1))


def test_without_lancedb(store: LanceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[lance\]"):
        put(store, names(1))
