"""Kernel → front end: bytes, messages, and kernel CPU per token, from a real kernel.

``python -m tests.benchmarks iopub``. Beside ours: one ``update_display`` of the whole text at 10 Hz, as other tools do it.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from jupyter_client.manager import start_new_kernel

from tests.benchmarks.bench_lab import CELLS, SETUP, mock_server

PLANS = (("glm", 5000, 100), ("update_display_10hz", 5000, 100), ("glm", 50_000, 1000), ("glm", 5000, 0))


def run_cell(client: Any, code: str) -> tuple[int, int, int, float, str]:
    """``(messages, bytes, displayed bytes, seconds, printed text)`` of one cell."""
    sent = client.execute(code)
    n_messages = n_bytes = n_shown = 0
    started, printed = time.monotonic(), ""
    while True:
        raw = client.iopub_channel.socket.recv_multipart()
        message = client.session.deserialize(client.session.feed_identities(raw)[1])
        if message["parent_header"].get("msg_id") != sent:
            continue
        n_messages += 1
        n_bytes += sum(map(len, raw))
        content = message["content"]
        if message["msg_type"] in ("display_data", "update_display_data"):
            n_shown += sum(len(str(value).encode()) for value in content["data"].values())
        elif message["msg_type"] == "stream":
            printed += content["text"]
        elif message["msg_type"] == "error":
            raise RuntimeError(content["evalue"])
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            return n_messages, n_bytes, n_shown, time.monotonic() - started, printed


def main(arguments: list[str]) -> None:
    manager, client = start_new_kernel()
    try:
        with mock_server() as port:
            run_cell(client, SETUP.format(port=port) + "\nimport json, time\n")
            run_cell(client, "%glm bench tokens=100 rate=0")
            for strategy, tokens, rate in PLANS:
                cell = CELLS[strategy].format(tokens=tokens, rate=rate, thinking=0)
                _, _, _, _, before = run_cell(client, "print(time.process_time())")
                n_messages, n_bytes, n_shown, wall_s, _ = run_cell(client, cell)
                _, _, _, _, after = run_cell(client, "print(json.dumps([time.process_time(), len(_glm.text.encode())]))")
                cpu_s, answer = json.loads(after)
                bound = 2 * tokens * 4 + 700 * n_messages
                print(
                    f"{strategy:20} {answer / 1000:6.1f} KB at {rate or 'flat out':>8} tok/s:"
                    f" {n_bytes / 1000:8.0f} KB in {n_messages:5} messages ({n_messages / wall_s:4.1f}/s),"
                    f" shown {n_shown / 1000:7.0f} KB, x{n_bytes / bound:5.2f} of 2 answers + 700 B a message,"
                    f" kernel CPU {(cpu_s - float(before)) / tokens * 1e6:5.0f} us/token",
                    flush=True,
                )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main(sys.argv[1:])
