"""Places between tags: ``<box>``, ``<|det|>``, ``<image_ref>``, ``<point x= y=>``, and tokens of other model families."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .cleaning import Answer
from .groups import as_shapes, groups_in
from .keys import TYPED_KEYS, box_from_names, meaning_of, plain_key
from .members import clean_label, read_string
from .numbers import NUMBER, read_group, split_group, to_float
from .trees import grow_tree
from .values import Finds, Found, Group, Meaning, Rank, Span

_TAG = re.compile(r"<(\|?)(/?)([A-Za-z_][\w-]{0,30})(\|?)((?:\s[^<>]{0,400})?)>")
_ATTRIBUTE = re.compile(rf"([A-Za-z_][\w-]{{0,20}})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|({NUMBER}))")
_LOCATION = re.compile(r"(?:<loc_\d{1,4}>){4}")
_SCREEN = re.compile(r"\bbounds\\*[\"']?\s*[:=]\s*\\*[\"']?(\[(\d+)\s*,\s*(\d+)\]\s*\[(\d+)\s*,\s*(\d+)\])")
_CHILD = re.compile(rf"<([A-Za-z_]\w{{0,20}})>\s{{0,9}}({NUMBER})\s{{0,9}}</")
_NUMBER = re.compile(NUMBER)
_LETTER = re.compile(r"[^\W\d_]")
_VALUE_BEGINS, _VALUE_ENDS = (
    re.compile(r"(\w{1,30})[\\\"']{0,4}\s{0,4}[:=]\s{0,4}\\{0,3}[\"']\s{0,4}$"),
    re.compile(r"\s{0,4}(?:\\{0,3}[\"']|\Z)"),
)
_REFERENCE = re.compile(r"(?!object)[A-Za-z]{1,20}_ref")
_NAMES = frozenset(
    ("ref", "object_ref_start", "objectref", "obj", "p", "phrase", "label", "name", "class", "category", "arg_key")
)
_PICTURES = frozenset(("rect", "svg", "img", "image", "path", "circle", "div", "span", "canvas", "area", "text", "video"))
_LABELS = ("label", "name", "alt", "class", "category", "text")
_PARTNERS = {"box_start": "box_end", "object_ref_start": "object_ref_end", "point_start": "point_end"}
_MEANINGS = {"det": Meaning.BOX, "box_start": Meaning.BOX, "point_start": Meaning.POINT, "arg_value": Meaning.PLACE}
_POINTED = frozenset(("box", "box_start", "arg_value"))
"""Tags in which a pair is a point: UI-TARS puts its clicks into box tokens."""

_MOST_REFERENCE, _MOST_NAME = 9_000, 200


def read_tags(answer: Answer, finds: Finds) -> None:
    """Finds what tags say, and blanks the tags with what is in them; tags in a program are left."""
    done: list[Span] = []
    name = ""
    for opened, closed in _pairs(answer):
        tag = opened[3].lower()
        start, end = opened.end(), closed.start() if closed else opened.end()
        if closed is None and _REFERENCE.fullmatch(tag):
            end = _end_of_line(answer.text, start)
        key = _key_of(answer.text, opened, closed) if closed is not None else ""
        if key in TYPED_KEYS:
            continue
        if closed is not None and meaning_of(key, is_call=True) is not None:
            done += [opened.span(), closed.span()]  # the key says what they hold
            continue
        if tag in _NAMES:
            name = clean_label(answer.words[start:end]) if closed and end - start <= _MOST_NAME else ""
        elif not _read(answer, finds, (start, end), opened, name):
            continue
        done.append((opened.start(), closed.end() if closed else end))
    done += [match.span() for match in _TAG.finditer(answer.text) if match[5].strip() and match[3].lower() in _PICTURES]
    done += _read_locations(answer, finds)
    done += _read_screens(answer, finds)
    answer.blank(done)


def _key_of(text: str, opened: re.Match[str], closed: re.Match[str]) -> str:
    """The key whose string the tags fill, as in ``"bbox": "<box>15 40 70 220</box>"``; empty for tags that fill none."""
    key = _VALUE_BEGINS.search(text, max(0, opened.start() - 48), opened.start())
    is_string = key is not None and not opened[5].strip() and _VALUE_ENDS.match(text, closed.end()) is not None
    return plain_key(key[1]) if key is not None and is_string else ""


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start, start + _MOST_REFERENCE)
    return end if end >= 0 else min(len(text), start + _MOST_REFERENCE)


def _pairs(answer: Answer) -> Iterator[tuple[re.Match[str], re.Match[str] | None]]:
    """Opening tags, each with the next closing one of its name; those inside of one that counts are not given again."""
    tags = [match for match in _TAG.finditer(answer.text) if _counts(answer, match)] if "<" in answer.text else []
    closings: dict[str, list[re.Match[str]]] = {}
    for match in reversed(tags):
        closings.setdefault(match[3].lower(), []).append(match)
    last = 0
    for match in tags:
        tag = match[3].lower()
        if match[2] or match.start() < last:
            continue
        partner = _PARTNERS.get(tag, tag)
        waiting = closings.get(partner, [])
        while waiting and (waiting[-1].start() < match.end() or (partner == tag and not waiting[-1][2])):
            waiting.pop()
        closed = waiting[-1] if waiting else None
        if tag in _NAMES or (closed is not None and _meaning(tag) is not None):
            last = closed.end() if closed else last
            yield match, closed
        elif match[5].strip() or _REFERENCE.fullmatch(tag):
            yield match, None


def _counts(answer: Answer, match: re.Match[str]) -> bool:
    """Tags of pages and drawings, and tags in a program, are none of ours."""
    is_program = any(answer.zone_at(kind, match.start()) for kind in ("program", "literal"))
    return match[3].lower() not in _PICTURES and not is_program


def _meaning(tag: str) -> Meaning | None:
    return _MEANINGS.get(tag) or (Meaning.BOX if _REFERENCE.fullmatch(tag) else meaning_of(tag))


def _read(answer: Answer, finds: Finds, span: Span, opened: re.Match[str], name: str) -> bool:
    """Reads one tag; False when it is none of ours."""
    tag = opened[3].lower()
    if opened[5].strip() and _read_attributes(finds, opened, _words_in(answer, span)):
        return True
    if _REFERENCE.fullmatch(tag):
        _read_reference(answer, finds, span)
        return True
    meaning = meaning_of(name, is_call=True) if tag == "arg_value" else _meaning(tag)
    if meaning is None:
        return tag == "arg_value"
    label = "" if tag == "arg_value" else _label_of(opened[5]) or name
    nodes = grow_tree(answer.text, *span)
    groups = [group for node in nodes for group in groups_in(answer.text, node)]
    if not nodes:
        whole = read_group(answer.text, *span)
        groups = split_group(answer.text, *span, whole.span) if whole else []
        values = {plain_key(match[1]): to_float(match[2]) for match in _CHILD.finditer(answer.text, *span)}
        corners = box_from_names(values) if len(values) > 3 else None
        if corners is not None:
            group = Group(corners, span, has_decimals="." in answer.text[slice(*span)])
            finds.found.append(Found(group, Rank.KEYED, label, is_named=True))
            return True
    shapes, others = as_shapes(groups, meaning, is_action=tag in _POINTED)
    finds.found += [Found(group, Rank.KEYED, label) for group in shapes]
    for group, why in others:
        finds.miss(group, why)
    return bool(groups)


def _read_reference(answer: Answer, finds: Finds, span: Span) -> None:
    """``[2, [[15, 40, 70, 220]], "Figure 3: …"]``: picture from 1, boxes, caption (source: the vendor's GLM-4.6V guide)."""
    outer = next(iter(grow_tree(answer.text, *span)), None)
    if outer is None or not outer.is_closed:
        return
    first = _NUMBER.search(answer.text, outer.inner, outer.children[0].start) if outer.children else None
    image = max(0, int(min(to_float(first[0]), 1e6)) - 1) if first else 0
    captions = [child for child in outer.children if child.kind == '"'][:1]
    for caption in captions:  # quotes in it are part of it: it goes on to the last
        caption.stop = max(caption.stop, answer.text.rfind(answer.text[caption.start], caption.inner, outer.stop))
    label = read_string(answer.words, captions[0]) if captions else ""
    lists = [child for child in outer.children if child.kind != '"'] or ([] if captions else [outer])
    shapes, others = as_shapes([group for child in lists for group in groups_in(answer.text, child)], Meaning.BOX)
    finds.found += [Found(group, Rank.KEYED, label, image) for group in shapes]
    for group, why in others:
        finds.miss(group, why)


def _words_in(answer: Answer, span: Span) -> str:
    """What a tag with a place in its attributes says: the place's name."""
    said = answer.words[slice(*span)] if span[1] - span[0] <= _MOST_NAME else ""
    return clean_label(said) if _LETTER.search(said) and "<" not in said else ""


def _label_of(attributes: str) -> str:
    said = {plain_key(match[1]): match[2] or match[3] or "" for match in _ATTRIBUTE.finditer(attributes)}
    return clean_label(next((said[key] for key in _LABELS if said.get(key)), ""))


def _read_attributes(finds: Finds, opened: re.Match[str], words: str) -> bool:
    """``<box x1= y1= x2= y2= label=>``, ``<box bbox="…">``, ``<point x= y= alt=>``; ``<points x1= y1= x2= y2=>`` are points."""
    found = [(plain_key(match[1]), match[2] or match[3] or match[4] or "") for match in _ATTRIBUTE.finditer(opened[5])]
    single = {key: group for key, said in found if (group := read_group(said, 0, len(said))) and len(group.numbers) == 1}
    values = {key: group.numbers[0] for key, group in single.items()}
    units = {group.unit for group in single.values()}
    numbers: list[tuple[float, ...]] = []
    if meaning_of(opened[3]) is Meaning.POINT:
        ends = sorted({key[1:] for key in values if key[0] == "x" and f"y{key[1:]}" in values})
        numbers = [(values[f"x{end}"], values[f"y{end}"]) for end in ends]
    elif (corners := box_from_names(values)) is not None:
        numbers = [corners]
    unit = units.pop() if len(units) == 1 else ""
    label = _label_of(opened[5]) or words
    groups = [Group(each, opened.span(), unit, "." in opened[5]) for each in numbers]
    finds.found += [Found(group, Rank.KEYED, label, is_named=True) for group in groups]
    boxes = [
        read_group(said.strip("[]() "), 0, len(said.strip("[]() "))) for key, said in found if meaning_of(key) is Meaning.BOX
    ]
    fours = [box for box in boxes if box is not None and len(box.numbers) == 4 and not groups]
    for box in fours:
        finds.found.append(Found(Group(box.numbers, opened.span(), box.unit, box.has_decimals), Rank.KEYED, label))
    return bool(groups or fours)


def _read_locations(answer: Answer, finds: Finds) -> list[Span]:
    """``cat<loc_15><loc_40><loc_70><loc_220>``, as Florence-2 writes."""
    spans: list[Span] = []
    for match in _LOCATION.finditer(answer.text) if "<loc_" in answer.text else ():
        numbers = tuple(float(digits) for digits in re.findall(r"\d+", match[0]))
        before = re.search(r"[^<>\n,;.:]{1,80}$", answer.words[max(0, match.start() - 80) : match.start()])
        label = clean_label(before[0]) if before else ""
        finds.found.append(Found(Group(numbers, match.span()), Rank.KEYED, label, is_guessed=True))
        spans.append(match.span())
    return spans


def _read_screens(answer: Answer, finds: Finds) -> list[Span]:
    """``bounds="[42,357][1038,483]"`` of an Android dump: pixels of the screen it came from."""
    spans: list[Span] = []
    for match in _SCREEN.finditer(answer.text) if "bounds" in answer.text else ():
        group = Group(tuple(to_float(match[n]) for n in (2, 3, 4, 5)), match.span(1))
        finds.found.append(Found(group, Rank.KEYED, is_screen=True))
        spans.append(match.span())
    return spans
