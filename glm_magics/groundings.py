"""Asking about pictures in a widget: the friendly face, for whoever holds pictures and somebody to ask.

The widget works in the background: a question runs in a thread of its own, and what the page asks for is done when the
kernel takes it. `Grounding` is what the notebook holds: `boxes` follow every answer and every edit.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from traitlets import Any as AnyTrait
from traitlets import Bool, HasTraits, Instance, Unicode

from .asking import Asker, Question, RegionForm, Round, Told, plan_questions
from .boxes import Boxes
from .errors import GLMError, InputError, MissingExtraError
from .geometry import Box, Shape
from .grammar import plural
from .widgets.exports import EXPORTS, File, make_file
from .widgets.history import History
from .widgets.marks import clean
from .widgets.outputs import Outputs
from .widgets.requests import Act, Ask, Edit, Export, Hello, Select, Show, Stop, Undo, parse_request
from .widgets.steps import Step
from .widgets.stills import Picture, draw, load_pictures, still

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

    from .widgets.grounding import GroundingWidget

_MOST_TOLD = 50
"""Ids of the marks that a step has changed: enough to show them, never a long message."""

_NOBODY = "Nobody is there to answer; boxes can be drawn, changed and saved all the same."


class Grounding(HasTraits):
    """Pictures, questions about them, and the boxes of the answers.

    Args:
        images: a PIL image, or a list of them.
        asker: who answers; None for a widget that only shows and edits boxes.
        shapes: boxes and points that are there from the beginning.
        names: the pictures' file names, for exports.

    Raises:
        InputError: no picture, or names that do not fit.
        MediaError: no PIL image, a huge or a damaged one.
        MissingExtraError: anywidget is not installed.
    """

    boxes = Instance(Boxes, args=(), read_only=True, help="the boxes of all questions that are shown, edits included")
    answer = Unicode(read_only=True, help="the last answer, without thinking")
    reply = AnyTrait(None, allow_none=True, read_only=True, help="the last `Reply`; None when none has come")
    message = Unicode(read_only=True, help="what people should know: an error, or why there are no boxes")
    is_asking = Bool(False, read_only=True, help="an answer is coming")

    def __init__(
        self,
        images: Image | Sequence[Image],
        asker: Asker | None = None,
        shapes: Sequence[Shape] = (),
        *,
        names: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._pictures = load_pictures(images, names)
        self._asker = asker
        self._lock = threading.RLock()
        self._round: Round | None = None
        self._history = History([picture.size for picture in self._pictures])
        self._widget = _open_widget(self._pictures, asker is not None)
        self._widget.on_msg(self._on_message)
        self._outputs = Outputs(self._widget, self._still, "Run the cell to ask and to edit.")
        n_outside = self._history.give(shapes)
        if n_outside:
            self._say(f"{n_outside} of the boxes are on no picture here; they are left out.")
        self._publish()

    @property
    def widget(self) -> GroundingWidget:
        """What is on the page."""
        return self._widget

    @property
    def pictures(self) -> list[Image]:
        """The pictures as they were when the widget was made: copies, so that nothing done to the originals shows here."""
        return [picture.image for picture in self._pictures]

    @property
    def selected(self) -> Shape | None:
        """The box that is selected on the page."""
        return self._history.shape(self._widget.selected)

    def ask(
        self,
        text: str = "",
        *,
        image: int | None = None,
        region: Box | None = None,
        region_form: RegionForm = "both",
        like: Box | None = None,
        adds: bool = True,
    ) -> Grounding:
        """Asks in the background and comes back at once; `wait` waits for the answer.

        Args:
            text: the question, or what to find.
            image: which picture, from 0; None asks about every picture, one after another.
            region: a part of a picture to ask about.
            region_form: how it travels: ``thousandths``, ``crop`` or ``both``.
            like: a box whose like is looked for.
            adds: True adds the boxes that are not there yet; False replaces those that the picture has, which can be had again
                in the history.

        Raises:
            InputError: nobody to ask, nothing asked, no such picture, box or form, or an answer is still coming.
        """
        questions = plan_questions(
            clean(text) if isinstance(text, str) else text, len(self._pictures), image, region, region_form, like, adds
        )
        with self._lock:
            if self._asker is None:
                raise InputError(_NOBODY, "Open it with glm.ground to ask.")
            if self.is_asking:
                raise InputError("An answer is still coming.", "Wait for it, or stop it first.")
            self._say("")
            self._set_asking(True)
            self._round = Round(self._asker, questions, _Follower(self))
            self._round.start()
        return self

    def stop(self) -> None:
        """Stops the answer that is coming; what has come is kept."""
        with self._lock:
            if self._round is not None and self.is_asking:
                self._widget.status = "stopping"
                self._round.stop()

    def wait(self, timeout_s: float | None = None) -> Grounding:
        """Until nothing is asked any more, at most `timeout_s` seconds; then see `is_asking`."""
        thread, waited_s = self._round, 0.0
        while thread is not None and thread.is_alive() and (timeout_s is None or waited_s < timeout_s):
            thread.join(0.1)  # in steps: some systems cannot interrupt a join
            waited_s += 0.1
        return self

    # -- what came, in other forms

    def annotated(self, max_side_px: int | None = None) -> Image | list[Image]:
        """The picture with its boxes; for a list of pictures a list."""
        drawn = draw(self._pictures, self.boxes, max_side_px)
        return drawn[0] if len(drawn) == 1 else drawn

    def crops(self, margin: float = 0.0) -> list[Image]:
        """What each box shows, in the picture's own pixels; see `Boxes.crops`."""
        return self.boxes.crops(self.pictures, margin)

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame; see `Boxes.to_frame`."""
        return self.boxes.to_frame()

    def to_coco(self) -> dict[str, Any]:
        """A COCO dictionary; see `Boxes.to_coco`."""
        return self.boxes.to_coco(self._names)

    def to_yolo(self) -> dict[str, str]:
        """YOLO's texts by file name; see `Boxes.to_yolo`."""
        return self.boxes.to_yolo(self._names)

    def to_voc(self) -> dict[str, str]:
        """Pascal VOC's XML by file name; see `Boxes.to_voc`."""
        return self.boxes.to_voc(self._names)

    def to_supervision(self) -> Any:
        """``supervision.Detections``; see `Boxes.to_supervision`."""
        return self.boxes.to_supervision()

    @property
    def _names(self) -> list[str]:
        return [picture.name for picture in self._pictures]

    # -- what the page asks for

    def _on_message(self, widget: object, content: object, buffers: object) -> None:
        """A message of the page; what is no request is passed over."""
        request = parse_request(content)
        if request is None:
            return
        with self._lock:
            try:
                made = self._act(request.act)
            except GLMError as error:
                made = None
                self._say(str(error))
            about = {"page": request.page, "n": request.n}
            if isinstance(made, File):
                told = {"type": "file", "name": made.name, "mime": made.mime, "note": made.note}
                self._widget.send({**told, **about}, [made.data])
            elif made:
                did = {"ids": list(made.marks)[:_MOST_TOLD], "images": self._history.images_of(made)}
                self._widget.send({"type": "done", "did": did, **about})
            else:
                self._widget.send({"type": "done", **about})

    def _act(self, act: Act) -> File | Step | None:
        match act:
            case Ask():
                self._ask_for_page(act)
            case Stop():
                self.stop()
            case Edit():
                self._history.edit(act.changes, act.key)
                self._publish(must_send=True)
            case Undo():
                step = self._history.redo() if act.is_redo else self._history.undo()
                self._publish()
                return step
            case Show():
                self._history.show(act.asked, act.is_shown)
                self._publish()
            case Select():
                self._widget.selected = act.id if self._history.shape(act.id) else ""
            case Export():
                return make_file(act.format, self.boxes, self._pictures, act.image, act.purpose == "copy")
            case Hello():
                pass
        return None

    def _ask_for_page(self, act: Ask) -> None:
        region, like = (self._box(mark_id) for mark_id in (act.region, act.like))
        self.ask(act.text, image=act.image, region=region, region_form=act.region_form, like=like, adds=act.adds)

    def _box(self, mark_id: str) -> Box | None:
        shape = self._history.shape(mark_id)
        if mark_id and not isinstance(shape, Box):
            raise InputError("That is no box any more, or a point.", "Draw a box around what you mean.")
        return shape if isinstance(shape, Box) else None

    # -- what the page and the saved notebook show

    def _say(self, sentence: str) -> None:
        self._widget.message = clean(sentence)
        self.set_trait("message", sentence)

    def _set_asking(self, is_asking: bool) -> None:
        self._widget.status = "asking" if is_asking else ""
        self.set_trait("is_asking", is_asking)

    def _publish(self, must_send: bool = False) -> None:
        """Boxes and history to the page and to those who observe."""
        rows = self._history.rows()
        if must_send and rows == self._widget.shapes:
            self._widget.send_state("shapes")  # the page shows something else
        self._widget.shapes = rows
        self._widget.asked = self._history.asked_rows()
        self._widget.can_step = self._history.can_step
        if not self._history.is_shown(self._widget.selected):
            self._widget.selected = ""
        self.set_trait("boxes", self._history.boxes())
        self._outputs.keep_soon()

    def _still(self) -> tuple[bytes, str, str]:
        data, mime, _ = still(self._pictures, self.boxes)
        return data, mime, repr(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """IPython's hook: the live view, the drawn picture, and the boxes as a list, in one bundle."""
        return self._outputs.bundle()

    def _ipython_display_(self) -> None:
        """IPython's hook: see `Outputs`."""
        self._outputs.show()

    def __repr__(self) -> str:
        n = len(self._pictures)
        return f"{plural(n, 'picture')}, {self.boxes!r}"


class _Follower:
    """Takes what a round of questions tells into the history and onto the page, in the round's thread."""

    def __init__(self, grounding: Grounding) -> None:
        self._to = grounding
        self._question = Question("")

    def begin(self, question: Question) -> None:
        self._question = question
        with self._to._lock:
            self._to._history.begin(question)
            self._to._widget.growing = {"answer": "", "thinking": ""}
            self._to._publish()

    def tell(self, told: Told) -> None:
        to = self._to
        with to._lock:
            has_changed, sentence = to._history.tell(self._question, told)
            if told.is_over:
                to.set_trait("answer", told.text)
                to.set_trait("reply", told.reply)
                to._say(sentence)
            else:
                to._widget.growing = {"answer": clean(told.text), "thinking": clean(told.thinking)}
            if has_changed or told.is_over:
                to._publish()

    def end(self) -> None:
        with self._to._lock:
            self._to._widget.growing = {}
            self._to._set_asking(False)
        self._to._outputs.keep()


def _open_widget(pictures: Sequence[Picture], can_ask: bool) -> GroundingWidget:
    try:
        from .widgets.grounding import GroundingWidget
    except ImportError:
        raise MissingExtraError.naming("widgets", "The grounding widget needs anywidget, which is not installed.") from None
    rows = [{"name": p.name, "width_px": p.size[0], "height_px": p.size[1], "mime": p.mime, "bytes": p.data} for p in pictures]
    formats = [[key, export.name] for key, export in EXPORTS.items()]
    return GroundingWidget(pictures=rows, formats=formats, can_ask=can_ask)
