"""A piece of a video as a video of its own: its pictures copied as they are, without decoding."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Any

from .loading import Blob
from .probe import clock, opened

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_CLOSE, _CLOSE_S = 0.1, 0.5
"""How much a copy may differ at each end without a word: this part of what was asked for, or so many seconds."""

_MAX_EARLY_S = 10.5
"""A copy begins where a picture stands alone in the file: x264 leaves 250 pictures between two, 10.4 s at 24 a second. One that
begins still earlier, or shows more of what was not asked for than of what was, would show too much.
"""

_CUT_S = 0.3
"""Fewer seconds are missing at an end because the last pictures lean on one behind it."""

_SLACK_S = 0.04
"""A video of 30 s may last a picture longer."""

_FORMATS: Mapping[str, str] = {"video/mp4": "mp4", "video/quicktime": "mov", "video/x-matroska": "matroska"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A video without sound, and which part of the other one it is.

    Attributes:
        start_s: a little before the one that was asked for, as a rule.
        end_s: before the one that was asked for where the piece would be too long.
    """

    data: bytes = field(repr=False)
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


def has_close_copy(begin_s: float, start_s: float, end_s: float, most_s: float) -> bool:
    """True when a copy that begins at `begin_s` and lasts `most_s` at most is still what was asked for: `start_s` to `end_s`."""
    seconds = end_s - start_s
    is_early = start_s - begin_s > max(_CLOSE_S, min(_MAX_EARLY_S, seconds))
    return not is_early and end_s - min(end_s, begin_s + most_s) <= max(_CLOSE_S, _CLOSE * seconds)


def describe_shift(piece: Piece, start_s: float, end_s: float) -> str:
    """By how much a copy differs from what was asked for, in words; empty where it hardly does."""
    close_s = max(_CLOSE_S, _CLOSE * (end_s - start_s))
    begin = f", begins {clock(start_s - piece.start_s)} early" if start_s - piece.start_s > close_s else ""
    return begin + (f", ends {clock(end_s - piece.end_s)} early" if end_s - piece.end_s > _CUT_S else "")


def find_begin(blob: Blob, label: str, start_s: float) -> float | None:
    """When the last picture up to `start_s` is shown that stands alone in the file; None where it cannot be told.

    Raises:
        MediaError: the file cannot be read.
        MissingExtraError: PyAV is not installed.
    """
    with opened(blob, label) as file:
        source = file.streams.video[0]
        if source.time_base is None:
            return None
        origin = source.start_time or 0
        file.seek(int(start_s / source.time_base) + origin, stream=source)
        first = next(file.demux(source), None)
        return None if first is None or first.pts is None else float((first.pts - origin) * source.time_base)


def cut(blob: Blob, label: str, mime: str, start_s: float, end_s: float, most_s: float) -> Piece | None:
    """The piece from `find_begin(start_s)` to `end_s`, and `most_s` long at most, in the same kind of file.

    Returns:
        None where the file does not say when its pictures are shown.

    Raises:
        MediaError: the file cannot be read.
        MissingExtraError: PyAV is not installed.
    """
    with opened(blob, label) as file:
        import av

        source = file.streams.video[0]
        if source.time_base is None:
            return None
        origin, base = source.start_time or 0, source.time_base
        file.seek(int(start_s / base) + origin, stream=source)
        packets = _packets(file, source, int(end_s / base) + origin)
        first = next(packets, None)
        if first is None or first.pts is None:
            return None
        begin, buffer = first.pts, BytesIO()
        with av.open(buffer, "w", format=_FORMATS[mime]) as copy:
            stream = copy.add_stream_from_template(source)
            most = math.inf if math.isinf(most_s) else begin + int((most_s + _SLACK_S) / base)
            end = _copy(chain([first], takewhile(lambda packet: _end_of(packet) <= most, packets)), begin, stream, copy)
    return Piece(buffer.getvalue(), float((begin - origin) * base), float((end - origin) * base))


def _packets(file: InputContainer, stream: VideoStream, end: int) -> Iterator[Packet[Any]]:
    """In the order of decoding, up to a time stamp; those before the first lean on what is not there."""
    first: int | None = None
    for packet in file.demux(stream):
        if packet.pts is None or (packet.pts if packet.dts is None else packet.dts) >= end:
            return
        first = packet.pts if first is None else first
        if packet.pts >= first:
            yield packet


def _end_of(packet: Packet[Any]) -> int:
    return (packet.pts or 0) + (packet.duration or 0)


def _copy(packets: Iterable[Packet[Any]], begin: int, stream: VideoStream, copy: OutputContainer) -> int:
    """Writes the packets from time 0 on; the time stamp of their end in the source."""
    end = begin
    for packet in packets:
        assert packet.pts is not None
        end = max(end, _end_of(packet))
        packet.pts -= begin
        packet.dts = None if packet.dts is None else packet.dts - begin  # Matroska stores none
        packet.stream = stream
        copy.mux(packet)
    return end
