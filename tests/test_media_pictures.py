"""Pictures of every kind: what leaves is upright, whole, small and without notes; what cannot be sent is said in a sentence."""

from __future__ import annotations

import base64
import gzip
import io
import random
import struct
import threading
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock, Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.display import HTML, SVG, Latex, Markdown
from IPython.display import Image as ShownImage
from PIL import Image, ImageCms, PngImagePlugin

from glm_magics.errors import MediaError, MissingExtraError
from glm_magics.intake import Intake
from glm_magics.media import Loading, to_parts
from glm_magics.messages import ImagePart, Part, TextPart
from glm_magics.pictures import MAX_IMAGE_BYTES, load_picture

from .test_media import BLUE, RED, is_near, one_picture, one_text, opened, red_left, saved

BLIND = Intake(kinds=frozenset({"text"}))
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAA"
    "AAABoQABAAAAAAAAAGoAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkA"
    "AAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgAB"
    "AAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAIAAAAAEAAAAAAAAAAv///+AAAAACAAAAEHBpeG"
    "kAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAHJtZGF0AAAAZigBrxOA+BDhp//8TSj/+nXPD9PMiYn/+tNSR/hUO//WicPySkWzrHl9nv8H4h1KpEq3"
    "xpK+HfM2sf+d4tvFAhneIy6JZXLEP+zlxMa+qdw77mN6fapRbf83mqG4xuGn3Gx6O58SuA=="
)
"""64 × 32, left half red, right half blue."""


def noise(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def pixels(data: bytes) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def refused(value: object, **loading: object) -> MediaError:
    """The error, which is one sentence with a way out and names the value."""
    with pytest.raises(MediaError) as caught:
        to_parts(value, Loading(**{"label": "photo", **loading}))
    assert "`photo" in caught.value.message
    assert caught.value.way_out
    assert "\n" not in str(caught.value)
    return caught.value


# What a file says beside its pixels


def with_notes() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(0x8825)[1] = "N SECRET place"
    return exif


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


JPEG_NOTES = {
    "exif": lambda data: saved(Image.open(io.BytesIO(data)), "JPEG", quality="keep", exif=with_notes()),
    "comment": lambda data: data[:2] + segment(0xFE, b"SECRET") + data[2:],
    "xmp": lambda data: data[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0SECRET") + data[2:],
    "iptc": lambda data: data[:2] + segment(0xED, b"Photoshop 3.0\0SECRET") + data[2:],
    "preview-in-jfif": lambda data: data[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\2SECRET") + data[20:],
    "multi-picture": lambda data: data[:2] + segment(0xE2, b"MPF\0SECRET") + data[2:],
    "film-behind-the-end": lambda data: data + b"ftypmp42 SECRET",
    "fill-bytes": lambda data: data[:2] + b"\xff\xff" + segment(0xFE, b"SECRET") + data[2:],
}


@pytest.mark.parametrize("how", JPEG_NOTES)
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_a_jpeg_leaves_without_its_notes(how: str, progressive: bool) -> None:
    """Place, camera, author, previews: cut away, without a second compression."""
    plain = saved(noise(), "JPEG", progressive=progressive)
    noted = JPEG_NOTES[how](plain)
    assert b"SECRET" in noted
    part = one_picture(noted)
    assert b"SECRET" not in part.data
    assert part.mime == "image/jpeg"
    assert pixels(part.data) == pixels(noted)


def test_a_phones_further_pictures_stay_behind() -> None:
    """Previews and depths follow the photo in the same file (MPO); they are neither sent nor counted as frames."""
    data = saved(noise(), "MPO", save_all=True, append_images=[noise(seed=1), noise(seed=2)])
    part = one_picture(data)
    assert part.source == ""
    assert len(part.data) < len(data) / 2
    assert pixels(part.data) == pixels(data)


def test_what_a_jpegs_colours_mean_stays() -> None:
    """The profile of a phone's wide screen, and whether the colours are RGB."""
    profile = p3_like()
    part = one_picture(saved(noise(), "JPEG", icc_profile=profile, exif=with_notes()))
    assert Image.open(io.BytesIO(part.data)).info["icc_profile"] == profile
    rgb = saved(noise(), "JPEG", keep_rgb=True)
    assert pixels(one_picture(rgb).data) == pixels(rgb)


def p3_like() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace("sRGB".encode("utf-16-be"), "P3  ".encode("utf-16-be"))


def test_a_png_leaves_without_its_notes() -> None:
    """Text, EXIF, time and private chunks; what colours mean stays."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "SECRET")
    notes.add_itxt("XML:com.adobe.xmp", "SECRET", zip=False)
    notes.add(b"prVt", b"SECRET")
    noted = saved(noise(), "PNG", pnginfo=notes, exif=with_notes(), dpi=(300, 300)) + b"SECRET"
    part = one_picture(noted)
    assert b"SECRET" not in part.data
    assert pixels(part.data) == pixels(noted)
    assert "dpi" in Image.open(io.BytesIO(part.data)).info


@given(
    st.integers(1, 40), st.integers(1, 40), st.sampled_from(["JPEG", "PNG"]), st.booleans(), st.integers(0, 2), st.integers(1, 95)
)
@settings(max_examples=60)
def test_cutting_notes_changes_no_pixel(
    width: int, height: int, format: str, is_layered: bool, sampling: int, quality: int
) -> None:
    """Any size and any way to write it."""
    how = {"quality": quality, "progressive": is_layered, "subsampling": sampling} if format == "JPEG" else {}
    data = saved(noise(width, height, seed=width), format, exif=with_notes(), **how)
    part = one_picture(data)
    assert b"SECRET" not in part.data
    assert pixels(part.data) == pixels(data)
    assert one_picture(part.data).data == part.data


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_turned_picture_leaves_without_notes_too(format: str) -> None:
    """What is painted anew takes none of them along."""
    exif = with_notes()
    exif[0x0112] = 6
    part = one_picture(saved(noise(), format, exif=exif))
    assert (part.width_px, part.height_px) == (48, 64)
    assert b"SECRET" not in part.data


# Sizes and colours


def test_a_large_photo_is_sent_at_the_size_that_is_seen() -> None:
    """More than 5 MB: what the model would shrink is shrunk here, upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    big = red_left(4000, 3000)
    big.paste(noise(2000, 3000), (2000, 0))
    data = saved(big, "JPEG", quality=98, subsampling=0, exif=exif)
    assert len(data) > MAX_IMAGE_BYTES
    part = one_picture(data)
    arrived = opened(part)
    assert arrived.width < arrived.height
    assert 5_700_000 < arrived.width * arrived.height <= 5_880_000
    assert part.mime == "image/jpeg"
    assert is_near(arrived.getpixel((arrived.width // 2, 100)), RED, by=12)


def test_a_fine_large_photo_is_sent_as_it_is() -> None:
    """12 megapixels within 5 MB and upright: no second compression."""
    data = saved(red_left(4000, 3000), "JPEG")
    assert one_picture(data).data == data


def test_base64_is_made_once() -> None:
    """A part that is sent twice encodes once."""
    part = one_picture(red_left())
    assert part.base64 is part.base64


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_a_cut_off_photo_is_found(cut: float, progressive: bool) -> None:
    """Though it is decoded at an eighth of its size only."""
    data = saved(noise(900, 700), "JPEG", progressive=progressive)
    assert "cut off" in refused(data[: int(len(data) * cut)]).message


def test_a_photo_of_another_screen_is_brought_to_srgb() -> None:
    """Adobe RGB and the like look wrong without their profile, which the reader is taken to ignore."""
    gamma = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert one_picture(saved(red_left(), "JPEG", icc_profile=gamma))  # of another colour space: ignored
    assert one_picture(saved(red_left(), "PNG", icc_profile=b"junk" * 50))
    swapped = swapped_profile()
    arrived = opened(one_picture(saved(red_left(), "PNG", icc_profile=swapped)))
    assert is_near(arrived.getpixel((3, 3)), BLUE, by=12)
    assert is_near(arrived.getpixel((36, 3)), RED, by=12)


def swapped_profile() -> bytes:
    """sRGB with red and blue exchanged, under another name: to ignore it cannot go unseen."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    return profile.replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))


@pytest.mark.parametrize(
    ("data", "color"),
    [
        pytest.param(saved(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG"), RED, id="cmyk-adobe-inverted"),
        pytest.param(saved(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "TIFF"), RED, id="cmyk-tiff"),
        pytest.param(saved(Image.new("L", (9, 9), 99), "JPEG"), (99, 99, 99), id="grey-jpeg"),
        pytest.param(saved(Image.new("1", (9, 9), 1), "TIFF", compression="group4"), (255, 255, 255), id="fax"),
        pytest.param(saved(red_left().quantize(4), "PNG", transparency=0, bits=2), None, id="palette-transparent"),
        pytest.param(saved(red_left(), "AVIF", quality=90), RED, id="avif"),
        pytest.param(saved(red_left(), "WEBP", lossless=True), RED, id="webp"),
    ],
)
def test_odd_colours_arrive_as_rgb(data: bytes, color: tuple[int, ...] | None) -> None:
    """Whatever the file keeps."""
    arrived = opened(one_picture(data))
    assert color is None or is_near(arrived.getpixel((3, 3)), color, by=12)


def test_a_png_of_16_bits_leaves_with_8() -> None:
    """Colours of 16 bits each open as ordinary RGB, but are none on the wire."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"".join(b"\0" + struct.pack(">HHH", 65535, 0, 0) * 9 for _ in range(9))
    head = struct.pack(">IIBBBBB", 9, 9, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    part = one_picture(data)
    assert part.data[24] == 8
    assert opened(part).getpixel((3, 3)) == RED


def test_a_photo_becomes_a_jpeg_and_a_drawing_a_png() -> None:
    """A photo's PNG would be large and take seconds."""
    assert one_picture(noise(1200, 900)).mime == "image/jpeg"
    assert one_picture(red_left(1200, 900)).mime == "image/png"
    half = red_left(1600, 1200)
    half.paste(noise(1600, 500), (0, 300))
    assert one_picture(half).mime == "image/jpeg"


# HEIC and AVIF


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch):
    """Hides packages: ``without("pi_heif")``."""

    def hide(*names: str) -> None:
        for name in names:
            monkeypatch.setitem(__import__("sys").modules, name, None)

    return hide


def test_heic_is_read_where_its_decoder_is(tmp_path: Path) -> None:
    """From bytes and from a file, whatever its name says."""
    pytest.importorskip("pi_heif")
    (tmp_path / "IMG_1.jpg").write_bytes(HEIC)
    for value in (HEIC, tmp_path / "IMG_1.jpg"):
        arrived = opened(one_picture(value))
        assert arrived.size == (64, 32)
        assert is_near(arrived.getpixel((5, 5)), RED, by=30)
        assert is_near(arrived.getpixel((60, 5)), BLUE, by=30)


def test_heic_without_its_decoder_says_what_to_install(without) -> None:
    """The sentence names the extra."""
    without("pi_heif")
    with pytest.raises(MissingExtraError, match=r"`photo` is a HEIC picture.*glm-magics\[heic\]"):
        to_parts(HEIC, Loading("photo"))


# Animations and pages


def frames_of(n: int) -> list[Image.Image]:
    return [Image.new("RGB", (9, 9), (40 * i, 0, 0)) for i in range(n)]


def animated(format: str, n: int = 5) -> bytes:
    first, *others = frames_of(n)
    lossless = {"lossless": True} if format == "WEBP" else {}
    return saved(first, format, save_all=True, append_images=others, **lossless)


@pytest.mark.parametrize(
    ("format", "word"), [("GIF", "frame"), ("WEBP", "frame"), ("PNG", "frame"), ("AVIF", "frame"), ("TIFF", "page")]
)
def test_the_first_frame_goes_unless_others_are_chosen(format: str, word: str, tmp_path: Path) -> None:
    """The first, and the part says that there are more; brackets choose, counted from 1."""
    path = tmp_path / f"anim.{format.lower()}"
    path.write_bytes(animated(format))
    first = one_picture(path)
    assert first.source == f"{word} 1 of 5"
    assert is_near(opened(first).getpixel((3, 3)), (0, 0, 0), by=12)
    parts = to_parts(path, Loading(selection="4,2-3"))
    assert [part.source for part in parts] == [f"{word} {i} of 5" for i in (4, 2, 3)]
    for part, red in zip(parts, (120, 40, 80), strict=True):
        assert is_near(opened(part).getpixel((3, 3)), (red, 0, 0), by=12)


def test_a_frame_that_is_not_there_is_said(tmp_path: Path) -> None:
    """How many there are is in the sentence."""
    path = tmp_path / "anim.gif"
    path.write_bytes(animated("GIF"))
    with pytest.raises(MediaError, match="5"):
        to_parts(path, Loading(selection="9"))


def test_one_frame_needs_no_note() -> None:
    """A picture is no animation."""
    assert one_picture(saved(red_left(), "GIF")).source == ""


# Many at once


def test_a_list_of_photos_keeps_its_order(tmp_path: Path) -> None:
    """Though they are prepared in parallel."""
    paths = []
    for i in range(12):
        paths.append(tmp_path / f"{i}.jpg")
        exif = Image.Exif()
        exif[0x0112] = 1 + i % 8
        paths[-1].write_bytes(saved(Image.new("RGB", (300 - 20 * i, 16), (20 * i, 0, 0)), "JPEG", exif=exif))
    parts = to_parts([*paths, red_left(), saved(red_left())], Loading("photos"))
    assert [part.label for part in parts] == [f"photos[{i}]" for i in range(14)]
    for i, part in enumerate(parts[:12]):
        assert max(part.width_px, part.height_px) == 300 - 20 * i
        assert is_near(opened(part).getpixel((5, 5)), (20 * i, 0, 0), by=12)


def test_photos_are_prepared_by_several_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits until another has begun: one thread alone would wait for ever."""
    both = threading.Barrier(2, timeout=10)
    monkeypatch.setattr("glm_magics.media.images.load_picture", lambda data, label: ImagePart(data[: both.wait() + 99]))
    assert len(to_parts([saved(red_left()), saved(noise())])) == 2


def test_the_first_bad_photo_is_named(tmp_path: Path) -> None:
    """In the order of the list, with what stands before it."""
    bad = saved(noise(300, 300), "JPEG")[:2000]
    with pytest.raises(MediaError, match=r"`photos\[2\]`.*cut off"):
        to_parts([saved(red_left()), red_left(), bad, bad, tmp_path / "nobody.png"], Loading("photos"))
    with pytest.raises(MediaError, match=r"`photos\[0\]`.*without any pixels"):
        to_parts([Image.new("RGB", (0, 0)), bad, bad], Loading("photos"))


def test_threads_leave_the_warning_filters_alone() -> None:
    """`catch_warnings` in several threads would silence the process for good, or let warnings through."""
    broken_exif = saved(red_left(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40)
    before = list(warnings.filters)
    for _ in range(5):
        assert len(to_parts([broken_exif] * 8)) == 8
    assert warnings.filters == before


# Bombs


def bomb_gif(n_frames: int) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame * n_frames + b"\x3b"


def test_a_gif_of_thousands_of_frames_is_its_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted, not drawn."""
    assert one_picture(bomb_gif(20_000)).source == "frame 1 of 20000"


def huge_tiff() -> bytes:
    data = saved(Image.new("1", (8, 8)), "TIFF")
    return data.replace(struct.pack("<HHII", 256, 4, 1, 8), struct.pack("<HHII", 256, 4, 1, 60_000)).replace(
        struct.pack("<HHII", 257, 4, 1, 8), struct.pack("<HHII", 257, 4, 1, 60_000)
    )


def huge_webp() -> bytes:
    data = bytearray(saved(Image.new("RGB", (8, 8)), "WEBP", lossless=True))
    at = data.index(b"VP8L") + 9
    data[at : at + 4] = struct.pack("<I", 16382 | (16382 << 14))
    return bytes(data)


def huge_bmp() -> bytes:
    data = bytearray(saved(Image.new("RGB", (8, 8)), "BMP"))
    data[18:26] = struct.pack("<ii", 40_000, 40_000)
    return bytes(data)


@pytest.mark.parametrize("make", [huge_tiff, huge_webp, huge_bmp])
def test_small_files_that_claim_to_be_huge_are_refused(make) -> None:
    """Before a pixel is unpacked."""
    message = refused(make()).message
    assert "million are the limit" in message or "huge" in message


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_file_cut_off_anywhere_is_a_picture_or_a_sentence(format: str) -> None:
    """No error of a decoder's own, and no warning."""
    data = saved(noise(40, 30), format)
    for n in sorted(random.Random(1).sample(range(len(data)), 40)):
        with suppress(MediaError):
            opened(one_picture(data[:n]))


# SVG

SVG_HEAD = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
DRAWING = SVG_HEAD + b'width="100" height="50"><rect width="50" height="50" fill="#f00"/></svg>'


@pytest.fixture(scope="module")
def resvg():
    return pytest.importorskip("resvg_py")


def test_svg_is_drawn_on_white(resvg, tmp_path: Path) -> None:
    """A file, packed or not, bytes, and what shows itself as one."""
    (tmp_path / "a.svg").write_bytes(b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n' + DRAWING)
    (tmp_path / "a.svgz").write_bytes(gzip.compress(DRAWING))
    for value in (tmp_path / "a.svg", tmp_path / "a.svgz", DRAWING, SVG(DRAWING.decode())):
        arrived = opened(one_picture(value))
        assert arrived.size == (512, 256)
        assert arrived.getpixel((100, 100)) == RED
        assert arrived.getpixel((400, 100)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        pytest.param(b'width="2000" height="1000"', (3125, 1562), id="150-dpi"),
        pytest.param(b'width="50mm" height="25mm"', (512, 256), id="millimetres"),
        pytest.param(b'viewBox="0 0 30 10"', (512, 171), id="view-box-alone"),
        pytest.param(b'width="100%" viewBox="0,0,400,400"', (625, 625), id="percent"),
        pytest.param(b'width="900000" height="900000"', (2424, 2424), id="huge"),
    ],
)
def test_svg_is_drawn_at_a_legible_size(resvg, size: bytes, wanted: tuple[int, int]) -> None:
    """As large as figures are, small icons larger, never more than is seen."""
    arrived = opened(one_picture(SVG_HEAD + size + b"><rect width='9' height='9'/></svg>"))
    assert abs(arrived.width - wanted[0]) <= 1
    assert abs(arrived.height - wanted[1]) <= 1


@pytest.mark.parametrize("name", ["href", "xlink:href"])
@pytest.mark.parametrize("where", ["{path}", "secret.png", "file://{path}", " {path}", "./secret.png"])
def test_svg_opens_no_file(resvg, name: str, where: str, tmp_path: Path) -> None:
    """A drawing from elsewhere could have any picture on this machine painted into what is sent."""
    (tmp_path / "secret.png").write_bytes(saved(Image.new("RGB", (9, 9), RED)))
    address = where.format(path=tmp_path / "secret.png")
    image = f'width="90" height="90"><image {name}="{address}" width="90" height="90"/></svg>'
    (tmp_path / "a.svg").write_bytes(SVG_HEAD + image.encode())
    assert opened(one_picture(tmp_path / "a.svg")).getpixel((200, 200)) == (255, 255, 255)


def test_svg_shows_what_is_in_the_file_itself(resvg) -> None:
    """Pictures within and references to its own parts."""
    inner = base64.b64encode(saved(Image.new("RGB", (9, 9), RED))).decode()
    image = f'width="90" height="90"><image href="data:image/png;base64,{inner}" width="90" height="90"/></svg>'
    assert opened(one_picture(SVG_HEAD + image.encode())).getpixel((200, 200)) == RED
    uses = b'width="9" height="9"><defs><rect id="r" width="9" height="9" fill="red"/></defs><use xlink:href="#r"/></svg>'
    assert opened(one_picture(SVG_HEAD + uses)).getpixel((200, 200)) == RED


ENTITIES = b"<!DOCTYPE svg [<!ENTITY a 'lololololol'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
)


@pytest.mark.parametrize(
    ("svg", "said"),
    [
        pytest.param(b"<svg", "no readable SVG", id="cut-off"),
        pytest.param(DRAWING[:-20], "no readable SVG", id="truncated"),
        pytest.param(b"<svg/>", "nothing in it", id="empty"),
        pytest.param(SVG_HEAD + b'width="0" height="0"><g/></svg>', "cannot be drawn", id="zero"),
        pytest.param(SVG_HEAD + b">" + b"<g>" * 50_000 + b"</g>" * 50_000 + b"</svg>", "nested too deeply", id="deep"),
        pytest.param(b"<svg-like><a/></svg-like>", "no SVG", id="another-kind"),
    ],
)
def test_bad_svg_is_refused(resvg, svg: bytes, said: str) -> None:
    """In a sentence."""
    assert said in refused(svg).message


def test_svg_of_growing_or_foreign_entities_is_refused(tmp_path: Path) -> None:
    """A billion laughs; a file of this machine."""
    foreign = b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg><text>&x;</text></svg>'
    for i, svg in enumerate((ENTITIES + b"]><svg><text>&j;</text></svg>", foreign)):
        (tmp_path / f"photo{i}.svg").write_bytes(svg)
        with pytest.raises(MediaError, match="no readable SVG"):
            to_parts(tmp_path / f"photo{i}.svg")


def test_svg_that_never_ends_is_stopped(resvg, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is drawn by a process of its own, so the notebook lives on."""
    monkeypatch.setattr("glm_magics.media.vector._TIMEOUT_S", 0.5)
    filter_ = b'<filter id="f"><feTurbulence baseFrequency="0.9" numOctaves="900000"/></filter>'
    svg = SVG_HEAD + b'width="99" height="99">' + filter_ + b'<rect width="99" height="99" filter="url(#f)"/></svg>'
    assert "longer than 0.5 s" in refused(svg).message


def test_svg_without_resvg(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence naming the extra; for a model without eyes its source will do."""
    monkeypatch.setattr("glm_magics.media.vector.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[svg\]"):
        to_parts(DRAWING)
    assert '<rect width="50"' in one_text(DRAWING, label="logo", intake=BLIND)


# Objects that show themselves


def shows(**methods: object) -> object:
    """An object whose class has these methods."""
    return type("Shown", (), {name: lambda self, made=made, **rest: made for name, made in methods.items()})()


PNG = saved(red_left())


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(shows(_repr_png_=PNG), id="bytes"),
        pytest.param(shows(_repr_png_=base64.b64encode(PNG).decode()), id="base64"),
        pytest.param(shows(_repr_png_=base64.encodebytes(PNG).decode()), id="base64-lines"),
        pytest.param(shows(_repr_png_=(PNG, {"width": 9})), id="with-metadata"),
        pytest.param(shows(_repr_png_=None, _repr_jpeg_=saved(red_left(), "JPEG")), id="second-way"),
        pytest.param(shows(_repr_mimebundle_={"image/png": PNG, "text/plain": "x"}), id="bundle"),
        pytest.param(shows(_repr_mimebundle_=({"image/png": base64.b64encode(PNG).decode()}, {})), id="bundle-with-metadata"),
        pytest.param(shows(to_image=red_left()), id="to-image-pil"),
        pytest.param(shows(to_image=PNG), id="to-image-bytes"),
        pytest.param(shows(to_image=np.asarray(red_left())), id="to-image-array"),
        pytest.param(ShownImage(data=PNG, format="png"), id="ipython"),
    ],
)
def test_whatever_shows_itself_as_a_picture_is_one(value: object) -> None:
    """By the display protocol, or `to_image`; for a model without eyes it is text."""
    arrived = opened(one_picture(value))
    assert is_near(arrived.getpixel((3, 3)), RED, by=12)
    assert one_text(value, intake=BLIND)


def test_what_shows_itself_as_svg_is_drawn(resvg) -> None:
    """Alone, or in a bundle."""
    for value in (shows(_repr_svg_=DRAWING.decode()), shows(_repr_mimebundle_={"image/svg+xml": DRAWING.decode()})):
        assert opened(one_picture(value)).getpixel((100, 100)) == RED


class NeedsArguments:
    def to_image(self, path: str) -> Image.Image:
        raise AssertionError("called")

    def __str__(self) -> str:
        return "words"


class Bundle:
    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": "<b>x</b>"}

    def __str__(self) -> str:
        return "words"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(shows(_repr_png_=None, __str__="words"), id="shows-nothing"),
        pytest.param(NeedsArguments(), id="to-image-needs-arguments"),
        pytest.param(shows(to_image="a string", __str__="words"), id="to-image-gives-text"),
        pytest.param(Bundle(), id="html-only"),
        pytest.param(Mock(__str__=lambda self: "words"), id="mock"),
        pytest.param(MagicMock(__str__=lambda self: "words"), id="magic-mock"),
        pytest.param(SimpleNamespace(_repr_png_=lambda: PNG), id="on-the-instance"),
    ],
)
def test_what_shows_no_picture_is_text(value: object) -> None:
    """A mock that answers to everything too."""
    assert "words" in one_text(value) or "namespace" in one_text(value)


class Fails:
    def _repr_png_(self) -> bytes:
        raise RuntimeError("no dot\non this machine")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(Fails(), "cannot be drawn: no dot on this machine", id="raises"),
        pytest.param(shows(_repr_png_=b"junk"), "no picture", id="junk"),
        pytest.param(shows(_repr_png_="~~~ junk"), "no picture", id="junk-text"),
        pytest.param(shows(_repr_png_=7), "no picture", id="a-number"),
    ],
)
def test_what_fails_to_show_itself_is_said(value: object, said: str) -> None:
    """The picture was wanted; the text of the object would be sent unseen."""
    assert said in refused(value).message


def test_a_list_of_things_that_show_themselves_is_pictures() -> None:
    """One by one; a list of things without a picture stays one text."""
    parts: list[Part] = to_parts([shows(_repr_png_=PNG), "and", red_left()], Loading("x"))
    assert [part.kind for part in parts] == ["image", "text", "image"]
    assert isinstance(to_parts([Bundle(), Bundle()])[0], TextPart)
    assert len(to_parts([Bundle(), Bundle()])) == 1


def test_a_formula_is_its_text() -> None:
    """sympy's objects have the methods, and show nothing; a list of them is one text."""
    members = {"__module__": "sympy.core._print_helpers", "__repr__": lambda self: "x**2", "_repr_png_": lambda self: None}
    formula = type("Expr", (type("Printable", (), members),), {})()
    assert one_text(formula) == "x**2"
    assert one_text([formula, formula]) == "[x**2, x**2]"


def test_a_real_formula_is_its_text() -> None:
    """Where sympy is."""
    sympy = pytest.importorskip("sympy")
    x = sympy.Symbol("x")
    assert one_text([x, x**2 + 1]) == "[x, x**2 + 1]"


def test_the_public_loader_takes_bytes() -> None:
    """For other rooms."""
    assert load_picture(PNG, "a").label == "a"


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(noise(), id="turned"),
        pytest.param(noise(6100, 40), id="scaled"),
        pytest.param(noise(3000, 2400), id="shrunk-in-bands"),
    ],
)
def test_notes_do_not_come_back_when_a_picture_is_painted_anew(image: Image.Image) -> None:
    """Pillow keeps a comment that it read, and would write it; the opened picture itself keeps it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(image, "JPEG", exif=exif, comment=b"SECRET")
    shown = Image.open(io.BytesIO(data))
    for value in (data, shown):
        assert b"SECRET" not in one_picture(value).data
    assert shown.info["comment"] == b"SECRET"


@pytest.mark.parametrize("size", [(2010, 10), (1, 201)])
def test_a_picture_that_is_a_mere_line_is_refused(size: tuple[int, int]) -> None:
    """The vendor takes none that are more than 200 times as long as wide; 200:1 is taken."""
    for value in (Image.new("RGB", size), saved(Image.new("RGB", size))):
        assert "201:1; 200:1 is the limit" in refused(value).message
    assert opened(one_picture(Image.new("RGB", (2000, 10)))).size == (2000, 10)


# Lists, dicts and what shows itself as HTML


def texts(value: object) -> str:
    return "".join(part.text if isinstance(part, TextPart) else "<picture>" for part in to_parts(value))


class Paged:
    """Says nothing of its own but HTML."""

    def __init__(self, html: str) -> None:
        self.html = html

    def _repr_html_(self) -> str:
        return self.html


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param([1, 2, noise(), "x", "y"], "\n1\n2\n<picture>x\ny\n", id="list"),
        pytest.param([noise(), np.arange(2), "x"], "<picture>[0 1]\nx\n", id="list-with-an-array"),
        pytest.param({"a": noise(), "b": 3}, "\na:\n<picture>b:\n3\n", id="dict"),
        pytest.param([{"a": [noise()]}, 1], "\na:\n<picture>1\n", id="nested"),
        pytest.param({"a": 1, "b": [2]}, "{'a': 1, 'b': [2]}", id="plain-dict"),
        pytest.param([{"a": 1}], "[{'a': 1}]", id="list-of-plain-dicts"),
        pytest.param(HTML("<b>hi</b>"), "<b>hi</b>", id="html"),
        pytest.param(Markdown("# hi"), "# hi", id="markdown"),
        pytest.param(Latex("$x$"), "$x$", id="latex"),
        pytest.param(Paged("<table><tr><th>a</th></tr><tr><td>1</td></tr></table>"), "<picture>", id="table"),
    ],
)
def test_values_within_values_stand_apart(value: object, text: str) -> None:
    """Each on lines of its own, those of a dict behind their keys."""
    assert texts(value) == text


def test_html_without_a_table_is_the_objects_text() -> None:
    """Whatever its HTML is."""
    assert "Paged object at" in texts(Paged("<p>hi</p>"))
