"""Raw files of a period -> clean tables, one ledger, and who sent what.

Every file is read by the reader that its input names. What a reader cannot use stays in the ledger with file, sheet and
cell; a district whose files hold an unusable cell or row fails for the period, the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from commlab import store
from commlab.errors import listing
from commlab.framework import Framework
from commlab.intake import Register as Names
from commlab.intake import (
    check_measures,
    check_problems,
    check_ratings,
)
from commlab.intake.ledger import joined
from commlab.study import across, review, verdicts
from commlab.study.advice import actions
from commlab.study.base_weights import weighted
from commlab.study.config import StudyConfig
from commlab.study.kept import Kept
from commlab.study.ledgerbook import write_ledger
from commlab.study.marked import write_marked
from commlab.study.naming import naming_lines
from commlab.study.raw import find_files, refused_links
from commlab.study.reading import FileReader
from commlab.study.register import Register
from commlab.study.results import period_end
from commlab.study.sources import note_arrivals, record_sources
from commlab.study.status import (
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
    """What reading a period gave: tables, ledger, status (a row an office and input), survey items, files, and what
    people have to settle: names (questions) and answers that two keyings give otherwise (disagreements)."""

    tables: dict[str, pd.DataFrame]
    ledger: pd.DataFrame
    status: pd.DataFrame
    items: dict[str, int]
    files: list[dict[str, Any]]
    questions: pd.DataFrame
    disagreements: pd.DataFrame


def clean_period(
    config: StudyConfig,
    register: Register,
    framework: Framework,
    period: str,
    *,
    progress: Callable[[str], None] | None = None,
    anew: bool = False,
) -> Cleaned:
    """Read and clean all raw files of a period (``anew``: also those that were read before and have not changed).

    Raises
    ------
    StudyError
        If the period has no file at all.
    """
    files, strangers = find_files(config, period)
    names = Names.of(register.units, register.aliases, register.unit_changes, period_end(period))
    reader = FileReader(config, register, framework, names, period, files)
    kept = Kept(config.root, period, reader.basis, anew=anew)
    read = []
    for file in files:
        if progress:
            progress(file.name)
        read += kept.read(file, reader.read, reader.rests_on(file))
    kept.forget(files)
    listed = files_read(read, config)
    earlier = _earlier(config, period)
    lines = [_stranger(s, config) for s in strangers] + [
        _link(name) for name in refused_links(config.root, period)
    ]
    copies = across.repeated_files(listed)
    lines += copies
    if earlier:
        lines += across.pasted_texts(read, (earlier.read_inputs() or {}).get("files", []))
    lines += naming_lines(config.root, register, (r.unmatched for r in read), (r.frame for r in read))
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
        frame, more = across.without_repeats(table, frame, copies={str(line["file"]) for line in copies})
        tables[table] = frame
        lines += more
        _contradicted(parts, more)
    if "responses" in tables:
        tables["responses"] = _base_weights(tables["responses"], register, period)
    ledgers += [ledger_lines(period, lines), *_cross_checks(config, register, framework, tables, earlier)]
    ledger = joined(ledgers).assign(period=period)
    status = status_table(config, register, read, ledger, period)
    ledger = joined([ledger, outstanding_lines(status, period)]).astype(empty("ledger").dtypes.to_dict())
    odd = [r.disagreements for r in read if r.disagreements is not None and len(r.disagreements)]
    disagreements = pd.concat(odd, ignore_index=True) if odd else pd.DataFrame()
    questions = review.open_questions(read, names)
    return Cleaned(tables, ledger, status, reader.items, listed, questions, disagreements)


def write_period(
    config: StudyConfig,
    register: Register,
    framework: Framework,
    period: str,
    *,
    hashes: Mapping[str, str],
    before: Mapping[str, Any],
    anew: bool = False,
) -> None:
    """Read a period and write what came of it: clean tables, ledger, workbooks for people, questions, who sent what.

    ``hashes`` are those of what is read, ``before`` is what ``inputs.json`` said until now.
    """
    root, folder = config.root, store.ProcessedFolder(config.root, period)
    report = clean_period(config, register, framework, period, anew=anew)
    folder.unsettle(tables=True)
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
    verdicts.write_disagreements(root, period, report.disagreements)
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


def _contradicted(read: list[FileRead], lines: list[dict[str, Any]]) -> None:
    """A district that sent two files for one is not done before one of them is gone."""
    twice = {line["file"] for line in lines if line["severity"] == "error"}
    for one in read:
        if one.file.name in twice and one.district and one.district not in one.broken:
            one.broken.append(one.district)


def _stranger(name: str, config: StudyConfig) -> dict[str, Any]:
    """A file that no input claims, with what files of its folder are called."""
    folder = name.split("/")[3:-1]
    beside = [e.files for e in config.inputs if e.files.split("/")[:-1] == folder]
    told = f"{name}: no input of study.yaml claims this file; it was not read. Rename it or add an input"
    return {"file": name, "rule": "unclaimed file", "message": told, "after": listing(beside, most=3) or None}


def _link(name: str) -> dict[str, Any]:
    told = f"{name}: is a link out of the study, to a folder or to nothing; it was not followed. Put the file itself there"
    return {
        "file": name,
        "rule": "link not followed",
        "message": told,
        "action": "rejected",
        "severity": "error",
    }


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
