"""Vectors that were paid for, kept by content: the protocol, the store in a folder, Parquet files to share.

The rooms: `spaces` (values and the protocol) → `keyindex` (which row is whose), `rowfile` (vectors in a file) → `database` and
`records` (the SQLite index) → `upkeep` (writing anew) → `local` (the store); `parquet` works with any store, `lance` is another.
"""

from __future__ import annotations

from .local import LocalStore
from .spaces import Batch, Found, Space, SpaceStats, VectorStore, find_keys, find_together, is_store

__all__ = ["Batch", "Found", "LocalStore", "Space", "SpaceStats", "VectorStore", "find_keys", "find_together", "is_store"]
