"""Raw files of a period -> clean tables, one ledger, and who sent what.

Every file is read by the reader that its input names. What a reader cannot use stays in the ledger with file, sheet and
cell; a district whose files hold an unusable cell or row fails for the period, the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from commlab import store
from commlab.errors import DataError
from commlab.framework import Framework
from commlab.intake import (
    READERS,
    RawTable,
    check_measures,
    check_problems,
    check_ratings,
    load_codebook,
    match_names,
    read_questionnaire,
    read_table,
)
from commlab.intake import Register as Names
from commlab.intake.table import read_tables
from commlab.study.config import StudyConfig
from commlab.study.estimates import weighted
from commlab.study.raw import RawFile, find_files, secret_key
from commlab.study.register import Register
from commlab.study.status import FileRead, files_read, ledger_line, outstanding_lines, status_table
from commlab.tables import CONTRACTS, empty, previous_period

__all__ = ["Cleaned", "clean_period"]


@dataclass
class Cleaned:
    """What reading a period gave: tables, ledger, status (a row an office and input), survey items, files."""

    tables: dict[str, pd.DataFrame]
    ledger: pd.DataFrame
    status: pd.DataFrame
    items: dict[str, int]
    files: list[dict[str, Any]]
    sample: bool

    def write_ledger_workbook(self, path: Path) -> None:
        """``ledger.xlsx``: a summary sheet, then a sheet a kind of input."""
        from commlab.study.ledgerbook import write_ledger

        write_ledger(path, self.ledger, self.status, sample=self.sample)


def clean_period(
    config: StudyConfig,
    register: Register,
    framework: Framework,
    period: str,
    *,
    progress: Callable[[str], None] | None = None,
) -> Cleaned:
    """Read and clean all raw files of a period.

    Raises
    ------
    StudyError
        If the period has no file at all.
    """
    files, strangers = find_files(config, period)
    names = Names.of(register.units, register.aliases, register.unit_changes)
    reader = _FileReader(config, register, framework, names, period)
    read = []
    for file in files:
        if progress:
            progress(file.name)
        read += reader.read(file)
    ledgers = [r.ledger for r in read if len(r.ledger)] + [_stranger(s, period) for s in strangers]
    tables = {}
    for table in CONTRACTS:
        parts = [r.frame for r in read if r.table == table and len(r.frame)]
        if parts:
            frame, lines = _without_repeats(table, pd.concat(parts, ignore_index=True), period)
            tables[table] = frame
            ledgers += lines
    if "responses" in tables:
        tables["responses"] = _base_weights(tables["responses"], register, period)
    ledgers += _cross_checks(config, register, framework, tables, period)
    ledger = pd.concat(ledgers, ignore_index=True) if ledgers else empty("ledger")
    ledger["period"] = period
    status = status_table(config, register, read, ledger, period)
    ledger = pd.concat([ledger, outstanding_lines(status, period)], ignore_index=True)
    ledger = ledger.astype(empty("ledger").dtypes.to_dict())
    return Cleaned(tables, ledger, status, reader.items, files_read(read, config), config.sample)


class _FileReader:
    def __init__(
        self, config: StudyConfig, register: Register, framework: Framework, names: Names, period: str
    ) -> None:
        self.config, self.register, self.framework = config, register, framework
        self.names, self.period = names, period
        self.certainty = config.choices.fuzzy_certainty
        self.codes = {"total": "total"} | {n.code: n.zh for n in framework.nodes}
        self.metrics = list(framework.metrics)
        self.items: dict[str, int] = {}

    def read(self, file: RawFile) -> list[FileRead]:
        district, fault = self._district(file)
        if fault:
            return [_failed(file, None, fault)]
        try:
            if file.input.reader == "responses":
                return [self._responses(file, district)]
            return [self._table(file, district, raw) for raw in self._raw(file)]
        except DataError as error:
            return [_failed(file, district, str(error), sheet=error.sheet)]

    def _district(self, file: RawFile) -> tuple[str | None, str]:
        written = file.fields.get("district")
        if not written:
            return None, ""
        found = match_names([written], self.names, level="district", certainty=self.certainty).iloc[0]
        if pd.isna(found["matched"]):
            return (
                None,
                f"{file.name}: “{written}” is no district of the register; rename the file, or add an alias",
            )
        return str(found["matched"]), ""

    def _raw(self, file: RawFile) -> list[RawTable]:
        """The tables of a file: every sheet of a workbook of judgement matrices, else the one table it holds."""
        wanted = file.input.spec.get("sheet")
        if file.input.reader == "judgments" and wanted is None:
            return list(read_tables(file.path, name=file.name).values())
        return [read_table(file.path, sheet=wanted, name=file.name)]

    def _table(self, file: RawFile, district: str | None, raw: RawTable) -> FileRead:
        mapped = READERS[file.input.reader](
            raw,
            {"name": file.input.name, **file.input.spec},
            period=file.period,
            units=self.names,
            district=district,
            given={k: v for k, v in file.fields.items() if v},
            codes=self.codes,
            metrics=self.metrics,
            certainty=self.certainty,
        )
        ledger = pd.concat(
            [f for f in (raw.ledger, mapped.ledger) if len(f)] or [raw.ledger], ignore_index=True
        )
        broken = self._broken(mapped.frame, mapped.ledger, district)
        return FileRead(file, district, file.input.reader, mapped.frame, ledger, broken)

    def _broken(self, frame: pd.DataFrame, ledger: pd.DataFrame, district: str | None) -> list[str]:
        """Districts that an unusable cell or row of the file belongs to."""
        wrong = ledger[(ledger["severity"] == "error") & (ledger["action"] == "rejected")]
        if wrong.empty:
            return []
        if district:
            return [district]
        if "unit" not in frame:
            return []
        cells = {c for text in wrong["first_cells"].dropna() for c in re.findall(r"[A-Z]+\d+", text)}
        columns = {re.sub(r"\d", "", c) for c in cells}
        many = bool((wrong["n"] > 5).any())
        value = next((c for c in ("score", "value") if c in frame), None)
        at = frame["source"].str.rpartition("!")[2]
        hit = at.isin(cells)
        if many and value:
            hit |= frame[value].isna() & at.str.replace(r"\d", "", regex=True).isin(columns)
        districts = set(self.register.districts)
        owners = frame.loc[hit, "unit"].map(
            lambda u: u if u in districts else self.register.district_of.get(u)
        )
        return sorted(set(owners.dropna()))

    def _responses(self, file: RawFile, district: str | None) -> FileRead:
        instrument = str(file.input.spec.get("codebook") or self.config.instrument)
        book = load_codebook(self.register.codebook(instrument))
        sampled = set(self.register.frame_of(self.period)["unit"])
        got = read_questionnaire(
            file.path,
            book,
            register=self.names,
            key=secret_key(self.config),
            period=file.period,
            name=file.name,
            district=district,
            sampled=sampled or None,
            exclude_flags=self.config.exclude_flags,
            certainty=self.certainty,
        )
        self.items |= {name: q.high - q.low + 1 for name, q in book.items.items() if not q.multiple}
        return FileRead(file, district, "responses", got.frame, got.ledger)


def _failed(file: RawFile, district: str | None, message: str, sheet: str | None = None) -> FileRead:
    # The reader knows the file's bare name; people need to know which office's.
    told = file.name + message.removeprefix(file.name).removeprefix(file.path.name)
    if not told.startswith(f"{file.name}:") and not told.startswith(f"{file.name} "):
        told = f"{file.name}: {message}"
    ledger = ledger_line(
        file.period, file.name, "unreadable file", told, table=file.input.reader, action="rejected", severity="error",
        sheet=sheet or "",
    )  # fmt: skip
    return FileRead(
        file, district, file.input.reader, pd.DataFrame(), ledger, [district] if district else [], told
    )


def _stranger(name: str, period: str) -> pd.DataFrame:
    return ledger_line(
        period,
        name,
        "unclaimed file",
        f"{name}: no input of study.yaml claims this file; it was not read. Rename it or add an input",
    )


def _without_repeats(table: str, frame: pd.DataFrame, period: str) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Rows that repeat a key of another file are rejected: the first file in order of names is kept."""
    key = [k for k in CONTRACTS[table].key if k in frame]
    again = frame.duplicated(key) if key else pd.Series(False, index=frame.index)
    lines = []
    if again.any():
        files = frame.loc[again, "source"].str.partition("#")[0]
        for name, count in files.value_counts(sort=False).items():
            lines.append(
                ledger_line(
                    period, str(name), "repeated across files",
                    f"{name}: {count} rows stand in another file too; the other file's were kept. Remove one of the two",
                    table=table, action="rejected", severity="error", n=int(count),
                )
            )  # fmt: skip
    return frame[~again].reset_index(drop=True), lines


def _base_weights(responses: pd.DataFrame, register: Register, period: str) -> pd.DataFrame:
    frame = register.frame_of(period)
    data = weighted(responses, frame, register.district_of)
    keyed = data.set_index("source")["base_weight"]
    return responses.assign(base_weight=responses["source"].map(keyed).astype("float64"))


def _cross_checks(
    config: StudyConfig,
    register: Register,
    framework: Framework,
    tables: dict[str, pd.DataFrame],
    period: str,
) -> list[pd.DataFrame]:
    """Checks across rows and against the period before, on clean tables."""
    lines = []
    before = previous_period(period, list(config.periods))
    earlier = None
    if before:
        folder = store.ProcessedFolder(config.root, before)
        if folder.table_path("measures").is_file():
            earlier = folder.read_table("measures")
    if "measures" in tables:
        flows = [name for name, metric in framework.metrics.items() if metric.kind == "flow"]
        lines.append(
            check_measures(
                tables["measures"],
                previous=earlier,
                units=register.units,
                metrics=framework.metrics,
                flows=flows,
            )
        )
    if "ratings" in tables:
        lines.append(check_ratings(tables["ratings"]))
    if "problems" in tables:
        lines.append(check_problems(tables["problems"]))
    return [line for line in lines if len(line)]
