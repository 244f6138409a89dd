"""MP3 bytes: how long they are, read from their frames without any library."""

from __future__ import annotations

_KBITS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""By the version's two bits: 3 MPEG 1, 2 MPEG 2, 0 MPEG 2.5 (ISO/IEC 11172-3, 13818-3; layer III)."""


def measure_mp3(data: bytes) -> float:
    """Seconds of an MP3, counted frame by frame, since bit rates vary and headers guess; 0 when there is no frame."""
    at, seconds, is_first = _after_tag(data), 0.0, True
    while at + 4 <= len(data):
        n_bytes, frame_s = _frame(data[at : at + 4])
        if not n_bytes or (is_first and not _is_followed(data, at + n_bytes)):
            at = data.find(b"\xff", at + 1)  # what is no frame is looked over
            if at < 0:
                break
            continue
        is_info = is_first and any(name in data[at : at + 48] for name in (b"Xing", b"Info"))  # a table of contents, no sound
        seconds += 0.0 if is_info or at + n_bytes > len(data) else frame_s
        is_first = False
        at += n_bytes
    return seconds


def _after_tag(data: bytes) -> int:
    """Where the sound begins: behind an ID3v2 tag, whose length is in four times seven bits."""
    if not data.startswith(b"ID3") or len(data) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))


def _frame(head: bytes) -> tuple[int, float]:
    """Bytes and seconds of the frame that begins with these four bytes; zeros when none does."""
    version, layer, bits, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if head[0] != 0xFF or head[1] < 0xE0 or version == 1 or layer != 1 or bits in (0, 15) or rate == 3:
        return 0, 0.0
    n_samples, rate_hz = 1152 if version == 3 else 576, _RATES_HZ[version][rate]
    n_bytes = n_samples // 8 * _KBITS[3 if version == 3 else 2][bits] * 1000 // rate_hz + (head[2] >> 1 & 1)
    return n_bytes, n_samples / rate_hz


def _is_followed(data: bytes, at: int) -> bool:
    """True when another frame begins there, or the file ends: four bytes alone may look like a frame by chance."""
    return at >= len(data) or (at + 4 <= len(data) and _frame(data[at : at + 4])[0] > 0)
