"""``%glm_connect`` and ``%glm_models``: who answers, and what can be called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

from IPython.core.magic import Magics, magics_class, no_var_expand

from ..catalog import Model, models
from ..errors import OptionError
from ..options import nearest
from ..providers import SERVER_KINDS, Connection
from ..session import Session
from .arguments import split_words
from .conversing import SPANS, run_command, run_mcp


class ModelTable(Sequence[Mapping[str, object]]):
    """The catalogue as rows; shows itself as a table. ``.to_frame()`` needs pandas.

    No list: IPython prints lists its own way, whatever they say of themselves.
    """

    def __init__(self, rows: Iterable[Mapping[str, object]]) -> None:
        self._rows = list(rows)

    @overload
    def __getitem__(self, index: int) -> Mapping[str, object]: ...
    @overload
    def __getitem__(self, index: slice) -> ModelTable: ...
    def __getitem__(self, index: int | slice) -> Mapping[str, object] | ModelTable:
        return ModelTable(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return self._repr_mimebundle_()["text/plain"]

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a model.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            from ..errors import MissingExtraError

            raise MissingExtraError.naming("tables", "A DataFrame needs pandas.") from None
        return pd.DataFrame(list(self)).set_index("id").convert_dtypes()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        if not self:
            return {"text/plain": "No model matches."}
        heads = list(self[0])
        rows = [["–" if row[head] is None else str(row[head]) for head in heads] for row in self]
        widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
        plain = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]
        )
        lines = [heads, ["---"] * len(heads), *rows]
        return {"text/plain": plain, "text/markdown": "\n".join(f"| {' | '.join(line)} |" for line in lines)}


def model_table(pattern: str = "") -> ModelTable:
    """The rows whose id, family, kind, inputs or platforms contain every word of `pattern`."""
    words = pattern.lower().split()
    return ModelTable(_summary(row) for row in models().values() if all(word in _haystack(row) for word in words))


def _haystack(row: Model) -> str:
    return " ".join((row.id, row.family.lower(), row.kind, *row.inputs, *row.platforms))


def _summary(row: Model) -> Mapping[str, object]:
    price = row.price or {}
    has_price = price.get("unit") == "1M tokens" and price.get("input") is not None
    return {
        "id": row.id,
        "kind": row.kind,
        "takes": ", ".join(row.inputs),
        "gives": ", ".join(row.outputs),
        "context": row.context_tokens,
        "max output": row.max_output_tokens,
        "thinking": row.thinking,
        "tools": None if row.tools is None else "yes" if row.tools else "no",
        "in per 1M": price["input"] if has_price else None,
        "out per 1M": price["output"] if has_price else None,
        "currency": price["currency"] if has_price else None,
        "platforms": ", ".join(row.platforms),
    }


class ConnectionCard:
    """A connection in words: who, where, whose key; never the key."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __repr__(self) -> str:
        return str(self.connection)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        provider = self.connection.provider
        text = f"**{provider.name}** answers, at `{provider.base_url}` · key: {self.connection.key_source}"
        return {"text/plain": repr(self), "text/markdown": text}


@magics_class
class AdminMagics(Magics):
    """Holds the session."""

    def __init__(self, shell: Any, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    def glm_connect(self, line: str) -> ConnectionCard:
        """Who answers, and where the key comes from; with a name or URL: choose.

            %glm_connect                               show it
            %glm_connect zai | bigmodel                the vendor's platforms
            %glm_connect coding | coding-bigmodel      their endpoints for coding plans
            %glm_connect sandbox                       the embedded server, offline, no language model
            %glm_connect http://localhost:8000/v1      your own: vLLM, SGLang, Ollama, transformers serve, LiteLLM
            %glm_connect URL --kind ollama             where the port does not tell (vllm, sglang, ollama, transformers, litellm)

        Keys are looked for in %config GLM.api_key, in ZAI_API_KEY and ZHIPUAI_API_KEY (GLM_API_KEY for a URL), in the system's
        key store if the `keyring` package is installed (service "glm_magics", the provider's name as user).
        GLM_PROVIDER or GLM_BASE_URL in the environment choose beforehand. The key itself is never shown.
        """
        words = split_words(line)
        if not words:
            return ConnectionCard(self._session.connection)
        choice, *rest = words
        kind = ""
        if rest:
            if len(rest) != 2 or rest[0] != "--kind":
                raise OptionError(f"`{' '.join(rest)}` is not understood.", "Write `%glm_connect NAME-or-URL [--kind KIND]`.")
            kind = rest[1]
            if kind not in SERVER_KINDS:
                raise OptionError(f"`{kind}` is no kind of server.", nearest(kind, list(SERVER_KINDS)))
        return ConnectionCard(self._session.connect(choice, kind=kind))

    def glm_usage(self, line: str) -> Any:
        """What was spent: a table by model and a plot.

            %glm_usage                  this notebook
            %glm_usage cell             the last cell that asked something
            %glm_usage today | month    on this machine; `all` is everything

        The result has .to_frame() (one row a call), .calls and .costs. Prices are those of the vendor's pages, in the currency
        of the platform that was asked; where none is known there is none. `--budget` and %config GLM.session_budget set limits.
        Counts are kept in a local file, no word of what was said; %config GLM.ledger = False goes without it.
        """
        words = split_words(line)
        if len(words) > 1:
            raise OptionError(f"`{' '.join(words[1:])}` is not understood.", f"Write `%glm_usage` and one of {', '.join(SPANS)}.")
        return self._session.books.spending(words[0] if words else "notebook")

    @no_var_expand
    def glm_mcp(self, line: str) -> Any:
        """MCP servers, whose tools ``%%glm --mcp NAME`` offers to the model.

            %glm_mcp                               the servers and their tools
            %glm_mcp add time mcp-server-time      starts a command and speaks with it
            %glm_mcp add shop --env SHOP_KEY shop-server --verbose
            %glm_mcp add wiki https://…/mcp        over streamable HTTP
            %glm_mcp add wiki --header "Authorization: Bearer $WIKI_KEY" https://…/mcp
            %glm_mcp remove time                   ends it

        A command sees only the usual environment variables and those that --env names. The value of a --header names an
        environment variable, read when the server is connected: no key is typed into a cell. Servers end with the kernel.
        """
        return run_mcp(self._session, line)

    @no_var_expand
    def glm_chat(self, line: str) -> Any:
        """The chats that `%%glm -c NAME` has begun.

            %glm_chat                           list them
            %glm_chat show NAME                 read one
            %glm_chat undo NAME [N]             take the last turn back, or the last N
            %glm_chat edit NAME N new words     ask turn N again in other words; its pictures stay, later turns go
            %glm_chat fork NAME NEW [N]         the same as NEW, as far as turn N
            %glm_chat trim NAME N               keep the last N turns alone
            %glm_chat reset NAME                forget it here
            %glm_chat export NAME FILE          to FILE.md or FILE.json, pictures and thinking included
            %glm_chat import FILE [NAME]        from such a file
            %glm_chat save NAME                 onto this machine's disk, and from then on every turn
            %glm_chat resume NAME               go on with a saved one, e.g. after a restart of the kernel
            %glm_chat delete NAME               remove a saved one from the disk

        A name with spaces needs quotes. A stopped answer is a turn like any other: ask to go on. Thinking is kept, and goes back
        to the model while tools are at work; with --keep-thinking in later turns too.
        """
        return run_command(self._session, line)

    def glm_models(self, line: str) -> Any:
        """The models of the vendor's pages and what each takes; words filter: ``%glm_models vision zai``.

        Gives a DataFrame where pandas is installed, else a plain table with the same rows.
        """
        table = model_table(line)
        try:
            import pandas  # noqa: F401
        except ImportError:
            return table
        return table.to_frame() if table else table
