"""What threads of a session share: made once, never the old in the place of the new, and told only once it holds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from glm_magics.bookkeeping import Books
from glm_magics.chatbook import Chats
from glm_magics.chatstore import ChatStore
from glm_magics.clients import Clients
from glm_magics.conversations import Conversation
from glm_magics.errors import Interrupted
from glm_magics.jobbook import Job, Jobs
from glm_magics.options import Options
from glm_magics.realtime.talks import run_in_thread
from glm_magics.replaying import Replays
from glm_magics.replies import Reply
from glm_magics.sandbox import Sandbox
from glm_magics.sandbox.script import Record
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

from .patience import PATIENCE_S
from .test_magics import run

NOT_YET_S = 0.3
"""Long enough to see that another thread waits."""


def beside(act: Callable[[], Any]) -> threading.Thread:
    """Runs it in another thread, which has done it by now unless it must wait for this one."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(NOT_YET_S)
    return thread


@pytest.mark.parametrize(
    ("made", "find"),
    [
        pytest.param(Books, lambda session: session.books, id="books"),
        pytest.param(Replays, lambda session: session.replays, id="replays"),
        pytest.param(Clients, lambda session: session.client, id="clients"),
        pytest.param(Sandbox, lambda session: session.sandbox, id="sandbox"),
    ],
)
def test_what_is_made_at_the_first_need_is_made_once(
    session: Session, monkeypatch: pytest.MonkeyPatch, made: type, find: Callable[[Session], Any]
) -> None:
    """By two threads that need it in the same moment: else one would write into books that nobody reads."""
    together, begin, begun = threading.Barrier(2), made.__init__, []

    def slowly(self: Any, *args: Any, **named: Any) -> None:
        begun.append(self)
        with suppress(threading.BrokenBarrierError):
            together.wait(NOT_YET_S)
        begin(self, *args, **named)

    monkeypatch.setattr(made, "__init__", slowly)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(find(session))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    session.close()
    assert found[0] is found[1]
    assert len(begun) == 1


def test_the_connection_that_was_chosen_last_holds(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread was looking for the former one while it was chosen."""
    look, choosing = session._find_connection, []

    def slowly(choice: str, *more: Any) -> Any:
        found = look(choice, *more)
        if not choosing:
            choosing.append(None)
            choosing.append(beside(lambda: session.connect("http://127.0.0.1:9/v1")))
        return found

    monkeypatch.setattr(session, "_find_connection", slowly)
    assert session.connection.provider.name == "zai"
    choosing[1].join(PATIENCE_S)
    assert session.connection.provider.base_url == "http://127.0.0.1:9/v1"


def test_the_models_of_a_server_are_not_taken_for_those_of_the_next(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread was asking the former one for them while the next was chosen."""
    served = {"http://127.0.0.1:8/v1": "old", "http://127.0.0.1:9/v1": "new"}

    def list_models(client: Any) -> list[str]:
        url = client.connection.provider.base_url
        if url.endswith("8/v1"):
            session.connect("http://127.0.0.1:9/v1")
        return [served[url]]

    monkeypatch.setattr("glm_magics.client.GLMClient.list_models", list_models)
    session.connect("http://127.0.0.1:8/v1")
    assert session.only_model("text_model", False) == "old"
    assert session.only_model("text_model", False) == "new"


def test_a_promise_is_kept_under_its_name_however_soon_it_is_there(
    ip: Any, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is over before the cell goes on: the name is that of the reply all the same, not of its value."""
    start = Jobs.start

    def start_and_wait(jobs: Jobs, job: Job) -> Job:
        assert start(jobs, job).wait(PATIENCE_S)
        return job

    monkeypatch.setattr(Jobs, "start", start_and_wait)
    fake.reply('{"age": 4}')
    assert run(ip, '%%glm --schema "age int" --into person &\nhi').success
    assert isinstance(ip.user_ns["person"], Reply)
    assert ip.user_ns["person"].plain == {"age": 4}


def test_the_list_of_chats_while_an_answer_begins_another(tmp_path: Any) -> None:
    """In the background."""
    chats = Chats(ChatStore(tmp_path / "chats.sqlite"))

    class Growing(Conversation):
        @property
        def n_tokens(self) -> int:
            chats.put(Conversation("new"))
            return 0

    chats.put(Growing("old"))
    assert "old" in repr(chats)
    assert list(chats) == ["old", "new"]


def test_what_an_answer_has_cost_is_counted_at_any_moment(
    session: Session, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it goes over from what grows to what is settled, too: another answer looks at what is left just then."""
    session.config.session_budget = 1.0
    fake.reply("word " * 500)
    seen: list[float] = []
    make_record = Books._record

    def look(books: Books, *args: Any, **named: Any) -> Any:
        seen.append(books._purse("USD").spent_beside())
        return make_record(books, *args, **named)

    monkeypatch.setattr(Books, "_record", look)
    reply = session.ask(["hi"], Options(quiet=True))
    assert seen[0] > 0
    assert session.books._purse("USD").spent_beside() == reply.cost.amount


def test_what_a_call_has_said_so_far_while_it_goes_on() -> None:
    """The sandbox's loop writes down the next event while a test looks at those before."""
    record = Record("GET", "/realtime", {}, 0.0)
    for n in range(3):
        record.add_event(n)
    for event in record.events:
        record.add_event(event)
    assert record.events == [0, 1, 2, 0, 1, 2]


def test_a_talk_that_is_stopped_while_its_thread_begins_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """■ before anybody waits for it."""
    start, ended = threading.Thread.start, threading.Event()

    def start_and_press(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    async def talk() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(threading.Thread, "start", start_and_press)
    with pytest.raises(Interrupted):
        run_in_thread(talk)
    assert ended.is_set()
