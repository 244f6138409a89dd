"""What a web server sends: taken apart, unpacked within a limit, and named by its kind."""

from __future__ import annotations

import mimetypes
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .addresses import PROGRAMS, Address
from .errors import MediaError


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was fetched.

    Attributes:
        data: its bytes.
        mime: what the server says they are, which need not be true; may be empty.
        name: a name that ends like the file's kind; never a path.
    """

    data: bytes = field(repr=False)
    mime: str
    name: str


def read_download(
    address: Address, final_path: str, headers: Mapping[str, str], chunks: Iterable[bytes], max_bytes: int
) -> Download:
    """The file in an answer; no more of it is read and unpacked than is allowed.

    Args:
        address: what was asked for.
        final_path: the path of the address at which the redirects ended.
        headers: of the answer, found in any case.
        chunks: the body as it came, perhaps packed.
        max_bytes: of the file, unpacked.

    Raises:
        MediaError: it is too large, empty, or packed in a way that is not read.
    """
    too_large = MediaError(f"`{address.shown}` is larger than {max_bytes / 1e6:g} MB.", "Give a smaller file.")
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise too_large
    unpack = _unpacker(headers.get("content-encoding", ""), address)
    data = bytearray()
    for chunk in chunks:
        data += unpack(chunk, max_bytes + 1 - len(data))
        if len(data) > max_bytes:
            raise too_large
    if not data:
        raise MediaError(f"`{address.shown}` is empty.", "Look at it in a browser.")
    mime = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Download(bytes(data), mime, _name(address, headers.get("content-disposition", ""), final_path, mime))


def _unpacker(encoding: str, address: Address) -> Callable[[bytes, int], bytes]:
    """From packed bytes and how many may come of them to that many unpacked ones.

    Only gzip and deflate, which some stores send unasked: the standard library alone unpacks by the spoonful.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda chunk, most: chunk[:most]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise MediaError(
            f"`{address.shown}` comes packed as {encoding[:20]}, unasked.", "Download it yourself and give the file."
        )
    unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, as its head says

    def unpack(chunk: bytes, most: int) -> bytes:
        try:
            return unpacker.decompress(chunk, most)
        except zlib.error:
            raise MediaError(f"`{address.shown}` comes damaged.", "Look at it in a browser.") from None

    return unpack


_SUFFIX = re.compile(r"\.[A-Za-z]\w{0,5}")


def _name(address: Address, disposition: str, final_path: str, mime: str) -> str:
    """A file's name: as it was asked for, as the server calls it, or as the last address has it, whichever tells the kind."""
    from email.message import Message

    message = Message()
    message["content-disposition"] = disposition
    called = (message.get_filename() or "").replace("\\", "/")
    for candidate in (address.name, called, final_path):
        name = PurePosixPath(candidate).name
        suffix = PurePosixPath(name).suffix
        if _SUFFIX.fullmatch(suffix) and suffix.lower() not in PROGRAMS:
            return name
    stem = PurePosixPath(address.name).stem or address.host
    return stem + (mimetypes.guess_extension(mime, strict=False) or "")


_SAID = {
    401: ("{} asks for a login.", "Download it yourself and give the file."),
    403: ("{} is not given to everybody.", "Has the address expired? Or download it yourself and give the file."),
    404: ("There is nothing at {}.", "Look at its spelling."),
    410: ("There is nothing at {} any more.", "Look for its new address."),
    429: ("{} was asked for too often.", "Wait a little, then run the cell again."),
}


def refusal(status: int, address: Address) -> MediaError:
    """What an answer that is neither a file nor a redirect means, in words."""
    message, way_out = _SAID.get(status, (f"The server of {{}} answers with an error (HTTP {status}).", "Try again later."))
    return MediaError(message.format(f"`{address.shown}`"), way_out)
