"""What the cells of a notebook showed: pictures and texts by the number of the cell, the newest of them, within a limit."""

from __future__ import annotations

from base64 import b64decode
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .errors import MediaError
from .grammar import plural

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES, MAX_CELLS = 100_000_000, 500
"""Kept of all cells together; then the oldest are forgotten."""

PICTURES: Mapping[str, str] = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/svg+xml": ".svg",
}
"""Mime types of pictures, the one that is sent first; and how such files' names end."""

_TEXTS = ("text/markdown", "text/plain")


@dataclass(frozen=True, slots=True)
class Shown:
    """One output of a cell: a picture, or else a text.

    Attributes:
        mime: of the picture; empty for a text.
        content: the picture as it was published (bytes, base64 or SVG), or the text.
        display_id: by which a later cell can replace it; usually empty.
    """

    mime: str
    content: bytes | str = field(repr=False)
    display_id: str = ""

    @property
    def data(self) -> bytes:
        """The bytes of the picture, or of the text.

        Raises:
            MediaError: what was published is no base64.
        """
        if isinstance(self.content, bytes):
            return self.content
        if not self.mime or self.mime == "image/svg+xml":
            return self.content.encode("utf-8", "replace")
        try:
            return b64decode(self.content)
        except ValueError:
            raise MediaError("A picture that the cell showed is damaged.", "Run the cell again.") from None


def read_bundle(bundle: Any, display_id: str = "") -> Shown | None:
    """The best picture of a mime bundle, else its text; None where there is neither."""
    if not isinstance(bundle, Mapping):
        return None
    for mime in (*PICTURES, *_TEXTS):
        content = bundle.get(mime)
        if isinstance(content, bytes | str) and content:
            return Shown(mime if mime in PICTURES else "", content, display_id)
    return None


@dataclass(frozen=True)
class CellOutputs:
    """What one cell showed, printed text aside: ``{cell[3]}`` sends the pictures.

    Attributes:
        number: of the cell, as in ``In [3]``.
        outputs: pictures and texts in order.
        elsewhere: numbers of all cells that showed pictures.
    """

    number: int
    outputs: Sequence[Shown]
    elsewhere: Sequence[int] = ()

    @property
    def shown_pictures(self) -> list[Shown]:
        """The pictures as they were published, SVG drawings too."""
        return [shown for shown in self.outputs if shown.mime]

    @property
    def pictures(self) -> list[Image]:
        """The pictures as PIL images; SVG drawings are left out.

        Raises:
            MediaError: one is damaged.
        """
        from PIL import Image as pil

        images: list[Image] = []
        for shown in self.shown_pictures:
            if shown.mime == "image/svg+xml":
                continue
            try:
                image = pil.open(BytesIO(shown.data))
                image.load()
            except (OSError, ValueError, SyntaxError, pil.DecompressionBombError):
                raise MediaError(f"A picture that cell {self.number} showed is damaged.", "Run the cell again.") from None
            images.append(image)
        return images

    @property
    def text(self) -> str:
        """The values that it showed as text, one below the other; what it printed is not kept."""
        return "\n".join(shown.data.decode("utf-8", "replace") for shown in self.outputs if not shown.mime)

    def __repr__(self) -> str:
        n_pictures = len(self.shown_pictures)
        counts = ((n_pictures, "picture"), (len(self.outputs) - n_pictures, "text"))
        said = [plural(n, name) for n, name in counts if n]
        return f"cell {self.number}: {', '.join(said) or 'nothing'}"


class Showing:
    """What one cell has shown so far; where that is too much, its newest outputs.

    Attributes:
        outputs: in order.
        n_bytes: of all of them.
        is_question: the cell asked a model; then ``cell[-1]`` passes it over, so that asking twice asks about the same.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, is_question: bool = False) -> None:
        self.is_question = is_question
        self.outputs: deque[Shown] = deque()
        self.n_bytes = 0
        self._max_bytes = max_bytes
        self._is_clearing = False

    @property
    def has_pictures(self) -> bool:
        """True when there is one among the outputs."""
        return any(shown.mime for shown in self.outputs)

    def add(self, shown: Shown) -> None:
        """One more output."""
        if self._is_clearing:
            self.clear()
        self.outputs.append(shown)
        self.n_bytes += len(shown.content)
        while self.n_bytes > self._max_bytes:
            self.n_bytes -= len(self.outputs.popleft().content)

    def replace(self, shown: Shown) -> None:
        """Puts it in the place of what was shown under the same display id."""
        for i, old in enumerate(self.outputs):
            if old.display_id == shown.display_id:
                self.n_bytes += len(shown.content) - len(old.content)
                self.outputs[i] = shown

    def clear(self, is_later: bool = False) -> None:
        """Drops all of it; `is_later`: when the next output comes."""
        self._is_clearing = is_later
        if not is_later:
            self.outputs.clear()
            self.n_bytes = 0


class Cells:
    """The outputs of earlier cells: ``cell[3]`` by number, ``cell[-1]`` of the one that was run before, questions not counted.

    Args:
        max_bytes, max_cells: kept; then the oldest are forgotten.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_cells: int = MAX_CELLS) -> None:
        self._max_bytes, self._max_cells = max_bytes, max_cells
        self._kept: OrderedDict[int, Showing] = OrderedDict()
        self._display_ids: set[str] = set()

    def keep(self, number: int, showing: Showing) -> None:
        """Adds what a cell showed, as the newest; a cell of the same number is replaced."""
        self._kept.pop(number, None)
        self._kept[number] = showing
        self._display_ids.update(shown.display_id for shown in showing.outputs)
        n_bytes = sum(one.n_bytes for one in self._kept.values())
        while n_bytes > self._max_bytes or len(self._kept) > self._max_cells:
            n_bytes -= self._kept.popitem(last=False)[1].n_bytes

    def replace(self, shown: Shown) -> None:
        """Puts it in the place of what any kept cell showed under the same display id."""
        if shown.display_id in self._display_ids:  # a reply that streams updates its own output many times a second
            for showing in self._kept.values():
                showing.replace(shown)

    def __getitem__(self, number: int) -> CellOutputs:
        """What a cell showed.

        Raises:
            MediaError: there is no such cell, or it is not kept any more.
        """
        if isinstance(number, bool) or not isinstance(number, int):
            raise MediaError("A cell is called by its number.", "Like {cell[3]}, or {cell[-1]} for the one run before.")
        numbers = [kept for kept, showing in self._kept.items() if not showing.is_question]
        try:
            found = numbers[number] if number < 0 else number
            outputs = tuple(self._kept[found].outputs)
        except (IndexError, KeyError):
            raise MediaError(f"There is no cell[{number}] among those that were run and are kept.", self.hint()) from None
        return CellOutputs(found, outputs, tuple(self.with_pictures()))

    def with_pictures(self) -> Iterator[int]:
        """Numbers of the cells that showed pictures, in the order in which they were run; questions are left out."""
        return (number for number, showing in self._kept.items() if showing.has_pictures and not showing.is_question)

    def hint(self) -> str:
        """Which cells can be asked for pictures, in a sentence."""
        return hint_at(tuple(self.with_pictures()))

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return (
            "\n".join(repr(self[number]) for number, showing in self._kept.items() if showing.outputs)
            or "No cell showed anything yet."
        )


def hint_at(numbers: Sequence[int]) -> str:
    """The cells with pictures, in a sentence."""
    if not numbers:
        return "No cell has shown a picture since glm_magics was loaded."
    named = [f"{{cell[{number}]}}" for number in numbers[-8:]]
    return f"Pictures are in {', '.join(named)}."
