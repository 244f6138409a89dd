"""Places in prose: two corners in a sentence, numbers with names, rows of a table whose columns are corners."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .cleaning import Answer
from .cues import Surroundings
from .keys import NAMED, box_from_names, plain_key
from .labels import label_before, label_over
from .members import clean_label
from .numbers import NUMBER, join_groups, read_group, to_float
from .tables import rows_of
from .values import Finds, Found, Group, Rank, Span

_CORNER = (
    r"(?P<tl>(?:top|upper)[\s-]*left|left[\s-]*(?:top|upper)|左上角?|\(\s*x_?[01]\s*,\s*y_?[01]\s*\)(?=\s*=))|"
    r"(?P<br>(?:bottom|lower)[\s-]*right|right[\s-]*(?:bottom|lower)|右下角?|\(\s*x_?2\s*,\s*y_?2\s*\)(?=\s*=))|"
    r"(?P<bl>(?:bottom|lower)[\s-]*left|左下角?)|(?P<tr>(?:top|upper)[\s-]*right|右上角?)"
)
_LEAST_SIDE = 8
_W = r"\s{0,4}"
_X, _Y = (rf"(?:{axis}_?\d?{_W}[=:]{_W})" for axis in "xy")
_UNIT = rf"{_W}(?:%|px)?{_W}"
_PAIR = re.compile(
    rf"{_CORNER}|(?P<pair>[\[(]{_W}{_X}?{NUMBER}{_UNIT}[,\s]{_W}{_Y}?{NUMBER}{_UNIT}[\])])|"
    rf"(?P<loose>(?<![a-z]){_X}{NUMBER}{_UNIT}[,;]?{_W}(?:and\s)?{_Y}{NUMBER}(?:%|px)?(?=[^\w%.]|\.(?!\d)))|(?P<stop>\n\s{{0,80}}\n)"
)
_NUMBERS = re.compile(rf"(?<![\w.]){NUMBER}")
_OPPOSITE = {"tl": "br", "br": "tl", "tr": "bl", "bl": "tr"}
_FILLING = re.compile(
    r"(?:[\s,;:/|()*_`~→>=•-]|\b(?:and|to|the|with|its|a|at|is|are|of|as|corner|point|vertex|box|coordinates?|coord|extends?|ending|located|from|"
    r"while|px|pixels?)\b|[的和到至及与并角坐标点为是在于、。.，])*"
)
_NAME = re.compile(
    r"(?<![\w.])([A-Za-z][A-Za-z_]{0,14}\d?|[左右上下宽高])(?:度|边界?|侧|\s{1,2}(?:edge|side|border))?"
    r"\\{0,9}[\"'`*)\]]{0,3}\s{0,4}(?:\([^()\d]{0,12}\)\s{0,4})?"
    rf"(?:[:=>]|=>|为|是|\bis\b|\bof\b|(?<=[0-2nx]\s)(?=\d)){_W}[\"'`*]{{0,3}}({NUMBER}){_W}(%|px)?(?=[^\w.%]|\.(?!\d)|[\u4e00-\u9fff])"
)
_BETWEEN_NAMES = re.compile(r"(?:[\s,;/|()\[\]{}\"'`*、-]|\band\b|和|\bpx\b|\bpixels?\b|</?\w{1,15}>|<)*", re.IGNORECASE)
_LOOSE = re.compile(
    r"((?:bounding[\s_-]b?box|bbox|box)(?:_2d)?|边界框(?:坐标)?|检测框|坐标|coordinates?|位置|location|position)(?:\s?#?\d{1,3})?[\"'`*]{0,3}\s{0,4}(?:[:=]|为|是|\bis\b)"
    rf"{_W}[\"'`*]{{0,3}}((?:{NUMBER}[ \t]{{0,4}}%?(?:{_W},{_W}|[ \t]{{1,4}})){{3}}{NUMBER}[ \t]?%?)"
    r"(?=[\"'`*]{0,3}(?:[ \t\r]{0,9}[\n;)\]}<]|\.(?!\d)|[ \t]{1,9}[^\W\d]|[\u4e00-\u9fff。]))"
)
_ITEMS = re.compile(
    r"\b((?:bounding[\s_-])?b?box(?:_2d)?|coordinates?)[\"']?:[ \t]*"
    rf"((?:\n[ \t]*-[ \t]+{NUMBER}[ \t\r]*){{4}})(?=\n)(?!\n[ \t]*-[ \t]+[\d.])"
)
"""A key with a list of YAML under it, a number a line."""

_BOX_PARTS = ("box", "coord", "location", "position", "坐标", "位置", "边界框", "检测框")
_NOTHING_MORE = re.compile(r"[\s-]*\Z")
_LOWER = {code: code + 32 for code in range(65, 91)}
_NAME_PARTS = (
    "x1",
    "x_1",
    "x0",
    "x_0",
    "xmin",
    "x_min",
    "min_x",
    "minx",
    "x_max",
    "xtl",
    "left",
    "width",
    "cx",
    "center",
    "centre",
    "左",
    "宽",
    "w=",
    "w:",
)
_RANGE = re.compile(r"-|~|→|–|—|to|至|到")
_TWO = rf"[\[(]{_W}(?>{NUMBER}){_W}%?{_W},{_W}(?>{NUMBER}){_W}%?{_W}[\])]"
_JOIN = r"\s{0,4}(?i:,|-|->|~|→|–|—|to|and|至|到|和|与)?\s{0,4}"
_RUN = re.compile(rf"(?P<first>{_TWO})(?:{_JOIN}(?P<second>{_TWO})(?P<more>(?:{_JOIN}{_TWO})*+))?")
"""Pairs in a row."""


@dataclass(slots=True)
class _Corners:
    """The corners of one box as a sentence names them."""

    start: int = -1
    corner: str = ""
    pair: Group | None = None
    done: dict[str, Group] = field(default_factory=dict)

    def add_corner(self, corner: str, place: int) -> None:
        """A corner's name: of the pair before it, else of the one to come."""
        self.start = place if self.start < 0 else self.start
        self.corner = corner
        if self.pair is not None:
            self.done[corner], self.corner, self.pair = self.pair, "", None

    def add_pair(self, pair: Group) -> None:
        """Two numbers: of the corner before them, else of the one to come."""
        self.start = pair.span[0] if self.start < 0 else self.start
        if self.corner:
            self.done[self.corner], self.corner = pair, ""
        else:
            self.pair = pair

    def box(self) -> Group | None:
        """The box when two opposite corners are known."""
        for kind, group in self.done.items():
            other = self.done.get(_OPPOSITE[kind])
            if other is not None and len(group.numbers) == len(other.numbers) == 2:
                spans = sorted((group.span, other.span))
                return join_groups([group, other], (spans[0][0], spans[1][1]))
        return None


@dataclass(slots=True)
class ProseReader:
    """Reads what no bracket with four numbers says.

    Attributes:
        answer: what counts of it; objects, calls and tags are blanked.
        around: the words around.
        finds: where the result goes.
    """

    answer: Answer
    around: Surroundings
    finds: Finds
    _code: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._code = [kind for kind in ("program", "literal", "math") if self.answer.zones.get(kind)]

    def read(self) -> None:
        """Looks for each kind in turn."""
        text = self.answer.text
        lower = text.translate(_LOWER)
        if any(word in lower for word in ("left", "right", "左", "右", "x1", "x_1", "x0")):
            self._corners(lower)
        has_names = any(word in lower for word in _NAME_PARTS)
        if has_names:
            self._names()
        for row in rows_of(text) if has_names or "|" in text else ():
            self._keep(row.group, row.group.span[1], row.is_named, row.label)
        if any(word in lower for word in _BOX_PARTS):
            self._loose(lower)
        self._two_pairs()

    def _loose(self, lower: str) -> None:
        """«Bounding box: 15, 40, 70, 220», and the same as a list of YAML."""
        text = self.answer.text
        for match in _LOOSE.finditer(lower):
            group = read_group(text, *match.span(2))
            if group is not None and self.around.judge(match.start(2)).kind != "strict":
                self._keep(group, match.start(1), is_named=False)
        for match in _ITEMS.finditer(lower) if "-" in lower else ():
            numbers = tuple(to_float(number) for number in re.findall(NUMBER, re.sub(r"(?<=\s)-(?=\s)", " ", match[2])))
            if self.answer.is_growing and _NOTHING_MORE.match(text, match.end()):
                break  # a fifth may come
            label = label_over(self.answer.words, match.start(1), 0)
            self._keep(Group(numbers, match.span(2), "", "." in match[2]), match.start(1), is_named=False, label=label)

    def _corners(self, text: str) -> None:
        """«top-left (15, 40), bottom-right (70, 220)», with the pair after its corner or before it."""
        run = _Corners()
        last = 0
        for match in _PAIR.finditer(text):
            kind = match.lastgroup or ""
            gap = text[last : match.start()]
            if last and (kind == "stop" or len(gap) > 160 or not _FILLING.fullmatch(gap)):
                run = _Corners()
            last = match.end()
            if kind in _OPPOSITE:
                run.add_corner(kind, match.start())
            elif kind in ("pair", "loose"):
                numbers = [to_float(found) for found in _NUMBERS.findall(match[0])][-2:]
                unit = "%" if "%" in match[0] else "px" if "px" in match[0] else ""
                run.add_pair(Group(tuple(numbers), match.span(), unit, "." in match[0]))
            group = run.box() if len(run.done) > 1 else None
            if group is not None:
                if group.unit or group.has_decimals or max(group.numbers) - min(group.numbers) >= _LEAST_SIDE:
                    self._keep(group, run.start, is_named=True)
                run = _Corners()

    def _names(self) -> None:
        """«x1=15, y1=40, x2=70, y2=220» and «left: 15, top: 40, width: 55, height: 180», in any order."""
        run: dict[str, tuple[float, str]] = {}
        start = last = done = 0
        decimals = False
        for match in _NAME.finditer(self.answer.text):
            key = plain_key(match[1])
            if key not in NAMED or self._is_code(match.start()):
                continue
            gap = self.answer.text[last : match.start()]
            if key in run or len(gap) > 40 or not _BETWEEN_NAMES.fullmatch(gap):
                run, start, decimals = {}, match.start(), False
            run[key] = (to_float(match[2]), match[3] or "")
            decimals = decimals or "." in match[2]
            last = match.end()
            box = box_from_names({name: value for name, (value, _) in run.items()}) if len(run) >= 4 else None
            if box is not None:
                units = {unit for _, unit in run.values()}
                group = Group(box, (start, last), units.pop() if len(units) == 1 else "mixed", decimals)
                self._keep(group, start, is_named=True, label=label_over(self.answer.words, start, done))
                run, done = {}, last

    def _two_pairs(self) -> None:
        """«the bounding box is (15, 40), (70, 220)»: two corners where the words say box."""
        for match in _RUN.finditer(self.answer.text):
            if match["second"] and not match["more"]:
                self._two(match.span("first"), match.span("second"))

    def _two(self, first: Span, second: Span) -> None:
        cue = self.around.judge(first[0])
        is_range = bool(_RANGE.search(self.answer.text, first[1], second[0]))
        if not (cue.has_box or (cue.is_place and is_range)) or cue.is_other or cue.has_point or self._is_code(first[0]):
            return
        pairs = [group for start, end in (first, second) if (group := read_group(self.answer.text, start + 1, end - 1))]
        self._keep(join_groups(pairs, (first[0], second[1])), first[0], is_named=False)

    def _is_code(self, place: int) -> bool:
        return any([self.answer.zone_at(kind, place) for kind in self._code])

    def _keep(self, group: Group, place: int, is_named: bool, label: str = "") -> None:
        if self._is_code(group.span[0]) or len(group.numbers) != 4:
            return
        line_start = self.around.line_of(group.span[0])[0]
        label = clean_label(label or label_before(self.answer.words, self.answer.text, place, line_start))
        self.finds.found.append(Found(group, Rank.DOUBLE, label, is_named=is_named, is_guessed=True))
