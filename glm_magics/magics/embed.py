"""``%glm_embed`` and ``%glm_cache``: vectors of a column, and what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, magics_class, needs_local_scope, no_var_expand

from ..errors import OptionError, one_line
from ..grammar import plural
from ..options import Option, nearest, parse_option
from ..session import Session
from .arguments import split_words
from .expressions import evaluate, split_expression

if TYPE_CHECKING:
    from ..vectorcache import VectorCache

EMBED_OPTIONS = (
    Option("into", ("-o", "--into"), "keep the vectors under this name", "name", "NAME", completes="name"),
    Option("model", ("-m", "--model"), "another model than %config GLM.embedding_model", "text", "MODEL", completes="vectors"),
    Option("dimensions", ("-d", "--dimensions"), "numbers in each vector", "integer", "N", low=1),
    Option("long", ("--long",), "texts that are too long", "choice", choices=("error", "split", "truncate")),
    Option("precision", ("--precision",), "how the cache keeps numbers", "choice", choices=("float32", "float16")),
    Option("cache", ("--cache",), "a folder instead of your own cache", "text", "FOLDER"),
    Option("quiet", ("-q", "--quiet"), "show nothing", "flag"),
)
CACHE_OPTIONS = (
    Option("model", ("-m", "--model"), "of this model only", "text", "MODEL", completes="vectors"),
    Option("older_than", ("--older-than",), "remove what is older: 12h, 30d, 2w", "text", "AGE"),
    Option("max_size", ("--max-size",), "remove the oldest until so much is left: 500MB, 2GB", "text", "SIZE"),
    Option("remove", ("--remove",), "remove all of --model", "flag"),
    Option("export", ("--export",), "write a Parquet file", "text", "FILE"),
    Option("import_", ("--import",), "take over a Parquet file", "text", "FILE"),
    Option("cache", ("--cache",), "a folder instead of your own cache", "text", "FOLDER"),
)
_FILES, _REMOVALS = ("export", "import_"), ("older_than", "max_size", "remove")


@magics_class
class EmbedMagics(Magics):
    """Holds the session."""

    def __init__(self, shell: Any, session: Session) -> None:
        super().__init__(shell)
        self.shell: Any = shell
        self._session = session

    @needs_local_scope
    @no_var_expand
    def glm_embed(self, line: str, local_ns: dict[str, Any] | None = None) -> Any:
        """Vectors of texts, from the cache where they are known: an array of shape (N, dimensions), rows of unit length.

            %glm_embed df["text"] --into X             a column of pandas, polars, Arrow, or a list of strings
            %glm_embed df.text --into X -d 256         shorter vectors
            %glm_embed pages --into X --long split     texts above 3 072 tokens in parts, the mean of their vectors

        --model MODEL, --dimensions N, --long error|split|truncate, --precision float32|float16, --cache FOLDER, --quiet.
        Without --into the array is the cell's value. ■ stops; what was answered is kept, and running it again goes on.
        """
        values, rest = _parse(line, EMBED_OPTIONS)
        if not rest:
            raise OptionError("Which texts?", 'Write `%glm_embed df["text"] --into X`.')
        names = {**self.shell.user_ns, **(local_ns or {})}
        name = values.pop("into", None)
        vectors = self._session.corpus.embed(evaluate(rest, names, "Name a column or a list of texts."), **values)
        if name is None:
            return vectors
        self.shell.user_ns[name] = vectors
        return None

    def glm_cache(self, line: str) -> VectorCache | None:
        """What the cache of vectors holds and saved; with options: removes from it, writes it to a file, reads one.

        %glm_cache                             a row for each model and size
        %glm_cache --older-than 90d            removes what is older (12h, 2w); with -m MODEL of that model only
        %glm_cache --max-size 2GB              removes the oldest until 2 GB are left; with -m MODEL of that model only
        %glm_cache -m embedding-2 --remove     removes all of a model
        %glm_cache --export vectors.parquet    for the team
        %glm_cache --import vectors.parquet    takes such a file over
        %glm_cache --cache FOLDER …            another cache than your own
        """
        values, rest = _parse(line, CACHE_OPTIONS)
        if rest:
            raise OptionError(f"`{one_line(rest, 40)}` is not understood.", "`%glm_cache?` shows what is.")
        _refuse_together(values)
        cache = self._session.corpus.cache(values.pop("cache", None))
        if said := _act(cache, values):
            print(said)
            return None
        return cache


def _refuse_together(values: Mapping[str, Any]) -> None:
    """Two things in one line, of which one would not be done.

    Raises:
        OptionError: names them.
    """
    acts = [option for option in CACHE_OPTIONS if option.name in values and option.name in _FILES]
    removals = [option for option in CACHE_OPTIONS if option.name in values and option.name in _REMOVALS]
    if acts and len(acts + removals) > 1:
        first, second = (option.flags[-1] for option in [*acts, *removals][:2])
        raise OptionError(f"{first} and {second} are two things.", "Write a line for each.")
    if "import_" in values and "model" in values:
        raise OptionError("--import takes over all models of a file.", "Leave --model out, or name it when exporting.")


def _act(cache: VectorCache, values: Mapping[str, Any]) -> str:
    model = values.get("model")
    if "export" in values:
        return f"{plural(cache.export(values['export'], model=model), 'vector')} written to {values['export']}."
    if "import_" in values:
        return f"{plural(cache.import_(values['import_']), 'vector is', 'vectors are')} new."
    if "older_than" in values or "max_size" in values or values.get("remove"):
        n = cache.remove(model=model, older_than=values.get("older_than"), max_size=values.get("max_size"))
        return f"{plural(n, 'vector')} removed. {cache.summary()}."
    if model is not None:
        raise OptionError("What is to be done with that model's vectors?", "Add --remove, --older-than AGE or --export FILE.")
    return ""


def _parse(line: str, options: tuple[Option, ...]) -> tuple[dict[str, Any], str]:
    """The options of a line, and what is left of it, as it stands: an expression keeps its quotes.

    Raises:
        OptionError: an unknown option, a wrong value, an open quote.
    """
    by_flag = {flag: option for option in options for flag in option.flags}
    values: dict[str, Any] = {}
    head, rest = split_expression(line, by_flag)
    words = split_words(rest)
    while words:
        flag, equals, value = words.pop(0).partition("=")
        if flag not in by_flag:
            raise OptionError(f"`{one_line(flag, 40)}` is not understood.", nearest(flag, list(by_flag)))
        option = by_flag[flag]
        if option.kind == "flag":
            values[option.name] = True
            continue
        if not equals and not words:
            raise OptionError(f"{flag} needs a value.", f"It is: {option.help}.")
        values[option.name] = parse_option(option, value if equals else words.pop(0))
    return values, head
