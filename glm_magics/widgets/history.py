"""What was asked, what was answered, and the boxes of each answer: the state of a grounding widget, without the widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..asking import Question, Told
from ..boxes import Boxes
from ..geometry import Shape, keep_visible
from ..grounding import Unread, read_boxes
from ..sightings import relocated
from .marks import Add, Change, Mark, Marks, apply, clean, merge, to_rows


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
        self._marks: Marks = ()
        self._deleted: dict[str, Mark] = {}
        self._reason = ""
        self._unread: dict[int, Sequence[Unread]] = {}
        self._n_given = 0

    def give(self, shapes: Sequence[Shape]) -> int:
        """Takes shapes that nobody asked for; gives how many have no place here."""
        kept = [shape for shape in keep_visible(shapes) if shape.image < len(self._sizes)]
        for shape in kept:
            width_px, height_px = self._sizes[shape.image]
            fitted = replace(shape, width_px=width_px, height_px=height_px, span=(0, 0))
            self._marks += (Mark(f"g{self._n_given}", fitted, self._by_hand(shape.image)),)
            self._n_given += 1
        return len(shapes) - len(kept)

    def _by_hand(self, image: int) -> int:
        """The entry of the boxes that nobody asked for."""
        for number, asked in enumerate(self._asked):
            if asked.image == image and not asked.question:
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
        self._marks = merge(self._marks, found, number, self._deleted)
        has_changed = self._marks != before
        if not question.adds and (found or (told.is_over and not told.sentence)):
            has_changed |= self._hide_before(number)
        if told.is_over:
            ending, wrong = told.ending, told.sentence
            self._asked[number] = replace(
                self._asked[number], answer=told.text, thinking=told.thinking, ending=ending, sentence=wrong
            )
        return has_changed, told.sentence or sentence

    def _read(self, question: Question, told: Told, number: int) -> tuple[list[Shape], str]:
        """The shapes of an answer on the pictures of this widget, and a sentence on what is missing."""
        text = (told.reply.raw_text if told.reply else "") or told.text
        is_growing = not told.is_over or bool(told.ending) or (told.reply is not None and not told.reply.is_complete)
        reading = read_boxes(text, *question.size_read(*self._sizes[question.images[0]]), is_growing=is_growing)
        placed = [(shape, question.place(shape, self._sizes)) for shape in relocated(reading.shapes, text, told.text)]
        self._unread[number] = relocated(reading.unread, text, told.text)
        found = [shape for _, shape in placed if shape is not None]
        n_lost = len(placed) - len(found)
        self._reason = reading.reason
        return found, reading.reason or (f"{n_lost} of the boxes are on no picture of this question." if n_lost else "")

    def _hide_before(self, number: int) -> bool:
        """Earlier answers about the same picture give way; true when there were some."""
        has_hidden = False
        for earlier, asked in enumerate(self._asked[:number]):
            if asked.image == self._asked[number].image and asked.is_shown:
                self._asked[earlier] = replace(asked, is_shown=False)
                has_hidden = True
        return has_hidden

    def edit(self, changes: Sequence[Change]) -> None:
        """A person's changes."""
        images = {change.image for change in changes if isinstance(change, Add) and change.image < len(self._sizes)}
        by_hand = {image: self._by_hand(image) for image in sorted(images)}
        for number in by_hand.values():
            self._asked[number] = replace(self._asked[number], is_shown=True)
        self._marks = apply(self._marks, changes, self._sizes, by_hand, self._deleted)

    def show(self, number: int, is_shown: bool) -> None:
        """Counts the boxes of a question among the boxes, or does not."""
        if number < len(self._asked):
            self._asked[number] = replace(self._asked[number], is_shown=is_shown)

    def shape(self, mark_id: str) -> Shape | None:
        """The shape with this id."""
        return next((mark.shape for mark in self._marks if mark.id == mark_id), None) if mark_id else None

    def _shown(self) -> list[Mark]:
        return [mark for mark in self._marks if self._asked[mark.asked].is_shown]

    def boxes(self) -> Boxes:
        """The shapes of all questions that are shown."""
        unread = [one for number, found in self._unread.items() if self._asked[number].is_shown for one in found]
        return Boxes((mark.shape for mark in self._shown()), self._reason, unread)

    def rows(self) -> list[dict[str, Any]]:
        """For the page: the same ones, in the same order."""
        return to_rows(self._shown())

    def asked_rows(self) -> list[dict[str, Any]]:
        """For the page: every question."""
        counts = [0] * len(self._asked)
        for mark in self._marks:
            counts[mark.asked] += 1
        return [
            {
                "question": clean(asked.question),
                "image": asked.image,
                "answer": clean(asked.answer),
                "thinking": clean(asked.thinking),
                "ending": asked.ending,
                "sentence": clean(asked.sentence),
                "is_shown": asked.is_shown,
                "n_boxes": n_boxes,
            }
            for asked, n_boxes in zip(self._asked, counts, strict=True)
        ]
