"""Reading boxes and points out of answers: each published shape, and the slips that models make in them."""

from __future__ import annotations

import pytest

from glm_magics.grounding import Reading, read_boxes

BOX = (15, 40, 70, 220)
ALSO = (90, 41, 150, 230)
CAT, DOG = (*BOX, "cat"), (*ALSO, "dog")


def brief(reading: Reading) -> list[tuple[object, ...]]:
    """Each shape as its thousandths, then its label when it has one, then ``"#2"`` for the second picture."""
    rows: list[tuple[object, ...]] = []
    for shape in reading.shapes:
        picture = (f"#{shape.image + 1}",) if shape.image else ()
        rows.append((*shape.thousandths, *([shape.label] if shape.label else []), *picture))
    return rows


SENTENCES = [
    pytest.param("The second bottle from the right is [15,40,70,220].", [BOX], id="hosted-sentence"),
    pytest.param("\nThe coordinates of the bottle on the table are [[15,40,70,220]].", [BOX], id="leading-newline"),
    pytest.param("The coordinates are <|begin_of_box|>[[15,40,70,220]]<|end_of_box|>.", [BOX], id="tokens-double"),
    pytest.param("<|begin_of_box|>[15, 40, 70, 220]<|end_of_box|>", [BOX], id="tokens-single"),
    pytest.param("<|begin_of_box|>(15, 40, 70, 220)<|end_of_box|>", [BOX], id="tokens-round"),
    pytest.param("<|begin_of_box|><15,40,70,220><|end_of_box|>", [BOX], id="tokens-angle"),
    pytest.param("<|begin_of_box|>{15, 40, 70, 220}<|end_of_box|>", [BOX], id="tokens-braces"),
    pytest.param("<|begin_of_box|>15, 40, 70, 220<|end_of_box|>", [BOX], id="tokens-without-brackets"),
    pytest.param("[<|begin_of_box|>15,40,70,220<|end_of_box|>]", [BOX], id="brackets-around-tokens"),
    pytest.param("<|begin_of_box|>[[15,40,70,220],[90,41,150,230]]<|end_of_box|>", [BOX, ALSO], id="tokens-list"),
    pytest.param("<|begin_of_box|>[[15,40,70,220]]</|end_of_box|>", [BOX], id="wrong-end-token"),
    pytest.param("<|begin_of_box|>[[15,40,70,220]]", [BOX], id="no-end-token"),
    pytest.param(
        "It is <|begin_of_box|>[[15,40,70,220]]<|end_of_box|> and <|begin_of_box|>[[90,41,150,230]]<|end_of_box|>.",
        [BOX, ALSO],
        id="tokens-twice",
    ),
    pytest.param("[[15,40,70,220]]", [BOX], id="only-double"),
    pytest.param("[15, 40, 70, 220]", [BOX], id="only-single"),
    pytest.param("(15, 40, 70, 220)", [BOX], id="only-round"),
    pytest.param("[[15,40,70,220],[90,41,150,230]]", [BOX, ALSO], id="several-in-one-list"),
    pytest.param("[15,40,70,220], [90,41,150,230]", [BOX, ALSO], id="several-in-a-row"),
    pytest.param("[[15,40,70,220]] [[90,41,150,230]]", [BOX, ALSO], id="doubles-in-a-row"),
    pytest.param("[[[15,40,70,220],[90,41,150,230]]]", [BOX, ALSO], id="triple-brackets"),
    pytest.param("([[15, 40, 70, 220]])", [BOX], id="in-parentheses"),
    pytest.param(
        "1. Person 1: box [15, 40, 70, 220]\n2. Person 2: box [90, 41, 150, 230]. The box format is [x1, y1, x2, y2], "
        "where (x1, y1) is the "
        "top-left corner and (x2, y2) is the bottom-right corner.",
        [(*BOX, "Person 1"), (*ALSO, "Person 2")],
        id="numbered-lines-with-legend",
    ),
    pytest.param("- cat: [15, 40, 70, 220]\n- dog: [90, 41, 150, 230]", [CAT, DOG], id="bullets"),
    pytest.param("**cat**: [15, 40, 70, 220]\n\n**dog**: [90, 41, 150, 230]", [CAT, DOG], id="bold-labels"),
    pytest.param("cat - [15, 40, 70, 220]", [CAT], id="dash-label"),
    pytest.param(
        "| Object | Box |\n|---|---|\n| cat | [15, 40, 70, 220] |\n| dog | [90, 41, 150, 230] |", [CAT, DOG], id="table"
    ),
    pytest.param(
        "| # | name | x1 | y1 | x2 | y2 |\n|--|--|--|--|--|--|\n| 1 | cat | 15 | 40 | 70 | 220 |\n", [CAT], id="table-of-columns"
    ),
    pytest.param("| Object | Bounding box |\n|---|---|\n| cat | 15, 40, 70, 220 |\n", [CAT], id="table-without-brackets"),
    pytest.param("$\\boxed{[[15, 40, 70, 220]]}$", [BOX], id="boxed-formula"),
    pytest.param("`[15, 40, 70, 220]`", [BOX], id="inline-code"),
    pytest.param("The box is `[15, 40, 70, 220]`.", [BOX], id="inline-code-in-sentence"),
    pytest.param("```\n[[15, 40, 70, 220]]\n```", [BOX], id="fence-without-language"),
    pytest.param("```json\n[[15, 40, 70, 220], [90, 41, 150, 230]]\n```", [BOX, ALSO], id="json-fence-list"),
    pytest.param("a dog[[015,040,070,220]] and a cat[[090,041,150,230]]", [BOX, ALSO], id="cogvlm-caption"),
    pytest.param("[[015,040,070,220;090,041,150,230]]", [BOX, ALSO], id="cogvlm-semicolon"),
    pytest.param("[[007,008,030,099]]", [(7, 8, 30, 99)], id="zero-padded"),
    pytest.param("The ant is at [[1,2,9,8]].", [(1, 2, 9, 8)], id="single-digits"),
    pytest.param("[[15.5, 40.25, 70.0, 220]]", [(16, 40, 70, 220)], id="floats"),
    pytest.param("[[1.5e1, 4e1, 7e1, 2.2e2]]", [BOX], id="exponents"),
    pytest.param("The box is [15 40 70 220].", [BOX], id="spaces-for-commas"),
    pytest.param("[[15, 40, 70, 220,]]", [BOX], id="trailing-comma"),
    pytest.param("[\n  [\n    15,\n    40,\n    70,\n    220\n  ]\n]", [BOX], id="over-lines"),
    pytest.param("[[70, 220, 15, 40]]", [BOX], id="corners-swapped"),
    pytest.param("The cat is at [[70, 40, 15, 220]].", [BOX], id="x-swapped"),
    pytest.param("[[0, 0, 1000, 1000]]", [(0, 0, 1000, 1000)], id="whole-picture"),
    pytest.param("The cat: [[-5, -3, 500, 1004]]", [(0, 0, 500, 1000, "cat")], id="just-outside"),
    pytest.param("The box is [0.015, 0.04, 0.07, 0.22].", [BOX], id="shares"),
    pytest.param("[[0.0, 0.0, 1.0, 1.0]]", [(0, 0, 1000, 1000)], id="whole-shares"),
    pytest.param("boxes: [[0, 0, 1, 1], [0.015, 0.04, 0.07, 0.22]]", [(0, 0, 1000, 1000), BOX], id="shares-beside-whole-numbers"),
    pytest.param("The box is [1.5%, 4%, 7%, 22%].", [BOX], id="percent"),
    pytest.param("The box is (1.5%, 4%, 7%, 22%).", [BOX], id="percent-round"),
    pytest.param("The bounding box is (15, 40), (70, 220).", [BOX], id="two-pairs"),
    pytest.param("The bounding box spans from (15, 40) to (70, 220).", [BOX], id="from-to"),
    pytest.param("bounding box: [[15, 40], [70, 220]]", [BOX], id="pair-list-under-box"),
    pytest.param("top-left (15, 40), bottom-right (70, 220)", [BOX], id="corner-words"),
    pytest.param("The top-left corner is at (15, 40) and the bottom-right corner is at (70, 220).", [BOX], id="corner-sentence"),
    pytest.param("(15, 40) is the top-left corner and (70, 220) is the bottom-right corner.", [BOX], id="corners-after-pairs"),
    pytest.param("Lower-left (15, 220), upper-right (70, 40).", [BOX], id="other-diagonal"),
    pytest.param("Top left corner: x=15, y=40; bottom right corner: x=70, y=220.", [BOX], id="corners-with-names"),
    pytest.param("(x1, y1) = (15, 40), (x2, y2) = (70, 220)", [BOX], id="corner-variables"),
    pytest.param("x1=15, y1=40, x2=70, y2=220.", [BOX], id="named-in-prose"),
    pytest.param("The cat: xmin: 15, ymin: 40, xmax: 70, ymax: 220\n", [CAT], id="named-min-max"),
    pytest.param("[x1=15, y1=40, x2=70, y2=220]", [BOX], id="named-in-brackets"),
    pytest.param("left: 1.5%, top: 4%, width: 5.5%, height: 18%.", [BOX], id="named-percent-size"),
    pytest.param("- x1: 15\n- y1: 40\n- x2: 70\n- y2: 220\n", [BOX], id="named-list"),
    pytest.param("Bounding box: 15, 40, 70, 220\n", [BOX], id="without-brackets"),
    pytest.param("bbox = (15, 40, 70, 220)", [BOX], id="assigned-to-bbox"),
    pytest.param("[combobox] Search -> TYPE: shoes at the box [[15,40,70,220]]", [BOX], id="cogagent-18b"),
    pytest.param("Image 1: [[15,40,70,220]]\nImage 2: [[90,41,150,230]]", [BOX, (*ALSO, "#2")], id="two-images"),
    pytest.param("The page [245, [15, 40, 70, 220]]", [BOX], id="number-before-nested"),
    pytest.param('["15 40", "70 220"]', [BOX], id="two-strings"),
    pytest.param('["15", "40", "70", "220"]', [BOX], id="four-strings"),
    pytest.param('["cat", [15, 40, 70, 220]]', [CAT], id="label-in-list"),
    pytest.param('[["cat", [15, 40, 70, 220]], ["dog", [90, 41, 150, 230]]]', [CAT, DOG], id="labels-in-lists"),
    pytest.param("[[15,40,70,220],[15,40,70,220]]", [BOX], id="twice-the-same"),
    pytest.param("Answer: \\[15, 40, 70, 220\\]", [BOX], id="escaped-brackets"),
    pytest.param("The bounding box is $[15, 40, 70, 220]$.", [BOX], id="formula-that-says-box"),
    pytest.param("Format [x1, y1, x2, y2]: [15, 40, 70, 220]", [BOX], id="legend-before"),
    pytest.param("It costs $5 and is at [15,40,70,220], $10 less.", [BOX], id="prices-are-no-formula"),
]

CHINESE = [
    pytest.param("右边第二瓶啤酒的坐标是[15,40,70,220]。", [BOX], id="sentence"),
    pytest.param("坐标为［［１５，４０，７０，２２０］］。", [BOX], id="full-width"),
    pytest.param("位置：【15，40，70，220】", [BOX], id="lenticular"),
    pytest.param("位置：（15，40，70，220）", [BOX], id="full-width-round"),
    pytest.param("边界框：15、40、70、220\n", [BOX], id="enumeration-commas"),
    pytest.param("结果[正常]，位置[[15,40,70,220]]", [BOX], id="bracketed-word"),
    pytest.param("左上角(15, 40)，右下角(70, 220)", [BOX], id="corners"),
    pytest.param("左上角坐标为（15，40），右下角坐标为（70，220）。", [BOX], id="corners-full"),
    pytest.param("1. 猫：[15, 40, 70, 220]\n2. 狗：[90, 41, 150, 230]", [(*BOX, "猫"), (*ALSO, "狗")], id="numbered"),
    pytest.param("第一只猫的位置：[[15,40,70,220]]", [(*BOX, "第一只猫")], id="label-with-position"),
    pytest.param("图1：[[15,40,70,220]]\n图2：[[90,41,150,230]]", [BOX, (*ALSO, "#2")], id="two-images"),
    pytest.param("{“label”: “猫”, “bbox_2d”: [15, 40, 70, 220]}", [(*BOX, "猫")], id="curly-quotes"),
    pytest.param('{"标签": "猫", "坐标": [15, 40, 70, 220]}', [(*BOX, "猫")], id="chinese-keys"),
    pytest.param('[{"label": "“全部”按钮", "bbox_2d": [15, 40, 70, 220]}]', [(*BOX, "“全部”按钮")], id="curly-in-label"),
    pytest.param(
        "Status: 当前处于邮箱界面[[0, 2, 998, 905]]，左侧是邮箱分类[[1, 216, 144, 570]]，已经点击“全部标为已读”按钮[[223,"
        " 178, 311, 210]]。\n"
        "Plan: 未来需要: 1. 点击“全部标记为已读”按钮；2. 任务结束。\n"
        "Grounded Operation: CLICK(box=[[219,186,311,207]], element_type='可点击文本', element_info='全部标为已读')\n"
        "<<一般操作>>",
        [(0, 2, 998, 905), (1, 216, 144, 570), (223, 178, 311, 210), (219, 186, 311, 207, "全部标为已读")],
        id="cogagent-status",
    ),
]

JSON = [
    pytest.param(
        '[{"label": "cat", "bbox_2d": [15,40,70,220]}, {"label": "dog", "bbox_2d": [90,41,150,230]}]', [CAT, DOG], id="bare"
    ),
    pytest.param('```json\n[{"label": "cat", "bbox_2d": [15, 40, 70, 220]}]\n```', [CAT], id="fence"),
    pytest.param('<|begin_of_box|>[{"label": "cat", "bbox_2d": [15,40,70,220]}]<|end_of_box|>', [CAT], id="tokens"),
    pytest.param('```python\n[{"label": "cat", "bbox_2d": [15, 40, 70, 220]}]\n```', [CAT], id="python-fence-with-data"),
    pytest.param('```json [{"bbox_2d": [15,40,70,220], "label": "cat"}]```', [CAT], id="fence-in-a-line"),
    pytest.param('[{"bbox_2d": [15,40,70,220], "label": "cat"}]', [CAT], id="label-after"),
    pytest.param("[{'label': 'cat', 'bbox_2d': [15, 40, 70, 220]}]", [CAT], id="single-quotes"),
    pytest.param("[{'label': 'cat', 'ok': true, 'bbox_2d': [15, 40, 70, 220]}]", [CAT], id="single-quotes-and-true"),
    pytest.param("[{'label': 'driver's seat', 'bbox_2d': [15, 40, 70, 220]}]", [(*BOX, "driver's seat")], id="apostrophe"),
    pytest.param('[{"label": "the "big" cat", "bbox_2d": [15, 40, 70, 220]}]', [(*BOX, 'the "big" cat')], id="inner-quotes"),
    pytest.param('{{"label": "cat", "bbox_2d": [15, 40, 70, 220]}}', [CAT], id="doubled-braces"),
    pytest.param('[{"label": "cat", "bbox_2d": [15, 40, 70, 220],},]', [CAT], id="trailing-commas"),
    pytest.param(
        '[{"label": "cat", "bbox_2d": [15,40,70,220]}\n{"label": "dog", "bbox_2d": [90,41,150,230]}]',
        [CAT, DOG],
        id="missing-comma",
    ),
    pytest.param(
        '{"label": "cat", "bbox_2d": [15,40,70,220]}\n{"label": "dog", "bbox_2d": [90,41,150,230]}', [CAT, DOG], id="json-lines"
    ),
    pytest.param('{"label": "cat" "bbox_2d": [15,40,70,220]}', [CAT], id="missing-comma-in-object"),
    pytest.param("{label: cat, bbox_2d: [15, 40, 70, 220]}", [CAT], id="without-quotes"),
    pytest.param('[{"label": "cat", "bbox_2d": [15, 40, 70, 220]]', [CAT], id="missing-brace"),
    pytest.param('[{"label": "cat", "bbox_2d": [015, 040, 070, 220]}]', [CAT], id="zero-padded"),
    pytest.param('[{"label": "cat", "bbox_2d": [[15, 40, 70, 220]]}]', [CAT], id="nested-box"),
    pytest.param(
        '[{"label": "cat", "bbox_2d": [[15,40,70,220],[90,41,150,230]]}]', [CAT, (*ALSO, "cat")], id="two-boxes-one-label"
    ),
    pytest.param('[{"label": "cat", "bbox_2d": [[15, 40], [70, 220]]}]', [CAT], id="corner-pairs"),
    pytest.param('[{"label": "cat", "bbox_2d": "15,40,70,220"}]', [CAT], id="string"),
    pytest.param('[{"label": "cat", "bbox_2d": "[15, 40, 70, 220]"}]', [CAT], id="list-in-string"),
    pytest.param('[{"label": "cat", "bbox_2d": ["15 40", "70 220"]}]', [CAT], id="two-strings"),
    pytest.param('{"label": "cat", "bbox": {"x1": 15, "y1": 40, "x2": 70, "y2": 220}}', [CAT], id="named-corners"),
    pytest.param('{"label": "cat", "ymax": 220, "xmax": 70, "ymin": 40, "xmin": 15}', [CAT], id="named-in-any-order"),
    pytest.param('{"name": "cat", "x": 15, "y": 40, "width": 55, "height": 180}', [CAT], id="size"),
    pytest.param('{"name": "cat", "box": {"left": 15, "top": 40, "w": 55, "h": 180}}', [CAT], id="left-top-size"),
    pytest.param('{"label": "cat", "x_min": "15", "y_min": "40", "x_max": "70", "y_max": "220"}', [CAT], id="numbers-in-strings"),
    pytest.param('{"objects": [{"x_min": 0.015, "y_min": 0.04, "x_max": 0.07, "y_max": 0.22}]}', [BOX], id="moondream"),
    pytest.param('{"class": "cat", "top_left": [15, 40], "bottom_right": [70, 220]}', [CAT], id="corner-keys"),
    pytest.param('{"objects": [{"category": "cat", "bbox": [15,40,70,220], "confidence": 0.98}]}', [CAT], id="wrapped"),
    pytest.param('{"cat": [15,40,70,220], "dog": [90,41,150,230]}', [CAT, DOG], id="label-keys"),
    pytest.param('{"cat": [[15,40,70,220],[90,41,150,230]]}', [CAT, (*ALSO, "cat")], id="label-key-with-two"),
    pytest.param('{"cat": {"bbox_2d": [15,40,70,220]}}', [CAT], id="label-key-with-object"),
    pytest.param('{"bboxes": [[15,40,70,220],[90,41,150,230]], "labels": ["cat", "dog"]}', [CAT, DOG], id="two-lists"),
    pytest.param('{"bbox_2d": [15,40,70,220]}', [BOX], id="no-label"),
    pytest.param('{"label": null, "bbox_2d": [15,40,70,220]}', [BOX], id="null-label"),
    pytest.param('{"box_2d": [15,40,70,220], "label": "cat"}', [CAT], id="gemini-key-is-x-first"),
    pytest.param('{"answer": "<|begin_of_box|>[[15,40,70,220]]<|end_of_box|>"}', [BOX], id="tokens-in-string"),
    pytest.param('{"answer": "The cat is at [15,40,70,220]."}', [BOX], id="sentence-in-string"),
    pytest.param('"[{\\"label\\": \\"cat\\", \\"bbox_2d\\": [15,40,70,220]}]"', [CAT], id="escaped"),
    pytest.param('{"content": "[{\\"label\\": \\"cat\\", \\"bbox_2d\\": [15,40,70,220]}]"}', [CAT], id="escaped-in-string"),
    pytest.param('{\\n  \\"label\\": \\"cat\\",\\n  \\"bbox_2d\\": [15, 40, 70, 220]\\n}', [CAT], id="escaped-with-newlines"),
    pytest.param('{"label": "\\u732b", "bbox_2d": [15,40,70,220]}', [(*BOX, "猫")], id="unicode-escape"),
    pytest.param('{"label": "row [7]", "bbox_2d": [15,40,70,220]}', [(*BOX, "row [7]")], id="brackets-in-label"),
    pytest.param('{"label": "[1, 2, 30, 400]", "bbox_2d": [15,40,70,220]}', [(*BOX, "[1, 2, 30, 400]")], id="box-in-label"),
    pytest.param('{"label": "exit (B2) {x}", "bbox_2d": [15,40,70,220]}', [(*BOX, "exit (B2) {x}")], id="braces-in-label"),
    pytest.param('[{"label": "cat", "bbox_2d": [15,40,70,220]}, {"label": "dog", "bbox_2d": [90,41', [CAT], id="cut-in-numbers"),
    pytest.param('[{"label": "cat", "bbox_2d": [15,40,70,220]}, {"bbox_2d": [90,41,150,230], "lab', [CAT], id="cut-in-label"),
    pytest.param('[{"label": "cat", "bbox_2d": null}, {"label": "dog", "bbox_2d": [90,41,150,230]}]', [DOG], id="one-null"),
    pytest.param('[{"label":"cat","bbox_2d":[15,40,70,220]},{"label":"cat","bbox_2d":[15,40,70,220]}]', [CAT], id="same-twice"),
    pytest.param(
        '[{"label":"cat","bbox_2d":[15,40,70,220]},{"label":"pet","bbox_2d":[15,40,70,220]}]',
        [CAT, (*BOX, "pet")],
        id="two-names",
    ),
    pytest.param(
        'The cat is at [[15,40,70,220]].\n[{"label": "cat", "bbox_2d": [15,40,70,220]}]', [CAT], id="prose-and-json-once"
    ),
    pytest.param('I see rows [3, 5, 17, 90].\n[{"label": "cat", "bbox_2d": [15,40,70,220]}]', [CAT], id="no-single-beside-json"),
    pytest.param(
        '{"0": [{"label": "car-1", "bbox_2d": [15,40,70,220]}], "1": [{"label": "car-1", "bbox_2d": [15,40,70,220]}]}',
        [(*BOX, "car-1"), (*BOX, "car-1", "#2")],
        id="video",
    ),
    pytest.param("{0: [{'label': 'car-1', 'bbox_2d': [15,40,70,220]}]}", [(*BOX, "car-1")], id="video-python"),
    pytest.param(
        '{"image_1": [{"label": "cat", "bbox_2d": [15,40,70,220]}], "image_2": [{"label": "dog", "bbox_2d": [90,41,150,230]}]}',
        [CAT, (*DOG, "#2")],
        id="keys-of-images",
    ),
    pytest.param(
        "- label: cat\n  bbox_2d: [15, 40, 70, 220]\n- label: dog\n  bbox_2d: [90, 41, 150, 230]\n", [CAT, DOG], id="yaml"
    ),
    pytest.param('"bbox_2d": [15, 40, 70, 220]', [BOX], id="fragment"),
    pytest.param('{"point": [450, 320]}', [(450, 320)], id="point"),
    pytest.param('{"label": "cat", "point_2d": [450, 320]}', [(450, 320, "cat")], id="point-2d"),
    pytest.param('{"points": [[450, 320], [15, 40]]}', [(450, 320), (15, 40)], id="points"),
    pytest.param('{"label": "cat", "center": {"x": 450, "y": 320}}', [(450, 320, "cat")], id="centre"),
]

ACTIONS = [
    pytest.param(
        "Grounded Operation: RIGHT_CLICK(box=[[154,275,343,341]], element_info='[AXCell]')",
        [(154, 275, 343, 341, "[AXCell]")],
        id="cogagent-9b",
    ),
    pytest.param(
        "TYPE(box=[[387,249,727,317]], text='007', element_type='文本输入框', element_info='CogAgent')",
        [(387, 249, 727, 317, "CogAgent")],
        id="type",
    ),
    pytest.param(
        "SCROLL_DOWN(box=[[000,086,999,932]], element_type='滚动', element_info='滚动', step_count=5)",
        [(0, 86, 999, 932, "滚动")],
        id="scroll",
    ),
    pytest.param(
        "QUOTE_TEXT(box=[[387,249,727,317]], element_info='券后价：17.00', result='17.00')",
        [(387, 249, 727, 317, "券后价：17.00")],
        id="quote-text",
    ),
    pytest.param('Action: {"action_type": "click", "box_2d": [[15,40,70,220]]}', [BOX], id="mobile"),
    pytest.param('<|begin_of_box|>{"action_type": "click", "box_2d": [[15,40,70,220]]}<|end_of_box|>', [BOX], id="mobile-tokens"),
    pytest.param("left_click(start_box='[450,320]', element_info='Search')", [(450, 320, "Search")], id="desktop-click"),
    pytest.param("left_drag(start_box='[15,40]', end_box='[70,220]')", [(15, 40), (70, 220)], id="desktop-drag"),
    pytest.param("CLICK(point=(450, 320), box=[[15,40,70,220]], element_info='Go')", [(450, 320, "Go"), (*BOX, "Go")], id="web"),
    pytest.param('do(action="Tap", element=[450,320])', [(450, 320)], id="autoglm-tap"),
    pytest.param('do(action="Swipe", start=[15,40], end=[70,220])', [(15, 40), (70, 220)], id="autoglm-swipe"),
    pytest.param('<think>tap it</think><answer>do(action="Tap", element=[450,320])</answer>', [(450, 320)], id="autoglm-answer"),
    pytest.param("Grounded Operation:tap [[450,320]]", [(450, 320)], id="cogagent-18b-tap"),
    pytest.param('{"next_action": "CLICK", "args": {"x": 450, "y": 320}, "done": false}', [(450, 320)], id="args"),
    pytest.param("click(start_box='(450,320)')", [(450, 320)], id="ui-tars"),
    pytest.param("left_click<arg_key>start_box</arg_key><arg_value>[450, 320]</arg_value>", [(450, 320)], id="arg-tags"),
    pytest.param("<|begin_of_box|>[[450,320],[15,40]]<|end_of_box|>", [(450, 320), (15, 40)], id="points-in-tokens"),
    pytest.param("point: (450, 320)", [(450, 320)], id="point-with-colon"),
    pytest.param("The points are [[450, 320], [15, 40], [70, 220]].", [(450, 320), (15, 40), (70, 220)], id="point-list"),
]

TAGS = [
    pytest.param(
        '!<image_ref>[2, [[15,40,70,220]], "Figure 3: A [b]"]</image_ref>', [(*BOX, "Figure 3: A [b]", "#2")], id="image-ref"
    ),
    pytest.param('!<table_ref>[1, [[15,40,70,220]], "Table 1"]</table_ref>', [(*BOX, "Table 1")], id="table-ref"),
    pytest.param("<ref>cat</ref><box>[[15,40,70,220],[90,41,150,230]]</box>", [CAT, (*ALSO, "cat")], id="internvl"),
    pytest.param("<box>15 40 70 220</box>", [BOX], id="minicpm"),
    pytest.param("<bbox>[15, 40, 70, 220]</bbox>", [BOX], id="bbox"),
    pytest.param("<bbox>15,40,70,220</bbox> <bbox>90,41,150,230</bbox>", [BOX, ALSO], id="bbox-without-brackets"),
    pytest.param("<|ref|>cat<|/ref|><|det|>[[15, 40, 70, 220]]<|/det|>", [CAT], id="deepseek"),
    pytest.param("<|object_ref_start|>cat<|object_ref_end|><|box_start|>(15,40),(70,220)<|box_end|>", [CAT], id="qwen"),
    pytest.param("cat<loc_15><loc_40><loc_70><loc_220>", [CAT], id="florence"),
    pytest.param('<point x="450" y="320" alt="cat">cat</point>', [(450, 320, "cat")], id="point"),
    pytest.param("<point>450 320</point>", [(450, 320)], id="point-content"),
    pytest.param("<coordinate>[450, 320]</coordinate>", [(450, 320)], id="coordinate"),
    pytest.param('<box x1="15" y1="40" x2="70" y2="220" label="cat"/>', [CAT], id="attributes"),
    pytest.param('<object name="cat" xmin="15" ymin="40" xmax="70" ymax="220"></object>', [CAT], id="object-attributes"),
    pytest.param("<bndbox><xmin>15</xmin><ymin>40</ymin><xmax>70</xmax><ymax>220</ymax></bndbox>", [BOX], id="voc"),
    pytest.param("<answer>[[15,40,70,220]]</answer>", [BOX], id="answer"),
]

THINKING = [
    pytest.param("<think>Maybe [[1,2,30,40]].</think>\n[[15,40,70,220]]", [BOX], id="closed"),
    pytest.param("Maybe [[1,2,30,40]].</think>[[15,40,70,220]]", [BOX], id="opened-in-the-prompt"),
    pytest.param("<think></think>[[15,40,70,220]]", [BOX], id="empty"),
    pytest.param(
        "<think>[[1,2,30,40]]</think><answer>It is <|begin_of_box|>[[15,40,70,220]]<|end_of_box|></answer>",
        [BOX],
        id="answer-tags",
    ),
    pytest.param("<think>a</think><answer>[[15,40,70,220]]", [BOX], id="answer-open"),
    pytest.param("<think>a <think> b</think> [[1,2,30,40]] </think> [[15,40,70,220]]", [BOX], id="nested"),
    pytest.param("<think>[[1,2,30,40]]</think> [[15,40,70,220]] </think>", [BOX], id="stray-at-the-end"),
    pytest.param("Thinking: [[1,2,30,40]]\n<answer>[[15,40,70,220]]</answer>", [BOX], id="drafts-before-answer"),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_sentences(text: str, expected: list[tuple[object, ...]]) -> None:
    """Boxes in prose, lists, tables and box tokens."""
    assert brief(read_boxes(text, 1000, 1000)) == expected


@pytest.mark.parametrize(("text", "expected"), CHINESE)
def test_chinese(text: str, expected: list[tuple[object, ...]]) -> None:
    """Full-width marks, no spaces, Chinese keys."""
    assert brief(read_boxes(text, 1000, 1000)) == expected


@pytest.mark.parametrize(("text", "expected"), JSON)
def test_json(text: str, expected: list[tuple[object, ...]]) -> None:
    """JSON, and what is nearly JSON."""
    assert brief(read_boxes(text, 1000, 1000)) == expected


@pytest.mark.parametrize(("text", "expected"), ACTIONS)
def test_actions(text: str, expected: list[tuple[object, ...]]) -> None:
    """Calls of agents: boxes and points by key."""
    assert brief(read_boxes(text, 1000, 1000)) == expected


@pytest.mark.parametrize(("text", "expected"), TAGS)
def test_tags(text: str, expected: list[tuple[object, ...]]) -> None:
    """Tags of GLM and of other families."""
    assert brief(read_boxes(text, 1000, 1000)) == expected


@pytest.mark.parametrize(("text", "expected"), THINKING)
def test_thinking_does_not_count(text: str, expected: list[tuple[object, ...]]) -> None:
    """Drafts in the thinking are not boxes of the answer."""
    assert brief(read_boxes(text, 1000, 1000)) == expected
