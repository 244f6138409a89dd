"""What an IPython shell is, and how to show something in it that can be shown anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Publish: TypeAlias = Callable[[dict[str, str], dict[str, Any], str, bool], None]
"""``publish(data, metadata, display_id, update)``."""


def is_terminal(shell: InteractiveShell) -> bool:
    """True where output is text: IPython in a terminal."""
    return any(base.__name__ == "TerminalInteractiveShell" for base in type(shell).__mro__)


def publisher(shell: InteractiveShell) -> Publish:
    """Shows data in the cell that runs; under a display id it can be shown again in the same place."""

    def publish(data: dict[str, str], metadata: dict[str, Any], display_id: str, update: bool) -> None:
        shell.display_pub.publish(data, metadata, transient={"display_id": display_id}, update=update)

    return publish
