"""Ordered logit: how predictors move an answer up or down its scale.

(1) P(y <= k) = F(a_k - x'b), F logistic, thresholds a_1 < a_2 < ...
(2) b and a maximise sum w ln P(y); Newton's method on its exact derivatives
(3) influences e_i = w_i s_i H^-1, s the derivative of ln P, H minus the second derivatives' sum; the design's
    covariance of their sums is that of b and a.            Source: McCullagh (1980); Binder (1983); R: svyolr
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import special

from commlab.errors import DataError
from commlab.survey.structure import FloatArray, IntArray

__all__ = ["ordered_fit", "solved"]

_STEPS, _SMALL = 200, 1e-12
_FAR = 30.0
"""Log odds (per standard deviation of a predictor) beyond which two answers are told apart without error."""


def ordered_fit(
    x: FloatArray, y: FloatArray, w: FloatArray, what: str
) -> tuple[FloatArray, FloatArray, list[str]]:
    """Fit (2).

    Parameters
    ----------
    x : float array, shape (n, p)
        Predictors, without a column of ones.
    y : float array, shape (n,)
        Answers; their order is that of the numbers.
    w : float array, shape (n,)
    what : str
        For messages.

    Returns
    -------
    tuple
        b then a; influences (3), shape (n, p + levels - 1); names of the thresholds, ``1|2``...

    Raises
    ------
    DataError
        If there are fewer than two answers, or a predictor tells them apart without error.
    """
    levels, found = np.unique(y, return_inverse=True)
    code = found.astype(np.int64)
    if len(levels) < 2:
        raise DataError(f"the left side of {what} has one answer only; there is nothing to tell apart")
    middle, scale = np.average(x, axis=0, weights=w), x.std(axis=0)
    z = (x - middle) / np.where(scale > 0, scale, 1.0)
    p, k = z.shape[1], len(levels) - 1
    below = np.cumsum(np.bincount(code, w))[:-1] / w.sum()
    if not (np.diff(below, prepend=0.0, append=1.0) > 0).all():
        raise _weightless(what)
    theta = np.concatenate([np.zeros(p), special.logit(below)])
    value, score, minus = _likelihood(theta, z, code, w, k)
    for _ in range(_STEPS):
        step = solved(minus, score.T @ w, what)
        size, moved = 1.0, False
        while size > _SMALL and not moved:  # halved until the likelihood does not fall
            trial = theta + size * step
            if (np.diff(trial[p:]) > 0).all():
                new = _likelihood(trial, z, code, w, k)
                moved = new[0] >= value - 1e-12 * abs(value)
            size /= 2
        if not moved:
            break
        theta, (value, score, minus) = trial, new
        if np.abs(theta[:p]).max(initial=0) > _FAR:
            raise DataError(
                f"a column of {what} tells the answers apart without error; its odds have no limit"
            )
        if np.abs(step).max() <= 1e-10 * max(1.0, np.abs(theta).max()):
            break
    else:
        raise DataError(f"the ordered logit of {what} did not settle in {_STEPS} steps")
    # Back to the predictors as given: b / scale, and thresholds moved by middle'b.
    back = np.zeros((p + k, p + k))
    back[:p, :p] = np.diag(1 / np.where(scale > 0, scale, 1.0))
    back[p:, :p] = middle / np.where(scale > 0, scale, 1.0)
    back[p:, p:] = np.eye(k)
    influence = (score * w[:, None]) @ solved(minus, np.eye(len(minus)), what) @ back.T
    names = [f"{_shown(a)}|{_shown(b)}" for a, b in pairwise(levels)]
    return back @ theta, influence, names


def solved(a: FloatArray, b: FloatArray, what: str) -> FloatArray:
    """The solution of a x = b; refused where weights leave nothing of some column.

    Raises
    ------
    DataError
    """
    try:
        return np.asarray(np.linalg.solve(a, b), dtype=float)
    except np.linalg.LinAlgError:
        raise _weightless(what) from None


def _weightless(what: str) -> DataError:
    return DataError(f"{what} cannot be fitted: next to the largest weights, some answers weigh nothing")


def _shown(level: float) -> str:
    return f"{level:g}"


def _likelihood(
    theta: FloatArray, z: FloatArray, code: IntArray, w: FloatArray, k: int
) -> tuple[float, FloatArray, FloatArray]:
    """Weighted log likelihood, its derivatives per row, and minus its second derivatives."""
    n, p = z.shape
    eta = z @ theta[:p]
    cut = np.concatenate([[-np.inf], theta[p:], [np.inf]])
    upper, lower = cut[code + 1] - eta, cut[code] - eta
    # F(u) - F(l) = F(u) F(-l) (1 - exp(l - u)): no digits are lost far out on either side.
    log_p = special.log_expit(upper) + special.log_expit(-lower) + np.log(-np.expm1(lower - upper))
    prob = np.exp(log_p)
    fu, fl = (special.expit(v) * special.expit(-v) for v in (upper, lower))
    gu, gl = (f * (special.expit(-v) - special.expit(v)) for f, v in ((fu, upper), (fl, lower)))
    du, dl = fu / prob, fl / prob
    rows = np.arange(n)
    at_u, at_l = np.zeros((n, p + k)), np.zeros((n, p + k))
    at_u[:, :p] = at_l[:, :p] = -z
    has_u, has_l = code < k, code > 0
    at_u[rows[has_u], p + code[has_u]] = 1
    at_l[rows[has_l], p + code[has_l] - 1] = 1
    score = du[:, None] * at_u - dl[:, None] * at_l
    second_u, second_l = gu / prob * w, -gl / prob * w
    minus = (score * w[:, None]).T @ score
    minus -= (at_u * second_u[:, None]).T @ at_u + (at_l * second_l[:, None]).T @ at_l
    return float(w @ log_p), score, minus
