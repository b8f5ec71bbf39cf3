"""Rows that stand twice: one where they agree, nothing believed where they contradict each other.

No order of the rows changes what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab import tables
from commlab.errors import listing
from commlab.intake.ledger import split_source
from commlab.intake.mapped import UNMATCHED, Mapped, as_text

if TYPE_CHECKING:
    from commlab.intake.mapping import Table

__all__ = ["account", "finish", "once"]

_KINDS = {"text": "str", "number": "float64", "integer": "Int64", "date": "datetime64[us]", "flag": "bool"}
Instead = dict[str, dict[int, int | None]]
"""Column -> {kept row: row to read instead, or None for missing}."""


def once(table: Table, unit: pd.Series) -> tuple[pd.Series, Instead]:
    """Units with the further rows of a unit blanked, and what the kept rows take from them.

    A blank agrees with everything.
    """
    frame, rows = table.frame, table.rows
    values = [c for c in frame if c in table.taken and c not in table.naming]
    out, instead = unit.copy(), Instead()
    twice = unit[unit.duplicated(keep=False)].dropna()
    for name, group in twice.groupby(twice, sort=False):
        first, *others = map(int, group.index)
        firsts, disputed = _settled(frame.loc[group.index, values])
        for column, row in firsts.items():
            if row != first or column in disputed:
                instead.setdefault(column, {})[first] = None if column in disputed else row
        for row in others:
            odd = [c for c in disputed if _differ(frame.at[firsts[c], c], frame.at[row, c])]
            told = f"{name} stands twice (rows {rows[first]} and {rows[row]})"
            _tell(table, told, odd, [table.cell(r, odd[0]) for r in (first, row)] if odd else [])
            table.told.add(row)
            out.iloc[row] = pd.NA
    return out, instead


def _settled(rows: pd.DataFrame) -> tuple[dict[str, int], list[str]]:
    """The first row that has a value in each column, and the columns whose values differ."""
    firsts = {c: int(rows[c].first_valid_index()) for c in rows if rows[c].notna().any()}
    return firsts, [c for c in firsts if rows[c].dropna().map(as_text).nunique() > 1]


def _differ(a: object, b: object) -> bool:
    return bool(pd.notna(b)) and as_text(a) != as_text(b)


def _tell(table: Table, told: str, odd: Sequence[str], cells: Sequence[str]) -> None:
    """A row that an earlier one stands for: an error where the two contradict each other."""
    if not odd:
        table.pad.add("repeated row", f"{told}; the second was left out", action="rejected", cells=cells)
        return
    told += (
        f"; they differ in {listing(odd, most=3)}, which counts as missing. Take out the row that is wrong"
    )
    table.reject("contradicting row", told, column=odd[0], n=1, cells=cells)


def account(table: Table, frame: pd.DataFrame) -> None:
    """A line about rows that hold something, gave nothing, and that no line of the ledger speaks of yet."""
    place = {source: row for row, source in enumerate(table.source)}
    for column in table.frame:
        place |= {source: row for row, source in enumerate(table.sources(str(column)))}
    kept = {place[s] for s in frame["source"] if s in place} if "source" in frame else set()
    some = table.frame.notna().any(axis=1).to_numpy().nonzero()[0].tolist()
    left = [row for row in some if row not in kept and row not in table.told]
    if left:
        cells = [f"{table.rows[row]}:{table.rows[row]}" for row in left]
        told = f"{len(left)} rows lack what a row of {table.table} needs and were left out. Complete them"
        table.reject("incomplete row", told, column="", n=len(left), cells=cells)


def finish(table: Table, name: str, frame: pd.DataFrame) -> Mapped:
    """Give the columns the contract's order and types, make rows of one key one, and hand all back."""
    contract = tables.CONTRACTS[name]
    columns: dict[str, pd.Series] = {}
    for c in contract.columns:
        nothing = np.nan if c.kind == "number" else pd.NA
        values = frame[c.name] if c.name in frame else pd.Series(nothing, index=frame.index, dtype="object")
        if c.name == "period":
            values = pd.Series(table.context.period, index=frame.index)
        columns[c.name] = values.astype(_KINDS[c.kind])
    out = pd.DataFrame(columns, index=frame.index).reset_index(drop=True)
    if contract.key and out.duplicated(list(contract.key)).any():
        needed = {c.name for c in contract.columns if not c.nullable}
        out = _folded(table, out, list(contract.key), needed)
    return Mapped(out, table.pad.frame(), pd.DataFrame(table.unmatched, columns=list(UNMATCHED)))


def _folded(table: Table, frame: pd.DataFrame, key: Sequence[str], needed: set[str]) -> pd.DataFrame:
    """What rows of one key contradict each other in becomes missing; where it is needed, none of them stays."""
    rest = [c for c in frame if c not in (*key, "source", "state")]
    dropped: list[int] = []
    twice = frame[frame.duplicated(list(key), keep=False)]
    for _, rows in twice.groupby(list(key), dropna=False, sort=False):
        first = rows.index[0]
        firsts, disputed = _settled(rows[rest])
        lost = bool(needed & set(disputed))
        for row in rows.index[0 if lost else 1 :]:
            cells = [split_source(frame.at[r, "source"])[2] for r in (first, row)]
            named = ", ".join(
                str(frame.at[row, k]) for k in key if k != "period" and pd.notna(frame.at[row, k])
            )
            odd = (
                disputed
                if lost
                else [c for c in disputed if _differ(frame.at[firsts[c], c], frame.at[row, c])]
            )
            _tell(table, f"{named} stands twice ({' and '.join(dict.fromkeys(cells))})", odd, cells)
        for column, row in firsts.items():
            frame.at[first, column] = (
                pd.NA if column in disputed and column not in needed else frame.at[row, column]
            )
        if "state" in frame:
            holds = rows.at[firsts["value"], "state"] if "value" in firsts else rows["state"].min()
            frame.at[first, "state"] = "missing" if disputed else holds
        dropped += list(rows.index[0 if lost else 1 :])
    return frame.drop(index=dropped).reset_index(drop=True)
