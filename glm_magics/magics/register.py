"""Hanging the magics into a shell and taking them out again."""

from __future__ import annotations

from typing import Any

from ..session import Session
from .admin import AdminMagics
from .chat import ChatMagics
from .completion import complete_line

_HOOK = "_glm_magics_hooks"
_COMPLETED = r"%{1,2}glm"


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
    setattr(shell, _HOOK, (session, complete))


def unregister(shell: Any) -> None:
    """Undoes `register`; harmless when there is nothing to undo."""
    hooks = getattr(shell, _HOOK, None)
    if hooks is None:
        return
    session, _ = hooks
    for kind, name in (("line", "glm"), ("cell", "glm"), ("line", "glm_connect"), ("line", "glm_models")):
        shell.magics_manager.magics[kind].pop(name, None)
    if session.config in shell.configurables:
        shell.configurables.remove(session.config)
    shell.events.unregister("post_execute", session.cell_ended)
    dispatcher = shell.strdispatchers.get("complete_command")
    if dispatcher is not None:
        dispatcher.regexs = {pattern: chain for pattern, chain in dispatcher.regexs.items() if pattern.pattern != _COMPLETED}
    delattr(shell, _HOOK)
