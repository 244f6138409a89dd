"""The ES module of a widget: plain scripts that read in one sitting, joined as they are."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent / "page"


def read_module(*names: str) -> str:
    """The scripts of these names, one below the other; the last one exports what anywidget calls."""
    return "\n".join(read_page(f"{name}.js") for name in names)


def read_style(name: str) -> str:
    """The style of a widget, below what all of them share."""
    return "\n".join((read_page("theme.css"), read_page(f"{name}.css")))


def read_page(name: str) -> str:
    """The text of one file of the page."""
    return (_HERE / name).read_text(encoding="utf-8")
