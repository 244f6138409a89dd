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
from .ground import GroundMagics

_HOOK = "_glm_magics_hooks"
_LINE_MAGICS = ("glm", "glm_connect", "glm_models", "glm_chat", "glm_usage", "glm_mcp")
_MAGICS = (("cell", "glm"), ("cell", "glm_ground"), *(("line", name) for name in _LINE_MAGICS))
_COMPLETED = r"\s*%{1,2}glm"
_QUESTION = re.compile(r"(?P<indent>\s*)%(?P<magic>glm(?=[ \t])|glm_chat(?=[ \t]+edit[ \t]))[ \t]+(?P<text>\S.*\?)\s*$")


def register(shell: Any, session: Session) -> None:
    """Adds the magics, the settings under ``%config GLM``, tab completion and the end-of-cell event."""
    capture = Capture(shell)
    chat, admin, ground = ChatMagics(shell, session, capture.cells), AdminMagics(shell, session), GroundMagics(shell, session)
    for function, kind in (
        (chat.glm, "line_cell"),
        (admin.glm_connect, "line"),
        (admin.glm_models, "line"),
        (ground.glm_ground, "cell"),
        (admin.glm_chat, "line"),
        (admin.glm_usage, "line"),
        (admin.glm_mcp, "line"),
    ):
        shell.register_magic_function(_with_tracebacks(function, session), kind, function.__name__)
    shell.configurables.append(session.config)

    def complete(_: Any, event: Any) -> list[str]:
        text = event.text_until_cursor
        servers = list(session.toolkit.servers) if "mcp" in text else []
        return complete_line(text, list(shell.user_ns), session.chats, servers)

    shell.set_hook("complete_command", complete, re_key=_COMPLETED)
    shell.input_transformers_cleanup.append(keep_question_marks)
    setattr(shell, _HOOK, (capture, (chat, admin, ground, session.config)))


def unregister(shell: Any) -> None:
    """Undoes `register`; harmless when there is nothing to undo."""
    hooks = getattr(shell, _HOOK, None)
    if hooks is None:
        return
    capture, configurables = hooks
    capture.stop()
    shell.input_transformers_cleanup.remove(keep_question_marks)
    for kind, name in _MAGICS:
        shell.magics_manager.magics[kind].pop(name, None)
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
