"""Boxes in other formats: every round trip, every hostile label, every kind of bad file."""

from __future__ import annotations

import csv
import io
import json
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_magics.boxes import Boxes
from glm_magics.errors import InputError, MissingExtraError
from glm_magics.geometry import Box, Point, Shape

SIZES = [(640, 480), (1999, 1333), (31, 7)]
NAMES = ["a.jpg", "folder/b.v2.png", "图 3.webp"]

CARRIERS: dict[str, Callable[[Boxes], Boxes]] = {
    "coco": lambda boxes: Boxes.from_coco(json.loads(json.dumps(boxes.to_coco(NAMES))), NAMES),
    "coco-unnamed": lambda boxes: Boxes.from_coco(boxes.to_coco()),
    "yolo": lambda boxes: Boxes.from_yolo(boxes.to_yolo(NAMES), SIZES, NAMES),
    "yolo-unnamed": lambda boxes: Boxes.from_yolo(boxes.to_yolo(), SIZES),
    "voc": lambda boxes: Boxes.from_voc(boxes.to_voc(NAMES), NAMES),
    "voc-unnamed": lambda boxes: Boxes.from_voc(boxes.to_voc()),
    "csv": lambda boxes: Boxes.from_csv(boxes.to_csv()),
    "frame": lambda boxes: Boxes.from_frame(boxes.to_frame()),
    "glm": lambda boxes: Boxes.from_glm_json(boxes.to_glm_json(), SIZES),
}
"""There and back; file formats go through the text of the file."""

HOLDS_POINTS = {"csv", "frame", "glm"}


def on(image: int, x1: float, y1: float, x2: float, y2: float, label: str = "") -> Box:
    width_px, height_px = SIZES[image]
    return Box((x1, y1, x2, y2), width_px, height_px, label, image=image)


def by_picture(boxes: Boxes) -> list[Shape]:
    """Formats with a file per picture keep the order within a picture only."""
    return sorted(boxes, key=lambda shape: shape.image)


sides = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@st.composite
def any_box(draw: st.DrawFn) -> Box:
    (x1, x2), (y1, y2) = draw(sides), draw(sides)
    return on(draw(st.integers(0, 2)), x1, y1, x2, y2, draw(st.text(max_size=20)))


@pytest.mark.parametrize("carrier", CARRIERS)
@settings(max_examples=60, deadline=None)
@given(shapes=st.lists(any_box(), max_size=6))
def test_round_trips(carrier: str, shapes: list[Box]) -> None:
    """Every box of a pixel or more comes back in place within half a pixel (GLM: a thousandth), with its picture and label."""
    boxes = Boxes(box for box in shapes if min(box.xyxy[2] - box.xyxy[0], box.xyxy[3] - box.xyxy[1]) >= 1)
    back = CARRIERS[carrier](boxes)
    assert len(back) == len(boxes)
    for before, after in zip(by_picture(boxes), by_picture(back), strict=True):
        assert after.image == before.image
        assert (after.width_px, after.height_px) == (before.width_px, before.height_px)
        slack = [size * 0.00101 if carrier == "glm" else 0.5001 for size in SIZES[before.image] * 2]
        assert all(abs(a - b) <= s for a, b, s in zip(after.xyxy, before.xyxy, slack, strict=True))  # type: ignore[union-attr]


HOSTILE = [
    pytest.param("cat", id="plain"),
    pytest.param("", id="none"),
    pytest.param("  blanks ", id="blanks"),
    pytest.param("a\nb\r\nc\rd\te", id="line-breaks"),
    pytest.param("</name><name>x&amp;\"'", id="markup"),
    pytest.param("]]><!-- --><!DOCTYPE x>", id="markup-that-declares"),
    pytest.param('=HYPERLINK("http://x")', id="formula"),
    pytest.param("'=1+1", id="quoted-formula"),
    pytest.param("''+1", id="twice-quoted-formula"),
    pytest.param("'tis", id="apostrophe"),
    pytest.param("＝1", id="full-width-formula"),
    pytest.param("@cmd|'/C calc'!A0", id="dde"),
    pytest.param('a,b;c\t"d"', id="separators"),
    pytest.param("no", id="yaml-says-false"),
    pytest.param("- {a: [1]} # !!python/object:os.system", id="yaml-tags"),
    pytest.param("猫 🐱 قطة \u202eevil", id="scripts"),
    pytest.param("\x7f\x85\u2028\ufeff", id="odd-breaks"),
    pytest.param("nan", id="nan"),
    pytest.param("x" * 5000, id="5000-characters"),
    pytest.param("../../etc/passwd", id="path"),
]


@pytest.mark.parametrize("label", HOSTILE)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_hostile_labels_survive(carrier: str, label: str) -> None:
    """Letter by letter."""
    boxes = Boxes([on(0, 0.25, 0.25, 0.75, 0.75, label), on(0, 0, 0, 0.5, 0.5, "other")])
    assert [shape.label for shape in CARRIERS[carrier](boxes)] == [label, "other"]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_letters_that_no_file_holds_are_replaced(carrier: str) -> None:
    """Half a character, and in XML control characters; the file can be written and read."""
    boxes = Boxes([on(0, 0.25, 0.25, 0.75, 0.75, "a\ud800b"), on(0, 0, 0, 0.5, 0.5, "a\x00\x1bb")])
    first, second = (shape.label for shape in CARRIERS[carrier](boxes))
    assert first == "a\ufffdb"
    assert second == ("a\ufffd\ufffdb" if carrier.startswith("voc") else "a\x00\x1bb")


@pytest.mark.parametrize("carrier", CARRIERS)
def test_nothing_and_what_cannot_be_seen(carrier: str) -> None:
    """No boxes, and boxes that a picture does not show, are written as none; no NaN anywhere."""
    assert len(CARRIERS[carrier](Boxes())) == 0
    unseen = [on(0, 0.5, 0.5, 0.5, 0.9), on(0, float("nan"), 0, 1, 1), on(0, 2, 2, 3, 3), on(0, -2, 0, -1, float("inf"))]
    assert len(CARRIERS[carrier](Boxes([*unseen, on(0, 0.5, 0.5, 7, 7)]))) == 1


@pytest.mark.parametrize("carrier", CARRIERS)
def test_points(carrier: str) -> None:
    """Kept where the format has them, left out with a sentence where not."""
    point = Point((0.25, 0.75), 640, 480, "tip")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        back = CARRIERS[carrier](Boxes([point]))
    if carrier in HOLDS_POINTS:
        assert [(shape.relative, shape.label) for shape in back] == [((0.25, 0.75), "tip")]
        assert not said
    else:
        assert len(back) == 0
        assert "1 point is left out" in str(said[0].message)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_picture_without_boxes_keeps_its_number(carrier: str) -> None:
    """Boxes of the second picture alone come back as boxes of the second picture."""
    assert [shape.image for shape in CARRIERS[carrier](Boxes([on(1, 0.1, 0.1, 0.9, 0.9, "x")]))] == [1]


BOX = Boxes([Box((0.1, 0.2, 0.6, 0.7), 640, 480, "cat", span=(3, 20))])


def test_coco_is_as_the_tools_want_it() -> None:
    """Ids from 1, corner and size in pixels, the area."""
    assert BOX.to_coco(["a.jpg"]) == {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [64.0, 96.0, 320.0, 240.0], "area": 76800.0, "iscrowd": 0}
        ],
    }


def test_coco_of_others() -> None:
    """Ids of any kind, annotations without a box, categories that are not told."""
    coco = {
        "images": [
            {"id": 139, "file_name": "x.jpg", "width": 100, "height": 50},
            {"id": "b", "file_name": "y.jpg", "width": 10, "height": 10},
        ],
        "annotations": [
            {"id": 1, "image_id": "b", "bbox": [1, 2, 3, 4], "category_id": 9},
            {"id": 2, "image_id": 139, "segmentation": [[1, 2, 3, 4, 5, 6]]},
        ],
    }
    (shape,) = Boxes.from_coco(coco)
    assert (shape.image, shape.xyxy, shape.label) == (1, (1, 2, 4, 6), "")  # type: ignore[union-attr]


def test_yolo_is_as_the_tools_want_it() -> None:
    """Middle and size as shares, classes from 0, an empty file for a picture without boxes, names that YAML reads."""
    files = BOX.to_yolo(["a.jpg", "b.jpg"])
    assert files == {
        "a.txt": "0 0.350000 0.450000 0.500000 0.500000\n",
        "b.txt": "",
        "data.yaml": 'nc: 1\nnames:\n  0: "cat"\n',
    }


@pytest.mark.parametrize("label", HOSTILE)
def test_yaml_reads_the_names(label: str) -> None:
    """A real reader of YAML agrees with ours."""
    yaml = pytest.importorskip("yaml")
    boxes = Boxes([on(0, 0.25, 0.25, 0.75, 0.75, label)])
    assert yaml.safe_load(boxes.to_yolo()["data.yaml"]) == {"nc": 1, "names": {0: label}}


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        pytest.param("classes.txt", "dog\ncat\n", "cat", id="labelimg"),
        pytest.param("obj.names", "dog\r\ncat", "cat", id="darknet"),
        pytest.param("data.yaml", "train: x\nnames: ['dog', 'it''s']\nnc: 2", "it's", id="flow-single-quotes"),
        pytest.param("data.yaml", 'names: ["dog", "c,]t"]\n', "c,]t", id="flow-double-quotes"),
        pytest.param("data.yaml", "names: [dog,\n  big cat]\n", "big cat", id="flow-plain-over-lines"),
        pytest.param("data.yaml", "names:\n- dog\n- cat # best\nnc: 2\n", "cat", id="list"),
        pytest.param("data.yml", "names:\n  # all\n  0: dog\n\n  1: 'cat'\nkpt: 3\n", "cat", id="numbered"),
        pytest.param("data.yaml", "path: x\n", "1", id="no-names"),
        pytest.param("data.yaml", "names:\n  0: dog\n", "1", id="too-few"),
    ],
)
def test_names_files_of_others(name: str, text: str, label: str) -> None:
    """As labelImg, darknet, Ultralytics and Roboflow write them."""
    (shape,) = Boxes.from_yolo({"a.txt": "1 0.5 0.5 0.5 0.5\n", name: text}, (100, 100))
    assert shape.label == label


def test_voc_counts_from_one() -> None:
    """The whole of a picture is 1, 1, 640, 480; a quarter pixel becomes a pixel."""
    text = Boxes([on(0, 0, 0, 1, 1, "all"), on(0, 0.5, 0.5, 0.5003, 0.5003, "dot")]).to_voc(["a.jpg"])["a.xml"]
    root = ElementTree.fromstring(text)
    corners = [[node.text for node in box] for box in root.iter("bndbox")]
    assert corners == [["1", "1", "640", "480"], ["321", "241", "321", "241"]]
    assert (root.findtext("filename"), root.findtext("size/width")) == ("a.jpg", "640")


def test_csv_has_pixels_shares_and_the_place_in_the_text() -> None:
    """One row per shape; a spreadsheet runs nothing."""
    (row,) = csv.DictReader(io.StringIO(BOX.to_csv()))
    assert row == {
        **{"image": "0", "label": "cat", "x1": "64.0", "y1": "96.0", "x2": "384.0", "y2": "336.0", "width_px": "640"},
        **{"height_px": "480", "relative_x1": "0.1", "relative_y1": "0.2", "relative_x2": "0.6", "relative_y2": "0.7"},
        **{"span_start": "3", "span_end": "20"},
    }
    assert '"\'=1+1"' in Boxes([on(0, 0, 0, 1, 1, "=1+1")]).to_csv()
    assert Boxes.from_csv(BOX.to_csv())[0].span == (3, 20)


def test_a_csv_of_others_needs_few_columns() -> None:
    """Byte order mark, no label, no picture."""
    (shape,) = Boxes.from_csv("\ufeffx1,y1,x2,y2,width_px,height_px\n1,2,3,4,10,10\n")
    assert (shape.xyxy, shape.label, shape.image) == ((1, 2, 3, 4), "", 0)  # type: ignore[union-attr]


def test_an_edited_frame_is_read() -> None:
    """Pixels count, labels may be missing, rows may be filtered."""
    frame = Boxes([on(0, 0, 0, 0.5, 0.5, "a"), on(1, 0, 0, 0.5, 0.5, "b")]).to_frame()
    frame.loc[0, "x2"], frame.loc[0, "label"] = 64.0, None
    first, second = Boxes.from_frame(frame)
    assert first.xyxy == (0, 0, 64, 240)  # type: ignore[union-attr]
    assert (first.label, second.label, second.image) == ("", "b", 1)


def test_glm_json_is_what_goes_into_a_prompt() -> None:
    """Whole thousandths, half up, 0 to 999; the picture from 1, where there are several."""
    shapes = [on(0, 0.0005, 0, 1, 1, "all 猫"), on(0, 0.25, 0.25, 0.2501, 0.2501)]
    assert Boxes(shapes).to_glm_json() == '[{"label": "all 猫", "bbox_2d": [1, 0, 999, 999]}, {"bbox_2d": [250, 250, 251, 251]}]'
    assert Boxes([on(1, 0, 0, 0.5, 0.5, "x")]).to_glm_json() == '[{"image": 2, "label": "x", "bbox_2d": [0, 0, 500, 500]}]'


class Detections:
    """What is used of supervision's class."""

    def __init__(self, xyxy: Any, class_id: Any = None, data: dict[str, Any] | None = None) -> None:
        self.xyxy, self.class_id, self.data = xyxy, class_id, data or {}


@pytest.fixture
def supervision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in, so that the test needs no OpenCV; the benchmark runs the real one."""
    module = type(sys)("supervision")
    module.Detections = Detections  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "supervision", module)


def test_supervision(supervision: None) -> None:
    """Float corners, whole class ids, names and pictures beside them; back again; empty ones of the right shape."""
    boxes = Boxes([on(0, 0.1, 0.1, 0.9, 0.9, "b\x00"), on(1, 0.2, 0.2, 0.4, 0.4, "a")])
    detections = boxes.to_supervision()
    assert detections.xyxy.dtype.kind == "f"
    assert detections.class_id.tolist() == [1, 0]
    back = Boxes.from_supervision(detections, SIZES)
    assert [(shape.label, shape.image) for shape in back] == [("b\x00", 0), ("a", 1)]
    assert back[0].xyxy == pytest.approx(boxes[0].xyxy)  # type: ignore[union-attr]
    assert Boxes().to_supervision().xyxy.shape == (0, 4)


def test_detections_without_names() -> None:
    """The number of the class is the label, nothing when there is none."""
    assert Boxes.from_supervision(Detections([[1, 1, 5, 5]], [7]), (10, 10))[0].label == "7"
    assert Boxes.from_supervision(Detections([[1, 1, 5, 5]]), (10, 10))[0].label == ""


@pytest.mark.parametrize(
    ("module", "act"),
    [
        pytest.param("supervision", BOX.to_supervision, id="supervision"),
        pytest.param("pandas", BOX.to_frame, id="pandas"),
    ],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, module: str, act: Callable[[], object]) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match="pip install"):
        act()


VOC = BOX.to_voc()["image-1.xml"]
BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><annotation><filename>&d;</filename></annotation>'
BAD = [
    pytest.param(lambda: Boxes.from_coco([]), "COCO", id="coco-list"),  # type: ignore[arg-type]
    pytest.param(lambda: Boxes.from_coco({}), "'images' is missing", id="coco-empty"),
    pytest.param(lambda: Boxes.from_coco({"images": [], "annotations": [{"image_id": 7}]}), "7 is missing", id="coco-image"),
    pytest.param(
        lambda: Boxes.from_coco({**BOX.to_coco(), "annotations": [{"image_id": 1, "bbox": [1, 2]}]}), "COCO", id="coco-box"
    ),
    pytest.param(lambda: Boxes.from_coco(BOX.to_coco(["x.png"]), ["y.png"]), "x.png", id="coco-strange-name"),
    pytest.param(
        lambda: Boxes.from_coco({**BOX.to_coco(), "images": [{"id": 1, "file_name": "a", "width": 0, "height": 5}]}),
        "0 × 5 pixels",
        id="coco-size",
    ),
    pytest.param(lambda: Boxes.from_yolo({"a.txt": "0 1 2\n"}, (5, 5)), "3 numbers", id="yolo-three"),
    pytest.param(lambda: Boxes.from_yolo({"a.txt": "cat 1 1 1 1\n"}, (5, 5)), "YOLO", id="yolo-word"),
    pytest.param(lambda: Boxes.from_yolo({"a.txt": "0 1 1 1 1"}, (0, 5)), "0 × 5 pixels", id="yolo-size"),
    pytest.param(lambda: Boxes.from_yolo({"a.txt": "", "b.txt": "0 1 1 1 1"}, [(5, 5)]), "1 sizes", id="yolo-few-sizes"),
    pytest.param(lambda: Boxes.from_yolo("0 1 1 1 1", (5, 5)), "YOLO", id="yolo-text"),  # type: ignore[arg-type]
    pytest.param(lambda: Boxes.from_voc({"a.xml": VOC[:80]}), "damaged", id="voc-cut-off"),
    pytest.param(lambda: Boxes.from_voc({"a.xml": BOMB}), "document type", id="voc-entities"),
    pytest.param(lambda: Boxes.from_voc({"a.xml": "<annotation/>"}), "'filename' is missing", id="voc-empty"),
    pytest.param(lambda: Boxes.from_voc({"a.xml": VOC.replace(">65<", ">x<")}), "VOC", id="voc-word"),
    pytest.param(lambda: Boxes.from_csv("a,b\n1,2\n"), "'width_px' is missing", id="csv-columns"),
    pytest.param(lambda: Boxes.from_csv(BOX.to_csv().replace("64.0", "x")), "CSV", id="csv-word"),
    pytest.param(lambda: Boxes.from_csv(None), "CSV", id="csv-none"),  # type: ignore[arg-type]
    pytest.param(lambda: Boxes.from_frame([1]), "no pandas frame", id="frame-list"),  # type: ignore[arg-type]
    pytest.param(lambda: Boxes.from_frame(pd.DataFrame({"x1": [1]})), "'width_px' is missing", id="frame-columns"),
    pytest.param(lambda: Boxes.from_glm_json("a cat", (5, 5)), "parse_boxes", id="glm-prose"),
    pytest.param(lambda: Boxes.from_glm_json("[1]", (5, 5)), "JSON", id="glm-number"),
    pytest.param(lambda: Boxes.from_glm_json("{}" * 2, (5, 5)), "JSON", id="glm-two"),
    pytest.param(lambda: Boxes.from_glm_json("[" * 100_000, (5, 5)), "JSON", id="glm-deep"),
    pytest.param(lambda: Boxes.from_glm_json('[{"bbox_2d": [1, 2, 3]}]', (5, 5)), "JSON", id="glm-three"),
    pytest.param(lambda: Boxes.from_supervision([[1, 2, 3, 4]], (5, 5)), "detections", id="supervision-list"),
    pytest.param(lambda: BOX.to_coco([]), "0 file names", id="no-names"),
    pytest.param(lambda: BOX.to_voc("a.jpg"), "one name each", id="names-text"),
    pytest.param(lambda: BOX.to_voc([""]), "no file name", id="name-empty"),
    pytest.param(lambda: BOX.to_yolo(["a.jpg", "a.jpg"]), "one name each", id="names-twice"),
    pytest.param(lambda: BOX.to_yolo(["a.jpg", "a.png"]), "share one .txt", id="names-same-stem"),
    pytest.param(lambda: Boxes([on(0, 0, 0, 1, 1), on(1, 0, 0, 1, 1)]).to_coco(["a.jpg"]), "picture 2", id="names-too-few"),
]


@pytest.mark.parametrize(("act", "sentence"), BAD)
def test_bad_files_are_one_sentence(act: Callable[[], object], sentence: str) -> None:
    """Each says what is wrong and what to do."""
    with pytest.raises(InputError) as caught:
        act()
    assert sentence in str(caught.value)
    assert caught.value.way_out
    assert "\n" not in str(caught.value)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_a_reader(text: str) -> None:
    """Any text is boxes or a sentence."""
    for read in (
        lambda: Boxes.from_csv(text),
        lambda: Boxes.from_voc({"a.xml": text}),
        lambda: Boxes.from_yolo({"a.txt": text, "data.yaml": f"names: {text}"}, (5, 5)),
        lambda: Boxes.from_yolo({"a.txt": "0 1 1 1 1", "data.yaml": f"names:\n  {text}"}, (5, 5)),
        lambda: Boxes.from_glm_json(text, (5, 5)),
    ):
        with suppress(InputError):
            assert isinstance(read(), Boxes)
