"""Lists: of pictures, figures, frames, … one by one; any other list is text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from ..messages import Part, TextPart
from ..pictures import looks_like_picture
from .dispatch import is_rich, to_parts
from .loading import Loading
from .plots import figure_of
from .reprs import load_as_text
from .rows import FILES, TYPES, row_of

_MAX_DEPTH = 3
_N_AT_ONCE = 2
"""Decoders let go of the interpreter; `pictures` sees to it that large ones are unpacked one after the other."""


def load_items(items: Sequence[Any], loading: Loading) -> Iterable[Part]:
    """A list of pictures, figures, … is sent one by one, photos among them prepared in parallel; any other list is text.

    Raises:
        MediaError: the first item that cannot be sent, by its place.
    """
    if not _holds_rich(items, loading.depth - 1):
        return [TextPart(str(items))]
    label = loading.label or "item"
    kept = {i: replace(loading, label=f"{label}[{i}]", depth=loading.depth + 1) for i in _without_repeats(items)}
    photos = {i: _preparing(items[i], kept[i]) for i in kept if _is_photo(items[i])}
    ready = _prepare(photos) if len(photos) > 1 else {}
    parts: list[Part] = []
    for i, item_loading in kept.items():
        made = ready[i].result() if i in ready else to_parts(items[i], item_loading)
        parts += made
    return _on_own_lines(parts)


def _on_own_lines(parts: Iterable[Part]) -> list[Part]:
    """Each text ends its line, and the first begins one, or it would run into its neighbours."""
    placed: list[Part] = []
    for part in parts:
        if isinstance(part, TextPart):
            start = "" if placed or part.text.startswith("\n") else "\n"
            end = "" if part.text.endswith("\n") else "\n"
            part = replace(part, text=f"{start}{part.text}{end}") if start or end else part
        placed.append(part)
    return placed


def load_mapping(items: Mapping[Any, Any], loading: Loading) -> Iterable[Part]:
    """A dict of pictures, figures, frames, …: each behind its key; any other dict is text.

    Raises:
        MediaError: the first value that cannot be sent, by its key.
    """
    if not _holds_rich(items, loading.depth - 1):
        return load_as_text(items, loading)
    label = loading.label or "item"
    parts: list[Part] = []
    for key, value in items.items():
        made = to_parts(value, replace(loading, label=f"{label}[{key!r}]", depth=loading.depth + 1))
        parts += [TextPart(f"{key}:"), *made]
    return _on_own_lines(parts)


def _holds_rich(value: object, depth: int = 0) -> bool:
    """`is_rich`, of dicts too."""
    if not isinstance(value, list | tuple | dict):
        return is_rich(value)
    items = value.values() if isinstance(value, dict) else value
    return depth < _MAX_DEPTH and any(_holds_rich(item, depth + 1) for item in items)


def _without_repeats(items: Sequence[Any]) -> Iterable[int]:
    """The places of the items, but for further axes of a figure: ``plt.subplots()`` gives one picture, not one for each."""
    seen: set[int] = set()
    for i, item in enumerate(items):
        figure = figure_of(item) if TYPES.get(row_of(item), "").startswith("plots.") else None
        if figure is None or id(figure) not in seen:
            seen.add(id(figure))
            yield i


def _is_photo(item: Any) -> bool:
    """Files and bytes of pictures only: a PIL image may share its file with the next."""
    if isinstance(item, PurePath):
        return any(item.suffix.lower() in kind.suffixes for kind in FILES if kind.loader == "images.load_file")
    return TYPES.get(row_of(item)) == "images.load_bytes" and looks_like_picture(bytes(item[:64]))


def _preparing(item: Any, loading: Loading) -> Callable[[], list[Part]]:
    context = copy_context()
    return lambda: context.run(to_parts, item, loading)


def _prepare(photos: Mapping[int, Callable[[], list[Part]]]) -> Mapping[int, Future[list[Part]]]:
    """All of them done, or, after one that failed, those before it; what was not begun yet is then left."""
    pool = ThreadPoolExecutor(_N_AT_ONCE, thread_name_prefix="glm-photos")
    try:
        futures = {i: pool.submit(prepare) for i, prepare in photos.items()}
        for future in futures.values():
            if future.exception():
                break
        return futures
    finally:  # ■ too
        pool.shutdown(cancel_futures=True)
