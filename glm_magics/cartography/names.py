"""Names on a map: what each group is called, and the point at which its name stands."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import one_line
from .colouring import MISSING, OTHERS, Colouring

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]

_MOST_NAMES = 40
_SAMPLE_TEXTS = 400
_SAMPLE_CHARS = 2000
_N_WORDS = 3
_HAN = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_HAN}]+|[^\W\d_{_HAN}]{{4,}}")
_NAME_CHARS = 40


@dataclass(frozen=True, slots=True)
class Name:
    """A name on the map: its text, the place of the point at which it stands, its colour, and how many points it is for."""

    text: str
    row: int
    colour: str
    n: int


def place_names(points: Floats, colouring: Colouring) -> tuple[Name, ...]:
    """The groups' names, the largest first, each at the point of its group that is nearest to where most of them are."""
    import numpy as np

    names = []
    for code, group in enumerate(colouring.groups[:_MOST_NAMES]):
        if group.name == MISSING or group.name.startswith(f"{OTHERS} ("):
            continue
        rows = np.flatnonzero(colouring.codes == code)
        middle = _densest(points[rows])
        row = rows[int(((points[rows] - middle) ** 2).sum(axis=1).argmin())]
        names.append(Name(one_line(group.name, _NAME_CHARS), int(row), group.colour, group.n))
    return tuple(names)


def _densest(points: Floats, n_cells: int = 24) -> Floats:
    """Where points are most: the middle of those in the fullest cell of a grid, and around it."""
    import numpy as np

    if len(points) < 8:
        middle: Floats = np.median(points, axis=0)
        return middle
    cells = np.clip(((points + 1) / 2 * n_cells).astype(int), 0, n_cells - 1)
    counts = np.zeros((n_cells + 2,) * 2)
    np.add.at(counts, (cells[:, 0] + 1, cells[:, 1] + 1), 1)
    around = sum(np.roll(counts, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    fullest = np.array(np.unravel_index(int(np.argmax(around)), counts.shape)) - 1
    near: Floats = points[(np.abs(cells - fullest) <= 1).all(axis=1)]
    return near.mean(axis=0) if len(near) else np.median(points, axis=0)


def typical_words(texts: Sequence[str], labels: Any) -> dict[int, str]:
    """For each label the words that its texts have more often than the others do: ``refund, parcel, late``.

    Args:
        texts: all of them; the first few hundred of a label are read.
        labels: a whole number for each text, shape (N,).
    """
    import numpy as np

    counts: dict[int, Counter[str]] = {}
    for label in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == label)[:_SAMPLE_TEXTS]
        counts[label] = Counter(word for row in rows.tolist() for word in _words_of(texts[row]))
        n = max(1, len(rows))
        for word in counts[label]:
            counts[label][word] /= n  # type: ignore[assignment]
    everywhere: Counter[str] = Counter()
    for shares in counts.values():
        everywhere.update(shares)
    return {label: ", ".join(_best_words(shares, everywhere, len(counts))) for label, shares in counts.items()}


def _words_of(text: str) -> Iterable[str]:
    """Each once, in their order: words of four letters and more; of Chinese and Japanese each two letters side by side."""
    words: dict[str, None] = {}
    for run in _WORD.findall(text[:_SAMPLE_CHARS].lower()):
        words.update(dict.fromkeys(map("".join, pairwise(run)) if run[0] >= "\u3040" and len(run) > 1 else [run]))
    return words


def _best_words(shares: Counter[str], everywhere: Counter[str], n_labels: int) -> list[str]:
    """Frequent here and rare elsewhere; of two words with one stem, or with a letter in common in Chinese, the first alone."""
    lift = {word: math.log(n_labels * share / everywhere[word]) if n_labels > 1 else 1.0 for word, share in shares.items()}
    score = {word: share * lift[word] ** 2 for word, share in shares.items() if lift[word] > 0}
    best: list[str] = []
    for word in sorted(score, key=lambda word: -score[word]):
        if not any(word[:5] == other[:5] or (word[0] >= "\u3040" and set(word) & set(other)) for other in best):
            best.append(word)
        if len(best) == _N_WORDS:
            break
    return best
