"""The words that say what numbers near them are, as rows: one kind each, English words in all their forms, then Chinese."""

from __future__ import annotations

import re

_ENGLISH = {
    "map": "lat latitude latitudes lon lng longitude longitudes gps wgs84 geographic geographical",
    "box": "box boxes bbox bboxes bounding rectangle rectangles rectangular",
    "place": (
        "coordinate coordinates coord coords locate located locates location locations locating position positions "
        "positioned region regions grounding detect detected detection detections marked highlighted span spans spanning "
        "occupies occupying found roi visible"
    ),
    "click": "click clicks clicking clicked tap taps tapping tapped hover hovers hovering",
    "point": "point points keypoint keypoints center centers centre centres",
    "example": "example examples eg such",
    "strict": (
        "shape shapes tensor tensors matrix matrices vector vectors array arrays rgb rgba quaternion quaternions kernel "
        "kernels eigenvalue eigenvalues format formats"
    ),
    "container": "list lists set sets tuple tuples string strings",
    "other": (
        "size sizes dim dims dimension dimensions resolution resolutions scores scoring values numbers year years dates "
        "prices sales revenue revenues profit profits counts totals ages temperature temperatures percentages weights "
        "heights lengths widths distances speeds ratings grades rank ranks cmyk hsl hsla color colors colour colours "
        "range ranges interval intervals domain quarter quarters quarterly months monthly weekly daily annual annually "
        "version versions ip ips padding margin margins stride strides indices indexes ids prime primes fibonacci roots "
        "solution solutions coefficients digits probability probabilities logits embedding embeddings refs references "
        "citation citations al study studies pages chapters viewbox sequence sequences series sort sorts sorted sorting "
        "input inputs output outputs return returns variable variables median medians mean means average averages q1 q2 "
        "q3 q4 data measurements increments times timestamps seconds minutes hours parameters frequency frequencies "
        "lottery dice winning goals bins tick ticks population populations amounts costs salary salaries income incomes "
        "expenses budget budgets votes visitors users customers downloads rainfall humidity gdp growth emissions calories "
        "durations losses wins stats statistics readings samples estimates forecasts levels rates quantities ports nums "
        "integers batch rows columns seats timeline axis tokens"
    ),
}
_CHINESE = {
    "map": "经度|纬度|经纬|地理坐标",
    "box": "边界框|包围框|检测框|矩形框|矩形|外接框|标注框|框",
    "place": "坐标|位置|位于|区域|定位|处于|所在|标出",
    "click": "点击|单击|双击|长按|轻触",
    "point": "中心|关键点|坐标点|中点|点(?=[:=是为在]{0,3}[^\\w]{0,3}$)",
    "example": "例如|比如|譬如|示例",
    "strict": "张量|矩阵|数组|形状|向量|格式",
    "container": "列表",
    "other": (
        "尺寸|大小|维度|分辨率|得分|分数|比分|产量|人口|客流|工资|成本|数值|年份|日期|价格|销量|销售额|营收|收入|利润|数量|年龄|温度|占比|百分比|权重|评分|成绩|颜色|区间|"
        "季度|月份|版本|边距|索引|编号|质数|素数|概率|文献|参考|输入|输出|数列|序列|排序|数据|集合|方程|解为|卷积|参数|时间|秒|页码|统计|身高|体重|"
        "密码|号码"
    ),
}
_PHRASES = {
    "box": (
        r"[\[(<]\s{0,3}\\?(?:x[ _]?\{?[01]|x[ _]?\{?min|left|x[ _]?tl)\}?\s{0,3},\s{0,3}"
        r"(?:y[ _]?\{?[01]|y[ _]?\{?min|top|y[ _]?tl)\}?\s{0,3},\s{0,3}[xywrbhm]"
    ),
    "example": r"e\.g|like (?:this|so)\b",
    "other": (
        r"\(in (?!thousandths|pixels?|px|normali|relative)[a-z ]{2,20}\)|(?:prior|previous|earlier|related) work\b|"
        r"(?<![a-z])(?:number|count|amount|sum|total|average|mean)s? of\b"
    ),
}
"""What takes more than a word; a legend like ``[x1, y1, x2, y2]`` is as good as the word box."""

LEGEND = re.compile(_PHRASES["box"], re.IGNORECASE)
UNITS = re.compile(
    r"\s{0,3}(?=[°a-z\u4e00-\u9fff])(?:°|(?:[mk]?g|mg|[mcd]?l|[mck]?m|ft|m?s|min|h|[kmgt]b|[kmg]?hz|rpm|usd|eur|gbp|kwh|[kmg]?w|k?v|grams?|kilos?|"
    r"kilograms?|tons?|tonnes?|lit(?:er|re)s?|met(?:er|re)s?|miles?|inch(?:es)?|feet|yards?|(?:milli)?seconds?|minutes?|hours?|"
    r"days?|weeks?|months?|years?|degrees?|dollars?|euros?|pounds?|people|persons?|times|percent|votes?|goals?|units?)\b|"
    r"[万亿千百]?(?:吨|元|公斤|千克|克|斤|厘米|毫米|公里|千米|米|秒|分钟|小时|天|年|个月|人|岁|度|次|件|票|辆|升|毫升|摄氏度))",
    re.IGNORECASE,
)
"""What is measured or counted; four numbers before it are amounts."""

_KINDS = {word: kind for kind, words in _ENGLISH.items() for word in words.split()}
_PHRASE_HINT = re.compile(r"\[|\(|<|e\.g|like|work| of\b")
"""Without one of these there is no phrase, and words can be looked up one by one."""

_WORD = re.compile(r"[a-z][a-z0-9]*")
_MARK = re.compile(
    "|".join(f"(?P<p_{kind}>{pattern})" for kind, pattern in _PHRASES.items())
    + "|(?P<word>[a-z][a-z0-9]*)|"
    + "|".join(f"(?P<c_{kind}>{pattern})" for kind, pattern in _CHINESE.items())
)


_ADJECTIVES = frozenset(
    (
        "quarterly",
        "monthly",
        "weekly",
        "daily",
        "annual",
        "sort",
        "sorts",
        "sorted",
        "sorting",
        "prime",
        "fibonacci",
        "winning",
        "such",
        "al",
    )
)
_FUNCTION_WORDS = (
    "is are was were be been of for in on per by from to and or at as with over during between across among under that which who "
    "has have had agree show shows should must will would can could give gives after before when if then so it we i you they here"
)
_FOLLOWS = re.compile(rf" +(?!(?:{_FUNCTION_WORDS.replace(' ', '|')})\b)[a-z]")
"""A word of content: the cue before it is not what is spoken of. In «the input field» that is the field."""


def cues_in(clause: str) -> list[tuple[str, int, int]]:
    """``(kind, start, end)`` of each telling word of a clause in lower case, in order."""
    found: list[tuple[str, int, int]] = []
    is_plain = clause.isascii() and not _PHRASE_HINT.search(clause)
    if is_plain and _KINDS.keys().isdisjoint(_WORD.findall(clause)):
        return []
    for match in (_WORD if is_plain else _MARK).finditer(clause):
        group = match.lastgroup or "word"
        kind = _KINDS.get(match[0], "") if group == "word" else group[2:]
        if kind == "other" and group == "word" and match[0] not in _ADJECTIVES and _FOLLOWS.match(clause, match.end()):
            next_word = _WORD.search(clause, match.end())
            kind = kind if next_word and next_word[0] in _KINDS else ""
        if kind:
            found.append((kind, *match.span()))
    return found
