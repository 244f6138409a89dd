"""Calls of functions as a person sees them while they happen: blocks in a cell, lines in a terminal, questions in both.

All words of a call come from a model: they are shown as text, never as markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

from .approvals import Approval, State, refused
from .errors import one_line
from .frontends import new_display_id
from .markdown import strip_controls, to_html_text
from .toolcalls import ToolCall, ToolResult

Publish = Callable[[dict[str, Any], dict[str, Any], str, bool], None]

ARGUMENT_CHARS = 20_000
"""Of a call's arguments in a question; what is longer is cut, and the question says so."""

RESULT_CHARS = 3_000
"""Of a result in a block; the model gets more."""

LONG_ARGUMENT_CHARS = 250
"""Longer arguments are folded below the call, too; its line has room for the start only."""

NOBODY = "Nobody can be asked here whether a function may run: start again with --yes to allow the functions that you name."

_IN_WORDS: Mapping[str, str] = {
    "waiting": "may it run?",
    "approved": "approved",
    "always": "allowed for good",
    "refused": "refused",
    "invalid": "could not run",
    "limit": "one too many",
    "stopped": "stopped",
}


class Buttons(Protocol):
    """A front end in which a call can be decided by a click."""

    def ask(self, call: ToolCall, source: str, show: Callable[[dict[str, Any], dict[str, Any]], None]) -> Approval | None:
        """Shows the question and waits; None where the front end does not answer."""
        ...


class TextQuestion:
    """Asks by a line of text.

    Args:
        ask: Python's `input`, or a kernel's.
    """

    def __init__(self, ask: Callable[[str], str] = input) -> None:
        self._ask = ask

    def decide(self, call: ToolCall) -> Approval:
        """Yes, always, no; any other words are the reason of a refusal."""
        shown = call.in_words(ARGUMENT_CHARS)
        cut = "" if len(shown) < ARGUMENT_CHARS else f" [cut; {len(call.arguments):,} characters]"
        try:
            said = self._ask(f"May it run?  {shown}{cut}\n[y]es, [a]lways, [n]o, or why not: ").strip()
        except (EOFError, OSError, RuntimeError):  # there was a way to ask, and nobody at its end
            return refused(NOBODY)
        return read_answer(said)


def read_answer(said: str) -> Approval:
    """An answer that was typed."""
    word = said.lower()
    states: Mapping[str, State] = {"y": "approved", "yes": "approved", "a": "always", "always": "always"}
    if word in states:
        return Approval(states[word])
    return refused("" if word in ("", "n", "no") else said)


class QuietBoard:
    """Shows nothing, asks by text; for ``quiet``.

    Args:
        asker: who decides.
    """

    def __init__(self, asker: Any) -> None:
        self._asker = asker

    def open(self, call: ToolCall, source: str) -> None:
        """Nothing."""

    def decide(self, call: ToolCall) -> Approval:
        """By the asker."""
        approval: Approval = self._asker.decide(call)
        return approval

    def start(self, call: ToolCall, state: State) -> None:
        """Nothing."""

    def close(self, call: ToolCall, result: ToolResult, state: str) -> None:
        """Nothing."""


class TerminalBoard(QuietBoard):
    """Lines of text.

    Args:
        asker: who decides.
        out: where to.
    """

    def __init__(self, asker: Any, out: TextIO | None = None) -> None:
        super().__init__(asker)
        self._out = out or sys.stdout

    def open(self, call: ToolCall, source: str) -> None:
        """The call."""
        self._write(f"→ {call.in_words()}{f'  [{one_line(source, 60)}]' if source else ''}")

    def close(self, call: ToolCall, result: ToolResult, state: str) -> None:
        """What came of it."""
        self._write(f"  {_facts(result, state)}: {one_line(result.text, 300)}")

    def _write(self, line: str) -> None:
        self._out.write(strip_controls(line) + "\n")
        self._out.flush()


class NotebookBoard:
    """An output a call, painted again as it goes on; the saved notebook keeps its words.

    Args:
        publish: ``publish(data, metadata, display_id, update)``.
        asker: who decides where there are no buttons.
        buttons: None where clicks cannot arrive.
    """

    def __init__(self, publish: Publish, asker: Any, buttons: Buttons | None = None) -> None:
        self._publish = publish
        self._asker = asker
        self._buttons = buttons
        self._stem = new_display_id("glm-call")
        self._n = 0
        self._source = ""

    def open(self, call: ToolCall, source: str) -> None:
        """A new block."""
        self._n += 1
        self._source = source
        self._paint(call, "…", is_new=True)

    def decide(self, call: ToolCall) -> Approval:
        """By a click, else by text."""
        approval = self._buttons.ask(call, self._source, self._show) if self._buttons else None
        if approval is None:
            self._paint(call, _IN_WORDS["waiting"])
            approval = self._asker.decide(call)
        return approval

    def start(self, call: ToolCall, state: State) -> None:
        """Its time runs."""
        self._paint(call, f"{_IN_WORDS[state]} · running…")

    def close(self, call: ToolCall, result: ToolResult, state: str) -> None:
        """The result below it; pictures as outputs of their own."""
        self._paint(call, _facts(result, state), _folded(result))
        for n, picture in enumerate(result.pictures):
            if picture.data:
                data = {picture.mime: picture.base64, "text/plain": f"[{one_line(picture.label, 60)}]"}
                self._publish(data, {}, f"{self._stem}-{self._n}-{n}", False)

    def _paint(self, call: ToolCall, facts: str, below: str = "", is_new: bool = False) -> None:
        source = f" <small>[{to_html_text(one_line(self._source, 60))}]</small>" if self._source else ""
        if len(call.arguments) > LONG_ARGUMENT_CHARS:
            below = (
                f"<details><summary>Arguments</summary>{to_html_text(arguments_in_full(call)[:RESULT_CHARS])}</details>\n{below}"
            )
        head = f"<code>{to_html_text(call.in_words(300))}</code>{source} <small>· {to_html_text(facts)}</small>"
        plain = f"{call.in_words(300)} · {facts}"
        self._show({"text/markdown": f"{head}\n{below}", "text/plain": strip_controls(plain)}, {}, is_new)

    def _show(self, data: dict[str, Any], metadata: dict[str, Any], is_new: bool = False) -> None:
        self._publish(data, metadata, f"{self._stem}-{self._n}", not is_new)


def _facts(result: ToolResult, state: str) -> str:
    facts = [_IN_WORDS.get(state, state)]
    if state in ("approved", "always"):
        facts += [f"{result.elapsed_s:.1f} s", *(["failed"] if result.is_error else [])]
    return " · ".join([*facts, *([result.note] if result.note else [])])


def _folded(result: ToolResult) -> str:
    text = result.text
    shown = text if len(text) <= RESULT_CHARS else f"{text[:RESULT_CHARS]}… ({len(text):,} characters)"
    return f"<details><summary>Result</summary>{to_html_text(shown)}</details>\n"


def arguments_in_full(call: ToolCall) -> str:
    """The arguments as indented JSON, for a person who is to decide about them."""
    text = json.dumps(call.values, indent=2, ensure_ascii=False) if call.values else call.arguments
    text = "".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in text)  # nothing hides in it
    return text if len(text) <= ARGUMENT_CHARS else f"{text[:ARGUMENT_CHARS]}… (cut; {len(text):,} characters)"
