"""Checks across rows and columns of clean tables: what a careful clerk would ask back about.

Each check looks at a whole table and writes ledger lines with the cells to look at; nothing is changed.
``error`` is what cannot be true (a part above its whole, a negative count), ``warning`` what is unlikely (a
jump of a thousand times, a community that was there last quarter and is not now).

>>> facts = pd.DataFrame({"period": "2019Q4", "as_of": pd.Timestamp("2019-12-31"), "unit": "甲", "item": None,
...     "metric": ["all", "some"], "value": [5.0, 7.0], "state": "observed", "source": ["a#s!B4", "a#s!C4"]})
>>> check_measures(facts, parts=[("some", "all")])[["rule", "severity", "first_cells"]].values.tolist()
[['part above whole', 'error', 'C4, B4']]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing
from commlab.intake.ledger import Pad, joined, split_source

__all__ = ["SLIP", "check_measures", "check_problems", "check_ratings", "parts_of"]

SLIP = 1000.0
"""From this ratio to the previous period a value is taken for a slip of the unit (元 for 万元)."""
JUMP = 10.0
"""From this ratio on, for values of at least ``JUMP_FROM``, a change is worth a look."""
JUMP_FROM = 50.0
_PASTED = 5  # figures that must all equal last period's before a row counts as pasted
_KEY = ["unit", "metric", "item"]


def parts_of(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(part, whole) pairs from a framework's metrics: numerator and denominator of every percentage.

    >>> parts_of({"rate": {"unit": "%", "numerator": "a", "denominator": "b"}})
    [('a', 'b')]
    """
    pairs = []
    for metric in metrics.values():
        get = metric.get if isinstance(metric, Mapping) else lambda k, m=metric: getattr(m, k, "")
        if get("unit") == "%" and get("numerator") and get("denominator"):
            pairs.append((str(get("numerator")), str(get("denominator"))))
    return pairs


def check_measures(
    measures: pd.DataFrame,
    *,
    previous: pd.DataFrame | None = None,
    units: pd.DataFrame | None = None,
    metrics: Mapping[str, Any] | None = None,
    parts: Iterable[tuple[str, str]] = (),
    rates: Iterable[str] = (),
    signed: Iterable[str] = (),
    flows: Iterable[str] = (),
) -> pd.DataFrame:
    """Check facts against each other, against the previous period and against the register.

    Parameters
    ----------
    measures, previous : DataFrame
        ``measures`` of this period and of the one before.
    units : DataFrame, optional
        The register: communities that no file mentions are named, district by district.
    metrics : mapping, optional
        The framework's metrics: every percentage's numerator is a part of its denominator.
    parts : iterable of (part, whole), optional
        Metrics of which one can never exceed the other.
    rates : iterable of str, optional
        Metrics between 0 and 1.
    signed : iterable of str, optional
        Metrics that may be negative.
    flows : iterable of str, optional
        Metrics that start anew each period; a pasted row is judged by them too.

    Returns
    -------
    DataFrame
        Ledger lines.

    Raises
    ------
    DataError
        If a frame lacks columns of ``measures``.
    """
    for frame in (measures, previous):
        lacking = [] if frame is None else [c for c in (*_KEY, "value", "as_of", "source") if c not in frame]
        if lacking:
            raise DataError(f"this is no table of measures: {', '.join(lacking)} are missing")
    facts = measures[measures["value"].notna()].copy()
    facts["item"] = facts["item"].astype("object").where(facts["item"].notna(), "")
    lines = [
        _negative(facts[~facts["metric"].isin(list(signed))]),
        _above_one(facts[facts["metric"].isin(list(rates))]),
        _parts(facts, [*parts, *parts_of(metrics or {})]),
    ]
    if previous is not None and len(previous):
        before = previous[previous["value"].notna()].copy()
        before["item"] = before["item"].astype("object").where(before["item"].notna(), "")
        lines += [
            _against(facts, before),
            _pasted(facts, before, set(flows)),
            _come_and_gone(measures, previous),
        ]
    if units is not None:
        lines.append(_lacking(measures, units))
    return joined(lines)


def _pad(rows: pd.DataFrame, table: str = "measures") -> Pad:
    file, sheet, _ = split_source(rows["source"].iloc[0]) if len(rows) else ("", "", "")
    period = str(rows["period"].iloc[0]) if len(rows) else None
    return Pad(period=period, file=file, sheet=sheet, table=table)


def _by_file(rows: pd.DataFrame) -> Iterable[tuple[Pad, pd.DataFrame]]:
    file = rows["source"].astype("str").str.replace(r"![^!]*$", "", regex=True)
    for _, group in rows.groupby(file, sort=True):
        yield _pad(group), group


def _cells(sources: Iterable[str]) -> list[str]:
    return [split_source(s)[2] for s in sources]


def _negative(facts: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for pad, rows in _by_file(facts[facts["value"] < 0]):
        for metric, bad in rows.groupby("metric", sort=False):
            first = bad.iloc[0]
            pad.add(
                "negative count",
                f"{metric}: {len(bad)} values are negative (first {first['unit']}: {first['value']:g}); "
                f"correct them",
                column=str(metric),
                before=f"{first['value']:g}",
                severity="error",
                n=len(bad),
                cells=_cells(bad["source"]),
            )
        lines.append(pad.frame())
    return joined(lines)


def _above_one(facts: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for pad, rows in _by_file(facts[facts["value"] > 1]):
        for metric, bad in rows.groupby("metric", sort=False):
            first = bad.iloc[0]
            pad.add(
                "rate above 100 %",
                f"{metric}: {len(bad)} rates lie above 100 % (first {first['unit']}: {first['value']:.4g} "
                f"= {first['value']:.4%});"
                " if the column holds per cent, say so in its header",
                column=str(metric),
                before=f"{first['value']:g}",
                severity="error",
                n=len(bad),
                cells=_cells(bad["source"]),
            )
        lines.append(pad.frame())
    return joined(lines)


def _parts(facts: pd.DataFrame, parts: Iterable[tuple[str, str]]) -> pd.DataFrame:
    lines = []
    plain = facts[facts["item"] == ""]
    for part, whole in parts:
        both = plain[plain["metric"] == part].merge(
            plain[plain["metric"] == whole], on=["unit", "as_of"], suffixes=("", "_whole")
        )
        for pad, rows in _by_file(both[both["value"] > both["value_whole"]]):
            first = rows.iloc[0]
            cells = [
                cell
                for pair in zip(_cells(rows["source"]), _cells(rows["source_whole"]), strict=True)
                for cell in pair
            ]
            pad.add(
                "part above whole",
                f"{part} exceeds {whole} in {len(rows)} units (first {first['unit']}: {first['value']:g} of"
                f" {first['value_whole']:g}); one of the two is wrong",
                column=part,
                before=f"{first['value']:g}",
                after=f"at most {first['value_whole']:g}",
                severity="error",
                n=len(rows),
                cells=cells,
            )
            lines.append(pad.frame())
    return joined(lines)


def _latest(facts: pd.DataFrame) -> pd.DataFrame:
    return facts.sort_values("as_of", kind="stable").drop_duplicates(_KEY, keep="last")


def _pairs(facts: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """This and the last value of every unit, metric and item, each at its latest date."""
    return _latest(facts).merge(_latest(before)[[*_KEY, "value"]], on=_KEY, suffixes=("", "_before"))


def _against(facts: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Unit slips and jumps against the previous period."""
    both = _pairs(facts, before)
    both = both[(both["value"] > 0) & (both["value_before"] > 0)]
    times = np.maximum(both["value"] / both["value_before"], both["value_before"] / both["value"])
    both = both.assign(times=times)
    lines = []
    largest = both[["value", "value_before"]].max(axis=1)
    for rule, rows in (
        ("unit slip", both[both["times"] >= SLIP]),
        ("jump", both[(both["times"] >= JUMP) & (both["times"] < SLIP) & (largest >= JUMP_FROM)]),
    ):
        for pad, own in _by_file(rows):
            for metric, bad in own.groupby("metric", sort=False):
                everyone = int((facts["metric"] == metric).sum())
                first = bad.iloc[0]
                slip = rule == "unit slip"
                pad.add(
                    rule,
                    f"{metric}: {len(bad)} of {everyone} values are {SLIP if slip else JUMP:g} times last "
                    f"period's or more, or so"
                    f" many times less (first {first['unit']}: {first['value_before']:g} then "
                    f"{first['value']:g});"
                    + (" check the unit of measure" if slip else " ask whether this is true"),
                    column=str(metric),
                    before=f"{first['value_before']:g}",
                    after=f"{first['value']:g}",
                    severity="warning",
                    n=len(bad),
                    cells=_cells(bad["source"]),
                )
            lines.append(pad.frame())
    return joined(lines)


def _pasted(facts: pd.DataFrame, before: pd.DataFrame, flows: set[str]) -> pd.DataFrame:
    """Units all of whose figures, those that start anew each period included, equal last period's."""
    both = _pairs(facts, before)
    both = both[both["metric"].isin(flows)] if flows else both
    both = both[(both["value"] != 0) | (both["value_before"] != 0)]
    same = (both["value"] == both["value_before"]).groupby(both["unit"]).agg(["all", "size"])
    units = same.index[same["all"] & (same["size"] >= _PASTED)]
    lines = []
    for pad, rows in _by_file(both[both["unit"].isin(units)]):
        names = list(dict.fromkeys(rows["unit"]))
        pad.add(
            "pasted from last period",
            f"{len(names)} units repeat every figure of last period (first {names[0]}); ask whether they "
            f"were counted again",
            severity="warning",
            n=len(names),
            cells=_cells(rows.drop_duplicates("unit")["source"]),
        )
        lines.append(pad.frame())
    return joined(lines)


def _come_and_gone(measures: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    pad = _pad(measures)
    now, then = set(measures["unit"]), set(previous["unit"])
    for rule, units, said in (
        ("unit gone", then - now, "were in last period's files and are not in this one's"),
        ("unit new", now - then, "were not in last period's files"),
    ):
        if units:
            first = sorted(units)[:3]
            pad.add(
                rule, f"{len(units)} units {said} ({', '.join(first)}{' ...' if len(units) > 3 else ''})",
                severity="warning", n=len(units)
            )  # fmt: skip
    return pad.frame()


def _lacking(measures: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Communities of the register that no file mentions, in districts that sent something."""
    have = set(measures["unit"])
    communities = units[units["level"] == "community"]
    pad = _pad(measures)
    for district, own in communities.groupby("parent", sort=False):
        lacking = [u for u in own["unit"] if u not in have]
        if lacking and len(lacking) < len(own):
            pad.add(
                "unit missing",
                f"{district}: {len(lacking)} of {len(own)} communities of the register are in no file"
                f" ({listing(lacking, most=3)}); ask for them",
                column=str(district),
                n=len(lacking),
            )
    return pad.frame()


def check_ratings(ratings: pd.DataFrame, *, experts: int = 2) -> pd.DataFrame:
    """Check ratings: units with fewer than ``experts`` experts, raters who give everyone the same score.

    >>> one = {"period": "2019Q4", "stage": "expert", "rater": "a", "unit": "甲", "code": ["1", "2"]}
    >>> check_ratings(pd.DataFrame({**one, "score": [80.0, 85.0], "source": "f#s!B4"}))["rule"].tolist()
    ['too few experts']
    """
    scored = ratings[ratings["score"].notna()]
    pad = _pad(ratings, "ratings")
    own = scored[scored["stage"] == "expert"]
    seen = own.groupby("unit")["rater"].nunique()
    few = seen[seen < experts]
    if len(few):
        pad.add(
            "too few experts",
            f"{len(few)} units were rated by fewer than {experts} experts (first {few.index[0]}); "
            f"agreement cannot be shown for them",
            severity="warning",
            n=len(few),
        )
    for (stage, rater), rows in scored.groupby(["stage", "rater"], sort=True):
        if len(rows) >= 10 and rows["score"].nunique() == 1:
            pad.add(
                "one score throughout",
                f"{rater} ({stage}) gave {rows['score'].iloc[0]:g} to all {len(rows)}; ask whether the "
                f"sheet was filled in",
                severity="warning",
                n=len(rows),
                cells=_cells(rows["source"].head()),
            )
    return pad.frame()


def check_problems(problems: pd.DataFrame) -> pd.DataFrame:
    """Check the order of each problem's events: found first, due not before, verified after closed.

    >>> one = {"period": "2019Q4", "problem": "1", "unit": "甲", "event": ["found", "closed"]}
    >>> on = pd.to_datetime(["2019-10-02", "2019-10-01"])
    >>> check_problems(pd.DataFrame({**one, "on": on, "source": "f#s!B4"}))["rule"].tolist()
    ['closed before found']
    """
    pad = _pad(problems, "problems")
    if problems.empty:
        return pad.frame()
    first = problems.sort_values("on", kind="stable").drop_duplicates(["problem", "event"])
    for early, late in (
        ("found", "due"),
        ("found", "closed"),
        ("closed", "reopened"),
        ("closed", "verified"),
    ):
        both = first[first["event"] == early].merge(
            first[first["event"] == late], on="problem", suffixes=("", "_late")
        )
        odd = both[both["on_late"] < both["on"]]
        if len(odd):
            row = odd.iloc[0]
            pad.add(
                f"{late} before {early}",
                f"{len(odd)} problems are {late} before they are {early} (first {row['problem']}: "
                f"{row['on_late']:%Y-%m-%d} before"
                f" {row['on']:%Y-%m-%d}); correct the dates",
                column=late,
                severity="error",
                n=len(odd),
                cells=_cells(odd["source_late"]),
            )
    return pad.frame()
