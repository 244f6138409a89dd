"""What a cell shows of a widget: the live view, and the drawn picture that a saved notebook keeps."""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import GLMError, one_line
from ..frontends import new_display_id

if TYPE_CHECKING:
    from anywidget import AnyWidget

STILL_DELAY_S = 1.5
"""Edits come in rows; the saved picture is drawn once they pause."""

_Bundle = tuple[dict[str, Any], dict[str, Any]]
Still: TypeAlias = Callable[[], tuple[bytes, str, str]]
"""Draws the picture: ``(bytes, mime, the same in words)``; may raise `GLMError` where it cannot be drawn any more."""


class Outputs:
    """The outputs of a widget, wherever and however often it is displayed.

    JupyterLab takes the live view of a bundle even where its kernel is gone, and shows an error in place of the picture beside
    it. So the picture is an output of its own, before the view, which hides it while it lives. That also lets the picture
    follow every change by its display id, and the view stay as it is.

    Args:
        widget: the live view; its trait ``has_still`` says that it has a picture to hide.
        still: draws the picture.
        way_out: what to do to have the live view again, in a sentence.
    """

    def __init__(self, widget: AnyWidget, still: Still, way_out: str) -> None:
        self._widget = widget
        self._draw = still
        self._way_out = way_out
        self._display_id = new_display_id()
        self._is_shown = False
        self._timer: threading.Timer | None = None
        self._drawing = threading.Lock()  # what is drawn later is shown later

    def bundle(self) -> _Bundle:
        """The live view, the drawn picture and the text in one, for hosts that choose from it."""
        data, metadata = self._still()
        view = self._widget._repr_mimebundle_()
        return ({**view[0], **data}, {**view[1], **metadata}) if view else (data, metadata)

    def show(self) -> None:
        """Displays it in the present cell."""
        from IPython.display import display

        if _wants_one_output():
            data, metadata = self.bundle()
            display(data, metadata=metadata, raw=True)
            return
        with self._drawing:
            self._is_shown = True  # first: what changes while it is drawn is drawn anew
            data, metadata = self._still()
            display(data, metadata=metadata, raw=True, display_id=self._display_id)
        self._widget.has_still = True
        if view := self._widget._repr_mimebundle_():
            display({**view[0], "text/plain": self._way_out}, metadata=view[1], raw=True)

    def keep_soon(self) -> None:
        """Draws the picture anew in a moment; once for many calls in a row."""
        self._cancel()
        if self._is_shown:
            self._timer = threading.Timer(STILL_DELAY_S, self.keep)
            self._timer.daemon = True
            self._timer.start()

    def keep(self) -> None:
        """Draws the picture anew, if it is shown anywhere; one that cannot be drawn any more stays as it was."""
        from IPython.display import display

        self._cancel()
        if not self._is_shown:
            return
        with self._drawing:
            try:
                data, metadata = self._still()
            except GLMError:
                return
            display(data, metadata=metadata, raw=True, display_id=self._display_id, update=True)

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _still(self) -> _Bundle:
        data, mime, text = self._draw()
        return {mime: base64.b64encode(data).decode(), "text/plain": text}, {mime: {"alt": one_line(text, 300)}}


def _wants_one_output() -> bool:
    """True on hosts where the view could not hide the picture: VS Code and Colab."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return "google.colab" in sys.modules or (shell is not None and "__vsc_ipynb_file__" in shell.user_ns)
