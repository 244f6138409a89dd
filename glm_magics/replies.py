"""A reply, the deltas it grows from, and the fold between them.

Reads every documented and observed shape of a chat answer, streamed or whole: both names of the thinking field, usage on
the finish chunk or in a chunk without choices, content as text or as a list of parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from .callrecords import CallRecord, WebSource, is_server_call, read_server_calls, read_sources
from .cleaner import ContentCleaner
from .markdown import code_blocks, make_safe, strip_controls
from .money import Cost
from .sent import SentItem
from .settling import Settling
from .speech import Speech, read_speech
from .tokenusage import Usage, parse_usage

Ending: TypeAlias = Literal["", "stopped", "cut short", "over budget"]
"""How a reply ended early: by the user, by the connection, for its cost, or (empty) not early at all."""

FINISHED_WHOLE = frozenset({"stop", "tool_calls"})
"""The finish reasons after which nothing is missing; ``length`` and the others leave the answer cut."""


class Delta(NamedTuple):
    """One step of an answer; every field may be empty."""

    content: str = ""
    thinking: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str = ""
    request_id: str = ""
    tool_calls: Sequence[Mapping[str, Any]] = ()
    error: Mapping[str, Any] | None = None
    audio: Mapping[str, Any] | None = None
    found: Sequence[WebSource] = ()


class CodeBlock(NamedTuple):
    """A fenced block of an answer."""

    language: str
    code: str


def _text(raw: object) -> str:
    """Text of a field that is a string, null, or a list of text parts (4V series)."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, list):
        return "".join(part["text"] for part in raw if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""


def parse_chunk(raw: object) -> Delta:
    """One delta from a chunk of a stream, or from a whole `chat.completion` object (``message`` instead of ``delta``).

    Raises:
        ValueError: `raw` is no object with choices, usage or an error: not an answer of this protocol.
    """
    if not isinstance(raw, dict):
        raise ValueError("not a JSON object")
    error = raw.get("error")
    if error:
        return Delta(error=raw if isinstance(error, dict) else {"error": {"message": str(error)}})
    if "choices" not in raw and "code" in raw and ("message" in raw or "msg" in raw):
        return Delta(error=raw)  # flat, without a key of its own
    choices, usage = raw.get("choices"), raw.get("usage")
    if not choices:
        if usage is None and choices is None:
            raise ValueError("neither choices nor usage nor error in it")
        return Delta(usage=parse_usage(usage))
    choice = choices[0] if isinstance(choices, list) and isinstance(choices[0], dict) else {}
    step = choice.get("delta") or choice.get("message")
    if not isinstance(step, dict):
        step = {}
    content, finish_reason, model = step.get("content"), choice.get("finish_reason"), raw.get("model")
    thinking, tool_calls = step.get("reasoning_content") or step.get("reasoning"), step.get("tool_calls")
    request_id = raw.get("request_id") or raw.get("id")
    delta = Delta(  # runs once a token: types are compared in place
        content if type(content) is str else _text(content),
        _text(thinking) if thinking else "",
        finish_reason if finish_reason and type(finish_reason) is str else None,
        parse_usage(usage) if usage else None,
        model if type(model) is str else "",
        request_id if type(request_id) is str else "",
        tool_calls if tool_calls and type(tool_calls) is list else (),
    )
    if "web_search" in raw:
        delta = delta._replace(found=read_sources(raw["web_search"]))
    return delta._replace(audio=step["audio"]) if "audio" in step and isinstance(step["audio"], dict) else delta


@dataclass(slots=True, eq=False)  # may still be filled in: asyncio.gather needs a hash
class Reply(Settling):
    """What a model answered.

    Attributes:
        text: the answer, without thinking and without wrapper tokens.
        thinking: the reasoning, empty when there was none.
        raw_text: the content exactly as sent (box tokens and inline ``<think>`` included).
        model: as the server named it, else as requested.
        usage: tokens, None when the server sent none; of all answers that it took (calls of functions, a schema's retries).
        finish_reason: ``stop``, ``length``, ``tool_calls``, ``sensitive``, …; None when the answer never finished.
        request_id: for the vendor's support.
        ending: empty, or ``stopped`` (by the user), ``cut short`` (by the connection), ``over budget``.
        elapsed_s, first_token_s: seconds from sending to the end, and to the first token (None: no token came).
        tool_calls: the calls the model asks for, whole, as on the wire.
        sent: what each value of the notebook was sent as: sizes and estimated tokens, no bytes.
        boxes: the places in the sent pictures that the answer gives (`boxes.Boxes`), spans as offsets in `text`; else empty.
        audio: the answer spoken, from a model that speaks; None from the others. `text` is its transcript.
        value: what the answer says in the form that a schema asked for; None without a schema.
        plain: the value as dicts, lists and plain values.
        misfit: how the answer misses the schema; empty when it fits.
        cost: of the same, where the price is known.
        notes: more for the line below the answer.
        job: the background job that fills it in; None where there is none. See `is_running`, `wait`, `stop` and ``await``.
        calls: the functions that were called for it, in order.
        sources: what the server's web search found (`WebSource`).
    """

    text: str = ""
    thinking: str = ""
    raw_text: str = field(default="", repr=False)
    model: str = ""
    usage: Usage | None = None
    finish_reason: str | None = None
    request_id: str = ""
    ending: Ending = ""
    elapsed_s: float = 0.0
    first_token_s: float | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    sent: Sequence[SentItem] = field(default=(), repr=False)
    boxes: Any = field(default=(), repr=False)
    audio: Speech | None = None
    value: Any = None
    plain: Any = field(default=None, repr=False)
    misfit: str = ""
    cost: Cost | None = None
    notes: tuple[str, ...] = field(default=(), repr=False)
    job: Any = field(default=None, repr=False, compare=False)
    calls: Sequence[CallRecord] = ()
    sources: Sequence[WebSource] = ()
    is_followed: bool = field(default=False, repr=False, compare=False)  # its calls are run here, another answer follows
    is_on_display: bool = field(default=False, repr=False, compare=False)

    @property
    def is_complete(self) -> bool:
        """True when the model said all it wanted: it finished, and not for want of room."""
        return not self.ending and self.finish_reason in FINISHED_WHOLE

    @property
    def code_blocks(self) -> list[CodeBlock]:
        """The fenced blocks of the answer, in order; an unclosed last one included."""
        return [CodeBlock(*block) for block in code_blocks(self.text)]

    @property
    def tables(self) -> list[Any]:
        """The Markdown tables of the answer, in order, as DataFrames.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        from .answertables import parse_tables

        return [table.to_frame() for table in parse_tables(self.text)]

    def to_frame(self) -> Any:
        """The value as a DataFrame, a row for each item of a list; without a schema the first Markdown table.

        Raises:
            MissingExtraError: pandas is not installed.
            InputError: there is no table in the answer.
        """
        from .answertables import rows_frame

        tables = self.tables if self.value is None else []
        return tables[0] if tables else rows_frame(self.plain)

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": strip_controls(self.text), "text/markdown": make_safe(self.text)}

    def _ipython_display_(self) -> None:
        """Shown already by the cell that asked: say nothing twice. NotImplementedError means "show as usual"."""
        if not self.is_on_display:
            raise NotImplementedError


class ReplyFold:
    """Folds deltas into a `Reply`; `text_pieces`, `thinking_pieces` and `raw_pieces` (the text as sent) grow as they come.

    Time comes in with each call (seconds on any one clock), so that the fold stays pure.
    """

    def __init__(self, model: str, started_s: float, sent: Sequence[SentItem] = ()) -> None:
        self.text_pieces: list[str] = []
        self.thinking_pieces: list[str] = []
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.first_token_s: float | None = None
        self._model = model
        self._sent = sent
        self._request_id = ""
        self._started_s = started_s
        self.raw_pieces: list[str] = []
        self.argument_pieces: list[str] = []  # of all calls
        self.sound_pieces: list[str] = []  # base64, of the first id; for those who play while it comes
        self._tool_calls: dict[int, list[dict[str, Any]]] = {}  # by index
        self._server_calls: list[Mapping[str, Any]] = []
        self._sources: list[WebSource] = []
        self._cleaner = ContentCleaner()
        self._spoken: dict[str, tuple[list[str], object]] = {}  # by id: base64 texts, and when the id expires

    def add(self, delta: Delta, now_s: float) -> None:
        """Takes one delta in."""
        content, thinking, finish_reason, usage, _, _, tool_calls, _, audio, found = delta  # runs once a token
        if content:
            self.raw_pieces.append(content)
            answer, thought = self._cleaner.feed(content)
            if answer:
                self.text_pieces.append(answer)
            if thought:
                self.thinking_pieces.append(thought)
        if thinking:
            self.thinking_pieces.append(thinking)
        if self.first_token_s is None and (content or thinking or tool_calls or audio):
            self.first_token_s = now_s - self._started_s
        if finish_reason or usage or not self._request_id or tool_calls or audio or found:
            self._add_facts(delta)

    def _add_facts(self, delta: Delta) -> None:
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.usage = delta.usage or self.usage
        self._model = delta.model or self._model
        self._request_id = delta.request_id or self._request_id
        for position, call in enumerate(delta.tool_calls):
            if is_server_call(call):
                self._server_calls.append(call)
            elif isinstance(call, Mapping):
                self._add_tool_call(call, position)
        self._sources += delta.found
        if delta.audio:
            self._add_audio(delta.audio)

    def _add_audio(self, audio: Mapping[str, Any]) -> None:
        """A fragment without an id belongs to the one before it."""
        id = _text(audio.get("id")) or next(reversed(self._spoken), "")
        pieces, until = self._spoken.get(id, ([], None))
        if data := _text(audio.get("data")):
            pieces.append(data)
            if id == next(iter(self._spoken), id):
                self.sound_pieces.append(data)
        self._spoken[id] = pieces, audio.get("expires_at", until)

    def _speech(self) -> Speech | None:
        """Of several ids the one with the most to hear."""
        if not self._spoken:
            return None
        id, (pieces, until) = max(self._spoken.items(), key=lambda item: sum(map(len, item[1][0])))
        return read_speech(pieces, id, until)

    def _add_tool_call(self, call: Mapping[str, Any], position: int) -> None:
        """Whole calls arrive in one chunk; with ``tool_stream`` only the arguments grow, found by `index`."""
        index, function = call.get("index"), call.get("function")
        if not isinstance(function, Mapping):
            function = {}
        id, name = _text(call.get("id")), _text(function.get("name"))
        known = self._find_tool_call(index if isinstance(index, int) else position, id, name)
        known["id"] = id or known["id"]
        known["function"]["name"] = name or known["function"]["name"]
        arguments = function.get("arguments")
        if isinstance(arguments, Mapping):  # Ollama's native route and one published schema give an object
            arguments = json.dumps(arguments, ensure_ascii=False)
        known["function"]["arguments"] += _text(arguments)
        self.argument_pieces.append(_text(arguments))

    def _find_tool_call(self, index: int, id: str, name: str) -> dict[str, Any]:
        """The call that a fragment belongs to: of those with this index the last, or a new one.

        Some servers number all calls 0: another id and a name begin a new one. Others give each fragment an id, but no name.
        """
        same = self._tool_calls.setdefault(index, [])
        if not same or (id and name and same[-1]["function"]["name"] and id != same[-1]["id"]):
            same.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        return same[-1]

    def finish(self, now_s: float, ending: Ending = "") -> Reply:
        """The reply as it stands; call once, at the end."""
        answer, thinking = self._cleaner.feed("", is_last=True)
        if answer:
            self.text_pieces.append(answer)
        if thinking:
            self.thinking_pieces.append(thinking)
        return Reply(
            text="".join(self.text_pieces),
            thinking="".join(self.thinking_pieces).strip("\n"),
            raw_text="".join(self.raw_pieces),
            model=self._model,
            usage=self.usage,
            finish_reason=self.finish_reason,
            request_id=self._request_id,
            ending=ending,
            elapsed_s=now_s - self._started_s,
            first_token_s=self.first_token_s,
            tool_calls=tuple(call for _, calls in sorted(self._tool_calls.items()) for call in calls),
            sent=self._sent,
            audio=self._speech(),
            calls=read_server_calls(self._server_calls),
            sources=tuple(dict.fromkeys(self._sources)),
        )
