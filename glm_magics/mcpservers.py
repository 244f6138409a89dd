"""The MCP servers of a kernel by name, and their tools as functions for a model.

What a server says of itself and of its tools is foreign: it is shown as text, checked as data, and asked about before it runs.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from .errors import MissingExtraError, OptionError, ToolError, one_line
from .mcpconnections import Address, Server, without_home
from .mcpheaders import read_header
from .schemas import MisfitError, Schema, read_schema
from .signatures import wire_name
from .toolbox import Tool, Toolbox

_DESCRIPTION_CHARS = 2_000


class Servers(Mapping[str, Server]):
    """The MCP servers of this kernel by name; shows itself as a list."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        atexit.register(self.close)

    def __getitem__(self, name: str) -> Server:
        return self._servers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._servers)

    def __len__(self) -> int:
        return len(self._servers)

    def add(
        self, name: str, *where: str, variables: Sequence[str] = (), headers: Mapping[str, str] = MappingProxyType({})
    ) -> Servers:
        """Connects to a server: a command with its arguments, which is started, or an address.

        Args:
            name: by which ``--mcp`` names it.
            where: the words of the command, or one http(s) address.
            variables: names of environment variables that the command needs, e.g. for its key.
            headers: sent to the address, e.g. ``{"Authorization": "Bearer $SHOP_KEY"}``: ``$SHOP_KEY`` is read from the
                environment now; a value that names no variable is refused, a notebook being no place for a key.

        Raises:
            OptionError: the name is taken or cannot be one, there is no command, or a header's value is not as above.
            ToolError: the server does not start or answer.
            MissingExtraError: the ``mcp`` extra is not installed.
        """
        if not wire_name(name) == name or len(name) > 32:
            raise OptionError(f"`{one_line(name, 40)}` cannot be a server's name.", "Use up to 32 letters, digits, `_` and `-`.")
        if name in self._servers:
            raise OptionError(f"There is a server `{name}` already.", f"`%glm_mcp remove {name}` first, or give another name.")
        address = _read_address(where, variables, headers)
        try:
            import mcp  # noqa: F401
        except ImportError:
            raise MissingExtraError.naming("mcp", "MCP servers need the SDK.") from None
        server = Server(name, address)
        server.connect()
        try:
            server.list_tools()
        except BaseException:
            server.stop()
            raise
        self._servers[name] = server
        return self

    def remove(self, name: str) -> Servers:
        """Ends a server and forgets it.

        Raises:
            OptionError: there is none of that name.
        """
        self._find(name).stop()
        del self._servers[name]
        return self

    def _find(self, name: str) -> Server:
        if name not in self._servers:
            known = f"There are: {', '.join(self._servers)}." if self._servers else "`%glm_mcp add NAME command` connects one."
            raise OptionError(f"There is no MCP server `{one_line(name, 40)}`.", known)
        return self._servers[name]

    def close(self) -> None:
        """Ends all of them; also called when the kernel ends."""
        for server in self._servers.values():
            server.stop()
        self._servers.clear()
        atexit.unregister(self.close)

    def toolbox(self, names: Sequence[str]) -> Toolbox:
        """The tools of the named servers, as they are now; one whose description is no JSON Schema is left out.

        Raises:
            OptionError: there is no such server, or the tools are too many.
            ToolError: a server does not answer.
        """
        box = Toolbox()
        for name in names:
            server = self._find(name)
            box = box.add(tool for raw in server.list_tools() if (tool := _tool(server, raw)) is not None)
        return box

    # Shown

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = []
        for name, server in self._servers.items():
            try:
                tools = ", ".join(one_line(tool.name, 40) for tool in server.list_tools())
            except ToolError as error:
                tools = str(error)
            rows.append((name, one_line(without_home(str(server.address)), 120), tools))
        return rows

    def __repr__(self) -> str:
        lines = [" · ".join(row) for row in self._rows()]
        return "\n".join(lines) or "No MCP server is connected: `%glm_mcp add NAME command` connects one."

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self)}


def _read_address(where: Sequence[str], variables: Sequence[str], headers: Mapping[str, str]) -> Address:
    """A command, or an address.

    Raises:
        OptionError: neither, or an address with a password in it.
    """
    read = tuple(read_header(name, value) for name, value in headers.items())
    if not where:
        raise OptionError("Which server?", "`%glm_mcp add NAME command…` or `%glm_mcp add NAME https://…`.")
    if len(where) == 1 and where[0].startswith(("http://", "https://")):
        if "@" in where[0].split("/")[2]:
            raise OptionError("The address carries a password, which would be saved with the notebook.", "Leave it out.")
        if variables:
            raise OptionError("A server at an address gets no variables.", 'Its key goes into `--header "NAME: $VARIABLE"`.')
        for header in read:
            header.fill()
        return Address(url=where[0], headers=read)
    if read:
        raise OptionError(
            "A command takes no headers; a server at one http(s) address does.", "`--env NAME` hands a variable on."
        )
    for name in variables:
        if name not in os.environ:
            raise OptionError(f"There is no environment variable `{one_line(name, 40)}`.", "Set it before the kernel starts.")
    return Address(tuple(where), "", tuple(variables))


def _tool(server: Server, raw: Any) -> Tool | None:
    """A server's tool as ours, checked by its own schema before the call; None where that schema is none."""
    try:
        schema: Schema = read_schema(dict(raw.input_schema))
    except (OptionError, TypeError, ValueError):
        return None
    if schema.is_wrapped:  # not of an object
        return None
    name = f"{server.server_name}_{raw.name}"
    about = server.without_keys(raw.description or f"The tool {raw.name} of the server {server.server_name}.")[
        :_DESCRIPTION_CHARS
    ]
    identity = ("mcp", server.server_name, str(server.address), raw.name, raw.description, repr(raw.input_schema))
    call = partial(_call, server, raw.name)
    read = partial(_read, schema)
    return Tool(name, about, schema.json_schema, read, call, identity, f"MCP server {server.server_name}")


def _read(schema: Schema, values: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        read: Mapping[str, Any] = schema.convert(values)
    except (OptionError, RecursionError):  # a reference that leads nowhere, or to itself
        raise MisfitError("the server's own schema is broken there") from None
    return read


def _call(server: Server, name: str, given: Mapping[str, Any]) -> Any:
    return server.call(name, given)
