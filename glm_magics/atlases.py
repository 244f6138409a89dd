"""A map of texts in the notebook: the friendly face, for whoever holds points, colours and texts, and somebody who searches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from .cartography.colouring import RAMP, Colouring
from .cartography.names import place_names
from .cartography.stills import draw_still
from .errors import GLMError, InputError, MissingExtraError, one_line
from .grammar import plural
from .widgets.inquiries import Cards, Choose, Find, Inquiry, parse_inquiry
from .widgets.outputs import Outputs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .widgets.atlas import AtlasWidget

    Floats: TypeAlias = npt.NDArray[np.float32]
    Rows: TypeAlias = npt.NDArray[np.int64]

_CARD_CHARS = 400
_FACT_CHARS = 120
_MOST_FACTS = 12


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a map shows, as plain values.

    Attributes:
        points: where the texts lie, float32, shape (N, 2), within -1 … 1.
        colouring: their colours.
        text: the text of a point.
        facts: its other columns, as ``(name, value)``.
        find: ``(points, scores)`` of those nearest to a text in meaning, best first.
        take: rows of the user's own data, in the kind of data that was given, for points.
        notice: what people should know about the map, in a sentence.
    """

    points: Floats
    colouring: Colouring
    text: Callable[[int], str]
    facts: Callable[[int], Sequence[tuple[str, object]]]
    find: Callable[[str], tuple[Rows, Floats]]
    take: Callable[[Rows], Any]
    notice: str = ""


@dataclass
class _Desk:
    """The last search that was asked for; earlier ones that have not begun are given up."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: Inquiry | None = None
    is_busy: bool = False


class Atlas:
    """An interactive map of texts; in a notebook naming it shows it.

    Args:
        sheet: what it shows.
        height_px: of the map.

    Raises:
        MissingExtraError: the packages of the extra ``atlas`` are not installed.
    """

    def __init__(self, sheet: Sheet, height_px: int = 520) -> None:
        self._sheet = sheet
        self._names = place_names(sheet.points, sheet.colouring)
        self._desk = _Desk()
        self._scatter, self._widget = _open_widgets(sheet, height_px)
        self._widget.names = [{"text": name.text, "row": name.row, "colour": name.colour, "n": name.n} for name in self._names]
        self._widget.summary, self._widget.notice = repr(self), sheet.notice
        self._widget.on_msg(self._on_message)
        self._scatter.observe(self._on_selected, "selection")
        self._outputs = Outputs(self._widget, self._still, "Run the cell to zoom, search and select.")

    @property
    def widget(self) -> AtlasWidget:
        """What is on the page."""
        return self._widget

    @property
    def points(self) -> Floats:
        """Where the texts lie, float32, shape (N, 2), within -1 … 1, in the order of the rows that are shown."""
        return self._sheet.points

    @property
    def selected(self) -> Rows:
        """The places of the selected points, in order."""
        import numpy as np

        raw = self._scatter.selection
        rows = np.unique(np.asarray([] if raw is None else raw).reshape(-1)).astype(np.int64)
        return rows[rows < len(self._sheet.points)]

    def selection(self) -> Any:
        """The selected rows, in the kind of data that was given, in its order; none where nothing is selected."""
        return self._sheet.take(self.selected)

    def select(self, rows: Any) -> Atlas:
        """Selects points by their places from 0, here and on the page; an empty list selects none.

        Raises:
            InputError: there is no such point.
        """
        import numpy as np

        n = len(self._sheet.points)
        try:
            places = np.asarray(rows).reshape(-1)
        except ValueError:  # lists of different lengths
            places = np.array([None])
        if places.size and (places.dtype.kind not in "iu" or places.min() < 0 or places.max() >= n):
            raise InputError("Not all of these are points of the map.", f"Give places from 0 to {n - 1:,}.")
        self._scatter.selection = places.astype(np.uint32)
        return self

    # -- what the page asks for

    def _on_selected(self, change: object) -> None:
        self._widget.n_selected = len(self.selected)

    def _on_message(self, widget: object, content: object, buffers: object) -> None:
        """A message of the page; what is no inquiry is passed over."""
        inquiry = parse_inquiry(content)
        if inquiry is None:
            return
        match inquiry.wish:
            case Cards(rows):
                self._answer(inquiry, "cards", cards=[self._card(row) for row in rows if row < len(self._sheet.points)])
            case Find():
                self._find_soon(inquiry)
            case Choose(group):
                self._choose(group)
                self._answer(inquiry, "done")
            case _:
                self._answer(inquiry, "done")

    def _answer(self, inquiry: Inquiry, type_: str, **body: Any) -> None:
        self._widget.send({"type": type_, "page": inquiry.page, "n": inquiry.n, **body})

    def _choose(self, group: int) -> None:
        import numpy as np

        if group < len(self._sheet.colouring.groups):
            self.select(np.flatnonzero(self._sheet.colouring.codes == group))

    def _card(self, row: int) -> dict[str, Any]:
        facts = [[one_line(str(name), 40), one_line(str(value), _FACT_CHARS)] for name, value in self._sheet.facts(row)]
        return {"row": row, "text": one_line(self._sheet.text(row), _CARD_CHARS), "facts": facts[:_MOST_FACTS]}

    # -- search, in a thread of its own

    def _find_soon(self, inquiry: Inquiry) -> None:
        """Has it looked for in the background: the kernel stays free, and of several waiting searches the last one is done."""
        with self._desk.lock:
            given_up, self._desk.waiting = self._desk.waiting, inquiry
            must_start, self._desk.is_busy = not self._desk.is_busy, True
        if given_up is not None:
            self._answer(given_up, "done")
        if must_start:
            threading.Thread(target=self._find_waiting, name="glm-atlas-search", daemon=True).start()

    def _find_waiting(self) -> None:
        while True:
            with self._desk.lock:
                inquiry, self._desk.waiting = self._desk.waiting, None
                if inquiry is None:
                    self._desk.is_busy = False
                    return
            self._find(inquiry)

    def _find(self, inquiry: Inquiry) -> None:
        assert isinstance(inquiry.wish, Find)
        try:
            rows, scores = self._sheet.find(inquiry.wish.text)
            cards = [self._card(row) for row in rows.tolist()]
        except GLMError as error:
            self._answer(inquiry, "error", sentence=one_line(str(error), 400))
            return
        except Exception as error:  # in a thread nobody would see it, and the page would wait
            self._answer(inquiry, "error", sentence=one_line(f"The search failed: {type(error).__name__}.", 400))
            return
        self._answer(inquiry, "hits", scores=[round(float(score), 3) for score in scores], cards=cards)

    # -- what the saved notebook shows

    def _still(self) -> tuple[bytes, str, str]:
        return draw_still(self._sheet.points, self._sheet.colouring, self._names), "image/png", repr(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """IPython's hook: the live view, the drawn picture and the map in words, in one bundle."""
        return self._outputs.bundle()

    def _ipython_display_(self) -> None:
        """IPython's hook: see `Outputs`."""
        self._outputs.show()

    def __repr__(self) -> str:
        n, colouring = len(self._sheet.points), self._sheet.colouring
        words = f"A map of {plural(n, 'text')}"
        if colouring.title:
            words += f", coloured by {colouring.title}"
        if colouring.groups:
            listed = "; ".join(f"{group.name} ({group.n:,})" for group in colouring.groups[:12])
            more = len(colouring.groups) - 12
            words += f": {listed}" + (f"; {more} more" if more > 0 else "")
        elif colouring.low is not None:
            words += f", {colouring.low:g} to {colouring.high:g}"
        return words + "."


def _open_widgets(sheet: Sheet, height_px: int) -> tuple[Any, AtlasWidget]:
    try:
        from .widgets.atlas import AtlasWidget
    except ImportError:
        raise MissingExtraError.naming("atlas", "The map needs anywidget, which is not installed.") from None
    from .widgets.scatter import make_scatter

    colouring = sheet.colouring
    scatter = make_scatter(sheet.points, colouring, height_px)
    legend = {
        "title": colouring.title,
        "groups": [{"name": group.name, "colour": group.colour, "n": group.n} for group in colouring.groups],
        "low": colouring.low,
        "high": colouring.high,
        "ramp": list(RAMP) if colouring.low is not None else [],
    }
    ref = f"anywidget:{scatter.model_id}"
    return scatter, AtlasWidget(points=ref, n_points=len(sheet.points), legend=legend, height_px=height_px)
