"""Maps of texts beside the libraries alone: the time to lay out, and the time between frames while a map is panned.

``python -m tests.benchmarks atlas [points …]``. The layout is compared with PaCMAP's own defaults on the same vectors, panning
with a bare jupyter-scatter of as many points. Headless Chromium draws in software here: a graphics card is much faster.
"""

from __future__ import annotations

import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from glm_magics.session import Session
from tests.benchmarks.bench_widget import measure, show
from tests.lab import LabPage, open_browser, run_server, write_notebook

DIMENSIONS = 1024
_ATLAS = """
import numpy as np, glm_magics as glm
from tests.benchmarks.bench_atlas import make_vectors
vectors = make_vectors({n})[:, :8].copy()
glm.connect("sandbox")
from glm_magics.cartography import keeping
keeping.project = lambda matrix, seed: np.clip(matrix[:, :2] * 1.2, -1, 1)
glm.atlas([f"text {i}" for i in range({n})], vectors, color=np.arange({n}) % 12)
"""
_ALONE = """
import numpy as np, pandas as pd, jscatter
from tests.benchmarks.bench_atlas import make_vectors
points = np.clip(make_vectors({n})[:, :2] * 1.2, -1, 1)
frame = pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "group": pd.Categorical(np.arange({n}) % 12)})
jscatter.Scatter(data=frame, x="x", y="y", color_by="group", size=3, height=520, axes=False).show()
"""

# Moves the mouse in the page, once a frame, so that the driver's own pace does not count.
_DRAG = """async (seconds) => { const div = [...document.querySelectorAll('div')].find((one) => one.api);
  const canvas = div.querySelector('canvas'), box = canvas.getBoundingClientRect();
  const at = (x, y, type, target) => target.dispatchEvent(new MouseEvent(type, {bubbles: true, view: window, button: 0,
    buttons: 1, clientX: box.left + x, clientY: box.top + y}));
  at(200, 200, 'mouseover', canvas); at(200, 200, 'mouseenter', canvas); at(200, 200, 'mousemove', canvas);
  at(200, 200, 'mousedown', canvas);
  const before = div.api.get('cameraTarget').slice(), start = performance.now(); let moved = 0;
  await new Promise(done => { const step = now => { const t = (now - start) / 1000;
    at(200 + 120 * Math.sin(3 * t), 200 + 80 * Math.sin(2 * t), 'mousemove', canvas);
    moved = Math.max(moved, Math.abs(div.api.get('cameraTarget')[0] - before[0]));
    t < seconds ? requestAnimationFrame(step) : done(); }; requestAnimationFrame(step); });
  at(200, 200, 'mouseup', canvas); return moved; }"""


def make_vectors(n: int) -> np.ndarray[Any, Any]:
    """Unit vectors around sixty centres, float32, shape (n, 1024)."""
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(60, DIMENSIONS)).astype(np.float32)
    vectors = centres[chance.integers(60, size=n)] + 1.5 * chance.standard_normal((n, DIMENSIONS), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _time(act: Any) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def lay_out(n: int) -> None:
    """Fresh and kept, beside PaCMAP alone."""
    from pacmap import PaCMAP

    from glm_magics.cartography.projection import project

    vectors, texts = make_vectors(n), [f"text {row}" for row in range(n)]
    project(vectors[:5000])  # PaCMAP compiles at its first use
    import_module("jscatter")
    with tempfile.TemporaryDirectory() as folder:
        session = Session(environment={"GLM_CACHE_DIR": folder})
        fresh = _time(lambda: session.corpus.atlas(texts, vectors, color=False))
        again = _time(lambda: session.corpus.atlas(texts, vectors, color=False))
        coloured = _time(lambda: session.corpus.atlas(texts, vectors))
        session.close()
    alone = _time(lambda: PaCMAP(random_state=0).fit_transform(vectors))
    print(
        f"{n:>7,} × {DIMENSIONS}: glm.atlas {fresh:.1f} s, PaCMAP alone {alone:.1f} s ({fresh / alone:.2f} ×); "
        f"again {again:.2f} s, again with clusters found and named {coloured:.1f} s",
        flush=True,
    )


def pan(browser: Any, url: str, folder: Path, name: str, source: str, n: int) -> None:
    """The time between frames, idle and dragged."""
    write_notebook(folder / f"{name}-{n}.ipynb", source.replace("{n}", str(n)))
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    lab = LabPage(page, url, f"{name}-{n}.ipynb")
    lab.run(0, timeout_s=240)
    page.wait_for_function("() => [...document.querySelectorAll('div')].some((one) => one.api)", timeout=120_000)
    page.wait_for_timeout(5000)
    show(f"{name} {n:,}, idle", measure(page, lambda: page.wait_for_timeout(2000)))
    moved: list[float] = []
    show(f"{name} {n:,}, panned", measure(page, lambda: moved.append(page.evaluate(_DRAG, 4))))
    if not moved[0]:
        print("  the map did not move: these numbers say nothing", flush=True)
    page.close()


def main(arguments: list[str]) -> None:
    counts = [int(argument) for argument in arguments] or [10_000, 100_000]
    for n in counts:
        lay_out(n)
    with tempfile.TemporaryDirectory() as name, open_browser() as browser:
        folder = Path(name)
        with run_server(folder) as url:
            for n in counts:
                pan(browser, url, folder, "glm.atlas", _ATLAS, n)
                pan(browser, url, folder, "jscatter alone", _ALONE, n)
