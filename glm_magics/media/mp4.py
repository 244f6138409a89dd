"""The boxes of an mp4 or mov file: length, size and codec without any library (ISO/IEC 14496-12; QuickTime file format)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

_MAX_INDEX_BYTES = 64_000_000
"""More than any film's index; a damaged length must not fill the memory."""

_CODECS: Mapping[str, str] = {
    **dict.fromkeys(("avc1", "avc3"), "h264"),
    **dict.fromkeys(("hvc1", "hev1", "dvh1", "dvhe"), "hevc"),
    **{"mp4v": "mpeg4", "av01": "av1", "vp08": "vp8", "vp09": "vp9"},
}


@dataclass(frozen=True, slots=True)
class Film:
    """What the boxes say.

    Attributes:
        duration_s: 0 when they do not say, as in a file of fragments.
        width_px, height_px: as it is shown: upright, with square pixels.
        codec: of the first video track; empty when there is none.
        has_sound: there is a sound track.
        is_cut: a box goes on beyond the end of the file, or there is no index.
    """

    duration_s: float = 0.0
    width_px: int = 0
    height_px: int = 0
    codec: str = ""
    has_sound: bool = False
    is_cut: bool = False


def read_film(file: BinaryIO, n_bytes: int) -> Film:
    """What a file is by its boxes; the pictures themselves are not read.

    Raises:
        ValueError: a box does not hold what it should.
        OSError: the file cannot be read.
    """
    at, index = 0, b""
    while at + 8 <= n_bytes:
        file.seek(at)
        kind, header, size = _box(file.read(16), n_bytes - at)
        if at + size > n_bytes:
            return Film(is_cut=True)
        if kind == b"moov" and size <= _MAX_INDEX_BYTES:
            file.seek(at + header)
            index = file.read(size - header)
        at += size
    return _read_index(index) if index else Film(is_cut=True)


def _box(head: bytes, n_left: int) -> tuple[bytes, int, int]:
    """Kind, bytes of its header, bytes in all: 1 stands for a 64-bit length, 0 for the rest of the file."""
    size, kind, header = int.from_bytes(head[:4]), head[4:8], 8
    if size == 1:
        size, header = int.from_bytes(head[8:16]), 16
    elif size == 0:
        size = n_left
    if size < header:
        raise ValueError("a box is shorter than its header")
    return kind, header, size


def _inner(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        kind, header, size = _box(data[at : at + 16], len(data) - at)
        yield kind, data[at + header : at + size]
        at += size


def _find(data: bytes, *path: bytes) -> bytes:
    """The first box under a path of boxes; empty when there is none."""
    for wanted in path:
        data = next((body for kind, body in _inner(data) if kind == wanted), b"")
    return data


def _read_index(index: bytes) -> Film:
    tracks = [body for kind, body in _inner(index) if kind == b"trak"]
    kinds = [_find(track, b"mdia", b"hdlr")[8:12] for track in tracks]
    has_sound = b"soun" in kinds
    if b"vide" not in kinds:
        return Film(has_sound=has_sound)
    track = tracks[kinds.index(b"vide")]
    fourcc = _find(track, b"mdia", b"minf", b"stbl", b"stsd")[12:16].decode("latin-1").strip()
    return Film(_duration_s(_find(index, b"mvhd")), *_shown_px(_find(track, b"tkhd")), _CODECS.get(fourcc, fourcc), has_sound)


def _duration_s(header: bytes) -> float:
    """Of a movie header; version 1 has 64-bit times."""
    try:
        form, at = (">IQ", 20) if header[:1] == b"\x01" else (">II", 12)
        scale, duration = struct.unpack_from(form, header, at)
    except struct.error:
        raise ValueError("the movie header is too short") from None
    is_known = scale and duration not in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    return duration / scale if is_known else 0.0


def _shown_px(header: bytes) -> tuple[int, int]:
    """Of a track header, whose last numbers are a matrix and the size, all in 1/65536."""
    at = 48 if header[:1] == b"\x01" else 36
    try:
        a, _, _, _, d, *_, width, height = struct.unpack_from(">9i2I", header, at + 4)
    except struct.error:
        raise ValueError("a track header is too short") from None
    size = (width >> 16, height >> 16)
    return size[::-1] if a == d == 0 else size
