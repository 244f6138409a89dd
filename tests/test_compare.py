"""Several models at once: each asked in its own form, side by side, none lost for another."""

from __future__ import annotations

import threading

import pandas as pd
import pytest
from markdown_it import MarkdownIt

import glm_magics
from glm_magics.comparing import Columns
from glm_magics.comparisons import Comparison, side_by_side
from glm_magics.errors import AuthenticationError, InputError, Interrupted, ModelError, NoProviderError, OptionError
from glm_magics.options import Options
from glm_magics.replies import Reply
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

from .patience import PATIENCE_S, until
from .test_magics import run
from .wire import coded, content, press_stop


def shown(result) -> list[str]:
    return [str(output.data.get("text/markdown", "")) for output in result.shown.outputs]


def answer_by_model(fake: FakeGLM, answers: dict[str, str], failing: str = "") -> None:
    """Each model its own words, whoever comes first."""
    scripts = {}
    for model, text in answers.items():
        one = FakeGLM()
        one.error(401, coded("1002")) if model == failing else one.reply(text)
        scripts[model] = one._script[0]
    fake._script.append(lambda received: scripts[received.body["model"]](received))


def test_several_models_answer_side_by_side(ip, fake: FakeGLM) -> None:
    """Each in its column with its own line below, in the order of the list; kept under --into and in _glm."""
    answer_by_model(fake, {"glm-4.7": "Seven.", "glm-4.6": "Six.", "glm-4.5-air": "Air."})
    result = run(ip, "%%glm -m glm-4.7,4.6,glm-4.5-air --into versus\nhi")
    assert result.success
    versus = ip.user_ns["versus"]
    assert ip.user_ns["_glm"] is versus
    assert [reply.text for reply in versus] == ["Seven.", "Six.", "Air."]
    assert sorted(body["model"] for body in fake.bodies) == ["glm-4.5-air", "glm-4.6", "glm-4.7"]
    final = shown(result)[-1]
    assert final.count("<td") == 3
    assert final.index("Seven.") < final.index("Six.") < final.index("Air.")
    assert final.count("first token") == 3
    assert len({output.data["text/markdown"][:5] for output in result.shown.outputs}) == 1


def test_a_comparison_is_a_sequence_and_a_frame(ip, fake: FakeGLM) -> None:
    """By place, by name, as rows."""
    answer_by_model(fake, {"glm-4.7": "Seven.", "glm-4.6": "Six."})
    versus = glm_magics.ask("hi", model="glm-4.7,glm-4.6", quiet=True)
    assert isinstance(versus, Comparison)
    assert len(versus) == 2
    assert versus[0] is versus["glm-4.7"]
    assert [reply.text for reply in versus[1:]] == ["Six."]
    with pytest.raises(InputError, match=r"glm-4\.6"):
        _ = versus["glm-9"]
    frame = versus.to_frame()
    assert list(frame["model"]) == ["glm-4.7", "glm-4.6"]
    assert list(frame["text"]) == ["Seven.", "Six."]
    assert list(frame["prompt_tokens"]) == [13, 13]
    assert frame["cost"].gt(0).all()
    assert set(frame["currency"]) == {"USD"}
    assert isinstance(frame, pd.DataFrame)
    assert "Seven." in versus._repr_mimebundle_()["text/plain"]


def test_one_model_several_times_is_several_answers(ip, fake: FakeGLM) -> None:
    """Each has a name of its own; what the user wrote and the model's full name both find the first."""
    answer_by_model(fake, {"glm-4.7": "Seven."})
    versus = glm_magics.ask("hi", model="4.7,4.7,4.7", quiet=True)
    assert len(fake.requests) == len(versus) == 3
    assert versus.models == ["4.7", "4.7 (2)", "4.7 (3)"]
    assert versus["4.7"] is versus["glm-4.7"] is versus[0]
    versus = glm_magics.ask("hi", model="zai:glm-4.7,glm-4.7", quiet=True)
    assert versus["glm-4.7"] is versus[1]


def test_one_that_fails_loses_no_other(ip, fake: FakeGLM) -> None:
    """Its column holds the sentence, the error is kept."""
    answer_by_model(fake, {"glm-4.7": "Seven.", "glm-4.6": ""}, failing="glm-4.6")
    result = run(ip, "%%glm -m glm-4.7,glm-4.6\nhi")
    assert result.success
    versus = ip.user_ns["_glm"]
    assert versus["glm-4.7"].text == "Seven."
    assert type(versus.errors["glm-4.6"]) is AuthenticationError
    assert versus.to_frame()["ending"].tolist() == ["complete", "failed"]
    assert "**AuthenticationError**" in shown(result)[-1]
    assert "Seven." in shown(result)[-1]


def test_when_all_fail_the_cell_does(ip, fake: FakeGLM) -> None:
    """With the first one's error."""
    fake.error(401, coded("1002"))
    assert type(run(ip, "%%glm -m glm-4.7,glm-4.6\nhi").error) is AuthenticationError


def test_a_word_may_name_another_connection(ip, fake: FakeGLM, monkeypatch) -> None:
    """With that one's key and address; one without a key is said before anything is sent."""
    assert type(run(ip, "%%glm -m glm-4.7,bigmodel:glm-4.7\nhi").error) is NoProviderError
    assert fake.requests == []
    monkeypatch.setenv("ZHIPUAI_API_KEY", "other.key")
    assert run(ip, "%%glm -m glm-4.7,bigmodel:glm-4.7,glm-4.7\nhi").success
    assert sorted(request.host for request in fake.requests) == ["api.z.ai", "api.z.ai", "open.bigmodel.cn"]
    keys = {request.host: request.headers["authorization"] for request in fake.requests}
    assert keys["open.bigmodel.cn"] == "Bearer other.key"
    versus = ip.user_ns["_glm"]
    assert versus.models == ["glm-4.7", "bigmodel:glm-4.7", "glm-4.7 (2)"]
    assert [reply.cost is None for reply in versus] == [False, True, False]  # no price in yuan is known


def test_the_sandbox_beside_a_vendor(ip, fake: FakeGLM) -> None:
    """As a connection of its own."""
    session = glm_magics.current_session()
    assert session.client_of("sandbox").connection.provider.name == "sandbox"
    assert session.client_of("sandbox") is session.client_of("sandbox")
    assert session.connection.provider.name == "zai"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        pytest.param("-m glm-4.7, ", OptionError, id="open-list"),
        pytest.param("-m ,", OptionError, id="nothing-in-it"),
        pytest.param("-m glm-4.7,glm-9.9", ModelError, id="unknown-model"),
        pytest.param("-m glm-4.7,glm-4.6 -c talk", OptionError, id="a-chat"),
        pytest.param("-m glm-4.7,glm-4.6 &", OptionError, id="background"),
        pytest.param("-m glm-4.7,glm-4.6 --dry-run", OptionError, id="dry-run"),
        pytest.param("-m " + ",".join(["4.7"] * 13), OptionError, id="too-many"),
    ],
)
def test_what_cannot_be_compared_is_said_before_sending(ip, fake: FakeGLM, line: str, error: type) -> None:
    """One sentence; nothing leaves."""
    assert type(run(ip, f"%%glm {line}\nhi").error) is error
    assert fake.requests == []


def test_each_model_gets_what_it_takes(ip, fake: FakeGLM) -> None:
    """A frame as a picture to one with eyes, as text to one without."""
    ip.user_ns["df"] = pd.DataFrame({"a": [1, 2]})
    assert run(ip, "%%glm -m glm-4.6v,glm-4.7\nwhat is {df}?").success
    kinds = {body["model"]: type(body["messages"][0]["content"]) for body in fake.bodies}
    assert kinds == {"glm-4.6v": list, "glm-4.7": str}


def test_schemas_and_the_budget_hold_for_each(ip, fake: FakeGLM) -> None:
    """Every reply has its value; the budget of the cell is shared equally."""
    fake.reply('{"age": 4}')
    versus = glm_magics.ask("hi", model="glm-4.7,glm-4.6", schema="age int", quiet=True)
    assert [reply.plain for reply in versus] == [{"age": 4}, {"age": 4}]
    seen = []
    session = glm_magics.current_session()
    from glm_magics.comparing import Comparing

    for asking in Comparing(session, Options(model="4.7,4.6", budget=0.05))._askings()[1]:
        seen.append(asking.options.budget)
    assert seen == [0.025, 0.025]


def test_stop_keeps_what_came_of_all(ip, fake: FakeGLM) -> None:
    """■ ends all of them; each column is marked."""
    never = threading.Event()
    arrived = threading.Barrier(2, action=lambda: threading.Timer(0.1, press_stop).start())
    fake.frames(content("Begun"), lambda: arrived.wait(PATIENCE_S), lambda: never.wait(PATIENCE_S))
    result = run(ip, "%%glm -m glm-4.7,glm-4.6\nhi")
    never.set()
    assert type(result.error) is Interrupted
    assert [(reply.text, reply.ending) for reply in ip.user_ns["_glm"]] == [("Begun", "stopped")] * 2
    assert shown(result)[-1].count("*(stopped)*") == 2


def test_it_grows_while_it_comes(ip, fake: FakeGLM, monkeypatch) -> None:
    """Both columns, before either is over."""
    painted: list[str] = []
    write = Columns.markdown

    def note(columns: Columns, most_chars: int | None = None) -> str:
        painted.append(write(columns, most_chars))
        return painted[-1]

    monkeypatch.setattr(Columns, "markdown", note)
    is_growing = lambda: any(text.count("Begun") == 2 for text in painted)  # noqa: E731
    fake.frames(content("Begun "), lambda: until(is_growing), content("done", finish_reason="stop"))
    result = run(ip, "%%glm -m glm-4.7,glm-4.6\nhi")
    growing = [text for text in shown(result) if text.count("Begun") == 2 and "done" not in text]
    assert growing
    assert shown(result)[-1].count("Begun done") == 2


def test_a_terminal_prints_one_below_the_other(session: Session, ip, fake: FakeGLM, monkeypatch, capsys) -> None:
    """With names and lines."""
    monkeypatch.setattr("glm_magics.outlets.is_terminal", lambda shell: True)
    glm_magics.current_session().ask(["hi"], Options(model="glm-4.7,glm-4.6"))
    printed = capsys.readouterr().out
    assert printed.count("Hello!") == 2
    assert "<td" not in printed


TRAPS = {
    "tags": "</td></tr></table><script>alert(1)</script>",
    "open fence": "```python\n</td>\n1 + 1",
    "list": "- one\n- two\n\n      code </td>",
    "quote": "> said\n> more",
    "table": "| a | b |\n|---|---|\n| 1 | </table> |",
    "html block": "<!-- \n\n</td>",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_no_answer_breaks_out_of_its_column(trap: str) -> None:
    """By two parsers of Markdown: the table has its cells, and the neighbour stays whole."""
    from bs4 import BeautifulSoup
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    versus = Comparison({"glm-4.7": Reply(text=TRAPS[trap]), "glm-4.6": Reply(text="The **neighbour**.")}, {})
    text = versus._repr_mimebundle_()["text/markdown"]
    for page in (MarkdownIt("commonmark", {"html": True}).enable("table").render(text), markdown2html_mistune(text)):
        outer = BeautifulSoup(page, "html.parser").find("table")
        assert outer is not None
        cells = outer.find_all("td", attrs={"valign": True})
        assert len(cells) == 2
        assert cells[1].find_all("strong")[-1].text == "neighbour"
        assert "neighbour" not in cells[0].text
        assert outer.find("script") is None


@pytest.mark.parametrize(("n", "rows"), [(1, [1]), (2, [2]), (3, [3]), (4, [2, 2]), (5, [3, 2]), (7, [3, 3, 1])])
def test_rows_stay_readable(n: int, rows: list[int]) -> None:
    """Three in a row at most."""
    text = side_by_side({f"m{i}": "x" for i in range(n)})
    assert [row.count("<td") for row in text.split("<tr>")[1:]] == rows
