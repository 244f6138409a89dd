"""Where the provider and the key come from: explicit > ``%config GLM`` > environment > the system's key store.

One function decides, `find_connection`; it takes all its sources as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from traitlets import Bool, Float, Integer, TraitError, TraitType, Unicode
from traitlets.config.configurable import Configurable

from .errors import NO_KEY_WAY_OUT, InputError, NoProviderError
from .options import nearest
from .providers import PROVIDERS, Connection, Provider, Secret, server_provider

PROVIDER_VARIABLE = "GLM_PROVIDER"
URL_VARIABLE = "GLM_BASE_URL"
KEY_VARIABLE = "GLM_API_KEY"


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

    provider = Unicode("", help="Who answers when %glm_connect has not said: zai, bigmodel, coding, sandbox or a URL.").tag(config=True)
    api_key = SecretTrait(help="The key; better kept in ZAI_API_KEY or ZHIPUAI_API_KEY than in a notebook.").tag(config=True)
    text_model = Unicode("glm-4.7", help="The model for text when none is named.").tag(config=True)
    vision_model = Unicode("glm-4.6v", help="The model for pictures, videos and files when none is named.").tag(config=True)
    voice_model = Unicode("glm-4-voice", help="The model for audio when none is named.").tag(config=True)
    timeout = Float(300.0, help="Longest silence of the server, in seconds.").tag(config=True)
    max_retries = Integer(3, help="How often to try again where that can help.").tag(config=True)
    show_traceback = Bool(False, help="Show Python tracebacks for glm_magics' own errors.").tag(config=True)


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
    choice = choice or _provider_with_key(config, environment, find_in_keyring)
    if choice == "sandbox":
        return start_sandbox()
    provider = find_provider(choice, kind)
    if key:
        return Connection(provider, key, "given in this session")
    if config.api_key:
        return Connection(provider, config.api_key, "%config GLM.api_key")
    for variable in (*provider.key_variables, *((KEY_VARIABLE,) if environment.get(URL_VARIABLE) == provider.base_url else ())):
        if environment.get(variable):
            return Connection(provider, Secret(environment[variable]), f"environment variable {variable}")
    stored = find_in_keyring(provider.name)
    if stored:
        return Connection(provider, Secret(stored), "the system's key store")
    if provider.needs_key:
        raise NoProviderError(f"There is no key for {provider.name}.", NO_KEY_WAY_OUT)
    return Connection(provider)


def find_provider(choice: str, kind: str = "") -> Provider:
    """The row for a provider's name or a URL.

    Raises:
        InputError: it is neither.
    """
    if choice in PROVIDERS:
        return PROVIDERS[choice]
    if "://" in choice or ":" in choice or "." in choice or choice == "localhost":
        return server_provider(choice, kind)
    raise InputError(f"`{choice}` is no provider.", f"{nearest(choice, [*PROVIDERS, 'sandbox'])} A server's URL works too.")


def _provider_with_key(config: GLM, environment: Mapping[str, str], find_in_keyring: Callable[[str], str | None]) -> str:
    for name in ("zai", "bigmodel"):
        if any(environment.get(variable) for variable in PROVIDERS[name].key_variables) or find_in_keyring(name):
            return name
    found = "A key is set in %config, but not whose it is. " if config.api_key else ""
    way_out = "Choose with `%config GLM.provider = 'zai'` or 'bigmodel'." if found else NO_KEY_WAY_OUT
    raise NoProviderError(f"{found}There is nobody to ask yet: no key was found and no server chosen.", way_out)


def find_in_keyring(provider_name: str) -> str | None:
    """The password that the ``keyring`` package, if installed, holds for service ``glm_magics``; never an error."""
    try:
        import keyring
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password("glm_magics", provider_name)
    except Exception:  # a locked or absent key store is no reason to stop
        return None
    return found
