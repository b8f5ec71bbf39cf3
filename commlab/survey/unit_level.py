"""Small areas from the answers themselves: the nested error model of Battese, Harter and Fuller (1988).

y_ij = x_ij'b + u_i + e_ij, u_i ~ N(0, A) between areas, e_ij ~ N(0, S) within, i = 1..m, j = 1..n_i

(1) A and S by restricted maximum likelihood (statsmodels ``MixedLM``), b by generalised least squares
(2) EBLUP_i = X_i'b + g_i (ybar_i - xbar_i'b), g_i = A / (A + S / n_i), X_i the area's population means; where
    the population's size N_i is given, the sampled share f_i = n_i / N_i counts as it was seen:
    f_i ybar_i + (1 - f_i) (Xr_i'b + g_i (ybar_i - xbar_i'b)), Xr_i the means of the others
(3) MSE_i = g1 + g2 + 2 g3: g1 = (1 - g_i) A, g2 = d'(sum X'V^-1 X)^-1 d with d = X_i - g_i xbar_i,
    g3 = n_i^-2 (A + S / n_i)^-3 (S^2 Var(A) + A^2 Var(S) - 2 A S Cov(A, S)), variances from the information
                                                Source: Prasad & Rao (1990); Rao & Molina (2015), ch. 7; R: sae

The model takes the sample within an area as good as random, given the covariates: put what the weights depend
on among the covariates. ``fay_herriot`` starts from weighted estimates instead.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey.small_area import SmallArea
from commlab.survey.structure import FloatArray, column

__all__ = ["unit_level"]

_EXACT = 1e-12
"""Residuals this small beside the outcome are rounding."""
_NONE = 1e-7
"""Share of the variance between areas below which there is none."""


def unit_level(
    data: pd.DataFrame,
    outcome: str,
    covariates: Sequence[str] = (),
    *,
    area: str,
    means: pd.DataFrame,
    sizes: pd.Series | None = None,
) -> SmallArea:
    """Fit the unit-level model and predict the mean of every area in ``means``.

    Parameters
    ----------
    data : DataFrame
        A row per respondent; rows with a missing value are left out.
    outcome : str
        Numeric column.
    covariates : sequence of str
        Numeric columns; an intercept is added.
    area : str
        Column of the areas.
    means : DataFrame
        Index: areas, also those without answers. Columns: the covariates' population means (none, where the
        model has no covariates).
    sizes : Series, optional
        Population of each area (N_i); without it the sampled share is taken as small.

    Returns
    -------
    SmallArea
        ``estimates`` by area: direct (the plain mean of the answers), variance (S / n_i), eblup, mse, cv,
        shrinkage (g_i), source, n. ``sigma2`` is A, ``within`` is S.

    Raises
    ------
    DataError
        If an area of the answers or a mean is missing, columns are collinear, or the model cannot be fitted.
    """
    names = list(covariates)
    if outcome in names or area in names:
        raise ParameterError(f'"{outcome}" or "{area}" stands among the covariates too')
    y, groups, x = _answers(data, outcome, names, area)
    lacking = [c for c in names if c not in means]
    if lacking:
        raise DataError(
            f"means lack the covariates {listing(lacking)}; every area needs their population mean"
        )
    if not means.index.is_unique:
        raise DataError(f"means name areas twice: {listing(means.index[means.index.duplicated()])}")
    target = np.column_stack([np.ones(len(means)), means[names].to_numpy(dtype=float)])
    bad = ~np.isfinite(target).all(axis=1)
    if bad.any():
        raise DataError(f"{int(bad.sum())} areas lack a covariate's mean ({listing(means.index[bad])})")
    at = means.index.get_indexer(groups)
    if (at < 0).any():
        raise DataError(f"means lack areas with answers: {listing(pd.unique(groups[at < 0]))}")
    m = len(means)
    if len(np.unique(at)) < 2 or len(y) <= len(np.unique(at)) + x.shape[1]:
        raise DataError(
            f"{len(y)} answers in {len(np.unique(at))} areas cannot carry a model of {x.shape[1]} coefficients "
            "and two variances"
        )
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise DataError(f"the covariates are collinear: {listing(names)}; drop one")
    between, within = _variances(y, x, at)
    n = np.bincount(at, minlength=m).astype(float)
    share = np.divide(between, between + within / np.maximum(n, 1), out=np.zeros(m), where=n > 0)  # g_i
    sums = np.stack([np.bincount(at, col, m) for col in x.T], axis=1)
    xbar = np.divide(sums, n[:, None], out=np.zeros_like(sums), where=n[:, None] > 0)
    ybar = np.divide(np.bincount(at, y, m), n, out=np.full(m, np.nan), where=n > 0)
    # V^-1 of an area: (I - g_i J / n_i) / S.
    q = np.linalg.inv((x.T @ x - (xbar * (share * n)[:, None]).T @ xbar) / within)
    b = q @ ((x.T @ y - xbar.T @ (share * n * np.nan_to_num(ybar))) / within)
    residual = np.where(n > 0, np.nan_to_num(ybar) - xbar @ b, 0.0)
    rest, seen = target, np.zeros(m)
    if sizes is not None:
        population = sizes.reindex(means.index).to_numpy(dtype=float)
        short = ~(population >= n) | (population <= 0)
        if short.any():
            raise DataError(
                f"sizes must be at least the answers of an area; wrong: {listing(means.index[short])}"
            )
        seen = n / population
        left = np.maximum(population - n, 1.0)[:, None]
        rest = np.where(seen[:, None] < 1, (population[:, None] * target - sums) / left, target)
    model = rest @ b + share * residual
    eblup = seen * np.nan_to_num(ybar) + (1 - seen) * model  # (2)
    mse = (1 - seen) ** 2 * _mse(rest - share[:, None] * xbar, q, n, between, within)
    if sizes is not None:
        mse += (1 - seen) * within / population  # the others' own spread around their mean
    table = pd.DataFrame(
        {
            "direct": ybar,
            "variance": np.divide(within, n, out=np.full(m, np.nan), where=n > 0),
            "eblup": eblup,
            "mse": mse,
            "cv": np.divide(np.sqrt(mse), eblup, out=np.full(m, np.nan), where=eblup != 0),
            "shrinkage": share,
            "source": pd.array(np.where(n > 0, "direct and model", "model"), dtype="str"),
            "n": n.astype(np.int64),
        },
        index=means.index,
    )
    labels = ["Intercept", *names]
    se = pd.Series(np.sqrt(np.diag(q)), index=labels, name="se")
    return SmallArea(table, pd.Series(b, index=labels, name="beta"), se, between, "reml", 0, within)


def _answers(
    data: pd.DataFrame, outcome: str, names: list[str], area: str
) -> tuple[FloatArray, npt.NDArray, FloatArray]:
    columns = []
    for name in (outcome, *names):
        values = pd.to_numeric(column(data, name, "variable"), errors="coerce").to_numpy(
            dtype=float, na_value=np.nan
        )
        if np.isinf(values).any():
            raise DataError(f'"{name}" is infinite in {int(np.isinf(values).sum())} rows')
        columns.append(values)
    owner = column(data, area, "area")
    used = np.isfinite(np.stack(columns)).all(axis=0) & owner.notna().to_numpy()
    if not used.any():
        raise DataError(f'no row has "{outcome}", "{area}" and all covariates')
    y = columns[0][used]
    return y, owner[used].to_numpy(), np.column_stack([np.ones(len(y)), *(c[used] for c in columns[1:])])


def _variances(y: FloatArray, x: FloatArray, at: npt.NDArray) -> tuple[float, float]:
    """A and S (1); A is 0 where the areas differ no more than chance."""
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    spread = float(np.std(y - x @ np.linalg.lstsq(x, y, rcond=None)[0]))
    if spread <= _EXACT * np.abs(y).max():
        raise DataError("the covariates explain every answer exactly; there is no variance to model")
    # Columns of unit spread and an outcome of spread 1: the search ends alike whatever the units are.
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the border A = 0 is told by A itself
        warnings.filterwarnings(
            "ignore", "Keyword arguments have been passed", FutureWarning
        )  # L-BFGS, the second try
        fit = MixedLM(y / spread, x / scale, groups=at).fit(reml=True, gtol=1e-9)
    if not fit.converged:
        raise DataError("the unit-level model did not settle; try fewer covariates, or fay_herriot")
    between, within = float(np.asarray(fit.cov_re)[0, 0]), float(fit.scale)
    return (between if between > _NONE * within else 0.0) * spread**2, within * spread**2


def _mse(d: FloatArray, q: FloatArray, n: FloatArray, a: float, s: float) -> FloatArray:
    """(3); an area without answers is predicted by the model alone."""
    known = n[n > 0]
    total = s + known * a  # eigenvalue of V along the area's mean
    # Information of (A, S): half the traces of V^-1 dV V^-1 dV.
    aa = 0.5 * (known**2 / total**2).sum()
    ss = 0.5 * ((known - 1) / s**2 + 1 / total**2).sum()
    cross = 0.5 * (known / total**2).sum()
    var = np.linalg.inv(np.array([[aa, cross], [cross, ss]]))
    size = np.maximum(n, 1)
    share = np.where(n > 0, a / (a + s / size), 0.0)
    g3 = (s**2 * var[0, 0] + a**2 * var[1, 1] - 2 * a * s * var[0, 1]) / (size**2 * (a + s / size) ** 3)
    return (1 - share) * a + np.einsum("ij,jk,ik->i", d, q, d) + np.where(n > 0, 2 * g3, 0.0)
