"""An MCP server without the SDK, quick to start, for what a well-behaved one does not do: it dies, floods, hangs and lies."""

from __future__ import annotations

import base64
import json
import os
import struct
import sys
import time
import zlib
from typing import Any

OBJECT = {"type": "object", "properties": {}}
ARTICLE = {"type": "object", "properties": {"article": {"type": "string"}, "n": {"type": "integer"}}, "required": ["article"]}
SCHEMAS: dict[str, Any] = {name: OBJECT for name in ("photo", "fail", "flood", "hang", "die", "secrets", "table", "link")}
SCHEMAS["price"] = ARTICLE
LIES: dict[str, Any] = {
    "price": {"type": "object", "properties": {"article": {"type": "objekt"}}},
    "fail": {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
    "link": {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}},
    "table": {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}},
}


def png() -> str:
    """An 8×8 red square in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\xff\0\0" * 8 for _ in range(8)))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")).decode()


def text(words: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}]}


def call(name: str, given: dict[str, Any]) -> dict[str, Any]:
    if name == "hang":
        time.sleep(60)
    if name == "die":
        print("the shop burns", file=sys.stderr, flush=True)
        os._exit(3)
    n = given.get("n", 1)
    results: dict[str, dict[str, Any]] = {
        "price": text(f"{n} × {given.get('article')}: {n * 3} €"),
        "photo": {"content": [{"type": "text", "text": "red"}, {"type": "image", "data": png(), "mimeType": "image/png"}]},
        "fail": {**text("sold out"), "isError": True},
        "flood": text("x" * 3_000_000),
        "secrets": text(" ".join(sorted(key for key in os.environ if "KEY" in key))),
        "table": {"content": [], "structuredContent": {"rows": [1, 2]}},
        "link": {"content": [{"type": "resource_link", "uri": "file:///etc/passwd", "name": "x"}]},
    }
    return results[name]


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "shop", "version": "1"}}
    if method == "tools/list":
        schemas = SCHEMAS | (LIES if "--lies" in sys.argv else {})
        schemas |= {"photo": {"type": "string"}} if "--no-object" in sys.argv else {}
        about = "x" * 100_000 if "--lies" in sys.argv else "A tool of the shop."
        n_more = 200 if "--many" in sys.argv else 0
        names = [*schemas, *(f"more_{n}" for n in range(n_more))]
        return {"tools": [{"name": name, "description": about, "inputSchema": schemas.get(name, OBJECT)} for name in names]}
    return call(params["name"], params.get("arguments") or {}) if method == "tools/call" else None


def main() -> None:
    if "--silent" in sys.argv:
        time.sleep(60)
    if "--garbage" in sys.argv:
        print("\x00 this is no JSON\n" * 500, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        result = answer(request["method"], request.get("params") or {})
        body = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no such method"}}
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **body}), flush=True)


main()
