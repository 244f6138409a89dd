"""Estimated tokens of what is sent. There is no tokenizer here: rules of thumb, stated so that numbers can be explained.

Sources: the image processor of the open GLM vision models for pictures; the vendor's voice page for sound; counts over English,
Chinese and tables for text.
"""

from __future__ import annotations

import math
import re

PATCH_PX = 28
"""A model takes pictures in squares of this side, a token each."""

MAX_PICTURE_PIXELS = 5_880_000
"""A larger picture is shrunk to this before it is read (the open models' image processor: 28 · 28 · 15 000 / 2)."""

MAX_VIDEO_TOKENS = 30_000
AUDIO_TOKENS_PER_S = 12.5

_PIECE = re.compile(r"\d{1,3}|[^\W\d_]{1,5}|[^\w\s]{1,2}|_|\s")


def text_tokens(text: str) -> int:
    """Of a text: three digits, five letters or two signs make one; a letter outside of ASCII is 0.6 of one."""
    asciis = text.encode("ascii", "ignore").decode()
    n_spaces = len(re.findall(r"(?<=\S) (?=\S)", asciis))  # a single space belongs to the word after it
    return math.ceil(len(_PIECE.findall(asciis)) - n_spaces + 0.6 * (len(text) - len(asciis)))


def picture_tokens(width_px: int, height_px: int) -> int:
    """Of a picture, after the shrinking of a large one."""
    across, down = max(1, round(width_px / PATCH_PX)), max(1, round(height_px / PATCH_PX))
    if across * down * PATCH_PX**2 <= MAX_PICTURE_PIXELS:
        return across * down
    shrink = math.sqrt(MAX_PICTURE_PIXELS / (width_px * height_px)) / PATCH_PX
    return max(1, int(width_px * shrink + 1e-9)) * max(1, int(height_px * shrink + 1e-9))


def video_tokens(seconds: float, width_px: int, height_px: int) -> int:
    """Of a video: two pictures a second, two of which cost as one; no more than 30 000 (the open models' video processor)."""
    return min(MAX_VIDEO_TOKENS, math.ceil(seconds) * picture_tokens(width_px, height_px))


def audio_tokens(seconds: float) -> int:
    """Of sound: 12.5 a second, rounded up."""
    return math.ceil(seconds * AUDIO_TOKENS_PER_S)
