"""Messages and parts, and the exact JSON they become."""

from __future__ import annotations

import base64

import pytest

from glm_magics.messages import AudioPart, FilePart, ImagePart, Message, TextPart, VideoPart, join_text

PNG = b"\x89PNG" + bytes(range(256)) * 4
BASE64 = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    ("part", "image_form", "wire"),
    [
        pytest.param(TextPart("hé"), "base64", {"type": "text", "text": "hé"}, id="text"),
        pytest.param(ImagePart(PNG), "base64", {"type": "image_url", "image_url": {"url": BASE64}}, id="image-vendor"),
        pytest.param(
            ImagePart(PNG, "image/jpeg"),
            "data_uri",
            {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{BASE64}"}},
            id="image-self-hosted",
        ),
        pytest.param(
            ImagePart(url="https://x.org/a.png"),
            "data_uri",
            {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}},
            id="image-url",
        ),
        pytest.param(
            VideoPart("https://x.org/a.mp4"),
            "base64",
            {"type": "video_url", "video_url": {"url": "https://x.org/a.mp4"}},
            id="video",
        ),
        pytest.param(
            FilePart("https://x.org/a.pdf"), "base64", {"type": "file_url", "file_url": {"url": "https://x.org/a.pdf"}}, id="file"
        ),
        pytest.param(
            AudioPart(b"RIFF"),
            "base64",
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            id="audio",
        ),
    ],
)
def test_parts_on_the_wire(part, image_form, wire) -> None:
    """Each part has the vendor's shape; base64 has no line breaks and no prefix unless the server needs one."""
    assert part.to_wire(image_form) == wire


def test_a_text_message_is_a_string_on_the_wire() -> None:
    """Text models refuse a list of parts."""
    assert Message("user", (TextPart("a"), TextPart("b"))).to_wire("base64") == {"role": "user", "content": "ab"}


def test_a_mixed_message_keeps_its_order() -> None:
    """Words and pictures stay where they were written."""
    message = Message("user", (TextPart("a"), ImagePart(url="u"), TextPart("b")))
    assert [part["type"] for part in message.to_wire("base64")["content"]] == ["text", "image_url", "text"]
    assert message.kinds == {"text", "image"}


def test_neighbouring_texts_are_joined() -> None:
    """Text parts next to each other become one, empty ones go, pictures part them."""
    image = ImagePart(url="u")
    parts = [TextPart(""), TextPart("a"), TextPart("b"), image, TextPart(""), image, TextPart("c")]
    assert join_text(parts) == (TextPart("ab"), image, image, TextPart("c"))
    assert join_text([]) == ()


def test_reprs_do_not_hold_the_bytes() -> None:
    """A picture in a traceback or a log is short."""
    assert len(repr(ImagePart(PNG * 1000))) < 300
    assert len(repr(AudioPart(PNG * 1000))) < 300
