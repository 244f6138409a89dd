"""Numbers in the sentences of a cell: one of a thing is not said to be several."""

from __future__ import annotations

import pytest

import glm_magics
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
