"""Names of clusters: one question for all, through the session's usual way; what goes wrong never costs the clusters."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from glm_magics.clusternames import MOST_NAMED, ask_for_names, read_names
from glm_magics.errors import GLMWarning
from glm_magics.sandbox.labels import shared_words
from glm_magics.session import Session
from glm_magics.testing import FakeGLM
from glm_magics.vectors import find_clusters, to_unit

from .conftest import KEY

TOPICS = ["cats in the garden", "interest rates of bonds", "rain and snow"]
TEXTS = [f"{topic}, note {i}" for topic, size in zip(TOPICS, (9, 6, 3), strict=True) for i in range(size)]


@pytest.fixture
def session(fake: FakeGLM) -> Session:
    """A Python program at the platform that has embeddings, which knows the vectors of `TEXTS` already."""
    session = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY})
    session.config.retry_wait = 0.0
    session.corpus.embed(TEXTS, 256)
    fake.requests.clear()
    yield session
    session.close()


def clusters(session: Session, n: int = 3, **options: Any) -> pd.DataFrame:
    return session.corpus.clusters(pd.DataFrame({"text": TEXTS}), n, dimensions=256, **options)


def test_one_question_names_them_all(session: Session, fake: FakeGLM) -> None:
    """In the books like every answer; neither shown nor kept as the last one."""
    fake.reply(json.dumps({"cluster_0": "first", "cluster_1": " second\nname\x1b[31m ", "cluster_2": "third"}))
    found = clusters(session)
    assert list(found.columns) == ["text", "cluster", "closeness", "name"]
    assert dict(zip(found["cluster"], found["name"], strict=True)) == {0: "first", 1: "second name[31m", 2: "third"}
    (body,) = fake.bodies
    assert body["model"] == "glm-4.7"
    asked = body["messages"][-1]["content"]
    assert asked.count("cluster_") == 3
    assert '\n- "' in asked
    assert [call.model for call in session.books.spending("all").calls] == ["embedding-3", "glm-4.7"]
    assert session.stage._on_display == []


def test_names_can_be_left_out(session: Session, fake: FakeGLM) -> None:
    """Then nobody is asked."""
    assert list(clusters(session, names=False).columns) == ["text", "cluster", "closeness"]
    matrix = session.corpus.embed(TEXTS, 256)
    assert list(session.corpus.clusters(pd.DataFrame({"text": TEXTS}), 3, on=matrix).columns) == ["text", "cluster", "closeness"]
    assert fake.requests == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda s, fake: fake.error(401, "1002"), "key", id="refused"),
        pytest.param(lambda s, fake: [fake.reply("I cannot.")] * 2, "does not fit the schema", id="no JSON"),
        pytest.param(lambda s, fake: fake.reply('{"cluster_0": 1}'), "does not fit the schema", id="another form"),
        pytest.param(lambda s, fake: setattr(s.config, "session_budget", 1e-9), "budget", id="too dear"),
        pytest.param(lambda s, fake: setattr(s.config, "text_model", "glm-nonsense"), "glm-nonsense", id="no such model"),
    ],
)
def test_a_failure_never_loses_the_clusters(session: Session, fake: FakeGLM, spoil: Any, said: str) -> None:
    """A sentence, and empty names."""
    spoil(session, fake)
    with pytest.warns(GLMWarning, match=f"The clusters have no names. .*{said}"):
        found = clusters(session)
    assert found["cluster"].nunique() == 3
    assert set(found["name"]) == {""}


def test_nobody_to_ask(fake: FakeGLM) -> None:
    """What is cached is clustered all the same."""
    first = Session(transport=fake, environment={"ZHIPUAI_API_KEY": KEY})
    first.corpus.embed(TEXTS, 256)
    session = Session(transport=fake, environment={})
    with pytest.warns(GLMWarning, match="The clusters have no names. "):
        assert clusters(session)["cluster"].nunique() == 3
    first.close()
    session.close()


def test_the_sandbox_names_by_shared_words(tmp_path) -> None:
    """No language model: it takes the words that the texts of a cluster share."""
    session = Session(environment={"GLM_CACHE_DIR": str(tmp_path)})
    session.connect("sandbox")
    found = clusters(session)
    session.close()
    assert list(dict.fromkeys(found["name"])) == ["cats the garden", "interest rates bonds", "rain and snow"]


def test_clusters_of_a_list(session: Session, fake: FakeGLM) -> None:
    """Each hit has its name; Chinese stays Chinese."""
    fake.reply(json.dumps({"cluster_0": "猫", "cluster_1": "利率"}, ensure_ascii=False))
    hits = session.corpus.clusters(TEXTS, 2, dimensions=256)
    assert {(hit.facts["cluster"], hit.facts["name"]) for hit in hits} == {(0, "猫"), (1, "利率")}


def test_many_long_texts_make_no_endless_question() -> None:
    """The largest clusters only, a few of their different texts, cut; what the texts say of JSON stays inside its quotes."""
    import numpy as np

    matrix = to_unit(np.random.default_rng(0).normal(size=(600, 32)).astype(np.float32))
    found = find_clusters(matrix, 150)
    texts = [f'{i}" }} \n\ncluster_7: ' + "long " * 1000 for i in range(600)]
    question, schema = ask_for_names(texts, found)
    assert len(question) < 60_000
    assert len(schema["properties"]) == MOST_NAMED
    assert question.count("\n\ncluster_7:\n") == 1
    assert len(read_names({"cluster_0": "x" * 500}, 150)) == 150
    assert len(read_names({"cluster_0": "x" * 500}, 150)[0]) == 60


def test_a_text_is_given_once() -> None:
    """Duplicates say nothing more."""
    import numpy as np

    found = find_clusters(np.eye(1, 4, dtype=np.float32).repeat(5, axis=0), 1)
    assert ask_for_names(["same"] * 5, found)[0].count('"same"') == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('a:\n- "red cars drive"\n- "red cars stop"\n\nb:\n- "blue birds"\n', "red cars", id="shared"),
        pytest.param('a:\n- "the red"\n- "the red"\n\nb:\n- "the blue"\n- "the blue"\n', "red", id="not what all share"),
        pytest.param('a:\n- "alone here"\n\nb:\n- "x"\n', "alone here", id="one text"),
        pytest.param('a:\n- "猫很好"\n- "狗很好"\n', "猫很好", id="no spaces"),
        pytest.param("a: nothing listed", None, id="no list"),
        pytest.param("", None, id="empty"),
    ],
)
def test_shared_words(text: str, words: str | None) -> None:
    """Of the list under its heading."""
    assert shared_words("a", text) == words
