"""The events of one answer, in the orders of the reference's diagrams (protocol reference 12.2)."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from glm_magics.sandbox.answers import Answer
from glm_magics.sandbox.realtime.spoils import Event
from glm_magics.sandbox.usage import text_tokens

Occasion = Literal["heard by client", "heard by server", "typed", "results", "greeting"]
"""Why the assistant speaks: it decides which events open the answer, and in which order."""

OUTPUT_RATE_HZ = 24_000
_TOKENS_PER_S = 12.5


def new_id(kind: str) -> str:
    """``event``, ``item`` or ``resp`` and 32 hexadecimal digits (protocol reference 12.1)."""
    return f"{kind}{secrets.token_hex(16)}"


def event(type: str, **fields: Any) -> Event:
    """A server event with its envelope."""
    return {"event_id": new_id("event"), "type": type, "client_timestamp": int(time.time() * 1000), **fields}


@dataclass(frozen=True, slots=True)
class Speaking:
    """One answer, about to be given.

    Attributes:
        inputs: items that have not been told yet, the last of which is answered.
        transcript: the event that says what the user said; None where nothing was spoken.
        n_input_tokens, n_audio_tokens: of the prompt, in words and in sound.
        searching: what is said while the web is searched; empty when it is not.
        has_sound: words alone otherwise.
    """

    answer: Answer
    occasion: Occasion
    response_id: str
    item_id: str
    inputs: Sequence[Event] = ()
    transcript: Event | None = None
    n_input_tokens: int = 0
    n_audio_tokens: int = 0
    searching: str = ""
    has_sound: bool = True

    def opening(self) -> list[Event]:
        """Everything before the first delta."""
        begun = [self._response("response.created", "in_progress"), _limits()]
        added = [event("response.output_item.added", **self._output("in_progress"))]
        told = [event("conversation.item.created", item=item) for item in self.inputs]
        part = [event("response.content_part.added", **self._ids, part={"type": "audio"})]
        heard = [self.transcript] if self.transcript else []
        if self.searching:
            begun.append(_search(self.searching))
        if self.answer.tool_calls:
            return [*begun, *told, *added, *part]
        orders: dict[Occasion, list[Event]] = {
            "heard by client": [*begun, *heard, *added, *told, *part],
            "heard by server": [*begun, *added, *told, *part, *heard],
            "typed": [*begun, *added, *told, *part],
            "results": [*added, *told, *part],
            "greeting": [*begun, *added, *told, *part],
        }
        return orders[self.occasion]

    def deltas(self, sound: bytes) -> Iterator[Event]:
        """Words, what was written down of them, and sound, piece by piece; or the calls."""
        for index, call in enumerate(self.answer.tool_calls):
            fields = {"response_id": self.response_id, "output_index": index}
            yield event("response.function_call_arguments.done", **fields, name=call.name, arguments=call.arguments)
        if self.answer.tool_calls:
            return
        pieces = self.answer.content or ("",)
        ends = [len(sound) // 2 * i // len(pieces) * 2 for i in range(len(pieces) + 1)]
        for piece, (start, end) in zip(pieces, pairwise(ends), strict=True):
            yield event("response.text.delta", **self._ids, delta=piece)
            if self.has_sound:
                yield event("response.audio_transcript.delta", **self._ids, delta=piece)
                yield event("response.audio.delta", **self._ids, delta=base64.b64encode(sound[start:end]).decode())

    def closing(self, said: str, n_sound_bytes: int, status: str = "completed") -> list[Event]:
        """Everything after the last delta; told however the answer ended, with what was said so far."""
        spoken = [
            event("response.audio_transcript.done", **self._ids, transcript=said),
            event("response.audio.done", **self._ids),
        ]
        words = [event("response.text.done", **self._ids, text=said), *(spoken if self.has_sound else [])]
        return [
            *([] if self.answer.tool_calls else words),
            event("response.content_part.done", **self._ids, part={"type": "audio"}),
            event("response.output_item.done", **self._output("completed" if status == "completed" else "incomplete")),
            self._response("response.done", status, usage=self._usage(said, n_sound_bytes)),
        ]

    def cancelled(self) -> Event:
        """The reply to ``response.cancel``."""
        return self._response("response.cancelled", "cancelled")

    @property
    def _ids(self) -> dict[str, Any]:
        return {"response_id": self.response_id, "item_id": self.item_id, "output_index": 0, "content_index": 0}

    def _output(self, status: str) -> dict[str, Any]:
        item = {"content": [{}], "id": self.item_id, "object": "realtime.item", "role": "assistant", "status": status}
        return {"response_id": self.response_id, "output_index": 0, "item": {**item, "type": "message"}}

    def _response(self, type: str, status: str, **more: Any) -> Event:
        return event(type, response={"object": "realtime.response", "id": self.response_id, "status": status, **more})

    def _usage(self, said: str, n_sound_bytes: int) -> dict[str, Any]:
        n_calls = sum(text_tokens(call.name + call.arguments) for call in self.answer.tool_calls)
        words, sound = text_tokens(said) + n_calls, round(n_sound_bytes / 2 / OUTPUT_RATE_HZ * _TOKENS_PER_S)
        n_input = self.n_input_tokens + self.n_audio_tokens
        return {
            "total_tokens": n_input + words + sound,
            "input_tokens": n_input,
            "output_tokens": words + sound,
            "input_token_details": {"text_tokens": self.n_input_tokens, "audio_tokens": self.n_audio_tokens},
            "output_token_details": {"text_tokens": words, "audio_tokens": sound},
        }


def _limits() -> Event:
    return event("rate_limits.updated", rate_limits=[{"name": "requests", "limit": 5, "remaining": 4, "reset_seconds": 1.0}])


def _search(description: str) -> Event:
    found = {"description": description, "search_meta": "", "meta": "", "text_citation": ""}
    session = {"beta_fields": {"simple_browser": found}}
    return event("response.function_call.simple_browser", name="simple_browser", session=session)
