"""WAV bytes: what their header says, and samples written as such a file; no library beyond Python's own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_PCM, _EXTENSIBLE = 0x0001, 0xFFFE
"""Format tags of WAV (RFC 2361; Microsoft's WAVEFORMATEXTENSIBLE)."""

_UNKNOWN_BYTES = 0x7FFF_0000
"""Whoever does not know the length yet writes a huge one: 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000."""


@dataclass(frozen=True, slots=True)
class Wave:
    """What the header of a WAV says, and where its samples are.

    Attributes:
        is_pcm: whole numbers, not compressed.
        rate_hz: samples a second of each channel.
        start, n_bytes: of the samples; as many as there are, whatever the header says.
        claimed_bytes: as many as the header says.
    """

    is_pcm: bool
    n_channels: int
    rate_hz: int
    n_bits: int
    start: int
    n_bytes: int
    claimed_bytes: int

    @property
    def is_whole(self) -> bool:
        """The header's length is true."""
        return self.n_bytes == self.claimed_bytes

    @property
    def seconds(self) -> float:
        """How long it is; of PCM only."""
        return self._seconds(self.n_bytes)

    @property
    def missing_s(self) -> float:
        """How much of it was cut off, of PCM only; 0 where the header holds no length, as programs that stream leave it."""
        return 0.0 if self.claimed_bytes >= _UNKNOWN_BYTES else self._seconds(max(0, self.claimed_bytes - self.n_bytes))

    def _seconds(self, n_bytes: int) -> float:
        return n_bytes / max(1, self.rate_hz * self.n_channels * (self.n_bits // 8))


def read_wave(data: bytes) -> Wave:
    """The header of a WAV file.

    Raises:
        ValueError: there are no samples in it, or nothing that says what they are.
    """
    form = b""
    for kind, start, size in _chunks(data):
        if kind == b"fmt ":
            form = data[start : start + size]
        elif kind == b"data" and len(form) >= 16:
            tag, n_channels, rate_hz, _, _, n_bits = struct.unpack_from("<HHIIHH", form)
            if tag == _EXTENSIBLE and len(form) >= 26:
                tag = int.from_bytes(form[24:26], "little")  # the true one opens the sub-format's GUID
            is_pcm = tag == _PCM and n_channels > 0 and rate_hz > 0 and n_bits in (8, 16, 24, 32)
            n_bytes = min(size, len(data) - start)
            n_bytes -= n_bytes % (n_channels * n_bits // 8) if is_pcm else 0
            return Wave(is_pcm, n_channels, rate_hz, n_bits, start, n_bytes, size)
    raise ValueError("it holds no samples")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, where its content begins, how long it is said to be; contents begin at even places."""
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], at + 8, size
        at += 8 + size + size % 2


def write_wave(samples: bytes, rate_hz: int, n_channels: int = 1) -> bytes:
    """16-bit samples as a WAV file."""
    import wave
    from io import BytesIO

    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(n_channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples)
    return buffer.getvalue()
