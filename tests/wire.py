"""Small pieces of wire that several tests send."""

from __future__ import annotations

import signal
import socket
import threading
from typing import Any

from glm_magics.testing import sse_frame

from .loopback import SSE_HEAD, http_chunk

BODY = {"model": "glm-4.7", "messages": [{"role": "user", "content": "hi"}], "stream": True}


def content(text: str, **facts: Any) -> bytes:
    """A frame with a piece of the answer."""
    return sse_frame({"id": "i", "choices": [{"index": 0, "delta": {"content": text}, **facts}]})


def coded(code: str, message: str = "Because.") -> dict[str, Any]:
    """The vendor's error body."""
    return {"error": {"code": code, "message": message}}


def stall(connection: socket.socket) -> None:
    """A server that begins an answer and then says nothing until the client goes."""
    connection.sendall(SSE_HEAD + http_chunk(content("Begun")))
    if connection.recv(1):
        raise AssertionError("the client speaks out of turn")
    raise OSError


def press_stop() -> None:
    """■: a real SIGINT to the main thread, as Jupyter sends it."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
