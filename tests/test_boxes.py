"""Boxes as people hold them: made from pixels or an answer, shown, filtered, drawn and cut out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from glm_magics.boxes import Boxes, parse_boxes
from glm_magics.errors import InputError, MediaError
from glm_magics.geometry import Box, Point

W, H = 640, 480
CAT = Box((0.1, 0.2, 0.6, 0.7), W, H, "cat", span=(3, 20))
DOG = Box((0.5, 0.5, 1.0, 1.0), W, H, "dog")
FAR = Box((0.0, 0.0, 0.5, 0.5), 100, 50, "cat", image=1)
TIP = Point((0.25, 0.75), W, H, "tip")


@pytest.mark.parametrize(
    ("xyxy", "size", "thousandths"),
    [
        pytest.param((0, 0, 640, 480), (640, 480), (0, 0, 1000, 1000), id="whole-picture"),
        pytest.param((64, 48, 320, 240), (640, 480), (100, 100, 500, 500), id="scaled-by-each-side"),
        pytest.param((-5, -5, 900, 900), (640, 480), (0, 0, 1000, 1000), id="outside-is-cut"),
        pytest.param((320, 240, 64, 48), (640, 480), (100, 100, 500, 500), id="corners-in-any-order"),
        pytest.param((0, 0, 1, 1), (3, 3), (0, 0, 333, 333), id="rounded"),
        pytest.param((1, 1, 2, 2), (2000, 2000), (1, 1, 1, 1), id="half-up"),
    ],
)
def test_a_box_from_pixels(xyxy: Sequence[float], size: tuple[int, int], thousandths: tuple[int, ...]) -> None:
    """Whole numbers from 0 to 1000, of width and height separately."""
    assert Box.from_xyxy(xyxy, *size).thousandths == thousandths


@pytest.mark.parametrize(
    ("xyxy", "size"),
    [
        pytest.param((5, 5, 5, 9), (10, 10), id="zero-area"),
        pytest.param((20, 20, 30, 30), (10, 10), id="outside"),
        pytest.param((0, 0, float("nan"), 1), (10, 10), id="nan"),
        pytest.param((0, 0, 1), (10, 10), id="three-numbers"),
        pytest.param(("a", 0, 1, 1), (10, 10), id="word"),
        pytest.param((0, 0, 1, 1), (0, 10), id="no-width"),
        pytest.param((0, 0, 1, 1), (-5, 10), id="negative-width"),
        pytest.param(None, (10, 10), id="none"),
    ],
)
def test_no_box_from_these(xyxy: Any, size: tuple[int, int]) -> None:
    """One sentence says what a box needs."""
    with pytest.raises(InputError, match="There is no box at"):
        Box.from_xyxy(xyxy, *size)


def test_they_are_a_sequence_that_does_not_change() -> None:
    """Length, places, slices, membership, equality; no way to set anything."""
    boxes = Boxes([CAT, DOG, TIP])
    assert (len(boxes), boxes[0], boxes[-1], DOG in boxes) == (3, CAT, TIP, True)
    assert boxes[:2] == Boxes([CAT, DOG])
    assert boxes != Boxes([DOG, CAT])
    assert boxes != [CAT, DOG, TIP]
    assert len({boxes, Boxes([CAT, DOG, TIP])}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        boxes.shapes = ()  # type: ignore[misc]
    assert list(Boxes()) == []


def test_what_cannot_be_seen_is_left_out_at_once() -> None:
    """Corners are put in order, boxes cut; NaN, zero area and what is outside never get in."""
    odd = [
        Box((0.5, 0.5, -1.0, 2.0), W, H),
        Box((float("nan"), 0, 1, 1), W, H),
        Box((0.2, 0.2, 0.2, 0.9), W, H),
        Box((1.1, 0, 2, 1), W, H),
        Box((0, 0, 1, 1), W, H, image=-1),
    ]
    assert [shape.relative for shape in Boxes(odd)] == [(0.0, 0.5, 0.5, 1.0)]


def test_none_found_says_why() -> None:
    """The reason is shown as text and as HTML, escaped; where there are boxes there is none."""
    empty = Boxes(reason="The answer says <b>nothing</b>.")
    assert repr(empty) == "no boxes: The answer says <b>nothing</b>."
    assert empty._repr_html_() == "<p>The answer says &lt;b&gt;nothing&lt;/b&gt;.</p>"
    assert Boxes([CAT], "not needed").reason == ""
    assert Boxes().reason


def test_they_show_themselves_line_by_line() -> None:
    """Number, whole pixels, picture, label; up to twenty."""
    assert repr(Boxes([CAT, FAR, TIP], unread=[SimpleNamespace()])) == (  # type: ignore[list-item]
        "2 boxes and 1 point\n  1  [64, 96, 384, 336]  cat\n  2  [0, 0, 50, 25] picture 2  cat\n  3  [160, 360]  tip\n"
        "1 not used, see .unread"
    )
    lines = repr(Boxes([CAT] * 10_000)).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  … and 9980 more"


@pytest.mark.parametrize(
    "label",
    [
        pytest.param("<script>alert(1)</script>", id="script"),
        pytest.param('"><img src=x onerror=alert(1)>', id="attribute"),
        pytest.param("</td></table><iframe>", id="closing"),
        pytest.param("a\nb\x1b[31m\x00", id="controls"),
        pytest.param("$\\href{javascript:1}{x}$", id="formula"),
        pytest.param("x" * 5000, id="5000-characters"),
    ],
)
def test_hostile_labels_are_letters(label: str) -> None:
    """The table has the tags that it has for a plain label, no formula, no control; a line of text stays one line."""
    boxes, plain = Boxes([dataclasses.replace(CAT, label=label)]), Boxes([CAT])
    tag = re.compile(r"</?(?!br>|span>)\w+")
    assert tag.findall(boxes._repr_html_()) == tag.findall(plain._repr_html_())
    assert not re.search(r"[\x00-\x08\x0b-\x1f]|\$", boxes._repr_html_())
    assert len(repr(boxes).splitlines()) == 2
    assert len(repr(boxes)) < 100


def test_the_table_has_the_colours_of_the_drawing() -> None:
    """The number's ground is the colour of the box."""
    html = Boxes([CAT, DOG])._repr_html_()
    drawn = Boxes([CAT, DOG]).draw(Image.new("RGB", (W, H)))
    assert f"#{bytes(drawn.getpixel((639, 300))).hex()}" in html  # type: ignore[arg-type]
    assert "… and 9800 more" in Boxes([CAT] * 10_000)._repr_html_()


def test_filter() -> None:
    """By label, by picture, by both; nothing left says so."""
    boxes = Boxes([CAT, DOG, FAR])
    assert boxes.filter("cat") == Boxes([CAT, FAR])
    assert boxes.filter(image=0) == Boxes([CAT, DOG])
    assert boxes.filter("cat", image=1) == Boxes([FAR])
    assert "filter" in boxes.filter("").reason


def test_pictures_of_other_sizes() -> None:
    """Shares stay, pixels follow; each picture has its own size, and one without is a sentence."""
    boxes = Boxes([CAT, FAR]).on_pictures([(64, 48), (1000, 500)])
    assert [shape.xyxy for shape in boxes] == [pytest.approx((6.4, 9.6, 38.4, 33.6)), (0, 0, 500, 250)]  # type: ignore[union-attr]
    with pytest.raises(InputError, match="1 sizes are given"):
        Boxes([FAR]).on_pictures([(64, 48)])


def coloured() -> Image.Image:
    image = Image.new("RGB", (W, H), "white")
    image.paste((255, 0, 0), (320, 240, W, H))
    return image


def test_draw_one_picture_or_all() -> None:
    """`index` chooses the boxes; a list of pictures gives a list."""
    boxes, images = Boxes([CAT, FAR]), [coloured(), coloured()]
    first, second = boxes.draw(images)
    assert first.tobytes() == boxes.draw(images[0]).tobytes()
    assert second.tobytes() == boxes.draw(images[1], index=1).tobytes() != first.tobytes()
    assert boxes.draw(coloured(), max_side_px=320).size == (320, 240)


def test_crops() -> None:
    """One per box, in order, points and other pictures left out; a margin is cut at the edges."""
    boxes = Boxes([CAT, TIP, DOG, FAR])
    cat, dog = boxes.crops(coloured())
    assert (cat.size, dog.size) == ((320, 240), (320, 240))
    assert dog.getcolors() == [(320 * 240, (255, 0, 0))]
    assert [crop.size for crop in boxes.crops(coloured(), 0.5)] == [(544, 456), (480, 360)]
    assert [crop.size for crop in boxes.crops([coloured(), coloured()])] == [(320, 240), (320, 240), (320, 240)]
    assert boxes.crops(coloured(), index=9) == []


def test_crops_have_at_least_a_pixel() -> None:
    """A box thinner than a pixel, at the far edge, on the smallest picture."""
    thin = Boxes([Box((0.9999, 0.9999, 1.0, 1.0), 1, 1)])
    assert [crop.size for crop in thin.crops(Image.new("RGB", (1, 1)))] == [(1, 1)]
    assert [crop.size for crop in thin.crops(coloured())] == [(1, 1)]


def test_crops_of_a_sideways_photograph() -> None:
    """The orientation of EXIF is applied first: the box is where a person sees it."""
    sideways = Image.new("RGB", (40, 20), "white")
    sideways.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: left becomes top
    buffer = BytesIO()
    sideways.save(buffer, "PNG", exif=exif)
    top, bottom = Boxes([Box((0, 0, 1, 0.5), 20, 40), Box((0, 0.5, 1, 1), 20, 40)]).crops(Image.open(buffer))
    assert (top.getpixel((10, 10)), bottom.getpixel((10, 10))) == ((255, 0, 0), (255, 255, 255))


@pytest.mark.parametrize("margin", [-0.1, float("nan"), 11, "a", None], ids=repr)
def test_a_margin_that_is_none(margin: Any) -> None:
    """A share from 0 to 10."""
    with pytest.raises(InputError, match="margin"):
        Boxes([CAT]).crops(coloured(), margin)


def test_a_path_is_no_picture() -> None:
    """One sentence for both ways."""
    for act in (Boxes([CAT]).draw, Boxes([CAT]).crops):
        with pytest.raises(MediaError, match=r"PIL\.Image\.open"):
            act("photo.jpg")  # type: ignore[arg-type]


def test_parse_hands_everything_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, size and options reach the reader; shapes, reason and what was not used come back."""
    asked: list[Any] = []
    unread = (SimpleNamespace(),)

    def read_boxes(*args: Any, **options: Any) -> Any:
        asked.append((args, options))
        return SimpleNamespace(shapes=(CAT,), reason="", unread=unread)

    monkeypatch.setattr("glm_magics.boxes.read_boxes", read_boxes)
    boxes = parse_boxes("the cat", W, H, scale=100, order="yxyx", is_growing=True)
    assert asked == [(("the cat", W, H), {"scale": 100, "order": "yxyx", "is_growing": True})]
    assert (boxes, boxes.unread) == (Boxes([CAT]), unread)


def test_parse_an_answer() -> None:
    """A hosted model's sentence, by the real reader."""
    boxes = parse_boxes("The cat is at [100, 200, 600, 700].", W, H)
    assert [shape.xyxy for shape in boxes] == [pytest.approx(CAT.xyxy)]  # type: ignore[union-attr]
    assert parse_boxes("I cannot see a cat.", W, H).reason


@pytest.mark.parametrize(
    "letters",
    [pytest.param("\u202e", id="right to left"), pytest.param("\u2066", id="isolate"), pytest.param("\x1b[31m", id="red")],
)
def test_a_label_turns_nothing_around_in_a_terminal(letters: str) -> None:
    """Neither the direction of what follows nor its colour."""
    shown = repr(Boxes([dataclasses.replace(CAT, label=f"a{letters}gnp.exe")]))
    assert not set(letters) & set("\u202e\u2066\x1b") & set(shown)
    assert "gnp.exe" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        (None, 9, 9),
        (b"[1,2,3,4]", 9, 9),
        ("[1,2,3,4]", "10", 10),
        ("[1,2,3,4]", 10, None),
        ("[1,2,3,4]", 0, 10),
        ("[1,2,3,4]", 10, -1),
    ],
)
def test_what_is_no_answer_or_no_size_is_a_sentence(arguments: tuple[Any, ...]) -> None:
    """Never an error of Python's."""
    with pytest.raises(InputError):
        parse_boxes(*arguments)
