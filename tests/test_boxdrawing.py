"""Boxes drawn on pictures: where lines and labels go, their colours, and labels and pictures of every bad kind."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from glm_magics.boxcolours import DASHES, PALETTE, STYLES, contrast, styles_of
from glm_magics.boxdrawing import draw_shapes
from glm_magics.boxlabels import Anchor, FreeSpace, label_text
from glm_magics.errors import GLMError, InputError, MediaError
from glm_magics.fonts import find_faces
from glm_magics.geometry import Box, Point, Shape

W, H = 640, 480
GREY = (128, 128, 128)


def grey(width_px: int = W, height_px: int = H) -> Image.Image:
    return Image.new("RGB", (width_px, height_px), GREY)


def box(x1: float, y1: float, x2: float, y2: float, label: str = "", image: int = 0) -> Box:
    return Box((x1, y1, x2, y2), W, H, label, image=image)


def changed(image: Image.Image) -> np.ndarray:
    """True where something was drawn on grey; shape (height, width)."""
    return (np.asarray(image) != GREY).any(axis=2)


def test_a_box_is_a_line_inside_its_edge_with_a_halo_outside() -> None:
    """Two pixels of colour from the edge inwards, one of black around, the inside and the rest as they were."""
    drawn = draw_shapes(grey(), [box(0.25, 0.25, 0.75, 0.75)])
    row = [drawn.getpixel((x, 240)) for x in range(157, 164)]
    assert row == [GREY, GREY, (0, 0, 0), PALETTE[0], PALETTE[0], GREY, GREY]
    assert drawn.getpixel((479, 240)) == PALETTE[0]
    assert drawn.getpixel((480, 240)) == (0, 0, 0)
    assert drawn.getpixel((320, 240)) == GREY


def test_the_picture_stays_as_it_is_and_the_copy_is_new() -> None:
    """Drawing is on a copy, also when there is nothing to draw."""
    image = grey()
    before = image.tobytes()
    drawn = draw_shapes(image, [box(0.1, 0.1, 0.9, 0.9, "cat")])
    assert image.tobytes() == before
    assert drawn.tobytes() != before
    empty = draw_shapes(image, [])
    assert empty is not image
    assert empty.tobytes() == before


def test_a_larger_picture_of_the_same_scene_has_its_boxes_in_place() -> None:
    """Boxes are relative: a box of 640 × 480 stands right on 1280 × 960."""
    drawn = draw_shapes(grey(1280, 960), [box(0.25, 0.25, 0.75, 0.75)])
    assert drawn.getpixel((320, 480)) == PALETTE[0]
    assert drawn.getpixel((319, 480)) == (0, 0, 0)


def test_a_sideways_photograph_is_drawn_upright() -> None:
    """The orientation of EXIF is applied before the boxes are drawn."""
    sideways = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = BytesIO()
    sideways.save(buffer, "JPEG", exif=exif)
    drawn = draw_shapes(Image.open(buffer), [])
    assert drawn.size == (20, 40)


def test_the_longest_side_is_reduced_on_request() -> None:
    """`max_side_px` makes the copy smaller and never larger."""
    assert draw_shapes(grey(), [], max_side_px=320).size == (320, 240)
    assert draw_shapes(grey(), [], max_side_px=5000).size == (W, H)


def test_shapes_of_other_pictures_are_not_drawn_but_numbered() -> None:
    """A box for picture 2 is not on picture 1, and the colour of the third shape is the third's."""
    shapes = [box(0.1, 0.1, 0.4, 0.4, image=1), box(0.1, 0.6, 0.4, 0.9, image=1), box(0.5, 0.5, 0.9, 0.9)]
    first, second = draw_shapes(grey(), shapes), draw_shapes(grey(), shapes, index=1)
    assert first.getpixel((320, 300)) == PALETTE[2]
    assert first.getpixel((64, 100)) == GREY
    assert second.getpixel((64, 100)) == PALETTE[0]
    assert not changed(draw_shapes(grey(), shapes, index=7)).any()


@pytest.mark.parametrize(
    ("corners", "label_rows"),
    [
        pytest.param((0.25, 0.25, 0.75, 0.75), range(107, 119), id="above"),
        pytest.param((0.25, 0.0, 0.75, 0.75), range(3, 12), id="inside-at-the-top-of-the-picture"),
        pytest.param((0.25, 0.0, 0.75, 0.03), range(16, 27), id="below-a-flat-one-at-the-top"),
    ],
)
def test_where_a_label_goes(corners: tuple[float, float, float, float], label_rows: range) -> None:
    """Above, else inside, else below; the label's ground is the box's colour."""
    drawn = draw_shapes(grey(), [box(*corners, "a cat")], numbers=False)
    assert all(drawn.getpixel((162, y)) == PALETTE[0] for y in label_rows)


def test_labels_at_the_right_edge_are_moved_into_the_frame() -> None:
    """The whole label is to be seen: its ground is as wide as for a box in the middle."""
    label = "a rather long label"

    def n_ground(x1: float, x2: float) -> int:
        drawn = np.asarray(draw_shapes(grey(), [box(x1, 0.5, x2, 0.9, label)], numbers=False))
        return int((drawn[229] == PALETTE[0]).all(axis=1).sum())

    assert n_ground(0.9, 1.0) == n_ground(0.4, 0.5) > 60


def test_a_tiny_box_keeps_its_inside_and_its_label_stands_apart() -> None:
    """Nothing but the line is drawn on it; the label is joined by a leader."""
    drawn = changed(draw_shapes(grey(), [box(0.5, 0.5, 0.515, 0.52, "bolt")]))
    assert not drawn[242:247, 322:327].any()
    assert drawn[243:260, 335:420].any() or drawn[200:238, 335:420].any()


def test_a_point_is_a_disc_with_a_halo() -> None:
    """Colour in the middle, halo around, a radius of at least four pixels."""
    drawn = draw_shapes(grey(), [Point((0.5, 0.5), W, H)])
    assert drawn.getpixel((320, 240)) == drawn.getpixel((317, 240)) == PALETTE[0]
    assert drawn.getpixel((316, 240)) == (0, 0, 0)


def test_many_boxes_have_numbers_instead_of_labels() -> None:
    """Beyond fifty, what a box is called makes no difference to the picture."""
    places = [(x / 10 + 0.01, y / 10 + 0.03) for y in range(6) for x in range(10)]

    def drawn(label: str, n: int) -> bytes:
        return draw_shapes(grey(), [box(x, y, x + 0.06, y + 0.05, label) for x, y in places[:n]]).tobytes()

    one_colour = next(label for label in map(str, range(100)) if _style(label) == _style("cat"))
    assert drawn("cat", 60) == drawn(one_colour, 60)
    assert drawn("cat", 40) != drawn(one_colour, 40)


def _style(label: str) -> object:
    return styles_of([box(0, 0, 1, 1, label)] * 2)[0]


def test_numbers_can_be_had_alone_or_not_at_all() -> None:
    """Three pictures of one labelled box, each drawn differently."""
    shapes = [box(0.3, 0.3, 0.8, 0.8, "cat")]
    both, alone, without = (draw_shapes(grey(), shapes, numbers=numbers).tobytes() for numbers in (None, True, False))
    assert len({both, alone, without}) == 3


@pytest.mark.skipif(bool(find_faces("猫")[1]), reason="no Chinese font on this machine")
def test_chinese_is_drawn_and_not_as_squares() -> None:
    """Two labels of the same length differ in their pixels; empty squares would not."""
    one, other = (draw_shapes(grey(), [box(0.2, 0.2, 0.8, 0.8, label)]).tobytes() for label in ("猫在树上", "狗在水中"))
    assert one != other


def test_letters_that_no_font_has_leave_the_number_and_say_so() -> None:
    """The number alone is drawn, as for a box without a label, and one warning names the letter."""
    with pytest.warns(UserWarning, match=r"no font shows U\+10FFFD"):
        drawn = draw_shapes(grey(), [box(0.2, 0.2, 0.8, 0.8, "cat \U0010fffd")])
    assert drawn.tobytes() == draw_shapes(grey(), [box(0.2, 0.2, 0.8, 0.8)]).tobytes()


HOSTILE = [
    pytest.param("a\nb\r\nc\tdd\x00\x1b[31m", "a b c dd[31m", id="controls"),
    pytest.param("\u202eevil\u2066\u200f", "evil", id="direction-overrides"),
    pytest.param("x" * 5000, "x" * 39 + "…", id="5000-characters"),
    pytest.param(" " * 5000, "", id="spaces"),
    pytest.param("e" + "\u0301" * 500, "e\u0301\u0301\u0301", id="a-heap-of-marks"),
    pytest.param("\ud800 half", "\ufffd half", id="surrogate"),
    pytest.param("<script>alert(1)</script>", "<script>alert(1)</script>", id="markup-is-letters"),
    pytest.param("قطة 🐱 cat", "قطة 🐱 cat", id="right-to-left-and-emoji"),
    pytest.param("👩\u200d🚀", "👩\u200d🚀", id="joined-emoji"),
]


@pytest.mark.parametrize(("label", "shown"), HOSTILE)
def test_what_of_a_hostile_label_is_shown(label: str, shown: str) -> None:
    """One line, cut, without what acts; and it can be drawn."""
    assert label_text(label) == shown
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a machine may lack the font
        assert changed(draw_shapes(grey(), [box(0.2, 0.2, 0.8, 0.8, label)])).any()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_no_label_breaks_the_drawing(labels: list[str]) -> None:
    """Any text at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draw_shapes(grey(200, 100), [box(0.1 * i, 0.1, 0.1 * i + 0.3, 0.8, label) for i, label in enumerate(labels)])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(0, 60), st.integers(1, 40), st.integers(1, 30), st.booleans()), max_size=30
    ),
    st.tuples(st.integers(1, 70), st.integers(1, 20)),
)
def test_labels_are_in_the_frame_and_never_overlap(boxes: list[tuple[int, int, int, int, bool]], size: tuple[int, int]) -> None:
    """Whatever the boxes and the size of the labels."""
    space = FreeSpace(100, 70)
    anchors = [Anchor((x, y, x + width, y + height), is_point) for x, y, width, height, is_point in boxes]
    for anchor in anchors[::2]:
        space.mark(anchor.rect)
    found = [space.find(anchor.spots(*size, 6), *size, may_cover=i % 3 == 0) for i, anchor in enumerate(anchors)]
    covered = np.zeros((70, 100), dtype=int)
    for left, top, right, bottom in filter(None, found):
        assert left >= 0
        assert top >= 0
        assert right <= 100
        assert bottom <= 70
        covered[top:bottom, left:right] += 1
    assert covered.max() <= 1


ODD_SHAPES: list[tuple[list[Shape], str]] = [
    ([Box((0.2, 0.2, 0.2, 0.8), W, H, "flat")], "zero-area"),
    ([Box((float("nan"), 0, 1, 1), W, H)], "nan"),
    ([Box((0, 0, float("inf"), 1), W, H)], "infinite"),
    ([Box((1.5, 1.5, 2, 2), W, H)], "wholly-outside"),
    ([Point((1.5, 0.5), W, H)], "point-outside"),
    ([Box((0.1, 0.1, 0.5, 0.5), 0, 0)], "no-size"),
    ([box(0.1, 0.1, 0.5, 0.5, image=3)], "another-picture"),
]


@pytest.mark.parametrize("shapes", [pytest.param(shapes, id=name) for shapes, name in ODD_SHAPES])
def test_shapes_that_cannot_be_seen_are_not_drawn(shapes: list[Shape]) -> None:
    """No error and no ink."""
    assert not changed(draw_shapes(grey(), shapes)).any()


def test_a_box_partly_outside_is_cut_and_one_with_swapped_corners_is_drawn() -> None:
    """The visible part is drawn at the edges of the picture."""
    drawn = draw_shapes(grey(), [Box((0.5, 0.5, -3, 7), W, H)])
    assert drawn.getpixel((0, 400)) == drawn.getpixel((100, 479)) == drawn.getpixel((319, 300)) == PALETTE[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (5, 4), (30, 20)], ids=str)
def test_small_pictures_are_drawn_on(size: tuple[int, int]) -> None:
    """A label that does not fit is left out; the box is there."""
    shapes = [box(0, 0, 1, 1, "a label longer than the picture"), Point((1, 1), 1, 1, "p")]
    assert changed(draw_shapes(grey(*size), shapes)).any()


def test_ten_thousand_boxes_are_drawn() -> None:
    """Numbers that find no place are left out; every box is there."""
    shapes = [box(i % 100 / 100, i // 100 / 100, i % 100 / 100 + 0.01, i // 100 / 100 + 0.01) for i in range(10_000)]
    assert changed(draw_shapes(grey(1000, 1000), shapes)).mean() > 0.3


def modes() -> list[Image.Image]:
    sixteen = Image.fromarray((np.arange(W * H, dtype=np.uint32) % 65536).astype(np.uint16).reshape(H, W))
    see_through = Image.new("RGBA", (W, H), (255, 0, 0, 0))
    return [*(Image.new(mode, (W, H)) for mode in ("1", "L", "P", "CMYK", "YCbCr", "F")), sixteen, see_through]


@pytest.mark.parametrize("image", modes(), ids=lambda image: image.mode)
def test_pictures_of_every_mode(image: Image.Image) -> None:
    """The copy is RGB and has the box's colour."""
    drawn = draw_shapes(image, [box(0.25, 0.25, 0.75, 0.75)])
    assert (drawn.mode, drawn.size) == ("RGB", (W, H))
    assert drawn.getpixel((160, 240)) == PALETTE[0]


class _Huge:
    """What a picture of 400 megapixels says of itself; its pixels must not be asked for."""

    width, height, mode, info = 20_000, 20_000, "RGB", {}

    def getexif(self) -> dict[int, int]:
        raise AssertionError


def cut_off() -> Image.Image:
    buffer = BytesIO()
    Image.effect_noise((200, 200), 90).save(buffer, "PNG")
    return Image.open(BytesIO(buffer.getvalue()[:9000]))


@pytest.mark.parametrize(
    ("image", "error", "sentence"),
    [
        pytest.param("photo.jpg", MediaError, "PIL.Image.open", id="a-path"),
        pytest.param(np.zeros((4, 4, 3), np.uint8), MediaError, "PIL.Image.open", id="an-array"),
        pytest.param(None, MediaError, "NoneType", id="none"),
        pytest.param(Image.new("RGB", (0, 5)), MediaError, "no pixels", id="no-pixels"),
        pytest.param(_Huge(), MediaError, "20000 × 20000", id="400-megapixels"),
        pytest.param(cut_off(), MediaError, "cut off or damaged", id="damaged"),
    ],
)
def test_what_is_no_picture_is_one_sentence(image: object, error: type[GLMError], sentence: str) -> None:
    """Each says what to do."""
    with pytest.raises(error, match=sentence) as caught:
        draw_shapes(image, [box(0, 0, 1, 1)])  # type: ignore[arg-type]
    assert caught.value.way_out


@pytest.mark.parametrize("side", [0, -5, 1.5, "1600", True], ids=repr)
def test_a_longest_side_that_is_none(side: object) -> None:
    """Only whole numbers above zero."""
    with pytest.raises(InputError, match="max_side_px"):
        draw_shapes(grey(), [], max_side_px=side)  # type: ignore[arg-type]


def test_every_colour_can_be_read() -> None:
    """Letters on it have a contrast of 4.5 or more, and no two styles are alike."""
    assert all(contrast(style.rgb, style.ink) >= 4.5 for style in STYLES)
    assert len(set(STYLES)) == len(PALETTE) * len(DASHES)


def labelled(*labels: str) -> list[Shape]:
    return [box(0, 0, 1, 1, label) for label in labels]


def test_colours_go_by_label_when_labels_repeat() -> None:
    """One label one colour, different ones differ, and the order of arrival changes nothing."""
    labels = ["cat", "dog", "cat", "car", "bus", "lamp", "sign"]
    styles = dict(zip(labels, styles_of(labelled(*labels)), strict=True))
    assert len({style.rgb for style in styles.values()}) == 6
    turned = dict(zip(labels[::-1], styles_of(labelled(*labels[::-1])), strict=True))
    assert turned == styles


def test_colours_go_by_place_when_none_repeats() -> None:
    """Nine colours, then the same with dashes; without labels too."""
    for shapes in (labelled(*map(str, range(30))), labelled(*[""] * 30)):
        styles = styles_of(shapes)
        assert [style.rgb for style in styles[:9]] == list(PALETTE)
        assert styles[9].rgb == PALETTE[0]
        assert styles[9].dash == DASHES[1]
        assert styles[27] == styles[0]


def test_the_hash_is_the_one_the_page_computes() -> None:
    """FNV-1a over UTF-16 code units, as the module tells: checked against a transcript of the JavaScript."""
    for label in ("cat", "猫", "🐱", "\ud800"):
        code = 2166136261
        for unit in memoryview(label.encode("utf-16-le", "surrogatepass")).cast("H"):
            code = (code ^ unit) * 16777619 % 2**32
        assert _style(label).rgb == PALETTE[code % 9]  # type: ignore[attr-defined]


def test_dashes_are_drawn() -> None:
    """Along the edge of the tenth box colour and black take turns."""
    others = [Box((0, 0, 0.01, 0.01), W, H, str(i)) for i in range(9)]
    drawn = draw_shapes(grey(), [*others, box(0.25, 0.25, 0.75, 0.75)])
    edge = {drawn.getpixel((x, 359)) for x in range(200, 400)}
    assert edge == {PALETTE[0], (0, 0, 0)}


@pytest.mark.parametrize("n", [40, 120])
def test_boxes_on_one_another_have_their_numbers_side_by_side(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty boxes around everything: forty numbers, in the frame and apart."""
    places: list[tuple[int, int, int, int]] = []
    monkeypatch.setattr("glm_magics.boxdrawing._draw_tag", lambda picture, brush, tag, place: places.append(place))
    draw_shapes(grey(), [box(0, 0, 1, 1, f"same {number % 8}") for number in range(n)])
    assert len(places) == n
    for number, (left, top, right, bottom) in enumerate(places):
        assert 0 <= left < right <= W
        assert 0 <= top < bottom <= H
        assert all(left >= r or right <= x or top >= b or bottom <= y for x, y, r, b in places[:number])
