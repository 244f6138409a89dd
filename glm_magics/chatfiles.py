"""Chats as files: JSON that holds everything, and Markdown that people read and that can be read back.

A file may come from anywhere: every field is checked, pictures are PNG or JPEG, and no address or path in it is followed here.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeAlias

from .conversations import Conversation, Turn, check_name
from .errors import ChatError, one_line
from .messages import AudioPart, FilePart, ImagePart, Message, Part, SpokenId, TextPart, VideoPart

Json: TypeAlias = Mapping[str, Any]

_PARTS: Mapping[str, type[Part]] = {
    "text": TextPart,
    "image": ImagePart,
    "video": VideoPart,
    "file": FilePart,
    "audio": AudioPart,
}
_MIMES = re.compile(r"image/(?:png|jpeg)|video/[\w.+-]{1,40}")
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_ROLES = ("user", "assistant", "tool")
_VERSION = 1
_MAX_ID_CHARS = 200
_NO_CHAT = "Give a file that `%glm_chat export` wrote."


# JSON


def write_json(chat: Conversation) -> str:
    """The whole chat, pictures and thinking included."""
    head = {"glm_chat": _VERSION, "name": chat.name, "system": chat.system, "model": chat.model}
    return json.dumps({**head, "turns": [turn_to_json(turn) for turn in chat.turns]}, ensure_ascii=False, indent=1)


def read_json(text: str) -> Conversation:
    """The chat of `write_json`.

    Raises:
        ChatError: it is none.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise ChatError("The file is no JSON.", _NO_CHAT) from None
    if not isinstance(raw, dict) or "glm_chat" not in raw or not isinstance(raw.get("turns"), list):
        raise ChatError("The file holds no chat.", _NO_CHAT)
    if raw["glm_chat"] != _VERSION:
        raise ChatError(f"The chat is of version {one_line(str(raw['glm_chat']), 20)}, not {_VERSION}.", "Update glm_magics.")
    turns = tuple(turn_from_json(turn) for turn in raw["turns"])
    return Conversation(check_name(_text(raw, "name")), turns, _text(raw, "system"), _text(raw, "model"))


def turn_to_json(turn: Turn) -> dict[str, Any]:
    """One turn as JSON."""
    messages = [_message_to_json(message) for message in turn.messages]
    return {"messages": messages, "model": turn.model, "ending": turn.ending, "n_tokens": turn.n_tokens}


def turn_from_json(raw: Any) -> Turn:
    """The turn of `turn_to_json`.

    Raises:
        ChatError: it is none.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("messages"), list):
        raise ChatError("A turn of the chat cannot be read.", _NO_CHAT)
    messages = tuple(map(_message_from_json, raw["messages"]))
    if not messages or messages[0].role != "user" or any(message.role == "user" for message in messages[-1:]):
        raise ChatError("A turn of the chat is not a question with its answer.", _NO_CHAT)
    n_tokens = raw.get("n_tokens")
    count = n_tokens if isinstance(n_tokens, int) and not isinstance(n_tokens, bool) else 0
    return Turn(messages, _text(raw, "model"), _text(raw, "ending"), max(0, count))


def _message_to_json(message: Message) -> dict[str, Any]:
    raw: dict[str, Any] = {"role": message.role, "parts": [_part_to_json(part) for part in message.parts]}
    more: dict[str, Any] = {"thinking": message.thinking, "tool_calls": list(message.tool_calls)}
    more |= {"tool_call_id": message.tool_call_id, "spoken": asdict(message.spoken) if message.spoken else None}
    return raw | {name: value for name, value in more.items() if value}


def _message_from_json(raw: Any) -> Message:
    if not isinstance(raw, dict) or raw.get("role") not in _ROLES or not isinstance(raw.get("parts"), list):
        raise ChatError("A message of the chat cannot be read.", _NO_CHAT)
    calls = raw.get("tool_calls", [])
    if not isinstance(calls, list) or not all(_is_call(call) for call in calls):
        raise ChatError("A call in the chat cannot be read.", _NO_CHAT)
    parts = tuple(map(_part_from_json, raw["parts"]))
    spoken = _spoken_from_json(raw.get("spoken")) if raw["role"] == "assistant" else None
    return Message(raw["role"], parts, _text(raw, "thinking"), tuple(calls), _text(raw, "tool_call_id"), spoken)


def _spoken_from_json(raw: Any) -> SpokenId | None:
    """What cannot be read is left out: the words are there."""
    if not isinstance(raw, dict) or not all(isinstance(raw.get(name), str) for name in ("id", "model", "provider")):
        return None
    until = raw.get("expires_at")
    is_time = isinstance(until, int | float) and not isinstance(until, bool)
    if not 0 < len(raw["id"]) <= _MAX_ID_CHARS or not (until is None or is_time):
        return None
    return SpokenId(raw["id"], raw["model"], raw["provider"], until)


def _is_call(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    return isinstance(function, dict) and all(isinstance(function.get(name), str) for name in ("name", "arguments"))


def _part_to_json(part: Part) -> dict[str, Any]:
    raw = {row.name: getattr(part, row.name) for row in fields(part)}
    return {name: b64encode(value).decode() if isinstance(value, bytes) else value for name, value in raw.items()}


def _part_from_json(raw: Any) -> Part:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    made = _PARTS.get(kind) if isinstance(kind, str) else None
    if made is None:
        raise ChatError("A part of a message in the chat cannot be read.", _NO_CHAT)
    values = {row.name: _value(raw[row.name], str(row.type)) for row in fields(made) if row.name in raw and row.name != "kind"}
    try:
        part = made(**values)
    except TypeError:  # a field without a default is not there
        raise ChatError(f"A part of kind {kind} in the chat is not whole.", _NO_CHAT) from None
    _check_bytes(part)
    return part


def _value(value: Any, type_name: str) -> Any:
    """A field of a part, as its dataclass declares it."""
    if type_name == "bytes" and isinstance(value, str):
        try:
            return b64decode(value, validate=True)
        except ValueError:
            raise ChatError("The bytes of a part in the chat cannot be read.", _NO_CHAT) from None
    types: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (int, float)}
    wanted = types.get(type_name, (str,))
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise ChatError("A part of a message in the chat has a field of the wrong type.", _NO_CHAT)
    return value


def _check_bytes(part: Part) -> None:
    """What is shown as a picture is one: another type in its place could be a page with a script."""
    mime = getattr(part, "mime", "image/png")
    is_false_picture = isinstance(part, ImagePart) and part.data and not part.data.startswith(_MAGIC.get(mime, b"\0none"))
    if not _MIMES.fullmatch(mime) or is_false_picture or (isinstance(part, AudioPart) and part.format not in ("wav", "mp3")):
        raise ChatError(f"A part of the chat is no {part.kind} that can be sent.", _NO_CHAT)


def _text(raw: Json, name: str) -> str:
    value = raw.get(name, "")
    return value if isinstance(value, str) else ""


# Markdown


_MARK = re.compile(r"^<!-- glm:(chat|turn|message|part|thinking) (\{.*\}) -->\r?\n", re.MULTILINE)
_LIKE_MARK = re.compile(r"^(\\*)<!-- glm:", re.MULTILINE)
_ESCAPED = re.compile(r"^\\(\\*)<!-- glm:", re.MULTILINE)
_NAMES = {"user": "You", "assistant": "Answer", "tool": "Tool"}


def write_markdown(chat: Conversation) -> str:
    """The chat to be read by people, pictures in it; comments keep what `read_markdown` needs."""
    return "".join(_blocks(chat))


def _blocks(chat: Conversation) -> Iterator[str]:
    yield _block("chat", {"glm_chat": _VERSION, "name": chat.name, "model": chat.model, "system": chat.system}, f"# {chat.name}")
    for n, turn in enumerate(chat.turns, 1):
        facts = turn_to_json(turn)
        del facts["messages"]
        yield _block("turn", facts, f"## {n}")
        for message in turn.messages:
            yield from _message_blocks(message)


def _message_blocks(message: Message) -> Iterator[str]:
    facts = _message_to_json(message)
    del facts["parts"]
    facts.pop("thinking", "")
    calls = ", ".join(f"`{words.replace('`', ' ')}`" for words in message.calls)
    head = f"**{_NAMES[message.role]}**" + (f" calls {calls}" if calls else "")
    yield _block("message", facts, head)
    if message.thinking:
        yield _block("thinking", {}, message.thinking)
    for part in message.parts:
        raw = _part_to_json(part)
        if isinstance(part, TextPart):
            yield _block("part", {**raw, "text": ""}, part.text)
            continue
        data = raw.pop("data", "")
        yield _block("part", raw, _embedded(part, data))


def _embedded(part: Part, data: str) -> str:
    label = re.sub(r"[\[\]\\\n\r]", " ", getattr(part, "label", "")) or part.kind
    if not data:
        return f"[{label}](<{getattr(part, 'url', '')}>)"
    mime = getattr(part, "mime", "") or f"audio/{getattr(part, 'format', '')}"
    return f"{'!' if isinstance(part, ImagePart) else ''}[{label}](data:{mime};base64,{data})"


def _block(kind: str, facts: Json, content: str) -> str:
    """A comment, then what people see; no `--` in the comment, which would end it, and no line in it that looks like one."""
    meta = json.dumps(facts, ensure_ascii=True).replace("--", "-\\u002d")
    return f"<!-- glm:{kind} {meta} -->\n{_LIKE_MARK.sub(lambda found: chr(92) + found[0], content)}\n\n"


def read_markdown(text: str) -> Conversation:
    """The chat of `write_markdown`, also after someone has edited its words.

    Raises:
        ChatError: there is none in it.
    """
    marks = list(_MARK.finditer(text))
    if not marks or marks[0][1] != "chat":
        raise ChatError("The Markdown holds no chat.", _NO_CHAT)
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    turns: list[dict[str, Any]] = []
    head: dict[str, Any] = {}
    for mark, end in zip(marks, ends, strict=True):
        content = text[mark.end() : end]
        content = content.removesuffix("\n\n") if content.endswith("\n\n") else content.removesuffix("\r\n\r\n")
        _take(mark[1], _facts(mark[2]), _ESCAPED.sub(lambda found: f"{found[1]}<!-- glm:", content), head, turns)
    return read_json(json.dumps({**head, "turns": turns}))


def _take(kind: str, facts: dict[str, Any], content: str, head: dict[str, Any], turns: list[dict[str, Any]]) -> None:
    """One block into the JSON that it stands for."""
    try:
        if kind == "chat":
            head |= facts
        elif kind == "turn":
            turns.append({**facts, "messages": []})
        elif kind == "message":
            turns[-1]["messages"].append({**facts, "parts": []})
        elif kind == "thinking":
            turns[-1]["messages"][-1]["thinking"] = content
        else:
            turns[-1]["messages"][-1]["parts"].append({**facts, **_part_content(facts, content)})
    except IndexError:
        raise ChatError("The chat in the Markdown is out of order.", _NO_CHAT) from None


def _part_content(facts: Json, content: str) -> dict[str, str]:
    if facts.get("kind") == "text":
        return {"text": content}
    found = re.search(r"\(data:[^;)]*;base64,([A-Za-z0-9+/=]*)\)", content)
    return {"data": found[1]} if found else {}


def _facts(meta: str) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(meta)
    except (ValueError, RecursionError):
        raise ChatError("A comment of the chat in the Markdown is not as it was written.", _NO_CHAT) from None
    return facts
