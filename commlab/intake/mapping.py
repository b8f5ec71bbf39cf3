"""From a table as read to columns that mean something: the tools that every reader of ``readers`` is made of.

A ``Table`` wraps a ``RawTable`` (frame, source, cells, rows) and one ``inputs:`` entry of study.yaml. It finds the columns that
the entry names (headers compared after NFKC, without spaces and in base units, first whole, then by their last level
where that is unique), resolves units against the register, reads numbers and dates cell by cell, and writes every
doubt into the ledger: file, sheet, cell, what was found, what to do. One bad cell never stops a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from commlab import tables
from commlab.errors import ParameterError, listing
from commlab.intake.ledger import Pad, split_source
from commlab.intake.names import CERTAINTY, Register, match_names, squash
from commlab.intake.privacy import mask

__all__ = ["Context", "Mapped", "Table", "finish", "header_key"]

UNMATCHED = ("found", "within", "nearest", "score", "n")
_CODE = re.compile(r"^[\W_]*((?:i{1,3}|iv|vi{0,3}|v|ix|x)?-?\d+(?:[.\-]\d+)*)", re.IGNORECASE)
_SCALED = re.compile(
    r"(?:十亿|亿|千万|百万|十万|万|千|百)(?=(?:元|人|户|个|次|件|场|台|处|项|家|名|份|平方?米|㎡|m2|吨|公里)[^()]*\))"
)
_BRACKET = re.compile(r"\([^()]*\)$")
_NOT_APPLICABLE = frozenset({"不适用", "n/a", "na", "不涉及", "notapplicable"})


@dataclass(frozen=True)
class Mapped:
    """A clean table, the ledger of its making, and the unit names that a person has to settle."""

    frame: pd.DataFrame
    ledger: pd.DataFrame
    unmatched: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Context:
    """What a reader has to know beside the file.

    ``given`` holds what the file's name says (``district, expert, rater, round, stage``); ``codes`` are the framework's codes,
    as a mapping with their labels where rows may be named by label; ``metrics`` its metric names.
    """

    period: str
    register: Register
    district: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[str] = ()
    certainty: float = CERTAINTY


def header_key(header: object) -> str:
    """A header as it is compared: NFKC, no spaces, brackets of one kind, units without their power of ten.

    >>> header_key("经费投入（万元） / 财政") == header_key("经费投入(元)/财政")
    True
    """
    key = squash(header).replace("[", "(").replace("]", ")").replace("【", "(").replace("】", ")")
    return (
        _SCALED.sub("", key).replace("㎡", "平方米").replace("(m2)", "(平方米)").replace("(平米)", "(平方米)")
    )


def _headers(entry: Any) -> list[str]:
    """The headers that a column entry names: a text, a list, or ``{headers: [...]}``."""
    if isinstance(entry, Mapping):
        entry = entry.get("headers", ())
    return [str(entry)] if isinstance(entry, str | int | float) else [str(h) for h in entry or ()]


class Table:
    """One raw table under one ``inputs:`` entry."""

    def __init__(self, raw: Any, spec: Mapping[str, Any], context: Context, table: str) -> None:
        self.raw, self.spec, self.context = raw, spec, context
        self.frame: pd.DataFrame = raw.frame.reset_index(drop=True)
        self.source = pd.Series(raw.source).reset_index(drop=True).astype("str")
        self.rows = pd.Series(raw.rows).reset_index(drop=True)
        file, sheet, _ = split_source(self.source.iloc[0]) if len(self.source) else ("", "", "")
        self.file, self.sheet = file, sheet
        self.pad = Pad(period=context.period, file=file, sheet=sheet, table=table)
        self.taken: set[str] = set()
        self.naming: set[str] = set()
        self.unmatched: list[dict[str, Any]] = []
        self._whole: dict[str, list[str]] = {}
        self._last: dict[str, list[str]] = {}
        self._bare: dict[str, list[str]] = {}
        for name in map(str, self.frame.columns):
            key = header_key(name)
            self._whole.setdefault(key, []).append(name)
            self._last.setdefault(header_key(name.rpartition("/")[2]), []).append(name)
            self._bare.setdefault(_BRACKET.sub("", key), []).append(name)

    # -- columns -------------------------------------------------------------------------------------------------

    def column(self, entry: Any, *, what: str, required: bool = True, severity: str = "error") -> str | None:
        """The column that one of the entry's headers names; what is lacking or ambiguous goes into the ledger."""
        wanted = _headers(entry)
        for where in (self._whole, self._last, self._bare):
            for header in wanted:
                hits = where.get(header_key(header), [])
                if len(hits) == 1:
                    self.taken.add(hits[0])
                    return hits[0]
                if len(hits) > 1 and where is self._whole:
                    self.pad.add(
                        "ambiguous column",
                        f"{what}: {len(hits)} columns are called “{header}”; none was read. Name them apart",
                        column=header,
                        severity="error",
                        n=len(hits),
                    )
                    return None
        if required and wanted:
            self.pad.add(
                "missing column",
                f"{what}: no column is called {' or '.join(f'“{w}”' for w in wanted)} (found: "
                f"{listing(self.frame.columns, most=8)}); add the header to study.yaml, or mend the file",
                column=wanted[0],
                severity=severity,
            )
        return None

    def named(self, key: str, *, required: bool = True) -> str | None:
        """The column that the entry gives under ``columns:`` (or beside it) for ``key``."""
        columns = self.spec.get("columns") or {}
        entry = columns.get(key, self.spec.get(key))
        if entry is None:
            if required:
                raise ParameterError(f'the input "{self.spec.get("name", "")}" names no column for {key}')
            return None
        return self.column(entry, what=key, required=required)

    def unclaimed(self) -> list[str]:
        """Columns that nothing has taken, in their order."""
        ignored = {header_key(h) for h in _headers(self.spec.get("ignore"))}
        left = []
        for name in map(str, self.frame.columns):
            leaf = header_key(name.rpartition("/")[2])
            if name in self.taken:
                continue
            if header_key(name) in ignored or leaf in ignored:
                self.pad.add(
                    "ignored column",
                    "left out as declared",
                    column=name,
                    action="recognised",
                    severity="note",
                )
            else:
                left.append(name)
        return left

    def report_unclaimed(self) -> None:
        for name in self.unclaimed():
            n = int(self.frame[name].notna().sum())
            self.pad.add(
                "unknown column",
                f"nothing claims “{name}”; its {n} values were left out. Add it to columns or to ignore in study.yaml",
                column=name,
                n=n,
            )

    # -- places --------------------------------------------------------------------------------------------------

    def cell(self, row: int, column: str) -> str:
        """Cell of a value, such as F12."""
        letters = self.raw.cells.get(column, "")
        return f"{letters}{self.rows.iloc[row]}" if letters else f"row {self.rows.iloc[row]}"

    def cell_sources(self, column: str) -> pd.Series:
        """``file#sheet!F12`` for every row."""
        letters = self.raw.cells.get(column)
        if not letters:
            return self.source
        before = self.source.str.replace(r"![^!]*$", "!", regex=True)
        return before + letters + self.rows.astype("str")

    # -- values --------------------------------------------------------------------------------------------------

    def texts(self, column: str | None) -> pd.Series:
        """Trimmed text; missing where empty."""
        if column is None:
            return pd.Series(pd.NA, index=self.frame.index, dtype="str")
        values = self.frame[column].map(_as_text, na_action="ignore").astype("str").str.strip()
        return values.where(values != "")

    def numbers(
        self,
        column: str,
        *,
        low: float | None = None,
        high: float | None = None,
        values: Mapping[str, float] | None = None,
        what: str = "",
    ) -> tuple[pd.Series, pd.Series]:
        """A column as numbers, and where it says "not applicable".

        Letters where a number belongs and values outside ``low..high`` become missing, each wording with an error line
        that names the cells.
        """
        what = what or column
        given = self.frame[column]
        words = {squash(k): float(v) for k, v in (values or {}).items()}
        aside = pd.Series(False, index=given.index)
        if pd.api.types.is_numeric_dtype(given) and not pd.api.types.is_bool_dtype(given):
            out = given.astype("float64")
        else:
            parsed = {v: _number(v, words) for v in given.dropna().unique()}
            out = given.map(parsed, na_action="ignore").astype("float64")
            texts = given.map(squash, na_action="ignore")
            aside = texts.isin(list(_NOT_APPLICABLE))
            bad = given.notna() & out.isna() & ~aside & (texts != "")
            self._each(
                bad, column, "letters for a number",
                lambda text: f"{what}: “{text}” stands where a number is needed; kept as missing. Enter the number",
            )  # fmt: skip
        out = out.where(np.isfinite(out))
        beyond = pd.Series(False, index=given.index)
        if low is not None:
            beyond |= out < low
        if high is not None:
            beyond |= out > high
        span = f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}".strip()
        self._each(
            beyond, column, "out of range",
            lambda text: f"{what}: {text} lies outside {span}; kept as missing. Check the cell",
        )  # fmt: skip
        return out.where(~beyond), aside

    def _each(self, where: pd.Series, column: str, rule: str, message: Callable[[str], str]) -> None:
        """An error line for every different value in the rows ``where``."""
        if not where.any():
            return
        shown = self.frame.loc[where, column].map(_as_text)
        for text, rows in shown.groupby(shown, sort=False):
            cells = [self.cell(int(r), column) for r in rows.index]
            safe = mask(str(text))[0][:40]
            self.pad.add(
                rule,
                f"{self.file}{f' [{self.sheet}]' if self.sheet else ''} {cells[0]}: {message(safe)}",
                column=column,
                before=safe,
                action="rejected",
                severity="error",
                n=len(rows),
                cells=cells,
            )

    def dates(self, column: str) -> pd.Series:
        """A column as dates; what is none becomes missing with an error line."""
        given = self.frame[column]
        if pd.api.types.is_datetime64_any_dtype(given):
            return given.astype("datetime64[us]")
        plain = given.map(_as_text, na_action="ignore").astype("str").str.strip()
        plain = plain.where(plain != "")
        iso = plain.str.replace(r"[年月/.]", "-", regex=True).str.replace("日", "").str.rstrip("-")
        out = pd.to_datetime(iso, errors="coerce", format="mixed").astype("datetime64[us]")
        self._each(
            plain.notna() & out.isna(), column, "unreadable date",
            lambda text: f"{column}: “{text}” is no date; left out. Write it as 2019-10-08",
        )  # fmt: skip
        return out

    def codes(self, values: Iterable[Any], column: str) -> pd.Series:
        """Codes as the framework spells them; unknown ones become missing with an error line."""
        known = self.context.codes
        by_key = {squash(code): code for code in known}
        by_label: dict[str, str] = {}
        for code, label in known.items():
            by_label.setdefault(squash(label), code)
        texts = pd.Series(list(values), index=self.frame.index, dtype="object")
        found: dict[Any, str | None] = {}
        for value in texts.dropna().unique():
            key = squash(value)
            match = _CODE.match(key)
            guess = by_key.get(key) or by_label.get(key) or (by_key.get(match[1].lower()) if match else None)
            found[value] = guess or (None if known else str(value).strip())
        out = texts.map(found, na_action="ignore").astype("str")
        if column in self.frame:
            self._each(
                texts.notna() & out.isna(), column, "unknown code",
                lambda text: f"“{text}” is no code of the framework; the row was left out. Correct the code",
            )  # fmt: skip
        return out

    # -- units ---------------------------------------------------------------------------------------------------

    def units(self, *, key: str = "unit", level: str | None = None) -> pd.Series:
        """The unit of each row: by the named column within the file's district, or the file's district itself."""
        level = level or self.spec.get("level")
        entry = (self.spec.get("columns") or {}).get(key, self.spec.get(key))
        column = (
            None if entry is None else self.column(entry, what=key, required=self.context.district is None)
        )
        district = self.context.district
        if column is None:
            return pd.Series(district, index=self.frame.index, dtype="str")
        self.naming.add(column)
        names = self.texts(column)
        nameless = names.isna() & self.frame.notna().any(axis=1)
        if nameless.any():
            cells = [self.cell(int(r), column) for r in np.flatnonzero(nameless)]
            self.pad.add(
                "row without unit",
                f"{len(cells)} rows name no unit and were left out. Enter the name",
                column=column,
                action="rejected",
                severity="error",
                n=len(cells),
                cells=cells,
            )
        return self.matched(names, column=column, level=level, within=self._within(level, column))

    def once(self, unit: pd.Series) -> pd.Series:
        """Units with the second row of the same unit blanked; one line a row, an error where the two differ."""
        values = [c for c in self.frame if c in self.taken and c not in self.naming]
        claimed = self.frame[values].map(_as_text, na_action="ignore")
        out = unit.copy()
        first: dict[str, int] = {}
        for row, name in enumerate(unit):
            if not isinstance(name, str) or first.setdefault(name, row) == row:
                continue
            a, b = claimed.iloc[first[name]], claimed.iloc[row]
            odd = [c for c in values if not _same(a[c], b[c])]
            where = f"rows {self.rows.iloc[first[name]]} and {self.rows.iloc[row]}"
            self.pad.add(
                "contradicting row" if odd else "repeated row",
                f"{name} stands twice ({where})"
                + (
                    f"; they differ in {listing(odd, most=3)}, the first was kept. Say which one holds"
                    if odd
                    else "; the second was left out"
                ),
                action="rejected",
                severity="error" if odd else "warning",
                cells=[self.cell(first[name], odd[0]), self.cell(row, odd[0])] if odd else [],
            )
            out.iloc[row] = pd.NA
        return out

    def _within(self, level: str | None, column: str) -> pd.Series | str | None:
        """What limits the names: a district column where there is one, else the file's district."""
        if level in (None, "district", "city"):
            return None
        entry = self.spec.get("district")
        name = None if entry is None else self.column(entry, what="district", required=False)
        if name is None or name == column:
            return self.context.district
        self.naming.add(name)
        found = match_names(
            self.texts(name), self.context.register, level="district", certainty=self.context.certainty
        )
        return found["matched"].astype("object").fillna(self.context.district)

    def matched(
        self,
        names: pd.Series,
        *,
        column: str,
        level: str | None,
        within: pd.Series | str | None,
        severity: str = "error",
    ) -> pd.Series:
        """Names as units of the register; unknown ones become missing, with a line and an entry for review."""
        got = match_names(
            names, self.context.register, within=within, level=level, certainty=self.context.certainty
        )
        out = pd.Series(got["matched"].to_numpy(), index=names.index, dtype="str")
        inside = (
            pd.Series(within, index=range(len(names)))
            if isinstance(within, str) or within is None
            else within
        )
        got["within"] = inside.to_numpy()
        for how, rows in got[got["name"].notna()].groupby("how"):
            if how == "none":
                self._strangers(rows, names, column, severity)
            elif how == "fuzzy":
                for text, same in rows.groupby("name", sort=False):
                    self.pad.add(
                        "fuzzy name",
                        f"“{text}” was taken for {same['matched'].iloc[0]} (similarity {same['score'].iloc[0]:.0f})",
                        column=column,
                        before=text,
                        after=same["matched"].iloc[0],
                        action="changed",
                        n=len(same),
                    )
        return out

    def _strangers(self, rows: pd.DataFrame, names: pd.Series, column: str, severity: str) -> None:
        for text, same in rows.groupby("name", sort=False):
            first = same.iloc[0]
            hint = f"; the nearest is {first['nearest']}" if pd.notna(first["nearest"]) else ""
            cells = [self.cell(int(i), column) for i in same.index]
            safe = mask(str(text))[0][:40]
            self.pad.add(
                "unknown unit",
                f"{self.file}{f' [{self.sheet}]' if self.sheet else ''}{f' {cells[0]}'}: “{safe}” is no unit of the register{hint};"
                " the row was left out. Settle the name in review.csv",
                column=column,
                before=safe,
                action="rejected",
                severity=severity,
                n=len(same),
                cells=cells,
            )
            self.unmatched.append(
                {
                    "found": safe,
                    "within": first["within"],
                    "nearest": first["nearest"],
                    "score": first["score"],
                    "n": len(same),
                }
            )


def finish(table: Table, name: str, frame: pd.DataFrame) -> Mapped:
    """Order the columns as the contract does, keep the first of repeated keys, and hand all back.

    Rows that share a key with an earlier one are rejected: with a warning where they say the same, with an error where
    they contradict it.
    """
    contract = tables.CONTRACTS[name]
    blank = tables.empty(name)
    out = frame.reindex(columns=[c for c in blank.columns if c in frame or c not in frame])
    out["period"] = table.context.period
    out = out.astype({c: blank[c].dtype for c in blank.columns if blank[c].dtype != "Int64"}).reset_index(
        drop=True
    )
    key = list(contract.key)
    again = out.duplicated(key) if key and len(out) else pd.Series(False, index=out.index)
    if again.any():
        rest = [c for c in out if c not in (*key, "source")]
        first = out[~again].set_index(key)
        for _, row in out[again].iterrows():
            kept = first.loc[tuple(row[key])]
            kept = kept.iloc[0] if isinstance(kept, pd.DataFrame) else kept
            same = all(_same(kept[c], row[c]) for c in rest)
            named = ", ".join(str(row[k]) for k in key if k != "period" and pd.notna(row[k]))
            cells = [split_source(kept["source"])[2], split_source(row["source"])[2]]
            table.pad.add(
                "repeated row" if same else "contradicting row",
                f"{named} stands twice ({' and '.join(cells)})"
                + (
                    "; the second was left out"
                    if same
                    else "; the two differ, the first was kept. Say which one holds"
                ),
                action="rejected",
                severity="warning" if same else "error",
                cells=cells,
            )
        out = out[~again].reset_index(drop=True)
    unmatched = pd.DataFrame(table.unmatched, columns=list(UNMATCHED))
    return Mapped(out, table.pad.frame(), unmatched)


def _same(a: Any, b: Any) -> bool:
    return bool((pd.isna(a) and pd.isna(b)) or a == b)


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(value: Any, words: Mapping[str, float]) -> float:
    if isinstance(value, bool | np.bool_):
        return float(value)
    if isinstance(value, int | float | np.number):
        return float(value)
    text = squash(value).replace(",", "")
    if text in words:
        return words[text]
    try:
        return (
            float(Fraction(text)) if re.fullmatch(r"[-+]?\d+/\d+", text) else float(text.removesuffix("分"))
        )
    except (ValueError, ZeroDivisionError):
        return float("nan")
