"""The best-worst method: two rows of comparisons instead of a whole matrix (Rezaei 2015, 2016).

The expert names the most and the least important item, says how many times the best outweighs each other
item, and how many times each other item outweighs the worst: 2n - 3 judgements instead of n (n - 1) / 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.weights.matrix import LARGEST
from commlab.weights.told import Told

__all__ = ["BWM", "bwm"]

MODELS = ("linear", "nonlinear")
# Rezaei (2015), table 1: the largest xi that a_BW = 1..9 allows; beyond, the root that the table rounds
CONSISTENCY_INDEX = (0.0, 0.44, 1.00, 1.63, 2.30, 3.00, 3.73, 4.47, 5.23)
SCALE_MAX = 9


@dataclass(frozen=True, eq=False, repr=False)
class BWM(Told):
    """Weights by the best-worst method.

    ``weights`` Series summing to 1; ``xi`` the largest deviation from the judgements (0: consistent); ``cr``
    xi / consistency index for the non-linear model, xi itself for the linear one; ``input_cr`` how far the
    judgements contradict each other before any weights (Liang, Brunelli and Rezaei 2020); ``intervals`` low
    and high weight of each item over all optima of the non-linear model (low = high for the linear one, whose
    optimum is single).
    """

    weights: pd.Series
    xi: float
    cr: float
    input_cr: float
    best: Any
    worst: Any
    model: str
    intervals: pd.DataFrame = field(repr=False)

    @property
    def text(self) -> str:
        """The result in one sentence."""
        return (
            f"{len(self.weights)} items, best {self.best}, worst {self.worst}, {self.model} model: "
            f"xi = {self.xi:.4f}, CR = {self.cr:.4f}"
        )


def bwm(
    best_to_others: pd.Series | Mapping[Any, float],
    others_to_worst: pd.Series | Mapping[Any, float],
    *,
    model: str = "linear",
    best: Any = None,
    worst: Any = None,
) -> BWM:
    """Weigh items from comparisons with the best and the worst.

    Parameters
    ----------
    best_to_others : Series, length n
        How many times the best item outweighs each item (>= 1; the best itself is 1).
    others_to_worst : Series, length n
        How many times each item outweighs the worst (>= 1; the worst itself is 1).
    model : str
        ``linear`` (Rezaei 2016): one optimum. ``nonlinear`` (Rezaei 2015): ratios as judged; where several
        weights are optimal, the middle of each item's interval, normalised.
    best, worst : label, optional
        Needed only where several items are judged equal to the best or the worst and the judgements do not
        tell.

    Returns
    -------
    BWM

    Raises
    ------
    DataError
        If items differ between the two, a judgement is missing, below 1 or infinite, no item equals the best
        (worst), or best-to-worst is judged differently in the two.

    Notes
    -----
    (1) linear: min xi, |w_B - a_Bj w_j| <= xi, |w_j - a_jW w_W| <= xi, sum w = 1, w >= 0
    (2) nonlinear: min xi, |w_B / w_j - a_Bj| <= xi, |w_j / w_W - a_jW| <= xi
    Source: Rezaei, Omega 53 (2015) 49-57 and 64 (2016) 126-130.

    >>> bwm({"a": 8, "b": 2, "c": 1}, {"a": 1, "b": 5, "c": 8}).weights.round(4).to_dict()
    {'a': 0.0714, 'b': 0.3214, 'c': 0.6071}
    """
    if model not in MODELS:
        raise ParameterError(f"model must be one of {', '.join(MODELS)}; found {model!r}")
    to, of, b, w = _checked(best_to_others, others_to_worst, best, worst)
    items = to.index
    x, y = to.to_numpy(), of.to_numpy()
    if len(items) == 1:
        weights, xi, low, high = np.ones(1), 0.0, np.ones(1), np.ones(1)
    elif model == "linear":
        weights, xi = _linear(x, y, b, w)
        low = high = weights
    else:
        xi, low, high = _nonlinear(x, y, b, w)
        weights = (low + high) / (low + high).sum()
    a_bw = x[w]
    limit = np.interp(a_bw, np.arange(1, SCALE_MAX + 1), CONSISTENCY_INDEX)
    if a_bw > SCALE_MAX:
        limit = (1 + 2 * a_bw - np.sqrt(1 + 8 * a_bw)) / 2  # xi^2 - (1 + 2 a) xi + a^2 - a = 0
    span = a_bw * a_bw - a_bw
    return BWM(
        weights=pd.Series(weights, index=items, name="weight"),
        xi=xi,
        cr=xi if model == "linear" or not limit > 0 else float(xi / limit),
        # (3) max_j |a_Bj a_jW - a_BW| / (a_BW^2 - a_BW)
        input_cr=float(np.abs(x * y - a_bw).max() / span) if span > 0 else 0.0,
        best=items[b],
        worst=items[w],
        model=model,
        intervals=pd.DataFrame({"low": low, "high": high}, index=items),
    )


def _checked(
    best_to_others: Any, others_to_worst: Any, best: Any, worst: Any
) -> tuple[pd.Series, pd.Series, int, int]:
    to, of = pd.Series(best_to_others), pd.Series(others_to_worst)
    for name, s in (("best_to_others", to), ("others_to_worst", of)):
        if s.empty:
            raise DataError(f"{name} is empty: there is nothing to compare")
        if not s.index.is_unique:
            raise DataError(f"{name} names {listing(s.index[s.index.duplicated()].unique())} more than once")
    odd = to.index.symmetric_difference(of.index, sort=False)
    if len(odd):
        raise DataError(
            f"best_to_others and others_to_worst must name the same items; in one only: {listing(odd)}"
        )
    given = (to, of.reindex(to.index))
    to, of = (pd.to_numeric(s, errors="coerce") for s in given)
    faults = [
        f"{name}[{i}] must be a number from 1 to {LARGEST:g}; found {said}"
        for name, s, typed in (("best_to_others", to, given[0]), ("others_to_worst", of, given[1]))
        for (i, v), said in zip(s.items(), typed, strict=True)
        if not 1 <= v <= LARGEST
    ]
    if faults:
        raise DataError(f"judgements cannot be used: {listing(faults)}", faults=faults)
    to, of = to.astype("float64"), of.astype("float64")
    # of several items equal to the best, the one that outweighs the worst most; likewise for the worst
    b = _named(to, of, best, "best")
    w = _named(of, to, worst, "worst")
    if to.iloc[w] != of.iloc[b]:
        raise DataError(
            f"best ({to.index[b]}) to worst ({to.index[w]}) is judged {to.iloc[w]:g} in best_to_others but "
            f"{of.iloc[b]:g} in others_to_worst; it is one judgement: make them equal"
        )
    return to, of, b, w


def _named(own: pd.Series, other: pd.Series, label: Any, which: str) -> int:
    if label is not None:
        if label not in own.index:
            raise ParameterError(f"{which}={label!r} is not among the items {listing(own.index)}")
        position = int(own.index.get_loc(label))
        if own.iloc[position] != 1:
            raise DataError(
                f"{label} is called the {which}, but compared with itself it is {own.iloc[position]:g}, not 1"
            )
        return position
    ones = np.flatnonzero(own.to_numpy() == 1)
    if not len(ones):
        raise DataError(
            f"no item is equal to the {which} (1 in its own row): the {which} compared with itself must be 1"
        )
    return int(ones[np.argmax(other.to_numpy()[ones])])


def _linear(x: np.ndarray, y: np.ndarray, b: int, w: int) -> tuple[np.ndarray, float]:
    from scipy.optimize import linprog

    n = len(x)
    rows = []
    for j in range(n):
        for first, factor, second in ((b, x[j], j), (j, y[j], w)):
            row = np.zeros(n + 1)
            row[first] += 1.0
            row[second] -= factor
            rows += [row.copy(), -row]
    a = np.array(rows)
    a[:, n] = -1.0
    done = linprog(
        np.eye(n + 1)[n],
        A_ub=a,
        b_ub=np.zeros(len(a)),
        A_eq=np.append(np.ones(n), 0.0)[None],
        b_eq=[1.0],
        bounds=(0, None),
        method="highs",
    )
    if not done.success:
        raise DataError(f"the linear best-worst model has no solution: {done.message}")
    weights = np.clip(done.x[:n], 0.0, None)
    return weights / weights.sum(), max(float(done.x[n]), 0.0)


def _nonlinear(x: np.ndarray, y: np.ndarray, b: int, w: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Smallest xi and each weight's interval.

    With ratios r_j = w_j / w_W and t = r_B, xi is feasible when one t satisfies t in [a_BW - xi, a_BW + xi]
    and, for every other item, (a_Bj - xi)+ (a_jW - xi)+ <= t <= (a_Bj + xi) (a_jW + xi). All bounds are
    monotone in xi.
    """
    from scipy.optimize import brentq

    others = [j for j in range(len(x)) if j not in (b, w)]
    low_to, low_of = np.append(x[others], x[w]), np.append(y[others], 1.0)
    # the pair best-worst is the item whose second factor is fixed at 1
    free = np.append(np.ones(len(others)), 0.0)

    def bounds(xi: float) -> tuple[float, float]:
        low = np.clip(low_to - xi, 0.0, None) * np.clip(low_of - xi * free, 0.0, None)
        high = (low_to + xi) * (low_of + xi * free)
        return float(low.max()), float(high.min())

    def gap(xi: float) -> float:
        low, high = bounds(xi)
        return low - high

    xi = 0.0 if gap(0.0) <= 0 else float(brentq(gap, 0.0, float(low_to.max()), xtol=1e-15, rtol=1e-15))
    t = sum(bounds(xi)) / 2
    lo, hi = np.ones(len(x)), np.ones(len(x))
    lo[b] = hi[b] = t
    with np.errstate(divide="ignore"):
        for j in others:
            lo[j] = max(y[j] - xi, t / (x[j] + xi))
            hi[j] = max(min(y[j] + xi, t / (x[j] - xi) if x[j] > xi else np.inf), lo[j])
    # a weight is smallest when its ratio is smallest and all others largest
    low = lo / (lo + (hi.sum() - hi))
    high = hi / (hi + (lo.sum() - lo))
    return xi, low, high
