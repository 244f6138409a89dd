"""What vectors cost: in the ledger with every other call, under the same budget, at the price of who bills."""

from __future__ import annotations

from typing import Any

import pytest

from glm_magics.errors import AuthenticationError, BudgetError, EmbeddingError, OptionError
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

from .conftest import KEY


@pytest.fixture
def session(fake: FakeGLM) -> Session:
    """A Python program at the platform that has embeddings."""
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY})
    session.config.retry_wait = 0.0
    yield session
    session.close()


def names(n: int) -> list[str]:
    return [f"text {i}" for i in range(n)]


def calls(session: Session) -> list[Any]:
    return list(session.books.spending("all").calls)


def test_an_embedding_is_a_row_in_the_ledger(session: Session) -> None:
    """One, however many requests it took, at the price of the catalogue; what was cached costs nothing and is no row."""
    session.corpus.embed(names(130), 256)
    session.corpus.embed(names(130), 256)
    (call,) = calls(session)
    assert (call.provider, call.model, call.prompt_tokens, call.completion_tokens) == ("bigmodel", "embedding-3", 260, 0)
    assert (call.currency, call.ending, call.is_estimate) == ("CNY", "complete", False)
    assert call.cost == pytest.approx(260 * 0.5 / 1e6)
    assert call.elapsed_s > 0
    assert "embedding-3      1  260" in repr(session.books.spending("all"))


@pytest.mark.parametrize(
    ("choice", "model"),
    [
        pytest.param("bigmodel", "embedding-2", id="no price on any page"),
        pytest.param("http://vectors.test/v1", "bge", id="server of one's own"),
    ],
)
def test_without_a_price_tokens_are_counted(session: Session, choice: str, model: str) -> None:
    """No cost is made up."""
    session.connect(choice)
    session.corpus.embed(["one two"], model=model)
    (call,) = calls(session)
    assert (call.model, call.prompt_tokens, call.cost, call.currency) == (model, 2, None, "")


def test_what_failed_in_the_middle_is_in_the_ledger(session: Session, fake: FakeGLM) -> None:
    """What was answered was paid for."""
    session.config.max_in_flight = 1
    session.config.max_retries = 0
    fake.reply("no vectors")  # without `data`: none of this batch has a vector
    with pytest.raises(EmbeddingError):
        session.corpus.embed(names(70), 256)
    (call,) = calls(session)
    assert call.prompt_tokens >= 12


def test_nothing_answered_is_no_row(session: Session, fake: FakeGLM) -> None:
    """A refusal costs nothing."""
    fake.error(401, "1002")
    with pytest.raises(AuthenticationError):
        session.corpus.embed(["a"], 256)
    assert calls(session) == []


def test_the_ceiling_of_the_session_holds_for_vectors_too(session: Session, fake: FakeGLM) -> None:
    """Nothing is sent where it would cost more than is left; what is cached can still be had."""
    session.config.session_budget = 0.0002
    known = names(64)
    vectors = session.corpus.embed(known, 256)  # 128 tokens: 0.000064
    with pytest.raises(BudgetError, match=r"2,000 texts.* would cost about ¥.*session_budget.*Nothing was sent"):
        session.corpus.embed([*known, *(f"other {i}" for i in range(2000))], 256)
    assert len(fake.requests) == 1
    assert (session.corpus.embed(known, 256) == vectors).all()


def test_a_count_above_the_estimate_stops_it_midway(session: Session, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the tokens that the server counts; what came is in the error and in the cache."""
    monkeypatch.setattr("glm_magics.embeddings.text_tokens", lambda text: 0)
    session.config.session_budget = 0.0002
    session.config.max_in_flight = 1
    with pytest.raises(EmbeddingError, match=r"Embedding was stopped at ¥0\.000\d; .*session_budget is ¥0\.0002") as caught:
        session.corpus.embed(names(64 * 100), 256)
    n_sent = len(fake.requests)
    assert 3 < n_sent < 100  # a server that answers at once is ahead of the count
    assert caught.value.vectors.shape == (6400, 256)
    assert calls(session)[0].ending == "failed"
    assert session.corpus.cache().spaces[0].n_vectors == n_sent * 64


def test_a_budget_without_a_price_cannot_be_kept(session: Session, fake: FakeGLM) -> None:
    """Rather than not kept."""
    session.config.session_budget = 1
    with pytest.raises(OptionError, match="bigmodel has no known price for embedding-2"):
        session.corpus.embed(["a"], model="embedding-2")
    assert fake.requests == []


def test_what_is_free_has_no_budget(session: Session) -> None:
    """A server of one's own charges nothing."""
    session.config.session_budget = 0.000001
    session.connect("http://vectors.test/v1")
    assert session.corpus.embed(names(100), model="bge").shape == (100, 8)
