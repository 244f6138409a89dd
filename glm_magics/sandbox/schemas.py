"""Filling a JSON Schema with valid values, taken from a text where it has some."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glm_magics.sandbox.facts import numbers_in
from glm_magics.sandbox.labels import shared_words

_QUOTED = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|“([^”\n]{1,200})”|「([^」\n]{1,200})」|`([^`\n]{1,200})`")
_PROPER = re.compile(r"(?<!^)(?<![.!?。]\s)\b[A-Z][\w-]*(?:\s+[A-Z][\w-]*)*")
_NOT_NAMES = frozenset(("JSON", "Schema", "JSON Schema", "CSV", "API", "I"))
_MAX_DEPTH = 12

# Text formats: how one looks in a text, and a valid value where the text has none.
_FORMATS: Mapping[str, tuple[str, str]] = {
    "date": (r"\b\d{4}-\d\d-\d\d\b", "2026-01-01"),
    "date-time": (r"\b\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)", "2026-01-01T00:00:00Z"),
    "time": (r"\b\d\d:\d\d(?::\d\d)?\b", "00:00:00"),
    "email": (r"[\w.+-]+@[\w-]+\.[\w.]+\w", "sandbox@example.com"),
    "uri": (r"https?://[^\s\"'<>)]+", "https://example.com/"),
    "uuid": (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "00000000-0000-4000-8000-000000000000"),
}


@dataclass(slots=True)
class Source:
    """The text values are drawn from; a number or phrase that was used once is not used again.

    Args:
        text: the prompt.
        root: the whole schema, for ``$ref``.
    """

    text: str
    root: Mapping[str, Any]
    numbers: list[float] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.numbers = numbers_in(self.text)
        quoted = [next(filter(None, groups)) for groups in _QUOTED.findall(self.text)]
        proper = [match.group() for match in _PROPER.finditer(_QUOTED.sub("", self.text))]
        self.phrases = [*quoted, *(phrase for phrase in proper if phrase not in _NOT_NAMES)]


def fill(schema: Mapping[str, Any], text: str) -> Any:
    """A value that fits `schema`, filled from `text`: values written as ``name=…``, then numbers, quoted phrases and names
    in their order. Patterns are not honoured; everything else of the common vocabulary is.

    Raises:
        ValueError: `schema` is no JSON Schema.
    """
    try:
        return _value(schema, "", Source(text, schema), 0)
    except (TypeError, AttributeError, KeyError, ArithmeticError) as error:
        raise ValueError(f"not a JSON Schema: {error}") from error


def _value(schema: Any, name: str, source: Source, depth: int) -> Any:
    schema = _resolved(schema, source.root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return _choice(schema["enum"], source.text)
    kind = _kind(schema)
    if depth > _MAX_DEPTH:
        return None
    return _FILLERS[kind](schema, name, source, depth)


def _resolved(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind ``$ref``, ``allOf`` of one, and the first choice that is not null."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(schema, Mapping):
            return {}
        if "$ref" in schema:
            schema = _at(root, schema["$ref"])
            continue
        choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if not choices:
            return schema
        schema = next((choice for choice in choices if choice.get("type") != "null"), {})
    return {}


def _at(root: Any, pointer: str) -> Any:
    for step in pointer.removeprefix("#").strip("/").split("/"):
        root = root.get(step, {}) if isinstance(root, Mapping) and step else root
    return root


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return kind if kind in _FILLERS else "string"


def _choice(options: Iterable[Any], text: str) -> Any:
    """The option the text mentions first, else the first."""
    options = list(options)
    places = [(text.lower().find(str(option).lower()), i) for i, option in enumerate(options)]
    found = [(place, i) for place, i in places if place >= 0]
    return options[min(found)[1]] if found else options[0]


def _written(name: str, source: Source, pattern: str) -> str | None:
    """What the text gives by name: ``name=…``, ``name: …`` or ``name is …``; spaces may stand for underscores."""
    if not name:
        return None
    words = re.escape(name).replace("_", "[_ ]")
    match = re.search(
        rf"(?<![a-zA-Z0-9_]){words}(?![a-zA-Z0-9_])[\"']?\s*(?:=|:|\bis\b|为|是)\s*({pattern})", source.text, re.IGNORECASE
    )
    return match.group(1) if match else None


def _number(schema: Mapping[str, Any], name: str, source: Source, depth: int) -> float:
    written = _written(name, source, r"[-+]?\d+(?:\.\d+)?")
    low, high = _range(schema)
    candidates = [float(written)] if written else source.numbers
    value = next((number for number in candidates if low <= number <= high), None)
    if value is None:
        return float(schema.get("default", min(max(0.0, low), high)))
    if value in source.numbers:
        source.numbers.remove(value)
    return value


def _range(schema: Mapping[str, Any]) -> tuple[float, float]:
    """The closed range; an exclusive bound is moved by one."""
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + 1)
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - 1)
    return low, high


def _plain_number(schema: Mapping[str, Any], name: str, source: Source, depth: int) -> float | int:
    value = _number(schema, name, source, depth)
    return int(value) if value.is_integer() else value


def _integer(schema: Mapping[str, Any], name: str, source: Source, depth: int) -> int:
    return math.ceil(_number(schema, name, source, depth))


def _string(schema: Mapping[str, Any], name: str, source: Source, depth: int) -> str:
    if schema.get("format") in _FORMATS:
        pattern, fallback = _FORMATS[schema["format"]]
        match = re.search(pattern, source.text)
        return match.group() if match else fallback
    written = _written(name, source, r"\"[^\"\n]+\"|'[^'\n]+'|[^\s,;]+")
    if name and (shared := shared_words(name, source.text)):
        text = shared
    elif written:
        text = written.strip("\"'").rstrip(".!?")
    elif source.phrases:
        text = source.phrases.pop(0)
    else:
        text = str(schema.get("default", " ".join(source.text.split())[:80] or "sandbox"))
    return text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), ".")


def _boolean(schema: Mapping[str, Any], name: str, source: Source, depth: int) -> bool:
    written = _written(name, source, r"true|false|yes|no|on|off")
    if written is None:
        return bool(schema.get("default", name.lower() in source.text.lower()))
    return written.lower() in ("true", "yes", "on")


def _array(schema: Mapping[str, Any], name: str, source: Source, depth: int) -> list[Any]:
    """As many items as the text has values for, within the schema's bounds; one where it has none."""
    items = _resolved(schema.get("items", {}), source.root)
    stocks: Mapping[str, Sequence[Any]] = {"number": source.numbers, "integer": source.numbers, "string": source.phrases}
    stock = stocks.get(_kind(items), ())
    wanted = max(schema.get("minItems", 1), min(len(stock), schema.get("maxItems", 10)))
    return [_value(items, "", source, depth + 1) for _ in range(wanted)]


def _object(schema: Mapping[str, Any], name: str, source: Source, depth: int) -> dict[str, Any]:
    """All properties that are required or mentioned; all of them when none is required."""
    properties = schema.get("properties", {})
    required = schema.get("required", list(properties))
    mentioned = [key for key in properties if key.lower().replace("_", " ") in source.text.lower().replace("_", " ")]
    kept = [key for key in properties if key in required or key in mentioned]
    return {key: _value(properties[key], key, source, depth + 1) for key in kept}


def _null(schema: Mapping[str, Any], name: str, source: Source, depth: int) -> None:
    return None


_FILLERS = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _plain_number,
    "integer": _integer,
    "boolean": _boolean,
    "null": _null,
}
