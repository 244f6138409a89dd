"""What other libraries teach: types whose values they turn into something that can be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..errors import GLMError, InputError, MediaError
from ..messages import Part
from ..pictures import named
from .dispatch import to_parts
from .loading import Loading, said
from .rows import METHOD, TAUGHT, teach

_MAX_STEPS = 8


def register(cls: type, make: Callable[[Any], object]) -> None:
    """Teaches what is sent for values of a class and its subclasses; the last word counts.

    Args:
        cls: the class.
        make: from a value to anything that can be sent: text, a picture, a figure, a frame, bytes of a file, a Path, an
            `ImagePart`, or a list of such things.

    Raises:
        InputError: `cls` is no class, or `make` cannot be called.

    Example::

        glm.register(Molecule, lambda molecule: [molecule.draw(), f"Formula: {molecule.formula}"])
    """
    if not isinstance(cls, type) or not callable(make):
        raise InputError(
            "register takes a class and a function.", "Like glm.register(Molecule, lambda molecule: molecule.draw())."
        )
    teach(cls, make)


def load_taught(value: Any, loading: Loading) -> Iterable[Part]:
    """The parts of what was registered for the value's class or its nearest base."""
    make = next(TAUGHT[base] for base in type(value).__mro__ if base in TAUGHT)
    return _load_made(value, make, loading)


def load_by_method(value: Any, loading: Loading) -> Iterable[Part]:
    """The parts of what the value's own ``__glm__()`` gives."""
    return _load_made(value, lambda it: getattr(it, METHOD)(), loading)


def _load_made(value: Any, make: Callable[[Any], object], loading: Loading) -> Iterable[Part]:
    way_out = f"Look at its {METHOD}, or at what was registered for it."
    if loading.depth > _MAX_STEPS:
        raise MediaError(f"{named(loading.label)} is made of itself.", way_out)
    try:
        made = make(value)
    except GLMError:
        raise
    except Exception as error:  # code of the user or of another library
        raise MediaError(
            f"{named(loading.label)} cannot be prepared: its {type(value).__name__} says {said(error)}.", way_out
        ) from error
    parts = to_parts(made, replace(loading, depth=loading.depth + 1))
    return [replace(part, label=loading.label or part.label) for part in parts]
