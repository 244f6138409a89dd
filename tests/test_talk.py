"""A call in a widget without a page: what Python makes of a page's messages and of the server's events; see test_browser_talk."""

from __future__ import annotations

import base64
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import glm_magics as glm
from glm_magics.errors import InputError, MediaError, MissingExtraError, ModelError, OptionError
from glm_magics.providers import Connection, Secret, sandbox_provider
from glm_magics.realtime import server_events as ev
from glm_magics.realtime.local_events import ConnectionLost
from glm_magics.realtime.tapes import CallAudio, Tape
from glm_magics.realtime.values import Pcm, Problem, Response
from glm_magics.sandbox import Sandbox
from glm_magics.voicecalls import Switchboard, VoiceCall, open_call
from glm_magics.voicecalls import call as call_module
from glm_magics.voicecalls import errands as errands_module
from glm_magics.voicecalls import screen as screen_module
from glm_magics.voicecalls.freshness import Freshness
from glm_magics.voicecalls.record import CallRecord
from glm_magics.voicecalls.switchboard import ENDED, STOPPED
from glm_magics.waves import write_wave
from glm_magics.widgets import calloutputs, speaker
from glm_magics.widgets.callrequests import parse_call_request

from .calls import connection_to, quiet, speech
from .patience import PATIENCE_S, until

JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def switchboard() -> Iterator[Switchboard]:
    """Whatever is on at the end is hung up."""
    switchboard = Switchboard()
    yield switchboard
    switchboard.end(wait_s=5)


class Page:
    """Plays the page: sends what it sends, and keeps what it is told."""

    def __init__(self, call: VoiceCall, name: str = "page1") -> None:
        self.call = call
        self.name = name
        self.told: list[dict[str, Any]] = []
        self.played: list[tuple[str, bytes]] = []
        self.t_ms = 0.0
        call.widget.send = self._hear

    def _hear(self, content: dict[str, Any], buffers: Any = None) -> None:
        self.told.append(content)
        if content["type"] == "sound":
            self.played.append((content["answer"], bytes(buffers[0])))

    def send(self, type: str, *buffers: bytes, **fields: Any) -> None:
        content = {"type": type, "page": self.name, **fields}
        self.call.widget._handle_custom_msg(content, [memoryview(data) for data in buffers])

    def start(self) -> Page:
        self.send("start")
        until(lambda: self.call.state in ("on", "over"))
        return self

    def speak(self, samples: bytes) -> None:
        """In frames of 100 ms, sent at once."""
        for start in range(0, len(samples), 3200):
            self.t_ms += 1
            self.send("sound", samples[start : start + 3200], t_ms=self.t_ms)

    def rows(self) -> dict[int, dict[str, Any]]:
        """The newest of each."""
        return {told["row"]["key"]: told["row"] for told in self.told if told["type"] == "row"}

    def texts(self, who: str) -> list[str]:
        return [row["text"] for row in self.rows().values() if row["who"] == who and row["state"] != "growing"]

    def types(self) -> list[str]:
        return [told["type"] for told in self.told]


def open_to(sandbox: Sandbox, switchboard: Switchboard, tools: Any = (), **fields: Any) -> Page:
    return Page(open_call(fields, tools, lambda: connection_to(sandbox), switchboard))


def weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


# Speaking


def test_hands_free(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """Sound becomes words on both sides, sound for the page, a frame, replies and a recording."""
    sandbox.hear("How are you?")
    sandbox.reply("Fine, thanks.")
    page = open_to(sandbox, switchboard, silence_ms=300).start()
    page.speak(speech(0.4) + quiet(0.6))
    until(lambda: page.texts("assistant"))
    assert page.texts("user") == ["How are you?"]
    assert page.texts("assistant") == ["Fine, thanks."]
    assert "sound_end" in page.types()
    until(lambda: "tokens" in page.call.widget.counts and "requests: 4 of 5 left" in page.call.widget.counts)
    sent = b"".join(data for _, data in page.played)
    time.sleep(0.3)
    page.call.stop()
    assert page.call.transcript[["who", "text"]].values.tolist() == [["user", "How are you?"], ["assistant", "Fine, thanks."]]
    assert page.call.audio.user.data[: len(speech(0.4))] == speech(0.4)
    assert 0.2 < page.call.reply.audio.seconds <= len(sent) / 48_000
    assert page.call.reply.audio.data == sent[: len(page.call.reply.audio.data)]
    assert page.call.reply.usage.completion_tokens > 0
    assert (page.call.reply.text, page.call.reply.is_complete) == ("Fine, thanks.", True)
    assert "recording" in page.types()


def test_push_to_talk(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """While the button is held sound is taken; letting it go asks for the answer; a void press asks for nothing."""
    page = open_to(sandbox, switchboard, vad="client").start()
    page.send("hold", is_down=True)
    page.speak(speech(1.0))
    page.send("hold", is_down=False, is_void=True)
    page.speak(speech(2.0))  # nobody holds the button
    page.send("hold", is_down=True)
    page.speak(speech(0.5))
    page.send("hold", is_down=False, is_void=False)
    until(lambda: page.texts("assistant"))
    assert "0.5 s of speech" in page.texts("user")[0]
    types = [event["type"] for event in sandbox.requests[-1].events]
    assert types.count("response.create") == types.count("input_audio_buffer.commit") == 1


def test_the_user_may_change_how_turns_end(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """From hands-free to push to talk in the middle of a call, without a second greeting."""
    page = open_to(sandbox, switchboard, greeting="Welcome!").start()
    until(lambda: page.texts("assistant") == ["Welcome!"])
    page.send("vad", vad="client")
    assert page.call.widget.vad == "client"
    page.send("hold", is_down=True)
    page.speak(speech(0.3))
    page.send("hold", is_down=False, is_void=False)
    until(lambda: len(page.texts("assistant")) == 2)
    updates = [event["session"] for event in sandbox.requests[-1].events if event["type"] == "session.update"]
    assert ["turn_detection" in session for session in updates] == [True, False]
    assert "greeting_config" not in updates[1]["beta_fields"]


def test_speech_stops_what_is_played(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """The page is told at once, the rest is neither played nor kept, and the row says that it was interrupted."""
    sandbox.reply("A very long answer. " * 20)
    page = open_to(sandbox, switchboard, silence_ms=300).start()
    page.send("write", text="Tell me everything.")
    until(lambda: page.texts("assistant"))
    page.told.clear()
    page.speak(speech(0.3))
    until(lambda: "flush" in page.types())
    row = until(lambda: next((row for row in page.rows().values() if row["note"] == "interrupted"), None))
    assert row["state"] == "cut"
    assert page.call.replies[0].audio.seconds < 5 < len(b"".join(data for _, data in page.played)) / 48_000


def test_speech_does_not_stop_what_may_not_be_interrupted(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """`is_interruptible=False`."""
    page = open_to(sandbox, switchboard, is_interruptible=False, silence_ms=300, greeting="Let me say this first.").start()
    until(lambda: page.texts("assistant"))
    page.told.clear()
    page.speak(speech(0.3) + quiet(0.5))
    until(lambda: page.texts("user"))
    assert "flush" not in page.types()


def test_the_button_stops_an_answer(switchboard: Switchboard) -> None:
    """The server is asked to stop, and what it still sends is not played."""
    with Sandbox(chunk_delay_s=0.05) as slow:
        slow.reply("One two three four five six seven eight nine ten. " * 8)
        page = open_to(slow, switchboard, vad="client").start()
        page.send("write", text="Count.")
        until(lambda: len(page.played) > 3)
        page.send("hush")
        until(lambda: page.rows()[1]["note"] == "interrupted")
        n = len(page.played)
        until(lambda: "response.cancel" in [event["type"] for event in slow.requests[-1].events])
        until(lambda: page.call.replies[0].ending == "stopped")
        assert len(page.played) == n
        page.call.stop()


@pytest.mark.parametrize("is_typed", [True, False], ids=["typing", "button-to-talk"])
def test_whoever_says_something_interrupts(switchboard: Switchboard, is_typed: bool) -> None:
    """The page is silent at once, the server is asked to stop, and refuses nothing of what comes next."""
    with Sandbox(chunk_delay_s=0.05) as slow:
        slow.reply("One two three four five six seven eight nine ten. " * 8)
        page = open_to(slow, switchboard, vad="client").start()
        page.send("write", text="Count.")
        until(lambda: len(page.played) > 3)
        n_flushed = page.types().count("flush")
        page.send("write", text="Stop.") if is_typed else page.send("hold", is_down=True)
        assert page.types().count("flush") == n_flushed + 1
        if not is_typed:
            page.speak(speech(0.3))
            page.send("hold", is_down=False, is_void=False)
        until(lambda: len(page.texts("assistant")) > 1)
        assert page.rows()[1]["note"] == "interrupted"
        assert "response.cancel" in [event["type"] for event in slow.requests[-1].events]
        assert "The server" not in page.call.message
        page.call.stop()


SAYING = [
    pytest.param({"vad": "client"}, lambda page: page.send("write", text="weather for Rome"), id="typed"),
    pytest.param({"vad": "client"}, lambda page: hold_and_speak(page), id="button"),
    pytest.param({"silence_ms": 300}, lambda page: page.speak(speech(0.4) + quiet(0.6)), id="hands-free"),
]


def hold_and_speak(page: Page) -> None:
    page.send("hold", is_down=True)
    page.speak(speech(0.4))
    page.send("hold", is_down=False, is_void=False)


@pytest.mark.parametrize(("fields", "say"), SAYING)
def test_functions_run_again_when_the_user_says_something(
    sandbox: Sandbox, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], say: Any
) -> None:
    """So many in a row and no more, then it is the user's turn; that begins the count anew."""
    monkeypatch.setattr(errands_module, "MAX_ROUNDS", 1)
    page = open_to(sandbox, switchboard, [weather], **fields).start()
    sandbox.reply(tool_calls=[("weather", {"city": "Oslo"})])
    sandbox.reply(tool_calls=[("weather", {"city": "Bonn"})])
    page.send("write", text="weather for Oslo")
    page.send("allow", call=waiting_call(page)["n"], how="always", reason="")
    until(lambda: any(call["n"] == 2 and call["result"] for row in page.rows().values() for call in row["calls"]))
    assert call_state(page, 2) == ("failed", "Too many functions were called in a row; answer with what is known.")
    until(lambda: not page.call.conversation.is_busy)
    sandbox.hear("weather for Rome")
    say(page)
    until(lambda: any(call["n"] == 3 and call["result"] for row in page.rows().values() for call in row["calls"]))
    assert call_state(page, 3) == ("done", "It rains in Rome.")


def test_typed_words(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """From the page and from Python, in one conversation; none are no words."""
    page = open_to(sandbox, switchboard).start()
    page.send("write", text="first")
    until(lambda: len(page.texts("assistant")) == 1)
    page.call.say("second")
    until(lambda: len(page.texts("assistant")) == 2)
    assert page.texts("user") == ["first", "second"]
    assert [text.split("answer. ")[1] for text in page.texts("assistant")] == ["I read: first.", "I read: second."]
    for nothing in ("  ", None, 5, b"third"):
        with pytest.raises(InputError, match="nothing to say"):
            page.call.say(nothing)
    page.send("write", text=" ")
    until(lambda: "nothing to say" in page.call.message)


def test_pictures(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """JPEG frames in video mode; anything else is a sentence, and the call goes on."""
    page = open_to(sandbox, switchboard, has_video=True, vad="client").start()
    page.send("frame", JPEG)
    page.send("frame", b"no picture")
    until(lambda: "no JPEG" in page.call.message)
    page.send("write", text="What do you see?")
    until(lambda: page.texts("assistant"))
    assert "1 picture" in page.texts("assistant")[0]


def test_a_search_is_told(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """What the server says while it searches the web."""
    page = open_to(sandbox, switchboard, has_video=True, has_search=True, vad="client").start()
    page.send("frame", JPEG)
    page.send("write", text="Please search for it.")
    until(lambda: any("Searching the web: The sandbox has no web" in row["note"] for row in page.rows().values()))


# Functions


def waiting_call(page: Page) -> dict[str, Any]:
    return until(
        lambda: next((call for row in page.rows().values() for call in row["calls"] if call["state"] == "waiting"), None)
    )


def call_state(page: Page, n: int) -> tuple[str, str]:
    return next((call["state"], call["result"]) for row in page.rows().values() for call in row["calls"] if call["n"] == n)


@pytest.mark.parametrize(
    ("how", "reason", "state", "result"),
    [
        pytest.param("yes", "", "done", "It rains in Oslo.", id="approved"),
        pytest.param("no", "too dear", "refused", "The reason: too dear", id="refused"),
        pytest.param("always", "", "done", "It rains in Oslo.", id="always"),
    ],
)
def test_a_function_is_shown_and_approved(
    sandbox: Sandbox, switchboard: Switchboard, how: str, reason: str, state: str, result: str
) -> None:
    """It waits for the user's word; what comes of it goes back to the model, which answers with it."""
    page = open_to(sandbox, switchboard, [weather]).start()
    page.send("write", text="weather for Oslo")
    asked = waiting_call(page)
    assert (asked["name"], asked["arguments"]) == ("weather", "city='Oslo'")
    time.sleep(0.15)
    assert call_state(page, asked["n"])[0] == "waiting"
    page.send("allow", call=asked["n"], how=how, reason=reason)
    until(lambda: call_state(page, asked["n"])[0] == state)
    assert result in call_state(page, asked["n"])[1]
    until(lambda: any(result in text for text in page.texts("assistant")))
    page.send("write", text="weather for Rome")
    until(lambda: any(call["n"] == 2 for row in page.rows().values() for call in row["calls"]))
    if how == "always":
        until(lambda: call_state(page, 2)[0] == "done")
    else:
        assert waiting_call(page)["n"] == 2


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        pytest.param("weather", '{"town": "Oslo"}', "do not fit weather", id="wrong-argument"),
        pytest.param("weather", "{city", "no JSON", id="no-json"),
        pytest.param("wether", "{}", "Did you mean weather?", id="unknown"),
    ],
)
def test_a_call_that_cannot_run_is_told_to_the_model(
    sandbox: Sandbox, switchboard: Switchboard, name: str, arguments: Any, sentence: str
) -> None:
    """Without asking the user."""
    page = open_to(sandbox, switchboard, [weather]).start()
    sandbox.reply(tool_calls=[(name, arguments)])
    page.send("write", text="go on")
    until(lambda: any(sentence in call["result"] for row in page.rows().values() for call in row["calls"]))
    output = until(
        lambda: [event for event in sandbox.requests[-1].events if event.get("item", {}).get("type") == "function_call_output"]
    )
    assert sentence in output[0]["item"]["output"]


def outputs_sent(sandbox: Sandbox) -> list[str]:
    """The results of functions as they went over the wire."""
    items = [event.get("item", {}) for event in sandbox.requests[-1].events]
    return [item["output"] for item in items if item.get("type") == "function_call_output"]


def ask_weather(page: Page, *cities: str) -> None:
    """One after the other; each is asked for when the call of the one before is there."""
    for n, city in enumerate(cities, 1):
        page.send("write", text=f"weather for {city}")
        until(lambda n=n: any(call["n"] == n for row in page.rows().values() for call in row["calls"]))


def test_results_go_to_the_model_in_the_order_of_the_calls(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """Whichever is approved first: on this wire they carry no id."""
    page = open_to(sandbox, switchboard, [weather], vad="client").start()
    ask_weather(page, "Oslo", "Rome")
    page.send("allow", call=2, how="yes", reason="")
    until(lambda: call_state(page, 2)[0] == "done")
    time.sleep(0.1)
    assert outputs_sent(sandbox) == []
    page.send("allow", call=1, how="yes", reason="")
    until(lambda: len(outputs_sent(sandbox)) == 2)
    assert outputs_sent(sandbox) == ["It rains in Oslo.", "It rains in Rome."]


def test_a_function_allowed_for_good_does_not_overtake_a_waiting_call(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """The third call runs unasked; what it gives waits for the second."""
    page = open_to(sandbox, switchboard, [weather], vad="client").start()
    ask_weather(page, "Oslo", "Rome")
    page.send("allow", call=1, how="always", reason="")
    until(lambda: outputs_sent(sandbox) == ["It rains in Oslo."])
    page.send("write", text="weather for Bonn")
    until(lambda: any(call["n"] == 3 and call["state"] == "done" for row in page.rows().values() for call in row["calls"]))
    page.send("allow", call=2, how="no", reason="")
    until(lambda: len(outputs_sent(sandbox)) == 3)
    assert ["Oslo" in outputs_sent(sandbox)[0], "refused" in outputs_sent(sandbox)[1], "Bonn" in outputs_sent(sandbox)[2]] == [
        True
    ] * 3


def test_hanging_up_ends_the_waiting(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """A function that nobody has approved does not run after the call."""
    ran = []
    page = open_to(sandbox, switchboard, {"weather": lambda city: ran.append(city)}).start()
    page.send("write", text="weather for Oslo")
    asked = waiting_call(page)
    page.call.stop()
    until(lambda: call_state(page, asked["n"])[0] == "unrun")
    page.send("allow", call=asked["n"], how="yes", reason="")
    time.sleep(0.1)
    assert ran == []


def test_the_transcript_names_the_functions(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """With their arguments, and what they gave."""
    page = open_to(sandbox, switchboard, [weather], vad="client").start()
    ask_weather(page, "Oslo")
    page.send("allow", call=1, how="yes", reason="")
    until(lambda: any("It rains" in text for text in page.texts("assistant")))
    page.call.stop()
    transcript = page.call.transcript
    assert transcript[transcript.who == "tool"].text.tolist() == ["weather(city='Oslo'): It rains in Oslo."]
    assert transcript.who.tolist() == ["user", "tool", "assistant"]
    assert transcript.when_s.is_monotonic_increasing


def test_a_call_left_at_the_end_is_told(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """One that waited did not run, and nobody refused it; what one that ran gives later is for nobody."""
    go_on = threading.Event()

    def slow(city: str) -> str:
        """Slow."""
        go_on.wait(PATIENCE_S)
        return "too late"

    page = open_to(sandbox, switchboard, {"weather": slow}, vad="client").start()
    ask_weather(page, "Oslo", "Rome")
    page.send("allow", call=1, how="yes", reason="")
    until(lambda: call_state(page, 1)[0] == "running")
    assert call_state(page, 1)[1] == "running …"
    page.call.stop()
    until(lambda: page.call.state == "over")
    assert call_state(page, 2) == ("unrun", "not run: the call ended")
    assert call_state(page, 1)[0] == "failed"
    go_on.set()
    time.sleep(0.1)
    told = page.call.transcript
    assert told[told.who == "tool"].text.tolist() == [
        "weather(city='Oslo'): the call ended before it came back: its result went to nobody",
        "weather(city='Rome'): not run: the call ended",
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_function_that_raises_has_failed(sandbox: Sandbox, switchboard: Switchboard, error: type[BaseException]) -> None:
    """Of any kind: the widget says so, and the model too."""

    def rude(city: str) -> str:
        """Raises."""
        raise error

    page = open_to(sandbox, switchboard, {"weather": rude}, vad="client").start()
    ask_weather(page, "Oslo")
    page.send("allow", call=1, how="yes", reason="")
    until(lambda: call_state(page, 1)[0] == "failed")
    assert error.__name__ in call_state(page, 1)[1]
    until(lambda: outputs_sent(sandbox) == [call_state(page, 1)[1]])


def test_a_picture_that_a_function_gives_is_one_true_sentence(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """A call cannot take it, and nobody is told that it follows."""
    page = open_to(sandbox, switchboard, {"weather": lambda city: Image.new("RGB", (20, 20))}, vad="client").start()
    ask_weather(page, "Oslo")
    page.send("allow", call=1, how="yes", reason="")
    until(lambda: outputs_sent(sandbox))
    assert outputs_sent(sandbox) == ["[Image, 20×20 px: a picture, which a voice call cannot take.]"]


# What goes wrong


def test_two_calls_at_once_are_a_sentence(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """The first goes on; when it is over the second may begin."""
    first, second = open_to(sandbox, switchboard).start(), open_to(sandbox, switchboard)
    second.send("start")
    assert "Another call is on" in second.call.message
    assert (first.call.state, second.call.state) == ("on", "idle")
    with pytest.raises(InputError, match="Another call is on"):
        second.call.start()
    with pytest.raises(InputError, match="on already"):
        first.call.start()
    first.call.stop()
    until(lambda: first.call.state == "over")
    assert second.start().call.state == "on"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda s: Connection(sandbox_provider(s.base_url), Secret("no-key")), "key", id="key-refused"),
        pytest.param(
            lambda s: Connection(sandbox_provider("http://127.0.0.1:9/api"), Secret("a.b")), "reached", id="nobody-there"
        ),
    ],
)
def test_a_call_that_does_not_begin_is_a_sentence(sandbox: Sandbox, switchboard: Switchboard, make: Any, sentence: str) -> None:
    """In the widget, and another try is possible."""
    page = Page(open_call({}, (), lambda: make(sandbox), switchboard)).start()
    until(lambda: page.call.state == "over")
    assert sentence in page.call.message
    assert page.call.widget.message == page.call.message


def test_a_socket_that_breaks_is_made_again(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """In mid-word: the page stops playing, sees that it is connected again, and what was said is retold."""
    sandbox.fault("call-cut")
    page = open_to(sandbox, switchboard, vad="client").start()
    states: list[str] = []
    page.call.observe(lambda change: states.append(change["new"]), "state")
    page.send("write", text="Tell me a story.")
    until(lambda: states == ["reconnecting", "on"])
    assert "flush" in page.types()
    until(lambda: any(row["note"] == "cut off with the connection" for row in page.rows().values()))
    page.send("write", text="Again, please.")
    until(lambda: page.texts("assistant"))


def test_a_turn_that_broke_with_the_socket_is_to_be_asked_again(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """The user is told, until the next answer begins."""
    sandbox.fault("call-cut")
    page = open_to(sandbox, switchboard, vad="client").start()
    states: list[str] = []
    page.call.observe(lambda change: states.append(change["new"]), "state")
    page.send("write", text="Tell me a story.")
    until(lambda: states == ["reconnecting", "on"])
    assert "ask your question again" in page.call.message
    assert not page.call.widget.is_answering
    page.call.say("Again, please.")
    until(lambda: page.call.message == "")


def lose(page: Page) -> None:
    page.call.on_event(None, ConnectionLost(type="connection.lost", reason="a test"))


def test_a_connection_that_breaks_between_turns_costs_nothing(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """Nobody has to ask again; but who spoke just now has."""
    page = open_to(sandbox, switchboard, vad="client").start()
    lose(page)
    assert page.call.message == ""
    page.call.on_event(None, ev.SpeechStarted())
    lose(page)
    assert "ask your question again" in page.call.message


def test_sound_that_goes_with_the_connection_was_not_interrupted(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """The answer was whole, but not heard to its end."""
    sandbox.reply("A very long answer. " * 20)
    page = open_to(sandbox, switchboard, vad="client").start()
    page.send("write", text="Tell me everything.")
    until(lambda: page.texts("assistant"))
    lose(page)
    until(lambda: any(row["note"] == "cut off with the connection" for row in page.rows().values()))
    assert "ask your question again" in page.call.message


def test_functions_that_the_connection_took_along(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """What waits is not run, what comes back is sent to nobody: the new connection has not asked for it."""
    may_end = threading.Event()

    def slow(city: str) -> str:
        """The weather, some time later."""
        may_end.wait(PATIENCE_S)
        return "Rain."

    page = open_to(sandbox, switchboard, [slow], vad="client").start()
    sandbox.reply(tool_calls=[("slow", {"city": "Oslo"}), ("slow", {"city": "Rome"})])
    page.send("write", text="Oslo and Rome, please.")
    page.send("allow", call=waiting_call(page)["n"], how="yes", reason="")
    until(lambda: call_state(page, 1)[0] == "running")
    lose(page)
    assert "ask your question again" in page.call.message
    until(lambda: call_state(page, 2) == ("unrun", "not run: the connection broke"))
    assert call_state(page, 1) == ("failed", "the connection broke before it came back: its result went to nobody")
    may_end.set()
    until(lambda: not any(thread.name == "glm-errand" for thread in threading.enumerate()))
    page.send("write", text="Are you there?")
    until(lambda: page.texts("assistant"))
    assert "function_call_output" not in str(sandbox.requests[-1].events)


def test_errors_of_the_server_are_told_and_the_call_goes_on(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """A push of the button without a word."""
    page = open_to(sandbox, switchboard, vad="client").start()
    page.send("hold", is_down=True)
    page.send("hold", is_down=False, is_void=False)
    until(lambda: "The server: " in page.call.message)
    assert page.call.state == "on"


def test_silence_is_told_in_its_row(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """The button held without a word: nothing was understood, and the model answers all the same."""
    page = open_to(sandbox, switchboard, vad="client").start()
    page.send("hold", is_down=True)
    page.speak(quiet(0.5))
    page.send("hold", is_down=False, is_void=False)
    until(
        lambda: (
            [row["note"] for row in page.rows().values() if row["who"] == "user"]
            == ["not understood: asr: no result, err: <nil>"]
        )
    )
    until(lambda: page.texts("assistant"))


def test_what_others_say_is_shown_without_control_characters(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """Words of a model, of a function and of the server: foreign text, for whoever reads it in a terminal too."""

    def paint(colour: str) -> str:
        """Paints."""
        return f"\x1b[31m{colour}\x1b[0m"

    page = open_to(sandbox, switchboard, [paint], vad="client").start()
    sandbox.reply("\x1b]0;yours\x07Hello\x1b[2J")
    page.send("write", text="Hi.\x1b[31m")
    until(lambda: page.texts("assistant"))
    assert (page.texts("user"), page.texts("assistant")) == (["Hi.[31m"], ["]0;yoursHello[2J"])
    page.send("write", text="paint red")
    asked = waiting_call(page)
    page.send("allow", call=asked["n"], how="yes", reason="")
    until(lambda: call_state(page, asked["n"])[0] == "done")
    assert call_state(page, asked["n"])[1] == "[31mred[0m"
    page.call.on_event(page.call._record.call, ev.ErrorEvent(error=Problem(message="no\x1b[31m way")))
    assert page.call.widget.message == "The server: no[31m way"
    page.call.stop()
    assert "\x1b" not in repr([bundle for bundle in (page.call._record.talk(page.call._errands)._repr_mimebundle_(),)])


def test_a_page_that_is_gone_ends_the_call(sandbox: Sandbox, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed laptop costs no hours; another page that looks on holds no call."""
    monkeypatch.setattr(call_module, "PAGE_GONE_S", 0.2)
    page = open_to(sandbox, switchboard).start()

    def look_on() -> bool:
        page.call.widget._handle_custom_msg({"type": "alive", "page": "page2"}, [])
        return page.call.state == "over"

    until(look_on)
    assert "page was gone" in page.call.message
    assert {told["page"] for told in page.told if told["type"] == "alive"} == {"page2"}


def test_sound_that_waited_for_a_busy_kernel_is_left_out(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """And the user is told."""
    page = open_to(sandbox, switchboard).start()
    page.send("sound", quiet(0.1), t_ms=100_000)
    page.send("sound", speech(0.1), t_ms=10_000)
    assert "busy with a cell" in page.call.message
    assert page.call.audio.user.data == quiet(0.1)


@pytest.mark.parametrize(
    ("jump_s", "every_s"),
    [
        pytest.param(3600.0, 0.1, id="ours-ran-on"),
        pytest.param(20.0, 0.1, id="the-page-went-back"),
        pytest.param(20.0, 0.5, id="nobody-speaks"),
    ],
)
def test_a_clock_that_jumps_is_believed_within_a_second(jump_s: float, every_s: float) -> None:
    """All are equally late from then on, and so nothing is."""
    fresh = Freshness()
    times = [n * every_s + 0.05 * (n % 2) for n in range(round(20 / every_s))]
    assert all(fresh.is_fresh(n * every_s * 1000, now_s) for n, now_s in enumerate(times))
    got = [fresh.is_fresh((20 + n * every_s) * 1000, 20 + jump_s + now_s) for n, now_s in enumerate(times)]
    assert got.index(True) * every_s <= 1.0
    assert all(got[got.index(True) :])
    assert all(fresh.is_fresh(n * every_s * 1000, now_s) for n, now_s in enumerate(times)), "the other way nothing is lost"


@pytest.mark.parametrize("speed", [1.5, 4.0, 1000.0])
def test_a_backlog_that_is_worked_off_is_no_jump(speed: float) -> None:
    """A kernel that was busy for ten seconds: what waited is late until it has caught up."""
    fresh = Freshness()
    assert fresh.is_fresh(0, 0)
    heard_s = [n / 10 for n in range(1, 400)]
    came_s = [max(heard, 10 + heard / speed) for heard in heard_s]
    got = [fresh.is_fresh(heard * 1000, came) for heard, came in zip(heard_s, came_s, strict=True)]
    assert got == [came - heard <= 1.5 for heard, came in zip(heard_s, came_s, strict=True)]


def test_the_sentence_on_a_busy_kernel_goes_once_sound_is_heard(
    sandbox: Sandbox, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays for as long as it takes to read."""
    page = open_to(sandbox, switchboard).start()
    page.send("sound", quiet(0.1), t_ms=100_000)
    page.send("sound", speech(0.1), t_ms=10_000)
    page.send("sound", quiet(0.1), t_ms=100_100)
    assert "busy with a cell" in page.call.message
    monkeypatch.setattr(call_module, "BUSY_TOLD_S", 0.0)
    page.send("sound", quiet(0.1), t_ms=100_200)
    assert page.call.message == page.call.widget.message == ""


def test_only_the_page_of_the_call_is_heard(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """A second view sees everything and may type; its microphone is not the call's."""
    page = open_to(sandbox, switchboard).start()
    page.name = "page2"
    page.send("sound", speech(0.1), t_ms=1)
    assert page.call.audio.user is None
    page.send("write", text="hello")
    until(lambda: page.texts("assistant"))
    page.send("hello")
    assert [row["who"] for row in page.told[-1]["rows"]] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("content", "buffers"),
    [
        pytest.param({"type": "hold", "page": "p", "is_down": 1}, [], id="wrong-type"),
        pytest.param({"type": "start", "page": "../p"}, [], id="page"),
        pytest.param({"type": "sound", "page": "p", "t_ms": 1}, [], id="no-sound"),
        pytest.param({"type": "sound", "page": "p", "t_ms": float("nan")}, [b"1234"], id="nan"),
        pytest.param({"type": "sound", "page": "p", "t_ms": 1}, [bytes(100_000)], id="too-much"),
        pytest.param({"type": "vad", "page": "p", "vad": "none"}, [], id="vad"),
        pytest.param({"type": "vad", "page": "p", "vad": ["server"]}, [], id="list"),
        pytest.param({"type": "allow", "page": "p", "call": True, "how": "yes", "reason": ""}, [], id="bool"),
        pytest.param({"type": "allow", "page": "p", "call": 1, "how": "maybe", "reason": ""}, [], id="maybe"),
        pytest.param({"type": "write", "page": "p", "text": "x" * 5000}, [], id="long"),
        pytest.param({"type": ["start"], "page": "p"}, [], id="type"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_what_is_no_request_does_nothing(content: Any, buffers: Any) -> None:
    """A page is foreign."""
    assert parse_call_request(content, buffers) is None


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
    st.sampled_from(["hello", "start", "sound", "frame", "hold", "write", "vad", "allow", "stop", "x"]),
)
def test_no_message_breaks_the_reader(value: Any, type_: str) -> None:
    """Whatever stands in any field."""
    fields = ("t_ms", "is_down", "is_void", "text", "vad", "call", "how", "reason")
    parse_call_request({"type": type_, "page": "p", **dict.fromkeys(fields, value)}, [value])
    parse_call_request(value, value)


def test_a_page_cannot_write_traits(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """State, message and owner are Python's."""
    page = open_to(sandbox, switchboard)
    page.call.widget.set_state({"state": "on", "owner": "me", "message": "<b>"})
    assert (page.call.widget.state, page.call.widget.owner, page.call.widget.message) == ("idle", "", "")


def test_no_page_is_told_the_key(ip: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a trait, a message, an output of the cell, or what is kept of the call."""
    shown: list[Any] = []
    monkeypatch.setattr(ip.display_pub, "publish", lambda data, metadata=None, **more: shown.append((data, metadata, more)))
    key = "an-id.very-secret"
    call = open_call({}, [weather], lambda: Connection(sandbox_provider(sandbox.base_url), Secret(key)), Switchboard())
    page = Page(call)
    call._ipython_display_()
    page.start()
    call.say("weather for Oslo")
    until(lambda: any(row["calls"] for row in page.rows().values()))
    page.send("allow", call=1, how="yes", reason="")
    until(lambda: "Oslo" in "".join(page.texts("assistant")))
    page.speak(quiet(0.2))
    call.stop()
    assert sandbox.requests[-1].headers["authorization"] == "Bearer ***"  # it was there
    kept = [call.widget.get_state(), page.told, shown, call, call.setup, call.replies, call.transcript.values.tolist()]
    assert "very-secret" not in repr(kept)


@pytest.mark.parametrize(
    ("fields", "error", "sentence"),
    [
        pytest.param({"model": "glm-4.7"}, ModelError, "no model to talk with", id="model"),
        pytest.param({"voice": "robot"}, OptionError, "no voice", id="voice"),
        pytest.param({"vad": "auto"}, OptionError, "vad is 'auto'", id="vad"),
        pytest.param({"greeting": "x" * 2000}, OptionError, "1024 are allowed", id="greeting"),
        pytest.param({"speed": 2}, OptionError, "no option 'speed'", id="unknown"),
        pytest.param({"instructions": 7}, OptionError, "instructions is 7. Give a text", id="no-text"),
        pytest.param({"greeting": None}, OptionError, "greeting is None", id="no-greeting"),
        pytest.param({"video": 1}, OptionError, "has_video is 1. Give True or False", id="no-flag"),
        pytest.param({"silence_ms": "long"}, OptionError, "silence_ms is 'long'. Give a whole number", id="no-count"),
        pytest.param({"temperature": "hot"}, OptionError, "temperature is 'hot'. Give a number", id="no-number"),
        pytest.param({"video": True, "tools": [weather]}, OptionError, "video call takes no tools", id="video-and-tools"),
        pytest.param({"tools": ["weather"]}, OptionError, "function", id="no-function"),
        pytest.param({"tools": 3}, OptionError, "tools is 3. Give functions in a list", id="tools-number"),
        pytest.param({"tools": True}, OptionError, "tools is True. Give functions", id="tools-flag"),
        pytest.param({"tools": "weather"}, OptionError, "tools is 'weather'. Give functions", id="tools-text"),
        pytest.param({"tools": b"x"}, OptionError, "tools is b'x'. Give functions", id="tools-bytes"),
        pytest.param({"tools": weather}, OptionError, "Give functions in a list", id="one-function"),
        pytest.param({"tools": [None]}, OptionError, "`None` is no function", id="tools-none-in-it"),
        pytest.param({"tools": {3: weather}}, OptionError, "given the name 3", id="tools-number-as-name"),
        pytest.param({"tools": {"": weather}}, OptionError, "given the name ''", id="tools-empty-name"),
        pytest.param({"model": None}, OptionError, "model is None. Give a text", id="no-model"),
        pytest.param({"model": " !"}, ModelError, "no model to talk with", id="model-sign-alone"),
        pytest.param({"voice": 3}, OptionError, "voice is 3. Give a text", id="voice-number"),
        pytest.param({"vad": True}, OptionError, "vad is True. Give a text", id="vad-flag"),
        pytest.param({"has_video": True}, OptionError, "Write video=True", id="other-name-of-video"),
        pytest.param({"silence_ms": True}, OptionError, "silence_ms is True. Give a whole number", id="count-flag"),
        pytest.param({"silence_ms": -5}, OptionError, "milliseconds from 0 to 10000", id="count-negative"),
        pytest.param({"padding_ms": 10**9}, OptionError, "padding_ms is 1000000000", id="count-huge"),
        pytest.param({"threshold": float("nan")}, OptionError, "a number from 0 to 1", id="nan"),
        pytest.param({"temperature": False}, OptionError, "temperature is False. Give a number", id="number-flag"),
        pytest.param({"max_tokens": 0}, OptionError, "from 1 to 1024", id="no-tokens"),
        pytest.param({"noise": None}, OptionError, "noise is None", id="no-noise"),
        pytest.param({"is_interruptible": "no"}, OptionError, "Give True or False", id="flag-text"),
        pytest.param({"input_format": "pcm24"}, OptionError, "16,000 samples a second", id="rate-of-no-page"),
        pytest.param({"is_answered_unasked": False}, OptionError, "page asks for no answers", id="nobody-to-ask"),
    ],
)
def test_a_wrong_setup_is_a_sentence(fields: dict[str, Any], error: type[Exception], sentence: str) -> None:
    """From ``glm.talk`` itself, before any widget."""
    with pytest.raises(error, match=sentence):
        glm.talk(**fields)


def test_without_anywidget_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence with the extra's name."""
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "glm_magics.widgets.told", raising=False)
    monkeypatch.delitem(sys.modules, "glm_magics.widgets.calling", raising=False)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[widgets\]"):
        glm.talk()


# What is kept


def test_the_cell_keeps_words_and_player(ip: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two outputs beside the view, brought up to date; a hostile transcript is dead text in them."""
    shown: list[dict[str, Any]] = []
    publish = lambda data, metadata=None, **rest: shown.append({"data": data, **rest})  # noqa: E731
    monkeypatch.setattr(ip.display_pub, "publish", publish)
    glm.connect(sandbox.base_url, api_key=sandbox.key)
    monkeypatch.setattr(glm.current_session(), "_connection", connection_to(sandbox))
    sandbox.reply("<img src=x onerror=alert(1)> [click](javascript:alert(2))")
    call = glm.talk()
    page = Page(call)
    call._ipython_display_()
    assert "talk_file" in shown[0]["data"]["text/plain"]
    page.start()
    page.send("write", text="<script>alert(0)</script>")
    until(lambda: page.texts("assistant") and call.audio.assistant)
    time.sleep(0.2)  # some of it is heard
    call.stop()
    until(lambda: call.state == "over")
    until(lambda: any("text/html" in one["data"] for one in shown))
    words = [one["data"]["text/markdown"] for one in shown if "text/markdown" in one["data"]][-1]
    assert "<script" not in words
    assert "<img" not in words
    assert "](javascript" not in words
    player = next(one["data"] for one in shown if "text/html" in one["data"])
    assert player["text/html"].startswith('<audio controls preload="metadata" src="data:audio/mpeg;base64,')


def test_the_words_so_far_are_kept_in_a_call(ip: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook saved in its midst has them; one in which nobody said anything says how to."""
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(ip.display_pub, "publish", lambda data, metadata=None, **rest: shown.append({"data": data, **rest}))
    monkeypatch.setattr(screen_module, "KEEP_EVERY_S", 0.0)
    page = open_to(sandbox, Switchboard())
    page.call._ipython_display_()
    page.start().call.stop()
    until(lambda: page.call.state == "over")
    assert "glm.realtime.talk_file" in next(one["data"]["text/plain"] for one in shown if one.get("update"))
    page.start().send("write", text="Hello?")
    until(lambda: any("Hello?" in one["data"].get("text/markdown", "") for one in shown if one.get("update")))
    assert page.call.state == "on"
    page.call.stop()


def test_a_call_is_over_when_its_player_is_made(
    sandbox: Sandbox, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook that is saved then has it; until then no other call begins."""
    states: list[str] = []
    page = open_to(sandbox, switchboard, greeting="Welcome!").start()

    def record(audio: CallAudio) -> tuple[dict[str, str], str, bytes]:
        states.append(page.call.state)
        page.send("start")
        return {"text/html": "<audio>"}, "audio/mpeg", b"sound"

    monkeypatch.setattr(screen_module, "recording", record)
    page.call.stop()
    until(lambda: page.call.state == "over")
    assert states == ["ending"]
    assert "recording of the last call is being made" in page.call.message
    assert page.types()[-1] == "recording"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_call_is_over_even_without_its_player(
    sandbox: Sandbox, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong with it."""
    monkeypatch.setattr(screen_module, "recording", lambda audio: 1 / 0)
    page = open_to(sandbox, switchboard).start()
    page.call.stop()
    until(lambda: page.call.state == "over")


def test_what_is_too_long_for_a_notebook_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is encoded for it."""
    tapes = Tape(16_000), Tape(24_000)
    assert calloutputs.recording(CallAudio(*tapes)) == ({}, "", b"")
    tapes[1].add(bytes(48_000), 0.0)
    bundle, mime, data = calloutputs.recording(CallAudio(*tapes))
    assert (mime, data[:3] in (b"ID3", b"\xff\xfb\x94") or len(data) > 1000) == ("audio/mpeg", True)
    monkeypatch.setattr(calloutputs, "MAX_PLAYER_BYTES", 100)
    bundle, mime, data = calloutputs.recording(CallAudio(*tapes))
    assert "too much for a notebook" in bundle["text/plain"]
    assert not data


def test_both_sides_on_one_time_line(tmp_path: Any) -> None:
    """Left the user, right the assistant, each where it was heard; saved as WAV and MP3."""
    user, assistant = Tape(16_000), Tape(24_000)
    user.add(speech(0.5), 0.0)
    assistant.add(bytes(range(256)) * 94, 1.0)
    audio = CallAudio(user, assistant)
    both = audio.samples
    assert both.shape == (36_032, 2)
    assert not both[:24_000, 1].any()
    assert both[24_000:, 1].tobytes() == bytes(range(256)) * 94
    assert both[:11_000, 0].any()
    assert not both[12_100:, 0].any()
    assert audio.save(tmp_path / "call.wav").read_bytes() == audio.wav_bytes
    assert audio.save(tmp_path / "call.mp3").stat().st_size < 20_000
    with pytest.raises(MediaError, match="Nothing was said"):
        CallAudio(Tape(16_000), Tape(24_000)).save(tmp_path / "none.wav")
    with pytest.raises(MediaError, match="cannot be written"):
        audio.save(tmp_path / "nowhere" / "call.wav")


def test_a_tape_is_even_cut_and_limited() -> None:
    """Pieces that come unevenly are joined, pauses are kept, what was not heard is cut, and an hour is enough."""
    tape = Tape(10, max_s=10)
    for n in range(5):
        tape.add(bytes([n]) * 4, n * 0.2 + 0.05 * (n % 2))
    assert tape.read() == b"".join(bytes([n]) * 4 for n in range(5))
    assert tape.add(b"\x07\x07", 3.0) == (3.0, 3.1)
    assert tape.read(1.0, 3.0) == bytes(40)
    assert tape.cut(0.4)
    assert not tape.cut(0.4)
    assert tape.seconds == 0.4
    tape.add(bytes(400), 0.4)
    assert tape.seconds == 0.4


@pytest.mark.parametrize(
    ("pieces", "played"),
    [
        pytest.param([b"ab", b"cd"], [b"ab", b"cd"], id="even"),
        pytest.param([b"a", b"bcd"], [b"", b"abcd"], id="half-a-sample-first"),
        pytest.param([b"abc", b"d"], [b"ab", b"cd"], id="half-a-sample-last"),
        pytest.param([b"abc"], [b"ab"], id="odd-at-the-end"),
        pytest.param([None, b"ab"], [b"", b"ab"], id="no-base64"),
    ],
)
def test_pieces_of_any_length_are_played_whole(pieces: list[bytes | None], played: list[bytes]) -> None:
    """An odd number of bytes, and garbage in place of base64."""
    record = CallRecord("glm-realtime-flash", 16_000)
    record.conversation.add(ev.ResponseCreated(response=Response("r", "in_progress")), 0.0)
    got = []
    for piece in pieces:
        event = ev.AudioDelta(response_id="r", audio=Pcm(is_damaged=True) if piece is None else Pcm(piece))
        record.conversation.add(event, 0.0)
        got.append(record.play(event)[1])
    assert got == played


def test_an_answer_that_had_not_begun_to_sound_is_stopped_too() -> None:
    """While the one before it was still being played."""
    record = CallRecord("glm-realtime-flash", 16_000)
    played = []
    for answer in ("one", "two"):
        created = ev.ResponseCreated(response=Response(answer, "in_progress"))
        record.conversation.add(created, 0.0)
        record.answer_begun(created)
        if answer == "two":
            record.stop_playing()
        event = ev.AudioDelta(response_id=answer, audio=Pcm(b"ab"))
        record.conversation.add(event, 0.0)
        played.append(record.play(event)[1])
        record.conversation.add(ev.ResponseDone(response=Response(answer, "completed")), 0.0)
    assert played == [b"ab", b""]


# What it costs


def open_paid(sandbox: Sandbox, switchboard: Switchboard, session: Any, **fields: Any) -> Page:
    """A call that is billed as the vendor bills it."""
    provider = replace(sandbox_provider(sandbox.base_url), name="bigmodel", is_free=False, currency="CNY")
    connection = Connection(provider, Secret(sandbox.key))
    return Page(open_call(fields, (), lambda: connection, switchboard, session.books))


@pytest.mark.parametrize(("fields", "minute"), [({}, 0.18), ({"model": "glm-realtime-air", "has_video": True}, 2.1)])
def test_calls_are_in_the_ledger(
    sandbox: Sandbox, switchboard: Switchboard, session: Any, fields: dict[str, Any], minute: float
) -> None:
    """One row each, by the minute as an estimate, also in the widget; the second does not count the first again."""
    page = open_paid(sandbox, switchboard, session, vad="client", **fields).start()
    for n in (1, 2):
        page.send("frame", JPEG) if fields else None
        page.send("write", text="Hello.")
        until(lambda n=n: len([answer for answer in page.call.replies if answer.usage]) == n)
        until(lambda: "about ¥0.0" in page.call.widget.counts)
        assert page.call.widget.counts.split("about ¥")[1][4:6] == "00"  # told to the hundredth
        page.call.stop()
        if n == 1:
            page.start()
    rows = session.books.ledger.read("all")
    assert [row.model for row in rows] == [page.call.setup.model] * 2
    assert [row.cost for row in rows] == [pytest.approx(row.elapsed_s / 60 * minute, abs=minute / 60 * 0.002) for row in rows]
    assert sum(row.elapsed_s for row in rows) == pytest.approx(page.call.cost.amount / minute * 60, abs=0.01)
    assert all(row.is_estimate and row.completion_tokens and row.ending == "complete" for row in rows)
    assert sum(row.completion_tokens for row in rows) == sum(reply.usage.completion_tokens for reply in page.call.replies)


def test_a_call_ends_where_the_money_does(sandbox: Sandbox, switchboard: Switchboard, session: Any) -> None:
    """The ceiling of the session holds for calls: hung up with a sentence, and no other one begins."""
    session.config.session_budget = 0.0009
    page = open_paid(sandbox, switchboard, session).start()
    until(lambda: page.call.state == "over")
    assert "The ¥0.0009 of this session are spent; a call ends there." in page.call.widget.message
    page.send("start")
    assert page.call.state == "over"
    assert "session_budget" in page.call.widget.message
    assert [row.ending for row in session.books.ledger.read("all")] == ["over budget"]


def test_free_calls_cost_nothing(sandbox: Sandbox, switchboard: Switchboard, session: Any) -> None:
    """The sandbox is in the ledger without a price, and asks for no ceiling."""
    session.config.session_budget = 0.0001
    page = Page(open_call({}, (), lambda: connection_to(sandbox), switchboard, session.books)).start()
    page.call.stop()
    assert [row.cost for row in session.books.ledger.read("all")] == [None]
    assert page.call.cost is None


def test_calling_again_goes_on(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """The transcript grows, its times too, and the server is told what was said."""
    page = open_to(sandbox, switchboard, greeting="Welcome!").start()
    until(lambda: page.texts("assistant") == ["Welcome!"])
    page.send("write", text="first")
    until(lambda: "first" in str(page.texts("assistant")))
    page.call.stop()
    until(lambda: page.call.state == "over")
    page.start().send("write", text="second")
    until(lambda: any("second" in text for text in page.texts("assistant")))
    assert page.call.transcript.when_s.is_monotonic_increasing
    retold = [event["item"]["content"][0]["text"] for event in sandbox.requests[-1].events if "item" in event]
    assert "first" in retold
    assert page.texts("assistant").count("Welcome!") == 1


def test_another_page_has_another_clock(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """Reloaded, it begins to count anew; nothing it hears in the next call is late."""
    page = open_to(sandbox, switchboard, vad="client")
    for t_ms in (1e7, 0.0):
        page.t_ms = t_ms
        page.start()
        hold_and_speak(page)
        until(lambda: not page.call.conversation.is_busy and page.texts("assistant"))
        page.call.stop()
    assert page.call.audio.user.seconds >= 0.8
    assert "busy" not in page.call.message


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda page: page.call.say("Hello?"), id="say"),
        pytest.param(lambda page: page.call.start().start(), id="start-twice"),
    ],
)
def test_what_does_not_fit_the_state_is_a_sentence(sandbox: Sandbox, switchboard: Switchboard, ask: Any) -> None:
    """Typed before it is on, started when it is."""
    page = open_to(sandbox, switchboard)
    with pytest.raises(InputError, match=r"^The call is (not on\. Start it first|on already\. Hang up first)\.$"):
        ask(page)
    page.call.stop()
    page.call.stop()  # twice is no harm


# What ends a call


def test_stop_of_the_kernel_hangs_up(ip: Any, sandbox: Sandbox) -> None:
    """■ while a cell runs, ■ between cells where the kernel lets us know, and the end of the kernel."""
    kernel = SimpleNamespace(saved_sigint_handler=signal.SIG_IGN)
    ip.kernel = kernel
    switchboard = Switchboard(ip)
    switchboard.watch()
    page = open_to(sandbox, switchboard)
    for end, sentence in (
        (lambda: ip.run_cell("raise KeyboardInterrupt"), STOPPED),
        (lambda: kernel.saved_sigint_handler(signal.SIGINT, None), STOPPED),
        (switchboard.close, ENDED),
    ):
        page.start()
        record = sandbox.requests[-1]
        end()
        until(lambda: page.call.state == "over")
        assert page.call.message == sentence
        until(lambda record=record: record.closed_at)
    switchboard.close()


def test_unloading_hangs_up(ip: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extension goes its call."""
    monkeypatch.setattr(glm.current_session(), "_connection", connection_to(sandbox))
    before = list(ip.events.callbacks["post_run_cell"])
    page = Page(glm.talk())
    monkeypatch.setattr(ip.display_pub, "publish", lambda *args, **more: None)
    page.call._ipython_display_()
    page.start()
    assert len(ip.events.callbacks["post_run_cell"]) == len(before) + 1
    ip.run_line_magic("unload_ext", "glm_magics")
    until(lambda: page.call.state == "over")
    assert set(ip.events.callbacks["post_run_cell"]) <= set(before)


def test_a_page_that_hangs_up(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """The button."""
    page = open_to(sandbox, switchboard).start()
    page.send("stop")
    until(lambda: page.call.state == "over")
    assert page.call.message == ""
    assert page.call.wait(PATIENCE_S).is_on is False
    with pytest.raises(OptionError, match="timeout_s is 'x'"):
        page.call.wait("x")


def test_an_hour_of_turns_in_flat_memory(sandbox: Sandbox, switchboard: Switchboard) -> None:
    """What is kept in memory of a call is its words; the sound is on disk."""
    import tracemalloc

    page = open_to(sandbox, switchboard, is_silent=False, vad="client").start()
    page.call.widget.send = lambda content, buffers=None: page.told.append({"type": content["type"]})
    sizes = []
    tracemalloc.start()
    for n in range(30):
        page.call.say("Tell me.")
        until(lambda n=n: len([a for a in page.call.conversation.answers if a.status != "in_progress"]) == n + 1)
        page.told.clear()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] - sizes[9] < 600_000, sizes
    assert np.all(np.diff(sizes[10:]) < 400_000)


# An answer aloud in a cell


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("pieces", "rate_hz", "played"),
    [
        pytest.param([bytes(100), b"\x01" * 50], 44_100, bytes(100) + b"\x01" * 50, id="headerless"),
        pytest.param([bytes(61), bytes(40)], 44_100, bytes(100), id="half-a-sample"),
        pytest.param([write_wave(speech(0.01), 24_000)], 24_000, speech(0.01), id="wav"),
        pytest.param(
            [write_wave(speech(0.01), 24_000)[:20], write_wave(speech(0.01), 24_000)[20:]], 24_000, speech(0.01), id="cut"
        ),
        pytest.param([write_wave(speech(0.01), 24_000, n_channels=2)], 0, None, id="stereo"),
        pytest.param([bytes(100), None], 44_100, bytes(100), id="no-base64"),
    ],
)
def test_a_spoken_answer_is_played_as_it_comes(
    monkeypatch: pytest.MonkeyPatch, pieces: list[bytes | None], rate_hz: int, played: bytes | None
) -> None:
    """Every piece goes to the page at once; what cannot be played ends the playing with a message, and nothing else."""
    monkeypatch.setattr(speaker, "LOADING_S", 0.0)
    live = speaker.LiveSpeech()
    told: list[tuple[dict[str, Any], bytes]] = []
    live._widget.send = lambda content, buffers=None: told.append((content, b"".join(buffers or [])))
    for piece in pieces:
        live.add(["no base64!" if piece is None else _base64(piece)])
    live.end()
    sounds = [(content, data) for content, data in told if content["type"] == "sound"]
    assert b"".join(data for _, data in sounds) == (played or b"")
    assert {content["rate_hz"] for content, _ in sounds} == ({rate_hz} if played else set())
    assert [content["n"] for content, _ in told if "n" in content] == list(range(len(told) - ("stop" in told[-1][0]["type"])))
    assert told[-1][0]["type"] == ("end" if None not in pieces and played else "stop")


def test_a_cell_plays_what_comes_and_stops_with_it(ip: Any, monkeypatch: pytest.MonkeyPatch, fake: Any) -> None:
    """``%%glm`` with the voice model opens one speaker; an answer without sound opens none."""
    heard: list[Any] = []

    class Speaker:
        def add(self, pieces: Any) -> None:
            heard.extend(pieces)

        def end(self) -> None:
            heard.append("end")

        def stop(self) -> None:
            heard.append("stop")

    monkeypatch.setattr("glm_magics.voicepainting.open_in_page", Speaker)
    fake.reply("Only words.")
    ip.run_cell_magic("glm", "", "hello")
    assert heard == []
    with Sandbox(chunk_delay_s=0) as sandbox:
        glm.current_session().transport = None
        monkeypatch.setattr(glm.current_session(), "_connection", connection_to(sandbox))
        ip.run_cell_magic("glm", "glm-4-voice", "Speak.")
    assert heard[-1] == "end"
    assert len(heard) > 2


def test_an_answer_that_is_whole_before_the_page_is_there_is_heard_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short one, as fast as a server can say it."""
    monkeypatch.setattr(speaker, "LOADING_S", 0.2)
    live = speaker.LiveSpeech()
    told: list[str] = []
    is_told = threading.Event()

    def tell(content: dict[str, Any], buffers: object = None) -> None:
        told.append(content["type"])
        if content["type"] == "end":
            is_told.set()

    live._widget.send = tell
    live.add([_base64(bytes(100))])
    live.end()
    assert told == []
    assert is_told.wait(10)
    assert told == ["sound", "end"]
