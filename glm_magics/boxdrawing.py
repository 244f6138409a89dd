"""Boxes and points drawn on a picture, for people: lines that show on any ground, labels that never hide one another.

The rules of thumb are those of annotation tools: colour by label, a number too since colour alone is no mark, the label above
its box, inside or below, moved away where another one is, and numbers alone when there are many boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from .boxcolours import RGB, Style, styles_of
from .boxlabels import Anchor, FreeSpace, Rect, drawable_texts, fit_width, label_text
from .errors import InputError, MediaError
from .fonts import way_out
from .geometry import Point, Shape, keep_visible
from .glyphs import Pen, pen
from .grammar import kind_of
from .notes import note
from .pictures import MAX_PIXELS, to_rgb

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MAX_LABELS = 50
"""More boxes than this get their number alone: labels would hide the picture."""


def upright_picture(image: Image, max_side_px: int | None = None) -> Image:
    """A new RGB picture as a person sees it, its longest side reduced to `max_side_px`.

    Raises:
        InputError: `max_side_px` is no positive whole number.
        MediaError: no PIL image, one without pixels or with too many, or a damaged one.
    """
    if max_side_px is not None and (type(max_side_px) is not int or max_side_px < 1):
        raise InputError(f"max_side_px is {max_side_px!r}.", "Give a whole number of pixels, or None for no reduction.")
    if not hasattr(image, "getexif"):
        raise MediaError(f"{kind_of(image)} is no picture to draw on.", "Open it first: PIL.Image.open(path).")
    if not image.width or not image.height:
        raise MediaError("The picture has no pixels.", "Look at how it was made.")
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} × {image.height} pixels; {MAX_PIXELS // 1_000_000} million are the limit"
        raise MediaError(f"The picture has {size}.", "Make it smaller first, e.g. with image.reduce(4).")
    try:
        picture = to_rgb(image)
        picture = image.copy() if picture is image else picture
    except (OSError, SyntaxError, ValueError) as error:  # what decoders raise
        raise MediaError("The picture is cut off or damaged.", "Save it again as png or jpg.") from error
    if max_side_px and max(picture.size) > max_side_px:
        picture.thumbnail((max_side_px, max_side_px), reducing_gap=2.0)
    return picture


def draw_shapes(
    image: Image,
    shapes: Sequence[Shape],
    *,
    index: int = 0,
    max_side_px: int | None = None,
    numbers: bool | None = None,
) -> Image:
    """A copy of the picture with the shapes that are for it; the picture may be of another size than the shapes say.

    Args:
        image: a PIL image of any kind.
        shapes: numbered from 1 in this order, those for other pictures too, so that a number means one shape.
        index: which picture of the shapes this one is, from 0.
        max_side_px: the longest side of the copy; None leaves the size.
        numbers: False for labels alone, True for numbers alone, None for both, and numbers alone beyond 50 boxes.

    Raises:
        InputError, MediaError: as `upright_picture`.
    """
    picture = upright_picture(image, max_side_px)
    marks = [
        _Mark.of(visible, number, style, picture.size)
        for number, (shape, style) in enumerate(zip(shapes, styles_of(shapes), strict=True), 1)
        for visible in keep_visible([shape] if shape.image == index else [])
    ]
    _draw_marks(picture, marks, numbers)
    return picture


@dataclass(frozen=True, slots=True)
class _Mark:
    """One shape in pixels of the picture that is drawn on."""

    number: int
    label: str
    style: Style
    rect: Rect
    is_point: bool

    @classmethod
    def of(cls, shape: Shape, number: int, style: Style, size: tuple[int, int]) -> _Mark:
        x1, x2 = (int(value * size[0] + 0.5) for value in (shape.relative[0], shape.relative[-2]))
        y1, y2 = (int(value * size[1] + 0.5) for value in (shape.relative[1], shape.relative[-1]))
        left, top = min(x1, size[0] - 1), min(y1, size[1] - 1)
        rect = left, top, max(x2, left + 1), max(y2, top + 1)
        return cls(number, shape.label, style, rect, isinstance(shape, Point))

    @property
    def area_px(self) -> int:
        return (self.rect[2] - self.rect[0]) * (self.rect[3] - self.rect[1])

    def anchor(self, radius_px: int) -> Anchor:
        if not self.is_point:
            return Anchor(self.rect)
        x, y = self.rect[:2]
        return Anchor((x - radius_px, y - radius_px, x + radius_px + 1, y + radius_px + 1), is_point=True)


def _draw_marks(picture: Image, marks: Sequence[_Mark], numbers: bool | None) -> None:
    from PIL.ImageDraw import Draw

    brush = Draw(picture)
    line_px = max(2, int(min(picture.size) / 400 + 0.5))
    radius_px = max(4, 2 * line_px)
    for mark in sorted(marks, key=lambda mark: (mark.is_point, -mark.area_px)):  # the small ones stay visible
        if mark.is_point:
            _draw_point(brush, mark, radius_px)
        else:
            _draw_box(brush, mark, line_px)
    tags = _write_tags(marks, numbers, picture.size)
    placed = list(_place_tags(tags, [mark.anchor(radius_px) for mark in marks], picture.size))
    for tag, anchor, place in placed:  # before the tags: no line may strike through one
        _draw_leader(brush, tag.style, anchor, place)
    for tag, _, place in placed:
        _draw_tag(picture, brush, tag, place)


def _place_tags(tags: Sequence[_Tag], anchors: Sequence[Anchor], size: tuple[int, int]) -> Iterator[tuple[_Tag, Anchor, Rect]]:
    """The tags that find a place, as much of each as does: better a number than nothing, better nothing than a heap."""
    space = FreeSpace(*size)
    n_rings = 6 if len(tags) <= MAX_LABELS else 3 if len(tags) <= 10 * MAX_LABELS else 0
    for tag, anchor in zip(tags, anchors, strict=True):
        if anchor.is_shorter_than(3 * tag.height_px):
            space.mark(anchor.rect)
    inside: dict[tuple[Rect, int, int], Iterator[tuple[int, int]]] = {}  # what was taken stays so: nobody looks there again
    for tag, anchor in zip(tags, anchors, strict=True):
        for shown, may_cover in ((tag, False), (tag.without_label(), False), (tag.without_label(), True)):
            wh = shown.width_px, shown.height_px
            spots = anchor.spots(*wh, n_rings)
            if may_cover and n_rings:
                spots = chain(spots, inside.setdefault((anchor.rect, *wh), anchor.places_inside(*wh)))
            if wh[0] and (place := space.find(spots, *wh, may_cover)):
                yield shown, anchor, place
                break


def _draw_box(brush: ImageDraw, mark: _Mark, line_px: int) -> None:
    """A line inside of the box's edges, and one pixel of halo around it."""
    left, top, right, bottom = mark.rect
    right, bottom = right - 1, bottom - 1
    brush.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=mark.style.ink)
    line_px = max(1, min(line_px, (min(right - left, bottom - top) + 1) // 2))
    brush.rectangle((left, top, right, bottom), outline=mark.style.rgb, width=line_px)
    if mark.style.dash:
        on_px, off_px = (length * line_px for length in mark.style.dash)
        for x in range(left + on_px, right - line_px, on_px + off_px):
            end = min(x + off_px, right) - 1
            brush.rectangle((x, top, end, top + line_px - 1), fill=mark.style.ink)
            brush.rectangle((x, bottom - line_px + 1, end, bottom), fill=mark.style.ink)
        for y in range(top + on_px, bottom - line_px, on_px + off_px):
            end = min(y + off_px, bottom) - 1
            brush.rectangle((left, y, left + line_px - 1, end), fill=mark.style.ink)
            brush.rectangle((right - line_px + 1, y, right, end), fill=mark.style.ink)


def _draw_point(brush: ImageDraw, mark: _Mark, radius_px: int) -> None:
    x, y = mark.rect[:2]
    for radius, colour in ((radius_px, mark.style.ink), (radius_px - 1, mark.style.rgb)):
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


@dataclass(frozen=True, slots=True)
class _Tag:
    """A number and a label side by side, their ink drawn beforehand; either may be empty."""

    style: Style
    height_px: int
    number: Image | None
    label: Image | None

    @property
    def width_px(self) -> int:
        return sum(ink.width for ink in (self.number, self.label) if ink)

    def without_label(self) -> _Tag:
        return _Tag(self.style, self.height_px, self.number, None)

    def blocks(self) -> Iterator[tuple[Image, RGB, RGB]]:
        """``(ink, its colour, its ground)`` from left to right: a number beside a label is the other way round."""
        if self.number:
            paint = (self.style.rgb, self.style.ink) if self.label else (self.style.ink, self.style.rgb)
            yield self.number, *paint
        if self.label:
            yield self.label, self.style.ink, self.style.rgb


def _write_tags(marks: Sequence[_Mark], numbers: bool | None, size: tuple[int, int]) -> list[_Tag]:
    """The tag of each mark, every text written once."""
    is_many = len(marks) > MAX_LABELS
    font_px = min(96, max(12, int(min(size) / (70 if is_many else 55) + 0.5)))
    writer = pen(font_px)
    pad_px = max(2, font_px // 4)
    labels = {} if numbers or (is_many and numbers is None) else _shown_labels(marks, writer, size[0] // 2)
    counts = ["" if numbers is False and (mark.label in labels or not mark.label) else str(mark.number) for mark in marks]
    texts = sorted({*counts, *labels.values()} - {""})
    inks = dict(zip(texts, _write(texts, writer, pad_px), strict=True))
    height_px = writer.ascent_px + writer.descent_px
    return [
        _Tag(mark.style, height_px, inks.get(count), inks.get(labels.get(mark.label, "")))
        for mark, count in zip(marks, counts, strict=True)
    ]


def _shown_labels(marks: Sequence[_Mark], writer: Pen, width_px: int) -> dict[str, str]:
    """What is shown of each label; one with letters that no font here has is left out, and that is said."""
    shown = {label: label_text(label) for label in {mark.label for mark in marks}}
    good, unknown = drawable_texts(shown.values(), writer)
    if unknown:
        codes = ", ".join(f"U+{ord(letter):04X}" for letter in unknown[:3])
        note(f"Some labels have their number alone: no font shows {codes}. {way_out(unknown)}", stacklevel=6)
    fitted = {label: fit_width(text, writer, width_px) for label, text in shown.items() if text in good}
    return {label: text for label, text in fitted.items() if text}


def _write(texts: Sequence[str], writer: Pen, pad_px: int) -> list[Image]:
    """The ink of each text on one line with some room around it; all are written on one canvas at once."""
    import numpy as np
    from PIL import Image

    writer.learn(texts)
    widths = [writer.width_px(text) + 2 * pad_px for text in texts]
    height_px = writer.ascent_px + writer.descent_px
    guard_px = 2 if all(map(str.isascii, texts)) else 2 * writer.size_px  # stacked marks leave their line
    pitch_px = height_px + 2 * guard_px
    canvas = np.zeros((pitch_px * len(texts), max(widths, default=0) + 2 * guard_px), dtype=np.uint8)
    places: dict[str, list[tuple[int, int]]] = {}
    for row, text in enumerate(texts):
        writer.place(text, guard_px + pad_px, row * pitch_px + guard_px + writer.ascent_px, places)
    writer.stamp(canvas, places)
    ink = Image.fromarray(canvas)
    lefts, tops = guard_px, range(guard_px, canvas.shape[0], pitch_px)
    return [ink.crop((lefts, top, lefts + width, top + height_px)) for width, top in zip(widths, tops, strict=False)]


def _draw_leader(brush: ImageDraw, style: Style, anchor: Anchor, place: Rect) -> None:
    here, there, distance_px = anchor.distance_to(place)
    if distance_px > 1:
        brush.line((here, there), fill=style.ink, width=3)
        brush.line((here, there), fill=style.rgb, width=1)


def _draw_tag(picture: Image, brush: ImageDraw, tag: _Tag, place: Rect) -> None:
    x, top, _, bottom = place
    for ink, colour, ground in tag.blocks():
        brush.rectangle((x, top, x + ink.width - 1, bottom - 1), fill=ground)
        picture.paste(colour, (x, top), ink)
        x += ink.width
