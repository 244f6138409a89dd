"""Code from answers, and errors taken to a model: judged by the request that left, what was shown, and the cell proposed."""

from __future__ import annotations

import html
import re

import pytest

from glm_magics.errors import CutShortError
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
    pytest.param(
        "```python\nimport os\nos.system('x')\n```", "import os\nos.system('x')", "other programs", id="os-system"
    ),
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
