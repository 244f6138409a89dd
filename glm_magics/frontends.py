"""What shows a cell: a page or a terminal, where its notebook lies, and the way back into one cell's outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import copy_context
from os import urandom
from typing import Any, TypeAlias

Publish: TypeAlias = Callable[[Mapping[str, str], Mapping[str, Any], str, bool], None]
"""``publish(data, metadata, display_id, update)``."""

_NOTEBOOK_VARIABLE = "JPY_SESSION_NAME"
"""Where ipykernel tells the file of the notebook (jupyter_server sets it)."""

_VSCODE_NAME = "__vsc_ipynb_file__"


def notebook_file(shell: Any, environment: Mapping[str, str]) -> str:
    """The file of the notebook as the front end tells it; empty where it does not."""
    names = getattr(shell, "user_ns", {})
    return str(names.get(_VSCODE_NAME) or environment.get(_NOTEBOOK_VARIABLE, ""))


def new_display_id(stem: str = "glm") -> str:
    """An id for an output that is brought up to date later, like none in any other notebook."""
    return f"{stem}-{urandom(6).hex()}"


def takes_late_outputs(shell: Any) -> bool:
    """False where nobody looks at a cell's outputs once it has ended: nbconvert, papermill, nbval, a console.

    A page names the cell that it runs, in the metadata of the request (JupyterLab, Notebook 7, VS Code); those do not.
    """
    get_parent = getattr(shell, "get_parent", None)
    if get_parent is None:  # no kernel: there is one process, which goes on
        return True
    parent = get_parent()
    return bool(parent.get("metadata")) if isinstance(parent, Mapping) else True


def is_terminal(shell: Any) -> bool:
    """True where output is text: IPython in a terminal."""
    return any(base.__name__ == "TerminalInteractiveShell" for base in type(shell).__mro__)


def publisher(shell: Any) -> Publish:
    """A way into the outputs of whichever cell runs."""

    def publish(data: Mapping[str, str], metadata: Mapping[str, Any], display_id: str, update: bool) -> None:
        shell.display_pub.publish(dict(data), dict(metadata), transient={"display_id": display_id}, update=update)

    return publish


def bind_to_cell(shell: Any) -> Publish:
    """A way into the outputs of the cell that runs now, from any thread and after it has ended."""
    display = shell.display_pub
    if hasattr(display, "pub_socket") and not hasattr(display, "set_thread_parent"):
        return _send_with_header(display)
    context = copy_context()  # ipykernel from 7 on keeps there whose output it is

    def publish(data: Mapping[str, str], metadata: Mapping[str, Any], display_id: str, update: bool) -> None:
        transient = {"display_id": display_id}
        context.copy().run(display.publish, dict(data), dict(metadata), transient=transient, update=update)

    return publish


def _send_with_header(display: Any) -> Publish:
    """For ipykernel before 7, where what a thread publishes belongs to whichever cell runs then."""
    header = display.parent_header

    def publish(data: Mapping[str, str], metadata: Mapping[str, Any], display_id: str, update: bool) -> None:
        content = {"data": dict(data), "metadata": dict(metadata), "transient": {"display_id": display_id}}
        kind = "update_display_data" if update else "display_data"
        display.session.send(display.pub_socket, kind, content, parent=header, ident=display.topic)

    return publish
