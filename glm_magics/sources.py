"""Which model at which server makes the vectors, and what it allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from .budgets import VectorMeter, no_price_error
from .catalog import Model, find_model
from .errors import ModelError, NoProviderError, OptionError, ReplayError, one_line
from .limits import Limiter, Limits
from .notes import note
from .options import Options, nearest
from .pricing import find_price
from .providers import PROVIDERS, Connection
from .retries import RetryPolicy
from .settings import GLM
from .similarity import check_count
from .stages import Stage
from .supply import Source, Spent
from .vectorstore import Space
from .vectorstore.spaces import NUMBER_BYTES, Precision

if TYPE_CHECKING:
    from .bookkeeping import Books
    from .client import GLMClient
    from .replaying import Replays

VENDOR_DIMENSIONS = 1024
"""Asked for where nothing is said: as good as 2048 for most uses (the vendor's advice), at half the size."""

MAX_DIMENSIONS = 65_536

_TOGETHER_TOKENS = 8000
"""Of one request's texts together, where a model's page states such a limit."""


class Home(Protocol):
    """What vectors need of the session; each is asked when it is needed, since all may change."""

    config: GLM
    limits: Limits
    shell: Any
    stage: Stage

    @property
    def environment(self) -> Mapping[str, str]: ...
    @property
    def connection(self) -> Connection: ...
    @property
    def client(self) -> GLMClient: ...
    @property
    def books(self) -> Books: ...
    @property
    def replays(self) -> Replays: ...
    def only_model(self, setting: str, is_dry_run: bool) -> str: ...


def find_source(home: Home, dimensions: int | None, model: str | None, precision: Precision) -> Source:
    """Who is to make the vectors, checked as far as that can be done without asking.

    Raises:
        OptionError, InputError, ModelError: the precision, the dimensions or the model make no sense.
    """
    if not isinstance(precision, str) or precision not in NUMBER_BYTES:
        raise OptionError(f"precision has no value `{one_line(str(precision), 40)}`.", nearest(str(precision), [*NUMBER_BYTES]))
    try:
        connection: Connection | None = home.connection
    except NoProviderError as error:  # what is cached can be had without anybody to ask
        connection, nobody = None, error
    is_own = connection is not None and connection.provider.is_self_hosted
    only_model = partial(home.only_model, "embedding_model", False) if is_own else None
    name = _find_name(model, home.config.embedding_model, only_model)
    row = None if is_own else find_model(name)
    asked = _check_dimensions(dimensions, row, is_own)

    def connect() -> _Server:
        if connection is None:
            raise nobody
        if home.replays.is_on and home.replays.deck.mode == "replay":
            raise ReplayError(
                "Some of these vectors are not in the cache, and `%glm_replay replay` asks nobody.",
                'Embed them once before it; `cache="vectors"` keeps them in a folder beside the notebook.',
            )
        _check_platform(connection, row)
        return _Server(home.client, home.config.timeout)

    space = Space("glm" if connection is None else _provider_space(connection), name, asked, precision)
    of_model = row.limits if row else {}
    n_fixed = home.config.max_in_flight
    return Source(
        space,
        asked or None,
        connect,
        Limiter() if connection is None else home.limits.of_model(connection.provider, name, n_fixed),
        RetryPolicy(home.config.max_retries, home.config.retry_wait),
        of_model.get("inputs_per_request", 64),
        _TOGETHER_TOKENS if "max_tokens_total_label" in of_model else None,
        has_odd_dimensions=asked not in of_model.get("dimensions", [asked]),
        is_packed=connection is not None and connection.provider.has_base64_vectors,
        **_bookkeeping(home, connection, name),
    )


def _bookkeeping(home: Home, connection: Connection | None, model: str) -> dict[str, Any]:
    """What it costs, what may be spent, and who writes it down."""
    if connection is None:
        return {}
    provider, books = connection.provider, home.books
    price = find_price(model, provider)
    allowance = books.allowance(home.config.session_budget, price.currency if price else "")
    if allowance is None or provider.is_free:
        meter = None
    elif price is None:
        raise no_price_error(provider, model, allowance)
    else:
        meter = VectorMeter(price, allowance)

    tell = home.stage.teller(Options())

    def enter(spent: Spent) -> None:
        books.enter_vectors(spent, provider.name, model, tell)

    return {"price": price, "meter": meter, "enter": enter}


class _Server:
    """The client, with the session's patience."""

    def __init__(self, client: GLMClient, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self.abort = client.abort

    def embed(self, body: Mapping[str, Any]) -> Any:
        return self._client.embed(body, self._timeout_s)


def _find_name(model: str | None, default: str, only_model: Callable[[], str] | None) -> str:
    """The wire name: the one that is said, else the setting, else the only one of a server."""
    if model is not None and (not isinstance(model, str) or not model.strip()):
        raise ModelError(f"{one_line(repr(model), 40)} is no model.", "Name one, such as `embedding-3`.")
    name = (model or default).strip()
    if only_model is not None:  # a server of one's own
        return only_model() if model is None and default == "embedding-3" else name.removesuffix("!")
    row = find_model(name)
    if name.endswith("!") or (row is not None and row.kind == "embedding"):
        return row.id if row is not None else name.removesuffix("!")
    what = f"{row.id} gives no vectors" if row is not None else f"The catalogue has no model `{one_line(name, 40)}`"
    raise ModelError(f"{what}.", "Use `embedding-3`; a final ! skips the catalogue.")


def _check_dimensions(dimensions: int | None, row: Model | None, is_own: bool) -> int:
    if dimensions is None:
        default = row.limits.get("dimensions", [VENDOR_DIMENSIONS]) if row else [VENDOR_DIMENSIONS]
        return 0 if is_own else VENDOR_DIMENSIONS if VENDOR_DIMENSIONS in default else default[-1]
    dimensions = check_count("dimensions", dimensions, MAX_DIMENSIONS)
    allowed = row.limits.get("dimensions") if row else None
    if allowed and dimensions not in allowed:
        note(
            f"{row.id if row else ''} documents {', '.join(map(str, allowed))} dimensions; {dimensions} is sent as it is.",
            stacklevel=2,
        )
    return dimensions


def _provider_space(connection: Connection) -> str:
    """Providers whose vectors are the same share a name: the vendor's platforms. Any other server is known by its address."""
    provider = connection.provider
    return "glm" if provider.name in PROVIDERS else "sandbox" if provider.name == "sandbox" else provider.base_url


def _check_platform(connection: Connection, row: Model | None) -> None:
    provider = connection.provider
    if row is not None and provider.name in PROVIDERS and provider.name not in row.platforms:
        raise ModelError(
            f"{provider.host} has no {row.id}; of the vendor's platforms {' and '.join(row.platforms)} alone has.",
            "`%glm_connect bigmodel`, with a key in ZHIPUAI_API_KEY.",
        )
