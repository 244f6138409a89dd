"""Hanging the magics into a shell and taking them out again."""

from __future__ import annotations

import re
from typing import Any

from ..session import Session
from .admin import AdminMagics
from .chat import ChatMagics
from .completion import complete_line

_HOOK = "_glm_magics_hooks"
_COMPLETED = r"%{1,2}glm"
_QUESTION = re.compile(r"(?P<indent>\s*)%glm[ \t]+(?P<text>\S.*\?)\s*$")


def register(shell: Any, session: Session) -> None:
    """Adds the magics, the settings under ``%config GLM``, tab completion and the end-of-cell event."""
    chat, admin = ChatMagics(shell, session), AdminMagics(shell, session)
    shell.register_magic_function(chat.glm, "line_cell", "glm")
    shell.register_magic_function(admin.glm_connect, "line", "glm_connect")
    shell.register_magic_function(admin.glm_models, "line", "glm_models")
    shell.configurables.append(session.config)
    shell.events.register("post_execute", session.cell_ended)

    def complete(_: Any, event: Any) -> list[str]:
        return complete_line(event.text_until_cursor, list(shell.user_ns))

    shell.set_hook("complete_command", complete, re_key=_COMPLETED)
    shell.input_transformers_cleanup.append(keep_question_marks)
    setattr(shell, _HOOK, (session, (chat, admin, session.config)))


def unregister(shell: Any) -> None:
    """Undoes `register`; harmless when there is nothing to undo."""
    hooks = getattr(shell, _HOOK, None)
    if hooks is None:
        return
    session, configurables = hooks
    shell.input_transformers_cleanup.remove(keep_question_marks)
    for kind, name in (("line", "glm"), ("cell", "glm"), ("line", "glm_connect"), ("line", "glm_models")):
        shell.magics_manager.magics[kind].pop(name, None)
    shell.configurables = [one for one in shell.configurables if not any(one is ours for ours in configurables)]
    shell.events.unregister("post_execute", session.cell_ended)
    dispatcher = shell.strdispatchers.get("complete_command")
    if dispatcher is not None:
        dispatcher.regexs = {pattern: chain for pattern, chain in dispatcher.regexs.items() if pattern.pattern != _COMPLETED}
    delattr(shell, _HOOK)


def keep_question_marks(lines: list[str]) -> list[str]:
    """``%glm how many rows?`` asks the model; IPython alone would look for help on ``rows``.

    An input transformer: it sees a cell's lines before IPython reads a final ``?``. Cell magics are left alone.
    """
    if not lines or lines[0].startswith("%%"):
        return lines
    return [_as_call(line) for line in lines]


def _as_call(line: str) -> str:
    found = _QUESTION.match(line)
    if found is None:
        return line
    return f"{found['indent']}get_ipython().run_line_magic('glm', {found['text']!r})\n"
