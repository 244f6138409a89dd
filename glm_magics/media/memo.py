"""Parts that were made before, so that a photo that is asked about again is not read and encoded again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any

from ..messages import Part
from .rows import row_of


class Memo:
    """Remembers parts by what they were made of; the longest unused leave first. Safe between threads.

    Args:
        max_bytes: of all remembered parts together.
    """

    def __init__(self, max_bytes: int = 600_000_000) -> None:
        self._max_bytes = max_bytes
        self._n_bytes = 0
        self._parts: OrderedDict[Hashable, tuple[Part, ...]] = OrderedDict()
        self._lock = Lock()

    def find(self, key: Hashable) -> Sequence[Part] | None:
        """The parts for a key, or None."""
        with self._lock:
            if key in self._parts:
                self._parts.move_to_end(key)
            return self._parts.get(key)

    def keep(self, key: Hashable, parts: Sequence[Part]) -> None:
        """Remembers the parts, unless they alone are too large."""
        with self._lock:
            self._n_bytes += _n_bytes(parts) - _n_bytes(self._parts.get(key, ()))
            self._parts[key] = tuple(parts)
            while self._n_bytes > self._max_bytes:
                _, oldest = self._parts.popitem(last=False)
                self._n_bytes -= _n_bytes(oldest)


def _n_bytes(parts: Sequence[Part]) -> int:
    """Of the bytes and of their base64."""
    return sum(len(getattr(part, "data", b"")) for part in parts) * 7 // 3


def _of_bytes(data: Any) -> Hashable:
    return blake2b(data, digest_size=20).digest()


def _of_path(path: Path) -> Hashable:
    if path.expanduser().is_dir():
        raise ValueError  # a file in it may change and leave the folder's own time alone
    status = path.expanduser().stat()
    return str(path.expanduser().resolve()), status.st_mtime_ns, status.st_size


def _of_image(image: Any) -> Hashable:
    _check_quick(image.width * image.height)
    palette = image.getpalette() if image.mode.startswith("P") else None
    pixels = _of_bytes(image.tobytes())
    return image.mode, image.size, pixels, repr(palette), repr(image.info), repr(image.getexif().get(0x0112))


def _of_array(array: Any) -> Hashable:
    _check_quick(array.size)
    if array.dtype.hasobject:
        raise ValueError  # bytes of pointers, which stay while what they point to changes
    return str(array.dtype), array.shape, _of_bytes(array.tobytes())


def _check_quick(n_pixels: int) -> None:
    if n_pixels > _MAX_MARKED:
        raise ValueError  # copying and hashing it would cost more than preparing it


_MAX_MARKED = 30_000_000


_MARKS: Mapping[str, Callable[[Any], Hashable]] = {
    "builtins.bytes": _of_bytes,
    "pathlib.PurePath": _of_path,
    "PIL.Image": _of_image,
    "numpy.ndarray": _of_array,
}
"""By the row of the type: what tells two values apart, quicker than preparing one. Others, which change in place, have none."""


def find_mark(value: object) -> Hashable | None:
    """What `value` holds, as a small key; None where that cannot be told."""
    name = row_of(value)
    if name not in _MARKS:
        return None
    try:
        return name, _MARKS[name](value)
    except Exception:  # gone, unreadable, damaged: the loader says so
        return None
