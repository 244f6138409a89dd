"""Files from the web: judged by what a server on a real socket was asked, and by the sentence where nothing is fetched."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import traceback
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from glm_magics.addresses import Address, find_reach, hide_query, is_odd_number, is_own_host, parse_address
from glm_magics.downloads import Download
from glm_magics.errors import Interrupted, MediaError
from glm_magics.fetch import fetch

from .patience import PATIENCE_S
from .wire import press_stop

PNG = b"\x89PNG\r\n\x1a\nrest"
SECRET = "S3cr3tS1gnature"
Handler = Callable[[httpx.Request], httpx.Response]


def reply(body: bytes = PNG, status: str = "200 OK", length: int | None = None, **headers: str) -> bytes:
    """A whole answer; underscores in header names are dashes."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    return "\r\n".join([*head, "", ""]).encode() + body


def sending(*pieces: bytes) -> Callable[[socket.socket], None]:
    """A server that answers so, then closes."""

    def answer(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
        raise OSError

    return answer


def at(server, path: str = "/a.png", host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.url.rsplit(':', 1)[1].removesuffix('/v1')}{path}"


def from_the_web(url: str, handler: Handler, names: dict[str, list[str]] | None = None, **options) -> Download:
    """`fetch` on an internet in which every name is public but those that are told."""
    names = names or {}
    return fetch(
        url, transport=httpx.MockTransport(handler), look_up=lambda host, port: names.get(host, ["93.184.216.34"]), **options
    )


def leading(**locations: str) -> Handler:
    """A web in which hosts (dots written as ``_``) lead on to other addresses; all others give a picture."""

    def handle(request: httpx.Request) -> httpx.Response:
        location = locations.get(request.headers["host"].replace(".", "_"))
        return httpx.Response(302, headers={"location": location}) if location else httpx.Response(200, content=PNG)

    return handle


# Addresses


@pytest.mark.parametrize(
    ("ip", "reach"),
    [
        *(pytest.param(ip, "public", id=ip) for ip in ("8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1")),
        *(pytest.param(ip, "public", id=ip) for ip in ("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1")),
        *(pytest.param(ip, "own", id=ip) for ip in ("127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1")),
        *(pytest.param(ip, "own", id=ip) for ip in ("100.64.0.1", "fc00::1", "fd12::1", "::ffff:127.0.0.1", "::ffff:a00:1")),
        *(pytest.param(ip, "own", id=ip) for ip in ("::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "2002:7f00:1::")),
        *(pytest.param(ip, "own", id=ip) for ip in ("2a00:1:2:3:0:5efe:10.0.0.1", "2a00:1:2:3:200:5efe:7f00:1")),
        pytest.param("169.254.169.254", "never", id="metadata"),
        pytest.param("::ffff:169.254.169.254", "never", id="metadata-mapped"),
        pytest.param("64:ff9b::a9fe:a9fe", "never", id="metadata-nat64"),
        pytest.param("fd00:ec2::254", "never", id="metadata-v6"),
        pytest.param("100.100.100.200", "never", id="metadata-alibaba"),
        pytest.param("192.0.0.192", "never", id="metadata-oracle"),
        pytest.param("168.63.129.16", "never", id="metadata-azure"),
        *(pytest.param(ip, "never", id=ip) for ip in ("0.0.0.0", "0.1.2.3", "255.255.255.255", "240.0.0.1", "224.0.0.1")),
        *(pytest.param(ip, "never", id=ip) for ip in ("169.254.1.1", "198.18.0.1", "192.0.2.1", "192.0.0.8", "192.88.99.1")),
        *(
            pytest.param(ip, "never", id=ip)
            for ip in ("::", "fe80::1", "fe80::1%eth0", "::1%lo", "ff02::1", "fec0::1", "2001::1")
        ),
        *(pytest.param(ip, "never", id=ip) for ip in ("2001:db8::1", "100::1", "5f00::1", "64:ff9b:1::1", "4000::1", "3fff::1")),
    ],
)
def test_where_an_ip_address_lies(ip: str, reach: str) -> None:
    """Only the internet is public, whatever is written around an IPv4 address."""
    assert find_reach(ip) == reach


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        *(
            (host, True)
            for host in ("localhost", "LOCALHOST.", "a.localhost", "nas", "nas.local", "x.internal", "192.168.0.5", "::1")
        ),
        *(
            (host, False)
            for host in ("x.org", "localhost.org", "local.x.org", "8.8.8.8", "169.254.169.254", "2130706433", "0x7f.1")
        ),
    ],
)
def test_which_hosts_are_ones_own_by_their_spelling(host: str, is_own: bool) -> None:
    """Nothing is looked up for it."""
    assert is_own_host(host) is is_own


@pytest.mark.parametrize(
    ("host", "is_odd"),
    [
        *(
            (host, True)
            for host in ("2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "0177.0.0.1", "1.2.3.4.5", "127.1.")
        ),
        *((host, False) for host in ("127.0.0.1", "127.0.0.1.", "x.org", "1.2.3.4.x.org", "localhost", "::1", "x.0xyz.org")),
    ],
)
def test_odd_spellings_of_ipv4(host: str, is_odd: bool) -> None:
    """Decimal, octal, hexadecimal and short ones, that only C libraries read."""
    assert is_odd_number(host) is is_odd


@pytest.mark.parametrize(
    ("url", "shown", "suffix"),
    [
        pytest.param(f"https://x.org/a.png?sig={SECRET}#t", "x.org/a.png", ".png", id="query"),
        pytest.param(f"https://u:{SECRET}@x.org/t/{SECRET}/A.PNG", "x.org/…/A.PNG", ".png", id="login-and-folder"),
        pytest.param(" http://LocalHost:8888/files/x ", "localhost:8888/…/x", "", id="port"),
        pytest.param("https://x.org", "x.org", "", id="host"),
        pytest.param("https://x.org/", "x.org", "", id="root"),
        pytest.param("https://x.org/report.pdf/", "x.org/report.pdf", ".pdf", id="slash"),
        pytest.param("https://x.org/a%20b.png", "x.org/a b.png", ".png", id="escaped"),
        pytest.param("https://x.org/a%60%0a%1b.png", "x.org/a' .png", ".png", id="escaped-control"),
        pytest.param("http://[::1]:8/a.png", "[::1]:8/a.png", ".png", id="ipv6"),
        pytest.param("https://例え.jp/図.png", "例え.jp/図.png", ".png", id="letters"),
    ],
)
def test_how_an_address_is_shown(url: str, shown: str, suffix: str) -> None:
    """Host and name; neither query, folder nor password."""
    address = parse_address(url)
    assert (address.shown, address.suffix, address.has_login) == (shown, suffix, "@" in url)
    assert SECRET not in repr(address)


@given(st.text(max_size=30), st.text(alphabet="abc:/@?#[]%.\\ \n", max_size=20))
def test_any_text_is_an_address_or_a_sentence(start: str, rest: str) -> None:
    """And what is shown of either holds no query."""
    for url in (start, f"http://{start}", f"https://{rest}", f"http://x.org/{rest}?{SECRET}"):
        try:
            shown = parse_address(url).shown
        except MediaError as error:
            shown = str(error)
        assert SECRET not in shown + hide_query(url)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x.org/a", "data:image/png;base64,AA", "//x.org/a", "", "http:///a", "http://x:y/"]
)
def test_only_http_is_fetched(url: str) -> None:
    """No file of this machine, for one."""
    with pytest.raises(MediaError, match=r"is no http\(s\) address"):
        fetch(url)


# A file


def test_a_file_of_ones_own_server(loopback) -> None:
    """The bytes, the type that the server claims, the name; a plain request without cookie, key or referrer."""
    server = loopback(sending(reply(Content_Type="image/png; q=1")))
    assert fetch(at(server, f"/x/a.png?sig={SECRET}#top")) == Download(PNG, "image/png", "a.png")
    line, *headers = server.requests[0].decode().strip().split("\r\n")
    assert line == f"GET /x/a.png?sig={SECRET} HTTP/1.1"
    assert sorted(header.partition(":")[0].lower() for header in headers) == ["accept", "accept-encoding", "host", "user-agent"]
    assert "Accept-Encoding: identity" in headers


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        pytest.param("/x/a.png", {"content-type": "text/html"}, "a.png", id="as-asked"),
        pytest.param("/download?id=3", {"content-type": "application/pdf"}, "download.pdf", id="by-type"),
        pytest.param("/image.php", {"content-type": "image/webp"}, "image.webp", id="program"),
        pytest.param("/", {"content-type": "image/png"}, "x.org.png", id="no-path"),
        pytest.param("/get", {"content-disposition": 'attachment; filename="r.docx"'}, "r.docx", id="as-called"),
        pytest.param("/get", {"content-disposition": 'attachment; filename="../../etc/r.csv"'}, "r.csv", id="as-called-path"),
        pytest.param("/get", {"content-disposition": 'attachment; filename="C:\\\\x\\\\r.csv"'}, "r.csv", id="as-called-windows"),
        pytest.param(
            "/get", {"content-disposition": "attachment; filename*=UTF-8''%E5%9B%BE.csv"}, "图.csv", id="as-called-utf8"
        ),
        pytest.param("/get", {"content-disposition": "\x00;;=''"}, "get", id="nonsense"),
    ],
)
def test_the_name_tells_the_kind(path: str, headers: dict[str, str], name: str) -> None:
    """As asked for, as the server calls it, or by its type; never a path."""
    assert from_the_web(f"https://x.org{path}", lambda request: httpx.Response(200, content=PNG, headers=headers)).name == name


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "`x.org/…/a.png` asks for a login."),
        (403, "is not given to everybody"),
        (404, "There is nothing at `x.org/…/a.png`."),
        (429, "asked for too often"),
        (500, "(HTTP 500)"),
        (204, "(HTTP 204)"),
        (304, "(HTTP 304)"),
    ],
)
def test_an_error_of_the_server_is_a_sentence(status: int, said: str) -> None:
    """With what to do, and without the query."""
    with pytest.raises(MediaError) as caught:
        from_the_web(f"https://x.org/b/a.png?{SECRET}", lambda request: httpx.Response(status))
    assert said in str(caught.value)
    assert caught.value.way_out
    assert SECRET not in str(caught.value)


def test_secrets_are_in_no_error_and_no_log(loopback, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the query, the folders, or a traceback's text."""
    caplog.set_level(logging.DEBUG)
    server = loopback(sending(b"no http at all\r\n\r\n"))
    with pytest.raises(MediaError) as caught:
        fetch(at(server, f"/{SECRET}/a.png?{SECRET}"))
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + caplog.text


# Redirects


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        pytest.param(leading(x_org="https://y.org/b"), None, id="to-another"),
        pytest.param(leading(x_org="/c", y_org="/"), "leads on and on", id="to-itself"),
        pytest.param(leading(x_org="//y.org/b", y_org="https://z.org"), None, id="relative"),
        pytest.param(leading(x_org="http://y.org/b"), "without encryption", id="downgrade"),
        pytest.param(leading(x_org="file:///etc/passwd"), r"leads to no http\(s\) address", id="file"),
        pytest.param(leading(x_org="https://u:p@y.org/"), "user name or password", id="login"),
        pytest.param(leading(x_org="https://x:y/"), "leads to what is no address", id="nonsense"),
        pytest.param(leading(x_org="https://127.0.0.1/"), "leads on to 127.0.0.1, on this machine", id="loopback"),
        pytest.param(leading(x_org="https://[::ffff:127.0.0.1]/"), "leads on to ::ffff:127.0.0.1", id="mapped"),
        pytest.param(leading(x_org="https://169.254.169.254/latest"), "leads on to 169.254.169.254", id="metadata"),
        pytest.param(leading(x_org="https://2130706433/"), "odd way", id="decimal"),
        pytest.param(leading(x_org="https://0x7f.0.0.1/"), "odd way", id="hexadecimal"),
        pytest.param(leading(x_org="https://localhost/"), "leads on to localhost", id="localhost"),
        pytest.param(leading(x_org="https://intranet/"), "leads on to intranet", id="by-name"),
        pytest.param(leading(x_org="https://both.org/"), "leads on to both.org", id="one-of-its-addresses"),
        pytest.param(leading(x_org="https://y.org", y_org="https://127.0.0.1/"), "leads on to 127.0.0.1", id="second-step"),
    ],
)
def test_redirects_stay_on_the_internet(handler: Handler, said: str | None) -> None:
    """Each step is checked anew."""
    names = {"intranet": ["10.1.1.1"], "both.org": ["93.184.216.34", "192.168.1.1"], "localhost": ["::1"]}
    names |= {ip: [ip] for ip in ("127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1")}
    if said is None:
        assert from_the_web("https://x.org/a.png", handler, names).data == PNG
        return
    with pytest.raises(MediaError, match=said):
        from_the_web("https://x.org/a.png", handler, names)


@pytest.mark.parametrize(("n", "is_fetched"), [(5, True), (6, False)])
def test_five_redirects_are_followed(n: int, is_fetched: bool) -> None:
    """And no more."""

    def handle(request: httpx.Request) -> httpx.Response:
        step = int(request.url.path[1:])
        return httpx.Response(307, headers={"location": f"/{step + 1}"}) if step < n else httpx.Response(200, content=PNG)

    if is_fetched:
        assert from_the_web("https://x.org/0", handle).data == PNG
    else:
        with pytest.raises(MediaError, match="on and on"):
            from_the_web("https://x.org/0", handle)


def test_ones_own_server_may_lead_within_itself_only(loopback) -> None:
    """Neither to another port, nor back again from elsewhere."""
    other = loopback(sending(reply()))
    answers = [reply(b"", "302 Found", Location="/b.png"), reply(), reply(b"", "302 Found", Location=at(other))]
    server = loopback(lambda connection: sending(answers[len(server.requests) - 1])(connection))
    assert fetch(at(server)).data == PNG
    with pytest.raises(MediaError, match=r"leads on to 127\.0\.0\.1"):
        fetch(at(server))
    assert not other.requests


def test_there_is_no_way_back_in() -> None:
    """Not even to the address that the user typed."""
    names = {"localhost": ["127.0.0.1"]}
    handler = leading(localhost="http://x.org/", x_org="http://localhost/admin")
    with pytest.raises(MediaError, match="leads on to localhost"):
        from_the_web("http://localhost/a.png", handler, names)


# Names and what they lead to


@pytest.mark.parametrize(
    ("host", "ips"),
    [
        ("x.org", ["10.0.0.1"]),
        ("x.org", ["93.184.216.34", "127.0.0.1"]),
        ("x.org", ["198.18.0.1"]),
        ("nas.local", ["169.254.169.254"]),
        ("169.254.169.254", ["169.254.169.254"]),
        ("[fe80::1]", ["fe80::1"]),
    ],
)
def test_a_public_name_that_leads_inside_is_refused(host: str, ips: list[str]) -> None:
    """All that it leads to is looked at; metadata servers are nobody's own."""
    with pytest.raises(MediaError, match="is no place on the internet"):
        fetch(f"http://{host}/a.png", transport=httpx.MockTransport(leading()), look_up=lambda *_: ips)


def test_the_connection_goes_to_what_was_checked(loopback) -> None:
    """A name server that changes its mind is asked once; an address that takes no connection is passed over."""
    server = loopback(sending(reply()))
    asked = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2", "127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    url = at(server, host="pictures.example")
    assert fetch(url, look_up=look_up, reach=lambda ip: "public").data == PNG
    assert asked == ["pictures.example"]
    assert f"Host: {url.split('/')[2]}\r\n" in server.requests[0].decode()


@pytest.mark.parametrize("named", ["pictures.example", "else.example"])
def test_the_certificate_is_that_of_the_name(loopback, named: str) -> None:
    """Though the connection goes to an IP address; another name's is not trusted."""
    authority, seen = trustme.CA(), []
    there, here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(named).configure_cert(there)
    authority.configure_trust(here)
    there.sni_callback = lambda connection, name, context: seen.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        try:
            with there.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(reply())
        except OSError:
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    transport = httpx.HTTPTransport(verify=here)
    ask = {"transport": transport, "look_up": lambda *_: ["127.0.0.1"], "reach": lambda ip: "public"}
    url = f"https://pictures.example:{listener.getsockname()[1]}/a.png"
    if named == "pictures.example":
        assert fetch(url, **ask).data == PNG
    else:
        with pytest.raises(MediaError, match="certificate of"):
            fetch(url, **ask)
    thread.join()
    transport.close()
    listener.close()
    assert seen == ["pictures.example"]


def test_an_unknown_name_is_a_sentence() -> None:
    """As is a server that is not there."""
    with pytest.raises(MediaError, match=r"`nobody\.example` is not known"):
        fetch("https://nobody.example/a.png")
    with pytest.raises(MediaError, match="not known"):
        fetch(f"https://{'x' * 70}.org/")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(MediaError, match="cannot be reached"):
        fetch(f"http://127.0.0.1:{port}/")


# A proxy


def test_a_proxy_of_the_environment_connects(loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows names that this machine does not; names that lead inside are refused all the same."""
    proxy = loopback(sending(reply()))
    monkeypatch.setenv("http_proxy", at(proxy, ""))
    assert fetch("http://pictures.example/a.png").data == PNG
    assert proxy.requests[0].startswith(b"GET http://pictures.example/a.png HTTP/1.1")
    with pytest.raises(MediaError, match="no place on the internet"):
        fetch("http://x.org/a.png", look_up=lambda *_: ["10.0.0.1"])


def test_no_proxy_for_ones_own_server(loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no way there; nor where NO_PROXY says so."""
    proxy, server = loopback(sending(reply(b"proxy"))), loopback(sending(reply()))
    monkeypatch.setenv("http_proxy", at(proxy, ""))
    monkeypatch.setenv("no_proxy", "direct.example")
    assert fetch(at(server)).data == PNG
    direct = fetch(at(server, host="direct.example"), look_up=lambda *_: ["127.0.0.1"], reach=lambda ip: "public")
    assert (direct.data, proxy.requests) == (PNG, [])


def test_a_proxy_that_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the password in it."""
    monkeypatch.setenv("https_proxy", f"gopher://u:{SECRET}@x.org")
    with pytest.raises(MediaError, match="proxy settings") as caught:
        fetch("https://pictures.example/a.png")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


# Too large, too slow, broken


ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"


def stream_without_end(connection: socket.socket) -> None:
    connection.sendall(ENDLESS)
    while True:
        connection.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(sending(reply(length=10**12)), "larger than 0.1 MB", id="declared"),
        pytest.param(stream_without_end, "larger than 0.1 MB", id="endless"),
        pytest.param(sending(reply(gzip.compress(bytes(10**8)), Content_Encoding="gzip")), "larger than 0.1 MB", id="gzip-bomb"),
        pytest.param(sending(reply(zlib.compress(bytes(10**8)), Content_Encoding="deflate")), "larger than", id="deflate-bomb"),
        pytest.param(sending(reply(b"xx", Content_Encoding="br")), "comes packed as br", id="brotli"),
        pytest.param(sending(reply(b"xx", Content_Encoding="gzip, gzip")), "comes packed as gzip, gzip", id="twice"),
        pytest.param(sending(reply(b"xx", Content_Encoding="gzip")), "comes damaged", id="no-gzip"),
        pytest.param(sending(reply(b"")), "is empty", id="empty"),
        pytest.param(sending(reply(length=len(PNG) + 5)), "broke off", id="cut"),
        pytest.param(sending(b""), "broke off", id="nothing"),
        pytest.param(sending(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10**6), "broke off", id="endless-header"),
        pytest.param(sending(b"SSH-2.0\r\n"), "broke off", id="another-protocol"),
    ],
)
def test_what_is_no_whole_small_file_is_a_sentence(loopback, answer: Callable[[socket.socket], None], said: str) -> None:
    """Read and unpacked no further than the limit."""
    server = loopback(answer)
    with pytest.raises(MediaError, match=said) as caught:
        fetch(at(server), max_bytes=100_000, timeout_s=10)
    assert caught.value.way_out


def test_a_bomb_is_not_unpacked(loopback) -> None:
    """A hundred megabytes of nothing in a hundred kilobytes: no more memory than the limit, or little more."""
    server = loopback(sending(reply(gzip.compress(bytes(10**8)), Content_Encoding="gzip")))
    tracemalloc.start()
    with pytest.raises(MediaError, match="larger than"):
        fetch(at(server), max_bytes=100_000)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 10_000_000


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate", "identity"])
def test_a_file_that_comes_packed_is_unpacked(loopback, encoding: str) -> None:
    """Though it was not asked for: some stores keep files so."""
    packed = {"deflate": zlib.compress(PNG), "identity": PNG}.get(encoding, gzip.compress(PNG))
    assert fetch(at(loopback(sending(reply(packed, Content_Encoding=encoding))))).data == PNG


def dribble(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Wait: a little\r\n")
        threading.Event().wait(0.02)


def stay_silent(connection: socket.socket) -> None:
    connection.sendall(ENDLESS)
    if not connection.recv(1):
        raise OSError


@pytest.mark.parametrize("answer", [dribble, stay_silent], ids=["slow-header", "silent"])
def test_the_time_is_limited_as_a_whole(loopback, answer: Callable[[socket.socket], None]) -> None:
    """However often something comes; the connection is closed."""
    server = loopback(answer)
    with pytest.raises(MediaError, match=r"was not here after 0\.3 s"):
        fetch(at(server), timeout_s=0.3)
    assert server.is_closed.wait(PATIENCE_S)


def test_a_stuck_look_up_is_limited_too() -> None:
    """It cannot be woken, but it is not waited for."""
    over = threading.Event()

    def look_up(host: str, port: int) -> list[str]:
        over.wait(PATIENCE_S)
        return []

    with pytest.raises(MediaError, match="was not here after"):
        fetch("https://x.org/", look_up=look_up, timeout_s=0.1)
    over.set()


def test_stop_ends_it_at_once(loopback) -> None:
    """■: nothing is left behind; the server sees the client go."""
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(ENDLESS)
        press_stop()
        stay_silent(connection)

    server = loopback(answer)
    with pytest.raises(Interrupted):
        fetch(at(server))
    assert server.is_closed.wait(PATIENCE_S)

    def look_up(host: str, port: int) -> list[str]:
        press_stop()
        over.wait(PATIENCE_S)
        return []

    with pytest.raises(Interrupted):
        fetch("https://x.org/", look_up=look_up)
    over.set()


@given(
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(["content-type", "content-encoding", "location"]), st.text(max_size=9)),
)
def test_any_answer_is_a_file_or_a_sentence(body: bytes, headers: dict[str, str]) -> None:
    """Whatever a server makes up."""
    try:
        response = httpx.Response(302 if "location" in headers else 200, headers=httpx.Headers(headers, "utf-8"), content=body)
    except (ValueError, UnicodeError, httpx.DecodingError):
        return
    with suppress(MediaError):
        assert from_the_web("https://x.org/a.png", lambda request: response).data


def test_an_address_is_a_value() -> None:
    """Two of the same are equal, so parts can be remembered by it."""
    assert (
        parse_address("http://x.org/a")
        == parse_address(" http://x.org/a")
        == Address("http://x.org/a", "x.org", "a", "x.org/a", False)
    )
