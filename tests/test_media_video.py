"""Videos: whole where the model takes them, else as pictures whose times are true; every bad one is a sentence."""

from __future__ import annotations

import base64
import io
import sys
import warnings
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.display import Video
from PIL import Image

from glm_magics.errors import GLMWarning, InputError, MediaError, MissingExtraError
from glm_magics.intake import Intake
from glm_magics.media import ATTACHMENTS, Loading, to_parts
from glm_magics.media.loading import Blob
from glm_magics.media.mp4 import read_film
from glm_magics.media.probe import clock, probe_video
from glm_magics.media.sampling import fit_px
from glm_magics.messages import AudioPart, ImagePart, Part, TextPart, VideoPart
from glm_magics.testing import FakeGLM

from .films import FPS, STEP, film, mux_tone, numbered, quarters, turned

WHOLE = Intake(has_video_bytes=True)
BLIND = Intake(kinds=frozenset({"text"}))


def load(data: bytes, name: str = "clip.mp4", word: str = "", **loading) -> list[Part]:
    """A file of these bytes, as ``--file`` takes it."""
    Path(name).write_bytes(data)
    return ATTACHMENTS["file"](word or name, Loading(**loading))


def pictures(parts: list[Part]) -> list[ImagePart]:
    return [part for part in parts if isinstance(part, ImagePart)]


def opened(part: ImagePart) -> Image.Image:
    return Image.open(io.BytesIO(part.data))


def seconds(shown: str) -> float:
    minutes, _, rest = shown.rpartition(":")
    return 60 * int(minutes.rpartition(":")[2]) + float(rest)


def number(part: ImagePart) -> float:
    """Which picture of a numbered film it is."""
    image = opened(part)
    return image.getpixel((image.width // 2, image.height // 2))[0] / STEP


def times(parts: list[Part]) -> list[float]:
    return [seconds(part.source.removeprefix("at ")) for part in pictures(parts)]


FINE = {"qmin": "1", "qmax": "2"}
FILMS = [
    pytest.param("clip.mp4", {}, id="mp4"),
    pytest.param("clip.mp4", {"gop": 250}, id="mp4-one-whole-picture"),
    pytest.param("clip.mp4", {"options": {"bf": "0"}}, id="mp4-no-b-frames"),
    pytest.param("clip.mp4", {"muxing": {"movflags": "frag_keyframe+empty_moov"}}, id="mp4-fragments"),
    pytest.param("clip.mov", {"format": "mov", "codec": "mpeg4", "options": FINE}, id="mov"),
    pytest.param("clip.mkv", {"format": "matroska"}, id="mkv"),
    pytest.param("clip.webm", {"format": "webm", "codec": "libvpx", "options": {"crf": "4", "b": "8M"}}, id="webm"),
    pytest.param("clip.avi", {"format": "avi", "codec": "mpeg4", "options": FINE}, id="avi"),
    pytest.param("clip.mkv", {"format": "matroska", "muxing": {"live": "1"}}, id="neither-length-nor-index"),
    pytest.param("clip.mkv", {"format": "matroska", "times": range(70, 130)}, id="begins-late"),
    pytest.param("clip.mp4", {"times": [*range(20), *range(40, 80)]}, id="uneven"),
]


# Pictures and their times


@pytest.mark.parametrize(("name", "how"), FILMS)
def test_pictures_are_what_was_shown_at_their_times(name: str, how: dict) -> None:
    """Whatever the container, the order of frames and the beginning of time."""
    shown_at = [tenth - (next(iter(how["times"])) if "times" in how else 0) for tenth in how.get("times", range(60))]
    parts = load(film(60, **how), name)
    found = pictures(parts)
    assert 11 <= len(found) <= 16
    for part, time_s in zip(found, times(parts), strict=True):
        assert number(part) == pytest.approx(shown_at.index(round(10 * time_s)), abs=0.8)
    assert times(parts) == sorted(set(times(parts)))


def test_each_picture_stands_after_its_time() -> None:
    """So that the model can speak of times; the user sees them as source."""
    first, picture, second, *_ = load(film(), "clip.mp4")
    assert isinstance(first, TextPart)
    assert first.text == "The video clip.mp4 is 0:03 long. 6 of its pictures, each after its time:\n0:00.2\n"
    assert (first.label, first.source) == ("clip.mp4", "0:03, 64×48 h264, 0.0 MB")
    assert (picture.kind, picture.label, picture.source, picture.mime) == ("image", "clip.mp4", "at 0:00.2", "image/jpeg")
    assert second.text == "\n0:00.7\n"


def test_a_quick_sampling_has_times_that_differ() -> None:
    """Hundredths where tenths would not tell pictures apart."""
    parts = load(film(3), frames_max=3, fps=10)
    assert [part.source for part in pictures(parts)] == ["at 0:00", "at 0:00.10", "at 0:00.20"]


@pytest.mark.parametrize(
    ("loading", "n"),
    [
        pytest.param({}, 12, id="two-a-second"),
        pytest.param({"frames_max": 5}, 5, id="frames-max"),
        pytest.param({"frames_max": 99}, 12, id="frames-max-is-no-wish"),
        pytest.param({"fps": 1}, 6, id="fps"),
        pytest.param({"fps": 5}, 30, id="fps-above-the-usual-most"),
        pytest.param({"fps": 0.01}, 1, id="fps-of-less-than-one-picture"),
        pytest.param({"intake": Intake(max_images=3)}, 3, id="a-model-of-three-pictures"),
        pytest.param({"intake": Intake(max_images=3), "frames_max": 7}, 3, id="never-more-than-the-model-takes"),
    ],
)
def test_how_many_pictures_are_taken(loading: dict, n: int) -> None:
    """Of six seconds."""
    assert len(pictures(load(film(60), **loading))) == n


def test_a_long_video_gives_sixteen_pictures() -> None:
    """Three hours, a picture every ten minutes in the file."""
    parts = load(film(18, times=range(0, 108_000, 6_000)))
    assert 12 <= len(pictures(parts)) <= 16
    assert parts[0].source.startswith("2:50:00")


def test_fewer_pictures_than_asked_for_are_said() -> None:
    """The user asked for a density, and gets another."""
    with pytest.warns(UserWarning, match=r"`clip.mp4` has 60 pictures at 10 a second; 50 are sent, 0\.1 s apart\. Trim it"):
        assert len(pictures(load(film(60), fps=10))) == 50


@pytest.mark.parametrize(
    ("size", "n", "wanted"),
    [
        pytest.param((64, 48), 16, (64, 48), id="small-stays"),
        pytest.param((1920, 1080), 16, (1176, 672), id="hd"),
        pytest.param((1920, 1080), 150, (588, 336), id="many-are-small"),
        pytest.param((1920, 1080), 1, (1204, 672), id="one"),
        pytest.param((1080, 1920), 16, (672, 1176), id="upright"),
        pytest.param((30_000, 20), 16, (5992, 28), id="a-line"),
    ],
)
def test_pictures_are_reduced_to_whole_squares(size: tuple[int, int], n: int, wanted: tuple[int, int]) -> None:
    """About 16,000 tokens together, a token for each square of 28 pixels."""
    from glm_magics.media.sampling import most_tokens

    width, height = fit_px(*size, most_tokens(n))
    assert abs(width - wanted[0]) <= 56
    assert abs(height - wanted[1]) <= 28


# Upright, in shape, in ordinary colours

TURNS = [
    pytest.param((1, 0, 0, 1), None, id="as-it-is"),
    pytest.param((0, 1, -1, 0), Image.Transpose.ROTATE_270, id="quarter-right"),
    pytest.param((-1, 0, 0, -1), Image.Transpose.ROTATE_180, id="half"),
    pytest.param((0, -1, 1, 0), Image.Transpose.ROTATE_90, id="quarter-left"),
    pytest.param((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT, id="mirrored"),
    pytest.param((1, 0, 0, -1), Image.Transpose.FLIP_TOP_BOTTOM, id="upside-down"),
    pytest.param((0, 1, 1, 0), Image.Transpose.TRANSPOSE, id="transposed"),
    pytest.param((0, -1, -1, 0), Image.Transpose.TRANSVERSE, id="transverse"),
    pytest.param((0, 0, 0, 0), None, id="nonsense"),
]


@pytest.mark.parametrize(("matrix", "turn"), TURNS)
def test_pictures_are_upright(matrix: tuple[int, ...], turn: Image.Transpose | None) -> None:
    """As phones note it down: turned and mirrored."""
    parts = load(turned(film(5, paint=quarters), matrix), frames_max=1)
    wanted = quarters().transpose(turn) if turn is not None else quarters()
    [part] = pictures(parts)
    assert (part.width_px, part.height_px) == wanted.size
    assert np.abs(np.asarray(opened(part), float) - np.asarray(wanted, float)).mean() < 8
    if any(matrix):
        assert f", {wanted.width}×{wanted.height} h264" in parts[0].source


def test_pixels_that_are_no_squares_are_made_so() -> None:
    """Video of tapes and discs."""
    [part] = pictures(load(film(3, sample_aspect_ratio=Fraction(2, 1)), frames_max=1))
    assert (part.width_px, part.height_px) == (128, 48)


def test_hdr_is_not_dull() -> None:
    """Ten bits of PQ: paper white at 203 nits is white (ITU-R BT.2408), where a plain conversion makes it grey."""
    grey = round(255 * 0.58)  # 203 nits in PQ
    hdr = {"color_trc": 16, "color_primaries": 9, "colorspace": 9, "pixels": "yuv420p10le"}
    data = film(2, codec="ffv1", format="matroska", paint=lambda i: Image.new("RGB", (64, 48), (grey,) * 3), **hdr)
    [part] = pictures(load(data, "clip.mkv"))
    assert opened(part).getpixel((20, 20))[1] > 230


# Whole videos


@pytest.mark.parametrize(
    ("name", "how", "mime"),
    [
        pytest.param("clip.mp4", {}, "video/mp4", id="mp4"),
        pytest.param("clip.mov", {"format": "mov"}, "video/quicktime", id="mov"),
        pytest.param("clip.mkv", {"format": "matroska"}, "video/x-matroska", id="mkv"),
        pytest.param("clip.mp4", {"sound_s": 3.0}, "video/mp4", id="with-sound"),
    ],
)
def test_a_video_leaves_byte_for_byte(name: str, how: dict, mime: str) -> None:
    """Where the model takes its bytes."""
    data = film(**how)
    [part] = load(data, name, intake=WHOLE)
    assert isinstance(part, VideoPart)
    assert (part.data, part.mime, part.label) == (data, mime, name)
    assert part.seconds == pytest.approx(3.0, abs=0.11)
    assert part.source.startswith("0:03")
    assert part.source.endswith("64×48 h264, 0.0 MB")
    assert part.to_wire("base64")["video_url"]["url"] == base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("name", "how", "loading"),
    [
        pytest.param("clip.mp4", {}, {"intake": Intake()}, id="model-takes-addresses-only"),
        pytest.param("clip.mp4", {}, {"intake": replace(WHOLE, kinds=frozenset({"text", "image"}))}, id="model-takes-no-video"),
        pytest.param("clip.mp4", {}, {"intake": WHOLE, "fps": 1}, id="fps-asks-for-pictures"),
        pytest.param("clip.mp4", {}, {"intake": WHOLE, "frames_max": 3}, id="so-does-frames-max"),
        pytest.param("clip.avi", {"format": "avi", "codec": "mpeg4"}, {"intake": WHOLE}, id="avi-is-not-documented"),
    ],
)
def test_else_pictures_are_sent(name: str, how: dict, loading: dict) -> None:
    """One row for each reason."""
    assert pictures(load(film(**how), name, **loading))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param({"video_max_s": 2.0}, "it is 0:03 long; the model takes 0:02", id="too-long"),
        pytest.param({"video_max_bytes": 1000}, r"MB; the model takes 0 MB", id="too-large"),
    ],
)
def test_beyond_the_limits_pictures_are_sent_and_it_is_said(limits: dict, reason: str) -> None:
    """Of the model that takes bytes."""
    with pytest.warns(UserWarning, match=rf"`clip.mp4` is sent as single pictures: .*{reason}.*\. Trim it"):
        assert pictures(load(film(), intake=replace(WHOLE, **limits)))


def test_four_v_plus_gets_the_video_first(ip, fake: FakeGLM) -> None:
    """The whole way: a cell, the base64 in the request."""
    data = film()
    Path("clip.mp4").write_bytes(data)
    ip.run_cell("%%glm -m glm-4v-plus-0111 -f clip.mp4\nWhat happens?")
    video, text = fake.bodies[0]["messages"][-1]["content"]
    assert video == {"type": "video_url", "video_url": {"url": base64.b64encode(data).decode()}}
    assert text["text"] == "What happens?"


def test_another_model_gets_pictures(ip, fake: FakeGLM) -> None:
    """The whole way: trimmed, sampled, between their times."""
    Path("clip.mp4").write_bytes(film(60))
    ip.run_cell("%%glm -m glm-4.6v -f clip.mp4[0:01-0:03] --frames-max 2\nWhat happens?")
    content = fake.bodies[0]["messages"][-1]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "text", "image_url", "text"]
    assert content[0]["text"].endswith("2 of its pictures from 0:01 to 0:03, each after its time:\n0:01.5\n")


# A part of a video


@pytest.mark.parametrize(
    ("selection", "earliest", "latest"),
    [
        pytest.param("0:01-0:03", 1.0, 3.0, id="clock"),
        pytest.param("1-3", 1.0, 3.0, id="seconds"),
        pytest.param("4.5-", 4.5, 6.0, id="to-the-end"),
        pytest.param("-0:01", 0.0, 1.0, id="from-the-beginning"),
        pytest.param("5-99:00", 5.0, 6.0, id="end-behind-the-end"),
        pytest.param("0:02.5", 2.5, 2.5, id="one-moment"),
    ],
)
def test_a_part_gives_pictures_of_that_part(selection: str, earliest: float, latest: float) -> None:
    """With times of the whole video."""
    parts = load(film(60), word=f"clip.mp4[{selection}]")
    assert earliest <= min(times(parts))
    assert max(times(parts)) <= latest
    assert len(pictures(parts)) == max(1, round(2 * (latest - earliest)))
    for part, time_s in zip(pictures(parts), times(parts), strict=True):
        assert number(part) == pytest.approx(FPS * time_s, abs=1)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        pytest.param("0:07-", "`clip.mp4` is 0:06 long; 0:07 is behind its end.", id="behind-the-end"),
        pytest.param("0:03-0:01", "`[0:03-0:01]` ends before it begins.", id="reversed"),
        pytest.param("0:03-0:03", "`[0:03-0:03]` ends before it begins.", id="empty"),
        pytest.param("1:-2", "`[1:-2]` is no span of time.", id="nonsense"),
    ],
)
def test_a_part_that_is_none_is_a_sentence(selection: str, message: str) -> None:
    """Before anything is decoded."""
    with pytest.raises(MediaError) as caught:
        load(film(60), word=f"clip.mp4[{selection}]")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        pytest.param("clip.mp4", {}, id="mp4"),
        pytest.param("clip.mov", {"format": "mov"}, id="mov"),
        pytest.param("clip.mkv", {"format": "matroska"}, id="mkv"),
        pytest.param("clip.mp4", {"options": {"x264-params": "open-gop=1"}}, id="open-groups"),
    ],
)
def test_a_model_that_takes_bytes_gets_a_part_as_a_video(name: str, how: dict) -> None:
    """Copied from where a picture stands alone in the file, and said so."""
    [part] = load(film(60, gop=5, **how), name, word=f"{name}[2.2-5]", intake=WHOLE)
    assert isinstance(part, VideoPart)
    assert part.source.startswith("0:02 to 0:05")
    assert part.seconds == pytest.approx(3.0, abs=0.4)
    with av.open(io.BytesIO(part.data)) as file:
        reds = [round(frame.to_image().getpixel((30, 30))[0] / STEP) for frame in file.decode(video=0)]
    assert reds[0] == pytest.approx(20, abs=1)
    assert reds[-1] == pytest.approx(49, abs=4)
    assert len(reds) >= 28


def test_a_copied_part_stays_upright() -> None:
    """The note about turning is copied too."""
    [part] = load(turned(film(60, paint=quarters, gop=5), (0, 1, -1, 0)), word="clip.mp4[2-5]", intake=WHOLE)
    with av.open(io.BytesIO(part.data)) as file:
        assert next(file.decode(video=0)).rotation == -90


def test_a_part_that_cannot_be_copied_closely_is_sent_as_pictures() -> None:
    """A copy from the only whole picture would show three seconds too much of five; the way out that is named is one."""
    data = film(60, gop=250, options={"sc_threshold": "0"})
    with pytest.warns(GLMWarning, match=r"`clip\.mp4` is sent as single pictures: .* at 0:00, 0:03 early\. .* \[0:00-0:05\]\."):
        parts = load(data, word="clip.mp4[3-5]", intake=WHOLE)
    assert min(times(parts)) >= 3
    [part] = load(data, word="clip.mp4[0:00-0:05]", intake=WHOLE)
    assert part.kind == "video"


def test_a_part_that_is_too_large_as_a_copy_is_sent_as_pictures() -> None:
    """A copy carries an index of its own; said like everything else that is not sent as asked for."""
    data = film(60, gop=5)
    limits = replace(WHOLE, video_max_bytes=round(len(data) * 0.51))
    with pytest.warns(GLMWarning, match=r"single pictures: the part is .* MB; .*\. Choose a shorter one\."):
        assert pictures(load(data, word="clip.mp4[0.2-3.2]", intake=limits))


@pytest.mark.parametrize(
    ("selection", "gop", "source"),
    [
        pytest.param("2-5", 250, "0:00 to 0:05.", id="begins-early"),
        pytest.param("1.5-4.5", 10, "0:01 to 0:04", id="ends-early"),
        pytest.param("1-4", 10, "0:01 to 0:04", id="exactly-as-long-as-may-be"),
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_part_is_copied_from_the_whole_picture_before_it(selection: str, gop: int, source: str, name: str) -> None:
    """As long as it stays within the limits; what differs is said beside it."""
    limits = replace(WHOLE, video_max_s=3.0 if gop == 10 else 6.0)
    how = {"gop": gop, "options": {"sc_threshold": "0"}, "format": "matroska" if name.endswith("mkv") else "mp4"}
    [part] = load(film(60, **how), name, word=f"{name}[{selection}]", intake=limits)
    assert isinstance(part, VideoPart)
    assert part.seconds <= limits.video_max_s + 0.05
    assert part.source.startswith(source)
    shifts = {"2-5": ", begins 0:02 early", "1.5-4.5": ", ends 0:00.5 early"}
    assert ("early" in part.source) == (selection in shifts)
    assert part.source.endswith(shifts.get(selection, " MB"))
    with av.open(io.BytesIO(part.data)) as file:
        shown = [frame.time for frame in file.decode(video=0)]
    assert len(shown) >= FPS * part.seconds - 4


# Who cannot see it


@pytest.mark.parametrize(
    ("intake", "message"),
    [
        pytest.param(
            BLIND, "`clip.mp4` is a video, and the model does not see. Choose one that does, such as glm-4.6v.", id="blind"
        ),
        pytest.param(
            Intake(has_image_bytes=False),
            "`clip.mp4` would be sent as pictures, and the model takes those by address only. Choose glm-4.6v-flash.",
            id="addresses-only",
        ),
    ],
)
def test_a_model_that_cannot_see_it_is_a_sentence(intake: Intake, message: str) -> None:
    """Not an empty message."""
    with pytest.raises(MediaError) as caught:
        load(film(2), intake=intake)
    assert str(caught.value) == message


def test_without_pyav_a_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where pictures are to be taken: a whole mp4 needs nothing."""
    data = film()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"`clip.mp4` has to be decoded here, .*\"glm-magics\[video\]\""):
        load(data)
    [part] = load(data, intake=WHOLE)
    assert part.source == "0:03, 64×48 h264, 0.0 MB"


# Objects of libraries


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(bytes, id="plain-bytes"),
        pytest.param(lambda data: Video(data, embed=True), id="bytes"),
        pytest.param(lambda data: Video("film.mp4", embed=True), id="embedded-file"),
        pytest.param(lambda data: Video("film.mp4"), id="file"),
        pytest.param(lambda data: Video(filename="film.mp4"), id="filename"),
    ],
)
def test_ipython_videos_are_sent(make) -> None:
    """As the notebook shows them."""
    data = film()
    Path("film.mp4").write_bytes(data)
    [part] = to_parts(make(data), Loading("shown", intake=WHOLE))
    assert (part.data, part.label) == (data, "shown")


def test_an_ipython_video_by_address_is_an_address() -> None:
    """The server fetches it."""
    [part] = to_parts(Video("https://example.com/a.mp4"), Loading("shown"))
    assert (part.kind, part.url) == ("video", "https://example.com/a.mp4")


def test_an_ipython_video_of_neither_is_a_sentence() -> None:
    """A path of the server's, as the notebook's page knows it."""
    with pytest.raises(MediaError, match="holds neither bytes nor a file nor an http"):
        to_parts(Video(url="/files/a.mp4"), Loading("shown"))


class _Clip:
    """What every clip of moviepy has."""

    duration, w, h = 3.0, 64, 48

    def get_frame(self, t: float) -> np.ndarray:
        return np.asarray(numbered(round(FPS * t)))


def test_a_moviepy_clip_is_sent_as_pictures() -> None:
    """By the name of its class; the library is not imported."""
    base = type("VideoClip", (_Clip,), {"__module__": "moviepy.video.VideoClip"})
    clip = type("VideoFileClip", (base,), {"__module__": "moviepy.video.io.VideoFileClip"})()
    parts = to_parts(clip, Loading("clip"))
    assert len(pictures(parts)) == 6
    assert number(pictures(parts)[2]) == pytest.approx(FPS * 1.25, abs=1)
    clip.duration = None
    with pytest.raises(MediaError, match="`clip` is a video without any pictures"):
        to_parts(clip, Loading("clip"))


# What is none

_FILM = film()
_CUT_HEAD = film(muxing={"movflags": "faststart"})
_FRAGMENTS = film(muxing={"movflags": "frag_keyframe+empty_moov"})
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.ts\n"

BAD = [
    pytest.param("clip.mp4", b"", "`clip.mp4` is empty.", id="empty"),
    pytest.param("clip.mp4", b"\x00" * 400, "`clip.mp4` is no video or sound that is read.", id="zeros"),
    pytest.param("clip.mp4", b"I am a text about a video." * 20, "`clip.mp4` is no video or sound", id="text"),
    pytest.param("clip.mp4", PLAYLIST, "`clip.mp4` is no video or sound that is read.", id="playlist"),
    pytest.param("clip.mkv", b"\x1aE\xdf\xa3" + PLAYLIST, "`clip.mkv` cannot be read: it is damaged", id="playlist-in-disguise"),
    pytest.param("clip.mp4", _FILM[: len(_FILM) // 2], "`clip.mp4` is cut off", id="cut-off"),
    pytest.param("clip.mp4", _CUT_HEAD[: len(_CUT_HEAD) - 500], "`clip.mp4` is cut off", id="cut-off-behind-the-index"),
    pytest.param("clip.mp4", _FILM[: _FILM.index(b"moov") - 4], "`clip.mp4` is cut off", id="no-index"),
    pytest.param("clip.mp4", _FILM[:32] + b"\0\0\0\1free\0\0\0\0\0\0\0\2", "`clip.mp4` cannot be read", id="box-of-nonsense"),
    pytest.param("clip.mp4", _FRAGMENTS[: _FRAGMENTS.index(b"moof") - 4], "`clip.mp4` is a video without any", id="no-pictures"),
    pytest.param("clip.mkv", film(format="matroska")[:300], "`clip.mkv` ", id="cut-off-head-only"),
    pytest.param("clip.avi", b"RIFF\xff\xff\0\0AVI LIST", "`clip.avi` ", id="avi-head-only"),
]


@pytest.mark.parametrize(("name", "data", "message"), BAD)
def test_a_file_that_is_no_video_is_a_sentence(name: str, data: bytes, message: str) -> None:
    """With a way out, and never an error of FFmpeg."""
    with pytest.raises(MediaError) as caught:
        load(data, name)
    assert str(caught.value).startswith(message)
    assert caught.value.way_out
    assert "Errno" not in str(caught.value)


@pytest.mark.parametrize("text", ["The wide world.", "ID3 is a tag.", "RIFF is a form.", "fLaC", "ftyp", "\ufeffmoov"])
def test_a_text_that_begins_like_a_video_is_text(text: str) -> None:
    """English words are names of boxes too; UTF-16 begins almost like an MP3."""
    Path("notes.txt").write_text(text, encoding="utf-16" if text.startswith("\ufeff") else "utf-8")
    [part] = to_parts(Path("notes.txt"), Loading())
    assert isinstance(part, TextPart)


def test_a_damaged_middle_is_passed_over() -> None:
    """What can be seen is sent."""
    data = film(60, gop=5)
    middle = len(data) // 2
    parts = load(data[:middle] + bytes(200) + data[middle + 200 :])
    assert len(pictures(parts)) >= 8


def test_the_beginning_of_a_cut_off_mkv_is_sent() -> None:
    """It has no index to miss; the times tell how far it goes."""
    data = film(60, format="matroska", gop=5)
    parts = load(data[: len(data) // 2], "clip.mkv")
    assert pictures(parts)
    assert max(times(parts)) < 4


@pytest.mark.parametrize("kinds", [{"text", "image", "video"}, {"text", "audio"}], ids=["sees", "hears"])
def test_a_video_without_pictures_is_sound(kinds: set[str]) -> None:
    """Phones record sound as mp4."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        mux_tone(file, file.add_stream("aac", rate=16_000), 1.0)
    intake = Intake(kinds=frozenset(kinds))
    if "audio" in kinds:
        [part] = load(buffer.getvalue(), intake=intake)
        assert isinstance(part, AudioPart)
    else:
        with pytest.raises(MediaError, match=r"`clip.mp4` holds sound and no pictures\. glm-4-voice takes sound\."):
            load(buffer.getvalue(), intake=intake)


# Reading what a video is


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({}, id="h264"),
        pytest.param({"format": "mov"}, id="mov"),
        pytest.param({"codec": "mpeg4"}, id="mpeg4"),
        pytest.param({"codec": "libvpx-vp9"}, id="vp9"),
        pytest.param({"sound_s": 2.0}, id="with-sound"),
        pytest.param({"muxing": {"movflags": "faststart"}}, id="index-first"),
        pytest.param({"n": 7}, id="short"),
    ],
)
def test_the_boxes_say_what_ffmpeg_says(how: dict) -> None:
    """Our reading of an mp4 against another."""
    data = film(**how)
    found = read_film(io.BytesIO(data), len(data))
    with av.open(io.BytesIO(data)) as file:
        stream = file.streams.video[0]
        assert found.duration_s == pytest.approx(file.duration / 1e6, abs=0.01)
        assert (found.width_px, found.height_px) == (stream.width, stream.height)
        assert found.codec == stream.codec_context.name
        assert found.has_sound == bool(file.streams.audio)


def test_a_file_of_two_gigabytes_is_not_read(tmp_path: Path) -> None:
    """The index stands behind them; a 64-bit length leads there."""
    data = film()
    index = data[data.index(b"moov") - 4 :]
    path = tmp_path / "huge.mp4"
    with path.open("wb") as file:
        file.write(data[: data.index(b"mdat") - 4] + b"\0\0\0\1mdat" + (2**31).to_bytes(8, "big"))
        file.seek(2**31 - 16, 1)
        file.write(index)
    assert probe_video(Blob("huge.mp4", path), "huge.mp4").duration_s == pytest.approx(3.0)


@settings(max_examples=300)
@given(st.binary(max_size=300), st.integers(0, len(_FILM)), st.booleans())
def test_boxes_of_any_bytes_end_in_an_answer(noise: bytes, at: int, is_inner: bool) -> None:
    """Or in a ValueError, quickly."""
    data = _FILM[:at] + noise + _FILM[at + len(noise) :] if is_inner else b"\0\0\0\x08ftyp" + noise
    with suppress(ValueError):
        assert read_film(io.BytesIO(data), len(data)).duration_s >= 0


@settings(max_examples=40)
@given(st.binary(min_size=1, max_size=40), st.integers(0, len(_FILM) - 1))
def test_a_video_with_damage_anywhere_is_sent_or_a_sentence(noise: bytes, at: int) -> None:
    """Nothing else comes out of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(InputError):
            assert load(_FILM[:at] + noise + _FILM[at + len(noise) :])


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (0, "0:00"),
        (2.5, "0:02.5"),
        (59.96, "1:00"),
        (3600, "1:00:00"),
        (3723.46, "1:02:03.5"),
    ],
)
def test_times_read_as_in_a_player(time_s: float, text: str) -> None:
    """Rounded before they are split."""
    assert clock(time_s) == text
