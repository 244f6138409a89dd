"""Answers that are spoken: every shape of their sound, the player, the next turn, and the sandbox's own voice."""

from __future__ import annotations

import base64
import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.utils.capture import capture_output

from glm_magics.display import NotebookPainter, TerminalPainter
from glm_magics.errors import MediaError, MissingExtraError
from glm_magics.formats import footer
from glm_magics.media.audio import Sound
from glm_magics.options import parse_options
from glm_magics.replies import Reply, ReplyFold, parse_chunk
from glm_magics.sandbox import Sandbox, voice
from glm_magics.sandbox.voice import speak
from glm_magics.session import Session
from glm_magics.speech import MAX_PLAYER_BYTES, Speech, read_speech
from glm_magics.testing import FakeGLM, sse_frame
from glm_magics.waves import read_wave, write_wave

from .films import tone, wave_file
from .sandbox_pictures import deltas, frames, user
from .test_display import Page

PCM = (np.sin(np.arange(44_100) / 20) * 9_000).astype("<i2").tobytes()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def fold(*audios: Any, content: str = "Hello") -> Reply:
    """A streamed answer whose deltas carry these audio objects."""
    folding = ReplyFold("glm-4-voice", 0.0)
    for audio in audios:
        folding.add(parse_chunk({"id": "i", "choices": [{"delta": {"content": content, "audio": audio}}]}), 1.0)
    folding.add(parse_chunk({"choices": [{"delta": {}, "finish_reason": "stop"}]}), 2.0)
    return folding.finish(3.0)


def stereo(data: bytes) -> bytes:
    pairs = np.repeat(np.frombuffer(data, "<i2"), 2).astype("<i2").tobytes()
    return write_wave(pairs, 24_000, 2)


@pytest.mark.parametrize(
    ("audios", "n", "rate_hz"),
    [
        pytest.param([{"id": "a", "data": b64(PCM)}], 44_100, 44_100, id="whole"),
        pytest.param(
            [{"id": "a", "data": b64(PCM[:1000])}, {"id": "a", "data": b64(PCM[1000:])}], 44_100, 44_100, id="fragments"
        ),
        pytest.param(
            [{"id": "a", "data": b64(PCM[:999])}, {"id": "a", "data": b64(PCM[999:])}], 44_100, 44_100, id="padded-fragments"
        ),
        pytest.param(
            [{"id": "a", "data": b64(PCM)[:1001]}, {"id": "a", "data": b64(PCM)[1001:]}], 44_100, 44_100, id="cut-anywhere"
        ),
        pytest.param([{"id": "a", "data": b64(PCM[:1000])}, {"data": b64(PCM[1000:])}], 44_100, 44_100, id="id-only-once"),
        pytest.param([{"id": "a", "data": b64(PCM)}, {"id": "b", "data": b64(PCM[:10])}], 44_100, 44_100, id="two-ids"),
        pytest.param([{"id": "a", "data": b64(PCM[:-1])}], 44_099, 44_100, id="odd-bytes"),
        pytest.param([{"id": "a", "data": b64(write_wave(PCM, 24_000))}], 44_100, 24_000, id="riff"),
        pytest.param([{"id": "a", "data": b64(stereo(PCM))}], 44_100, 24_000, id="riff-stereo"),
        pytest.param([{"id": "a", "data": b64(write_wave(PCM, 8_000)[:-101])}], 44_049, 8_000, id="riff-cut-short"),
    ],
)
def test_sound_of_every_shape_becomes_samples(audios: list[Any], n: int, rate_hz: int) -> None:
    """RIFF as it is, anything else as 16-bit mono at 44,100 Hz, fragments joined by their id."""
    speech = fold(*audios).audio
    assert speech is not None
    assert (speech.samples.shape, speech.samples.dtype, speech.rate_hz) == ((n,), np.dtype("int16"), rate_hz)
    assert np.array_equal(speech.samples[:1000], np.frombuffer(PCM, "<i2")[:1000])
    assert read_wave(speech.wav_bytes).rate_hz == rate_hz
    assert read_wave(speech.wav_bytes).claimed_bytes % 2 == 0 or speech.data.startswith(b"RIFF")
    assert speech.seconds == pytest.approx(n / rate_hz)


def test_eight_bits_become_sixteen() -> None:
    """A RIFF answer of another depth."""
    header = bytearray(write_wave(bytes([128, 255, 0, 128]), 8_000))
    header[32:34], header[34:36] = (1).to_bytes(2, "little"), (8).to_bytes(2, "little")
    assert read_speech([b64(bytes(header))]).samples.tolist() == [0, 32512, -32768, 0]


@pytest.mark.parametrize(
    ("audio", "sentence"),
    [
        pytest.param({"id": "a", "data": "!!!!"}, "no base64", id="garbage"),
        pytest.param({"id": "a", "data": "ä" * 8}, "no base64", id="not-ascii"),
        pytest.param({"id": "a", "data": ""}, "is empty", id="empty"),
        pytest.param({"id": "a"}, "is empty", id="no-data"),
        pytest.param({"id": "a", "data": 5}, "is empty", id="number"),
        pytest.param({"id": "a", "data": b64(b"x")}, "is empty", id="half-a-sample"),
        pytest.param({"id": "a", "data": b64(b"RIFFxxxxWAVE")}, "damaged WAV", id="riff-without-samples"),
    ],
)
def test_no_sound_is_a_sentence(audio: Any, sentence: str) -> None:
    """The words stay; whoever asks for the sound is told what is wrong with it."""
    reply = fold(audio)
    assert reply.text == "Hello"
    assert reply.audio is not None
    assert reply.audio.seconds == 0.0
    assert "no sound that can be read" in footer(reply)
    for ask in (lambda: reply.audio.samples, lambda: reply.audio.save("a.wav"), lambda: reply.audio.mp3_bytes):
        with pytest.raises(MediaError, match=sentence):
            ask()
    assert sentence in reply.audio._repr_mimebundle_()["text/plain"]


def test_no_audio_is_none() -> None:
    """Other models."""
    assert fold(None).audio is None
    assert fold("text").audio is None


@given(st.lists(st.one_of(st.none(), st.dictionaries(st.sampled_from(["id", "data", "expires_at"]), st.text(max_size=9)))))
def test_no_audio_object_breaks_the_fold(audios: list[Any]) -> None:
    """Whatever a server sends, the answer's words come through."""
    reply = fold(*audios, content="a")
    assert reply.text == "a" * len(audios)
    assert reply.audio is None or reply.audio.seconds >= 0


def test_it_is_saved_as_wav_and_mp3(tmp_path: Path) -> None:
    """By the ending of the name."""
    speech = read_speech([b64(PCM)])
    assert read_wave(speech.save(tmp_path / "a.wav").read_bytes()).seconds == 1.0
    with av.open(str(speech.save(str(tmp_path / "a.mp3")))) as file:
        assert file.streams.audio[0].codec_context.sample_rate == 24_000
        assert file.duration is not None
        assert file.duration / 1e6 == pytest.approx(1.0, abs=0.1)
    assert speech.save("~/b.WAV") == tmp_path / "b.WAV"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        pytest.param("none/a.wav", r"`none/a\.wav` cannot be written: No such file", id="no-folder"),
        pytest.param("a.ogg", r"not saved as `a\.ogg`\. Let the name end in \.wav or \.mp3", id="another-format"),
        pytest.param("a", "Let the name end in", id="no-ending"),
        pytest.param("", "saved under a name", id="empty"),
        pytest.param(None, "saved under a name", id="none"),
        pytest.param(b"a.wav", "saved under a name", id="bytes"),
        pytest.param("a\0.wav", "cannot be written", id="no-name"),
    ],
)
def test_a_place_that_is_none_is_a_sentence(path: Any, sentence: str) -> None:
    """And nothing is written."""
    with pytest.raises(MediaError, match=sentence):
        read_speech([b64(PCM)]).save(path)
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    ("audio", "line"),
    [
        pytest.param({"id": "a", "data": b64(PCM)}, "<1.0 s of speech, 44,100 samples a second, 88,200 bytes>", id="headerless"),
        pytest.param(
            {"id": "a", "data": b64(stereo(PCM))}, "<1.8 s of speech, 24,000 samples a second, 176,444 bytes>", id="stereo-wav"
        ),
        pytest.param({"id": "a", "data": "!!"}, "<no speech: The sound of this answer is no base64>", id="garbage"),
        pytest.param({"id": "a", "data": b64(b"RIFFxxxxWAVE")}, "<no speech: 12 bytes that hold no samples>", id="broken-wav"),
    ],
)
def test_it_is_one_line_for_people(audio: Any, line: str) -> None:
    """Seconds, rate and size, no bytes; in the reply's own line too."""
    reply = fold(audio)
    assert repr(reply.audio) == line
    assert f"audio={line}" in repr(reply)


def test_the_player_is_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """MP3 with PyAV, WAV without, a sentence where even that is too large."""
    speech = read_speech([b64(PCM)])
    html = speech._repr_mimebundle_()["text/html"]
    assert html.startswith('<audio controls preload="metadata" src="data:audio/mpeg;base64,')
    assert len(html) < len(PCM) / 4
    monkeypatch.setitem(sys.modules, "av", None)
    other = read_speech([b64(PCM)])
    assert 'src="data:audio/wav;base64,' in other._repr_mimebundle_()["text/html"]
    with pytest.raises(MissingExtraError, match="audio"):
        other.save("a.mp3")
    long = Speech(bytes(MAX_PLAYER_BYTES + 2))
    assert list(long._repr_mimebundle_()) == ["text/plain"]
    assert "_glm.audio.save" in long._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize("as_", ["markdown", "text"])
def test_the_cell_shows_words_and_player(as_: str) -> None:
    """The transcript as it is shown always, and below it one output that plays."""
    page, folding = Page(), ReplyFold("glm-4-voice", 0.0)
    painter = NotebookPainter(page.publish, as_)
    painter.start("glm-4-voice")
    audio = {"id": "a", "data": b64(PCM)}
    folding.add(parse_chunk({"choices": [{"delta": {"content": "**Hello**", "audio": audio}, "finish_reason": "stop"}]}), 0.1)
    painter.paint(folding, 0.2)
    painter.finish(folding, folding.finish(1.0))
    assert "**Hello**" in page.texts[0]
    assert "1.0 s of speech" in "".join(page.texts)
    assert page.texts[-1].startswith("<audio ")
    out = io.StringIO()
    TerminalPainter(out).finish(folding, folding.finish(1.0))
    assert "1.0 s of speech" in out.getvalue()


def test_a_cell_keeps_what_was_said(ip: Any, fake: FakeGLM) -> None:
    """Through the magic: words, player and ``_glm.audio``."""
    audio = {"id": "a", "data": b64(PCM), "expires_at": 1}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    said = {"id": "i", "choices": [{"index": 0, "delta": {"content": "Hello", "audio": audio}}]}
    fake.frames(sse_frame(said), sse_frame(end), b"data: [DONE]\n\n")
    with capture_output() as shown:
        ip.run_cell_magic("glm", "-m glm-4-voice", "Say hello.")
    reply = ip.user_ns["_glm"]
    assert (reply.text, reply.audio.seconds) == ("Hello", 1.0)
    assert any(output.data.get("text/html", "").startswith("<audio ") for output in shown.outputs)


# The sandbox


def question(seconds: float = 1.0, **sound: Any) -> list[Any]:
    data = b64(wave_file(tone(seconds).tobytes()))
    return [{"type": "text", "text": "Say it."}, {"type": "input_audio", "input_audio": {"data": data, "format": "wav", **sound}}]


def voiced(content: Any, **fields: Any) -> dict[str, Any]:
    return user(content, "glm-4-voice", **fields)


def test_the_sandbox_speaks(http: httpx.Client) -> None:
    """The reference's shape: headerless samples of 44,100 Hz in base64, and the words in the content; honest in both."""
    body = http.post("/chat/completions", json=voiced(question())).json()
    message, usage = body["choices"][0]["message"], body["usage"]
    assert message["content"].startswith("This is the glm_magics sandbox: no language model")
    assert "I heard 1.0 seconds of sound." in message["content"]
    sound = base64.b64decode(message["audio"]["data"])
    assert not sound.startswith(b"RIFF")
    assert np.abs(np.frombuffer(sound, "<i2")).max() > 3_000
    assert message["audio"]["expires_at"] > time.time()
    assert usage["completion_tokens"] >= len(sound) / 2 / 44_100 * 12.5
    assert usage["prompt_tokens"] >= 13


@pytest.mark.parametrize(
    ("asked", "end"),
    [
        pytest.param("Say good morning.", "I read 3 words: Say good morning.", id="full-stop"),
        pytest.param("Good morning", "I read 2 words: Good morning.", id="none"),
        pytest.param("What is it?", "I read 3 words: What is it?", id="question"),
        pytest.param("早上好。", "早上好。", id="chinese"),
    ],
)
def test_what_the_sandbox_says_ends_once(http: httpx.Client, asked: str, end: str) -> None:
    """With one full stop, whatever it was asked."""
    words = http.post("/chat/completions", json=voiced(asked)).json()["choices"][0]["message"]["content"]
    assert words.endswith(end)


def test_streamed_it_is_the_same(http: httpx.Client) -> None:
    """Fragments with one id, whole samples each; joined they are what the whole answer has."""
    whole = http.post("/chat/completions", json=voiced("hi")).json()["choices"][0]["message"]
    chunks = frames(http.post("/chat/completions", json=voiced("hi", stream=True)).content)
    audios = [choice["delta"]["audio"] for chunk in chunks[:-1] for choice in chunk["choices"] if "audio" in choice["delta"]]
    assert len({audio["id"] for audio in audios}) == 1
    pieces = [base64.b64decode(audio["data"]) for audio in audios]
    assert len(pieces) > 5
    assert all(len(piece) % 2 == 0 for piece in pieces)
    assert b"".join(pieces) == base64.b64decode(whole["audio"]["data"])
    assert deltas(chunks, "content") == whole["content"]


def test_a_scripted_reply_is_spoken_too(running: Sandbox, http: httpx.Client) -> None:
    """Its words are what is said."""
    running.reply("Guten Tag.")
    message = http.post("/chat/completions", json=voiced("hi")).json()["choices"][0]["message"]
    assert message["content"] == "Guten Tag."
    assert base64.b64decode(message["audio"]["data"]) == speak("Guten Tag.", 44_100)


@pytest.mark.parametrize(
    ("audio", "code"),
    [
        pytest.param({"data": "!!"}, "1210", id="garbage"),
        pytest.param({"data": b64(b"RIFF")}, "1210", id="no-wav"),
        pytest.param({"format": "mp3"}, "1210", id="wav-called-mp3"),
        pytest.param({"format": "ogg"}, "1214", id="format"),
        pytest.param({"data": ""}, "1213", id="empty"),
        pytest.param({"data": b64(write_wave(bytes(2 * 8_000 * 660), 8_000))}, "1210", id="eleven-minutes"),
    ],
)
def test_the_sandbox_refuses_what_is_no_sound(http: httpx.Client, audio: dict[str, str], code: str) -> None:
    """With the vendor's codes."""
    answer = http.post("/chat/completions", json=voiced(question(**audio)))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_turns_by_audio_id(http: httpx.Client) -> None:
    """A known id is taken, an unknown one is refused."""
    first = http.post("/chat/completions", json=voiced("hi")).json()["choices"][0]["message"]["audio"]["id"]

    def again(audio: object) -> httpx.Response:
        turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "audio": audio}, {"role": "user", "content": "And?"}]
        return http.post("/chat/completions", json={"model": "glm-4-voice", "messages": turns})

    assert again({"id": first}).status_code == 200
    assert again({"id": "other"}).json()["error"]["code"] == "1214"
    assert again("text").json()["error"]["code"] == "1214"


@pytest.fixture
def asking(running: Sandbox) -> Iterator[Session]:
    running.reset()
    session = Session(environment={"GLM_BASE_URL": running.base_url, "GLM_API_KEY": running.key})
    yield session
    session.close()


@pytest.mark.parametrize("no_stream", [False, True], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("fault", "rate_hz"),
    [
        pytest.param("", 44_100, id="plain"),
        pytest.param("riff", 44_100, id="riff"),
        pytest.param("odd-sound", 44_100, id="odd"),
        pytest.param("garbled-sound", 0, id="garbled"),
    ],
)
def test_a_question_is_answered_aloud(running: Sandbox, asking: Session, fault: str, rate_hz: int, no_stream: bool) -> None:
    """The whole way, from an array to samples."""
    if fault:
        running.fault(fault)
    options = parse_options({"model": "glm-4-voice", "no_stream": no_stream})
    reply = asking.ask(["Say it.", Sound(tone(0.5), 16_000)], options)
    assert "I heard 0.5 seconds" in reply.text
    if rate_hz:
        assert (reply.audio.rate_hz, reply.audio.samples.ndim) == (rate_hz, 1)
        assert reply.audio.seconds > 1
    else:
        assert reply.audio.problem == "The sound of this answer is no base64."


@pytest.mark.parametrize("text", ["Hello there", "你好，世界", "-v en --help", "**bold** `code`"])
def test_tones_where_there_is_no_synthesiser(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The same interface on any machine; a text that looks like an option is a text."""
    speak.cache_clear()
    spoken = speak(text, 24_000)
    monkeypatch.setattr(voice.shutil, "which", lambda name: None)
    speak.cache_clear()
    tones = np.frombuffer(speak(text, 24_000), "<i2")
    assert len(tones) == len(text.split()) * (int(0.18 * 24_000) + int(0.06 * 24_000))
    assert np.abs(tones).max() > 8_000
    assert len(spoken) > 1000
    assert speak("", 24_000) == b""
    speak.cache_clear()
