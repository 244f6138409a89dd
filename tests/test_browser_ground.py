"""The grounding widget in a real JupyterLab, Notebook 7 and HTML page: driven by its own buttons, judged by what Python sees."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import ARTIFACTS, NEEDS_BROWSER, LabPage, busy_until, open_notebook_7, printed, read_outputs, write_notebook

pytestmark = NEEDS_BROWSER

PATIENCE_MS = 60_000

ANSWER = (
    'Two things are here: [{"label": "cup", "bbox_2d": [150, 60, 800, 880]}, {"label": "spoon", "bbox_2d": [520, 480, 700, 740]}]'
)
OTHERS = 'There: [{"label": "handle", "bbox_2d": [330, 560, 480, 750]}, {"label": "rim", "bbox_2d": [280, 50, 690, 400]}]'
SETUP = f"""
from PIL import Image
from skimage import data
from tests.asking import ScriptedAsker
from glm_magics.groundings import Grounding
asker = ScriptedAsker({ANSWER!r}, thinking="A cup, and what lies beside it.", delay_s=0.02)
grounding = Grounding(Image.fromarray(data.coffee()), asker)
"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1300, "height": 1100})
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


class Widget:
    """One view of the widget on a page."""

    def __init__(self, page: Any, nth: int = 0) -> None:
        self.page = page
        self.root = page.locator(".glm-ground").nth(nth)
        self.root.wait_for()
        self.stage = self.root.locator(".gg-stage")
        page.wait_for_function("n => document.querySelectorAll('.gg-stage')[n].clientHeight > 100", arg=nth)
        page.wait_for_timeout(500)  # the picture is decoded, and the first layout has settled

    def ask(self, text: str) -> None:
        self.root.get_by_label("Question").fill(text)
        self.root.get_by_role("button", name="Ask", exact=True).click()

    def wait_for_boxes(self, n: int) -> None:
        self.root.locator(f"h4:text-is('Boxes ({n})')").wait_for()

    def wait_for_end(self) -> None:
        self.root.get_by_role("button", name="Ask", exact=True).wait_for()

    def message(self) -> str:
        return str(self.root.locator(".gg-message").inner_text())

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """From one place to another, both as shares of the stage."""
        box = self.stage.bounding_box()
        self.page.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
        self.page.mouse.down()
        for step in (0.3, 0.7, 1.0):
            x, y = (start[axis] + (end[axis] - start[axis]) * step for axis in (0, 1))
            self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        self.page.mouse.up()


def test_the_widget_from_question_to_export(page: Any, lab_url: str, folder: Path) -> None:
    """Ask, hover, draw, resize by keys, undo, ask about a region, export; and Python sees each of it."""
    write_notebook(
        folder / "whole.ipynb",
        SETUP + f"asker.answers = ({ANSWER!r}, {OTHERS!r})",
        "grounding",
        "print(len(grounding.boxes), [b.label for b in grounding.boxes], grounding.answer[:10], grounding.reply.thinking[:5])",
        "print([round(v) for v in grounding.boxes[2].xyxy], grounding.selected == grounding.boxes[2])",
        "print([round(v) for v in grounding.boxes[2].xyxy])",
        "q = asker.questions[-1]; print(q.text, q.region_form, q.region == grounding.boxes[2], q.region.thousandths)",
        "print(grounding.to_frame().label.tolist())",
    )
    lab = LabPage(page, lab_url, "whole.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.ask("the cup and the spoon")
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    assert printed(lab, 2).strip() == "2 ['cup', 'spoon'] Two things A cup"
    page.screenshot(path=ARTIFACTS / "ground-light.png")

    widget.root.locator("mark").nth(1).hover()
    assert widget.root.locator("tr.gg-lit .gg-label").input_value() == "spoon"
    widget.root.locator("tr .gg-number").nth(0).hover()
    assert "gg-lit" in widget.root.locator("mark").nth(0).get_attribute("class")
    widget.stage.hover(position={"x": 330, "y": 230})
    assert widget.root.locator("tr.gg-lit").count() == 1

    widget.root.get_by_role("button", name="Draw a box (D)").click()
    widget.drag((0.1, 0.1), (0.3, 0.4))
    widget.wait_for_boxes(3)
    page.wait_for_timeout(300)
    numbers, is_selected = printed(lab, 3).strip().rsplit(" ", 1)
    assert is_selected == "True"
    drawn = json.loads(numbers)
    assert 0 < drawn[0] < drawn[2] < 300
    assert 0 < drawn[1] < drawn[3] < 300

    widget.stage.focus()
    for _ in range(5):
        page.keyboard.press("Alt+Shift+ArrowRight")
    page.keyboard.press("Alt+ArrowDown")
    page.wait_for_timeout(500)
    assert json.loads(printed(lab, 4)) == [drawn[0], drawn[1], drawn[2] + 50, drawn[3] + 1]
    widget.stage.focus()
    page.keyboard.press("Control+z")
    page.wait_for_timeout(500)
    assert json.loads(printed(lab, 4)) == drawn

    widget.root.locator("tr .gg-number").nth(2).click()
    widget.root.get_by_role("button", name="Ask about").click()
    widget.ask("what is this?")
    widget.wait_for_boxes(5)
    widget.wait_for_end()
    assert printed(lab, 5).startswith("what is this? both True")

    widget.root.get_by_label("Format").select_option("coco")
    with page.expect_download() as download:
        widget.root.get_by_role("button", name="Download").click()
    coco = json.loads(Path(download.value.path()).read_text())
    assert len(coco["annotations"]) == 5
    widget.root.get_by_label("Label of box 3").fill("wood")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert "['cup', 'spoon', 'wood', 'handle', 'rim']" in printed(lab, 6)
    lab.use_theme("JupyterLab Dark")
    widget.root.locator("tr .gg-number").nth(1).click()
    widget.stage.scroll_into_view_if_needed()
    page.screenshot(path=ARTIFACTS / "ground-dark.png")
    lab.use_theme("JupyterLab Light")


def test_hands_and_keys(page: Any, lab_url: str, folder: Path) -> None:
    """Wheel, keys, move, duplicate, delete, redo, hide, filter; the notebook's own shortcuts stay out, and Tab leaves."""
    write_notebook(folder / "hands.ipynb", SETUP, "grounding.ask('all')\ngrounding", "print(len(grounding.boxes))", "1 + 1")
    lab = LabPage(page, lab_url, "hands.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    percent = widget.root.locator(".gg-percent")
    widget.stage.hover()
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(200)
    assert int(percent.inner_text().split()[0]) > 120
    widget.stage.focus()
    page.keyboard.press("0")
    assert percent.inner_text() == "100 %"
    page.keyboard.press("+")
    assert percent.inner_text() == "125 %"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    page.keyboard.press("n")
    live = widget.root.locator("[aria-live]")
    assert "box 1: cup, 15 % from left" in live.inner_text()
    page.keyboard.press("c")
    widget.wait_for_boxes(3)
    page.keyboard.press("Delete")
    widget.wait_for_boxes(2)
    page.keyboard.press("Control+z")
    widget.wait_for_boxes(3)
    page.keyboard.press("Control+z")
    widget.wait_for_boxes(2)
    page.keyboard.press("Control+Shift+z")
    widget.wait_for_boxes(3)
    page.keyboard.press("h")
    assert "All boxes are hidden." in widget.root.locator(".gg-empty").inner_text()
    page.keyboard.press("h")
    lab.cell(3).locator(".jp-InputPrompt").click()  # the notebook takes commands from here on
    widget.stage.focus()
    for key in "xxzz":  # in the notebook: cut, undo
        page.keyboard.press(key)
    page.keyboard.press("v")
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 4
    widget.root.get_by_label("Show boxes with this label").select_option("=spoon")
    widget.root.locator("h4:text-is('Boxes (1 of 3)')").wait_for()
    assert printed(lab, 2).strip() == "3"
    widget.stage.focus()
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        inside = page.evaluate(
            "() => document.activeElement.closest('.glm-ground') && document.activeElement.outerHTML.slice(0, 300)"
        )
        if not inside:
            break
        assert inside not in seen
        seen.add(inside)
    assert not inside
    assert len(seen) > 10


def test_the_widget_and_the_kernel_do_not_wait_for_each_other(page: Any, lab_url: str, folder: Path) -> None:
    """Asked while a cell runs, the widget answers while it runs: JupyterLab and ipykernel 7 have subshells for it."""
    write_notebook(
        folder / "busy.ipynb",
        SETUP,
        "grounding",
        f"began = len(grounding.boxes)\n{busy_until('busy-over')}\nprint(began, len(grounding.boxes))",
        "print([b.label for b in grounding.boxes], len(asker.questions))",
    )
    lab = LabPage(page, lab_url, "busy.ipynb")
    for index in (0, 1):
        lab.run(index)
    widget = Widget(page)
    page.wait_for_timeout(2000)  # the page and the kernel agree on a subshell
    lab.cell(2).locator(".jp-InputPrompt").click()
    lab.run(2, wait=False)
    widget.ask("all")
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    widget.root.get_by_label("Label of box 1").fill("mug")
    page.keyboard.press("Enter")
    widget.ask("again")
    widget.wait_for_boxes(3)
    assert "[*]" in lab.cell(2).locator(".jp-InputPrompt").inner_text()
    (folder / "busy-over").touch()
    lab.wait_done(2)
    assert lab.output_text(2).strip() == "0 3"
    widget.wait_for_end()
    assert printed(lab, 3).strip() == "['mug', 'spoon', 'cup'] 2"


def test_edits_wait_for_a_busy_kernel(page: Any, lab_url: str, folder: Path) -> None:
    """Without subshells the page shows changes at once and Python has them after the cell; a sentence says what it waits for."""
    code = f"grounding.ask('all').wait()\n{busy_until('late-over')}"
    write_notebook(folder / "late.ipynb", SETUP, "grounding", code, "print([b.label for b in grounding.boxes])")
    lab = LabPage(page, lab_url, "late.ipynb")
    page.evaluate("() => { window.jupyterapp.serviceManager.kernels.commsOverSubshells = 'disabled'; }")
    for index in (0, 1):
        lab.run(index)
    widget = Widget(page)
    lab.cell(2).locator(".jp-InputPrompt").click()
    lab.run(2, wait=False)
    widget.wait_for_boxes(2)
    widget.root.get_by_label("Label of box 2").fill("ladle")
    page.keyboard.press("Enter")
    widget.stage.focus()
    page.keyboard.press("b")
    widget.wait_for_boxes(3)
    widget.root.locator(".gg-message:has-text('busy, or gone')").wait_for()
    (folder / "late-over").touch()
    lab.wait_done(2)
    widget.root.locator("tr.gg-selected .gg-number:text-is('3')").wait_for()
    assert widget.message() == ""
    assert printed(lab, 3).strip() == "['cup', 'ladle', '']"


def test_stop_failures_history_and_copies(page: Any, lab_url: str, folder: Path) -> None:
    """A long answer is stopped, a failing one says why; earlier questions come back with their boxes; a copy can be pasted."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answers = (
        f"asker.answers = ({ANSWER + ' and so on' * 500!r}, {ANSWER[:70] + '!The model went offline. Ask again.'!r}, {ANSWER!r})"
    )
    write_notebook(folder / "history.ipynb", SETUP + answers, "grounding", "print(len(grounding.boxes))")
    lab = LabPage(page, lab_url, "history.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.ask("first")
    widget.wait_for_boxes(2)
    widget.root.get_by_role("button", name="Stop").click()
    widget.wait_for_end()
    assert "(stopped)" in widget.root.locator(".gg-ending").inner_text()
    widget.root.get_by_label("Earlier boxes").select_option("replace")
    widget.ask("second")
    widget.root.locator(".gg-message:has-text('The model went offline. Ask again.')").wait_for()
    widget.wait_for_boxes(1)
    widget.wait_for_end()
    widget.ask("third")
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    widget.root.locator("summary:has-text('History (3)')").click()
    first = widget.root.locator(".gg-history li").first
    assert "stopped, 2 boxes" in first.inner_text()
    first.get_by_role("checkbox").click()
    widget.wait_for_boxes(4)
    first.get_by_role("button", name="first").click()
    assert "and so on" in widget.root.locator(".gg-answer").inner_text()
    assert printed(lab, 2).strip() == "4"
    widget.root.get_by_label("Format").select_option("csv")
    widget.root.get_by_role("button", name="Copy").click()
    page.wait_for_function(  # a line for each of four boxes, below the names of the columns
        """async () => { const text = await navigator.clipboard.readText();
                         return text.includes('spoon') && text.split('\\n').length >= 5; }""",
        timeout=60_000,
    )
    page.screenshot(path=ARTIFACTS / "ground-history.png")


def test_enter_undo_and_numbers_in_fields(page: Any, lab_url: str, folder: Path) -> None:
    """Enter asks and applies, but not while an input method composes; a box keeps its size; undo is there in all the widget."""
    write_notebook(folder / "fields.ipynb", SETUP, "grounding", "print(len(asker.questions))")
    lab = LabPage(page, lab_url, "fields.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    question = widget.root.get_by_label("Question")
    question.click()
    page.keyboard.type("the spoon")
    question.evaluate("f => f.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))")
    page.wait_for_timeout(500)
    assert widget.root.locator("tbody tr").count() == 0
    page.keyboard.press("Enter")
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    assert printed(lab, 2).strip() == "1"

    place = widget.root.locator("tbody tr").nth(1).locator(".gg-where")
    widget.root.locator("tr .gg-number").nth(1).click()
    x = widget.root.get_by_label("x in pixels")
    for typed, shown in (("100", "100, 192 · 108×104"), ("590", "492, 192 · 108×104")):
        x.fill(typed)
        page.keyboard.press("Enter")
        place.filter(has_text=shown).wait_for()
    widget.root.get_by_label("width in pixels").fill("300")
    page.keyboard.press("Tab")
    page.wait_for_timeout(300)
    assert place.inner_text() == "492, 192 · 108×104"
    x.focus()
    page.keyboard.press("Control+z")
    place.filter(has_text="100, 192 · 108×104").wait_for()
    assert x.input_value() == "100"

    question.click()
    page.keyboard.type(" and more")
    page.keyboard.press("Control+z")
    page.wait_for_timeout(500)
    assert place.inner_text() == "100, 192 · 108×104"
    widget.root.locator("tr .gg-away").nth(1).focus()
    page.keyboard.press("Enter")
    widget.wait_for_boxes(1)
    assert "Ctrl Z brings it back" in widget.root.locator("[aria-live]").inner_text()
    page.keyboard.press("Control+z")
    widget.wait_for_boxes(2)
    widget.root.locator("[aria-live]").filter(has_text="Undone. box 2: spoon").wait_for(state="attached")
    widget.stage.focus()
    page.keyboard.press("b")
    widget.wait_for_boxes(3)
    widget.root.locator(".gg-history summary:text-is('History (2)')").wait_for()
    page.keyboard.press("Control+z")
    widget.wait_for_boxes(2)
    widget.root.locator(".gg-history summary:text-is('History (1)')").wait_for()


def test_nothing_is_done_to_what_is_not_seen(page: Any, lab_url: str, folder: Path) -> None:
    """Hidden, filtered out, on another picture: no key reaches it; undo and new boxes make visible what they change."""
    code = "several = Grounding([Image.fromarray(data.coffee()), Image.fromarray(data.chelsea())], asker)\nseveral"
    answers = f"\nasker.answers = ({ANSWER!r}, {OTHERS!r}, {ANSWER!r})\nasker.delay_s = 0\n"
    write_notebook(folder / "unseen.ipynb", SETUP + answers, code, "print([b.label for b in several.boxes])")
    lab = LabPage(page, lab_url, "unseen.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    live = widget.root.locator("[aria-live]")
    widget.ask("all")
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    widget.stage.focus()
    for key in "nb":
        page.keyboard.press(key)
    widget.wait_for_boxes(3)
    labels = widget.root.get_by_label("Show boxes with this label")
    veils = [(lambda: page.keyboard.press("h"),) * 2, (lambda: page.keyboard.press("]"), lambda: page.keyboard.press("["))]
    veils.append((lambda: labels.select_option("=cup"), lambda: labels.select_option("*")))
    for hide, show in veils:
        hide()
        widget.stage.focus()
        for key in ("Delete", "c", "Enter", "a", "m"):
            page.keyboard.press(key)
            assert "The selected box is not shown." in live.inner_text(), key
        assert "not shown" in widget.root.locator(".gg-chosen-name").inner_text()
        show()
        widget.stage.focus()
        widget.wait_for_boxes(3)
    assert printed(lab, 2).strip() == "['cup', 'spoon', '']"

    widget.stage.focus()
    page.keyboard.press("h")
    page.keyboard.press("Control+z")  # the box drawn by hand goes, and all see it
    widget.wait_for_boxes(2)
    page.keyboard.press("]")
    page.keyboard.press("Control+y")
    widget.root.locator("h4:text-is('Boxes (3)')").wait_for()
    assert widget.root.locator(".gg-chosen-name").inner_text() == "box 3"
    labels.select_option("=cup")
    widget.ask("others")
    widget.wait_for_boxes(5)
    widget.wait_for_end()

    widget.root.get_by_label("Earlier boxes").select_option("replace")
    widget.ask("anew")
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    widget.stage.focus()
    page.keyboard.press("Control+z")
    widget.wait_for_boxes(5)
    widget.root.locator("summary:has-text('History')").click()
    boxes = widget.root.locator(".gg-history input")
    assert [box.is_checked() for box in boxes.all()] == [True, True, True, False]
    assert all(box.bounding_box()["width"] >= 24 <= box.bounding_box()["height"] for box in boxes.all())
    boxes.first.click()
    widget.wait_for_boxes(3)
    page.keyboard.press("Control+z")
    widget.wait_for_boxes(5)


_SPY = """() => { window.TEXTS = []; window.SPOTS = [];
  const proto = CanvasRenderingContext2D.prototype, {fillText, drawImage} = proto;
  proto.fillText = function (...all) { window.TEXTS.push([all[0], all.length]); return fillText.apply(this, all); };
  proto.drawImage = function (...all) {
    if (all[0].height === 16) window.SPOTS.push(`${all[1]},${all[2]}`); return drawImage.apply(this, all); }; }"""


def test_answers_read_well_and_labels_are_whole(page: Any, lab_url: str, folder: Path) -> None:
    """Number and colour of a box beside its words, which nobody copies; Markdown without its signs; long labels cut; a heap of
    boxes with a number each.
    """
    json_text = '[{"label": "杯子", "bbox_2d": [150, 60, 800, 880]}]'
    answer = f"# Found\n**Two** 🦙 `things`:\n```json\n{json_text}\n```\n<b>and</b> no more"
    setup = SETUP + f"asker.answers, asker.delay_s = ({answer!r},), 0\nfrom glm_magics.geometry import Box\n"
    heap = "heap = [Box((0, 0, 1, 1), 600, 400, f'b{n}') for n in range(39)] + [Box((0, 0, 1, 1), 600, 400, '很长的标签' * 9)]\n"
    heap += "Grounding(Image.fromarray(data.coffee()), None, heap)"
    write_notebook(folder / "words.ipynb", setup, "grounding.ask('all')\ngrounding", heap)
    lab = LabPage(page, lab_url, "words.ipynb")
    page.evaluate(_SPY)
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.wait_for_boxes(1)
    widget.wait_for_end()
    words = widget.root.locator(".gg-answer")
    shown = f"Found Two 🦙 things: {json_text} <b>and</b> no more"
    assert " ".join(words.inner_text().split()) == shown
    mark = words.locator("mark")
    assert mark.inner_text() == "[150, 60, 800, 880]"
    number = mark.evaluate("m => { const s = getComputedStyle(m, '::before'); return [s.content, s.backgroundColor]; }")
    row = widget.root.locator(".gg-number").evaluate('b => [`"${b.textContent}"`, getComputedStyle(b).backgroundColor]')
    assert number == row
    page.screenshot(path=ARTIFACTS / "ground-words.png")
    lab.run(2)
    other = Widget(page, 1)
    other.wait_for_boxes(40)
    page.wait_for_timeout(500)
    page.evaluate("() => { window.SPOTS = []; }")
    other.stage.focus()
    page.keyboard.press("0")
    page.wait_for_timeout(500)
    assert len(set(page.evaluate("() => window.SPOTS"))) == 40
    texts = [text for text, n_given in page.evaluate("() => window.TEXTS") if n_given <= 3 and "标签" in text]
    assert texts
    assert all(text.endswith("…") for text in texts)
    other.stage.scroll_into_view_if_needed()
    page.screenshot(path=ARTIFACTS / "ground-heap.png")


_TOUCH = """([id, x, y, type]) => { const stage = document.querySelector('.gg-stage'), box = stage.getBoundingClientRect();
  stage.setPointerCapture = () => {};
  stage.dispatchEvent(new PointerEvent(type, {pointerId: id, pointerType: 'touch', bubbles: true, button: 0,
    clientX: box.left + x * box.width, clientY: box.top + y * box.height})); }"""


def test_fingers_zoom_select_and_resize(page: Any, lab_url: str, folder: Path) -> None:
    """Two fingers zoom; one selects a box by a tap and pulls its corner."""
    write_notebook(folder / "touch.ipynb", SETUP, "grounding.ask('all')\ngrounding", "print(grounding.boxes[1].xyxy)")
    lab = LabPage(page, lab_url, "touch.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.wait_for_boxes(2)
    widget.wait_for_end()

    def finger(number: int, x: float, y: float, type_: str) -> None:
        page.evaluate(_TOUCH, [number, x, y, f"pointer{type_}"])

    finger(1, 0.4, 0.5, "down")
    finger(2, 0.6, 0.5, "down")
    finger(1, 0.3, 0.5, "move")
    finger(2, 0.7, 0.5, "move")
    finger(1, 0.3, 0.5, "up")
    finger(2, 0.7, 0.5, "up")
    page.wait_for_timeout(300)
    assert widget.root.locator(".gg-percent").inner_text() == "200 %"
    widget.root.get_by_role("button", name="Whole picture").first.click()
    before = printed(lab, 2)
    finger(1, 0.61, 0.6, "down")
    finger(1, 0.61, 0.6, "up")
    assert widget.root.locator("tr.gg-selected .gg-label").input_value() == "spoon"
    x, y = (float(field.input_value()) + float(extent.input_value()) for field, extent in _corner_fields(widget))
    box = widget.stage.bounding_box()
    height_px = box["width"] * 400 / 600  # the picture is as wide as the stage, in its middle
    corner = x / 600, (y / 400 * height_px + (box["height"] - height_px) / 2) / box["height"]
    finger(1, *corner, "down")
    finger(1, corner[0] + 0.1, corner[1] + 0.1, "move")
    finger(1, corner[0] + 0.1, corner[1] + 0.1, "up")
    page.wait_for_timeout(500)
    after = printed(lab, 2)
    assert json.loads(after.replace("(", "[").replace(")", "]"))[2] == pytest.approx(x + 60, abs=6)
    assert before != after


def _corner_fields(widget: Widget) -> list[tuple[Any, Any]]:
    names = (("x in pixels", "width in pixels"), ("y in pixels", "height in pixels"))
    return [(widget.root.get_by_label(start), widget.root.get_by_label(extent)) for start, extent in names]


def test_two_views_agree(page: Any, lab_url: str, folder: Path) -> None:
    """What is drawn, selected and undone in one is so in the other; displaying again shows the present state."""
    write_notebook(folder / "two.ipynb", SETUP, "grounding.ask('all')\ngrounding", "grounding")
    lab = LabPage(page, lab_url, "two.ipynb")
    lab.run(0)
    lab.run(1)
    Widget(page).wait_for_end()
    lab.run(2)
    one, other = Widget(page, 0), Widget(page, 1)
    other.wait_for_boxes(2)
    one.stage.focus()
    page.keyboard.press("b")
    for widget in (one, other):
        widget.wait_for_boxes(3)
        assert widget.root.locator("tr.gg-selected").get_attribute("data-id").startswith("p")
    other.stage.focus()
    page.keyboard.press("Control+z")
    one.wait_for_boxes(2)
    other.wait_for_boxes(2)


def test_a_restarted_kernel_is_said_and_nothing_is_lost(page: Any, lab_url: str, folder: Path) -> None:
    """What was there stays and can be changed; what needs the kernel is a sentence."""
    write_notebook(folder / "gone.ipynb", SETUP, "grounding.ask('all')\ngrounding")
    lab = LabPage(page, lab_url, "gone.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:restart'); }")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_timeout(4000)
    widget.wait_for_boxes(2)
    widget.ask("more")
    page.wait_for_function("() => document.querySelector('.gg-message').textContent.includes('kernel')")
    assert "run the cell again" in widget.message() or "busy, or gone" in widget.message()
    widget.stage.focus()
    page.keyboard.press("b")
    widget.wait_for_boxes(3)
    page.screenshot(path=ARTIFACTS / "ground-restarted.png")


def test_hostile_labels_and_answers_run_nothing(page: Any, lab_url: str, folder: Path) -> None:
    """In labels, tags, the answer, thinking, the history and names: text, never markup."""
    evil = "<img src=x onerror=window.PWNED=1><script>window.PWNED=2</script>"
    labels = [evil, "x" * 5000, "\u202eright to left", "🦙🦙\nnew line", "<svg onload=window.PWNED=3>"]
    items = [{"label": label, "bbox_2d": [100 + 100 * n, 100, 180 + 100 * n, 300]} for n, label in enumerate(labels)]
    answer = evil + json.dumps(items, ensure_ascii=False)
    setup = SETUP + f"\nasker.answers, asker.thinking, asker.delay_s = ({answer!r},), {evil!r}, 0\n"
    write_notebook(folder / "evil.ipynb", setup, f"grounding.ask({evil!r})\ngrounding")
    lab = LabPage(page, lab_url, "evil.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.wait_for_boxes(5)
    widget.root.locator("summary").first.click()
    widget.root.locator("summary:has-text('History')").click()
    widget.stage.focus()
    for _ in range(5):
        page.keyboard.press("n")  # quicker than the kernel confirms
    page.wait_for_timeout(1000)
    assert widget.root.locator("tr.gg-selected .gg-number").inner_text() == "5"
    assert page.evaluate("() => window.PWNED ?? null") is None
    assert widget.root.locator("img, script, svg[onload]").count() == 0
    assert evil in widget.root.locator(".gg-answer").inner_text()
    assert widget.root.locator("tr .gg-label").nth(0).input_value() == evil
    page.screenshot(path=ARTIFACTS / "ground-hostile.png")


SEVERAL = """
pictures = [data.coffee(), data.astronaut(), data.chelsea()]
several = Grounding([Image.fromarray(p) for p in pictures], asker, names=["coffee.png", "astronaut.png", "chelsea.png"])
several.ask("all").wait()
several
"""


def test_more_like_this_with_quiet_motion_and_forced_colours(browser: Any, lab_url: str, folder: Path) -> None:
    """The selected box is the example of a question, and is not doubled; nothing moves by itself; what is selected or pressed
    shows without our colours.
    """
    page = browser.new_page(viewport={"width": 1300, "height": 1100}, reduced_motion="reduce", forced_colors="active")
    page.set_default_timeout(PATIENCE_MS)
    code = "q = asker.questions[-1]; print(q.like == grounding.boxes[1], q.region_form, len(asker.questions))"
    write_notebook(folder / "more.ipynb", SETUP + "asker.delay_s = 0.05", "grounding.ask('all').wait()\ngrounding", code)
    lab = LabPage(page, lab_url, "more.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.wait_for_boxes(2)
    widget.root.locator("tr .gg-number").nth(1).click()
    widget.root.get_by_role("button", name="More like it").click()
    assert widget.root.locator(".gg-busy").evaluate("bar => getComputedStyle(bar).animationName") == "none"
    widget.wait_for_end()
    widget.wait_for_boxes(2)
    widget.root.locator("summary:has-text('History (2)')").click()
    assert "2 boxes, 2 known" in widget.root.locator(".gg-history li").nth(1).inner_text()
    assert widget.root.locator(".gg-answer mark").count() == 2
    grounds = widget.root.locator(".gg-tool[aria-pressed]").evaluate_all(
        "all => all.map(e => getComputedStyle(e).backgroundColor)"
    )
    assert grounds[0] not in grounds[1:]
    outline = widget.root.locator("tr.gg-selected").evaluate("row => getComputedStyle(row).outlineStyle")
    assert outline == "solid"
    page.screenshot(path=ARTIFACTS / "ground-forced-colours.png")
    assert printed(lab, 2).strip() == "True both 2"
    page.close()


def test_several_pictures_and_a_narrow_page(browser: Any, lab_url: str, folder: Path) -> None:
    """A strip to step through; each picture has its boxes; narrow, the panel goes below."""
    page = browser.new_page(viewport={"width": 720, "height": 1300})
    page.set_default_timeout(PATIENCE_MS)
    write_notebook(folder / "several.ipynb", SETUP, SEVERAL)
    lab = LabPage(page, lab_url, "several.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.wait_for_boxes(2)
    widget.root.get_by_role("button", name="Picture 2: astronaut.png").click()
    assert "astronaut.png, 2 boxes" in widget.stage.get_attribute("aria-label")
    widget.stage.focus()
    page.keyboard.press("]")
    assert "chelsea.png, 2 boxes" in widget.stage.get_attribute("aria-label")
    panel, stage = widget.root.locator(".gg-panel").bounding_box(), widget.stage.bounding_box()
    assert panel["y"] > stage["y"] + stage["height"] - 1
    widget.stage.scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    page.screenshot(path=ARTIFACTS / "ground-narrow.png")
    page.close()


def test_the_saved_notebook_shows_the_last_state(page: Any, lab_url: str, folder: Path) -> None:
    """Edits included, in JupyterLab without a kernel and as an HTML page, light and dark; live, the picture is hidden."""
    write_notebook(folder / "saved.ipynb", SETUP, "grounding.ask('all')\ngrounding")
    lab = LabPage(page, lab_url, "saved.ipynb")
    lab.run(0)
    lab.run(1)
    widget = Widget(page)
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    widget.root.get_by_label("Label of box 1").fill("my mug")
    page.keyboard.press("Enter")
    page.wait_for_timeout(3000)  # the picture follows once the edits pause
    picture = page.locator(".jp-OutputArea-output.jp-RenderedImage img")
    assert picture.count() == 1
    assert not picture.is_visible()
    widget.stage.focus()
    lab.save()  # with the focus in the widget
    first, view = read_outputs(folder / "saved.ipynb")[1]
    assert {"image/jpeg", "text/plain"} == set(first["data"])
    assert "my mug" in "".join(first["data"]["text/plain"])
    assert "application/vnd.jupyter.widget-view+json" in view["data"]
    lab.reopen_without_kernel()
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") == 600
    page.wait_for_timeout(1500)
    page.screenshot(path=ARTIFACTS / "ground-reopened.png")

    for theme in ("light", "dark"):
        command = [sys.executable, "-m", "nbconvert", "--to", "html", "--theme", theme, str(folder / "saved.ipynb")]
        subprocess.run([*command, "--output", f"saved-{theme}"], check=True, capture_output=True, timeout=300)
        page.goto((folder / f"saved-{theme}.html").as_uri(), wait_until="domcontentloaded")
        image = page.locator(".jp-RenderedImage img")
        image.wait_for()
        assert image.evaluate("image => image.naturalWidth") == 600
        page.screenshot(path=ARTIFACTS / f"ground-html-{theme}.png")


def test_notebook_7_shows_the_widget(page: Any, notebook_7_url: str, folder: Path) -> None:
    """The same widget, the same edits."""
    write_notebook(folder / "seven.ipynb", SETUP, "grounding.ask('all')\ngrounding")
    open_notebook_7(page, notebook_7_url, "seven.ipynb")
    page.keyboard.press("Shift+Enter")
    page.wait_for_timeout(1500)
    page.keyboard.press("Shift+Enter")
    widget = Widget(page)
    widget.wait_for_boxes(2)
    widget.wait_for_end()
    widget.stage.focus()
    page.keyboard.press("b")
    widget.wait_for_boxes(3)
    widget.stage.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    page.screenshot(path=ARTIFACTS / "ground-notebook-7.png")
