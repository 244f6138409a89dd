"""``%%glm_ground``: questions about pictures, in a widget."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from IPython.core.display_functions import display
from IPython.core.magic import Magics, magics_class, needs_local_scope, no_var_expand

from ..errors import InputError
from ..options import NOT_IN_WIDGETS
from ..session import Session
from .arguments import BY_FLAG, options_help, parse_cell_line
from .expressions import evaluate, split_expression

HELP = f"""Ask where things are in a picture; the boxes can be seen, changed, asked about and taken away in a widget.

    %%glm_ground EXPR [options]    EXPR is a picture of the notebook, or a list of them; the question is the cell's text

The widget is in the variable named with --into, else in _ground: .boxes .answer .reply .ask(…) .wait() .to_frame()
.to_coco() .crops() .annotated(). `glm.ground(picture, "the red cups")` is the same from Python.

Options (of the request that each question makes):
{options_help(without={*NOT_IN_WIDGETS, "into", "background", "quiet"})}

Example:

    %%glm_ground photo 4.6v --into cups
    the red cups
"""
GROUND_NAME = "_ground"


@magics_class
class GroundMagics(Magics):
    """Holds the session; parses, looks the picture up, and calls it."""

    def __init__(self, shell: Any, session: Session) -> None:
        super().__init__(shell)
        self.shell: Any = shell
        self._session = session

    @needs_local_scope
    @no_var_expand
    def glm_ground(self, line: str, cell: str = "", local_ns: dict[str, Any] | None = None) -> None:
        expression, rest = split_expression(line, BY_FLAG)
        if not expression:
            raise InputError("Which picture?", "Write its name first: `%%glm_ground photo`, and below it what to find.")
        options = parse_cell_line(rest).options
        names = {**self.shell.user_global_ns, **self.shell.user_ns, **(local_ns or {})}
        images = evaluate(expression, names, "Give a picture or a list of them.")
        grounding = self._session.ground(images, cell.strip(), replace(options, into=None))
        self.shell.user_ns[options.into or GROUND_NAME] = grounding
        display(grounding)

    glm_ground.__doc__ = HELP
