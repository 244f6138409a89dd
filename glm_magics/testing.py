"""For tests: `FakeGLM`, a scripted vendor without a socket, and the pytest fixture `glm_sandbox`, the vendor on loopback.

::

    fake = FakeGLM()
    fake.reply("Four.", thinking="2 + 2 …")
    session = Session(shell, transport=fake, environment={"ZAI_API_KEY": "id.secret"})
    ...
    assert fake.requests[0].body["model"] == "glm-4.7"

pytest loads this module into every run (it is a plugin), so nothing heavy is imported before it is used.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import httpx
    from httpx import BaseTransport as _Transport

    from .sandbox import Sandbox
else:
    _Transport = object  # httpx asks for the methods only, and importing it here would slow down every pytest run

Step: TypeAlias = "bytes | BaseException | Callable[[], object]"
"""One step of a raw stream: bytes to send, an exception to raise there, or a function to call there (to wait, to press ■)."""

_ID = "20260401101530a1b2c3d4e5f60718"
_USAGE = {
    "prompt_tokens": 13,
    "completion_tokens": 21,
    "total_tokens": 34,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 17},
}


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived; header names are lower case, `body` is the parsed JSON or None."""

    method: str
    path: str
    host: str
    body: Any
    headers: Mapping[str, str] = field(repr=False)


_Answer: TypeAlias = "Callable[[Received], httpx.Response]"


class FakeGLM(_Transport):
    """An httpx transport that answers from a script and keeps what it was asked.

    Answers are used in the order in which they were scripted; the last one serves all further requests. Without a script
    it says "Hello!". Requests for vectors use each scripted answer once, and get made-up vectors after that.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self._script: deque[_Answer] = deque()
        self._last: _Answer | None = None

    @property
    def bodies(self) -> list[Any]:
        """The bodies of the requests, oldest first."""
        return [request.body for request in self.requests]

    def reply(
        self,
        text: str = "Hello!",
        *,
        thinking: str = "",
        tool_calls: Sequence[Mapping[str, Any]] = (),
        usage: Mapping[str, Any] | None = None,
        finish_reason: str = "stop",
        model: str = "",
    ) -> None:
        """Scripts an answer in the vendor's form: word by word, or whole when the request says ``"stream": false``."""
        counted = _USAGE if usage is None else usage

        def answer(received: Received) -> httpx.Response:
            asked = received.body if isinstance(received.body, dict) else {}
            head = {"id": _ID, "created": 1775009730, "model": model or asked.get("model", "")}
            if asked.get("stream"):
                return _stream_response(_stream(head, text, thinking, tool_calls, counted, finish_reason))
            message = {"role": "assistant", "content": text}
            message |= {"reasoning_content": thinking} if thinking else {}
            choice = {"index": 0, "finish_reason": finish_reason, "message": message | _calls(tool_calls)}
            return _response(200, {**head, "request_id": _ID, "choices": [choice], "usage": counted})

        self._script.append(answer)

    def frames(self, *steps: Step) -> None:
        """Scripts a raw event stream: bytes as they are and cut as given, exceptions, and functions to call in between."""
        self._script.append(lambda received: _stream_response(steps))

    def error(self, status: int, body: Mapping[str, Any] | str | bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Scripts an answer that is no stream: any status, a JSON object or raw text."""
        self._script.append(lambda received: _response(status, body, headers))

    def raise_(self, exception: Exception) -> None:
        """Scripts a failure of the transport, e.g. ``httpx.ConnectError("refused")``."""

        def answer(received: Received) -> httpx.Response:
            raise exception

        self._script.append(answer)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's side of the seam."""
        content = request.read()
        received = Received(
            request.method, request.url.path, request.url.host, json.loads(content) if content else None, dict(request.headers)
        )
        self.requests.append(received)
        if received.path.endswith("/embeddings"):
            return self._answer_with_vectors(received)
        if self._script:
            self._last = self._script.popleft()
        if self._last is None:
            self.reply()
            self._last = self._script.popleft()
        return self._last(received)

    def _answer_with_vectors(self, received: Received) -> httpx.Response:
        """What is scripted, each once and from any thread; then vectors that depend on the text alone."""
        try:
            return self._script.popleft()(received)
        except IndexError:
            asked = received.body
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        rows = [
            {"index": n, "object": "embedding", "embedding": made_up_vector(text, asked.get("dimensions", 8))}
            for n, text in enumerate(texts)
        ]
        counted = sum(len(text.split()) for text in texts)
        usage = {"prompt_tokens": counted, "completion_tokens": 0, "total_tokens": counted}
        return _response(200, {"model": asked["model"], "object": "list", "data": rows[::-1], "usage": usage})

    def close(self) -> None:
        """Nothing to close; httpx calls it."""

    def __enter__(self) -> FakeGLM:
        return self

    def __exit__(self, *exc_info: object) -> None: ...


def made_up_vector(text: str, dimensions: int) -> list[float]:
    """Numbers that depend on the text alone and mean nothing; of unit length."""
    import random

    chance = random.Random(text)
    vector = [chance.gauss(0, 1) for _ in range(dimensions)]
    length = sum(number * number for number in vector) ** 0.5
    return [number / length for number in vector]


def sse_frame(payload: Mapping[str, Any] | str) -> bytes:
    """One frame as the vendor writes it: raw non-ASCII, one line, a blank line after."""
    data = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return f"data: {data}\n\n".encode()


def _stream(
    head: Mapping[str, Any],
    text: str,
    thinking: str,
    tool_calls: Sequence[Mapping[str, Any]],
    usage: Mapping[str, Any],
    finish_reason: str,
) -> Iterator[bytes]:
    """The vendor's order: thinking, answer, whole tool calls, one chunk with the finish reason and usage, ``[DONE]``."""

    def frame(delta: Mapping[str, Any], **facts: Any) -> bytes:
        choice = {"index": 0, **{name: facts.pop(name) for name in ("finish_reason",) if name in facts}, "delta": delta}
        return sse_frame({**head, "object": "chat.completion.chunk", "choices": [choice], **facts})

    for word in re.findall(r"\S+\s*|\s+", thinking):
        yield frame({"role": "assistant", "reasoning_content": word})
    for word in re.findall(r"\S+\s*|\s+", text):
        yield frame({"role": "assistant", "content": word})
    for call in tool_calls:
        yield frame(_calls([call]))
    yield frame({"role": "assistant", "content": ""}, finish_reason=finish_reason, usage=usage)
    yield sse_frame("[DONE]")


def _calls(tool_calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"tool_calls": list(tool_calls)} if tool_calls else {}


def _stream_response(steps: Iterable[Step]) -> httpx.Response:
    import httpx

    def content() -> Iterator[bytes]:
        for step in steps:
            if isinstance(step, bytes):
                yield step
            elif isinstance(step, BaseException):
                raise step
            else:
                step()

    return httpx.Response(200, headers={"content-type": "text/event-stream;charset=UTF-8"}, content=content())


def _response(status: int, body: Mapping[str, Any] | str | bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    import httpx

    if isinstance(body, Mapping):
        return httpx.Response(status, json=dict(body), headers=headers)
    return httpx.Response(status, content=body, headers={"content-type": "text/html", **(headers or {})})


try:
    import pytest
except ImportError:  # FakeGLM is for notebooks too
    pass
else:

    @pytest.fixture
    def glm_sandbox() -> Iterator[Sandbox]:
        """The embedded sandbox, running on a free port; stopped after the test.

        Raises:
            MissingExtraError: the packages of ``glm-magics[sandbox]`` are not installed.
        """
        from .sandbox import Sandbox

        with Sandbox(chunk_delay_s=0.0) as sandbox:
            yield sandbox
