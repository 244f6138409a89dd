"""Optional libraries, or the sentence that says how to install them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import MissingExtraError
from ..pictures import named


def library(name: str, label: str) -> Any:
    """A library of the extra ``documents``.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:  # a library within the library
            raise
        raise MissingExtraError.naming("documents", f"{named(label)} is read by {name}, which is not installed.") from None
