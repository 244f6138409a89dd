"""Asking by buttons while a cell runs, where the front end can answer meanwhile.

A cell keeps the kernel's main thread, and with it the channel on which clicks usually arrive. JupyterLab and Notebook 7 send
them over a subshell, a thread of its own that ipykernel has from version 7. No front end says beforehand whether it does, so the
page greets as soon as the question is there; where no greeting comes the question is asked as text.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from .approvals import Approval, refused
from .callboards import arguments_in_full
from .errors import one_line
from .toolcalls import ToolCall

FIRST_GREETING_S = 8.0
"""The first widget of a page loads the widgets' own code."""

_REASON_CHARS = 2_000


class WidgetButtons:
    """Buttons in the cell, by an anywidget; gives up for good where the first question is not greeted.

    Args:
        greeting_s: how long to wait for the page, in seconds.
    """

    def __init__(self, greeting_s: float = FIRST_GREETING_S) -> None:
        self._greeting_s = greeting_s
        self._is_deaf = False

    def ask(self, call: ToolCall, source: str, show: Callable[[dict[str, Any], dict[str, Any]], None]) -> Approval | None:
        """Shows the question and waits for a click; None where the page does not answer.

        Raises:
            KeyboardInterrupt: the user pressed ■.
        """
        if self._is_deaf:
            return None
        from .widgets.approval import ApprovalWidget

        said: SimpleQueue[Any] = SimpleQueue()
        widget = ApprovalWidget(name=call.name, source=source, arguments=arguments_in_full(call))
        _hear_subshells(widget.comm)
        widget.on_msg(lambda _, content, buffers: said.put(content))
        try:
            data, metadata = widget._repr_mimebundle_() or ({}, {})
            plain = f"May it run? {one_line(call.in_words(), 300)}"
            show({**data, "text/plain": plain, "text/markdown": f"`{plain.replace('`', ' ')}`"}, dict(metadata))
            if not self._is_greeted(said):
                self._is_deaf = True
                return None
            widget.is_heard = True
            return _wait(said)
        finally:
            with suppress(Exception):  # the page may be gone
                widget.close()

    def _is_greeted(self, said: SimpleQueue[Any]) -> bool:
        deadline_s = time.monotonic() + self._greeting_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            with suppress(Empty):
                content = said.get(timeout=min(0.2, left_s))
                if read_decision(content) is not None:
                    said.put(content)
                    return True
                if isinstance(content, dict) and content.get("type") == "ready":
                    return True
        return False


def _wait(said: SimpleQueue[Any]) -> Approval:
    while True:
        with suppress(Empty):
            content = said.get(timeout=0.2)  # in short steps: ■ must wake it on every system
            if (approval := read_decision(content)) is not None:
                return approval


def read_decision(content: Any) -> Approval | None:
    """What a page sends; None when it is no decision."""
    if not isinstance(content, dict) or content.get("type") != "decide":
        return None
    reason = content.get("reason", "")
    match content.get("state"):
        case "approved":
            return Approval("approved")
        case "always":
            return Approval("always")
        case "refused":
            return refused(reason[:_REASON_CHARS] if isinstance(reason, str) else "")
    return None


def _hear_subshells(comm: Any) -> None:
    """Lets clicks arrive on the subshell by which the page sends them.

    ipykernel from 7.3 leads them to the thread that opened the widget instead: the one that waits for them here.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, default: default


def has_subshells(kernel: Any) -> bool:
    """True where clicks can arrive while a cell runs, as far as the kernel can tell."""
    return bool(getattr(kernel, "_supports_kernel_subshells", False))


def may_ask(kernel: Any) -> bool:
    """True where the program that runs the cell takes questions on standard input."""
    return bool(getattr(kernel, "_allow_stdin", False))
