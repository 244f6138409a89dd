"""``%glm_fix`` and ``%glm_explain``: the last error, or that of a cell, taken to a model."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from IPython.core.display_functions import display
from IPython.core.magic import Magics, magics_class, no_var_expand

from ..errors import GLMError, InputError
from ..replies import Reply
from ..session import Session
from .arguments import Call, parse_text_line
from .chat import ChatMagics

if TYPE_CHECKING:
    from ..mishaps import Mishap
    from ..repairs import Question, Wish

MAX_KEPT = 100
_OURS = re.compile(r"^\s*%{1,2}glm_(?:fix|explain)\b", re.MULTILINE)
_NUMBER = re.compile(r"\s*(\d{1,9})(?=\s|$)")
_WITH_DATA = re.compile(r"(?<!\S)--data(?!\S)(?!\s*=)")


class Watch:
    """Remembers what went wrong in which cell, as text, until `stop`; the newest `MAX_KEPT` of them.

    Args:
        shell: IPython's, of any kind.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._by_number: dict[int, Mishap] = {}
        self._last: Mishap | None = None
        self._has_begun = False
        shell.events.register("post_run_cell", self._ended)

    def stop(self) -> None:
        with suppress(ValueError):
            self._shell.events.unregister("post_run_cell", self._ended)

    def find(self, number: int | None) -> Mishap:
        """The error of that cell, or the last one.

        Raises:
            InputError: there is none.
        """
        found = self._last or self._before_us() if number is None else self._by_number.get(number)
        if found is not None:
            return found
        if number is None:
            raise InputError("No cell has failed yet.", "Run the one that fails, then ask again.")
        known = ", ".join([f"[{one}]" for one in self._by_number][-10:])
        hint = f"Errors are known of the cells {known}." if known else "No cell has failed since glm_magics was loaded."
        raise InputError(f"Cell [{number}] has no error that is known here.", hint)

    def _ended(self, result: Any) -> None:
        error = result.error_before_exec or result.error_in_exec
        source = result.info.raw_cell or ""
        if error is None or isinstance(error, KeyboardInterrupt) or not source.strip():
            return
        if isinstance(error, GLMError) and _OURS.search(source):
            return
        with suppress(Exception):  # whatever is odd about an error, the cell has ended and the next one runs
            self._last = self._read(error, source, result.execution_count)
            if self._last.number is not None:
                self._by_number[self._last.number] = self._last
                if len(self._by_number) > MAX_KEPT:
                    del self._by_number[next(iter(self._by_number))]

    def _before_us(self) -> Mishap | None:
        """The error that Python remembers: of a cell that failed before the extension was loaded."""
        import linecache

        error: Any = getattr(sys, "last_value", None)
        trace = getattr(error, "__traceback__", None)
        while trace is not None and self._number_of(trace.tb_frame.f_code.co_filename) is None:
            trace = trace.tb_next
        if trace is None or isinstance(error, KeyboardInterrupt):
            return None
        name = trace.tb_frame.f_code.co_filename
        with suppress(Exception):
            return self._read(error, "".join(linecache.getlines(name)), self._number_of(name))
        return None

    def _read(self, error: BaseException, source: str, number: int | None) -> Mishap:
        from ..mishaps import read_mishap

        return read_mishap(error, source, number, self._shell.user_ns, self._number_of)

    def _number_of(self, file_name: str) -> int | None:
        """IPython's own word for a cell's code is ``("Cell", "In[3]")``."""
        found = self._shell.compile.format_code_name(file_name)
        digits = re.search(r"\d+", found[1]) if found else None
        return int(digits[0]) if digits else None


@magics_class
class FixMagics(Magics):
    """Holds the session, what went wrong, and how `%%glm` reads the words after its options."""

    def __init__(self, shell: Any, session: Session, chat: ChatMagics, watch: Watch) -> None:
        super().__init__(shell)
        self.shell: Any = shell
        self._session = session
        self._chat = chat
        self._watch = watch

    @no_var_expand
    def glm_fix(self, line: str) -> None:
        """Mend the last cell that failed, or the one of a number; the whole mended cell is put below, and never run.

            %glm_fix                       the last error
            %glm_fix 12                    that of cell [12]
            %glm_fix -m 4.6 -t on          with options of %%glm (see `%%glm?`)
            %glm_fix 12 keep it a loop     with words of your own
            %glm_fix --data                send the values of the failing line's variables, too

        Sent are the cell, the error, the frames of your own code, and of the variables in the failing line what they are: types,
        sizes, columns. Values only with --data (`-d df` sends a whole frame, as always). What looks like a key or a password is
        barred before it leaves, and back in its place in the mended cell. --dry-run shows all of it and sends nothing.
        """
        asked = self._ask(line, "fix")
        if asked is not None:
            mishap, question, reply, call = asked
            if not call.options.quiet:
                self._show_mended(mishap, question, reply)

    @no_var_expand
    def glm_explain(self, line: str) -> None:
        """Explain the last error in words, or that of the cell of a number.

            %glm_explain
            %glm_explain 12 what is a KeyError?

        Options and what is sent are those of %glm_fix.
        """
        self._ask(line, "explain")

    def _ask(self, line: str, wish: Wish) -> tuple[Mishap, Question, Reply, Call] | None:
        from ..redaction import Bars, secrets_of
        from ..repairs import ask_about

        number, call, has_data = _parse(line)
        mishap = self._watch.find(number)
        options = self._chat.find_values(call.options, dict(self.shell.user_ns))
        key = self._session.connection.key
        bars = Bars([*([key.reveal()] if key else []), *secrets_of(os.environ)])
        question = ask_about(mishap, wish, call.text, self._values(mishap) if has_data else {}, bars)
        result = self._session.ask([question.text], options)
        if not isinstance(result, Reply):
            if not call.options.quiet:
                display(result)
            return None
        return mishap, question, result, call

    def _values(self, mishap: Mishap) -> Mapping[str, str]:
        """What the variables hold now; functions, modules and classes hold nothing."""
        names = self.shell.user_ns
        return {
            name: _repr(names[name])
            for name, shape in (mishap.shapes or {}).items()
            if name in names and not shape.startswith(("function ", "module ", "class "))
        }

    def _show_mended(self, mishap: Mishap, question: Question, reply: Reply) -> None:
        from ..answercode import pick_whole_cell
        from ..mending import show_mended

        show_mended(self.shell, mishap, pick_whole_cell(reply, mishap.source), question.bars)


def _parse(line: str) -> tuple[int | None, Call, bool]:
    """The number of a cell, the options and words, and whether values go along."""
    line, n_data = _WITH_DATA.subn("", line)
    number = _NUMBER.match(line)
    call = parse_text_line(line[number.end() :] if number else line)
    if number is None and (number := _NUMBER.match(call.text)):
        call = Call(call.options, call.text[number.end() :].strip())
    return (int(number[1]) if number else None), call, bool(n_data)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # the user's own __repr__ may raise anything
        return f"(its repr failed: {type(error).__name__})"
