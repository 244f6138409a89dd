"""Our warnings as lines of the cell: Python's own form shows the place of the package on this machine."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import GLMWarning, OnceWarning


class Notes:
    """What a session has said."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    @contextmanager
    def catching(self, tell: Callable[[str], None] | None) -> Iterator[None]:
        """Inside, our warnings are told; others, and without `tell` ours too, stay Python's."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", GLMWarning)
            yield
        for warning in caught:
            if not isinstance(warning.message, GLMWarning) or tell is None:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
            else:
                self._tell(warning.message, tell)

    def _tell(self, note: GLMWarning, tell: Callable[[str], None]) -> None:
        """What is lost is said each time that it is sent; what this machine lacks once."""
        sentence = str(note)
        if not (isinstance(note, OnceWarning) and sentence in self._said):
            self._said.add(sentence)
            tell(sentence)
