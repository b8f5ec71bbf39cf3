"""Disk: the one place that knows how commlab's files come to lie where they lie.

- **Hashes.** ``file_hash``, ``tree_hash``, ``frame_hash`` and ``json_hash`` give SHA-256 in hex. A
  ``HashCache`` remembers a file's hash while size, both times and the inode stay what they were.
- **Atomic writes.** A file appears whole or not at all: written beside its final name, flushed to the
  disk, then renamed. A file that would not change is left alone.
- **A period's folder.** ``ProcessedFolder`` writes and reads ``data/processed/<period>/``.
- **Locks.** ``lock`` lets one writer, or many readers, work on a folder; it ends with its process.
"""

from __future__ import annotations

from commlab.store.files import (
    HashCache,
    atomic_path,
    read_json,
    read_parquet,
    remembered,
    workbook,
    write_bytes,
    write_json,
    write_parquet,
    write_text,
)
from commlab.store.folder import FrameMemory, ProcessedFolder
from commlab.store.hashes import file_hash, frame_hash, json_hash, slice_hashes, tree_hash
from commlab.store.locks import lock

__all__ = [
    "FrameMemory",
    "HashCache",
    "ProcessedFolder",
    "atomic_path",
    "file_hash",
    "frame_hash",
    "json_hash",
    "lock",
    "read_json",
    "read_parquet",
    "remembered",
    "slice_hashes",
    "tree_hash",
    "workbook",
    "write_bytes",
    "write_json",
    "write_parquet",
    "write_text",
]
