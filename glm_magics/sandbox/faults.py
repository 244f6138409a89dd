"""What can go wrong on demand, as rows of a table.

A fault is triggered from Python (``sandbox.fault(name)``), by the request header ``x-sandbox-fault: name``, or by
``[[fault:name]]`` in the last user message. Adding one is adding a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from glm_magics.sandbox.answers import Answer
from glm_magics.sandbox.codes import CODES, dump, error_body
from glm_magics.sandbox.realtime.spoils import Spoil, by_type, every_other
from glm_magics.sandbox.stream import Break, Wire
from glm_magics.speech import VOICE_RATE_HZ
from glm_magics.waves import write_wave

Rows = list[dict[str, Any]]
_JSON = "application/json"
_SLOW_S = 0.2


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole HTTP answer that takes the place of the reply."""

    status: int
    body: bytes
    content_type: str = _JSON


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name, meaning: what it is called, and what it does.
        http: makes the whole answer, from the request's path, instead of a reply.
        edit: changes the reply before it is written.
        edit_vectors: changes the rows of an answer with vectors before it is written.
        wire: how the reply is written.
        is_silent: not even response headers are sent.
        spoil: how an answer in a Realtime call goes wrong; None: the fault does not concern calls.
        unstreamed: the fault to use instead where the answer is not streamed; empty: this one.
    """

    name: str
    meaning: str
    http: Callable[[str], HttpAnswer] | None = None
    edit: Callable[[Answer], Answer] = field(default=lambda answer: answer)
    edit_vectors: Callable[[Rows], Rows] = field(default=lambda rows: rows)
    wire: Wire = field(default_factory=Wire)
    is_silent: bool = False
    spoil: Spoil | None = None
    unstreamed: str = ""


def not_found_body(path: str, status: int = 404, reason: str = "Not Found") -> bytes:
    """Shape D, the gateway's answer to a wrong address; the path is shown without ``/api/paas`` (protocol reference 5.1)."""
    stamp = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
    return dump({"timestamp": stamp, "status": status, "error": reason, "path": path.removeprefix("/api/paas")})


def _code_fault(code: str, status: int) -> Fault:
    message = CODES[code].message.replace("{detail}", "")
    answer = HttpAnswer(status, error_body(code, message))
    return Fault(f"{status}/{code}", message, http=lambda path: answer)


def _blocked(path: str) -> HttpAnswer:
    """Shape B: the filter's verdict in camelCase beside the error (protocol reference 5.1)."""
    error = {"code": "1301", "message": CODES["1301"].message}
    return HttpAnswer(400, dump({"error": error, "contentFilter": [{"level": 1, "role": "user"}]}))


_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def _http_faults() -> list[Fault]:
    def row(name: str, meaning: str, answer: HttpAnswer) -> Fault:
        return Fault(name, meaning, http=lambda path: answer)

    balance = error_body("1113", CODES["1113"].message)
    return [
        row("503", "overloaded", HttpAnswer(503, error_body("1305", CODES["1305"].message))),
        Fault("404", "wrong address, shape D", http=lambda path: HttpAnswer(404, not_found_body(path))),
        row("html", "a proxy's HTML page, shape F", HttpAnswer(502, _HTML, "text/html")),
        row("empty", "an empty body, shape F", HttpAnswer(502, b"", "text/plain")),
        row(
            "flat",
            "a flat body with an integer code, shape C",
            HttpAnswer(401, dump({"code": 1002, "message": "Invalid token"})),
        ),
        row("200-error", "an error with status 200, shape E", HttpAnswer(200, balance)),
        Fault("blocked", "the prompt is blocked, shape B", http=_blocked),
    ]


def _halved(finish_reason: str) -> Callable[[Answer], Answer]:
    """The first half of the content, ended by `finish_reason`."""

    def edit(answer: Answer) -> Answer:
        half = (len(answer.content) + 1) // 2
        return replace(answer, content=answer.content[:half], tool_calls=(), finish_reason=finish_reason)

    return edit


def _sensitive(answer: Answer) -> Answer:
    return replace(_halved("sensitive")(answer), content_filter=({"role": "assistant", "level": 1},))


def _with_line_separator(answer: Answer) -> Answer:
    half = (len(answer.content) + 1) // 2
    return replace(answer, content=(*answer.content[:half], "line\u2028separator ", *answer.content[half:]))


def _with_sound(change: Callable[[bytes], bytes]) -> Callable[[Answer], Answer]:
    """The answer with other sound, where it is spoken."""

    def edit(answer: Answer) -> Answer:
        return replace(answer, spoken=replace(answer.spoken, data=change(answer.spoken.data))) if answer.spoken else answer

    return edit


_ERROR_FRAME = b"data: " + error_body("1234", "network error, error id: 20260401101528c0ffee1234abcd5e") + b"\n\n"
_GARBAGE = (
    b"\x00\xff\xfe\x80 this is no event\n\n",
    b"data: {this is no JSON\n\n",
    b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"half \xe4\xb8"}}]}\n\n',
)


def _stream_faults() -> list[Fault]:
    return [
        Fault("network_error", "inference breaks in the middle", edit=_halved("network_error"), wire=Wire(has_usage=False)),
        Fault(
            "error-frame",
            "an error frame in the middle of the stream",
            wire=Wire(interruption=(_ERROR_FRAME,), ends_there=True),
            unstreamed="500/1234",
        ),
        Fault("cut", "the connection is dropped in the middle", wire=Wire(interruption=(Break.CUT,), ends_there=True)),
        Fault("stall", "half of it, then silence", wire=Wire(interruption=(Break.STALL,), ends_there=True)),
        Fault("slow", f"a slow drip, {_SLOW_S} s a chunk", edit=lambda answer: replace(answer, delay_s=_SLOW_S)),
        Fault("silent", "no answer at all", is_silent=True),
        Fault("garbage", "garbage bytes and half a character in the middle", wire=Wire(interruption=_GARBAGE)),
        Fault("u2028", "a raw U+2028 inside a JSON string", edit=_with_line_separator),
        Fault("sensitive", "the review stops the answer", edit=_sensitive),
        Fault("length", "max_tokens is reached", edit=_halved("length")),
        Fault("extra-usage-chunk", "usage in a chunk with choices:[]", wire=Wire(has_extra_usage_chunk=True)),
        Fault("reasoning-field", "vLLM's name for the thinking", wire=Wire(reasoning_field="reasoning")),
        Fault("array-content", "content as an array of parts", wire=Wire(is_content_array=True)),
        Fault("riff", "a spoken answer is a whole WAV", edit=_with_sound(lambda pcm: write_wave(pcm, VOICE_RATE_HZ))),
        Fault("odd-sound", "a spoken answer has half a sample at its end", edit=_with_sound(lambda data: data[:-1])),
        Fault("garbled-sound", "the base64 of a spoken answer is none", wire=Wire(is_sound_garbled=True)),
        Fault("no-done", "the stream ends without [DONE]", wire=Wire(has_done=False)),
    ]


def _with_vector(edit: Callable[[list[float]], list[float]]) -> Callable[[Rows], Rows]:
    """The rows with the vector of the first one changed."""
    return lambda rows: [{**rows[0], "embedding": edit(rows[0]["embedding"])}, *rows[1:]]


def _vector_faults() -> list[Fault]:
    def row(name: str, meaning: str, edit: Callable[[Rows], Rows]) -> Fault:
        return Fault(name, meaning, edit_vectors=edit)

    return [
        row("short-vector", "a vector lacks its last number", _with_vector(lambda vector: vector[:-1])),
        row("nan-vector", "a vector holds NaN", _with_vector(lambda vector: [float("nan"), *vector[1:]])),
        row("zero-vector", "a vector is all zeros", _with_vector(lambda vector: [0.0] * len(vector))),
        row("missing-index", "the vector of the last text is left out", lambda rows: rows[:-1]),
        row("double-index", "all vectors claim to be the first text's", lambda rows: [{**row, "index": 0} for row in rows]),
        row("wild-index", "an index that no text has", lambda rows: [{**rows[0], "index": 999}, *rows[1:]]),
    ]


def _call_faults() -> list[Fault]:
    def row(name: str, meaning: str, spoil: Spoil) -> Fault:
        return Fault(f"call-{name}", f"in a call, {meaning}", spoil=spoil)

    return [
        row("late", "what the user said is written down after the answer", Spoil(is_transcript_late=True)),
        row("lost", "half of the deltas are lost", Spoil(arrange=every_other)),
        row("reordered", "events of one type overtake those of others", Spoil(arrange=by_type)),
        row("done-early", "the end is told before the last deltas", Spoil(is_done_early=True)),
        row("slow", f"a piece comes every {_SLOW_S} s", Spoil(delay_s=_SLOW_S)),
        row("error", "an error in the middle of an answer, which goes on", Spoil(has_error=True)),
        row("cut", "the connection is dropped in the middle of an answer", Spoil(is_cut=True)),
        row("mute", "nothing more comes, not even heartbeats", Spoil(is_mute=True)),
    ]


def _table() -> dict[str, Fault]:
    coded = [_code_fault(code, row.status) for code, row in CODES.items()]
    rows = [*coded, _code_fault("1305", 503), *_http_faults(), *_stream_faults(), *_vector_faults(), *_call_faults()]
    return {row.name: row for row in rows}


FAULTS: dict[str, Fault] = _table()


def find_fault(name: str) -> Fault:
    """The row for ``429/1302``, for a bare code (``1302``) or for a name.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    name = name.strip().lower()
    for candidate in (name, f"{CODES[name].status}/{name}" if name in CODES else ""):
        if candidate in FAULTS:
            return FAULTS[candidate]
    near = get_close_matches(name, FAULTS, n=4, cutoff=0.4)
    hint = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(FAULTS)}."
    raise ValueError(f"There is no fault {name!r}; {hint}")
