"""Where the provider and the key come from."""

from __future__ import annotations

import sys
import types

import pytest
from traitlets import TraitError

from glm_magics.errors import InputError, NoProviderError
from glm_magics.providers import PROVIDERS, Connection, Secret, sandbox_provider
from glm_magics.settings import GLM, Environment, find_connection, find_in_keyring

LOCAL = "http://localhost:8000/v1"


def start_sandbox() -> Connection:
    return Connection(sandbox_provider("http://127.0.0.1:1/api/paas/v4"), Secret("sandbox.key"), "its own")


def find(environment=None, *, config=None, keyring=None, **explicit) -> Connection:
    settings = GLM()
    for name, value in (config or {}).items():
        setattr(settings, name, value)
    return find_connection(settings, environment or {}, start_sandbox, lambda name: (keyring or {}).get(name), **explicit)


ZAI, ZHIPU = {"ZAI_API_KEY": "zai.env"}, {"ZHIPUAI_API_KEY": "zhipu.env"}


@pytest.mark.parametrize(
    ("sources", "name", "key"),
    [
        pytest.param({"environment": ZAI}, "zai", "zai.env", id="zai-in-the-environment"),
        pytest.param({"environment": ZHIPU}, "bigmodel", "zhipu.env", id="zhipu-in-the-environment"),
        pytest.param({"environment": ZAI | ZHIPU}, "zai", "zai.env", id="both"),
        pytest.param({"environment": {"ZAI_API_KEY": " "} | ZHIPU}, "bigmodel", "zhipu.env", id="blank-variable"),
        pytest.param({"environment": ZAI | ZHIPU, "choice": "bigmodel"}, "bigmodel", "zhipu.env", id="explicit-provider"),
        pytest.param({"environment": ZAI, "choice": " ZAI "}, "zai", "zai.env", id="spelling"),
        pytest.param({"environment": ZAI, "choice": "coding"}, "coding", "zai.env", id="coding"),
        pytest.param({"environment": ZAI, "choice": "zai", "key": Secret("given")}, "zai", "given", id="explicit-key"),
        pytest.param({"environment": ZAI, "config": {"api_key": "cfg"}}, "zai", "cfg", id="config-before-environment"),
        pytest.param({"config": {"api_key": "cfg", "provider": "bigmodel"}}, "bigmodel", "cfg", id="config-alone"),
        pytest.param(
            {"config": {"api_key": "cfg"}, "key": Secret("given"), "choice": "zai"}, "zai", "given", id="explicit-before-config"
        ),
        pytest.param({"environment": ZAI, "config": {"provider": "sandbox"}}, "sandbox", "sandbox.key", id="config-provider"),
        pytest.param({"environment": ZAI | {"GLM_PROVIDER": "sandbox"}}, "sandbox", "sandbox.key", id="environment-provider"),
        pytest.param(
            {"environment": {"GLM_PROVIDER": "sandbox"}, "config": {"provider": LOCAL}},
            "vllm",
            None,
            id="config-before-GLM_PROVIDER",
        ),
        pytest.param({"keyring": {"zai": "ring"}}, "zai", "ring", id="keyring"),
        pytest.param({"keyring": {"bigmodel": "ring"}}, "bigmodel", "ring", id="keyring-bigmodel"),
        pytest.param({"keyring": {"zai": "ring"}, "environment": ZAI}, "zai", "zai.env", id="environment-before-keyring"),
        pytest.param({"environment": {"GLM_BASE_URL": LOCAL}}, "vllm", None, id="url"),
        pytest.param({"environment": {"GLM_BASE_URL": LOCAL, "GLM_API_KEY": "own"}}, "vllm", "own", id="url-and-key"),
        pytest.param({"environment": ZAI | {"GLM_BASE_URL": LOCAL}}, "vllm", None, id="the-vendor's-key-stays-home"),
        pytest.param(
            {"environment": {"GLM_BASE_URL": "https://api.z.ai/api/paas/v4/", "GLM_API_KEY": "own"}},
            "zai",
            "own",
            id="url-of-the-vendor",
        ),
        pytest.param(
            {"environment": {"GLM_API_KEY": "own"} | ZAI, "choice": "zai"}, "zai", "zai.env", id="GLM_API_KEY-is-not-for-zai"
        ),
        pytest.param({"environment": {"GLM_API_KEY": "own"}, "choice": LOCAL}, "vllm", "own", id="chosen-url-and-key"),
        pytest.param({"config": {"api_key": "cfg"}, "choice": LOCAL}, "vllm", "cfg", id="config-key-set-alone"),
        pytest.param(
            {"config": {"api_key": "cfg", "provider": "zai"}, "choice": LOCAL},
            "vllm",
            None,
            id="config-key-stays-with-its-provider",
        ),
        pytest.param({"environment": {"ZAI_API_KEY": "zai.env\n"}}, "zai", "zai.env", id="line-break-behind-the-key"),
    ],
)
def test_precedence(sources, name: str, key: str | None) -> None:
    """Explicit, then %config, then environment, then key store; and no key goes to a server that it was not meant for."""
    connection = find(**sources)
    assert connection.provider.name == name
    assert (connection.key.reveal() if connection.key else None) == key


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        pytest.param({}, "nobody to ask yet", id="nothing"),
        pytest.param({"choice": "zai"}, "no key for zai", id="no-key"),
        pytest.param({"environment": ZAI, "choice": "bigmodel"}, "no key for bigmodel", id="the-other-platform's-key"),
        pytest.param({"config": {"api_key": "cfg"}}, "not whose it is", id="key-without-a-provider"),
    ],
)
def test_nobody_to_ask(sources, said: str) -> None:
    """One message with the ways forward; nothing is faked."""
    with pytest.raises(NoProviderError) as caught:
        find(**sources)
    assert said in caught.value.message
    assert caught.value.way_out


def test_the_three_ways_forward_are_named() -> None:
    """Key, own server, sandbox."""
    with pytest.raises(NoProviderError, match=r"ZAI_API_KEY.*ZHIPUAI_API_KEY.*http://localhost:8000/v1.*sandbox"):
        find()


@pytest.mark.parametrize(
    ("choice", "said"),
    [("bigmodle", "`bigmodel`"), ("sandbx", "`sandbox`"), ("nowhere", "zai, bigmodel"), ("http://[", "Write it like")],
)
def test_a_wrong_choice_names_the_nearest(choice: str, said: str) -> None:
    """A slip in `%glm_connect`."""
    with pytest.raises(InputError) as caught:
        find(choice=choice)
    assert said in str(caught.value)


def test_where_the_key_comes_from_is_said_in_words() -> None:
    """The source, never the key."""
    assert find(ZAI).key_source == "environment variable ZAI_API_KEY"
    assert find(choice=LOCAL).key_source == "no key"
    assert "zai.env" not in repr(find(ZAI))


def test_the_key_in_the_settings_is_not_shown() -> None:
    """Neither the trait, nor `%config`'s help, nor the record of what was configured, nor an error shows it."""
    from traitlets.config import Config

    settings = GLM()
    settings.update_config(Config({"GLM": {"api_key": "an.S3cret", "text_model": "glm-4.6"}}))
    assert settings.api_key.reveal() == "an.S3cret"
    assert settings.text_model == "glm-4.6"
    shown = [repr(settings.api_key), repr(settings.config), GLM.class_get_help(settings), repr(settings.trait_values())]
    assert not any("S3cret" in text for text in shown)
    with pytest.raises(TraitError) as caught:
        settings.api_key = "an.S3crét"
    assert "S3cr" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [("timeout", 0.0), ("timeout", float("inf")), ("max_retries", -1), ("retry_wait", -1.0), ("api_key", 5)]
)
def test_senseless_settings_are_refused(name: str, value: object) -> None:
    """When they are set, not at the next request."""
    with pytest.raises(TraitError):
        setattr(GLM(), name, value)


def test_the_environment_is_read_live_and_shows_nothing(monkeypatch) -> None:
    """A variable set later counts; a repr or a traceback with local variables holds no value."""
    environment = Environment()
    monkeypatch.setenv("ZAI_API_KEY", "an.S3cret")
    assert environment.get("ZAI_API_KEY") == "an.S3cret"
    assert dict(Environment({"A": "b"})) == {"A": "b"}
    assert "S3cret" not in repr(environment) + repr(vars(environment))


def test_every_setting_explains_itself() -> None:
    """`%config GLM` shows a sentence for each."""
    for name, trait in GLM.class_own_traits(config=True).items():
        assert trait.help.endswith("."), name


@pytest.mark.parametrize(
    ("get_password", "found"),
    [
        pytest.param(lambda service, user: f"{service}/{user}", "glm_magics/zai", id="found"),
        pytest.param(lambda service, user: None, None, id="not-there"),
        pytest.param(lambda service, user: 1 / 0, None, id="locked"),
    ],
)
def test_the_key_store_is_asked_and_never_in_the_way(monkeypatch, get_password, found) -> None:
    """Service and user are as documented; a store that fails counts as empty."""
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=get_password))
    assert find_in_keyring("zai") == found


def test_no_key_store_installed(monkeypatch) -> None:
    """The package is optional."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert find_in_keyring("zai") is None


def test_every_platform_is_a_choice() -> None:
    """Each name in the table can be connected to, given its key."""
    for name, row in PROVIDERS.items():
        assert find({row.key_variables[0]: "k"}, choice=name).provider is row


def test_key_beside_a_url_goes_to_no_other_server() -> None:
    """GLM_API_KEY belongs to GLM_BASE_URL; without one it serves whatever URL is chosen."""
    beside = {"GLM_BASE_URL": "http://mine.lab:8000/v1", "GLM_API_KEY": "a.b"}
    for choice, environment, has_key in (
        ("http://other.example:8000/v1", beside, False),
        ("http://mine.lab:8000/v1", beside, True),
        ("http://other.example:8000/v1", {"GLM_API_KEY": "a.b"}, True),
    ):
        found = find_connection(GLM(), environment, lambda: pytest.fail("no sandbox"), lambda name: None, choice)
        assert (found.key is not None) == has_key, (choice, environment)
