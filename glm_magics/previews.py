"""What a request holds, to be looked at before it leaves: each part as the model gets it, and a thumbnail of every picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .addresses import hide_query
from .budgets import estimate_prompt, field_tokens, system_tokens
from .errors import one_line
from .fonts import base_face
from .formats import fenced
from .grammar import plural
from .markdown import make_safe
from .messages import ImagePart, TextPart
from .pictures import thumbnail_png
from .pricing import find_price
from .providers import Provider
from .requests import ChatRequest
from .sent import SentItem

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_SHOWN_CHARS = 1500
_THUMBNAIL_PX, _GAP_PX, _ACROSS, _MOST_THUMBNAILS = 200, 12, 4, 24


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent.

    Attributes:
        host: who would get it.
        model: who would answer.
        items: a record for each value, as in ``Reply.sent``.
        images: the pictures, in order.
        price: of the input, in words; empty where none is documented.
        text: the words of the message in order, with a mark where something else stands.
    """

    host: str
    model: str
    items: Sequence[SentItem]
    images: Sequence[ImagePart]
    price: str
    text: str

    @property
    def n_tokens(self) -> int:
        """Estimated tokens of all that can be estimated."""
        return sum(item.n_tokens or 0 for item in self.items)

    def thumbnails(self) -> Image | None:
        """The pictures side by side, each with its name; None when there is none whose bytes are here."""
        return draw_sheet([image for image in self.images if image.data][:_MOST_THUMBNAILS])

    def to_bundles(self) -> list[dict[str, Any]]:
        """What to show: a table, then one picture of all thumbnails."""
        bundles: list[dict[str, Any]] = [{"text/markdown": make_safe(self._markdown()), "text/plain": self._plain()}]
        if sheet := self.thumbnails():
            n_hidden = len(self.images) - _MOST_THUMBNAILS
            more = f", {n_hidden} of them not shown" if n_hidden > 0 else ""
            n = len(self.images)
            bundles.append({"image/png": _png(sheet), "text/plain": f"{plural(n, 'picture')}{more}"})
        return bundles

    def __repr__(self) -> str:
        return "\n".join(str(bundle["text/plain"]) for bundle in self.to_bundles())

    def _ipython_display_(self) -> None:
        from IPython.display import publish_display_data

        for bundle in self.to_bundles():
            publish_display_data(_encoded(bundle))

    def _summary(self) -> str:
        unknown = " and what is behind the addresses" if any(item.n_tokens is None for item in self.items) else ""
        price = f", {self.price}" if self.price else ""
        return f"about {plural(self.n_tokens, 'token')}{unknown} to {one_line(self.model, 60)} at {self.host}{price}"

    def _plain(self) -> str:
        lines = [" · ".join(filter(None, _cells(item))) for item in self.items]
        return "\n".join(["Not sent: " + self._summary(), *lines])

    def _markdown(self) -> str:
        head = f"**Not sent**: {self._summary()}.\n\n| what | is | is sent as | size | tokens |\n|---|---|---|--:|--:|\n"
        rows = "".join(f"| {' | '.join(map(_cell, _cells(item)))} |\n" for item in self.items)
        n_hidden = len(self.images) - _MOST_THUMBNAILS
        note = f"\nOf {len(self.images)} pictures the first {_MOST_THUMBNAILS} are shown below.\n" if n_hidden > 0 else ""
        return f"{head}{rows}\n{fenced(self._shown_text(), '')}{note}"

    def _shown_text(self) -> str:
        cut = f"\n… {plural(len(self.text) - _SHOWN_CHARS, 'more character')}" if len(self.text) > _SHOWN_CHARS else ""
        return self.text[:_SHOWN_CHARS] + cut


@dataclass(frozen=True, slots=True, repr=False)
class DryRun(Preview):
    """A request that was not sent: a `Preview`, and `body` as JSON with sizes in the place of bytes."""

    body: Mapping[str, Any]

    def to_bundles(self) -> list[dict[str, Any]]:
        """The body, then as of a preview."""
        text = json.dumps(self.body, indent=2, ensure_ascii=False)
        note = "The key goes into a header, never into the body:"
        bundle = {"text/markdown": f"{note}\n\n{fenced(text, 'json')}", "text/plain": f"{note}\n{text}"}
        return [*Preview.to_bundles(self), bundle]


def preview_request(request: ChatRequest, provider: Provider) -> Preview:
    """The preview of a request; with a price where the vendor documents one for that platform."""
    others = {
        "system prompt": system_tokens(request),
        "functions and form": field_tokens(request),
        "earlier turns": request.n_earlier_tokens,
    }
    items = (*(SentItem(what, "text", n_parts=0, n_tokens=n) for what, n in others.items() if n), *request.sent)
    price = find_price(request.model, provider)
    words = str(price.estimate_prompt(estimate_prompt(request))) if price else ""
    return Preview(provider.host, request.model, items, request.images, words, _text_of(request))


def dry_run(preview: Preview, request: ChatRequest, body: Mapping[str, Any]) -> DryRun:
    """The preview with the body that would leave, sizes in the place of bytes."""
    shown = readable_body(request, body)
    return DryRun(preview.host, preview.model, preview.items, preview.images, preview.price, preview.text, shown)


def _text_of(request: ChatRequest) -> str:
    """Of the last message: the earlier turns of a chat are a row of the table."""
    parts = request.messages[-1].parts
    return "".join(part.text if isinstance(part, TextPart) else f"[{part.kind}: {part.label}]" for part in parts)


def readable_body(request: ChatRequest, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the bytes of each part replaced by what a person wants to know of it, and no secrets in addresses."""
    messages = []
    for message, wire in zip(request.messages, body["messages"], strict=True):
        if isinstance(wire.get("content"), list):
            content = [_readable(part, shape) for part, shape in zip(message.parts, wire["content"], strict=True)]
            wire = {**wire, "content": content}
        messages.append(wire)
    tools = {"tools": [_without_headers(tool) for tool in body["tools"]]} if "tools" in body else {}
    return {**body, "messages": messages, **tools}


def _without_headers(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of an MCP server that the vendor calls: its headers may hold a key."""
    server = tool.get("mcp")
    return {**tool, "mcp": {**server, "headers": "<hidden>"}} if isinstance(server, Mapping) and "headers" in server else tool


def _readable(part: Any, shape: dict[str, Any]) -> dict[str, Any]:
    kind = shape["type"]
    if kind == "text":
        return shape
    field = "data" if kind == "input_audio" else "url"
    shown = f"<{describe(part)}>" if getattr(part, "data", b"") else hide_query(part.url)
    return {"type": kind, kind: {**shape[kind], field: shown}}


def describe(part: Any) -> str:
    """``df: png, 980 × 640 px, 42 kB``; the mime type, seconds and size of other parts that carry bytes."""
    kind = getattr(part, "mime", getattr(part, "format", "")).rpartition("/")[2]
    pixels = f"{part.width_px} × {part.height_px} px" if isinstance(part, ImagePart) else f"{part.seconds:.1f} s"
    return f"{part.label}: {kind}, {pixels}, {_size(len(part.data))}"


def _size(n_bytes: int) -> str:
    return f"{n_bytes} B" if n_bytes < 1000 else f"{n_bytes // 1000:,} kB"


def _cells(item: SentItem) -> list[str]:
    tokens = "?" if item.n_tokens is None else f"{item.n_tokens:,}"
    label = one_line(item.label, 60) or "your words"
    return [label, item.source, item.form, _size(item.n_bytes) if item.n_bytes else "", tokens]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("*", "\\*").replace("_", "\\_")


def draw_sheet(images: Sequence[ImagePart]) -> Image | None:
    """Thumbnails in rows of four on a transparent sheet, each framed, its name above it."""
    from PIL import Image as pil
    from PIL import ImageDraw, ImageFont

    if not images:
        return None
    thumbnails = [pil.open(BytesIO(thumbnail_png(image, _THUMBNAIL_PX))) for image in images]
    rows = [range(i, min(i + _ACROSS, len(images))) for i in range(0, len(images), _ACROSS)]
    across = _THUMBNAIL_PX + _GAP_PX
    heights = [max(thumbnails[i].height for i in row) + _NAME_PX + _GAP_PX for row in rows]
    sheet = pil.new("RGBA", (len(rows[0]) * across + _GAP_PX, sum(heights)), (0, 0, 0, 0))
    brush, font = ImageDraw.Draw(sheet), ImageFont.truetype(base_face().path, 12)
    y = 0
    for row, height in zip(rows, heights, strict=True):
        for column, i in enumerate(row):
            x, top, thumbnail = _GAP_PX + column * across, y + _NAME_PX, thumbnails[i]
            sheet.paste(thumbnail, (x, top))
            brush.rectangle((x - 1, top - 1, x + thumbnail.width, top + thumbnail.height), outline=_FRAME)
            brush.text((x, y + 2), _fitting(_name(images[i]), font), fill=_FRAME, font=font)
        y += height
    return sheet


_NAME_PX = 20
_FRAME = (128, 128, 128, 255)
"""A grey that reads on a white and on a dark page."""


def _name(image: ImagePart) -> str:
    name = one_line(f"{image.label}, {image.source}" if image.source else image.label, 60)
    return "".join(letter if base_face().has(letter) else "?" for letter in name)


def _fitting(name: str, font: FreeTypeFont) -> str:
    while font.getlength(name) > _THUMBNAIL_PX:
        name = f"{name[:-2]}…"
    return name


def _png(image: Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _encoded(bundle: Mapping[str, Any]) -> dict[str, Any]:
    from base64 import b64encode

    return {mime: b64encode(data).decode() if isinstance(data, bytes) else data for mime, data in bundle.items()}
