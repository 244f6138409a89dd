"""The ``session`` objects of a call, as its setup wants them (protocol reference 12.3)."""

from __future__ import annotations

from typing import Any

from .client_events import ClientEvent, SessionUpdate, TranscriptionSessionUpdate
from .setup import CallSetup, own_words


def make_update(setup: CallSetup, before: CallSetup | None, transcribes_only: bool) -> ClientEvent:
    """The event that sets a session up, or changes it from what it was `before`."""
    if transcribes_only:
        return TranscriptionSessionUpdate(build_transcription_session(setup))
    return SessionUpdate(build_update(before, setup) if before else build_session(setup))


def build_session(setup: CallSetup) -> dict[str, Any]:
    """The ``session`` object of ``session.update``; turn detection goes with each: an update of tools alone would end it."""
    beta: dict[str, Any] = {"chat_mode": "video_passive" if setup.has_video else "audio", "tts_source": "e2e"}
    beta["auto_search"] = setup.has_search
    if setup.greeting:
        words = own_words(setup.greeting)
        beta["greeting_config"] = {"enable": True, "content": words} if words else {"enable": True}
    session: dict[str, Any] = {
        "model": setup.model,
        "modalities": ["text"] if setup.is_silent else ["audio", "text"],
        "voice": setup.voice,
        "input_audio_format": setup.input_format,
        "output_audio_format": "pcm",
        "beta_fields": beta,
    }
    optional = {
        "instructions": setup.instructions or None,
        "input_audio_noise_reduction": {"type": setup.noise} if setup.noise else None,
        "turn_detection": _turn_detection(setup) if setup.vad == "server" else None,
        "tools": list(setup.tools) or None,
        "temperature": setup.temperature,
        "max_response_output_tokens": setup.max_tokens,
    }
    return session | {name: value for name, value in optional.items() if value is not None}


def build_update(before: CallSetup, after: CallSetup) -> dict[str, Any]:
    """The ``session`` object of an update in mid-call: greeted is once, and what is taken away is sent empty.

    What has become None stays with the server as it was: the reference has no word that takes it back.
    """
    session = build_session(after if after.greeting != before.greeting else after.without_greeting())
    gone: dict[str, Any] = {}
    if before.tools and not after.tools:
        gone["tools"] = []
    if before.instructions and not after.instructions:
        gone["instructions"] = ""
    return session | gone


def build_transcription_session(setup: CallSetup) -> dict[str, Any]:
    """The ``session`` object of ``transcription_session.update``: nothing is answered, only written down."""
    return {
        "input_audio_format": setup.input_format,
        "input_audio_noise_reduction": {"type": setup.noise or "far_field"},
        "modalities": ["text"],
        "turn_detection": _turn_detection(setup) if setup.vad == "server" else None,
    }


def _turn_detection(setup: CallSetup) -> dict[str, Any]:
    detection: dict[str, Any] = {"type": "server_vad", "create_response": setup.is_answered_unasked}
    detection["interrupt_response"] = setup.is_interruptible
    tuned = {
        "prefix_padding_ms": setup.padding_ms,
        "silence_duration_ms": setup.silence_ms,
        "threshold": setup.threshold,
    }
    return detection | {name: value for name, value in tuned.items() if value is not None}
