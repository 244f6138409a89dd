"""Functions for a model: how they are described, how calls are read, run and answered, and who is asked."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from glm_magics.approvals import ALWAYS, APPROVED, WAITING, Approval, Approvals, ApproveAll, RefuseAll, refused
from glm_magics.errors import InputError, MissingExtraError, OptionError
from glm_magics.intake import Intake
from glm_magics.toolbox import Toolbox
from glm_magics.toolcalls import ToolCall, ToolResult, picture_message
from glm_magics.toolresults import Limits

from .patience import AT_ONCE_S, PATIENCE_S


class Place(TypedDict):
    city: str
    country: str


class Order(pydantic.BaseModel):
    number: int
    paid: bool = False


def search_orders(city: str, limit: int = 10, since: date | None = None, status: Literal["open", "paid"] = "open") -> str:
    """Finds orders.

    The newest come first.

    Args:
        city: where they go to.
        limit: how many at most.

    Returns:
        One line an order.
    """
    return f"{limit} {status} orders to {city} since {since!r}"


def numpy_style(a: Annotated[int, pydantic.Field(ge=1)], b: Annotated[str, "the b"] = "x"):
    """Does it.

    Parameters
    ----------
    a : int
        The a, from 1.
    """
    return a, b


def bare(x, y=2, *rest: int, flag=False, **more):
    return [x, y, rest, flag, more]


async def later(seconds: float = 0.0) -> str:
    await asyncio.sleep(seconds)
    return "at last"


def count(n: int = 3) -> Iterator[int]:
    yield from range(n)


async def stream_words() -> AsyncIterator[str]:
    for word in ("a", "b"):
        yield word


class Shop:
    """A shop."""

    def __init__(self, name: str) -> None:
        self.name = name

    def sell(self, order: Order, to: Place) -> dict[str, Any]:
        """Sells."""
        return {"shop": self.name, "order": order, "to": to["city"]}

    def __call__(self, what: str) -> str:
        """Asks the shop."""
        return f"{self.name} has no {what}"


def in_place_only(a: int, b: int = 2, /, c: int = 3) -> tuple[int, int, int]:
    return a, b, c


def only(function: Callable[..., Any], name: str = "") -> dict[str, Any]:
    (tool,) = Toolbox.of({name: function} if name else [function]).to_wire()
    assert tool["type"] == "function"
    return tool["function"]


def run(function: Callable[..., Any], arguments: Any = "", timeout_s: float = 5.0, **limits: Any) -> ToolResult:
    box = Toolbox.of([function])
    (name,) = box
    call = box.read(name, arguments if isinstance(arguments, str) else json.dumps(arguments), "call_1")
    return box.run(call, timeout_s, Limits(**limits))


def test_a_function_is_described_by_hints_and_docstring() -> None:
    """Name, prose, one property a parameter with its words, default and allowed values; required ones are named."""
    assert only(search_orders) == {
        "name": "search_orders",
        "description": "Finds orders.\n\nThe newest come first.\n\nReturns: One line an order.",
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "city": {"type": "string", "description": "where they go to."},
                "limit": {"type": "integer", "default": 10, "description": "how many at most."},
                "since": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
                "status": {"type": "string", "enum": ["open", "paid"], "default": "open"},
            },
            "required": ["city"],
        },
    }


@pytest.mark.parametrize(
    ("function", "name", "properties"),
    [
        pytest.param(
            numpy_style,
            "numpy_style",
            {
                "a": {"type": "integer", "minimum": 1, "description": "The a, from 1."},
                "b": {"type": "string", "default": "x", "description": "the b"},
            },
            id="numpy-style-and-annotated",
        ),
        pytest.param(
            bare,
            "bare",
            {
                "x": {},
                "y": {"type": "integer", "default": 2},
                "rest": {"type": "array", "items": {"type": "integer"}, "default": []},
                "flag": {"type": "boolean", "default": False},
            },
            id="without-hints",
        ),
        pytest.param(functools.partial(search_orders, limit=3, since=None, status="open"), "search_orders", None, id="partial"),
        pytest.param(Shop("Q").sell, "sell", None, id="method"),
        pytest.param(Shop("Q"), "Shop", {"what": {"type": "string"}}, id="object"),
        pytest.param(later, "later", {"seconds": {"type": "number", "default": 0.0}}, id="async"),
        pytest.param(lambda x: x, "", None, id="lambda"),
    ],
)
def test_functions_of_every_kind_are_described(function: Any, name: str, properties: Any) -> None:
    """The name on the wire, and only the parameters that a model may fill."""
    told = only(function, "" if name else "double")
    assert told["name"] == (name or "double")
    assert told["description"]
    if properties is not None:
        assert told["parameters"]["properties"] == properties
    assert "limit" not in told["parameters"]["properties"]


def test_names_are_fit_for_the_wire_and_told_apart() -> None:
    """Other signs become underscores; of two functions with one name the second gets a number."""
    box = Toolbox.of({"größe der stadt": len, "shop.sell": Shop("Q").sell})
    assert list(box) == ["gr_e_der_stadt", "shop_sell"]
    assert list(Toolbox.of([Shop("A").sell, Shop("B").sell])) == ["sell", "sell_2"]


def test_a_realtime_session_gets_them_flat() -> None:
    """The Realtime reference nests nothing."""
    (flat,) = Toolbox.of([later]).to_flat_wire()
    assert flat["type"] == "function"
    assert flat["name"] == "later"
    assert flat["parameters"]["type"] == "object"


def needs_frame(frame: pd.DataFrame) -> int:
    return len(frame)


def has_frame(n: int, frame: pd.DataFrame = None) -> int:
    return n


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        pytest.param([needs_frame], "cannot fill `frame` of `needs_frame`", id="frame-wanted"),
        pytest.param([lambda x: x], "lambda has no name", id="lambda"),
        pytest.param([3], "is no function", id="number"),
        pytest.param([max], "does not tell its parameters", id="no-signature"),
        pytest.param([later] * 129, "128 functions at most", id="too-many"),
    ],
)
def test_what_cannot_be_a_tool_is_said(functions: list[Any], words: str) -> None:
    """One sentence that names the function and what to do."""
    with pytest.raises(OptionError, match=words) as caught:
        Toolbox.of(functions)
    assert caught.value.way_out


def test_the_functions_own_defaults_stand() -> None:
    """What the model does not give is the very default, no copy of it."""
    known = ["a"]

    def same(names: list[str] = known) -> bool:
        return names is known

    box = Toolbox.of([same])
    assert box.run(box.read("same", "{}")).value is True


def test_a_long_docstring_is_cut() -> None:
    """At 2000 characters: each request carries it."""

    def wordy() -> None: ...

    wordy.__doc__ = "word " * 1000
    assert len(only(wordy)["description"]) == 2000


def test_a_parameter_that_json_cannot_say_stays_the_users() -> None:
    """With a default it is left out of what the model may fill."""
    assert list(only(has_frame)["parameters"]["properties"]) == ["n"]
    assert run(has_frame, {"n": 4}).text == "4"
    assert "frame" in Toolbox.of([has_frame]).read("has_frame", '{"n": 1, "frame": []}').fault


def test_without_the_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip's words, not a traceback."""
    monkeypatch.setitem(__import__("sys").modules, "docstring_parser", None)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[tools\]"):
        Toolbox.of([later])


# Reading


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        pytest.param('{"city": "Oslo"', "are no JSON", id="cut"),
        pytest.param("[1]", "no JSON object", id="list"),
        pytest.param('{"city": NaN}', "NaN is no JSON", id="nan"),
        pytest.param('{"city": ' + "[" * 100_000, "nested too deeply", id="deep"),
        pytest.param("{}", "city: Field required", id="missing"),
        pytest.param('{"city": 3}', "city: Input should be a valid string", id="wrong-type"),
        pytest.param('{"city": "Oslo", "country": "NO"}', "country: Extra inputs are not permitted", id="unknown-argument"),
        pytest.param('{"city": "Oslo", "status": "lost"}', "status: Input should be 'open' or 'paid'", id="not-a-choice"),
        pytest.param('{"city": "Oslo"}', "", id="right"),
    ],
)
def test_arguments_are_checked_before_the_call(arguments: str, fault: str) -> None:
    """What is wrong is a sentence for the model; nothing runs."""
    call = Toolbox.of([search_orders]).read("search_orders", arguments, "c")
    assert fault in call.fault
    assert call.is_valid == (not fault)
    assert call.arguments == arguments


class Even(pydantic.BaseModel):
    n: int

    @pydantic.field_validator("n")
    @classmethod
    def check(cls, n: int) -> int:
        return {0: n}[n % 2]


def half(of: Even) -> int:
    """Halves."""
    return of.n // 2


def test_a_check_of_the_users_own_that_breaks_is_told() -> None:
    """A validator that raises what it should not is a sentence for the model, too."""
    box = Toolbox.of([half])
    assert "checking it raised KeyError: 1" in box.read("half", '{"of": {"n": 1}}').fault
    assert box.run(box.read("half", '{"of": {"n": 4}}')).value == 2


def test_an_unknown_function_is_answered_with_the_nearest() -> None:
    """The model learns what there is."""
    box = Toolbox.of([search_orders, later])
    assert "Did you mean search_orders?" in box.read("searchorders", "{}").fault
    assert "There are: search_orders, later." in box.read("zzz", "{}").fault
    result = box.run(box.read("zzz", "{}"))
    assert result.is_error
    assert "no function zzz" in result.text


@given(st.text())
def test_no_arguments_break_the_reader(arguments: str) -> None:
    """Whatever a model writes is a valid call or a sentence."""
    call = Toolbox.of([search_orders]).read("search_orders", arguments)
    assert call.is_valid != bool(call.fault)


# Running


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        pytest.param(
            search_orders,
            {"city": "Oslo", "since": "2026-01-02"},
            "10 open orders to Oslo since datetime.date(2026, 1, 2)",
            id="converted",
        ),
        pytest.param(functools.partial(search_orders, limit=3), {"city": "X"}, "3 open orders to X since None", id="partial"),
        pytest.param(
            Shop("Q").sell,
            {"order": {"number": 7}, "to": {"city": "Oslo", "country": "NO"}},
            '{"shop": "Q", "order": {"number": 7, "paid": false}, "to": "Oslo"}',
            id="method-models-typed-dict",
        ),
        pytest.param(Shop("Q"), {"what": "tea"}, "Q has no tea", id="object"),
        pytest.param(in_place_only, {"a": 1, "c": 9}, "[1, 2, 9]", id="positional-only"),
        pytest.param(bare, {"x": "a", "rest": [5, 6]}, '["a", 2, [5, 6], false, {}]', id="variadic"),
        pytest.param(later, "", "at last", id="async"),
        pytest.param(functools.partial(later, 0.0), "", "at last", id="partial-of-async"),
        pytest.param(count, "", "[0, 1, 2]", id="generator"),
        pytest.param(stream_words, "", '["a", "b"]', id="async-generator"),
    ],
)
def test_functions_of_every_kind_run(function: Any, arguments: Any, text: str) -> None:
    """With arguments of the hinted types; the result is text."""
    result = run(function, arguments)
    assert result.text == text
    assert not result.is_error


def fail(kind: str) -> None:
    raise {"value": ValueError("no such\ncity"), "exit": SystemExit(3), "ours": InputError("It is not.", "Do."), "odd": Odd()}[
        kind
    ]


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        pytest.param("value", "fail raised ValueError: no such city.", id="exception"),
        pytest.param("exit", "fail raised SystemExit: 3.", id="exit"),
        pytest.param("ours", "fail failed: It is not. Do.", id="own-error"),
        pytest.param("odd", "fail raised Odd.", id="error-that-cannot-be-written"),
    ],
)
def test_what_a_function_raises_is_told_to_the_model(kind: str, sentence: str) -> None:
    """Type and message in a sentence; no traceback, no path."""
    result = run(fail, {"kind": kind})
    assert result.text == sentence
    assert result.is_error


def sleep_long() -> None:
    time.sleep(30)


def spin() -> None:
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            continue


def wait_for_ever() -> None:
    threading.Event().wait()


async def sleep_async() -> None:
    await asyncio.sleep(30)


@pytest.mark.parametrize(
    ("function", "is_main"),
    [
        *((function, True) for function in (sleep_long, spin, wait_for_ever, sleep_async)),
        *((function, False) for function in (sleep_long, wait_for_ever, sleep_async)),
    ],
)
def test_a_function_that_hangs_is_given_up(function: Any, is_main: bool) -> None:
    """After its time, in the main thread as in any other."""
    results: list[ToolResult] = []
    if is_main:
        results.append(run(function, timeout_s=0.2))
    else:
        thread = threading.Thread(target=lambda: results.append(run(function, timeout_s=0.2)))
        thread.start()
        thread.join(PATIENCE_S)
    assert results[0].text == f"{function.__name__} did not come back within 0.2 s and was given up."
    assert 0.15 < results[0].elapsed_s < AT_ONCE_S


def test_functions_run_in_the_thread_that_asks() -> None:
    """What belongs to the main thread, like a SQLite connection, works."""
    connection = sqlite3.connect(":memory:")

    def ask_database() -> int:
        return int(connection.execute("select 41 + 1").fetchone()[0])

    assert run(ask_database).text == "42"
    connection.close()


# Results


def picture() -> Image.Image:
    return Image.new("RGB", (40, 30), "red")


def frame() -> pd.DataFrame:
    return pd.DataFrame({"city": ["Oslo", "Rom"], "n": [1, 2]})


def figure() -> Any:
    from matplotlib.figure import Figure

    drawn = Figure()
    drawn.subplots().plot([1, 2])
    return drawn


def mixed() -> dict[str, Any]:
    return {"n": 3, "plot": picture(), "table": frame()}


def png() -> bytes:
    from io import BytesIO

    out = BytesIO()
    picture().save(out, "PNG")
    return out.getvalue()


@dataclasses.dataclass
class Point:
    x: int
    when: date


@pytest.mark.parametrize(
    ("function", "words", "n_pictures"),
    [
        pytest.param(picture, "Image, 40×30 px: the picture follows.", 1, id="pillow"),
        pytest.param(figure, "Figure, ", 1, id="figure"),
        pytest.param(png, "40×30 px: the picture follows.", 1, id="png-bytes"),
        pytest.param(lambda: b"\0" * 500, "[500 bytes]", 0, id="other-bytes"),
        pytest.param(frame, "Oslo", 0, id="frame"),
        pytest.param(mixed, '"n": 3', 1, id="mixed"),
        pytest.param(lambda: [picture()] * 20, "[The first 8 of 20 pictures.]", 8, id="many-pictures"),
        pytest.param(lambda: None, "(it returned nothing)", 0, id="none"),
        pytest.param(lambda: Point(1, date(2026, 1, 2)), '{"x": 1, "when": "2026-01-02"}', 0, id="dataclass"),
        pytest.param(lambda: {"a": float("nan")}, '{"a": NaN}', 0, id="nan"),
        pytest.param(lambda: "https://example.org/a.png", "https://example.org/a.png", 0, id="address-stays-text"),
        pytest.param(lambda: ["https://example.org/a.png"], '["https://example.org/a.png"]', 0, id="address-in-list"),
        pytest.param(lambda: Path("/etc/hostname"), "/etc/hostname", 0, id="path-is-not-read"),
        pytest.param(lambda: [Path("/etc/hostname")], '["/etc/hostname"]', 0, id="path-in-list-is-not-read"),
    ],
)
def test_results_become_parts(function: Any, words: str, n_pictures: int) -> None:
    """Frames as text tables, pictures as pictures, the rest as JSON or text; never a file or address opened."""
    box = Toolbox.of({"make": function})
    result = box.run(box.read("make", ""))
    assert words in result.text
    assert len(result.images) == n_pictures
    assert not any("data" in image.url for image in result.images)


def test_a_model_without_eyes_gets_words_for_a_picture() -> None:
    """It is told that there is one."""
    result = run(picture, intake=Intake(kinds=frozenset({"text"})))
    assert result.images == []
    assert "a picture that you cannot see" in result.text


def holding_itself() -> Any:
    """Without an end, and ten times wider on each floor."""
    made: dict[str, Any] = {}
    made.update({str(n): made for n in range(10)})
    return made


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: "x" * 100_000_000, id="100-MB-of-text"),
        pytest.param(lambda: ["x" * 1000] * 100_000, id="100-MB-list"),
        pytest.param(lambda: {n: n for n in range(1_000_000)}, id="million-keys"),
        pytest.param(holding_itself, id="holds-itself-ten-times"),
    ],
)
def test_a_huge_result_is_cut_and_says_so(make: Callable[[], Any]) -> None:
    """The model and the user both learn that there was more."""
    box = Toolbox.of({"flood": make})
    result = box.run(box.read("flood", ""), limits=Limits(max_chars=1000))
    assert len(result.text) < 1200
    assert "Cut: these are the first 1,000 of" in result.text
    assert "the first 1,000 of" in result.note


def test_pictures_go_back_in_a_message_of_their_own() -> None:
    """A tool message holds words; the pictures follow as the user's, each named by its call."""
    call = ToolCall("plot", "{}", "call_7")
    result = run(picture)
    assert result.to_message(call).to_wire("base64") == {"role": "tool", "content": result.text, "tool_call_id": "call_7"}
    message = picture_message([(call, result), (call, ToolResult.failed("No."))])
    assert message is not None
    assert message.role == "user"
    assert message.kinds == {"text", "image"}
    assert "call_7" in message.text
    assert picture_message([(call, ToolResult.failed("No."))]) is None


# Approvals


class Scripted:
    """An approver with its answers ready; counts how often it is asked."""

    def __init__(self, *answers: Approval) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def decide(self, call: ToolCall) -> Approval:
        self.asked.append(call.name)
        return self.answers.pop(0)


def test_always_is_for_the_function_and_not_for_its_name() -> None:
    """A function of the same name that was defined anew is asked about; a method of the same object is not."""
    approvals, approver, call = Approvals(), Scripted(APPROVED, ALWAYS, refused("no")), ToolCall("f")
    shop = Shop("Q")
    assert approvals.decide(call, shop.sell, approver) == APPROVED
    assert approvals.decide(call, shop.sell, approver) == ALWAYS
    assert approvals.decide(call, shop.sell, approver) == ALWAYS
    assert len(approver.asked) == 2
    assert not approvals.decide(call, Shop("Q").sell, approver).is_given
    assert approvals.is_allowed(shop.sell)


def test_the_states_of_a_call() -> None:
    """Waiting is no yes; a refusal tells the model its reason."""
    assert [one.is_given for one in (WAITING, APPROVED, ALWAYS, refused())] == [False, True, True, False]
    assert "The reason: too costly" in refused(" too costly ").for_model()
    assert "No reason was given" in refused().for_model()
    assert ApproveAll().decide(ToolCall("f")).is_given
    assert "use --yes" in RefuseAll("use --yes").decide(ToolCall("f")).for_model()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        pytest.param(ToolCall("f", "{}", values={"city": "Oslo", "n": 3}), "f(city='Oslo', n=3)", id="values"),
        pytest.param(ToolCall("f", '{"a', fault="broken"), 'f({"a)', id="broken"),
        pytest.param(ToolCall("f", values={"x": "\x1b[31m" + "y" * 500}), "f(x='\\x1b[31myyy", id="long-and-hostile"),
    ],
)
def test_a_call_in_words(call: ToolCall, words: str) -> None:
    """One line, short, without control characters."""
    assert call.in_words().startswith(words)
    assert len(call.in_words()) <= 200
