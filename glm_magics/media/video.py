"""Videos: sent whole to a model that takes their bytes, else as single pictures with their times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import MediaError
from ..intake import Intake
from ..messages import Part, TextPart, VideoPart
from ..notes import note
from ..pictures import named
from .clips import cut, describe_shift, find_begin, has_close_copy
from .links import load_link
from .loading import Blob, Loading
from .paths import load_blob, load_path
from .probe import Probe, check_start, clock, probe_video
from .sampling import Moment, fit_px, most_tokens, sample, to_part
from .selections import parse_times

DEFAULT_FPS, DEFAULT_MOST = 2.0, 16
"""Two pictures a second (so the open models sample), and no more than about 16,000 tokens of them."""

MOST_WHEN_ASKED = 50
"""With `--fps` alone."""

SENT_WHOLE = frozenset({"video/mp4", "video/quicktime", "video/x-matroska"})
"""The vendor documents mp4, mov and mkv (chat reference)."""

_TRIM = "Trim it, as in [0:10-0:25]"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a video of `total_s`, in seconds; one moment where `end_s` is `start_s`."""

    start_s: float
    end_s: float
    total_s: float

    @property
    def is_whole(self) -> bool:
        """All of the video."""
        return self.start_s == 0 and self.end_s == self.total_s

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A video's file: its bytes where the model takes them and it is within the limits, else pictures with their times.

    Raises:
        MediaError: no video, a damaged one, a span outside of it, or a model that takes no pictures.
        MissingExtraError: pictures are to be taken from it, and PyAV is not installed.
    """
    loading = replace(loading, label=loading.label or blob.label)
    probe = probe_video(blob, loading.label)
    if not probe.codec:
        return _load_sound_of(blob, probe, loading)
    span = _find_span(probe.duration_s, loading.selection, loading.label)
    if whole := _load_whole(blob, probe, span, loading):
        return [whole]
    _check_eyes(loading)
    times = plan_times(span, loading)
    moments = sample(blob, loading.label, times, tolerance_s=span.seconds / len(times) / 4)
    return _to_parts(list(moments), _describe(blob.n_bytes, probe), loading.label, span)


def _load_sound_of(blob: Blob, probe: Probe, loading: Loading) -> Iterable[Part]:
    """What is called a video and holds sound only, as phones record it."""
    from .audio import load_file as load_sound_file

    if not probe.has_sound:
        raise MediaError(f"{named(loading.label)} holds no video.", "Look at how it was made.")
    if "audio" not in loading.intake.kinds:
        raise MediaError(f"{named(loading.label)} holds sound and no pictures.", "glm-4-voice takes sound.")
    return load_sound_file(blob, loading)


def _find_span(duration_s: float, selection: str, label: str) -> Span:
    if not duration_s:
        raise MediaError(f"{named(label)} is a video without any pictures.", "Look at how it was made.")
    if not selection:
        return Span(0.0, duration_s, duration_s)
    start, end = parse_times(selection)
    check_start(start, duration_s, label)
    return Span(start, duration_s if end is None else min(end, duration_s), duration_s)


def _describe(n_bytes: int, probe: Probe) -> str:
    return f"{clock(probe.duration_s)}, {probe.width_px}×{probe.height_px} {probe.codec}, {n_bytes / 1e6:.1f} MB"


def _load_whole(blob: Blob, probe: Probe, span: Span, loading: Loading) -> VideoPart | None:
    """The video's bytes, or the bytes of a piece of it; None where pictures are to stand for it."""
    intake = loading.intake
    if not (intake.has_video_bytes and "video" in intake.kinds and probe.mime in SENT_WHOLE) or loading.fps or loading.frames_max:
        return None
    if excess := _find_excess(blob.n_bytes * span.seconds / span.total_s, span.seconds, intake):
        _warn_of_pictures(loading.label, f"it is {excess}. {_TRIM}")
        return None
    if span.is_whole:
        source, size = _describe(blob.n_bytes, probe), (probe.width_px, probe.height_px)
        return VideoPart("", blob.read(intake.video_max_bytes), probe.mime, probe.duration_s, loading.label, source, *size)
    return _load_piece(blob, probe, span, loading) if span.seconds else None


def _load_piece(blob: Blob, probe: Probe, span: Span, loading: Loading) -> VideoPart | None:
    """The bytes of a piece, copied from where one can begin; None, and a warning, where that is too far from what was asked."""
    label, most_s = loading.label, loading.intake.video_max_s or math.inf
    begin_s = find_begin(blob, label, span.start_s)
    if begin_s is not None and not has_close_copy(begin_s, span.start_s, span.end_s, most_s):
        _warn_of_pictures(label, f"a copy has to begin at {clock(begin_s)}, {_describe_way_out(span, begin_s, most_s)}")
        return None
    piece = cut(blob, label, probe.mime, span.start_s, span.end_s, most_s) if begin_s is not None else None
    if piece is None:
        _warn_of_pictures(label, "no part of it can be copied. Save it again as mp4")
        return None
    if excess := _find_excess(len(piece.data), piece.seconds, loading.intake):
        _warn_of_pictures(label, f"the part is {excess}. Choose a shorter one")
        return None
    shift = describe_shift(piece, span.start_s, span.end_s)
    source = f"{clock(piece.start_s)} to {clock(piece.end_s)} of {_describe(blob.n_bytes, probe)}{shift}"
    size = probe.width_px, probe.height_px
    return VideoPart("", piece.data, probe.mime, piece.seconds, label, source, *size)


def _describe_way_out(span: Span, begin_s: float, most_s: float) -> str:
    """A span that can be copied; inwards to tenths, so that it begins at the same picture."""
    first_s = math.ceil(round(10 * begin_s, 3)) / 10
    last_s = math.floor(round(10 * min(span.end_s, begin_s + most_s), 3)) / 10
    return f"{clock(span.start_s - begin_s)} early. Begin there, as in [{clock(first_s)}-{clock(last_s)}]"


def _warn_of_pictures(label: str, why: str) -> None:
    note(f"{named(label)} is sent as single pictures: {why}.", stacklevel=2)


def _find_excess(n_bytes: float, seconds: float, intake: Intake) -> str:
    """By what a video is beyond the limits, in words; empty when it is within them. A 30 s video lasts 30.03 s."""
    if intake.video_max_s and round(seconds, 1) > intake.video_max_s:
        return f"{clock(seconds)} long; the model takes {clock(intake.video_max_s)}"
    if n_bytes > intake.video_max_bytes:
        return f"{n_bytes / 1e6:.1f} MB; the model takes {intake.video_max_bytes // 1_000_000} MB"
    return ""


def _check_eyes(loading: Loading) -> None:
    if not loading.intake.has_eyes:
        raise MediaError(
            f"{named(loading.label)} is a video, and the model does not see.", "Choose one that does, such as glm-4.6v."
        )
    if not loading.intake.has_image_bytes:
        raise MediaError(
            f"{named(loading.label)} would be sent as pictures, and the model takes those by address only.",
            "Choose glm-4.6v-flash.",
        )


def plan_times(span: Span, loading: Loading) -> list[float]:
    """When to look, in seconds from the beginning: evenly, in the middle of each piece."""
    if not span.seconds:
        return [span.start_s]
    fps = loading.fps or DEFAULT_FPS
    wanted = max(1, round(span.seconds * fps))
    most = loading.frames_max or (MOST_WHEN_ASKED if loading.fps else DEFAULT_MOST)
    n = min(wanted, most, loading.intake.max_images or most)
    if n < wanted and loading.fps:
        note(
            f"{named(loading.label)} has {wanted} pictures at {fps:g} a second; {n} are sent, {span.seconds / n:.1f} s apart. "
            f"{_TRIM}, or raise --frames-max.",
            stacklevel=2,
        )
    return [span.start_s + (i + 0.5) * span.seconds / n for i in range(n)]


def _to_parts(moments: Sequence[Moment], source: str, label: str, span: Span) -> list[Part]:
    """Each picture after its time, so that the model can speak of times."""
    if not moments:
        raise MediaError(f"No picture of {named(label)} can be read.", "Copy or save it again.")
    n_digits = 2 if span.seconds / len(moments) < 0.2 else 1
    of = "" if span.is_whole or not span.seconds else f" from {clock(span.start_s)} to {clock(span.end_s)}"
    text = f"The video {label} is {clock(span.total_s)} long. {len(moments)} of its pictures{of}, each after its time:\n"
    parts: list[Part] = []
    for moment in moments:
        time = clock(moment.time_s, n_digits)
        parts += [TextPart(f"{text}{time}\n", label, source), to_part(moment, label, f"at {time}")]
        text = "\n"
    return parts


def load_display(video: Any, loading: Loading) -> Iterable[Part]:
    """``IPython.display.Video``: its bytes, file or address."""
    if isinstance(video.data, bytes):
        return load_blob(Blob(loading.label or "video", data=video.data), loading)
    if video.filename:
        return load_path(Path(video.filename), loading)
    if str(video.url or "").startswith(("http://", "https://")):
        return load_link(video.url, loading)
    raise MediaError(f"{named(loading.label)} holds neither bytes nor a file nor an http(s) address.", "Give a path.")


def load_moviepy(clip: Any, loading: Loading) -> Iterable[Part]:
    """A clip of moviepy, as pictures with their times."""
    label = loading.label or "clip"
    _check_eyes(replace(loading, label=label))
    duration_s = float(clip.duration or 0)
    span = _find_span(duration_s, loading.selection, label)
    moments = list(_film(clip, plan_times(span, replace(loading, label=label))))
    return _to_parts(moments, f"{clock(duration_s)}, {clip.w}×{clip.h}", label, span)


def _film(clip: Any, times_s: Sequence[float]) -> Iterator[Moment]:
    from PIL import Image

    for time_s in times_s:
        image = Image.fromarray(clip.get_frame(time_s).astype("uint8"))
        yield Moment(time_s, image.resize(fit_px(*image.size, most_tokens(len(times_s)))))
