"""Python objects to message parts: every picture arrives upright, RGB and within the limits, or is refused in a sentence."""

from __future__ import annotations

import io
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from glm_magics.errors import GLMError, InputError, MediaError
from glm_magics.media import ATTACHMENTS, Loading, find_word, to_parts
from glm_magics.messages import ImagePart, TextPart
from glm_magics.pictures import MAX_IMAGE_BYTES, MAX_IMAGE_SIDE_PX, thumbnail_png

RED, BLUE = (255, 0, 0), (0, 0, 255)


def saved(image: Image.Image, format: str = "PNG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **settings)
    return buffer.getvalue()


def red_left(width: int = 40, height: int = 20) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width // 2, height))
    return image


def one_picture(value: object, **loading) -> ImagePart:
    [part] = to_parts(value, Loading(**loading))
    assert isinstance(part, ImagePart)
    return part


def opened(part: ImagePart) -> Image.Image:
    image = Image.open(io.BytesIO(part.data))
    image.load()
    assert (image.width, image.height) == (part.width_px, part.height_px)
    assert part.mime == f"image/{image.format.lower()}"
    assert image.mode == "RGB"
    assert max(image.size) <= MAX_IMAGE_SIDE_PX
    assert len(part.data) <= MAX_IMAGE_BYTES
    return image


def one_text(value: object, **loading) -> str:
    [part] = to_parts(value, Loading(**loading))
    assert isinstance(part, TextPart)
    return part.text


def is_near(color: tuple[int, ...], wanted: tuple[int, ...], by: int = 8) -> bool:
    return all(abs(a - b) <= by for a, b in zip(color, wanted, strict=True))


def header_only_png(width: int, height: int) -> bytes:
    """A few bytes that claim to be a picture of any size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"")


# Text


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no\nidea")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("hé", "hé"),
        (5, "5"),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        ([1, "a"], "[1, 'a']"),
        ((), "()"),
        ({"a": 1}, "{'a': 1}"),
        (np.float64(1.5), "1.5"),
        ("see https://x.org/a.png", "see https://x.org/a.png"),
        ("https://x.org/page.html", "https://x.org/page.html"),
        (np.array([1, 2]), "[1 2]"),
        (np.array(7), "7"),
        (np.array(["a"]), "['a']"),
        (np.array([[1, 2], [3, 4]]), "[[1 2]\n [3 4]]"),
    ],
)
def test_plain_values_are_text(value: object, text: str) -> None:
    """Scalars, plain containers and small arrays are sent as they print."""
    assert one_text(value) == text


def test_a_value_that_cannot_be_printed_is_an_error() -> None:
    """The user's own __str__ may raise; the sentence stays one line."""
    with pytest.raises(MediaError, match="`x` cannot be written as text: no idea") as caught:
        to_parts(Broken(), Loading("x"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://x.org/a.png", " http://x.org/b.JPG?w=1#top\n", "https://x.org/c.webp"])
def test_a_picture_url_is_a_picture(url: str) -> None:
    """The server fetches it."""
    assert one_picture(url).url == url.strip()


# Modes and formats

MODES = {
    "1": 255,
    "L": 128,
    "P": 1,
    "RGB": RED,
    "RGBA": (255, 0, 0, 255),
    "LA": (128, 255),
    "CMYK": (0, 255, 255, 0),
    "YCbCr": (76, 85, 255),
    "HSV": (0, 255, 255),
    "LAB": (136, 208, 195),
    "I": 1000,
    "F": 0.5,
    "I;16": 500,
    "I;16B": 500,
    "PA": (1, 255),
    "La": (128, 255),
    "RGBa": (255, 0, 0, 255),
    "RGBX": (255, 0, 0, 0),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_arrives_as_rgb(mode: str) -> None:
    """Red stays red in whatever way it was written."""
    image = Image.new(mode, (9, 7), MODES[mode])
    before = (image.mode, image.tobytes())
    arrived = opened(one_picture(image))
    assert arrived.size == (9, 7)
    if mode in ("RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "RGBa", "RGBX"):
        assert is_near(arrived.getpixel((3, 3)), RED, by=12)
    assert (image.mode, image.tobytes()) == before


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_bytes_of_every_format_arrive(format: str) -> None:
    """What browsers and cameras save."""
    arrived = opened(one_picture(saved(red_left(), format)))
    assert is_near(arrived.getpixel((3, 3)), RED, by=12)
    assert is_near(arrived.getpixel((36, 3)), BLUE, by=12)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_a_fine_png_or_jpeg_is_sent_byte_for_byte(wrap: type) -> None:
    """No second compression where none is needed."""
    for format in ("PNG", "JPEG"):
        data = saved(red_left(), format)
        assert one_picture(wrap(data)).data == data


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_pictures_are_upright(orientation: int, format: str) -> None:
    """All eight EXIF orientations: the red half ends up on the left, from bytes and from an open picture."""
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    image = red_left()
    for step in undo.get(orientation, []):
        image = image.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(image, format, exif=exif)
    for value in (data, Image.open(io.BytesIO(data))):
        arrived = opened(one_picture(value))
        assert arrived.size == (40, 20)
        assert is_near(arrived.getpixel((3, 10)), RED, by=12)


def test_damaged_exif_is_no_obstacle() -> None:
    """A broken orientation tag is ignored, without a warning."""
    data = saved(red_left(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40)
    part = one_picture(data)
    assert (part.width_px, part.height_px) == (40, 20)
    assert thumbnail_png(part)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_becomes_white(mode: str) -> None:
    """Ink on a transparent ground stays legible."""
    image = Image.new("RGBA", (9, 9), (0, 0, 0, 0)).convert(mode)
    if mode == "P":
        image.info["transparency"] = image.getpixel((0, 0))
    assert opened(one_picture(image)).getpixel((3, 3)) == (255, 255, 255)
    assert opened(one_picture(saved(image))).getpixel((3, 3)) == (255, 255, 255)


def test_16_bit_greys_are_stretched() -> None:
    """A scan that uses a part of 16 bits is neither black nor white."""
    values = np.linspace(1000, 3000, 100 * 50).reshape(50, 100).astype(np.uint16)
    for value in (values, Image.fromarray(values), saved(Image.fromarray(values))):
        arrived = opened(one_picture(value))
        assert arrived.getpixel((99, 49))[0] > 250
        assert arrived.getpixel((0, 0))[0] < 90


def test_a_float_picture_with_holes_keeps_its_contrast() -> None:
    """NaN and infinity do not flatten the rest."""
    values = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    values[0, 0], values[0, 1] = np.nan, np.inf
    arrived = opened(one_picture(Image.fromarray(values)))
    assert 110 < arrived.getpixel((0, 5))[0] < 145


def test_an_animation_is_sent_as_the_frame_it_stands_at() -> None:
    """From a file the first; from an open picture the current one, which stays current."""
    frames = [Image.new("RGB", (9, 9), color) for color in (RED, BLUE)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert is_near(opened(one_picture(data)).getpixel((3, 3)), RED)
    image = Image.open(io.BytesIO(data))
    image.seek(1)
    assert is_near(opened(one_picture(image)).getpixel((3, 3)), BLUE)
    assert image.tell() == 1


# Sizes


def test_one_pixel_is_a_picture() -> None:
    """The smallest."""
    assert opened(one_picture(Image.new("RGB", (1, 1)))).size == (1, 1)


@pytest.mark.parametrize("size", [(7000, 50), (50, 7000)])
def test_a_long_picture_is_scaled_to_the_longest_side(size: tuple[int, int]) -> None:
    """6000 px, aspect kept as far as pixels allow."""
    for value in (Image.new("RGB", size, RED), saved(Image.new("RGB", size, RED))):
        arrived = opened(one_picture(value))
        assert max(arrived.size) == 6000
        assert min(arrived.size) >= 1


def test_a_picture_of_too_many_bytes_is_compressed_to_fit() -> None:
    """Noise of 2500 × 2500 is 19 MB as PNG."""
    noise = np.random.default_rng(0).integers(0, 256, (2500, 2500, 3), dtype=np.uint8)
    part = one_picture(noise)
    assert opened(part).width >= 1500
    assert part.mime == "image/jpeg"


def test_a_picture_that_claims_to_be_huge_is_refused_unread() -> None:
    """A decompression bomb costs nothing."""
    for side in (13_000, 60_000):
        with pytest.raises(MediaError, match=r"huge|million"):
            to_parts(header_only_png(side, side))
    with pytest.raises(MediaError, match="million are the limit"):
        to_parts(Image.new("1", (20_000, 8_000)))


@pytest.mark.parametrize("size", [(0, 0), (0, 5)])
def test_no_pixels_is_no_picture(size: tuple[int, int]) -> None:
    """Empty pictures and arrays."""
    with pytest.raises(MediaError, match="without any pixels"):
        to_parts(Image.new("RGB", size))
    with pytest.raises(MediaError, match="without any pixels"):
        to_parts(np.zeros((*size, 3), dtype=np.uint8))


# Damage

DAMAGED = {
    "empty": b"",
    "text": b"hello",
    "truncated-png": saved(red_left(200, 200))[:200],
    "truncated-jpeg": saved(red_left(200, 200), "JPEG")[:700],
    "truncated-webp": saved(red_left(200, 200), "WEBP")[:40],
    "png-header-only": b"\x89PNG\r\n\x1a\n",
    "jpeg-header-only": b"\xff\xd8\xff",
    "pdf": b"%PDF-1.7",
    "svg": b"<svg/>",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_bytes_are_refused_in_a_sentence(name: str) -> None:
    """Cut off, of another kind, or empty."""
    with pytest.raises(MediaError) as caught:
        to_parts(DAMAGED[name], Loading("photo"))
    assert "`photo`" in caught.value.message
    assert caught.value.way_out


def test_a_picture_that_breaks_while_it_is_read_is_refused() -> None:
    """PIL opens lazily: the damage shows only when the pixels are needed."""
    image = Image.open(io.BytesIO(DAMAGED["truncated-jpeg"]))
    with pytest.raises(MediaError, match="cut off"):
        to_parts(image)
    closed = Image.open(io.BytesIO(saved(red_left(), "TIFF")))
    closed.close()
    with pytest.raises(MediaError, match="no readable picture"):
        to_parts(closed)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@settings(max_examples=60)
@given(data=st.data())
def test_no_damage_escapes_as_a_foreign_error(format: str, data) -> None:
    """Flip bytes anywhere in a file: either a picture arrives or a MediaError, and no warning."""
    content = bytearray(saved(red_left(), format))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(MediaError):
        opened(one_picture(bytes(content[: data.draw(st.integers(1, len(content)))])))


# Paths


def test_a_path_to_a_picture_is_sent(tmp_path: Path) -> None:
    """Its name is the label; ~ is the home; relative means here."""
    (tmp_path / "photo one.png").write_bytes(saved(red_left()))
    for path in (tmp_path / "photo one.png", Path("photo one.png"), Path("~/photo one.png")):
        part = one_picture(path)
        assert opened(part).size == (40, 20)
        assert part.label == "photo one.png"


def test_a_picture_without_a_suffix_is_known_by_its_content(tmp_path: Path) -> None:
    """A download called `image`."""
    (tmp_path / "image").write_bytes(saved(red_left(), "JPEG"))
    assert opened(one_picture(tmp_path / "image"))


def make_fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.png")
    return folder / "pipe.png"


class Locked(type(Path())):
    """A file that may not be read (root may read everything, so the mode alone would not do)."""

    def open(self, *args: object, **kwargs: object):
        raise PermissionError(13, "Permission denied")

    def expanduser(self) -> Path:
        return self


def make_unreadable(folder: Path) -> Path:
    (folder / "secret.png").touch()
    return Locked(folder / "secret.png")


def make_inside_a_file(folder: Path) -> Path:
    (folder / "a.png").touch()
    return folder / "a.png" / "b.png"


def make_empty(folder: Path) -> Path:
    (folder / "empty.png").touch()
    return folder / "empty.png"


def make_huge(folder: Path) -> Path:
    with (folder / "scan.png").open("wb") as file:
        file.truncate(10**12)  # sparse
    return folder / "scan.png"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda folder: folder / "nobody.png", "no file `nobody.png`", id="missing"),
        pytest.param(lambda folder: folder, "holds no file that can be sent", id="empty-folder"),
        pytest.param(make_fifo, "no ordinary file", id="fifo"),
        pytest.param(make_unreadable, "`secret.png` cannot be read: Permission denied", id="unreadable"),
        pytest.param(make_inside_a_file, "cannot be read: Not a directory", id="inside-a-file"),
        pytest.param(make_empty, "is empty", id="empty-file"),
        pytest.param(make_huge, "larger than 200 MB", id="huge-file"),
        pytest.param(lambda folder: Path("a\0b.png"), "no path", id="null-byte"),
        pytest.param(lambda folder: Path("~nobody-of-that-name/a.png"), "no path", id="home-of-nobody"),
        pytest.param(lambda folder: Path("x" * 5000), "cannot be read", id="too-long"),
    ],
)
def test_paths_that_lead_nowhere_are_refused(make, said: str, tmp_path: Path) -> None:
    """In one sentence, at once, without the whole path."""
    with pytest.raises(MediaError, match=said) as caught:
        to_parts(make(tmp_path))
    assert caught.value.way_out
    assert str(tmp_path) not in caught.value.message


# Arrays


@pytest.mark.parametrize(
    ("array", "color"),
    [
        pytest.param(np.full((20, 30, 3), (255, 0, 0), np.uint8), RED, id="rgb"),
        pytest.param(np.full((20, 30, 3), (1.0, 0, 0)), RED, id="rgb-floats"),
        pytest.param(np.full((20, 30, 3), (255.0, 0, 0)), RED, id="rgb-floats-to-255"),
        pytest.param(np.full((20, 30, 3), (1.0000004, -1e-7, 0), np.float32), RED, id="floats-a-hair-outside"),
        pytest.param(np.full((20, 30, 4), (0, 0, 0, 0), np.uint8), (255, 255, 255), id="transparent"),
        pytest.param(np.full((20, 30, 1), 128, np.uint8), (128,) * 3, id="one-channel"),
        pytest.param(np.full((20, 30), 128, np.uint8), (128,) * 3, id="grey"),
        pytest.param(np.full((30, 30), 0.5), (128,) * 3, id="grey-floats"),
        pytest.param(np.ones((20, 30), bool), (255,) * 3, id="mask"),
        pytest.param(np.full((20, 30, 3), (65535, 0, 0), np.uint16), RED, id="16-bit-colour"),
        pytest.param(np.full((40, 60, 3), (255, 0, 0), np.uint8)[::2, ::-2], RED, id="strided"),
        pytest.param(np.asfortranarray(np.full((20, 30, 3), (255, 0, 0), np.uint8)), RED, id="fortran-order"),
    ],
)
def test_image_arrays_are_pictures(array: np.ndarray, color: tuple[int, ...]) -> None:
    """Usual types and ranges; the array stays as it is."""
    before = array.copy()
    arrived = opened(one_picture(array))
    assert arrived.size == (array.shape[1], array.shape[0])
    assert is_near(arrived.getpixel((5, 5)), color, by=1)
    assert np.array_equal(array, before, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize("array", [np.eye(10), np.corrcoef(np.arange(30).reshape(10, 3)), np.arange(100).reshape(10, 10)])
def test_a_small_matrix_is_numbers(array: np.ndarray) -> None:
    """A correlation or confusion matrix is no picture of 10 × 10 pixels."""
    assert "[[" in one_text(array)[:40]


@pytest.mark.parametrize("array", [np.full((30, 30), -1.0), np.full((30, 30, 3), 300)])
def test_numbers_outside_the_range_of_a_picture_are_refused(array: np.ndarray) -> None:
    """Rather than shown black or wrapped around."""
    with pytest.raises(MediaError, match="0 to 255, or 0 to 1") as caught:
        to_parts(array)
    assert "imshow" in caught.value.way_out


# Figures


@pytest.fixture
def figure():
    figure, axes = plt.subplots(1, 2, figsize=(4, 3), facecolor="none")
    axes[0].plot([1, 2], [3, 4], "r")
    yield figure
    plt.close("all")


def test_a_figure_is_sent_and_left_alone(figure) -> None:
    """Opaque, legible, neither closed nor altered."""

    def state() -> tuple[object, ...]:
        size, face = tuple(figure.get_size_inches()), figure.get_facecolor()
        return figure.dpi, size, face, figure.canvas, plt.get_fignums(), len(figure.axes)

    before = state()
    arrived = opened(one_picture(figure))
    assert arrived.width > 400
    assert arrived.getpixel((0, 0)) == (255, 255, 255)
    assert state() == before


def test_axes_and_subfigures_are_their_figure(figure) -> None:
    """Whatever part of it the user holds; the axes of one figure are one picture."""
    whole = one_picture(figure).data
    assert one_picture(figure.axes[0]).data == whole
    assert one_picture(np.array(figure.axes, dtype=object)).data == whole
    assert one_picture(list(figure.axes)).data == whole
    parent = plt.figure(figsize=(4, 2))
    left, _ = parent.subfigures(1, 2)
    axes = left.subplots()
    assert one_picture(left).data == one_picture(parent).data == one_picture(axes).data


def test_figures_that_cannot_be_drawn_are_refused() -> None:
    """Nothing in it; an artist that raises; axes that were removed."""
    with pytest.raises(MediaError, match="nothing in it"):
        to_parts(plt.figure())
    figure, axes = plt.subplots()
    axes.set_title("$\\notacommand{$")
    with pytest.raises(MediaError, match="cannot be drawn"):
        to_parts(figure)
    axes.remove()
    with pytest.raises(MediaError, match="no figure"):
        to_parts(axes)
    plt.close("all")


def test_a_giant_figure_is_drawn_within_the_limits() -> None:
    """100 × 2 inches are not 15 000 pixels."""
    figure, _ = plt.subplots(figsize=(100, 2))
    arrived = opened(one_picture(figure))
    assert 4000 < arrived.width <= 6000
    plt.close("all")


# Frames and lists


def test_frames_are_pictures_or_text() -> None:
    """As the option says; what cannot be drawn is text."""
    frame = pd.DataFrame({"a": [1, 2]})
    assert opened(one_picture(frame)).width > 50
    assert "a" in one_text(frame, frames="text")
    assert opened(one_picture(frame["a"]))
    with pytest.raises(MediaError, match="is an empty frame"):
        to_parts(pd.DataFrame({"a": []}))
    with pytest.warns(UserWarning, match="is sent as text"):
        assert "\ue000" in one_text(pd.DataFrame({"a": ["\ue000"]}))


def test_a_frame_of_broken_objects_is_refused() -> None:
    """Cells may hold anything."""
    with pytest.raises(MediaError, match="`df` cannot be drawn"):
        to_parts(pd.DataFrame({"a": [Broken()]}), Loading("df"))


def test_a_list_of_pictures_is_sent_one_by_one() -> None:
    """In order, with text between, labelled by index; lists within lists too."""
    parts = to_parts([red_left(), "then", (saved(red_left()), [red_left()])], Loading("imgs"))
    assert [part.kind for part in parts] == ["image", "text", "image", "image"]
    assert [part.label for part in parts if isinstance(part, ImagePart)] == ["imgs[0]", "imgs[2][0]", "imgs[2][1][0]"]


def test_a_list_that_holds_itself_ends() -> None:
    """No endless recursion."""
    items: list[object] = [red_left()]
    items.append(items)
    assert len(to_parts(items)) < 10


def test_a_long_list_of_numbers_is_quick_text() -> None:
    """No library is asked about each of 200 000 numbers."""
    assert one_text(list(range(200_000))).startswith("[0, 1")


# --image


def test_image_option_takes_pictures_only() -> None:
    """Strings are paths or URLs; text, numbers and undrawable frames are refused."""
    assert [part.url for part in ATTACHMENTS["image"]("https://x.org/any", Loading())] == ["https://x.org/any"]
    assert opened(ATTACHMENTS["image"](red_left(), Loading("x"))[0])
    for value in (5, None, "nobody.png", pd.DataFrame(), ["a"], [], b"text"):
        with pytest.raises(MediaError) as caught:
            ATTACHMENTS["image"](value, Loading())
        assert "``" not in str(caught.value)


def test_image_words_of_a_cell(tmp_path: Path) -> None:
    """URL, then a name of the notebook, then a file; a file wins over an attribute that looks like its name."""
    names = {"fig": red_left(), "imgs": [red_left(), red_left()], "n": 5}

    def load(token: str) -> list[ImagePart]:
        value = find_word(token, lambda source: eval(source, {}, names), names.__contains__)
        return ATTACHMENTS["image"](value, Loading(token))

    (tmp_path / "fig.png").write_bytes(saved(red_left(4, 4)))
    assert load("https://x.org/a")[0].url
    assert load("fig")[0].label == "fig"
    assert len(load("imgs")) == 2
    assert load("imgs[1]")[0].label == "imgs[1]"
    assert (load("fig.png")[0].width_px, load("fig.png")[0].label) == (4, "fig.png")
    for token, said in [
        ("nobody", "neither a name"),
        ("n", "`n` is no picture"),
        ("x" * 5000, "neither a name"),
        ("a\0b", "neither"),
    ]:
        with pytest.raises(InputError, match=said):
            load(token)


def test_thumbnails_are_small_pngs() -> None:
    """For the dry run."""
    image = Image.open(io.BytesIO(thumbnail_png(one_picture(red_left(2000, 100)))))
    assert (image.format, image.width) == ("PNG", 256)


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=9),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    )
)
def test_any_value_is_parts_or_one_of_our_errors(value: object) -> None:
    """Nothing in a notebook makes loading fail in a way of its own."""
    try:
        parts = to_parts(value)
    except GLMError:
        return
    assert all(isinstance(part, TextPart | ImagePart) for part in parts)
