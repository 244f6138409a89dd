"""What can go wrong in the middle of a call, as values for the table of faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]
DELTAS = ("response.audio.delta", "response.audio_transcript.delta", "response.text.delta")


def _as_is(deltas: Sequence[Event]) -> list[Event]:
    return list(deltas)


def every_other(deltas: Sequence[Event]) -> list[Event]:
    """Half of the deltas get lost."""
    return list(deltas[::2])


def by_type(deltas: Sequence[Event]) -> list[Event]:
    """First all sound, then what was written down of it, then the words; each type keeps its own order."""
    return sorted(deltas, key=lambda event: DELTAS.index(event["type"]))


@dataclass(frozen=True, slots=True)
class Spoil:
    """How one answer of a call goes wrong.

    Attributes:
        arrange: puts its deltas into another order, or loses some.
        delay_s: before each event, beside the usual pace.
        is_transcript_late: what the user said is written down only after the answer.
        is_done_early: the end of the answer is told before its last deltas.
        has_error: an error event in the middle; the call goes on.
        is_cut: the connection is dropped in the middle.
        is_mute: nothing more is said from the middle on, not even heartbeats.
    """

    arrange: Callable[[Sequence[Event]], list[Event]] = _as_is
    delay_s: float = 0.0
    is_transcript_late: bool = False
    is_done_early: bool = False
    has_error: bool = False
    is_cut: bool = False
    is_mute: bool = False
