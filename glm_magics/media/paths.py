"""Paths, globs and folders: checked once, then handed to the loader of each file's kind."""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath

from ..errors import MediaError, one_line
from ..messages import ImagePart, Part, TextPart
from ..notes import note
from ..pictures import named
from .folders import MAX_FILES, Listing, is_glob, list_folder, list_glob
from .loading import Blob, Loading
from .rows import FILES, FileKind, find_file_kind, find_loader
from .texts import check_length, looks_like_text


def load_path(path: PurePath, loading: Loading) -> Iterable[Part]:
    """The file at a path, or the files of a folder.

    Raises:
        MediaError: it is empty, not there, no ordinary file, unreadable, or of no kind that can be sent.
    """
    if not path.parts:  # Path("") and Path(".") are one
        raise MediaError("An empty path is the whole working folder.", "Give Path.cwd() if that is meant, or name a file.")
    return _load_place(path if isinstance(path, Path) else Path(path), loading)


def _load_place(place: Path, loading: Loading) -> Iterable[Part]:
    label = loading.label or label_path(str(place))
    with _reading(label, place):
        place, mode = _look(place, label)
        if stat.S_ISDIR(mode):
            return _load_folder(place, replace(loading, label=label))
        if not stat.S_ISREG(mode):
            raise MediaError(f"`{label}` is no ordinary file.", "Give a file, or a folder with files.")
        return load_blob(Blob(label, place), replace(loading, label=label))


def label_path(word: str) -> str:
    """A path as it is called in a message: as typed, or its last two names where it begins at the root or at a home.

    Nobody at the other end needs to know what a home or a disk is called.
    """
    place = PurePath(word)
    is_local = not place.is_absolute() and not word.startswith("~")
    if is_local and len(word) <= _MAX_LABEL_CHARS:
        return one_line(word, _MAX_LABEL_CHARS)
    names = list(place.parts[0 if is_local else 1 :][-2:])  # without the root or the home
    if names and place.is_absolute() and _is_home(place):
        names = ["~"]
    elif len(names) > 1 and place.is_absolute() and _is_home(place.parent):
        names = names[1:]
    return one_line("/".join(names) or place.parts[-1], _MAX_LABEL_CHARS)


_MAX_LABEL_CHARS = 80


def _is_home(place: PurePath) -> bool:
    try:
        return place == Path.home()
    except RuntimeError:  # nobody's
        return False


def _look(path: Path, label: str) -> tuple[Path, int]:
    """The path from the home folder on, and its mode."""
    try:
        place = path.expanduser()
        return place, place.stat().st_mode
    except (ValueError, RuntimeError):  # a null byte; ``~name`` of nobody
        raise MediaError(f"`{one_line(label, 80)}` is no path.", "Look at the spelling.") from None


def load_word(word: str, loading: Loading) -> Iterable[Part]:
    """A path as it is typed: ``report.pdf``, ``report.pdf[3-7]``, ``clip.mp4[0:10-0:25]``, ``photos/*.jpg``, ``src/``.

    A file that is really called ``a[1].pdf`` is found before its brackets are read; brackets behind a file that is there
    choose a part of it, others belong to a glob.

    Raises:
        MediaError: it is empty, or leads to nothing that can be sent.
    """
    if not word.strip():
        raise MediaError("The path is empty.", "Name a file, a folder or a glob; ./ is the working folder.")
    path, selection = split_word(word)
    is_there = is_found(path)
    if not is_there and _ADDRESS.match(word):
        raise MediaError(
            f"`{one_line(word, 40)}` is no address that can be sent.",
            "Only http(s) addresses and paths are: download it and give its path.",
        )
    if is_there or not is_glob(word):
        return _load_place(Path(path), replace(loading, selection=selection))
    label = loading.label or label_path(word)
    with _reading(label, Path(word)):
        listing = list_glob(word, label)
        if listing.is_empty and (found := _BRACKETS.fullmatch(word)):
            if not is_glob(found[1]):
                return _load_place(Path(found[1]), loading)  # says that it is not there
            listing, selection = list_glob(found[1], label), found[2]
        if listing.is_empty:
            raise MediaError(f"No file matches `{label}`.", "Look at the spelling and at the working folder.")
        return _load_listing(listing, replace(loading, label=label, selection=selection))


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|data:", re.ASCII | re.IGNORECASE)
_BRACKETS = re.compile(r"(.+)\[([^\[\]]*)\]", re.DOTALL)


def split_word(word: str) -> tuple[str, str]:
    """A word as a path and what stands in brackets behind it, where the path without them is there.

    Raises:
        MediaError: there is nothing in the brackets.
    """
    found = _BRACKETS.fullmatch(word)
    if not found or is_found(word) or not is_found(found[1]):
        return word, ""
    if not found[2].strip():
        raise MediaError(f"`{one_line(word, 80)}` has nothing in its brackets.", "Write them like [3-7], or leave them out.")
    return found[1], found[2]


def is_found(word: str) -> bool:
    """True when a file or folder is called so, or a link, even one to nothing."""
    try:
        path = Path(word).expanduser()
        return path.exists() or path.is_symlink()
    except (OSError, ValueError, RuntimeError):
        return False


def load_blob(blob: Blob, loading: Loading) -> Iterable[Part]:
    """The content of a file by the loader of its kind; what is of no known kind and reads as text is text.

    Raises:
        MediaError: it is empty, of no kind that can be sent, or has no pages or times for the brackets.
    """
    if not blob.head(1):
        raise MediaError(f"`{blob.label}` is empty.", "Look at how it was made.")
    kind = _find_kind(blob)
    if kind is None:
        raise MediaError(f"`{blob.label}` is of no kind that can be sent.", f"These can: {_what_can_be_sent()}.")
    if loading.selection and not kind.selects:
        raise MediaError(f"Brackets choose nothing in `{blob.label}` ({kind.name}).", "Leave them out.")
    parts: Iterable[Part] = find_loader(kind.loader)(blob, loading)
    return parts


def _find_kind(blob: Blob) -> FileKind | None:
    if kind := find_file_kind(blob):
        return kind
    return _TEXT if looks_like_text(blob.head(65_536)) else None


_TEXT = next(kind for kind in FILES if kind.name == "text")


def _what_can_be_sent() -> str:
    return ", ".join(dict.fromkeys(f"{kind.name}s" for kind in FILES))


def _load_folder(folder: Path, loading: Loading) -> list[Part]:
    label = f"{loading.label.rstrip('/')}/"
    if loading.selection:
        raise MediaError(f"Brackets choose nothing in `{label}` (folder).", "Leave them out.")
    return _load_listing(list_folder(folder, label), replace(loading, label=label))


def _load_listing(listing: Listing, loading: Loading) -> list[Part]:
    """A line that names the files, then each of them; what cannot be sent is left out with a warning."""
    files = _choose(listing, loading.label)
    parts: list[Part] = []
    names: list[str] = []
    for path in files:
        name = listing.name_of(path)
        try:
            parts += _load_place(path, replace(loading, label=name))
            names.append(name)
        except MediaError as error:
            listing.left_out.append((name, error.message.removeprefix(f"`{name}` ").rstrip(".")))
    without = "; ".join(f"{one_line(name, 80)} ({why})" for name, why in listing.left_out[:5])
    without += f"; and {len(listing.left_out) - 5} more" if len(listing.left_out) > 5 else ""
    if not names:
        raise MediaError(
            f"`{loading.label}` holds no file that can be sent{f': {without}' if without else ''}.",
            f"These can: {_what_can_be_sent()}.",
        )
    _check_sum(parts, loading)
    if without:
        note(f"`{loading.label}` is sent without {without}.", stacklevel=2)
    listed = ", ".join(one_line(name, 120) for name in names)
    n_files = f"{len(names)} file{'s' * (len(names) != 1)}"
    return [TextPart(f"\n{named(loading.label)}, {n_files} in this order: {listed}\n", loading.label, n_files), *parts]


def _choose(listing: Listing, label: str) -> list[Path]:
    """The files that can be sent by the look of them; empty ones are passed over."""
    files: list[Path] = []
    for path in listing.files:
        blob = Blob(listing.name_of(path), path)
        try:
            kind, is_empty = _find_kind(blob), not blob.head(1)
        except OSError as error:
            listing.left_out.append((blob.label, error.strerror or "unreadable"))
            continue
        if kind and not is_empty:
            files.append(path)
        elif not is_empty:
            listing.left_out.append((blob.label, "of no kind that can be sent"))
    if len(files) > MAX_FILES:
        raise MediaError(
            f"`{label}` holds {len(files):,} files; {MAX_FILES} are sent at most.",
            "Name fewer, with a folder in it or like *.py.",
        )
    return files


def _check_sum(parts: Iterable[Part], loading: Loading) -> None:
    n_pictures = sum(isinstance(part, ImagePart) for part in parts)
    most = loading.intake.max_images
    if most and n_pictures > most:
        raise MediaError(f"`{loading.label}` makes {n_pictures} pictures; one message takes {most}.", "Name fewer files.")
    check_length("".join(part.text for part in parts if isinstance(part, TextPart)), loading.label, "Name fewer files.")


@contextmanager
def _reading(label: str, path: Path) -> Iterator[None]:
    """What a file system refuses becomes a sentence."""
    try:
        yield
    except MediaError:
        raise
    except FileNotFoundError:
        if is_found(str(path)):
            raise MediaError(f"`{label}` is a link to nothing, or it has just gone.", "Look at where it leads.") from None
        raise MediaError(f"There is no file `{label}` here.", "Look at the spelling and at the working folder.") from None
    except OSError as error:
        way_out = _WAYS_OUT.get(error.errno or 0, "Look at where it lies.")
        raise MediaError(f"`{label}` cannot be read: {error.strerror or 'unknown reason'}.", way_out) from error


_WAYS_OUT: Mapping[int, str] = {
    errno.EACCES: "Look at its permissions.",
    errno.EPERM: "Look at its permissions.",
    errno.ENAMETOOLONG: "Look at the spelling.",
    errno.ENOTDIR: "Look at the spelling: a file stands where a folder should.",
    errno.ELOOP: "Look at where the link leads.",
    errno.ENOSPC: "Make room on the disk.",
    errno.EIO: "The disk or its connection fails: copy the file elsewhere.",
}
