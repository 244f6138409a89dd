"""Files from the web, downloaded here: with a limit on size and time, and no way into this machine's own network.

One seam: ``fetch(url, transport=...)`` takes any ``httpx.BaseTransport``. No cookies, no keys, no `Referer` go out.

Who may be asked: an address that by its very spelling lies on this machine or network (``localhost:8888``) is the user's own
and is fetched; every other name must lead to the internet, and so must each redirect. The name is looked up once, all that it
leads to is checked, and the connection goes to what was checked, so a name server that changes its mind changes nothing. Where
the environment names a proxy, the proxy connects: then names are checked as far as this machine knows them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from .addresses import Address, Reach, find_reach, is_odd_number, parse_address
from .downloads import Download, read_download, refusal
from .errors import Interrupted, MediaError, one_line
from .reach import ssl_context

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 200_000_000
"""The vendor's limit for its largest kind of file, videos."""

TIMEOUT_S = 120.0
"""For everything together: looking the name up, connecting, redirects, and the last byte."""

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECT_S, _SILENCE_S, _MAX_IPS = 8.0, 20.0, 4
_HEADERS = {"User-Agent": "glm-magics", "Accept": "*/*", "Accept-Encoding": "identity"}
_BY_HAND = "Download it yourself and give the file."
_AT_ITS_PLACE = "Give the address at which the file itself is."

LookUp: TypeAlias = Callable[[str, int], list[str]]
"""From a host's name and port to its IP addresses, best first. Raises OSError when there are none."""


def look_up_name(host: str, port: int) -> list[str]:
    """The IP addresses that this machine knows for a name.

    Raises:
        OSError: none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (UnicodeError, OverflowError):  # a label of more than 63 letters; a port beyond all
        raise OSError from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch(
    url: str,
    *,
    max_bytes: int = MAX_BYTES,
    timeout_s: float = TIMEOUT_S,
    transport: httpx.BaseTransport | None = None,
    look_up: LookUp = look_up_name,
    reach: Callable[[str], Reach] = find_reach,
) -> Download:
    """Downloads one file. A thread does it, so that ■ and `timeout_s` hold for a stuck look-up of a name too.

    Args:
        url: an http(s) address.
        max_bytes: of the file, unpacked.
        timeout_s: for everything together.
        transport: a seam for tests; None means the network.
        look_up, reach: seams for tests: which IP addresses a name has, and where one lies.

    Raises:
        MediaError: it cannot or may not be reached, is no file, too large or too slow.
        Interrupted: the user stopped it.
    """
    errand = _Errand(parse_address(url), max_bytes, transport, look_up, reach)
    answers: SimpleQueue[Download | MediaError] = SimpleQueue()
    try:
        threading.Thread(target=lambda: answers.put(errand.run()), name="glm-fetch", daemon=True).start()
        answer = _wait(answers, timeout_s)
    except KeyboardInterrupt:
        raise Interrupted from None
    finally:
        errand.stop()
    if answer is None:
        raise MediaError(f"`{errand.address.shown}` was not here after {timeout_s:g} s.", _BY_HAND)
    if isinstance(answer, MediaError):
        raise answer
    return answer


def _wait(answers: SimpleQueue[Download | MediaError], timeout_s: float) -> Download | MediaError | None:
    """What comes, or None; in short steps, since Windows tells a thread that waits nothing of ■."""
    end_s = time.monotonic() + timeout_s
    while (left_s := end_s - time.monotonic()) > 0:
        with suppress(Empty):
            return answers.get(timeout=min(left_s, 0.1))
    return None


class _Errand:
    """One download, done by `run` in a thread of its own; `stop` ends it from any other."""

    def __init__(
        self,
        address: Address,
        max_bytes: int,
        transport: httpx.BaseTransport | None,
        look_up: LookUp,
        reach: Callable[[str], Reach],
    ) -> None:
        self.address = address
        self._max_bytes = max_bytes
        self._transport = transport
        self._look_up = look_up
        self._reach = reach
        self._own_origin: tuple[str, int] | None = None
        self._has_moved = False
        self._socket: socket.socket | None = None
        self._is_stopped = False

    def stop(self) -> None:
        """Shuts the connection, which wakes a read that blocks."""
        self._is_stopped = True
        if self._socket is not None:
            with suppress(OSError):  # closed already
                self._socket.shutdown(socket.SHUT_RDWR)

    def run(self) -> Download | MediaError:
        """The file, or what to say."""
        try:
            return self._follow()
        except MediaError as error:
            return error
        except Exception as error:  # whatever a foreign server brings a library to raise
            return _in_words(error, self.address)

    def _follow(self) -> Download:
        import httpx

        url = httpx.URL(self.address.url)
        self._own_origin = _origin(url) if self.address.is_own else None
        for _ in range(MAX_REDIRECTS + 1):
            ips = self._find_ips(url)
            with self._open(url, ips) as response:
                if response.status_code == 200:
                    return read_download(self.address, url.path, response.headers, _body(response), self._max_bytes)
                if response.status_code not in _REDIRECTS:
                    raise refusal(response.status_code, self.address)
                url = self._next(url, response.headers)
        raise MediaError(f"`{self.address.shown}` leads on and on.", _AT_ITS_PLACE)

    def _next(self, url: httpx.URL, headers: Mapping[str, str]) -> httpx.URL:
        import httpx

        shown = f"`{self.address.shown}`"
        try:
            following = url.join(headers.get("location", ""))
        except (httpx.InvalidURL, ValueError):
            raise MediaError(f"{shown} leads to what is no address.", _AT_ITS_PLACE) from None
        if url.scheme == "https" and following.scheme == "http":
            raise MediaError(f"{shown} leads to an address without encryption.", "Give that address itself if you trust it.")
        if _origin(following) != self._own_origin:
            self._own_origin = None  # once out, there is no way back in
        self._has_moved = True
        return following

    def _find_ips(self, url: httpx.URL) -> list[str]:
        """The IP addresses to connect to, in order; empty where only the proxy knows the name.

        Raises:
            MediaError: nobody is there, or nobody who may be asked.
        """
        host, port = _origin(url)
        if url.scheme not in ("http", "https") or not host:
            raise MediaError(f"`{self.address.shown}` leads to no http(s) address.", _AT_ITS_PLACE)
        if url.userinfo:
            raise MediaError(f"`{self.address.shown}` carries a user name or password.", _BY_HAND)
        if is_odd_number(host):
            raise MediaError(f"`{one_line(host, 40)}` is an odd way to write an IP address.", "Write it as four numbers.")
        try:
            ips = self._look_up(host, port)
        except OSError:
            if self._transport is None and self._proxy(url):
                return []
            raise MediaError(f"`{one_line(host, 80)}` is not known to this network.", "Look at its spelling.") from None
        allowed = ("public", "own") if _origin(url) == self._own_origin else ("public",)
        if any(self._reach(ip) not in allowed for ip in ips):
            raise self._inside(host)
        return ips[:_MAX_IPS]

    def _inside(self, host: str) -> MediaError:
        shown = f"`{self.address.shown}`"
        if not self._has_moved:
            return MediaError(f"{shown} is no place on the internet.", _BY_HAND)
        return MediaError(f"{shown} leads on to {one_line(host, 80)}, on this machine or its network.", "Nothing was fetched.")

    def _proxy(self, url: httpx.URL) -> str:
        """The environment's proxy for this address; none for the user's own machines, to which it has no way."""
        from urllib.request import getproxies, proxy_bypass

        host, port = _origin(url)
        if self._own_origin is not None or proxy_bypass(f"{host}:{port}"):
            return ""
        proxies = getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all") or ""
        return proxy if "://" in proxy or not proxy else f"http://{proxy}"

    @contextmanager
    def _open(self, url: httpx.URL, ips: list[str]) -> Iterator[httpx.Response]:
        proxy = self._proxy(url) if self._transport is None else ""
        transport = self._transport or _new_transport(proxy)
        try:
            with closing(self._send(transport, url, [] if proxy else ips)) as response:
                yield response
        finally:
            if transport is not self._transport:
                transport.close()

    def _send(self, transport: httpx.BaseTransport, url: httpx.URL, ips: list[str]) -> httpx.Response:
        """The answer of the first IP address that takes the connection; `Host` and certificate are those of the name."""
        import httpx

        host, _ = _origin(url)
        extensions: dict[str, Any] = {"timeout": httpx.Timeout(_SILENCE_S, connect=_CONNECT_S).as_dict(), "trace": self._trace}
        if host not in ips:
            extensions["sni_hostname"] = host
        headers = {**_HEADERS, "Host": url.netloc.decode("ascii")}
        *others, last = [url.copy_with(host=ip) for ip in ips] or [url]
        for target in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return transport.handle_request(httpx.Request("GET", target, headers=headers, extensions=extensions))
        return transport.handle_request(httpx.Request("GET", last, headers=headers, extensions=extensions))

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace hook: it alone shows the socket before the response has begun."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            self._socket = found if isinstance(found, socket.socket) else None
            if self._is_stopped:
                self.stop()


def _origin(url: httpx.URL) -> tuple[str, int]:
    return url.raw_host.decode("ascii").lower().rstrip("."), url.port or (443 if url.scheme == "https" else 80)


def _body(response: httpx.Response) -> Iterable[bytes]:
    """As it comes: httpx itself would unpack without a limit."""
    from httpx import SyncByteStream

    assert isinstance(response.stream, SyncByteStream)
    return response.stream


def _new_transport(proxy: str) -> httpx.BaseTransport:
    import httpx

    try:
        return httpx.HTTPTransport(verify=ssl_context(), proxy=proxy or None, trust_env=False)
    except (ImportError, ValueError, httpx.InvalidURL):  # the text may hold a proxy's password
        raise MediaError(
            "The proxy settings of this machine cannot be used.",
            "Look at HTTPS_PROXY and ALL_PROXY; a SOCKS proxy needs `pip install httpx[socks]`.",
        ) from None


def _in_words(error: Exception, address: Address) -> MediaError:
    import httpx

    shown = f"`{address.shown}`"
    if isinstance(error, httpx.InvalidURL):
        return MediaError(f"{shown} is no address that can be fetched.", "Look at its spelling.")
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE" in str(error).upper():
        return MediaError(f"The certificate of {shown} is not trusted here.", _BY_HAND)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return MediaError(f"The server of {shown} cannot be reached.", "Look at the network, a proxy and the address.")
    if isinstance(error, httpx.TimeoutException):
        return MediaError(f"The server of {shown} said nothing for {_SILENCE_S:g} s.", "Try again later.")
    if isinstance(error, httpx.HTTPError | httpx.StreamError | OSError):
        return MediaError(f"The download of {shown} broke off.", "Run the cell again.")
    return MediaError(f"{shown} cannot be downloaded ({type(error).__name__}).", _BY_HAND)
