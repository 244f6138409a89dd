"""What a question with functions needs from a session: the functions gathered, the board, the limits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .approvals import Approvals, ApproveAll, Approver, RefuseAll
from .callboards import NOBODY, Buttons, NotebookBoard, Publish, QuietBoard, TerminalBoard, TextQuestion
from .callbuttons import WidgetButtons, has_subshells, may_ask
from .errors import OptionError
from .intake import Intake
from .mcpservers import Servers
from .options import Options
from .settings import GLM
from .toolbox import Toolbox
from .toolcalls import DEPTH
from .toolloop import CallBoard, LoopLimits, ToolLoop


@dataclass(slots=True)
class Toolkit:
    """The functions' side of a session.

    Attributes:
        config: the limits.
        shell: IPython's; None in a plain Python program.
        publish: shows in the cell; None where output is text.
        approvals: what was allowed for good.
        buttons: None: made where the front end may have them.
    """

    config: GLM
    shell: Any = None
    publish: Publish | None = None
    approvals: Approvals = field(default_factory=Approvals)
    buttons: Buttons | None = None
    _servers: Servers | None = None

    @property
    def servers(self) -> Servers:
        """The MCP servers of this kernel."""
        if self._servers is None:
            self._servers = Servers()
        return self._servers

    def close(self) -> None:
        """Ends the servers."""
        if self._servers is not None:
            self._servers.close()

    def loop(self, options: Options, intake: Intake) -> ToolLoop | None:
        """For one question; None when it names no functions.

        Args:
            options: of the question.
            intake: what its model takes.

        Raises:
            OptionError: what is named is no function, or cannot be described; or there is no such MCP server.
            ToolError: an MCP server does not answer.
            MissingExtraError: a package of the ``tools`` extra is not installed.
        """
        names = [name.strip() for words in options.mcp for name in words.split(",")]
        box = gather(options.tools, self.servers.toolbox(names) if names else None)
        if not box:
            return None
        limits = LoopLimits(
            options.max_calls or self.config.tool_calls,
            options.call_timeout or self.config.tool_timeout,
            self.config.tools_timeout,
            self.config.tool_result_chars,
        )
        return ToolLoop(box, self.board(options), self.approvals, limits, intake)

    def board(self, options: Options) -> CallBoard:
        """Where the calls of one question are shown and decided."""
        asker: Approver = ApproveAll() if options.yes else self._asker()
        if options.quiet or (self.publish is None and self.shell is None):
            return QuietBoard(asker)
        if self.publish is None:
            return TerminalBoard(asker)
        return NotebookBoard(self.publish, asker, None if options.yes else self._find_buttons())

    def _asker(self) -> Approver:
        ask = self._input()
        return TextQuestion(ask) if ask else RefuseAll(NOBODY)

    def _input(self) -> Callable[[str], str] | None:
        """The way to ask by text; None where nobody answers."""
        kernel = getattr(self.shell, "kernel", None)
        if kernel is not None:
            return input if may_ask(kernel) else None  # ipykernel puts its own in the place of Python's
        return input if sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty() else None

    def _find_buttons(self) -> Buttons | None:
        kernel = getattr(self.shell, "kernel", None)
        if self.buttons is None and kernel is not None and has_subshells(kernel) and may_ask(kernel):
            try:
                import anywidget  # noqa: F401
            except ImportError:
                return None
            self.buttons = WidgetButtons()
        return self.buttons if kernel is None or may_ask(kernel) else None


def gather(given: Iterable[Any], more: Toolbox | None = None) -> Toolbox:
    """One toolbox of what an option holds: functions, mappings of names to functions, and toolboxes.

    Raises:
        OptionError: something else.
    """
    box = Toolbox()
    for one in given:
        if isinstance(one, Toolbox):
            box = box.add(one.tools.values())
        else:
            box = box.add(Toolbox.of(one if isinstance(one, Mapping) else [one]).tools.values())
    return box.add(more.tools.values()) if more else box


def check_depth(config: GLM) -> None:
    """A function that a model called may ask a model, but not for ever.

    Raises:
        OptionError: it is too deep; the model is told so.
    """
    if DEPTH.get() > config.tool_depth:
        raise OptionError(
            f"A called function asks a model whose function asks a model, {DEPTH.get()} deep.",
            f"%config GLM.tool_depth allows {config.tool_depth}.",
        )
