"""Growth from year to year: every year counts, the weakest decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from commlab.scoring.gather import exact_sum
from commlab.scoring.sources import join_sources

__all__ = ["yearly"]


def yearly(
    dated: pd.DataFrame, members: list[str], periods: int | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Growth rates of a stock between the same day of consecutive years.

    Parameters
    ----------
    dated : DataFrame
        unit, as_of, value, state, source.
    members : list of str
        Units whose values are added.
    periods : int, optional
        How many of the latest yearly steps are looked at (all of them must be known). Default: all that are
        known.

    Returns
    -------
    tuple
        The main row, whose value is the smallest rate (numerator: increase of that year, denominator: the
        year before, n: number of steps), and one row a step. Missing where a year is missing between others,
        where a member lacks a year, or where the base is 0: growth from nothing is not defined.
    """
    rows = dated[dated["unit"].isin(members)]
    out: dict[str, Any] = {"per": 1.0, "n": 0.0, "of": float(periods or 1), "source": "", "value": np.nan}
    if not members:
        return out | {"state": "not_applicable"}, []
    seen = rows[rows["value"].notna() & (rows["state"] == "observed")]
    if seen.empty:
        return out | {"state": "missing"}, []
    last = pd.Timestamp(seen["as_of"].max())
    month, day = seen["as_of"].dt.month.eq(last.month), seen["as_of"].dt.day.eq(last.day)
    # the last day of February is another one in every leap year
    same_day = month & ((seen["as_of"].dt.is_month_end) if last.is_month_end else day)
    by_year: dict[int, pd.DataFrame] = {
        int(y): f
        for y, f in seen[same_day].groupby(seen["as_of"].dt.year)
        if f["unit"].nunique() == len(members)
    }
    years = sorted(by_year)
    wanted = (
        range(last.year - periods, last.year + 1)
        if periods
        else range(years[0] if years else last.year, last.year + 1)
    )
    out["of"] = float(len(wanted) - 1) or 1.0
    steps: list[dict[str, Any]] = []
    for year in list(wanted)[1:]:
        if year in by_year and year - 1 in by_year:
            before, after = exact_sum(by_year[year - 1]["value"]), exact_sum(by_year[year]["value"])
            steps.append(
                {
                    "item": f"{year - 1}-{year}",
                    "numerator": after - before,
                    "denominator": before,
                    "value": (after - before) / before if before else np.nan,
                    "per": 1.0,
                    "n": 1.0,
                    "state": "observed" if before else "missing",
                    "source": join_sources([*by_year[year - 1]["source"], *by_year[year]["source"]]),
                }
            )
    known = [s for s in steps if s["state"] == "observed"]
    out |= {"n": float(len(known)), "source": join_sources(s["source"] for s in steps)}
    if not known or len(known) < len(wanted) - 1:
        return out | {"state": "missing"}, steps
    worst = min(known, key=lambda s: s["value"])
    return out | {k: worst[k] for k in ("value", "numerator", "denominator")} | {"state": "observed"}, steps
