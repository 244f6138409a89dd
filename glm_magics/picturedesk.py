"""Pictures of the notebook in a grounding widget, and who answers its questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from .asking import Listener, Question
from .boxes import Boxes
from .errors import NoProviderError, OptionError
from .geometry import Shape
from .groundings import Grounding
from .media import named_pictures
from .options import DEFAULTS, NOT_IN_WIDGETS, OPTIONS, Options
from .providers import Connection

if TYPE_CHECKING:
    from PIL.Image import Image

    from .background import BackgroundAnswer


class Desk(Protocol):
    """What a widget needs of the session."""

    @property
    def connection(self) -> Connection: ...
    def default_model(self, kinds: frozenset[str], is_dry_run: bool) -> str: ...
    def start(self, content: Sequence[object], options: Options, listener: Listener) -> BackgroundAnswer: ...


def open_grounding(desk: Desk, images: object, question: str, options: Options, shapes: Sequence[Shape]) -> Grounding:
    """A widget with the pictures; `question`, if there is one, is asked at once, in the background.

    Raises:
        InputError, NoProviderError: there is no picture, or nobody to ask a question.
        OptionError: an option that a widget does not have.
    """
    _refuse_absent(options)
    named = named_pictures(images)
    pictures = [picture for picture, _ in named]
    asker = _PictureAsker(desk, options) if question or _has_connection(desk) else None
    grounding = Grounding(pictures, asker, shapes, names=_different([name for _, name in named]))
    if asker is not None:
        asker.pictures = grounding.pictures  # its own copies: what is done to the originals changes no question
    return grounding.ask(question) if question else grounding


def _refuse_absent(options: Options) -> None:
    if options.dry_run:
        raise OptionError("A widget sends what it asks.", "See what would be sent with `%%glm --dry-run -i PICTURE`.")
    absent = [row.flags[-1] for row in OPTIONS if row.name in NOT_IN_WIDGETS and getattr(options, row.name) != DEFAULTS[row.name]]
    if absent:
        raise OptionError(f"A widget has no {', '.join(absent)}.", "Leave that away, or ask with `%%glm`.")
    if "," in (options.model or ""):
        raise OptionError("A widget asks one model.", "Name one, or ask several with `%%glm`.")


def _has_connection(desk: Desk) -> bool:
    try:
        return bool(desk.connection)
    except NoProviderError:
        return False


def _different(names: Sequence[str]) -> list[str]:
    """A name for each picture: its file's where it has one of its own, else with its number."""
    return [
        name if name and names.count(name) == 1 else f"{number}-{name}" if name else f"image-{number}.png"
        for number, name in enumerate(names, 1)
    ]


class _PictureAsker:
    """Sends a question of the widget with the pictures that it is about; an `asking.Asker`."""

    def __init__(self, desk: Desk, options: Options) -> None:
        model = options.model or desk.default_model(frozenset({"image"}), False)
        self._desk = desk
        self.pictures: Sequence[Image] = ()
        self._options = replace(options, model=model, quiet=True)

    def __call__(self, question: Question, listener: Listener) -> BackgroundAnswer:
        content: list[object] = [] if question.is_on_crop else [self.pictures[place] for place in question.images]
        if question.region is not None and question.region_form != "thousandths":
            content += Boxes([question.region]).crops(self.pictures[question.region.image], index=question.region.image)
        return self._desk.start([*content, question.prompt()], self._options, listener)
