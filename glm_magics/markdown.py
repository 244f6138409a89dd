"""A model's Markdown made safe for a page, and cut into blocks that can be shown for good while the rest still streams.

A notebook trusts the outputs of cells it has just run: raw HTML in Markdown is live there, scripts included. So markup that
could act is broken with an invisible character (U+2060, word joiner): the text reads the same and does nothing, whatever
Markdown parser the front end has. Code in top-level fences stays exact, because the fences are rewritten so that every
parser agrees where they begin and end.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_JOINER = "\u2060"
_LANGUAGE = re.compile(r"[\w+#.-]*")
_BACKTICKS = re.compile(r"`+")
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])(?!br ?/?>)", re.IGNORECASE)
_LINK = re.compile(r"\](?=\((?!\s*<?(?:https?://|mailto:|#))|:(?!\s*<?(?:https?://|mailto:|#)))", re.IGNORECASE)
_BACKTICK_RUNS = re.compile(r"(`+)")
_PUNCTUATION = re.compile(r"[`*_\[\]~]|(?<=:)/")
_IMAGE = re.compile(r"!(?=\[)")
_ESCAPES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def strip_controls(text: str) -> str:
    """The text without control characters (terminal escapes among them); line breaks and tabs stay."""
    return _ESCAPES.sub("", text)


def make_safe(text: str, is_growing: bool = False) -> str:
    """The same Markdown with nothing in it that could run, load or lead anywhere but http(s), mailto or the page itself.

    HTML tags, other link schemes and pictures (a picture's address can carry data away) are shown as text. While the text
    `is_growing` its formulas are shown as text too: typeset again at every repaint they would flicker.
    """
    lines: list[str] = []
    for code, language in _fences(strip_controls(text)):
        if language is None:
            prose = _break_markup(code)
            lines.append(_quiet_math(prose) if is_growing and "$" in prose else prose)
            continue
        run = max((len(found) for found in _BACKTICKS.findall(code)), default=0)
        fence = "`" * max(3, run + 1)
        if lines and not lines[-1].endswith("\n\n"):
            lines.append("\n" if lines[-1].endswith("\n") else "\n\n")
        lines.append(f"{fence}{language}\n{code}{'' if code.endswith(chr(10)) or not code else chr(10)}{fence}\n")
    return "".join(lines)


def _break_markup(prose: str) -> str:
    prose = _TAG_START.sub("<" + _JOINER, prose)
    prose = _LINK.sub("]" + _JOINER, prose)
    return _IMAGE.sub("!" + _JOINER, prose)


def _fences(text: str) -> Iterator[tuple[str, str | None]]:
    """``(prose, None)`` and ``(code, language)`` in turn; only fences at column 0 count, an unclosed one runs to the end."""
    run: list[str] = []
    fence = language = ""
    for line in text.splitlines(keepends=True) if "`" in text or "~" in text else [text]:
        found = split_fence(line)
        if fence:
            if found and found[0].startswith(fence) and not found[1]:
                yield "".join(run), language
                run, fence = [], ""
            else:
                run.append(line)
        elif found:
            if run:
                yield "".join(run), None
            run, fence, language = [], found[0], _first_match(_LANGUAGE, found[1])
        else:
            run.append(line)
    if fence:
        yield "".join(run), language
    elif run:
        yield "".join(run), None


def split_fence(line: str) -> tuple[str, str] | None:
    """``(marks, info)`` of a line that opens or closes a code block; None for any other. No pattern: marks may be many."""
    mark = line[:1]
    if mark not in ("`", "~"):
        return None
    n_marks = len(line) - len(line.lstrip(mark))
    info = line[n_marks:].strip()
    return None if n_marks < 3 or "`" in info else (line[:n_marks], info)


def code_blocks(text: str) -> list[tuple[str, str]]:
    """``(language, code)`` of every fence, those in lists too (without the list's indentation); an unclosed last one counts."""
    blocks: list[tuple[str, str]] = []
    fence = language = indent = ""
    run: list[str] = []
    for line in text.split("\n"):
        bare = line.lstrip(" \t")
        found = split_fence(bare)
        if not fence:
            if found:
                run, fence, indent = [], found[0], line[: len(line) - len(bare)]
                language = found[1].split(maxsplit=1)[0] if found[1] else ""
        elif found and found[0].startswith(fence) and not found[1]:
            blocks.append((language, "".join(run)))
            fence = ""
        else:
            run.append(f"{_without_indent(line, indent)}\n")
    if fence:
        blocks.append((language, "".join(run)[:-1]))
    return blocks


def _without_indent(line: str, indent: str) -> str:
    head = line[: len(indent)]
    return line[len(indent) :] if not head.strip() else line


def _first_match(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found[0] if found else ""


def _quiet_math(prose: str) -> str:
    """``$`` alone in an element is no delimiter to any typesetter; what may be a code span is left alone."""
    pieces = _BACKTICK_RUNS.split(prose)  # text at even places, runs of backticks at odd ones
    is_code = False
    for place, piece in enumerate(pieces):
        if place % 2:
            is_code = not is_code
        elif not is_code:
            pieces[place] = piece.replace("$", "<span>&#36;</span>")
        is_code = is_code and "\n\n" not in piece
    return "".join(pieces)


def to_html_text(text: str) -> str:
    """Text for the inside of an HTML element within Markdown: escaped, on one line, no maths, no Markdown."""
    escaped = html.escape(strip_controls(text), quote=False)
    escaped = _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", escaped)
    escaped = escaped.replace("$", "<span>&#36;</span>").replace("\\", "<span>&#92;</span>")
    return escaped.replace("\n", "<br>")


PIECE_CHARS = 2500
"""A piece is shown for good once it is this long; a short answer stays one output."""

LONG_PIECE_CHARS = 8000
"""The page needs about 2.5 ms of one uninterrupted task per 1 000 characters: this long is still unnoticed."""

MANY_PIECES, VERY_MANY_PIECES = 28, 42
"""From here pieces are long, and from here they grow with the answer: a notebook shows 50 outputs of a cell at once."""


class BlockSplitter:
    """Cuts a growing answer into pieces at the ends of blocks; only `tail` is still to change.

    A block ends at a blank line outside a fence, where the next line is neither indented nor goes on with a list.
    Pieces get longer as they get many, so that their number stays within what a notebook shows.
    A fence or line longer than a piece may be is cut, the fence closed and opened again.
    """

    def __init__(self) -> None:
        self.tail = ""
        self.n_pieces = 0
        self._taken_chars = 0
        self._scanned = 0  # offset in tail up to which lines have been looked at
        self._boundary = 0  # last offset in tail where a block begins
        self._fence = ""
        self._fence_line = ""
        self._in_list = False
        self._after_blank = False

    def feed(self, text: str) -> list[str]:
        """The pieces that `text` completes, in order."""
        pieces: list[str] = []
        for start in range(0, len(text), LONG_PIECE_CHARS):
            self.tail += text[start : start + LONG_PIECE_CHARS]
            while (piece := self._next_piece()) is not None:
                pieces.append(piece)
        return pieces

    def _next_piece(self) -> str | None:
        wanted = self._wanted_chars
        if len(self.tail) < wanted:
            return None
        self._scan(wanted)
        if self._boundary >= wanted:
            return self._take(self._boundary)
        if len(self.tail) < max(LONG_PIECE_CHARS, 2 * wanted):
            return None
        return self._take(self._boundary) if self._boundary > wanted // 4 else self._cut()

    @property
    def _wanted_chars(self) -> int:
        if self.n_pieces < MANY_PIECES:
            return PIECE_CHARS
        return LONG_PIECE_CHARS if self.n_pieces < VERY_MANY_PIECES else max(LONG_PIECE_CHARS, self._taken_chars // 3)

    def _scan(self, wanted: int) -> None:
        """Looks at each finished line once, until a block begins past `wanted`."""
        while self._boundary < wanted:
            end = self.tail.find("\n", self._scanned)
            if end < 0:
                return
            line = self.tail[self._scanned : end]
            self._look_at(line, self._scanned)
            self._scanned = end + 1

    def _look_at(self, line: str, offset: int) -> None:
        if self._fence:
            found = split_fence(line.strip())
            if found and found[0].startswith(self._fence) and not found[1]:
                self._fence = ""
            return
        if not line.strip():
            self._after_blank = True
            return
        is_item = re.match(r"\s*(?:[-*+]|\d+[.)])\s", line) is not None
        goes_on = line[0] in " \t" or (is_item and self._in_list)
        if self._after_blank and not goes_on:
            self._boundary = offset
            self._in_list = False
        self._in_list = self._in_list or is_item
        self._after_blank = False
        found = split_fence(line.lstrip())
        if found:
            self._fence, self._fence_line = found[0], line

    def _take(self, end: int) -> str:
        piece, self.tail = self.tail[:end], self.tail[end:]
        self._scanned = max(0, self._scanned - end)
        self._boundary = 0
        self._count(end)
        return piece

    def _cut(self) -> str:
        """Ends the piece where no block ends: after a line, else after a word, else anywhere."""
        limit = len(self.tail)
        floor = limit // 2
        newline = self.tail.rfind("\n", floor)
        space = self.tail.rfind(" ", floor)
        end = newline + 1 or space + 1 or limit
        in_fence = bool(self._fence) and end <= self._scanned
        piece, rest = self.tail[:end], self.tail[end:]
        if in_fence:
            piece += f"{'' if piece.endswith(chr(10)) else chr(10)}{self._fence}\n"
            rest = f"{self._fence_line}\n{rest}"
            self._scanned = max(0, self._scanned - end) + len(self._fence_line) + 1
        else:
            self._scanned = max(0, self._scanned - end)
        self.tail = rest
        self._boundary = 0
        self._count(end)
        return piece

    def _count(self, chars: int) -> None:
        self.n_pieces += 1
        self._taken_chars += chars
