"""Who can answer, what differs, and a key that shows itself nowhere."""

from __future__ import annotations

import copy
import pickle

import pytest

from glm_magics.errors import InputError
from glm_magics.providers import PROVIDERS, Connection, Secret, sandbox_provider, server_provider

KEY = "an-id.aS3cret"


@pytest.mark.parametrize(
    ("url", "base_url", "name"),
    [
        pytest.param("http://localhost:8000/v1", "http://localhost:8000/v1", "vllm", id="vllm"),
        pytest.param("http://localhost:8000", "http://localhost:8000/v1", "vllm", id="no-path"),
        pytest.param("http://localhost:8000/v1/", "http://localhost:8000/v1", "vllm", id="trailing-slash"),
        pytest.param("localhost:11434", "http://localhost:11434/v1", "ollama", id="no-scheme"),
        pytest.param("http://127.0.0.1:30000", "http://127.0.0.1:30000/v1", "sglang", id="sglang"),
        pytest.param("http://gateway:4000/api", "http://gateway:4000/api", "litellm", id="litellm"),
        pytest.param("https://host.example/v1", "https://host.example/v1", "vllm", id="no-port"),
        pytest.param("http://[::1]:8000", "http://[::1]:8000/v1", "vllm", id="ipv6"),
        pytest.param(" http://localhost:8000/v1 ", "http://localhost:8000/v1", "vllm", id="spaces-around"),
        pytest.param("http://localhost:8000/v1/chat/completions", "http://localhost:8000/v1", "vllm", id="whole-endpoint"),
        pytest.param("https://api.z.ai/api/paas/v4/", PROVIDERS["zai"].base_url, "zai", id="vendor"),
        pytest.param("HTTPS://API.Z.AI/api/paas/v4", PROVIDERS["zai"].base_url, "zai", id="vendor-upper-case"),
        pytest.param("https://api.z.ai/api/coding/paas/v4", PROVIDERS["coding"].base_url, "coding", id="vendor-coding"),
        pytest.param("z.ai", PROVIDERS["zai"].base_url, "zai", id="vendor-bare-host"),
        pytest.param("https://open.bigmodel.cn", PROVIDERS["bigmodel"].base_url, "bigmodel", id="vendor-no-path"),
        pytest.param("bigmodel.cn", PROVIDERS["bigmodel"].base_url, "bigmodel", id="vendor-short-host"),
    ],
)
def test_addresses_become_providers(url: str, base_url: str, name: str) -> None:
    """What people paste is understood; a vendor's own address gets the vendor's row."""
    provider = server_provider(url)
    assert (provider.base_url, provider.name) == (base_url, name)
    assert provider.is_self_hosted == (name not in PROVIDERS)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://", id="no-host"),
        pytest.param("http://localhost:port", id="port-in-words"),
        pytest.param("http://localhost:99999", id="port-out-of-range"),
        pytest.param("http://[::1", id="open-bracket"),
        pytest.param("ftp://localhost", id="ftp"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("javascript:alert(1)", id="javascript"),
        pytest.param("http://exa mple.org", id="space"),
        pytest.param("http://exa\tmple.org/\x00", id="control"),
        pytest.param("http://üser@host", id="user"),
        pytest.param(f"http://user:{KEY}@host/v1", id="password"),
        pytest.param(f"http://host/v1?key={KEY}", id="parameters"),
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(url: str) -> None:
    """No odd URL gets as far as the HTTP library; what might be a key is not repeated."""
    with pytest.raises(InputError) as caught:
        server_provider(url)
    assert caught.value.way_out
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "on", "off"),
    [
        ("vllm", {"chat_template_kwargs": {"enable_thinking": True}}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("sglang", {"chat_template_kwargs": {"enable_thinking": True}}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("ollama", {}, {"reasoning_effort": "none"}),
        ("transformers", {}, {}),
        ("litellm", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
    ],
)
def test_self_hosted_differences_are_rows(kind: str, on: dict, off: dict) -> None:
    """Each server has its own way to switch thinking; all want data: URIs, usage asked for, and no key of the vendor."""
    provider = server_provider("http://gpu:1234/v1", kind)
    assert (provider.think(True), provider.think(False)) == (on, off)
    assert provider.image_form == "data_uri"
    assert provider.extra_stream_fields == {"stream_options": {"include_usage": True}}
    assert not provider.needs_key
    assert provider.key_variables == ("GLM_API_KEY",)


def test_an_unknown_kind_is_refused() -> None:
    """With the list of those there are."""
    with pytest.raises(InputError, match="vllm, sglang"):
        server_provider("http://gpu:1234", "llamacpp")


@pytest.mark.parametrize(
    "provider", [*PROVIDERS.values(), sandbox_provider("http://127.0.0.1:1/api/paas/v4")], ids=lambda row: row.name
)
def test_vendor_platforms(provider) -> None:
    """Bare base64, the vendor's thinking switch, nothing extra in a stream, a key needed."""
    assert provider.image_form == "base64"
    assert provider.think(False) == {"thinking": {"type": "disabled"}}
    assert provider.extra_stream_fields == {}
    assert provider.needs_key
    assert provider.base_url.endswith("/v4")
    assert provider.host in provider.base_url


def test_a_secret_shows_itself_nowhere() -> None:
    """Not in repr, str, format, a container, a connection, a pickle, a copy's repr or its attributes."""
    secret = Secret(f" {KEY}\n")
    connection = Connection(PROVIDERS["zai"], secret, "somewhere")
    shown = [
        repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr([secret]), repr({"k": secret}), repr(connection),
        pickle.dumps(secret), pickle.dumps(connection, 0), repr(copy.deepcopy(connection)), repr(getattr(secret, "__dict__", "")),
    ]  # fmt: skip
    assert not any("S3cret" in str(text) for text in shown)
    assert secret.reveal() == KEY
    assert secret == Secret(KEY) != Secret("other")
    assert hash(secret) == hash(Secret(KEY))


def test_a_copied_connection_still_has_its_key() -> None:
    """Copying in memory writes no file: the key stays."""
    assert copy.deepcopy(Connection(PROVIDERS["zai"], Secret(KEY))).key == Secret(KEY)
    assert copy.copy(Secret(KEY)) == Secret(KEY)


@pytest.mark.parametrize("value", ["a\nb", "ключ", "a b", "a\x00", "a\u200b"])
def test_a_key_with_impossible_letters_is_refused_unseen(value: str) -> None:
    """Before an HTTP library quotes the header in its complaint."""
    with pytest.raises(InputError) as caught:
        Secret(value)
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_blank_key_is_no_key(value: str) -> None:
    """An empty variable counts as not set."""
    assert not Secret(value)
