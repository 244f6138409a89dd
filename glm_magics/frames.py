"""A pandas frame as a picture that a vision model reads, or as text. Simple and legible; matplotlib's DejaVu Sans."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

MAX_ROWS, MAX_COLUMNS = 30, 15
_MAX_CELL_CHARS = 40
_FONT_PX = 20
_PAD_X, _PAD_Y = 12, 6
_INK, _HEAD_FILL, _ZEBRA_FILL, _LINE = "#111111", "#dfe5ee", "#f4f6f9", "#9aa5b4"


def to_text(frame: Any) -> str:
    """The frame as pandas prints it, elided in the same places as the picture, with its shape."""
    body = frame.to_string(max_rows=MAX_ROWS, max_cols=MAX_COLUMNS, show_dimensions=True, max_colwidth=200)
    return f"{body}\n" if not body.endswith("\n") else str(body)


def can_draw(frame: Any) -> bool:
    """False when the frame has nothing to draw or holds a letter the font lacks: it is sent as text then, never as boxes."""
    if not len(frame.columns) or not len(frame):
        return False
    known = _letters()
    return all(ord(letter) in known for row in _grid(frame) for cell in row for letter in cell)


def draw(frame: Any) -> Image:
    """The frame as a picture: header and index marked, numbers to the right, long frames elided with the shape below."""
    from PIL import Image, ImageDraw

    grid = _grid(frame)
    font, bold = _fonts()
    rights = [False, *_numeric_columns(frame)]
    widths = [
        max(int((bold if i == 0 or j == 0 else font).getlength(row[j])) for i, row in enumerate(grid)) + 2 * _PAD_X
        for j in range(len(grid[0]))
    ]
    row_px = _FONT_PX + 2 * _PAD_Y
    note = f"{len(frame)} rows × {len(frame.columns)} columns"
    width_px = max(sum(widths), int(font.getlength(note)) + 2 * _PAD_X) + 1
    image = Image.new("RGB", (width_px, row_px * (len(grid) + 1) + 1), "white")
    pen = ImageDraw.Draw(image)
    for i, row in enumerate(grid):
        top = i * row_px
        if i == 0 or i % 2 == 0:
            pen.rectangle((0, top, sum(widths), top + row_px), fill=_HEAD_FILL if i == 0 else _ZEBRA_FILL)
        left = 0
        for j, cell in enumerate(row):
            is_right = rights[j] and cell != "…"
            x = left + widths[j] - _PAD_X if is_right else left + _PAD_X
            pen.text((x, top + _PAD_Y), cell, _INK, bold if i == 0 or j == 0 else font, anchor="ra" if is_right else "la")
            left += widths[j]
    pen.line((0, row_px, sum(widths), row_px), fill=_LINE)
    pen.text((_PAD_X, len(grid) * row_px + _PAD_Y), note, _INK, font)
    return image


def _grid(frame: Any) -> list[list[str]]:
    """Header row and body rows as text, elided in the middle; the index is the first column."""
    shown = _elide(frame)
    columns = [_cell(name) for name in shown.columns]
    body = [[_cell(value) for value in row] for row in shown.itertuples(index=True, name=None)]
    names = [name for name in shown.index.names if name is not None]
    grid = [[_cell(", ".join(map(str, names))), *columns], *body]
    if len(frame) > MAX_ROWS:
        grid.insert(1 + MAX_ROWS // 2, ["…"] * len(grid[0]))
    if len(frame.columns) > MAX_COLUMNS:
        for row in grid:
            row.insert(1 + MAX_COLUMNS // 2, "…")
    return grid


def _elide(frame: Any) -> Any:
    """Head and tail rows, first and last columns: no more than `MAX_ROWS` × `MAX_COLUMNS`."""
    if len(frame) > MAX_ROWS:
        half = MAX_ROWS // 2
        frame = frame.iloc[[*range(half), *range(len(frame) - half, len(frame))]]
    if len(frame.columns) > MAX_COLUMNS:
        half, n = MAX_COLUMNS // 2, len(frame.columns)
        frame = frame.iloc[:, [*range(half), *range(n - (MAX_COLUMNS - half), n)]]
    return frame


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _MAX_CELL_CHARS else text[: _MAX_CELL_CHARS - 1] + "…"


def _numeric_columns(frame: Any) -> list[bool]:
    shown = _elide(frame)
    flags = [shown.iloc[:, j].dtype.kind in "iuf" for j in range(len(shown.columns))]
    if len(frame.columns) > MAX_COLUMNS:
        flags.insert(MAX_COLUMNS // 2, False)
    return flags


@cache
def _fonts() -> tuple[FreeTypeFont, FreeTypeFont]:
    from matplotlib import font_manager
    from PIL import ImageFont

    regular = font_manager.findfont("DejaVu Sans")
    bold = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight="bold"))
    return ImageFont.truetype(regular, _FONT_PX), ImageFont.truetype(bold, _FONT_PX)


@cache
def _letters() -> frozenset[int]:
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(font_manager.findfont("DejaVu Sans")).get_charmap())
