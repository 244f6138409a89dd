"""Who answers where nothing else is said.

The session of this kernel is above the rooms that ask; so the package tells them here how to ask for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_askers: list[Callable[[], Any]] = []


def tell(asker: Callable[[], Any]) -> None:
    """`asker` gives the `Connection` that ``%glm_connect`` chose; the package says so once, when it is imported."""
    _askers[:] = [asker]


def chosen_connection() -> Any:
    """The `Connection` that is chosen. Raises as `settings.find_connection`."""
    return _askers[0]()
