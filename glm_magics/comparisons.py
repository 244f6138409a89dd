"""One question and the answers of several models, as a value; and answers side by side, as Markdown for every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from .errors import GLMError, InputError, MissingExtraError, one_line
from .markdown import make_safe, strip_controls
from .replies import Reply

_MOST_IN_ROW = 3
_CELL = '<td valign="top" width="{percent}%" style="text-align:left;vertical-align:top;overflow-wrap:anywhere">'
_TABLE = '<table width="100%" style="table-layout:fixed;width:100%">'


class Comparison(Sequence[Reply]):
    """The answers of several models, in the order in which the models were named.

    ``comparison[0]`` and ``comparison["glm-4.6"]`` give a `Reply`; of a model that failed, one with whatever had come.

    Args:
        replies: by name of the model, as it is shown; with its connection where that is another.
        errors: of the models that failed, by the same names.
    """

    def __init__(self, replies: Mapping[str, Reply], errors: Mapping[str, GLMError]) -> None:
        self._replies = dict(replies)
        self.errors = dict(errors)
        self.is_on_display = False

    @property
    def models(self) -> list[str]:
        """The names."""
        return list(self._replies)

    @overload
    def __getitem__(self, key: int | str) -> Reply: ...
    @overload
    def __getitem__(self, key: slice) -> list[Reply]: ...
    def __getitem__(self, key: int | str | slice) -> Reply | list[Reply]:
        """A reply by place or name.

        Raises:
            InputError: there is no such model.
        """
        if not isinstance(key, str):
            return list(self._replies.values())[key]
        found = [name for name in self._replies if key == name] or [
            name for name, reply in self._replies.items() if key in (name.rpartition(":")[2], reply.model)
        ]
        if not found:
            raise InputError(f"There is no `{one_line(key, 60)}` in the comparison.", f"There are: {', '.join(self.models)}.")
        return self._replies[found[0]]

    def __len__(self) -> int:
        return len(self._replies)

    def to_frame(self) -> Any:
        """A DataFrame, a row a model: text, thinking, tokens, cost and its currency, times in seconds, ending, error.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise MissingExtraError.naming("tables", "A DataFrame needs pandas.") from None
        return pd.DataFrame([self._row(name) for name in self._replies])

    def _row(self, name: str) -> dict[str, object]:
        reply = self._replies[name]
        usage, cost, error = reply.usage, reply.cost, self.errors.get(name)
        return {
            "model": name,
            "text": reply.text,
            "thinking": reply.thinking,
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "thinking_tokens": usage.thinking_tokens if usage else None,
            "answer_tokens": usage.answer_tokens if usage else None,
            "cost": cost.amount if cost else None,
            "currency": cost.currency if cost else "",
            "first_token_s": reply.first_token_s,
            "elapsed_s": reply.elapsed_s,
            "ending": reply.ending or ("failed" if error and not reply.text else "complete"),
            "error": str(error) if error else "",
        }

    def __repr__(self) -> str:
        return f"Comparison of {', '.join(self.models)}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        said = {name: reply.text or str(self.errors.get(name, "")) for name, reply in self._replies.items()}
        plain = "\n\n".join(f"{name}\n{strip_controls(text)}" for name, text in said.items())
        return {"text/plain": plain, "text/markdown": side_by_side({name: make_safe(text) for name, text in said.items()})}

    def _ipython_display_(self) -> None:
        """Shown already by the cell that asked: say nothing twice. NotImplementedError means "show as usual"."""
        if not self.is_on_display:
            raise NotImplementedError


def side_by_side(columns: Mapping[str, str]) -> str:
    """Safe Markdown texts beside each other under their names: a table of HTML with Markdown in its cells.

    Blank lines end the HTML, as CommonMark has it, so that what is between is Markdown to every page; three in a row at most.
    """
    names = list(columns)
    n_in_row = len(names) if len(names) <= _MOST_IN_ROW else 2 if len(names) == 4 else _MOST_IN_ROW
    cell = _CELL.format(percent=100 // max(1, n_in_row))
    lines = [_TABLE]
    for start in range(0, len(names), n_in_row):
        lines.append("<tr>")
        for name in names[start : start + n_in_row]:
            lines.append(f"{cell}\n\n**{make_safe(one_line(name, 80))}**\n\n{columns[name].strip(chr(10))}\n\n</td>")
        lines.append("</tr>")
    return "\n".join([*lines, "</table>"]) + "\n"
