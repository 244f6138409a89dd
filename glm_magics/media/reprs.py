"""Any object that can show itself as a picture: IPython's ``_repr_png_`` and its kin, and ``to_image``."""

from __future__ import annotations

import inspect
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import GLMError, MediaError
from ..messages import Part, TextPart
from ..pictures import load_picture, named
from ..stylers import as_tables
from .dispatch import to_parts
from .loading import Loading, said
from .rows import has_no_text, row_of
from .vector import load_svg


def load_shown(value: Any, loading: Loading) -> Iterable[Part]:
    """The picture that the object shows of itself; its text where it shows none, or the model has no eyes.

    Raises:
        MediaError: it has a picture to show, and fails.
    """
    failure: Exception | None = None
    for ask in _WAYS if loading.intake.sees_bytes else ():
        try:
            if parts := ask(value, loading):
                return parts
        except GLMError:
            raise
        except Exception as error:  # code of the user or of another library
            failure = failure or error
    if failure:
        raise MediaError(
            f"{named(loading.label)} cannot be drawn: {said(failure)}.",
            "Can it be shown in a cell of its own? Else send str() of it.",
        ) from failure
    is_page = has_no_text(type(value)) and callable(getattr(type(value), "_repr_html_", None))
    return load_page(value, loading) if is_page else load_as_text(value, loading)


def load_as_text(value: Any, loading: Loading) -> Iterable[Part]:
    """What ``str`` gives."""
    try:
        return [TextPart(str(value))]
    except Exception as error:
        raise MediaError(f"{named(loading.label)} cannot be written as text: {said(error)}.", "Does str() work on it?") from error


def load_page(value: Any, loading: Loading) -> Iterable[Part]:
    """The tables in what the object shows as HTML, sent as frames are; where there is none, its text."""
    try:
        tables = as_tables(value)
    except GLMError:
        return load_as_text(value, loading)
    return [part for table in tables for part in to_parts(table, replace(loading, depth=loading.depth + 1))]


def load_display_text(value: Any, loading: Loading) -> Iterable[Part]:
    """``IPython.display.HTML``, ``Markdown``, ``Latex`` and their kin: the text that they show."""
    return [TextPart(value.data)] if isinstance(value.data, str) else load_as_text(value, loading)


def load_display_image(value: Any, loading: Loading) -> Iterable[Part]:
    """``IPython.display.Image``: its bytes, or else its address."""
    if value.data is None and value.url:
        return to_parts(value.url, loading)
    return load_shown(value, loading)


def _ask(name: str, load: Callable[[Any, Loading], Iterable[Part]]) -> Callable[[Any, Loading], Iterable[Part]]:
    def ask(value: Any, loading: Loading) -> Iterable[Part]:
        method = getattr(type(value), name, None)
        made = method(value) if callable(method) else None
        content = made[0] if isinstance(made, tuple) and made else made  # some give ``(data, metadata)``
        return load(content, loading) if content else ()

    return ask


def _load_pixels(content: Any, loading: Loading) -> Iterable[Part]:
    """Bytes, or base64 text, both of which the display protocol allows."""
    try:
        data = b64decode(content) if isinstance(content, str) else bytes(content)
    except Base64Error:
        raise MediaError(f"{named(loading.label)} shows itself as no picture.", "Can it be shown in a cell of its own?") from None
    return [load_picture(data, loading.label)]


def _load_vector(content: Any, loading: Loading) -> Iterable[Part]:
    svg = content.encode() if isinstance(content, str) else bytes(content)
    return load_svg(svg, loading.label or "drawing", loading)


def _ask_bundle(value: Any, loading: Loading) -> Iterable[Part]:
    """``_repr_mimebundle_`` of what has one alone: pixels first, as they need no drawing."""
    method = getattr(type(value), "_repr_mimebundle_", None)
    if not callable(method):
        return ()
    for kinds, load in ((("image/png", "image/jpeg"), _load_pixels), (("image/svg+xml",), _load_vector)):
        made = method(value, include=set(kinds), exclude=None)
        bundle = made[0] if isinstance(made, tuple) and made else made
        content = next((bundle[kind] for kind in kinds if bundle.get(kind)), None) if isinstance(bundle, Mapping) else None
        if content:
            return load(content, loading)
    return ()


def _ask_to_image(value: Any, loading: Loading) -> Iterable[Part]:
    """``to_image()`` of renderers and video frames: a PIL image, an array or bytes."""
    method = getattr(type(value), "to_image", None)
    if not callable(method):
        return ()
    parameters = list(inspect.signature(method).parameters.values())[1:]
    if any(parameter.default is parameter.empty and parameter.kind in _NEEDED for parameter in parameters):
        return ()
    made = method(value)
    return to_parts(made, replace(loading, depth=loading.depth + 1)) if row_of(made) in _IMAGES else ()


_NEEDED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_IMAGES = frozenset({"PIL.Image", "numpy.ndarray", "builtins.bytes", "matplotlib.Artist"})
_WAYS: tuple[Callable[[Any, Loading], Iterable[Part]], ...] = (
    _ask("_repr_png_", _load_pixels),
    _ask("_repr_jpeg_", _load_pixels),
    _ask_to_image,
    _ask("_repr_svg_", _load_vector),
    _ask_bundle,
)
