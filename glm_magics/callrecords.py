"""What was called or searched for an answer, here or at the vendor's: records for people and programs.

Source: the vendor's chat reference (``web_search[]`` beside the choices, ``tool_calls[].mcp`` within). All of it is foreign text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import one_line


@dataclass(frozen=True, slots=True, repr=False)
class CallRecord:
    """A row of `Reply.calls`: one call, and what became of it.

    Attributes:
        name, arguments: as the model gave them; of arguments that are no JSON object their text.
        result: what the model was told.
        value: what the function returned; None where it did not run or returned nothing.
        state: ``approved``, ``always``, ``refused``, ``invalid`` (it could not run), ``limit`` (one too many), ``stopped`` or
            ``server`` (it ran there).
        is_error: no value came of it.
        elapsed_s: how long it ran, in seconds.
        source: where it ran; empty: in this notebook.
    """

    name: str
    arguments: Mapping[str, Any] | str
    result: str
    value: Any = None
    state: str = "approved"
    is_error: bool = False
    elapsed_s: float = 0.0
    source: str = ""

    def __repr__(self) -> str:
        """On one line: a result may be long."""
        facts = f"{self.state}{', failed' if self.is_error else ''}, {self.elapsed_s:.1f} s"
        source = f", {self.source}" if self.source else ""
        return one_line(f"CallRecord({self.name}({self.arguments}), {facts}{source}: {self.result[:1000]})", 200)


class WebSource(NamedTuple):
    """One thing that the server's web search found: foreign text, and an address that nobody has checked."""

    title: str
    link: str
    media: str = ""
    date: str = ""
    content: str = ""
    refer: str = ""


def read_sources(raw: object) -> list[WebSource]:
    """The rows of ``web_search``; what is no text in them is left out."""
    rows = raw if isinstance(raw, list) else []
    names = ("title", "link", "media", "publish_date", "content", "refer")
    found = [WebSource(*(_text(row, name) for name in names)) for row in rows if isinstance(row, Mapping)]
    return [source for source in found if source.title or source.link or source.content]


def is_server_call(call: object) -> bool:
    """True for what stands among the calls and has run at the vendor's: nothing here is to answer it."""
    return isinstance(call, Mapping) and (call.get("type") == "mcp" or isinstance(call.get("mcp"), Mapping))


def read_server_calls(calls: Iterable[Mapping[str, Any]]) -> tuple[CallRecord, ...]:
    """The calls of tools that ran at the vendor's."""
    records = []
    for call in calls:
        inner = call.get("mcp")
        if not isinstance(inner, Mapping) or inner.get("type") == "mcp_list_tools":
            continue
        error, output = inner.get("error"), inner.get("output")
        result = str(error or output or "")
        source = f"MCP server {_text(inner, 'server_label')} of the vendor"
        arguments = inner.get("arguments")
        given = arguments if isinstance(arguments, Mapping) else str(arguments or "")
        records.append(CallRecord(_text(inner, "name"), given, result, None, "server", bool(error), 0.0, source))
    return tuple(records)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
