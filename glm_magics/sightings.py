"""What an answer says of places in the pictures that were sent: read while it grows, marked in its text, drawn on the picture.

A box and the words that gave it carry the same number and colour. Nothing is drawn when it cannot be told on which picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

from .boxcolours import Style, styles_of
from .boxdrawing import upright_picture
from .boxes import Boxes, parse_boxes
from .errors import one_line
from .geometry import Box, Point, Shape
from .grounding import Unread
from .markdown import to_html_text
from .messages import ImagePart

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE_PX = 1600
"""Of the annotated picture that is kept in the notebook."""

LIVE_SIDE_PX = 800
"""Of the one that is shown while the answer still grows."""

_UNKNOWN_PX = 1000
"""Taken for the width and height of a picture behind an address: pixels are thousandths then."""

_OPEN, _CLOSE = "\ue0b1", "\ue0b2"
"""Private-use letters around a number in text that is yet to be made safe."""

_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_CODE = re.compile(r"(^[ \t]*(?:`{3,}|~{3,}).*?(?:^[ \t]*(?:`{3,}|~{3,})[ \t]*$|\Z)|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


class Sightings:
    """The boxes and points of one growing answer.

    Args:
        images: the pictures of the request, in order.
    """

    def __init__(self, images: Sequence[ImagePart]) -> None:
        self.boxes = Boxes((), "No answer came.")
        self._images = images
        self._sizes = [(image.width_px or _UNKNOWN_PX, image.height_px or _UNKNOWN_PX) for image in images]
        self._was_read = (0, True)
        self._styles: tuple[Style, ...] = ()
        self._numbers: list[tuple[str, int]] = []
        self._pictures: dict[tuple[int, int], Image] = {}

    def read(self, raw_text: str, text: str, is_growing: bool = True) -> bool:
        """Looks through the answer as it stands; True when there are other boxes than before.

        Args:
            raw_text: as it was sent: the box tokens in it say what is a place.
            text: as it is shown, in which the spans are to be.
            is_growing: more may come, or the answer was cut off: its last number may be a part of one.
        """
        if not self._images or self._was_read == (len(raw_text), is_growing):
            return False
        self._was_read = (len(raw_text), is_growing)
        boxes = parse_boxes(raw_text, *self._sizes[0], is_growing=is_growing)
        known = [shape for shape in boxes if shape.image < len(self._images)]
        if len(self._images) > 1:
            boxes = Boxes(known, boxes.reason or _NO_SUCH_PICTURE, boxes.unread).on_pictures(self._sizes)
        boxes = Boxes(relocated(boxes.shapes, raw_text, text), boxes.reason, relocated(boxes.unread, raw_text, text))
        is_new = boxes != self.boxes
        self.boxes, self._styles, self._numbers = boxes, styles_of(boxes.shapes), _number_fragments(text, boxes.shapes)
        return is_new

    @property
    def drawable(self) -> list[int]:
        """The pictures that boxes can be drawn on: whose bytes are here, and which are meant without a doubt."""
        if self._has_doubt:
            return []
        return [place for place in sorted({shape.image for shape in self.boxes}) if self._images[place].data]

    @property
    def note(self) -> str:
        """What people should know of boxes that are not drawn, in a sentence; empty when there is nothing to say."""
        if self.boxes:
            return "" if self.drawable or not self._has_doubt else _WHICH_PICTURE
        return self.boxes.reason if self.boxes.unread else ""

    @property
    def _has_doubt(self) -> bool:
        return len(self._images) > 1 and not any(shape.image for shape in self.boxes)

    def draw(self, place: int, is_live: bool = False) -> tuple[str, bytes]:
        """``(mime type, bytes)`` of one picture with its boxes; smaller while the answer still grows."""
        drawn = self.boxes.draw(self._picture(place, LIVE_SIDE_PX if is_live else MAX_SIDE_PX), index=place)
        buffer = BytesIO()
        if drawn.getcolors(4096) is not None:  # a chart or a screen
            drawn.save(buffer, "PNG")
            return "image/png", buffer.getvalue()
        drawn.save(buffer, "JPEG", quality=85)
        return "image/jpeg", buffer.getvalue()

    def _picture(self, place: int, max_side_px: int) -> Image:
        """Without boxes, made smaller once: drawn upon again and again while the answer grows."""
        from PIL import Image

        if (place, max_side_px) not in self._pictures:
            image = Image.open(BytesIO(self._images[place].data))
            self._pictures[place, max_side_px] = upright_picture(image, max_side_px)
        return self._pictures[place, max_side_px]

    def mark(self, text: str) -> str:
        """Marks set behind the words that give a box, outside of code; `colour` makes them visible, after `make_safe`."""
        text = text.replace(_OPEN, "").replace(_CLOSE, "")
        if not self._numbers:
            return text
        pieces = _CODE.split(text)
        for i in range(0, len(pieces), 2):
            for fragment, number in self._numbers:
                pieces[i] = pieces[i].replace(fragment, f"{fragment}{_OPEN}{number}{_CLOSE}")
        return "".join(pieces)

    def colour(self, safe_text: str) -> str:
        """The marks as numbers in the colour of their box; the numbers stay where colours do not show."""
        return _MARK.sub(lambda found: self._badge(int(found[1])), safe_text)

    def _badge(self, number: int) -> str:
        style = self._styles[number - 1]
        look = f"background-color:{style.css};color:{style.ink_css};border-radius:4px;padding:0 4px"
        return f' <span style="{look}">{_circled(number)}</span>'

    def legend(self, text: str) -> str:
        """Number, colour and label of the boxes that no words outside of code give; empty when all are marked in the text."""
        marked = {int(number) for number in _MARK.findall(self.mark(text))}
        left = [(number, shape) for number, shape in enumerate(self.boxes, 1) if number not in marked][:_MOST_IN_LEGEND]
        return " ".join(f"{self._badge(number)} {to_html_text(one_line(shape.label, 40))}" for number, shape in left)


_MOST_IN_LEGEND = 50
_WHICH_PICTURE = "The answer does not say on which picture the boxes are: ask for them with the pictures' numbers."
_NO_SUCH_PICTURE = "The boxes of the answer are for pictures that were not sent."


_Found = TypeVar("_Found", bound=Box | Point | Unread)


def relocated(found: Sequence[_Found], raw_text: str, text: str) -> list[_Found]:
    """The same with their spans in the text that is shown; ``(0, 0)`` where it does not hold the words."""
    position = 0
    moved: list[_Found] = []
    for one in found:
        fragment = raw_text[slice(*one.span)]
        start = text.find(fragment, position) if fragment else -1
        start = text.find(fragment) if start < 0 <= len(fragment) - 1 else start
        position = max(position, start)
        moved.append(replace(one, span=(start, start + len(fragment)) if start >= 0 else (0, 0)))
    return moved


def _number_fragments(text: str, shapes: Sequence[Shape]) -> list[tuple[str, int]]:
    """The words of each box and its number, longest first; of equal words the first number."""
    found: dict[str, int] = {}
    for number, shape in enumerate(shapes, 1):
        fragment = text[slice(*shape.span)]
        if len(fragment) >= _MIN_FRAGMENT_CHARS:
            found.setdefault(fragment, number)
    return sorted(found.items(), key=lambda pair: -len(pair[0]))


_MIN_FRAGMENT_CHARS = 5


def _circled(number: int) -> str:
    """The number so that it is not read as part of the words before it: ①."""
    if number <= 20:
        return chr(0x245F + number)
    return chr(0x3250 + number - 20) if number <= 35 else f"({number})"
