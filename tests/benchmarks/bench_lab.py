"""In a real JupyterLab: first content byte → in the page; last byte → last word in the page, and settled; long tasks.

``python -m tests.benchmarks lab [runs [strategy]]``. Medians; times of one machine, so compare the rows with each other:
``print`` is the floor (raw text, no Markdown), ``update_display`` re-sends the whole text as other tools do. Tasks are wall
time, and count as "after" once the server has sent its last byte: JupyterLab then looks through the finished cell's outputs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.lab import LabPage, free_port, open_browser, run_server, write_notebook

_OBSERVER = """(index) => {
  const cell = document.querySelectorAll('.jp-Notebook .jp-CodeCell')[index];
  const now = () => performance.timeOrigin + performance.now();
  const log = window.__bench = {first: null, footer: null, last: null, tasks: [], drops: [], n_frames_late: 0};
  const area = cell.querySelector('.jp-Cell-outputWrapper');
  let height = 0;
  const look = () => {
    const text = area.textContent;
    if (log.first === null && text.includes('Part 0')) log.first = now();
    if (!log.footer && text.includes(' tokens')) log.footer = now();
    log.last = now();
  };
  new MutationObserver(look).observe(area, {subtree: true, childList: true, characterData: true});
  new PerformanceObserver(list => { for (const e of list.getEntries()) {
      log.tasks.push([performance.timeOrigin + e.startTime, e.duration]); } }).observe({entryTypes: ['longtask']});
  let previous = performance.now();
  const tick = () => {
    const h = area.getBoundingClientRect().height, t = performance.now();
    if (h < height - 1) log.drops.push(Math.round(height - h));
    height = h;
    if (t - previous > 33) log.n_frames_late += 1;
    previous = t;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""

CELLS = {
    "glm": "%glm bench tokens={tokens} rate={rate} thinking={thinking}",
    "print": (
        "for item in _client.stream_chat(_body('bench tokens={tokens} rate={rate} thinking={thinking}')):\n"
        "    print(item.thinking or item.content, end='')\n"
        "print(' tokens')"
    ),
    "update_display_10hz": (
        "import time; from IPython.display import display, Markdown\n"
        "h = display(Markdown(''), display_id=True); t = ''; last = 0\n"
        "for item in _client.stream_chat(_body('bench tokens={tokens} rate={rate} thinking={thinking}')):\n"
        "    t += item.thinking or item.content\n"
        "    if time.monotonic() - last > .1: h.update(Markdown(t)); last = time.monotonic()\n"
        "h.update(Markdown(t + ' tokens'))"
    ),
}
SETUP = """%load_ext glm_magics
%glm_connect http://127.0.0.1:{port}/v1
%config GLM.text_model = 'glm-4.7!'
from glm_magics import current_session
_client = current_session().client
def _body(text):
    return {{"model": "glm-4.7", "stream": True, "messages": [{{"role": "user", "content": text}}]}}
"""


@contextmanager
def mock_server() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.mock_server", str(port)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def server_log(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/log", timeout=5) as answer:
        log: dict[str, float] = json.load(answer)
    return log


def measure(
    browser: Any, url: str, folder: Path, port: int, strategy: str, tokens: int, rate: int, thinking: float
) -> dict[str, float]:
    cell = CELLS[strategy].format(tokens=tokens, rate=rate, thinking=thinking)
    name = f"bench-{uuid4().hex[:8]}.ipynb"
    write_notebook(folder / name, SETUP.format(port=port), "%glm bench tokens=300 rate=1000", cell)
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    lab = LabPage(page, url, name)
    lab.run(0)
    lab.run(1)  # warm: the page has loaded its Markdown code
    page.wait_for_timeout(1500)
    page.evaluate(_OBSERVER, 2)
    lab.run(2, timeout_s=tokens / (rate or 5000) + 120)
    page.wait_for_timeout(2500)
    seen = page.evaluate("() => window.__bench")
    log = server_log(port)
    end_ms = log["last_byte"] * 1000
    length = page.evaluate("() => document.querySelectorAll('.jp-Notebook .jp-CodeCell')[2].textContent.length")
    page.evaluate("() => window.jupyterapp.commands.execute('kernelmenu:shutdown')")
    page.close()
    return {
        "first_ms": seen["first"] - log["first_content"] * 1000,
        "last_word_ms": seen["footer"] - end_ms,
        "settled_ms": seen["last"] - end_ms,
        "tasks_over_50_ms_live": sum(start < end_ms for start, _ in seen["tasks"]),
        "longest_live_ms": max((task_ms for start, task_ms in seen["tasks"] if start < end_ms), default=0),
        "longest_after_ms": max((task_ms for start, task_ms in seen["tasks"] if start >= end_ms), default=0),
        "height_drops": len(seen["drops"]),
        "largest_drop_px": max(seen["drops"], default=0),
        "late_frames": seen["n_frames_late"],
        "chars_in_page": length,
    }


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else 3
    plans = [
        ("glm", 5000, 400, 0.2),
        ("print", 5000, 400, 0.2),
        ("update_display_10hz", 5000, 400, 0.2),
        ("glm", 50_000, 4000, 0.2),
        ("glm", 5000, 0, 0.2),
    ]
    if len(arguments) > 1:
        plans = [plan for plan in plans if plan[0] == arguments[1]]
    with tempfile.TemporaryDirectory() as name, mock_server() as port, open_browser() as browser:
        folder = Path(name)
        with run_server(folder) as url:
            rows: dict[tuple[Any, ...], list[dict[str, float]]] = {plan: [] for plan in plans}
            for _ in range(runs):
                for plan in plans:  # interleaved, so that a busy minute hits all alike
                    rows[plan].append(measure(browser, url, folder, port, *plan))
    for (strategy, tokens, rate, _), results in rows.items():
        medians = {name: statistics.median(result[name] for result in results) for name in results[0]}
        print(
            f"{strategy:22} {tokens * 4 // 1000:4} KB at {rate or 'flat out':>8} tok/s  "
            + "  ".join(f"{k} {v:.0f}" for k, v in medians.items()),
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
