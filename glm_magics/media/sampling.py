"""Single pictures out of a video at given times, as a player would show them: upright, in shape, in ordinary colours."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..errors import MediaError
from ..messages import ImagePart
from ..pictures import MAX_IMAGE_SIDE_PX, MAX_PIXELS, named
from ..tokens import PATCH_PX
from .loading import Blob
from .probe import opened

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream
    from PIL.Image import Image

_JUMP_S = 2.0
"""To a time so far ahead it is jumped; a nearer one is reached by decoding on, since a jump goes back to a whole picture."""

_TOTAL_TOKENS, _FEWEST_TOKENS, _MOST_TOKENS = 16_000, 256, 1024
"""Of all pictures of one video together, and of one: few are sharp, many are small."""

_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Moment:
    """A picture of a video, and when it was shown."""

    time_s: float
    image: Image


def sample(blob: Blob, label: str, times_s: Sequence[float], tolerance_s: float) -> Iterator[Moment]:
    """The pictures that are shown at `times_s`, which rise; one that is shown at several of them comes once.

    A picture that stands alone in the file and was shown up to `tolerance_s` earlier is preferred: it is quick to reach, and
    encoders put one where a new scene begins.

    Raises:
        MediaError: the file cannot be read, or its pictures are too large.
        MissingExtraError: PyAV is not installed.
    """
    with opened(blob, label) as file:
        from av.video.reformatter import VideoReformatter

        stream = file.streams.video[0]
        if stream.width * stream.height > MAX_PIXELS:
            raise MediaError(f"{named(label)} has pictures of {stream.width} × {stream.height} pixels.", "Make it smaller first.")
        stream.thread_type = "AUTO"
        painter = VideoReformatter()  # keeps the tables by which HDR is converted: two seconds for each picture otherwise
        max_tokens = most_tokens(len(times_s))
        reel, last_s = _Reel(file, stream), -1.0
        for time_s in times_s:
            found = reel.show(time_s, tolerance_s)
            if found and found.time_s > last_s:
                last_s = found.time_s
                yield Moment(found.time_s, _paint(found.frame, stream, painter, max_tokens))


@dataclass(frozen=True, slots=True)
class _Shot:
    time_s: float
    frame: VideoFrame


class _Reel:
    """A video that stands between two frames: the one that is shown, and the one ahead."""

    def __init__(self, file: InputContainer, stream: VideoStream) -> None:
        self._file, self._stream = file, stream
        self._base = stream.time_base or Fraction(1, 90_000)
        self._origin_s = float((stream.start_time or 0) * self._base)
        self._shots: Iterator[_Shot] = iter(())
        self._shown: _Shot | None = None
        self._ahead: _Shot | None = None

    def show(self, time_s: float, tolerance_s: float) -> _Shot | None:
        """What is shown at a time, which is later than the one before; None behind the end of a damaged file."""
        if self._ahead is None or time_s - self._ahead.time_s > _JUMP_S:
            self._jump(time_s)
            if self._ahead and time_s - tolerance_s <= self._ahead.time_s:
                self._advance()
                return self._shown
        while self._ahead and self._ahead.time_s <= time_s:
            self._advance()
        return self._shown or self._ahead

    def _jump(self, time_s: float) -> None:
        from av.error import FFmpegError

        with suppress(FFmpegError):  # a file without an index is read on
            self._file.seek(int((time_s + self._origin_s) / self._base), stream=self._stream)
        self._shots, self._shown = self._decode(), None
        self._ahead = next(self._shots, None)

    def _advance(self) -> None:
        self._shown, self._ahead = self._ahead, next(self._shots, None)

    def _decode(self) -> Iterator[_Shot]:
        """What can be decoded from here on; damaged pieces are left out."""
        from av.error import FFmpegError

        packets = self._file.demux(self._stream)
        with suppress(FFmpegError, StopIteration):
            while True:
                packet = next(packets)
                with suppress(FFmpegError):
                    for frame in packet.decode():
                        if frame.time is not None and not frame.is_corrupt:
                            yield _Shot(max(0.0, frame.time - self._origin_s), frame)


_HDR = {16, 18}
"""Transfer characteristics PQ and HLG (ITU-T H.273), which look dull where they are taken for ordinary ones."""


def _paint(frame: VideoFrame, stream: VideoStream, painter: VideoReformatter, max_tokens: int) -> Image:
    """As it is meant to be seen, and not larger than `max_tokens`."""
    width, height = fit_px(frame.width * float(stream.sample_aspect_ratio or 1), frame.height, max_tokens)
    bt709: dict[str, Any] = {"dst_colorspace": 1, "dst_color_primaries": 1, "dst_color_trc": 1} if frame.color_trc in _HDR else {}
    rgb = painter.reformat(frame, width=width, height=height, format="rgb24", interpolation="LANCZOS", **bt709)
    image: Image = rgb.to_image()  # type: ignore[no-untyped-call]
    return _turn(image, frame.side_data.get("DISPLAYMATRIX"))


def most_tokens(n_pictures: int) -> int:
    """What each of so many pictures of one video may cost."""
    return min(_MOST_TOKENS, max(_FEWEST_TOKENS, _TOTAL_TOKENS // n_pictures))


def fit_px(width_px: float, height_px: float, max_tokens: int) -> tuple[int, int]:
    """The size as which a picture is sent; a smaller one has sides of whole squares, so that the vendor does not scale it."""
    shrink = min(math.sqrt(max_tokens * PATCH_PX**2 / (width_px * height_px)), MAX_IMAGE_SIDE_PX / max(width_px, height_px))
    if shrink >= 1:
        return round(width_px), round(height_px)
    width, height = (max(1, round(side * shrink / PATCH_PX)) * PATCH_PX for side in (width_px, height_px))
    return width, height


_TURNS: Mapping[tuple[int, int, int, int], str] = {
    (0, 1, -1, 0): "ROTATE_270",
    (-1, 0, 0, -1): "ROTATE_180",
    (0, -1, 1, 0): "ROTATE_90",
    (-1, 0, 0, 1): "FLIP_LEFT_RIGHT",
    (1, 0, 0, -1): "FLIP_TOP_BOTTOM",
    (0, 1, 1, 0): "TRANSPOSE",
    (0, -1, -1, 0): "TRANSVERSE",
}
"""By the signs of a, b, c and d of the display matrix (ISO/IEC 14496-12), which takes x to ax + cy and y to bx + dy."""


def _turn(image: Image, matrix: Any) -> Image:
    """Upright, as phones note it down instead of turning the picture."""
    if matrix is None:
        return image
    from PIL.Image import Transpose

    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix))
    way = _TURNS.get(tuple((n > 0) - (n < 0) for n in (a, b, c, d)))
    return image.transpose(Transpose[way]) if way else image


def to_part(moment: Moment, label: str, source: str) -> ImagePart:
    """A picture of a video as a part: JPEG, since the video had lost what a PNG would keep."""
    buffer = BytesIO()
    moment.image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return ImagePart(buffer.getvalue(), "image/jpeg", *moment.image.size, label=label, source=source)
