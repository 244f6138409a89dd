"""What reaches a model over a provider, and in which form: one value that loading and checking both read."""

from __future__ import annotations

from dataclasses import dataclass

from .catalog import Model
from .providers import Provider

ALL_KINDS = frozenset({"text", "image", "video", "file", "audio"})


@dataclass(frozen=True, slots=True)
class Intake:
    """What a model takes, over one provider. The defaults suit an unknown model: everything is let through.

    Attributes:
        kinds: ``text``, ``image``, ``video``, ``file``, ``audio``.
        has_image_bytes, has_video_bytes: pictures and videos may be sent as bytes; otherwise by address only.
        has_links: the server fetches public addresses itself.
        max_images, max_videos, max_files: per request; None where not documented.
        many_images: more than this only one of the vendor's platforms documents.
        video_max_bytes, video_max_s: the documented size and length of one video.
        is_video_first: the video has to stand before everything else in the message.
        audio_max_s: the documented length of one recording.
    """

    kinds: frozenset[str] = ALL_KINDS
    has_image_bytes: bool = True
    has_video_bytes: bool = False
    has_links: bool = True
    max_images: int | None = None
    many_images: int | None = None
    max_videos: int | None = None
    max_files: int | None = None
    video_max_bytes: int = 200_000_000
    video_max_s: float | None = None
    is_video_first: bool = False
    audio_max_s: float = 600.0

    @property
    def has_eyes(self) -> bool:
        """True when pictures can be sent."""
        return "image" in self.kinds

    @property
    def has_ears_alone(self) -> bool:
        """True for a model that hears, and sees nothing."""
        return "audio" in self.kinds and not self.has_eyes

    @property
    def sees_bytes(self) -> bool:
        """True when pictures that are made here can be sent."""
        return self.has_eyes and self.has_image_bytes


def find_intake(row: Model | None, provider: Provider) -> Intake:
    """The intake of a model of the catalogue, or of any model that a server of one's own serves.

    A self-hosted server is taken to see pictures and videos as bytes (vLLM and SGLang documentation: data URIs), to read no
    documents, and not to reach the internet.
    """
    if provider.is_self_hosted:
        return Intake(kinds=ALL_KINDS - {"file"}, has_video_bytes=True, has_links=False)
    if row is None:
        return Intake()
    limits = row.limits
    return Intake(
        kinds=frozenset(row.inputs),
        has_image_bytes=limits.get("image_base64") is not False,
        has_video_bytes=limits.get("video_base64") is True,
        max_images=limits.get("images_per_request_zai") or limits.get("images_per_request"),
        many_images=limits.get("images_per_request"),
        max_videos=limits.get("videos_per_request_zai") or (1 if "video" in row.inputs else None),
        max_files=limits.get("files_per_request"),
        video_max_bytes=limits.get("video_max_mb", 200) * 1_000_000,
        video_max_s=limits.get("video_max_seconds"),
        is_video_first=bool(limits.get("video_first_in_content")),
        audio_max_s=limits.get("audio_max_seconds", 600),
    )
