"""Numbers in brackets that no key names: boxes when the words around them do not speak against it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .cleaning import Answer, Zone
from .cues import BREAK, Cue, Surroundings
from .groups import count_off, groups_in
from .keyed import Context, Next
from .keys import meaning_of, plain_key
from .labels import item_end, label_after, label_before, label_of_lines, label_of_title
from .members import clean_label, read_string
from .numbers import join_groups, read_group
from .trees import Node
from .values import Finds, Found, Group, Meaning, Rank, Span
from .vocabulary import UNITS

_SEPARATORS = re.compile(r"[\s,;/|+&]*(?:and|or|和|与|及|以及|,)?[\s,;]*")
_KEY = re.compile(
    r"(?:^|[\s,;({\[|>*`\"'-])\\*[\"']?([A-Za-z_][\w -]{0,30}|[\u4e00-\u9fff]{1,8})\\*[\"'`*]*\s*[:=][\s*\"'`]{0,4}$"
)
_ATTACHED = re.compile(r"[A-Za-z0-9_)\]]$")
_LINK = re.compile(r"\]\((?:\s|(?=[^()\s]*[/.#])[^()\s]*\))")
_MATHS = re.compile(
    r"\b(?:interval|solutions?|equations?|vert(?:ex|ices)|ratio|function|vector|probability|ordered pair|coordinates? plane|"
    r"slope|axis)\b|"
    r"区间|函数|方程|向量|概率|解集|交点|顶点|比例|数对|抛物线",
    re.IGNORECASE,
)
_ARE = re.compile(r"\s{1,3}(?:are|were)\b")
_ROUND_PAIRS = re.compile(r"[\s(]*(\(([^()]+)\)[\s,;-]*\(([^()]+)\))[\s)]*")
_SQUARE_PAIRS = re.compile(r"\s*(\[([^\[\]]+)\][\s,;-]*\[([^\[\]]+)\])\s*")
_SAYS_BOX = re.compile(r"[\s|<>_a-z]{0,24}(?:is|are|as)\s[^.!?\n]{0,40}\bb?box\b", re.IGNORECASE)
_KEY_ENDS = re.compile(r"[:=][\s*\"'`]{0,4}$")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d]")
_LEAST_SIDE = 8
_MOST_CITED = 200
_MOST_CODE = 200


@dataclass(slots=True)
class BareReader:
    """Decides on brackets that no key names.

    Attributes:
        answer: what counts of it.
        around: the words around.
        finds: where the result goes.
        last_end, last_cue, last_label: where the numbers before end, what was said of them, and their name.
    """

    answer: Answer
    around: Surroundings
    finds: Finds
    last_end: int = 0
    last_cue: Cue | None = None
    last_label: str = ""
    _whole_tokens: dict[int, bool] = field(default_factory=dict)
    _is_about_maths: bool | None = None
    _item: Span = (-1, -1)
    _wordless: Span = (0, 0)
    _has_zones: bool = field(init=False)

    def __post_init__(self) -> None:
        self._has_zones = any(self.answer.zones.get(kind) for kind in ("math", "code", "literal"))

    def leave(self, node: Node, context: Context) -> Next:
        """Keeps what is in a node, or gives the nodes in it that are still to be looked at."""
        children = node.children
        if not children:
            if not context.is_data and (groups := groups_in(self.answer.text, node)):
                self._decide(node, groups, context)
            return []
        kinds = {child.kind for child in children}
        if context.is_data or (node.kind == "(" and kinds == {"["}):
            return [(child, context) for child in children]
        if '"' in kinds and self._labelled(node, context):
            return []
        rows = groups_in(self.answer.text, node) if kinds == {'"'} else self._rows(node)
        if rows is None:
            return [(child, context) for child in children]
        if rows:
            self._decide(node, rows, context)
        return []

    def _rows(self, node: Node) -> list[Group] | None:
        """The groups of a node that holds nothing but groups and separators; None for any other node."""
        inner = node.children[0]
        if inner.children and len(node.children) == 1:
            if not node.kind == inner.kind == "[" or any([child.children for child in inner.children]):
                return None
            node = inner if self._is_separated(node) else node
        if any([child.children or child.kind == '"' for child in node.children]) or not self._is_separated(node):
            return None
        return groups_in(self.answer.text, node)

    def _is_separated(self, node: Node) -> bool:
        text = self.answer.text
        return not any([text[start:end].strip(" \t\r\n,;\\n") for start, end in node.gaps()])

    def _labelled(self, node: Node, context: Context) -> bool:
        """Keeps ``["cat", [15, 40, 70, 220]]`` and ``("cat", 15, 40, 70, 220)``; False for any other node."""
        strings = [child for child in node.children if child.kind == '"']
        if len(strings) != 1 or not node.is_closed:
            return False
        others = [child for child in node.children if child.kind != '"']
        if any(child.children for child in others):
            return False
        label = read_string(self.answer.words, strings[0])
        if not any(letter.isalpha() for letter in label):
            return False
        loose = [group for start, end in node.gaps() if (group := read_group(self.answer.text, start, end))]
        groups = [group for child in others for group in groups_in(self.answer.text, child)] if others else []
        if not groups and loose:
            groups = [join_groups(loose, (node.start, node.end))]
        if not groups or any(len(group.numbers) != 4 for group in groups):
            return False
        cue = self._cue(node)
        if not cue.is_other or cue.kind == "container":
            rank = Rank.DOUBLE if others else Rank.SINGLE
            self.finds.found += [Found(group, rank, label, context.image) for group in groups]
        self.last_end, self.last_cue = node.end, cue
        return True

    def _cue(self, node: Node) -> Cue:
        """What the words before say; groups in a row share what was said of the first."""
        gap = self.answer.text[self.last_end : node.start]
        if self.last_cue is not None and len(gap) < 40 and _SEPARATORS.fullmatch(gap) and "\n\n" not in gap:
            return self.last_cue
        cue = self.around.judge(node.start, self.last_end)
        if not cue.kind and self.last_cue is not None and self.last_cue.is_other and len(gap) < 40 and not BREAK.search(gap):
            return self.last_cue
        return cue

    def _decide(self, node: Node, rows: list[Group], context: Context) -> None:
        """Takes the groups of one node as boxes, as points, or not at all."""
        cue, label = self._cue(node), ""
        key = self._key(node, cue)
        if self._zone_allows(node, cue, bool(key)):
            known = _Known(self, node, context, key)
            if {len(row.numbers) for row in rows} == {2}:
                self._pairs(node, rows, cue, key, known)
            elif self._boxes(node, rows, cue, key, known):
                label = known.label
        self.last_end, self.last_cue, self.last_label = node.end, cue, label

    def _boxes(self, node: Node, rows: list[Group], cue: Cue, key: Meaning | None, known: _Known) -> bool:
        fours = [row for row in rows if len(row.numbers) == 4]
        if not fours and not node.children and not key and not self._is_whole_token(node):
            return False
        rank = Rank.DOUBLE if node.kind == "[" and (node.children or len(rows) > 1) else Rank.SINGLE
        if key is Meaning.POINT or not self._is_place(node, fours, cue, rank, key, known):
            return False
        rank = Rank.KEYED if key else Rank.TOKEN if self._is_whole_token(node) else rank
        self._keep(fours, rank, known)
        for row in rows:
            if len(row.numbers) != 4 and rank < Rank.SINGLE:
                self.finds.miss(row, count_off(row, Meaning.BOX))
        return bool(fours)

    def _key(self, node: Node, cue: Cue) -> Meaning | None:
        """What a key right before says: ``bbox_2d: [...]`` outside of an object."""
        if not _KEY_ENDS.search(self.answer.text, max(0, node.start - 5), node.start):
            return None
        match = _KEY.search(self.answer.text, max(0, node.start - 48), node.start)
        if match is None:
            return None
        words = match[1].split() if not cue.is_other else [match[1]]
        meanings = (meaning_of(" ".join(words[-count:])) for count in range(len(words), 0, -1))
        meaning = next(filter(None, meanings), None)
        return meaning if meaning is not Meaning.PLACE or plain_key(match[1]).endswith("box") else None

    def _zone_allows(self, node: Node, cue: Cue, has_key: bool) -> bool:
        """Code, formulas and links hold other things in brackets."""
        if _LINK.match(self.answer.words, node.end - 1):
            return False
        if not self._has_zones:
            return True
        text = self.answer.text
        math, code = self.answer.zone_at("math", node.start), self.answer.zone_at("code", node.start)
        if self.answer.zone_at("literal", node.start):
            return False
        if math is not None and not cue.has_box and not text.endswith("boxed{", 0, node.start):
            whole = text[math.start - 2 : math.end + 2]
            return whole.startswith("\\[") and whole.endswith("\\]") and node.start <= math.start
        return code is None or has_key or not self._has_word(max(code.start, node.start - _MOST_CODE), node.start)

    def _has_word(self, start: int, end: int) -> bool:
        """There is a letter in a stretch; for groups in a row the stretches overlap, and go on where the last one ended."""
        known_start, known_end = self._wordless
        is_known = known_start <= start <= known_end
        if _WORD.search(self.answer.text, known_end if is_known else start, end):
            return True
        self._wordless = (known_start if is_known else start, end)
        return False

    def _is_whole_token(self, node: Node) -> bool:
        """The vendor's box tokens surround this and no words."""
        zone = self.answer.zone_at("token", node.start)
        if zone is None:
            return False
        if zone.start not in self._whole_tokens:
            self._whole_tokens[zone.start] = not _LETTER.search(self.answer.text, zone.start, zone.end)
        return self._whole_tokens[zone.start]

    def _is_maths(self) -> bool:
        if self._is_about_maths is None:
            self._is_about_maths = bool(self.answer.zones["math"] or _MATHS.search(self.answer.text))
        return self._is_about_maths

    def _is_alone(self, node: Node) -> bool:
        """The text is nothing but numbers, or explains their format; and this is no target of a link."""
        is_alone = self.around.is_only_numbers or self.around.has_legend
        return is_alone and not (node.kind == "(" and self.answer.text.endswith("]", 0, node.start))

    def _is_place(self, node: Node, rows: list[Group], cue: Cue, rank: Rank, key: Meaning | None, known: _Known) -> bool:
        if key or (rank is Rank.DOUBLE and self._is_whole_token(node)):
            return True
        if cue.is_other and (rank is Rank.SINGLE or cue.kind == "strict"):
            return False
        if cue.is_place or self._is_whole_token(node) or self._is_alone(node):
            return not (node.kind == "(" and cue.kind == "other")
        if rank is Rank.DOUBLE:
            return len(rows) == 1 or (not cue.is_other and all(_is_ordered(row) for row in rows))
        if not rows:
            return False
        before = self.answer.text[max(0, node.start - 1) : node.start]
        is_joined = cue.is_joined or bool(known.label)
        if _ATTACHED.search(before) or (node.kind != "[" and not is_joined):
            return False
        if before in ("'", '"') or _ARE.match(self.answer.text, node.end) or UNITS.match(self.answer.text, node.end):
            return False
        return all(_is_plausible(row, is_joined) for row in rows)

    def _pairs(self, node: Node, rows: list[Group], cue: Cue, key: Meaning | None, known: _Known) -> None:
        """Pairs are points only where the text says so, and the corners of a box where it says that."""
        is_list = node.kind == "[" and bool(node.children) and node.children[0].kind != '"'
        if key is Meaning.POINT or (is_list and cue.has_point and cue.kind not in ("other", "strict")):
            self._keep(rows, Rank.KEYED if key else Rank.DOUBLE, known)
        elif self.answer.is_growing and not node.is_closed and len(rows) <= 2:
            return  # they may be the corners of a box
        elif len(rows) == 2 and (key or cue.has_box) and not cue.is_other:
            self._keep([join_groups(rows, (node.start, node.end))], Rank.KEYED if key else Rank.DOUBLE, known)
        elif is_list and self.around.is_only_numbers and not self._is_maths():
            self._keep(rows, Rank.DOUBLE, known)
        elif self._is_whole_token(node) and not cue.is_other and not self._is_maths():
            self._keep(self._token_corners(node, rows), Rank.TOKEN, known)

    def _token_corners(self, node: Node, rows: list[Group]) -> list[Group]:
        """Round pairs alone in box tokens, when there are two, are the corners of a box; others stay points."""
        zone = self.answer.zone_at("token", node.start)
        pairs = _ROUND_PAIRS.fullmatch(self.answer.text, zone.start, zone.end) if zone else None
        if pairs is None and zone and _SAYS_BOX.match(self.answer.text, zone.end):
            pairs = _SQUARE_PAIRS.fullmatch(self.answer.text, zone.start, zone.end)
        if pairs is None:
            return [] if node.kind == "(" and zone and self._is_open(zone) else rows  # a second one may come
        if node.start > pairs.start(1):
            return []
        groups = [group for n in (2, 3) if (group := read_group(self.answer.text, pairs.start(n), pairs.end(n)))]
        return [join_groups(groups, pairs.span(1))] if [len(group.numbers) for group in groups] == [2, 2] else rows

    def _is_open(self, zone: Zone) -> bool:
        return self.answer.is_growing and zone.end == len(self.answer.text)

    def label_of(self, node: Node, key: Meaning | None) -> str:
        """The name that the words around give to these brackets."""
        gap = self.answer.text[self.last_end : node.start]
        if self.last_label and "\n" not in gap and _SEPARATORS.fullmatch(gap):
            return self.last_label
        words, text = self.answer.words, self.answer.text
        label = label_of_lines(words, node.start, node.end) if key else ""
        line_start = self.around.line_of(node.start)[0]
        if node.start > line_start and not label:
            label = label_before(words, text, node.start, line_start)
            if not label and text[max(line_start, node.start - 6) : node.start].rstrip("* [(").endswith(":"):
                label = label_of_title(words, line_start)
        if not label and node.start <= self._item_end(line_start):
            label = label_after(words, node.end)
        return clean_label(label) if label else ""

    def _item_end(self, line_start: int) -> int:
        """Where what begins an item of a list ends in a line; brackets in a row share the line."""
        if self._item[0] != line_start:
            self._item = (line_start, item_end(self.answer.words, line_start))
        return self._item[1]

    def _keep(self, rows: list[Group], rank: Rank, known: _Known) -> None:
        for row in rows:
            self.finds.found.append(Found(row, rank, known.label, known.image, is_guessed=True))


class _Known:
    """What is known of some brackets; their name is looked for when it is first needed."""

    __slots__ = ("_key", "_label", "_node", "_reader", "image")

    def __init__(self, reader: BareReader, node: Node, context: Context, key: Meaning | None) -> None:
        self._reader, self._node, self._key = reader, node, key
        self._label = context.label or None
        self.image = context.image

    @property
    def label(self) -> str:
        """Their name; empty when there is none."""
        if self._label is None:
            self._label = self._reader.label_of(self._node, self._key)
        return self._label


def _is_ordered(group: Group) -> bool:
    x1, y1, x2, y2 = group.numbers
    return x1 < x2 and y1 < y2


def _is_plausible(group: Group, is_joined: bool) -> bool:
    """Corners in order, some size, no shares, and no list of citations: those rise from number to number and stay small."""
    x1, y1, x2, y2 = group.numbers
    if group.unit or max(group.numbers) <= 1:
        return False
    if not _is_ordered(group) or max(x2 - x1, y2 - y1) < _LEAST_SIDE or 1900 <= min(group.numbers) <= max(group.numbers) <= 2100:
        return False
    return is_joined or not (x1 < y1 < x2 < y2 <= _MOST_CITED)
