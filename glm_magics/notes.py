"""Our warnings as lines of the cell: Python's own form shows the place of the package on this machine.

Whoever collects them hears those of its own thread, and of the threads that work for it in a copy of its context. Python's own
`catch_warnings` is for the whole process: threads that leave it in another order than they came lose every later warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import GLMWarning, OnceWarning

_heard: ContextVar[list[GLMWarning] | None] = ContextVar("glm_heard", default=None)


def note(sentence: str, category: type[GLMWarning] = GLMWarning, stacklevel: int = 1) -> None:
    """Tells the user something that is no error: to who collects it, else as a warning of Python's."""
    heard = _heard.get()
    if heard is None:
        warnings.warn(sentence, category, stacklevel=stacklevel + 1)
    else:
        heard.append(category(sentence))


@contextmanager
def collecting() -> Iterator[list[GLMWarning]]:
    """Inside, what is noted goes into the list, each as often as it comes."""
    heard: list[GLMWarning] = []
    outer = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(outer)


class Notes:
    """What a session has said."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    @contextmanager
    def catching(self, tell: Callable[[str], None] | None) -> Iterator[None]:
        """Inside, our warnings are told; without `tell` they stay Python's."""
        if tell is None:
            yield
            return
        with collecting() as heard:
            yield
        for warning in heard:
            self._tell(warning, tell)

    def _tell(self, warning: GLMWarning, tell: Callable[[str], None]) -> None:
        """What is lost is said each time that it is sent; what this machine lacks once."""
        sentence = str(warning)
        if not (isinstance(warning, OnceWarning) and sentence in self._said):
            self._said.add(sentence)
            tell(sentence)
