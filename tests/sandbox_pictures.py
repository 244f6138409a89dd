"""What the tests of the sandbox share: a client, pictures as base64, requests, and the frames of a stream."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import Any

import httpx
import numpy as np
from PIL import Image

from glm_magics.sandbox import Sandbox


def png(pixels: Any, image_format: str = "PNG") -> bytes:
    """An array of shape (height, width[, 3]) as an encoded picture."""
    buffer = BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(buffer, image_format)
    return buffer.getvalue()


def base64_png(pixels: Any) -> str:
    return base64.b64encode(png(pixels)).decode()


def plain_picture(width_px: int = 40, height_px: int = 30, rgb: tuple[int, int, int] = (255, 255, 255)) -> Any:
    return np.full((height_px, width_px, 3), rgb, dtype=np.uint8)


def client_of(sandbox: Sandbox, key: str | None = "a.b") -> httpx.Client:
    """A client of a sandbox; without certificates to load, which would take longer than a test."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return httpx.Client(base_url=sandbox.base_url, headers=headers, timeout=20, verify=False)


def user(content: Any, model: str = "glm-4.7", **fields: Any) -> dict[str, Any]:
    """A request body with one user message."""
    return {"model": model, "messages": [{"role": "user", "content": content}], **fields}


def with_picture(url: str, text: str = "Describe it.") -> list[dict[str, Any]]:
    return [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": text}]


def frames(raw: bytes) -> list[Any]:
    """The JSON values of a stream, ``[DONE]`` as that string."""
    assert raw.endswith(b"\n\n")
    lines = [frame.removeprefix(b"data: ") for frame in raw.split(b"\n\n")[:-1]]
    return ["[DONE]" if line == b"[DONE]" else json.loads(line) for line in lines]


def deltas(chunks: list[Any], name: str) -> str:
    """One field of all deltas, joined."""
    found = [choice["delta"].get(name) or "" for chunk in chunks if chunk != "[DONE]" for choice in chunk["choices"]]
    return "".join(found)
