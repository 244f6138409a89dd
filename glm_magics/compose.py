"""From values and options to one request: attachments, words and values in order, the model, and the checks before sending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .catalog import find_model
from .conversations import Conversation
from .errors import InputError
from .intake import Intake, find_intake
from .media import ATTACHMENTS, Fetcher, Loading, Memo, to_parts
from .messages import Labelled, Message, Part, TextPart, join_text
from .notes import note
from .options import Options
from .providers import Provider
from .requests import ChatRequest, check_request, resolve_model
from .schemas import Schema
from .strategies import STRATEGIES, choose_way
from .tally import tally


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes requests; remembers the pictures that it prepared.

    Attributes:
        fetch: downloads an address, for ``--fetch``.
        memo: where prepared parts are kept.
    """

    fetch: Fetcher | None = None
    memo: Memo = field(default_factory=Memo)

    def compose(
        self,
        content: Sequence[object],
        options: Options,
        provider: Provider,
        vision_model: str,
        choose_model: Callable[[frozenset[str]], str],
        chat: Conversation | None = None,
        schema: Schema | None = None,
    ) -> ChatRequest:
        """The request for the values in `content`, checked.

        Args:
            content: text, values and `Labelled` values, in order.
            options: of the request.
            provider: who is asked.
            vision_model: who is presumed to answer while values are loaded, if `options` names no model.
            choose_model: from the kinds of parts to the model, if neither `options` nor the chat names one.
            chat: whose turns go before.
            schema: what the answer must look like.

        Raises:
            InputError: there is nothing to send, or something that cannot be sent.
        """
        chat = chat or Conversation("")
        options = replace(options, model=options.model or chat.model or None, system=options.system or chat.system or None)
        loaded = self._load(content, options, _presume_intake(options, provider, vision_model))
        parts = join_text(loaded)
        if not any(not isinstance(part, TextPart) or part.text.strip() for part in parts):
            raise InputError("There is nothing to send.", "Write a question below `%%glm`, or after `%glm`.")
        messages = [*chat.messages, Message("user", parts)]
        kinds = frozenset({part.kind for message in messages for part in message.parts})
        model = resolve_model(options.model, provider) if options.model else choose_model(kinds)
        request = replace(_request(model, messages, options), sent=tally(loaded), n_earlier_tokens=chat.n_tokens)
        request = _with_system(request, options.system, provider, schema, bool(options.tools or options.mcp))
        if not _is_unchecked(options):
            check_request(request, provider)
            _warn_of_many(request, provider)
        return request

    def _load(self, content: Sequence[object], options: Options, intake: Intake) -> list[Part]:
        """Attachments, then the content; a video first where the model wants it so."""
        loading = Loading(
            intake=intake,
            frames=options.frames,
            pages=options.pages,
            fps=options.fps,
            frames_max=options.frames_max,
            is_fetched=options.fetch,
            fetch=self.fetch,
            memo=self.memo,
        )
        parts: list[Part] = []
        for name, load in ATTACHMENTS.items():
            for value, label in map(_unlabelled, getattr(options, name)):
                parts += load(value, replace(loading, label=label))
        nth: Counter[str] = Counter()
        for value, label in map(_unlabelled, content):
            found = to_parts(value, replace(loading, label=label))
            parts += found if label else _numbered(found, nth)
        return sorted(parts, key=lambda part: part.kind != "video") if intake.is_video_first else parts


def _request(model: str, messages: Sequence[Message], options: Options) -> ChatRequest:
    return ChatRequest(
        model=model,
        messages=messages,
        think=options.think,
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=options.max_tokens,
        stop=options.stop,
        is_streamed=not options.no_stream,
        is_thinking_kept=options.keep_thinking,
    )


def _with_system(
    request: ChatRequest, system: str | None, provider: Provider, schema: Schema | None, has_tools: bool
) -> ChatRequest:
    """With the system prompt first, and with what the model needs to answer in a schema."""
    said = [system] if system else []
    fields: Mapping[str, Any] = {}
    if schema is not None:
        way = STRATEGIES[choose_way(find_model(request.model), provider, has_tools)]
        said.append(way.system(schema))
        fields = way.fields(schema)
    if not said:
        return request
    first = Message("system", (TextPart("\n\n".join(said)),))
    return replace(request, messages=[first, *request.messages], fields=fields)


def _unlabelled(value: object) -> tuple[Any, str]:
    return (value.value, value.label) if isinstance(value, Labelled) else (value, "")


def _numbered(parts: list[Part], nth: Counter[str]) -> list[Part]:
    """Values that came without an expression are told apart: ``array``, ``array 2``, …"""
    labels = {part.label: "" for part in parts if part.label}
    for label in labels:
        nth[label] += 1
        labels[label] = label if nth[label] == 1 else f"{label} {nth[label]}"
    return [replace(part, label=labels[part.label]) if part.label else part for part in parts]


def _is_unchecked(options: Options) -> bool:
    return (options.model or "").endswith("!")


def _presume_intake(options: Options, provider: Provider, vision_model: str) -> Intake:
    """Of the model that is named; else of the one for pictures, which answers when there is more than text, or sound."""
    name = resolve_model(options.model or vision_model, provider)
    intake = find_intake(None if _is_unchecked(options) else find_model(name), provider)
    return intake if options.model else replace(intake, kinds=intake.kinds | {"audio"})


def _warn_of_many(request: ChatRequest, provider: Provider) -> None:
    many = find_intake(find_model(request.model), provider).many_images
    if many and len(request.images) > many:
        note(
            f"The message holds {len(request.images)} pictures; one of the vendor's platforms documents {many} at most.",
            stacklevel=2,
        )
