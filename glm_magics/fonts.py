"""Which font of this machine has which letters: DejaVu, which comes with matplotlib, then the system's and the extra's.

A font's list of letters (its ``cmap``) is read here, so that neither matplotlib nor fontconfig has to start.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

_STYLES = ("bold", "italic", "oblique", "light", "thin", "black", "condensed", "narrow", "serif", "mono", "extra", "medium")
_EAST_ASIAN_SCRIPTS = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC"})
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
        for face in chain.from_iterable(map(_faces_of, _font_files(tuple(font_folders())))):
            found = [letter for letter in left if face.has(letter)]
            faces.update(dict.fromkeys(found, face))
            left = [letter for letter in left if letter not in faces]
            if not left:
                break
        else:
            _font_files.cache_clear()  # a font that is installed now counts from the next picture on
    return faces, left


def is_east_asian(text: str) -> bool:
    """True when a Chinese, Japanese or Korean letter is in it."""
    return not text.isascii() and _EAST_ASIAN.search(text) is not None


_EAST_ASIAN = re.compile(
    "[\u1100-\u11ff\u2e80-\u2fdf\u3005-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff01-\uffdc]"
)


def text_face(letters: Iterable[str]) -> tuple[Face | None, str]:
    """``(font, language)`` for a text with East Asian letters in it; None where no such font has the Latin ones too, or none is.

    One font for all letters reads better: half of the errors in Chinese tables were made where two fonts met (measured). The
    language (``zh-Hans``, ``ja``, ``ko``) decides which shape of a letter it is, where the font has several.
    """
    found = {script_of(letter): letter for letter in sorted(set(_EAST_ASIAN.findall("".join(letters))))}
    if not found:
        return None, ""
    faces, _ = find_faces(found.values())  # one of each script is enough
    face = next(iter(faces.values()), None)
    language = next((language for script, language in _LANGUAGES.items() if script in found), "zh-Hans")
    return (face if face and all(map(face.has, map(chr, range(0x20, 0x7F)))) else None), language


_LANGUAGES = {"HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko"}


def way_out(letters: Iterable[str]) -> str:
    """What to install for letters that no font has: our extra where it helps, and the system's package."""
    scripts = {script_of(letter) for letter in letters}
    packages = sorted({_package_of(script) for script in scripts})
    extra = '`pip install "glm-magics[cjk]"` or, ' if scripts <= _EAST_ASIAN_SCRIPTS else ""
    return f"Install a font for it, {extra}on Debian{',' if extra else ''} `apt install {' '.join(packages)}`, and it is drawn."


def _package_of(script: str) -> str:
    if script == "emoji":
        return "fonts-noto-color-emoji"
    return "fonts-noto-cjk" if script in _EAST_ASIAN_SCRIPTS else "fonts-noto-core"


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
    """Where this system keeps fonts, and where the ``cjk`` extra keeps its own."""
    home = os.path.expanduser("~")
    extra = find_spec(_EXTRA_PACKAGE)  # its name only: importing it would change matplotlib's settings
    own = [os.path.join(place, "fonts") for place in (extra.submodule_search_locations or [])] if extra else []
    if sys.platform == "darwin":
        return [f"{home}/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts", *own]
    if sys.platform == "win32":
        windows, local = os.environ.get("WINDIR", r"C:\Windows"), os.environ.get("LOCALAPPDATA", "")
        return [rf"{windows}\Fonts", rf"{local}\Microsoft\Windows\Fonts", *own]
    return [f"{home}/.local/share/fonts", f"{home}/.fonts", "/usr/local/share/fonts", "/usr/share/fonts", *own]


_EXTRA_PACKAGE = "notojp_matplotlib"
"""Noto Sans CJK, Japanese shapes first, OFL: Chinese, Japanese and Korean in one file of 16 MB."""


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
