"""Hashes of files, folders, frames and JSON values: SHA-256, in hex."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from commlab.errors import DataError, ParameterError, StudyError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Hasher(Protocol):
    """Something that knows the hash of a file: ``HashCache``."""

    def hash(self, path: str | Path) -> str: ...


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits.

    Raises
    ------
    StudyError
        If the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror or error})") from error


def json_hash(value: Any) -> str:
    """SHA-256 of a value's canonical JSON: sorted keys, so that the order of a mapping does not matter.

    >>> json_hash({"a": 1, "b": 2}) == json_hash({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical_json(value, indent=None).encode()).hexdigest()


def tree_hash(root: str | Path, patterns: Iterable[str] = ("**/*",), *, cache: Hasher | None = None) -> str:
    """SHA-256 over the relative names and the contents of the files below ``root`` that match a pattern.

    Hidden files and folders, ``__pycache__`` and byte code are left out. An empty tree has a hash, too.

    Parameters
    ----------
    root : path
    patterns : iterable of str
        Glob patterns relative to ``root``, e.g. ``("**/*.py", "frameworks/*.yaml")``.
    cache : HashCache, optional
        Where known hashes are looked up.
    """
    base = Path(root)
    files = {path for pattern in patterns for path in base.glob(pattern) if path.is_file()}
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(base).as_posix(), path) for path in files):
        parts = name.split("/")
        if any(p.startswith(".") or p == "__pycache__" for p in parts) or name.endswith(".pyc"):
            continue
        known = cache.hash(path) if cache is not None else file_hash(path)
        digest.update(f"{name}\0{known}\n".encode())
    return digest.hexdigest()


def frame_hash(frame: pd.DataFrame) -> str:
    """Hash of a frame's columns, types and values, the index left out; equal frames have equal hashes.

    Rows count in their order. Fast enough to be taken for each unit's slice of a table.

    Raises
    ------
    DataError
        If a column holds values that cannot be hashed (lists, mappings); named.
    """
    return _digest(frame, _hashed_columns(frame))


def slice_hashes(frame: pd.DataFrame, rows: Mapping[str, np.ndarray]) -> dict[str, str]:
    """``frame_hash`` of many slices of one frame, of which every value is hashed once.

    Parameters
    ----------
    frame : DataFrame
    rows : mapping of name to boolean array (len(frame),)
        True where a row belongs to the slice.

    Returns
    -------
    dict
        Name -> ``frame_hash(frame[rows[name]])``.

    Raises
    ------
    DataError
        See ``frame_hash``.
    """
    columns = _hashed_columns(frame)
    return {name: _digest(frame, [c[mask] for c in columns], int(mask.sum())) for name, mask in rows.items()}


def _hashed_columns(frame: pd.DataFrame) -> list[np.ndarray]:
    """A column of 64-bit hashes for each column of a frame."""
    import pandas as pd

    columns = []
    for position, column in enumerate(frame.columns):
        try:
            hashed = pd.util.hash_pandas_object(frame.iloc[:, position], index=False)
        except TypeError as error:
            raise DataError(f'column "{column}" cannot be hashed: {error}; store plain values') from error
        columns.append(hashed.to_numpy())
    return columns


def _digest(frame: pd.DataFrame, columns: list[np.ndarray], rows: int | None = None) -> str:
    digest = hashlib.sha256()
    digest.update(repr([(str(c), str(t)) for c, t in frame.dtypes.items()]).encode())
    digest.update(str(len(frame) if rows is None else rows).encode())
    for hashed in columns:
        digest.update(hashed.tobytes())
    return digest.hexdigest()


def canonical_json(value: Any, *, indent: int | None) -> str:
    """JSON with sorted keys; ParameterError for what JSON cannot say."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"this cannot be written as JSON: {error}") from error
