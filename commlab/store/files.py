"""Files that appear whole or not at all: bytes, text, JSON, parquet; and the cache of their hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from commlab.errors import DataError, ParameterError, StudyError, listing
from commlab.store.hashes import canonical_json, file_hash

if TYPE_CHECKING:
    import pandas as pd

TEMPORARY = ".part"
# A file changed shortly before it was hashed may change again under the same time stamp: clocks are coarse.
_SETTLED_NS = 2_000_000_000


@contextlib.contextmanager
def atomic_path(path: str | Path, *, flush: bool = True) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; it takes the final name when the block ends without an error.

    ``flush=False`` leaves it to the system when the disk holds it: for what is checked when it is read.

    The new file keeps the final name's suffix, so that writers that go by it work. When the block raises,
    the old file stays as it was and nothing is left behind.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f".{final.stem}.{uuid4().hex[:12]}{TEMPORARY}{final.suffix}")
    try:
        yield part
        if flush:
            _flush(part)
        os.replace(part, final)
        if flush:
            _flush(final.parent)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def workbook(path: str | Path, options: Mapping[str, Any]) -> Iterator[Any]:
    """An XlsxWriter workbook that appears whole or not at all; what the disk refuses is an OSError as everywhere."""
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    with atomic_path(path) as part:
        try:
            with xlsxwriter.Workbook(str(part), dict(options)) as book:
                yield book
        except FileCreateError as error:
            cause = error.args[0]
            if not isinstance(cause, OSError):
                raise
            raise OSError(cause.errno, cause.strerror, str(path)) from error


def _flush(path: Path) -> None:
    """Ask the disk to hold what was written; folders can be flushed on POSIX only."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: str | Path, data: bytes, *, flush: bool = True) -> str:
    """Write bytes atomically and return their SHA-256; a file that holds them already is not touched."""
    final = Path(path)
    digest = hashlib.sha256(data).hexdigest()
    with contextlib.suppress(OSError):
        if final.stat().st_size == len(data) and final.read_bytes() == data:
            return digest
    with atomic_path(final, flush=flush) as part:
        part.write_bytes(data)
    return digest


def remembered(name: str, key: str, make: Callable[[], bytes]) -> bytes:
    """What ``make`` gives, kept in the user's own cache folder from one process to the next.

    Parameters
    ----------
    name : str
        What it is; an older version of it makes way.
    key : str
        Hash of everything that it is made from.

    Notes
    -----
    The file lies in ``$XDG_CACHE_HOME/commlab`` (usual: ``~/.cache/commlab``) and begins with the hash of key and content: one that
    is damaged, or anybody else's, is made again. Where nothing can be written nothing is kept.
    """
    path = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "commlab" / name
    if not path.is_absolute():  # the user has no home
        return make()
    with contextlib.suppress(OSError):
        digest, _, content = path.read_bytes().partition(b"\n")
        if digest == _sealed(key, content):
            return content
    content = make()
    with contextlib.suppress(OSError):
        write_bytes(path, _sealed(key, content) + b"\n" + content, flush=False)
    return content


def _sealed(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + content).hexdigest().encode()


def write_text(path: str | Path, text: str) -> str:
    """Write UTF-8 text with ``\\n`` line ends atomically and return its SHA-256."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> str:
    """Write JSON with sorted keys atomically and return its SHA-256; NaN and infinity are refused."""
    return write_text(path, canonical_json(value, indent=1) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    StudyError
        If it is absent or damaged.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StudyError(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: is damaged ({error}); remove it and run the command again") from error


def write_parquet(path: str | Path, frame: pd.DataFrame) -> str:
    """Write a frame as parquet atomically and return the SHA-256 of the file.

    Equal frames give equal bytes (with the same pandas and pyarrow): the index is not stored, nor ``attrs``.

    Raises
    ------
    ParameterError
        If the frame's index carries something (reset it first) or two columns share a name.
    DataError
        If a column mixes types.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    final = Path(path)
    if not (isinstance(frame.index, pd.RangeIndex) or frame.index.name is None):
        raise ParameterError(
            f'{final.name}: the index "{frame.index.name}" would be lost; reset_index() first'
        )
    if isinstance(frame.index, pd.MultiIndex) or isinstance(frame.columns, pd.MultiIndex):
        raise ParameterError(f"{final.name}: indexes of several levels are not stored; reset_index() first")
    if not frame.columns.is_unique:
        again = frame.columns[frame.columns.duplicated()].unique()
        raise ParameterError(f"{final.name}: columns share a name: {listing(again)}")
    bare = frame.copy(deep=False)
    bare.attrs = {}
    try:
        table = pa.Table.from_pandas(bare, preserve_index=False, nthreads=1)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"cannot be stored: {' '.join(str(a) for a in error.args)}", file=final.name
        ) from error
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", store_schema=True)
    return write_bytes(final, sink.getvalue().to_pybytes())


def read_parquet(path: str | Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a parquet file into a frame, in this thread alone (a process that forks must have no other).

    Raises
    ------
    StudyError
        If the file is absent or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open(path, "rb") as file:
            data = file.read()
        table = pq.read_table(pa.BufferReader(data), columns=columns, use_threads=False, pre_buffer=False)
    except FileNotFoundError as error:
        raise StudyError(
            f"{path}: there is no such file; run `commlab check` and `commlab report`"
        ) from error
    except (OSError, pa.ArrowException) as error:
        raise StudyError(f"{path}: is damaged ({error}); remove it and run `commlab check` again") from error
    return table.to_pandas(use_threads=False)


class HashCache:
    """Hashes of files that have not been touched since they were hashed.

    A hash is reused only where size, modification time, change time and inode are all the same (no program
    can set the change time back), and only where the file had been at rest for two seconds when it was
    hashed. Anything else is read again; a cache that is damaged or lost costs time and nothing more.

    Parameters
    ----------
    path : path
        The JSON file that holds the cache; written by ``save``.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._known: dict[str, list[Any]] = {}
        self._changed = False
        with contextlib.suppress(OSError, ValueError, AttributeError):
            found = json.loads(self.path.read_text(encoding="utf-8"))
            self._known = {k: v for k, v in found.items() if isinstance(v, list) and len(v) == 5}

    def hash(self, path: str | Path) -> str:
        """SHA-256 of a file, from memory where that is safe."""
        full = os.path.abspath(path)
        try:
            stat = os.stat(full)
        except OSError as error:
            raise StudyError(f"{path}: cannot be read ({error.strerror or error})") from error
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        known = self._known.get(full)
        if known is not None and known[:4] == mark:
            return str(known[4])
        now = time.time_ns()
        value = file_hash(full)
        if now - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS:
            self._known[full] = [*mark, value]
            self._changed = True
        return value

    def save(self) -> None:
        """Write the cache if it learnt something; files that no longer exist are forgotten."""
        if self._changed:
            kept = {k: v for k, v in self._known.items() if os.path.exists(k)}
            write_text(self.path, json.dumps(kept, sort_keys=True))
            self._changed = False
