"""Every figure of a release in one long table: what is published, frozen, and compared at the next release."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from commlab.study import Period

__all__ = ["KEY", "public_figures", "restated", "withheld"]

KEY = ["table", "level", "unit", "item", "statistic"]
"""What tells a figure apart."""
_COLUMNS = [*KEY, "value", "low", "high", "n", "rule", "bound"]
_DIGITS = 4
"""Decimals that are published; what agrees in them has not been restated."""


def public_figures(period: Period) -> pd.DataFrame:
    """The figures of a period that was opened for the public.

    Parameters
    ----------
    period : PublicPeriod
        See ``study.public_view``.

    Returns
    -------
    DataFrame
        table (satisfaction, distribution, change, score, rank), level, unit, item (survey item or code of the
        framework), statistic, value, low, high (interval), n (respondents), rule (why it is withheld, else ""),
        bound ("<=", ">=" or ""); sorted, values rounded to four decimals.
    """
    parts = [_satisfaction(period), _distribution(period), _change(period), _scores(period), _ranks(period)]
    out = pd.concat([p for p in parts if len(p)] or [pd.DataFrame(columns=_COLUMNS)], ignore_index=True)
    out = out.reindex(columns=_COLUMNS).sort_values(KEY, kind="stable", ignore_index=True)
    for name in ("value", "low", "high"):
        out[name] = out[name].astype(float).round(_DIGITS) + 0.0  # no -0.0
    out["n"] = out["n"].astype(float)
    texts = [*KEY, "rule", "bound"]
    return out.assign(**{c: out[c].fillna("").astype("str") for c in texts})


def _taken(frame: pd.DataFrame, table: str, **columns: str | Sequence[float]) -> pd.DataFrame:
    """``columns``: what the figure's columns are called in the result."""
    known = {new: frame[old] if isinstance(old, str) else old for new, old in columns.items()}
    return pd.DataFrame(known, index=frame.index).assign(table=table)


def _satisfaction(period: Period) -> pd.DataFrame:
    rows = period.result("satisfaction")
    rows = rows[rows["weighting"] == "design"]
    return _taken(
        rows, "satisfaction", level="level", unit="unit", item="item", statistic="statistic", value="estimate",
        low="ci_low", high="ci_high", n="n", rule="rule", bound="bound",
    )  # fmt: skip


def _distribution(period: Period) -> pd.DataFrame:
    rows = period.result("distribution")
    rows = rows.assign(statistic="answer " + rows["answer"].astype("Int64").astype("str"))
    return _taken(
        rows, "distribution", level="level", unit="unit", item="item", statistic="statistic", value="share",
        rule="rule", bound="bound",
    )  # fmt: skip


def _change(period: Period) -> pd.DataFrame:
    rows = period.result("change")
    return _taken(
        rows, "change", level="level", unit="unit", item="item", value="estimate", low="ci_low", high="ci_high",
        rule="rule",
    ).assign(statistic="index")  # fmt: skip


def _scores(period: Period) -> pd.DataFrame:
    rows = period.scores("district")
    if rows.empty:
        return rows
    out = _taken(rows, "score", unit="unit", item="code", value="score")
    return out.assign(level="district", statistic="score")


def _ranks(period: Period) -> pd.DataFrame:
    rows = period.ranks("district")
    if rows.empty:
        return rows
    out = _taken(rows, "rank", unit="unit", value="rank", low="rank_low", high="rank_high")
    return out.assign(level="district", item="total", statistic="rank")


def withheld(figures: pd.DataFrame) -> dict[str, int]:
    """How many figures each rule keeps back, and how many are printed as bounds."""
    counts = figures.loc[figures["rule"] != "", "rule"].value_counts().sort_index()
    out = {str(rule): int(n) for rule, n in counts.items()}
    bounds = int((figures["bound"] != "").sum())
    return out | ({"bound": bounds} if bounds else {})


def restated(figures: pd.DataFrame, first: pd.DataFrame | None) -> pd.DataFrame:
    """Published figures stay as they were printed first; what differs now stands beside them.

    Parameters
    ----------
    figures : DataFrame
        ``public_figures`` of today.
    first : DataFrame, optional
        The figures of earlier releases, each as it was first printed.

    Returns
    -------
    DataFrame
        ``value``, ``low``, ``high`` and ``n`` as first published, and ``restated``: today's value where it differs
        (missing: it does not, or nothing may be said). Figures that nobody has seen yet are today's.
    """
    out = figures.copy()
    out["restated"] = np.nan
    if first is None or first.empty:
        return out
    then = first.set_index(KEY)
    known = then.index.is_unique and pd.MultiIndex.from_frame(out[KEY]).isin(then.index)
    rows = np.flatnonzero(known)
    old = then.loc[pd.MultiIndex.from_frame(out.loc[rows, KEY])]
    printed = old["value"].notna().to_numpy()
    rows, old = rows[printed], old[printed]
    now = out.loc[rows, "value"].to_numpy(dtype=float)
    before = old["value"].to_numpy(dtype=float)
    out.loc[rows, "restated"] = np.where(now == before, np.nan, now)
    for name in ("value", "low", "high", "n"):
        out.loc[rows, name] = old[name].to_numpy(dtype=float)
    for name in ("rule", "bound"):
        out[name] = out[name].mask(out.index.isin(rows), pd.Series(old[name].to_numpy(), index=rows))
    return out
