"""The chats of a session: which there are, what each goes on from, and which are kept on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .budgets import estimate_usage
from .catalog import find_model
from .chatfiles import read_json, read_markdown, write_json, write_markdown
from .chatstore import ChatStore
from .conversations import Conversation, Turn, check_name, room_words
from .errors import ChatError, one_line
from .markdown import make_safe
from .messages import Message, SpokenId, TextPart
from .providers import Provider
from .replies import Reply
from .requests import ChatRequest

_MAX_FILE_BYTES = 500_000_000


@dataclass(slots=True)
class _Kept:
    """Which revision on disk a chat went on from, and how many of its first turns are there."""

    revision: int
    turns: tuple[Turn, ...]


class Chats(Mapping[str, Conversation]):
    """The chats of this kernel by name; shows itself as a table.

    Args:
        store: of the saved ones.
    """

    def __init__(self, store: ChatStore) -> None:
        self._store = store
        self._chats: dict[str, Conversation] = {}
        self._kept: dict[str, _Kept] = {}

    def __getitem__(self, name: str) -> Conversation:
        return self._chats[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._chats)

    def __len__(self) -> int:
        return len(self._chats)

    def find(self, name: str) -> Conversation:
        """The chat of that name.

        Raises:
            ChatError: there is none here; says whether one is saved.
        """
        if name in self._chats:
            return self._chats[name]
        if name in self._saved():
            raise ChatError(f"The chat `{one_line(name, 60)}` is saved, not here.", f"`%glm_chat resume {name}` brings it here.")
        known = ", ".join(f"`{one}`" for one in list(self._chats))
        raise ChatError(f"There is no chat `{one_line(name, 60)}`.", f"There are: {known}." if known else "None has begun yet.")

    def open(self, name: str) -> Conversation:
        """The chat of that name, or a new one.

        Raises:
            ChatError: the name cannot be one.
        """
        name = check_name(name)
        return self._chats.get(name) or Conversation(name)

    def n_saved_turns(self, name: str) -> int:
        """Of a saved chat that is not here: what a new one of that name would not go on from."""
        return 0 if name in self._chats else self._saved().get(name, 0)

    def _saved(self) -> dict[str, int]:
        """The saved chats; none where the disk cannot be read: chats go on without it."""
        try:
            return self._store.names()
        except ChatError:
            return {}

    def put(self, chat: Conversation) -> None:
        """Makes this the chat of its name; on disk too, where that chat is kept there.

        Raises:
            ChatError: another kernel has saved it since; it is the chat here all the same.
        """
        self._chats[chat.name] = chat
        if chat.name in self._kept:
            self.save(chat.name)

    def reset(self, name: str) -> None:
        """Forgets the chat here; what is saved stays on disk."""
        self.find(name)
        del self._chats[name]
        self._kept.pop(name, None)

    def save(self, name: str) -> None:
        """Writes the chat to disk, and from then on every turn of it.

        Raises:
            ChatError: there is no such chat, or another kernel has saved one of that name.
        """
        chat = self.find(name)
        kept = self._kept.get(name) or _Kept(0, ())
        pairs = zip(kept.turns, chat.turns, strict=False)
        n_same = next((n for n, (old, new) in enumerate(pairs) if old is not new), min(len(kept.turns), len(chat.turns)))
        revision = self._store.save(chat, kept.revision, n_same)
        self._kept[name] = _Kept(revision, chat.turns)

    def resume(self, name: str) -> Conversation:
        """Brings a saved chat here; from then on every turn of it is saved.

        Raises:
            ChatError: none of that name is saved.
        """
        saved = self._store.load(name)
        self._chats[name] = saved.chat
        self._kept[name] = _Kept(saved.revision, saved.chat.turns)
        return saved.chat

    def delete(self, name: str) -> None:
        """Removes a saved chat from the disk; here it stays.

        Raises:
            ChatError: none of that name is saved.
        """
        self._store.delete(name)
        self._kept.pop(name, None)

    def export(self, name: str, path: Path) -> None:
        """Writes the chat into a file of its own: ``.json``, or Markdown for any other name.

        Raises:
            ChatError: there is no such chat, or the file is there already or cannot be written.
        """
        chat = self.find(name)
        text = write_json(chat) if path.suffix.lower() == ".json" else write_markdown(chat)
        try:
            with path.expanduser().open("x", encoding="utf-8", errors="replace", newline="") as file:
                file.write(text)
        except FileExistsError:
            raise ChatError(f"There is a file `{path}` already.", "Give another name, or remove it first.") from None
        except OSError as error:
            raise ChatError(f"`{path}` cannot be written: {error.strerror or error}.", "Give another place.") from None

    def import_(self, path: Path, name: str = "") -> Conversation:
        """Reads a chat from a file that `export` wrote, under its own name or another.

        Raises:
            ChatError: the file cannot be read, holds no chat, or its name is taken here.
        """
        try:
            if path.expanduser().stat().st_size > _MAX_FILE_BYTES:
                raise ChatError(f"`{path}` is too large for a chat.", "The limit is 500 MB.")
            text = path.expanduser().read_bytes().decode("utf-8-sig", errors="replace")  # as Windows marks it
        except OSError as error:
            raise ChatError(f"`{path}` cannot be read: {error.strerror or error}.", "Is the name right?") from None
        is_json = path.suffix.lower() == ".json" or text.lstrip().startswith("{")
        chat = read_json(text) if is_json else read_markdown(text)
        chat = chat.fork(name) if name else chat
        if chat.name in self._chats:
            raise ChatError(f"There is a chat `{chat.name}` already.", "Give another name behind the file.")
        self._chats[chat.name] = chat
        return chat

    # Shown

    def _rows(self) -> list[list[str]]:
        saved = self._saved()
        rows = [
            [
                one_line(chat.name, 60),
                str(len(chat.turns)),
                f"{chat.n_tokens:,}" if chat.n_tokens else "",
                "yes" if chat.name in self._kept else "",
                one_line(chat.turns[-1].question.text, 60) if chat.turns else "",
            ]
            for chat in list(self._chats.values())  # answers in the background begin chats, too
        ]
        others = [[one_line(name, 60), str(n), "", "only", ""] for name, n in saved.items() if name not in self._chats]
        return [*rows, *others]

    def __repr__(self) -> str:
        return self._repr_mimebundle_()["text/plain"]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        rows = self._rows()
        if not rows:
            return {"text/plain": "No chat has begun: `%%glm -c NAME` begins one."}
        heads = ["chat", "turns", "tokens", "saved", "last question"]
        plain = "\n".join(" · ".join(filter(None, row)) for row in [heads, *rows])
        cells = [[cell.replace("|", "\\|") for cell in row] for row in [heads, ["---"] * len(heads), *rows]]
        return {"text/plain": plain, "text/markdown": make_safe("\n".join(f"| {' | '.join(row)} |" for row in cells))}


def grow(
    chat: Conversation,
    request: ChatRequest,
    reply: Reply,
    provider: Provider,
    system: str | None = None,
    model: str | None = None,
    between: Sequence[Message] = (),
) -> Conversation:
    """The chat with the turn that a reply makes; a system prompt and a model that were named hold from now on."""
    turn = turn_of(request, reply, provider, between)
    named = replace(chat, system=system or chat.system, model=model or chat.model)
    return named if turn is None else named.add(turn)


def describe_room(chat: Conversation, request: ChatRequest, reply: Reply, provider: Provider) -> str:
    """For the line below an answer: which turn it is, and how full the context is then."""
    row = None if provider.is_self_hosted else find_model(request.model)
    return room_words(grow(chat, request, reply, provider), row.context_tokens if row else None)


def turn_of(request: ChatRequest, reply: Reply, provider: Provider, between: Sequence[Message] = ()) -> Turn | None:
    """The turn that a question and its last answer make, valid however it ended; None when nothing was said at all.

    A server takes no empty answer back; a forced call is kept as the words that it says. Calls with their results stand
    `between`, each answered; where nothing new came after them, a remark stands for the answer.
    """
    if between:
        is_new = all(message.text != reply.text for message in between if message.role == "assistant")
        text = (reply.text if is_new else "") or "(The answer broke off here.)"
    else:
        text = reply.text or "".join(call["function"]["arguments"] for call in reply.tool_calls)
    if not text.strip():
        return None
    spoken = _spoken_id(request, reply, provider) if text == reply.text else None
    answer = Message("assistant", (TextPart(text),), thinking=reply.thinking, spoken=spoken)
    usage = reply.usage or estimate_usage(request, reply)
    n_tokens = usage.prompt_tokens + (usage.completion_tokens if request.is_thinking_kept else usage.answer_tokens)
    return Turn((request.messages[-1], *between, answer), reply.model, reply.ending, n_tokens)


def _spoken_id(request: ChatRequest, reply: Reply, provider: Provider) -> SpokenId | None:
    """By what the server will remember the answer; nothing of one that broke off: who knows what is kept of it there."""
    speech = reply.audio
    if speech is None or not speech.id or not reply.is_complete:
        return None
    return SpokenId(speech.id, request.model, provider.name, speech.expires_at)
