"""What went wrong in a cell, as text: the error, the frames that are the user's own, the shapes of what took part."""

from __future__ import annotations

import ast
import builtins
import linecache
import os
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any, TypeAlias

from .errors import GLMError
from .markdown import strip_controls
from .shapes import columns_of, describe_shape, parameters_of

MAX_MESSAGE_CHARS, MAX_FRAMES, MAX_NAMES = 2000, 12, 12

_HERE = Path(__file__).parent
_LIBRARIES = tuple(sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_IN_A_MAGIC = frozenset({"<timed exec>", "<timed eval>", "<magic-timeit>", "<unknown>"})
"""Names that IPython gives to the code below ``%%time`` and the like."""


_RUNNERS = frozenset({"IPython", "ipykernel", "ipython"})
"""What runs cells is in every traceback and tells nothing."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of the user's own code: where, which line (from 1), in which function, and the line itself."""

    place: str
    line: int
    function: str
    code: str


_Step: TypeAlias = tuple[Frame, FrameType | None]
"""A frame as text, and Python's own while it is there."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """An error of a cell; text alone, so that it keeps nothing alive.

    Attributes:
        number: of the cell's execution; None where it had none.
        source: of the cell.
        kind, message: the error's class and words.
        frames: the user's own, outermost first, at most `MAX_FRAMES`.
        n_frames: of the user's own before they were cut.
        libraries: how many frames of which library were left out.
        before: the errors that led to this one, as ``KeyError: 'x'``, and those that it holds.
        shapes: what the names in the failing line are, as `describe_shape` says it.
        near: names like the one that was not found.
    """

    number: int | None
    source: str
    kind: str
    message: str
    frames: tuple[Frame, ...] = ()
    n_frames: int = 0
    libraries: Mapping[str, int] | None = None
    before: tuple[str, ...] = ()
    shapes: Mapping[str, str] | None = None
    near: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The cell, for people."""
        return f"cell [{self.number}]" if self.number is not None else "the cell"


def read_mishap(
    error: BaseException,
    source: str,
    number: int | None,
    namespace: Mapping[str, Any],
    number_of: Callable[[str], int | None],
) -> Mishap:
    """The error of a cell as a value.

    Args:
        error: with its traceback.
        source: of the cell, as it was typed.
        number: of its execution.
        namespace: the notebook's names.
        number_of: from the file name of a code object to the number of its cell; None where it is none.
    """
    own, libraries = _walk(error, source, number_of)
    values = _values_at(own[-1], source, namespace) if own else {}
    frames = [frame for frame, _ in own]
    return Mishap(
        number=number,
        source=source,
        kind=type(error).__name__,
        message=_message(error),
        frames=tuple(frames if len(frames) <= MAX_FRAMES else [*frames[:3], *frames[3 - MAX_FRAMES :]]),
        n_frames=len(frames),
        libraries=dict(libraries),
        before=tuple(dict.fromkeys(words for one in _related(error) if (words := _words(one)) != _words(error))),
        shapes={name: describe_shape(value) for name, value in values.items()},
        near=tuple(_near(error, values, {**vars(builtins), **namespace, **_locals(own)})),
    )


def _walk(error: BaseException, source: str, number_of: Callable[[str], int | None]) -> tuple[list[_Step], Mapping[str, int]]:
    """The user's own frames, outermost first, and how many of which library are among them."""
    own: list[_Step] = []
    libraries: Counter[str] = Counter()
    for python_frame, line in walk_tb(error.__traceback__):
        name = python_frame.f_code.co_filename
        number = number_of(name)
        if number is None and name not in _IN_A_MAGIC and (library := _library(name)):
            libraries[library] += library not in _RUNNERS
        else:
            own.append((_read_frame(python_frame, line, source, number), python_frame))
    if isinstance(error, SyntaxError):
        place = _place(error.filename or "", number_of(error.filename or ""))
        own.append((Frame(place, error.lineno or 0, "", (error.text or "").strip()), None))
    return own, +libraries


def _locals(own: list[_Step]) -> Mapping[str, Any]:
    frame = own[-1][1] if own else None
    return frame.f_locals if frame is not None else {}


def _library(file_name: str) -> str:
    """The name of the library that a file belongs to; empty for the user's own files."""
    path = Path(file_name)
    if file_name.startswith("<"):
        return "python"
    if _HERE in path.parents:
        return "glm_magics"
    for folder in ("site-packages", "dist-packages"):
        if folder in path.parts:
            return path.parts[path.parts.index(folder) + 1].removesuffix(".py")
    return "python" if file_name.startswith(_LIBRARIES) else ""


def _read_frame(frame: FrameType, line: int, source: str, number: int | None) -> Frame:
    name = frame.f_code.co_filename
    code = linecache.getline(name, line, frame.f_globals).strip()
    if not code or "get_ipython()." in code:  # as IPython rewrote it; below a cell magic the lines are counted from there
        lines = source.split("\n")
        place = line if name in _IN_A_MAGIC and source.lstrip().startswith("%%") else line - 1
        code = lines[place].strip() if 0 <= place < len(lines) else code
    function = frame.f_code.co_name
    return Frame(_place(name, number), line, "" if function.startswith("<") else function, code)


def _place(file_name: str, number: int | None) -> str:
    """Where a line is, without the folders of this machine."""
    if number is not None:
        return f"cell [{number}]"
    if not file_name or file_name.startswith("<") or "ipykernel_" in file_name:
        return "the cell"
    with suppress(ValueError, OSError):
        return str(Path(file_name).relative_to(Path.cwd()))
    return Path(file_name).name


def _message(error: BaseException) -> str:
    """Its words, its notes behind them, cut where they are long, and without the name of the user's own folder."""
    with suppress(Exception):
        words = error.msg if isinstance(error, SyntaxError) else error.message if isinstance(error, GLMError) else str(error)
        text = strip_controls("\n".join([str(words), *map(str, getattr(error, "__notes__", ()))])).strip()
        home = str(Path.home())
        text = text.replace(home, "~") if len(home) > 1 else text
        cut = len(text) - MAX_MESSAGE_CHARS
        return text if cut <= 0 else f"{text[:1500]} … ({cut} characters left out) … {text[1500 - MAX_MESSAGE_CHARS :]}"
    return "(its words could not be had)"


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {_message(error)[:300]}"


def _related(error: BaseException) -> Iterator[BaseException]:
    """What led to it, nearest first, and what a group holds; at most five of either."""
    seen = {id(error)}
    one: BaseException | None = error
    for _ in range(5):
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__) if one is not None else None
        if one is None or id(one) in seen:
            break
        seen.add(id(one))
        yield one
    if isinstance(error, BaseExceptionGroup):
        yield from error.exceptions[:5]


def _values_at(last: _Step, source: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The names in the failing statement that have a value there."""
    frame, python_frame = last
    if python_frame is None:
        return {}
    text = "".join(linecache.getlines(python_frame.f_code.co_filename, python_frame.f_globals)) or source
    names = list(_names_at(text, frame.line)) or re.findall(r"[^\W\d]\w*", frame.code)
    known = {**namespace, **python_frame.f_locals}
    return {name: known[name] for name in dict.fromkeys(names) if name in known and name != "get_ipython"} if names else {}


def _names_at(text: str, line: int) -> Iterator[str]:
    """The names read in the smallest statement that holds a line; of a compound one only its head."""
    with suppress(SyntaxError, ValueError, RecursionError):
        around = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        if around:
            smallest = min(around, key=lambda node: ((node.end_lineno or 0) - node.lineno, -node.col_offset))
            bodies = [child for name in ("body", "orelse", "finalbody") for child in _list(getattr(smallest, name, None))]
            inside = {id(inner) for child in bodies for inner in ast.walk(child)}
            for node in ast.walk(smallest):
                if isinstance(node, ast.Name) and id(node) not in inside:
                    yield node.id


def _list(value: object) -> list[ast.AST]:
    return value if isinstance(value, list) else []


def _near(error: BaseException, values: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    """Names like the one that was not found, best first; names only, never a key of the user's data."""
    with suppress(Exception):
        wanted, names = _wanted(error, values, known)
        return get_close_matches(wanted, [name for name in names if name != wanted], n=3, cutoff=0.6) if wanted else []
    return []


def _wanted(error: BaseException, values: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[str, Iterable[str]]:
    if isinstance(error, ModuleNotFoundError):
        from pkgutil import iter_modules

        return error.name or "", {*sys.stdlib_module_names, *(module.name for module in iter_modules())}
    if isinstance(error, ImportError):
        wanted = getattr(error, "name_from", None) or _quoted(error)
        return wanted, dir(sys.modules.get(error.name or ""))
    if isinstance(error, NameError):
        return error.name or _quoted(error), [name for name in known if not name.startswith("_")]
    if isinstance(error, AttributeError):
        return error.name or "", dir(error.obj)
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return error.args[0], [name for value in values.values() for name in columns_of(value)]
    if found := _KEYWORD.search(_message(error)):
        owners = [known.get(found[1]), *(getattr(type(value), found[1], None) for value in values.values())]
        return found[2], [name for owner in owners for name in parameters_of(owner)]
    return "", ()


_KEYWORD = re.compile(r"(\w+)\(\) got an unexpected keyword argument '(\w+)'")


def _quoted(error: BaseException) -> str:
    found = re.search(r"name '(\w+)'", _message(error))
    return found[1] if found else ""
