"""The parts of a message counted: what each value became, its size and its estimated tokens."""

from __future__ import annotations

from collections.abc import Iterable

from .messages import AudioPart, ImagePart, Part, TextPart, VideoPart
from .sent import SentItem
from .tokens import audio_tokens, picture_tokens, text_tokens, video_tokens


def tally(parts: Iterable[Part]) -> tuple[SentItem, ...]:
    """One record for all parts that stand for one value, in the order in which values first appear."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.label, []).append(part)
    return tuple(_count(label, group) for label, group in groups.items())


def _count(label: str, parts: list[Part]) -> SentItem:
    main = [part for part in parts if not isinstance(part, TextPart)] or parts
    first = main[0]
    tokens = [estimate_tokens(part) for part in parts]
    known = [n for n in tokens if n is not None]
    return SentItem(
        label=label,
        kind=first.kind,
        source=parts[0].source or first.source,
        n_parts=len(main),
        n_texts=len(parts) - len(main),
        n_bytes=sum(_n_bytes(part) for part in parts),
        n_tokens=sum(known) if len(known) == len(tokens) else None,
        width_px=first.width_px if isinstance(first, ImagePart) else 0,
        height_px=first.height_px if isinstance(first, ImagePart) else 0,
        seconds=sum(getattr(part, "seconds", 0.0) for part in parts),
        is_link=all(getattr(part, "url", "") for part in main),
    )


def _n_bytes(part: Part) -> int:
    return len(part.text.encode()) if isinstance(part, TextPart) else len(getattr(part, "data", b""))


def estimate_tokens(part: Part) -> int | None:
    """Estimated tokens of one part; None for what is behind an address."""
    if isinstance(part, TextPart):
        return text_tokens(part.text)
    if isinstance(part, ImagePart):
        return picture_tokens(part.width_px, part.height_px) if part.width_px else None
    if isinstance(part, VideoPart):
        return video_tokens(part.seconds, part.width_px, part.height_px) if part.width_px else None
    return audio_tokens(part.seconds) if isinstance(part, AudioPart) else None
