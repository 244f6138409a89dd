"""Dataframes of any library as pictures, text or both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..dataframes import is_pandas
from ..errors import InputError, MediaError, MissingExtraError, OnceWarning, one_line
from ..messages import ImagePart, Part, TextPart
from ..notes import note
from ..pictures import MAX_IMAGE_BYTES, MAX_IMAGE_SIDE_PX, encode_picture, looks_like_picture, named
from ..stylers import is_styler, shown_frame
from ..tables import Table, kept_places
from .loading import Loading, said
from .rows import PLAIN, row_of


def load_frame(frame: Any, loading: Loading) -> Iterable[Part]:
    """Pictures, text or both, as `loading.frames` says; text, with a warning, where no font has a letter of it.

    Raises:
        MediaError: it is empty, or cannot be read or drawn.
        MissingExtraError: it is of a library that narwhals reads, which is not installed.
    """
    from .. import frames

    form, text, tables = loading.frame_form, "", list[Table]()
    with _errors_said(loading.label, "read" if form == "text" else "drawn"):
        if form == "text":
            text, *tables = frames.exact_text(frame)
        elif form == "pages":
            tables = frames.fit_pages(frame, max_pages=min(frames.MAX_PAGES, loading.intake.max_images or frames.MAX_PAGES))
        else:
            tables = [frames.fit_table(frame)]
    _refuse_empty(tables[0], loading.label)
    _say_media(frame, loading.label)
    if form == "text":
        return [_as_text(text, tables[0], loading)]
    with _errors_said(loading.label, "drawn"):
        return _draw(frame, tables, loading)


def _draw(frame: Any, tables: Sequence[Table], loading: Loading) -> list[Part]:
    """Its pictures, as far as there are letters for them, and the text that belongs beside them or stands for them."""
    from .. import frames

    if reason := next(filter(None, map(frames.why_not, tables)), ""):
        note(f"{named(loading.label)} is sent as text. {reason}", OnceWarning, stacklevel=3)
        return [_as_text(*frames.exact_text(frame), loading)]
    is_drawn, text = True, ""
    if loading.frame_form == "pages":
        _say_gap(tables, loading.label)
    elif loading.frame_form == "both":
        text, _ = frames.exact_text(frame)
    elif loading.frame_form == "auto":
        is_drawn, text = frames.choose_forms(frame, tables[0])
    pictures: list[Part] = [_as_picture(table, loading) for table in tables] if is_drawn else []
    return [*pictures, _as_text(text, tables[0], loading)] if text else pictures


@contextmanager
def _errors_said(label: str, what: str) -> Iterator[None]:
    """Whatever fails becomes a sentence: the cells hold objects of the user's own, a lazy frame runs her query."""
    try:
        yield
    except MissingExtraError:
        raise
    except Exception as error:
        why, tried = (error.message, error.way_out) if isinstance(error, InputError) else (f"{said(error)}.", "")
        raise MediaError(f"{named(label)} cannot be {what}: {why}", tried or "Does print() work on it?") from error


def _refuse_empty(table: Table, label: str) -> None:
    if table.is_empty:
        raise MediaError(
            f"{named(label)} is an empty frame ({table.shape_note}).", "Look at how it was made: a filter may have left nothing."
        )


def _say_gap(pages: Sequence[Table], label: str) -> None:
    if any(column.is_gap for page in pages for column in page.columns):
        shown = sum(not column.is_label and not column.is_gap for page in pages for column in page.columns)
        note(
            f"{named(label)} has {pages[0].n_columns:,} columns; {shown} of them fit {len(pages)} "
            f"picture{'s' * (len(pages) != 1)}, the others, in the middle, are not sent. Send fewer columns at once.",
            stacklevel=5,
        )


def _say_media(frame: Any, label: str) -> None:
    """A frame's cells are sent as their text, whatever a notebook shows of them."""
    names = [f"`{one_line(name, 40)}`" for name in _media_columns(frame)]
    if names:
        columns = f"its column{'s' * (len(names) != 1)} {', '.join(names[:5])}{', …' * (len(names) > 5)}"
        note(
            f"{named(label)} holds pictures, arrays or the like in {columns}: sent as text only. "
            "Send a list of those cells to have them looked at.",
            stacklevel=4,
        )


def _media_columns(frame: Any) -> Iterator[str]:
    """Names of the columns of which a shown cell is sent as more than text where it stands alone; of pandas frames only."""
    data = shown_frame(frame) if is_styler(frame) else frame
    if not is_pandas(data):
        return
    data = data if hasattr(data, "columns") else data.to_frame()
    rows, columns = kept_places(len(data), len(data.columns), None, None)
    for j in columns:
        cells = data.iloc[rows, j]
        if cells.dtype.kind == "O" and any(_is_media(cell) for cell in cells):
            yield str(data.columns[j])


def _is_media(cell: Any) -> bool:
    if isinstance(cell, bytes):
        return looks_like_picture(cell[:64])
    return row_of(cell) not in PLAIN | {"pathlib.PurePath", "builtins.bytearray", "builtins.memoryview"}


def _as_picture(table: Table, loading: Loading) -> ImagePart:
    from .. import frames

    picture, label = frames.draw(table), loading.label or "frame"
    data = frames.encode(picture)
    if len(data) > MAX_IMAGE_BYTES or max(picture.size) > MAX_IMAGE_SIDE_PX:
        return encode_picture(picture, label)
    return ImagePart(data, "image/png", *picture.size, label=label, source=_shape(table))


def _as_text(text: str, table: Table, loading: Loading) -> TextPart:
    """A table within a sentence begins on a line of its own, or its columns would not stand under their names."""
    return TextPart(f"\n{text}" if text.endswith("\n") else f"\n{text}\n", loading.label or "frame", _shape(table))


def _shape(table: Table) -> str:
    return f"{table.n_rows}×{table.n_columns}"
