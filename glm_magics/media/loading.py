"""How a value is to be loaded, and what a file is while it is: the words that all loaders share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

from ..errors import MediaError, one_line
from ..intake import Intake
from ..messages import Part

Form: TypeAlias = Literal["image", "text", "both", "auto", "pages"]


@dataclass(frozen=True, slots=True)
class Blob:
    """The content of one file, wherever it comes from: on disk when `path` is given, else `data`."""

    label: str
    path: Path | None = None
    data: bytes = field(default=b"", repr=False)

    @property
    def suffix(self) -> str:
        """With the dot, in lower case."""
        return (self.path or Path(self.label)).suffix.lower()

    @property
    def n_bytes(self) -> int:
        """How long it is.

        Raises:
            OSError: the file is gone.
        """
        return self.path.stat().st_size if self.path else len(self.data)

    def open(self) -> BinaryIO:
        """A binary file to read from; close it.

        Raises:
            OSError: the file is gone or may not be read.
        """
        return self.path.open("rb") if self.path else BytesIO(self.data)

    def head(self, n: int = 64) -> bytes:
        """The first `n` bytes."""
        with self.open() as file:
            return file.read(n)

    def read(self, max_bytes: int) -> bytes:
        """All of it.

        Raises:
            MediaError: it is longer than `max_bytes`.
        """
        if self.n_bytes > max_bytes:
            raise MediaError(f"`{self.label}` is larger than {max_bytes // 1_000_000} MB.", "Make it smaller first.")
        with self.open() as file:
            return file.read()


class Fetcher(Protocol):
    """Downloads an address to here; the session hands it in, so that no loader knows the network."""

    def __call__(self, url: str) -> Blob: ...


class Remembering(Protocol):
    """Where parts are kept that were made before; see `memo.Memo`."""

    def find(self, key: Hashable) -> Sequence[Part] | None: ...
    def keep(self, key: Hashable, parts: Sequence[Part]) -> None: ...


@dataclass(frozen=True, slots=True)
class Loading:
    """How to load one value.

    Attributes:
        label: names the value for people.
        intake: what the model at the other end takes.
        frames: how tables are sent; None: as a picture where the model takes the bytes of pictures, else as text.
        pages: how pages of documents are sent; None: as `frames`.
        selection: what stood in brackets behind a path: ``3-7`` pages, ``0:10-0:25`` of a video.
        fps, frames_max: how densely a video is sampled, and how many pictures of it at most.
        is_fetched: addresses are downloaded here and sent as bytes.
        fetch: how; None where nothing can be fetched.
        depth: counts lists in lists.
        memo: where parts are remembered; None: nowhere.
    """

    label: str = ""
    intake: Intake = field(default_factory=Intake)
    frames: Form | None = None
    pages: Literal["image", "text", "both"] | None = None
    selection: str = ""
    fps: float | None = None
    frames_max: int | None = None
    is_fetched: bool = False
    fetch: Fetcher | None = field(default=None, compare=False)
    depth: int = 0
    memo: Remembering | None = field(default=None, compare=False)

    @property
    def frame_form(self) -> Form:
        """How tables are sent."""
        return self.frames or self._usual_form

    @property
    def page_form(self) -> Literal["image", "text", "both"]:
        """How pages are sent."""
        return self.pages or self._usual_form

    @property
    def _usual_form(self) -> Literal["image", "text"]:
        return "image" if self.intake.sees_bytes else "text"


Loader: TypeAlias = Callable[[Any, Loading], Iterable[Part]]
"""From a value of one type to its parts. Raises `MediaError` for what cannot be sent."""

FileLoader: TypeAlias = Callable[[Blob, Loading], Iterable[Part]]
"""The same for the content of a file."""


def said(error: BaseException) -> str:
    """What an error of foreign code says, in a few words without a final stop."""
    return one_line(str(error), 120).rstrip(".") or type(error).__name__
