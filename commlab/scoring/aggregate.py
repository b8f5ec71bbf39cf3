"""From leaves up the tree to the total: score, state, coverage, weight, contribution.

Matrices of units x nodes do the work; the long frames are their print. A weight that nothing was measured
under goes to its siblings (``missing="measured"``) or counts as zero (``missing="zero"``); what is not
applicable leaves both sides.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.framework import TOTAL, Framework
from commlab.framework.rules import RULES
from commlab.scoring.leaves import Leaves, leaf_matrices
from commlab.tables import STATES

__all__ = ["HOWS", "aggregate", "climb", "total_scores"]

HOWS = ("arithmetic", "geometric", "harmonic")
_SCORED, _FAILED, _MISSING, _NOT_APPLICABLE, _VETOED = range(len(STATES))


def climb(
    share: np.ndarray,
    applicable: np.ndarray,
    weights: np.ndarray,
    how: str,
) -> np.ndarray:
    """One step up: the weighted mean of children, over those that have a score.

    Parameters
    ----------
    share : ndarray, shape (n_units, n_children)
        NaN: no score.
    applicable : ndarray of bool, same shape
    weights : ndarray, shape (n_children,)
    how : str

    Returns
    -------
    ndarray, shape (n_units,)
        (1) arithmetic: sum w x / sum w  (2) geometric: exp(sum w ln x / sum w)  (3) harmonic: sum w / sum w
        / x
    """
    seen = np.isfinite(share) & applicable
    w = np.where(seen, weights, 0.0)
    total = w.sum(axis=1)
    x = np.where(seen, share, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if how == "arithmetic":
            out = (w * x).sum(axis=1) / total
        elif how == "geometric":
            out = np.exp(np.where(w > 0, w * np.log(x), 0.0).sum(axis=1) / total)
        else:
            out = total / np.where(w > 0, w / x, 0.0).sum(axis=1)
    return np.where(total > 0, out, np.nan)


def _chosen(framework: Framework, how: str | Mapping[str, str]) -> dict[str, str]:
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
        unit, code, score, state, coverage, weight, contribution, effective, leaf; a row for ``total`` and
        every node of each unit, in the framework's order.
        ``coverage`` = measured / applicable weight below the node (failed counts as measured).
        ``weight`` is the node's share in the total among what applies to the unit (the leaves' sum to 1).
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
    hows = _chosen(framework, how)
    leaves = leaf_matrices(scores, framework, missing=missing)
    tree = _Tree(framework, leaves, hows)
    tree.hand_down()
    return tree.frame()


def total_scores(
    framework: Framework, leaves: Leaves, *, how: str | Mapping[str, str] = "arithmetic"
) -> np.ndarray:
    """Total score of every unit, in points; missing where nothing was measured."""
    tree = _Tree(framework, leaves, _chosen(framework, how))
    share, bonus = tree.share[TOTAL] * framework.full(TOTAL), tree.bonus[TOTAL]
    return np.where(bonus > 0, np.nan_to_num(share) + bonus, share)


class _Tree:
    """Node vectors over units, filled from the leaves up and then weights from the top down."""

    def __init__(self, framework: Framework, leaves: Leaves, hows: Mapping[str, str]) -> None:
        self.framework, self.leaves, self.hows = framework, leaves, hows
        self.local = framework.local_weights
        n = len(leaves.units)
        self.share: dict[str, np.ndarray] = {}
        self.applicable: dict[str, np.ndarray] = {}
        self.covered: dict[str, np.ndarray] = {}
        self.bonus: dict[str, np.ndarray] = {}
        self.failed: dict[str, np.ndarray] = {}
        self.vetoed = {c: np.zeros(n, bool) for c in [TOTAL, *(x.code for x in framework.nodes)]}
        self._struck: dict[str, list[tuple[int, float]]] = {}
        for row, node, value in leaves.vetoes:
            self._struck.setdefault(node, []).append((row, value))
        self.weight: dict[str, np.ndarray] = {TOTAL: np.ones(n)}
        self.part_of_total: dict[str, np.ndarray] = {}
        self._up(TOTAL)

    def hand_down(self) -> None:
        """Weights from the top: what each node weighs in what applies, and in the score."""
        self.part_of_total[TOTAL] = np.ones(len(self.leaves.units))
        self._down(TOTAL, self.hows[TOTAL] == "arithmetic")

    def _up(self, code: str) -> None:
        below = self.framework.children(code)
        if not below:
            j = self.framework.leaves.index(code)
            only_outside = all(not RULES[p.rule].shared for p in self.framework.parts(code))
            full = self.framework.full(code)
            self.share[code] = self.leaves.share[:, j].copy()
            self.applicable[code] = self.leaves.applicable[:, j]
            self.covered[code] = self.leaves.covered[:, j]
            self.failed[code] = self.leaves.failed[:, j]
            self.bonus[code] = self.leaves.bonus[:, j] if only_outside else np.zeros(len(self.leaves.units))
            if not only_outside:
                self.share[code] += self.leaves.bonus[:, j] / full
        else:
            for c in below:
                self._up(c)
            w = self.local[list(below)].to_numpy()
            share = np.column_stack([self.share[c] for c in below])
            applies = np.column_stack([self.applicable[c] for c in below])
            covered = np.column_stack([np.nan_to_num(self.covered[c]) for c in below])
            self.share[code] = climb(share, applies, w, self.hows[code])
            self.applicable[code] = (applies & (w > 0)).any(axis=1)
            wanted = (applies * w).sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                self.covered[code] = np.where(
                    wanted > 0, (applies * covered * w).sum(axis=1) / wanted, np.nan
                )
            self.failed[code] = np.zeros(len(self.leaves.units), bool)
            self.bonus[code] = sum((self.bonus[c] for c in below), np.zeros(len(self.leaves.units)))
        for row, value in self._struck.get(code, []):
            self.share[code][row] = value
            self.bonus[code][row] = 0.0
            self.vetoed[code][row] = True
            self.applicable[code][row] = True
            self.covered[code][row] = 1.0 if np.isnan(self.covered[code][row]) else self.covered[code][row]

    def _down(self, code: str, arithmetic: bool) -> None:
        below = self.framework.children(code)
        if not below:
            return
        w = self.local[list(below)].to_numpy()
        applies = np.column_stack([self.applicable[c] for c in below])
        seen = applies & np.column_stack([np.isfinite(self.share[c]) for c in below])
        wanted, measured = (applies * w).sum(axis=1), (seen * w).sum(axis=1)
        for k, c in enumerate(below):
            with np.errstate(invalid="ignore", divide="ignore"):
                among = np.where(wanted > 0, applies[:, k] * w[k] / wanted, 0.0)
                in_score = np.where(measured > 0, seen[:, k] * w[k] / measured, 0.0)
            self.weight[c] = self.weight[code] * among
            self.part_of_total[c] = (
                self.part_of_total[code] * in_score if arithmetic else np.full(len(among), np.nan)
            )
            self._down(c, arithmetic and self.hows.get(c, "arithmetic") == "arithmetic")

    def frame(self) -> pd.DataFrame:
        """The long table, unit by unit, nodes in the framework's order."""
        codes = [TOTAL, *(n.code for n in self.framework.nodes)]
        n, k = len(self.leaves.units), len(codes)
        top = self.framework.full(TOTAL)
        full = np.array([self.framework.full(c) for c in codes])

        def table(of: Mapping[str, np.ndarray]) -> np.ndarray:
            return np.column_stack([of[c] for c in codes]) if n else np.empty((0, k))

        share, bonus, applies = table(self.share), table(self.bonus), table(self.applicable).astype(bool)
        covered, in_total = table(self.covered), table(self.part_of_total)
        seen = np.isfinite(share)
        value = np.where(bonus > 0, np.nan_to_num(share * full) + bonus, share * full)
        measured = (np.nan_to_num(covered) > 0) & seen
        number = np.where(table(self.failed).astype(bool), _FAILED, _SCORED)
        number = np.where(measured, number, _MISSING)
        number = np.where(applies, number, np.where(bonus > 0, _SCORED, _NOT_APPLICABLE))
        number = np.where(table(self.vetoed).astype(bool), _VETOED, number)
        added = np.where(seen, in_total * np.nan_to_num(share) * top, 0.0)
        return pd.DataFrame(
            {
                "unit": pd.array(list(self.leaves.units), dtype="str").repeat(k),
                "code": pd.array(codes * n, dtype="str"),
                "score": value.ravel(),
                "state": pd.array(np.array(STATES, dtype=object)[number.ravel()], dtype="str"),
                "coverage": covered.ravel(),
                "weight": table(self.weight).ravel(),
                "contribution": np.where(np.isnan(in_total), np.nan, added + bonus).ravel(),
                "effective": (in_total * top / full).ravel(),
                "leaf": [not self.framework.children(c) for c in codes] * n,
            }
        ).astype({"leaf": "bool"})
