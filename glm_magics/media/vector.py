"""SVG as pictures, drawn by resvg in a process of its own; nothing is opened or fetched for a drawing that asks for it."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..errors import MediaError, MissingExtraError
from ..messages import Part, TextPart
from ..pictures import MAX_IMAGE_SIDE_PX, load_picture, named
from ..tokens import MAX_PICTURE_PIXELS
from .loading import Blob, Loading
from .texts import check_length, write_block

MAX_SVG_BYTES = 20_000_000
_TIMEOUT_S = 20
_MAX_MEMORY_BYTES = 2_000_000_000
_SCALE, _MIN_SIDE_PX = 150 / 96, 512
"""As figures: 150 dots to the inch, of which SVG has 96; small icons larger, as it costs no sharpness."""

_PROGRAM = """
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
except (ImportError, ValueError, OSError):
    pass
sys.path.insert(0, sys.argv[1])
import resvg_py
sizes = {name: int(word) for name, word in zip(("width", "height"), sys.argv[3:])} or {"zoom": 2.0}
try:
    png = resvg_py.svg_to_bytes(svg_string=sys.stdin.buffer.read().decode("utf-8"), dpi=96.0, **sizes)
except ValueError as error:
    sys.exit(str(error))
sys.stdout.buffer.write(png)
"""
"""resvg dies of a deep or a huge drawing, and some filters keep it busy for hours: the notebook has to live on."""


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """An SVG file, packed (svgz) or not."""
    label = loading.label or blob.label
    data = blob.read(MAX_SVG_BYTES)
    if data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data, MAX_SVG_BYTES + 1)
        except zlib.error as error:
            raise MediaError(f"{named(label)} is damaged.", "Save it again as svg.") from error
    return load_svg(data, label, loading)


def load_svg(svg: bytes, label: str, loading: Loading) -> Iterable[Part]:
    """A drawing as a picture; for a model without eyes its source, which says what is in it.

    Raises:
        MediaError: it is no SVG, nothing is in it, or it takes too long or too much to draw.
        MissingExtraError: resvg is not installed.
    """
    root = _parse(svg, label)
    if not loading.intake.sees_bytes:
        text = svg.decode("utf-8", "replace")
        check_length(text, label, "Send it to a model that takes pictures.")
        return [TextPart(write_block(named(label), text, "svg"), label)]
    spec = find_spec("resvg_py")
    if spec is None or spec.origin is None:
        raise MissingExtraError.naming("svg", f"{named(label)} is an SVG, which resvg-py draws; it is not installed.")
    _cut_references(root)
    try:
        source = ElementTree.tostring(root)
    except RecursionError:
        raise MediaError(f"{named(label)} is nested too deeply to be drawn.", "Save it as png.") from None
    return [load_picture(_draw(source, _size_px(root), Path(spec.origin).parents[1], label), label)]


def _parse(svg: bytes, label: str) -> ElementTree.Element:
    """Expat limits what entities may grow to, and ElementTree opens none that lie outside."""
    if len(svg) > MAX_SVG_BYTES:
        raise MediaError(f"{named(label)} is larger than {MAX_SVG_BYTES // 1_000_000} MB.", "Save it as png.")
    try:
        root = ElementTree.fromstring(svg)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise MediaError(f"{named(label)} is no readable SVG.", "Does a browser show it? Save it as png.") from error
    if root.tag.rpartition("}")[2] != "svg":
        raise MediaError(f"{named(label)} is XML, but no SVG.", "Send it as text.")
    if not len(root):
        raise MediaError(f"{named(label)} is an SVG with nothing in it.", "Look at how it was made.")
    return root


def _cut_references(root: ElementTree.Element) -> None:
    """A drawing could name any picture on this machine, and resvg would paint it in: only what is in the file itself stays."""
    for element in root.iter():
        for name in [name for name in element.attrib if name.rpartition("}")[2] == "href"]:
            if not element.attrib[name].lstrip().startswith(("#", "data:")):
                del element.attrib[name]


_LENGTH = re.compile(r"\s*(\d*\.?\d+(?:e[+-]?\d+)?)\s*(px|pt|pc|mm|cm|in|)\s*", re.IGNORECASE | re.ASCII)
_PX_OF = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}


def _length_px(word: str | None) -> float:
    found = _LENGTH.fullmatch(word or "")
    return float(found[1]) * _PX_OF[found[2].lower()] if found else 0.0


def _size_px(root: ElementTree.Element) -> tuple[int, int] | None:
    """How large it is drawn; None where it does not say how large it is."""
    view = [_length_px(word) for word in re.split(r"[\s,]+", root.get("viewBox", "").strip())]
    width, height = _length_px(root.get("width")), _length_px(root.get("height"))
    view_width, view_height = view[2:] if len(view) == 4 else (0.0, 0.0)
    if view_width and view_height:
        width = width or (height * view_width / view_height or view_width)
        height = height or width * view_height / view_width
    if not 0 < width < 1e9 or not 0 < height < 1e9:
        return None
    scale = max(_SCALE, _MIN_SIDE_PX / max(width, height))
    scale = min(scale, MAX_IMAGE_SIDE_PX / max(width, height), (MAX_PICTURE_PIXELS / (width * height)) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _draw(svg: bytes, size_px: tuple[int, int] | None, packages: Path, label: str) -> bytes:
    command = [sys.executable, "-P", "-c", _PROGRAM, str(packages), str(_MAX_MEMORY_BYTES), *map(str, size_px or ())]
    try:
        done: Any = subprocess.run(command, input=svg, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise MediaError(f"{named(label)} takes longer than {_TIMEOUT_S} s to draw.", "Save it as png.") from None
    except (OSError, TypeError, ValueError) as error:  # an interpreter within another program has no executable
        raise MediaError(f"{named(label)} cannot be drawn here: no Python can be started.", "Save it as png.") from error
    if done.returncode:
        raise MediaError(f"{named(label)} cannot be drawn: it is empty, too large or damaged.", "Save it as png.")
    return bytes(done.stdout)
