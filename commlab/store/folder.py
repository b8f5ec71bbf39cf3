"""``data/processed/<period>/``: clean tables, city-wide results, and what they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commlab.errors import ParameterError, StudyError
from commlab.store.files import TEMPORARY, read_json, read_parquet, write_bytes, write_json, write_parquet
from commlab.store.hashes import canonical_json, file_hash, json_hash
from commlab.store.locks import lock

if TYPE_CHECKING:
    import pandas as pd


def _plain(name: str, what: str) -> str:
    if not re.fullmatch(r"[\w][\w-]*", name):
        raise ParameterError(f"{name!r} cannot name a {what}: letters, digits, _ and - only")
    return name


def _hash_of(path: Path) -> str | None:
    return file_hash(path) if path.is_file() else None


class ProcessedFolder:
    """``data/processed/<period>/``: clean tables, city-wide results, and what they were made from.

    Parameters
    ----------
    study_root : path
        The study's folder.
    period : str
        For instance ``2019Q4``.

    Notes
    -----
    ``<table>.parquet`` clean tables, ``results/<name>.parquet`` the city stage, ``inputs.json`` which office
    sent what, ``stage.json`` the hashes the results were computed from. Both are written last and lose what makes
    them fresh (``unsettle``) before anything beside them is rewritten, so that what they call fresh always belongs to
    them, whenever a run was killed. ``reports.json`` remembers what each report depends on.
    """

    def __init__(self, study_root: str | Path, period: str) -> None:
        self.period = _plain(period, "period")
        self.path = Path(study_root) / "data" / "processed" / period

    def lock(
        self, *, shared: bool = False, wait: float = 0.0, doing: str = ""
    ) -> contextlib.AbstractContextManager[None]:
        """Hold this period while writing (``shared``: while reading what must not change); see ``lock``."""
        return lock(self.path / ".lock", shared=shared, wait=wait, doing=doing or f"check {self.period}")

    # tables
    def table_path(self, table: str) -> Path:
        return self.path / f"{_plain(table, 'table')}.parquet"

    def table_hash(self, table: str) -> str | None:
        """Hash of a clean table's file; None where there is none."""
        return _hash_of(self.table_path(table))

    def tables(self) -> list[str]:
        """Names of the clean tables that are stored, sorted."""
        return sorted(p.stem for p in self.path.glob("*.parquet") if not p.name.startswith("."))

    def write_table(self, table: str, frame: pd.DataFrame) -> str:
        """Store a clean table and return the hash of its file."""
        return write_parquet(self.table_path(table), frame)

    def read_table(self, table: str, columns: list[str] | None = None) -> pd.DataFrame:
        """Read a clean table; StudyError where it has not been written."""
        return read_parquet(self.table_path(table), columns)

    # results of the city stage
    def result_path(self, name: str) -> Path:
        return self.path / "results" / f"{_plain(name, 'result')}.parquet"

    def result_hash(self, name: str) -> str | None:
        """Hash of a stored result's file; None where there is none."""
        return _hash_of(self.result_path(name))

    def results(self) -> list[str]:
        """Names of the stored city-wide results, sorted."""
        return sorted(p.stem for p in (self.path / "results").glob("*.parquet") if not p.name.startswith("."))

    def write_result(self, name: str, frame: pd.DataFrame) -> str:
        """Store a city-wide result and return the hash of its file."""
        return write_parquet(self.result_path(name), frame)

    def read_result(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        """Read a city-wide result; StudyError where it has not been computed."""
        return read_parquet(self.result_path(name), columns)

    # what they were made from
    def write_inputs(self, inputs: Mapping[str, Any]) -> str:
        """Write ``inputs.json``."""
        return write_json(self.path / "inputs.json", inputs)

    def read_inputs(self) -> dict[str, Any] | None:
        """What ``inputs.json`` says; None where the period has not been checked."""
        return self._note("inputs.json")

    def write_stage(self, stage: Mapping[str, Any]) -> str:
        """Write ``stage.json``: last, when all results are stored."""
        return write_json(self.path / "stage.json", stage)

    def read_stage(self) -> dict[str, Any] | None:
        """What ``stage.json`` says; None where the city stage has not been computed."""
        return self._note("stage.json")

    def unsettle(self, *, tables: bool = False) -> None:
        """Call the results (``tables``: the clean tables, too) stale: first, before any of them is rewritten."""
        for name, fresh in [("inputs.json", "hashes")] * tables + [("stage.json", "key")]:
            try:
                note = self._note(name)
            except StudyError:  # damaged: it calls nothing fresh
                (self.path / name).unlink(missing_ok=True)
            else:
                if note:
                    write_json(self.path / name, note | {fresh: None})

    # what reports depend on
    def mark(self) -> str:
        """One hash of every table, result and note that is stored: what is taken from them stays good with it."""
        kept = [self.path / "inputs.json", self.path / "stage.json"]
        kept += [self.table_path(t) for t in self.tables()] + [self.result_path(r) for r in self.results()]
        return json_hash({p.relative_to(self.path).as_posix(): file_hash(p) for p in kept if p.exists()})

    def write_reports(self, note: Mapping[str, Any]) -> None:
        """Write ``reports.json``, a memory: where it cannot be written it is only taken again."""
        with contextlib.suppress(OSError):
            write_json(self.path / "reports.json", note)

    def read_reports(self) -> dict[str, Any]:
        """What ``reports.json`` says; empty where there is none or it is damaged."""
        try:
            return self._note("reports.json") or {}
        except StudyError:
            return {}

    def _note(self, name: str) -> dict[str, Any] | None:
        path = self.path / name
        if not path.exists():
            return None
        note = read_json(path)
        if not isinstance(note, dict):
            raise StudyError(f"{path}: is damaged (not a mapping); remove it and run `commlab check` again")
        return note

    def sweep(self) -> list[str]:
        """Remove what an interrupted write left behind (only while holding the lock); return the names."""
        left = [p for p in self.path.rglob(f".*{TEMPORARY}*") if p.is_file()]
        for path in left:
            path.unlink(missing_ok=True)
        return sorted(p.name for p in left)


class FrameMemory:
    """Frames that took work to make, kept in one file below ``data/processed`` with what they rest on.

    A memory and nothing more: where it is lost, damaged, of other inputs or cannot be written, the frames are made
    again. What it gives back is what it was given, value by value and type by type: what a file cannot hold so is not
    kept.

    Parameters
    ----------
    study_root : path
    name : str
        For instance ``.register``.
    """

    def __init__(self, study_root: str | Path, name: str) -> None:
        self.path = Path(study_root) / "data" / "processed" / name

    def read(self, key: str) -> tuple[Any, dict[str, pd.DataFrame]] | None:
        """The note and the frames that were stored with ``key``; None where there are none."""
        try:
            return _unpacked(self.path.read_bytes(), key)
        except (OSError, ValueError, KeyError, TypeError):  # pyarrow's errors of damaged data are ValueErrors
            return None

    def write(self, key: str, frames: Mapping[str, pd.DataFrame], note: Any = None) -> None:
        """Store frames and a note (JSON); nothing is left where they would not come back as they are."""
        packed = _packed(key, frames, note)
        with contextlib.suppress(OSError):
            if packed is None:
                self.path.unlink(missing_ok=True)
            else:
                write_bytes(self.path, packed, flush=False)  # what a crash spoils has another hash


def _packed(key: str, frames: Mapping[str, pd.DataFrame], note: Any) -> bytes | None:
    """Hash, one line of JSON, and the frames one after the other; None where reading it gives anything else."""
    import pyarrow as pa

    blobs = {}
    try:
        for name, frame in frames.items():
            table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(
                sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
            ) as out:
                out.write_table(table)
            blobs[name] = sink.getvalue().to_pybytes()
    except (pa.ArrowException, TypeError, ValueError):
        return None
    head = {"key": key, "note": note, "sizes": [(name, len(blob)) for name, blob in blobs.items()]}
    body = b"\n".join([canonical_json(head, indent=None).encode(), b"".join(blobs.values())])
    packed = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
    again = _unpacked(packed, key)
    same = again is not None and again[0] == note and all(_same(f, again[1][n]) for n, f in frames.items())
    return packed if same else None


def _unpacked(packed: bytes, key: str) -> tuple[Any, dict[str, pd.DataFrame]] | None:
    import pyarrow as pa

    digest, _, body = packed.partition(b"\n")
    line, _, rest = body.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    head = json.loads(line)
    if head["key"] != key:
        return None
    frames, at = {}, 0
    for name, size in head["sizes"]:
        options = pa.ipc.IpcReadOptions(use_threads=False)
        table = pa.ipc.open_stream(rest[at : at + size], options=options).read_all()
        frames[name], at = table.to_pandas(use_threads=False).copy(), at + size
    return head["note"], frames


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether nothing tells two frames apart: values, types, row and column labels, attributes."""
    import pandas as pd

    plain = isinstance(one.index, pd.RangeIndex) and one.index.equals(other.index) and one.index.name is None
    return plain and one.columns.identical(other.columns) and not one.attrs and one.equals(other)
