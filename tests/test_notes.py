"""What is noted in several threads at once: each is told where it belongs, and Python's own warnings are left alone."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest

from glm_magics.errors import GLMWarning, OnceWarning
from glm_magics.notes import Notes, collecting, note

from .patience import PATIENCE_S


def beside(act: Callable[[], Any]) -> None:
    """Runs it in a thread, to its end."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join(PATIENCE_S)


def test_each_thread_hears_its_own() -> None:
    """Two questions that are put together at once, one in the cell and one for a widget."""
    notes, here, there = Notes(), [], []

    def other() -> None:
        with notes.catching(there.append):
            note("There.")

    with notes.catching(here.append):
        beside(other)
        note("Here.")
    assert (here, there) == (["Here."], ["There."])


def test_threads_that_leave_in_another_order_than_they_came() -> None:
    """The one that came first leaves first; what is Python's stays as it was."""
    notes, told = Notes(), []
    is_inside, may_leave = threading.Event(), threading.Event()

    def other() -> None:
        with notes.catching(told.append):
            is_inside.set()
            may_leave.wait(PATIENCE_S)
            note("Late.")

    before, show = list(warnings.filters), warnings.showwarning
    thread = threading.Thread(target=other)
    with notes.catching(told.append):
        thread.start()
        assert is_inside.wait(PATIENCE_S)
    may_leave.set()
    thread.join(PATIENCE_S)
    assert told == ["Late."]
    assert (warnings.filters, warnings.showwarning) == (before, show)


def test_a_thread_that_works_for_the_cell_is_heard_there() -> None:
    """In a copy of its context, as photographs are prepared; warnings of others stay Python's."""
    told: list[str] = []

    def cell() -> None:
        with Notes().catching(told.append):
            context = copy_context()
            beside(lambda: context.run(note, "Of a helper."))
            warnings.warn("A library's.", UserWarning, stacklevel=2)

    with pytest.warns(UserWarning, match="A library's") as shown:
        cell()
    assert told == ["Of a helper."]
    assert len(shown) == 1


def test_without_anybody_to_tell_it_is_a_warning() -> None:
    """In a program: of our category, and at the line that called."""

    def send() -> None:
        note("Sent as text.", OnceWarning, stacklevel=2)

    with pytest.warns(OnceWarning, match=r"Sent as text\.") as shown, Notes().catching(None):
        send()
    assert shown[0].filename == __file__


def test_what_this_machine_lacks_is_told_once() -> None:
    """A loss each time that something is sent."""
    notes, told = Notes(), []
    for _ in range(2):
        with notes.catching(told.append):
            note("A font is missing.", OnceWarning)
            note("A sheet is left out.")
    assert told == ["A font is missing.", "A sheet is left out.", "A sheet is left out."]


def test_collecting_within_collecting() -> None:
    """The innermost has it, and the outer one what comes after."""
    with collecting() as outer:
        with collecting() as inner:
            note("Within.")
        note("After.")
    assert [str(one) for one in inner] == ["Within."]
    assert [(type(one), str(one)) for one in outer] == [(GLMWarning, "After.")]
