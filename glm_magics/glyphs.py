"""Text as pixels, fast: each letter is drawn once and stamped wherever it stands, all equal letters in one numpy operation.

Scripts whose letters join, stack or run from right to left are shaped as whole cells by Pillow's raqm.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .fonts import Face, base_face, find_faces, is_east_asian, text_face

if TYPE_CHECKING:
    import numpy as np
    from PIL.ImageFont import FreeTypeFont

_COLOUR_PX = 109
"""The one size in which the usual colour emoji font has its pictures."""

_MAYBE_COMPLEX = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u109f\u135d-\u135f\u1700-\u1aff\u1ab0-\u1aff\u1b00-\u1cff\u1dc0-\u1dff"
    "\u200c\u200d\u20d0-\u20f0\u302a-\u302d\u3099\u309a\ua800-\uabff\ufb1d-\ufdff\ufe20-\ufe2f\ufe70-\ufeff"
    "\U00010800-\U00011fff\U0001e800-\U0001efff\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]"
)


@dataclass(slots=True)
class Patch:
    """The inked pixels of a letter or of a shaped run: where they are from the pen's place, and how dark (0 to 255)."""

    dy: Any
    dx: Any
    ink: Any
    advance_px: int


class Pen:
    """Writes in one size; keeps what it drew.

    Args:
        size_px: height of the letters' square.
        is_bold: letters that the bold base font lacks are struck twice.
        face: the font that is asked first; DejaVu Sans when it is None.
        language: decides on the shapes of East Asian letters, as BCP 47 names it; empty for none.
    """

    def __init__(self, size_px: int, is_bold: bool = False, face: Face | None = None, language: str = "") -> None:
        self.size_px = size_px
        self._language = language
        self._is_bold = is_bold
        self._base = base_face(is_bold) if is_bold or face is None else face
        self._fonts: dict[tuple[str, int, bool], tuple[FreeTypeFont, bool]] = {}
        self._patches: dict[str, Patch] = {}
        self._advances: dict[str, int] = {}
        self.ascent_px, self.descent_px = self._font(base_face())[0].getmetrics()

    def learn(self, texts: Iterable[str]) -> list[str]:
        """Draws what is new in the texts; gives the letters that cannot be shown: no font has them, or none can shape them."""
        letters = set().union(*texts)
        if not (letters <= self._advances.keys()):
            return self._learn_new(letters, list(texts))
        return self._learn_runs(texts) if _is_any_complex(letters) else []

    def _learn_new(self, letters: set[str], texts: list[str]) -> list[str]:
        new = letters - self._advances.keys()
        own = {letter for letter in new if self._base.has(letter)}
        faces, unknown = find_faces(sorted(new - own))
        for letter in new - set(unknown):
            face = self._base if letter in own else faces.get(letter)
            self._patches[letter] = self._draw(letter, face, self._is_local(letter)) if face else _nothing()
            self._advances[letter] = self._patches[letter].advance_px
        return unknown or (self._learn_runs(texts) if _is_any_complex(letters) else [])

    def _is_local(self, letter: str) -> bool:
        """True when the language decides on the letter's shape; that is the shaper's work."""
        from PIL import features

        return bool(self._language) and is_east_asian(letter) and bool(features.check("raqm"))

    def _learn_runs(self, texts: Iterable[str]) -> list[str]:
        unknown: list[str] = []
        for text in texts:
            if is_complex(text) and text not in self._patches:
                patch = self._shape(text)
                if patch is None:
                    unknown += [letter for letter in text if is_complex(letter)]
                else:
                    self._patches[text] = patch
        return unknown

    def width_px(self, text: str) -> int:
        """How far the pen moves."""
        if (run := self._patches.get(text)) is not None:
            return run.advance_px
        return sum(map(self._advances.__getitem__, text))

    def place(self, text: str, x: int, y: int, places: dict[str, list[tuple[int, int]]]) -> None:
        """Notes where each letter of `text` stands; `y` is the line on which letters stand."""
        if text in self._patches:
            places.setdefault(text, []).append((y, x))
            return
        for letter in text:
            places.setdefault(letter, []).append((y, x))
            x += self._advances[letter]

    def stamp(self, canvas: np.ndarray[Any, Any], places: dict[str, list[tuple[int, int]]]) -> None:
        """Puts every noted letter onto the canvas (rows × columns of ink, 0 to 255)."""
        import numpy as np

        width_px, flat = canvas.shape[1], canvas.reshape(-1)
        for letter, spots in places.items():
            patch = self._patches[letter]
            if not len(patch.ink):
                continue
            offsets = patch.dy * width_px + patch.dx
            at = np.array(spots, dtype=np.intp) @ (width_px, 1)
            for half in (at[::2], at[1::2]):  # neighbours of the same letter may overlap: one at a time
                index = half[:, None] + offsets
                flat[index] = np.maximum(flat[index], patch.ink)

    def _font(self, face: Face, is_shaped: bool = False) -> tuple[FreeTypeFont, bool]:
        """The font at this size; True when it has pictures of one size only, to be scaled."""
        key = (face.path, face.index, is_shaped)
        if key not in self._fonts:
            from PIL import ImageFont

            engine = ImageFont.Layout.RAQM if is_shaped else ImageFont.Layout.BASIC
            try:
                font = ImageFont.truetype(face.path, self.size_px, face.index, layout_engine=engine)
                self._fonts[key] = font, False
            except OSError:
                self._fonts[key] = ImageFont.truetype(face.path, _COLOUR_PX, face.index, layout_engine=engine), True
        return self._fonts[key]

    def _draw(self, text: str, face: Face, is_shaped: bool = False) -> Patch:
        import numpy as np

        font, is_picture = self._font(face, is_shaped)
        if is_picture:
            return self._draw_picture(text, font)
        language = self._language or None if is_shaped else None
        core, (left, top) = font.getmask2(text, mode="L", anchor="ls", language=language)
        ink = np.asarray(core, dtype=np.uint8).reshape(core.size[::-1])
        if self._is_bold and face.path != self._base.path:
            ink = np.maximum(np.pad(ink, ((0, 0), (0, 1))), np.pad(ink, ((0, 0), (1, 0))))
        return _patch(ink, int(top), int(left), round(font.getlength(text)))

    def _draw_picture(self, text: str, font: FreeTypeFont) -> Patch:
        """A colour emoji as the grey of its colours, on white, scaled from its one size."""
        import numpy as np
        from PIL import Image, ImageDraw

        width, height = max(1, int(font.getlength(text))), _COLOUR_PX + 27
        picture = Image.new("RGB", (width, height), "white")
        ImageDraw.Draw(picture).text((0, _COLOUR_PX), text, font=font, anchor="ls", embedded_color=True)
        scale = self.size_px * 1.15 / height
        small = picture.resize((max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.LANCZOS)
        return _patch(255 - np.asarray(small.convert("L")), -round(_COLOUR_PX * scale), 0, small.width + 1)

    def _shape(self, text: str) -> Patch | None:
        """The whole text shaped and ordered with one font that has all of it, or piece by piece; None when that cannot be."""
        from PIL import features

        if not features.check("raqm"):
            return None
        letters = set(text)
        faces, unknown = find_faces(sorted(letters))
        if unknown:
            return None
        for face in (self._base, base_face(), *dict.fromkeys(faces.values())):
            if all(face.has(letter) or letter not in faces for letter in letters):
                return self._draw(text, face, is_shaped=True)
        if any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in letters):
            return None
        return _join([self._draw(piece, face, is_shaped=True) for piece, face in _pieces(text, faces)])


def _patch(ink: Any, top: int, left: int, advance_px: int) -> Patch:
    """Of a letter's pixels in 16 greys: nobody sees the difference, and the file is a quarter smaller."""
    import numpy as np

    ink = (ink.astype(np.uint16) + 8) // 17 * 17
    dy, dx = np.nonzero(ink)
    return Patch(dy + top, dx + left, ink[dy, dx].astype(np.uint8), advance_px)


def _pieces(text: str, faces: dict[str, Face]) -> list[tuple[str, Face]]:
    """The text cut where the font changes; marks and joiners stay with what they belong to."""
    pieces: list[tuple[str, Face]] = []
    for letter in text:
        face = faces.get(letter)
        if pieces and (face is None or face is pieces[-1][1] or unicodedata.combining(letter)):
            pieces[-1] = (pieces[-1][0] + letter, pieces[-1][1])
        else:
            pieces.append((letter, face or base_face()))
    return pieces


def _join(patches: list[Patch]) -> Patch:
    import numpy as np

    starts = np.cumsum([0, *(patch.advance_px for patch in patches)])
    return Patch(
        np.concatenate([patch.dy for patch in patches]),
        np.concatenate([patch.dx + start for patch, start in zip(patches, starts, strict=False)]),
        np.concatenate([patch.ink for patch in patches]),
        int(starts[-1]),
    )


def _nothing() -> Patch:
    import numpy as np

    none = np.zeros(0, dtype=np.intp)
    return Patch(none, none, none.astype(np.uint8), 0)


def is_complex(text: str) -> bool:
    """True when letters join, stack or run from right to left, so that they cannot be set one by one."""
    return not text.isascii() and _MAYBE_COMPLEX.search(text) is not None


def _is_any_complex(letters: set[str]) -> bool:
    return is_complex("".join(letters))


def find_pens(letters: Iterable[str], size_px: int) -> tuple[Pen, Pen]:
    """``(plain, bold)``: the pens that suit these letters."""
    face, language = text_face(letters)
    return pen(size_px, False, face, language), pen(size_px, True, face, language)


@lru_cache(maxsize=8)
def pen(size_px: int, is_bold: bool = False, face: Face | None = None, language: str = "") -> Pen:
    """The pen of this size, with what it drew before."""
    return Pen(size_px, is_bold, face, language)
