"""The picture of a laid-out table: paper and fills, then all letters through one mask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .layouts import Layout
from .tables import Colour, Column, Look, Table

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Theme:
    """Greys, 0 black to 255 white."""

    ink: int
    paper: int
    stripe: int
    head: int
    rule: int


THEMES = {"light": Theme(0, 255, 244, 226, 120), "dark": Theme(245, 18, 32, 58, 150)}

_Places: TypeAlias = dict[str, list[tuple[int, int]]]
_Box: TypeAlias = tuple[int, int, int, int]


def paint(table: Table, layout: Layout, theme: Theme) -> Image:
    """The table as a grey picture, or in colour where a cell has a colour of its own."""
    from PIL import Image

    mask = Image.fromarray(_write(table, layout))
    picture = _paint_paper(table, layout, theme)
    if not table.has_looks:
        picture.paste(theme.ink, (0, 0), mask)
        return picture
    picture = picture.convert("RGB")
    inks = Image.new("RGB", picture.size, (theme.ink,) * 3)
    _paint_looks(table, layout, theme, picture, inks)
    return Image.composite(inks, picture, mask)


def _write(table: Table, layout: Layout) -> Any:
    """All letters as ink (height × width, 0 to 255)."""
    import numpy as np

    plain, bold = layout.plain, layout.bold
    guard = plain.size_px  # ink of tall letters may leave the first and the last line
    ink = np.zeros((layout.height_px + 2 * guard, layout.width_px), dtype=np.uint8)
    base = guard + (layout.line_px - plain.ascent_px - plain.descent_px) // 2 + plain.ascent_px
    light: _Places = {}
    heavy: _Places = {}
    bold.place(layout.caption, layout.gap_px // 2, base, heavy)
    _place_heads(table, layout, base, light)
    for column, left, width in zip(table.columns, layout.lefts, layout.widths, strict=False):
        _place_cells(column, layout, (left + layout.gap_px // 2, width, base), light, heavy)
    if table.is_elided:
        line = layout.first_row + len(table.columns[0].cells)
        plain.place(table.shape_note, layout.gap_px // 2, base + line * layout.line_px, light)
    plain.stamp(ink, light)
    bold.stamp(ink, heavy)
    return np.ascontiguousarray(ink[guard : guard + layout.height_px])


def _place_cells(column: Column, layout: Layout, where: tuple[int, int, int], light: _Places, heavy: _Places) -> None:
    left, width, base = where
    for i, cell in enumerate(column.cells):
        is_bold = bool(column.looks) and column.looks.get(i, _PLAIN).is_bold
        pen, places = (layout.bold, heavy) if is_bold else (layout.plain, light)
        x = left + width - pen.width_px(cell) if column.is_number else left
        pen.place(cell, x, base + (layout.first_row + i) * layout.line_px, places)


_PLAIN = Look()


def _place_heads(table: Table, layout: Layout, base: int, places: _Places) -> None:
    """Not bold: it would widen columns of short cells, and the fill marks them."""
    for span in layout.spans:
        left = layout.lefts[span.start] + layout.gap_px // 2
        if span.stop == span.start + 1 and table.columns[span.start].is_number:
            left += layout.widths[span.start] - layout.plain.width_px(span.text)
        layout.plain.place(span.text, left, base + (layout.first_head + span.level) * layout.line_px, places)


def _paint_paper(table: Table, layout: Layout, theme: Theme) -> Image:
    """White with every second row light grey, the head darker, a rule below it and below heads over several columns."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (layout.width_px, layout.height_px), theme.paper)
    brush = ImageDraw.Draw(picture)
    right, line = min(layout.lefts[-1], layout.width_px) - 1, layout.line_px
    top = layout.first_row * line
    if layout.n_heads:
        brush.rectangle((0, layout.first_head * line, right, top - 1), fill=theme.head)
    for i in range(1, len(table.columns[0].cells), 2):
        brush.rectangle((0, top + i * line, right, top + (i + 1) * line - 1), fill=theme.stripe)
    brush.line((0, top, right, top), fill=theme.rule)
    for span in layout.spans:
        if span.stop > span.start + 1:
            y = (layout.first_head + span.level + 1) * line - 1
            inner = layout.lefts[span.start] + layout.gap_px // 2
            brush.line((inner, y, layout.lefts[span.stop] - layout.gap_px // 2 - 1, y), fill=theme.rule)
    return picture


def _paint_looks(table: Table, layout: Layout, theme: Theme, paper: Image, inks: Image) -> None:
    """Fills and bars onto the paper, and onto `inks` the colour that letters have there."""
    from PIL import ImageDraw

    ground, colours = ImageDraw.Draw(paper), ImageDraw.Draw(inks)
    for look, (left, top, right, bottom) in _looks(table, layout):
        if look.fill:
            ground.rectangle((left, top, right, bottom), fill=look.fill)
        for start, stop, colour in look.bars:
            span = round(start * (right + 1 - left)), round(stop * (right + 1 - left)) - 1
            if span[1] >= span[0]:
                ground.rectangle((left + span[0], top + 1, left + span[1], bottom - 1), fill=colour)
        ink = _readable(look, theme)
        if ink != (theme.ink,) * 3:
            colours.rectangle((left, top, right, bottom), fill=ink)


def _looks(table: Table, layout: Layout) -> Iterator[tuple[Look, _Box]]:
    """Every look with the box in which it holds, both corners within it."""
    for column, left, right in zip(table.columns, layout.lefts, layout.lefts[1:], strict=False):
        placed = [(layout.first_row + i, look) for i, look in column.looks.items()]
        placed += [(layout.first_head + level, look) for level, look in column.head_looks.items()]
        for line, look in placed:
            is_below_rule = line == layout.first_row
            top = line * layout.line_px + is_below_rule
            yield look, (left, top, min(right, layout.width_px) - 1, (line + 1) * layout.line_px - 1)


def _readable(look: Look, theme: Theme) -> Colour:
    """The letters' own colour, but black or white where it can hardly be told from the ground.

    The same colour as the ground, which hides them, is left alone: someone meant it.
    """
    ground = look.fill or (theme.paper,) * 3
    ink = look.ink or (theme.ink,) * 3
    if ink == ground or _contrast(ink, ground) >= (_LOWEST_CONTRAST if look.ink else _GOOD_CONTRAST):
        return ink
    black, white = (0, 0, 0), (255, 255, 255)
    return black if _contrast(black, ground) >= _contrast(white, ground) else white


_LOWEST_CONTRAST, _GOOD_CONTRAST = 2.0, 4.5
"""WCAG 2.2 asks for 4.5 in text; what someone chose is left alone down to 2."""


def _contrast(one: Colour, other: Colour) -> float:
    """Of two colours, 1 to 21 (WCAG 2.2, contrast ratio)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = ((part / 255 / 12.92) if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
