"""GLM models inside a notebook: ``%load_ext glm_magics``, then ``%%glm``; ``import glm_magics as glm`` for Python.

    import glm_magics as glm
    reply = glm.ask("What is in this picture?", photo)

Importing is light: HTTP, pictures and the sandbox load when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import chosen

if TYPE_CHECKING:
    from . import realtime as realtime
    from .boxes import Boxes as Boxes
    from .boxes import parse_boxes as parse_boxes
    from .chatbook import Chats
    from .errors import GLMError as GLMError
    from .frames import frame_image as frame_image
    from .frames import frame_images as frame_images
    from .groundings import Grounding as Grounding
    from .media import register as register
    from .media.audio import Sound as Sound
    from .messages import ImagePart as ImagePart
    from .previews import DryRun, Preview
    from .replies import Reply as Reply
    from .replies import Usage as Usage
    from .session import Session
    from .speech import Speech as Speech
    from .spending import Spending
    from .stylers import as_tables as as_tables
    from .toolbox import Functions
    from .voicecalls import VoiceCall

__version__ = "0.1.0"

_LAZY = {
    "GLMError": "errors",
    "Reply": "replies",
    "Usage": "replies",
    "ImagePart": "messages",
    "frame_image": "frames",
    "frame_images": "frames",
    "as_tables": "stylers",
    "register": "media",
    "Boxes": "boxes",
    "parse_boxes": "boxes",
    "Sound": "media.audio",
    "Speech": "speech",
}
__all__ = [
    *("Boxes", "GLMError", "ImagePart", "Reply", "Sound", "Speech", "Usage", "as_tables", "ask", "chats", "connect"),
    *("current_session", "frame_image", "frame_images", "ground", "models", "parse_boxes", "preview", "realtime", "register"),
    *("talk", "usage"),
]

_MODULES = ("realtime",)
_sessions: list[Session] = []


def current_session() -> Session:
    """The session of this kernel (`.sandbox`, `.config`, `.connection`); made at the first need."""
    if not _sessions:
        import sys

        from .session import Session

        ipython = sys.modules.get("IPython")
        _sessions.append(Session(ipython.get_ipython() if ipython else None))
    return _sessions[0]


chosen.tell(lambda: current_session().connection)


def ask(*content: object, **options: Any) -> Reply | DryRun:
    """Asks a GLM model and gives its `Reply`; in a notebook the answer also streams into the cell.

    Args:
        content: strings, frames, figures, pictures, arrays, paths, image URLs, in the order in which the model gets them.
        options: the words of ``%%glm?`` with underscores: model, think, system, temperature, top_p, max_tokens, stop, image
            (one or a list), frames, chat (a name), keep_thinking, schema (a type, JSON Schema or short form; the value is in
            `Reply.value`), retries, budget, into, as_, dry_run (gives a `DryRun`), timeout (seconds), no_stream, quiet.

    Raises:
        GLMError: see `glm_magics.errors`; an error in the middle of the answer carries what came as ``.reply``.
        Interrupted: the user stopped it; ``.reply`` holds what came.
    """
    from .options import parse_options

    return current_session().ask(content, parse_options(options))


def preview(*content: object, **options: Any) -> Preview:
    """What `ask` would send for the same arguments: each value as the model gets it, with estimated tokens and cost.

    In a notebook it shows a table and a thumbnail of every picture; nothing is sent.

    Raises:
        GLMError: as `ask` before sending.
    """
    from .options import parse_options

    return current_session().preview(content, parse_options(options))


def ground(images: object, question: str = "", **options: Any) -> Grounding:
    """A widget with a picture, or a list of them: ask where things are, see, change and keep the boxes.

    Args:
        images: a PIL image, figure, array, path, …, or a list of them.
        question: what to find; asked at once, in the background. Empty: only the widget.
        options: as of `ask`; they hold for every question of the widget.

    Raises:
        GLMError: no picture, nobody to ask, or the ``widgets`` extra is missing.
    """
    from .options import parse_options

    return current_session().ground(images, question, parse_options(options))


def talk(
    model: str = "glm-realtime-flash",
    *,
    voice: str = "tongtong",
    instructions: str = "",
    tools: Functions = (),
    video: bool = False,
    vad: str = "server",
    greeting: str = "",
    **setup: Any,
) -> VoiceCall:
    """A voice call in a widget: speak, be answered aloud, read along, interrupt; `.transcript`, `.audio`, `.reply` after it.

    The page has the microphone and the loudspeaker, the kernel the key. Without a microphone: type in the widget, or send a
    recording with ``glm.realtime.talk_file("question.wav")``.

    Args:
        model: ``glm-realtime-flash`` or ``glm-realtime-air``.
        voice: see `realtime.setup.VOICES`.
        instructions: who the assistant is to be.
        tools: functions of the notebook that it may ask for; each call is shown and approved in the widget.
        video: camera or screen can be shown to it; excludes tools.
        vad: ``server``: hands-free, the server notices that you have finished; ``client``: a button is held while you speak.
        greeting: what it says first.
        setup: further fields of `realtime.CallSetup`: noise, is_interruptible, silence_ms, threshold, temperature, …

    Raises:
        OptionError, ModelError: a value that is not allowed.
        MissingExtraError: the ``widgets`` or the ``tools`` extra is missing.
    """
    fields = {"model": model, "voice": voice, "instructions": instructions, "has_video": video, "vad": vad, "greeting": greeting}
    from .voicecalls import open_call

    session = current_session()
    return open_call({**setup, **fields}, tools, lambda: session.connection, session.switchboard)


def connect(choice: str = "", *, kind: str = "", api_key: str | None = None) -> str:
    """Chooses who answers, as ``%glm_connect`` does, and says it in words: a provider's name, ``sandbox`` or a URL.

    Raises:
        NoProviderError: there is no key for it.
        InputError: neither a provider nor a URL.
    """
    return str(current_session().connect(choice, kind=kind, api_key=api_key))


def chats() -> Chats:
    """The chats of this kernel by name, as ``%glm_chat`` shows them: `.save`, `.resume`, `.export`, `.import_`, …"""
    return current_session().chats


def usage(span: str = "notebook") -> Spending:
    """What was spent, as ``%glm_usage`` shows it; `.to_frame()`, `.costs`, `.plot()`.

    Args:
        span: ``cell``, ``notebook``, ``today``, ``month`` or ``all``.

    Raises:
        OptionError: there is no such span.
        LedgerError: the ledger cannot be read.
    """
    return current_session().books.spending(span)


def models(pattern: str = "") -> Any:
    """The catalogue as a table of rows, filtered by words: ``glm.models("vision")``; ``.to_frame()`` gives a DataFrame."""
    from .magics.admin import model_table

    return model_table(pattern)


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext glm_magics``."""
    from .magics.register import register
    from .session import Session

    unload_ipython_extension(ipython)
    _sessions.append(Session(ipython))
    register(ipython, _sessions[0])


def unload_ipython_extension(ipython: Any) -> None:
    """``%unload_ext glm_magics``: takes the magics away and lets go of connections and the sandbox."""
    from .magics.register import unregister

    unregister(ipython)
    while _sessions:
        _sessions.pop().close()


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    if name in _MODULES:
        from importlib import import_module

        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
