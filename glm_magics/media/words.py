"""The words after ``-i``, ``-d`` and ``-f``: what they name, and that it is of the kind that the option asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MediaError
from ..messages import ImagePart, Part
from ..pictures import named
from .dispatch import to_parts
from .links import ANY_URL, Kind, load_link
from .loading import Loading
from .paths import is_found, load_word, split_word
from .rows import TYPES, row_of

if TYPE_CHECKING:
    from PIL.Image import Image


def find_word(token: str, evaluate: Callable[[str], object], defined: Callable[[str], bool]) -> object:
    """What one word names: an expression's value if its first name exists, else the word itself, as a path or address.

    Raises:
        InputError: it is neither a name nor a file.
    """
    if ANY_URL.fullmatch(token):
        return token
    first_name = re.match(r"[^\W\d]\w*", token)
    path, selection = split_word(token)
    is_file = is_found(path)
    if first_name and defined(first_name[0]) and (token.isidentifier() or not is_file):
        return evaluate(token)
    if is_file or selection or any(mark in token for mark in "*?[/\\."):
        return token
    raise InputError(f"`{token}` is neither a name in this notebook nor a file.", "Give a variable, a path or a URL.")


def image_parts(value: object, loading: Loading) -> list[Part]:
    """For ``--image``: the pictures of a value, path or URL.

    Raises:
        MediaError: there is no picture in it.
    """
    parts = _word_parts(value, loading, "image")
    if any(isinstance(part, ImagePart) for part in parts):  # pages of documents come with a line that names them
        return parts
    if TYPES.get(row_of(value)) == "tables.load_frame":
        raise MediaError(
            f"{named(loading.label)} cannot be drawn: no font here has all of its letters.",
            f"Put {{{loading.label or 'it'}}} into the text, where it is sent as text.",
        )
    raise MediaError(
        f"{named(loading.label)} is no picture ({type(value).__name__}).", "Give a figure, picture, array, frame, path or URL."
    )


def named_pictures(value: object) -> list[tuple[Image, str]]:
    """The pictures of a value or of a list, for people to look at: PIL images as they are, others as they would be sent.

    Each comes with the name of its file, without folders; empty when it is from none.

    Raises:
        MediaError: there is no picture in it, or only an address.
    """
    from PIL import Image as pil

    pictures: list[tuple[Any, str]] = []
    for item in value if isinstance(value, list | tuple) else [value]:
        if row_of(item) == "PIL.Image":
            pictures.append((item, _file_name(getattr(item, "filename", ""))))
            continue
        for part in image_parts(item, Loading()):
            if isinstance(part, ImagePart) and not part.data:
                raise MediaError("A picture behind an address cannot be shown here.", "Download it and give the file.")
            if isinstance(part, ImagePart):
                pictures.append((pil.open(BytesIO(part.data)), _file_name(part.label)))
    return pictures


def _file_name(label: object) -> str:
    name = str(label or "").replace("\\", "/").rsplit("/", 1)[-1]
    return name if re.search(r"\w\.\w+$", name) else ""


def data_parts(value: object, loading: Loading) -> list[Part]:
    """For ``--data``: a dataframe.

    Raises:
        MediaError: it is none.
    """
    if TYPES.get(row_of(value)) != "tables.load_frame":
        way_out = "Read it first, as with pd.read_csv." if isinstance(value, str) else "Send other things with --image or --file."
        raise MediaError(f"{named(loading.label)} is no dataframe ({type(value).__name__}).", way_out)
    return to_parts(value, loading)


def file_parts(value: object, loading: Loading) -> list[Part]:
    """For ``--file``: a path (with pages or times in brackets), glob, folder or URL; or any value of the notebook."""
    return _word_parts(value, loading, "")


def _word_parts(value: object, loading: Loading, presumed: Kind) -> list[Part]:
    """`presumed` is what an address leads to that does not tell."""
    if not isinstance(value, str):
        return to_parts(value, loading)
    if ANY_URL.fullmatch(value):
        return list(load_link(value, loading, presumed))
    return list(load_word(value, replace(loading, label="" if loading.label == value else loading.label)))


ATTACHMENTS: Mapping[str, Callable[[object, Loading], Iterable[Part]]] = {
    "image": image_parts,
    "data": data_parts,
    "file": file_parts,
}
"""By the option's name; in a message they stand before the text, in this order."""
