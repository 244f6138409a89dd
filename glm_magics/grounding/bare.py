"""Numbers in brackets that no key names: boxes when the words around them do not speak against it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .cleaning import Answer, Zone
from .cues import BREAK, Cue, Surroundings
from .groups import count_off, groups_in
from .keyed import Context, Next
from .keys import meaning_of, plain_key
from .labels import label_after, label_before, label_of_lines, label_of_title
from .members import clean_label, read_string
from .numbers import join_groups, read_group
from .trees import Node
from .values import Finds, Found, Group, Meaning, Rank
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
_LEAST_SIDE = 8
_MOST_CITED = 200


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

    def leave(self, node: Node, context: Context) -> Next:
        """Keeps what is in a node, or gives the nodes in it that are still to be looked at."""
        if not node.children:
            if not context.is_data and (groups := groups_in(self.answer.text, node)):
                self._decide(node, groups, context)
            return []
        if context.is_data:
            return [(child, context) for child in node.children]
        if node.kind == "(" and all(child.kind == "[" for child in node.children):
            return [(child, context) for child in node.children]
        if self._labelled(node, context):
            return []
        rows = self._rows(node)
        if rows is None:
            return [(child, context) for child in node.children]
        if rows:
            self._decide(node, rows, context)
        return []

    def _rows(self, node: Node) -> list[Group] | None:
        """The groups of a node that holds nothing but groups and separators; None for any other node."""
        if all(child.kind == '"' for child in node.children):
            return groups_in(self.answer.text, node)
        inner = node.children[0]
        if len(node.children) == 1 and node.kind == inner.kind == "[" and not any(child.children for child in inner.children):
            node, inner = (inner, inner.children[0]) if inner.children and self._is_separated(node) else (node, inner)
        if any(child.kind == '"' or child.children for child in node.children) or not self._is_separated(node):
            return None
        return groups_in(self.answer.text, node)

    def _is_separated(self, node: Node) -> bool:
        return all(not self.answer.text[start:end].strip(" \t\r\n,;\\n") for start, end in node.gaps())

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
            self._keep(groups, Rank.DOUBLE if others else Rank.SINGLE, Context(label, context.image), is_guessed=False)
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
            if all(len(row.numbers) == 2 for row in rows):
                self._pairs(node, rows, cue, key, known)
            elif self._boxes(node, rows, cue, key, known):
                label = known.context.label
        self.last_end, self.last_cue, self.last_label = node.end, cue, label

    def _boxes(self, node: Node, rows: list[Group], cue: Cue, key: Meaning | None, known: _Known) -> bool:
        fours = [row for row in rows if len(row.numbers) == 4]
        if not fours and not node.children and not key and not self._is_whole_token(node):
            return False
        rank = Rank.DOUBLE if node.kind == "[" and (node.children or len(rows) > 1) else Rank.SINGLE
        if key is Meaning.POINT or not self._is_place(node, fours, cue, rank, key, known):
            return False
        rank = Rank.KEYED if key else Rank.TOKEN if self._is_whole_token(node) else rank
        self._keep(fours, rank, known.context)
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
        text = self.answer.text
        math, code = self.answer.zone_at("math", node.start), self.answer.zone_at("code", node.start)
        if self.answer.zone_at("literal", node.start) or _LINK.match(self.answer.words, node.end - 1):
            return False
        if math is not None and not cue.has_box and not text.endswith("boxed{", 0, node.start):
            whole = text[math.start - 2 : math.end + 2]
            return whole.startswith("\\[") and whole.endswith("\\]") and node.start <= math.start
        return code is None or has_key or not re.search(r"[^\W\d]", text[max(code.start, node.start - 200) : node.start])

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
        is_joined = cue.is_joined or bool(known.context.label)
        if _ATTACHED.search(before) or (node.kind != "[" and not is_joined):
            return False
        if before in ("'", '"') or _ARE.match(self.answer.text, node.end) or UNITS.match(self.answer.text, node.end):
            return False
        return all(_is_plausible(row, is_joined) for row in rows)

    def _pairs(self, node: Node, rows: list[Group], cue: Cue, key: Meaning | None, known: _Known) -> None:
        """Pairs are points only where the text says so, and the corners of a box where it says that."""
        is_list = node.kind == "[" and bool(node.children) and node.children[0].kind != '"'
        if key is Meaning.POINT or (is_list and cue.has_point and cue.kind not in ("other", "strict")):
            self._keep(rows, Rank.KEYED if key else Rank.DOUBLE, known.context)
        elif self.answer.is_growing and not node.is_closed and len(rows) <= 2:
            return  # they may be the corners of a box
        elif len(rows) == 2 and (key or cue.has_box) and not cue.is_other:
            self._keep([join_groups(rows, (node.start, node.end))], Rank.KEYED if key else Rank.DOUBLE, known.context)
        elif is_list and self.around.is_only_numbers and not self._is_maths():
            self._keep(rows, Rank.DOUBLE, known.context)
        elif self._is_whole_token(node) and not cue.is_other and not self._is_maths():
            self._keep(self._token_corners(node, rows), Rank.TOKEN, known.context)

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

    def with_label(self, node: Node, context: Context, key: Meaning | None) -> Context:
        """The context with the name that the words before give to these brackets."""
        if context.label:
            return context
        gap = self.answer.text[self.last_end : node.start]
        if self.last_label and "\n" not in gap and _SEPARATORS.fullmatch(gap):
            return context._replace(label=self.last_label)
        label = label_of_lines(self.answer.words, node.start, node.end) if key else ""
        line_start = self.around.line_of(node.start)[0]
        if node.start > line_start and not label:
            label = label_before(self.answer.words, self.answer.text, node.start, line_start)
        if not label and self.answer.text[max(line_start, node.start - 6) : node.start].rstrip("* [(").endswith(":"):
            label = label_of_title(self.answer.words, line_start)
        label = label or label_after(self.answer.words, node.start, node.end, line_start)
        return Context(clean_label(label), context.image)

    def _keep(self, rows: list[Group], rank: Rank, context: Context, is_guessed: bool = True) -> None:
        self.finds.found += [Found(row, rank, context.label, context.image, is_guessed=is_guessed) for row in rows]


class _Known:
    """What is known of some brackets; their name is looked for when it is first needed."""

    __slots__ = ("_context", "_reader", "_where")

    def __init__(self, reader: BareReader, node: Node, context: Context, key: Meaning | None) -> None:
        self._reader, self._where = reader, (node, context, key)
        self._context: Context | None = None

    @property
    def context(self) -> Context:
        """With the name, and with the picture that they are for."""
        if self._context is None:
            self._context = self._reader.with_label(*self._where)
        return self._context


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
