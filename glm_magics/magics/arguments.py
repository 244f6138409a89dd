"""The line of a magic to a typed value, before anything acts. Pure: no shell, no network.

Quotes work as in a shell, but a backslash is only a backslash (Windows paths).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import OptionError, one_line
from ..options import DEFAULTS, OPTIONS, Option, Options, nearest, parse_option

BY_FLAG: Mapping[str, Option] = {flag: option for option in OPTIONS for flag in option.flags}


@dataclass(frozen=True, slots=True)
class Call:
    """One ``%%glm`` or ``%glm``: its options, and for the line form the text behind them."""

    options: Options
    text: str = ""


def split_words(line: str) -> list[str]:
    """Shell-like words.

    Raises:
        OptionError: a quote is not closed.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.escape = ""
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        raise OptionError(
            "A quote is not closed in the line of the magic.", "Close it, or use the other kind of quote."
        ) from None


def parse_cell_line(line: str) -> Call:
    """The line of ``%%glm``: options, and at most one bare word, the model.

    Raises:
        OptionError: see `parse_option`; also an unknown option or a second bare word.
    """
    words = split_words(line)
    is_background = words[-1:] == ["&"]
    values, bare = _parse_words(words[:-1] if is_background else words)
    if is_background:
        values["background"] = True
    if len(bare) > 1:
        raise OptionError(
            f"`{one_line(bare[1], 40)}` is one word too many.",
            "The question goes below `%%glm`; a value with spaces needs quotes.",
        )
    if bare and "model" in values:
        raise OptionError(f"The model is named twice: `{values['model']}` and `{bare[0]}`.", "Leave one out.")
    if bare:
        values["model"] = parse_option(BY_FLAG["--model"], bare[0])
    return Call(Options(**values))


_WORD = re.compile(r"""\s*(?P<word>(?:"[^"]*"|'[^']*'|[^\s"'])+)""")


def parse_text_line(line: str) -> Call:
    """The line of ``%glm``: options first, then the text, which is taken as it stands (apostrophes and all).

    Raises:
        OptionError: an unknown option or a wrong value.
    """
    words: list[str] = []
    position = 0
    while found := _WORD.match(line, position):
        word = found["word"]
        if not _is_flag(word):
            break
        if word == "--":
            position = found.end()
            break
        option, value = _find_option(word)
        words += split_words(word)
        position = found.end()
        if option.kind != "flag" and value is None:
            found = _WORD.match(line, position)
            if not found:
                split_words(line[position:])  # raises when there is an open quote
                break
            words += split_words(found["word"])
            position = found.end()
        if line[position : position + 1] in ("'", '"'):
            split_words(line[position:])  # raises: a value goes on with a quote that is not closed
    values, _ = _parse_words(words)
    text = line[position:].strip()
    if text == "&" or text.endswith(" &"):
        return Call(Options(**{**values, "background": True}), text[:-1].rstrip())
    return Call(Options(**values), text)


def _is_flag(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not re.match(r"-[\d.]", word)


def _find_option(word: str) -> tuple[Option, str | None]:
    """The option of ``--word`` or ``--word=value``.

    Raises:
        OptionError: there is no such option.
    """
    flag, equals, value = word.partition("=")
    if flag in ("-h", "--help"):
        raise OptionError("The help is one key away.", "`%%glm?` shows it.")
    if flag not in BY_FLAG:
        raise OptionError(f"There is no option `{one_line(flag, 40)}`.", f"{nearest(flag, list(BY_FLAG))} `%%glm?` shows all.")
    return BY_FLAG[flag], value if equals else None


def _parse_words(words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    bare: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not _is_flag(word):
            bare.append(word)
            continue
        option, value = _find_option(word)
        if option.kind == "flag":
            if value is not None:
                raise OptionError(f"{option.flags[-1]} takes no value.", "Leave it out to switch it off.")
            values[option.name] = True
            continue
        if value is None:
            if not rest or (_is_flag(rest[0]) and rest[0] in BY_FLAG):
                raise OptionError(f"{word} needs a value.", f"It is: {option.help}.")
            value = rest.pop(0)
        parsed = parse_option(option, value)
        values[option.name] = (*values.get(option.name, ()), *parsed) if option.kind == "list" else parsed
    return values, bare


def options_help(without: Collection[str] = ()) -> str:
    """The options as lines of a help page, from the one table; `without` those of these names."""
    lines = []
    for option in OPTIONS:
        if option.name in without:
            continue
        value = "|".join(option.choices) or option.metavar
        words = ", ".join(option.flags) + (f" {value}" if value else "")
        default = DEFAULTS[option.name]
        suffix = f" (default: {default})" if isinstance(default, str | int) and default else ""
        lines.append(f"    {words}\n        {option.help}{suffix}")
    return "\n".join(lines)
