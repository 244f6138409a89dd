"""Calls over a real socket with the sandbox at the other end: one session, its mishaps, and a file as one side of it."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
import tracemalloc
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

import glm_magics as glm
from glm_magics.errors import (
    AuthenticationError,
    BadRequestError,
    CutShortError,
    GLMError,
    GLMWarning,
    InputError,
    Interrupted,
    MediaError,
    MissingExtraError,
    NetworkError,
    NoProviderError,
    OptionError,
    RateLimitError,
)
from glm_magics.media.audio import Sound
from glm_magics.providers import PROVIDERS, Connection, Secret, sandbox_provider
from glm_magics.realtime import CallSetup, RealtimeSession, mailbox, session, talk_file, talks
from glm_magics.realtime import server_events as ev
from glm_magics.realtime.bills import Bill
from glm_magics.realtime.client_events import ClientEvent, ItemCreate
from glm_magics.realtime.link import Link, LinkLost, realtime_url
from glm_magics.realtime.local_events import ConnectionLost, Reconnected
from glm_magics.retries import RetryPolicy
from glm_magics.sandbox import Sandbox
from glm_magics.waves import write_wave

from .calls import connection_to, play, quiet, speech
from .conftest import KEY
from .films import sound, tone, wave_file
from .loopback import Loopback
from .patience import PATIENCE_S, until
from .wire import press_stop

AT_ONCE = RetryPolicy(3, base_s=0.0)
TOOL = {"type": "function", "function": {"name": "get_temp", "parameters": {"type": "object", "properties": {}}}}


def call_to(sandbox: Sandbox, **fields: Any) -> RealtimeSession:
    own = {name: fields.pop(name) for name in ("silence_s", "retry", "transcribes_only", "kept_audio_s") if name in fields}
    return RealtimeSession(connection_to(sandbox), CallSetup(**{"vad": "client", **fields}), **{"retry": AT_ONCE, **own})


def said(sandbox: Sandbox) -> list[str]:
    """What the client of the last connection said, by type."""
    return [event["type"] for event in sandbox.requests[-1].events]


# One session


def test_push_to_talk(sandbox: Sandbox) -> None:
    """Append, commit, respond; the answer has words, sound and tokens."""

    async def scene() -> None:
        sandbox.hear("How are you?")
        sandbox.reply("Fine, thanks.")
        async with call_to(sandbox) as call:
            await call.append(speech(0.3) + b"\x01")
            await call.commit()
            await call.respond()
            answer = await call.answer(PATIENCE_S)
            assert (answer.text, answer.status) == ("Fine, thanks.", "completed")
            assert answer.speech.samples.dtype == np.int16
            assert answer.usage.output_audio_tokens > 0
            lines = [(who, text) for who, _, text in call.conversation.lines()]
            assert lines == [("user", "How are you?"), ("assistant", "Fine, thanks.")]
            assert call.n_missed == 0
        assert not call.is_connected

    play(scene)


def test_hands_free(sandbox: Sandbox) -> None:
    """Under server VAD sound is all that is sent; events come typed and in order."""

    async def scene() -> None:
        async with call_to(sandbox, vad="server", silence_ms=300) as call:
            await call.append(speech(0.3) + quiet(0.5))
            kinds = []
            async for event in call:
                kinds.append(type(event))
                if isinstance(event, ev.ResponseDone):
                    break
            assert kinds.index(ev.SpeechStarted) < kinds.index(ev.SpeechStopped) < kinds.index(ev.AudioCommitted)
            assert not call.conversation.is_user_speaking
            with pytest.raises(OptionError, match="commits by itself"):
                await call.commit()

    play(scene)


def test_typed_words_and_functions(sandbox: Sandbox) -> None:
    """In the same conversation; results go back in order."""

    async def scene() -> None:
        async with call_to(sandbox, tools=[TOOL]) as call:
            await call.write("get_temp, please")
            await call.respond()
            answer = await call.answer(PATIENCE_S)
            assert [each.name for each in answer.calls] == ["get_temp"]
            await call.give_results(["24 C"])
            assert "The tools answered: 24 C" in (await call.answer(PATIENCE_S)).text
            await call.give_results([""])  # the server takes no empty result
            assert "The tools answered: null" in (await call.answer(PATIENCE_S)).text
            with pytest.raises(OptionError, match="nothing to say"):
                await call.write("  ")

    play(scene)


def test_items_are_retrieved_and_deleted(sandbox: Sandbox) -> None:
    """The server's own answer, or its refusal as an error that leaves the call open."""

    async def scene() -> None:
        async with call_to(sandbox) as call:
            await call.append(speech(0.3))
            await call.commit()
            item_id = (await call.wait_for(ev.AudioCommitted, PATIENCE_S)).item_id
            item = await call.retrieve(item_id)
            assert (item.id, item.role, item.has_audio) == (item_id, "user", True)
            await call.delete(item_id)
            with pytest.raises(BadRequestError, match="There is no item") as refused:
                await call.retrieve(item_id)
            assert refused.value.code == "invalid_event"
            assert call.is_connected
            await call.clear()
            await call.wait_for(ev.AudioCleared, PATIENCE_S)

    play(scene)


def test_cancelling(slow: Sandbox) -> None:
    """The answer ends as cancelled; without one nothing is sent."""

    async def scene() -> None:
        slow.reset()
        slow.reply("one two three four five six seven eight nine ten")
        async with call_to(slow) as call:
            await call.cancel()
            await call.write("Count.")
            await call.respond()
            await call.wait_for(ev.AudioDelta, PATIENCE_S)
            await call.cancel()
            answer = await call.answer(PATIENCE_S)
            assert (answer.status, call.conversation.running) == ("cancelled", None)
            assert said(slow).count("response.cancel") == 1

    play(scene)


def test_the_setup_changes_in_the_middle(sandbox: Sandbox) -> None:
    """Turn detection goes with every update; what the server refuses is an error, and the call goes on."""

    async def scene() -> None:
        async with call_to(sandbox, vad="server") as call:
            await call.update(tools=[TOOL])
            sessions = [event["session"] for event in sandbox.requests[-1].events if event["type"] == "session.update"]
            assert all(session["turn_detection"]["type"] == "server_vad" for session in sessions)
            with pytest.raises(OptionError):
                await call.update(voice="nobody")
            before = call.setup
            with pytest.raises(BadRequestError, match=r"session\.model: one of"):
                await call.update(model="nobody!", vad="client")
            assert call.setup == before
            await call.update(vad="client")
            await call.append(speech(0.2))
            await call.commit()
            await call.wait_for(ev.AudioCommitted, PATIENCE_S)

    play(scene)


def test_a_change_greets_nobody_and_takes_tools_away(sandbox: Sandbox) -> None:
    """The server hears of the greeting once; what has no tools any more calls none."""

    async def scene() -> None:
        async with call_to(sandbox, greeting="Hello!", tools=[TOOL]) as call:
            assert (await call.answer(PATIENCE_S)).text == "Hello!"
            await call.update(temperature=0.3, tools=[])
            await call.write("get_temp, please")
            await call.respond()
            answer = await call.answer(PATIENCE_S)
            assert ("I read: get_temp, please" in answer.text, answer.calls) == (True, [])
            assert len(call.conversation.answers) == 2

    play(scene)


def test_turns_that_are_answered_when_asked(sandbox: Sandbox) -> None:
    """The server's VAD ends the turn and no more; in a call with a recording too."""

    async def scene() -> None:
        async with call_to(sandbox, vad="server", silence_ms=300, is_answered_unasked=False) as call:
            await call.append(speech(0.3) + quiet(0.5))
            await call.wait_for(ev.AudioCommitted, PATIENCE_S)
            assert not call.conversation.is_busy
            await call.respond()
            assert "I heard" in (await call.answer(PATIENCE_S)).text

    play(scene)
    result = talk(sandbox, write_wave(speech(0.4), 16_000), silence_ms=300, is_answered_unasked=False)
    assert len(result.answers) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"tools": 5}, r"^tools is 5\. Give a list", id="tools"),
        pytest.param({"nonsense": 1}, "no option 'nonsense'", id="nonsense"),
        pytest.param({"voice": None}, "^voice is None", id="voice"),
        pytest.param({"vad": []}, r"^vad is \[\]", id="vad"),
        pytest.param({"temperature": "hot"}, "^temperature is 'hot'", id="temperature"),
        pytest.param({"is_silent": 1}, "^is_silent is 1", id="is_silent"),
        pytest.param({"input_format": "mp3"}, "no input format 'mp3'", id="format"),
    ],
)
def test_a_wrong_change_is_a_sentence(sandbox: Sandbox, changes: dict[str, Any], sentence: str) -> None:
    """Nothing is sent, and the setup stays."""

    async def scene() -> None:
        async with call_to(sandbox) as call:
            before = call.setup
            with pytest.raises(OptionError, match=sentence):
                await call.update(**changes)
            assert call.setup == before
            assert said(sandbox).count("session.update") == 1

    play(scene)


@pytest.mark.parametrize("timeout_s", ["x", -1, [], True], ids=["text", "negative", "list", "bool"])
def test_a_wrong_patience_is_a_sentence(sandbox: Sandbox, timeout_s: Any) -> None:
    """For an answer as for any event."""

    async def scene() -> None:
        async with call_to(sandbox) as call:
            with pytest.raises(OptionError, match=r"^timeout_s is .* Give a number of seconds"):
                await call.answer(timeout_s)
            with pytest.raises(OptionError, match=r"^timeout_s is .* Give a number of seconds"):
                await call.wait_for(ev.ResponseDone, timeout_s)

    play(scene)


def test_video_frames(sandbox: Sandbox) -> None:
    """JPEG only, and in video calls only."""

    async def scene() -> None:
        async with call_to(sandbox, has_video=True) as call:
            await call.append_frame(b"\xff\xd8\xff\xe0 picture")
            with pytest.raises(InputError, match="no JPEG"):
                await call.append_frame(b"\x89PNG")
            await call.write("What is it?")
            await call.respond()
            assert "I was sent 1 picture." in (await call.answer(PATIENCE_S)).text
            await call.respond()
            with pytest.raises(BadRequestError, match="no video frame") as refused:
                await call.answer(PATIENCE_S)
            assert refused.value.code == "video_model_query_error"
        async with call_to(sandbox) as call:
            with pytest.raises(InputError, match="without video"):
                await call.append_frame(b"\xff\xd8\xff")

    play(scene)


def test_a_transcription_session(sandbox: Sandbox) -> None:
    """Speech is written down, and nobody answers."""

    async def scene() -> None:
        sandbox.hear("Take a letter.")
        async with call_to(sandbox, vad="server", transcribes_only=True) as call:
            await call.append(speech(0.3) + quiet(0.8))
            assert (await call.wait_for(ev.TranscriptionCompleted, PATIENCE_S)).transcript == "Take a letter."
            assert not call.conversation.is_busy
            assert said(sandbox)[0] == "transcription_session.update"

    play(scene)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda call: call.respond(), id="respond"),
        pytest.param(lambda call: call.answer(PATIENCE_S), id="answer"),
        pytest.param(lambda call: call.give_results(["24 C"]), id="results"),
    ],
)
def test_a_transcription_session_answers_in_a_sentence(sandbox: Sandbox, ask: Any) -> None:
    """That it does not answer; nothing is sent, and it goes on."""

    async def scene() -> None:
        async with call_to(sandbox, transcribes_only=True) as call:
            with pytest.raises(OptionError, match="only writes down what is heard"):
                await ask(call)
            assert not {"response.create", "conversation.item.create"} & {*said(sandbox)}
            await call.append(speech(0.2))
            await call.commit()
            await call.wait_for(ev.TranscriptionCompleted, PATIENCE_S)

    play(scene)


@pytest.mark.parametrize("changes", [{"model": "realtime-air"}, {"has_video": True}], ids=["model", "has_video"])
def test_what_a_call_is_billed_by_stays(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    """Minutes of another model, or with pictures, have another price; the same value again is no change."""

    async def scene() -> None:
        connection = connection_to(sandbox)
        bill = Bill(None, connection.provider, CallSetup())
        async with RealtimeSession(connection, CallSetup(vad="client"), bill=bill) as call:
            [name] = changes
            with pytest.raises(OptionError, match=f"keeps its {name}.* Open another with {name}="):
                await call.update(**changes)
            await call.update(**{name: getattr(call.setup, name)}, is_silent=True)
            assert said(sandbox).count("session.update") == 2

    play(scene)


@pytest.mark.parametrize("input_format", ["pcm", "pcm16", "pcm24", "wav"])
def test_every_input_format(sandbox: Sandbox, input_format: str) -> None:
    """The server hears as many seconds as were sent."""

    async def scene() -> None:
        async with call_to(sandbox, input_format=input_format) as call:
            for _ in range(3):
                await call.append(speech(0.1, call.setup.input_rate_hz))
            await call.commit()
            await call.respond()
            assert "I heard 0.3 seconds" in (await call.answer(PATIENCE_S)).text

    play(scene)


def test_two_calls_at_once(sandbox: Sandbox) -> None:
    """Each has its own conversation; beyond the account's limit the second is a sentence."""

    async def scene() -> None:
        async with call_to(sandbox) as one, call_to(sandbox) as other:
            await one.write("One.")
            await other.write("Two.")
            await asyncio.gather(one.respond(), other.respond())
            answers = await asyncio.gather(one.answer(PATIENCE_S), other.answer(PATIENCE_S))
            assert ["I read: One." in answers[0].text, "I read: Two." in answers[1].text] == [True, True]
        with Sandbox(concurrency=1) as small:
            async with call_to(small):
                with pytest.raises(RateLimitError, match="Too many requests"):
                    await call_to(small).open()

    play(scene)


def test_appends_are_kept_under_the_limit(sandbox: Sandbox) -> None:
    """However fast they are handed in, the server drops none."""

    async def scene() -> None:
        async with call_to(sandbox) as call:
            for _ in range(60):
                await call.append(speech(0.02))
            await call.commit()
            await call.respond()
            assert "I heard 1.2 seconds" in (await call.answer(PATIENCE_S)).text
            assert sandbox.requests[-1].n_dropped == 0

    play(scene)


# The key


def to(url: str, key: str = "a.b") -> Connection:
    return Connection(sandbox_provider(url), Secret(key))


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        pytest.param(PROVIDERS["bigmodel"].base_url, "wss://open.bigmodel.cn/api/paas/v4/realtime", id="vendor"),
        pytest.param("http://127.0.0.1:8765/api/paas/v4/", "ws://127.0.0.1:8765/api/paas/v4/realtime", id="sandbox"),
    ],
)
def test_where_calls_go(base_url: str, url: str) -> None:
    """The reference's address, encrypted wherever chats are."""
    assert realtime_url(base_url) == url


def test_the_key_goes_into_the_header_alone(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Not into the address, an event, a log line or a repr."""

    async def scene() -> None:
        caplog.set_level(logging.DEBUG)
        connection = Connection(sandbox_provider(sandbox.base_url), Secret(KEY))
        async with RealtimeSession(connection, CallSetup()) as call:
            await call.write("Hello")
            record = sandbox.requests[-1]
            assert record.headers["authorization"] == "Bearer ***"
            assert KEY not in repr(vars(call)) + repr(list(record.events)) + record.path
        assert KEY not in caplog.text

    play(scene)


@pytest.mark.parametrize(
    ("connection", "error", "sentence"),
    [
        pytest.param(lambda url: to(url, "nonsense"), AuthenticationError, "key is not valid", id="bad-key"),
        pytest.param(lambda url: Connection(sandbox_provider(url)), NoProviderError, "no key", id="no-key"),
        pytest.param(lambda url: to(url + "/x"), GLMError, "nothing at this address", id="wrong-path"),
        pytest.param(lambda url: Connection(PROVIDERS["zai"], Secret("a.b")), InputError, "has no Realtime", id="zai"),
        pytest.param(lambda url: to("http://127.0.0.1:1/v4"), NetworkError, "cannot be reached for a call", id="nobody"),
    ],
)  # fmt: skip
def test_a_call_that_does_not_begin(sandbox: Sandbox, connection: Any, error: type[GLMError], sentence: str) -> None:
    """One sentence, with a way out."""

    async def scene() -> None:
        with pytest.raises(error, match=sentence) as refused:
            await RealtimeSession(connection(sandbox.base_url), CallSetup())
        assert refused.value.way_out

    play(scene)


def test_a_redirection_gets_no_key(sandbox: Sandbox, loopback: Any) -> None:
    """The key is meant for one server."""

    def point_elsewhere(socket: Any) -> None:
        target = realtime_url(sandbox.base_url)
        socket.sendall(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())

    async def scene() -> None:
        server: Loopback = loopback(point_elsewhere)
        n = len(sandbox.requests)
        with pytest.raises(GLMError, match="points to another address"):
            await RealtimeSession(Connection(sandbox_provider(server.url), Secret(KEY)), CallSetup())
        assert len(sandbox.requests) == n

    play(scene)


def test_a_refused_setup_closes_the_call(sandbox: Sandbox) -> None:
    """The server's words are in the error."""

    async def scene() -> None:
        call = call_to(sandbox, model="mine!")
        with pytest.raises(BadRequestError, match=r"session\.model"):
            await call.open()
        assert not call.is_connected
        with pytest.raises(InputError, match="opened before"):
            await call.open()

    play(scene)


# Mishaps


@pytest.mark.parametrize("fault", ["call-late", "call-lost", "call-reordered", "call-done-early", "call-error"])
def test_faults_that_a_call_bears(sandbox: Sandbox, fault: str) -> None:
    """The words are whole in the end, whatever order or loss."""

    async def scene() -> None:
        sandbox.hear("Hello?")
        sandbox.reply("one two three four five six seven eight")
        sandbox.fault(fault)
        async with call_to(sandbox) as call:
            await call.append(speech(0.3))
            await call.commit()
            await call.respond()
            await call.wait_for(ev.ResponseDone, PATIENCE_S)
            await call.retrieve((await anext(event async for event in call if isinstance(event, ev.AudioCommitted))).item_id)
            lines = [(who, text) for who, _, text in call.conversation.lines()]
            assert lines == [("user", "Hello?"), ("assistant", "one two three four five six seven eight")]

    play(scene)


def test_a_broken_connection_is_made_again(sandbox: Sandbox) -> None:
    """The conversation is told again as text, without the greeting; the reader is told what happened."""

    async def scene() -> None:
        async with call_to(sandbox, greeting="Welcome.") as call:
            await asyncio.sleep(0.05)
            assert (await call.answer(PATIENCE_S)).text == "Welcome."
            await call.write("My name is Ada.")
            await call.respond()
            await call.answer(PATIENCE_S)
            sandbox.fault("call-cut")
            await call.write("What is my name?")
            await call.respond()
            lost = await call.wait_for(ConnectionLost, PATIENCE_S)
            assert lost.reason == "the connection broke off"
            again = await call.wait_for(Reconnected, PATIENCE_S)
            assert again.n_retold == 5
            assert [answer.status for answer in call.conversation.answers] == ["completed", "completed", "lost"]
            await call.respond()
            assert (await call.answer(PATIENCE_S)).status == "completed"
            retold = [event for event in sandbox.requests[-1].events if event["type"] == "conversation.item.create"]
            texts = [(event["item"]["role"], event["item"]["content"][0]["text"]) for event in retold]
            assert texts[:2] == [("assistant", "Welcome."), ("user", "My name is Ada.")]
            assert texts[3] == ("user", "What is my name?")
            assert "greeting_config" not in sandbox.requests[-1].events[0]["session"]["beta_fields"]

    play(scene)


def test_a_transcription_session_is_made_again_as_one(sandbox: Sandbox) -> None:
    """It still answers nobody."""

    async def scene() -> None:
        async with call_to(sandbox, transcribes_only=True) as call:
            again = asyncio.ensure_future(call.wait_for(Reconnected, PATIENCE_S))
            await asyncio.sleep(0)  # it waits before anything can come
            await call._link.drop()
            await again
            await call.append(speech(0.2))
            await call.commit()
            await call.wait_for(ev.TranscriptionCompleted, PATIENCE_S)
            assert said(sandbox)[0] == "transcription_session.update"

    play(scene)


@pytest.mark.parametrize("fault", ["call-cut", "call-mute"])
@pytest.mark.parametrize("vad", ["client", "server"])
def test_an_answer_that_breaks_off_is_given_as_lost(fault: str, vad: str) -> None:
    """With what came of it, to whoever waits for it and to whoever reads; the next question is answered."""

    async def scene() -> None:
        with Sandbox(chunk_delay_s=0, heartbeat_s=0.1) as sandbox:
            sandbox.reply("one two three four five six seven eight")
            sandbox.fault(fault)
            async with call_to(sandbox, vad=vad, silence_s=0.3) as call:
                await call.write("Count.")
                await call.respond()
                answer = await call.answer(PATIENCE_S)
                assert (answer.status, answer.text.startswith("one"), "eight" in answer.text) == ("lost", True, False)
                lost = await anext(event async for event in call if isinstance(event, ConnectionLost))
                assert (lost.response_ids, lost.n_unbegun) == ((answer.id,), 0)
                await call.respond()
                assert (await call.answer(PATIENCE_S)).status == "completed"

    play(scene)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda call: call.respond(), id="asked"),
        pytest.param(lambda call: call.clear(), id="only-heard"),
    ],
)
def test_an_answer_that_never_began_must_be_asked_for_again(ask: Any) -> None:
    """The connection breaks before its first event: that is an error in words, and the call goes on."""

    async def scene() -> None:
        setup = CallSetup(vad="client")
        async with _cutting_server() as connection, RealtimeSession(connection, setup, retry=AT_ONCE) as call:
            await call.write("Hello")
            await ask(call)
            with pytest.raises(CutShortError, match=r"broke before the answer began: .*ask again"):
                await call.answer(PATIENCE_S)
            await call.respond()
            assert (await call.answer(PATIENCE_S)).status == "completed"
            lost = await anext(event async for event in call if isinstance(event, ConnectionLost))
            assert lost.response_ids == ()

    play(scene)


def test_a_connection_that_breaks_while_it_is_set_up_is_made_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """And whoever waited for an answer is told what became of it."""
    send, setups = Link.send, []

    async def break_second(link: Link, text: str) -> None:
        if '"session.update"' in text:
            setups.append(text)
            if len(setups) == 2:
                raise LinkLost("it broke again")
        await send(link, text)

    monkeypatch.setattr(Link, "send", break_second)

    async def scene() -> None:
        async with call_to(sandbox) as call:
            sandbox.fault("call-cut")
            await call.write("Hello")
            await call.respond()
            assert (await call.answer(PATIENCE_S)).status == "lost"
            await call.respond()
            assert (await call.answer(PATIENCE_S)).status == "completed"
            assert len(setups) == 3

    play(scene)


@asynccontextmanager
async def _cutting_server() -> AsyncIterator[Connection]:
    """It drops its first connection at the first event after the typed words; the next it serves."""
    n_connections = 0

    async def handle(socket: ServerConnection) -> None:
        nonlocal n_connections
        n_connections += 1
        is_first = n_connections == 1
        async for text in socket:
            kind = json.loads(text)["type"]
            if kind == "session.update":
                await socket.send(json.dumps({"type": "session.updated", "session": {}}))
            elif is_first and kind != "conversation.item.create":
                socket.transport.abort()
            elif kind == "response.create":
                for status in ("created", "done"):
                    response = {"id": "r", "status": "in_progress" if status == "created" else "completed"}
                    await socket.send(json.dumps({"type": f"response.{status}", "response": response}))

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Connection(sandbox_provider(f"http://127.0.0.1:{port}"), Secret("a.b"))


def test_a_server_that_never_answers_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the handshake, and says nothing to the setup: the call is closed again."""
    monkeypatch.setattr(session, "REPLY_TIMEOUT_S", 0.1)
    closed = asyncio.Event()

    async def handle(socket: ServerConnection) -> None:
        await socket.wait_closed()
        closed.set()

    async def scene() -> None:
        async with serve(handle, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            connection = Connection(sandbox_provider(f"http://127.0.0.1:{port}"), Secret("a.b"))
            with pytest.raises(NetworkError, match=r"^The server did not answer within 0\.1 s\. Try again\.$"):
                await RealtimeSession(connection, CallSetup())
            await closed.wait()

    play(scene)


def test_a_proxy_is_asked_for_servers_elsewhere_alone(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told where to, and not the key; this machine's own sandbox needs none."""
    asked: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        writer.close()

    async def scene() -> None:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as proxy:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
            monkeypatch.delenv("no_proxy", raising=False)
            async with call_to(sandbox):
                pass
            assert asked == []
            vendor = Connection(PROVIDERS["bigmodel"], Secret(KEY))
            with pytest.raises(
                NetworkError, match=r"open\.bigmodel\.cn cannot be reached for a call: .*502.* Look at the network, a proxy"
            ):
                await RealtimeSession(vendor, CallSetup())
            assert asked[0].startswith("CONNECT open.bigmodel.cn:443 ")
            assert KEY not in asked[0]

    play(scene)


def test_a_server_without_a_heartbeat_is_given_up() -> None:
    """Silence for too long is a broken connection."""

    async def scene() -> None:
        with Sandbox(chunk_delay_s=0, heartbeat_s=0.1) as sandbox:
            async with call_to(sandbox, silence_s=1.0) as call:
                await asyncio.sleep(1.2)
                assert len(sandbox.requests) == 1  # heartbeats keep it
                sandbox.fault("call-mute")
                await call.write("Hello")
                await call.respond()
                assert (await call.wait_for(ConnectionLost, PATIENCE_S)).reason == "the server said nothing for 1 s"
                await call.wait_for(Reconnected, PATIENCE_S)
                assert call.is_connected

    play(scene)


def test_a_server_that_is_gone_ends_the_call() -> None:
    """After its tries: whoever reads, waits or sends is told, and what was said is kept."""

    async def scene() -> None:
        sandbox = Sandbox(chunk_delay_s=0).start()
        call = await call_to(sandbox, retry=RetryPolicy(2, base_s=0.0))
        await call.write("Hello")
        waiting = asyncio.create_task(call.wait_for(ev.ResponseDone))
        await asyncio.to_thread(sandbox.stop)
        with pytest.raises(CutShortError, match="The call broke off: the server closed it"):
            await waiting
        with pytest.raises(CutShortError):
            async for _ in call:
                pass
        with pytest.raises(CutShortError):
            await call.write("Anybody?")
        assert [text for _, _, text in call.conversation.lines()] == ["Hello"]
        await call.close()

    play(scene)


def test_a_key_that_is_refused_later_ends_the_call(sandbox: Sandbox) -> None:
    """No use in trying again."""

    async def scene() -> None:
        async with call_to(sandbox) as call:
            sandbox.fault("call-cut")
            sandbox.fault("401/1003")
            await call.write("Hello")
            await call.respond()
            with pytest.raises(AuthenticationError, match="expired"):
                await call.answer(PATIENCE_S)

    play(scene)


def test_a_server_that_is_busy_is_tried_again(sandbox: Sandbox) -> None:
    """An overloaded server at the second handshake ends no call; one that drops every connection does."""

    async def scene() -> None:
        async with call_to(sandbox, retry=RetryPolicy(4, base_s=0.0)) as call:
            sandbox.fault("call-cut")
            sandbox.fault("503")
            await call.write("Hello")
            await call.respond()
            await call.wait_for(Reconnected, PATIENCE_S)
            sandbox.fault("call-cut", times=9)
            with pytest.raises(CutShortError, match="broke off"):
                await _respond_for_ever(call)

    play(scene)


async def _respond_for_ever(call: RealtimeSession) -> None:
    while True:
        await call.respond()
        await call.wait_for(Reconnected, PATIENCE_S)


class Sent:
    """A link that keeps what is sent."""

    is_open = True

    def __init__(self, breaks: Callable[[], object] | None = None) -> None:
        self.events: list[ClientEvent] = []
        self._breaks = breaks

    async def send(self, event: ClientEvent) -> None:
        self.events.append(event)
        if self._breaks:
            self._breaks()
            raise LinkLost("the connection broke off")


def test_what_waits_for_a_connection_that_breaks_again_waits_on() -> None:
    """It was there, and gone again before those who waited for it woke."""

    async def scene() -> None:
        call = RealtimeSession(Connection(sandbox_provider("http://127.0.0.1:9")), CallSetup())
        writing = asyncio.create_task(call.write("Hello"))
        await asyncio.sleep(0)
        call._is_up.set()
        call._is_up.clear()
        await asyncio.sleep(0)
        call._link = link = Sent()  # type: ignore[assignment]
        call._is_up.set()
        await writing
        (event,) = link.events
        assert isinstance(event, ItemCreate)
        assert event.item.text == "Hello"

    play(scene)


def test_a_question_that_is_told_to_be_lost_is_not_asked_again() -> None:
    """The reader noticed the break before the sender did; whoever is told so would ask a second time."""

    async def scene() -> None:
        call = RealtimeSession(Connection(sandbox_provider("http://127.0.0.1:9")), CallSetup())
        call._link = link = Sent(call.conversation.lose)  # type: ignore[assignment]
        call._is_up.set()
        await call.respond()
        assert len(link.events) == 1
        assert not call.conversation.is_busy

    play(scene)


def test_closing_wakes_everybody(sandbox: Sandbox) -> None:
    """A task that waits for an event, and one that reads."""

    async def scene() -> None:
        call = await call_to(sandbox)
        waiting = asyncio.create_task(call.wait_for(ev.ResponseDone))
        reading = asyncio.create_task(anext(event async for event in call if isinstance(event, ev.ResponseDone)))
        await asyncio.sleep(0.01)
        await call.close()
        await call.close()
        with pytest.raises(CutShortError, match="The call is over"):
            await waiting
        with pytest.raises(StopAsyncIteration):
            await reading

    play(scene)


def test_events_that_nobody_reads_go(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest, and they are counted; the conversation has them all."""
    monkeypatch.setattr(mailbox, "MAX_EVENTS", 20)

    async def scene() -> None:
        sandbox.reply("word " * 100)
        async with call_to(sandbox) as call:
            await call.write("Hello")
            await call.respond()
            answer = await call.answer(PATIENCE_S)
            assert answer.text == "word " * 100
            assert call.n_missed > 250

    play(scene)


def test_without_the_package_it_is_a_sentence(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    import sys

    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)

    async def scene() -> None:
        with pytest.raises(MissingExtraError, match=r"glm-magics\[realtime\]"):
            await call_to(sandbox).open()

    play(scene)


# A recording as one side of a call

WORDS = [(False, 0.2), (True, 0.4), (False, 1.0), (True, 0.6), (False, 0.2)]


def recording(path: Path, rate_hz: int = 16_000, n_channels: int = 1) -> str:
    samples = b"".join((speech if is_loud else quiet)(seconds, rate_hz) for is_loud, seconds in WORDS)
    if n_channels == 2:
        samples = np.repeat(np.frombuffer(samples, "<i2"), 2).tobytes()
    path.write_bytes(write_wave(samples, rate_hz, n_channels))
    return str(path)


def talk(sandbox: Sandbox, source: Any, **options: Any) -> Any:
    return talk_file(source, connection=connection_to(sandbox), **{"speed": float("inf"), **options})


@pytest.mark.parametrize(
    "tools", [[print], ["weather"], [None], [{"type": "function"}]], ids=["function", "name", "none", "nameless"]
)
def test_tools_that_are_no_objects_are_a_sentence(sandbox: Sandbox, tmp_path: Path, tools: list[Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(OptionError, match=r"A tool (is no JSON object|has no name)\."):
        talk(sandbox, recording(tmp_path / "in.wav"), tools=tools)


@pytest.mark.parametrize("speed", [1.0, 3.0, float("inf")])
def test_a_file_is_talked_over(sandbox: Sandbox, tmp_path: Path, speed: float) -> None:
    """Both turns are heard and answered, in real time and faster."""
    sandbox.hear("First.")
    sandbox.hear("Second.")
    sandbox.reply("One.")
    sandbox.reply("Two.")
    result = talk(sandbox, recording(tmp_path / "in.wav"), speed=speed)
    lines = [("user", "First."), ("assistant", "One."), ("user", "Second."), ("assistant", "Two.")]
    assert [(who, text) for who, _, text in result.transcript] == lines
    assert result.text == "One.\n\nTwo."
    assert result.speech.seconds == pytest.approx(sum(answer.audio_s for answer in result.answers))
    assert list(result.to_frame().columns) == ["who", "when_s", "text"]
    if speed == 1.0:
        assert result.seconds > 2.4


@pytest.mark.parametrize(
    ("rate_hz", "n_channels", "format"),
    [(16_000, 1, "pcm16"), (24_000, 1, "pcm24"), (44_100, 1, "pcm16"), (16_000, 2, "pcm16"), (8_000, 1, "pcm16")],
)
def test_files_of_other_rates(sandbox: Sandbox, tmp_path: Path, rate_hz: int, n_channels: int, format: str) -> None:
    """As they are where the server takes them, else resampled and mixed."""
    result = talk(sandbox, recording(tmp_path / "in.wav", rate_hz, n_channels), vad="client")
    assert sandbox.requests[-1].events[0]["session"]["input_audio_format"] == format
    assert "I heard 2.4 seconds of sound." in result.text


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        pytest.param(write_wave(speech(1.0), 16_000)[:-16_001], 0.5, id="truncated"),
        pytest.param(wave_file(bytes(range(256)) * 32, n_bits=8, rate_hz=8_000), 1.0, id="8-bit"),
        pytest.param(sound(1.0, "mp3"), 1.0, id="mp3"),
    ],
)
def test_files_of_other_kinds(sandbox: Sandbox, data: bytes, seconds: float) -> None:
    """What there is of them is heard, and told where some is missing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GLMWarning)
        result = talk(sandbox, data, vad="client")
    assert [str(one.message)[:27] for one in caught] == ["`the recording` is cut off:"] * (seconds < 1)
    assert float(result.text.split("I heard ")[1].split()[0]) == pytest.approx(seconds, abs=0.11)


def test_functions_of_the_notebook_answer_calls(sandbox: Sandbox, tmp_path: Path) -> None:
    """Their results go back; errors too, and names that nobody knows."""
    sandbox.reply(tool_calls=[("get_temp", {"city": "Paris"}), ("fail", {}), ("nobody", {})])

    def fail() -> None:
        raise ValueError("out of order")

    source = recording(tmp_path / "in.wav")
    result = talk(sandbox, source, vad="client", functions={"get_temp": lambda city: {"temp_c": 24, "city": city}, "fail": fail})
    assert [entry.text for entry in result.entries if entry.who == "tool"] == [
        '{"temp_c": 24, "city": "Paris"}', '{"error": "ValueError: out of order"}', '{"error": "There is no function nobody."}',
    ]  # fmt: skip
    assert "The tools answered" in result.answers[-1].text
    assert result.transcript[0][::2] == ("user", "(spoken, not written down)")  # the server writes no question of a function down


def test_functions_end_somewhere_and_each_turn_begins_anew(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is told that there are too many in a row, and its next question of a function runs again."""
    monkeypatch.setattr(talks, "MAX_ROUNDS", 2)
    for _ in range(3):
        sandbox.reply(tool_calls=[("get_temp", {})])
    sandbox.reply("I give up.")
    sandbox.reply(tool_calls=[("get_temp", {})])

    def get_temp() -> str:
        time.sleep(0.05)
        return "24 C"

    result = talk(sandbox, recording(tmp_path / "in.wav"), functions={"get_temp": get_temp})
    given = [entry.text for entry in result.entries if entry.who == "tool"]
    too_many = '{"error": "Too many functions were called in a row; answer with what is known."}'
    assert given == ["24 C", "24 C", too_many, "24 C"]
    assert result.text.startswith("I give up.")


def test_a_question_without_an_answer_is_kept_when_the_call_is_over(sandbox: Sandbox) -> None:
    """Nobody asked for an answer, and so nothing was written down."""

    async def scene() -> None:
        async with call_to(sandbox) as call:
            await call.append(speech(0.2))
            await call.commit()
            await call.wait_for(ev.AudioCommitted, PATIENCE_S)
            assert list(call.conversation.lines()) == []
        assert [text for _, _, text in call.conversation.lines()] == ["(spoken, not written down)"]

    play(scene)


def test_a_hostile_transcript_is_escaped(sandbox: Sandbox, tmp_path: Path) -> None:
    """What a model says is foreign text."""
    sandbox.hear("<script>alert(1)</script>")
    sandbox.reply("<img src=x onerror=alert(2)>\x1b[31m")
    bundle = talk(sandbox, recording(tmp_path / "in.wav"), vad="client")._repr_mimebundle_()
    assert "<script" not in bundle["text/markdown"]
    assert "<img" not in bundle["text/markdown"]
    assert "\x1b" not in bundle["text/plain"] + bundle["text/markdown"]


@pytest.mark.parametrize(
    ("source", "options", "error", "sentence"),
    [
        pytest.param("nowhere.wav", {}, MediaError, "nowhere.wav", id="no-file"),
        pytest.param(b"RIFF", {}, MediaError, "recording", id="truncated"),
        pytest.param(write_wave(quiet(1.0), 16_000), {}, MediaError, "silent", id="silence"),
        pytest.param(write_wave(speech(31), 16_000), {"vad": "client"}, MediaError, "31 s long", id="long-turn"),
        pytest.param(Sound(tone(1), 16_000), {"speed": 0}, OptionError, "speed is 0", id="speed"),
        pytest.param(Sound(tone(1), 16_000), {"voice": "x"}, OptionError, "no voice 'x'", id="voice"),
        pytest.param("glm", {}, MediaError, "glm", id="a-word"),
        pytest.param("https://x.org/a.wav", {}, MediaError, "is an address, and no file", id="address"),
        *[
            pytest.param(Sound(tone(1), 16_000), {name: value}, OptionError, rf"^{name} is {words}", id=f"{name}-{words}")
            for name in ("speed", "timeout_s")
            for value, words in [("4", "'4'"), (None, "None"), (-1, "-1"), (float("nan"), "nan"), (True, "True"), ([], "\\[\\]")]
        ],
        pytest.param(Sound(tone(1), 16_000), {"input_format": "mp3"}, OptionError, "no input format 'mp3'", id="format"),
        pytest.param(Sound(tone(1), 16_000), {"tools": 5}, OptionError, r"tools is 5\. Give a list", id="tools"),
        pytest.param(Sound(tone(1), 16_000), {"nonsense": 1}, OptionError, "no option 'nonsense'", id="nonsense"),
        pytest.param(Sound(tone(1), 16_000), {"functions": [print]}, OptionError, "no mapping of functions", id="functions"),
        pytest.param(Sound(tone(1), 16_000), {"functions": {"f": 5}}, OptionError, "no mapping of functions", id="no-function"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_a_sentence(
    sandbox: Sandbox, source: Any, options: Any, error: type[Exception], sentence: str
) -> None:
    """Before a call is made."""
    n = len(sandbox.requests)
    with pytest.raises(error, match=sentence):
        talk(sandbox, source, **options)
    assert len(sandbox.requests) == n


def test_a_server_that_says_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """Too long a silence is an error, not a wait for ever."""
    sandbox.fault("call-mute")
    with pytest.raises(NetworkError, match=r"said nothing more for 0\.5 s"):
        talk(sandbox, recording(tmp_path / "in.wav"), vad="client", timeout_s=0.5)


def test_an_interrupt_hangs_up(slow: Sandbox, tmp_path: Path) -> None:
    """■ in the middle of a call: the socket is closed, and the cell ends."""
    slow.reset()
    threading.Thread(target=lambda: (until(lambda: slow.requests and slow.requests[-1].events), press_stop())).start()
    with pytest.raises(Interrupted):
        talk(slow, recording(tmp_path / "in.wav"), speed=1.0)
    until(lambda: slow.requests[-1].closed_at)
    assert not [thread for thread in threading.enumerate() if thread.name == "glm-talk"]


def test_it_works_inside_a_running_loop(sandbox: Sandbox, tmp_path: Path) -> None:
    """A notebook has one."""
    source = recording(tmp_path / "in.wav")

    async def scene() -> None:
        assert talk(sandbox, source, vad="client").answers

    play(scene)


def test_the_public_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``glm.realtime`` asks whom ``%glm_connect`` chose."""
    monkeypatch.setenv("GLM_PROVIDER", "sandbox")
    monkeypatch.setenv("GLM_SANDBOX_DELAY_S", "0")
    monkeypatch.setattr(glm, "_sessions", [])
    try:
        assert "no language model" in glm.realtime.talk_file(recording(tmp_path / "in.wav"), vad="client", speed=9).text

        async def scene() -> None:
            async with glm.realtime.connect(vad="client", greeting="Hi.") as call:
                assert (await call.answer(PATIENCE_S)).text == "Hi."

        play(scene)
    finally:
        glm.current_session().close()


def test_a_long_call_in_flat_memory(sandbox: Sandbox) -> None:
    """Thirty minutes of talk, many times as fast: client and server keep words, not sound."""
    turn, n_a_minute = speech(2.0) + quiet(8.0), 6

    async def scene() -> None:
        sandbox.reply("Yes.", times=30 * n_a_minute)
        async with call_to(sandbox, vad="server", kept_audio_s=5.0) as call:
            reading = asyncio.create_task(_read_all(call))
            sizes = []
            for _ in range(30 * n_a_minute):
                await call.append(turn)
                await call.answer(PATIENCE_S)
                sizes.append(tracemalloc.get_traced_memory()[0])
            assert call.conversation.n_heard == len(call.conversation.answers) == 30 * n_a_minute
            assert sum(len(answer.audio) for answer in call.conversation.answers) <= 5 * 48_000
            assert max(sizes[-n_a_minute:]) - max(sizes[10 * n_a_minute : 11 * n_a_minute]) < 1_000_000
        await reading

    tracemalloc.start()
    try:
        play(scene, timeout_s=60)
    finally:
        tracemalloc.stop()


async def _read_all(call: RealtimeSession) -> None:
    async for _ in call:
        pass
