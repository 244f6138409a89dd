"""What is painted while an answer grows, and what stays: judged by the messages that leave for the front end."""

from __future__ import annotations

import io
from typing import Any

import pytest

from glm_magics.display import JOIN_CHARS, MAX_SHOWN_CHARS, NotebookPainter, TerminalPainter
from glm_magics.replies import Delta, Ending, Reply, ReplyFold
from glm_magics.retries import Waiting
from glm_magics.tokenusage import Usage


class Page:
    """A front end: what it shows, by display id, in order of first appearance."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, str]] = {}
        self.metadata: dict[str, dict[str, Any]] = {}
        self.n_messages = 0
        self.n_chars = 0

    def publish(self, data: dict[str, str], metadata: dict[str, Any], display_id: str, update: bool) -> None:
        assert update == (display_id in self.outputs), "an update of something unknown, or something shown twice"
        self.outputs[display_id] = data
        self.metadata[display_id] = metadata
        self.n_messages += 1
        self.n_chars += sum(map(len, data.values()))

    @property
    def texts(self) -> list[str]:
        return [next(iter(data.values())) for data in self.outputs.values()]


def stream(painter: Any, *deltas: Delta, every_s: float = 0.01, ending: Ending = "") -> Reply:
    """Plays deltas into a painter as `live.follow` does, one each `every_s`."""
    fold = ReplyFold("glm-4.7", 0.0)
    painter.start("glm-4.7")
    now_s = due_s = 0.0
    for delta in deltas:
        now_s += every_s
        fold.add(delta, now_s)
        if now_s >= due_s:
            due_s = now_s + painter.paint(fold, now_s)
    reply = fold.finish(now_s, ending)
    painter.finish(fold, reply)
    return reply


END = Delta(finish_reason="stop", usage=Usage(12, 34, 46, 4, 10))


def words(n: int) -> list[Delta]:
    return [Delta(content=f"word{i} " if i % 40 else "\n\nA block begins here. ") for i in range(1, n)]


def test_short_answer_is_one_output_with_footer_and_record() -> None:
    page = Page()
    stream(NotebookPainter(page.publish), Delta(thinking="Hm."), Delta(content="Yes, **it** is."), END)
    (text,) = page.texts
    assert text.startswith("<details><summary>Thinking</summary>Hm.</details>")
    assert "Yes, **it** is." in text
    assert "glm-4.7 · first token 0.0 s · 0.0 s · 12 (4 cached) → 10 thinking + 24 tokens" in text
    (metadata,) = page.metadata.values()
    assert metadata["glm"]["usage"]["prompt_tokens"] == 12
    assert metadata["glm"]["finish_reason"] == "stop"


def test_thinking_is_open_while_it_grows_and_folds_when_the_answer_begins() -> None:
    page = Page()
    painter = NotebookPainter(page.publish)
    fold = ReplyFold("glm-4.7", 0.0)
    painter.start("glm-4.7")
    fold.add(Delta(thinking="step one\n\nstep <b>two</b>"), 0.0)
    painter.paint(fold, 0.1)
    assert "<details open>" in page.texts[-1]
    assert "&lt;b&gt;two" in page.texts[-1]
    fold.add(Delta(content="So."), 0.2)
    painter.paint(fold, 0.3)
    assert "<details open>" not in page.texts[-1]
    assert page.texts[-1].endswith("So.")


def test_long_thinking_is_folded_piece_by_piece() -> None:
    page = Page()
    stream(NotebookPainter(page.publish), *[Delta(thinking="think hard ")] * 3000, Delta(content="Done."), END)
    assert [text.count("<summary>Thinking") for text in page.texts] == [1] * 5 + [0]
    assert sum(text.count("think hard") for text in page.texts) >= 2996  # a word may be cut between two pieces


def test_long_answer_is_pieces_that_are_never_sent_again() -> None:
    """Every finished block once, the tail often: linear in the answer; nothing lost."""
    page = Page()
    reply = stream(NotebookPainter(page.publish), *words(5000), END)
    assert 10 <= len(page.texts) <= 50
    joined = "".join(page.texts)
    assert joined.replace(" ", "").replace("\n", "").startswith(reply.text.replace(" ", "").replace("\n", ""))
    assert [metadata["glm"].get("part") for metadata in page.metadata.values()][:3] == [0, 1, 2]


def test_bytes_grow_with_the_answer_not_with_its_square() -> None:
    n_chars = []
    for n_words in (2000, 4000, 8000):
        page = Page()
        stream(NotebookPainter(page.publish), *words(n_words), END)
        n_chars.append(page.n_chars)
    assert n_chars[1] < 2.6 * n_chars[0]
    assert n_chars[2] < 2.6 * n_chars[1]


def test_no_more_than_30_messages_a_second() -> None:
    page = Page()
    stream(NotebookPainter(page.publish), *words(6000), END, every_s=0.001)
    assert page.n_messages <= 30 * 6


def test_last_words_join_the_output_before() -> None:
    """No output for a last word alone."""
    page = Page()
    block = "A block begins here. " + "x" * 2600
    stream(NotebookPainter(page.publish), Delta(content=f"{block}\n\nEnd."), END)
    assert len("End.") < JOIN_CHARS
    assert len(page.texts) == 1
    assert page.texts[0].index("End.") > page.texts[0].index("xxx")


@pytest.mark.parametrize("ending", ["stopped", "cut short"])
def test_early_end_is_marked(ending: Ending) -> None:
    page = Page()
    stream(NotebookPainter(page.publish), Delta(content="Half an ans"), ending=ending)
    assert f"Half an ans\n\n*({ending})*" in page.texts[0]
    assert page.texts[0].strip().endswith(f"{ending}</small>")


def test_more_than_a_page_can_show_ends_with_a_note() -> None:
    page = Page()
    reply = stream(NotebookPainter(page.publish), *[Delta(content="word " * 20_000)] * 20, END)
    assert len(reply.text) == 2_000_000
    assert sum(map(len, page.texts)) < MAX_SHOWN_CHARS + 5000
    assert "all of them are in `_glm.text`" in page.texts[-1]
    assert len(page.texts) <= 50


def test_wait_is_shown() -> None:
    page = Page()
    painter = NotebookPainter(page.publish)
    painter.start("glm-4.7")
    painter.wait(Waiting(1.5, 1, 4, "Too many requests at once."))
    assert "Too many requests at once. Next try (2 of 4) in 1.5 s" in page.texts[0]


def test_hostile_model_name_and_reason_are_text() -> None:
    page = Page()
    painter = NotebookPainter(page.publish)
    painter.start("<script>x</script>")
    painter.wait(Waiting(1.0, 1, 4, "<img src=x onerror=y>"))
    assert "<script>" not in page.texts[0]
    assert "<img" not in page.texts[0]


@pytest.mark.parametrize(
    ("as_", "answer", "mime", "expected"),
    [
        ("text", "a **b** <c>", "text/plain", "a **b** <c>"),
        ("json", '{"a": [1,2]}', "text/markdown", '```json\n{\n  "a": [\n    1,\n    2\n  ]\n}\n```'),
        ("json", 'Here:\n```json\n{"a":1}\n```', "text/markdown", '```json\n{\n  "a": 1\n}\n```'),
        ("json", "no json", "text/markdown", "*The answer is no JSON; as it came:*"),
        ("code", "Look:\n```py\nx = 1\n```\nand\n```\ny\n```", "text/markdown", "```py\nx = 1\n```\n\n```\ny\n```"),
        ("code", "none", "text/markdown", "*There is no code block in the answer; as it came:*"),
        ("html-source", "```html\n<b>x</b>\n```", "text/markdown", "```html\n<b>x</b>\n```"),
        ("html-source", "<b>x</b>", "text/markdown", "```html\n<b>x</b>\n```"),
    ],
)
def test_other_formats_are_shown_when_whole(as_: str, answer: str, mime: str, expected: str) -> None:
    page = Page()
    stream(NotebookPainter(page.publish, as_), Delta(thinking="t" * 20), *[Delta(content=c) for c in answer], END, every_s=0.2)
    shown = [data[mime] for data in page.outputs.values() if expected in data.get(mime, "")]
    assert len(shown) == 1
    assert "tokens" in page.texts[-1]
    assert "receiving" not in "".join(page.texts)


def test_terminal_writes_each_word_once_and_no_escapes_of_the_model() -> None:
    out = io.StringIO()
    stream(TerminalPainter(out), Delta(thinking="Hm."), Delta(content="a\x1b[2Jb "), Delta(content="c"), END)
    assert (
        out.getvalue()
        == "(thinking) Hm.\n\na[2Jb c\nglm-4.7 · first token 0.0 s · 0.0 s · 12 (4 cached) → 10 thinking + 24 tokens\n"
    )


def test_markdown_of_the_server_in_the_footer_is_text() -> None:
    """A model name or finish reason is foreign too: no picture, no link, no emphasis."""
    page = Page()
    hostile = Delta(content="x", model="![x](https://evil.example/x.png) **b**", finish_reason="[c](javascript:alert(1))")
    stream(NotebookPainter(page.publish), hostile)
    assert "[x]" not in page.texts[0]
    assert "[c]" not in page.texts[0]
    assert "**" not in page.texts[0]
    assert "://" not in page.texts[0]


def test_missing_finish_reason_is_said() -> None:
    page = Page()
    stream(NotebookPainter(page.publish), Delta(content="Half"))
    assert "no finish reason (the answer may not be whole)" in page.texts[0]
