"""A cache that fails or is odd, seen from ``glm.embed``: a sentence, never a wrong vector, nothing that was paid for lost."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glm_magics import journals
from glm_magics.errors import CacheError, GLMWarning
from glm_magics.session import Session
from glm_magics.testing import FakeGLM, made_up_vector
from glm_magics.vectorstore import database as database_room
from glm_magics.vectorstore.database import FILE_NAME

from .conftest import KEY

TEXTS = [f"text {i}" for i in range(20)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds the vectors of `TEXTS`."""
    with_cache(FakeGLM(), tmp_path / "cache").close()
    return tmp_path / "cache"


def with_cache(fake: FakeGLM, folder: Path, texts: list[str] = TEXTS) -> Session:
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY, "GLM_CACHE_DIR": str(folder)})
    session.config.retry_wait = 0.0
    assert np.allclose(session.corpus.embed(texts, 8), made_up(texts), atol=1e-6)
    return session


def made_up(texts: list[str]) -> np.ndarray:
    return np.array([made_up_vector(text, 8) for text in texts], np.float32)


@pytest.fixture(autouse=True)
def odd_dimensions() -> Any:
    """Eight are enough here, and warned of."""
    with pytest.warns(GLMWarning, match="8 is sent as it is"):
        yield


def bad_bit(folder: Path) -> None:
    (path,) = (folder / "vectors").iterdir()
    data = bytearray(path.read_bytes())
    data[3 * 8 * 4 + 3] ^= 0x40
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "n_sent"),
    [
        pytest.param(bad_bit, 1, id="one vector"),
        pytest.param(lambda folder: (folder / FILE_NAME).write_bytes(b"no database" * 500), 20, id="index"),
    ],
)
def test_what_is_damaged_is_asked_for_again(folder: Path, fake: FakeGLM, damage: Any, n_sent: int) -> None:
    """Set aside with a sentence; what is sound is still had for nothing."""
    damage(folder)
    with pytest.warns(GLMWarning, match="set aside as"):
        session = with_cache(fake, folder)
    session.close()
    assert sum(len(body["input"]) for body in fake.bodies) == n_sent
    assert list(folder.rglob("*damaged-*"))
    fake.requests.clear()
    with_cache(fake, folder).close()
    assert fake.requests == []


def test_a_newer_version(folder: Path, fake: FakeGLM) -> None:
    """Is left alone, and nothing is paid for a second time unasked."""
    database = sqlite3.connect(folder / FILE_NAME)
    database.execute("PRAGMA user_version=99")
    database.close()
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(CacheError, match=r"newer version of glm_magics.*Update glm_magics"):
        with_cache(fake, folder)
    assert fake.requests == []
    assert (folder / FILE_NAME).read_bytes() == before


def test_a_folder_that_may_only_be_read(folder: Path, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """A team's cache, say: what it has is used; what is new is given, with a sentence that it is not kept."""
    monkeypatch.setattr(database_room.os, "access", lambda path, mode: mode != os.W_OK)
    session = with_cache(fake, folder)
    assert fake.requests == []
    with pytest.warns(GLMWarning, match=r"New vectors are not kept\. .* cannot be written"):
        vectors = session.corpus.embed([*TEXTS, "new"], 8)
    session.close()
    assert np.allclose(vectors, made_up([*TEXTS, "new"]), atol=1e-6)
    assert [body["input"] for body in fake.bodies] == [["new"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits of POSIX")
def test_a_disk_without_room(folder: Path, fake: FakeGLM) -> None:
    """No file may grow: what was paid for is returned, and what was kept before stays."""
    import resource

    child = os.fork()
    if not child:
        status = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
            with pytest.warns(GLMWarning, match=r"New vectors are not kept\. The disk under the cache .* is full"):
                with_cache(fake, folder, [*TEXTS, *(f"new {i}" for i in range(3000))])
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    with_cache(fake, folder).close()
    assert fake.requests == []


def test_a_network_file_system(tmp_path: Path, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two kernels on it at once, each finding what the other kept; no log that needs shared memory."""
    monkeypatch.setattr(journals, "is_on_network", lambda folder: True)
    first = with_cache(fake, tmp_path / "share")
    second = with_cache(fake, tmp_path / "share", [*TEXTS, "new"])
    with_cache(fake, tmp_path / "share", [*TEXTS, "new"]).close()
    assert sum(len(body["input"]) for body in fake.bodies) == 21
    assert not list((tmp_path / "share").glob("*-wal"))
    first.close()
    second.close()


def test_one_row(folder: Path, fake: FakeGLM) -> None:
    """A column of one text is a matrix of one row."""
    session = with_cache(fake, folder, ["text 7"])
    assert session.corpus.embed(["text 7"], 8).shape == (1, 8)
    assert session.corpus.embed("text 7", 8).shape == (8,)
    session.close()
    assert fake.requests == []
