"""The GLM models as rows: what each takes, gives, costs and allows.

The rows are read from ``catalog.json`` beside this file (collected from the vendor's pages; each row names its sources).
Adding a model is adding a row there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the vendor's pages.

    Attributes:
        id: the wire name, lower case, e.g. ``glm-4.6v``.
        family: the series, e.g. ``GLM-4.6V``.
        kind: ``chat``, ``vision``, ``voice``, ``embedding`` or ``realtime``.
        inputs: what a message may hold: ``text``, ``image``, ``video``, ``file``, ``audio``.
        outputs: ``text``, ``audio`` or ``vector``.
        context_tokens: input and output together, in tokens ("K" read as 1000); None where not documented.
        max_output_tokens: the largest ``max_tokens``; None where not documented.
        default_max_tokens: what the vendor takes when none is given; None where not documented.
        thinking: ``switchable``, ``always`` or ``none``.
        tools, structured_output, streaming: supported or not; None where not documented.
        price: ``{currency, unit, input, output, cached_input, source}`` or None.
        limits: numbers such as ``images_per_request``, ``image_max_mb``; whatever the page states.
        platforms: which of ``bigmodel`` and ``zai`` document the model.
        concurrency: requests in flight that each tier of users is allowed, ``V0`` and up, or None.
        hub: names under which the open weights are published.
        status, notes: the vendor's remarks.
    """

    id: str
    family: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    context_tokens: int | None
    max_output_tokens: int | None
    default_max_tokens: int | None
    thinking: str
    tools: bool | None
    structured_output: bool | None
    streaming: bool | None
    price: Mapping[str, Any] | None
    limits: Mapping[str, Any]
    platforms: tuple[str, ...]
    hub: tuple[str, ...]
    concurrency: Mapping[str, Any] | None
    status: str | None
    notes: str | None

    @property
    def most_in_flight(self) -> int | None:
        """Requests in flight that the highest tier of users is allowed; None where not documented."""
        return max((n for n in (self.concurrency or {}).values() if isinstance(n, int)), default=None)

    @property
    def can_chat(self) -> bool:
        """True when the model answers at ``/chat/completions``."""
        return self.kind in ("chat", "vision", "voice")


def _row(raw: Mapping[str, Any]) -> Model:
    plain = {name: raw[name] for name in Model.__slots__ if name not in ("inputs", "outputs", "platforms", "hub", "limits")}
    return Model(
        **plain,
        inputs=tuple(raw["inputs"]),
        outputs=tuple(raw["outputs"]),
        platforms=tuple(raw["platforms"]),
        hub=tuple(raw["hub"] or ()),
        limits=raw["limits"] or {},
    )


@cache
def models() -> Mapping[str, Model]:
    """All rows by id, in the catalogue's order."""
    text = Path(__file__).with_name("catalog.json").read_text(encoding="utf-8")  # `importlib.resources` loads five modules more
    rows = [_row(raw) for raw in json.loads(text)]
    return {row.id: row for row in rows}


@cache
def _names() -> Mapping[str, str]:
    """Every spelling a user may type, lower case, to the id: id, without ``glm-``, hub name with and without its owner."""
    names: dict[str, str] = {}
    for row in models().values():
        names.setdefault(row.id.removeprefix("glm-"), row.id)
        for hub_name in map(str.lower, row.hub):
            names.setdefault(hub_name, row.id)
            names.setdefault(hub_name.rpartition("/")[2], row.id)
    return {**names, **{model_id: model_id for model_id in models()}}


def find_model(name: str) -> Model | None:
    """The row for an id, a short name (``4.7``, ``4.6v``) or a hub name; None when there is none."""
    model_id = _names().get(name.strip().lower())
    return models()[model_id] if model_id else None


def nearest_models(name: str, n: int = 3) -> list[str]:
    """Ids of which `name` is a part, then those whose spelling is close to it, best first."""
    word = name.strip().lower()
    near = [known for known in _names() if word and word in known]
    near += get_close_matches(word, list(_names()), n=2 * n, cutoff=0.6)
    return list(dict.fromkeys(_names()[match] for match in near))[:n]
