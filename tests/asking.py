"""Somebody to ask, for the tests of the grounding widget: answers by a script, in a thread, word by word."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from glm_magics.asking import Listener, Question
from glm_magics.replies import Reply


class ScriptedAsker:
    """Gives its answers in turn, the last one again and again.

    Args:
        answers: texts; a text that begins with ``!`` is a failure, ``words!why`` one after some words.
        delay_s: the time between two pieces.
        thinking: told before each answer.
        pause: called before each piece, and before the end, with what was told so far; may wait.
    """

    def __init__(
        self, *answers: str, delay_s: float = 0.0, thinking: str = "", pause: Callable[[str], object] = lambda told: None
    ) -> None:
        self.answers = answers or ("Nothing.",)
        self.delay_s = delay_s
        self.thinking = thinking
        self.pause = pause
        self.questions: list[Question] = []

    def __call__(self, question: Question, listener: Listener) -> ScriptedAnswering:
        text = self.answers[min(len(self.questions), len(self.answers) - 1)]
        self.questions.append(question)
        answering = ScriptedAnswering(listener, text, self.thinking, self.delay_s, self.pause)
        answering.thread.start()
        return answering


class ScriptedAnswering:
    """One scripted answer under way."""

    def __init__(self, listener: Listener, text: str, thinking: str, delay_s: float, pause: Callable[[str], object]) -> None:
        self._listener = listener
        self._text, _, self._failure = text.partition("!")
        self._thinking = thinking
        self._delay_s = delay_s
        self._pause = pause
        self._stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def stop(self) -> None:
        self._stopped.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        self.thread.join(timeout_s)
        return not self.thread.is_alive()

    def _run(self) -> None:
        told: list[str] = []
        if self._thinking:
            self._listener.on_text("", self._thinking)
            self._stopped.wait(self._delay_s)
        for piece in _pieces(self._text):
            self._pause("".join(told))
            if self._stopped.is_set():
                break
            self._listener.on_text(piece, "")
            told.append(piece)
            if self._delay_s:
                self._stopped.wait(self._delay_s)
        self._pause("".join(told))
        ending = "stopped" if self._stopped.is_set() else "cut short" if self._failure and told else ""
        reply = Reply(text="".join(told), thinking=self._thinking, ending=ending) if told or self._thinking else None
        self._listener.on_done(reply, self._failure)


def _pieces(text: str, n_chars: int = 6) -> Sequence[str]:
    return [text[start : start + n_chars] for start in range(0, len(text), n_chars)]
