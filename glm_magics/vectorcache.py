"""The cache of vectors as its owner sees it: what it holds, what it saved, what is to go, what is shared."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .errors import InputError, OptionError, one_line
from .grammar import plural
from .pricing import find_price
from .providers import PROVIDERS
from .tokenusage import Usage
from .vectorstore import SpaceStats, VectorStore
from .vectorstore.spaces import name_place

_SIZES = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_AGES_S = {"s": 1, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_HEADS = ("model", "dimensions", "from", "texts", "size", "tokens", "hits", "saved tokens", "saved", "newest")


class VectorCache:
    """The cache; shows itself as a table, a row for each model, size and provider.

    Args:
        store: what it is about.
    """

    def __init__(self, store: VectorStore) -> None:
        self.store = store

    @property
    def spaces(self) -> list[SpaceStats]:
        """What is kept, in numbers.

        Raises:
            CacheError: the place cannot be used.
        """
        return self.store.list_spaces()

    def remove(
        self, *, model: str | None = None, older_than: str | float | None = None, max_size: str | float | None = None
    ) -> int:
        """Removes vectors and gives their number: those of a model, those older than ``"30d"``, the oldest above ``"1GB"``.

        Args:
            model: only of this model, whatever else is said; all of it where nothing is.
            older_than: an age such as ``"12h"``, ``"30d"``, ``"2w"``, or days as a number.
            max_size: what may be left, such as ``"500MB"``, or bytes as a number.

        Raises:
            OptionError: nothing is said of what is to go, or an age or size cannot be read.
            CacheError: the place cannot be used.
        """
        if model is None and older_than is None and max_size is None:
            raise OptionError("Which vectors are to go?", "Give `model`, `older_than` or `max_size`.")
        before_s = None if older_than is None else time.time() - parse_age(older_than)
        max_bytes = None if max_size is None else parse_size(max_size)
        return self.store.remove(model=model, before_s=before_s, max_bytes=max_bytes)

    def export(self, path: str | Path, *, model: str | None = None) -> int:
        """Writes the vectors to a Parquet file and gives their number.

        Raises:
            InputError: the file cannot be written.
            MissingExtraError: pyarrow is not installed.
        """
        from .vectorstore.parquet import export_parquet

        return export_parquet(self.store, _read_file(path), model)

    def import_(self, path: str | Path) -> int:
        """Takes over the vectors of an exported file that are not here yet, and gives their number.

        Raises:
            InputError: it is no such file.
            MissingExtraError: pyarrow is not installed.
        """
        from .vectorstore.parquet import import_parquet

        return import_parquet(self.store, _read_file(path))

    def rows(self) -> list[Mapping[str, str]]:
        """The table's rows, in words."""
        return [dict(zip(_HEADS, _words(stats), strict=True)) for stats in self.spaces]

    def __repr__(self) -> str:
        lines = [_HEADS, *(tuple(row.values()) for row in self.rows())]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([self.summary(), *(table if len(lines) > 1 else ())])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        rows = self.rows()
        lines = [_HEADS, ["---"] * len(_HEADS), *(row.values() for row in rows)]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""
        return {"text/plain": repr(self), "text/markdown": f"{self.summary()}\n\n{table}".strip()}

    def summary(self) -> str:
        """How many, how large, where."""
        spaces = self.spaces
        n = sum(stats.n_vectors for stats in spaces)
        return f"{plural(n, 'vector')}, {size_words(sum(stats.n_bytes for stats in spaces))}, in {name_place(self.store.place)}"


def _read_file(named: str | Path) -> Path:
    """A file that the user names.

    Raises:
        InputError: it can be none.
    """
    with suppress(TypeError, RuntimeError):  # no name at all; ~ of somebody who is not known here
        path = Path(named).expanduser()
        if path.name and "\0" not in path.name:
            return path
    raise InputError(f"`{one_line(str(named), 80)}` is no name of a file.", "Give one such as `vectors.parquet`.")


def _words(stats: SpaceStats) -> Sequence[str]:
    space, saved = stats.space, _saved_words(stats)
    size = f"{space.dimensions or 'own'}{', float16' if space.precision == 'float16' else ''}"
    newest = time.strftime("%Y-%m-%d", time.localtime(stats.newest_s)) if stats.n_vectors else "–"
    names = (one_line(space.model, 60).replace("|", "/"), size, one_line(space.provider, 60).replace("|", "/"))
    counts = (f"{stats.n_vectors:,}", size_words(stats.n_bytes), f"{stats.n_tokens:,}", f"{stats.n_hits:,}")
    return (*names, *counts, f"{stats.n_tokens_saved:,}", saved, newest)


def _saved_words(stats: SpaceStats) -> str:
    """At the vendor's price; of other servers nothing is known."""
    prices = [find_price(stats.space.model, provider) for provider in PROVIDERS.values() if stats.space.provider == "glm"]
    price = next(filter(None, prices), None)
    return "–" if price is None else str(price.cost_of(Usage(stats.n_tokens_saved, 0, stats.n_tokens_saved)))


def size_words(n_bytes: float) -> str:
    """``412 MB``."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def parse_size(value: str | float) -> int:
    """Bytes of ``"1.5GB"``.

    Raises:
        OptionError: it is no size.
    """
    found = re.fullmatch(r"\s*([\d.]+)\s*([kmgt]?b|)\s*", str(value).lower())
    return int(_number(found, value, "500MB") * _SIZES[found[2] if found else ""])


def parse_age(value: str | float) -> float:
    """Seconds of ``"30d"``; a plain number is days.

    Raises:
        OptionError: it is no age.
    """
    found = re.fullmatch(r"\s*([\d.]+)\s*([shdw]?)\s*", str(value).lower())
    return _number(found, value, "30d") * _AGES_S[(found[2] if found else "") or "d"]


def _number(found: re.Match[str] | None, value: object, example: str) -> float:
    try:
        return float(found[1] if found else "")
    except ValueError:
        raise OptionError(f"`{one_line(str(value), 40)}` cannot be read.", f"Write it like `{example}`.") from None
