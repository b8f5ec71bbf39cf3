"""Quality flags of questionnaires: every doubtful answer is marked, none is deleted.

``fast`` (quicker than the codebook's ``min_seconds``, or than a third of the median), ``straightline`` (the same answer throughout),
``duplicate`` (the same person, or the same answers from the same address, a second time), ``attention``
(failed check question), ``burst`` (many from one community within minutes), ``out_of_frame`` (no unit of
the register, or one that was not sampled), ``all_satisfied`` (from a community where nearly everyone ticked
nothing but the best). Which flags exclude is the study's decision; here ``valid`` only follows it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.intake.twins import repeated
from commlab.tables import DONT_KNOW, NOT_APPLICABLE

__all__ = ["FLAGS", "Limits", "flag", "set_valid"]

_MANY, _SIGMAS = 1000, 6.0
"""From this many answers on a group has a pace of its own; a burst lies this many standard deviations (Poisson) above."""
FLAGS = ("fast", "straightline", "duplicate", "attention", "burst", "out_of_frame", "all_satisfied")


@dataclass(frozen=True)
class Limits:
    """Where a flag begins. Defaults are ours; a codebook's ``checks`` overrule them.

    ``min_seconds``: faster is too fast; without it, faster than ``fast_share`` of the file's median, from ``fast_n``
    timed answers on; ``straightline_items``: least number of answers that must all be alike; ``burst_n`` answers within
    ``burst_minutes`` from one unit; ``all_satisfied_share`` of at least ``all_satisfied_n`` answers of one
    unit.
    """

    min_seconds: float | None = None
    fast_share: float = 1 / 3
    fast_n: int = 30
    straightline_items: int = 6
    burst_n: int = 15
    burst_minutes: float = 3.0
    all_satisfied_n: int = 10
    all_satisfied_share: float = 0.9

    @classmethod
    def of(cls, checks: Mapping[str, Any]) -> Limits:
        """From a codebook's ``checks``: ``min_seconds``, ``straightline: {items}``, ``burst: {n,
        minutes}``, ``all_satisfied: {n, share}``."""
        given: dict[str, Any] = {}
        for name, value in checks.items():
            if name == "attention":
                continue
            if isinstance(value, Mapping):
                given |= {f"{name}_{key}": v for key, v in value.items()}
            else:
                given[name] = value
        known = {f.name for f in fields(cls)}
        strangers = sorted(set(given) - known)
        if strangers:
            raise ParameterError(
                f"checks: unknown limits {', '.join(strangers)} (known: {', '.join(sorted(known))})"
            )
        wrong = [n for n, v in given.items() if isinstance(v, bool) or not isinstance(v, int | float)]
        if wrong:
            raise ParameterError(f"checks: {', '.join(wrong)} must be numbers")
        return cls(**given)


def _bursts(groups: np.ndarray, submitted_at: pd.Series, limits: Limits) -> np.ndarray:
    """Rows of a group of which ``burst_n`` came within ``burst_minutes``; of a group of very many, more than it gets in
    its busiest hour of the day anyhow."""
    out = np.zeros(len(groups), dtype=bool)
    timed = np.flatnonzero((groups >= 0) & submitted_at.notna().to_numpy())
    if len(timed) < limits.burst_n:
        return out
    seconds = submitted_at.to_numpy("datetime64[s]").astype("int64")
    since = seconds - seconds[timed].min()
    timed = timed[np.argsort((groups * (since[timed].max() + 1) + since)[timed])]
    least = np.full(int(groups.max()) + 1, int(limits.burst_n))
    sizes = np.bincount(groups[timed])
    ends = np.cumsum(sizes)  # rows are in the order of their groups
    for group in np.flatnonzero(sizes >= _MANY).tolist():
        own = seconds[timed[ends[group] - sizes[group] : ends[group]]]
        busiest = np.bincount(own // 3600 % 24).max() / len(np.unique(own // 86_400))
        pace = busiest / 60 * limits.burst_minutes
        least[group] = max(int(limits.burst_n), int(np.ceil(pace + _SIGMAS * np.sqrt(pace))))
    needed = least[groups[timed]]
    for n in np.unique(needed).tolist():
        rows = timed[needed == n]
        until = len(rows) - n + 1
        if until > 0:
            group, second = groups[rows], since[rows]
            starts = (group[n - 1 :] == group[:until]) & (
                second[n - 1 :] - second[:until] <= limits.burst_minutes * 60
            )
            covered = np.zeros(len(rows) + 1, dtype="int64")
            covered[:until] += starts
            covered[n:] -= starts
            out[rows] = np.cumsum(covered)[:-1] > 0
    return out


def flag(
    frame: pd.DataFrame,
    *,
    items: Sequence[str],
    best: Mapping[str, int],
    grids: Mapping[str, Sequence[str]] | None = None,
    turned: Mapping[str, int] | None = None,
    same: Sequence[str] = (),
    limits: Limits | None = None,
    persons: pd.Series | None = None,
    addresses: pd.Series | None = None,
    interviewers: pd.Series | None = None,
    failed: pd.Series | None = None,
    sampled: Collection[str] | None = None,
    framed: bool = True,
    exclude: Collection[str] = (),
) -> pd.DataFrame:
    """Flag doubtful answers.

    Parameters
    ----------
    frame : DataFrame
        Responses: ``unit``, ``submitted_at``, ``duration_s`` and the item columns.
    items : sequence of str
        Scaled items.
    best : mapping
        Item -> its best code.
    grids : mapping, optional
        Name -> items asked in one grid, for straight-lining; items of no grid count as one.
    turned : mapping, optional
        Reversed item -> lowest + highest code: straight-lining is ticking the same column as printed.
    same : sequence of str, optional
        Further columns that must agree for two rows to be the same answers (demographics, unit).
    limits : Limits, optional
    persons, addresses : Series, optional
        Keyed hashes of the person and of the address, row by row.
    interviewers : Series, optional
        Who asked, row by row; bursts and all-satisfied clusters are looked for by interviewer too.
    failed : Series of bool, optional
        Rows that failed the attention check.
    sampled : collection of str, optional
        Units in the sample; others are out of frame.
    framed : bool
        Whether units were looked up in a register, so that a missing one is out of frame.
    exclude : collection of str
        Flags that make a row not valid.

    Returns
    -------
    DataFrame
        A copy with ``flags`` (comma-separated; missing: none) and ``valid``.

    Raises
    ------
    ParameterError
        If ``exclude`` names an unknown flag.
    """
    limits = limits or Limits()
    marks: dict[str, np.ndarray] = {}
    duration = frame["duration_s"].to_numpy(dtype="float64", na_value=np.nan)
    marks["fast"] = np.nan_to_num(duration, nan=np.inf) < _least(duration, limits)
    flat = np.zeros(len(frame), dtype=bool)
    for members in _grids(items, grids or {}, limits):
        given, low, high = _spread(frame, members, turned or {})
        flat |= (given >= limits.straightline_items) & (low == high)
    marks["straightline"] = flat
    given, low, high = _spread(frame, items, {})
    marks["duplicate"] = repeated(
        frame, [*items, *same], persons, addresses, flat=(given > 1) & (low == high)
    )
    marks["attention"] = np.zeros(len(frame), dtype=bool) if failed is None else failed.to_numpy(dtype=bool)
    glad = _glad(frame, best)
    marks["burst"] = marks["all_satisfied"] = np.zeros(len(frame), dtype=bool)
    for clusters in (frame["unit"], interviewers):
        if clusters is not None:
            groups = pd.factorize(clusters)[0]
            marks["burst"] = marks["burst"] | _bursts(groups, frame["submitted_at"], limits)
            marks["all_satisfied"] = marks["all_satisfied"] | _crowded(groups, glad, limits)
    stranger = frame["unit"].isna().to_numpy() & framed
    if sampled is not None:
        stranger |= ~frame["unit"].isin(list(sampled)).to_numpy()
    marks["out_of_frame"] = stranger
    out = frame.copy()
    bits = sum(marks[name].astype("int64") << k for k, name in enumerate(FLAGS))
    codes, kinds = pd.factorize(bits)
    words = [",".join(n for k, n in enumerate(FLAGS) if kind >> k & 1) or None for kind in kinds.tolist()]
    out["flags"] = pd.Series(np.array([*words, None], dtype=object)[codes], index=frame.index, dtype="str")
    return set_valid(out, exclude)


def _substantive(frame: pd.DataFrame, item: str) -> np.ndarray:
    """An item's answers; NaN where blank, don't know or not applicable."""
    answer = frame[item].to_numpy(dtype="float32", na_value=np.nan).copy()
    answer[(answer == DONT_KNOW) | (answer == NOT_APPLICABLE)] = np.nan
    return answer


def _least(duration: np.ndarray, limits: Limits) -> float:
    """The seconds below which an answer is too fast."""
    timed = duration[~np.isnan(duration)]
    if limits.min_seconds is not None:
        return limits.min_seconds
    return limits.fast_share * float(np.median(timed)) if len(timed) >= limits.fast_n else 0.0


def _grids(items: Sequence[str], grids: Mapping[str, Sequence[str]], limits: Limits) -> list[list[str]]:
    """Items to look through for one and the same answer: by grid, those of no grid together; all, where that leaves
    no group long enough."""
    alone = [item for item in items if all(item not in members for members in grids.values())]
    groups = [*map(list, grids.values()), alone]
    return groups if max(map(len, groups)) >= limits.straightline_items else [list(items)]


def _spread(
    frame: pd.DataFrame, items: Sequence[str], turned: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many of the items each row answers, its lowest and its highest tick (reversed items as printed)."""
    given = np.zeros(len(frame), dtype="int16")
    low = np.full(len(frame), np.nan, dtype="float32")
    high = low.copy()
    for item in items:
        answer = _substantive(frame, item)
        answer = turned[item] - answer if item in turned else answer
        given += ~np.isnan(answer)
        low, high = np.fmin(low, answer), np.fmax(high, answer)
    return given, low, high


def _glad(frame: pd.DataFrame, best: Mapping[str, int]) -> np.ndarray:
    """Rows that tick nothing but the best."""
    glad = np.ones(len(frame), dtype=bool)
    silent = glad.copy()
    for item, top in best.items():
        answer = _substantive(frame, item)
        missing = np.isnan(answer)
        glad &= missing | (answer == top)
        silent &= missing
    return glad & ~silent


def _crowded(groups: np.ndarray, glad: np.ndarray, limits: Limits) -> np.ndarray:
    """Rows that tick nothing but the best, of groups where nearly every row does."""
    n = np.bincount(groups + 1, minlength=1)
    share = np.bincount(groups + 1, weights=glad, minlength=1) / np.maximum(n, 1)
    crowded = (n >= limits.all_satisfied_n) & (share >= limits.all_satisfied_share)
    crowded[0] = False  # rows of no group
    return glad & crowded[groups + 1]


def set_valid(frame: pd.DataFrame, exclude: Collection[str]) -> pd.DataFrame:
    """``valid`` is False where a row carries one of the flags in ``exclude``.

    >>> set_valid(pd.DataFrame({"flags": ["fast", None, "burst,fast"]}), ["burst"])["valid"].tolist()
    [True, True, False]
    """
    strangers = sorted(set(exclude) - set(FLAGS))
    if strangers:
        raise ParameterError(f"unknown flags {', '.join(strangers)}; known: {', '.join(FLAGS)}")
    out = frame.copy()
    codes, kinds = pd.factorize(frame["flags"])
    fine = [not set(exclude).intersection(str(kind).split(",")) for kind in kinds]
    out["valid"] = np.array([*fine, True])[codes]
    return out
