"""``%%glm`` and ``%glm``: ask about what is in the notebook."""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from IPython.core.display_functions import display
from IPython.core.magic import Magics, magics_class, needs_local_scope, no_var_expand

from ..celloutputs import Cells
from ..errors import GLMError, MediaError, UnknownNameError, one_line
from ..messages import Labelled
from ..options import Options
from ..session import Session
from ..template import Expression, parse_template
from .arguments import Call, options_help, parse_cell_line, parse_text_line

HELP = f"""Ask a GLM model about what is in this notebook; the answer streams into the cell.

    %%glm [MODEL] [options]        the question is the cell's text
    %glm [options] question        the one-line form

In the text, {{expr}} puts a value of the notebook in its place: a name, attribute, index or call whose first name exists.
Each value goes in the best form that the model takes: text and numbers as text; dataframes and Stylers as pictures or text
(--frames); figures of matplotlib, seaborn, plotnine, altair, plotly, …, PIL images, number arrays and picture addresses as
pictures; a Path by its file: picture, PDF, Office file, source, notebook, video, sound, folder. A list sends its items, and
{{cell[-1]}} is what the cell before showed. {{{{name}}}} writes {{name}}; JSON, sets, f-string specs and LaTeX braces stay as
they are; a plain name that does not exist stops before anything is sent. --dry-run shows everything as the model would get it.

No model named: glm-4.7 for text, glm-4.6v when a picture is in the message, glm-4-voice for sound; %config GLM changes these.
Afterwards the Reply is in _glm: .text .thinking .model .usage .cost .finish_reason .request_id .is_complete .elapsed_s
.code_blocks .tables .value (with --schema) .boxes .audio .calls .sources .sent .to_frame()
--tools: no function runs before you allow it, by buttons, by text, or with --yes for those that the line names.
--as code puts the Python of the answer into the next cell, unrun; %glm_fix and %glm_explain take an error to the model.
With --background, or a final & on the line, the cell returns at once: .is_running .wait() .stop() and `await _glm`; %glm_jobs.
With several models (-m glm-4.7,glm-4.6) _glm is a Comparison: [0] ["glm-4.6"] .errors .to_frame()
■ stops at once and keeps what came. Who answers: %glm_connect. What can be called: %glm_models. On record: %glm_replay.

Options:
{options_help()}

Examples:

    %%glm
    What stands out in {{df.describe()}}?

    %%glm 4.6v -t off --into answer
    Which of {{fig}} and {{photo}} shows more red?

    %%glm -f "report.pdf[3-7]" -f "clip.mp4[0:10-0:25]" -d df
    What do these have in common?

    %%glm -c research
    And why is that?

    %%glm --into long &
    A long story, please, while I go on working.

    %%glm -m glm-4.7,glm-4.6,sandbox:glm-4.7
    Which of you is the briefest?

    %%glm --schema "name, age int, born date?, mood good|bad" --into person
    {{letter}}

    %%glm --tools search_orders,shop.plot --mcp time
    Which orders came late last week? Plot them.

    %%glm --schema list[Invoice] --as frame --into invoices --budget 0.05
    {{Path("invoices.txt")}}

    %glm what is 2**61-1 ?
"""


_WORDS = ("image", "data", "file")
"""The options whose values name things of the notebook."""


@magics_class
class ChatMagics(Magics):
    """Holds the session; the magics parse, look values up, and call it."""

    def __init__(self, shell: Any, session: Session, cells: Cells) -> None:
        super().__init__(shell)
        self.shell: Any = shell
        self._session = session
        self._cells = cells

    @needs_local_scope
    @no_var_expand
    def glm(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> None:
        call = parse_text_line(line) if cell is None else parse_cell_line(line)
        text = call.text if cell is None else cell.rstrip("\n")
        names = {"cell": self._cells, **self.shell.user_ns, **(local_ns or {})}
        options = self.find_values(call.options, names)
        result = self._session.ask(self._fill(text, call, names), options)
        if options.dry_run and not options.quiet:
            display(result)

    glm.__doc__ = HELP

    def find_values(self, options: Options, names: dict[str, Any]) -> Options:
        """The options with the values of the notebook in the place of the words that name them."""
        attached: dict[str, Any] = {name: self._find_words(getattr(options, name), names) for name in _WORDS}
        if options.schema is not None:
            attached["schema"] = self._find_schema(options.schema, names)
        attached["tools"] = self._find_functions(options.tools, names)
        return replace(options, **attached)

    def _fill(self, text: str, call: Call, names: dict[str, Any]) -> list[object]:
        """The text with each ``{expr}`` replaced by its value, in order."""
        if call.options.raw:
            return [text]
        known = [name for name in names if not name.startswith("_")]
        return [
            Labelled(segment.source, self._evaluate(segment.source, names)) if isinstance(segment, Expression) else segment.text
            for segment in parse_template(text, names, known)
        ]

    def _evaluate(self, source: str, names: dict[str, Any]) -> object:
        try:
            return eval(source, self.shell.user_global_ns, names)
        except GLMError:
            raise
        except Exception as error:  # the user's own expression may raise anything
            said = f"{type(error).__name__}: {one_line(str(error), 200)}".rstrip(" .:")
            raise MediaError(f"{{{one_line(source, 80)}}} failed: {said}.", "Nothing was sent.") from error

    def _find_schema(self, word: str, names: dict[str, Any]) -> object:
        """What a name or a type made of names stands for, ``Invoice`` or ``list[Invoice]``; else the word, a short form."""
        first = re.match(r"[^\W\d]\w*", word)
        is_expression = re.fullmatch(r"[\w.]+(?:\[[\w.,\[\] |]+\])?(?: *\| *[\w.\[\]]+)*", word) is not None
        if is_expression and first and (first[0] in names or ("[" in word and hasattr(builtins, first[0]))):
            return self._evaluate(word, names)
        if re.fullmatch(r"[\w.]+", word):
            raise UnknownNameError(
                f"There is no `{one_line(word, 40)}` in the notebook to take as a schema.",
                f"Define it first; a short form of one field is written `'{word} str'`.",
            )
        return word

    def _find_functions(self, words: Sequence[str], names: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """The functions of ``--tools f,shop.sell``, by the names that were written."""
        found = {}
        for word in (part.strip() for words_ in words for part in words_.split(",")):
            if not re.fullmatch(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*", word) or word.split(".")[0] not in names:
                raise UnknownNameError(
                    f"There is no function `{one_line(word, 40)}` in the notebook.", "Define it first; names are written `f,g`."
                )
            found[word] = self._evaluate(word, names)
        return (found,) if found else ()

    def _find_words(self, tokens: Sequence[str], names: dict[str, Any]) -> tuple[Labelled, ...]:
        """The words after an option, each with the value that it names."""
        if not tokens:
            return ()
        from ..media import find_word

        return tuple(
            Labelled(token, find_word(token, lambda source: self._evaluate(source, names), names.__contains__))
            for token in tokens
        )
