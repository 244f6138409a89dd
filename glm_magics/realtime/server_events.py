"""What the Realtime server says: every server event of the reference, as values, and their reader.

`SERVER_EVENTS` is the table. The reader is liberal: two spellings of two types, camelCase names (``eventId``), missing and
foreign fields; a type that is not in the table becomes an `UnknownEvent` and is kept as it came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from ..errors import one_line
from .values import READERS, Item, Pcm, Problem, RateLimit, Response, read_search


def _wire(name: str, default: Any = "", read: Callable[[object], Any] | None = None) -> Any:
    """A field that has another name on the wire, or a reader of its own."""
    metadata = {"wire": name, "read": read}
    return field(default=default, metadata=metadata)


def _search(name: str) -> Any:
    """A field of a search, which is told within a session object."""
    return _wire("session", "", partial(read_search, name=name))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """Something the server said.

    Attributes:
        type: as it came, whatever its spelling.
        timestamp_ms: milliseconds since 1970, 0 when it did not say.
        raw: the whole event, but for the base64 of sound.
    """

    type: str = ""
    event_id: str = ""
    timestamp_ms: int = _wire("client_timestamp", 0)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(ServerEvent):
    """An event that the reference does not have, or no event at all; `raw` holds what can be read of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEvent(ServerEvent):
    """Something went wrong; the session stays open."""

    error: Problem = field(default_factory=Problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfSession(ServerEvent):
    session: Mapping[str, Any] = field(default_factory=dict)


class SessionCreated(_OfSession):
    """The session is there, with the server's settings."""

    __slots__ = ()


class SessionUpdated(_OfSession):
    """The session has these settings now."""

    __slots__ = ()


class TranscriptionSessionUpdated(_OfSession):
    """The transcription session has these settings now."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationCreated(ServerEvent):
    """The conversation has begun; in the diagrams of the flows only."""

    conversation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfItem(ServerEvent):
    item: Item = field(default_factory=Item)


class ItemCreated(_OfItem):
    """The conversation has a new item."""

    __slots__ = ()


class ItemRetrieved(_OfItem):
    """The item that was asked for."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDeleted(ServerEvent):
    """The item is gone."""

    item_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionCompleted(ServerEvent):
    """What the user said, by a recogniser of its own: may come late, be empty, or differ from what the model heard."""

    item_id: str = ""
    content_index: int = 0
    transcript: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionFailed(ServerEvent):
    """What the user said could not be written down."""

    item_id: str = ""
    content_index: int = 0
    error: Problem = field(default_factory=Problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioCommitted(ServerEvent):
    """What was appended is a turn of the user now."""

    item_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioCleared(ServerEvent):
    """What was appended is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(ServerEvent):
    """The user began to speak; `at_ms` of all sound that was appended."""

    item_id: str = ""
    at_ms: int = _wire("audio_start_ms", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStopped(ServerEvent):
    """The user stopped speaking; `at_ms` of all sound that was appended."""

    item_id: str = ""
    at_ms: int = _wire("audio_end_ms", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfResponse(ServerEvent):
    response: Response = field(default_factory=Response)


class ResponseCreated(_OfResponse):
    """The model begins to answer."""

    __slots__ = ()


class ResponseCancelled(_OfResponse):
    """The answer is stopped, as was asked."""

    __slots__ = ()


class ResponseDone(_OfResponse):
    """The answer is over, however it ended; its tokens are here."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitsUpdated(ServerEvent):
    """What is left of the account's limits."""

    rate_limits: tuple[RateLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfOutput(ServerEvent):
    response_id: str = ""
    output_index: int = 0
    item: Item = field(default_factory=Item)


class OutputItemAdded(_OfOutput):
    """An item of the answer begins."""

    __slots__ = ()


class OutputItemDone(_OfOutput):
    """An item of the answer is over."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _InContent(ServerEvent):
    response_id: str = ""
    item_id: str = ""
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfPart(_InContent):
    part: Mapping[str, Any] = field(default_factory=dict)


class ContentPartAdded(_OfPart):
    """A part of an item begins."""

    __slots__ = ()


class ContentPartDone(_OfPart):
    """A part of an item is over."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(_InContent):
    """More of the model's words."""

    delta: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDone(_InContent):
    """The model's words, whole."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptDelta(_InContent):
    """More of what was spoken, written down; may be empty or differ from the words."""

    delta: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptDone(_InContent):
    """What was spoken, written down, whole."""

    transcript: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioDelta(_InContent):
    """More sound: 16-bit mono, 24,000 samples a second; may end in the middle of a sample."""

    audio: Pcm = field(default_factory=Pcm, metadata={"wire": "delta"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioDone(_InContent):
    """There is no more sound in this part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCallDone(ServerEvent):
    """The model calls a function; one event for each call. `arguments` is JSON text, to be parsed with care."""

    response_id: str = ""
    output_index: int = 0
    call_id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStarted(ServerEvent):
    """The server searches the web on its own; `description` is what it says meanwhile, the rest the search's own words."""

    name: str = ""
    description: str = _search("description")
    search_meta: str = _search("search_meta")
    meta: str = _search("meta")
    text_citation: str = _search("text_citation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(ServerEvent):
    """The connection lives; every 30 seconds."""


SERVER_EVENTS: Mapping[str, type[ServerEvent]] = {
    "error": ErrorEvent,
    "session.created": SessionCreated,
    "session.updated": SessionUpdated,
    "transcription_session.updated": TranscriptionSessionUpdated,
    "conversation.created": ConversationCreated,
    "conversation.item.created": ItemCreated,
    "conversation.item.retrieved": ItemRetrieved,
    "conversation.item.deleted": ItemDeleted,
    "conversation.item.input_audio_transcription.completed": TranscriptionCompleted,
    "conversation.item.input_audio_transcription.failed": TranscriptionFailed,
    "input_audio_buffer.committed": AudioCommitted,
    "input_audio_buffer.cleared": AudioCleared,
    "input_audio_buffer.speech_started": SpeechStarted,
    "input_audio_buffer.speech_stopped": SpeechStopped,
    "response.created": ResponseCreated,
    "response.cancelled": ResponseCancelled,
    "response.done": ResponseDone,
    "rate_limits.updated": RateLimitsUpdated,
    "response.output_item.added": OutputItemAdded,
    "response.output_item.done": OutputItemDone,
    "response.content_part.added": ContentPartAdded,
    "response.content_part.done": ContentPartDone,
    "response.text.delta": TextDelta,
    "response.text.done": TextDone,
    "response.audio_transcript.delta": TranscriptDelta,
    "response.audio_transcript.done": TranscriptDone,
    "response.audio.delta": AudioDelta,
    "response.audio.done": AudioDone,
    "response.function_call_arguments.done": FunctionCallDone,
    "response.function_call.simple_browser": SearchStarted,
    "heartbeat": Heartbeat,
}
"""Every server event of the reference by its type."""

_SPELLINGS: Mapping[str, str] = {
    "rate_limites.updated": "rate_limits.updated",
    "transcription.session.updated": "transcription_session.updated",
}
"""Types that the reference spells in two ways."""


def read_event(text: str | bytes) -> ServerEvent:
    """The event of one frame; never raises: what cannot be read is an `UnknownEvent`."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        excerpt = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return UnknownEvent(raw={"text": one_line(excerpt, 200)})
    name = raw.get("type")
    name = name if isinstance(name, str) else ""
    kind = SERVER_EVENTS.get(_SPELLINGS.get(name, name), UnknownEvent)
    values = {own: read(_find(raw, wire, camel)) for own, wire, camel, read in _COLUMNS[kind]}
    if kind is AudioDelta:
        raw.pop("delta", None)  # as samples it is there already, and there is much of it
    return kind(raw=raw, **values)


def _find(raw: Mapping[str, Any], wire: str, camel: str) -> object:
    value = raw.get(wire)
    return raw.get(camel) if value is None else value


def _columns(kind: type[ServerEvent]) -> tuple[tuple[str, str, str, Callable[[object], Any]], ...]:
    """Of each field: its name, its two names on the wire, and how it is read."""
    rows = []
    for each in fields(kind):
        if each.name == "raw":
            continue
        wire = each.metadata.get("wire", each.name)
        head, *tail = wire.split("_")
        rows.append((each.name, wire, head + "".join(map(str.title, tail)), each.metadata.get("read") or READERS[str(each.type)]))
    return tuple(rows)


_KINDS: tuple[type[ServerEvent], ...] = (UnknownEvent, *SERVER_EVENTS.values())
_COLUMNS = {kind: _columns(kind) for kind in _KINDS}
