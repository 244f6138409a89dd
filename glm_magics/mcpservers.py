"""MCP servers of a kernel: started, listed, called, ended. The official SDK speaks the protocol, in a thread of its own.

What a server says of itself and of its tools is foreign: it is shown as text, checked as data, and asked about before it runs.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import logging
import os
import shlex
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from .errors import MissingExtraError, OptionError, ToolError, one_line
from .schemas import MisfitError, Schema, read_schema
from .signatures import wire_name
from .toolbox import MAX_TOOLS, Tool, Toolbox

START_S = 30.0
"""To start a server and hear what tools it has; a package may first be fetched."""

LIST_S = 10.0
_END_S = 8.0
_MAX_PAGES = 20
_DESCRIPTION_CHARS = 2_000
_STDERR_CHARS = 300


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Attributes:
        command: to start, with its arguments; empty for an address.
        url: of a server over streamable HTTP; empty for a command.
        variables: names of environment variables that the command gets; without them it sees none but the usual few.
    """

    command: tuple[str, ...] = ()
    url: str = ""
    variables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.url or shlex.join(self.command)


class Server(threading.Thread):
    """One server, connected until `stop`.

    Args:
        name: for people and in the names of its tools.
        address: where it is.
    """

    def __init__(self, name: str, address: Address) -> None:
        super().__init__(name=f"glm-mcp-{name}", daemon=True)
        self.server_name = name
        self.address = address
        self._loop = asyncio.new_event_loop()
        self._ready: Future[None] = Future()
        self._over = asyncio.Event()
        self._client: Any = None
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  # closed in `run`
        self.error_tail = ""

    def connect(self, timeout_s: float = START_S) -> None:
        """Starts it and waits until it answers.

        Raises:
            ToolError: it does not.
        """
        self.start()
        try:
            self._ready.result(timeout_s)
        except FutureTimeoutError:
            self.stop()
            raise ToolError(
                f"The MCP server `{self.server_name}` does not answer within {timeout_s:g} s.{self._said()}"
            ) from None
        except KeyboardInterrupt:
            self.stop()
            raise
        except Exception as error:
            raise ToolError(
                f"The MCP server `{self.server_name}` cannot be used: {_reason(error)}.{self._said()}", _CHECK
            ) from None

    def run(self) -> None:
        """The thread's work."""
        logging.getLogger("mcp").addHandler(logging.NullHandler())  # a server's garbage is not for the cell
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # of any kind: it must end as a sentence, a thread has nobody to tell
            if not self._ready.done():
                self._ready.set_exception(error if isinstance(error, Exception) else RuntimeError(type(error).__name__))
        finally:
            self._client = None
            self.error_tail = self._read_errors()
            self._errors.close()
            with suppress(Exception):
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        from mcp import Client, StdioServerParameters
        from mcp.client.stdio import stdio_client

        transport: Any = self.address.url
        if self.address.command:
            command, *arguments = self.address.command
            env = {name: os.environ[name] for name in self.address.variables if name in os.environ}
            transport = stdio_client(StdioServerParameters(command=command, args=arguments, env=env), errlog=self._errors)
        async with Client(transport) as client:
            self._client = client
            self._ready.set_result(None)
            await self._over.wait()

    def stop(self) -> None:
        """Ends it; its process too. Harmless when it has ended."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._over.set)
            if not self._ready.done():
                self._loop.call_soon_threadsafe(self._cancel)
        if self.is_alive():
            self.join(_END_S)

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    @property
    def is_connected(self) -> bool:
        """True while it can be called, as far as one knows without asking."""
        return self.is_alive() and self._client is not None

    def list_tools(self, timeout_s: float = LIST_S) -> list[Any]:
        """Its tools as they are now.

        Raises:
            ToolError: it does not answer, or has too many.
        """
        return list(self._wait(self._list(), timeout_s))

    async def _list(self) -> list[Any]:
        tools: list[Any] = []
        cursor = None
        for _ in range(_MAX_PAGES):
            page = await self._client.list_tools(cursor=cursor, cache_mode="refresh")
            tools += page.tools
            cursor = page.next_cursor
            if not cursor or len(tools) > MAX_TOOLS:
                break
        return tools

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """What a tool gives: its text; with pictures a dict of text and their bytes.

        Raises:
            ToolError: it failed, or the server has ended.
        """
        return read_result(self._wait(self._client_call(name, dict(arguments)), None))

    async def _client_call(self, name: str, arguments: dict[str, Any]) -> Any:
        return await self._client.call_tool(name, arguments)

    def _wait(self, work: Any, timeout_s: float | None) -> Any:
        """Runs a coroutine in the server's thread; given up where the caller is stopped."""
        if not self.is_connected:
            work.close()
            raise ToolError(f"The MCP server `{self.server_name}` has ended.{self._said()}", _AGAIN.format(name=self.server_name))
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except FutureTimeoutError:
            future.cancel()
            raise ToolError(f"The MCP server `{self.server_name}` does not answer.{self._said()}", _CHECK) from None
        except Exception as error:
            raise ToolError(f"The MCP server `{self.server_name}` failed: {_reason(error)}.{self._said()}", _CHECK) from None
        except BaseException:  # ■, or the time for the call is over
            future.cancel()
            raise

    def _said(self) -> str:
        """The end of what the process wrote to its standard error."""
        tail = _without_home(self.error_tail or self._read_errors())
        return f" It said: {one_line(tail[-_STDERR_CHARS:], _STDERR_CHARS)}" if tail.strip() else ""

    def _read_errors(self) -> str:
        try:
            size = os.fstat(self._errors.fileno()).st_size
            return os.pread(self._errors.fileno(), 4 * _STDERR_CHARS, max(0, size - 4 * _STDERR_CHARS)).decode("utf-8", "replace")
        except (OSError, ValueError, AttributeError):  # closed, or a system without pread
            return ""


_CHECK = "Does its command run in a terminal? `%glm_mcp list` shows what is connected."
_AGAIN = "`%glm_mcp remove {name}` and add it again."


def _without_home(text: str) -> str:
    """A notebook that is handed on does not tell whose home it was written in."""
    home = os.path.expanduser("~")
    return text.replace(home, "~") if len(home) > 1 else text


def _reason(error: BaseException) -> str:
    """The innermost of nested groups, in a few words."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    said = one_line(str(error).partition("For further information")[0], 200).rstrip(".…")  # pydantic's advertisement
    return said or type(error).__name__


def read_result(result: Any) -> Any:
    """The content of a ``CallToolResult``: text, and pictures as bytes.

    Raises:
        ToolError: the tool says that it failed.
    """
    texts: list[str] = []
    pictures: list[bytes] = []
    for block in result.content:
        kind = getattr(block, "type", "")
        if kind == "text":
            texts.append(block.text)
        elif kind == "image":
            with suppress(ValueError):
                pictures.append(base64.b64decode(block.data, validate=True))
        elif kind == "resource":
            texts.append(getattr(block.resource, "text", "") or f"[resource {one_line(str(block.resource.uri), 200)}]")
        elif kind == "resource_link":
            texts.append(f"[resource {one_line(str(block.uri), 200)}]")
        else:
            texts.append(f"[{one_line(kind, 20) or 'content'} that cannot be shown]")
    text = "\n".join(texts)
    if result.is_error:
        raise ToolError(text or "It failed without a word.")
    if not text and not pictures and result.structured_content is not None:
        return result.structured_content
    return {"text": text, "pictures": pictures} if pictures else text


class Servers(Mapping[str, Server]):
    """The MCP servers of this kernel by name; shows itself as a list."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._notes: list[str] = []
        atexit.register(self.close)

    def __getitem__(self, name: str) -> Server:
        return self._servers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._servers)

    def __len__(self) -> int:
        return len(self._servers)

    def add(self, name: str, *where: str, variables: Sequence[str] = ()) -> Servers:
        """Connects to a server: a command with its arguments, which is started, or an address.

        Args:
            name: by which ``--mcp`` names it.
            where: the words of the command, or one http(s) address.
            variables: names of environment variables that the command needs, e.g. for its key.

        Raises:
            OptionError: the name is taken or cannot be one, or there is no command.
            ToolError: the server does not start or answer.
            MissingExtraError: the ``mcp`` extra is not installed.
        """
        if not wire_name(name) == name or len(name) > 32:
            raise OptionError(f"`{one_line(name, 40)}` cannot be a server's name.", "Use up to 32 letters, digits, `_` and `-`.")
        if name in self._servers:
            raise OptionError(f"There is a server `{name}` already.", f"`%glm_mcp remove {name}` first, or give another name.")
        address = _read_address(where, variables)
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
            rows.append((name, one_line(_without_home(str(server.address)), 120), tools))
        return rows

    def __repr__(self) -> str:
        lines = [" · ".join(row) for row in self._rows()]
        return "\n".join(lines) or "No MCP server is connected: `%glm_mcp add NAME command` connects one."

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self)}


def _read_address(where: Sequence[str], variables: Sequence[str]) -> Address:
    """A command, or an address.

    Raises:
        OptionError: neither, or an address with a password in it.
    """
    if not where:
        raise OptionError("Which server?", "`%glm_mcp add NAME command…` or `%glm_mcp add NAME https://…`.")
    if len(where) == 1 and where[0].startswith(("http://", "https://")):
        if "@" in where[0].split("/")[2]:
            raise OptionError("The address carries a password, which would be saved with the notebook.", "Leave it out.")
        return Address(url=where[0])
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
    about = (raw.description or f"The tool {raw.name} of the server {server.server_name}.")[:_DESCRIPTION_CHARS]
    identity = ("mcp", server.server_name, str(server.address), raw.name, raw.description, repr(raw.input_schema))
    call = partial(_call, server, raw.name)
    read = partial(_read, schema)
    return Tool(name, about, schema.json_schema, read, call, identity, f"MCP server {server.server_name}")


def _read(schema: Schema, values: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        read: Mapping[str, Any] = schema.convert(values)
    except OptionError:  # a reference that leads nowhere
        raise MisfitError("the server's own schema is broken there") from None
    return read


def _call(server: Server, name: str, given: Mapping[str, Any]) -> Any:
    return server.call(name, given)
