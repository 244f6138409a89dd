"""Whatever says what an answer must look like, as one `Schema`: JSON Schema for the model, and the way back to a value.

pydantic models, dataclasses, TypedDicts and other types go through pydantic; JSON Schemas and short forms through jsonschema.
"""

from __future__ import annotations

import json
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from .errors import MissingExtraError, OptionError, one_line
from .markdown import code_blocks
from .shortforms import read_short_form

_MOST_FAULTS = 8
_KEYWORDS = frozenset(
    ("type", "properties", "items", "prefixItems", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "required", "not", "if")
)
_MISSING = "Schemas need pydantic and jsonschema."


class MisfitError(Exception):
    """An answer does not fit: `sentence` says where, for the model and for people."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Schema:
    """What an answer must look like.

    Attributes:
        name: for people and for the wire: letters, digits, ``_`` and ``-``.
        json_schema: of an object; what is none itself is the only field, ``value``, of one.
        is_wrapped: the value stands in the field ``value``.
        convert: from JSON to the Python value; raises `MisfitError`.
        plain: from the value back to dicts, lists and plain values.
    """

    name: str
    json_schema: Mapping[str, Any]
    is_wrapped: bool = False
    convert: Callable[[Any], Any] = field(default=lambda value: value, repr=False)
    plain: Callable[[Any], Any] = field(default=lambda value: value, repr=False)

    def parse(self, text: str) -> Any:
        """The value in an answer: the first JSON in it that fits; it may stand alone, in a code block or among words.

        Raises:
            MisfitError: there is no JSON in the text, or none that fits.
        """
        first: MisfitError | None = None
        for found in find_json(text):
            try:
                return self.convert(self._unwrapped(found))
            except MisfitError as error:
                first = first or error
            except RecursionError:
                first = first or MisfitError("It is nested too deeply.")
        raise first or MisfitError("There is no JSON in the answer." if text.strip() else "The answer is empty.")

    def _unwrapped(self, found: Any) -> Any:
        is_wrapping = self.is_wrapped and isinstance(found, dict) and list(found) == ["value"]
        return found["value"] if is_wrapping else found


def find_json(text: str) -> Iterator[Any]:
    """JSON values in a text, likeliest first: all of it, then its code blocks, then what begins with a bracket."""
    text = text.strip()
    for candidate in (text, *(code for _, code in reversed(code_blocks(text)))):
        try:
            yield _decode(candidate)
        except (ValueError, RecursionError):
            continue
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    position, tries = 0, 0
    while (opening := _OPENING.search(text, position)) and tries < 200:
        tries += 1
        try:
            value, position = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            position = opening.end()
            continue
        yield value


_OPENING = re.compile(r"[{\[]")


def _decode(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def read_schema(given: Any) -> Schema:
    """The schema that a pydantic model, dataclass, TypedDict, other type, JSON Schema or short form stands for.

    Raises:
        OptionError: it is none of these, or not right in itself.
        MissingExtraError: pydantic or jsonschema is not installed.
    """
    if isinstance(given, Schema):
        return given
    if isinstance(given, str):
        text = given.strip()
        return _from_json_schema(_parse_text(text) if text.startswith("{") else read_short_form(text))
    if isinstance(given, Mapping):
        return _from_json_schema(given)
    if isinstance(given, type) or typing.get_origin(given) is not None:
        return _from_type(given)
    raise OptionError(f"--schema takes no {one_line(type(given).__name__, 40)}.", _TAKES)


_TAKES = "Give a pydantic model, dataclass, TypedDict or other type, a JSON Schema, or a short form like `name, age int`."


def _parse_text(text: str) -> Mapping[str, Any]:
    try:
        value: Mapping[str, Any] = json.loads(text)
    except (ValueError, RecursionError):
        raise OptionError("--schema begins like JSON and is none.", _TAKES) from None
    return value


def _from_json_schema(given: Mapping[str, Any]) -> Schema:
    try:
        import jsonschema
        import referencing
    except ImportError:
        raise MissingExtraError.naming("schema", _MISSING) from None
    try:
        schema = json.loads(json.dumps(given))  # a copy: what the caller changes later does not count
    except (TypeError, ValueError, RecursionError):
        raise OptionError("--schema is a dict that is no JSON.", _TAKES) from None
    if schema and not _KEYWORDS & set(schema):
        raise OptionError(f"--schema is a dict without a word of JSON Schema: {one_line(', '.join(schema), 60)}.", _TAKES)
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise OptionError(f"--schema is no JSON Schema: {one_line(error.message, 160)}.", "Mend it.") from None
    # an own registry, because the default one fetches a $ref from the network
    validator = kind(schema, registry=referencing.Registry(), format_checker=jsonschema.FormatChecker())

    def convert(value: Any) -> Any:
        if _has_half_signs(value):
            raise MisfitError("the value: it holds half of a character, as \\ud800 is.")
        try:
            faults = sorted(validator.iter_errors(value), key=lambda fault: list(map(str, fault.absolute_path)))
        except referencing.exceptions.Unresolvable as error:
            raise OptionError(
                f"--schema refers to `{one_line(str(error.ref), 60)}`, which it does not hold.", "Mend it."
            ) from None
        if faults:
            raise MisfitError(in_words((list(fault.absolute_path), fault.message) for fault in faults))
        return value

    _check_references(convert)
    return _wrapped(str(schema.get("title", "answer")), schema, convert, lambda value: value)


def _has_half_signs(value: Any) -> bool:
    """True for text that no file and no page can hold; pydantic refuses it itself."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _check_references(convert: Callable[[Any], Any]) -> None:
    """A reference that leads nowhere is said before anything is sent, where an empty object comes upon it."""
    probes: tuple[Any, ...] = ({}, [])
    for probe in probes:
        try:
            convert(probe)
        except MisfitError:
            continue
        except RecursionError:
            raise OptionError("--schema refers to itself without end.", "Mend it.") from None


def _from_type(given: Any) -> Schema:
    try:
        import pydantic
    except ImportError:
        raise MissingExtraError.naming("schema", _MISSING) from None
    name = getattr(given, "__name__", "answer")
    try:
        adapter: Any = pydantic.TypeAdapter(portable(given))
        schema = adapter.json_schema()
    except pydantic.errors.PydanticUserError as error:
        said = one_line(str(error).split("\n")[0], 160).rstrip(".")
        raise OptionError(f"--schema cannot be made from `{one_line(name, 40)}`: {said}.", _TAKES) from None
    except (RecursionError, NameError, TypeError, ValueError) as error:
        raise OptionError(f"--schema cannot be made from `{one_line(name, 40)}`: {one_line(str(error), 120)}.", _TAKES) from None

    def convert(value: Any) -> Any:
        try:
            return adapter.validate_json(json.dumps(value))  # as JSON: there a date is text, and strict models take it
        except pydantic.ValidationError as error:
            raise MisfitError(in_words((list(fault["loc"]), fault["msg"]) for fault in error.errors())) from None
        except RecursionError:
            raise
        except Exception as error:  # a validator of the user's own may raise anything
            raise misfit_of(error) from None

    return _wrapped(name, schema, convert, adapter.dump_python)


def misfit_of(error: Exception) -> MisfitError:
    """Of a validator that broke where it should have said what is wrong."""
    return MisfitError(f"the value: checking it raised {type(error).__name__}: {one_line(str(error), 120)}")


def portable(given: Any) -> Any:
    """Before Python 3.12 pydantic reads TypedDicts of ``typing_extensions`` only: one of ``typing`` is made anew."""
    if sys.version_info >= (3, 12):
        return given
    if typing.is_typeddict(given):
        import typing_extensions as later

        fields = {
            name: _field(hint, name in given.__required_keys__, later.NotRequired)
            for name, hint in typing.get_type_hints(given, include_extras=True).items()
        }
        made = typing.cast(Any, later).TypedDict(given.__name__, fields)
        made.__doc__ = given.__doc__
        return made
    origin, parts = typing.get_origin(given), typing.get_args(given)
    if origin is None or not any(map(_holds_typed_dict, parts)):
        return given
    changed = tuple(map(portable, parts))
    return reduce(or_, changed) if type(given).__name__ == "UnionType" else origin[changed]


def _field(hint: Any, is_required: bool, not_required: Any) -> Any:
    """The type of one field; where the class stands in a module with postponed annotations only the hint tells the truth."""
    origin = typing.get_origin(hint)
    if origin in (typing.Required, typing.NotRequired):
        hint, is_required = typing.get_args(hint)[0], origin is typing.Required
    return portable(hint) if is_required else not_required[portable(hint)]


def _holds_typed_dict(given: Any) -> bool:
    return typing.is_typeddict(given) or any(map(_holds_typed_dict, typing.get_args(given)))


def _wrapped(name: str, schema: Mapping[str, Any], convert: Callable[[Any], Any], plain: Callable[[Any], Any]) -> Schema:
    """The schema of an object: JSON mode knows no other (vendor's structured output page)."""
    name = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:64] or "answer"
    if schema.get("type") == "object" or "properties" in schema:
        return Schema(name, schema, False, convert, plain)
    inner = {key: value for key, value in schema.items() if key not in ("$defs", "definitions", "$schema")}
    shared = {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}
    outer = {**shared, "type": "object", "properties": {"value": inner}, "required": ["value"]}
    return Schema(name, outer, True, convert, plain)


def in_words(faults: Iterator[tuple[list[Any], str]]) -> str:
    """``items.0.price: …; …``, the first few."""
    listed = [f"{'.'.join(map(str, path)) or 'the value'}: {one_line(said, 200)}" for path, said in faults]
    more = f"; and {len(listed) - _MOST_FAULTS} more" if len(listed) > _MOST_FAULTS else ""
    return f"{'; '.join(listed[:_MOST_FAULTS])}{more}"
