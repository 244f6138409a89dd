"""Watching what cells show, for ``{cell[3]}``: a plot that was shown is in no variable.

IPython and ipykernel differ in what they keep themselves (ipykernel: nothing, unless told so), so the two functions through
which every output goes are wrapped while the extension is loaded. What is printed goes elsewhere and is not watched.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..celloutputs import Cells, Showing, Shown, read_bundle


class Capture:
    """Wraps a shell's display functions until `stop`; what each cell showed goes to `cells`.

    Args:
        shell: IPython's, of any kind.
    """

    def __init__(self, shell: Any) -> None:
        self.cells = Cells()
        self._shell = shell
        self._running: list[Showing] = []
        """Of the cell that runs, and of those that it runs within itself (``run_cell``)."""
        self._wrapped = [
            _wrap(shell.display_pub, "publish", self._published),
            _wrap(shell.display_pub, "clear_output", self._cleared),
            _wrap(shell.displayhook, "write_format_data", self._returned),
        ]
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def stop(self) -> None:
        """Takes everything out again; harmless when that was done."""
        self._running.clear()  # no more is kept, though others have wrapped our wrapping and hold on to it
        for unwrap in self._wrapped:
            unwrap()
        for event, function in (("pre_run_cell", self._begin), ("post_run_cell", self._end)):
            with suppress(ValueError):
                self._shell.events.unregister(event, function)

    def _begin(self, info: Any = None) -> None:
        self._running.append(Showing(is_question=str(getattr(info, "raw_cell", "")).lstrip().startswith(("%%glm", "%glm"))))

    def _end(self, result: Any = None) -> None:
        if result is None or not self._running or not result.info.raw_cell.strip():
            return  # an empty cell ends without having begun
        showing = self._running.pop()
        if result.info.store_history and result.execution_count is not None:
            self.cells.keep(result.execution_count, showing)
        elif self._running:
            for shown in showing.outputs:
                self._running[-1].add(shown)
        elif showing.has_pictures:  # some programs, nbval among them, run notebooks without numbering the cells
            self.cells.keep(0, showing)

    def _published(self, data: Any = None, *rest: Any, transient: Any = None, update: bool = False, **named: Any) -> None:
        display_id = str((transient or {}).get("display_id") or "")
        shown = read_bundle(data, display_id)
        if shown is None:
            return
        if not update:
            self._add(shown)
        elif display_id:
            for showing in self._running:
                showing.replace(shown)
            self.cells.replace(shown)

    def _returned(self, data: Any = None, *rest: Any, **named: Any) -> None:
        if shown := read_bundle(data):
            self._add(shown)

    def _add(self, shown: Shown) -> None:
        if self._running:
            self._running[-1].add(shown)

    def _cleared(self, wait: bool = False, *rest: Any, **named: Any) -> None:
        if self._running:
            self._running[-1].clear(is_later=wait)


def _wrap(owner: Any, name: str, watch: Callable[..., None]) -> Callable[[], None]:
    """Calls `watch` with the arguments of each call of a method, after it; gives the way to undo that."""
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        with suppress(Exception):  # whatever is odd about an output, it is shown
            watch(*arguments, **named)
        return result

    def unwrap() -> None:
        if vars(owner).get(name) is wrapped:
            delattr(owner, name)

    setattr(owner, name, wrapped)
    return unwrap
