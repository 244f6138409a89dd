"""What was heard: the sound in a chat message, checked and measured."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glm_magics.catalog import Model
from glm_magics.media.recordings import measure_mp3
from glm_magics.sandbox.codes import Refusal
from glm_magics.waves import read_wave


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording: its format, its length, and its samples a second where the header says so (WAV), else 0."""

    format: str
    seconds: float
    rate_hz: int = 0


def sounds_in(messages: Sequence[Mapping[str, Any]], model: Model) -> tuple[Heard, ...]:
    """Every recording of the messages, in order; their parts were checked to be objects.

    Raises:
        Refusal: 1210, when one is no base64, neither WAV nor MP3, or longer than the model takes.
    """
    return tuple(_read(part["input_audio"], model) for part in _audio_parts(messages))


def sound_tokens(seconds: float, model: Model) -> int:
    """Tokens of sound, in or out: 12.5 a second, rounded up (the vendor's model page)."""
    return math.ceil(seconds * float(model.limits.get("audio_tokens_per_second", 12.5)))


def _audio_parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        content = message.get("content")
        yield from (part for part in content if part["type"] == "input_audio") if isinstance(content, list) else ()


def _read(sound: Mapping[str, Any], model: Model) -> Heard:
    if sound.get("format") not in ("wav", "mp3"):
        raise Refusal("1214", "input_audio.format: wav or mp3.")
    if not isinstance(sound.get("data"), str) or not sound["data"]:
        raise Refusal("1213", "input_audio.data")
    try:
        data = base64.b64decode(sound["data"], validate=True)
        heard = _measure(data, sound["format"])
    except (binascii.Error, ValueError) as error:
        raise Refusal("1210", f"input_audio.data: {error}.") from None
    most_s = float(model.limits.get("audio_max_seconds", math.inf))
    if heard.seconds > most_s:
        raise Refusal("1210", f"The audio is {heard.seconds:.0f} s long; {model.id} takes {most_s:.0f} s.")
    return heard


def _measure(data: bytes, format: str) -> Heard:
    if format == "wav":
        wave = read_wave(data)
        return Heard("wav", wave.seconds, wave.rate_hz)
    seconds = measure_mp3(data)
    if not seconds:
        raise ValueError("it holds no MP3 frame")
    return Heard("mp3", seconds)
