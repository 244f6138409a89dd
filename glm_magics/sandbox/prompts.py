"""Reading and checking the messages of a request: the words, the pictures, and what may not be there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glm_magics.catalog import Model
from glm_magics.sandbox.codes import Refusal
from glm_magics.sandbox.pictures import Foreign, Host, Picture, read_picture
from glm_magics.sandbox.sounds import Heard, sound_tokens, sounds_in
from glm_magics.sandbox.usage import message_tokens, tools_tokens
from glm_magics.tokens import picture_tokens

_ROLES = ("system", "user", "assistant", "tool")
_DIRECTIVE = re.compile(r"\[\[(fault|words|bytes|think|delay):\s*([^\]\s]+)\s*\]\]")

# The content parts each kind of input allows (protocol reference 2.4); text is always allowed.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "image": ("image_url",),
    "video": ("video_url",),
    "file": ("file_url", "file"),
    "audio": ("input_audio",),
}
# The parts whose number is limited, as the catalogue's limits name them.
_COUNTED: Mapping[str, str] = {"image_url": "images", "video_url": "videos", "file_url": "files"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the messages say.

    Attributes:
        text: of the last user message, without directives.
        directives: ``[[name:value]]`` in that message, e.g. ``words`` → ``5000``.
        pictures: of the last user message that has any.
        n_text_tokens, n_image_tokens, n_audio_tokens: estimates for all messages, tools included.
        sounds: of all messages.
    """

    text: str
    directives: Mapping[str, str]
    pictures: tuple[Picture | Foreign, ...]
    n_text_tokens: int
    n_image_tokens: int
    n_audio_tokens: int = 0
    sounds: tuple[Heard, ...] = ()

    @property
    def n_tokens(self) -> int:
        """All of the prompt, in estimated tokens."""
        return self.n_text_tokens + self.n_image_tokens + self.n_audio_tokens


def read_prompt(body: Mapping[str, Any], model: Model, host: Host) -> Prompt:
    """The prompt in a request body.

    Raises:
        Refusal: 1210, 1213, 1214, 1215 or 1261, as the vendor would.
    """
    messages = _checked_messages(body["messages"])
    parts = [part for message in messages for part in _parts(message)]
    for part in parts:
        _check_part(part, model)
    _check_together({part["type"] for part in parts})
    _check_counts(parts, model)
    pictures = [_pictures(message, model, host) for message in messages]
    sounds = sounds_in(messages, model)
    text, directives = split_directives(last_user_text(messages))
    prompt = Prompt(
        text=text,
        directives=directives,
        pictures=next((found for found in reversed(pictures) if found), ()),
        n_text_tokens=sum(map(message_tokens, messages)) + tools_tokens(body.get("tools")),
        n_image_tokens=sum(_tokens(picture) for found in pictures for picture in found),
        n_audio_tokens=sum(sound_tokens(sound.seconds, model) for sound in sounds),
        sounds=sounds,
    )
    if model.context_tokens is not None and prompt.n_tokens > model.context_tokens:
        raise Refusal("1261", f"About {prompt.n_tokens} tokens; {model.id} takes {model.context_tokens}.")
    return prompt


def message_text(message: Mapping[str, Any]) -> str:
    """The words of one message; text parts are joined by a line break."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def last_user_text(messages: Any) -> str:
    """The words of the last user message of a body that need not be valid; empty when there is none."""
    rows = messages if isinstance(messages, list) else []
    users = [message for message in rows if isinstance(message, dict) and message.get("role") == "user"]
    return message_text(users[-1]) if users else ""


def split_directives(text: str) -> tuple[str, dict[str, str]]:
    """The text without its ``[[name:value]]`` directives, and the directives."""
    return _DIRECTIVE.sub("", text).strip(), dict(_DIRECTIVE.findall(text))


def _checked_messages(messages: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise Refusal("1214", "messages: a list of at least one message.")
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise Refusal("1214", f"{where}.role: one of {', '.join(_ROLES)}.")
        _check_content(message, where)
    if all(message["role"] in ("system", "assistant") for message in messages):
        raise Refusal("1214", "messages: must not be only system or assistant messages.")
    return messages


def _check_content(message: Mapping[str, Any], where: str) -> None:
    content = message.get("content")
    if content is None and message["role"] != "assistant":
        raise Refusal("1213", f"{where}.content")
    if content is not None and not isinstance(content, str | list):
        raise Refusal("1214", f"{where}.content: text, or a list of parts.")
    if message["role"] == "user" and not content:
        raise Refusal("1213", f"{where}.content: the prompt is empty.")
    audio = message.get("audio")
    is_spoken = message["role"] == "assistant" and isinstance(audio, dict) and isinstance(audio.get("id"), str)
    if audio is not None and not is_spoken:
        raise Refusal("1214", f"{where}.audio: of an assistant message, an object with the id of a spoken answer.")
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list) or not all(
        isinstance(call, dict) and isinstance(call.get("function"), dict) for call in calls
    ):
        raise Refusal("1214", f"{where}.tool_calls: a list of calls, each with its function.")


def _parts(message: Mapping[str, Any]) -> Iterator[Any]:
    content = message.get("content")
    yield from content if isinstance(content, list) else ()


def _check_part(part: Any, model: Model) -> None:
    allowed = [name for kind in dict.fromkeys(("text", *model.inputs)) for name in _PARTS[kind]]
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in allowed:
        raise Refusal("1210", f"messages.content.type {kind!r} is not taken by {model.id}; allowed values: {allowed}")
    if kind == "text":
        if not isinstance(part.get("text"), str):
            raise Refusal("1213", "messages.content.text")
        return
    inner = part.get(kind)
    if not isinstance(inner, dict):
        raise Refusal("1213", f"messages.content.{kind}")
    if kind.endswith("_url") and not (isinstance(inner.get("url"), str) and inner["url"].strip()):
        raise Refusal("1213", f"messages.content.{kind}.url")
    if kind == "file_url" and not inner["url"].startswith(("http://", "https://")):
        raise Refusal("1210", "file_url takes URLs only, not base64.")


def _check_together(kinds: set[str]) -> None:
    others = sorted(kinds & {"image_url", "video_url"})
    if "file_url" in kinds and others:
        raise Refusal("1215", f"file_url and {others[0]} cannot be in one request.")


def _check_counts(parts: Sequence[Any], model: Model) -> None:
    """No more parts of a kind than the catalogue says. Of the two platforms' limits the larger: one of them accepts it."""
    for kind, things in _COUNTED.items():
        stated = [model.limits[name] for name in (f"{things}_per_request", f"{things}_per_request_zai") if model.limits.get(name)]
        n_parts = sum(part["type"] == kind for part in parts)
        if stated and n_parts > max(stated):
            raise Refusal("1210", f"Too many {things}: {n_parts}; {model.id} takes {max(stated)} in a request.")


def _pictures(message: Mapping[str, Any], model: Model, host: Host) -> tuple[Picture | Foreign, ...]:
    urls = [part["image_url"]["url"] for part in _parts(message) if part["type"] == "image_url"]
    return tuple(read_picture(url, model.limits, host) for url in urls)


def _tokens(picture: Picture | Foreign) -> int:
    return picture_tokens(picture.width_px, picture.height_px) if isinstance(picture, Picture) else 0
