"""Tab inside ``%glm`` and ``%%glm`` lines: options, model names, choices, names of the notebook."""

from __future__ import annotations

from collections.abc import Iterable

from ..catalog import models
from ..options import OPTIONS, Option
from ..providers import PROVIDERS, SERVER_KINDS
from .arguments import BY_FLAG
from .conversing import COMMANDS, MCP_COMMANDS, MCP_FLAGS, SPANS
from .embed import CACHE_OPTIONS, EMBED_OPTIONS
from .replays import WAYS as REPLAY_WAYS
from .working import WAYS

_OPTIONS = {"%glm_embed": EMBED_OPTIONS, "%glm_cache": CACHE_OPTIONS}


def complete_line(text_before: str, names: Iterable[str], chats: Iterable[str] = (), servers: Iterable[str] = ()) -> list[str]:
    """What may stand at the end of the magic's line.

    Args:
        text_before: the line up to the cursor, from ``%%glm`` on.
        names: the names of the notebook.
        chats: the names of the chats.
        servers: the names of the MCP servers.
    """
    words = text_before.split()
    if words[:1] == ["%glm_chat"]:
        return _complete_chat(words, text_before, chats)
    if words[:1] == ["%glm_jobs"]:
        return [way for way in WAYS if way.startswith(words[1] if len(words) > 1 else "")]
    if words[:1] == ["%glm_replay"]:
        return [way for way in REPLAY_WAYS if way.startswith(words[1] if len(words) > 1 else "")]
    if words[:1] == ["%glm_usage"]:
        return [span for span in SPANS if span.startswith(words[1] if len(words) > 1 else "")]
    if words[:1] == ["%glm_mcp"]:
        word = words.pop() if len(words) > 1 and not text_before[-1].isspace() else ""
        candidates = list(MCP_COMMANDS) if len(words) == 1 else list(servers) if words[1:] == ["remove"] else []
        candidates = list(MCP_FLAGS) if words[1:2] == ["add"] and word.startswith("-") else candidates
        return [candidate for candidate in candidates if candidate.startswith(word)]
    if words[:1] == ["%glm_connect"]:
        return _complete_connect(words, text_before)
    if words and words[0] in _OPTIONS:
        return _complete_options(words, text_before, list(names))
    if words and words[0] not in ("%glm", "%%glm", "%glm_fix", "%glm_explain"):
        return []
    word = words.pop() if words and not text_before[-1].isspace() else ""
    previous = words[-1] if len(words) > 1 else ""
    option = BY_FLAG.get(previous)
    if option is not None and option.kind != "flag":
        candidates = _values(option, {"chat": chats, "mcp": servers}.get(option.completes, names))
    elif word.startswith("-"):
        candidates = [flag for row in OPTIONS for flag in row.flags]
    elif words and words[0] == "%%glm" and len(words) == 1:
        candidates = [*_model_ids(), *(row.flags[-1] for row in OPTIONS)]
    else:
        candidates = [row.flags[-1] for row in OPTIONS]
    return [candidate for candidate in candidates if candidate.startswith(word)]


def _complete_options(words: list[str], text_before: str, names: list[str]) -> list[str]:
    """For a magic with a table of its own: an expression may come first, the options of the table after it."""
    rows = _OPTIONS[words[0]]
    word = words.pop() if len(words) > 1 and not text_before[-1].isspace() else ""
    option = next((row for row in rows if words[-1] in row.flags), None)
    if option is not None and option.kind != "flag":
        candidates = _values(option, names)
    elif word.startswith("-"):
        candidates = [flag for row in rows for flag in row.flags]
    elif len(words) == 1 and words[0] == "%glm_embed":
        candidates = [name for name in names if not name.startswith("_")]
    else:
        candidates = [row.flags[-1] for row in rows]
    return [candidate for candidate in candidates if candidate.startswith(word)]


def _values(option: Option, names: Iterable[str]) -> list[str]:
    if option.completes == "model":
        return _model_ids()
    if option.completes == "vectors":
        return [row.id for row in models().values() if row.kind == "embedding"]
    if option.completes in ("name", "chat", "mcp"):
        return [name for name in names if not name.startswith("_")]
    return list(option.choices)


def _complete_chat(words: list[str], text_before: str, chats: Iterable[str]) -> list[str]:
    word = words.pop() if len(words) > 1 and not text_before[-1].isspace() else ""
    candidates = list(COMMANDS) if len(words) == 1 else list(chats)
    return [candidate for candidate in candidates if candidate.startswith(word)]


def _complete_connect(words: list[str], text_before: str) -> list[str]:
    word = words.pop() if len(words) > 1 and not text_before[-1].isspace() else ""
    candidates = list(SERVER_KINDS) if words[-1] == "--kind" else [*PROVIDERS, "sandbox"] if len(words) == 1 else ["--kind"]
    return [candidate for candidate in candidates if candidate.startswith(word)]


def _model_ids() -> list[str]:
    """Ids, and the short names that work as well."""
    ids = [row.id for row in models().values() if row.can_chat]
    return ids + [model_id.removeprefix("glm-") for model_id in ids]
