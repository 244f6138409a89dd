"""A mended cell shown as its changes, and put into the next cell."""

from __future__ import annotations

import html
import sys
from dataclasses import replace
from typing import Any

from .answercode import CellCode
from .formats import fenced
from .markdown import strip_controls, to_html_text
from .mishaps import Mishap
from .nextcell import has_next_cell, put_code
from .redaction import Bars
from .repairs import diff

_BACKGROUNDS = {"+": "rgba(46,160,67,.3)", "-": "rgba(248,81,73,.3)", "@": "rgba(127,127,127,.2)"}
"""Translucent, so that a page's own letters stay readable in a light and in a dark theme."""

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}


def show_mended(shell: Any, mishap: Mishap, mended: CellCode, bars: Bars) -> None:
    """Shows what a mended cell changes, secrets barred, and puts it into the next cell, secrets in their places.

    Args:
        shell: IPython's.
        mishap: what went wrong, with the cell as it was.
        mended: the code of the answer.
        bars: what kept secrets back.
    """
    changes = diff(bars.bar(mishap.source), mended.code, mishap.place) if mended.code else ""
    _say(shell, changes, _sentence(shell, mishap, mended, changes))
    if changes:
        put_code(shell, replace(mended, code=bars.restore(mended.code)))


def _sentence(shell: Any, mishap: Mishap, mended: CellCode, changes: str) -> str:
    if not mended.code:
        reason = f": {mended.notes[0]}" if mended.notes else ""
        return f"There is no mended cell in the answer{reason}. Ask again, or say more: `%glm_fix your words`."
    if not changes:
        return f"The answer changes nothing in {mishap.place}."
    where = "The mended cell is ready below" if has_next_cell(shell) else "The mended cell can be copied below"
    notes = f" Mind: {'; '.join(mended.notes)}." if mended.notes else ""
    return f"{where}; nothing was run.{notes}"


def _say(shell: Any, changes: str, sentence: str) -> None:
    if not hasattr(shell, "get_parent") and sys.stdout.isatty():  # a terminal
        lines = [f"{_COLOURS.get(line[:1], '')}{line}\x1b[0m" for line in strip_controls(changes).split("\n")] if changes else []
        print("\n".join([*lines, sentence]))
        return
    small = f"<small>{to_html_text(sentence)}</small>"
    markdown = f"{fenced(changes, 'diff')}\n{small}" if changes else small
    plain = "\n".join(filter(None, [strip_controls(changes), sentence]))
    page = {"text/html": _html(changes, small)} if changes else {}
    shell.display_pub.publish({**page, "text/markdown": markdown, "text/plain": plain}, {})


def _html(changes: str, small: str) -> str:
    """The changes in colour, which JupyterLab does not give to a fence of kind ``diff``; every word of a cell is escaped."""
    lines = []
    for line in strip_controls(changes).split("\n"):
        colour = _BACKGROUNDS.get(line[:1])
        escaped = html.escape(line)
        lines.append(f'<span style="background:{colour}">{escaped}</span>' if colour else escaped)
    return f"<pre>{chr(10).join(lines)}</pre>\n{small}"
