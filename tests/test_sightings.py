"""Boxes of an answer are seen on the picture, in the cell, with the number and colour that their words have."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from glm_magics.boxes import Boxes
from glm_magics.display import NotebookPainter
from glm_magics.messages import ImagePart
from glm_magics.replies import Delta, ReplyFold
from glm_magics.sightings import MAX_SIDE_PX, Sightings
from glm_magics.testing import FakeGLM

from .test_magics import bundles, run

ANSWER = "A face at [300, 80, 470, 290] and a flag at [[2, 5, 200, 700]]."


def photo(width: int = 200, height: int = 100) -> Image.Image:
    return Image.merge("RGB", [Image.effect_noise((width, height), 90) for _ in range(3)])


def part(image: Image.Image) -> ImagePart:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return ImagePart(buffer.getvalue(), "image/png", *image.size)


def pictures_of(result) -> list[Image.Image]:
    """As they are at the end: one may be drawn several times while the answer comes."""
    found: dict[object, str] = {}
    for number, output in enumerate(result.shown.outputs):
        data = output.data.get("image/png") or output.data.get("image/jpeg")
        if data:
            found[output.metadata.get("glm", {}).get("picture", f"another {number}")] = data
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found.values()]


def markdown_of(result) -> str:
    return "\n".join(bundle.get("text/markdown", "") for bundle in bundles(result))


def test_boxes_are_drawn_below_the_answer_and_kept(ip, fake: FakeGLM) -> None:
    """The annotated picture is a plain output of the cell; the reply has the boxes in pixels."""
    fake.reply(ANSWER)
    ip.user_ns["photo"] = photo()
    result = run(ip, "%%glm\nWhat is where in {photo}?")
    assert result.success
    assert pictures_of(result)[-1].size == (200, 100)
    assert "image/" in str(bundles(result)[-1].keys())
    face, flag = ip.user_ns["_glm"].boxes
    assert face.xyxy == pytest.approx((60, 8, 94, 29))
    assert ANSWER[slice(*face.span)] == "[300, 80, 470, 290]"
    assert ANSWER[slice(*flag.span)].strip("[]") == "2, 5, 200, 700"


def test_words_and_box_share_number_and_colour(ip, fake: FakeGLM) -> None:
    """A circled number behind the numbers, on the colour of the box."""
    fake.reply(ANSWER)
    ip.user_ns["photo"] = photo()
    text = markdown_of(run(ip, "%%glm\n{photo}"))
    assert '[300, 80, 470, 290] <span style="background-color:#e69f00;' in text
    assert ">①</span>" in text
    assert ">②</span>" in text
    assert ip.user_ns["_glm"].text == ANSWER


def test_boxes_given_in_code_are_named_below_it(ip, fake: FakeGLM) -> None:
    """Code stays as it is; a line below it has numbers, colours and labels, escaped."""
    code = '```json\n[{"label": "<img src=x onerror=alert(1)>", "bbox_2d": [300, 80, 470, 290]}]\n```\n'
    fake.reply(code)
    ip.user_ns["photo"] = photo()
    result = run(ip, "%%glm\n{photo}")
    text = markdown_of(result)
    assert text.count(">①</span>") == 1
    assert "bbox_2d" in text.split("<span")[0]
    assert "&lt;img src=x" in text.split("</span>")[1]
    assert len(pictures_of(result)) == 1


def test_box_tokens_and_thinking_do_not_move_the_spans(ip, fake: FakeGLM) -> None:
    """They are read before the tokens are taken out of the text; drafts in the thinking are none."""
    fake.reply("<think>maybe [1, 1, 9, 9]</think>It is <|begin_of_box|>[[300,80,470,290]]<|end_of_box|> there.")
    ip.user_ns["photo"] = photo()
    assert run(ip, "%%glm\n{photo}").success
    reply = ip.user_ns["_glm"]
    [box] = reply.boxes
    assert reply.text[slice(*box.span)] in ("[[300,80,470,290]]", "[300,80,470,290]")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("There is nobody.", "no box", id="words"),
        pytest.param("At [300, 80, 4700, 2900].", "1000", id="over-the-scale"),
    ],
)
def test_no_boxes_no_picture_but_a_reason(ip, fake: FakeGLM, answer: str, reason: str) -> None:
    """The cell is as it would be without."""
    fake.reply(answer)
    ip.user_ns["photo"] = photo()
    result = run(ip, "%%glm\n{photo}")
    assert pictures_of(result) == []
    boxes = ip.user_ns["_glm"].boxes
    assert isinstance(boxes, Boxes)
    assert len(boxes) == 0
    assert reason in boxes.reason


def test_no_picture_was_sent_no_box_is_looked_for(ip, fake: FakeGLM) -> None:
    """A text model's lists of numbers are lists of numbers."""
    fake.reply("The values are [1, 2, 3, 4].")
    result = run(ip, "%%glm\nGive values")
    assert "①" not in markdown_of(result)
    assert len(ip.user_ns["_glm"].boxes) == 0


def test_of_several_pictures_only_the_one_that_is_meant(ip, fake: FakeGLM) -> None:
    """An answer that does not number the pictures is drawn on none of them."""
    fake.reply(ANSWER)
    fake.reply('!<image_ref>[2, [[300,80,470,290]], "Figure 2"]</image_ref>')
    ip.user_ns |= {"a": photo(), "b": photo(400, 300)}
    assert pictures_of(run(ip, "%%glm\n{a} {b}")) == []
    assert len(ip.user_ns["_glm"].boxes) == 2
    drawn = pictures_of(run(ip, "%%glm\n{a} {b}"))  # once more at the end where it was drawn while the answer came
    assert {picture.size for picture in drawn} == {(400, 300)}
    assert ip.user_ns["_glm"].boxes[0].xyxy == pytest.approx((120, 24, 188, 87))


def test_the_picture_of_an_earlier_turn_is_drawn_on(ip, fake: FakeGLM) -> None:
    """The question of a chat is about it still."""
    fake.reply("A cup.")
    fake.reply('[{"label": "cup", "bbox_2d": [100, 200, 500, 600]}]')
    ip.user_ns["photo"] = photo()
    run(ip, "%%glm -c talk\nWhat is in {photo}?")
    [drawn] = pictures_of(run(ip, "%%glm -c talk\nWhere is it?"))
    assert drawn.size == (200, 100)
    assert [box.label for box in ip.user_ns["_glm"].boxes] == ["cup"]


def test_a_picture_behind_an_address_is_not_drawn_on(ip, fake: FakeGLM) -> None:
    """Its bytes are not here; pixels are thousandths then."""
    fake.reply(ANSWER)
    result = run(ip, "%%glm -i https://x.org/a.png\nWhere?")
    assert pictures_of(result) == []
    assert ip.user_ns["_glm"].boxes[0].xyxy == pytest.approx((300, 80, 470, 290))


def test_a_large_picture_is_kept_small() -> None:
    """In the notebook; the boxes are those of the whole picture."""
    sightings = Sightings([part(photo(4000, 500))])
    assert sightings.read(ANSWER, ANSWER)
    mime, data = sightings.draw(0)
    assert (mime, Image.open(io.BytesIO(data)).width) == ("image/jpeg", MAX_SIDE_PX)
    assert Image.open(io.BytesIO(sightings.draw(0, is_live=True)[1])).width < MAX_SIDE_PX


def test_boxes_appear_while_the_answer_grows() -> None:
    """The picture is updated in place, stays below the text, and the whole text is there in the end, once."""
    outputs: dict[str, dict[str, str]] = {}

    def publish(data, metadata, display_id, update) -> None:
        assert update == (display_id in outputs)
        outputs[display_id] = data

    painter = NotebookPainter(publish, sightings=Sightings([part(photo())]))
    fold = ReplyFold("glm-4.6v", 0.0)
    painter.start("glm-4.6v")
    words = [
        "Look.\n\n",
        "A face at [300, 80, 470, 290].\n\n",
        "A flag at [[2, 5, 200, 700]].\n\n",
        "And words. " * 100,
        "\n\nEnd.",
    ]
    n_boxes = []
    for now_s, word in enumerate(words, 1):
        fold.add(Delta(content=word), now_s)
        painter.paint(fold, now_s)
        n_boxes.append(sum(len(bundle["text/plain"].splitlines()) for bundle in outputs.values() if "text/plain" in bundle))
    painter.finish(fold, fold.finish(9.0))
    assert n_boxes[0] == 0
    assert n_boxes[1] < n_boxes[2]
    assert "-picture-0" in list(outputs)[-1]
    shown = "".join(bundle.get("text/markdown", "") for bundle in outputs.values())
    for once in ("Look.", "A face at", "A flag at", "End."):
        assert shown.count(once) == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a \ue0b11\ue0b2 b [300, 80, 470, 290]", id="forged-mark"),
        pytest.param("`[300, 80, 470, 290]` and ~~~\n[300, 80, 470, 290]\n~~~ [300, 80, 470, 290]", id="code"),
    ],
)
def test_marks_are_ours_and_never_in_code(text: str) -> None:
    """A model cannot write one, and what is to be copied stays as it is."""
    sightings = Sightings([part(photo())])
    sightings.read(text, text)
    shown = sightings.colour(sightings.mark(text))
    assert shown.count("<span") <= 1
    assert "<span" not in "".join(piece for piece in shown.split("`")[1:2])
    assert "\ue0b1" not in shown


def test_the_last_number_counts_when_the_answer_has_ended() -> None:
    """While it grows, 48 may still be 480."""
    sightings = Sightings([part(photo())])
    assert not sightings.read("Bounding box: 300, 80, 470, 480", "Bounding box: 300, 80, 470, 480")
    assert sightings.read("Bounding box: 300, 80, 470, 480", "Bounding box: 300, 80, 470, 480", is_growing=False)
    assert sightings.boxes[0].raw == (300, 80, 470, 480)


def test_what_was_not_used_is_found_in_the_shown_text() -> None:
    """Its span is one of the text without box tokens, as those of the boxes are."""
    sightings = Sightings([part(photo())])
    sightings.read("<|begin_of_box|>[[300,80,470,290],[1,2,99999,4]]<|end_of_box|>", "[[300,80,470,290],[1,2,99999,4]]")
    assert [unread.span for unread in sightings.boxes.unread] == [(18, 31)]


TWO = 'Picture 1: [{"label":"a","bbox_2d":[100,200,500,600]}] Picture 2: [{"label":"b","bbox_2d":[100,200,500,600]}]'


@pytest.mark.parametrize(
    ("answer", "n_pictures", "note"),
    [
        pytest.param(TWO, 2, "", id="both-named"),
        pytest.param('[{"label":"a","bbox_2d":[100,200,500,600]}]', 0, "does not say on which picture", id="none-named"),
        pytest.param("[[10, 20, 3000, 40]]", 0, "The numbers go over 1000", id="over-the-scale"),
        pytest.param("Two photos of a garden, taken in 1998.", 0, "", id="nothing-to-say"),
    ],
)
def test_boxes_that_are_not_drawn_are_explained(ip, fake: FakeGLM, answer: str, n_pictures: int, note: str) -> None:
    """Each of two pictures gets its own boxes; where it cannot be told, a sentence stands below the answer."""
    fake.reply(answer)
    ip.user_ns.update(one=photo(), other=photo(300, 300))
    result = run(ip, "%%glm\nWhat is in {one} and {other}?")
    assert [picture.size for picture in pictures_of(result)] == [(200, 100), (300, 300)][:n_pictures]
    said = markdown_of(result)
    assert note in said
    assert bool(note) == ("boxes are" in said or "over 1000" in said)
