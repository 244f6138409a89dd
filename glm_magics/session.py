"""The one home of state: who answers, the client, the sandbox, the last reply. Magics and ``glm.ask`` only call it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import GLMError, Interrupted, ModelError
from .frontends import is_terminal, publisher
from .limits import Limits
from .options import Options
from .providers import Connection, Provider, Secret, sandbox_provider
from .replies import Reply
from .requests import ChatRequest, model_role, resolve_model
from .settings import GLM, Environment, data_folder, find_in_keyring
from .stages import Stage

if TYPE_CHECKING:
    import httpx
    from IPython.core.interactiveshell import InteractiveShell

    from .asking import Listener
    from .background import BackgroundAnswer
    from .bookkeeping import Books
    from .chatbook import Chats
    from .client import GLMClient
    from .clients import Clients
    from .comparisons import Comparison
    from .compose import Composer
    from .conversations import Conversation
    from .corpus import Corpus
    from .geometry import Shape
    from .groundings import Grounding
    from .jobbook import Jobs
    from .media.loading import Blob
    from .previews import DryRun, Preview
    from .replaying import Replays
    from .sandbox import Sandbox
    from .schemas import Schema
    from .taping import Deck
    from .toolkits import Toolkit
    from .voicecalls import Switchboard


class Session:
    """State of one kernel.

    Args:
        shell: the IPython shell, or None in a plain Python program.
        transport: a seam for tests, also as an attribute until the first request; None means the network.
        environment: variables to read keys from.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        shell: InteractiveShell | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.shell = shell
        self.clock = clock
        self.config = GLM(parent=shell) if shell is not None else GLM()
        self.transport = transport
        self.environment = Environment(environment)
        self._making = threading.RLock()  # what is made at the first need is made once, whichever threads need it
        self._connection: Connection | None = None
        self._chosen: tuple[str, str, Secret | None] = ("", "", None)
        self._clients: Clients | None = None
        self._sandbox: Sandbox | None = None
        self._served: dict[str, list[str]] = {}  # the models of servers, by address
        self._composer: Composer | None = None
        self.limits = Limits()
        self._replays: Replays | None = None
        self._chats: Chats | None = None
        self._books: Books | None = None
        self._jobs: Jobs | None = None
        self._corpus: Corpus | None = None
        self._toolkit: Toolkit | None = None
        self._switchboard: Switchboard | None = None
        self.config.observe(self._forget_connection, ["provider", "api_key"])
        self.stage = Stage(shell)

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
        with self._making:
            self._forget_connection()
            self._connection, self._chosen = connection, chosen
        return connection

    @property
    def connection(self) -> Connection:
        """Who answers; decided at the first need, and again after a change of settings."""
        with self._making:
            if self._connection is None:
                self._connection = self._find_connection(*self._chosen)
            return self._connection

    def _find_connection(self, choice: str, kind: str, key: Secret | None) -> Connection:
        return self.replays.find_connection(self._start_sandbox, find_in_keyring, choice, kind, key)

    def _forget_connection(self, change: object = None) -> None:
        with self._making:
            if self._clients is not None:
                self._clients.close()
            self._connection = None
            self._served.clear()

    @property
    def sandbox(self) -> Sandbox:
        """The embedded server, running; for scripted replies and faults."""
        with self._making:
            if self._sandbox is None or not self._sandbox.is_running:
                from .sandbox import Sandbox

                self._sandbox = Sandbox(chunk_delay_s=float(self.environment.get("GLM_SANDBOX_DELAY_S", "0.015")))
                self._sandbox.start()
            return self._sandbox

    def _start_sandbox(self) -> Connection:
        return Connection(sandbox_provider(self.sandbox.base_url), Secret(self.sandbox.key), "the sandbox's own, no real key")

    @property
    def client(self) -> GLMClient:
        """Of whoever answers."""
        return self.client_for(self.connection)

    def client_of(self, choice: str, is_cached: bool = False) -> GLMClient:
        """For another connection than the session's: a provider's name or ``sandbox``.

        Raises:
            NoProviderError: there is no key for it.
        """
        return self.client_for(self._find_connection(choice, "", None), is_cached)

    def client_for(self, connection: Connection, is_cached: bool = False) -> GLMClient:
        """Made at the first need, and again after a change of retries; `is_cached`: its answers go on record."""
        from .retries import RetryPolicy

        with self._making:
            if self._clients is None:
                from .clients import Clients

                self._clients = Clients(lambda provider, model: self.limits.of_model(provider, model, self.config.max_in_flight))
        policy = RetryPolicy(self.config.max_retries, self.config.retry_wait)
        return self._clients.find(connection, self.transport, policy, self.replays.deck_for(is_cached), is_cached)

    @property
    def replays(self) -> Replays:
        """What is on record, and what is done with it."""
        with self._making:
            if self._replays is None:
                from .replaying import Replays

                self._replays = Replays(self.shell, self.environment, self.config)
            return self._replays

    def replay(self, mode: str, file: str = "", is_timed: bool = False) -> Deck:
        """Records or replays what is asked from now on; raises what `Replays.open` does."""
        deck = self.replays.open(mode, file, is_timed)
        self._forget_connection()
        return deck

    @property
    def corpus(self) -> Corpus:
        """Embedding and searching; made at the first need."""
        if self._corpus is None:
            from .corpus import Corpus

            self._corpus = Corpus(self)
        return self._corpus

    def close(self) -> None:
        """Stops background answers and calls; lets go of connections, the cache, the sandbox and the shell's event."""
        if self._jobs is not None:
            self._jobs.close()
        if self._switchboard is not None:
            self._switchboard.close()
        self._forget_connection()
        if self._corpus is not None:
            self._corpus.close()
        self.stage.close()
        if self._sandbox is not None:
            self._sandbox.stop()
            self._sandbox = None

    # Asking

    def ask(self, content: Sequence[object], options: Options) -> Reply | Comparison | DryRun:
        """Sends the values in `content`, in order, and shows the answer as it comes.

        Raises:
            InputError, NoProviderError: nothing was sent.
            APIError, NetworkError: no answer came.
            CutShortError, Interrupted: `.reply` holds what came; ``_glm`` too.
        """
        from .comparing import Comparing, names_several
        from .flow import Asking

        try:
            asking = Comparing(self, options) if names_several(options) else Asking(self, options)
            return asking.run(content)
        except GLMError as error:
            error.show_traceback = self.config.show_traceback
            raise

    def preview(self, content: Sequence[object], options: Options) -> Preview:
        """What would be sent for it; nothing is. Raises what `ask` does before sending."""
        from .flow import Asking

        return self.preview_request(Asking(self, replace(options, dry_run=True)).build(content))

    def preview_request(self, request: ChatRequest) -> Preview:
        """What a request holds."""
        from .previews import preview_request

        return preview_request(request, self.connection.provider)

    def ground(self, images: object, question: str, options: Options, shapes: Sequence[Shape] = ()) -> Grounding:
        """A widget that asks about the pictures; `question`, if there is one, is asked at once, in the background.

        Without a question it opens without anybody to answer, too: `shapes` can be seen, changed and saved.

        Raises:
            InputError, NoProviderError: there is no picture, or nobody to ask.
            OptionError: an option that a widget does not have.
        """
        from .picturedesk import open_grounding

        return open_grounding(self, images, question, options, shapes)

    @property
    def switchboard(self) -> Switchboard:
        """One voice call at a time."""
        if self._switchboard is None:
            from .voicecalls import Switchboard

            self._switchboard = Switchboard(self.shell, self.toolkit.approvals)
        return self._switchboard

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
        with self._making:
            if self._books is None:
                from .bookkeeping import Books

                self._books = Books(self.config, self.environment, self.shell)
            return self._books

    @property
    def toolkit(self) -> Toolkit:
        """The functions' side of asking: what was allowed for good, where calls are shown."""
        if self._toolkit is None:
            from .toolkits import Toolkit

            is_text = self.shell is None or is_terminal(self.shell)
            publish = None if self.shell is None or is_text else publisher(self.shell)
            self._toolkit = Toolkit(self.config, self.shell, publish)
        return self._toolkit

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

    def compose(
        self,
        content: Sequence[object],
        options: Options,
        provider: Provider,
        chat: Conversation | None,
        schema: Schema | None,
    ) -> ChatRequest:
        """The request for the values in `content`; our warnings become lines in the cell."""
        from .compose import Composer

        if self._composer is None:
            self._composer = Composer(_download)
        with self.stage.saying(options.quiet):
            try:
                return self._composer.compose(
                    content,
                    options,
                    provider,
                    self.config.vision_model,
                    lambda kinds: self.default_model(kinds, options.dry_run),
                    chat,
                    schema,
                )
            except Interrupted:
                raise
            except KeyboardInterrupt:  # while pictures were prepared; nothing was sent
                raise Interrupted from None

    def default_model(self, kinds: frozenset[str], is_dry_run: bool) -> str:
        name = f"{model_role(kinds)}_model"
        is_chosen = name in self.config.trait_values() and getattr(self.config, name) != self.config.trait_defaults(name)
        if is_chosen or not self.connection.provider.is_self_hosted:
            return resolve_model(getattr(self.config, name), self.connection.provider)
        return self.only_model(name, is_dry_run)

    def only_model(self, setting: str, is_dry_run: bool) -> str:
        """The model of a server that serves just one; asked once a connection, and not for a dry run."""
        connection = self.connection  # another thread may choose another meanwhile
        provider = connection.provider
        served = self._served.get(provider.base_url)
        if served is None and is_dry_run:
            return "<the one model that the server has>"
        if served is None:
            try:
                served = self._served[provider.base_url] = self.client_for(connection).list_models()
            except KeyboardInterrupt:
                raise Interrupted from None
        if len(served) == 1:
            return served[0]
        have = f"It serves {', '.join(served[:8])}." if served else "It does not say what it serves."
        raise ModelError(f"Which model of {provider.host}? {have}", f"Name one with -m, or set `%config GLM.{setting}`.")

    @property
    def jobs(self) -> Jobs:
        """The background answers of this session."""
        if self._jobs is None:
            from .jobbook import Jobs

            self._jobs = Jobs()
        return self._jobs


def _download(url: str) -> Blob:
    from .fetch import fetch
    from .media.loading import Blob

    got = fetch(url)
    return Blob(got.name, data=got.data)
