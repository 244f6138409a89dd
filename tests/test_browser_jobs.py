"""Background answers and comparisons in a real JupyterLab: what a person sees, and what the saved file holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import ARTIFACTS, NEEDS_BROWSER, LabPage, read_outputs, write_notebook

pytestmark = NEEDS_BROWSER


TICKS = "import time\nfor n in range(300):\n    time.sleep(0.1)\n    if n % 20 == 0:\n        print('tick', n, flush=True)"
RICH = (
    "## A list\\n\\n1. **first**\\n2. second with `code`\\n\\n```python\\nfor line in table:\\n    print(line.strip(), sep=str())"
    "\\n```\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n\\nA closing paragraph that is somewhat longer than the column is wide."
)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1300, "height": 1100})
    yield page
    page.close()


def saved_text(outputs: list[dict[str, Any]]) -> str:
    return "".join("".join(output.get("data", {}).get("text/markdown", output.get("text", ""))) for output in outputs)


def test_background_cells_stream_while_another_runs(page: Any, lab_url: str, folder: Path) -> None:
    """Both grow while a third cell prints; ■ there stops that alone; each text is in its own cell, in the file too."""
    write_notebook(
        folder / "jobs.ipynb",
        "%load_ext glm_magics",
        "%%glm --into a &\n[[words:100]] [[delay:0.06]] alpha",
        "%%glm --into b &\n[[words:100]] [[delay:0.06]] beta",
        TICKS,
        "%glm_jobs",
        "(await a).text[-20:], b.wait().is_running",
    )
    lab = LabPage(page, lab_url, "jobs.ipynb")
    for index in range(3):
        lab.run(index)
    lab.run(3, wait=False)
    lengths = {index: lab.watch_growth(index, "quick brown", n_looks=8, every_ms=250) for index in (1, 2)}
    assert "tick" in lab.output_text(3)
    for index, seen in lengths.items():
        assert len(set(seen)) >= 3, (index, seen)
    lab.interrupt()
    lab.wait_done(3, timeout_s=10)
    assert "KeyboardInterrupt" in lab.output_text(3)
    lab.run(4)
    assert "answering" in lab.output_text(4)
    lab.run(5, timeout_s=90)
    assert "False" in lab.output_text(5)
    page.wait_for_timeout(700)
    texts = []
    for index in range(6):
        lab.cell(index).scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        texts.append(lab.output_text(index))
    for index in (1, 2):
        assert "thinking +" in texts[index]
        assert "tick" not in texts[index]
        assert "Error" not in texts[index]
    assert "quick brown" not in texts[3]
    _shoot(lab, 1, "jobs")
    lab.save()
    saved = read_outputs(folder / "jobs.ipynb")
    for index in (1, 2):
        (output,) = saved[index]
        assert output["output_type"] == "display_data"
        assert output["metadata"]["glm"]["ending"] == "complete"
        assert "thinking +" in saved_text([output])
        assert "…</small>" not in saved_text([output])
    assert "first token" not in saved_text(saved[3])


def test_models_side_by_side(page: Any, lab_url: str, folder: Path) -> None:
    """Three columns with lists, code and tables, legible in both themes; plain Markdown in the file."""
    script = f"box = __import__('glm_magics').current_session().sandbox\nbox.reply(text='{RICH}')\nbox.reply(text='{RICH}')\n"
    write_notebook(
        folder / "compare.ipynb",
        "%load_ext glm_magics\n%glm_connect",
        script,
        "%%glm -m glm-4.7,sandbox:glm-4.6,glm-4.5-air --into versus\nCompare. [[words:80]]",
        "versus.to_frame()[['model', 'answer_tokens']]",
        "versus",
    )
    lab = LabPage(page, lab_url, "compare.ipynb")
    for index in range(5):
        lab.run(index)
    cells = lab.cell(2).locator(".jp-OutputArea td[valign]")
    assert cells.count() == 3
    boxes = [cells.nth(n).bounding_box() for n in range(3)]
    assert len({round(box["y"]) for box in boxes}) == 1
    assert all(box["width"] > 250 for box in boxes)
    assert lab.cell(2).locator(".jp-OutputArea td ol").count() >= 1
    assert lab.cell(2).locator(".jp-OutputArea td pre").count() >= 1
    _shoot(lab, 2, "compare")
    lab.save()
    (output,) = read_outputs(folder / "compare.ipynb")[2]
    assert len(output["metadata"]["glm"]["comparison"]) == 3
    assert "<script" not in saved_text([output])


def _shoot(lab: LabPage, index: int, name: str) -> None:
    for theme in ("Light", "Dark"):
        lab.use_theme(f"JupyterLab {theme}")
        lab.cell(index).scroll_into_view_if_needed()
        lab.page.wait_for_timeout(1000)
        lab.page.screenshot(path=ARTIFACTS / f"{name}-{theme.lower()}.png")
    lab.use_theme("JupyterLab Light")
