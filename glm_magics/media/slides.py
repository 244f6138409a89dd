"""PowerPoint files: the text of each slide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ..messages import Part, TextPart
from ..pictures import named
from .extras import library
from .loading import Loading
from .selections import parse_pages
from .texts import write_block


def read_slides(file: BinaryIO, loading: Loading) -> list[Part]:
    """The slides, or those in brackets: titles, text, tables, the series of charts, and the speaker's notes."""
    slides = list(library("pptx", loading.label).Presentation(file).slides)
    numbers = parse_pages(loading.selection, len(slides), "slide") if loading.selection else range(1, len(slides) + 1)
    parts: list[Part] = []
    for number in numbers:
        slide = slides[number - 1]
        source = f"slide {number} of {len(slides)}"
        if lines := [line for line in _lines(slide) if line.strip()]:
            hidden = ", hidden" if slide.element.get("show") == "0" else ""
            block = write_block(f"{named(loading.label)}, {source}{hidden}", "\n".join(lines))
            parts.append(TextPart(block, loading.label, source))
    return parts


def _lines(slide: Any) -> Iterator[str]:
    for shape in slide.shapes:
        yield from _shape_lines(shape)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            yield f"Notes: {notes}"


def _shape_lines(shape: Any) -> Iterator[str]:
    if hasattr(shape, "shapes"):  # a group
        for inner in shape.shapes:
            yield from _shape_lines(inner)
    elif shape.has_text_frame:
        yield from ("  " * paragraph.level + paragraph.text.replace("\v", " ") for paragraph in shape.text_frame.paragraphs)
    elif getattr(shape, "has_table", False):
        for row in shape.table.rows:
            yield "| " + " | ".join(cell.text.replace("\n", " ") for cell in row.cells) + " |"
    elif getattr(shape, "has_chart", False):
        yield from _chart_lines(shape.chart)
    elif hasattr(shape, "image"):
        yield f"[picture: {shape.name}]"


def _chart_lines(chart: Any) -> Iterator[str]:
    title = chart.chart_title.text_frame.text if chart.has_title and chart.chart_title.has_text_frame else ""
    yield f"[chart: {title or chart.chart_type}]"
    for plot in chart.plots:
        categories = [str(category) for category in plot.categories]
        for series in plot.series:
            values = ", ".join(f"{name}: {value}" for name, value in zip(categories, series.values, strict=False))
            yield f"{series.name}: {values or ', '.join(map(str, series.values))}"
