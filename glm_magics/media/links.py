"""Text that is an address, and addresses: sent as they are where the server can fetch them, else downloaded here.

========================================================  =======================================================
the first that holds                                      what happens
========================================================  =======================================================
it carries a user name or password                        a sentence: nobody else should get it
its host is a number that only some programs understand   a sentence: it may be anybody's machine
pages or times behind it in brackets                      downloaded with ``--fetch``, else a sentence
``--fetch``, a picture, a model that takes no bytes       a sentence: glm-4v-flash
``--fetch``                                               downloaded here
the server fetches nothing (one of the user's own)        downloaded here
it lies on this machine or network                        a sentence: ``--fetch`` is up to the user
the vendor reads such files, and the model takes them     sent as an address
a picture or video, a model without eyes                  sent as an address; checking names a model that takes it
nobody knows what it is, and a picture is asked for       sent as the address of a picture
anything else                                             a sentence that proposes ``--fetch``, or another model
========================================================  =======================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ..addresses import PROGRAMS, Address, is_odd_number, parse_address
from ..errors import MediaError
from ..messages import FilePart, ImagePart, Part, TextPart, VideoPart
from .loading import Blob, Loading
from .paths import load_blob
from .rows import FILES

ANY_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_IMAGE_URL = re.compile(r"https?://[^\s?#]+\.(?:png|jpe?g|webp)(?:[?#]\S*)?", re.IGNORECASE)
_SOUND_URL = re.compile(r"https?://[^\s?#]+\.(?:wav|mp3|flac|ogg|opus|m4a|aac)(?:[?#]\S*)?", re.IGNORECASE)
_SELECTION = re.compile(r"(.+\.\w{1,5})\[([\d\s:.,–-]+)\]")

Kind: TypeAlias = Literal["image", "video", "file", ""]

LINKED: Mapping[str, Kind] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp"), "image"),
    **dict.fromkeys((".mp4", ".mkv", ".mov"), "video"),
    **dict.fromkeys((".pdf", ".txt", ".doc", ".docx", ".jsonl", ".xlsx", ".pptx"), "file"),
}
"""What the vendor's servers read by address (its model pages; webp is not named there), by suffix."""

_BY_ADDRESS: Mapping[Kind, Callable[[str, str], Part]] = {
    "image": lambda url, label: ImagePart(url=url, label=label),
    "video": lambda url, label: VideoPart(url=url, label=label),
    "file": lambda url, label: FilePart(url=url, label=label),
}


def load_text(value: str, loading: Loading) -> Iterable[Part]:
    """Text, or what is there where the text is nothing but the address of a picture, or of sound for a model that only hears."""
    url = value.strip()
    is_sound = loading.intake.has_ears_alone and _SOUND_URL.fullmatch(url)
    return load_link(url, loading) if is_sound or _IMAGE_URL.fullmatch(url) else [TextPart(value)]


def load_link(url: str, loading: Loading, presumed: Kind = "image") -> Iterable[Part]:
    """An address that was given as one; the table above decides.

    Args:
        url: http or https; pages or times may stand in brackets behind it.
        loading: how.
        presumed: what is taken to be there where the address does not tell: ``image``, or empty for "anything".

    Raises:
        MediaError: nobody who has to can get at it, or what is there cannot be sent.
    """
    if found := _SELECTION.fullmatch(url):
        url, loading = found[1], replace(loading, selection=found[2])
    address = parse_address(url)
    loading = replace(loading, label=address.shown if not loading.label or ANY_URL.match(loading.label) else loading.label)
    case = _Case(address, loading, presumed)
    decision = next(row.decision for row in _ROWS if row.holds(case))
    if isinstance(decision, _Refusal):
        shown = f"`{address.shown}`"
        raise MediaError(decision.message.format(shown), decision.way_out or case.way_out)
    if decision == "download":
        return _download(address, loading)
    return [_BY_ADDRESS[case.linked or presumed](address.url, loading.label)]


@dataclass(frozen=True, slots=True)
class _Case:
    address: Address
    loading: Loading
    presumed: Kind

    @property
    def linked(self) -> Kind:
        """What the vendor's servers take the address for."""
        return LINKED.get(self.address.suffix, "")

    @property
    def is_known(self) -> bool:
        """Here or there, the suffix tells what it is."""
        suffix = self.address.suffix
        return suffix not in PROGRAMS and (bool(self.linked) or any(suffix in kind.suffixes for kind in FILES))

    @property
    def is_picture_without_bytes(self) -> bool:
        """For a model that takes pictures by address only."""
        is_picture = (self.linked or ("" if self.is_known else self.presumed)) == "image"
        return is_picture and self.loading.intake.has_eyes and not self.loading.intake.has_image_bytes

    @property
    def way_out(self) -> str:
        """``--fetch`` where what is downloaded can go to this model, as far as the suffix tells; else another model."""
        intake, suffix = self.loading.intake, self.address.suffix
        name = (
            next((kind.name for kind in FILES if suffix in kind.suffixes), "") if self.is_known else _NAMES.get(self.presumed, "")
        )
        if name == "sound":
            return _FETCH_IT if "audio" in intake.kinds else "Add --fetch, and choose glm-4-voice, which hears."
        if name not in ("picture", "video") or intake.sees_bytes:
            return _FETCH_IT
        is_readable_there = self.linked and not self.address.is_own and not self.loading.selection
        return f"{'Choose' if is_readable_there else 'Add --fetch, and choose'} a model that takes it, such as glm-4.6v."


_NAMES: Mapping[Kind, str] = {"image": "picture", "video": "video"}
"""Of the rows of `FILES` that need eyes."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    message: str
    way_out: str = ""  # empty: the case's own


@dataclass(frozen=True, slots=True)
class _Row:
    holds: Callable[[_Case], bool]
    decision: _Refusal | Literal["address", "download"]


_FETCH_IT = "Add --fetch to download it here and send what is in it."
_NO_BYTES = "Put it on a public address without --fetch, or choose another model, e.g. glm-4.6v."
_ROWS = (
    _Row(
        lambda case: case.address.has_login,
        _Refusal("{} carries a user name or password.", "Download it yourself and give the file."),
    ),
    _Row(
        lambda case: is_odd_number(case.address.host),
        _Refusal("{} has an odd way to write an IP address.", "Write it as four numbers."),
    ),
    _Row(
        lambda case: bool(case.loading.selection) and not case.loading.is_fetched and case.loading.intake.has_links,
        _Refusal("Pages or times of {} can be chosen only here."),
    ),
    _Row(
        lambda case: case.loading.is_fetched and case.is_picture_without_bytes,
        _Refusal("This model takes pictures by address only, so {} cannot be fetched for it.", _NO_BYTES),
    ),
    _Row(lambda case: case.loading.is_fetched or not case.loading.intake.has_links, "download"),
    _Row(
        lambda case: case.address.is_own and case.is_picture_without_bytes,
        _Refusal("{} is on this machine or network, out of the model's reach, and it takes no bytes.", _NO_BYTES),
    ),
    _Row(
        lambda case: case.address.is_own,
        _Refusal("{} is on this machine or network, out of the model's reach."),
    ),
    _Row(lambda case: case.linked in case.loading.intake.kinds, "address"),
    _Row(lambda case: case.linked in ("image", "video") and not case.loading.intake.has_eyes, "address"),
    _Row(lambda case: not case.is_known and bool(case.presumed), "address"),
    _Row(lambda case: not case.is_known, _Refusal("What is at {} cannot be told from its name.")),
    _Row(lambda case: True, _Refusal("{} cannot be sent to this model as an address.")),
)


def _download(address: Address, loading: Loading) -> Iterable[Part]:
    """What is there, by its content: the server's word for its type does not count."""
    if loading.fetch is None:
        raise MediaError(f"`{address.shown}` cannot be downloaded here.", "Give a file instead.")
    blob = loading.fetch(address.url)
    if _is_page(blob) and blob.suffix not in (".html", ".htm"):
        raise MediaError(
            f"`{address.shown}` gives a web page, not a file.", "Open it in a browser: does it ask for a login, or has it moved?"
        )
    parts = load_blob(replace(blob, label=f"{address.shown.removesuffix(address.name)}{blob.label}"), loading)
    return [replace(part, source=f"{part.source}, downloaded" if part.source else "downloaded") for part in parts]


def _is_page(blob: Blob) -> bool:
    start = blob.head(512).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html"))
