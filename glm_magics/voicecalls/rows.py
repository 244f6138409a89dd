"""What is said in a call, as the page shows it: plain values, a row for each entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import one_line
from ..markdown import strip_controls
from ..realtime.conversation import Answer, Entry
from .errands import Errand

MAX_TEXT_CHARS = 20_000
MAX_RESULT_CHARS = 600
_RUNNING = "running …"
_STATES = {"in_progress": "growing", "completed": "done", "cancelled": "cut", "lost": "cut"}
INTERRUPTED = "interrupted"
LOST = "cut off with the connection"
_NOTES = {"cancelled": INTERRUPTED, "lost": LOST}


def make_row(key: int, entry: Entry, errands: Sequence[Errand] = (), cut: str = "") -> dict[str, Any] | None:
    """The row of one entry; None for what is shown with another (results of functions). `cut`: why it was not heard out."""
    if entry.who == "tool":
        return None
    row: dict[str, Any] = {"key": key, "who": entry.who, "at_s": round(entry.at_s, 1), "state": "done", "note": "", "calls": []}
    row["text"] = strip_controls(entry.text)[:MAX_TEXT_CHARS]
    if isinstance(entry, Answer):
        row["state"] = "cut" if cut else _STATES[entry.status]
        notes = [entry.searched and f"Searching the web: {one_line(entry.searched, 200)}"]
        notes += [_NOTES.get(entry.status) or cut]
        row["note"] = " · ".join(filter(None, notes))
        row["calls"] = [_call_row(errand) for errand in errands]
    elif entry.problem:
        row["note"] = f"not understood: {one_line(entry.problem.message or entry.problem.code, 120)}"
    elif entry.is_spoken and not entry.text:
        row["state"] = "growing"
    return row


def _call_row(errand: Errand) -> dict[str, Any]:
    call = errand.call
    arguments = call.in_words(500).removeprefix(call.name).strip()[1:-1]
    result = _RUNNING if errand.state == "running" else strip_controls(errand.result)
    shown = result if len(result) <= MAX_RESULT_CHARS else f"{result[:MAX_RESULT_CHARS]} …"
    return {"n": errand.n, "name": one_line(call.name, 80), "arguments": arguments, "state": errand.state, "result": shown}
