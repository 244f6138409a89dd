"""How legible a drawn frame is, what it costs and how long it takes, beside other ways to draw it.

``python -m tests.benchmarks frames [runs] [--slow]``. Each way draws the same frames, interleaved, and is read back by tesseract
at the size that the vendor's scaling leaves (open GLM-4.xV processor: sides to multiples of 28, at most 5.88 megapixels).
`char errors` is the edit distance of all cells to tesseract's text over their letters, `exact` the share of the cells that are
in their line as they are. `hand layout` stamps glyphs by numpy, line 1.25 and padding .35 of the font; dataframe_image
(matplotlib) and great_tables (Chromium) run where they are installed, the latter with ``--slow``. Needs ``tesseract``, with
``chi_sim`` for Chinese.
"""

from __future__ import annotations

import io
import shutil
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image, ImageFont

from glm_magics.fonts import base_face
from glm_magics.frames import frame_image
from glm_magics.pictures import encode_picture
from glm_magics.tables import read_table

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
    return {"10x5": mixed(10, 5), "50x12": mixed(50, 12), "500x30": mixed(500, 30), "cjk 15x3": chinese}


def ours(frame: pd.DataFrame) -> bytes:
    """What ``{df}`` sends."""
    return encode_picture(frame_image(frame).convert("RGB"), "df").data


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


def dataframe_image(frame: pd.DataFrame) -> bytes:
    """Its matplotlib backend."""
    import dataframe_image as dfi

    buffer = io.BytesIO()
    dfi.export(_elide(frame), buffer, table_conversion="matplotlib")
    return buffer.getvalue()


def great_tables(frame: pd.DataFrame) -> bytes:
    """Through Chromium."""
    from great_tables import GT

    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.png"
        GT(_elide(frame).reset_index()).save(str(path), web_driver="chrome")
        return path.read_bytes()


def vendor_size(size: tuple[int, int]) -> tuple[int, int]:
    """Pixels after the vendor's scaling."""
    scale = min(1.0, (5_880_000 / (size[0] * size[1])) ** 0.5)
    width, height = (max(28, round(side * scale / 28) * 28) for side in size)
    return width, height


def read_back(data: bytes, language: str) -> str:
    """Tesseract's text of what the model gets; doubled in size, as tesseract is made for print at 300 dpi."""
    image = Image.open(io.BytesIO(data)).convert("L")
    image = image.resize(vendor_size(image.size), Image.Resampling.BICUBIC)
    image = image.resize((image.width * 2, image.height * 2), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    command = ["tesseract", "-", "-", "-l", language, "--psm", "6"]
    return subprocess.run(command, input=buffer.getvalue(), capture_output=True, check=True).stdout.decode()


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


def drawers(is_slow: bool) -> dict[str, Drawer]:
    """The ways that are installed."""
    found: dict[str, Drawer] = {"glm_magics": ours, "hand layout": hand_layout}
    for name, drawer in (("dataframe_image", dataframe_image), ("great_tables", great_tables)):
        try:
            __import__(name)
        except ImportError:
            print(f"{name}: not installed")
            continue
        if name != "great_tables" or is_slow:
            found[name] = drawer
    return found


def main(arguments: list[str]) -> None:
    """One row per frame and way."""
    warnings.simplefilter("ignore")
    runs = next((int(word) for word in arguments if word.isdigit()), 5)
    ways = drawers("--slow" in arguments)
    print(f"{'frame':9} {'way':16} {'median ms':>9} {'pixels':>11} {'kB':>5} {'tokens':>6} {'char errors':>11} {'exact':>6}")
    for name, frame in reference_frames().items():
        spent: dict[str, list[float]] = {way: [] for way in ways}
        data: dict[str, bytes] = {}
        for turn in range(runs + 1):
            for way, draw in list(ways.items()):
                if name.startswith("cjk") and way not in ("glm_magics", "great_tables"):
                    continue
                start = time.perf_counter()
                try:
                    data[way] = draw(frame)
                except Exception as error:  # of a foreign library
                    print(f"{way}: {type(error).__name__}: {str(error)[:200]}")
                    del ways[way]
                    continue
                if turn:  # the first run warms up
                    spent[way].append(time.perf_counter() - start)
        for way, png in data.items():
            size = Image.open(io.BytesIO(png)).size
            width, height = vendor_size(size)
            rate = "no tesseract"
            if shutil.which("tesseract"):
                errors, exact = score(frame, read_back(png, "chi_sim" if name.startswith("cjk") else "eng"))
                rate = f"{errors:11.4f} {exact:6.3f}"
            ms = statistics.median(spent[way]) * 1000
            cost = f"{len(png) / 1000:5.0f} {width * height // 784:6}"
            print(f"{name:9} {way:16} {ms:9.1f} {size[0]:5}x{size[1]:<5} {cost} {rate}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
