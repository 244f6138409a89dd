"""How a call is set up: what the caller chose, checked; `objects` makes it what goes over the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal, TypeAlias, cast

from ..catalog import models
from ..errors import ModelError, OptionError, one_line

Vad: TypeAlias = Literal["server", "client"]
"""Who notices that the user has finished: the server, by listening, or the client, which says so."""

VOICES = (
    "tongtong", "xiaochen", "female-tianmei", "female-shaonv", "male-qn-daxuesheng", "male-qn-jingying", "lovely_girl",
)  # fmt: skip
"""The voices of the reference; ``default`` is taken too."""

INPUT_RATES_HZ: Mapping[str, int] = {"pcm": 16_000, "pcm16": 16_000, "pcm24": 24_000, "wav": 16_000}
"""Samples a second by input format; the number in a format's name means kHz (reference of ``input_audio_format``)."""

OUTPUT_RATE_HZ = 24_000
MAX_GREETING_CHARS = 1024
MAX_TURN_S = 30.0
"""The longest turn under client VAD."""

MAX_PAUSE_MS = 10_000
"""Longer nobody waits for an answer; the reference names no limit."""


@dataclass(frozen=True, slots=True)
class CallSetup:
    """What a call is to be like; what is None or empty is left to the server.

    Attributes:
        vad: ``server`` (hands-free) or ``client`` (push to talk).
        tools: functions as JSON, flat or nested as for chat; in audio mode only.
        has_video: the call takes pictures too.
        is_silent: answers come as text only.
        greeting: what the assistant says first; True: a greeting of the server's own.
        input_format: a word of `INPUT_RATES_HZ`.
        noise: ``near_field`` or ``far_field``, which noise is taken out.
        is_interruptible: speech stops the answer (server VAD).
        is_answered_unasked: the server answers each turn by itself (server VAD); else `respond` asks for it.
        silence_ms, padding_ms, threshold: of the server's VAD: how long a pause ends a turn, how much before the first word
            belongs to it, how loud speech is (0 to 1).
        max_tokens: of an answer, up to 1024.
        has_search: the server may search the web.
    """

    model: str = "glm-realtime-flash"
    voice: str = "tongtong"
    instructions: str = ""
    vad: Vad = "server"
    tools: Sequence[Mapping[str, Any]] = ()
    has_video: bool = False
    is_silent: bool = False
    greeting: str | bool = ""
    input_format: str = "pcm16"
    noise: str = ""
    is_interruptible: bool = True
    is_answered_unasked: bool = True
    silence_ms: int | None = None
    padding_ms: int | None = None
    threshold: float | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    has_search: bool = False

    @property
    def input_rate_hz(self) -> int:
        """Samples a second of what is sent."""
        return INPUT_RATES_HZ[self.input_format]

    def without_greeting(self) -> CallSetup:
        """The same for a connection made again in the middle of a call."""
        return replace(self, greeting="")


_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a text"),
    "Vad": ((str,), "a text"),
    "str | bool": ((str, bool), "a text, or True for the server's own"),
    "bool": ((bool,), "True or False"),
    "int | None": ((int, type(None)), "a whole number"),
    "float | None": ((int, float, type(None)), "a number"),
    "Sequence[Mapping[str, Any]]": ((list, tuple), "a list"),
}
"""What a field of `CallSetup` may hold, by its type."""


def make_setup(fields: Mapping[str, Any]) -> CallSetup:
    """A setup from its fields by name.

    Raises:
        OptionError: there is no such field, or its value is of another kind.
    """
    _check_fields(fields)
    return CallSetup(**fields)


def change_setup(setup: CallSetup, changes: Mapping[str, Any]) -> CallSetup:
    """The same setup with some fields changed, checked.

    Raises:
        ModelError: it is no Realtime model.
        OptionError: there is no such field, or a value that is not allowed.
    """
    _check_fields(changes)
    return check_setup(replace(setup, **changes))


def check_number(name: str, value: object, is_right: Callable[[float], bool], way_out: str) -> None:
    """An argument that is to be a number.

    Raises:
        OptionError: it is none, or not a right one.
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not is_right(cast(float, value)):
        raise OptionError(f"{name} is {one_line(repr(value), 60)}.", way_out)


def check_patience(timeout_s: object) -> None:
    """How long somebody waits; None: as long as it takes.

    Raises:
        OptionError: it is no number of seconds.
    """
    if timeout_s is not None:
        check_number("timeout_s", timeout_s, lambda seconds: seconds >= 0, "Give a number of seconds.")


def _check_fields(fields: Mapping[str, Any]) -> None:
    known = CallSetup.__dataclass_fields__
    for name, value in fields.items():
        if name not in known:
            raise OptionError(f"A call has no option {name!r}.", f"There are {', '.join(known)}.")
        kinds, words = _KINDS[str(known[name].type)]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise OptionError(f"{name} is {one_line(repr(value), 60)}.", f"Give {words}.")


def check_setup(setup: CallSetup) -> CallSetup:
    """The same setup, its model spelled as on the wire.

    Raises:
        ModelError: it is no Realtime model.
        OptionError: a value that the reference does not allow.
    """
    for wrong, message, way_out in _complaints(setup):
        if wrong:
            raise OptionError(message, way_out)
    return replace(setup, model=_model_id(setup.model), tools=tuple(map(_flat, setup.tools)))


def _complaints(setup: CallSetup) -> list[tuple[bool, str, str]]:
    most = setup.max_tokens
    return [
        (setup.vad not in ("server", "client"), f"vad is {setup.vad!r}.", "Choose server (hands-free) or client (push to talk)."),
        (setup.voice not in (*VOICES, "default"), f"There is no voice {setup.voice!r}.", f"Choose one of {', '.join(VOICES)}."),
        (
            setup.input_format not in INPUT_RATES_HZ,
            f"There is no input format {setup.input_format!r}.",
            f"Choose one of {', '.join(INPUT_RATES_HZ)}.",
        ),
        (setup.has_video and bool(setup.tools), "A video call takes no tools.", "Leave the tools out, or video."),
        (
            len(own_words(setup.greeting)) > MAX_GREETING_CHARS,
            f"The greeting has {len(own_words(setup.greeting))} characters; {MAX_GREETING_CHARS} are allowed.",
            "Shorten it.",
        ),
        (setup.noise not in ("", "near_field", "far_field"), f"noise is {setup.noise!r}.", "Choose near_field or far_field."),
        (not _is_within(setup.temperature, 0, 1), f"temperature is {setup.temperature}.", "Give a number from 0 to 1."),
        (not _is_within(setup.silence_ms, 0, MAX_PAUSE_MS), f"silence_ms is {setup.silence_ms}.", _PAUSE),
        (not _is_within(setup.padding_ms, 0, MAX_PAUSE_MS), f"padding_ms is {setup.padding_ms}.", _PAUSE),
        (not _is_within(setup.threshold, 0, 1), f"threshold is {setup.threshold}.", "Give a number from 0 to 1."),
        (most is not None and not 1 <= most <= 1024, f"max_tokens is {most}.", "Give a whole number from 1 to 1024."),
    ]


_PAUSE = f"Give milliseconds from 0 to {MAX_PAUSE_MS}."


def own_words(greeting: str | bool) -> str:
    """The words of a greeting; empty where they are the server's own."""
    return greeting if isinstance(greeting, str) else ""


def _is_within(value: float | None, low: float, high: float) -> bool:
    return value is None or low <= value <= high


def _model_id(name: str) -> str:
    known = [row.id for row in models().values() if row.kind == "realtime"]
    wanted = name.strip().lower()
    for model_id in ("glm-realtime", *known):
        if wanted in (model_id, model_id.removeprefix("glm-")):
            return model_id
    if name.endswith("!") and name.strip(" !"):
        return name.removesuffix("!").strip()
    raise ModelError(f"`{name}` is no model to talk with.", f"Choose {' or '.join(known)}.")


def _flat(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as this endpoint wants it: name and parameters beside the type, not in an object of their own."""
    if not isinstance(tool, Mapping):
        raise OptionError(
            "A tool is no JSON object.",
            "Without a page tools=[{…}] says what there is, functions={name: function} runs it; glm.talk takes functions.",
        )
    inner = tool.get("function", tool)
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str) or not inner["name"]:
        raise OptionError("A tool has no name.", 'Write {"type": "function", "name": …, "description": …, "parameters": {…}}.')
    parameters = inner.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "name": inner["name"], "description": inner.get("description", ""), "parameters": parameters}
