"""What a battery of items measures: factors by maximum likelihood, turned until they can be read.

(1) R = L L' + diag(u), L and u by maximum likelihood (Joreskog 1967), through statsmodels
(2) varimax: orthogonal, rows of L brought to length 1 first (Kaiser 1958); R: ``varimax``
(3) promax: the oblique regression of (2) on its own fourth powers (Hendrickson & White 1964); R: ``promax``
(4) oblimin: oblique, gamma = 0 (Jennrich 2002), no row brought to length 1; R: ``GPArotation::oblimin``
(5) fit: chi2 = (n - 1 - (2 p + 5) / 6 - 2 m / 3) f(L, u), df = ((p - m)^2 - p - m) / 2; R: ``factanal``
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from commlab.errors import DataError, ParameterError
from commlab.survey.reliability import complete_correlation
from commlab.survey.structure import FloatArray

__all__ = ["ROTATIONS", "Factors", "factor_analysis"]

ROTATIONS = ("varimax", "promax", "oblimin", "none")
POWER = 4
"""Of promax's target; Hendrickson and White's choice, and R's default."""
_PROPER = 5e-3
"""Smallest share of its own that an item may keep; R's ``factanal`` stops there too."""
_TURNS, _STILL = 2_000, 1e-7
_STEPS, _AT_REST = 100, 1e-12
_FLAT = 1e-4
"""Slope of the likelihood at which a search that stopped short has arrived all the same."""


@dataclass(frozen=True)
class Factors:
    """Loadings of items on factors.

    Attributes
    ----------
    loadings : DataFrame, shape (n_items, n_factors)
        The pattern, columns ``F1``, ``F2``... by their sum of squares; a factor points where its items do.
    correlation : DataFrame
        Of the factors: the identity unless the rotation is oblique.
    uniqueness : Series
        Share of each item's variance that is its own.
    explained : Series
        Sum of squares per factor over the number of items (oblique: with the factors' correlations).
    chi2, df, p_value
        Test that so many factors are enough; p is NaN where no degree of freedom is left.
    """

    loadings: pd.DataFrame
    correlation: pd.DataFrame
    uniqueness: pd.Series
    explained: pd.Series
    rotation: str
    n: int
    chi2: float
    df: int
    p_value: float


def factor_analysis(items: pd.DataFrame, n_factors: int, *, rotation: str = "varimax") -> Factors:
    """Explore which items go together.

    Parameters
    ----------
    items : DataFrame, shape (n_respondents, n_items)
        Numeric; rows with every item count.
    n_factors : int
        How many; ``parallel_analysis`` says how many rise above chance.
    rotation : "varimax", "promax", "oblimin" or "none"

    Returns
    -------
    Factors

    Raises
    ------
    DataError
        If an item keeps no variance of its own (Heywood case), or iterating does not end.
    ParameterError
        If the rotation is unknown, or the items cannot carry so many factors.
    """
    if rotation not in ROTATIONS:
        raise ParameterError(f"rotation={rotation!r} is not one of {', '.join(ROTATIONS)}")
    r, x = complete_correlation(items)
    n, p = x.shape
    if isinstance(n_factors, bool) or not isinstance(n_factors, (int, np.integer)) or n_factors < 1:
        raise ParameterError(f"n_factors={n_factors!r} must be a whole number of at least 1")
    m = int(n_factors)
    df = ((p - m) ** 2 - p - m) // 2
    if df < 0:
        raise ParameterError(
            f"{p} items cannot carry {m} factors ({df} degrees of freedom); take fewer factors"
        )
    raw, uniqueness = _likelihood(r, n, m, [str(c) for c in x.columns])
    pattern, phi = _turned(raw, rotation if m > 1 else "none")
    strength = np.einsum("ij,jk,ik->j", pattern, phi, pattern)
    order = np.argsort(-strength, kind="stable")
    sign = np.where(pattern[:, order].sum(axis=0) < 0, -1.0, 1.0)
    names = [f"F{j + 1}" for j in range(m)]
    index = pd.Index(x.columns.astype("str"), name="item")
    scaled = np.linalg.eigvalsh(r / np.sqrt(np.outer(uniqueness, uniqueness)))[: p - m]
    chi2 = (n - 1 - (2 * p + 5) / 6 - 2 * m / 3) * float((scaled - np.log(scaled) - 1).sum())  # (5)
    return Factors(
        pd.DataFrame(pattern[:, order] * sign, index=index, columns=names),
        pd.DataFrame(phi[np.ix_(order, order)] * np.outer(sign, sign), index=names, columns=names),
        pd.Series(uniqueness, index=index, name="uniqueness"),
        pd.Series(strength[order] / p, index=names, name="explained"),
        rotation,
        n,
        chi2,
        df,
        float(special.chdtrc(df, max(chi2, 0.0))) if df else float("nan"),
    )


def _likelihood(r: FloatArray, n: int, m: int, names: list[str]) -> tuple[FloatArray, FloatArray]:
    """Unrotated loadings and uniquenesses (1)."""
    from statsmodels.multivariate.factor import Factor
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, EstimationWarning

    # Joereskog's start: left to itself, statsmodels draws one from the system's entropy.
    first = (1 - m / (2 * len(r))) / np.diag(np.linalg.inv(r))
    start = (_canonical(r, first, m), first)
    with warnings.catch_warnings():
        for told in (ConvergenceWarning, EstimationWarning):  # told below, by name
            warnings.simplefilter("ignore", told)
        fit = Factor(None, n_factor=m, corr=r, nobs=n, method="ml").fit(
            start=start, maxiter=1000, opt={"gtol": 1e-8}
        )
    uniqueness = np.asarray(fit.uniqueness, dtype=float)
    worst = int(np.nan_to_num(uniqueness).argmin())
    if not uniqueness[worst] >= _PROPER:
        raise DataError(
            f'{m} factors leave "{names[worst]}" no variance of its own (Heywood case); take fewer factors, '
            "or leave the item out"
        )
    if not fit.mle_retvals.success and np.abs(fit.mle_retvals.jac).max() > _FLAT:
        raise DataError(f"the maximum likelihood solution of {m} factors was not found; take fewer factors")
    uniqueness = _settled(r, uniqueness, m)
    return _canonical(r, uniqueness, m), uniqueness  # statsmodels may return it turned


def _canonical(r: FloatArray, uniqueness: FloatArray, m: int) -> FloatArray:
    """The loadings that fit best with given uniquenesses."""
    root = np.sqrt(uniqueness)
    values, vectors = np.linalg.eigh(r / np.outer(root, root))
    top = np.argsort(values)[::-1][:m]
    return root[:, None] * vectors[:, top] * np.sqrt(np.maximum(values[top] - 1, 0))


def _settled(r: FloatArray, uniqueness: FloatArray, m: int) -> FloatArray:
    """Uniquenesses at the optimum itself: the optimiser stops near it, in every run of a program somewhere else.

    Newton's steps in their logarithms with the second derivatives of Joereskog (1967, Psychometrika 32, 443-482); where
    they do not come to rest, the optimiser's answer stays.
    """
    x = np.log(uniqueness)
    for _ in range(_STEPS):
        root = np.exp(x / 2)
        values, vectors = np.linalg.eigh(r / np.outer(root, root))
        low, w = values[: len(x) - m], vectors[:, : len(x) - m]
        step = np.linalg.lstsq((w @ w.T) ** 2, w**2 @ (1 - low), rcond=None)[0]
        x = x - step
        if np.abs(step).max() < _AT_REST:
            return np.exp(x)
    return uniqueness


def _turned(raw: FloatArray, rotation: str) -> tuple[FloatArray, FloatArray]:
    """Pattern and correlation of the factors after rotation."""
    m = raw.shape[1]
    if rotation == "none":
        return raw, np.eye(m)
    from statsmodels.multivariate.factor_rotation import rotate_factors

    options = {"max_tries": _TURNS, "tol": _STILL}
    if rotation == "oblimin":
        pattern, turn = rotate_factors(raw, "oblimin", 0, "oblique", **options)  # (4)
        return pattern, turn.T @ turn
    length = np.sqrt((raw**2).sum(axis=1, keepdims=True))
    _, turn = rotate_factors(raw / length, "varimax", **options)
    pattern = raw @ turn  # (2)
    if rotation == "varimax":
        return pattern, np.eye(m)
    target = pattern * np.abs(pattern) ** (POWER - 1)
    u = np.linalg.lstsq(pattern, target, rcond=None)[0]
    u = u * np.sqrt(np.diag(np.linalg.inv(u.T @ u)))  # (3)
    inverse = np.linalg.inv(u)
    return pattern @ u, inverse @ inverse.T
