"""Ratings that come as they are given: late, twice, out of order; and whether the process behind them is still the same.

``settle`` makes one ordered series of what came in many small files; the result does not depend on the order in which they
came. ``p_chart`` and ``individuals_chart`` draw the limits inside which a process that has not changed stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["Stream", "individuals_chart", "p_chart", "settle", "subgroups"]

D2 = 2 / math.sqrt(math.pi)
"""Mean range of two values of a standard normal process (1.128)."""
EVERY = {"day": "D", "week": "W-SUN", "month": "M"}
"""What one point of a chart may be; weeks begin on Monday."""
TOLD = ("incomplete", "off_scale", "ahead", "repeated", "replaced", "contradictory", "late")
"""What ``settle`` tells of a row, in the order in which it is decided; only late ones are kept."""
_ASIDE = TOLD[:-1]


@dataclass(frozen=True)
class Stream:
    """Result of ``settle``: ``ratings`` in order of time, ``told`` (rows set aside, and late ones), ``counts`` of both."""

    ratings: pd.DataFrame
    told: pd.DataFrame
    counts: pd.Series


def settle(
    ratings: pd.DataFrame, *, low: float = -math.inf, high: float = math.inf, grace: float = 0
) -> Stream:
    """Order ratings by the time they were given, each once, and tell what was set aside.

    Parameters
    ----------
    ratings : DataFrame
        ``key`` (number of the rating), ``at`` (when it was given), ``value``; optional ``arrived`` (when its file came).
        Further columns are part of what a rating says (``source`` is not).
    low, high : float
        Ends of the scale; other values are set aside.
    grace : float
        Days between the day of a rating and the day its file came, above which it counts as late. Late ratings are kept.

    Returns
    -------
    Stream
        ``ratings``: one row a key, by time, then key, with ``arrived`` of the first file that brought it. ``told``: the rows'
        columns with ``why`` (one of ``TOLD``) and ``days`` (late ones: how late). ``counts``: given, kept and every ``why``;
        given = kept + all but late.

    Raises
    ------
    DataError
        If columns are missing or ``at`` holds no dates.
    ParameterError
        If the scale or ``grace`` make no sense.

    Notes
    -----
    Of rows with one key the latest time decides (a rating changed by who gave it); copies of it are ``repeated``, earlier
    ones ``replaced``. Two that differ at one time contradict each other: nobody can tell which is meant, none is kept.
    A rating later than the day its file came is ``ahead``: its clock is wrong.

    Examples
    --------
    >>> given = pd.DataFrame({"key": ["b", "a", "b"], "at": pd.to_datetime(["2021-07-02", "2021-07-01", "2021-07-02"]),
    ...                       "value": [5.0, 3.0, 5.0]})
    >>> settle(given).counts[["given", "kept", "repeated"]].tolist()
    [3, 2, 1]
    """
    lacking = [c for c in ("key", "at", "value") if c not in ratings]
    if lacking:
        raise DataError(
            f"the ratings lack the columns {listing(lacking)}; they have {listing(ratings.columns)}"
        )
    if len(ratings) and not pd.api.types.is_datetime64_any_dtype(ratings["at"]):
        raise DataError(
            f'column "at" must hold dates, found {ratings["at"].dtype}; read it with pd.to_datetime'
        )
    if not low < high:
        raise ParameterError(f"the scale runs from low to high, found {low} to {high}")
    if not grace >= 0:
        raise ParameterError(f"grace is a number of days >= 0, found {grace!r}")
    rows = ratings.reset_index(drop=True)
    if "arrived" not in rows:
        rows = rows.assign(arrived=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]"))
    value = pd.to_numeric(rows["value"], errors="coerce")
    why = pd.Series("", index=rows.index, dtype="str")
    why[rows["key"].isna() | rows["at"].isna() | value.isna()] = "incomplete"
    why[(why == "") & ~value.between(low, high)] = "off_scale"
    days = (rows["arrived"].dt.normalize() - rows["at"].dt.normalize()).dt.days
    why[(why == "") & (days < 0)] = "ahead"
    rows = rows.assign(why=why, days=days)
    rows = _one_a_key(rows)
    rows.loc[(rows["why"] == "") & (rows["days"] > grace), "why"] = "late"
    aside = rows["why"].isin(_ASIDE)
    order = ["at", "key", *[c for c in ("arrived", "source") if c in rows]]
    kept = rows[~aside].sort_values(order, ignore_index=True)
    told = rows[rows["why"] != ""].sort_values(["why", *order], ignore_index=True)
    told["days"] = told["days"].where(told["why"] == "late")
    counts = pd.Series(
        {"given": len(rows), "kept": len(kept)} | {w: int((rows["why"] == w).sum()) for w in TOLD}
    )
    return Stream(kept.drop(columns=["why", "days"]), told, counts)


def _one_a_key(rows: pd.DataFrame) -> pd.DataFrame:
    """Decide between the usable rows of one key, by what they say and never by where they stand."""
    said = [c for c in rows if c not in ("arrived", "source", "why", "days")]
    # Which copy of a rating stands for it is decided by the file that came first.
    order = [*said, *[c for c in ("arrived", "source") if c in rows]]
    out = rows.sort_values(order, ignore_index=True, na_position="last")
    fine = out["why"] == ""
    latest = out["at"].where(fine).groupby(out["key"], dropna=False).transform("max")
    last = fine & (out["at"] == latest)
    copies = last & out.where(last).duplicated(said)
    said_once = (last & ~copies).groupby(out["key"], dropna=False).transform("sum")
    out.loc[fine & ~last, "why"] = "replaced"
    out.loc[copies, "why"] = "repeated"
    out.loc[last & (said_once > 1), "why"] = "contradictory"
    return out


def subgroups(ratings: pd.DataFrame, *, every: str = "week", satisfied: float) -> pd.DataFrame:
    """Count ratings and those that are satisfied by day, week or month, for a chart.

    Parameters
    ----------
    ratings : DataFrame
        ``at``, ``value``.
    every : {"day", "week", "month"}
    satisfied : float
        Values from here on count.

    Returns
    -------
    DataFrame
        at (first day), n, x (satisfied), mean; a row for every stretch of time from first to last, also without ratings.
    """
    if every not in EVERY:
        raise ParameterError(f"every is one of {listing(EVERY)}, found {every!r}")
    if ratings.empty:
        return pd.DataFrame({"at": pd.Series(dtype="datetime64[us]"), "n": [], "x": [], "mean": []})
    time = ratings["at"].dt.to_period(EVERY[every])
    found = (
        ratings.assign(x=ratings["value"] >= satisfied)
        .groupby(time)
        .agg(n=("value", "size"), x=("x", "sum"), mean=("value", "mean"))
        .reindex(pd.period_range(time.min(), time.max(), freq=EVERY[every], name="at"))
    )
    found[["n", "x"]] = found[["n", "x"]].fillna(0).astype("int64")
    found.index = found.index.to_timestamp(how="start").astype("datetime64[us]")
    return found.reset_index()


def p_chart(
    counts: pd.DataFrame,
    *,
    width: float = 3.0,
    run: int = 9,
    baseline: pd.Series | None = None,
    adjusted: bool = False,
) -> pd.DataFrame:
    """Shares of groups of different size against the limits of a process that does not change.

    Parameters
    ----------
    counts : DataFrame
        ``n`` (ratings), ``x`` (those that count), a row a point, in order of time; further columns are kept.
    width : float
        Limits in standard errors.
    run : int
        Points in a row on one side of the middle that are a signal by themselves.
    baseline : Series of bool, optional
        The points that middle and limits come from. Default: all.
    adjusted : bool
        True: widen (or narrow) the limits by how much the points vary more (or less) than chance alone, (3).

    Returns
    -------
    DataFrame
        The columns given, then share, middle, low, high, signal (``above``, ``below``, ``run`` or empty) and false_alarm (how
        often a process that has not changed breaks the point's limits, exactly). Points without ratings have no share.

    Raises
    ------
    DataError
        If counts are missing, negative, not whole or x > n, or the baseline has no rating.
    ParameterError
        If ``width`` or ``run`` make no sense, or the baseline does not fit.

    Notes
    -----
    (1) pbar = sum x / sum n over the baseline    (2) pbar +- width * sqrt(pbar (1 - pbar) / n_i), within 0 and 1
    (3) z_i = (p_i - pbar) / sigma_i; the width times (mean |z_i - z_(i-1)|) / d2
    Source: NIST/SEMATECH e-Handbook of Statistical Methods 6.3.3.2 (1, 2); Laney (2002), Quality Engineering 14(4) (3).

    Examples
    --------
    >>> weeks = pd.DataFrame({"n": [50, 50, 50], "x": [40, 41, 20]})
    >>> p_chart(weeks, baseline=pd.Series([True, True, False]))["signal"].tolist()
    ['', '', 'below']
    """
    _usable(width, run)
    lacking = [c for c in ("n", "x") if c not in counts]
    if lacking:
        raise DataError(
            f"the counts lack the columns {listing(lacking)}; they have {listing(counts.columns)}"
        )
    n, x = (pd.to_numeric(counts[c], errors="coerce").to_numpy(dtype="float64") for c in ("n", "x"))
    wrong = ~(np.isfinite(n) & np.isfinite(x) & (x >= 0) & (x <= n) & (n == np.floor(n)) & (x == np.floor(x)))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(f"row {row}: x = {x[row]:g} of n = {n[row]:g}; give whole counts with 0 <= x <= n")
    known = n > 0
    base = _baseline(baseline, len(counts)) & known
    out = counts.reset_index(drop=True).copy()
    if not base.any():
        raise DataError("the baseline has no rating; limits cannot be drawn without one")
    middle = x[base].sum() / n[base].sum()  # (1)
    share = np.divide(x, n, out=np.full(len(n), np.nan), where=known)
    error = np.sqrt(np.divide(middle * (1 - middle), n, out=np.full(len(n), np.nan), where=known))
    factor = width
    if adjusted and error[base].min() > 0:
        z = ((share - middle) / error)[base]
        factor = width * np.abs(np.diff(z)).mean() / D2 if len(z) > 1 else width  # (3)
    low, high = np.maximum(middle - factor * error, 0), np.minimum(middle + factor * error, 1)  # (2)
    out["share"], out["middle"], out["low"], out["high"] = share, middle, low, high
    out["signal"] = _signals(share, middle, low, high, run)
    out["false_alarm"] = _outside(n, low, high, middle)
    return out


def individuals_chart(
    values: pd.Series, *, width: float = 3.0, run: int = 9, baseline: pd.Series | None = None
) -> pd.DataFrame:
    """Single values in order of time against limits from their moving ranges.

    Parameters
    ----------
    values : Series
        In order of time; missing values take no part and break no moving range.
    width, run, baseline
        As in ``p_chart``.

    Returns
    -------
    DataFrame
        at (the index), value, moving_range, middle, low, high, signal.

    Raises
    ------
    DataError
        If the baseline has fewer than two values.

    Notes
    -----
    (1) mean +- width * (mean moving range) / d2, d2 = 2 / sqrt(pi)
    Source: NIST/SEMATECH e-Handbook of Statistical Methods 6.3.2.2.

    Examples
    --------
    >>> individuals_chart(pd.Series([4.1, 4.3, 4.2, 4.4, 2.0]), baseline=pd.Series([True] * 4 + [False]))["signal"].tolist()
    ['', '', '', '', 'below']
    """
    _usable(width, run)
    given = pd.to_numeric(values, errors="coerce").to_numpy(dtype="float64")
    known = np.isfinite(given)
    base = _baseline(baseline, len(given)) & known
    if base.sum() < 2:
        raise DataError(f"limits need at least 2 values in the baseline, found {int(base.sum())}")
    ranges = np.full(len(given), np.nan)
    at = np.flatnonzero(known)
    ranges[at[1:]] = np.abs(np.diff(given[at]))
    middle = given[base].mean()
    reach = width * np.abs(np.diff(given[base])).mean() / D2  # (1)
    low, high = np.full(len(given), middle - reach), np.full(len(given), middle + reach)
    return pd.DataFrame(
        {
            "at": values.index, "value": given, "moving_range": ranges, "middle": middle, "low": low, "high": high,
            "signal": _signals(given, middle, low, high, run),
        }
    )  # fmt: skip


def _usable(width: float, run: int) -> None:
    if not width > 0:
        raise ParameterError(f"width is a number above 0, found {width!r}")
    if run < 2:
        raise ParameterError(f"run is a number of points of at least 2, found {run!r}")


def _baseline(given: pd.Series | None, n: int) -> np.ndarray:
    if given is None:
        return np.ones(n, dtype=bool)
    out = np.asarray(given)
    if len(out) != n or out.dtype != bool:
        raise ParameterError(
            f"the baseline needs yes or no for each of the {n} points, found {len(out)} of {out.dtype}"
        )
    return out


def _signals(value: np.ndarray, middle: float, low: np.ndarray, high: np.ndarray, run: int) -> list[str]:
    out, side, length = [], 0, 0
    for v, a, b in zip(value, low, high, strict=True):
        if not math.isfinite(v):
            out.append("")
            continue
        here = int(v > middle) - int(v < middle)
        length = length + 1 if here == side and here else abs(here)
        side = here
        out.append("above" if v > b else "below" if v < a else "run" if length >= run else "")
    return out


def _outside(n: np.ndarray, low: np.ndarray, high: np.ndarray, p: float) -> np.ndarray:
    """P(x / n outside [low, high]) where x is binomial with the middle as its chance."""
    from scipy.stats import binom

    # A count exactly at its limit is inside; a whisker keeps floating point from moving it out.
    least, most = np.ceil(n * low - 1e-9), np.floor(n * high + 1e-9)
    return np.where(n > 0, binom.cdf(least - 1, n, p) + binom.sf(most, n, p), np.nan)
