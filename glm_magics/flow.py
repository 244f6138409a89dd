"""One question of a session with all that its options ask for: the chat it belongs to, the schema, the budget, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .chatbook import Chats, describe_room, grow
from .conversations import Conversation, ways_out
from .display import Painter, QuietPainter
from .errors import ChatError, GLMError, Interrupted, PromptTooLongError
from .exchange import Exchange
from .live import Pump
from .messages import ImagePart
from .options import Options
from .providers import Connection
from .replies import Reply
from .requests import ChatRequest, build_body
from .schemas import Schema, read_schema

if TYPE_CHECKING:
    from .asking import Listener
    from .background import BackgroundAnswer
    from .bookkeeping import Books
    from .client import GLMClient
    from .previews import DryRun, Preview
    from .settings import GLM


class Desk(Protocol):
    """What a question needs of the session."""

    config: GLM

    @property
    def connection(self) -> Connection: ...
    @property
    def client(self) -> GLMClient: ...
    @property
    def chats(self) -> Chats: ...
    @property
    def books(self) -> Books: ...
    def compose(
        self, content: Sequence[object], options: Options, chat: Conversation | None, schema: Schema | None
    ) -> ChatRequest: ...
    def preview_request(self, request: ChatRequest) -> Preview: ...
    def painter(self, options: Options, images: Sequence[ImagePart]) -> Painter: ...
    def teller(self, options: Options) -> Callable[[str], None]: ...
    def keep(self, reply: Reply, options: Options, images: Sequence[ImagePart], is_shown: bool) -> None: ...


@dataclass(slots=True)
class Asking:
    """A question.

    Attributes:
        desk: the session.
        options: of the question.
        edited: the chat to go on from, where that is not what the chat of its name is now.
    """

    desk: Desk
    options: Options
    edited: Conversation | None = None
    _chat: Conversation | None = field(default=None, init=False)
    _schema: Schema | None = field(default=None, init=False)

    def build(self, content: Sequence[object]) -> ChatRequest:
        """The request for the values in `content`; nothing is sent."""
        options = self.options
        self._schema = None if options.schema is None else read_schema(options.schema)
        self._chat = self.edited or (self.desk.chats.open(options.chat) if options.chat else None)
        return self.desk.compose(content, options, self._chat, self._schema)

    def run(self, content: Sequence[object]) -> Reply | DryRun:
        """Sends it, shows and keeps what comes.

        Raises:
            GLMError, Interrupted: as `Session.ask`.
        """
        request = self.build(content)
        if self.options.dry_run:
            from .previews import dry_run

            return dry_run(self.desk.preview_request(request), request, build_body(request, self.desk.connection.provider))
        self._tell_of_saved()
        is_shown = not isinstance(self.desk.painter(self.options, ()), QuietPainter)
        try:
            reply = self._exchange(request.images).run(request)
        except (GLMError, Interrupted) as error:
            self._keep_rest(error, request, is_shown)
            raise
        self.desk.keep(reply, self.options, request.images, is_shown)
        self._grow_chat(request, reply)
        return reply

    def find_value(self, content: Sequence[object]) -> Any:
        """The value of an answer in a schema: watched, priced and asked again like every other, but neither shown nor kept.

        Raises:
            GLMError, Interrupted: as `run`.
        """
        request = self.build(content)
        return self._exchange(()).run(request).value

    def start(self, content: Sequence[object], listener: Listener) -> BackgroundAnswer:
        """Sends it and follows the answer in the background: priced and in the books, but neither shown nor kept here.

        Raises:
            GLMError: nothing was sent.
        """
        from .background import BackgroundAnswer

        exchange = self._exchange(())
        watching = exchange.watch(self.build(content))
        answer = BackgroundAnswer(Pump(exchange.begin(watching)), watching, listener)
        answer.start()
        return answer

    def _exchange(self, images: Sequence[ImagePart]) -> Exchange:
        desk, options = self.desk, self.options
        timeout_s = options.timeout or desk.config.timeout
        provider = desk.connection.provider
        tell = desk.teller(options)
        return Exchange(
            provider=provider,
            send=lambda body: desk.client.stream_chat(body, timeout_s),
            new_painter=lambda: desk.painter(options, images),
            enter=lambda reply, usage: desk.books.enter(reply, usage, provider.name, options.chat or "", tell),
            tell=tell,
            describe=self._describe,
            schema=self._schema,
            n_retries=options.retries,
            budget=options.budget,
            session_allowance=lambda currency: desk.books.allowance(desk.config.session_budget, currency),
        )

    def _describe(self, request: ChatRequest, reply: Reply) -> list[str]:
        return [] if self._chat is None else [describe_room(self._chat, request, reply, self.desk.connection.provider)]

    def _keep_rest(self, error: GLMError | Interrupted, request: ChatRequest, is_shown: bool) -> None:
        """Of an answer that ended in an error; the error that the user sees stays this one."""
        if isinstance(error, PromptTooLongError) and self._chat is not None and self._chat.turns:
            error.way_out = ways_out(self._chat)
        if error.reply is None:
            return
        self.desk.keep(error.reply, self.options, request.images, is_shown)
        try:
            self._grow_chat(request, error.reply)
        except ChatError as second:
            self.desk.teller(self.options)(str(second))

    def _grow_chat(self, request: ChatRequest, reply: Reply) -> None:
        """The turn into the chat; onto one that has grown meanwhile it goes behind."""
        if self._chat is not None:
            base = self.edited or self.desk.chats.open(self._chat.name)
            self.desk.chats.put(grow(base, request, reply, self.options.system, self.options.model))

    def _tell_of_saved(self) -> None:
        if self._chat is None or self._chat.turns or self.edited is not None:
            return
        name = self._chat.name
        if n_saved := self.desk.chats.n_saved_turns(name):
            self.desk.teller(self.options)(
                f"A chat {name} of {n_saved} turns is saved on disk, and this one begins anew: "
                f"`%glm_chat resume {name}` goes on with that one."
            )
