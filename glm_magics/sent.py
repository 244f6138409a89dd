"""What was sent, for people: one record for each value of the notebook; sizes and no bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_NAMES = {
    "text": ("text", "texts"),
    "image": ("picture", "pictures"),
    "video": ("video", "videos"),
    "file": ("file", "files"),
    "audio": ("sound", "sounds"),
}


@dataclass(frozen=True, slots=True)
class SentItem:
    """One value of the notebook, or all the words that were typed, as the model got it.

    Attributes:
        label: the expression or file it came from; empty for typed words.
        kind: ``text``, ``image``, ``video``, ``file`` or ``audio``.
        source: what the value was: ``500×30``, ``page 3 of 12``, ``12.4 s``; of the first part where there are several.
        n_parts: how many parts of that kind it became.
        n_texts: how many texts go with them: captions, times, the text of pages.
        n_bytes: of all parts together; 0 for an address.
        n_tokens: estimated; None where nothing is known of what is behind an address.
        width_px, height_px: of the first picture; 0 when unknown.
        seconds: of sound and video; 0 when unknown.
        is_link: only an address went out.
    """

    label: str
    kind: str
    source: str = ""
    n_parts: int = 1
    n_texts: int = 0
    n_bytes: int = 0
    n_tokens: int | None = 0
    width_px: int = 0
    height_px: int = 0
    seconds: float = 0.0
    is_link: bool = False

    @property
    def form(self) -> str:
        """As the model gets it: ``picture 980×640``, ``5 pictures and text``, ``text``, ``video, 12.4 s``."""
        return f"{self._main_form} and text" if self.n_texts else self._main_form

    @property
    def _main_form(self) -> str:
        one, many = _NAMES[self.kind]
        if self.n_parts > 1 and self.label:
            return f"{self.n_parts} {many}"
        if self.is_link:
            return f"{one} by address"
        if self.seconds:
            return f"{one}, {self.seconds:.1f} s"
        return f"{one} {self.width_px}×{self.height_px}" if self.width_px else one


def in_words(items: Iterable[SentItem]) -> str:
    """For the footer: ``df 500×30 → picture 980×640; fig; 2 pictures``; typed words are not mentioned."""
    named = [item for item in items if item.label]
    plain = [item for item in named if item.kind == "image" and not item.source and item.n_parts == 1 and not item.n_texts]
    if len(plain) > _MOST_NAMED:
        named = [item for item in named if item not in plain]
    words = [_words(item) for item in named]
    if len(words) > _MOST_NAMED:
        words = [*words[:_MOST_NAMED], f"{len(words) - _MOST_NAMED} more"]
    return "; ".join([*words, *([f"{len(plain)} pictures"] if len(plain) > _MOST_NAMED else [])])


_MOST_NAMED = 4


def _words(item: SentItem) -> str:
    label = " ".join(item.label.split())[:40]
    if item.n_parts > 1:
        return f"{label} → {item.form}"
    return f"{label} {item.source} → {item.form}" if item.source else label
