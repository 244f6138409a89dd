"""Dataframes as pictures that a vision model reads, and the choice of picture or text: small crisp letters, aligned numbers,
no pixel that costs and shows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from .cells import clean
from .errors import InputError, MediaError, one_line
from .fonts import way_out
from .layouts import MAX_SIDE_PX, lay_out, unknown_letters
from .painting import THEMES, Theme, paint
from .png import write_png
from .readers import read_table
from .summaries import summarise
from .tables import MAX_CELL_CHARS, MAX_COLUMNS, Column, Table, cut_cells
from .tabletext import write_text
from .tokens import picture_tokens, text_tokens

if TYPE_CHECKING:
    from PIL.Image import Image

FONT_PX = 14
"""Below 12 models and OCR begin to err, above 14 nothing is gained (measured)."""

MAX_PAGES = 10
"""Pictures that one frame becomes at most; columns beyond that are left out in the middle."""

_FONT_RANGE_PX = (6, 96)


def frame_image(
    df: Any,
    *,
    max_rows: int | None = None,
    max_cols: int | None = None,
    font_size_px: int = FONT_PX,
    theme: Literal["light", "dark"] = "light",
    title: str | None = None,
) -> Image:
    """A dataframe or series as the picture that is sent for it: each side a multiple of 28 pixels, grey unless it has colours.

    Args:
        df: pandas as it is, a Styler with its colours, a GroupBy as its groups' first rows; polars, pyarrow, DuckDB, Modin and
            the like with the ``tables`` extra; what `as_tables` gives.
        max_rows: rows shown, half from the head and half from the tail; as pandas, 10 of a frame of more than 60.
        max_cols: columns shown, half from each end; 20, or fewer where they would not fit.
        font_size_px: height of the letters' square. 14 is the measured best; below 12 Chinese suffers.
        theme: ``dark`` is for people: models read dark letters on white better.
        title: a line above the table, instead of a Styler's own caption.

    Raises:
        InputError: no dataframe, or an argument out of range.
        MediaError: an empty frame, a cell whose ``str`` fails, a letter that no font of this machine has, or more rows than a
            picture holds.
    """
    _check(font_size_px, theme)
    table = _titled(fit_table(df, max_rows, max_cols, font_size_px), title)
    _refuse(table, font_size_px)
    return draw(table, font_size_px, THEMES[theme])


def frame_images(
    df: Any,
    *,
    max_rows: int | None = None,
    font_size_px: int = FONT_PX,
    theme: Literal["light", "dark"] = "light",
    title: str | None = None,
) -> list[Image]:
    """A wide dataframe as several pictures that together show all of its columns; ``--frames pages`` sends them.

    Every picture begins with the index and says which columns it shows: ``columns 1–12 of 40``. A frame that fits one is one.
    After ten pictures columns are left out, in the middle.

    Args:
        df, max_rows, font_size_px, theme, title: as in `frame_image`.

    Raises:
        InputError, MediaError: as `frame_image`.
    """
    _check(font_size_px, theme)
    pages = fit_pages(df, max_rows, font_size_px, title)
    for page in pages:
        _refuse(page, font_size_px)
    return [draw(page, font_size_px, THEMES[theme]) for page in pages]


def _check(font_px: Any, theme: Any) -> None:
    if theme not in THEMES:
        raise InputError(f"There is no theme `{one_line(str(theme), 40)}`.", f"There are: {', '.join(THEMES)}.")
    low, high = _FONT_RANGE_PX
    if isinstance(font_px, bool) or not isinstance(font_px, int) or not low <= font_px <= high:
        raise InputError(f"font_size_px is {one_line(repr(font_px), 40)}.", f"Give a whole number from {low} to {high}.")


def _titled(table: Table, title: str | None) -> Table:
    return table if title is None else replace(table, caption=clean(title))


def _refuse(table: Table, font_px: int) -> None:
    if reason := why_not(table, font_px):
        raise MediaError(reason, "Send it as text: --frames text.")
    layout = lay_out(table, font_px)
    if layout.height_px > MAX_SIDE_PX:
        raise MediaError(f"So many rows are {layout.height_px} pixels high; a picture has {MAX_SIDE_PX}.", "Lower max_rows.")
    if layout.width_px > MAX_SIDE_PX:
        raise MediaError(f"So many columns are {layout.width_px} pixels wide; a picture has {MAX_SIDE_PX}.", "Lower max_cols.")


def fit_table(df: Any, max_rows: int | None = None, max_cols: int | None = None, font_px: int = FONT_PX) -> Table:
    """As much of the frame as fits a picture that the vendor does not shrink: long cells are cut first, then columns left out.

    Raises:
        InputError, MediaError: as `read_table`.
    """
    table = _cut_to_fit(read_table(df, max_rows, max_cols), font_px)
    if table.is_empty or why_not(table, font_px):
        return table
    n_columns = MAX_COLUMNS
    while max_cols is None and n_columns > 2 and not lay_out(table, font_px).fits:
        n_columns = n_columns * 3 // 4
        table = read_table(df, max_rows, n_columns, _CELL_CHARS[-1])
    return table


_CELL_CHARS = (30, 20, 12)


def _cut_to_fit(table: Table, font_px: int) -> Table:
    for max_chars in _CELL_CHARS:
        if table.is_empty or why_not(table, font_px) or lay_out(table, font_px).fits:
            break
        table = cut_cells(table, max_chars)
    return table


def fit_pages(
    df: Any, max_rows: int | None = None, font_px: int = FONT_PX, title: str | None = None, max_pages: int = MAX_PAGES
) -> list[Table]:
    """The frame as pages of columns, each with the index, that the vendor does not shrink; at most `max_pages`.

    Columns that do not fit on them are left out, in the middle.

    Raises:
        InputError, MediaError: as `read_table`.
    """
    n_columns = max_pages * MAX_COLUMNS
    while True:
        table = _titled(read_table(df, max_rows, n_columns), title)
        if table.is_empty or why_not(table, font_px):
            return [table]
        pages = _share_out(table, max_pages, font_px)
        n_columns = min(n_columns, table.n_columns) * 3 // 4
        if max_rows is not None or n_columns < 2 or all(lay_out(page, font_px).fits for page in pages):
            return pages


def _share_out(table: Table, max_pages: int, font_px: int) -> list[Table]:
    """As few pages as fit, cells cut as little as that takes; the narrowest that there are where none fit."""
    n_others = sum(not column.is_label and not column.is_gap for column in table.columns)
    pages: list[Table] = []
    for max_chars in (MAX_CELL_CHARS, *_CELL_CHARS):
        table = cut_cells(table, max_chars)
        for n_pages in range(-(-n_others // MAX_COLUMNS), min(max_pages, n_others) + 1):
            pages = _cut_pages(table, n_pages)
            if all(lay_out(page, font_px).fits for page in pages):
                return pages
    return pages


def _cut_pages(table: Table, n_pages: int) -> list[Table]:
    """Columns shared out evenly, the index on each page, and above it which columns of the whole they are."""
    labels = [column for column in table.columns if column.is_label]
    others = [column for column in table.columns if not column.is_label]
    if n_pages == 1:
        return [table]
    bounds = [round(i * len(others) / n_pages) for i in range(n_pages + 1)]
    pages = []
    for start, stop in pairwise(bounds):
        numbers = [_number(j, others, table) for j in range(start, stop) if not others[j].is_gap] or [start]
        note = f"columns {numbers[0]}–{numbers[-1]} of {table.n_columns}"
        caption = f"{table.caption} – {note}" if table.caption else note
        pages.append(replace(table, columns=(*labels, *others[start:stop]), caption=caption))
    return pages


def _number(place: int, others: Sequence[Column], table: Table) -> int:
    """Which column of the whole frame stands at `place`, counted from 1."""
    is_after_gap = any(column.is_gap for column in others[:place])
    return table.n_columns - (len(others) - 1 - place) if is_after_gap else place + 1


def why_not(table: Table, font_px: int = FONT_PX) -> str:
    """Why the table cannot be drawn, as a sentence or two; empty when it can."""
    if table.is_empty:
        return f"The frame is empty ({table.shape_note})."
    unknown = unknown_letters(table, font_px)
    if not unknown:
        return ""
    shown = " ".join(letter for letter in dict.fromkeys(unknown) if letter.isprintable())
    codes = f"U+{ord(unknown[0]):04X}"
    return f"No font here shows {one_line(shown, 20) or 'a letter'} ({codes}). {way_out(unknown)}"


_CODE = re.compile(r"(?=\w*\d)[^\W_]{12,}|[0-9a-fA-F]{4,}(?:-[0-9a-fA-F]{4,}){2,}")
_CHEAP_TOKENS = 400


def choose_forms(df: Any, table: Table) -> tuple[bool, str]:
    """``--frames auto``: ``(send the picture, the text to send)`` for a frame whose `table` can be drawn.

    Text is read more exactly than pictures (TabVerse 2026: 17 models, same content); a picture costs 0.25 to 0.55 of its
    tokens. So:

    1. a Styler, and a table whose colours carry meaning: the picture, and beside it the values as CSV;
    2. up to 400 tokens of text (about 10 × 6 cells), exactness wins: text;
    3. ids, hashes and other codes of 12 signs and more, which pictures of text get wrong most often (Glyph 2025): text;
    4. several header levels, whose layout carries meaning, or at most half of the text's tokens: a picture, and beside it as
       text, with all their digits, the columns that the picture rounds;
    5. all else: text.

    Where rows are left out, the text ends with `summarise`: a picture alone would invite guesses about the rest.
    """
    exact = read_table(df, max_chars=TEXT_CELL_CHARS, is_exact=True)
    text, summary = write_text(exact), summarise(df, exact)
    if table.is_styled or table.has_looks:
        return True, text + summary
    n_text = text_tokens(text)
    if n_text <= _CHEAP_TOKENS or any(_CODE.search(cell) for column in table.columns for cell in column.cells):
        return False, text + summary
    rounded = _rounded_columns(table, exact) + summary
    layout = lay_out(table, FONT_PX)
    n_picture = picture_tokens(layout.width_px, layout.height_px) + text_tokens(rounded)
    if n_picture * 2 <= n_text or len(table.columns[0].heads) > 1:
        return True, rounded
    return False, text + summary


TEXT_CELL_CHARS = 200
"""Letters of one cell in the text forms."""


def exact_text(df: Any) -> tuple[str, Table]:
    """``(text, the table that it shows)`` with all digits; where rows are left out, with what holds for all of them.

    Raises:
        InputError, MediaError: as `read_table`.
    """
    table = read_table(df, max_chars=TEXT_CELL_CHARS, is_exact=True)
    return write_text(table) + summarise(df, table), table


def _rounded_columns(table: Table, exact: Table) -> str:
    """As text the columns that the picture rounds, below their index; empty when it rounds none."""
    if not table.is_rounded or len(table.columns) != len(exact.columns):
        return write_text(exact) if table.is_rounded else ""
    kept = [own for own, drawn in zip(exact.columns, table.columns, strict=True) if drawn.is_rounded or drawn.is_label]
    return write_text(replace(exact, columns=tuple(kept)))


def draw(table: Table, font_px: int = FONT_PX, theme: Theme = THEMES["light"]) -> Image:
    """The table as a picture, grey or in colour; its letters must have passed `why_not`."""
    return paint(table, lay_out(table, font_px), theme)


def encode(picture: Image) -> bytes:
    """What `draw` gave as a PNG file, 8-bit RGB."""
    import numpy as np

    return write_png(np.asarray(picture))
