"""One call: a WebSocket kept alive, paced and made again when it breaks, with everything said kept as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import BadRequestError, CutShortError, GLMError, InputError, OptionError
from ..providers import Connection
from ..retries import RetryPolicy
from ..waves import write_wave
from . import client_events as say
from . import server_events as ev
from .bills import Bill, check_billed
from .conversation import KEPT_AUDIO_S, Answer, Conversation
from .link import LinkLost
from .local_events import Reconnected
from .mailbox import OVER_WAY_OUT, Mailbox
from .objects import make_update
from .outcomes import ENDS_OF_WAITING, Outcomes, lose
from .pacing import Pacer
from .setup import CallSetup, change_setup, check_patience, check_setup
from .steadylink import SteadyLink
from .values import Item

REPLY_TIMEOUT_S = 15.0
SILENCE_S = 75.0
"""Two heartbeats and a half: a server that says nothing for so long is gone (it sends one every 30 s)."""

_Event = TypeVar("_Event", bound=ev.ServerEvent)


class RealtimeSession:
    """A call with a Realtime model. ``async with`` opens and closes it; ``async for`` gives its events as they come.

    Attributes:
        setup: how it is set up.
        conversation: what was said so far.

    Args:
        connection: who answers.
        setup: checked by `check_setup`.
        silence_s: how long the server may say nothing before the connection counts as broken.
        retry: how often, and after what pauses, a broken connection is made again.
        kept_audio_s: seconds of the assistant's sound that the conversation keeps.
        transcribes_only: nothing is answered; what is heard is written down.
        conversation: an earlier one, to go on with: the server is told its words.
        elapsed_s: where its time line goes on.
        bill: where the call is written down when it is over, and what ends it when the money is spent; None: nowhere.
    """

    def __init__(
        self,
        connection: Connection,
        setup: CallSetup,
        *,
        silence_s: float = SILENCE_S,
        retry: RetryPolicy | None = None,
        kept_audio_s: float = KEPT_AUDIO_S,
        transcribes_only: bool = False,
        conversation: Conversation | None = None,
        elapsed_s: float = 0.0,
        bill: Bill | None = None,
    ) -> None:
        self.conversation = conversation or Conversation(kept_audio_s)
        self._transcribes_only = transcribes_only
        self._use(check_setup(setup))
        self._earlier_s = elapsed_s
        self._n_earlier_answers = len(self.conversation.answers)
        self._bill = bill
        self._minder: asyncio.Task[None] | None = None
        self._link = SteadyLink(connection, silence_s, retry or RetryPolicy())
        self._reader: asyncio.Task[None] | None = None
        self._started_s = self._ended_s = 0.0
        self._pacer, self._mailbox, self._answered = Pacer(), Mailbox(), Outcomes()
        self._is_up = asyncio.Event()

    # Opening and closing

    async def open(self) -> Self:
        """Connects and sets the session up.

        Raises:
            APIError: the server refused the key, the call, or the setup.
            NetworkError: it cannot be reached, or does not answer.
            InputError, NoProviderError: nothing was sent.
        """
        if self._reader or self._mailbox.is_over:
            raise InputError("This call was opened before.", OVER_WAY_OUT)
        await self._link.open()
        self._started_s = time.monotonic() - self._earlier_s
        self._is_up.set()
        self._reader = asyncio.create_task(self._read(), name="glm-realtime")
        try:
            await self._set_up()
            for item in self.conversation.retelling():
                await self.send(say.ItemCreate(item))
            if self._bill:
                self._minder = asyncio.create_task(self._mind(self._bill), name="glm-bill")
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Hangs up; nothing happens when it was done before."""
        self._mailbox.end()
        self._is_up.set()
        for task in (self._minder, self._reader):
            if task:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._end()

    async def _end(self, error: GLMError | None = None) -> None:
        """Nothing more will come: wakes everybody, lets go of the socket, writes the call down."""
        self._ended_s = self._ended_s or self.elapsed_s
        self._mailbox.end(error)
        self._is_up.set()
        self.conversation.give_up_writing()
        try:
            await self._link.drop()
        finally:
            if self._bill:
                seconds = self._ended_s - self._earlier_s if self._minder else 0.0
                self._bill.settle(seconds, self.conversation.answers[self._n_earlier_answers :], self._mailbox.error)

    async def _mind(self, bill: Bill) -> None:
        error = await bill.until_spent(lambda: self.elapsed_s - self._earlier_s)
        if self._reader and not self._mailbox.is_over:
            self._reader.cancel()  # it would connect again
            await self._end(error)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def __await__(self) -> Generator[Any, None, Self]:
        return self.open().__await__()

    @property
    def is_connected(self) -> bool:
        """False while a broken connection is made again, and after the end."""
        return self._is_up.is_set() and not self._mailbox.is_over

    @property
    def elapsed_s(self) -> float:
        """Seconds of the call so far; when it is over, of all of it."""
        return self._ended_s or time.monotonic() - self._started_s

    async def update(self, **changes: Any) -> None:
        """Changes the setup in the middle of a call; names are those of `CallSetup`.

        Raises:
            OptionError, ModelError: a value that is not allowed, or one that the call's bill is made out by.
            BadRequestError: the server refused it.
        """
        before, setup = self.setup, change_setup(self.setup, changes)
        if self._bill:
            check_billed(before, setup)
        self._use(setup)
        try:
            await self._set_up(before)
        except BadRequestError:
            self._use(before)
            raise

    def _use(self, setup: CallSetup) -> None:
        self.setup = setup
        comes_unasked = setup.vad == "server" and setup.is_answered_unasked
        self.conversation.is_answered_unasked = comes_unasked and not self._transcribes_only

    async def _set_up(self, before: CallSetup | None = None) -> None:
        kind = ev.TranscriptionSessionUpdated if self._transcribes_only else ev.SessionUpdated
        await self._ask(make_update(self.setup, before, self._transcribes_only), lambda got: isinstance(got, kind))

    # Speaking

    async def append(self, samples: bytes) -> None:
        """Sends a piece of sound (16-bit mono, `setup.input_rate_hz` a second), waiting so long that the server drops none.

        Half a sample at its end is left out. 100 ms at a time are advised.
        """
        whole = samples[: len(samples) // 2 * 2]
        if not whole:
            return
        await asyncio.sleep(self._pacer.wait_s(time.monotonic()))
        self._pacer.note(time.monotonic())
        is_wav = self.setup.input_format == "wav"  # each append has a header of its own there
        await self.send(say.AudioAppend(write_wave(whole, self.setup.input_rate_hz) if is_wav else whole))

    async def append_frame(self, jpeg: bytes) -> None:
        """Sends a picture of the camera or screen.

        Raises:
            InputError: it is no JPEG, or the call is without video.
        """
        if not self.setup.has_video:
            raise InputError("This call is without video.", "Open it with has_video=True.")
        if not jpeg.startswith(b"\xff\xd8"):
            raise InputError("A video frame is no JPEG.", "Give the bytes of a JPEG file.")
        await self.send(say.VideoFrameAppend(jpeg))

    async def commit(self) -> None:
        """What was appended is the user's turn; under client VAD only, the server decides otherwise."""
        if self.setup.vad != "client":
            raise OptionError("The server's VAD commits by itself.", "Open the call with vad='client' to do it.")
        await self.send(say.AudioCommit())

    async def clear(self) -> None:
        """Forgets what was appended and not committed."""
        await self.send(say.AudioClear())

    async def write(self, text: str, role: str = "user") -> None:
        """Adds typed words to the conversation; `respond` asks for an answer.

        Raises:
            OptionError: there are no words.
        """
        if not text.strip():
            raise OptionError("There is nothing to say.", "Write some words.")
        await self.send(say.ItemCreate(Item("message", role, text)))
        self.conversation.add_words(role, text, self.elapsed_s)

    async def give_results(self, outputs: Sequence[str]) -> None:
        """What the functions gave, one text for each call in their order (results carry no id here), and asks to go on."""
        self._check_answers()
        for output in outputs:
            await self.send(say.ItemCreate(Item("function_call_output", output=output or "null")))
            self.conversation.add_words("tool", output, self.elapsed_s)
        await self.respond()

    async def respond(self) -> None:
        """Asks the model to answer.

        Raises:
            OptionError: the call only writes down what is heard.
        """
        self._check_answers()
        await self.send(say.ResponseCreate())

    def _check_answers(self) -> None:
        if self._transcribes_only:
            raise OptionError("This call only writes down what is heard.", "For answers open it without transcribes_only=True.")

    async def cancel(self) -> None:
        """Stops the answer that is being made; nothing happens when there is none."""
        if self.conversation.running:
            await self.send(say.ResponseCancel())

    async def retrieve(self, item_id: str) -> Item:
        """An item of the server's conversation.

        Raises:
            BadRequestError: it does not know it.
        """
        found = await self._ask(
            say.ItemRetrieve(item_id), lambda got: isinstance(got, ev.ItemRetrieved) and got.item.id in (item_id, "")
        )
        assert isinstance(found, ev.ItemRetrieved)
        return found.item

    async def delete(self, item_id: str) -> None:
        """Takes an item out of the server's conversation.

        Raises:
            BadRequestError: it does not know it.
        """
        await self._ask(say.ItemDelete(item_id), lambda got: isinstance(got, ev.ItemDeleted))

    async def send(self, event: say.ClientEvent) -> None:
        """Any client event. While a broken connection is made again it waits.

        Raises:
            CutShortError: the call is over.
        """
        while True:
            while not self._is_up.is_set():  # it may have broken again before this woke
                await self._is_up.wait()
            if self._mailbox.is_over or not self._link.is_open:
                raise self._mailbox.error or CutShortError("The call is over.", OVER_WAY_OUT)
            is_asking, n_losses = isinstance(event, say.ResponseCreate), self.conversation.n_losses
            if is_asking:
                self._answered.clear()
            self.conversation.owe(is_asking)
            try:
                await self._link.send(event)
                return
            except LinkLost:
                if is_asking and self.conversation.n_losses > n_losses:
                    return  # the reader noticed first, and has told that it must be asked again
                self.conversation.owe(-is_asking)  # it is sent again: nothing is lost
                self._is_up.clear()  # the reader notices too, and makes it again
                await asyncio.sleep(0)

    # Hearing

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ev.ServerEvent:
        return await self._mailbox.next()

    @property
    def n_missed(self) -> int:
        """Events that nobody read and that were let go."""
        return self._mailbox.n_missed

    async def wait_for(self, kind: type[_Event], timeout_s: float | None = None) -> _Event:
        """The next event of a kind.

        Raises:
            NetworkError: it did not come in time.
        """
        check_patience(timeout_s)
        found = await self._mailbox.wait(lambda event: isinstance(event, kind), timeout_s)
        assert isinstance(found, kind)
        return found

    async def answer(self, timeout_s: float | None = None) -> Answer:
        """The next answer that is over, each once; `respond` lets go of those that nobody asked for.

        One that the connection broke off is given as far as it came; its status is ``lost``.

        Raises:
            BadRequestError: the server could not answer.
            NetworkError: nothing came in time.
            CutShortError: the call is over, or the connection broke before the answer began: the question must be asked again.
            OptionError: the call only writes down what is heard.
        """
        check_patience(timeout_s)
        self._check_answers()
        while not self._answered:
            await self._mailbox.wait(lambda event: isinstance(event, ENDS_OF_WAITING), timeout_s)
        return self._answered.take()

    async def _ask(self, event: say.ClientEvent, is_reply: Callable[[ev.ServerEvent], bool]) -> ev.ServerEvent:
        waiting = asyncio.ensure_future(self._mailbox.wait(is_reply, REPLY_TIMEOUT_S, fails_on_error=True))
        await asyncio.sleep(0)  # the waiting has begun before anything can come
        try:
            await self.send(event)
            return await waiting
        finally:
            waiting.cancel()

    def _take(self, event: ev.ServerEvent) -> None:
        is_owed = self.conversation.is_busy and self.conversation.running is None
        self.conversation.add(event, self.elapsed_s)
        if isinstance(event, ev.ResponseDone):
            self._answered.add(self.conversation.find(event.response.id))
        elif isinstance(event, ev.ErrorEvent) and is_owed:  # in place of an answer
            self._answered.add(event)
        self._mailbox.put(event)

    # The connection

    async def _read(self) -> None:
        broken = ""
        try:
            while True:
                try:
                    if broken:
                        await self._connect_again(broken)
                        broken = ""
                    self._take(await self._link.receive())
                except LinkLost as lost:  # a new connection may break too while it is set up
                    broken = lost.reason
        except GLMError as error:
            await self._end(error)

    async def _connect_again(self, reason: str) -> None:
        self._is_up.clear()
        await self._link.drop()
        told = self.conversation.retelling()
        lost, outcomes = lose(self.conversation, reason, comes_unasked=self.conversation.is_answered_unasked)
        self._answered.add(*outcomes)
        self._take(lost)
        await self._link.open_again(reason)
        update = make_update(self.setup.without_greeting(), None, self._transcribes_only)
        for event in (update, *map(say.ItemCreate, told)):
            await self._link.send(event)
        self._take(Reconnected(type="connection.made_again", n_retold=len(told)))
        self._is_up.set()
