"""What was asked, what was answered, and the boxes of each answer: the state of a grounding widget, without the widget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..asking import Question, Told
from ..boxes import Boxes
from ..geometry import Shape, keep_visible
from ..grounding import Unread, read_boxes
from ..sightings import relocated
from .marks import Add, Change, Mark, Marks, apply, clean, merge, to_rows
from .steps import Step, Steps
from .twins import find_twins


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about one picture, and what became of it; without a question: boxes given or drawn by hand.

    Attributes:
        image: the picture, from 0.
        ending: empty, ``stopped`` or ``cut short``.
        sentence: what went wrong, empty when nothing did.
        is_shown: its boxes count among the boxes.
    """

    question: str
    image: int
    answer: str = ""
    thinking: str = ""
    ending: str = ""
    sentence: str = ""
    is_shown: bool = True


class History:
    """All questions in their order, and all boxes. Nothing that was answered is ever lost, only hidden."""

    def __init__(self, sizes: Sequence[tuple[int, int]]) -> None:
        self._sizes = sizes
        self._asked: list[Asked] = []
        self._marks: Marks = {}
        self._known: dict[int, dict[int, _Known]] = {}
        self._steps = Steps()
        self._has_step: set[int] = set()
        self._reason = ""
        self._unread: dict[int, Sequence[Unread]] = {}
        self._n_given = 0

    def give(self, shapes: Sequence[Shape]) -> int:
        """Takes shapes that nobody asked for; gives how many have no place here."""
        kept = [shape for shape in keep_visible(shapes) if shape.image < len(self._sizes)]
        for shape in kept:
            width_px, height_px = self._sizes[shape.image]
            fitted = replace(shape, width_px=width_px, height_px=height_px, span=(0, 0))
            mark_id = f"g{self._n_given}"
            self._marks = {**self._marks, mark_id: Mark(mark_id, fitted, self._by_hand(shape.image))}
            self._n_given += 1
        return len(shapes) - len(kept)

    def _by_hand(self, image: int) -> int:
        """The entry of the boxes that nobody asked for; a new one when the earlier ones are hidden."""
        for number, asked in enumerate(self._asked):
            if asked.image == image and not asked.question and asked.is_shown:
                return number
        self._asked.append(Asked("", image))
        return len(self._asked) - 1

    def begin(self, question: Question) -> None:
        """A question is asked now."""
        text = question.text or f"like {question.like.label or 'the box' if question.like else ''}"
        self._asked.append(Asked(text, question.images[0]))

    def tell(self, question: Question, told: Told) -> tuple[bool, str]:
        """The last question's answer as far as it is: ``(its boxes have changed, what people should know)``."""
        number, before = len(self._asked) - 1, self._marks
        found, sentence = self._read(question, told, number)
        self._known[number] = self._find_known(found, number) if question.adds else {}
        self._marks = merge(self._marks, found, number, self._known[number])
        has_hidden = bool(found or (told.is_over and not told.sentence)) and self._take_step(number, question.adds)
        if told.is_over:
            if told.reply is not None:
                told.reply.boxes = Boxes(found, self._reason, self._unread[number])
            ending, wrong = told.ending, told.sentence
            self._asked[number] = replace(
                self._asked[number], answer=told.text, thinking=told.thinking, ending=ending, sentence=wrong
            )
            if found and len(self._known[number]) == len(found):
                sentence = "The answer names what is here already."
        return has_hidden or self._marks != before or bool(self._known[number]), told.sentence or sentence

    def _find_known(self, found: Sequence[Shape], number: int) -> dict[int, _Known]:
        """The shapes of an answer that are here already; one that was known stays so, even if it is deleted meanwhile."""
        twins = find_twins(found, (mark for mark in self._shown() if mark.asked != number))
        known = {place: _Known(mark_id, found[place]) for place, mark_id in twins.items()}
        for place, before in self._known.get(number, {}).items():
            if place < len(found) and before.shape.relative == found[place].relative and before.shape.label == found[place].label:
                known[place] = _Known(before.id, found[place])
        return known

    def _take_step(self, number: int, adds: bool) -> bool:
        """The answer's part in what can be undone, once; True when earlier answers give way."""
        is_new = any(mark.asked == number for mark in self._marks.values())
        if number in self._has_step or (adds and not is_new):
            return False
        self._has_step.add(number)
        hidden = [] if adds else self._shown_before(number)
        self._steps.take(Step(shown={number: (False, True), **{earlier: (True, False) for earlier in hidden}}))
        for earlier in hidden:
            self._asked[earlier] = replace(self._asked[earlier], is_shown=False)
        return bool(hidden)

    def _read(self, question: Question, told: Told, number: int) -> tuple[list[Shape], str]:
        """The shapes of an answer on the pictures of this widget, and a sentence on what is missing."""
        text = (told.reply.raw_text if told.reply else "") or told.text
        is_growing = not told.is_over or bool(told.ending) or (told.reply is not None and not told.reply.is_complete)
        reading = read_boxes(text, *question.size_read(*self._sizes[question.images[0]]), is_growing=is_growing)
        placed = [(shape, question.place(shape, self._sizes)) for shape in relocated(reading.shapes, text, told.text)]
        self._unread[number] = relocated(reading.unread, text, told.text)
        found = [shape for _, shape in placed if shape is not None]
        n_lost = len(placed) - len(found)
        self._reason = told.sentence if told.sentence and not text else reading.reason
        return found, reading.reason or (f"{n_lost} of the boxes are on no picture of this question." if n_lost else "")

    def _shown_before(self, number: int) -> list[int]:
        """Earlier questions about the same picture whose boxes are shown."""
        image = self._asked[number].image
        return [earlier for earlier, asked in enumerate(self._asked[:number]) if asked.image == image and asked.is_shown]

    def edit(self, changes: Sequence[Change], key: str = "") -> None:
        """A person's changes; those in a row with the same `key` are undone together."""
        images = {change.image for change in changes if isinstance(change, Add) and change.image < len(self._sizes)}
        by_hand = {image: self._by_hand(image) for image in sorted(images)}
        before, self._marks = self._marks, apply(self._marks, changes, self._sizes, by_hand)
        self._steps.take(Step.between(before, self._marks, key))

    def show(self, number: int, is_shown: bool) -> None:
        """Counts the boxes of a question among the boxes, or does not."""
        if number < len(self._asked) and self._asked[number].is_shown != is_shown:
            self._steps.take(Step(shown={number: (not is_shown, is_shown)}))
            self._asked[number] = replace(self._asked[number], is_shown=is_shown)

    def undo(self) -> Step | None:
        """Undoes the last act: an edit, a check box, an answer, which is hidden then; gives what it did, None for nothing."""
        return self._do(self._steps.undo())

    def redo(self) -> Step | None:
        """Does again what was undone last."""
        return self._do(self._steps.redo())

    def _do(self, step: Step | None) -> Step | None:
        if step:
            self._marks = {**self._marks, **{mark_id: after for mark_id, (_, after) in step.marks.items()}}
            for number, (_, is_shown) in step.shown.items():
                self._asked[number] = replace(self._asked[number], is_shown=is_shown)
        return step

    @property
    def can_step(self) -> dict[str, bool]:
        """Whether there is something to undo, and to do again."""
        return {"undo": self._steps.can_undo, "redo": self._steps.can_redo}

    def images_of(self, step: Step) -> list[int]:
        """The pictures on which a step has changed something."""
        images = {after.shape.image for _, after in step.marks.values()}
        return sorted(images | {self._asked[number].image for number in step.shown})

    def shape(self, mark_id: str) -> Shape | None:
        """The shape with this id, unless it is deleted."""
        mark = self._marks.get(mark_id)
        return mark.shape if mark and not mark.is_deleted else None

    def is_shown(self, mark_id: str) -> bool:
        """True for a mark among the boxes."""
        return any(mark.id == mark_id for mark in self._shown())

    def _shown(self) -> list[Mark]:
        again = self._words_again()
        return [mark for mark in self._marks.values() if not mark.is_deleted and self._is_asked(mark, again)]

    def _is_asked(self, mark: Mark, again: Mapping[str, Sequence[tuple[int, int, int]]]) -> bool:
        """True when a question that gave it is shown: the first one, or one that named it again."""
        return self._asked[mark.asked].is_shown or any(self._asked[number].is_shown for number, *_ in again.get(mark.id, ()))

    def _words_again(self) -> dict[str, list[tuple[int, int, int]]]:
        """``(question, start, end)`` of the words that name a mark again, by its id."""
        words: dict[str, list[tuple[int, int, int]]] = {}
        for number, places in self._known.items():
            for known in places.values():
                words.setdefault(known.id, []).append((number, *known.shape.span))
        return words

    def boxes(self) -> Boxes:
        """The shapes of all questions that are shown."""
        unread = [one for number, found in self._unread.items() if self._asked[number].is_shown for one in found]
        return Boxes((mark.shape for mark in self._shown()), self._reason, unread)

    def rows(self) -> list[dict[str, Any]]:
        """For the page: the same ones, in the same order."""
        return to_rows(self._shown(), self._words_again())

    def asked_rows(self) -> list[dict[str, Any]]:
        """For the page: every question."""
        counts = Counter(mark.asked for mark in self._marks.values() if not mark.is_deleted)
        return [
            {
                "question": clean(asked.question),
                "image": asked.image,
                "answer": clean(asked.answer),
                "thinking": clean(asked.thinking),
                "ending": asked.ending,
                "sentence": clean(asked.sentence),
                "is_shown": asked.is_shown,
                "n_boxes": counts[number] + self._n_known(number),
                "n_known": self._n_known(number),
            }
            for number, asked in enumerate(self._asked)
        ]

    def _n_known(self, number: int) -> int:
        return sum(self.shape(known.id) is not None for known in self._known.get(number, {}).values())


@dataclass(frozen=True, slots=True)
class _Known:
    """A shape of an answer that was there already, as the mark with this id."""

    id: str
    shape: Shape
