"""A table as text: CSV or Markdown, whichever costs fewer tokens and loses nothing."""

from __future__ import annotations

import csv
import math
import re
from io import StringIO

from .tables import Table

_PIECE = re.compile(r"\d{1,3}|[^\W\d_]{1,5}|[^\w\s]{1,2}|_|\s")


def write_text(table: Table) -> str:
    """The table as the cheaper of CSV and Markdown, with the shape of the whole frame below.

    Markdown has one header row only: several header levels, and empty tables, are CSV.
    """
    note = f"[{table.n_rows} rows x {table.n_columns} columns]\n"
    if table.is_empty:
        names = ", ".join("/".join(filter(None, column.heads)) for column in table.columns if not column.is_label)
        return f"Empty DataFrame\nColumns: [{names}]\n{note}"
    as_csv = write_csv(table)
    if len(table.columns[0].heads) > 1:
        return as_csv + note
    return min(write_markdown(table), as_csv, key=text_tokens) + note


def write_csv(table: Table) -> str:
    """One line per header level and per row; quotes where the text needs them."""
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(_lines(table))
    return buffer.getvalue()


def write_markdown(table: Table) -> str:
    """A tight pipe table; numbers are marked as set to the right."""
    head, *body = ([cell.replace("\\", "\\\\").replace("|", "\\|") for cell in line] for line in _lines(table))
    rule = ["-:" if column.is_number else "-" for column in table.columns]
    return "".join(f"|{'|'.join(line)}|\n" for line in (head, rule, *body))


def _lines(table: Table) -> list[tuple[str, ...]]:
    heads = zip(*(column.heads for column in table.columns), strict=True)
    return [*heads, *zip(*(column.cells for column in table.columns), strict=True)]


def text_tokens(text: str) -> int:
    """Estimated tokens: three digits, five letters or two signs make one, other letters 0.6 each."""
    asciis = text.encode("ascii", "ignore").decode()
    n_spaces = len(re.findall(r"(?<=\S) (?=\S)", asciis))  # a single space belongs to the word after it
    return math.ceil(len(_PIECE.findall(asciis)) - n_spaces + 0.6 * (len(text) - len(asciis)))
