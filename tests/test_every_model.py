"""Every chat and vision model of the vendor's pages: what it takes leaves in its form, what it does not is refused before."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from PIL import Image

from glm_magics.catalog import models
from glm_magics.errors import InputError
from glm_magics.messages import Message, TextPart
from glm_magics.options import parse_options
from glm_magics.providers import PROVIDERS
from glm_magics.requests import ChatRequest, check_request
from glm_magics.sandbox.checks import read_request, without_nulls
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

from .films import film, sound
from .test_magics import run

FULL, OWN = "text image video file", "text image video"


class Row(NamedTuple):
    """What the vendor's pages say of a model. None: nothing is said.

    `json`: it has JSON mode. `pictures`, `videos`, `files`: most in one request (the larger of two platforms' numbers).
    `has_bytes`: pictures may be sent as such, not by address alone. `longest`: tokens of an answer.
    """

    id: str
    takes: str
    thinking: str
    tools: bool | None
    json: bool | None
    pictures: int | None
    has_bytes: bool | None
    videos: int | None
    files: int | None
    longest: int | None


ROWS = (
    Row("glm-4.7", "text", "switchable", True, True, None, None, None, None, 131072),
    Row("glm-4.6", "text", "switchable", True, True, None, None, None, None, 131072),
    Row("glm-4.5", "text", "switchable", True, True, None, None, None, None, 98304),
    Row("glm-4.5-air", "text", "switchable", True, True, None, None, None, None, 98304),
    Row("glm-4.5-x", "text", "switchable", True, True, None, None, None, None, 98304),
    Row("glm-4.5-airx", "text", "switchable", True, True, None, None, None, None, 98304),
    Row("glm-4.5-flash", "text", "switchable", True, True, None, None, None, None, 98304),
    Row("glm-4.6v", FULL, "switchable", True, False, 150, True, 2, 50, 32768),
    Row("glm-4.6v-flashx", FULL, "switchable", True, False, 150, True, 2, 50, 32768),
    Row("glm-4.6v-flash", FULL, "switchable", True, False, 150, True, 2, 50, 32768),
    Row("glm-4.5v", FULL, "switchable", False, False, 50, True, 1, 50, 16384),
    Row("glm-4.1v-thinking-flash", OWN, "always", False, False, None, True, 1, None, 16384),
    Row("glm-4.1v-thinking-flashx", OWN, "always", False, False, None, True, 1, None, 16384),
    Row("glm-4v-plus-0111", OWN, "none", False, False, 5, True, 1, None, 8192),
    Row("glm-4v-flash", "text image", "none", False, False, 1, False, None, None, 1024),
    Row("glm-4v", "text image", "none", None, None, None, None, None, None, None),
    Row("glm-4.7-flash", "text", "switchable", True, True, None, None, None, None, 131072),
    Row("glm-4.7-flashx", "text", "switchable", True, True, None, None, None, None, 131072),
    Row("glm-5", "text", "switchable", True, True, None, None, None, None, 131072),
    Row("glm-5-turbo", "text", "switchable", True, True, None, None, None, None, 131072),
    Row("glm-5.1", "text", "switchable", True, True, None, None, None, None, 131072),
    Row("glm-5.2", "text", "switchable", True, True, None, None, None, None, 131072),
    Row("glm-5.3", "text", "always", True, True, None, None, None, None, 131072),
    Row("glm-5.3-flash", FULL, "always", True, None, 50, True, 1, None, 131072),
    Row("glm-5.3-flashx", FULL, "always", True, None, 50, True, 1, None, 131072),
    Row("glm-5v-turbo", FULL, "switchable", None, False, 150, True, 2, 50, 131072),
    Row("glm-4-32b-0414-128k", "text", "none", True, None, None, None, None, None, 16384),
)
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)

LINK, CLIP, PAPER = "https://x.org/a.png", "https://x.org/a.mp4", "https://x.org/a.pdf"
PHOTO = Image.new("RGB", (30, 20), "red")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


class Case(NamedTuple):
    """A question, whether a row takes it (None: the row has nothing to say), what a refusal says, and the form it leaves in."""

    content: Callable[[Row], list[object]]
    options: Callable[[Row], Mapping[str, Any]]
    is_taken: Callable[[Row], bool | None]
    refusal: str = ""
    has_form: Callable[[Row, dict[str, Any]], object] = lambda row, body: True


def parts(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of the user's message."""
    content = body["messages"][-1]["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def kinds(body: Mapping[str, Any]) -> list[str]:
    return [part["type"] for part in parts(body)]


def addresses(body: Mapping[str, Any]) -> list[str]:
    return [part[part["type"]]["url"] for part in parts(body) if part["type"] != "text"]


def is_picture(text: str, most_px: int = 6000, most_bytes: int = 5_000_000) -> bool:
    """Raw base64, without line breaks or a ``data:`` head, of a PNG or JPEG within the documented size."""
    data = base64.b64decode(text, validate=True)
    picture = Image.open(io.BytesIO(data))
    return picture.format in ("PNG", "JPEG") and max(picture.size) <= most_px and len(data) <= most_bytes


def sees(row: Row) -> bool:
    return "image" in row.takes


def takes(kind: str) -> Callable[[Row], bool]:
    return lambda row: kind in row.takes.split()


def asks(*content: object, **options: Any) -> tuple[Callable[[Row], list[object]], Callable[[Row], Mapping[str, Any]]]:
    return lambda row: list(content), lambda row: options


def switch(row: Row, body: dict[str, Any], word: str) -> bool:
    """The switch is sent to models that have one, and to no other."""
    return body.get("thinking") == ({"type": word} if row.thinking == "switchable" else None)


def has_way(row: Row, body: dict[str, Any]) -> bool:
    """JSON mode where there is one, else a forced call, else words."""
    is_json = body.get("response_format") == {"type": "json_object"}
    is_call = "tool_choice" in body and body["tools"][0]["function"]["parameters"] == SCHEMA
    in_words = '"required": ["n"]' in str(body["messages"][0]["content"])
    return (is_json, is_call) == (bool(row.json), bool(row.tools and not row.json)) and in_words == (not is_call)


def never(row: Row) -> bool:
    return False


_NOT_SENT = "cannot be sent to this model as an address|takes text, no (?:image|video|file)"
_TOGETHER = "One message cannot hold "
CASES: Mapping[str, Case] = {
    "text": Case(
        *asks("hi"),
        lambda row: True,
        has_form=lambda row, body: body == {"model": row.id, "messages": [{"role": "user", "content": "hi"}], "stream": True},
    ),
    "chosen": Case(
        *asks("hi", system="be brief", temperature=0.0, top_p=0.5, stop="END", no_stream=True),
        lambda row: True,
        has_form=lambda row, body: (body["temperature"], body["top_p"], body["stop"], body["stream"]) == (0, 0.5, ["END"], False),
    ),
    "picture": Case(
        *asks("see ", PHOTO, "?"),
        lambda row: sees(row) and row.has_bytes is not False,
        "takes text, no image|takes pictures by URL only",
        lambda row, body: kinds(body) == ["text", "image_url", "text"] and is_picture(*addresses(body)),
    ),
    "large picture": Case(
        *asks(Image.effect_noise((6500, 300), 90)),
        lambda row: sees(row) and row.has_bytes is not False,
        "takes text, no image|takes pictures by URL only",
        lambda row, body: is_picture(*addresses(body)),
    ),
    "picture by address": Case(
        *asks("see", image=LINK), sees, "takes text, no image", lambda row, body: addresses(body) == [LINK]
    ),
    "as many pictures as there may be": Case(
        lambda row: ["see"],
        lambda row: {"image": [LINK] * (row.pictures or 1)},
        sees,
        "takes text, no image",
        lambda row, body: len(addresses(body)) == (row.pictures or 1),
    ),
    "one picture more": Case(
        lambda row: ["see"],
        lambda row: {"image": [LINK] * ((row.pictures or 0) + 1)},
        lambda row: False if row.pictures or not sees(row) else None,
        r"takes \d+ pictures? at most|takes text, no image",
    ),
    "video": Case(
        *asks("see", file=CLIP),
        takes("video"),
        _NOT_SENT,
        lambda row, body: addresses(body) == [CLIP] and (row.id != "glm-4v-plus-0111" or kinds(body)[0] == "video_url"),
    ),
    "one video more": Case(
        lambda row: ["see"],
        lambda row: {"file": [CLIP] * ((row.videos or 0) + 1)},
        never,
        rf"takes \d+ videos? at most|{_NOT_SENT}",
    ),
    "document": Case(
        *asks("read", file=PAPER),
        takes("file"),
        _NOT_SENT,
        lambda row, body: sorted(kinds(body)) == ["file_url", "text"] and addresses(body) == [PAPER],
    ),
    "one document more": Case(
        lambda row: ["read"],
        lambda row: {"file": [PAPER] * ((row.files or 0) + 1)},
        lambda row: False if row.files or "file" not in row.takes else None,
        rf"takes \d+ files at most|{_NOT_SENT}",
    ),
    "document beside a picture": Case(*asks("see", image=LINK, file=PAPER), never, f"{_TOGETHER}pictures and files|{_NOT_SENT}"),
    "video beside a picture": Case(*asks("see", image=LINK, file=CLIP), never, f"{_TOGETHER}pictures and videos|{_NOT_SENT}"),
    "sound": Case(*asks("hear", file="tone.wav"), never, "does not hear"),
    "thinking off": Case(
        *asks("hi", think="off"),
        lambda row: row.thinking != "always",
        "always thinks",
        lambda row, body: switch(row, body, "disabled"),
    ),
    "thinking on": Case(
        *asks("hi", think="on"),
        lambda row: row.thinking != "none",
        "does not think",
        lambda row, body: switch(row, body, "enabled"),
    ),
    "thinking kept": Case(
        *asks("hi", keep_thinking=True, chat="c"),
        lambda row: row.thinking != "none",
        "does not think",
        lambda row, body: body["thinking"]["clear_thinking"] is False,
    ),
    "longest answer": Case(
        lambda row: ["hi"],
        lambda row: {"max_tokens": row.longest or 1},
        lambda row: True,
        has_form=lambda row, body: body["max_tokens"] == (row.longest or 1),
    ),
    "longer answer": Case(
        lambda row: ["hi"],
        lambda row: {"max_tokens": (row.longest or 0) + 1},
        lambda row: False if row.longest else None,
        "at most",
    ),
    "schema": Case(*asks("five", schema=SCHEMA), lambda row: True, has_form=has_way),
}


@each_row
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:The message holds 150 pictures")
def test_a_model_gets_what_it_takes_and_no_more(session: Session, fake: FakeGLM, tmp_path, row: Row, name: str) -> None:
    """The request in the model's form, which the sandbox's own checks accept; or one sentence, and nothing leaves."""
    case = CASES[name]
    (tmp_path / "tone.wav").write_bytes(sound(0.3, "wav", "pcm_s16le"))
    fake.reply('{"n": 5}')
    is_taken = case.is_taken(row)
    if is_taken is None:
        return
    options = parse_options({"model": row.id, **case.options(row)})
    if is_taken:
        assert session.ask(case.content(row), options).text == '{"n": 5}'
        [body] = fake.bodies
        assert body["model"] == row.id
        assert case.has_form(row, body)
        read_request(without_nulls(body), lambda url: None)
        return
    with pytest.raises(InputError) as caught:
        session.ask(case.content(row), options)
    assert re.search(case.refusal, str(caught.value)), str(caught.value)
    assert caught.value.way_out
    assert fake.requests == []


@each_row
def test_the_package_knows_what_the_pages_say(row: Row) -> None:
    """The catalogue's row is this table's row."""
    known = models()[row.id]
    limits = known.limits
    assert known == replace(
        known,
        inputs=tuple(row.takes.split()),
        thinking=row.thinking,
        tools=row.tools,
        structured_output=row.json,
        max_output_tokens=row.longest,
    )
    assert (limits.get("images_per_request_zai") or limits.get("images_per_request")) == row.pictures
    assert limits.get("image_base64") == row.has_bytes
    assert limits.get("files_per_request") == row.files


def test_every_model_that_chats_in_text_is_here() -> None:
    """Adding a model to the catalogue means adding its row."""
    assert {row.id for row in ROWS} == {row.id for row in models().values() if row.kind in ("chat", "vision")}


@each_row
def test_functions_go_to_models_that_call_them(row: Row) -> None:
    """The others say so before anything leaves."""
    function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    request = ChatRequest(row.id, [Message("user", (TextPart("hi"),))], fields={"tools": [function]})
    if row.tools is False:
        with pytest.raises(InputError, match="calls no functions"):
            check_request(request, PROVIDERS["zai"])
        return
    check_request(request, PROVIDERS["zai"])


def test_a_short_video_goes_first_and_as_bytes_to_the_model_that_takes_it(session: Session, fake: FakeGLM, tmp_path) -> None:
    """glm-4v-plus-0111; the others get pictures of it."""
    (tmp_path / "clip.mp4").write_bytes(film(5))
    for model, first in (("glm-4v-plus-0111", "video_url"), ("glm-4.6v", "text")):
        session.ask(["what?"], parse_options({"model": model, "file": "clip.mp4"}))
        assert kinds(fake.bodies[-1])[0] == first
        assert ("video_url" in kinds(fake.bodies[-1])) == (first == "video_url")


TURNS = [
    pytest.param("glm-4.6v", {"image": LINK}, {"file": PAPER}, "One chat cannot hold pictures and files.", id="two-kinds"),
    pytest.param("glm-4v-plus-0111", {"image": [LINK] * 4}, {"image": [LINK] * 2}, "the chat and the message hold 6.", id="six"),
]


@pytest.mark.parametrize(("model", "first", "second", "said"), TURNS)
def test_the_turns_of_a_chat_count(
    session: Session, fake: FakeGLM, model: str, first: dict[str, Any], second: dict[str, Any], said: str
) -> None:
    """All of them are one request; the sentence says so, and what to do."""
    session.ask(["see"], parse_options({"model": model, "chat": "c", **first}))
    with pytest.raises(InputError, match=said) as caught:
        session.ask(["and"], parse_options({"model": model, "chat": "c", **second}))
    assert "%glm_chat trim" in caught.value.way_out
    assert len(fake.bodies) == 1


NEW = [
    pytest.param("glm-9", {"image": LINK, "think": "off", "max_tokens": 10**6}, id="newer-than-the-table"),
    pytest.param("glm-4v-flash", {"image": PHOTO, "think": "on"}, id="known-and-asked-all-the-same"),
    pytest.param("glm-4.5v", {"file": PAPER, "image": LINK}, id="two-kinds"),
    pytest.param("zai-org/GLM-Next", {"file": CLIP}, id="a-hub-name"),
]


@pytest.mark.parametrize(("model", "options"), NEW)
def test_a_final_mark_asks_any_model_for_anything(ip, fake: FakeGLM, model: str, options: dict[str, Any]) -> None:
    """What the table does not know, or says otherwise, the server decides; without the mark it is one sentence."""
    ip.user_ns["photo"] = PHOTO
    flags = {"image": "-i", "file": "-f", "think": "-t", "max_tokens": "--max-tokens"}
    line = " ".join(f"{flags[name]} {'photo' if value is PHOTO else value}" for name, value in options.items())
    assert isinstance(run(ip, f"%%glm {model} {line}\nhi").error, InputError)
    assert fake.requests == []
    assert run(ip, f"%%glm {model}! {line}\nhi").success
    [body] = fake.bodies
    assert body["model"] == model
    assert len(parts(body)) == 1 + len({"image", "file"} & set(options))
