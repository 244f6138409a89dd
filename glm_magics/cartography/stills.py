"""The map as a picture: what a saved notebook shows without a kernel, on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias

from ..glyphs import Pen, pen
from .colouring import Colouring, ramp_colour, to_rgb
from .names import Name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    Floats: TypeAlias = npt.NDArray[np.float32]

MAP_PX = 780
_LEGEND_PX = 300
_LETTER_PX = 17
_LINE_PX = 28
_INK = (123, 123, 123)
"""Grey letters that read on white and on JupyterLab's dark ground, 4 : 1 on both."""

_SIGN, _ON_SIGN = (32, 36, 43), (255, 255, 255)
_PAD_PX, _ABOVE_PX = 6, 9
_MOST_GROUPS = 24
_SMOOTH = 2

Rect: TypeAlias = tuple[int, int, int, int]


def draw_still(points: Floats, colouring: Colouring, names: Sequence[Name]) -> bytes:
    """A PNG without a ground of its own: points, the names that have room, and what the colours mean."""
    from PIL import Image, ImageDraw

    sheet = Image.new("RGBA", (MAP_PX + (_LEGEND_PX if colouring.title else 0), MAP_PX))
    sheet.paste(_draw_points(points, colouring), (0, 0))
    writer = _Writer(sheet, pen(_LETTER_PX))
    _draw_names(writer, ImageDraw.Draw(sheet), points, names)
    if colouring.title:
        _draw_legend(writer, ImageDraw.Draw(sheet), colouring)
    _, top, _, bottom = sheet.getbbox() or (0, 0, 0, MAP_PX)
    sheet = sheet.crop((0, max(0, top - _PAD_PX), sheet.width, min(MAP_PX, bottom + _PAD_PX)))
    buffer = BytesIO()
    small = sheet.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _draw_points(points: Floats, colouring: Colouring) -> Image:
    """Discs, in an order by chance, so that no group covers the others."""
    import numpy as np
    from PIL import Image, ImageDraw

    side = MAP_PX * _SMOOTH
    layer = Image.new("RGBA", (side, side))
    brush = ImageDraw.Draw(layer)
    radius = _SMOOTH * float(np.clip(90 / max(1, len(points)) ** 0.5, 0.75, 7))
    inks = [to_rgb(colour) for colour in colouring.colours]
    for row in np.random.default_rng(0).permutation(len(points)).tolist():
        x, y = _place(points[row], side)
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=inks[colouring.codes[row]])
    return layer.reduce(_SMOOTH)


def _place(point: Floats, side: int) -> tuple[float, float]:
    return (float(point[0]) + 1) / 2 * side, (1 - float(point[1])) / 2 * side


@dataclass
class _Writer:
    """Letters on a picture, in any script that this machine has fonts for."""

    sheet: Image
    pen: Pen

    def fit(self, text: str, width_px: int) -> str:
        """What of a text can be written in this width; a letter without a font becomes a question mark."""
        missing = set(self.pen.learn([text]))
        text = "".join("?" if letter in missing else letter for letter in text)
        self.pen.learn([text, "…", "?"])
        while text and self.pen.width_px(text) > width_px:
            text = text.removesuffix("…")[:-1].rstrip() + "…" if len(text) > 2 else ""
            self.pen.learn([text])
        return text

    @property
    def height_px(self) -> int:
        return self.pen.ascent_px + self.pen.descent_px

    def write(self, text: str, left: int, top: int, colour: tuple[int, int, int]) -> None:
        """A text that fits, from this corner on."""
        import numpy as np
        from PIL import Image

        room = 2 * self.pen.size_px  # shaped letters may leave their line
        canvas = np.zeros((self.height_px + 2 * room, self.pen.width_px(text) + 2 * room), np.uint8)
        places: dict[str, list[tuple[int, int]]] = {}
        self.pen.place(text, room, room + self.pen.ascent_px, places)
        self.pen.stamp(canvas, places)
        ink = Image.fromarray(canvas)
        self.sheet.paste((*colour, 255), (left - room, top - room), ink)


def _draw_names(writer: _Writer, brush: ImageDraw, points: Floats, names: Sequence[Name]) -> None:
    """Each above its group, the largest first; one that would lie over another is left out."""
    taken: list[Rect] = []
    for name in names:
        text = writer.fit(name.text, MAP_PX // 3)
        width, height = writer.pen.width_px(text) + 2 * _PAD_PX, writer.height_px + _PAD_PX
        x, y = _place(points[name.row], MAP_PX)
        left = round(min(max(2, x - width / 2), MAP_PX - width - 2))
        top = round(min(max(2, y - height - _ABOVE_PX), MAP_PX - height - 2))
        sign = (left, top, left + width, top + height)
        if not text or any(_overlap(sign, other) for other in taken):
            continue
        taken.append(sign)
        brush.rounded_rectangle(sign, 5, fill=(*_SIGN, 255), outline=(*to_rgb(name.colour), 255), width=2)
        writer.write(text, left + _PAD_PX, top + _PAD_PX // 2, _ON_SIGN)


def _overlap(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _draw_legend(writer: _Writer, brush: ImageDraw, colouring: Colouring) -> None:
    left, width = MAP_PX + 24, _LEGEND_PX - 32
    writer.write(writer.fit(colouring.title, width), left, 18, _INK)
    if colouring.low is not None and colouring.high is not None:
        _draw_ramp(writer, brush, left, colouring.low, colouring.high)
        return
    for i, group in enumerate(colouring.groups[:_MOST_GROUPS]):
        top = 50 + _LINE_PX * i
        brush.ellipse((left, top + 4, left + 12, top + 16), fill=(*to_rgb(group.colour), 255))
        count = writer.fit(f" · {group.n:,}", width)
        name = writer.fit(group.name, width - 22 - writer.pen.width_px(count))
        writer.write(name, left + 22, top, _INK)
        writer.write(count, left + 22 + writer.pen.width_px(name), top, _INK)
    if (more := len(colouring.groups) - _MOST_GROUPS) > 0:
        writer.write(writer.fit(f"{more} more", width), left + 22, 50 + _LINE_PX * _MOST_GROUPS, _INK)


def _draw_ramp(writer: _Writer, brush: ImageDraw, left: int, low: float, high: float) -> None:
    top, height = 54, 260
    for y in range(height):
        brush.line((left, top + y, left + 18, top + y), fill=(*to_rgb(ramp_colour(1 - y / (height - 1))), 255))
    for y, value in ((top, high), (top + height - writer.height_px, low)):
        writer.write(writer.fit(f"{value:,.6g}", 200), left + 28, y, _INK)
