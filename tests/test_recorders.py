"""A recording made in the cell, without a page: what Python makes of its messages; see test_browser_talk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import glm_magics as glm
from glm_magics import recorders
from glm_magics.errors import MediaError, MissingExtraError
from glm_magics.recorders import RATE_HZ
from glm_magics.sandbox import Sandbox
from glm_magics.testing import FakeGLM

from .calls import connection_to, quiet, speech


class Page:
    """Plays the page."""

    def __init__(self, name: str = "page1") -> None:
        self.recorder = glm.Recorder()
        self.name = name
        self.told: list[tuple[dict[str, Any], bytes]] = []
        self.recorder._widget.send = lambda content, buffers=(): self.told.append((content, bytes(buffers[0])))

    def send(self, type: str, *buffers: Any, page: str = "") -> None:
        self.recorder._widget._handle_custom_msg({"type": type, "page": page or self.name}, list(buffers))

    def record(self, samples: bytes) -> None:
        """In frames of 100 ms."""
        self.send("begin")
        for start in range(0, len(samples), 3200):
            self.send("sound", memoryview(samples[start : start + 3200]))
        self.send("end")


def test_what_is_recorded_is_sound_for_a_question(ip: Any, fake: FakeGLM) -> None:
    """For the model that hears, by ``-f`` as by its name in braces; and for a file."""
    page = Page()
    page.record(speech(0.5))
    ip.user_ns["question"] = page.recorder
    ip.run_cell("%%glm -f question\nWhat do you hear?")
    ip.run_cell("%%glm\nWhat do you hear? {question}")
    parts = [part for body in fake.bodies for part in body["messages"][-1]["content"] if part["type"] == "input_audio"]
    assert [body["model"] for body in fake.bodies] == ["glm-4-voice"] * 2
    assert [part["input_audio"]["format"] for part in parts] == ["wav"] * 2
    assert page.recorder.audio.samples.tobytes() == speech(0.5)
    assert page.recorder.save("question.wav") == Path("question.wav")
    assert (page.recorder.seconds, page.recorder.audio.rate_hz, repr(page.recorder)) == (0.5, RATE_HZ, "<0.5 s recorded>")


def test_it_is_sent_in_a_call(sandbox: Sandbox) -> None:
    """As any recording."""
    page = Page()
    page.record(speech(0.6))
    talk = glm.realtime.talk_file(page.recorder, vad="client", speed=float("inf"), connection=connection_to(sandbox))
    assert "I heard 0.6 seconds of sound." in talk.text


def test_the_cell_keeps_a_player(ip: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a notebook that is saved, and one for the page; recorded again, the old one is gone."""
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(ip.display_pub, "publish", lambda data, metadata=None, **more: shown.append({"data": data, **more}))
    page = Page()
    page.recorder._ipython_display_()
    assert "Run the cell in a notebook to record" in shown[0]["data"]["text/plain"]
    for n, seconds in enumerate((0.5, 1.0), 1):
        page.record(speech(seconds))
        assert shown[-1]["data"]["text/plain"] == f"<{seconds} s of speech>"
        assert shown[-1]["data"]["text/html"].startswith("<audio")
        assert (shown[-1]["transient"], shown[-1]["update"]) == (shown[0]["transient"], True)
        assert len(page.told) == n
    assert page.told[0][0] == {"type": "recording", "mime": "audio/mpeg"}
    assert page.recorder._widget.about == "1.0 s recorded"


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        pytest.param(lambda page: None, "Nothing is recorded yet.", id="nothing"),
        pytest.param(lambda page: page.send("begin"), "It is still being recorded.", id="not-over"),
        pytest.param(lambda page: page.record(quiet(0.5)), "is silent: every sample is 0.", id="silence"),
    ],
)
def test_no_recording_is_a_sentence(ip: Any, fake: FakeGLM, prepare: Any, sentence: str) -> None:
    """And nothing is sent."""
    page = Page()
    prepare(page)
    ip.user_ns["question"] = page.recorder
    with pytest.raises(MediaError, match=sentence):
        glm.ask("What do you hear?", file=page.recorder)
    assert fake.bodies == []


def test_a_page_that_was_closed_is_waited_for_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had sent until then is kept."""
    page = Page()
    page.send("begin")
    page.send("sound", speech(0.1))
    assert page.recorder.is_on
    monkeypatch.setattr(recorders, "GONE_S", 0.0)
    assert page.recorder.__glm__().samples.tobytes() == speech(0.1)


def test_silence_is_told_at_once() -> None:
    """In the widget, before anybody sends it."""
    page = Page()
    page.record(quiet(0.5))
    assert page.recorder._widget.message.startswith("Nothing was heard")
    page.record(speech(0.5))
    assert page.recorder._widget.message == ""


@pytest.mark.parametrize(
    ("type", "buffers", "who"),
    [
        pytest.param("sound", [b"\1\1"], "page2", id="another-page"),
        pytest.param("sound", [], "page1", id="no-buffer"),
        pytest.param("sound", ["text"], "page1", id="text"),
        pytest.param("sound", [bytes(70_000)], "page1", id="too-long"),
        pytest.param("end", [], "page2", id="end-of-another-page"),
        pytest.param("nonsense", [b"\1\1"], "page1", id="unknown"),
        pytest.param("begin", [], "x" * 61, id="no-page"),
    ],
)
def test_what_is_no_message_is_passed_over(type: str, buffers: list[Any], who: str) -> None:
    """A page is foreign, and only the one that began is heard."""
    page = Page()
    page.send("begin")
    page.send("sound", b"\1\1\2")  # half a sample is left out
    page.send(type, *buffers, page=who)
    assert (page.recorder.is_on, bytes(page.recorder._samples)) == (True, b"\1\1")


def test_ten_minutes_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the page sends."""
    monkeypatch.setattr(recorders, "MAX_S", 0.25)
    page = Page()
    page.record(speech(1.0))
    assert page.recorder.seconds == 0.25


def test_a_page_writes_no_traits() -> None:
    """What it says is Python's."""
    page = Page()
    page.recorder._widget.set_state({"message": "<b>", "max_s": 9e9})
    assert (page.recorder._widget.message, page.recorder._widget.max_s) == ("", recorders.MAX_S)


def test_without_anywidget_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence with the extra's name."""
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "glm_magics.widgets.told", raising=False)
    monkeypatch.delitem(sys.modules, "glm_magics.widgets.recorder", raising=False)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[widgets\]"):
        glm.Recorder()
