"""A server for vectors that does nothing but wait: an answer comes after a fixed time, what is above the cap is refused at once.

Run as a process of its own: ``python -m tests.benchmarks.embedding_server PORT LATENCY_S CAP``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import struct
import sys
from functools import cache


@cache
def number_text(dimensions: int, is_base64: bool) -> str:
    """One vector, as it stands in every answer."""
    numbers = [random.Random(dimensions).gauss(0, 0.03) for _ in range(dimensions)]
    if is_base64:
        return json.dumps(base64.b64encode(struct.pack(f"<{dimensions}f", *numbers)).decode())
    return json.dumps(numbers, separators=(",", ":"))


@cache
def answer(n_texts: int, dimensions: int, is_base64: bool) -> bytes:
    """A whole HTTP answer; made once for each shape, so that the server costs next to nothing."""
    vector = number_text(dimensions, is_base64)
    rows = ",".join(f'{{"index":{n},"object":"embedding","embedding":{vector}}}' for n in range(n_texts))
    usage = f'{{"prompt_tokens":{8 * n_texts},"completion_tokens":0,"total_tokens":{8 * n_texts}}}'
    body = f'{{"model":"embedding-3","object":"list","data":[{rows}],"usage":{usage}}}'.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


_REFUSAL = b'{"error":{"code":"1302","message":"Rate limit reached for requests"}}'
CROWDED = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_REFUSAL) + _REFUSAL
)


class Waiter(asyncio.Protocol):
    """One connection."""

    latency_s = 0.05
    cap = 50
    n_in_flight = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        self.buffer = b""
        asked = json.loads(body)
        if Waiter.n_in_flight >= self.cap:
            self.transport.write(CROWDED)
            return
        Waiter.n_in_flight += 1
        text = answer(len(asked["input"]), asked.get("dimensions", 256), asked.get("encoding_format") == "base64")
        asyncio.get_running_loop().call_later(self.latency_s, self.finish, text)

    def finish(self, text: bytes) -> None:
        Waiter.n_in_flight -= 1
        self.transport.write(text)


async def main(port: int, latency_s: float, cap: int) -> None:
    Waiter.latency_s, Waiter.cap = latency_s, cap
    server = await asyncio.get_running_loop().create_server(Waiter, "127.0.0.1", port, backlog=600)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
