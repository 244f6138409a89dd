"""A model's call of a function, and what came of it, as values.

Source of the shapes: the vendor's chat reference (`tool_calls`, `tool` messages); ids, names and arguments are foreign text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from .errors import one_line
from .grammar import plural
from .messages import ImagePart, Message, Part, TextPart

DEPTH: ContextVar[int] = ContextVar("glm_tool_depth", default=0)
"""How many calls of functions are around the code that runs: a function may itself ask a model that calls functions."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model asks for, read and checked; nothing has run.

    Attributes:
        name: of the function, as the model wrote it.
        arguments: JSON text, as the model wrote it.
        id: of the call, to be answered by it.
        values: the arguments, for people; empty where they cannot be read.
        given: the arguments converted to what the function takes.
        fault: why it cannot run, in a sentence for the model; empty when it can.
    """

    name: str
    arguments: str = "{}"
    id: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fault: str = ""

    @property
    def is_valid(self) -> bool:
        """True when the function exists and takes these arguments."""
        return not self.fault

    def in_words(self, limit: int = 200) -> str:
        """``name(city='Oslo', n=3)`` on one line, for people."""
        if not self.is_valid and not self.values:
            return one_line(f"{self.name}({self.arguments})", limit)
        return one_line(f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.values.items())})", limit)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What goes back to the model for one call.

    Attributes:
        parts: text, and pictures where the function gave some.
        is_error: the function did not give a value: it raised, was refused, hung, or was never called.
        elapsed_s: how long it ran, in seconds.
        value: what the function returned, as it is; None where it returned nothing.
        note: for people: that it was cut, or what else was done with it.
        pictures: for people; the model gets those of `parts`.
    """

    parts: Sequence[Part]
    is_error: bool = False
    elapsed_s: float = 0.0
    value: Any = field(default=None, repr=False)
    note: str = ""
    pictures: Sequence[ImagePart] = ()

    @property
    def text(self) -> str:
        """Its words."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def images(self) -> list[ImagePart]:
        """Its pictures."""
        return [part for part in self.parts if isinstance(part, ImagePart)]

    @classmethod
    def failed(cls, sentence: str, elapsed_s: float = 0.0, note: str = "") -> ToolResult:
        """A sentence that tells the model why there is no value."""
        return cls((TextPart(sentence),), True, elapsed_s, None, note)

    def to_message(self, call: ToolCall) -> Message:
        """The ``tool`` message that answers `call`: words alone, the reference knows no pictures in it."""
        return Message("tool", (TextPart(self.text or "(nothing)"),), tool_call_id=call.id)


def picture_message(answers: Sequence[tuple[ToolCall, ToolResult]]) -> Message | None:
    """The pictures of all results as a user's message, which follows the ``tool`` messages; None when there are none."""
    parts: list[Part] = []
    for call, result in answers:
        if images := result.images:
            parts += [TextPart(f"What {call.name} gave (call {call.id}), {plural(len(images), 'picture')}:"), *images]
    return Message("user", parts) if parts else None
