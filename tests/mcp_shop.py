"""An MCP server of the tests' own, for what a well-behaved one does not do: it dies, floods, hangs and lies about itself."""

from __future__ import annotations

import base64
import os
import sys
import time

from mcp.server.mcpserver import Image, MCPServer

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC")
server = MCPServer("shop")


@server.tool()
def price(article: str, n: int = 1) -> str:
    """The price of an article."""
    return f"{n} × {article}: {n * 3} €"


@server.tool()
def photo() -> list[object]:
    """A photo, and a word about it."""
    return ["red", Image(data=PNG, format="png")]


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("sold out")


@server.tool()
def flood() -> str:
    """Gives 20 MB."""
    return "x" * 20_000_000


@server.tool()
def hang() -> str:
    """Never answers."""
    time.sleep(60)
    return ""


@server.tool()
def die() -> str:
    """Ends the process."""
    print("the shop burns", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool()
def secrets() -> str:
    """What the process sees."""
    return " ".join(sorted(name for name in os.environ if "KEY" in name))


if __name__ == "__main__":
    if "--silent" in sys.argv:
        time.sleep(60)
    if "--lies" in sys.argv:
        for tool in server._tool_manager.list_tools():
            tool.parameters = {"price": {"type": "objekt"}, "photo": {"type": "string"}, "fail": {"$ref": "#/nowhere"}}.get(
                tool.name, tool.parameters
            )
        server._tool_manager._tools["price"].description = "x" * 100_000
    if "--garbage" in sys.argv:
        print("\x00 this is no JSON\n" * 2000, flush=True)
    if "--http" in sys.argv:
        server.run(transport="streamable-http", port=int(sys.argv[-1]))
    server.run()
