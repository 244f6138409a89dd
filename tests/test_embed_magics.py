"""``%glm_embed``, ``%glm_cache``, the progress bar and the cache's table: what a notebook shows and keeps."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.utils.capture import capture_output

import glm_magics
from glm_magics.errors import CacheError, GLMError, InputError, OptionError
from glm_magics.magics import embed as embed_room
from glm_magics.magics.completion import complete_line
from glm_magics.money import Cost
from glm_magics.progress import PATIENCE_S, describe, notebook_painter, terminal_painter
from glm_magics.supply import Progress
from glm_magics.testing import FakeGLM, made_up_vector
from glm_magics.texts import LONG
from glm_magics.vectorcache import parse_age, parse_size, size_words
from glm_magics.vectorstore import Batch, Space, find_keys
from glm_magics.vectorstore.spaces import Precision

from .conftest import KEY


@pytest.fixture
def notebook(ip, monkeypatch: pytest.MonkeyPatch):
    """A shell with a column of texts, at the platform that has embeddings."""
    monkeypatch.setenv("ZHIPUAI_API_KEY", KEY)
    glm_magics.connect("bigmodel")
    ip.user_ns["df"] = pd.DataFrame({"text": [f"text {i}" for i in range(5)], "a b": ["x"] * 5})
    return ip


def run(ip, cell: str) -> tuple[Any, str, GLMError | None]:
    """The value of a cell, what it printed, and the error it ended with."""
    with capture_output() as shown:
        result = ip.run_cell(cell)
    return result.result, shown.stdout, result.error_before_exec or result.error_in_exec


@pytest.mark.parametrize(
    ("line", "texts", "width"),
    [
        pytest.param('df["text"] --into X', [f"text {i}" for i in range(5)], 1024, id="plain"),
        pytest.param("df.text -o X -d 256", [f"text {i}" for i in range(5)], 256, id="short"),
        pytest.param('df["a b"] --into X --dimensions=512', ["x"], 512, id="quotes-and-blanks"),
        pytest.param("[t.upper() for t in df.text[:2]] --into X -d 256", ["TEXT 0", "TEXT 1"], 256, id="expression"),
        pytest.param("['a -- b', 'c --into d'] -d 256 --into X", ["a -- b", "c --into d"], 256, id="dashes-in-quotes"),
        pytest.param("df.text[-2:] --into X -d 256", ["text 3", "text 4"], 256, id="minus"),
        pytest.param("'just one' --into X -m embedding-2", ["just one"], 1024, id="one-text"),
    ],
)
def test_glm_embed(notebook, fake: FakeGLM, line: str, texts: list[str], width: int) -> None:
    """The value of any expression goes out, the vectors come back under the name."""
    value, _, error = run(notebook, f"%glm_embed {line}")
    assert error is None
    assert value is None
    assert [text for body in fake.bodies for text in body["input"]] == texts
    assert notebook.user_ns["X"].shape[-1] == width


def test_without_a_name_it_is_the_cells_value(notebook) -> None:
    """As any expression is."""
    value, _, _ = run(notebook, "%glm_embed df.text -d 256")
    assert np.allclose(value[3], made_up_vector("text 3", 256), atol=1e-6)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("", r"Which texts\?", id="nothing"),
        pytest.param("--into X", r"Which texts\?", id="no-texts"),
        pytest.param("nobody --into X", "`nobody` has no value: NameError", id="unknown-name"),
        pytest.param('df["no"] --into X', "has no value: KeyError", id="unknown-column"),
        pytest.param("df. --into X", "has no value: SyntaxError", id="no-expression"),
        pytest.param("df --into X", r"Name a column of it: `df\['…'\]`; there are text, a b", id="frame"),
        pytest.param("df.text --int X", "`--int` is not understood. Did you mean `--into`", id="unknown-option"),
        pytest.param("df.text --into", "--into needs a value", id="no-value"),
        pytest.param("df.text --into 5x", "needs a variable name", id="no-name"),
        pytest.param("df.text -d 0", "out of range", id="dimensions"),
        pytest.param("df.text --long cut", "--long has no value `cut`", id="choice"),
        pytest.param("df.text --cache 'x", "quote is not closed", id="quote"),
    ],
)
def test_what_the_line_can_get_wrong(notebook, fake: FakeGLM, line: str, said: str) -> None:
    """One sentence, nothing sent, no name set."""
    _, _, error = run(notebook, f"%glm_embed {line}")
    assert isinstance(error, InputError)
    assert re.search(said, str(error))
    assert fake.requests == []
    assert "X" not in notebook.user_ns


def test_the_choices_of_the_line_are_those_of_python() -> None:
    """They are written twice, so that loading the extension stays light."""
    choices = {option.name: option.choices for option in embed_room.EMBED_OPTIONS}
    assert choices["long"] == LONG
    assert choices["precision"] == get_args(Precision)


def test_glm_cache(notebook, fake: FakeGLM, tmp_path: Path) -> None:
    """Shows, removes, writes, reads; another place where one is named."""
    run(notebook, "%glm_embed df.text -d 256\n%glm_embed df.text -d 256")
    cache, _, _ = run(notebook, "%glm_cache")
    shown = notebook.display_formatter.format(cache)[0]
    assert "5 vectors, 5 kB, in " in shown["text/plain"]
    assert re.search(
        r"\| embedding-3 \| 256 \| glm \| 5 \| 5 kB \| 10 \| 5 \| 10 \| under ¥0.0001 \| \d{4}-", shown["text/markdown"]
    )
    assert run(notebook, f"%glm_cache --export {tmp_path}/v.parquet")[1] == f"5 vectors written to {tmp_path}/v.parquet.\n"
    assert run(notebook, "%glm_cache --older-than 1h")[1].startswith("0 vectors removed. 5 vectors")
    assert run(notebook, "%glm_cache -m embedding-3 --max-size 1GB")[1].startswith("0 vectors removed. 5 vectors")
    assert run(notebook, "%glm_cache -m embedding-3 --remove")[1].startswith("5 vectors removed. 0 vectors, 0 B, in ")
    assert run(notebook, f"%glm_cache --import {tmp_path}/v.parquet")[1] == "5 vectors are new.\n"
    assert run(notebook, "%glm_cache --max-size 2kB")[1].startswith("5 vectors removed")
    assert "0 vectors" in repr(run(notebook, f"%glm_cache --cache {tmp_path}/other")[0])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("what", "`what` is not understood", id="word"),
        pytest.param("--older-than soon", "`soon` cannot be read. Write it like `30d`", id="age"),
        pytest.param("--max-size 1.2.3GB", "`1.2.3GB` cannot be read", id="size"),
        pytest.param("--remove", "Which vectors are to go", id="remove-nothing"),
        pytest.param("-m embedding-3", "What is to be done", id="model-alone"),
        pytest.param("--import nowhere.parquet", "nowhere.parquet cannot be read", id="no-file"),
        pytest.param("--export no/such/x.parquet", "cannot be written", id="no-folder"),
        pytest.param("--cache", "--cache needs a value", id="no-value"),
        pytest.param("--export /", "`/` is no name of a file", id="export-no-name"),
        pytest.param("--export ~nobody-here/x", "`~nobody-here/x` is no name of a file", id="export-of-nobody"),
        pytest.param("--import ~nobody-here/x", "`~nobody-here/x` is no name of a file", id="import-of-nobody"),
        pytest.param("--cache ~nobody-here/x", "`~nobody-here/x` is no folder", id="cache-of-nobody"),
        pytest.param("--export a.parquet --import b.parquet", "--export and --import are two things", id="two-files"),
        pytest.param("--export a.parquet --older-than 9d", "--export and --older-than are two", id="age-of-an-export"),
        pytest.param("--import a.parquet -m embedding-3", "--import takes over all models", id="model-of-an-import"),
        pytest.param("-m embedding-3 --remove --import a.parquet", "--import and --remove are two", id="import-and-remove"),
    ],
)
def test_what_cache_lines_can_get_wrong(notebook, line: str, said: str) -> None:
    """One sentence."""
    _, _, error = run(notebook, f"%glm_cache {line}")
    assert isinstance(error, GLMError)
    assert said in str(error)


def test_foreign_names_do_not_break_the_table(tmp_path: Path) -> None:
    """A model's or server's name may hold anything."""
    cache = glm_magics.cache(tmp_path / "c")
    space = Space("http://x/|y", "a|b\n<script>", 0)
    cache.store.put(space, [Batch(find_keys(["t"]), np.ones((1, 2), np.float32), 1, time.time())])
    markdown = cache._repr_mimebundle_()["text/markdown"]
    assert len(markdown.splitlines()) == 5
    assert "a/b" in markdown


def test_only_the_vendors_vectors_saved_money(tmp_path: Path) -> None:
    """Of another server's prices nothing is known, whatever its model is called."""
    cache = glm_magics.cache(tmp_path / "c")
    for provider in ("glm", "http://localhost:8000/v1", "sandbox"):
        space = Space(provider, "embedding-3", 0)
        cache.store.put(space, [Batch(find_keys(["t"]), np.ones((1, 2), np.float32), 1, time.time())])
        cache.store.record_hits(space, 1, 10_000_000)
    saved = {row["from"]: row["saved"] for row in cache.rows()}
    assert saved.pop("glm").startswith("¥")
    assert set(saved.values()) == {"–"}


def test_the_magics_come_and_go(shell) -> None:
    """With the extension."""
    shell.run_line_magic("load_ext", "glm_magics")
    assert {"glm_embed", "glm_cache"} <= set(shell.magics_manager.magics["line"])
    assert "into X" in (shell.magics_manager.magics["line"]["glm_embed"].__doc__ or "")
    shell.run_line_magic("unload_ext", "glm_magics")
    assert not {"glm_embed", "glm_cache"} & set(shell.magics_manager.magics["line"])


@pytest.mark.parametrize(
    ("text", "n"), [("1GB", 10**9), ("500 MB", 5 * 10**8), ("1.5kb", 1500), ("12", 12), (12, 12), (1e6, 10**6)]
)
def test_sizes(text: str | float, n: int) -> None:
    """Bytes, and units of a thousand."""
    assert parse_size(text) == n


@pytest.mark.parametrize(("text", "s"), [("30d", 30 * 86_400), ("12h", 43_200), ("2w", 1_209_600), (1, 86_400), ("90s", 90)])
def test_ages(text: str | float, s: float) -> None:
    """A plain number is days."""
    assert parse_age(text) == s


@pytest.mark.parametrize(("n", "words"), [(0, "0 B"), (999, "999 B"), (412_000_000, "412 MB"), (2.5e9, "2.5 GB")])
def test_sizes_in_words(n: float, words: str) -> None:
    """As people write them."""
    assert size_words(n) == words


def test_no_path_with_the_name_of_the_user(notebook, tmp_path: Path, monkeypatch) -> None:
    """A saved notebook is read by others: the user's own folder is ~ in what the cache says of itself."""
    monkeypatch.setenv("HOME", str(tmp_path / "berta"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "berta"))
    cache = glm_magics.cache(tmp_path / "berta" / "vectors")
    assert cache.summary() == f"0 vectors, 0 B, in {Path('~/vectors')}"
    (tmp_path / "berta" / "taken").write_text("no folder")
    with pytest.raises(GLMError) as caught:
        glm_magics.cache(tmp_path / "berta" / "taken").summary()
    assert "~" in str(caught.value)
    assert "berta" not in str(caught.value)
    assert glm_magics.cache(tmp_path / "bertalan").summary().endswith(f"in {tmp_path / 'bertalan'}")


def test_removing_says_what() -> None:
    """Nothing is removed by a call that says nothing, and without a cache there is nothing to look at."""
    with pytest.raises(InputError, match="nothing to show"):
        glm_magics.cache(False)
    with pytest.raises(OptionError, match="Which vectors are to go"):
        glm_magics.cache().remove()


# Progress

HALF = Progress(5000, 3000, 1000, 0, 51_000, Cost(0.0255, "CNY"), 4.0)
OVER = Progress(5000, 3000, 1998, 2, 102_000, Cost(0.051, "CNY"), 75.0, is_over=True)


def test_progress_in_words() -> None:
    """Done, cached, left, pace, tokens, cost, time."""
    assert describe(HALF) == (
        "4,000 of 5,000 texts · 3,000 from the cache · 250 texts/s · 51,000 tokens, ¥0.0255 · 1,000 left · 4.0 s left"
    )
    assert describe(OVER) == (
        "4,998 texts embedded · 3,000 from the cache · 2 failed · 27 texts/s · 102,000 tokens, ¥0.0510 · 1 min 15 s"
    )
    assert describe(Progress(10, 0, 0)) == "0 of 10 texts · 10 left"


def test_a_bar_that_becomes_one_line() -> None:
    """In the notebook: one output, repainted; the last has no bar."""
    published: list[tuple[Any, ...]] = []
    paint = notebook_painter(lambda *call: published.append(call))
    for progress in (HALF, HALF, OVER):
        paint(progress)
    assert [call[3] for call in published] == [False, True]
    assert len({call[2] for call in published}) == 1
    assert '<progress max="1" value="0.8000"></progress>' in published[0][0]["text/html"]
    assert "<progress" not in published[1][0]["text/html"]
    assert published[1][0]["text/plain"] == describe(OVER)


def test_what_is_over_at_once_shows_nothing() -> None:
    """No flicker, no line."""
    published: list[Any] = []
    paint = notebook_painter(lambda *call: published.append(call))
    paint(Progress(10, 0, 5, elapsed_s=PATIENCE_S / 4))
    paint(Progress(10, 0, 9, elapsed_s=0.35))
    paint(Progress(10, 0, 10, elapsed_s=0.39, is_over=True))
    assert published == []


def test_in_a_terminal_a_line_is_written_over() -> None:
    """And stays, once, at the end; a file gets the end alone."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen, log = Terminal(), io.StringIO()
    for out in (screen, log):
        paint = terminal_painter(out)
        paint(HALF)
        paint(OVER)
    assert screen.getvalue().count("\r\x1b[K") == 2
    assert screen.getvalue().startswith("\r\x1b[K███████████████████░░░░░ 4,000 of 5,000")
    assert screen.getvalue().endswith("1 min 15 s\n")
    assert log.getvalue() == f"{describe(OVER)}\n"


def test_a_slow_run_shows_its_progress_in_the_cell(notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the front door: the bar in the cell's output, the line at the end."""
    monkeypatch.setattr("glm_magics.progress.PATIENCE_S", 0.0)
    monkeypatch.setattr("glm_magics.progress.PAUSE_S", 0.0)
    with capture_output() as shown:
        notebook.run_cell("%glm_embed [f'text {i}' for i in range(200)] --into X -d 256")
    texts = [output.data["text/plain"] for output in shown.outputs]
    assert texts[-1].startswith("200 texts embedded")
    assert "tokens, under ¥" in texts[-1] or "tokens, ¥" in texts[-1]
    with capture_output() as shown:
        notebook.run_cell("%glm_embed [f'text {i}' for i in range(200)] --into X -d 256 --quiet")
    assert shown.outputs == []


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("%glm_embed d", ["df", "docs"], id="names first"),
        pytest.param("%glm_embed ", ["df", "docs", "text"], id="nothing yet"),
        pytest.param("%glm_embed df --in", ["--into"], id="option"),
        pytest.param("%glm_embed df --into te", ["text"], id="name to keep it under"),
        pytest.param("%glm_embed df -m ", ["embedding-3", "embedding-2"], id="models that make vectors"),
        pytest.param("%glm_embed df --long s", ["split"], id="choice"),
        pytest.param("%glm_embed df -q --pre", ["--precision"], id="after a flag"),
        pytest.param("%glm_cache --old", ["--older-than"], id="cache"),
        pytest.param("%glm_cache --model ", ["embedding-3", "embedding-2"], id="model in the cache"),
        pytest.param("%glm_cache --export v", [], id="a file"),
        pytest.param("%glm_cache x", [], id="no words"),
    ],
)
def test_tab(line: str, offered: list[str]) -> None:
    """As in the other magics: names, options, what may follow them."""
    assert complete_line(line, ["df", "docs", "text", "_hidden"]) == offered


def test_tab_in_the_shell(notebook) -> None:
    """Through IPython's own completer."""
    notebook.user_ns["my_texts"] = ["a"]
    with provisionalcompleter():
        found = {one.text for one in notebook.Completer.completions("%glm_embed my_texts --lon", 25)}
    assert "--long" in found


def test_odd_dimensions_are_a_line_of_the_cell(notebook, fake: FakeGLM) -> None:
    """Not a warning with a path of this machine."""
    with capture_output() as shown:
        notebook.run_cell("import glm_magics; glm_magics.embed(['a'], 768)")
    assert "768 is sent as it is" in "".join(str(output.data) for output in shown.outputs)
    assert "sources.py" not in shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("spoiled", "cell", "said"),
    [
        pytest.param("index.sqlite", "%glm_cache --cache {}", "The cache was set aside as", id="damaged"),
        pytest.param("index.sqlite", "glm_magics.cache({!r})", "The cache was set aside as", id="damaged-in-python"),
        pytest.param("maps", "glm_magics.atlas(TEXTS, cache={!r})", "The map is not kept: ", id="map"),
        pytest.param(
            "indexes", "glm_magics.search('text 1', TEXTS, exact=False, cache={!r})", "index for searching is not", id="index"
        ),
    ],
)
def test_what_the_cache_says_is_a_line_of_the_cell(
    notebook, fake: FakeGLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoiled: str, cell: str, said: str
) -> None:
    """Not a warning with a path of this machine; whatever it is that could not be used or kept."""
    monkeypatch.setattr("glm_magics.neighbours._WORTH_SHARE", 2)
    (tmp_path / spoiled).write_text("nothing that was ever kept here " * 500)
    notebook.user_ns |= {"glm_magics": glm_magics, "TEXTS": [f"text {i}" for i in range(60)]}
    with capture_output() as shown:
        result = notebook.run_cell(cell.format(str(tmp_path)))
    assert result.success
    assert said in "".join(str(output.data) for output in shown.outputs)
    assert "Warning" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("cell", ["%glm_cache --cache {}", "import glm_magics; glm_magics.cache('{}')"], ids=["magic", "python"])
def test_a_cache_that_cannot_be_shown_is_an_error_of_the_cell(notebook, tmp_path: Path, cell: str) -> None:
    """Once; not a value whose words are an error."""
    (tmp_path / "file").write_text("no folder")
    value, _, error = run(notebook, cell.format(tmp_path / "file"))
    assert (value, type(error)) == (None, CacheError)


def test_what_naming_clusters_cost_is_said(notebook, fake: FakeGLM) -> None:
    """It is a request of its own; without names there is none."""
    ip = notebook
    ip.user_ns["texts"] = ["cats and dogs", "dogs and cats", "rain and snow", "snow and rain"]
    glm_magics.embed(ip.user_ns["texts"])
    fake.reply('{"cluster_0": "pets", "cluster_1": "weather"}')
    said = []
    for names in ("True", "False"):
        with capture_output() as shown:
            ip.run_cell(f"import glm_magics; found = glm_magics.clusters(texts, 2, names={names})")
        said.append(shown.stdout + "".join(str(output.data) for output in shown.outputs))
    assert re.search(r"2 clusters named by glm-4.7: [\d,]+ tokens", said[0])
    assert "named" not in said[1]
