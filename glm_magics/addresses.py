"""Web addresses as values: how they are shown without their secrets, and which machines they may lead to."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import PurePosixPath
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from .errors import MediaError, one_line

Reach: TypeAlias = Literal["public", "own", "never"]
"""Where an IP address lies: on the internet, on this machine or its network, or where nobody's files are."""


PROGRAMS = frozenset({".php", ".asp", ".aspx", ".ashx", ".jsp", ".cgi", ".do"})
"""Suffixes that name what runs on the server, not what it gives."""


@dataclass(frozen=True, slots=True)
class Address:
    """An http(s) address taken apart.

    Attributes:
        url: as it was given, its scheme in lower case. It may hold secrets (a signature, a token): show `shown` instead.
        host: in lower case, without a port.
        name: the last part of the path; may be empty.
        shown: host and name, for people: ``x.org/…/a.png``.
        has_login: it carries a user name or password.
    """

    url: str = field(repr=False)
    host: str
    name: str
    shown: str
    has_login: bool

    @property
    def suffix(self) -> str:
        """Of the name, with the dot, in lower case; may be empty."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def is_own(self) -> bool:
        """True when it says by its very spelling that it lies on this machine or network."""
        return is_own_host(self.host)


def parse_address(url: str) -> Address:
    """An http(s) address as a value.

    Raises:
        MediaError: it is none.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # a port of letters, an unclosed bracket
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        shown = one_line(hide_query(url), 60).replace("`", "'")
        raise MediaError(f"`{shown}` is no http(s) address.", "Look at its spelling.")
    path = unquote(parts.path).rstrip("/")
    name = path.rpartition("/")[2]
    folders = "/…/" if path.count("/") > 1 else "/"
    shown = f"[{host}]{port}" if ":" in host else f"{host}{port}"
    shown = one_line(f"{shown}{folders}{name}" if name else shown, 80).replace("`", "'")
    return Address(f"{parts.scheme}:{url.strip().partition(':')[2]}", host, name, shown, "@" in parts.netloc)


def hide_query(url: str) -> str:
    """The address without what may be secret: ``https://x.org/photos/a.png?…``; other text stays as it is."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    for sign in "?#":
        rest = f"{rest.partition(sign)[0]}{sign}…" if sign in rest else rest
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


_OWN_ENDINGS = ("localhost", "local", "internal", "intranet", "private", "lan", "home.arpa")


def is_own_host(host: str) -> bool:
    """True for ``localhost``, names without a dot or under ``.local`` and the like, and addresses of private networks."""
    host = host.lower().rstrip(".")
    try:
        return find_reach(host) == "own"
    except ValueError:
        is_bare = "." not in host and not is_odd_number(host)
        return is_bare or any(host.endswith(f".{ending}") for ending in _OWN_ENDINGS)


def is_odd_number(host: str) -> bool:
    """True for an IPv4 address in one of the spellings that only C libraries read: ``2130706433``, ``0x7f.1``, ``127.1``."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    if ":" in host or not (last.isdigit() or last.startswith("0x")):
        return False
    try:
        IPv4Address(host.rstrip("."))
    except ValueError:
        return True
    return False


_METADATA = ("169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
"""Where machines of AWS and its like, Alibaba, Oracle and Azure find their own keys."""

_OWN = tuple(
    map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7"))
)
_CLOSED = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")))
"""Closed whatever this Python's own tables say: they changed from release to release (IANA special-purpose registries)."""

_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


def find_reach(ip: str) -> Reach:
    """Where an IP address lies; one that carries an IPv4 address within is judged by that.

    Raises:
        ValueError: it is no IP address in its usual spelling.
    """
    address = ip_address(ip)
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return "never"
        carried = _carried(address)
        if carried is not None:
            return find_reach(str(carried))
    if str(address) in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return "never"
    if any(address in network for network in _OWN):
        return "own"
    if any(address in network for network in _CLOSED) or not address.is_global:
        return "never"
    return "public" if isinstance(address, IPv4Address) or address in _GLOBAL_V6 else "never"


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address in a mapped, compatible, NAT64, 6to4 or ISATAP address; such a packet ends at that machine."""
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    low = int(address) & 0xFFFFFFFF
    is_compatible = address in _COMPATIBLE and low > 1  # 0 and 1 are “none” and this machine
    is_isatap = (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
    return IPv4Address(low) if is_compatible or address in _NAT64 or is_isatap else None
