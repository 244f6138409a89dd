"""YOLO: a text file per picture, a line ``class cx cy width height`` per box as shares of the picture, and a file of names.

The names go into ``data.yaml`` as quoted strings, which hold any label; sizes are not kept, the reader has to know them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from glm_magics.geometry import Box, Shape, keep_visible
from glm_magics.grammar import plural

from .naming import Sizes, boxes_of, picture_names, picture_numbers, reading, size_of, text_names, writable

NAMES_FILE = "data.yaml"

_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NAMES = re.compile(r"^names:[ \t]*", re.MULTILINE)
_ENTRY = re.compile(r"[ \t]*(?:-|(\d+)[ \t]*:)[ \t]+(\S.*)|[ \t]*(?:#.*)?")
_SCALAR = re.compile(r"""[ \t]*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]"'][^,\[\]\n]*)[\s,]*""")


def to_yolo(shapes: Iterable[Shape], file_names: Sequence[str] | None = None) -> dict[str, str]:
    """The boxes as texts by file name: one ``.txt`` per picture (empty for one that is named and has no boxes), ``data.yaml``.

    Raises:
        InputError: a picture is not named, or two names differ only in what follows the dot.
    """
    boxes = boxes_of(shapes, "YOLO")
    names = text_names(picture_names(boxes, file_names), ".txt")
    places = {label: n for n, label in enumerate(sorted({writable(box.label) for box in boxes}))}
    lines: dict[int, list[str]] = {image: [] for image in names}
    for box in boxes:
        x1, y1, x2, y2 = box.relative
        shares = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
        lines[box.image].append(" ".join([str(places[writable(box.label)]), *(f"{share:.6f}" for share in shares)]))
    listed = "".join(f"  {n}: {_quoted(label)}\n" for label, n in places.items())
    files = {names[image]: "".join(f"{line}\n" for line in lines[image]) for image in names}
    return {**files, NAMES_FILE: f"nc: {len(places)}\nnames:{'' if places else ' {}'}\n{listed}"}


def _quoted(label: str) -> str:
    """A string as both JSON and YAML read it."""
    quoted = json.dumps(label, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def from_yolo(files: Mapping[str, str], sizes: Sizes, file_names: Sequence[str] | None = None) -> tuple[Shape, ...]:
    """The boxes of the texts of a YOLO data set.

    Args:
        files: the text of each file by its name; labels are in ``data.yaml``, ``classes.txt`` or ``*.names``.
        sizes: ``(width_px, height_px)`` of every picture, or a list with the size of each.
        file_names: the pictures in your order; without it they are numbered as in `files`.

    Raises:
        InputError: a line that is no box, a picture without a size, or one that is not in `file_names`.
    """
    with reading("These YOLO files", "A line is `class cx cy width height`, the last four from 0 to 1."):
        labels = [label for name, text in files.items() if _is_names(name) for label in _read_names(name, text)]
        texts = {name: text for name, text in files.items() if not _is_names(name)}
        wanted = None if file_names is None else list(text_names(dict(enumerate(file_names)), ".txt").values())
        numbers = picture_numbers(texts, wanted)
        found = []
        for name, text in texts.items():
            for line in filter(None, map(str.strip, text.splitlines())):
                found.append(_read_line(line, labels, sizes, numbers[name]))
        return tuple(keep_visible(found))


def _read_line(line: str, labels: Sequence[str], sizes: Sizes, image: int) -> Box:
    fields = line.split()
    if len(fields) not in (5, 6):  # some programs add a confidence
        raise ValueError(f"`{line[:60]}` has {plural(len(fields), 'number')}")
    place, (cx, cy, width, height) = int(fields[0]), map(float, fields[1:5])
    label = labels[place] if 0 <= place < len(labels) else str(place)
    relative = cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2
    return Box(relative, *size_of(sizes, image), label, image=image)


def _is_names(name: str) -> bool:
    return name.endswith((".yaml", ".yml", ".names")) or PurePath(name).name == "classes.txt"


def _read_names(name: str, text: str) -> list[str]:
    """The names in order: a line each, or what YAML has under ``names``, as a list or with numbers."""
    if not name.endswith((".yaml", ".yml")):
        return text.splitlines()
    start = _NAMES.search(text)
    if not start:
        return []
    if text.startswith("[", start.end()):
        return _read_flow(text, start.end() + 1)
    names: dict[int, str] = {}
    for line in text[start.end() :].split("\n")[1:]:
        entry = _ENTRY.fullmatch(line)
        if not entry:
            break
        if entry[2]:
            names[int(entry[1] or len(names))] = _read_scalar(entry[2])
    return [names.get(place, str(place)) for place in range(min(max(names, default=-1) + 1, 100_000))]


def _read_flow(text: str, start: int) -> list[str]:
    names = []
    while found := _SCALAR.match(text, start):
        names.append(_read_scalar(found[1]))
        start = found.end()
    return names


def _read_scalar(text: str) -> str:
    if text.startswith('"'):
        return str(json.loads(text[: text.rindex('"') + 1]))
    if text.startswith("'"):
        return text[1 : text.rindex("'")].replace("''", "'")
    return text.partition(" #")[0].strip()
