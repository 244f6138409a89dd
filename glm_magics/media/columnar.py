"""Parquet and Feather files as the frames they hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import MediaError
from ..messages import Part
from ..pictures import named
from .loading import Blob, Loading
from .tables import load_frame

MAX_COLUMNAR_BYTES = 500_000_000
"""On disk, and of a Parquet file also unpacked: of a frame some sixty rows are shown, which may not cost the machine."""


def load_file(blob: Blob, loading: Loading) -> Iterable[Part]:
    """A Parquet, Feather or Arrow file by the loader of frames.

    Raises:
        MediaError: it is damaged or too large, or pyarrow is not installed.
    """
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise MediaError(
            f"{named(loading.label)} is read by pyarrow, which is not installed.", "Install it with `pip install pyarrow`."
        ) from None
    if blob.n_bytes > MAX_COLUMNAR_BYTES:
        raise _too_large(loading.label)
    try:
        table = _read(blob, loading.label)
    except (pyarrow.ArrowException, OSError) as error:  # for what is damaged it raises either
        raise MediaError(f"{named(loading.label)} is damaged: it cannot be read as a table.", "Write it again.") from error
    return load_frame(table, loading)


def _read(blob: Blob, label: str) -> Any:
    import pyarrow.feather
    import pyarrow.parquet

    with blob.open() as file:
        if blob.head(4) != b"PAR1":
            return pyarrow.feather.read_table(file)
        table = pyarrow.parquet.ParquetFile(file)
        facts = table.metadata
        stored = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
        if max(stored, facts.num_rows * facts.num_columns * 8) > MAX_COLUMNAR_BYTES:  # runs of one value are stored as one
            raise _too_large(label)
        return table.read()


def _too_large(label: str) -> MediaError:
    return MediaError(
        f"{named(label)} is a table of more than {MAX_COLUMNAR_BYTES // 1_000_000} MB.",
        "Read a part of it in the notebook, and send that frame.",
    )
