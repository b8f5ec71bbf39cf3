"""Regression and rank tests under a design.

(1) beta solves sum w x (y - mu(x'beta)) = 0;  A = sum w mu' x x'
(2) influences e_i = w_i (y_i - mu_i) A^-1 x_i; their covariance is that of beta
(3) t and F tests with df = design df + 1 - p                       Source: Binder (1983); R: svyglm
An ordered outcome is fitted by ``ordinal`` (R: svyolr); its thresholds count as one intercept in (3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.survey import intervals
from commlab.survey.columns import values_of
from commlab.survey.engine import covariance_of_sums
from commlab.survey.ordinal import ordered_fit, solved
from commlab.survey.structure import FloatArray, column

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["FAMILIES", "RankTest", "RankTests", "Regression", "rank_test", "regression"]

FAMILIES = {
    "gaussian": "gaussian",
    "linear": "gaussian",
    "logit": "logit",
    "logistic": "logit",
    "binomial": "logit",
    "quasibinomial": "logit",
    "ordinal": "ordinal",
    "ordered": "ordinal",
    "ordered logit": "ordinal",
}
"""Names of the three families, R's among them."""


@dataclass(frozen=True)
class Regression:
    """A fitted model.

    Attributes
    ----------
    table : DataFrame
        variable (term), estimate, se, ci_low, ci_high, df, t, p_value, n. An ordered logit ends with its
        thresholds ``1|2``, ``2|3``...
    covariance : DataFrame
        Of the coefficients.
    df : int
        Design degrees of freedom + 1 - number of coefficients.
    """

    table: pd.DataFrame
    covariance: pd.DataFrame
    df: int

    def wald(self, terms: Sequence[str]) -> dict[str, float]:
        """F test that several coefficients are all 0: statistic, df1, df2, p_value."""
        names = list(self.covariance.index)
        strange = [t for t in terms if t not in names]
        if strange or not len(terms):
            raise ParameterError(f"no coefficients {listing(strange)}; there are {listing(names, most=20)}")
        beta = self.table.set_index("variable").loc[list(terms), "estimate"].to_numpy(dtype=float)
        v = self.covariance.loc[list(terms), list(terms)].to_numpy()
        f = float(beta @ np.linalg.solve(v, beta)) / len(beta)
        return {
            "statistic": f,
            "df1": len(beta),
            "df2": self.df,
            "p_value": float(special.fdtrc(len(beta), self.df, f)),
        }


def regression(
    design: SurveyDesign, formula: str, *, family: str = "gaussian", confidence: float = 0.95
) -> Regression:
    """Weighted linear, logistic or ordered logistic regression with design-based errors.

    Parameters
    ----------
    design : SurveyDesign
    formula : str
        As in R: ``"score ~ age + tenure"``; names with dots in backticks. Rows with a missing value are left
        out as a domain. It is code: never build it from data.
    family : "gaussian", "logit" or "ordinal"
        Also under the names ``FAMILIES`` lists. For "logit" the left side is 0/1 or boolean, for "ordinal"
        numbers whose order counts; a positive estimate moves answers up.

    Raises
    ------
    ParameterError
        If the formula cannot be read or a column is unknown.
    DataError
        If the columns are collinear, separate the outcome perfectly, or leave no degree of freedom.
    """
    import formulaic
    from formulaic.errors import FormulaicError

    if family not in FAMILIES:
        raise ParameterError(f"family={family!r} is not one of {', '.join(FAMILIES)}")
    family = FAMILIES[family]
    design._sound()
    data = design.data.reset_index(drop=True)
    try:
        left, right = formulaic.model_matrix(formula, data)
    except (FormulaicError, SyntaxError, ValueError) as error:
        raise ParameterError(f"formula {formula!r} cannot be used: {error}") from None
    used = np.zeros(len(data), dtype=bool)
    used[right.index.to_numpy()] = True
    used &= design.weights > 0
    keep = design.weights[right.index.to_numpy()] > 0
    x = right.to_numpy(dtype=float)[keep]
    if left.shape[1] not in (1, 2):
        raise ParameterError(f"the left side of {formula!r} has {left.shape[1]} columns; it needs one")
    y = left.to_numpy(dtype=float)[keep][:, -1]
    names, w, p = list(right.columns), design.weights[used], x.shape[1]
    if not len(y):
        raise DataError(f"no weighted row has all columns of {formula!r}; there is nothing to fit")
    endless = [
        n for n, c in zip([*names, str(left.columns[-1])], [*x.T, y], strict=True) if np.isinf(c).any()
    ]
    if endless:
        raise DataError(f"{listing(endless)} of {formula!r} is infinite; make it a number or leave it blank")
    for name, values in zip([*names, str(left.columns[-1])], [*x.T, y], strict=True):
        within_reach(values, f'"{name}" of {formula!r}')
    if np.linalg.matrix_rank(x * np.sqrt(w)[:, None]) < p:
        raise DataError(f"the {p} columns of {formula!r} are collinear ({listing(names, most=12)}); drop one")
    if family == "logit" and not np.isin(y, (0, 1)).all():
        raise DataError(f"the left side of {formula!r} must be 0/1 for a logistic regression")
    if family == "ordinal":
        ones = [i for i, name in enumerate(names) if name == "Intercept"]
        x, names = np.delete(x, ones, axis=1), [n for n in names if n != "Intercept"]
        beta, influence, thresholds = ordered_fit(x, y, w, repr(formula))
        names, p = [*names, *thresholds], x.shape[1] + 1
    else:
        beta, bread, residual = _fit(x, y, w, family, formula)
        influence = (x * (w * residual)[:, None]) @ bread  # (2)
    v = covariance_of_sums(design, used, influence)
    df = design.subset(used).df + 1 - p  # (3)
    if df < 1:
        raise DataError(f"{p} coefficients leave no degree of freedom (the design has {df - 1 + p})")
    se = np.sqrt(np.diag(v))
    low, high = intervals.t_interval(beta, se, np.full(len(beta), df), confidence)
    t = np.divide(beta, se, out=np.full(len(beta), np.nan), where=se > 0)
    table = pd.DataFrame(
        {
            "variable": pd.Series(names, dtype="str"),
            "estimate": beta,
            "se": se,
            "ci_low": low,
            "ci_high": high,
            "df": df,
            "t": t,
            "p_value": 2 * special.stdtr(df, -np.abs(t)),
            "n": len(y),
        }
    )
    return Regression(table, pd.DataFrame(v, index=names, columns=names), df)


def _fit(
    x: FloatArray, y: FloatArray, w: FloatArray, family: str, formula: str
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coefficients, A^-1 and y - mu (1)."""
    # Columns of unit length: sums of squares of incomes and of shares differ by many orders.
    unit = np.sqrt((w[:, None] * x**2).sum(axis=0))
    xs = x / unit
    if family == "gaussian":
        root = np.sqrt(w)[:, None]
        beta = np.linalg.lstsq(xs * root, y * root[:, 0], rcond=None)[0]
        bread = solved(xs.T @ (w[:, None] * xs), np.eye(len(beta)), repr(formula))
        return beta / unit, bread / np.outer(unit, unit), y - xs @ beta
    beta = np.zeros(x.shape[1])
    for _ in range(100):
        mu = special.expit(xs @ beta)
        slope = xs.T @ ((w * mu * (1 - mu))[:, None] * xs)
        step = solved(slope, xs.T @ (w * (y - mu)), repr(formula))
        beta = beta + step
        if np.abs(step).max() <= 1e-13 * max(1.0, np.abs(beta).max()):
            break
        if np.abs(xs @ beta).max() > 200:
            break
    mu = special.expit(xs @ beta)
    if (mu * (1 - mu) < 1e-10).mean() > 0.05:
        raise DataError(
            f"a column of {formula!r} tells yes from no without error; the coefficients have no limit"
        )
    bread = solved(xs.T @ ((w * mu * (1 - mu))[:, None] * xs), np.eye(len(beta)), repr(formula))
    return beta / unit, bread / np.outer(unit, unit), y - mu


@dataclass(frozen=True)
class RankTest:
    """Difference of mean ranks (as shares of the population) of two groups, and its t test."""

    estimate: float
    se: float
    t: float
    df: int
    p_value: float


@dataclass(frozen=True)
class RankTests:
    """Mean ranks (as shares of the population) of more than two groups, and the F test that they are equal."""

    ranks: pd.Series
    statistic: float
    df1: int
    df2: int
    p_value: float


def rank_test(design: SurveyDesign, variable: str, *, groups: str) -> RankTest | RankTests:
    """Design-based Wilcoxon test of two groups, Kruskal-Wallis test of more.

    The population rank of a value is estimated as the weight below it plus half its own, over all weights;
    the groups' mean ranks are compared (of two: the second, in sorted order, minus the first).

    Raises
    ------
    DataError
        If there are fewer than two groups with answers, or too few units to compare so many.

    Notes
    -----
    (1) W = b' V^-1 b, b the differences of mean ranks from the first group's, V their design covariance
    (2) W / (groups - 1) ~ F(groups - 1, design df - groups + 1); of two groups this is t^2 with design df - 1
    Source: Lumley & Scott (2013), Biometrika 100; R: svyranktest, whose "Chisq" is W.
    """
    design._sound()
    codes, names = pd.factorize(column(design.data, groups, "groups"), sort=True)
    y = values_of(design, variable)
    used = (codes >= 0) & ~np.isnan(y) & (design.weights > 0)
    present, group = np.unique(codes[used], return_inverse=True)
    if len(present) < 2:
        raise DataError(f'"{groups}" has {len(present)} groups with answers; a rank test needs two or more')
    w, v = design.weights[used], y[used]
    order = np.argsort(v, kind="stable")
    middle = np.cumsum(w[order]) - w[order] / 2
    _, tie = np.unique(v[order], return_inverse=True)
    rank = np.empty(len(v))
    rank[order] = (np.bincount(tie, middle) / np.bincount(tie))[tie] / w.sum()
    x = np.eye(len(present))[group]
    x[:, 0] = 1.0
    bread = solved(x.T @ (w[:, None] * x), np.eye(x.shape[1]), f'the ranks of "{variable}"')
    beta = bread @ (x.T @ (w * rank))
    cov = covariance_of_sums(design, used, (x * (w * (rank - x @ beta))[:, None]) @ bread)[1:, 1:]
    df1 = len(present) - 1
    df = design.subset(used).df - df1
    if df1 == 1 and df >= 1:
        se = float(np.sqrt(cov[0, 0]))
        t = float(beta[1]) / se if se > 0 else np.nan
        return RankTest(float(beta[1]), se, t, df, float(2 * special.stdtr(df, -abs(t))))
    if df < 1 or np.linalg.matrix_rank(cov) < df1:
        raise DataError(
            f'"{groups}" has {len(present)} groups in {df + df1} more units than strata; '
            "that is too few units to compare so many: join groups"
        )
    f = float(beta[1:] @ np.linalg.solve(cov, beta[1:])) / df1  # (1), (2)
    ranks = pd.Series(
        beta + np.where(np.arange(len(beta)) > 0, beta[0], 0.0), index=names[present], name="rank"
    )
    return RankTests(ranks, f, df1, df, float(special.fdtrc(df1, df, f)))
