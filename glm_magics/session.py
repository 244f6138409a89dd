"""The one home of state: who answers, the client, the sandbox, the last reply. Magics and ``glm.ask`` only call it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .display import NotebookPainter, Painter, QuietPainter, TerminalPainter, show_note
from .errors import GLMError, GLMWarning, Interrupted, ModelError, OnceWarning, OptionError
from .limits import Limits
from .options import Options
from .providers import Connection, Secret, sandbox_provider
from .replies import Reply
from .requests import ChatRequest, model_role, resolve_model
from .settings import GLM, Environment, data_folder, find_connection, find_in_keyring
from .shells import is_terminal, publisher

if TYPE_CHECKING:
    import httpx
    from IPython.core.interactiveshell import InteractiveShell
    from PIL.Image import Image

    from .asking import Listener, Question
    from .background import BackgroundAnswer
    from .bookkeeping import Books
    from .chatbook import Chats
    from .client import GLMClient
    from .compose import Composer
    from .conversations import Conversation
    from .corpus import Corpus
    from .groundings import Grounding
    from .media.loading import Blob
    from .messages import ImagePart
    from .previews import DryRun, Preview
    from .sandbox import Sandbox
    from .schemas import Schema
    from .sightings import Sightings

REPLY_NAME = "_glm"
"""The name under which the last `Reply` is always found."""


class Session:
    """State of one kernel.

    Args:
        shell: the IPython shell, or None in a plain Python program.
        transport: a seam for tests, also as an attribute until the first request; None means the network.
        environment: variables to read keys from.
    """

    def __init__(
        self,
        shell: InteractiveShell | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.shell = shell
        self.config = GLM(parent=shell) if shell is not None else GLM()
        self._on_display: list[Reply] = []
        self.transport = transport
        self.environment = Environment(environment)
        self._connection: Connection | None = None
        self._chosen: tuple[str, str, Secret | None] = ("", "", None)
        self._client: GLMClient | None = None
        self._sandbox: Sandbox | None = None
        self._served: list[str] | None = None
        self._composer: Composer | None = None
        self._said: set[str] = set()
        self.limits = Limits()
        self._chats: Chats | None = None
        self._books: Books | None = None
        self._corpus: Corpus | None = None
        self.config.observe(self._forget_connection, ["provider", "api_key"])
        if shell is not None:
            shell.events.register("post_execute", self._cell_ended)

    # Who answers

    def connect(self, choice: str = "", *, kind: str = "", api_key: str | None = None) -> Connection:
        """Chooses who answers: a provider's name, ``sandbox`` or a URL; empty: as settings and environment say.

        Raises:
            NoProviderError: there is no key for it.
            InputError: neither a provider nor a URL.
            MissingExtraError: the sandbox's packages are not installed.
        """
        chosen = (choice, kind, Secret(api_key) if api_key else None)
        connection = self._find_connection(*chosen)
        self._forget_connection()
        self._connection, self._chosen = connection, chosen
        return connection

    @property
    def connection(self) -> Connection:
        """Who answers; decided at the first need, and again after a change of settings."""
        if self._connection is None:
            self._connection = self._find_connection(*self._chosen)
        return self._connection

    def _find_connection(self, choice: str, kind: str, key: Secret | None) -> Connection:
        return find_connection(self.config, self.environment, self._start_sandbox, find_in_keyring, choice, kind, key)

    def _forget_connection(self, change: object = None) -> None:
        self._drop_client()
        self._connection = None
        self._served = None

    @property
    def sandbox(self) -> Sandbox:
        """The embedded server, running; for scripted replies and faults."""
        if self._sandbox is None or not self._sandbox.is_running:
            from .sandbox import Sandbox

            self._sandbox = Sandbox(chunk_delay_s=float(self.environment.get("GLM_SANDBOX_DELAY_S", "0.015")))
            self._sandbox.start()
        return self._sandbox

    def _start_sandbox(self) -> Connection:
        return Connection(sandbox_provider(self.sandbox.base_url), Secret(self.sandbox.key), "the sandbox's own, no real key")

    @property
    def client(self) -> GLMClient:
        """Made at the first need, and again after a change of provider or retries."""
        from .client import GLMClient
        from .retries import RetryPolicy

        connection = self.connection
        policy = RetryPolicy(self.config.max_retries, self.config.retry_wait)
        if self._client is None or self._client.retry != policy:
            self._drop_client()
            self._client = GLMClient(
                connection,
                transport=self.transport,
                retry=policy,
                limiter_of=lambda model: self.limits.of_model(connection.provider, model, self.config.max_in_flight),
            )
        return self._client

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def corpus(self) -> Corpus:
        """Embedding and searching; made at the first need."""
        if self._corpus is None:
            from .corpus import Corpus

            self._corpus = Corpus(self)
        return self._corpus

    def close(self) -> None:
        """Lets go of connections, the cache, the sandbox and the shell's event."""
        self._forget_connection()
        if self._corpus is not None:
            self._corpus.close()
        if self.shell is not None:
            with suppress(ValueError):  # closed before
                self.shell.events.unregister("post_execute", self._cell_ended)
        if self._sandbox is not None:
            self._sandbox.stop()
            self._sandbox = None

    # Asking

    def ask(self, content: Sequence[object], options: Options) -> Reply | DryRun:
        """Sends the values in `content`, in order, and shows the answer as it comes.

        Raises:
            InputError, NoProviderError: nothing was sent.
            APIError, NetworkError: no answer came.
            CutShortError, Interrupted: `.reply` holds what came; ``_glm`` too.
        """
        from .flow import Asking

        try:
            return Asking(self, options).run(content)
        except GLMError as error:
            error.show_traceback = self.config.show_traceback
            raise

    def preview(self, content: Sequence[object], options: Options) -> Preview:
        """What would be sent for it; nothing is.

        Raises:
            InputError, NoProviderError: as `ask`.
        """
        from .flow import Asking

        return self.preview_request(Asking(self, replace(options, dry_run=True)).build(content))

    def preview_request(self, request: ChatRequest) -> Preview:
        """What a request holds."""
        from .previews import preview_request

        return preview_request(request, self.connection.provider)

    def ground(self, images: object, question: str, options: Options) -> Grounding:
        """A widget that asks about the pictures; `question`, if there is one, is asked at once, in the background.

        Raises:
            InputError, NoProviderError: there is no picture, or nobody to ask.
            OptionError: an option that a widget does not have.
        """
        from .groundings import Grounding
        from .media import as_pictures

        if options.chat or options.schema is not None:
            raise OptionError("A widget has neither a chat nor a schema.", "Leave --chat and --schema away, or ask with `%%glm`.")
        model = options.model or self._default_model(frozenset({"image"}), False)
        pictures = as_pictures(images)
        quiet = replace(options, model=model, quiet=True, dry_run=False)
        asker = _Asker(self, pictures, quiet)
        grounding = Grounding(pictures, asker)
        asker.pictures = grounding.pictures  # its own copies: what is done to the originals changes no question
        return grounding.ask(question) if question else grounding

    def start(self, content: Sequence[object], options: Options, listener: Listener) -> BackgroundAnswer:
        """Asks in the background; the listener is told from another thread.

        Raises:
            InputError, NoProviderError, BudgetError: nothing was sent.
        """
        from .flow import Asking

        return Asking(self, options).start(content, listener)

    # Chats and books

    @property
    def chats(self) -> Chats:
        """The chats of this kernel by name."""
        if self._chats is None:
            from .chatbook import Chats
            from .chatstore import ChatStore

            self._chats = Chats(ChatStore(data_folder(self.config) / "chats.sqlite"))
        return self._chats

    @property
    def books(self) -> Books:
        """What this session has spent, and the ledger of all calls."""
        if self._books is None:
            from .bookkeeping import Books

            self._books = Books(self.config, self.environment, self.shell)
        return self._books

    def ask_again(self, name: str, n: int, text: str, options: Options) -> Reply | DryRun:
        """Asks turn `n` (from 1) of a chat again with other words; its pictures stay, later turns go once the answer is there.

        Raises:
            ChatError: there is no such chat or turn.
            GLMError: as `ask`.
        """
        from .flow import Asking

        chat, parts = self.chats.find(name).edit(n, text)
        return Asking(self, options, edited=chat).run(parts)

    # What `flow` needs

    def teller(self, options: Options) -> Callable[[str], None]:
        """Says a sentence in the cell, where there is one."""

        def tell(sentence: str) -> None:
            if self.shell is not None and not options.quiet:
                show_note(self.shell.display_pub.publish, sentence)

        return tell

    def compose(
        self, content: Sequence[object], options: Options, chat: Conversation | None, schema: Schema | None
    ) -> ChatRequest:
        """The request for the values in `content`; our warnings become lines in the cell."""
        from .compose import Composer

        if self._composer is None:
            self._composer = Composer(_download)
        with self.saying(options.quiet):
            try:
                return self._composer.compose(
                    content,
                    options,
                    self.connection.provider,
                    self.config.vision_model,
                    lambda kinds: self._default_model(kinds, options.dry_run),
                    chat,
                    schema,
                )
            except Interrupted:
                raise
            except KeyboardInterrupt:  # while pictures were prepared; nothing was sent
                raise Interrupted from None

    @contextmanager
    def saying(self, is_quiet: bool) -> Iterator[None]:
        """Our warnings become a line in the cell: Python's own form shows the place of the package on this machine."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", GLMWarning)
            yield
        for warning in caught:
            if not isinstance(warning.message, GLMWarning) or self.shell is None:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
            elif not is_quiet:
                self._show_note(warning.message)

    def _show_note(self, note: GLMWarning) -> None:
        """What is lost is said each time that it is sent; what this machine lacks once."""
        sentence = str(note)
        if isinstance(note, OnceWarning) and sentence in self._said:
            return
        self._said.add(sentence)
        assert self.shell is not None
        show_note(self.shell.display_pub.publish, sentence)

    def _default_model(self, kinds: frozenset[str], is_dry_run: bool) -> str:
        name = f"{model_role(kinds)}_model"
        is_chosen = name in self.config.trait_values() and getattr(self.config, name) != self.config.trait_defaults(name)
        if is_chosen or not self.connection.provider.is_self_hosted:
            return resolve_model(getattr(self.config, name), self.connection.provider)
        return self.only_model(name, is_dry_run)

    def only_model(self, setting: str, is_dry_run: bool) -> str:
        """The model of a server that serves just one; asked once a connection, and not for a dry run."""
        if self._served is None and is_dry_run:
            return "<the one model that the server has>"
        if self._served is None:
            try:
                self._served = self.client.list_models()
            except KeyboardInterrupt:
                raise Interrupted from None
        if len(self._served) == 1:
            return self._served[0]
        have = f"It serves {', '.join(self._served[:8])}." if self._served else "It does not say what it serves."
        raise ModelError(
            f"Which model of {self.connection.provider.host}? {have}", f"Name one with -m, or set `%config GLM.{setting}`."
        )

    def painter(self, options: Options, images: Sequence[ImagePart]) -> Painter:
        """For one answer about `images`, as the front end and the options want it."""
        if options.quiet or self.shell is None:
            return QuietPainter()
        as_ = "json" if options.schema is not None and options.as_ == "markdown" else options.as_
        if is_terminal(self.shell):
            return TerminalPainter(sys.stdout, as_)
        return NotebookPainter(publisher(self.shell), as_, _look_at(images))

    def keep(self, reply: Reply, options: Options, images: Sequence[ImagePart], is_shown: bool) -> None:
        """Puts the reply and its boxes into the namespace; `is_shown`: the cell has shown it already."""
        if (sightings := _look_at(images)) is not None:
            sightings.read(reply.raw_text, reply.text, is_growing=not reply.is_complete)
            reply.boxes = sightings.boxes
        reply.is_on_display = is_shown
        self._on_display.append(reply)
        if self.shell is not None:
            namespace: MutableMapping[str, Any] = self.shell.user_ns
            namespace[REPLY_NAME] = reply
            if options.into and not reply.misfit:
                namespace[options.into] = _result(reply, options)

    def _cell_ended(self) -> None:
        """IPython's event: from now on, naming a reply shows it."""
        while self._on_display:
            self._on_display.pop().is_on_display = False


class _Asker:
    """Sends a question of the widget with the pictures that it is about; an `asking.Asker`."""

    def __init__(self, session: Session, pictures: Sequence[Image], options: Options) -> None:
        self._session = session
        self.pictures = pictures
        self._options = options

    def __call__(self, question: Question, listener: Listener) -> BackgroundAnswer:
        from .boxes import Boxes

        content: list[object] = [] if question.is_on_crop else [self.pictures[place] for place in question.images]
        if question.region is not None and question.region_form != "thousandths":
            content += Boxes([question.region]).crops(self.pictures[question.region.image], index=question.region.image)
        return self._session.start([*content, question.prompt()], self._options, listener)


def _look_at(images: Sequence[ImagePart]) -> Sightings | None:
    if not images:
        return None
    from .sightings import Sightings

    return Sightings(images)


def _result(reply: Reply, options: Options) -> object:
    """What the name behind --into stands for: the DataFrame, the value, or the Reply; the Reply too where an answer broke off."""
    if reply.ending and reply.value is None:
        return reply
    if options.as_ == "frame":
        return reply.to_frame()
    return reply if options.schema is None else reply.value


def _download(url: str) -> Blob:
    from .fetch import fetch
    from .media.loading import Blob

    got = fetch(url)
    return Blob(got.name, data=got.data)
