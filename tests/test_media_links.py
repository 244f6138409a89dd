"""Addresses: which go out as they are, which are downloaded here, and which are a sentence."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from glm_magics.catalog import find_model
from glm_magics.errors import MediaError
from glm_magics.fetch import fetch
from glm_magics.intake import Intake, find_intake
from glm_magics.media import ATTACHMENTS, Loading, to_parts
from glm_magics.media.links import load_link
from glm_magics.media.loading import Blob
from glm_magics.messages import Part
from glm_magics.providers import PROVIDERS, server_provider

from .films import tone, wave_file

SECRET = "S3cr3tS1gnature"


def intake_of(model: str) -> Intake:
    """As the session finds it."""
    if model == "self-hosted":
        return find_intake(None, server_provider("http://localhost:8000"))
    return find_intake(find_model(model), PROVIDERS["zai"])


def png(size: tuple[int, int] = (30, 20)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    return buffer.getvalue()


PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Resources<</Font<</F 4 0 R>>>>/Contents 5 0 R>>endobj
4 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
5 0 obj<</Length 44>>stream
BT /F 24 Tf 20 100 Td (Revenue rose.) Tj ET 
endstream endobj
trailer<</Root 1 0 R>>
%%EOF"""
"""One page with words on it."""


class Web:
    """Gives the same file for every address, and keeps the addresses."""

    def __init__(self, data: bytes = b"", name: str = "") -> None:
        self.urls: list[str] = []
        self._data, self._name = data or png(), name

    def __call__(self, url: str) -> Blob:
        self.urls.append(url)
        return Blob(self._name or url.partition("?")[0].rpartition("/")[2], data=self._data)


def load(url: str, model: str = "glm-4.6v", word: str = "image", web: Web | None = None, **options: object) -> list[Part]:
    """What ``-i``, ``-f`` or ``{url}`` makes of an address; `text` is the value of a variable called `url`."""
    loading = Loading("url" if word == "text" else url, intake_of(model), fetch=web or Web(), **options)
    return to_parts(url, loading) if word == "text" else list(ATTACHMENTS[word](url, loading))


# The table


@pytest.mark.parametrize(
    ("url", "model", "kind"),
    [
        pytest.param("https://x.org/a.png", "glm-4.6v", "image", id="picture"),
        pytest.param("https://x.org/a.JPG?w=1#top", "glm-4v-flash", "image", id="picture-no-bytes"),
        pytest.param("https://x.org/any", "glm-4.6v", "image", id="no-suffix"),
        pytest.param("https://x.org/image.php?id=3", "glm-4.6v", "image", id="program"),
        pytest.param("https://x.org/clip.mp4", "glm-4.6v", "video", id="video"),
        pytest.param("https://x.org/clip.MOV", "glm-4.5v", "video", id="mov"),
        pytest.param("https://x.org/report.pdf", "glm-4.6v", "file", id="pdf"),
        pytest.param("https://x.org/report.xlsx", "glm-4.6v", "file", id="workbook"),
        pytest.param("https://x.org/a.png", "glm-4.7", "image", id="no-eyes"),
        pytest.param("https://x.org/clip.mp4", "glm-4.7", "video", id="no-eyes-video"),
        pytest.param("https://8.8.8.8/a.png", "glm-4.6v", "image", id="ip"),
    ],
)
def test_sent_as_an_address(url: str, model: str, kind: str) -> None:
    """Where the vendor can reach it and the model takes such a thing; a model that cannot see is named by later checks."""
    web = Web()
    (part,) = list(load_link(url, Loading(intake=intake_of(model), fetch=web)))
    assert (part.kind, part.url, part.source) == (kind, url, "")
    assert part.to_wire("base64")[f"{kind}_url"] == {"url": url}
    assert not web.urls


@pytest.mark.parametrize(
    ("url", "model", "options"),
    [
        pytest.param("https://x.org/a.png", "glm-4.6v", {"is_fetched": True}, id="asked"),
        pytest.param("https://x.org/any", "glm-4.6v", {"is_fetched": True}, id="asked-no-suffix"),
        pytest.param("https://x.org/a.gif", "glm-4.6v", {"is_fetched": True}, id="asked-gif"),
        pytest.param("http://localhost:8888/files/a.png", "glm-4.6v", {"is_fetched": True}, id="asked-own"),
        pytest.param("http://192.168.1.5/a.png", "glm-4.6v", {"is_fetched": True}, id="asked-own-ip"),
        pytest.param("https://x.org/a.png", "self-hosted", {}, id="self-hosted"),
        pytest.param("http://localhost:8888/files/a.png", "self-hosted", {}, id="self-hosted-own"),
        pytest.param("https://x.org/any", "self-hosted", {}, id="self-hosted-no-suffix"),
    ],
)
@pytest.mark.parametrize("word", ["image", "file"])
def test_downloaded_here(url: str, model: str, options: dict[str, bool], word: str) -> None:
    """Where the user says so, and where the server fetches nothing; the content decides."""
    web = Web(name="a")
    (part,) = load(url, model, word, web, **options)
    assert (part.kind, part.url, part.width_px, part.source) == ("image", "", 30, "downloaded")
    assert web.urls == [url]


@pytest.mark.parametrize(
    ("url", "model", "options", "said"),
    [
        pytest.param("https://u:p@x.org/a.png", "glm-4.6v", {}, "carries a user name or password", id="login"),
        pytest.param("https://u:p@x.org/a.png", "self-hosted", {"is_fetched": True}, "carries a user name", id="login-fetched"),
        pytest.param("https://x.org/a.png", "glm-4v-flash", {"is_fetched": True}, "by address only", id="no-bytes"),
        pytest.param("https://x.org/any", "glm-4v-flash", {"is_fetched": True}, "by address only", id="no-bytes-no-suffix"),
        pytest.param("http://localhost:8888/a.png", "glm-4v-flash", {}, "and it takes no bytes", id="no-bytes-own"),
        pytest.param("http://localhost:8888/a.png", "glm-4.6v", {}, "out of the model's reach. Add --fetch", id="own"),
        pytest.param("http://10.0.0.1/a.png", "glm-4.6v", {}, "out of the model's reach. Add --fetch", id="own-ip"),
        pytest.param("http://nas/a.png", "glm-4.6v", {}, "out of the model's reach. Add --fetch", id="own-name"),
        pytest.param(
            "https://x.org/report.pdf", "glm-4.7", {}, "cannot be sent to this model as an address. Add --fetch", id="pdf"
        ),
        pytest.param("https://x.org/report.pdf", "glm-4v-flash", {}, "as an address. Add --fetch", id="pdf-eyes"),
        pytest.param(
            "https://x.org/clip.mp4", "glm-4v-flash", {}, r"as an address\. Choose a model .* glm-4\.6v", id="video-no-bytes"
        ),
        pytest.param("https://x.org/a.gif", "glm-4v-flash", {}, "Add --fetch, and choose a model .* glm-4.6v", id="gif-no-bytes"),
        pytest.param("https://x.org/a.gif", "glm-4.7", {}, "Add --fetch, and choose a model .* glm-4.6v", id="gif-no-eyes"),
        pytest.param("http://localhost/a.png", "glm-4.7", {}, "reach. Add --fetch, and choose a model", id="own-no-eyes"),
        pytest.param(
            "http://localhost/a", "glm-4-voice", {}, "reach. Add --fetch, and choose a model", id="own-presumed-no-eyes"
        ),
        pytest.param("http://localhost/a.mp4", "glm-4-voice", {}, "reach. Add --fetch, and choose a model", id="own-video"),
        pytest.param("https://x.org/a.wav", "glm-4.6v", {}, "Add --fetch, and choose glm-4-voice", id="sound-no-ears"),
        pytest.param("https://x.org/a.wav", "glm-4-voice", {}, "Add --fetch to download", id="sound-ears"),
        pytest.param("http://2130706433/a.png", "glm-4.6v", {}, "odd way to write an IP address", id="odd-number"),
        pytest.param("http://0x7f.1/a.png", "glm-4.6v", {"is_fetched": True}, "odd way to write an IP", id="odd-fetched"),
        pytest.param("https://x.org/a.gif", "glm-4.6v", {}, "as an address. Add --fetch", id="gif"),
        pytest.param("https://x.org/a.pdf[3-7]", "glm-4.6v", {}, "Pages or times of `x.org/a.pdf` .* Add --fetch", id="pages"),
        pytest.param("https://[/a.png", "glm-4.6v", {}, r"is no http\(s\) address", id="no-address"),
    ],
)
def test_a_sentence(url: str, model: str, options: dict[str, bool], said: str) -> None:
    """It says what to do; nothing is fetched."""
    web = Web()
    with pytest.raises(MediaError, match=said) as caught:
        list(load_link(url, Loading(intake=intake_of(model), fetch=web, **options)))
    assert caught.value.way_out
    assert not web.urls


@pytest.mark.parametrize("name", ["a.wav", "a.MP3?sig=1", "a.flac", "a.m4a#t=1"])
def test_the_address_of_sound_is_sound_for_a_model_that_only_hears(name: str) -> None:
    """In braces as by ``-f``: downloaded with ``--fetch``, else a sentence. For others it is text, as any page's address is."""
    url, web = f"https://x.org/{name}", Web(wave_file(tone(1.0).tobytes()), "a.wav")
    with pytest.raises(MediaError, match="Add --fetch to download"):
        load(url, "glm-4-voice", "text")
    [part] = load(url, "glm-4-voice", "text", web, is_fetched=True)
    assert (part.kind, web.urls) == ("audio", [url])
    assert [part.kind for model in ("glm-4.7", "glm-4.6v") for part in load(url, model, "text")] == ["text", "text"]
    assert [part.kind for part in load("https://x.org/a.html", "glm-4-voice", "text")] == ["text"]


def test_what_is_behind_an_address_is_not_guessed() -> None:
    """Unless a picture is asked for."""
    loading = Loading(intake=intake_of("glm-4.6v"))
    with pytest.raises(MediaError, match=r"`x\.org/any` cannot be told from its name\. Add --fetch"):
        list(load_link("https://x.org/any", loading, presumed=""))
    assert [part.kind for part in load_link("https://x.org/a.pdf", loading, presumed="")] == ["file"]
    assert [part.kind for part in load_link("https://x.org/any", loading)] == ["image"]


def test_every_way_of_the_table_is_met() -> None:
    """Any address, model and option leads to exactly one row."""
    for model in ("glm-4.6v", "glm-4.7", "glm-4v-flash", "glm-4v-plus-0111", "self-hosted"):
        for url in (
            "https://x.org/a.png",
            "https://x.org/a",
            "https://x.org/a.zip",
            "http://localhost/a.wav",
            "https://x.org/a.pdf[1]",
        ):
            for is_fetched in (True, False):
                web = Web(name="a.png")
                loading = Loading(intake=intake_of(model), is_fetched=is_fetched, fetch=web)
                try:
                    (part,) = list(load_link(url, loading))
                except MediaError:
                    assert not web.urls
                else:
                    assert bool(part.url) is not bool(web.urls)


@pytest.mark.parametrize("url", ["HTTPS://x.org/A.png?Sig=Ab", "Https://x.org/A.png?Sig=Ab"])
def test_the_scheme_leaves_in_lower_case(url: str) -> None:
    """Servers look for ``https://`` letter by letter; everything else stays as it was given."""
    assert [part.url for part in load(url)] == ["https://x.org/A.png?Sig=Ab"]


@pytest.mark.parametrize(
    ("model", "form"),
    [
        pytest.param("glm-4.6v", "image", id="eyes"),
        pytest.param("glm-4v-flash", "text", id="eyes-that-take-addresses-only"),
        pytest.param("glm-4.7", "text", id="no-eyes"),
    ],
)
def test_tables_and_pages_have_a_form_that_can_go(model: str, form: str) -> None:
    """A PDF that is fetched for a model without picture bytes goes as its text; what the user says counts."""
    loading = Loading(intake=intake_of(model))
    assert (loading.frame_form, loading.page_form) == (form, form)
    assert replace(loading, pages="both", frames="both").page_form == "both"
    [*_, part] = load("https://x.org/report.pdf", model, "file", Web(PDF, "report.pdf"), is_fetched=True)
    assert part.kind == form


# Values and words


@pytest.mark.parametrize("text", ["https://x.org/page.html", "see https://x.org/a.png", "x.org/a.png", "https://x.org/?f=a.png"])
def test_other_text_stays_text(text: str) -> None:
    """Only what is nothing but the address of a picture is one; for a server of one's own it is downloaded."""
    assert [part.kind for part in load(text, "self-hosted", "text")] == ["text"]
    assert [part.kind for part in load("https://x.org/a.png", "self-hosted", "text")] == ["image"]


def test_labels_hold_no_secrets() -> None:
    """Neither the query nor folders; a name of the notebook stays."""
    url = f"https://x.org/{SECRET}/a.png?sig={SECRET}"
    for options in ({}, {"is_fetched": True}):
        for word in ("image", "file"):
            assert [part.label for part in load(url, word=word, **options)] == ["x.org/…/a.png"]
        assert [part.label for part in load(url, word="text", **options)] == ["url"]
    assert to_parts(url)[0].label == "x.org/…/a.png"


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        pytest.param(b"\xef\xbb\xbf\n <!DOCTYPE html><p>Log in</p>", "a.png", "gives a web page, not a file", id="page"),
        pytest.param(b"<html>", "a.png", "gives a web page", id="page-bare"),
        pytest.param(b"\x89PNG\r\n\x1a\ncut", "a.png", "`x.org/a.png`", id="damaged"),
        pytest.param(b"\x00\x01\x02 nothing known", "a.bin", "`x.org/a.bin`", id="unknown"),
    ],
)
def test_what_comes_is_looked_at(data: bytes, name: str, said: str) -> None:
    """Whatever the name and the server say it is."""
    with pytest.raises(MediaError, match=said):
        load("https://x.org/a.png", web=Web(data, name), is_fetched=True)


def test_lies_about_the_type_do_not_matter() -> None:
    """A picture is one by its bytes."""
    for name in ("a.txt", "a", "a.mp4", "a.pdf"):
        assert [part.kind for part in load("https://x.org/a.mp4", web=Web(name=name), is_fetched=True)] == ["image"]


def test_brackets_behind_an_address_choose_pages() -> None:
    """As behind a path: they are no part of the address; this picture has one frame."""
    web = Web(name="a.png")
    with pytest.raises(MediaError, match="no frame 7"):
        load_link("https://x.org/a.pdf[3-7]", Loading(intake=intake_of("self-hosted"), fetch=web))
    assert web.urls == ["https://x.org/a.pdf"]


def test_without_a_way_to_fetch_it_is_a_sentence() -> None:
    """As in a program that loads parts by itself."""
    with pytest.raises(MediaError, match="cannot be downloaded here"):
        to_parts("https://x.org/a.png", Loading(is_fetched=True))


def test_a_picture_of_a_real_server(loopback) -> None:
    """All the way: the address of one's own server, its bytes, a picture to send."""

    def answer(connection) -> None:
        body = png((64, 48))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def download(url: str) -> Blob:
        got = fetch(url)
        return Blob(got.name, data=got.data)

    server = loopback(answer)
    loading = replace(Loading(intake=intake_of("self-hosted")), fetch=download)
    (part,) = list(load_link(f"{server.url}/files/plot.png?token={SECRET}", loading))
    assert (part.width_px, part.height_px, part.label.endswith("/…/plot.png")) == (64, 48, True)
