"""Recording answers and giving them again, at the edge where requests leave: everything above sees the same bytes either way.

``Deck.wrap`` puts an httpx transport around another way of sending; any request in JSON, streamed or whole, goes through it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .errors import ReplayError
from .providers import Connection
from .replies import parse_chunk
from .sse import SSEDecoder
from .tapes import Asked, Event, Tape, ask, describe_differences, find_nearest, join_events
from .tapestore import TapeFile

if TYPE_CHECKING:
    import httpx
    from httpx import BaseTransport as _Transport
else:
    _Transport = object  # httpx asks for the methods only

Mode: TypeAlias = Literal["off", "record", "replay", "refresh"]
MODES: tuple[Mode, ...] = ("record", "replay", "refresh", "off")
EXTENSION = "glm_taped"
"""Of an httpx response: what is known of its tape."""

_KEPT_STATUS = frozenset({200, 400, 404, 413, 422})
"""What depends on the request alone; a wrong key or a busy server does not."""


@dataclass(slots=True)
class Taped:
    """What is known of an answer's tape, while it comes.

    Attributes:
        is_played: it comes from the file and costs nothing.
        is_edited: somebody changed it there.
        first_token_s, elapsed_s: as recorded; None before its end, and for an answer that is not kept.
        failure: why it could not be kept.
    """

    is_played: bool
    is_edited: bool = False
    first_token_s: float | None = None
    elapsed_s: float | None = None
    failure: str = ""


class Deck:
    """The recordings of one file, and what is done with them.

    Args:
        file: of the recordings.
        mode: ``record`` gives what is on record and records the rest, ``replay`` never asks, ``refresh`` asks everything anew.
        is_timed: given as slowly as it came.
    """

    def __init__(self, file: TapeFile, mode: Mode = "off", is_timed: bool = False) -> None:
        self.file = file
        self.mode = mode
        self.is_timed = is_timed
        self.n_played = self.n_recorded = 0
        self._fresh: set[str] = set()

    @property
    def path(self) -> Path:
        """Of the file."""
        return self.file.path

    def find(self, asked: Asked, mode: Mode) -> Tape | None:
        """What is to be given for a request; None: it has to be asked.

        Raises:
            ReplayError: the file cannot be read.
        """
        if mode == "off" or (mode == "refresh" and asked.key not in self._fresh):
            return None
        return self.file.read().get(asked.key)

    def is_recorded(self, connection: Connection, path: str, body: Mapping[str, Any], is_cached: bool) -> bool:
        """True when the answer will come from the file, all at once."""
        asked = ask(_wire(connection, "POST", path), body)
        return not self.is_timed and self.find(asked, self.mode_for(is_cached)) is not None

    def mode_for(self, is_cached: bool) -> Mode:
        """Of one request; ``--cache`` records it whatever is done with the others."""
        return "record" if is_cached and self.mode == "off" else self.mode

    def save(self, tape: Tape) -> None:
        """Keeps an answer.

        Raises:
            ReplayError: the file cannot be written.
        """
        self.file.add(tape)
        self._fresh.add(tape.asked.key)
        self.n_recorded += 1

    def miss(self, asked: Asked) -> ReplayError:
        """The error for a request that is not on record: what differs from the nearest one that is."""
        tapes = self.file.read()
        nearest = find_nearest(asked, tapes.values())
        name = self.path.name
        if nearest is None:
            return ReplayError(f"Nothing is recorded in {name}.", "`%glm_replay record` records what is asked.")
        differences = "; ".join(describe_differences(asked, nearest))
        return ReplayError(
            f"This request is not on record in {name}. From the nearest of {len(tapes)} there it differs in {differences}.",
            "Undo the change, or record it: `%glm_replay record`, with somebody to ask.",
        )

    def wrap(self, client: httpx.Client, connection: Connection, is_cached: bool = False) -> httpx.Client:
        """A client that sends through this deck, and through `client` what is not given from it."""
        import httpx

        return httpx.Client(transport=TapingTransport(self, client, connection, is_cached))


def _wire(connection: Connection, method: str, path: str) -> str:
    return f"{connection.provider.name} {method} {path}"


class TapingTransport(_Transport):
    """An httpx transport that gives answers from a deck, or sends and records."""

    def __init__(self, deck: Deck, client: httpx.Client, connection: Connection, is_cached: bool) -> None:
        self._deck = deck
        self._client = client
        self._connection = connection
        self._is_cached = is_cached

    def __enter__(self) -> TapingTransport:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes what it sends through."""
        self._client.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's side of the seam.

        Raises:
            ReplayError: it is not on record, and nobody is to be asked.
        """
        deck, mode = self._deck, self._deck.mode_for(self._is_cached)
        if mode == "off":
            return self._client.send(request, stream=True)
        content = request.read()
        asked = ask(self._name(request), json.loads(content) if content else None)
        tape = deck.find(asked, mode)
        if tape is not None:
            deck.n_played += 1
            return _play(tape, deck.is_timed)
        provider = self._connection.provider
        if mode == "replay" or (not self._connection.key and not provider.needs_key and not provider.is_self_hosted):
            raise deck.miss(asked)
        return self._record(request, asked)

    def _name(self, request: httpx.Request) -> str:
        path = str(request.url).removeprefix(self._connection.provider.base_url)
        return _wire(self._connection, request.method, path)

    def _record(self, request: httpx.Request, asked: Asked) -> httpx.Response:
        import httpx

        recorder = Recorder(asked, self._deck.save)
        response = self._client.send(request, stream=True)
        headers = response.headers
        if response.status_code not in _KEPT_STATUS or headers.get("content-encoding", "identity") != "identity":
            return response
        recorder.begin(response.status_code, "text/event-stream" in headers.get("content-type", ""))
        extensions = {EXTENSION: recorder.taped}
        return httpx.Response(
            response.status_code, headers=headers, stream=_stream(recorder.watch(response), response.close), extensions=extensions
        )


def _play(tape: Tape, is_timed: bool) -> httpx.Response:
    import httpx

    taped = Taped(True, tape.is_edited, tape.first_token_s, tape.elapsed_s)
    kind = "text/event-stream;charset=UTF-8" if tape.is_stream else "application/json"

    def content() -> Iterator[bytes]:
        started_s = time.monotonic()
        for event in tape.events:
            if is_timed:
                time.sleep(max(0.0, started_s + event.at_s - time.monotonic()))
            data = json.dumps(event.data, ensure_ascii=False)
            yield (f"data: {data}\n\n" if tape.is_stream else data).encode("utf-8", "replace")
        if tape.is_stream:
            yield b"data: [DONE]\n\n"

    return httpx.Response(
        tape.status, headers={"content-type": kind}, stream=_stream(content(), lambda: None), extensions={EXTENSION: taped}
    )


def _stream(chunks: Iterator[bytes], close: Callable[[], None]) -> httpx.SyncByteStream:
    import httpx

    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return chunks

        def close(self) -> None:
            close()

    return Stream()


class Recorder:
    """Watches an answer come, and keeps it once it is whole.

    Args:
        asked: the request, sent now.
        save: keeps the tape.
    """

    def __init__(self, asked: Asked, save: Callable[[Tape], None]) -> None:
        self.taped = Taped(False)
        self._asked = asked
        self._save = save
        self._started_s = time.monotonic()
        self._status, self._is_stream = 200, True
        self._events: list[Event] = []
        self._is_finished = self._is_over = False

    def begin(self, status: int, is_stream: bool) -> None:
        """The headers are there."""
        self._status, self._is_stream = status, is_stream

    def watch(self, response: httpx.Response) -> Iterator[bytes]:
        """Hands the bytes on."""
        decoder, whole = SSEDecoder(), bytearray()
        for chunk in response.iter_bytes():
            if self._is_stream:
                for data in decoder.feed(chunk):
                    self._take(data)
            else:
                whole += chunk
            yield chunk
        if self._is_stream:
            for data in decoder.close():
                self._take(data)
        else:
            self._take(bytes(whole))
            self._is_finished = True
        self._end()

    def _take(self, data: bytes) -> None:
        if data.startswith(b"[DONE]"):
            self._end()
            return
        at_s = round(time.monotonic() - self._started_s, 3)
        try:
            value = json.loads(data.decode("utf-8", errors="replace"))
        except (ValueError, RecursionError):
            self._is_over = True  # nothing to keep: the client will say what is wrong
            return
        self._events.append(Event(at_s, value))
        self._is_finished = self._is_finished or _finishes(value)

    def _end(self) -> None:
        """Once; only an answer that came to its end is kept."""
        if self._is_over or not self._is_finished:
            return
        self._is_over = True
        first = next((event.at_s for event in self._events if _has_token(event.data)), None)
        elapsed_s = round(time.monotonic() - self._started_s, 3)
        events = join_events(self._events)
        try:
            self._save(Tape(self._asked, self._status, self._is_stream, events, first, elapsed_s))
        except ReplayError as error:  # never an answer lost for its record
            self.taped.failure = str(error)
        else:
            self.taped.first_token_s, self.taped.elapsed_s = first, elapsed_s


def _finishes(value: Any) -> bool:
    try:
        return parse_chunk(value).finish_reason is not None
    except ValueError:
        return False


def _has_token(value: Any) -> bool:
    try:
        delta = parse_chunk(value)
    except ValueError:
        return False
    return bool(delta.content or delta.thinking or delta.tool_calls or delta.audio)
