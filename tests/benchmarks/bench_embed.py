"""The cache of vectors, asking for many, and searching, each beside the alternative in one run.

``python -m tests.benchmarks embed [store|cold|search …] [--texts N]``. Nothing is asserted. Times of one busy machine: compare
rows with each other. `store`: each way in a fresh process, files in the page cache, hashing of the texts included; ``llm`` and
LangChain's CacheBackedEmbeddings run where they are installed, on a tenth of the texts. `cold`: against a server that answers
after 50 ms and refuses above 50 requests. `search`: beside one BLAS product and, where installed, faiss.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

PARTS = ("store", "cold", "search")
LATENCY_S, IN_FLIGHT = 0.05, 50


def texts_of(n: int) -> list[str]:
    """About 130 letters each."""
    return [f"text number {i}: " + "lorem ipsum dolor sit amet, " * 4 for i in range(n)]


def matrix_of(n: int, width: int) -> np.ndarray:
    matrix = np.random.default_rng(0).standard_normal((n, width), dtype=np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


# Store


def prepare(folder: Path, n: int, width: int) -> None:
    """The same vectors as a plain array and in the cache."""
    from glm_magics.vectorstore import Batch, LocalStore, Space, find_keys, find_together

    matrix, texts = matrix_of(n, width), texts_of(n)
    keys = find_keys(texts)
    np.save(folder / "all.npy", matrix)
    store = LocalStore(folder / "cache")
    for begin in range(0, n, 64 * 16):
        cuts = [slice(i, min(i + 64, n, begin + 64 * 16)) for i in range(begin, min(n, begin + 64 * 16), 64)]
        batches = [Batch(keys[cut], matrix[cut], 640, time.time(), find_together(texts[cut])) for cut in cuts]
        store.put(Space("glm", "embedding-3", width), batches)
    store.close()


def session_in(folder: Path) -> Any:
    from glm_magics.session import Session
    from glm_magics.testing import FakeGLM

    return Session(transport=FakeGLM(), environment={"ZHIPUAI_API_KEY": "a.b", "GLM_CACHE_DIR": str(folder / "cache")})


def way_np_load(folder: Path, n: int, width: int, order: np.ndarray | None) -> Callable[[], Any]:
    def run() -> np.ndarray:
        matrix = np.load(folder / "all.npy")
        return matrix if order is None else matrix[order]

    return run


def way_glm(folder: Path, n: int, width: int, order: np.ndarray | None) -> Callable[[], Any]:
    texts = texts_of(n)
    texts = texts if order is None else [texts[i] for i in order]
    session = session_in(folder)
    _ = session.corpus
    return lambda: session.corpus.embed(texts, width)


def way_glm_few(folder: Path, n: int, width: int, order: np.ndarray | None) -> Callable[[], Any]:
    texts = texts_of(n)[:: max(1, n // 100)]
    session = session_in(folder)
    _ = session.corpus
    return lambda: session.corpus.embed(texts, width)


def way_llm(folder: Path, n: int, width: int, order: np.ndarray | None) -> Callable[[], Any]:
    """As its own users read a collection: ids to rows, bytes to numbers."""
    import llm
    import sqlite_utils

    class Known(llm.EmbeddingModel):
        model_id = "known"

        def embed_batch(self, items: Any) -> Any:
            matrix = np.load(folder / "all.npy", mmap_mode="r")
            return [matrix[int(item.split()[2][:-1])].tolist() for item in items]

    database = sqlite_utils.Database(str(folder / "llm.db"))
    collection = llm.Collection("bench", database, model=Known())
    if not collection.count():
        collection.embed_multi([(text, text) for text in texts_of(n)])
    texts = texts_of(n)

    def run() -> np.ndarray:
        found = {row["id"]: llm.decode(row["embedding"]) for row in database["embeddings"].rows}
        return np.array([found[text] for text in texts], np.float32)

    return run


def way_langchain(folder: Path, n: int, width: int, order: np.ndarray | None) -> Callable[[], Any]:
    from langchain_classic.embeddings import CacheBackedEmbeddings
    from langchain_classic.storage import LocalFileStore
    from langchain_core.embeddings import Embeddings

    texts, matrix = texts_of(n), np.load(folder / "all.npy")

    class Known(Embeddings):
        def embed_documents(self, wanted: list[str]) -> list[list[float]]:
            places = {text: i for i, text in enumerate(texts)}
            return [matrix[places[text]].tolist() for text in wanted]

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    store = LocalFileStore(str(folder / "langchain"))
    cached = CacheBackedEmbeddings.from_bytes_store(Known(), store, namespace="m", key_encoder="sha256")
    if not (folder / "langchain").exists():
        cached.embed_documents(texts)
    return lambda: np.array(cached.embed_documents(texts), np.float32)


WAYS: dict[str, Callable[..., Callable[[], Any]]] = {
    "np.load": way_np_load,
    "glm.embed": way_glm,
    "glm.embed, 100 texts": way_glm_few,
    "llm collection": way_llm,
    "LangChain file store": way_langchain,
}


def measure(way: str, folder: str, n: str, width: str, is_shuffled: str) -> None:
    """In a process of its own: seconds, and peak memory as a share of the result."""
    order = np.random.default_rng(1).permutation(int(n)) if is_shuffled == "1" else None
    run = WAYS[way](Path(folder), int(n), int(width), order)
    before = peak_bytes()
    began_s = time.perf_counter()
    result = run()
    took_s = time.perf_counter() - began_s
    peak = (peak_bytes() - before) / result.nbytes
    print(json.dumps([took_s, peak, float(result[len(result) // 2, 0])]))


def peak_bytes() -> int:
    """The most memory of this process so far; Linux (``ru_maxrss`` would be the parent's, too)."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024


def fresh(way: str, folder: Path, n: int, width: int, is_shuffled: bool) -> tuple[float, float, float] | None:
    command = [sys.executable, "-m", "tests.benchmarks.bench_embed", "--measure", way, str(folder), str(n), str(width)]
    done = subprocess.run([*command, str(int(is_shuffled))], capture_output=True, text=True)
    if done.returncode:
        print(f"{way}: {done.stderr.strip().splitlines()[-1][:110]}")
        return None
    took_s, peak, sample = json.loads(done.stdout.splitlines()[-1])
    return took_s, peak, sample


def compare(folder: Path, n: int, width: int, ways: dict[str, str], is_shuffled: bool, rounds: int) -> None:
    """Interleaved; medians, and the ratio to the first way."""
    spent: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(rounds):
        for way in list(ways):
            result = fresh(way, folder, n, width, is_shuffled)
            if result is None:
                ways = {name: label for name, label in ways.items() if name != way}
            else:
                spent.setdefault(way, []).append(result)
    floor_s = statistics.median(row[0] for row in spent["np.load"])
    for way, rows in spent.items():
        took_s, peak = (statistics.median(row[i] for row in rows) for i in (0, 1))
        head = f"{n:7,} x {width:4} {'shuffled' if is_shuffled else 'in order':8} {way:20}"
        print(f"{head} {took_s * 1000:9.1f} ms  x{took_s / floor_s:7.2f}  memory x{peak:4.2f}", flush=True)


def bench_store(n: int) -> None:
    for width in (1024, 2048):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            began_s = time.perf_counter()
            prepare(folder, n, width)
            took_s = time.perf_counter() - began_s
            size = sum(path.stat().st_size for path in (folder / "cache").rglob("*") if path.is_file())
            print(
                f"{n:7,} x {width:4} written in {took_s:.1f} s with np.save; on disk x{size / (n * width * 4):.3f} of the vectors"
            )
            for is_shuffled in (False, True):
                compare(folder, n, width, {"np.load": "", "glm.embed": ""}, is_shuffled, 7)
            compare(folder, n, width, {"np.load": "", "glm.embed, 100 texts": ""}, False, 5)
            if width == 1024:
                bench_new_rows(folder, n, width)
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), n // 10, 1024)
        for way in ("llm collection", "LangChain file store"):
            fresh(way, Path(name), n // 10, 1024, False)  # fills it
        compare(
            Path(name),
            n // 10,
            1024,
            dict.fromkeys(("np.load", "glm.embed", "llm collection", "LangChain file store"), ""),
            False,
            3,
        )
    bench_opening()


def bench_new_rows(folder: Path, n: int, width: int) -> None:
    """A tenth more rows: beside reading all, and beside making the tenth alone."""
    session = session_in(folder)
    session.config.max_in_flight = IN_FLIGHT
    texts = [*texts_of(n), *(f"new {text}" for text in texts_of(n // 10))]
    for label, chosen in (("the tenth alone", [f"other {text}" for text in texts_of(n // 10)]), ("all and the tenth", texts)):
        began_s = time.perf_counter()
        session.corpus.embed(chosen, width)
        print(f"{n:7,} x {width:4} 10 % new  {label:20} {(time.perf_counter() - began_s) * 1000:9.1f} ms", flush=True)


def bench_opening() -> None:
    """A million entries: opening, and the first and second look-up of a hundred."""
    from glm_magics.vectorstore import Batch, LocalStore, Space

    n, space = 1_000_000, Space("here", "m", 0)
    keys = np.random.default_rng(0).integers(0, 2**63, (n, 2)).astype(np.uint64)
    with tempfile.TemporaryDirectory() as name:
        store = LocalStore(Path(name))
        ones = np.ones((64, 8), np.float32)
        for begin in range(0, n, 64 * 256):
            cuts = range(begin, min(n, begin + 64 * 256), 64)
            store.put(space, [Batch(keys[i : i + 64], ones[: len(keys[i : i + 64])], 0, 0.0) for i in cuts])
        store.close()
        out = np.empty((100, 8), np.float32)
        for label, act in (
            ("opening", lambda: store.find_width(space)),
            ("first 100", lambda: store.get(space, keys[::10_000], out, np.arange(100))),
            ("next 100", lambda: store.get(space, keys[5::10_000], out, np.arange(100))),
        ):
            began_s = time.perf_counter()
            act()
            print(f"{n:9,} entries  {label:10} {(time.perf_counter() - began_s) * 1000:7.1f} ms", flush=True)


# Cold


@contextmanager
def server(cap: int) -> Iterator[str]:
    from tests.lab import free_port

    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.embedding_server", str(port), str(LATENCY_S), str(cap)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield f"http://127.0.0.1:{port}/api/paas/v4"
    finally:
        process.terminate()
        process.wait()


def cold_run(
    url: str, n_requests: int, per_request: int, width: int, max_in_flight: int, cache: Any, kind: str = ""
) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process."""
    from glm_magics.session import Session

    session = Session(environment={"GLM_API_KEY": "a.b"})
    session.connect(url, kind=kind)
    session.config.embedding_model = "embedding-3!" if kind else "embedding-3"
    session.config.ledger = False
    session.config.max_in_flight = max_in_flight
    texts = [f"{time.monotonic_ns()} {i}" for i in range(n_requests * per_request)]
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    if per_request == 64:
        session.corpus.embed(texts, width, cache=cache)
    else:
        embed_in_batches(session, texts, width, per_request, cache)
    return time.perf_counter() - began_s, time.process_time() - began_cpu_s


def embed_in_batches(session: Any, texts: list[str], width: int, per_request: int, cache: Any) -> None:
    """The same path with smaller requests, to see the transport and not the reading of numbers."""
    from dataclasses import replace

    from glm_magics.embeddings import embed_texts
    from glm_magics.sources import find_source
    from glm_magics.texts import plan_texts

    source = find_source(session, width, None, "float32")
    source = replace(source, batch_texts=per_request)
    embed_texts(plan_texts(texts, None, "error"), source, session.corpus.find_store(cache), lambda progress: None)


def httpx_run(url: str, n_requests: int, width: int) -> tuple[float, float]:
    """Threads with a plain httpx client each."""
    import threading

    import httpx

    left = iter(range(n_requests))
    lock = threading.Lock()
    body = {"model": "embedding-3", "input": ["x"], "dimensions": width}

    def work() -> None:
        with httpx.Client(trust_env=False) as client:
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                client.post(f"{url}/embeddings", json=body).json()

    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=work) for _ in range(IN_FLIGHT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began_s, time.process_time() - began_cpu_s


def bench_cold(n: int) -> None:
    ideal = IN_FLIGHT / LATENCY_S
    with server(IN_FLIGHT) as url, tempfile.TemporaryDirectory() as folder:
        rows: list[tuple[str, int, int, Callable[[], tuple[float, float]]]] = [
            ("threads + httpx", 3000, 1, lambda: httpx_run(url, 3000, 256)),
            ("50 given, 1 x 256, no cache", 3000, 1, lambda: cold_run(url, 3000, 1, 256, 50, False)),
            ("50 given, 1 x 256", 3000, 1, lambda: cold_run(url, 3000, 1, 256, 50, folder)),
            ("found out, 1 x 256", 3000, 1, lambda: cold_run(url, 3000, 1, 256, 0, folder)),
            ("50 given, 8 x 256", 3000, 8, lambda: cold_run(url, 3000, 8, 256, 50, folder)),
            ("50 given, 64 x 256", 600, 64, lambda: cold_run(url, 600, 64, 256, 50, folder)),
            ("50 given, 64 x 1024", 300, 64, lambda: cold_run(url, 300, 64, 1024, 50, folder)),
            ("packed, 64 x 256", 600, 64, lambda: cold_run(url, 600, 64, 256, 50, folder, "vllm")),
            ("packed, 64 x 1024", 300, 64, lambda: cold_run(url, 300, 64, 1024, 50, folder, "vllm")),
        ]
        for label, n_requests, per_request, run in rows:
            results = [run() for _ in range(3)]
            took_s, cpu_s = statistics.median(row[0] for row in results), statistics.median(row[1] for row in results)
            rate, each_ms = n_requests / took_s, cpu_s / n_requests / per_request * 1000
            print(
                f"{label:28} {rate:6.0f} requests/s  {rate / ideal * 100:4.0f} % of {ideal:.0f}  "
                f"{rate * per_request:8,.0f} texts/s  CPU {each_ms:6.3f} ms a text",
                flush=True,
            )


# Search


def clustered(n: int, width: int, n_clusters: int = 5000, noise: float = 1.0) -> np.ndarray:
    """Points around centres, the noise as long as the centre: cosines of about 0.5 inside a cluster."""
    chance = np.random.default_rng(3)
    centres = chance.standard_normal((n_clusters, width), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    matrix = centres[chance.integers(n_clusters, size=n)]
    for begin in range(0, n, 100_000):
        part = matrix[begin : begin + 100_000]
        part += noise * chance.standard_normal(part.shape, dtype=np.float32) / np.sqrt(width)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix


def clock(label: str, act: Callable[[], Any], rounds: int = 9) -> float:
    act()
    times = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        act()
        times.append(time.perf_counter() - began_s)
    print(f"{label:44} {statistics.median(times) * 1000:9.2f} ms", flush=True)
    return statistics.median(times)


def bench_search(n: int) -> None:
    from glm_magics.vectors import find_nearest

    matrix = matrix_of(100_000, 1024)
    floor_s = clock("100,000 x 1024  one product", lambda: matrix @ matrix[7])
    print(f"  x{clock('100,000 x 1024  ten nearest, exact', lambda: find_nearest(matrix, matrix[7:8], 10)) / floor_s:.2f}")
    for noise in (0.7, 1.0):
        bench_million(clustered(1_000_064, 256, noise=noise), noise)


def bench_million(points: np.ndarray, noise: float) -> None:
    """A million to search, 64 of the same kind to search with."""
    from glm_magics.neighbours import build_index
    from glm_magics.vectors import find_nearest

    matrix, queries = points[:-64], points[-64:]
    print(f"  1,000,000 x 256, noise {noise}")
    clock("one product", lambda: matrix @ queries[0])
    clock("ten nearest, exact", lambda: find_nearest(matrix, queries[:1], 10))
    truth, _ = find_nearest(matrix, queries, 10)
    began_s = time.perf_counter()
    index = build_index(matrix)
    facts = f"{len(index.centres)} cells, {index.n_probes} probes, recall {index.recall:.3f}" if index else "not worth it"
    print(f"  index built in {time.perf_counter() - began_s:.1f} s: {facts}", flush=True)
    if index is not None:
        clock("ten nearest, index", lambda: index.search(matrix, queries[:1], 10))
        print(f"  recall on other queries {recall(truth, index.search(matrix, queries, 10)[0]):.3f}")
    bench_faiss(matrix, queries, truth)


def bench_faiss(matrix: np.ndarray, queries: np.ndarray, truth: np.ndarray) -> None:
    try:
        import faiss
    except ImportError:
        print("faiss: not installed")
        return
    for n_probes in (4, 32, 192):
        began_s = time.perf_counter()
        if n_probes == 4:
            index = faiss.IndexIVFFlat(faiss.IndexFlatIP(256), 256, 1000, faiss.METRIC_INNER_PRODUCT)
            index.train(matrix[:: len(matrix) // 100_000])
            index.add(matrix)
            print(f"  faiss built in {time.perf_counter() - began_s:.1f} s")
        index.nprobe = n_probes
        clock(f"faiss IVF, {n_probes} probes", lambda index=index: index.search(queries[:1], 10))
        print(f"  recall {recall(truth, index.search(queries, 10)[1]):.3f}")


def recall(truth: np.ndarray, found: np.ndarray) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in zip(truth, found, strict=True)]))


def main(arguments: list[str]) -> None:
    """The parts that are named, or all."""
    if arguments[:1] == ["--measure"]:
        measure(*arguments[1:])
        return
    n = int(arguments[arguments.index("--texts") + 1]) if "--texts" in arguments else 100_000
    os.environ.setdefault("GLM_CACHE_DIR", tempfile.mkdtemp())
    for part in [name for name in PARTS if name in arguments] or PARTS:
        print(f"-- {part}", flush=True)
        {"store": bench_store, "cold": bench_cold, "search": bench_search}[part](n)


if __name__ == "__main__":
    main(sys.argv[1:])
