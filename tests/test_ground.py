"""Grounding in a widget: what Python holds, and what it makes of a page's messages; the page itself is in test_browser_ground."""

from __future__ import annotations

import io
import json
import sys
import threading
import zipfile
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from glm_magics.asking import Question
from glm_magics.boxes import Boxes
from glm_magics.errors import InputError, MediaError, MissingExtraError
from glm_magics.geometry import Box, Point
from glm_magics.groundings import Grounding
from glm_magics.widgets.exports import EXPORTS
from glm_magics.widgets.marks import Mark
from glm_magics.widgets.outputs import Outputs
from glm_magics.widgets.requests import parse_request
from glm_magics.widgets.twins import find_twins, overlap_of
from tests.asking import ScriptedAsker
from tests.patience import PATIENCE_S, until

CUP = '[{"label": "cup", "bbox_2d": [100, 200, 500, 600]}]'
SPOON = '[{"label": "spoon", "bbox_2d": [600, 100, 900, 300]}]'

NOT_YET_S = 0.3
"""Long enough to see that another thread waits."""


def picture(width_px: int = 200, height_px: int = 100) -> Image.Image:
    """A picture with some colours."""
    return Image.linear_gradient("L").resize((width_px, height_px)).convert("RGB")


def box(x1: float = 0.1, label: str = "given", image: int = 0) -> Box:
    return Box((x1, 0.2, x1 + 0.3, 0.6), 200, 100, label, image=image)


class Page:
    """Plays the page: sends what it sends, and keeps what it is told."""

    def __init__(self, grounding: Grounding) -> None:
        self.widget = grounding.widget
        self.told: list[tuple[Any, Any]] = []
        self.widget.send = lambda content, buffers=None: self.told.append((content, buffers))
        self.n = 0

    def send(self, type_: str, **fields: Any) -> tuple[Any, Any]:
        self.n += 1
        content = {"type": type_, "page": "page1", "n": self.n, **fields}
        self.widget._handle_custom_msg(json.loads(json.dumps(content)), [])
        return self.told[-1] if self.told else (None, None)

    def edit(self, *changes: dict[str, Any]) -> None:
        self.send("edit", changes=list(changes))

    def ask(self, text: str = "", **fields: Any) -> None:
        usual = {"image": 0, "region": "", "region_form": "both", "like": "", "adds": True}
        self.send("ask", text=text, **{**usual, **fields})


def labels(grounding: Grounding) -> list[str]:
    return [shape.label for shape in grounding.boxes]


# -- asking


def test_an_answer_becomes_boxes_for_python_and_the_page() -> None:
    """Boxes, answer, reply and the page's rows tell the same; `ask` comes back before the answer is there."""
    is_back = threading.Event()
    asker = ScriptedAsker(f"Here: {CUP}", thinking="Hm.", pause=lambda told: is_back.wait(PATIENCE_S))
    grounding = Grounding(picture(), asker)
    assert grounding.ask("the cup").is_asking
    is_back.set()
    grounding.wait(PATIENCE_S)
    assert labels(grounding) == ["cup"]
    assert grounding.boxes[0].xyxy == (20, 20, 100, 60)
    assert grounding.answer == grounding.reply.text == f"Here: {CUP}"
    (row,) = grounding.widget.shapes
    assert (row["label"], row["number"], row["relative"]) == ("cup", 1, [0.1, 0.2, 0.5, 0.6])
    start, end = row["span"]
    assert grounding.answer[start:end] == "[100, 200, 500, 600]"
    assert grounding.widget.asked[0]["thinking"] == "Hm."
    assert not grounding.is_asking
    assert grounding.widget.status == ""


def test_boxes_appear_one_by_one_while_the_answer_grows() -> None:
    """Those who observe `boxes` hear of the first one before the answer is over."""
    both = CUP[:-1] + ", " + SPOON[1:]
    seen: list[tuple[int, bool]] = []
    grounding = Grounding(picture(), ScriptedAsker(both, pause=lambda told: CUP[:-1] in told and until(lambda: seen)))
    grounding.observe(lambda change: seen.append((len(change["new"]), grounding.is_asking)), names=["boxes"])
    grounding.ask("things").wait(PATIENCE_S)
    assert seen == [(1, True), (2, True)]


def test_asking_leaves_the_caller_free_and_can_be_stopped() -> None:
    """What had come is kept and marked; nothing more is asked."""
    asker = ScriptedAsker(CUP + " and so on" * 1000, delay_s=0.01)
    grounding = Grounding([picture(), picture()], asker).ask("cups")
    until(lambda: grounding.boxes)
    grounding.stop()
    grounding.wait(PATIENCE_S)
    assert not grounding.is_asking
    assert labels(grounding) == ["cup"]
    assert grounding.widget.asked[0]["ending"] == "stopped"
    assert len(asker.questions) == 1


@pytest.mark.parametrize(
    ("answer", "sentence", "found"),
    [
        pytest.param(
            CUP + "!The connection broke off. Ask again.", "The connection broke off. Ask again.", ["cup"], id="mid-answer"
        ),
        pytest.param("!No key. Get one.", "No key. Get one.", [], id="at once"),
        pytest.param("I see nothing of the kind.", "box", [], id="no boxes"),
    ],
)
def test_what_goes_wrong_is_a_sentence(answer: str, sentence: str, found: list[str]) -> None:
    """On the page and in `message`; what came is kept."""
    grounding = Grounding(picture(), ScriptedAsker(answer)).ask("cups").wait(PATIENCE_S)
    assert sentence in grounding.message
    assert grounding.widget.message == grounding.message
    assert labels(grounding) == found
    assert grounding.boxes.reason == ("" if found else grounding.message)


def test_what_could_not_be_used_is_kept() -> None:
    """Five numbers are no box; the boxes of Python hold them with their place in the answer."""
    answer = f'{CUP} {{"label": "jug", "bbox_2d": [1, 2, 3, 4, 5]}}'
    grounding = Grounding(picture(), ScriptedAsker(answer)).ask("cups").wait(PATIENCE_S)
    [unread] = grounding.boxes.unread
    assert (labels(grounding), unread.raw) == (["cup"], (1, 2, 3, 4, 5))
    assert grounding.answer[slice(*unread.span)] == "[1, 2, 3, 4, 5]"


def test_an_asker_that_raises_is_a_sentence_too() -> None:
    """Whatever it raises, the widget can ask again."""

    def asker(question: Question, listener: object) -> Any:
        raise InputError("No model sees pictures here.", "Choose another.")

    grounding = Grounding(picture(), asker).ask("cups").wait(PATIENCE_S)
    assert grounding.message == "No model sees pictures here. Choose another."
    assert not grounding.is_asking


def test_replacing_hides_earlier_boxes_and_loses_none() -> None:
    """The history can show them again; a failed question replaces nothing."""
    asker = ScriptedAsker(CUP, SPOON, "!Offline.")
    grounding = Grounding(picture(), asker, [box()])
    grounding.ask("cup").wait(PATIENCE_S)
    assert labels(grounding) == ["given", "cup"]
    grounding.ask("spoon", adds=False).wait(PATIENCE_S)
    assert labels(grounding) == ["spoon"]
    grounding.ask("fork", adds=False).wait(PATIENCE_S)
    assert labels(grounding) == ["spoon"]
    page = Page(grounding)
    page.send("show", asked=0, is_shown=True)
    page.send("show", asked=1, is_shown=True)
    assert labels(grounding) == ["given", "cup", "spoon"]
    assert [row["n_boxes"] for row in grounding.widget.asked] == [1, 1, 1, 0]


def test_one_question_over_several_pictures() -> None:
    """Each picture is asked about in turn, and its boxes are on it."""
    asker = ScriptedAsker(CUP, SPOON)
    grounding = Grounding([picture(), picture(50, 50)], asker).ask("things").wait(PATIENCE_S)
    assert [question.images for question in asker.questions] == [(0,), (1,)]
    assert [(shape.label, shape.image, shape.width_px) for shape in grounding.boxes] == [("cup", 0, 200), ("spoon", 1, 50)]
    assert len(grounding.annotated()) == 2
    assert [crop.size for crop in grounding.crops()] == [(80, 40), (15, 10)]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param("thousandths", (0.1, 0.2, 0.5, 0.6), id="its numbers"),
        pytest.param("crop", (0.55, 0.6, 0.75, 0.8), id="its cut-out"),
        pytest.param("both", (0.1, 0.2, 0.5, 0.6), id="both"),
    ],
)
def test_boxes_of_a_question_about_a_region_are_on_the_whole_picture(form: Any, expected: tuple[float, ...]) -> None:
    """Of a cut-out the model gives numbers on the cut-out."""
    region = Box((0.5, 0.5, 1.0, 1.0), 200, 100)
    asker = ScriptedAsker(CUP)
    grounding = Grounding(picture(), asker).ask("cup", region=region, region_form=form).wait(PATIENCE_S)
    assert grounding.boxes[0].relative == pytest.approx(expected)
    assert ("[500, 500, 1000, 1000]" in asker.questions[0].prompt()) == (form != "crop")


def test_the_prompt_names_question_likeness_and_form() -> None:
    """All that a model needs is in the words."""
    prompt = Question("red ones", like=box(label="cup")).prompt()
    assert prompt.startswith("red ones\n")
    assert "[100, 200, 400, 600] (cup)" in prompt
    assert "bbox_2d" in prompt


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda: Grounding([]), id="no picture"),
        pytest.param(lambda: Grounding(picture(), names=["a", "b"]), id="too many names"),
        pytest.param(lambda: Grounding([picture(), picture()], names=["a/x.png", "b/x.png"]), id="one name twice"),
        pytest.param(lambda: Grounding(picture()).ask("cup"), id="nobody to ask"),
        pytest.param(lambda: Grounding(picture(), ScriptedAsker()).ask("  "), id="nothing asked"),
        pytest.param(lambda: Grounding(picture(), ScriptedAsker()).ask("cup", image=3), id="no such picture"),
        pytest.param(lambda: Grounding(picture(), ScriptedAsker("x" * 500, delay_s=0.05)).ask("a").ask("b"), id="two at once"),
        pytest.param(lambda: Grounding("photo.jpg"), id="a path"),
        pytest.param(lambda: Grounding(Image.new("RGB", (0, 5))), id="no pixels"),
        pytest.param(lambda: Grounding(Image.new("1", (20_000, 20_000))), id="400 megapixels"),
    ],
)
def test_bad_input_is_one_sentence_with_a_way_out(act: Any) -> None:
    """Never a library's traceback."""
    with pytest.raises(InputError) as caught:
        act()
    assert len(str(caught.value)) > 20


def test_without_anywidget_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "glm_magics.widgets.grounding", None)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[widgets\]"):
        Grounding(picture())


# -- what the page does


def test_edits_of_the_page_reach_python() -> None:
    """Draw, move, relabel, duplicate, delete, and a deletion undone: the same box at the same place."""
    grounding = Grounding(picture(), ScriptedAsker(CUP)).ask("cup").wait(PATIENCE_S)
    page = Page(grounding)
    page.edit({"op": "add", "id": "p1", "image": 0, "relative": [0.5, 0.5, 0.7, 0.9], "label": "mine"})
    page.edit({"op": "alter", "id": "a0-0", "relative": [0.2, 0.2, 0.6, 0.6]}, {"op": "alter", "id": "a0-0", "label": "mug"})
    assert [(shape.label, shape.relative) for shape in grounding.boxes] == [
        ("mug", (0.2, 0.2, 0.6, 0.6)),
        ("mine", (0.5, 0.5, 0.7, 0.9)),
    ]
    before = grounding.boxes
    page.edit({"op": "delete", "id": "a0-0"})
    assert labels(grounding) == ["mine"]
    told, _ = page.send("undo", is_redo=False)
    assert grounding.boxes == before
    assert told["did"] == {"ids": ["a0-0"], "images": [0]}
    assert grounding.widget.shapes[0]["asked"] == 0
    page.send("hello")
    assert page.told[-1] == ({"type": "done", "page": "page1", "n": 5}, None)


def test_edits_while_the_answer_comes_are_kept() -> None:
    """A box that is moved, or deleted, before the answer is over stays moved, or away."""
    both = CUP[:-1] + ", " + SPOON[1:]
    is_edited = threading.Event()
    asker = ScriptedAsker(both + "." * 200, pause=lambda told: "..." in told and is_edited.wait(PATIENCE_S))
    grounding = Grounding(picture(), asker).ask("things")
    page = Page(grounding)
    until(lambda: len(grounding.boxes) == 2)
    page.edit({"op": "alter", "id": "a0-1", "label": "ladle"}, {"op": "delete", "id": "a0-0"})
    assert grounding.is_asking
    is_edited.set()
    grounding.wait(PATIENCE_S)
    assert labels(grounding) == ["ladle"]


def test_the_page_asks_stops_and_selects() -> None:
    """About a region by its box, for more like it; an unknown box is a sentence."""
    asker = ScriptedAsker(CUP)
    grounding = Grounding(picture(), asker, [box(), Point((0.5, 0.5), 200, 100)])
    page = Page(grounding)
    page.ask("what?", region="g0", region_form="thousandths")
    grounding.wait(PATIENCE_S)
    page.ask(like="g0", adds=False)
    grounding.wait(PATIENCE_S)
    first, second = asker.questions
    assert (first.region, first.region_form, first.adds) == (grounding._history.shape("g0"), "thousandths", True)
    assert (second.like, second.adds) == (grounding._history.shape("g0"), False)
    page.ask("what?", region="g1")
    assert "point" in grounding.message
    page.send("select", id="a1-0")
    assert grounding.selected == grounding._history.shape("a1-0")
    page.send("select", id="nobody")
    assert grounding.selected is None
    page.send("stop")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"op": "add", "id": "x", "image": 9, "relative": [0, 0, 1, 1]}, id="no such picture"),
        pytest.param({"op": "add", "id": "x", "image": 0, "relative": [0.5, 0.5, 0.5, 0.9]}, id="no area"),
        pytest.param({"op": "add", "id": "x", "image": 0, "relative": [2, 2, 3, 3]}, id="outside"),
        pytest.param({"op": "add", "id": "x", "image": 0, "relative": [0, 0, float("nan"), 1]}, id="not a number"),
        pytest.param({"op": "add", "id": "x", "image": 0, "relative": [0, 0, 10**400, 1]}, id="too large"),
        pytest.param({"op": "add", "id": "x", "image": 0, "relative": ["0", 0, 1, 1]}, id="text"),
        pytest.param({"op": "add", "id": "x", "image": 0, "relative": [0.1, 0.1]}, id="a point"),
        pytest.param({"op": "add", "id": "g0", "image": 0, "relative": [0, 0, 1, 1]}, id="a used id"),
        pytest.param({"op": "add", "id": "<b>", "image": 0, "relative": [0, 0, 1, 1]}, id="a strange id"),
        pytest.param({"op": "alter", "id": "nobody", "label": "x"}, id="an unknown id"),
        pytest.param({"op": "alter", "id": "g0", "label": 5}, id="a label that is no text"),
        pytest.param({"op": "alter", "id": "g0", "label": "x" * 100_000}, id="a huge label"),
        pytest.param({"op": "alter", "id": "g0", "relative": [0.5, 0.5, 0.5, 0.5]}, id="made empty"),
        pytest.param({"op": "run", "id": "g0", "code": "1/0"}, id="an unknown act"),
        pytest.param("delete", id="no object"),
    ],
)
def test_foreign_changes_change_nothing(change: Any) -> None:
    """Whatever the page sends."""
    grounding = Grounding(picture(), None, [box()])
    before = grounding.boxes
    Page(grounding).edit(change)
    assert grounding.boxes == before


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["ask", "edit", "export", "hello", "select", "show", "stop", "undo", "nothing"]),
)
def test_no_message_breaks_the_reader(value: Any, type_: str) -> None:
    """Any JSON is a request or None."""
    parse_request(value)
    rest = value if isinstance(value, dict) else {"changes": value, "text": value, "asked": value, "relative": value}
    parse_request({**rest, "type": type_, "page": "p", "n": 1})


def test_a_page_cannot_write_traits() -> None:
    """It asks; only Python writes."""
    grounding = Grounding(picture(), None, [box()])
    grounding.widget.set_state({"shapes": [], "message": "pwned"})
    assert len(grounding.widget.shapes) == 1
    assert grounding.widget.message == ""


# -- undo


def steps(page: Page, *directions: str) -> None:
    for direction in directions:
        page.send("undo", is_redo=direction == "redo")


def test_undo_gives_back_the_same_box_at_the_same_place() -> None:
    """Beside boxes of another picture and hidden ones: order, label, place and words are those from before."""
    asker = ScriptedAsker(CUP, SPOON)
    grounding = Grounding([picture(), picture()], asker, [box(0.1, "first"), box(0.2, "other", image=1), box(0.3, "last")])
    grounding.ask("cup", image=0).wait(PATIENCE_S)
    page = Page(grounding)
    page.send("show", asked=0, is_shown=False)
    before, rows = grounding.boxes, grounding.widget.shapes
    page.edit({"op": "delete", "id": "a2-0"})
    page.edit({"op": "add", "id": "p1", "image": 1, "relative": [0, 0, 1, 1], "label": "mine"})
    steps(page, "undo", "undo")
    assert (grounding.boxes, grounding.widget.shapes) == (before, rows)
    steps(page, "undo")
    assert labels(grounding) == ["first", "other", "last", "cup"]
    steps(page, "redo", "redo", "redo", "redo")
    assert labels(grounding) == ["other", "mine"]


def test_replacing_and_the_check_boxes_are_undone_like_edits() -> None:
    """An answer that is undone is hidden, and what it replaced is shown; no step ever acts on a hidden box."""
    grounding = Grounding(picture(), ScriptedAsker(SPOON), [box()])
    page = Page(grounding)
    page.edit({"op": "add", "id": "p1", "image": 0, "relative": [0.5, 0.5, 0.7, 0.9], "label": "mine"})
    grounding.ask("spoon", adds=False).wait(PATIENCE_S)
    assert labels(grounding) == ["spoon"]
    steps(page, "undo")
    assert labels(grounding) == ["given", "mine"]
    assert [row["is_shown"] for row in grounding.widget.asked] == [True, False]
    steps(page, "undo")
    assert labels(grounding) == ["given"]
    steps(page, "redo", "redo")
    assert labels(grounding) == ["spoon"]
    page.send("show", asked=0, is_shown=True)
    assert labels(grounding) == ["given", "mine", "spoon"]
    steps(page, "undo")
    assert labels(grounding) == ["spoon"]


def test_drawing_after_replace_brings_no_hidden_box_back() -> None:
    """What is drawn by hand is shown, what was drawn before stays hidden."""
    grounding = Grounding(picture(), ScriptedAsker(SPOON), [box()])
    grounding.ask("spoon", adds=False).wait(PATIENCE_S)
    Page(grounding).edit({"op": "add", "id": "p1", "image": 0, "relative": [0.5, 0.5, 0.7, 0.9], "label": "mine"})
    assert labels(grounding) == ["spoon", "mine"]


def test_arrow_keys_in_a_row_are_one_step_and_nothing_is_none() -> None:
    """Changes with one key are undone together; what changed nothing is not undone at all; the page hears what there is."""
    grounding = Grounding(picture(), None, [box()])
    page = Page(grounding)
    for x in (0.2, 0.3, 0.3):
        page.send("edit", changes=[{"op": "alter", "id": "g0", "relative": [x, 0.2, 0.9, 0.6]}], key="arrow-m-g0")
    page.edit({"op": "alter", "id": "g0", "label": "given"})
    assert grounding.widget.can_step == {"undo": True, "redo": False}
    steps(page, "undo")
    assert grounding.boxes[0].relative == box().relative
    assert grounding.widget.can_step == {"undo": False, "redo": True}
    told, _ = page.send("undo", is_redo=False)
    assert "did" not in told


def test_undo_while_the_answer_comes_loses_none_of_it() -> None:
    """An edit of a growing answer is undone; boxes that came after it stay."""
    both = CUP[:-1] + ", " + SPOON[1:]
    is_edited = threading.Event()
    asker = ScriptedAsker(both + "." * 100, pause=lambda told: CUP[:-1] in told and is_edited.wait(PATIENCE_S))
    grounding = Grounding(picture(), asker).ask("things")
    page = Page(grounding)
    until(lambda: grounding.boxes)
    page.edit({"op": "alter", "id": "a0-0", "label": "mug"})
    is_edited.set()
    grounding.wait(PATIENCE_S)
    assert labels(grounding) == ["mug", "spoon"]
    steps(page, "undo")
    assert labels(grounding) == ["cup", "spoon"]
    page.edit({"op": "delete", "id": "a0-0"})
    steps(page, "undo")
    assert [row["question"] for row in grounding.widget.asked] == ["things"]


# -- what is there already


def test_the_same_thing_found_again_is_no_second_box() -> None:
    """Same label, nearly the same place: the words of the answer point to the box that is there, and the history says so."""
    near = '[{"label": "Cup", "bbox_2d": [101, 201, 500, 600]}, {"label": "spoon", "bbox_2d": [600, 100, 900, 300]}]'
    grounding = Grounding(picture(), ScriptedAsker(CUP, near, near)).ask("cup").wait(PATIENCE_S)
    grounding.ask(like=grounding.boxes[0]).wait(PATIENCE_S)
    assert labels(grounding) == ["cup", "spoon"]
    cup, _ = grounding.widget.shapes
    [(asked, start, end)] = cup["also"]
    assert (asked, grounding.answer[start:end]) == (1, "[101, 201, 500, 600]")
    assert (grounding.widget.asked[1]["n_boxes"], grounding.widget.asked[1]["n_known"]) == (2, 1)
    grounding.ask("again").wait(PATIENCE_S)
    assert labels(grounding) == ["cup", "spoon"]
    assert "already" in grounding.message


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(Box((0.1, 0.2, 0.5, 0.6), 200, 100, "mug"), id="another label"),
        pytest.param(Box((0.1, 0.2, 0.55, 0.6), 200, 100, "cup"), id="less than nine tenths"),
        pytest.param(Point((0.1, 0.2), 200, 100, "cup"), id="a point"),
        pytest.param(Box((0.1, 0.2, 0.5, 0.6), 200, 100, "cup", image=1), id="another picture"),
    ],
)
def test_what_only_looks_alike_is_added(there: Any) -> None:
    """A different thing stays one of its own."""
    grounding = Grounding([picture(), picture()], ScriptedAsker(CUP), [there]).ask("cup", image=0).wait(PATIENCE_S)
    assert len(grounding.boxes) == 2


def test_a_known_box_is_shown_as_long_as_one_of_its_questions_is() -> None:
    """Hiding the first question leaves what the second one named too; a deleted box is found anew."""
    grounding = Grounding(picture(), ScriptedAsker(CUP)).ask("cup").wait(PATIENCE_S).ask("again").wait(PATIENCE_S)
    page = Page(grounding)
    page.send("show", asked=0, is_shown=False)
    assert labels(grounding) == ["cup"]
    page.edit({"op": "delete", "id": "a0-0"})
    assert labels(grounding) == []
    grounding.ask("once more").wait(PATIENCE_S)
    assert labels(grounding) == ["cup"]


_SIDES = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda sides: sides[0] < sides[2] and sides[1] < sides[3])


@given(st.lists(_SIDES, max_size=12), _SIDES)
def test_a_twin_is_found_wherever_one_is(there: list[tuple[int, ...]], wanted: tuple[int, ...]) -> None:
    """As by comparing it with every box, though only neighbours are looked at."""
    shapes = [Box(tuple(side / 40 for side in sides), 200, 100) for sides in there]
    shape = Box(tuple(side / 40 for side in wanted), 200, 100)
    best = max((overlap_of(shape, other) for other in shapes), default=0)
    found = find_twins([shape], [Mark(str(place), other, 0) for place, other in enumerate(shapes)])
    assert bool(found) == (best >= 0.9)
    assert not found or overlap_of(shape, shapes[int(found[0])]) == best


# -- exports, pictures, the saved notebook


@pytest.mark.parametrize("format_", EXPORTS)
@pytest.mark.parametrize("purpose", ["copy", "download"])
def test_every_export_is_what_boxes_write(format_: str, purpose: str) -> None:
    """Hostile labels and points among them; a text is the one of `Boxes`."""
    hostile = ["<img onerror=alert(1)>", "x" * 5000, "\u202eRTL", "🦙\nnew line", "\ud800 half", "=cmd|' /C calc'!A0", "]]>&<!--"]
    shapes = [box(0.02 * n, label, image=n % 2) for n, label in enumerate(hostile)]
    grounding = Grounding(
        [picture(), picture(90, 60)], None, [*shapes, Point((0.5, 0.5), 200, 100, "point")], names=["a.jpg", "b.jpg"]
    )
    told, buffers = Page(grounding).send("export", format=format_, image=1, purpose=purpose)
    assert told["type"] == "file"
    data = bytes(buffers[0])
    if format_ == "png":
        assert Image.open(io.BytesIO(data)).size == (90, 60)
    elif told["mime"] == "application/zip":
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        assert {name.rsplit(".", 1)[0] for name in names} >= {"a", "b"}
    else:
        text = data.decode()
        assert "�" in text
        if format_ == "csv":
            assert text == grounding.boxes.to_csv().encode("utf-8", "replace").decode()
    has_points = format_ in ("csv", "glm", "png")
    assert has_points or "left out" in told["note"]


def test_an_export_without_boxes_says_so() -> None:
    """A file without boxes comes with a sentence, or as an empty form of its format."""
    page = Page(Grounding(picture()))
    for format_ in EXPORTS:
        told, _ = page.send("export", format=format_, image=0, purpose="copy")
        assert told["type"] == "file"
    page.send("export", format="exe", image=0, purpose="copy")
    assert "no such export" in page.widget.message


def test_other_forms_are_those_of_boxes() -> None:
    """With the pictures' names."""
    grounding = Grounding(picture(), None, [box()], names=["/home/me/secret/photo.jpg"])
    assert grounding.to_frame().label.tolist() == ["given"]
    assert grounding.to_coco()["images"][0]["file_name"] == "photo.jpg"
    assert "photo.txt" in grounding.to_yolo()
    assert "photo.xml" in grounding.to_voc()
    assert "secret" not in json.dumps([grounding.to_coco(), grounding.to_yolo(), grounding.to_voc()])
    assert grounding.annotated(100).size == (100, 50)


def test_the_bundle_holds_view_picture_and_list() -> None:
    """For hosts that choose among one bundle; the display puts the picture first, and keeps it up to date by its id."""
    grounding = Grounding(picture(), None, [box()])
    data, _ = grounding._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert {"image/png", "image/jpeg"} & set(data)
    assert "given" in data["text/plain"]


def test_the_saved_picture_follows_answers_and_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two outputs: the picture, which is replaced by its id, and the view, which is sent once."""
    shown: list[tuple[dict[str, Any], dict[str, Any]]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **named: shown.append((data, named)))
    monkeypatch.setattr("glm_magics.widgets.outputs.STILL_DELAY_S", 0.05)
    grounding = Grounding(picture(), ScriptedAsker(CUP))
    grounding._ipython_display_()
    (still, about), (view, _) = shown
    assert set(still) == {"image/png", "text/plain"}
    assert "application/vnd.jupyter.widget-view+json" in view
    assert "image/png" not in view
    grounding.ask("cup").wait(PATIENCE_S)
    until(lambda: "cup" in shown[-1][0]["text/plain"])
    assert shown[-1][1] == {"raw": True, "metadata": ANY, "display_id": about["display_id"], "update": True}
    Page(grounding).edit({"op": "alter", "id": "a0-0", "label": "mug"})
    until(lambda: "mug" in shown[-1][0]["text/plain"])


def test_a_picture_that_was_drawn_earlier_never_takes_the_place_of_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads draw: one since an edit paused, one at the end of an answer."""
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **named: shown.append(data["text/plain"]))
    ending: list[threading.Thread] = []
    words = ["the earlier", "the later"]

    def draw() -> tuple[bytes, str, str]:
        word = words.pop(0)
        if words:
            ending.append(threading.Thread(target=outputs.keep, daemon=True))
            ending[0].start()
            ending[0].join(NOT_YET_S)
        return b"", "image/png", word

    outputs = Outputs(SimpleNamespace(_repr_mimebundle_=lambda: None), draw, "")  # type: ignore[arg-type]
    outputs._is_shown = True
    outputs.keep()
    ending[0].join(PATIENCE_S)
    assert shown == ["the earlier", "the later"]


def test_what_changes_while_it_is_shown_for_the_first_time_is_drawn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that ends while the cell draws the picture."""
    shown: list[tuple[str, bool]] = []
    display = lambda data, **named: shown.append((data["text/plain"], named.get("update", False)))  # noqa: E731
    monkeypatch.setattr("IPython.display.display", display)
    ending: list[threading.Thread] = []
    words = ["before", "after"]

    def draw() -> tuple[bytes, str, str]:
        word = words.pop(0)
        if words:
            ending.append(threading.Thread(target=outputs.keep, daemon=True))
            ending[0].start()
            ending[0].join(NOT_YET_S)
        return b"", "image/png", word

    outputs = Outputs(SimpleNamespace(_repr_mimebundle_=lambda: None), draw, "")  # type: ignore[arg-type]
    outputs.show()
    ending[0].join(PATIENCE_S)
    assert shown == [("before", False), ("after", True)]


@pytest.mark.parametrize(
    ("image", "longest_px"),
    [
        pytest.param(picture(1, 1), 1, id="one pixel"),
        pytest.param(picture(300, 200), 300, id="small"),
        pytest.param(Image.effect_noise((5000, 3000), 50), 2048, id="large"),
        pytest.param(Image.new("1", (10_000, 10_000)), 2048, id="100 megapixels"),
        pytest.param(Image.new("RGBA", (30, 2000), (0, 0, 0, 0)), 2000, id="narrow and clear"),
    ],
)
def test_the_page_gets_a_copy_no_larger_than_it_is_useful(image: Image.Image, longest_px: int) -> None:
    """As bytes; the size that is told is the picture's own."""
    grounding = Grounding(image, None, [Box((0.2, 0.2, 0.8, 0.8), *image.size, "x")])
    (row,) = grounding.widget.pictures
    assert (row["width_px"], row["height_px"]) == image.size
    assert isinstance(row["bytes"], bytes)
    assert max(Image.open(io.BytesIO(row["bytes"])).size) == longest_px
    assert max(grounding.annotated(64).size) <= 64
    assert grounding._repr_mimebundle_()[0]["text/plain"]


def test_boxes_that_have_no_place_here_are_left_out_and_said() -> None:
    """For another picture, outside, without area, not finite; labels that no encoding takes are mended for the page."""
    bad = [
        box(image=3),
        Box((2, 2, 3, 3), 200, 100),
        Box((0.5, 0.5, 0.5, 0.5), 200, 100),
        Box((float("nan"), 0, 1, 1), 200, 100),
    ]
    grounding = Grounding(picture(), None, [*bad, box(label="\ud800")])
    assert labels(grounding) == ["\ud800"]
    assert grounding.widget.shapes[0]["label"] == "\ufffd"
    assert "4 of the boxes" in grounding.message


def test_ten_thousand_boxes() -> None:
    """All of them travel, and one more can be drawn."""
    shapes = [Box((n / 20_000, 0.1, n / 20_000 + 0.1, 0.2), 200, 100, f"l{n % 7}") for n in range(10_000)]
    grounding = Grounding(picture(), None, shapes)
    Page(grounding).edit({"op": "add", "id": "p", "image": 0, "relative": [0, 0, 1, 1], "label": "all"})
    assert len(grounding.boxes) == len(grounding.widget.shapes) == 10_001
    assert grounding.widget.shapes[-1]["number"] == 10_001


def test_numbers_and_colours_are_those_of_the_drawing() -> None:
    """One rule for the picture, the list and the page."""
    from glm_magics.boxcolours import styles_of

    shapes = [box(0.1, "a"), box(0.2, "b"), box(0.3, "a")]
    grounding = Grounding(picture(), None, shapes)
    assert [row["colour"] for row in grounding.widget.shapes] == [style.css for style in styles_of(grounding.boxes.shapes)]
    assert isinstance(grounding.boxes, Boxes)


def test_a_damaged_picture_is_a_sentence() -> None:
    """Cut off in the middle."""
    buffer = io.BytesIO()
    picture(300, 300).save(buffer, "PNG")
    with pytest.raises(MediaError, match="cut off or damaged"):
        Grounding(Image.open(io.BytesIO(buffer.getvalue()[:-500])))


@pytest.mark.parametrize("kind", ["painted over", "closed", "a closed file", "turned"])
def test_the_widget_has_a_picture_of_its_own(kind: str, tmp_path: Any) -> None:
    """What is done to the original afterwards shows nowhere, and goes into no question."""
    original = Image.new("RGB", (60, 40), "red")
    if kind in ("a closed file", "turned"):
        exif = Image.Exif()
        exif[0x0112] = 6 if kind == "turned" else 1
        original.save(tmp_path / "red.tif", exif=exif)
        original = Image.open(tmp_path / "red.tif")
    grounding = Grounding(original, ScriptedAsker(CUP), [Box((0.2, 0.2, 0.8, 0.8), 60, 40)])
    if kind == "painted over":
        original.paste("black", (0, 0, 60, 40))
    else:
        original.close()
    (crop,) = grounding.crops()
    assert crop.getpixel((1, 1)) == (255, 0, 0)
    assert grounding.annotated().size == ((40, 60) if kind == "turned" else (60, 40))
    assert grounding.annotated().getpixel((1, 38)) == (255, 0, 0)
    assert grounding.pictures[0] is not original


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"text": " "}, "Nothing is asked", id="no-words"),
        pytest.param({"text": 123}, "Nothing is asked", id="a-number"),
        pytest.param({"text": "a", "image": "0"}, "There is no picture '0'", id="a-word-for-a-picture"),
        pytest.param({"text": "a", "image": 1}, "There is no picture 1", id="a-picture-too-many"),
        pytest.param({"text": "a", "region": (1, 2, 3, 4)}, "A tuple is no box", id="numbers-for-a-region"),
        pytest.param({"text": "a", "like": "cup"}, "A str is no box", id="a-word-for-a-box"),
        pytest.param({"text": "a", "region_form": "zz"}, "There is no form 'zz'", id="no-such-form"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(arguments: dict[str, Any], words: str) -> None:
    """Nobody is asked."""
    asker = ScriptedAsker()
    with pytest.raises(InputError, match=words):
        Grounding(picture(), asker).ask(**arguments)
    assert asker.questions == []
