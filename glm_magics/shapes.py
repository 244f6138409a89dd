"""What a variable is, without what is in it: types, sizes, columns, parameters. Pure; types are matched by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from .errors import one_line

MAX_COLUMNS, MAX_NAMES = 60, 40


def describe_shape(value: object) -> str:
    """A phrase such as ``DataFrame, 500 × 3, columns: date datetime64[ns], price float64``; never a value."""
    with suppress(Exception):  # what is odd about a value says nothing of the error
        for base in type(value).__mro__:
            row = _SHAPES.get(f"{base.__module__.partition('.')[0]}.{base.__name__}")
            if row is not None:
                return row(value)
        return _plain_object(value)
    return type(value).__name__


def columns_of(value: object) -> list[str]:
    """The names of a frame's columns; empty for what has none."""
    with suppress(Exception):
        if type(value).__name__ in ("DataFrame", "LazyFrame"):
            return [str(name) for name in getattr(value, "columns", ())]
    return []


def parameters_of(value: object) -> list[str]:
    """The names of a function's parameters; empty where they cannot be known."""
    with suppress(Exception):
        return list(inspect.signature(value).parameters) if callable(value) else []
    return []


def _frame(value: Any) -> str:
    types = [str(kind) for kind in (value.dtypes.tolist() if hasattr(value.dtypes, "tolist") else value.dtypes)]
    columns = [f"{one_line(str(name), 60)} {kind}" for name, kind in zip(value.columns, types, strict=False)]
    index = f"; index: {type(value.index).__name__} {value.index.dtype}" if hasattr(value, "index") else ""
    return f"DataFrame, {value.shape[0]} × {value.shape[1]}, columns: {_some(columns, MAX_COLUMNS)}{index}"


def _series(value: Any) -> str:
    return f"{type(value).__name__}, {len(value)} items, {value.dtype}"


def _array(value: Any) -> str:
    return f"{type(value).__name__}, shape {tuple(value.shape)}, {value.dtype}"


def _items(value: Any) -> str:
    kinds = list(dict.fromkeys(type(item).__name__ for item, _ in zip(value, range(1000), strict=False)))
    return f"{type(value).__name__} of {len(value)}" + (f" ({_some(kinds, 5)})" if kinds else "")


def _mapping(value: Mapping[Any, Any]) -> str:
    pairs = [f"{type(key).__name__} → {type(item).__name__}" for (key, item), _ in zip(value.items(), range(1000), strict=False)]
    return f"{type(value).__name__} of {len(value)}" + (f" ({_some(list(dict.fromkeys(pairs)), 5)})" if pairs else "")


def _text(value: Any) -> str:
    return f"{type(value).__name__} of {len(value)} {'characters' if isinstance(value, str) else 'bytes'}"


def _function(value: Any) -> str:
    words = []
    for parameter in inspect.signature(value).parameters.values():
        stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        words.append(f"{stars}{parameter.name}{'=…' if parameter.default is not parameter.empty else ''}")
    return f"function {value.__name__}({', '.join(words)})"


def _module(value: Any) -> str:
    version = getattr(value, "__version__", "")
    return f"module {value.__name__}" + (f" {version}" if isinstance(version, str) and version else "")


def _class(value: Any) -> str:
    with suppress(ValueError, TypeError):
        return f"class {value.__name__}({', '.join(inspect.signature(value).parameters)})"
    return f"class {value.__name__}"


def _plain_object(value: object) -> str:
    """A type's name; of a class of the notebook also what its instances have."""
    name = type(value).__name__
    if type(value).__module__ != "__main__":
        return f"{type(value).__module__}.{name}" if type(value).__module__ != "builtins" else name
    own = [*vars(value), *vars(type(value))] if hasattr(value, "__dict__") else [*vars(type(value))]
    names = [word for word in dict.fromkeys(own) if not word.startswith("_")]
    return f"{name}, which has: {_some(names, MAX_NAMES)}" if names else name


def _some(words: Iterable[str], most: int) -> str:
    kept = list(words)
    rest = f", and {len(kept) - most} more" if len(kept) > most else ""
    return ", ".join(kept[:most]) + rest


_SHAPES: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("pandas.DataFrame", "polars.DataFrame", "geopandas.GeoDataFrame"), _frame),
    **dict.fromkeys(("pandas.Series", "polars.Series", "pandas.Index"), _series),
    **dict.fromkeys(("numpy.ndarray", "torch.Tensor", "jaxlib.ArrayImpl", "xarray.DataArray"), _array),
    **dict.fromkeys(("builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset"), _items),
    **dict.fromkeys(("builtins.str", "builtins.bytes", "builtins.bytearray"), _text),
    **dict.fromkeys(("builtins.function", "builtins.method", "builtins.builtin_function_or_method"), _function),
    "builtins.dict": _mapping,
    "builtins.module": _module,
    "builtins.type": _class,
}
