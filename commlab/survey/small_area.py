"""Small areas: estimates for communities with few answers, borrowing strength from a model.

The Fay-Herriot model of m areas: direct estimate y_i = x_i'beta + u_i + e_i, u_i ~ N(0, A) and
e_i ~ N(0, D_i) with D_i known.

(1) EBLUP_i = g_i y_i + (1 - g_i) x_i'beta, g_i = A / (A + D_i)
(2) A by REML, ML (Fisher scoring), or Fay and Herriot's moment equation sum (y - x'beta)^2 / (A + D) = m - p
(3) MSE_i = g1 + g2 + 2 g3 (- bias (1 - g_i)^2 for ML and the moment method)     Source: Fay & Herriot (1979);
    Datta & Lahiri (2000); Rao & Molina (2015), 6.2; R: sae::mseFH
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.survey.structure import FloatArray

__all__ = ["SmallArea", "benchmark", "fay_herriot"]

_METHODS = ("reml", "ml", "moment", "fh")


@dataclass(frozen=True)
class SmallArea:
    """A fitted small-area model.

    Attributes
    ----------
    estimates : DataFrame
        Index as given; direct, variance, eblup, mse, cv (sqrt(mse) / eblup), shrinkage (g_i, the direct
        estimate's share), source ("direct and model", or "model" where there was no direct estimate).
    beta, beta_se : Series
        Coefficient and standard error per covariate.
    sigma2 : float
        A, the variance between areas that the covariates leave.
    within : float
        S, the variance within areas (unit-level model only).
    """

    estimates: pd.DataFrame
    beta: pd.Series
    beta_se: pd.Series
    sigma2: float
    method: str
    iterations: int
    within: float = float("nan")


def fay_herriot(
    direct: pd.Series | npt.ArrayLike,
    variance: pd.Series | npt.ArrayLike,
    covariates: pd.DataFrame | npt.ArrayLike,
    *,
    method: str = "reml",
    tolerance: float = 1e-10,
    iterations: int = 1000,
) -> SmallArea:
    """Fit the area-level model and predict every area.

    Parameters
    ----------
    direct : Series or array, shape (n_areas,)
        Direct estimates; NaN where an area has none (it is predicted by the model alone).
    variance : Series or array, shape (n_areas,)
        Their sampling variances, > 0 where there is a direct estimate.
    covariates : DataFrame or array, shape (n_areas, n_covariates)
        The whole design matrix, aligned by position; no intercept is added.
    method : "reml", "ml" or "moment"
        "moment" is Fay and Herriot's own; "fh", its name in R's sae, does as well.
    tolerance : float
        Relative change of A at which iterating stops.

    Returns
    -------
    SmallArea

    Raises
    ------
    DataError
        If lengths differ, a variance is not positive, a covariate is missing, columns are collinear, or the
        iteration does not converge.
    """
    if method not in _METHODS:
        raise ParameterError(f"method={method!r} is not one of {', '.join(_METHODS)}")
    method = "fh" if method == "moment" else method
    y = np.asarray(pd.to_numeric(pd.Series(direct), errors="coerce"), dtype=float)
    d = np.asarray(pd.to_numeric(pd.Series(variance), errors="coerce"), dtype=float)
    frame = pd.DataFrame(covariates)
    x = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    if not len(y) == len(d) == len(x):
        raise DataError(
            f"{len(y)} direct estimates, {len(d)} variances and {len(x)} rows of covariates; one each"
        )
    index = direct.index if isinstance(direct, pd.Series) else pd.RangeIndex(len(y))
    known = ~np.isnan(y)
    _once(index)
    if np.isinf(y).any():
        raise DataError(
            f"direct estimates are infinite in {listing(index[np.isinf(y)])}; leave them out (NaN)"
        )
    bad = known & ~(np.isfinite(d) & (d > 0))
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} areas have no positive sampling variance ({listing(index[bad])}); leave their "
            "direct estimate out (NaN), or smooth the variances first"
        )
    if not np.isfinite(x).all():
        rows = index[~np.isfinite(x).all(axis=1)]
        raise DataError(f"{len(rows)} areas lack a covariate ({listing(rows)}); the model needs them all")
    for values, what in ((y, "a direct estimate"), (d[known], "a variance"), (x, "a covariate")):
        within_reach(values, what)
    m, p = int(known.sum()), x.shape[1]
    if m <= p:
        raise DataError(f"{m} areas with direct estimates cannot carry {p} covariates")
    if np.linalg.matrix_rank(x[known]) < p:
        raise DataError(f"the {p} covariates are collinear: {listing(frame.columns)}; drop one")
    a, used = _variance_component(y[known], d[known], x[known], method, tolerance, iterations)
    return _predict(y, d, x, known, a, used, method, index, frame.columns)


def _once(areas: pd.Index) -> None:
    """Refuse areas that are named twice."""
    if not areas.is_unique:
        raise DataError(
            f"areas are named twice: {listing(areas[areas.duplicated()].unique())}; give each one row"
        )


def _variance_component(
    y: FloatArray, d: FloatArray, x: FloatArray, method: str, tolerance: float, iterations: int
) -> tuple[float, int]:
    """A by (2), and the iterations it took; 0 where the data leave none."""
    m, p = x.shape
    a = float(np.median(d))
    for step in range(1, iterations + 1):
        v = 1 / (a + d)
        xv = x * v[:, None]
        q = np.linalg.inv(xv.T @ x)
        beta = q @ (xv.T @ y)
        r = y - x @ beta
        if method == "fh":
            score, information = (v * r**2).sum() - (m - p), (v**2 * r**2).sum()
        else:
            # P = V^-1 - V^-1 X Q X'V^-1, only its traces are needed.
            h = xv @ q
            py = v * r
            if method == "reml":
                trace_p = v.sum() - (h * xv).sum()
                cross = xv.T @ h
                trace_pp = (v**2).sum() - 2 * ((v[:, None] * h) * xv).sum() + (cross * cross.T).sum()
                score, information = 0.5 * (py @ py - trace_p), 0.5 * trace_pp
            else:
                score, information = 0.5 * (py @ py - v.sum()), 0.5 * (v**2).sum()
        new = a + score / information
        if new <= 0 and (a <= 1e-12 * np.median(d) or step > 50):
            return 0.0, step
        new = max(new, a / 10) if new <= 0 else new
        if abs(new - a) <= tolerance * a:
            return float(new), step
        a = float(new)
    raise DataError(
        f"the variance between areas did not settle in {iterations} iterations; try another method"
    )


def _predict(
    y: FloatArray,
    d: FloatArray,
    x: FloatArray,
    known: npt.NDArray[np.bool_],
    a: float,
    used: int,
    method: str,
    index: pd.Index,
    names: pd.Index,
) -> SmallArea:
    v = 1 / (a + d[known])
    xv = x[known] * v[:, None]
    q = np.linalg.inv(xv.T @ x[known])
    beta = q @ (xv.T @ y[known])
    synthetic = x @ beta
    g = np.where(known, a / (a + np.where(known, d, 1.0)), 0.0)
    eblup = np.where(known, g * np.where(known, y, 0.0) + (1 - g) * synthetic, synthetic)  # (1)
    m = len(v)
    if method == "fh":
        spread = 2 * m / v.sum() ** 2
        bias = 2 * (m * (v**2).sum() - v.sum() ** 2) / v.sum() ** 3
    else:
        spread = 2 / (v**2).sum()
        bias = -np.trace(q @ (xv.T @ xv)) / (v**2).sum() if method == "ml" else 0.0
    leverage = np.einsum("ij,jk,ik->i", x, q, x)
    g1 = np.where(known, g * np.where(known, d, 0.0), a)
    g3 = np.where(known, (1 - g) ** 2 * spread / (a + np.where(known, d, 1.0)), 0.0)
    mse = g1 + (1 - g) ** 2 * leverage + 2 * g3 - np.where(known, bias * (1 - g) ** 2, 0.0)  # (3)
    estimates = pd.DataFrame(
        {
            "direct": y,
            "variance": d,
            "eblup": eblup,
            "mse": mse,
            "cv": np.divide(np.sqrt(mse), eblup, out=np.full(len(y), np.nan), where=eblup != 0),
            "shrinkage": g,
            "source": pd.array(np.where(known, "direct and model", "model"), dtype="str"),
        },
        index=index,
    )
    se = pd.Series(np.sqrt(np.diag(q)), index=names, name="se")
    return SmallArea(estimates, pd.Series(beta, index=names, name="beta"), se, a, method, used)


def benchmark(
    estimates: pd.Series,
    sizes: pd.Series,
    total: float | pd.Series,
    *,
    groups: pd.Series | None = None,
    method: str = "difference",
) -> pd.Series:
    """Fit small-area means to the district's direct estimate, whose weighted mean they should have.

    Parameters
    ----------
    estimates, sizes : Series
        Area means and their populations, the same index.
    total : float, or Series by group
        The mean they should have together.
    groups : Series, optional
        District of each area, the same index; each district's areas meet its own total. A district without a
        total (missing) is left as it is.
    method : "difference" or "ratio"
        Add the gap (keeps the areas' differences), or multiply (keeps their ratios; estimates must be > 0).

    Returns
    -------
    Series

    Raises
    ------
    DataError
        If the areas do not agree, a size is not positive, or a ratio is asked of values that are not.
    """
    if method not in ("difference", "ratio"):
        raise ParameterError(f'method={method!r} is not "difference" or "ratio"')
    if not estimates.index.equals(sizes.index):
        raise DataError("estimates and sizes must have the same areas in the same order")
    _once(estimates.index)
    given, size = (np.asarray(s, dtype=float) for s in (estimates, sizes))
    wrong = ~(np.isfinite(given) & np.isfinite(size) & (size > 0))
    if wrong.any():
        bad = estimates.index[wrong]
        raise DataError(f"every area needs an estimate and a size > 0; wrong: {listing(bad)}")
    if groups is None:
        of = pd.Series(0, index=estimates.index)
        wanted = pd.Series({0: float(total)})  # type: ignore[arg-type]
        if not np.isfinite(wanted[0]):
            raise ParameterError(f"total={total!r} must be a number")
    else:
        if not groups.index.equals(estimates.index) or groups.isna().any():
            raise DataError("groups must name the district of every area, in the same order")
        of, wanted = groups, pd.Series(total, dtype=float)
        unknown = [g for g in pd.unique(of) if g not in wanted.index]
        if unknown:
            raise DataError(f"no total is given for {listing(unknown)}")
    now = (estimates * sizes).groupby(of).sum() / sizes.groupby(of).sum()
    aim = wanted.reindex(now.index)
    if method == "difference":
        return estimates + of.map((aim - now).fillna(0.0)).astype(float)
    if not ((now > 0) & (aim.isna() | (aim > 0))).all():
        raise DataError("a ratio needs means > 0 on both sides; use the difference")
    return estimates * of.map((aim / now).fillna(1.0)).astype(float)
