"""Printed totals and averages against the rows they sum up.

A total may cover the whole table, the rows since the last total, the rows below it, or a group that it
names; the scope under which most of its numbers hold is the one meant. Counts and amounts are compared
with a sum, rates and scores with a mean, plain or weighted by any column of counts. What rounding explains
is a note; more is an error that names both numbers, and nothing is corrected.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from commlab.intake import words
from commlab.intake.values import shown

__all__ = ["Line", "Verdict", "check", "is_rate", "wholes"]

_RATE = re.compile(
    r"率|比例|占比|比重|均分|平均|人均|户均|每百|每千|每万|密度|指数|满意度|%|‰"
    r"|\brate\b|\bmean\b|\baverage\b|\bshare\b",
    re.I,
)
_SCORE = re.compile(r"得分|评分|分数|总分|\bscore\b", re.I)
_HIGHER = ("省", "市", "州", "区", "县", "旗", "镇", "乡", "街道", "街道办", "街道办事处", "")
_EXACT = 1e-9
_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Line:
    """A row for checking: its block, its words and whether it is data (``""``), a ``sum`` or a ``mean``."""

    block: int
    texts: tuple[str, ...]
    total: str
    label: str = ""
    group: str = ""


@dataclass(frozen=True)
class Verdict:
    """How one printed number of one total compares."""

    line: int
    column: int
    printed: float
    found: float
    how: str
    severity: str
    """``exact``, ``rounding``, ``warning`` (missing values may explain it) or ``error``."""


def is_rate(label: str, unit: str = "", *, scored: bool = False) -> bool:
    """Whether a column's total is a mean, not a sum; ``scored``: the rows are items whose scores are added
    up.

    >>> is_rate("办结率(%)"), is_rate("综合得分"), is_rate("户数"), is_rate("得分", scored=True)
    (True, True, False, False)
    """
    if unit in ("%", "‰") or _RATE.search(label):
        return True
    return bool(_SCORE.search(label)) and not scored


def _decimals(values: np.ndarray) -> int:
    """Most decimals that the numbers are printed with."""
    values = values[np.isfinite(values)]
    for places in range(_MOST_DECIMALS):
        scaled = values * 10**places
        if np.all(np.abs(scaled - np.rint(scaled)) <= 1e-7 * np.maximum(1, np.abs(scaled))):
            return places
    return _MOST_DECIMALS


def _sum_tolerance(printed: float, addends: np.ndarray) -> float:
    """What rounding alone can move a printed sum by; whole numbers are exact.

    n roundings to a unit u, each uniform within u/2, move a sum by at most n u/2 and hardly ever by more
    than three standard deviations, 3 u sqrt(n / 12).
    """
    own, theirs = _decimals(np.array([printed])), _decimals(addends)
    if own == theirs == 0:
        return 0.0
    n = len(addends)
    return 0.5 * 10.0**-own + min(n / 2, 3 * (n / 12) ** 0.5) * 10.0**-theirs


def wholes(
    names: Sequence[str], numbers: np.ndarray, rates: Sequence[bool], titles: Sequence[str]
) -> list[int]:
    """Data rows that are the whole by its own name: first or last, and the sum of all others.

    Parameters
    ----------
    names : sequence of str, shape (n_rows,)
    numbers : ndarray, shape (n_rows, n_columns)
    rates : sequence of bool, shape (n_columns,)
    titles : sequence of str
        Titles and fill-in lines above the table, folded.
    """
    additive = [j for j, rate in enumerate(rates) if not rate]
    if len(names) < 3 or not additive:
        return []
    for i in (0, len(names) - 1):
        kind = _suffix(names[i])
        if kind not in _HIGHER:
            continue
        mine = numbers[i, additive]
        sums = np.nansum(np.delete(numbers[:, additive], i, axis=0), axis=0)
        told = np.isfinite(mine) & (mine != 0)
        equal = told & (np.abs(mine - sums) <= _EXACT * np.maximum(1, np.abs(sums)))
        label = words.folded(names[i])
        named = bool(label) and any(label in title for title in titles)
        if not ((equal.sum() >= 2 and equal.sum() == told.sum()) or (named and equal.any())):
            continue
        others = [_suffix(name) for k, name in enumerate(names) if k != i]
        if others.count(kind) * 2 <= len(others):
            return [i]
    return []


def _suffix(label: str) -> str:
    word = words.folded(label)
    for ending in ("社区", "街道办事处", "街道办", "街道", "居委会", "村委会", "小区"):
        if word.endswith(ending):
            return ending
    return word[-1:]


def check(
    lines: Sequence[Line], numbers: np.ndarray, rates: Sequence[bool], weights: Sequence[bool]
) -> tuple[list[Verdict], dict[int, int]]:
    """Compare every number of every total with its rows.

    Parameters
    ----------
    lines : sequence of Line
    numbers : ndarray, shape (n_lines, n_columns)
        In printed units; NaN where blank.
    rates, weights : sequence of bool, shape (n_columns,)
        Columns whose total is a mean; columns of counts that may weigh one.

    Returns
    -------
    verdicts, covered
        ``covered`` says how many data lines each total sums up.
    """
    verdicts: list[Verdict] = []
    covered: dict[int, int] = {}
    for t, line in enumerate(lines):
        if not line.total:
            continue
        scopes = [s for s in _scopes(lines, t) if len(s)]
        if not scopes:
            continue
        judged = [_judge(t, line.total, numbers, scope, rates, weights) for scope in scopes]
        held = [sum(v.severity in ("exact", "rounding") for v in verdict) for verdict in judged]
        best = max(range(len(scopes)), key=lambda k: (held[k], -k))
        covered[t] = len(scopes[best])
        verdicts += judged[best]
    return verdicts, covered


def _scopes(lines: Sequence[Line], t: int) -> list[np.ndarray]:
    """Lines that a total may cover, the likeliest first."""
    line = lines[t]
    data = np.array([i for i, other in enumerate(lines) if not other.total], dtype=int)
    mine = np.array([i for i in data if lines[i].block == line.block], dtype=int)
    before = [i for i in range(t) if lines[i].total and lines[i].block == line.block]
    after = [i for i in range(t + 1, len(lines)) if lines[i].total and lines[i].block == line.block]
    since = mine[(mine > (before[-1] if before else -1)) & (mine < t)]
    below = mine[(mine > t) & (mine < (after[0] if after else len(lines)))]
    groups = [g for g in (line.group, *line.texts) if g]
    named = [np.array([i for i in data if g in lines[i].texts], dtype=int) for g in groups]
    named += [
        np.array([i for i in data if any(text.startswith(g) for text in lines[i].texts)], dtype=int)
        for g in groups
    ]
    # 城市社区小计 sums up the rows of type 城市.
    named += [
        np.array([i for i in data if any(len(x) > 1 and g.startswith(x) for x in lines[i].texts)], dtype=int)
        for g in groups
    ]
    part = words.folded(line.label).startswith("小计") or bool(line.group) or any(len(n) for n in named)
    whole = [data, mine, mine[mine < t], mine[mine > t]]
    return [*named, since, below, *whole] if part else [*whole, since, below, *named]


def _judge(
    t: int, kind: str, numbers: np.ndarray, scope: np.ndarray, rates: Sequence[bool], weights: Sequence[bool]
) -> list[Verdict]:
    out = []
    for j, rate in enumerate(rates):
        printed = float(numbers[t, j])
        column = numbers[scope, j]
        present = column[np.isfinite(column)]
        if not np.isfinite(printed) or not len(present):
            continue
        missing = len(present) < len(column)
        if kind == "mean" or rate:
            verdict = _mean(t, j, printed, numbers, scope, weights)
        else:
            found = float(present.sum())
            verdict = Verdict(
                t,
                j,
                printed,
                found,
                "sum",
                _severity(printed - found, _sum_tolerance(printed, present), found),
            )
        if verdict.severity == "error" and missing and (printed > verdict.found or verdict.how != "sum"):
            verdict = Verdict(t, j, printed, verdict.found, verdict.how, "warning")
        out.append(verdict)
    return out


def _mean(
    t: int, j: int, printed: float, numbers: np.ndarray, scope: np.ndarray, weights: Sequence[bool]
) -> Verdict:
    column = numbers[scope, j]
    ok = np.isfinite(column)
    plain = float(column[ok].mean())
    tolerance = 0.5 * 10.0 ** -_decimals(np.array([printed]))
    if places := _decimals(column[ok]):
        tolerance += min(0.5, 3 / (12 * ok.sum()) ** 0.5) * 10.0**-places
    best = Verdict(t, j, printed, plain, "mean", _severity(printed - plain, tolerance, plain))
    if best.severity != "error":
        return best
    for w, is_weight in enumerate(weights):
        if not is_weight or w == j:
            continue
        weight = numbers[scope, w]
        use = ok & np.isfinite(weight) & (weight >= 0)
        if weight[use].sum() > 0:
            found = float(np.average(column[use], weights=weight[use]))
            if _severity(printed - found, tolerance, found) != "error":
                return Verdict(
                    t, j, printed, found, "weighted mean", _severity(printed - found, tolerance, found)
                )
    return best


def _severity(gap: float, tolerance: float, size: float) -> str:
    if abs(gap) <= _EXACT * max(1.0, abs(size)):
        return "exact"
    return "rounding" if abs(gap) <= tolerance * (1 + _EXACT) + _EXACT else "error"


def message(label: str, column: str, verdict: Verdict, rows: int) -> str:
    """A verdict in words, naming both numbers."""
    how = {"sum": "add up to", "mean": "have the mean", "weighted mean": "have the weighted mean"}[
        verdict.how
    ]
    found = shown(round(verdict.found, 6))
    text = f'{label} of "{column}" is printed as {shown(verdict.printed)}; its {rows} rows {how} {found}'
    if verdict.severity == "rounding":
        return f"{text}, which rounding explains"
    gap = shown(round(verdict.printed - verdict.found, 6))
    if verdict.severity == "warning":
        return f"{text} (off by {gap}; some of them have no value, which may explain it): ask the office"
    return f"{text} (off by {gap}): ask the office which number is right; the rows are kept as they are"
