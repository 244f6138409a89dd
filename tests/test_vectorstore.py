"""The cache on disk: what is kept outlasts crashes, other processes and damage; nothing wrong ever comes back."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_magics import journals
from glm_magics.errors import CacheError, InputError
from glm_magics.vectorstore import Batch, LocalStore, Space, VectorStore, find_keys, find_together
from glm_magics.vectorstore import database as database_room
from glm_magics.vectorstore.parquet import export_parquet, import_parquet

ROOT = Path(__file__).parents[1]
SPACE = Space("glm", "embedding-3", 16)
WIDTH = 16


def vectors_of(texts: list[str], width: int = WIDTH) -> np.ndarray:
    """A vector that depends on the text alone, and in which a mistake of any number shows."""
    seeds = [int(find_keys([text])[0, 0] % 2**32) for text in texts]
    matrix = np.array([np.random.default_rng(seed).standard_normal(width) for seed in seeds], np.float32).reshape(-1, width)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def put(store: VectorStore, texts: list[str], space: Space = SPACE, width: int = WIDTH, created_s: float = 1e9) -> None:
    store.put(space, [Batch(find_keys(texts), vectors_of(texts, width), 10 * len(texts), created_s)])


def get(store: VectorStore, texts: list[str], space: Space = SPACE, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """Vectors, NaN where there is none, and which there are."""
    out = np.full((len(texts), width), np.nan, np.float32)
    found = store.get(space, find_keys(texts), out, np.arange(len(texts)))
    out[~found.is_there] = np.nan
    return out, found.is_there


def names(n: int, stem: str = "text") -> list[str]:
    return [f"{stem} {i}" for i in range(n)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "cache")


def rows_file(store: LocalStore) -> Path:
    (path,) = Path(store.place, "vectors").glob("*.float*[26]")
    return path


@given(order=st.permutations(range(30)), n_batches=st.integers(1, 5), extra=st.integers(0, 5))
@settings(max_examples=40)
def test_what_is_put_comes_back(tmp_path_factory, order: list[int], n_batches: int, extra: int) -> None:
    """In any order, from any cutting into batches, and what is not there is said to be missing."""
    store = LocalStore(tmp_path_factory.mktemp("cache"))
    texts = names(30)
    for batch in np.array_split(texts, n_batches):
        put(store, batch.tolist())
    asked = [texts[i] for i in order] + names(extra, "new")
    found, is_there = get(store, asked)
    assert is_there.tolist() == [True] * 30 + [False] * extra
    assert np.array_equal(found[:30], vectors_of(asked[:30]))
    store.close()


def test_large_reads_with_gaps_and_threads(store: LocalStore) -> None:
    """Several megabytes, every third row, backwards: other pieces, the same vectors."""
    width = 1024
    texts = names(12_000)
    matrix = np.random.default_rng(0).standard_normal((len(texts), width), dtype=np.float32)
    space = Space("glm", "embedding-3", width)
    keys = find_keys(texts)
    store.put(space, [Batch(keys[i : i + 64], matrix[i : i + 64], 0, 0.0) for i in range(0, len(texts), 64)])
    for chosen in (slice(None), slice(None, None, -1), slice(5, 9000, 3), slice(2, 11_000, 97)):
        wanted = matrix[chosen]
        out = np.zeros_like(wanted)
        assert store.get(space, keys[chosen], out, np.arange(len(wanted))).is_there.all()
        assert np.array_equal(out, wanted)


def test_vectors_land_in_the_rows_that_were_named(store: LocalStore) -> None:
    """Other rows of the result are not touched."""
    put(store, names(3))
    out = np.zeros((6, WIDTH), np.float32)
    store.get(SPACE, find_keys(names(3)), out, np.array([5, 0, 2]))
    assert np.array_equal(out[[5, 0, 2]], vectors_of(names(3)))
    assert not out[[1, 3, 4]].any()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Space("glm", "embedding-2", 16), id="model"),
        pytest.param(Space("glm", "embedding-3", 32), id="dimensions"),
        pytest.param(Space("sandbox", "embedding-3", 16), id="provider"),
        pytest.param(Space("glm", "embedding-3", 16, "float16"), id="precision"),
    ],
)
def test_spaces_are_never_mixed(store: LocalStore, other: Space) -> None:
    """The same text has a vector of its own in each."""
    put(store, names(2))
    assert not store.has(other, find_keys(names(2))).any()
    put(store, names(1), other, other.dimensions)
    assert get(store, names(2), other, other.dimensions)[1].tolist() == [True, False]
    assert get(store, names(2))[1].all()


def test_a_vector_of_another_width_is_refused(store: LocalStore) -> None:
    """Neither put nor cut down."""
    put(store, names(2))
    with pytest.raises(CacheError, match="16 numbers"):
        put(store, names(2, "x"), SPACE, 32)
    with pytest.raises(CacheError, match="16 numbers"):
        store.get(SPACE, find_keys(names(2)), np.empty((2, 8), np.float32), np.arange(2))


def test_float16_takes_half_and_says_how_exact_it_is(tmp_path: Path) -> None:
    """Each number within a 2 048th, cosines within a thousandth."""
    store, half = LocalStore(tmp_path / "a"), LocalStore(tmp_path / "b")
    space = Space("glm", "embedding-3", 256, "float16")
    put(half, names(200), space, 256)
    put(store, names(200), Space("glm", "embedding-3", 256), 256)
    found, is_there = get(half, names(200), space, 256)
    exact = vectors_of(names(200), 256)
    assert is_there.all()
    assert np.abs(found - exact).max() <= np.abs(exact).max() / 2048 + 1e-7
    assert np.abs(found @ found.T - exact @ exact.T).max() < 1e-3
    assert rows_file(half).stat().st_size == 200 * 256 * 2
    assert rows_file(store).stat().st_size == 200 * 256 * 4


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8], ids=str)
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_odd_widths(store: LocalStore, width: int, precision: str) -> None:
    """Checksums of rows that are no whole number of machine words."""
    space = Space("here", "m", 0, precision)
    put(store, names(7), space, width)
    assert get(store, names(7), space, width)[1].all()
    assert store.find_width(space) == width


def test_on_disk_it_is_hardly_more_than_the_vectors(store: LocalStore) -> None:
    """At 1 024 dimensions at most 1.2 times; texts are not kept."""
    texts = names(2000, "a secret text")
    space = Space("glm", "embedding-3", 1024)
    for i in range(0, 2000, 64):
        put(store, texts[i : i + 64], space, 1024)
    store.close()
    files = [path for path in Path(store.place).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 1.2 * 2000 * 1024 * 4
    assert not any(b"secret" in path.read_bytes() for path in files)


def test_numbers_about_it(store: LocalStore) -> None:
    """Vectors, tokens, hits, what was saved, and when."""
    assert store.list_spaces() == []
    put(store, names(4), created_s=100.0)
    put(store, names(2, "x"), created_s=300.0)
    store.record_hits(SPACE, 3, 30.0)
    (stats,) = store.list_spaces()
    assert (stats.space, stats.n_vectors, stats.n_tokens, stats.n_hits, stats.n_tokens_saved) == (SPACE, 6, 60, 3, 30)
    assert (stats.oldest_s, stats.newest_s) == (100.0, 300.0)
    assert stats.n_bytes == 6 * (WIDTH * 4 + 24)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        pytest.param({"before_s": 200.0}, ["new", "other"], id="age"),
        pytest.param({"model": "embedding-2"}, ["old", "new"], id="model"),
        pytest.param({"model": "embedding-3", "before_s": 200.0}, ["new", "other"], id="age-of-a-model"),
        pytest.param({"max_bytes": 20 * (WIDTH * 4 + 24)}, ["new", "other"], id="size"),
        pytest.param({"model": "embedding-3", "max_bytes": 10 * (WIDTH * 4 + 24)}, ["new", "other"], id="size-of-a-model"),
        pytest.param({"model": "embedding-2", "max_bytes": 10**9}, ["old", "new", "other"], id="a-model-that-is-small"),
        pytest.param({"max_bytes": 0}, [], id="everything"),
        pytest.param({"before_s": 1.0}, ["old", "new", "other"], id="nothing"),
    ],
)
def test_removing(store: LocalStore, asked: dict, left: list[str]) -> None:
    """By age, model or size; the rest stays, and the disk gets its room back."""
    other = Space("glm", "embedding-2", 16)
    put(store, names(10, "old"), created_s=100.0)
    put(store, names(10, "new"), created_s=300.0)
    put(store, names(10, "other"), other, created_s=301.0)
    assert store.remove(**asked) == 30 - 10 * len(left)
    for stem, space in (("old", SPACE), ("new", SPACE), ("other", other)):
        found, is_there = get(store, names(10, stem), space)
        assert is_there.all() == is_there.any() == (stem in left)
        if stem in left:
            assert np.array_equal(found, vectors_of(names(10, stem)))
    assert sum(path.stat().st_size for path in Path(store.place, "vectors").iterdir()) == len(left) * 10 * WIDTH * 4
    put(store, names(3, "later"))
    assert get(store, names(3, "later"))[1].all()


def test_another_process_sees_removals_and_additions(store: LocalStore) -> None:
    """Two stores on one folder, as two kernels have them."""
    neighbour = LocalStore(Path(store.place))
    put(store, names(5), created_s=100.0)
    assert get(neighbour, names(5))[1].all()
    put(neighbour, names(5, "x"), created_s=300.0)
    assert get(store, names(5, "x"))[1].all()
    store.remove(before_s=200.0)
    found, is_there = get(neighbour, [*names(5), *names(5, "x")])
    assert is_there.tolist() == [False] * 5 + [True] * 5
    assert np.array_equal(found[5:], vectors_of(names(5, "x")))


WRITER = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.test_vectorstore import LocalStore, put, names
store = LocalStore(Path({folder!r}))
for i in range({n}):
    put(store, [f"{stem} {{i}} {{j}}" for j in range(8)])
    print(i, flush=True)
"""


def start_writer(folder: Path, stem: str, n: int) -> subprocess.Popen[str]:
    script = WRITER.format(root=str(ROOT), folder=str(folder), stem=stem, n=n)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_writers_at_once(store: LocalStore) -> None:
    """No error, nothing missing, nothing wrong."""
    writers = {stem: start_writer(Path(store.place), stem, 40) for stem in ("one", "two")}
    for writer in writers.values():
        _, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, "")
    texts = [f"{stem} {i} {j}" for stem in writers for i in range(40) for j in range(8)]
    found, is_there = get(store, texts)
    assert is_there.all()
    assert np.array_equal(found, vectors_of(texts))


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")
def test_kill_9_loses_nothing_that_was_acknowledged(store: LocalStore) -> None:
    """Killed in the middle, twice; what was printed is there, the file is sound, and writing goes on."""
    acknowledged = []
    for stem in ("first", "second"):
        writer = start_writer(Path(store.place), stem, 100_000)
        assert writer.stdout is not None
        for _ in range(12):
            acknowledged.append((stem, int(writer.stdout.readline())))
        writer.send_signal(signal.SIGKILL)
        acknowledged += [(stem, int(line)) for line in writer.stdout.read().split()]
        writer.communicate()
    texts = [f"{stem} {i} {j}" for stem, i in acknowledged for j in range(8)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, is_there = get(store, texts)
    assert is_there.all()
    assert np.array_equal(found, vectors_of(texts))
    put(store, names(3))
    assert get(store, names(3))[1].all()


def test_rows_of_an_unfinished_write_are_overwritten(store: LocalStore) -> None:
    """What a crash leaves behind the known rows is nobody's."""
    put(store, names(5))
    with rows_file(store).open("ab") as file:
        file.write(b"\x01" * 100)
    put(store, names(5, "x"))
    found, is_there = get(store, [*names(5), *names(5, "x")])
    assert is_there.all()
    assert np.array_equal(found, vectors_of([*names(5), *names(5, "x")]))


def damage_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[3 * WIDTH * 4 + 5] ^= 0x40
    path.write_bytes(data)


def damage_end(path: Path) -> None:
    os.truncate(path, 7 * WIDTH * 4 + 3)


def damage_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[2 * WIDTH * 4 : 5 * WIDTH * 4] = bytes(3 * WIDTH * 4)
    path.write_bytes(data)


def damage_order(path: Path) -> None:
    row = WIDTH * 4
    data = bytearray(path.read_bytes())
    data[: 2 * row] = data[row : 2 * row] + data[:row]
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        pytest.param(damage_bit, [3], id="a-flipped-bit"),
        pytest.param(damage_page, [2, 3, 4], id="zeroed-rows"),
        pytest.param(damage_order, [0, 1], id="swapped-rows"),
        pytest.param(damage_end, None, id="cut-short"),
        pytest.param(lambda path: path.write_bytes(b""), None, id="emptied"),
    ],
)
def test_damaged_vectors_are_set_aside(store: LocalStore, damage, lost: list[int] | None) -> None:
    """A sentence, the damaged file kept, the sound vectors kept, never a wrong one; afterwards all is well."""
    put(store, names(10))
    path = rows_file(store)
    store.close()
    damage(path)
    damaged = path.read_bytes()
    with pytest.warns(UserWarning, match=r"damaged and are not used; their file was set aside as .*damaged-"):
        found, is_there = get(store, names(10))
    if lost is not None:
        assert np.flatnonzero(~is_there).tolist() == lost
    assert np.array_equal(found[is_there], vectors_of(names(10))[is_there])
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == damaged
    put(store, names(10))
    again, is_there = get(store, names(10))
    assert is_there.all()
    assert np.array_equal(again, vectors_of(names(10)))


def test_a_file_of_vectors_that_is_gone(store: LocalStore) -> None:
    """All of them are missing, and can be put again."""
    put(store, names(4))
    rows_file(store).unlink()
    with pytest.warns(UserWarning, match="4 cached vectors were damaged"):
        assert not get(store, names(4))[1].any()
    put(store, names(4))
    assert get(store, names(4))[1].all()


def scribble(path: Path) -> None:
    path.write_bytes(b"this is no database" * 400)


def scribble_inside(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 4096):
        data[at : at + 200] = b"\xff" * 200
    path.write_bytes(data)


def break_segment(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE segment SET keys=x'00'")
    database.close()


@pytest.mark.parametrize("damage", [scribble, scribble_inside, break_segment])
def test_a_damaged_index_is_set_aside(store: LocalStore, damage) -> None:
    """With a sentence; nothing is deleted, and a new cache is begun in its place."""
    put(store, names(10))
    store.close()
    rows, index = rows_file(store).read_bytes(), Path(store.place, database_room.FILE_NAME)
    damage(index)
    with pytest.warns(UserWarning, match=r"set aside as .*damaged-.*because its index is damaged; a new one is begun"):
        assert not get(store, names(10))[1].any()
    (aside,) = Path(store.place).glob("damaged-*")
    assert (aside / index.name).exists()
    assert [path.read_bytes() for path in (aside / "vectors").iterdir()] == [rows]
    put(store, names(10))
    assert get(store, names(10))[1].all()


def test_a_cache_of_a_newer_version_is_left_alone(store: LocalStore) -> None:
    """One sentence, and not a byte changes."""
    put(store, names(2))
    store.close()
    path = Path(store.place, database_room.FILE_NAME)
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version=99")
    database.close()
    before = path.read_bytes()
    for act in (lambda: get(store, names(2)), lambda: put(store, names(2)), store.list_spaces):
        with pytest.raises(CacheError, match="made by a newer version of glm_magics"):
            act()
    assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_read_only_folder_can_be_read(store: LocalStore) -> None:
    """As a user who may not write there: vectors come, new ones cannot be kept, and it says so."""
    put(store, names(3))
    store.record_hits(SPACE, 1, 1.0)
    store.close()
    for path in (Path(store.place), *Path(store.place).rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for parent in Path(store.place).parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(0o755)
    child = os.fork()
    if not child:
        status = 1
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            found, is_there = get(store, names(3))
            assert is_there.all()
            assert np.array_equal(found, vectors_of(names(3)))
            store.record_hits(SPACE, 1, 1.0)
            with pytest.raises(CacheError, match="cannot be written"):
                put(store, names(3, "x"))
            with pytest.raises(CacheError, match="cannot be written"):
                store.remove(max_bytes=0)
            with pytest.raises(CacheError, match="cannot be"):
                get(LocalStore(Path(store.place) / "deeper"), names(1))
            status = 0
        finally:
            os._exit(status)
    for path in (Path(store.place), *Path(store.place).rglob("*")):
        path.chmod(0o755)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits of POSIX")
def test_a_full_disk_is_one_sentence_and_keeps_the_rest(store: LocalStore) -> None:
    """No file may grow further, as on a full disk; what was there stays sound."""
    import resource

    put(store, names(100))
    child = os.fork()
    if not child:
        status = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
            with pytest.raises(CacheError, match=r"disk under the cache .* is full"):
                put(store, names(5000, "x"))
            assert get(store, names(100))[1].all()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    found, is_there = get(store, [*names(100), *names(10, "x")])
    assert is_there.tolist() == [True] * 100 + [False] * 10
    assert np.array_equal(found[:100], vectors_of(names(100)))


def test_a_full_index_is_one_sentence_too(store: LocalStore) -> None:
    """SQLite's own words for a disk that has no room left."""
    put(store, names(2))
    with store._open() as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(CacheError, match="is full"):
        put(store, names(3000, "x"))
    assert get(store, names(2))[1].all()
    assert not get(store, names(3000, "x"))[1].any()


def test_on_a_network_file_system_no_shared_memory_is_used(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a write-ahead log is not safe; the journal is a plain file, and all else is the same."""
    monkeypatch.setattr(journals, "is_on_network", lambda folder: True)
    neighbour = LocalStore(Path(store.place))
    put(store, names(5))
    put(neighbour, names(5, "x"))
    with store._open() as database:
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert not list(Path(store.place).glob("*-wal"))
    assert get(store, [*names(5), *names(5, "x")])[1].all()


@pytest.mark.parametrize(
    ("mounts", "is_shared"),
    [
        pytest.param("server:/home /home nfs4 rw 0 0\n/dev/sda / ext4 rw 0 0\n", True, id="nfs"),
        pytest.param("/dev/sda / ext4 rw 0 0\nserver:/x /mnt nfs4 rw 0 0\n", False, id="local"),
        pytest.param("//server/x /home cifs rw 0 0\n/dev/sdb /home/ann/fast ext4 rw 0 0\n", False, id="local-inside-a-share"),
        pytest.param("", False, id="unknown"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/mounts")
def test_telling_a_network_file_system(monkeypatch: pytest.MonkeyPatch, mounts: str, is_shared: bool) -> None:
    """By the mount that the folder lies on."""
    monkeypatch.setattr(Path, "read_text", lambda self, **named: mounts)
    assert journals.is_on_network(Path("/home/ann/fast/cache")) == is_shared


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_fork_each_process_has_its_own_connection(store: LocalStore) -> None:
    """As multiprocessing does it; both write, nothing is lost."""
    put(store, names(3))
    child = os.fork()
    if not child:
        status = 1
        try:
            put(store, names(3, "child"))
            status = 0
        finally:
            os._exit(status)
    put(store, names(3, "parent"))
    assert os.waitpid(child, 0)[1] == 0
    assert get(store, [*names(3), *names(3, "child"), *names(3, "parent")])[1].all()


def test_many_threads(store: LocalStore) -> None:
    """One store, written and read at once."""
    from concurrent.futures import ThreadPoolExecutor

    def work(n: int) -> bool:
        put(store, names(20, f"thread {n}"))
        return bool(get(store, names(20, f"thread {n}"))[1].all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(24)))


def test_keys_that_share_half() -> None:
    """Two keys with the same first half are told apart, whatever the order."""
    from glm_magics.vectorstore.keyindex import KeyIndex

    keys = np.array([[7, 1], [7, 2], [9, 1], [7, 3]], np.uint64)
    index = KeyIndex(keys, np.zeros(4, np.uint64), [0], [4], [0])
    asked = np.array([[7, 3], [7, 1], [7, 4], [9, 2], [7, 2], [1, 1], [99, 1]], np.uint64)
    assert index.find(asked).tolist() == [3, 0, -1, -1, 1, -1, -1]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda texts: texts, id="the-same"),
        pytest.param(lambda texts: [*texts, "new"], id="one-more"),
        pytest.param(lambda texts: ["new", *texts], id="shifted"),
        pytest.param(lambda texts: texts[::-1], id="backwards"),
        pytest.param(lambda texts: [*texts[:100], "changed", *texts[101:]], id="one-changed"),
        pytest.param(lambda texts: texts[64:640], id="a-part"),
        pytest.param(lambda texts: [], id="nothing"),
        pytest.param(lambda texts: [texts[0] + texts[1], "", *texts[2:]], id="other-seams"),
    ],
)
def test_batches_are_known_again_by_one_key(store: LocalStore, change) -> None:
    """And give exactly the keys of their texts, whatever has changed."""
    texts = names(1000)
    for i in range(0, 1000, 64):
        batch = texts[i : i + 64]
        store.put(SPACE, [Batch(find_keys(batch), vectors_of(batch), 0, 0.0, find_together(batch))])
    asked = change(texts)
    assert np.array_equal(store.recall_keys(SPACE, asked), find_keys(asked))
    assert np.array_equal(LocalStore(Path(store.place) / "empty").recall_keys(SPACE, asked), find_keys(asked))
    store.remove(before_s=-1.0)
    assert np.array_equal(store.recall_keys(SPACE, asked), find_keys(asked))


@given(texts=st.lists(st.text(max_size=3), max_size=4), other=st.lists(st.text(max_size=3), max_size=4))
def test_different_texts_have_different_keys(texts: list[str], other: list[str]) -> None:
    """Together too: seams, order and empty texts count."""
    assert (find_together(texts) == find_together(other)) == (texts == other)


# Parquet


def test_a_cache_travels_as_a_file(tmp_path: Path) -> None:
    """Into an empty cache, then again: nothing new; then into one that has some."""
    one, two = LocalStore(tmp_path / "one"), LocalStore(tmp_path / "two")
    other = Space("http://localhost:8000/v1", "bge", 0, "float16")
    put(one, names(30), created_s=123.0)
    put(one, names(5, "x"), other, 3)
    put(two, names(10))
    path = tmp_path / "vectors.parquet"
    assert export_parquet(one, path) == 35
    assert import_parquet(two, path) == 25
    assert import_parquet(two, path) == 0
    found, is_there = get(two, names(30))
    assert is_there.all()
    assert np.allclose(found, vectors_of(names(30)), atol=1e-6)
    assert get(two, names(5, "x"), other, 3)[1].all()
    assert export_parquet(one, tmp_path / "some.parquet", "bge") == 5
    assert [path.suffix for path in tmp_path.iterdir() if path.is_file()] == [".parquet"] * 2
    assert two.list_spaces()[0].oldest_s == 123.0


def test_files_that_are_no_export(tmp_path: Path, store: LocalStore) -> None:
    """One sentence each, and nothing is taken over."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    good = tmp_path / "good.parquet"
    put(store, names(3))
    export_parquet(store, good)
    table = pq.read_table(good)
    into = LocalStore(tmp_path / "into")
    changes = {
        "columns": table.drop_columns(["key"]),
        "lengths": table.set_column(5, "vector", pa.array([[1.0], [1.0, 2.0], [1.0]])),
        "nan": table.set_column(5, "vector", pa.array([[float("nan")] * 16] * 3)),
        "zeros": table.set_column(5, "vector", pa.array([[0.0] * 16] * 3)),
        "tokens": table.set_column(6, "tokens", pa.array([float("inf")] * 3)),
        "keys": table.set_column(4, "key", pa.array([b"short"] * 3)),
        "precision": table.set_column(3, "precision", pa.array(["int8"] * 3)),
    }
    for name, changed in changes.items():
        pq.write_table(changed, tmp_path / f"{name}.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    for name in (*changes, "text", "nowhere"):
        with pytest.raises(InputError, match=name):
            import_parquet(into, tmp_path / f"{name}.parquet")
    assert into.list_spaces() == []
    with pytest.raises(InputError, match="cannot be written"):
        export_parquet(store, tmp_path / "no" / "such" / "folder.parquet")


def test_an_import_counts_the_tokens_of_what_is_new(tmp_path: Path, store: LocalStore) -> None:
    """In proportion, where the rest was there already; and an export that fails leaves no file behind."""
    put(store, names(4))
    put(into := LocalStore(tmp_path / "into"), names(3))
    assert export_parquet(store, tmp_path / "good.parquet") == 4
    assert import_parquet(into, tmp_path / "good.parquet") == 1
    assert into.list_spaces()[0].n_tokens == store.list_spaces()[0].n_tokens
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        export_parquet(store, tmp_path / "folder")
    assert not list(tmp_path.glob("*.part"))


def test_what_is_put_is_on_the_disk_when_it_is_known(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors first, then the index, each waited for: a power cut in between loses nothing that was acknowledged."""
    events: list[str] = []
    really = getattr(os, "fdatasync", os.fsync)
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: events.append("vectors") or really(descriptor), raising=False)
    put(store, names(1))
    store._database.set_trace_callback(events.append)
    events.clear()
    put(store, names(3, "x"))
    assert events.index("vectors") < events.index("COMMIT")
    is_full = store._database.execute("PRAGMA synchronous").fetchone()
    store.record_hits(SPACE, 1, 1.0)  # which is not worth waiting for
    assert store._database.execute("PRAGMA synchronous").fetchone() == is_full == (2,)


def test_opening_reads_no_keys(store: LocalStore) -> None:
    """Whatever a cache holds, opening it and asking for a width loads none of it; the first look-up does."""
    keys = np.random.default_rng(0).integers(0, 2**63, (200_000, 2)).astype(np.uint64)
    space = Space("here", "m", 0)
    store.put(
        space, [Batch(keys[i : i + 64], np.ones((len(keys[i : i + 64]), 1), np.float32), 0, 0.0) for i in range(0, len(keys), 64)]
    )
    store.close()
    again = LocalStore(Path(store.place))
    assert again.find_width(space) == 1
    assert again._indexes == {}
    assert again.has(space, keys[::1000]).all()
