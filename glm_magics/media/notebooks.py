"""Notebook files: their cells as Markdown and code, outputs as text and pictures."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import MediaError
from ..messages import ImagePart, Part, TextPart
from ..pictures import load_picture, named
from .loading import Blob, Loading
from .selections import parse_pages
from .texts import check_length, decode, write_block

MAX_NOTEBOOK_BYTES = 200_000_000
MAX_OUTPUT_CHARS = 8_000
"""Of one output; of a longer one, most often a log, beginning and end are kept."""

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PICTURES = ("image/png", "image/jpeg")


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A notebook file, or the cells of it that stand in brackets; picture outputs go to models with eyes.

    Raises:
        MediaError: it is no notebook, too long, or holds too many pictures.
    """
    label = loading.label or blob.label
    text, _ = decode(blob.read(MAX_NOTEBOOK_BYTES), label)
    cells, language = _parse(text, label)
    numbers = parse_pages(loading.selection, len(cells), "cell") if loading.selection else range(1, len(cells) + 1)
    parts = [part for number in numbers for part in _Cell(cells[number - 1], number, language, label, loading).load()]
    if not parts:
        raise MediaError(f"{named(label)} is a notebook without anything in it.", "Save it first.")
    texts = "".join(part.text for part in parts if isinstance(part, TextPart))
    brackets = f'Name cells in brackets, like -f "{label}[1-5]".'
    check_length(texts, label, brackets)
    n_pictures = sum(isinstance(part, ImagePart) for part in parts)
    most = loading.intake.max_images
    if most and n_pictures > most:
        raise MediaError(f"{named(label)} holds {n_pictures} pictures; one message takes {most}.", brackets)
    n_cells = f"{len(numbers)} cell{'s' * (len(numbers) != 1)}"
    return [TextPart(f"\nThe notebook {named(label)}, {n_cells}:\n", label, f"{len(numbers)} of {len(cells)} cells"), *parts]


def _parse(text: str, label: str) -> tuple[Sequence[Mapping[str, Any]], str]:
    """The cells, of the formats 3 and 4 (nbformat documentation), and the language of their code."""
    try:
        content = json.loads(text)
        cells = content["cells"] if "cells" in content else [cell for sheet in content["worksheets"] for cell in sheet["cells"]]
        if not all(isinstance(cell, dict) for cell in cells):
            raise ValueError
    except (ValueError, LookupError, TypeError, RecursionError):
        raise MediaError(f"{named(label)} is no notebook that can be read.", "Open it in Jupyter and save it again.") from None
    metadata = content.get("metadata")
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    language = info.get("name") if isinstance(info, dict) else None
    return cells, language if isinstance(language, str) and language.isalnum() else "python"


@dataclass(frozen=True, slots=True)
class _Cell:
    content: Mapping[str, Any]
    number: int
    language: str
    label: str
    loading: Loading

    def load(self) -> Iterator[Part]:
        """Its source, then its outputs."""
        kind = self.content.get("cell_type")
        source = _joined(self.content.get("source", self.content.get("input", "")))
        if kind == "code" and source.strip():
            yield self._text(write_block(f"Cell {self.number}", source, self.language))
        elif kind != "code" and source.strip():
            yield self._text(f"\n{source.strip()}\n")
        outputs = self.content.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                yield from self._load_output(output)

    def _load_output(self, output: Mapping[str, Any]) -> Iterator[Part]:
        data = output.get("data", output)
        data = data if isinstance(data, dict) else {}
        picture = next((mime for mime in _PICTURES if isinstance(data.get(mime), str | list)), "")
        if picture and self.loading.intake.sees_bytes:
            part = self._picture(_joined(data[picture]))
            yield part
            return
        if output.get("output_type") == "error":
            shown = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
        else:
            shown = _joined(data.get("text/markdown") or data.get("text/plain") or data.get("text") or "")
        if shown.strip():
            yield self._text(write_block(f"Output of cell {self.number}", _shortened(_ANSI.sub("", shown))))

    def _picture(self, encoded: str) -> Part:
        label = f"{self.label}, cell {self.number}"
        try:
            data = binascii.a2b_base64(encoded)
        except ValueError:
            data = b""
        return replace(load_picture(data, label), label=self.label, source=f"cell {self.number}")

    def _text(self, text: str) -> TextPart:
        return TextPart(text, self.label, f"cell {self.number}")


def _joined(lines: object) -> str:
    """Text of the file, which holds it whole or in lines."""
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines)


def _shortened(text: str) -> str:
    if len(text) <= MAX_OUTPUT_CHARS:
        return text
    half = MAX_OUTPUT_CHARS // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters are left out here …\n{text[-half:]}"
