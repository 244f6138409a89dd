"""Chats: the request that leaves with every turn, what %glm_chat does, files, the disk."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import glm_magics
import glm_magics.options
from glm_magics.chatfiles import read_json, read_markdown, write_json, write_markdown
from glm_magics.chatpages import chat_bundles
from glm_magics.chatstore import ChatStore
from glm_magics.conversations import Conversation, Turn, check_name
from glm_magics.errors import BudgetError, ChatError, CutShortError, Interrupted, ModelError, OptionError, PromptTooLongError
from glm_magics.messages import AudioPart, ImagePart, Message, SpokenId, TextPart, VideoPart
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

from .test_magics import bundles, displayed, run
from .wire import content, press_stop

PNG = b"\x89PNG\r\n\x1a\nrest"


def chats() -> Any:
    return glm_magics.current_session().chats


def roles(body: Any) -> list[tuple[str, Any]]:
    return [(message["role"], message["content"]) for message in body["messages"]]


def talk(ip, fake: FakeGLM, *pairs: tuple[str, str], name: str = "talk") -> None:
    for question, answer in pairs:
        fake.reply(answer)
        assert run(ip, f"%%glm -c {name}\n{question}").success


# Turns


def test_a_chat_goes_on(ip, fake: FakeGLM) -> None:
    """Each request holds all earlier turns; other chats and cells without one know nothing of it."""
    talk(ip, fake, ("one", "1"), ("two", "2"))
    talk(ip, fake, ("else", "e"), name="other")
    talk(ip, fake, ("three", "3"))
    assert run(ip, "%%glm\nalone").success
    assert roles(fake.bodies[3]) == [
        ("user", "one"),
        ("assistant", "1"),
        ("user", "two"),
        ("assistant", "2"),
        ("user", "three"),
    ]
    assert roles(fake.bodies[2]) == [("user", "else")]
    assert roles(fake.bodies[4]) == [("user", "alone")]
    assert glm_magics.ask("four", chat="talk", quiet=True).text == "3"
    assert len(fake.bodies[5]["messages"]) == 7


def test_a_chat_remembers_its_system_prompt_and_model(ip, fake: FakeGLM) -> None:
    """What was named once holds until something else is."""
    run(ip, "%%glm -c talk -s brief -m 4.5-air\none")
    run(ip, "%%glm -c talk\ntwo")
    run(ip, "%%glm -c talk -m 4.6 -s long\nthree")
    assert [body["model"] for body in fake.bodies] == ["glm-4.5-air", "glm-4.5-air", "glm-4.6"]
    assert [body["messages"][0] for body in fake.bodies[1:]] == [
        {"role": "system", "content": "brief"},
        {"role": "system", "content": "long"},
    ]


def test_a_picture_stays_in_the_chat_and_is_encoded_once(ip, fake: FakeGLM, monkeypatch) -> None:
    """The vision model answers as long as there is one; the bytes are made base64 a single time."""
    import glm_magics.messages as module

    n_encoded = []
    encode = module.base64.b64encode
    monkeypatch.setattr(module.base64, "b64encode", lambda data: n_encoded.append(1) or encode(data))
    ip.user_ns["photo"] = Image.new("RGB", (40, 30), "red")
    run(ip, "%%glm -c talk\nwhat is {photo}?")
    run(ip, "%%glm -c talk\nand now?")
    run(ip, "%%glm -c talk\nand now?")
    assert [body["model"] for body in fake.bodies] == ["glm-4.6v"] * 3
    assert fake.bodies[2]["messages"][0] == fake.bodies[0]["messages"][0]
    assert len(n_encoded) == 1
    result = run(ip, "%%glm -c talk -m 4.7\nand now?")
    assert type(result.error) is ModelError
    assert len(chats()["talk"].turns) == 3


@pytest.mark.parametrize(
    ("line", "sent", "fields"),
    [
        pytest.param("", False, None, id="not-across-turns"),
        pytest.param("--keep-thinking", True, {"type": "enabled", "clear_thinking": False}, id="kept"),
        pytest.param("--keep-thinking -t off", True, {"type": "disabled", "clear_thinking": False}, id="kept-and-off"),
    ],
)
def test_thinking_goes_back_only_when_asked_for(ip, fake: FakeGLM, line: str, sent: bool, fields: Any) -> None:
    """Complete and unchanged, in its own field, never in the content (protocol, 6)."""
    fake.reply("Four.", thinking="2 + 2\n\nis 4 ")
    run(ip, "%%glm -c talk\nhi")
    run(ip, f"%%glm -c talk {line}\nwhy?")
    earlier = fake.bodies[1]["messages"][1]
    assert earlier == {"role": "assistant", "content": "Four.", **({"reasoning_content": "2 + 2\n\nis 4 "} if sent else {})}
    assert fake.bodies[1].get("thinking") == fields


def test_thinking_on_servers_of_ones_own(ip, fake: FakeGLM) -> None:
    """Under the name that the server gave it, with the template's switch."""
    run(ip, "%glm_connect http://gpu:8000")
    fake.reply("Four.", thinking="Hm.")
    run(ip, "%%glm m -c talk\nhi")
    run(ip, "%%glm m -c talk --keep-thinking\nwhy?")
    assert fake.bodies[1]["messages"][1]["reasoning"] == "Hm."
    assert fake.bodies[1]["chat_template_kwargs"] == {"enable_thinking": True, "clear_thinking": False}


def test_models_that_do_not_think_keep_none(ip, fake: FakeGLM) -> None:
    """A sentence instead of a field that changes nothing."""
    result = run(ip, "%%glm 4v-flash --keep-thinking -c talk\nhi")
    assert type(result.error) is OptionError
    assert "does not think" in str(result.error)


def test_a_stopped_answer_is_a_turn_and_goes_on(ip, fake: FakeGLM) -> None:
    """■: what had come is what the model is told it said; "go on" is asked with it."""
    over = threading.Event()
    fake.frames(content("Begun "), content("well"), lambda: threading.Timer(0.05, press_stop).start(), lambda: over.wait(20))
    assert type(run(ip, "%%glm -c talk\nhi").error) is Interrupted
    over.set()
    fake.frames(content("and cut"))
    assert type(run(ip, "%%glm -c talk\ngo on").error) is CutShortError
    talk(ip, fake, ("go on", "to the end."))
    assert roles(fake.bodies[-1]) == [
        ("user", "hi"),
        ("assistant", "Begun well"),
        ("user", "go on"),
        ("assistant", "and cut"),
        ("user", "go on"),
    ]
    assert [turn.ending for turn in chats()["talk"].turns] == ["stopped", "cut short", ""]


def test_what_never_began_is_no_turn(ip, fake: FakeGLM) -> None:
    """A refusal, and an answer without a word, leave the chat as it was: it stays valid."""
    talk(ip, fake, ("one", "1"))
    fake.error(401, {"error": {"code": "1002", "message": "no"}})
    run(ip, "%%glm -c talk\ntwo")
    fake.reply("", thinking="only thought")
    run(ip, "%%glm -c talk\ntwo")
    assert len(chats()["talk"].turns) == 1
    talk(ip, fake, ("two", "2"))
    assert [role for role, _ in roles(fake.bodies[-1])] == ["user", "assistant", "user"]


def test_wrapper_tokens_do_not_go_back(ip, fake: FakeGLM) -> None:
    """Box tokens and inline thinking are no part of what was said."""
    fake.reply("<think>hm</think><|begin_of_box|>7<|end_of_box|>")
    run(ip, "%%glm -c talk\nhi")
    run(ip, "%%glm -c talk\nwhy?")
    assert fake.bodies[1]["messages"][1] == {"role": "assistant", "content": "7"}


def test_a_schema_in_a_chat(ip, fake: FakeGLM) -> None:
    """The turn holds the answer that fitted; the instruction is not part of the chat's system prompt."""
    fake.reply("no")
    fake.reply('{"x": 1}')
    run(ip, '%%glm -c talk --schema "x int"\nhi')
    talk(ip, fake, ("why?", "so"))
    assert roles(fake.bodies[-1]) == [("user", "hi"), ("assistant", '{"x": 1}'), ("user", "why?")]


def test_the_context_is_watched(ip, fake: FakeGLM) -> None:
    """The line below says how full it is, and what can be done when it is nearly full; nothing is done unasked."""
    fake.reply("ok", usage={"prompt_tokens": 30_000, "completion_tokens": 50, "total_tokens": 30_050})
    assert "chat talk, turn 1: 15 % of the context" in bundles(run(ip, "%%glm -c talk\nhi"))[-1]["text/markdown"]
    fake.reply("ok", usage={"prompt_tokens": 170_000, "completion_tokens": 50, "total_tokens": 170_050})
    text = bundles(run(ip, "%%glm -c talk\nhi"))[-1]["text/markdown"]
    assert "85 % of the context is full" in text
    assert "trim talk 1" in text.replace("&#96;", "")
    fake.reply("ok", usage={"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10})
    assert "turn 3: under 1 %" in bundles(run(ip, "%%glm -c talk\nhi"))[-1]["text/markdown"]
    fake.error(400, {"error": {"code": "1261", "message": "Prompt too long"}})
    result = run(ip, "%%glm -c talk\nhi")
    assert type(result.error) is PromptTooLongError
    assert "%glm_chat trim talk 1" in str(result.error)
    assert len(chats()["talk"].turns) == 3


def test_a_dry_run_counts_the_chat_and_does_not_touch_it(ip, fake: FakeGLM) -> None:
    """Earlier turns are in the body and in the estimate."""
    fake.reply("ok", usage={"prompt_tokens": 5_000, "completion_tokens": 50, "total_tokens": 5_050})
    run(ip, "%%glm -c talk\nhi")
    table, request = bundles(run(ip, "%%glm -c talk --dry-run\nand?"))
    assert "earlier turns" in table["text/plain"]
    assert "about 5,05" in table["text/plain"]
    assert '"hi"' in request["text/plain"]
    assert len(chats()["talk"].turns) == 1
    run(ip, "%%glm -c fresh --dry-run\nand?")
    assert "fresh" not in chats()


def test_the_chat_counts_for_the_budget(ip, fake: FakeGLM) -> None:
    """A long chat is dear before the question is."""
    fake.reply("ok", usage={"prompt_tokens": 100_000, "completion_tokens": 50, "total_tokens": 100_050})
    run(ip, "%%glm -c talk\nhi")
    assert type(run(ip, "%%glm -c talk --budget 0.05\nhi").error) is BudgetError


def test_the_sandbox_takes_every_turn(glm_sandbox) -> None:
    """Over HTTP: it checks the messages as the vendor does, and caches the prefix."""
    session = Session(environment={})
    session.connect(glm_sandbox.base_url, api_key=glm_sandbox.key)
    options = glm_magics.options.parse_options({"chat": "talk", "keep_thinking": True})
    first = session.ask(["one"], options)
    second = session.ask(["two"], options)
    assert second.usage.cached_tokens > 0
    assert second.usage.prompt_tokens > first.usage.prompt_tokens
    body = glm_sandbox.requests[-1].body
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][1]["reasoning_content"] == first.thinking
    session.close()


# %glm_chat


def test_chats_are_listed(ip, fake: FakeGLM) -> None:
    """With turns, tokens and the last question; nothing yet is said, too."""
    assert "No chat has begun" in repr(run(ip, "%glm_chat").result)
    talk(ip, fake, ("one | <b>", "1"), ("two", "2"))
    shown = displayed(ip, run(ip, "%glm_chat").result)
    assert "| talk | 2 |" in shown["text/markdown"]
    assert "two" in shown["text/plain"]
    assert dict(chats())["talk"].name == "talk"


def test_a_chat_is_shown_safely_with_its_pictures(ip, fake: FakeGLM) -> None:
    """Markdown in which nothing is alive, thinking folded, pictures as pictures; an open code block ends with its turn."""
    ip.user_ns["photo"] = Image.new("RGB", (40, 30), "red")
    fake.reply("```\nopen <script>", thinking="<script>hm</script>")
    run(ip, "%%glm -c talk -s brief\nlook {photo} here")
    talk(ip, fake, ("<img src=x onerror=alert(1)>", "fine"))
    shown = bundles(run(ip, "%glm_chat show talk"))
    assert [next(iter(bundle)) for bundle in shown] == ["text/markdown", "image/png", "text/markdown"]
    last = shown[2]["text/markdown"]
    assert "<img" not in last
    assert "<summary>Thinking</summary>&lt;script" in last
    assert last.count("```") == 2
    assert last.index("```", last.index("```") + 3) < last.index("**2 · you**")
    assert "system:* brief" in shown[0]["text/markdown"]


def test_undo_fork_trim_reset(ip, fake: FakeGLM) -> None:
    """Each changes what the next question is sent with, and no other chat."""
    talk(ip, fake, ("one", "1"), ("two", "2"), ("three", "3"))
    run(ip, "%glm_chat fork talk side 1")
    run(ip, "%glm_chat fork talk whole")
    run(ip, "%glm_chat undo talk")
    run(ip, "%glm_chat trim whole 2")
    names = {name: [turn.question.text for turn in chats()[name].turns] for name in chats()}
    assert names == {"talk": ["one", "two"], "side": ["one"], "whole": ["two", "three"]}
    talk(ip, fake, ("next", "n"), name="whole")
    assert [text for _, text in roles(fake.bodies[-1])] == ["two", "2", "three", "3", "next"]
    run(ip, "%glm_chat undo talk 2")
    assert chats()["talk"].turns == ()
    run(ip, "%glm_chat reset talk")
    assert "talk" not in chats()


def test_a_trimmed_chat_takes_less_room(ip, fake: FakeGLM) -> None:
    """The tokens of the turns that went are gone from the count; the system prompt stays."""
    for n_tokens in (1000, 3000):
        fake.reply("ok", usage={"prompt_tokens": n_tokens, "completion_tokens": 10, "total_tokens": n_tokens + 10})
        run(ip, "%%glm -c talk -s short\nhi")
    run(ip, "%glm_chat trim talk 1")
    assert chats()["talk"].n_tokens == 2000
    run(ip, "%%glm -c talk\nhi")
    assert [role for role, _ in roles(fake.bodies[-1])] == ["system", "user", "assistant", "user"]


def test_a_file_beyond_all_chats_is_not_read(ip) -> None:
    """Its size is looked at first."""
    with Path("huge.md").open("wb") as file:
        file.truncate(500_000_001)
    result = run(ip, "%glm_chat import huge.md")
    assert type(result.error) is ChatError
    assert "too large" in str(result.error)


def test_edit_asks_again(ip, fake: FakeGLM) -> None:
    """The turn's picture stays, its words change, later turns go; a failure loses nothing."""
    ip.user_ns["photo"] = Image.new("RGB", (40, 30), "red")
    talk(ip, fake, ("zero", "0"))
    fake.reply("1")
    run(ip, "%%glm -c talk\nwhat is {photo}?")
    talk(ip, fake, ("two", "2"))
    fake.error(401, {"error": {"code": "1002", "message": "no"}})
    run(ip, "%glm_chat edit talk 2 what's   its colour?")
    assert [turn.answer.text for turn in chats()["talk"].turns] == ["0", "1", "2"]
    fake.reply("red")
    assert run(ip, "%glm_chat edit talk 2 what's   its colour?").success
    assert [turn.answer.text for turn in chats()["talk"].turns] == ["0", "red"]
    assert roles(fake.bodies[-1])[:2] == [("user", "zero"), ("assistant", "0")]
    image, words = fake.bodies[-1]["messages"][2]["content"]
    assert (image["type"], words["text"]) == ("image_url", "what's   its colour?")
    assert ip.user_ns["_glm"].text == "red"


@pytest.mark.parametrize(
    ("line", "cls", "said"),
    [
        pytest.param("shw talk", OptionError, "`show`", id="unknown-command"),
        pytest.param("show", OptionError, "needs: NAME", id="no-name"),
        pytest.param("show talk more", OptionError, "needs: NAME", id="too-many"),
        pytest.param("show nobody", ChatError, "There are: `talk`", id="no-such-chat"),
        pytest.param("undo talk 2", ChatError, "has 1 turn", id="too-far-back"),
        pytest.param("undo talk 0", ChatError, "0 of them cannot be taken back", id="undo-nothing"),
        pytest.param("undo talk x", OptionError, "no number", id="no-number"),
        pytest.param("edit talk 0 hi", ChatError, "no turn", id="turn-zero"),
        pytest.param("edit talk 2 hi", ChatError, "no turn 2", id="turn-two"),
        pytest.param("edit talk 1", OptionError, "new words", id="edit-without-words"),
        pytest.param("edit 'talk' 1 ''", ChatError, "no new words", id="edit-with-nothing"),
        pytest.param("fork talk talk", OptionError, "already", id="fork-onto-itself"),
        pytest.param("fork talk ../x", ChatError, "cannot be the name", id="fork-name"),
        pytest.param("fork talk new 5", ChatError, "no turn 5", id="fork-turn"),
        pytest.param("resume nobody", ChatError, "None is saved", id="resume-nothing"),
        pytest.param("delete nobody", ChatError, "None is saved", id="delete-nothing"),
        pytest.param("save nobody", ChatError, "There is no chat", id="save-nothing"),
        pytest.param("import nowhere.json", ChatError, "cannot be read", id="import-nothing"),
        pytest.param("import .", ChatError, "cannot be read", id="import-folder"),
        pytest.param("export talk nowhere/x.md", ChatError, "cannot be written", id="export-nowhere"),
        pytest.param("export talk there.md", ChatError, "already", id="export-over"),
        pytest.param("import there.md", ChatError, "holds no chat", id="import-something-else"),
        pytest.param("show 'talk", OptionError, "not closed", id="quote"),
    ],
)
def test_mistakes_get_a_sentence(ip, fake: FakeGLM, line: str, cls: type, said: str) -> None:
    """And change nothing."""
    talk(ip, fake, ("one", "1"))
    Path("there.md").write_text("mine")
    before = dict(chats())
    result = run(ip, f"%glm_chat {line}")
    assert type(result.error) is cls
    assert said in str(result.error)
    assert "Traceback" not in result.shown.stdout
    assert dict(chats()) == before
    assert Path("there.md").read_text() == "mine"
    assert len(fake.requests) == 1


@pytest.mark.parametrize("name", ["", " ", "../x", "a/b", "-x", "a" * 61, "a\nb", ".x", "x."], ids=repr)
def test_names_that_cannot_be_one(session: Session, fake: FakeGLM, name: str) -> None:
    """They are words of commands, and of files."""
    with pytest.raises((ChatError, OptionError)):
        session.ask(["hi"], glm_magics.options.parse_options({"chat": name}))
    assert fake.requests == []
    assert check_name(" Größe 2.1 ") == "Größe 2.1"


def test_tab_offers_chats_and_commands(ip, fake: FakeGLM) -> None:
    """After -c, and after %glm_chat; spans after %glm_usage."""
    from glm_magics.magics.completion import complete_line

    talk(ip, fake, ("one", "1"))
    assert complete_line("%%glm -c ", [], chats()) == ["talk"]
    assert complete_line("%glm_chat un", [], chats()) == ["undo"]
    assert complete_line("%glm_chat show ta", [], chats()) == ["talk"]
    assert complete_line("%glm_usage mo", []) == ["month"]


# Files


def test_export_and_import_keep_everything(ip, fake: FakeGLM, tmp_path: Path) -> None:
    """Pictures and thinking included, in both forms; the chat that came back asks as the old one would."""
    ip.user_ns["photo"] = Image.new("RGB", (40, 30), "red")
    fake.reply("It is red.", thinking="Hm -- hm.")
    run(ip, "%%glm -c talk -s brief -m 4.6v\nwhat is {photo}?")
    talk(ip, fake, ("and?", "so\n\n<!-- glm:turn {} -->\n"))
    for name in ("a.json", "b.md"):
        assert run(ip, f"%glm_chat export talk {name}").success
        assert run(ip, f"%glm_chat import {name} {name[0]}").success
        assert chats()[name[0]] == chats()["talk"].fork(name[0])
        run(ip, f"%%glm -c {name[0]}\nnext")
    run(ip, "%%glm -c talk\nnext")
    assert fake.bodies[-1] == fake.bodies[-2] == fake.bodies[-3]
    text = Path("b.md").read_text()
    assert "](data:image/png;base64,iVBOR" in text
    assert "It is red." in text
    assert "no chat `talk`" not in str(run(ip, "%glm_chat import a.json").error)
    assert "already" in str(run(ip, "%glm_chat import a.json").error)


@pytest.mark.parametrize("suffix", ["md", "json"])
def test_a_file_that_an_editor_marked_as_unicode_is_read(ip, fake: FakeGLM, suffix: str) -> None:
    """Some editors of Windows begin every file with the mark of byte order."""
    talk(ip, fake, ("one", "1"))
    run(ip, f"%glm_chat export talk talk.{suffix}")
    file = Path(f"talk.{suffix}")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert run(ip, f"%glm_chat import talk.{suffix} again").success
    assert chats()["again"].turns == chats()["talk"].turns


def test_markdown_edited_by_hand_is_read(ip, fake: FakeGLM) -> None:
    """Other words, Windows line ends."""
    talk(ip, fake, ("one", "wrong"))
    run(ip, "%glm_chat export talk a.md")
    path = Path("a.md")
    path.write_bytes(path.read_bytes().replace(b"wrong", b"right\n\nand more").replace(b"\n", b"\r\n"))
    run(ip, "%glm_chat import a.md edited")
    assert chats()["edited"].turns[0].answer.text == "right\r\n\r\nand more"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["<!-- glm:part {} -->\n", "\\<!-- glm:", "a\r", "\n\n", "-->", "## 1\n\n", "\r\n\r\n", "--"]
)
PARTS = (
    st.builds(TextPart, TEXTS)
    | st.builds(ImagePart, st.just(PNG) | st.just(b""), width_px=st.integers(0, 9), label=TEXTS, url=TEXTS)
    | st.builds(VideoPart, url=TEXTS, data=st.binary(max_size=9), label=TEXTS)
    | st.builds(AudioPart, st.binary(min_size=1, max_size=9), seconds=st.floats(0, 9))
)
CALLS = st.lists(
    st.fixed_dictionaries({"id": TEXTS, "function": st.fixed_dictionaries({"name": TEXTS, "arguments": TEXTS})}), max_size=1
)
SPOKEN = st.none() | st.builds(SpokenId, TEXTS.filter(bool), TEXTS, TEXTS, st.none() | st.floats(0, 1e12))
ANSWERS = st.builds(
    Message, st.just("assistant"), st.tuples(st.builds(TextPart, TEXTS)), TEXTS, CALLS.map(tuple), st.just(""), SPOKEN
)
TURNS = st.builds(
    Turn,
    st.tuples(st.builds(Message, st.just("user"), st.lists(PARTS, min_size=1, max_size=3).map(tuple)), ANSWERS),
    TEXTS,
    st.sampled_from(["", "stopped"]),
    st.integers(0, 10**6),
)
CHATS = st.builds(Conversation, st.just("talk"), st.lists(TURNS, max_size=3).map(tuple), TEXTS, TEXTS)


@settings(max_examples=60)
@given(CHATS)
def test_any_chat_survives_both_forms(chat: Conversation) -> None:
    """Word for word, byte for byte; and can be shown."""
    assert read_json(write_json(chat)) == chat
    assert read_markdown(write_markdown(chat)) == chat
    assert chat_bundles(chat)


def broken(**changes: Any) -> str:
    part = {"kind": "image", "data": "iVBORw0KGgo=", "mime": "image/png"} | changes.pop("part", {})
    messages = [{"role": "user", "parts": [part]}, {"role": "assistant", "parts": [{"kind": "text", "text": "x"}]}]
    return json.dumps({"glm_chat": 1, "name": "x", "turns": [{"messages": messages}]} | changes)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="cut"),
        pytest.param("[]", id="list"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param(broken(glm_chat=9), id="version"),
        pytest.param(broken(name="../../etc"), id="name"),
        pytest.param(broken(turns=[1]), id="turn"),
        pytest.param(broken(turns=[{"messages": []}]), id="no-message"),
        pytest.param(broken(turns=[{"messages": [{"role": "system", "parts": []}]}]), id="system-role"),
        pytest.param(broken(turns=[{"messages": [{"role": "user", "parts": []}]}]), id="question-alone"),
        pytest.param(broken(part={"mime": "image/svg+xml", "data": "PHN2Zz4="}), id="svg"),
        pytest.param(broken(part={"mime": "text/html", "data": "PHN2Zz4="}), id="page-as-a-picture"),
        pytest.param(broken(part={"data": "PHN2Zz4="}), id="false-bytes"),
        pytest.param(broken(part={"data": "?"}), id="no-base64"),
        pytest.param(broken(part={"width_px": "x"}), id="wrong-type"),
        pytest.param(broken(part={"kind": "spell"}), id="unknown-part"),
        pytest.param(broken(part={"kind": "file"}), id="part-without-its-address"),
        pytest.param(broken(part={"kind": []}), id="kind-is-a-list"),
    ],
)
def test_files_that_are_no_chat_get_a_sentence(ip, text: str) -> None:
    """Whatever is in them; nothing is kept."""
    Path("x.json").write_text(text)
    result = run(ip, "%glm_chat import x.json")
    assert type(result.error) is ChatError
    assert "%glm_chat export" in str(result.error) or "name" in str(result.error) or "Update" in str(result.error)
    assert len(chats()) == 0


@given(
    st.text(alphabet='<!-> glm:chaturnmespigk{}"1,\n', max_size=80).map(
        lambda text: f'<!-- glm:chat {{"glm_chat": 1}} -->\n{text}'
    )
)
def test_any_markdown_is_a_chat_or_a_sentence(text: str) -> None:
    """No other error."""
    try:
        assert read_markdown(text)
    except ChatError:
        return


# The disk


def restarted(fake: FakeGLM) -> Session:
    """Another kernel of the same user."""
    from .conftest import KEY

    return Session(transport=fake, environment={"ZAI_API_KEY": KEY})


def ask(session: Session, text: str, name: str = "talk") -> None:
    session.ask([text], glm_magics.options.parse_options({"chat": name}))


def test_a_saved_chat_survives_a_restart(ip, fake: FakeGLM) -> None:
    """Every turn after `save` is on disk at once; `resume` goes on, with pictures and thinking; `delete` removes it."""
    ip.user_ns["photo"] = Image.new("RGB", (40, 30), "red")
    fake.reply("It is red.", thinking="Hm.")
    run(ip, "%%glm -c talk -s brief\nwhat is {photo}?")
    assert run(ip, "%glm_chat save talk").success
    talk(ip, fake, ("two", "2"))
    other = restarted(fake)
    assert "| talk | 2 |  | only |" in other.chats._repr_mimebundle_()["text/markdown"]
    assert other.chats.resume("talk") == chats()["talk"]
    ask(other, "three")
    assert fake.bodies[-1]["messages"][0] == {"role": "system", "content": "brief"}
    assert len(fake.bodies[-1]["messages"]) == 6
    third = restarted(fake)
    assert len(third.chats.resume("talk").turns) == 3
    third.chats.put(third.chats["talk"].undo(2))
    assert len(restarted(fake).chats.resume("talk").turns) == 1
    third.chats.delete("talk")
    with pytest.raises(ChatError, match="No chat `talk` is saved"):
        restarted(fake).chats.resume("talk")


def test_a_chat_that_begins_anew_leaves_the_saved_one_alone(ip, fake: FakeGLM) -> None:
    """`reset` ends the saving: the turns that follow are another chat, which the disk knows nothing of."""
    talk(ip, fake, ("one", "1"), ("two", "2"))
    run(ip, "%glm_chat save talk")
    run(ip, "%glm_chat reset talk")
    talk(ip, fake, ("else", "e"))
    assert [turn.question.text for turn in restarted(fake).chats.resume("talk").turns] == ["one", "two"]
    assert run(ip, "%glm_chat resume talk").success
    assert [turn.question.text for turn in chats()["talk"].turns] == ["one", "two"]


def test_a_new_chat_says_that_one_of_its_name_is_saved(ip, fake: FakeGLM) -> None:
    """It begins anew: nothing of an old chat is sent unasked."""
    other = restarted(fake)
    ask(other, "old")
    other.chats.save("talk")
    result = run(ip, "%%glm -c talk\nnew")
    assert "%glm_chat resume talk" in " ".join(bundle.get("text/plain", "") for bundle in bundles(result))
    assert len(fake.bodies[-1]["messages"]) == 1
    assert "resume brings it" not in str(run(ip, "%glm_chat show nobody").error)


def test_two_kernels_with_one_name_lose_nothing(fake: FakeGLM) -> None:
    """Who comes second is told, keeps the chat here, and can give it another name."""
    first, second = restarted(fake), restarted(fake)
    ask(first, "one")
    first.chats.save("talk")
    second.chats.resume("talk")
    ask(first, "from the first")
    with pytest.raises(ChatError, match="Another kernel has saved"):
        ask(second, "from the second")
    assert [turn.question.text for turn in second.chats["talk"].turns] == ["one", "from the second"]
    assert [turn.question.text for turn in restarted(fake).chats.resume("talk").turns] == ["one", "from the first"]
    second.chats.put(second.chats["talk"].fork("mine"))
    second.chats.save("mine")
    assert restarted(fake).chats._store.names() == {"talk": 2, "mine": 2}
    third = restarted(fake)
    ask(third, "x")
    with pytest.raises(ChatError, match="Another kernel"):
        third.chats.save("talk")


def test_many_kernels_save_at_once(tmp_path: Path) -> None:
    """Threads with stores of their own: of one revision exactly one wins, different names all do."""
    turn = Turn((Message("user", (TextPart("q"),)), Message("assistant", (TextPart("a"),))))
    ChatStore(tmp_path / "c.sqlite").save(Conversation("talk", (turn,)), 0)
    won: list[int] = []
    lost: list[ChatError] = []

    def save(n: int) -> None:
        store = ChatStore(tmp_path / "c.sqlite")
        store.save(Conversation(f"own {n}", (turn,)), 0)
        try:
            store.save(Conversation("talk", (turn,) * n), 1)
            won.append(n)
        except ChatError as error:
            lost.append(error)

    threads = [threading.Thread(target=save, args=(n,)) for n in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(won), len(lost)) == (1, 5)
    store = ChatStore(tmp_path / "c.sqlite")
    assert len(store.load("talk").chat.turns) == won[0]
    assert len(store.names()) == 7


@pytest.mark.parametrize("fault", ["garbage", "folder"])
def test_a_broken_store_gets_a_sentence(ip, fake: FakeGLM, tmp_path: Path, fault: str) -> None:
    """And chats go on in memory."""
    folder = tmp_path / "data"
    folder.mkdir()
    if fault == "garbage":
        (folder / "chats.sqlite").write_bytes(b"garbage " * 999)
    else:
        (folder / "chats.sqlite").mkdir()
    run(ip, f"%config GLM.folder = {str(folder)!r}")
    glm_magics.current_session().config.ledger = False
    result = run(ip, "%%glm -c talk\nhi")
    assert result.success
    assert len(chats()["talk"].turns) == 1
    assert "cannot be used" in str(run(ip, "%glm_chat save talk").error)
    assert run(ip, "%glm_chat").success


def test_a_turn_costs_the_same_after_many(tmp_path: Path) -> None:
    """On disk one row is written a turn, not the chat."""
    store = ChatStore(tmp_path / "c.sqlite")
    turn = Turn((Message("user", (TextPart("q" * 1000),)), Message("assistant", (TextPart("a" * 1000),))))
    revision, chat = 0, Conversation("talk")
    for n in range(50):
        chat = chat.add(turn)
        revision = store.save(chat, revision, n)
    assert store.load("talk").chat == chat
    assert (tmp_path / "c.sqlite").stat().st_size < 400_000
