"""What a session knows of vectors: which cache, and what can be asked of texts once they have vectors.

``glm.embed``, ``glm.search``, ``glm.similar``, ``glm.duplicates``, ``glm.clusters``, ``glm.atlas`` and ``glm.cache`` are its
methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from .catalog import find_model
from .clusternames import ask_for_names, describe_naming, read_names
from .embeddings import embed_texts
from .errors import GLMError, InputError, OptionError, SchemaError, one_line
from .flow import Asking, Desk
from .grammar import kind_of
from .notes import note
from .options import Options, nearest
from .progress import painter_for
from .settings import data_folder
from .similarity import Data, check_count, check_options, check_seed, choose_count, in_groups, read_integer, read_matrix
from .sources import Home, find_source
from .texts import LONG, Long, plan_texts, read_texts, refuse_broken
from .vectorcache import VectorCache
from .vectorstore import LocalStore, VectorStore, is_store
from .vectorstore.spaces import Precision

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .atlases import Atlas
    from .neighbours import CellIndex
    from .vectors import Clusters

    Floats: TypeAlias = npt.NDArray[np.float32]
    Rows: TypeAlias = npt.NDArray[np.int64]

Cache: TypeAlias = "str | Path | VectorStore | Literal[False] | None"
FOLDER_VARIABLE = "GLM_CACHE_DIR"
_CLUSTER_COUNTS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 27, 33, 40, 50)
_COUNTED_ROWS = 5000
N_STARTS = 5
PAIRS_LINE = 30_000
"""Rows from which on near duplicates are looked for in neighbouring cells only."""


def _read_folder(named: str | Path) -> Path:
    """A folder that the user names.

    Raises:
        InputError: it can be none.
    """
    try:
        folder = Path(named).expanduser()
    except RuntimeError:  # ~ of somebody who is not known here
        folder = None
    if folder is None or not str(named).strip() or "\0" in str(named):
        raise InputError(f"`{one_line(str(named), 80)}` is no folder.", "Name another with GLM_CACHE_DIR or `cache=PATH`.")
    return folder


class Owner(Home, Desk, Protocol):
    """The session: it says who makes vectors, and can be asked a question."""


class Corpus:
    """Vectors for one session.

    Args:
        home: the session, as far as it matters here.
    """

    def __init__(self, home: Owner) -> None:
        self._home = home
        self._stores: dict[Path, LocalStore] = {}
        self._indexes: dict[bytes, CellIndex | None] = {}

    def close(self) -> None:
        """Lets go of files."""
        for store in self._stores.values():
            store.close()

    # Vectors

    def embed(
        self,
        texts: Any,
        dimensions: int | None = None,
        model: str | None = None,
        *,
        long: Long = "error",
        precision: Precision = "float32",
        cache: Cache = None,
        quiet: bool = False,
    ) -> Floats:
        """As `glm_magics.embed`."""
        make = self._prepare(texts, dimensions, model, long=long, precision=precision, cache=cache, quiet=quiet)
        vectors = make()
        single: Floats = vectors[0] if isinstance(texts, str) else vectors
        return single

    def _prepare(
        self,
        texts: Any,
        dimensions: int | None = None,
        model: str | None = None,
        *,
        long: Long = "error",
        precision: Precision = "float32",
        cache: Cache = None,
        quiet: bool = False,
    ) -> Callable[[], Floats]:
        """Checks all that can be checked before anything is sent; what it gives makes the vectors, shape (N, D)."""
        read = read_texts(texts)
        with self._home.stage.saying(quiet):
            source = find_source(self._home, dimensions, model, precision)
        if long not in LONG:
            raise OptionError(f"long has no value `{one_line(str(long), 40)}`.", nearest(str(long), LONG))
        row = find_model(source.space.model)
        plan = plan_texts(read, row.limits.get("max_tokens_per_input") if row else None, long)
        store = self.find_store(cache)

        def make() -> Floats:
            listen = (lambda progress: None) if quiet else painter_for(self._home.shell)
            try:
                with self._home.stage.saying(quiet):
                    return embed_texts(plan, source, store, listen)
            except UnicodeEncodeError:
                refuse_broken(read)
                raise

        return make

    def find_store(self, cache: Cache = None) -> VectorStore | None:
        """The cache that was meant: the user's own, a folder, a store, or none for False.

        Raises:
            InputError: it is none of these.
        """
        if cache is False:
            return None
        if cache is None:
            folder = self.default_folder
        elif isinstance(cache, str | Path):
            folder = _read_folder(cache)
        elif is_store(cache):
            return cache
        else:
            raise InputError(f"{kind_of(cache)} is no cache.", "Give a folder, a store, or False for none.")
        return self._stores.setdefault(folder.absolute(), LocalStore(folder.absolute()))

    def cache(self, cache: Cache = None) -> VectorCache:
        """As `glm_magics.cache`.

        Raises:
            InputError: there is no such cache.
            CacheError: the place cannot be used.
        """
        store = self.find_store(cache)
        if store is None:
            raise InputError("Without a cache there is nothing to show.", "Leave `cache` out, or give a folder.")
        with self._home.stage.saying(False):
            store.list_spaces()  # now, and not where it is shown: there an error would end nothing
        return VectorCache(store)

    @property
    def default_folder(self) -> Path:
        """``GLM_CACHE_DIR``, or a folder beside the ledger."""
        named = self._home.environment.get(FOLDER_VARIABLE, "").strip()
        return _read_folder(named) if named else data_folder(self._home.config) / "embeddings"

    # What can be asked

    def search(self, query: Any, data: Any, on: Any = "text", k: int = 10, *, exact: bool | None = None, **options: Any) -> Any:
        """As `glm_magics.search`."""
        import numpy as np

        k = check_count("k", k)
        source, make = self._read(data, on, options)
        queries, texts = read_matrix(query), []
        if queries is None:  # all of it is checked before any of it is sent
            texts = read_texts(query)
            refuse_broken(texts)
            make_queries = self._prepare(texts, **options)
        matrix = make()
        if queries is None:
            queries = make_queries() if texts else np.empty((0, matrix.shape[1]), np.float32)
        if queries.shape[1] != matrix.shape[1]:
            raise InputError(
                f"The query has {queries.shape[1]} numbers, the data's vectors {matrix.shape[1]}.",
                "Use the same `model` and `dimensions` for both.",
            )
        rows, scores = self._nearest(matrix, queries, k, exact, options.get("cache"))
        added: dict[str, Any] = {"score": scores.reshape(-1)}
        is_vector = read_matrix(query) is not None
        if not isinstance(query, str) and not (is_vector and query.ndim == 1):
            names = np.arange(len(queries)) if is_vector else np.array(texts, object)
            added = {"query": np.repeat(names, rows.shape[1]), **added}
        return source.take(rows.reshape(-1), added)

    def similar(self, data: Any, row: int, on: Any = "text", k: int = 10, *, exact: bool | None = None, **options: Any) -> Any:
        """As `glm_magics.similar`."""
        k = check_count("k", k)
        source, make = self._read(data, on, options)
        place, n = read_integer(row), len(source)
        if place is None or not -n <= place < n:
            way_out = f"Give its place, from 0 to {n - 1:,}." if n else "The data has no rows."
            raise InputError(f"There is no row {one_line(repr(row), 40)}.", way_out)
        row, matrix = place % n, make()
        rows, scores = self._nearest(matrix, matrix[row : row + 1], k + 1, exact, options.get("cache"))
        is_other = rows[0] != row
        return source.take(rows[0][is_other][:k], {"score": scores[0][is_other][:k]})

    def duplicates(self, data: Any, threshold: float = 0.95, on: Any = "text", **options: Any) -> Any:
        """As `glm_magics.duplicates`."""
        import numpy as np

        from .vectors import find_pairs, find_twins, join_pairs

        if isinstance(threshold, bool) or not isinstance(threshold, Real) or not -1 <= threshold <= 1:
            raise InputError(f"threshold is {one_line(repr(threshold), 40)}.", "Give a cosine from -1 to 1, such as 0.95.")
        source, make = self._read(data, on, options)
        matrix = make()
        twins = find_twins(matrix)  # pairs whatever the rounding of a product; of very many all pairs would be too many
        own = np.flatnonzero(twins == np.arange(len(matrix)))
        distinct = matrix if len(own) == len(matrix) else matrix[own]
        index = self._index(distinct, options.get("cache")) if len(distinct) > PAIRS_LINE else None
        pairs = find_pairs(distinct, threshold) if index is None else index.find_pairs(distinct, threshold)
        first = own[join_pairs(len(distinct), pairs)][np.searchsorted(own, twins)]
        rows, groups = in_groups(first)
        scores = np.einsum("ij,ij->i", matrix[rows], matrix[first[rows]])
        return source.take(rows, {"group": groups, "score": scores})

    def clusters(
        self, data: Any, n: int | None = None, on: Any = "text", *, seed: int = 0, names: bool = True, **options: Any
    ) -> Any:
        """As `glm_magics.clusters`."""
        import numpy as np

        from .vectors import find_clusters

        seed = check_seed(seed)
        source, make = self._read(data, on, options)
        if n is not None:
            n = check_count("n", n, len(source) or None)
        matrix = make()
        if n is None and len(matrix) < 4:
            n = 1
        elif n is None:
            few = np.sort(np.random.default_rng(seed).permutation(len(matrix))[:_COUNTED_ROWS])
            n = choose_count(matrix[few], [count for count in _CLUSTER_COUNTS if count <= len(few) // 2] or [1])
        found = find_clusters(matrix, n, seed, n_starts=N_STARTS)
        added: dict[str, Any] = {"cluster": found.labels, "closeness": found.closeness}
        if names and read_matrix(on) is None:
            texts = read_texts(source.column)
            name_of = self._name(texts, found, options.get("quiet", False)) if texts else []
            added["name"] = [name_of[label] for label in found.labels.tolist()]
        return source.take(np.arange(len(matrix)), added)

    def atlas(self, data: Any, on: Any = "text", **options: Any) -> Atlas:
        """As `glm_magics.atlas`."""
        from .mapmaking import make_atlas

        with self._home.stage.saying(options.get("quiet", False)):
            return make_atlas(self, data, on, **options)

    def _name(self, texts: Sequence[str], found: Clusters, is_quiet: bool) -> list[str]:
        """A name for each cluster, and a line about what they cost; empty ones, and a sentence, where nobody gives any."""
        question, schema = ask_for_names(texts, found)
        answer: Mapping[str, Any] = {}
        with self._home.stage.saying(is_quiet):
            try:
                reply = Asking(self._home, Options(schema=schema, quiet=True)).find_reply([question])
            except GLMError as error:
                why = error.message if isinstance(error, SchemaError) else error  # whose way out is for `%%glm`
                note(f"The clusters have no names. {why}", stacklevel=2)
            else:
                answer = reply.value
                self._home.stage.teller(Options(quiet=is_quiet))(describe_naming(len(found.centres), reply))
        return read_names(answer, len(found.centres))

    def _read(self, data: Any, on: Any, options: Mapping[str, Any]) -> tuple[Data, Callable[[], Floats]]:
        """The data, and what makes a vector for each of its rows: those given in `on`, or those of its column."""
        check_options(options)
        if read_matrix(on) is not None:
            source = Data(data, None)
            matrix: Floats = read_matrix(on, len(source))
            return source, lambda: matrix
        source = Data(data, on)
        return source, self._prepare(source.column, **options)

    def _nearest(self, matrix: Floats, queries: Floats, k: int, exact: bool | None, cache: Cache) -> tuple[Rows, Floats]:
        from .neighbours import LINE_NUMBERS
        from .vectors import find_nearest

        index = None if exact or (exact is None and matrix.size < LINE_NUMBERS) else self._index(matrix, cache)
        return find_nearest(matrix, queries, k) if index is None else index.search(matrix, queries, k)

    def _save_index(self, index: CellIndex, path: Path) -> None:
        try:
            index.save(path)
        except OSError as error:
            note(f"The index for searching is not kept: {error.strerror}.", stacklevel=2)

    def _index(self, matrix: Floats, cache: Cache) -> CellIndex | None:
        """The index of a matrix, built once and kept beside the cache; None where none helps.

        Known by some of the rows: an index that is out of date finds less, but a score is always that of the row.
        """
        from .neighbours import build_index, load_index

        some = matrix[:: max(1, len(matrix) // 1000)]
        mark = blake2b(some.tobytes() + str(matrix.shape).encode(), digest_size=16).digest()
        if mark not in self._indexes:
            store = self.find_store(cache)
            path = Path(store.place, "indexes", f"{mark.hex()}.npz") if isinstance(store, LocalStore) else None
            index = load_index(path, *matrix.shape) if path is not None else None
            if index is None:
                index = build_index(matrix)
                if index is not None and path is not None:
                    with self._home.stage.saying(False):
                        self._save_index(index, path)
            self._indexes[mark] = index
        return self._indexes[mark]
