"""A recording as the user's side of a call: sent in real time or faster, and what came of it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from ..chosen import chosen_books, chosen_connection
from ..errors import Interrupted, MediaError, NetworkError, OptionError, one_line
from ..markdown import make_safe, strip_controls
from ..notes import note
from ..providers import Connection
from ..speech import Speech
from .bills import Bill
from .conversation import Answer, Conversation, Entry
from .pacing import cut, frame_s, split_turns
from .recordings import Recording, read_recording
from .server_events import AudioCommitted, FunctionCallDone, ResponseDone
from .session import RealtimeSession
from .setup import MAX_TURN_S, OUTPUT_RATE_HZ, check_number, check_setup, make_setup

_T = TypeVar("_T")
_SILENCE_S = 1.5
"""Sent after a recording, so that the server's VAD hears its end: its longest usual pause, and some."""

_SETTLE_S = 0.25
"""Events of one answer may come after its end."""

_UNHEARD_S = 3.0
"""How long to wait for an answer where the server has heard nothing so far."""

_NOTICE_S = 1.0
"""How long the server may take to notice a pause."""

_MARGIN_S = 0.2
_LOOK_S = 0.005
_HANG_UP_S = 5.0
MAX_ROUNDS = 8
"""Of functions asking for functions, before the user says something again; then the model is told to stop."""

_TOO_MANY = '{"error": "Too many functions were called in a row; answer with what is known."}'


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said in a call.

    Attributes:
        entries: both sides, in order; see `Said` and `Answer`.
        speech: everything the assistant said aloud, one answer after the other; None when it said nothing.
        seconds: how long the call was.
    """

    entries: tuple[Entry, ...]
    speech: Speech | None = field(repr=False)
    seconds: float

    @property
    def answers(self) -> list[Answer]:
        """The assistant's side."""
        return [entry for entry in self.entries if isinstance(entry, Answer)]

    @property
    def text(self) -> str:
        """The assistant's words."""
        return "\n\n".join(answer.text for answer in self.answers if answer.text)

    @property
    def transcript(self) -> list[tuple[str, float, str]]:
        """Who, when (seconds of the call), what."""
        return [(entry.who, entry.at_s, entry.text) for entry in self.entries if entry.text]

    def to_frame(self) -> Any:
        """The transcript as a pandas DataFrame with columns who, when_s, text."""
        import pandas as pd

        return pd.DataFrame(self.transcript, columns=["who", "when_s", "text"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        lines = [f"**{who}** {at_s:.1f} s  \n{make_safe(text)}" for who, at_s, text in self.transcript]
        plain = "\n".join(f"{who} {at_s:.1f} s: {strip_controls(text)}" for who, at_s, text in self.transcript)
        return {"text/markdown": "\n\n".join(lines), "text/plain": plain}


def talk_file(
    source: object,
    *,
    speed: float = 1.0,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    connection: Connection | None = None,
    timeout_s: float = 60.0,
    **setup: Any,
) -> Talk:
    """Sends a recording as the user's side of a call; gives what both sides said. It needs no event loop, and bears one.

    The call is entered in the ledger of ``%glm_usage``.

    Args:
        source: a path, bytes of a file, `Sound`, or sound of an answer or a call.
        speed: 1.0 as it sounds; 4.0 four times as fast; ``float("inf")`` as fast as the server lets it. Faster than it sounds, it
            waits for each answer before it goes on.
        functions: by name: called with the arguments of the model's calls; what they give goes back to it.
        connection: who answers; as ``%glm_connect`` chose where it is None.
        timeout_s: the longest silence of the server after the end of the recording.
        setup: the fields of `CallSetup`; the input format is the recording's.

    Raises:
        GLMError: the recording, an option, the server or the network; see `glm_magics.errors`.
        BudgetError: `%config GLM.session_budget` is spent, before the call or in the midst of it.
        Interrupted: the user stopped it; the call was closed.
    """
    check_number("speed", speed, lambda times: times > 0, "Give 1 for real time, or more.")
    check_number("timeout_s", timeout_s, lambda seconds: seconds > 0, "Give a number of seconds above 0.")
    _check_functions(functions)
    chosen = check_setup(make_setup(setup))
    recording = read_recording(source)
    chosen = replace(chosen, input_format=recording.input_format)
    if chosen.vad == "client" and recording.seconds > MAX_TURN_S:
        raise MediaError(
            f"The recording is {recording.seconds:.0f} s long; one turn takes {MAX_TURN_S:.0f} s.", "Use vad='server', or cut it."
        )
    who = connection or chosen_connection()
    bill = Bill(chosen_books(), who.provider, chosen)

    async def talk() -> Talk:
        async with RealtimeSession(who, chosen, kept_audio_s=float("inf"), bill=bill) as call:
            return await _talk(call, recording, speed, functions or {}, timeout_s)

    try:
        return run_in_thread(talk)
    finally:
        if bill.trouble:
            note(bill.trouble, stacklevel=2)


def _check_functions(functions: object) -> None:
    is_right = functions is None or (isinstance(functions, Mapping) and all(map(callable, functions.values())))
    if not is_right:
        raise OptionError("functions is no mapping of functions.", 'Write functions={"name": function}.')


async def _talk(
    call: RealtimeSession, recording: Recording, speed: float, functions: Mapping[str, Callable[..., Any]], timeout_s: float
) -> Talk:
    helper = _Helper(call, functions)
    try:
        await _send(call, helper, recording, speed, timeout_s)
        if call.setup.vad == "client":
            await call.commit()
        if not call.conversation.is_answered_unasked:
            await call.respond()
        await _until_quiet(call, helper, timeout_s)
    finally:
        await helper.stop()
    return _result(call.conversation, call.elapsed_s)


async def _send(call: RealtimeSession, helper: _Helper, recording: Recording, speed: float, timeout_s: float) -> None:
    """The recording, and the silence after it where the server has to notice its end."""
    samples, pause_s = recording.samples, (call.setup.silence_ms or 500) / 1000 + _MARGIN_S
    if call.setup.vad == "client":
        await _send_turn(call, recording, samples, speed)
        return
    samples += bytes(round(max(_SILENCE_S, 2 * pause_s) * recording.rate_hz) * 2)
    if speed <= 1:
        await _send_turn(call, recording, samples, speed)
        return
    for turn in split_turns(samples, recording.rate_hz, pause_s):  # else the next words would interrupt each answer
        await _send_and_hear(call, recording, turn, speed)
        await _until(lambda: not (call.conversation.is_busy or helper.is_busy), timeout_s)


async def _send_and_hear(call: RealtimeSession, recording: Recording, turn: bytes, speed: float) -> None:
    n_heard = call.conversation.n_heard
    await _send_turn(call, recording, turn, speed)
    await _until(lambda: call.conversation.n_heard > n_heard, _NOTICE_S)


async def _send_turn(call: RealtimeSession, recording: Recording, samples: bytes, speed: float) -> None:
    due_s, size_s = time.monotonic(), frame_s(speed)
    for piece in cut(samples, recording.rate_hz, size_s):
        await asyncio.sleep(due_s - time.monotonic())
        await call.append(piece)
        due_s = max(due_s, time.monotonic() - size_s) + size_s / speed


async def _until(is_so: Callable[[], bool], timeout_s: float) -> None:
    end_s = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < end_s:
        await asyncio.sleep(_LOOK_S)


async def _until_quiet(call: RealtimeSession, helper: _Helper, timeout_s: float) -> None:
    """Until every turn is answered, and nothing has come for a moment."""
    talk, n_events, since_s = call.conversation, -1, time.monotonic()
    while True:
        now_s = time.monotonic()
        if talk.n_events != n_events:
            n_events, since_s = talk.n_events, now_s
        is_busy = talk.is_busy or talk.is_user_speaking or helper.is_busy
        if not is_busy and now_s - since_s > (_SETTLE_S if talk.answers else _UNHEARD_S):
            return
        if now_s - since_s > timeout_s and not helper.is_busy:
            raise NetworkError(f"The server said nothing more for {timeout_s:g} s.", "Try again, or allow more with timeout_s.")
        helper.check()
        await asyncio.sleep(_LOOK_S)


class _Helper:
    """Calls the functions that the model asks for, and gives back what they give."""

    def __init__(self, call: RealtimeSession, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._call = call
        self._functions = functions
        self._n_rounds = 0
        self._done_with: set[str] = set()
        self._task = asyncio.create_task(self._listen())

    def check(self) -> None:
        """Raises what ended the call, if something did."""
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Listens no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def is_busy(self) -> bool:
        """The last answer asks for functions whose results are not with the model yet."""
        answers = self._call.conversation.answers
        return bool(answers) and self._is_asked(answers[-1]) and answers[-1].id not in self._done_with

    def _is_asked(self, answer: Answer) -> bool:
        return bool(self._functions and answer.calls) and answer.status == "completed"

    async def _listen(self) -> None:
        async for event in self._call:
            if isinstance(event, AudioCommitted):  # the user said something
                self._n_rounds = 0
            elif isinstance(event, ResponseDone):
                answer = self._call.conversation.find(event.response.id)
                if self._is_asked(answer) and self._n_rounds <= MAX_ROUNDS:
                    self._n_rounds += 1
                    await self._call.give_results([await asyncio.to_thread(self._run, call) for call in answer.calls])
                self._done_with.add(answer.id)

    def _run(self, call: FunctionCallDone) -> str:
        if self._n_rounds > MAX_ROUNDS:
            return _TOO_MANY
        return _output(self._functions, call.name, call.arguments)


def _output(functions: Mapping[str, Callable[..., Any]], name: str, arguments: str) -> str:
    """What a function gives, as JSON text; its errors too, for the model to tell."""
    function = functions.get(name)
    if function is None:
        return json.dumps({"error": f"There is no function {name}."}, ensure_ascii=False)
    try:
        given = json.loads(arguments or "{}")
        result = function(**given) if isinstance(given, dict) else function(given)
    except Exception as error:  # a function of the user's: the model is told what went wrong
        return json.dumps({"error": f"{type(error).__name__}: {one_line(str(error), 200)}"}, ensure_ascii=False)
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)


def _result(conversation: Conversation, seconds: float) -> Talk:
    sound = b"".join(bytes(answer.audio[: len(answer.audio) // 2 * 2]) for answer in conversation.answers)
    speech = Speech(sound, headerless_hz=OUTPUT_RATE_HZ) if sound else None
    return Talk(tuple(conversation.entries), speech, seconds)


def run_in_thread(make: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Runs a coroutine in an event loop of its own: a notebook's thread has one already.

    Raises:
        Interrupted: the user stopped it; the coroutine was cancelled and has ended.
    """
    done: SimpleQueue[tuple[_T | None, BaseException | None]] = SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(make())

    def run() -> None:
        try:
            done.put((loop.run_until_complete(task), None))
        except BaseException as error:
            done.put((None, error))
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run, name="glm-talk", daemon=True)
    try:
        thread.start()
        result, error = done.get()
    except KeyboardInterrupt:
        with suppress(RuntimeError):  # it has just ended
            loop.call_soon_threadsafe(task.cancel)
        with suppress(RuntimeError):  # it has not begun
            thread.join(_HANG_UP_S)
        raise Interrupted from None
    thread.join()
    if error is not None:
        raise error
    return cast(_T, result)
