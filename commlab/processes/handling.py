"""How problems are handled: in time or late, reopened or not, and how long closing takes while many are still open.

``episodes`` turns the dated events of a ledger into handlings, ``handled`` counts them, ``kaplan_meier`` and
``closing_times`` tell how long closing takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from statistics import NormalDist

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["Lifetimes", "closing_times", "episodes", "handled", "kaplan_meier"]

HALF = 0.5
_SAME = 1e-9
_ORDER = ("found", "reopened", "closed", "verified")
"""Events of one day are read in this order, but a reopening comes after the closing that it undoes."""


def episodes(problems: pd.DataFrame, *, on: pd.Timestamp) -> pd.DataFrame:
    """Every handling of every problem up to a day: the first, and one more for each time it was reopened.

    Parameters
    ----------
    problems : DataFrame
        The clean table: problem, unit, event (``found due closed reopened verified``), on; ``code origin responsible`` are
        carried along.
    on : date
        Later events are not known yet; due dates may lie behind it.

    Returns
    -------
    DataFrame
        problem, unit, code, origin, responsible, episode (1, 2, ...), start, due, end, verified, closed, days (start to end, or
        to ``on``: censored), state (``in time``, ``late``, ``closed`` where no day was due, ``overdue``, ``open``). A due day
        counts for the handlings that began by then; of several the latest. Problems that were never found by ``on`` are left out.
    """
    lacking = {"problem", "unit", "event", "on"} - set(problems)
    if lacking:
        raise DataError(f"the problems need the columns {listing(sorted(lacking))}")
    on = pd.Timestamp(on)
    carried = [c for c in ("unit", "code", "origin", "responsible") if c in problems]
    rows = []
    known = problems.dropna(subset=["problem", "on"])
    events: dict[str, list[tuple[pd.Timestamp, int]]] = {}
    due: dict[str, list[pd.Timestamp]] = {}
    for problem, event, day in zip(known["problem"], known["event"], known["on"], strict=True):
        if event == "due":
            due.setdefault(problem, []).append(day)
        elif event in _ORDER and day <= on:
            events.setdefault(problem, []).append((day, _ORDER.index(event)))
    about = known.drop_duplicates("problem").set_index("problem")[carried].to_dict("index")
    for problem in sorted(events):
        if all(rank for _, rank in events[problem]):
            continue
        for number, (start, end, verified) in enumerate(_spells(sorted(events[problem])), 1):
            last = max((d for d in due.get(problem, []) if d >= start), default=pd.NaT)
            rows.append(
                {"problem": problem, **about[problem], "episode": number, "start": start, "due": last, "end": end, "verified": verified}
            )  # fmt: skip
    columns = ["problem", *carried, "episode", "start", "due", "end", "verified"]
    out = pd.DataFrame(rows, columns=columns)
    for date in ("start", "due", "end", "verified"):
        out[date] = pd.to_datetime(out[date]).astype("datetime64[us]")
    out["closed"] = out["end"].notna()
    out["days"] = (out["end"].fillna(on) - out["start"]).dt.days.astype("float64")
    late = out["end"].fillna(on) > out["due"]
    out["state"] = np.select(
        [out["closed"] & out["due"].isna(), out["closed"] & ~late, out["closed"], late],
        ["closed", "in time", "late", "overdue"],
        "open",
    )
    return out


def _spells(events: list[tuple[pd.Timestamp, int]]) -> list[tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp]]:
    """(start, end, verified) of each handling; what does not follow on what came before is passed over."""
    none = pd.NaT
    spells: list[list[pd.Timestamp]] = []
    for day, same in groupby(events, key=lambda e: e[0]):
        waiting = [_ORDER[rank] for _, rank in same]
        # A problem closed and reopened on one day: the closing comes first where the problem was open.
        if spells and spells[-1][1] is none and "reopened" in waiting and "closed" in waiting:
            waiting = ["closed", *(e for e in waiting if e != "closed")]
        for event in waiting:
            idle = bool(spells) and spells[-1][1] is not none
            if (event == "found" and not spells) or (event == "reopened" and idle):
                spells.append([day, none, none])
            elif event == "closed" and spells and spells[-1][1] is none:
                spells[-1][1] = day
            elif event == "verified" and idle and spells[-1][2] is none:
                spells[-1][2] = day
    return [(a, b, c) for a, b, c in spells]


def handled(handlings: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Counts of handlings by state, of all or a row a group.

    Parameters
    ----------
    handlings : DataFrame
        From ``episodes``.
    by : str, optional
        A column of it.

    Returns
    -------
    DataFrame
        [by], problems, handlings, in_time, late, closed (without a due day included), open, overdue, in_time_rate (of those
        closed or overdue that had a due day), reopened (problems), reopened_rate (of the problems closed at least once),
        verified, verified_rate (of the handlings closed).
    """
    keys = [handlings[by]] if by else [pd.Series(0, index=handlings.index)]
    rows = []
    for group, some in handlings.groupby(keys[0], sort=True):
        states = some["state"].value_counts()
        n = {s: int(states.get(s, 0)) for s in ("in time", "late", "open", "overdue")}
        shut = some[some["closed"]]
        again = int(some.loc[some["episode"] > 1, "problem"].nunique())
        judged = n["in time"] + n["late"] + n["overdue"]
        rows.append(
            {
                by or "all": group, "problems": int(some["problem"].nunique()), "handlings": len(some),
                "in_time": n["in time"], "late": n["late"], "closed": len(shut), "open": n["open"], "overdue": n["overdue"],
                "in_time_rate": _share(n["in time"], judged),
                "reopened": again, "reopened_rate": _share(again, shut["problem"].nunique()),
                "verified": int(shut["verified"].notna().sum()),
                "verified_rate": _share(int(shut["verified"].notna().sum()), len(shut)),
            }
        )  # fmt: skip
    columns = [
        by or "all", "problems", "handlings", "in_time", "late", "closed", "open", "overdue", "in_time_rate", "reopened",
        "reopened_rate", "verified", "verified_rate",
    ]  # fmt: skip
    out = pd.DataFrame(rows, columns=columns)
    return out if by else out.drop(columns="all")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else np.nan


@dataclass(frozen=True)
class Lifetimes:
    """How long it takes until half is closed, and the whole curve.

    ``table`` has a row a day on which something ended: days, at_risk, closed, censored, estimate (share still open
    afterwards), se, ci_low, ci_high. ``median, ci_low, ci_high`` are days; missing where the curve, or its interval,
    does not come down to one half.
    """

    table: pd.DataFrame
    n: int
    closed: int
    median: float
    ci_low: float
    ci_high: float


def kaplan_meier(days: pd.Series, closed: pd.Series, *, confidence: float = 0.95) -> Lifetimes:
    """Share still open after so many days, where some are not closed yet (right censored).

    Parameters
    ----------
    days : Series
        From start to closing, or to the day of the report; >= 0.
    closed : Series of bool
        False: still open on the day of the report.
    confidence : float

    Raises
    ------
    DataError
        If the lengths differ, or days are missing or negative.

    Notes
    -----
    (1) S(t) = prod over t_i <= t of (1 - d_i / n_i)
    (2) Greenwood: var S(t) = S(t)^2 sum over t_i <= t of d_i / (n_i (n_i - d_i))
    (3) interval on the log scale: exp(ln S +- z se / S), at most 1; that of the median are the days where the lower
    and the upper end come down to one half (Brookmeyer and Crowley). Where S is one half between two days, the median is
    their middle. Censored on the day of a closing counts as open on that day.
    Source: Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457-481; Brookmeyer and Crowley, Biometrics 38 (1982) 29-41.

    Examples
    --------
    >>> kaplan_meier(pd.Series([2, 3, 4, 9]), pd.Series([True, True, True, False])).median
    3.5
    """
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence must be between 0 and 1, found {confidence}")
    time, shut = np.asarray(days, dtype="float64"), np.asarray(closed, dtype=bool)
    if time.shape != shut.shape or time.ndim != 1:
        raise DataError(f"there are {time.size} durations and {shut.size} states; give one for each")
    odd = ~(np.isfinite(time) & (time >= 0))
    if odd.any():
        raise DataError(
            f"{odd.sum()} of {len(time)} durations are missing or negative ({listing(time[odd])}); correct their dates"
        )
    moments, where = np.unique(time, return_inverse=True)
    deaths = np.bincount(where, weights=shut, minlength=len(moments))
    leaving = np.bincount(where, minlength=len(moments))
    risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]]) if len(time) else np.array([])
    open_ = np.cumprod(1 - deaths / risk)  # (1)
    rest = risk - deaths
    hazard = np.divide(deaths, risk * rest, out=np.full(len(risk), np.inf), where=rest > 0)
    hazard[deaths == 0] = 0.0
    relative = np.sqrt(np.cumsum(hazard))  # (2): se / S
    known = np.isfinite(relative)
    se = np.where(known, open_ * np.where(known, relative, 0.0), np.nan)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    spread = np.exp(z * np.where(known, relative, np.nan))  # (3)
    table = pd.DataFrame(
        {
            "days": moments, "at_risk": risk.astype("int64"), "closed": deaths.astype("int64"),
            "censored": (leaving - deaths).astype("int64"), "estimate": open_, "se": se,
            "ci_low": open_ / spread, "ci_high": np.minimum(open_ * spread, 1.0),
        }
    )  # fmt: skip
    steps = table[table["closed"] > 0]
    ends = [_down_to_half(steps["days"], steps[c]) for c in ("estimate", "ci_low", "ci_high")]
    return Lifetimes(table, len(time), int(deaths.sum()), *ends)


def _down_to_half(days: pd.Series, curve: pd.Series) -> float:
    """First day on which the curve is at most one half; the middle of the step where it is exactly that."""
    low = np.flatnonzero(curve.to_numpy() <= HALF + _SAME)
    if not len(low):
        return math.nan
    first = int(low[0])
    exact = abs(curve.iloc[first] - HALF) <= _SAME and first + 1 < len(curve)
    return float(days.iloc[first] + days.iloc[first + 1]) / 2 if exact else float(days.iloc[first])


def closing_times(
    handlings: pd.DataFrame, *, by: str | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Median days until closing, of all or a row a group, with those still open as censored.

    Parameters
    ----------
    handlings : DataFrame
        With ``days`` and ``closed``, as ``episodes`` gives them.
    by : str, optional
        A column of it.

    Returns
    -------
    DataFrame
        [by], n, closed, censored, median, ci_low, ci_high, of_closed (median of those closed alone, which is too short
        while many are open).
    """
    rows = []
    groups = handlings.groupby(by, sort=True) if by else [("all", handlings)]
    for group, some in groups:
        found = kaplan_meier(some["days"], some["closed"], confidence=confidence)
        rows.append(
            {
                by or "all": group, "n": found.n, "closed": found.closed, "censored": found.n - found.closed,
                "median": found.median, "ci_low": found.ci_low, "ci_high": found.ci_high,
                "of_closed": some.loc[some["closed"], "days"].median(),
            }
        )  # fmt: skip
    columns = [by or "all", "n", "closed", "censored", "median", "ci_low", "ci_high", "of_closed"]
    out = pd.DataFrame(rows, columns=columns)
    return out if by else out.drop(columns="all")
