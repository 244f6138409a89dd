"""The sandbox's Realtime endpoint, heard over a bare WebSocket: orders, errors, limits and faults of the reference."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from glm_magics.sandbox import Sandbox
from glm_magics.sandbox.realtime.call import Call
from glm_magics.sandbox.realtime.vad import EnergyVad
from glm_magics.sandbox.script import Script
from glm_magics.waves import write_wave

from .calls import RATE_HZ, SERVER_VAD, bare_call, play, quiet, speech

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 a picture").decode()
TOOL = {"type": "function", "name": "get_temp", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
UTTERED = [
    "response.text.delta", "response.audio_transcript.delta", "response.audio.delta",
    "response.text.done", "response.audio_transcript.done", "response.audio.done",
    "response.content_part.done", "response.output_item.done", "response.done",
]  # fmt: skip


def text_item(text: str, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


# The orders of the reference's diagrams (protocol reference 12.2)


def test_order_under_client_vad(sandbox: Sandbox) -> None:
    """To the event."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            await call.append(speech(0.4))
            await call.say("input_audio_buffer.commit")
            await call.say("response.create")
            await call.until("response.done")
            assert call.types == [
                "session.created", "session.updated", "input_audio_buffer.committed", "conversation.created",
                "response.created", "rate_limits.updated", TRANSCRIBED, "response.output_item.added",
                "conversation.item.created", "response.content_part.added", *UTTERED,
            ]  # fmt: skip
            by_type = {event["type"]: event for event in call.events}
            assert by_type[TRANSCRIBED]["item_id"] == by_type["input_audio_buffer.committed"]["item_id"]
            assert by_type[TRANSCRIBED]["transcript"].startswith("[0.4 s of speech at -")
            assert by_type["response.text.done"]["text"].startswith("This is the glm_magics sandbox: no language model")
            assert by_type["response.done"]["response"]["usage"]["input_token_details"]["audio_tokens"] == 5

    play(scene)


def test_order_under_server_vad(sandbox: Sandbox) -> None:
    """Speech is noticed in what was truly sent; nobody commits or asks."""

    async def scene() -> None:
        async with bare_call(sandbox, turn_detection=SERVER_VAD) as call:
            for piece in (quiet(0.6), speech(0.5), speech(0.5), quiet(0.3), quiet(0.3)):
                await call.append(piece)
            await call.until("response.done")
            assert call.types == [
                "session.created", "session.updated", "input_audio_buffer.speech_started",
                "input_audio_buffer.speech_stopped", "input_audio_buffer.committed", "conversation.created",
                "response.created", "rate_limits.updated", "response.output_item.added", "conversation.item.created",
                "response.content_part.added", TRANSCRIBED, *UTTERED,
            ]  # fmt: skip
            started, stopped = call.events[2:4]
            assert started["audio_start_ms"] == 600 - 300
            assert stopped["audio_end_ms"] == 1600 + 500
            assert started["item_id"] == stopped["item_id"] == call.events[4]["item_id"]

    play(scene)


def test_order_of_a_function_call(sandbox: Sandbox) -> None:
    """Two calls, their results in order, and the answer that follows without ``response.created``."""

    async def scene() -> None:
        sandbox.reply(tool_calls=[("get_temp", {"city": "Paris"}), ("get_temp", {"city": "Oslo"})])
        async with bare_call(sandbox, tools=[TOOL]) as call:
            await call.append(speech(0.4))
            await call.say("input_audio_buffer.commit")
            await call.say("response.create")
            await call.until("response.done")
            done = ["response.function_call_arguments.done"] * 2
            assert [event["type"] for event in call.events[2:]] == [
                "input_audio_buffer.committed", "conversation.created", "response.created", "rate_limits.updated",
                "conversation.item.created", "response.output_item.added", "response.content_part.added", *done,
                "response.content_part.done", "response.output_item.done", "response.done",
            ]  # fmt: skip
            calls = [json.loads(event["arguments"])["city"] for event in call.events if event["type"] in done]
            assert calls == ["Paris", "Oslo"]
            call.events.clear()
            for output in ("24 C", "3 C"):
                await call.say("conversation.item.create", item={"type": "function_call_output", "output": output})
            await call.say("response.create")
            await call.until("response.done")
            told = ["conversation.item.created"] * 2
            assert call.types == ["response.output_item.added", *told, "response.content_part.added", *UTTERED]
            assert "The tools answered: 24 C; 3 C" in next(event["text"] for event in call.events if "text" in event)

    play(scene)


def test_order_of_typed_words(sandbox: Sandbox) -> None:
    """As above, with nothing to write down."""

    async def scene() -> None:
        async with bare_call(sandbox, modalities=["text"]) as call:
            await call.say("conversation.item.create", item=text_item("Hello, you."))
            await call.say("response.create")
            await call.until("response.done")
            silent = [type for type in UTTERED if "audio" not in type]
            assert call.types == [
                "session.created", "session.updated", "conversation.created", "response.created", "rate_limits.updated",
                "response.output_item.added", "conversation.item.created", "response.content_part.added", *silent,
            ]  # fmt: skip
            assert call.events[6]["item"]["content"] == [{"type": "input_text", "text": "Hello, you."}]

    play(scene)


def test_the_greeting_comes_first(sandbox: Sandbox) -> None:
    """The assistant speaks before anybody else."""

    async def scene() -> None:
        greeting = {"enable": True, "content": "Welcome to the call."}
        async with bare_call(sandbox, beta_fields={"chat_mode": "audio", "greeting_config": greeting}) as call:
            done = await call.until("response.text.done")
            assert done["text"] == "Welcome to the call."

    play(scene)


def test_cancelling(slow: Sandbox) -> None:
    """``response.cancelled``, then the ends of everything, with what was said so far."""

    async def scene() -> None:
        slow.reply("one two three four five six seven eight nine ten")
        async with bare_call(slow) as call:
            await call.say("conversation.item.create", item=text_item("Count."))
            await call.say("response.create")
            await call.until("response.audio.delta")
            await call.say("response.cancel")
            cancelled = await call.until("response.cancelled")
            assert cancelled["response"]["status"] == "cancelled"
            n = len(call.events)
            done = await call.until("response.done")
            assert [event["type"] for event in call.events[n:]] == UTTERED[3:]
            assert done["response"]["status"] == "cancelled"
            assert call.events[n]["text"] in ("one ", "one two ", "one two three ")

    play(scene)


@pytest.mark.parametrize("is_interruptible", [True, False])
def test_speech_interrupts_an_answer(slow: Sandbox, is_interruptible: bool) -> None:
    """Under server VAD, unless the session says no: then the answers follow each other."""

    async def scene() -> None:
        slow.reply("one two three four five six seven eight nine ten eleven twelve")
        slow.reply("second")
        async with bare_call(slow, turn_detection={**SERVER_VAD, "interrupt_response": is_interruptible}) as call:
            await call.append(speech(0.4) + quiet(0.6))
            await call.until("response.audio.delta")
            await call.append(speech(0.4))
            started = await call.until("input_audio_buffer.speech_started", "response.done")
            assert started["type"] == "input_audio_buffer.speech_started"
            await call.append(quiet(0.6))
            first = await call.until("response.done")
            assert first["response"]["status"] == ("cancelled" if is_interruptible else "completed")
            assert "response.cancelled" not in call.types
            second = await call.until("response.text.done")
            assert second["text"] == "second"

    play(scene)


def test_video(sandbox: Sandbox) -> None:
    """Pictures are counted; without one there is no answer; a search is announced; going back to audio drops the history."""

    async def scene() -> None:
        video = {"chat_mode": "video_passive", "auto_search": True}
        async with bare_call(sandbox, beta_fields=video) as call:
            await call.say("response.create")
            assert (await call.error())["code"] == "video_model_query_error"
            for _ in range(3):
                await call.say("input_audio_buffer.append_video_frame", video_frame=JPEG)
            sandbox.hear("Please search for it.")
            await call.append(speech(0.3))
            await call.say("input_audio_buffer.commit")
            await call.say("response.create")
            text = await call.until("response.text.done")
            assert "I was sent 3 pictures." in text["text"]
            types = call.types
            assert types.index("response.function_call.simple_browser") == types.index("rate_limits.updated") + 1
            await call.until("response.done")
            item_id = next(event["item_id"] for event in call.events if "item_id" in event)
            await call.say("session.update", session={"beta_fields": {"chat_mode": "audio"}})
            await call.hear()
            await call.say("conversation.item.retrieve", item_id=item_id)
            assert "There is no item" in (await call.error())["message"]

    play(scene)


def test_items_are_kept_told_and_deleted(sandbox: Sandbox) -> None:
    """Retrieve, delete, and gone."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            await call.say("conversation.item.create", item={**text_item("Keep me."), "id": "item1"})
            await call.say("conversation.item.retrieve", item_id="item1")
            assert (await call.until("conversation.item.retrieved"))["item"]["content"][0]["text"] == "Keep me."
            await call.say("conversation.item.delete", item_id="item1")
            assert (await call.hear())["item_id"] == "item1"
            await call.say("conversation.item.delete", item_id="item1")
            assert (await call.error())["code"] == "invalid_event"

    play(scene)


def test_a_transcription_session_only_writes_down(sandbox: Sandbox) -> None:
    """Speech becomes words, and nothing answers."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            session = {"input_audio_format": "pcm16", "turn_detection": SERVER_VAD}
            await call.say("transcription_session.update", session=session)
            updated = await call.hear()
            assert updated["type"] == "transcription_session.updated"
            assert updated["session"]["object"] == "realtime.transcription_session"
            sandbox.hear("Take a letter.")
            await call.append(speech(0.4) + quiet(0.6))
            assert (await call.until(TRANSCRIBED))["transcript"] == "Take a letter."
            await call.say("input_audio_buffer.clear")
            assert (await call.hear())["type"] == "input_audio_buffer.cleared"
            assert "response.created" not in call.types

    play(scene)


def test_silence_is_not_understood(sandbox: Sandbox) -> None:
    """The recogniser's own failure; the model answers all the same."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            await call.append(quiet(0.5))
            await call.say("input_audio_buffer.commit")
            await call.say("response.create")
            failed = await call.until("conversation.item.input_audio_transcription.failed")
            assert (failed["error"]["type"], failed["error"]["code"]) == ("ASR_ERROR", "asr_no_result")
            await call.until("response.done")

    play(scene)


def test_a_tool_is_called_by_its_name(sandbox: Sandbox) -> None:
    """In what the recogniser hears."""

    async def scene() -> None:
        sandbox.hear("get_temp please")
        async with bare_call(sandbox, tools=[TOOL], turn_detection=SERVER_VAD) as call:
            await call.append(speech(0.4) + quiet(0.6))
            assert (await call.until("response.function_call_arguments.done"))["name"] == "get_temp"

    play(scene)


@pytest.mark.parametrize("is_server_vad", [True, False])
def test_the_flow_of_the_vendors_samples(sandbox: Sandbox, is_server_vad: bool) -> None:
    """Nulls and zeros for "not given", overlapping WAV frames, ``response.create`` in both modes, results with empty ids."""
    sandbox.reply(tool_calls=[("phoneCall", {"contact_name": "Ada"})])
    server_vad = {"type": "server_vad", "threshold": 0.0, "prefix_padding_ms": 0, "silence_duration_ms": 0}
    detection = server_vad if is_server_vad else {"type": "client_vad"}
    beta = {"chat_mode": "audio", "tts_source": "e2e", "auto_search": False}
    nothing = {"model": None, "voice": None, "instructions": None, "input_audio_transcription": None, "temperature": None}
    tool = {"type": "function", "name": "phoneCall", "parameters": {"type": "object", "properties": {}}}
    talk = speech(0.5) + quiet(0.8)

    async def scene() -> None:
        async with bare_call(
            sandbox, input_audio_format="wav", turn_detection=detection, tools=[tool], beta_fields=beta, **nothing
        ) as call:
            for event in call.events:  # what the SDK's models require of a session
                assert {"id", "model", "modalities", "instructions", "voice", "tool_choice", "beta_fields"} <= set(
                    event["session"]
                )
            for start in range(0, len(talk), 1024):
                await call.append(write_wave(talk[start : start + 3072], RATE_HZ))
                await asyncio.sleep(0.021)
            if not is_server_vad:
                await call.say("input_audio_buffer.commit", event_id="", client_timestamp=None)
            await call.until("input_audio_buffer.committed")
            await call.say("response.create")
            called = await call.until("response.function_call_arguments.done")
            await call.until("response.done")
            assert json.loads(called["arguments"]) == {"contact_name": "Ada"}
            item = {"type": "function_call_output", "id": "", "call_id": "", "output": '{"status":"success"}', "status": None}
            await call.say("conversation.item.create", previous_item_id=None, item=item)
            await call.say("response.create")
            created = await call.until("conversation.item.created")
            assert created["item"]["id"].startswith("item")
            await call.until("response.done")
            assert "error" not in call.types

    play(scene)


# What is not accepted


VIDEO = {"chat_mode": "video_passive"}
GREETED = {"chat_mode": "audio", "greeting_config": {"enable": True, "content": "x" * 1025}}
FRAME = {"type": "input_audio_buffer.append_video_frame", "video_frame": JPEG}


def updated(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": session}


def created(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": item}


def appended(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()}


@pytest.mark.parametrize(
    ("event", "code", "message"),
    [
        pytest.param("no json", "invalid_event", "no JSON", id="no-json"),
        pytest.param("[1]", "invalid_event", "no JSON object", id="no-object"),
        pytest.param({"x": 1}, "invalid_event", "'type' field is missing", id="no-type"),
        pytest.param({"type": "session.destroy"}, "invalid_event", "'session.destroy' is not known", id="unknown-type"),
        pytest.param({"type": "session.update"}, "invalid_event", "'session' field", id="no-session"),
        pytest.param(updated(voice="x"), "invalid_event", "session.voice", id="voice"),
        pytest.param(updated(temperature=2), "invalid_event", "temperature", id="temperature"),
        pytest.param(updated(model="glm-4"), "invalid_event", "model", id="model"),
        pytest.param(updated(output_audio_format="mp3"), "invalid_event", "pcm", id="output"),
        pytest.param(updated(turn_detection={"type": "x"}), "invalid_event", "vad", id="vad"),
        pytest.param(updated(tools=[{}]), "invalid_event", "tools", id="tools"),
        pytest.param(updated(tools=[TOOL], beta_fields=VIDEO), "invalid_event", "audio mode only", id="video-tools"),
        pytest.param(updated(beta_fields=GREETED), "invalid_event", "1024 characters", id="greeting"),
        pytest.param(updated(max_response_output_tokens=5000), "invalid_event", "1024", id="tokens"),
        pytest.param({"type": "input_audio_buffer.append"}, "invalid_event", "'audio' field", id="no-audio"),
        pytest.param({"type": "input_audio_buffer.append", "audio": "!!"}, "invalid_event", "no base64", id="no-base64"),
        pytest.param(appended(b"abc"), "invalid_event", "odd number", id="odd-bytes"),
        pytest.param({"type": "input_audio_buffer.commit"}, "invalid_event", "empty", id="empty-commit"),
        pytest.param(FRAME, "invalid_event", "video mode", id="frame"),
        pytest.param({"type": "conversation.item.create"}, "invalid_event", "item.type", id="no-item"),
        pytest.param(created(text_item(" ")), "invalid_event", "text is empty", id="no-text"),
        pytest.param(created(text_item("x", "boss")), "invalid_event", "role", id="role"),
        pytest.param(created({"type": "function_call_output"}), "invalid_event", "empty", id="no-output"),
        pytest.param({"type": "conversation.item.retrieve"}, "invalid_event", "item_id", id="no-item-id"),
        pytest.param({"type": "response.cancel"}, "stop_task_error", "no response", id="nothing-to-cancel"),
    ],
)  # fmt: skip
def test_errors_keep_the_session_open(sandbox: Sandbox, event: Any, code: str, message: str) -> None:
    """Each is an event, and the next thing works."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            await call.socket.send(event if isinstance(event, str) else json.dumps(event))
            error = await call.error()
            assert error["code"] == code
            assert message in error["message"]
            await call.say("input_audio_buffer.clear")
            assert (await call.hear())["type"] == "input_audio_buffer.cleared"

    play(scene)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(speech(0.1), "no WAV", id="headerless"),
        pytest.param(write_wave(speech(0.1), 16_000, 2), "2 channels of 16 bits", id="stereo"),
        pytest.param(write_wave(speech(0.1), 44_100), "44100 samples a second", id="wrong-rate"),
        pytest.param(b"RIFF1234WAVE", "no WAV", id="truncated"),
    ],
)
def test_wav_appends_have_headers_of_their_own(sandbox: Sandbox, data: bytes, message: str) -> None:
    """And 16 bits, one channel, 16 kHz."""

    async def scene() -> None:
        async with bare_call(sandbox, input_audio_format="wav") as call:
            await call.append(data)
            assert message in (await call.error())["message"]
            await call.append(write_wave(speech(0.2), 16_000))
            await call.say("input_audio_buffer.commit")
            assert (await call.hear())["type"] == "input_audio_buffer.committed"

    play(scene)


def test_binary_frames_commits_under_server_vad_and_long_turns(sandbox: Sandbox) -> None:
    """Three more errors, which need more than one event."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            await call.socket.send(b"\x00\x01")
            assert "text frame" in (await call.error())["message"]
            await call.append(speech(31))
            await call.say("input_audio_buffer.commit")
            assert "31 s long" in (await call.error())["message"]
            await call.say("session.update", session={"turn_detection": SERVER_VAD})
            await call.hear()
            await call.say("input_audio_buffer.commit")
            assert "server's VAD" in (await call.error())["message"]

    play(scene)


@pytest.mark.parametrize(
    ("path", "header", "status", "code"),
    [
        pytest.param("/realtime", None, 401, "1001", id="no-key"),
        pytest.param("/realtime", "Bearer nonsense", 401, "1002", id="bad-key"),
        pytest.param("/nowhere", "Bearer a.b", 404, None, id="wrong-path"),
    ],
)
def test_a_refused_handshake_is_ordinary_http(sandbox: Sandbox, path: str, header: str | None, status: int, code: str) -> None:
    """With the body any other request would get."""

    async def scene() -> None:
        headers = {"Authorization": header} if header else None
        with pytest.raises(InvalidStatus) as refused:
            async with connect(sandbox.base_url.replace("http", "ws") + path, additional_headers=headers, proxy=None):
                pass
        assert refused.value.response.status_code == status
        body = json.loads(refused.value.response.body)
        assert body["error"] == "Not Found" if code is None else body["error"]["code"] == code

    play(scene)


def test_browsers_may_put_the_key_into_the_address(sandbox: Sandbox) -> None:
    """They can set no header."""

    async def scene() -> None:
        url = f"{sandbox.base_url.replace('http', 'ws')}/realtime?Authorization={sandbox.key}"
        async with connect(url, proxy=None) as socket:
            assert json.loads(await socket.recv())["type"] == "session.created"

    play(scene)


def test_appends_above_fifty_a_second_are_dropped(sandbox: Sandbox) -> None:
    """Silently, as the reference says; the record counts them."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            for _ in range(80):
                await call.append(speech(0.02))
            await call.say("input_audio_buffer.commit")
            await call.say("response.create")
            text = await call.until("response.text.done")
            record = sandbox.requests[-1]
            assert record.n_dropped > 0
            kept_s = (80 - record.n_dropped) * 0.02
            assert f"I heard {kept_s:.1f} seconds" in text["text"]
            assert record.events[1]["audio"].endswith("characters>")

    play(scene)


def test_heartbeats(sandbox: Sandbox) -> None:
    """After the session is made and after each update, then at their interval."""

    async def scene() -> None:
        with Sandbox(heartbeat_s=0.05) as quick:
            url = quick.base_url.replace("http", "ws") + "/realtime"
            async with connect(url, additional_headers={"Authorization": "Bearer a.b"}, proxy=None) as socket:
                got = [json.loads(await socket.recv())["type"] for _ in range(5)]
                assert got == ["session.created", *["heartbeat"] * 4]

    play(scene)


def test_an_update_is_followed_by_a_heartbeat(sandbox: Sandbox) -> None:
    """Of either kind of session."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            await call.say("session.update", session={"temperature": 0.2})
            await call.say("transcription_session.update", session={"input_audio_format": "pcm"})
            got = [json.loads(await call.socket.recv())["type"] for _ in range(5)]
            assert got == [
                "heartbeat", "session.updated", "heartbeat", "transcription_session.updated", "heartbeat",
            ]  # fmt: skip

    play(scene)


def test_a_search_of_the_servers_own_is_among_its_tools(sandbox: Sandbox) -> None:
    """In audio mode, beside those of the client."""

    async def scene() -> None:
        async with bare_call(sandbox, tools=[TOOL], beta_fields={"chat_mode": "audio", "auto_search": True}) as call:
            assert [tool["name"] for tool in call.events[-1]["session"]["tools"]] == [TOOL["name"], "search_engine_auto"]

    play(scene)


def test_from_audio_to_video_the_history_stays(sandbox: Sandbox) -> None:
    """The other way it is dropped."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            await call.say("conversation.item.create", item={**text_item("Keep me."), "id": "item1"})
            await call.say("session.update", session={"beta_fields": {"chat_mode": "video_passive"}})
            await call.say("conversation.item.retrieve", item_id="item1")
            assert (await call.until("conversation.item.retrieved", "error"))["type"] == "conversation.item.retrieved"

    play(scene)


@pytest.mark.parametrize(
    ("tuned", "start_ms", "end_ms"),
    [
        pytest.param({"prefix_padding_ms": 100, "silence_duration_ms": 200}, 500, 1800, id="tuned"),
        pytest.param({"prefix_padding_ms": 0, "silence_duration_ms": 0, "threshold": 0}, 300, 2100, id="zeros-as-the-sdk-sends"),
    ],
)
def test_what_tunes_the_vad(sandbox: Sandbox, tuned: dict[str, int], start_ms: int, end_ms: int) -> None:
    """How much before the first word, how long a pause; zeros mean "not given"."""

    async def scene() -> None:
        async with bare_call(sandbox, turn_detection={**SERVER_VAD, **tuned}) as call:
            for piece in (quiet(0.6), speech(1.0), quiet(0.6)):
                await call.append(piece)
            assert (await call.until("input_audio_buffer.speech_started"))["audio_start_ms"] == start_ms
            assert (await call.until("input_audio_buffer.speech_stopped"))["audio_end_ms"] == end_ms

    play(scene)


def test_a_turn_that_is_answered_when_asked(sandbox: Sandbox) -> None:
    """``create_response`` false: the server ends the turn, and waits."""

    async def scene() -> None:
        async with bare_call(sandbox, turn_detection={**SERVER_VAD, "create_response": False}) as call:
            await call.append(speech(0.4) + quiet(0.6))
            item_id = (await call.until("input_audio_buffer.committed"))["item_id"]
            await call.say("conversation.item.retrieve", item_id=item_id)
            await call.until("conversation.item.retrieved")
            assert "response.created" not in call.types
            await call.say("response.create")
            assert "I heard" in (await call.until("response.text.done"))["text"]

    play(scene)


def test_the_concurrency_limit_counts_calls(sandbox: Sandbox) -> None:
    """One too many is refused, and welcome when there is room."""

    async def scene() -> None:
        with Sandbox(concurrency=1) as small:
            async with bare_call(small):
                with pytest.raises(InvalidStatus) as refused:
                    async with bare_call(small):
                        pass
                assert refused.value.response.status_code == 429
            while small._app.in_flight["glm-realtime"]:
                await asyncio.sleep(0)
            async with bare_call(small):
                pass

    play(scene)


# Faults


async def answered(sandbox: Sandbox, fault: str) -> list[dict[str, Any]]:
    sandbox.reply("one two three four five six seven eight")
    sandbox.fault(fault)
    async with bare_call(sandbox) as call:
        await call.append(speech(0.3))
        await call.say("input_audio_buffer.commit")
        await call.say("response.create")
        await call.until("response.done")
        with suppress(TimeoutError):  # what comes after the end
            while True:
                await asyncio.wait_for(call.hear(), 0.1)
        return call.events


@pytest.mark.parametrize(
    ("fault", "is_so"),
    [
        pytest.param("call-late", lambda types: types[-1] == TRANSCRIBED, id="late"),
        pytest.param("call-lost", lambda types: sum(type.endswith(".delta") for type in types) == 12, id="lost"),
        pytest.param(
            "call-reordered",
            lambda types: (
                [type.split(".")[1] for type in types if type.endswith(".delta")]
                == ["audio"] * 8 + ["audio_transcript"] * 8 + ["text"] * 8
            ),
            id="reordered",
        ),
        pytest.param("call-done-early", lambda types: types.index("response.done") < len(types) - 3, id="done-early"),
        pytest.param("call-error", lambda types: types.count("error") == 1 and "response.done" in types, id="error"),
    ],
)
def test_faults_of_an_answer(sandbox: Sandbox, fault: str, is_so: Any) -> None:
    """Each does what its row says, and the session stays open."""

    async def scene() -> None:
        types = [event["type"] for event in await answered(sandbox, fault)]
        assert is_so(types), types

    play(scene)


def test_a_call_that_is_cut(sandbox: Sandbox) -> None:
    """In the middle of an answer, without a goodbye; asked for in the prompt."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            await call.say("conversation.item.create", item=text_item("[[fault:call-cut]] Hello."))
            await call.say("response.create")
            with pytest.raises(ConnectionClosed) as closed:
                await call.until("response.done")
            assert closed.value.rcvd is None
            assert "response.text.delta" in call.types

    play(scene)


def test_a_call_that_falls_silent() -> None:
    """Not even heartbeats come."""

    async def scene() -> None:
        with Sandbox(chunk_delay_s=0, heartbeat_s=0.02) as sandbox:
            sandbox.fault("call-mute")
            async with bare_call(sandbox) as call:
                await call.say("conversation.item.create", item=text_item("Hello."))
                await call.say("response.create")
                await call.until("response.text.delta")
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(call.until("response.done"), 0.3)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(call.socket.recv(), 0.1)

    play(scene)


@pytest.mark.parametrize("fault", ["429/1302", "503", "html"])
def test_a_handshake_can_fail_on_demand(sandbox: Sandbox, fault: str) -> None:
    """Any fault that is an HTTP answer; those of streams wait for a chat."""

    async def scene() -> None:
        sandbox.fault(fault)
        with pytest.raises(InvalidStatus):
            async with bare_call(sandbox):
                pass
        async with bare_call(sandbox):
            pass

    play(scene)


def test_chat_goes_on_beside_a_call(sandbox: Sandbox) -> None:
    """One server, both protocols; a fault for calls leaves chats alone."""

    async def scene() -> None:
        async with bare_call(sandbox):
            headers = {"authorization": f"Bearer {sandbox.key}"}
            async with httpx.AsyncClient(base_url=sandbox.base_url, headers=headers, trust_env=False) as http:
                body = {"model": "glm-4.7", "messages": [{"role": "user", "content": "hi"}]}
                assert (await http.post("/chat/completions", json=body)).status_code == 200

    play(scene)


def test_stopping_the_sandbox_ends_calls() -> None:
    """At once."""

    async def scene() -> None:
        sandbox = Sandbox().start()
        async with bare_call(sandbox) as call:
            await asyncio.to_thread(sandbox.stop)
            with pytest.raises(ConnectionClosed):
                await call.hear()

    play(scene)


# The pure parts


def test_the_same_edges_however_the_sound_is_cut() -> None:
    """A VAD on windows of its own."""
    samples = np.frombuffer(quiet(0.5) + speech(0.7) + quiet(1.0) + speech(0.3) + quiet(1.0), "<i2")
    whole = EnergyVad(RATE_HZ).feed(samples)
    assert [edge.kind for edge in whole] == ["started", "stopped"] * 2
    assert (whole[0].at_ms, whole[1].at_ms) == (200, 1700)
    for size in (7, 320, 1000):
        vad = EnergyVad(RATE_HZ)
        edges = [edge for start in range(0, len(samples), size) for edge in vad.feed(samples[start : start + size])]
        assert edges == whole


@pytest.mark.parametrize(("threshold", "level", "n"), [(0.5, 3000, 1), (0.5, 100, 0), (0.0, 100, 1), (1.0, 2000, 0)])
def test_the_threshold_decides_what_is_loud(threshold: float, level: int, n: int) -> None:
    """From -60 dB to -20 dB below full scale."""
    samples = np.full(RATE_HZ, level, "<i2")
    assert len(EnergyVad(RATE_HZ, threshold).feed(samples)) == n


KINDS: dict[str, Any] = {"number": 5, "null": None, "list": [1], "object": {"a": 1}, "bool": True}
EVERYTHING = updated(
    model="glm-realtime", modalities=["text"], instructions="x", voice="default", input_audio_format="pcm16",
    output_audio_format="pcm", input_audio_noise_reduction={"type": "far_field"}, temperature=0.5,
    turn_detection={
        "type": "server_vad", "prefix_padding_ms": 300, "silence_duration_ms": 500, "threshold": 0.5,
        "create_response": True, "interrupt_response": True,
    },
    max_response_output_tokens="inf", tools=[TOOL], beta_fields={"chat_mode": "audio", "greeting_config": {"enable": False}},
)  # fmt: skip
WHOLE_EVENTS = [
    EVERYTHING,
    {**EVERYTHING, "type": "transcription_session.update"},
    appended(speech(0.1)),
    FRAME,
    {"type": "input_audio_buffer.commit", "audio": "", "video_frame": ""},
    {"type": "input_audio_buffer.clear", "event_id": "e", "client_timestamp": 1},
    created({"id": "i", "object": "realtime.item", "status": "completed", **text_item("x")}),
    created({"id": "i", "type": "function_call", "name": "f", "arguments": "{}"}),
    created({"id": "i", "type": "function_call_output", "output": "x"}),
    {"type": "conversation.item.delete", "item_id": "i"},
    {"type": "conversation.item.retrieve", "item_id": "i"},
    {"type": "response.cancel"},
]


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places_in(value[key], (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


ANY = " ".join(KINDS)
TAKEN = {
    "event_id": ANY, "client_timestamp": ANY, "item.object": ANY, "item.status": ANY, "item.content.0.type": ANY,
    "session.tools.0.parameters.*": ANY, "session.tools.0.parameters": "object", "session.tools.*": "",
    "session.turn_detection.*_ms": "number", "session.turn_detection.*_response": "null bool",
    "*.greeting_config.enable": "null bool",
    "session.turn_detection": "null object", "session.beta_fields": "null object", "*.greeting_config": "null object",
    "session.max_response_output_tokens": "null number",
    "session.*.*": "", "session.*": "null", "session": "object", "item.id": "null", "item.arguments": "null",
}  # fmt: skip
"""Of `KINDS`, those that a field may be of; the first pattern that fits counts."""


def taken_kinds(path: tuple[Any, ...]) -> list[str]:
    name = ".".join(map(str, path))
    return next((kinds.split() for pattern, kinds in TAKEN.items() if fnmatch(name, pattern)), [])


EVERY_FIELD = [
    pytest.param(event, path, id=".".join(map(str, (event["type"], event.get("item", {}).get("type", ""), *path))))
    for event in WHOLE_EVENTS
    for path in places_in(event)
]


@pytest.mark.parametrize(("event", "path"), EVERY_FIELD)
def test_a_field_of_another_kind_leaves_the_session_open(sandbox: Sandbox, event: dict[str, Any], path: tuple[Any, ...]) -> None:
    """It is refused by an error event, unless the field may be of that kind or is one that nobody looks at."""

    async def scene() -> None:
        async with bare_call(sandbox) as call:
            if event is FRAME:
                await call.say("session.update", session={"beta_fields": VIDEO})
                await call.hear()
            for kind, value in KINDS.items():
                await call.socket.send(json.dumps(replaced(event, path, value)))
                await call.say("conversation.item.retrieve", item_id="nobody")
                n_errors = 0
                while "'nobody'" not in (await call.until("error"))["error"]["message"]:
                    n_errors += 1
                assert n_errors == (kind not in taken_kinds(path)), kind

    play(scene)


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3), max_leaves=6
)
TYPES = [
    "session.update", "transcription_session.update", "input_audio_buffer.append", "input_audio_buffer.append_video_frame",
    "input_audio_buffer.commit", "input_audio_buffer.clear", "conversation.item.create", "conversation.item.delete",
    "conversation.item.retrieve",
]  # fmt: skip
BODIES = st.dictionaries(st.sampled_from(["session", "audio", "item", "item_id"]), JSON)


@given(st.lists(st.tuples(st.sampled_from(TYPES), BODIES)))
def test_no_event_breaks_a_call(events: list[tuple[str, dict[str, Any]]]) -> None:
    """Whatever a client sends, it gets events back."""
    call = Call(Script())
    for type, fields in events:
        for step in call.take(json.dumps({"type": type, **fields})):
            assert isinstance(step, dict)
