"""What is no box: numbers of other kinds, drafts, echoes of a prompt, text to be typed, and numbers that cannot be used."""

from __future__ import annotations

import pytest

from glm_magics.errors import InputError
from glm_magics.grounding import read_boxes

from .test_grounding import ALSO, BOX, CAT, brief

NUMBERS = [
    pytest.param("The values were [2019, 2020, 2021, 2022].", id="years"),
    pytest.param("The final scores were [12, 15, 30, 42].", id="scores"),
    pytest.param("Scores: [12, 15, 30, 42]", id="scores-with-colon"),
    pytest.param("Quarterly sales: [120, 150, 180, 240]", id="quarters"),
    pytest.param(
        "Here are the scores by quarter:\n- Lakers: [12, 25, 38, 51]\n- Bulls: [10, 22, 41, 60]", id="scores-under-a-heading"
    ),
    pytest.param("| Team | Scores |\n|---|---|\n| Lakers | [12, 25, 38, 51] |", id="scores-in-a-table"),
    pytest.param("The colour is RGBA [10, 20, 200, 255].", id="rgba"),
    pytest.param("rgba(10, 20, 200, 255)", id="rgba-call"),
    pytest.param("The tensor has shape [1, 3, 224, 224].", id="shape"),
    pytest.param("The shape of the bounding boxes is [1, 3, 224, 224].", id="shape-of-boxes"),
    pytest.param("torch.Size([1, 3, 224, 224])", id="torch-size"),
    pytest.param("The matrix is [[10, 20, 300, 400], [15, 60, 700, 800]].", id="matrix"),
    pytest.param("[[1, 0, 0, 5], [0, 1, 0, 7], [0, 0, 1, 9], [0, 0, 0, 1]]x", id="matrix-without-a-word"),
    pytest.param("As earlier work shows [12, 34].", id="citation"),
    pytest.param("Several studies [3, 17, 42, 58] agree.", id="four-citations"),
    pytest.param("This was improved by Li et al. [3, 17, 42, 58].", id="et-al"),
    pytest.param("It converges quickly [3, 17, 42, 58].", id="citations-without-a-word"),
    pytest.param("x lies in the interval [10, 20].", id="interval"),
    pytest.param("x in [0, 5) or (7, 9].", id="half-open"),
    pytest.param("Version 1.2.3.4 at 192.168.0.1, 1920x1080.", id="version-ip-resolution"),
    pytest.param("On 2024-05-06 from 10:30 to 11:45.", id="dates-times"),
    pytest.param("Beijing is at [39.9042, 116.4074].", id="map-point"),
    pytest.param("The map coordinates (lat, lon) are [39, 40, 116, 117].", id="map-box"),
    pytest.param('{"type": "Feature", "bbox": [115.4, 39.4, 117.5, 41.1]}', id="geojson"),
    pytest.param("The first four primes are [2, 3, 5, 7].", id="primes"),
    pytest.param("The sequence is [10, 20, 30, 40].", id="sequence"),
    pytest.param("The list is [3, 10, 27, 45].", id="list"),
    pytest.param("v = [10, 200, 300, 450]", id="variable"),
    pytest.param("arr[10, 20, 300, 400]", id="indexing"),
    pytest.param("The ratio is [3, 4].", id="two-in-prose"),
    pytest.param("Go to (450, 320).", id="two-in-prose-round"),
    pytest.param("The dice show (1, 3, 5, 6).", id="dice"),
    pytest.param("他们的得分是[12, 25, 38, 51]。", id="chinese-scores"),
    pytest.param("各季度销量分别为[120, 150, 180, 240]。", id="chinese-sales"),
    pytest.param("张量形状为[1, 3, 224, 224]。", id="chinese-shape"),
    pytest.param("参考文献[3, 17, 42, 58]", id="chinese-citations"),
    pytest.param("[1, 2, 3]", id="three"),
    pytest.param("[[15, 40, 70]]", id="three-double"),
    pytest.param("[15, 40, 70, 220, 5]", id="five"),
    pytest.param("The box is [15, 40, 70, 220, 90, 41].", id="six"),
    pytest.param("The box is [1, 2, 3, 4, 5, 6, 7, 8].", id="eight"),
    pytest.param('{"values": [12, 25, 38, 51]}', id="json-values"),
    pytest.param('{"team": "A", "stats": [12, 25, 38, 51]}', id="json-unknown-key"),
    pytest.param('{"2021": [120, 150, 180, 240], "2022": [130, 160, 190, 250]}', id="json-years"),
    pytest.param('{"width": 640, "height": 480}', id="json-size"),
    pytest.param('[{"x": 1, "y": 200}, {"x": 2, "y": 250}]', id="json-chart"),
    pytest.param('{"location": {"lat": 39.9, "lng": 116.4}}', id="json-lat"),
    pytest.param('{"start": [10, 20], "end": [30, 40]}', id="json-times"),
    pytest.param("Simmer for 15, 40, 70 or 220 minutes.", id="recipe"),
    pytest.param("1. Step 1\n2. Step 2\n3. Step 3\n4. Step 4", id="numbered-steps"),
    pytest.param("The result is <|begin_of_box|>42<|end_of_box|>.", id="token-number"),
    pytest.param("<|begin_of_box|>B<|end_of_box|>", id="token-letter"),
    pytest.param("<|begin_of_box|>x = \\frac{1}{2}<|end_of_box|>", id="token-formula"),
    pytest.param("The interval is <|begin_of_box|>[2, 5]<|end_of_box|>.", id="token-interval"),
    pytest.param("The sorted sequence is <|begin_of_box|>[12, 25, 38, 51]<|end_of_box|>.", id="token-sequence"),
]

TEXTS = [
    pytest.param("Answer in the format [x1, y1, x2, y2].", id="legend"),
    pytest.param("Please pinpoint the bounding box [[xmin,ymin,xmax,ymax]].", id="legend-double"),
    pytest.param("The format is [x1, y1, x2, y2], for example [10, 20, 300, 400].", id="example"),
    pytest.param("格式为[x1, y1, x2, y2]，例如[10, 20, 300, 400]。", id="example-chinese"),
    pytest.param("```python\nimport cv2\nbox = [15, 40, 70, 220]\ncv2.rectangle(img, (15, 40), (70, 220), 3)\n```", id="program"),
    pytest.param("```python\n[15, 40, 70, 220]\n```", id="python-list"),
    pytest.param("```python\ndef f():\n    return {'bbox': [15, 40, 70, 220]}\n```", id="program-with-key"),
    pytest.param("```css\n.a { left: 15px; top: 40px; width: 70px; height: 220px; }\n```", id="css"),
    pytest.param("```js\nctx.fillRect(15, 40, 70, 220);\n```", id="js"),
    pytest.param('```html\n<div style="left:15px"></div><box x1="15" y1="40" x2="70" y2="220"/>\n```', id="html"),
    pytest.param("Use `np.array([15, 40, 70, 220])` here.", id="inline-call"),
    pytest.param("Use `x = [15, 40, 70, 220]` here.", id="inline-assignment"),
    pytest.param("Call img.crop((15, 40, 70, 220)).", id="crop"),
    pytest.param("pyautogui.click(450, 320)", id="pyautogui"),
    pytest.param("See [15, 40, 70, 220](https://example.com/a).", id="link-text"),
    pytest.param("See [map](https://example.com/[15,40,70,220]).", id="link-target"),
    pytest.param("https://example.com/?bbox=[15,40,70,220]", id="url"),
    pytest.param("The vector $[15, 40, 70, 220]$ is long.", id="math"),
    pytest.param("$$v = [15, 40, 70, 220]$$", id="display-math"),
    pytest.param("\\(v = [15, 40, 70, 220]\\)", id="paren-math"),
    pytest.param("type(content='[15, 40, 70, 220]')", id="typed"),
    pytest.param('do(action="Type", text="[15, 40, 70, 220]")', id="typed-autoglm"),
    pytest.param('{"action_type": "input_text", "text": "[[15,40,70,220]]"}', id="typed-json"),
    pytest.param("TYPE(text='left: 15, top: 40, right: 70, bottom: 220')", id="typed-names"),
    pytest.param("<think>Maybe [[15,40,70,220]].</think>", id="only-thinking"),
    pytest.param("<think>Maybe [[15,40,70,220]].", id="thinking-goes-on"),
    pytest.param("Maybe [[15,40,70,220]].</think>", id="thinking-opened-before"),
    pytest.param("<think>[[15,40,70,220]]</think><answer>B</answer>", id="answer-without-box"),
    pytest.param("", id="empty"),
    pytest.param(":-) ;-( [ ] { } ( ) < >", id="smileys"),
]


@pytest.mark.parametrize("text", NUMBERS)
def test_other_numbers_are_no_boxes(text: str) -> None:
    """Four numbers in brackets are often something else."""
    assert brief(read_boxes(text, 1000, 1000)) == []


@pytest.mark.parametrize("text", TEXTS)
def test_other_texts_hold_no_boxes(text: str) -> None:
    """Code, formulas, links, legends, thinking, and text to be typed."""
    assert brief(read_boxes(text, 1000, 1000)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param(" \n", "empty", id="blank"),
        pytest.param("<think>Let me see", "not come yet", id="thinking"),
        pytest.param("<think>[[15,40,70,220]]</think>\n", "only thinking", id="only-thinking"),
        pytest.param("A cat sits on a mat.", "no box in the answer", id="prose"),
        pytest.param("There is no cat in the image.", "nothing was found", id="refusal"),
        pytest.param("图中没有猫。", "nothing was found", id="refusal-chinese"),
        pytest.param("null", "nothing was found", id="null"),
        pytest.param("[]", "nothing was found", id="empty-list"),
        pytest.param("[0,0,0,0]", "nothing was found", id="zeros"),
        pytest.param('[{"label": "cat", "bbox_2d": null}]', "nothing was found", id="null-box"),
        pytest.param("The box is [[100, 200, 1500, 900]].", 'scale="pixel"', id="over-the-scale"),
        pytest.param('[{"label": "car", "bbox_3d": [1,2,3,4,5,6,0,0,0]}]', "3D", id="solid"),
        pytest.param('{"label": "car", "bbox_2d": [1,2,3,4,5]}', "5 numbers", id="five"),
        pytest.param("The box is [[15, 40, 7", "in the middle", id="cut"),
        pytest.param("The box is [[15, 40, 15, 220]].", "no area", id="flat"),
    ],
)
def test_none_has_a_reason(text: str, reason: str) -> None:
    """No picture without words: the reason says what the answer is like, and what to do."""
    reading = read_boxes(text, 1920, 1080)
    assert reading.shapes == ()
    assert reason in reading.reason


def test_some_has_no_reason() -> None:
    """A reading with shapes needs none."""
    assert read_boxes("[[15,40,70,220]]", 10, 10).reason == ""


@pytest.mark.parametrize(
    ("text", "raw", "why"),
    [
        pytest.param("[[15,40,70,220],[100,200,99999,300]]", (100, 200, 99999, 300), "over the scale", id="over"),
        pytest.param('{"bbox_2d": [1,2,3,4,5]}', (1, 2, 3, 4, 5), "5 numbers where a box should be", id="five"),
        pytest.param('{"bbox_3d": [1,2,3,4,5,6,7,8,9]}', (1, 2, 3, 4, 5, 6, 7, 8, 9), "a 3D box", id="solid"),
        pytest.param("[[15,40,15,220]]", (15, 40, 15, 220), "no area on the picture", id="flat"),
        pytest.param("[[1200%, 4%, 7%, 22%]]", (1200, 4, 7, 22), "over the scale", id="over-percent"),
        pytest.param('bounds="[42,357][938,483]"', (42, 357, 938, 483), "pixels of a screen", id="android"),
        pytest.param("The box is [15px, 40px, 70px, 220px].", (15, 40, 70, 220), "pixels", id="px"),
    ],
)
def test_unread_numbers_are_kept(text: str, raw: tuple[float, ...], why: str) -> None:
    """What looked like a box and is none can be looked at: its numbers, its place, what was wrong."""
    (unread,) = read_boxes(text, 1000, 1000).unread
    assert (unread.raw, unread.why) == (raw, why)
    assert str(int(raw[1])) in text[slice(*unread.span)]


def test_one_bad_box_leaves_the_others() -> None:
    """A number that no pixel of the picture has is one slip."""
    assert brief(read_boxes("[[15,40,70,220],[100,200,99999,300]]", 1000, 1000)) == [BOX]


def test_pixels_are_not_drawn_as_thousandths() -> None:
    """When one number is over 1000 and all fit the picture, all are pixels: none is drawn in a wrong place."""
    text = '[{"label": "a", "bbox_2d": [15,40,70,220]}, {"label": "b", "bbox_2d": [100,200,1500,900]}]'
    reading = read_boxes(text, 1920, 1080)
    assert reading.shapes == ()
    assert [unread.raw for unread in reading.unread] == [(15, 40, 70, 220), (100, 200, 1500, 900)]
    assert len(read_boxes(text, 1920, 1080, scale="pixel").shapes) == 2


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        pytest.param("[[15,40,70,220]]", {"scale": "pixel"}, (15, 40, 70, 220), id="pixel"),
        pytest.param("[[15,40,70,220]]", {}, (30, 20, 140, 110), id="thousandths"),
        pytest.param("[[1.5,4,7,22]]", {"scale": 100}, (30, 20, 140, 110), id="hundredths"),
        pytest.param("[[0,0,1,1]]", {"scale": 1}, (0, 0, 2000, 500), id="shares"),
        pytest.param("[[40,15,220,70]]", {"order": "yxyx"}, (30, 20, 140, 110), id="y-first"),
        pytest.param("[[15,40,55,180]]", {"order": "xywh"}, (30, 20, 140, 110), id="size"),
        pytest.param('{"x1":15,"y1":40,"x2":70,"y2":220}', {"order": "yxyx"}, (30, 20, 140, 110), id="names-know-their-order"),
        pytest.param('bounds="[42,357][1038,483]"', {"scale": "pixel"}, (42, 357, 1038, 483), id="android"),
        pytest.param("[15px, 40px, 70px, 220px]", {"scale": "pixel"}, (15, 40, 70, 220), id="px"),
    ],
)
def test_options(text: str, options: dict[str, object], expected: tuple[int, ...]) -> None:
    """Scale and order as the user says, on a picture of 2000 × 500."""
    (box,) = read_boxes(text, 2000, 500, **options).shapes  # type: ignore[arg-type]
    assert tuple(round(value) for value in box.xyxy) == expected  # type: ignore[union-attr]


def test_y_first_points() -> None:
    """A point of such a model is y first, too."""
    assert brief(read_boxes('{"point": [320, 450]}', 1000, 1000, order="yxyx")) == [(450, 320)]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"width_px": 0}, id="no-width"),
        pytest.param({"scale": 999}, id="scale"),
        pytest.param({"order": "xyzw"}, id="order"),
    ],
)
def test_bad_options(options: dict[str, object]) -> None:
    """A sentence, no traceback of a division."""
    with pytest.raises(InputError):
        read_boxes("[[15,40,70,220]]", **{"width_px": 10, "height_px": 10} | options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        pytest.param("is [[15,40,70,220]].", "[15,40,70,220]", id="inner-brackets"),
        pytest.param("坐标为［１５，４０，７０，２２０］。", "［１５，４０，７０，２２０］", id="full-width"),
        pytest.param('{\\"bbox_2d\\": [15,40,70,220]}', "[15,40,70,220]", id="escaped"),
        pytest.param("<|begin_of_box|>[15,40,70,220]<|end_of_box|>", "[15,40,70,220]", id="tokens"),
        pytest.param("<think>[[1,2,30,40]]</think>[15,40,70,220]", "[15,40,70,220]", id="after-thinking"),
        pytest.param('{"x1":15,"y1":40,"x2":70,"y2":220}', '{"x1":15,"y1":40,"x2":70,"y2":220}', id="object"),
        pytest.param("top-left (15, 40), bottom-right (70, 220)", "(15, 40), bottom-right (70, 220)", id="corners"),
        pytest.param("<box>15 40 70 220</box>", "15 40 70 220", id="tag"),
    ],
)
def test_spans_are_of_the_original(text: str, covered: str) -> None:
    """A span covers the box's own brackets in the text as it came."""
    (box,) = read_boxes(text, 1000, 1000).shapes
    assert text[slice(*box.span)] == covered


def test_raw_numbers_are_kept() -> None:
    """As they were written, in their order."""
    (box,) = read_boxes("[[070, 220.5, 15, 40]]", 1000, 1000).shapes
    assert box.raw == (70, 220.5, 15, 40)


def test_labels_are_text() -> None:
    """No control characters, at most 5 000 characters, else as they are."""
    text = '{"label": "<b>\\u001b[31m' + "x" * 6_000 + '", "bbox_2d": [15,40,70,220]}'
    (box,) = read_boxes(text, 1000, 1000).shapes
    assert box.label.startswith("<b> [31mxx")
    assert len(box.label) == 5_000


def test_at_most_a_thousand() -> None:
    """A runaway list is cut."""
    text = ",".join(f"[{i % 30},{i // 30},{i % 30 + 9},{i // 30 + 9}]" for i in range(1_200))
    assert len(read_boxes(f"[{text}]", 1000, 1000).shapes) == 1_000


def test_order_of_the_text() -> None:
    """Whichever reader finds them."""
    text = 'a [[90,41,150,230]] {"label": "cat", "bbox_2d": [15,40,70,220]}'
    assert brief(read_boxes(text, 1000, 1000)) == [ALSO, CAT]
