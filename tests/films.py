"""Small videos and sounds made for the tests: every picture says by its red which one it is."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from PIL import Image

FPS = 10
STEP = 4
"""By how much the red of one picture is above that of the picture before."""

Painter = Callable[[int], Image.Image]


def numbered(i: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Picture number `i`, up to 63."""
    return Image.new("RGB", size, (STEP * i, 100, 100))


def quarters(i: int = 0) -> Image.Image:
    """Red, green above blue, white."""
    image = Image.new("RGB", (96, 64), "white")
    for at, colour in (((0, 0), "red"), ((48, 0), "lime"), ((0, 32), "blue")):
        image.paste(Image.new("RGB", (48, 32), colour), at)
    return image


def film(
    n: int = 30,
    *,
    format: str = "mp4",
    codec: str = "libx264",
    paint: Painter = numbered,
    gop: int = 12,
    times: Sequence[int] = (),
    pixels: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    muxing: Mapping[str, str] | None = None,
    sound_s: float = 0.0,
    **settings: Any,
) -> bytes:
    """A video's file.

    Args:
        n: pictures, ten a second.
        times: when each is shown instead, in tenths of a second.
        sound_s: seconds of a tone beside it.
        settings: of the encoder: ``sample_aspect_ratio``, ``color_trc``, …
    """
    with TemporaryDirectory() as folder:  # an index is moved to the front in files only
        path = Path(folder, "film")
        with av.open(str(path), "w", format=format, options=dict(muxing or {})) as file:
            stream = file.add_stream(codec, rate=FPS, options=dict(options or {}))
            stream.width, stream.height = paint(0).size
            stream.pix_fmt = pixels
            stream.codec_context.gop_size = gop
            for name, value in settings.items():
                setattr(stream.codec_context, name, value)
            tone_stream = file.add_stream("aac", rate=16_000) if sound_s else None
            for i in range(n):
                frame = av.VideoFrame.from_image(paint(i))
                frame.pts, frame.time_base = (times[i] if times else i), Fraction(1, FPS)
                for name in settings.keys() & _COLOURS:
                    setattr(frame, name, settings[name])
                file.mux(stream.encode(frame))
            file.mux(stream.encode())
            if tone_stream:
                mux_tone(file, tone_stream, sound_s)
        return path.read_bytes()


_COLOURS = {"color_trc", "color_primaries", "colorspace"}


def mux_tone(file: Any, stream: Any, seconds: float) -> None:
    frame = av.AudioFrame.from_ndarray(tone(seconds)[None], format="s16", layout="mono")
    frame.rate = 16_000
    file.mux(stream.encode(frame))
    file.mux(stream.encode())


def tone(seconds: float, rate_hz: int = 16_000, hz: float = 440.0) -> np.ndarray:
    """A sine at half of the full loudness, as int16."""
    return (16_000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.int16)


def sound(seconds: float, format: str = "mp3", codec: str = "libmp3lame", rate_hz: int = 16_000, **options: str) -> bytes:
    """A file of sound with a tone in it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format) as file:
        stream = file.add_stream(codec, rate=rate_hz, options=options, layout="mono")
        samples = tone(seconds, rate_hz)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate_hz)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.rate, frame.pts = rate_hz, 0
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(part))
        file.mux(stream.encode())
    return buffer.getvalue()


def turned(data: bytes, matrix: Sequence[int]) -> bytes:
    """The same mp4 with another a, b, c, d in the display matrix of its first track."""
    at = data.index(b"tkhd") + 44
    a, b, c, d = (n << 16 for n in matrix)
    return data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :]


def wave_file(
    samples: bytes, *, tag: int = 1, n_channels: int = 1, rate_hz: int = 16_000, n_bits: int = 16, n_bytes: int | None = None
) -> bytes:
    """A WAV of any form; `n_bytes` is what its header claims."""
    n_bytes = len(samples) if n_bytes is None else n_bytes
    size = n_channels * n_bits // 8
    form = struct.pack("<HHIIHH", tag, n_channels, rate_hz, rate_hz * size, size, n_bits)
    if tag == 0xFFFE:
        form += struct.pack("<HHI", 22, n_bits, 0) + b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", n_bytes & 0xFFFFFFFF) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body
