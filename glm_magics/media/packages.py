"""Office files are zip archives of XML: looked through before anything in them is unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from ..errors import MediaError
from ..pictures import named
from .loading import said

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

MAX_UNPACKED_BYTES = 500_000_000
MAX_XML_BYTES = 50_000_000
"""Of one XML file; a book of a thousand pages has about a fifth."""

MAX_RATIO = 300
"""Unpacked to packed; the most repetitive sheets of real files reach about a third."""

_SMALL_BYTES = 5_000_000
"""Below, the ratio says nothing."""

_MAX_MEMBERS = 20_000


@contextmanager
def opened_package(file: BinaryIO, label: str) -> Iterator[ZipFile]:
    """An archive whose declared sizes are sane; Python's zipfile reads no more of a member than was declared.

    Raises:
        MediaError: it is damaged, locked, or would unpack to far more than it is.
    """
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(file) as package:
            _check_sizes(package.infolist(), label)
            yield package
    except (BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise MediaError(f"{named(label)} is damaged: {said(error)}.", "Open it and save it again.") from error


def _check_sizes(members: list[ZipInfo], label: str) -> None:
    if any(member.flag_bits & 1 for member in members):
        raise MediaError(f"{named(label)} is locked with a password.", "Save it without one.")
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    largest_xml = max((member.file_size for member in members if is_xml(member.filename)), default=0)
    is_bomb = unpacked > _SMALL_BYTES and unpacked > MAX_RATIO * packed
    if is_bomb or unpacked > MAX_UNPACKED_BYTES or largest_xml > MAX_XML_BYTES or len(members) > _MAX_MEMBERS:
        raise MediaError(
            f"{named(label)} would unpack to {unpacked // 1_000_000:,} MB, too much to look into.",
            "Send a part of it, or print it to a PDF.",
        )


def is_xml(name: str) -> bool:
    """True for the members that parsers read."""
    return name.lower().endswith((".xml", ".rels", ".vml"))


def check_xml(package: ZipFile, label: str) -> None:
    """Refuses XML with a DTD, in which entities may grow without end; Office files may not have one (ECMA-376 part 2, 8.1.4).

    Raises:
        MediaError: there is one, or a member is damaged.
    """
    for member in package.infolist():
        if is_xml(member.filename):
            tail = b""
            with package.open(member) as file:
                while block := file.read(1 << 20):
                    if any(mark in tail + block for mark in _DTDS):
                        raise MediaError(f"{named(label)} holds XML that no Office program writes.", "Save it again.")
                    tail = block[-32:]


_DTDS = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
