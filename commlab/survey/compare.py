"""Differences with their tests: between groups, and between two questions.

difference (1) D = a - b, Var D from the influences of a minus those of b; t with the df of both domains
           together. (R's ``svyttest`` is the same statistic with one df less.)
independence (2) X^2 / tr(Delta) ~ F(d, d nu), d = tr(Delta)^2 / tr(Delta^2): Rao & Scott (1984), second
           order; R: svychisq(statistic="F")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy import special

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals, variance
from commlab.survey.engine import influences, spread, values_of
from commlab.survey.estimate import mean
from commlab.survey.plan import Plan
from commlab.survey.structure import FloatArray, IntArray, Structure, column

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["Independence", "compare", "df_codes", "holm", "independence", "two_sided"]


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Holm's (1979) adjusted p values; NaN stays and does not count.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
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


@dataclass(frozen=True)
class Independence:
    """Rao-Scott test that two columns are independent."""

    statistic: float
    df1: float
    df2: float
    p_value: float
    n: int
    table: pd.DataFrame
    """Weighted counts."""


def independence(design: SurveyDesign, a: str, b: str) -> Independence:
    """Test of independence in a weighted two-way table (2).

    Parameters
    ----------
    a, b : str
        Columns of categories; rows with both count.

    Returns
    -------
    Independence
        statistic, df1, df2, p_value (of F), n, table.

    Raises
    ------
    DataError
        If a column has fewer than two categories.
    """
    design._sound()
    if a == b:
        raise ParameterError(f'"{a}" is compared with itself; name two columns')
    rows, row_names = pd.factorize(column(design.data, a, "variable"), sort=True)
    columns, column_names = pd.factorize(column(design.data, b, "variable"), sort=True)
    both = (rows >= 0) & (columns >= 0) & (design.weights > 0)
    rows, columns = np.where(both, rows, 0), np.where(both, columns, 0)
    for name, codes in ((a, rows), (b, columns)):
        if len(np.unique(codes[both])) < 2:
            raise DataError(
                f'"{name}" has fewer than two categories among the {int(both.sum())} rows with both answers'
            )
    # Only categories that occur: empty ones would make empty rows of the table.
    used_r, rows = np.unique(rows[both], return_inverse=True)
    used_c, columns = np.unique(columns[both], return_inverse=True)
    r, c, n = len(used_r), len(used_c), int(both.sum())
    w = design.weights[both]
    cell = rows * c + columns
    p = np.bincount(cell, w, r * c) / w.sum()
    z = np.zeros((len(both), r * c))
    z[both] = ((cell[:, None] == np.arange(r * c)) - p) * (w / w.sum())[:, None]
    sparse = spread(design, sp.csr_matrix(z), np.zeros(r * c, dtype=bool))
    v = variance.covariance(design.structure, design.data, sparse, design.lonely)
    expected = np.outer(p.reshape(r, c).sum(axis=1), p.reshape(r, c).sum(axis=0)).ravel()
    x2 = n * ((p - expected) ** 2 / expected).sum()
    contrasts = _interaction(r, c)
    inverse = np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)
    denominator = contrasts.T @ (inverse[:, None] / n * contrasts)
    scaled = inverse[:, None] * contrasts
    delta = np.linalg.solve(denominator, scaled.T @ v @ scaled)
    trace = float(np.trace(delta))
    d = trace**2 / float(np.trace(delta @ delta))
    domain = np.where(both, 0, -1)
    nu = int(Plan(design.structure, design.data, domain, 1, design.lonely).counts(None)[2][0])
    f = x2 / trace  # (2)
    table = pd.DataFrame(
        np.bincount(cell, w, r * c).reshape(r, c),
        index=pd.Index(row_names[used_r], name=a),
        columns=pd.Index(column_names[used_c], name=b),
    )
    return Independence(float(f), float(d), float(d * nu), float(special.fdtrc(d, d * nu, f)), n, table)


def _interaction(r: int, c: int) -> FloatArray:
    """Interaction columns with the main effects taken out, shape (r c, (r - 1)(c - 1))."""
    row, col = np.divmod(np.arange(r * c), c)
    rows = (row[:, None] == np.arange(1, r)).astype(float)
    cols = (col[:, None] == np.arange(1, c)).astype(float)
    main = np.column_stack([np.ones(r * c), rows, cols])
    inter = (rows[:, :, None] * cols[:, None, :]).reshape(r * c, -1)
    return inter - main @ np.linalg.lstsq(main, inter, rcond=None)[0]
