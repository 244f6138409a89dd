"""Who answers, and who keeps the books, where nothing else is said.

The session of this kernel is above the rooms that ask; so the package tells them here how to ask for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_askers: list[Callable[[], Any]] = []


def tell(asker: Callable[[], Any]) -> None:
    """`asker` gives the kernel's `Session`; the package says so once, when it is imported."""
    _askers[:] = [asker]


def chosen_connection() -> Any:
    """The `Connection` that ``%glm_connect`` chose. Raises as `settings.find_connection`."""
    return _askers[0]().connection


def chosen_books() -> Any:
    """The `Books` of the kernel's session."""
    return _askers[0]().books
