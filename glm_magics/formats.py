"""How a reply is shown: one row per ``--as`` word, and the footer line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import one_line
from .grammar import plural
from .markdown import make_safe, strip_controls, to_html_text
from .replies import FINISHED_WHOLE, Reply
from .sent import in_words
from .tokenusage import Usage


@dataclass(frozen=True, slots=True)
class Format:
    """One row.

    Attributes:
        is_live: True when the text can be shown as it grows; otherwise it is rendered once it is whole.
        render: the finished reply as ``(mime type, text)``, safe to show.
        grow: what of a growing answer that is not `is_live` can be shown already, as safe Markdown.
    """

    is_live: bool
    render: Callable[[Reply], tuple[str, str]]
    grow: Callable[[str], str] | None = None


def _render_markdown(reply: Reply) -> tuple[str, str]:
    return "text/markdown", make_safe(reply.text)


def _render_text(reply: Reply) -> tuple[str, str]:
    return "text/plain", strip_controls(reply.text)


def _render_html_source(reply: Reply) -> tuple[str, str]:
    source = next((block.code for block in reply.code_blocks if block.language.lower() in ("html", "htm")), reply.text)
    return "text/markdown", fenced(source, "html")


def _render_json(reply: Reply) -> tuple[str, str]:
    if reply.plain is not None:
        return "text/markdown", fenced(_write_json(reply.plain), "json")
    for text in (reply.text, *(block.code for block in reply.code_blocks), _arguments(reply)):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        return "text/markdown", fenced(_write_json(value), "json")
    said = fenced(reply.text or _arguments(reply), "")
    return "text/markdown", f"*The answer is no JSON; as it came:*\n\n{said}"


def _write_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=lambda odd: getattr(odd, "value", None) or str(odd))


def _arguments(reply: Reply) -> str:
    return "\n".join(str(call["function"]["arguments"]) for call in reply.tool_calls)


_GROWING_LINES = 60
"""Of a growing object only its end is shown: a page repaints it ten times a second."""


def _grow_json(text: str) -> str:
    """The object as far as it has come, its open ends closed; as it is where pydantic is not installed or it is no JSON."""
    start = min((place for place in (text.find("{"), text.find("[")) if place >= 0), default=-1)
    written = text
    if start >= 0:
        try:
            from pydantic_core import from_json

            written = _write_json(from_json(text[start:], allow_partial="trailing-strings"))
        except (ImportError, ValueError):
            written = text[start:]
    lines = written.split("\n")
    head = ["…"] if len(lines) > _GROWING_LINES else []
    return fenced("\n".join([*head, *lines[-_GROWING_LINES:]])[-20_000:], "json" if start >= 0 else "")


def _render_frame(reply: Reply) -> tuple[str, str]:
    """The table as Markdown, elided as pandas elides; the answer as it came where there is none in it."""
    from .readers import read_table
    from .tabletext import write_markdown

    if reply.misfit or (reply.value is None and not reply.tables):
        return "text/markdown", f"*There is no table in the answer; as it came:*\n\n{make_safe(reply.text)}"
    table = read_table(reply.to_frame(), 60, 20)
    return "text/markdown", make_safe(write_markdown(table) if table.columns and not table.is_empty else "*(no rows)*\n")


def _render_code(reply: Reply) -> tuple[str, str]:
    blocks = reply.code_blocks
    if not blocks:
        return "text/markdown", f"*There is no code block in the answer; as it came:*\n\n{make_safe(reply.text)}"
    from .answercode import python_blocks

    python = set(python_blocks(reply))
    return "text/markdown", "\n".join(
        fenced(block.code, block.language or ("python" if block in python else "")) for block in blocks
    )


FORMATS: Mapping[str, Format] = {
    "markdown": Format(True, _render_markdown),
    "text": Format(False, _render_text),
    "html-source": Format(False, _render_html_source),
    "json": Format(False, _render_json, _grow_json),
    "code": Format(False, _render_code),
    "frame": Format(False, _render_frame, _grow_json),
}


def fenced(code: str, language: str) -> str:
    """`code` as one Markdown code block, whatever is in it."""
    marks = "`" * 3
    while marks in code:
        marks += "`"
    return make_safe(f"{marks}{language}\n{code.rstrip(chr(10))}\n{marks}\n")


def footer(reply: Reply) -> str:
    """One line: model, times, tokens, how it ended when not by itself, and what was sent.

    Tokens read "in (cached) → thinking + out"; what the server did not tell is left out.
    """
    facts = [one_line(reply.model, 60)]
    if reply.first_token_s is not None:
        facts.append(f"first token {reply.first_token_s:.1f} s")
    facts.append(f"{reply.elapsed_s:.1f} s")
    if reply.usage:
        facts.append(tokens_in_words(reply.usage))
    if reply.audio:
        facts.append(f"{seconds:.1f} s of speech" if (seconds := reply.audio.seconds) else "no sound that can be read")
    if reply.cost is not None:
        facts.append(str(reply.cost))
    if reply.ending:
        facts.append(reply.ending)
    elif not reply.finish_reason:
        facts.append("no finish reason (the answer may not be whole)")
    elif reply.finish_reason != "stop" and not _has_served(reply):
        note = "" if reply.finish_reason in FINISHED_WHOLE else " (the answer is not whole)"
        facts.append(f"finish reason: {one_line(reply.finish_reason, 60)}{note}")
    if words := in_words(reply.sent):
        facts.append(f"sent: {words}")
    facts += [one_line(note, 200) for note in reply.notes]
    return " · ".join(facts)


def _has_served(reply: Reply) -> bool:
    """True for calls that are run here, and for the one call that held the answer."""
    return reply.finish_reason == "tool_calls" and (reply.is_followed or (reply.value is not None and not reply.misfit))


def tokens_in_words(usage: Usage) -> str:
    """``1 200 (400 cached) → 300 thinking + 90 tokens``."""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    thinking = f"{usage.thinking_tokens:,} thinking + " if usage.thinking_tokens else ""
    return f"{usage.prompt_tokens:,}{cached} → {thinking}{plural(usage.answer_tokens, 'token')}".replace(",", "\u202f")


def record(reply: Reply) -> dict[str, object]:
    """The few facts that travel in the saved notebook's metadata; no key, no path, no content."""
    usage = reply.usage
    return {
        "model": reply.model,
        "finish_reason": reply.finish_reason,
        "request_id": reply.request_id,
        "ending": reply.ending or "complete",
        "cost": None if reply.cost is None else {"amount": round(reply.cost.amount, 8), "currency": reply.cost.currency},
        "usage": None
        if usage is None
        else {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cached_tokens": usage.cached_tokens,
            "thinking_tokens": usage.thinking_tokens,
        },
    }


def sources_markdown(reply: Reply) -> str:
    """The sources of a web search as a list of links; empty without any. Titles are foreign text, addresses http(s) or text."""
    rows = []
    for n, source in enumerate(reply.sources, 1):
        title = to_html_text(one_line(source.title or source.link or source.media, 160))
        facts = to_html_text(one_line(" · ".join(filter(None, (source.media, source.date))), 100))
        link = source.link
        is_link = re.fullmatch(r"https?://[^\s<>\x00-\x20\x7f]+", link, re.IGNORECASE) is not None
        rows.append(f"{n}. {f'[{title}](<{link}>)' if is_link else title}{f' <small>{facts}</small>' if facts else ''}")
    return "\n".join(["**Sources**", "", *rows, "", ""]) if rows else ""


def sources_text(reply: Reply) -> str:
    """The same as plain text."""
    rows = [f"{n}. {one_line(source.title, 160)}  {one_line(source.link, 300)}" for n, source in enumerate(reply.sources, 1)]
    return "\n".join(["", "Sources", *rows, ""]) if rows else ""
