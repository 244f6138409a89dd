"""The line of a magic to typed values, and Tab inside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_magics.errors import OptionError
from glm_magics.magics.arguments import BY_FLAG, Call, options_help, parse_cell_line, parse_text_line
from glm_magics.magics.completion import complete_line
from glm_magics.options import OPTIONS, Options


@pytest.mark.parametrize(
    ("line", "options"),
    [
        pytest.param("", Options(), id="nothing"),
        pytest.param("   ", Options(), id="blank"),
        pytest.param("4.6v", Options(model="4.6v"), id="model"),
        pytest.param("-m 4.6v", Options(model="4.6v"), id="short-flag"),
        pytest.param("--model=4.6v", Options(model="4.6v"), id="equals"),
        pytest.param("-t off 4.7", Options(model="4.7", think="off"), id="model-behind"),
        pytest.param('-s "be brief"', Options(system="be brief"), id="double-quotes"),
        pytest.param("-s 'be brief'", Options(system="be brief"), id="single-quotes"),
        pytest.param("--system='be brief'", Options(system="be brief"), id="quotes-behind-equals"),
        pytest.param('-s "it\'s"', Options(system="it's"), id="apostrophe-in-quotes"),
        pytest.param(r"-i C:\pics\new.png", Options(image=(r"C:\pics\new.png",)), id="windows-path"),
        pytest.param(
            '-i fig -i "imgs[0]" --image https://x.org/a.png',
            Options(image=("fig", "imgs[0]", "https://x.org/a.png")),
            id="repeated",
        ),
        pytest.param(
            "--temperature 0.3 --top-p .9 --max-tokens 5", Options(temperature=0.3, top_p=0.9, max_tokens=5), id="numbers"
        ),
        pytest.param("-n -q --dry-run --raw", Options(no_stream=True, quiet=True, dry_run=True, raw=True), id="flags"),
        pytest.param("-o answer --as json --timeout 9", Options(into="answer", as_="json", timeout=9.0), id="output"),
        pytest.param('--stop "---"', Options(stop="---"), id="value-of-dashes"),
        pytest.param("-t on -t off", Options(think="off"), id="last-wins"),
        pytest.param("-s {df}", Options(system="{df}"), id="braces-stay"),
        pytest.param("-s '#1'", Options(system="#1"), id="no-comments"),
        pytest.param("-s été", Options(system="été"), id="unicode"),
        pytest.param("--frames text", Options(frames="text"), id="frames"),
    ],
)
def test_lines_of_cells(line: str, options: Options) -> None:
    """Words as in a shell, but a backslash is only a backslash."""
    assert parse_cell_line(line) == Call(options)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("--temprature 1", "Did you mean `--temperature`?", id="near"),
        pytest.param("--zzz", "There are: ", id="nothing-near"),
        pytest.param("-z", "no option `-z`", id="short"),
        pytest.param("-s 'be brief", "quote is not closed", id="unclosed-quote"),
        pytest.param("what's this", "quote is not closed", id="apostrophe"),
        pytest.param("4.7 now", "`now` is one word too many", id="two-words"),
        pytest.param("4.7 -m 4.6v", "named twice", id="two-models"),
        pytest.param("-s", "-s needs a value", id="no-value"),
        pytest.param("-s -t on", "-s needs a value", id="flag-for-a-value"),
        pytest.param("-t maybe", "--think has no value `maybe`", id="wrong-choice"),
        pytest.param("-t of", "Did you mean `off`?", id="near-choice"),
        pytest.param("--temperature -1", "from 0 to 1", id="negative-number"),
        pytest.param("--quiet=no", "--quiet takes no value", id="value-for-a-flag"),
        pytest.param("--model=", "--model is empty", id="empty-after-equals"),
        pytest.param('""', "--model is empty", id="empty-word"),
        pytest.param("-o _a.b", "variable name", id="not-a-name"),
    ],
)
def test_wrong_lines_get_one_sentence(line: str, said: str) -> None:
    """With the nearest match."""
    with pytest.raises(OptionError) as caught:
        parse_cell_line(line)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "options", "text"),
    [
        pytest.param("", Options(), "", id="nothing"),
        pytest.param("what's 2**61-1 ?", Options(), "what's 2**61-1 ?", id="apostrophe"),
        pytest.param("-1 + 2 = ?", Options(), "-1 + 2 = ?", id="negative-number"),
        pytest.param("- a - b", Options(), "- a - b", id="dash"),
        pytest.param('say "hi" -t on', Options(), 'say "hi" -t on', id="flags-later-are-text"),
        pytest.param("-t off what's up?", Options(think="off"), "what's up?", id="option-first"),
        pytest.param("-q -n hello", Options(quiet=True, no_stream=True), "hello", id="flags"),
        pytest.param("-s 'be brief' it's late", Options(system="be brief"), "it's late", id="quoted-value"),
        pytest.param('--system="be brief" hi', Options(system="be brief"), "hi", id="quotes-behind-equals"),
        pytest.param("-t off -- -m is a flag?", Options(think="off"), "-m is a flag?", id="two-dashes"),
        pytest.param("-m 4.6v   two  spaces ", Options(model="4.6v"), "two  spaces", id="spaces"),
        pytest.param("{df} -t?", Options(), "{df} -t?", id="expression"),
        pytest.param("日本?", Options(), "日本?", id="unicode"),
    ],
)
def test_lines_of_text(line: str, options: Options, text: str) -> None:
    """Options first; the text behind them is taken as it stands."""
    assert parse_text_line(line) == Call(options, text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-t", "-t needs a value"),
        ("--thnk on hi", "`--think`"),
        ("-s 'be brief", "not closed"),
        ("-s what's up", "not closed"),
        ("--system='be brief", "not closed"),
        ("--max-tokens many hi", "a whole number"),
    ],
)
def test_wrong_lines_of_text_get_one_sentence(line: str, said: str) -> None:
    """The same errors as in a cell."""
    with pytest.raises(OptionError) as caught:
        parse_text_line(line)
    assert said in str(caught.value)


@given(st.text(alphabet="-=tsmiq \"'ab{}\\1.é\n", max_size=30))
def test_any_line_is_parsed_or_refused(line: str) -> None:
    """No line makes the parser fail in a way of its own."""
    for parse in (parse_cell_line, parse_text_line):
        way_out = ""
        try:
            call = parse(line)
        except OptionError as error:
            way_out = error.way_out
        assert way_out or isinstance(call, Call)


def test_the_help_page_shows_every_option() -> None:
    """From the one table."""
    page = options_help()
    for option in OPTIONS:
        assert ", ".join(option.flags) in page
        assert option.help in page
    assert set(BY_FLAG) == {flag for option in OPTIONS for flag in option.flags}


@pytest.mark.parametrize(
    ("before", "offered", "not_offered"),
    [
        pytest.param("%%glm ", ["glm-4.7", "--think"], ["embedding-3", "df"], id="first-word"),
        pytest.param("%%glm glm-4.6", ["glm-4.6", "glm-4.6v"], ["glm-4.7"], id="model"),
        pytest.param("%%glm --th", ["--think"], ["--top-p"], id="option"),
        pytest.param("%%glm -", ["-t", "--think"], ["glm-4.7"], id="dash"),
        pytest.param("%%glm --think ", ["auto", "on", "off"], ["--think"], id="choices"),
        pytest.param("%glm -t o", ["on", "off"], ["auto"], id="choice-started"),
        pytest.param("%%glm -i ", ["df", "fig"], ["_private", "--image"], id="names"),
        pytest.param("%%glm --image f", ["fig"], ["df"], id="name-started"),
        pytest.param("%%glm -o ", ["df"], [], id="into"),
        pytest.param("%%glm -m glm-4.7", ["glm-4.7", "glm-4.7-flash"], [], id="model-option"),
        pytest.param("%%glm --as ", ["json", "html-source"], [], id="as"),
        pytest.param("%%glm -q ", ["--think"], ["df"], id="after-a-flag"),
        pytest.param("%%glm 4.7 ", ["--think"], ["glm-4.7"], id="after-the-model"),
        pytest.param("%%glm -s ", [], ["df", "glm-4.7", "--think"], id="free-text"),
        pytest.param("", [], [], id="nothing"),
    ],
)
def test_tab(before: str, offered: list[str], not_offered: list[str]) -> None:
    """Options, model ids, choices and names of the notebook, each where it fits."""
    found = complete_line(before, ["df", "fig", "_private"])
    assert set(offered) <= set(found)
    assert not set(not_offered) & set(found)
