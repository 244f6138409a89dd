"""What earlier cells showed, as parts: the pictures, each by the loader of its kind of file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..celloutputs import PICTURES, CellOutputs, Cells, hint_at
from ..errors import MediaError
from ..messages import Part
from .loading import Blob, Loading
from .paths import load_blob


def load_outputs(outputs: CellOutputs, loading: Loading) -> Iterable[Part]:
    """All pictures that one cell showed.

    Raises:
        MediaError: it showed none.
    """
    label = loading.label or f"cell[{outputs.number}]"
    pictures = outputs.shown_pictures
    if not pictures:
        own_text = f"{{cell[{outputs.number}].text}} is the text that it showed. " if outputs.text else ""
        raise MediaError(f"Cell {outputs.number} showed no picture.", own_text + hint_at(outputs.elsewhere))
    parts: list[Part] = []
    for i, picture in enumerate(pictures, 1):
        blob = Blob(f"{label}{PICTURES[picture.mime]}", data=picture.data)
        which = f"picture {i} of {len(pictures)}" if len(pictures) > 1 else ""
        parts += [replace(part, source=part.source or which) for part in load_blob(blob, replace(loading, label=label))]
    return parts


def load_cells(cells: Cells, loading: Loading) -> Iterable[Part]:
    """``{cell}`` without a number is a slip.

    Raises:
        MediaError: always.
    """
    raise MediaError(
        "`cell` is what all cells showed.",
        f"Name one: {{cell[-1]}} is the one run before. {cells.hint()} {{{{cell}}}} is just the word.",
    )
