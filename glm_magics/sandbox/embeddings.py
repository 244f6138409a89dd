"""``POST /embeddings``: checking the request as the vendor does, and the answer with its vectors.

Sources: protocol reference 10 for limits and fields, and for the form of the answer; the OpenAI SDK for ``base64``.
"""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from glm_magics.catalog import Model, models
from glm_magics.sandbox.codes import Refusal, dump
from glm_magics.sandbox.faults import Fault
from glm_magics.sandbox.lexical import lexical_vector
from glm_magics.sandbox.prompts import split_directives
from glm_magics.sandbox.usage import text_tokens

_FORMATS = ("float", "base64")
_MAX_TOKENS_TOGETHER = 8000
"""Of one request to a model whose page gives a limit for all texts together (embedding-2)."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """A request that passed every check; `directives` are those of all its texts."""

    model: Model
    texts: tuple[str, ...]
    dimensions: int
    is_base64: bool
    directives: Mapping[str, str]
    n_tokens: int


def read_embedding_request(body: Mapping[str, Any]) -> EmbeddingRequest:
    """The checked request.

    Args:
        body: of `checks.without_nulls`.

    Raises:
        Refusal: 1210 to 1214, with the words of the first thing that is wrong.
    """
    for name in ("model", "input"):
        if name not in body:
            raise Refusal("1213", name)
    model = models().get(body["model"]) if isinstance(body["model"], str) else None
    if model is None:
        raise Refusal("1211", repr(body["model"]))
    if model.kind != "embedding":
        raise Refusal("1212", f"{model.id} gives no vectors.")
    if body.get("encoding_format", "float") not in _FORMATS:
        raise Refusal("1214", f"encoding_format: one of {', '.join(_FORMATS)}.")
    texts = _texts(body["input"], model)
    counts = _counts(texts, model)
    directives = {name: value for text in texts for name, value in split_directives(text)[1].items()}
    is_base64 = body.get("encoding_format") == "base64"
    return EmbeddingRequest(model, texts, _dimensions(body, model), is_base64, directives, sum(counts))


def _texts(value: Any, model: Model) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise Refusal("1214", "input: a text, or a list of texts.")
    most = model.limits.get("inputs_per_request")
    if most and len(texts) > most:
        raise Refusal("1214", f"input: {len(texts)} texts; {most} at most.")
    if not all(text.strip() for text in texts):
        raise Refusal("1214", f"input: text {next(n for n, text in enumerate(texts) if not text.strip())} is empty.")
    return tuple(texts)


def _counts(texts: tuple[str, ...], model: Model) -> list[int]:
    counts = list(map(text_tokens, texts))
    most = model.limits.get("max_tokens_per_input")
    if most and max(counts) > most:
        raise Refusal("1210", f"input: text {counts.index(max(counts))} has about {max(counts)} tokens; {most} at most.")
    if "max_tokens_total_label" in model.limits and sum(counts) > _MAX_TOKENS_TOGETHER:
        raise Refusal("1210", f"input: about {sum(counts)} tokens together; {_MAX_TOKENS_TOGETHER} at most.")
    return counts


def _dimensions(body: Mapping[str, Any], model: Model) -> int:
    allowed = model.limits["dimensions"]
    wanted = body.get("dimensions", model.limits["default_dimensions"])
    if isinstance(wanted, bool) or wanted not in allowed:
        raise Refusal("1214", f"dimensions: one of {', '.join(map(str, allowed))}.")
    return int(wanted)


def embedding_body(request: EmbeddingRequest, fault: Fault) -> bytes:
    """The answer. Its rows are out of order on purpose: only ``index`` says which text a vector belongs to."""
    rows = [
        {"index": n, "object": "embedding", "embedding": lexical_vector(text, request.dimensions).tolist()}
        for n, text in enumerate(request.texts)
    ]
    rows = fault.edit_vectors(rows)
    if request.is_base64:
        rows = [{**row, "embedding": _base64(row["embedding"])} for row in rows]
    usage = {"prompt_tokens": request.n_tokens, "completion_tokens": 0, "total_tokens": request.n_tokens}
    return dump({"model": request.model.id, "object": "list", "data": _shuffled(rows), "usage": usage})


def _base64(vector: list[float]) -> str:
    """Little-endian float32, as the OpenAI SDK reads it."""
    import numpy as np

    return b64encode(np.array(vector, "<f4").tobytes()).decode()


def _shuffled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows in another order, which is the same each time."""
    mixed = random.Random(crc32(str(len(rows)).encode())).sample(rows, len(rows))
    return mixed if mixed != rows else mixed[::-1]
