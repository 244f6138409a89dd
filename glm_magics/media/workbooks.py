"""Excel workbooks: each sheet as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import MediaError
from ..messages import Part, TextPart
from ..pictures import named
from .extras import library
from .loading import Loading
from .selections import parse_pages
from .texts import write_block

if TYPE_CHECKING:
    from zipfile import ZipFile

MAX_CELLS = 5_000_000
"""Visited, empty ones too: one value in the farthest corner makes seventeen thousand million."""

_MAX_CHARS = 1_000_000


def read_sheets(file: BinaryIO, loading: Loading) -> list[Part]:
    """The sheets, or those in brackets; values as last saved, a formula that was never reckoned is empty.

    Raises:
        MediaError: they hold too much.
    """
    workbook = library("openpyxl", loading.label).load_workbook(file, read_only=True, data_only=True, keep_links=False)
    sheets = workbook.worksheets
    numbers = parse_pages(loading.selection, len(sheets), "sheet") if loading.selection else range(1, len(sheets) + 1)
    parts: list[Part] = []
    for number in numbers:
        sheet = sheets[number - 1]
        if text := _write_csv(_tidied(sheet), loading.label):
            source = f"sheet {number} of {len(sheets)}"
            hidden = "" if sheet.sheet_state == "visible" else ", hidden"
            title = f"{named(loading.label)}, {source}, {sheet.title}{hidden}"
            parts.append(TextPart(write_block(title, text, "csv"), loading.label, source))
    return parts


def count_unreckoned(package: ZipFile) -> int:
    """How many formulas have no saved result, as in workbooks that Python wrote and no Excel opened."""
    count = 0
    for name in package.namelist():
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            with package.open(name) as file:
                rest = b""
                while block := file.read(1 << 20):
                    whole, end, rest = (rest + block).rpartition(b"</c>")
                    count += len(_UNRECKONED.findall(whole + end))
    return count


_UNRECKONED = re.compile(rb"</f>\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")


def _tidied(sheet: Any) -> Iterator[list[str]]:
    """Rows of text without the empty cells at their end; of several empty rows one."""
    sheet.reset_dimensions()  # what the file says of its size is often wrong
    n_cells, is_gap, has_begun = 0, False, False
    for row in sheet.iter_rows(values_only=True):
        n_cells += len(row) + 1
        if n_cells > MAX_CELLS:
            raise MediaError(
                f"Sheet {sheet.title} has values too far apart to look through.", "Read it with pandas, and send the frame."
            )
        cells = [_said(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells and is_gap and has_begun:
            yield []
        if cells:
            yield cells
        is_gap, has_begun = not cells, has_begun or bool(cells)


def _write_csv(rows: Iterable[list[str]], label: str) -> str:
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > _MAX_CHARS:
            raise MediaError(
                f"{named(label)} holds a sheet of more than {_MAX_CHARS:,} letters.", "Read it with pandas, and send the frame."
            )
    return buffer.getvalue()


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    return str(value)
