"""The boxes of an answer as a value to hold: drawn, cut out, filtered, carried to other formats and back."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, overload

from . import boxformats
from .boxcolours import styles_of
from .boxdrawing import draw_shapes, upright_picture
from .boxlabels import label_text
from .errors import InputError, one_line
from .geometry import Box, Shape, keep_visible
from .grammar import kind_of
from .grounding import Unread, read_boxes
from .markdown import to_html_text

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

    Pictures = list[Image] | tuple[Image, ...]

_REPR_ROWS, _HTML_ROWS = 20, 200


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Boxes(Sequence[Shape]):
    """Boxes and points in the order of the answer; it does not change.

    Shapes are cut to their picture; what is outside, without area or no number is left out. A slice is `Boxes` again, and two
    are equal when their shapes are.

    Attributes:
        shapes: `Box` and `Point`.
        reason: why there are none, in a sentence; empty when there are some.
        unread: what looked like boxes in the answer and could not be used.
    """

    shapes: tuple[Shape, ...]
    reason: str = ""
    unread: tuple[Unread, ...] = ()

    def __init__(self, shapes: Iterable[Shape] = (), reason: str = "", unread: Iterable[Unread] = ()) -> None:
        object.__setattr__(self, "shapes", tuple(keep_visible(shapes)))
        object.__setattr__(self, "reason", "" if self.shapes else reason or "There are no boxes.")
        object.__setattr__(self, "unread", tuple(unread))

    def __len__(self) -> int:
        return len(self.shapes)

    @overload
    def __getitem__(self, place: int) -> Shape: ...
    @overload
    def __getitem__(self, place: slice) -> Boxes: ...
    def __getitem__(self, place: int | slice) -> Shape | Boxes:
        return Boxes(self.shapes[place]) if isinstance(place, slice) else self.shapes[place]

    def __eq__(self, other: object) -> bool:
        return self.shapes == other.shapes if isinstance(other, Boxes) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.shapes)

    def filter(self, label: str | None = None, *, image: int | None = None) -> Boxes:
        """Those with this label, those of this picture (from 0), or both."""
        return Boxes(
            (shape for shape in self.shapes if label in (None, shape.label) and image in (None, shape.image)),
            "No box is left by the filter.",
        )

    def on_pictures(self, sizes: boxformats.Sizes) -> Boxes:
        """The same shapes on pictures of these sizes: ``(width_px, height_px)`` of all, or a list with the size of each.

        Raises:
            InputError: a picture without a size.
        """
        with boxformats.reading("These sizes", "Give (width_px, height_px), or a list with the size of every picture."):
            sized = [(shape, boxformats.size_of(sizes, shape.image)) for shape in self.shapes]
        return Boxes((replace(shape, width_px=size[0], height_px=size[1]) for shape, size in sized), self.reason, self.unread)

    @overload
    def draw(self, image: Image, *, index: int = 0, max_side_px: int | None = None, numbers: bool | None = None) -> Image: ...
    @overload
    def draw(self, image: Pictures, *, max_side_px: int | None = None, numbers: bool | None = None) -> list[Image]: ...
    def draw(
        self,
        image: Image | Pictures,
        *,
        index: int = 0,
        max_side_px: int | None = None,
        numbers: bool | None = None,
    ) -> Image | list[Image]:
        """A copy of the picture with its boxes; for a list of pictures a list.

        Args:
            image: the picture as it was opened, of any size; it stays as it is.
            index: which picture of the message it is, from 0.
            max_side_px: the longest side of the copy; None leaves the size.
            numbers: False for labels alone, True for numbers alone, None for both, and numbers alone beyond 50 boxes.

        Raises:
            InputError: `max_side_px` is no positive whole number.
            MediaError: no picture, a huge or a damaged one.
        """
        if isinstance(image, list | tuple):
            return [self.draw(one, index=i, max_side_px=max_side_px, numbers=numbers) for i, one in enumerate(image)]
        return draw_shapes(image, self.shapes, index=index, max_side_px=max_side_px, numbers=numbers)

    def crops(self, image: Image | Pictures, margin: float = 0.0, *, index: int = 0) -> list[Image]:
        """What each box of the picture shows, in their order, in the picture's own pixels; of a list, of all pictures.

        Args:
            image: the picture as it was opened, or the list of all pictures.
            margin: what is added on each side, as a share of the box's width and height.
            index: which picture of the message it is, from 0.

        Raises:
            InputError: `margin` is no share.
            MediaError: no picture, a huge or a damaged one.
        """
        if not isinstance(margin, int | float) or not 0 <= margin <= 10:
            raise InputError(
                f"margin is {one_line(repr(margin), 40)}.", "Give a share of the box, 0 to 10; 0.1 adds a tenth on each side."
            )
        if isinstance(image, list | tuple):
            return [crop for i, one in enumerate(image) for crop in self.crops(one, margin, index=i)]
        boxes = [shape for shape in self.shapes if isinstance(shape, Box) and shape.image == index]
        upright = upright_picture(image)
        return [upright.crop(_crop_rect(box, upright.size, margin)) for box in boxes]

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame, a row per shape: image (from 0), label, corners in pixels and relative, size of the picture, span."""
        return boxformats.to_frame(self.shapes)

    def to_csv(self) -> str:
        """The rows of `to_frame` as CSV; a label that a spreadsheet would run gets a ``'`` before it."""
        return boxformats.to_csv(self.shapes)

    def to_coco(self, file_names: Sequence[str] | None = None) -> dict[str, Any]:
        """A COCO dictionary for ``json.dump``; pictures are ``image-1.png`` and so on unless named."""
        return boxformats.to_coco(self.shapes, file_names)

    def to_yolo(self, file_names: Sequence[str] | None = None) -> dict[str, str]:
        """Texts by file name: one ``.txt`` per picture, and ``data.yaml`` with the labels."""
        return boxformats.to_yolo(self.shapes, file_names)

    def to_voc(self, file_names: Sequence[str] | None = None) -> dict[str, str]:
        """XML texts by file name, one per picture; corners count from 1 as in the original data."""
        return boxformats.to_voc(self.shapes, file_names)

    def to_glm_json(self) -> str:
        """What GLM writes when asked for JSON, in thousandths from 0 to 999, to go back into a prompt."""
        return boxformats.to_glm_json(self.shapes)

    def to_supervision(self) -> Any:
        """``supervision.Detections`` with ``data["class_name"]`` and ``data["image"]``."""
        return boxformats.to_supervision(self.shapes)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Boxes:
        """The boxes of a frame as `to_frame` gives it."""
        return cls(boxformats.from_frame(frame))

    @classmethod
    def from_csv(cls, text: str) -> Boxes:
        """The boxes of a CSV as `to_csv` gives it."""
        return cls(boxformats.from_csv(text))

    @classmethod
    def from_coco(cls, coco: Mapping[str, Any], file_names: Sequence[str] | None = None) -> Boxes:
        """The boxes of a COCO dictionary; pictures are numbered as in `file_names`, else as in the file."""
        return cls(boxformats.from_coco(coco, file_names))

    @classmethod
    def from_yolo(cls, files: Mapping[str, str], sizes: boxformats.Sizes, file_names: Sequence[str] | None = None) -> Boxes:
        """The boxes of YOLO's texts; `sizes` is ``(width_px, height_px)`` of all pictures, or a list with the size of each."""
        return cls(boxformats.from_yolo(files, sizes, file_names))

    @classmethod
    def from_voc(cls, files: Mapping[str, str], file_names: Sequence[str] | None = None) -> Boxes:
        """The boxes of Pascal VOC's XML texts by file name."""
        return cls(boxformats.from_voc(files, file_names))

    @classmethod
    def from_glm_json(cls, text: str, sizes: boxformats.Sizes) -> Boxes:
        """The boxes of JSON as `to_glm_json` gives it; for an answer of a model use `parse_boxes`."""
        return cls(boxformats.from_glm_json(text, sizes))

    @classmethod
    def from_supervision(cls, detections: Any, sizes: boxformats.Sizes) -> Boxes:
        """The boxes of ``supervision.Detections``; `sizes` as for `from_yolo`."""
        return cls(boxformats.from_supervision(detections, sizes))

    def __repr__(self) -> str:
        lines = [self._count() if self.shapes else f"no boxes: {self.reason}"]
        for number, shape in enumerate(self.shapes[:_REPR_ROWS], 1):
            label = label_text(shape.label)
            lines.append(f"{number:>3}  {_where(shape)}{f'  {label}' if label else ''}")
        lines += [f"  … and {len(self) - _REPR_ROWS} more"] if len(self) > _REPR_ROWS else []
        lines += [f"{len(self.unread)} not used, see .unread"] if self.unread else []
        return "\n".join(lines)

    def _count(self) -> str:
        n_boxes = sum(isinstance(shape, Box) for shape in self.shapes)
        counts = ((n_boxes, "box", "boxes"), (len(self) - n_boxes, "point", "points"))
        return " and ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n)

    def _repr_html_(self) -> str:
        """IPython's hook: a table, every foreign letter of it escaped."""
        if not self.shapes:
            return f"<p>{to_html_text(self.reason)}</p>"
        rows = [
            f'<tr><td style="background:{style.css};color:{style.ink_css}">{number}</td>'
            f"<td><bdi>{to_html_text(shape.label)}</bdi></td><td>{html.escape(_where(shape))}</td></tr>"
            for number, (shape, style) in enumerate(zip(self.shapes[:_HTML_ROWS], styles_of(self.shapes), strict=False), 1)
        ]
        more = f"<p>… and {len(self) - _HTML_ROWS} more</p>" if len(self) > _HTML_ROWS else ""
        unread = f"<p>{len(self.unread)} not used, see <code>.unread</code></p>" if self.unread else ""
        head = "<thead><tr><th></th><th>label</th><th>pixels</th></tr></thead>"
        return f"<table>{head}<tbody>{''.join(rows)}</tbody></table>{more}{unread}"


def _where(shape: Shape) -> str:
    """Whole pixels, and the picture when it is not the first."""
    numbers = shape.xyxy if isinstance(shape, Box) else shape.xy
    image = f" picture {shape.image + 1}" if shape.image else ""
    return f"[{', '.join(str(int(number + 0.5)) for number in numbers)}]{image}"


def _crop_rect(box: Box, size: tuple[int, int], margin: float) -> tuple[int, int, int, int]:
    """Whole pixels of a picture of this size, at least one."""
    x1, y1, x2, y2 = box.relative
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    low = [min(length - 1, max(0, int(edge * length + 0.5))) for edge, length in ((x1 - dx, size[0]), (y1 - dy, size[1]))]
    high = [min(length, int(edge * length + 0.5)) for edge, length in ((x2 + dx, size[0]), (y2 + dy, size[1]))]
    return low[0], low[1], max(high[0], low[0] + 1), max(high[1], low[1] + 1)


def parse_boxes(
    text: str,
    width_px: int,
    height_px: int,
    *,
    scale: Literal[1000, 100, 1, "pixel"] = 1000,
    order: Literal["xyxy", "yxyx", "xywh"] = "xyxy",
    is_growing: bool = False,
) -> Boxes:
    """The boxes and points in a model's answer, for a picture of this size.

    Args:
        text: the whole answer, thinking and markers included.
        width_px, height_px: the size of the upright picture, the one you hold.
        scale: what the numbers count: thousandths (GLM), hundredths, shares, or pixels of that picture.
        order: ``yxyx`` for a model that writes y first, ``xywh`` for corner and size.
        is_growing: more of the answer may come, or it was cut off: its last number may have more digits.

    Raises:
        InputError: no text, a size that is none, an unknown scale or order.
    """
    if not isinstance(text, str):
        raise InputError(f"{kind_of(text)} is no answer.", "Give its text, e.g. `reply.text`.")
    reading = read_boxes(text, width_px, height_px, scale=scale, order=order, is_growing=is_growing)
    return Boxes(reading.shapes, reading.reason, reading.unread)
