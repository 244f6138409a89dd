"""Code from an answer put into the next cell, where there is one to come, and never run."""

from __future__ import annotations

import html
from typing import Any

from .answercode import CellCode, pick_code
from .replies import Reply

PLACED = "the code is in the next cell, not run"

_BUTTON = (
    '<button type="button" style="font:inherit;padding:.2em .8em;cursor:pointer" data-code="{code}" '
    "onclick=\"navigator.clipboard.writeText(this.dataset.code).then(() => {{ this.textContent = 'Copied' }})\">"
    "Copy the code</button>"
)
"""The script is ours and the same for every answer; a model's text is in the attribute alone, escaped."""


def has_next_cell(shell: Any) -> bool:
    """Whether somebody is there for whom a cell can be put: a terminal's prompt, or a front end with a person at it.

    A kernel is not told which front end it has. But one that runs a notebook without a person (nbclient, papermill, nbconvert,
    Voilà, nbval) says ``allow_stdin: false`` with each cell, and none of these puts cells; JupyterLab, Notebook, VS Code and
    the consoles say ``true``, and do.
    """
    if shell is None or not hasattr(shell, "set_next_input"):
        return False
    if not hasattr(shell, "get_parent"):  # no kernel: IPython in a terminal
        return True
    content = (shell.get_parent() or {}).get("content", {})
    return bool(content.get("allow_stdin", True))


def code_notes(shell: Any, reply: Reply) -> list[str]:
    """For the line below an answer that is shown as code: where its code is, and what to know of it."""
    found = pick_code(reply)
    return [*([PLACED] if found.code and has_next_cell(shell) else []), *found.notes]


def put_answer(shell: Any, reply: Reply) -> None:
    """Puts the code of an answer into the next cell; nothing where there is none."""
    put_code(shell, pick_code(reply))


def put_code(shell: Any, found: CellCode) -> None:
    """Puts code into the next cell; where none can be put, a button in the output copies it.

    Of several answers in one cell the last one's code counts: a front end takes one text a cell.
    """
    if not found.code:
        return
    if has_next_cell(shell):
        shell.set_next_input(found.code, replace=False)
        return
    button = _BUTTON.format(code=html.escape(found.code, quote=True).replace("\n", "&#10;"))
    shell.display_pub.publish({"text/html": button, "text/plain": "(A page shows a button here that copies the code.)"}, {})
