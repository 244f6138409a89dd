"""Calls without a page in the books: ``glm.realtime.connect`` and ``talk_file`` in the ledger, and the session's ceiling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import glm_magics as glm
from glm_magics.errors import AuthenticationError, BudgetError, GLMError, GLMWarning, OptionError
from glm_magics.providers import Connection, Secret, sandbox_provider
from glm_magics.realtime import connect, session, talk_file
from glm_magics.retries import RetryPolicy
from glm_magics.sandbox import Sandbox
from glm_magics.session import Session

from .calls import connection_to, play, speech
from .films import sound
from .patience import PATIENCE_S


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The session of a kernel of its own."""
    monkeypatch.setattr(glm, "_sessions", [])
    yield glm.current_session()
    glm.current_session().close()


def paid(sandbox: Sandbox, **changes: Any) -> Connection:
    """The sandbox, billed as the vendor bills."""
    changes = {"name": "bigmodel", "is_free": False, "currency": "CNY", **changes}
    return Connection(replace(sandbox_provider(sandbox.base_url), **changes), Secret(sandbox.key))


async def speak_once(call: Any) -> None:
    await call.append(speech(0.2))
    await call.commit()
    await call.respond()
    await call.answer(PATIENCE_S)


def connected(connection: Connection, **setup: Any) -> None:
    """A call with one turn."""

    async def scene() -> None:
        async with connect(connection=connection, vad="client", **setup) as call:
            await speak_once(call)

    play(scene)


def filed(connection: Connection, **setup: Any) -> None:
    """A recording as one side."""
    talk_file(sound(0.2), connection=connection, vad="client", speed=float("inf"), **setup)


BOTH = pytest.mark.parametrize("call", [pytest.param(connected, id="connect"), pytest.param(filed, id="talk_file")])
Calling = Callable[..., None]


@BOTH
@pytest.mark.parametrize(("model", "minute"), [("glm-realtime-flash", 0.18), ("glm-realtime-air", 0.3)])
def test_each_call_is_a_row(kernel: Session, sandbox: Sandbox, call: Calling, model: str, minute: float) -> None:
    """By the minute as an estimate, with its tokens, in ``glm.usage`` and the session's purse."""
    for _ in range(2):
        call(paid(sandbox), model=model)
    rows = kernel.books.ledger.read("all")
    assert [(row.provider, row.model, row.ending, row.is_estimate) for row in rows] == [("bigmodel", model, "complete", True)] * 2
    assert [row.cost for row in rows] == [pytest.approx(row.elapsed_s / 60 * minute, abs=minute / 60 * 0.002) for row in rows]
    assert all(0 < row.elapsed_s < 10 and row.completion_tokens > 0 for row in rows)
    assert len(glm.usage("all").to_frame()) == 2
    kernel.config.session_budget = 1.0
    assert kernel.books.allowance(1.0, "CNY").left(None) == pytest.approx(1 - sum(row.cost for row in rows))


@BOTH
def test_a_free_call_is_a_row_without_a_price(kernel: Session, sandbox: Sandbox, call: Calling) -> None:
    """And asks for no ceiling."""
    kernel.config.session_budget = 0.000001
    call(connection_to(sandbox))
    assert [(row.provider, row.cost) for row in kernel.books.ledger.read("all")] == [("sandbox", None)]


@BOTH
def test_a_call_ends_where_the_money_does(kernel: Session, slow: Sandbox, call: Calling) -> None:
    """In its midst, with a sentence; it is written down, and no other begins."""
    slow.reset()
    slow.reply("one two three four five six seven eight nine ten " * 9, times=9)
    kernel.config.session_budget = 0.0009
    with pytest.raises(BudgetError, match=r"The ¥0\.0009 of this session are spent; a call ends there\."):
        call(paid(slow))
    (row,) = kernel.books.ledger.read("all")
    assert (row.ending, row.cost) == ("over budget", pytest.approx(0.0009, abs=0.0009))
    n_before = len(slow.requests)
    with pytest.raises(BudgetError, match="session_budget"):
        call(paid(slow))
    assert len(slow.requests) == n_before


@BOTH
def test_without_a_price_there_is_no_ceiling(kernel: Session, sandbox: Sandbox, call: Calling) -> None:
    """Nothing is sent where the ceiling could not be kept."""
    kernel.config.session_budget = 1.0
    with pytest.raises(OptionError, match="has no known price"):
        call(paid(sandbox, currency="USD"))


@BOTH
def test_what_never_began_is_not_written_down(kernel: Session, sandbox: Sandbox, call: Calling) -> None:
    """A key that is refused."""
    provider = paid(sandbox).provider
    with pytest.raises(AuthenticationError):
        call(Connection(provider, Secret("no-key")))
    assert kernel.books.ledger.read("all") == []


def test_a_call_that_broke_is_written_down_as_long_as_it_was(
    kernel: Session, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, when it breaks: not when somebody closes it later."""
    monkeypatch.setattr(session, "RetryPolicy", lambda: RetryPolicy(0))
    sandbox.fault("call-cut")

    async def scene() -> None:
        call = await connect(connection=paid(sandbox), vad="client")
        with pytest.raises(GLMError, match="broke off"):
            await speak_once(call)
        rows = kernel.books.ledger.read("all")
        assert [row.ending for row in rows] == ["cut short"]
        elapsed_s = call.elapsed_s
        await asyncio.sleep(0.02)
        await call.close()
        assert call.elapsed_s == elapsed_s == pytest.approx(rows[0].elapsed_s, abs=0.001)
        assert len(kernel.books.ledger.read("all")) == 1

    play(scene)


@BOTH
def test_a_ledger_that_cannot_be_written_costs_no_call(kernel: Session, sandbox: Sandbox, tmp_path: Path, call: Calling) -> None:
    """A warning says so."""
    path = kernel.books.ledger.path
    path.mkdir(parents=True)
    with pytest.warns(GLMWarning, match="ledger of calls cannot be used"):
        call(paid(sandbox))


def test_without_a_ledger_nothing_is_written(kernel: Session, sandbox: Sandbox) -> None:
    """``%config GLM.ledger = False``."""
    kernel.config.ledger = False
    filed(paid(sandbox))
    assert not kernel.books.ledger.path.exists()
