"""What is kept of a call: its words, both sides' sound on one time line, and which part of it was heard."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from ..grammar import plural
from ..realtime import server_events as ev
from ..realtime.bills import tokens_of
from ..realtime.conversation import Answer, Conversation, Entry, Said
from ..realtime.session import RealtimeSession
from ..realtime.setup import OUTPUT_RATE_HZ
from ..realtime.talks import Talk
from ..realtime.tapes import CallAudio, Tape
from ..replies import Ending, Reply
from ..speech import Speech
from ..tokenusage import Usage
from .errands import Errands
from .rows import INTERRUPTED, LOST, make_row

_LOOKED_AT = 12  # rows from the end: a transcript comes no later
_ENDINGS: dict[str, Ending] = {"cancelled": "stopped", "lost": "cut short"}


class CallRecord:
    """Grows with a call, and goes on when another one is begun in the same widget.

    Attributes:
        conversation: what was said.
        elapsed_s: how long the call was, as far as it is over.
        call: the session that is open; None where there is none.

    Args:
        model: whom the user talks with.
        input_rate_hz: samples a second of what the microphone hears.
    """

    def __init__(self, model: str, input_rate_hz: int) -> None:
        self.conversation = Conversation(kept_audio_s=0.0)  # the tape has it
        self.elapsed_s = 0.0
        self.call: RealtimeSession | None = None
        self._model = model
        self._heard, self._played = Tape(input_rate_hz), Tape(OUTPUT_RATE_HZ)
        self._half = b""
        self._sounding = ""
        self._begun: set[int] = set()
        self._shut: set[int] = set()
        self._cut: dict[int, str] = {}
        self._places: dict[int, tuple[float, float]] = {}
        self._rows: dict[int, dict[str, Any]] = {}

    @property
    def now_s(self) -> float:
        """Seconds of the call."""
        call = self.call  # another thread may end it
        return call.elapsed_s if call else self.elapsed_s

    def begin(self, call: RealtimeSession) -> None:
        """`call` is open."""
        self.call, self._half, self._sounding = call, b"", ""
        self._begun, self._shut = set(), set()

    def end(self) -> None:
        """The call is over; what would have been played later was not."""
        self.elapsed_s, self.call = self.now_s, None
        self.stop_playing(self._answers())
        self.conversation.lose()

    def hear(self, samples: bytes) -> None:
        """What the microphone heard just now."""
        self._heard.add(samples, self.now_s - len(samples) / 2 / self._heard.rate_hz)

    def answer_begun(self, event: ev.ResponseCreated) -> None:
        """The turn of this answer has come; the conversation may know later ones already."""
        self._begun.add(id(self.conversation.find(event.response.id)))

    def play(self, event: ev.AudioDelta) -> tuple[str, bytes]:
        """The answer's id and its next whole samples; none when it is not to be heard."""
        answer = self.conversation.find(event.response_id)
        self._begun.add(id(answer))
        if id(answer) in self._shut or answer.status == "cancelled":
            return answer.id, b""
        data = (self._half if answer.id == self._sounding else b"") + event.audio.data
        samples = data[: len(data) // 2 * 2]
        self._sounding, self._half = answer.id, data[len(samples) :]
        if samples:
            start_s, end_s = self._played.add(samples, self.now_s)
            first_s, _ = self._places.get(id(answer), (start_s, end_s))
            self._places[id(answer)] = first_s, end_s
        return answer.id, samples

    def interrupt(self) -> None:
        """The user stops what is being said: nothing is heard any more of all that was asked for so far."""
        self.stop_playing(self._answers())

    def _answers(self) -> set[int]:
        return {id(answer) for answer in self.conversation.answers}

    def stop_playing(self, shut: Set[int] = frozenset(), why: str = INTERRUPTED) -> bool:
        """What was not played yet never will be; False when all of it was played.

        Nor is what still comes of the answers that have begun, and of those in `shut`, which need not have begun.
        """
        now_s = self.now_s
        self._shut |= self._begun | shut
        if not self._played.cut(now_s):
            return False
        self._cut |= {key: why for key, (_, end_s) in self._places.items() if end_s > now_s}
        self._places = {key: (start_s, min(end_s, now_s)) for key, (start_s, end_s) in self._places.items()}
        return True

    def lose(self) -> bool:
        """The connection broke; True when it took an answer with it, or a question that had none yet."""
        was_playing, last = self.stop_playing(why=LOST), self.conversation.entries[-1:]
        return was_playing or any(entry.status == "lost" if isinstance(entry, Answer) else True for entry in last)

    def new_rows(self, errands: Errands) -> Iterator[dict[str, Any]]:
        """Rows for the page that are new or have changed since the last time."""
        entries = self.conversation.entries
        for key in range(max(0, len(entries) - _LOOKED_AT), len(entries)):
            entry = entries[key]
            asked = errands.of(entry) if isinstance(entry, Answer) else ()
            row = make_row(key, entry, asked, self._cut.get(id(entry), ""))
            if row is not None and row != self._rows.get(key):
                self._rows[key] = row
                yield row

    def rows(self) -> list[dict[str, Any]]:
        """All rows that were told."""
        return list(self._rows.values())

    def count(self, limits: tuple[Any, ...], cost: str = "") -> str:
        """Tokens, cost and limits, for people."""
        used = self.usage()
        told = (
            [f"{plural(used.total_tokens, 'token')} ({used.prompt_tokens:,} in, {used.completion_tokens:,} out)"]
            if used.total_tokens
            else []
        )
        told += [cost] if cost else []
        told += [f"{row.name or 'limit'}: {row.remaining} of {row.limit} left" for row in limits]
        return " · ".join(told)

    def usage(self) -> Usage:
        """The tokens of all answers."""
        return tokens_of(self.conversation.answers)

    def audio(self) -> CallAudio:
        """Both sides as they sounded."""
        return CallAudio(self._heard, self._played)

    def talk(self, errands: Errands) -> Talk:
        """The words; of the functions their names and arguments too, and those that came to nothing."""
        entries: list[Entry] = [entry for entry in self.conversation.entries if entry.who != "tool"]
        entries += [Said("tool", errand.in_words(), errand.at_s) for errand in errands.ended]
        return Talk(tuple(sorted(entries, key=lambda entry: entry.at_s)), None, self.now_s)

    def reply(self, answer: Answer) -> Reply:
        """An answer, with its sound as far as it was heard."""
        place, used = self._places.get(id(answer)), answer.usage
        sound = self._played.read(*place) if place else b""
        return Reply(
            text=answer.text,
            raw_text=answer.text,
            model=self._model,
            usage=Usage(used.input_tokens, used.output_tokens, used.total_tokens, used.cached_tokens) if used else None,
            finish_reason="tool_calls" if answer.calls else "stop" if answer.status == "completed" else None,
            ending=_ENDINGS.get(answer.status, ""),
            tool_calls=tuple({"name": call.name, "arguments": call.arguments} for call in answer.calls),
            audio=Speech(sound, headerless_hz=OUTPUT_RATE_HZ) if sound else None,
        )
