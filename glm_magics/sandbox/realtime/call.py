"""The state of one call: client events in, steps out. No socket and no clock in here.

A step is an event to send, or one of two orders to the endpoint: begin an answer, or stop the one that is being given.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from glm_magics.grammar import plural
from glm_magics.sandbox.answers import Answer, split_pieces
from glm_magics.sandbox.describe import ended
from glm_magics.sandbox.prompts import split_directives
from glm_magics.sandbox.realtime.checks import Complaint, check_id, check_item, check_session, item_text
from glm_magics.sandbox.realtime.hearing import MAX_TURN_S, RATES_HZ, BadSound, Buffer, read_samples
from glm_magics.sandbox.realtime.speaking import Occasion, Speaking, event, new_id
from glm_magics.sandbox.realtime.spoils import Event
from glm_magics.sandbox.realtime.vad import Edge, EnergyVad
from glm_magics.sandbox.stream import new_id as new_session_id
from glm_magics.sandbox.tools import calls_in
from glm_magics.sandbox.usage import text_tokens

HONEST = "This is the glm_magics sandbox: no language model is behind this answer."
_MAX_ITEMS = 400
_TOKENS_PER_S = 12.5
_SEARCH_TOOL = {
    "type": "function",
    "name": "search_engine_auto",
    "description": "Searches the web.",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
}


@dataclass(frozen=True, slots=True)
class Start:
    """Begin this answer; `fault` is the name of what is to go wrong with it, empty for nothing."""

    speaking: Speaking
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the answer that is being given; `is_asked`: the client asked for it."""

    is_asked: bool


Step = Event | Start | Stop


class Script(Protocol):
    """What was told to the sandbox beforehand."""

    def next_reply(self) -> Answer | None: ...
    def next_heard(self) -> str | None: ...


class Call:
    """One call.

    Args:
        script: scripted answers, and what the recogniser shall hear.
    """

    def __init__(self, script: Script) -> None:
        self.is_answering = False
        self._script = script
        self._session: dict[str, Any] = {
            "object": "realtime.session",
            "id": new_session_id(),
            "model": "glm-realtime",
            "modalities": ["text", "audio"],
            "instructions": "",
            "voice": "default",
            "input_audio_format": "wav",
            "output_audio_format": "pcm",
            "tool_choice": "auto",  # not in the reference, and needed by the models of the vendor's SDK, as instructions are
            "temperature": 0.05,
            "beta_fields": {"chat_mode": "audio"},
        }
        self._transcription: dict[str, Any] | None = None
        self._vad: EnergyVad | None = None
        self._items: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._untold: list[dict[str, Any]] = []
        self._transcript: Event | None = None
        self._heard_text = ""
        self._heard_s = 0.0
        self._occasion: Occasion = "typed"
        self._buffer = Buffer()
        self._n_frames = 0
        self._speech_id = ""
        self._speech_start_ms = 0
        self._has_conversation = False
        self._is_due = False

    def opening(self) -> list[Step]:
        """What the server says first."""
        return [event("session.created", session=self._session), event("heartbeat")]

    def take(self, text: str | None) -> list[Step]:
        """The steps that follow from one frame; None for a frame that is not text."""
        try:
            got = json.loads(text) if text is not None else None
            if not isinstance(got, dict):
                raise Complaint("The event is no JSON object in a text frame.")
            if not isinstance(got.get("type"), str):
                raise Complaint("The 'type' field is missing.")
            handler = _HANDLERS.get(got["type"])
            if handler is None:
                raise Complaint(f"The event type {got['type']!r} is not known.")
            return handler(self, got)
        except (ValueError, RecursionError) as error:
            kind = str(error) if isinstance(error, BadSound) else "The event is no JSON."
            return [event("error", error=Complaint(kind).error)]
        except Complaint as complaint:
            return [event("error", error=complaint.error)]

    def finished(self, said: str) -> list[Step]:
        """The answer is over; another one may be due already."""
        self.is_answering = False
        if said:
            self._keep({"type": "message", "role": "assistant", "content": [{"type": "text", "text": said}]})
        if not self._is_due:
            return []
        self._is_due = False
        return self._answer()

    # Setting up

    def _update(self, got: Mapping[str, Any]) -> list[Step]:
        given = check_session(got)
        was_video = self._is_video
        self._session |= given
        beta = self._session["beta_fields"]
        if "turn_detection" not in given:
            self._session.pop("turn_detection", None)
        if beta.get("auto_search") and not self._is_video:
            self._session["tools"] = [*given.get("tools", ()), _SEARCH_TOOL]
        if was_video and not self._is_video:  # the history is dropped, the other way it is kept (reference of session.update)
            self._items.clear()
        self._set_vad(self._session.get("turn_detection"))
        steps: list[Step] = [event("session.updated", session=self._session), event("heartbeat")]
        greeting = beta.get("greeting_config") or {}
        if greeting.get("enable") and not self._has_conversation and not self.is_answering:
            words = str(greeting.get("content") or HONEST)
            steps.append(self._start(Answer(content=split_pieces(words)), "greeting"))
        return steps

    def _update_transcription(self, got: Mapping[str, Any]) -> list[Step]:
        given = check_session(got)
        self._transcription = {"id": new_id("sess"), "object": "realtime.transcription_session", **given}
        self._session["input_audio_format"] = given.get("input_audio_format", "pcm")
        self._set_vad(given.get("turn_detection"))
        return [event("transcription_session.updated", session=self._transcription), event("heartbeat")]

    def _set_vad(self, detection: Mapping[str, Any] | None) -> None:
        is_server = bool(detection) and (detection or {}).get("type", "server_vad") == "server_vad"
        self._session.pop("turn_detection", None)
        self._vad = None
        if is_server and detection is not None:
            given = {name: value for name, value in detection.items() if value or isinstance(value, bool)}  # the SDK sends zeros
            tuned = {"prefix_padding_ms": 300, "silence_duration_ms": 500, "threshold": 0.5, **given}
            self._session["turn_detection"] = {"create_response": True, "interrupt_response": True, **tuned}
            self._vad = EnergyVad(
                self._rate_hz, tuned["threshold"], int(tuned["prefix_padding_ms"]), int(tuned["silence_duration_ms"])
            )

    @property
    def _is_video(self) -> bool:
        return bool(self._session["beta_fields"].get("chat_mode", "audio") != "audio")

    @property
    def _rate_hz(self) -> int:
        return RATES_HZ[self._session["input_audio_format"]]

    # Hearing

    def _append(self, got: Mapping[str, Any]) -> list[Step]:
        samples = read_samples(got.get("audio"), self._session["input_audio_format"])
        if self._vad is None:
            self._buffer.add(samples)
            return []
        self._buffer.add(samples)
        steps: list[Step] = []
        for edge in self._vad.feed(samples):
            steps += self._speech_started(edge) if edge.kind == "started" else self._speech_stopped(edge)
        if not self._vad.is_speaking:
            self._buffer = Buffer(n_frames=self._buffer.n_frames)
        return steps

    def _speech_started(self, edge: Edge) -> list[Step]:
        self._speech_id, self._speech_start_ms = new_id("item"), edge.at_ms
        steps: list[Step] = [event("input_audio_buffer.speech_started", audio_start_ms=edge.at_ms, item_id=self._speech_id)]
        if self.is_answering and self._session["turn_detection"]["interrupt_response"]:
            steps.append(Stop(is_asked=False))
        return steps

    def _speech_stopped(self, edge: Edge) -> list[Step]:
        steps: list[Step] = [
            event("input_audio_buffer.speech_stopped", audio_end_ms=edge.at_ms, item_id=self._speech_id),
            *self._commit_heard(self._speech_id, (edge.at_ms - self._speech_start_ms) / 1000, False, "heard by server"),
        ]
        if self._transcription is not None:
            return [*steps, *self._write_down()]
        return [*steps, *self._answer()] if self._session["turn_detection"]["create_response"] else steps

    def _commit(self, got: Mapping[str, Any]) -> list[Step]:
        if self._vad is not None:
            raise Complaint("The buffer is committed by the server's VAD.")
        seconds = self._buffer.seconds(self._rate_hz)
        if not self._buffer.n_samples and not self._buffer.n_frames:
            raise Complaint("The input audio buffer is empty.")
        if seconds > MAX_TURN_S:
            self._buffer = Buffer()
            raise Complaint(f"The audio is {seconds:.0f} s long; a turn takes {MAX_TURN_S:.0f} s.")
        steps = self._commit_heard(new_id("item"), seconds, self._buffer.is_silent, "heard by client")
        return [*steps, *self._write_down()] if self._transcription is not None else steps

    def _commit_heard(self, item_id: str, seconds: float, is_silent: bool, occasion: Occasion) -> list[Step]:
        """The buffer becomes an item of the user; what was said in it waits to be told."""
        loudness = f" at {self._buffer.loudness_db:.0f} dB" if self._buffer.n_samples else ""
        text = None if is_silent else (self._script.next_heard() or f"[{seconds:.1f} s of speech{loudness}]")
        self._keep({"id": item_id, "type": "message", "role": "user", "content": [{"type": "input_audio"}]}, is_untold=True)
        self._n_frames = self._buffer.n_frames
        self._buffer = Buffer()
        self._occasion, self._heard_s, self._heard_text = occasion, seconds, text or ""
        self._transcript = _transcript(item_id, text)
        return [event("input_audio_buffer.committed", item_id=item_id), *self._conversation()]

    def _conversation(self) -> list[Step]:
        if self._has_conversation:
            return []
        self._has_conversation = True
        conversation = {"id": new_id("conv"), "object": "realtime.conversation"}
        return [event("conversation.created", conversation=conversation)]

    def _write_down(self) -> list[Step]:
        """What a transcription session does with a turn: no answer, the words alone."""
        told: list[Step] = [event("conversation.item.created", item=item) for item in self._untold]
        self._untold = []
        return [*told, *([self._transcript] if self._transcript else [])]

    def _append_frame(self, got: Mapping[str, Any]) -> list[Step]:
        if not self._is_video:
            raise Complaint("Video frames are taken in video mode only.")
        frame = got.get("video_frame")
        if not isinstance(frame, str) or not frame.startswith("/9j/"):  # FF D8 FF in base64
            raise Complaint("The 'video_frame' field is no JPEG in base64.")
        self._buffer.n_frames += 1
        return []

    def _clear(self, got: Mapping[str, Any]) -> list[Step]:
        self._buffer = Buffer()
        return [event("input_audio_buffer.cleared")]

    # Items

    def _keep(self, item: dict[str, Any], *, is_untold: bool = False) -> dict[str, Any]:
        given = {name: value for name, value in item.items() if value not in (None, "")}  # the SDK sends empty ids
        whole = {"id": new_id("item"), "object": "realtime.item", "status": "completed"} | given
        self._items[whole["id"]] = whole
        while len(self._items) > _MAX_ITEMS:
            self._items.popitem(last=False)
        if is_untold:
            self._untold.append(whole)
        return whole

    def _create(self, got: Mapping[str, Any]) -> list[Step]:
        item = self._keep(dict(check_item(got)), is_untold=True)
        self._transcript = None
        self._occasion = "results" if item["type"] == "function_call_output" else "typed"
        return self._conversation()

    def _delete(self, got: Mapping[str, Any]) -> list[Step]:
        item_id = check_id(got)
        if self._items.pop(item_id, None) is None:
            raise Complaint(f"There is no item {item_id!r}.")
        self._untold = [item for item in self._untold if item["id"] != item_id]
        return [event("conversation.item.deleted", item_id=item_id)]

    def _retrieve(self, got: Mapping[str, Any]) -> list[Step]:
        item = self._items.get(check_id(got))
        if item is None:
            raise Complaint(f"There is no item {got['item_id']!r}.")
        return [event("conversation.item.retrieved", item=item)]

    # Answering

    def _respond(self, got: Mapping[str, Any]) -> list[Step]:
        if self._vad is not None and (self.is_answering or not self._untold):
            return []  # the server answers by itself; the vendor's samples ask all the same
        if self.is_answering:
            raise Complaint("An answer is being given already.")
        if self._is_video and not self._n_frames and not self._buffer.n_frames:
            raise Complaint("There is no video frame to look at.", "video_model_query_error", "server_error")
        return self._answer()

    def _cancel(self, got: Mapping[str, Any]) -> list[Step]:
        if not self.is_answering:
            raise Complaint("There is no response to cancel.", "stop_task_error")
        return [Stop(is_asked=True)]

    def _answer(self) -> list[Step]:
        if self.is_answering:  # it was not to be interrupted: one after the other
            self._is_due = True
            return []
        typed = item_text(self._untold[-1]) if self._untold and self._occasion == "typed" else ""
        text, directives = split_directives(typed or self._heard_text)
        answer = self._script.next_reply() or self._compose(text)
        if answer.tool_calls and self._occasion == "results":
            self._occasion = "typed"
        return [self._start(answer, self._occasion, directives.get("fault", ""), text)]

    def _compose(self, text: str) -> Answer:
        """Calls of the tools that the words name, else what is true: what was heard, read and seen."""
        nested = [{"type": "function", "function": tool} for tool in self._session.get("tools") or ()]
        calls = tuple(calls_in(text, nested, None)) if self._occasion != "results" else ()
        if calls:
            return Answer(tool_calls=calls)
        outputs = [str(item["output"]) for item in self._untold if item["type"] == "function_call_output"]
        heard = f"I heard {self._heard_s:.1f} seconds of sound." if self._occasion.startswith("heard") else ""
        seen = f"I was sent {plural(self._n_frames or self._buffer.n_frames, 'picture')}." if self._is_video else ""
        read = f"I read: {ended(text, 200)}" if self._occasion == "typed" and text else ""
        gave = f"The tools answered: {ended('; '.join(outputs), 500)}" if outputs else ""
        return Answer(content=split_pieces(" ".join(filter(None, (HONEST, heard, seen, read, gave)))))

    def _start(self, answer: Answer, occasion: Occasion, fault: str = "", text: str = "") -> Start:
        self.is_answering = True
        wants_search = self._is_video and self._session["beta_fields"].get("auto_search") and "search" in text.lower()
        is_heard = occasion.startswith("heard")
        speaking = Speaking(
            answer, occasion, new_id("resp"), new_id("item"),
            inputs=tuple(self._untold),
            transcript=self._transcript if is_heard else None,
            n_input_tokens=sum(text_tokens(item_text(item)) for item in self._items.values()),
            n_audio_tokens=round(self._heard_s * _TOKENS_PER_S) if is_heard else 0,
            searching="The sandbox has no web to search." if wants_search else "",
            has_sound="audio" in self._session["modalities"],
        )  # fmt: skip
        self._untold, self._transcript, self._n_frames, self._buffer.n_frames = [], None, 0, 0
        return Start(speaking, fault)


def _transcript(item_id: str, text: str | None) -> Event:
    kind = "conversation.item.input_audio_transcription"
    if text is not None:
        return event(f"{kind}.completed", item_id=item_id, content_index=0, transcript=text)
    error = {"type": "ASR_ERROR", "code": "asr_no_result", "message": "asr: no result, err: <nil>"}
    return event(f"{kind}.failed", item_id=item_id, content_index=0, error=error)


_HANDLERS: Mapping[str, Callable[[Call, Mapping[str, Any]], list[Step]]] = {
    "session.update": Call._update,
    "transcription_session.update": Call._update_transcription,
    "input_audio_buffer.append": Call._append,
    "input_audio_buffer.append_video_frame": Call._append_frame,
    "input_audio_buffer.commit": Call._commit,
    "input_audio_buffer.clear": Call._clear,
    "conversation.item.create": Call._create,
    "conversation.item.delete": Call._delete,
    "conversation.item.retrieve": Call._retrieve,
    "response.create": Call._respond,
    "response.cancel": Call._cancel,
}
