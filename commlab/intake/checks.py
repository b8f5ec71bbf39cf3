"""Checks across rows and columns of clean tables: what a careful clerk would ask back about.

Each check looks at a whole table and writes ledger lines with the cells to look at; nothing is changed.
``error`` is what cannot be true (a part above its whole, a negative count, a whole column ten thousand times last
quarter's), ``warning`` what is unlikely (a jump, a community that was there last quarter and is not now). ``before`` of
a line is what was found, ``after`` what was expected; ``against`` holds the comparisons with the period before.

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
from commlab.intake import against
from commlab.intake.against import SLIP, by_file, cells, pad_of, sheets
from commlab.intake.ledger import few, joined

__all__ = ["SLIP", "check_measures", "check_problems", "check_ratings", "parts_of", "rates_of"]

_KEY = ["unit", "metric", "item"]
_COUNTED = frozenset(["户", "人", "人次", "个", "次", "场", "件", "台", "处", "项", "家", "名", "份"])
_TWINS = 8  # figures, zeros apart, that two units of a file must share before one looks copied from the other


def _of(metrics: Mapping[str, Any], name: str, key: str) -> str:
    metric = metrics[name]
    return str((metric.get(key) if isinstance(metric, Mapping) else getattr(metric, key, "")) or "")


def parts_of(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(part, whole) pairs from a framework's metrics: numerator and denominator of every percentage.

    >>> parts_of({"rate": {"unit": "%", "numerator": "a", "denominator": "b"}})
    [('a', 'b')]
    """
    pairs = [(_of(metrics, m, "numerator"), _of(metrics, m, "denominator")) for m in rates_of(metrics)]
    return [(part, whole) for part, whole in pairs if part and whole]


def rates_of(metrics: Mapping[str, Any]) -> list[str]:
    """Metrics that are shares of a whole.

    >>> rates_of({"rate": {"unit": "%"}, "n": {"unit": "个"}})
    ['rate']
    """
    return [name for name in metrics if _of(metrics, name, "unit") == "%"]


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
    changes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Check facts against each other, against the previous period and against the register.

    Parameters
    ----------
    measures, previous : DataFrame
        ``measures`` of this period and of the one before.
    units : DataFrame, optional
        The register: communities that no file mentions are named, district by district.
    metrics : mapping, optional
        The framework's metrics: every percentage lies between 0 and 1, its numerator is a part of its denominator, and
        what is counted is whole.
    parts : iterable of (part, whole), optional
        Metrics of which one can never exceed the other.
    rates : iterable of str, optional
        Metrics between 0 and 1.
    signed : iterable of str, optional
        Metrics that may be negative.
    flows : iterable of str, optional
        Metrics that start anew each period; a pasted row is judged by them.
    changes : DataFrame, optional
        ``unit_changes``: units of the previous period are carried to their successors before they are compared.

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
    known = metrics or {}
    facts = against.observed(measures)
    lines = [
        _negative(facts[~facts["metric"].isin(list(signed))]),
        _above_one(facts[facts["metric"].isin([*rates, *rates_of(known)])]),
        _parts(facts, dict.fromkeys([*parts, *parts_of(known)])),
        _fractions(facts[facts["metric"].isin([m for m in known if _of(known, m, "unit") in _COUNTED])]),
        _twins(facts),
    ]
    if previous is not None and len(previous):
        ratios = [m for m in known if _of(known, m, "kind") == "ratio"]
        lines.append(
            against.compare(measures, previous, units, changes, flows=set(flows), ratios=set(ratios))
        )
    if units is not None:
        lines.append(_lacking(measures, units))
    return joined(lines)


def _negative(facts: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for pad, metric, bad in by_file(facts[facts["value"] < 0]):
        first = bad.iloc[0]
        told = f"{metric}: {len(bad)} values are negative (first {first['unit']}: {first['value']:.12g}); correct them"
        pad.add(
            "negative count", told, column=metric, before=f"{first['value']:.12g}", after="≥ 0", severity="error",
            n=len(bad), cells=cells(bad["source"]),
        )  # fmt: skip
        lines.append(pad.frame())
    return joined(lines)


def _above_one(facts: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for pad, metric, bad in by_file(facts[facts["value"] > 1]):
        first = bad.iloc[0]
        told = (
            f"{metric}: {len(bad)} rates lie above 100 % (first {first['unit']}: {first['value']:.4g} "
            f"= {first['value']:.4%}); if the column holds per cent, say so in its header"
        )
        pad.add(
            "rate above 100 %", told, column=metric, before=f"{first['value'] * 100:.6g}%", after="≤ 100%",
            severity="error", n=len(bad), cells=cells(bad["source"]),
        )  # fmt: skip
        lines.append(pad.frame())
    return joined(lines)


def _parts(facts: pd.DataFrame, parts: Iterable[tuple[str, str]]) -> pd.DataFrame:
    lines = []
    plain = facts[facts["item"] == ""]
    for part, whole in parts:
        both = plain[plain["metric"] == part].merge(
            plain[plain["metric"] == whole], on=["unit", "as_of"], suffixes=("", "_whole")
        )
        for pad, _, rows in by_file(both[both["value"] > both["value_whole"]]):
            first = rows.iloc[0]
            told = (
                f"{part} exceeds {whole} in {len(rows)} units (first {first['unit']}: {first['value']:.12g} of"
                f" {first['value_whole']:.12g}); one of the two is wrong"
            )
            where = [
                c
                for pair in zip(cells(rows["source"]), cells(rows["source_whole"]), strict=True)
                for c in pair
            ]
            pad.add(
                "part above whole", told, column=part, before=f"{first['value']:.12g}",
                after=f"≤ {first['value_whole']:.12g}", severity="error", n=len(rows), cells=where,
            )  # fmt: skip
            lines.append(pad.frame())
    return joined(lines)


def _fractions(facts: pd.DataFrame) -> pd.DataFrame:
    """Counts that are no whole numbers: half a person was estimated, or the unit is another."""
    lines = []
    for pad, metric, bad in by_file(facts[facts["value"] % 1 != 0]):
        first = bad.iloc[0]
        told = (
            f"{metric}: {len(bad)} counts are no whole numbers (first {first['unit']}: {first['value']:.12g})"
        )
        pad.add(
            "fraction of a count", f"{told}; check the unit, or ask for the exact number", column=metric,
            before=f"{first['value']:.12g}", after=f"{np.floor(first['value']):.0f}, {np.ceil(first['value']):.0f}",
            n=len(bad), cells=cells(bad["source"]),
        )  # fmt: skip
        lines.append(pad.frame())
    return joined(lines)


def _twins(facts: pd.DataFrame) -> pd.DataFrame:
    """Units of one file that share every figure."""
    key = (
        facts["metric"]
        + "/"
        + facts["item"]
        + "/"
        + facts["as_of"].astype("str")
        + "="
        + facts["value"].astype("str")
    )
    told = facts.assign(key=pd.util.hash_array(key.to_numpy(dtype=object)), some=facts["value"] != 0)
    rows = told.groupby([sheets(told).rename("file"), "unit"], sort=True).agg(
        key=("key", "sum"),  # of all figures' hashes, whatever their order
        some=("some", "sum"),
        source=("source", "first"),
        period=("period", "first"),
    )
    rows = rows[rows["some"] >= _TWINS].reset_index()
    lines = []
    for _, same in rows[rows.duplicated(["file", "key"], keep=False)].groupby(["file", "key"], sort=False):
        pad = pad_of(same)
        told_ = (
            f"{listing(same['unit'], most=3)} share every figure; ask whether one was copied from the other"
        )
        pad.add(
            "same figures",
            told_,
            before=few(same["unit"]),
            n=len(same),
            cells=cells(same["source"]),
        )
        lines.append(pad.frame())
    return joined(lines)


def _lacking(measures: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Communities of the register that no file mentions, in districts that sent something."""
    have = set(measures["unit"].unique())
    communities = units[units["level"] == "community"]
    if len(measures):
        communities = communities[~against.absent(communities, str(measures["period"].iloc[0]))]
    lines = []
    for district, own in communities.groupby("parent", sort=False):
        lacking = [u for u in own["unit"] if u not in have]
        if lacking and len(lacking) < len(own):
            pad = pad_of(measures[measures["unit"].isin(own["unit"])])
            told = f"{district}: {len(lacking)} of {len(own)} communities of the register are in no file"
            pad.add(
                "unit missing", f"{told} ({listing(lacking, most=3)}); ask for them", column=str(district),
                after=few(lacking), n=len(lacking),
            )  # fmt: skip
            lines.append(pad.frame())
    return joined(lines)


def check_ratings(ratings: pd.DataFrame, *, experts: int = 2) -> pd.DataFrame:
    """Check ratings: units with fewer than ``experts`` experts, raters who give everyone the same score.

    >>> one = {"period": "2019Q4", "stage": "expert", "rater": "a", "unit": "甲", "code": ["1", "2"]}
    >>> check_ratings(pd.DataFrame({**one, "score": [80.0, 85.0], "source": "f#s!B4"}))["rule"].tolist()
    ['too few experts']
    """
    scored = ratings[ratings["score"].notna()]
    pad = pad_of(ratings, "ratings")
    own = scored[scored["stage"] == "expert"]
    seen = own.groupby("unit")["rater"].nunique()
    lonely = seen[seen < experts]
    if len(lonely):
        pad.add(
            "too few experts",
            f"{len(lonely)} units were rated by fewer than {experts} experts (first {lonely.index[0]}); "
            f"agreement cannot be shown for them",
            before=few(lonely.index),
            after=f"≥ {experts}",
            n=len(lonely),
            cells=cells(own.loc[own["unit"].isin(lonely.index), "source"].head()),
        )
    for (stage, rater), rows in scored.groupby(["stage", "rater"], sort=True):
        if len(rows) >= 10 and rows["score"].nunique() == 1:
            pad.add(
                "one score throughout",
                f"{rater} ({stage}) gave {rows['score'].iloc[0]:g} to all {len(rows)}; ask whether the "
                f"sheet was filled in",
                before=f"{rater}: {rows['score'].iloc[0]:g}",
                n=len(rows),
                cells=cells(rows["source"].head()),
            )
    return pad.frame()


def check_problems(problems: pd.DataFrame) -> pd.DataFrame:
    """Check the order of each problem's events: found first, due not before, verified after closed.

    >>> one = {"period": "2019Q4", "problem": "1", "unit": "甲", "event": ["found", "closed"]}
    >>> on = pd.to_datetime(["2019-10-02", "2019-10-01"])
    >>> check_problems(pd.DataFrame({**one, "on": on, "source": "f#s!B4"}))["rule"].tolist()
    ['closed before found']
    """
    pad = pad_of(problems, "problems")
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
                before=f"{row['problem']}: {row['on_late']:%Y-%m-%d}",
                after=f"≥ {row['on']:%Y-%m-%d}",
                severity="error",
                n=len(odd),
                cells=cells(odd["source_late"]),
            )
    return pad.frame()
