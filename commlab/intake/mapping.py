"""From a table as read to columns that mean something: the tools that every reader of ``readers`` is made of.

A ``Table`` wraps a ``RawTable`` (frame, source, cells, rows, ledger) and one ``inputs:`` entry of
study.yaml. It finds the columns that the entry names (headers compared after NFKC, without spaces and in
base units, first whole, then by their last level where that is unique), resolves units against the
register, reads numbers and dates, and writes every doubt into the ledger: file, sheet, cell, what was
found, what to do. One bad cell never stops a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.intake.ledger import Pad, quoted
from commlab.intake.mapped import UNMATCHED, Context, as_number, as_text, header_key, headers_of
from commlab.intake.names import match_names, squash
from commlab.intake.privacy import mask, mask_column, mask_numbers
from commlab.intake.sheets import letters as column_letters

__all__ = ["Table"]

# What the reader of files could not take for a number is an error where a number is needed.
_LOST = ("not_a_number", "date_in_numbers", "unclear_comma")
_NOT_APPLICABLE = frozenset({"不适用", "n/a", "不涉及", "notapplicable"})
_BRACKET = re.compile(r"\([^()]*\)$")
_CODE = re.compile(r"^[\W_]*((?:i{1,3}|iv|vi{0,3}|v|ix|x)?-?\d+(?:[.\-]\d+)*)")
_SHOWN = 40


def _place(letters: str) -> int:
    """Zero-based column of spreadsheet letters."""
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


class Table:
    """One raw table under one ``inputs:`` entry."""

    def __init__(self, raw: Any, spec: Mapping[str, Any], context: Context, table: str) -> None:
        self.raw, self.spec, self.context, self.table = raw, spec, context, table
        self.columns: Mapping[str, Any] = spec.get("columns") or {}
        self.frame: pd.DataFrame = raw.frame.reset_index(drop=True)
        self.rows: list[int] = list(raw.rows)
        self.source: list[str] = list(raw.source)
        self.file, self.sheet = str(raw.file), quoted(str(raw.sheet), name=True)
        self.pad = Pad(period=context.period, file=self.file, sheet=self.sheet, table=table)
        self.taken: set[str] = set()
        self.naming: set[str] = set()
        self.told: set[int] = set()  # rows that a line of the ledger speaks of
        self.unmatched: list[dict[str, Any]] = []
        self._lost = self._lost_cells()
        self._shift = self._shifts()
        self._by: tuple[dict[str, list[str]], ...] = ({}, {}, {})
        for name in map(str, self.frame.columns):
            whole = header_key(name)
            keys = (whole, header_key(name.rpartition("/")[2]), _BRACKET.sub("", whole))
            for where, key in zip(self._by, keys, strict=True):
                where.setdefault(key, []).append(name)

    def _lost_cells(self) -> dict[str, list[tuple[str, int, str]]]:
        """Column -> (text, times, cells) that the reader of files had to take for missing."""
        ledger = self.raw.ledger
        if ledger is None or "rule" not in ledger or ledger.empty:
            return {}
        lost: dict[str, list[tuple[str, int, str]]] = {}
        lines = ledger[ledger["rule"].isin(_LOST)]
        for column, before, n, cells in lines[["column", "before", "n", "first_cells"]].itertuples(
            index=False
        ):
            lost.setdefault(str(column), []).append((str(before), int(n), str(cells)))
        return lost

    def _shifts(self) -> list[int]:
        """How many columns right of the first block each row's block stands, where blocks stand side by
        side."""
        first = min((_place(letters) for letters in self.raw.cells.values()), default=0)
        shifts = []
        for source in self.source:
            start = re.match(r"[A-Z]+", source.rpartition("!")[2])
            shifts.append(_place(start[0]) - first if start else 0)
        return shifts

    # -- columns -----------------------------------------------------------------------------------

    def column(self, entry: Any, *, what: str, required: bool = True, severity: str = "error") -> str | None:
        """The column that one of the entry's headers names; what is lacking or ambiguous goes into the
        ledger."""
        wanted = headers_of(entry)
        for depth, where in enumerate(self._by):
            for header in wanted:
                hits = where.get(header_key(header), [])
                if len(hits) == 1:
                    self.taken.add(hits[0])
                    return hits[0]
                if len(hits) > 1 and depth == 0:
                    told = (
                        f"{what}: {len(hits)} columns are called “{header}”; none was read. Name them apart"
                    )
                    self.reject("ambiguous column", told, column=header, n=len(hits), cells=[])
                    return None
        if required and wanted:
            names = " or ".join(f"“{w}”" for w in wanted)
            told = f"{what}: no column is called {names} (found: {listing(self.frame.columns, most=8)})"
            told = f"{self._at()}{told}; add the header to study.yaml, or mend the file"
            action = "rejected" if severity == "error" else "flagged"
            named = " / ".join(wanted)
            self.pad.add(
                "missing column", told, column=wanted[0], after=named, action=action, severity=severity
            )
        return None

    def named(self, key: str, *, required: bool = True) -> str | None:
        """The column that the entry gives under ``columns:`` (or beside it) for ``key``."""
        entry = self.columns.get(key, self.spec.get(key))
        if entry is None:
            if required:
                raise ParameterError(f'the input "{self.spec.get("name", "")}" names no column for {key}')
            return None
        return self.column(entry, what=key, required=required)

    def unclaimed(self) -> list[str]:
        """Columns that nothing has taken and that the entry does not ignore, in their order."""
        ignored = {header_key(h) for h in headers_of(self.spec.get("ignore"))}
        left = []
        for name in map(str, self.frame.columns):
            keys = {header_key(name), header_key(name.rpartition("/")[2])}
            if name in self.taken:
                continue
            if keys & ignored:
                told = "left out as declared"
                self.pad.add("ignored column", told, column=name, action="recognised", severity="note")
            else:
                left.append(name)
        return left

    def report_unclaimed(self) -> None:
        """A line for every column that nothing claims."""
        for name in self.unclaimed():
            n = int(self.frame[name].notna().sum())
            told = (
                f"nothing claims “{name}”; its {n} values were left out. Add it to columns or to "
                f"ignore in study.yaml"
            )
            self.pad.add("unknown column", told, column=name, n=n, severity="warning" if n else "note")

    # -- places ------------------------------------------------------------------------------------

    def cell(self, row: int, column: str) -> str:
        """Cell of a value, such as F12."""
        letters = self.raw.cells.get(column)
        if not letters:
            return f"row {self.rows[row]}"
        if self._shift[row]:
            letters = column_letters(_place(letters) + self._shift[row])
        return f"{letters}{self.rows[row]}"

    def sources(self, column: str) -> list[str]:
        """``file#sheet!F12`` for every row."""
        if column not in self.raw.cells:
            return self.source
        before = f"{self.file}#{self.sheet}!"
        return [before + self.cell(row, column) for row in range(len(self.rows))]

    def _at(self, cell: str = "") -> str:
        place = " ".join(filter(None, [self.file, f"[{self.sheet}]" if self.sheet else "", cell]))
        return f"{place}: " if place else ""

    def reject(
        self,
        rule: str,
        message: str,
        *,
        column: str,
        before: str | None = None,
        after: str | None = None,
        n: int,
        cells: Sequence[str],
    ) -> None:
        """An error line that leads with file, sheet and first cell."""
        told = self._at(cells[0] if cells else "") + message
        self.pad.add(
            rule, told, column=column, before=before, after=after, action="rejected", severity="error", n=n, cells=cells
        )  # fmt: skip

    def reject_each(
        self,
        where: np.ndarray,
        column: str,
        rule: str,
        message: Callable[[str], str],
        after: str | None = None,
    ) -> None:
        """An error line for every different value in the rows ``where``."""
        rows = np.flatnonzero(where)
        if not len(rows):
            return
        self.told |= set(rows.tolist())
        groups: dict[str, list[int]] = {}
        values = self.frame[column].iloc[rows]
        for row, value in zip(rows, values, strict=True):
            groups.setdefault(mask(as_text(value))[0][:_SHOWN], []).append(int(row))
        for text, own in groups.items():
            cells = [self.cell(row, column) for row in own]
            self.reject(rule, message(text), column=column, before=text, after=after, n=len(own), cells=cells)

    # -- values ------------------------------------------------------------------------------------

    def texts(self, column: str | None) -> pd.Series:
        """Trimmed text; missing where empty."""
        if column is None:
            return pd.Series(pd.NA, index=self.frame.index, dtype="str")
        values = self.frame[column].map(as_text, na_action="ignore").astype("str").str.strip()
        return values.where(values != "")

    def masked(self, column: str | None) -> pd.Series:
        """Text with its personal identifiers masked, and a line that counts them."""
        out, counts = mask_column(self.texts(column).rename(column))
        self.removed(column, counts)
        return out

    def removed(self, column: str | None, counts: Mapping[str, int]) -> None:
        """A line for every kind of identifier that was masked in a column."""
        for kind, n in counts.items():
            line: dict[str, Any] = {"column": str(column), "action": "changed", "severity": "note", "n": n}
            self.pad.add("personal data in text", f"{n} places masked ({kind})", **line)

    def numbers(
        self,
        column: str,
        *,
        low: float | None = None,
        high: float | None = None,
        values: Mapping[str, float] | None = None,
        what: str = "",
    ) -> tuple[np.ndarray, np.ndarray]:
        """A column as floats, and where it says "not applicable".

        Letters where a number belongs and values outside ``low..high`` become NaN, each wording with an
        error line that names the cells.
        """
        what = what or column
        given = self.frame[column]
        aside = np.zeros(len(given), dtype=bool)
        for text, n, cells in self._lost.get(column, ()):
            self._letters(column, what, mask(text)[0][:_SHOWN], n, cells.split(", "))
        if pd.api.types.is_numeric_dtype(given) and not pd.api.types.is_bool_dtype(given):
            out = given.to_numpy(dtype="float64", na_value=np.nan).copy()
        else:
            words = {squash(k): float(v) for k, v in (values or {}).items()}
            read = {value: as_number(value, words) for value in given.dropna().unique()}
            out = given.map(read, na_action="ignore").to_numpy(dtype="float64", na_value=np.nan).copy()
            keys = given.map(squash, na_action="ignore")
            aside = keys.isin(list(_NOT_APPLICABLE)).to_numpy()
            bad = given.notna().to_numpy() & np.isnan(out) & ~aside & (keys != "").to_numpy(dtype=bool)
            self.reject_each(
                bad, column, "letters for a number",
                lambda t: f"{what}: “{t}” stands where a number is needed;"
                " kept as missing. Enter the number",
            )  # fmt: skip
        out[~np.isfinite(out)] = np.nan
        kept, counts = mask_numbers(pd.Series(out))  # a telephone among counts
        self.removed(column, counts)
        out = kept.to_numpy(dtype="float64", na_value=np.nan).copy() if counts else out
        beyond = np.zeros(len(out), dtype=bool)
        if low is not None:
            beyond |= out < low
        if high is not None:
            beyond |= out > high
        span = " to ".join("" if v is None else f"{v:g}" for v in (low, high))
        range_ = f"{'' if low is None else f'{low:g}'}–{'' if high is None else f'{high:g}'}"
        said = "; kept as missing. Check the cell"
        self.reject_each(
            beyond, column, "out of range", lambda t: f"{what}: {t} lies outside {span}{said}", range_
        )
        out[beyond] = np.nan
        return out, aside

    def _letters(self, column: str, what: str, text: str, n: int, cells: Sequence[str]) -> None:
        told = f"{what}: “{text}” stands where a number is needed; kept as missing. Enter the number"
        self.reject("letters for a number", told, column=column, before=text, n=n, cells=cells)

    def dates(self, column: str) -> pd.Series:
        """A column as dates; what is none becomes missing with an error line."""
        given = self.frame[column]
        if pd.api.types.is_datetime64_any_dtype(given):
            return given.astype("datetime64[us]")
        plain = self.texts(column)
        iso = plain.str.replace(r"[年月/.]", "-", regex=True).str.replace("日", "").str.rstrip("-")
        out = pd.to_datetime(iso, errors="coerce", format="mixed").astype("datetime64[us]")
        self.reject_each(
            (plain.notna() & out.isna()).to_numpy(), column, "unreadable date",
            lambda t: f"{column}: “{t}” is no date; left out. Write it as 2019-10-08",
        )  # fmt: skip
        return out

    def code(self, text: object) -> str | None:
        """The framework's code that a text names, by itself, by its label or as its first word."""
        if not self.context.codes:
            return str(text).strip()
        key = squash(text)
        match = _CODE.match(key)
        codes, labels = self.context.spelled
        return codes.get(key) or labels.get(key) or (codes.get(match[1]) if match else None)

    def codes(self, column: str | None) -> pd.Series:
        """A column of codes as the framework spells them; unknown ones become missing with an error line."""
        texts = self.texts(column)
        found = {text: self.code(text) for text in texts.dropna().unique()}
        out = texts.map(found, na_action="ignore").astype("str")
        if column is not None:
            self.reject_each(
                (texts.notna() & out.isna()).to_numpy(), column, "unknown code",
                lambda t: f"“{t}” is no code of the framework; the row was left out. Correct the code",
            )  # fmt: skip
        return out

    # -- units -------------------------------------------------------------------------------------

    def units(self, *, key: str = "unit", level: str | None = None) -> pd.Series:
        """The unit of each row: by the named column within the file's district, or that district."""
        level = level or self.spec.get("level")
        entry = self.columns.get(key, self.spec.get(key))
        district = self.context.district
        own = district is not None and (entry is None or level == "district")
        column = None if entry is None else self.column(entry, what=key, required=not own)
        if column is None:
            return pd.Series(district if own else None, index=self.frame.index, dtype="str")
        self.naming.add(column)
        names = self.texts(column)
        rows = np.flatnonzero(names.isna() & self.frame.notna().any(axis=1))
        if len(rows):
            cells = [self.cell(int(row), column) for row in rows]
            self.told |= set(rows.tolist())
            told = f"{len(rows)} rows name no unit and were left out. Enter the name"
            self.reject("row without unit", told, column=column, n=len(rows), cells=cells)
        return self.matched(names, column=column, level=level, within=self._within(level, column))

    def _within(self, level: str | None, column: str) -> pd.Series | str | None:
        """What limits the names: a district column where there is one, else the file's district."""
        if level in (None, "district", "city"):
            return None
        # Among the columns of ratings, "district" is the district's own score.
        entry = self.spec.get("district", None if self.table == "ratings" else self.columns.get("district"))
        name = None if entry is None else self.column(entry, what="district", required=False)
        if name is None or name == column:
            return self.context.district
        self.naming.add(name)
        book, certainty = self.context.register, self.context.certainty
        found = match_names(self.texts(name), book, level="district", certainty=certainty)["matched"]
        return found.astype("object").fillna(self.context.district)

    def matched(
        self, names: pd.Series, *, column: str, level: str | None, within: pd.Series | str | None
    ) -> pd.Series:
        """Names as units of the register; unknown ones become missing, with a line and an entry for review."""
        book, certainty = self.context.register, self.context.certainty
        got = match_names(names, book, within=within, level=level, certainty=certainty)
        got["within"] = within if within is None or isinstance(within, str) else list(within)
        lost = got["matched"].isna() & names.notna().to_numpy()
        self.told |= set(np.flatnonzero(lost).tolist())
        got.loc[lost & got["name"].isna(), "how"] = "declared"
        odd = got.assign(name=names.to_numpy())[lost | got["how"].eq("fuzzy")]
        for (text, how, _), rows in odd.groupby(["name", "how", "within"], sort=False, dropna=False):
            first, n = rows.iloc[0], len(rows)
            cells = [self.cell(int(row), column) for row in rows.index]
            line: dict[str, Any] = {"column": column, "n": n, "cells": cells}
            if how == "fuzzy":
                told = f"“{text}” was taken for {first['matched']} (similarity {first['score']:.0f})"
                self.pad.add(
                    "fuzzy name", told, before=text, after=first["matched"], action="changed", **line
                )
                continue
            safe = mask(str(text))[0][:_SHOWN]
            if how == "declared":
                told = f"“{safe}” is declared to be no unit; its rows were left out"
                self.pad.add(
                    "declared no unit", told, before=safe, action="rejected", severity="note", **line
                )
                continue
            self.stranger(str(text), first["within"], first["nearest"], first["score"], n)
            told, near = f"“{safe}” is no unit of the register", first["nearest"]
            told += "" if pd.isna(near) else f" (the nearest is {near})"
            told += "; the row was left out. Settle the name in review.csv"
            self.reject(
                "unknown unit", told, before=safe, after=None if pd.isna(near) else f"? {near}", **line
            )
        return pd.Series(got["matched"].to_numpy(), index=names.index, dtype="str")

    def stranger(self, text: str, within: Any, nearest: Any, score: float, n: int) -> None:
        """Put an unknown name on the list for review, as it may be shown."""
        safe = mask(text)[0][:_SHOWN]
        self.unmatched.append(dict(zip(UNMATCHED, (safe, within, nearest, score, n), strict=True)))
