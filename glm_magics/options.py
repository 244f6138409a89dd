"""Every option of a request, declared once: the magics' flags, the help page, tab completion and ``glm.ask`` read it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from keyword import iskeyword
from typing import Any, Literal
from unicodedata import normalize

from .errors import OptionError, one_line

Kind = Literal["text", "number", "integer", "flag", "choice", "list", "name", "value"]


@dataclass(frozen=True, slots=True)
class Option:
    """One row.

    Attributes:
        name: the word in Python, e.g. ``top_p``.
        flags: the words in a cell, e.g. ``("--top-p",)``.
        help: a phrase for ``%%glm?``.
        kind: how a value is read.
        metavar: what stands for the value in the help.
        choices: the allowed words, for ``choice``.
        low, high: the allowed range, both ends included (vendor's reference), for numbers.
        completes: what Tab offers for the value: ``model``, ``vectors`` (a model that makes them), ``name`` (of the notebook),
            ``chat``, ``mcp`` or nothing.
        in_python: False for what makes sense in a cell only.
    """

    name: str
    flags: tuple[str, ...]
    help: str
    kind: Kind = "text"
    metavar: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    completes: Literal["", "model", "vectors", "name", "chat", "mcp"] = ""
    in_python: bool = True


OPTIONS: tuple[Option, ...] = (
    Option(
        "model",
        ("-m", "--model"),
        "model id or short name (4.7, 4.6v); a final ! skips the catalogue; glm-4.7,4.6,sandbox:4.7 asks several at once",
        "text",
        "MODEL",
        completes="model",
    ),
    Option(
        "think", ("-t", "--think"), "thinking on or off; auto leaves it to the model", "choice", choices=("auto", "on", "off")
    ),
    Option("system", ("-s", "--system"), "system prompt", metavar="TEXT"),
    Option("temperature", ("--temperature",), "randomness, 0 to 1", "number", "X", low=0, high=1),
    Option("top_p", ("--top-p",), "share of the likeliest tokens to choose from, 0.01 to 1", "number", "X", low=0.01, high=1),
    Option("max_tokens", ("--max-tokens",), "most tokens of the answer, thinking included", "integer", "N", low=1),
    Option("stop", ("--stop",), "stop before this text", metavar="TEXT"),
    Option(
        "image",
        ("-i", "--image"),
        "a picture to send along: notebook expression, path or URL; repeatable",
        "list",
        "EXPR",
        completes="name",
    ),
    Option(
        "data",
        ("-d", "--data"),
        "a dataframe to send along: notebook expression; repeatable",
        "list",
        "EXPR",
        completes="name",
    ),
    Option(
        "file",
        ("-f", "--file"),
        "a file to send along: path, glob, folder, URL or expression; report.pdf[3-7], clip.mp4[0:10-0:25]; repeatable",
        "list",
        "FILE",
        completes="name",
    ),
    Option(
        "frames",
        ("--frames",),
        "send dataframes as pictures, as text (all digits), as both, as suits each, or wide ones in several pictures",
        "choice",
        choices=("image", "text", "both", "auto", "pages"),
    ),
    Option(
        "pages",
        ("--pages",),
        "send pages of documents as pictures, as their text, or as both",
        "choice",
        choices=("image", "text", "both"),
    ),
    Option("fps", ("--fps",), "pictures a second taken from a video", "number", "N", low=0.01, high=60),
    Option("frames_max", ("--frames-max",), "most pictures taken from a video", "integer", "N", low=1, high=150),
    Option("fetch", ("--fetch",), "download addresses here and send the bytes", "flag"),
    Option("chat", ("-c", "--chat"), "go on with the chat of this name, or begin it", "text", "NAME", completes="chat"),
    Option("keep_thinking", ("--keep-thinking",), "send the thinking of the chat's earlier turns along, too", "flag"),
    Option(
        "schema",
        ("--schema",),
        "answer in this form: pydantic model, dataclass, TypedDict, JSON Schema, or 'name, age int, tags list[str]'",
        "value",
        "SCHEMA",
        completes="name",
    ),
    Option(
        "tools",
        ("--tools",),
        "functions of the notebook that the model may ask for, f,g; each call is shown, and asked about first; repeatable",
        "list",
        "F,G",
        completes="name",
    ),
    Option(
        "mcp",
        ("--mcp",),
        "MCP servers whose tools the model may ask for, named by %glm_mcp add; repeatable",
        "list",
        "NAME",
        completes="mcp",
    ),
    Option("web_search", ("--web-search",), "let the vendor search the web for the answer; the sources are shown", "flag"),
    Option("knowledge", ("--knowledge",), "answer from this knowledge base of the vendor's platform", "text", "ID"),
    Option(
        "server_mcp",
        ("--server-mcp",),
        "MCP server that the vendor itself calls, label=https://…; nothing of it runs here, nobody is asked; repeatable",
        "list",
        "LABEL=URL",
    ),
    Option("yes", ("--yes",), "run the functions that are named without asking", "flag"),
    Option(
        "max_calls",
        ("--max-calls",),
        "most calls of functions; %config GLM.tool_calls when not given",
        "integer",
        "N",
        low=1,
        high=1000,
    ),
    Option(
        "call_timeout",
        ("--call-timeout",),
        "longest time for one call, in seconds; %config GLM.tool_timeout when not given",
        "number",
        "S",
        low=0.1,
        high=86_400,
    ),
    Option("retries", ("--retries",), "how often to ask again when the answer misses the schema", "integer", "N", low=0, high=10),
    Option("budget", ("--budget",), "most that the cell may cost, in the currency of the price", "number", "X", low=0, high=1e6),
    Option(
        "into",
        ("-o", "--into"),
        "keep the Reply under this name too; with --schema its value, with --as frame the DataFrame",
        "name",
        "NAME",
        completes="name",
    ),
    Option(
        "as_",
        ("--as",),
        "how the answer is shown; code: its Python is put into the next cell, too",
        "choice",
        choices=("markdown", "text", "html-source", "json", "code", "frame"),
    ),
    Option("background", ("--background",), "return at once and go on answering in this cell; a final & says the same", "flag"),
    Option("cache", ("--cache",), "same request, same answer: record it beside the notebook, and take it from there", "flag"),
    Option("dry_run", ("--dry-run",), "show the request and send nothing", "flag"),
    Option("raw", ("--raw",), "send {braces} as they are", "flag", in_python=False),
    Option(
        "timeout",
        ("--timeout",),
        "longest silence of the server, in seconds; %config GLM.timeout when not given",
        "number",
        "SECONDS",
        low=0.1,
        high=86_400,
    ),
    Option("no_stream", ("-n", "--no-stream"), "ask for the answer in one piece", "flag"),
    Option("quiet", ("-q", "--quiet"), "show nothing; the Reply is in _glm", "flag"),
)
BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}
NOT_IN_WIDGETS = frozenset(
    {
        *("image", "data", "file", "frames", "pages", "fps", "frames_max", "fetch", "raw", "as_", "dry_run"),
        *("chat", "keep_thinking", "schema", "retries", "tools", "mcp", "yes", "max_calls", "call_timeout"),
    }
)
"""What a question in a grounding widget does not take: it sends the widget's pictures, and shows boxes."""


@dataclass(frozen=True, slots=True)
class Options:
    """The values of one request, checked. `timeout` is in seconds; None means "not given"."""

    model: str | None = None
    think: Literal["auto", "on", "off"] = "auto"
    system: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: str | None = None
    image: Sequence[Any] = field(default=())
    data: Sequence[Any] = field(default=())
    file: Sequence[Any] = field(default=())
    frames: Literal["image", "text", "both", "auto", "pages"] | None = None
    pages: Literal["image", "text", "both"] | None = None
    fps: float | None = None
    frames_max: int | None = None
    fetch: bool = False
    chat: str | None = None
    keep_thinking: bool = False
    schema: Any = None
    tools: Sequence[Any] = field(default=())
    mcp: Sequence[str] = field(default=())
    web_search: bool = False
    knowledge: str | None = None
    server_mcp: Sequence[Any] = field(default=())
    yes: bool = False
    max_calls: int | None = None
    call_timeout: float | None = None
    retries: int = 2
    budget: float | None = None
    into: str | None = None
    as_: Literal["markdown", "text", "html-source", "json", "code", "frame"] = "markdown"
    background: bool = False
    cache: bool = False
    dry_run: bool = False
    raw: bool = False
    timeout: float | None = None
    no_stream: bool = False
    quiet: bool = False


DEFAULTS: Mapping[str, Any] = {row.name: getattr(Options(), row.name) for row in fields(Options)}


def nearest(word: str, known: Sequence[str]) -> str:
    """`` Did you mean `x`?`` or the list of what there is, when nothing is near."""
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(known)}."


def parse_option(option: Option, value: Any) -> Any:
    """The value of one option, from the text of a cell or from Python.

    Raises:
        OptionError: it is not what the option takes.
    """
    word = option.flags[-1]
    if value is None:
        return DEFAULTS[option.name]
    if option.kind == "flag":
        if not isinstance(value, bool):
            raise OptionError(
                f"{word} is on or off, not `{one_line(str(value), 40)}`.", "In Python give True or False, in a cell no value."
            )
        return value
    if option.kind == "value":
        return value
    if option.kind == "list":
        return tuple(value) if isinstance(value, list | tuple) else (value,)
    if option.kind in ("number", "integer"):
        return _parse_number(option, word, value)
    if not isinstance(value, str):
        words = f"one of {', '.join(option.choices)}" if option.choices else "text"
        raise OptionError(f"{word} takes {words}, not {type(value).__name__}.", "Give it as a string.")
    return _parse_word(option, word, value)


def _parse_word(option: Option, word: str, value: str) -> str:
    if option.kind == "choice" and value not in option.choices:
        raise OptionError(f"{word} has no value `{one_line(value, 40)}`.", nearest(value, option.choices))
    if option.kind == "name":
        value = normalize("NFKC", value)  # as Python itself reads names
        if not value.isidentifier() or iskeyword(value):
            raise OptionError(f"{word} needs a variable name; `{one_line(value, 40)}` is none.", "Use letters, digits and _.")
    if not value or (not value.strip() and option.name != "stop"):
        raise OptionError(f"{word} is empty.", "Give it a value or leave it out.")
    return value


def _parse_number(option: Option, word: str, value: Any) -> float | int:
    wanted = "a whole number" if option.kind == "integer" else "a number"
    span = f"from {option.low:g} to {option.high:g}" if option.high is not None else f"{option.low:g} or more"
    way_out = f"Give {wanted}, {span}, or leave it out."
    shown = one_line(str(value), 40)
    try:
        number: float | int = int(value) if option.kind == "integer" else float(value)
    except (TypeError, ValueError, OverflowError):
        raise OptionError(f"{word} needs {wanted}, not `{shown}`.", way_out) from None
    if isinstance(value, bool) or (option.kind == "integer" and isinstance(value, float) and value != number):
        raise OptionError(f"{word} needs {wanted}, not `{shown}`.", way_out)
    is_high_enough = option.low is None or number >= option.low
    is_low_enough = option.high is None or number <= option.high
    if not (is_low_enough and is_high_enough):  # written so that NaN is refused
        raise OptionError(f"{word} is {shown}, which is out of range.", way_out)
    return number


def parse_options(values: Mapping[str, Any]) -> Options:
    """Options from Python keywords.

    Raises:
        OptionError: an unknown word or a wrong value; names the nearest word.
    """
    for name in values:
        if name not in BY_NAME or not BY_NAME[name].in_python:
            known = [option.name for option in OPTIONS if option.in_python]
            raise OptionError(f"There is no option `{name}`.", nearest(name, known))
    return Options(**{name: parse_option(BY_NAME[name], value) for name, value in values.items()})
