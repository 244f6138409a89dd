"""What a client says to the Realtime server: every client event of the reference, as values."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from .values import Item


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """Something the client says; its fields are those of the wire."""

    wire_type: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class SessionUpdate(ClientEvent):
    """Sets the session up, or changes it."""

    wire_type: ClassVar[str] = "session.update"
    session: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TranscriptionSessionUpdate(ClientEvent):
    """Sets a session up that only writes down."""

    wire_type: ClassVar[str] = "transcription_session.update"
    session: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AudioAppend(ClientEvent):
    """A piece of sound in the session's input format; at most 50 a second, the server drops the rest."""

    wire_type: ClassVar[str] = "input_audio_buffer.append"
    audio: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VideoFrameAppend(ClientEvent):
    """A picture of the camera or screen: JPEG bytes; in video mode."""

    wire_type: ClassVar[str] = "input_audio_buffer.append_video_frame"
    video_frame: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AudioCommit(ClientEvent):
    """What was appended is a turn; client VAD only."""

    wire_type: ClassVar[str] = "input_audio_buffer.commit"


@dataclass(frozen=True, slots=True)
class AudioClear(ClientEvent):
    """Forgets what was appended."""

    wire_type: ClassVar[str] = "input_audio_buffer.clear"


@dataclass(frozen=True, slots=True)
class ItemCreate(ClientEvent):
    """Adds words or a function's result to the conversation."""

    wire_type: ClassVar[str] = "conversation.item.create"
    item: Item


@dataclass(frozen=True, slots=True)
class ItemDelete(ClientEvent):
    """Takes an item out of the conversation."""

    wire_type: ClassVar[str] = "conversation.item.delete"
    item_id: str


@dataclass(frozen=True, slots=True)
class ItemRetrieve(ClientEvent):
    """Asks for an item."""

    wire_type: ClassVar[str] = "conversation.item.retrieve"
    item_id: str


@dataclass(frozen=True, slots=True)
class ResponseCreate(ClientEvent):
    """Asks the model to answer."""

    wire_type: ClassVar[str] = "response.create"


@dataclass(frozen=True, slots=True)
class ResponseCancel(ClientEvent):
    """Stops the answer that is being made."""

    wire_type: ClassVar[str] = "response.cancel"


CLIENT_EVENTS: Mapping[str, type[ClientEvent]] = {kind.wire_type: kind for kind in ClientEvent.__subclasses__() if kind.wire_type}
"""Every client event of the reference by its type."""


def to_wire(event: ClientEvent, event_id: str, timestamp_ms: int) -> str:
    """The text frame of an event; `timestamp_ms`: milliseconds since 1970."""
    body: dict[str, Any] = {"event_id": event_id, "client_timestamp": timestamp_ms, "type": event.wire_type}
    for each in fields(event):
        value = getattr(event, each.name)
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode("ascii")
        body[each.name] = value.to_wire() if isinstance(value, Item) else value
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
