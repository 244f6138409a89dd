"""Every shape of an answer, whole and streamed, folds to the same `Reply`."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glm_magics.cleaner import ContentCleaner
from glm_magics.replies import Delta, Reply, ReplyFold, parse_chunk
from glm_magics.tokenusage import Usage, parse_usage

USAGE = {
    "prompt_tokens": 180,
    "completion_tokens": 60,
    "total_tokens": 240,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 35},
}
CALL = {"id": "call_1", "index": 0, "type": "function", "function": {"name": "weather", "arguments": '{"location":"Florence"}'}}


def fold(*chunks: Any) -> Reply:
    folded = ReplyFold("asked-model", 100.0)
    for seconds, chunk in enumerate(chunks, start=1):
        folded.add(chunk if isinstance(chunk, Delta) else parse_chunk(chunk), 100.0 + seconds)
    return folded.finish(110.0)


def chunk(delta: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}}
    if "finish_reason" in facts:
        choice["finish_reason"] = facts.pop("finish_reason")
    return {"id": "the-id", "model": "glm-4.7", "choices": [choice], **facts}


def test_a_whole_reply_is_read() -> None:
    """Thinking, text, tool call, ids and usage of the documented object all arrive."""
    message = {"role": "assistant", "content": "Let me look.", "reasoning_content": "A tool exists.", "tool_calls": [CALL]}
    reply = fold(
        {
            "id": "i", "request_id": "r", "model": "glm-4.7", "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}], "usage": USAGE,
        }
    )  # fmt: skip
    assert (reply.text, reply.thinking, reply.model, reply.request_id) == ("Let me look.", "A tool exists.", "glm-4.7", "r")
    assert reply.usage == Usage(180, 60, 240, 64, 35)
    assert reply.usage.answer_tokens == 25
    assert reply.tool_calls == ({"id": "call_1", "type": "function", "function": CALL["function"]},)
    assert reply.is_complete
    assert (reply.first_token_s, reply.elapsed_s) == (1.0, 10.0)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("key", ["delta", "message"])
def test_both_names_of_the_thinking_field(name: str, key: str) -> None:
    """The vendor's and vLLM's name are read from chunks and from whole replies."""
    reply = fold({"choices": [{key: {name: "Hm.", "content": "Yes."}}]})
    assert (reply.thinking, reply.text) == ("Hm.", "Yes.")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("text", "text", id="string"),
        pytest.param(None, "", id="null"),
        pytest.param("", "", id="empty"),
        pytest.param([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab", id="text-parts"),
        pytest.param([{"type": "image_url"}, 5, None, {"type": "text", "text": "b"}], "b", id="foreign-parts"),
        pytest.param({"text": "a"}, "", id="object"),
        pytest.param(5, "", id="number"),
    ],
)
def test_shapes_of_content(content: Any, text: str) -> None:
    """Content is text, null or a list of parts; anything else is no text and no crash."""
    assert fold({"choices": [{"message": {"content": content}}]}).text == text


def test_usage_on_the_finish_chunk_and_in_a_chunk_of_its_own() -> None:
    """Vendor and OpenAI-style servers give the same usage."""
    on_finish = fold(chunk({"content": "a"}), chunk({"content": ""}, finish_reason="stop", usage=USAGE))
    extra = fold(chunk({"content": "a"}), chunk({"content": ""}, finish_reason="stop"), {"choices": [], "usage": USAGE})
    assert on_finish.usage == extra.usage == Usage(180, 60, 240, 64, 35)
    assert extra.finish_reason == "stop"


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("many", None, id="text"),
        pytest.param({}, Usage(), id="empty"),
        pytest.param({"prompt_tokens": "5", "completion_tokens": -1, "total_tokens": 2.5}, Usage(), id="no-counts"),
        pytest.param({"prompt_tokens": 5, "prompt_tokens_details": None}, Usage(5), id="no-details"),
        pytest.param(
            {"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 9}}, Usage(0, 5, 0, 0, 9), id="odd"
        ),
    ],
)
def test_odd_usage(raw: object, usage: Usage | None) -> None:
    """Missing and unreadable counts are 0; the answer's share is never negative."""
    assert parse_usage(raw) == usage
    assert usage is None or usage.answer_tokens >= 0


def test_glm_4_5_opens_with_an_empty_content_beside_thinking() -> None:
    """An empty content in a thinking delta begins no answer."""
    reply = fold(
        chunk({"content": "", "reasoning_content": "\n"}), chunk({"reasoning_content": "So."}), chunk({"content": "\nYes"})
    )
    assert (reply.thinking, reply.text) == ("So.", "Yes")


def test_tool_calls_whole_and_in_fragments_are_the_same() -> None:
    """Parallel calls by index; later fragments may lack id, name and type."""

    def call(index: int, arguments: str, **facts: Any) -> dict[str, Any]:
        return chunk(
            {"tool_calls": [{"index": index, "function": {"arguments": arguments, **facts.pop("function", {})}, **facts}]}
        )

    whole = fold(
        call(0, '{"a":2}', id="c0", type="function", function={"name": "add"}),
        call(1, '{"b":3}', id="c1", type="function", function={"name": "mul"}),
    )
    fragments = fold(
        call(0, "", id="c0", type="function", function={"name": "add"}),
        call(0, '{"a"'),
        call(1, "", id="c1", type="function", function={"name": "mul"}),
        call(0, ":2}"),
        call(1, '{"b":3}'),
    )
    assert whole.tool_calls == fragments.tool_calls
    assert [made["function"] for made in whole.tool_calls] == [
        {"name": "add", "arguments": '{"a":2}'},
        {"name": "mul", "arguments": '{"b":3}'},
    ]


@pytest.mark.parametrize(
    ("fragments", "calls"),
    [
        pytest.param(
            [("a", "f", "{}"), ("b", "g", "{"), ("", "", "}")], [("a", "f", "{}"), ("b", "g", "{}")], id="all-calls-are-number-0"
        ),
        pytest.param([("a", "f", "{"), ("b", "", "}")], [("b", "f", "{}")], id="each-fragment-has-an-id"),
        pytest.param([("a", "f", "{"), ("a", "f", "}")], [("a", "f", "{}")], id="each-fragment-has-all"),
    ],
)
def test_servers_that_number_calls_in_their_own_way(fragments: list[tuple[str, ...]], calls: list[tuple[str, ...]]) -> None:
    """A call ends where another id comes with a name."""
    made = [{"index": 0, "id": id, "function": {"name": name, "arguments": text}} for id, name, text in fragments]
    reply = fold(*[chunk({"tool_calls": [call]}) for call in made])
    assert [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in reply.tool_calls] == calls


def test_tool_arguments_as_an_object_become_the_usual_text() -> None:
    """Ollama's native form and one published schema: an object instead of a string."""
    reply = fold(chunk({"tool_calls": [{"function": {"name": "f", "arguments": {"city": "Köln"}}}]}))
    assert json.loads(reply.tool_calls[0]["function"]["arguments"]) == {"city": "Köln"}


@pytest.mark.parametrize(
    ("content", "text", "thinking"),
    [
        pytest.param("<think>a</think>b", "b", "a", id="plain"),
        pytest.param("\n<think>\na\n</think>\n\nb", "b", "a", id="line-breaks"),
        pytest.param("<think>a</think><answer>b</answer>", "b", "a", id="4.1v"),
        pytest.param(
            "<think>a</think><answer><|begin_of_box|>[[1,2,3,4]]<|end_of_box|></answer>", "[[1,2,3,4]]", "a", id="box-in-answer"
        ),
        pytest.param("It is <|begin_of_box|>42<|end_of_box|>.", "It is 42.", "", id="box"),
        pytest.param("Use <think> in HTML", "Use <think> in HTML", "", id="tag-later-is-text"),
        pytest.param("<answer>b</answer>", "<answer>b</answer>", "", id="answer-without-thinking-is-text"),
        pytest.param("<think>never closed", "", "never closed", id="unclosed"),
        pytest.param("<think></think>b", "b", "", id="empty-thinking"),
        pytest.param("a <", "a <", "", id="lone-bracket-at-the-end"),
        pytest.param("a <|begin_of", "a <|begin_of", "", id="cut-token-is-text"),
        pytest.param("    x = 1", "    x = 1", "", id="indentation-stays"),
        pytest.param("\n \n    x = 1", "    x = 1", "", id="blank-lines-go"),
        pytest.param(" \n ", "", "", id="blank"),
        pytest.param("a\n\n", "a\n\n", "", id="end-stays"),
    ],
)
def test_wrapper_tokens_are_no_part_of_the_answer(content: str, text: str, thinking: str) -> None:
    """Inline thinking and box tokens are taken out, and only where they are meant."""
    reply = fold(chunk({"content": content}))
    assert (reply.text, reply.thinking, reply.raw_text) == (text, thinking, content)


_TOKENS = [
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "<|begin_of_box|>",
    "<|end_of_box|>",
    "<",
    "|",
    " ",
    "\n",
    "a",
    "<b>",
    "é\u2028",
]


@given(st.lists(st.sampled_from(_TOKENS), max_size=14), st.lists(st.integers(0, 120), max_size=8))
@example(["\n", "\n", "a"], [1])
@example(["<think>", "a", "</think>", "\n", "a"], [16])
def test_splits_do_not_matter(tokens: list[str], cuts: list[int]) -> None:
    """However a stream of content is cut into deltas, text and thinking are the same."""
    content = "".join(tokens)
    offsets = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [content[a:b] for a, b in pairwise(offsets)]
    whole = fold(Delta(content))
    assert fold(*map(Delta, pieces)).text == whole.text
    assert fold(*map(Delta, pieces)).thinking == whole.thinking
    assert fold(*map(Delta, content)).text == whole.text
    assert fold(*map(Delta, content)).thinking == whole.thinking


@given(st.text(alphabet="ab \n*#`", max_size=60))
def test_plain_text_passes_untouched(text: str) -> None:
    """Text without any bracket is the answer, from its first line that is not blank on."""
    cleaned = ContentCleaner().feed(text, is_last=True)[0]
    assert text.endswith(cleaned)
    assert cleaned.strip() == text.strip()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param([], id="list"),
        pytest.param("text", id="text"),
        pytest.param(None, id="null"),
        pytest.param({}, id="empty-object"),
        pytest.param({"object": "list", "data": []}, id="another-endpoint"),
        pytest.param({"choices": None}, id="null-choices"),
    ],
)
def test_what_is_no_answer_is_refused(raw: object) -> None:
    """JSON of another kind is a ValueError, not an empty answer."""
    with pytest.raises(ValueError, match=r"not a JSON object|neither"):
        parse_chunk(raw)


_FIELDS = [
    "choices", "delta", "message", "content", "reasoning_content", "tool_calls", "function", "arguments", "name",
    "id", "index", "usage", "prompt_tokens", "finish_reason", "model", "error", "text", "request_id", "code",
]  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=5),
    max_leaves=12,
)


@given(
    st.lists(
        st.one_of(_JSON, st.builds(lambda step, facts: {"choices": [{"delta": step}], **facts}, _JSON, st.just({}))), max_size=4
    )
)
@example([{"choices": [{"delta": {"tool_calls": 5}}]}])
@example([{"choices": [{"delta": {"tool_calls": [{"function": "f", "id": 5}]}}]}])
@example([{"choices": [{"delta": {"content": "a"}, "finish_reason": 5}], "model": 5, "id": {}}])
@example([{"choices": {"0": 1}}])
def test_any_json_is_either_an_answer_or_refused(chunks: list[Any]) -> None:
    """No shape of JSON makes the reader fail in a way of its own, and the reply always holds the declared types."""
    folded = ReplyFold("m", 0.0)
    for raw in chunks:
        try:
            folded.add(parse_chunk(raw), 1.0)
        except ValueError:
            continue
    reply = folded.finish(2.0)
    assert all(isinstance(value, str) for value in (reply.text, reply.thinking, reply.model, reply.request_id))
    assert reply.finish_reason is None or isinstance(reply.finish_reason, str)
    assert all(isinstance(call["function"]["arguments"], str) for call in reply.tool_calls)


@pytest.mark.parametrize(
    ("finish_reason", "ending", "is_complete"),
    [
        ("stop", "", True),
        ("tool_calls", "", True),
        ("length", "", False),
        ("sensitive", "", False),
        ("network_error", "", False),
        ("model_context_window_exceeded", "", False),
        (None, "", False),
        ("stop", "stopped", False),
        (None, "cut short", False),
    ],
)
def test_is_complete(finish_reason: str | None, ending: Any, is_complete: bool) -> None:
    """Complete means: the model said all it wanted."""
    assert Reply(finish_reason=finish_reason, ending=ending).is_complete is is_complete


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        pytest.param("```python\nx = 1\n```", [("python", "x = 1\n")], id="one"),
        pytest.param("a\n```\nx\n```\nb\n~~~js\ny\n~~~\n", [("", "x\n"), ("js", "y\n")], id="both-marks"),
        pytest.param("```py title=a\nx\n", [("py", "x\n")], id="unclosed"),
        pytest.param("````md\n```\nx\n```\n````", [("md", "```\nx\n```\n")], id="nested"),
        pytest.param("```python\r\nx = 1\r\n```\r\nafter", [("python", "x = 1\r\n")], id="crlf"),
        pytest.param("1. so\n   ```python\n   if x:\n       y\n   ```\n", [("python", "if x:\n    y\n")], id="in-a-list"),
        pytest.param("- a\n  - b\n    ```sh\n    ls\n    ```\n", [("sh", "ls\n")], id="in-a-nested-list"),
        pytest.param("no ``` fence ``` here", [], id="inline"),
        pytest.param("", [], id="empty"),
    ],
)
def test_code_blocks(text: str, blocks: list[tuple[str, str]]) -> None:
    """The fenced blocks as code that runs: language and text, in order."""
    assert Reply(text=text).code_blocks == blocks


def test_code_blocks_of_a_huge_answer_take_linear_time() -> None:
    """Twenty thousand unclosed and closed fences are read at once."""
    assert len(Reply(text="```\nx\n```\n" * 20_000).code_blocks) == 20_000
    assert len(Reply(text="````\n" + "```\n" * 50_000).code_blocks) == 1


def test_a_reply_is_its_text() -> None:
    """str, mime bundle and pickle of a reply."""
    reply = Reply(text="**Hi** <script>x</script>", thinking="t", usage=Usage(1, 2, 3), finish_reason="stop")
    assert str(reply) == reply.text
    bundle = reply._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/markdown"}
    assert bundle["text/plain"] == reply.text
    assert "<script" not in bundle["text/markdown"]
    assert asdict(pickle.loads(pickle.dumps(reply))) == asdict(reply)


def test_a_reply_of_2_mb_folds_in_linear_time() -> None:
    """Forty thousand deltas of 50 characters become one text."""
    folded = ReplyFold("m", 0.0)
    delta = Delta("x" * 49 + "\n")
    for _ in range(40_000):
        folded.add(delta, 1.0)
    assert len(folded.finish(2.0).text) == 2_000_000
