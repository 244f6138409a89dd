"""A conversation as it was: who said what and when, folded from events in whatever order they come.

Within an answer events of different types are not ordered against each other (reference, flow of events), so each is found by
its ids, and whatever comes first makes the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ..speech import Speech
from . import server_events as ev
from .setup import OUTPUT_RATE_HZ
from .values import CallUsage, Item, Problem

Status: TypeAlias = Literal["in_progress", "completed", "cancelled", "lost"]
KEPT_AUDIO_S = 120.0
"""How much of the assistant's sound a call keeps: the server remembers no more itself (``call_memory``)."""

RETOLD_ENTRIES = 40
"""What is told again after a reconnection: the model's context holds about twenty turns."""

UNWRITTEN = "(spoken, not written down)"
"""In place of the words of a turn that nobody wrote down, as where a function is called for it (protocol reference 12.2)."""


@dataclass(slots=True)
class Said:
    """What the user said or typed, or what a function gave.

    Attributes:
        who: ``user``, ``tool`` or ``system``.
        at_s: when, in seconds of the call.
        is_spoken: `text` is what a recogniser made of it; empty until that is there.
        is_unwritten: it was answered, or the call is over, and nobody has written it down; `text` says so.
        problem: why there is no text.
    """

    who: str
    text: str = ""
    at_s: float = 0.0
    item_id: str = ""
    is_spoken: bool = False
    is_unwritten: bool = False
    problem: Problem | None = None

    def write_down(self, text: str) -> None:
        """What was understood of it; where that is nothing, that it is not written down."""
        if text or not (self.text or self.problem):
            self.text, self.is_unwritten = text or UNWRITTEN, not text


@dataclass(slots=True)
class Answer:
    """One answer of the assistant.

    Attributes:
        text: its words, whole or as far as they came; what was spoken is in `audio`, 24,000 samples a second.
        calls: the functions it asks for, with arguments as JSON text.
        status: ``in_progress``, ``completed``, ``cancelled`` (stopped or interrupted), ``lost`` (the connection broke).
        searched: what it said while it searched the web.
        n_damaged: pieces of sound that could not be read.
    """

    id: str = ""
    at_s: float = 0.0
    item_id: str = ""
    calls: list[ev.FunctionCallDone] = field(default_factory=list)
    usage: CallUsage | None = None
    status: Status = "in_progress"
    searched: str = ""
    n_damaged: int = 0
    n_audio_bytes: int = 0
    audio: bytearray = field(default_factory=bytearray, repr=False)
    _words: list[str] = field(default_factory=list, repr=False)
    _transcript: list[str] = field(default_factory=list, repr=False)
    _whole: set[str] = field(default_factory=set, repr=False)  # which of the two came whole: no delta adds to it any more
    who: str = "assistant"

    @property
    def text(self) -> str:
        """The model's words; where it sent none, what was written down of its speech."""
        return "".join(self._words) or "".join(self._transcript)

    @property
    def audio_s(self) -> float:
        """How long it spoke, kept or not."""
        return self.n_audio_bytes / 2 / OUTPUT_RATE_HZ

    @property
    def speech(self) -> Speech | None:
        """The answer spoken; None when it was not, or is no longer kept."""
        return Speech(bytes(self.audio), headerless_hz=OUTPUT_RATE_HZ) if self.audio else None


Entry: TypeAlias = "Said | Answer"


class Conversation:
    """Folds events into entries.

    Attributes:
        entries: what was said, in order.
        n_heard: turns of speech that the server took.
        n_events: events that said something; heartbeats do not.
        n_losses: how often the connection broke.

    Args:
        kept_audio_s: seconds of the assistant's sound that are kept, the newest.
        is_answered_unasked: the server answers each turn by itself (server VAD).
    """

    def __init__(self, kept_audio_s: float = KEPT_AUDIO_S, is_answered_unasked: bool = False) -> None:
        self.entries: list[Entry] = []
        self.is_user_speaking = False
        self.is_answered_unasked = is_answered_unasked
        self.n_heard = self.n_events = self.n_losses = 0
        self._n_owed = 0
        self._kept_bytes = kept_audio_s * OUTPUT_RATE_HZ * 2
        self._sounding: list[Answer] = []  # those whose sound is kept, oldest first
        self._by_id: dict[str, Answer] = {}
        self._spoken: dict[str, Said] = {}

    @property
    def answers(self) -> list[Answer]:
        """The assistant's, oldest first."""
        return [entry for entry in self.entries if isinstance(entry, Answer)]

    @property
    def running(self) -> Answer | None:
        """The answer that is being made; other threads may ask."""
        return next((answer for answer in reversed(list(self._by_id.values())) if answer.status == "in_progress"), None)

    @property
    def is_busy(self) -> bool:
        """An answer is being made, or has yet to begin."""
        return self._n_owed > 0 or self.running is not None

    def find(self, response_id: str) -> Answer:
        """The answer with this id; the latest where there is none."""
        answers = self.answers
        return next((answer for answer in reversed(answers) if answer.id == response_id), answers[-1])

    def owe(self, n: int = 1) -> None:
        """The server was asked for so many answers; fewer than none: it was not asked after all."""
        self._n_owed = max(0, self._n_owed + n)

    def add_words(self, who: str, text: str, at_s: float) -> None:
        """Something that was typed, or given by a function."""
        self.entries.append(Said(who, text, at_s))

    def add(self, event: ev.ServerEvent, at_s: float) -> None:
        """Takes one event in; `at_s`: seconds of the call."""
        handler = _HANDLERS.get(type(event))
        if handler:
            self.n_events += 1
            handler(self, event, at_s)

    def lose(self) -> tuple[list[Answer], int]:
        """The connection broke: what was being said is over. Gives the answers that are lost, and how many had yet to begin."""
        self.n_losses += 1
        lost = [answer for answer in self._by_id.values() if answer.status == "in_progress"]
        for answer in lost:
            answer.status = "lost"
        n_unbegun, self._n_owed, self.is_user_speaking = self._n_owed, 0, False
        self._by_id.clear()
        self.give_up_writing()
        return lost, n_unbegun

    def give_up_writing(self) -> None:
        """No more will be written down of what was spoken."""
        for said in self._spoken.values():
            said.write_down("")
        self._spoken.clear()

    def retelling(self) -> list[Item]:
        """The latest entries as messages of text, oldest first, for a server that has forgotten them."""
        told = [entry for entry in self.entries if entry.text and entry.who in ("user", "assistant")]
        told = [entry for entry in told if isinstance(entry, Answer) or not entry.is_unwritten]
        return [Item("message", entry.who, entry.text) for entry in told[-RETOLD_ENTRIES:]]

    def lines(self) -> Iterator[tuple[str, float, str]]:
        """Who, when (seconds of the call), what."""
        return ((entry.who, entry.at_s, entry.text) for entry in self.entries if entry.text)

    # One method for each kind of event that says something about the conversation

    def _committed(self, event: ev.AudioCommitted, at_s: float) -> None:
        self.n_heard += 1
        self._n_owed += self.is_answered_unasked
        self._find_spoken(event.item_id, at_s)

    def _find_spoken(self, item_id: str, at_s: float) -> Said:
        if item_id not in self._spoken:
            self._spoken[item_id] = Said("user", "", at_s, item_id, is_spoken=True)
            self.entries.append(self._spoken[item_id])
            while len(self._spoken) > RETOLD_ENTRIES:  # a transcript later than that is for nobody
                self._spoken.pop(next(iter(self._spoken))).write_down("")
        return self._spoken[item_id]

    def _written_down(self, event: ev.TranscriptionCompleted, at_s: float) -> None:
        self._find_spoken(event.item_id, at_s).write_down(event.transcript)

    def _not_written_down(self, event: ev.TranscriptionFailed, at_s: float) -> None:
        self._find_spoken(event.item_id, at_s).problem = event.error

    def _speaks(self, event: ev.ServerEvent, at_s: float) -> None:
        self.is_user_speaking = isinstance(event, ev.SpeechStarted)

    def _find(self, response_id: str, at_s: float) -> Answer:
        known = self._by_id.get(response_id) or (self.running if not response_id else None)
        if known is None:
            known = self._by_id[response_id] = Answer(response_id, at_s)
            self.entries.append(known)
            self._n_owed = max(0, self._n_owed - 1)
            while len(self._by_id) > RETOLD_ENTRIES:  # what comes later than that is for nobody
                del self._by_id[next(iter(self._by_id))]
        return known

    def _begun(self, event: ev.ResponseCreated, at_s: float) -> None:
        self._find(event.response.id, at_s)

    def _has_item(self, event: ev.OutputItemAdded, at_s: float) -> None:
        self._find(event.response_id, at_s).item_id = event.item.id

    def _word(self, event: ev.TextDelta, at_s: float) -> None:
        answer = self._find(event.response_id, at_s)
        if "words" not in answer._whole:
            answer._words.append(event.delta)

    def _words(self, event: ev.TextDone, at_s: float) -> None:
        answer = self._find(event.response_id, at_s)
        if event.text:
            answer._words = [event.text]
            answer._whole.add("words")

    def _transcript(self, event: ev.TranscriptDelta, at_s: float) -> None:
        answer = self._find(event.response_id, at_s)
        if "transcript" not in answer._whole:
            answer._transcript.append(event.delta)

    def _whole_transcript(self, event: ev.TranscriptDone, at_s: float) -> None:
        answer = self._find(event.response_id, at_s)
        if event.transcript:
            answer._transcript = [event.transcript]
            answer._whole.add("transcript")

    def _sound(self, event: ev.AudioDelta, at_s: float) -> None:
        answer = self._find(event.response_id, at_s)
        if answer.status == "cancelled":  # what still comes was not heard
            return
        if not answer.audio:
            self._sounding.append(answer)
        answer.n_damaged += event.audio.is_damaged
        answer.n_audio_bytes += len(event.audio.data)
        answer.audio += event.audio.data
        while len(self._sounding) > 1 and sum(len(each.audio) for each in self._sounding) > self._kept_bytes:
            self._sounding.pop(0).audio = bytearray()

    def _call(self, event: ev.FunctionCallDone, at_s: float) -> None:
        self._find(event.response_id, at_s).calls.append(event)

    def _search(self, event: ev.SearchStarted, at_s: float) -> None:
        if self.running:
            self.running.searched = event.description

    def _refused(self, event: ev.ErrorEvent, at_s: float) -> None:
        if self.running is None:  # else the answer goes on
            self._n_owed = max(0, self._n_owed - 1)

    def _stopped(self, event: ev.ResponseCancelled, at_s: float) -> None:
        self._find(event.response.id, at_s).status = "cancelled"

    def _done(self, event: ev.ResponseDone, at_s: float) -> None:
        answer = self._find(event.response.id, at_s)
        if answer.status == "in_progress":
            answer.status = "cancelled" if event.response.status == "cancelled" else "completed"
        answer.usage = event.response.usage
        asked = [said for said in self._spoken.values() if said.at_s <= answer.at_s]
        for said in asked:  # a transcript that comes later takes its place
            said.write_down("")


_HANDLERS: Mapping[type[ev.ServerEvent], Callable[[Conversation, Any, float], None]] = {
    ev.ErrorEvent: Conversation._refused,
    ev.AudioCommitted: Conversation._committed,
    ev.TranscriptionCompleted: Conversation._written_down,
    ev.TranscriptionFailed: Conversation._not_written_down,
    ev.SpeechStarted: Conversation._speaks,
    ev.SpeechStopped: Conversation._speaks,
    ev.ResponseCreated: Conversation._begun,
    ev.OutputItemAdded: Conversation._has_item,
    ev.TextDelta: Conversation._word,
    ev.TextDone: Conversation._words,
    ev.TranscriptDelta: Conversation._transcript,
    ev.TranscriptDone: Conversation._whole_transcript,
    ev.AudioDelta: Conversation._sound,
    ev.FunctionCallDone: Conversation._call,
    ev.SearchStarted: Conversation._search,
    ev.ResponseCancelled: Conversation._stopped,
    ev.ResponseDone: Conversation._done,
}
