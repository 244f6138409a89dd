"""Texts to vectors, each text paid for once: from the store what it has, the rest from the server, kept as it comes.

Store and server are handed in. Every batch that was answered is on disk before it is counted, so that an interrupt or a crash
costs at most what was in flight.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .batches import BatchSender, Errand, Outcome
from .errors import CacheError, EmbeddingError, GLMError, Interrupted
from .grammar import plural
from .notes import note
from .supply import Listener, Progress, Server, Source, Spent
from .texts import Plan, count_tokens, name_rows
from .tokens import text_tokens
from .vectorstore import Batch, Found, Space, VectorStore, find_keys, find_together
from .vectorwire import Vectors

if TYPE_CHECKING:
    from .vectorstore.spaces import Floats, Keys, Mask, Precision, Rows

TICK_S = 0.1
DRAIN_S = 2.0
"""How long an interrupt waits for what is in flight."""

_COPIED_ROWS = 8192
_EVEN_THE_FLOAT32: Mapping[Precision, tuple[Precision, ...]] = {"float32": ("float32",), "float16": ("float16", "float32")}
"""Whoever is content with float16 is content with float32 that is there already."""


def embed_texts(plan: Plan, source: Source, store: VectorStore | None, listen: Listener) -> Floats:
    """The vectors of a plan: float32, shape (n_rows, width), C-contiguous, each of unit length.

    Raises:
        EmbeddingError: some texts have no vector; carries the others.
        CacheError: the store cannot be read; nothing was sent.
        GLMError: nothing could be had at all.
        Interrupted: the user stopped it; what was answered is in the store.
    """
    run = _Run(plan, source, store, listen)
    run.read_store()
    if run.n_missing:
        run.ask_server()
    return run.finish()


class _Run:
    """One call's state."""

    def __init__(self, plan: Plan, source: Source, store: VectorStore | None, listen: Listener) -> None:
        import numpy as np

        self._plan, self._source, self._store, self._listen = plan, source, store, listen
        self._keys: Keys = np.empty((0, 2), np.uint64)
        self._rows: Rows = np.arange(plan.n_rows) if isinstance(plan.rows, range) else np.array(plan.rows, np.int64)
        self._has: Mask = np.zeros(len(plan.texts), bool)
        self._out: Floats | None = None
        self._hits: dict[Space, tuple[int, float]] = {}
        self._twins: list[tuple[int, int]] = []
        self._to_keep: Sequence[Outcome] = ()
        self._to_count: Sequence[Outcome] = ()
        self._failures: dict[int, GLMError] = {}
        self._fatal: GLMError | None = None
        self._progress = Progress(len(plan.texts), 0, 0)
        self._started_s = time.monotonic()

    @property
    def n_missing(self) -> int:
        return len(self._has) - int(self._has.sum())

    def _allocate(self, width: int) -> Floats:
        import numpy as np

        if self._out is None:
            self._out = np.empty((self._plan.n_all, width), np.float32)
        return self._out

    # The store

    def read_store(self) -> None:
        """Makes the keys, and fills in what is there already.

        Raises:
            UnicodeEncodeError: a text holds half a surrogate pair.
        """
        import numpy as np

        wanted = self._source.space
        if self._store is None:
            self._keys = find_keys(self._plan.texts)
            return
        recall = getattr(self._store, "recall_keys", None)  # quicker, where a store has it
        self._keys = find_keys(self._plan.texts) if recall is None else recall(wanted, self._plan.texts)
        for precision in _EVEN_THE_FLOAT32[wanted.precision]:
            space = replace(wanted, precision=precision)
            width = self._source.width or self._store.find_width(space)
            left = np.flatnonzero(~self._has)
            if width is not None and len(left):
                is_all = len(left) == len(self._has)  # then nothing need be picked out
                keys, rows = (self._keys, self._rows) if is_all else (self._keys[left], self._rows[left])
                self._note(space, left, self._store.get(space, keys, self._allocate(width), rows))
        for space, (n_hits, n_tokens) in self._hits.items():
            if n_hits:
                self._store.record_hits(space, n_hits, n_tokens)
        self._progress = replace(self._progress, n_cached=int(self._has.sum()))

    def _note(self, space: Space, places: Any, found: Found) -> None:
        """What the store had of the texts at `places`."""
        self._has[places[found.is_there]] = True
        n_hits, n_tokens = self._hits.get(space, (0, 0.0))
        self._hits[space] = n_hits + found.n_hits, n_tokens + found.n_tokens

    def _keep(self, outcomes: Sequence[Outcome], is_again: bool) -> None:
        """Brings the vectors to the disk; where that fails, says so once and goes on without."""
        batches = []
        for outcome in outcomes:
            if outcome.vectors is not None and self._store is not None:
                keys = self._keys[list(outcome.errand.places)]
                usable = outcome.vectors.is_usable
                if is_again:  # the interrupt may have come at the very end of writing
                    usable = usable & ~self._store.has(self._source.space, keys)
                together = find_together(outcome.errand.texts) if usable.all() else b""
                matrix, n_tokens = outcome.vectors.matrix[usable], outcome.vectors.n_tokens
                batches.append(Batch(keys[usable], matrix, n_tokens, time.time(), together))
        if batches and self._store is not None:
            try:
                self._store.put(self._source.space, batches)
            except CacheError as error:
                self._store = None
                note(f"New vectors are not kept. {error}", stacklevel=2)

    # The server

    def ask_server(self) -> None:
        """Sends what is missing and takes what comes.

        Raises:
            BudgetError: it costs more than is left.
            GLMError: there is nobody to ask.
            Interrupted: the user stopped it.
        """
        source, server, missing = self._source, self._source.connect(), self._distinct()
        if source.meter is not None:
            source.meter.check_before(len(missing), sum(text_tokens(self._plan.texts[place]) for place in missing))
        width = source.width if self._out is None else self._out.shape[1]
        sender = BatchSender(server.embed, source.build_body, source.limiter, source.policy, width, source.has_odd_dimensions)
        sender.add(list(self._errands(missing)))
        self._progress = replace(self._progress, n_texts=self._progress.n_texts - len(self._twins))
        ending = "stopped"
        try:
            while sender.n_open and self._fatal is None:
                self._take(sender, TICK_S)
            if self._fatal is not None:
                self._drain(sender, server)
            ending = "complete" if self._fatal is None else "failed"
        except KeyboardInterrupt:
            with suppress(KeyboardInterrupt):  # a second ■ does not wait
                self._settle(is_again=True)
                self._drain(sender, server)
            n = self._progress.n_cached + self._progress.n_done
            where = "are kept; run it again to go on" if self._store is not None else "had come"
            raise Interrupted(kept=f"{n:,} of {plural(self._progress.n_texts, 'text')} {where}.") from None
        finally:
            sender.stop()
            self._tell(is_over=True)
            self._enter(ending)

    def _enter(self, ending: str) -> None:
        """Into the books, where anything was answered."""
        progress = self._progress
        if progress.n_tokens or progress.n_done:
            self._source.enter(Spent(progress.n_tokens, progress.cost, progress.elapsed_s, ending))

    def _distinct(self) -> list[int]:
        """The places of missing texts, each text once; others like them are their twins."""
        import numpy as np

        first: dict[str, int] = {}
        for place in np.flatnonzero(~self._has).tolist():
            if (same := first.setdefault(self._plan.texts[place], place)) != place:
                self._twins.append((place, same))
        return list(first.values())

    def _errands(self, missing: Sequence[int]) -> Iterator[Errand]:
        places: list[int] = []
        n_tokens = 0
        for place in missing:
            size = count_tokens(self._plan.texts[place]) if self._source.batch_tokens else 0
            is_full = len(places) == self._source.batch_texts or n_tokens + size > (self._source.batch_tokens or 0)
            if places and is_full:
                yield self._errand(places)
                places, n_tokens = [], 0
            places.append(place)
            n_tokens += size
        if places:
            yield self._errand(places)

    def _errand(self, places: list[int]) -> Errand:
        return Errand(places, [self._plan.texts[place] for place in places])

    def _drain(self, sender: BatchSender, server: Server) -> None:
        """Takes what is in flight, for a moment; the rest is broken off."""
        sender.stop()
        until_s = time.monotonic() + DRAIN_S
        while sender.n_open and (left_s := until_s - time.monotonic()) > 0:
            self._take(sender, min(TICK_S, left_s))
        if sender.n_open:
            server.abort()

    def _take(self, sender: BatchSender, timeout_s: float) -> None:
        self._to_keep = self._to_count = sender.take(timeout_s)
        self._settle()

    def _settle(self, is_again: bool = False) -> None:
        """Keeps what came, then counts it; called again, it does what an interrupt left undone."""
        self._keep(self._to_keep, is_again)
        self._to_keep = ()
        n_tokens, n_done = self._progress.n_tokens, self._progress.n_done
        for outcome in self._to_count:
            if outcome.vectors is not None:
                n_done += self._fill(outcome.errand.places, outcome.vectors)
                n_tokens += outcome.vectors.n_tokens
            if outcome.error is not None:
                self._failures.update(dict.fromkeys(outcome.failed, outcome.error))
                self._fatal = self._fatal or (outcome.error if outcome.is_fatal else None)
        self._progress = replace(self._progress, n_done=n_done, n_tokens=n_tokens, n_failed=len(self._failures))
        self._to_count = ()
        if self._source.meter is not None and self._fatal is None:
            self._fatal = self._source.meter.check(n_tokens)
        self._tell()

    def _fill(self, places: Sequence[int], vectors: Vectors) -> int:
        """Puts the usable vectors into their rows; gives their number."""
        import numpy as np

        good = np.array(places)[vectors.is_usable]
        matrix = vectors.matrix[vectors.is_usable]
        if self._source.space.precision == "float16" and self._store is not None:  # as they will come back from the store
            matrix = matrix.astype(np.float16)
        self._allocate(vectors.matrix.shape[1])[self._rows[good]] = matrix
        self._has[good] = True
        return len(good)

    def _tell(self, is_over: bool = False) -> None:
        cost = self._source.cost_of(self._progress.n_tokens)
        elapsed_s = time.monotonic() - self._started_s
        self._progress = replace(self._progress, cost=cost, elapsed_s=elapsed_s, is_over=is_over)
        self._listen(self._progress)

    # The result

    def finish(self) -> Floats:
        """The result, duplicates and split texts filled in.

        Raises:
            EmbeddingError: some have no vector.
            GLMError: none has.
        """
        import numpy as np

        if self._fatal is not None and not self._has.any():
            raise self._fatal
        out = self._allocate(self._source.width or 0)
        is_bad = np.zeros(len(out), bool)
        is_bad[self._rows[~self._has]] = True
        out[is_bad] = np.nan
        twins = self._rows[np.array(self._twins, np.int64).reshape(-1, 2)]
        for begin in range(0, len(twins), _COPIED_ROWS):
            into, from_ = twins[begin : begin + _COPIED_ROWS].T
            out[into], is_bad[into] = out[from_], is_bad[from_]
        for row, parts in self._plan.parts:
            mean = out[list(parts)].mean(axis=0)
            out[row], is_bad[row] = mean / (np.linalg.norm(mean) or 1.0), is_bad[list(parts)].any()
        result: Floats = out[: self._plan.n_rows]
        if is_bad.any():
            self._complain(np.flatnonzero(is_bad[: len(result)]).tolist(), result)
        return result

    def _complain(self, rows: list[int], result: Floats) -> None:
        error = self._fatal or next(iter(self._failures.values()))
        has_others = len(rows) < len(result)
        kept = "The others are kept." if has_others and self._store is not None else ""
        has_came = "`.vectors` of this error has what came." if has_others else ""
        raise EmbeddingError(
            f"{name_rows(rows)} of {len(result):,} {'has' if len(rows) == 1 else 'have'} no vector. {error.message}",
            " ".join(filter(None, (error.way_out, kept, has_came))),
            rows=rows,
            vectors=result if result.shape[1] else None,
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        ) from error
