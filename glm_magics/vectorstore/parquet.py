"""Vectors in a Parquet file, to be shared with a team or kept for CI; from any store and into any other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MissingExtraError, one_line
from ..vectors import to_unit
from .spaces import KEY_BYTES, NUMBER_BYTES, Batch, Space, VectorStore

if TYPE_CHECKING:
    from .spaces import Keys

_COLUMNS = ("provider", "model", "dimensions", "precision", "key", "vector", "tokens", "created_s")
_PIECE_ROWS = 8192


def _arrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError.naming("embeddings", "Parquet files need pyarrow.") from None
    return pyarrow


def export_parquet(store: VectorStore, path: Path, model: str | None = None) -> int:
    """Writes all vectors, or those of a model, whole or not at all; gives their number.

    Raises:
        MissingExtraError: pyarrow is not installed.
        InputError: the file cannot be written.
    """
    pa = _arrow()
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("provider", "model")),
            ("dimensions", pa.int32()),
            ("precision", pa.string()),
            ("key", pa.binary(KEY_BYTES)),
            ("vector", pa.list_(pa.float32())),
            ("tokens", pa.float64()),
            ("created_s", pa.float64()),
        ]
    )
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    n = 0
    try:
        with pa.parquet.ParquetWriter(
            part, schema, compression="zstd", use_dictionary=["provider", "model", "precision"]
        ) as file:
            for stats in store.list_spaces():
                if model is None or stats.space.model == model:
                    for batch in store.scan(stats.space):
                        n += len(batch.keys)
                        file.write_table(pa.table(_columns(pa, stats.space, batch), schema=schema))
        os.replace(part, path)
    except OSError as error:
        raise InputError(
            f"{one_line(str(path), 200)} cannot be written ({error.strerror or error}).", "Choose another."
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return n


def _columns(pa: Any, space: Space, batch: Batch) -> dict[str, Any]:
    import numpy as np

    n, width = batch.vectors.shape
    offsets = np.arange(0, (n + 1) * width, max(width, 1), dtype=np.int32)[: n + 1]
    return {
        "provider": pa.array([space.provider] * n),
        "model": pa.array([space.model] * n),
        "dimensions": pa.array(np.full(n, space.dimensions, np.int32)),
        "precision": pa.array([space.precision] * n),
        "key": pa.array([key.tobytes() for key in batch.keys.astype("<u8")], pa.binary(KEY_BYTES)),
        "vector": pa.ListArray.from_arrays(pa.array(offsets), pa.array(batch.vectors.reshape(-1))),
        "tokens": pa.array(np.full(n, batch.n_tokens / max(1, n))),
        "created_s": pa.array(np.full(n, batch.created_s)),
    }


def import_parquet(store: VectorStore, path: Path) -> int:
    """Takes over the vectors that the store has not; gives their number.

    Raises:
        MissingExtraError: pyarrow is not installed.
        InputError: it is no file of `export_parquet`, or its vectors do not fit together.
    """
    pa = _arrow()
    n = 0
    try:
        with pa.parquet.ParquetFile(path) as file:
            missing = [name for name in _COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise InputError(f"{one_line(str(path), 200)} lacks {', '.join(missing)}.", "Give a file that an export wrote.")
            for piece in file.iter_batches(_PIECE_ROWS):
                for space, batch in _read_piece(pa.Table.from_batches([piece])):
                    is_new = ~store.has(space, batch.keys)
                    n_new = int(is_new.sum())
                    n_tokens = round(batch.n_tokens * n_new / len(batch.keys))
                    store.put(space, [Batch(batch.keys[is_new], batch.vectors[is_new], n_tokens, batch.created_s)])
                    n += n_new
    except (OSError, pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        said = one_line(str(error), 120)
        raise InputError(f"{one_line(str(path), 200)} cannot be read as cached vectors: {said}.", "Is it an export?") from None
    return n


def _read_piece(table: Any) -> Iterator[tuple[Space, Batch]]:
    """The vectors of a piece by space and time of making.

    Raises:
        ValueError: they do not fit together.
    """
    import numpy as np

    heads = zip(*(table[name].to_pylist() for name in ("provider", "model", "dimensions", "precision", "created_s")), strict=True)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row, head in enumerate(heads):
        groups.setdefault(head, []).append(row)
    for (provider, model, dimensions, precision, created_s), rows in groups.items():
        part = table.take(rows)
        if precision not in NUMBER_BYTES or not isinstance(dimensions, int) or dimensions < 0:
            raise ValueError(f"a space of {dimensions} {precision}")
        vectors = part["vector"].combine_chunks()
        lengths = {len(vector) for vector in vectors}
        if len(lengths) != 1 or (dimensions and lengths != {dimensions}):
            raise ValueError("vectors of different lengths in one space")
        matrix = np.asarray(vectors.flatten(), np.float32).reshape(len(rows), -1)
        if not np.isfinite(matrix).all():
            raise ValueError("a vector that is not finite")
        matrix = to_unit(matrix)
        if not matrix.any(axis=1).all():
            raise ValueError("a vector of zeros")
        tokens = round(sum(part["tokens"].to_pylist()))
        yield Space(provider, model, dimensions, precision), Batch(_keys(part["key"].to_pylist()), matrix, tokens, created_s)


def _keys(values: list[Any]) -> Keys:
    import numpy as np

    if any(not isinstance(value, bytes) or len(value) != KEY_BYTES for value in values):
        raise ValueError("a key of a wrong length")
    keys: Keys = np.frombuffer(b"".join(values), "<u8").reshape(-1, 2)
    return keys
