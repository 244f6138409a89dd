"""What a function returned, as message parts for a model: text, tables as text, pictures as pictures, all within limits.

A returned text or path is never taken for an address or a file to open: its words may come from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from itertools import islice
from pathlib import PurePath
from typing import Any, NamedTuple, TypeVar

from .errors import GLMError, one_line
from .intake import Intake
from .media import Loading, to_parts
from .media.rows import PLAIN, row_of
from .messages import ImagePart, Part, TextPart

PICTURE_FOLLOWS = "the picture follows."
"""What stands in the text of a result for a picture that goes with it."""

MAX_RESULT_CHARS = 30_000
MAX_RESULT_PICTURES = 8
_MAX_ITEMS = 20_000
_MAX_DEPTH = 8

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a result goes to the model.

    Attributes:
        intake: what the model takes; pictures go back as such where it sees them.
        max_chars: of all text of one result.
    """

    intake: Intake = field(default_factory=Intake)
    max_chars: int = MAX_RESULT_CHARS


class Written(NamedTuple):
    """A result for the model, and for people.

    Attributes:
        parts: for the model.
        note: that something was left out; empty when all of it goes.
        pictures: for people, whether the model sees them or not.
    """

    parts: list[Part]
    note: str
    pictures: list[ImagePart]


def write_result(value: object, limits: Limits) -> Written:
    """A returned value, written for the model.

    Raises:
        MediaError: a picture that cannot be read.
    """
    rich: list[Part] = []
    text = _write(value, rich, limits)
    loose = [part for part in rich if isinstance(part, TextPart)]
    images = [part for part in rich if isinstance(part, ImagePart)]
    text = "\n\n".join(filter(None, [text, *(part.text for part in loose)]))
    notes = []
    if len(images) > MAX_RESULT_PICTURES:
        notes.append(f"{MAX_RESULT_PICTURES} of {len(images)} pictures")
        text += f"\n[The first {MAX_RESULT_PICTURES} of {len(images)} pictures.]"
        images = images[:MAX_RESULT_PICTURES]
    text, note = cut(text, limits.max_chars)
    seen = images if limits.intake.sees_bytes else []
    return Written([TextPart(text), *seen], ", ".join(filter(None, [note, *notes])), images)


def cut(text: str, max_chars: int) -> tuple[str, str]:
    """The text within a limit, which it says itself, and a note for people."""
    if len(text) <= max_chars:
        return text, ""
    note = f"the first {max_chars:,} of {len(text):,} characters"
    return f"{text[:max_chars]}\n[Cut: these are {note}. Ask for less at a time.]", note


def _write(value: object, rich: list[Part], limits: Limits) -> str:
    """The words for a value; parts that are no plain words are added to `rich`."""
    if value is None:
        return "(it returned nothing)"
    if isinstance(value, str):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if _is_rich(value):
        return _load(value, rich, limits)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    plain = _plain(value, _Walk(rich, limits, max(_MAX_ITEMS, limits.max_chars)), _MAX_DEPTH)
    return plain if isinstance(plain, str) else _write_json(plain, limits.max_chars)


def _write_json(plain: object, max_chars: int) -> str:
    """JSON, made piece by piece, so that no more of a huge value is written than is sent; all of it is counted roughly."""
    pieces: list[str] = []
    n_chars = 0
    for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(plain):
        pieces.append(piece)
        n_chars += len(piece)
        if n_chars > max_chars * 4:
            break
    return "".join(pieces)


def _is_rich(value: object) -> bool:
    """A frame, figure, picture, …; text, paths and plain containers are not."""
    row = row_of(value)
    return row not in PLAIN and row != "pathlib.PurePath" and not isinstance(value, bytes | bytearray | memoryview)


def _load(value: object, rich: list[Part], limits: Limits) -> str:
    """A rich value: its parts into `rich`, and the words that stand in its place."""
    name = type(value).__name__
    loading = Loading(label=name, intake=Intake(), frames="text")
    parts = [part for part in to_parts(value, loading) if part.kind in ("text", "image")]
    texts = "\n".join(part.text for part in parts if isinstance(part, TextPart))
    images = [part for part in parts if isinstance(part, ImagePart)]
    if not images:
        return texts
    sizes = ", ".join(f"{image.width_px}×{image.height_px} px" if image.width_px else "by address" for image in images)
    rich += images
    if not limits.intake.sees_bytes:
        return f"{texts}\n[{name}, {sizes}: a picture that you cannot see; the user sees it.]".strip()
    return f"{texts}\n[{name}, {sizes}: {PICTURE_FOLLOWS}]".strip()


@dataclass(slots=True)
class _Walk:
    """Through a returned value: where its rich values go, and how many plain ones more are looked at.

    A list that holds itself many times has no end, and each value takes three letters of the text or more.
    """

    rich: list[Part]
    limits: Limits
    n_left: int

    def take(self, items: Iterable[_T]) -> Iterator[_T]:
        """As many of the items as may still be looked at."""
        for item in islice(items, _MAX_ITEMS):
            if self.n_left <= 0:
                return
            self.n_left -= 1
            yield item


def _plain(value: Any, walk: _Walk, depth: int) -> Any:
    """The value as JSON has it; rich values inside are replaced by words."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if depth == 0:
        return one_line(repr(type(value)), 80)
    if isinstance(value, Mapping):
        made = {str(key): _plain(item, walk, depth - 1) for key, item in walk.take(value.items())}
        return made | _rest(value, len(made))
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item, walk, depth - 1) for item in walk.take(value)]
        return items + list(_rest(value, len(items)).values())
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(value[:1_000_000]), len(value), walk.rich, walk.limits)
    if hasattr(type(value), "model_dump"):
        return _plain(value.model_dump(), walk, depth - 1)
    if is_dataclass(value) and not isinstance(value, type):
        fields = {name: getattr(value, name, None) for name in value.__dataclass_fields__}
        return _plain(fields, walk, depth - 1)
    return _load(value, walk.rich, walk.limits) if _is_rich(value) else str(value)


def _rest(value: Any, n_taken: int) -> dict[str, str]:
    n_more = len(value) - n_taken
    return {"…": f"and {n_more:,} more"} if n_more > 0 else {}


def _bytes(head: bytes, n_bytes: int, rich: list[Part], limits: Limits) -> str:
    """A picture's bytes as the picture; others are only counted."""
    if n_bytes <= len(head):
        try:
            return _load(memoryview(head), rich, limits)
        except GLMError:
            pass
    return f"[{n_bytes:,} bytes]"
