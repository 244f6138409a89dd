"""The cache in LanceDB: in a folder, or with the same code on object storage (``s3://…``, ``gs://…``), for a team or a cluster.

    glm.embed(texts, cache=LanceStore("s3://bucket/vectors"))

A table for each space, with a row for each vector; one more table says which is which. LanceDB lets many append at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ..errors import CacheError, MissingExtraError, one_line
from .database import PLACE
from .keyindex import KeyIndex
from .spaces import KEY_BYTES, NUMBER_BYTES, Batch, Found, Space, SpaceStats, name_place

if TYPE_CHECKING:
    from pathlib import Path

    from .spaces import Floats, Keys, Mask, Rows

_SPACES = "spaces"
_TAKEN_ROWS = 8192
_OLD_VERSIONS = timedelta(hours=1)
"""Whoever still reads a version from before a removal has so long to finish; then its room is given back."""


class LanceStore:
    """A `VectorStore` in LanceDB; nothing is opened or made before the first use.

    Args:
        uri: a folder or an address of object storage.
        storage_options: what the storage needs to know, such as keys and regions.

    Raises (on use):
        MissingExtraError: lancedb is not installed.
    """

    def __init__(self, uri: str | Path, storage_options: Mapping[str, str] | None = None) -> None:
        self._uri = str(uri)
        self._options = dict(storage_options or {})
        self._lock = threading.RLock()
        self._connection: Any = None
        self._indexes: dict[Space, tuple[int, Any, KeyIndex]] = {}

    @property
    def place(self) -> str:
        """The address."""
        return self._uri

    def close(self) -> None:
        """Lets go of tables."""
        with self._lock:
            self._connection = None
            self._indexes.clear()

    @contextmanager
    def _open(self) -> Iterator[Any]:
        """The database; its errors become ours.

        Raises:
            CacheError: the place cannot be used.
        """
        try:
            import lancedb
        except ImportError:
            raise MissingExtraError.naming("lance", "This cache needs LanceDB.") from None
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = lancedb.connect(self._uri, storage_options=self._options or None)
                yield self._connection
            except (CacheError, MissingExtraError):
                raise
            except Exception as error:  # LanceDB raises errors of many kinds
                said = one_line(str(error), 160)
                raise CacheError(f"The cache {name_place(self._uri)} cannot be used: {said}.", PLACE) from error

    # Spaces

    def _spaces_table(self, database: Any) -> Any:
        import pyarrow as pa

        columns = [("table", pa.string()), ("provider", pa.string()), ("model", pa.string()), ("asked", pa.int32())]
        numbers = [("precision", pa.string()), ("width", pa.int32()), ("n_hits", pa.int64()), ("n_tokens_saved", pa.int64())]
        return database.create_table(_SPACES, schema=pa.schema([*columns, *numbers]), exist_ok=True)

    def _find(self, database: Any, space: Space) -> Mapping[str, Any] | None:
        found = self._spaces_table(database).search().where(f"table = '{_table_name(space)}'").limit(1).to_list()
        return found[0] if found else None

    def _table(self, database: Any, space: Space, width: int) -> Any:
        """The table of a space, made and made known if there is none.

        Raises:
            CacheError: it has vectors of another width.
        """
        import pyarrow as pa

        known = self._find(database, space)
        if known is None:
            row = {"table": _table_name(space), "provider": space.provider, "model": space.model, "asked": space.dimensions}
            row |= {"precision": space.precision, "width": width, "n_hits": 0, "n_tokens_saved": 0}
            # two that make the same space at once leave one row
            self._spaces_table(database).merge_insert("table").when_not_matched_insert_all().execute([row])
        elif known["width"] != width:
            raise CacheError(f"The cache holds vectors of {known['width']} numbers here, not {width}.", PLACE)
        number = pa.float16() if NUMBER_BYTES[space.precision] == 2 else pa.float32()
        columns = [("key", pa.binary(KEY_BYTES)), ("vector", pa.list_(number, width))]
        schema = pa.schema([*columns, ("n_tokens", pa.float64()), ("created_s", pa.float64())])
        return database.create_table(_table_name(space), schema=schema, exist_ok=True)

    def find_width(self, space: Space) -> int | None:
        """Numbers in each vector of the space; None where there is none yet."""
        with self._open() as database:
            known = self._find(database, space)
            return int(known["width"]) if known else None

    # Reading

    def _index(self, database: Any, space: Space) -> tuple[Any, Any, KeyIndex] | None:
        """The table, its row ids, and the index of its keys, read again when others have added to it."""
        import numpy as np

        known = self._find(database, space)
        if known is None:
            return None
        table = self._table(database, space, known["width"])
        cached = self._indexes.get(space)
        if cached is None or cached[0] != table.version:
            rows = table.search().select(["key", "n_tokens"]).with_row_id(True).to_arrow()
            keys = _keys(rows["key"])
            total = round(sum(rows["n_tokens"].to_pylist()))
            index = _index_of(keys, total)
            cached = self._indexes[space] = (table.version, np.array(rows["_rowid"]), index)
        return table, cached[1], cached[2]

    def has(self, space: Space, keys: Keys) -> Mask:
        """Which keys have a vector."""
        import numpy as np

        with self._open() as database:
            known = self._index(database, space)
            is_there: Mask = np.zeros(len(keys), bool) if known is None else known[2].find(keys) >= 0
            return is_there

    def get(self, space: Space, keys: Keys, out: Floats, rows: Rows) -> Found:
        """Puts the vector of ``keys[i]``, where there is one, into ``out[rows[i]]``."""
        import numpy as np

        is_there = np.zeros(len(keys), bool)
        with self._open() as database:
            known = self._index(database, space)
            if known is None:
                return Found(is_there)
            table, ids, index = self._checked(known, out.shape[1])
            places = index.find(keys)
            hit = np.flatnonzero(places >= 0)
            for begin in range(0, len(hit), _TAKEN_ROWS):
                some = hit[begin : begin + _TAKEN_ROWS]
                wanted = np.unique(ids[index.rows(places[some])]).tolist()
                taken = table.take_row_ids(wanted).select(["key", "vector"]).to_arrow()
                at = _index_of(_keys(taken["key"])).find(keys[some])
                out[rows[some[at >= 0]]] = _matrix(taken["vector"])[at[at >= 0]]
                is_there[some[at >= 0]] = True
            distinct = np.unique(places[is_there])
            return Found(is_there, len(distinct), index.count_tokens(distinct))

    @staticmethod
    def _checked(known: tuple[Any, Any, KeyIndex], width: int) -> tuple[Any, Any, KeyIndex]:
        kept = known[0].schema.field("vector").type.list_size
        if kept != width:
            raise CacheError(f"The cache holds vectors of {kept} numbers here, not {width}.", PLACE)
        return known

    def scan(self, space: Space) -> Iterator[Batch]:
        """All vectors of a space, in pieces of one time of making."""
        with self._open() as database:
            known = self._index(database, space)
        if known is None:
            return
        for begin in range(0, len(known[1]), _TAKEN_ROWS):
            with self._open():
                rows = known[0].take_row_ids(known[1][begin : begin + _TAKEN_ROWS].tolist()).to_arrow()
            times = rows["created_s"].to_numpy()
            for created_s in sorted(set(times.tolist())):
                part = rows.filter(times == created_s)
                n_tokens = round(sum(part["n_tokens"].to_pylist()))
                yield Batch(_keys(part["key"]), _matrix(part["vector"]), n_tokens, created_s)

    def list_spaces(self) -> list[SpaceStats]:
        """What is kept, a row a space; sizes without LanceDB's own."""
        with self._open() as database:
            stats = []
            for row in self._spaces_table(database).to_arrow().to_pylist():
                space = Space(row["provider"], row["model"], row["asked"], row["precision"])
                table = self._table(database, space, row["width"])
                facts = table.search().select(["n_tokens", "created_s"]).to_arrow()
                times = facts["created_s"].to_pylist() or [0.0]
                n_bytes = facts.num_rows * (row["width"] * NUMBER_BYTES[space.precision] + KEY_BYTES + 16)
                n_tokens = round(sum(facts["n_tokens"].to_pylist()))
                numbers = (facts.num_rows, n_bytes, n_tokens, row["n_hits"], row["n_tokens_saved"])
                stats.append(SpaceStats(space, *numbers, min(times), max(times)))
            return stats

    # Writing

    def put(self, space: Space, batches: Sequence[Batch]) -> None:
        """Keeps the vectors; when it returns they are in a committed version of the table."""
        import numpy as np

        batches = [batch for batch in batches if len(batch.keys)]
        if not batches:
            return
        with self._open() as database:
            import pyarrow as pa

            width = batches[0].vectors.shape[1]
            if any(batch.vectors.shape[1] != width for batch in batches):
                raise CacheError("Vectors of different lengths in one space.", PLACE)
            table = self._table(database, space, width)
            numbers = np.concatenate([batch.vectors for batch in batches]).astype(f"f{NUMBER_BYTES[space.precision]}")
            keys = [key.tobytes() for batch in batches for key in batch.keys.astype("<u8")]
            sizes = [len(batch.keys) for batch in batches]
            columns = {
                "key": pa.array(keys, pa.binary(KEY_BYTES)),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(numbers.reshape(-1)), width),
                "n_tokens": pa.array(np.repeat([batch.n_tokens / len(batch.keys) for batch in batches], sizes)),
                "created_s": pa.array(np.repeat([batch.created_s for batch in batches], sizes)),
            }
            table.add(pa.table(columns, schema=table.schema))

    def record_hits(self, space: Space, n_hits: int, n_tokens: float) -> None:
        """Counts what was saved."""
        with self._open() as database:
            more = {"n_hits": f"n_hits + {n_hits}", "n_tokens_saved": f"n_tokens_saved + {round(n_tokens)}"}
            self._spaces_table(database).update(where=f"table = '{_table_name(space)}'", values_sql=more)

    def remove(self, *, model: str | None = None, before_s: float | None = None, max_bytes: int | None = None) -> int:
        """Removes what is older than `before_s`, then the oldest until `max_bytes` are left, and gives the number.

        All this only of `model`, where one is named; all of it, where nothing else is said.
        """
        before = sum(stats.n_vectors for stats in self.list_spaces())
        if before_s is not None:
            self._delete(f"created_s < {before_s!r}", model)
        elif model is not None and max_bytes is None:
            self._delete("true", model)
        if max_bytes is not None and (newest_s := self._find_cut(max_bytes, model)) is not None:
            self._delete(f"created_s <= {newest_s!r}", model)
        return before - sum(stats.n_vectors for stats in self.list_spaces())

    def _delete(self, condition: str, model: str | None) -> None:
        for stats in self.list_spaces():
            if model is None or stats.space.model == model:
                with self._open() as database:
                    table = self._table(database, stats.space, self._find(database, stats.space)["width"])  # type: ignore[index]
                    table.delete(condition)
                    table.optimize(cleanup_older_than=_OLD_VERSIONS)

    def _find_cut(self, max_bytes: int, model: str | None) -> float | None:
        """The time up to which vectors must go so that at most `max_bytes` are left of `model`; None where none must."""
        times: list[tuple[float, float]] = []
        for stats in self.list_spaces():
            if model is not None and stats.space.model != model:
                continue
            with self._open() as database:
                table = self._table(database, stats.space, self._find(database, stats.space)["width"])  # type: ignore[index]
                size = stats.n_bytes / max(1, stats.n_vectors)
                times += [
                    (created_s, size) for created_s in table.search().select(["created_s"]).to_arrow()["created_s"].to_pylist()
                ]
        left = 0.0
        for created_s, size in sorted(times, reverse=True):
            left += size
            if left > max_bytes:
                return created_s
        return None


def _table_name(space: Space) -> str:
    identity = "\x1f".join((space.provider, space.model, str(space.dimensions), space.precision))
    return f"v{blake2b(identity.encode(), digest_size=12).hexdigest()}"


def _keys(column: Any) -> Keys:
    import numpy as np

    keys: Keys = np.frombuffer(b"".join(column.to_pylist()), "<u8").reshape(-1, 2)
    return keys


def _index_of(keys: Keys, n_tokens: int = 0) -> KeyIndex:
    import numpy as np

    return KeyIndex(keys, np.zeros(len(keys), np.uint64), [0], [len(keys)], [n_tokens])


def _matrix(column: Any) -> Floats:
    import numpy as np

    vectors = column.combine_chunks()
    matrix: Floats = np.asarray(vectors.flatten()).reshape(len(vectors), -1).astype(np.float32, copy=False)
    return matrix
