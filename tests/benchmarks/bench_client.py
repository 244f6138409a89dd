"""CPU per streamed chunk: our client and fold beside a bare httpx byte loop with ``json.loads``, and the two SDKs.

``python -m tests.benchmarks client [rounds]``. The server (another process) sends flat out; all in this process, interleaved;
the ratio to the bare loop is what counts. Memory is the peak that the fold adds, per chunk.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from tests.benchmarks.bench_lab import mock_server

SIZES = (500, 5_000, 50_000)


def _body(n_chunks: int) -> dict[str, Any]:
    return {"model": "glm-4.7", "stream": True, "messages": [{"role": "user", "content": f"bench tokens={n_chunks} rate=0"}]}


def bare(base_url: str) -> Callable[[int], int]:
    import httpx

    client = httpx.Client(trust_env=False)

    def run(n_chunks: int) -> int:
        n, tail = 0, b""
        with client.stream("POST", f"{base_url}/chat/completions", json=_body(n_chunks)) as response:
            for chunk in response.iter_bytes():
                *lines, tail = (tail + chunk).split(b"\n")
                for line in lines:
                    if line.startswith(b"data: {"):
                        json.loads(line[6:])
                        n += 1
        return n

    return run


def ours(base_url: str) -> Callable[[int], int]:
    from glm_magics.client import GLMClient
    from glm_magics.providers import Connection, server_provider
    from glm_magics.replies import Delta, ReplyFold

    client = GLMClient(Connection(server_provider(base_url)))

    def run(n_chunks: int) -> int:
        fold, n = ReplyFold("glm-4.7", 0.0), 0
        for item in client.stream_chat(_body(n_chunks)):
            assert isinstance(item, Delta)
            fold.add(item, 1.0)
            n += 1
        assert len(fold.finish(1.0).text) > 0
        return n

    return run


def openai_sdk(base_url: str) -> Callable[[int], int]:
    from openai import OpenAI

    client = OpenAI(base_url=base_url, api_key="a.b")

    def run(n_chunks: int) -> int:
        return sum(1 for _ in client.chat.completions.create(**_body(n_chunks)))

    return run


def zai_sdk(base_url: str) -> Callable[[int], int]:
    from zai import ZaiClient

    client = ZaiClient(base_url=base_url, api_key="a.b")

    def run(n_chunks: int) -> int:
        return sum(1 for _ in client.chat.completions.create(**_body(n_chunks)))

    return run


def main(arguments: list[str]) -> None:
    rounds = int(arguments[0]) if arguments else 7
    with mock_server() as port:
        url = f"http://127.0.0.1:{port}/v1"
        clients = {"bare httpx + json": bare(url), "glm_magics": ours(url), "openai": openai_sdk(url), "zai-sdk": zai_sdk(url)}
        for run in clients.values():
            run(100)
        for size in SIZES:
            cpu_us: dict[str, list[float]] = {name: [] for name in clients}
            for round_ in range(rounds):
                for name, run in clients.items():
                    if name in ("openai", "zai-sdk") and (size > 5_000 or round_ > 1):
                        continue  # they take minutes
                    started = time.process_time()
                    n = run(size)
                    cpu_us[name].append((time.process_time() - started) / n * 1e6)
            floor = statistics.median(cpu_us["bare httpx + json"])
            for name, values in cpu_us.items():
                if values:
                    median = statistics.median(values)
                    print(f"{size:6} chunks  {name:18} {median:7.1f} us/chunk  x{median / floor:5.2f}", flush=True)
        for size in SIZES:
            tracemalloc.start()
            clients["glm_magics"](size)
            print(f"{size:6} chunks  peak memory {tracemalloc.get_traced_memory()[1] / size:7.0f} B/chunk")
            tracemalloc.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
