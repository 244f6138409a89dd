"""`glm.ground` and `%%glm_ground` against a scripted vendor: what leaves, what comes back, what goes wrong."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

import glm_magics
from glm_magics.errors import GLMError, InputError, NoProviderError, OptionError
from glm_magics.geometry import Box
from glm_magics.options import Options
from glm_magics.session import Session
from glm_magics.testing import FakeGLM, sse_frame

from .patience import AT_ONCE_S, PATIENCE_S
from .test_magics import run

pytest.importorskip("anywidget")

BOXES = '[{"label": "cup", "bbox_2d": [100, 200, 500, 600]}]'


def photo(width: int = 200, height: int = 100) -> Image.Image:
    return Image.merge("RGB", [Image.effect_noise((width, height), 90) for _ in range(3)])


def sent_pictures(request) -> list[tuple[int, int]]:
    parts = request.body["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [Image.open(io.BytesIO(base64.b64decode(url))).size for url in urls]


def sent_text(request) -> str:
    return "".join(part.get("text", "") for part in request.body["messages"][-1]["content"])


def test_a_defect_ends_the_asking(ip, fake: FakeGLM) -> None:
    """As a sentence: nobody waits for what no thread does any more."""

    def fail() -> None:
        raise ZeroDivisionError("a defect")

    fake.frames(fail)
    grounding = glm_magics.ground(photo(), "the cup").wait(AT_ONCE_S)
    assert not grounding.is_asking
    assert grounding.message == "The answer broke: ZeroDivisionError: a defect. Ask again."


def test_a_question_is_asked_in_the_background(ip, fake: FakeGLM) -> None:
    """The boxes come with the answer, in pixels of the picture that was given; the reply is there too."""
    fake.reply(f"Here: {BOXES}")
    grounding = glm_magics.ground(photo(), "the cup", think="off")
    assert grounding.wait(PATIENCE_S)
    [cup] = grounding.boxes
    assert (cup.label, cup.xyxy) == ("cup", pytest.approx((20, 20, 100, 60)))
    assert grounding.answer.startswith("Here:")
    assert grounding.reply.model == "glm-4.6v"
    assert list(grounding.reply.boxes) == list(grounding.boxes)
    assert fake.requests[0].body["thinking"] == {"type": "disabled"}
    assert sent_pictures(fake.requests[0]) == [(200, 100)]
    assert sent_text(fake.requests[0]).startswith("the cup\n")
    assert "_glm" not in ip.user_ns


@pytest.mark.parametrize(
    ("form", "sizes", "has_numbers"),
    [("thousandths", [(200, 100)], True), ("crop", [(100, 50)], False), ("both", [(200, 100), (100, 50)], True)],
)
def test_a_region_travels_as_numbers_or_as_a_crop(ip, fake: FakeGLM, form, sizes, has_numbers: bool) -> None:
    """As the user chooses; boxes on the crop come back as boxes on the picture."""
    fake.reply(BOXES)
    grounding = glm_magics.ground(photo())
    region = Box((0.5, 0.5, 1.0, 1.0), 200, 100)
    grounding.ask("the handle", region=region, region_form=form)
    assert grounding.wait(PATIENCE_S)
    assert sent_pictures(fake.requests[0]) == sizes
    assert ("[500, 500, 1000, 1000]" in sent_text(fake.requests[0])) == has_numbers
    expected = (110, 60, 150, 80) if form == "crop" else (20, 20, 100, 60)
    assert grounding.boxes[0].xyxy == pytest.approx(expected)


def test_what_is_done_to_the_picture_afterwards_changes_no_question(ip, fake: FakeGLM) -> None:
    """The widget asks about the picture that it was given."""
    fake.reply(BOXES)
    image = Image.new("RGB", (200, 100), "red")
    grounding = glm_magics.ground(image)
    image.paste("black", (0, 0, 200, 100))
    grounding.ask("the cup").wait(PATIENCE_S)
    url = next(part for part in fake.requests[0].body["messages"][-1]["content"] if part["type"] == "image_url")
    sent = Image.open(io.BytesIO(base64.b64decode(url["image_url"]["url"]))).convert("RGB")
    assert sent.getpixel((100, 50))[0] > 200


def test_an_error_is_a_sentence_in_the_widget(ip, fake: FakeGLM) -> None:
    """Nothing is raised from the thread; boxes that were there stay."""
    fake.reply(BOXES)
    fake.error(401, {"error": {"code": "1002", "message": "no"}})
    grounding = glm_magics.ground(photo(), "the cup")
    assert grounding.wait(PATIENCE_S)
    grounding.ask("more")
    assert grounding.wait(PATIENCE_S)
    assert "key" in grounding.message
    assert len(grounding.boxes) == 1


def test_the_model_goes_offline_in_mid_answer(ip, fake: FakeGLM) -> None:
    """What came is kept, boxes included, and the sentence says that it broke off."""
    fake.frames(sse_frame({"choices": [{"index": 0, "delta": {"content": f"{BOXES} and"}}]}))
    grounding = glm_magics.ground(photo(), "the cup")
    assert grounding.wait(PATIENCE_S)
    assert len(grounding.boxes) == 1
    assert grounding.message


@pytest.mark.parametrize(
    ("images", "words"),
    [
        pytest.param(5, "is no picture", id="number"),
        pytest.param("nowhere.png", "no file", id="path"),
        pytest.param("https://x.org/a.png", "behind an address", id="address"),
        pytest.param([], "no picture", id="empty-list"),
    ],
)
def test_what_is_no_picture_is_refused_at_once(ip, fake: FakeGLM, images: object, words: str) -> None:
    """Before a widget is made."""
    with pytest.raises(GLMError, match=words):
        glm_magics.ground(images, "x")
    assert fake.requests == []


def test_the_magic_shows_the_widget_and_keeps_it(ip, fake: FakeGLM) -> None:
    """Under the name given, else `_ground`; the question is the cell's text."""
    fake.reply(BOXES)
    fake.reply(BOXES)
    ip.user_ns["photos"] = [photo()]
    assert run(ip, "%%glm_ground photos[0] glm-4.5v --into cups\nthe cups").success
    assert ip.user_ns["cups"].wait(PATIENCE_S)
    assert fake.requests[0].body["model"] == "glm-4.5v"
    assert sent_text(fake.requests[0]).startswith("the cups\n")
    assert run(ip, "%%glm_ground photos\nthe cups").success
    assert ip.user_ns["_ground"].wait(PATIENCE_S)


@pytest.mark.parametrize(
    ("cell", "cls"),
    [
        pytest.param("%%glm_ground\nthe cups", InputError, id="no-picture"),
        pytest.param("%%glm_ground --into x\nthe cups", InputError, id="an-option-for-a-picture"),
        pytest.param("%%glm_ground nothing\nthe cups", OptionError, id="unknown-name"),
        pytest.param("%%glm_ground [photos, \nthe cups", OptionError, id="half-an-expression"),
        pytest.param("%%glm_ground 1/0 4.6v\nthe cups", OptionError, id="an-expression-that-fails"),
    ],
)
def test_mistakes_in_the_line_get_a_sentence(ip, fake: FakeGLM, cell: str, cls: type) -> None:
    """And nothing is sent."""
    assert type(run(ip, cell).error) is cls
    assert fake.requests == []


@pytest.mark.parametrize(
    "expression",
    ["[one, other]", "one.crop((0, 0, 100, 50))", "{'a': one}['a'] glm-4.5v", "[one,  other] --think off"],
)
def test_the_magic_takes_an_expression_with_spaces(ip, fake: FakeGLM, expression: str) -> None:
    """Up to the first option or the model's name."""
    fake.reply(BOXES)
    fake.reply(BOXES)
    ip.user_ns.update(one=photo(), other=photo(300, 300))
    assert run(ip, f"%%glm_ground {expression}\nthe cups").success
    assert ip.user_ns["_ground"].wait(PATIENCE_S).boxes


def test_boxes_that_one_has_can_be_opened_without_anybody_to_answer() -> None:
    """Seen, changed and saved; a question needs a provider, and is refused in a sentence."""
    nobody = Session(environment={})
    boxes = glm_magics.Boxes([Box.from_xyxy((20, 20, 100, 60), 200, 100, "cup")])
    grounding = nobody.ground(photo(), "", Options(), boxes)
    assert [(box.label, box.xyxy) for box in grounding.boxes] == [("cup", pytest.approx((20, 20, 100, 60)))]
    assert not grounding.widget.can_ask
    with pytest.raises(InputError, match="Nobody is there to answer"):
        grounding.ask("more")
    with pytest.raises(NoProviderError):
        nobody.ground(photo(), "the cup", Options(), boxes)


def test_files_keep_their_names_in_exports(ip, fake: FakeGLM, tmp_path) -> None:
    """A path's, a PIL file's; two of one name and what is from no file are numbered."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        photo().save(tmp_path / folder / "cup.jpg")
    photo().save(tmp_path / "mug.png")
    boxes = [Box.from_xyxy((20, 20, 100, 60), 200, 100, "cup", image) for image in range(4)]
    pictures = [tmp_path / "a" / "cup.jpg", str(tmp_path / "b" / "cup.jpg"), Image.open(tmp_path / "mug.png"), photo()]
    grounding = glm_magics.ground(pictures, boxes=boxes)
    names = [image["file_name"] for image in grounding.to_coco()["images"]]
    assert names == ["1-cup.jpg", "2-cup.jpg", "mug.png", "image-4.png"]


def test_a_dry_run_of_a_widget_is_refused(ip, fake: FakeGLM) -> None:
    """Nothing is sent behind the user's back."""
    with pytest.raises(OptionError, match="sends what it asks"):
        glm_magics.ground(photo(), "the cup", dry_run=True)
    assert fake.requests == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"chat": "talk"}, "no --chat", id="chat"),
        pytest.param({"schema": "name"}, "no --schema", id="schema"),
        pytest.param({"tools": [len], "yes": True}, "no --tools, --yes", id="tools"),
        pytest.param({"data": [1]}, "no --data", id="data"),
        pytest.param({"as_": "code"}, "no --as", id="as"),
        pytest.param({"model": "glm-4.6v,glm-4.5v"}, "asks one model", id="models"),
    ],
)
def test_what_a_widget_does_not_have_is_refused(ip, fake: FakeGLM, options: dict[str, object], words: str) -> None:
    """It is said, not ignored."""
    with pytest.raises(OptionError, match=words):
        glm_magics.ground(photo(), "the cup", **options)
    assert fake.requests == []


def test_the_help_of_the_cell_names_what_a_widget_has(ip) -> None:
    """No option that is refused."""
    page = ip.magics_manager.magics["cell"]["glm_ground"].__doc__
    assert "--temperature" in page
    assert not any(word in page for word in ("--chat", "--schema", "--tools", "--data"))


def test_questions_of_a_widget_are_in_the_books(ip, fake: FakeGLM) -> None:
    """Each with its cost, which counts for the ceiling of the session: past it nothing is sent."""
    fake.reply(BOXES, usage={"prompt_tokens": 10_000, "completion_tokens": 1_000, "total_tokens": 11_000})
    grounding = glm_magics.ground(photo(), "the cup")
    assert grounding.wait(PATIENCE_S)
    [call] = glm_magics.current_session().books.ledger.read("all")
    assert (call.model, call.prompt_tokens, call.cost) == ("glm-4.6v", 10_000, pytest.approx(grounding.reply.cost.amount))
    run(ip, "%config GLM.session_budget = 0.001")
    grounding.ask("more")
    assert grounding.wait(PATIENCE_S)
    assert "session_budget" in grounding.message
    assert len(fake.requests) == 1
    assert len(grounding.boxes) == 1
