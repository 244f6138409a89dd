"""``%glm_jobs``: the answers that go on in the background."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, magics_class

from ..errors import OptionError, one_line
from ..frontends import bind_to_cell
from ..options import nearest
from ..session import Session
from .arguments import split_words

WAYS = ("stop", "wait")


@magics_class
class JobMagics(Magics):
    """Holds the session."""

    def __init__(self, shell: Any, session: Session) -> None:
        super().__init__(shell)
        self.shell: Any = shell
        self._session = session

    def glm_jobs(self, line: str) -> Any:
        """The answers in the background, as `%%glm --background` or a final `&` began them.

            %glm_jobs             list them: state, cell, model, time, tokens, first words
            %glm_jobs wait [N]    until job N, or all of them, are over; ■ ends the waiting alone
            %glm_jobs stop [N]    end job N, or all of them, and keep what came

        Each answer goes on in the cell that asked, and in its Reply: .is_running, .wait(timeout_s), .stop(), `await reply`.
        Restarting the kernel ends them. In nbconvert, papermill and nbval, where nobody looks at a cell that has ended, such
        a cell waits for its answer, so that the saved notebook holds it.
        """
        jobs = self._session.jobs
        words = split_words(line)
        if not words:
            return jobs
        way, *rest = words
        if way not in WAYS:
            raise OptionError(f"%glm_jobs has no command `{one_line(way, 40)}`.", nearest(way, WAYS))
        if len(rest) > 1 or not all(word.isdecimal() and len(word) < 10 for word in rest if word != "all"):
            raise OptionError(f"`{one_line(' '.join(rest), 40)}` is no job.", f"Write `%glm_jobs {way}`, or `%glm_jobs {way} 3`.")
        number = int(rest[0]) if rest and rest[0] != "all" else None
        if way == "stop":
            jobs.stop(number)
            jobs.wait(number, timeout_s=1.0)
        else:
            jobs.wait(number, publish=bind_to_cell(self.shell))
        return jobs
