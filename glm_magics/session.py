"""The one home of state: who answers, the client, the sandbox, the last reply. Magics and ``glm.ask`` only call it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .catalog import find_model
from .display import NotebookPainter, Painter, QuietPainter, TerminalPainter
from .errors import CutShortError, GLMError, InputError, Interrupted, ModelError
from .intake import Intake, find_intake
from .live import Pump, follow
from .media import ATTACHMENTS, Loading, Memo, to_parts
from .messages import Message, Part, TextPart, join_text
from .options import Options
from .previews import DryRun, Preview, dry_run, preview_request
from .providers import PROVIDERS, Connection, Secret, sandbox_provider
from .replies import Reply
from .requests import ChatRequest, build_body, check_request, model_role, resolve_model
from .settings import GLM, Environment, find_connection, find_in_keyring
from .tally import tally

if TYPE_CHECKING:
    import httpx
    from IPython.core.interactiveshell import InteractiveShell

    from .client import GLMClient
    from .corpus import Corpus
    from .sandbox import Sandbox
    from .supply import Listener

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
        self._environment = Environment(environment)
        self._connection: Connection | None = None
        self._chosen: tuple[str, str, Secret | None] = ("", "", None)
        self._client: GLMClient | None = None
        self._sandbox: Sandbox | None = None
        self._served: list[str] | None = None
        self._memo = Memo()
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
        return find_connection(self.config, self._environment, self._start_sandbox, find_in_keyring, choice, kind, key)

    def _forget_connection(self, change: object = None) -> None:
        self._drop_client()
        self._connection = None
        self._served = None

    @property
    def sandbox(self) -> Sandbox:
        """The embedded server, running; for scripted replies and faults."""
        if self._sandbox is None or not self._sandbox.is_running:
            from .sandbox import Sandbox

            self._sandbox = Sandbox(chunk_delay_s=float(self._environment.get("GLM_SANDBOX_DELAY_S", "0.015")))
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
            self._client = GLMClient(connection, transport=self.transport, retry=policy)
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
            from .sources import Home

            self._corpus = Corpus(
                Home(
                    connection=lambda: self.connection,
                    client=lambda: self.client,
                    only_model=lambda: self._only_model("embedding_model", is_dry_run=False),
                    config=self.config,
                    environment=self._environment,
                    painter=self._progress_painter,
                )
            )
        return self._corpus

    def _progress_painter(self) -> Listener:
        from .progress import notebook_painter, terminal_painter

        if self.shell is None:
            return terminal_painter(sys.stderr) if sys.stderr.isatty() else lambda progress: None
        return terminal_painter(sys.stdout) if is_terminal(self.shell) else notebook_painter(_publisher(self.shell))

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
        try:
            return self._ask(content, options)
        except GLMError as error:
            error.show_traceback = self.config.show_traceback
            raise

    def preview(self, content: Sequence[object], options: Options) -> Preview:
        """What would be sent for it; nothing is.

        Raises:
            InputError, NoProviderError: as `ask`.
        """
        return self._preview(self._build_request(content, replace(options, dry_run=True)))

    def _preview(self, request: ChatRequest) -> Preview:
        provider = self.connection.provider
        return preview_request(request, provider.host, provider.name in PROVIDERS)

    def _ask(self, content: Sequence[object], options: Options) -> Reply | DryRun:
        request = self._build_request(content, options)
        provider = self.connection.provider
        if options.dry_run:
            return dry_run(self._preview(request), request, build_body(request, provider))
        stream = self.client.stream_chat(build_body(request, provider), options.timeout or self.config.timeout)
        painter = self._painter(options)
        try:
            reply = follow(Pump(stream), painter, request)
        except (Interrupted, CutShortError) as error:
            if error.reply is not None:
                self._keep(error.reply, options, is_shown=not options.quiet)
            raise
        self._keep(reply, options, is_shown=not isinstance(painter, QuietPainter))
        return reply

    def _build_request(self, content: Sequence[object], options: Options) -> ChatRequest:
        loaded = self._load(content, options)
        parts = join_text(loaded)
        if not any(not isinstance(part, TextPart) or part.text.strip() for part in parts):
            raise InputError("There is nothing to send.", "Write a question below `%%glm`, or after `%glm`.")
        system = [Message("system", (TextPart(options.system),))] if options.system else []
        messages = [*system, Message("user", parts)]
        provider = self.connection.provider
        kinds = messages[-1].kinds
        request = ChatRequest(
            model=resolve_model(options.model, provider) if options.model else self._default_model(kinds, options.dry_run),
            messages=messages,
            think=options.think,
            temperature=options.temperature,
            top_p=options.top_p,
            max_tokens=options.max_tokens,
            stop=options.stop,
            is_streamed=not options.no_stream,
            sent=tally(loaded),
        )
        if not (options.model or "").endswith("!"):
            check_request(request, provider)
            self._warn_of_many(request)
        return request

    def _warn_of_many(self, request: ChatRequest) -> None:
        many = find_intake(find_model(request.model), self.connection.provider).many_images
        if many and len(request.images) > many:
            warnings.warn(
                f"The message holds {len(request.images)} pictures; one of the vendor's platforms documents {many} at most.",
                stacklevel=2,
            )

    def _load(self, content: Sequence[object], options: Options) -> list[Part]:
        """Attachments, then the content, each in order; a video first where the model wants it so."""
        intake = self._find_intake(options)
        loading = Loading(
            intake=intake,
            frames=options.frames,
            pages=options.pages,
            fps=options.fps,
            frames_max=options.frames_max,
            is_fetched=options.fetch,
            memo=self._memo,
        )
        parts: list[Part] = []
        for name, load in ATTACHMENTS.items():
            for value, label in map(_unlabelled, getattr(options, name)):
                parts += load(value, replace(loading, label=label))
        for value, label in map(_unlabelled, content):
            parts += to_parts(value, replace(loading, label=label))
        return sorted(parts, key=lambda part: part.kind != "video") if intake.is_video_first else parts

    def _find_intake(self, options: Options) -> Intake:
        """Of the model that is named; else of the one for pictures, which answers when there is more than text."""
        provider = self.connection.provider
        name = resolve_model(options.model or self.config.vision_model, provider)
        intake = find_intake(None if (options.model or "").endswith("!") else find_model(name), provider)
        return intake if options.model else replace(intake, kinds=intake.kinds | {"audio"})

    def _default_model(self, kinds: frozenset[str], is_dry_run: bool) -> str:
        name = f"{model_role(kinds)}_model"
        is_chosen = name in self.config.trait_values() and getattr(self.config, name) != self.config.trait_defaults(name)
        if is_chosen or not self.connection.provider.is_self_hosted:
            return resolve_model(getattr(self.config, name), self.connection.provider)
        return self._only_model(name, is_dry_run)

    def _only_model(self, setting: str, is_dry_run: bool) -> str:
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

    def _painter(self, options: Options) -> Painter:
        if options.quiet or self.shell is None:
            return QuietPainter()
        if is_terminal(self.shell):
            return TerminalPainter(sys.stdout, options.as_)
        return NotebookPainter(_publisher(self.shell), options.as_)

    def _keep(self, reply: Reply, options: Options, is_shown: bool) -> None:
        reply.is_on_display = is_shown
        self._on_display.append(reply)
        if self.shell is not None:
            namespace: MutableMapping[str, Any] = self.shell.user_ns
            namespace[REPLY_NAME] = reply
            if options.into:
                namespace[options.into] = reply

    def _cell_ended(self) -> None:
        """IPython's event: from now on, naming a reply shows it."""
        while self._on_display:
            self._on_display.pop().is_on_display = False


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value of the notebook together with the expression it came from."""

    label: str
    value: object


def _unlabelled(value: object) -> tuple[Any, str]:
    return (value.value, value.label) if isinstance(value, Labelled) else (value, "")


def is_terminal(shell: InteractiveShell) -> bool:
    """True where output is text: IPython in a terminal."""
    return any(base.__name__ == "TerminalInteractiveShell" for base in type(shell).__mro__)


def _publisher(shell: InteractiveShell) -> Callable[[dict[str, str], dict[str, Any], str, bool], None]:
    def publish(data: dict[str, str], metadata: dict[str, Any], display_id: str, update: bool) -> None:
        shell.display_pub.publish(data, metadata, transient={"display_id": display_id}, update=update)

    return publish
