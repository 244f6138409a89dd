"""Recordings: the same outputs with no key and no network, a file for people, and what differs when nothing fits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import glm_magics
from glm_magics.errors import AuthenticationError, BudgetError, NoProviderError, OptionError, ReplayError
from glm_magics.options import Options
from glm_magics.session import Session
from glm_magics.tapes import Event, ask, join_events, read_tapes
from glm_magics.tapestore import TapeFile
from glm_magics.testing import FakeGLM

from .conftest import KEY
from .test_magics import bundles, run
from .wire import coded, content, press_stop

FILE = Path("glm-replay.jsonl")
ROOT = Path(__file__).resolve().parents[1]


def refuse(received: Any) -> Any:
    raise AssertionError("something was sent")


@pytest.fixture
def offline(ip, fake: FakeGLM, monkeypatch):
    """No key, nobody to ask, as after Restart."""

    def go() -> None:
        monkeypatch.delenv("ZAI_API_KEY")
        ip.run_line_magic("reload_ext", "glm_magics")
        silent = FakeGLM()
        silent._script.append(refuse)
        glm_magics.current_session().transport = silent

    return go


def footer_of(result) -> str:
    return str(bundles(result)[-1]["text/markdown"]).rpartition("<small>")[2]


# Recording and replaying


CELLS = {
    "plain": "%%glm\nWhat is 2 + 2?",
    "options": "%%glm 4.6 -t off --temperature 0.2 --stop END\nhi",
    "whole": "%%glm --no-stream\nhi",
    "chat": "%%glm -c talk\nhi",
    "picture": "%%glm\nwhat is {photo}?",
    "text": "%%glm --as text\nhi",
    "one line": "%glm what is 2 + 2 ?",
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_replay_looks_the_same(ip, fake: FakeGLM, offline, cell: str) -> None:
    """Text, thinking, ids, times, tokens and cost: after a restart without a key; a single output, in its last state."""
    photo = Image.effect_noise((64, 48), 80)
    fake.reply("**Four.**\n\nIt is.", thinking="2 + 2 is")
    ip.user_ns["photo"] = photo
    run(ip, "%glm_replay record")
    recorded = run(ip, CELLS[cell])
    first = ip.user_ns["_glm"]
    offline()
    run(ip, "%glm_replay replay")
    replayed = run(ip, CELLS[cell])
    assert replayed.success
    again = ip.user_ns["_glm"]
    for name in ("text", "thinking", "raw_text", "model", "usage", "finish_reason", "request_id", "elapsed_s", "first_token_s"):
        assert getattr(again, name) == getattr(first, name), name
    assert again.cost == first.cost
    assert bundles(replayed)[-1] == bundles(recorded)[-1]
    assert "on record" in footer_of(replayed)
    assert len(bundles(replayed)) == (3 if cell == "text" else 1)


def test_replayed_outputs_are_the_recorded_ones_in_their_last_state(ip, fake: FakeGLM, offline, monkeypatch) -> None:
    """A long answer of several outputs: the same outputs with the same metadata, each published once."""
    fake.reply("\n\n".join(f"Paragraph {n}. " + "word " * 80 for n in range(30)), thinking="thought " * 400)
    published: list[tuple[Any, Any, str]] = []

    def watch(ip) -> dict[str, Any]:
        states: dict[str, Any] = {}
        published.clear()

        def publish(data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False, **_: Any) -> None:
            published.append((data, metadata, transient["display_id"]))
            states[transient["display_id"]] = (data, metadata)

        ip.display_pub.publish = publish
        return states

    run(ip, "%glm_replay record")
    recorded = watch(ip)
    ip.run_cell("%%glm\nhi")
    assert len(recorded) > 3
    del ip.display_pub.publish
    offline()
    run(ip, "%glm_replay replay")
    replayed = watch(ip)
    ip.run_cell("%%glm\nhi")
    assert list(replayed.values()) == list(recorded.values())
    assert len(published) == len(recorded)


def test_a_schema_that_was_missed_first_replays_both_answers(ip, fake: FakeGLM, offline) -> None:
    """Each try is a recording."""
    fake.reply("nonsense")
    fake.reply('{"age": 4}')
    run(ip, "%glm_replay record")
    run(ip, '%%glm --schema "age int" --into person\nhi')
    offline()
    run(ip, "%glm_replay replay")
    assert run(ip, '%%glm --schema "age int" --into person\nhi').success
    assert ip.user_ns["_glm"].plain == {"age": 4}
    assert len(read_tapes(FILE.read_text(), "f")) == 2


def test_jobs_and_comparisons_replay_too(ip, fake: FakeGLM, offline) -> None:
    """At the same edge."""
    run(ip, "%glm_replay record")
    run(ip, "%%glm &\nhi")
    first = ip.user_ns["_glm"].wait(10)
    run(ip, "%%glm -m glm-4.7,glm-4.6\nhi")
    offline()
    run(ip, "%glm_replay replay")
    run(ip, "%%glm &\nhi")
    again = ip.user_ns["_glm"].wait(10)
    assert (again.text, again.elapsed_s) == (first.text, first.elapsed_s)
    assert run(ip, "%%glm -m glm-4.7,glm-4.6\nhi").success


def test_what_is_on_record_is_not_asked_again(ip, fake: FakeGLM) -> None:
    """`record` asks the new alone; `refresh` everything once; `off` always; --cache for one cell."""
    run(ip, "%glm_replay record")
    run(ip, "%%glm\none")
    run(ip, "%%glm\none")
    run(ip, "%%glm\ntwo")
    assert len(fake.requests) == 2
    fake.reply("New.")
    run(ip, "%glm_replay refresh")
    run(ip, "%%glm\none")
    run(ip, "%%glm\none")
    assert (len(fake.requests), ip.user_ns["_glm"].text) == (3, "New.")
    run(ip, "%glm_replay off")
    run(ip, "%%glm\none")
    assert len(fake.requests) == 4
    assert "on record" not in footer_of(run(ip, "%%glm\none"))
    run(ip, "%%glm --cache\none")
    assert (len(fake.requests), ip.user_ns["_glm"].text) == (5, "New.")
    run(ip, "%%glm --cache\nthree")
    assert "on record" in footer_of(run(ip, "%%glm --cache\nthree"))
    assert len(fake.requests) == 6


def test_a_replay_costs_nothing(ip, fake: FakeGLM) -> None:
    """Not in the ledger, not in the session's budget; the line shows what it cost once."""
    run(ip, "%glm_replay record")
    run(ip, "%%glm\none")
    run(ip, "%%glm\none")
    assert len(glm_magics.usage("notebook").calls) == 1
    assert ip.user_ns["_glm"].cost.amount > 0
    status = repr(run(ip, "%glm_replay").result)
    assert "came from it and cost nothing: 1; that were recorded: 1." in status
    assert "recordings: 1." in status


def test_a_stopped_cut_or_refused_answer_is_not_kept(ip, fake: FakeGLM) -> None:
    """What depends on the moment is no record; what depends on the request alone is."""
    never = threading.Event()
    run(ip, "%glm_replay record")
    fake.frames(content("Half"))
    run(ip, "%%glm\none")
    fake.frames(content("Begun"), lambda: threading.Timer(0.05, press_stop).start(), lambda: never.wait(20))
    run(ip, "%%glm\none")
    never.set()
    fake.error(401, coded("1002"))
    assert type(run(ip, "%%glm\none").error) is AuthenticationError
    assert not FILE.exists()
    fake.error(400, coded("1214"))
    first = run(ip, "%%glm\none").error
    n_asked = len(fake.requests)
    again = run(ip, "%%glm\none").error
    assert (type(again), str(again)) == (type(first), str(first))
    assert len(fake.requests) == n_asked


def test_a_try_that_failed_before_is_not_part_of_the_record(ip, fake: FakeGLM) -> None:
    """The answer after a 429 is."""
    fake.error(429, coded("1302"))
    fake.reply("Four.")
    run(ip, "%glm_replay record")
    run(ip, "%%glm\none")
    (tape,) = read_tapes(FILE.read_text(), "f").values()
    assert tape.status == 200


def test_a_file_that_cannot_be_written_costs_no_answer(ip, fake: FakeGLM) -> None:
    """The line says so."""
    Path("no-folder").write_text("")
    run(ip, "%glm_replay record")
    glm_magics.current_session().replays.deck.file.path = Path("no-folder/x.jsonl")
    glm_magics.current_session().replays.deck.file.read = dict  # type: ignore[method-assign]
    result = run(ip, "%%glm\none")
    assert ip.user_ns["_glm"].text == "Hello!"
    assert "not recorded: The recordings cannot be written" in footer_of(result)


def test_timing_on_request(ip, fake: FakeGLM, offline) -> None:
    """As slowly as it came; else at once."""
    fake.frames(content("One "), lambda: threading.Event().wait(0.4), content("two.", finish_reason="stop"), b"data: [DONE]\n\n")
    run(ip, "%glm_replay record")
    run(ip, "%%glm\nhi")
    offline()
    run(ip, "%glm_replay replay --timed")
    result = run(ip, "%%glm\nhi")
    assert any("One" in str(bundle) and "two." not in str(bundle) for bundle in bundles(result))
    assert ip.user_ns["_glm"].elapsed_s >= 0.4


# A miss


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        pytest.param("%%glm\nthe blue cups", "messages[0].content: recorded “the red cups”, now “the blue cups”", id="words"),
        pytest.param("%%glm 4.6\nthe red cups", "model: recorded “glm-4.7”, now “glm-4.6”", id="model"),
        pytest.param("%%glm --temperature 0.5\nthe red cups", "temperature: recorded nothing, now 0.5", id="more"),
        pytest.param("%%glm -n\nthe red cups", "stream: recorded true, now false", id="stream"),
        pytest.param("%%glm --schema 'a, b' --temperature 0 --top-p 1 --max-tokens 9 -t on\n?", "; 1 more.", id="very-much"),
        pytest.param("%%glm\n" + "x y " * 1000, "recorded “the red cups”, now “x y x y", id="long"),
    ],
)
def test_a_miss_says_what_differs(ip, fake: FakeGLM, offline, cell: str, said: str) -> None:
    """From the nearest recording, field by field, in one sentence; nothing is sent."""
    run(ip, "%glm_replay record")
    run(ip, "%%glm\nthe red cups")
    run(ip, "%%glm -s system\nquite another thing altogether")
    offline()
    run(ip, "%glm_replay replay")
    error = run(ip, cell).error
    assert type(error) is ReplayError
    assert said in str(error)
    assert len(str(error)) < 700


def test_a_picture_that_changed_is_told_by_its_hash(ip, fake: FakeGLM, offline) -> None:
    """Neither its bytes nor its base64 are in the file."""
    run(ip, "%glm_replay record")
    ip.user_ns["photo"] = Image.effect_noise((64, 48), 80)
    run(ip, "%%glm\nwhat is {photo}?")
    assert FILE.stat().st_size < 6000
    assert "sha256:" in FILE.read_text()
    offline()
    run(ip, "%glm_replay replay")
    ip.user_ns["photo"] = Image.effect_noise((64, 48), 20)
    error = run(ip, "%%glm\nwhat is {photo}?").error
    assert "image_url.url: recorded “" in str(error)
    assert "sha256:" in str(error)


def test_record_without_a_key_says_the_same(ip, fake: FakeGLM, offline) -> None:
    """What is on record comes, the rest cannot be asked."""
    run(ip, "%glm_replay record")
    run(ip, "%%glm\none")
    offline()
    run(ip, "%glm_replay record")
    assert run(ip, "%%glm\none").success
    assert type(run(ip, "%%glm\ntwo").error) is ReplayError


def test_another_provider_is_another_recording(ip, fake: FakeGLM, monkeypatch) -> None:
    """The same body means other things elsewhere."""
    run(ip, "%glm_replay record")
    run(ip, "%%glm\none")
    monkeypatch.setenv("ZHIPUAI_API_KEY", "other.key")
    run(ip, "%glm_replay replay")
    run(ip, "%glm_connect bigmodel")
    assert "provider: recorded “zai POST /chat/completions”, now “bigmodel POST" in str(run(ip, "%%glm\none").error)


def test_the_sandbox_is_not_started_for_a_replay(session: Session, fake: FakeGLM) -> None:
    """Nor any of its packages needed."""
    with session.sandbox:
        session.connect("sandbox")
        session.replay("record")
        session.ask(["hi"], Options())
    session.close()
    fresh = Session(transport=FakeGLM(), environment={})
    fresh.replay("replay")
    fresh.connect("sandbox")
    assert fresh.ask(["hi"], Options()).text == "Hello!"
    assert fresh._sandbox is None


def test_nothing_on_record_and_nobody_to_ask(ip, fake: FakeGLM, offline) -> None:
    """Two ways of it."""
    offline()
    run(ip, "%glm_replay replay")
    assert type(run(ip, "%%glm\none").error) is NoProviderError
    run(ip, "%glm_connect zai")
    error = run(ip, "%%glm\none").error
    assert "no key" in str(error) or "Nothing is recorded" in str(error)


# The file


def test_the_file_holds_no_key_and_is_for_people(ip, fake: FakeGLM) -> None:
    """Lines of JSON: request, answer, pieces; no key, no header, no address of a machine."""
    fake.reply("Four is the answer, of course.", thinking="2 + 2")
    run(ip, "%glm_replay record")
    run(ip, "%%glm\nWhat is 2 + 2?")
    text = FILE.read_text()
    assert KEY not in text
    assert "uthorization" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [next(iter(line)) for line in lines] == ["glm_magics", "tape", "request", "answer", "s", "s", "s", "end"]
    assert lines[2]["request"]["messages"] == [{"role": "user", "content": "What is 2 + 2?"}]
    assert "Four is the answer, of course." in text


def test_an_edited_answer_is_given_and_said(ip, fake: FakeGLM, offline) -> None:
    """In the line below, and in the status."""
    fake.reply("Four.")
    run(ip, "%glm_replay record")
    run(ip, "%%glm\nhi")
    FILE.write_text("\ufeff" + FILE.read_text().replace("Four.", "Five."))  # as some editors begin a file
    offline()
    run(ip, "%glm_replay replay")
    result = run(ip, "%%glm\nhi")
    assert ip.user_ns["_glm"].text == "Five."
    assert "on record, edited by hand" in footer_of(result)
    assert "recordings: 1, 1 of them edited by hand" in repr(run(ip, "%glm_replay").result)


EDITS = {
    "request": (lambda text: text.replace('"content": "hi"', '"content": "ho"'), "line 3, the request was edited"),
    "no JSON": (lambda text: text.replace('{"answer"', '{answer"'), "it is no JSON"),
    "end gone": (lambda text: "\n".join(text.splitlines()[:-1]), "has no end"),
    "line gone": (lambda text: "\n".join(line for line in text.splitlines() if '"answer"' not in line), "is not whole"),
    "list": (lambda text: text.replace('{"s"', '[1]\n{"s"', 1), "it is no JSON object"),
    "another file": (lambda text: "# Title\n", "it is no JSON"),
    "another version": (lambda text: text.replace('"version": 1', '"version": 9'), "is no file of recordings of this version"),
    "odd number": (lambda text: text.replace('"elapsed_s": ', '"elapsed_s": "x'), ""),
    "empty": (lambda text: "", "line 1, it is no JSON"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_broken_file_is_one_sentence(ip, fake: FakeGLM, edit: str) -> None:
    """With the line; nothing is sent, nothing is overwritten."""
    change, said = EDITS[edit]
    run(ip, "%glm_replay record")
    run(ip, "%%glm\nhi")
    FILE.write_text(change(FILE.read_text()))
    broken = FILE.read_text()
    for cell in ("%glm_replay record", "%%glm\nother"):
        error = run(ip, cell).error
        assert type(error) is ReplayError
        assert said in str(error)
    assert len(fake.requests) == 1
    assert FILE.read_text() == broken


def test_kernels_share_the_file(tmp_path) -> None:
    """Many at once: nothing is lost, nothing half written, no file left behind."""
    asked = [ask("zai POST /x", {"n": n}) for n in range(40)]
    from glm_magics.tapes import Tape

    def write(numbers: range) -> None:
        file = TapeFile(tmp_path / "shared.jsonl", tmp_path / "locks")
        for n in numbers:
            file.add(Tape(asked[n], 200, True, (Event(0.1, {"n": n}),), 0.1, 0.2))

    threads = [threading.Thread(target=write, args=(range(start, 40, 4),)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(TapeFile(tmp_path / "shared.jsonl", tmp_path).read()) == {one.key for one in asked}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["locks", "shared.jsonl"]


def test_the_file_lies_beside_the_notebook(ip, fake: FakeGLM, monkeypatch, tmp_path) -> None:
    """Where the front end tells that; a name that is given counts more."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "my.ipynb"))
    run(ip, "%glm_replay record")
    run(ip, "%%glm\nhi")
    assert (folder / FILE).exists()
    assert "lies in work" in repr(run(ip, "%glm_replay").result)
    run(ip, "%glm_replay record 'own file.jsonl'")
    run(ip, "%%glm\nhi")
    assert Path("own file.jsonl").exists()


def test_the_environment_counts_more(ip, fake: FakeGLM, offline, monkeypatch) -> None:
    """Where tests run, nothing is ever asked; without a word in the notebook too."""
    run(ip, "%glm_replay record")
    run(ip, "%%glm\none")
    monkeypatch.setenv("GLM_REPLAY", "replay")
    offline()
    assert run(ip, "%%glm\none").success
    run(ip, "%glm_replay refresh")
    assert run(ip, "%%glm\none").success
    assert type(run(ip, "%%glm\ntwo").error) is ReplayError


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        pytest.param("", "replay no-such.jsonl", id="replay"),
        pytest.param("", "replay folder/no-such.jsonl --timed", id="timed-in-a-folder"),
        pytest.param("replay", "record no-such.jsonl", id="by-the-environment"),
    ],
)
def test_a_file_that_is_not_there_is_said_at_once(ip, monkeypatch: pytest.MonkeyPatch, variable: str, line: str) -> None:
    """Not at the first question; and the way before stays."""
    monkeypatch.setenv("GLM_REPLAY", variable)
    error = run(ip, f"%glm_replay {line}").error
    assert isinstance(error, ReplayError)
    assert f"There is no file {line.split()[1]} to replay." in str(error)


def test_the_notebooks_own_file_that_is_not_there_is_told(ip) -> None:
    """No error: a notebook may replay vectors alone, which are in a cache of their own."""
    said = run(ip, "%glm_replay replay").result
    assert "There is no such file yet." in repr(said)
    run(ip, "%glm_replay record")
    run(ip, "%%glm\nhi")
    assert "no such file" not in repr(run(ip, "%glm_replay replay").result)


@pytest.mark.parametrize("line", ["recrd", "record a b", "replay 'x", "replay --timedd x y"])
def test_odd_lines_are_one_sentence(ip, fake: FakeGLM, line: str) -> None:
    """And say what there is."""
    assert type(run(ip, f"%glm_replay {line}").error) is OptionError


def test_the_budget_holds_before_sending_in_a_replay_too(ip, fake: FakeGLM) -> None:
    """A cell that shows it shows it again; in the midst of a replay nothing is stopped, since nothing is spent."""
    run(ip, "%glm_replay record")
    assert type(run(ip, "%%glm --budget 0\nhi").error) is BudgetError
    fake.reply("word " * 3000)
    run(ip, "%%glm\nhi")
    assert run(ip, "%%glm --budget 0.0001\nhi").success


# Whole notebooks


@pytest.mark.filterwarnings("ignore")  # jupyter_client and zmq warn on shutdown
def test_nbval_gives_identical_outputs_without_key_and_network(tmp_path) -> None:
    """Strictly, every output of every cell: an answer, one in the background, several models, an object."""
    import nbformat
    from nbclient import NotebookClient

    sources = ["%load_ext glm_magics", "%glm_replay record", "%%glm\n[[words:900]]", "%%glm &\nin the background"]
    sources += ["%%glm -m glm-4.7,glm-4.6\nside by side", '%%glm --schema "age int"\nhow old?', "_glm.elapsed_s, _glm.request_id"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "GLM_SANDBOX_DELAY_S": "0"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment, "GLM_PROVIDER": "sandbox"}.items():
            patch.setenv(name, value)
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.write(notebook, tmp_path / "whole.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "-c", os.devnull, "whole.ipynb"]
    environment["GLM_REPLAY"] = "replay"
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-1000:]
    assert f"{len(sources)} passed" in finished.stdout


# The values


@given(st.lists(st.sampled_from(["a", "b ", "", "\n"]), max_size=12), st.lists(st.floats(0, 0.2), min_size=12, max_size=12))
def test_joining_loses_nothing(texts: list[str], gaps: list[float]) -> None:
    """The text of all pieces, whatever came when; never more lines."""
    at_s, events = 0.0, []
    for text, gap in zip(texts, gaps, strict=False):
        at_s += gap
        events.append(Event(at_s, {"id": "i", "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]}))
    joined = join_events(events)
    assert "".join(event.data["choices"][0]["delta"]["content"] for event in joined) == "".join(texts)
    assert len(joined) <= len(events)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_the_order_of_keys_does_not_matter(body: Any) -> None:
    """The same request has the same key, and the file gives it back."""
    turned = json.loads(json.dumps(body, sort_keys=True))
    assert ask("w", turned).key == ask("w", body).key
    from glm_magics.tapes import Tape, write_tapes

    tape = Tape(ask("w", body), 200, True, (Event(0.5, {"x": body}),), None, 1.0)
    (again,) = read_tapes(write_tapes([tape]), "f").values()
    assert again.asked == tape.asked
    assert not again.is_edited
