"""Twenty answers in the background at once, beside twenty plain httpx streams in threads, of the same server.

``python -m tests.benchmarks jobs [answers] [tokens] [delay in seconds]``. The server sends a token every so often, so that the
slowest possible answer takes tokens × delay; both sides read whole answers, ours with fold, painting, ledger and price.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

import glm_magics


def main(arguments: list[str]) -> None:
    n = int(arguments[0]) if arguments else 20
    n_words = int(arguments[1]) if len(arguments) > 1 else 300
    delay_s = float(arguments[2]) if len(arguments) > 2 else 0.01
    server, url, key = _serve()
    try:
        prompt = f"[[words:{n_words}]] [[delay:{delay_s}]] hi"
        for _ in range(2):
            plain_s, n_plain = _plain(n, prompt, url, key)
            ours_s, n_ours, n_updates = _ours(n, prompt, url, key)
            print(f"{n} httpx streams in threads  {plain_s:6.2f} s  {n_plain / plain_s:8,.0f} characters/s")
            print(
                f"{n} background cells          {ours_s:6.2f} s  {n_ours / ours_s:8,.0f} characters/s, {n_updates} updates sent"
            )
    finally:
        server.terminate()


def _serve() -> tuple[subprocess.Popen[str], str, str]:
    """The sandbox in a process of its own, so that neither side shares its time with it."""
    script = (
        "import time\nfrom glm_magics.sandbox import Sandbox\nbox = Sandbox(chunk_delay_s=0.01)\nbox.start()\n"
        "print(box.base_url, box.key, flush=True)\ntime.sleep(600)"
    )
    server = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert server.stdout is not None
    url, key = server.stdout.readline().split()
    return server, url, key


def _plain(n: int, prompt: str, url: str, key: str) -> tuple[float, int]:
    import httpx

    texts: list[str] = []

    def read() -> None:
        body = {"model": "glm-4.7", "messages": [{"role": "user", "content": prompt}], "stream": True}
        pieces = []
        headers = {"Authorization": f"Bearer {key}"}
        with (
            httpx.Client(timeout=60) as client,
            client.stream("POST", f"{url}/chat/completions", json=body, headers=headers) as got,
        ):
            for line in got.iter_lines():
                if line.startswith("data: {"):
                    pieces.append(json.loads(line[6:])["choices"][0]["delta"].get("content") or "")
        texts.append("".join(pieces))

    threads = [threading.Thread(target=read) for _ in range(n)]
    started_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started_s, sum(map(len, texts))


def _ours(n: int, prompt: str, url: str, key: str) -> tuple[float, int, int]:
    shell = InteractiveShell.instance()
    shell.run_line_magic("reload_ext", "glm_magics")
    updates: list[str] = []

    def publish(data: Any, metadata: Any = None, **rest: Any) -> None:
        updates.append(json.dumps(data))  # as a kernel would

    shell.display_pub.publish = publish
    glm_magics.connect(url, api_key=key)
    glm_magics.current_session().config.folder = os.environ.get("TMPDIR", "/tmp")
    started_s = time.perf_counter()
    replies = []
    for _ in range(n):
        shell.run_cell(f"%%glm 4.7 &\n{prompt}")
        replies.append(shell.user_ns["_glm"])
    for reply in replies:
        reply.wait()
    took_s = time.perf_counter() - started_s
    return took_s, sum(len(reply.text) for reply in replies), len(updates)


if __name__ == "__main__":
    main([])
