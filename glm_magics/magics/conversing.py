"""``%glm_chat``: one row per command, each a thin skin over the session's chats; and ``%glm_mcp``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OptionError, one_line
from ..mcpheaders import split_header
from ..options import Options, nearest
from ..session import Session
from .arguments import split_words

MCP_COMMANDS: Mapping[str, str] = {
    "add": 'add NAME [--env VARIABLE] command… | [--header "NAME: $VARIABLE"] url',
    "list": "list",
    "remove": "remove NAME",
}
"""Of ``%glm_mcp``."""

MCP_FLAGS = ("--env", "--header")
"""Of ``%glm_mcp add``."""

SPANS = ("cell", "notebook", "today", "month", "all")
"""Of ``%glm_usage``, as `ledger.SPANS`; that room is not loaded before it is used."""


@dataclass(frozen=True, slots=True)
class Command:
    """One row.

    Attributes:
        usage: the words behind it.
        n_least, n_most: how many there may be.
        run: with the session and the words.
    """

    usage: str
    n_least: int
    n_most: int
    run: Callable[..., Any]


def _show(session: Session, name: str) -> None:
    from IPython.display import publish_display_data

    from ..chatpages import chat_bundles

    for bundle in chat_bundles(session.chats.find(name)):
        publish_display_data(bundle)


def _reset(session: Session, name: str) -> Any:
    session.chats.reset(name)
    return session.chats


def _undo(session: Session, name: str, n: str = "1") -> Any:
    session.chats.put(session.chats.find(name).undo(_count(n, "how many turns to take back")))
    return session.chats


def _trim(session: Session, name: str, n: str) -> Any:
    session.chats.put(session.chats.find(name).trim(_count(n, "how many turns to keep")))
    return session.chats


def _fork(session: Session, name: str, new: str, n: str = "") -> Any:
    if new in session.chats:
        raise OptionError(f"There is a chat `{one_line(new, 60)}` already.", "Give another name.")
    session.chats.put(session.chats.find(name).fork(new, _count(n, "a turn") if n else None))
    return session.chats


def _edit(session: Session, name: str, n: str, *words: str) -> None:
    session.ask_again(name, _count(n, "which turn to ask again"), " ".join(words), Options(chat=name))


def _export(session: Session, name: str, file: str) -> None:
    session.chats.export(name, Path(file))


def _import(session: Session, file: str, name: str = "") -> Any:
    session.chats.import_(Path(file), name)
    return session.chats


def _save(session: Session, name: str) -> Any:
    session.chats.save(name)
    return session.chats


def _resume(session: Session, name: str) -> Any:
    session.chats.resume(name)
    return session.chats


def _delete(session: Session, name: str) -> Any:
    session.chats.delete(name)
    return session.chats


COMMANDS: Mapping[str, Command] = {
    "list": Command("", 0, 0, lambda session: session.chats),
    "show": Command("NAME", 1, 1, _show),
    "undo": Command("NAME [N]", 1, 2, _undo),
    "edit": Command("NAME N new words", 3, 10_000, _edit),
    "fork": Command("NAME NEW [N]", 2, 3, _fork),
    "trim": Command("NAME N", 2, 2, _trim),
    "reset": Command("NAME", 1, 1, _reset),
    "export": Command("NAME FILE", 2, 2, _export),
    "import": Command("FILE [NAME]", 1, 2, _import),
    "save": Command("NAME", 1, 1, _save),
    "resume": Command("NAME", 1, 1, _resume),
    "delete": Command("NAME", 1, 1, _delete),
}


def run_command(session: Session, line: str) -> Any:
    """Runs the line of ``%glm_chat``; an empty one lists the chats.

    Raises:
        OptionError: there is no such command, or it has too few or too many words.
        ChatError: there is no such chat, turn or file.
    """
    words = _split(line)
    if not words:
        return session.chats
    name, *rest = words
    command = COMMANDS.get(name)
    if command is None:
        raise OptionError(f"%glm_chat has no command `{one_line(name, 40)}`.", nearest(name, list(COMMANDS)))
    if not command.n_least <= len(rest) <= command.n_most:
        raise OptionError(f"`%glm_chat {name}` needs: {command.usage or 'nothing more'}.", "A name with spaces needs quotes.")
    return command.run(session, *rest)


def _split(line: str) -> list[str]:
    """Words; of ``edit`` the new words stand as they are, apostrophes and all."""
    head = line.split(maxsplit=3)
    if head[:1] == ["edit"] and len(head) == 4 and not line.lstrip()[4:].lstrip().startswith(("'", '"')):
        return head
    return split_words(line)


def _count(word: str, what: str) -> int:
    if not word.isdecimal() or len(word) > 9:
        raise OptionError(f"`{one_line(word, 40)}` is no number.", f"Say {what} as a whole number.")
    return int(word)


def run_mcp(session: Session, line: str) -> Any:
    """Runs the line of ``%glm_mcp``; an empty one lists the servers.

    Raises:
        OptionError: there is no such command, or it lacks a word.
        ToolError: the server does not start.
    """
    command, *words = split_words(line) or ["list"]
    servers = session.toolkit.servers
    if command == "list" and not words:
        return servers
    if command == "remove" and len(words) == 1:
        return servers.remove(words[0])
    if command == "add" and words and not words[0].startswith("-"):
        where, options = _split_options(words[1:])
        headers = dict(split_header(word) for flag, word in options if flag == "--header")
        return servers.add(words[0], *where, variables=[word for flag, word in options if flag == "--env"], headers=headers)
    shown = one_line(line.partition("--header")[0], 60)  # behind it a key may have been typed
    raise OptionError(f"%glm_mcp cannot read `{shown}`.", f"There are: {'; '.join(MCP_COMMANDS.values())}.")


def _split_options(words: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The words of the command or address, and the options before them; behind an address too, which has no words of its own."""
    where: list[str] = []
    options: list[tuple[str, str]] = []
    while words:
        flag, has_value, value = words[0].partition("=")
        if flag not in MCP_FLAGS:
            if not words[0].startswith(("http://", "https://")):
                return [*where, *words], options
            where.append(words.pop(0))
            continue
        del words[0]
        if not has_value and not words:
            raise OptionError(f"`{flag}` needs a value.", f"There is: {MCP_COMMANDS['add']}.")
        options.append((flag, value if has_value else words.pop(0)))
    return where, options
