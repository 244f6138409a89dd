"""Answers made to mislead: every published shape with another slip, and numbers that look like places and are none."""

from __future__ import annotations

import pytest

from glm_magics.grounding import read_boxes

from .test_grounding import brief

MUG, JUG = (120, 305, 260, 480), (300, 310, 420, 500)
A_MUG, A_JUG = (*MUG, "mug"), (*JUG, "jug")

TOKENS = [
    pytest.param('<|begin_of_box|>{"label": "mug", "bbox_2d": [120, 305, 260, 480]}<|end_of_box|>', [A_MUG], id="one-object"),
    pytest.param(
        '[{"label": "mug", "bbox_2d": <|begin_of_box|>[120,305,260,480]<|end_of_box|>}]', [A_MUG], id="around-the-value"
    ),
    pytest.param("<|begin_of_box|>x1=120, y1=305, x2=260, y2=480<|end_of_box|>", [MUG], id="named-numbers"),
    pytest.param("<|begin_of_box|><bbox>120,305,260,480</bbox><|end_of_box|>", [MUG], id="a-tag-inside"),
    pytest.param("<|begin_of_box|>\n[120,305,260,480]\n[300,310,420,500]\n<|end_of_box|>", [MUG, JUG], id="one-a-line"),
    pytest.param(
        "<|begin_of_box|>mug: [120,305,260,480]\njug: [300,310,420,500]<|end_of_box|>", [A_MUG, A_JUG], id="labelled-lines"
    ),
    pytest.param("<|begin_of_box|>[[3,4,9,8]]<|end_of_box|>", [(3, 4, 9, 8)], id="tiny"),
    pytest.param(
        '```json\n<|begin_of_box|>[{"bbox_2d": [120, 305, 260, 480], "label": "mug"}]<|end_of_box|>\n```',
        [A_MUG],
        id="in-a-fence",
    ),
    pytest.param(
        "<|begin_of_box|>[[120,305,260,480]]<|end_of_box|> The jug beside it is at [[300,310,420,500]].",
        [MUG, JUG],
        id="and-a-double-after",
    ),
    pytest.param("<|begin_of_box|>[[120,305,260,480]], [[300,310,420,500]]<|end_of_box|>", [MUG, JUG], id="two-doubles"),
    pytest.param("<|begin_of_box|>\\boxed{[120,305,260,480]}<|end_of_box|>", [MUG], id="boxed-inside"),
    pytest.param(
        "<think>\n[[118,300,262,479]]?\n</think>\n<answer>It is at <|begin_of_box|>[[120,305,260,480]]<|end_of_box|>.</answer>",
        [MUG],
        id="think-answer-tokens",
    ),
    pytest.param("<|begin_of_box|>[120, 305], [260, 480]<|end_of_box|> is the bounding box.", [MUG], id="square-pairs-of-a-box"),
    pytest.param("The bounding box is <|begin_of_box|>[[120, 305], [260, 480]]<|end_of_box|>.", [MUG], id="pair-list-of-a-box"),
    pytest.param("<|begin_of_box|>[0.12, 0.305, 0.26, 0.48]<|end_of_box|>", [MUG], id="shares"),
    pytest.param("<|begin_of_box|>[12%, 30.5%, 26%, 48%]<|end_of_box|>", [MUG], id="percent"),
    pytest.param("<|begin_of_box|>［［１２０，３０５，２６０，４８０］］<|end_of_box|>", [MUG], id="full-width"),
    pytest.param("<|begin_of_box|>杯子：[[120,305,260,480]]<|end_of_box|>", [(*MUG, "杯子")], id="chinese-label"),
    pytest.param("<|begin_of_box|>[[120,305,260,480],<|end_of_box|>", [MUG], id="outer-bracket-missing"),
    pytest.param('<|begin_of_box|>"[[120,305,260,480]]"<|end_of_box|>', [MUG], id="quoted"),
    pytest.param("<|begin_of_box|>`[120,305,260,480]`<|end_of_box|>", [MUG], id="backticks"),
    pytest.param("<|begin_of_box|>[[120.0, 305.0, 260.0, 480.0]]<|end_of_box|>", [MUG], id="whole-decimals"),
    pytest.param(
        "Left: <|begin_of_box|>[[120,305,260,480]]<|end_of_box|> Right: <|begin_of_box|>[[300,310,420,500]]<|end_of_box|>",
        [(*MUG, "Left"), (*JUG, "Right")],
        id="colon-labels-in-one-line",
    ),
    pytest.param("<|begin_of_box|>CLICK(box=[[120,305,260,480]], element_info='OK')<|end_of_box|>", [(*MUG, "OK")], id="call"),
]

JSON = [
    pytest.param('{"Label": "mug", "BBOX_2D": [120, 305, 260, 480]}', [A_MUG], id="capital-keys"),
    pytest.param('{"label": "mug", "boundingBox": [120, 305, 260, 480]}', [A_MUG], id="camel-key"),
    pytest.param('{"label": "mug", "bounding_box": {"x": 120, "y": 305, "width": 140, "height": 175}}', [A_MUG], id="x-y-size"),
    pytest.param(
        '{"object": "mug", "coordinates": {"x1": 120, "y1": 305, "x2": 260, "y2": 480}}', [A_MUG], id="coordinates-object"
    ),
    pytest.param(
        '{"object": "mug", "position": {"left": 120, "top": 305, "right": 260, "bottom": 480}}', [A_MUG], id="position-sides"
    ),
    pytest.param(
        '{"label": "mug", "bbox": {"top_left": [120, 305], "bottom_right": [260, 480]}}', [A_MUG], id="corner-lists-in-box"
    ),
    pytest.param(
        '{"label": "mug", "bbox": {"top_left": {"x": 120, "y": 305}, "bottom_right": {"x": 260, "y": 480}}}',
        [A_MUG],
        id="corner-objects-in-box",
    ),
    pytest.param('{"label": "mug", "bbox": [{"x": 120, "y": 305}, {"x": 260, "y": 480}]}', [A_MUG], id="corner-objects-in-list"),
    pytest.param('{"label": "mug", "bbox": ["120", "305", "260", "480"]}', [A_MUG], id="number-strings"),
    pytest.param('{"label": "mug", "bbox": ["12%", "30.5%", "26%", "48%"]}', [A_MUG], id="percent-strings"),
    pytest.param('{"label": "mug", "bbox": "(120, 305, 260, 480)"}', [A_MUG], id="round-in-string"),
    pytest.param('{"label": "mug", "bbox": "<box>120 305 260 480</box>"}', [A_MUG], id="tag-in-string"),
    pytest.param('{"label": "mug", "bbox_2d": "120 305 260 480"}', [A_MUG], id="spaces-in-string"),
    pytest.param('{"label": "7", "bbox_2d": [120, 305, 260, 480]}', [(*MUG, "7")], id="digit-label"),
    pytest.param('{"label": "", "bbox_2d": [120, 305, 260, 480]}', [MUG], id="empty-label"),
    pytest.param(
        '{"result": {"objects": [{"name": "mug", "box": [120, 305, 260, 480]}]}, "status": "ok"}', [A_MUG], id="deep-wrap"
    ),
    pytest.param(
        '{"mug": {"x1": 120, "y1": 305, "x2": 260, "y2": 480}, "jug": {"x1": 300, "y1": 310, "x2": 420, "y2": 500}}',
        [A_MUG, A_JUG],
        id="map-of-named-corners",
    ),
    pytest.param('{"label": "mug", "bbox_2d": [120, 305, 260, 480], "score": 0.97}', [A_MUG], id="score-aside"),
    pytest.param(
        '"{\\\\\\"label\\\\\\": \\\\\\"mug\\\\\\", \\\\\\"bbox_2d\\\\\\": [120, 305, 260, 480]}"', [A_MUG], id="escaped-twice"
    ),
    pytest.param("{label: 'mug', bbox_2d: [120, 305, 260, 480]}", [A_MUG], id="javascript-keys"),
    pytest.param(
        '[{"label":"mug","bbox_2d":[120,305,260,480]};{"label":"jug","bbox_2d":[300,310,420,500]}]', [A_MUG, A_JUG], id=";"
    ),
    pytest.param(
        '{"label": "mug", "bbox_2d": [120, 305, 260, 480], "bbox_2d": [300, 310, 420, 500]}',
        [A_MUG, (*JUG, "mug")],
        id="key-twice",
    ),
    pytest.param('{"label"="mug", "bbox_2d"=[120, 305, 260, 480]}', [A_MUG], id="equals-signs"),
    pytest.param(
        '{"label": "mug","bbox_2d":[120,305,260,480]}{"label": "jug","bbox_2d":[300,310,420,500]}', [A_MUG, A_JUG], id="glued"
    ),
    pytest.param('[{"label": "mug", "bbox_2d": [120, 305, 260, 480]}, ...]', [A_MUG], id="dots-at-the-end"),
    pytest.param('[{"label": "mug", "bbox_2d": [120, 305, 260, 480]}, {"label": "jug", "bbox_2d": [300, 31', [A_MUG], id="cut"),
    pytest.param('[{"label": "mug", "bbox_2d": [120, 305, 260, 480]}, {"lab', [A_MUG], id="cut-in-key"),
    pytest.param(
        '[{"bbox_2d": [120, 305, 260, 480], "label": "mug"}, {"bbox_2d": [300, 310, 420, 500]', [A_MUG], id="cut-before-label"
    ),
    pytest.param('{"label": "mug", "point": {"x": 190, "y": 392}}', [(190, 392, "mug")], id="point-object"),
    pytest.param(
        '[{"point": [190, 392], "label": "mug"}, {"point": [360, 405], "label": "jug"}]',
        [(190, 392, "mug"), (360, 405, "jug")],
        id="points",
    ),
    pytest.param(
        '{"label": "mug", "bbox_2d": [120, 305, 260, 480], "center": [190, 392]}', [A_MUG, (190, 392, "mug")], id="box-and-centre"
    ),
    pytest.param('{"label": "mug", "box_2d": [305, 120, 480, 260]}', [(305, 120, 480, 260, "mug")], id="no-swap-for-a-key"),
    pytest.param(
        '{"label": "mug [old] {x}, (y)", "bbox_2d": [120, 305, 260, 480]}', [(*MUG, "mug [old] {x}, (y)")], id="brackets-in-label"
    ),
    pytest.param(
        '{"label": "12, 34, 56, 78", "bbox_2d": [120, 305, 260, 480]}', [(*MUG, "12, 34, 56, 78")], id="numbers-in-label"
    ),
    pytest.param(
        "{'label': 'waiter\\'s mug', 'bbox_2d': [120, 305, 260, 480]}", [(*MUG, "waiter's mug")], id="escaped-apostrophe"
    ),
    pytest.param('{"label": "a: b, c", "bbox_2d": [120, 305, 260, 480]}', [(*MUG, "a: b, c")], id="marks-in-label"),
    pytest.param(
        '{"bboxes": {"mug": [120, 305, 260, 480], "jug": [300, 310, 420, 500]}}', [A_MUG, A_JUG], id="map-under-a-box-key"
    ),
    pytest.param(
        '{"labels": ["mug", "jug"], "bboxes_2d": [[120,305,260,480],[300,310,420,500]]}', [A_MUG, A_JUG], id="labels-first"
    ),
    pytest.param('[{"label": "mug", "bbox_2d": []}, {"label": "jug", "bbox_2d": [300, 310, 420, 500]}]', [A_JUG], id="one-empty"),
    pytest.param(
        '[{"label": "mug", "bbox_2d": [0, 0, 0, 0]}, {"label": "jug", "bbox_2d": [300, 310, 420, 500]}]', [A_JUG], id="zeros"
    ),
    pytest.param(
        '[{"label": "mug", "bbox_2d": [120, 305, 260]}, {"label": "jug", "bbox_2d": [300, 310, 420, 500]}]', [A_JUG], id="three"
    ),
    pytest.param('[{"label": "mug", "bbox_2d": [260, 480, 120, 305]}]', [A_MUG], id="swapped-corners"),
    pytest.param('{"label": "mug", "bbox_2d": [-4, 305, 260, 1003]}', [(0, 305, 260, 1000, "mug")], id="just-outside"),
    pytest.param('{"label": "mug", "bbox_2d": [0.12, 0.305, 0.26, 0.48]}', [A_MUG], id="shares"),
    pytest.param('{"类别": "杯子", "边界框": [120, 305, 260, 480]}', [(*MUG, "杯子")], id="chinese-keys"),
    pytest.param('［｛"label"："杯子"，"bbox_2d"：［120，305，260，480］｝］', [(*MUG, "杯子")], id="full-width-json"),
    pytest.param(
        '{"0": [{"label": "car-1", "bbox_2d": [120,305,260,480]}], "2": [{"label": "car-1", "bbox_2d": [300,310,420,500]}]}',
        [(*MUG, "car-1"), (*JUG, "car-1", "#3")],
        id="video",
    ),
    pytest.param('{"image_1": [[120,305,260,480]], "image_2": [[300,310,420,500]]}', [MUG, (*JUG, "#2")], id="lists-by-image"),
    pytest.param('[["mug", 120, 305, 260, 480], ["jug", 300, 310, 420, 500]]', [A_MUG, A_JUG], id="flat-rows"),
    pytest.param('[{"mug": [[120, 305, 260, 480]]}, {"jug": [[300, 310, 420, 500]]}]', [A_MUG, A_JUG], id="double-in-maps"),
    pytest.param('{"label": "mug", "bbox_3d": [1,2,3,4,5,6,7,8,9], "bbox_2d": [120,305,260,480]}', [A_MUG], id="beside-3d"),
    pytest.param(
        '{"label": "mug", "segmentation": [[1,2,3,4,5,6,7,8]], "bbox": [120,305,260,480]}', [A_MUG], id="beside-polygon"
    ),
    pytest.param('{"bbox_2d": [120, 305, 260, 480], "label": null, "text_content": "SALE"}', [(*MUG, "SALE")], id="text-content"),
    pytest.param(
        '[\n  {\n    "bbox_2d": [\n      120,\n      305,\n      260,\n      480\n    ],\n    "label": "mug"\n  }\n]',
        [A_MUG],
        id="pretty",
    ),
    pytest.param("[{'label': 'mug', 'bbox_2d': array([120, 305, 260, 480])}]", [A_MUG], id="array"),
    pytest.param("[Detection(label='mug', bbox=[120, 305, 260, 480])]", [A_MUG], id="repr-of-a-dataclass"),
    pytest.param("```json5\n[{label: 'mug', bbox_2d: [120, 305, 260, 480],},]\n```", [A_MUG], id="json5"),
    pytest.param(
        '```jsonl\n{"label":"mug","bbox_2d":[120,305,260,480]}\n{"label":"jug","bbox_2d":[300,310,420,500]}\n```',
        [A_MUG, A_JUG],
        id="jsonl",
    ),
    pytest.param('~~~json\n[{"label":"mug","bbox_2d":[120,305,260,480]}]\n~~~', [A_MUG], id="tilde-fence"),
    pytest.param('  ```json\n  [{"label":"mug","bbox_2d":[120,305,260,480]}]\n  ```', [A_MUG], id="indented-fence"),
    pytest.param('<answer>```json\n[{"label":"mug","bbox_2d":[120,305,260,480]}]\n```</answer>', [A_MUG], id="fence-in-answer"),
    pytest.param("```csv\nlabel,x1,y1,x2,y2\nmug,120,305,260,480\njug,300,310,420,500\n```", [A_MUG, A_JUG], id="csv"),
]

PROSE = [
    pytest.param("The mug is located at [120, 305, 260, 480] in the image.", [MUG], id="located-at"),
    pytest.param("Bounding box for the mug → [120, 305, 260, 480]", [MUG], id="arrow"),
    pytest.param("I can see a mug [120, 305, 260, 480]; a jug [300, 310, 420, 500].", [MUG, JUG], id="inline"),
    pytest.param("Its bounding box (normalised to 0–1000) is [120, 305, 260, 480].", [MUG], id="normalised-aside"),
    pytest.param("The answer: [120,305,260,480]", [MUG], id="the-answer"),
    pytest.param("Bbox: (120,305)-(260,480)", [MUG], id="dash-between-corners"),
    pytest.param("The bounding box is [(120, 305), (260, 480)].", [MUG], id="round-pairs-in-square"),
    pytest.param("The bounding box of the mug: top-left [120, 305], bottom-right [260, 480].", [MUG], id="square-corners"),
    pytest.param(
        "top-left: (120, 305); top-right: (260, 305); bottom-right: (260, 480); bottom-left: (120, 480)", [MUG], id="four-corners"
    ),
    pytest.param(
        "The upper left corner is (120, 305) and the lower right corner is (260, 480) on a 0-1000 scale.",
        [MUG],
        id="corner-sentence",
    ),
    pytest.param("The bottom-left corner is at (120, 480), the top-right corner at (260, 305).", [MUG], id="other-diagonal"),
    pytest.param("Left edge: 120, top edge: 305, right edge: 260, bottom edge: 480.", [MUG], id="edges"),
    pytest.param("It spans left=12%, top=30.5%, right=26%, bottom=48%.", [MUG], id="percent-sides"),
    pytest.param("x_min = 120; y_min = 305; x_max = 260; y_max = 480.", [MUG], id="semicolons"),
    pytest.param("xmin 120, ymin 305, xmax 260, ymax 480.", [MUG], id="names-without-signs"),
    pytest.param("(x1, y1, x2, y2) = (120, 305, 260, 480)", [MUG], id="legend-equals"),
    pytest.param("[x1=120,y1=305,x2=260,y2=480]", [MUG], id="named-in-brackets"),
    pytest.param(
        "| Object | Top-left | Bottom-right |\n|---|---|---|\n| mug | (120, 305) | (260, 480) |\n", [A_MUG], id="corner-columns"
    ),
    pytest.param("| 物体 | 坐标 |\n|---|---|\n| 杯子 | [120, 305, 260, 480] |\n", [(*MUG, "杯子")], id="chinese-table"),
    pytest.param("| mug | 120 | 305 | 260 | 480 |\n", [], id="row-without-head"),
    pytest.param("Objects:\n* mug – [120, 305, 260, 480]\n* jug – [300, 310, 420, 500]", [A_MUG, A_JUG], id="stars-and-dashes"),
    pytest.param("① 杯子：[120,305,260,480] ② 水壶：[300,310,420,500]", [(*MUG, "杯子"), (*JUG, "水壶")], id="circled-numbers"),
    pytest.param("1) mug: [120, 305, 260, 480]\n2) jug: [300, 310, 420, 500]", [A_MUG, A_JUG], id="paren-numbers"),
    pytest.param("mug = [120, 305, 260, 480]\njug = [300, 310, 420, 500]", [A_MUG, A_JUG], id="words-with-equals"),
    pytest.param("杯子的边界框坐标为：[120, 305, 260, 480]", [(*MUG, "杯子")], id="chinese-colon"),
    pytest.param("图中杯子位于 (120, 305, 260, 480) 处。", [MUG], id="chinese-located"),
    pytest.param("左上：(120，305)　右下：(260，480)", [MUG], id="chinese-corners-short"),
    pytest.param("左上角为[120,305]、右下角为[260,480]的矩形区域。", [MUG], id="chinese-corner-lists"),
    pytest.param("该区域的坐标范围是〔120，305，260，480〕。", [MUG], id="tortoise-brackets"),
    pytest.param("坐标：<120, 305, 260, 480>", [MUG], id="angles"),
    pytest.param("答案是【120，305，260，480】。", [MUG], id="chinese-answer"),
    pytest.param("x1：120，y1：305，x2：260，y2：480。", [MUG], id="chinese-named"),
    pytest.param("第1张图：[[120,305,260,480]]\n第2张图：[[300,310,420,500]]", [MUG, (*JUG, "#2")], id="chinese-pictures"),
    pytest.param(
        "**Image 1**: mug [[120,305,260,480]]\n**Image 2**: jug [[300,310,420,500]]", [MUG, (*JUG, "#2")], id="pictures-in-bold"
    ),
    pytest.param("In [2023], the same mug was at [[120, 305, 260, 480]].", [MUG], id="year-in-brackets"),
    pytest.param(
        "The 2 mugs (v1.2.3.4) at 10:30 on 2024-05-06: [[120,305,260,480],[300,310,420,500]]",
        [MUG, JUG],
        id="versions-and-dates-around",
    ),
    pytest.param("The score is 3-2, shown in the score box at [120, 305, 260, 480].", [MUG], id="score-box"),
    pytest.param("The table of sales [120, 150, 180, 240] stands at [[120, 305, 260, 480]].", [MUG], id="sales-then-double"),
    pytest.param(
        "See [the docs](https://example.com/a?b=[1,2,30,40]): the mug is at [120, 305, 260, 480].", [MUG], id="link-before"
    ),
    pytest.param("The formula $x \\in [1, 2]$ is printed on the mug at [120, 305, 260, 480].", [MUG], id="formula-before"),
    pytest.param("$$\\text{bbox} = [120, 305, 260, 480]$$", [MUG], id="display-formula-of-a-box"),
    pytest.param("\\boxed{[120, 305, 260, 480]}", [MUG], id="boxed"),
    pytest.param("**[120, 305, 260, 480]**", [MUG], id="bold"),
    pytest.param("- [120, 305, 260, 480]\n- [300, 310, 420, 500]", [MUG, JUG], id="bullets-alone"),
    pytest.param("[120, 305, 260, 480] mug\n[300, 310, 420, 500] jug", [A_MUG, A_JUG], id="label-after"),
    pytest.param("[120, 305, 260, 480]: mug\n[300, 310, 420, 500]: jug", [A_MUG, A_JUG], id="label-after-colon"),
    pytest.param("[[120 305 260 480], [300 310 420 500]]", [MUG, JUG], id="spaces-double"),
    pytest.param("[[ 120 , 305 , 260 , 480 ]]", [MUG], id="wide"),
    pytest.param("[120,305,260,480]\n\n[300,310,420,500]", [MUG, JUG], id="blank-line-between"),
    pytest.param("[120;305;260;480]", [MUG], id="semicolons-for-commas"),
    pytest.param("[[120,305,260,480]][[300,310,420,500]]", [MUG, JUG], id="doubles-glued"),
    pytest.param("mug[120,305,260,480]jug[300,310,420,500]", [], id="indexing-glued"),
    pytest.param("The mug spans [[0, 305, 1000, 480]], the full width.", [(0, 305, 1000, 480)], id="full-width-box"),
    pytest.param("The mug is at [[120, 305, 260, 480]], not [[120, 305, 260, 480]].", [MUG], id="said-twice"),
    pytest.param("bbox_2d: [120, 305, 260, 480], label: mug", [A_MUG], id="loose-keys"),
    pytest.param("- name: mug\n  box:\n    x1: 120\n    y1: 305\n    x2: 260\n    y2: 480\n", [A_MUG], id="yaml-named"),
    pytest.param("- name: mug\n  bbox:\n    - 120\n    - 305\n    - 260\n    - 480\n", [A_MUG], id="yaml-list"),
    pytest.param(
        "Detected objects: mug (bbox: [120, 305, 260, 480]), jug (bbox: [300, 310, 420, 500])",
        [A_MUG, A_JUG],
        id="label-then-bbox",
    ),
]

TAGS = [
    pytest.param("<ref>mug</ref><box>(120,305),(260,480)</box>", [A_MUG], id="qwen-vl"),
    pytest.param("<p>mug</p><box>[[120, 305, 260, 480]]</box>", [A_MUG], id="phrase"),
    pytest.param("<box>[120,305,260,480]</box><box>[300,310,420,500]</box>", [MUG, JUG], id="two"),
    pytest.param("<box><x1>120</x1><y1>305</y1><x2>260</x2><y2>480</y2></box>", [MUG], id="children"),
    pytest.param('<box xmin="120" ymin="305" xmax="260" ymax="480">mug</box>', [A_MUG], id="attributes-and-text"),
    pytest.param("<BBOX>120, 305, 260, 480</BBOX>", [MUG], id="capitals"),
    pytest.param("<|box_start|>[120,305,260,480]<|box_end|>", [MUG], id="qwen-tokens-square"),
    pytest.param(
        '!<image_ref>[3, [[120,305,260,480],[300,310,420,500]], "Fig. 2"]</image_ref>',
        [(*MUG, "Fig. 2", "#3"), (*JUG, "Fig. 2", "#3")],
        id="two-in-a-reference",
    ),
    pytest.param(
        '!<chart_ref>[1, [[120,305,260,480]], "Chart [a]: 1, 2, 3, 4"]</chart_ref>',
        [(*MUG, "Chart [a]: 1, 2, 3, 4")],
        id="chart-reference",
    ),
    pytest.param("<bbox>120,305,260</bbox>", [], id="three"),
    pytest.param("<points>[[120, 305], [260, 480]]</points>", [(120, 305), (260, 480)], id="points"),
    pytest.param(
        "mug<loc_120><loc_305><loc_260><loc_480>jug<loc_300><loc_310><loc_420><loc_500>", [A_MUG, A_JUG], id="florence-two"
    ),
]

ACTIONS = [
    pytest.param("CLICK(box=[[120,305,260,480]], element_info='A, (B) [7]')", [(*MUG, "A, (B) [7]")], id="marks-in-info"),
    pytest.param("TYPE(box=[[120,305,260,480]], text='[[1,2,30,40]]', element_info='Field')", [(*MUG, "Field")], id="box-typed"),
    pytest.param("left_click(start_box='[120,305]')", [(120, 305)], id="click"),
    pytest.param('left_click(start_box="[120, 305, 260, 480]", element_info="Go")', [(*MUG, "Go")], id="four-in-start-box"),
    pytest.param("scroll(start_box='[500,500]', direction='down', step=5)", [(500, 500)], id="scroll"),
    pytest.param('do(action="Type", text="call 120, 305, 260, 480")', [], id="typed-numbers"),
    pytest.param('do(action="Long Press", element=[120,305])', [(120, 305)], id="long-press"),
    pytest.param('do(action="Wait", duration="2 seconds")', [], id="wait"),
    pytest.param('{"action_type": "swipe", "start": [120, 305], "end": [260, 480]}', [(120, 305), (260, 480)], id="swipe-json"),
    pytest.param('{"action_type": "input_text", "text": "left: 120", "box_2d": [[120,305,260,480]]}', [MUG], id="input-text"),
    pytest.param('{"action": "click", "coordinate": [120, 305]}', [(120, 305)], id="coordinate"),
    pytest.param("click(120, 305)", [(120, 305)], id="two-arguments"),
    pytest.param(
        "Status: 已打开设置[[0,20,998,905]]。\nGrounded Operation: CLICK(box=[[120,305,260,480]], element_info='确定')",
        [(0, 20, 998, 905), (*MUG, "确定")],
        id="status-and-click",
    ),
    pytest.param(
        "Status: step [1, 2, 30, 40] done.\nGrounded Operation: CLICK(box=[[120,305,260,480]], element_info='OK')",
        [(*MUG, "OK")],
        id="single-in-status",
    ),
    pytest.param("KEY_PRESS(key='[120,305,260,480]')", [], id="key"),
    pytest.param("[button] Save -> CLICK at the box [[120,305,260,480]]", [MUG], id="cogagent-18b"),
]

NOTHING = [
    pytest.param("[120,305,260,480] 元", id="yuan"),
    pytest.param("Released on [2024, 11, 5, 14].", id="date"),
    pytest.param("The dates are (12, 5, 20, 24).", id="dates"),
    pytest.param("Open from [08:30, 12:00, 13:30, 18:00].", id="opening-hours"),
    pytest.param("The set scores were (21, 15, 18, 21).", id="set-scores"),
    pytest.param("Update to version [1, 12, 104, 211].", id="version"),
    pytest.param("Install it with `pip install 'pkg[a,b]>=10.20.300.400'`.", id="pip"),
    pytest.param("$$\\begin{pmatrix} 120 & 305 \\\\ 260 & 480 \\end{pmatrix}$$", id="pmatrix"),
    pytest.param("\\[ x = [120, 305, 260, 480] \\]", id="display-list"),
    pytest.param("$x \\in [120, 305]$ and $y \\in [260, 480]$", id="intervals"),
    pytest.param(">>> a[120, 305, 260, 480]", id="prompt-of-python"),
    pytest.param("Call np.zeros([16, 32, 640, 480]) first.", id="zeros"),
    pytest.param("Use nn.Conv2d(3, 64, 128, 256) there.", id="layer"),
    pytest.param("```sql\nINSERT INTO t VALUES (120, 305, 260, 480);\n```", id="sql"),
    pytest.param("```bash\nconvert a.png -crop 140x175+120+305 b.png\n```", id="shell"),
    pytest.param("```python\nprint([[120, 305, 260, 480]])\n```", id="print"),
    pytest.param("```\nimg[305:480, 120:260]\nboxes = [[120, 305, 260, 480]];\n```", id="code-without-language"),
    pytest.param("rgba(12, 50, 200, 255) and hsla(120, 50%, 50%, 1)", id="colours"),
    pytest.param("The colour is (12, 50, 200, 255).", id="colour"),
    pytest.param("cubic-bezier(0.25, 0.1, 0.25, 1.0)", id="bezier"),
    pytest.param("margin: 10px 20px 300px 400px", id="margin"),
    pytest.param("The poll: [25%, 30%, 35%, 10%]", id="poll"),
    pytest.param("The temperatures: [12 15 21 30]", id="temperatures"),
    pytest.param('{"x": [1, 2, 3, 4], "y": [10, 200, 300, 450]}', id="chart-axes"),
    pytest.param('{"Sales": [120, 150, 180, 240], "Profit": [10, 25, 38, 51]}', id="chart-series"),
    pytest.param('{"series": [{"name": "A", "data": [120, 150, 180, 240]}]}', id="series"),
    pytest.param('{"label": "A", "values": [120, 150, 180, 240]}', id="labelled-values"),
    pytest.param('{"name": "conv1", "shape": [64, 3, 70, 70]}', id="named-shape"),
    pytest.param('{"name": "A", "scores": [12, 25, 38, 51]}', id="named-scores"),
    pytest.param('{"label": "mug", "bbox_2d": [120, 305, 260, 480, 0.93]}', id="five-with-score"),
    pytest.param('{"label": "mug", "bbox_2d": [NaN, 305, 260, 480]}', id="nan"),
    pytest.param('{"label": "mug", "bbox_2d": ["x1", "y1", "x2", "y2"]}', id="legend-in-json"),
    pytest.param('{"label": "<name>", "bbox_2d": [x1, y1, x2, y2]}', id="template"),
    pytest.param('{"label": "mug", "bbox_2d": "not visible"}', id="words-for-a-box"),
    pytest.param('{"label": "mug", "bbox_2d": null}', id="null"),
    pytest.param('{"keypoints": [[120, 305, 2], [260, 480, 1]]}', id="keypoints-with-visibility"),
    pytest.param('{"start": 1.5, "end": 3.2, "label": "run"}', id="time-span"),
    pytest.param('{"geometry": {"type": "Polygon", "coordinates": [[120, 35], [121, 36]]}}', id="geojson"),
    pytest.param('{"bbox_3d": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0, 0, 0], "label": "mug"}', id="3d"),
    pytest.param("The event runs [00:12 - 00:15], [01:20 - 01:45].", id="times-of-a-video"),
    pytest.param("The clip lasts from [12.5, 15.0] to [30.0, 48.0] seconds.", id="seconds"),
    pytest.param("<think>[[120,305,260,480]]</think>There is no mug.", id="draft"),
    pytest.param("◁think▷[[120,305,260,480]]◁/think▷ No mug here.", id="draft-of-kimi"),
    pytest.param("Let me see [[120,305,260,480]]</think>\nI see no mug.", id="lone-close"),
    pytest.param("The mug is at [[120, 305, 260", id="cut"),
    pytest.param("The mug is at [[120, 305, 260, 480", id="cut-last"),
    pytest.param("<|begin_of_box|>[[120, 305, 260, 48", id="cut-in-tokens"),
    pytest.param("\\boxed{120, 305, 260, 480}", id="a-list-of-maths"),
    pytest.param("<|begin_of_box|>2019, 2020, 2021, 2022<|end_of_box|>", id="token-years"),
    pytest.param("The four scores are <|begin_of_box|>[12, 25, 38, 51]<|end_of_box|>.", id="token-scores"),
    pytest.param("<|begin_of_box|>None<|end_of_box|>", id="token-none"),
    pytest.param("<|begin_of_box|>\\frac{120}{305}<|end_of_box|>", id="token-fraction"),
    pytest.param("<|begin_of_box|>A, C, D<|end_of_box|>", id="token-letters"),
    pytest.param("<|begin_of_box|>[]<|end_of_box|>", id="token-empty"),
    pytest.param("[](120,305,260,480)", id="empty-link"),
    pytest.param("![mug](mug.png){width=120 height=305}", id="image-attributes"),
    pytest.param("[12]: https://example.com [34]: https://example.org", id="link-definitions"),
    pytest.param("As shown in [12, 34, 56, 78], transformers scale well.", id="citations-shown-in"),
    pytest.param("(Smith, 2019; Lee, 2020) report [12, 15, 61, 80].", id="citations-report"),
    pytest.param("IP: 192.168.10.200, mask [255, 255, 255, 0].", id="mask"),
    pytest.param("The serial number is [1203 0526 0480 7712].", id="serial"),
    pytest.param("Call (020) 7946 0958, ext. [12, 34, 56, 78].", id="telephone"),
    pytest.param("Rooms [12, 34, 156, 178] are free.", id="rooms"),
    pytest.param("Add [10, 20, 300, 400] grams of flour.", id="grams"),
    pytest.param("The ratio is 120:305:260:480.", id="ratio"),
    pytest.param("The quaternion is (0.5, 0.5, 0.5, 0.6).", id="quaternion"),
    pytest.param("His best times are [12.1, 24.3, 51.2, 108.9] s.", id="best-times"),
    pytest.param("The resolution is [640, 480], the crop [320, 240].", id="resolutions"),
    pytest.param("Coordinates: 39.9042° N, 116.4074° E", id="degrees"),
    pytest.param("卷积核为[3, 64, 70, 70]。", id="chinese-kernel"),
    pytest.param("比分为(21, 15, 38, 51)。", id="chinese-score"),
    pytest.param("2021到2024年的产量为[120, 150, 180, 240]吨。", id="chinese-output"),
    pytest.param("电话：[010 6255 1234 5678]", id="chinese-phone"),
    pytest.param("价格从[12, 25]到[38, 51]元不等。", id="chinese-prices"),
    pytest.param("[1200, 1305, 1260, 1480]", id="all-over"),
    pytest.param("[[120, 305, 120, 480]]", id="no-width"),
    pytest.param("[[-50, -40, -10, -5]]", id="outside"),
    pytest.param("[[120, 305, 260, 4e9]]", id="exponent"),
    pytest.param("{120, 305}", id="two-in-braces"),
    pytest.param("[[120, 305, [260, 480]]]", id="three-deep-mix"),
    pytest.param("The patch grid is 24 x 24 [576, 1024].", id="patch-grid"),
]


SECOND = [
    pytest.param("[120, 305, 260, 480] is the mug's bounding box.", [MUG], id="box-behind"),
    pytest.param("- [120, 305, 260, 480] (mug)\n- [300, 310, 420, 500] (jug)\n", [A_MUG, A_JUG], id="label-in-parentheses"),
    pytest.param("[[120, 305, 260, 480]]\nHope this helps!", [MUG], id="a-sentence-in-the-next-line"),
    pytest.param("label\tx1\ty1\tx2\ty2\nmug\t120\t305\t260\t480\n", [A_MUG], id="tabs"),
    pytest.param("x_min, y_min, x_max, y_max\n120, 305, 260, 480\n", [MUG], id="csv-of-one"),
    pytest.param(
        "| Name | Left | Top | Width | Height |\n|--|--|--|--|--|\n| mug | 120 | 305 | 140 | 175 |\n",
        [A_MUG],
        id="table-of-sizes",
    ),
    pytest.param("The mug [120, 305, 260, 480] in the middle", [MUG], id="in-is-no-inch"),
    pytest.param(
        '{"label":"mug","points":[{"x":120,"y":305},{"x":260,"y":480}]}',
        [(120, 305, "mug"), (260, 480, "mug")],
        id="point-objects",
    ),
    pytest.param('{"A": [120,305,260,480], "B": [300,310,420,500]}', [(*MUG, "A"), (*JUG, "B")], id="letters-as-labels"),
    pytest.param('{"label": "mug", "text": "<box>1 2 30 40</box>", "bbox_2d": [120,305,260,480]}', [A_MUG], id="tag-in-a-text"),
    pytest.param('{"answer": "<box>120 305 260 480</box>"}', [MUG], id="tag-in-an-answer"),
    pytest.param("Coordinates:\n- 120\n- 305\n- 260\n- 480\n", [MUG], id="items-of-coordinates"),
    pytest.param("Answer: mug: [120, 305, 260, 480]", [A_MUG], id="two-colons"),
    pytest.param("Box 1: 120, 305, 260, 480\nBox 2: 300, 310, 420, 500", [MUG, JUG], id="numbered-boxes"),
    pytest.param("year,a,b,c,d\n2021,120,305,260,480\n", [], id="csv-of-years"),
    pytest.param("| year | q1 | q2 | q3 | q4 |\n|--|--|--|--|--|\n| 2021 | 120 | 305 | 400 | 480 |\n", [], id="table-of-years"),
    pytest.param("margins: left 120, top 305, right 260, bottom 480", [], id="margins"),
    pytest.param("left 120 votes, right 305 votes", [], id="votes"),
    pytest.param("Distances: [120, 305, 260, 480] km", [], id="kilometres"),
    pytest.param('{"bbox": {"x": 120, "y": 305}}', [], id="half-a-box"),
    pytest.param('{"label":"mug","polygon":[{"x":120,"y":305},{"x":260,"y":480}]}', [], id="polygon-of-objects"),
    pytest.param('{"data":[{"x":120,"y":305},{"x":260,"y":480}]}', [], id="chart-of-objects"),
    pytest.param("margins:\n- 120\n- 305\n- 260\n- 480\n", [], id="items-of-margins"),
    pytest.param("The box:\n- 120\n- 305\n- 260\n- 480\n- 500\n", [], id="five-items"),
    pytest.param("Boxes of apples sold:\n- 120\n- 305\n- 260\n- 480\n", [], id="items-of-apples"),
]
"""Close to the ones above, and on the other side as well."""

PLACES = [*TOKENS, *JSON, *PROSE, *TAGS, *ACTIONS, *SECOND]

LAST = [
    pytest.param("x1: 120, y1: 305, x2: 260, y2: 480", id="named"),
    pytest.param("Bounding box: 120, 305, 260, 480", id="after-a-colon"),
    pytest.param("<|begin_of_box|>120, 305, 260, 480", id="in-open-tokens"),
    pytest.param("top-left: x=120, y=305; bottom-right: x=260, y=480", id="corners"),
    pytest.param("坐标为 120, 305, 260, 480", id="chinese"),
    pytest.param("left: 12%, top: 30.5%, right: 26%, bottom: 48%", id="percent"),
    pytest.param("bbox:\n- 120\n- 305\n- 260\n- 480", id="yaml"),
    pytest.param("label,x1,y1,x2,y2\n,120,305,260,480", id="csv"),
]


@pytest.mark.parametrize(("text", "expected"), PLACES)
def test_places(text: str, expected: list[tuple[object, ...]]) -> None:
    """Each place and each name that the answer gives, whatever its shape."""
    assert brief(read_boxes(text, 1000, 1000)) == expected


@pytest.mark.parametrize("text", NOTHING)
def test_no_places(text: str) -> None:
    """Nothing is made up, and a sentence says why there is none."""
    reading = read_boxes(text, 1000, 1000)
    assert brief(reading) == []
    assert reading.reason


@pytest.mark.parametrize("text", LAST)
def test_the_last_number_may_grow(text: str) -> None:
    """Numbers without brackets at the very end count when the answer has ended, and not before."""
    assert brief(read_boxes(text, 1000, 1000)) == [MUG]
    for end in range(len(text) + 1):
        assert brief(read_boxes(text[:end], 1000, 1000, is_growing=True)) == []
