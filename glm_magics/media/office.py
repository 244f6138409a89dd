"""Word, Excel and PowerPoint files as their text. Headers of pages, comments and drawings are left out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import BinaryIO

from ..errors import MediaError, MissingExtraError
from ..messages import Part, TextPart
from ..notes import note
from ..pictures import named
from .extras import library
from .loading import Blob, Loading
from .packages import check_xml, opened_package
from .slides import read_slides
from .texts import check_length, write_block
from .workbooks import count_unreckoned, read_sheets

_OLE = b"\xd0\xcf\x11\xe0"
"""How the files of Office before 2007 begin, and those of later ones that are locked with a password ([MS-OFFCRYPTO] 2.3)."""


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A docx, xlsx or pptx file, told by its content: Markdown, CSV for each sheet, the text of each slide.

    Brackets choose sheets or slides.

    Raises:
        MediaError: it is damaged, locked, too long, or no such file.
        MissingExtraError: the library that reads it is not installed.
    """
    label = loading.label or blob.label
    loading = replace(loading, label=label)
    if blob.head().startswith(_OLE):
        raise MediaError(
            f"{named(label)} is locked with a password, or of Office before 2007.",
            "Save it as docx, xlsx, pptx or PDF, without a password.",
        )
    if not blob.head().startswith(b"PK"):
        return refuse(blob, loading)
    with blob.open() as file:
        with opened_package(file, label) as package:
            names = set(package.namelist())
            read = next((read for member, read in _READERS.items() if member in names), None)
            if read is None:
                return refuse(blob, loading)
            check_xml(package, label)
            n_unreckoned = count_unreckoned(package)
        file.seek(0)
        parts = _read(read, file, loading)
    if n_unreckoned:
        note(
            f"{named(label)} holds {n_unreckoned:,} formula{'s' * (n_unreckoned != 1)} without a saved result, sent empty. "
            "Open it in Excel or LibreOffice and save it.",
            stacklevel=2,
        )
    return parts


def _read(read: Callable[[BinaryIO, Loading], list[Part]], file: BinaryIO, loading: Loading) -> list[Part]:
    """Parses, and checks that what was found can be sent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that are not read
            parts = read(file, loading)
    except (MediaError, MissingExtraError):
        raise
    except Exception as error:  # the parsers raise anything for files that no program writes
        raise MediaError(f"{named(loading.label)} cannot be read: it is damaged.", "Open it and save it again.") from error
    if not parts:
        raise MediaError(
            f"{named(loading.label)} holds no text.", "If it is pictures that count, print it to a PDF, and send that."
        )
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    check_length(text, loading.label, "Name sheets or slides in brackets, or send a part of it.")
    return parts


def refuse(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A file that holds text in a form that is not read here.

    Raises:
        MediaError: always; says what to save it as.
    """
    if blob.suffix in (".zip", ".jar", ".whl", ".egg", ".npz"):
        raise MediaError(f"{named(loading.label)} is an archive.", "Unpack it, and send the folder or files of it.")
    raise MediaError(f"{named(loading.label)} is of a kind that is not read here.", "Save it as docx, xlsx, pptx or PDF.")


def _read_text(file: BinaryIO, loading: Loading) -> list[Part]:
    """A Word file as Markdown: with tracked insertions, without deletions; pictures by their alternative text."""
    if loading.selection:
        raise MediaError(
            f"`[{loading.selection}]` names nothing in {named(loading.label)}: a Word file has no pages of its own.",
            "Print it to a PDF to send pages, or leave the brackets out.",
        )
    mammoth, markdownify = library("mammoth", loading.label), library("markdownify", loading.label)
    html = mammoth.convert_to_html(
        file, convert_image=lambda image: [mammoth.html.text(f"[picture: {image.alt_text}]" if image.alt_text else "[picture]")]
    ).value
    text = markdownify.markdownify(html, heading_style="ATX", bullets="-", escape_asterisks=False, escape_underscores=False)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return [TextPart(write_block(named(loading.label), text, "markdown"), loading.label, "its text")] if text else []


_READERS: Mapping[str, Callable[[BinaryIO, Loading], list[Part]]] = {
    "word/document.xml": _read_text,
    "xl/workbook.xml": read_sheets,
    "ppt/presentation.xml": read_slides,
}
"""By the member that makes an archive what it is (ECMA-376 part 1, 11 to 13: the names that Office writes)."""
