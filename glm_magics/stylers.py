"""pandas' Styler, and HTML tables of other objects, as a `Table` with the colours of its cells.

A Styler is asked for its HTML, a public format, with all but the shown rows and columns hidden.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from .cells import clean
from .errors import InputError, MediaError, MissingExtraError, one_line
from .grammar import kind_of, with_article
from .htmltables import Cell, Grid, find_tables
from .tables import MAX_CELL_CHARS, Colour, Column, Look, Table, check_limits, cut_cells, kept_places, mark_gaps, without_repeats

MAX_STYLED_CELLS = 250_000
"""pandas computes the style of every cell, shown or not; so many take it about 3 s."""

MAX_HTML_CHARS = 10_000_000

_NUMBER = re.compile(
    r"[^\w\s.]{0,3}\s?[+−-]?\d[\d\s.,'_]*(?:[eE][+-]?\d+)?\s?[^\d\s]{0,3}|[-+]?(?:inf|nan|none|nat|<na>)", re.IGNORECASE
)


def is_styler(value: Any) -> bool:
    """True for pandas' Styler."""
    return any(base.__module__ == "pandas.io.formats.style" and base.__name__ == "Styler" for base in type(value).__mro__)


def read_styler(
    styler: Any, max_rows: int | None = None, max_columns: int | None = None, max_chars: int = MAX_CELL_CHARS
) -> Table:
    """What the Styler shows of its frame: formats, colours, bars, caption; hidden rows, columns and labels are not there.

    Raises:
        InputError: a limit that is no count.
        MediaError: more cells than pandas styles in a few seconds, or a style function that fails.
        MissingExtraError: Jinja2, which pandas needs for it, is not installed.
    """
    check_limits(max_rows, max_columns)
    data = styler.data
    if data.size > MAX_STYLED_CELLS:
        raise MediaError(
            f"The Styler covers {data.size:,} cells, and pandas styles them all.",
            f"Style fewer than {MAX_STYLED_CELLS:,}, e.g. df.head(100).style, or send the frame itself.",
        )
    shown_rows, shown_columns = _shown(styler)
    rows, columns = kept_places(len(shown_rows), len(shown_columns), max_rows, max_columns)
    part = copy.deepcopy(styler)  # of the styles; the frame is shared
    part.hidden_rows = set(range(len(data))) - {shown_rows[i] for i in rows}
    part.hidden_columns = set(range(len(data.columns))) - {shown_columns[j] for j in columns}
    grids = find_tables(_html_of(part))
    if not grids or not rows or not columns:
        return Table((), len(shown_rows), len(shown_columns), is_styled=True)
    table = _to_table(grids[0])
    labels = [column for column in table.columns if column.is_label]
    kept = (*without_repeats(labels), *table.columns[len(labels) :])
    n_kept = len(kept[0].cells)
    n_rows = len(shown_rows) + n_kept - len(rows)  # with those of Styler.concat
    whole = Table(kept, n_rows, len(shown_columns), caption=table.caption, is_styled=True)
    return mark_gaps(cut_cells(whole, max_chars), n_kept)


def appended_frames(styler: Any) -> list[Any]:
    """Frames of what `Styler.concat` set below, without hidden rows; pandas hides the columns of the first (``_render``)."""
    columns = _shown(styler)[1]
    return [other.data.iloc[_shown(other)[0], columns] for other in _appended(styler)]


def _appended(styler: Any) -> Iterator[Any]:
    """In the order in which pandas shows them."""
    for other in styler.concatenated:
        yield other
        yield from _appended(other)


def shown_frame(styler: Any) -> Any:
    """The Styler's frame without its hidden rows and columns: the values behind what is shown."""
    rows, columns = _shown(styler)
    data = styler.data
    if len(rows) == len(data) and len(columns) == len(data.columns):
        return data
    return data.iloc[rows, columns]


def _shown(styler: Any) -> tuple[list[int], list[int]]:
    """Places of the rows and columns that are not hidden."""
    rows, columns = set(styler.hidden_rows), set(styler.hidden_columns)
    n_rows, n_columns = styler.data.shape
    return [i for i in range(n_rows) if i not in rows], [j for j in range(n_columns) if j not in columns]


def _html_of(styler: Any) -> str:
    from importlib import import_module

    try:
        with import_module("pandas").option_context("styler.render.max_elements", MAX_STYLED_CELLS + 1):
            return str(styler.to_html(sparse_index=False, sparse_columns=False))
    except ImportError:
        raise MissingExtraError("pandas styles frames with Jinja2, which is not installed.", "pip install jinja2") from None
    except Exception as error:  # formats and styles are the user's functions
        said = one_line(str(error), 120).rstrip(".") or type(error).__name__
        raise MediaError(f"The Styler fails: {said}.", "Does it show as the last line of a cell?") from error


def as_tables(value: Any) -> list[Table]:
    """The tables of anything that shows itself as HTML, to be sent as frames are.

    ``{glm.as_tables(summary)}`` in a prompt sends each as ``--frames`` says; ``glm.frame_image`` draws one.
    ``glm.register(GT, glm.as_tables)`` does so for every such object from then on.

    Args:
        value: an object with ``_repr_html_`` (great_tables, statsmodels, scikit-learn, pyspark, …), or an HTML text.

    Raises:
        InputError: there is no table in it, or no HTML at all.
        MediaError: its ``_repr_html_`` fails, or gives more than 10 million letters.
    """
    html = value if isinstance(value, str) else _ask_html(value)
    if len(html) > MAX_HTML_CHARS:
        raise MediaError(f"Its HTML is {len(html):,} letters long.", "Take the part that matters.")
    tables = [_to_table(grid) for grid in find_tables(html)]
    if not tables:
        raise InputError(
            f"There is no table in the HTML of {with_article(type(value).__name__)}.", "Give an object that shows as a table."
        )
    return tables


def _ask_html(value: Any) -> str:
    show = getattr(value, "_repr_html_", None)
    try:
        html = show() if callable(show) and not isinstance(value, type) else None
    except Exception as error:  # foreign code
        said = one_line(str(error), 120).rstrip(".") or type(error).__name__
        raise MediaError(
            f"The _repr_html_ of {with_article(type(value).__name__)} fails: {said}.", "Does it show in a cell?"
        ) from error
    if not isinstance(html, str):
        raise InputError(f"{kind_of(value)} does not show itself as HTML.", "Give a dataframe, or an object with _repr_html_.")
    return html


def _to_table(grid: Grid) -> Table:
    """Leading columns of ``<th>`` are labels; a head row of one cell over all columns is the caption."""
    heads, body = grid.rows[: grid.n_heads], grid.rows[grid.n_heads :]
    captions = [grid.caption]
    while heads and len(heads[0]) > 1 and heads[0][0].text and all(cell.is_echo for cell in heads[0][1:]):
        captions.append(heads.pop(0)[0].text)
    width = len(grid.rows[0])
    n_labels = next((j for j in range(width) if not all(row[j].is_head for row in body)), width)
    n_labels = n_labels if n_labels < width else 0
    heads = _fold_names(heads, n_labels)
    columns = tuple(_to_column([row[j] for row in heads], [row[j] for row in body], is_label=j < n_labels) for j in range(width))
    return Table(columns, len(body), width - n_labels, caption=clean(" – ".join(filter(None, captions))))


def _fold_names(heads: list[list[Cell]], n_labels: int) -> list[list[Cell]]:
    """pandas writes the names of the index on a line of their own; on the line above, if that is free there, they cost none."""
    if len(heads) < 2 or not n_labels:
        return heads
    names, above = heads[-1], heads[-2]
    if any(cell.text for cell in names[n_labels:]) or any(cell.text for cell in above[:n_labels]):
        return heads
    return [*heads[:-2], [*names[:n_labels], *above[n_labels:]]]


def _to_column(heads: list[Cell], cells: list[Cell], *, is_label: bool) -> Column:
    texts = ["" if cell.is_echo else clean(cell.text) for cell in cells]
    known = [text for text in texts if text]
    return Column(
        tuple(
            "" if below and below.is_echo and below.text == cell.text else clean(cell.text)  # over both: once, at the bottom
            for cell, below in zip_longest(heads, heads[1:])
        ),
        texts,
        is_number=bool(known) and all(map(_NUMBER.fullmatch, known)),
        is_label=is_label,
        looks={i: look for i, cell in enumerate(cells) if (look := read_look(cell.style)) != _PLAIN},
        head_looks={i: look for i, cell in enumerate(heads) if (look := read_look(cell.style)) != _PLAIN},
    )


_PLAIN = Look()


def read_look(style: tuple[tuple[str, str], ...]) -> Look:
    """The look that CSS properties describe; what is not understood is left out."""
    ink: Colour | None = None
    fill: Colour | None = None
    bars: tuple[tuple[float, float, Colour], ...] = ()
    is_bold = False
    for name, value in style:
        if name == "color":
            ink = read_colour(value)
        elif name == "background-color":
            fill = read_colour(value)
        elif name in ("background", "background-image"):
            bars = _read_bars(value)
            fill = fill if name == "background-image" else read_colour(value)
        elif name == "font-weight":
            is_bold = value in ("bold", "bolder", "600", "700", "800", "900")
    return Look(ink, fill, is_bold, bars)


_ALPHA = re.compile(r"(rgb|hsl)a?\(\s*([^)]*?)\s*[,/]\s*(\d*\.?\d+)(%?)\s*\)", re.ASCII | re.IGNORECASE)


def read_colour(text: str) -> Colour | None:
    """A CSS colour on white paper; None for ``transparent`` and for what is none."""
    from PIL import ImageColor

    opacity, word = 1.0, text.strip().lower()
    found = _ALPHA.fullmatch(word)
    if found and len(re.split(r"[,\s]+", found[2])) == 3:
        word = f"{found[1]}({','.join(re.split(r'[, ]+', found[2]))})"
        opacity = min(1.0, float(found[3]) / (100 if found[4] else 1))
    try:
        red, green, blue, *alpha = ImageColor.getrgb(word)
    except ValueError:
        return None
    opacity *= alpha[0] / 255 if alpha else 1.0
    if not opacity:
        return None
    return tuple(round(255 - opacity * (255 - min(255, max(0, part)))) for part in (red, green, blue))  # type: ignore[return-value]


_STOP = re.compile(r"(transparent|#[0-9a-f]+|[a-z]+\([^)]*\)|[a-z]+)\s+(-?\d*\.?\d+)%", re.ASCII | re.IGNORECASE)


def _read_bars(value: str) -> tuple[tuple[float, float, Colour], ...]:
    """The coloured stretches of a ``linear-gradient`` from left to right, as `Styler.bar` writes them."""
    if not value.startswith("linear-gradient(90deg"):
        return ()
    bars = []
    before, at = "", 0.0
    for name, place in _STOP.findall(value.partition(",")[2]):
        share = min(1.0, max(0.0, float(place) / 100))
        if share > at and (not before or name == before) and (colour := read_colour(name)):
            bars.append((at, share, colour))
        before, at = name, share
    return tuple(bars)
