"""Sound: WAV and MP3 as they are, arrays and other formats as WAV, nonsense as a sentence."""

from __future__ import annotations

import base64
import io
import sys
import warnings
import wave
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.display import Audio

from glm_magics.errors import GLMWarning, InputError, MediaError, MissingExtraError
from glm_magics.intake import Intake
from glm_magics.media import ATTACHMENTS, Loading, to_parts
from glm_magics.media.audio import Sound
from glm_magics.media.recordings import measure_mp3
from glm_magics.messages import AudioPart
from glm_magics.realtime.tapes import CallAudio, Tape
from glm_magics.speech import Speech
from glm_magics.testing import FakeGLM
from glm_magics.waves import read_wave

from .films import film, sound, tone, wave_file

HEARS = Intake(kinds=frozenset({"text", "audio"}))
SEES = Intake(kinds=frozenset({"text", "image"}))


def load(data: bytes, name: str = "talk.wav", word: str = "", **loading) -> AudioPart:
    """A file of these bytes, as ``--file`` takes it."""
    Path(name).write_bytes(data)
    [part] = ATTACHMENTS["file"](word or name, Loading(**{"intake": HEARS, **loading}))
    assert isinstance(part, AudioPart)
    return part


def heard(part: AudioPart) -> tuple[np.ndarray, int]:
    """One column for each channel, and the rate, as the standard library reads them."""
    assert part.format == "wav"
    with wave.open(io.BytesIO(part.data)) as file:
        assert file.getsampwidth() == 2
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        assert part.seconds == pytest.approx(len(samples) / file.getframerate())
        return samples, file.getframerate()


def spoken_by_the_user(samples: bytes) -> CallAudio:
    """A call in which nobody else said anything."""
    user = Tape(16_000)
    user.add(samples, 0.0)
    return CallAudio(user, Tape(24_000))


def pitch(samples: np.ndarray, rate_hz: int) -> float:
    """The loudest frequency."""
    return float(np.abs(np.fft.rfft(samples[:, 0])).argmax() * rate_hz / len(samples))


# Files


@pytest.mark.parametrize(
    ("name", "make", "seconds"),
    [
        pytest.param("talk.wav", lambda: wave_file(tone(1.24).tobytes()), 1.24, id="wav"),
        pytest.param("talk.wav", lambda: wave_file(np.repeat(tone(1.0), 2).tobytes(), n_channels=2), 1.0, id="stereo"),
        pytest.param("talk.wav", lambda: wave_file(tone(0.5, 44_100).tobytes(), rate_hz=44_100), 0.5, id="44100-hz"),
        pytest.param("talk.bin", lambda: wave_file(tone(1.0).tobytes()), 1.0, id="wav-under-another-name"),
        pytest.param("talk.mp3", lambda: sound(2.0), 2.07, id="mp3"),
        pytest.param("talk.mp3", lambda: sound(2.0, q="4"), 2.07, id="mp3-of-varying-bit-rate"),
        pytest.param("talk.mp3", lambda: sound(2.0, rate_hz=44_100), 2.07, id="mp3-44100-hz"),
        pytest.param("talk.mp3", lambda: sound(2.0, rate_hz=8_000), 2.2, id="mp3-8000-hz"),
        pytest.param("talk.mp3", lambda: sound(2.0)[sound(2.0).index(b"\xff\xf3") :], 2.07, id="mp3-without-a-tag"),
    ],
)
def test_a_file_that_is_fine_leaves_byte_for_byte(name: str, make: Callable[[], bytes], seconds: float) -> None:
    """With its true length, whatever a header guesses."""
    data = make()
    part = load(data, name)
    assert part.data == data
    assert part.seconds == pytest.approx(seconds, abs=0.08)
    assert (part.label, part.source) == (name, f"{part.seconds:.1f} s")


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("options", [{}, {"b": "64k"}, {"q": "2"}], ids=["plain", "constant", "varying"])
def test_the_length_of_an_mp3_is_what_ffmpeg_counts(rate_hz: int, options: dict[str, str]) -> None:
    """Our count of frames against another decoder's samples."""
    data = sound(1.7, rate_hz=rate_hz, **options)
    with av.open(io.BytesIO(data)) as file:
        n_samples = sum(frame.samples for frame in file.decode(audio=0))
    assert 0 <= measure_mp3(data) - n_samples / rate_hz < 0.2  # FFmpeg leaves out what the encoder put before


@pytest.mark.parametrize(
    ("name", "make"),
    [
        pytest.param("talk.flac", lambda: sound(2.0, "flac", "flac"), id="flac"),
        pytest.param("talk.ogg", lambda: sound(2.0, "ogg", "flac", 48_000), id="ogg"),
        pytest.param("talk.opus", lambda: sound(2.0, "ogg", "libopus", 48_000), id="opus"),
        pytest.param("talk.m4a", lambda: sound(2.0, "ipod", "aac", 44_100), id="m4a"),
        pytest.param("talk.aac", lambda: sound(2.0, "adts", "aac", 44_100), id="aac"),
        pytest.param("talk.mp4", lambda: sound(2.0, "mp4", "aac", 44_100), id="mp4-of-a-phone"),
        pytest.param("talk.webm", lambda: sound(2.0, "webm", "libopus", 48_000), id="webm-of-a-browser"),
        pytest.param("talk.wav", lambda: sound(2.0, "wav", "pcm_s24le", 48_000), id="wav-24-bit"),
        pytest.param("talk.wav", lambda: sound(2.0, "wav", "pcm_f32le"), id="wav-float"),
        pytest.param("talk.wav", lambda: sound(2.0, "wav", "pcm_u8"), id="wav-8-bit"),
        pytest.param("talk.wav", lambda: sound(2.0, "wav", "pcm_mulaw", 8_000), id="wav-telephone"),
        pytest.param("talk.wav", lambda: sound(2.0, "wav", "pcm_s16le", 96_000), id="wav-96-khz"),
        pytest.param("talk.wav", lambda: wave_file(np.repeat(tone(2.0), 8).tobytes(), n_channels=8), id="wav-8-channels"),
        pytest.param(
            "talk.wav", lambda: wave_file(np.repeat(tone(2.0), 6).tobytes(), n_channels=6, tag=0xFFFE), id="wav-extensible"
        ),
    ],
)
def test_other_files_are_decoded(name: str, make: Callable[[], bytes]) -> None:
    """To 16-bit mono at 16 kHz, which is what the model hears."""
    samples, rate_hz = heard(load(make(), name))
    assert (rate_hz, samples.shape[1]) == (16_000, 1)
    assert len(samples) / rate_hz == pytest.approx(2.0, abs=0.1)
    assert pitch(samples, rate_hz) == pytest.approx(440, abs=5)
    assert 0.3 < np.abs(samples).max() / 32767 < 0.7


@pytest.mark.parametrize(
    ("claimed", "sentences"),
    [
        pytest.param(0xFFFFFFFF, [], id="streamed"),
        pytest.param(0x7FFFFFFF, [], id="huge"),
        pytest.param(32_002, [], id="a-sample-short"),
        pytest.param(64_000, ["`talk.wav` is cut off: 1.0 of 2.0 s are there, and are sent."], id="cut-off"),
    ],
)
def test_a_wav_whose_header_lies_is_written_anew(claimed: int, sentences: list[str]) -> None:
    """As programs that stream leave it, and broken-off copies, of which a line tells."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        samples, rate_hz = heard(load(wave_file(tone(1.0).tobytes() + b"\0", n_bytes=claimed)))
    assert [str(one.message) for one in caught] == sentences
    assert np.array_equal(samples[:, 0], tone(1.0))
    assert rate_hz == 16_000


@pytest.mark.parametrize(
    ("name", "make"),
    [
        pytest.param("talk.wav", lambda: wave_file(tone(8.0).tobytes()), id="wav"),
        pytest.param("talk.mp3", lambda: sound(8.0), id="mp3"),
        pytest.param("talk.flac", lambda: sound(8.0, "flac", "flac"), id="flac"),
    ],
)
@pytest.mark.parametrize(
    ("selection", "seconds"),
    [
        pytest.param("0:02-0:05.5", 3.5, id="span"),
        pytest.param("-3", 3.0, id="beginning"),
        pytest.param("6-", 2.0, id="end"),
        pytest.param("7-60", 1.0, id="end-behind-the-end"),
    ],
)
def test_a_part_is_cut_out(name: str, make: Callable[[], bytes], selection: str, seconds: float) -> None:
    """By the times in brackets."""
    part = load(make(), name, word=f"{name}[{selection}]")
    assert part.seconds == pytest.approx(seconds, abs=0.1)
    samples, rate_hz = heard(part)
    assert pitch(samples, rate_hz) == pytest.approx(440, abs=5)


def test_a_part_is_the_right_one() -> None:
    """Silence, then a tone: two seconds around the change."""
    data = wave_file(np.concatenate([np.ones(64_000, "<i2"), tone(4.0)]).astype("<i2").tobytes())
    samples, _ = heard(load(data, word="talk.wav[3-5]"))
    assert np.abs(samples[:15_900]).max() <= 2
    assert np.abs(samples[16_100:]).max() > 10_000


# Arrays

WAVE = np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000) / 2


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(WAVE, id="float64"),
        pytest.param(WAVE.astype(np.float32), id="float32"),
        pytest.param(WAVE.astype(np.float16), id="float16"),
        pytest.param((WAVE * 2**15).astype(np.int16), id="int16"),
        pytest.param((WAVE * 2**31).astype(np.int32), id="int32"),
        pytest.param((WAVE * 2**7).astype(np.int8), id="int8"),
        pytest.param((WAVE * 2**7 + 2**7).astype(np.uint8), id="uint8"),
        pytest.param(list(WAVE), id="list"),
        pytest.param(WAVE[:, None], id="one-column"),
        pytest.param(WAVE[None], id="one-row"),
        pytest.param(np.stack([WAVE, WAVE], axis=1), id="two-columns"),
        pytest.param(np.stack([WAVE, WAVE]), id="two-rows"),
        pytest.param(np.stack([WAVE, WAVE * 0, WAVE * 2]), id="three-rows-are-mixed"),
    ],
)
def test_arrays_become_wav(samples: object) -> None:
    """One channel of 16 bits, as loud as they are, at their own rate."""
    [part] = to_parts(Sound(samples, 8_000), Loading("tone", intake=HEARS))
    found, rate_hz = heard(part)
    assert (rate_hz, found.shape) == (8_000, (8_000, 1))
    assert np.abs(found[:, 0] / 32767 - WAVE).max() < 0.02
    assert (part.label, part.source) == ("tone", "1.0 s")


def test_what_is_too_loud_is_scaled_and_not_clipped() -> None:
    """Floats beyond 1: whole numbers that lost their type, or sums of signals."""
    [part] = to_parts(Sound(WAVE * 60_000, 8_000), Loading(intake=HEARS))
    samples, _ = heard(part)
    assert np.abs(samples[:, 0] / 32767 - WAVE * 2).max() < 0.001


@pytest.mark.parametrize("rate_hz", [4_000, 96_000, 16_000.0, np.int64(16_000)])
def test_any_rate_of_sound_will_do(rate_hz: float) -> None:
    """Unusual ones are changed."""
    [part] = to_parts(Sound(tone(1.0, int(rate_hz), 330), rate_hz), Loading(intake=HEARS))
    samples, found_hz = heard(part)
    assert found_hz == 16_000
    assert part.seconds == pytest.approx(1.0, abs=0.02)
    assert pitch(samples, found_hz) == pytest.approx(330, abs=4)


BAD_SOUNDS = [
    pytest.param(np.zeros(8_000), 8_000, "`rec` is silent: every sample is 0.", id="silent"),
    pytest.param(np.full(8_000, 128, np.uint8), 8_000, "`rec` is silent", id="silent-bytes"),
    pytest.param([], 8_000, "`rec` holds no samples.", id="empty"),
    pytest.param(np.zeros((2, 0)), 8_000, "`rec` holds no samples.", id="empty-stereo"),
    pytest.param([0.1, np.nan], 8_000, "`rec` holds NaN or infinite samples.", id="nan"),
    pytest.param([[np.inf, -np.inf]] * 3, 8_000, "`rec` holds NaN or infinite samples.", id="infinities-that-meet"),
    pytest.param(np.broadcast_to(np.int8(1), (10**12, 2)), 8_000, "`rec` is 34722:13:20 long", id="years"),
    pytest.param([0.1, -np.inf], 8_000, "`rec` holds NaN or infinite samples.", id="infinite"),
    pytest.param(WAVE, 5, "`rec` has 5 samples a second; sound has 8,000 to 48,000.", id="5-hz"),
    pytest.param(WAVE, 0, "`rec` has 0 samples a second", id="0-hz"),
    pytest.param(WAVE, -8_000, "`rec` has -8,000 samples a second", id="negative-hz"),
    pytest.param(WAVE, 10**9, "`rec` has 1,000,000,000 samples a second", id="gigahertz"),
    pytest.param(WAVE, float("nan"), "The rate of `rec` is no number.", id="nan-hz"),
    pytest.param(8_000, WAVE, "The rate of `rec` is no number.", id="turned-round"),
    pytest.param(WAVE > 0, 8_000, "`rec` holds 8000 bool, no samples of sound.", id="bools"),
    pytest.param(WAVE.astype(complex), 8_000, "`rec` holds 8000 complex128", id="complex"),
    pytest.param((WAVE * 9).astype(np.int64), 8_000, "`rec` holds 8000 int64", id="int64"),
    pytest.param(np.zeros((4, 4, 4)), 8_000, "`rec` holds 4×4×4 float64", id="a-cube"),
    pytest.param(0.5, 8_000, "`rec` holds one float64", id="a-number"),
    pytest.param("hello", 8_000, "`rec` holds one <U5", id="text"),
    pytest.param([[1.0, 2.0], [3.0]], 8_000, "The samples of `rec` cannot be read", id="ragged"),
    pytest.param(np.ones((40, 50)), 8_000, "`rec` has 40 channels.", id="forty-channels"),
    pytest.param(
        np.broadcast_to(np.int8(1), 8_000 * 661), 8_000, "`rec` is 11:01 long; the model takes 10:00.", id="eleven-minutes"
    ),
]


@pytest.mark.parametrize(("samples", "rate_hz", "message"), BAD_SOUNDS)
def test_samples_of_no_sound_are_a_sentence(samples: object, rate_hz: float, message: str) -> None:
    """With a way out."""
    with pytest.raises(MediaError) as caught:
        to_parts(Sound(samples, rate_hz), Loading("rec", intake=HEARS))
    assert str(caught.value).startswith(message)
    assert caught.value.way_out


# Files that are none

_MP3, _FLAC = sound(1.0), sound(1.0, "flac", "flac")
BAD_FILES = [
    pytest.param("talk.wav", b"", "`talk.wav` is empty.", id="empty"),
    pytest.param("talk.wav", b"not a sound at all" * 9, "`talk.wav` is no video or sound that is read.", id="text"),
    pytest.param("talk.wav", b"RIFF\x24\0\0\0WAVE", "`talk.wav` cannot be read: it holds no samples.", id="head-only"),
    pytest.param("talk.wav", wave_file(b""), "`talk.wav` holds no samples.", id="no-samples"),
    pytest.param("talk.wav", wave_file(bytes(8_000)), "`talk.wav` is silent: every sample is 0.", id="silent"),
    pytest.param("talk.flac", wave_file(bytes(8_000), n_channels=8), "`talk.flac` is silent", id="silent-decoded"),
    pytest.param("talk.wav", wave_file(b"\1\0" * 9, n_channels=0), "`talk.wav` ", id="no-channels"),
    pytest.param("talk.wav", wave_file(b"\1\0" * 9, rate_hz=0), "`talk.wav` ", id="rate-of-0"),
    pytest.param(
        "talk.wav", wave_file(np.array([0.5, np.nan] * 999, "<f4").tobytes(), tag=3, n_bits=32), "`talk.wav` holds NaN", id="nan"
    ),
    pytest.param("talk.mp3", b"ID3\4\0\0\0\0\0\0" + b"nothing" * 50, "`talk.mp3` is no readable MP3.", id="tag-only"),
    pytest.param("talk.mp3", _MP3[:40], "`talk.mp3` is no readable MP3.", id="mp3-head-only"),
    pytest.param("talk.flac", _FLAC[:60], "`talk.flac` ", id="flac-head-only"),
    pytest.param("talk.ogg", b"OggS" + bytes(100), "`talk.ogg` ", id="ogg-of-zeros"),
    pytest.param("talk.wav", wave_file(b"\0\1" * 4_000 * 661, rate_hz=4_000), "`talk.wav` is 11:01 long", id="eleven-minutes"),
    pytest.param("talk.wav", wave_file(b"\0\1" * 8_000 * 601, rate_hz=8_000), "`talk.wav` is 10:01 long", id="a-second-too-much"),
]


@pytest.mark.parametrize(("name", "data", "message"), BAD_FILES)
def test_a_file_of_no_sound_is_a_sentence(name: str, data: bytes, message: str) -> None:
    """With a way out, and never an error of FFmpeg."""
    with pytest.raises(MediaError) as caught:
        load(data, name)
    assert str(caught.value).startswith(message)
    assert caught.value.way_out
    assert "Errno" not in str(caught.value)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        pytest.param("0:09-", "`talk.wav` is 0:01 long; 0:09 is behind its end.", id="behind-the-end"),
        pytest.param("0:01", "One moment of `talk.wav` is no sound.", id="one-moment"),
        pytest.param("3-1", "`[3-1]` ends before it begins.", id="reversed"),
    ],
)
def test_a_part_that_is_none_is_a_sentence(selection: str, message: str) -> None:
    """As for videos."""
    with pytest.raises(MediaError) as caught:
        load(wave_file(tone(1.0).tobytes()), word=f"talk.wav[{selection}]")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("seconds", [600.0, 2.0], ids=["vendor", "a-stricter-model"])
def test_as_long_as_the_model_takes_is_sent(seconds: float) -> None:
    """And no longer; decoded files are refused before they are decoded."""
    intake = replace(HEARS, audio_max_s=seconds)
    assert load(wave_file(b"\1\0" * int(8_000 * seconds), rate_hz=8_000), intake=intake).seconds == seconds
    with pytest.raises(MediaError, match="long; the model takes"):
        load(wave_file(b"\1\0" * int(8_000 * (seconds + 1)), rate_hz=8_000), intake=intake)
    with pytest.raises(MediaError, match="long; the model takes 0:01"):
        load(sound(3.0, "flac", "flac"), "talk.flac", intake=replace(HEARS, audio_max_s=1.0))


def test_a_film_called_a_sound_is_a_film() -> None:
    """Bytes decide, names lie."""
    with pytest.raises(MediaError, match="the model does not see"):
        load(film(3), "talk.m4a")


# Who cannot hear, and without PyAV


@pytest.mark.parametrize(
    ("make", "kind", "seconds"),
    [
        pytest.param(lambda: (tone(1.0), 16_000), "audio", 1.0, id="as-librosa-gives-it"),
        pytest.param(lambda: (8_000, tone(2.0, 8_000)), "audio", 2.0, id="as-scipy-gives-it"),
        pytest.param(lambda: (np.stack([tone(1.0), tone(1.0)]), 16_000.0), "audio", 1.0, id="stereo"),
        pytest.param(lambda: (tone(0.1), 16_001), "text", 0.0, id="no-rate"),
        pytest.param(lambda: (tone(1.0)[:9], 16_000), "text", 0.0, id="nine-numbers"),
        pytest.param(lambda: (16_000, 44_100), "text", 0.0, id="two-numbers"),
    ],
)
def test_samples_and_their_rate_are_sound(make: Callable[[], object], kind: str, seconds: float) -> None:
    """A tuple, either way round, for a model that hears; any other tuple is a list."""
    parts = to_parts(make(), Loading("said", intake=HEARS))
    assert {part.kind for part in parts} == {kind}
    assert sum(part.seconds for part in parts if isinstance(part, AudioPart)) == pytest.approx(seconds)


def test_samples_without_a_rate_are_no_sound_and_it_is_said() -> None:
    """They go as numbers, and the way to send them as sound is told."""
    with pytest.warns(GLMWarning, match=r"`said` goes as text; as sound it would be glm\.Sound\(samples, rate_hz\)"):
        [part] = to_parts(tone(1.0), Loading("said", intake=HEARS))
    assert part.kind == "text"


@pytest.mark.parametrize("make", [lambda: Path("talk.wav"), lambda: Sound(WAVE, 8_000)], ids=["file", "samples"])
def test_a_model_that_does_not_hear_is_a_sentence(make) -> None:
    """Which names the one that does."""
    Path("talk.wav").write_bytes(wave_file(tone(1.0).tobytes()))
    with pytest.raises(MediaError, match=r"is sound, and the model does not hear\. Choose glm-4-voice\."):
        to_parts(make(), Loading("rec", intake=SEES))


def test_without_pyav_wav_mp3_and_arrays_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest says how to install it."""
    flac, mp3 = sound(1.0, "flac", "flac"), sound(1.0)
    monkeypatch.setitem(sys.modules, "av", None)
    assert load(wave_file(tone(1.0).tobytes())).seconds == 1.0
    assert load(mp3, "talk.mp3").format == "mp3"
    assert to_parts(Sound(WAVE, 8_000), Loading(intake=HEARS))
    with pytest.raises(MissingExtraError, match=r"`talk.flac` has to be decoded here, .*\"glm-magics\[audio\]\""):
        load(flac, "talk.flac")


# Objects of the notebook


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(bytes, id="plain-bytes"),
        pytest.param(lambda data: Audio(data), id="bytes"),
        pytest.param(lambda data: Audio(filename="film.wav"), id="file"),
        pytest.param(lambda data: Audio(tone(1.0) / 32767, rate=16_000, normalize=False), id="array"),
        pytest.param(lambda data: Speech(data), id="of-an-answer"),
        pytest.param(lambda data: Speech(data[44:], headerless_hz=16_000), id="of-an-answer-headerless"),
        pytest.param(lambda data: spoken_by_the_user(data[44:]), id="of-a-call"),
    ],
)
def test_ipython_sounds_are_sent(make) -> None:
    """As the notebook plays them."""
    data = wave_file(tone(1.0).tobytes())
    Path("film.wav").write_bytes(data)
    [part] = to_parts(make(data), Loading("played", intake=HEARS))
    assert (part.label, part.seconds) == ("played", 1.0)
    assert np.abs(heard(part)[0]).max() > 15_000


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda: spoken_by_the_user(b""), "Nothing was said aloud in this call.", id="call"),
        pytest.param(lambda: Speech(b"", problem="The sound of this answer is empty."), "The sound of this answer", id="answer"),
    ],
)
def test_what_nobody_said_is_a_sentence(make, sentence: str) -> None:
    """And no words about it are sent in its place."""
    with pytest.raises(MediaError, match=sentence):
        to_parts(make(), Loading("said", intake=HEARS))


def test_an_ipython_sound_of_neither_is_a_sentence() -> None:
    """A path of the server's, as the notebook's page knows it."""
    with pytest.raises(MediaError, match="holds neither bytes nor a file nor an http"):
        to_parts(Audio(url="/files/a.wav"), Loading("played", intake=HEARS))


def test_a_sound_shows_no_samples() -> None:
    """A million numbers help nobody."""
    assert repr(Sound(WAVE, 8_000)) == "Sound(rate_hz=8000)"


def test_glm_4_voice_gets_the_sound(ip, fake: FakeGLM) -> None:
    """The whole way: a cell, the base64 and its format in the request."""
    data = wave_file(tone(1.0).tobytes())
    Path("talk.wav").write_bytes(data)
    ip.run_cell("%%glm -m glm-4-voice -f talk.wav\nWhat do you hear?")
    first, text = fake.bodies[0]["messages"][-1]["content"]
    assert first == {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": "wav"}}
    assert text["text"] == "What do you hear?"


# Any bytes

_WAVE = wave_file(tone(0.1).tobytes())


@settings(max_examples=150)
@given(st.binary(max_size=120), st.integers(0, 60), st.booleans())
def test_headers_of_any_bytes_end_in_an_answer(noise: bytes, at: int, is_wave: bool) -> None:
    """Lengths never run beyond the bytes, and no count hangs."""
    data = _WAVE[:at] + noise + _WAVE[at + len(noise) :]
    if not is_wave:
        assert 0 <= measure_mp3(_MP3[:at] + noise + _MP3[at + len(noise) :]) < 10
        return
    try:
        head = read_wave(data)
    except ValueError:
        return
    assert head.start + head.n_bytes <= len(data)
    assert head.seconds >= 0


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=40), st.integers(0, 400), st.sampled_from([_WAVE, _MP3, _FLAC]))
def test_sound_with_damage_anywhere_is_sent_or_a_sentence(noise: bytes, at: int, data: bytes) -> None:
    """Nothing else comes out of it."""
    with suppress(InputError):
        assert load(data[:at] + noise + data[at + len(noise) :], "talk.wav").seconds > 0
