"""Structured output: what may be asked for, how each model is brought to it, and the value that comes back."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from contextlib import suppress
from typing import Any, NotRequired, TypedDict

import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import glm_magics
import glm_magics.options
from glm_magics.answertables import parse_tables
from glm_magics.catalog import models
from glm_magics.display import NotebookPainter
from glm_magics.errors import APIError, Interrupted, MissingExtraError, OptionError, SchemaError, UnknownNameError
from glm_magics.formats import footer
from glm_magics.providers import PROVIDERS, server_provider
from glm_magics.replies import ReplyFold
from glm_magics.sandbox import Sandbox
from glm_magics.schemas import MisfitError, find_json, read_schema
from glm_magics.session import Session
from glm_magics.shortforms import read_short_form
from glm_magics.strategies import choose_way
from glm_magics.testing import FakeGLM

from .patience import until
from .test_magics import bundles, run
from .wire import content, press_stop


class Line(pydantic.BaseModel):
    """One line of an invoice."""

    what: str
    price: float


class Invoice(pydantic.BaseModel):
    number: str
    lines: list[Line] = []


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Person(TypedDict):
    name: str
    age: NotRequired[int]


class Family(TypedDict):
    members: list[Person]


JSON_SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}


@pytest.mark.parametrize(
    ("schema", "answer", "value"),
    [
        pytest.param(Invoice, {"number": "A1"}, Invoice(number="A1"), id="pydantic"),
        pytest.param(Point, {"x": 3}, Point(3), id="dataclass"),
        pytest.param(Person, {"name": "Ada"}, {"name": "Ada"}, id="typed-dict"),
        pytest.param(Family, {"members": [{"name": "Ada", "age": 3}]}, {"members": [{"name": "Ada", "age": 3}]}, id="nested"),
        pytest.param(list[Line], {"value": [{"what": "tea", "price": 2}]}, [Line(what="tea", price=2.0)], id="list-wrapped"),
        pytest.param(list[Line], [{"what": "tea", "price": 2}], [Line(what="tea", price=2.0)], id="list-bare"),
        pytest.param(int | None, {"value": None}, None, id="union"),
        pytest.param(JSON_SCHEMA, {"n": 1}, {"n": 1}, id="json-schema"),
        pytest.param(json.dumps(JSON_SCHEMA), {"n": 1}, {"n": 1}, id="json-schema-as-text"),
        pytest.param("name, age int, tags list[str]", {"name": "a", "age": 1, "tags": []}, None, id="short-form"),
        pytest.param("[name, age int]", {"value": [{"name": "a", "age": 1}]}, [{"name": "a", "age": 1}], id="short-list"),
    ],
)
def test_the_value_comes_back(session: Session, fake: FakeGLM, schema: Any, answer: Any, value: Any) -> None:
    """Every kind of schema, over a text model: JSON mode is asked for, the schema is in the system prompt."""
    fake.reply(json.dumps(answer))
    reply = session.ask(["hi"], glm_magics.options.Options(schema=schema))
    assert reply.value == (answer if value is None and isinstance(schema, str) else value)
    [body] = fake.bodies
    assert body["response_format"] == {"type": "json_object"}
    system = body["messages"][0]
    assert system["role"] == "system"
    wire_schema = json.loads(system["content"][system["content"].index("{") :])
    assert wire_schema == read_schema(schema).json_schema
    assert wire_schema["type"] == "object"


def test_the_cell_names_a_class_or_writes_a_short_form(ip, fake: FakeGLM) -> None:
    """--schema takes a name, a type of names, and a short form; --into gets the value, _glm the Reply."""
    ip.user_ns["Invoice"] = Invoice
    fake.reply('{"number": "7", "lines": [{"what": "tea", "price": 2}]}')
    assert run(ip, "%%glm --schema Invoice --into inv -s brief\nhi").success
    assert ip.user_ns["inv"] == Invoice(number="7", lines=[Line(what="tea", price=2)])
    assert ip.user_ns["_glm"].value is ip.user_ns["inv"]
    assert fake.bodies[0]["messages"][0]["content"].startswith("brief\n\n")
    fake.reply('{"value": [{"number": "7"}]}')
    assert run(ip, "%%glm --schema list[Invoice] --into inv\nhi").success
    assert ip.user_ns["inv"] == [Invoice(number="7")]
    fake.reply('{"name": "Ada", "age": 36}')
    assert run(ip, '%%glm --schema "name, age int" --into person\nhi').success
    assert ip.user_ns["person"] == {"name": "Ada", "age": 36}
    assert run(ip, '%glm --schema "name, age int" --into person who?').success


class Odd:
    """No type that can be filled."""

    def method(self) -> None: ...


REFUSED = [
    pytest.param(5, "takes no int", id="number"),
    pytest.param("", "needs the name of a field", id="empty"),
    pytest.param("name,, age", "needs the name of a field", id="two-commas"),
    pytest.param("name foo", "no type `foo`", id="unknown-type"),
    pytest.param("name, name", "names `name` twice", id="twice"),
    pytest.param("a list[", "misses `]`", id="open-list"),
    pytest.param("a {b", "misses a comma", id="open-object"),
    pytest.param("a x|", "after `|`", id="open-choice"),
    pytest.param("a; §", "cannot be read", id="sign"),
    pytest.param("a] b", "ends too early", id="closed-too-early"),
    pytest.param("{" * 50, "none", id="braces"),
    pytest.param("a " + "{a " * 30, "nested too deeply", id="deep"),
    pytest.param({"name": "str"}, "without a word of JSON Schema", id="dict-of-types"),
    pytest.param({"type": "objekt"}, "no JSON Schema", id="wrong-type-name"),
    pytest.param({"type": object}, "is no JSON", id="dict-of-objects"),
    pytest.param({"$ref": "http://127.0.0.1:9/x.json"}, "does not hold", id="foreign-reference"),
    pytest.param({"$ref": "#/$defs/none"}, "does not hold", id="dangling-reference"),
    pytest.param({"$ref": "#"}, "without end", id="endless-reference"),
    pytest.param(Odd, "cannot be made", id="class"),
    pytest.param(list[Odd], "cannot be made", id="list-of-class"),
]


@pytest.mark.parametrize(("schema", "said"), REFUSED)
def test_what_is_no_schema_gets_a_sentence(session: Session, fake: FakeGLM, schema: Any, said: str) -> None:
    """Before anything is sent."""
    with pytest.raises(OptionError) as caught:
        session.ask(["hi"], glm_magics.options.Options(schema=schema))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 450
    assert fake.requests == []


def test_a_name_that_is_not_there_is_no_short_form(ip, fake: FakeGLM) -> None:
    """A slip of the pen must not become a schema of one field."""
    result = run(ip, "%%glm --schema Invoce\nhi")
    assert type(result.error) is UnknownNameError
    assert "'Invoce str'" in str(result.error)
    assert fake.requests == []


def test_references_are_never_fetched(session: Session, monkeypatch) -> None:
    """No socket is opened for a `$ref`."""
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a connection"))
    with pytest.raises(OptionError):
        read_schema({"$ref": "http://127.0.0.1:9/x.json"})


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        pytest.param("born date?", {"type": ["string", "null"], "format": "date"}, id="optional"),
        pytest.param("mood good|bad?", {"enum": ["good", "bad", None]}, id="optional-choice"),
        pytest.param("price float: in euro", {"type": "number", "description": "in euro"}, id="meaning"),
        pytest.param("note: a few words", {"type": "string", "description": "a few words"}, id="meaning-of-text"),
        pytest.param(
            "xs list[list[int]]", {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, id="lists"
        ),
        pytest.param("größe int", {"type": "integer"}, id="letters"),
    ],
)
def test_short_forms(text: str, schema: dict[str, Any]) -> None:
    """Types, choices, nulls, meanings."""
    [found] = read_short_form(text)["properties"].values()
    assert found == schema


@given(st.text(alphabet="ab ,;{}[]|?:list int\n", max_size=30))
def test_any_text_is_a_short_form_or_a_sentence(text: str) -> None:
    """No other error, and what is read is a JSON Schema."""
    try:
        schema = read_short_form(text)
    except OptionError:
        return
    assert read_schema(schema).json_schema


CHAT_MODELS = [row for row in models().values() if row.can_chat]


@pytest.mark.parametrize("row", CHAT_MODELS, ids=lambda row: row.id)
def test_every_model_is_brought_to_it_in_its_own_way(session: Session, fake: FakeGLM, row: Any) -> None:
    """JSON mode where the row has it, a forced call where it has tools, words where it has neither."""
    way = choose_way(row, PROVIDERS["zai"])
    said = '{"x": 1}'
    calls = [{"id": "c", "index": 0, "type": "function", "function": {"name": "give_answer", "arguments": said}}]
    if way == "tool":
        fake.reply("", tool_calls=calls, finish_reason="tool_calls")
    else:
        fake.reply(said)
    reply = session.ask(["hi"], glm_magics.options.Options(schema=Point, model=row.id))
    assert reply.value == Point(1)
    body = fake.bodies[0]
    assert ("response_format" in body) == bool(row.structured_output)
    assert ("tools" in body) == (not row.structured_output and bool(row.tools))
    assert "finish reason" not in footer(reply)
    if way == "tool":
        assert body["tools"][0]["function"]["parameters"]["properties"]["x"] == {"title": "X", "type": "integer"}
        assert body["tool_choice"]["function"]["name"] == "give_answer"
    else:
        assert '"properties"' in body["messages"][0]["content"]


def test_a_server_of_ones_own_gets_the_schema_itself(session: Session, fake: FakeGLM) -> None:
    """vLLM and the like constrain the answer; transformers serve gets words."""
    session.connect("http://gpu:8000")
    fake.reply('{"x": 1}')
    assert session.ask(["hi"], glm_magics.options.Options(schema=Point, model="m")).value == Point(1)
    inner = fake.bodies[0]["response_format"]
    assert (inner["type"], inner["json_schema"]["name"]) == ("json_schema", "Point")
    assert inner["json_schema"]["strict"] is True
    assert choose_way(None, server_provider("http://gpu:8000", "transformers")) == "prompt"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"x": 1}', id="bare"),
        pytest.param('```json\n{"x": 1}\n```', id="fenced"),
        pytest.param('Here you are: {"x": 1}. Anything else?', id="among-words"),
        pytest.param('I saw {"a": 0} first. Then:\n\n```\n{"x": 1}\n```', id="second"),
        pytest.param('<|begin_of_box|>{"x": 1}<|end_of_box|>', id="box"),
        pytest.param('{{"x": 1}', id="brace-too-many"),
    ],
)
def test_json_is_found_wherever_it_stands(session: Session, fake: FakeGLM, text: str) -> None:
    """Models without JSON mode wrap it in words."""
    fake.reply(text)
    assert session.ask(["hi"], glm_magics.options.Options(schema=Point, model="glm-4.5v")).value == Point(1)


@given(st.text(alphabet='{}[]",:x1 \n`nNaI', max_size=60))
def test_any_answer_is_a_value_or_a_misfit(text: str) -> None:
    """Garbage never raises anything else, and NaN is no JSON."""
    list(find_json(text))
    with suppress(MisfitError):
        assert isinstance(read_schema(JSON_SCHEMA).parse(text), dict)


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        pytest.param("n float", '{"n": NaN}', "no JSON", id="nan"),
        pytest.param("born date", '{"born": "soon"}', "'soon' is not a 'date'", id="format"),
        pytest.param("n int", '{"n": true}', "not of type 'integer'", id="true-is-no-number"),
        pytest.param(
            ", ".join(f"f{n} int" for n in range(20)), "{}", "'f7' is a required property; and 12 more", id="many-faults"
        ),
    ],
)
def test_what_does_not_fit_is_said_shortly(schema: str, text: str, said: str) -> None:
    """For the model and for people."""
    with pytest.raises(MisfitError) as caught:
        read_schema(schema).parse(text)
    assert said in caught.value.sentence


def test_a_field_named_value_stays_a_field() -> None:
    """Only what was put into such a field for the wire is taken out of it."""
    assert read_schema("value int").parse('{"value": 3}') == {"value": 3}
    assert read_schema(list[int]).parse('{"value": [3]}') == [3]


def test_a_schema_is_that_of_the_moment_it_was_given() -> None:
    """What the user changes in the dict afterwards does not count; its title is cut to what the wire takes."""
    given = {"title": "T" * 100, "properties": {"n": {"type": "integer"}}}
    schema = read_schema(given)
    given["properties"] = {"n": {"type": "string"}}
    assert schema.json_schema["properties"] == {"n": {"type": "integer"}}
    assert schema.name == "T" * 64


# Asking again


def test_a_miss_goes_back_with_its_reason(ip, fake: FakeGLM) -> None:
    """The second answer fits; the cell says what happened, both answers stay on the page."""
    ip.user_ns["Point"] = Point
    fake.reply('{"x": "left"}')
    fake.reply('{"x": 2}')
    result = run(ip, "%%glm --schema Point --into p\nhi")
    assert result.success
    assert ip.user_ns["p"] == Point(2)
    first, second = fake.bodies
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assistant, user = second["messages"][-2:]
    assert assistant == {"role": "assistant", "content": '{"x": "left"}'}
    assert "x: Input should be a valid integer" in user["content"]
    assert second["response_format"] == {"type": "json_object"}
    shown = " ".join(str(bundle) for bundle in bundles(result))
    assert "asking again (2 of 3)" in shown
    assert "left" in shown


def test_an_empty_answer_goes_back_as_words(session: Session, fake: FakeGLM) -> None:
    """A server takes no empty answer."""
    fake.reply("")
    fake.reply('{"x": 2}')
    assert session.ask(["hi"], glm_magics.options.Options(schema=Point)).value == Point(2)
    answer, complaint = fake.bodies[1]["messages"][-2:]
    assert answer == {"role": "assistant", "content": "(nothing)"}
    assert "The answer is empty" in complaint["content"]


def test_a_missed_call_is_answered_as_a_tool(session: Session, fake: FakeGLM) -> None:
    """The forced call goes back whole, with its thinking, and the fault as its result (protocol, 7.2)."""
    call = {"id": "c1", "index": 0, "type": "function", "function": {"name": "give_answer", "arguments": '{"x": "a"}'}}
    fake.reply("", thinking="Hm.", tool_calls=[call], finish_reason="tool_calls")
    fake.reply("", tool_calls=[{**call, "function": {"name": "give_answer", "arguments": '{"x": 4}'}}])
    reply = session.ask(["hi"], glm_magics.options.Options(schema=Point, model="glm-4.6v"))
    assert reply.value == Point(4)
    assistant, tool = fake.bodies[1]["messages"][-2:]
    assert (assistant["reasoning_content"], assistant["tool_calls"][0]["id"]) == ("Hm.", "c1")
    assert (tool["role"], tool["tool_call_id"]) == ("tool", "c1")
    assert "valid integer" in tool["content"]


class Fussy(pydantic.BaseModel):
    """Its check breaks where it should say what is wrong."""

    n: int

    @pydantic.field_validator("n")
    @classmethod
    def check(cls, n: int) -> int:
        return {2: n}[n]


Loop = {"type": "object", "properties": {"n": {"$ref": "#/properties/n"}}}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        pytest.param(
            {"type": "object", "properties": {"n": {"minimum": 5, "maximum": 3}}, "required": ["n"]}, '{"n": 4}', id="both"
        ),
        pytest.param({"not": {}}, "{}", id="nothing-fits"),
        pytest.param(Point, "I cannot say.", id="words"),
        pytest.param(Point, " ", id="nothing"),
        pytest.param(Fussy, '{"n": 1}', id="a-validator-that-breaks"),
        pytest.param({"properties": {"n": {}}}, '{"n": "\\ud800"}', id="half-a-character"),
        pytest.param(Loop, '{"n": 1}', id="a-schema-that-leads-to-itself"),
    ],
)
def test_what_never_fits_ends_and_loses_nothing(ip, fake: FakeGLM, schema: Any, text: str) -> None:
    """As many tries as allowed; one sentence; the last answer in _glm; the name behind --into is not set."""
    ip.user_ns["Never"] = schema
    fake.reply(text)
    result = run(ip, "%%glm --schema Never --retries 1 --into it\nhi")
    assert type(result.error) is SchemaError
    assert len(fake.requests) == 2
    assert "after 2 tries" in str(result.error)
    assert "--retries" in str(result.error)
    assert (ip.user_ns["_glm"].text, ip.user_ns["_glm"].value) == (text.strip(), None)
    assert ip.user_ns["_glm"].misfit
    assert "it" not in ip.user_ns
    assert "Traceback" not in result.shown.stdout


@pytest.mark.parametrize(
    ("finish_reason", "said"),
    [("length", "allow more with --max-tokens"), ("sensitive", "review blocked it"), ("model_context_window_exceeded", "less")],
)
def test_a_cut_object_is_not_asked_for_again(ip, fake: FakeGLM, finish_reason: str, said: str) -> None:
    """It would be cut again: the way out is another."""
    fake.reply('{"x": ', finish_reason=finish_reason)
    ip.user_ns["Point"] = Point
    result = run(ip, "%%glm --schema Point\nhi")
    assert type(result.error) is SchemaError
    assert said in str(result.error)
    assert len(fake.requests) == 1


def test_a_failure_on_the_way_keeps_the_answer_before(ip, fake: FakeGLM) -> None:
    """The first answer did not fit, the second try is refused: the first is in _glm."""
    ip.user_ns["Point"] = Point
    fake.reply('{"x": "left"}')
    fake.error(401, {"error": {"code": "1002", "message": "no"}})
    result = run(ip, "%%glm --schema Point\nhi")
    assert isinstance(result.error, APIError)
    assert ip.user_ns["_glm"].text == '{"x": "left"}'


def test_stopping_the_second_try_keeps_the_first(ip, fake: FakeGLM) -> None:
    """■ before a word of it came: the answer before is in _glm."""
    ip.user_ns["Point"] = Point
    over = threading.Event()
    fake.reply('{"x": "left"}')
    fake.frames(lambda: threading.Timer(0.05, press_stop).start(), lambda: over.wait(20))
    result = run(ip, "%%glm --schema Point\nhi")
    over.set()
    assert type(result.error) is Interrupted
    assert ip.user_ns["_glm"].text == '{"x": "left"}'


def test_schemas_without_their_packages(session: Session, fake: FakeGLM, monkeypatch) -> None:
    """A sentence that names the extra."""
    import sys

    for package in ("pydantic", "jsonschema"):
        monkeypatch.setitem(sys.modules, package, None)
    for schema in (Point, "a, b", JSON_SCHEMA):
        with pytest.raises(MissingExtraError, match=r"glm-magics\[schema\]"):
            session.ask(["hi"], glm_magics.options.Options(schema=schema))
    assert fake.requests == []


# Shown


def test_the_object_is_shown_growing(ip, fake: FakeGLM, monkeypatch) -> None:
    """While it streams, what has come so far is an object with its ends closed; then the value."""
    pieces = [content('{"name": "Ada",'), content(' "tags": ["fi'), content('rst"]}')]
    painted: list[int] = []
    paint = NotebookPainter.paint

    def note(painter: NotebookPainter, fold: ReplyFold, now_s: float) -> float:
        pause_s = paint(painter, fold, now_s)
        painted.append(len(fold.text_pieces))
        return pause_s

    monkeypatch.setattr(NotebookPainter, "paint", note)
    waits = [lambda n=n: until(lambda: n in painted) for n in range(1, 4)]
    steps = [step for pair in zip(pieces, waits, strict=True) for step in pair]
    fake.frames(*steps, content("", finish_reason="stop"))
    result = run(ip, '%%glm --schema "name, tags list[str]"\nhi')
    assert result.success
    texts = [bundle.get("text/markdown", "") for bundle in bundles(result)]
    growing = [text for text in texts if "receiving" in text]
    assert any('```json\n{\n  "name": "Ada",\n  "tags": [\n    "fi"\n  ]\n}\n```' in text for text in growing)
    assert '"first"' in texts[-1]


def test_an_object_that_misses_the_schema_is_shown_as_one(ip, fake: FakeGLM) -> None:
    """Also where it came by a forced call: it is JSON, and the line below says what does not fit."""
    call = {"id": "c", "type": "function", "function": {"name": "give_answer", "arguments": '{"name":"Ada"}'}}
    fake.reply("", tool_calls=[call], finish_reason="tool_calls")
    result = run(ip, '%%glm 4.6v --schema "name, n int" --retries 0\nhi')
    assert type(result.error) is SchemaError
    shown = bundles(result)[-1]["text/markdown"]
    assert '```json\n{\n  "name": "Ada"\n}\n```' in shown
    assert "no JSON" not in shown
    assert "does not fit the schema" in shown


def test_as_frame_shows_a_table_and_gives_a_dataframe(ip, fake: FakeGLM) -> None:
    """A row for each item; numbers are numbers."""
    fake.reply('{"value": [{"city": "Rome", "n": 2.8}, {"city": "Oslo", "n": 0.7}]}')
    result = run(ip, '%%glm --schema "[city, n float]" --as frame --into df\nhi')
    assert result.success
    pd.testing.assert_frame_equal(ip.user_ns["df"], pd.DataFrame({"city": ["Rome", "Oslo"], "n": [2.8, 0.7]}))
    assert "|0|Rome|2.8|" in bundles(result)[-1]["text/markdown"].replace(" ", "")


def test_markdown_tables_are_frames(ip, fake: FakeGLM) -> None:
    """`Reply.tables`, and --as frame without a schema."""
    fake.reply("Two:\n\n| city | n |\n|---|--:|\n| **Rome** | 2.8 |\n| Oslo | – |\n\nand\n\n|a|\n|-|\n|1|\n")
    assert run(ip, "%%glm --as frame --into df\nhi").success
    first, second = ip.user_ns["_glm"].tables
    assert list(first.columns) == ["city", "n"]
    assert first["n"].isna().tolist() == [False, True]
    assert second["a"].tolist() == [1]
    pd.testing.assert_frame_equal(ip.user_ns["df"], first)
    fake.reply("No table, sorry.")
    result = run(ip, "%%glm --as frame --into df\nhi")
    assert "no table in the answer" in str(result.error)
    assert ip.user_ns["_glm"].text == "No table, sorry."
    assert ip.user_ns["_glm"].tables == []


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        pytest.param("a|b\n-|-\n1|2", [(1, 2)], id="without-outer-bars"),
        pytest.param("| a | b |\n| - | - |\n| 1 |\n| 1 | 2 | 3 |", [(2, 2)], id="ragged"),
        pytest.param("| a | b |\n| - |\n| 1 | 2 |", [], id="rule-too-short"),
        pytest.param("```\n| a |\n| - |\n```", [], id="code"),
        pytest.param("| a |\n| - |", [(0, 1)], id="no-rows"),
        pytest.param("| a \\| b |\n| - |\n| c \\| d |", [(1, 1)], id="bar-in-a-cell"),
        pytest.param("| a | a |\n|-|-|\n| 1 | x |", [(1, 2)], id="same-name-twice"),
        pytest.param("a\n---\nb", [], id="heading"),
    ],
)
def test_which_tables_are_found(text: str, shapes: list[tuple[int, int]]) -> None:
    """As Markdown renderers see them."""
    assert [table.to_frame().shape for table in parse_tables(text)] == shapes


@given(st.text(alphabet="|-a1:\\\n ` ", max_size=60))
def test_any_text_has_tables_or_none(text: str) -> None:
    """Rows are as long as the head."""
    for table in parse_tables(text):
        assert all(len(row) == len(table.heads) for row in table.rows)


def test_hostile_values_are_shown_as_text(ip, fake: FakeGLM) -> None:
    """In every form of showing a value."""
    fake.reply('{"name": "<script>alert(1)</script> ``` ![x](http://evil/)"}')
    for as_ in ("markdown", "json", "frame", "text", "code"):
        result = run(ip, f"%%glm --schema 'name str' --as {as_}\nhi")
        assert result.success
        for bundle in bundles(result):
            text = bundle.get("text/markdown", "")
            assert "<script" not in text or text.lstrip().startswith("```")
            assert "text/html" not in bundle


# Against the sandbox


@pytest.mark.parametrize("row", CHAT_MODELS, ids=lambda row: row.id)
def test_the_sandbox_fills_schemas_in_every_way(running: Sandbox, row: Any) -> None:
    """Over HTTP, streamed: each chat model of the catalogue gives a valid object."""
    session = Session(environment={})
    session.connect(running.base_url, api_key=running.key)
    reply = session.ask(['The invoice "A17" has tea for 2.5.'], glm_magics.options.Options(schema=Invoice, model=row.id))
    assert isinstance(reply.value, Invoice)
    session.close()


def test_the_sandbox_as_a_server_of_ones_own(glm_sandbox) -> None:
    """At /v1 it takes the schema itself; at the vendor's address it refuses that, as the vendor does."""
    session = Session(environment={})
    session.connect(glm_sandbox.base_url.replace("/api/paas/v4", "/v1"), kind="vllm", api_key=glm_sandbox.key)
    reply = session.ask(["The invoice 'A17'."], glm_magics.options.Options(schema=Invoice, model="zai-org/GLM-4.7"))
    assert isinstance(reply.value, Invoice)
    assert glm_sandbox.requests[-1].body["response_format"]["type"] == "json_schema"
    session.close()


def test_a_picture_goes_with_a_schema(session: Session, fake: FakeGLM) -> None:
    """The vision default, by a forced call."""
    fake.reply('{"x": 5}')
    reply = session.ask(["where?", Image.new("RGB", (30, 20))], glm_magics.options.Options(schema=Point))
    assert reply.value == Point(5)
    assert fake.bodies[0]["model"] == "glm-4.6v"
