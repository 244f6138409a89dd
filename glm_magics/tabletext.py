"""A table as text: CSV or Markdown, whichever costs fewer tokens and loses nothing."""

from __future__ import annotations

import csv
from io import StringIO

from .tables import Table
from .tokens import text_tokens


def write_text(table: Table) -> str:
    """The table as the cheaper of CSV and Markdown, its caption above, the shape of the whole frame below.

    Markdown has exactly one header row, and spaces around a cell mean nothing in it: what needs others is CSV.
    """
    note = f"[{table.n_rows} rows x {table.n_columns} columns]\n"
    caption = f"{table.caption}\n" if table.caption else ""
    if table.is_empty:
        names = ", ".join("/".join(filter(None, column.heads)) for column in table.columns if not column.is_label)
        return f"{caption}Empty DataFrame\nColumns: [{names}]\n{note}"
    text = write_csv(table)
    if len(table.columns[0].heads) == 1 and not table.is_styled and not _has_outer_spaces(table):
        text = min(write_markdown(table), text, key=text_tokens)
    return caption + text + note


def _has_outer_spaces(table: Table) -> bool:
    return any(cell != cell.strip() for column in table.columns for cell in column.cells)


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
