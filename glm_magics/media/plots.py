"""Figures of matplotlib and what belongs to them, drawn for the model: whole, legible, opaque; neither closed nor altered."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BytesIO
from typing import Any

from ..errors import MediaError
from ..fonts import Face, find_faces, way_out
from ..messages import Part
from ..notes import note
from ..pictures import MAX_IMAGE_SIDE_PX, encode_picture, named
from ..tokens import MAX_PICTURE_PIXELS
from .loading import Loading, said

_DPI = 150.0
_PAD_INCHES = 0.1


def load_figure(figure: Any, loading: Loading) -> Iterable[Part]:
    """The whole figure as it is printed: tight, opaque, 150 dpi or what the model sees of a large one.

    Raises:
        MediaError: there is nothing in it, or one of its artists cannot be drawn.
    """
    from PIL import Image

    figure = getattr(figure, "figure", None) or figure  # of a subfigure
    if not figure.get_children()[1:]:  # the first is the background
        raise MediaError(
            f"{named(loading.label)} is a figure with nothing in it.", "Draw first; in a notebook, in the same cell."
        )
    try:
        with _left_alone(figure):
            drawn, missing = _draw_noting(figure)
            if missing:
                drawn, missing = _draw_lettered(figure, missing)
    except Exception as error:  # drawing runs the user's own artists and formatters
        raise MediaError(f"{named(loading.label)} cannot be drawn: {said(error)}.", "Does fig.savefig work on it?") from error
    if missing:
        shown, lack = " ".join(sorted(missing)[:8]), way_out(missing)
        note(f"{named(loading.label)} is drawn with boxes for letters no font shows: {shown}. {lack}", stacklevel=2)
    return [encode_picture(Image.open(BytesIO(drawn)), loading.label or "figure")]


def _draw(figure: Any) -> bytes:
    buffer = BytesIO()
    box, dpi = _choose_box(figure)
    face, fast = _opaque(figure), {"compress_level": 0}  # it is encoded once more
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches=box, facecolor=face, transparent=False, pil_kwargs=fast)
    return buffer.getvalue()


def _draw_noting(figure: Any) -> tuple[bytes, set[str]]:
    """``(png, the letters that its fonts lack)``; matplotlib warns of each, and that is caught, while other warnings pass."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", _MISSING.pattern)
        drawn = _draw(figure)
    missing: set[str] = set()
    for one in caught:
        if found := _MISSING.match(str(one.message)):
            missing.add(chr(int(found[1])))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return drawn, missing


_MISSING = re.compile(r"Glyph (\d+) \(.*\) missing from ")


def _draw_lettered(figure: Any, missing: set[str]) -> tuple[bytes, set[str]]:
    """The same, with fonts of this machine that have the letters behind the figure's own; its texts keep theirs."""
    faces, _ = find_faces(sorted(missing))
    families = list(dict.fromkeys(filter(None, (_learn_font(face, letter) for letter, face in faces.items()))))
    texts = figure.findobj(lambda artist: hasattr(artist, "get_fontproperties"))
    fonts = {id(font): font for font in (text.get_fontproperties() for text in texts)}.values()
    before = [(font, list(font.get_family())) for font in fonts]
    try:
        for font, own in before:
            font.set_family([*own, *families])
        return _draw_noting(figure)
    finally:
        for font, own in before:
            font.set_family(own)


def _learn_font(face: Face, letter: str) -> str:
    """The font's name once matplotlib knows it; empty for one that it cannot draw with, as those of coloured pictures."""
    from matplotlib.font_manager import fontManager, get_font

    with suppress(OSError, RuntimeError, ValueError):
        font = get_font(face.path)
        font.set_size(12, _DPI)
        font.load_char(ord(letter))
        if font.family_name not in fontManager.get_font_names():
            fontManager.addfont(face.path)
        return str(font.family_name)
    return ""


def load_artist(artist: Any, loading: Loading) -> Iterable[Part]:
    """The figure that axes, a line, bars, … belong to.

    Raises:
        MediaError: it was removed from its figure, or never was in one.
    """
    figure = figure_of(artist)
    if figure is None:
        raise MediaError(f"{named(loading.label)} belongs to no figure any more.", "Draw it again.")
    return load_figure(figure, loading)


def load_animation(animation: Any, loading: Loading) -> Iterable[Part]:
    """The frame that the animation stands at: to draw another would alter the figure."""
    parts = load_artist(getattr(animation, "_fig", None), loading)
    return [replace(part, source="the frame it stands at") for part in parts]


def figure_of(value: Any) -> Any:
    """The outermost figure of something of matplotlib's; None for what is in none."""
    if isinstance(value, Sequence):  # bars, error bars, stems: the first of their artists
        return next((figure for item in value if (figure := figure_of(item)) is not None), None)
    figure = getattr(value, "figure", None)
    return getattr(figure, "figure", None) or figure


@contextmanager
def _left_alone(figure: Any) -> Iterator[None]:
    """What drawing changes is put back: who has to be drawn again, and where the layout engine had put the axes.

    The figure's own callback rests meanwhile, or a notebook would take the figure for a changed one and show it again.
    """
    callback, figure.stale_callback = figure.stale_callback, None
    stale = [(artist, artist.stale) for artist in figure.findobj()]
    places = [(axes, *(axes.get_position(is_original) for is_original in (True, False))) for axes in figure.axes]
    margins = {name: getattr(figure.subplotpars, name) for name in ("left", "right", "bottom", "top", "wspace", "hspace")}
    try:
        yield
    finally:
        figure.subplotpars.update(**margins)
        for axes, original, active in places:
            _put_back(axes, original, active)
        for artist, was_stale in sorted(stale, key=lambda pair: not pair[1]):  # True goes up to the figure, False does not
            artist.stale = was_stale
        figure.stale_callback = callback


def _put_back(axes: Any, original: Any, active: Any) -> None:
    is_in_layout = axes.get_in_layout()
    for which, place in (("original", original), ("active", active)):
        if axes.get_position(which == "original").bounds != place.bounds:
            axes.set_position(place, which=which)
    axes.set_in_layout(is_in_layout)


def _choose_box(figure: Any) -> tuple[Any, float]:
    """``(bbox_inches, dpi)``: tight; but where a text has strayed far off, the figure's own box and a quarter around it."""
    from matplotlib.transforms import Bbox

    width, height = figure.get_size_inches()
    own = Bbox.from_bounds(0, 0, width, height)
    is_giant = width * height * figure.dpi**2 > 4 * MAX_PICTURE_PIXELS  # to measure it takes a canvas of that size
    tight = own if is_giant else figure.get_tightbbox()
    is_stray = tight.width > 2 * width or tight.height > 2 * height
    box = Bbox.intersection(tight, own.expanded(1.5, 1.5)) or own if is_stray else tight
    wide, high = box.width + 2 * _PAD_INCHES, box.height + 2 * _PAD_INCHES
    dpi = min(_DPI, MAX_IMAGE_SIDE_PX / max(wide, high), (MAX_PICTURE_PIXELS / (wide * high)) ** 0.5)
    return box if is_stray or is_giant else "tight", dpi


def _opaque(figure: Any) -> Any:
    """Its own ground; where that lets through, white, or black under light letters."""
    from matplotlib.colors import to_rgb

    ground = figure.get_facecolor()
    if ground[3] == 1:
        return ground
    letters = [
        to_rgb(text.get_color()) for text in figure.findobj(lambda artist: hasattr(artist, "get_fontsize")) if text.get_text()
    ]
    lightness = sum(map(sum, letters)) / (3 * len(letters)) if letters else 0.0
    return "black" if lightness > 0.6 else "white"
