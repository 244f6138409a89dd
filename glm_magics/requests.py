"""A chat request as a value: which model, what is checked before sending, and the body that leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from .catalog import Model, find_model, nearest_models
from .errors import ModelError, OptionError
from .intake import Intake, find_intake
from .messages import ImagePart, Message
from .providers import Provider
from .sent import SentItem

Kind: TypeAlias = Literal["text", "image", "video", "file", "audio"]
_ROLE_OF_KIND = {"image": "vision", "video": "vision", "file": "vision", "audio": "voice"}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Everything a server is asked, independent of which server it is. None means "not said".

    Attributes:
        messages: earlier turns of a chat first.
        sent: a record for people, of the last message.
        is_thinking_kept: the thinking of earlier turns goes along, and is to count.
        fields: more of the body: the form of the answer.
        n_earlier_tokens: of the turns before the last message; estimated where no server has counted them.
    """

    model: str
    messages: Sequence[Message]
    think: Literal["auto", "on", "off"] = "auto"
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: str | None = None
    is_streamed: bool = True
    sent: Sequence[SentItem] = ()
    is_thinking_kept: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    n_earlier_tokens: int = 0

    @property
    def images(self) -> list[ImagePart]:
        """Every picture, in order."""
        return [part for message in self.messages for part in message.parts if isinstance(part, ImagePart)]

    @property
    def names_spoken(self) -> bool:
        """An earlier spoken answer goes out by its id."""
        return any(message.spoken for message in self.messages)

    def in_words(self) -> ChatRequest:
        """The same, with earlier spoken answers by their words."""
        return replace(self, messages=[message.in_words() for message in self.messages])

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of part the messages hold."""
        return frozenset({part.kind for message in self.messages for part in message.parts})


def name_spoken(request: ChatRequest, provider: Provider, now_s: float) -> ChatRequest:
    """The request with earlier spoken answers by their ids where who is asked knows them still, else by their words.

    `now_s`: seconds since 1970.
    """
    known = [
        message if message.spoken and message.spoken.is_known(request.model, provider.name, now_s) else message.in_words()
        for message in request.messages
    ]
    return replace(request, messages=known)


def model_role(kinds: frozenset[str]) -> Literal["text", "vision", "voice"]:
    """Which default model a message needs: audio → voice; a picture, video or file → vision; else text."""
    roles = {_ROLE_OF_KIND.get(kind, "text") for kind in kinds}
    return "voice" if "voice" in roles else "vision" if "vision" in roles else "text"


def resolve_model(name: str, provider: Provider) -> str:
    """The wire name for what the user typed: short names become ids; self-hosted names, and any with a final ``!``, pass.

    Raises:
        ModelError: the vendor's catalogue has no such model.
    """
    if name.strip(" !") and (name.endswith("!") or provider.is_self_hosted):
        return name.removesuffix("!").strip()
    row = find_model(name)
    if row:
        return row.id
    near = nearest_models(name)
    hint = f"Did you mean {' or '.join(f'`{model_id}`' for model_id in near)}? " if near else ""
    raise ModelError(
        f"There is no model `{name}` in the catalogue.",
        f"{hint}`%glm_models` lists them; `-m {name}!` asks for it all the same.",
    )


def check_request(request: ChatRequest, provider: Provider) -> None:
    """Says before sending what the model would refuse. Models outside the catalogue are let through.

    Raises:
        ModelError: the model cannot take what the message holds.
        OptionError: an option that this model does not have.
    """
    row = find_model(request.model)
    if row is None or provider.is_self_hosted:
        return
    if not row.can_chat:
        others = f'Talk with it: glm.talk("{row.id}")' if row.kind == "realtime" else f"It is of kind {row.kind}"
        raise ModelError(f"{row.id} is no chat model.", f"{others}; `%glm_models chat` lists those that chat.")
    for kind in sorted(request.kinds - set(row.inputs)):
        raise ModelError(f"{row.id} takes {' and '.join(row.inputs)}, no {kind}.", _who_takes(kind))
    _check_counts(request, find_intake(row, provider), row.id)
    _check_context(request, row)
    if request.think == "off" and row.thinking == "always":
        raise OptionError(f"{row.id} always thinks.", "Leave --think off away, or choose another model.")
    if request.think == "on" and row.thinking == "none":
        raise OptionError(f"{row.id} does not think.", "Leave --think on away, or choose e.g. glm-4.7 or glm-4.6v.")
    if request.is_thinking_kept and row.thinking == "none":
        raise OptionError(f"{row.id} does not think.", "Leave --keep-thinking away, or choose e.g. glm-4.7.")
    if row.tools is False and request.fields.get("tools"):
        raise ModelError(f"{row.id} calls no functions.", "Choose e.g. glm-4.7, or glm-4.6v for questions about pictures.")
    if request.max_tokens and row.max_output_tokens and request.max_tokens > row.max_output_tokens:
        raise OptionError(
            f"--max-tokens is {request.max_tokens}; {row.id} gives {row.max_output_tokens} at most.",
            "Leave it out for the model's own.",
        )


def _who_takes(kind: str) -> str:
    model_id = "glm-4-voice" if kind == "audio" else "glm-4.6v"
    return f"{model_id} does: give it as the model, or leave the model out."


_PLURAL: Mapping[Kind, str] = {"image": "pictures", "video": "videos", "file": "files"}

_IN_A_CHAT = "Earlier turns count, too: ask in another chat, or leave turns out with `%glm_chat trim NAME N` or `undo`."


def _check_counts(request: ChatRequest, intake: Intake, model_id: str) -> None:
    """How many, which together, and whether as bytes (chat reference and model pages; the platforms differ in the counts)."""
    counts = Counter(part.kind for message in request.messages for part in message.parts)
    is_earlier = any(part.kind != "text" for message in request.messages[:-1] for part in message.parts)
    where = "One chat" if is_earlier else "One message"
    together = [name for kind, name in _PLURAL.items() if counts[kind]]
    if len(together) > 1:
        way_out = _IN_A_CHAT if is_earlier else "Ask about them in separate requests."
        raise ModelError(f"{where} cannot hold {' and '.join(together)}.", way_out)
    most_of: dict[Kind, int | None] = {"image": intake.max_images, "video": intake.max_videos, "file": intake.max_files}
    for kind, most in most_of.items():
        if most and counts[kind] > most:
            name = _PLURAL[kind] if most > 1 else kind.replace("image", "picture")
            fewer = "Send fewer; of a video or document, fewer pictures or pages." if kind == "image" else "Send fewer."
            holds = "the chat and the message hold" if is_earlier else "the message holds"
            raise ModelError(
                f"{model_id} takes {most} {name} at most; {holds} {counts[kind]}.", _IN_A_CHAT if is_earlier else fewer
            )
    if not intake.has_image_bytes and any(not image.url for image in request.images):
        raise ModelError(
            f"{model_id} takes pictures by URL only.", "Give an http(s) address without --fetch, or choose glm-4.6v-flash."
        )


_CONTEXT_SLACK = 1.5
"""Estimates of tokens are rough: only what is far beyond the context is refused."""


def _check_context(request: ChatRequest, row: Model) -> None:
    n_tokens = sum(item.n_tokens or 0 for item in request.sent)
    if row.context_tokens and n_tokens > row.context_tokens * _CONTEXT_SLACK:
        raise ModelError(
            f"The message has about {n_tokens:,} tokens; {row.id} takes {row.context_tokens:,}.",
            "Send less, or smaller pictures; a final ! after the model's name asks all the same.",
        )


def build_body(request: ChatRequest, provider: Provider) -> Mapping[str, Any]:
    """The JSON body for this provider; nothing in it that the user did not say, but `stream`."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": _wire_messages(request, provider),
        "stream": request.is_streamed,
    }
    row = find_model(request.model)
    can_switch = row is None or provider.is_self_hosted or row.thinking == "switchable"
    if request.is_thinking_kept or (request.think != "auto" and can_switch):
        body |= provider.think(request.think != "off", request.is_thinking_kept)
    sampling = {"temperature": request.temperature, "top_p": request.top_p, "max_tokens": request.max_tokens}
    body |= {name: value for name, value in sampling.items() if value is not None}
    if request.stop is not None:
        body["stop"] = [request.stop]
    if request.is_streamed:
        body |= provider.extra_stream_fields
    return {**body, **request.fields}


def _wire_messages(request: ChatRequest, provider: Provider) -> list[Mapping[str, Any]]:
    """The messages as JSON. Thinking is sent back while tools are at work, and otherwise only if it was asked for.

    Source: the vendor's page on thinking; between turns it counts only together with ``clear_thinking: false``.
    """
    n_messages = len(request.messages)
    asked = max((n for n in range(n_messages) if _is_question(request.messages, n)), default=n_messages)
    return [
        message.to_wire(provider.image_form, provider.thinking_field if request.is_thinking_kept or n > asked else "")
        for n, message in enumerate(request.messages)
    ]


def _is_question(messages: Sequence[Message], n: int) -> bool:
    """True for what the user asked; a user's message behind results only carries their pictures."""
    return messages[n].role == "user" and (n == 0 or messages[n - 1].role != "tool")


def with_tools(request: ChatRequest, tools: Sequence[Mapping[str, Any]], provider: Provider, is_checked: bool) -> ChatRequest:
    """The request with tools in the shape of the wire.

    Raises:
        ModelError: the model calls no functions.
    """
    row = find_model(request.model)
    if is_checked and row is not None and row.tools is False and not provider.is_self_hosted:
        raise ModelError(f"{row.id} calls no functions.", "Choose e.g. glm-4.7, or glm-4.6v for questions about pictures.")
    return replace(request, fields={**request.fields, "tools": list(tools)})
