"""One call at a time, and what ends it beside its own button: ■, a restart, the end of the kernel."""

from __future__ import annotations

import atexit
import threading
from contextlib import suppress
from typing import Any, Protocol

from ..approvals import Approvals
from ..errors import InputError

STOPPED = "The call was stopped by the kernel's ■."
ENDED = "The kernel has ended, and the call with it."
_WAIT_S = 2.0


class OpenCall(Protocol):
    """What the switchboard knows of a call."""

    def hang_up(self, sentence: str = "", wait_s: float = 0.0) -> None: ...


class Switchboard:
    """Knows the call that is on.

    Attributes:
        approvals: functions that the user allowed for good, in a call or in a cell.

    Args:
        shell: the IPython shell, or None in a plain Python program.
        approvals: the session's; None: of the calls alone.
    """

    def __init__(self, shell: Any = None, approvals: Approvals | None = None) -> None:
        self.approvals = Approvals() if approvals is None else approvals
        self._shell = shell
        self._call: OpenCall | None = None
        self._lock = threading.Lock()
        self._is_watching = False

    def take(self, call: OpenCall) -> None:
        """`call` is the one that is on now.

        Raises:
            InputError: another one is.
        """
        with self._lock:
            if self._call is not None and self._call is not call:
                raise InputError("Another call is on in this kernel.", "Hang up there first: one microphone, one call.")
            self._call = call

    def leave(self, call: OpenCall) -> None:
        """`call` is over."""
        with self._lock:
            if self._call is call:
                self._call = None

    def end(self, sentence: str = "", wait_s: float = 0.0) -> None:
        """Hangs up, if a call is on; the page is told the sentence."""
        call = self._call
        if call is not None:
            call.hang_up(sentence, wait_s)

    def watch(self) -> None:
        """Minds ■ and the end of the kernel from now on; from the main thread, within a cell."""
        if self._is_watching:
            return
        self._is_watching = True
        atexit.register(self.close)
        if self._shell is None:
            return
        self._shell.events.register("post_run_cell", self._cell_ended)
        kernel: Any = getattr(self._shell, "kernel", None)
        if hasattr(kernel, "saved_sigint_handler"):  # ipykernel ignores ■ between cells; this is what it sets after each
            kernel.saved_sigint_handler = self._on_signal

    def close(self) -> None:
        """Hangs up for good."""
        self.end(ENDED, _WAIT_S)
        atexit.unregister(self.close)
        if self._is_watching and self._shell is not None:
            with suppress(ValueError):
                self._shell.events.unregister("post_run_cell", self._cell_ended)
        self._is_watching = False

    def _cell_ended(self, result: Any) -> None:
        """IPython's event."""
        if isinstance(getattr(result, "error_in_exec", None), KeyboardInterrupt):
            self.end(STOPPED)

    def _on_signal(self, signum: int, frame: Any) -> None:
        """■ while no cell runs; takes no lock here, for the main thread may hold any."""
        threading.Thread(target=self.end, args=(STOPPED,), name="glm-hang-up", daemon=True).start()
