"""Sums across a row: a column called 合计 or 小计 against the columns that it adds up.

Which columns those are is declared (``sum_of``), or found: columns of the same header group that stand in one run
beside the sum and add up to it in most rows. What rounding explains is told as rounding; more is an error that names
both numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.intake.words import total_kind

if TYPE_CHECKING:
    from commlab.intake.mapping import Table

__all__ = ["check_row_sums"]

_MOST_HOLD = 0.6
"""Share of rows in which a run of columns must add up to a column before it is taken for their sum."""
_LEAST_ROWS = 3
_LEAST_ADDENDS = 2
_EXACT = 1e-9
_BRACKET = re.compile(r"\([^()]*\)$")


def check_row_sums(table: Table, declared: dict[str, Sequence[str]]) -> None:
    """Compare every column that is a sum with the columns it adds up; line by line where it does not hold.

    Parameters
    ----------
    table : Table
    declared : dict
        Column of sums -> columns that it adds up.
    """
    found: dict[str, list[str]] = {
        c: addends for c in map(str, table.frame.columns) if (addends := _addends(table, c))
    }
    for column, addends in {**found, **{c: list(of) for c, of in declared.items()}}.items():
        _check(table, column, addends)
        if column not in declared and column not in table.taken:
            table.taken.add(column)
            told = f"“{column}” is the sum of {len(addends)} columns beside it; it was checked and left out"
            table.pad.add("sum column", told, column=column, action="recognised", severity="note")


def _numbers(table: Table, column: str) -> np.ndarray | None:
    values = table.frame[column]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return None
    return values.to_numpy(dtype="float64", na_value=np.nan)


def _addends(table: Table, column: str) -> list[str]:
    """The run of columns beside ``column``, in its header group, that adds up to it in most rows; the longest holds."""
    group, _, label = column.rpartition("/")
    total = _numbers(table, column)
    if total is None or total_kind(_BRACKET.sub("", label)) != "sum":
        return []
    names = [c for c in map(str, table.frame.columns) if c == column or c.rpartition("/")[0] == group]
    place = names.index(column)
    best: tuple[float, int, list[str]] = (0.0, 0, [])
    for beside in (names[:place][::-1], names[place + 1 :]):
        run, sums = list[str](), np.zeros(len(total))
        for name in beside:
            more = _numbers(table, name)
            if more is None:
                break
            run, sums = [*run, name], sums + more
            told = np.isfinite(total) & np.isfinite(sums)
            if len(run) < _LEAST_ADDENDS or told.sum() < _LEAST_ROWS or not (total[told] != 0).any():
                continue
            held = np.abs(total - sums)[told] <= _tolerance(table, column, run) + _EXACT
            share = float(held.mean())
            if share >= _MOST_HOLD and (share, len(run)) > best[:2]:
                best = (share, len(run), run)
    return best[2]


def _unit(table: Table, column: str) -> float:
    """What a column was rounded to: 0.01 in 3.25, 1000 yuan where 0.1 万元 is the last digit; 0 for whole counts."""
    values = _numbers(table, column)
    if values is None:
        return 0.0
    values = np.abs(values[np.isfinite(values) & (values != 0)])
    scaled = _rescaled(table.raw.ledger, column)
    for power in range(6 if scaled else 0, -7, -1):
        if np.all(np.abs(values / 10.0**power - np.rint(values / 10.0**power)) <= 1e-6):
            return 10.0**power if power < 0 or scaled else 0.0
    return 0.0


def _tolerance(table: Table, column: str, addends: Sequence[str]) -> float:
    """Half a unit of each number: what rounding alone can move a sum by. Whole counts are exact."""
    return 0.5 * sum(_unit(table, name) for name in (column, *addends))


def _check(table: Table, column: str, addends: list[str]) -> None:
    total = _numbers(table, column)
    parts = [part for name in addends if (part := _numbers(table, name)) is not None]
    if total is None or len(parts) < len(addends):
        return
    sums = np.sum(parts, axis=0)
    off = np.abs(total - sums)
    slack = _tolerance(table, column, addends)
    for row in np.flatnonzero(off > _EXACT * np.maximum(1.0, np.abs(sums))):
        rounded = off[row] <= slack + _EXACT * abs(sums[row])
        cells = [table.cell(int(row), name) for name in (column, *addends)]
        printed, added = f"{total[row]:.10g}", f"{sums[row]:.10g}"
        told = f"“{column}” is {printed}; its {len(addends)} parts add up to {added}"
        told += ", which rounding explains" if rounded else ". Correct whichever is wrong"
        table.pad.add(
            "row sum rounded" if rounded else "row sum", told, column=column, before=printed, after=added,
            severity="rounding" if rounded else "error", cells=cells,
        )  # fmt: skip


def _rescaled(ledger: pd.DataFrame | None, column: str) -> bool:
    """Whether reading brought a column to its base unit (万元 to 元)."""
    if ledger is None or "rule" not in ledger or ledger.empty:
        return False
    return bool(((ledger["rule"] == "base_unit") & (ledger["column"] == column)).any())
