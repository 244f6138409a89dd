"""A server's answer to ``/embeddings`` as a matrix: nothing in it is taken on trust.

Source: protocol reference 10. Rows come in any order and say by ``index`` whose they are; OpenAI-compatible servers may pack the
numbers as base64 of little-endian float32.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from threading import local
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]
    Mask: TypeAlias = npt.NDArray[np.bool_]


_own = local()
"""A parser for each thread: its memory is used again and again."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of one answer.

    Attributes:
        matrix: float32, shape (n, width), of unit length; rows without a usable vector are zero.
        is_usable: which rows have one: finite numbers, not all zero, of the right count, named once.
        n_tokens: what the server counted.
        width: numbers in most of the vectors; 0 where there is none.
    """

    matrix: Floats
    is_usable: Mask
    n_tokens: int
    width: int


def parse_answer(content: bytes) -> Mapping[str, Any] | None:
    """A payload whose vectors are arrays already, by simdjson, which makes no Python number of each.

    None where simdjson is not installed or the answer is unusual in any way: then the plain reader judges it.
    """
    try:
        import simdjson
    except ImportError:
        return None
    if not hasattr(_own, "parser"):
        _own.parser = simdjson.Parser()
    try:
        answer = _own.parser.parse(content)
        if answer.get("error") is not None:
            return None
        rows = [{"index": row["index"], "embedding": _to_array(row["embedding"])} for row in answer["data"]]
        n_lists = 1 + sum(not isinstance(row["embedding"], str) for row in rows)
        has_lists_within = content.count(b"[") != n_lists  # which simdjson would flatten
        return None if has_lists_within else {"data": rows, "usage": answer["usage"].as_dict()}
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError):
        del _own.parser  # what is still held of its last answer would keep it from reading another
        return None


def _to_array(vector: Any) -> Any:
    import numpy as np

    if isinstance(vector, str):
        return vector
    return np.frombuffer(vector.as_buffer(of_type="d"), np.float64)


def read_vectors(payload: Mapping[str, Any], n: int, width: int | None) -> Vectors:
    """The vectors for `n` texts, each of `width` numbers; None takes what most have."""
    import numpy as np

    found = _by_index(payload.get("data"), n)
    lengths = [len(vector) for vector in found.values()]
    most = max(set(lengths), key=lengths.count, default=0)
    matrix = np.zeros((n, width or most), np.float32)
    is_usable = np.zeros(n, bool)
    for index, vector in found.items():
        if len(vector) == matrix.shape[1] and most:
            is_usable[index] = _fill(matrix[index], vector)
    with np.errstate(invalid="ignore", over="ignore"):
        lengths_squared = np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64)
    is_usable &= np.isfinite(lengths_squared) & (lengths_squared > 0)
    matrix[~is_usable] = 0
    matrix[is_usable] /= np.sqrt(lengths_squared[is_usable])[:, None].astype(np.float32)
    return Vectors(matrix, is_usable, _count_tokens(payload.get("usage")), most)


def _fill(row: Floats, vector: Any) -> bool:
    try:
        row[:] = vector
    except (TypeError, ValueError, OverflowError):  # not numbers
        return False
    return True


def _by_index(data: Any, n: int) -> dict[int, Any]:
    """Vectors by the text they belong to; what is claimed twice belongs to nobody. Without any index, the order has to do."""
    rows = [row for row in data if isinstance(row, Mapping)] if isinstance(data, list) else []
    has_index = any("index" in row for row in rows)
    found: dict[int, Any] = {}
    twice = set()
    for place, row in enumerate(rows):
        index = row.get("index") if has_index else place
        vector = _unpack(row.get("embedding"))
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < n or vector is None:
            continue
        if index in found:
            twice.add(index)
        found[index] = vector
    return {index: vector for index, vector in found.items() if index not in twice}


def _unpack(value: Any) -> Any:
    import numpy as np

    if isinstance(value, list | np.ndarray):
        return value
    if not isinstance(value, str):
        return None
    try:
        return np.frombuffer(_decoder()(value, validate=True), "<f4")
    except (binascii.Error, ValueError):
        return None


@cache
def _decoder() -> Callable[..., bytes]:
    """pybase64's, where that is installed: six times as fast."""
    try:
        import pybase64
    except ImportError:
        return base64.b64decode
    decode: Callable[..., bytes] = pybase64.b64decode
    return decode


def _count_tokens(usage: Any) -> int:
    counts = usage if isinstance(usage, Mapping) else {}
    for name in ("prompt_tokens", "total_tokens"):
        count = counts.get(name)
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**40:
            return count
    return 0
