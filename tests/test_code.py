"""Code from answers, and errors taken to a model: judged by the request that left, what was shown, and the cell proposed."""

from __future__ import annotations

import html
import os
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_magics.errors import CutShortError
from glm_magics.magics.completion import complete_line
from glm_magics.redaction import Bars
from glm_magics.testing import FakeGLM

from .test_magics import bundles, run
from .wire import content

TWO = "First:\n\n```python\nimport math\n```\n\nthen\n\n```python\nmath.pi\n```\n"


def proposed(ip) -> str | None:
    """What stands at the next prompt."""
    return getattr(ip, "rl_next_input", None)


def headless(monkeypatch: pytest.MonkeyPatch, ip) -> None:
    """As nbclient runs a notebook: with nobody to type."""
    monkeypatch.setattr(type(ip), "get_parent", lambda self: {"content": {"allow_stdin": False}}, raising=False)


ANSWERS = [
    pytest.param("Here:\n```python\nx = 1\n```\nDone.", "x = 1", "", id="one"),
    pytest.param("```py\nx = 1\n```", "x = 1", "", id="short-name"),
    pytest.param(TWO, "import math\n\nmath.pi", "2 blocks in one cell", id="several"),
    pytest.param("```\nx = 1\n```", "x = 1", "", id="no-language"),
    pytest.param("```\nnot python at all\n```", None, "", id="no-language-no-python"),
    pytest.param("```\nTrue story, no?\n```\n```python\nx\n```", "x", "1 other block is only shown", id="output-beside"),
    pytest.param("```bash\nrm -rf /\n```", None, "", id="bash"),
    pytest.param("```python\n%%bash\nrm -rf /\n```", None, "", id="cell-magic"),
    pytest.param("```python\n%%javascript\n1\n```\n```python\ny\n```", "y", "1 other block is only shown", id="javascript"),
    pytest.param("```python\n!pip install x\n```", "!pip install x", "the code calls other programs", id="shell-line"),
    pytest.param("```python\nimport os\nos.system('x')\n```", "import os\nos.system('x')", "other programs", id="os-system"),
    pytest.param("```python\nx = (1,\n```", "x = (1,", "cannot be read as Python", id="broken"),
    pytest.param("```python\nawait f()\n%time x\n```", "await f()\n%time x", "", id="await-and-magic"),
    pytest.param("```python\n>>> x = 1\n>>> x\n1\n```", "x = 1\nx", "", id="prompts"),
    pytest.param("```python\nx = 1\x1b[2J\u202e # y\n```", "x = 1[2J # y", "", id="controls"),
    pytest.param("- a list\n\n  ```python\n  if x:\n      y\n  ```", "if x:\n    y", "", id="in-a-list"),
    pytest.param("```python\n\n```", None, "", id="empty"),
    pytest.param("No code here.", None, "", id="prose"),
]


@pytest.mark.parametrize(("answer", "code", "note"), ANSWERS)
def test_code_goes_to_the_next_prompt_and_no_further(ip, fake: FakeGLM, answer: str, code: str | None, note: str) -> None:
    """The Python of the answer as one cell, nothing of another language, and none of it is run."""
    fake.reply(answer)
    result = run(ip, "%%glm --as code\nWrite it.")
    assert result.success
    assert proposed(ip) == code
    shown = str(bundles(result))
    assert ("the code is in the next cell, not run" in shown) == (code is not None)
    assert note in shown
    assert not {"math", "x", "os"} & set(ip.user_ns)


@pytest.mark.parametrize("line", ["", "-q --as code", "--as code -q", "--as markdown"])
def test_nothing_is_proposed_where_nobody_asked_for_it(ip, fake: FakeGLM, line: str) -> None:
    """Neither in the usual form nor in a quiet cell."""
    fake.reply(TWO)
    assert run(ip, f"%%glm {line}\nWrite it.").success
    assert proposed(ip) is None


def test_a_cut_answer_is_shown_and_not_proposed(ip, fake: FakeGLM) -> None:
    """Half a program is none."""
    fake.reply("```python\nfor x in", finish_reason="length")
    result = run(ip, "%%glm --as code\nWrite it.")
    assert proposed(ip) is None
    assert "for x in" in str(bundles(result))
    assert "not whole, so nothing is put into a cell" in str(bundles(result))
    fake.frames(content("```python\nx = 1\n"), ConnectionResetError())
    assert type(run(ip, "%%glm --as code\nWrite it.").error) is CutShortError
    assert proposed(ip) is None


def test_where_no_cell_can_be_put_a_button_copies_the_code(ip, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own script, the same for all; the model's text is an attribute, escaped, and comes out of it whole."""
    headless(monkeypatch, ip)
    code = """x = "</button><script>alert(1)</script>"\ny = '&quot;' + "\\n" """.rstrip()
    fake.reply(f"```python\n{code}\n```")
    result = run(ip, "%%glm --as code\nWrite it.")
    assert proposed(ip) is None
    [button] = [bundle["text/html"] for bundle in bundles(result) if "text/html" in bundle]
    assert html.unescape(re.search(r'data-code="([^"]*)"', button)[1]) == code
    assert button.count("<") == 2, "the button and its end"
    fake.reply("```python\nother()\n```")
    [other] = [bundle["text/html"] for bundle in bundles(run(ip, "%glm --as code more")) if "text/html" in bundle]
    assert re.sub(r'data-code="[^"]*"', "", other) == re.sub(r'data-code="[^"]*"', "", button)
    assert "next cell" not in str(bundles(result))


def test_a_front_end_with_a_person_gets_a_cell(ip, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so with each cell that it sends."""
    monkeypatch.setattr(type(ip), "get_parent", lambda self: {"content": {"allow_stdin": True}}, raising=False)
    fake.reply("```python\nx = 1\n```")
    result = run(ip, "%%glm --as code\nWrite it.")
    assert proposed(ip) == "x = 1"
    assert not any("text/html" in bundle for bundle in bundles(result))


# Errors


def fail(ip, cell: str):
    """A cell that fails, with a number, as a notebook runs it."""
    from IPython.utils.capture import capture_output

    with capture_output():
        result = ip.run_cell(cell, store_history=True)
    assert not result.success
    return result


def asked(fake: FakeGLM) -> str:
    """The words of the last question."""
    return fake.bodies[-1]["messages"][-1]["content"]


def mended(code: str) -> str:
    return f"Something was wrong.\n\n```python\n{code}\n```\n"


ERRORS = [
    pytest.param("1 / 0", ["ZeroDivisionError: division by zero", "line 1\n    1 / 0"], id="plain"),
    pytest.param("total = 3\ntotla + 1", ["near the missing one: total", "line 2\n    totla + 1"], id="name"),
    pytest.param("import maths", ["No module named 'maths'", "near the missing one: math"], id="module"),
    pytest.param("from math import squrt", ["near the missing one: sqrt"], id="from-module"),
    pytest.param("import math\nmath.squrt(2)", ["near the missing one: sqrt", "- `math`: module math"], id="attribute"),
    pytest.param("def f(size): ...\nf(sise=1)", ["near the missing one: size", "`f`: function f(size)"], id="keyword"),
    pytest.param("for i in [1]\n    i", ["cell [1], line 1\n    for i in [1]\nSyntaxError: expected ':'"], id="syntax"),
    pytest.param("x = (1,", ["SyntaxError: incomplete input"], id="unclosed"),
    pytest.param("if 1:\nx", ["IndentationError"], id="indentation"),
    pytest.param("%%time\nimport math\nmath.squrt(1)", ["%%time\nimport math", "math.squrt(1)\nAttributeError"], id="in-a-magic"),
    pytest.param("%timeit undefined_name", ["NameError: name 'undefined_name'"], id="in-a-line-magic"),
    pytest.param("%%glm --wrong\nhi", ["OptionError: There is no option `--wrong`.\n```"], id="of-our-own"),
    pytest.param("%no_such_magic", ["UsageError"], id="no-such-magic"),
    pytest.param("import json\njson.loads('{')", ["left out: 3 of python", "JSONDecodeError"], id="in-a-library"),
    pytest.param("def f(n): return f(n - 1) if n else 1 / 0\nf(60)", ["50 more frames of the notebook's own code"], id="deep"),
    pytest.param("try: 1/0\nexcept Exception as e: raise ValueError('v') from e", ["ValueError: v\n(with Zero"], id="chain"),
    pytest.param("raise ExceptionGroup('g', [KeyError('a'), OSError('b')])", ["(with KeyError: 'a')", "OSError: b"], id="group"),
    pytest.param("e = ValueError('v')\ne.add_note('mind it')\nraise e", ["ValueError: v\nmind it"], id="note"),
    pytest.param("raise ValueError('x' * 100_000)", ["(98000 characters left out)"], id="long-message"),
    pytest.param("raise SystemExit(3)", ["SystemExit: 3"], id="exit"),
    pytest.param("x = '''\n```\n'''\n1/0", ["````python\nx = '''\n```"], id="fence-in-the-cell"),
    pytest.param("open('/no/such/file.csv')", ["FileNotFoundError", "/no/such/file.csv"], id="file"),
]


@pytest.mark.parametrize(("cell", "expected"), ERRORS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_error_is_sent_with_its_cell(ip, fake: FakeGLM, cell: str, expected: list[str]) -> None:
    """The whole cell, the user's own frames, the error's words, what is near: one question of text, and nothing else."""
    fail(ip, cell)
    assert run(ip, "%glm_explain").success
    [body] = fake.bodies
    assert set(body) == {"model", "messages", "stream"}
    assert len(body["messages"]) == 1
    assert cell in asked(fake)
    for words in expected:
        assert words in asked(fake)
    assert len(asked(fake)) < 6000
    assert "IPython" not in asked(fake)


SHAPES = [
    pytest.param(
        "import pandas as pd\nv = pd.DataFrame({'who': ['Ada'], 'n': [7777]})", "DataFrame, 1 × 2, columns: who ", id="frame"
    ),
    pytest.param("import polars as pl\nv = pl.DataFrame({'who': ['Ada'], 'n': [7777]})", "who String, n Int64", id="polars"),
    pytest.param("import pandas as pd\nv = pd.Series([7777, 1])", "Series, 2 items, int64", id="series"),
    pytest.param("import numpy as np\nv = np.full((3, 4), 7777.0)", "ndarray, shape (3, 4), float64", id="array"),
    pytest.param("v = ['Ada', 7777]", "list of 2 (str, int)", id="list"),
    pytest.param("v = {'Ada': 7777}", "dict of 1 (str → int)", id="dict"),
    pytest.param("v = 'Ada 7777'", "str of 8 characters", id="text"),
    pytest.param("v = 7777", "int", id="number"),
    pytest.param("class V:\n    who = 'Ada'\n    def __init__(self): self.n = 7777\nv = V()", "V, which has: n, who", id="own"),
    pytest.param("def v(a, *b, who='Ada', n=7777, **c): ...", "function v(a, *b, who=…, n=…, **c)", id="function"),
    pytest.param("class V(dict):\n  def __len__(self): 1/0\n  __repr__ = __len__\nv = V(who='Ada', n=7777)", "V", id="raises"),
]


@pytest.mark.parametrize(("setup", "shape"), SHAPES)
def test_variables_go_as_shapes_and_as_values_only_if_asked(ip, fake: FakeGLM, setup: str, shape: str) -> None:
    """Types, sizes and columns; `--data` adds what they hold."""
    assert run(ip, setup).success
    fail(ip, "v.nothing + other_name")
    assert run(ip, "%glm_explain").success
    assert f"- `v`: {shape}" in asked(fake) or f"columns: {shape}" in asked(fake)
    assert "Ada" not in asked(fake)
    assert "7777" not in asked(fake)
    assert run(ip, "%glm_explain --data").success
    is_data = not setup.startswith("def") and "class V" not in setup
    assert ("7777" in asked(fake)) == is_data
    assert ("`v` now holds" in asked(fake)) == (not setup.startswith("def"))


def test_a_long_value_goes_cut(ip, fake: FakeGLM) -> None:
    """Of each the first 1,500 characters."""
    assert run(ip, "v = 'q' * 9000").success
    fail(ip, "v.nothing")
    assert run(ip, "%glm_explain --data").success
    assert 1_400 < asked(fake).count("q") < 1_600


def test_local_variables_of_a_function_are_the_failing_ones(ip, fake: FakeGLM) -> None:
    """Of the innermost own frame, the failing line alone."""
    fail(ip, "def f(rows):\n    other = 1\n    return (rows +\n        1)\n\nrows = 5\nf(['a', 'b'])")
    assert run(ip, "%glm_explain").success
    assert "- `rows`: list of 2 (str)" in asked(fake)
    assert "other`" not in asked(fake)
    assert "in f\n" in asked(fake)


def test_own_files_are_named_without_this_machines_folders(ip, fake: FakeGLM, tmp_path) -> None:
    """A module beside the notebook by its path from there, the home folder as ~."""
    (tmp_path / "orders.py").write_text("def total(rows):\n    return open(rows)\n")
    ip.user_ns["__folder"] = str(tmp_path)
    fail(ip, "import sys; sys.path.insert(0, '.')\nfrom orders import total\ntotal(__folder + '/no.csv')")
    assert run(ip, "%glm_explain").success
    assert "  orders.py, line 2, in total\n    return open(rows)" in asked(fake)
    assert "'~/no.csv'" in asked(fake)
    assert str(tmp_path) not in asked(fake)


SECRETS = [
    pytest.param("api_key = 'hunter22'", "hunter22", id="assigned"),
    pytest.param('conf = {"password": "hunter22"}', "hunter22", id="in-a-dict"),
    pytest.param("import os\nos.environ['X_TOKEN'] = 'hunter22'", "hunter22", id="environment"),
    pytest.param("%env X_SECRET=hunter22", "hunter22", id="magic"),
    pytest.param("h = {'Authorization': f'Bearer abcdef123456'}", "abcdef123456", id="bearer"),
    pytest.param("url = 'postgres://me:hunter22@host/db'", "hunter22", id="address"),
    pytest.param("x = 'sk-abcdefghijklmnop1234'", "sk-abcdefghijklmnop1234", id="known-shape"),
    pytest.param("x = 'testid.S3cr3tS3cr3t'", "testid.S3cr3tS3cr3t", id="the-key-in-use"),
    pytest.param("x = 'vAlUe-of-a-variable'", "vAlUe-of-a-variable", id="of-the-environment"),
    pytest.param("pem = '''-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----'''", "\nabc\n", id="pem"),
]


@pytest.mark.parametrize(("line", "secret"), SECRETS)
def test_secrets_of_a_cell_stay_here(ip, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch, line: str, secret: str) -> None:
    """Barred in all that leaves and is shown, and back in its place in the cell that is proposed."""
    monkeypatch.setenv("MY_DB_PASSWORD", "vAlUe-of-a-variable")
    fail(ip, f"{line}\n1 / 0")
    fake.reply("wait")
    assert run(ip, "%glm_explain").success
    assert secret not in str(fake.bodies)
    assert "<secret-1>" in asked(fake)
    barred = asked(fake).split("```python\n")[1].split("\n```")[0]
    fake.reply(mended(barred.replace("1 / 0", "1 / 1")))
    result = run(ip, "%glm_fix")
    assert secret not in str(fake.bodies)
    assert secret not in str(bundles(result))
    assert proposed(ip) == f"{line}\n1 / 1"


WORDS = st.sampled_from(
    [
        "api_key",
        " = ",
        ": ",
        '"',
        "'",
        "hunter22",
        "token",
        "Bearer ",
        "://a:",
        "@h",
        "\n",
        "<secret-1",
        "<secret-2>",
        "sk-" + "a" * 20,
    ]
)


@given(st.lists(WORDS, max_size=25).map("".join))
@pytest.mark.filterwarnings("ignore")
def test_what_is_barred_comes_back(text: str) -> None:
    """Whatever the text, if it holds no such marks itself; what is known as secret is never left in it."""
    bars = Bars(["hunter22"])
    barred = bars.bar(text)
    assert "hunter22" not in barred
    if "<secret" not in text:
        assert bars.restore(barred) == text


def test_tab_offers_the_options_after_both_magics() -> None:
    """As after `%glm`."""
    for magic in ("%glm_fix", "%glm_explain"):
        assert "--model" in complete_line(f"{magic} --m", [])
        assert "glm-4.6" in complete_line(f"{magic} -m glm-4.6", [])


def test_a_mended_cell_is_shown_as_changes_and_proposed(ip, fake: FakeGLM) -> None:
    """The diff as plain Markdown, the whole cell at the next prompt, nothing run."""
    fail(ip, "done = 1\nfor i in range(3)\n    print(i)")
    cell = "done = 1\nfor i in range(3):\n    print(i)"
    fake.reply(f"A colon.\n\n```python\nrange(3):\n```\n\nAll of it:\n{mended(cell)}")
    result = run(ip, "%glm_fix")
    assert result.success
    assert proposed(ip) == cell
    last = bundles(result)[-1]
    assert "```diff\n--- cell [1]\n+++ mended\n" in last["text/markdown"]
    assert "\n-for i in range(3)\n+for i in range(3):\n" in last["text/markdown"]
    assert "ready below; nothing was run" in last["text/markdown"]
    assert set(last) == {"text/html", "text/markdown", "text/plain"}
    assert re.sub("<[^>]*>", "", last["text/html"]).startswith("--- cell [1]\n+++ mended\n")
    assert "done" not in ip.user_ns


NOT_MENDED = [
    pytest.param("I cannot.", {}, "There is no mended cell in the answer", id="prose"),
    pytest.param("```bash\nrm -rf /\n```", {}, "There is no mended cell", id="bash"),
    pytest.param(mended("%%bash\nrm -rf /"), {}, "There is no mended cell", id="cell-magic"),
    pytest.param(mended("1 / 0"), {}, "changes nothing in cell [1]", id="the-same"),
    pytest.param("```python\n1 /", {"finish_reason": "length"}, "the answer is not whole", id="cut"),
]


@pytest.mark.parametrize(("answer", "facts", "said"), NOT_MENDED)
def test_where_nothing_is_mended_it_is_said(ip, fake: FakeGLM, answer: str, facts: dict, said: str) -> None:
    """Nothing is proposed then."""
    fail(ip, "1 / 0")
    fake.reply(answer, **facts)
    result = run(ip, "%glm_fix")
    assert said in bundles(result)[-1]["text/plain"]
    assert proposed(ip) is None


def test_changes_are_shown_as_text_whatever_is_in_them(ip, fake: FakeGLM) -> None:
    """Markup of a cell or an answer is escaped; the only tags are ours."""
    fail(ip, "x = '<script>1</script>'\n1 / 0")
    fake.reply(mended("x = '</pre><script>2</script>'\n1 / 1"))
    page = bundles(run(ip, "%glm_fix"))[-1]["text/html"]
    assert set(re.findall(r"<(/?\w+)", page)) == {"pre", "/pre", "span", "/span", "small", "/small"}
    assert "&lt;/pre&gt;&lt;script&gt;2" in page


def test_a_mended_cell_that_is_odd_is_proposed_with_a_word(ip, fake: FakeGLM) -> None:
    """What calls programs or cannot be read; the words of the fault are shown as text."""
    fail(ip, "1 / 0")
    fake.reply(mended("!rm x\n1 +"))
    said = bundles(run(ip, "%glm_fix"))[-1]["text/plain"]
    assert "Mind: the code calls other programs: read it before you run it; the code cannot be read as Python" in said


def test_where_no_cell_can_be_put_the_mended_one_can_be_copied(ip, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook that runs without a person."""
    headless(monkeypatch, ip)
    fail(ip, "1 / 0")
    fake.reply(mended("1 / 1"))
    shown = bundles(run(ip, "%glm_fix"))
    assert "can be copied below; nothing was run" in shown[-2]["text/plain"]
    assert 'data-code="1 / 1"' in shown[-1]["text/html"]


def test_a_number_names_a_cell_and_options_and_words_go_along(ip, fake: FakeGLM) -> None:
    """`%glm_fix 12 …` in any order; what is asked for is seen in the request."""
    fail(ip, "first_name")
    fail(ip, "second_name")
    for line in ("1 -m 4.6 -t off keep it short", "-m 4.6 -t off 1 keep it short", "-m 4.6 -t off -- 1 keep it short"):
        assert run(ip, f"%glm_explain {line}").success
        assert "first_name" in asked(fake)
        assert "second_name" not in asked(fake)
        assert asked(fake).endswith("keep it short")
        assert (fake.bodies[-1]["model"], fake.bodies[-1]["thinking"]) == ("glm-4.6", {"type": "disabled"})
    assert run(ip, "%glm_explain why is that?").success
    assert asked(fake).endswith("why is that?")
    assert "second_name" in asked(fake)
    assert run(ip, "%glm_fix -c mending --into answer").success
    assert run(ip, "%glm -c mending and now?").success
    assert len(fake.bodies[-1]["messages"]) == 3
    assert ip.user_ns["answer"].text == "Hello!"
    n_sent = len(fake.bodies)
    assert "second_name" in str(bundles(run(ip, "%glm_fix --dry-run")))
    assert len(fake.bodies) == n_sent


def test_a_whole_frame_goes_along_if_named(ip, fake: FakeGLM) -> None:
    """`-d` is what it is everywhere."""
    assert run(ip, "import pandas as pd\ndf = pd.DataFrame({'a': [7777]})").success
    fail(ip, "df.b")
    assert run(ip, "%glm_explain -d df --frames text").success
    assert "7777" in str(fake.bodies[-1])


NONE = [
    pytest.param("", "%glm_fix", "No cell has failed yet.", id="nothing"),
    pytest.param("", "%glm_explain 12", "Cell [12] has no error that is known here. No cell has failed", id="no-such"),
    pytest.param("1 / 0", "%glm_fix 12", "is known here. Errors are known of the cells [1].", id="other"),
    pytest.param("1 / 0", "%glm_fix --wrong", "There is no option `--wrong`", id="option"),
    pytest.param("1 / 0\n" + "#" * 50_000, "%glm_fix", "too many to come back whole", id="too-long"),
]


@pytest.mark.parametrize(("cell", "line", "said"), NONE)
def test_what_cannot_be_asked_is_said_in_a_sentence(ip, fake: FakeGLM, monkeypatch, cell: str, line: str, said: str) -> None:
    """And nothing is sent."""
    monkeypatch.delattr("sys.last_value", raising=False)
    if cell:
        fail(ip, cell)
    assert said in str(run(ip, line).error)
    assert fake.bodies == []


def test_a_long_cell_is_explained_cut(ip, fake: FakeGLM) -> None:
    """And that is said in it."""
    fail(ip, "1 / 0\n" + "#" * 50_000)
    assert run(ip, "%glm_explain").success
    assert "10,006 characters left out" in asked(fake)


def test_what_is_no_error_of_a_cell_is_not_remembered(ip, fake: FakeGLM) -> None:
    """■, a quiet success, and an error of the magics themselves."""
    fail(ip, "the_one")
    run(ip, "raise KeyboardInterrupt")
    run(ip, "1 + 1")
    run(ip, "%glm_fix --wrong")
    assert run(ip, "%glm_explain").success
    assert "the_one" in asked(fake)


def test_an_error_from_before_loading_is_known(shell, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python remembers the last one."""
    import glm_magics

    monkeypatch.setenv("ZAI_API_KEY", "a.b")
    fail(shell, "x = 1\nx.nothing")
    shell.run_line_magic("load_ext", "glm_magics")
    glm_magics.current_session().transport = fake
    assert run(shell, "%glm_explain").success
    assert "Cell [1]:\n```python\nx = 1\nx.nothing" in asked(fake)


def test_no_value_is_kept_alive_by_an_error(ip, fake: FakeGLM) -> None:
    """A failing cell's frames are gone when Python lets them go."""
    import gc
    import weakref

    class Big: ...

    ip.user_ns["make"] = lambda: seen.append(weakref.ref(big := Big())) or big
    seen: list = []
    fail(ip, "def f():\n    local = make()\n    return local.nothing\nf()")
    fail(ip, "1 / 0")
    gc.collect()
    assert seen[0]() is None


def test_unloading_takes_the_watch_out(ip) -> None:
    """No trace is left in the shell."""
    before = len(ip.events.callbacks["post_run_cell"])
    ip.run_line_magic("unload_ext", "glm_magics")
    assert len(ip.events.callbacks["post_run_cell"]) == before - 2
    assert "glm_fix" not in ip.magics_manager.magics["line"]


RULES = [
    ("total = 3\ntotla + 1", "total = 3\ntotal + 1"),
    ("math.sqrt(2)", "import math\nmath.sqrt(2)"),
    ("%%time\nmath.sqrt(2)", "%%time\nimport math\nmath.sqrt(2)"),
    ("import jason\njason.dumps(1)", "import json\njason.dumps(1)"),
    ("import math\nmath.squrt(2)", "import math\nmath.sqrt(2)"),
    ("from math import squrt", "from math import sqrt"),
    ("def f(size): ...\nf(sise=1)", "def f(size): ...\nf(size=1)"),
    ("for i in [1]\n    i", "for i in [1]:\n    i"),
    ("x = 1\nprint([x, ')'", "x = 1\nprint([x, ')'])"),
    ("import pandas as pd\npd.DataFrame({'amount': [1]})['amout']", None),
    ("1 / 0", None),
]


def test_the_sandbox_mends_by_rule_and_says_where_none_fits(shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Honest, offline, and through the same magics."""
    monkeypatch.setenv("GLM_SANDBOX_DELAY_S", "0")
    shell.run_line_magic("load_ext", "glm_magics")
    assert run(shell, "%glm_connect sandbox").success
    at_first = set(shell.user_ns)
    for cell, expected in RULES:
        for name in set(shell.user_ns) - at_first:  # as %reset, without its sweep through all memory
            del shell.user_ns[name]
        shell.rl_next_input = None
        fail(shell, cell)
        assert run(shell, "%glm_fix").success
        assert proposed(shell) == expected
        answer = shell.user_ns["_glm"].text
        assert "no language model is behind this answer" in answer
        assert ("none of them fits here" in answer) == (expected is None)
        assert run(shell, "%glm_explain").success
        assert "```" not in shell.user_ns["_glm"].text


def test_in_a_terminal_the_mended_cell_stands_at_the_next_prompt(tmp_path) -> None:
    """IPython itself, at a terminal of its own: shown, not run before Enter is pressed."""
    pexpect = pytest.importorskip("pexpect")
    environment = {**os.environ, "GLM_SANDBOX_DELAY_S": "0", "TERM": "xterm"}
    command = ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=nocolor"]
    terminal = pexpect.spawn(sys.executable, command, env=environment, encoding="utf8", timeout=30, dimensions=(50, 120))
    for n, line in enumerate(("%load_ext glm_magics", "%glm_connect sandbox", "total = 41; totla + 1", "%glm_fix"), 1):
        terminal.expect(rf"In \[{n}\]")
        terminal.send(f"{line}\r")
    terminal.expect(r"\+total = 41; total \+ 1")
    terminal.expect("ready below; nothing was run")
    terminal.expect(r"In \[5\].*total \+ 1")
    assert "42" not in terminal.before
    terminal.send("\r")
    terminal.expect(r"Out\[5\].*42")
    terminal.close(force=True)
