"""A call where its threads meet: the page's, the line's, the notebook's. Each is brought to the point that is bad for another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from glm_magics.approvals import Approvals
from glm_magics.money import Cost
from glm_magics.realtime import server_events as ev
from glm_magics.realtime.conversation import Conversation
from glm_magics.realtime.values import Pcm, Response
from glm_magics.sandbox import Sandbox
from glm_magics.toolbox import Toolbox
from glm_magics.voicecalls import Switchboard, VoiceCall
from glm_magics.voicecalls.bills import Account
from glm_magics.voicecalls.errands import Errands
from glm_magics.widgets.calloutputs import CallOutputs

from .calls import speech
from .patience import PATIENCE_S, until
from .test_talk import Page, open_to

NOT_YET_S = 0.3
"""Long enough to see that another thread waits."""


@pytest.fixture
def call() -> VoiceCall:
    """One without a server: the tests are its line."""
    return open_to(SimpleNamespace(base_url="", key=""), Switchboard()).call  # type: ignore[arg-type]


def line(call: VoiceCall) -> Any:
    """The session, as far as the call looks at it."""
    return SimpleNamespace(conversation=call.conversation, elapsed_s=0.0)


def beside(act: Callable[[], Any]) -> threading.Thread:
    """Runs it in another thread, which has done it by now unless it must wait for this one."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(NOT_YET_S)
    return thread


def begun(id: str) -> ev.ResponseCreated:
    return ev.ResponseCreated(response=Response(id, "in_progress"))


def sound(id: str) -> ev.AudioDelta:
    return ev.AudioDelta(response_id=id, audio=Pcm(id.encode() * 50))


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(ev.ResponseCancelled(response=Response("a1", "cancelled")), id="cancelled"),
        pytest.param(ev.SpeechStarted(), id="interrupted"),
    ],
)
def test_a_stop_that_is_told_late_never_shuts_the_next_answer(call: VoiceCall, stop: ev.ServerEvent) -> None:
    """What reads the socket may be ahead of what tells the page: the next answer is known when the stop is told."""
    page = Page(call)
    events = [begun("a1"), sound("a1"), stop, begun("a2"), sound("a2")]
    told = events if isinstance(stop, ev.SpeechStarted) else events[2:]  # of a cancelled one nothing more is played
    for event in events:
        call.conversation.add(event, 0.0)
    for event in told:
        call.on_event(line(call), event)
    assert [id for id, _ in page.played] == (["a1", "a2"] if told is events else ["a2"])


def test_typed_words_never_shut_their_own_answer(call: VoiceCall) -> None:
    """However quickly that comes: it is known before the page's wish is done."""
    page, events = Page(call), [begun("a1"), sound("a1")]

    def answer_at_once(job: Any) -> None:
        for event in events:
            call.conversation.add(event, 0.0)

    call._line = SimpleNamespace(do=answer_at_once)  # type: ignore[assignment]
    call._set_state("on")
    page.send("write", text="How are you?")
    for event in events:
        call.on_event(line(call), event)
    assert [id for id, _ in page.played] == ["a1"]


def test_a_stop_shuts_what_is_known_and_not_told_yet(call: VoiceCall) -> None:
    """An answer that is all there, and of which nothing was played."""
    page = Page(call)
    for event in (begun("a1"), sound("a1"), ev.ResponseDone(response=Response("a1", "completed"))):
        call.conversation.add(event, 0.0)
    page.send("hush")
    call.on_event(line(call), sound("a1"))
    assert page.played == []


def test_nothing_is_played_behind_the_stop(call: VoiceCall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound that is on its way while the user stops it is with the page before it is told to stop."""
    page = Page(call)
    stopping: list[threading.Thread] = []
    play = call._record.play

    def slowly(event: ev.AudioDelta) -> tuple[str, bytes]:
        got = play(event)
        stopping.append(beside(lambda: page.send("hush")))
        return got

    monkeypatch.setattr(call._record, "play", slowly)
    call.conversation.add(begun("a1"), 0.0)
    call.on_event(line(call), sound("a1"))
    stopping[0].join(PATIENCE_S)
    assert [type for type in page.types() if type in ("sound", "flush")] == ["sound", "flush"]


def test_a_page_that_begins_anew_gets_no_old_row_behind_a_new_one(call: VoiceCall, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows, then those that change."""
    page = Page(call)
    call.conversation.add_words("user", "Hi.", 0.0)
    call._screen.mark()
    call.on_tick(line(call))
    ticking: list[threading.Thread] = []
    rows = call._record.rows

    def slowly() -> Any:
        got = rows()
        call.conversation.add_words("user", "And?", 1.0)
        call._screen.mark()
        ticking.append(beside(lambda: call.on_tick(line(call))))
        return got

    monkeypatch.setattr(call._record, "rows", slowly)
    page.send("hello")
    ticking[0].join(PATIENCE_S)
    assert page.types() == ["row", "rows", "row"]


def test_a_call_is_hung_up_while_it_is_begun(sandbox: Sandbox) -> None:
    """■ in the very moment."""
    switchboard = Switchboard()
    page = open_to(sandbox, switchboard)
    take, ending = switchboard.take, []

    def take_and_end(call: Any) -> None:
        take(call)
        ending.append(beside(lambda: switchboard.end("Stopped.", PATIENCE_S)))

    switchboard.take = take_and_end  # type: ignore[method-assign]
    page.send("start")
    ending[0].join(PATIENCE_S)
    assert (page.call.state, page.call.message) == ("over", "Stopped.")


def test_a_call_that_ends_while_it_is_shown_has_its_player(ip: Any, call: VoiceCall, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the output that was just being made."""
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(ip.display_pub, "publish", lambda data, metadata=None, **rest: shown.append({**rest, "data": data}))
    ending: list[threading.Thread] = []
    show = CallOutputs.show

    def slowly(outputs: CallOutputs, *what: Any) -> None:
        ending.append(beside(lambda: call.on_over(None)))
        show(outputs, *what)

    monkeypatch.setattr(CallOutputs, "show", slowly)
    call._set_state("on")
    call._record.hear(speech(0.5))
    call._ipython_display_()
    ending[0].join(PATIENCE_S)
    until(lambda: call.state == "over")
    assert "<audio" in [one["data"] for one in shown if "text/html" in one["data"]][-1]["text/html"]


def test_the_running_answer_while_another_begins() -> None:
    """The page stops what is said while the line hears of the next answer."""
    conversation = Conversation()

    class Earlier:
        @property
        def status(self) -> str:
            conversation.add(begun("new"), 0.0)
            return "completed"

    conversation._by_id = {"b": Earlier(), "c": Earlier()}  # type: ignore[dict-item]
    assert conversation.running is None
    assert conversation.running.id == "new"


def test_functions_that_ended_while_others_begin() -> None:
    """The notebook looks at the transcript while the line is asked for a function."""
    errands = Errands(Toolbox(), Approvals(), lambda: None, lambda: 0.0)

    class Done:
        @property
        def state(self) -> str:
            errands._by_n[len(errands._by_n) + 1] = Done()  # type: ignore[assignment]
            return "done"

    errands._by_n = {1: Done()}  # type: ignore[dict-item]
    assert len(errands.ended) == 1


def test_the_cost_of_a_call_that_ends_meanwhile_counts_once() -> None:
    """The notebook asks what it costs while the line closes the bill."""
    account = Account()

    class Bill:
        trouble = ""
        is_closed = False

        def cost(self, seconds: float) -> Cost:
            if not self.is_closed:
                self.is_closed = True
                account.close(60.0)
            return Cost(1.0, "CNY")

    account.open(Bill(), 0.0)  # type: ignore[arg-type]
    assert [account.cost(60.0).amount for _ in range(2)] == [1.0, 1.0]
