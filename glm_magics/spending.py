"""What was spent, for people: the calls of the ledger as a table by model, as a DataFrame and as a plot."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import PurePath
from typing import Any

from .errors import MissingExtraError, one_line
from .frontends import is_terminal
from .grammar import plural
from .ledger import CallRecord, Span
from .markdown import make_safe
from .money import Cost, add_up

_TITLES: Mapping[Span, str] = {
    "cell": "the last cell that asked",
    "notebook": "this notebook",
    "today": "today",
    "month": "this month",
    "all": "all calls",
}


@dataclass(frozen=True, slots=True)
class Spending:
    """The calls of a span; shows itself as a table and a plot.

    Attributes:
        span: ``cell``, ``notebook``, ``today``, ``month`` or ``all``.
        calls: one record each, oldest first.
    """

    span: Span
    calls: Sequence[CallRecord]

    @property
    def costs(self) -> dict[str, float]:
        """The sum in each currency, of the calls whose price is known."""
        return add_up(Cost(call.cost, call.currency) for call in self.calls if call.cost is not None)

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a call, by time.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise MissingExtraError.naming("tables", "A DataFrame needs pandas.") from None
        names = list(CallRecord.__dataclass_fields__)
        frame = pd.DataFrame([asdict(call) for call in self.calls], columns=names)
        frame["at"] = pd.to_datetime(frame["at"], utc=True)
        frame["notebook"] = [PurePath(call.notebook).name for call in self.calls]
        frame["cost"] = frame["cost"].astype("float64")
        return frame.set_index("at")

    def plot(self) -> Any:
        """A matplotlib Figure: cost by day (by call within a day) and model; tokens where no price is known."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 2.6), layout="constrained")
        axes = figure.add_subplot()
        currencies = sorted(self.costs, key=lambda currency: self.costs[currency])
        currency = currencies[-1] if currencies and self.costs[currencies[-1]] else ""
        places = list(dict.fromkeys(self._place(call) for call in self.calls))
        floor = dict.fromkeys(places, 0.0)
        for model in dict.fromkeys(call.model for call in self.calls):
            heights = dict.fromkeys(places, 0.0)
            for call in self.calls:
                if call.model == model:
                    heights[self._place(call)] += _height(call, currency)
            bottom = [floor[place] for place in places]
            axes.bar(places, list(heights.values()), bottom=bottom, label=one_line(model, 40).replace("$", r"\$"), width=0.8)
            floor = {place: floor[place] + heights[place] for place in places}
        axes.set_ylabel(currency or "tokens")
        axes.set_title(_TITLES[self.span], loc="left", fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="x", labelrotation=45 if len(places) > 8 else 0)
        axes.set_xticks(places[:: 1 + len(places) // 16])
        figure.legend(loc="outside right upper", frameon=False, fontsize="small")
        return figure

    def _place(self, call: CallRecord) -> str:
        """The bar that a call belongs to: its cell, hour or day."""
        if self.span in ("cell", "notebook"):
            return f"[{call.cell}]" if call.cell else "calls"
        at = datetime.fromisoformat(call.at)
        return at.strftime("%H h" if self.span == "today" else "%Y-%m-%d")

    def __repr__(self) -> str:
        return self._lines()[0]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        plain, markdown = self._lines()
        return {"text/plain": plain, "text/markdown": make_safe(markdown)}

    def _ipython_display_(self) -> None:
        from IPython import get_ipython
        from IPython.display import publish_display_data

        publish_display_data(self._repr_mimebundle_())
        if self.calls and not is_terminal(get_ipython()):
            buffer = BytesIO()
            self.plot().savefig(buffer, format="png", dpi=110)
            image = {"image/png": b64encode(buffer.getvalue()).decode(), "text/plain": "a plot of what was spent"}
            publish_display_data(image)

    def _lines(self) -> tuple[str, str]:
        """As plain text and as Markdown."""
        title = f"{_TITLES[self.span]}: {plural(len(self.calls), 'call')}"
        if not self.calls:
            return title, title
        heads = ["model", "calls", "in", "cached", "out", "thinking", "cost"]
        rows = [_row(model, [call for call in self.calls if call.model == model]) for model in self._models()]
        rows.append(_row("together", self.calls))
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        plain = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in [heads, *rows]]
        rule = ["---", *["--:"] * (len(heads) - 1)]
        cells = [[cell.replace("|", "\\|").replace("$", "\\$") for cell in row] for row in [heads, rule, *rows]]
        table = "\n".join(f"| {' | '.join(row)} |" for row in cells)
        return "\n".join([title, *plain]), f"**{title}**\n\n{table}\n"

    def _models(self) -> list[str]:
        return list(dict.fromkeys(call.model for call in self.calls))


def _row(name: str, calls: Sequence[CallRecord]) -> list[str]:
    counts = [
        sum(getattr(call, field) for call in calls)
        for field in ("prompt_tokens", "cached_tokens", "completion_tokens", "thinking_tokens")
    ]
    costs = [Cost(call.cost, call.currency, call.is_estimate) for call in calls if call.cost is not None]
    is_estimate = any(cost.is_estimate for cost in costs)
    words = [str(Cost(amount, currency, is_estimate)) for currency, amount in add_up(costs).items()]
    unknown = len(calls) - len(costs)
    if unknown:
        words.append(f"{unknown} without a price" if words else "no price")
    return [one_line(name, 60), str(len(calls)), *(f"{count:,}" for count in counts), ", ".join(words)]


def _height(call: CallRecord, currency: str) -> float:
    if not currency:
        return float(call.prompt_tokens + call.completion_tokens)
    return call.cost or 0.0 if call.currency == currency else 0.0
