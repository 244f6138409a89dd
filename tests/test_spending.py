"""What calls cost: the line below the answer, the ledger, budgets."""

from __future__ import annotations

import base64
import os
import re
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from IPython.utils.capture import capture_output
from PIL import Image

import glm_magics
from glm_magics.catalog import models
from glm_magics.errors import BudgetError, Interrupted, OptionError
from glm_magics.ledger import CallRecord, Ledger
from glm_magics.money import Cost, add_up
from glm_magics.pricing import find_price
from glm_magics.providers import PROVIDERS, sandbox_provider, server_provider
from glm_magics.testing import FakeGLM, sse_frame
from glm_magics.tokenusage import Usage

from .conftest import KEY
from .test_magics import bundles, displayed, run
from .wire import content, press_stop

USAGE = {
    "prompt_tokens": 10_000,
    "completion_tokens": 1_000,
    "total_tokens": 11_000,
    "prompt_tokens_details": {"cached_tokens": 4_000},
    "completion_tokens_details": {"reasoning_tokens": 700},
}


def ledger() -> Ledger:
    return glm_magics.current_session().books.ledger


def shown(result) -> str:
    return " ".join(str(bundle) for bundle in bundles(result))


# Prices


@pytest.mark.parametrize("row", [row for row in models().values() if row.can_chat], ids=lambda row: row.id)
def test_every_price_of_the_catalogue_counts(row) -> None:
    """On the platform whose currency it is in, and nowhere else."""
    usage = Usage(1_000_000, 1_000_000, 2_000_000)
    for name, currency in (("zai", "USD"), ("bigmodel", "CNY"), ("coding", "")):
        price = find_price(row.id, PROVIDERS[name])
        if not row.price or row.price["currency"] != currency:
            assert price is None
        else:
            assert price is not None
            assert price.cost_of(usage) == Cost(pytest.approx(row.price["input"] + row.price["output"]), currency)


@pytest.mark.parametrize(
    ("usage", "amount"),
    [
        pytest.param(Usage(10_000, 1_000, 11_000, 4_000, 700), 6_000 * 0.6e-6 + 4_000 * 0.11e-6 + 1_000 * 2.2e-6, id="cached"),
        pytest.param(Usage(100, 0, 100, 500), 100 * 0.11e-6, id="more-cached-than-sent"),
        pytest.param(Usage(), 0.0, id="nothing"),
    ],
)
def test_cached_tokens_have_a_price_of_their_own(usage: Usage, amount: float) -> None:
    """Thinking is part of what was written."""
    price = find_price("glm-4.7", PROVIDERS["zai"])
    assert price is not None
    assert price.cost_of(usage).amount == pytest.approx(amount)


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        pytest.param(Cost(0.00316, "USD"), "$0.0032", id="dollars"),
        pytest.param(Cost(1234.5, "CNY"), "¥1,234.50", id="much"),
        pytest.param(Cost(0.00001, "USD"), "under $0.0001", id="little"),
        pytest.param(Cost(0.0, "USD"), "free", id="free"),
        pytest.param(Cost(0.5, "EUR", True), "about EUR 0.5000", id="estimate"),
    ],
)
def test_amounts_in_words(cost: Cost, words: str) -> None:
    """With sign and currency; currencies are never added."""
    assert str(cost) == words
    assert add_up([cost, Cost(1.0, "XXX"), cost]) == {cost.currency: 2 * cost.amount, "XXX": 1.0}


# The line below


def test_the_line_below_tells_the_cost(ip, fake: FakeGLM) -> None:
    """In the platform's currency; the saved notebook has it too; unknown is said; a server of one's own has none."""
    fake.reply("hi", usage=USAGE)
    result = run(ip, "%%glm\nhi")
    assert " · $0.0062" in bundles(result)[-1]["text/markdown"].replace("<span>&#36;</span>", "$")
    assert ip.user_ns["_glm"].cost == Cost(pytest.approx(0.00624), "USD")
    metadata = result.shown.outputs[-1].metadata["glm"]
    assert metadata["cost"] == {"amount": pytest.approx(0.00624), "currency": "USD"}
    assert "price not known" in shown(run(ip, "%%glm glm-5.3\nhi"))
    assert ip.user_ns["_glm"].cost is None
    run(ip, "%glm_connect http://gpu:8000")
    text = shown(run(ip, "%%glm m\nhi"))
    assert "price" not in text
    assert "&#36;" not in text


def test_a_stopped_answer_costs_about_something(ip, fake: FakeGLM) -> None:
    """The server sent no count: tokens are estimated, and both the line and the ledger say so."""
    over = threading.Event()
    fake.frames(content("word " * 2000), lambda: threading.Timer(0.05, press_stop).start(), lambda: over.wait(20))
    result = run(ip, "%%glm\nhi")
    over.set()
    assert type(result.error) is Interrupted
    cost = ip.user_ns["_glm"].cost
    assert cost.is_estimate
    assert cost.amount == pytest.approx(2000 * 2.2e-6, rel=0.1)
    assert "about" in bundles(result)[-1]["text/markdown"]
    [call] = ledger().read("all")
    assert (call.is_estimate, call.ending) == (True, "stopped")
    assert call.completion_tokens == pytest.approx(2000, rel=0.1)


def ask_with_a_call(fake: FakeGLM) -> None:
    calls = [{"id": "c", "index": 0, "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    fake.reply("", tool_calls=calls, finish_reason="tool_calls", usage=USAGE)


def ask_past_a_schema(fake: FakeGLM) -> None:
    fake.reply("not yet", usage=USAGE)


@pytest.mark.parametrize("begin", [ask_with_a_call, ask_past_a_schema])
def test_a_reply_counts_all_answers_that_it_took(ip, fake: FakeGLM, begin) -> None:
    """The line below the last tells the sum, too; the ledger has a row for each, the chat what its last answer read."""
    ip.user_ns["look"] = lambda: "nothing"
    begin(fake)
    fake.reply('{"a": 1}', usage=USAGE)
    option = "--tools look --yes" if begin is ask_with_a_call else '--schema "a int"'
    result = run(ip, f"%%glm -c work {option}\nhi")
    assert result.success
    reply = ip.user_ns["_glm"]
    assert reply.usage == Usage(20_000, 2_000, 22_000, 8_000, 1_400)
    assert reply.cost == Cost(pytest.approx(2 * 0.00624), "USD")
    assert "all 2 answers: 20 000 (8 000 cached)" in bundles(result)[-1]["text/markdown"]
    assert shown(result).count("all 2 answers") == 1
    assert [call.prompt_tokens for call in ledger().read("all")] == [10_000, 10_000]
    assert glm_magics.chats()["work"].n_tokens == 10_300


# The ledger


def test_every_call_is_in_the_ledger_without_a_word(ip, fake: FakeGLM, tmp_path: Path) -> None:
    """One row each, from cells and from Python, retries for a schema too; nothing of what was said; failures have none."""
    fake.reply("The SECRETANSWER.", usage=USAGE)
    run(ip, "%%glm -s SECRETSYSTEM\nSECRETQUESTION")
    fake.reply("{}", usage=USAGE)
    fake.reply('{"SECRETFIELD": "x"}', usage=USAGE)
    run(ip, '%%glm --schema "SECRETFIELD str" -c talk\nhi')
    fake.error(401, {"error": {"code": "1002", "message": "SECRETERROR"}})
    run(ip, "%%glm\nhi")
    calls = ledger().read("all")
    assert [call.model for call in calls] == ["glm-4.7"] * 3
    first = calls[0]
    assert (first.provider, first.prompt_tokens, first.cached_tokens, first.completion_tokens, first.thinking_tokens) == (
        "zai",
        10_000,
        4_000,
        1_000,
        700,
    )
    assert (first.cost, first.currency, first.ending) == (pytest.approx(0.00624), "USD", "complete")
    assert [call.chat for call in calls] == ["", "talk", "talk"]
    assert abs(datetime.fromisoformat(first.at) - datetime.now().astimezone()) < timedelta(minutes=1)
    stored = b"".join(path.read_bytes() for path in ledger().path.parent.iterdir())
    assert b"SECRET" not in stored
    assert KEY.encode() not in stored


def test_the_ledger_can_be_left_out_and_moved(ip, fake: FakeGLM, tmp_path: Path) -> None:
    """%config GLM.ledger and GLM.folder."""
    run(ip, "%config GLM.ledger = False")
    assert run(ip, "%%glm\nhi").success
    assert not ledger().path.exists()
    run(ip, f"%config GLM.ledger = True\n%config GLM.folder = {str(tmp_path / 'mine')!r}")
    assert run(ip, "%%glm\nhi").success
    assert len(Ledger(tmp_path / "mine" / "ledger.sqlite").read("all")) == 1


@pytest.mark.parametrize("fault", ["folder-is-a-file", "no-database"])
def test_a_ledger_that_cannot_be_written_costs_no_answer(ip, fake: FakeGLM, tmp_path: Path, fault: str) -> None:
    """A note, once; the answer is there."""
    folder = tmp_path / "books"
    if fault == "folder-is-a-file":
        folder.write_text("x")
    else:
        folder.mkdir()
        (folder / "ledger.sqlite").write_bytes(b"garbage " * 1000)
    run(ip, f"%config GLM.folder = {str(folder)!r}")
    first, second = run(ip, "%%glm\nhi"), run(ip, "%%glm\nhi")
    assert first.success
    assert "ledger of calls cannot be used" in shown(first)
    assert "ledger" not in shown(second)
    assert ip.user_ns["_glm"].text == "Hello!"
    result = run(ip, "%glm_usage")
    if fault == "no-database":
        assert "cannot be used" in str(result.error)
        assert "Traceback" not in result.shown.stdout


def test_kernels_share_the_ledger(tmp_path: Path) -> None:
    """Four processes at once, fifty calls each: none is lost."""
    program = (
        "import sys; from pathlib import Path; from glm_magics.ledger import *\n"
        "record = CallRecord('2026-01-01T00:00:00+00:00', sys.argv[2], '', 1, 'zai', 'm')\n"
        "for _ in range(50): Ledger(Path(sys.argv[1])).add(record)"
    )
    path = tmp_path / "deep" / "er" / "ledger.sqlite"
    commands = [[sys.executable, "-c", program, str(path), str(n)] for n in range(4)]
    environment = {**os.environ, "PYTHONPATH": str(Path(glm_magics.__file__).parents[1])}
    running = [subprocess.Popen(command, env=environment) for command in commands]
    assert [process.wait(60) for process in running] == [0] * 4
    assert len(Ledger(path).read("all")) == 200


def test_a_file_that_another_kernel_is_making_is_waited_for(tmp_path: Path) -> None:
    """The moment in which two make the same new file; SQLite itself does not wait there."""
    path = tmp_path / "ledger.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
    Ledger(path).add(CallRecord("2026-01-01T00:00:00+00:00", "a", "", 1, "zai", "m"))
    other.close()
    assert len(Ledger(path).read("all")) == 1


def test_spans(tmp_path: Path) -> None:
    """This cell, this notebook with its earlier kernels, today, this month."""
    now = datetime(2026, 5, 15, 12).astimezone()
    book = Ledger(tmp_path / "ledger.sqlite")
    assert book.read("all") == []
    rows = [
        (now - timedelta(days=40), "old", "/n.ipynb", 9),
        (now - timedelta(days=5), "old", "/n.ipynb", 9),
        (now - timedelta(hours=1), "other", "/m.ipynb", 3),
        (now - timedelta(minutes=3), "mine", "/n.ipynb", 3),
        (now - timedelta(minutes=2), "mine", "/n.ipynb", 4),
        (now - timedelta(minutes=1), "mine", "/n.ipynb", 4),
    ]
    for at, session, notebook, cell in rows:
        book.add(CallRecord(at.isoformat(), session, notebook, cell, "zai", "m"))
    counts = {span: len(book.read(span, "mine", "/n.ipynb", now)) for span in ("cell", "notebook", "today", "month", "all")}
    assert counts == {"cell": 2, "notebook": 5, "today": 4, "month": 5, "all": 6}
    assert len(book.read("notebook", "mine", "", now)) == 3
    assert book.read("cell", "nobody", "", now) == []


def test_usage_is_a_table_a_frame_and_a_plot(ip, fake: FakeGLM) -> None:
    """By model, with a sum; what has no price is said."""
    assert displayed(ip, run(ip, "%glm_usage").result) is not None
    fake.reply("hi", usage=USAGE)
    ip.run_cell("%%glm -q\nhi", store_history=True)
    ip.run_cell("%%glm -q glm-5.3\nhi", store_history=True)
    result = run(ip, "%glm_usage today")
    spending = result.result
    assert spending.costs == {"USD": pytest.approx(0.00624)}
    frame = spending.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["model"]) == ["glm-4.7", "glm-5.3"]
    assert frame["cost"].isna().tolist() == [False, True]
    assert frame["prompt_tokens"].sum() == 20_000
    assert str(frame.index.dtype).startswith("datetime64")
    outputs = bundles(run(ip, "from IPython.display import display\ndisplay(_)"))
    assert "| glm-4.7 | 1 | 10,000 | 4,000 | 1,000 | 700 | \\$0.0062 |" in outputs[0]["text/markdown"]
    assert "1 without a price" in outputs[0]["text/markdown"]
    assert base64.b64decode(outputs[1]["image/png"]).startswith(b"\x89PNG")
    assert "together" in repr(spending)
    for span in ("cell", "notebook", "month", "all"):
        assert run(ip, f"%glm_usage {span}").result.plot().axes
    assert len(run(ip, "%glm_usage cell").result.calls) == 1


def test_a_terminal_is_told_of_no_plot(ip, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can show none; the table is there, and `.plot()` for a file."""

    class TerminalInteractiveShell:
        """As IPython's own, which needs a terminal."""

    fake.reply("hi", usage=USAGE)
    run(ip, "%%glm -q\nhi")
    spending = run(ip, "%glm_usage").result
    monkeypatch.setattr("IPython.get_ipython", TerminalInteractiveShell)
    with capture_output() as shown:
        spending._ipython_display_()
    assert [list(output.data) for output in shown.outputs] == [["text/plain", "text/markdown"]]


@pytest.mark.parametrize(
    ("line", "said"), [("yesterday", "no span `yesterday`"), ("today all", "`all` is not understood")], ids=["unknown", "two"]
)
def test_wrong_spans_get_a_sentence(ip, line: str, said: str) -> None:
    """With what there is."""
    result = run(ip, f"%glm_usage {line}")
    assert type(result.error) is OptionError
    assert said in str(result.error)


def test_python_has_the_same_words(ip, fake: FakeGLM) -> None:
    """`glm.usage` and `glm.chats` are what the magics show."""
    fake.reply("hi", usage=USAGE)
    glm_magics.ask("hi", quiet=True, chat="talk")
    assert glm_magics.usage().costs == {"USD": pytest.approx(0.00624)}
    assert list(glm_magics.chats()) == ["talk"]
    with pytest.raises(OptionError, match="`today`"):
        glm_magics.usage("todya")


def test_an_empty_ledger_shows_itself(ip) -> None:
    """No table, no plot, no error."""
    result = run(ip, "%glm_usage all")
    assert result.success
    assert "0 calls" in repr(result.result)
    assert result.result.to_frame().empty


# Budgets


def test_a_question_over_the_budget_is_not_sent(ip, fake: FakeGLM) -> None:
    """Text, and pictures, are estimated before."""
    ip.user_ns |= {"long": "word " * 100_000, "photo": Image.new("RGB", (1200, 900))}
    result = run(ip, "%%glm --budget 0.05\n{long}")
    assert type(result.error) is BudgetError
    assert "would cost about $0.06" in str(result.error)
    assert "--budget is $0.0500" in str(result.error)
    assert type(run(ip, "%%glm 4.6v --budget 0.0001\nwhat? {photo}").error) is BudgetError
    assert type(run(ip, "%%glm --budget 0\nhi").error) is BudgetError
    assert fake.requests == []
    assert run(ip, "%%glm glm-4.5-flash --budget 0\nhi").success  # free


@pytest.mark.parametrize(
    ("line", "row"),
    [
        pytest.param(f"-s '{'word ' * 3000}'", "system prompt", id="system-prompt"),
        pytest.param(f"--schema 'note: {'word ' * 3000}'", "system prompt", id="schema-in-words"),
        pytest.param("--tools wordy", "functions and form", id="functions"),
    ],
)
def test_all_that_leaves_is_estimated(ip, fake: FakeGLM, line: str, row: str) -> None:
    """Not the user's words alone: by the budget before anything is sent, and in a dry run, which costs nothing."""

    def wordy() -> None: ...

    wordy.__doc__ = "word " * 400
    ip.user_ns["wordy"] = wordy
    result = run(ip, f"%%glm {line} --budget 0.0001\nhi")
    assert "The question alone would cost about" in str(result.error)
    shown = bundles(run(ip, f"%%glm {line} --budget 0.0001 --dry-run\nhi"))[0]["text/plain"]
    assert re.search(rf"^{row} · text · \d", shown, re.MULTILINE)
    about = re.search(r"about \$([\d.]+)", shown)
    assert about is not None
    assert float(about[1]) > 0.0001
    assert fake.requests == []


def test_a_finished_answer_is_no_more_stopped(ip, fake: FakeGLM) -> None:
    """What is paid for already is given whole, however much it was."""
    fake.frames(content("word " * 3000, finish_reason="stop"), lambda: threading.Event().wait(0.3), content(""))
    assert run(ip, "%%glm --budget 0.001\nhi").success
    assert ip.user_ns["_glm"].is_complete


def test_an_answer_over_the_budget_is_stopped_and_kept(ip, fake: FakeGLM) -> None:
    """In the middle of the stream; the connection is closed, what came is in the cell and in _glm."""
    over = threading.Event()
    fake.frames(*[content("word " * 100)] * 10, lambda: over.wait(20), content("never"))
    result = run(ip, "%%glm --budget 0.001 -c talk\nhi")
    over.set()
    assert type(result.error) is BudgetError
    assert "The answer was stopped at about $0.00" in str(result.error)
    reply = ip.user_ns["_glm"]
    assert reply.ending == "over budget"
    assert reply.text.startswith("word word")
    assert "never" not in reply.text
    assert reply.cost.is_estimate
    assert "over budget" in bundles(result)[-1]["text/markdown"]
    assert ledger().read("all")[0].ending == "over budget"
    assert glm_magics.current_session().chats["talk"].turns[0].ending == "over budget"


def test_thinking_counts(ip, fake: FakeGLM) -> None:
    """It is paid for like the answer."""
    over = threading.Event()
    thought = {"id": "i", "choices": [{"index": 0, "delta": {"reasoning_content": "word " * 2000}}]}
    fake.frames(sse_frame(thought), lambda: over.wait(20))
    result = run(ip, "%%glm --budget 0.001\nhi")
    over.set()
    assert type(result.error) is BudgetError
    assert ip.user_ns["_glm"].thinking.startswith("word")


def test_the_arguments_of_a_call_count(ip, fake: FakeGLM) -> None:
    """They are paid for like words: an object that a vision model gives by a forced call, in pieces."""
    over = threading.Event()
    names = ({"name": "give_answer", "arguments": '{"note": "'}, *[{"arguments": "word " * 1000}] * 9)
    deltas = [{"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": piece}]} for piece in names]
    fake.frames(*(sse_frame({"id": "i", "choices": [{"index": 0, "delta": delta}]}) for delta in deltas), lambda: over.wait(20))
    result = run(ip, "%%glm 4.6v --schema 'note str, n int' --budget 0.005\nhi")
    over.set()
    assert type(result.error) is BudgetError
    assert "stopped at about" in str(result.error)
    assert "word word" in ip.user_ns["_glm"].tool_calls[0]["function"]["arguments"]


def test_an_answer_in_one_piece_is_capped_by_the_server(ip, fake: FakeGLM) -> None:
    """Nobody can stop it midway, so its tokens are limited beforehand."""
    run(ip, "%%glm -n --budget 0.0022\nhi")
    run(ip, "%%glm -n --budget 0.0022 --max-tokens 5\nhi")
    run(ip, "%%glm -n --budget 0.0022 --max-tokens 5000\nhi")
    capped, chosen, lowered = fake.bodies
    assert 990 < capped["max_tokens"] <= 1000
    assert chosen["max_tokens"] == 5
    assert lowered["max_tokens"] == capped["max_tokens"]


def test_all_tries_of_a_cell_share_its_budget(ip, fake: FakeGLM) -> None:
    """A schema that is missed again and again stops where the money ends."""
    fake.reply("no", usage={**USAGE, "prompt_tokens_details": {}})
    result = run(ip, '%%glm --schema "a int" --retries 9 --budget 0.01\nhi')
    assert type(result.error) is BudgetError
    assert len(fake.requests) == 1
    assert "of the $0.0100 of --budget" in str(result.error)
    assert ip.user_ns["_glm"].text == "no"


def test_the_ceiling_of_the_session(ip, fake: FakeGLM) -> None:
    """Counts over cells; the smaller of it and --budget holds."""
    run(ip, "%config GLM.session_budget = 0.01")
    fake.reply("hi", usage=USAGE)
    assert run(ip, "%%glm\nhi").success
    assert run(ip, "%%glm\nhi").success
    result = run(ip, "%%glm --budget 5\nhi")
    assert type(result.error) is BudgetError
    assert "%config GLM.session_budget" in str(result.error)
    assert len(fake.requests) == 2
    run(ip, "%config GLM.session_budget = 0")
    assert run(ip, "%%glm\nhi").success


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        pytest.param("%%glm glm-5.3 --budget 1\nhi", "zai has no known price for glm-5.3", id="model-without-a-price"),
        pytest.param("%%glm glm-9! --budget 1\nhi", "no known price for glm-9", id="model-of-tomorrow"),
        pytest.param("%%glm --budget much\nhi", "needs a number", id="word"),
        pytest.param("%%glm --budget -1\nhi", "0 to 1e+06", id="negative"),
        pytest.param("%%glm --budget nan\nhi", "out of range", id="nan"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(ip, fake: FakeGLM, cell: str, said: str) -> None:
    """Rather than not kept."""
    result = run(ip, cell)
    assert type(result.error) is OptionError
    assert said in str(result.error)
    assert fake.requests == []


def test_what_is_free_has_no_budget(ip, fake: FakeGLM, glm_sandbox) -> None:
    """A server of one's own, and the sandbox."""
    run(ip, "%glm_connect http://gpu:8000")
    assert run(ip, "%%glm m --budget 0\nhi").success
    for provider in (sandbox_provider("http://127.0.0.1:1"), server_provider("http://gpu:8000")):
        assert provider.is_free
    assert not any(provider.is_free for provider in PROVIDERS.values())
