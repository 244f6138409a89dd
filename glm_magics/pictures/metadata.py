"""What a JPEG or PNG says beside its pixels (place, camera, author, previews, comments) cut away; the pixels stay as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

_Piece: TypeAlias = bytes | memoryview

_JFIF, _ICC, _ADOBE = 0xE0, 0xE2, 0xEE
_SCAN, _END, _COMMENT = 0xDA, 0xD9, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_NEXT_MARKER = re.compile(rb"\xff[^\0\xff\xd0-\xd7]")
"""Within coded pixels 0xFF is followed by zero or a restart mark (ITU T.81, B.1.1.5)."""

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT cICP mDCV cLLI bKGD pHYs".split())
"""The pixels and what their colours mean (PNG 3rd edition, chapter 11); not tEXt, iTXt, zTXt, eXIf, tIME and private ones."""


def strip_metadata(data: bytes, format: str, max_bytes: int) -> bytes:
    """The same picture without what is said about it; empty where the file is not built as it should be, or still too long.

    Args:
        data: a whole JPEG or PNG file.
        format: ``JPEG`` or ``PNG``.
        max_bytes: of what is left; of a longer file no copy is made.
    """
    strip = _STRIPPERS.get(format)
    try:
        kept = strip(memoryview(data)) if strip else []
    except IndexError:  # it ends in the middle of a segment
        return b""
    return b"".join(kept) if sum(map(len, kept)) <= max_bytes else b""


def _strip_jpeg(data: memoryview) -> list[_Piece]:
    """Everything up to the first end of image; pictures, films and notes behind it are left out too."""
    kept: list[_Piece] = [data[:2]]
    at = 2
    while True:
        start = at
        while data[at] == 0xFF:
            at += 1
        if at == start:
            return []
        marker = data[at]
        if marker == _END:
            return [*kept, b"\xff\xd9"]
        end = at + 1 + int.from_bytes(data[at + 1 : at + 3], "big")
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, end)
            end = found.start() if found else 0
        if end > len(data) or end < at + 3:
            return []
        kept.append(_kept_segment(marker, data[at - 1 : end]))
        at = end


def _kept_segment(marker: int, segment: memoryview) -> _Piece:
    body = bytes(segment[4:24])
    if marker == _JFIF:
        return b"\xff\xe0\0\x10" + body[:12] + b"\0\0" if body.startswith(b"JFIF\0") and len(body) >= 14 else b""
    is_colour = (marker == _ICC and body.startswith(b"ICC_PROFILE\0")) or (marker == _ADOBE and body.startswith(b"Adobe"))
    is_note = marker in _APPLICATION or marker == _COMMENT
    return segment if is_colour or not is_note else b""


def _strip_png(data: memoryview) -> list[_Piece]:
    kept: list[_Piece] = [_PNG_START]
    at = len(_PNG_START)
    while True:
        name = bytes(data[at + 4 : at + 8])
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return []
        if name in _PNG_KEPT:
            kept.append(data[at:end])
        if name == b"IEND":
            return kept
        at = end


_STRIPPERS: Mapping[str, Callable[[memoryview], list[_Piece]]] = {"JPEG": _strip_jpeg, "PNG": _strip_png}
