"""Which stored row holds which key: a sorted array, searched for many keys at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .spaces import Keys, Rows

    Checks: TypeAlias = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows that were written together: the stored row of the first, a key and a checksum for each, and a key for all."""

    id: int
    start: int
    keys: Keys
    checks: Checks
    n_tokens: int
    created_s: float
    together: bytes


class KeyIndex:
    """The keys of many segments, in the order in which they came; sorted only when somebody asks in another order.

    Args:
        keys, checks: of all rows, segment by segment.
        starts, lengths: of the segments: the stored row of the first key, and how many there are.
        tokens: what each segment's vectors had cost.
        last_id: of the newest segment.
        together: a key for all texts of a segment, or an empty one, for each.
    """

    def __init__(
        self,
        keys: Keys,
        checks: Checks,
        starts: Sequence[int],
        lengths: Sequence[int],
        tokens: Sequence[int],
        last_id: int = 0,
        together: Sequence[bytes] = (),
    ) -> None:
        import numpy as np

        self.last_id = last_id
        sizes = np.array(lengths, np.int64)
        self._keys, self._checks = keys, checks
        self._rows: Rows = np.arange(len(keys)) + np.repeat(np.array(starts, np.int64) - (np.cumsum(sizes) - sizes), sizes)
        ends = np.cumsum(sizes).tolist()
        self._together = {mark: (end - n, end) for mark, end, n in zip(together, ends, lengths, strict=False) if mark}
        self._tokens = np.repeat((np.array(tokens, np.float64) / np.maximum(sizes, 1)).astype(np.float32), sizes)

    def __add__(self, newer: KeyIndex) -> KeyIndex:
        """Both, the newer keys behind."""
        import numpy as np

        both = object.__new__(KeyIndex)
        n = len(self)
        both._together = {**self._together, **{mark: (i + n, j + n) for mark, (i, j) in newer._together.items()}}
        both.last_id = newer.last_id
        both._keys = np.concatenate([self._keys, newer._keys])
        both._checks = np.concatenate([self._checks, newer._checks])
        both._rows = np.concatenate([self._rows, newer._rows])
        both._tokens = np.concatenate([self._tokens, newer._tokens])
        return both

    def __len__(self) -> int:
        return len(self._keys)

    @cached_property
    def _sorted(self) -> tuple[Any, Any]:
        """The order of the keys by their first half, and those halves."""
        import numpy as np

        order = np.argsort(self._keys[:, 0], kind="stable")
        return order, self._keys[order, 0]

    def find(self, keys: Keys) -> Rows:
        """For each key its place in this index, or −1; shape (n,)."""
        import numpy as np

        places = np.full(len(keys), -1)
        if not len(self) or not len(keys):
            return places
        n = self.follow(keys, places)
        if n < len(keys):
            places[n:] = self._search(keys[n:])
        return places

    def follow(self, keys: Keys, places: Rows) -> int:
        """Most come in the order in which they were kept: how many of the first keys do; their places are filled in."""
        import numpy as np

        if not len(self) or not len(keys):
            return 0
        first = int(np.argmax(self._keys[:, 0] == keys[0, 0]))
        n = min(len(keys), len(self) - first)
        is_same = (self._keys[first : first + n] == keys[:n]).all(axis=1)
        n = n if is_same.all() else int(np.argmin(is_same))
        places[:n] = np.arange(first, first + n)
        return n

    def _search(self, keys: Keys) -> Rows:
        import numpy as np

        order, first_halves = self._sorted
        walk = np.argsort(keys[:, 0])  # sorted questions go through the index once, which is kind to the processor's cache
        at = np.empty(len(keys), np.int64)
        at[walk] = np.searchsorted(first_halves, keys[walk, 0])
        at[at == len(self)] = 0
        places = order[at]
        is_same_first = self._keys[places, 0] == keys[:, 0]
        is_same = is_same_first & (self._keys[places, 1] == keys[:, 1])
        for i in np.flatnonzero(is_same_first & ~is_same):  # other keys with the same first half
            rivals = order[at[i] : np.searchsorted(first_halves, keys[i, 0], "right")]
            matches = rivals[self._keys[rivals, 1] == keys[i, 1]]
            places[i], is_same[i] = (matches[0], True) if len(matches) else (0, False)
        found: Rows = np.where(is_same, places, -1)
        return found

    def recall(self, together: bytes) -> Keys | None:
        """The keys of texts that were kept as one segment; None where they were not."""
        found = self._together.get(together)
        return None if found is None else self._keys[slice(*found)]

    def rows(self, places: Rows) -> Rows:
        """Stored rows at places of the index."""
        return self._rows[places]

    def checks(self, places: Rows) -> Checks:
        """Checksums at places of the index."""
        return self._checks[places]

    def count_tokens(self, places: Rows) -> float:
        """What the vectors at these places had cost."""
        return float(self._tokens[places].sum())
