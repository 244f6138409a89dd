"""Which font of this machine has which letters: DejaVu, which comes with matplotlib, then whatever the system has.

A font's list of letters (its ``cmap``) is read here, so that neither matplotlib nor fontconfig has to start.
"""

from __future__ import annotations

import os
import struct
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_STYLES = ("bold", "italic", "oblique", "light", "thin", "black", "condensed", "narrow", "serif", "mono", "extra", "medium")
_FIXES = {
    "CJK": "fonts-noto-cjk",
    "HIRAGANA": "fonts-noto-cjk",
    "KATAKANA": "fonts-noto-cjk",
    "HANGUL": "fonts-noto-cjk",
    "BOPOMOFO": "fonts-noto-cjk",
    "FULLWIDTH": "fonts-noto-cjk",
    "emoji": "fonts-noto-color-emoji",
}
_INVISIBLE = frozenset({0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFE0E, 0xFE0F, 0xFEFF})
"""Letters without a shape: soft hyphens, joiners, variation selectors."""


@dataclass(frozen=True, slots=True)
class Face:
    """One font of one file: its place, and the letters it has as ranges, ends included."""

    path: str
    index: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def has(self, letter: str) -> bool:
        """True when the font has a shape for it."""
        code = ord(letter)
        i = bisect_right(self.starts, code) - 1
        return i >= 0 and code <= self.ends[i]


def find_faces(letters: Iterable[str]) -> tuple[dict[str, Face], list[str]]:
    """``(the face of each letter, the letters that no font has)``; letters without a shape belong to neither."""
    base = base_face()
    faces: dict[str, Face] = {}
    left = []
    for letter in letters:
        if base.has(letter):
            faces[letter] = base
        elif ord(letter) not in _INVISIBLE:
            left.append(letter)
    if left:
        for face in _system_faces("".join(left)):
            found = [letter for letter in left if face.has(letter)]
            faces.update(dict.fromkeys(found, face))
            left = [letter for letter in left if letter not in faces]
            if not left:
                break
    return faces, left


def way_out(letters: Iterable[str]) -> str:
    """What to install for letters that no font has."""
    packages = sorted({_FIXES.get(script_of(letter), "fonts-noto-core") for letter in letters})
    return f"Install a font for it, on Debian `apt install {' '.join(packages)}`, and it is drawn."


def script_of(letter: str) -> str:
    """The script in one word, as Unicode names its letters: CJK, HANGUL, DEVANAGARI, …; ``emoji`` for pictographs."""
    if 0x1F000 <= ord(letter) <= 0x1FAFF or 0x2600 <= ord(letter) <= 0x27BF:
        return "emoji"
    return unicodedata.name(letter, "unnamed").split()[0].split("-")[0]


@cache
def base_face(is_bold: bool = False) -> Face:
    """DejaVu Sans of matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew, mathematics."""
    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / f"DejaVuSans{'-Bold' if is_bold else ''}.ttf"
    return next(read_faces(str(path)))


def _system_faces(letters: str) -> Iterator[Face]:
    """The fonts of the system, plain ones first; of a collection the one whose language the letters belong to first."""
    scripts = {script_of(letter) for letter in letters}
    region = "JP" if scripts & {"HIRAGANA", "KATAKANA"} else "KR" if "HANGUL" in scripts else "SC"
    for path in _font_files(tuple(font_folders())):
        faces = list(_faces_of(path))
        yield from sorted(faces, key=lambda face: face.index != _REGIONS.get(region, 0)) if len(faces) > 3 else faces


_REGIONS = {"JP": 0, "KR": 1, "SC": 2}
"""Where Noto's collections of all East Asian fonts keep the shapes of each language."""


@cache
def _font_files(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Every font file, the plainest first: a regular sans reads best when small."""
    files = [
        os.path.join(folder, name)
        for root in folders
        for folder, _, names in os.walk(root)
        for name in names
        if name.lower().endswith((".ttf", ".otf", ".ttc"))
    ]
    return tuple(sorted(files, key=_rank))


def _rank(path: str) -> tuple[int, int, str]:
    name = os.path.basename(path).lower()
    return sum(style in name.replace("sans", "") for style in _STYLES), -("noto" in name), name


def font_folders() -> list[str]:
    """Where this system keeps fonts."""
    home = os.path.expanduser("~")
    if sys.platform == "darwin":
        return [f"{home}/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts"]
    if sys.platform == "win32":
        windows, local = os.environ.get("WINDIR", r"C:\Windows"), os.environ.get("LOCALAPPDATA", "")
        return [rf"{windows}\Fonts", rf"{local}\Microsoft\Windows\Fonts"]
    return [f"{home}/.local/share/fonts", f"{home}/.fonts", "/usr/local/share/fonts", "/usr/share/fonts"]


@cache
def _faces_of(path: str) -> tuple[Face, ...]:
    try:
        return tuple(read_faces(path))
    except (OSError, struct.error, ValueError, IndexError):  # a font file that is none
        return ()


def read_faces(path: str) -> Iterator[Face]:
    """The faces of a TrueType or OpenType file or collection."""
    with open(path, "rb") as file:
        head = file.read(12)
        offsets: tuple[int, ...] = (0,)
        if head[:4] == b"ttcf":
            (count,) = struct.unpack(">I", head[8:12])
            offsets = struct.unpack(f">{count}I", file.read(4 * count))
        for index, offset in enumerate(offsets):
            file.seek(offset + 4)
            (n_tables,) = struct.unpack(">H6x", file.read(8))
            tables = [struct.unpack(">4s4xII", file.read(16)) for _ in range(n_tables)]
            place = next(((start, size) for tag, start, size in tables if tag == b"cmap"), None)
            if place:
                file.seek(place[0])
                starts, ends = _read_cmap(file.read(place[1]))
                yield Face(path, index, starts, ends)


def _read_cmap(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ranges of code points of the best subtable: format 12 for all of Unicode, else 4 for its first plane."""
    (count,) = struct.unpack_from(">2xH", data)
    tables = {}
    for i in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", data, 4 + 8 * i)
        (kind,) = struct.unpack_from(">H", data, offset)
        if kind in (4, 12) and (platform == 0 or (platform, encoding) in ((3, 1), (3, 10))):
            tables[kind] = offset
    if 12 in tables:
        (n_groups,) = struct.unpack_from(">I", data, tables[12] + 12)
        groups = struct.unpack_from(f">{3 * n_groups}I", data, tables[12] + 16)
        return groups[::3], groups[1::3]
    if 4 not in tables:
        return (), ()
    (doubled,) = struct.unpack_from(">H", data, tables[4] + 6)
    ends = struct.unpack_from(f">{doubled // 2}H", data, tables[4] + 14)
    starts = struct.unpack_from(f">{doubled // 2}H", data, tables[4] + 16 + doubled)
    return starts, ends
