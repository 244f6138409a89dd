"""The functions that a model may ask for: described to it, its calls read and checked, and run.

    box = Toolbox.of([search_orders, plot_sales])
    body["tools"] = box.to_wire()
    call = box.read("search_orders", '{"city": "Oslo"}')
    result = box.run(call)

Nothing here asks the user: that is for an `approvals.Approver`, before `run`. Nothing here knows IPython or the network.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, TypeAlias

from .errors import GLMError, OptionError, one_line
from .schemas import MisfitError
from .signatures import describe_function, wire_name
from .timelimits import OutOfTimeError, run_limited
from .toolcalls import DEPTH, ToolCall, ToolResult
from .toolresults import Limits, write_result

Functions: TypeAlias = "Iterable[Callable[..., Any]] | Mapping[str, Callable[..., Any]]"

MAX_TOOLS = 128
"""Functions in one request (chat reference)."""

TIMEOUT_S = 60.0
"""For one call, when nothing else is said."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One function, wherever it runs.

    Attributes:
        name: on the wire.
        description, parameters: for the model; `parameters` is a JSON Schema of an object.
        read: from the model's arguments to what `call` takes; raises `MisfitError`.
        call: runs it.
        identity: what an approval "always" is for: the function itself, or a value that changes when a server's tool does.
        source: where it runs, for people; empty: in this notebook.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    read: Callable[[Mapping[str, Any]], Mapping[str, Any]] = field(repr=False)
    call: Callable[[Mapping[str, Any]], Any] = field(repr=False)
    identity: Any = field(default=None, repr=False)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Toolbox(Mapping[str, Tool]):
    """Functions by their names on the wire.

    Attributes:
        tools: as many as a request takes.
    """

    tools: Mapping[str, Tool] = field(default_factory=dict)

    @classmethod
    def of(cls, functions: Functions) -> Toolbox:
        """The toolbox of functions of any kind: plain, async, methods, partials; a mapping gives them other names.

        Raises:
            OptionError: they are no list or dict; one is no function, or cannot be described; or they are too many.
            MissingExtraError: a package of the ``tools`` extra is not installed.
        """
        described = ((function, describe_function(function, name)) for name, function in _named(functions))
        return cls().add(
            Tool(one.name, one.description, one.parameters, one.read, one.call, function) for function, one in described
        )

    def add(self, tools: Iterable[Tool]) -> Toolbox:
        """With more tools; of two with one name the later gets a number.

        Raises:
            OptionError: they are too many for a request.
        """
        all_ = dict(self.tools)
        for tool in tools:
            name, n = wire_name(tool.name), 1
            while name in all_:
                n += 1
                name = f"{wire_name(tool.name)[:60]}_{n}"
            all_[name] = replace(tool, name=name)
        if len(all_) > MAX_TOOLS:
            raise OptionError(f"A request takes {MAX_TOOLS} functions at most, not {len(all_)}.", "Name fewer.")
        return Toolbox(all_)

    def __getitem__(self, name: str) -> Tool:
        return self.tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tools)

    def __len__(self) -> int:
        return len(self.tools)

    def to_wire(self) -> list[dict[str, Any]]:
        """For a chat request: ``{"type": "function", "function": {…}}`` each (chat reference)."""
        return [{"type": "function", "function": _describe(tool)} for tool in self.tools.values()]

    def to_flat_wire(self) -> list[dict[str, Any]]:
        """For a Realtime session, where nothing is nested (Realtime reference)."""
        return [{"type": "function", **_describe(tool)} for tool in self.tools.values()]

    def read(self, name: str, arguments: str | Mapping[str, Any], id: str = "") -> ToolCall:
        """A call as the model wrote it, checked against the function; what is wrong with it is its `fault`."""
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        call = ToolCall(name, text, id)
        try:
            values = _parse(text)
        except MisfitError as error:
            return replace(call, fault=error.sentence)
        call = replace(call, values=values)
        tool = self.tools.get(name)
        if tool is None:
            return replace(call, fault=self._unknown(name))
        try:
            return replace(call, given=tool.read(values))
        except MisfitError as error:
            return replace(call, fault=f"The arguments do not fit {name}: {error.sentence}.{_takes(tool)}")

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self.tools, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(self.tools)}."
        return f"There is no function {one_line(name, 60) or 'without a name'}. {hint}"

    def run(self, call: ToolCall, timeout_s: float = TIMEOUT_S, limits: Limits | None = None) -> ToolResult:
        """Runs a call and gives what goes back to the model, whatever happens. It must have been approved before.

        Raises:
            KeyboardInterrupt: the user pressed ■.
        """
        if not call.is_valid:
            return ToolResult.failed(call.fault)
        started_s = time.monotonic()
        try:
            with _one_deeper():
                value = run_limited(lambda: self.tools[call.name].call(call.given), timeout_s)
            written = write_result(value, limits or Limits())
        except OutOfTimeError:
            said = f"{call.name} did not come back within {timeout_s:g} s and was given up."
            return ToolResult.failed(said, time.monotonic() - started_s)
        except KeyboardInterrupt:  # `Interrupted` of an inner question too
            raise
        except BaseException as error:  # of any kind: SystemExit too must not end the kernel
            return ToolResult.failed(_failure(call.name, error), time.monotonic() - started_s)
        elapsed_s = time.monotonic() - started_s
        return ToolResult(tuple(written.parts), False, elapsed_s, value, written.note, tuple(written.pictures))


def _named(functions: Functions) -> list[tuple[str, Callable[..., Any]]]:
    """The functions with the names that they were given; empty: their own."""
    if isinstance(functions, Mapping):
        for name in functions:
            if not isinstance(name, str) or not name.strip():
                raise OptionError(f"A function is given the name {one_line(repr(name), 60)}.", "Give it one in words.")
        return list(functions.items())
    if isinstance(functions, str | bytes) or not isinstance(functions, Iterable):
        way_out = "Give functions in a list, or a dict of names to functions."
        raise OptionError(f"tools is {one_line(repr(functions), 60)}.", way_out)
    return [("", function) for function in functions]


@contextmanager
def _one_deeper() -> Iterator[None]:
    token = DEPTH.set(DEPTH.get() + 1)
    try:
        yield
    finally:
        DEPTH.reset(token)


def _describe(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}


def _parse(text: str) -> dict[str, Any]:
    """A JSON object; nothing at all stands for an empty one, as some models write for functions without parameters."""

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    if not text.strip():
        return {}
    try:
        values = json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise MisfitError("The arguments are nested too deeply.") from None
    except ValueError as error:
        raise MisfitError(f"The arguments are no JSON: {one_line(str(error), 120)}. Give one JSON object.") from None
    if not isinstance(values, dict):
        raise MisfitError("The arguments are no JSON object. Give one, its keys the parameters' names.")
    return values


def _takes(tool: Tool) -> str:
    names = list(tool.parameters.get("properties", {}))
    return f" It takes {', '.join(names)}." if names else " It takes no arguments."


def _failure(name: str, error: BaseException) -> str:
    try:
        said = one_line(str(error), 1000)
    except Exception:  # a __str__ of the user's own may raise anything
        said = ""
    if isinstance(error, GLMError):
        return f"{name} failed: {said}"
    said = said.rstrip(".")
    return f"{name} raised {type(error).__name__}{f': {said}' if said else ''}."
