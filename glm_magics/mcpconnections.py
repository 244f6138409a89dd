"""One MCP server: started or reached, listed, called, ended. The official SDK speaks the protocol, in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import shlex
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from .errors import ToolError, one_line
from .mcpheaders import Header

START_S = 30.0
"""To start a server and hear what tools it has; a package may first be fetched."""

LIST_S = 10.0
_END_S = 8.0
_READ_S = 300.0
"""A server may hold an answer open so long: the SDK's own limit."""

_MAX_PAGES, _MAX_LISTED = 20, 1000
_STDERR_CHARS = 300


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Attributes:
        command: to start, with its arguments; empty for an address.
        url: of a server over streamable HTTP; empty for a command.
        variables: names of environment variables that the command gets; without them it sees none but the usual few.
        headers: sent with each request to the url.
    """

    command: tuple[str, ...] = ()
    url: str = ""
    variables: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()

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
        self._calling = threading.Lock()  # what is asked for before the end is ended with it
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  # closed in `run`
        self.error_tail = ""
        self._status = 0  # of the last answer over HTTP

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
            said = f"The MCP server `{self.server_name}` does not answer within {timeout_s:g} s.{self._said()}"
            raise ToolError(said, self._way_out()) from None
        except KeyboardInterrupt:
            self.stop()
            raise
        except Exception as error:
            said = f"The MCP server `{self.server_name}` cannot be used: {self._reason(error)}.{self._said()}"
            raise ToolError(said, self._way_out()) from None

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
            with self._calling:
                self._client = None
            self.error_tail = self._read_errors()
            self._errors.close()
            with suppress(Exception):
                self._loop.run_until_complete(self._end_calls())
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _end_calls(self) -> None:
        """Whoever waits for an answer gets none."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self) -> None:
        from mcp import Client

        async with self._transport() as transport, Client(transport) as client:
            self._client = client
            self._ready.set_result(None)
            await self._over.wait()

    @asynccontextmanager
    async def _transport(self) -> AsyncGenerator[Any]:
        """The way to the server; a key is put into its header here and kept nowhere else."""
        if self.address.command:
            from mcp import StdioServerParameters
            from mcp.client.stdio import stdio_client

            command, *arguments = self.address.command
            env = {name: os.environ[name] for name in self.address.variables if name in os.environ}
            yield stdio_client(StdioServerParameters(command=command, args=arguments, env=env), errlog=self._errors)
            return
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        async with httpx2.AsyncClient(
            headers={header.name: header.fill() for header in self.address.headers},
            timeout=httpx2.Timeout(START_S, read=_READ_S),
            event_hooks={"response": [self._note_status]},
        ) as http:
            yield streamable_http_client(self.address.url, http_client=http)

    async def _note_status(self, response: Any) -> None:
        self._status = response.status_code

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
            if not cursor or len(tools) > _MAX_LISTED:
                break
        return tools

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """What a tool gives: its text; with pictures a dict of text and their bytes.

        Raises:
            ToolError: it failed, or the server has ended.
        """
        return read_result(self._wait(self._client_call(name, dict(arguments)), None), self.without_keys)

    async def _client_call(self, name: str, arguments: dict[str, Any]) -> Any:
        return await self._client.call_tool(name, arguments)

    def _wait(self, work: Any, timeout_s: float | None) -> Any:
        """Runs a coroutine in the server's thread; given up where the caller is stopped."""
        with self._calling:
            if not self.is_connected:
                work.close()
                raise self._ended()
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except CancelledError:
            raise self._ended() from None
        except FutureTimeoutError:
            future.cancel()
            raise ToolError(f"The MCP server `{self.server_name}` does not answer.{self._said()}", self._way_out()) from None
        except Exception as error:
            said = f"The MCP server `{self.server_name}` failed: {self._reason(error)}.{self._said()}"
            raise ToolError(said, self._way_out()) from None
        except BaseException:  # ■, or the time for the call is over
            future.cancel()
            raise

    def _ended(self) -> ToolError:
        return ToolError(f"The MCP server `{self.server_name}` has ended.{self._said()}", _AGAIN.format(name=self.server_name))

    def _reason(self, error: BaseException) -> str:
        """What went wrong, in a few words; of HTTP the status, which the SDK does not tell."""
        said = self.without_keys(_reason(error))
        return f"{said} (HTTP {self._status})" if self._status >= 400 else said

    def without_keys(self, text: str) -> str:
        """The text as it may be shown or sent on: of a key that the server repeats only the variable's name."""
        for header in self.address.headers:
            text = header.hide(text)
        return text

    def _way_out(self) -> str:
        if self.address.command:
            return _CHECK
        if self._status not in _NOT_LET_IN:
            return _CHECK_URL
        return _OTHER_KEY if self.address.headers else _NEEDS_KEY

    def _said(self) -> str:
        """The end of what the process wrote to its standard error."""
        written = self._read_errors() or self.error_tail  # its thread keeps the tail first, and then closes the file
        tail = without_home(written)
        return f" It said: {one_line(tail[-_STDERR_CHARS:], _STDERR_CHARS)}" if tail.strip() else ""

    def _read_errors(self) -> str:
        try:
            size = os.fstat(self._errors.fileno()).st_size
            return os.pread(self._errors.fileno(), 4 * _STDERR_CHARS, max(0, size - 4 * _STDERR_CHARS)).decode("utf-8", "replace")
        except (OSError, ValueError, AttributeError):  # closed, or a system without pread
            return ""


_CHECK = "Does its command run in a terminal? `%glm_mcp list` shows what is connected."
_CHECK_URL = "Is the address right, and is the server there? `%glm_mcp list` shows what is connected."
_NEEDS_KEY = 'It lets in who has a key: `%glm_mcp add NAME --header "Authorization: Bearer $TOKEN_NAME" https://…`.'
_OTHER_KEY = "Is the key in the environment variable the right one, and does this server want it in this header?"
_NOT_LET_IN = (401, 403)
_AGAIN = "`%glm_mcp remove {name}` and add it again."


def without_home(text: str) -> str:
    """A notebook that is handed on does not tell whose home it was written in."""
    home = os.path.expanduser("~")
    return text.replace(home, "~") if len(home) > 1 else text


def _reason(error: BaseException) -> str:
    """The innermost of nested groups, in a few words."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    said = one_line(str(error).partition("For further information")[0], 200).rstrip(".…")  # pydantic's advertisement
    return said or type(error).__name__


def read_result(result: Any, without_keys: Callable[[str], str]) -> Any:
    """The content of a ``CallToolResult``: text, and pictures as bytes; of a key that the server repeats only its name.

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
    text = without_keys("\n".join(texts))
    if result.is_error:
        raise ToolError(text or "It failed without a word.", "")  # for the model, who knows best what to do
    if not text and not pictures and result.structured_content is not None:
        return json.loads(without_keys(json.dumps(result.structured_content)))
    return {"text": text, "pictures": pictures} if pictures else text
