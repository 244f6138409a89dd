"""Messages and their parts, and the shape they take on the wire.

Pure values: they can be built, compared and printed with nothing running. Source of the shapes: the vendor's chat
reference (`content` is a string, or a list of typed parts on models that take more than text).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any, Literal, TypeAlias

from .errors import one_line

ImageForm: TypeAlias = Literal["base64", "data_uri"]
"""How a server wants picture bytes: the vendor's samples send bare base64, OpenAI-style servers need a data: URI."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text, as it stands.

    Attributes:
        label: which value of the notebook it stands for; empty for words that were typed. Never sent.
        source: what that value was, for people: ``500×30``, ``page 3 of 12``. Never sent.
    """

    text: str
    label: str = ""
    source: str = ""
    kind: Literal["text"] = "text"

    def to_wire(self, image_form: ImageForm) -> dict[str, Any]:
        return {"type": "text", "text": self.text}


@dataclass(frozen=True)
class ImagePart:
    """A picture: encoded bytes, or a URL that the server fetches.

    Attributes:
        data: PNG or JPEG bytes, empty when `url` is given.
        mime: ``image/png`` or ``image/jpeg``.
        width_px, height_px: 0 when only the URL is known.
        label: where it came from, for people (``df``, ``photo.jpg``); never sent.
        source: what that was, for people: ``500×30``, ``page 3 of 12``, ``at 0:02.5``; never sent.
    """

    data: bytes = field(default=b"", repr=False)
    mime: str = "image/png"
    width_px: int = 0
    height_px: int = 0
    label: str = "picture"
    url: str = field(default="", repr=False)
    source: str = ""
    kind: Literal["image"] = "image"

    @cached_property
    def base64(self) -> str:
        """The bytes without line breaks: the vendor refuses base64 that has them (1210)."""
        return base64.b64encode(self.data).decode("ascii")

    def to_wire(self, image_form: ImageForm) -> dict[str, Any]:
        if self.url:
            url = self.url
        elif image_form == "base64":
            url = self.base64
        else:
            url = f"data:{self.mime};base64,{self.base64}"
        return {"type": "image_url", "image_url": {"url": url}}


@dataclass(frozen=True)
class VideoPart:
    """A video: an address that the server fetches, or bytes for a model that takes them.

    Attributes:
        url: empty when `data` is given.
        data: the bytes of an mp4, mkv or mov file.
        mime: ``video/mp4``, …
        seconds, width_px, height_px: how long and large it is; 0 when only the address is known.
        label, source: for people; never sent.
    """

    url: str = field(default="", repr=False)
    data: bytes = field(default=b"", repr=False)
    mime: str = "video/mp4"
    seconds: float = 0.0
    label: str = "video"
    source: str = ""
    width_px: int = 0
    height_px: int = 0
    kind: Literal["video"] = "video"

    @cached_property
    def base64(self) -> str:
        """The bytes without line breaks."""
        return base64.b64encode(self.data).decode("ascii")

    def to_wire(self, image_form: ImageForm) -> dict[str, Any]:
        prefix = "" if image_form == "base64" else f"data:{self.mime};base64,"
        return {"type": "video_url", "video_url": {"url": self.url or prefix + self.base64}}


@dataclass(frozen=True, slots=True)
class FilePart:
    """A document that the server fetches; bytes are not accepted on this route."""

    url: str = field(repr=False)
    label: str = "file"
    source: str = ""
    kind: Literal["file"] = "file"

    def to_wire(self, image_form: ImageForm) -> dict[str, Any]:
        return {"type": "file_url", "file_url": {"url": self.url}}


@dataclass(frozen=True)
class AudioPart:
    """Sound for glm-4-voice: WAV or MP3 bytes.

    Attributes:
        seconds: how long it is.
        label, source: for people; never sent.
    """

    data: bytes = field(repr=False)
    format: Literal["wav", "mp3"] = "wav"
    seconds: float = 0.0
    label: str = "sound"
    source: str = ""
    kind: Literal["audio"] = "audio"

    @cached_property
    def base64(self) -> str:
        """The bytes without line breaks."""
        return base64.b64encode(self.data).decode("ascii")

    def to_wire(self, image_form: ImageForm) -> dict[str, Any]:
        return {"type": "input_audio", "input_audio": {"data": self.base64, "format": self.format}}


Part: TypeAlias = TextPart | ImagePart | VideoPart | FilePart | AudioPart


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value of the notebook together with the expression that it came from."""

    label: str
    value: object


def join_text(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The same parts with neighbouring texts made one and empty texts dropped."""
    joined: list[Part] = []
    for is_text, run in groupby(parts, key=lambda part: isinstance(part, TextPart)):
        if not is_text:
            joined += run
        elif text := "".join(part.text for part in run if isinstance(part, TextPart)):
            joined.append(TextPart(text))
    return tuple(joined)


@dataclass(frozen=True, slots=True)
class SpokenId:
    """By what name a server remembers an answer that it spoke; sent back in the place of the words (reference of ``audio``).

    Attributes:
        id: the name.
        model, provider: who spoke; no one else knows the name.
        expires_at: seconds since 1970 after which it is forgotten; None where the server did not say.
    """

    id: str
    model: str
    provider: str
    expires_at: float | None = None

    def is_known(self, model: str, provider: str, now_s: float) -> bool:
        """True while that model of that provider should know it; `now_s`: seconds since 1970."""
        return (self.model, self.provider) == (model, provider) and (self.expires_at is None or now_s < self.expires_at)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who speaks, and its parts in order; of a spoken answer its transcript.

    Attributes:
        thinking: the reasoning of an assistant's message; it goes out in a field of its own, never in the content.
        tool_calls: of an assistant's message, as on the wire.
        tool_call_id: which call a ``tool`` message answers.
        spoken: by what the server remembers a spoken answer: goes out instead of the parts, which are its words.
    """

    role: Literal["system", "user", "assistant", "tool"]
    parts: Sequence[Part]
    thinking: str = field(default="", repr=False)
    tool_calls: Sequence[Mapping[str, Any]] = ()
    tool_call_id: str = ""
    spoken: SpokenId | None = None

    @property
    def calls(self) -> list[str]:
        """What an assistant asks for, each on a line for people: ``name({"n": 1})``. Foreign text."""
        functions = [call["function"] for call in self.tool_calls]
        return [one_line(f"{function['name']}({function['arguments']})", 300) for function in functions]

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of part the message holds, e.g. ``{"text", "image"}``."""
        return frozenset(part.kind for part in self.parts)

    @property
    def text(self) -> str:
        """Its words, without the other parts."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    def in_words(self) -> Message:
        """The same, told by its words where it was told by the name of its sound."""
        return replace(self, spoken=None) if self.spoken else self

    def to_wire(self, image_form: ImageForm, thinking_field: str = "") -> Mapping[str, Any]:
        """The message as JSON; a text-only one has a plain string, which text models require.

        Args:
            image_form: how picture bytes are written.
            thinking_field: the name under which the thinking goes along; empty: it stays here.
        """
        if self.spoken:
            return {"role": self.role, "audio": {"id": self.spoken.id}}
        wire: dict[str, Any] = {"role": self.role}
        if len(self.parts) == 1 and isinstance(self.parts[0], TextPart):  # nearly every message of a long chat
            wire["content"] = self.parts[0].text
        elif self.kinds <= {"text"}:
            wire["content"] = self.text
        else:
            wire["content"] = [part.to_wire(image_form) for part in self.parts]
        if thinking_field and self.thinking:
            wire[thinking_field] = self.thinking
        if self.tool_calls:
            wire["tool_calls"] = list(self.tool_calls)
        if self.tool_call_id:
            wire["tool_call_id"] = self.tool_call_id
        return wire
