"""PDF documents: pages as pictures, as their text layer, or as both."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any

from ..errors import MediaError
from ..messages import Part, TextPart
from ..notes import note
from ..pictures import MAX_IMAGE_SIDE_PX, encode_picture, named
from ..tokens import MAX_PICTURE_PIXELS, picture_tokens
from .extras import library
from .loading import Blob, Loading, said
from .selections import parse_pages
from .texts import check_length, write_block

DPI = 144
"""Ten-point letters are then 20 px high; A4 is 1191 × 1684 px, about 2,560 tokens."""

MAX_PAGE_PIXELS = 0.975 * MAX_PICTURE_PIXELS
"""Above, the vendor scales pictures down, letters and all; a little below, since each side is rounded to 28 pixels first."""

MAX_PAGES = 20
"""Sent when no pages are named: what is dear is sent only when it is asked for."""

MAX_NAMED_PAGES = 150
"""Of pages that are named, where the model's own limit is unknown: the most pictures of one request that is documented."""

_LOCK = RLock()  # pdfium keeps state of its own and may be called by one thread at a time (pdfium, pypdfium2 documentation)


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A PDF, or the pages of it that stand in brackets, as `loading.page_form` says.

    Raises:
        MediaError: it is damaged, locked, too long, or has no text where text is asked for.
        MissingExtraError: pypdfium2 is not installed.
    """
    label = loading.label or blob.label
    word = blob.path.as_posix() if blob.path and not blob.path.is_absolute() else label
    with _LOCK, _opened(blob, label, word) as document:
        return _Pages(document, replace(loading, label=label), word).load()


def load_document(document: Any, loading: Loading) -> Iterable[Part]:
    """A ``pypdfium2.PdfDocument`` that the user opened, with a password perhaps; it stays open."""
    label = loading.label or "document"
    with _LOCK:
        _refuse_closed(document, label)
        return _Pages(document, replace(loading, label=label), label).load()


def load_page(page: Any, loading: Loading) -> Iterable[Part]:
    """A ``pypdfium2.PdfPage``."""
    label = loading.label or "page"
    with _LOCK, _damage_said(label):
        _refuse_closed(page, label)
        parts: list[Part] = []
        if loading.page_form != "text":
            parts.append(replace(encode_picture(_draw(page), label), source="a page"))
        if loading.page_form != "image":
            parts.append(TextPart(write_block(named(label), _read(page)), label, "a page"))
        return parts


def _refuse_closed(opened: Any, label: str) -> None:
    """pypdfium2 keeps no handle of what was closed; pages are closed with their document."""
    if opened.raw is None:
        raise MediaError(f"{named(label)} is closed.", "Send it before it is closed, or open it again.")


@contextmanager
def _opened(blob: Blob, label: str, word: str) -> Iterator[Any]:
    pypdfium2 = library("pypdfium2", label)
    try:
        document = pypdfium2.PdfDocument(blob.path or blob.data)
    except pypdfium2.PdfiumError as error:
        raise _refusal(error, label, word) from error
    with closing(document):
        with _damage_said(label):
            document.init_forms()  # what is filled in shows only then
        yield document


def _refusal(error: Any, label: str, word: str) -> MediaError:
    """The sentence for pdfium's codes 4, a password is needed, and 5, a scheme that it does not know (``fpdfview.h``)."""
    if error.err_code == 4:
        return MediaError(
            f"{named(label)} is locked with a password.",
            "Open it in the notebook and send that: "
            f'doc = pypdfium2.PdfDocument("{word}", password=getpass.getpass()), then {{doc}}.',
        )
    if error.err_code == 5:
        return MediaError(f"{named(label)} is locked in a way that cannot be opened here.", "Print it to a PDF, and send that.")
    return MediaError(f"{named(label)} is no readable PDF: damaged or cut off.", "Open it in a viewer and save it again.")


@contextmanager
def _damage_said(label: str) -> Iterator[None]:
    """What pdfium refuses in the middle of a document becomes a sentence."""
    try:
        yield
    except RuntimeError as error:  # PdfiumError is one
        raise MediaError(
            f"{named(label)} is damaged: {said(error)}.", "Open it in a viewer and save it again, or leave that page out."
        ) from error


@dataclass(frozen=True, slots=True)
class _Pages:
    """Pages of an open document, on their way into a message; `word` is what the user would type for it."""

    document: Any
    loading: Loading
    word: str

    def load(self) -> list[Part]:
        """A line that names the pages, then each of them."""
        loading = self.loading
        with _damage_said(loading.label):
            n_pages = len(self.document)
            numbers = self._choose(n_pages)
            texts = self._read_all(numbers, n_pages) if loading.page_form != "image" else {}
            parts: list[Part] = [] if loading.page_form == "text" else [self._caption(numbers, n_pages)]
            for number in numbers:
                source = f"page {number} of {n_pages}"
                if loading.page_form != "text":
                    parts.append(replace(encode_picture(_draw(self.document[number - 1]), loading.label), source=source))
                if text := texts.get(number):
                    parts.append(TextPart(write_block(f"{named(loading.label)}, {source}", text), loading.label, source))
            return parts

    def _caption(self, numbers: Sequence[int], n_pages: int) -> TextPart:
        pages = f"page{'s' * (len(numbers) != 1)} {_spans(numbers)} of {n_pages}"
        cost = f"about {_n_tokens(self.document[numbers[0] - 1]) * len(numbers):,} tokens"
        return TextPart(f"\n{named(self.loading.label)}, {pages}:\n", self.loading.label, f"{pages}, {cost}")

    def _choose(self, n_pages: int) -> list[int]:
        """Which pages are sent; too many are refused before one of them is drawn."""
        loading, label = self.loading, named(self.loading.label)
        if not n_pages:
            raise MediaError(f"{label} has no pages.", "Look at how it was made.")
        numbers = parse_pages(loading.selection, n_pages) if loading.selection else list(range(1, n_pages + 1))
        if loading.page_form == "text":
            return numbers
        cost = f"about {_n_tokens(self.document[numbers[0] - 1]) * len(numbers):,} tokens as pictures"
        brackets = f'Name pages in brackets, like -f "{self.word}[1-5]", or send their text with --pages text.'
        if not loading.selection and len(numbers) > MAX_PAGES:
            raise MediaError(f"{label} has {n_pages:,} pages, {cost}; {MAX_PAGES} are sent unless pages are named.", brackets)
        most = loading.intake.max_images or MAX_NAMED_PAGES
        if len(numbers) > most:
            raise MediaError(f"{len(numbers):,} pages of {label} are {cost}; one message takes {most} pictures.", brackets)
        return numbers

    def _read_all(self, numbers: Sequence[int], n_pages: int) -> dict[int, str]:
        """The text layer of each page that has one."""
        texts: dict[int, str] = {}
        label, n_chars = self.loading.label, 0
        brackets = f'Name pages in brackets, like -f "{self.word}[1-5]".'
        for number in numbers:
            if text := _read(self.document[number - 1]):
                texts[number] = text
                n_chars += len(text)
            if n_chars > _MAX_TEXT_CHARS:
                raise MediaError(f"The text of {named(label)} is too long by page {number} of {n_pages:,} already.", brackets)
        check_length("\n".join(texts.values()), label, brackets)
        if self.loading.page_form == "text":
            self._say_scans([number for number in numbers if number not in texts], has_some=bool(texts))
        return texts

    def _say_scans(self, numbers: Sequence[int], has_some: bool) -> None:
        label = named(self.loading.label)
        way_out = (
            "Send it as pictures: --pages image."
            if self.loading.intake.sees_bytes
            else "Ask a model with eyes, like glm-4.6v, which is sent pictures of the pages."
        )
        if not has_some:
            raise MediaError(f"{label} has no text layer: its pages are pictures, as of a scan.", way_out)
        if numbers:
            note(f"{label} has no text layer on page {_spans(numbers)}. {way_out}", stacklevel=2)


_MAX_TEXT_CHARS = 2_000_000


def _spans(numbers: Sequence[int]) -> str:
    """``1-3, 7``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _scale(page: Any) -> float:
    """Pixels a point, so that the vendor has nothing to shrink."""
    width_pt, height_pt = page.get_size()
    most = min(MAX_IMAGE_SIDE_PX / max(width_pt, height_pt), math.sqrt(MAX_PAGE_PIXELS / (width_pt * height_pt)))
    return float(min(DPI / 72, most))


def _n_tokens(page: Any) -> int:
    scale, (width_pt, height_pt) = _scale(page), page.get_size()
    return picture_tokens(math.ceil(width_pt * scale), math.ceil(height_pt * scale))


def _draw(page: Any) -> Any:
    """The page on white as a PIL image."""
    return page.render(scale=_scale(page)).to_pil().convert("RGB")


def _read(page: Any) -> str:
    with closing(page.get_textpage()) as layer:
        text = str(layer.get_text_bounded())
    return _UNPRINTED.sub("", text.replace("\r\n", "\n")).strip()


_UNPRINTED = re.compile(r"[\0-\x08\x0b-\x1f\ufffe\uffff]")
"""Among them U+FFFE, with which pdfium marks a hyphen at a line's end."""
