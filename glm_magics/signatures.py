"""A Python function as a model sees it: name, description and JSON Schema from its signature, type hints and docstring.

pydantic makes the schema and reads the arguments by it; docstring_parser reads the Google, NumPy and reST styles.
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .errors import MissingExtraError, OptionError, one_line
from .schemas import MisfitError, in_words, misfit_of, portable

_MAX_DESCRIPTION_CHARS = 2000
_MISSING = "Tools need pydantic and docstring_parser."
_GUESSED = (bool, int, float, str)
_UNKNOWN = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Described:
    """A function for a model.

    Attributes:
        name: on the wire: 1 to 64 letters, digits, ``_`` and ``-`` (chat reference).
        description: what it does.
        parameters: a JSON Schema of an object.
        read: from the model's arguments, a JSON object, to Python values; raises `MisfitError`.
        call: with what `read` gave.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    read: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    call: Callable[[Mapping[str, Any]], Any]


def describe_function(function: Callable[..., Any], name: str = "") -> Described:
    """The function as a model sees it. Parameters with a default that no JSON can stand for are left out.

    Args:
        function: of any kind: method, partial, async, an object with ``__call__``.
        name: instead of the function's own.

    Raises:
        OptionError: it is none, has no signature, or needs an argument that no JSON can stand for.
        MissingExtraError: a package of the ``tools`` extra is not installed.
    """
    if not callable(function):
        raise OptionError(f"`{one_line(name or repr(function), 40)}` is no function.", "Give functions, or their names.")
    name = name or _name_of(function)
    parameters = _parameters(function, name)
    about = _docstring(function)
    model, fields = _model(function, name, parameters, {row.arg_name: row.description or "" for row in about.params})

    def read(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return _read(model, fields, arguments)

    def call(given: Mapping[str, Any]) -> Any:
        return _call(function, parameters, given)

    return Described(wire_name(name), _description(name, about), _schema(model), read, call)


def wire_name(name: str) -> str:
    """The name with the signs that the protocol allows."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:64] or "function"


def _name_of(function: Callable[..., Any]) -> str:
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__name__", "") or type(function).__name__
    if not isinstance(name, str) or name == "<lambda>":
        raise OptionError("A lambda has no name for the model to call.", "Give it one with `def`, or by a variable: tools={...}.")
    return name


def _parameters(function: Callable[..., Any], name: str) -> dict[str, inspect.Parameter]:
    """Those that a model may fill: without ``**named``, and without what a partial has fixed."""
    fixed: set[str] = set()
    inner: Any = function
    while isinstance(inner, partial):
        fixed |= set(inner.keywords)
        inner = inner.func
    try:
        found = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise OptionError(
            f"`{one_line(name, 40)}` does not tell its parameters.", "Wrap it in a function with `def` and type hints."
        ) from None
    return {
        key: parameter
        for key, parameter in found.items()
        if key not in fixed and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }


def _docstring(function: Callable[..., Any]) -> Any:
    try:
        import docstring_parser
    except ImportError:
        raise MissingExtraError.naming("tools", _MISSING) from None
    inner: Any = function
    while isinstance(inner, partial):
        inner = inner.func
    is_object = not inspect.isroutine(inner) and not inspect.isclass(inner)
    text = (inspect.getdoc(inner.__call__) if is_object else None) or inspect.getdoc(inner) or ""
    try:
        return docstring_parser.parse(text)
    except Exception:  # a docstring in no known style is prose
        about = docstring_parser.Docstring()
        about.short_description = text
        return about


def _description(name: str, about: Any) -> str:
    """Required on the wire, so a function without a docstring is told by its name."""
    returns = about.returns.description if about.returns else ""
    words = [about.short_description, about.long_description, f"Returns: {returns}" if returns else ""]
    text = "\n\n".join(word for word in words if word) or f"The notebook's function {name}."
    return text[:_MAX_DESCRIPTION_CHARS]


def _model(
    function: Callable[..., Any], name: str, parameters: dict[str, inspect.Parameter], about: Mapping[str, str]
) -> tuple[Any, dict[str, str]]:
    """A pydantic model of the arguments, and its fields' names by parameter.

    Raises:
        OptionError: a parameter without a default cannot be given as JSON.
    """
    try:
        import pydantic
    except ImportError:
        raise MissingExtraError.naming("tools", _MISSING) from None
    hints = _hints(function)
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for key, parameter in parameters.items():
        hint = _hint(parameter, hints.get(key, _UNKNOWN))
        if not _can_be_json(hint):
            if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_POSITIONAL:
                raise OptionError(
                    f"The model cannot fill `{key}` of `{one_line(name, 40)}`: {_said(hint)} is nothing that JSON can say.",
                    "Give it a default, fix it with functools.partial, or take something plainer.",
                )
            continue
        words = about.get(key) or about.get(f"*{key}") or _words_of(hints.get(key))
        field = f"p{len(fields)}"  # pydantic refuses some names, and warns of others
        default = _default(parameter)
        fields[field] = (hint, pydantic.Field(default, alias=key, description=words or None))
        names[key] = field
    config = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    return pydantic.create_model(wire_name(name), __config__=config, **fields), names


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The type hints; none where they name what does not exist at run time."""
    inner: Any = function
    while isinstance(inner, partial):
        inner = inner.func
    if inspect.isclass(inner):
        inner = inner.__init__
    elif not inspect.isroutine(inner):
        inner = inner.__call__
    try:
        return typing.get_type_hints(inspect.unwrap(inner), include_extras=True)
    except Exception:  # a name that only a type checker knows, a string that is no type
        return {}


def _hint(parameter: inspect.Parameter, hint: Any) -> Any:
    if hint is _UNKNOWN:
        default = parameter.default
        hint = next((kind for kind in _GUESSED if type(default) is kind), Any)
    hint = portable(hint)
    return list[hint] if parameter.kind is inspect.Parameter.VAR_POSITIONAL else hint


def _can_be_json(hint: Any) -> bool:
    import pydantic

    try:
        pydantic.TypeAdapter(hint).json_schema()
    except (pydantic.errors.PydanticUserError, RecursionError, NameError, TypeError, ValueError):
        return False
    return True


def _default(parameter: inspect.Parameter) -> Any:
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return []
    return ... if parameter.default is inspect.Parameter.empty else parameter.default


def _words_of(hint: Any) -> str:
    """``Annotated[int, "how many"]``."""
    found = (word for word in getattr(hint, "__metadata__", ()) if isinstance(word, str))
    return next(found, "")


def _said(hint: Any) -> str:
    return f"`{one_line(getattr(hint, '__name__', str(hint)), 40)}`"


def _schema(model: Any) -> dict[str, Any]:
    """Without titles, which only repeat the names; defaults that are no JSON are left out."""
    import warnings

    from pydantic.json_schema import GenerateJsonSchema

    class Plain(GenerateJsonSchema):
        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema: dict[str, Any] = model.model_json_schema(by_alias=True, schema_generator=Plain)
    schema.pop("title", None)
    return {"properties": {}, **schema}


def _read(model: Any, fields: Mapping[str, str], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Only what was given: the function's own defaults stand."""
    import pydantic

    try:
        made = model.model_validate_json(json.dumps(arguments))
    except pydantic.ValidationError as error:
        raise MisfitError(in_words((list(fault["loc"]), fault["msg"]) for fault in error.errors())) from None
    except Exception as error:  # a validator of the user's own may raise anything
        raise misfit_of(error) from None
    return {key: getattr(made, field) for key, field in fields.items() if field in made.model_fields_set}


def _call(function: Callable[..., Any], parameters: Mapping[str, inspect.Parameter], given: Mapping[str, Any]) -> Any:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    has_extra = any(row.kind is inspect.Parameter.VAR_POSITIONAL and given.get(key) for key, row in parameters.items())
    for key, parameter in parameters.items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional += given.get(key, [])
        elif parameter.kind is inspect.Parameter.POSITIONAL_ONLY or (
            has_extra and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        ):
            positional.append(given.get(key, parameter.default))
        elif key in given:
            named[key] = given[key]
    return function(*positional, **named)
