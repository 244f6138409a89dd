"""Tools that run at the vendor's: web search, knowledge bases, MCP servers that it reaches itself.

Source of the shapes: the vendor's chat reference. One kind takes effect in a request (its page on function calling), so two at
once are refused here. Only text models take them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .catalog import find_model
from .errors import ModelError, OptionError, one_line
from .options import Options
from .providers import Provider

_LABEL = re.compile(r"[\w-]{1,64}")


def _web_search(options: Options, provider: Provider) -> list[dict[str, Any]]:
    inner = {"enable": True, "search_engine": provider.search_engine, "search_result": True}
    return [{"type": "web_search", "web_search": inner}]


def _retrieval(options: Options, provider: Provider) -> list[dict[str, Any]]:
    return [{"type": "retrieval", "retrieval": {"knowledge_id": options.knowledge}}]


def _mcp(options: Options, provider: Provider) -> list[dict[str, Any]]:
    return [{"type": "mcp", "mcp": _server(given)} for given in options.server_mcp]


def _server(given: Any) -> dict[str, Any]:
    """``label=https://…``, or in Python a dict with the reference's own fields.

    Raises:
        OptionError: it is neither.
    """
    if isinstance(given, Mapping):
        server = {str(name): value for name, value in given.items()}
    else:
        label, _, url = str(given).partition("=")
        server = {"server_label": label, "server_url": url, "transport_type": "streamable-http"}
    label, url = str(server.get("server_label", "")), str(server.get("server_url", ""))
    if not _LABEL.fullmatch(label) or not url.startswith(("http://", "https://")):
        raise OptionError(f"--server-mcp cannot read `{one_line(str(given), 60)}`.", "Write it `label=https://…`.")
    if "@" in url.split("/")[2]:
        raise OptionError("The server's address carries a password, which would be saved with the notebook.", "Leave it out.")
    return server


KINDS: Mapping[str, Callable[[Options, Provider], list[dict[str, Any]]]] = {
    "web_search": _web_search,
    "knowledge": _retrieval,
    "server_mcp": _mcp,
}
"""By option."""


def server_tools(options: Options, model: str, provider: Provider) -> list[dict[str, Any]]:
    """The tools of a request that run at the vendor's; none where no option asks for any.

    Raises:
        OptionError: two kinds at once, or a server of one's own, which has none.
        ModelError: the model takes none.
    """
    asked = [name for name in KINDS if getattr(options, name)]
    if not asked:
        return []
    words = [f"--{name.replace('_', '-')}" for name in asked]
    if len(asked) > 1 or options.tools or options.mcp:
        named = [*words, *(["--tools"] if options.tools else []), *(["--mcp"] if options.mcp else [])]
        raise OptionError(f"Of {' and '.join(named)} only one takes effect in a request.", "Choose one.")
    if provider.is_self_hosted:
        raise OptionError(f"{words[0]} runs at the vendor's; {provider.name} has no such thing.", "Leave it away.")
    row = find_model(model)
    if row is not None and row.kind != "chat":
        raise ModelError(f"{row.id} takes no {words[0]}.", "Choose a text model, e.g. glm-4.7.")
    return KINDS[asked[0]](options, provider)
