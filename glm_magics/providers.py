"""Who can answer: the vendor's platforms, the sandbox, self-hosted servers; what differs between them, as rows.

Sources: the vendor's API pages for the bases; the vLLM, SGLang, Ollama and transformers documentation for self-hosting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from .errors import InputError
from .messages import ImageForm


class ThinkForm(Protocol):
    """From "think or not", and "earlier thinking counts", to the body fields that say so."""

    def __call__(self, is_on: bool, is_kept: bool = False) -> dict[str, Any]: ...


def _vendor_switch(is_on: bool, is_kept: bool = False) -> dict[str, Any]:
    kept = {"clear_thinking": False} if is_kept else {}
    return {"thinking": {"type": "enabled" if is_on else "disabled", **kept}}


def _template_switch(is_on: bool, is_kept: bool = False) -> dict[str, Any]:
    kept = {"clear_thinking": False} if is_kept else {}
    return {"chat_template_kwargs": {"enable_thinking": is_on, **kept}}


def _effort_switch(is_on: bool, is_kept: bool = False) -> dict[str, Any]:
    return {} if is_on else {"reasoning_effort": "none"}


def _no_switch(is_on: bool, is_kept: bool = False) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Provider:
    """One way to reach a model.

    Attributes:
        name: what the user types after ``%glm_connect``.
        base_url: everything before ``/chat/completions``.
        key_variables: environment variables that may hold its key, first found wins.
        needs_key: False for servers that usually run open.
        is_self_hosted: the models are the server's own; the catalogue's limits are not enforced.
        image_form: how picture bytes are written.
        think: how thinking is switched.
        extra_stream_fields: what a streamed request must add to get its usage.
        has_json_schema: it takes ``response_format`` of type ``json_schema``.
        thinking_field: the name of an earlier answer's thinking when that is sent back.
        is_free: nothing is charged for a call.
        currency: of its bills, for the vendor's platforms that charge by the token; empty: nothing is known of prices.
        has_base64_vectors: it packs vectors as base64 of little-endian float32 where that is asked for. The vendor documents no
            such field; a server that does not know it gives lists of numbers, which are read as well.
        has_realtime: there is a WebSocket to talk over; z.ai documents none.
    """

    name: str
    base_url: str
    key_variables: tuple[str, ...] = ()
    needs_key: bool = True
    is_self_hosted: bool = False
    image_form: ImageForm = "base64"
    think: ThinkForm = _vendor_switch
    extra_stream_fields: Mapping[str, Any] = field(default_factory=dict)
    has_json_schema: bool = False
    thinking_field: str = "reasoning_content"
    is_free: bool = False
    currency: str = ""
    has_realtime: bool = True
    has_base64_vectors: bool = False

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return urlsplit(self.base_url).netloc


_ZAI, _ZHIPU = "ZAI_API_KEY", "ZHIPUAI_API_KEY"
PROVIDERS: Mapping[str, Provider] = {
    row.name: row
    for row in (
        Provider("zai", "https://api.z.ai/api/paas/v4", (_ZAI,), currency="USD", has_realtime=False),
        Provider("bigmodel", "https://open.bigmodel.cn/api/paas/v4", (_ZHIPU,), currency="CNY"),
        Provider("coding", "https://api.z.ai/api/coding/paas/v4", (_ZAI,), has_realtime=False),
        Provider("coding-bigmodel", "https://open.bigmodel.cn/api/coding/paas/v4", (_ZHIPU,), has_realtime=False),
    )
}
"""The vendor's platforms; the sandbox's row is made when it starts, a server's from its URL."""

_USAGE = {"stream_options": {"include_usage": True}}


class ServerKind(NamedTuple):
    """A kind of self-hosted server: what `Provider` says of it, and its usual port."""

    port: int
    think: ThinkForm
    has_json_schema: bool
    thinking_field: str
    has_base64_vectors: bool


SERVER_KINDS: Mapping[str, ServerKind] = {
    "vllm": ServerKind(8000, _template_switch, True, "reasoning", True),
    "sglang": ServerKind(30000, _template_switch, True, "reasoning_content", True),
    "ollama": ServerKind(11434, _effort_switch, True, "reasoning", False),
    "transformers": ServerKind(8000, _no_switch, False, "", False),
    "litellm": ServerKind(4000, _vendor_switch, False, "reasoning_content", False),  # some of its backends refuse base64 vectors
}
"""Self-hosted servers. The first row is assumed where the port tells nothing."""


KEY_VARIABLE = "GLM_API_KEY"
"""Where the key of any other server is looked for."""


def sandbox_provider(base_url: str) -> Provider:
    """The row of a running sandbox."""
    return Provider("sandbox", base_url, is_free=True)


def server_provider(url: str, kind: str = "") -> Provider:
    """The row for an OpenAI-compatible server at `url`; `kind` is a name of `SERVER_KINDS`, guessed from the port if empty.

    A vendor's own address gets the vendor's row; one that ends like theirs, ``/paas/v4``, is taken to speak their protocol. A URL
    without a path gets ``/v1``.

    Raises:
        InputError: the URL is not http(s), carries a password, or `kind` is unknown.
    """
    base_url, port = _parse_base_url(url)
    for row in PROVIDERS.values():
        if base_url == row.base_url or (base_url.endswith("/v1") and urlsplit(base_url).hostname in _vendor_hosts(row)):
            return row
    if not kind and base_url.endswith("/paas/v4"):  # a gateway, or another sandbox, that speaks the vendor's own protocol
        return Provider("glm", base_url, (KEY_VARIABLE,))
    if kind and kind not in SERVER_KINDS:
        raise InputError(f"`{kind}` is not a kind of server.", f"Choose one of {', '.join(SERVER_KINDS)}.")
    kind = kind or next((name for name, row in SERVER_KINDS.items() if row.port == port), "vllm")
    usual = SERVER_KINDS[kind]
    return Provider(
        name=kind,
        base_url=base_url,
        key_variables=(KEY_VARIABLE,),
        needs_key=False,
        is_self_hosted=True,
        is_free=True,
        image_form="data_uri",
        think=usual.think,
        extra_stream_fields=_USAGE,
        has_json_schema=usual.has_json_schema,
        thinking_field=usual.thinking_field,
        has_base64_vectors=usual.has_base64_vectors,
    )


def _parse_base_url(url: str) -> tuple[str, int | None]:
    """The address without the endpoint that people copy along, host in lower case, and its port.

    Raises:
        InputError: the URL is not http(s), or carries a password.
    """
    try:
        parts = urlsplit(url.strip() if "://" in url else f"http://{url.strip()}")
        port = parts.port
    except ValueError:
        raise InputError("That address cannot be read: is the port a number?", _LIKE_THIS) from None
    if parts.username or parts.password or parts.query:
        raise InputError(
            "The address carries a password or parameters, which would be saved with the notebook.",
            "Put the key in GLM_API_KEY and give the plain address.",
        )
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc) or not parts.path.isprintable():
        raise InputError("That is not an http(s) address.", _LIKE_THIS)
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc.lower()}{path or '/v1'}", port


_LIKE_THIS = "Write it like http://localhost:8000/v1."
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?")


def _vendor_hosts(row: Provider) -> tuple[str, ...]:
    """The host of a platform, with and without its first label; the endpoints for coding plans need their whole address."""
    return () if "coding" in row.name else (row.host, row.host.partition(".")[2])


class Secret:
    """A key that no repr, log line or traceback shows; `reveal` is for the request header alone."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        value = value.strip()
        if not value.isascii() or not value.isprintable() or " " in value:
            # not shown: an HTTP library would quote the whole header in its own complaint
            raise InputError("The key holds characters that a key never has.", "Copy it again from the vendor's page.")
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "***"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, ("",)  # a pickle is a file too


@dataclass(frozen=True, slots=True)
class Connection:
    """A provider, its key, and in words where the key came from."""

    provider: Provider
    key: Secret | None = None
    key_source: str = "no key"

    def __str__(self) -> str:
        return f"{self.provider.name} answers, at {self.provider.base_url} (key: {self.key_source})"
