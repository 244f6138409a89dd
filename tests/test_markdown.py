"""A model's Markdown: nothing in it acts, nothing of it is lost, and it is cut where blocks end."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import mistune
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from glm_magics.markdown import LONG_PIECE_CHARS, PIECE_CHARS, BlockSplitter, code_blocks, make_safe, strip_controls, to_html_text

_HARMLESS = {
    *("p", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("a", "table", "thead", "tbody", "tr", "th", "td", "del", "s", "span"),
}
_NASTY = st.lists(
    st.sampled_from(
        [
            *(
                "```",
                "~~~",
                "````",
                "`",
                "``",
                "\n",
                "\n\n",
                "- ",
                "> ",
                "  ",
                "    ",
                "\t",
                "1. ",
                "|",
                "$$",
                "$",
                "\\",
                "html\n",
                "# ",
            ),
            *(
                "<script>alert(1)</script>",
                "<img src=x onerror=alert(1)>",
                "<!--",
                "-->",
                "<!DOCTYPE x>",
                "<?php",
                "?>",
                "<![CDATA[",
                "]]>",
            ),
            *(
                "<a href='javascript:x'>",
                "</a>",
                "<div>",
                "</div",
                ">",
                "<",
                "<pre>",
                "<style>",
                "<svg/onload=x>",
                "<br>",
                "<B ",
                "</textarea>",
            ),
            *(
                "[x](javascript:a)",
                "[x]( <javascript:a>)",
                "![x](http://e/x.png)",
                "[r]",
                "[r]: javascript:x",
                "[r]:\n javascript:x",
                "]: data:x",
            ),
            *(
                "[x](java&#115;cript:a)",
                "[x](&#x6A;avascript:a)",
                "<javascript:alert(1)>",
                "[x](http://ok/)",
                "<https://ok/>",
                "](",
                "word",
                "中",
            ),
            *(
                "[x](data:text/html;base64,x)",
                "[x](vbscript:a)",
                "[x](JaVaScRiPt:a)",
                "[x](\x01javascript:a)",
                "[x](//evil)",
                "\u2028",
                "\x1b[2J",
            ),
        ]
    ),
    max_size=25,
).map("".join)


class _Tags(HTMLParser):
    """Every tag and link that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        link = (named.get("href") or "").strip().lower()
        is_safe_link = not link or link.startswith(("http://", "https://", "mailto:", "#"))
        if tag not in _HARMLESS or not is_safe_link or any(name.startswith("on") for name in named):
            self.alive.append(str(self.get_starttag_text()))

    def handle_comment(self, data: str) -> None:
        self.alive.append(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        self.alive.append(f"<!{decl}")

    def handle_pi(self, data: str) -> None:
        self.alive.append(f"<?{data}")


def alive(html: str) -> list[str]:
    parser = _Tags()
    parser.feed(html)
    parser.close()
    return parser.alive


COMMONMARK = MarkdownIt("commonmark", {"html": True}).enable("table")
COMMONMARK.validateLink = lambda url: True  # this parser's own guard off: ours must do
MISTUNE = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])


@settings(max_examples=400)
@given(_NASTY)
def test_nothing_is_alive_in_two_parsers(text: str) -> None:
    """Whatever comes, an independent CommonMark parser with HTML on and its guards off finds no live markup."""
    safe = make_safe(text)
    assert alive(COMMONMARK.render(safe)) == []
    assert [tag for tag in alive(str(MISTUNE(safe))) if "harmful" not in tag] == []


def test_the_property_above_can_fail() -> None:
    """The parsers do find live markup in the raw text."""
    assert alive(COMMONMARK.render("<script>x</script> [x](javascript:a)"))
    assert alive(str(MISTUNE("<img src=x onerror=a>")))


@given(_NASTY)
def test_text_reads_the_same(text: str) -> None:
    """But for invisible characters, control characters and fence marks, every character is still there, in order."""
    visible = [c for c in strip_controls(text) if c not in "`~\n" and not c.isspace()]
    kept = iter(c for c in make_safe(text) if c not in "`~\n\u2060" and not c.isspace())
    missing = [c for c in visible if c not in kept]
    assert missing == [] or "```" in text or "~~~" in text  # an info string is cut to the language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain **bold** and `code`", "plain **bold** and `code`", id="plain"),
        pytest.param("a < b and 1<2", "a < b and 1<2", id="less-than is text"),
        pytest.param("<b>", "<\u2060b>", id="tag"),
        pytest.param("x<br>y", "x<br>y", id="line break in a table"),
        pytest.param("[a](https://x.y)", "[a](https://x.y)", id="https link"),
        pytest.param("[a](#part)", "[a](#part)", id="link within the page"),
        pytest.param("[a](javascript:x)", "[a]\u2060(javascript:x)", id="javascript link"),
        pytest.param("<https://x/onclick=y>", "<\u2060https://x/onclick=y>", id="an autolink is a tag inside an HTML block"),
        pytest.param("![a](https://x/y.png)", "!\u2060[a](https://x/y.png)", id="remote picture"),
        pytest.param("```html\n<b>\n```\n", "```html\n<b>\n```\n", id="code stays exact"),
        pytest.param("```html\n<b>", "```html\n<b>\n```\n", id="unclosed fence is closed"),
        pytest.param("~~~\n```\n~~~\n", "````\n```\n````\n", id="fence longer than what is in it"),
        pytest.param("a\n```py\nx\n```", "a\n\n```py\nx\n```\n", id="blank line before a fence"),
        pytest.param("x\x1b[31mred", "x[31mred", id="terminal escape"),
        pytest.param("", "", id="empty"),
    ],
)
def test_make_safe(text: str, expected: str) -> None:
    assert make_safe(text) == expected


def test_formulas_are_text_while_growing() -> None:
    """A dollar in an element of its own is no delimiter; code is left alone."""
    assert make_safe("$x$ and `$y`", is_growing=True) == "<span>&#36;</span>x<span>&#36;</span> and `$y`"
    assert make_safe("```\n$x\n```\n", is_growing=True) == "```\n$x\n```\n"


def test_html_text_is_one_inert_line() -> None:
    """Thinking goes into an element: no tag, no blank line (which would end the element), no formula."""
    out = to_html_text("a <b>\n\n`c` $x$ \\(y\\) &amp;")
    assert "\n" not in out
    assert "<b>" not in out
    assert "$" not in out
    assert "\\" not in out


def fed(text: str, step: int) -> tuple[list[str], str]:
    splitter = BlockSplitter()
    pieces = [piece for i in range(0, len(text), step) for piece in splitter.feed(text[i : i + step])]
    return pieces, splitter.tail


PROSE = "".join(
    f"## Part {i}\n\nSome words about part {i} of it, and more.\n\n- one\n- two\n\n  still two\n\n" for i in range(400)
)


@settings(max_examples=30)
@given(st.integers(1, 5000))
def test_pieces_and_tail_are_the_text(step: int) -> None:
    """However it arrives, nothing is lost, doubled or moved, and pieces begin where blocks begin."""
    pieces, tail = fed(PROSE, step)
    assert "".join(pieces) + tail == PROSE
    assert all(piece.startswith(("#", "Some", "-")) for piece in pieces)
    assert all(PIECE_CHARS <= len(piece) <= 2 * LONG_PIECE_CHARS for piece in pieces)


def test_no_block_is_cut_inside_a_fence_or_list() -> None:
    """Blank lines in code and between list items do not end a block."""
    text = "```py\n" + "x = 1\n\n" * 500 + "```\n\n" + "- item\n\n" * 500 + "the end\n\n" + "words " * 800
    pieces, _ = fed(text, 100)
    assert pieces[0].count("```") == 2
    assert not any(piece.startswith("\n") for piece in pieces)


def test_long_code_is_cut_with_its_fence() -> None:
    """A fence longer than a piece is closed and opened again with its language."""
    code = "".join(f"print({i})\n" for i in range(3000))
    pieces, tail = fed(f"```python\n{code}```\n", 977)
    assert len(pieces) > 3
    assert all(piece.startswith("```python\n") and piece.endswith("```\n") for piece in pieces)
    joined = "".join([*pieces, tail]).replace("```\n```python\n", "")
    assert joined == f"```python\n{code}```\n"


@pytest.mark.parametrize("text", ["x" * 1_000_000, "word " * 200_000, "```\n" + "line\n" * 200_000, "\n" * 500_000], ids=len)
def test_a_megabyte_stays_within_what_a_notebook_shows(text: str) -> None:
    """At most 50 outputs, in linear time."""
    started = time.process_time()
    pieces, _ = fed(text, 4096)
    assert len(pieces) <= 50
    assert time.process_time() - started < 5  # quadratic would be minutes


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("~" * 30_000 + "`", id="marks then a backtick"),
        pytest.param("```" + "a" * 30_000 + "`", id="info with a backtick"),
        pytest.param("$" + "`" * 30_000, id="a dollar and backticks"),
        pytest.param("`a" * 30_000 + "$", id="backticks that never pair"),
        pytest.param("<" * 100_000, id="tag openings"),
        pytest.param("](" * 50_000, id="link openings"),
    ],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    """No pattern backtracks over foreign text."""
    started = time.process_time()
    make_safe(text, is_growing=True)
    code_blocks(text)
    fed(text, 500)
    assert time.process_time() - started < 1  # quadratic would be many seconds
