"""What the page of the grounding widget asks for, parsed once into typed values.

A page is foreign: whatever is not exactly as expected is no request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, TypeAlias, cast, get_args

from ..asking import RegionForm
from .marks import MAX_LABEL_CHARS, MAX_MARKS, Add, Alter, Change, Delete

MAX_QUESTION_CHARS = 20_000
_ID = re.compile(r"[A-Za-z0-9-]{1,60}")


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask this; `image` None means every picture, one after another. `region` and `like` are ids of boxes, or empty."""

    text: str
    image: int | None
    region: str
    region_form: RegionForm
    like: str
    adds: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the answer that is coming."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Change boxes; edits in a row with the same `key` are undone together."""

    changes: tuple[Change, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """Undo the last act, or with `is_redo` do again what was undone last."""

    is_redo: bool


@dataclass(frozen=True, slots=True)
class Show:
    """Count the boxes of a question among the boxes, or do not."""

    asked: int
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Select:
    """This box is the selected one; empty for none."""

    id: str


@dataclass(frozen=True, slots=True)
class Export:
    """Make a file; `purpose` ``copy`` wants the text of one picture, ``download`` the whole."""

    format: str
    image: int
    purpose: Literal["copy", "download"]


@dataclass(frozen=True, slots=True)
class Hello:
    """Is anybody there?"""


Act: TypeAlias = Ask | Stop | Edit | Undo | Show | Select | Export | Hello


@dataclass(frozen=True, slots=True)
class Request:
    """An act, and who asked for it: the answer names `page` and `n` again."""

    page: str
    n: int
    act: Act


class _Foreign(Exception):
    """Not as expected."""


def parse_request(content: object) -> Request | None:
    """The request of a message from the page; None for everything else, whatever it holds."""
    if not isinstance(content, dict):
        return None
    try:
        read = _READERS.get(_text(content, "type", 20))
        return Request(_id(content, "page"), _whole(content, "n", 2**53), read(content)) if read else None
    except _Foreign:
        return None


def _text(raw: Mapping[str, Any], name: str, most: int) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise _Foreign
    return value


def _id(raw: Mapping[str, Any], name: str, may_be_empty: bool = False) -> str:
    value = _text(raw, name, 60)
    if not (_ID.fullmatch(value) or (may_be_empty and not value)):
        raise _Foreign
    return value


def _whole(raw: Mapping[str, Any], name: str, below: int) -> int:
    value = raw.get(name)
    if type(value) is not int or not 0 <= value < below:
        raise _Foreign
    return value


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    value = raw.get(name)
    if not isinstance(value, bool):
        raise _Foreign
    return value


def _relative(raw: Mapping[str, Any]) -> tuple[float, ...]:
    values = raw.get("relative")
    if not isinstance(values, list) or len(values) not in (2, 4):
        raise _Foreign
    for value in values:
        if type(value) not in (int, float) or abs(value) > 1e6 or not isfinite(value):
            raise _Foreign
    return tuple(map(float, values))


def _ask(raw: Mapping[str, Any]) -> Ask:
    form = _text(raw, "region_form", 20)
    if form not in get_args(RegionForm):
        raise _Foreign
    image = None if raw.get("image") is None else _whole(raw, "image", 10_000)
    text = _text(raw, "text", MAX_QUESTION_CHARS)
    region, like = _id(raw, "region", True), _id(raw, "like", True)
    return Ask(text, image, region, cast(RegionForm, form), like, _flag(raw, "adds"))


def _edit(raw: Mapping[str, Any]) -> Edit:
    changes = raw.get("changes")
    if not isinstance(changes, list) or len(changes) > 2 * MAX_MARKS:
        raise _Foreign
    return Edit(tuple(_change(change) for change in changes), _id(raw, "key", True) if "key" in raw else "")


def _change(raw: object) -> Change:
    if not isinstance(raw, dict):
        raise _Foreign
    op, mark_id = _text(raw, "op", 20), _id(raw, "id")
    if op == "delete":
        return Delete(mark_id)
    label = _text(raw, "label", 4 * MAX_LABEL_CHARS) if raw.get("label") is not None else None
    if op == "alter":
        return Alter(mark_id, None if raw.get("relative") is None else _relative(raw), label)
    if op == "add":
        return Add(mark_id, _whole(raw, "image", 10_000), _relative(raw), label or "")
    raise _Foreign


def _export(raw: Mapping[str, Any]) -> Export:
    purpose: Literal["copy", "download"] = "copy" if _text(raw, "purpose", 20) == "copy" else "download"
    return Export(_text(raw, "format", 20), _whole(raw, "image", 10_000), purpose)


_READERS: dict[str, Callable[[Mapping[str, Any]], Act]] = {
    "ask": _ask,
    "edit": _edit,
    "export": _export,
    "hello": lambda raw: Hello(),
    "select": lambda raw: Select(_id(raw, "id", True)),
    "show": lambda raw: Show(_whole(raw, "asked", 10**6), _flag(raw, "is_shown")),
    "stop": lambda raw: Stop(),
    "undo": lambda raw: Undo(_flag(raw, "is_redo")),
}
