"""Texts to be embedded: a column of any kind is read, what has no vector is refused by name, what is too long is cut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Literal, TypeAlias

from .errors import InputError, MissingExtraError, one_line
from .grammar import kind_of
from .tokens import text_tokens

Long: TypeAlias = Literal["error", "split", "truncate"]
LONG: tuple[Long, ...] = ("error", "split", "truncate")
_NAMED_ROWS = 5
_MOST_CHARS_A_TOKEN = 6
"""Five letters and the blank before them: a text of more characters than that has more tokens, without counting."""

_PIECE = re.compile(r"\d{1,3}|[A-Za-z]{1,5}|[^\x00-\x7f]+|[!-/:-@\[-^`{-~]{1,2}|.", re.ASCII | re.DOTALL)
_SEAMS = (re.compile(r"[.!?]\s+|[。！？；\n]\s*"), re.compile(r"\s+"))
_SEAM_SHARE = 0.8
"""A part ends at the last end of a sentence in its last fifth, else at the last blank there."""

_PER_ASCII, _PER_OTHER = 0.25, 0.6
"""Tokens of a character, by the plainest rule."""


def read_texts(value: object) -> list[str]:
    """A list of texts from a list or a column of pandas, polars, Arrow or what else narwhals reads; one text is a list of one.

    Raises:
        InputError: it is no column of texts, or some have no vector: missing, empty, no text; names the rows.
        MissingExtraError: the column needs narwhals.
    """
    texts = [value] if isinstance(value, str) else _read_column(value)
    if not set(map(type, texts)) <= {str}:
        _refuse(texts, _is_missing, "missing", "Leave them out: `.dropna()`, `.drop_nulls()`.")
        _refuse(texts, lambda text: not isinstance(text, str), "no text", "Make them texts: `.astype(str)`, `str(x)`.")
        texts = [str(text) for text in texts]
    if "" in texts or any(map(str.isspace, texts)):
        _refuse(texts, lambda text: not text.strip(), "empty", "Leave them out; there is nothing to embed.")
    return texts


def _read_column(value: object) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, bytes | bytearray | dict | set | frozenset) or value is None:
        raise InputError(f"{kind_of(value)} is no column of texts.", "Give a list of strings, or a column: `df['text']`.")
    root = type(value).__module__.partition(".")[0]
    if root == "numpy":
        return _read_array(value)
    if isinstance(value, Iterator) or root == "builtins":
        return list(value) if isinstance(value, Iterable) else _no_column(value)
    if type(value).__name__.endswith("Array") and hasattr(value, "to_pylist"):  # of Arrow, not chunked: narwhals takes none
        return list(value.to_pylist())
    if root == "pandas" and hasattr(value, "to_series"):  # an index
        value = value.to_series()
    try:
        import narwhals
    except ImportError:
        raise MissingExtraError.naming(
            "embeddings", f"A column of {root} is read with narwhals, which is not installed."
        ) from None
    try:
        return narwhals.from_native(value, series_only=True).to_list()  # type: ignore[call-overload,no-any-return]
    except TypeError:
        return _no_column(value)


def _read_array(value: Any) -> list[Any]:
    if value.ndim > 1:
        raise InputError(f"An array of shape {value.shape} is no column of texts.", "Give one column of it.")
    return list(value.reshape(-1).tolist())


def _no_column(value: object) -> list[Any]:
    if type(value).__name__ == "LazyFrame":  # whose columns take work to know
        raise InputError("This frame is lazy: it has no rows yet.", "Give a column of it: `frame.collect()['text']`.")
    columns = getattr(value, "columns", None)
    names = one_line(", ".join(map(str, columns)), 80) if columns is not None else ""
    way_out = (
        f"Name a column of it: `df['…']`; there are {names}." if names else "Give a list of strings, or a column: `df['text']`."
    )
    raise InputError(f"{kind_of(value)} is no column of texts.", way_out)


def _is_missing(text: object) -> bool:
    return text is None or type(text).__name__ in ("NAType", "NaTType") or (isinstance(text, float) and text != text)


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def refuse_broken(texts: Sequence[str]) -> None:
    """For texts of which one cannot be encoded.

    Raises:
        InputError: names the rows.
    """
    _refuse(
        texts, _is_broken, "broken: half of a surrogate pair", "Mend them: `text.encode('utf-16', 'surrogatepass').decode()`."
    )


def _refuse(texts: Sequence[Any], is_bad: Callable[[Any], bool], what: str, way_out: str) -> None:
    rows = [row for row, text in enumerate(texts) if is_bad(text)]
    if rows:
        raise InputError(f"{name_rows(rows)} {'is' if len(rows) == 1 else 'are'} {what}.", f"{way_out} Nothing was sent.")


def name_rows(rows: Sequence[int]) -> str:
    """``Row 3``, ``Rows 3 and 8``, ``Rows 3, 8, 9, 11, 12 and 40 more``; the first row is 0."""
    if len(rows) == 1:
        return f"Row {rows[0]}"
    named = [str(row) for row in rows[:_NAMED_ROWS]]
    if len(rows) > _NAMED_ROWS:
        return f"Rows {', '.join(named)} and {len(rows) - _NAMED_ROWS} more"
    return f"Rows {', '.join(named[:-1])} and {named[-1]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be embedded, and where the vectors go.

    Attributes:
        n_rows: of the result.
        n_all: rows of the working matrix: those of the result, then a row for each part of a text that was split.
        texts: to be embedded; the same one may come again.
        rows: the working row of each of `texts`.
        parts: ``(row, its parts' rows)`` for texts that were split.
    """

    n_rows: int
    n_all: int
    texts: Sequence[str]
    rows: Sequence[int]
    parts: Sequence[tuple[int, Sequence[int]]] = ()


def plan_texts(texts: list[str], max_tokens: int | None, long: Long) -> Plan:
    """The plan for checked texts.

    Args:
        texts: of `read_texts`.
        max_tokens: a model's limit for one text; None where there is none.
        long: what to do with a text above it: refuse, cut off, or embed in parts whose vectors are averaged.

    Raises:
        InputError: a text is too long, and `long` is ``error``; names the rows.
    """
    is_long = is_too_long if long == "error" else _may_be_too_long  # who lets texts be cut wants none refused
    long_rows = [row for row, text in enumerate(texts) if is_long(text, max_tokens)] if _may_be_long(texts, max_tokens) else []
    if long_rows and long == "error":
        n_most = max(count_tokens(texts[row]) for row in long_rows)
        raise InputError(
            f"{name_rows(long_rows)} {'has' if len(long_rows) == 1 else 'have'} more than {max_tokens:,} tokens "
            f"(up to about {n_most:,}), the most that the model takes.",
            '`long="split"` embeds them in parts and takes the mean, `long="truncate"` cuts them off. Nothing was sent.',
        )
    if long == "truncate":
        texts = list(texts)
        for row in long_rows:
            texts[row] = next(cut_text(texts[row], max_tokens or 0))
        long_rows = []
    if not long_rows:
        return Plan(len(texts), len(texts), texts, range(len(texts)))
    cut = {row: list(cut_text(texts[row], max_tokens or 0)) for row in long_rows}
    ends = list(accumulate(map(len, cut.values()), initial=len(texts)))
    parts = [(row, range(begin, end)) for row, (begin, end) in zip(cut, pairwise(ends), strict=True)]
    short = [row for row in range(len(texts)) if row not in cut]
    sent = [*(texts[row] for row in short), *(part for found in cut.values() for part in found)]
    return Plan(len(texts), ends[-1], sent, [*short, *range(len(texts), ends[-1])], parts)


def _may_be_long(texts: Sequence[str], max_tokens: int | None) -> bool:
    return max_tokens is not None and max(map(len, texts), default=0) > max_tokens


def is_too_long(text: str, max_tokens: int | None) -> bool:
    """Whether a text has more tokens than that, by estimate; most are told by their length alone."""
    if max_tokens is None or len(text) <= max_tokens:
        return False
    return len(text) > _MOST_CHARS_A_TOKEN * max_tokens or text_tokens(text) > max_tokens


def _may_be_too_long(text: str, max_tokens: int | None) -> bool:
    """Whether by one of two rules of thumb it has more tokens: that of `tokens`, or one for four ASCII characters."""
    if max_tokens is None or len(text) <= max_tokens:
        return False
    n_ascii = len(text.encode("ascii", "ignore"))
    return n_ascii * _PER_ASCII + (len(text) - n_ascii) * _PER_OTHER > max_tokens or is_too_long(text, max_tokens)


def count_tokens(text: str) -> int:
    """`tokens.text_tokens`; of a very long text extrapolated from its beginning."""
    head = text[:200_000]
    return round(text_tokens(head) * len(text) / max(1, len(head)))


def cut_text(text: str, max_tokens: int) -> Iterator[str]:
    """The text in parts of at most `max_tokens`, by two rules of thumb, cut after a sentence or word where one ends near."""
    begin = 0
    while begin < len(text):
        end = _find_end(text, begin, max_tokens)
        if end < len(text):
            from_ = begin + int(_SEAM_SHARE * (end - begin))
            ends = ([seam.end() for seam in seams.finditer(text, from_, end)] for seams in _SEAMS)
            end = next((found[-1] for found in ends if found), end)
        part = text[begin:end].strip()
        if part:
            yield part
        begin = end


def _find_end(text: str, begin: int, max_tokens: int) -> int:
    """Where the longest part from `begin` on ends that has at most `max_tokens`; always one character further at least."""
    weight, plain_weight, limit = 0.0, 0.0, max_tokens - 1.0  # one less, for the rounding
    for piece in _PIECE.finditer(text, begin):
        found = piece.group()
        if found > "\x7f":
            room = int((limit - max(weight, plain_weight)) / _PER_OTHER)
            if len(found) > room:
                return max(piece.start() + room, begin + 1)
            weight += _PER_OTHER * len(found)
            plain_weight += _PER_OTHER * len(found)
            continue
        plain_weight += _PER_ASCII * len(found)
        if found != " " or not _is_between_words(text, piece.start()):
            weight += 1.0
        if max(weight, plain_weight) > limit:
            return max(piece.start(), begin + 1)
    return len(text)


def _is_between_words(text: str, at: int) -> bool:
    """A single blank between two ASCII words costs nothing: it belongs to the word after it."""
    around = text[at - 1 : at + 2] if at else ""
    return len(around) == 3 and around.isascii() and not around[0].isspace() and not around[2].isspace()
