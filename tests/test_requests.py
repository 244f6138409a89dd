"""What may be asked of which model, and the body that leaves."""

from __future__ import annotations

import itertools

import pytest

from glm_magics.catalog import Model, models
from glm_magics.errors import ModelError, OptionError
from glm_magics.messages import AudioPart, FilePart, ImagePart, Message, Part, TextPart, VideoPart
from glm_magics.providers import PROVIDERS, server_provider
from glm_magics.requests import ChatRequest, build_body, check_request, model_role, resolve_model

ZAI = PROVIDERS["zai"]
LOCAL = server_provider("http://localhost:8000")
PARTS: dict[str, Part] = {
    "text": TextPart("t"),
    "image": ImagePart(url="https://x.org/a.png"),
    "video": VideoPart("https://x.org/a.mp4"),
    "file": FilePart("https://x.org/a.pdf"),
    "audio": AudioPart(b"RIFF"),
}
CHAT_MODELS = [row for row in models().values() if row.can_chat]
OTHERS = [row for row in models().values() if not row.can_chat]


def asking(model: str, *kinds: str, **facts) -> ChatRequest:
    return ChatRequest(model, [Message("user", tuple(PARTS[kind] for kind in kinds or ("text",)))], **facts)


@pytest.mark.parametrize("row", CHAT_MODELS, ids=lambda row: row.id)
@pytest.mark.parametrize("kind", PARTS)
def test_each_model_takes_what_its_row_says(row: Model, kind: str) -> None:
    """An input of the row passes; any other is refused before sending, with a model that takes it."""
    request = asking(row.id, "text", kind)
    if kind in row.inputs:
        check_request(request, ZAI)
        assert build_body(request, ZAI)["model"] == row.id
        return
    with pytest.raises(ModelError) as caught:
        check_request(request, ZAI)
    assert row.id in caught.value.message
    assert kind in caught.value.message
    assert "glm-4" in caught.value.way_out


@pytest.mark.parametrize("row", OTHERS, ids=lambda row: row.id)
def test_models_of_other_kinds_do_not_chat(row: Model) -> None:
    """Embedding and realtime models are refused in a sentence."""
    with pytest.raises(ModelError, match="no chat model") as caught:
        check_request(asking(row.id), ZAI)
    way_out = {"realtime": f'Talk with it: glm.talk("{row.id}");'}.get(row.kind, f"It is of kind {row.kind};")
    assert caught.value.way_out.startswith(way_out)


@pytest.mark.parametrize(
    ("row", "think"), list(itertools.product(CHAT_MODELS, ("on", "off", "auto"))), ids=lambda value: getattr(value, "id", value)
)
def test_each_model_thinks_as_its_row_says(row: Model, think) -> None:
    """The switch is sent to models that have one, and refused where it would change nothing or is not accepted."""
    request = asking(row.id, think=think)
    if (think, row.thinking) in (("off", "always"), ("on", "none")):
        with pytest.raises(OptionError, match="think"):
            check_request(request, ZAI)
        return
    check_request(request, ZAI)
    body = build_body(request, ZAI)
    is_sent = think != "auto" and row.thinking == "switchable"
    assert body.get("thinking") == ({"type": "enabled" if think == "on" else "disabled"} if is_sent else None)


@pytest.mark.parametrize("row", [row for row in CHAT_MODELS if row.max_output_tokens], ids=lambda row: row.id)
def test_each_model_has_a_longest_answer(row: Model) -> None:
    """Its own maximum passes, one token more does not."""
    check_request(asking(row.id, max_tokens=row.max_output_tokens), ZAI)
    with pytest.raises(OptionError, match=str(row.max_output_tokens)):
        check_request(asking(row.id, max_tokens=row.max_output_tokens + 1), ZAI)


@pytest.mark.parametrize(
    ("model", "most"), [("glm-4v-plus-0111", 5), ("glm-4v-flash", 1), ("glm-4.6v", 150), ("glm-4.5v", 50), ("glm-5.3-flash", 50)]
)
def test_each_model_takes_so_many_pictures(model: str, most: int) -> None:
    """The documented number passes, one more is refused; where two pages differ the larger counts."""
    check_request(asking(model, "text", *["image"] * most), ZAI)
    with pytest.raises(ModelError, match=f"{most} pictures? at most"):
        check_request(asking(model, *["image"] * (most + 1)), ZAI)


def test_a_model_that_takes_urls_only_gets_no_bytes() -> None:
    """glm-4v-flash refuses base64."""
    request = ChatRequest("glm-4v-flash", [Message("user", (ImagePart(b"\x89PNG"),))])
    with pytest.raises(ModelError, match="by URL only"):
        check_request(request, ZAI)


@pytest.mark.parametrize("two", [("image", "file"), ("video", "file"), ("image", "video")])
def test_files_pictures_and_videos_go_alone(two: tuple[str, str]) -> None:
    """The vendor does not understand two of them in one request."""
    for kind in two:
        check_request(asking("glm-4.6v", "text", kind), ZAI)
    with pytest.raises(ModelError, match="One message cannot hold"):
        check_request(asking("glm-4.6v", *two), ZAI)


def test_self_hosted_and_unknown_models_are_not_checked() -> None:
    """What the catalogue does not know, the server decides."""
    check_request(asking("glm-4.7", "image", think="on", max_tokens=10**9), LOCAL)
    check_request(asking("glm-9", "image"), ZAI)


@pytest.mark.parametrize(
    ("kinds", "role"),
    [
        (set(), "text"), ({"text"}, "text"), ({"text", "image"}, "vision"), ({"video"}, "vision"), ({"file"}, "vision"),
        ({"audio"}, "voice"), ({"audio", "image"}, "voice"), ({"something"}, "text"),
    ],
)  # fmt: skip
def test_the_default_follows_the_message(kinds: set[str], role: str) -> None:
    """Audio, then pictures, then text."""
    assert model_role(frozenset(kinds)) == role


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("4.7", ZAI, "glm-4.7"),
        ("GLM-4.6V", ZAI, "glm-4.6v"),
        ("zai-org/GLM-4.5-Air", ZAI, "glm-4.5-air"),
        ("glm-9!", ZAI, "glm-9"),
        ("4.7", LOCAL, "4.7"),
        ("zai-org/GLM-4.7-FP8", LOCAL, "zai-org/GLM-4.7-FP8"),
        ("x!", LOCAL, "x"),
    ],
)
def test_names_become_wire_names(name: str, provider, model: str) -> None:
    """Short names at the vendor; anything elsewhere or with a final !."""
    assert resolve_model(name, provider) == model


@pytest.mark.parametrize(
    ("name", "said"), [("glm-47", "`glm-4.7`"), ("gpt", "%glm_models"), ("!", "no model"), (" !", "no model")]
)
def test_unknown_models_are_refused_with_the_nearest(name: str, said: str) -> None:
    """One sentence, and how to ask for it all the same."""
    with pytest.raises(ModelError) as caught:
        resolve_model(name, ZAI)
    assert said in str(caught.value)


def test_the_body_holds_what_was_said_and_nothing_else() -> None:
    """Golden bodies: the smallest, the fullest, and the same for a server of one's own."""
    assert build_body(asking("glm-4.7"), ZAI) == {
        "model": "glm-4.7",
        "messages": [{"role": "user", "content": "t"}],
        "stream": True,
    }
    full = ChatRequest(
        "glm-4.6v",
        [Message("system", (TextPart("brief"),)), Message("user", (TextPart("t"), ImagePart(b"abc", "image/jpeg")))],
        think="off", temperature=0.0, top_p=0.5, max_tokens=7, stop="END", is_streamed=False,
    )  # fmt: skip
    body = {
        "model": "glm-4.6v",
        "messages": [
            {"role": "system", "content": "brief"},
            {"role": "user", "content": [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "YWJj"}}]},
        ],
        "stream": False,
        "thinking": {"type": "disabled"},
        "temperature": 0.0,
        "top_p": 0.5,
        "max_tokens": 7,
        "stop": ["END"],
    }
    assert build_body(full, ZAI) == body
    local = build_body(full, LOCAL)
    assert "thinking" not in local
    assert local["chat_template_kwargs"] == {"enable_thinking": False}
    assert local["messages"][1]["content"][1]["image_url"]["url"] == "data:image/jpeg;base64,YWJj"
    assert "stream_options" not in local
    assert build_body(asking("m"), LOCAL)["stream_options"] == {"include_usage": True}
