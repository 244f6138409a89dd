"""Text files of any encoding, each as a fenced block under its name."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

from ..errors import MediaError
from ..messages import Part, TextPart
from ..pictures import named
from ..tokens import text_tokens
from .extras import library
from .loading import Blob, Loading
from .selections import parse_pages

MAX_TEXT_TOKENS = 100_000
"""Of one attachment: about half of what the catalogue's models take, so that a question and an answer fit beside it."""

MAX_TEXT_FILE_BYTES = 200_000_000
_SAMPLE_CHARS = 200_000

_BOMS: Sequence[tuple[bytes, str]] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16's, so it is asked first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A text file, or the lines of it that stand in brackets.

    Raises:
        MediaError: it is no text, of an unknown encoding, or longer than `MAX_TEXT_TOKENS`.
    """
    label = loading.label or blob.label
    text, encoding = decode(blob.read(MAX_TEXT_FILE_BYTES), label)
    lines = text.split("\n") if not text.endswith("\n") else text.split("\n")[:-1]
    title, source = named(label), f"{len(lines):,} line{'s' * (len(lines) != 1)}"
    if loading.selection:
        numbers = parse_pages(loading.selection, len(lines), "line")
        text = "\n".join(lines[number - 1] for number in numbers)
        source = f"line{'s' * (len(numbers) != 1)} {loading.selection} of {len(lines):,}"
        title += f", {source}"
    check_length(text, label, "Name lines in brackets, like app.log[1-200], or send a part of it from Python.")
    language = blob.suffix[1:] if blob.suffix[1:].isalnum() else ""
    return [TextPart(write_block(title, text, language), label, f"{source}, {encoding}" if encoding else source)]


def write_block(title: str, text: str, language: str = "") -> str:
    """`text` under a title on lines of their own, fenced so that no fence within it ends the block."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    body = text.strip("\n")
    return f"\n{title}:\n{marks}{language}\n{body}\n{marks}\n"


def check_length(text: str, label: str, way_out: str) -> None:
    """Refuses what no model reads.

    Raises:
        MediaError: it is longer than `MAX_TEXT_TOKENS`; says how long, about.
    """
    n_tokens = estimate_tokens(text)
    if n_tokens > MAX_TEXT_TOKENS:
        raise MediaError(
            f"{named(label)} is about {n_tokens:,} tokens of text; {MAX_TEXT_TOKENS:,} are the limit of one attachment.", way_out
        )


def estimate_tokens(text: str) -> int:
    """Estimated tokens; of a long text by its beginning, since counting megabytes takes seconds."""
    if len(text) <= 5 * _SAMPLE_CHARS:
        return text_tokens(text)
    return round(text_tokens(text[:_SAMPLE_CHARS]) * len(text) / _SAMPLE_CHARS)


def looks_like_text(head: bytes) -> bool:
    """True for what begins as text in any encoding does: hardly a control character, or a byte order mark."""
    if head.startswith(tuple(mark for mark, _ in _BOMS)):
        return True
    n_controls = len(_CONTROLS.findall(head))
    return bool(head) and b"\0" not in head and n_controls * 100 <= len(head)


_CONTROLS = re.compile(rb"[\x01-\x06\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes, label: str) -> tuple[str, str]:
    """The text, and the name of the encoding where it had to be guessed or is not UTF-8; lines end with ``\\n``.

    Raises:
        MediaError: it is no text.
        MissingExtraError: it is not UTF-8, and what tells encodings apart is not installed.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "") or _utf_16(data[:4096])
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        encoding = encoding or _guess(data, label)
        text = data.decode(encoding, "replace")
    if not encoding and not looks_like_text(data[:65_536]) and data:
        raise MediaError(f"{named(label)} is no text.", "Look at what is in it.")
    shown = "" if encoding in ("", "utf-8-sig") else f"read as {encoding}"
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""), shown


def _utf_16(head: bytes) -> str:
    """UTF-16 without a mark, as Windows tools write it: every other byte of Latin letters is zero."""
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = head[start::2].count(0), head[1 - start :: 2].count(0)
        if zeros > len(head) // 4 and not others:
            return name
    return ""


def _guess(data: bytes, label: str) -> str:
    if not looks_like_text(data[:65_536]):
        raise MediaError(f"{named(label)} is no text.", "Look at what is in it.")
    chardet = library("chardet", label)
    era = chardet.EncodingEra.MODERN_WEB
    found = str(chardet.detect(data, prefer_superset=True, encoding_era=era)["encoding"] or "cp1252")
    if _mixes_scripts(data[:65_536].decode(found, "replace")):
        found = str(chardet.detect(data, include_encodings=_LATIN)["encoding"] or "cp1252")
    return found


_LATIN = ("windows-1252", "windows-1250", "windows-1254", "windows-1257")


def _mixes_scripts(text: str) -> bool:
    """True where most of the words with Cyrillic, Greek, … letters have Latin ones too: accents that were misread."""
    words = re.findall(r"[^\W\d_]*[\u0370-\u07ff\u0e00-\u0e7f][^\W\d_]*", text)
    return 2 * sum(bool(re.search("[A-Za-z]", word)) for word in words) > len(words)
