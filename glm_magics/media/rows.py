"""Which loader is whose, as two tables: types by their name, so that no library is imported to ask, and files by what they are.

A loader is named ``module.function`` of this folder and imported when its type is first met. Adding an input kind is one
function and one row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from .loading import Blob

_FRAMES = (
    *("pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.LazyFrame", "polars.Series", "pyarrow.Table"),
    *("pyarrow.RecordBatch", "duckdb.DuckDBPyRelation", "_duckdb.DuckDBPyRelation", "modin.DataFrame", "modin.Series"),
    *("cudf.DataFrame", "cudf.Series", "ibis.Table", "dask.DataFrame", "dask_expr.DataFrame", "narwhals.DataFrame"),
    *("narwhals.LazyFrame", "narwhals.Series", "pandas.Styler", "pandas.BaseGroupBy", "pandas.BaseWindow"),
    *("polars.GroupBy", "polars.LazyGroupBy", "polars.RollingGroupBy", "polars.DynamicGroupBy", "glm_magics.tables.Table"),
)
TYPES: Mapping[str, str] = {
    "taught": "registry.load_taught",
    "method": "registry.load_by_method",
    "builtins.str": "links.load_text",
    "builtins.bytes": "images.load_bytes",
    "builtins.bytearray": "images.load_bytes",
    "builtins.memoryview": "images.load_bytes",
    "builtins.list": "lists.load_items",
    "glm_magics.celloutputs.CellOutputs": "outputs.load_outputs",
    "glm_magics.celloutputs.Cells": "outputs.load_cells",
    "builtins.tuple": "audio.load_pair",
    "builtins.dict": "lists.load_mapping",
    "pathlib.PurePath": "paths.load_path",
    "pypdfium2.PdfDocument": "documents.load_document",
    "pypdfium2.PdfPage": "documents.load_page",
    "glm_magics.media.audio.Sound": "audio.load_sound",
    "IPython.Audio": "audio.load_display",
    "IPython.Video": "video.load_display",
    "moviepy.VideoClip": "video.load_moviepy",
    "PIL.Image": "images.load_image",
    "matplotlib.FigureBase": "plots.load_figure",
    "matplotlib.Artist": "plots.load_artist",
    "matplotlib.Container": "plots.load_artist",
    "matplotlib.Animation": "plots.load_animation",
    "seaborn._BaseGrid": "charts.load_grid",
    "seaborn.Plot": "charts.load_seaborn_plot",
    "plotnine.ggplot": "charts.load_ggplot",
    "plotnine.Compose": "charts.load_ggplot",
    "altair.TopLevelMixin": "charts.load_altair",
    "plotly.BaseFigure": "charts.load_plotly",
    "bokeh.LayoutDOM": "charts.load_bokeh",
    "holoviews.Dimensioned": "charts.load_holoviews",
    "numpy.ndarray": "arrays.load_array",
    "torch.Tensor": "tensors.load_torch",
    "jaxlib.ArrayImpl": "tensors.load_jax",
    "IPython.Image": "reprs.load_display_image",
    "IPython.TextDisplayObject": "reprs.load_display_text",
    "sympy.Printable": "reprs.load_as_text",
    "picture": "reprs.load_shown",
    "bundle": "reprs.load_shown",
    "page": "reprs.load_page",
    **dict.fromkeys((f"glm_magics.messages.{kind}Part" for kind in ("Text", "Image", "Video", "File", "Audio")), "dispatch.keep"),
    **dict.fromkeys(_FRAMES, "tables.load_frame"),
}
"""By a class's module (its top package, or in full) and name; the nearest base with a row counts."""

PLAIN = frozenset({"", "builtins.str", "builtins.list", "builtins.tuple", "builtins.dict", "sympy.Printable", "bundle"})
"""Rows of what may be no more than text; a list of nothing else is text."""


TAUGHT: dict[type, Callable[[Any], object]] = {}
"""What other libraries taught (`registry.register`); a process-wide table, as types are."""

METHOD = "__glm__"
"""The method by which a class of its own says what is sent for it."""


@lru_cache(maxsize=256)
def _row_name(cls: type) -> str:
    if any(base in TAUGHT for base in cls.__mro__):
        return "taught"
    if callable(getattr(cls, METHOD, None)):
        return "method"
    for base in cls.__mro__[:-1]:
        for name in (f"{base.__module__}.{base.__qualname__}", f"{base.__module__.partition('.')[0]}.{base.__qualname__}"):
            if name in TYPES:
                return name
    shown = (row for row, methods in _SHOWING.items() if any(callable(getattr(cls, name, None)) for name in methods))
    return next(shown, "page" if callable(getattr(cls, "_repr_html_", None)) and has_no_text(cls) else "")


def has_no_text(cls: type) -> bool:
    """True where ``str`` gives ``<X object at 0x…>``: the class says nothing of its own."""
    return all(getattr(cls, name) is getattr(object, name) for name in ("__str__", "__repr__"))


_SHOWING = {"picture": ("_repr_png_", "_repr_jpeg_", "_repr_svg_", "to_image"), "bundle": ("_repr_mimebundle_",)}
"""The rows of classes that can show themselves as a picture, by a method of the class: a mock has any that it is asked for."""


def teach(cls: type, make: Callable[[Any], object]) -> None:
    """Adds a row for a class; the last word counts."""
    TAUGHT[cls] = make
    _row_name.cache_clear()


def row_of(value: Any) -> str:
    """The row for a value's class or its nearest base; empty when there is none."""
    return _row_name(type(value))  # type: ignore[arg-type]  # classes are hashable, whatever mypy says


@dataclass(frozen=True, slots=True)
class FileKind:
    """One row: a kind of file.

    Attributes:
        name: for people.
        loader: ``module.function``, called with the `Blob`.
        suffixes: how such a file's name ends.
        starts: how its bytes begin; asked first, since names lie.
        link: the kind of part in which a server fetches it by address, if there is one.
        selects: what brackets behind its path choose: ``pages``, ``times``, ``lines``, …; empty when there is nothing to choose.
        looks: how its bytes begin where fixed ones do not say it.
    """

    name: str
    loader: str
    suffixes: frozenset[str]
    starts: tuple[bytes, ...] = ()
    link: str = ""
    selects: str = ""
    looks: re.Pattern[bytes] | None = None


def _suffixes(words: str) -> frozenset[str]:
    return frozenset(f".{word}" for word in words.split())


_SOURCES = (
    "md rst tex csv tsv json yaml yml toml ini cfg conf log xml html css sql py pyi r jl js mjs ts tsx jsx c h cc cpp hpp cs "
    "java kt go rs rb php pl lua swift scala sh bash zsh ps1 bat diff patch srt vtt bib env"
)

FILES: tuple[FileKind, ...] = (
    FileKind(
        "picture",
        "images.load_file",
        _suffixes("png jpg jpeg webp gif bmp tif tiff heic heif avif"),
        (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*"),
        "image",
        "frames or pages",
        re.compile(rb"BM.{4}\0{4}|RIFF.{4}WEBP|.{4}ftyp(?:hei|hev|mif1|msf1|avi)", re.DOTALL),
    ),
    FileKind(
        "video",
        "video.load_file",
        _suffixes("mp4 m4v mov mkv webm avi"),
        (b"\x1aE\xdf\xa3",),
        "video",
        "times",
        re.compile(rb"RIFF.{4}AVI |.{4}(?:moov|mdat)|\0.{3}(?:wide|ftyp(?!M4[AB] |hei|hev|mif1|msf1|avi|jp|crx))", re.DOTALL),
    ),
    FileKind(
        "sound",
        "audio.load_file",
        _suffixes("wav mp3 flac ogg oga opus m4a aac"),
        (b"fLaC\0", b"OggS\0"),
        selects="times",
        looks=re.compile(rb"ID3[\2-\4]\0|RIFF.{4}WAVE|\0.{3}ftypM4[AB] |\xff[\xe2\xe3\xf0-\xf3\xf8-\xfb]", re.DOTALL),
    ),
    FileKind("SVG", "vector.load_file", _suffixes("svg svgz"), (b"<svg",)),
    FileKind("PDF", "documents.load_file", _suffixes("pdf"), (b"%PDF",), "file", "pages"),
    FileKind(
        "Office file",
        "office.load_file",
        _suffixes("docx docm dotx xlsx xlsm xltx pptx pptm ppsx doc xls ppt"),
        (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"{\\rtf"),  # others that begin so are told by their content
        "file",
        "sheets or slides",
    ),
    FileKind("notebook", "notebooks.load_file", _suffixes("ipynb"), selects="cells"),
    FileKind("stored table", "columnar.load_file", _suffixes("parquet feather arrow"), (b"PAR1", b"ARROW1", b"FEA1")),
    FileKind("text", "texts.load_file", _suffixes("txt jsonl"), link="file", selects="lines"),
    FileKind("text", "texts.load_file", _suffixes(_SOURCES), selects="lines"),
)
"""Every kind of file that can be sent; the first row that matches counts."""


def find_file_kind(blob: Blob) -> FileKind | None:
    """The row for a file, by its first bytes, then by its name.

    Raises:
        OSError: it cannot be read.
    """
    head = blob.head()
    for kind in FILES:
        if head.startswith(kind.starts) or (kind.looks and kind.looks.match(head)):
            return kind
    return next((kind for kind in FILES if blob.suffix in kind.suffixes), None)


@cache
def find_loader(name: str) -> Any:
    """The function behind ``module.function``."""
    module, _, function = name.partition(".")
    return getattr(import_module(f".{module}", __package__), function)
