"""Quantiles under a design, with Woodruff's intervals.

The weighted distribution function is F(q) = sum of weights with y <= q over all weights. C_k is the sum of the
weights of the k smallest values, W that of all n. Rules (R's names, R's arithmetic for weights):

math, hf1     the smallest value with F(q) >= p
school, hf2   the same, but halfway to the next value where F(q) = p exactly
hf3           where F(q) = p exactly at the k-th distinct value: that value if k is even, else the next
hf4 to hf9    linear between the points p_k = (a C_{k-1} + (1 - a) C_k) / (W + b w_n), a and b as ``_LINES`` says;
              for equal weights those of Hyndman & Fan (1996), hf7 being R's ``quantile``
shahvaish     the largest value with (sum of the k smallest weights over their mean + 1/2 - w_k / 2) / (n + 1) <= p;
              depends on the weights' unit, as in R: scale them to mean 1 first

Where p lies below the smallest value's share the smallest value is meant (R gives the second).

Interval  (1) the confidence limits of F(estimate), turned back through the quantile function.
          Source: Woodruff (1952); R: svyquantile(interval.type="mean", "xlogit", "beta")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.survey import intervals
from commlab.survey.columns import answered, values_of
from commlab.survey.engine import estimates
from commlab.survey.structure import FloatArray

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["RULES", "quantile", "weighted_quantile"]

_LINES = {
    "hf4": (0.0, 0.0),
    "hf5": (1 / 2, 0.0),
    "hf6": (0.0, 1.0),
    "hf7": (1.0, -1.0),
    "hf8": (1 / 3, 1 / 3),
    "hf9": (3 / 8, 1 / 4),
}
_STEPS = ("math", "school", "hf1", "hf2", "hf3", "shahvaish")
RULES = (*_STEPS, *_LINES)
_INTERVALS = {"mean": "", "xlogit": "logit", "beta": "beta"}
"""R's names, and those of ``intervals``."""


def weighted_quantile(y: FloatArray, w: FloatArray, p: float, *, rule: str = "math") -> float:
    """A quantile of weighted values; NaN without values.

    >>> weighted_quantile(np.array([1.0, 2, 3, 4]), np.ones(4), 0.5)
    2.0
    >>> weighted_quantile(np.array([1.0, 2, 3, 4]), np.ones(4), 0.5, rule="school")
    2.5
    """
    used = (w > 0) & ~np.isnan(y)
    if not used.any() or np.isnan(p):
        return float("nan")
    order = np.argsort(y[used], kind="stable")
    values, weights = y[used][order], w[used][order]
    if rule == "shahvaish":
        points = (np.cumsum(weights / weights.mean()) + 0.5 - weights / 2) / (len(values) + 1)
        rank = np.argsort(points, kind="stable")
        below_p = int(np.searchsorted(points[rank], p, side="right"))
        return float(values[rank][max(below_p - 1, 0)])
    if rule in _LINES:
        above, last = _LINES[rule]
        upto = np.cumsum(weights)
        top = upto[-1] + last * weights[-1]
        if len(values) == 1 or top <= 0:
            return float(values[-1])
        return float(np.interp(p, (upto - above * weights) / top, values))
    distinct, start = np.unique(values, return_index=True)
    below = np.cumsum(np.add.reduceat(weights, start))
    below /= below[-1]
    # Weights add up with rounding: a share that is p but for the last digits counts as p.
    k = min(int(np.searchsorted(below, p - 1e-12)), len(distinct) - 1)
    if abs(below[k] - p) <= 1e-12 and k + 1 < len(distinct):
        if rule in ("school", "hf2"):
            return float((distinct[k] + distinct[k + 1]) / 2)
        if rule == "hf3" and k % 2 == 0:  # the k + 1-th, an odd one
            return float(distinct[k + 1])
    return float(distinct[k])


def quantile(
    design: SurveyDesign,
    variable: str,
    p: float | Sequence[float] = 0.5,
    *,
    by: str | Sequence[str] | None = None,
    rule: str = "math",
    interval: str = "mean",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Quantiles with Woodruff intervals (1).

    Parameters
    ----------
    design : SurveyDesign
    variable : str
        Numeric column.
    p : float or sequence of float
        Between 0 and 1.
    rule : str
        One of ``RULES``.
    interval : "mean", "xlogit" or "beta"
        How the limits of F are found: t interval, on the logit scale, or Korn and Graubard's.

    Returns
    -------
    DataFrame
        [by...], variable, p, estimate, se (length of the interval over 2 t, as R), ci_low, ci_high, df, n.
    """
    if rule not in RULES:
        raise ParameterError(f"rule={rule!r} is not one of {', '.join(RULES)}")
    if interval not in _INTERVALS:
        raise ParameterError(f"interval={interval!r} is not one of {', '.join(_INTERVALS)}")
    levels = [float(q) for q in np.atleast_1d(p)]
    if not levels or not all(0 <= q <= 1 for q in levels):
        raise ParameterError(f"p={p!r} must be shares between 0 and 1")
    y = values_of(design, variable)
    answered([variable], ~np.isnan(y[design.weights > 0])[:, None])
    domain, domains = design.domains(by)
    rows = []
    groups = [(y[domain == i], design.weights[domain == i]) for i in range(len(domains))]
    for q in levels:
        point = np.array([weighted_quantile(*group, q, rule=rule) for group in groups])
        at = np.where(domain >= 0, point[domain], np.nan)
        found = estimates(design, [np.where(np.isnan(y), np.nan, y <= at)], by=by)
        share, se = found.estimate[:, 0], found.se[:, 0]
        df, n = found.df[:, 0], found.n[:, 0]
        if interval == "mean":
            low, high = intervals.t_interval(share, se, df, confidence)
        else:
            method = _INTERVALS[interval]
            low, high = intervals.proportion_interval(share, se, df, n, method=method, confidence=confidence)
        ends = np.clip(np.column_stack([low, high]), 0, 1)
        pairs = zip(groups, ends, strict=True)
        limits = np.array([[weighted_quantile(*group, x, rule=rule) for x in pair] for group, pair in pairs])
        t = intervals.t_quantile(df, confidence)
        part = domains.copy()
        part["variable"], part["p"], part["estimate"] = variable, q, point
        part["se"] = (limits[:, 1] - limits[:, 0]) / (2 * t)
        part["ci_low"], part["ci_high"], part["df"], part["n"] = limits[:, 0], limits[:, 1], df, n
        rows.append(part.assign(_domain=np.arange(len(domains))))
    out = pd.concat(rows, ignore_index=True).sort_values("_domain", kind="stable")
    return out.drop(columns="_domain").reset_index(drop=True)
