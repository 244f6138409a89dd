"""One question of a session with all that its options ask for: the chat it belongs to, the schema, the budget, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from .catalog import find_model
from .chatbook import Chats, describe_room, grow
from .conversations import Conversation, ways_out
from .display import Painter, QuietPainter
from .errors import ChatError, GLMError, Interrupted, OptionError, PromptTooLongError
from .exchange import Exchange
from .grammar import plural
from .intake import find_intake
from .jobbook import Errand, Job, JobPainter
from .live import Pump
from .markdown import to_html_text
from .options import Options
from .outlets import Gathering
from .providers import Connection, Provider
from .replies import Reply
from .requests import ChatRequest, build_body, name_spoken, with_tools
from .schemas import Schema, read_schema
from .servertools import server_tools
from .stages import Stage, see
from .toolkits import Toolkit, check_depth
from .toolloop import ToolLoop

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .asking import Listener
    from .background import BackgroundAnswer
    from .bookkeeping import Books
    from .client import GLMClient
    from .jobbook import Jobs
    from .outlets import Outlet
    from .previews import DryRun, Preview
    from .replaying import Replays
    from .settings import GLM


class Desk(Protocol):
    """What a question needs of the session."""

    config: GLM
    shell: InteractiveShell | None
    stage: Stage
    clock: Callable[[], float]

    @property
    def connection(self) -> Connection: ...
    def client_for(self, connection: Connection, is_cached: bool) -> GLMClient: ...
    @property
    def replays(self) -> Replays: ...
    @property
    def chats(self) -> Chats: ...
    @property
    def books(self) -> Books: ...
    @property
    def toolkit(self) -> Toolkit: ...
    def compose(
        self,
        content: Sequence[object],
        options: Options,
        provider: Provider,
        chat: Conversation | None,
        schema: Schema | None,
    ) -> ChatRequest: ...
    def preview_request(self, request: ChatRequest) -> Preview: ...
    @property
    def jobs(self) -> Jobs: ...


@dataclass(slots=True)
class Asking:
    """A question.

    Attributes:
        desk: the session.
        options: of the question.
        edited: the chat to go on from, where that is not what the chat of its name is now.
        partner: who is asked; None: whom the session asks.
    """

    desk: Desk
    options: Options
    edited: Conversation | None = None
    partner: GLMClient | None = None
    _chat: Conversation | None = field(default=None, init=False)
    _schema: Schema | None = field(default=None, init=False)
    _loop: ToolLoop | None = field(default=None, init=False)
    _has_forgotten: bool = field(default=False, init=False)

    def build(self, content: Sequence[object]) -> ChatRequest:
        """The request for the values in `content`; nothing is sent."""
        options = self.options
        self._schema = None if options.schema is None else read_schema(options.schema)
        if options.chat and not options.dry_run:
            self.desk.jobs.check_chat(options.chat)
        self._chat = self.edited or (self.desk.chats.open(options.chat) if options.chat else None)
        check_depth(self.desk.config)
        provider = self._provider
        request = self._name_spoken(self.desk.compose(content, options, provider, self._chat, self._schema))
        if options.tools or options.mcp:
            server_tools(options, request.model, provider)  # refuses what cannot go together
            self._loop = self.desk.toolkit.loop(options, find_intake(find_model(request.model), provider))
        tools = self._loop.box.to_wire() if self._loop else server_tools(options, request.model, provider)
        return with_tools(request, tools, provider, not (options.model or "").endswith("!")) if tools else request

    def _name_spoken(self, request: ChatRequest) -> ChatRequest:
        """On record all is told in words: a request must be the same on any day, and ids are of one."""
        if self.desk.replays.deck_for(self.options.cache) is not None:
            return request.in_words()
        return name_spoken(request, self._provider, self.desk.clock())

    @property
    def _provider(self) -> Provider:
        return (self.partner or self.desk).connection.provider

    def run(self, content: Sequence[object]) -> Reply | DryRun:
        """Sends it, shows and keeps what comes.

        Raises:
            GLMError, Interrupted: as `Session.ask`.
        """
        request = self.build(content)
        if self.options.dry_run:
            from .previews import dry_run

            return dry_run(self.desk.preview_request(request), request, build_body(request, self._provider))
        self._tell_of_saved()
        if self.options.background:
            return self._promise(request)
        is_shown = not isinstance(self.desk.stage.painter(self.options, ()), QuietPainter)
        tell = self.desk.stage.teller(self.options)

        def new_painter(is_whole: bool) -> Painter:
            return self.desk.stage.painter(self.options, request.images, None, is_whole)

        exchange = self._exchange(new_painter, tell)
        try:
            reply = self._answer(exchange, request, tell)
        except (GLMError, Interrupted) as error:
            if error.reply is not None:
                self.desk.stage.keep(error.reply, self.options, is_shown)
            raise
        self.desk.stage.keep(reply, self.options, is_shown)
        if is_shown and self.options.as_ == "code":
            from .nextcell import put_answer

            put_answer(self.desk.shell, reply)
        return reply

    def _answer(self, exchange: Exchange, request: ChatRequest, tell: Callable[[str], None]) -> Reply:
        """The answer, its boxes read and its turn in the chat, however it ended."""
        try:
            reply = exchange.run(request)
        except (GLMError, Interrupted) as error:
            self._keep_rest(error, request, tell)
            if error.reply is not None:
                exchange.add_up(error.reply)
            raise
        reply.sent = request.sent
        see(reply, request.images)
        self._grow_chat(request, reply)
        exchange.add_up(reply)  # last: a chat's turn counts what its last answer read
        return reply

    def find_reply(self, content: Sequence[object]) -> Reply:
        """An answer in a schema: watched, priced and asked again like every other, but neither shown nor kept.

        Raises:
            GLMError, Interrupted: as `run`.
        """
        request = self.build(content)
        return self._exchange(lambda is_whole: QuietPainter(), self.desk.stage.teller(self.options)).run(request)

    def _promise(self, request: ChatRequest) -> Reply:
        """Begins to answer in the background; the reply is filled in there."""
        desk, options, gathering = self.desk, self.options, Gathering()
        n_spare = len(request.images) + (request.model == desk.config.voice_model)
        outlet = desk.stage.outlet(options, gathering, n_spare, desk.jobs.pause_s)
        job = self.job(request, gathering, outlet)
        if outlet is not None:
            outlet.open(f"<small>{to_html_text(request.model)} · in the background · waiting…</small>")
        desk.stage.keep(job.reply, options, is_shown=outlet is not None)  # first: it is the promise, however soon it is kept
        desk.jobs.start(job)
        if outlet is None and not options.quiet:
            desk.stage.teller(options)(
                f"Job {job.number} answers in the background: `_glm.wait()` waits for it, `%glm_jobs` lists it."
            )
        return self._wait_if_late(job.reply, outlet)

    def job(self, request: ChatRequest, gathering: Gathering, outlet: Outlet | None = None) -> Job:
        """One answer by a thread of its own, not begun yet: painted into `gathering`, its reply filled in at the end.

        Raises:
            OptionError: functions are to be called, which the user could not be asked about.
        """
        self._check_beside()
        desk, options = self.desk, self.options
        tell, cell = gathering.note, desk.books.cell

        def new_painter(is_whole: bool) -> Painter:
            return JobPainter(desk.stage.painter(options, request.images, gathering.publish), job)

        exchange = self._exchange(new_painter, tell, cell)
        errand = Errand(
            run=lambda: self._answer(exchange, request, tell),
            stop=exchange.stop,
            cell=cell,
            chat=options.chat or "",
        )
        job = Job(errand, Reply(model=request.model, sent=request.sent), gathering, outlet)
        return job

    def _check_beside(self) -> None:
        if self._loop is not None:
            raise OptionError("Functions are called for one answer at a time.", "Leave them away, or ask one model in a cell.")

    def _wait_if_late(self, promised: Reply, outlet: Outlet | None) -> Reply:
        """Where nobody looks at a cell that has ended, it must not end before its answer is there."""
        if outlet is None or not outlet.is_late:
            return promised
        try:
            return promised.wait()
        except KeyboardInterrupt:
            promised.stop()
            raise Interrupted(promised) from None

    def start(self, content: Sequence[object], listener: Listener) -> BackgroundAnswer:
        """Sends it and follows the answer in the background: priced and in the books, but neither shown nor kept here.

        Raises:
            GLMError: nothing was sent.
        """
        from .background import BackgroundAnswer

        request = self.build(content)
        self._check_beside()
        exchange = self._exchange(lambda is_whole: QuietPainter(), self.desk.stage.teller(self.options))
        watching = exchange.watch(request)
        answer = BackgroundAnswer(Pump(exchange.begin(watching)), watching, listener)
        answer.start()
        return answer

    def _exchange(self, new_painter: Callable[[bool], Painter], tell: Callable[[str], None], cell: int | None = None) -> Exchange:
        desk, options = self.desk, self.options
        timeout_s = options.timeout or desk.config.timeout
        provider = self._provider
        client = self.partner or desk.client_for(desk.connection, options.cache)  # in the background too, whoever is chosen then
        return Exchange(
            provider=provider,
            send=lambda body: client.stream_chat(body, timeout_s),
            new_painter=new_painter,
            enter=lambda reply, usage, key: desk.books.enter(reply, usage, provider.name, options.chat or "", tell, cell, key),
            tell=tell,
            describe=self._describe,
            schema=self._schema,
            n_retries=options.retries,
            budget=options.budget,
            is_recorded=lambda body: desk.replays.is_recorded(client.connection, body, options.cache),
            session_allowance=lambda currency: desk.books.allowance(desk.config.session_budget, currency),
            forget=self._forget,
            tools=self._loop,
        )

    def _forget(self) -> None:
        self._has_forgotten = True

    def _describe(self, request: ChatRequest, reply: Reply) -> list[str]:
        if self._loop is not None and reply.tool_calls:
            return []  # the answer comes later
        n_calls = len(self._loop.records) if self._loop else 0
        notes = [] if not n_calls else [plural(n_calls, "call")]
        if self._chat is not None:
            notes.append(describe_room(self._chat, request, reply, self._provider))
        if self.options.as_ == "code" and not self.options.quiet and not self.options.background:
            from .nextcell import code_notes

            notes += code_notes(self.desk.shell, reply)
        return notes

    def _keep_rest(self, error: GLMError | Interrupted, request: ChatRequest, tell: Callable[[str], None]) -> None:
        """Of an answer that ended in an error; the error that the user sees stays this one."""
        if isinstance(error, PromptTooLongError) and self._chat is not None and self._chat.turns:
            error.way_out = ways_out(self._chat)
        if error.reply is None:
            return
        see(error.reply, request.images)
        try:
            self._grow_chat(request, error.reply)
        except ChatError as second:
            tell(str(second))

    def _grow_chat(self, request: ChatRequest, reply: Reply) -> None:
        """The turn into the chat; onto one that has grown meanwhile it goes behind."""
        if self._chat is not None:
            base = self.edited or self.desk.chats.open(self._chat.name)
            between = self._loop.between if self._loop else ()
            base = base.in_words() if self._has_forgotten else base
            self.desk.chats.put(grow(base, request, reply, self._provider, self.options.system, self.options.model, between))

    def _tell_of_saved(self) -> None:
        if self._chat is None or self._chat.turns or self.edited is not None:
            return
        name = self._chat.name
        if n_saved := self.desk.chats.n_saved_turns(name):
            self.desk.stage.teller(self.options)(
                f"A chat {name} of {plural(n_saved, 'turn')} is saved on disk, and this one begins anew: "
                f"`%glm_chat resume {name}` goes on with that one."
            )
