"""Do the items of a scale measure one thing? Alpha, omega, item-rest, KMO, Bartlett, parallel analysis.

All take a frame of items (rows are respondents), use the rows that have every item, and say how many. Items
must point the same way: turn negative ones round first.

alpha     (1) k / (k - 1) (1 - sum var_i / var_total); interval by Feldt (1965): 1 - (1 - alpha) F
omega     (2) (sum l)^2 / ((sum l)^2 + sum theta), one-factor maximum likelihood solution (McDonald 1999)
KMO       (3) sum r_ij^2 / (sum r_ij^2 + sum a_ij^2), a = partial correlations (Kaiser 1974)
Bartlett  (4) -(n - 1 - (2 p + 5) / 6) ln |R| ~ chi2 with p (p - 1) / 2 df (Bartlett 1950)
parallel  (5) keep components whose eigenvalue exceeds that of random data of the same shape (Horn 1965)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.survey.intervals import checked_confidence
from commlab.survey.structure import FloatArray

__all__ = [
    "KMO",
    "Alpha",
    "Bartlett",
    "Omega",
    "bartlett_sphericity",
    "cronbach_alpha",
    "kmo",
    "mcdonald_omega",
    "parallel_analysis",
    "split_half",
]


def _complete(items: pd.DataFrame, least: int = 2) -> pd.DataFrame:
    """Rows with all items, as numbers; faults named."""
    if not isinstance(items, pd.DataFrame):
        raise ParameterError(f"items must be a DataFrame, got {type(items).__name__}")
    if items.shape[1] < least:
        raise ParameterError(f"{items.shape[1]} items; at least {least} are needed")
    text = [c for c in items if not pd.api.types.is_numeric_dtype(items[c])]
    if text:
        raise DataError(f"items must be numbers; {listing(text)} are not")
    x = items.astype("float64").dropna()
    if np.isinf(x.to_numpy()).any():
        raise DataError("items hold infinite values")
    for name in x:
        within_reach(x[name].to_numpy(), f'item "{name}"')
    if len(x) <= items.shape[1]:
        raise DataError(f"{len(x)} rows have all {items.shape[1]} items; more rows than items are needed")
    flat = [str(c) for c in x if x[c].nunique() < 2]
    if flat:
        raise DataError(f"everyone gave the same answer to {listing(flat)}; leave it out")
    return x


def complete_correlation(items: pd.DataFrame) -> tuple[FloatArray, pd.DataFrame]:
    """Correlations of the rows that have every item, and these rows; items that repeat others are refused."""
    x = _complete(items)
    r = np.corrcoef(x.to_numpy(), rowvar=False)
    if np.linalg.matrix_rank(r) < len(r):
        raise DataError("some items are exact combinations of others; leave one of them out")
    return r, x


@dataclass(frozen=True)
class Alpha:
    """Cronbach's alpha. ``items``: alpha_if_deleted and item_rest correlation per item."""

    alpha: float
    ci_low: float
    ci_high: float
    standardised: float
    n: int
    k: int
    items: pd.DataFrame

    def __float__(self) -> float:
        return self.alpha


def _alpha(cov: FloatArray) -> float:
    k = len(cov)
    return float(k / (k - 1) * (1 - np.trace(cov) / cov.sum()))  # (1)


def cronbach_alpha(items: pd.DataFrame, *, confidence: float = 0.95) -> Alpha:
    """Cronbach's alpha with Feldt's interval and item statistics.

    Parameters
    ----------
    items : DataFrame, shape (n_respondents, n_items)
        At least two numeric columns.

    Notes
    -----
    Source: Cronbach (1951); R: psych::alpha on complete rows.

    >>> frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 1, 4, 3], "c": [1, 3, 2, 4]})
    >>> round(cronbach_alpha(frame).alpha, 4)
    0.7241
    """
    x = _complete(items)
    n, k = x.shape
    cov = np.cov(x.to_numpy(), rowvar=False)
    alpha = _alpha(cov)
    r = np.corrcoef(x.to_numpy(), rowvar=False)
    mean_r = (r.sum() - k) / (k * (k - 1))
    tail = (1 - checked_confidence(confidence)) / 2
    df1, df2 = n - 1, (n - 1) * (k - 1)
    low, high = (1 - (1 - alpha) * special.fdtri(df1, df2, q) for q in (1 - tail, tail))
    rows = []
    for i, name in enumerate(x):
        others = np.delete(np.arange(k), i)
        rest = x.iloc[:, others].sum(axis=1)
        deleted = _alpha(cov[np.ix_(others, others)]) if k > 2 else np.nan
        rows.append((str(name), deleted, x[name].corr(rest), x[name].mean(), x[name].std()))
    table = pd.DataFrame(rows, columns=["item", "alpha_if_deleted", "item_rest", "mean", "sd"])
    return Alpha(alpha, float(low), float(high), float(k * mean_r / (1 + (k - 1) * mean_r)), n, k, table)


def split_half(items: pd.DataFrame) -> float:
    """Spearman-Brown reliability of odd against even items."""
    x = _complete(items).to_numpy()
    r = float(np.corrcoef(x[:, ::2].sum(axis=1), x[:, 1::2].sum(axis=1))[0, 1])
    return 2 * r / (1 + r)


@dataclass(frozen=True)
class Omega:
    """McDonald's omega of a one-factor model. ``loadings``: unstandardised loading and residual variance."""

    omega: float
    n: int
    loadings: pd.DataFrame
    chi2: float
    df: int
    p_value: float

    def __float__(self) -> float:
        return self.omega


def mcdonald_omega(items: pd.DataFrame) -> Omega:
    """Omega total of the one-factor maximum likelihood solution, with the model's test of fit.

    Parameters
    ----------
    items : DataFrame, shape (n_respondents, n_items)
        At least three numeric columns.

    Raises
    ------
    DataError
        If no proper one-factor solution exists (a residual variance of 0).

    Notes
    -----
    Source: McDonald (1999); R: lavaan::cfa(std.lv=TRUE). With three items the model is saturated (df 0).
    """
    _complete(items, least=3)
    r, x = complete_correlation(items)
    n, p = x.shape
    uniqueness = _one_factor(r)
    if uniqueness.min() < 1e-4:
        worst = str(x.columns[int(uniqueness.argmin())])
        raise DataError(
            f'the one-factor model leaves "{worst}" no error of its own (Heywood case); use alpha'
        )
    loading = _loadings(r, uniqueness)
    # lavaan divides by n, not n - 1.
    sd = x.std(ddof=0).to_numpy()
    lam, theta = loading * sd, uniqueness * sd**2
    omega = lam.sum() ** 2 / (lam.sum() ** 2 + theta.sum())  # (2)
    df = p * (p - 3) // 2
    chi2 = n * _discrepancy(uniqueness, r)
    table = pd.DataFrame({"item": x.columns.astype("str"), "loading": lam, "residual": theta})
    p_value = float(special.chdtrc(df, chi2)) if df > 0 else np.nan
    return Omega(float(omega), n, table, float(chi2), df, p_value)


def _scaled_eigen(r: FloatArray, uniqueness: FloatArray) -> tuple[FloatArray, FloatArray]:
    root = 1 / np.sqrt(uniqueness)
    values, vectors = np.linalg.eigh(root[:, None] * r * root)
    return values, vectors


def _discrepancy(uniqueness: FloatArray, r: FloatArray) -> float:
    """Joreskog's (1967) concentrated likelihood of one factor."""
    values, _ = _scaled_eigen(r, uniqueness)
    rest = values[:-1]
    return float((rest - np.log(rest) - 1).sum())


def _loadings(r: FloatArray, uniqueness: FloatArray) -> FloatArray:
    values, vectors = _scaled_eigen(r, uniqueness)
    loading = np.sqrt(max(values[-1] - 1, 0)) * vectors[:, -1] * np.sqrt(uniqueness)
    return loading if loading.sum() >= 0 else -loading


def _one_factor(r: FloatArray) -> FloatArray:
    """Uniquenesses of the maximum likelihood solution, on the log scale."""

    def gradient(log_u: FloatArray) -> FloatArray:
        u = np.exp(log_u)
        loading = _loadings(r, u)
        return (np.outer(loading, loading) + np.diag(u) - r).diagonal() / u

    from scipy import optimize

    start = np.log(np.clip(0.5 / np.diag(np.linalg.inv(r)), 0.005, 1))
    found = optimize.minimize(
        lambda log_u: _discrepancy(np.exp(log_u), r),
        start,
        jac=gradient,
        method="L-BFGS-B",
        bounds=[(np.log(1e-6), 0.0)] * len(r),
        options={"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-10},
    )
    return np.exp(found.x)


@dataclass(frozen=True)
class KMO:
    """Sampling adequacy: overall, and per item (MSA)."""

    overall: float
    items: pd.Series
    n: int

    def __float__(self) -> float:
        return self.overall


def kmo(items: pd.DataFrame) -> KMO:
    """Kaiser-Meyer-Olkin measure of sampling adequacy (3); R: psych::KMO."""
    r, x = complete_correlation(items)
    inverse = np.linalg.inv(r)
    scale = np.sqrt(np.diag(inverse))
    partial = inverse / np.outer(scale, scale)
    np.fill_diagonal(partial, 0)
    off = r - np.eye(len(r))
    r2, a2 = (off**2).sum(axis=0), (partial**2).sum(axis=0)
    msa = pd.Series(r2 / (r2 + a2), index=x.columns.astype("str"), name="msa")
    return KMO(float(r2.sum() / (r2.sum() + a2.sum())), msa, len(x))


@dataclass(frozen=True)
class Bartlett:
    """Test that the correlation matrix is the identity."""

    chi2: float
    df: int
    p_value: float
    n: int


def bartlett_sphericity(items: pd.DataFrame) -> Bartlett:
    """Bartlett's test of sphericity (4); R: psych::cortest.bartlett."""
    r, x = complete_correlation(items)
    n, p = x.shape
    chi2 = -(n - 1 - (2 * p + 5) / 6) * np.linalg.slogdet(r)[1]
    df = p * (p - 1) // 2
    return Bartlett(float(chi2), df, float(special.chdtrc(df, chi2)), n)


def parallel_analysis(
    items: pd.DataFrame, *, draws: int = 200, percentile: float = 95, seed: int = 2019
) -> pd.DataFrame:
    """Eigenvalues of the correlation matrix beside those of random normal data of the same shape (5).

    Returns
    -------
    DataFrame
        component, eigenvalue, random_mean, random_percentile, keep (all components before the first whose
        eigenvalue does not exceed the random percentile).
    """
    if draws < 20 or not 0 < percentile < 100:
        raise ParameterError(
            f"draws={draws} must be 20 or more and percentile={percentile} between 0 and 100"
        )
    r, x = complete_correlation(items)
    n, p = x.shape
    rng = np.random.default_rng(seed)
    random = np.array(
        [
            np.linalg.eigvalsh(np.corrcoef(rng.standard_normal((n, p)), rowvar=False))[::-1]
            for _ in range(draws)
        ]
    )
    values = np.linalg.eigvalsh(r)[::-1]
    bound = np.percentile(random, percentile, axis=0)
    keep = np.cumprod(values > bound).astype(bool)
    return pd.DataFrame(
        {
            "component": np.arange(1, p + 1),
            "eigenvalue": values,
            "random_mean": random.mean(axis=0),
            "random_percentile": bound,
            "keep": keep,
        }
    )
