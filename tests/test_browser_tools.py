"""Functions that a model asks for, approved and refused by a person in a real JupyterLab. Screenshots: tests/artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import ARTIFACTS, NEEDS_BROWSER, LabPage, read_outputs, write_notebook

pytestmark = NEEDS_BROWSER


FUNCTIONS = '''
import time
ran = []

def search_orders(city: str, limit: int = 3) -> str:
    """Finds orders.

    Args:
        city: where they go to.
    """
    ran.append(("search_orders", city))
    return f"{limit} orders to <b>{city}</b>"

def plot_sales(n: int = 5):
    """Plots the sales of the last n days."""
    from matplotlib.figure import Figure
    ran.append(("plot_sales", n))
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot(range(n))
    return figure
'''


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    yield page
    page.close()


def buttons(page: Any) -> Any:
    """The question that is open, once it is there."""
    card = page.locator(".glm-approval").last
    card.wait_for(timeout=20_000)
    return card


def test_a_person_approves_refuses_and_allows_for_good(page: Any, lab_url: str, folder: Path) -> None:
    """Buttons work while the cell runs; a refusal's reason reaches the model; "always" asks no more; the file keeps words."""
    path = write_notebook(
        folder / "tools.ipynb",
        "%load_ext glm_magics",
        FUNCTIONS,
        '%%glm --tools search_orders\nPlease call search_orders with city "Oslo".',
        '%%glm --tools search_orders,plot_sales\nPlease call search_orders with city "Rome".',
        '%%glm 4.6v --tools search_orders,plot_sales\nPlease call plot_sales, then search_orders for city "Bonn".',
        "%%glm --tools plot_sales\nPlease call plot_sales.",
        "print(ran, [(one.state, one.is_error) for one in _glm.calls])",
    )
    lab = LabPage(page, lab_url, path.name)
    lab.run(0)
    lab.run(1)
    lab.run(2, wait=False)
    card = buttons(page)
    assert "search_orders" in card.inner_text()
    assert "Oslo" in card.inner_text()
    for theme in ("Light", "Dark"):
        lab.use_theme(f"JupyterLab {theme}")
        page.screenshot(path=ARTIFACTS / f"approval-{theme.lower()}.png")
    lab.use_theme("JupyterLab Light")
    card.get_by_role("button", name="Run", exact=True).click()
    lab.wait_done(2)
    assert "3 orders to" in lab.output_text(2)
    assert page.locator(".glm-approval").count() == 0

    lab.run(3, wait=False)
    card = buttons(page)
    card.locator("input").fill("Rome is closed")
    card.get_by_role("button", name="Refuse").click()
    lab.wait_done(3)
    assert "Rome is closed" in lab.output_text(3)

    lab.run(4, wait=False)
    buttons(page).get_by_role("button", name="Always").click()
    page.wait_for_function("() => document.querySelector('.glm-approval')?.innerText.includes('Bonn')", timeout=20_000)
    buttons(page).get_by_role("button", name="Run", exact=True).click()
    lab.wait_done(4)
    lab.run(5)  # allowed for good: nobody is asked
    lab.run(6)
    assert "[('search_orders', 'Oslo'), ('plot_sales', " in lab.output_text(6)
    assert "('search_orders', 'Rome')" not in lab.output_text(6)
    assert "[('always', False)]" in lab.output_text(6)
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    for theme in ("Light", "Dark"):
        lab.use_theme(f"JupyterLab {theme}")
        lab.cell(4).scroll_into_view_if_needed()
        page.wait_for_timeout(800)
        page.screenshot(path=ARTIFACTS / f"tools-{theme.lower()}.png")
    lab.save()
    outputs = read_outputs(path)[2]
    assert not any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)
    saved = "".join("".join(output.get("data", {}).get("text/markdown", "")) for output in outputs)
    assert "search_orders" in saved
    assert "<b>" not in saved


def test_stop_while_the_question_is_open_and_hostile_arguments(page: Any, lab_url: str, folder: Path) -> None:
    """■ ends the question and leaves a valid chat; a model's markup in the arguments is text on the page."""
    path = write_notebook(
        folder / "stopped.ipynb",
        "%load_ext glm_magics",
        FUNCTIONS,
        "%%glm -c work --tools search_orders\n"
        'Please call search_orders with city "<img src=x onerror=window.PWNED=1><script>window.PWNED=2</script>".',
        "import glm_magics as glm\nprint(ran, [m.role for m in glm.chats()['work'].turns[0].messages])",
    )
    lab = LabPage(page, lab_url, path.name)
    lab.run(0)
    lab.run(1)
    lab.run(2, wait=False)
    assert "<img src=x" in buttons(page).inner_text()
    lab.interrupt()
    lab.wait_done(2, timeout_s=15)
    assert "Stopped" in lab.output_text(2)
    assert page.locator(".glm-approval").count() == 0
    lab.run(3)
    assert "[] ['user', 'assistant', 'tool', 'assistant']" in lab.output_text(3)
    assert page.evaluate("() => window.PWNED") is None


def test_where_clicks_cannot_arrive_the_question_is_text(page: Any, lab_url: str, folder: Path) -> None:
    """As with a kernel without subshells: an input line below the call."""
    path = write_notebook(
        folder / "text.ipynb",
        "%load_ext glm_magics\nimport glm_magics.toolkits\nglm_magics.toolkits.has_subshells = lambda kernel: False",
        FUNCTIONS,
        '%%glm --tools search_orders\nPlease call search_orders with city "Oslo".',
        "print(ran)",
    )
    lab = LabPage(page, lab_url, path.name)
    lab.run(0)
    lab.run(1)
    lab.run(2, wait=False)
    line = page.locator(".jp-Stdin-input")
    line.wait_for(timeout=20_000)
    line.fill("y")
    line.press("Enter")
    lab.wait_done(2)
    lab.cell(3).locator(".jp-InputPrompt").click()  # the input line had taken the selection
    lab.run(3)
    assert "[('search_orders', 'Oslo')]" in lab.output_text(3)
