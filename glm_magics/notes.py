"""Our warnings as lines of the cell: Python's own form shows the place of the package on this machine.

Threads of ours warn beside the cell. Python's own `catch_warnings` puts back what it found, so two threads that leave in another
order than they came would lose every later warning of the process; here each takes away only what it has brought.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TextIO, TypeAlias, cast

from .errors import GLMWarning, OnceWarning

Action: TypeAlias = Literal["always", "ignore"]


class _Filters:
    """Filters that are there as long as at least one thread wants them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside: dict[tuple[Any, ...], int] = {}
        self._changed: list[list[Any]] = []

    def add(self, action: Action, category: type[Warning]) -> None:
        entry = (action, None, category, None, 0)
        with self._lock:
            self._n_inside[entry] = self._n_inside.get(entry, 0) + 1
            if entry not in warnings.filters:
                warnings.simplefilter(action, category)
                self._changed.append(cast("list[Any]", warnings.filters))
            for always in [one for one, n in self._n_inside.items() if n and one[0] == "always"]:
                warnings.simplefilter("always", always[2])  # before what is ignored: that is another thread's wish

    def remove(self, action: Action, category: type[Warning]) -> None:
        entry = (action, None, category, None, 0)
        with self._lock:
            self._n_inside[entry] -= 1
            if not self._n_inside[entry]:
                present = cast("list[Any]", warnings.filters)  # others may have put another list there, and put back the first
                for one in (*self._changed, present):
                    with suppress(ValueError):
                        one.remove(entry)
            if not any(self._n_inside.values()):
                self._changed.clear()


_filters = _Filters()


@contextmanager
def filtering(action: Action, category: type[Warning] = Warning) -> Iterator[None]:
    """Inside, a filter of warnings holds, for all threads."""
    _filters.add(action, category)
    try:
        yield
    finally:
        _filters.remove(action, category)


@dataclass(frozen=True, slots=True, eq=False)
class _Sink:
    category: type[Warning]
    thread: int = field(default_factory=threading.get_ident)
    caught: list[warnings.WarningMessage] = field(default_factory=list)


class _Sinks:
    """Whoever collects warnings; each gets those of its own thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[_Sink] = []
        self._show_others: Callable[..., None] = warnings.showwarning

    def open(self, category: type[Warning]) -> _Sink:
        sink = _Sink(category)
        with self._lock:
            self._open.append(sink)
            if warnings.showwarning != self._show:
                self._show_others, warnings.showwarning = warnings.showwarning, self._show
        return sink

    def close(self, sink: _Sink) -> None:
        with self._lock:
            self._open.remove(sink)
            if not self._open and warnings.showwarning == self._show:
                warnings.showwarning = self._show_others

    def _show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        sink = self._find(category)
        if sink is None:
            self._show_others(message, category, filename, lineno, file, line)
        else:
            sink.caught.append(warnings.WarningMessage(message, category, filename, lineno, file, line))

    def _find(self, category: type[Warning]) -> _Sink | None:
        """The innermost of this thread; of a thread that works for another, and collects none, ours go to the latest."""
        own = [sink for sink in list(self._open) if issubclass(category, sink.category)]
        here = [sink for sink in own if sink.thread == threading.get_ident()]
        return next(reversed(here or (own if issubclass(category, GLMWarning) else [])), None)


_sinks = _Sinks()


@contextmanager
def collecting(category: type[Warning]) -> Iterator[list[warnings.WarningMessage]]:
    """Inside, the warnings of this category that this thread gives, each as often as it comes."""
    sink = _sinks.open(category)
    try:
        with filtering("always", category):
            yield sink.caught
    finally:
        _sinks.close(sink)


class Notes:
    """What a session has said."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    @contextmanager
    def catching(self, tell: Callable[[str], None] | None) -> Iterator[None]:
        """Inside, our warnings are told; others, and without `tell` ours too, stay Python's."""
        with collecting(GLMWarning) as caught:
            yield
        for warning in caught:
            if isinstance(warning.message, GLMWarning) and tell is not None:
                self._tell(warning.message, tell)
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    def _tell(self, note: GLMWarning, tell: Callable[[str], None]) -> None:
        """What is lost is said each time that it is sent; what this machine lacks once."""
        sentence = str(note)
        if not (isinstance(note, OnceWarning) and sentence in self._said):
            self._said.add(sentence)
            tell(sentence)
