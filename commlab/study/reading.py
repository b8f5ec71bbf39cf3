"""One raw file -> its rows and its ledger, by the reader that its input names.

What cannot be read at all is one line of the ledger; a second keying is read together with the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab import store
from commlab.errors import DataError, listing
from commlab.framework import TOTAL, Framework
from commlab.intake import (
    READERS,
    RawTable,
    load_codebook,
    match_names,
    read_double,
    read_questionnaire,
    read_table,
)
from commlab.intake import Register as Names
from commlab.intake.codebook import Codebook
from commlab.intake.double import Settled
from commlab.intake.forms import squash
from commlab.intake.ledger import Pad, cells_of, few, joined
from commlab.intake.mapped import header_key, headers_of
from commlab.intake.questionnaire import Responses
from commlab.intake.table import read_tables
from commlab.study import across, verdicts
from commlab.study.config import StudyConfig
from commlab.study.raw import RawFile, code_hash, secret_key
from commlab.study.register import Register
from commlab.study.status import UNMATCHED, FileRead, ledger_lines
from commlab.tables import empty

__all__ = ["FileReader"]

_MARGIN = 2
"""Times as many of an input's headers as any other table that the table meant must have, and how many at least."""
_LABELS = 3
"""Columns among which the labels of a table on its side are looked for."""


class FileReader:
    """Reads the files of one period with everything that they are read against."""

    def __init__(
        self,
        config: StudyConfig,
        register: Register,
        framework: Framework,
        names: Names,
        period: str,
        files: list[RawFile],
    ) -> None:
        self.config, self.register, self.framework = config, register, framework
        self.names, self.period = names, period
        self.certainty = config.choices.fuzzy_certainty
        self.codes = {"total": "total"} | {n.code: n.zh for n in framework.nodes}
        self.nodes = {
            c: below for c in self.codes if (below := framework.children(None if c == TOTAL else c))
        }
        self.metrics = list(framework.metrics)
        self.items: dict[str, int] = {}
        self.books: dict[Path, Codebook] = {}
        self.stacks = verdicts.stacks(files, self._office)

    @property
    def basis(self) -> str:
        """Hash of what tables are read with, beside their input: units and their names, the framework's, the code."""
        register = self.register
        frames = (register.units, register.aliases, register.unit_changes)
        named = [self.codes, self.nodes, self.metrics, self.certainty, self.period]
        return store.json_hash([code_hash(), *(store.frame_hash(f) for f in frames), *named])

    def rests_on(self, file: RawFile) -> object:
        """What a file is read with beside ``basis``; None for what is read every time: paper keyed twice."""
        if file.input.reader != "responses":
            return ""
        if self.stacks.get(file.name):
            return None
        try:
            self._book(file)  # it says which items the period has, whether the answers are read again or not
        except DataError:
            return None
        options = self._options(file, None)
        key = store.json_hash(options["key"])
        return [
            store.file_hash(self._codebook(file)),
            sorted(options["sampled"] or ()),
            list(options["exclude_flags"]),
            key,
        ]

    def read(self, file: RawFile) -> list[FileRead]:
        district, lost = self._district(file)
        if lost is not None:
            return [lost]
        stack = self.stacks.get(file.name)
        if stack and file.role != "files" and stack.files:
            return []  # it is read with the first keying
        try:
            if stack:
                return self._keyed_twice(file, district, stack)
            if file.input.reader == "responses":
                return [self._responses(file, district)]
            return [self._table(file, district, raw) for raw in self._raw(file)]
        except DataError as error:
            return [_unreadable(file, district, error)]

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

    def _office(self, file: RawFile) -> tuple[str | None, ...]:
        """What tells a stack of paper from the others: its district, and the other fields of its name."""
        rest = sorted((k, squash(v)) for k, v in file.fields.items() if v and k != "district")
        return (self._district(file)[0] or file.fields.get("district"), *(f"{k} {v}" for k, v in rest))

    def _raw(self, file: RawFile) -> list[RawTable]:
        """The tables of a file: every sheet of a workbook of judgement matrices, else the one table it holds.

        Of several tables, such as a cover sheet and the form, the one that alone has the input's columns is read.
        """
        wanted = file.input.spec.get("sheet")
        labelled = str(file.input.spec.get("header", True)).lower() not in ("none", "false")
        if file.input.reader == "judgments" and wanted is None:
            tables = read_tables(file.path, name=file.name)
            # without one, read_table says what is missing
            return list(tables.values()) or [read_table(file.path, name=file.name)]
        try:
            return [read_table(file.path, sheet=wanted, name=file.name, header=labelled)]
        except DataError:
            tables = {} if wanted is not None else read_tables(file.path, name=file.name, header=labelled)
            own = _own_table(tables, _headers(file.input.spec))
            if own is None:
                raise
        pad = Pad(file=file.name, sheet=own.sheet, table=file.input.reader)
        for name, other in tables.items():
            if other is not own:
                told = f"“{name}” is another table ({listing(other.frame.columns, most=4)}); its {len(other.frame)} rows were not read"
                pad.add("other table", told, before=name, n=len(other.frame), severity="note")
        return [replace(own, ledger=joined([own.ledger, pad.frame().drop(columns="period")]))]

    def _table(self, file: RawFile, district: str | None, raw: RawTable) -> FileRead:
        if file.input.reader == "measures":
            _refuse_turned(raw, _headers(file.input.spec))
            _refuse_headless(raw, _headers(file.input.spec), self.names)
        entry = {"name": file.input.name, **file.input.spec}
        if (
            file.input.reader == "judgments"
        ):  # which node two items stand below, where study.yaml does not say
            entry["nodes"] = {**(entry.get("nodes") or {}), **self.nodes}
        mapped = READERS[file.input.reader](
            raw,
            entry,
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
        at = frame["source"].str.replace(r"^.*!", "", regex=True)
        hit = at.isin(cells)
        if many and value:
            hit |= frame[value].isna() & at.str.replace(r"\d", "", regex=True).isin(columns)
        districts = set(self.register.districts)
        owners = frame.loc[hit, "unit"].map(
            lambda u: u if u in districts else self.register.district_of.get(u)
        )
        return sorted(set(owners.dropna()))

    def _codebook(self, file: RawFile) -> Path:
        return self.register.codebook(str(file.input.spec.get("codebook") or self.config.instrument))

    def _book(self, file: RawFile) -> Codebook:
        path = self._codebook(file)
        book = self.books[path] if path in self.books else load_codebook(path)
        self.books[path] = book
        self.items |= {name: q.high - q.low + 1 for name, q in book.items.items() if not q.multiple}
        return book

    def _options(self, file: RawFile, district: str | None) -> dict[str, Any]:
        """How questionnaires of a file are read."""
        return {
            "register": self.names,
            "key": f"{secret_key(self.config)} {file.period}",  # what stands for a person in one quarter stands in no other
            "period": file.period,
            "district": district,
            "sampled": set(self.register.frame_of(self.period)["unit"]) or None,
            "exclude_flags": self.config.exclude_flags,
            "certainty": self.certainty,
        }

    def _keyed_twice(self, file: RawFile, district: str | None, stack: verdicts.Stack) -> list[FileRead]:
        """Both keyings of a stack of paper as one; a keying that stands alone is told and not taken for checked."""
        if not stack.files:
            told = "no first keying goes with this file; it was not read. Send the first, or rename this one"
            return [_failed(file, district, told, rule="second entry alone")]
        if stack.mixed:
            names = [f.name for f in (*stack.files, *stack.second)]
            told = f"nothing tells which keying belongs to which ({listing(names)}); name each stack in its files"
            others = (*stack.second, *stack.verdict) if file is stack.files[0] else ()
            lost = _failed(file, district, told, rule="entries not told apart", found=few(names, most=4))
            return [lost, *(_held(f, district) for f in others)]
        if not stack.second:
            one = self._responses(file, district)
            told = f"{file.name}: keyed once only, no file fits {file.input.spec['second']}; its answers count, unchecked. Send the second keying"
            line = {"file": file.name, "rule": "no second entry", "message": told, "table": "responses",
                    "before": file.input.spec["second"], "n": len(one.frame)}  # fmt: skip
            one.ledger = joined([one.ledger, ledger_lines(file.period, [line])])
            return [one, *(_held(v, district) for v in stack.verdict)]
        second, book = stack.second[0], self._book(file)
        given = [v.path for v in sorted(stack.verdict, key=lambda v: v.name)]
        kept = verdicts.decided(self.config.root, file.name)
        try:
            got = read_double(
                file.path,
                second.path,
                book,
                verdict=[*given, *([kept] if len(kept) else [])],
                names=(file.name, second.name),
                **self._options(file, district),
            )
        except DataError as error:
            every = (file, second, *stack.verdict)
            wrong = next((f for f in every[1:] if error.file in (f.name, f.path.name, str(f.path))), file)
            return [
                _unreadable(wrong, district, error),
                *(_held(f, district) for f in every if f is not wrong),
            ]
        first = self._answers(file, district, got)
        first.disagreements = verdicts.open_answers(got.disagreements, file, book)
        return [first, _held(second, district, got.second), *(_held(v, district) for v in stack.verdict)]

    def _responses(self, file: RawFile, district: str | None) -> FileRead:
        options = self._options(file, district)
        return self._answers(
            file, district, read_questionnaire(file.path, self._book(file), name=file.name, **options)
        )

    def _answers(self, file: RawFile, district: str | None, got: Responses | Settled) -> FileRead:
        unmatched = got.unmatched.assign(level="community")[UNMATCHED]
        asked = got.ledger["rule"].eq("unknown unit") & got.ledger["before"].isna()
        got.ledger.loc[asked, "before"] = few(unmatched["found"].unique(), most=4)
        return FileRead(
            file, district, "responses", got.frame, got.ledger, unmatched=unmatched, persons=got.persons
        )


def _headers(spec: Mapping[str, Any]) -> set[str]:
    """Every header that an input names, as headers are compared."""
    columns = spec.get("columns") or {}
    given: list[Any] = [spec.get("unit"), *(columns.values() if isinstance(columns, Mapping) else ())]
    entries = [e for entry in given for e in (entry if isinstance(entry, list) else [entry])]
    return {header_key(h) for entry in entries for h in headers_of(entry)}


def _own_table(tables: Mapping[str, RawTable], wanted: set[str]) -> RawTable | None:
    """The table that has the wanted headers, where no other has nearly as many."""
    hits = {name: len(wanted & _keys(raw.frame)) for name, raw in tables.items()}
    order = sorted(hits, key=lambda name: -hits[name])
    if len(order) < 2 or hits[order[0]] < _MARGIN * max(hits[order[1]], 1):
        return None
    return tables[order[0]]


def _keys(labels: Iterable[object]) -> set[str]:
    """Labels as headers are compared: whole, and their last level."""
    return {header_key(k) for label in labels for k in (str(label), str(label).rpartition("/")[2])}


def _refuse_turned(raw: RawTable, wanted: set[str]) -> None:
    """A table on its side would give an error a cell: it is refused with the one that matters."""
    across_top = len(wanted & _keys(raw.frame))
    for column in list(raw.frame)[:_LABELS]:
        down = len(wanted & _keys(raw.frame[column].dropna()))
        if down >= _MARGIN * max(across_top, 1):
            where = raw.cells.get(str(column), str(column))
            raise DataError(
                f"the table stands on its side (its labels are in column {where}); turn rows into columns and send it again",
                file=raw.file,
                sheet=raw.sheet or None,
            )


def _refuse_headless(raw: RawTable, wanted: set[str], names: Names) -> None:
    """A first row of data taken for labels would leave every column unclaimed: one error says what to do."""
    labels = [str(label) for label in raw.frame]
    if wanted & _keys(labels):
        return
    if match_names(labels, names)["how"].isin(["code", "exact", "alias"]).any():
        raise DataError(
            f"the table has no row of labels ({listing(labels, most=4)} stand in their place); add one, or write "
            "header: none in study.yaml and name its columns by their letters",
            file=raw.file,
            sheet=raw.sheet or None,
        )


def _still_open(read: pd.DataFrame, mapped: pd.DataFrame) -> pd.DataFrame:
    """Lines of reading a table without the doubts that became errors where a number was needed."""
    wrong = mapped[mapped["rule"] == "letters for a number"]
    if wrong.empty:
        return read
    said = set(zip(wrong["column"], wrong["before"], strict=True))
    again = [pair in said for pair in zip(read["column"], read["before"], strict=True)]
    return read[~(read["rule"].isin(["not_a_number", "date_in_numbers"]) & np.array(again, dtype=bool))]


def _unreadable(file: RawFile, district: str | None, error: DataError) -> FileRead:
    # The reader knows the file's bare name; people need to know which office's.
    told = str(DataError(error.bare, file=file.name, sheet=error.sheet, cell=error.cell))
    place = {"sheet": error.sheet or "", "first_cells": error.cell or ""}
    return _failed(file, district, told, rule="unreadable file", found=error.bare, **place)


def _failed(
    file: RawFile,
    district: str | None,
    message: str,
    *,
    rule: str,
    severity: str = "error",
    found: str | None = None,
    **place: str,
) -> FileRead:
    told = message if message.startswith(file.name) else f"{file.name}: {message}"
    line = {"file": file.name, "rule": rule, "message": told, "table": file.input.reader, "action": "rejected",
            "severity": severity, "before": found, **place}  # fmt: skip
    fault = told if severity == "error" else ""
    broken = [district] if district else []
    ledger = ledger_lines(file.period, [line])
    return FileRead(file, district, file.input.reader, pd.DataFrame(), ledger, broken, fault)


def _held(file: RawFile, district: str | None, rows: int = 0) -> FileRead:
    """A file that is read as a part of another."""
    return FileRead(file, district, "responses", pd.DataFrame(), empty("ledger"), held=rows)
