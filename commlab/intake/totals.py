"""Printed totals and averages against the rows they sum up.

A total may cover the whole table, the rows since the last total, the rows below it, or a group that it
names; the scope under which most of its numbers hold is the one meant. Counts and amounts are compared
with a sum, rates and scores with a mean, plain or weighted by any column of counts. What rounding explains
is a note; more is an error that names both numbers, and nothing is corrected.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from commlab.intake import words
from commlab.intake.values import shown

__all__ = ["Line", "Verdict", "check", "is_rate", "wholes"]

_RATE = re.compile(
    r"率|比例|占比|比重|性别比|抚养比|之比|比(?=$|[(\uff08])|规模$|均分|平均|人均|户均|均价|单价|每百|每千|每万|密度|指数|满意度|%|‰"
    r"|\brate\b|\bmean\b|\baverage\b|\bshare\b",
    re.I,
)
_SCORE = re.compile(r"得分|评分|分数|总分|\bscore\b", re.I)
_HIGHER = frozenset({"", *(ending for ending, level in words.LEVELS.items() if level > 1)})
_BY_CHANCE = 20  # smaller numbers are equal to a sum by chance
_EXACT = 1e-9
_MOST_DECIMALS = 6
_WHOLE = (1.0, 100.0)


@dataclass(frozen=True)
class Line:
    """A row for checking: its block, its words and whether it is data (``""``), a ``sum``, a ``mean`` or a
    ``part`` of the total above it, which is checked where it names a group, or ``other`` (a median, say)."""

    block: int
    texts: tuple[str, ...]
    total: str
    label: str = ""
    group: str = ""


@dataclass(frozen=True)
class Verdict:
    """A printed number of a total that is not exactly what its rows give."""

    line: int
    column: int
    printed: float
    found: float
    how: str
    severity: str
    """``rounding``, ``warning`` (missing values may explain it) or ``error``."""


def is_rate(label: str, unit: str = "", *, scored: bool = False) -> bool:
    """Whether a column's total is a mean, not a sum; ``scored``: the rows are items whose scores are added
    up.

    >>> is_rate("办结率(%)"), is_rate("综合得分"), is_rate("户数"), is_rate("得分", scored=True)
    (True, True, False, False)
    """
    if unit in ("%", "‰") or _RATE.search(label):
        return True
    return bool(_SCORE.search(label)) and not scored


def _decimals(values: np.ndarray) -> np.ndarray:
    """Decimals that each number is printed with; 0 where there is none."""
    out = np.zeros(values.shape, dtype=int)
    left = np.isfinite(values)
    for places in range(_MOST_DECIMALS):
        scaled = np.where(left, values, 0.0) * 10**places
        left = left & (np.abs(scaled - np.rint(scaled)) > 1e-7 * np.maximum(1, np.abs(scaled)))
        if not left.any():
            return out
        out[left] = places + 1
    return out


def wholes(
    keys: Sequence[Sequence[str]], numbers: np.ndarray, rates: Sequence[bool], titles: Sequence[str]
) -> dict[int, str]:
    """Data rows that are a whole by its own name, and the group each sums up (empty: the table).

    A district is the whole of its communities where it stands first or last and its numbers are theirs, a street
    that of those below or above it; a row that repeats its district's name in place of a community's, or leaves that blank, is the district's.

    Parameters
    ----------
    keys : sequence of columns of str, each of shape (n_rows,)
        The key columns, folded; blank is empty.
    numbers : ndarray, shape (n_rows, n_columns)
    rates : sequence of bool, shape (n_columns,)
    titles : sequence of str
        Titles and fill-in lines above the table, folded.
    """
    n = len(keys[-1]) if keys else 0
    additive = numbers[:, [j for j, rate in enumerate(rates) if not rate]]
    if n < 3:
        return {}
    out = _group_wholes(keys, additive) if len(keys) > 1 else {}
    names = [next((key[i] for key in reversed(keys) if key[i]), "") for i in range(n)]
    out |= _headed(names, additive, out)
    rest = np.array([i for i in range(n) if i not in out])
    for i in {rest[0]: None, rest[-1]: None} if len(rest) > 2 else {}:
        others = rest[rest != i]
        levels = {words.level(names[k]) for k in others}
        kind = words.suffix(names[i])
        if kind not in _HIGHER or [words.suffix(names[k]) for k in others].count(kind) * 2 > len(others):
            continue
        equal, told, large = _held(additive[i], additive[others])
        named = bool(names[i]) and any(names[i] in title for title in titles)
        if not names[i]:
            sure = equal >= 2 and equal * 2 > told
        elif words.level(names[i]) and 0 not in levels and words.level(names[i]) > max(levels):
            sure = equal * 2 >= told if told else named and _within(numbers[i], numbers[others])
        else:
            sure = equal == told and (equal >= 2 or large)
        if sure or (named and equal):
            out[int(i)] = ""
            break
    return out


def _group_wholes(keys: Sequence[Sequence[str]], additive: np.ndarray) -> dict[int, str]:
    """Rows that name their group once more, or no member of it, and hold its sum; the inner groups first."""
    out: dict[int, str] = {}
    last = keys[-1]
    for column in reversed(keys[:-1]):
        members: dict[str, list[int]] = {}
        group = ""
        for i, name in enumerate(column):
            group = name or group  # a blank below a name stands for it
            if group and i not in out:
                members.setdefault(group, []).append(i)
        for group, rows in members.items():
            for i in (rows[0], rows[-1]):
                others = np.array([k for k in rows if k != i], dtype=int)
                if last[i] not in ("", group) or any(last[k] == last[i] for k in others):
                    continue
                below = len(others) > 0 and last[i] == "" and not any(column[k] for k in others)
                if len(others) < 2 and not below:
                    continue
                equal, told, large = _held(additive[i], additive[others])
                if equal * 2 >= told and (equal >= 2 or (equal and (large or below))):
                    out[i] = group
                    break
    return out


def _headed(names: Sequence[str], additive: np.ndarray, taken: Collection[int]) -> dict[int, str]:
    """Rows of a higher unit, such as a street among communities, that hold the sum of the rows below or above them."""
    out: dict[int, str] = {}
    levels = [words.level(name) for name in names]
    for level in sorted({level for level in levels if level > 1 and min(levels) < level}):
        ends = [-1, *(i for i, own in enumerate(levels) if own >= level), len(names)]
        for before, i, after in zip(ends, ends[1:], ends[2:], strict=False):
            for rows in (range(i + 1, after), range(before + 1, i)):
                others = np.array([k for k in rows if k not in out and k not in taken], dtype=int)
                if levels[i] != level or i in taken or not len(others):
                    continue
                equal, told, large = _held(additive[i], additive[others])
                if equal * 2 >= told and (equal >= 2 or (equal and large)):
                    out[i] = names[i]
                    break
    return out


def _held(mine: np.ndarray, others: np.ndarray) -> tuple[int, int, bool]:
    """How many numbers of a row are the sums of the others, of how many, and whether chance is out."""
    told = np.isfinite(mine) & (mine != 0)
    sums = np.nansum(others, axis=0)
    equal = told & (np.abs(mine - sums) <= _EXACT * np.maximum(1, np.abs(sums)))
    return int(equal.sum()), int(told.sum()), bool(np.any(mine[equal] >= _BY_CHANCE))


def _within(mine: np.ndarray, others: np.ndarray) -> bool:
    """Whether a row of rates lies between the smallest and the largest of the others."""
    told = np.isfinite(mine) & np.isfinite(others).any(axis=0)
    low, high = np.nanmin(others[:, told], axis=0), np.nanmax(others[:, told], axis=0)
    return bool(told.any()) and bool(np.all((low <= mine[told]) & (mine[told] <= high)))


def check(
    lines: Sequence[Line], numbers: np.ndarray, rates: Sequence[bool]
) -> tuple[list[Verdict], dict[int, int]]:
    """Compare every number of every total with its rows.

    Parameters
    ----------
    lines : sequence of Line
    numbers : ndarray, shape (n_lines, n_columns)
        In printed units; NaN where blank.
    rates : sequence of bool, shape (n_columns,)
        Columns whose total is a mean; the others are sums, and may weigh one.

    Returns
    -------
    verdicts, covered
        ``covered`` says how many data lines each total sums up.
    """
    verdicts: list[Verdict] = []
    covered: dict[int, int] = {}
    index = _Index(lines)
    places = _decimals(numbers)
    is_rate = np.array(rates, dtype=bool)
    for t, line in enumerate(lines):
        if line.total in ("", "other"):
            continue
        told = np.isfinite(numbers[t])
        # Sums tell which rows are meant; where there are none, means have to.
        sure = told & ~is_rate if line.total != "mean" and np.any(told & ~is_rate) else told
        best, most = np.zeros(0, dtype=int), -1
        for scope in index.scopes(t):
            judged = _judge(t, line.total, numbers, places, scope, is_rate, sure)
            wrong = sum(verdict.severity != "rounding" for verdict in judged)
            judged_of = int((sure & np.isfinite(numbers[scope]).any(axis=0)).sum())
            held = judged_of - wrong
            # The likeliest rows are meant, unless others give most of the numbers.
            if most < 0 or (held > most and held * 2 >= judged_of):
                best, most = scope, held
            if held and not wrong:
                break
        if len(best):
            covered[t] = len(best)
            verdicts += _judge(t, line.total, numbers, places, best, is_rate, told)
    return verdicts, covered


class _Index:
    """Which data lines a word stands in."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.data = np.array([i for i, line in enumerate(lines) if not line.total], dtype=int)
        self.blocks = np.array([line.block for line in lines], dtype=int)
        self.totals = np.array([bool(line.total) for line in lines], dtype=bool)
        self.words: dict[str, list[int]] = {}
        for i in self.data.tolist():
            for text in dict.fromkeys(lines[i].texts):
                self.words.setdefault(text, []).append(i)
        self.known = sorted(self.words)

    def scopes(self, t: int) -> Iterator[np.ndarray]:
        """Lines that a total may cover, the likeliest first, each once."""
        line = self.lines[t]
        mine = self.data[self.blocks[self.data] == line.block]
        other = np.flatnonzero(self.totals & (self.blocks == line.block))
        before, after = other[other < t], other[other > t]
        since = mine[(mine > (before[-1] if len(before) else -1)) & (mine < t)]
        below = mine[(mine > t) & (mine < (after[0] if len(after) else len(self.lines)))]
        groups = [group for group in (line.group, *line.texts) if group]
        named = [self._rows([group]) for group in groups]
        named += [self._rows(self._beginning(group)) for group in groups]
        # 城市社区小计 sums up the rows of type 城市.
        named += [self._rows(group[:k] for k in range(2, len(group) + 1)) for group in groups]
        whole = [self.data, mine, mine[mine < t], mine[mine > t]]
        part = words.folded(line.label).startswith("小计") or bool(line.group) or any(len(n) for n in named)
        ordered = [*named, since, below, *whole] if part else [*whole, since, below, *named]
        seen = set()
        for scope in named if line.total == "part" else ordered:
            if len(scope) and scope.tobytes() not in seen:
                seen.add(scope.tobytes())
                yield scope

    def _beginning(self, group: str) -> list[str]:
        first = bisect_left(self.known, group)
        return list(takewhile(lambda word: word.startswith(group), self.known[first:]))

    def _rows(self, words: Iterable[str]) -> np.ndarray:
        return np.array(sorted({i for word in words for i in self.words.get(word, ())}), dtype=int)


def _judge(
    t: int,
    kind: str,
    numbers: np.ndarray,
    places: np.ndarray,
    scope: np.ndarray,
    rates: np.ndarray,
    told: np.ndarray,
) -> list[Verdict]:
    """What does not hold exactly between a total and the lines of a scope, in the columns told."""
    rows, printed, own = numbers[scope], numbers[t], places[t]
    here = np.isfinite(rows)
    n = here.sum(axis=0)
    theirs = np.where(here, places[scope], 0).max(axis=0)
    told = told & (n > 0)
    found = np.where(here, rows, 0.0).sum(axis=0)
    averaged = told & (rates | (kind == "mean"))
    # n roundings to a unit u, each uniform within u/2, move a sum by at most n u/2 and hardly ever by more than
    # three standard deviations, 3 u sqrt(n / 12), a mean by the n-th part of that; whole numbers are exact.
    moved = np.minimum(n / 2, 3 * np.sqrt(n / 12))
    tolerance = np.where((own == 0) & (theirs == 0), 0.0, 0.5 * 10.0**-own + moved * 10.0**-theirs)
    weighted = np.zeros(len(rates), dtype=bool)
    if averaged.any():
        # A sheet shows shares in whole per cent at least.
        least = np.where(rates & np.all(~here | (np.abs(rows) <= 1), axis=0), 2, 0)
        own, theirs = np.maximum(own, least), np.maximum(theirs, least)
        spread = np.where(theirs > 0, moved / np.maximum(n, 1) * 10.0**-theirs, 0.0)
        tolerance = np.where(averaged, 0.5 * 10.0**-own + spread, tolerance)
        found = np.where(averaged, found / np.maximum(n, 1), found)
        near = _weighted(rows, here, printed, averaged, rates)
        gap, gap_near = np.abs(printed - found), np.abs(printed - near)
        weighted = (
            averaged & (gap_near < gap) & (gap_near <= tolerance) & ((gap > tolerance) | (gap_near <= _EXACT))
        )
        found = np.where(weighted, near, found)
        # Shares of a whole, such as 占比, add up to all of it.
        sums = np.where(here, rows, 0.0).sum(axis=0)
        whole = averaged & np.isin(printed, _WHOLE) & (np.abs(printed - found) > tolerance)
        whole &= np.abs(printed - sums) <= 0.5 * 10.0**-own + moved * 10.0**-theirs
        averaged, found = averaged & ~whole, np.where(whole, sums, found)
        tolerance = np.where(whole, 0.5 * 10.0**-own + moved * 10.0**-theirs, tolerance)
    gap = np.abs(printed - found)
    exact = gap <= _EXACT * np.maximum(1.0, np.abs(found))
    rounded = gap <= tolerance * (1 + _EXACT) + _EXACT
    out = []
    for j in np.flatnonzero(told & ~exact).tolist():
        how = ("weighted mean" if weighted[j] else "mean") if averaged[j] else "sum"
        excused = n[j] < len(scope) and (printed[j] > found[j] or averaged[j])
        severity = "rounding" if rounded[j] else "warning" if excused else "error"
        out.append(Verdict(t, j, float(printed[j]), float(found[j]), how, severity))
    return out


def _weighted(
    rows: np.ndarray, here: np.ndarray, printed: np.ndarray, averaged: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """Of a column's means weighted by each column of counts, the one nearest to what is printed."""
    out = np.full(len(rates), np.inf)
    mine, counts = np.flatnonzero(averaged), np.flatnonzero(~rates)
    weights = rows[:, counts]
    weights = np.where(np.isfinite(weights) & (weights >= 0), weights, 0.0)
    total = here[:, mine].astype(float).T @ weights
    usable = (total > 0) & (mine[:, None] != counts[None, :])
    summed = np.where(here, rows, 0.0)[:, mine].T @ weights
    means = np.where(usable, summed / np.where(usable, total, 1.0), np.inf)
    if means.size:
        gaps = np.abs(means - printed[mine][:, None])
        out[mine] = means[np.arange(len(mine)), gaps.argmin(axis=1)]
    return out


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
