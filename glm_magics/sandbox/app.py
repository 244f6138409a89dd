"""The application: who may come in, which address is what, and what one chat request goes through."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from glm_magics.catalog import models
from glm_magics.sandbox.answers import Answer, Spoken
from glm_magics.sandbox.auth import check_authorization
from glm_magics.sandbox.checks import ChatRequest, parse_body, read_request, without_nulls
from glm_magics.sandbox.codes import Refusal, dump, error_body
from glm_magics.sandbox.compose import compose
from glm_magics.sandbox.delivery import Message, Outgoing, Receive, Send, deliver, whole
from glm_magics.sandbox.embeddings import EmbeddingRequest, embedding_body, read_embedding_request
from glm_magics.sandbox.faults import FAULTS, Fault, HttpAnswer, find_fault, not_found_body
from glm_magics.sandbox.prompts import last_user_text, split_directives
from glm_magics.sandbox.realtime.endpoint import Endpoint, refuse
from glm_magics.sandbox.realtime.spoils import Spoil
from glm_magics.sandbox.script import PlannedFault, Record, Script
from glm_magics.sandbox.stream import Envelope, completion_body, completion_steps, new_id, stream_steps
from glm_magics.sandbox.usage import PrefixCache, answer_usage
from glm_magics.sandbox.voice import speak
from glm_magics.speech import VOICE_RATE_HZ

PREFIXES = ("/api/paas/v4", "/v1")
_JSON = "application/json; charset=UTF-8"
_ERROR_JSON = "application/json"
_SSE = "text/event-stream;charset=UTF-8"
_SECRET_HEADERS = ("authorization", "x-api-key", "api-key", "cookie")
_SMALL_BYTES = 32 * 1024  # a body above this is worked on in a thread, so that other streams keep their rhythm


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; `endpoint` is the path without the base, `body` the parsed JSON or None."""

    method: str
    path: str
    endpoint: str
    headers: Mapping[str, str]
    n_bytes: int
    body: Any
    record: Record
    cleanup: ExitStack

    @property
    def is_openai_style(self) -> bool:
        """Called at ``/v1``, as self-hosted servers are."""
        return self.path.startswith("/v1/")


@dataclass(slots=True)
class App:
    """The ASGI application of one sandbox.

    Args:
        script: its state.
        key: its own key.
        port: where it listens, to know its own picture URLs.
        concurrency: requests in flight per model before 429/1302; None: no limit.
        chunk_delay_s: the pace of composed answers.
        heartbeat_s: between two heartbeats of a call.
        spoken_for_s: how long a spoken answer is known by its id.
    """

    script: Script
    key: str
    port: int
    concurrency: int | None = None
    chunk_delay_s: float = 0.0
    heartbeat_s: float = 30.0
    spoken_for_s: float = 3600.0
    cache: PrefixCache = field(default_factory=PrefixCache)
    in_flight: Counter[str] = field(default_factory=Counter)
    running: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Record the request, answer it, send the answer."""
        serve = {"http": self._serve, "websocket": self._serve_call}.get(scope["type"])
        if serve is None:
            return
        with ExitStack() as cleanup:
            task = asyncio.ensure_future(serve(scope, receive, send, cleanup))
            self.running.add(task)
            cleanup.callback(self.running.discard, task)
            await asyncio.wait((task,))
            if not task.cancelled():
                task.result()

    def drop_all(self) -> None:
        """Drop every connection that is being answered; to be called in the server's loop."""
        for task in self.running:
            task.cancel()

    async def _serve(self, scope: Message, receive: Receive, send: Send, cleanup: ExitStack) -> None:
        received_at = time.monotonic()
        raw = await _read_body(receive)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        body = parse_body(raw)
        record = Record(scope["method"], scope["path"], _without_secrets(headers), received_at, body)
        self.script.add_record(record)
        call = Call(scope["method"], scope["path"], _endpoint(scope["path"]), headers, len(raw), body, record, cleanup)
        await deliver(await self._answer(call), receive, send, record)

    async def _serve_call(self, scope: Message, receive: Receive, send: Send, cleanup: ExitStack) -> None:
        """A Realtime call: the checks of any request, then the WebSocket."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        record = Record("GET", scope["path"], _without_secrets(headers), time.monotonic())
        self.script.add_record(record)
        try:
            self._check_call(scope, headers)
            cleanup.enter_context(self._slot("glm-realtime"))
        except Refusal as refusal:
            record.status = refusal.status
            await refuse(refusal.status, refusal.body(), _ERROR_JSON, scope, send)
            return
        except HttpFault as fault:
            record.status = fault.answer.status
            await refuse(fault.answer.status, fault.answer.body, fault.answer.content_type, scope, send)
            return
        pace = max(0.0, self.chunk_delay_s)
        await Endpoint(receive, send, self.script, record, self._find_spoil, pace, self.heartbeat_s).run()

    def _check_call(self, scope: Message, headers: Mapping[str, str]) -> None:
        path = scope["path"]
        if _endpoint(path) != "/realtime":
            raise HttpFault(HttpAnswer(404, not_found_body(path)))
        in_query = parse_qs(scope["query_string"].decode("latin-1")).get("Authorization")  # browsers can set no header
        key = headers.get("authorization") or (f"Bearer {in_query[0].removeprefix('Bearer ')}" if in_query else None)
        check_authorization(key, self.key, time.time() * 1000)
        name = headers.get("x-sandbox-fault")
        planned = (
            PlannedFault(find_fault(name)) if name in FAULTS else self.script.next_fault(lambda fault: fault.http is not None)
        )
        if planned and planned.fault.http:
            raise HttpFault(planned.fault.http(path))

    def _find_spoil(self, name: str) -> Spoil:
        planned = self.script.next_fault(lambda fault: fault.spoil is not None)
        fault = FAULTS.get(name) or (planned.fault if planned else None)
        return (fault.spoil if fault else None) or Spoil()

    async def _answer(self, call: Call) -> Outgoing:
        """The answer, or the refusal, to a call. A defect of the sandbox is a 500 that says what it was."""
        try:
            return await self._route(call)
        except Refusal as refusal:
            return whole(refusal.status, refusal.body(), _ERROR_JSON)
        except Exception as error:  # whoever tests against the sandbox must see its defects, and there is no log
            return whole(500, error_body("500", f"The sandbox failed: {type(error).__name__}: {error}"), _ERROR_JSON)

    async def _route(self, call: Call) -> Outgoing:
        if call.endpoint.startswith("/images/"):
            return self._image(call)
        handlers = _ROUTES.get(call.endpoint)
        if handlers is None:
            return whole(404, not_found_body(call.path), _ERROR_JSON)
        if call.method not in handlers:
            return whole(405, not_found_body(call.path, 405, "Method Not Allowed"), _ERROR_JSON)
        check_authorization(call.headers.get("authorization"), self.key, time.time() * 1000)
        return await handlers[call.method](self, call)

    def _image(self, call: Call) -> Outgoing:
        data = self.script.picture(unquote(call.endpoint.removeprefix("/images/")))
        if data is None:
            return whole(404, not_found_body(call.path), _ERROR_JSON)
        return whole(200, data, "image/png" if data.startswith(b"\x89PNG") else "image/jpeg")

    async def models(self, call: Call) -> Outgoing:
        """``GET /models``: the models that chat, in the shape many clients expect (the vendor does not document it)."""
        rows = [
            {"id": name, "object": "model", "created": 0, "owned_by": "sandbox"} for name, row in models().items() if row.can_chat
        ]
        return whole(200, dump({"object": "list", "data": rows}), _JSON)

    async def tokenizer(self, call: Call) -> Outgoing:
        """``POST /tokenizer``: the sandbox's estimate of the prompt's tokens."""
        request = await self._request(call, without_nulls(call.body))
        prompt = request.prompt
        usage = {"prompt_tokens": prompt.n_text_tokens, "image_tokens": prompt.n_image_tokens, "video_tokens": 0}
        own_id = new_id()
        body = {"created": int(time.time()), "id": own_id, "request_id": request.body.get("request_id", own_id)}
        return whole(200, dump({**body, "usage": {**usage, "total_tokens": prompt.n_tokens}}), _JSON)

    async def chat(self, call: Call) -> Outgoing:
        """``POST /chat/completions``: fault, checks, limit, answer, in this order."""
        body = without_nulls(call.body)
        planned = self._fault(call, body)
        if planned.fault.http is not None:
            return _http_fault(planned, call.path)
        request = await self._request(call, body)
        self._check_spoken(request)
        call.cleanup.enter_context(self._slot(request.model.id))
        if planned.fault.unstreamed and not request.is_streaming:
            return _http_fault(replace(planned, fault=FAULTS[planned.fault.unstreamed]), call.path)
        answer = self.script.next_reply() or await self._compose(call, request)
        if request.model.kind == "voice":
            answer = await asyncio.to_thread(self._spoken, answer)
        return self._written(request, planned.fault.edit(answer), planned.fault)

    async def embeddings(self, call: Call) -> Outgoing:
        """``POST /embeddings``: fault, checks, limit, vectors, in this order."""
        body = without_nulls(call.body)
        planned = self._fault(call, body)
        if planned.fault.http is not None:
            return _http_fault(planned, call.path)
        request: EmbeddingRequest = await _work(call, lambda: read_embedding_request(body))
        call.cleanup.enter_context(self._slot(request.model.id))
        answer = await _work(call, lambda: embedding_body(request, planned.fault))
        await asyncio.sleep(_seconds(request.directives.get("delay"), 0.0))
        interruption = planned.fault.wire.interruption
        steps = (answer[: len(answer) // 2], *interruption) if interruption else (answer,)
        return Outgoing(200, _JSON, steps, is_silent=planned.fault.is_silent)

    def _spoken(self, answer: Answer) -> Answer:
        """The same answer with its words aloud."""
        until = int(time.time() + self.spoken_for_s)
        spoken = Spoken(speak(answer.text, VOICE_RATE_HZ), str(uuid4()), until)
        self.script.add_spoken(spoken.id, spoken.expires_at)
        return replace(answer, spoken=spoken)

    def _check_spoken(self, request: ChatRequest) -> None:
        """An answer named by its audio's id must be one of ours, and not expired."""
        for index, message in enumerate(request.body["messages"]):
            if message.get("audio") and not self.script.is_spoken(message["audio"]["id"], time.time()):
                raise Refusal("1214", f"messages[{index}].audio.id: no spoken answer is known by it; it may have expired.")

    async def _request(self, call: Call, body: Mapping[str, Any]) -> ChatRequest:
        def read() -> ChatRequest:
            return read_request(body, self._hosted, allows_hub_names=call.is_openai_style)

        return await _work(call, read)

    async def _compose(self, call: Call, request: ChatRequest) -> Answer:
        delay_s = _seconds(request.prompt.directives.get("delay"), self.chunk_delay_s)
        return replace(await _work(call, lambda: compose(request)), delay_s=delay_s)

    def _fault(self, call: Call, body: Mapping[str, Any]) -> PlannedFault:
        """What goes wrong with this request: by its header, by its prompt, or the next one queued from Python."""
        text = _input_text(body) if "input" in body else last_user_text(body.get("messages"))
        name = call.headers.get("x-sandbox-fault") or split_directives(text)[1].get("fault")
        if not name:
            return self.script.next_fault() or PlannedFault(Fault("none", "all is well"))
        try:
            return PlannedFault(find_fault(name))
        except ValueError as error:
            raise Refusal("1214", str(error)) from None

    @contextmanager
    def _slot(self, model_id: str) -> Iterator[None]:
        """One of the places in flight for a model, until the answer is out."""
        if self.concurrency is not None and self.in_flight[model_id] >= self.concurrency:
            raise Refusal("1302")
        self.in_flight[model_id] += 1
        try:
            yield
        finally:
            self.in_flight[model_id] -= 1

    def _written(self, request: ChatRequest, answer: Answer, fault: Fault) -> Outgoing:
        body = request.body
        n_cached = self.cache.count(request.model.id, body["messages"], body.get("tools"))
        usage = dict(answer.usage) if answer.usage is not None else answer_usage(answer, request.prompt.n_tokens, n_cached)
        envelope = Envelope(body["model"])
        wire = replace(fault.wire, is_tool_stream=bool(body.get("tool_stream")))
        if request.is_streaming:
            steps = stream_steps(answer, envelope, wire, usage)
            is_batched = not answer.raw_frames
            return Outgoing(200, _SSE, steps, answer.delay_s, is_batched, is_silent=fault.is_silent)
        text = completion_body(answer, envelope, wire, usage, body.get("request_id", ""))
        return Outgoing(200, _JSON, completion_steps(text, wire), is_silent=fault.is_silent)

    def _hosted(self, url: str) -> bytes | None:
        """The bytes of a picture this sandbox hosts; None for any other host, which is never asked."""
        parts = urlsplit(url)
        if parts.hostname not in ("127.0.0.1", "localhost") or parts.port != self.port:
            return None
        data = self.script.picture(unquote(_endpoint(parts.path).removeprefix("/images/")))
        if data is None:
            raise Refusal("1210", f"The image could not be fetched: {parts.path} is not hosted here.")
        return data


class HttpFault(Exception):
    """An HTTP answer in place of a WebSocket."""

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__()
        self.answer = answer


_Result = TypeVar("_Result")
_Handler = Callable[[App, Call], Awaitable[Outgoing]]
_ROUTES: Mapping[str, Mapping[str, _Handler]] = {
    "/chat/completions": {"POST": App.chat},
    "/embeddings": {"POST": App.embeddings},
    "/models": {"GET": App.models},
    "/tokenizer": {"POST": App.tokenizer},
}


def _seconds(text: str | None, default_s: float) -> float:
    """A directive's number of seconds, from 0 to 60."""
    try:
        return default_s if text is None else min(60.0, max(0.0, float(text)))
    except ValueError:
        raise Refusal("1214", f"[[delay:{text}]]: a number of seconds.") from None


def _input_text(body: Mapping[str, Any]) -> str:
    """All texts of a request for vectors, for what they ask of the sandbox."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    return "\n".join(text for text in texts if isinstance(text, str))


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(parts)


async def _work(call: Call, function: Callable[[], _Result]) -> _Result:
    """Run it here when it is small, else in a thread."""
    return function() if call.n_bytes < _SMALL_BYTES else await asyncio.to_thread(function)


def _endpoint(path: str) -> str:
    prefix = next((prefix for prefix in PREFIXES if path.startswith(f"{prefix}/")), "")
    return path.removeprefix(prefix)


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    hidden = {name: "***" for name in _SECRET_HEADERS if name in headers}
    if headers.get("authorization", "").lower().startswith("bearer "):
        hidden["authorization"] = "Bearer ***"
    return {**headers, **hidden}


def _http_fault(planned: PlannedFault, path: str) -> Outgoing:
    assert planned.fault.http is not None
    answer = planned.fault.http(path)
    wait_s = planned.retry_after_s
    headers = () if wait_s is None else (("retry-after", f"{wait_s:g}"),)
    return whole(answer.status, answer.body, answer.content_type, headers)
