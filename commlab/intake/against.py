"""Facts against those of the period before: slips of the unit, jumps, figures pasted, columns emptied, units come and gone.

Units that were renamed, merged or split since are carried to their successors first: a merger is compared with the sum
of what was merged, a split is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import listing
from commlab.intake.gazetteer import successors
from commlab.intake.ledger import Pad, few, joined, split_source
from commlab.tables import period_key

__all__ = [
    "JUMP",
    "JUMP_FROM",
    "SLIP",
    "absent",
    "by_file",
    "cells",
    "compare",
    "observed",
    "pad_of",
    "sheets",
]

SLIP = 1000.0
"""From this ratio to the previous period a value is taken for a slip of the unit (元 for 万元)."""
JUMP = 10.0
"""From this ratio on, for values of at least ``JUMP_FROM``, a change is worth a look."""
JUMP_FROM = 50.0
_PASTED = 5  # figures that must all equal last period's before a row, a column or a file counts as pasted
_DIFFERENT = 3  # different values that a column must hold before it can look pasted
_WHOLE = 3  # values from which a column is judged as a whole
_SLIP_POWER = 1.9
"""Powers of ten from which a whole column that moved alike is a slip of the unit (百, 千, 万)."""
_ALIKE, _MOST = 0.5, 0.8
"""Most values of such a column lie within half a power of ten of each other."""
_KEY = ["unit", "metric", "item"]


def observed(measures: pd.DataFrame) -> pd.DataFrame:
    """Facts that have a value; no item is an empty one."""
    facts = measures[measures["value"].notna()].copy()
    facts["item"] = facts["item"].astype("object").where(facts["item"].notna(), "")
    return facts


def sheets(rows: pd.DataFrame) -> pd.Series:
    """File and sheet of each row's source."""
    return rows["source"].astype("str").str.replace(r"![^!]*$", "", regex=True)


def pad_of(rows: pd.DataFrame, table: str = "measures") -> Pad:
    """A pad for the file and sheet that most of the rows are from."""
    places = sheets(rows.dropna(subset="source"))
    file, sheet, _ = split_source(f"{places.mode().iloc[0]}!") if len(places) else ("", "", "")
    period = str(rows["period"].iloc[0]) if len(rows) else None
    return Pad(period=period, file=file, sheet=sheet, table=table)


def by_file(rows: pd.DataFrame) -> Iterator[tuple[Pad, str, pd.DataFrame]]:
    """Rows of one file, sheet and metric: a pad for them, the metric (with its item), the rows."""
    if rows.empty:
        return
    for (place, metric), own in rows.groupby(_groups(rows), sort=True):
        file, sheet, _ = split_source(f"{place}!")
        yield (
            Pad(period=str(own["period"].iloc[0]), file=file, sheet=sheet, table="measures"),
            str(metric),
            own,
        )


def _groups(rows: pd.DataFrame) -> list[pd.Series]:
    """What rows are judged together by: file and sheet, metric and item."""
    metric = rows["metric"].astype("object")
    return [
        sheets(rows),
        metric.where(rows["item"] == "", metric + "/" + rows["item"].astype("object")).astype("str"),
    ]


def cells(sources: Iterable[str]) -> list[str]:
    """Cells of sources, in their order."""
    return [split_source(s)[2] for s in sources]


def absent(units: pd.DataFrame, on: str | pd.Timestamp) -> pd.Series:
    """Which units had ended before a day (a period's last one), or had not begun on it."""
    if isinstance(on, str):
        year, month, _ = period_key(on)
        day = pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)
    else:
        day = on
    none = pd.Series(pd.NaT, index=units.index)
    ended, to_come = (pd.to_datetime(units.get(c, none)) for c in ("valid_to", "valid_from"))
    return (ended < day) | (to_come > day)


def compare(
    measures: pd.DataFrame,
    previous: pd.DataFrame,
    units: pd.DataFrame | None,
    changes: pd.DataFrame | None,
    *,
    flows: set[str],
    ratios: set[str],
) -> pd.DataFrame:
    """All comparisons with the period before, as ledger lines."""
    living = set(measures["unit"].unique())
    if units is not None and len(measures):
        living |= set(units.loc[~absent(units, str(measures["period"].iloc[0])), "unit"])
    after = {} if changes is None or changes.empty else successors(changes, living)
    facts = observed(measures)
    then = _carried(observed(previous), after, ratios)
    both = _latest(facts).merge(_latest(then)[[*_KEY, "value"]], on=_KEY, suffixes=("", "_before"))
    return joined(
        [
            _slips_and_jumps(both, facts),
            _pasted(both[both["metric"].isin(flows)] if flows else both),
            _emptied(measures, then),
            _come_and_gone(measures, previous["unit"], after, units),
        ]
    )


def _carried(then: pd.DataFrame, after: dict[str, list[str]], ratios: set[str]) -> pd.DataFrame:
    """The facts of the period before on this period's units: counts of merged units add up."""
    units = then["unit"].unique()
    if not any(u in after for u in units):
        return then
    moved = then["unit"].map({u: after[u][0] if len(after.get(u, ())) == 1 else u for u in units})
    several = then["unit"].groupby(moved).nunique()
    merged = set(several.index[several > 1])
    split = then["unit"].isin([u for u, to in after.items() if len(to) > 1])
    whole = then.assign(unit=moved)[~split]
    joint = whole["unit"].isin(merged)
    if not joint.any():
        return whole
    added = whole[joint & ~whole["metric"].isin(ratios)]
    added = added.groupby([*_KEY, "as_of"], sort=False, as_index=False)["value"].sum()
    return pd.concat([whole[~joint], added], ignore_index=True)


def _latest(facts: pd.DataFrame) -> pd.DataFrame:
    return facts.sort_values("as_of", kind="stable").drop_duplicates(_KEY, keep="last")


def _slips_and_jumps(both: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    both = both[(both["value"] > 0) & (both["value_before"] > 0)]
    power = np.log10(both["value"] / both["value_before"])
    groups = _groups(both)
    middle = power.groupby(groups).transform("median")
    alike = ((power - middle).abs() <= _ALIKE).groupby(groups).transform("mean")
    many = power.groupby(groups).transform("size")
    whole = (many >= _WHOLE) & (middle.abs() >= _SLIP_POWER) & (alike >= _MOST)
    times = (10 ** power.abs()).round(9)
    largest = both[["value", "value_before"]].max(axis=1)
    lines = []
    for pad, metric, rows in by_file(both.assign(middle=middle)[whole]):
        now, then, far = rows["value"].median(), rows["value_before"].median(), float(rows["middle"].iloc[0])
        told = (
            f"{metric}: the whole column is about {10 ** round(abs(far)):,} times "
            f"{'last' if far > 0 else 'less than last'} period's (median {then:g} then, {now:g} now); write the unit of "
            "measure in its header, or correct the numbers"
        )
        _add(pad, "unit slip in a column", told, metric, rows, found=now, expected=then, severity="error")
        lines.append(pad.frame())
    for rule, chosen, at, advice in (
        ("unit slip", times >= SLIP, SLIP, "check the unit of measure"),
        ("jump", (times >= JUMP) & (times < SLIP) & (largest >= JUMP_FROM), JUMP, "ask whether this is true"),
    ):
        for pad, metric, rows in by_file(both[chosen & ~whole]):
            first, everyone = rows.iloc[0], int((facts["metric"] == rows["metric"].iloc[0]).sum())
            told = (
                f"{metric}: {len(rows)} of {everyone} values are {at:g} times last period's or more, or so many times "
                f"less (first {first['unit']}: {first['value_before']:g} then {first['value']:g}); {advice}"
            )
            _add(pad, rule, told, metric, rows, found=first["value"], expected=first["value_before"])
            lines.append(pad.frame())
    return joined(lines)


def _add(
    pad: Pad,
    rule: str,
    told: str,
    metric: str,
    rows: pd.DataFrame,
    *,
    found: float,
    expected: float,
    **more: Any,
) -> None:
    pad.add(
        rule, told, column=metric, before=f"{found:.12g}", after=f"≈ {expected:.12g}", n=len(rows),
        cells=cells(rows["source"]), **more,
    )  # fmt: skip


def _pasted(both: pd.DataFrame) -> pd.DataFrame:
    """Units, or columns of a file, all of whose figures that start anew each period equal last period's."""
    both = both[(both["value"] != 0) | (both["value_before"] != 0)]
    same = both["value"] == both["value_before"]
    unit = same.groupby(both["unit"]).agg(["all", "size"])
    units = set(unit.index[unit["all"] & (unit["size"] >= _PASTED)])
    lines = []
    rows = both[both["unit"].isin(units)].drop_duplicates("unit")
    for _, own in rows.groupby(sheets(rows), sort=True):
        pad, names = pad_of(own), list(own["unit"])
        told = f"{len(names)} units repeat every figure of last period (first {names[0]}); ask whether they were counted again"
        rows_ = [f"{row}:{row}" for row in own["source"].str.extract(r"(\d+)$")[0].dropna()]
        pad.add(
            "pasted from last period",
            told,
            before=few(names),
            n=len(names),
            cells=rows_ or cells(own["source"]),
        )
        lines.append(pad.frame())
    rest = both[~both["unit"].isin(units)]
    equal = (rest["value"] == rest["value_before"]).groupby(_groups(rest)).transform("all")
    for pad, metric, own in by_file(rest[equal]):
        if len(own) >= _PASTED and own["value"].nunique() >= _DIFFERENT:
            told = f"{metric}: all {len(own)} values are last period's; ask whether they were counted again"
            pad.add("column as last period", told, column=metric, n=len(own), cells=cells(own["source"]))
            lines.append(pad.frame())
    return joined(lines)


def _emptied(measures: pd.DataFrame, then: pd.DataFrame) -> pd.DataFrame:
    """Columns of a file that held numbers last period and hold none now: blank, or written as text."""
    rows = measures.assign(item=measures["item"].astype("object").where(measures["item"].notna(), ""))
    lines = []
    empty = ~rows["value"].notna().groupby(_groups(rows)).transform("any")
    for pad, metric, own in by_file(rows[empty]):
        had = own.merge(_latest(then)[[*_KEY, "value"]], on=_KEY, suffixes=("", "_before"))
        if len(had) >= _WHOLE:
            told = f"{metric}: {len(had)} units gave numbers last period and none does now; send the numbers"
            first = f"≈ {had['value_before'].iloc[0]:.12g}"
            pad.add(
                "column emptied", told, column=metric, after=first, n=len(had), cells=cells(own["source"])
            )
            lines.append(pad.frame())
    return joined(lines)


def _come_and_gone(
    measures: pd.DataFrame, before: pd.Series, after: dict[str, list[str]], units: pd.DataFrame | None
) -> pd.DataFrame:
    """Units of this period's files only, and of last period's only; what ``unit_changes`` explains is neither."""
    now = set(measures["unit"].unique())
    was = {one for unit in before.unique() for one in after.get(unit, (unit,))}
    # Communities of the register that are in no file are told by the register, district by district.
    listed = set() if units is None else set(units["unit"])
    sent = {unit.rpartition("/")[0] for unit in now}
    gone = sorted(u for u in was - now - listed if u.rpartition("/")[0] in sent)
    lines = []
    for names, rule, said in (
        (gone, "unit gone", "were in last period's files and are not in this one's"),
        (sorted(now - was), "unit new", "were not in last period's files"),
    ):
        for above in dict.fromkeys(name.rpartition("/")[0] for name in names):
            own = [name for name in names if name.rpartition("/")[0] == above]
            here = (
                measures["unit"].isin(own)
                if rule == "unit new"
                else measures["unit"].str.startswith(f"{above}/")
            )
            rows = measures[here]
            pad = pad_of(rows if len(rows) else measures)
            told = f"{len(own)} units {said} ({listing(own, most=3)}); enter what became of them in unit_changes.csv"
            at = cells(rows.drop_duplicates("unit")["source"]) if rule == "unit new" else []
            pad.add(rule, told, before=few(own), n=len(own), cells=at)
            lines.append(pad.frame())
    return joined(lines)
