"""A server that streams a given amount of realistic Markdown at a given rate and notes when it sent what.

Run as a process of its own, so that it does not share an interpreter with what is measured:
``python -m tests.benchmarks.mock_server PORT``. The prompt says what to send: ``bench tokens=5000 rate=400 thinking=0.2
stall=1``; rate 0 is flat out. ``GET /log`` gives the notes of the last request, epoch seconds.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from contextlib import suppress

_PARAGRAPHS = (
    "## Part {i}\n\n",
    "The median of column {i} lies at **{i}.5**, while the mean is pulled up by a few large values; see `df.describe()`.\n\n",
    "- first point about row {i}\n- second point, with *emphasis*\n- third point: $x_{i}^2 + y$\n\n",
    "```python\nfor row in frame.itertuples():\n    print(row.index, row.value * {i})\n```\n\n",
    "| name | value |\n| --- | --- |\n| alpha | {i} |\n| beta | {i}.25 |\n\n",
    "中文也会出现在回答里，例如第 {i} 段。 And then the text goes on for a while, so that a paragraph has some length to it.\n\n",
)
_MODEL = "glm-4.7"


def markdown(n_tokens: int) -> list[str]:
    """`n_tokens` pieces of about 4 characters that together are Markdown."""
    pieces: list[str] = []
    i = 0
    while len(pieces) < n_tokens:
        text = _PARAGRAPHS[i % len(_PARAGRAPHS)].replace("{i}", str(i))
        pieces += [text[j : j + 4] for j in range(0, len(text), 4)]
        i += 1
    return pieces[:n_tokens]


def frame(delta: dict[str, str], **more: object) -> bytes:
    choice: dict[str, object] = {"index": 0, "delta": {"role": "assistant", **delta}}
    if "finish_reason" in more:
        choice["finish_reason"] = more.pop("finish_reason")
    body = {
        "id": "20260101000000bench",
        "created": 1,
        "object": "chat.completion.chunk",
        "model": _MODEL,
        "choices": [choice],
        **more,
    }
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


class Bench:
    def __init__(self) -> None:
        self.log: dict[str, float] = {}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            if head.startswith("GET"):
                self._answer(writer, json.dumps(self.log).encode())
                return
            await self._stream(body.decode("utf-8", "replace"), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @staticmethod
    def _answer(writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)

    async def _stream(self, body: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wanted = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", body)}
        n_tokens, rate = int(wanted.get("tokens", 100)), wanted.get("rate", 0.0)
        self.log.clear()
        self.log["request"] = time.time()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=UTF-8\r\nConnection: close\r\n\r\n")
        watcher = asyncio.ensure_future(self._watch(reader))
        n_thinking = int(n_tokens * wanted.get("thinking", 0.0))
        pieces = markdown(n_tokens - n_thinking)
        frames = [frame({"reasoning_content": "step "}) for _ in range(n_thinking)] + [
            frame({"content": piece}) for piece in pieces
        ]
        started = time.perf_counter()
        for i, data in enumerate(frames):
            if rate:
                ahead = started + i / rate - time.perf_counter()
                if ahead > 0.001:
                    await asyncio.sleep(ahead)
            if i == n_thinking:
                self.log["first_content"] = time.time()
            writer.write(data)
            if rate or i % 50 == 49:
                await writer.drain()
        if wanted.get("stall"):
            self.log["stalled"] = time.time()
            await watcher
            return
        usage = {"prompt_tokens": 10, "completion_tokens": n_tokens, "total_tokens": n_tokens + 10}
        writer.write(frame({"content": ""}, finish_reason="stop", usage=usage) + b"data: [DONE]\n\n")
        await writer.drain()
        self.log["last_byte"] = time.time()
        watcher.cancel()

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            await reader.read(1)
        self.log["closed"] = time.time()


async def main(port: int) -> None:
    server = await asyncio.start_server(Bench().handle, "127.0.0.1", port)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
