"""A request and its answer on record, as a value and as lines of a file that people can read, compare and edit.

A tape is found by what its request says: the body without the order of its keys, long base64 data by its hash, and the
provider's name with method and path, since bodies mean different things to different servers. No header is kept, so no key is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from .errors import ReplayError, one_line

VERSION = 1
HEAD = {"glm_magics": "replay", "version": VERSION}

_MOST_DIFFERENCES = 6
_AROUND_CHARS = 40
_COMPARED_CHARS = 2000
_JOINED_WITHIN_S = 0.25
_LEAST_DATA_CHARS = 400
_DATA = re.compile(r"(?P<head>data:[\w.+/-]+;base64,)?(?P<data>[A-Za-z0-9+/=_-]+)")
_TEXTS = ("content", "reasoning_content", "reasoning")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a tape is found by.

    Attributes:
        wire: provider, method and path: ``zai POST /chat/completions``.
        body: of the request; long base64 data as their hash.
    """

    wire: str
    body: Any

    @property
    def key(self) -> str:
        """The same for the same request, always."""
        return sha256(_write([self.wire, self.body]).encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Event:
    """A piece of an answer: seconds after sending, and what it said; of an answer in one piece all of it."""

    at_s: float
    data: Any


@dataclass(frozen=True, slots=True)
class Tape:
    """One request and its answer.

    Attributes:
        asked: the request.
        status: of HTTP.
        is_stream: it came as events.
        events: in order.
        first_token_s, elapsed_s: from sending; the first None when no token came.
        is_edited: somebody changed the answer in the file.
    """

    asked: Asked
    status: int
    is_stream: bool
    events: Sequence[Event]
    first_token_s: float | None
    elapsed_s: float
    is_edited: bool = False


def ask(wire: str, body: Any) -> Asked:
    """What a tape of this request is found by."""
    return Asked(wire, _without_data(body))


def _without_data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_data(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_data(item) for item in value]
    if isinstance(value, str) and len(value) >= _LEAST_DATA_CHARS and (found := _DATA.fullmatch(value)):
        digest = sha256(found["data"].encode()).hexdigest()
        return f"{found['head'] or ''}sha256:{digest} ({len(found['data']) * 3 // 4} bytes)"
    return value


def _write(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# As lines


def write_tape(tape: Tape) -> list[str]:
    """The lines of a tape."""
    answer = {"status": tape.status, "stream": tape.is_stream, "first_token_s": tape.first_token_s, "elapsed_s": tape.elapsed_s}
    lines = [json.dumps({"answer": answer}), *(_line({"s": event.at_s, "data": event.data}) for event in tape.events)]
    head = {"tape": tape.asked.key, "wire": tape.asked.wire, "seal": _seal(lines)}
    return [_line(head), _line({"request": tape.asked.body}), *lines, _line({"end": tape.asked.key})]


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _seal(lines: Iterable[str]) -> str:
    return sha256("\n".join(_write(json.loads(line)) for line in lines).encode("utf-8", "replace")).hexdigest()[:16]


def write_tapes(tapes: Iterable[Tape]) -> str:
    """A whole file."""
    return "\n".join([_line(HEAD), *(line for tape in tapes for line in write_tape(tape))]) + "\n"


def read_tapes(text: str, name: str) -> dict[str, Tape]:
    """The tapes of a file by key.

    Args:
        name: of the file, for people.

    Raises:
        ReplayError: it is none, or was edited so that it says no more what was asked; names the line.
    """
    lines = text.split("\n")
    if _parse(lines[0], name, 1).get("version") != VERSION or "glm_magics" not in lines[0]:
        raise ReplayError(f"{name} is no file of recordings of this version.", "Give another file, or remove it.")
    tapes: dict[str, Tape] = {}
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        block.append((number, line))
        if line.startswith('{"end"'):
            tape = _read_block(block, name)
            tapes[tape.asked.key] = tape
            block = []
    if block:
        raise _broken(name, block[0][0], "the recording that begins here has no end")
    return tapes


def _parse(line: str, name: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise _broken(name, number, "it is no JSON") from None
    if not isinstance(value, dict):
        raise _broken(name, number, "it is no JSON object")
    return value


def _broken(name: str, number: int, why: str) -> ReplayError:
    return ReplayError(
        f"{name} cannot be used: line {number}, {why}.",
        "Undo the edit, or remove the lines from `tape` to `end` and record that again.",
    )


def _read_block(block: Sequence[tuple[int, str]], name: str) -> Tape:
    number = block[0][0]
    parsed = [_parse(line, name, at) for at, line in block]
    try:
        head, request, answer, *events = parsed[:-1]
        asked = Asked(head["wire"], request["request"])
        facts = answer["answer"]
        tape = Tape(
            asked,
            int(facts["status"]),
            bool(facts["stream"]),
            tuple(Event(float(event["s"]), event["data"]) for event in events),
            None if facts["first_token_s"] is None else float(facts["first_token_s"]),
            float(facts["elapsed_s"]),
        )
        key, seal = head["tape"], head["seal"]
    except (KeyError, TypeError, ValueError):
        raise _broken(name, number, "the recording that begins here is not whole") from None
    if key != asked.key:
        raise _broken(name, number + 1, "the request was edited and is no more what was asked")
    return replace(tape, is_edited=seal != _seal(line for _, line in block[2:-1]))


# Events


def join_events(events: Iterable[Event]) -> list[Event]:
    """The same answer in fewer lines: pieces of text that came shortly after each other become one."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if last and event.at_s - last.at_s < _JOINED_WITHIN_S and (data := _joined(last.data, event.data)) is not None:
            joined[-1] = Event(last.at_s, data)
        else:
            joined.append(event)
    return joined


def _joined(first: Any, second: Any) -> Any:
    """Two chunks as one, where they differ in one text alone."""
    delta, more = _delta(first), _delta(second)
    names = [name for name in _TEXTS if delta and more and isinstance(delta.get(name), str) and isinstance(more.get(name), str)]
    if len(names) != 1 or _with_text(first, names[0], "") != _with_text(second, names[0], ""):
        return None
    return _with_text(first, names[0], delta[names[0]] + more[names[0]])


def _delta(data: Any) -> Any:
    try:
        (choice,) = data["choices"]
        return choice["delta"] if isinstance(choice["delta"], dict) else None
    except (KeyError, TypeError, ValueError):
        return None


def _with_text(data: Any, name: str, text: str) -> Any:
    (choice,) = data["choices"]
    return {**data, "choices": [{**choice, "delta": {**choice["delta"], name: text}}]}


# Differences


def find_nearest(asked: Asked, tapes: Iterable[Tape]) -> Tape | None:
    """The tape whose request is most like this one."""
    leaves = _leaves(asked)
    return max(tapes, key=lambda tape: _likeness(leaves, _leaves(tape.asked)), default=None)


def _likeness(first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
    from difflib import SequenceMatcher

    total = 0.0
    for path in first.keys() & second.keys():
        one, other = first[path], second[path]
        if one == other:
            total += 1
        elif isinstance(one, str) and isinstance(other, str):
            total += SequenceMatcher(None, one[:_COMPARED_CHARS], other[:_COMPARED_CHARS]).quick_ratio()
    return total - 0.5 * len(first.keys() ^ second.keys())


def describe_differences(asked: Asked, tape: Tape) -> list[str]:
    """Field by field: what was recorded, and what is asked now."""
    now, then = _leaves(asked), _leaves(tape.asked)
    paths = [path for path in dict.fromkeys([*then, *now]) if now.get(path, _ABSENT) != then.get(path, _ABSENT)]
    said = [f"{path}: recorded {_both(then, now, path)[0]}, now {_both(then, now, path)[1]}" for path in paths]
    rest = len(said) - _MOST_DIFFERENCES
    return [*said[:_MOST_DIFFERENCES], f"{rest} more"] if rest > 0 else said


_ABSENT = object()


def _leaves(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {"provider": asked.wire}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping) and value:
            for name, item in value.items():
                walk(item, f"{path}.{name}" if path else str(name))
        elif isinstance(value, list) and value:
            for place, item in enumerate(value):
                walk(item, f"{path}[{place}]")
        else:
            found[path] = value

    walk(asked.body, "")
    return found


def _both(then: Mapping[str, Any], now: Mapping[str, Any], path: str) -> tuple[str, str]:
    one, other = then.get(path, _ABSENT), now.get(path, _ABSENT)
    start = 0
    if isinstance(one, str) and isinstance(other, str):
        same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        start = max(0, same - _AROUND_CHARS // 2)
    return _said(one, start), _said(other, start)


def _said(value: object, start: int) -> str:
    if value is _ABSENT:
        return "nothing"
    if not isinstance(value, str):
        return one_line(_write(value), 2 * _AROUND_CHARS)
    return f"“{'…' if start else ''}{one_line(value[start:], 2 * _AROUND_CHARS)}”"
