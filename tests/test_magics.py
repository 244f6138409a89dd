"""The notebook's face: judged by the request that left and the namespace that came back."""

from __future__ import annotations

import base64
import io
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.utils.capture import capture_output
from PIL import Image

import glm_magics
from glm_magics.catalog import models
from glm_magics.errors import (
    AuthenticationError,
    CutShortError,
    InputError,
    Interrupted,
    MediaError,
    ModelError,
    NoProviderError,
    OptionError,
    UnknownNameError,
)
from glm_magics.replies import Reply
from glm_magics.testing import FakeGLM

from .conftest import KEY
from .patience import AT_ONCE_S, PATIENCE_S
from .wire import content, press_stop


def run(ip, cell: str):
    """One cell as a notebook runs it; the exception it ended with, or None."""
    with capture_output() as shown:
        result = ip.run_cell(cell)
    result.shown = shown
    result.error = result.error_before_exec or result.error_in_exec
    return result


def said(body) -> object:
    """The content of the user's message."""
    return body["messages"][-1]["content"]


def bundles(result) -> list[dict]:
    return [output.data for output in result.shown.outputs]


def displayed(ip, value: object) -> dict:
    """What a cell shows that ends with `value`."""
    return ip.display_formatter.format(value)[0]


def names(ip) -> set[str]:
    return set(ip.user_ns)


def picture(color: str = "red") -> Image.Image:
    return Image.new("RGB", (30, 20), color)


# What leaves


def test_a_cell_of_text_is_asked(ip, fake: FakeGLM) -> None:
    """Model default, the text as it is, streamed."""
    result = run(ip, "%%glm\nWhat is 2 + 2?\nBriefly.\n")
    assert result.success
    assert fake.bodies == [
        {"model": "glm-4.7", "messages": [{"role": "user", "content": "What is 2 + 2?\nBriefly."}], "stream": True}
    ]


def test_a_line_of_text_is_asked(ip, fake: FakeGLM) -> None:
    """Apostrophes, stars and all."""
    assert run(ip, "%glm what's 2**61-1 ?").success
    assert said(fake.bodies[0]) == "what's 2**61-1 ?"


@pytest.mark.parametrize("line", ["how many rows?", "is it 5 ?", "what's this?", "-t off why?"])
def test_a_question_mark_at_the_end_is_part_of_the_question(ip, fake: FakeGLM, line: str) -> None:
    """IPython alone would look for help."""
    assert run(ip, f"%glm {line}").success
    assert said(fake.bodies[0]) == line.removeprefix("-t off ")


def test_a_dry_run_needs_somebody_to_ask(ip, monkeypatch) -> None:
    """Which host it would go to is part of it."""
    monkeypatch.delenv("ZAI_API_KEY")
    assert type(run(ip, "%%glm --dry-run\nhi").error) is NoProviderError


CASES = [
    ("", "", {}),
    ("4.6", "", {"model": "4.6"}),
    ("-m glm-4.5-air", "", {"model": "glm-4.5-air"}),
    ("-t off", "", {"think": "off"}),
    ("-t on", "", {"think": "on"}),
    ('-s "be brief"', "", {"system": "be brief"}),
    ("--temperature 0.2 --top-p 0.5 --max-tokens 9", "", {"temperature": 0.2, "top_p": 0.5, "max_tokens": 9}),
    ("--stop END", "", {"stop": "END"}),
    ("-n", "", {"no_stream": True}),
    ("-i photo", "photo", {"image": ["photo"]}),
    ("-i photo -i photo", "photo", {"image": ["photo", "photo"]}),
    ("--frames text", "df", {"frames": "text"}),
]


@pytest.mark.parametrize(("line", "value", "options"), CASES, ids=[case[0] or "plain" for case in CASES])
def test_cell_line_and_python_build_the_same_body(ip, fake: FakeGLM, line: str, value: str, options: dict) -> None:
    """Every option that changes the request, through all three faces."""
    ip.user_ns |= {"photo": picture(), "df": pd.DataFrame({"a": [1]})}
    words = {name: [ip.user_ns[item] for item in given] if name == "image" else given for name, given in options.items()}
    question = ["Look: ", *([ip.user_ns[value]] if value == "df" else []), " what?"]
    text = "".join(part if isinstance(part, str) else "{df}" for part in question)
    assert run(ip, f"%%glm {line}\n{text}").success
    assert run(ip, f"%glm {line} -- {text}" if not line[:1].isdigit() else f"%glm -m {line} -- {text}").success
    glm_magics.ask(*question, **words)
    cell, one_line, python = fake.bodies
    assert cell == one_line == python
    assert len(fake.requests) == 3


def test_options_arrive_on_the_wire(ip, fake: FakeGLM) -> None:
    """Each under the vendor's name."""
    assert run(ip, "%%glm 4.6v -t off -s brief --temperature 0 --top-p 0.5 --max-tokens 9 --stop END -n\nhi").success
    assert fake.bodies == [
        {
            "model": "glm-4.6v",
            "messages": [{"role": "system", "content": "brief"}, {"role": "user", "content": "hi"}],
            "stream": False,
            "thinking": {"type": "disabled"},
            "temperature": 0.0,
            "top_p": 0.5,
            "max_tokens": 9,
            "stop": ["END"],
        }
    ]


def test_values_keep_their_place_among_the_words(ip, fake: FakeGLM) -> None:
    """Text, figure, frame, picture, array, bytes, scalar, in the order of the cell; the vision default answers."""
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    png = io.BytesIO()
    picture().save(png, "PNG")
    ip.user_ns |= {
        "fig": figure,
        "ax": axes,
        "df": pd.DataFrame({"a": [1, 2]}),
        "photo": picture(),
        "png": png.getvalue(),
        "array": np.zeros((20, 20, 3), np.uint8),
        "n": 42,
        "imgs": [picture(), picture("blue")],
    }
    cell = "Plot {fig}, axes {ax}, table {df}, column {df['a']}, photo {photo}, raw {png}, array {array}, {n} and {imgs[1]}."
    assert run(ip, f"%%glm\n{cell}").success
    [body] = fake.bodies
    assert body["model"] == "glm-4.6v"
    kinds = [part["type"] for part in said(body)]
    assert kinds == ["text", "image_url"] * 8 + ["text"]
    texts = [part["text"] for part in said(body) if part["type"] == "text"]
    assert texts[0] == "Plot "
    assert texts[7] == ", 42 and "
    assert texts[-1] == "."
    for part in said(body):
        if part["type"] == "image_url":
            data = base64.b64decode(part["image_url"]["url"], validate=True)
            assert Image.open(io.BytesIO(data)).mode == "RGB"
    plt.close("all")


def test_text_values_stay_plain_text(ip, fake: FakeGLM) -> None:
    """A message without a picture is one string, as text models need it."""
    ip.user_ns |= {"name": "Ada", "d": {"a": [1]}}
    assert run(ip, '%%glm\nHi {name}, {d["a"][0]}, {len(name)}, {{name}}, {"json": 1}, $\\frac{a}{b}$').success
    assert said(fake.bodies[0]) == 'Hi Ada, 1, 3, {name}, {"json": 1}, $\\frac{a}{b}$'


def test_raw_sends_braces_as_they_are(ip, fake: FakeGLM) -> None:
    """No value, no error."""
    ip.user_ns["name"] = "Ada"
    assert run(ip, "%%glm --raw\n{name} {nobody} {{x}}").success
    assert said(fake.bodies[0]) == "{name} {nobody} {{x}}"


def test_a_picture_chooses_the_vision_model_and_settings_choose_others(ip, fake: FakeGLM) -> None:
    """Defaults follow the message; %config changes them."""
    ip.user_ns["photo"] = picture()
    run(ip, "%%glm -i photo\nhi")
    run(ip, "%config GLM.vision_model = '4.5v'\n%config GLM.text_model = 'glm-4.6'")
    run(ip, "%%glm -i photo\nhi")
    run(ip, "%%glm\nhi")
    run(ip, "%%glm\nhttps://x.org/a.png")
    assert [body["model"] for body in fake.bodies] == ["glm-4.6v", "glm-4.5v", "glm-4.6", "glm-4.5v"]
    run(ip, "%%glm -i https://x.org/a.png\nhi")
    assert fake.bodies[-1]["model"] == "glm-4.5v"
    assert said(fake.bodies[-1])[0]["image_url"]["url"] == "https://x.org/a.png"


def test_magics_work_inside_functions(ip, fake: FakeGLM) -> None:
    """Local names are values, too."""
    cell = "def ask(local):\n    get_ipython().run_line_magic('glm', 'about {local}')\nask('this')"
    assert run(ip, cell).success
    assert said(fake.bodies[0]) == "about this"


# What comes back


def test_the_namespace_gets_the_reply_and_nothing_else(ip, fake: FakeGLM) -> None:
    """`_glm`, and the name behind --into."""
    fake.reply("Four.", thinking="2 + 2")
    run(ip, "1")
    before = names(ip)
    assert run(ip, "%%glm\nhi").success
    assert names(ip) - before <= {"_glm", "_i2", "_i3", "_2", "_3"}
    reply = ip.user_ns["_glm"]
    assert isinstance(reply, Reply)
    assert (reply.text, reply.thinking, reply.model, reply.finish_reason) == ("Four.", "2 + 2", "glm-4.7", "stop")
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.thinking_tokens) == (13, 2, 17)
    assert reply.is_complete
    assert reply.request_id
    before = names(ip)
    assert run(ip, "%%glm --into answer\nhi").success
    assert {name for name in names(ip) - before if not name.startswith("_i")} == {"answer"}
    assert ip.user_ns["answer"] is ip.user_ns["_glm"]


def test_the_answer_is_shown_once(ip, fake: FakeGLM) -> None:
    """Markdown with a footer; `glm.ask` as the last line does not show it again, naming the reply later does."""
    fake.reply("**Four.**")
    run(ip, "import glm_magics as glm")
    result = run(ip, "glm.ask('hi')")
    assert result.success
    assert isinstance(result.result, Reply)
    shown = [bundle["text/markdown"] for bundle in bundles(result)]
    assert sum("**Four.**" in text for text in shown[-1:]) == 1
    assert "glm-4.7" in shown[-1]
    assert "tokens" in shown[-1]
    assert "Four." not in result.shown.stdout
    assert "**Four.**" in run(ip, "_glm").shown.stdout
    assert displayed(ip, ip.user_ns["_glm"])["text/markdown"] == "**Four.**"


def test_quiet_shows_nothing(ip, fake: FakeGLM) -> None:
    """The reply is in `_glm`."""
    result = run(ip, "%%glm -q\nhi")
    assert result.success
    assert bundles(result) == []
    assert result.shown.stdout == result.shown.stderr == ""
    assert ip.user_ns["_glm"].text == "Hello!"


@pytest.mark.parametrize("as_", ["markdown", "text", "html-source", "json", "code"])
def test_every_form_shows_the_answer(ip, fake: FakeGLM, as_: str) -> None:
    """And the reply is the same in all of them."""
    fake.reply('```json\n{"a": 1}\n```')
    result = run(ip, f"%%glm --as {as_}\nhi")
    assert result.success
    assert any('"a"' in str(bundle) for bundle in bundles(result))
    assert ip.user_ns["_glm"].code_blocks[0].language == "json"


def test_hostile_answers_are_shown_as_text(ip, fake: FakeGLM) -> None:
    """Nothing in what is published can run."""
    fake.reply(
        "<script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1)) ![x](http://evil/?q)",
        thinking="<script>t</script>",
    )
    for as_ in ("markdown", "text", "html-source", "json", "code"):
        result = run(ip, f"%%glm --as {as_}\nhi")
        for bundle in bundles(result):
            assert "text/html" not in bundle
            if "```" not in bundle.get("text/markdown", ""):
                assert "<script" not in bundle.get("text/markdown", "")
                assert "<img" not in bundle.get("text/markdown", "")
                assert "](javascript" not in bundle.get("text/markdown", "")


def test_a_dry_run_shows_the_request_and_sends_nothing(ip, fake: FakeGLM) -> None:
    """Body as JSON with sizes for bytes, thumbnails, host, no key."""
    ip.user_ns["photo"] = picture()
    result = run(ip, "%%glm --dry-run -s brief\nWhat is {photo}?")
    assert result.success
    assert fake.requests == []
    table, sheet, request = bundles(result)
    assert "api.z.ai" in table["text/plain"]
    assert "photo · picture 30×20" in table["text/plain"]
    text = request["text/plain"]
    assert "30 × 20 px" in text
    body = json.loads(text[text.index("{") :])
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert base64.b64decode(sheet["image/png"]).startswith(b"\x89PNG")
    assert KEY not in str(bundles(result))
    assert "_glm" not in ip.user_ns
    assert glm_magics.ask("hi", dry_run=True).body["messages"] == [{"role": "user", "content": "hi"}]


# What stops before sending


ERRORS = [
    pytest.param("%%glm\n  \n\t", InputError, "nothing to send", id="blank-cell"),
    pytest.param("%glm", InputError, "nothing to send", id="empty-line"),
    pytest.param("%%glm gpt-4o\nhi", ModelError, "no model `gpt-4o`", id="unknown-model"),
    pytest.param("%%glm 4.77\nhi", ModelError, "`glm-4.7`", id="near-model"),
    pytest.param("%%glm embedding-3\nhi", ModelError, "no chat model", id="embedding"),
    pytest.param("%%glm glm-realtime-air\nhi", ModelError, "no chat model", id="realtime"),
    pytest.param("%%glm 4.7 -i photo\nhi", ModelError, "takes text, no image", id="picture-to-a-text-model"),
    pytest.param("%%glm 4.7\n{photo}", ModelError, "takes text, no image", id="picture-in-the-text"),
    pytest.param("%%glm --temprature 1\nhi", OptionError, "`--temperature`", id="unknown-option"),
    pytest.param("%%glm -t maybe\nhi", OptionError, "`maybe`", id="wrong-value"),
    pytest.param("%%glm -s 'open\nhi", OptionError, "not closed", id="unclosed-quote"),
    pytest.param("%%glm 4-voice -t on\nhi", OptionError, "does not think", id="thinking-where-there-is-none"),
    pytest.param("%%glm --max-tokens 999999\nhi", OptionError, "131072", id="too-many-tokens"),
    pytest.param("%%glm\n{photp}", UnknownNameError, "did you mean `photo`?", id="unknown-name"),
    pytest.param("%%glm\n{photo.nothing}", MediaError, "AttributeError", id="failing-expression"),
    pytest.param("%%glm -i nowhere.png\nhi", MediaError, "no file `nowhere.png`", id="no-such-file"),
    pytest.param("%%glm -i n\nhi", MediaError, "`n` is no picture", id="a-number-as-a-picture"),
    pytest.param("%%glm\n{missing}", MediaError, "no file `missing`", id="path-that-does-not-exist"),
    pytest.param("%%glm\n{broken}", MediaError, "`broken` is no readable picture", id="truncated-picture"),
    pytest.param("%glm_connect nowhere", InputError, "no provider", id="no-such-provider"),
    pytest.param("%glm_connect zai --kin x", OptionError, "not understood", id="connect-option"),
    pytest.param("%glm_connect http://a --kind olama", OptionError, "`ollama`", id="connect-kind"),
]


@pytest.mark.parametrize(("cell", "cls", "words"), ERRORS)
def test_mistakes_get_a_sentence_and_send_nothing(ip, fake: FakeGLM, cell: str, cls: type, words: str) -> None:
    """One red line instead of a traceback; the cell is marked failed, so that Run All stops."""
    ip.user_ns |= {"photo": picture(), "n": 5, "missing": Path("nowhere.png"), "broken": b"\x89PNG\r\n\x1a\nrest"}
    result = run(ip, cell)
    assert not result.success
    assert type(result.error) is cls
    assert words in str(result.error)
    assert fake.requests == []
    assert "_glm" not in ip.user_ns
    text = result.shown.stdout + result.shown.stderr
    assert "Traceback" not in text
    assert words.split("`")[0] in text


def test_an_empty_cell_sends_nothing(ip, fake: FakeGLM) -> None:
    """Our sentence, not IPython's."""
    result = run(ip, "%%glm\n")
    assert "nothing to send" in str(result.error)
    assert "Traceback" not in result.shown.stdout + result.shown.stderr
    assert fake.requests == []


def test_a_traceback_on_demand(ip) -> None:
    """%config GLM.show_traceback."""
    run(ip, "%config GLM.show_traceback = True")
    result = run(ip, "%%glm nomodel\nhi")
    assert "Traceback" in result.shown.stdout + result.shown.stderr


def test_a_name_with_an_exclamation_mark_skips_the_catalogue(ip, fake: FakeGLM) -> None:
    """A model of tomorrow; also a picture that the catalogue would refuse."""
    ip.user_ns["photo"] = picture()
    assert run(ip, "%%glm glm-9!\nhi").success
    assert run(ip, "%%glm glm-4.7! -i photo\nhi").success
    assert [body["model"] for body in fake.bodies] == ["glm-9", "glm-4.7"]


def test_no_key_and_nothing_chosen(ip, fake: FakeGLM, monkeypatch) -> None:
    """One message with the three ways forward; nothing is faked."""
    monkeypatch.delenv("ZAI_API_KEY")
    result = run(ip, "%%glm\nhi")
    assert type(result.error) is NoProviderError
    for way in ("ZAI_API_KEY", "http://localhost:8000/v1", "sandbox"):
        assert way in str(result.error)
    assert fake.requests == []


# What goes wrong after


def test_a_refusal_ends_the_cell(ip, fake: FakeGLM) -> None:
    """A wrong key: status, code, way out; the reply of before stays."""
    run(ip, "%%glm\nhi")
    before = ip.user_ns["_glm"]
    fake.error(401, {"error": {"code": "1002", "message": "token invalid"}})
    result = run(ip, "%%glm -o answer\nhi")
    assert type(result.error) is AuthenticationError
    assert "1002" in result.shown.stdout
    assert ip.user_ns["_glm"] is before
    assert "answer" not in ip.user_ns


def test_waits_are_shown(ip, fake: FakeGLM) -> None:
    """429, then success: the status line says why and how long."""
    fake.error(429, {"error": {"code": "1302", "message": "too many"}})
    fake.reply("At last.")
    result = run(ip, "%%glm\nhi")
    assert result.success
    shown = " ".join(str(bundle) for bundle in bundles(result))
    assert "too many" in shown
    assert "2 of 4" in shown
    assert ip.user_ns["_glm"].text == "At last."


def test_a_cut_answer_is_kept(ip, fake: FakeGLM) -> None:
    """In the output, in `_glm` and in the name behind --into; the cell fails."""
    fake.frames(content("Half of it"))
    result = run(ip, "%%glm -o answer\nhi")
    assert type(result.error) is CutShortError
    assert (ip.user_ns["answer"].text, ip.user_ns["answer"].ending) == ("Half of it", "cut short")
    assert ip.user_ns["_glm"] is ip.user_ns["answer"]
    shown = bundles(result)[-1]["text/markdown"]
    assert "Half of it" in shown
    assert "cut short" in shown


def test_a_stopped_answer_is_kept(ip, fake: FakeGLM) -> None:
    """■: one line instead of a traceback, the text stays, the cell fails."""
    over = threading.Event()
    fake.frames(content("Begun"), lambda: threading.Timer(0.05, press_stop).start(), lambda: over.wait(20))
    started_s = time.monotonic()
    result = run(ip, "%%glm -o answer\nhi")
    over.set()
    assert time.monotonic() - started_s < AT_ONCE_S
    assert type(result.error) is Interrupted
    assert not result.success
    assert (ip.user_ns["answer"].text, ip.user_ns["answer"].ending) == ("Begun", "stopped")
    shown = bundles(result)[-1]["text/markdown"]
    assert "Begun" in shown
    assert "stopped" in shown
    text = result.shown.stdout + result.shown.stderr
    assert "Stopped." in text
    assert "Traceback" not in text


def test_an_answer_of_2_mb(ip, fake: FakeGLM) -> None:
    """All of it in the reply, quickly."""
    fake.frames(*[content("word " * 20 + "\n")] * 20_000, content("", finish_reason="stop"))
    started_s = time.process_time()
    assert run(ip, "%%glm\nhi").success
    assert len(ip.user_ns["_glm"].text) == 20_000 * 101
    assert time.process_time() - started_s < 5


def test_the_key_is_shown_nowhere(ip, fake: FakeGLM, caplog) -> None:
    """Not in outputs, tracebacks in IPython's Verbose mode, the namespace, logs, or `%config`."""
    caplog.set_level(logging.DEBUG)
    fake.error(401, {"error": {"code": "1002", "message": "bad"}})
    cells = [
        "%xmode Verbose",
        "%glm_connect",
        "%%glm\nhi",
        "%config GLM.show_traceback = True",
        "%%glm\nhi",
        "%config GLM",
        "%%glm --dry-run\nhi",
        "import glm_magics as glm",
        "glm.current_session().connection",
        "vars(glm.current_session())",
        "glm.current_session().client.__dict__",
        "glm.ask('x')",
        "glm.connect()",
        "glm.current_session().config.trait_values()",
        "1/0",
    ]
    shown = ""
    for cell in cells:
        result = run(ip, cell)
        shown += (
            result.shown.stdout
            + result.shown.stderr
            + str(bundles(result))
            + repr(result.error)
            + str(getattr(result.error, "__dict__", ""))
        )
    assert "1002" in shown
    secret = KEY.partition(".")[2]
    assert secret not in shown
    assert secret not in "".join(record.getMessage() for record in caplog.records)
    assert secret not in "".join(repr(value) for value in ip.user_ns.values())
    assert fake.requests[0].headers["authorization"] == f"Bearer {KEY}"


# Who answers


def test_connect_shows_who_answers_and_where_the_key_is_from(ip) -> None:
    """Never the key."""
    result = run(ip, "%glm_connect")
    assert repr(result.result) == "zai answers, at https://api.z.ai/api/paas/v4 (key: environment variable ZAI_API_KEY)"
    assert "**zai** answers" in displayed(ip, result.result)["text/markdown"]
    run(ip, "import glm_magics as glm")
    assert run(ip, "glm.connect('coding')").result.startswith("coding answers")


def test_connect_switches(ip, fake: FakeGLM, monkeypatch) -> None:
    """Platform, a server of one's own (its single model is taken), and back."""
    monkeypatch.setenv("ZHIPUAI_API_KEY", KEY)
    run(ip, "%glm_connect bigmodel")
    assert run(ip, "%%glm\nhi").success
    assert fake.requests[-1].host == "open.bigmodel.cn"
    run(ip, "%glm_connect http://gpu:11434")
    fake.error(200, {"data": [{"id": "glm-local"}]})
    fake.reply()
    assert run(ip, "%%glm -t off\nhi").success
    assert (fake.requests[-2].method, fake.requests[-1].host) == ("GET", "gpu")
    assert "authorization" not in fake.requests[-1].headers
    assert fake.bodies[-1] == {
        "model": "glm-local",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "reasoning_effort": "none",
        "stream_options": {"include_usage": True},
    }
    run(ip, "%glm_connect zai")
    assert run(ip, "%%glm\nhi").success
    assert fake.requests[-1].host == "api.z.ai"


def test_a_failed_switch_changes_nothing(ip, fake: FakeGLM) -> None:
    """No key for it: who answered before still does."""
    run(ip, "%%glm\nhi")
    assert type(run(ip, "%glm_connect bigmodel").error) is NoProviderError
    assert run(ip, "%%glm\nhi").success
    assert fake.requests[-1].host == "api.z.ai"


def test_settings_count_from_the_next_cell_on(ip, fake: FakeGLM) -> None:
    """%config after the first request: provider, key, retries."""
    run(ip, "%%glm\nhi")
    run(ip, "%config GLM.provider = 'http://gpu:8000'\n%config GLM.api_key = 'own.key'")
    assert run(ip, "%%glm m\nhi").success
    assert fake.requests[-1].host == "gpu"
    assert fake.requests[-1].headers["authorization"] == "Bearer own.key"
    run(ip, "%config GLM.max_retries = 0")
    fake.error(500)
    run(ip, "%%glm m\nhi")
    assert len(fake.requests) == 3


def test_a_server_with_several_models_asks_which(ip, fake: FakeGLM) -> None:
    """With their names."""
    run(ip, "%glm_connect http://gpu:8000")
    fake.error(200, {"data": [{"id": "a"}, {"id": "b"}]})
    result = run(ip, "%%glm\nhi")
    assert type(result.error) is ModelError
    assert "It serves a, b." in str(result.error)


def test_the_models_are_a_table(ip) -> None:
    """As a DataFrame, every one of the catalogue; words filter."""
    frame = run(ip, "%glm_models").result
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.index) == list(models())
    vision = run(ip, "%glm_models vision zai").result
    assert "glm-4.6v" in vision.index
    assert "glm-4v-flash" not in vision.index
    none = run(ip, "%glm_models nothing-like-it")
    assert displayed(ip, none.result)["text/plain"] == "No model matches."
    run(ip, "import glm_magics as glm")
    table = run(ip, "glm.models('voice')").result
    assert [row["id"] for row in table] == ["glm-4-voice"]
    assert displayed(ip, table)["text/plain"].splitlines()[1].startswith("glm-4-voice  voice")
    assert displayed(ip, table[:1])["text/markdown"].startswith("| id |")


def test_the_models_without_pandas(ip, monkeypatch) -> None:
    """The same rows as a plain table, and a sentence instead of a frame."""
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    result = run(ip, "%glm_models")
    assert result.success
    assert len(result.result) == len(models())
    assert "| glm-4.7 |" in displayed(ip, result.result)["text/markdown"]
    with pytest.raises(glm_magics.GLMError, match="needs pandas"):
        result.result.to_frame()


# Loading


def state(ip) -> tuple:
    completers = ip.strdispatchers.get("complete_command")
    return (
        {kind: set(table) for kind, table in ip.magics_manager.magics.items()},
        len(ip.configurables),
        {name: len(callbacks) for name, callbacks in ip.events.callbacks.items()},
        sorted(pattern.pattern for pattern in completers.regexs) if completers else [],
    )


def test_unload_leaves_the_shell_as_it_was(shell) -> None:
    """Magics, settings, events, completion: all gone; loading twice hangs in nothing twice."""
    shell.run_line_magic("unload_ext", "glm_magics")  # not loaded; IPython loads its own magics for this
    before = state(shell)
    shell.run_line_magic("load_ext", "glm_magics")
    loaded = state(shell)
    assert loaded != before
    shell.run_line_magic("load_ext", "glm_magics")
    assert state(shell) == loaded
    shell.run_line_magic("reload_ext", "glm_magics")
    assert state(shell) == loaded
    shell.run_line_magic("unload_ext", "glm_magics")
    assert state(shell) == before
    shell.run_line_magic("unload_ext", "glm_magics")
    shell.run_line_magic("load_ext", "glm_magics")
    assert state(shell) == loaded


def test_the_extension_works_after_a_reload(ip, fake: FakeGLM) -> None:
    """A new session; the reply of before is still there."""
    run(ip, "%%glm -o answer\nhi")
    old = glm_magics.current_session()
    run(ip, "%reload_ext glm_magics")
    assert glm_magics.current_session() is not old
    assert ip.user_ns["answer"].text == "Hello!"
    glm_magics.current_session().transport = fake
    assert run(ip, "%%glm\nhi").success
    assert run(ip, "answer").success
    run(ip, "%unload_ext glm_magics")
    assert "glm" not in ip.magics_manager.magics["cell"]


def test_help_shows_the_manual(ip) -> None:
    """%%glm? with every option."""
    info = ip.object_inspect("%%glm")
    assert "--dry-run" in info["docstring"]
    assert "{df.describe()}" in info["docstring"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("%%glm --thi", "--think"),
        ("%%glm --think o", "off"),
        ("%%glm -i pho", "photo"),
        ("%glm -m glm-4.6", "glm-4.6v"),
        ("%%glm --as htm", "html-source"),
    ],
)
def test_tab_in_the_shell(ip, line: str, offered: str) -> None:
    """As the front end asks for it."""
    from IPython.core.completer import provisionalcompleter

    ip.user_ns["photo"] = picture()
    with provisionalcompleter():
        assert offered in {found.text for found in ip.Completer.completions(line, len(line))}


def test_two_kernels_do_not_mix(fake: FakeGLM) -> None:
    """Two sessions at once: each has its own connection, reply and settings."""
    from glm_magics.options import Options
    from glm_magics.session import Session

    fakes = [FakeGLM(), FakeGLM()]
    sessions = [Session(transport=one, environment={"ZAI_API_KEY": f"k{i}.s"}) for i, one in enumerate(fakes)]
    for i, one in enumerate(fakes):
        one.reply(f"I am {i}. " * 200)
    replies: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda i=i, asked=asked: replies.update({i: asked.ask([f"who {i}?"], Options())}))
        for i, asked in enumerate(sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    for i, one in enumerate(fakes):
        assert replies[i].text == f"I am {i}. " * 200
        assert one.bodies[0]["messages"][0]["content"] == f"who {i}?"
        assert one.requests[0].headers["authorization"] == f"Bearer k{i}.s"


def test_a_terminal_streams_plain_text(fake: FakeGLM, capsys) -> None:
    """In IPython without a notebook: the text, the thinking, the footer; no escapes when it is no terminal."""
    from glm_magics.options import Options
    from glm_magics.session import Session

    class TerminalInteractiveShell:
        user_ns: dict = {}  # noqa: RUF012
        config = None

    session = Session(transport=fake, environment={"ZAI_API_KEY": KEY})
    session.stage.shell = TerminalInteractiveShell()
    fake.reply("**Four.** \x1b[2J", thinking="2 + 2")
    session.ask(["hi"], Options())
    out = capsys.readouterr().out
    assert "(thinking) 2 + 2" in out
    assert "**Four.**" in out
    assert "glm-4.7" in out
    assert "\x1b" not in out
    assert "Not sent" in repr(session.ask(["hi"], Options(dry_run=True)))


def test_every_reply_of_a_cell_can_be_shown_later(ip, fake: FakeGLM) -> None:
    """A reply is silent only in the cell that showed it."""
    from IPython.utils.capture import capture_output

    ip.run_cell("import glm_magics as glm\na = glm.ask('one'); b = glm.ask('two')")
    for name in ("a", "b"):
        with capture_output() as captured:
            ip.run_cell(name)
        assert fake_text(captured), name


def fake_text(captured: Any) -> str:
    return str(captured.stdout) + "".join(str(output.data) for output in captured.outputs)


def test_key_set_after_another_setting_shows_in_no_configuration(ip) -> None:
    """IPython hands each %config line to every configurable; none may keep the key."""
    secret = "idid.t0pt0pt0p"
    ip.run_cell("%config GLM.timeout = 5.0")
    ip.run_cell(f"%config GLM.api_key = {secret!r}")
    ip.run_cell("%config GLM.timeout = 6.0")
    assert secret not in repr(ip.config)
    assert not [one for one in ip.configurables if secret in repr(one.config)]
    assert glm_magics.current_session().config.api_key.reveal() == secret


@pytest.mark.parametrize("line", ["%glm {nope}", "%glm --nope x", "%glm_connect nope"], ids=["name", "option", "provider"])
def test_show_traceback_counts_for_every_error(ip, line: str, capsys) -> None:
    ip.run_cell("%config GLM.show_traceback = True")
    ip.run_cell(line)
    assert "Traceback (most recent call last)" in capsys.readouterr().out


def test_a_cell_of_options_alone_asks(ip, fake: FakeGLM, tmp_path: Path) -> None:
    """A file may be the whole question; a terminal waits for more lines all the same."""
    (tmp_path / "question.txt").write_text("How many rows?")
    assert run(ip, "%%glm -f question.txt").success
    assert "How many rows?" in json.dumps(fake.bodies[0]["messages"])
    assert ip.check_complete("%%glm -f question.txt")[0] == "incomplete"
    assert "pinfo" in ip.transform_cell("%%glm?")


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        pytest.param("%glm how many rows?\n", "run_line_magic('glm', 'how many rows?')", id="question"),
        pytest.param("  %glm what's this?\n", "  get_ipython().run_line_magic('glm', \"what's this?\")", id="indented"),
        pytest.param("%glm?\n", "%glm?", id="help"),
        pytest.param("s = '''\n%glm is this?\n'''\n", "%glm is this?", id="in-a-string"),
        pytest.param("%%time\n%glm is this?\n", "%glm is this?", id="in-a-cell-magic"),
    ],
)
def test_final_question_mark(cell: str, kept: str) -> None:
    """A question is asked, help stays help, text stays text."""
    from glm_magics.magics.register import keep_question_marks

    assert kept in "".join(keep_question_marks(cell.splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("line", "offered"),
    [("%glm_connect ", "sandbox"), ("%glm_connect z", "zai"), ("%glm_connect URL --kind ", "ollama"), ("%%glm 4.6", "4.6v")],
)
def test_tab_offers_providers_and_short_names(line: str, offered: str) -> None:
    from glm_magics.magics.completion import complete_line

    assert offered in complete_line(line, [])


def test_models_sort_by_number() -> None:
    """The table works as a DataFrame: numbers are numbers, what is unknown is missing."""
    from glm_magics import models

    frame = models().to_frame()
    assert frame.sort_values("context").index[-1] in frame.index
    assert frame["in per 1M"].dtype.kind == "f"
    assert frame["context"].isna().any()


def test_dry_run_asks_no_server_for_its_model(ip, fake: FakeGLM) -> None:
    ip.run_cell("%glm_connect http://127.0.0.1:9/v1")
    ip.run_cell("%%glm --dry-run\nhi")
    ip.run_cell("import glm_magics as glm\nrun = glm.ask('hi', dry_run=True)")
    assert "the one model" in ip.user_ns["run"].body["model"]
    assert fake.requests == []
