"""A row per shape: CSV and pandas. Corners are in pixels and count on reading; a point has no second corner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from glm_magics.errors import InputError, MissingExtraError
from glm_magics.geometry import Box, Point, Shape, keep_visible

from ..grammar import kind_of
from .naming import checked_size, reading, writable

if TYPE_CHECKING:
    import pandas as pd

_CORNERS = ("x1", "y1", "x2", "y2")
_RELATIVE = tuple(f"relative_{corner}" for corner in _CORNERS)
COLUMNS = ("image", "label", *_CORNERS, "width_px", "height_px", *_RELATIVE, "span_start", "span_end")
"""`image` counts from 0, `width_px` and `height_px` are the picture's, the span is where the shape stands in the answer."""

_WAY_OUT = "It needs the columns x1, y1, x2, y2 (pixels), width_px, height_px (of the picture); label and image may be there."
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def to_frame(shapes: Iterable[Shape]) -> pd.DataFrame:
    """A pandas frame with `COLUMNS`.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtraError.naming("tables", "A frame needs pandas, which is not installed.") from error
    return pd.DataFrame([_row(shape) for shape in keep_visible(shapes)], columns=list(COLUMNS))


def _row(shape: Shape) -> dict[str, Any]:
    corners = shape.xyxy if isinstance(shape, Box) else shape.xy
    return {
        "image": shape.image,
        "label": writable(shape.label),
        **dict(zip(_CORNERS, corners, strict=False)),
        "width_px": shape.width_px,
        "height_px": shape.height_px,
        **dict(zip(_RELATIVE, shape.relative, strict=False)),
        "span_start": shape.span[0],
        "span_end": shape.span[1],
    }


def from_frame(frame: pd.DataFrame) -> tuple[Shape, ...]:
    """The shapes of a frame with columns as in `COLUMNS`; relative columns are not read.

    Raises:
        InputError: a column is missing, or holds what is no number.
    """
    if not hasattr(frame, "to_dict"):
        raise InputError(f"{kind_of(frame)} is no pandas frame.", "Give what to_frame() gives.")
    with reading("This frame", _WAY_OUT):
        return _read_rows({str(name): value for name, value in row.items()} for row in frame.to_dict("records"))


def _read_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Shape, ...]:
    return tuple(keep_visible(_read_row(row) for row in rows))


def _read_row(row: Mapping[str, Any]) -> Shape:
    width_px, height_px = checked_size(row["width_px"], row["height_px"])
    label = "" if _is_empty(row.get("label")) else str(row["label"])
    start, end, image = (0 if _is_empty(row.get(name)) else _whole(row[name]) for name in ("span_start", "span_end", "image"))
    x1, y1 = float(row["x1"]) / width_px, float(row["y1"]) / height_px
    if _is_empty(row["x2"]) and _is_empty(row["y2"]):
        return Point((x1, y1), width_px, height_px, label, span=(start, end), image=image)
    x2, y2 = float(row["x2"]) / width_px, float(row["y2"]) / height_px
    return Box((x1, y1, x2, y2), width_px, height_px, label, span=(start, end), image=image)


def _whole(value: Any) -> int:
    return int(float(value))


def _is_empty(value: Any) -> bool:
    """True for what tables have where nothing is: None, an empty text, NaN."""
    return value is None or value == "" or value != value


def to_csv(shapes: Iterable[Shape]) -> str:
    """CSV with `COLUMNS`, pixels to a thousandth. A label that a spreadsheet would run as a formula gets a ``'`` before it."""
    import csv
    from io import StringIO

    text = StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    for shape in keep_visible(shapes):
        row = {
            name: round(value, 6 if name in _RELATIVE else 3) if isinstance(value, float) else value
            for name, value in _row(shape).items()
        }
        writer.writerow({**row, "label": _without_formula(str(row["label"]))})
    return text.getvalue()


def _without_formula(label: str) -> str:
    return f"'{label}" if _FORMULA.match(label) else label


def from_csv(text: str) -> tuple[Shape, ...]:
    """The shapes of a CSV with columns as in `COLUMNS`; the ``'`` before a formula is taken off.

    Raises:
        InputError: a column is missing, or holds what is no number.
    """
    import csv
    from io import StringIO

    with reading("This CSV", _WAY_OUT):
        try:
            rows = list(csv.DictReader(StringIO(text.removeprefix("\ufeff"), newline="")))
        except csv.Error as error:
            raise ValueError(str(error)) from error
        for row in rows:
            label = row.get("label") or ""
            row["label"] = label[1:] if label.startswith("'") and _FORMULA.match(label) else label
        return _read_rows(rows)
