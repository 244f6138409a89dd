"""Questions about a picture, asked in the background: what is asked, who is asked, and how a growing answer is told.

Whoever answers is handed in as an `Asker`; nothing here knows a client, a shell or a widget.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, get_args

from .errors import GLMError, InputError, one_line
from .geometry import Box, Shape, keep_visible, moved
from .grammar import kind_of
from .replies import Reply

RegionForm = Literal["thousandths", "crop", "both"]
"""How a region travels: its numbers in the question, the cut-out picture in place of the whole one, or the two together."""

_REGION_FORMS = get_args(RegionForm)

TOLD_EVERY_S = 0.1
"""Time between two looks of a page at a growing answer; longer for long answers, which are sent whole."""

_CHARS_PER_S = 200_000
_STOP_GRACE_S = 3.0


@dataclass(frozen=True, slots=True)
class Question:
    """One question, for one request.

    Attributes:
        text: as a person wrote it; may be empty when `like` is given.
        images: the pictures that go with it, by number from 0.
        region: the part of the picture it is about; None for all of it.
        region_form: ``thousandths``: its numbers stand in the prompt; ``crop``: the cut-out alone is sent, and the answer's
            boxes are on the cut-out; ``both``: the picture is sent first and the cut-out after it.
        like: a box whose like is looked for.
        adds: the boxes join those that are there; False replaces them.
    """

    text: str
    images: tuple[int, ...] = (0,)
    region: Box | None = None
    region_form: RegionForm = "both"
    like: Box | None = None
    adds: bool = True

    @property
    def is_on_crop(self) -> bool:
        """True when the model sees the cut-out alone, so that its boxes are on that."""
        return self.region is not None and self.region_form == "crop"

    def prompt(self) -> str:
        """The words for the model: the question, its region, and the form of the answer that is read best."""
        parts = [self.text.strip()]
        if self.like is not None:
            named = f" ({self.like.label})" if self.like.label else ""
            parts.append(
                f"Find everything that looks like what is in the box {list(self.like.thousandths)}{named}, that one too."
            )
        if self.region is not None and not self.is_on_crop:
            crop = " The second picture shows that region enlarged." if self.region_form == "both" else ""
            parts.append(f"It is about the region {list(self.region.thousandths)} of the first picture only.{crop}")
        parts.append(
            "Give the bounding box of each thing asked for as valid JSON, a list of objects with the keys label and bbox_2d, "
            'like [{"label": "cat-1", "bbox_2d": [x1, y1, x2, y2]}]. '
            "The numbers are thousandths, 0 to 1000, of the first picture's width and height."
        )
        return "\n".join(part for part in parts if part)

    def size_read(self, width_px: int, height_px: int) -> tuple[int, int]:
        """The size of the picture that the answer's boxes are on: the whole one, or the cut-out."""
        if self.region is None or not self.is_on_crop:
            return width_px, height_px
        x1, y1, x2, y2 = self.region.relative
        return max(1, round((x2 - x1) * width_px)), max(1, round((y2 - y1) * height_px))

    def place(self, shape: Shape, sizes: Sequence[tuple[int, int]]) -> Shape | None:
        """A shape of the answer on the picture that people see, or None when it is for no picture of this question.

        Args:
            shape: as it was read, its `image` counted in the message.
            sizes: ``(width_px, height_px)`` of every picture.
        """
        has_crop = self.region is not None and self.region_form != "thousandths"
        is_on_crop = self.is_on_crop or (has_crop and shape.image == len(self.images))
        if is_on_crop and self.region is not None:
            image = self.region.image
            relative = _onto(self.region, shape.relative)
        elif shape.image < len(self.images):
            image, relative = self.images[shape.image], shape.relative
        else:
            return None
        width_px, height_px = sizes[image]
        placed = replace(moved(shape, relative), image=image, width_px=width_px, height_px=height_px)
        return next(keep_visible([placed]), None)


def plan_questions(
    text: str, n_pictures: int, image: int | None, region: Box | None, form: RegionForm, like: Box | None, adds: bool
) -> list[Question]:
    """A question for each picture that it is about: those of a box, one, or all.

    Raises:
        InputError: nothing is asked, or about what is no picture, box or form.
    """
    if not isinstance(text, str) or not (text.strip() or like is not None):
        raise InputError("Nothing is asked.", "Write what to find, e.g. `the red cups`.")
    for subject in (region, like):
        if subject is not None and not isinstance(subject, Box):
            raise InputError(f"{kind_of(subject)} is no box to ask about.", "Give one of `.boxes`.")
    if form not in _REGION_FORMS:
        raise InputError(f"There is no form {one_line(repr(form), 40)} for a region.", f"Give {', '.join(_REGION_FORMS)}.")
    subject = region or like
    images = [subject.image] if subject else range(n_pictures) if image is None else [image]
    for number in images:
        if type(number) is not int or not 0 <= number < n_pictures:
            raise InputError(f"There is no picture {one_line(repr(number), 40)}.", f"They count from 0 to {n_pictures - 1}.")
    return [Question(text.strip(), (number,), region, form, like, adds) for number in images]


def _onto(region: Box, relative: tuple[float, ...]) -> tuple[float, ...]:
    """Relative to the cut-out → relative to its picture."""
    x1, y1, x2, y2 = region.relative
    return tuple(y1 + value * (y2 - y1) if place % 2 else x1 + value * (x2 - x1) for place, value in enumerate(relative))


class Listener(Protocol):
    """What an asker calls, from any thread, until `on_done`."""

    def on_text(self, text: str, thinking: str) -> None:
        """What came since the last call: a piece of the answer, a piece of the thinking; either may be empty."""
        ...

    def on_done(self, reply: Reply | None, sentence: str) -> None:
        """It is over: the reply, None when nothing came, and what went wrong in a sentence for people, else empty."""
        ...


class Answering(Protocol):
    """One request under way."""

    def stop(self) -> None:
        """Ends it soon; `on_done` is still called."""
        ...

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until it is over; False when it still runs after `timeout_s`."""
        ...


class Asker(Protocol):
    """Whoever answers: sends the question in the background, at once, and tells the listener."""

    def __call__(self, question: Question, listener: Listener) -> Answering: ...


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as far as it has come.

    Attributes:
        text, thinking: whole, up to now.
        is_over: nothing follows.
        reply: the whole reply, once it is over and something came.
        sentence: what went wrong, empty when nothing did.
        ending: empty, ``stopped`` or ``cut short``.
    """

    text: str = ""
    thinking: str = ""
    is_over: bool = False
    reply: Reply | None = None
    sentence: str = ""
    ending: str = ""


class Follower(Protocol):
    """What a `Round` calls, always from its own thread."""

    def begin(self, question: Question) -> None:
        """This question is asked now."""
        ...

    def tell(self, told: Told) -> None:
        """The answer has grown, or is over."""
        ...

    def end(self) -> None:
        """No question is left, or the rest was stopped."""
        ...


class Round(threading.Thread):
    """Asks questions one after another, away from the kernel's thread, and tells how the answers grow."""

    def __init__(self, asker: Asker, questions: Sequence[Question], follower: Follower) -> None:
        super().__init__(name="glm-asking", daemon=True)
        self._asker = asker
        self._questions = questions
        self._follower = follower
        self._answering: Answering | None = None
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends the answer that is coming, and asks nothing more."""
        self._stopped.set()
        if answering := self._answering:
            answering.stop()

    def run(self) -> None:
        """The thread's work."""
        try:
            for question in self._questions:
                if not self._stopped.is_set():
                    self._ask(question)
        finally:
            self._follower.end()

    def _ask(self, question: Question) -> None:
        heard = _Heard()
        self._follower.begin(question)
        try:
            self._answering = self._asker(question, heard)
        except Exception as error:  # of any kind: it must end as a sentence, a thread has nobody to tell
            heard.on_done(None, str(error) if isinstance(error, GLMError) else f"It could not be asked: {error!r}.")
        if self._stopped.is_set() and self._answering:
            self._answering.stop()
        self._follow(heard)
        self._answering = None
        self._follower.tell(heard.told(self._stopped.is_set()))

    def _follow(self, heard: _Heard) -> None:
        """Until it is over, or until a stopped one has not ended in time."""
        deadline_s, n_told = None, 0
        while not heard.over.wait(max(TOLD_EVERY_S, heard.n_chars / _CHARS_PER_S)):
            if heard.n_chars > n_told:
                n_told = heard.n_chars
                self._follower.tell(heard.told())
            if self._stopped.is_set():
                deadline_s = deadline_s or time.monotonic() + _STOP_GRACE_S
                if time.monotonic() > deadline_s:
                    return


class _Heard:
    """The listener: collects pieces, and is asked for the whole now and then."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.n_chars = 0
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._end: tuple[Reply | None, str] = (None, "")

    def on_text(self, text: str, thinking: str) -> None:
        if not self.over.is_set():
            self._text.append(text)
            self._thinking.append(thinking)
            self.n_chars += len(text) + len(thinking)

    def on_done(self, reply: Reply | None, sentence: str) -> None:
        if not self.over.is_set():
            self._end = (reply, sentence)
            self.over.set()

    def told(self, is_stopped: bool | None = None) -> Told:
        """As far as it is; final when `is_stopped` says how it ended."""
        text, thinking = "".join(self._text), "".join(self._thinking)
        if is_stopped is None:
            return Told(text, thinking)
        reply, sentence = self._end
        ending = reply.ending if reply else "stopped" if is_stopped else "cut short" if sentence and text else ""
        if reply:
            text, thinking = reply.text or text, reply.thinking or thinking
        return Told(text, thinking, True, reply, sentence, ending)
