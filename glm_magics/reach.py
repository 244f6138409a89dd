"""Reaching a server: what is trusted, what is on this machine, and what it means when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import GLMError, NetworkError, one_line

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_TIMEOUT_S = 8.0


class Retry(Exception):
    """Internal: this attempt failed in a way that another may cure."""

    def __init__(self, error: GLMError, retry_after_s: float | None = None, only_once: bool = False) -> None:
        super().__init__()
        self.error = error
        self.retry_after_s = retry_after_s
        self.only_once = only_once


def is_local(url: str) -> bool:
    """Whether it is a port of this machine, to which no proxy has a way."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def network_error(error: Exception, host: str, timeout_s: float) -> Exception:
    """What to raise for an error of the HTTP library: a `NetworkError`, in a `Retry` where another try makes sense."""
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        return Retry(NetworkError(f"{host} did not answer within {CONNECT_TIMEOUT_S:g} s.", _NETWORK), only_once=True)
    if isinstance(error, httpx.TimeoutException):
        return NetworkError(f"{host} said nothing for {timeout_s:g} s.", "Try again, or allow more with --timeout SECONDS.")
    if isinstance(error, httpx.ConnectError):
        cause = _connect_cause(error)
        return Retry(NetworkError(f"{host} cannot be reached: {cause}.", _NETWORK), only_once=True)
    return Retry(NetworkError(f"The connection to {host} was lost before the answer began.", _NETWORK), only_once=True)


_NETWORK = "Look at the network, a proxy and the address (`%glm_connect`)."


def _connect_cause(error: Exception) -> str:
    text = str(error)
    if "CERTIFICATE" in text.upper():
        return "its certificate is not trusted here"
    if "refused" in text:
        return "nothing listens there"
    if any(sign in text for sign in ("Name or service", "resolution", "getaddrinfo", "nodename")):
        return "its name is not known to this network"
    return one_line(text, 120) or "no connection"


def open_http(base_url: str, transport: httpx.BaseTransport | None, n_connections: int = 1) -> httpx.Client:
    """An HTTP client by the settings of this machine, for at most so many connections at once.

    Raises:
        NetworkError: they cannot be used.
    """
    import httpx

    is_here = is_local(base_url)
    with machine_settings():
        return httpx.Client(
            transport=transport,
            verify=ssl_context() if transport is None and not is_here else True,
            trust_env=not is_here,  # a proxy has no way to this machine's own ports
            limits=httpx.Limits(max_connections=n_connections, max_keepalive_connections=n_connections, keepalive_expiry=60),
        )


@contextmanager
def machine_settings() -> Iterator[None]:
    """What an HTTP library says of proxy and certificate variables, in one sentence."""
    import httpx

    try:
        yield
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:  # the text may hold a proxy's password
        raise NetworkError(
            f"The proxy or certificate settings of this machine cannot be used ({type(error).__name__}).",
            "Look at HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE; a SOCKS proxy needs `pip install httpx[socks]`.",
        ) from None


@cache
def ssl_context() -> ssl.SSLContext:
    """One TLS context for all connections: building one takes longer than a request's whole overhead."""
    import httpx

    return httpx.create_ssl_context()
