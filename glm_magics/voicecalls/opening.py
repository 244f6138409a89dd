"""A voice call from what a person asks for: values and functions, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..bookkeeping import Books
from ..errors import OptionError
from ..providers import Connection
from ..realtime.setup import INPUT_RATES_HZ, CallSetup, make_setup
from ..toolbox import Functions, Toolbox
from .call import VoiceCall
from .switchboard import Switchboard

PAGE_RATE_HZ = 16_000


def open_call(
    fields: Mapping[str, Any],
    tools: Functions,
    connection: Callable[[], Connection],
    switchboard: Switchboard,
    books: Books | None = None,
) -> VoiceCall:
    """A call that is not begun yet; `fields` of `CallSetup` by name, `tools` functions of the notebook.

    Raises:
        OptionError, ModelError: a value that the reference does not allow, or that a page cannot keep; no function.
        MissingExtraError: anywidget is not installed.
    """
    setup = _check_page(make_setup(fields))
    return VoiceCall(setup, connection, Toolbox.of(tools) if tools else None, switchboard, books)


def _check_page(setup: CallSetup) -> CallSetup:
    """The same setup, which a page can keep.

    Raises:
        OptionError: it cannot.
    """
    if INPUT_RATES_HZ.get(setup.input_format, PAGE_RATE_HZ) != PAGE_RATE_HZ:
        raise OptionError(f"A page hears {PAGE_RATE_HZ:,} samples a second.", f"Leave input_format={setup.input_format!r} away.")
    if not setup.is_answered_unasked:
        raise OptionError(
            "A page asks for no answers.", "Leave is_answered_unasked away; with vad='client' a button asks for each."
        )
    return setup
