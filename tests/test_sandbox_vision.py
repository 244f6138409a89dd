"""What the sandbox truly finds in real photographs, and how each model family writes it."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from skimage import data

from glm_magics.sandbox import Sandbox, app, locate, vision
from glm_magics.sandbox.compose import compose
from glm_magics.sandbox.pictures import Picture, measure
from glm_magics.sandbox.vision import find_faces, targets_in
from glm_magics.sandbox.wrappers import wrapper_of
from tests.patience import AT_ONCE_S, PATIENCE_S
from tests.sandbox_pictures import base64_png, client_of, plain_picture, png, user, with_picture

ASTRONAUT = data.astronaut()
FACE = (175, 65, 275, 200)  # of the astronaut, in pixels of 512 x 512: forehead to chin, by eye


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(chunk_delay_s=0) as running:
        yield running


@pytest.fixture(scope="module")
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as client:
        yield client


def picture(pixels: Any) -> Picture:
    from PIL import Image

    image = Image.fromarray(np.asarray(pixels, dtype=np.uint8)).convert("RGB")
    return Picture("PNG", image.width, image.height, 0, image)


def content(http: httpx.Client, url: str, text: str, model: str = "glm-4.6v") -> str:
    answer = http.post("/chat/completions", json=user(with_picture(url, text), model))
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["choices"][0]["message"]["content"]
    return found


def share_inside(box: tuple[float, float, float, float], frame: tuple[float, float, float, float]) -> float:
    """How much of `box` is inside `frame`."""
    width = min(box[2], frame[2]) - max(box[0], frame[0])
    height = min(box[3], frame[3]) - max(box[1], frame[1])
    return max(0, width) * max(0, height) / ((box[2] - box[0]) * (box[3] - box[1]))


def test_the_face_of_the_astronaut_is_found_and_nothing_else() -> None:
    (face,) = find_faces(picture(ASTRONAUT).image)
    assert share_inside(face.xyxy, FACE) > 0.95
    assert share_inside(FACE, face.xyxy) > 0.6


@pytest.mark.parametrize("name", ["coffee", "chelsea"])
def test_no_face_where_there_is_none(name: str) -> None:
    assert find_faces(picture(getattr(data, name)()).image) == []


def test_size_does_not_matter() -> None:
    large = picture(ASTRONAUT)
    small = Picture("PNG", 240, 240, 0, large.image.resize((240, 240)))
    (large_face,), (small_face,) = find_faces(large.image), find_faces(small.image)
    assert np.allclose(large_face.thousandths, small_face.thousandths, atol=25)


SHAPES = {
    "glm-4.5v": r"<\|begin_of_box\|>\[\[(\d+),(\d+),(\d+),(\d+)\]\]<\|end_of_box\|>$",
    "glm-4.6v": r'```json\n\[\{"label": "face", "bbox_2d": \[(\d+),(\d+),(\d+),(\d+)\]\}\]\n```$',
    "glm-4.1v-thinking-flash": r"<think>.+</think><answer>.+<\|begin_of_box\|>\[\["
    r"(\d+),(\d+),(\d+),(\d+)\]\]<\|end_of_box\|></answer>$",
    "glm-4v-plus-0111": r"The face is at \[(\d+), (\d+), (\d+), (\d+)\]\.$",
}


@pytest.mark.parametrize("model", SHAPES)
def test_boxes_in_the_way_of_the_model(http: httpx.Client, model: str) -> None:
    text = content(http, base64_png(ASTRONAUT[::2, ::2]), "Where is the face?", model)
    match = re.search(SHAPES[model], text, re.DOTALL)
    assert match, text
    box = tuple(int(value) * 512 / 1000 for value in match.groups())
    assert share_inside(box, FACE) > 0.95  # type: ignore[arg-type]
    assert "no language model" in text


BLOCKS = plain_picture(400, 200)
BLOCKS[20:80, 40:120] = (220, 20, 30)
BLOCKS[100:180, 250:390] = (20, 40, 210)
BLOCKS[120:160, 20:60] = (215, 25, 20)
WAYS = {
    "raw base64": lambda sandbox: base64_png(BLOCKS),
    "data URI": lambda sandbox: f"data:image/png;base64,{base64_png(BLOCKS)}",
    "jpeg": lambda sandbox: base64.b64encode(png(BLOCKS, "JPEG")).decode(),
    "own URL": lambda sandbox: sandbox.host_picture("my blocks.png", png(BLOCKS)),
    "own URL by name": lambda sandbox: sandbox.host_picture("b.png", png(BLOCKS)).replace("127.0.0.1", "localhost"),
}


@pytest.mark.parametrize("way", WAYS)
def test_coloured_things_by_every_way_of_sending(http: httpx.Client, sandbox: Sandbox, way: str) -> None:
    text = content(http, WAYS[way](sandbox), "Locate the red and blue things as JSON.")
    found = json.loads(re.search(r"```json\n(.*)\n```", text, re.DOTALL)[1])  # type: ignore[index]
    assert [row["label"] for row in found] == ["red-1", "red-2", "blue"]
    expected = [[100, 100, 300, 400], [50, 600, 150, 800], [625, 500, 975, 900]]
    assert np.allclose([row["bbox_2d"] for row in found], expected, atol=8)


def test_hosted_pictures_can_be_fetched_and_others_are_missing(http: httpx.Client, sandbox: Sandbox) -> None:
    url = sandbox.host_picture("x.png", png(BLOCKS))
    assert httpx.get(url).content == png(BLOCKS)
    answer = http.post("/chat/completions", json=user(with_picture(url.replace("x.png", "y.png")), "glm-4.6v"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "1210")


ASKED = {
    "find the faces": ["face"],
    "请框出人脸": ["face"],
    "where are the red and green objects": ["red", "green"],
    "标出蓝色的东西": ["blue"],
    "box all coloured objects": [target.label for target in vision.TARGETS if target.label != "face"],
    "the coffee cup": [],
    "a hundred surfaces, blued": [],
}


@pytest.mark.parametrize(("text", "expected"), ASKED.items(), ids=ASKED)
def test_what_is_asked_for(text: str, expected: list[str]) -> None:
    assert [target.label for target in targets_in(text)] == expected


def test_what_it_cannot_name_it_says(http: httpx.Client) -> None:
    text = content(http, base64_png(data.coffee()), "Locate the coffee cup.")
    assert "finds nothing else by name" in text
    assert not re.search(r"\[\d", text)


def test_nothing_found_is_said(http: httpx.Client) -> None:
    assert "found none" in content(http, base64_png(BLOCKS), "Where is the face?", "glm-4.5v")
    assert "```json\n[]\n```" in content(http, base64_png(BLOCKS), "Find green things, as JSON")


def test_several_boxes_in_a_sentence() -> None:
    write = wrapper_of("glm-4v-flash").write
    assert write([("red", (1, 2, 3, 4)), ("red", (5, 6, 7, 8))], False) == "1. red: [1, 2, 3, 4]\n2. red: [5, 6, 7, 8]"


def test_pictures_are_measured(http: httpx.Client) -> None:
    text = content(http, base64_png(ASTRONAUT), "What is this?")
    assert "512×512 pixels" in text
    assert "a photograph" in text
    assert re.search(r"orange \d+%", text)


def test_kinds_of_pictures() -> None:
    page = np.full((200, 300, 3), 255, dtype=np.uint8)
    page[20:180:10, 20:280] = 30
    chart = page.copy()
    chart[100:180, 50:90] = (31, 119, 180)
    kinds = [measure(picture(pixels)).kind for pixels in (ASTRONAUT, page, chart, data.camera())]
    assert kinds == ["a photograph", "a table or a page of text", "a chart or a drawing", "a photograph in grey"]


def test_a_picture_of_an_earlier_turn_is_looked_at(http: httpx.Client) -> None:
    messages = [
        {"role": "user", "content": with_picture(base64_png(BLOCKS), "Look.")},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Where is the blue thing?"},
    ]
    answer = http.post("/chat/completions", json={"model": "glm-4.5v", "messages": messages}).json()
    assert "<|begin_of_box|>[[62" in answer["choices"][0]["message"]["content"]


def test_without_scikit_image_it_says_so(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from glm_magics.errors import MissingExtraError

    def missing() -> None:
        raise MissingExtraError.naming("sandbox", "Finding things needs scikit-image.")

    monkeypatch.setattr(locate, "require_vision", missing)
    text = content(http, base64_png(BLOCKS), "Where is the face?")
    assert 'pip install "glm-magics[sandbox]"' in text
    assert "bbox" not in text


def test_looking_does_not_hold_up_other_requests(http: httpx.Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, over = threading.Event(), threading.Event()

    def look(request: Any) -> Any:
        begun.set()
        assert over.wait(PATIENCE_S)
        return compose(request)

    monkeypatch.setattr(app, "compose", look)
    worker = threading.Thread(target=content, args=(http, base64_png(ASTRONAUT), "Where is the face?"))
    worker.start()
    assert begun.wait(PATIENCE_S)
    answer = httpx.get(f"{sandbox.base_url}/models", headers={"authorization": "Bearer a.b"}, timeout=AT_ONCE_S)
    assert answer.status_code == 200
    assert worker.is_alive()
    over.set()
    worker.join()
