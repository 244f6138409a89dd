"""Who answers a widget's questions about its pictures: the session, in the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from .asking import Answering, Listener, Question
from .boxes import Boxes
from .options import Options

if TYPE_CHECKING:
    from PIL.Image import Image


class Starter(Protocol):
    """What is needed of the session."""

    def start(self, content: Sequence[object], options: Options, listener: Listener) -> Answering: ...


class PictureAsker:
    """Sends a question of the widget with the pictures that it is about; an `asking.Asker`.

    Args:
        session: asks.
        pictures: all of the widget.
        options: of each question.
    """

    def __init__(self, session: Starter, pictures: Sequence[Image], options: Options) -> None:
        self._session = session
        self._pictures = pictures
        self._options = options

    def __call__(self, question: Question, listener: Listener) -> Answering:
        content: list[object] = [] if question.is_on_crop else [self._pictures[place] for place in question.images]
        if question.region is not None and question.region_form != "thousandths":
            content += Boxes([question.region]).crops(self._pictures[question.region.image], index=question.region.image)
        return self._session.start([*content, question.prompt()], self._options, listener)
