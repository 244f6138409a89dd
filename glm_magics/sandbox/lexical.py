"""Honest vectors without a model: hashed word and letter n-grams, so that texts which share words and spellings are near.

They know nothing of meaning: “car” and “automobile” are far apart. The same text gives the same vector, on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_WORD = re.compile(r"\w+")
_WORD_WEIGHT = 3.0
_GRAM_WEIGHTS = {2: 0.5, 3: 1.0, 4: 1.0}
_FIRST_IDEOGRAPH = 0x2E80
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def lexical_vector(text: str, dimensions: int) -> Floats:
    """The vector of one text, shape (dimensions,), of unit length.

    Every feature adds its weight, with a sign, to one of the places; both are taken from the feature's hash.
    """
    hashes, weights = (np.concatenate(arrays) for arrays in zip(*_features(text), strict=True))
    mixed = (hashes ^ (hashes >> np.uint64(29))) * _MIX
    places = ((mixed >> np.uint64(24)) % np.uint64(dimensions)).astype(np.int64)
    signs = np.where(mixed >> np.uint64(63), 1.0, -1.0)
    vector = np.bincount(places, signs * weights, dimensions)
    length = float(np.linalg.norm(vector))
    if not length:  # every feature was cancelled by another, which takes few dimensions
        vector[int(mixed[0] % np.uint64(dimensions))] = length = 1.0
    return (vector / length).astype(np.float32)


def _features(text: str) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.float64]]]:
    """Hashes and weights: of words, of single ideographs, and of letters in twos, threes and fours, blanks at the ends too."""
    plain = " ".join(text.casefold().split())
    words = np.array([crc32(word.encode("utf-8", "replace")) for word in _WORD.findall(plain)], np.uint64)
    yield words * _PRIME, np.full(len(words), _WORD_WEIGHT)
    letters = np.frombuffer(f" {plain} ".encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    ideographs = letters[letters >= _FIRST_IDEOGRAPH]  # written without blanks: each is nearly a word
    yield ideographs * _PRIME, np.full(len(ideographs), 1.5)
    for size, weight in _GRAM_WEIGHTS.items():
        n = len(letters) - size + 1
        if n > 0:
            grams = np.full(n, size, np.uint64)
            for shift in range(size):
                grams = (grams ^ letters[shift : shift + n]) * _PRIME
            yield grams, np.full(n, weight)
