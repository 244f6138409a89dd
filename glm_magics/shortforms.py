"""The short form of a schema, ``name, age int, tags list[str]``, as a JSON Schema.

::

    name, age int, tags list[str]               fields; text where no type is given
    mood positive|negative|neutral              one of these words
    born date?, note?                           may be null
    price float: in euro, without the sign      what is meant, for the model
    buyer {name, city}, lines list[{what, n}]   objects within
    [city, population int]                      a list of such objects
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import OptionError, one_line

_TYPES: Mapping[str, Mapping[str, Any]] = {
    "str": {"type": "string"},
    "text": {"type": "string"},
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "list": {"type": "array", "items": {"type": "string"}},
}
_TOKEN = re.compile(r"\s*(?:(?P<word>[^\W\d][\w-]*)|(?P<mark>[,;{}\[\]|?:]))")
_MEANING = re.compile(r"[^,;{}\[\]\n]*")
_DEEPEST = 20
_LIKE_THIS = "Write it like `name, age int, tags list[str], mood good|bad, note?`."


def read_short_form(text: str) -> dict[str, Any]:
    """The JSON Schema of a short form.

    Raises:
        OptionError: it cannot be read; says where.
    """
    reader = _Reader(text)
    is_list = reader.takes("[")
    schema = reader.fields("]" if is_list else "")
    if reader.word or reader.mark:
        raise reader.error("ends too early")
    return {"type": "array", "items": schema} if is_list else schema


class _Reader:
    """Looks one token ahead: `word` or `mark`, both empty at the end."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._start = self._position = 0
        self._depth = 0
        self.word = self.mark = ""
        self._next()

    def _next(self) -> None:
        self._start = self._position
        found = _TOKEN.match(self._text, self._position)
        if found is None and self._text[self._position :].strip():
            raise self.error("has a sign that cannot be read")
        self.word, self.mark = ((found["word"] or ""), (found["mark"] or "")) if found else ("", "")
        self._position = found.end() if found else len(self._text)

    def error(self, what: str) -> OptionError:
        """Says where, by what follows."""
        rest = one_line(self._text[self._start :], 30)
        return OptionError(f"The short form of --schema {what}{f' at `{rest}`' if rest else ''}.", _LIKE_THIS)

    def takes(self, mark: str) -> bool:
        """True when the next token is this mark, which is then behind."""
        if self.mark != mark:
            return False
        self._next()
        return True

    def fields(self, closing: str) -> dict[str, Any]:
        """Fields up to `closing`, which is taken; an empty one means the end of the text."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.error("is nested too deeply")
        properties: dict[str, Any] = {}
        while not (closing and self.takes(closing)):
            if not self.word:
                raise self.error("needs the name of a field" if properties or not closing else "has no fields")
            name = self.word
            if name in properties:
                raise self.error(f"names `{name}` twice")
            self._next()
            properties[name] = self._meaning(self._type())
            if not (self.takes(",") or self.takes(";")):
                if closing and not self.takes(closing):
                    raise self.error(f"misses a comma or `{closing}`")
                break
            if not closing and not (self.word or self.mark):  # a comma at the end
                break
        self._depth -= 1
        if not properties:
            raise self.error("has no fields")
        return {"type": "object", "properties": properties, "required": list(properties)}

    def _type(self) -> dict[str, Any]:
        """Of one field; its ``?`` too."""
        schema = self._bare_type()
        if not self.takes("?"):
            return schema
        if "enum" in schema:
            return {"enum": [*schema["enum"], None]}
        return {**schema, "type": [schema["type"], "null"]}

    def _bare_type(self) -> dict[str, Any]:
        if self.takes("{"):
            return self.fields("}")
        if not self.word:
            return {"type": "string"}
        word = self.word
        self._next()
        if self.mark == "|":
            words = [word]
            while self.takes("|"):
                if not self.word:
                    raise self.error("misses a word after `|`")
                words.append(self.word)
                self._next()
            return {"enum": words}
        if word == "list" and self.takes("["):
            items = self._type()
            if not self.takes("]"):
                raise self.error("misses `]`")
            return {"type": "array", "items": items}
        if word.lower() not in _TYPES:
            shown = one_line(word, 40)
            raise OptionError(f"The short form of --schema has no type `{shown}`.", f"There are: {', '.join(_TYPES)}.")
        return dict(_TYPES[word.lower()])

    def _meaning(self, schema: dict[str, Any]) -> dict[str, Any]:
        """With what stands behind a colon as the description."""
        if self.mark != ":":
            return schema
        found = _MEANING.match(self._text, self._position)
        self._position = found.end() if found else self._position
        meaning = found[0].strip() if found else ""
        self._next()
        return {**schema, "description": meaning} if meaning else schema
