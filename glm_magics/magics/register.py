"""Hanging the magics into a shell and taking them out again."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from ..errors import GLMError
from ..session import Session
from .admin import AdminMagics
from .capture import Capture
from .chat import ChatMagics
from .completion import complete_line
from .embed import EmbedMagics
from .fixing import FixMagics, Watch
from .ground import GroundMagics
from .replays import ReplayMagics
from .working import JobMagics

_HOOK = "_glm_magics_hooks"
_MAGICS = {
    "glm": "line_cell",
    "glm_ground": "cell",
    "glm_connect": "line",
    "glm_models": "line",
    "glm_chat": "line",
    "glm_usage": "line",
    "glm_embed": "line",
    "glm_cache": "line",
    "glm_fix": "line",
    "glm_explain": "line",
    "glm_jobs": "line",
    "glm_replay": "line",
    "glm_mcp": "line",
}
"""Each magic, a method of that name, and its kind."""

_COMPLETED = r"\s*%{1,2}glm"
_EMPTY = re.compile(r"\s*%%glm(?:_ground)?(?:[ \t][^\n]*)?\n?")
_QUESTION = re.compile(
    r"(?P<indent>\s*)%(?P<magic>glm(?=[ \t])|glm_fix|glm_explain|glm_chat(?=[ \t]+edit[ \t]))[ \t]+(?P<text>\S.*\?)\s*$"
)


def register(shell: Any, session: Session) -> None:
    """Adds the magics, the settings under ``%config GLM``, tab completion and the end-of-cell event."""
    capture = Capture(shell)
    watch = Watch(shell)
    chat = ChatMagics(shell, session, capture.cells)
    rooms = (
        *(chat, AdminMagics(shell, session), GroundMagics(shell, session), EmbedMagics(shell, session)),
        *(FixMagics(shell, session, chat, watch), JobMagics(shell, session), ReplayMagics(shell, session)),
    )
    for name, kind in _MAGICS.items():
        function = next(getattr(room, name) for room in rooms if hasattr(room, name))
        shell.register_magic_function(_with_tracebacks(function, session), kind, name)
    shell.configurables.append(session.config)

    def complete(_: Any, event: Any) -> list[str]:
        text = event.text_until_cursor
        servers = list(session.toolkit.servers) if "mcp" in text else []
        return complete_line(text, list(shell.user_ns), session.chats, servers)

    shell.set_hook("complete_command", complete, re_key=_COMPLETED)
    shell.input_transformers_cleanup.insert(0, let_cells_be_empty)
    shell.input_transformers_cleanup.append(keep_question_marks)
    setattr(shell, _HOOK, ((capture, watch), (*rooms, session.config)))


def unregister(shell: Any) -> None:
    """Undoes `register`; harmless when there is nothing to undo."""
    hooks = getattr(shell, _HOOK, None)
    if hooks is None:
        return
    watchers, configurables = hooks
    for watcher in watchers:
        watcher.stop()
    for transformer in (let_cells_be_empty, keep_question_marks):
        shell.input_transformers_cleanup.remove(transformer)
    for name, kind in _MAGICS.items():
        for one in kind.split("_"):
            shell.magics_manager.magics[one].pop(name, None)
    shell.configurables = [one for one in shell.configurables if not any(one is ours for ours in configurables)]
    dispatcher = shell.strdispatchers.get("complete_command")
    if dispatcher is not None:
        dispatcher.regexs = {pattern: chain for pattern, chain in dispatcher.regexs.items() if pattern.pattern != _COMPLETED}
    delattr(shell, _HOOK)


def _with_tracebacks(function: Callable[..., Any], session: Session) -> Callable[..., Any]:
    """The magic, its errors shown with a traceback where ``%config GLM.show_traceback`` asks for it."""

    @wraps(function)
    def magic(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except GLMError as error:
            error.show_traceback = session.config.show_traceback
            raise

    return magic


def let_cells_be_empty(lines: list[str]) -> list[str]:
    """``%%glm -f question.wav`` alone is a question; IPython refuses cell magics without a cell.

    An input transformer: it sees a cell's lines before IPython does.
    """
    is_alone = _EMPTY.fullmatch("".join(lines))
    return [*lines[:-1], lines[-1].rstrip("\n") + "\n", "\n"] if is_alone else lines


let_cells_be_empty.has_side_effects = True  # type: ignore[attr-defined]  # else a terminal would take the first line for all


def keep_question_marks(lines: list[str]) -> list[str]:
    """``%glm how many rows?`` asks the model; IPython alone would look for help on ``rows``.

    An input transformer: it sees a cell's lines before IPython reads a final ``?``. Cell magics are left alone, and cells
    with a string over several lines, where such a line may be just text.
    """
    if not lines or lines[0].startswith("%%") or any(quotes in line for line in lines for quotes in ('"""', "'''")):
        return lines
    return [_as_call(line) for line in lines]


def _as_call(line: str) -> str:
    found = _QUESTION.match(line)
    if found is None:
        return line
    return f"{found['indent']}get_ipython().run_line_magic({found['magic']!r}, {found['text']!r})\n"
