"""The tables of an HTML text as plain grids: cells that span are laid flat, the style of each cell goes along.

Only what tables of numbers need is read: structure, text, ``style`` attributes and rules for single cells (``#id { … }``), as
pandas' Styler writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from .errors import MediaError

_MAX_SPAN = 1000
"""The HTML standard's own limit for colspan."""

_MAX_CELLS = 1_000_000

_SILENT = frozenset({"style", "script", "title"})
_BREAKS = frozenset({"br", "p", "div", "li"})


@dataclass(slots=True)
class Cell:
    """One place of a grid.

    Attributes:
        text: on one line.
        style: CSS properties in the order in which they are written: a later one overrides an earlier one.
        is_head: made with ``<th>``.
        is_echo: continues the cell on its left or above it, whose text it has.
    """

    text: str = ""
    style: tuple[tuple[str, str], ...] = ()
    is_head: bool = False
    is_echo: bool = False


@dataclass(slots=True)
class Grid:
    """One table, every row with as many cells; the first `n_heads` rows are its head."""

    rows: list[list[Cell]]
    n_heads: int
    caption: str = ""


@dataclass(slots=True)
class _Open:
    """A table that is being read: its cells with how far each spans, across and down."""

    rows: list[list[tuple[Cell, int, int]]] = field(default_factory=list)
    n_heads: int = 0
    caption: str = ""
    group: str = ""


def find_tables(html: str) -> list[Grid]:
    """Every table of the text, those inside others first; empty ones are left out.

    Raises:
        MediaError: one of more than a million cells.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.handle_endtag("tr")
    reader.done += reversed(reader.open)  # those that nobody closed
    rules = _read_rules(reader.sheets)
    for cell, name, inline in reader.styled:
        cell.style = tuple(_properties(f"{rules.get(name, '')};{inline}"))
    return [grid for table in reader.done if (grid := _lay_flat(table)).rows]


def _read_rules(sheets: Iterable[str]) -> dict[str, str]:
    """Properties by the id of the one element for which they hold; several rules for the same one in their order."""
    found: dict[str, str] = {}
    for sheet in sheets:
        for rule in sheet.split("}"):
            selectors, _, properties = rule.partition("{")
            for selector in map(str.strip, selectors.split(",")):
                if selector.startswith("#") and not set(selector) & set(" >.:[+~\n\t"):
                    found[selector[1:]] = f"{found.get(selector[1:], '')};{properties}"
    return found


def _properties(text: str) -> Iterable[tuple[str, str]]:
    for part in text.split(";"):
        name, _, value = part.partition(":")
        if value := value.replace("!important", "").strip():
            yield name.strip().lower(), value


class _Reader(HTMLParser):
    """Collects tables, style sheets, and which cell is named and styled how; other text is passed by."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[_Open] = []
        self._text: list[str] | None = None
        self._is_caption = False
        self._silence = ""
        self.done: list[_Open] = []
        self.sheets: list[str] = []
        self.styled: list[tuple[Cell, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens tables, rows and cells."""
        given = {name: value or "" for name, value in attrs}
        if tag in ("td", "th", "tr", "caption", "table"):
            self._keep_text()  # HTML lets the end of the cell before go unsaid
        if tag in _SILENT:
            self._silence = tag
        elif tag == "table":
            self.open.append(_Open())
        elif not self.open:
            return
        elif tag in ("thead", "tbody", "tfoot"):
            self.open[-1].group = tag
        elif tag == "tr":
            self.open[-1].rows.append([])
            self.open[-1].n_heads += self.open[-1].group == "thead"
        elif tag in ("td", "th"):
            self._open_cell(tag, given)
        elif tag == "caption":
            self._text, self._is_caption = [], True
        elif self._text is not None:
            self._text.append(" " if tag in _BREAKS else (given.get("alt") or "[picture]") if tag == "img" else "")

    def _open_cell(self, tag: str, given: dict[str, str]) -> None:
        table = self.open[-1]
        if not table.rows:
            table.rows.append([])
        cell = Cell(is_head=tag == "th")
        table.rows[-1].append((cell, _span(given.get("colspan")), _span(given.get("rowspan"))))
        if "id" in given or "style" in given:
            self.styled.append((cell, given.get("id", ""), given.get("style", "")))
        self._text, self._is_caption = [], False

    def _keep_text(self) -> None:
        """Gives the text that was read to the cell or caption whose it is."""
        if self._text is None or not self.open:
            return
        text, table = " ".join("".join(self._text).split()), self.open[-1]
        if self._is_caption:
            table.caption = text
        elif table.rows and table.rows[-1]:
            table.rows[-1][-1][0].text = text
        self._text = None

    def handle_data(self, data: str) -> None:
        """Text of a cell, of the caption or of a style sheet."""
        if self._silence == "style":
            self.sheets.append(data)
        elif self._text is not None and not self._silence:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Closes what `handle_starttag` opened."""
        if tag == self._silence:
            self._silence = ""
        elif tag == "thead" and self.open:
            self.open[-1].group = ""
        elif tag in ("td", "th", "tr", "caption", "table"):
            self._keep_text()
            if tag == "table" and self.open:
                self.done.append(self.open.pop())


def _span(given: str | None) -> int:
    return min(_MAX_SPAN, max(1, int(given))) if given and given.isascii() and given.isdigit() and len(given) < 9 else 1


def _lay_flat(table: _Open) -> Grid:
    """A cell over several columns or rows stands in each of them; short rows are filled up."""
    n_rows = len(table.rows)
    if sum(n_across * min(n_down, n_rows) for row in table.rows for _, n_across, n_down in row) > _MAX_CELLS:
        raise MediaError(f"A table of the HTML has more than {_MAX_CELLS:,} cells.", "Take the part that matters.")
    places: list[dict[int, Cell]] = [{} for _ in range(n_rows)]
    for i, row in enumerate(table.rows):
        j = 0
        for cell, n_across, n_down in row:
            while j in places[i]:
                j += 1
            echo = Cell(cell.text, cell.style, cell.is_head, True)
            for down in range(min(n_down, n_rows - i)):
                for across in range(n_across):
                    places[i + down].setdefault(j + across, echo if down or across else cell)
            j += n_across
    width = max((max(row) + 1 for row in places if row), default=0)
    kept = [i for i, row in enumerate(places) if any(cell.text for cell in row.values())]
    rows = [[places[i].get(j, Cell()) for j in range(width)] for i in kept]
    n_heads = sum(i < table.n_heads for i in kept) or _leading_heads(rows)
    return Grid(rows, n_heads if n_heads < len(rows) else 0, table.caption)


def _leading_heads(rows: list[list[Cell]]) -> int:
    """Rows at the top that hold nothing but ``<th>``: a head without a ``<thead>``."""
    return next((i for i, row in enumerate(rows) if not all(cell.is_head or not cell.text for cell in row)), 0)
