"""Numbers and names in sentences for people: ``1 text``, ``2 texts``, ``an int``."""

from __future__ import annotations


def plural(n: int, one: str, many: str = "") -> str:
    """``3 words``, ``1 word``, ``2 boxes``; `many` where an s is not all."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def with_article(name: str) -> str:
    """``a list``, ``an int``, ``an ndarray``, as the names of types want it."""
    return f"{'an' if name.lower().startswith(('a', 'e', 'i', 'o', 'nd')) else 'a'} {name}"


def kind_of(value: object) -> str:
    """The type of a value at the start of a sentence: ``A list``, ``An int``."""
    words = with_article(type(value).__name__)
    return words[0].upper() + words[1:]
