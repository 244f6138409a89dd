"""Answers in the background: the cell that asked shows them, other cells run, and all is kept as in the foreground."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any

import pytest
from PIL import Image

import glm_magics
from glm_magics.errors import AuthenticationError, BudgetError, ChatError, CutShortError, GLMError, OptionError, SchemaError
from glm_magics.jobbook import Jobs
from glm_magics.replies import Reply
from glm_magics.session import Session
from glm_magics.testing import FakeGLM, sse_frame

from .patience import PATIENCE_S, until
from .test_magics import bundles, run
from .wire import coded, content

END = [sse_frame({"id": "i", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}), sse_frame("[DONE]")]
PRICED = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}


@pytest.fixture
def gate():
    """Holds answers until it is set; opened after the test, so that no thread waits for ever."""
    event = threading.Event()
    yield event
    event.set()


def hold(fake: FakeGLM, gate: threading.Event, *texts: str) -> None:
    """An answer that begins with the first text, and goes on when the gate opens."""
    first, *rest = texts or ("Begun",)
    fake.frames(content(first), lambda: gate.wait(PATIENCE_S), *map(content, rest), *END)


def jobs() -> Jobs:
    return glm_magics.current_session().jobs


def updates(result) -> list[str]:
    """The Markdown of all updates of a cell's outputs, in order."""
    return [str(output.data.get("text/markdown", "")) for output in result.shown.outputs]


# The cell


@pytest.mark.parametrize(
    "cell", ["%%glm --background\nhi", "%%glm &\nhi", "%%glm 4.7 &\nhi", "%glm hi &", "%glm --background hi"]
)
def test_the_cell_returns_at_once_and_the_answer_comes(ip, fake: FakeGLM, gate, cell: str) -> None:
    """The reply is there from the start, runs, and is filled in."""
    hold(fake, gate, "Begun ", "and done.")
    assert run(ip, cell).success
    reply = ip.user_ns["_glm"]
    assert reply.is_running
    assert reply.wait(0.01).is_running
    gate.set()
    assert reply.wait(PATIENCE_S) is reply
    assert (reply.is_running, reply.text, reply.is_complete) == (False, "Begun and done.", True)
    assert fake.bodies[0]["messages"] == [{"role": "user", "content": "hi"}]


def test_what_has_come_so_far_can_be_read(ip, fake: FakeGLM, gate) -> None:
    """While it runs."""
    arrived = threading.Event()
    fake.frames(content("Begun "), lambda: arrived.set() or gate.wait(PATIENCE_S), content("done."), *END)
    run(ip, "%%glm &\nhi")
    assert arrived.wait(PATIENCE_S)
    reply = ip.user_ns["_glm"]
    assert until(lambda: reply.text) == "Begun "
    assert "Begun" in repr(jobs())


class Kernel:
    """The display side of a kernel, as far as a cell's outputs go: which cell gets what."""

    def __init__(self, shell: Any) -> None:
        import contextvars

        self.cell: contextvars.ContextVar[int] = contextvars.ContextVar("cell", default=-1)
        self.published: list[tuple[int, bool, dict[str, Any], dict[str, Any], str]] = []
        shell.display_pub.publish = self._publish

    def _publish(self, data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False, **_: Any) -> None:
        display_id = (transient or {}).get("display_id", "")
        self.published.append((self.cell.get(), update, data, metadata or {}, display_id))

    def of(self, cell: int) -> list[tuple[bool, dict[str, Any], dict[str, Any], str]]:
        return [rest for one, *rest in self.published if one == cell]  # type: ignore[misc]


def test_every_output_lands_in_the_cell_that_asked(ip, fake: FakeGLM, gate) -> None:
    """One output made in the cell, changed by its id afterwards; nothing new, nothing elsewhere; the last state is whole."""
    kernel = Kernel(ip)
    hold(fake, gate, "Alpha ", "words.")
    kernel.cell.set(1)
    ip.run_cell("%%glm &\nfirst")
    first = ip.user_ns["_glm"]
    kernel.cell.set(2)
    ip.run_cell("%%glm &\nsecond")
    second = ip.user_ns["_glm"]
    kernel.cell.set(3)
    ip.run_cell("from IPython.display import display\ndisplay('mine')")
    gate.set()
    first.wait(PATIENCE_S)
    second.wait(PATIENCE_S)
    for cell in (1, 2):
        made, *changed = kernel.of(cell)
        assert made[0] is False
        assert changed
        assert all(update for update, *_ in changed)
        assert len({display_id for *_, display_id in kernel.of(cell)}) == 1
        _, data, metadata, _ = changed[-1]
        assert "Alpha words." in data["text/markdown"]
        assert "glm-4.7 · first token" in data["text/markdown"]
        assert metadata["glm"]["model"] == "glm-4.7"
    assert len(kernel.of(3)) == 1


def test_thinking_format_and_long_answers_are_painted_as_ever(ip, fake: FakeGLM) -> None:
    """Folded thinking, all pieces of a long answer in one output, code as code."""
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(40))
    fake.reply(text, thinking="Let me think.")
    result = run(ip, "%%glm &\nhi")
    ip.user_ns["_glm"].wait(PATIENCE_S)
    shown = updates(result)[-1]
    assert all(f"Paragraph {n}. " in shown for n in range(40))
    assert shown.startswith("<details><summary>Thinking</summary>Let me think.</details>")
    fake.reply("So:\n```python\n1 + 1\n```")
    result = run(ip, "%%glm --as text &\nhi")
    ip.user_ns["_glm"].wait(PATIENCE_S)
    assert "````\nSo:\n```python" in updates(result)[-1]


def test_boxes_are_drawn_in_an_output_that_was_kept_for_them(ip, fake: FakeGLM) -> None:
    """And are in the reply."""
    ip.user_ns["photo"] = Image.new("RGB", (100, 80), "red")
    fake.reply('[{"label": "cup", "bbox_2d": [100, 100, 500, 500]}]')
    kernel = Kernel(ip)
    ip.run_cell("%%glm &\nwhere in {photo}?")
    reply = ip.user_ns["_glm"].wait(PATIENCE_S)
    assert len(reply.boxes) == 1
    pictures = [data for _, data, _, _ in kernel.of(-1) if "image/png" in data or "image/jpeg" in data]
    assert len(pictures) == 1
    assert all(update for update, data, *_ in kernel.of(-1) if data in pictures)


# How it ends


def test_an_error_is_a_sentence_in_that_cell(ip, fake: FakeGLM) -> None:
    """And is raised by whoever waits; other cells know nothing of it."""
    fake.error(401, coded("1002"))
    result = run(ip, "%%glm &\nhi")
    assert result.success
    reply = ip.user_ns["_glm"]
    with pytest.raises(AuthenticationError):
        reply.wait(PATIENCE_S)
    assert "**AuthenticationError**" in updates(result)[-1]
    assert jobs()[0].state == "failed"
    assert run(ip, "1 + 1").success


def test_a_job_that_breaks_is_over(ip, fake: FakeGLM) -> None:
    """Whatever is raised in its thread: it never seems to run for ever."""

    class OddError(BaseException):
        pass

    def break_off() -> None:
        raise OddError("odd")

    fake.frames(content("One."), break_off)
    result = run(ip, "%%glm &\nhi")
    with pytest.raises(GLMError, match="The job broke: OddError: odd"):
        ip.user_ns["_glm"].wait(PATIENCE_S)
    assert "The job broke" in updates(result)[-1]
    assert jobs()[0].state == "failed"


def test_a_cut_answer_keeps_what_came(ip, fake: FakeGLM) -> None:
    """Text, ending, footer and sentence in the cell."""
    fake.frames(content("Half"))
    result = run(ip, "%%glm &\nhi")
    reply = ip.user_ns["_glm"]
    with pytest.raises(CutShortError):
        reply.wait(PATIENCE_S)
    assert (reply.text, reply.ending) == ("Half", "cut short")
    assert "Half" in updates(result)[-1]
    assert "**CutShortError**" in updates(result)[-1]


def test_stop_keeps_what_came(ip, fake: FakeGLM, gate) -> None:
    """From Python; no error, marked stopped."""
    arrived = threading.Event()
    fake.frames(content("Begun"), lambda: arrived.set() or gate.wait(PATIENCE_S))
    result = run(ip, "%%glm &\nhi")
    assert arrived.wait(PATIENCE_S)
    reply = ip.user_ns["_glm"].stop().wait(PATIENCE_S)
    assert (reply.text, reply.ending, reply.is_running) == ("Begun", "stopped", False)
    assert "*(stopped)*" in updates(result)[-1]
    assert jobs()[0].state == "stopped"


def test_interrupting_another_cell_stops_only_that(ip, fake: FakeGLM, gate) -> None:
    """■ in a cell that waits or works: the job goes on."""
    hold(fake, gate, "Begun ", "done.")
    run(ip, "%%glm &\nhi")
    reply = ip.user_ns["_glm"]
    for cell in ("_glm.wait()", "%glm_jobs wait", "import time\ntime.sleep(5)"):
        press = "import threading\nfrom tests.wire import press_stop\nthreading.Timer(0.1, press_stop).start()\n"
        assert isinstance(run(ip, press + cell).error, KeyboardInterrupt)
        assert reply.is_running
    gate.set()
    assert reply.wait(PATIENCE_S).text == "Begun done."


def test_unloading_ends_the_jobs(ip, fake: FakeGLM, gate) -> None:
    """As the end of the kernel does."""
    hold(fake, gate)
    run(ip, "%%glm &\nhi")
    ip.run_line_magic("unload_ext", "glm_magics")
    assert ip.user_ns["_glm"].wait(PATIENCE_S).ending == "stopped"


def test_await_gives_the_reply(ip, fake: FakeGLM) -> None:
    """In a cell, at the top level; several together; a failure is raised there."""
    fake.reply("One.")
    run(ip, "%%glm --into a &\nhi")
    run(ip, "%%glm --into b &\nhi")
    assert run(ip, "import asyncio\ntexts = [r.text for r in await asyncio.gather(a, b)]\nagain = (await a).text").success
    assert ip.user_ns["texts"] == ["One.", "One."]
    assert ip.user_ns["again"] == "One."
    fake.error(401, coded("1002"))
    run(ip, "%%glm --into c &\nhi")
    assert type(run(ip, "await c").error) is AuthenticationError


def test_awaiting_can_be_given_up(ip, fake: FakeGLM, gate) -> None:
    """A timeout of asyncio ends the waiting, not the job."""
    hold(fake, gate, "Begun ", "done.")
    run(ip, "%%glm &\nhi")
    reply = ip.user_ns["_glm"]

    async def wait_briefly() -> None:
        await asyncio.wait_for(asyncio.ensure_future(_awaited(reply)), 0.05)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(wait_briefly())
    assert reply.is_running
    gate.set()
    assert reply.wait(PATIENCE_S).text == "Begun done."


async def _awaited(reply: Reply) -> Reply:
    return await reply


def test_a_foreground_reply_is_over_at_once(ip, fake: FakeGLM) -> None:
    """The same words work on it."""
    run(ip, "%%glm\nhi")
    reply = ip.user_ns["_glm"]
    assert (reply.is_running, reply.wait() is reply, reply.stop() is reply) == (False, True, True)
    assert run(ip, "(await _glm).text").result == "Hello!"


def test_a_settled_reply_can_be_pickled(ip, fake: FakeGLM) -> None:
    """Without its thread."""
    run(ip, "%%glm &\nhi")
    reply = ip.user_ns["_glm"].wait(PATIENCE_S)
    assert pickle.loads(pickle.dumps(reply)).text == reply.text == "Hello!"


# As in the foreground


def test_what_cannot_be_sent_is_said_at_once(ip, fake: FakeGLM) -> None:
    """The error is the cell's; no job."""
    assert not run(ip, "%%glm &\n   ").success
    assert not run(ip, "%glm &").success
    assert not run(ip, "%%glm nonsense-9 &\nhi").success
    assert not run(ip, "%%glm &\n{unknown_name}").success
    assert len(jobs()) == 0


def test_values_are_those_of_the_moment(ip, fake: FakeGLM, gate) -> None:
    """What the cell named is taken when it runs."""
    session = glm_magics.current_session()
    session.config.max_in_flight = 1
    arrived = threading.Event()
    fake.frames(content("Begun"), lambda: arrived.set() or gate.wait(PATIENCE_S), *END)
    run(ip, "%%glm &\nfirst")
    assert arrived.wait(PATIENCE_S)  # before the other one could take its place
    ip.user_ns["word"] = "before"
    run(ip, "%%glm &\n{word}")
    ip.user_ns["word"] = "after"
    gate.set()
    ip.user_ns["_glm"].wait(PATIENCE_S)
    assert fake.bodies[1]["messages"][0]["content"] == "before"


def test_no_more_at_once_than_there_are_places(ip, fake: FakeGLM, gate) -> None:
    """The others wait their turn, and can be stopped while they do."""
    glm_magics.current_session().config.max_in_flight = 2
    arrived = threading.Semaphore(0)
    fake.frames(content("a"), lambda: arrived.release() or gate.wait(PATIENCE_S), *END)
    replies = [glm_magics.ask("hi", background=True, quiet=True) for _ in range(4)]
    assert arrived.acquire(timeout=PATIENCE_S)
    assert arrived.acquire(timeout=PATIENCE_S)
    assert len(fake.requests) == 2
    until(lambda: [job.state for job in jobs()].count("answering") == 2)
    waiting = [job for job in jobs() if job.state == "waiting"]
    waiting[0].stop()
    assert waiting[0].wait(PATIENCE_S)
    assert (waiting[0].state, waiting[0].reply.ending) == ("stopped", "stopped")
    gate.set()
    assert sorted(reply.wait(PATIENCE_S).text for reply in replies) == ["", "a", "a", "a"]
    assert len(fake.requests) == 3


def test_a_chat_gets_its_turn_and_one_question_at_a_time(ip, fake: FakeGLM, gate) -> None:
    """A second question to the same chat, from anywhere, is refused with the way out; another chat is free."""
    hold(fake, gate, "One.")
    run(ip, "%%glm -c talk &\nfirst")
    for cell in ("%%glm -c talk &\nsecond", "%%glm -c talk\nsecond"):
        result = run(ip, cell)
        assert type(result.error) is ChatError
        assert "Job 1 still answers in the chat `talk`" in str(result.error)
    run(ip, "%%glm -c other &\nfirst")
    gate.set()
    run(ip, "%glm_jobs wait")
    assert run(ip, "%%glm -c talk &\nsecond").success
    ip.user_ns["_glm"].wait(PATIENCE_S)
    assert [message["content"] for message in fake.bodies[2]["messages"]] == ["first", "One.", "second"]
    assert len(glm_magics.chats()["talk"].turns) == 2
    assert len(fake.requests) == 3


def test_a_chat_that_was_changed_meanwhile_stays_changed(ip, fake: FakeGLM, gate) -> None:
    """The turn goes behind what the chat is by then."""
    run(ip, "%%glm -c talk\none")
    run(ip, "%%glm -c talk\ntwo")
    hold(fake, gate, "Three.")
    run(ip, "%%glm -c talk &\nthree")
    run(ip, "%glm_chat undo talk")
    gate.set()
    ip.user_ns["_glm"].wait(PATIENCE_S)
    assert [turn.question.text for turn in glm_magics.chats()["talk"].turns] == ["one", "three"]


def test_a_stopped_answer_is_a_turn(ip, fake: FakeGLM, gate) -> None:
    """Ask to go on."""
    arrived = threading.Event()
    fake.frames(content("Begun"), lambda: arrived.set() or gate.wait(PATIENCE_S))
    run(ip, "%%glm -c talk &\nfirst")
    assert arrived.wait(PATIENCE_S)
    ip.user_ns["_glm"].stop().wait(PATIENCE_S)
    (turn,) = glm_magics.chats()["talk"].turns
    assert (turn.answer.text, turn.ending) == ("Begun", "stopped")


def test_a_schema_is_asked_for_again_and_the_notes_stay_in_the_cell(ip, fake: FakeGLM) -> None:
    """The value is in the reply, under --into too."""
    fake.reply("nonsense")
    fake.reply('{"age": 4}')
    result = run(ip, '%%glm --schema "age int" --into person &\nhi')
    reply = ip.user_ns["person"].wait(PATIENCE_S)
    assert reply.plain == {"age": 4}
    assert "asking again (2 of 3)" in updates(result)[-1]
    fake.reply("nonsense")
    run(ip, '%%glm --schema "age int" --retries 0 &\nhi')
    with pytest.raises(SchemaError):
        ip.user_ns["_glm"].wait(PATIENCE_S)


def test_the_ledger_has_the_cell_that_asked(ip, fake: FakeGLM, gate, tmp_path) -> None:
    """Though others have run by the time of the answer."""
    glm_magics.current_session().config.folder = str(tmp_path)
    hold(fake, gate)
    asked = ip.execution_count
    ip.run_cell("%%glm &\nhi", store_history=True)
    for _ in range(3):
        ip.run_cell("1", store_history=True)
    gate.set()
    ip.user_ns["_glm"].wait(PATIENCE_S)
    (call,) = glm_magics.usage("notebook").calls
    assert call.cell == asked
    assert ip.execution_count == asked + 4


def test_jobs_together_keep_the_session_s_budget(ip, fake: FakeGLM, gate) -> None:
    """Each counts what the others have spent so far: none would reach the ceiling alone."""
    glm_magics.current_session().config.session_budget = 0.02
    words = "word " * 1500
    barrier = threading.Barrier(3)
    fake.frames(
        content(words), lambda: barrier.wait(PATIENCE_S), *[content(words) for _ in range(4)], lambda: gate.wait(PATIENCE_S), *END
    )
    replies = [glm_magics.ask("hi", background=True, quiet=True) for _ in range(3)]
    for reply in replies:
        with pytest.raises(BudgetError):
            reply.wait(PATIENCE_S)
    assert all(reply.ending == "over budget" for reply in replies)


def test_a_dry_run_sends_nothing(ip, fake: FakeGLM) -> None:
    """In the background neither."""
    assert run(ip, "%%glm --dry-run &\nhi").success
    assert fake.requests == []
    assert len(jobs()) == 0


# %glm_jobs


def test_jobs_are_listed_waited_for_and_stopped(ip, fake: FakeGLM, gate) -> None:
    """State, cell, model, tokens, first words."""
    assert "Nothing was asked" in repr(run(ip, "%glm_jobs").result)
    fake.reply("First | words\nof it.")
    run(ip, "%%glm &\nhi")
    ip.user_ns["_glm"].wait(PATIENCE_S)
    hold(fake, gate)
    run(ip, "%%glm 4.6 &\nhi")
    run(ip, "%%glm 4.6 &\nhi")
    listed = run(ip, "%glm_jobs").result
    assert listed[0].state == "done"
    assert "34" in repr(listed)
    assert "First \\| words of it." in listed._repr_mimebundle_()["text/markdown"]
    run(ip, "%glm_jobs stop 2")
    assert [job.state for job in jobs()][:2] == ["done", "stopped"]
    assert jobs()[2].reply.is_running
    run(ip, "%glm_jobs stop")
    assert [job.state for job in jobs()] == ["done", "stopped", "stopped"]


@pytest.mark.parametrize(
    "line", ["%glm_jobs stopp", "%glm_jobs stop nine", "%glm_jobs wait 1 2", "%glm_jobs stop 99", "%glm_jobs 'a"]
)
def test_odd_lines_are_one_sentence(ip, fake: FakeGLM, line: str) -> None:
    """And say what there is."""
    assert type(run(ip, line).error) is OptionError


# Where nobody looks later


def test_without_a_page_the_cell_waits_for_its_answer(ip, fake: FakeGLM, monkeypatch) -> None:
    """nbconvert, papermill and nbval: one whole output, at once final, and an error is the cell's."""
    monkeypatch.setattr(ip, "get_parent", lambda: {"metadata": {}}, raising=False)
    kernel = Kernel(ip)
    fake.reply("All of it.")
    ip.run_cell("%%glm &\nhi")
    assert not ip.user_ns["_glm"].is_running
    ((update, data, _, _),) = kernel.of(-1)
    assert update is False
    assert "All of it." in data["text/markdown"]
    fake.error(401, coded("1002"))
    assert type(ip.run_cell("%%glm &\nhi").error_in_exec) is AuthenticationError


def test_waiting_sends_the_outputs_again(ip, fake: FakeGLM, gate) -> None:
    """From the cell that waits, for programs that listen to nothing else."""
    kernel = Kernel(ip)
    hold(fake, gate, "All ", "of it.")
    kernel.cell.set(1)
    ip.run_cell("%%glm &\nhi")
    threading.Timer(0.1, gate.set).start()
    kernel.cell.set(2)
    ip.run_cell("%glm_jobs wait")
    again = [data for update, data, _, display_id in kernel.of(2) if update and display_id == kernel.of(1)[0][3]]
    assert "All of it." in again[-1]["text/markdown"]


def test_python_without_a_notebook(session: Session, fake: FakeGLM) -> None:
    """The same call from a program."""
    from glm_magics.options import Options

    reply = session.ask(["hi"], Options(background=True))
    assert isinstance(reply, Reply)
    assert reply.wait(PATIENCE_S).text == "Hello!"
    session.close()


def test_a_terminal_is_not_written_into(ip, fake: FakeGLM, monkeypatch) -> None:
    """It says that there is a job; the answer is in _glm."""
    monkeypatch.setattr("glm_magics.outlets.is_terminal", lambda shell: True)
    result = run(ip, "%%glm &\nhi")
    assert ip.user_ns["_glm"].wait(PATIENCE_S).text == "Hello!"
    assert "Job 1 answers in the background" in str(bundles(result))
    assert "Hello!" not in str(bundles(result))
