"""What a value holds: the groups of numbers in a node of the tree, and what a key makes of them."""

from __future__ import annotations

from .members import read_members
from .numbers import join_groups, split_group
from .trees import Node, grow_tree
from .values import Group, Meaning

_MOST_DEPTH = 8


def groups_in(text: str, node: Node, depth: int = 0) -> list[Group]:
    """The groups of numbers in brackets or a string, however nested; open brackets hold none of their own.

    ``["12 34", "56 78"]`` and ``["12", "34", "56", "78"]`` are one group (both seen in published answers).
    """
    if depth > _MOST_DEPTH:
        return []
    if node.kind == '"':
        nodes = grow_tree(text, node.inner, node.stop)
        if nodes:
            return [group for inner in nodes for group in groups_in(text, inner, depth + 1)]
        return split_group(text, node.inner, node.stop, (node.inner, node.stop)) if node.is_closed else []
    if not node.children:
        return split_group(text, node.inner, node.stop, (node.start, node.end)) if node.is_closed else []
    inner = [group for child in node.children for group in groups_in(text, child, depth + 1)]
    is_strings = all(child.kind == '"' for child in node.children) and node.is_closed
    if is_strings and sum(len(group.numbers) for group in inner) == 4 and len(inner) > 1:
        return [join_groups(inner, (node.start, node.end))]
    return inner


def point_of(text: str, node: Node) -> Group | None:
    """The pair in an object that holds an x, a y and nothing else."""
    members = read_members(text, node) if node.kind == "{" and node.is_closed else []
    measures = {member.key: found for member in members if (found := member.measure(text))}
    if len(members) != 2 or measures.keys() != {"x", "y"}:
        return None
    (x, unit), (y, other_unit) = measures["x"], measures["y"]
    return Group((x, y), (node.start, node.end), unit if unit == other_unit else "mixed", "." in text[node.start : node.end])


def points_in(text: str, node: Node) -> list[Group]:
    """``[{"x": 15, "y": 40}, {"x": 70, "y": 220}]`` as pairs; empty for anything else."""
    if len(node.children) < 2 or not node.is_closed or node.children[0].kind != "{":
        return []
    points = [point_of(text, child) for child in node.children]
    return [point for point in points if point] if all(points) else []


def as_shapes(groups: list[Group], meaning: Meaning, is_action: bool = False) -> tuple[list[Group], list[tuple[Group, str]]]:
    """``(boxes and points, (what is none, why))``.

    Two pairs are the corners of one box, unless points are meant. A pair under a box key is a point in an agent's action only.
    """
    if meaning is not Meaning.POINT and all(len(group.numbers) == 4 for group in groups):
        return groups, []
    pairs = [group for group in groups if len(group.numbers) == 2]
    if meaning is not Meaning.POINT and len(pairs) == len(groups) == 2:
        return [join_groups(pairs, (pairs[0].span[0], pairs[1].span[1]))], []
    if meaning is Meaning.PLACE and len(pairs) == len(groups) > 2:
        return [], [(group, "a polygon") for group in groups]
    wanted = {Meaning.BOX: (4, 2) if is_action else (4,), Meaning.PLACE: (4, 2), Meaning.POINT: (2,)}[meaning]
    if meaning is Meaning.BOX and len(pairs) > 2:
        wanted = (4,)
    shapes = [group for group in groups if len(group.numbers) in wanted]
    others = [group for group in groups if len(group.numbers) not in wanted]
    return shapes, [(group, count_off(group, meaning)) for group in others]


def count_off(group: Group, meaning: Meaning) -> str:
    """What is wrong with a group of another count."""
    count = len(group.numbers)
    return f"{count} number{'s' if count > 1 else ''} where {meaning.value} should be"
