"""Answers as a model writes them in the middle of other work: documents, charts, screens, counting, maths, code, travel."""

from __future__ import annotations

import pytest

from glm_magics.grounding import read_boxes

from .test_grounding import brief

WITH_BOXES = [
    pytest.param(
        "I found three bottles on the table:\n\n1. **Green bottle** – located at [97, 595, 179, 988]\n2. **Clear "
        "bottle** – located at [210, 580, 280, 970]\n"
        "3. **Brown bottle** – located at [305, 600, 390, 985]\n\nLet me know if you need anything else!",
        [(97, 595, 179, 988, "Green bottle"), (210, 580, 280, 970, "Clear bottle"), (305, 600, 390, 985, "Brown bottle")],
        id="bold-list-with-located",
    ),
    pytest.param(
        "Sure! The invoice total **$1,240.50** appears at the bottom right of the page, in the region [[702, 861, 934, 893]].",
        [(702, 861, 934, 893)],
        id="invoice-total",
    ),
    pytest.param(
        "OCR result:\n- Title: [[102, 71, 908, 120]]\n- Date: [[700, 130, 905, 155]]\n- Signature: [[640, 880, 900, 950]]",
        [(102, 71, 908, 120, "Title"), (700, 130, 905, 155, "Date"), (640, 880, 900, 950, "Signature")],
        id="fields",
    ),
    pytest.param(
        '```json\n{\n  "title": {"text": "Annual Report 2023", "bbox_2d": [102, 71, 908, 120]},\n  "author": {"text": '
        '"J. Smith", "bbox_2d": [102, 130, 400, 160]}\n}\n```',
        [(102, 71, 908, 120, "Annual Report 2023"), (102, 130, 400, 160, "J. Smith")],
        id="ocr-json-texts",
    ),
    pytest.param(
        "The bar chart shows sales of [120, 150, 180, 240] for the four quarters; the tallest bar is located at [[712, "
        "200, 790, 880]].",
        [(712, 200, 790, 880)],
        id="chart-values-and-box",
    ),
    pytest.param(
        "There are 4 cats in the image.\n<|begin_of_box|>[[110,147,193,823],[190,330,313,852],[299,346,427,901],[420,522,"
        "517,914]]<|end_of_box|>",
        [(110, 147, 193, 823), (190, 330, 313, 852), (299, 346, 427, 901), (420, 522, 517, 914)],
        id="counting-cats",
    ),
    pytest.param(
        "第一只：斑纹猫，品种可能是美国短毛猫，bounding box[[110,147,193,823]]。\n第二只：灰色虎斑，bounding box[[190,"
        "330,313,852]]。",
        [(110, 147, 193, 823), (190, 330, 313, 852)],
        id="cats-chinese",
    ),
    pytest.param(
        "图中共有2个人。\n- 左边的男士：<|begin_of_box|>[[120,200,340,900]]<|end_of_box|>\n- 右边的女士：<|begin_of_box|>"
        "[[560,210,760,905]]<|end_of_box|>",
        [(120, 200, 340, 900, "左边的男士"), (560, 210, 760, 905, "右边的女士")],
        id="people-chinese-tokens",
    ),
    pytest.param(
        "The search box is in the top-right corner, at [[640, 20, 940, 62]]. Click it to type.",
        [(640, 20, 940, 62)],
        id="corner-word-without-pair",
    ),
    pytest.param(
        "Step 1: Open the menu (icon at [[12, 18, 48, 60]]).\nStep 2: Choose “Settings” [[20, 300, 240, 345]].\nStep 3: "
        "Wait 10 seconds.",
        [(12, 18, 48, 60), (20, 300, 240, 345)],
        id="gui-steps",
    ),
    pytest.param(
        "Memory:\n[]\nReason: I need to click the search bar.\nAction:\nleft_click(start_box='[512,86]', "
        "element_info='Search bar')",
        [(512, 86, "Search bar")],
        id="pc-agent",
    ),
    pytest.param(
        "<tool_call>click\n<arg_key>coordinate</arg_key>\n<arg_value>[512, 86]</arg_value>\n</tool_call>",
        [(512, 86)],
        id="tool-call-tags",
    ),
    pytest.param(
        '<tool_call>\n{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [512, 86]}}\n</tool_call>',
        [(512, 86)],
        id="tool-call-json",
    ),
    pytest.param(
        'Here is the detection result in the requested format:\n\n[\n  {"label": "person-1", "bbox_2d": [10, 20, 110, '
        '420]},\n  {"label": "person-2", "bbox_2d": [210, 25, 320, 430]}\n]\n\nNote: coordinates are normalized to 0-1000.',
        [(10, 20, 110, 420, "person-1"), (210, 25, 320, 430, "person-2")],
        id="json-with-prose",
    ),
    pytest.param(
        "| No. | Object | xmin | ymin | xmax | ymax |\n| --- | --- | --- | --- | --- | --- |\n| 1 | red car | 102 | 300 "
        "| 410 | 620 |\n| 2 | bus | 500 | 250 | 930 | 700 |\n",
        [(102, 300, 410, 620, "red car"), (500, 250, 930, 700, "bus")],
        id="table-columns",
    ),
    pytest.param(
        "| Object | Bounding box (x1, y1, x2, y2) |\n|:--|:--|\n| red car | (102, 300, 410, 620) |\n| bus | (500, 250, "
        "930, 700) |",
        [(102, 300, 410, 620, "red car"), (500, 250, 930, 700, "bus")],
        id="table-round",
    ),
    pytest.param(
        "The defect: x_min=412, y_min=388, x_max=455, y_max=431 (scratch).", [(412, 388, 455, 431, "defect")], id="defect-named"
    ),
    pytest.param("裂纹位于图像中部，边界框为 (412, 388, 455, 431)，长度约 3 cm。", [(412, 388, 455, 431)], id="crack-chinese"),
    pytest.param("目标位置：左上角(412, 388)，右下角(455, 431)。", [(412, 388, 455, 431, "目标")], id="target-corners"),
    pytest.param("The ball is at [0.41, 0.38, 0.46, 0.43] in normalised coordinates.", [(410, 380, 460, 430)], id="normalised"),
    pytest.param("<|begin_of_box|>[[0.45, 0.45, 0.55, 0.55]]<|end_of_box|>", [(450, 450, 550, 550)], id="normalised-tokens"),
    pytest.param("The logo occupies roughly 10% to 25% of the width: [10%, 5%, 25%, 15%].", [(100, 50, 250, 150)], id="percent"),
    pytest.param(
        '{"page": 2, "elements": [{"type": "table", "bbox": [80, 120, 920, 480]}, {"type": "figure", "bbox": [80, 520, '
        "920, 900]}]}",
        [(80, 120, 920, 480, "table"), (80, 520, 920, 900, "figure")],
        id="layout",
    ),
    pytest.param(
        'As shown in Figure 1, two kinds of data are used.\n!<image_ref>[1, [[102, 75, 887, 296]], "Figure 1: The '
        'framework."]</image_ref>\nThe results are in the table.\n!<table_ref>[3, [[90, 400, 910, 640]], "Table 2: '
        'Results (mean of 5 runs)."]</table_ref>',
        [(102, 75, 887, 296, "Figure 1: The framework."), (90, 400, 910, 640, "Table 2: Results (mean of 5 runs).", "#3")],
        id="document-citations",
    ),
    pytest.param(
        "The answer is <|begin_of_box|>[[301, 402, 355, 478]]<|end_of_box|>, since the clock shows 10:10.",
        [(301, 402, 355, 478)],
        id="clock",
    ),
    pytest.param(
        "A man [[120,200,340,900]] is handing a cup [[345,420,380,470]] to a woman [[560,210,760,905]].",
        [(120, 200, 340, 900), (345, 420, 380, 470), (560, 210, 760, 905)],
        id="grounded-caption",
    ),
    pytest.param(
        "A man [120,200,340,900] is handing a cup [345,420,380,470] to a woman.",
        [(120, 200, 340, 900), (345, 420, 380, 470)],
        id="grounded-caption-single",
    ),
    pytest.param(
        "- man: [120,200,340,900]\n- cups: [345,420,380,470], [400,420,440,470]",
        [(120, 200, 340, 900, "man"), (345, 420, 380, 470, "cups"), (400, 420, 440, 470, "cups")],
        id="two-of-a-kind",
    ),
    pytest.param(
        '{"reasoning": "I first thought [1, 2, 30, 40].", "bbox": [345, 420, 380, 470]}',
        [(345, 420, 380, 470)],
        id="reasoning-key",
    ),
    pytest.param(
        '{"found": true, "count": 2, "boxes": [[345,420,380,470],[400,420,440,470]]}',
        [(345, 420, 380, 470), (400, 420, 440, 470)],
        id="count-and-boxes",
    ),
    pytest.param(
        "boxes = [[345,420,380,470],[400,420,440,470]]", [(345, 420, 380, 470), (400, 420, 440, 470)], id="assigned-boxes"
    ),
    pytest.param("Output: [[345,420,380,470]]", [(345, 420, 380, 470)], id="output"),
    pytest.param("Final answer: [345,420,380,470]", [(345, 420, 380, 470)], id="final-answer"),
    pytest.param("答案：[345,420,380,470]", [(345, 420, 380, 470)], id="answer-chinese"),
    pytest.param(
        "根据图片，红色按钮的位置是 [345, 420, 380, 470]，点击即可提交表单。", [(345, 420, 380, 470)], id="button-chinese"
    ),
    pytest.param("> [[345,420,380,470]]", [(345, 420, 380, 470)], id="quoted"),
    pytest.param("<box>(345,420),(380,470)</box>", [(345, 420, 380, 470)], id="qwen-old"),
    pytest.param(
        "The license plate reads “京A·12345”, and its bounding box is [[612, 701, 688, 733]].", [(612, 701, 688, 733)], id="plate"
    ),
    pytest.param(
        "Score: [[30, 12, 110, 48]], time remaining: [[450, 10, 560, 50]].",
        [(30, 12, 110, 48, "Score"), (450, 10, 560, 50, "time remaining")],
        id="score-board-fields",
    ),
    pytest.param(
        "In the screenshot, price [[120, 300, 180, 330]] is left of the cart icon [[900, 20, 950, 60]].",
        [(120, 300, 180, 330), (900, 20, 950, 60)],
        id="price-label",
    ),
    pytest.param(
        "价格[[120, 300, 180, 330]]在购物车图标[[900, 20, 950, 60]]左边，数据列表[[0, 400, 998, 905]]在下方。",
        [(120, 300, 180, 330), (900, 20, 950, 60), (0, 400, 998, 905)],
        id="price-chinese",
    ),
    pytest.param(
        "Here are the coordinates:\n[345, 420, 380, 470]\n[400, 420, 440, 470]",
        [(345, 420, 380, 470), (400, 420, 440, 470)],
        id="lines-under-heading",
    ),
    pytest.param("cat [345 420 380 470]; dog [400 420 440 470]", [(345, 420, 380, 470), (400, 420, 440, 470)], id="spaces"),
    pytest.param("{'bbox_2d': (345, 420, 380, 470), 'label': 'cat'}", [(345, 420, 380, 470, "cat")], id="tuple-value"),
    pytest.param("{'bbox_2d': np.array([345, 420, 380, 470]), 'label': 'cat'}", [(345, 420, 380, 470, "cat")], id="array-value"),
    pytest.param(
        '{"label": "cat", "bbox_2d": {"xmin": 345, "ymin": 420, "xmax": 380, "ymax": 470}, "area": 1750}',
        [(345, 420, 380, 470, "cat")],
        id="object-value",
    ),
    pytest.param(
        '[{"cat": [345, 420, 380, 470]}, {"dog": [400, 420, 440, 470]}]',
        [(345, 420, 380, 470, "cat"), (400, 420, 440, 470, "dog")],
        id="list-of-maps",
    ),
    pytest.param(
        '<|begin_of_box|>{"label": "cat", "bbox_2d": "<|begin_of_box|>[[345,420,380,470]]<|end_of_box|>"}<|end_of_box|>',
        [(345, 420, 380, 470, "cat")],
        id="tokens-in-tokens",
    ),
    pytest.param(
        "The cat’s position is approximately [345, 420, 380, 470] (x1, y1, x2, y2).", [(345, 420, 380, 470)], id="approximately"
    ),
    pytest.param(
        "Bounding Box Coordinates:\n- x1 (left): 345\n- y1 (top): 420\n- x2 (right): 380\n- y2 (bottom): 470\n",
        [(345, 420, 380, 470)],
        id="named-list-with-words",
    ),
    pytest.param("**Top-left:** (345, 420)\n**Bottom-right:** (380, 470)", [(345, 420, 380, 470)], id="bold-corners"),
    pytest.param(
        "- Top-left corner: (345, 420)\n- Bottom-right corner: (380, 470)", [(345, 420, 380, 470)], id="bulleted-corners"
    ),
    pytest.param(
        "The window goes from the upper left corner (345, 420) to the lower right corner (380, 470).",
        [(345, 420, 380, 470)],
        id="from-corner-to-corner",
    ),
    pytest.param("bbox: 345 420 380 470\n", [(345, 420, 380, 470)], id="bare-spaces"),
    pytest.param("Coordinates: 345, 420, 380, 470\n", [(345, 420, 380, 470)], id="coordinates-bare"),
    pytest.param("label: cat, bbox: [345, 420, 380, 470]", [(345, 420, 380, 470, "cat")], id="label-in-line"),
    pytest.param("cat: bbox_2d=[345, 420, 380, 470]", [(345, 420, 380, 470, "cat")], id="label-then-key"),
    pytest.param(
        "Object: cat\nBounding box: [345, 420, 380, 470]\n\nObject: dog\nBounding box: [400, 420, 440, 470]",
        [(345, 420, 380, 470, "cat"), (400, 420, 440, 470, "dog")],
        id="record-lines",
    ),
    pytest.param(
        "Page 1: [[345,420,380,470]]\nPage 2: none\nPage 3: [[400,420,440,470]]",
        [(345, 420, 380, 470), (400, 420, 440, 470, "#3")],
        id="pages",
    ),
    pytest.param(
        '{"0": [{"label": "car-1", "bbox_2d": [1,2,30,40]}], "1": [], "2": [{"label": "car-1", "bbox_2d": [2,3,31,41]}]}',
        [(1, 2, 30, 40, "car-1"), (2, 3, 31, 41, "car-1", "#3")],
        id="tracking",
    ),
    pytest.param(
        "The person in image 2 wears the same hat: [[345,420,380,470]]", [(345, 420, 380, 470)], id="image-in-a-sentence"
    ),
    pytest.param("I can't read the plate, but the car is at [[345,420,380,470]].", [(345, 420, 380, 470)], id="refusal-with-box"),
    pytest.param(
        "[[345,420,380,470],[345,420,380,470],[345,420,380,470],[345,420,3", [(345, 420, 380, 470)], id="runaway-repeat"
    ),
    pytest.param(
        "[[345,420,380,470],[999,999,999,999],[999,999,999,9999999999999999999999", [(345, 420, 380, 470)], id="runaway-nines"
    ),
    pytest.param("Grounded Operation: SWIPE(start=[[345,420]], end=[[345,120]])", [(345, 420), (345, 120)], id="nested-points"),
    pytest.param("点击[[345,420]]进入设置。", [(345, 420)], id="tap-chinese"),
    pytest.param(
        '{"action": "drag", "start_point": [100, 200], "end_point": [300, 400]}', [(100, 200), (300, 400)], id="drag-json"
    ),
    pytest.param(
        '{"answer": {"bbox": [345, 420, 380, 470]}, "explanation": "x is in [1, 5]"}', [(345, 420, 380, 470)], id="answer-object"
    ),
    pytest.param('<answer>{"bbox_2d": [345, 420, 380, 470]}</answer>', [(345, 420, 380, 470)], id="answer-json"),
    pytest.param(
        "The region of interest (ROI) is [345, 420, 380, 470], shape [1, 3, 224, 224].",
        [(345, 420, 380, 470)],
        id="roi-and-shape",
    ),
    pytest.param(
        "Person A: [345, 420, 380, 470] → running\nPerson B: [400, 420, 440, 470] → standing",
        [(345, 420, 380, 470, "Person A"), (400, 420, 440, 470, "Person B")],
        id="arrow-after",
    ),
    pytest.param(
        "The bounding boxes for the 3 apples are as follows: [345, 420, 380, 470], [400, 420, 440, 470] and [500, 420, "
        "540, 470].",
        [(345, 420, 380, 470), (400, 420, 440, 470), (500, 420, 540, 470)],
        id="three-in-a-sentence",
    ),
    pytest.param('"label": "cat", "bbox_2d": [345, 420, 380, 470]', [(345, 420, 380, 470, "cat")], id="fragment-with-label"),
    pytest.param('json\n[{"bbox_2d": [345, 420, 380, 470], "label": "cat"}]', [(345, 420, 380, 470, "cat")], id="word-json"),
    pytest.param(
        "```xml\n<annotation><object><name>cat</name><bndbox><xmin>345</xmin><ymin>420</ymin><xmax>380</xmax><ymax>"
        "470</ymax></bndbox></object></annotation>\n```",
        [(345, 420, 380, 470, "cat")],
        id="voc-xml",
    ),
    pytest.param(
        "```yaml\nobjects:\n  - name: cat\n    bbox: [345, 420, 380, 470]\n```", [(345, 420, 380, 470, "cat")], id="yaml-fence"
    ),
    pytest.param(
        '[{"bbox_2d": [345, 420, 380, 470], "label": "cat"}, {"bbox_2d": [400, 420, 440], "label": "dog"}]',
        [(345, 420, 380, 470, "cat")],
        id="one-short",
    ),
    pytest.param(
        '{"bbox_2d": [345, 420, 380, 470], "label": "he said: \\"hi\\", [1,2,30,40]"}',
        [(345, 420, 380, 470, 'he said: "hi", [1,2,30,40]')],
        id="escaped-quotes-in-label",
    ),
    pytest.param(
        "| Element | Type | Coordinates |\n|---|---|---|\n| Search bar | Input | [120, 45, 680, 95] |\n| Prices | Table "
        "| [20, 140, 700, 900] |",
        [(120, 45, 680, 95, "Search bar"), (20, 140, 700, 900, "Prices")],
        id="cells-are-no-cues",
    ),
    pytest.param(
        "UI elements with their bounding boxes:\n- Scores: [120, 45, 680, 95]\n- Date range: [20, 140, 700, 900]",
        [(120, 45, 680, 95, "Scores"), (20, 140, 700, 900, "Date range")],
        id="heading-rules-entries",
    ),
    pytest.param("The input field is [120, 45, 680, 95].", [(120, 45, 680, 95)], id="head-of-the-phrase"),
    pytest.param(
        "Box A = [100, 100, 300, 300]\nBox B = [200, 200, 400, 400]",
        [(100, 100, 300, 300, "Box A"), (200, 200, 400, 400, "Box B")],
        id="boxes-as-variables",
    ),
    pytest.param(
        "1. **苹果** - 价格：￥5.8/斤 - 位置：[[120, 300, 340, 520]]", [(120, 300, 340, 520, "苹果")], id="bold-name-then-price"
    ),
    pytest.param(
        "左侧的男子（[120, 200, 340, 900]）正在把杯子（[345, 420, 380, 470]）递给女子。",
        [(120, 200, 340, 900), (345, 420, 380, 470)],
        id="in-parentheses-chinese",
    ),
    pytest.param("- **Label:** cat\n- **Bounding box:** [345, 420, 380, 470]", [(345, 420, 380, 470, "cat")], id="bold-keys"),
    pytest.param(
        "### Cat\n- Box: [345, 420, 380, 470]\n### Dog\n- Box: [400, 420, 440, 470]",
        [(345, 420, 380, 470, "Cat"), (400, 420, 440, 470, "Dog")],
        id="headings",
    ),
    pytest.param(
        "1. **Person 1**:\n   - Bounding box: [345, 420, 380, 470]\n   - Colour: red",
        [(345, 420, 380, 470, "Person 1")],
        id="bold-item-above",
    ),
    pytest.param("Person 1 (left): [345, 420, 380, 470]", [(345, 420, 380, 470, "Person 1 (left)")], id="parentheses-in-label"),
    pytest.param(
        "Left cat: [345, 420, 380, 470], right cat: [400, 420, 440, 470].",
        [(345, 420, 380, 470, "Left cat"), (400, 420, 440, 470, "right cat")],
        id="two-labels-in-a-line",
    ),
    pytest.param(
        "1. cat (345, 420, 380, 470)\n2. dog (400, 420, 440, 470)",
        [(345, 420, 380, 470, "cat"), (400, 420, 440, 470, "dog")],
        id="round-in-items",
    ),
    pytest.param("The coordinates (in thousandths) are [345, 420, 380, 470].", [(345, 420, 380, 470)], id="in-thousandths"),
    pytest.param("Location: (345, 420) to (380, 470)", [(345, 420, 380, 470)], id="range-of-a-location"),
    pytest.param("猫的边界框坐标是 (345, 420) 到 (380, 470)。", [(345, 420, 380, 470)], id="range-chinese"),
    pytest.param("[[345, 420], [380, 470]]", [(345, 420), (380, 470)], id="list-of-points-alone"),
    pytest.param("<|begin_of_box|>(345,420),(380,470)<|end_of_box|>", [(345, 420, 380, 470)], id="round-pairs-in-tokens"),
    pytest.param("<|begin_of_box|>345,420,380,470]]<|end_of_box|>", [(345, 420, 380, 470)], id="half-brackets-in-tokens"),
    pytest.param(
        "<|begin_of_box|>345,420,380,470;400,420,440,470<|end_of_box|>",
        [(345, 420, 380, 470), (400, 420, 440, 470)],
        id="semicolon-in-tokens",
    ),
    pytest.param(
        "<|begin_of_box|>cat: [[345,420,380,470]], dog: [[400,420,440,470]]<|end_of_box|>",
        [(345, 420, 380, 470, "cat"), (400, 420, 440, 470, "dog")],
        id="labels-in-tokens",
    ),
    pytest.param("click(start_box='<|box_start|>(450,320)<|box_end|>')", [(450, 320)], id="click-with-tokens"),
    pytest.param(
        "{'label': 'cat', 'bbox': 'x1=345,y1=420,x2=380,y2=470'}", [(345, 420, 380, 470, "cat")], id="names-in-a-string"
    ),
    pytest.param('{"cat-1": [345, 420, 380, 470], "cat-2": null}', [(345, 420, 380, 470, "cat-1")], id="map-with-null"),
    pytest.param(
        '{"detections": {"person": [[345,420,380,470],[400,420,440,470]]}}',
        [(345, 420, 380, 470, "person"), (400, 420, 440, 470, "person")],
        id="map-inside",
    ),
    pytest.param(
        '{"p_1": {"bbox": [345,420,380,470], "action": "running"}}', [(345, 420, 380, 470, "p_1")], id="action-as-property"
    ),
    pytest.param(
        '{"0.5": [{"label":"car","bbox_2d":[1,2,30,40]}], "1.0": [{"label":"car","bbox_2d":[2,3,31,41]}]}',
        [(1, 2, 30, 40, "car"), (2, 3, 31, 41, "car", "#2")],
        id="half-seconds",
    ),
    pytest.param('{"frame_3": [{"label":"car","bbox_2d":[1,2,30,40]}]}', [(1, 2, 30, 40, "car", "#4")], id="frame-keys"),
    pytest.param('{"label": “cat”, "bbox_2d": [345,420,380,470]}', [(345, 420, 380, 470, "cat")], id="curly-and-straight"),
    pytest.param(
        '{"label": "two\nlines", "bbox_2d": [345,420,380,470]}', [(345, 420, 380, 470, "two lines")], id="line-break-in-label"
    ),
    pytest.param('{"label": "cat, "bbox_2d": [345,420,380,470]}', [(345, 420, 380, 470)], id="label-without-end"),
    pytest.param(
        '[{"bbox_2d": [345,420,380,470], "label": "a"}, // left\n {"bbox_2d": [400,420,440,470], "label": "b"} /* right */]',
        [(345, 420, 380, 470, "a"), (400, 420, 440, 470, "b")],
        id="comments",
    ),
    pytest.param('{"bbox_2d": [345, 420, 380, 470}', [(345, 420, 380, 470)], id="wrong-closing-bracket"),
    pytest.param(
        '{"label": "cat", "bbox_2d": [345, 420, 380, 470]', [(345, 420, 380, 470, "cat")], id="only-the-brace-is-missing"
    ),
    pytest.param(
        '!<image_ref>[2, [[345,420,380,470]], "Figure "3": x"]',
        [(345, 420, 380, 470, 'Figure "3": x', "#2")],
        id="reference-without-end",
    ),
    pytest.param('<bbox label="cat">[345,420,380,470]</bbox>', [(345, 420, 380, 470, "cat")], id="label-attribute"),
    pytest.param('<object label="cat" bbox="[345, 420, 380, 470]"/>', [(345, 420, 380, 470, "cat")], id="bbox-attribute"),
    pytest.param(
        '[[345,420,380,470,"cat"],[400,420,440,470,"dog"]]',
        [(345, 420, 380, 470, "cat"), (400, 420, 440, 470, "dog")],
        id="label-last",
    ),
]

WITHOUT = [
    pytest.param("Preheat the oven to 180 °C, bake for 25 to 30 minutes, turn after [10, 15] minutes. Serves 4.", id="recipe"),
    pytest.param("The match ended 3-2; goals came in minutes [12, 34, 67, 88].", id="goals"),
    pytest.param("Set scores: (6, 4), (3, 6), (7, 5).", id="tennis"),
    pytest.param("The solution set is {1, 2, 3, 4}.", id="set"),
    pytest.param("The eigenvalues are [1, 2, 30, 40].", id="eigenvalues"),
    pytest.param("The vertices of the triangle are (1, 2), (3, 40) and (50, 6).", id="triangle"),
    pytest.param("Distance between (15, 40) and (70, 220) is 188.", id="distance"),
    pytest.param("The line passes through (15, 40) and (70, 220).", id="line-points"),
    pytest.param("f(15, 40, 70, 220) = 3", id="function"),
    pytest.param("Input: nums = [2, 7, 11, 15], target = 9. Output: [0, 1].", id="two-sum"),
    pytest.param("Sorting [15, 40, 70, 220] gives [15, 40, 70, 220].", id="sorting"),
    pytest.param("In the code, `kernel_size=(3, 3)` and `padding=[1, 1, 20, 20]`.", id="padding"),
    pytest.param("I would change `x[10, 20, 300, 400]` to `x.at[10]`.", id="review"),
    pytest.param("```\nfor i in range(10):\n    print([15, 40, 70, 220])\n```", id="code-without-language"),
    pytest.param("```diff\n- box = [15, 40, 70, 220]\n+ box = [16, 40, 70, 220]\n```", id="diff"),
    pytest.param("```\n$ python detect.py --box [15,40,70,220]\nimport os\n```", id="shell"),
    pytest.param("GPS: 39.9042 N, 116.4074 E; bounding box (lon/lat): [115.4, 39.4, 117.5, 41.1]", id="gps-box"),
    pytest.param("纬度范围为[39, 41]，经度范围为[115, 117]，即[115, 39, 117, 51]。", id="gps-chinese"),
    pytest.param("The hex #FF8800 equals RGB (255, 136, 0); with alpha it is (25, 136, 200, 255).", id="colours"),
    pytest.param("Supported versions: [3, 9, 30, 110].", id="versions"),
    pytest.param("Populations (in thousands): [120, 340, 560, 780]", id="populations"),
    pytest.param("Year: [2019, 2020, 2021, 2022]", id="year-singular"),
    pytest.param("The box scores: [12, 25, 38, 51]", id="box-scores"),
    pytest.param("The temperatures over the week were [12, 15, 21, 30].", id="temperatures"),
    pytest.param("年份[2019, 2020, 2021, 2022]的收入分别为[120, 150, 180, 240]万元。", id="revenue-chinese"),
    pytest.param("身高分别为[150, 160, 170, 180]厘米。", id="heights-chinese"),
    pytest.param("根据表格，四个季度的数值为 [120, 150, 180, 240]。", id="table-chinese"),
    pytest.param("His phone number is (212) 555-0100, room [12].", id="phone"),
    pytest.param("The ISBN is 978-3-16-148410-0 [1, 5, 9, 22].", id="isbn"),
    pytest.param("See [1], [2], [3] and [4].", id="references"),
    pytest.param("[^1] [^2] footnotes", id="footnotes"),
    pytest.param("- [ ] task one\n- [x] task two", id="tasks"),
    pytest.param("![chart](images/15,40,70,220.png)", id="image-link"),
    pytest.param("$\\begin{bmatrix} 15 & 40 \\\\ 70 & 220 \\end{bmatrix}$ and $(15, 40, 70, 220)$", id="latex"),
    pytest.param("The plane is $ax + by = c$ with normal $[15, 40, 70, 220]$.", id="normal"),
    pytest.param("Bus lines [4, 15, 40, 70] stop here.", id="bus-lines"),
    pytest.param("Winning lottery numbers: [4, 15, 23, 42]", id="lottery"),
    pytest.param("The dimensions are (15, 40, 70, 220) mm.", id="dimensions"),
    pytest.param('{"chart": {"type": "bar", "data": [12, 25, 38, 51], "labels": ["Q1", "Q2", "Q3", "Q4"]}}', id="chart-json"),
    pytest.param('{"invoice": "A-15", "items": [{"sku": 15, "qty": 40, "price": 70}], "total": 220}', id="invoice-json"),
    pytest.param('{"name": "get_weather", "arguments": {"days": [1, 2, 30, 40]}}', id="tool-arguments"),
    pytest.param('{"model": "x", "input_shape": [1, 3, 224, 224], "mean": [10, 20, 30, 40]}', id="config"),
    pytest.param('<svg viewBox="0 0 24 24"><rect x="15" y="40" fill="red"/></svg>', id="svg"),
    pytest.param("Sorry, I cannot determine the exact coordinates of the objects.", id="refusal"),
    pytest.param("抱歉，图中未找到您描述的物体。", id="refusal-chinese"),
    pytest.param("The image is 1920x1080 pixels, 24 bit.", id="image-size"),
    pytest.param("Q1: [10, 25, 38, 51]\nQ2: [12, 20, 40, 60]", id="quarter-lines"),
    pytest.param("Grounded Operation: KEY_PRESS(key='F11')", id="key-press"),
    pytest.param("GESTURE(actions=[KEY_DOWN(key='Lcontrol'), KEY_PRESS(key='A'), KEY_UP(key='Lcontrol')])", id="gesture"),
    pytest.param('finish(message="Done: [15, 40, 70, 220] items")', id="finish"),
    pytest.param("LLM(prompt='总结以下内容：[15, 40, 70, 220]', output='__CogName_x__')", id="llm-call"),
    pytest.param("The clock shows [10, 10]; hands at 45 degrees.", id="clock"),
    pytest.param("Chapter [3] covers pages [15, 40, 70, 220].", id="pages"),
    pytest.param("<|begin_of_box|>$120, $150, $180, $240<|end_of_box|>", id="token-prices"),
    pytest.param("<|begin_of_box|>2, 3, 5, 7<|end_of_box|>", id="token-primes"),
    pytest.param("<|begin_of_box|>(3, 4)<|end_of_box|> is the solution of the equation.", id="token-solution"),
    pytest.param("<think>The user wants boxes. [[15,40,70,220]]</think>I see no cat here.", id="draft-then-refusal"),
    pytest.param("The data set is split [70, 15, 15] and the batch is (8, 3, 640, 640).", id="batch"),
    pytest.param("chmod 755; ports [80, 443, 3000, 8080] are open.", id="ports"),
    pytest.param("Her grades: Maths 90, Physics 85; [85, 90, 92, 97]", id="grades"),
    pytest.param("The team played [12, 25, 38, 51].", id="played"),
    pytest.param("There are [3, 10, 27, 45] people in the four images.", id="there-are"),
    pytest.param("The number of boxes per image: [3, 10, 27, 45]", id="number-of-boxes"),
    pytest.param("IoU scores for the boxes: [12, 25, 38, 51]", id="scores-for-boxes"),
    pytest.param("The box contains [12, 25, 38, 51] apples, pears, plums and figs.", id="contains"),
    pytest.param("[12, 25, 38, 51] are the relevant works.", id="are-after"),
    pytest.param("Confidence: [0.1, 0.2, 0.93, 0.95]", id="shares-without-a-word"),
    pytest.param("Market shares: [12%, 25%, 38%, 51%]", id="percent-without-a-word"),
    pytest.param("Rows: [3, 10, 27, 45]", id="rows"),
    pytest.param("Seats [3, 10, 27, 45] are taken", id="seats"),
    pytest.param("The rectangle has vertices (12, 25), (38, 25), (38, 51), (12, 51).", id="four-vertices"),
    pytest.param("Its top-left corner is (0, 3) and its bottom-right corner is (4, 0).", id="geometry"),
    pytest.param("In Table 2, the model reaches [52.1, 60.3, 71.8, 80.2] on the four benchmarks.", id="benchmarks"),
    pytest.param(
        "The kernel is [[1, 2, 1], [2, 4, 2]]; the patch is [[10, 20, 30, 40], [50, 60, 70, 80], [13, 14, 5, 6]].", id="patch"
    ),
    pytest.param("The sign says “[15, 40, 70, 220]”.", id="quoted"),
    pytest.param('<svg><rect x="15" y="40" width="70" height="220"/></svg>', id="svg-rect"),
    pytest.param('[{"text": "Total", "position": [[15,40],[70,40],[70,220],[15,220]]}]', id="four-corners"),
    pytest.param('{"text": "Total", "quad": [15,40,70,40,70,220,15,220]}', id="quad"),
    pytest.param('{"bbox_2d": [15, 40, 70, 220]', id="its-label-may-still-come"),
]


@pytest.mark.parametrize(("text", "expected"), WITH_BOXES)
def test_answers_with_boxes(text: str, expected: list[tuple[object, ...]]) -> None:
    """Each box, none beside it."""
    assert brief(read_boxes(text, 1000, 1000)) == expected


@pytest.mark.parametrize("text", WITHOUT)
def test_answers_without(text: str) -> None:
    """Nothing is made up, and it is said why there is none."""
    reading = read_boxes(text, 1000, 1000)
    assert brief(reading) == []
    assert reading.reason
