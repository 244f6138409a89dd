"""What a store of vectors is, whatever it is built on: spaces, keys, batches, and the protocol.

A vector is known by its content alone: by the space it lives in and by the text, exactly as it was sent. The text itself is not
kept, only its hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]
    Keys: TypeAlias = npt.NDArray[np.uint64]
    Rows: TypeAlias = npt.NDArray[np.int64]
    Mask: TypeAlias = npt.NDArray[np.bool_]

KEY_BYTES = 16
"""With 128 bits, two of 10¹² texts share a key with a chance of 10⁻¹⁵."""

Precision: TypeAlias = Literal["float32", "float16"]
NUMBER_BYTES: dict[str, int] = {"float32": 4, "float16": 2}
"""A number kept as float16 is off by at most a 2048th, above 6e-5 in size; the cosine of two unit vectors moves by < 1e-3."""


@dataclass(frozen=True, slots=True)
class Space:
    """Vectors that can be compared with each other, because one model of one kind of provider made them in one size.

    Attributes:
        provider: who gives these vectors: ``glm`` for all of the vendor's platforms, a server's address for others.
        model: the wire name.
        dimensions: as asked for; 0 means that none were asked for and the server gave its own.
        precision: how the numbers are kept.
    """

    provider: str
    model: str
    dimensions: int
    precision: Precision = "float32"


@dataclass(frozen=True, slots=True)
class Batch:
    """Vectors that came together.

    Attributes:
        keys: of `find_keys`, shape (n, 2).
        vectors: float32, shape (n, dimensions).
        n_tokens: what the server counted for all of them.
        created_s: when, in seconds since 1970.
        together: of `find_together`, for all the texts in this order; empty where nobody knows them any more.
    """

    keys: Keys
    vectors: Floats
    n_tokens: int
    created_s: float
    together: bytes = b""


@dataclass(frozen=True, slots=True)
class Found:
    """What a store had: for each key whether; how many different vectors these are, and the tokens that they had cost."""

    is_there: Mask
    n_hits: int = 0
    n_tokens: float = 0.0


@dataclass(frozen=True, slots=True)
class SpaceStats:
    """One space in numbers: vectors kept and their size on disk, how often and how many tokens they saved; times since 1970."""

    space: Space
    n_vectors: int
    n_bytes: int
    n_tokens: int
    n_hits: int
    n_tokens_saved: int
    oldest_s: float
    newest_s: float


class VectorStore(Protocol):
    """Where vectors are kept. Safe between threads and, unless it says otherwise, between processes.

    All methods raise `CacheError` when the place cannot be used.
    """

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    def find_width(self, space: Space) -> int | None:
        """Numbers in each vector of the space; None where there is none yet."""
        ...

    def has(self, space: Space, keys: Keys) -> Mask:
        """Which keys have a vector."""
        ...

    def get(self, space: Space, keys: Keys, out: Floats, rows: Rows) -> Found:
        """Puts the vector of ``keys[i]``, where there is one, into ``out[rows[i]]``."""
        ...

    def put(self, space: Space, batches: Sequence[Batch]) -> None:
        """Keeps the vectors; when it returns they outlast a crash."""
        ...

    def record_hits(self, space: Space, n_hits: int, n_tokens: float) -> None:
        """Counts what was saved."""
        ...

    def list_spaces(self) -> list[SpaceStats]:
        """What is kept, a row a space."""
        ...

    def scan(self, space: Space) -> Iterator[Batch]:
        """All vectors of a space, in pieces."""
        ...

    def remove(self, *, model: str | None = None, before_s: float | None = None, max_bytes: int | None = None) -> int:
        """Removes what is older than `before_s`, then the oldest until `max_bytes` are left, and gives the number.

        All this only of `model`, where one is named; all of it, where nothing else is said.
        """
        ...

    def close(self) -> None:
        """Lets go of files; the store can be used again."""
        ...


def name_place(place: str | Path) -> str:
    """A path or address for people, without the user's own folder: what is said stands in notebooks that others read."""
    with suppress(ValueError, RuntimeError):  # it lies elsewhere; there is no such folder
        return str(Path("~", Path(place).relative_to(Path.home())))
    return str(place)


def find_keys(texts: Iterable[str]) -> Keys:
    """The keys of texts, shape (n, 2).

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair, which cannot be sent either.
    """
    import numpy as np

    digests = b"".join([blake2b(text.encode(), digest_size=KEY_BYTES).digest() for text in texts])
    keys: Keys = np.frombuffer(digests, "<u8").reshape(-1, 2)
    return keys


def find_together(texts: Sequence[str]) -> bytes:
    """One key for several texts in their order: a third of the time that their own keys take.

    Raises:
        UnicodeEncodeError: as `find_keys`.
    """
    import numpy as np

    digest = blake2b("".join(texts).encode(), digest_size=KEY_BYTES)
    digest.update(np.fromiter(map(len, texts), "<u4").tobytes())
    return digest.digest()


def is_store(value: Any) -> bool:
    """Whether the user gave a store of their own and not a folder."""
    return all(callable(getattr(value, name, None)) for name in ("get", "put", "has", "scan"))
