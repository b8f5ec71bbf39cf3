"""``data/processed/<period>/``: clean tables, city-wide results, and what they were made from."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commlab.errors import ParameterError, StudyError
from commlab.store.files import TEMPORARY, read_json, read_parquet, write_json, write_parquet
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
    removed first, so that results beside it always belong to it.
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
