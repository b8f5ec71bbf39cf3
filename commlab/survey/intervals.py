"""Confidence intervals: t for means, four for proportions.

With p the share, v its variance, t the quantile of Student's t with the domain's degrees of freedom:

logit       (1) logit(p) -+ t sqrt(v) / (p (1 - p)), turned back.   R: svyciprop(method="logit", "xlogit")
wilson      (2) Wilson's score interval with n_eff = p (1 - p) / v and t.   R: svyciprop(method="wilson")
beta        (3) Clopper-Pearson with n_eff = p (1 - p) / v (t_{n-1} / t)^2. Korn & Graubard (1998); R: "beta"
likelihood  (4) {p0: 2 KL(p, p0) <= t^2 v / (p (1 - p)) n / (n - 1)}, the binomial likelihood scaled by the
                design effect (Rao & Scott 1984; R: "likelihood", which interpolates the profile: 3 to 4
                digits agree).

Stata's Wilson multiplies n_eff by the factor of (3); R 4.5 does not, and neither do we.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from commlab.errors import ParameterError
from commlab.survey.structure import FloatArray, IntArray

__all__ = ["INTERVALS", "proportion_interval", "t_interval", "t_quantile"]

INTERVALS = ("logit", "beta", "wilson", "likelihood")


def checked_confidence(confidence: float) -> float:
    """A level strictly between 0 and 1."""
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence={confidence!r} must lie between 0 and 1, such as 0.95")
    return float(confidence)


def t_quantile(df: FloatArray | IntArray, confidence: float) -> FloatArray:
    """Two-sided quantile; domains with no degree of freedom get that of one (wide, but an interval)."""
    return special.stdtrit(np.maximum(df, 1), 0.5 + checked_confidence(confidence) / 2)


def t_interval(
    estimate: FloatArray, se: FloatArray, df: FloatArray | IntArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """estimate -+ t se."""
    half = t_quantile(df, confidence) * se
    return estimate - half, estimate + half


def proportion_interval(
    p: FloatArray,
    se: FloatArray,
    df: FloatArray | IntArray,
    n: IntArray,
    *,
    method: str = "logit",
    confidence: float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Interval for shares, element by element.

    Where everyone or no one answered yes the design gives no variance; the interval is then Clopper-Pearson's
    with the number of respondents, whatever the method.

    Parameters
    ----------
    p, se : float arrays
        Share and its standard error.
    df, n : arrays
        Degrees of freedom and respondents.
    method : str
        One of ``INTERVALS``.
    """
    if method not in INTERVALS:
        raise ParameterError(f"interval={method!r} is not one of {', '.join(INTERVALS)}")
    t = t_quantile(df, confidence)
    alpha = 1 - confidence
    low, high = np.full_like(p, np.nan), np.full_like(p, np.nan)
    open_ = (p > 0) & (p < 1) & (se > 0)
    spread = np.where(open_, p * (1 - p), np.nan)
    effective = np.divide(spread, se**2, out=np.full_like(p, np.nan), where=open_)
    if method == "logit":
        half = t * np.divide(se, spread, out=np.full_like(p, np.nan), where=open_)
        middle = special.logit(np.where(open_, p, 0.5))
        low, high = special.expit(middle - half), special.expit(middle + half)  # (1)
    elif method == "wilson":
        centre = p + t**2 / (2 * effective)  # (2)
        half = t * np.sqrt(spread / effective + t**2 / (4 * effective**2))
        low, high = (centre - half) / (1 + t**2 / effective), (centre + half) / (1 + t**2 / effective)
    elif method == "beta":
        rows = effective * (t_quantile(n - 1, confidence) / t) ** 2  # (3)
        low = special.betaincinv(rows * p, rows * (1 - p) + 1, alpha / 2)
        high = special.betaincinv(rows * p + 1, rows * (1 - p), 1 - alpha / 2)
    else:
        for i in np.flatnonzero(open_):
            bound = t.flat[i] ** 2 / effective.flat[i] * n.flat[i] / max(n.flat[i] - 1, 1)
            low.flat[i], high.flat[i] = _likelihood(float(p.flat[i]), float(bound))
    edge = ((p <= 0) | (p >= 1)) & (n > 0)
    low = np.where(edge, np.where(p <= 0, 0.0, (alpha / 2) ** (1 / np.maximum(n, 1))), low)
    high = np.where(edge, np.where(p >= 1, 1.0, 1 - (alpha / 2) ** (1 / np.maximum(n, 1))), high)
    low, high = np.where(open_ | edge, low, np.nan), np.where(open_ | edge, high, np.nan)
    flat = (p > 0) & (p < 1) & (se == 0)
    return np.where(flat, p, low), np.where(flat, p, high)


def _likelihood(p: float, bound: float) -> tuple[float, float]:
    def excess(p0: float) -> float:
        return float(2 * (special.rel_entr(p, p0) + special.rel_entr(1 - p, 1 - p0)) - bound)  # (4)

    from scipy import optimize

    tiny = 1e-300
    low = optimize.brentq(excess, tiny, p, xtol=1e-15, rtol=1e-14)
    high = optimize.brentq(excess, p, 1 - 1e-16, xtol=1e-15, rtol=1e-14) if excess(1 - 1e-16) > 0 else 1.0
    return float(low), float(high)
