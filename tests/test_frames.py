"""Frames as pictures and as text: what is there is shown, what is left out is said, no letter is ever a box."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import warnings
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, features

import glm_magics as glm
from glm_magics import fonts, glyphs
from glm_magics.cells import format_column
from glm_magics.errors import GLMWarning, InputError, MediaError, MissingExtraError
from glm_magics.frames import choose_forms, encode, exact_text, fit_pages, fit_table, frame_images, why_not
from glm_magics.intake import Intake
from glm_magics.layouts import lay_out
from glm_magics.media import Loading, to_parts
from glm_magics.media.tables import load_frame
from glm_magics.messages import ImagePart, TextPart
from glm_magics.png import write_png
from glm_magics.readers import read_table
from glm_magics.tables import MAX_COLUMNS, MIN_ROWS
from glm_magics.tabletext import write_csv, write_markdown, write_text
from glm_magics.tokens import MAX_PICTURE_PIXELS, PATCH_PX, text_tokens

ODD = {
    "one-cell": pd.DataFrame({"a": [1]}),
    "duplicate-columns": pd.DataFrame([[1, "x"], [2, "y"]], columns=["a", "a"]),
    "multi-index": pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"])),
    "multi-columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
    "multi-both-named": pd.DataFrame(
        [[1, 2], [3, 4]],
        index=pd.MultiIndex.from_tuples([("r", 1), ("r", 2)], names=["i", "j"]),
        columns=pd.MultiIndex.from_tuples(
            [("a long outer head over two", "x"), ("a long outer head over two", "y")], names=["p", "q"]
        ),
    ),
    "named-index": pd.DataFrame({"v": [1]}, index=pd.Index(["r"], name="key")),
    "named-columns": pd.DataFrame([[1]], columns=pd.Index(["v"], name="key")),
    "missing": pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": [pd.NaT, pd.Timestamp("2026-01-02")]}),
    "extension-types": pd.DataFrame(
        {"i": pd.array([1, None], "Int64"), "s": pd.array(["a", None], "string"), "b": pd.array([True, None], "boolean")}
    ),
    "category": pd.DataFrame({"c": pd.Categorical(["a", "b"])}),
    "category-columns": pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["a", "b"])),
    "period-interval": pd.DataFrame({"p": pd.period_range("2026-01", periods=2, freq="M"), "i": pd.interval_range(0, 2)}),
    "infinite": pd.DataFrame({"a": [np.inf, -np.inf]}),
    "line-breaks": pd.DataFrame({"a": ["x\ny\tz"]}),
    "controls": pd.DataFrame({"a": ["a\x00b\x1b[31m"]}),
    "long-text": pd.DataFrame({"a": ["x" * 10_000_000]}),
    "lists-in-cells": pd.DataFrame({"a": [[1, 2], {"b": 1}]}),
    "list-in-itself": pd.DataFrame({"a": [(lambda a: a.append(a) or a)([])]}),
    "arrays-in-cells": pd.DataFrame({"a": [np.zeros((9, 9)), np.arange(3)]}),
    "pictures-in-cells": pd.DataFrame({"a": [Image.new("RGB", (9, 9))]}),
    "bytes": pd.DataFrame({"a": [b"\x00\xff", bytearray(b"x"), memoryview(b"y")]}),
    "no-string-columns": pd.DataFrame([[1, 2]], columns=[0, None]),
    "many-rows": pd.DataFrame({"a": range(1_000_000), "b": range(1_000_000)}),
    "many-columns": pd.DataFrame([range(5000)]),
    "both-long": pd.DataFrame(np.zeros((100, 100))),
    "wide-cells": pd.DataFrame({f"a{j}": ["word " * 20] * 60 for j in range(20)}),
    "accents": pd.DataFrame({"é": ["ß", "Ω", "−1"]}),
    "unnamed-series": pd.Series([1.0, 2.0]),
    "named-series": pd.Series(["x"], name="s"),
    "empty-words": pd.DataFrame({"": [""]}),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}),
    "arrow": pd.DataFrame({"a": pd.array([1, None], "int64[pyarrow]"), "l": pd.array([[1], None], "object")}),
    "timedeltas": pd.DataFrame({"a": pd.to_timedelta([1, None], "h")}),
    "complex": pd.DataFrame({"a": [1 + 2j]}),
    "zones": pd.DataFrame({"a": pd.date_range("2026-01-01", periods=2, tz="Asia/Shanghai")}),
    "decimals": pd.DataFrame({"a": [Decimal("1.10"), Decimal("NaN"), None], "f": [Fraction(1, 3), None, 2]}),
    "half-letters": pd.DataFrame({"a": pd.Series(["\ud800x"], dtype=object)}),
    "mixed": pd.DataFrame({"a": [1, "x", None, 2.5, dt.date(2026, 1, 1), [1]]}),
    "dict-in-itself": pd.DataFrame({"a": [(lambda a: a.update(a=a) or a)({})]}),
    "broken-within": pd.DataFrame({"a": [[object.__new__(type("Odd", (), {"__repr__": lambda self: 1 / 0}))]]}),
    "long-names": pd.DataFrame({"x" * 10_000_000: [1]}, index=["y" * 10_000_000]),
    "nullable-floats": pd.DataFrame({"a": pd.array([1.5, None], "Float64")}),
}


@pytest.fixture
def bare_fonts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any font of its own; gives its empty font folder."""
    monkeypatch.setattr(fonts, "font_folders", lambda: [str(tmp_path)])
    glyphs.pen.cache_clear()
    yield tmp_path
    glyphs.pen.cache_clear()


def grid(frame: Any, *limits: int) -> list[list[str]]:
    """Heads and cells as they are drawn, line by line."""
    columns = read_table(frame, *limits).columns
    heads = zip(*(column.heads for column in columns), strict=True)
    return [list(line) for line in (*heads, *zip(*(column.cells for column in columns), strict=True))]


def ink(image: Image.Image) -> int:
    """Dark pixels."""
    return int((np.asarray(image.convert("L")) < 128).sum())


# Pictures


@pytest.mark.parametrize("name", ODD)
def test_odd_frames_are_drawn(name: str) -> None:
    """A legible picture of bounded size that the vendor does not scale; the frame stays as it is."""
    frame = ODD[name]
    picture = glm.frame_image(frame)
    assert picture.width % PATCH_PX == picture.height % PATCH_PX == 0
    assert picture.width * picture.height <= MAX_PICTURE_PIXELS
    assert ink(picture) > 10
    assert len({len(line) for line in grid(frame)}) == 1


def test_drawing_leaves_the_frame_alone() -> None:
    """Not a cell is touched."""
    frame = ODD["missing"].copy(deep=True)
    glm.frame_image(frame)
    pd.testing.assert_frame_equal(frame, ODD["missing"])


def test_no_line_is_clipped_and_nothing_overlaps() -> None:
    """What is drawn of a frame is as dark as its letters drawn alone: no letter lost, none over another."""
    words = pd.DataFrame({"left": ["Ågjpqy", "fjfjff"], "right": [123456, -1]})
    pen = glyphs.pen(14)
    pen.learn(["Ågjpqyfjf0123456-"])
    whole = 255 - np.asarray(glm.frame_image(words)).astype(int)
    alone = sum(int(pen._patches[letter].ink.sum()) for cell in ("Ågjpqy", "fjfjff", "123456", "-1") for letter in cell)
    body = whole[2 * 17 :]
    assert body.sum() > 0
    assert whole.sum() > 0.8 * alone


def test_numbers_stand_below_each_other() -> None:
    """Right edges of a number column are one line of pixels apart at most."""
    picture = np.asarray(glm.frame_image(pd.DataFrame({"n": [1.25, 1000.25, -3.25]}, index=["", "", ""])))
    rows = [picture[20 * i + 4 : 20 * i + 19] for i in (1, 2, 3)]
    assert len({int(np.nonzero((row < 128).any(axis=0))[0].max()) for row in rows}) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"max_rows": 0}, "max_rows", id="no-rows"),
        pytest.param({"max_cols": -1}, "max_cols", id="negative-columns"),
        pytest.param({"max_rows": "5"}, "max_rows", id="words-for-rows"),
        pytest.param({"max_rows": True}, "max_rows", id="true-rows"),
        pytest.param({"font_size_px": 2}, "font_size_px", id="tiny-font"),
        pytest.param({"font_size_px": 14.5}, "font_size_px", id="half-pixels"),
        pytest.param({"theme": "pink"}, "light, dark", id="theme"),
    ],
)
def test_wrong_settings_are_a_sentence(settings: dict[str, Any], said: str) -> None:
    """With what can be given instead."""
    with pytest.raises(InputError, match=said):
        glm.frame_image(ODD["one-cell"], **settings)


def test_settings_of_a_picture() -> None:
    """Size, title, theme, rows and columns by wish."""
    frame = pd.DataFrame(np.arange(2000).reshape(100, 20))
    plain = glm.frame_image(frame)
    assert glm.frame_image(frame, font_size_px=20).width > plain.width
    assert glm.frame_image(frame, title="What it is").height >= plain.height
    assert ink(glm.frame_image(frame, theme="dark")) > 10 * ink(plain)
    assert glm.frame_image(frame, max_rows=100).height > 3 * plain.height
    assert glm.frame_image(frame, max_cols=3).width < plain.width / 2


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(pd.DataFrame(), id="nothing"),
        pytest.param(pd.DataFrame({"a": [], "b": []}), id="no-rows"),
        pytest.param(pd.DataFrame(index=[1, 2]), id="no-columns"),
        pytest.param(pd.Series([], name="a"), id="series"),
        pytest.param(pd.DataFrame({"a": []}).style, id="styler"),
        pytest.param(pd.DataFrame({"a": [], "b": []}).groupby("a"), id="groups"),
    ],
)
@pytest.mark.parametrize("form", ["image", "text", "both", "auto", "pages"])
def test_empty_frames_are_refused(frame: Any, form: Any) -> None:
    """In a sentence that says the shape, in every form; an answer to nothing would be made up."""
    with pytest.raises(MediaError, match=r"`df` is an empty frame \(\d rows × \d columns\)\."):
        to_parts(frame, Loading("df", frames=form))
    with pytest.raises(MediaError, match="empty"):
        glm.frame_image(frame)


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(Image.new("RGB", (9, 9)), id="picture"),
        pytest.param(np.zeros((9, 9)), id="array"),
        pytest.param(pd.DataFrame({"b": [1]}), id="frame"),
    ],
)
@pytest.mark.parametrize("form", ["image", "text"])
def test_what_is_more_than_text_within_a_cell_is_said(cell: Any, form: Any) -> None:
    """With the column's name: nobody should think that the model saw the pictures."""
    with pytest.warns(GLMWarning, match="`df` holds pictures, arrays or the like in its column `p`: sent as text only"):
        to_parts(pd.DataFrame({"n": [1], "p": pd.Series([cell], dtype=object)}), Loading("df", frames=form))


def test_a_title_is_one_line() -> None:
    """Its line break would be drawn as a box."""
    assert fit_pages(ODD["one-cell"], title="a\nb\x07")[0].caption == r"a b\x07"
    assert glm.frame_image(ODD["one-cell"], title="a\nb").size == glm.frame_image(ODD["one-cell"], title="a b").size


def test_pages_keep_to_what_the_model_takes() -> None:
    """Fewer pictures; that columns are left out is said, and none is shrunk."""
    with pytest.warns(GLMWarning, match=r"`df` has 300 columns; \d+ of them fit 2 pictures, the others"):
        parts = to_parts(wide(300), Loading("df", frames="pages", intake=Intake(max_images=2)))
    assert len(parts) == 2
    with pytest.warns(GLMWarning, match="has 5,000 columns"):
        assert len(to_parts(wide(5000), Loading("df", frames="pages"))) == 10
    long = pd.DataFrame({f"a long name {j}": ["word " * 9] * 60 for j in range(40)})
    (page,) = fit_pages(long, max_pages=1)
    assert lay_out(page, 14).fits


def test_what_cannot_be_read_is_not_said_to_be_undrawable() -> None:
    """Where text was asked for."""

    class Broken:
        def __str__(self) -> str:
            raise ValueError("no")

    with pytest.raises(MediaError, match="`df` cannot be read: A cell of the column `a`"):
        to_parts(pd.DataFrame({"a": [Broken()]}), Loading("df", frames="text"))


def test_exact_text_keeps_spaces_and_repeated_labels() -> None:
    """Indents mean something; a line is read without those above it."""
    assert exact_text(pd.DataFrame({"a": ["  x", "y  z\n"]}))[0] == ",a\n0,  x\n1,y  z \n[2 rows x 1 columns]\n"
    index = pd.MultiIndex.from_tuples([("A", 1), ("A", 2)])
    assert exact_text(pd.DataFrame({"v": [7, 8]}, index=index))[0] == ",,v\nA,1,7\nA,2,8\n[2 rows x 1 columns]\n"


# Letters


@pytest.mark.parametrize(
    ("frame", "package"),
    [
        pytest.param(pd.DataFrame({"a": ["中文"]}), "fonts-noto-cjk", id="cjk-cell"),
        pytest.param(pd.DataFrame({"名": [1]}), "fonts-noto-cjk", id="cjk-column"),
        pytest.param(pd.DataFrame({"a": [1]}, index=["行"]), "fonts-noto-cjk", id="cjk-index"),
        pytest.param(pd.DataFrame({"a": ["서울"]}), "fonts-noto-cjk", id="hangul"),
        pytest.param(pd.DataFrame({"a": ["🦊"]}), "fonts-noto-color-emoji", id="emoji"),
        pytest.param(pd.DataFrame({"a": ["हिन्दी"]}), "fonts-noto-core", id="devanagari"),
        pytest.param(pd.DataFrame({"a": ["\ue000"]}), "fonts-noto-core", id="private-use"),
    ],
)
def test_what_no_font_shows_is_text_with_a_way_out(frame: pd.DataFrame, package: str, bare_fonts: Path) -> None:
    """Never empty boxes: a warning names the package, the text holds it all, and a picture is refused."""
    with pytest.warns(UserWarning, match=f"`df` is sent as text.*{package}"):
        (part,) = to_parts(frame, Loading("df"))
    assert isinstance(part, TextPart)
    assert any(letter in part.text for letter in (str(frame.iloc[0, 0]), *map(str, frame.columns)) if letter != "a")
    with pytest.raises(MediaError, match=package):
        glm.frame_image(frame)


def test_letters_outside_of_the_shown_rows_do_not_matter(bare_fonts: Path) -> None:
    """Only what is drawn needs letters."""
    frame = pd.DataFrame({"a": ["x"] * 100})
    frame.loc[50, "a"] = "中"
    assert not why_not(fit_table(frame))


def test_a_broken_font_file_is_passed_by(bare_fonts: Path) -> None:
    """Whatever lies in the folder."""
    for name, data in (
        ("a.ttf", b""),
        ("b.otf", b"\0" * 100),
        ("c.ttc", b"ttcf\0\0\0\0\xff\xff\xff\xff"),
        ("d.ttf", b"x" * 5000),
    ):
        (bare_fonts / name).write_bytes(data)
    assert why_not(fit_table(pd.DataFrame({"a": ["中"]})))


def test_a_font_of_the_system_is_found_by_its_letters(bare_fonts: Path) -> None:
    """By what it has, not by its name."""
    mono = Path(fonts.base_face().path).with_name("STIXGeneral.ttf")
    letter = next(chr(code) for code in range(0x2000, 0xFFFF) if _only_in(next(fonts.read_faces(str(mono))), chr(code)))
    (bare_fonts / "any.ttf").write_bytes(mono.read_bytes())
    faces, unknown = fonts.find_faces([letter])
    assert (unknown, Path(faces[letter].path).name) == ([], "any.ttf")
    assert ink(glm.frame_image(pd.DataFrame({"a": [letter * 3]}))) > 10


def _only_in(face: fonts.Face, letter: str) -> bool:
    return letter.isprintable() and face.has(letter) and not fonts.base_face().has(letter)


def test_the_cmap_is_read_as_matplotlib_reads_it() -> None:
    """Letter for letter."""
    from matplotlib.ft2font import FT2Font

    for face in (fonts.base_face(), fonts.base_face(True)):
        known = {code for code in FT2Font(face.path).get_charmap()}
        assert {code for code in range(0x1FFFF) if face.has(chr(code))} - {0xFFFF} == known


def stamped(pen: glyphs.Pen, text: str, *, is_apart: bool = False) -> np.ndarray[Any, Any]:
    """The text on a canvas, as the pen sets it or letter by letter in the given order."""
    canvas, places = np.zeros((40, 120), np.uint8), {}
    x = 10
    for piece in text if is_apart else [text]:
        pen.place(piece, x, 25, places)
        x += pen.width_px(piece)
    pen.stamp(canvas, places)
    return canvas.astype(int)


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow cannot shape")
def test_hebrew_runs_from_right_to_left() -> None:
    """It looks like its letters set backwards, not like its letters as they are typed."""
    pen, text = glyphs.Pen(14), "שלום"
    assert pen.learn([text, *text]) == []
    shaped = stamped(pen, text)
    backwards = np.abs(shaped - stamped(pen, text[::-1], is_apart=True)).sum()
    assert backwards < np.abs(shaped - stamped(pen, text, is_apart=True)).sum() / 2


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow cannot shape")
def test_arabic_letters_join() -> None:
    """Joined they are narrower than apart."""
    pen, text = glyphs.Pen(14), "مرحبا"
    assert pen.learn([text, *text]) == []
    assert 0 < pen.width_px(text) < sum(map(pen.width_px, text))
    assert stamped(pen, text).sum() > 0


@pytest.mark.parametrize("text", ["שלום", "हिन्दी", "é\u0301x"])
def test_without_a_shaper_complex_scripts_are_text(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Pillow without raqm would set them wrong."""
    monkeypatch.setattr(features, "check", lambda name: False)
    assert glyphs.Pen(13).learn([text])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("北京", "zh-Hans", id="chinese"),
        pytest.param("東京タワー", "ja", id="japanese"),
        pytest.param("서울 北", "ko", id="korean"),
        pytest.param("Paris", "", id="latin"),
    ],
)
def test_the_language_of_east_asian_letters(text: str, language: str) -> None:
    """It decides on the shape of letters that these languages share."""
    assert fonts.text_face(text)[1] == language


def test_one_font_writes_a_table_with_east_asian_letters(bare_fonts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Latin letters and digits too, when that font has them; any font with such letters will do."""
    faces = {"中": replace(fonts.base_face(), path=fonts.base_face(True).path)}
    monkeypatch.setattr(fonts, "find_faces", lambda letters: (faces, []))
    assert fonts.text_face("n 中 1") == (faces["中"], "zh-Hans")
    monkeypatch.setattr(fonts, "find_faces", lambda letters: ({"中": replace(faces["中"], starts=(0x4E00,), ends=(0x9FFF,))}, []))
    assert fonts.text_face("n 中 1") == (None, "zh-Hans")


def test_the_font_of_the_extra_is_found_and_its_package_not_imported(bare_fonts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it would change matplotlib's settings."""
    monkeypatch.undo()
    folder = bare_fonts / "notojp_matplotlib" / "fonts"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(bare_fonts)
    assert fonts.font_folders()[-1] == str(folder)
    assert "notojp_matplotlib" not in sys.modules


def test_a_font_that_is_installed_meanwhile_counts(bare_fonts: Path) -> None:
    """In the same kernel: the sentence says that it is drawn then."""
    source = Path(fonts.base_face().path).with_name("STIXGeneral.ttf")
    letter = next(chr(code) for code in range(0x2000, 0xFFFF) if _only_in(next(fonts.read_faces(str(source))), chr(code)))
    frame = pd.DataFrame({"a": [letter]})
    assert why_not(fit_table(frame))
    (bare_fonts / "new.ttf").write_bytes(source.read_bytes())
    assert not why_not(fit_table(frame))


@pytest.mark.parametrize(
    ("letters", "said"),
    [
        pytest.param("中", 'it, `pip install "glm-magics[cjk]"` or, on Debian, `apt install fonts-noto-cjk`,', id="extra-first"),
        pytest.param("中🦊", "it, on Debian `apt install fonts-noto-cjk fonts-noto-color-emoji`,", id="the-extra-is-not-enough"),
        pytest.param("ह", "it, on Debian `apt install fonts-noto-core`,", id="no-extra"),
    ],
)
def test_the_way_to_a_font(letters: str, said: str) -> None:
    """The extra where it has all of the letters."""
    assert said in fonts.way_out(letters)


# Cells


NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "cells", "are_numbers", "is_rounded"),
    [
        pytest.param([1 / 3, 2.0, NAN], ["0.333333", "2.000000", "NaN"], True, True, id="thirds"),
        pytest.param([1.5, 2.0], ["1.5", "2.0"], True, False, id="halves"),
        pytest.param([np.float32(0.1), np.float32(2)], ["0.1", "2.0"], True, False, id="float32"),
        pytest.param([1e20, 1.0], ["1.0000e+20", "1.0000e+00"], True, False, id="huge"),
        pytest.param([2.5e-8, 3.0], ["2.5000e-08", "3.0000e+00"], True, False, id="tiny"),
        pytest.param([12345.6789012, 0.5], ["12345.6789", "0.5000"], True, True, id="large-and-long"),
        pytest.param([np.inf, -np.inf, 1.25], ["inf", "-inf", "1.25"], True, False, id="infinite"),
        pytest.param([np.inf], ["inf"], True, False, id="only-infinite"),
        pytest.param([NAN, None], ["NaN", "None"], True, False, id="nothing-known"),
        pytest.param([1, 20, None], ["1", "20", "None"], True, False, id="ints"),
        pytest.param([2**70, -1], [str(2**70), "-1"], True, False, id="big-ints"),
        pytest.param([np.int8(1), np.uint64(2**63)], ["1", str(2**63)], True, False, id="numpy-ints"),
        pytest.param([True, False], ["True", "False"], False, False, id="bools"),
        pytest.param([Decimal("1.10"), Decimal("2")], ["1.10", "2"], True, False, id="decimals"),
        pytest.param([Fraction(1, 3)], ["1/3"], True, False, id="fractions"),
        pytest.param([1, "x"], ["1", "x"], False, False, id="mixed"),
        pytest.param([pd.Timestamp("2026-01-02"), pd.NaT], ["2026-01-02", "NaT"], False, False, id="days"),
        pytest.param([pd.Timestamp("2026-01-02 03:04")], ["2026-01-02 03:04:00"], False, False, id="times"),
        pytest.param([pd.Timestamp("2026-01-02", tz="UTC")], ["2026-01-02 00:00:00+00:00"], False, False, id="zoned"),
        pytest.param([dt.datetime(2026, 1, 2)], ["2026-01-02"], False, False, id="datetimes"),
        pytest.param([dt.timedelta(hours=1)], ["1:00:00"], False, False, id="durations"),
        pytest.param([pd.NA, "x"], ["<NA>", "x"], False, False, id="na"),
        pytest.param([b"\x00a"], ["b'\\x00a'"], False, False, id="bytes"),
        pytest.param(["x\n y\t"], ["x y"], False, False, id="white-space"),
        pytest.param(["a\x00\x1bb"], ["a\\x00\\x1bb"], False, False, id="controls"),
        pytest.param(["a\u202eb"], ["a\\u202eb"], False, False, id="bidi-override"),
        pytest.param(["a\ud800b"], ["a\\ud800b"], False, False, id="half-a-letter"),
        pytest.param([10**99, 1], ["1" + "0" * 58 + "…", "1"], True, True, id="very-long-number"),
        pytest.param(
            [123456789012345678901234567890123, 1], ["123456789012345678901234567890123", "1"], True, False, id="number"
        ),
        pytest.param(["z" * 99], ["z" * 29 + "…"], False, True, id="long"),
        pytest.param([[1, {"a": None}]], ["[1, {'a': None}]"], False, False, id="nested"),
        pytest.param([np.zeros((4, 9))], ["array 4×9 float64"], False, False, id="array"),
        pytest.param([-0.0, 0.0], ["-0.0", "0.0"], True, False, id="zeros"),
        pytest.param([5e-324], ["4.9407e-324"], True, False, id="denormal"),
        pytest.param([], [], False, False, id="none"),
    ],
)
def test_cells_as_text(values: list[Any], cells: list[str], are_numbers: bool, is_rounded: bool) -> None:
    """Floats aligned, dates short, odd things named, and what was lost is known."""
    assert format_column(values, 30) == (cells, are_numbers, is_rounded)


def test_exact_cells_keep_all_digits() -> None:
    """As the text beside a picture has to."""
    assert format_column([1 / 3, 2.0], 30, is_exact=True) == (["0.3333333333333333", "2.0"], True, False)


class Broken:
    """Cannot be written."""

    def __str__(self) -> str:
        raise RuntimeError("boom")

    __repr__ = __str__


def test_a_cell_that_cannot_be_written_is_a_sentence() -> None:
    """It names the column, and is never a traceback of the user's own class."""
    with pytest.raises(MediaError, match=r"column `bad` cannot be written: boom\."):
        glm.frame_image(pd.DataFrame({"bad": [Broken()]}))
    with pytest.raises(MediaError, match=r"label of the index cannot be written: boom\."):
        glm.frame_image(pd.DataFrame({"a": [1]}, index=pd.Index([Broken()], dtype=object)))
    with pytest.raises(MediaError, match=r"name of a column cannot be written: boom\."):
        glm.frame_image(pd.DataFrame([[1]], columns=pd.Index([Broken()], dtype=object)))


# Grids


def test_long_frames_show_head_and_tail_in_order() -> None:
    """First and last rows and columns, one mark between, index on the left."""
    frame = pd.DataFrame([[f"{i},{j}" for j in range(40)] for i in range(100)], columns=[f"c{j}" for j in range(40)])
    lines = grid(frame)
    assert lines[0][:3] == ["", "c0", "c1"]
    assert (lines[0][-1], lines[0].count("…")) == ("c39", 1)
    assert (lines[1][0], lines[-1][0], lines[-1][-1]) == ("0", "99", "99,39")
    assert [line[0] for line in lines].count("…") == 1
    assert len(lines) == 1 + MIN_ROWS + 1
    assert len(lines[0]) == 1 + MAX_COLUMNS + 1
    position = lines[0].index("…")
    assert all(line[position] == "…" for line in lines)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_limits_hold(limit: int) -> None:
    """One row or column too."""
    lines = grid(pd.DataFrame(np.zeros((9, 9))), limit, limit)
    assert (len(lines), len(lines[0])) == (1 + limit + 1, 1 + limit + 1)


def test_names_of_both_axes_and_repeated_labels() -> None:
    """As pandas prints them."""
    assert grid(ODD["multi-both-named"]) == [
        ["", "p", "a long outer head over two", "a long outer head over two"],
        ["", "q", "x", "y"],
        ["i", "j", "", ""],
        ["r", "1", "1", "2"],
        ["", "2", "3", "4"],
    ]
    assert grid(ODD["named-columns"])[0] == ["key", "v"]


# Other libraries


def other_frames() -> dict[str, Any]:
    import narwhals
    import polars
    import pyarrow

    table = polars.DataFrame({"a": [1, None], "b": ["x", "y"], "l": [[1], [2, 3]], "d": [dt.date(2026, 1, 2), None]})
    return {
        "polars": table,
        "polars-lazy": table.lazy(),
        "polars-series": table["a"],
        "pyarrow": table.to_arrow(),
        "pyarrow-batch": table.to_arrow().to_batches()[0],
        "pyarrow-duplicates": pyarrow.table([[1, 2], [3, 4]], names=["a", "a"]),
        "narwhals": narwhals.from_native(table),
    }


@pytest.mark.parametrize("name", other_frames())
def test_other_frames_are_drawn(name: str) -> None:
    """Through {df}; without an index, names as they are."""
    frame = other_frames()[name]
    (part,) = to_parts(frame)
    assert isinstance(part, ImagePart)
    assert grid(frame)[0][0] == "a"
    assert len(grid(frame)) == 3


def test_a_duckdb_relation_is_drawn() -> None:
    """In a process of its own: this library complains about itself when a process that used it ends."""
    program = (
        "import duckdb; from glm_magics.media import to_parts\n"
        "(part,) = to_parts(duckdb.sql(\"select 1 as a, 'x' as b union all select 2, 'y'\"))\n"
        "print(part.kind, part.width_px > 20)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["image", "True"]


def test_a_long_lazy_frame_shows_its_head_and_its_length() -> None:
    """It is never collected whole."""
    import polars

    table = read_table(polars.LazyFrame({"a": range(1000)}))
    assert table.n_rows == 1000
    assert list(table.columns[0].cells) == [*map(str, range(MIN_ROWS)), "…"]


def test_without_narwhals_a_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where it is needed."""
    import polars

    frame = polars.DataFrame({"a": [1]})
    monkeypatch.setitem(sys.modules, "narwhals", None)
    assert to_parts(ODD["one-cell"])
    with pytest.raises(MissingExtraError, match=r"glm-magics\[tables\]"):
        to_parts(frame)


@pytest.mark.parametrize("value", [5, "x", [1], None])
def test_what_is_no_frame_is_a_sentence(value: Any) -> None:
    """Not an attribute error."""
    with pytest.raises(InputError, match="no dataframe"):
        glm.frame_image(value)


# Text, and the choice


def test_text_of_a_long_frame_is_elided_and_says_its_shape() -> None:
    """In the same places as the picture."""
    text = write_text(read_table(pd.DataFrame({"a": range(1000)})))
    assert text.endswith("[1000 rows x 1 columns]\n")
    assert "…" in text
    assert len(text.splitlines()) < 20


@pytest.mark.parametrize("name", ODD)
def test_every_odd_frame_has_a_text(name: str) -> None:
    """With --frames text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GLMWarning)  # of pictures in cells
        (part,) = to_parts(ODD[name], Loading(frames="text"))
    assert isinstance(part, TextPart)
    assert 0 < len(part.text) < 400_000
    assert part.text.encode()


def test_csv_and_markdown_are_faithful() -> None:
    """What would break the format is quoted."""
    table = read_table(pd.DataFrame({"a|b": ["x,y", 'say "hi"']}))
    assert write_csv(table) == ',a|b\n0,"x,y"\n1,"say ""hi"""\n'
    assert write_markdown(table) == '||a\\|b|\n|-:|-|\n|0|x,y|\n|1|say "hi"|\n'


@pytest.mark.parametrize(
    ("frame", "is_drawn", "in_text"),
    [
        pytest.param(pd.DataFrame({"a": [1 / 3] * 5}), False, "0.3333333333333333", id="small"),
        pytest.param(pd.DataFrame({"id": ["9f86d081884c7d659a2f"] * 60, "n": 1}), False, "9f86d081884c", id="codes"),
        pytest.param(pd.DataFrame({f"c{j}": range(1000, 1060) for j in range(12)}), True, "", id="large"),
        pytest.param(
            pd.DataFrame({"x": [1 / 3] * 60, **{f"{j}": ["a.b."] * 60 for j in range(19)}}),
            True,
            "0.3333333333333333",
            id="rounded",
        ),
    ],
)
def test_auto_chooses_by_size_and_content(frame: pd.DataFrame, is_drawn: bool, in_text: str) -> None:
    """Cheap is exact, codes are text, large is drawn, and what the picture rounds goes beside it."""
    chosen, text = choose_forms(frame, fit_table(frame))
    assert chosen is is_drawn
    assert in_text in text
    assert bool(text) is bool(in_text)
    kinds = [part.kind for part in to_parts(frame, Loading(frames="auto"))]
    assert kinds == ["image"] * is_drawn + ["text"] * bool(in_text)


def test_both_are_the_picture_and_all_digits() -> None:
    """In this order."""
    picture, text = to_parts(pd.DataFrame({"a": [1 / 3]}), Loading("df", frames="both"))
    assert isinstance(picture, ImagePart)
    assert isinstance(text, TextPart)
    assert "0.3333333333333333" in text.text


def test_the_png_is_small_8_bit_rgb_and_exactly_the_picture() -> None:
    """Sixteen greys are all that letters need; colours too come through."""
    frame = pd.DataFrame(np.arange(600).reshape(50, 12))
    (part,) = to_parts(frame)
    assert isinstance(part, ImagePart)
    sent = Image.open(BytesIO(part.data))
    assert (sent.mode, sent.format, sent.size) == ("RGB", "PNG", (part.width_px, part.height_px))
    assert np.array_equal(np.asarray(sent.convert("L")), np.asarray(glm.frame_image(frame)))
    assert len(part.data) < 100_000
    styled = glm.frame_image(frame.style.background_gradient())
    assert np.array_equal(np.asarray(Image.open(BytesIO(encode(styled)))), np.asarray(styled))


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (1, 5, 3), (7, 1, 3)])
def test_png_files_of_any_size_can_be_read(shape: tuple[int, ...]) -> None:
    """By another library, all its checks on."""
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    image = Image.open(BytesIO(write_png(pixels)))
    image.verify()
    read = np.asarray(Image.open(BytesIO(write_png(pixels))))
    assert np.array_equal(read, np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels)


OUTSIDE = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile", "webbrowser.open"}
    | {"socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto", "ctypes.dlopen", "urllib.Request"}
)


def test_drawing_starts_no_process_and_opens_no_connection() -> None:
    """In a process of its own, whose every such act is watched; no browser, no network."""
    program = f"""
import sys
import pandas as pd
from PIL import Image
from glm_magics.frames import encode, frame_image, frame_images
frame = pd.DataFrame({{"word": ["a", "é", "z"], "n": [1.5, 2, 3]}})
acts = []
sys.addaudithook(lambda event, _: acts.append(event) if event in {set(OUTSIDE)!r} else None)
pictures = [frame_image(frame), frame_image(frame.style.bar()), frame_image(frame.groupby("n")), *frame_images(frame)]
print(len(b"".join(map(encode, pictures))) > 1000, acts, "matplotlib" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["True", "[]", "False"]


# Pages


def wide(n_columns: int) -> pd.DataFrame:
    return pd.DataFrame(np.arange(3 * n_columns).reshape(3, n_columns), index=["x", "y", "z"])


def test_wide_frames_are_paged_with_the_index_on_each() -> None:
    """Every column once, each page says which, and none is shrunk by the vendor."""
    pages = fit_pages(wide(45))
    assert [page.caption for page in pages] == ["columns 1–15 of 45", "columns 16–30 of 45", "columns 31–45 of 45"]
    assert [column.heads[0] for page in pages for column in page.columns if not column.is_label] == list(map(str, range(45)))
    assert all(list(page.columns[0].cells) == ["x", "y", "z"] for page in pages)
    pictures = frame_images(wide(45))
    assert len(pictures) == 3
    assert all(picture.width * picture.height <= MAX_PICTURE_PIXELS for picture in pictures)


def test_a_frame_that_fits_is_one_page_and_titles_stay() -> None:
    """The same picture as without pages."""
    (picture,) = frame_images(wide(20))
    assert np.array_equal(np.asarray(picture), np.asarray(glm.frame_image(wide(20))))
    assert [page.caption for page in fit_pages(wide(30), title="T")] == ["T – columns 1–15 of 30", "T – columns 16–30 of 30"]


def test_very_wide_frames_are_ten_pages_and_a_gap() -> None:
    """First and last columns."""
    pages = fit_pages(wide(5000))
    assert len(pages) == 10
    assert pages[0].caption.startswith("columns 1–")
    assert pages[-1].caption.endswith("–5000 of 5000")
    assert sum(column.is_gap for page in pages for column in page.columns) == 1


def test_pages_of_long_cells_hold_fewer_columns() -> None:
    """Before words are cut."""
    pages = fit_pages(pd.DataFrame({f"c{j}": ["word " * 9] * 60 for j in range(40)}))
    assert len(pages) > 2
    assert not any(page.is_rounded for page in pages)


def test_pages_are_sent_as_pictures() -> None:
    """With --frames pages."""
    parts = load_frame(wide(45), Loading("df", frames="pages"))
    assert [part.kind for part in parts] == ["image"] * 3


def test_more_than_a_picture_holds_is_a_sentence() -> None:
    """Not a picture that the vendor refuses."""
    with pytest.raises(MediaError, match=r"pixels high.*Lower max_rows"):
        glm.frame_image(pd.DataFrame({"a": range(1000)}), max_rows=1000)
    with pytest.raises(MediaError, match=r"pixels wide.*Lower max_cols"):
        glm.frame_image(wide(1000), max_cols=1000)


# What holds for all rows


def test_text_of_an_elided_frame_says_what_holds_for_all_of_it() -> None:
    """Types, counts, means and extremes: nobody can tell them from head and tail."""
    frame = pd.DataFrame({"n": range(1000), "w": ["a", "b"] * 500, "l": [[1]] * 1000, "f": [0.5, None] * 500})
    text = exact_text(frame)[0]
    described = text.partition("Of all 1000 rows:\n")[2].splitlines()
    assert described[0] == ",n,w,l,f"
    facts = {line.split(",")[0]: line.split(",")[1:] for line in described}
    assert (facts["count"][3], facts["mean"][0], facts["max"][0], facts["unique"][1]) == ("500", "499.5", "999", "2")
    assert facts["type"][0] == "int64"
    assert "Of all" not in exact_text(frame.head(20))[0]


@pytest.mark.parametrize(("form", "is_said"), [("image", False), ("both", True), ("text", True), ("auto", True)])
def test_where_the_summary_goes(form: Any, is_said: bool) -> None:
    """With every text, and with no picture that was asked for alone."""
    parts = to_parts(pd.DataFrame({f"c{j}": np.arange(500) / 3 for j in range(12)}), Loading(frames=form))
    assert any(isinstance(part, TextPart) and "Of all 500 rows" in part.text for part in parts) is is_said


def test_other_frames_are_summarised_too_but_lazy_ones_by_type_only() -> None:
    """A lazy frame is never computed whole."""
    import polars

    frame = polars.DataFrame({"n": range(100), "w": ["x"] * 100})
    assert "\nmean,49.5,\n" in exact_text(frame)[0]
    assert exact_text(frame.lazy())[0].endswith("Of all 100 rows:\n,n,w\ntype,Int64,String\n")


def test_estimated_tokens_grow_with_the_text() -> None:
    """Digits by threes, Chinese by 0.6."""
    assert text_tokens("123456") == 2
    assert text_tokens("hello world") == 2
    assert text_tokens("中文中文中") == 3
