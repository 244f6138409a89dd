"""Who makes vectors, how they are asked, and how far it is: the values that pass between the rooms of an embedding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from .exchange import Exchange
from .limits import Limiter
from .retries import RetryPolicy
from .vectorstore import Space


class Server(Protocol):
    """Whom vectors are asked of."""

    def embed(self, body: Mapping[str, Any]) -> Exchange:
        """One try of a request; from any thread."""
        ...

    def abort(self) -> None:
        """Breaks off what is in flight."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """Who makes the vectors, and how they are asked.

    Attributes:
        space: which vectors these are.
        width: numbers in each; None where the server decides.
        connect: gives whom to ask; called once there is something to ask.
        batch_texts: most texts in a request.
        batch_tokens: most tokens of a request's texts together, by estimate; None where there is no such limit.
        price_words: what so many tokens cost, in words.
    """

    space: Space
    width: int | None
    connect: Callable[[], Server]
    limiter: Limiter
    policy: RetryPolicy
    batch_texts: int = 64
    batch_tokens: int | None = None
    price_words: Callable[[int], str] = lambda n_tokens: ""

    def build_body(self, texts: Sequence[str]) -> dict[str, Any]:
        """A request's body; without dimensions where none were asked for."""
        asked = {"dimensions": self.space.dimensions} if self.space.dimensions else {}
        return {"model": self.space.model, "input": list(texts), **asked}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, each text that is sent counted once; tokens and their cost are those of this run."""

    n_texts: int
    n_cached: int
    n_done: int
    n_failed: int = 0
    n_tokens: int = 0
    cost: str = ""
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
