"""Talking with a GLM model over a WebSocket, without a page: microphones and players are elsewhere.

::

    async with glm.realtime.connect(vad="client") as call:
        await call.append(samples)              # 16-bit mono, 16,000 a second; some 100 ms at a time
        await call.commit()
        await call.respond()
        async for event in call:                # typed: see server_events.SERVER_EVENTS
            ...

    talk = glm.realtime.talk_file("question.wav")   # no event loop needed
    talk.text, talk.speech

The rooms: `values`, `client_events`, `server_events` (the protocol as values) → `setup`, `objects`, `pacing`, `conversation`,
`bills` (pure: how a call is set up and paced, what was said, what it costs) → `link` (the WebSocket), `steadylink` (made again
when it breaks) → `mailbox`, `outcomes`, `session` (one call) → `recordings`, `talks` (a recording as one side of it); `lines` (a
call in a thread of its own), `tapes` (both sides as they sounded).
"""

from __future__ import annotations

from typing import Any

from ..chosen import chosen_books, chosen_connection
from ..notes import note
from ..providers import Connection
from .bills import Bill
from .conversation import Answer as Answer
from .conversation import Conversation as Conversation
from .conversation import Said as Said
from .session import RealtimeSession as RealtimeSession
from .setup import CallSetup as CallSetup
from .setup import check_setup, make_setup
from .talks import Talk as Talk
from .talks import talk_file as talk_file

__all__ = ["Answer", "CallSetup", "Conversation", "RealtimeSession", "Said", "Talk", "connect", "talk_file"]


def connect(*, connection: Connection | None = None, transcribes_only: bool = False, **setup: Any) -> RealtimeSession:
    """A call, to be opened by ``async with`` or ``await``. When it is over it is entered in the ledger of ``%glm_usage``.

    Args:
        connection: who answers; as ``%glm_connect`` chose where it is None.
        transcribes_only: nothing is answered, what is heard is written down.
        setup: the fields of `CallSetup`: model, voice, instructions, vad, tools, has_video, greeting, …

    Raises:
        OptionError, ModelError: a value that the reference does not allow.
        NoProviderError: nobody is chosen and there is no key.
        BudgetError: `%config GLM.session_budget` is spent; a call that reaches it ends with this error.
    """
    who, chosen = connection or chosen_connection(), check_setup(make_setup(setup))
    bill = Bill(chosen_books(), who.provider, chosen, _warn)
    return RealtimeSession(who, chosen, transcribes_only=transcribes_only, bill=bill)


def _warn(sentence: str) -> None:
    note(sentence, stacklevel=2)
