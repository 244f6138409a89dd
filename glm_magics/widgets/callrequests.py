"""What the page of a call asks for, parsed once into typed values.

A page is foreign: whatever is not exactly as expected is no request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, TypeAlias, cast

MAX_WORDS_CHARS = 4_000
MAX_REASON_CHARS = 500
MAX_SOUND_BYTES = 64_000
MAX_FRAME_BYTES = 4_000_000
_PAGE = re.compile(r"[A-Za-z0-9-]{1,60}")


@dataclass(frozen=True, slots=True)
class Hello:
    """A page is there and knows nothing."""


@dataclass(frozen=True, slots=True)
class Alive:
    """The page that speaks and hears is still there."""


@dataclass(frozen=True, slots=True)
class Start:
    """Open the call; this page speaks, if it has a microphone, and hears."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop the answer that is being given."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What the microphone heard: 16-bit samples, 16,000 a second; `t_ms` on the page's own clock, which never jumps."""

    t_ms: float
    samples: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of camera or screen."""

    jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hold:
    """The button to talk went down or up; `is_void`: nothing was said."""

    is_down: bool
    is_void: bool


@dataclass(frozen=True, slots=True)
class Write:
    """Typed words."""

    text: str


@dataclass(frozen=True, slots=True)
class Choose:
    """Who notices that the user has finished."""

    vad: Literal["server", "client"]


@dataclass(frozen=True, slots=True)
class Allow:
    """The user's word on a call of a function, by its number."""

    call: int
    how: Literal["yes", "no", "always"]
    reason: str


Act: TypeAlias = Hello | Alive | Start | HangUp | Hush | Sound | Frame | Hold | Write | Choose | Allow


@dataclass(frozen=True, slots=True)
class CallRequest:
    """An act, and the page that asks for it."""

    page: str
    act: Act


class _Foreign(Exception):
    """Not as expected."""


def parse_call_request(content: object, buffers: object) -> CallRequest | None:
    """The request of a message from the page; None for everything else, whatever it holds."""
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        return None
    read = _READERS.get(content["type"])
    page = content.get("page")
    if read is None or not isinstance(page, str) or not _PAGE.fullmatch(page):
        return None
    try:
        return CallRequest(page, read(content, buffers if isinstance(buffers, list | tuple) else ()))
    except _Foreign:
        return None


def _bytes(buffers: Sequence[Any], most: int) -> bytes:
    if len(buffers) != 1 or not isinstance(buffers[0], bytes | bytearray | memoryview):
        raise _Foreign
    data = bytes(buffers[0])
    if not 0 < len(data) <= most:
        raise _Foreign
    return data


def _flag(raw: Mapping[str, Any], name: str, default: bool | None = None) -> bool:
    value = raw.get(name, default)
    if not isinstance(value, bool):
        raise _Foreign
    return value


def _text(raw: Mapping[str, Any], name: str, most: int) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise _Foreign
    return value


def _one_of(raw: Mapping[str, Any], name: str, *choices: str) -> Any:
    value = raw.get(name)
    if not isinstance(value, str) or value not in choices:
        raise _Foreign
    return value


def _sound(raw: Mapping[str, Any], buffers: Sequence[Any]) -> Sound:
    t_ms = raw.get("t_ms")
    if type(t_ms) not in (int, float) or not isfinite(cast(float, t_ms)):
        raise _Foreign
    data = _bytes(buffers, MAX_SOUND_BYTES)
    return Sound(float(cast(float, t_ms)), data[: len(data) // 2 * 2])


def _allow(raw: Mapping[str, Any], buffers: Sequence[Any]) -> Allow:
    n = raw.get("call")
    if type(n) is not int or not 0 <= n < 2**31:
        raise _Foreign
    return Allow(n, _one_of(raw, "how", "yes", "no", "always"), _text(raw, "reason", MAX_REASON_CHARS))


_READERS: dict[str, Callable[[Mapping[str, Any], Sequence[Any]], Act]] = {
    "hello": lambda raw, buffers: Hello(),
    "alive": lambda raw, buffers: Alive(),
    "start": lambda raw, buffers: Start(),
    "stop": lambda raw, buffers: HangUp(),
    "hush": lambda raw, buffers: Hush(),
    "sound": _sound,
    "frame": lambda raw, buffers: Frame(_bytes(buffers, MAX_FRAME_BYTES)),
    "hold": lambda raw, buffers: Hold(_flag(raw, "is_down"), _flag(raw, "is_void", False)),
    "write": lambda raw, buffers: Write(_text(raw, "text", MAX_WORDS_CHARS)),
    "vad": lambda raw, buffers: Choose(_one_of(raw, "vad", "server", "client")),
    "allow": _allow,
}
