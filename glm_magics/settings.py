"""Where the provider and the key come from: explicit > ``%config GLM`` > environment > the system's key store.

One function decides, `find_connection`; it takes all its sources as arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from traitlets import Bool, Float, Integer, TraitError, TraitType, Unicode
from traitlets.config.configurable import Configurable

from .errors import NO_KEY_WAY_OUT, InputError, NoProviderError
from .options import nearest
from .providers import KEY_VARIABLE, PROVIDERS, Connection, Provider, Secret, server_provider

PROVIDER_VARIABLE = "GLM_PROVIDER"
URL_VARIABLE = "GLM_BASE_URL"


class Environment(Mapping[str, str]):
    """The process's variables as they are now, or those given; a repr or traceback shows none of them.

    Args:
        variables: None means ``os.environ``.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = variables

    def _read(self) -> Mapping[str, str]:
        return os.environ if self._variables is None else self._variables

    def __getitem__(self, name: str) -> str:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return "<environment>"


class SecretTrait(TraitType[Any, Any]):
    """A key in ``%config``: set as text, shown as ``***``."""

    default_value = None
    allow_none = True

    def validate(self, obj: Any, value: Any) -> Secret | None:
        if isinstance(value, Secret):
            return value or None
        if not isinstance(value, str):
            raise TraitError("A key is text.")
        try:
            return Secret(value) or None
        except InputError as error:
            raise TraitError(str(error)) from None

    def default_value_repr(self) -> str:
        return "''"


class GLM(Configurable):
    """Settings of glm_magics."""

    provider = Unicode("", help="Who answers if %glm_connect has not said: zai, bigmodel, coding, sandbox, a URL.").tag(
        config=True
    )
    api_key = SecretTrait(help="The key; better kept in ZAI_API_KEY or ZHIPUAI_API_KEY than in a notebook.").tag(config=True)
    text_model = Unicode("glm-4.7", help="The model for text when none is named.").tag(config=True)
    vision_model = Unicode("glm-4.6v", help="The model for pictures, videos and files when none is named.").tag(config=True)
    voice_model = Unicode("glm-4-voice", help="The model for audio when none is named.").tag(config=True)
    embedding_model = Unicode("embedding-3", help="The model for vectors when none is named.").tag(config=True)
    max_in_flight = Integer(
        0, min=0, max=2000, help="Requests to one model in flight at once; 0 finds out what the server takes."
    ).tag(config=True)
    timeout = Float(300.0, min=0.1, max=86_400.0, help="Longest silence of the server, in seconds.").tag(config=True)
    max_retries = Integer(3, min=0, help="How often to try again where that can help.").tag(config=True)
    retry_wait = Float(1.0, min=0.0, help="The first pause before trying again, in seconds; each further one doubles.").tag(
        config=True
    )
    session_budget = Float(0.0, min=0.0, help="Most that this session may cost, in the currency of the prices; 0: no limit.").tag(
        config=True
    )
    ledger = Bool(True, help="Keep the counts, times and cost of every call in a local file; no word of what was said.").tag(
        config=True
    )
    folder = Unicode("", help="Where the ledger and saved chats are kept; empty: this system's place for such files.").tag(
        config=True
    )
    show_traceback = Bool(False, help="Show Python tracebacks for glm_magics' own errors.").tag(config=True)

    def update_config(self, config: Any) -> None:
        """What ``%config`` calls; the key stays in its trait alone.

        IPython hands the same record to every configurable of the shell, and each keeps and prints it.
        """
        keys = [section.pop("api_key") for section in _glm_sections(config) if "api_key" in section]
        super().update_config(config)
        if keys:
            self.api_key = keys[-1]
        for holder in (self, self.parent, *getattr(self.parent, "configurables", ())):
            for section in _glm_sections(getattr(holder, "config", {})):
                section.pop("api_key", None)


def data_folder(config: GLM) -> Path:
    """Where this user's ledger and chats are kept; not made here."""
    if config.folder:
        return Path(config.folder).expanduser()
    from platformdirs import user_data_path

    return user_data_path("glm_magics", appauthor=False)


def _glm_sections(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [config["GLM"]] if "GLM" in config else []


def find_connection(
    config: GLM,
    environment: Mapping[str, str],
    start_sandbox: Callable[[], Connection],
    find_in_keyring: Callable[[str], str | None],
    choice: str = "",
    kind: str = "",
    key: Secret | None = None,
) -> Connection:
    """Who answers, and with which key.

    Args:
        config: ``%config GLM``.
        environment: the process's variables.
        start_sandbox: starts the embedded server, when it is chosen.
        find_in_keyring: the key that the system's key store holds for a provider's name.
        choice: a provider's name or a URL, given explicitly; empty: look further down the list.
        kind: what kind of server the URL is, see `providers.SERVER_KINDS`.
        key: a key given explicitly.

    Raises:
        NoProviderError: nothing is chosen and no key is found.
        InputError: the choice is neither a provider nor a URL.
    """
    choice = choice or config.provider or environment.get(PROVIDER_VARIABLE, "") or environment.get(URL_VARIABLE, "")
    choice = choice.strip() or _provider_with_key(config, environment, find_in_keyring)
    if choice.lower() == "sandbox":
        return start_sandbox()
    provider = find_provider(choice, kind)
    if key:
        return Connection(provider, key, "given in this session")
    if config.api_key and _is_meant_for(config.provider, provider):
        return Connection(provider, config.api_key, "%config GLM.api_key")
    for variable in _key_variables(environment.get(URL_VARIABLE, "").strip(), provider):
        if found := Secret(environment.get(variable, "")):
            return Connection(provider, found, f"environment variable {variable}")
    if stored := Secret(find_in_keyring(provider.name) or ""):
        return Connection(provider, stored, "the system's key store")
    if provider.needs_key:
        raise NoProviderError(f"There is no key for {provider.name}.", NO_KEY_WAY_OUT)
    return Connection(provider)


def _key_variables(own_url: str, provider: Provider) -> list[str]:
    """The variables that may hold this provider's key; GLM_API_KEY beside GLM_BASE_URL belongs to that address alone."""
    if not own_url:
        return list(provider.key_variables)
    others = [variable for variable in provider.key_variables if variable != KEY_VARIABLE]
    return [KEY_VARIABLE, *others] if _is_meant_for(own_url, provider) else others


def _is_meant_for(choice: str, provider: Provider) -> bool:
    """A key set beside a provider or URL goes to no other server; one set alone goes to whatever is chosen."""
    try:
        return not choice.strip() or find_provider(choice.strip()).base_url == provider.base_url
    except InputError:
        return False


def find_provider(choice: str, kind: str = "") -> Provider:
    """The row for a provider's name or a URL.

    Raises:
        InputError: it is neither.
    """
    if choice.lower() in PROVIDERS:
        return PROVIDERS[choice.lower()]
    if "://" in choice or ":" in choice or "." in choice or choice == "localhost":
        return server_provider(choice, kind)
    raise InputError(f"`{choice}` is no provider.", f"{nearest(choice, [*PROVIDERS, 'sandbox'])} A server's URL works too.")


def _provider_with_key(config: GLM, environment: Mapping[str, str], find_in_keyring: Callable[[str], str | None]) -> str:
    for name in ("zai", "bigmodel"):
        if any(environment.get(variable, "").strip() for variable in PROVIDERS[name].key_variables) or find_in_keyring(name):
            return name
    found = "A key is set in %config, but not whose it is. " if config.api_key else ""
    way_out = "Choose with `%config GLM.provider = 'zai'` or 'bigmodel'." if found else NO_KEY_WAY_OUT
    raise NoProviderError(f"{found}There is nobody to ask yet: no key was found and no server chosen.", way_out)


def find_in_keyring(provider_name: str) -> str | None:
    """The password that the ``keyring`` package, if installed, holds for service ``glm_magics``; never an error."""
    try:
        import keyring

        found: str | None = keyring.get_password("glm_magics", provider_name)
    except Exception:  # not installed, locked, no key store at all: no reason to stop
        return None
    return found
