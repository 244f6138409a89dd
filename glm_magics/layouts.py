"""Where everything stands in the picture of a table, in pixels.

Models take pictures in squares of 28 pixels, a token each. Both sides are made multiples of that, so the vendor's scaling
leaves every pixel alone, and what is left of the last square goes between columns and lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, groupby

from .cells import cut
from .glyphs import Pen, find_pens
from .tables import Column, Table
from .tokens import MAX_PICTURE_PIXELS, PATCH_PX

MAX_SIDE_PX = 6000
"""Of one picture (chat reference)."""

_MAX_CAPTION_CHARS = 120


@dataclass(frozen=True, slots=True)
class Span:
    """A head over the columns from `start` to before `stop`."""

    level: int
    start: int
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands, in pixels. Lines from above: the caption, the heads, the rows, the note.

    Attributes:
        plain, bold: the pens; they know all letters.
        caption: as it is written.
        widths, lefts: of the columns; `lefts` has one more. Half of `gap_px` is on each side of a column, within its box.
    """

    plain: Pen
    bold: Pen
    caption: str
    widths: list[int]
    lefts: list[int]
    spans: list[Span]
    gap_px: int
    line_px: int
    n_heads: int
    width_px: int
    height_px: int

    @property
    def first_head(self) -> int:
        """The line of the first head."""
        return int(self.caption != "")

    @property
    def first_row(self) -> int:
        """The line of the first row."""
        return self.first_head + self.n_heads

    @property
    def fits(self) -> bool:
        """True when the vendor does not shrink the picture."""
        is_low = max(self.width_px, self.height_px) <= MAX_SIDE_PX
        return is_low and self.width_px * self.height_px <= MAX_PICTURE_PIXELS


def unknown_letters(table: Table, font_px: int) -> list[str]:
    """Letters that cannot be drawn: no font of this machine has them, or nothing here can shape their script."""
    return _learn(table, *_pens(table, font_px))


def _learn(table: Table, plain: Pen, bold: Pen) -> list[str]:
    texts = {table.shape_note}.union(*(column.cells for column in table.columns), *(column.heads for column in table.columns))
    return plain.learn(texts) or bold.learn([_caption(table), *(text for column in table.columns for text in _bold(column))])


def lay_out(table: Table, font_px: int) -> Layout:
    """Measures every cell once; none of its letters may be among the `unknown_letters`."""
    plain, bold = _pens(table, font_px)
    _learn(table, plain, bold)
    widths = [_width(column, plain, bold) for column in table.columns]
    low_gap, high_gap = round(0.7 * font_px), round(1.2 * font_px)
    spans = find_spans(table.columns)
    for span in sorted(spans, key=lambda span: span.stop - span.start):
        n_under = span.stop - span.start
        lacking = plain.width_px(span.text) - sum(widths[span.start : span.stop]) - low_gap * (n_under - 1)
        for j in range(span.start, span.stop):
            widths[j] += max(0, -(-lacking // n_under))
    caption, n_heads = _caption(table), len(table.columns[0].heads)
    n_lines = (caption != "") + n_heads + len(table.columns[0].cells) + table.is_elided
    note_px = max(bold.width_px(caption), plain.width_px(table.shape_note) if table.is_elided else 0)
    width_px = whole_patches(max(sum(widths) + low_gap * len(widths), note_px + low_gap))
    gap_px = min(high_gap, (width_px - sum(widths)) // len(widths))
    low_line, high_line = max(round(1.2 * font_px), plain.ascent_px + plain.descent_px), round(1.5 * font_px)
    height_px = whole_patches(n_lines * low_line + 1)
    line_px = min(high_line, (height_px - 1) // n_lines)
    lefts = list(accumulate((width + gap_px for width in widths), initial=0))
    return Layout(plain, bold, caption, widths, lefts, spans, gap_px, line_px, n_heads, width_px, height_px)


def _pens(table: Table, font_px: int) -> tuple[Pen, Pen]:
    cells = (column.cells for column in table.columns)
    heads = (column.heads for column in table.columns)
    return find_pens(set().union(table.caption, *(text for texts in (*cells, *heads) for text in texts)), font_px)


def _caption(table: Table) -> str:
    return cut(table.caption, _MAX_CAPTION_CHARS)


def _bold(column: Column) -> list[str]:
    return [column.cells[i] for i, look in column.looks.items() if look.is_bold]


def _width(column: Column, plain: Pen, bold: Pen) -> int:
    width = max(map(plain.width_px, set(column.cells)), default=0)
    return max([width, *map(bold.width_px, _bold(column))]) if column.looks else width


def whole_patches(length_px: int) -> int:
    """The next multiple of a model's patch."""
    return -(-length_px // PATCH_PX) * PATCH_PX


def find_spans(columns: tuple[Column, ...]) -> list[Span]:
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
                spans.append(Span(level, members[0][0], members[-1][0] + 1, text))
    return spans
