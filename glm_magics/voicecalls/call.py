"""A voice call as the notebook holds it: the page asks by messages, the line tells what happens, and what was said is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, Unicode

from ..bookkeeping import Books
from ..errors import GLMError, InputError, one_line
from ..grammar import plural
from ..money import Cost
from ..providers import Connection
from ..realtime import server_events as ev
from ..realtime.bills import Bill
from ..realtime.conversation import Conversation
from ..realtime.lines import Line
from ..realtime.local_events import ConnectionLost, Reconnected
from ..realtime.session import RealtimeSession
from ..realtime.setup import CallSetup, check_patience, check_setup
from ..realtime.tapes import CallAudio
from ..replies import Reply
from ..toolbox import Toolbox
from ..widgets import callrequests as page
from .bills import Account
from .errands import Errands
from .freshness import Freshness
from .record import CallRecord
from .screen import Screen
from .switchboard import Switchboard

if TYPE_CHECKING:
    import pandas as pd

    from ..widgets.calling import CallWidget

PAGE_GONE_S = 120.0
BUSY_TOLD_S = 3.0
"""How long it is still told, once sound is heard again, that some was not: long enough to be read."""

_BUSY = "The kernel was busy with a cell; what you said meanwhile was not heard."
_BROKEN = "The connection broke in the middle of this turn: ask your question again."
_GONE = "The page was gone for two minutes; the call was ended."


class VoiceCall(HasTraits):
    """A call with a Realtime model, in a widget; see `glm_magics.talk`.

    Args:
        setup: how the call is to be.
        connection: gives who answers, when the call begins.
        toolbox: functions that the model may ask for.
        switchboard: of the kernel.
        books: of the session, where the call is written down.

    Raises:
        OptionError, ModelError: a value that the reference does not allow.
        MissingExtraError: anywidget is not installed.
    """

    state = Unicode("idle", read_only=True, help="idle, connecting, on, reconnecting, ending, over")
    message = Unicode(read_only=True, help="what people should know")

    def __init__(
        self,
        setup: CallSetup,
        connection: Callable[[], Connection],
        toolbox: Toolbox | None = None,
        switchboard: Switchboard | None = None,
        books: Books | None = None,
    ) -> None:
        super().__init__()
        tools = toolbox or Toolbox()
        self.setup = check_setup(replace(setup, tools=tools.to_flat_wire() if tools else setup.tools))
        self._connection = connection
        self._switchboard = switchboard or Switchboard()
        self._record = CallRecord(self.setup.model, self.setup.input_rate_hz)
        self._account = Account()
        self._screen = Screen(self.setup, self._record, lambda: self._account.in_words(self._record.now_s))
        self._errands = Errands(tools, self._switchboard.approvals, self._screen.mark, lambda: self._record.now_s)
        self._lock = threading.RLock()
        self._line: Line | None = None
        self._freshness = Freshness()
        self._seen_s = self._unheard_s = 0.0
        self._reason = ""
        self._is_speaking = False
        self._books = books
        self._widget = self._screen.widget
        self._widget.on_msg(self._on_message)

    # -- for the notebook

    @property
    def widget(self) -> CallWidget:
        """What is on the page."""
        return self._widget

    @property
    def is_on(self) -> bool:
        """From the moment that it is being connected until its socket is closed."""
        return self.state in ("connecting", "on", "reconnecting")

    @property
    def conversation(self) -> Conversation:
        """What was said, in detail."""
        return self._record.conversation

    def start(self) -> VoiceCall:
        """Opens the call without a page that hears: for typed words. The page's own button is the way to speak.

        Raises:
            InputError: it is on already, or another one is.
            NoProviderError: nobody is there to answer.
        """
        with self._lock:
            self._start("")
        return self

    def say(self, text: str) -> VoiceCall:
        """Typed words into the same conversation; they are answered aloud.

        Raises:
            InputError: the call is not on, or there are no words.
        """
        if not isinstance(text, str):
            raise InputError(f"There is nothing to say: {one_line(repr(text), 60)} is no text.", "Write some words.")
        if not text.strip():
            raise InputError("There is nothing to say.", "Write some words.")
        with self._lock:
            self._write(text)
        return self

    def stop(self) -> None:
        """Hangs up; what was said is kept."""
        self.hang_up(wait_s=3.0)

    def hang_up(self, sentence: str = "", wait_s: float = 0.0) -> None:
        """Ends the call from any thread; the page is told `sentence`, and the end is waited for at most `wait_s`."""
        with self._lock:  # one that is just being begun is ended too
            line = self._line
            if line is None or not line.is_alive():
                return
            self._reason = sentence
        line.hang_up(wait_s)

    def wait(self, timeout_s: float | None = None) -> VoiceCall:
        """Until the call is over, at most `timeout_s` seconds. The page works meanwhile where the kernel has subshells."""
        check_patience(timeout_s)
        line, waited_s = self._line, 0.0
        while line is not None and line.is_alive() and (timeout_s is None or waited_s < timeout_s):
            line.join(0.1)  # in steps: some systems cannot interrupt a join
            waited_s += 0.1
        return self

    @property
    def transcript(self) -> pd.DataFrame:
        """Who, when (seconds of the call), what: columns ``who``, ``when_s``, ``text``."""
        frame: pd.DataFrame = self._record.talk(self._errands).to_frame()
        return frame

    @property
    def audio(self) -> CallAudio:
        """What both sides said aloud; `.user`, `.assistant`, `.samples`, `.save(path)`."""
        return self._record.audio()

    @property
    def replies(self) -> list[Reply]:
        """One for each answer, oldest first: text, tokens, and `audio` as far as it was heard."""
        return [self._record.reply(answer) for answer in self.conversation.answers]

    @property
    def reply(self) -> Reply | None:
        """The last answer; None before there is one."""
        answers = self.conversation.answers
        return self._record.reply(answers[-1]) if answers else None

    @property
    def cost(self) -> Cost | None:
        """Of all its minutes so far, an estimate; None where the price is not known."""
        return self._account.cost(self._record.now_s)

    # -- what the page asks for

    def _on_message(self, widget: object, content: object, buffers: object) -> None:
        """A message of the page; what is no request is passed over."""
        request = page.parse_call_request(content, buffers)
        if request is None:
            return
        with self._lock:
            try:
                self._act(request.page, request.act)
            except GLMError as error:
                self._say(str(error))

    def _act(self, who: str, act: page.Act) -> None:
        is_owner = who == self._widget.owner
        if is_owner:
            self._seen_s = time.monotonic()
        match act:
            case page.Hello():
                self._screen.tell_all(who)
            case page.Alive():
                self._widget.send({"type": "alive", "page": who})
            case page.Start():
                self._start(who)
            case page.HangUp():
                self.hang_up()
            case page.Sound() if is_owner:
                self._hear(act)
            case page.Frame() if is_owner:
                self._do(lambda call: call.append_frame(act.jpeg))
            case page.Hold() if is_owner:
                self._hold(act)
            case page.Hush():
                self._interrupt()
                self._do(lambda call: call.cancel())
            case page.Write():
                self._write(act.text)
            case page.Choose():
                self._choose(act)
            case page.Allow():
                self._errands.allow(act.call, act.how, act.reason)

    def _start(self, who: str) -> None:
        if self.is_on:
            raise InputError("The call is on already.", "Hang up first.")
        if self.state == "ending":
            raise InputError("The recording of the last call is being made.", "Wait a moment.")
        connection, record = self._connection(), self._record
        bill = Bill(self._books, connection.provider, self.setup)
        self._switchboard.take(self)
        self._account.open(bill, record.elapsed_s)
        self._freshness, self._seen_s, self._reason = Freshness(), time.monotonic(), ""
        self._is_speaking = False
        self._errands.begin()
        self._widget.owner = who
        self._say("")
        self._set_state("connecting")
        setup = self.setup.without_greeting() if record.conversation.entries else self.setup

        def open_session() -> RealtimeSession:
            return RealtimeSession(connection, setup, conversation=record.conversation, elapsed_s=record.elapsed_s, bill=bill)

        self._line = Line(open_session, self)
        self._line.start()

    def _do(self, job: Callable[[RealtimeSession], Any]) -> None:
        if self._line is None or not self.is_on:
            raise InputError("The call is not on.", "Start it first.")
        self._line.do(job)

    def _hear(self, sound: page.Sound) -> None:
        if self.state != "on" or self._line is None:  # what is said while the connection is made anew is for nobody
            return
        now_s = time.monotonic()
        if not self._freshness.is_fresh(sound.t_ms, now_s) or not self._line.hear(sound.samples):
            self._unheard_s = now_s
            self._say(_BUSY)
            return
        self._record.hear(sound.samples)
        if self.message == _BUSY and now_s - self._unheard_s > BUSY_TOLD_S:
            self._say("")

    def _hold(self, act: page.Hold) -> None:
        async def listen(call: RealtimeSession) -> None:
            await call.cancel()
            await call.clear()

        async def answer(call: RealtimeSession) -> None:
            await call.commit()
            await call.respond()

        self._is_speaking = act.is_down
        if act.is_down:
            self._errands.new_turn()
            self._interrupt()
            self._say("")
        self._do(listen if act.is_down or act.is_void else answer)

    def _write(self, text: str) -> None:
        async def write(call: RealtimeSession) -> None:
            await call.cancel()
            await call.write(text)
            self._screen.mark()
            await call.respond()

        self._errands.new_turn()
        self._interrupt()  # first: afterwards it could shut the very answer that this asks for
        self._do(write)

    def _choose(self, act: page.Choose) -> None:
        self.setup = replace(self.setup, vad=act.vad)
        self._widget.vad = act.vad
        if self.is_on:
            self._do(lambda call: call.update(vad=act.vad, greeting=""))

    # -- what the line tells, from its thread: `LineListener`

    def on_open(self, call: RealtimeSession) -> None:
        """The call is set up."""
        with self._lock:
            self._record.begin(call)
            self._set_state("on")

    def on_event(self, call: RealtimeSession, event: ev.ServerEvent) -> None:
        """Something happened; while it is told the page asks for nothing."""
        with self._lock:
            self._tell(call, event)

    def _tell(self, call: RealtimeSession, event: ev.ServerEvent) -> None:
        match event:
            case ev.AudioDelta():
                self._screen.play(*self._record.play(event))
            case ev.AudioDone():
                self._widget.send({"type": "sound_end"})
            case ev.SpeechStarted():
                self._is_speaking = True
                self._errands.new_turn()
                if self.setup.is_interruptible:
                    self._stop_playing()
            case ev.SpeechStopped():
                self._is_speaking = False
            case ev.ResponseCreated():
                self._record.answer_begun(event)
                self._widget.is_answering = True
                if self.message == _BROKEN:
                    self._say("")
            case ev.ResponseCancelled():
                self._stop_playing()
            case ev.ResponseDone():
                self._answered(call, event)
            case ev.RateLimitsUpdated():
                self._screen.limits = event.rate_limits
            case ev.ErrorEvent():
                self._say(f"The server: {event.error.message or event.error.code or 'something went wrong'}")
            case ConnectionLost():
                self._lose()
            case Reconnected():
                self._set_state("on")
        self._screen.mark()

    def _lose(self) -> None:
        """The connection broke: what of this turn the server had is gone."""
        is_asked = self._errands.lose()
        if self._record.lose() or is_asked or self._is_speaking:
            self._say(_BROKEN)
        self._is_speaking = self._widget.is_answering = False
        self._screen.flush()
        self._set_state("reconnecting")

    def _answered(self, call: RealtimeSession, event: ev.ResponseDone) -> None:
        self._widget.is_answering = False
        answer = call.conversation.find(event.response.id)
        if answer.calls and answer.status == "completed" and self._line is not None:
            self._line.start_beside(lambda call: self._errands.run(call, answer))

    def on_tick(self, call: RealtimeSession) -> None:
        """Some time has passed."""
        with self._lock:
            self._screen.tick(self._errands)
            if self._widget.owner and time.monotonic() - self._seen_s > PAGE_GONE_S:
                self.hang_up(_GONE)

    def on_trouble(self, error: GLMError) -> None:
        """Something that was asked for could not be done."""
        self._say(str(error))

    def on_over(self, error: GLMError | None) -> None:
        """The socket is closed."""
        with self._lock:
            self._errands.stop()
            self._record.end()
            trouble = self._account.close(self._record.elapsed_s)
            self._switchboard.leave(self)
            self._set_state("ending")
            self._say(self._reason or (str(error) if error else trouble))
        try:  # before it is told to be over: who saves the notebook then has the player in it
            self._screen.finish(self._errands)
            self._screen.keep(self._errands)
        finally:
            self._set_state("over")

    # -- what the page is told; the rest of it is in `screen`

    def _interrupt(self) -> None:
        self._record.interrupt()
        self._screen.flush()

    def _stop_playing(self) -> None:
        self._record.stop_playing()
        self._screen.flush()

    def _say(self, sentence: str) -> None:
        self._screen.say(sentence)
        self.set_trait("message", sentence)

    def _set_state(self, state: str) -> None:
        self.set_trait("state", state)
        self._widget.state = state

    def _ipython_display_(self) -> None:
        """IPython's hook: transcript, player, live view."""
        self._switchboard.watch()
        with self._lock:  # a call that ends meanwhile puts its player into what is shown
            self._screen.show(self._errands, self.is_on)

    def __repr__(self) -> str:
        return f"<call with {self.setup.model}, {self.state}, {plural(len(self.conversation.entries), 'entry', 'entries')}>"
