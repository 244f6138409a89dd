"""Numbers in the sentences of a cell: one of a thing is not said to be several."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import glm_magics
from glm_magics.errors import InputError
from glm_magics.grammar import with_article
from glm_magics.testing import FakeGLM

from .conftest import KEY
from .test_magics import bundles, run


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        pytest.param("%%glm --dry-run\nHi", "about 1 token to", id="dry-run"),
        pytest.param("glm.embed(['a'], 256); print(glm.cache())", "1 vector,", id="cache"),
        pytest.param(
            "glm.embed(['a'], 256)\n%glm_cache --model embedding-3 --remove", "1 vector removed. 0 vectors,", id="removed"
        ),
        pytest.param(
            "glm.embed(['a'], 256)\n%glm_cache --export a.parquet\n%glm_cache --max-size 0\n%glm_cache --import a.parquet",
            "1 vector is new.",
            id="imported",
        ),
        pytest.param("%%glm -c hall\nHi", "→ 1 token ", id="footer"),
    ],
)
def test_one_of_a_thing(ip, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch, tmp_path, cell: str, words: str) -> None:
    """Whatever shows it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZHIPUAI_API_KEY", KEY)
    glm_magics.connect("bigmodel")
    ip.user_ns["glm"] = glm_magics
    fake.reply("Hi", usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6})
    result = run(ip, cell)
    assert result.success
    shown = f"{result.shown.stdout}{bundles(result)}"
    assert words in shown


@pytest.mark.parametrize(
    ("act", "words"),
    [
        pytest.param(lambda: glm_magics.embed(["a"], cache=5), "An int is no cache", id="int"),
        pytest.param(lambda: glm_magics.embed({"a": 1}), "A dict is no column", id="dict"),
        pytest.param(lambda: glm_magics.search("a", 1.5), "A float is no data", id="float"),
        pytest.param(lambda: glm_magics.search("a", object()), "An object is no", id="object"),
    ],
)
def test_a_type_has_its_article(ip, act: Callable[[], object], words: str) -> None:
    """At the start of a sentence."""
    with pytest.raises(InputError) as caught:
        act()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"), [("ndarray", "an ndarray"), ("str", "a str"), ("uint8", "a uint8"), ("Image", "an Image"), ("", "a ")]
)
def test_articles(name: str, words: str) -> None:
    """By how a name is said, as far as letters tell."""
    assert with_article(name) == words
