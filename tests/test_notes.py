"""Warnings of several threads at once: each is told where it belongs, and the process keeps its own way with them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from glm_magics.errors import GLMWarning
from glm_magics.notes import Notes, collecting, filtering

from .patience import PATIENCE_S


def beside(act: Callable[[], Any]) -> None:
    """Runs it in a thread, to its end."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join(PATIENCE_S)


def warn(sentence: str, category: type[Warning] = GLMWarning) -> None:
    warnings.warn(sentence, category, stacklevel=2)


def test_each_thread_hears_its_own() -> None:
    """Two questions that are put together at once, one in the cell and one for a widget."""
    notes, here, there = Notes(), [], []

    def other() -> None:
        with notes.catching(there.append):
            warn("There.")

    with notes.catching(here.append):
        beside(other)
        warn("Here.")
    assert (here, there) == (["Here."], ["There."])


def test_threads_that_leave_in_another_order_than_they_came() -> None:
    """The one that came first leaves first; afterwards warnings are Python's as before."""
    notes, told = Notes(), []
    is_inside, may_leave = threading.Event(), threading.Event()

    def other() -> None:
        with notes.catching(told.append):
            is_inside.set()
            may_leave.wait(PATIENCE_S)
            warn("Late.")

    before, show = list(warnings.filters), warnings.showwarning
    thread = threading.Thread(target=other)
    with notes.catching(told.append):
        thread.start()
        assert is_inside.wait(PATIENCE_S)
    may_leave.set()
    thread.join(PATIENCE_S)
    assert told == ["Late."]
    assert (warnings.filters, warnings.showwarning) == (before, show)
    with pytest.warns(UserWarning, match="seen"):
        warn("It is seen.", UserWarning)


def test_what_a_thread_ignores_is_told_of_others() -> None:
    """A picture is decoded while the cell is told something."""
    told: list[str] = []
    with Notes().catching(told.append), filtering("ignore"):
        warn("Reduced.")
        warn("Corrupt EXIF data.", UserWarning)
    assert told == ["Reduced."]


@pytest.mark.parametrize("is_first", [pytest.param(True, id="ours-first"), pytest.param(False, id="theirs-first")])
def test_beside_the_filters_of_others(is_first: bool) -> None:
    """A library's `catch_warnings` that ends in between, or later, leaves nothing of ours behind."""
    before, show = list(warnings.filters), warnings.showwarning
    ours, theirs = filtering("ignore"), warnings.catch_warnings()
    for one in (ours, theirs) if is_first else (theirs, ours):
        one.__enter__()
    for one in (ours, theirs) if is_first else (theirs, ours):
        one.__exit__(None, None, None)
    assert (warnings.filters, warnings.showwarning) == (before, show)


def test_warnings_of_helpers_and_strangers() -> None:
    """A thread that works for the cell is heard there; what is no warning of ours passes."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as shown, Notes().catching(told.append):
        warnings.simplefilter("always")
        beside(lambda: warn("Of a helper."))
        warn("A library's.", UserWarning)
    assert told == ["Of a helper."]
    assert [str(one.message) for one in shown] == ["A library's."]


def test_collecting_within_collecting() -> None:
    """The innermost has it."""
    with collecting(GLMWarning) as outer, collecting(UserWarning) as inner:
        warn("Once.")
    assert ([str(one.message) for one in inner], outer) == (["Once."], [])
