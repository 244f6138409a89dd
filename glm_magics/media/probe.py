"""What a video is before any of it is decoded: how long, how large, of which codec; mp4 and mov without any library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError, MediaError, MissingExtraError
from ..pictures import named
from . import mp4
from .loading import Blob, said

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class Container:
    """One row: a way in which video and sound are put into a file.

    Attributes:
        name: what FFmpeg calls it; always given, since a guess would follow addresses that stand in a playlist.
        mime: as which it is sent.
        magic: how its first bytes look.
    """

    name: str
    mime: str
    magic: re.Pattern[bytes]


CONTAINERS: tuple[Container, ...] = (
    Container("mov", "video/quicktime", re.compile(rb".{4}(?:moov|mdat)|\0.{3}(?:ftypqt  |wide|free|skip)", re.DOTALL)),
    Container("mov", "video/mp4", re.compile(rb"\0.{3}ftyp", re.DOTALL)),
    Container("matroska", "video/webm", re.compile(rb"\x1aE\xdf\xa3.{0,40}webm", re.DOTALL)),
    Container("matroska", "video/x-matroska", re.compile(rb"\x1aE\xdf\xa3")),
    Container("avi", "video/x-msvideo", re.compile(rb"RIFF.{4}AVI ", re.DOTALL)),
    Container("wav", "audio/wav", re.compile(rb"RIFF.{4}WAVE", re.DOTALL)),
    Container("flac", "audio/flac", re.compile(rb"fLaC\0")),
    Container("ogg", "audio/ogg", re.compile(rb"OggS\0")),
    Container("aac", "audio/aac", re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")),
    Container("mp3", "audio/mpeg", re.compile(rb"ID3[\2-\4]\0|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")),
)
"""The first that matches counts."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a video is.

    Attributes:
        duration_s: 0 when there is no video in it.
        width_px, height_px: as it is shown: upright, with square pixels.
        codec: ``h264``, ``hevc``, …; empty when the file has no pictures.
        has_sound: it has a sound track.
        mime: ``video/mp4``, …
    """

    duration_s: float
    width_px: int
    height_px: int
    codec: str
    has_sound: bool
    mime: str


def probe_video(blob: Blob, label: str) -> Probe:
    """What a video is: of an mp4 or mov from its boxes, else as PyAV says.

    Raises:
        MediaError: it is empty, cut off, or no video.
        MissingExtraError: it is no mp4 or mov, and PyAV is not installed.
    """
    container = find_container(blob, label)
    if container.name == "mov":
        with reading(label), blob.open() as file:
            film = mp4.read_film(file, blob.n_bytes)
        if film.is_cut:
            raise MediaError(f"{named(label)} is cut off: a part of it is missing.", "Copy or download it again.")
        if film.codec and film.duration_s:
            return Probe(film.duration_s, film.width_px, film.height_px, film.codec, film.has_sound, container.mime)
    with opened(blob, label) as file:
        stream = next(iter(file.streams.video), None)
        has_sound = bool(file.streams.audio)
        if stream is None:
            return Probe(0.0, 0, 0, "", has_sound, container.mime)
        codec = stream.codec_context.name
        return Probe(_duration_s(file, stream), *_shown_px(stream), codec, has_sound, container.mime)


def find_container(blob: Blob, label: str) -> Container:
    """The row for a file.

    Raises:
        MediaError: it is empty, unreadable, or of none.
    """
    with reading(label):
        head = blob.head()
    if not head:
        raise MediaError(f"{named(label)} is empty.", "Look at how it was made.")
    for container in CONTAINERS:
        if container.magic.match(head):
            return container
    raise MediaError(f"{named(label)} is no video or sound that is read.", "Save it as mp4, or as wav.")


def _shown_px(stream: VideoStream) -> tuple[int, int]:
    ratio = float(stream.sample_aspect_ratio or 1)
    return round(stream.width * ratio), stream.height


def _duration_s(file: InputContainer, stream: VideoStream) -> float:
    """As the header says; the header of a Matroska file names the end. Without one, as browsers record, it is read through."""
    if file.duration:
        return (file.duration - (max(0, file.start_time or 0) if file.format.name.startswith("matroska") else 0)) / 1_000_000
    end = 0.0
    for packet in file.demux(stream):
        if packet.pts is not None and packet.time_base:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return max(0.0, end - max(0, file.start_time or 0) / 1_000_000)


@contextmanager
def opened(blob: Blob, label: str) -> Iterator[InputContainer]:
    """A file in PyAV, closed at the end.

    Raises:
        MediaError: FFmpeg cannot read it.
        MissingExtraError: PyAV is not installed.
    """
    container = find_container(blob, label)
    try:
        import av
    except ImportError:
        kind = container.mime.partition("/")[0]
        raise MissingExtraError.naming(kind, f"{named(label)} has to be decoded here, and PyAV is not installed.") from None
    with reading(label), blob.open() as raw, av.open(raw, "r", format=container.name) as file:
        yield file


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Whatever reading a damaged file raises becomes one sentence."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # FFmpeg, the disk, and a file without its index raise anything
        raise MediaError(f"{named(label)} cannot be read: {_reason(error)}.", "Copy or save it again.") from error


def _reason(error: Exception) -> str:
    """Which of its many errors FFmpeg names for a damaged file is a matter of chance."""
    if type(error).__module__.startswith("av."):
        return "its codec is unknown here" if "NotFound" in type(error).__name__ else "it is damaged or cut off"
    return (error.strerror if isinstance(error, OSError) else "") or said(error)


def check_start(start_s: float, total_s: float, label: str) -> None:
    """Refuses a part that begins behind the end.

    Raises:
        MediaError: it does.
    """
    if start_s >= total_s:
        raise MediaError(f"{named(label)} is {clock(total_s)} long; {clock(start_s)} is behind its end.", "Choose earlier times.")


def clock(seconds: float, n_digits: int = 1) -> str:
    """A time as a player shows it: ``0:02.5``, ``1:02:03``; tenths only where there are any."""
    ticks = round(max(0.0, seconds) * 10**n_digits)
    whole, part = divmod(ticks, 10**n_digits)
    minutes, rest = divmod(whole, 60)
    text = f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
    return f"{text}.{part:0{n_digits}}" if part else text
