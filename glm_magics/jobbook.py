"""Answers in the background: a thread each, and a list in which they can be looked at and stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias, overload

from .display import Painter
from .errors import ChatError, GLMError, Interrupted, OptionError, one_line
from .frontends import Publish
from .markdown import make_safe
from .outlets import Gathering, Outlet
from .replies import Reply, ReplyFold
from .retries import Waiting
from .settling import wait_for

State: TypeAlias = Literal["waiting", "answering", "done", "stopped", "failed"]

MOST_LISTED = 200
PAINTS_PER_S = 20
"""Of all jobs together: a page repaints each of them whole."""

_LEAST_PAUSE_S = 0.1
_TAKEN_CHARS_PER_S = 1_000_000
_FIRST_WORDS_CHARS = 60
_CLOSE_S = 1.0
_HEADS = ("job", "state", "cell", "model", "time", "tokens", "first words")


@dataclass(frozen=True, slots=True)
class Errand:
    """What a job has to do.

    Attributes:
        run: asks and gives the answer; raises what `Exchange.run` does.
        stop: ends `run` soon.
        cell: its number; 0 outside of a notebook.
        chat: the chat that the answer goes into; empty without one.
    """

    run: Callable[[], Reply]
    stop: Callable[[], None]
    cell: int = 0
    chat: str = ""


class Job:
    """One answer in the background; fills in `reply`.

    Args:
        errand: what to do.
        reply: promised to the user; has the model's name.
        gathering: what is painted of it, and the sentence that it ends with.
        outlet: where it is shown; None shows nothing.
    """

    def __init__(self, errand: Errand, reply: Reply, gathering: Gathering, outlet: Outlet | None = None) -> None:
        self.number = 0
        self.errand = errand
        self.reply = reply
        self.gathering = gathering
        self.outlet = outlet
        self.error: GLMError | None = None
        self.ended: Future[None] = Future()
        self.fold: ReplyFold | None = None
        self._started_s = time.monotonic()
        reply.job = self

    def start(self) -> None:
        """Begins; whatever the thread publishes belongs to the cell that runs now."""
        context = copy_context()
        threading.Thread(target=context.run, args=(self._run,), name="glm-job", daemon=True).start()

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.ended.done():
            return "failed" if self.error else "stopped" if self.reply.ending == "stopped" else "done"
        has_words = self.fold is not None and bool(self.fold.text_pieces or self.fold.thinking_pieces)
        return "answering" if has_words else "waiting"

    @property
    def elapsed_s(self) -> float:
        """From its beginning, or as the answer says once that is there."""
        return self.reply.elapsed_s if self.ended.done() else time.monotonic() - self._started_s

    def grow(self, fold: ReplyFold) -> None:
        """Takes over what has come so far."""
        self.fold = fold
        self.reply.text = "".join(fold.text_pieces)

    def stop(self) -> None:
        """Ends it soon; what came is kept."""
        self.errand.stop()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until it is over; False when it still runs after `timeout_s`."""
        return wait_for(self.ended, timeout_s)

    def _run(self) -> None:
        try:
            reply = self.errand.run()
        except (GLMError, Interrupted) as error:
            self._end(error.reply, error)
        except BaseException as error:  # never a job that seems to run for ever
            self._end(
                None, GLMError(f"The job broke: {type(error).__name__}: {one_line(str(error), 200)}.", "Run the cell again.")
            )
        else:
            self._end(reply, None)

    def _end(self, reply: object, error: GLMError | Interrupted | None) -> None:
        if isinstance(reply, Reply):
            _fill(self.reply, reply)
        elif isinstance(error, Interrupted):
            self.reply.ending = "stopped"
        if isinstance(error, GLMError):
            self.error = error
            error.reply = self.reply if isinstance(reply, Reply) else None
        try:
            if self.error is not None:
                self.gathering.fail(self.error)
            if self.outlet is not None:
                self.outlet.close()
        finally:
            self.ended.set_result(None)

    def row(self) -> list[str]:
        """For people, as `_HEADS` says."""
        usage = self.reply.usage
        tokens = f"{usage.total_tokens:,}" if usage else ""
        words = one_line(self.reply.text, _FIRST_WORDS_CHARS) or (one_line(str(self.error), 100) if self.error else "")
        cell = f"[{self.errand.cell}]" if self.errand.cell else ""
        return [str(self.number), self.state, cell, one_line(self.reply.model, 40), f"{self.elapsed_s:.1f} s", tokens, words]

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()  # a reply can be pickled; its thread cannot


def _fill(promised: Reply, reply: Reply) -> None:
    for row in fields(Reply):
        if row.name not in ("job", "is_on_display"):
            setattr(promised, row.name, getattr(reply, row.name))


class JobPainter:
    """Paints for a job: a `display.Painter` that hands on to another, and repaints the output when it is time.

    Args:
        inner: paints into the job's outlet.
        job: whose answer it is.
    """

    def __init__(self, inner: Painter, job: Job) -> None:
        self._inner = inner
        self._job = job

    def start(self, model: str) -> None:
        """As `display.Painter`."""
        self._inner.start(model)
        self._flush()

    def wait(self, waiting: Waiting) -> None:
        """As `display.Painter`."""
        self._inner.wait(waiting)
        self._flush()

    def paint(self, fold: ReplyFold, now_s: float) -> float:
        """As `display.Painter`."""
        pause_s = self._inner.paint(fold, now_s)
        self._job.grow(fold)
        self._flush()
        n_chars = len(self._job.reply.text)
        return max(pause_s, _LEAST_PAUSE_S, n_chars / _TAKEN_CHARS_PER_S)

    def finish(self, fold: ReplyFold, reply: Reply) -> None:
        """As `display.Painter`."""
        self._inner.finish(fold, reply)
        self._flush()

    def abandon(self) -> None:
        """As `display.Painter`."""
        self._inner.abandon()

    def _flush(self) -> None:
        if self._job.outlet is not None:
            self._job.outlet.flush()


class Jobs(Sequence[Job]):
    """The jobs of a session, oldest first; shows itself as a table."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._n = 0

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> list[Job]: ...
    def __getitem__(self, index: int | slice) -> Job | list[Job]:
        return self._jobs[index]

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def running(self) -> list[Job]:
        """Those that are not over."""
        return [job for job in list(self._jobs) if not job.ended.done()]

    def pause_s(self) -> float:
        """Between two repaints of one of them."""
        return max(_LEAST_PAUSE_S, len(self.running) / PAINTS_PER_S)

    def check_chat(self, name: str) -> None:
        """Raises ChatError when a running job will add a turn to that chat: a second question would not know of it."""
        for job in self.running:
            if name and job.errand.chat == name:
                raise ChatError(
                    f"Job {job.number} still answers in the chat `{one_line(name, 60)}`.",
                    f"`%glm_jobs wait {job.number}` waits for it, `%glm_chat fork {name} NEW` goes on beside it.",
                )

    def start(self, job: Job) -> Job:
        """Lists a job and begins it."""
        self._n += 1
        job.number = self._n
        self._jobs.append(job)
        over = [old for old in self._jobs if old.ended.done()]
        for old in over[: max(0, len(self._jobs) - MOST_LISTED)]:
            self._jobs.remove(old)
        job.start()
        return job

    def find(self, number: int) -> Job:
        """The job of that number.

        Raises:
            OptionError: there is none.
        """
        for job in self._jobs:
            if job.number == number:
                return job
        raise OptionError(f"There is no job {number}.", "`%glm_jobs` lists them.")

    def stop(self, number: int | None = None) -> None:
        """Stops one, or all that run; what came is kept.

        Raises:
            OptionError: there is no such job.
        """
        for job in self.running if number is None else [self.find(number)]:
            job.stop()

    def wait(self, number: int | None = None, timeout_s: float | None = None, publish: Publish | None = None) -> None:
        """Until one is over, or all are; ■ ends the waiting alone.

        Args:
            publish: sends their outputs once more, from the cell that waits.

        Raises:
            OptionError: there is no such job.
        """
        jobs = self.running if number is None else [self.find(number)]
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        for job in jobs:
            is_over = job.wait(None if end_s is None else max(0.0, end_s - time.monotonic()))
            if is_over and publish is not None and job.outlet is not None:
                job.outlet.show_again(publish)

    def close(self) -> None:
        """Stops all, and gives them a moment to say so."""
        self.stop()
        self.wait(timeout_s=_CLOSE_S)

    def __repr__(self) -> str:
        return self._repr_mimebundle_()["text/plain"]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        if not self._jobs:
            return {"text/plain": "Nothing was asked in the background: `%%glm --background` does."}
        rows = [list(_HEADS), *(job.row() for job in self._jobs)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        plain = "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        cells = [[cell.replace("|", "\\|").replace("$", "\\$") for cell in row] for row in rows]
        cells.insert(1, ["---"] * len(_HEADS))
        return {"text/plain": plain, "text/markdown": make_safe("\n".join(f"| {' | '.join(row)} |" for row in cells))}
