"""What stands in brackets behind a path: pages of a document, spans of time."""

from __future__ import annotations

import re

from ..errors import MediaError

_CLOCK = r"(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,6})?)"
_TIMES = re.compile(rf"\s*(?:{_CLOCK})?\s*(-)?\s*(?:{_CLOCK})?\s*s?\s*", re.ASCII)


def parse_times(selection: str) -> tuple[float, float | None]:
    """Start and end in seconds of ``0:10-0:25``, ``10-25``, ``1:02:03.5-`` (no end: None), ``-0:30`` or ``0:42`` (one moment).

    Raises:
        MediaError: it is no span of time, or ends before it begins.
    """
    found = _TIMES.fullmatch(selection)
    start, end = (_seconds(*found.groups()[at : at + 3]) for at in (0, 4)) if found else (None, None)
    if not found or (start is None and end is None):
        raise MediaError(f"`[{selection[:40]}]` is no span of time.", "Write it like [0:10-0:25], [10-25] or [1:02:03-].")
    if not found[4]:
        return (start or 0.0), start
    if end is not None and end <= (start or 0.0):
        raise MediaError(f"`[{selection[:40]}]` ends before it begins.", "Turn the two times round.")
    return start or 0.0, end


def _seconds(hours: str | None, minutes: str | None, seconds: str | None) -> float | None:
    if seconds is None:
        return None
    return 3600.0 * int(hours or 0) + 60.0 * int(minutes or 0) + float(seconds)


_SPAN = re.compile(r"\s*(\d{1,9})?\s*([-–])?\s*(\d{1,9})?\s*", re.ASCII)


def parse_pages(selection: str, n_pages: int, noun: str = "page") -> list[int]:
    """Numbers of pages, counted from 1, each once, in the order in which they are named.

    Args:
        selection: ``3-7``, ``1,4,9-`` (to the last), ``-2`` (the first two, as in a print dialogue).
        n_pages: how many there are.
        noun: what is counted, for the sentence: page, slide, sheet, cell, line.

    Raises:
        MediaError: it names no pages, or one that is not there.
    """
    numbers: dict[int, None] = {}
    for words in selection.split(","):
        numbers |= dict.fromkeys(_span(words, n_pages, noun))
    return list(numbers)


def _span(words: str, n_pages: int, noun: str) -> range:
    found = _SPAN.fullmatch(words)
    if not found or not (found[1] or found[3]) or (found[3] and not found[2]):
        raise MediaError(f"`[{words.strip()[:40]}]` names no {noun}s.", "Write them like [3], [3-7] or [1,4,9-].")
    first = int(found[1] or 1)
    last = int(found[3]) if found[3] else n_pages if found[2] else first
    if not first or not last:
        raise MediaError(f"There is no {noun} 0.", f"The first {noun} is 1.")
    if last < first and found[1] and found[3]:
        raise MediaError(f"`[{words.strip()}]` runs backwards.", "Turn the two numbers round.")
    if max(first, last) > n_pages:
        raise MediaError(
            f"There is no {noun} {max(first, last)}; the last is {n_pages}.",
            f"Write [{first}-] up to the last." if first <= n_pages else "Name others.",
        )
    return range(first, last + 1)
