"""Who sent what: one file as read, the table of offices and inputs, and the ledger lines about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab import store
from commlab.study.config import Input, StudyConfig
from commlab.study.raw import RawFile
from commlab.tables import empty

if TYPE_CHECKING:
    from commlab.study.register import Register

__all__ = ["UNMATCHED", "FileRead", "files_read", "ledger_lines", "outstanding_lines", "status_table"]

_COLUMNS = [
    "period",
    "unit",
    "input",
    "label_zh",
    "label_en",
    "state",
    "files",
    "rows",
    "warnings",
    "errors",
    "message",
    "required",
]


UNMATCHED = ["found", "within", "n", "level"]
"""Columns of the names that a file leaves open."""


@dataclass
class FileRead:
    """One file as read: its clean rows, what was done to them, whom its errors concern, what it leaves open.

    ``texts`` are hashes of the sentences in it, ``persons`` keyed hashes of who answered, row by row; ``held`` counts rows
    of a file that goes into another's (a second keying), ``disagreements`` what the two keyings leave open.
    """

    file: RawFile
    district: str | None
    table: str
    frame: pd.DataFrame
    ledger: pd.DataFrame
    broken: list[str] = field(default_factory=list)
    fault: str = ""
    unmatched: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=UNMATCHED))
    texts: list[str] = field(default_factory=list)
    persons: pd.Series | None = None
    held: int = 0
    disagreements: pd.DataFrame | None = None


def ledger_lines(period: str, lines: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Lines of the ledger about whole files: ``file``, ``rule``, ``message`` and what else is not as usual."""
    usual = {
        "period": period, "file": "", "sheet": "", "table": "", "column": "", "rule": "", "before": None,
        "after": None, "action": "flagged", "severity": "warning", "n": 1, "first_cells": "", "message": "",
    }  # fmt: skip
    rows = [usual | dict(line) for line in lines]
    if not rows:
        return empty("ledger")
    frame = pd.DataFrame(rows, columns=list(usual))
    return frame.astype(empty("ledger").dtypes.to_dict())


def status_table(
    config: StudyConfig, register: Register, read: list[FileRead], ledger: pd.DataFrame, period: str
) -> pd.DataFrame:
    rows = []
    lines_of = _Lines(ledger)
    for entry in config.inputs:
        mine = [r for r in read if r.file.input is entry]
        offices = list(register.districts) if entry.each == "district" else [config.city]
        for office in offices:
            own = [r for r in mine if r.district == office] if entry.each == "district" else mine
            rows.append(_row(entry, office, own, lines_of, period))
        # A city-wide file can break single districts.
        broken: dict[str, list[str]] = {}
        for r in mine:
            if r.district is None:
                for district in r.broken:
                    broken.setdefault(district, []).append(r.file.name)
        for district, names in broken.items():
            row = _row(entry, district, [], lines_of, period)
            errors, told = lines_of.count("error", names), lines_of.first_errors(names)
            rows.append(row | {"state": "failed", "files": 0, "errors": errors, "message": told})
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    return frame.astype(
        {c: "str" for c in ("period", "unit", "input", "label_zh", "label_en", "state", "message")}
    )


class _Lines:
    """Lines of the ledger by file."""

    def __init__(self, ledger: pd.DataFrame) -> None:
        self.ledger = ledger
        self.counts: dict[tuple[str, str], int] = ledger.groupby(["severity", "file"]).size().to_dict()

    def count(self, severity: str, files: Collection[str]) -> int:
        return sum(self.counts.get((severity, name), 0) for name in set(files))

    def first_errors(self, files: Collection[str]) -> str:
        errors = self.ledger[self.ledger["file"].isin(files) & (self.ledger["severity"] == "error")]
        return "; ".join(errors["message"].head(3))


def _row(entry: Input, office: str, read: list[FileRead], lines_of: _Lines, period: str) -> dict[str, Any]:
    names = {r.file.name for r in read}
    carried = bool(read) and all(r.file.period != period for r in read)
    failed = any(r.broken or r.fault for r in read if r.district == office) or any(
        r.fault for r in read if r.district is None
    )
    state = "outstanding" if not read else "failed" if failed else "carried" if carried else "read"
    what = entry.label["zh"]
    message = f"{what} is outstanding" if not read else lines_of.first_errors(names) if failed else ""
    return {
        "period": period,
        "unit": office,
        "input": entry.name,
        "label_zh": entry.label["zh"],
        "label_en": entry.label["en"],
        "state": state,
        "files": len(names),
        "rows": sum(len(r.frame) for r in read),
        "warnings": lines_of.count("warning", names),
        "errors": lines_of.count("error", names),
        "message": message,
        "required": entry.required,
    }


def outstanding_lines(status: pd.DataFrame, period: str) -> pd.DataFrame:
    rows = status[status["state"] == "outstanding"]
    return ledger_lines(
        period,
        (
            {"rule": "outstanding", "table": r.input, "column": r.unit, "before": r.label_zh,
             "message": f"{r.unit}: {r.label_zh} ({r.label_en}) has not been sent"}
            for r in rows.itertuples()
        ),
    )  # fmt: skip


def files_read(read: list[FileRead], config: StudyConfig) -> list[dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for r in read:
        entry = out.setdefault(
            r.file.name,
            {
                "file": r.file.name,
                "input": r.file.input.name,
                "district": r.district,
                "sha256": store.file_hash(config.root / r.file.name),
                "rows": 0,
                "texts": r.texts,
            },
        )
        entry["rows"] += len(r.frame) or r.held
    return sorted(out.values(), key=lambda e: e["file"])
