"""A real JupyterLab in headless Chromium: what a person sees. Screenshots are kept in tests/artifacts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import ARTIFACTS, NEEDS_BROWSER, ROOT, LabPage, open_notebook_7, read_outputs, write_notebook

pytestmark = NEEDS_BROWSER


HOSTILE = """Hi <script>window.PWNED=1</script> <img src=x onerror="window.PWNED=2"> [click](javascript:window.PWNED=3)
<a href="javascript:window.PWNED=4">a</a> [enc](java&#115;cript:window.PWNED=5) <java&#9;script:window.PWNED=5> [ref]

[ref]: javascript:window.PWNED=6

- ```
  x
  ```
<script>window.PWNED=7</script>

$$
```
$$
<img src=x onerror="window.PWNED=8">
```

$\\href{javascript:window.PWNED=9}{mm}$ ![p](http://127.0.0.1:9/leak.png)
<iframe srcdoc="<script>parent.PWNED=10</script>"></iframe>
<svg onload="window.PWNED=11"> <details open ontoggle="window.PWNED=12">

> ```
> quoted
<script>window.PWNED=13</script>

```html
<div onclick="window.PWNED=14">code</div>
```

The last words.
"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    yield page
    page.close()


def test_tutorial_runs_cell_by_cell_and_text_grows(page: Any, lab_url: str, folder: Path) -> None:
    """Every cell of the tutorial runs through the UI, and an answer is seen growing while it streams."""
    shutil.copyfile(ROOT / "notebooks" / "01_first_light.ipynb", folder / "tutorial.ipynb")
    lab = LabPage(page, lab_url, "tutorial.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    sources = [
        cell["source"] for cell in json.loads((folder / "tutorial.ipynb").read_text())["cells"] if cell["cell_type"] == "code"
    ]
    first_chat = next(i for i, source in enumerate(sources) if "".join(source).startswith("%%glm"))
    for index in range(first_chat):
        lab.run_next(index)
    lab.run_next(first_chat, wait=False)
    lengths = lab.watch_growth(first_chat, "This is the")
    lab.wait_done(first_chat)
    assert len(set(lengths)) >= 4, lengths
    assert lengths == sorted(lengths)
    for index in range(first_chat + 1, len(sources)):
        lab.run_next(index)
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    for theme in ("Light", "Dark"):
        lab.use_theme(f"JupyterLab {theme}")
        lab.cell(first_chat).scroll_into_view_if_needed()
        page.wait_for_timeout(1000)  # cells out of sight are painted late
        page.screenshot(path=ARTIFACTS / f"tutorial-{theme.lower()}.png")
    lab.use_theme("JupyterLab Light")
    lab.save()
    assert any("text/markdown" in output.get("data", {}) for output in read_outputs(folder / "tutorial.ipynb")[first_chat])


def test_stop_button_keeps_what_came_and_stops_run_all(page: Any, lab_url: str, folder: Path) -> None:
    """■ in mid-stream: the text stays, marked, one line instead of a traceback, and the next cell does not run."""
    write_notebook(folder / "stop.ipynb", "%load_ext glm_magics", "%glm [[words:3000]] [[delay:0.05]]", "print('ran on')")
    lab = LabPage(page, lab_url, "stop.ipynb")
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function("() => document.querySelector('.jp-Notebook').innerText.includes('Round 1')", timeout=30_000)
    lab.interrupt()
    lab.wait_done(1, timeout_s=10)
    text = lab.output_text(1)
    assert "Round 1" in text
    assert "(stopped)" in text
    assert "Stopped. What had arrived is kept" in text
    assert "Traceback" not in text
    page.wait_for_timeout(500)
    assert lab.output_text(2) == ""
    page.screenshot(path=ARTIFACTS / "stopped.png")


def test_hostile_answer_runs_nothing(page: Any, lab_url: str, folder: Path) -> None:
    """Scripts, event handlers, javascript: links and remote pictures in an answer are shown as text, live and after reload."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    script = f"from glm_magics import current_session\ncurrent_session().sandbox.reply(text={HOSTILE!r}, thinking={HOSTILE!r})"
    write_notebook(
        folder / "hostile.ipynb", "%load_ext glm_magics\n%glm_connect sandbox", script, "%glm -o answer hello", "answer"
    )
    lab = LabPage(page, lab_url, "hostile.ipynb")
    for index in range(4):
        lab.run_next(index)
    page.wait_for_timeout(1000)
    for summary in page.locator(".jp-OutputArea summary").all():
        summary.click()
    for link in page.locator(".jp-OutputArea a").all():
        if (link.inner_text() or "").strip() not in ("", "¶"):
            link.click(no_wait_after=True)
    _assert_nothing_ran(page, requests)
    assert "The last words." in lab.output_text(2)
    assert '<div onclick="window.PWNED=14">code</div>' in lab.output_text(2)
    page.screenshot(path=ARTIFACTS / "hostile.png")
    lab.save()
    page.reload()
    page.wait_for_selector(".jp-OutputArea-output")
    page.wait_for_timeout(1000)
    _assert_nothing_ran(page, requests)


def _assert_nothing_ran(page: Any, requests: list[str]) -> None:
    assert page.evaluate("() => window.PWNED ?? null") is None
    assert not [url for url in requests if "leak.png" in url or url.endswith("/x")]
    handlers = "[onerror], [onload], [onclick], [ontoggle]"
    alive = f"script, iframe, svg:not([data-icon]):not([data-icon-id]), img, a[href^=javascript], {handlers}"
    found = page.evaluate(
        "selector => [...document.querySelectorAll('.jp-OutputArea-output')].flatMap(o => [...o.querySelectorAll(selector)])"
        ".filter(e => !e.closest('mjx-container')).map(e => e.outerHTML.slice(0, 200))",
        alive,
    )
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("'word ' * 400_000", id="2 MB of words"),
        pytest.param("'x' * 10_000_000", id="a line of 10 MB"),
        pytest.param("'<b' * 300_000", id="600 KB of tag openings"),
    ],
)
def test_huge_answer_leaves_the_page_alive(page: Any, lab_url: str, folder: Path, text: str) -> None:
    """The page shows the beginning and goes on working; the Reply holds everything."""
    script = f"from glm_magics import current_session\ntext = {text}\ncurrent_session().sandbox.reply(text=text)"
    write_notebook(folder / "huge.ipynb", "%load_ext glm_magics\n%glm_connect sandbox", script, "%glm hello", "_glm.text == text")
    lab = LabPage(page, lab_url, "huge.ipynb")
    for index in range(4):
        lab.run_next(index)
    assert "True" in lab.output_text(3)
    assert page.evaluate("() => 1 + 1") == 2


def test_notebook_7_shows_the_answer(page: Any, notebook_7_url: str, folder: Path) -> None:
    """The same cell in Notebook 7."""
    write_notebook(folder / "seven.ipynb", "%load_ext glm_magics", "%%glm\nhello there")
    open_notebook_7(page, notebook_7_url, "seven.ipynb")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".jp-OutputArea-output >> text=no language model", timeout=30_000)
    page.wait_for_selector(".jp-OutputArea-output small >> text=tokens", timeout=30_000)
    page.screenshot(path=ARTIFACTS / "notebook-7.png")


def test_saved_notebook_reads_without_a_kernel(page: Any, folder: Path) -> None:
    """The executed tutorial as an HTML page: answers, thinking and footer are there, no key, no widget, no error."""
    command = [sys.executable, "-m", "glm_magics", "demo", "--headless", "--folder", str(folder / "headless")]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stderr
    html = folder / "headless" / "01_first_light.executed.html"
    assert str(html) in finished.stdout
    page.goto(html.as_uri())
    body = page.inner_text("body")
    assert "no language model is behind" in body
    assert "tokens" in body
    assert "sandbox.key" not in html.read_text()
    page.screenshot(path=ARTIFACTS / "saved.png", full_page=True)


def test_a_preview_is_seen_before_anything_leaves(page: Any, lab_url: str, folder: Path) -> None:
    """A table of what would be sent, and one sheet with a thumbnail of every picture, in both themes."""
    write_notebook(
        folder / "preview.ipynb",
        "%load_ext glm_magics\nimport glm_magics as glm, pandas as pd\nfrom skimage import data",
        "df = pd.DataFrame({'城市': ['北京'], 'n': [2.5]})\nglm.preview('Where?', df, data.astronaut(), data.coffee())",
    )
    lab = LabPage(page, lab_url, "preview.ipynb")
    lab.run_next(0)
    lab.run_next(1)
    cell = lab.cell(1)
    assert cell.locator("table tbody tr").count() == 4
    assert "picture 512×512" in cell.locator("table").inner_text()
    assert cell.locator("img").evaluate("image => image.naturalWidth") > 600
    for theme in ("Light", "Dark"):
        lab.use_theme(f"JupyterLab {theme}")
        page.wait_for_timeout(1000)
        page.screenshot(path=ARTIFACTS / f"preview-{theme.lower()}.png")
    lab.use_theme("JupyterLab Light")
