"""A header of an MCP server, e.g. with its key: a notebook names the variable, and only the request holds the value."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from .errors import OptionError, one_line

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VALUE = re.compile(
    r"(?:(?P<scheme>Bearer|Basic|Token|ApiKey|Api-Key|Key) +)?\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})",
    re.ASCII | re.IGNORECASE,
)
_LEAST_CHARS = 6
_HOW = (
    'Name a variable of the environment: `--header "Authorization: Bearer $TOKEN_NAME"`. Its value is read when the server is '
    "connected; a key that was typed into the cell is best deleted there."
)


@dataclass(frozen=True, slots=True)
class Header:
    """What is sent with every request to one server.

    Attributes:
        name: e.g. ``Authorization``.
        scheme: a word before the value, e.g. ``Bearer``; may be empty.
        variable: the name of the environment variable that holds the value.
    """

    name: str
    scheme: str
    variable: str

    def fill(self) -> str:
        """The value as the environment has it now.

        Raises:
            OptionError: there is no such variable, or no header can carry what it holds.
        """
        return f"{self.scheme} {self._value()}".lstrip()

    def hide(self, text: str) -> str:
        """The text with the variable's name in place of its value: a server may repeat what it was sent."""
        value = os.environ.get(self.variable, "").strip()
        return text.replace(value, f"${self.variable}") if len(value) >= _LEAST_CHARS else text

    def _value(self) -> str:
        value = os.environ.get(self.variable, "").strip()
        if not value:
            said = f"There is no environment variable `{one_line(self.variable, 40)}`, or it is empty."
            raise OptionError(said, "Set it before the kernel starts.")
        if not value.isascii() or not value.isprintable():  # not shown: an HTTP library would quote it in its own complaint
            said = f"The environment variable `{one_line(self.variable, 40)}` holds characters that no header can carry."
            raise OptionError(said, "Copy the key again.")
        return value


def read_header(name: str, value: str) -> Header:
    """A header whose value is in the environment. What was typed in its place is not repeated: it may be a key.

    Raises:
        OptionError: the value names no variable, or the name cannot be a header's.
    """
    found = _VALUE.fullmatch(value.strip())
    if found is None:
        raise OptionError("The value of a header is not written into the notebook, which is saved.", _HOW)
    if not _NAME.fullmatch(name.strip()):
        raise OptionError("That is no name of a header.", _HOW)
    return Header(name.strip(), found["scheme"] or "", found["plain"] or found["braced"])


def split_header(word: str) -> tuple[str, str]:
    """``Name: value`` as name and value.

    Raises:
        OptionError: there is no colon.
    """
    name, colon, value = word.partition(":")
    if not colon:
        raise OptionError("A header is a name, a colon and a value.", _HOW)
    return name, value
