"""What is sent can be seen: before it leaves, in the footer, and in the reply."""

from __future__ import annotations

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import glm_magics
from glm_magics.errors import InputError, MediaError, ModelError
from glm_magics.media import Loading, Memo, to_parts
from glm_magics.media.memo import find_mark
from glm_magics.messages import AudioPart, FilePart, ImagePart, Message, TextPart, VideoPart
from glm_magics.previews import preview_request
from glm_magics.providers import PROVIDERS
from glm_magics.requests import ChatRequest
from glm_magics.sent import SentItem, in_words
from glm_magics.tally import tally
from glm_magics.testing import FakeGLM

from .conftest import KEY
from .test_magics import bundles, run


def photo(width: int = 60, height: int = 40, color: str = "red") -> Image.Image:
    return Image.new("RGB", (width, height), color)


def frame() -> pd.DataFrame:
    return pd.DataFrame({"city": ["Oslo", "Rome"], "n": [1, 2]})


# The record


def test_one_record_for_each_value_and_kind() -> None:
    """Parts of one value are counted together, whatever stands between them."""
    parts = [
        TextPart("Look at "),
        ImagePart(b"12345", width_px=56, height_px=28, label="report.pdf", source="page 1 of 9"),
        TextPart("text of page 1", "report.pdf", "page 1 of 9"),
        ImagePart(b"123", width_px=28, height_px=28, label="report.pdf", source="page 2 of 9"),
        TextPart("."),
    ]
    words, pages = tally(parts)
    assert (words.label, words.kind, words.n_parts, words.n_bytes) == ("", "text", 2, 9)
    assert (pages.n_parts, pages.n_texts, pages.source, pages.form) == (2, 1, "page 1 of 9", "2 pictures and text")
    assert (pages.n_bytes, pages.n_tokens) == (8 + len("text of page 1"), 3 + 4)
    assert (pages.width_px, pages.height_px) == (56, 28)


@pytest.mark.parametrize(
    ("part", "n_tokens", "form"),
    [
        pytest.param(ImagePart(b"x", width_px=280, height_px=280, label="p"), 100, "picture 280×280", id="picture"),
        pytest.param(ImagePart(b"x", width_px=6000, height_px=6000, label="p"), 7396, "picture 6000×6000", id="shrunk-picture"),
        pytest.param(ImagePart(url="https://x.org/a.png", label="p"), None, "picture by address", id="picture-link"),
        pytest.param(VideoPart("https://x.org/a.mp4", label="v"), None, "video by address", id="video-link"),
        pytest.param(
            VideoPart(data=b"xx", seconds=3.25, label="v", width_px=280, height_px=280), 400, "video, 3.2 s", id="video"
        ),
        pytest.param(
            VideoPart(data=b"xx", seconds=9e9, label="v", width_px=28, height_px=28),
            30_000,
            "video, 9000000000.0 s",
            id="long-video",
        ),
        pytest.param(FilePart("https://x.org/a.pdf", label="f"), None, "file by address", id="file-link"),
        pytest.param(AudioPart(b"xx", seconds=10.01, label="a"), 126, "sound, 10.0 s", id="sound-is-rounded-up"),
        pytest.param(TextPart("123 abc", label="t"), 2, "text", id="text"),
    ],
)
def test_tokens_and_form(part, n_tokens: int | None, form: str) -> None:
    """By the vendor's rules; nothing is claimed of what is behind an address."""
    [item] = tally([part])
    assert (item.n_tokens, item.form) == (n_tokens, form)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        pytest.param([SentItem("", "text")], "", id="words-alone"),
        pytest.param(
            [SentItem("df", "image", "500×30", width_px=980, height_px=640), SentItem("fig", "image", width_px=9, height_px=9)],
            "df 500×30 → picture 980×640; fig",
            id="frame-and-figure",
        ),
        pytest.param([SentItem("a.pdf", "image", "page 3 of 9", n_parts=5)], "a.pdf → 5 pictures", id="pages"),
        pytest.param([SentItem(f"imgs[{i}]", "image", width_px=9, height_px=9) for i in range(7)], "7 pictures", id="photos"),
        pytest.param(
            [SentItem(f"t{i}", "text", "9×9") for i in range(6)],
            "t0 9×9 → text; t1 9×9 → text; t2 9×9 → text; t3 9×9 → text; 2 more",
            id="many",
        ),
        pytest.param([SentItem("x" * 90, "image", width_px=1)], "x" * 40, id="long-expression"),
    ],
)
def test_footer_words(items: list[SentItem], words: str) -> None:
    """A few words, however much was sent."""
    assert in_words(items) == words


@pytest.mark.parametrize(
    ("model", "provider", "n_tokens", "words"),
    [
        ("glm-4.6v", "zai", 10_000, "about $0.0030"),
        ("glm-4.6v", "zai", 10, "under $0.0001"),
        ("glm-4.6v", "bigmodel", 10_000, ""),
        ("glm-4.6v", "coding", 10_000, ""),
        ("glm-4.6v-flash", "zai", 10_000, "free"),
        ("glm-4v-plus-0111", "bigmodel", 10_000, "about ¥0.0400"),
        ("glm-4v", "bigmodel", 10_000, ""),
        ("glm-realtime-air", "bigmodel", 10_000, ""),
    ],
)
def test_price(model: str, provider: str, n_tokens: int, words: str) -> None:
    """In the currency of the platform; nothing where no price is documented for it, or not by tokens."""
    sent = [SentItem("", "text", n_tokens=n_tokens)]
    request = ChatRequest(model, [Message("user", (TextPart("?"),))], sent=sent)
    assert preview_request(request, PROVIDERS[provider]).price == words


# In the cell


def test_the_footer_and_the_reply_say_what_was_sent(ip, fake: FakeGLM) -> None:
    """The record holds sizes and no bytes."""
    fake.reply("A table and a photo.")
    ip.user_ns |= {"df": frame(), "photo": photo()}
    result = run(ip, "%%glm\nWhat is in {df} and {photo}?")
    assert result.success
    shown = "".join(bundle.get("text/markdown", "") for bundle in bundles(result))
    assert "sent: df 2×2 → picture" in shown
    assert "; photo" in shown
    words, table, picture = ip.user_ns["_glm"].sent
    assert (words.label, table.label, picture.label) == ("", "df", "photo")
    assert (table.source, picture.width_px) == ("2×2", 60)
    assert picture.n_bytes > 0
    assert not any(isinstance(value, bytes) for item in (words, table, picture) for value in (item.label, item.source, item.form))


def test_nothing_is_said_of_plain_words(ip, fake: FakeGLM) -> None:
    """The footer of a plain question is as it was."""
    fake.reply("Yes.")
    result = run(ip, "%%glm\nIs it?")
    assert "sent:" not in str(bundles(result))


def test_preview_shows_and_sends_nothing(ip, fake: FakeGLM) -> None:
    """A table with tokens and price, and one sheet of thumbnails."""
    ip.user_ns |= {"df": frame(), "photos": [photo(400, 300), photo(300, 600)]}
    result = run(ip, "import glm_magics as glm\nglm.preview('What', df, photos)")
    assert result.success
    assert fake.requests == []
    table, sheet = bundles(result)
    assert "glm-4.6v" in table["text/markdown"]
    assert "about $0.0001" in table["text/markdown"]
    assert "| 2×2 | picture" in table["text/markdown"]
    image = Image.open(io.BytesIO(base64.b64decode(sheet["image/png"])))
    assert image.width > 400
    assert KEY not in str(bundles(result))


def test_a_preview_can_be_used(ip, fake: FakeGLM) -> None:
    """Its records, pictures and token count are there as values."""
    preview = glm_magics.preview("What?", photo(280, 280), "https://x.org/a.png")
    assert [item.kind for item in preview.items] == ["text", "image", "image"]
    assert preview.n_tokens == 102
    assert len(preview.images) == 2
    assert "what is behind the addresses" in repr(preview)
    assert preview.thumbnails().width < 250
    assert glm_magics.preview("just words").thumbnails() is None
    assert repr(glm_magics.preview(photo(280, 280))).endswith("\n1 picture")


def test_a_label_cannot_break_the_table(ip, fake: FakeGLM) -> None:
    """An expression is the user's text; the page shows it as text."""
    ip.user_ns["d"] = {"a|b<img src=x onerror=alert(1)>": photo()}
    result = run(ip, "%%glm --dry-run\n{d['a|b<img src=x onerror=alert(1)>']}")
    table = bundles(result)[0]["text/markdown"].partition("```")[0]
    assert "<img" not in table
    assert "a\\|b" in table


# Attachments


def test_frames_and_files_are_attached_before_the_text(ip, fake: FakeGLM, tmp_path) -> None:
    """-i, -d and -f, each in order, then the words."""
    fake.reply("ok")
    photo(10, 10).save(tmp_path / "p.png")
    ip.user_ns |= {"df": frame(), "fig": photo(20, 20)}
    assert run(ip, "%%glm -f p.png -d df -i fig --frames text\nWhat?").success
    content = fake.requests[0].body["messages"][0]["content"]
    assert [part["type"] for part in content] == ["image_url", "text", "image_url", "text"]
    assert "Oslo" in content[1]["text"]
    assert [item.label for item in ip.user_ns["_glm"].sent] == ["fig", "df", "p.png", ""]


@pytest.mark.parametrize("word", ["n", "'abc'", "fig"])
def test_data_takes_frames_only(ip, fake: FakeGLM, word: str) -> None:
    """A sentence for everything else."""
    ip.user_ns |= {"n": 5, "fig": photo()}
    result = run(ip, f"%%glm -d {word}\nWhat?")
    assert isinstance(result.error, InputError | MediaError)
    assert fake.requests == []


def test_a_model_without_eyes_gets_frames_as_text(ip, fake: FakeGLM) -> None:
    """Unless a picture was asked for, which it cannot take."""
    fake.reply("ok")
    ip.user_ns["df"] = frame()
    assert run(ip, "%%glm glm-4.7\nWhat is in {df}?").success
    assert "Oslo" in fake.requests[0].body["messages"][0]["content"]
    result = run(ip, "%%glm glm-4.7 --frames image\nWhat is in {df}?")
    assert isinstance(result.error, ModelError)


def test_a_video_stands_first_where_the_model_wants_it(ip, fake: FakeGLM) -> None:
    """glm-4v-plus-0111 reads a video only at the beginning (model page)."""
    fake.reply("ok")
    fake.reply("ok")
    ip.user_ns["clip"] = VideoPart("https://x.org/a.mp4", label="clip")
    for model, kinds in [("glm-4v-plus-0111", ["video_url", "text"]), ("glm-4.6v", ["text", "video_url", "text"])]:
        assert run(ip, f"%%glm {model}\nWhat is in {{clip}}?").success
        assert [part["type"] for part in fake.requests[-1].body["messages"][0]["content"]] == kinds


def test_many_pictures_are_remarked_upon(ip, fake: FakeGLM) -> None:
    """The two platforms document different numbers."""
    fake.reply("ok")
    ip.user_ns["link"] = [ImagePart(url=f"https://x.org/{i}.png") for i in range(51)]
    result = run(ip, "%%glm\n{link}")
    assert result.success
    assert "Note: The message holds 51 pictures" in bundles(result)[0]["text/plain"]


# What other libraries teach


class Molecule:
    """Nothing that is known here."""


class Formula:
    def __glm__(self) -> object:
        return ["H2O is ", photo()]


def test_a_library_teaches_its_type(ip, fake: FakeGLM) -> None:
    """Subclasses included; what it gives is loaded like any other value; labels stay."""
    fake.reply("ok")

    class Water(Molecule): ...

    assert "Molecule object" in to_parts(Molecule())[0].text
    glm_magics.register(Molecule, lambda molecule: [photo(), "as text"])
    ip.user_ns |= {"water": Water(), "many": [Molecule(), Molecule()]}
    assert run(ip, "%%glm\nWhat is {water}? {many}").success
    content = fake.requests[0].body["messages"][0]["content"]
    assert [part["type"] for part in content].count("image_url") == 3
    assert [item.label for item in ip.user_ns["_glm"].sent] == ["", "water", "many[0]", "many[1]"]


def test_a_class_says_itself_what_is_sent() -> None:
    """By ``__glm__``."""
    assert [part.kind for part in to_parts(Formula())] == ["text", "image"]
    assert [part.kind for part in to_parts([Formula(), Formula()])] == ["text", "image"] * 2


def test_what_answers_to_every_name_is_not_taken_for_it() -> None:
    """Only a method of the class counts."""

    class Anything:
        def __getattr__(self, name: str) -> object:
            return lambda *args, **named: photo()

        def __str__(self) -> str:
            return "anything"

    assert to_parts(Anything()) == [TextPart("anything")]


class Endless:
    def __glm__(self) -> object:
        return self


class Failing:
    def __glm__(self) -> object:
        raise RuntimeError("no ink")


@pytest.mark.parametrize(("value", "said"), [(Endless(), "made of itself"), (Failing(), "its Failing says no ink")])
def test_failing_teachers_get_a_sentence(value: object, said: str) -> None:
    """With the way to mend it."""
    with pytest.raises(MediaError, match=said):
        to_parts(value, Loading("x"))


@pytest.mark.parametrize(("cls", "make"), [("Molecule", len), (Molecule, "draw"), (None, None)])
def test_register_takes_a_class_and_a_function(cls, make) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(InputError, match="Like glm"):
        glm_magics.register(cls, make)


# Prepared once


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda folder: photo(300, 300), id="picture"),
        pytest.param(lambda folder: np.zeros((50, 50, 3), np.uint8), id="array"),
        pytest.param(lambda folder: _saved(photo(), folder), id="path"),
        pytest.param(lambda folder: _saved(photo(), folder).read_bytes(), id="bytes"),
    ],
)
def test_the_same_picture_is_prepared_once(value, tmp_path) -> None:
    """The parts, and with them the base64, are the very same objects; equal values count as the same."""
    loading = Loading("x", memo=Memo())
    [first] = to_parts(value(tmp_path), loading)
    [again] = to_parts(value(tmp_path), loading)
    assert again is first
    assert again.base64 is first.base64


def _saved(image: Image.Image, folder):
    path = folder / "p.png"
    if not path.exists():
        image.save(path)
    return path


def test_a_changed_value_is_prepared_anew(tmp_path) -> None:
    """In place, on disk, or under another name."""
    loading = Loading("x", memo=Memo())
    image = photo()
    [first] = to_parts(image, loading)
    image.putpixel((0, 0), (0, 0, 0))
    [second] = to_parts(image, loading)
    assert first.data != second.data
    assert to_parts(image, Loading("y", memo=loading.memo))[0].label == "y"
    fig, axes = plt.subplots()
    axes.plot([1, 2])
    [before] = to_parts(fig, loading)
    axes.plot([2, 1])
    [after] = to_parts(fig, loading)
    plt.close(fig)
    assert before.data != after.data


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda: np.array([plt.figure()], dtype=object), id="objects"),
        pytest.param(lambda: np.broadcast_to(np.uint8(7), (40_000, 30_000)), id="huge"),
    ],
)
def test_what_cannot_be_marked_quickly_and_surely_has_no_mark(value) -> None:
    """It is prepared each time."""
    assert find_mark(value()) is None
    plt.close("all")


def test_a_palette_tells_pictures_apart() -> None:
    """The same indices in other colours are another picture."""
    one, other = Image.new("P", (9, 9)), Image.new("P", (9, 9))
    one.putpalette([255, 0, 0])
    other.putpalette([0, 0, 255])
    assert find_mark(one) != find_mark(other)


def test_a_session_prepares_a_photo_once(ip, fake: FakeGLM, monkeypatch) -> None:
    """The second cell that sends it does not encode it again."""
    fake.reply("ok")
    fake.reply("ok")
    ip.user_ns["photo"] = photo(500, 500)
    assert run(ip, "%%glm\n{photo}?").success
    monkeypatch.setattr("glm_magics.pictures.encoding.encode_image", None)
    assert run(ip, "%%glm\n{photo} again?").success


def test_the_memory_is_bounded() -> None:
    """The longest unused leave first."""
    memo = Memo(max_bytes=1000)
    for i in range(5):
        memo.keep(i, [ImagePart(bytes(170))])
        memo.find(0)
    assert memo.find(0)
    assert [memo.find(i) is None for i in range(1, 5)] == [True, True, True, False]
    memo.keep("large", [ImagePart(bytes(5000))])
    assert memo.find("large") is None


def test_values_without_a_name_are_told_apart(ip, fake: FakeGLM) -> None:
    """From Python there is no expression to name them."""
    preview = glm_magics.preview("a", photo(), "b", photo(30, 30), np.zeros((40, 40), np.uint8))
    assert [item.label for item in preview.items] == ["", "picture", "picture 2", "array"]


def test_a_note_is_said_once_and_without_a_path(ip, fake: FakeGLM) -> None:
    """Python's own form of a warning would show where the package lies on this machine."""
    fake.reply("ok")
    fake.reply("ok")
    ip.user_ns["df"] = pd.DataFrame({"rune": ["\U0001e900"]})  # Adlam: no font of ours
    first, second = run(ip, "%%glm\n{df}"), run(ip, "%%glm\n{df}")
    assert first.success
    assert second.success
    said = bundles(first)[0]["text/plain"]
    assert "`df` is sent as text" in said
    assert ".py" not in said
    assert "Note:" not in str(bundles(second))
