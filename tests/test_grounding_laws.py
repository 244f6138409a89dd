"""What holds for every text: no exception, boxes on the picture, boxes that stay while the rest streams, linear time."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_magics.geometry import Box
from glm_magics.grounding import read_boxes

from . import test_grounding as good
from .benchmarks.bench_grounding import ANSWERS
from .test_grounding_fresh import WITH_BOXES
from .test_grounding_hostile import PLACES

PIECES = (
    *"[](){}<>\"'`$|:=,;%\\\n -.e",
    *(
        "[[",
        "]]",
        "15",
        "40, 70",
        "220",
        "1e9",
        "９",
        "0.5",
        "-3",
        "9" * 30,
        "[15,40,70,220]",
        "[[90,41,150,230]]",
        "(15, 40)",
        "null",
    ),
    *(
        "bbox_2d",
        '"label"',
        '\\"bbox\\":',
        "{'label': 'cat', 'bbox_2d': ",
        '"x1":',
        "x1=15, y1=40, ",
        "x2=70, y2=220",
        "top-left ",
        "bottom-right ",
    ),
    *(
        "<|begin_of_box|>",
        "<|end_of_box|>",
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "<box>",
        "</box>",
        "<ref>",
        "</ref>",
        "<loc_15>",
    ),
    *(
        "<image_ref>",
        "</image_ref>",
        "<point x=",
        "<|det|>",
        "<arg_key>",
        "<arg_value>",
        "CLICK(box=",
        "start_box='",
        'do(action="Tap", element=',
    ),
    *(
        "```json\n",
        "```python\n",
        "```",
        "$$",
        "\\(",
        "\\[",
        "https://",
        "](",
        "| x1 | y1 | x2 | y2 |\n",
        "|---|",
        "bounds=",
        "左上角",
        "右下角",
        "坐标为",
    ),
    *("scores ", "The box is ", "Image 2:", "\u200b", "\x00", "\x1d", "\x85", "\ud800", "İ", "ﬁ", "①", "图1："),
)
GOOD = (good.SENTENCES, good.CHINESE, good.JSON, good.ACTIONS, good.TAGS, good.THINKING, WITH_BOXES, PLACES)
EXAMPLES = [(row.id, str(row.values[0])) for table in GOOD for row in table]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good answer with some characters replaced by something else."""
    text = draw(st.sampled_from(EXAMPLES))[1]
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(("", *PIECES))) + text[place + draw(st.integers(0, 4)) :]
    return text


TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join), damaged())


@settings(max_examples=600, deadline=None)
@given(
    text=TEXTS,
    scale=st.sampled_from([1000, 100, 1, "pixel"]),
    order=st.sampled_from(["xyxy", "yxyx", "xywh"]),
    is_growing=st.booleans(),
)
def test_any_text_can_be_read(text: str, scale: object, order: str, is_growing: bool) -> None:
    """Never an exception; shapes on the picture with a place in the text, in order; a reason exactly when there are none."""
    reading = read_boxes(text, 640, 480, scale=scale, order=order, is_growing=is_growing)  # type: ignore[arg-type]
    assert bool(reading.reason) != bool(reading.shapes)
    assert [shape.span for shape in reading.shapes] == sorted(shape.span for shape in reading.shapes)
    for shape in reading.shapes:
        assert 0 <= shape.span[0] < shape.span[1] <= len(text)
        assert all(0 <= value <= 1 for value in shape.relative)
        assert len(shape.raw) == len(shape.relative)
        if isinstance(shape, Box):
            assert shape.relative[0] < shape.relative[2]
            assert shape.relative[1] < shape.relative[3]
    for unread in reading.unread:
        assert 0 <= unread.span[0] <= unread.span[1] <= len(text)


@settings(max_examples=200, deadline=None)
@given(
    corners=st.tuples(*[st.integers(0, 1000)] * 4).filter(lambda box: box[0] != box[2] and box[1] != box[3]),
    before=st.sampled_from(["", "The box is ", "坐标为", "<|begin_of_box|>", "猫在", "At ", '{"label": "cat", "bbox_2d": ']),
    style=st.sampled_from(
        ["[{},{},{},{}]", "[{}, {}, {}, {}]", "[[{},{},{},{}]]", "[{:03},{:03},{:03},{:03}]", "［{}，{}，{}，{}］"]
    ),
)
def test_every_box_is_read(corners: tuple[int, ...], before: str, style: str) -> None:
    """Whatever the numbers, however they are bracketed, after any of the usual beginnings."""
    text = before + style.format(*corners) + ("}" if "{" in before else ".")
    x1, y1, x2, y2 = corners
    expected = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    assert [shape.thousandths for shape in read_boxes(text, 1000, 1000).shapes] == [expected]


RETRACTED = {
    "opened-in-the-prompt": "thinking was opened in the prompt",
    "drafts-before-answer": "answer tags take the rest out",
    "no-single-beside-json": "a keyed box takes single brackets out",
    "shares-beside-whole-numbers": "a number with a decimal point shows that whole numbers beside it are shares, too",
    "square-pairs-of-a-box": "words behind the tokens say that two pairs are corners",
    "nested": "a second closing tag makes thinking of all before it",
}
"""Examples in which later text takes a box back, as `read_boxes` says."""


@pytest.mark.parametrize(("name", "text"), [pytest.param(*example, id=example[0]) for example in EXAMPLES])
def test_boxes_stay_while_the_answer_grows(name: str, text: str) -> None:
    """What is reported of a beginning is in the final reading; only its label may become fuller."""
    final = {(shape.relative, shape.image) for shape in read_boxes(text, 1000, 1000).shapes}
    for end in range(len(text)):
        early = {(shape.relative, shape.image) for shape in read_boxes(text[:end], 1000, 1000, is_growing=True).shapes}
        if not early <= final:
            assert name in RETRACTED, (text[:end], early - final)


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in ANSWERS.items()])
def test_work_grows_with_the_text(make: object) -> None:
    """Sixteen times the text costs far less than 256 times the work, whatever runs away."""
    short, long = (_least_s(make(size)) for size in (1_500, 24_000))  # type: ignore[operator]
    assert long < 80 * max(short, 0.0005)


def _least_s(text: str) -> float:
    times: list[float] = []
    for _ in range(2):
        start = time.process_time()
        read_boxes(text, 1920, 1080)
        times.append(time.process_time() - start)
    return min(times)


@given(st.lists(st.tuples(st.text(alphabet="ab \"'[]{}:,\\é猫", max_size=8), st.integers(0, 400)), min_size=1, max_size=4))
def test_json_is_read_alike_with_numbers_among_its_values(rows: list[tuple[str, int]]) -> None:
    """A number beside the strings and lists of an object changes neither its box nor its name."""
    plain = [{"label": label, "bbox_2d": [x, x, x + 100, x + 200]} for label, x in rows]
    scored = [{"score": 0.5, **row} for row in plain]
    found, expected = (read_boxes(json.dumps(each, ensure_ascii=False), 1920, 1080).shapes for each in (plain, scored))
    assert [(shape.label, shape.raw) for shape in found] == [(shape.label, shape.raw) for shape in expected]
