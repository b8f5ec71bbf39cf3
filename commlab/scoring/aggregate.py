"""From leaves up the tree to the total: score, state, coverage, weight, contribution.

Matrices of units x nodes do the work; the long frames are their print. A weight that nothing was measured
under goes to its siblings (``missing="measured"``) or counts as zero (``missing="zero"``); what is not
applicable leaves both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.framework import TOTAL, Framework
from commlab.framework.rules import RULES
from commlab.scoring.leaves import Leaves, leaf_matrices
from commlab.scoring.texts import chosen, repeated, tiled
from commlab.tables import STATES

__all__ = ["HOWS", "Tree", "aggregate", "chosen_means", "climb", "total_scores"]

HOWS = ("arithmetic", "geometric", "harmonic")
_BLOCK_UNITS = 1024
"""Units whose rows are written at once."""
_SCORED, _FAILED, _MISSING, _NOT_APPLICABLE, _VETOED = range(len(STATES))


def climb(
    columns: Sequence[np.ndarray], weights: Sequence[float], how: str, *, whole: bool = False
) -> np.ndarray:
    """One step up: the weighted mean of children, over those that have a score.

    Parameters
    ----------
    columns : sequence of ndarray, shape (n_units,)
        Scores of the children, NaN where there is none.
    weights : sequence of float
    how : str
    whole : bool
        No score is missing.

    Returns
    -------
    ndarray, shape (n_units,)
        (1) arithmetic: sum w x / sum w  (2) geometric: exp(sum w ln x / sum w)  (3) harmonic: sum w / sum w
        / x
    """
    total: np.ndarray | float = 0.0
    added: np.ndarray | float = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        for x, w in zip(columns, weights, strict=True):
            if w == 0:
                continue
            seen = None if whole else np.isfinite(x)
            if how == "arithmetic":
                term = x * w
            else:
                term = np.log(x) * w if how == "geometric" else w / x
            added = added + (term if seen is None else np.where(seen, term, 0.0))
            total = total + (w if seen is None else np.where(seen, w, 0.0))
        if how == "harmonic":
            out = total / added
        else:
            out = added / total
            out = np.exp(out) if how == "geometric" else out
    if np.ndim(total):
        return np.where(total > 0, out, np.nan)
    return np.asarray(out) if total > 0 else np.full(len(columns[0]), np.nan)


def chosen_means(framework: Framework, how: str | Mapping[str, str]) -> dict[str, str]:
    codes = [TOTAL, *(n.code for n in framework.nodes if framework.children(n.code))]
    if isinstance(how, str):
        given: dict[str, str] = dict.fromkeys(codes, how)
    elif isinstance(how, Mapping):
        given = {framework.code(c): h for c, h in how.items()}
        leaves = [c for c in given if c not in codes]
        if leaves:
            raise ParameterError(
                f"how names leaves ({listing(leaves)}): only nodes with children are aggregated"
            )
    else:
        raise ParameterError(f"how is {how!r}; it must be text, or a mapping of code to text")
    wrong = sorted({str(h) for h in given.values() if h not in HOWS})
    if wrong:
        raise ParameterError(f"how is {listing(wrong)}; it must be one of {', '.join(HOWS)}")
    return {c: given.get(c, "arithmetic") for c in codes}


def aggregate(
    scores: pd.DataFrame,
    framework: Framework,
    *,
    how: str | Mapping[str, str] = "arithmetic",
    missing: str = "measured",
) -> pd.DataFrame:
    """Carry the scores of parts up the tree.

    Parameters
    ----------
    scores : DataFrame
        unit, code, part, score, state, as ``score`` gives them.
    framework : Framework
        Its local weights; equal among siblings where it has none.
    how : str or mapping of code to str
        ``arithmetic``, ``geometric`` or ``harmonic`` for all nodes, or for the children of each code
        (``total`` included); nodes that a mapping does not name are arithmetic.
    missing : str
        ``measured``: the weight of what was not measured goes to its siblings. ``zero``: it counts as 0.

    Returns
    -------
    DataFrame
        unit, code, score, state, coverage, weight, contribution, effective, nominal, full, leaf; a row for ``total`` and
        every node of each unit, in the framework's order.
        ``coverage`` = measured / applicable weight below the node (failed counts as measured).
        ``weight`` is the node's share in the total among what applies to the unit (the leaves' sum to 1).
        ``nominal`` is its weight in the framework, the same for all units.
        ``full`` is full marks of the node.
        ``effective`` is its weight in the score after what was not measured handed its own to its siblings.
        ``contribution`` = effective * score is what the node adds to the total; at every level these sum to
        it
        (bonus and veto apart). Both are missing where a mean above is not arithmetic.

    Raises
    ------
    DataError
        If a score is not a number from 0 to full marks or names no leaf or part, or a unit has two of one
        part.
    ParameterError
        If ``how`` or ``missing`` is not known.
    """
    hows = chosen_means(framework, how)
    leaves = leaf_matrices(scores, framework, missing=missing)
    tree = Tree(framework, leaves, hows)
    tree.hand_down()
    return tree.frame()


def total_scores(
    framework: Framework, leaves: Leaves, *, how: str | Mapping[str, str] = "arithmetic"
) -> np.ndarray:
    """Total score of every unit, in points; missing where nothing was measured."""
    tree = Tree(framework, leaves, chosen_means(framework, how))
    return tree.topped(TOTAL, tree.share[TOTAL] * framework.full(TOTAL))


_Column = np.ndarray | float
"""What a node has for every unit; one number where it is the same for all."""


_Later = Any
"""A column, or a function that gives the part of it for some units: it is written without standing in memory first."""


class Tree:
    """Node vectors over units, filled from the leaves up and then weights from the top down."""

    def __init__(self, framework: Framework, leaves: Leaves, hows: Mapping[str, str]) -> None:
        self.framework, self.leaves, self.hows = framework, leaves, hows
        self.local = dict(framework.local_weights)
        self.at = {c: j for j, c in enumerate(framework.leaves)}
        self.n = len(leaves.units)
        self.share: dict[str, np.ndarray] = {}
        self.bonus: dict[str, _Column] = {}
        self.failed: dict[str, _Column] = {}
        self.applicable: dict[str, _Column] = {}
        self.covered: dict[str, _Column] = {}
        self.vetoed: dict[str, np.ndarray] = {}
        self._struck: dict[str, list[tuple[int, float]]] = {}
        for row, node, value in leaves.vetoes:
            self._struck.setdefault(node, []).append((row, value))
        # a node is whole where everything below it applies to all units and was measured
        self.whole: dict[str, bool] = {}
        self.weight: dict[str, _Column] = {TOTAL: 1.0}
        self.part_of_total: dict[str, _Column] = {TOTAL: 1.0}
        self._up(TOTAL)

    def hand_down(self) -> None:
        """Weights from the top: what each node weighs in what applies, and in the score."""
        self._down(TOTAL, self.hows[TOTAL] == "arithmetic")

    def _up(self, code: str) -> None:
        below = self.framework.children(code)
        if below:
            for c in below:
                self._up(c)
            self._mean(code, below)
        else:
            self._leaf(code)
        for row, value in self._struck.get(code, []):
            self._strike(code, row, value)

    def _leaf(self, code: str) -> None:
        j, leaves = self.at[code], self.leaves
        self.share[code], self.bonus[code] = leaves.share[:, j], 0.0
        if leaves.plain:
            self.whole[code], self.applicable[code], self.covered[code], self.failed[code] = (
                True,
                True,
                1.0,
                False,
            )
            return
        applicable, covered, failed = leaves.applicable[:, j], leaves.covered[:, j], leaves.failed[:, j]
        self.whole[code] = bool(applicable.all()) and bool((covered == 1).all())
        self.applicable[code] = True if self.whole[code] else applicable
        self.covered[code] = 1.0 if self.whole[code] else covered
        self.failed[code] = failed if failed.any() else False
        bonus = leaves.bonus[:, j]
        if bonus.any():
            if all(not RULES[p.rule].shared for p in self.framework.parts(code)):
                self.bonus[code] = bonus
            else:
                self.share[code] = self.share[code] + bonus / self.framework.full(code)

    def _mean(self, code: str, below: Sequence[str]) -> None:
        w = [self.local[c] for c in below]
        counted = [c for c, v in zip(below, w, strict=True) if v > 0]
        self.whole[code] = bool(counted) and all(self.whole[c] for c in counted)
        self.share[code] = climb([self.share[c] for c in below], w, self.hows[code], whole=self.whole[code])
        self.failed[code] = False
        self.bonus[code] = sum((self.bonus[c] for c in below), 0.0)
        if self.whole[code]:
            self.applicable[code], self.covered[code] = True, 1.0
            return
        wanted: _Column = 0.0
        measured: _Column = 0.0
        for c, v in zip(below, w, strict=True):
            applies = v * np.asarray(self.applicable[c], dtype=float)
            wanted = wanted + applies
            measured = measured + applies * np.nan_to_num(self.covered[c])
        self.applicable[code] = np.broadcast_to(np.asarray(wanted) > 0, self.n)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.covered[code] = np.where(self.applicable[code], measured / np.asarray(wanted, float), np.nan)

    def _strike(self, code: str, row: int, value: float) -> None:
        """A veto fixes the score of a node; it then counts as measured, and what was added on top is gone."""
        for of, now in ((self.share, value), (self.bonus, 0.0), (self.applicable, True)):
            of[code] = self._own(of[code])  # type: ignore[index]
            of[code][row] = now  # type: ignore[index]
        if code not in self.vetoed:
            self.vetoed[code] = np.zeros(self.n, bool)
        self.vetoed[code][row] = True
        covered = self._own(self.covered[code])
        covered[row] = 1.0 if np.isnan(covered[row]) else covered[row]
        self.covered[code] = covered
        self.whole[code] = False

    def _own(self, column: _Column) -> np.ndarray:
        return np.array(np.broadcast_to(np.asarray(column), self.n))

    def _down(self, code: str, arithmetic: bool) -> None:
        below = self.framework.children(code)
        if not below:
            return
        wanted: _Column = 0.0
        measured: _Column = 0.0
        rows: list[tuple[str, _Column, _Column]] = []
        for c in below:
            w = self.local[c]
            applies: _Column = w if self.whole[c] else w * np.asarray(self.applicable[c], dtype=float)
            seen = applies if self.whole[c] else applies * np.isfinite(self.share[c])
            wanted, measured = wanted + applies, measured + seen
            rows.append((c, applies, seen))
        for c, applies, seen in rows:
            self.weight[c] = self.weight[code] * _quotient(applies, wanted)
            self.part_of_total[c] = (
                self.part_of_total[code] * _quotient(seen, measured) if arithmetic else np.nan
            )
            self._down(c, arithmetic and self.hows.get(c, "arithmetic") == "arithmetic")

    def topped(self, code: str, points: np.ndarray) -> np.ndarray:
        """Points of a node with its bonus on top; where nothing was measured of what applies, a bonus alone is no score."""
        bonus = np.asarray(self.bonus[code])
        if not (bonus > 0).any():
            return points
        alone = np.isnan(points) & ~np.asarray(self.applicable[code])
        return np.where(bonus > 0, np.where(alone, 0.0, points) + bonus, points)

    def frame(self) -> pd.DataFrame:
        """The long table, unit by unit, nodes in the framework's order."""
        codes = [TOTAL, *(n.code for n in self.framework.nodes)]
        n, k, top = self.n, len(codes), self.framework.full(TOTAL)
        names = ("score", "state", "coverage", "weight", "contribution", "effective")
        found: dict[str, list[_Later]] = {name: [] for name in names}
        for code in codes:
            share, bonus, full = self.share[code], self.bonus[code], self.framework.full(code)
            in_total = self.part_of_total[code]
            seen = True if self.whole[code] else np.isfinite(share)
            plain = seen is True and np.ndim(bonus) == 0 and np.ndim(in_total) == 0 and bonus == 0
            points: _Later = partial(_scaled, share, 1.0, full)
            added: _Later = partial(_scaled, share, in_total, top)
            if not plain:
                points, added = points(slice(None)), added(slice(None))
                points = self.topped(code, points)
                added = (added if seen is True else np.where(seen, added, 0.0 * in_total)) + bonus
            told = (
                points,
                self._state(code, seen),
                self.covered[code],
                self.weight[code],
                added,
                in_total * (top / full),
            )
            for name, column in zip(found, told, strict=True):
                found[name].append(column)
        found["nominal"] = list(self._nominal(codes))
        found["full"] = [self.framework.full(c) for c in codes]
        found["leaf"] = [not self.framework.children(c) for c in codes]
        alike: dict[bytes, pd.Series] = {}
        flat: dict[str, Any] = {"unit": repeated(self.leaves.units, k), "code": tiled(codes, n)}
        for name, columns in found.items():
            if name == "state":
                flat[name] = self._words(columns)
                continue
            kind = np.dtype(bool if name == "leaf" else np.float64)
            if any(callable(c) or np.ndim(c) for c in columns):
                flat[name] = _row_by_row(columns, n, kind)
                continue
            # the same for all units: columns that agree share their memory until someone writes to one
            pattern = np.array(columns, dtype=kind)
            if pattern.tobytes() not in alike:
                alike[pattern.tobytes()] = pd.Series(np.tile(pattern, n), copy=False)
            flat[name] = alike[pattern.tobytes()]
        return pd.DataFrame(flat, copy=False)

    def _words(self, states: Sequence[_Column]) -> pd.Series:
        """The states of all nodes, unit by unit."""
        if all(np.ndim(s) == 0 for s in states):
            return tiled([STATES[int(s)] for s in states], self.n)
        return chosen(STATES, [_row_by_row(states, self.n, np.dtype(np.int8))])

    def _nominal(self, codes: Sequence[str]) -> np.ndarray:
        reach = {TOTAL: 1.0}
        for node in self.framework.nodes:
            reach[node.code] = reach[node.parent or TOTAL] * self.local[node.code]
        return np.array([reach[c] for c in codes])

    def _state(self, code: str, seen: np.ndarray | bool) -> np.ndarray | int:
        failed = self.failed[code]
        scored: np.ndarray | int = _SCORED if failed is False else np.where(failed, _FAILED, _SCORED)
        if seen is True and self.whole[code]:
            return scored
        measured = (np.nan_to_num(self.covered[code]) > 0) & seen
        number = np.where(measured, scored, _MISSING)
        gone = np.where(np.asarray(self.bonus[code]) > 0, _SCORED, _NOT_APPLICABLE)
        number = np.where(self.applicable[code], number, gone)
        return np.where(self.vetoed[code], _VETOED, number) if code in self.vetoed else number

    def wide(self, index: pd.Index, *, points: bool) -> pd.DataFrame:
        """Scores of every node in points, units x nodes; ``points``: shares are points already."""
        codes = [TOTAL, *(n.code for n in self.framework.nodes)]
        columns = {c: self.share[c] if points else self.share[c] * self.framework.full(c) for c in codes}
        return pd.DataFrame(columns, index=index, copy=False).rename_axis(index="unit", columns="code")


def _row_by_row(columns: Sequence[_Later], n: int, kind: np.dtype) -> np.ndarray:
    """Columns over ``n`` units as one long array, unit by unit: filled in blocks that stay in the cache."""
    out: np.ndarray = np.empty((n, len(columns)), dtype=kind)
    spread = [c if callable(c) else np.broadcast_to(np.asarray(c), n).__getitem__ for c in columns]
    for start in range(0, n, _BLOCK_UNITS):
        units = slice(start, start + _BLOCK_UNITS)
        some = out[units]
        for j, column in enumerate(spread):
            some[:, j] = column(units)
    return out.ravel()


def _scaled(share: np.ndarray, weight: _Column, full: float, units: slice) -> np.ndarray:
    return weight * share[units] * full


def _quotient(part: _Column, whole: _Column) -> _Column:
    """part / whole; 0 where there is nothing."""
    if np.ndim(whole) == 0:
        return part / float(whole) if whole > 0 else 0.0 * part
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, 0.0)
