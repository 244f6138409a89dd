"""The map of texts in a real JupyterLab: seen, hovered, searched, lassoed, and its selection read back in Python."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.lab import ARTIFACTS, NEEDS_BROWSER, LabPage, busy_until, open_notebook_7, read_outputs, write_notebook

pytestmark = NEEDS_BROWSER

PATIENCE_MS = 90_000

SETUP = """
import pandas as pd, time
import glm_magics as glm
glm.connect("sandbox")
pets = [f"the {who} {does} on the {where}" for who in ("cat", "dog", "hen") for does in ("sat", "slept", "sang", "ran") for where in ("mat", "bed", "sofa", "rug", "lawn")]
money = [f"interest rates {went} {how} in {month}" for went in ("rose", "fell", "paused") for how in ("fast", "again") for month in ("March", "April", "May", "June", "July", "August", "autumn")]
evil = ["<img src=x onerror=window.PWNED=1><script>window.PWNED=2</script> the cat sat on the mat"]
data = pd.DataFrame({"text": [*pets, *money, *evil], "topic": ["pets"] * 60 + ["money"] * 42 + ["<b onclick=window.PWNED=3>pets</b>"]})
"""  # noqa: E501
MAP = "atlas = glm.atlas(data, color='topic', hover=['topic'])\natlas"
PLACES = "print(atlas.points[:60].mean(axis=0).tolist(), atlas.points[60:102].mean(axis=0).tolist())"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1300, "height": 1000}, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


class Map:
    """The view of the map on a page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.wait_for_selector(".ga-map[data-ready=true]")
        self.root = page.locator(".glm-atlas")
        self.node = self.root.locator(".ga-map")
        self.node.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)

    def place(self, point: int) -> tuple[float, float]:
        """Where a point is on the page."""
        found = self.page.evaluate(
            """n => { const map = document.querySelector('.ga-map'), box = map.getBoundingClientRect();
                      const api = [...map.querySelectorAll('div')].find((div) => div.api).api;
                      const [x, y] = api.getScreenPosition(n); return [box.left + x, box.top + y]; }""",
            point,
        )
        return found[0], found[1]

    def lasso(self, centre: tuple[float, float], radius: float) -> None:
        """A circle drawn by the mouse."""
        self.root.get_by_role("button", name="Select with a lasso").click()
        for step in range(33):
            angle = 2 * math.pi * step / 32
            self.page.mouse.move(centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))
            if not step:
                self.page.mouse.down()
            self.page.wait_for_timeout(25)
        self.page.mouse.up()

    def ground(self) -> tuple[int, int, int]:
        """The colour of the map's corner as the screen shows it."""
        box = self.node.bounding_box()
        shot = ARTIFACTS / "atlas-corner.png"
        self.page.screenshot(path=shot, clip={"x": box["x"] + 3, "y": box["y"] + 3, "width": 4, "height": 4})
        red, green, blue = np.asarray(Image.open(shot).convert("RGB")).reshape(-1, 3).mean(axis=0)
        return int(red), int(green), int(blue)


def printed(lab: LabPage, index: int) -> str:
    """What a cell prints when it is run now, with the focus taken out of the widget."""
    lab.cell(index).locator(".jp-InputPrompt").click()
    lab.run(index)
    lab.page.wait_for_timeout(300)
    return lab.output_text(index)


def test_the_map_from_hover_to_selection(page: Any, lab_url: str, folder: Path) -> None:
    """Hover shows the text, search rings the nearest, the lasso's rows are read back; light, dark, and saved without a kernel."""
    code = "rows = atlas.selection(); print(sorted(set(rows.topic)), len(rows), atlas.selected.tolist())"
    write_notebook(folder / "map.ipynb", SETUP, MAP, PLACES, code)
    lab = LabPage(page, lab_url, "map.ipynb")
    lab.run(0)
    lab.run(1, timeout_s=240)
    view = Map(page)
    assert view.root.locator(".ga-name", has_text="money").evaluate("sign => sign.style.visibility") == "visible"
    assert "A map of 103 texts, coloured by topic: pets (60); money (42)" in view.node.get_attribute("aria-label")
    page.screenshot(path=ARTIFACTS / "atlas-light.png")
    assert min(view.ground()) > 240

    # hover: foreign text as text
    page.mouse.move(*view.place(102))
    card = view.root.locator(".ga-card")
    card.wait_for()
    assert card.locator("p").inner_text().startswith(("<img src=x", "the "))
    assert page.evaluate("() => window.PWNED ?? null") is None
    page.screenshot(path=ARTIFACTS / "atlas-hover.png")

    # search as you type
    view.root.get_by_label("Search by meaning").press_sequentially("interest rates in June", delay=40)
    first = view.root.locator(".ga-hit").first
    first.wait_for()
    page.wait_for_function("() => document.querySelector('.ga-hit .ga-text').textContent.includes('June')")
    assert "50 nearest" in view.root.locator(".ga-state").inner_text()
    page.screenshot(path=ARTIFACTS / "atlas-search.png")
    view.root.get_by_role("button", name="Select these").click()
    view.root.locator(".ga-chosen:has-text('50 selected')").wait_for()
    assert "50 [" in printed(lab, 3)
    view.root.get_by_role("button", name="Select nothing").click()
    view.root.get_by_label("Search by meaning").fill("")
    view.root.locator(".ga-legend").wait_for()

    # lasso
    lab.use_theme("JupyterLab Dark")
    assert max(view.ground()) < 60
    page.screenshot(path=ARTIFACTS / "atlas-dark.png")
    lab.cell(2).locator(".jp-InputPrompt").click()
    view.node.scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    places = [view.place(point) for point in range(60, 102)]
    centre = sum(x for x, _ in places) / 42, sum(y for _, y in places) / 42
    view.lasso(centre, max(math.dist(centre, place) for place in places) + 12)
    view.root.locator(".ga-chosen:has-text('selected')").wait_for()
    page.wait_for_timeout(800)
    page.screenshot(path=ARTIFACTS / "atlas-lasso-dark.png")
    text = printed(lab, 3)
    assert "money" in text
    assert set(range(60, 102)) <= set(ast.literal_eval(text[text.rindex("[") :]))

    # the legend selects a group, by keyboard
    view.root.locator(".ga-group", has_text="pets").first.focus()
    page.keyboard.press("Enter")
    view.root.locator(".ga-chosen:has-text('60 selected')").wait_for()
    assert "['pets'] 60" in printed(lab, 3)
    _check_saved(page, lab, lab_url, folder)


def _check_saved(page: Any, lab: LabPage, lab_url: str, folder: Path) -> None:
    picture = page.locator(".jp-OutputArea-output.jp-RenderedImage img")
    assert picture.count() == 1
    assert not picture.is_visible()
    lab.save()
    still, view = [output for output in read_outputs(folder / "map.ipynb")[1] if "display_data" in output["output_type"]][-2:]
    assert {"image/png", "text/plain"} == set(still["data"])
    assert "application/vnd.jupyter.widget-view+json" in view["data"]
    page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:shutdown'); }")
    page.wait_for_timeout(2000)
    page.goto("about:blank")
    page.goto(f"{lab_url}lab/tree/map.ipynb?reset", wait_until="domcontentloaded")
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") == 1080
    page.wait_for_timeout(1000)
    page.screenshot(path=ARTIFACTS / "atlas-reopened-dark.png")
    for theme in ("light", "dark"):
        command = [sys.executable, "-m", "nbconvert", "--to", "html", "--theme", theme, str(folder / "map.ipynb")]
        subprocess.run([*command, "--output", f"map-{theme}"], check=True, capture_output=True, timeout=300)
        page.goto((folder / f"map-{theme}.html").as_uri(), wait_until="domcontentloaded")
        page.locator(".jp-RenderedImage img").wait_for()
        page.screenshot(path=ARTIFACTS / f"atlas-html-{theme}.png")


def test_keys_errors_and_a_busy_kernel(page: Any, lab_url: str, folder: Path) -> None:
    """Keys move and zoom; an error is a sentence in the widget; search and hover go on while a cell runs; two views at once."""
    broken = "def fail(text):\n    raise glm.GLMError('Nobody answers.', 'Try again later.')\n"
    broken += "object.__setattr__(atlas._sheet, 'find', fail)"
    write_notebook(folder / "keys.ipynb", SETUP, MAP, busy_until("keys-over"), broken, "atlas")
    lab = LabPage(page, lab_url, "keys.ipynb")
    lab.run(0)
    lab.run(1, timeout_s=240)
    view = Map(page)
    view.node.focus()
    before = view.place(0), view.place(60)
    page.keyboard.press("+")
    page.wait_for_timeout(600)
    zoomed = view.place(0), view.place(60)
    assert math.dist(*zoomed) == pytest.approx(1.35 * math.dist(*before), rel=0.02)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)
    assert view.place(0)[0] < zoomed[0][0] - 20
    page.keyboard.press("0")
    page.wait_for_timeout(600)
    assert view.place(0) == pytest.approx(before[0], abs=1)
    page.keyboard.press("l")
    assert view.root.get_by_role("button", name="Select with a lasso").get_attribute("aria-pressed") == "true"

    lab.cell(2).locator(".jp-InputPrompt").click()
    lab.run(2, wait=False)
    view.root.get_by_label("Search by meaning").fill("the dog on the sofa")
    view.root.locator(".ga-hit").first.wait_for()
    page.mouse.move(*view.place(10))
    view.root.locator(".ga-card:has-text('the cat')").wait_for()
    assert "[*]" in lab.cell(2).locator(".jp-InputPrompt").inner_text()
    (folder / "keys-over").touch()
    lab.wait_done(2)

    lab.run(3)
    view.root.get_by_label("Search by meaning").fill("another")
    view.root.locator(".ga-state:has-text('Nobody answers. Try again later.')").wait_for()
    page.screenshot(path=ARTIFACTS / "atlas-error.png")

    lab.run(4)
    second = page.locator(".glm-atlas").nth(1)
    second.locator(".ga-map[data-ready=true]").wait_for()
    second.locator(".ga-group", has_text="money").click()
    page.locator(".glm-atlas").nth(0).locator(".ga-chosen:has-text('42 selected')").wait_for()
    second.locator(".ga-chosen:has-text('42 selected')").wait_for()


def test_in_notebook_7(page: Any, notebook_7_url: str, folder: Path) -> None:
    """The same map: drawn, hovered, searched, lassoed."""
    write_notebook(folder / "seven.ipynb", SETUP, MAP)
    open_notebook_7(page, notebook_7_url, "seven.ipynb")
    page.keyboard.press("Shift+Enter")
    page.wait_for_timeout(1500)
    page.keyboard.press("Shift+Enter")
    view = Map(page)
    page.mouse.move(*view.place(10))
    view.root.locator(".ga-card:has-text('the cat')").wait_for()
    view.root.get_by_label("Search by meaning").fill("interest rates in June")
    view.root.locator(".ga-hit:has-text('June')").first.wait_for()
    page.screenshot(path=ARTIFACTS / "atlas-notebook-7.png")
    places = [view.place(point) for point in range(60, 102)]
    centre = sum(x for x, _ in places) / 42, sum(y for _, y in places) / 42
    view.lasso(centre, max(math.dist(centre, place) for place in places) + 12)
    view.root.locator(".ga-chosen:has-text('42 selected')").wait_for()
