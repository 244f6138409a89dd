"""Code in the next cell, in a real JupyterLab: what a person sees after ``--as code`` and ``%glm_fix``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import ARTIFACTS, NEEDS_BROWSER, LabPage, read_outputs, write_notebook

pytestmark = NEEDS_BROWSER

HOSTILE = "x = '</button><script>window.PWNED=1</script><img src=x onerror=\"window.PWNED=2\">'\nopen('ran', 'w')"
ANSWER = f"Here it is:\n\n```python\n{HOSTILE}\n```\n\nand a\n\n```bash\ntouch ran\n```\n"
CELLS = (
    "%load_ext glm_magics\n%env GLM_SANDBOX_DELAY_S=0\n%glm_connect sandbox\nimport glm_magics",
    f"glm_magics.current_session().sandbox.reply(text={ANSWER!r})",
    "%glm --as code write it",
    "api_key = 'hunter22'\nnumbers = [3, 1, 2]\ntotal = sum(numbers)\nprint('total:', totla)\nfor n in numbers:\n    print(n)",
    "%glm_fix -t off",
    "'the end'",
)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1200, "height": 1300})
    yield page
    page.close()


def sources(page: Any) -> list[str]:
    """What is in the cells, as the notebook's model has it."""
    cells: list[str] = page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.map(cell => cell.getSource())"
    )
    return cells


def wait_for_cells(page: Any, n: int) -> None:
    page.wait_for_function(
        "n => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.length === n", arg=n, timeout=20_000
    )


def test_code_and_a_mended_cell_appear_below_and_do_not_run(page: Any, lab_url: str, folder: Path) -> None:
    """Each in a new cell right below; the changes readable in both themes; nothing ran, nothing in an answer came alive."""
    write_notebook(folder / "code.ipynb", *CELLS)
    lab = LabPage(page, lab_url, "code.ipynb")
    for index in range(3):
        lab.run(index)
    wait_for_cells(page, 7)
    assert sources(page)[3] == HOSTILE
    assert "the code is in the next cell, not run" in lab.output_text(2)
    lab.run(4)
    lab.run(5)
    wait_for_cells(page, 8)
    assert sources(page)[6] == CELLS[3].replace("totla", "total")
    shown = lab.output_text(5)
    assert "-print('total:', totla)" in shown
    assert "+print('total:', total)" in shown
    assert "hunter22" not in shown
    assert not (folder / "ran").exists()
    assert lab.output_text(3) == lab.output_text(6) == ""
    for theme in ("Light", "Dark"):
        lab.use_theme(f"JupyterLab {theme}")
        lab.cell(6).scroll_into_view_if_needed()
        page.wait_for_timeout(800)
        page.screenshot(path=ARTIFACTS / f"fix-{theme.lower()}.png")
        lab.cell(2).scroll_into_view_if_needed()
        page.wait_for_timeout(800)
        page.screenshot(path=ARTIFACTS / f"as-code-{theme.lower()}.png")
    lab.use_theme("JupyterLab Light")
    assert page.evaluate("() => window.PWNED") is None
    lab.save()
    kinds = {mime for outputs in read_outputs(folder / "code.ipynb") for output in outputs for mime in output.get("data", {})}
    assert kinds == {"text/html", "text/markdown", "text/plain"}


def test_a_page_made_without_a_person_has_a_button_that_copies(browser: Any, folder: Path) -> None:
    """nbconvert runs the notebook and writes the page; the button gives the code to the clipboard as it is."""
    write_notebook(folder / "static.ipynb", *CELLS[:3])
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "--allow-errors", str(folder / "static.ipynb")]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env={**os.environ, "GLM_SANDBOX_DELAY_S": "0"})
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.route("https://**", lambda route: route.abort())
    page.goto((folder / "static.html").as_uri(), wait_until="domcontentloaded")
    page.get_by_role("button", name="Copy the code").click()
    page.get_by_role("button", name="Copied").wait_for(timeout=5000)
    assert page.evaluate("() => navigator.clipboard.readText()") == HOSTILE
    assert page.evaluate("() => window.PWNED") is None
    page.screenshot(path=ARTIFACTS / "copy-button.png")
    context.close()
