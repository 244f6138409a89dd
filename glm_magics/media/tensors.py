"""Tensors of torch and JAX: brought to NumPy, wherever and however they are kept, then sent as arrays are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import MediaError
from ..messages import Part
from ..pictures import MAX_PIXELS, named
from .arrays import find_layout, load_array, write_numbers
from .loading import Loading, said

_MAX_VALUES = 4 * MAX_PIXELS


def load_torch(tensor: Any, loading: Loading) -> Iterable[Part]:
    """A torch tensor, whether it requires gradients, lives on a GPU, is sparse or of bfloat16.

    Raises:
        MediaError: it cannot be read, or is too large.
    """
    try:
        shape, is_plain = tuple(tensor.shape), not (tensor.is_complex() or tensor.is_quantized)
        kind = "f" if tensor.is_floating_point() else "i" if is_plain else ""
        if not _is_picture(shape, kind if is_plain else "", tensor.element_size()):
            return [_write(tensor, shape, loading)]
        _check_size(shape, loading)
        dense = tensor.detach() if str(tensor.layout) == "torch.strided" else tensor.detach().to_dense()
        is_odd = kind == "f" and str(dense.dtype) not in ("torch.float16", "torch.float32", "torch.float64")
        array = (dense.float() if is_odd else dense).cpu().numpy(force=True)
    except MediaError:
        raise
    except Exception as error:  # on no device (meta), nested, within a transformation
        raise _unreadable(error, loading) from error
    return load_array(array, loading)


def load_jax(array: Any, loading: Loading) -> Iterable[Part]:
    """A JAX array.

    Raises:
        MediaError: its buffer was deleted or donated, or it is too large.
    """
    import numpy as np

    shape, dtype = tuple(array.shape), array.dtype
    kind = "f" if dtype.kind == "V" else dtype.kind  # bfloat16 and its like are no types of NumPy's own
    try:
        if not _is_picture(shape, kind, dtype.itemsize):
            return [_write(array, shape, loading)]
        _check_size(shape, loading)
        values = np.asarray(array)
    except RuntimeError as error:
        raise _unreadable(error, loading) from error
    return load_array(values.astype(np.float32) if values.dtype.kind == "V" else values, loading)


def _write(tensor: Any, shape: tuple[int, ...], loading: Loading) -> Part:
    """As its library prints it, which elides what is long; dots in it are its sign of that."""
    text = str(tensor)
    return write_numbers(text, shape, str(tensor.dtype), "..." in text, loading)


def _is_picture(shape: tuple[int, ...], kind: str, itemsize: int) -> bool:
    return bool(find_layout(shape[1:] if len(shape) == 4 else shape, kind, itemsize))


def _check_size(shape: tuple[int, ...], loading: Loading) -> None:
    n_values = 1
    for side in shape:
        n_values *= side
    if n_values > _MAX_VALUES:
        raise MediaError(f"{named(loading.label)} has {n_values:,} numbers, too many for a picture.", "Send a part of it.")


def _unreadable(error: Exception, loading: Loading) -> MediaError:
    return MediaError(f"{named(loading.label)} cannot be read: {said(error)}.", "Can it be printed?")
