"""What is a value and what is just a brace."""

from __future__ import annotations

import time
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glm_magics.errors import UnknownNameError
from glm_magics.template import Expression, Literal, parse_template

NAMES = {"df", "fig", "imgs", "Out", "x", "name", "été", "_", "d"}


def parse(text: str) -> list[str | tuple[str]]:
    """Words as str, expressions as 1-tuples."""
    return [
        (segment.source,) if isinstance(segment, Expression) else segment.text
        for segment in parse_template(text, NAMES, sorted(NAMES))
    ]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        pytest.param("{df}", [("df",)], id="name"),
        pytest.param("a {df} b {fig}", ["a ", ("df",), " b ", ("fig",)], id="order"),
        pytest.param("{df}{df}", [("df",), ("df",)], id="side-by-side"),
        pytest.param("{df.describe()}", [("df.describe()",)], id="call"),
        pytest.param("{df.a.b}", [("df.a.b",)], id="attribute"),
        pytest.param("{Out[3]}", [("Out[3]",)], id="index"),
        pytest.param("{imgs[0]}", [("imgs[0]",)], id="item"),
        pytest.param("{df['a']['b'].mean()}", [("df['a']['b'].mean()",)], id="chain"),
        pytest.param("{df[df.x > 1]}", [("df[df.x > 1]",)], id="condition"),
        pytest.param("{df.loc[{1, 2}]}", [("df.loc[{1, 2}]",)], id="set-within"),
        pytest.param('{d["}"]}', [('d["}"]',)], id="brace-in-a-string"),
        pytest.param("{été}", [("été",)], id="unicode-name"),
        pytest.param("{_}", [("_",)], id="last-output"),
        pytest.param("{len(df)}", [("len(df)",)], id="builtin-call"),
        pytest.param("{df[\n0]}", [("df[\n0]",)], id="over-two-lines"),
        pytest.param("`{df}`", ["`", ("df",), "`"], id="inline-code"),
        pytest.param("```\n{df}\n```", ["```\n", ("df",), "\n```"], id="known-name-in-a-fence"),
        # text
        pytest.param("", [], id="empty"),
        pytest.param("plain", ["plain"], id="plain"),
        pytest.param("{{name}}", ["{name}"], id="doubled"),
        pytest.param("{{nobody}}", ["{nobody}"], id="doubled-unknown"),
        pytest.param("{{df.head()}}", ["{df.head()}"], id="doubled-call"),
        pytest.param("{{ name }}", ["{{ name }}"], id="jinja"),
        pytest.param('{"a": 1, "b": {"c": []}}', ['{"a": 1, "b": {"c": []}}'], id="json"),
        pytest.param("{'a': df}", ["{'a': df}"], id="dict"),
        pytest.param("{1, 2}", ["{1, 2}"], id="set"),
        pytest.param("{x, df}", ["{x, df}"], id="set-of-names"),
        pytest.param("{x: 1}", ["{x: 1}"], id="dict-of-names"),
        pytest.param("{}", ["{}"], id="empty-dict"),
        pytest.param("{x:.2f}", ["{x:.2f}"], id="f-string-spec"),
        pytest.param("{x!r}", ["{x!r}"], id="f-string-conversion"),
        pytest.param("{x=}", ["{x=}"], id="f-string-debug"),
        pytest.param("{ df }", ["{ df }"], id="spaced"),
        pytest.param("{x + 1}", ["{x + 1}"], id="sum"),
        pytest.param("{not x}", ["{not x}"], id="keyword"),
        pytest.param("{None}", ["{None}"], id="constant"),
        pytest.param("{0}", ["{0}"], id="number"),
        pytest.param("{lambda: x}", ["{lambda: x}"], id="lambda"),
        pytest.param("{id}", ["{id}"], id="builtin-name"),
        pytest.param("{nobody.x}", ["{nobody.x}"], id="unknown-attribute"),
        pytest.param("{nobody()}", ["{nobody()}"], id="unknown-call"),
        pytest.param("${nobody}", ["${nobody}"], id="shell-variable"),
        pytest.param("function f() { return x; }", ["function f() { return x; }"], id="javascript"),
        pytest.param("a { b", ["a { b"], id="lone-open"),
        pytest.param("a } b", ["a } b"], id="lone-close"),
        pytest.param("{df", ["{df"], id="unclosed"),
        pytest.param("{x\\}", ["{x\\}"], id="backslash"),
        pytest.param("{x\0}", ["{x\0}"], id="null-byte"),
        pytest.param("{\udcff}", ["{\udcff}"], id="lone-surrogate"),
        # LaTeX
        pytest.param(r"\frac{a}{b}", [r"\frac{a}{b}"], id="frac"),
        pytest.param(r"\frac{x}{df}", [r"\frac{x}{df}"], id="frac-of-known-names"),
        pytest.param("x_{i}^{k}", ["x_{i}^{k}"], id="sub-and-superscript"),
        pytest.param(r"\sqrt[3]{x}", [r"\sqrt[3]{x}"], id="optional-argument"),
        pytest.param(r"\{x\}", [r"\{x\}"], id="escaped"),
        pytest.param(r"\frac{\sqrt{x}}{y_{df}}", [r"\frac{\sqrt{x}}{y_{df}}"], id="nested"),
        pytest.param(r"\begin{array}{cc} a \end{array}", [r"\begin{array}{cc} a \end{array}"], id="environment"),
        pytest.param(r"\alpha and {df}", [r"\alpha and ", ("df",)], id="a-value-after-latex"),
        pytest.param(r"\frac{a", [r"\frac{a"], id="unclosed-latex"),
        # fences
        pytest.param("```js\n`${nobody}` {nobody}\n```", ["```js\n`${nobody}` {nobody}\n```"], id="unknown-in-a-fence"),
        pytest.param("~~~\n```\n{nobody}\n~~~", ["~~~\n```\n{nobody}\n~~~"], id="other-mark-in-a-fence"),
        pytest.param("1. so:\n    ```\n    {nobody}\n    ```", ["1. so:\n    ```\n    {nobody}\n    ```"], id="fence-in-a-list"),
        pytest.param("```\n{nobody}", ["```\n{nobody}"], id="unclosed-fence"),
    ],
)
def test_what_is_a_value(text: str, segments: list[object]) -> None:
    """Values are names, attributes, indices and calls that start at a known name; all other braces are text."""
    assert parse(text) == segments


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{dff}", "`dff` is not defined; did you mean `df`?", id="near"),
        pytest.param(
            "Tell me about {zzzzzzz}", "`zzzzzzz` is not defined; has the cell that defines it been run?", id="nothing-near"
        ),
        pytest.param("```\n{a}\n```\n{dff}", "`dff`", id="after-a-fence"),
        pytest.param("{df} and {dff}", "`dff`", id="after-a-value"),
        pytest.param("```\na\n````\n{dff}", "`dff`", id="fence-closed-by-a-longer-one"),
    ],
)
def test_a_plain_unknown_name_stops(text: str, said: str) -> None:
    """One sentence with the nearest name and how to write a plain brace."""
    with pytest.raises(UnknownNameError) as caught:
        parse(text)
    assert said in caught.value.message
    assert "--raw" in caught.value.way_out
    assert "{{" in caught.value.way_out


@given(st.text().filter(lambda text: "{" not in text))
def test_text_without_an_opening_brace_is_itself(text: str) -> None:
    """Nothing else has a meaning."""
    assert parse(text) == ([text] if text else [])


_TOKENS = [
    "{",
    "}",
    "{{",
    "}}",
    "df",
    "nobody",
    ".",
    "(",
    ")",
    "[",
    "]",
    "0",
    '"',
    "'",
    ":",
    " ",
    "\n",
    "```",
    "~~~",
    "\\",
    "\\frac",
    "_",
    "$",
    "\0",
    "\\d",
]


@given(st.lists(st.sampled_from(_TOKENS), max_size=25).map("".join))
@example('{df("\\d")}')
@example("{{df}")
def test_any_text_is_taken_apart_without_loss(text: str) -> None:
    """No text makes it fail but for an unknown name, no warning comes out, and everything is still there in order."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            segments = parse_template(text, NAMES, sorted(NAMES))
        except UnknownNameError:
            return
    again = "".join(segment.text if isinstance(segment, Literal) else f"{{{segment.source}}}" for segment in segments)
    assert again.replace("{", "").replace("}", "") == text.replace("{", "").replace("}", "")
    assert all(isinstance(segment, Expression) or segment.text for segment in segments)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{" * 100_000, id="open"),
        pytest.param("{" * 50_000 + "}" * 50_000, id="nested"),
        pytest.param("{return f(a)}" * 8_000, id="javascript"),
        pytest.param("\\frac{a}{b}" * 9_000, id="latex"),
        pytest.param("{f(" * 1_000 + "}" * 3_000, id="calls"),
        pytest.param("```\n{nobody}\n```\n" * 6_000, id="fences"),
        pytest.param("{df}" * 25_000, id="values"),
    ],
)
def test_100_kb_of_braces_take_no_time(text: str) -> None:
    """The work stays linear for texts made to hurt."""
    started_s = time.perf_counter()
    parse(text)
    assert time.perf_counter() - started_s < 2
