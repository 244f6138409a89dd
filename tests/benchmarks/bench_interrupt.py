"""■ in mid-stream: how soon the server sees the connection close, and how soon the cell is done; flowing and stalled.

``python -m tests.benchmarks interrupt [runs]``. A real kernel; the interrupt is the signal that Jupyter sends. Beside it: the
same stream read in the main thread and left by a plain KeyboardInterrupt.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

from jupyter_client.manager import start_new_kernel

from tests.benchmarks.bench_iopub import run_cell
from tests.benchmarks.bench_lab import SETUP, mock_server, server_log

CELLS = {
    "glm": "%glm bench tokens={tokens} rate=200 stall=1",
    "plain loop": "for item in _client.stream_chat(_body('bench tokens={tokens} rate=200 stall=1')): pass",
}


def measure(manager: Any, client: Any, port: int, cell: str) -> tuple[float, float, bool]:
    sent = client.execute(cell)
    time.sleep(1.0)
    pressed_s = time.time()
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=20)
    while reply["parent_header"].get("msg_id") != sent:
        reply = client.get_shell_msg(timeout=20)
    done_s = time.time()
    time.sleep(0.2)
    closed_s = server_log(port).get("closed", float("nan"))
    return (closed_s - pressed_s) * 1000, (done_s - pressed_s) * 1000, reply["content"]["status"] == "error"


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else 5
    manager, client = start_new_kernel()
    try:
        with mock_server() as port:
            run_cell(client, SETUP.format(port=port))
            run_cell(client, "%glm bench tokens=100 rate=0")
            results: dict[tuple[str, str], list[tuple[float, float, bool]]] = {}
            for _ in range(runs):
                for name, cell in CELLS.items():
                    for how, tokens in (("flowing", 2000), ("stalled", 20)):
                        results.setdefault((name, how), []).append(measure(manager, client, port, cell.format(tokens=tokens)))
            for (name, how), rows in results.items():
                closed, done, failed = zip(*rows, strict=True)
                print(
                    f"{name:12} {how:8} server sees close after {statistics.median(closed):6.0f} ms, "
                    f"cell done after {statistics.median(done):6.0f} ms, cell failed: {all(failed)}"
                )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main(sys.argv[1:])
