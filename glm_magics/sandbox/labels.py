"""What listed texts have in common, in their own words: as near to a name as one comes without a language model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_LIST = re.compile(r"^(?P<heading>[\w -]+):[ \t]*\n(?P<items>(?:- .*(?:\n|$))+)", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]{3,}")
_MOST_WORDS = 3
_FIRST_CHARS = 40


def shared_words(heading: str, text: str) -> str | None:
    """The words that most of the texts listed under ``heading:`` share and other lists of `text` lack; None without such a list.

    Where they share none it is the beginning of the first.
    """
    lists = {found["heading"].strip(): _items(found["items"]) for found in _LIST.finditer(text)}
    mine = lists.pop(heading, None)
    if not mine:
        return None
    others = [item for items in lists.values() for item in items]
    counts, elsewhere = _count(mine), _count(others)
    shares = {
        word: count / len(mine) - elsewhere[word] / max(1, len(others))
        for word, count in counts.items()
        if count > 1 and count / len(mine) > elsewhere[word] / max(1, len(others))
    }
    best = sorted(shares, key=lambda word: -shares[word])[:_MOST_WORDS]
    return " ".join(word for word in counts if word in best) or mine[0][:_FIRST_CHARS].strip()


def _items(listed: str) -> list[str]:
    return [line.removeprefix("- ").strip().strip('"') for line in listed.splitlines()]


def _count(items: Iterable[str]) -> Counter[str]:
    """In how many of the texts each word is; words in their order."""
    return Counter(word for item in items for word in dict.fromkeys(_WORD.findall(item.casefold())))
