"""What became of the answers that somebody may wait for: given, refused, or gone with the connection."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from ..errors import CutShortError
from .conversation import Answer, Conversation
from .local_events import ConnectionLost, Reconnected
from .mailbox import refusal
from .server_events import ErrorEvent, ResponseDone

MAX_OUTCOMES = 20
ENDS_OF_WAITING = (ResponseDone, ErrorEvent, Reconnected)
"""Where there may be an outcome; not where the connection breaks: when it stays away the call is over, and its error says why."""

Outcome: TypeAlias = Answer | ErrorEvent | ConnectionLost


class Outcomes:
    """Of the latest answers, oldest first, each to be taken once."""

    def __init__(self) -> None:
        self._waiting: deque[Outcome] = deque(maxlen=MAX_OUTCOMES)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, *outcomes: Outcome) -> None:
        """Newer ones."""
        self._waiting.extend(outcomes)

    def clear(self) -> None:
        """Those so far are for nobody."""
        self._waiting.clear()

    def take(self) -> Answer:
        """The oldest.

        Raises:
            BadRequestError: the server could not answer.
            CutShortError: the connection broke before the answer began.
        """
        outcome = self._waiting.popleft()
        if isinstance(outcome, ErrorEvent):
            raise refusal(outcome)
        if isinstance(outcome, ConnectionLost):
            raise CutShortError(
                f"The connection broke before the answer began: {outcome.reason}.",
                "The call goes on: ask again, with respond() what was typed; what was spoken must be said again.",
            )
        return outcome


def lose(conversation: Conversation, reason: str, comes_unasked: bool) -> tuple[ConnectionLost, list[Outcome]]:
    """The connection broke: the event that tells it, and what became of the answers.

    Args:
        conversation: what was being said in it is over.
        reason: for people.
        comes_unasked: an answer may still come that nobody asks for again (server VAD).
    """
    comes_unasked = comes_unasked and not conversation.is_user_speaking
    lost, n_unbegun = conversation.lose()
    ids = tuple(answer.id for answer in lost)
    event = ConnectionLost(type="connection.lost", reason=reason, response_ids=ids, n_unbegun=n_unbegun)
    n_errors = n_unbegun or int(not lost and not comes_unasked)
    return event, [*lost, *[event] * n_errors]
