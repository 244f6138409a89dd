"""The sandbox as its users hold it: a server in a thread of this process, on loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

from glm_magics.errors import InputError, MissingExtraError
from glm_magics.sandbox.faults import find_fault
from glm_magics.sandbox.script import PlannedFault, Record, Script, build_answer

if TYPE_CHECKING:
    from uvicorn import Server

    from glm_magics.sandbox.app import App

_HOST = "127.0.0.1"
_STOP_S = 5.0
_MAX_FRAME_BYTES = 16_000_000


class Sandbox:
    """A server that speaks the vendor's chat protocol, offline, with no language model behind it.

    Usable as a context manager, several at once, and from a notebook: it has its own thread and event loop, installs no
    signal handlers and logs nothing.

    Args:
        port: where to listen on 127.0.0.1; 0 takes a free one.
        key: the sandbox's own key, ``id.secret``. Any other well-formed key is let in too.
        chunk_delay_s: the pace of composed answers, seconds per word; 0 sends flat out. Scripted replies have their own.
        concurrency: requests in flight per model before it answers 429/1302; None for no limit.
        heartbeat_s: between two heartbeats of a Realtime call.
        spoken_for_s: how long a spoken answer is known by its id.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        key: str = "sandbox.key",
        chunk_delay_s: float = 0.015,
        concurrency: int | None = None,
        heartbeat_s: float = 30.0,
        spoken_for_s: float = 3600.0,
    ) -> None:
        self.key = key
        self._wanted_port = port
        self._chunk_delay_s = chunk_delay_s
        self._concurrency = concurrency
        self._heartbeat_s = heartbeat_s
        self._spoken_for_s = spoken_for_s
        self._script = Script()
        self._app: App | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._port = 0

    def __repr__(self) -> str:
        return f"<Sandbox {self.base_url if self.is_running else 'not running'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether it accepts requests."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL; the same endpoints answer under ``/v1``."""
        return f"http://{_HOST}:{self._port}/api/paas/v4"

    def start(self) -> Self:
        """Start the server and return once it accepts requests; nothing happens when it runs already.

        Raises:
            MissingExtraError: uvicorn is not installed.
            InputError: the port is taken.
        """
        if self.is_running:
            return self
        try:
            import uvicorn
        except ImportError as error:
            raise MissingExtraError.naming("sandbox", "The sandbox needs uvicorn.") from error
        from glm_magics.sandbox.app import App

        listener = _listen(self._wanted_port)
        self._port = listener.getsockname()[1]
        paces = (self._chunk_delay_s, self._heartbeat_s, self._spoken_for_s)
        self._app = App(self._script, self.key, self._port, self._concurrency, *paces)
        # No logging configuration: the notebook's own is left alone, and a fault is not news.
        config = uvicorn.Config(
            self._app, lifespan="off", access_log=False, log_config=None, log_level="critical",
            ws=_websockets(), ws_max_size=_MAX_FRAME_BYTES, ws_per_message_deflate=False,
            http="h11", loop="asyncio", server_header=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), name="glm-sandbox", daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Drop what is being answered and stop; nothing happens when it does not run."""
        if self._server is None or self._thread is None or self._app is None:
            return
        self._server.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop may have ended on its own
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._app.drop_all)
        self._thread.join(_STOP_S)
        self._server = self._thread = self._app = self._loop = None

    def _run(self, server: Server, listener: socket.socket) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await server.serve(sockets=[listener])

        asyncio.run(serve())

    def reply(
        self,
        text: str | None = None,
        *,
        thinking: str | Iterable[str] | None = None,
        tool_calls: Sequence[Any] = (),
        finish_reason: str | None = None,
        chunks: Iterable[str] | None = None,
        usage: Mapping[str, Any] | None = None,
        raw_frames: Iterable[bytes] = (),
        delay_s: float = 0.0,
        times: int = 1,
    ) -> None:
        """Queue an answer for the next chat request; several are used in the order they came.

        Args:
            text: the content, streamed word by word.
            thinking: text streamed word by word, or a sequence of exact deltas.
            tool_calls: of ``(name, arguments)``, ``{"name": …, "arguments": …}`` or the wire's form; arguments as dict or text.
            finish_reason: ``stop``, or ``tool_calls`` when there are any.
            chunks: exact content deltas, instead of `text`.
            usage: the exact usage object; otherwise estimated.
            raw_frames: exact bytes to stream, each sent on its own, instead of everything above.
            delay_s: seconds before each frame.
            times: for how many requests.
        """
        answer = build_answer(text, thinking, tool_calls, finish_reason, chunks, usage, raw_frames, delay_s)
        self._script.add_reply(answer, times)

    def fault(self, name: str, *, times: int = 1, retry_after_s: float | None = None) -> None:
        """Queue something that goes wrong with the next chat requests, e.g. ``429/1302``, ``cut``, ``html``.

        Args:
            name: a row of `faults.FAULTS`; a business code alone will do.
            times: for how many requests.
            retry_after_s: sent as ``Retry-After``, with faults that are an HTTP error.

        Raises:
            ValueError: no such fault; the message names the nearest.
        """
        self._script.add_fault(PlannedFault(find_fault(name), retry_after_s), times)

    def host_picture(self, name: str, data: bytes) -> str:
        """Host a PNG or JPEG; returns the URL that can be sent as ``image_url``. It stays until the sandbox is gone."""
        self._script.add_picture(name, data)
        return f"{self.base_url}/images/{quote(name)}"

    def hear(self, text: str, *, times: int = 1) -> None:
        """Queue what the recogniser makes of the next speech in a call; without, it tells how long and loud it was."""
        self._script.add_heard(text, times)

    @property
    def requests(self) -> list[Record]:
        """What has been received, oldest first; the last thousand."""
        return self._script.records()

    def reset(self) -> None:
        """Forget scripted replies, faults and records."""
        self._script.clear()
        if self._app is not None:
            self._app.cache.clear()


def _websockets() -> Literal["websockets-sansio", "none"]:
    """Calls need ``websockets``; all else works without."""
    return "websockets-sansio" if importlib.util.find_spec("websockets") else "none"


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without, answers wait 40 ms for a packet's return.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise InputError(f"The sandbox cannot listen on port {port}: {error.strerror}.", "Choose another port, or 0.") from error
    return listener
