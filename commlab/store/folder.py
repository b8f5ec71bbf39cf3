"""``data/processed/<period>/``: clean tables, city-wide results, and what they were made from."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commlab.errors import ParameterError, StudyError
from commlab.store.files import TEMPORARY, read_json, read_parquet, write_json, write_parquet
from commlab.store.hashes import file_hash, json_hash
from commlab.store.locks import lock

if TYPE_CHECKING:
    import pandas as pd


def _plain(name: str, what: str) -> str:
    if not re.fullmatch(r"[\w][\w-]*", name):
        raise ParameterError(f"{name!r} cannot name a {what}: letters, digits, _ and - only")
    return name


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
    sent what, ``stage.json`` the hashes the results were computed from. ``stage.json`` is written last and
    removed first, so that results beside it always belong to it. ``reports.json`` remembers what each report
    depends on.
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

    def drop_stage(self) -> None:
        """Remove ``stage.json``: first, before any result is rewritten."""
        (self.path / "stage.json").unlink(missing_ok=True)

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
    """Frames that took work to read and check, kept in ``data/processed/<name>/`` with what they rest on.

    A memory and nothing more: where it is lost, damaged, of other inputs or cannot be written, the frames are
    made again.

    Parameters
    ----------
    study_root : path
    name : str
        For instance ``.register``.
    """

    def __init__(self, study_root: str | Path, name: str) -> None:
        self.path = Path(study_root) / "data" / "processed" / name

    def read(self, key: str, names: Iterable[str]) -> dict[str, pd.DataFrame] | None:
        """The frames that were stored with ``key``; None where there are none."""
        try:
            note = read_json(self.path / "made_from.json")
            wanted = dict(note["frames"]) if note["key"] == key else {}
            if set(wanted) != set(names):
                return None
            files = {n: self.path / f"{n}.parquet" for n in wanted}
            if any(file_hash(files[n]) != wanted[n] for n in wanted):
                return None
            return {n: read_parquet(files[n]) for n in wanted}
        except (StudyError, KeyError, TypeError, ValueError):
            return None

    def write(self, key: str, frames: Mapping[str, pd.DataFrame]) -> None:
        """Store frames; the note of what they rest on comes last."""
        with contextlib.suppress(OSError):
            (self.path / "made_from.json").unlink(missing_ok=True)
            kept = {n: write_parquet(self.path / f"{n}.parquet", frame) for n, frame in frames.items()}
            write_json(self.path / "made_from.json", {"key": key, "frames": kept})
