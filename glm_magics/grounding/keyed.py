"""Places that are named: in JSON objects, in calls of agents, in what is nearly JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from .cleaning import Answer
from .groups import as_shapes, groups_in, point_of, points_in
from .images import KEYS, Images
from .keys import (
    ACTION_KEYS,
    ACTION_LABEL_KEYS,
    ARGUMENT_KEYS,
    AXES,
    CALL_LABEL_KEYS,
    CLICKS,
    CORNER_PAIRS,
    GENERIC_KEYS,
    GEOGRAPHIC,
    LABEL_KEYS,
    LABEL_LIST_KEYS,
    NAMED,
    NAMES,
    POLYGON_KEYS,
    SOLID_KEYS,
    STRING_KEYS,
    box_from_names,
    meaning_of,
    plain_key,
)
from .members import Member, clean_label, read_members, read_string
from .numbers import join_groups, read_group
from .trees import Node, grow_tree
from .values import Finds, Found, Group, Meaning, Rank

_CALL = re.compile(r"[A-Za-z_]\w{0,40}$")
_TIME_KEY = re.compile(r"(?:frame|time|t|sec|second|第)?[\s_=#-]*(\d{1,5})([.:]\d+)*\s*(?:s|sec|seconds?|秒|帧)?", re.IGNORECASE)
_IMAGE_KEY = re.compile(r"(?:image|img|picture|pic|page|图|图片|图像|第)(\d{1,3})(?:张|张图|张图片|页)?")
_JSON_IN_STRING = re.compile(r"[\"'](?:b?box(?:es)?(?:_?2d)?|bounding_box)\\*[\"']", re.IGNORECASE)
_BRACKET = re.compile(r"[\[({]")
_MOST_CALL = 42
_NO_WORD = frozenset(("", "null", "none", "true", "false", "nan"))


class Context(NamedTuple):
    """What is known from further out.

    Attributes:
        label: of the object around, for a nested one without a name.
        image: which picture, from 0.
        meaning: what the key before says of the numbers; None for nothing.
        is_action: inside of an agent's action.
        is_data: numbers without a key of their own are data here.
    """

    label: str = ""
    image: int = 0
    meaning: Meaning | None = None
    is_action: bool = False
    is_data: bool = False


Next = list[tuple[Node, Context]]


@dataclass(slots=True)
class KeyedReader:
    """Reads the objects and calls of one answer.

    Attributes:
        answer: what counts of it.
        finds: where the result goes.
        images: which pictures the text numbers.
        leave: takes brackets that no key names, and gives those in them that are still to be looked at.
        taken: the spans of objects and calls; prose in them is data.
    """

    answer: Answer
    finds: Finds
    images: Images
    leave: Callable[[Node, Context], Next]
    taken: list[tuple[int, int]] = field(default_factory=list)

    def read(self, nodes: list[Node], context: Context) -> None:
        """Looks at these nodes and at all that is in them, in the order of the text; nesting may be endless."""
        waiting: Next = [(node, context) for node in reversed(nodes)]
        while waiting:
            if inside := self._look(*waiting.pop()):
                waiting += reversed(inside)

    def _look(self, node: Node, context: Context) -> Next:
        kind = node.kind
        if kind == '"' or self.answer.zone_at("program", node.start):
            return []
        if kind == "{":
            return self._object(node, context)
        name = self._call_name(node) if kind == "(" else ""
        return self._call(node, name, context) if name else self.leave(node, context)

    def _call_name(self, node: Node) -> str:
        """The word joined to an opening bracket, as in ``CLICK(``; empty when there is none."""
        before = self.answer.text[max(0, node.start - _MOST_CALL) : node.start]
        match = _CALL.search(before) if before[-1:].isalnum() or before.endswith(("_", "\n")) else None
        return match[0] if match else ""

    def _call(self, node: Node, name: str, context: Context) -> Next:
        """A call: only what keys name counts, or two numbers of an agent's click, or four of a box."""
        self.taken.append((node.start - len(name), node.end))
        dot = node.start - len(name) - 1
        is_click = plain_key(name) in CLICKS and self.answer.text[max(0, dot) : dot + 1] != "."
        if not node.is_closed or (self.answer.zone_at("literal", node.start) and not is_click):
            return []
        members = read_members(self.answer.text, node)
        if not any(member.key for member in members):
            meaning = Meaning.POINT if is_click else meaning_of(name)
            if is_click or meaning is Meaning.BOX:
                self._keep(groups_in(self.answer.text, node), meaning or Meaning.BOX, context)
            return []
        label = self._label(members, CALL_LABEL_KEYS)
        inner = context._replace(label=label, is_action=True)
        for member in members:
            meaning = meaning_of(member.key, is_call=True)
            if meaning is not None:
                own = self._label(members, (f"{member.key.removesuffix('box')}elementinfo",))
                self._place(member, meaning, inner._replace(label=own) if own else inner)
        self._named(members, node, inner, is_point_wanted=is_click)
        return []

    def _object(self, node: Node, context: Context) -> Next:
        """An object of JSON or of Python, or braces that only look like one."""
        members = read_members(self.answer.text, node)
        keys = {member.key for member in members} - {""}
        if not keys:
            return [(child, context) for child in node.children] if node.children else self.leave(node, context)
        self.taken.append((node.start, node.end))
        if not keys.isdisjoint(GEOGRAPHIC) or ("type" in keys and self._is_map(members)):
            return []
        is_tool = not keys.isdisjoint(ARGUMENT_KEYS)
        is_action = context.is_action or is_tool or not keys.isdisjoint(ACTION_KEYS)
        own = "" if is_tool else self._label(members, ACTION_LABEL_KEYS if is_action else LABEL_KEYS)
        image = context.image if is_action else self._image(members, context)
        inner = Context(own or context.label, image, context.meaning, is_action, context.is_data)
        if not node.is_closed and not inner.label and not is_action:
            return self._deeper([member for member in members if _holds_objects(member)], inner)  # its name may still come
        self._named(members, node, inner, is_point_wanted=is_action or context.meaning in (Meaning.PLACE, Meaning.POINT))
        left = self._values(members, inner)
        return self._deeper(left, inner)

    def _image(self, members: list[Member], context: Context) -> int:
        """Which picture an object says that it is for, from 0; else that of the object around."""
        for member in members:
            if member.key in KEYS and member.word.isdecimal():
                image = self.images.keyed(int(member.word))
                return context.image if image is None else image
        return context.image

    def _values(self, members: list[Member], context: Context) -> list[Member]:
        """Keeps the places of an object, and gives the members that hold none of their own."""
        labels = self._label_list(members)
        left: list[Member] = []
        for member in members:
            meaning = meaning_of(member.key, is_call=context.is_action)
            if member.key in SOLID_KEYS or member.key in POLYGON_KEYS:
                why = "a 3D box" if member.key in SOLID_KEYS else "a polygon"
                for group in self._groups(member):
                    self.finds.miss(group, why)
            elif meaning is not None and _is_one(member, "[") and (pairs := points_in(self.answer.text, member.nodes[0])):
                self._keep(pairs, meaning, context)
            elif meaning is not None and not _holds_objects(member):
                self._place(member, meaning, context, labels)
            elif member.nodes or member.word:
                left.append(member)
        return left

    def _deeper(self, members: list[Member], context: Context) -> Next:
        """The values that may hold objects, each with what its key says."""
        if not any([self._may_hold(node) for member in members for node in member.nodes]):
            return []
        times = [_TIME_KEY.fullmatch(member.name.strip()) for member in members]
        is_video = all(times)
        is_mapping = not (is_video or context.label or context.is_action) and all(
            member.key and member.key not in AXES and _is_list(member) for member in members
        )
        inside: Next = []
        for place, (member, time) in enumerate(zip(members, times, strict=True)):
            known = context._replace(meaning=meaning_of(member.key), is_data=not is_mapping)
            pictured = _IMAGE_KEY.fullmatch(member.key)
            is_thing = is_mapping or _is_one(member, "{")
            if is_video:
                known = known._replace(image=place if time is None or time[2] else int(time[1]))
            elif pictured:
                known = known._replace(image=max(0, int(pictured[1]) - 1), is_data=False)
            elif is_thing and not context.label and not known.meaning and member.key not in GENERIC_KEYS:
                known = known._replace(label=clean_label(member.name))
            for node in member.nodes:
                if node.kind != '"':
                    inside.append((node, known))
                    continue
                for child in self._nodes_in(node, member.key, context.is_action):
                    inside.append((child, known._replace(is_data=False)))
        return inside

    def _nodes_in(self, node: Node, key: str, is_action: bool) -> list[Node]:
        """What brackets are in a string that holds an answer: by its key, by box tokens, by escaped JSON."""
        if not self._may_hold(node):
            return []
        is_answer = not is_action and (
            key in STRING_KEYS or bool(_JSON_IN_STRING.search(self.answer.text, node.inner, node.stop))
        )
        if not is_answer and not self.answer.has_zone("token", node.inner, node.stop):
            return []
        return grow_tree(self.answer.text, node.inner, node.stop)

    def _may_hold(self, node: Node) -> bool:
        """There are brackets in it, or it is some."""
        return node.kind != '"' or bool(_BRACKET.search(self.answer.text, node.inner, node.stop))

    def _groups(self, member: Member) -> list[Group]:
        if not member.nodes:
            whole = read_group(self.answer.text, *member.span) if member.word else None
            return [whole] if whole else []
        groups = [group for node in member.nodes for group in groups_in(self.answer.text, node)]
        is_closed = all([node.is_closed for node in member.nodes])
        return groups if is_closed else [group for group in groups if len(group.numbers) != 2]

    def _pairs(self, member: Member) -> list[Group]:
        """A corner's two numbers: in a list, or by their names in an object."""
        point = point_of(self.answer.text, member.nodes[0])
        return self._groups(member) if point is None else [point]

    def _place(self, member: Member, meaning: Meaning, context: Context, labels: list[str] | None = None) -> None:
        groups = self._groups(member)
        for node in [] if groups else member.nodes:
            self._named(read_members(self.answer.text, node), node, context, is_point_wanted=meaning is not Meaning.BOX)
        is_screen = member.key == "bounds" and len(groups) == 2
        self._keep(groups, meaning, context, labels, is_screen)

    def _keep(
        self, groups: list[Group], meaning: Meaning, context: Context, labels: list[str] | None = None, is_screen: bool = False
    ) -> None:
        shapes, others = as_shapes(groups, meaning, context.is_action)
        named = labels if labels and len(labels) == len(shapes) else [context.label] * len(shapes)
        self.finds.found += [
            Found(group, Rank.KEYED, label, context.image, is_screen=is_screen)
            for group, label in zip(shapes, named, strict=True)
        ]
        for group, why in others:
            self.finds.miss(group, why)

    def _named(self, members: list[Member], node: Node, context: Context, is_point_wanted: bool) -> None:
        """Numbers that have a name each, and corners that have one."""
        if NAMES.isdisjoint([member.key for member in members]):
            return
        named = [member for member in members if member.key in NAMED]
        measures = {member.key: found for member in named if (found := member.measure(self.answer.text))}
        values = {key: value for key, (value, _) in measures.items()}
        numbers: tuple[float, ...] | None = box_from_names(values) if node.is_closed and len(values) > 3 else None
        if numbers is None and node.is_closed and is_point_wanted and {"x", "y"} <= values.keys():
            numbers = (values["x"], values["y"])
        if numbers is not None:
            units = {unit for _, unit in measures.values()}
            has_decimals = "." in self.answer.text[node.start : node.end]
            group = Group(numbers, (node.start, node.end), units.pop() if len(units) == 1 else "", has_decimals)
            self.finds.found.append(Found(group, Rank.KEYED, context.label, context.image, is_named=True))
            return
        by_key = {member.key: member for member in members if member.nodes}
        for first, second in CORNER_PAIRS:
            if first in by_key and second in by_key and node.is_closed:
                pairs = [group for key in (first, second) for group in self._pairs(by_key[key])]
                if [len(pair.numbers) for pair in pairs] == [2, 2]:
                    self._keep([join_groups(pairs, (node.start, node.end))], Meaning.BOX, context)
                    return

    def _label(self, members: list[Member], keys: tuple[str, ...] | list[str]) -> str:
        """The first of these keys that holds a word."""
        by_key = {member.key: member for member in reversed(members)}
        for key in keys:
            member = by_key.get(key)
            if member is None:
                continue
            if len(member.nodes) == 1 and member.nodes[0].kind == '"' and not member.word:
                node = member.nodes[0]
                said = read_string(self.answer.words, node) if node.is_closed else ""
                if said and not (meaning_of(key) and groups_in(self.answer.text, node)):
                    return said
            elif not member.nodes and member.word.lower() not in _NO_WORD and not member.measure(self.answer.text):
                return clean_label(self.answer.words[slice(*member.span)].strip(" \t\r\n\"'“”‘’"))
        return ""

    def _label_list(self, members: list[Member]) -> list[str]:
        """Labels that stand in a list of their own beside a list of boxes."""
        for member in members:
            if member.key in LABEL_LIST_KEYS and len(member.nodes) == 1 and member.nodes[0].kind == "[":
                children = member.nodes[0].children
                if children and all(child.kind == '"' for child in children):
                    return [read_string(self.answer.words, child) for child in children]
        return []

    def _is_map(self, members: list[Member]) -> bool:
        """Geographic data (GeoJSON) has boxes of its own."""
        return self._label(members, ("type",)) in ("Feature", "FeatureCollection", "Polygon", "LineString", "MultiPolygon")


def _holds_objects(member: Member) -> bool:
    return any([node.kind == "{" or any([child.kind == "{" for child in node.children]) for node in member.nodes])


def _is_list(member: Member) -> bool:
    return member.word.lower() in ("null", "none") if member.word else _is_one(member, "[")


def _is_one(member: Member, kind: str) -> bool:
    return len(member.nodes) == 1 and member.nodes[0].kind == kind
