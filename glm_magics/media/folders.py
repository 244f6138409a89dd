"""Folders and globs: which files they name, in the order in which a person lists them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from ..errors import MediaError

MAX_FILES = 50
MAX_ENTRIES = 20_000
"""Looked at, of a folder and those in it; more is a home or a disk, hardly a question."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "env", "site-packages"})
"""Folders of what others wrote or machines made; so are those with a ``pyvenv.cfg`` and those that begin with a dot."""

_SECRETS = (
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.ppk", "*.p12", "*.pfx", "*.jks", "*.keystore"),
    *("*.keytab", "*.kdb", "*.kdbx", ".env", ".env.*", "*.env", "credentials*", "secrets.json", "secrets.toml", "secrets.y*ml"),
    *(".netrc", "_netrc", ".pgpass", ".htpasswd", ".git-credentials", ".npmrc", ".pypirc", ".dockercfg"),
)
"""Names of keys and passwords, in lower case: nobody means them by a folder or a glob."""

_MAGIC = re.compile(r"[*?[]")


@dataclass(slots=True)
class Listing:
    """The files of a folder or glob.

    Attributes:
        root: the folder that all of them are in.
        files: in natural order, ``page2`` before ``page10``.
        left_out: a name and why, of what was met and cannot be sent.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """True when nothing was met."""
        return not self.files and not self.left_out

    def name_of(self, path: Path) -> str:
        """A file's name from the root, with slashes."""
        return path.relative_to(self.root).as_posix()


def is_glob(word: str) -> bool:
    """True for a word with ``*``, ``?`` or ``[`` in it."""
    return bool(_MAGIC.search(word))


def list_folder(folder: Path, label: str) -> Listing:
    """All files in a folder and in the folders of it, but hidden ones, those of `_SKIPPED` folders, and `_SECRETS`.

    Raises:
        MediaError: there are too many.
        OSError: the folder cannot be read.
    """
    return _listed(folder, ["**"], label)


def list_glob(pattern: str, label: str) -> Listing:
    """The files that a pattern names: ``*``, ``?``, ``[a-z]`` within a name, ``**`` for folders of any depth.

    Hidden files only where the pattern says so; links that lead out of the folder are not followed, `_SECRETS` left out.

    Raises:
        MediaError: there are too many.
        OSError: the folder that the pattern begins with cannot be read.
    """
    try:
        parts = Path(pattern).expanduser().parts
        at = next((i for i, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
        Path(*parts[:at]).resolve()
    except (RuntimeError, ValueError):  # ``~name`` of nobody, a null byte, a link to itself
        return Listing(Path())
    return _listed(Path(*parts[:at]), parts[at:], label)


def _listed(root: Path, patterns: Sequence[str], label: str) -> Listing:
    listing = Listing(root)
    home = root.resolve()
    walk = _Walk(label)
    found = set(walk.find(root, patterns))
    for folder, error in walk.unread:
        if folder == root:
            raise error
        listing.left_out.append((f"{listing.name_of(folder)}/", _unread(error)))
    for path in sorted(found, key=lambda path: natural_key(listing.name_of(path))):
        name = listing.name_of(path)
        try:
            mode = path.stat().st_mode
            if not path.resolve().is_relative_to(home):
                listing.left_out.append((name, "a link out of the folder"))
            elif is_secret(name) or is_secret(path.resolve().name):
                listing.left_out.append((name, "looks like a secret, sent only when it is named alone"))
            elif stat.S_ISREG(mode):
                listing.files.append(path)
            elif not stat.S_ISDIR(mode):
                listing.left_out.append((name, "no ordinary file"))
        except PermissionError as error:
            listing.left_out.append((name, _unread(error)))
        except (OSError, RuntimeError):  # a link to nothing, or to itself
            listing.left_out.append((name, "a broken link"))
    return listing


def is_secret(name: str) -> bool:
    """True for what is called as keys and passwords are, in whatever folder."""
    last = name.rpartition("/")[2].lower()
    return any(fnmatch(last, pattern) for pattern in _SECRETS)


def _unread(error: OSError) -> str:
    return f"cannot be read: {error.strerror or 'unknown reason'}"


def natural_key(name: str) -> tuple[list[tuple[str, int]], str]:
    """Sorts numbers in names by their value, letters without regard to case."""
    return [(text.casefold(), int(digits or -1)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", name)], name


@dataclass(slots=True)
class _Walk:
    """One search; counts what it looks at, and keeps which folders it could not."""

    label: str
    n_entries: int = 0
    unread: list[tuple[Path, OSError]] = field(default_factory=list)

    def find(self, folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
        """Matches below a folder; links to folders are not entered where a pattern, not a name, leads to them."""
        head, rest = patterns[0], patterns[1:]
        if not _MAGIC.search(head):
            if rest:
                yield from self.find(folder / head, rest)
            elif os.path.lexists(folder / head):
                yield folder / head
            return
        if head == "**" and rest:
            yield from self.find(folder, rest)
        for entry in self._entries(folder):
            is_folder = entry.is_dir(follow_symlinks=False)
            if not _is_shown(entry, head, is_folder):
                continue
            if head == "**":
                if is_folder:
                    yield from self.find(Path(entry), patterns)
                elif not rest:
                    yield Path(entry)
            elif fnmatch(entry.name, head):
                if rest and is_folder:
                    yield from self.find(Path(entry), rest)
                elif not rest and not is_folder:
                    yield Path(entry)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                listed = list(entries)
        except (FileNotFoundError, NotADirectoryError):  # gone meanwhile, or no match
            return []
        except OSError as error:  # of another user
            self.unread.append((folder, error))
            return []
        self.n_entries += len(listed)
        if self.n_entries > MAX_ENTRIES:
            raise MediaError(
                f"`{self.label}` holds more than {MAX_ENTRIES:,} files and folders.", "Name a folder in it, or fewer files."
            )
        return listed


def _is_shown(entry: os.DirEntry[str], pattern: str, is_folder: bool) -> bool:
    if entry.name.startswith(".") and not pattern.startswith("."):
        return False
    return not is_folder or not (entry.name in _SKIPPED or os.path.exists(os.path.join(entry.path, "pyvenv.cfg")))
