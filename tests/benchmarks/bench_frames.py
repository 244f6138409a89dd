"""How legible a drawn frame is, what it costs and how long it takes, beside other ways to draw it.

``python -m tests.benchmarks frames [runs] [--slow]``. Every way draws the same frames, in turns. `ours` is all that ``{df}``
does, from the frame to the PNG; `hand layout` is the least that can be done: glyphs stamped by numpy, line 1.25 and padding
.35 of the font, a grey PNG. dataframe_image (matplotlib) runs where it is installed; with ``--slow`` its Chromium ways and
great_tables too, which need Chromium, playwright, selenium and chromedriver. What is missing is said in a line.

How it is read: each picture is scaled to the size that the vendor leaves of it (`vendor_size`), doubled, as tesseract is made
for print at 300 dpi, and read whole by tesseract (``--psm 6``: one block), with the model for English, or for Chinese where the
frame is. `char errors` is the edit distance of all cells, line by line, to that text without white space, over the letters of
the cells; `exact` the share of cells that are in their line as they are. Nothing is cut out of a picture.
The model for Chinese invents quotation marks in white gaps between a word and a number, in the pictures of every way, and with
every gap from 0.4 to 2 letters: it is told that there are none (``tessedit_char_blacklist``). `unbarred` is the rate without.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pandas as pd
from PIL import Image, ImageFont

from glm_magics.fonts import base_face
from glm_magics.media.loading import Loading
from glm_magics.media.tables import load_frame
from glm_magics.messages import ImagePart
from glm_magics.readers import read_table

WORDS = [
    *("harbour", "station", "meadow", "copper", "violet", "garden", "window", "bridge", "winter", "orange"),
    *("market", "planet", "silver", "forest", "candle"),
]
HAN = ["北京", "上海", "广州", "深圳", "杭州", "南京", "成都", "武汉", "西安", "重庆", "天津", "苏州", "长沙", "青岛", "大连"]
Drawer = Callable[[pd.DataFrame], bytes]


def reference_frames() -> dict[str, pd.DataFrame]:
    """Ints, floats, dates and words in turn; the last one Chinese."""
    rng = np.random.default_rng(7)

    def mixed(n_rows: int, n_columns: int) -> pd.DataFrame:
        kinds: list[Callable[[], object]] = [
            lambda: rng.integers(0, 100_000, n_rows),
            lambda: rng.normal(0, 300, n_rows).round(3),
            lambda: pd.date_range("2024-01-01", periods=n_rows) + pd.to_timedelta(rng.integers(0, 900), "D"),
            lambda: rng.choice(WORDS, n_rows),
        ]
        return pd.DataFrame({f"{WORDS[j % 15]}{j}": kinds[j % 4]() for j in range(n_columns)})

    chinese = pd.DataFrame({"城市": HAN, "人口": rng.integers(100, 3000, 15), "省会": rng.choice(HAN, 15)})
    frames = {"10x5": mixed(10, 5), "50x12": mixed(50, 12), "500x30": mixed(500, 30), "cjk 15x3": chinese}
    return frames | {"cjk 50x8": _mixed_chinese(rng)}


def _mixed_chinese(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "城市": rng.choice(HAN, 50),
            "人口": rng.integers(100, 3000, 50),
            "省会": rng.choice(HAN, 50),
            "温度": rng.normal(0, 30, 50).round(2),
            "日期": pd.date_range("2024-01-01", periods=50),
            "出发": rng.choice(HAN, 50),
            "数量": rng.integers(0, 100_000, 50),
            "到达": rng.choice(HAN, 50),
        }
    )


def ours(frame: pd.DataFrame) -> bytes:
    """What ``{df}`` sends."""
    (part,) = load_frame(frame, Loading())
    assert isinstance(part, ImagePart)
    return part.data


def hand_layout(frame: pd.DataFrame, font_px: int = 14) -> bytes:
    """The fastest way of the reference: text of every cell, letters drawn once and stamped by numpy; DejaVu only."""
    columns = read_table(frame).columns
    cells = [[*column.heads, *column.cells] for column in columns]
    font = ImageFont.truetype(base_face().path, font_px)
    letters = {}
    for letter in set().union(*(set(cell) for column in cells for cell in column)):
        core, (left, top) = font.getmask2(letter, mode="L", anchor="ls")
        letters[letter] = np.asarray(core, np.uint8).reshape(core.size[::-1]), left, top, round(font.getlength(letter))
    pad, line = round(0.35 * font_px), round(1.25 * font_px)
    widths = [max(sum(letters[letter][3] for letter in cell) for cell in column) for column in cells]
    canvas = np.full((line * len(cells[0]), sum(widths) + 2 * pad * len(widths)), 255, np.uint8)
    for i in range(0, len(cells[0]), 2):
        canvas[i * line : (i + 1) * line] = 245
    spots: dict[str, list[tuple[int, int]]] = {}
    x = 0
    for column, cell_texts, width in zip(columns, cells, widths, strict=True):
        for i, cell in enumerate(cell_texts):
            at = x + pad + (width - sum(letters[letter][3] for letter in cell) if column.is_number else 0)
            for letter in cell:
                spots.setdefault(letter, []).append((i * line + round(font_px * 0.95), at))
                at += letters[letter][3]
        x += width + 2 * pad
    for letter, places in spots.items():
        ink, left, top, _ = letters[letter]
        ys, xs = np.array(places).T
        rows = np.clip(ys[:, None, None] + top + np.arange(ink.shape[0])[:, None], 0, canvas.shape[0] - 1)
        across = np.clip(xs[:, None, None] + left + np.arange(ink.shape[1]), 0, canvas.shape[1] - 1)
        canvas[rows, across] = np.minimum(canvas[rows, across], 255 - ink)
    buffer = io.BytesIO()
    Image.fromarray(canvas).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _elide(frame: pd.DataFrame) -> pd.DataFrame:
    """What others are given: the rows and columns that we show, since they would draw all."""
    rows = [*range(5), *range(len(frame) - 5, len(frame))] if len(frame) > 60 else list(range(len(frame)))
    n = len(frame.columns)
    return frame.iloc[rows, [*range(10), *range(n - 10, n)] if n > 20 else list(range(n))]


def _dataframe_image(way: str) -> Drawer:
    def draw_it(frame: pd.DataFrame) -> bytes:
        import dataframe_image

        buffer = io.BytesIO()
        dataframe_image.export(_elide(frame), buffer, table_conversion=way, chrome_path=chromium())
        return buffer.getvalue()

    return draw_it


@cache
def chromium() -> str | None:
    """The machine's Chromium; for root behind a script that forgoes its sandbox, without which it does not start."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found or os.geteuid():
        return found
    script = Path(mkdtemp()) / "chromium"
    script.write_text(f'#!/bin/sh\nexec {found} --no-sandbox "$@"\n')
    script.chmod(0o755)
    return str(script)


def _great_tables(frame: pd.DataFrame) -> bytes:
    """Its `save`, which starts a Chromium of its own, at its own size."""
    from great_tables import GT
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium() or ""
    options.add_argument("--headless")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with TemporaryDirectory() as folder, webdriver.Chrome(options, service) as browser:
        path = Path(folder) / "table.png"
        GT(_as_words(_elide(frame))).save(str(path), web_driver=browser)
        return path.read_bytes()


def _as_words(frame: pd.DataFrame) -> pd.DataFrame:
    """For great_tables, which has no index and writes days with their midnight."""
    days = {name: frame[name].dt.strftime("%Y-%m-%d") for name in frame.columns if frame[name].dtype.kind == "M"}
    return frame.assign(**days).reset_index(names=" ")


@dataclass(frozen=True)
class Way:
    """One row: a way to draw a frame; what it needs (``/name``: a program); that it is slow, or knows Latin letters only."""

    draw: Drawer
    needs: tuple[str, ...] = ()
    is_slow: bool = False
    is_latin: bool = False


WAYS = {
    "ours": Way(ours),
    "hand layout": Way(hand_layout, is_latin=True),
    "dfi matplotlib": Way(_dataframe_image("matplotlib"), ("dataframe_image",), is_latin=True),
    "great_tables": Way(_great_tables, ("great_tables", "selenium", "/chromedriver", "/chromium"), True),
    "dfi chrome": Way(_dataframe_image("chrome"), ("dataframe_image", "/chromium"), True),
    "dfi playwright": Way(_dataframe_image("playwright"), ("dataframe_image", "playwright", "/chromium"), True),
}


def vendor_size(size: tuple[int, int]) -> tuple[int, int]:
    """Pixels after the vendor's scaling."""
    scale = min(1.0, (5_880_000 / (size[0] * size[1])) ** 0.5)
    width, height = (max(28, round(side * scale / 28) * 28) for side in size)
    return width, height


def read_back(data: bytes, language: str, *, is_barred: bool = True) -> str:
    """Tesseract's text of what the model gets."""
    image = Image.open(io.BytesIO(data)).convert("L")
    image = image.resize(vendor_size(image.size), Image.Resampling.BICUBIC)
    image = image.resize((image.width * 2, image.height * 2), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    barred = ["-c", f"tessedit_char_blacklist={INVENTED}"] if language == "chi_sim" and is_barred else []
    command = ["tesseract", "-", "-", "-l", language, "--psm", "6", *barred]
    one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    return subprocess.run(command, input=buffer.getvalue(), capture_output=True, check=True, env=one_thread).stdout.decode()


INVENTED = "“”‘’《》"


def score(frame: pd.DataFrame, text: str) -> tuple[float, float]:
    """``(character error rate, share of exact cells)``, white space and marks of elision left out."""
    columns = [column for column in read_table(frame).columns if not column.is_gap]
    lines = [*zip(*(column.heads for column in columns), strict=True), *zip(*(column.cells for column in columns), strict=True)]
    wanted = "".join("".join(line) for line in lines if "…" not in line).replace(" ", "")
    seen = [line for line in text.splitlines() if any(map(str.isalnum, line)) and "rows" not in line]
    got = "".join("".join(line.split()) for line in seen)
    got = got.replace("…", "").replace("...", "")
    drawn = [line for line in lines if "…" not in line]
    found = ["".join(line.split()) for line in seen]
    n_exact = sum(cell.replace(" ", "") in near for line, near in zip(drawn, found, strict=False) for cell in line if cell)
    return _distance(wanted, got) / len(wanted), n_exact / sum(cell != "" for line in drawn for cell in line)


def _distance(one: str, other: str) -> int:
    """Levenshtein, a row at a time by numpy."""
    codes = np.frombuffer(other.encode("utf-32-le"), np.uint32)
    row = np.arange(len(codes) + 1)
    ramp = np.arange(len(codes) + 1)
    for i, letter in enumerate(one, 1):
        new = np.concatenate(([i], np.minimum(row[1:] + 1, row[:-1] + (codes != ord(letter)))))
        row = np.minimum.accumulate(new - ramp) + ramp
    return int(row[-1])


def installed(is_slow: bool) -> dict[str, Way]:
    """The ways that can run here; the others are named in a line each."""
    found = {}
    for name, way in WAYS.items():
        if way.is_slow and not is_slow:
            print(f"{name}: skipped, runs with --slow")
            continue
        missing = [need for need in way.needs if not (shutil.which(need[1:]) if need[0] == "/" else find_spec(need))]
        if missing:
            print(f"{name}: skipped, not installed: {', '.join(missing)}")
        else:
            found[name] = way
    return found


def measure(frame: pd.DataFrame, ways: dict[str, Way], runs: int) -> dict[str, tuple[float, bytes]]:
    """``way: (median seconds, PNG)``; ways in turns, the first turn warms up and does not count."""
    spent: dict[str, list[float]] = {}
    data: dict[str, bytes] = {}
    for turn in range(runs + 1):
        for name in list(ways):
            start = time.perf_counter()
            try:
                data[name] = ways[name].draw(frame)
            except Exception as error:  # of a foreign library
                print(f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:160]}")
                ways = {other: way for other, way in ways.items() if other != name}
                continue
            if turn:
                spent.setdefault(name, []).append(time.perf_counter() - start)
    return {name: (statistics.median(spent[name]), data[name]) for name in ways}


def legibility(frame: pd.DataFrame, png: bytes, is_chinese: bool) -> str:
    """``char errors``, ``exact`` and ``unbarred`` as a part of a row."""
    if not shutil.which("tesseract"):
        return "no tesseract"
    language = "chi_sim" if is_chinese else "eng"
    errors, exact = score(frame, read_back(png, language))
    raw = f"{score(frame, read_back(png, language, is_barred=False))[0]:9.4f}" if is_chinese else ""
    return f"{errors:11.4f} {exact:6.3f} {raw}"


def main(arguments: list[str]) -> None:
    """One row per frame and way; `times ours` is how much longer it takes."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    runs = next((int(word) for word in arguments if word.isdigit()), 5)
    ways = installed("--slow" in arguments)
    print(f"{'frame':9} {'way':15} {'ms':>7} {'times ours':>10} {'pixels':>10} {'kB':>5} {'tokens':>6} ", end="")
    print(f"{'char errors':>11} {'exact':>6} {'unbarred':>9}")
    for name, frame in reference_frames().items():
        is_chinese = name.startswith("cjk")
        rows = measure(frame, {way: row for way, row in ways.items() if not (is_chinese and row.is_latin)}, runs)
        for way, (seconds, png) in rows.items():
            size = Image.open(io.BytesIO(png)).size
            width, height = vendor_size(size)
            cost = f"{len(png) / 1000:5.0f} {width * height // 784:6}"
            ratio = seconds / rows["ours"][0]
            print(f"{name:9} {way:15} {seconds * 1000:7.1f} {ratio:10.2f} {size[0]:5}x{size[1]:<4} {cost} ", end="")
            print(legibility(frame, png, is_chinese), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
