"""``glm.atlas`` through the front door: the map, its colours and names, what its page asks for, and what it gives back."""

from __future__ import annotations

import inspect
import json
import sys
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import glm_magics as glm
import glm_magics.cartography.keeping
from glm_magics.cartography.names import typical_words
from glm_magics.cartography.projection import project
from glm_magics.cartography.stills import _INK, _ON_SIGN, _SIGN
from glm_magics.errors import GLMError, GLMWarning, InputError, MissingExtraError
from glm_magics.mapmaking import MOST_POINTS
from glm_magics.session import Session
from glm_magics.widgets.inquiries import parse_inquiry

from .conftest import KEY
from .patience import PATIENCE_S, until

PETS = [
    f"the {who} {does} on the {where}"
    for who in ("cat", "dog")
    for does in ("sat", "slept", "sang")
    for where in ("mat", "bed", "sofa", "rug")
]
MONEY = [
    f"interest rates {went} {how} in {month}"
    for went in ("rose", "fell")
    for how in ("fast", "again")
    for month in ("March", "April", "May", "June", "July", "August")
]
TEXTS = [*PETS, *MONEY]
TOPICS = ["pets"] * len(PETS) + ["money"] * len(MONEY)
FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame({"text": TEXTS, "topic": TOPICS, "n": range(48)}, index=[f"i{n}" for n in range(48)]),
    "polars": lambda: pl.DataFrame({"text": TEXTS, "topic": TOPICS, "n": range(48)}),
    "arrow": lambda: pa.table({"text": TEXTS, "topic": TOPICS, "n": range(48)}),
}


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """On the sandbox, whose vectors know words and spellings."""
    session = Session(environment={"GLM_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))})
    session.connect("sandbox")
    yield session
    session.close()


@pytest.fixture(autouse=True)
def _session(sandboxed: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glm, "_sessions", [sandboxed])


class Page:
    """What a page would see and send."""

    def __init__(self, atlas: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.atlas = atlas
        self.came = threading.Condition()
        self.told: list[dict[str, Any]] = []
        monkeypatch.setattr(atlas.widget, "send", self._take)

    def _take(self, content: dict[str, Any], buffers: object = None) -> None:
        json.dumps(content, allow_nan=False)
        with self.came:
            self.told.append(content)
            self.came.notify_all()

    def send(self, content: object) -> None:
        self.atlas._on_message(self.atlas.widget, content, [])

    def ask(self, type_: str, n: int = 1, **body: Any) -> dict[str, Any]:
        self.send({"type": type_, "page": "p", "n": n, **body})
        return self.answer(n)

    def answer(self, n: int) -> dict[str, Any]:
        with self.came:
            assert self.came.wait_for(lambda: any(told["n"] == n for told in self.told), PATIENCE_S)
        return next(told for told in self.told if told["n"] == n)


def legend(atlas: Any) -> dict[str, Any]:
    return dict(atlas.widget.legend)


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_selected_rows_come_back_as_they_were_given(make: Any) -> None:
    """The same kind of frame, all columns, in the data's order."""
    data = make()
    atlas = glm.atlas(data, hover=["topic"])
    assert atlas.points.shape == (48, 2)
    assert atlas.points.dtype == np.float32
    nothing = atlas.selection()
    assert type(nothing) is type(data)
    assert len(nothing) == 0
    rows = atlas.select([7, 2]).selection()
    assert type(rows) is type(data)
    assert list(rows.columns if not isinstance(rows, pa.Table) else rows.column_names) == ["text", "topic", "n"]
    assert (rows["n"].to_list() if not isinstance(rows, pa.Table) else rows["n"].to_pylist()) == [2, 7]
    assert atlas.widget.n_selected == 2


def test_a_list_gives_hits() -> None:
    """With the place of each text."""
    atlas = glm.atlas(TEXTS).select([3])
    assert [(hit.row, hit.text) for hit in atlas.selection()] == [(3, TEXTS[3])]


def test_near_in_meaning_is_near_on_the_map() -> None:
    """Two topics lie apart."""
    points = glm.atlas(TEXTS).points
    one, other = points[: len(PETS)], points[len(PETS) :]
    apart = np.linalg.norm(one.mean(axis=0) - other.mean(axis=0))
    assert apart > 2 * np.median(np.linalg.norm(one - one.mean(axis=0), axis=1))
    assert np.abs(points).max() <= 1


@pytest.mark.parametrize("n", [1, 2, 3, 10, 45])
def test_a_few_texts_are_a_map_too(n: int) -> None:
    """In the square, with a picture and words."""
    atlas = glm.atlas(TEXTS[:n])
    assert atlas.points.shape == (n, 2)
    assert np.isfinite(atlas.points).all()
    assert repr(atlas).startswith(f"A map of {n} text")
    assert len(np.unique(atlas.points, axis=0)) == n


def test_one_text_many_times_is_one_place() -> None:
    """Nothing differs, and nothing breaks."""
    atlas = glm.atlas(["the same"] * 100)
    assert (atlas.points == 0).all()
    assert repr(atlas) == "A map of 100 texts, coloured by cluster: same (100)."


def test_the_map_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same vectors give the same map, from the disk; other vectors or another seed do not."""
    calls: list[int] = []

    def counted(matrix: Any, seed: int) -> Any:
        calls.append(seed)
        return project(matrix, seed)

    monkeypatch.setattr(glm_magics.cartography.keeping, "project", counted)
    first = glm.atlas(TEXTS, seed=11).points
    assert np.array_equal(first, glm.atlas(list(TEXTS), seed=11).points)
    assert calls == [11]
    assert not np.array_equal(first, glm.atlas(TEXTS, seed=12).points)
    glm.atlas(TEXTS[1:], seed=11)
    assert calls == [11, 12, 11]


def test_a_map_that_is_not_kept_is_the_same_again() -> None:
    """By its seed alone."""
    first, again = (glm.atlas(TEXTS, seed=5, cache=False).points for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_bytes(b"x"), lambda path: np.save(path, np.zeros((3, 2), np.float32))],
    ids=["garbage", "another"],
)
def test_a_damaged_map_is_made_again(tmp_path: Path, spoil: Any) -> None:
    """Never a wrong one."""
    first = glm.atlas(TEXTS, cache=tmp_path / "own").points
    (kept,) = (tmp_path / "own" / "maps").glob("*.npy")
    spoil(kept)
    assert np.array_equal(first, glm.atlas(TEXTS, cache=tmp_path / "own").points)
    assert np.array_equal(first, np.load(kept))


def test_a_map_that_cannot_be_kept_is_shown(tmp_path: Path) -> None:
    """With a sentence."""
    glm.embed(TEXTS, cache=tmp_path / "own", quiet=True)
    (tmp_path / "own" / "maps").write_text("in the way")
    with pytest.warns(GLMWarning, match="The map is not kept"):
        assert len(glm.atlas(TEXTS, cache=tmp_path / "own").points) == 48
    assert len(glm.atlas(TEXTS, cache=False).points) == 48


NUMBERS = [n / 7 for n in range(47)] + [float("nan")]
COLOURS = {
    "groups": ("topic", ["money", "pets"]),
    "list": (["a"] * 40 + [None] * 8, ["a", "missing"]),
    "array": (np.array([1, 2] * 24), ["1", "2"]),
    "polars": (pl.Series("half", [True, False] * 24), ["False", "True"]),
    "arrow": (pa.array(["x", "y"] * 24), ["x", "y"]),
    "many": ([f"g{n}" for n in range(48)], [*(f"g{n}" for n in sorted(range(48), key=str)[:19]), "others (29 groups)"]),
    "nothing there": ([float("nan")] * 48, ["missing"]),
    "markup": (["<b>x</b>\n\x00y"] * 48, ["<b>x</b> y"]),
}


@pytest.mark.parametrize(("color", "names"), COLOURS.values(), ids=COLOURS)
def test_colours_of_groups(color: Any, names: list[str]) -> None:
    """The largest first, what is missing last, and not more colours than can be told apart."""
    groups = legend(glm.atlas(FRAMES["pandas"](), color=color))["groups"]
    assert [group["name"] for group in groups] == names
    assert sum(group["n"] for group in groups) == 48
    assert len({group["colour"] for group in groups if group["name"] not in ("missing",)}) == len(
        [name for name in names if name != "missing"]
    )


def test_colours_of_numbers() -> None:
    """From low to high, with grey for what is missing."""
    atlas = glm.atlas(FRAMES["pandas"](), color=NUMBERS)
    assert (legend(atlas)["low"], legend(atlas)["high"]) == (0.0, 46 / 7)
    assert legend(atlas)["groups"] == []
    colouring = atlas._sheet.colouring
    assert colouring.colours[colouring.codes[47]] == "#8a8a8a"
    assert colouring.codes[0] == 0
    assert "0 to 6.57143" in repr(atlas)
    assert legend(glm.atlas(TEXTS, color=[5.0] * 48))["low"] == 5.0


def test_one_colour() -> None:
    """No legend, no names."""
    atlas = glm.atlas(TEXTS, color=False)
    assert legend(atlas)["title"] == ""
    assert atlas.widget.names == []


def test_clusters_are_called_by_their_words() -> None:
    """Found here, or those of `glm.clusters`; each name stands at a point of its own."""
    found = glm.atlas(TEXTS)
    names = [group["name"] for group in legend(found)["groups"]]
    assert len(set(names)) == len(names) >= 2
    assert any("interest" in name or "rates" in name for name in names)
    data = glm.clusters(FRAMES["pandas"](), n=2, names=False)
    given = glm.atlas(data)
    assert [group["n"] for group in legend(given)["groups"]] == sorted(data["cluster"].value_counts().tolist(), reverse=True)
    for name in given.widget.names:
        label = data["cluster"].iloc[name["row"]]
        assert name["n"] == (data["cluster"] == label).sum()


def test_clusters_with_names_keep_them() -> None:
    """Those of `glm.clusters`; a column of the user's own that is called so is none; equal ones are told apart."""
    named = glm.clusters(FRAME().assign(name=TEXTS), n=2)
    assert {name["text"] for name in glm.atlas(named).widget.names} == set(named["name_"])
    data = FRAME().assign(cluster=[0, 1, 2] * 16, closeness=1.0, name=["Same", "Same", ""] * 16)
    names = {name["text"] for name in glm.atlas(data).widget.names}
    assert {"Same 0", "Same 1"} < names
    assert len(names) == 3


@pytest.mark.parametrize(
    ("texts", "labels", "wanted"),
    [
        pytest.param(
            ["late parcel came"] * 3 + ["cheap ticket bought"] * 3, [0, 0, 0, 1, 1, 1], {"late", "ticket"}, id="english"
        ),
        pytest.param(["快递太慢了"] * 3 + ["退款没有收到"] * 3, [0, 0, 0, 1, 1, 1], {"快递", "退款"}, id="chinese"),
        pytest.param(["a b", "1 2"], [0, 1], set(), id="no words"),
    ],
)
def test_typical_words(texts: list[str], labels: list[int], wanted: set[str]) -> None:
    """Frequent here, rare elsewhere."""
    words = {word for name in typical_words(texts, np.array(labels)).values() for word in name.split(", ")}
    assert wanted <= words


FRAME = FRAMES["pandas"]
BAD = {
    "no rows": (lambda: glm.atlas(FRAME()[:0]), "no rows to map"),
    "empty list": (lambda: glm.atlas([]), "no rows to map"),
    "missing texts": (lambda: glm.atlas(FRAME().assign(text=[None, float("nan"), *TEXTS[2:]])), "Rows 0 and 1 are missing"),
    "empty text": (lambda: glm.atlas([*TEXTS, " "]), "Row 48 is empty"),
    "numbers": (lambda: glm.atlas([1, 2]), "no text"),
    "no such column": (lambda: glm.atlas(FRAME(), on="txt"), "no column `txt`"),
    "no such hover": (lambda: glm.atlas(FRAME(), hover=["topik"]), "no column `topik`"),
    "hover of a list": (lambda: glm.atlas(TEXTS, hover="topic"), "no column `topic`"),
    "no such colour": (lambda: glm.atlas(FRAME(), color="topik"), "no column `topik`"),
    "colours too few": (lambda: glm.atlas(FRAME(), color=["a"]), "color has 1 value, the data 48 rows"),
    "colour a number": (lambda: glm.atlas(FRAME(), color=3), "is no colour"),
    "most 0": (lambda: glm.atlas(TEXTS, most=0), "most is 0"),
    "height": (lambda: glm.atlas(TEXTS, height_px=199), "height_px is 199. Give 200 to 2000"),
    "too high": (lambda: glm.atlas(TEXTS, height_px=2001), "height_px is 2001. Give 200 to 2000"),
    "seed": (lambda: glm.atlas(TEXTS, seed=-1), "seed is -1"),
    "seed a text": (lambda: glm.atlas(TEXTS, seed="x"), "seed is 'x'"),
    "seed too large": (lambda: glm.atlas(TEXTS, seed=2**40), "seed is 1099511627776"),
    "hover a number": (lambda: glm.atlas(FRAME(), hover=5), "hover is 5"),
    "on a column": (lambda: glm.atlas(FRAME(), on=FRAME()["text"]), "A Series names no column"),
    "vectors too few": (lambda: glm.atlas(FRAME(), np.ones((3, 4))), "one vector for each of 48 rows"),
    "vectors with NaN": (lambda: glm.atlas(FRAME(), np.full((48, 4), np.nan)), "NaN or infinity"),
    "a number as data": (lambda: glm.atlas(5), "is no data"),
    "lazy": (lambda: glm.atlas(FRAMES["polars"]().lazy()), "lazy"),
    "point out of range": (lambda: glm.atlas(TEXTS).select([48]), "points of the map"),
    "points in lists": (lambda: glm.atlas(TEXTS).select([[1], [2, 3]]), "points of the map"),
    "point a name": (lambda: glm.atlas(TEXTS).select(["a"]), "points of the map"),
}  # fmt: skip


@pytest.mark.parametrize(("act", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_a_sentence(act: Callable[[], Any], sentence: str) -> None:
    """That says what to do, and nothing of a library's."""
    with pytest.raises(InputError) as caught:
        act()
    assert sentence in str(caught.value)
    assert caught.value.way_out


@pytest.mark.parametrize("missing", ["pacmap", "jscatter", "anywidget"])
def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """One sentence, whichever package is missing."""
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "glm_magics.widgets.atlas", raising=False)
    monkeypatch.delitem(sys.modules, "glm_magics.widgets.told", raising=False)
    monkeypatch.delattr("glm_magics.widgets.atlas", raising=False)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[atlas\]"):
        glm.atlas(TEXTS, seed=99)


def test_of_very_many_rows_some_are_shown_and_paid_for() -> None:
    """The map says so; the others are never sent; the rows that come back are the right ones."""
    data = pd.DataFrame({"text": [f"row number {n} of a long table" for n in range(3000)], "n": range(3000)})
    before = sum(space.n_vectors for space in glm.cache().spaces)
    atlas = glm.atlas(data, most=50)
    assert atlas.widget.notice.startswith("50 of 3,000 rows are shown, drawn by chance")
    assert sum(space.n_vectors for space in glm.cache().spaces) - before == 50
    chosen = atlas.select([0, 49]).selection()
    assert chosen["text"].tolist() == [atlas._sheet.text(0), atlas._sheet.text(49)]
    assert np.array_equal(atlas.points, glm.atlas(data, most=50).points)


def test_how_many_are_shown_where_nothing_is_said() -> None:
    """It is written twice, so that importing stays light."""
    assert inspect.signature(glm.atlas).parameters["most"].default == MOST_POINTS == 200_000


def test_vectors_may_be_given() -> None:
    """The column of texts is then for reading only."""
    vectors = np.random.default_rng(0).normal(size=(48, 16)).astype(np.float32)
    atlas = glm.atlas(FRAME(), vectors)
    assert len(atlas.points) == 48
    assert atlas._sheet.text(3) == TEXTS[3]
    assert glm.atlas(pd.DataFrame({"n": range(48)}), vectors)._sheet.text(3) == "row 3"


# -- what the page asks for


def test_the_page_gets_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one line, cut, with the columns of `hover`; points that do not exist are passed over."""
    data = FRAME().assign(text=["<script>alert(1)</script>\n" + "x" * 1000, *TEXTS[1:]])
    page = Page(glm.atlas(data, hover=["topic", "n"]), monkeypatch)
    (card,) = page.ask("cards", rows=[0, 500])["cards"]
    assert card["text"].startswith("<script>alert(1)</script> xx")
    assert len(card["text"]) == 400
    assert card["facts"] == [["topic", "pets"], ["n", "0"]]


def test_a_card_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first twelve columns of `hover`, each cut."""
    data = FRAME().assign(**{f"c{n}": "y" * 1000 for n in range(20)})
    page = Page(glm.atlas(data, hover=[f"c{n}" for n in range(20)]), monkeypatch)
    (card,) = page.ask("cards", rows=[0])["cards"]
    assert [name for name, _ in card["facts"]] == [f"c{n}" for n in range(12)]
    assert {len(value) for _, value in card["facts"]} == {120}


def test_search_by_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest texts with their likeness, best first."""
    page = Page(glm.atlas(TEXTS), monkeypatch)
    told = page.ask("find", text=" interest rates in June ")
    assert told["type"] == "hits"
    assert "June" in told["cards"][0]["text"]
    assert told["scores"] == sorted(told["scores"], reverse=True)
    assert len(told["cards"]) == 48


def test_a_search_leaves_the_kernel_free_and_the_last_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is taken at once; of those that wait while one runs, the last alone is done."""
    atlas = glm.atlas(TEXTS)
    gate, asked = threading.Event(), []

    def slow(text: str) -> Any:
        asked.append(text)
        gate.wait(PATIENCE_S)
        return np.array([1]), np.array([0.5], np.float32)

    object.__setattr__(atlas._sheet, "find", slow)
    page = Page(atlas, monkeypatch)
    for n, text in enumerate(("a", "ab", "abc", "abcd")):
        page.send({"type": "find", "page": "p", "n": n, "text": text})
        until(lambda: asked)
    assert [told["n"] for told in page.told] == [1, 2]
    gate.set()
    assert page.answer(0)["type"] == page.answer(3)["type"] == "hits"
    assert asked == ["a", "abcd"]
    assert {told["type"] for told in page.told if told["n"] in (1, 2)} == {"done"}


@pytest.mark.parametrize("what", ["find", "text"])
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(GLMError("The key is wrong.", "Get another."), "The key is wrong. Get another.", id="ours"),
        pytest.param(ZeroDivisionError("secret"), "The search failed: ZeroDivisionError.", id="unforeseen"),
    ],
)
def test_a_failing_search_is_a_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str, what: str) -> None:
    """In the page, and the next search works: the one that looks, and the one that reads the texts that were found."""
    atlas = glm.atlas(TEXTS)
    sound = getattr(atlas._sheet, what)

    def fail(text: object) -> Any:
        raise error

    object.__setattr__(atlas._sheet, what, fail)
    page = Page(atlas, monkeypatch)
    assert page.ask("find", text="x")["sentence"] == sentence
    object.__setattr__(atlas._sheet, what, sound)
    assert page.ask("find", n=2, text="x")["type"] == "hits"


def test_vectors_of_another_width_cannot_be_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence says what to give."""
    page = Page(glm.atlas(FRAME(), np.eye(48, 16) + 0.1), monkeypatch)
    assert "the map's have 16" in page.ask("find", text="cat")["sentence"]


def test_a_group_of_the_legend_selects_its_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """For those who cannot draw a lasso."""
    atlas = glm.atlas(FRAME(), color="topic")
    page = Page(atlas, monkeypatch)
    page.ask("choose", group=1)
    assert atlas.selection()["topic"].unique().tolist() == ["pets"]
    page.ask("choose", n=2, group=77)
    assert len(atlas.selected) == 24


ODD = [
    *(None, 5, "x", [], {}, {"type": "cards"}, {"type": "find", "page": "p", "n": 1}),
    {"type": "find", "page": "p", "n": 1, "text": "  "},
    *({"type": "cards", "page": "p", "n": 1, "rows": rows} for rows in (None, "1", [-1], [1.5], [True], [*range(201)], [2**60])),
    {"type": "choose", "page": "p", "n": 1, "group": "1"},
    {"type": "hello", "page": "p" * 41, "n": 1},
    {"type": "hello", "page": "p", "n": -1},
    {"type": "run", "page": "p", "n": 1},
]  # fmt: skip


@pytest.mark.parametrize("message", ODD, ids=range(len(ODD)))
def test_odd_messages_are_passed_over(message: object) -> None:
    """No answer, no error."""
    assert parse_inquiry(message) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["hello", "cards", "find", "choose"]),
            "page": _JSON,
            "n": _JSON,
            "rows": _JSON,
            "text": _JSON,
            "group": _JSON,
        }
    )
)
def test_any_message_is_parsed_or_passed_over(message: dict[str, Any]) -> None:
    """Whatever a page sends."""
    inquiry = parse_inquiry(message)
    assert inquiry is None or (isinstance(inquiry.page, str) and inquiry.n >= 0)


# -- the widget and the picture


def test_nothing_secret_is_in_the_widget(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no texts beyond the names, no path."""
    session = Session(transport=fake, environment={"ZAI_API_KEY": KEY})
    monkeypatch.setattr(glm, "_sessions", [session])
    atlas = glm.atlas(FRAME(), np.eye(48, 16) + 0.1)
    state = repr({**atlas.widget.get_state(), **atlas._scatter.get_state(), "_esm": "", "_css": ""})
    assert "S3cr3t" not in state
    assert TEXTS[0] not in state
    session.close()


def test_a_page_cannot_write_to_the_widget() -> None:
    """Its traits are Python's."""
    widget = glm.atlas(TEXTS).widget
    widget.set_state({"notice": "You have won", "n_points": 3})
    assert (widget.notice, widget.n_points) == ("", 48)


def luminance(rgb: tuple[int, ...]) -> float:
    parts = [value / 255 for value in rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_picture_reads_on_light_and_dark_pages() -> None:
    """Without a ground of its own, letters with contrast on both, and on their signs."""
    bundle, metadata = glm.atlas(FRAME(), color="topic")._repr_mimebundle_()
    import base64

    picture = Image.open(BytesIO(base64.b64decode(bundle["image/png"]))).convert("RGBA")
    assert picture.getpixel((1, 1))[3] == 0
    opaque = np.asarray(picture)[..., 3] > 200
    assert 0.005 < opaque.mean() < 0.5
    assert min(contrast(_INK, (255, 255, 255)), contrast(_INK, (17, 17, 17))) > 4
    assert contrast(_SIGN, _ON_SIGN) > 7
    assert bundle["text/plain"] == "A map of 48 texts, coloured by topic: money (24); pets (24)."
    assert metadata["image/png"]["alt"] == bundle["text/plain"]


def test_names_in_any_script_are_drawn() -> None:
    """Chinese, Arabic, emoji, markup, a formula, one letter no font has: a picture each time."""
    names = ["客户投诉", "مرحبا", "🦙 llama", "<img src=x>", "$x^2$", "\U0001fbff\ue000", "n" * 200]
    atlas = glm.atlas(TEXTS[: len(names)], color=names)
    assert atlas._repr_mimebundle_()[0]["image/png"]
