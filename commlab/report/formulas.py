"""Live formulas of a district's appendix: raw values -> evidence -> parts -> standards -> total.

Each function takes rows that hold the published numbers and returns the formulas behind them, so that a spreadsheet
recalculates what the library computed. A step that a spreadsheet cannot express stays a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commlab.framework import Framework, Part, exact
from commlab.framework.rules import RULES
from commlab.scoring.gather import Measures

__all__ = [
    "Formulas",
    "Grid",
    "RawValues",
    "evidence_formulas",
    "part_formulas",
    "part_rows",
    "weight_formulas",
]

FIRST_ROW = 3
"""A title and a header stand above the first row of values."""
DIGITS = 10
"""Decimals at which a norm is compared: what is printed there counts, not the last binary digit."""
_AGREE = 1e-9
_PEOPLE = ("judged", "count", "survey")
PERCENT = 100

Formulas = dict[str, list[str]]
_Record = Mapping[Any, Any]


@dataclass(frozen=True)
class Grid:
    """Where the cells of a sheet stand: its name on the tab and its printed columns."""

    sheet: str
    columns: tuple[str, ...]

    def cell(self, column: str, row: int, *, own: bool = False) -> str:
        """One cell by column and row of the table (from 0); ``own``: seen from the sheet itself."""
        return self.span(column, row, row, own=own)

    def span(self, column: str, first: int, last: int, *, own: bool = False) -> str:
        from xlsxwriter.utility import xl_col_to_name

        letter = xl_col_to_name(self.columns.index(column))
        ends = dict.fromkeys([f"{letter}{first + FIRST_ROW}", f"{letter}{last + FIRST_ROW}"])
        return ("" if own else f"'{self.sheet}'!") + ":".join(ends)


class RawValues:
    """Newest reported values of the communities behind the norms of a district: a row a community, types together.

    Parameters
    ----------
    framework : Framework
    units, measures : DataFrame
        Clean tables, of the district only.
    """

    def __init__(self, framework: Framework, units: pd.DataFrame, measures: pd.DataFrame) -> None:
        self.facts = Measures(framework, measures)
        self.table = units[units["level"] == "community"].sort_values("type", kind="stable")
        self.table = self.table[["unit", "name", "type"]].reset_index(drop=True)
        for key in self._keys(framework):
            found = self.facts.newest(key)
            values = [found[u].value if u in found else np.nan for u in self.table["unit"]]
            self.table[key] = np.array(values, dtype=float)

    def _keys(self, framework: Framework) -> list[str]:
        out: dict[str, None] = {}
        for part in (p for c in framework.leaves for p in framework.parts(c)):
            if part.rule in _PEOPLE or part.rule == "growth" or part.measured_at != "community":
                continue
            named = self.sides(part) or (part.metric,)
            if part.rule == "checklist" and part.items:
                named = part.items
            keys = {str(k): self.facts.metric(str(k).partition("/")[0]) for k in named if k}
            if not any(m.sensitive for m in keys.values()):
                out |= dict.fromkeys(keys)
        return [k for k in out if self.facts.newest(k)]

    def sides(self, part: Part) -> tuple[str, str] | None:
        """Numerator and denominator of a part that rests on a quotient."""
        if part.rule == "rate":
            return str(part.params["numerator"]), str(part.params["denominator"])
        metric = self.facts.metric(str(part.metric))
        return (metric.numerator, metric.denominator) if metric.kind == "ratio" else None

    def rows(self, kind: str | None) -> tuple[int, int] | None:
        """First and last row of a type; of all for None."""
        at = self.table.index if kind is None else self.table.index[self.table["type"] == kind]
        return (int(at[0]), int(at[-1])) if len(at) else None


def _close(a: float, b: float) -> bool:
    return bool(abs(a - b) <= _AGREE * max(1.0, abs(b)))


def weight_formulas(rows: pd.DataFrame, grid: Grid) -> Formulas:
    """Weight in the whole = weight among siblings x weight of the node above."""
    at = {code: i for i, code in enumerate(rows["code"])}
    out = []
    for i, parent in enumerate(rows["parent"]):
        own = grid.cell("local", i, own=True)
        out.append(
            f"={own}*{grid.cell('weight', at[parent], own=True)}" if isinstance(parent, str) else f"={own}"
        )
    return {"weight": out}


def evidence_formulas(
    rows: pd.DataFrame, framework: Framework, grid: Grid, raw: RawValues | None, raw_grid: Grid | None
) -> Formulas:
    """Sums and counts over raw values, quotients, and means and minima over the lines of a list.

    Parameters
    ----------
    rows : DataFrame
        Evidence in the order of the sheet, index 0, 1, ...
    raw, raw_grid : optional
        The sheet of raw values, where the workbook has one.
    """
    out: Formulas = {c: [""] * len(rows) for c in ("value", "numerator", "denominator")}
    parts = {(p.code, p.part): p for c in framework.leaves for p in framework.parts(c)}
    records = rows.to_dict("records")
    lists: dict[tuple[str, str, str], list[int]] = {}
    for i, row in enumerate(records):
        top, bottom, per = row["numerator"], row["denominator"], row["per"]
        if pd.notna(top) and pd.notna(bottom) and bottom and _close(top / bottom * per, row["value"]):
            times = "" if per == 1 else f"*{per:.15g}"
            sides = [grid.cell(c, i, own=True) for c in ("numerator", "denominator")]
            out["value"][i] = f"={sides[0]}/{sides[1]}{times}"
        if parts[row["code"], row["part"]].rule not in ("judged", "count"):
            lists.setdefault((row["unit"], row["code"], row["part"]), []).append(i)
    for (_, code, name), mine in lists.items():
        part = parts[code, name]
        _over_lines(part, {i: records[i] for i in mine}, grid, out)
        if raw is not None and raw_grid is not None and part.rule not in _PEOPLE:
            for i in mine:
                for column, told in _over_units(part, records[i], raw, raw_grid).items():
                    if not out[column][i]:
                        out[column][i] = told
    return out


def _over_lines(part: Part, mine: Mapping[int, _Record], grid: Grid, out: Formulas) -> None:
    """The main line of a list from its own lines: sums of a checklist, mean of questions, weakest year."""
    main = [i for i, row in mine.items() if row["role"] == "main"]
    lines = [i for i, row in mine.items() if row["role"] == "item"]
    if len(main) != 1 or not lines or lines[-1] - lines[0] != len(lines) - 1:
        return
    i, row, first, last = main[0], mine[main[0]], lines[0], lines[-1]

    def span(column: str) -> str:
        return grid.span(column, first, last, own=True)

    def known(column: str) -> np.ndarray:
        values = np.array([mine[k][column] for k in lines], dtype=float)
        return values[~np.isnan(values)]

    value = known("value")
    if part.rule == "checklist" and part.rollup != "worst":
        for column in ("numerator", "denominator"):
            if _close(known(column).sum(), row[column]):
                out[column][i] = f"=SUM({span(column)})"
    elif part.rule == "survey" and len(value) and _close(value.mean(), row["value"]):
        out["value"][i] = f"=AVERAGE({span('value')})"
    elif part.rule == "growth" and len(value) and _close(value.min(), row["value"]):
        out["value"][i] = f"=MIN({span('value')})"
    elif part.rule == "deduction" and row["of"] == 1:
        left = _deducted(part, {str(mine[k]["item"]): k for k in lines}, grid)
        if left:
            out["value"][i] = left


def _deducted(part: Part, at: Mapping[str, int], grid: Grid) -> str:
    """Full marks less each item's points up to its cap, not below the floor; nothing where no item was counted."""
    counts = ",".join(grid.cell("value", at[i["item"]], own=True) for i in part.items)
    floor = f"{float(exact(part.params.get('floor', 0))):.15g}"
    taken, all_of_it = [], []
    for item in part.items:
        count = grid.cell("value", at[item["item"]], own=True)
        if item.get("all"):
            all_of_it.append(f"{count}>0")
            continue
        points = f"{float(exact(item['per'])):.15g}*MAX(0,{count})"
        taken.append(f"MIN({points},{float(exact(item['cap'])):.15g})" if "cap" in item else points)
    rest = f"MAX({floor},{part.full:.15g}{''.join('-' + t for t in taken)})"
    left = f"IF(OR({','.join(all_of_it)}),{floor},{rest})" if all_of_it else rest
    return f'=IF(COUNT({counts})=0,"",{left})'


def _over_units(part: Part, row: _Record, raw: RawValues, grid: Grid) -> dict[str, str]:
    """What one line of evidence adds up or counts over communities, where that gives the same number."""
    at = raw.rows(part.type)
    key = row["item"] if row["role"] == "item" else part.metric
    if at is None or row["role"] == "check" or row["state"] != "observed":
        return {}
    told: dict[str, tuple[float, str]] = {}
    sides = raw.sides(part) if row["role"] != "item" else None
    if sides and set(sides) <= set(raw.table):
        a, b = (raw.table.loc[at[0] : at[1], s].to_numpy() for s in sides)
        both = np.isfinite(a) & np.isfinite(b) & (b != 0)
        left, right = (grid.span(s, *at) for s in sides)
        for column, values, span in (("numerator", a, left), ("denominator", b, right)):
            known = f"SUMPRODUCT(--ISNUMBER({left}),--ISNUMBER({right}),--({right}<>0),{span})"
            told[column] = values[both].sum(), f"=SUM({span})" if both.all() else f"={known}"
    elif isinstance(key, str) and key in raw.table:
        x = raw.table.loc[at[0] : at[1], key].to_numpy()
        span, known = grid.span(key, *at), x[np.isfinite(x)]
        op, target = _passing(part)
        if op and (row["statistic"] in ("share_meeting", "passed")):
            told["numerator"] = float(_MET[op](known, target).sum()), _counted(span, op, target)
        else:
            told["numerator"] = float(known.sum()), f"=SUM({span})"
        told["denominator"] = float(len(known)), f"=COUNT({span})"
        if len(known):
            told["value"] = (
                float(known.mean()),
                f"=AVERAGE({span})" if len(x) > 1 else f"={span}",
            )
    return {c: text for c, (value, text) in told.items() if pd.notna(row[c]) and _close(value, row[c])}


_MET: dict[str, Callable[[Any, Any], Any]] = {
    ">=": np.greater_equal,
    ">": np.greater,
    "<=": np.less_equal,
    "<": np.less,
    "==": np.equal,
}


def _passing(part: Part) -> tuple[str, float]:
    if part.rule == "yes_no":
        return ">", 0.0
    op = part.params.get("op", ">=" if part.rule == "checklist" else "")
    return str(op), float(exact(part.params.get("target", 1)))


def _counted(span: str, op: str, target: float) -> str:
    return f"=COUNTIF({span},{target:.15g})" if op == "==" else f'=COUNTIF({span},"{op}{target:.15g}")'


# -- parts: what a value earns ---------------------------------------------------------------------------------


def part_rows(framework: Framework, leaves: pd.DataFrame, *, missing: str) -> pd.DataFrame:
    """A row a scored part: code, part, rule, value, target, reached (of its full marks), full, score, share, used.

    ``used`` is the share of the part in its standard that counts: nothing where nothing was measured (or, with
    missing as zero, where it does not apply).
    """
    by_part = leaves.set_index(["code", "part"])
    rows = []
    for code in framework.leaves:
        for part in framework.parts(code):
            if (code, part.part) not in by_part.index:
                continue
            found = by_part.loc[(code, part.part)]
            shared = RULES[part.rule].shared
            score = float(found["score"])
            counts = np.isfinite(score) if missing == "measured" else found["state"] != "not_applicable"
            rows.append(
                {
                    "code": code,
                    "part": part.part,
                    "rule": part.rule,
                    "value": float(found["value"]),
                    "target": _target(part),
                    "reached": score / part.full if shared else np.nan,
                    "full": part.full if shared else np.nan,
                    "score": score,
                    "share": part.share if shared else np.nan,
                    "used": (part.share if counts else 0.0) if shared else np.nan,
                    "state": found["state"],
                }
            )
    return pd.DataFrame(rows)


def _target(part: Part) -> float:
    return float(exact(part.params["target"])) if part.rule in ("threshold", "rate", "growth") else np.nan


def part_formulas(
    rows: pd.DataFrame, framework: Framework, evidence: pd.DataFrame, grid: Grid, above: Grid, *, missing: str
) -> Formulas:
    """Value from the evidence (``above``), what it reaches by its rule, points, and the share that counts."""
    out: Formulas = {c: [""] * len(rows) for c in ("value", "reached", "score", "used")}
    main = evidence[evidence["role"] == "main"]
    where = {(c, p): int(i) for i, c, p in zip(main.index, main["code"], main["part"], strict=True)}
    statistic = {k: main.at[i, "statistic"] for k, i in where.items()}
    parts = {(p.code, p.part): p for c in framework.leaves for p in framework.parts(c)}
    for i, row in enumerate(rows.to_dict("records")):
        key = (row["code"], row["part"])
        part = parts[key]
        value, reached, full, share = (
            grid.cell(c, i, own=True) for c in ("value", "reached", "full", "share")
        )
        if pd.notna(row["value"]) and key in where:
            out["value"][i] = f"={above.cell('value', where[key])}"
        if not RULES[part.rule].shared:
            out["score"][i] = f'=IF(ISNUMBER({value}),{_outside(part, value)},"")'
            continue
        earned = _reached(
            part, value, grid.cell("target", i, own=True), statistic.get(key) == "share_meeting"
        )
        out["reached"][i] = f'=IF(ISNUMBER({value}),{earned},"")'
        out["score"][i] = f'=IF(ISNUMBER({reached}),{reached}*{full},"")'
        if missing == "measured":
            out["used"][i] = f"=IF(ISNUMBER({reached}),{share},0)"
    return out


def _outside(part: Part, value: str) -> str:
    """Points of a bonus, or what a veto sets (empty where it did not strike)."""
    if part.rule == "bonus":
        earned = f"MAX(0,{value}*{float(exact(part.params['per'])):.15g})"
        return f"MIN({earned},{float(exact(part.params['cap'])):.15g})" if "cap" in part.params else earned
    sets = part.params.get("sets", 0)
    points = 0.0 if isinstance(sets, str) and "/" not in sets else float(exact(sets))
    return f'IF({value}>0,{points:.15g},"")'


def _reached(part: Part, value: str, target: str, share_meeting: bool) -> str:
    """Share of full marks that a value earns, as a formula."""
    if share_meeting or (part.rule == "checklist" and part.params.get("graded", True)):
        return value
    if part.goalposts is not None:
        low, high = part.goalposts
        return f"MAX(0,MIN(1,({value}-({low:.15g}))/({high - low:.15g})))"
    if part.rule in ("judged", "count", "survey"):
        return f"{value}/{PERCENT}"
    if part.rule == "deduction":
        return f"{value}/{part.full:.15g}"
    if part.rule == "yes_no":
        return f"IF({value}>0,1,0)"
    if part.rule == "checklist":
        return f"IF({_compared(value, '>=', '1')},1,0)"
    if part.rule == "range":
        ends = [f"{float(exact(part.params[k])):.15g}" for k in ("low", "high")]
        inside = f"{_compared(value, '>=', ends[0])},{_compared(value, '<=', ends[1])}"
        return f"IF(AND({inside}),1,0)"
    if part.rule == "bands":
        return _ladder(part, value)
    op = part.params.get("op", ">=")
    short = "0"
    if part.graded and float(exact(part.target)) > 0:
        if op in (">=", ">"):
            short = f"MAX(0,MIN(1,{value}/{target}))"
        elif op in ("<=", "<"):
            short = f"MIN(1,{target}/{value})"
    return f"IF({_compared(value, op, target)},1,{short})"


def _compared(value: str, op: str, target: str) -> str:
    return f"ROUND({value}-{target},{DIGITS}){'=' if op == '==' else op}0"


def _ladder(part: Part, value: str) -> str:
    out = "0"
    for band in reversed(part.params["bands"]):
        closed, conditions = band.get("closed", "left"), []
        if "low" in band:
            low = f"{float(exact(band['low'])):.15g}"
            conditions.append(_compared(value, ">=" if closed in ("left", "both") else ">", low))
        if "high" in band:
            high = f"{float(exact(band['high'])):.15g}"
            conditions.append(_compared(value, "<=" if closed in ("right", "both") else "<", high))
        earned = f"{float(exact(band['score'])):.15g}/{part.full:.15g}"
        out = f"IF(AND({','.join(conditions) or 'TRUE'}),{earned},{out})"
    return out
