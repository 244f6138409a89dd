"""A chat as a value: turns of messages, and what can be done with them. Every change gives a new value.

Messages are kept as they are, never copied: a picture of an early turn is encoded once in the life of a chat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .errors import ChatError, one_line
from .grammar import plural
from .messages import Message, Part, TextPart

_NAME = re.compile(r"[^\W_](?:[\w .-]{0,58}[\w-])?")


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what came of it.

    Attributes:
        messages: the user's; then calls, results or misfits if there were any; last the answer.
        model: who answered.
        ending: empty, or how the answer ended early; what came of it is in the turn all the same.
        n_tokens: of the chat up to here, as the server counted them, else estimated.
    """

    messages: Sequence[Message]
    model: str = ""
    ending: str = ""
    n_tokens: int = 0

    @property
    def question(self) -> Message:
        """The user's message."""
        return self.messages[0]

    @property
    def answer(self) -> Message:
        """The last message."""
        return self.messages[-1]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A named chat.

    Attributes:
        turns: oldest first.
        system: the system prompt; empty without one.
        model: that was named for this chat last; empty where the defaults choose.
    """

    name: str
    turns: tuple[Turn, ...] = ()
    system: str = ""
    model: str = ""

    @property
    def messages(self) -> list[Message]:
        """All of them in order, without the system prompt."""
        return [message for turn in self.turns for message in turn.messages]

    @property
    def n_tokens(self) -> int:
        """Of all turns, as counted or estimated with the last one."""
        return self.turns[-1].n_tokens if self.turns else 0

    def add(self, turn: Turn) -> Conversation:
        """With one more turn."""
        return replace(self, turns=(*self.turns, turn))

    def in_words(self) -> Conversation:
        """The same, its spoken answers told by their words from now on; turns without any stay the same objects."""
        turns = (
            replace(turn, messages=tuple(message.in_words() for message in turn.messages))
            if any(message.spoken for message in turn.messages)
            else turn
            for turn in self.turns
        )
        return replace(self, turns=tuple(turns))

    def up_to(self, n: int) -> Conversation:
        """The first `n` turns alone.

        Raises:
            ChatError: there are fewer.
        """
        if not 0 <= n <= len(self.turns):
            raise ChatError(
                f"The chat `{self.name}` has {plural(len(self.turns), 'turn')}, no turn {n}.", "`%glm_chat show` numbers them."
            )
        return replace(self, turns=self.turns[:n])

    def undo(self, n: int = 1) -> Conversation:
        """Without the last `n` turns.

        Raises:
            ChatError: there are fewer.
        """
        if not self.turns:
            raise ChatError(f"There is no turn to undo in the chat `{self.name}`.", "`%glm_chat` lists the chats.")
        if not 1 <= n <= len(self.turns):
            has = f"The chat `{self.name}` has {plural(len(self.turns), 'turn')}"
            raise ChatError(f"{has}; {n} of them cannot be taken back.", "Give how many, from 1.")
        return self.up_to(len(self.turns) - n)

    def trim(self, n: int) -> Conversation:
        """The last `n` turns alone; the system prompt stays.

        Raises:
            ChatError: `n` is negative.
        """
        if n < 0:
            raise ChatError("A chat cannot be trimmed to fewer than no turns.", "Give how many of the last turns to keep.")
        n_dropped = len(self.turns) - n
        if n_dropped <= 0:
            return self
        n_gone = self.turns[n_dropped - 1].n_tokens
        kept = (replace(turn, n_tokens=max(0, turn.n_tokens - n_gone)) for turn in self.turns[n_dropped:])
        return replace(self, turns=tuple(kept))

    def fork(self, name: str, n: int | None = None) -> Conversation:
        """The same under another name, as far as turn `n`.

        Raises:
            ChatError: the name cannot be one, or there is no such turn.
        """
        return replace(self if n is None else self.up_to(n), name=check_name(name))

    def edit(self, n: int, text: str) -> tuple[Conversation, list[Part]]:
        """What came before turn `n` (from 1), and its question with `text` in the place of its words, to be asked again.

        Raises:
            ChatError: there is no such turn.
        """
        if not 1 <= n <= len(self.turns):
            self.up_to(n if n > 0 else -1)
            raise ChatError(f"The chat `{self.name}` has no turn {n}.", "Turns count from 1.")
        if not text.strip():
            raise ChatError(f"There are no new words for turn {n} of the chat `{self.name}`.", "Write them behind its number.")
        others = [part for part in self.turns[n - 1].question.parts if not isinstance(part, TextPart)]
        return self.up_to(n - 1), [*others, TextPart(text)]


def check_name(name: str) -> str:
    """The name, fit for a list, a file and a command line.

    Raises:
        ChatError: it is empty, too long, or has signs that may lead elsewhere.
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise ChatError(
            f"`{one_line(name, 40)}` cannot be the name of a chat.",
            "Use up to 60 letters, digits, spaces, `_`, `-` and `.`; a letter or digit first.",
        )
    return name


def room_words(chat: Conversation, context_tokens: int | None) -> str:
    """For the line below an answer: which turn it was, and how full the model's context is, with ways out when it is full."""
    words = f"chat {chat.name}, turn {len(chat.turns)}"
    if not context_tokens:
        return words
    share = chat.n_tokens / context_tokens
    percent = "under 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
    return f"{words}: {percent} of the context" + (f" is full. {ways_out(chat)}" if share >= NEARLY_FULL else "")


NEARLY_FULL = 0.8


def ways_out(chat: Conversation) -> str:
    """What can be done about a chat that is too long; never done unasked."""
    half = max(1, len(chat.turns) // 2)
    kept = "turn" if half == 1 else f"{half} turns"
    return (
        f"`%glm_chat trim {chat.name} {half}` keeps the last {kept}, `%glm_chat fork {chat.name} NEW {half}` goes on from "
        f"turn {half}; or choose a model with a larger context (`%glm_models`)."
    )
