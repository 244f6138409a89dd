"""Dataframes as pictures that a vision model reads: small crisp letters, aligned numbers, no pixel that costs and shows nothing.

Models take pictures in squares of 28 pixels, a token each. Both sides are made multiples of that, so the vendor's scaling
leaves every pixel alone, and what is left of the last square goes between columns and lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, Literal

from .errors import InputError, MediaError, one_line
from .fonts import way_out
from .glyphs import Pen, pen
from .tables import MAX_CELL_CHARS, MAX_COLUMNS, Column, Table, read_table
from .tabletext import text_tokens, write_text

if TYPE_CHECKING:
    from PIL.Image import Image

FONT_PX = 14
"""Below 12 models and OCR begin to err, above 14 nothing is gained (measured)."""

PATCH_PX = 28
MAX_PIXELS, MAX_SIDE_PX = 5_880_000, 6000
"""Larger pictures are scaled down by the vendor, letters and all."""

_FONT_RANGE_PX = (6, 96)


@dataclass(frozen=True, slots=True)
class Theme:
    """Greys, 0 black to 255 white."""

    ink: int
    paper: int
    stripe: int
    head: int
    rule: int


THEMES = {"light": Theme(0, 255, 244, 226, 120), "dark": Theme(245, 18, 32, 58, 150)}


def frame_image(
    df: Any,
    *,
    max_rows: int | None = None,
    max_cols: int | None = None,
    font_size_px: int = FONT_PX,
    theme: Literal["light", "dark"] = "light",
    title: str | None = None,
) -> Image:
    """A dataframe or series as the picture that is sent for it: grey, each side a multiple of 28 pixels.

    Args:
        df: pandas as it is; polars, pyarrow, DuckDB, Modin and the like with the ``tables`` extra.
        max_rows: rows shown, half from the head and half from the tail; as pandas, 10 of a frame of more than 60.
        max_cols: columns shown, half from each end; 20, or fewer where they would not fit.
        font_size_px: height of the letters' square. 14 is the measured best; below 12 Chinese suffers.
        theme: ``dark`` is for people: models read dark letters on white better.
        title: a line above the table.

    Raises:
        InputError: no dataframe, or an argument out of range.
        MediaError: an empty frame, a cell whose ``str`` fails, or a letter that no font of this machine has.
    """
    if theme not in THEMES:
        raise InputError(f"There is no theme `{one_line(str(theme), 40)}`.", f"There are: {', '.join(THEMES)}.")
    low, high = _FONT_RANGE_PX
    if isinstance(font_size_px, bool) or not isinstance(font_size_px, int) or not low <= font_size_px <= high:
        shown = one_line(repr(font_size_px), 40)
        raise InputError(f"font_size_px is {shown}.", f"Give a whole number from {low} to {high}.")
    table = fit_table(df, max_rows, max_cols, font_size_px)
    if reason := why_not(table, font_size_px, title or ""):
        raise MediaError(reason, "Send it as text: --frames text.")
    return draw(table, font_size_px, THEMES[theme], title or "")


def fit_table(df: Any, max_rows: int | None = None, max_cols: int | None = None, font_px: int = FONT_PX) -> Table:
    """As much of the frame as fits a picture that the vendor does not shrink: long cells are cut first, then columns left out.

    Raises:
        InputError, MediaError: as `read_table`.
    """
    n_columns = max_cols or MAX_COLUMNS
    for max_chars in (MAX_CELL_CHARS, 30, 20, 12):
        table = read_table(df, max_rows, max_cols, max_chars)
        if table.is_empty or why_not(table, font_px) or _fits(table, font_px):
            return table
    while max_cols is None and n_columns > 2 and not _fits(table, font_px):
        n_columns = n_columns * 3 // 4
        table = read_table(df, max_rows, n_columns, 12)
    return table


def why_not(table: Table, font_px: int = FONT_PX, title: str = "") -> str:
    """Why the table cannot be drawn, as a sentence or two; empty when it can."""
    if table.is_empty:
        return f"The frame is empty ({table.shape_note})."
    texts = {table.shape_note}.union(*(column.cells for column in table.columns), *(column.heads for column in table.columns))
    unknown = pen(font_px).learn(texts) or pen(font_px, True).learn([title])
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

    1. up to 400 tokens of text (about 10 × 6 cells), exactness wins: text;
    2. ids, hashes and other codes of 12 signs and more, which pictures of text get wrong most often (Glyph 2025): text;
    3. several header levels, whose layout carries meaning, or at most half of the text's tokens: a picture, and beside it as
       text, with all their digits, the columns that the picture rounds;
    4. all else: text.
    """
    exact = read_table(df, max_chars=200, is_exact=True)
    text = write_text(exact)
    n_text = text_tokens(text)
    if n_text <= _CHEAP_TOKENS or any(_CODE.search(cell) for column in table.columns for cell in column.cells):
        return False, text
    rounded = _rounded_columns(table, exact)
    layout = _Layout.of(table, FONT_PX, "")
    n_picture = layout.width_px * layout.height_px // PATCH_PX**2 + text_tokens(rounded)
    if n_picture * 2 <= n_text or len(table.columns[0].heads) > 1:
        return True, rounded
    return False, text


def _rounded_columns(table: Table, exact: Table) -> str:
    """As text the columns that the picture rounds, below their index; empty when it rounds none."""
    if not table.is_rounded or len(table.columns) != len(exact.columns):
        return write_text(exact) if table.is_rounded else ""
    kept = [own for own, drawn in zip(exact.columns, table.columns, strict=True) if drawn.is_rounded or drawn.is_label]
    return write_text(replace(exact, columns=tuple(kept)))


def _fits(table: Table, font_px: int) -> bool:
    layout = _Layout.of(table, font_px, "")
    return layout.width_px * layout.height_px <= MAX_PIXELS and max(layout.width_px, layout.height_px) <= MAX_SIDE_PX


@dataclass(frozen=True, slots=True)
class _Span:
    """A head over one or several columns."""

    level: int
    start: int
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything stands. `lefts` has one more than there are columns; lines are the title, heads, rows and the note."""

    widths: list[int]
    lefts: list[int]
    spans: list[_Span]
    gap_px: int
    line_px: int
    n_title: int
    n_heads: int
    width_px: int
    height_px: int

    @classmethod
    def of(cls, table: Table, font_px: int, title: str) -> _Layout:
        """Measures every cell once."""
        plain, bold = pen(font_px), pen(font_px, True)
        widths = [max(map(plain.width_px, set(column.cells)), default=0) for column in table.columns]
        low_gap, high_gap = round(0.7 * font_px), round(1.2 * font_px)
        spans = _spans(table.columns)
        for span in sorted(spans, key=lambda span: span.stop - span.start):
            n_under = span.stop - span.start
            lacking = plain.width_px(span.text) - sum(widths[span.start : span.stop]) - low_gap * (n_under - 1)
            for j in range(span.start, span.stop):
                widths[j] += max(0, -(-lacking // n_under))
        n_heads = len(table.columns[0].heads)
        n_lines = (title != "") + n_heads + len(table.columns[0].cells) + table.is_elided
        note_px = max(bold.width_px(title), plain.width_px(table.shape_note) if table.is_elided else 0)
        width_px = _whole(max(sum(widths) + low_gap * len(widths), note_px + low_gap))
        gap_px = min(high_gap, (width_px - sum(widths)) // len(widths))
        low_line, high_line = max(round(1.2 * font_px), plain.ascent_px + plain.descent_px), round(1.5 * font_px)
        height_px = _whole(n_lines * low_line + 1)
        line_px = min(high_line, (height_px - 1) // n_lines)
        lefts = list(accumulate((width + gap_px for width in widths), initial=0))
        return cls(widths, lefts, spans, gap_px, line_px, int(title != ""), n_heads, width_px, height_px)


def _whole(length_px: int) -> int:
    return -(-length_px // PATCH_PX) * PATCH_PX


def _spans(columns: tuple[Column, ...]) -> list[_Span]:
    """Heads of outer levels reach over the columns that share them; those of the last level stand alone."""
    n_levels = len(columns[0].heads)
    spans = []
    for level in range(n_levels):
        is_last = level == n_levels - 1
        for _, group in groupby(
            enumerate(columns),
            lambda pair: (pair[0],) if is_last or pair[1].is_label or pair[1].is_gap else pair[1].heads[: level + 1],  # noqa: B023
        ):
            members = list(group)
            if text := members[0][1].heads[level]:
                spans.append(_Span(level, members[0][0], members[-1][0] + 1, text))
    return spans


def draw(table: Table, font_px: int = FONT_PX, theme: Theme = THEMES["light"], title: str = "") -> Image:
    """The table as a grey picture; its letters must have passed `why_not`."""
    import numpy as np
    from PIL import Image

    layout = _Layout.of(table, font_px, title)
    guard = font_px  # ink of tall letters may leave the first and the last line
    ink = np.zeros((layout.height_px + 2 * guard, layout.width_px), dtype=np.uint8)
    plain, bold = pen(font_px), pen(font_px, True)
    base = guard + (layout.line_px - plain.ascent_px - plain.descent_px) // 2 + plain.ascent_px
    plain.stamp(ink, _place_cells(table, layout, plain, base))
    plain.stamp(ink, _place_heads(table, layout, plain, base))
    places: _Places = {}
    bold.place(title, layout.gap_px // 2, base, places)
    bold.stamp(ink, places)
    picture = _paint_paper(table, layout, theme)
    picture.paste(theme.ink, (0, 0), Image.fromarray(np.ascontiguousarray(ink[guard : guard + layout.height_px])))
    return picture


_Places = dict[str, list[tuple[int, int]]]


def _place_cells(table: Table, layout: _Layout, plain: Pen, base: int) -> _Places:
    places: _Places = {}
    first = layout.n_title + layout.n_heads
    for column, left, width in zip(table.columns, layout.lefts, layout.widths, strict=False):
        left += layout.gap_px // 2
        for i, cell in enumerate(column.cells):
            x = left + width - plain.width_px(cell) if column.is_number else left
            plain.place(cell, x, base + (first + i) * layout.line_px, places)
    if table.is_elided:
        line = first + len(table.columns[0].cells)
        plain.place(table.shape_note, layout.gap_px // 2, base + line * layout.line_px, places)
    return places


def _place_heads(table: Table, layout: _Layout, plain: Pen, base: int) -> _Places:
    """Not bold: it would widen columns of short cells, and the fill marks them."""
    places: _Places = {}
    for span in layout.spans:
        left = layout.lefts[span.start] + layout.gap_px // 2
        if span.stop == span.start + 1 and table.columns[span.start].is_number:
            left += layout.widths[span.start] - plain.width_px(span.text)
        plain.place(span.text, left, base + (layout.n_title + span.level) * layout.line_px, places)
    return places


def _paint_paper(table: Table, layout: _Layout, theme: Theme) -> Image:
    """White with every second row light grey, the head darker, a rule below it and below heads over several columns."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (layout.width_px, layout.height_px), theme.paper)
    brush = ImageDraw.Draw(picture)
    right, line = min(layout.lefts[-1], layout.width_px) - 1, layout.line_px
    top = (layout.n_title + layout.n_heads) * line
    brush.rectangle((0, layout.n_title * line, right, top - 1), fill=theme.head)
    for i in range(1, len(table.columns[0].cells), 2):
        brush.rectangle((0, top + i * line, right, top + (i + 1) * line - 1), fill=theme.stripe)
    brush.line((0, top, right, top), fill=theme.rule)
    for span in layout.spans:
        if span.stop > span.start + 1:
            y = (layout.n_title + span.level + 1) * line - 1
            inner = layout.lefts[span.start] + layout.gap_px // 2
            brush.line((inner, y, layout.lefts[span.stop] - layout.gap_px // 2 - 1, y), fill=theme.rule)
    return picture
