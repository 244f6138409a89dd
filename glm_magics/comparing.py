"""Several models asked at once: each answer in a thread of its own, all of them side by side in the cell."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from .comparisons import Comparison, side_by_side
from .errors import Interrupted, OptionError, one_line
from .flow import Asking, Desk
from .formats import footer
from .jobbook import Job
from .live import interrupt_calls
from .markdown import strip_controls
from .options import Options
from .outlets import Gathering, Outlet
from .providers import PROVIDERS

if TYPE_CHECKING:
    from .client import GLMClient

MOST_MODELS = 12
_EVERY_S = 0.1
_NOT_TOGETHER: Mapping[str, tuple[str, str]] = {
    "chat": ("A chat goes on with one model.", "`%glm_chat fork NAME NEW` lets each model have its own."),
    "background": ("Several models answer in the foreground.", "Leave --background away, or ask each in a cell of its own."),
    "dry_run": ("--dry-run shows the request of one model.", "Name one."),
}


class ManyDesk(Desk, Protocol):
    """What a comparison needs of the session."""

    def client_of(self, choice: str, is_cached: bool) -> GLMClient: ...


def names_several(options: Options) -> bool:
    """True where the model is a list, ``glm-4.7,glm-4.6``; a word of it may name a connection, ``sandbox:glm-4.7``."""
    return "," in (options.model or "")


@dataclass(slots=True)
class Comparing:
    """One question to several models.

    Attributes:
        desk: the session.
        options: of the question; `model` is the list.
    """

    desk: ManyDesk
    options: Options

    def run(self, content: Sequence[object]) -> Comparison:
        """Asks them all, shows and keeps what comes.

        Raises:
            InputError, NoProviderError: nothing was sent to any of them.
            GLMError: all failed; it is the first one's.
            Interrupted: ■ stopped them; `.reply` is the comparison of what came.
        """
        names, askings = self._askings()
        requests = [asking.build(content) for asking in askings]
        gatherings = [Gathering() for _ in names]
        columns = Columns(dict(zip(names, gatherings, strict=True)))
        outlet = self.desk.stage.outlet(self.options, columns, 0, self.desk.jobs.pause_s)
        triples = zip(askings, requests, gatherings, strict=True)
        jobs = [asking.job(request, gathering) for asking, request, gathering in triples]
        if outlet is not None:
            outlet.open(columns.markdown())
        is_stopped = self._follow(jobs, outlet)
        comparison = Comparison(
            {name: job.reply for name, job in zip(names, jobs, strict=True)},
            {name: job.error for name, job in zip(names, jobs, strict=True) if job.error is not None},
        )
        return self._keep(comparison, outlet, is_stopped)

    def _askings(self) -> tuple[list[str], list[Asking]]:
        """Who is asked, under which names, and the questions to them."""
        for name, (what, way_out) in _NOT_TOGETHER.items():
            if getattr(self.options, name):
                raise OptionError(what, way_out)
        words = [word.strip() for word in (self.options.model or "").split(",")]
        if not all(words) or len(words) > MOST_MODELS:
            raise OptionError(
                "The list of models is not whole.", f"Write `-m glm-4.7,glm-4.6`, {MOST_MODELS} at most, no spaces."
            )
        names: list[str] = []
        askings: list[Asking] = []
        budget = None if self.options.budget is None else self.options.budget / len(words)
        for word in words:
            choice, colon, rest = word.partition(":")
            is_elsewhere = bool(colon) and choice.lower() in (*PROVIDERS, "sandbox")
            options = replace(self.options, model=rest if is_elsewhere else word, budget=budget)
            partner = self.desk.client_of(choice.lower(), options.cache) if is_elsewhere else None
            askings.append(Asking(self.desk, options, partner=partner))
            n_same = sum(asked == word for asked in words[: len(names)])
            names.append(f"{word} ({n_same + 1})" if n_same else word)
        return names, askings

    def _follow(self, jobs: Sequence[Job], outlet: Outlet | None) -> bool:
        """Until all are over; True when ■ stopped them."""
        stops: list[None] = []

        def stop() -> None:
            stops.append(None)
            for job in jobs:
                job.stop()

        with interrupt_calls(stop):
            for job in jobs:
                job.start()
            while not all(job.wait(0.0) for job in jobs):
                next(job for job in jobs if not job.ended.done()).wait(_EVERY_S)
                if outlet is not None:
                    outlet.flush()
        if outlet is not None:
            outlet.close()
        return bool(stops)

    def _keep(self, comparison: Comparison, outlet: Outlet | None, is_stopped: bool) -> Comparison:
        if outlet is None and not self.options.quiet:
            for name in comparison.models:
                reply = comparison[name]
                said = reply.text or str(comparison.errors.get(name, ""))
                sys.stdout.write(f"{one_line(name, 80)}\n\n{strip_controls(said)}\n\n{footer(reply)}\n\n")
        self.desk.stage.keep(comparison, self.options, is_shown=not self.options.quiet)
        if is_stopped:
            raise Interrupted(comparison)
        if len(comparison.errors) == len(comparison):
            error = next(iter(comparison.errors.values()))
            error.reply = comparison
            raise error
        return comparison


class Columns:
    """Several gatherings as one, an `outlets.Gathered`."""

    def __init__(self, gatherings: Mapping[str, Gathering]) -> None:
        self._gatherings = gatherings

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The records of all answers."""
        return {"glm": {"comparison": [one.metadata.get("glm", {}) for one in self._gatherings.values()]}}

    @property
    def others(self) -> Sequence[tuple[Mapping[str, str], Mapping[str, Any]]]:
        """Pictures and players, each below the name of its model."""
        found: list[tuple[Mapping[str, str], Mapping[str, Any]]] = []
        for name, gathering in self._gatherings.items():
            if gathering.others:
                found += [({"text/markdown": f"**{one_line(name, 80)}**", "text/plain": name}, {}), *gathering.others]
        return found

    def markdown(self, most_chars: int | None = None) -> str:
        """The texts side by side; the limit is for all of them together."""
        most = None if most_chars is None else most_chars // len(self._gatherings)
        return side_by_side({name: one.markdown(most) for name, one in self._gatherings.items()})
