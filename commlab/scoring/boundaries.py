"""Evidence of units that merged, split or were renamed, put on the boundaries that came later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework, Part, exact
from commlab.scoring.given import by_label, table
from commlab.scoring.rules import deduct
from commlab.scoring.sources import join_sources

__all__ = ["on_later_boundaries", "successors", "went"]

_SEEN = ("observed", "inherited")
_AMOUNTS = ("threshold", "range", "bands", "bonus", "yes_no", "veto")
"""Rules on an amount, unless their metric is a ratio."""
Shares = Mapping[str, tuple[float, float]]
"""By predecessor: the share of it that went over, and its weight within the successor."""


def successors(
    units: Iterable[str], changes: pd.DataFrame, households: pd.Series | None
) -> dict[str, dict[str, tuple[float, float]]]:
    """For each unit that is not what it was: its predecessors, their share that went over and their weight.

    A unit that takes others in without being listed as ``before`` is one of its own predecessors; changes of several
    dates are followed one after the other.

    Raises
    ------
    DataError
        If columns are lacking, a share does not lie in (0, 1], or households that are needed are not known.
    """
    table(changes, "the rows of unit_changes", ("before", "after"))
    if households is not None:
        households = pd.to_numeric(by_label(households, "households"), errors="coerce")
    share = changes["share"].fillna(1.0) if "share" in changes else pd.Series(1.0, index=changes.index)
    wrong = changes["before"][~((share > 0) & (share <= 1))]
    if len(wrong):
        raise DataError(f"unit_changes: the share of {listing(wrong)} must be above 0 and at most 1")
    steps = changes.assign(share=share, date=changes.get("date", 0))
    holds: dict[str, dict[str, float]] = {str(u): {str(u): 1.0} for u in units}
    for _, step in steps.groupby("date", dropna=False):
        went = {str(b): holds.pop(str(b), {}) for b in step["before"].unique()}
        for before, after, part in zip(step["before"], step["after"], step["share"], strict=True):
            for origin, held in went[str(before)].items():
                if pd.notna(after):
                    to = holds.setdefault(str(after), {})
                    to[origin] = to.get(origin, 0.0) + held * float(part)
    out: dict[str, dict[str, tuple[float, float]]] = {}
    for unit, origins in holds.items():
        if origins == {unit: 1.0}:
            continue
        for origin, part in origins.items():
            size = 1.0 if households is None else float(households.get(origin, np.nan))
            if not size > 0:
                raise DataError(f"households of {origin} are not known; they weigh it within {unit}")
            out.setdefault(unit, {})[origin] = (part, size * part)
    return out


def went(changes: pd.DataFrame) -> list[str]:
    """Units that are no more what they were; a change of type has the unit itself as its successor."""
    return list(changes.loc[changes["before"] != changes["after"], "before"])


def on_later_boundaries(
    evidence: pd.DataFrame,
    framework: Framework,
    unit_changes: pd.DataFrame,
    *,
    households: pd.Series | None = None,
) -> pd.DataFrame:
    """What the later units would have been scored on, had they existed before.

    Parameters
    ----------
    evidence : DataFrame
        As ``collect`` gives it for the earlier period.
    framework : Framework
    unit_changes : DataFrame
        before, after, share: mergers, splits and renamings since.
    households : Series, optional
        Households of the earlier units. Default: all the same.

    Returns
    -------
    DataFrame
        The same columns. Units that went are replaced by main rows of their successors, ready for ``score``.

    Raises
    ------
    DataError
        If columns are lacking or households that are needed are not known.

    Notes
    -----
    Stocks and flows add up by share; ratios and means are rebuilt from both sides; growth is the least of the yearly
    steps rebuilt; deductions are taken again from the counts added up; a judgement or a survey score is the mean by
    households, or by the units it was a mean over. A ratio or mean that was missing in one predecessor is told by the
    others; a sum that lacks a part is missing.
    """
    table(evidence, "the evidence rows", ("unit", "code", "part", "value", "state"))
    role = evidence["role"] if "role" in evidence else pd.Series("main", index=evidence.index)
    after = successors(evidence["unit"].unique(), unit_changes, households)
    kept = evidence[~evidence["unit"].isin([*went(unit_changes), *after])]
    rows: list[dict[str, Any]] = []
    for unit, shares in after.items():
        of_these = evidence["unit"].isin(shares)
        items = evidence[of_these & role.eq("item")]
        for (code, name), group in evidence[of_these & role.eq("main")].groupby(["code", "part"], sort=False):
            part = next((p for p in framework.parts(str(code)) if p.part == name), None)
            if part is None:
                raise ParameterError(f"{code} of {framework.name} has no part {name!r}")
            own = items[(items["code"] == code) & (items["part"] == name)]
            first = group.iloc[0].to_dict() | {"unit": unit, "role": "main", "se": np.nan}
            rows.append(first | _together(part, group, own, shares, framework))
    made = pd.DataFrame(rows, columns=evidence.columns)
    return pd.concat([kept, made.astype(evidence.dtypes.to_dict())], ignore_index=True) if rows else kept


def _together(
    part: Part, group: pd.DataFrame, items: pd.DataFrame, shares: Shares, framework: Framework
) -> dict[str, Any]:
    """Value, sides, state and source of one part from those of the predecessors."""
    seen = group[group["state"].isin(_SEEN)]
    if seen.empty:
        gone = group["state"].eq("not_applicable").all()
        return {"value": np.nan, "state": "not_applicable" if gone else "missing"}
    told = {"state": "observed"} | (
        {"source": join_sources(seen["source"].fillna(""))} if "source" in seen else {}
    )
    share = np.array([shares[u][0] for u in seen["unit"]])
    items = items[items["state"].isin(_SEEN) & items["unit"].isin(seen["unit"])]
    went = items["unit"].map({u: s for u, (s, _) in shares.items()})
    top, bottom, n = (_column(seen, c) for c in ("numerator", "denominator", "n"))
    if part.rule == "growth" and len(items):
        sides = items[["numerator", "denominator"]].mul(went, axis=0).groupby(items["item"]).sum()
        least = sides.loc[(sides["numerator"] / sides["denominator"]).idxmin()]
        return told | _ratio(float(least["numerator"]), float(least["denominator"]), 1.0)
    if part.rule == "deduction" and len(items) and (np.nan_to_num(n, nan=1.0) <= 1).all():
        counts = (items["value"] * went).groupby(items["item"]).sum().to_dict()
        floor = float(exact(part.params.get("floor", 0)))
        return told | {"value": deduct(counts, part.items, part.full, floor)}
    if part.rollup == "worst" and len(seen) > 1:
        worst = seen.loc[seen["value"].idxmin() if part.direction > 0 else seen["value"].idxmax()]
        return told | worst[[c for c in ("value", "numerator", "denominator") if c in worst]].to_dict()
    if np.isfinite(top).all() and np.isfinite(bottom).all() and (bottom * share).sum() > 0:
        per = float(np.nan_to_num(_column(seen, "per"), nan=1.0)[0])
        return told | _ratio(float((top * share).sum()), float((bottom * share).sum()), per)
    value = seen["value"].to_numpy(float)
    if _adds_up(part, seen, framework):
        if group["state"].eq("missing").any() or len(group) < len(shares):
            return {"value": np.nan, "state": "missing"}
        return told | {"value": float((value * share).sum())}
    by_units = "statistic" in seen and seen["statistic"].eq("mean_of_units").all()
    weight = n * share if by_units or part.rule == "deduction" else np.full(len(seen), np.nan)
    if not np.isfinite(weight).all():
        weight = np.array([shares[u][1] for u in seen["unit"]])
    return told | {
        "value": float(np.average(value, weights=weight)),
        "numerator": np.nan,
        "denominator": np.nan,
    }


def _adds_up(part: Part, seen: pd.DataFrame, framework: Framework) -> bool:
    """Whether the values are amounts of the units themselves, not means, shares or what stands above them."""
    metric = framework.metrics.get(str(part.metric))
    return (
        part.rule in _AMOUNTS
        and (metric is None or metric.kind != "ratio")
        and not seen["state"].eq("inherited").any()
    )


def _ratio(top: float, bottom: float, per: float) -> dict[str, float]:
    return {"value": top / bottom * per, "numerator": top, "denominator": bottom, "per": per}


def _column(rows: pd.DataFrame, name: str) -> np.ndarray:
    return rows[name].to_numpy(float) if name in rows else np.full(len(rows), np.nan)
