"""Panning the grounding widget in headless Chromium: the time between frames, as the browser's own clock gives it.

``python -m tests.benchmarks widget [boxes …]``. The mouse drags the picture to and fro for three seconds; ``idle`` is the same
page without a drag, the best this machine can do.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.lab import LabPage, open_browser, run_server, write_notebook

SETUP = """
import random
from PIL import Image
from skimage import data
from glm_magics.geometry import Box
from glm_magics.groundings import Grounding
chance = random.Random(1)
picture = Image.fromarray(data.astronaut()).resize((1920, 1080))
def box():
    x, y = chance.random() * 0.9, chance.random() * 0.9
    corners = x, y, x + 0.02 + chance.random() * 0.08, y + 0.02 + chance.random() * 0.08
    return Box(corners, 1920, 1080, chance.choice("abcdefgh"))
Grounding(picture, None, [box() for _ in range({n_boxes})])
"""
_RECORD = """() => { const log = window.__frames = []; let last = performance.now();
  const tick = now => { log.push(now - last); last = now; if (window.__frames === log) requestAnimationFrame(tick); };
  requestAnimationFrame(tick); }"""
_STOP = "() => { const log = window.__frames; window.__frames = null; return log.slice(2); }"

# Moves the pointer in the page, once a frame, so that the driver's own pace does not count.
_DRAG = """async (seconds) => { const stage = document.querySelector('.gg-stage'), box = stage.getBoundingClientRect();
  const at = (x, y, type) => stage.dispatchEvent(new PointerEvent(type, {pointerId: 1, pointerType: 'mouse', bubbles: true,
    button: type === 'pointermove' ? -1 : 0, clientX: box.left + x, clientY: box.top + y}));
  stage.setPointerCapture = () => {};
  at(3, 3, 'pointerdown');
  const start = performance.now();
  await new Promise(done => { const step = now => { const t = (now - start) / 1000;
    at(3 + 150 * Math.sin(3 * t), 3 + 100 * Math.sin(2 * t), 'pointermove');
    t < seconds ? requestAnimationFrame(step) : done(); }; requestAnimationFrame(step); });
  at(3, 3, 'pointerup'); }"""


def measure(page: Any, act: Any) -> dict[str, float]:
    """Times between frames in ms while `act` runs."""
    page.evaluate(_RECORD)
    act()
    times = sorted(page.evaluate(_STOP))
    return {
        "median_ms": statistics.median(times),
        "p95_ms": times[int(0.95 * len(times))],
        "longest_ms": times[-1],
        "late_share": sum(time > 25 for time in times) / len(times),
        "frames_per_s": 1000 * len(times) / sum(times),
    }


def show(name: str, row: dict[str, float]) -> None:
    print(f"{name:22}" + "  ".join(f"{key} {value:.2f}" for key, value in row.items()), flush=True)


def main(arguments: list[str]) -> None:
    counts = [int(argument) for argument in arguments] or [20, 500, 2000, 10_000]
    with tempfile.TemporaryDirectory() as name, open_browser() as browser:
        folder = Path(name)
        with run_server(folder) as url:
            for n_boxes in counts:
                write_notebook(folder / f"pan-{n_boxes}.ipynb", SETUP.replace("{n_boxes}", str(n_boxes)))
                page = browser.new_page(viewport={"width": 1300, "height": 1000})
                lab = LabPage(page, url, f"pan-{n_boxes}.ipynb")
                lab.run(0)
                page.wait_for_selector(".gg-stage", timeout=60_000)
                page.wait_for_timeout(2500)
                show(f"{n_boxes} boxes, idle", measure(page, lambda page=page: page.wait_for_timeout(2000)))
                show(f"{n_boxes} boxes, whole", measure(page, lambda page=page: page.evaluate(_DRAG, 3)))
                page.get_by_role("button", name="Whole picture").first.click()
                for _ in range(5):
                    page.get_by_role("button", name="Zoom in").click()
                page.wait_for_timeout(500)
                show(f"{n_boxes} boxes, 3 times", measure(page, lambda page=page: page.evaluate(_DRAG, 3)))
                page.close()


if __name__ == "__main__":
    main(sys.argv[1:])
