"""The WebSocket: opened with the key in its header, text frames both ways, and what its failures mean.

The library is ``websockets``: one package without dependencies; a refused handshake arrives with status and body; close codes and
reasons are kept; it goes through HTTP proxies; and a message of audio costs half of what it costs with ``httpx-ws``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import NO_KEY_WAY_OUT, GLMError, InputError, MissingExtraError, NetworkError, NoProviderError, one_line
from ..failures import parse_failure
from ..providers import Connection

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
PING_EVERY_S = 20.0
MAX_FRAME_BYTES = 16_000_000

_silent = logging.Logger("glm_magics.realtime")  # the library writes the handshake's headers, and so the key, into its log
_silent.disabled = True


class LinkLost(Exception):
    """The connection is gone; `reason` says how, for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Link:
    """One open WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        """Sends one text frame. Raises LinkLost."""
        from websockets.exceptions import ConnectionClosed

        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise LinkLost(_how(error)) from None

    async def receive(self) -> str | bytes:
        """The next frame. Raises LinkLost."""
        from websockets.exceptions import ConnectionClosed

        try:
            return await self._socket.recv()
        except ConnectionClosed as error:
            raise LinkLost(_how(error)) from None

    async def close(self) -> None:
        """Says goodbye, and waits no longer than `CLOSE_TIMEOUT_S` for the other side."""
        await self._socket.close()


def realtime_url(base_url: str) -> str:
    """Where the endpoint is: ``wss://…/realtime`` beside the chat's."""
    parts = urlsplit(base_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/realtime"


async def open_link(connection: Connection) -> Link:
    """A new connection.

    Raises:
        NoProviderError: there is no key.
        InputError: the provider has no such endpoint.
        APIError: the server refused the handshake.
        NetworkError: it could not be reached.
        MissingExtraError: ``websockets`` is not installed.
    """
    _check_endpoint(connection)
    provider, key = connection.provider, connection.key
    try:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
    except ImportError as error:
        raise MissingExtraError.naming("realtime", "Talking needs websockets.") from error

    class Direct(connect):
        """Follows no redirection: the key is meant for one server."""

        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    is_local = urlsplit(provider.base_url).hostname in ("127.0.0.1", "localhost", "::1")
    try:
        socket = await Direct(
            realtime_url(provider.base_url),
            additional_headers={"Authorization": f"Bearer {key.reveal()}"} if key else None,
            compression=None,  # base64 of sound hardly shrinks
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=PING_EVERY_S,
            ping_timeout=None,  # whether the vendor answers pings is not known; its heartbeats say that it lives
            max_size=MAX_FRAME_BYTES,
            proxy=None if is_local else True,
            logger=_silent,
        )
    except InvalidStatus as error:
        raise _refused(error.response.status_code, error.response.body) from None
    except (InvalidHandshake, InvalidURI, OSError, TimeoutError) as error:
        raise _unreachable(provider.host, error) from None
    return Link(socket)


def _check_endpoint(connection: Connection) -> None:
    provider = connection.provider
    if not provider.has_realtime:
        raise InputError(
            f"{provider.name} has no Realtime endpoint.", "`%glm_connect bigmodel` has one; `%glm_connect sandbox` works offline."
        )
    if provider.needs_key and not connection.key:
        raise NoProviderError(f"There is no key for {provider.name}.", NO_KEY_WAY_OUT)


def _refused(status: int, body: bytes | bytearray | None) -> GLMError:
    return parse_failure(status, bytes(body or b"")).error


def _unreachable(host: str, error: Exception) -> GLMError:
    cause = "it did not answer in time" if isinstance(error, TimeoutError) else one_line(str(error), 120).rstrip(".")
    return NetworkError(f"{host} cannot be reached for a call: {cause}.", "Look at the network, a proxy and `%glm_connect`.")


def _how(error: Exception) -> str:
    """In words; the codes of a close are not documented, so a server's own reason counts most."""
    received = getattr(error, "rcvd", None)
    if received is None:
        return "the connection broke off"
    reason = one_line(received.reason, 120)
    return f"the server closed it (code {received.code}{f', “{reason}”' if reason else ''})"
