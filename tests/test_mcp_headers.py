"""MCP servers that want a key: it is read from the environment, and is nowhere but in the header of the request."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import glm_magics
from glm_magics.errors import OptionError, ToolError
from glm_magics.magics.completion import complete_line
from glm_magics.testing import FakeGLM

from .test_magics import run
from .test_tools import call as asked
from .test_tools import calling

KEY = "k3y-of-the-shop-0123456789"
TOOLS = [
    {"name": name, "description": "A tool.", "inputSchema": {"type": "object"}} for name in ("price", "fail", "break", "rows")
]


class Gate(BaseHTTPRequestHandler):
    """An MCP server over HTTP that lets in who has the key, and repeats the key wherever it can."""

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append(dict(self.headers))  # type: ignore[attr-defined]
        given = self.headers.get("authorization", "")
        if given != f"Bearer {KEY}":
            return self._send(401, {"error": f"{given} is not let in"})
        if "id" not in message:
            return self._send(202, {})
        answer = _answer(message, given)
        self._send(200, {"jsonrpc": "2.0", "id": message["id"], **answer})

    def do_GET(self) -> None:
        self._send(405, {})

    do_DELETE = do_GET

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: Any) -> None:
        """Nothing is printed."""


def _answer(message: dict[str, Any], given: str) -> dict[str, Any]:
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "gate", "version": "1"}}
        return {"result": {"protocolVersion": params["protocolVersion"], **about}}
    if method == "tools/list":
        return {"result": {"tools": [{**tool, "description": f"For {given}."} for tool in TOOLS]}}
    if method != "tools/call" or params["name"] == "break":
        return {"error": {"code": -32601, "message": f"not for {given}"}}
    if params["name"] == "rows":
        return {"result": {"content": [], "structuredContent": {"who": given}}}
    return {"result": {"content": [{"type": "text", "text": f"3 € for {given}"}], "isError": params["name"] == "fail"}}


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    """The server, and its key in the environment."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    server.daemon_threads = True
    server.seen = []  # type: ignore[attr-defined]
    server.url = f"http://127.0.0.1:{server.server_port}/mcp"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("SHOP_KEY", KEY)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('add shop --header "Authorization: Bearer $SHOP_KEY" {url}', id="before"),
        pytest.param('add shop {url} --header "Authorization: Bearer $SHOP_KEY"', id="behind"),
        pytest.param("add shop --header='authorization:Bearer ${{SHOP_KEY}}' {url}", id="equals-sign-and-braces"),
        pytest.param('add shop --header "X-Region: $SHOP_REGION" --header "Authorization: $SHOP_BEARER" {url}', id="two"),
    ],
)
def test_the_key_goes_into_the_header_alone(
    ip, fake: FakeGLM, gate: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Every request has it; nothing that is shown, logged or sent to the model does, whatever the server repeats."""
    monkeypatch.setenv("SHOP_BEARER", f"Bearer {KEY}")
    monkeypatch.setenv("SHOP_REGION", "region-of-the-north")
    caplog.set_level(logging.DEBUG)
    assert run(ip, f"%glm_mcp {line.format(url=gate.url)}").success
    servers = glm_magics.mcp()
    for name in ("price", "fail", "break", "rows"):
        calling(fake, asked(f"shop_{name}"))
        fake.reply("Done.")
        assert run(ip, "%%glm --mcp shop --yes\nGo.").success
    assert all(seen["authorization"] == f"Bearer {KEY}" for seen in ({k.lower(): v for k, v in s.items()} for s in gate.seen))
    results = [body["messages"][-1]["content"] for body in fake.bodies[1::2]]
    assert ["$SHOP_" in result for result in results] == [True] * 4, results
    shown = [repr(servers), repr(vars(servers["shop"])), str(servers["shop"].address), json.dumps(fake.bodies), caplog.text]
    assert KEY not in "".join(shown)
    assert run(ip, "%glm_mcp remove shop").success


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param('add shop --header "Authorization: Bearer sk-abcdef" {url}', "$TOKEN_NAME", id="typed"),
        pytest.param('add shop --header "Authorization: sk-abcdef $SHOP_KEY" {url}', "$TOKEN_NAME", id="typed-before"),
        pytest.param('add shop --header "Authorization: Bearer $SHOP_KEY.sk-abcdef" {url}', "$TOKEN_NAME", id="typed-behind"),
        pytest.param('add shop --header "Bearer sk-abcdef" {url}', "a name, a colon and a value", id="no-colon"),
        pytest.param('add shop --header "Bearer sk-abcdef: $SHOP_KEY" {url}', "no name of a header", id="typed-as-name"),
        pytest.param('add --header "Authorization: Bearer sk-abcdef" shop {url}', "cannot read `add`", id="before-the-name"),
        pytest.param("add shop {url} --header", "needs a value", id="nothing"),
        pytest.param('add shop --header "A: $NO_SUCH_VARIABLE_HERE" {url}', "no environment variable", id="not-set"),
        pytest.param('add shop --header "A: $SHOP_BAD" {url}', "characters that no header can carry", id="not-ascii"),
        pytest.param('add shop --header "A: $SHOP_KEY" shop-server', "A command takes no headers", id="command"),
        pytest.param("add shop --env SHOP_KEY {url}", "gets no variables", id="variable-for-an-address"),
    ],
)
def test_no_key_is_typed_into_a_cell(ip, gate: Any, monkeypatch: pytest.MonkeyPatch, line: str, words: str) -> None:
    """The way by a variable is told, what was typed is not repeated, and nothing is sent."""
    monkeypatch.setenv("SHOP_BAD", "sk-abcdef-\u00e9")
    error = run(ip, f"%glm_mcp {line.format(url=gate.url)}").error
    assert isinstance(error, OptionError)
    assert words in str(error)
    assert "sk-abcdef" not in str(error)
    assert gate.seen == []


def test_the_front_door_in_python(ip, gate: Any) -> None:
    """A dict of names and values, under the same rule."""
    servers = glm_magics.mcp()
    with pytest.raises(OptionError, match="not written into the notebook") as caught:
        servers.add("shop", gate.url, headers={"Authorization": f"Bearer {KEY}"})
    assert KEY not in str(caught.value)
    servers.add("shop", gate.url, headers={"Authorization": "Bearer $SHOP_KEY"})
    assert "price" in repr(servers)
    servers.remove("shop")


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        pytest.param({}, r"HTTP 401.*It lets in who has a key: .*--header", id="none"),
        pytest.param({"Authorization": "Bearer $OTHER_KEY"}, r"HTTP 401.*Is the key in the environment", id="wrong"),
    ],
)
def test_a_closed_door_says_what_it_wants(
    ip, gate: Any, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], words: str
) -> None:
    """The status, and the option; not the key."""
    monkeypatch.setenv("OTHER_KEY", "0ther-key-0123456789")
    with pytest.raises(ToolError, match=words) as caught:
        glm_magics.mcp().add("shop", gate.url, headers=headers)
    assert "0ther-key" not in str(caught.value)


def test_tab_completes_the_options() -> None:
    """Of ``%glm_mcp add``."""
    assert complete_line("%glm_mcp add shop --h", [], [], []) == ["--header"]
