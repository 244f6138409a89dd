"""The Realtime protocol as values: every event, the setup, the pace, and the conversation that is folded from events."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_magics.errors import ModelError, OptionError
from glm_magics.realtime import CallSetup, Conversation
from glm_magics.realtime import client_events as say
from glm_magics.realtime import server_events as ev
from glm_magics.realtime.objects import build_session, build_transcription_session, build_update
from glm_magics.realtime.pacing import MAX_APPENDS_PER_S, Pacer, cut, frame_s, split_turns
from glm_magics.realtime.setup import INPUT_RATES_HZ, VOICES, check_setup, make_setup
from glm_magics.realtime.values import CallUsage, Item, Pcm, Problem, RateLimit, Response
from glm_magics.voicecalls.rows import make_row

from .films import tone

IDS = {"response_id": "r", "item_id": "i", "output_index": 1, "content_index": 2}
PART = {"item_id": "i", "content_index": 2}
OUTPUT = {"response_id": "r", "output_index": 1}
USAGE = {
    "total_tokens": 788, "input_tokens": 750, "output_tokens": 38,
    "input_token_details": {"text_tokens": 350, "audio_tokens": 400, "cached_tokens": 128},
    "output_token_details": {"text_tokens": 18, "audio_tokens": 20},
}  # fmt: skip
ASSISTANT = {
    "content": [{}],
    "id": "i",
    "object": "realtime.item",
    "role": "assistant",
    "status": "in_progress",
    "type": "message",
}
FOUND = {"description": "One moment.", "search_meta": "m", "meta": "n", "text_citation": "[1]"}
SEARCHING = {"beta_fields": {"simple_browser": FOUND}}
SPOKEN = {
    "content": [{"type": "input_audio", "audio": "AQI=", "transcript": "Hi."}],
    "id": "i",
    "role": "user",
    "type": "message",
}
ERROR = {"type": "invalid_request_error", "code": "invalid_event", "message": "The 'type' field is missing.", "param": "type"}
PROBLEM = Problem("invalid_request_error", "invalid_event", "The 'type' field is missing.", "type")
TRANSCRIPTION = "conversation.item.input_audio_transcription"

BEGUN = Item("message", "assistant", "", "i", "in_progress")

# Each server event of the reference with the fields of its example, and what of it must arrive.
SERVER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("error", {"error": ERROR}, {"error": PROBLEM}),
    ("session.created", {"session": {"voice": "default"}}, {"session": {"voice": "default"}}),
    ("session.updated", {"session": {"voice": "tongtong"}}, {"session": {"voice": "tongtong"}}),
    ("transcription_session.updated", {"session": {"id": "sess1"}}, {"session": {"id": "sess1"}}),
    ("conversation.created", {"conversation": {"id": "c"}}, {"conversation": {"id": "c"}}),
    ("conversation.item.created", {"item": ASSISTANT}, {"item": BEGUN}),
    (
        "conversation.item.retrieved",
        {"item": {"content": [{"text": "今天", "type": "input_text"}], "id": "i", "role": "user", "type": "message"}},
        {"item": Item("message", "user", "今天", "i")},
    ),
    ("conversation.item.deleted", {"item_id": "i"}, {"item_id": "i"}),
    (f"{TRANSCRIPTION}.completed", {**PART, "transcript": "Hi."}, {**PART, "transcript": "Hi."}),
    (f"{TRANSCRIPTION}.failed", {**PART, "error": ERROR}, {**PART, "error": PROBLEM}),
    ("input_audio_buffer.committed", {"item_id": "i"}, {"item_id": "i"}),
    ("input_audio_buffer.cleared", {}, {}),
    ("input_audio_buffer.speech_started", {"audio_start_ms": 600, "item_id": "i"}, {"at_ms": 600, "item_id": "i"}),
    ("input_audio_buffer.speech_stopped", {"audio_end_ms": 3000, "item_id": "i"}, {"at_ms": 3000, "item_id": "i"}),
    ("response.created", {"response": {"id": "r", "status": "in_progress"}}, {"response": Response("r", "in_progress")}),
    ("response.cancelled", {"response": {"id": "r", "status": "cancelled"}}, {"response": Response("r", "cancelled")}),
    (
        "response.done",
        {"response": {"id": "r", "status": "completed", "usage": USAGE}},
        {"response": Response("r", "completed", CallUsage(788, 750, 38, 400, 20, 128, 350, 18))},
    ),
    (
        "rate_limits.updated",
        {"rate_limits": [{"name": "requests", "limit": 5, "remaining": 4, "reset_seconds": 1.0}]},
        {"rate_limits": (RateLimit("requests", 5, 4, 1.0),)},
    ),
    ("response.output_item.added", {**OUTPUT, "item": ASSISTANT}, {**OUTPUT, "item": BEGUN}),
    ("response.output_item.done", {**OUTPUT, "item": ASSISTANT}, {**OUTPUT, "item": BEGUN}),
    ("response.content_part.added", {**IDS, "part": {"type": "audio"}}, {**IDS, "part": {"type": "audio"}}),
    ("response.content_part.done", {**IDS, "part": {"type": "audio"}}, {**IDS, "part": {"type": "audio"}}),
    ("response.text.delta", {**IDS, "delta": "中国的"}, {**IDS, "delta": "中国的"}),
    ("response.text.done", {**IDS, "text": "中国的"}, {**IDS, "text": "中国的"}),
    ("response.audio_transcript.delta", {**IDS, "delta": "中国的"}, {**IDS, "delta": "中国的"}),
    ("response.audio_transcript.done", {**IDS, "transcript": "中国的"}, {**IDS, "transcript": "中国的"}),
    ("response.audio.delta", {**IDS, "delta": "ev4f/g=="}, {**IDS, "audio": Pcm(b"\x7a\xfe\x1f\xfe")}),
    ("response.audio.done", IDS, IDS),
    (
        "response.function_call_arguments.done",
        {"response_id": "r", "name": "f", "arguments": '{"a":1}'},
        {"response_id": "r", "name": "f", "arguments": '{"a":1}'},
    ),
    ("response.function_call.simple_browser", {"name": "browser", "session": SEARCHING}, {"name": "browser", **FOUND}),
    ("heartbeat", {}, {}),
]  # fmt: skip


def read(type: str, **body: Any) -> ev.ServerEvent:
    return ev.read_event(json.dumps({"event_id": "e", "type": type, "client_timestamp": 17, **body}))


@pytest.mark.parametrize(("type", "body", "expected"), SERVER, ids=[row[0] for row in SERVER])
def test_every_server_event_is_read(type: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    """With the fields of the reference's example."""
    event = read(type, **body)
    assert isinstance(event, ev.SERVER_EVENTS[type])
    assert (event.type, event.event_id, event.timestamp_ms) == (type, "e", 17)
    assert {name: getattr(event, name) for name in expected} == expected


def test_the_sound_of_an_item_is_read() -> None:
    """Where the server gives it back: with its words, and not in any repr."""
    event = read("conversation.item.retrieved", item=SPOKEN)
    assert isinstance(event, ev.ItemRetrieved)
    assert event.item == Item("message", "user", "Hi.", "i", has_audio=True, audio=b"\1\2")
    assert "audio=b" not in repr(event)


def test_the_table_is_complete() -> None:
    """The rows above are all there are, and the reference's number of client events."""
    assert [row[0] for row in SERVER] == list(ev.SERVER_EVENTS)
    assert len(say.CLIENT_EVENTS) == 11


@pytest.mark.parametrize(("type", "body", "expected"), SERVER, ids=[row[0] for row in SERVER])
def test_names_in_camel_case_are_read(type: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    """One example of the reference has ``eventId``."""

    def camel(name: str) -> str:
        head, *tail = name.split("_")
        return head + "".join(map(str.title, tail))

    raw = {camel(name): value for name, value in {"event_id": "e", "client_timestamp": 17, **body}.items()}
    event = ev.read_event(json.dumps({**raw, "type": type}))
    assert (event.event_id, event.timestamp_ms) == ("e", 17)
    assert {name: getattr(event, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("type", "kind"),
    [("rate_limites.updated", ev.RateLimitsUpdated), ("transcription.session.updated", ev.TranscriptionSessionUpdated)],
)
def test_both_spellings(type: str, kind: type[ev.ServerEvent]) -> None:
    """The reference writes two types in two ways."""
    assert isinstance(read(type), kind)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        pytest.param('{"type":"response.new.thing","x":1}', {"type": "response.new.thing", "x": 1}, id="new-type"),
        pytest.param('{"x":1}', {"x": 1}, id="no-type"),
        pytest.param('{"type":5}', {"type": 5}, id="type-no-text"),
        pytest.param("[]", {"text": "[]"}, id="no-object"),
        pytest.param("not json\x1b[31m", {"text": "not json[31m"}, id="no-json"),
        pytest.param(b"\xff\xfe", {"text": "\ufffd\ufffd"}, id="bytes"),
        pytest.param("[" * 100_000, {"text": "[" * 199 + "…"}, id="deep"),
    ],
)
def test_what_is_unknown_is_kept(text: str | bytes, raw: dict[str, Any]) -> None:
    """An event of the future, and nonsense."""
    event = ev.read_event(text)
    assert type(event) is ev.UnknownEvent
    assert event.raw == raw


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3), max_leaves=6
)
NAMES = sorted({name for _, body, _ in SERVER for name in body} | {"event_id", "client_timestamp"})


@given(st.sampled_from(list(ev.SERVER_EVENTS)), st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_event_breaks_reader_or_conversation(type: str, body: dict[str, Any]) -> None:
    """Fields of any type, from anybody."""
    event = ev.read_event(json.dumps({**body, "type": type}))
    assert isinstance(event, ev.SERVER_EVENTS[type])
    talk = Conversation()
    talk.add(event, 1.0)
    assert list(talk.lines()) is not None
    talk.lose()


CLIENT: list[tuple[say.ClientEvent, dict[str, Any]]] = [
    (say.SessionUpdate({"voice": "tongtong"}), {"session": {"voice": "tongtong"}}),
    (say.TranscriptionSessionUpdate({"modalities": ["text"]}), {"session": {"modalities": ["text"]}}),
    (say.AudioAppend(b"\x00\x01"), {"audio": "AAE="}),
    (say.VideoFrameAppend(b"\xff\xd8\xff"), {"video_frame": "/9j/"}),
    (say.AudioCommit(), {}),
    (say.AudioClear(), {}),
    (
        say.ItemCreate(Item("message", "user", "你好")),
        {
            "item": {
                "type": "message",
                "object": "realtime.item",
                "role": "user",
                "content": [{"type": "input_text", "text": "你好"}],
            }
        },
    ),
    (say.ItemDelete("i"), {"item_id": "i"}),
    (say.ItemRetrieve("i"), {"item_id": "i"}),
    (say.ResponseCreate(), {}),
    (say.ResponseCancel(), {}),
]


@pytest.mark.parametrize(("event", "body"), CLIENT, ids=[event.wire_type for event, _ in CLIENT])
def test_every_client_event_is_written(event: say.ClientEvent, body: dict[str, Any]) -> None:
    """As the reference writes it."""
    assert say.CLIENT_EVENTS[event.wire_type] is type(event)
    written = json.loads(say.to_wire(event, "the-id", 17))
    assert written == {"event_id": "the-id", "client_timestamp": 17, "type": event.wire_type, **body}


def test_items_of_functions_are_written() -> None:
    """A call, and its result without an id, as in the vendor's samples."""
    result = Item("function_call_output", output='{"result":"24 C"}').to_wire()
    assert result == {"type": "function_call_output", "object": "realtime.item", "output": '{"result":"24 C"}'}
    call = Item("function_call", name="f", arguments="{}", id="i").to_wire()
    assert call == {"type": "function_call", "object": "realtime.item", "id": "i", "name": "f", "arguments": "{}"}
    assert Item("message", "assistant", "a").to_wire()["content"] == [{"type": "text", "text": "a"}]


def test_values_show_no_sound() -> None:
    """A page of base64 in a traceback helps nobody."""
    shown = repr(say.AudioAppend(b"secret")) + repr(read("response.audio.delta", **IDS, delta="c2VjcmV0"))
    assert "secret" not in shown
    assert "c2VjcmV0" not in shown


# The setup

TOOL = {"name": "get_temp", "description": "Temperature.", "parameters": {"type": "object", "properties": {}}}


def test_a_session_as_the_reference_writes_it() -> None:
    """What is not said is not sent; client VAD is no turn detection; tools are flat."""
    setup = check_setup(CallSetup(vad="client", tools=[{"type": "function", "function": TOOL}, {"type": "function", **TOOL}]))
    assert build_session(setup) == {
        "model": "glm-realtime-flash", "modalities": ["audio", "text"], "voice": "tongtong",
        "input_audio_format": "pcm16", "output_audio_format": "pcm", "tools": [{"type": "function", **TOOL}] * 2,
        "beta_fields": {"chat_mode": "audio", "tts_source": "e2e", "auto_search": False},
    }  # fmt: skip


def test_everything_that_can_be_said() -> None:
    """Each option has its place in the session object."""
    fields = {
        "model": "glm-realtime-air", "voice": "lovely_girl", "input_format": "pcm24", "instructions": "Be brief.",
        "greeting": "Hi!", "noise": "far_field", "silence_ms": 300, "padding_ms": 100, "threshold": 0.2, "temperature": 0.5,
        "max_tokens": 9,
        "is_silent": True, "has_video": True, "has_search": True, "is_interruptible": False, "is_answered_unasked": False,
    }  # fmt: skip
    detection = {
        "type": "server_vad", "create_response": False, "interrupt_response": False,
        "prefix_padding_ms": 100, "silence_duration_ms": 300, "threshold": 0.2,
    }  # fmt: skip
    greeting = {"enable": True, "content": "Hi!"}
    assert build_session(check_setup(make_setup(fields))) == {
        "model": "glm-realtime-air", "modalities": ["text"], "instructions": "Be brief.", "voice": "lovely_girl",
        "input_audio_format": "pcm24", "output_audio_format": "pcm", "input_audio_noise_reduction": {"type": "far_field"},
        "turn_detection": detection, "temperature": 0.5, "max_response_output_tokens": 9,
        "beta_fields": {"chat_mode": "video_passive", "tts_source": "e2e", "auto_search": True, "greeting_config": greeting},
    }  # fmt: skip
    assert set(fields) | {"vad", "tools"} == set(CallSetup.__dataclass_fields__)
    assert build_session(CallSetup(greeting=True))["beta_fields"]["greeting_config"] == {"enable": True}


def test_a_transcription_session_as_the_reference_writes_it() -> None:
    """Words alone; far field where nothing else is said; the server's VAD with what tunes it."""
    detection = {"type": "server_vad", "create_response": True, "interrupt_response": True, "silence_duration_ms": 300}
    whole = {"input_audio_format": "pcm16", "input_audio_noise_reduction": {"type": "far_field"}, "modalities": ["text"]}
    assert build_transcription_session(CallSetup(silence_ms=300)) == {**whole, "turn_detection": detection}
    near = build_transcription_session(CallSetup(vad="client", noise="near_field"))
    assert near == {**whole, "input_audio_noise_reduction": {"type": "near_field"}, "turn_detection": None}


def test_an_update_greets_nobody_and_takes_back() -> None:
    """Unless the greeting is new; tools and instructions that are gone are sent empty."""
    before = check_setup(CallSetup(greeting="Hi!", tools=[TOOL], instructions="Be brief."))
    warmer = replace(before, temperature=0.9)
    assert build_update(before, warmer) == build_session(warmer.without_greeting())
    assert build_update(before, replace(before, greeting="Ho!")) == build_session(replace(before, greeting="Ho!"))
    bare = build_update(before, replace(before, tools=(), instructions=""))
    assert (bare["tools"], bare["instructions"]) == ([], "")


def test_the_words_of_the_reference() -> None:
    """Every voice and input format that it lists, the rates that it gives them, and every model."""
    voices = "xiaochen tongtong female-tianmei female-shaonv male-qn-daxuesheng male-qn-jingying lovely_girl"
    assert set(VOICES) == set(voices.split())
    assert INPUT_RATES_HZ == {"pcm": 16_000, "pcm16": 16_000, "pcm24": 24_000, "wav": 16_000}
    for word in (*VOICES, "default"):
        assert build_session(check_setup(CallSetup(voice=word)))["voice"] == word
    for word in ("glm-realtime", "glm-realtime-flash", "glm-realtime-air"):
        assert check_setup(CallSetup(model=word)).model == word


@pytest.mark.parametrize(
    ("fields", "error", "sentence"),
    [
        pytest.param({"vad": "both"}, OptionError, "vad is 'both'", id="vad"),
        pytest.param({"voice": "robot"}, OptionError, "Choose one of tongtong", id="voice"),
        pytest.param({"input_format": "mp3"}, OptionError, "no input format 'mp3'", id="format"),
        pytest.param({"has_video": True, "tools": [TOOL]}, OptionError, "video call takes no tools", id="video-tools"),
        pytest.param({"greeting": "x" * 1025}, OptionError, "1025 characters", id="greeting"),
        pytest.param({"greeting": 1}, OptionError, "greeting is 1. Give a text, or True", id="greeting-number"),
        pytest.param({"noise": "wind"}, OptionError, "noise is 'wind'", id="noise"),
        pytest.param({"temperature": 2}, OptionError, "temperature is 2", id="temperature"),
        pytest.param({"threshold": -1}, OptionError, "threshold is -1", id="threshold"),
        pytest.param({"max_tokens": 5000}, OptionError, "max_tokens is 5000", id="max-tokens"),
        pytest.param({"tools": [{"type": "function"}]}, OptionError, "no name", id="nameless-tool"),
        pytest.param({"model": "glm-4.7"}, ModelError, "no model to talk with", id="chat-model"),
        pytest.param({"speaker": "x"}, OptionError, "no option 'speaker'", id="unknown"),
    ],
)
def test_a_wrong_setup_is_a_sentence(fields: dict[str, Any], error: type[Exception], sentence: str) -> None:
    """Before anything is sent."""
    with pytest.raises(error, match=sentence):
        check_setup(make_setup(fields))


@pytest.mark.parametrize(
    ("name", "model_id"), [("realtime-air", "glm-realtime-air"), ("GLM-Realtime", "glm-realtime"), ("mine!", "mine")]
)
def test_models_by_their_short_names(name: str, model_id: str) -> None:
    """As for chat."""
    assert check_setup(CallSetup(model=name)).model == model_id


# The pace


@given(st.lists(st.floats(0, 0.2), min_size=100, max_size=300))
def test_never_more_than_fifty_a_second(gaps_s: list[float]) -> None:
    """However fast somebody wants to send."""
    pacer, now_s, sent = Pacer(), 1000.0, []
    for gap_s in gaps_s:
        now_s += gap_s / 10
        now_s += pacer.wait_s(now_s)
        pacer.note(now_s)
        sent.append(now_s)
    assert all(sent[n + MAX_APPENDS_PER_S] - sent[n] > 1.0 for n in range(len(sent) - MAX_APPENDS_PER_S))


def test_a_clock_that_jumps_stops_nobody() -> None:
    """Back or forward, an append waits one gap at most."""
    pacer = Pacer()
    pacer.note(5_000.0)
    assert pacer.wait_s(10.0) < 0.03
    assert pacer.wait_s(9_000.0) == 0.0


@pytest.mark.parametrize(("speed", "seconds"), [(0.5, 0.1), (1, 0.1), (4, 0.1), (10, 0.25), (float("inf"), 1.0)])
def test_faster_is_sent_in_longer_pieces(speed: float, seconds: float) -> None:
    """So that the number of appends stays allowed."""
    assert frame_s(speed) == seconds


@given(st.binary(max_size=500), st.integers(1, 40))
def test_pieces_are_whole_samples(samples: bytes, n: int) -> None:
    """Joined they are what came, but for half a sample at the end."""
    pieces = list(cut(samples, 1000, n / 1000))
    assert b"".join(pieces) == samples[: len(samples) // 2 * 2]
    assert all(0 < len(piece) <= 2 * n for piece in pieces)


def test_turns_are_cut_in_their_pauses() -> None:
    """Each with enough quiet at its end for the server to notice; short pauses are none."""
    word, pause, breath = tone(0.5).tobytes(), bytes(2 * 16_000), bytes(2 * 3_200)
    talk = pause + word + breath + word + pause + word + pause
    turns = split_turns(talk, 16_000, 0.7)
    assert b"".join(turns) == talk
    assert len(turns) == 2
    assert not np.frombuffer(turns[0], "<i2")[-int(0.6 * 16_000) :].any()
    assert split_turns(b"", 16_000, 0.7) == [b""]


# The conversation


def folded(*events: ev.ServerEvent, **how: Any) -> Conversation:
    talk = Conversation(**how)
    for second, event in enumerate(events):
        talk.add(event, float(second))
    return talk


def delta(kind: str, text: str, response: str = "r") -> ev.ServerEvent:
    return read(f"response.{kind}.delta", response_id=response, delta=text)


def sound(data: bytes, response: str = "r") -> ev.ServerEvent:
    return delta("audio", base64.b64encode(data).decode(), response)


def done(response: str = "r", status: str = "completed") -> ev.ServerEvent:
    return read("response.done", response={"id": response, "status": status})


HEARD = read("input_audio_buffer.committed", item_id="u")
SAID = read(f"{TRANSCRIPTION}.completed", item_id="u", transcript="Hello?")
ANSWER = [
    read("response.created", response={"id": "r", "status": "in_progress"}),
    read("response.output_item.added", response_id="r", item=ASSISTANT),
    delta("text", "Yes"), delta("text", "!"), delta("audio_transcript", "Yes"),
    sound(b"ab"), sound(b"c"), sound(b"d"),
]  # fmt: skip
WHOLE = read("response.text.done", response_id="r", text="Yes!")


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([HEARD, SAID, *ANSWER, done()], id="in-order"),
        pytest.param([HEARD, *ANSWER, done(), SAID], id="late-transcript"),
        pytest.param([HEARD, SAID, *ANSWER[5:], *ANSWER[2:5], *ANSWER[:2], done()], id="types-reordered"),
        pytest.param([HEARD, SAID, *ANSWER[2:], done()], id="created-lost"),
        pytest.param([HEARD, SAID, *ANSWER[:5], done(), *ANSWER[5:]], id="done-early"),
        pytest.param([HEARD, SAID, *ANSWER[:3], *ANSWER[4:], WHOLE, done()], id="delta-lost"),
    ],
)  # fmt: skip
def test_the_same_conversation_from_any_order(events: list[ev.ServerEvent]) -> None:
    """Events of different types are not ordered against each other."""
    talk = folded(*events)
    assert [(who, text) for who, _, text in talk.lines()] == [("user", "Hello?"), ("assistant", "Yes!")]
    [answer] = talk.answers
    assert (bytes(answer.audio), answer.status, talk.running) == (b"abcd", "completed", None)
    assert answer.speech is not None
    assert answer.speech.rate_hz == 24_000
    assert not talk.is_busy


def test_a_cancelled_answer_grows_no_sound() -> None:
    """What still comes was not heard."""
    talk = folded(*ANSWER[:6], read("response.cancelled", response={"id": "r"}), sound(b"zz"), done(status="cancelled"))
    assert (bytes(talk.answers[0].audio), talk.answers[0].status) == (b"ab", "cancelled")


def test_calls_searches_and_failures_are_kept() -> None:
    """Everything a person would ask about later."""
    talk = folded(
        HEARD,
        read(f"{TRANSCRIPTION}.failed", item_id="u", error={"code": "asr_no_result"}),
        ANSWER[0],
        read("response.function_call.simple_browser", session=SEARCHING),
        read("response.function_call_arguments.done", response_id="r", name="f", arguments="{}"),
        read("response.function_call_arguments.done", response_id="r", name="g", arguments="{}"),
        delta("audio", "!!"),
        done(),
    )
    [answer] = talk.answers
    assert ([call.name for call in answer.calls], answer.searched, answer.n_damaged) == (["f", "g"], "One moment.", 1)
    assert talk.entries[0].problem.code == "asr_no_result"


CALLED = read("response.function_call_arguments.done", response_id="r", name="f", arguments="{}")


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda talk: [talk.add(event, 1.0) for event in (ANSWER[0], CALLED, done())], id="a-function-answers"),
        pytest.param(lambda talk: [talk.add(event, 1.0) for event in (ANSWER[0], done(status="cancelled"))], id="cancelled"),
        pytest.param(lambda talk: talk.add(read(f"{TRANSCRIPTION}.completed", item_id="u", transcript=""), 1.0), id="no-words"),
    ],
)
def test_what_nobody_writes_down_is_kept_as_a_turn(end: Any) -> None:
    """In words that say so, which the model is not told; a transcript that comes later takes their place."""
    talk = folded(HEARD)
    assert (list(talk.lines()), make_row(0, talk.entries[0])["state"]) == ([], "growing")
    end(talk)
    row = make_row(0, talk.entries[0])
    assert (row["text"], row["state"]) == ("(spoken, not written down)", "done")
    assert next(talk.lines()) == ("user", 0.0, "(spoken, not written down)")
    assert talk.retelling() == []
    talk.add(SAID, 2.0)
    assert next(talk.lines()) == ("user", 0.0, "Hello?")
    assert talk.retelling()[0].text == "Hello?"
    talk.add(done(), 3.0)
    assert talk.entries[0].text == "Hello?"


def test_what_is_said_meanwhile_waits_for_its_own_answer() -> None:
    """An answer closes only what was said before it; the end of the call closes the rest."""
    talk = folded(HEARD, ANSWER[0], read("input_audio_buffer.committed", item_id="v"), done())
    first, _, second = talk.entries
    assert (first.is_unwritten, second.is_unwritten) == (True, False)
    talk.lose()
    assert second.is_unwritten


def test_a_broken_connection_loses_what_was_being_said() -> None:
    """And what was said is told again, as text, the latest of it."""
    talk = folded(HEARD, SAID, *ANSWER)
    talk.add_words("tool", "42", 9.0)
    talk.lose()
    assert talk.answers[0].status == "lost"
    assert (talk.running, talk.is_busy) == (None, False)
    assert talk.retelling() == [Item("message", "user", "Hello?"), Item("message", "assistant", "Yes!")]
    for n in range(100):
        talk.add_words("user", f"line {n}", 10.0)
    assert [item.text for item in talk.retelling()] == [f"line {n}" for n in range(60, 100)]


def test_sound_is_kept_within_its_limit() -> None:
    """The newest; how long each answer was stays known."""
    second = bytes(48_000)
    talk = folded(*(event for n in range(5) for event in (sound(second, f"r{n}"), done(f"r{n}"))), kept_audio_s=2.0)
    assert [len(answer.audio) // 48_000 for answer in talk.answers] == [0, 0, 0, 1, 1]
    assert [answer.audio_s for answer in talk.answers] == [1.0] * 5
    assert talk.answers[0].speech is None


def test_who_owes_an_answer() -> None:
    """Under server VAD each turn is answered unasked; an error in place of an answer settles it."""
    talk = folded(HEARD, is_answered_unasked=True)
    assert talk.is_busy
    talk.add(ANSWER[0], 1.0)
    assert talk.is_busy
    talk.add(done(), 2.0)
    assert not talk.is_busy
    assert not folded(HEARD).is_busy
    talk.owe()
    assert talk.is_busy
    talk.add(read("error", error=ERROR), 3.0)
    assert not talk.is_busy


def test_every_field_of_an_event_has_a_reader() -> None:
    """The table of readers covers every annotation in use."""
    for kind in ev.SERVER_EVENTS.values():
        assert {each.name for each in fields(kind)} >= {"type", "event_id", "timestamp_ms", "raw"}
