"""What adding a photo of 12 megapixels to a request takes, beside Pillow's plain decoding and encoding; the memory of fifty.

``python -m tests.benchmarks photos [runs]``. Ways are interleaved; a row is the median of the runs. "Plain Pillow" is what is
written by hand: open, turn upright, ``thumbnail`` to what the model sees (bicubic), save as JPEG 90, base64. "Added" is from the
bytes of the file to the base64 in the request. The memory is the highest resident memory of a fresh process above what it had
before the list was loaded; the same without the encoded pictures, which are kept, is counted in decoded photos: of three bytes
a pixel, and of four as Pillow keeps them.
"""

from __future__ import annotations

import base64
import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageOps

from glm_magics.media import Loading, to_parts

SIZE = (4032, 3024)
_SEEN_PIXELS = 5_880_000
_N = 50

_MEMORY = """
import json, resource, sys, time
from pathlib import Path
import PIL.Image, PIL.JpegImagePlugin
from glm_magics.media import Loading, to_parts
import glm_magics.media.lists, glm_magics.media.images, glm_magics.media.paths
PIL.Image.init()
to_parts(Path(sys.argv[2]))  # one, for what is imported and kept
def status(name):
    words = [line.split() for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(words[0][1]) * 1024
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
start = time.perf_counter()
parts = to_parts([Path(name) for name in sys.argv[2:]])
spent = time.perf_counter() - start
print(json.dumps([spent, status("VmHWM") - before, sum(len(part.data) for part in parts)]))
"""


def make_photo(detail: float = 6.0, **settings: object) -> bytes:
    """A JPEG of a phone's size: soft shapes under fine grain, which is what photos cost."""
    rng = np.random.default_rng(3)
    soft = Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = np.asarray(soft, np.int16) + rng.normal(0, detail, (SIZE[1], SIZE[0], 1)).astype(np.int16)
    buffer = io.BytesIO()
    Image.fromarray(grain.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", **{"quality": 90, **settings})
    return buffer.getvalue()


def photos() -> Mapping[str, bytes]:
    """As they come: upright, turned by EXIF as phones write it, progressive, and more than the 5 MB that are accepted."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "upright": make_photo(),
        "turned by EXIF": make_photo(exif=exif),
        "upright, progressive": make_photo(progressive=True),
        "over 5 MB": make_photo(16.0, quality=95, subsampling=0),
    }


def ours(data: bytes) -> str:
    """From bytes to base64."""
    [part] = to_parts(data, Loading("photo"))
    return part.base64  # type: ignore[union-attr]


def plain_pillow(data: bytes) -> str:
    """By hand, as well as Pillow's documentation teaches it."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    scale = (_SEEN_PIXELS / (image.width * image.height)) ** 0.5
    image.thumbnail((image.width * scale, image.height * scale))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return base64.b64encode(buffer.getvalue()).decode()


def _measure_speed(runs: int) -> None:
    ways: dict[str, Callable[[bytes], str]] = {"ours": ours, "plain Pillow": plain_pillow}
    print(f"{'photo 4032×3024':22} {'MB':>5} {'added, ms':>10} {'plain Pillow, ms':>17} {'sent, MB':>9} {'plain, MB':>10}")
    for name, data in photos().items():
        spent: dict[str, list[float]] = {way: [] for way in ways}
        sent: dict[str, int] = {}
        for turn in range(runs + 1):
            for way, add in ways.items():
                start = time.perf_counter()
                sent[way] = len(add(data)) * 3 // 4
                if turn:  # the first run warms up
                    spent[way].append(time.perf_counter() - start)
        our_ms, plain_ms = (statistics.median(spent[way]) * 1000 for way in ways)
        our_mb, plain_mb = (sent[way] / 1e6 for way in ways)
        print(f"{name:22} {len(data) / 1e6:5.1f} {our_ms:10.0f} {plain_ms:17.0f} {our_mb:9.1f} {plain_mb:10.1f}", flush=True)


def _measure_memory() -> None:
    if not Path("/proc/self/clear_refs").exists():
        print("memory: measured on Linux only")
        return
    print(
        f"{f'{_N} in parallel':22} {'s':>5} {'MB at most':>10} {'kept, MB':>9} {'beside, in photos of 3 bytes':>29} {'of 4':>6}"
    )
    with TemporaryDirectory() as folder:
        for name, data in photos().items():
            paths = [Path(folder) / f"{i}.jpg" for i in range(_N)]
            for path in paths:
                path.write_bytes(data)
            command = [sys.executable, "-c", _MEMORY, name, *map(str, paths)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            spent, peak, kept = json.loads(done.stdout)
            photo = SIZE[0] * SIZE[1]
            beside = f"{(peak - kept) / (3 * photo):29.1f} {(peak - kept) / (4 * photo):6.1f}"
            print(f"{name:22} {spent:5.1f} {peak / 1e6:10.0f} {kept / 1e6:9.0f} {beside}", flush=True)


def main(arguments: list[str]) -> None:
    """One row per kind of photo."""
    _measure_speed(int(arguments[0]) if arguments else 7)
    _measure_memory()


if __name__ == "__main__":
    main(sys.argv[1:])
