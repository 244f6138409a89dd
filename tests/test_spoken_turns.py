"""Chats with a model that speaks: an earlier answer is named by its id while the server knows it, else told in words."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

import glm_magics
from glm_magics.chatfiles import read_json
from glm_magics.errors import BadRequestError, ContentBlockedError, GLMError
from glm_magics.options import parse_options
from glm_magics.sandbox import Sandbox
from glm_magics.session import Session
from glm_magics.testing import FakeGLM, sse_frame

from .conftest import KEY
from .test_magics import bundles, run
from .wire import coded

SOUND = base64.b64encode(bytes(4_000)).decode()
BY_ID = {"role": "assistant", "audio": {"id": "the-id"}}
IN_WORDS = {"role": "assistant", "content": "Hello there."}
NOW_S = 1_000_000.0


def speak(fake: FakeGLM, expires_at: object = NOW_S + 60, id: str = "the-id", end: str = "stop") -> None:
    """Scripts an answer aloud."""
    audio = {"id": id, "data": SOUND, "expires_at": expires_at}
    said = {"id": "i", "choices": [{"index": 0, "delta": {"content": "Hello there.", "audio": audio}}]}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": end}]}
    fake.frames(sse_frame(said), sse_frame(last), b"data: [DONE]\n\n")


@pytest.fixture
def clock() -> dict[str, float]:
    return {"now_s": NOW_S}


@pytest.fixture
def asking(fake: FakeGLM, clock: dict[str, float]) -> Iterator[Session]:
    """A session on a clock of ours."""
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY}, clock=lambda: clock["now_s"])
    yield session
    session.close()


def ask(session: Session, text: str = "Go on.", **options: Any) -> Any:
    return session.ask([text], parse_options({"chat": "talk", "model": "glm-4-voice", "quiet": True, **options}))


def test_a_cell_goes_on_by_the_id(ip: Any, fake: FakeGLM) -> None:
    """``%%glm --chat NAME -m glm-4-voice``, ``glm.ask(chat=…)`` and a dry run."""
    speak(fake, time.time() + 60)
    assert run(ip, "%%glm --chat talk -m glm-4-voice\nhi").success
    assert run(ip, "%%glm --chat talk\nAnd?").success
    assert fake.bodies[1]["messages"] == [
        {"role": "user", "content": "hi"},
        BY_ID,
        {"role": "user", "content": "And?"},
    ]
    glm_magics.ask("So?", chat="talk", quiet=True)
    assert fake.bodies[2]["messages"][1] == fake.bodies[2]["messages"][3] == BY_ID
    assert [turn.answer.text for turn in glm_magics.chats()["talk"].turns] == ["Hello there."] * 3, "the words are kept"
    shown = str(bundles(run(ip, "%%glm --chat talk --dry-run\nx")))
    assert "the-id" in shown


@pytest.mark.parametrize(
    ("expires_at", "later_s", "is_known"),
    [
        pytest.param(NOW_S + 60, 59, True, id="in-time"),
        pytest.param(NOW_S + 60, 60, False, id="expired"),
        pytest.param(str(int(NOW_S) + 60), 59, True, id="text"),
        pytest.param(str(int(NOW_S) + 60), 61, False, id="text-expired"),
        pytest.param(NOW_S - 1, 0, False, id="expired-at-once"),
        pytest.param(None, 10**9, True, id="not-said"),
        pytest.param("soon", 10**9, True, id="unreadable"),
        pytest.param("nan", 0, False, id="nan"),
    ],
)
def test_the_id_holds_until_it_expires(
    asking: Session, fake: FakeGLM, clock: dict[str, float], expires_at: object, later_s: float, is_known: bool
) -> None:
    """As a number or text of the vendor's."""
    speak(fake, expires_at)
    ask(asking)
    clock["now_s"] += later_s
    ask(asking)
    assert fake.bodies[1]["messages"][1] == (BY_ID if is_known else IN_WORDS)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda session: {"model": "glm-4.7"}, id="model"),
        pytest.param(lambda session: session.connect("zai", api_key=KEY) and {}, id="provider"),
        pytest.param(lambda session: session.connect("http://127.0.0.1:9/v1", kind="vllm") and {}, id="server"),
        pytest.param(lambda session: {"cache": True}, id="on-record"),
    ],
)
def test_others_are_told_in_words(asking: Session, fake: FakeGLM, other: Any) -> None:
    """Nobody else knows the id, and a record is for any day; back at the first it is known again."""
    speak(fake)
    ask(asking)
    fake.reply("Fine.")
    ask(asking, **other(asking))
    assert fake.bodies[1]["messages"][1] == IN_WORDS
    asking.connect()
    ask(asking)
    assert [message.get("audio") for message in fake.bodies[2]["messages"]] == [None, {"id": "the-id"}, None, None, None]


@pytest.mark.parametrize("end", ["length", "sensitive"])
def test_what_broke_off_is_told_in_words(asking: Session, fake: FakeGLM, end: str) -> None:
    """Who knows what the server keeps of it."""
    speak(fake, end=end)
    ask(asking)
    ask(asking)
    assert fake.bodies[1]["messages"][1] == IN_WORDS


@pytest.mark.parametrize("later_s", [0, 100])
def test_a_saved_chat_keeps_the_id(asking: Session, fake: FakeGLM, clock: dict[str, float], later_s: float) -> None:
    """After a restart it is named while it is known; past that, told in words. An exported one keeps it too."""
    speak(fake)
    ask(asking)
    asking.chats.save("talk")
    other = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY}, clock=lambda: clock["now_s"] + later_s)
    assert other.chats.resume("talk") == asking.chats["talk"]
    ask(other)
    assert fake.bodies[1]["messages"][1] == (IN_WORDS if later_s else BY_ID)


@pytest.mark.parametrize(
    "spoken",
    [
        pytest.param("the-id", id="text"),
        pytest.param({"id": ""}, id="empty"),
        pytest.param({"id": "x" * 201, "model": "m", "provider": "p"}, id="long"),
        pytest.param({"id": 5, "model": "m", "provider": "p"}, id="number"),
        pytest.param({"id": "a", "model": "m", "provider": "p", "expires_at": "soon"}, id="time"),
        pytest.param({"id": "a", "model": "m", "provider": "p", "expires_at": True}, id="flag"),
    ],
)
def test_a_file_with_an_id_that_is_none_is_read(spoken: Any) -> None:
    """Its words are there."""
    said = {"role": "assistant", "parts": [{"kind": "text", "text": "Hello."}], "spoken": spoken}
    asked = {"role": "user", "parts": [{"kind": "text", "text": "Hi."}]}
    chat = read_json(json.dumps({"glm_chat": 1, "name": "talk", "turns": [{"messages": [asked, said]}]}))
    assert (chat.turns[0].answer.spoken, chat.turns[0].answer.text) == (None, "Hello.")


# A server that has forgotten it


@pytest.mark.parametrize("code", ["1210", "1213", "1214"])
def test_a_forgotten_id_is_told_in_words_once(ip: Any, fake: FakeGLM, code: str) -> None:
    """The same turn again, with a line that says so; from then on the chat tells it in words, saved or not."""
    speak(fake, time.time() + 60)
    run(ip, "%%glm -c talk -m glm-4-voice\nhi")
    run(ip, "%glm_chat save talk")
    fake.error(400, coded(code, "audio.id"))
    fake.reply("Fine.")
    again = run(ip, "%%glm -c talk\nAnd?")
    assert again.success
    assert "asking again with its words" in str(bundles(again))
    assert "Fine." in str(bundles(again))
    assert [body["messages"][1] for body in fake.bodies[1:]] == [BY_ID, IN_WORDS]
    run(ip, "%%glm -c talk\nSo?")
    assert fake.bodies[3]["messages"][1] == IN_WORDS
    run(ip, "%glm_chat reset talk")
    run(ip, "%glm_chat resume talk")
    assert [turn.answer.spoken for turn in glm_magics.chats()["talk"].turns] == [None, None, None]


def test_in_the_background_too(asking: Session, fake: FakeGLM) -> None:
    """A job asks again as a cell does."""
    speak(fake)
    ask(asking)
    fake.error(400, coded("1214"))
    fake.reply("Fine.")
    assert ask(asking, background=True).wait().text == "Fine."
    assert [turn.answer.text for turn in asking.chats["talk"].turns] == ["Hello there.", "Fine."]
    assert [turn.answer.spoken for turn in asking.chats["talk"].turns] == [None, None]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        pytest.param(400, "1301", ContentBlockedError, id="blocked"),
        pytest.param(400, "1211", BadRequestError, id="model"),
        pytest.param(401, "1002", GLMError, id="key"),
    ],
)
def test_other_refusals_are_not_asked_again(
    asking: Session, fake: FakeGLM, status: int, code: str, error: type[GLMError]
) -> None:
    """They would be refused in words as well; the id is kept."""
    speak(fake)
    ask(asking)
    fake.error(status, coded(code))
    with pytest.raises(error):
        ask(asking)
    assert len(fake.bodies) == 2
    assert asking.chats["talk"].turns[0].answer.spoken


def test_words_that_are_refused_too_are_an_error(asking: Session, fake: FakeGLM) -> None:
    """Once more and no oftener; it was not the id, which is kept."""
    speak(fake)
    ask(asking)
    fake.error(400, coded("1214", "temperature"))
    with pytest.raises(BadRequestError, match="temperature"):
        ask(asking)
    assert [message.get("audio") for body in fake.bodies[1:] for message in body["messages"][1:2]] == [{"id": "the-id"}, None]
    assert asking.chats["talk"].turns[0].answer.spoken


def test_without_an_id_a_refusal_is_an_error_at_once(asking: Session, fake: FakeGLM) -> None:
    """Nothing would be different the second time."""
    fake.reply("Fine.")
    ask(asking)
    fake.error(400, coded("1214"))
    with pytest.raises(BadRequestError):
        ask(asking)
    assert len(fake.bodies) == 2


# The sandbox


@pytest.mark.parametrize(
    ("spoken_for_s", "clock_s", "sent"),
    [
        pytest.param(60.0, None, [True, True], id="known"),
        pytest.param(0.0, None, [False, False], id="expired-for-both"),
        pytest.param(0.0, 0.0, [True, False, False], id="expired-for-the-server-alone"),
    ],
)
@pytest.mark.parametrize("no_stream", [False, True], ids=["streamed", "whole"])
def test_the_sandbox_knows_its_own(spoken_for_s: float, clock_s: float | None, sent: list[bool], no_stream: bool) -> None:
    """It takes an id until it has expired, and refuses it then; a chat goes on all the same."""
    with Sandbox(chunk_delay_s=0.0, spoken_for_s=spoken_for_s) as sandbox:
        environment = {"GLM_BASE_URL": sandbox.base_url, "GLM_API_KEY": sandbox.key}
        session = Session(environment=environment, clock=time.time if clock_s is None else lambda: clock_s)
        try:
            for text in ("One.", "Two.", "Three."):
                assert text in ask(session, text, no_stream=no_stream).text
        finally:
            session.close()
        messages = [record.body["messages"][1] for record in sandbox.requests[1:]]
    assert ["audio" in message for message in messages][: len(sent)] == sent


def test_another_sandbox_does_not_know_it(tmp_path: Any) -> None:
    """A saved chat in a new kernel whose sandbox is new: refused, and told in words."""
    for is_first in (True, False):
        session = Session(environment={"GLM_PROVIDER": "sandbox", "GLM_SANDBOX_DELAY_S": "0"})
        try:
            if not is_first:
                session.chats.resume("talk")
            ask(session, "Hello.")
            session.chats.save("talk")
            statuses = [record.status for record in session.sandbox.requests]
        finally:
            session.close()
    assert statuses == [400, 200]
