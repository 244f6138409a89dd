"""Which code of an answer goes into a cell, and what a reader should know of it. Pure: nothing here is ever run."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import one_line
from .markdown import strip_controls
from .replies import CodeBlock, Reply

PYTHON = frozenset({"python", "py", "python3", "ipython", "ipython3", "pycon", "jupyter"})
"""The words after a fence's marks under which models write Python."""

_TURNERS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_PROMPT = re.compile(r"^(?:>>> ?|\.\.\. ?|In ?\[\d*\]: ?)")
_SHELL = re.compile(r"^\s*(?:!|%(?:sx|system|sh|pip|conda|run|script)\b)|\bos\.system\(|\bsubprocess\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CellCode:
    """The code for a cell.

    Attributes:
        code: empty when there is none.
        notes: sentences for the line below the answer: what was joined, what was left out, what to look at before it is run.
    """

    code: str = ""
    notes: tuple[str, ...] = ()


def pick_code(reply: Reply) -> CellCode:
    """All Python of an answer, block after block, as one cell; what is in other languages is only shown.

    A block without a language counts where no block says that it is Python. A block with a cell magic of its own
    (``%%bash``, ``%%html``) is left out: a cell that hands its text to another program is for a person to write.
    """
    if not reply.is_complete:
        return CellCode(notes=("the answer is not whole, so nothing is put into a cell",) if reply.code_blocks else ())
    wanted = python_blocks(reply)
    own = [block for block in wanted if not block.code.lstrip().startswith("%%")]
    code = "\n\n".join(_clean(block.code) for block in own)
    notes = [f"{len(own)} blocks in one cell"] if len(own) > 1 else []
    n_others = len(reply.code_blocks) - len(own)
    if n_others and own:
        notes.append(f"{n_others} other {'block is' if n_others == 1 else 'blocks are'} only shown")
    return CellCode(code, (*notes, *warnings_of(code)))


def pick_whole_cell(reply: Reply, before: str) -> CellCode:
    """The longest block of Python in an answer: a model that was asked for one whole cell may quote pieces of it, too.

    A cell magic counts only where the cell had it `before`.
    """
    if not reply.is_complete:
        return CellCode(notes=("the answer is not whole",))
    had = before.split(maxsplit=1)[:1]
    codes = [_clean(block.code) for block in python_blocks(reply)]
    own = [code for code in codes if not code.startswith("%%") or code.split(maxsplit=1)[:1] == had]
    code = max(own, key=len, default="")
    return CellCode(code, warnings_of(code))


def python_blocks(reply: Reply) -> Sequence[CodeBlock]:
    """The blocks that say that they are Python; where none does, those that say nothing and can be read as Python."""
    blocks = reply.code_blocks
    named = [block for block in blocks if block.language.lower() in PYTHON and block.code.strip()]
    return named or [block for block in blocks if not block.language and block.code.strip() and reads_as_python(block.code)]


def reads_as_python(code: str) -> bool:
    """Whether it could run in a cell, magics and shell lines included."""
    return not find_fault(code)


def find_fault(code: str) -> str:
    """Why a cell cannot be read as Python, ``invalid syntax (line 3)``; empty when it can."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        compile(TransformerManager().transform_cell(code), "cell", "exec", _FLAGS, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        return one_line(getattr(error, "msg", "") or str(error), 120) + (f" (line {line})" if line else "")
    except SyntaxWarning:  # a program that makes warnings errors
        return ""
    return ""


_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def warnings_of(code: str) -> tuple[str, ...]:
    """What to look at before the code is run."""
    found = []
    if _SHELL.search(code):
        found.append("the code calls other programs: read it before you run it")
    if code and (fault := find_fault(code)):
        found.append(f"the code cannot be read as Python: {fault}")
    return tuple(found)


def _clean(code: str) -> str:
    """Without prompts, control characters and the marks that make text read otherwise than it runs."""
    text = _TURNERS.sub("", strip_controls(code.replace("\r\n", "\n"))).strip("\n").rstrip()
    lines = text.split("\n")
    if lines[0].startswith((">>>", "In [")):
        lines = [_PROMPT.sub("", line) for line in lines if _PROMPT.match(line)]  # the others are outputs
    return "\n".join(lines)
