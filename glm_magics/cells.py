"""A column of Python values as short text: decimals aligned, dates without idle zeros, odd objects named, nothing endless."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from reprlib import Repr
from typing import Any

_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\d 00:00:00")
_MAX_DECIMALS = 6
_MOST_DIGITS = 15
"""Numbers from 10 to this power on are written with an exponent: a float holds no more digits."""

_LONGEST_NUMBER = 60
"""Numbers are cut only beyond this: their first digits alone would be another number."""

_short = Repr()
_short.maxlevel, _short.maxother = 4, 200
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxfrozenset = _short.maxdict = _short.maxdeque = 20
_short.maxstring = 200


def is_missing(value: object) -> bool:
    """True for None, NaN, NaT and NA."""
    return value is None or type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and value != value)


def is_number(value: object) -> bool:
    """True for what is set to the right: int, float, Decimal, Fraction and numpy's, but no bool."""
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return isinstance(value, Real | Decimal) or (type(value).__module__ == "numpy" and isinstance(value, Integral))


def format_column(values: Sequence[Any], limit: int, is_exact: bool = False) -> tuple[list[str], bool, bool]:
    """``(cells, are_numbers, is_rounded)``: the values of one column as texts of at most `limit` letters each.

    Floats get the same number of decimals, at most six, or an exponent where that would hide them; with `is_exact` all their
    digits, and texts keep their spaces. Dates lose a time that is midnight in all of them. `is_rounded` says that a cell shows
    less than its value.

    Raises:
        Exception: whatever a value's own ``str`` raises.
    """
    known = [value for value in values if not is_missing(value)]
    if known and all(is_number(value) for value in known):
        cells = _align(known) if not is_exact else list(map(str, known))
        is_rounded = any(_is_float(value) and _differs(cell, _widen(value)) for cell, value in zip(cells, known, strict=True))
        whole, cells = cells, [cut(cell, max(limit, _LONGEST_NUMBER)) for cell in cells]
        is_rounded = is_rounded or cells != whole
        each = iter(cells)
        return [missing_word(value) if is_missing(value) else next(each) for value in values], True, is_rounded
    texts = [to_word(value, limit, is_exact) for value in values]
    if known and all(type(value).__name__ in ("Timestamp", "datetime64", "datetime") for value in known):
        days = [text for text, value in zip(texts, values, strict=True) if not is_missing(value)]
        if all(_MIDNIGHT.fullmatch(text) for text in days):
            texts = [text.removesuffix(" 00:00:00") for text in texts]
    cells = [cut(text, limit) for text in texts]
    return cells, not known and bool(values), cells != texts


def to_word(value: object, limit: int, is_exact: bool = False) -> str:
    """One value as one line; nothing beyond what `limit` letters need is looked at where that can be helped.

    With `is_exact` a text keeps its spaces.
    """
    if is_missing(value):
        return missing_word(value)
    if isinstance(value, str):
        text = value[: 4 * limit + 100]
        if is_exact:
            return re.sub(r"[^\S ]+", " ", _without_odd(text))
    elif isinstance(value, bytes | bytearray | memoryview):
        text = repr(bytes(value[: limit + 8]))
    elif isinstance(value, list | tuple | dict | set | frozenset):
        text = _short.repr(value)
    elif type(value).__name__ == "ndarray":
        text = _array_word(value)
    else:
        text = str(value)
    return clean(text)


def clean(text: str) -> str:
    """On one line; controls, marks that turn the direction and halves of letters as their codes."""
    return " ".join(_without_odd(text).split())


def _without_odd(text: str) -> str:
    return _ODD.sub(lambda found: ascii(found[0])[1:-1], text)


def missing_word(value: object) -> str:
    """None, NaN, NaT or <NA>: which of them it was."""
    return {"NoneType": "None", "NaTType": "NaT", "NAType": "<NA>"}.get(type(value).__name__, "NaN")


def cut(text: str, limit: int) -> str:
    """At most `limit` letters, the last an ellipsis when some are left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _array_word(array: Any) -> str:
    if array.size <= 20:
        return _short.repr(array.tolist())
    return f"array {'×'.join(map(str, array.shape))} {array.dtype}"


def _align(known: Sequence[Any]) -> list[str]:
    """Numbers of one column, written so that the points stand below each other."""
    floats = [_widen(value) for value in known if _is_float(value)]
    sizes = [abs(value) for value in floats if value and math.isfinite(value)]
    if not floats:
        return list(map(str, known))
    largest, smallest = max(sizes, default=0.0), min(sizes, default=1.0)
    decimals = max((_n_decimals(value) for value in floats if math.isfinite(value)), default=1)
    if largest >= 10**_MOST_DIGITS or (decimals > _MAX_DECIMALS and smallest < 1e-3):
        return [f"{float(value):.4e}" if _is_float(value) else str(value) for value in known]
    if decimals > _MAX_DECIMALS:
        decimals = min(_MAX_DECIMALS, max(2, 8 - len(str(int(largest)))))
        decimals = max(decimals, min(_MAX_DECIMALS, 3 - math.floor(math.log10(smallest))))  # four digits of the smallest
    cells = [f"{float(value):.{decimals}f}" if _is_float(value) else str(value) for value in known]
    idle = min((len(cell) - len(cell.rstrip("0")) for cell in cells if "." in cell), default=0)
    idle = min(idle, decimals - 1)
    return [cell[: len(cell) - idle] if "." in cell else cell for cell in cells] if idle else cells


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, Real) and not isinstance(value, Integral | Fraction))


def _n_decimals(value: float) -> int:
    """Decimals of the shortest text that is the number again; at least one, as floats are written."""
    digits, _, exponent = repr(value).partition("e")
    point = len(digits.partition(".")[2]) if not digits.endswith(".0") else 1
    return max(1, point - int(exponent or 0))


def _widen(value: Any) -> float:
    """The float that is written alike: 0.1 for a 32-bit 0.1."""
    return value if isinstance(value, float) else float(str(value))


def _differs(cell: str, value: float) -> bool:
    return math.isfinite(value) and float(cell) != value
