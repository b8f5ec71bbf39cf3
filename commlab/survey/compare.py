"""Differences with their tests: between groups, and between two questions.

difference (1) D = a - b, Var D from the influences of a minus those of b; t with the df of both domains
           together. (R's ``svyttest`` is the same statistic with one df less.)
independence  with X^2 Pearson's statistic of the weighted shares, Delta the generalised design effects, nu the
           design's degrees of freedom and m = (rows - 1)(columns - 1); the names are those of R's ``svychisq``
  F        (2) X^2 / tr(Delta) ~ F(d, d nu), d = tr(Delta)^2 / tr(Delta^2): Rao & Scott (1984), second order
  Chisq    (3) X^2 m / tr(Delta) ~ chi2(m): first order, the mean design effect (``statistic`` is X^2, as R's)
  Wald     (4) W = Y' V^-1 Y / m ~ F(m, nu), Y the differences from independence but for the first row and
               column, V their design covariance: Koch, Freeman & Freeman (1975)
  adjWald  (5) W (nu - m + 1) / nu ~ F(m, nu - m + 1), for few units: Thomas & Rao (1987)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals, variance
from commlab.survey.columns import values_of
from commlab.survey.engine import covariance_of_sums, influences, spread
from commlab.survey.estimate import mean
from commlab.survey.plan import Plan
from commlab.survey.structure import FloatArray, IntArray, Structure, column

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["TESTS", "Independence", "compare", "df_codes", "holm", "independence", "two_sided"]


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Holm's (1979) adjusted p values; NaN stays and does not count.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    if ((p < 0) | (p > 1)).any():
        raise ParameterError(f"p values lie between 0 and 1; {listing(p[(p < 0) | (p > 1)])} do not")
    out = np.full_like(p, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    out[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return out


def two_sided(estimate: FloatArray, se: FloatArray, df: npt.NDArray) -> FloatArray:
    """p values of t tests that the estimate is 0; without a standard error, none."""
    t = np.divide(np.abs(estimate), se, out=np.full_like(estimate, np.nan), where=se > 0)
    p = 2 * special.stdtr(np.maximum(df, 1), -t)
    return np.where(se == 0, np.where(estimate == 0, 1.0, 0.0), p)


def compare(
    design: SurveyDesign,
    variable: str,
    *,
    groups: str,
    reference: object | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Differences between the means of groups (1), every pair or each against one.

    Parameters
    ----------
    design : SurveyDesign
    variable : str
        Numeric column.
    groups : str
        Column of the groups.
    reference : optional
        A group to compare all others with. Default: every pair.

    Returns
    -------
    DataFrame
        A row per pair: group, versus, mean, mean_versus, estimate (mean - mean_versus), se, ci_low, ci_high,
        df, p_value, p_holm (Holm over the rows), n, n_versus.
    """
    design._sound()
    domain, domains = design.domains(groups)
    names = domains.iloc[:, 0].tolist()
    if len(names) < 2:
        raise DataError(f'"{groups}" has one group only ({names[0]}); there is nothing to compare')
    if reference is not None and reference not in names:
        raise ParameterError(f'reference={reference!r} is no group of "{groups}": {listing(names, most=20)}')
    y = values_of(design, variable)
    if not ((domain >= 0) & ~np.isnan(y)).any():
        raise DataError(
            f'"{variable}" has no answers in any group of "{groups}"; there is nothing to compare'
        )
    estimate, z, n, alone = influences(design, [y], domain, len(names))
    if len(design.structure.stages) == 1:
        mean(design, variable, by=groups)  # refuses groups inside one unit, by name
        alone = np.zeros_like(alone)
    inside = bool(alone.all())
    z = spread(design, z, alone)
    v = variance.covariance(design.structure, design.data, z, design.lonely, alone=alone, inside=inside)
    v[n < 2, :] = np.nan
    if reference is None:
        pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    else:
        pairs = [(i, names.index(reference)) for i in range(len(names)) if names[i] != reference]
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    difference = estimate[a] - estimate[b]
    se = np.sqrt(np.clip(v[a, a] + v[b, b] - v[a, b] - v[b, a], 0, None))
    df = _pair_df(design, domain, y, a, b, inside)
    low, high = intervals.t_interval(difference, se, df, confidence)
    p = two_sided(difference, se, df)
    return pd.DataFrame(
        {
            "group": [names[i] for i in a],
            "versus": [names[i] for i in b],
            "mean": estimate[a],
            "mean_versus": estimate[b],
            "estimate": difference,
            "se": se,
            "ci_low": low,
            "ci_high": high,
            "df": df,
            "p_value": p,
            "p_holm": holm(p),
            "n": n[a],
            "n_versus": n[b],
        }
    )


def _pair_df(
    design: SurveyDesign, domain: IntArray, y: FloatArray, a: IntArray, b: IntArray, inside: bool
) -> IntArray:
    """Units minus strata of two domains taken together, pair by pair."""
    unit, stratum = df_codes(design.structure, inside)
    rows = (domain >= 0) & ~np.isnan(y)
    triples = pd.DataFrame({"g": domain[rows], "u": unit[rows], "h": stratum[rows]}).drop_duplicates()
    by_group = {g: (set(t["u"]), set(t["h"])) for g, t in triples.groupby("g")}
    none: tuple[set, set] = (set(), set())
    out = []
    for i, j in zip(a, b, strict=True):
        (u1, h1), (u2, h2) = by_group.get(i, none), by_group.get(j, none)
        out.append(len(u1 | u2) - len(h1 | h2))
    return np.array(out, dtype=np.int64)


def df_codes(structure: Structure, inside: bool) -> tuple[IntArray, IntArray]:
    """Unit and stratum of each row that degrees of freedom count: the next stage's inside certainties."""
    first = structure.stages[0]
    if len(structure.stages) == 1:
        return first.unit, first.stratum
    second = structure.stages[1]
    deep = structure.certain[first.stratum] | inside
    return (
        np.where(deep, second.unit + first.n_units, first.unit),
        np.where(deep, second.stratum + len(first.size), first.stratum),
    )


TESTS = ("F", "Chisq", "Wald", "adjWald")
"""Tests of independence, by R's names."""


@dataclass(frozen=True)
class Independence:
    """Design-based test that two columns are independent."""

    statistic: float
    df1: float
    df2: float
    """Of F; infinite for a chi-squared statistic."""
    p_value: float
    n: int
    table: pd.DataFrame
    """Weighted counts."""
    test: str = "F"


def independence(design: SurveyDesign, a: str, b: str, *, statistic: str = "F") -> Independence:
    """Test of independence in a weighted two-way table.

    Parameters
    ----------
    a, b : str
        Columns of categories; rows with both count.
    statistic : "F", "Chisq", "Wald" or "adjWald"
        (2) to (5). The default holds its level best where units are few; Wald's tests reject too often there.

    Returns
    -------
    Independence
        statistic, df1, df2, p_value, n, table, test.

    Raises
    ------
    DataError
        If a column has fewer than two categories, or too few units are left for Wald's test.
    """
    test = next((name for name in TESTS if name.lower() == str(statistic).lower()), None)
    if test is None:
        raise ParameterError(f"statistic={statistic!r} is not one of {', '.join(TESTS)}")
    design._sound()
    if a == b:
        raise ParameterError(f'"{a}" is compared with itself; name two columns')
    rows, row_names = pd.factorize(column(design.data, a, "variable"), sort=True)
    columns, column_names = pd.factorize(column(design.data, b, "variable"), sort=True)
    both = (rows >= 0) & (columns >= 0) & (design.weights > 0)
    for name, codes in ((a, rows), (b, columns)):
        if len(np.unique(codes[both])) < 2:
            raise DataError(
                f'"{name}" has fewer than two categories among the {int(both.sum())} rows with both answers'
            )
    # Only categories that occur: empty ones would make empty rows of the table.
    used_r, row = np.unique(rows[both], return_inverse=True)
    used_c, col = np.unique(columns[both], return_inverse=True)
    r, c, n, w = len(used_r), len(used_c), int(both.sum()), design.weights[both]
    counts = np.bincount(row * c + col, w, r * c).astype(float).reshape(r, c)
    domain = np.where(both, 0, -1)
    nu = int(Plan(design.structure, design.data, domain, 1, design.lonely).counts(None)[2][0])
    if nu < 1:
        raise DataError(
            f'the rows with "{a}" and "{b}" lie in one unit a stratum, which says nothing about how units differ; '
            "join strata or take more units"
        )
    ask = _wald if "Wald" in test else _rao_scott
    value, scaled, df1, df2 = ask(design, both, row, col, counts, nu, test)
    p = special.chdtrc(df1, scaled) if np.isinf(df2) else special.fdtrc(df1, df2, scaled)
    table = pd.DataFrame(
        counts,
        index=pd.Index(row_names[used_r], name=a),
        columns=pd.Index(column_names[used_c], name=b),
    )
    return Independence(float(value), float(df1), float(df2), float(p), n, table, test)


def _rao_scott(
    design: SurveyDesign,
    both: npt.NDArray[np.bool_],
    row: IntArray,
    col: IntArray,
    counts: FloatArray,
    nu: int,
    test: str,
) -> tuple[float, float, float, float]:
    """The statistic, what its p value is of, and the degrees of freedom."""
    (r, c), n, w = counts.shape, len(row), design.weights[both]
    shares = counts / counts.sum()
    p, expected = shares.ravel(), np.outer(shares.sum(axis=1), shares.sum(axis=0)).ravel()
    cell = (row * c + col)[:, None] == np.arange(r * c)
    v = covariance_of_sums(design, both, (cell - p) * (w / w.sum())[:, None])
    x2 = n * ((p - expected) ** 2 / expected).sum()
    contrasts = _interaction(r, c)
    inverse = np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)[:, None]
    scaled = inverse * contrasts
    delta = np.linalg.solve(contrasts.T @ (inverse / n * contrasts), scaled.T @ v @ scaled)
    trace, m = float(np.trace(delta)), (r - 1) * (c - 1)
    if test == "Chisq":
        return x2, x2 * m / trace, m, np.inf  # (3)
    d = trace**2 / float(np.trace(delta @ delta))
    return x2 / trace, x2 / trace, d, d * nu  # (2)


def _wald(
    design: SurveyDesign,
    both: npt.NDArray[np.bool_],
    row: IntArray,
    col: IntArray,
    counts: FloatArray,
    nu: int,
    test: str,
) -> tuple[float, float, float, float]:
    (r, c), w = counts.shape, design.weights[both]
    m = (r - 1) * (c - 1)
    last = nu - m + 1 if test == "adjWald" else nu
    if nu < m or last < 1:
        raise DataError(
            f'{nu} degrees of freedom are too few for Wald\'s test of {m} differences; use statistic="F"'
        )
    of_row, of_col = counts.sum(axis=1) / counts.sum(), counts.sum(axis=0) / counts.sum()
    y = (counts - np.outer(of_row, of_col) * counts.sum())[1:, 1:].ravel()
    here = (row[:, None] == np.arange(1, r)).astype(float) - of_row[1:]
    there = (col[:, None] == np.arange(1, c)).astype(float) - of_col[1:]
    # Each person's part in the difference from independence, linearised at the margins.
    part = (here[:, :, None] * there[:, None, :]).reshape(len(w), m)
    v = covariance_of_sums(design, both, part * w[:, None])
    if np.linalg.matrix_rank(v) < m:
        raise DataError(f'the {m} differences have a singular covariance; use statistic="F"')
    wald = float(y @ np.linalg.solve(v, y)) / m  # (4)
    wald *= last / nu  # (5); last = nu for (4)
    return wald, wald, m, last


def _interaction(r: int, c: int) -> FloatArray:
    """Interaction columns with the main effects taken out, shape (r c, (r - 1)(c - 1))."""
    row, col = np.divmod(np.arange(r * c), c)
    rows = (row[:, None] == np.arange(1, r)).astype(float)
    cols = (col[:, None] == np.arange(1, c)).astype(float)
    main = np.column_stack([np.ones(r * c), rows, cols])
    inter = (rows[:, :, None] * cols[:, None, :]).reshape(r * c, -1)
    return inter - main @ np.linalg.lstsq(main, inter, rcond=None)[0]
