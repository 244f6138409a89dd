"""MCP servers: a real one of a package, and one of our own that misbehaves; what the model is told, and what is left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import glm_magics
from glm_magics import mcpconnections
from glm_magics.errors import MissingExtraError, OptionError, ToolError
from glm_magics.magics.completion import complete_line
from glm_magics.mcpservers import Servers
from glm_magics.options import parse_options
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

from .patience import PATIENCE_S
from .test_magics import run
from .test_tools import Scripted, calling
from .test_tools import call as asked

SHOP = (sys.executable, str(Path(__file__).parent / "mcp_shop.py"))
NOT_YET_S = 0.3
"""Long enough to see that another thread waits."""
TIME = (sys.executable, "-m", "mcp_server_time", "--local-timezone", "Europe/Oslo")


@pytest.fixture
def shop(session: Session) -> Iterator[Session]:
    """A session with the shop connected."""
    session.toolkit.servers.add("shop", *SHOP)
    yield session
    session.close()


def ask(session: Session, fake: FakeGLM, tool: str, arguments: Any = "{}", **options: Any) -> Any:
    calling(fake, asked(tool, arguments))
    fake.reply("Done.")
    return session.ask(["Go."], parse_options({"mcp": "shop", "yes": True, **options}))


def children() -> set[int]:
    """The processes that this one has started."""
    with subprocess.Popen(["ps", "-o", "pid=", "--ppid", str(os.getpid())], stdout=subprocess.PIPE, text=True) as ps:
        assert ps.stdout
        return set(map(int, ps.stdout.read().split())) - {ps.pid}


def test_a_server_of_a_package_answers(ip, fake: FakeGLM) -> None:
    """Added, listed, called by the model, removed; nothing of it runs on."""
    before = children()
    assert run(ip, f"%glm_mcp add time {' '.join(TIME)}").success
    assert "get_current_time" in repr(glm_magics.mcp())
    calling(fake, asked("time_get_current_time", {"timezone": "Asia/Tokyo"}))
    fake.reply("Late.")
    assert run(ip, "%%glm --mcp time --yes\nWhat time is it in Tokyo?").success
    offered = {tool["function"]["name"]: tool["function"] for tool in fake.bodies[0]["tools"]}
    assert set(offered) >= {"time_get_current_time", "time_convert_time"}
    assert offered["time_get_current_time"]["parameters"]["required"] == ["timezone"]
    assert "Asia/Tokyo" in fake.bodies[1]["messages"][-1]["content"]
    assert ip.user_ns["_glm"].calls[0].source == "MCP server time"
    assert run(ip, "%glm_mcp remove time").success
    assert list(glm_magics.mcp()) == []
    assert children() - before == set()


def test_arguments_are_checked_here(shop: Session, fake: FakeGLM) -> None:
    """By the server's own schema, before it is asked."""
    reply = ask(shop, fake, "shop_price", {"article": 3})
    assert "The arguments do not fit shop_price: article: 3 is not of type 'string'" in reply.calls[0].result
    assert reply.calls[0].state == "invalid"


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        pytest.param("shop_price", {"article": "tea", "n": 2}, "2 × tea: 6 €", id="text"),
        pytest.param("shop_fail", {}, "shop_fail failed: sold out", id="fails"),
        pytest.param("shop_table", {}, '{"rows": [1, 2]}', id="structured"),
        pytest.param("shop_link", {}, "[resource file:///etc/passwd]", id="link-is-not-followed"),
        pytest.param("shop_flood", {}, "Cut: these are the first 30,000 of", id="floods"),
        pytest.param("shop_hang", {}, "did not come back within 0.5 s", id="hangs"),
        pytest.param("shop_die", {}, "the shop burns", id="dies"),
        pytest.param("shop_burn", {}, "There is no function shop_burn.", id="unknown"),
    ],
)
def test_whatever_a_tool_does_is_told(shop: Session, fake: FakeGLM, tool: str, arguments: Any, words: str) -> None:
    """The question goes on."""
    reply = ask(shop, fake, tool, arguments, call_timeout=0.5 if tool == "shop_hang" else 20.0)
    assert words in fake.bodies[1]["messages"][-1]["content"]
    assert reply.text == "Done."


def test_a_server_that_is_removed_just_when_it_is_called(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was there when one looked."""
    server, removing = shop.toolkit.servers["shop"], []
    schedule = asyncio.run_coroutine_threadsafe

    def remove_and_schedule(work: Any, loop: Any) -> Any:
        removing.append(threading.Thread(target=shop.toolkit.servers.remove, args=("shop",), daemon=True))
        removing[0].start()
        removing[0].join(NOT_YET_S)
        return schedule(work, loop)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", remove_and_schedule)
    with pytest.raises(ToolError, match=r"has ended|failed"):
        server.call("hang", {})
    removing[0].join(PATIENCE_S)
    assert not server.is_alive()


def test_pictures_of_a_server_go_back_as_pictures(shop: Session, fake: FakeGLM) -> None:
    """Prepared here like any other."""
    ask(shop, fake, "shop_photo", model="glm-4.6v")
    last = fake.bodies[1]["messages"][-1]
    assert last["role"] == "user"
    assert [part["type"] for part in last["content"]] == ["text", "image_url"]


def test_a_dead_server_is_said_before_anything_is_sent(shop: Session, fake: FakeGLM) -> None:
    """With the last that it wrote, and what to do."""
    ask(shop, fake, "shop_die")
    n_sent = len(fake.requests)
    with pytest.raises(ToolError, match="the shop burns"):
        shop.ask(["Go."], parse_options({"mcp": "shop"}))
    assert len(fake.requests) == n_sent
    shop.toolkit.servers.remove("shop").add("shop", *SHOP)
    assert ask(shop, fake, "shop_price", {"article": "tea"}).calls[0].value == "1 × tea: 3 €"


@pytest.mark.parametrize("tool", ["shop_link", "shop_table"])
def test_a_server_that_lies_about_its_schemas(session: Session, fake: FakeGLM, tool: str) -> None:
    """Tools whose schema is none are left out, long descriptions cut; the others work."""
    session.toolkit.servers.add("shop", *SHOP, "--lies")
    reply = ask(session, fake, tool, {"a": 1})
    assert "the server's own schema is broken there" in reply.calls[0].result
    names = [tool["function"]["name"] for tool in fake.bodies[0]["tools"]]
    assert "shop_secrets" in names
    assert "shop_price" not in names
    assert all(len(tool["function"]["description"]) <= 2000 for tool in fake.bodies[0]["tools"])
    session.close()


def test_garbage_on_the_wire_is_passed_over(session: Session, fake: FakeGLM, capfd: pytest.CaptureFixture[str]) -> None:
    """And not printed into the cell."""
    session.toolkit.servers.add("shop", *SHOP, "--garbage")
    assert ask(session, fake, "shop_price", {"article": "tea"}).calls[0].value == "1 × tea: 3 €"
    session.close()
    assert "JSON" not in "".join(capfd.readouterr())


def test_a_changed_tool_is_asked_about_again(ip, fake: FakeGLM) -> None:
    """ "Always" was for the tool as it described itself then."""
    session = glm_magics.current_session()
    pressed = Scripted(glm_magics.approvals.ALWAYS, glm_magics.approvals.APPROVED)
    session.toolkit.buttons = pressed
    for arguments, n_asked in (((), 1), ((), 1), (("--lies",), 2)):
        session.toolkit.servers.add("shop", *SHOP, *arguments)
        calling(fake, asked("shop_secrets"))
        fake.reply("Done.")
        assert run(ip, "%%glm --mcp shop\nGo.").success
        assert len(pressed.asked) == n_asked
        session.toolkit.servers.remove("shop")


def test_keys_of_the_environment_stay_here(session: Session, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server sees the variables that were named for it, and no others."""
    monkeypatch.setenv("SHOP_KEY", "s")
    monkeypatch.setenv("OTHER_KEY", "o")
    session.toolkit.servers.add("shop", *SHOP, variables=["SHOP_KEY"])
    assert ask(session, fake, "shop_secrets").calls[0].value == "SHOP_KEY"
    session.close()


HTTP = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("shop")

@server.tool()
def price(article: str) -> str:
    return f"1 × {{article}}: 3 €"

server.run(transport="streamable-http", port={port})
"""


def test_a_server_over_http(session: Session, fake: FakeGLM) -> None:
    """Streamable HTTP, by its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", HTTP.format(port=port)], stderr=subprocess.DEVNULL)
    try:
        _wait_for_port(port)
        session.toolkit.servers.add("shop", f"http://127.0.0.1:{port}/mcp")
        assert ask(session, fake, "shop_price", {"article": "tea"}).calls[0].value == "1 × tea: 3 €"
        session.close()
    finally:
        process.kill()
        process.wait()


def _wait_for_port(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")


def test_what_a_process_wrote_is_told_while_its_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of its standard error is closed in the very moment that it is looked into."""
    server = mcpconnections.Server("it", mcpconnections.Address(command=("x",)))

    def read() -> str:
        server.error_tail = "no config"
        server._errors.close()
        return ""

    monkeypatch.setattr(server, "_read_errors", read)
    assert "no config" in server._said()
    server._loop.close()


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        pytest.param(("no-such-command-at-all",), ToolError, "cannot be used: .*no-such-command", id="no-command"),
        pytest.param((sys.executable, "-c", "raise SystemExit('no config')"), ToolError, "no config", id="ends-at-once"),
        pytest.param((*SHOP, "--silent"), ToolError, "does not answer within 0.5 s", id="silent"),
        pytest.param((*SHOP, "--no-object"), ToolError, "inputSchema.type Input should be 'object'", id="no-schema-of-objects"),
        pytest.param((*SHOP, "--many"), OptionError, "128 functions at most", id="too-many-tools"),
        pytest.param(("http://127.0.0.1:9/mcp",), ToolError, "cannot be used", id="no-listener"),
        pytest.param(("http://me:secret@example.org/mcp",), OptionError, "carries a password", id="password"),
        pytest.param((), OptionError, "Which server", id="nothing"),
    ],
)
def test_a_server_that_does_not_start_is_said(
    monkeypatch: pytest.MonkeyPatch, where: tuple[str, ...], error: type[Exception], words: str
) -> None:
    """One sentence, with what it wrote; no process stays."""
    import mcp.client.stdio

    before = children()
    monkeypatch.setattr(mcp.client.stdio, "PROCESS_TERMINATION_TIMEOUT", 0.1)  # before the SDK ends a process by force
    monkeypatch.setattr(mcpconnections.Server.connect, "__defaults__", (0.5 if "--silent" in where else 20.0,))
    servers = Servers()
    with pytest.raises(error, match=words) as caught:
        servers.add("it", *where).toolbox(["it"])
    assert "secret" not in str(caught.value)
    servers.close()
    assert children() - before == set()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("add", "cannot read `add`", id="no-name"),
        pytest.param("add bad/name x", "cannot be a server's name", id="bad-name"),
        pytest.param("remove nobody", "no MCP server `nobody`", id="unknown"),
        pytest.param("start", "There are: add NAME", id="no-command"),
        pytest.param("add x --env NO_SUCH_VARIABLE_HERE y", "no environment variable", id="no-variable"),
    ],
)
def test_wrong_lines_are_said(ip, line: str, words: str) -> None:
    """What there is instead."""
    result = run(ip, f"%glm_mcp {line}")
    assert isinstance(result.error, OptionError)
    assert words in str(result.error)


def test_the_list_tells_no_home(session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a saved notebook shows."""
    script = tmp_path / "shop.py"
    script.write_text(Path(SHOP[1]).read_text(encoding="utf-8"), encoding="utf-8")
    listed = repr(session.toolkit.servers.add("shop", sys.executable, str(script)))
    session.close()
    assert "shop.py" in listed
    assert "price" in listed
    assert str(tmp_path) not in listed


def test_tab_completes_commands_and_servers() -> None:
    """After ``%glm_mcp``, ``%glm_mcp remove`` and ``--mcp``."""
    assert complete_line("%glm_mcp re", [], [], ["time"]) == ["remove"]
    assert complete_line("%glm_mcp remove ", [], [], ["time"]) == ["time"]
    assert complete_line("%%glm --mcp t", ["table"], [], ["time"]) == ["time"]
    assert complete_line("%%glm --tools t", ["table"], [], ["time"]) == ["table"]


def test_without_the_sdk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip's words."""
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[mcp\]"):
        Servers().add("x", "y")


KERNEL = """
import os, subprocess
from glm_magics.mcpservers import Servers
servers = Servers().add("shop", *{shop!r})
with subprocess.Popen(["ps", "-o", "pid=", "--ppid", str(os.getpid())], stdout=subprocess.PIPE, text=True) as ps:
    print(*set(map(int, ps.stdout.read().split())) - {{ps.pid}})
"""


@pytest.mark.parametrize("is_killed", [pytest.param(False, id="shut-down"), pytest.param(True, id="killed")])
def test_servers_end_with_the_kernel(is_killed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real kernel that is shut down, and one that is killed: the server's standard input closes."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    printed: list[str] = []
    client.execute_interactive(
        KERNEL.format(shop=SHOP), timeout=60, output_hook=lambda message: printed.append(message["content"].get("text", ""))
    )
    pids = [int(word) for word in "".join(printed).split()]
    assert len(pids) == 1, printed
    client.stop_channels()
    manager.shutdown_kernel(now=is_killed)
    for _ in range(100):
        if not Path(f"/proc/{pids[0]}").exists():
            return
        time.sleep(0.1)
    raise AssertionError("the server lives on")
