"""What can be undone: every act that changes which boxes there are, as what it changed and nothing else.

A step holds the marks and questions that an act has touched, before and after. So the answer that comes meanwhile stays as it
is, and no step acts on what an earlier one has hidden: hiding is a step too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .marks import Mark, Marks

MAX_STEPS = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One act.

    Attributes:
        marks: ``(before, after)`` by id.
        shown: whether a question's boxes were shown, and are; by its number.
        key: acts in a row with the same one are undone together; empty for none.
    """

    marks: Mapping[str, tuple[Mark, Mark]] = field(default_factory=dict)
    shown: Mapping[int, tuple[bool, bool]] = field(default_factory=dict)
    key: str = ""

    @classmethod
    def between(cls, before: Marks, after: Marks, key: str = "") -> Step:
        """What has changed; a mark that was not there counts as a deleted one."""
        pairs = {
            mark.id: (before.get(mark.id) or replace(mark, is_deleted=True), mark)
            for mark in after.values()
            if before.get(mark.id) is not mark
        }
        return cls({mark_id: pair for mark_id, pair in pairs.items() if pair[0] != pair[1]}, key=key)

    def back(self) -> Step:
        """The act that undoes it."""
        return Step(
            {mark_id: (after, before) for mark_id, (before, after) in self.marks.items()},
            {number: (after, before) for number, (before, after) in self.shown.items()},
        )

    def then(self, later: Step) -> Step:
        """Both as one."""
        marks = {name: (self.marks.get(name, pair)[0], pair[1]) for name, pair in later.marks.items()}
        shown = {number: (self.shown.get(number, pair)[0], pair[1]) for number, pair in later.shown.items()}
        return Step({**self.marks, **marks}, {**self.shown, **shown}, later.key)


class Steps:
    """The acts up to now, the latest last, and those that were undone."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def take(self, step: Step) -> None:
        """An act was done; one that changed nothing is none."""
        if not step.marks and not step.shown:
            return
        if self._done and step.key and step.key == self._done[-1].key and not self._undone:
            step = self._done.pop().then(step)
        self._done = [*self._done, step][-MAX_STEPS:]
        self._undone = []

    def undo(self) -> Step | None:
        """The act to do now; None when nothing is left."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1].back()

    def redo(self) -> Step | None:
        """The act to do now; None when nothing is left."""
        if not self._undone:
            return None
        self._done.append(replace(self._undone.pop(), key=""))
        return self._done[-1]
