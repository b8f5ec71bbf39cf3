"""Raw files of a period -> clean tables, one ledger, and who sent what.

Every file is read by the reader that its input names. What a reader cannot use stays in the ledger with file, sheet and
cell; a district whose files hold an unusable cell or row fails for the period, the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
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
from commlab.intake.against import few
from commlab.intake.ledger import cells_of, joined
from commlab.intake.mapped import headers_of
from commlab.intake.table import read_tables
from commlab.study import across, review
from commlab.study.advice import actions
from commlab.study.config import StudyConfig
from commlab.study.estimates import weighted
from commlab.study.ledgerbook import write_ledger
from commlab.study.marked import write_marked
from commlab.study.raw import RawFile, find_files, secret_key
from commlab.study.register import Register
from commlab.study.results import period_end
from commlab.study.sources import note_arrivals, record_sources
from commlab.study.status import (
    UNMATCHED,
    FileRead,
    files_read,
    ledger_lines,
    outstanding_lines,
    status_table,
)
from commlab.tables import CONTRACTS, empty, previous_period, validate

__all__ = ["Cleaned", "clean_period", "write_period"]


@dataclass
class Cleaned:
    """What reading a period gave: tables, ledger, status (a row an office and input), survey items, files, questions."""

    tables: dict[str, pd.DataFrame]
    ledger: pd.DataFrame
    status: pd.DataFrame
    items: dict[str, int]
    files: list[dict[str, Any]]
    questions: pd.DataFrame


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
    names = Names.of(register.units, register.aliases, register.unit_changes, period_end(period))
    reader = _FileReader(config, register, framework, names, period)
    read = []
    for file in files:
        if progress:
            progress(file.name)
        read += reader.read(file)
    listed = files_read(read, config)
    earlier = _earlier(config, period)
    lines = [_stranger(s) for s in strangers] + across.repeated_files(listed)
    if earlier:
        lines += across.pasted_texts(read, (earlier.read_inputs() or {}).get("files", []))
    ledgers = [r.ledger for r in read]
    tables = {}
    for table in CONTRACTS:
        parts = [r for r in read if r.table == table and len(r.frame)]
        if not parts:
            continue
        frame = pd.concat([r.frame for r in parts], ignore_index=True)
        if table == "responses":
            persons = pd.concat([p.persons for p in parts if p.persons is not None], ignore_index=True)
            frame, more = across.same_persons(frame, persons, config.exclude_flags)
            lines += more
        frame, more = across.without_repeats(table, frame)
        tables[table] = frame
        lines += more
    if "responses" in tables:
        tables["responses"] = _base_weights(tables["responses"], register, period)
    ledgers += [ledger_lines(period, lines), *_cross_checks(config, register, framework, tables, earlier)]
    ledger = joined(ledgers).assign(period=period)
    status = status_table(config, register, read, ledger, period)
    ledger = joined([ledger, outstanding_lines(status, period)]).astype(empty("ledger").dtypes.to_dict())
    return Cleaned(tables, ledger, status, reader.items, listed, review.open_questions(read, names))


def write_period(
    config: StudyConfig,
    register: Register,
    framework: Framework,
    period: str,
    *,
    hashes: Mapping[str, str],
    before: Mapping[str, Any],
) -> None:
    """Read a period and write what came of it: clean tables, ledger, workbooks for people, questions, who sent what.

    ``hashes`` are those of what is read, ``before`` is what ``inputs.json`` said until now.
    """
    root, folder = config.root, store.ProcessedFolder(config.root, period)
    report = clean_period(config, register, framework, period)
    folder.drop_stage()
    for table, frame in report.tables.items():
        folder.write_table(table, validate(table, frame))
    for stale in set(folder.tables()) - set(report.tables) - {"ledger", "status"}:
        folder.table_path(stale).unlink()
    ledger = validate("ledger", report.ledger)
    folder.write_table("ledger", ledger)
    folder.write_table("status", report.status)
    findings = actions(ledger, config.language, framework)
    write_ledger(folder.path / "ledger.xlsx", findings, report.status, config.language, sample=config.sample)
    write_marked(root, period, findings, ledger, report.files, config.language, sample=config.sample)
    review.write_questions(root, period, report.questions)
    strangers = sorted(set(ledger.loc[ledger["rule"] == "unclaimed file", "file"]))
    unread = [
        {"file": f, "sha256": store.file_hash(root / f), "district": None, "rows": ""} for f in strangers
    ]
    entered = record_sources(root, [*report.files, *unread])
    gone = {f["file"] for f in before.get("files", [])} - {f["file"] for f in report.files}
    note_arrivals(root, period, entered, gone)
    folder.write_inputs({"hashes": hashes, "items": list(report.items.items()), "files": report.files})


def _earlier(config: StudyConfig, period: str) -> store.ProcessedFolder | None:
    """The folder of the period before, where that has been checked."""
    before = previous_period(period, list(config.periods))
    folder = store.ProcessedFolder(config.root, before) if before else None
    return folder if folder and folder.table_path("ledger").is_file() else None


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
        district, lost = self._district(file)
        if lost is not None:
            return [lost]
        try:
            if file.input.reader == "responses":
                return [self._responses(file, district)]
            return [self._table(file, district, raw) for raw in self._raw(file)]
        except DataError as error:
            return [_failed(file, district, str(error), sheet=error.sheet)]

    def _district(self, file: RawFile) -> tuple[str | None, FileRead | None]:
        """The district that the file's name says, and what is left of the file where it says none."""
        written = file.fields.get("district")
        if not written:
            return None, None
        found = match_names([written], self.names, level="district", certainty=self.certainty).iloc[0]
        if pd.notna(found["matched"]):
            return str(found["matched"]), None
        if self.names.declared_none(written):
            told = f"{file.name}: “{written}” is declared to be no unit; the file was not read"
            return None, _failed(file, None, told, rule="declared no unit", severity="note")
        told = f"{file.name}: “{written}” is no district of the register; rename the file, or settle the name in review.csv"
        lost = _failed(file, None, told, rule="unknown district", found=written)
        lost.unmatched = pd.DataFrame([(written, None, 1, "district")], columns=UNMATCHED)
        return None, lost

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
        spec, reader = file.input.spec, file.input.reader
        titled = ledger_lines(file.period, across.other_period(raw, file.period, file.name))
        return FileRead(
            file,
            district,
            reader,
            mapped.frame,
            joined([_still_open(raw.ledger, mapped.ledger), mapped.ledger, titled]),
            self._broken(mapped.frame, mapped.ledger, district),
            unmatched=mapped.unmatched.assign(level=spec.get("level") or "community")[UNMATCHED],
            texts=across.texts_of(raw, headers_of(spec.get("unit"))) if reader == "measures" else [],
        )

    def _broken(self, frame: pd.DataFrame, ledger: pd.DataFrame, district: str | None) -> list[str]:
        """Districts that an unusable cell or row of the file belongs to."""
        wrong = ledger[(ledger["severity"] == "error") & (ledger["action"] == "rejected")]
        if wrong.empty:
            return []
        if district:
            return [district]
        if "unit" not in frame:
            return []
        named = {cell for text in wrong["first_cells"].dropna() for cell in cells_of(text)}
        cells, columns = {f"{column}{row}" for column, row in named}, {column for column, _ in named}
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
        unmatched = got.unmatched.assign(level="community")[UNMATCHED]
        asked = got.ledger["rule"].eq("unknown unit") & got.ledger["before"].isna()
        got.ledger.loc[asked, "before"] = few(unmatched["found"].unique(), most=4)
        return FileRead(
            file, district, "responses", got.frame, got.ledger, unmatched=unmatched, persons=got.persons
        )


def _still_open(read: pd.DataFrame, mapped: pd.DataFrame) -> pd.DataFrame:
    """Lines of reading a table without the doubts that became errors where a number was needed."""
    wrong = mapped[mapped["rule"] == "letters for a number"]
    if wrong.empty:
        return read
    said = set(zip(wrong["column"], wrong["before"], strict=True))
    again = [pair in said for pair in zip(read["column"], read["before"], strict=True)]
    return read[~(read["rule"].isin(["not_a_number", "date_in_numbers"]) & np.array(again, dtype=bool))]


def _failed(
    file: RawFile,
    district: str | None,
    message: str,
    sheet: str | None = None,
    *,
    rule: str = "unreadable file",
    severity: str = "error",
    found: str | None = None,
) -> FileRead:
    # The reader knows the file's bare name; people need to know which office's.
    bare = message.removeprefix(file.name).removeprefix(file.path.name)
    told = file.name + bare if bare.startswith((":", " ")) else f"{file.name}: {bare}"
    line = {"file": file.name, "rule": rule, "message": told, "table": file.input.reader, "action": "rejected",
            "severity": severity, "sheet": sheet or "", "before": found or bare.lstrip(": ")}  # fmt: skip
    fault = told if severity == "error" else ""
    broken = [district] if district else []
    ledger = ledger_lines(file.period, [line])
    return FileRead(file, district, file.input.reader, pd.DataFrame(), ledger, broken, fault)


def _stranger(name: str) -> dict[str, Any]:
    told = f"{name}: no input of study.yaml claims this file; it was not read. Rename it or add an input"
    return {"file": name, "rule": "unclaimed file", "message": told}


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
    earlier: store.ProcessedFolder | None,
) -> list[pd.DataFrame]:
    """Checks across rows and against the period before, on clean tables."""
    lines = []
    if "measures" in tables:
        known = earlier is not None and earlier.table_path("measures").is_file()
        lines.append(
            check_measures(
                tables["measures"],
                previous=earlier.read_table("measures") if earlier and known else None,
                units=register.units,
                metrics=framework.metrics,
                parts=_declared_parts(config),
                flows=[name for name, metric in framework.metrics.items() if metric.kind == "flow"],
                changes=register.unit_changes,
            )
        )
    if "ratings" in tables:
        lines.append(check_ratings(tables["ratings"]))
    if "problems" in tables:
        lines.append(check_problems(tables["problems"]))
    return lines


def _declared_parts(config: StudyConfig) -> list[tuple[str, str]]:
    """(part, whole) pairs that study.yaml declares with ``part_of``."""
    return [
        (str(metric), str(entry["part_of"]))
        for source in config.inputs
        if source.reader == "measures"
        for metric, entry in (source.spec.get("columns") or {}).items()
        if isinstance(entry, Mapping) and entry.get("part_of")
    ]
