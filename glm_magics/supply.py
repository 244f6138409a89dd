"""Who makes vectors, how they are asked, and how far it is: the values that pass between the rooms of an embedding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from .budgets import VectorMeter
from .limits import Limiter
from .money import Cost
from .posting import Attempt
from .pricing import Price
from .retries import RetryPolicy
from .tokenusage import Usage
from .vectorstore import Space


class Server(Protocol):
    """Whom vectors are asked of."""

    def embed(self, body: Mapping[str, Any]) -> Attempt:
        """One try of a request; from any thread."""
        ...

    def abort(self) -> None:
        """Breaks off what is in flight."""
        ...


@dataclass(frozen=True, slots=True)
class Spent:
    """What one embedding has used.

    Attributes:
        n_tokens: as the server counted them.
        ending: ``complete``, ``stopped`` or ``failed``, as in the ledger.
    """

    n_tokens: int
    cost: Cost | None
    elapsed_s: float
    ending: str


@dataclass(frozen=True, slots=True)
class Source:
    """Who makes the vectors, and how they are asked.

    Attributes:
        space: which vectors these are.
        width: numbers in each; None where the server decides.
        connect: gives whom to ask; called once there is something to ask.
        has_odd_dimensions: the model documents no such number of them.
        is_packed: vectors are asked for as base64.
        batch_texts: most texts in a request.
        batch_tokens: most tokens of a request's texts together, by estimate; None where there is no such limit.
        price: None where it is not known.
        meter: minds what may be spent; None: no limit.
        enter: takes what it has cost into the books.
    """

    space: Space
    width: int | None
    connect: Callable[[], Server]
    limiter: Limiter
    policy: RetryPolicy
    batch_texts: int = 64
    batch_tokens: int | None = None
    price: Price | None = None
    has_odd_dimensions: bool = False
    is_packed: bool = False
    meter: VectorMeter | None = None
    enter: Callable[[Spent], None] = lambda spent: None

    def cost_of(self, n_tokens: int) -> Cost | None:
        """Of so many tokens, as the server counted them."""
        return None if self.price is None else self.price.cost_of(Usage(n_tokens, 0, n_tokens))

    def build_body(self, texts: Sequence[str]) -> dict[str, Any]:
        """A request's body; without dimensions where none were asked for."""
        asked = {"dimensions": self.space.dimensions} if self.space.dimensions else {}
        packed = {"encoding_format": "base64"} if self.is_packed else {}
        return {"model": self.space.model, "input": list(texts), **asked, **packed}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, each text that is sent counted once; tokens and their cost are those of this run."""

    n_texts: int
    n_cached: int
    n_done: int
    n_failed: int = 0
    n_tokens: int = 0
    cost: Cost | None = None
    elapsed_s: float = 0.0
    is_over: bool = False

    @property
    def n_left(self) -> int:
        """Still to come."""
        return self.n_texts - self.n_cached - self.n_done - self.n_failed

    @property
    def per_s(self) -> float:
        """Texts a second that the server gave."""
        return self.n_done / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until the end, at this pace; None while nothing came."""
        return self.n_left / self.per_s if self.per_s else None


Listener: TypeAlias = Callable[[Progress], None]
