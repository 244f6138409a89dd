"""Deterministic Markdown of any length, for trying out how long answers stream: ``[[words:5000]]`` in the prompt."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

HONEST = "This is filler from the glm_magics sandbox: no language model is behind it. "

_PARAGRAPH = (
    "The quick brown fox number {n} jumps over the lazy dog while the stream grows, **word by word**, and nothing is "
    "lost on the way; a line of `inline_code_{n}` and a bit of $x_{n}^2$ belong to a realistic answer too.\n\n"
)
_CHINESE = "第 {n} 段：这是沙盒生成的填充文字， 后面没有语言模型。 它只用来测量 流式输出 的速度和完整性。\n\n"
_LIST = "- first point of round {n}\n- second point, *with emphasis*\n  - nested point\n- last point\n\n"
_CODE = "```python\ndef round_{n}(values: list[float]) -> float:\n    return sum(values) / max(1, len(values))\n```\n\n"
_TABLE = "| item | price |\n| --- | ---: |\n| apple {n} | 1.25 |\n| pear {n} | 2.50 |\n\n"
_QUOTE = "> A quotation closes round {n}.\n\n"
_ROUND = ("## Round {n}\n\n", _PARAGRAPH, _LIST, _PARAGRAPH, _CODE, _CHINESE, _TABLE, _PARAGRAPH, _QUOTE)


def filler_words(n_words: int) -> list[str]:
    """Exactly `n_words` pieces of a text, each a word (between spaces) with the space after it."""
    return list(islice(_words(), max(0, n_words)))


def filler_bytes(n_bytes: int) -> list[str]:
    """Pieces of at most `n_bytes` bytes of UTF-8 in all; the last is cut, and up to two bytes are left over."""
    pieces: list[str] = []
    left = max(0, n_bytes)
    for piece in _words():
        raw = piece.encode()
        pieces.append(raw[:left].decode(errors="ignore"))
        left -= len(raw)
        if left <= 0:
            return [piece for piece in pieces if piece]
    return pieces


def _words() -> Iterator[str]:
    yield from _pieces("# Filler\n\n" + HONEST + "\n\n")
    for n in count(1):
        for block in _ROUND:
            yield from _pieces(block.replace("{n}", str(n)))


def _pieces(text: str) -> Iterator[str]:
    """Words with the space that follows, indentation and line breaks included."""
    start = 0
    is_space = False
    for i, char in enumerate(text):
        if is_space and not char.isspace():
            yield text[start:i]
            start = i
        is_space = char.isspace()
    yield text[start:]
