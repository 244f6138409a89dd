"""GLM models inside a notebook: ``%load_ext glm_magics``, then ``%%glm``; ``import glm_magics as glm`` for Python.

    import glm_magics as glm
    reply = glm.ask("What is in this picture?", photo)

Importing is light: HTTP, pictures and the sandbox load when first used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from . import chosen

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from . import realtime as realtime
    from .atlases import Atlas as Atlas
    from .boxes import Boxes as Boxes
    from .boxes import parse_boxes as parse_boxes
    from .chatbook import Chats
    from .comparisons import Comparison as Comparison
    from .errors import GLMError as GLMError
    from .frames import frame_image as frame_image
    from .frames import frame_images as frame_images
    from .geometry import Shape
    from .groundings import Grounding as Grounding
    from .jobbook import Jobs
    from .mcpservers import Servers
    from .media import register as register
    from .media.audio import Sound as Sound
    from .messages import ImagePart as ImagePart
    from .previews import Preview
    from .recorders import Recorder as Recorder
    from .replies import Reply as Reply
    from .session import Session
    from .speech import Speech as Speech
    from .spending import Spending
    from .stylers import as_tables as as_tables
    from .taping import Deck
    from .tokenusage import Usage as Usage
    from .toolbox import Functions
    from .vectorcache import VectorCache
    from .voicecalls import VoiceCall

__version__ = "0.1.0"

_LAZY = {
    "GLMError": "errors",
    "Reply": "replies",
    "Usage": "tokenusage",
    "ImagePart": "messages",
    "frame_image": "frames",
    "frame_images": "frames",
    "as_tables": "stylers",
    "register": "media",
    "Boxes": "boxes",
    "Comparison": "comparisons",
    "parse_boxes": "boxes",
    "Sound": "media.audio",
    "Speech": "speech",
    "Recorder": "recorders",
}
__all__ = [
    *("Boxes", "Comparison", "GLMError", "ImagePart", "Recorder", "Reply", "Sound", "Speech", "Usage", "as_tables", "ask"),
    *("atlas", "cache", "chats", "clusters", "connect", "current_session", "duplicates", "embed", "frame_image", "frame_images"),
    *("ground", "jobs", "mcp", "models", "parse_boxes", "preview", "realtime", "register", "replay", "search", "similar", "talk"),
    "usage",
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


chosen.tell(current_session)


def ask(*content: object, **options: Any) -> Any:
    """Asks a GLM model and gives its `Reply`, of several models a `Comparison`; in a notebook it also streams into the cell.

    Args:
        content: strings, frames, figures, pictures, arrays, paths, image URLs, in the order in which the model gets them.
        options: the words of ``%%glm?`` with underscores: model (with commas several), think, system, temperature, top_p,
            max_tokens, stop, image, data and file (one or a list each), frames, pages, fps, frames_max, fetch, chat (a name),
            keep_thinking, schema (a type, JSON Schema or short form; the value is in `Reply.value`), tools (functions, or a dict
            of names to functions), mcp (names of servers), yes, max_calls, call_timeout (seconds), web_search, knowledge (an id),
            server_mcp (``label=url`` or dicts), retries, budget, into, as_, background (gives the `Reply` at once, `.wait()`
            waits), cache, dry_run (gives a `DryRun`), timeout (seconds), no_stream, quiet.

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


def ground(images: object, question: str = "", *, boxes: Sequence[Shape] = (), **options: Any) -> Grounding:
    """A widget with a picture, or a list of them: ask where things are, see, change and keep the boxes.

    Args:
        images: a PIL image, figure, array, path, …, or a list of them.
        question: what to find; asked at once, in the background. Empty: only the widget.
        boxes: `Boxes` that are there from the beginning, e.g. of an answer, or `Boxes.from_coco(…)`.
        options: as of `ask`; they hold for every question of the widget.

    Raises:
        GLMError: no picture, nobody to ask, or the ``widgets`` extra is missing.
    """
    from .options import parse_options

    return current_session().ground(images, question, parse_options(options), boxes)


def talk(
    model: str = "glm-realtime-flash",
    *,
    voice: str = "tongtong",
    instructions: str = "",
    tools: Functions = (),
    video: bool = False,
    vad: str = "server",
    greeting: str | bool = "",
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
        greeting: what it says first; True: a greeting of the server's own.
        setup: further fields of `realtime.CallSetup`: noise, is_interruptible, silence_ms, threshold, temperature, …

    Each call is entered in the ledger of ``%glm_usage``; its cost is estimated by the minute.

    Raises:
        OptionError, ModelError: a value that is not allowed.
        MissingExtraError: the ``widgets`` or the ``tools`` extra is missing.
    """
    from .errors import OptionError

    if "has_video" in setup:
        raise OptionError("glm.talk takes video, not has_video.", "Write video=True.")
    fields = {"model": model, "voice": voice, "instructions": instructions, "has_video": video, "vad": vad, "greeting": greeting}
    from .voicecalls import open_call

    session = current_session()
    return open_call({**setup, **fields}, tools, lambda: session.connection, session.switchboard, session.books)


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


def jobs() -> Jobs:
    """The background answers of this kernel, as ``%glm_jobs`` shows them; `.wait()`, `.stop()`, `.running`."""
    return current_session().jobs


def replay(mode: str, file: str = "", *, is_timed: bool = False) -> Deck:
    """Records or replays what is asked from now on, as ``%glm_replay`` does; `.path`, `.n_played`, `.n_recorded`.

    Args:
        mode: ``record``, ``replay``, ``refresh`` or ``off``.
        file: of the recordings; empty: ``glm-replay.jsonl`` beside the notebook, else in the working directory.
        is_timed: replayed as slowly as it came.

    Raises:
        OptionError: there is no such mode.
        ReplayError: the file is none of recordings.
    """
    return current_session().replay(mode, file, is_timed)


def mcp() -> Servers:
    """The MCP servers of this kernel by name, as ``%glm_mcp`` shows them: `.add`, `.remove`."""
    return current_session().toolkit.servers


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


def embed(
    texts: Any,
    dimensions: int | None = None,
    model: str | None = None,
    *,
    long: Literal["error", "split", "truncate"] = "error",
    precision: Literal["float32", "float16"] = "float32",
    cache: Any = None,
    quiet: bool = False,
) -> NDArray[float32]:
    """Vectors for texts, each paid for once: float32, shape (N, dimensions), C-contiguous, in the order of `texts`.

    Each vector has unit length, so that ``a @ b`` is a cosine. What was embedded before comes from the cache; what is answered is
    kept at once, so that a run which is stopped goes on where it was. `replay` does not record vectors: while it replays, those
    that the cache lacks are an error.

    Args:
        texts: strings in a list or in a column of pandas, polars, Arrow, …; one string gives one vector, shape (dimensions,).
        dimensions: of each vector. None: 1024 of the vendor's models, a server's own elsewhere.
        model: None: ``%config GLM.embedding_model``, or the only model of a server of your own.
        long: what to do with a text of more tokens than the model takes, by estimate: ``error`` refuses it before anything is
            sent, ``split`` embeds it in parts and takes their mean, ``truncate`` cuts it off.
        precision: of the cache: ``float32``, or ``float16`` at half the size (numbers then differ by up to a 2000th).
        cache: a folder instead of the user's own, a `VectorStore`, or False for none.
        quiet: show no progress.

    Raises:
        EmbeddingError: some texts have no vector; ``.rows`` names them, ``.vectors`` has the others.
        InputError: a text is missing, empty, broken or too long, or an option makes no sense; nothing was sent.
        GLMError: see `glm_magics.errors`.
        Interrupted: the user stopped it; what was answered is in the cache.
    """
    return current_session().corpus.embed(texts, dimensions, model, long=long, precision=precision, cache=cache, quiet=quiet)


def search(query: Any, data: Any, on: Any = "text", k: int = 10, *, exact: bool | None = None, **options: Any) -> Any:
    """The rows of `data` nearest to a query in meaning, best first, with a column ``score`` (cosine).

    Args:
        query: a text, several (a column ``query`` says whose each row is), a vector, or a matrix of vectors.
        data: a frame of pandas, polars, Arrow, …, a column, or a list of strings (which gives a list of `Hit`, as an array does).
        on: the column with the texts, which are embedded where they are not yet; or a vector for each row, shape (N, dimensions).
        k: rows for each query.
        exact: True compares with every row; False uses an index; None decides by size (an index from 500 million numbers on, in
            which a query finds at least 99 % of the nearest, tried when it is built).
        options: of `embed`.

    Raises:
        InputError: there is no such column, or a query does not fit.
        GLMError: as `embed`.
    """
    return current_session().corpus.search(query, data, on, k, exact=exact, **options)


def similar(data: Any, row: int, on: Any = "text", k: int = 10, *, exact: bool | None = None, **options: Any) -> Any:
    """The rows nearest to row number `row` (from 0), without itself; else as `search`."""
    return current_session().corpus.similar(data, row, on, k, exact=exact, **options)


def duplicates(data: Any, threshold: float = 0.95, on: Any = "text", **options: Any) -> Any:
    """The rows that have a near duplicate, by groups, with columns ``group`` and ``score`` (cosine to the group's first row).

    Rows are in one group when a chain of pairs of at least `threshold` leads from one to the other; rows of the same text always
    are. From 30 000 different texts on, pairs are looked for among neighbours only. Other arguments are those of `search`.

    Raises:
        InputError: `threshold` is no cosine; else as `search`.
    """
    return current_session().corpus.duplicates(data, threshold, on, **options)


def clusters(data: Any, n: int | None = None, on: Any = "text", *, seed: int = 0, names: bool = True, **options: Any) -> Any:
    """The data with columns ``cluster`` (from 0, the largest first), ``closeness`` (cosine to its centre) and ``name``.

    Args:
        data, on, options: as for `search`.
        n: how many; None takes the number that fits best, from 2 to 50.
        seed: the same gives the same clusters.
        names: the text model names the 100 largest from their typical texts: one request each time, which costs something and
            is said in a line; a warning says where it cannot, and ``name`` is empty then. False asks nobody and leaves the
            column out, and so do vectors as `on`.

    Raises:
        InputError: `n` is no count of clusters; else as `search`.
    """
    return current_session().corpus.clusters(data, n, on, seed=seed, names=names, **options)


def atlas(
    data: Any,
    on: Any = "text",
    *,
    color: Any = None,
    hover: Any = (),
    most: int = 200_000,
    seed: int = 0,
    height_px: int = 520,
    **options: Any,
) -> Atlas:
    """An interactive map of texts: near in meaning is near on the map. In a notebook, naming the result shows it.

    On the map: zoom, the text under the mouse, search by meaning, a lasso whose rows `Atlas.selection` gives back. Without a
    kernel the notebook shows a picture. The map is kept beside the cache of vectors: the same texts give the same map at once.

    Args:
        data: a frame of pandas, polars, Arrow, …, a column, or a list of strings.
        on: the column with the texts, which are embedded where they are not yet; or a vector for each row, shape (N, dimensions).
        color: a column, or one value for each row: groups or numbers. None: the column ``cluster`` that `clusters` gives, by
            its names; else clusters found here and called by their typical words. False: one colour.
        hover: columns that are shown with a text.
        most: points; of more rows so many are drawn by chance, embedded and shown, and the map says so.
        seed: of the map, the clusters and that choice.
        height_px: of the map.
        options: of `embed`.

    Raises:
        MissingExtraError: the extra ``atlas`` is not installed.
        InputError: there are no rows, or no such column, or colours that do not fit; else as `search`.
    """
    return current_session().corpus.atlas(
        data, on, color=color, hover=hover, most=most, seed=seed, height_px=height_px, **options
    )


def cache(cache: Any = None) -> VectorCache:
    """The cache of vectors: what it holds and what it saved, with ``.remove()``, ``.export()`` and ``.import_()``.

    Args:
        cache: a folder instead of the user's own, or a `VectorStore`.

    Raises:
        CacheError: the place cannot be used.
    """
    return current_session().corpus.cache(cache)


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
